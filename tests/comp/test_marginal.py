"""What the next credit would pay, and where the next tier begins."""

import random
from fractions import Fraction

import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import FiscalCalendar

TIERS = [{"from": "0", "rate": "0.05"}, {"from": "1", "rate": "0.10"}, {"from": "1.5", "rate": "0.15"}]


def plan(*components, **fields):
    document = {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": list(components)}
    return comp.CompPlan.from_dict(document | fields)


def credit(name, amount, on="2024-01-01", rep="r", **columns):
    return {"credit_id": name, "rep_id": rep, "amount": amount, "earned_on": on, **columns}


def test_the_next_amount_is_paid_across_tiers_and_the_next_tier_is_named():
    part = {"kind": "commission", "basis": "attainment", "tiers": TIERS}
    run = comp.calculate(plan(part), [credit("c1", "900")], quotas=[{"rep_id": "r", "amount": "1000"}])
    answer = run.marginal("r", 1000)
    assert answer.earned == 500 + 5000 + 4000 * 15 // 10
    (tier,) = answer.next_tiers
    assert (tier.credited, tier.starts_at, tier.needed) == (90000, 100000, 10000)
    assert tier.rate == Fraction(1, 10)
    assert answer.to_dict()["next_tiers"][0]["rate"] == "0.1"


def test_a_cap_and_a_draw_are_seen():
    part = {"kind": "commission", "tiers": [{"from": "0", "rate": "1"}]}
    draw = {"kind": "draw", "amount": "100"}
    run = comp.calculate(plan(part, draw, cap="120.00"), [credit("c1", "80")])
    answer = run.marginal("r", "1000")
    assert (answer.earned, answer.paid) == (4000, 2000)


def test_the_year_to_date_decides_where_the_next_tier_is():
    part = {
        "kind": "commission",
        "accumulate": "year",
        "tiers": [{"from": "0", "rate": "0.1"}, {"from": "300", "rate": "0.2"}],
    }
    quarters = FiscalCalendar().periods(2024, by="quarter")
    rows = [credit("c1", "100"), credit("c2", "50", "2024-04-01"), credit("c3", "70", "2024-07-01")]
    run = comp.calculate(plan(part), rows, periods=quarters)
    assert run.marginal("r", 1, period="2024-Q2").next_tiers[0].needed == 15000
    assert run.marginal("r", 1, period="2024-Q3").next_tiers[0].needed == 8000


def test_conditions_ask_for_the_columns_of_the_credit():
    general = {"kind": "commission", "name": "general", "tiers": [{"from": "0", "rate": "0.1"}]}
    where = [{"field": "product", "in": ["B"]}]
    special = {
        "kind": "commission",
        "name": "special",
        "tiers": [{"from": "0", "rate": "0.5"}],
        "where": where,
    }
    run = comp.calculate(plan(general, special), [credit("c1", "10", product="A")])
    assert run.marginal("r", 100).earned == 1000
    assert run.marginal("r", 100, fields={"product": "B"}).earned == 5000


@pytest.mark.parametrize("seed", range(20))
def test_the_answer_is_that_of_a_run_with_the_credit(seed):
    rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
    style = rng.choice(["marginal", "whole_amount"])
    part = {"kind": "commission", "basis": "attainment", "tiers": TIERS, "style": style}
    rows = [credit(f"c{k}", str(rng.randint(1, 900)), rep=rng.choice("ab")) for k in range(6)]
    rows += [credit("a0", "1", rep="a"), credit("b0", "1", rep="b")]
    quotas = [{"rep_id": rep, "amount": "1000"} for rep in "ab"]
    more = str(rng.randint(1, 2000))
    run = comp.calculate(plan(part), rows, quotas=quotas)
    again = comp.calculate(plan(part), [*rows, credit("z", more, rep="a")], quotas=quotas)
    gain = again.statement("a").earned - run.statement("a").earned
    assert run.marginal("a", more).earned == gain


def test_an_unknown_rep_or_amount_is_refused():
    run = comp.calculate(
        plan({"kind": "commission", "tiers": [{"from": "0", "rate": "1"}]}), [credit("c", "1")]
    )
    for rep, amount, names in (("q", "1", "'q'"), ("r", 0.1, "0.1"), ("r", "1.005", "1.005")):
        with pytest.raises(InvalidInput, match=names):
            run.marginal(rep, amount)
