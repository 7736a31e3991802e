"""The shared bad inputs of tiers, quotas, draws, refunds and rates, as written, that need more than one call.

Amounts are those of the case; a refund of a case is an event on the credit that was paid.
"""

import re

import pytest
import yaml

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

FLAT = {"tiers": [{"from": "0", "rate": "0.10"}]}
CLAW = {"kind": "clawback", "event": "refunded"}


@pytest.fixture(scope="module")
def cases(shared):
    with (shared / "bad-input" / "cases.yaml").open(encoding="utf-8") as file:
        return {case["id"]: case for case in yaml.safe_load(file)["cases"]}


def plan(fields, *more, **options):
    part = {
        "kind": "commission",
        **{name: fields[name] for name in ("basis", "style", "tiers") if name in fields},
    }
    rest = {name: fields[name] for name in ("rounding", "currency") if name in fields}
    document = {"schema_version": 1, "plan_id": "case", "currency": "USD", "components": [part, *more]}
    return comp.CompPlan.from_dict(document | rest | options)


def major(minor):
    return f"{minor // 100}.{minor % 100:02d}"


def period_of(given):
    start, end = given["period"]
    return [Period(name="period", start=start, end=end)]


def named(case, call):
    with pytest.raises(InvalidInput) as caught:
        call()
    told = str(caught.value)
    assert [name for name in map(str, case["expect"]["names"]) if name not in told] == [], told


@pytest.mark.parametrize("name", ["C-003", "C-004"])
def test_money_on_a_threshold_is_paid_as_written(cases, name):
    given, expect = cases[name]["input"], cases[name]["expect"]
    amounts = re.findall(r"[0-9]+\.[0-9]{2}", given["credits"])
    runs = [
        comp.calculate(plan(given["plan"]), [{"credit_id": "c1", "rep_id": "r1", "amount": amount}])
        for amount in amounts
    ]
    assert [major(run.payouts()["paid"][0]) for run in runs] == expect["result"]["payout"]


def quotas_of(given):
    return [{{"from": "start", "to": "end"}.get(k, k): v for k, v in row.items()} for row in given["quotas"]]


ATTAINMENT = {"basis": "attainment", "tiers": FLAT["tiers"]}


def test_a_quota_from_a_leap_day_is_prorated_as_written(cases):
    given, expect = cases["C-017"]["input"], cases["C-017"]["expect"]
    run = comp.calculate(
        plan(ATTAINMENT),
        [{"credit_id": "c1", "rep_id": "r1", "amount": "1", "earned_on": "2024-03-01"}],
        quotas=quotas_of(given),
        periods=period_of(given),
        **given["options"],
    )
    assert major(run.attainment()["quota"][0]) == expect["result"]["quota"]


def test_a_credit_before_the_first_quota_is_held_as_written(cases):
    given = cases["C-018"]["input"]
    (row,) = given["credits"]
    run = comp.calculate(
        plan(ATTAINMENT),
        [{"earned_on": row["date"], **{k: v for k, v in row.items() if k != "date"}}],
        quotas=quotas_of(given),
        periods=period_of(given),
        **given["options"],
    )
    (detail,) = run.held()["detail"]
    assert "r1" in detail
    assert "2024-04-01" in detail
    assert len(run.attainment()) == 0


def test_two_quotas_on_the_same_days_are_named_as_written(cases):
    case = cases["C-019"]
    credits = [{"credit_id": "c1", "rep_id": "r1", "amount": "1", "earned_on": "2024-01-05"}]
    periods = [Period(name="q", start="2024-01-01", end="2024-04-01")]
    named(
        case,
        lambda: comp.calculate(plan(ATTAINMENT), credits, quotas=quotas_of(case["input"]), periods=periods),
    )


def test_a_leaver_who_owes_is_settled_as_written(cases):
    given = cases["C-033"]["input"]
    (owed,), (job,) = given["draws"], given["employment"]
    full = {"tiers": [{"from": "0", "rate": "1"}]}
    draw = {"kind": "draw", "amount": "0", "recoverable": owed["kind"] == "recoverable"}
    run = comp.calculate(
        plan(full, draw),
        [
            {
                "credit_id": "c1",
                "rep_id": "r1",
                "amount": given["commissions"]["r1"],
                "earned_on": "2024-02-01",
            }
        ],
        balances=[{"rep_id": owed["rep_id"], "amount": owed["balance"]}],
        reps=[{"rep_id": job["rep_id"], "ended_on": job["end"]}],
        periods=period_of(given),
    )
    row = run.payouts().iloc[0]
    recovered = -run.lines().query("rule == 'recovery'")["amount"].sum()
    assert [major(amount) for amount in (row["paid"], recovered, row["balance"])] == [
        "0.00",
        "1000.00",
        "2000.00",
    ]


