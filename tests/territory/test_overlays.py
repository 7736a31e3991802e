"""Specialists who stand beside the owners of leads."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import InvalidInput
from salesops.territory import Overlay, SocialGraph, assign, overlay, proximity


@pytest.fixture(scope="module")
def world():
    made = datasets.make_territory(n_leads=200, n_reps=10, rng=8)
    sellers, engineers = made.reps.iloc[:7], made.reps.iloc[7:].assign(capacity=80)
    near = proximity(SocialGraph.from_ties(made.ties), made.reps, made.leads)
    return assign(sellers.assign(capacity=40), made.leads, near), engineers, made.leads, near


def small(**options):
    leads = pd.DataFrame({"lead_id": ["acme", "bolt", "cog"], "value": [3.0, 2, 1]})
    score = {"rep_id": ["ann", "bo", "bo"], "lead_id": ["acme", "bolt", "cog"], "score": [1, 1, 1]}
    plan = assign({"rep_id": ["ann", "bo"]}, leads, score=score)
    knows = {"rep_id": ["eve", "fay", "eve"], "lead_id": ["acme", "bolt", "cog"], "score": [5, 4, 1]}
    options = {"reps": {"rep_id": ["eve", "fay"]}, "score": knows, **options}
    return overlay(plan, options.pop("reps"), **options)


def beside(result):
    frame = result.to_frame()
    return {
        row.lead_id: None if pd.isna(row.overlay_rep_id) else row.overlay_rep_id for row in frame.itertuples()
    }


def test_each_lead_gets_the_specialist_who_scores_most():
    assert beside(small()) == {"acme": "eve", "bolt": "fay", "cog": "eve"}


def test_the_owner_and_the_role_stand_in_the_frame():
    frame = small(role="product specialist").to_frame()
    assert frame["rep_id"].tolist() == ["ann", "bo", "bo"]
    assert frame["role"].unique().tolist() == ["product specialist"]


def test_capacity_of_specialists_holds():
    result = small(reps={"rep_id": ["eve", "fay"], "capacity": [1, 2]})
    assert beside(result) == {"acme": "eve", "bolt": "fay", "cog": "fay"}
    assert result.loads()["n_owners"].tolist() == [1, 1]


def test_what_leads_require_of_a_specialist_holds():
    wanted = {"lead_id": ["acme", "bolt", "cog"], "requires": [["sql"], None, None]}
    result = small(reps={"rep_id": ["eve", "fay"], "skills": [None, ["sql"]]}, leads=wanted)
    assert beside(result) == {"acme": "fay", "bolt": "fay", "cog": "eve"}


def test_a_territory_has_one_specialist_for_all_its_leads():
    assert beside(small(of="territories")) == {"acme": "eve", "bolt": "fay", "cog": "fay"}


def test_a_territory_takes_the_workload_and_asks_for_the_skills_of_all_its_leads():
    wanted = {"lead_id": ["acme", "bolt", "cog"], "workload": [1, 2, 3], "requires": [None, ["sql"], ["fr"]]}
    specialists = {"rep_id": ["eve", "fay"], "capacity": [5, 9], "skills": [["sql"], ["sql", "fr"]]}
    result = small(of="territories", leads=wanted, reps=specialists)
    assert beside(result) == {"acme": "eve", "bolt": "fay", "cog": "fay"}
    assert result.loads()["load"].tolist() == [1, 5]


def test_nobody_stands_beside_herself(world):
    plan, _, leads, near = world
    for of in ("leads", "territories"):
        result = overlay(plan, {"rep_id": [0, 1]}, near, of=of)
        frame = result.to_frame()
        assert not (frame["rep_id"] == frame["overlay_rep_id"]).any()
    assert len(frame) == len(leads)


def test_a_specialist_supports_several_owners(world):
    plan, engineers, _, near = world
    result = overlay(plan, engineers, near, of="territories")
    frame = result.to_frame()
    assert len(frame[["rep_id", "overlay_rep_id"]].drop_duplicates()) == 7
    assert result.loads()["n_owners"].sum() == 7
    assert result.plan.gap is not None


def test_leads_of_an_overlay_are_assigned_as_any_others(world):
    plan, engineers, leads, near = world
    result = overlay(plan, engineers, near)
    again = assign(engineers, leads, near)
    assert result.to_frame()["overlay_rep_id"].tolist() == again.to_frame()["rep_id"].tolist()
    assert result.plan.bound == again.bound


def test_the_score_of_a_territory_is_that_of_its_leads(world):
    plan, engineers, leads, near = world
    result = overlay(plan, engineers, near, of="territories")
    owner = plan.to_frame().set_index("lead_id")["rep_id"]
    value = leads.set_index("lead_id")["value"]
    pairs = near.to_frame()
    total = {}
    for row in pairs.itertuples():
        key = (owner[row.lead_id], row.rep_id)
        total[key] = total.get(key, 0.0) + row.score * value[row.lead_id]
    for row in result.plan.to_frame().itertuples():
        assert row.score == pytest.approx(total.get((row.lead_id, row.rep_id), 0.0))


def test_leads_without_an_owner_are_left_out_unless_asked_for():
    plan = assign({"rep_id": ["ann"], "capacity": [1]}, {"lead_id": ["acme", "bolt"]}, score={
        "rep_id": ["ann"], "lead_id": ["acme"], "score": [1]})  # fmt: skip
    knows = {"rep_id": ["eve"] * 2, "lead_id": ["acme", "bolt"], "score": [1, 1]}
    known = {"rep_id": ["eve"], "lead_id": ["acme"], "score": [1]}
    assert beside(overlay(plan, {"rep_id": ["eve"]}, score=known)) == {"acme": "eve"}
    asked = {"lead_id": ["acme", "bolt"]}
    whole = overlay(plan, {"rep_id": ["eve"]}, score=knows, leads=asked)
    assert beside(whole) == {"acme": "eve", "bolt": "eve"}
    part = overlay(plan, {"rep_id": ["eve"]}, score=knows, leads=asked, of="territories")
    assert beside(part) == {"acme": "eve", "bolt": None}
    assert "nobody to stand beside" in str(part.explain("bolt"))


def test_an_overlay_survives_the_journey_through_json(world):
    plan, engineers, _, near = world
    for of in ("leads", "territories"):
        result = overlay(plan, engineers, near, of=of, role="engineer")
        back = Overlay.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
        assert back.to_dict() == result.to_dict()
        pd.testing.assert_frame_equal(back.to_frame(), result.to_frame())


def test_a_document_that_is_no_overlay_is_refused():
    document = small().to_dict()
    with pytest.raises(InvalidInput, match=r"\$.more: unknown field"):
        Overlay.from_dict({**document, "more": 1})
    with pytest.raises(InvalidInput, match=r"\$.unit: the field is missing"):
        Overlay.from_dict({name: part for name, part in document.items() if name != "unit"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "teams"}, "of: unknown choice"),
        ({"role": " "}, "says what the specialists do"),
        ({"leads": {"lead_id": ["acme", "who"]}}, "names an id that the plan does not have"),
        ({"score": None}, "nothing to maximise"),
        ({"score": None, "of": "territories"}, "nothing to maximise"),
        ({"of": "territories", "match": "segment"}, "no meaning for territories"),
        ({"reps": {"rep_id": ["eve", "eve"]}}, "more than one row"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        small(**options)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_no_overlay_of_territories_scores_more_than_its_bound(seed):
    """Every way to give three owners one of three specialists is tried."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, 3, 8)
    plan = assign({"rep_id": range(3)}, {"lead_id": range(10, 18)}, score={
        "rep_id": owner, "lead_id": range(10, 18), "score": [1] * 8})  # fmt: skip
    pairs = pd.DataFrame(itertools.product("xyz", range(10, 18)), columns=["rep_id", "lead_id"])
    pairs["score"] = rng.integers(0, 9, len(pairs))
    specialists = {"rep_id": list("xyz"), "capacity": [5, 5, 5]}
    load = np.bincount(owner, minlength=3)
    table = pairs["score"].to_numpy().reshape(3, 8)
    worth = {(rep, o): table[k, owner == o].sum() for k, rep in enumerate("xyz") for o in range(3)}
    result = overlay(plan, specialists, score=pairs, of="territories")
    present = [o for o in range(3) if load[o]]
    best, most = -1, 0
    for choice in itertools.product(["", *"xyz"], repeat=len(present)):
        if any(sum(load[o] for o, c in zip(present, choice, strict=True) if c == r) > 5 for r in "xyz"):
            continue
        total = sum(worth[c, o] for o, c in zip(present, choice, strict=True) if c)
        held = sum(c != "" for c in choice)
        if (held, total) > (most, best):
            best, most = total, held
    assert int((result.plan.owner >= 0).sum()) == most
    assert result.plan.total_score == pytest.approx(best)
    assert result.plan.bound >= best - 1e-9


def test_the_order_of_rows_changes_nothing(world):
    plan, engineers, leads, near = world
    for of in ("leads", "territories"):
        one = overlay(plan, engineers, near, of=of, leads=leads)
        other = overlay(plan, engineers.iloc[::-1], near, of=of, leads=leads.iloc[::-1])
        assert one.to_dict() == other.to_dict()
