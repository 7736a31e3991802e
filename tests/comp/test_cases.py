"""Worked cases that a person can check by hand, restated from public sources as plan documents.

Each case gives a plan, the amounts credited to one rep in order, perhaps a quota of each period, and what is
paid: in all (``payout``), by credit, or line by line.
"""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from salesops import comp
from salesops.models import FiscalCalendar

CASES = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))


def run_case(case):
    plan = comp.CompPlan.from_dict(case["plan"])
    quarters = {period.name: period for period in FiscalCalendar().periods(2024, by="quarter")}
    rows = [
        {
            "credit_id": k,
            "rep_id": "r",
            "amount": credit["amount"],
            "measure": credit.get("measure", "amount"),
            "earned_on": quarters[credit.get("period", "2024-Q1")].start,
        }
        for k, credit in enumerate(case["credits"])
    ]
    quotas = [{"rep_id": "r", "amount": case["quota"]}] if "quota" in case else None
    return comp.calculate(plan, rows, quotas=quotas, periods=quarters.values())


def minor(texts):
    return [int(Fraction(text) * 100) for text in texts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_worked_case_pays_what_it_says(case):
    run = run_case(case)
    lines = run.lines()
    assert run.payouts()["earned"].sum() == int(Fraction(case["payout"]) * 100)
    if "lines" in case:
        assert lines["amount"].tolist() == minor(case["lines"])
    if "by_credit" in case:
        by_credit = lines.groupby("credit_id")["amount"].sum()
        assert by_credit.sort_index().tolist() == minor(case["by_credit"])
    if "bases" in case:
        assert [Fraction(base) for base in lines["base"]] == [Fraction(base) for base in case["bases"]]
    if "rates" in case:
        assert lines["rate"].tolist() == case["rates"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_plan_of_a_case_travels_as_a_document(case):
    plan = comp.CompPlan.from_dict(case["plan"])
    assert comp.CompPlan.from_json(plan.to_json()) == plan


def test_a_year_is_recalculated_and_the_difference_is_paid_back():
    """Convious: monthly at the first rate, then the year at the rate reached (tu-03)."""
    tiers = [
        {"from": "0", "rate": "0.10"},
        {"from": "10000", "rate": "0.07"},
        {"from": "20000", "rate": "0.05"},
    ]
    plan = comp.CompPlan(
        plan_id="year",
        currency="EUR",
        negative="allow",
        components=[comp.Commission(tiers=tiers, style="whole_amount", accumulate="year")],
    )
    periods = FiscalCalendar().periods(2024, by="quarter")
    rows = [
        {"credit_id": k, "rep_id": "r", "amount": amount, "earned_on": period.start}
        for k, (amount, period) in enumerate(zip(["9000", "9000", "7000"], periods, strict=False))
    ]
    run = comp.calculate(plan, rows, periods=periods)
    assert run.payouts()["earned"].tolist() == [90000, 36000, -1000]


def test_a_quota_is_prorated_by_days_of_the_year():
    """S. M. Masters: from June 1 to the end of the year, 214 of 365 days (pr-01)."""
    plan = comp.CompPlan(
        plan_id="p",
        currency="USD",
        components=[comp.Commission(basis="attainment", tiers=[{"from": "0", "rate": "1"}])],
    )
    run = comp.calculate(
        plan,
        [{"credit_id": 1, "rep_id": "r", "amount": "1", "earned_on": "2019-07-01"}],
        quotas=[{"rep_id": "r", "amount": "800000", "start": "2019-06-01"}],
        periods=FiscalCalendar().periods(2019, by="year"),
        prorate="days",
    )
    assert run.attainment()["quota"].tolist() == [46904110]
