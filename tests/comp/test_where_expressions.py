"""Conditions of a plan on credits, written as expressions."""

import datetime as dt

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from salesops import comp
from salesops.errors import InvalidInput

FIELDS = {"price": "money", "cost": "money", "product": "text"}


def plan_of(text, fields=FIELDS, **more):
    where = [{"expression": {"text": text, "fields": fields}}]
    tiers = [{"from": "0", "rate": "0.1"}]
    part = {"kind": "commission", "tiers": tiers, "where": where, **more}
    return comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": [part]}
    )


def credit(name, amount, **columns):
    return {"credit_id": name, "rep_id": "anna", "amount": amount, **columns}


def test_an_expression_says_which_credits_count():
    plan = plan_of("cost / price < 0.7 and product in ('server', 'storage')")
    credits = [
        credit("c1", "100.00", price="10", cost="6.99", product="server"),
        credit("c2", "100.00", price="10", cost="7", product="server"),
        credit("c3", "100.00", price="10", cost="1", product="service"),
    ]
    run = comp.calculate(plan, credits)
    assert run.lines()["credit_id"].tolist() == ["c1"]
    assert run.rejected()["reason"].tolist() == ["no rule", "no rule"]


def test_a_credit_for_which_a_condition_has_no_value_is_held_with_the_reason():
    plan = plan_of("cost / price < 0.7", {"price": "money", "cost": "money"})
    credits = [credit("c1", "1.00", price="0", cost="1"), credit("c2", "1.00", price="1", cost=None)]
    run = comp.calculate(plan, credits, on_error="hold")
    assert run.held()["reason"].tolist() == ["no value", "no value"]
    assert "cost / price < 0.7: cost is missing" in run.held()["detail"].tolist()[1]
    with pytest.raises(InvalidInput, match="a condition of the plan has no value for the credit"):
        comp.calculate(plan, credits)


def test_a_credit_of_another_measure_is_not_asked():
    plan = plan_of("cost > 1", {"cost": "money"}, measure="goods")
    credits = [
        credit("c1", "1.00", cost=None, measure="service"),
        credit("c2", "1.00", cost="2", measure="goods"),
    ]
    run = comp.calculate(plan, credits)
    assert run.held().empty
    assert run.lines()["credit_id"].tolist() == ["c2"]


def test_the_amount_may_be_asked_for_also_of_the_next_credit():
    plan = plan_of("amount >= 500", {"amount": "money"})
    run = comp.calculate(plan, [credit("c1", "499.99"), credit("c2", "500.00")])
    assert run.payouts()["earned"].tolist() == [5000]
    assert run.marginal("anna", "499").earned == 0
    assert run.marginal("anna", "500").earned == 5000


def test_plans_with_expressions_read_back_as_they_were():
    plan = plan_of("cost < price", {"price": "money", "cost": "money"})
    assert comp.CompPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("cost + 1", {"cost": "money"}, "gives another kind of value than is needed"),
        ("is_new", {"is_new": "truth"}, "a condition on credits reads numbers, dates and texts"),
        ("cots > 1", {"cost": "money"}, "did you mean"),
    ],
)
def test_faults_of_an_expression_stand_at_its_path(text, fields, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        plan_of(text, fields)
    assert "components[0].where[0].expression" in caught.value.problems[0].path


def test_an_expression_stands_alone_in_its_condition():
    with pytest.raises(InvalidInput, match="stands beside an expression"):
        comp.Match(field="product", one_of=["a"], expression={"text": "1 < 2"})
    with pytest.raises(InvalidInput, match="a condition names a column of the credits"):
        comp.Match(one_of=["a"])


def test_an_expression_is_paid_the_same_in_parts():
    plan = plan_of("product == 'a'", {"product": "text"})
    credits = [{**credit(k, "10.00", product="ab"[k % 2]), "rep_id": f"r{k % 7}"} for k in range(60)]
    whole = comp.calculate(plan, credits)
    assert comp.calculate(plan, credits, mapper=map, parts=3).to_dict() == whole.to_dict()
    assert comp.calculate(plan, credits, detail="totals").payouts().equals(whole.payouts())


SIGNED = {"field": "signed_on", "on_or_after": "2026-01-01", "before": "2026-04-01"}


def plan_where(*where):
    tiers = [{"from": "0", "rate": "0.1"}]
    part = {"kind": "commission", "tiers": tiers, "where": list(where)}
    return comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": [part]}
    )


def paid(plan, credits, **options):
    return sorted(comp.calculate(plan, credits, **options).lines()["credit_id"].tolist())


def test_days_are_counted_from_the_first_and_up_to_the_last():
    days = ["2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01", None]
    credits = [credit(f"c{k}", "1.00", signed_on=day) for k, day in enumerate(days)]
    assert paid(plan_where(SIGNED), credits) == ["c1", "c2"]
    assert paid(plan_where({"field": "signed_on", "before": "2026-01-01"}), credits) == ["c0"]
    assert paid(plan_where({"field": "signed_on", "on_or_after": "2026-04-01"}), credits) == ["c3"]


