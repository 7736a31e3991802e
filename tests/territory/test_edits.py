"""What-if edits: other owners for some leads, and everything that follows from them."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import InvalidInput
from salesops.territory import SocialGraph, TerritoryPlan, assign, compare, proximity, realign

REPS = pd.DataFrame({"rep_id": ["ann", "bo", "cy"], "capacity": [2, 2, 2], "skills": [["fr"], [], []]})
LEADS = pd.DataFrame(
    {"lead_id": ["acme", "bolt", "cog", "dyn"], "value": [4.0, 3, 2, 1], "requires": [["fr"], [], [], []]}
)
PAIRS = pd.DataFrame(
    [(r, lead, 1 + (5 * i + 3 * j) % 7) for i, r in enumerate(REPS["rep_id"]) for j, lead in
     enumerate(LEADS["lead_id"])],
    columns=["rep_id", "lead_id", "score"],
)  # fmt: skip


def moves(**owners):
    return pd.DataFrame({"lead_id": list(owners), "rep_id": list(owners.values())}, dtype=object)


def owners(plan):
    frame = plan.to_frame()
    return dict(zip(frame["lead_id"], frame["rep_id"], strict=True))


@pytest.fixture(scope="module")
def plan():
    return assign(REPS, LEADS, score=PAIRS)


@pytest.fixture(scope="module")
def world():
    made = datasets.make_territory(n_leads=400, n_reps=8, rng=5)
    near = proximity(SocialGraph.from_ties(made.ties), made.reps, made.leads, top=4)
    return made, near, assign(made.reps, made.leads, near, balance={"value": 0.3})


def score_of(rep, lead):
    return PAIRS.set_index(["rep_id", "lead_id"])["score"].get((rep, lead), 0)


def test_a_moved_lead_has_the_new_owner_and_her_score(plan):
    after = plan.edited(moves(dyn="bo"))
    row = after.to_frame().set_index("lead_id").loc["dyn"]
    assert row["rep_id"] == "bo"
    assert row["score"] == score_of("bo", "dyn")
    assert row["reason"] == "edited"


def test_leads_that_are_not_named_stay_as_they_are(plan):
    before, after = (
        one.to_frame().set_index("lead_id").drop("dyn") for one in (plan, plan.edited(moves(dyn="bo")))
    )
    pd.testing.assert_frame_equal(before, after)


def test_the_plan_itself_does_not_change(plan):
    before = plan.to_dict()
    plan.edited(moves(dyn="cy", cog=None))
    assert plan.to_dict() == before


def test_an_edit_that_breaks_a_limit_is_listed_and_has_no_gap(plan):
    after = plan.edited(moves(acme="ann", bolt="ann", cog="ann"))
    assert [fault.path for fault in after.violations] == ["reps.capacity"]
    assert after.gap is None
    assert "violates" in after.no_gap_reason


def test_a_sound_edit_is_compared_with_the_bound_of_the_plan(plan):
    for perm in itertools.permutations(["ann", "bo", "bo", "cy"]):
        if perm[0] != "ann":
            continue
        after = plan.edited(moves(**dict(zip(LEADS["lead_id"], perm, strict=True))))
        assert after.bound == plan.bound
        assert after.gap == pytest.approx((plan.bound - after.total_score) / plan.bound, abs=1e-12)


def test_a_lead_without_what_it_asks_for_is_a_violation(plan):
    after = plan.edited(moves(acme="bo"))
    assert "lacks skill 'fr'" in after.violations[0].values[0]


def test_a_broken_lock_and_a_broken_ban_are_violations():
    drawn = assign(
        REPS,
        LEADS,
        score=PAIRS,
        locked={"lead_id": ["dyn"], "rep_id": ["bo"]},
        forbidden={"lead_id": ["cog"], "rep_id": ["cy"]},
    )
    after = drawn.edited(moves(dyn="cy", cog="cy"))
    assert {fault.path for fault in after.violations} >= {"locked", "forbidden"}
    told = {fault.path: fault.values for fault in after.violations}
    assert told["locked"] == ("'cy', locked to 'bo'",)
    assert told["forbidden"] == ("'cy'",)


def test_a_lead_left_alone_has_no_gap_where_the_bound_counts_it_as_owned(plan):
    after = plan.edited(moves(dyn=None))
    assert not after.violations
    assert after.gap is None
    assert "without an owner" in after.no_gap_reason


def test_a_lead_left_alone_breaks_require_all():
    drawn = assign(REPS, LEADS, score=PAIRS, require_all=True)
    assert drawn.edited(moves(dyn=None)).violations[0].path == "require_all"


def test_more_moves_than_may_are_a_violation():
    current = {"lead_id": LEADS["lead_id"], "rep_id": ["ann", "bo", "bo", "cy"]}
    drawn = assign(REPS, LEADS, score=PAIRS, current=current, max_moves=0)
    after = drawn.edited(moves(dyn="bo", bolt="cy"))
    assert after.violations[-1].path == "max_moves"
    assert after.n_moved == 2


def test_the_price_of_moves_is_in_the_gap():
    current = {"lead_id": LEADS["lead_id"], "rep_id": ["ann", "bo", "bo", "cy"]}
    drawn = assign(REPS, LEADS, score=PAIRS, current=current, move_price=0.5)
    again = drawn.edited(moves(**dict(zip(LEADS["lead_id"], ["ann", "cy", "bo", "cy"], strict=True))))
    gross = drawn.bound + 0.5 * 4
    worth = again.total_score - 0.5 * again.n_moved
    assert again.gap == pytest.approx((drawn.bound - worth) / gross, abs=1e-12)


def test_an_owner_without_a_connection_breaks_the_fallback():
    known = PAIRS[(PAIRS["rep_id"] != "cy")]
    drawn = assign(REPS, LEADS, score=known, fallback="none")
    after = drawn.edited(moves(dyn="cy"))
    assert after.violations[0].path == "fallback"
    assert after.to_frame().set_index("lead_id").loc["dyn", "reason"] == "edited, cold"


def test_workload_follows_the_owner_where_it_depends_on_her():
    pairs = PAIRS.assign(workload=PAIRS["score"] / 10)
    drawn = assign(REPS.drop(columns="skills"), LEADS[["lead_id"]], score=pairs)
    after = drawn.edited(moves(**dict.fromkeys(LEADS["lead_id"], "cy")))
    expected = pairs[pairs["rep_id"] == "cy"]["workload"].sum()
    assert after.loads().set_index("rep_id").loc["cy", "load"] == pytest.approx(expected)


def test_explain_says_that_and_what_an_edit_did(plan):
    row = plan.to_frame().set_index("lead_id").loc["dyn"]
    other = next(rep for rep in REPS["rep_id"] if rep != row["rep_id"])
    told = plan.edited(moves(dyn=other)).explain("dyn")
    assert f"the plan was drawn with the lead owned by rep {row['rep_id']!r}" in str(told)
    assert told.facts["edited_from"] == row["rep_id"]
    assert told.facts["gained"] == score_of(other, "dyn") - row["score"]


def test_compare_takes_an_edited_plan(plan):
    both = compare({"plan": plan, "what if": plan.edited(moves(dyn="cy", cog="bo"))})
    assert set(both.moved("plan", "what if")["lead_id"]) <= {"dyn", "cog"}


def test_what_if_names_what_each_move_breaks(plan):
    full = plan.edited(moves(bolt="bo", cog="bo", dyn="cy", acme="ann"))
    frame = full.what_if(moves(acme="cy", dyn="bo", cog="cy")).set_index("lead_id")
    assert frame["breaks"].to_dict() == {"acme": "skill 'fr'", "cog": "", "dyn": "capacity"}
    assert frame.loc["cog", "difference"] == score_of("cy", "cog") - score_of("bo", "cog")


def test_an_edited_plan_survives_the_journey_through_json(world):
    made, near, drawn = world
    after = drawn.edited({"lead_id": made.leads["lead_id"][:5], "rep_id": [0, 1, 2, 3, None]})
    document = json.loads(json.dumps(after.to_dict(), allow_nan=False))
    back = TerritoryPlan.from_dict(document)
    assert back.to_dict() == after.to_dict()
    undone = back.edited(drawn.to_frame()[["lead_id", "rep_id"]], prox=near)
    assert undone.to_dict() == drawn.to_dict()


def test_a_plan_from_a_document_needs_its_proximity_to_be_edited(world):
    _, near, drawn = world
    back = TerritoryPlan.from_dict(json.loads(json.dumps(drawn.to_dict())))
    with pytest.raises(InvalidInput, match="does not hold it") as caught:
        back.edited({"lead_id": [10], "rep_id": [0]})
    assert [fault.path for fault in caught.value.problems] == ["prox"]
    with pytest.raises(InvalidInput, match="leave it out"):
        drawn.edited({"lead_id": [10], "rep_id": [0]}, prox=near)


def test_a_proximity_that_is_not_the_plans_is_refused(world):
    made, _, drawn = world
    other = proximity(SocialGraph.from_ties(made.ties), made.reps, made.leads, method="katz", top=4)
    with pytest.raises(InvalidInput, match="another score with its owner"):
        TerritoryPlan.from_dict(drawn.to_dict()).edited({"lead_id": [10], "rep_id": [0]}, prox=other)


def test_a_document_of_an_older_version_still_loads_and_says_that_it_cannot_be_edited(plan):
    document = plan.to_dict()
    del document["premises"]
    old = TerritoryPlan.from_dict(document)
    assert owners(old) == owners(plan)
    with pytest.raises(InvalidInput, match="does not say what it was asked to keep"):
        old.edited(moves(dyn="bo"))


def test_every_fault_of_the_moves_is_named_at_once(plan):
    wrong = pd.DataFrame(
        {"lead_id": ["acme", "acme", "bolq", "dyn"], "rep_id": ["bo", "cy", "bo", "dee"]}, dtype=object
    )
    with pytest.raises(InvalidInput) as caught:
        plan.edited(wrong)
    assert str(caught.value) == (
        "edits: 3 problems\n"
        "- moves.lead_id: the id stands in more than one row (row 0 ('acme', 'bo'): 'acme', "
        "row 1 ('acme', 'cy'): 'acme'); keep one row for each id\n"
        "- moves.lead_id: names an id that the plan does not have (row 2: 'bolq'); "
        "did you mean 'bolt'?\n"
        "- moves.rep_id: names an id that the plan does not have (row 3: 'dee')"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"lead_id": ["acme"]},
        {"rep_id": ["ann"]},
        {"lead_id": [None], "rep_id": ["ann"]},
        {"lead_id": [["acme"]], "rep_id": ["ann"]},
        "acme",
        3,
    ],
)
def test_what_is_no_table_of_moves_is_refused(plan, wrong):
    with pytest.raises(InvalidInput, match=r"moves|edits"):
        plan.edited(wrong)


def test_no_moves_give_the_plan_back(plan):
    assert plan.edited({"lead_id": [], "rep_id": []}) is plan


def test_ids_of_other_types_are_other_ids():
    drawn = assign({"rep_id": [1, 2]}, {"lead_id": [10, 11]}, score={
        "rep_id": [1, 2], "lead_id": [10, 11], "score": [1, 1]})  # fmt: skip
    with pytest.raises(InvalidInput, match="another type"):
        drawn.edited({"lead_id": ["10"], "rep_id": [1]})
    assert drawn.edited({"lead_id": [10], "rep_id": [2]}).owner.tolist() == [1, 1]


random_moves = st.dictionaries(st.integers(8, 407), st.one_of(st.none(), st.integers(0, 7)), max_size=12)


def table(chosen):
    return pd.DataFrame({"lead_id": list(chosen), "rep_id": list(chosen.values())}, dtype=object)


@settings(max_examples=25)
@given(random_moves, random_moves)
def test_edits_add_up_and_the_later_one_wins(world, first, second):
    drawn = world[2]
    step_by_step = drawn.edited(table(first)).edited(table(second))
    at_once = drawn.edited(table({**first, **second}))
    assert step_by_step.to_dict() == at_once.to_dict()


@settings(max_examples=25)
@given(random_moves)
def test_an_edit_taken_back_restores_the_plan(world, chosen):
    drawn = world[2]
    after = drawn.edited(table(chosen)).edited(drawn.to_frame()[["lead_id", "rep_id"]])
    assert after.to_dict() == drawn.to_dict()


@settings(max_examples=25)
@given(random_moves, st.randoms(use_true_random=False))
def test_the_order_of_moves_changes_nothing(world, chosen, shuffle):
    drawn, items = world[2], list(chosen.items())
    shuffle.shuffle(items)
    assert drawn.edited(table(dict(items))).to_dict() == drawn.edited(table(chosen)).to_dict()


@settings(max_examples=25)
@given(random_moves)
def test_an_edited_plan_is_what_the_tables_say(world, chosen):
    """Everything is counted again here, from frames and in plain Python."""
    made, near, drawn = world
    after = drawn.edited(table(chosen))
    known = {(row.lead_id, row.rep_id): row.score for row in near.to_frame().itertuples()}
    owner = {lead: rep for lead, rep in owners(drawn).items() if pd.notna(rep)} | chosen
    value = made.leads.set_index("lead_id")["value"]
    load = dict.fromkeys(made.reps["rep_id"], 0)
    worth = dict.fromkeys(made.reps["rep_id"], 0.0)
    for row in after.to_frame().itertuples():
        rep = owner.get(row.lead_id)
        assert (None if pd.isna(row.rep_id) else row.rep_id) == rep
        near_by = known.get((row.lead_id, rep), 0.0)
        assert row.proximity == near_by
        assert row.score == value[row.lead_id] * near_by
        if rep is not None:
            load[rep] += 1
            worth[rep] += value[row.lead_id]
    assert after.loads()["load"].tolist() == list(load.values())
    np.testing.assert_allclose(after.loads()["value"], list(worth.values()))
    over = [rep for rep, n in load.items() if n > made.reps["capacity"].iloc[0]]
    listed = [fault.ids for fault in after.violations if fault.path == "reps.capacity"]
    assert listed == ([tuple(map(repr, over))] if over else [])
    fair = value.sum() / 8
    astray = {repr(rep) for rep, total in worth.items() if not 0.7 * fair <= total <= 1.3 * fair}
    assert {who for fault in after.violations if fault.path == "balance.value" for who in fault.ids} == astray
    assert (after.gap is None) == bool(after.violations or None in chosen.values())


@settings(max_examples=20)
@given(random_moves)
def test_an_edit_equals_a_plan_with_those_locks(world, chosen):
    """Locking every lead to its owner draws the same plan, but for reasons and bounds."""
    made, near, drawn = world
    after = drawn.edited(table({lead: rep for lead, rep in chosen.items() if rep is not None}))
    locks = after.to_frame()[["lead_id", "rep_id"]]
    again = assign(made.reps.drop(columns="capacity"), made.leads, near, locked=locks)
    for name in ("owner", "score", "proximity", "closest", "runner_up", "runner_up_score", "hops"):
        np.testing.assert_array_equal(getattr(after, name), getattr(again, name), err_msg=name)
    np.testing.assert_array_equal(after.used[:, 0], again.used[:, 0])


def test_an_edited_plan_can_be_realigned(world):
    made, near, _ = world
    drawn = assign(made.reps, made.leads, near)
    one, other = (int(drawn.lead_labels[int(np.argmax(drawn.owner == rep))]) for rep in (0, 1))
    after = drawn.edited({"lead_id": [one, other], "rep_id": [1, 0]})
    assert realign(after, max_moves=0).n_moved == 0
    repaired = realign(after, reps=made.reps[made.reps["rep_id"] != 3], effort="repair")
    assert repaired.edits is None
    assert len(repaired.premises.locked) == len(repaired.owner)


@settings(max_examples=12)
@given(random_moves)
def test_what_if_agrees_with_editing_each_move_alone(world, chosen):
    drawn = world[2]
    assert not drawn.violations
    for row in drawn.what_if(table(chosen)).itertuples():
        alone = drawn.edited(table({row.lead_id: None if pd.isna(row.to_rep_id) else row.to_rep_id}))
        assert bool(row.breaks) == bool(alone.violations)
        assert row.difference == pytest.approx(alone.total_score - drawn.total_score, abs=1e-9)


NOTHING = {"rep_id": [], "lead_id": [], "score": []}


def test_a_plan_without_reps_or_without_leads_can_be_asked():
    alone = assign({"rep_id": []}, {"lead_id": ["acme"]}, score=NOTHING)
    nobody = {"lead_id": ["acme"], "rep_id": [None]}
    assert alone.edited(nobody) is alone
    assert alone.what_if(nobody)["breaks"].tolist() == [""]
    idle = assign({"rep_id": ["ann"]}, {"lead_id": []}, score=NOTHING)
    assert idle.what_if({"lead_id": [], "rep_id": []}).empty


def test_ids_may_be_tuples():
    pair = pd.Series([("ann", 1)], dtype=object), pd.Series([("acme", 1)], dtype=object)
    score = pd.DataFrame({"rep_id": pair[0], "lead_id": pair[1], "score": [1]})
    drawn = assign({"rep_id": [("ann", 1), ("bo", 2)]}, {"lead_id": [("acme", 1)]}, score=score)
    after = drawn.edited({"lead_id": [("acme", 1)], "rep_id": [("bo", 2)]})
    assert after.to_frame()["rep_id"].tolist() == [("bo", 2)]
    assert after.metrics()["n_cold"].tolist() == [1]
