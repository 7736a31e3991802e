"""Some reps calculated alone: those who are asked for must be there."""

import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

PLAN = comp.CompPlan(
    plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}]
)
MONTH = [Period(name="2024-01", start="2024-01-01", end="2024-02-01")]
SALES = [
    {"credit_id": f"c{k}", "rep_id": rep, "amount": "100.00", "earned_on": "2024-01-05"}
    for k, rep in enumerate(["anna", "ben", 7])
]


def run_of(credits=SALES, **options):
    return comp.calculate(PLAN, credits, periods=MONTH, **options)


def test_reps_whom_nobody_knows_are_refused_by_name():
    with pytest.raises(InvalidInput) as caught:
        run_of(only=["anna", "bem", "7", None])
    assert caught.value.problems[0].values == ("'bem'", "'7'", "None")
    assert caught.value.problems[0].suggestions == ("'ben'", "7")


@pytest.mark.parametrize("only", ["anna", [], 7, [["anna"]]], ids=repr)
def test_what_is_no_list_of_reps_is_refused(only):
    with pytest.raises(InvalidInput, match="only: names the reps to calculate"):
        run_of(only=only)


def test_reps_are_known_by_any_table_and_asked_for_by_any_iterable():
    run = run_of(
        only=(rep for rep in ["ben", "cyd"]), reps=[{"rep_id": r} for r in ["anna", "ben", "cyd", 7]]
    )
    assert dict(zip(run.payouts()["rep_id"], run.payouts()["earned"], strict=True)) == {"ben": 1000, "cyd": 0}


def test_a_rep_whose_only_deal_was_cancelled_is_known_by_the_ledger():
    ledger = comp.Ledger().post(run_of())
    ledger = ledger.post(run_of(SALES[1:], only=["anna"], prior=ledger))
    assert ledger.statement("anna", "2024-01").paid == 0
    assert ledger.statement("ben", "2024-01").paid == 1000
