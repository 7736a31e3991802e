"""What reps owe when a run begins: it is recovered, carried on or refused, and never vanishes."""

import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

TIERS = [{"from": "0", "rate": "0.10"}]
MONTHS = [
    Period(name="2024-01", start="2024-01-01", end="2024-02-01"),
    Period(name="2024-02", start="2024-02-01", end="2024-03-01"),
]
SALES = [{"credit_id": "c1", "rep_id": "anna", "amount": "1000.00", "earned_on": "2024-02-05"}]
OWED = [{"rep_id": "anna", "amount": "30.00"}, {"rep_id": "ben", "amount": "500.00"}]


def plan_of(*parts, plan_id="ae", **fields):
    commission = {"kind": "commission", "tiers": TIERS}
    return comp.CompPlan(plan_id=plan_id, currency="USD", components=[commission, *parts], **fields)


DRAW = plan_of({"kind": "draw", "amount": "80.00"})
CARRY = plan_of(negative="carry")


def balances(run):
    table = run.payouts()
    return {(row.rep_id, row.period): (row.paid, row.balance) for row in table.itertuples()}


def refusal(plans=DRAW, **tables):
    with pytest.raises(InvalidInput) as caught:
        comp.calculate(plans, SALES, **({"periods": MONTHS, "balances": OWED} | tables))
    return caught.value


@pytest.mark.parametrize("detail", ["lines", "totals"])
@pytest.mark.parametrize("plan", [DRAW, CARRY], ids=["draw", "carry"])
def test_whoever_owes_and_sells_nothing_still_owes_and_is_paid_nothing(plan, detail):
    run = comp.calculate(plan, SALES, periods=MONTHS, balances=OWED, detail=detail)
    found = balances(run)
    assert [found["ben", month.name] for month in MONTHS] == [(0, 500_00)] * 2
    assert run.statement("ben", "2024-02").to_frame().empty


@pytest.mark.parametrize("mapper", [None, map])
def test_a_leaver_who_owes_gets_no_new_draw_and_colleagues_get_theirs(mapper):
    reps = [{"rep_id": "anna"}, {"rep_id": "ben", "ended_on": "2023-12-01"}]
    run = comp.calculate(DRAW, SALES, periods=MONTHS, balances=OWED, reps=reps, mapper=mapper, parts=2)
    assert balances(run) == {
        ("anna", "2024-01"): (80_00, 110_00),
        ("anna", "2024-02"): (80_00, 90_00),
        ("ben", "2024-01"): (0, 500_00),
        ("ben", "2024-02"): (0, 500_00),
    }


def test_what_is_owed_on_a_plan_that_a_rep_has_left_stands_on():
    other = plan_of(plan_id="new")
    assignments = [{"rep_id": "anna", "plan_id": "ae"}, {"rep_id": "ben", "plan_id": "new"}]
    owed = [{**row, "plan_id": "ae"} for row in OWED]
    run = comp.calculate([DRAW, other], SALES, periods=MONTHS, balances=owed, assignments=assignments)
    assert balances(run)["ben", "2024-02"] == (0, 500_00)


@pytest.mark.parametrize("listed", ["reps", "assignments"])
def test_somebody_unknown_who_owes_is_refused_by_name(listed):
    known = [{"rep_id": "anna", "plan_id": "ae"}, {"rep_id": "bent", "plan_id": "ae"}]
    error = refusal(**{listed: known})
    assert str(error).splitlines()[1:] == [
        f"- balances.rep_id: names an id that {listed} does not have (row 1: 'ben'); did you mean 'bent'?"
    ]


def test_a_rep_who_owes_under_an_id_of_another_type_is_refused():
    credits = [{"credit_id": "c1", "rep_id": 101, "amount": "1.00"}]
    with pytest.raises(InvalidInput, match=r"balances.rep_id.*another type than in credits.*'101'"):
        comp.calculate(DRAW, credits, balances=[{"rep_id": "101", "amount": "5.00"}])


def test_a_balance_on_a_plan_that_would_forget_it_is_refused():
    error = refusal(plan_of())
    assert [(fault.path, fault.rows) for fault in error.problems] == [("balances.plan_id", (0, 1))]
    lent = plan_of({"kind": "draw", "amount": "80.00", "recoverable": False})
    assert [fault.path for fault in refusal(lent).problems] == ["balances.plan_id"]


def test_a_carried_balance_is_posted_and_owed_later():
    first = comp.calculate(DRAW, SALES[:0], periods=MONTHS[:1], balances=OWED[1:])
    ledger = comp.Ledger().post(first)
    run = comp.calculate(
        DRAW, [{**SALES[0], "rep_id": "ben", "amount": "2000.00"}], periods=MONTHS[1:], prior=ledger
    )
    assert balances(run) == {("ben", "2024-02"): (80_00, 380_00)}