@pytest.mark.parametrize("kind", ["text", "date", "pandas", "polars", "arrow"])
def test_days_come_in_every_kind_of_table(kind):
    texts = ["2026-03-31", "2026-04-01"]
    frame = pd.DataFrame({"credit_id": ["a", "b"], "rep_id": "anna", "amount": "1.00", "signed_on": texts})
    days = [dt.date.fromisoformat(text) for text in texts]
    if kind == "date":
        frame["signed_on"] = pd.Series(days, dtype=object)
    if kind in ("pandas", "polars", "arrow"):
        frame["signed_on"] = pd.to_datetime(frame["signed_on"])
    table = {"polars": pl.from_pandas, "arrow": pa.Table.from_pandas}.get(kind, lambda each: each)(frame)
    assert paid(plan_where(SIGNED), table) == ["a"]


def test_expressions_compare_dates_with_dates_and_with_days():
    fields = {"due": "date", "paid_in": "date", "product": "text"}
    plan = plan_of("paid_in <= due + 30 and paid_in >= date('2026-02-01') and product == 'server'", fields)
    rows = [("2026-01-10", "2026-02-09"), ("2026-01-10", "2026-02-10"), ("2026-01-31", "2026-01-31")]
    credits = [
        credit(f"c{k}", "1.00", due=due, paid_in=day, product="server") for k, (due, day) in enumerate(rows)
    ]
    assert paid(plan, credits) == ["c0"]
    late = [*credits, credit("c3", "1.00", due="2026-01-10", paid_in=None, product="server")]
    run = comp.calculate(plan, late, on_error="hold")
    assert run.held()["credit_id"].tolist() == ["c3"]
    assert "paid_in is missing" in run.held()["detail"].tolist()[0]
    assert run.reconcile()["credits"].tolist() == [4, 1, 1, 2]


def test_a_condition_may_ask_for_the_day_that_the_run_reads_anyway():
    plan = plan_where({"field": "earned_on", "before": "2026-02-01"})
    credits = [credit("c1", "1.00", earned_on="2026-01-31"), credit("c2", "1.00", earned_on="2026-02-01")]
    assert paid(plan, credits) == ["c1"]
    credits.append(credit("c3", "1.00", earned_on="soon"))
    with pytest.raises(InvalidInput) as caught:
        comp.calculate(plan, credits)
    assert [(fault.path, fault.rows) for fault in caught.value.problems] == [("credits.earned_on", (2,))]


def test_faults_of_dates_are_told_by_row_and_path():
    credits = [credit("c1", "1.00", signed_on="31/01/2026"), credit("c2", "1.00", signed_on=20260131)]
    with pytest.raises(InvalidInput) as caught:
        comp.calculate(plan_where(SIGNED), credits)
    assert {(fault.path, row) for fault in caught.value.problems for row in fault.rows} == {
        ("credits.signed_on", 0),
        ("credits.signed_on", 1),
    }
    with pytest.raises(InvalidInput, match="signed_on"):
        comp.calculate(plan_where(SIGNED), [credit("c1", "1.00")])


def test_a_moment_counts_on_its_day_in_the_business_zone_and_never_without_one():
    late = [credit("c1", "1.00", earned_on="2026-03-01", signed_on="2026-04-01T03:00:00+00:00")]
    assert paid(plan_where(SIGNED), late, zone="America/New_York") == ["c1"]
    assert paid(plan_where(SIGNED), late, zone="Europe/Berlin") == []
    with pytest.raises(InvalidInput, match="zone"):
        comp.calculate(plan_where(SIGNED), late)


def test_the_next_credit_has_days_too():
    run = comp.calculate(plan_where(SIGNED), [credit("c1", "1.00", signed_on="2026-01-01")])
    assert run.marginal("anna", "10", fields={"signed_on": "2026-03-31"}).earned == 100
    assert run.marginal("anna", "10", fields={"signed_on": "2026-04-01"}).earned == 0
    assert run.marginal("anna", "10").earned == 0
    with pytest.raises(InvalidInput, match="is no date"):
        run.marginal("anna", "10", fields={"signed_on": "soon"})


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"field": "signed_on", "before": "2026-01-01", "on_or_after": "2026-01-01"},
            "leaves no day that fits",
        ),
        ({"field": "signed_on", "before": "2026-01-01", "below": "5"}, "needs one kind of comparison"),
        ({"field": "signed_on", "before": "2026-01-01", "in": ["x"]}, "needs one kind of comparison"),
        ({"field": "signed_on", "before": "2026-13-01"}, "where"),
    ],
)
def test_faults_of_a_condition_on_a_day_stand_at_its_path(where, message):
    with pytest.raises(InvalidInput, match=message):
        plan_where(where)


def test_days_are_part_of_what_a_run_is_known_by():
    credits = [credit("c1", "1.00", signed_on="2026-01-01"), credit("c2", "1.00", signed_on="2026-05-01")]
    moved = [{**credits[0], "signed_on": "2026-01-02"}, credits[1]]
    plan = plan_where(SIGNED)
    assert comp.calculate(plan, credits).input_digest == comp.calculate(plan, credits[::-1]).input_digest
    assert comp.calculate(plan, credits).input_digest != comp.calculate(plan, moved).input_digest
