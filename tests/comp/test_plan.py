"""Plans as values and documents."""

import json
from decimal import Decimal
from fractions import Fraction

import attrs
import jsonschema
import pytest

from salesops import comp
from salesops.errors import InvalidInput

TIERS = [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "1/12"}]
WHOLE = {
    "schema_version": 1,
    "plan_id": "whole",
    "currency": "EUR",
    "components": [
        {"kind": "commission", "name": "a", "tiers": TIERS, "cap": {"amount": "9.50", "per": "deal"}},
        {
            "kind": "commission",
            "name": "b",
            "measure": "units",
            "basis": "attainment",
            "target": "100",
            "tiers": TIERS[:1],
        },
        {"kind": "bonus", "name": "c", "target": "10", "table": [{"from": "0", "pays": "0.5"}]},
    ],
    "cap": {"amount": "1000.00", "per": "period"},
    "guarantee": "10.00",
    "rounding": "half_even",
}
SHORT = {"schema_version": 1, "plan_id": "short", "tiers": TIERS, "style": "whole_amount"}


@pytest.mark.parametrize("document", [WHOLE, SHORT], ids=["whole", "short"])
def test_a_plan_travels_through_json_and_fits_its_schema(document):
    schema = jsonschema.Draft202012Validator(comp.CompPlan.json_schema())
    assert not list(schema.iter_errors(document))
    plan = comp.CompPlan.from_dict(document)
    assert comp.CompPlan.from_json(plan.to_json()) == plan
    assert hash(plan) == hash(comp.CompPlan.from_dict(plan.to_dict()))
    assert not list(schema.iter_errors(json.loads(plan.to_json())))


def test_the_short_form_is_the_plan_with_one_commission():
    long = {
        "schema_version": 1,
        "plan_id": "short",
        "components": [{"kind": "commission", "tiers": TIERS, "style": "whole_amount"}],
    }
    assert comp.CompPlan.from_dict(SHORT) == comp.CompPlan.from_dict(long)


def test_a_cap_may_be_its_amount_alone():
    plan = comp.CompPlan.from_dict(SHORT | {"cap": "400.00"})
    assert plan.cap == comp.Cap(amount=Decimal("400.00"), per="period")
    with pytest.raises(InvalidInput, match=r"\$\.cap: "):
        comp.CompPlan.from_dict(SHORT | {"cap": "four hundred"})


def test_rates_are_rationals_and_amounts_decimals():
    part = comp.CompPlan.from_dict(WHOLE).components[0]
    assert [tier.rate for tier in part.tiers] == [Fraction(1, 20), Fraction(1, 12)]
    assert part.cap.amount == Decimal("9.50")


def test_a_plan_is_changed_by_evolving_it_and_is_checked_again():
    plan = comp.CompPlan.from_dict(SHORT)
    assert attrs.evolve(plan, currency="USD").currency == "USD"
    with pytest.raises(InvalidInput, match="currency"):
        attrs.evolve(plan, currency="DOLLAR")


def test_the_example_plan_of_the_account_executives_is_read(root):
    plan = comp.CompPlan.from_json((root / "examples" / "plans" / "ae-2017.json").read_text(encoding="utf-8"))
    assert [part.kind for part in plan.components] == ["commission", "bonus", "commission"]
    assert plan.components[2].cap.per == "deal"
