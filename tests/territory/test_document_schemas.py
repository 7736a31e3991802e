"""Documents of plans, timelines and overlays fit the JSON Schema that is made from the same fields."""

import copy
import datetime as dt
import json

import attrs
import pytest
from jsonschema import Draft202012Validator

from salesops.territory import (
    Overlay,
    SocialGraph,
    TerritoryPlan,
    Timeline,
    assign,
    by_team,
    overlay,
    proximity,
    within_teams,
)

SCORE = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "bolt"], "score": [5, 3]}


def drawn(*, lead_ids=("acme", "bolt", "cog"), **options):
    score = {"rep_id": ["ann", "bo"], "lead_id": list(lead_ids[:2]), "score": [5, 3]}
    leads = {"lead_id": list(lead_ids), "requires": ["x", None, None], "value": [3, 2, 1]}
    reps = {"rep_id": ["ann", "bo"], "skills": ["x", None]}
    return assign(reps, leads, score=score, **options)


def rich():
    """A plan whose document has every field."""
    current = {"lead_id": ["acme", "cog"], "rep_id": ["bo", "bo"]}
    plan = drawn(
        current=current,
        move_price=0.5,
        max_moves=2,
        locked={"lead_id": ["cog"], "rep_id": ["bo"]},
        forbidden={"lead_id": ["bolt"], "rep_id": ["ann"]},
        balance={"value": (0.9, 2.0)},
    )
    return attrs.evolve(plan.edited({"lead_id": ["bolt"], "rep_id": [None]}), flat_bound=9.0)


def in_teams():
    graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    reps = {"rep_id": ["ann", "bo"], "team": ["n", "s"], "capacity": [2, 2]}
    leads = {"lead_id": ["acme", "bolt"]}
    near = proximity(graph, reps, leads)
    teams, joint = by_team(reps, near)
    return within_teams(assign(teams, leads, joint), reps, leads, near)


def of_days():
    ids = (dt.date(2026, 1, 1), ("eu", 7), 3)
    return Timeline.of({"2026-01-01": drawn(lead_ids=ids), "2026-02-01": rich()}, until="2026-03-01")


def beside():
    plan = assign({"rep_id": ["ann", "bo"]}, {"lead_id": ["acme", "bolt"]}, score=SCORE)
    return overlay(plan, {"rep_id": ["eve"]}, score={"rep_id": ["eve"], "lead_id": ["bolt"], "score": [2]})


MADE = (drawn, rich, in_teams, of_days, beside)


@pytest.mark.parametrize("make", MADE)
def test_what_is_written_fits_the_schema(make):
    result = make()
    schema = type(result).json_schema()
    Draft202012Validator.check_schema(schema)
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)


@pytest.mark.parametrize("make", [rich, of_days, beside])
def test_a_field_that_is_missing_or_unknown_does_not_fit(make):
    result = make()
    check, document = Draft202012Validator(type(result).json_schema()), result.to_dict()
    for name in check.schema["required"]:
        assert not check.is_valid({key: value for key, value in document.items() if key != name}), name
    assert not check.is_valid({**document, "colour": "red"})


def test_the_schema_has_every_field_that_is_written():
    schema = TerritoryPlan.json_schema()
    assert set(rich().to_dict()) == set(schema["properties"])
    assert set(of_days().to_dict()) == set(Timeline.json_schema()["properties"])
    assert set(beside().to_dict()) == set(Overlay.json_schema()["properties"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("from", 0), "New Year"),
        (("plans", 0, "owner", 0), -2),
        (("plans", 0, "owner", 0), "ann"),
        (("plans", 0, "bound"), None),
        (("plans", 0, "leads", 0), {"day": "2026-01-01"}),
        (("plans", 1, "premises", "forbidden", 0), [1]),
        (("plans", 1, "fallback"), "warm"),
        (("until",), 7),
    ],
)
def test_a_wrong_value_anywhere_does_not_fit(path, value):
    document = copy.deepcopy(of_days().to_dict())
    *above, last = path
    inner = document
    for key in above:
        inner = inner[key]
    inner[last] = value
    check = Draft202012Validator(Timeline.json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert not check.is_valid(document)