def refunded(given, *more, **options):
    """Pay the credits of a case, each of which was paid or held, with its refunds as events."""
    credits = [
        {"earned_on": "2024-01-01", **{k: row[k] for k in ("credit_id", "rep_id", "amount")}}
        for row in given.get("paid", given.get("held"))
    ]
    events = [
        {"event_id": row["refund_id"], "kind": "refunded", "happened_on": "2024-01-20"}
        | {"credit_id": row["credit_id"], "amount": row["amount"]}
        for row in given["refunds"]
    ]
    fields = given.get("plan", FLAT)
    return comp.calculate(plan(fields, CLAW, *more, **options), credits, events=events)


def test_a_refund_larger_than_the_sale_is_named_as_written(cases):
    named(cases["C-034"], lambda: refunded(cases["C-034"]["input"]))


def test_a_refund_delivered_twice_counts_once_and_is_reported_as_written(cases):
    expect = cases["C-035"]["expect"]
    run = refunded(cases["C-035"]["input"])
    taken = -run.lines().query("rule == 'clawback'")["amount"].sum()
    assert major(taken) == expect["result"]["clawback"]
    assert run.events().query("status == 'repeated'")["event_id"].tolist() == expect["report"]


def test_a_refund_of_held_pay_takes_nothing_and_rejects_the_credit_as_written(cases):
    run = refunded(cases["C-036"]["input"], {"kind": "hold", "until": "invoice paid"})
    assert run.payouts()[["earned", "paid", "held"]].to_numpy().tolist() == [[0, 0, 0]]
    (row,) = run.rejected().to_dict("records")
    assert (row["credit_id"], row["reason"]) == ("c1", "refunded before payment")
    assert "refunded before payment" in cases["C-036"]["expect"]["result"]
    assert run.reconcile().set_index("status")["credits"].to_dict() == {
        "in": 1,
        "paid": 0,
        "held": 0,
        "rejected": 1,
    }


def test_a_late_credit_of_a_closed_quarter_is_an_adjustment_as_written(cases):
    given = cases["C-054"]["input"]
    start, end = given["closed"]["period"]
    periods = [Period(name="closed", start=start, end=end), Period(name="open", start=end, end="2024-07-01")]
    early = [{"earned_on": start, **row} for row in given["closed"]["credits"]]
    late = [{"earned_on" if k == "date" else k: v for k, v in row.items()} for row in given["late"]]
    before = comp.Ledger().post(comp.calculate(plan(given["plan"]), early, periods=periods)).close("closed")
    assert major(before.statement("r1", "closed").paid) == given["closed"]["paid"]
    whole = comp.calculate(plan(given["plan"]), [*early, *late], periods=periods, prior=before)
    after = before.post(whole)
    more = after.to_frame().iloc[len(before) :]
    assert (major(more["amount"].sum()), set(more["type"])) == ("150.00", {"adjustment"})
    assert [set(more[name]) for name in ("credit_id", "period", "posted_in")] == [
        {"c2"},
        {"closed"},
        {"open"},
    ]
    assert after.statement("r1", "closed") == before.statement("r1", "closed", as_of=len(before.steps))
    assert major(after.payouts()["paid"].sum()) == major(whole.payouts()["paid"].sum()) == "600.00"


@pytest.mark.parametrize("turned", [False, True])
def test_parts_of_a_refund_sum_to_the_commission_in_either_order(cases, turned):
    given = cases["C-037"]["input"]
    refunds = given["refunds"][::-1] if turned else given["refunds"]
    run = refunded(given | {"refunds": refunds})
    assert major(-run.lines().query("rule == 'clawback'")["amount"].sum()) == given["paid"][0]["commission"]


@pytest.mark.parametrize("name", ["C-038", "C-039"])
def test_a_rate_that_is_missing_or_zero_is_named_as_written(cases, name):
    given = cases[name]["input"]
    fx = [{"rated_on" if k == "date" else k: v for k, v in row.items()} for row in given["fx"]]
    default = [{"credit_id": "c1", "rep_id": "r1", "amount": "1", "currency": "EUR", "date": "2024-01-31"}]
    credits = [
        {"earned_on" if k == "date" else k: v for k, v in row.items()}
        for row in given.get("credits", default)
    ]
    named(cases[name], lambda: comp.calculate(plan(FLAT), credits, fx=fx))
