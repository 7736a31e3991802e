"""What a run tells: statements, lines, explanations, sums, and that nothing depends on the order of rows."""

import datetime as dt
import itertools
import json
import pickle
import random
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import FiscalCalendar, Period

QUARTERS = FiscalCalendar().periods(2024, by="quarter")
TIERS = [{"from": "0", "rate": "0.05"}, {"from": "1", "rate": "0.08"}]
PLAN = comp.CompPlan(
    plan_id="ae",
    currency="USD",
    components=[
        comp.Commission(basis="attainment", tiers=TIERS, cap={"amount": "7000", "per": "year"}),
        comp.Commission(
            name="large",
            accumulate="deal",
            style="whole_amount",
            tiers=[{"from": "0", "rate": "0"}, {"from": "20000", "rate": "0.01"}],
            cap={"amount": "250", "per": "deal"},
        ),
        comp.Bonus(
            target="1000",
            style="interpolated",
            table=[{"from": "0", "pays": "0"}, {"from": "0.5", "pays": "0"}, {"from": "1", "pays": "1"}],
        ),
    ],
    cap={"amount": "5000", "per": "period"},
    guarantee="100",
)
CREDITS = [
    {"credit_id": "c1", "rep_id": "ann", "amount": "30000", "earned_on": "2024-01-10", "deal_id": "d1"},
    {"credit_id": "c2", "rep_id": "ann", "amount": "33333.33", "earned_on": "2024-02-10", "deal_id": "d2"},
    {"credit_id": "c3", "rep_id": "ann", "amount": "5000.10", "earned_on": "2024-02-10", "deal_id": "d3"},
    {"credit_id": "c4", "rep_id": "ann", "amount": "-3333.33", "earned_on": "2024-03-01", "deal_id": "d2"},
    {"credit_id": "c5", "rep_id": "ann", "amount": "45000", "earned_on": "2024-05-01", "deal_id": "d5"},
    {"credit_id": "c6", "rep_id": "bob", "amount": "15000", "earned_on": "2024-01-31", "deal_id": "d6"},
    {"credit_id": "c7", "rep_id": "bob", "amount": "9000", "earned_on": "2024-03-31", "deal_id": "d6"},
    {"credit_id": "c8", "rep_id": "bob", "amount": "500", "earned_on": "2024-04-01"},
]
QUOTAS = [{"rep_id": "ann", "amount": "50000"}, {"rep_id": "bob", "amount": "40000.01"}]


def calculate(rows=CREDITS, plan=PLAN, **options):
    given = {
        "quotas": QUOTAS,
        "periods": QUARTERS[:2],
        "reps": [{"rep_id": "ann"}, {"rep_id": "bob"}, {"rep_id": "cid"}],
    }
    return comp.calculate(plan, rows, **(given | options))


@pytest.fixture(scope="module")
def run():
    return calculate()


def explained(run, rule, k=0):
    lines = run.lines()
    return str(run.explain(lines[lines["rule"] == rule]["line_id"].iloc[k]))


def test_a_rep_without_credits_has_a_statement_of_the_guarantee(run):
    payouts = run.payouts()
    assert payouts["rep_id"].tolist() == ["ann", "ann", "bob", "bob", "cid", "cid"]
    assert payouts["period"].tolist() == ["2024-Q1", "2024-Q2"] * 3
    assert payouts.loc[payouts["rep_id"] == "cid", "earned"].tolist() == [10000, 10000]
    assert [payouts[name].dtype.kind for name in ("earned", "paid", "held", "balance")] == ["i"] * 4


def test_lines_sum_to_statements_and_statements_to_payouts(run):
    lines, payouts = run.lines(), run.payouts()
    sums = lines.groupby(["rep_id", "period"])["amount"].sum()
    for rep, period, earned in zip(payouts["rep_id"], payouts["period"], payouts["earned"], strict=True):
        statement = run.statement(rep, period)
        assert statement.earned == earned == sums[rep, period]
        assert statement.to_frame()["running"].iloc[-1] == earned


def test_a_line_is_its_base_times_its_rate_and_pays_the_difference_of_rounded_totals(run):
    for line in run.lines().itertuples():
        facts = run.explain(line.line_id).to_dict()
        due = Fraction(facts["due_after"]) - Fraction(facts["due_before"])
        if line.rule in ("tier", "catch-up", "bonus"):
            assert Fraction(line.base) * Fraction(line.rate) == Fraction(line.exact) == due
        before, after = (Fraction(facts[name]) * 100 for name in ("due_before", "due_after"))
        assert line.amount == round_half_up(after) - round_half_up(before)


def round_half_up(value):
    size = abs(value) + Fraction(1, 2)
    return (size.numerator // size.denominator) * (-1 if value < 0 else 1)


def test_a_line_of_a_tier_is_explained(run):
    assert explained(run, "tier", 2) == (
        "Credit 'c2' moved 'ann' from 30,000.00 to 63,333.33 in 2024-Q1; 13,333.33 of it fell in tier 2"
        " (from 100 % of the quota of 50,000.00) at 8 % = 1,066.6664; commission to date went from 2,500.00"
        " to 3,566.6664, both rounded half_up, so the line pays 1,066.67."
    )


def test_a_refund_is_explained_as_a_way_down(run):
    lines = run.lines()
    refund = lines[(lines["credit_id"] == "c4") & (lines["component"] == "commission")]
    assert refund["base"].tolist() == ["-3333.33"]
    assert refund["amount"].tolist() == [-26666]
    assert "moved 'ann' from 68,333.43 to 65,000.10 in 2024-Q1; -3,333.33" in str(
        run.explain(refund["line_id"].iloc[0])
    )


def test_a_catch_up_is_explained(run):
    assert explained(run, "catch-up") == (
        "With credit 'c7' the total of its deal came into tier 2 (from 20,000.00); the 15,000.00 credited"
        " before earn 1 % instead of 0 % = 150.00."
    )


def test_a_bonus_is_explained(run):
    assert explained(run, "bonus", 1) == (
        "'ann' was credited 45,000.00 in 2024-Q2, 90 % of the quota of 50,000.00; the table pays 80 % of the"
        " target of 1,000.00 = 800.00."
    )
    assert "about 60.0000 % of the quota of 40,000.01" in explained(run, "bonus", 2)


def test_caps_and_guarantees_are_explained(run):
    assert explained(run, "cap per deal") == (
        "With credit 'c1' the commission of the deal to date by 'large' was 300.00 before the cap and is"
        " 250.00 after it; this line adjusts by -50.00."
    )
    assert "The pay of 'ann' in 2024-Q1 was" in explained(run, "cap per period")
    assert explained(run, "guarantee") == (
        "The pay of 'bob' in 2024-Q2 was 25.00; the guarantee of 100.00 adds 75.00."
    )


def test_a_cap_of_the_year_counts_what_earlier_periods_have_paid():
    plan = comp.CompPlan(
        plan_id="p",
        currency="USD",
        components=[
            comp.Commission(tiers=[{"from": "0", "rate": "0.1"}], cap={"amount": "100", "per": "year"})
        ],
    )
    rows = [
        {"credit_id": k, "rep_id": "r", "amount": amount, "earned_on": period.start}
        for k, (amount, period) in enumerate(zip(["800", "500", "100"], QUARTERS, strict=False))
    ]
    run = comp.calculate(plan, rows, periods=QUARTERS[:3])
    assert run.payouts()["earned"].tolist() == [8000, 2000, 0]
    assert "in the year up to 2024-Q2" in explained(run, "cap per year")


def test_a_target_rate_that_never_ends_is_written_as_a_fraction():
    plan = comp.CompPlan(
        plan_id="p",
        currency="USD",
        components=[comp.Commission(basis="attainment", target="100", tiers=TIERS[:1])],
    )
    rows = [{"credit_id": 1, "rep_id": "r", "amount": "10"}]
    run = comp.calculate(plan, rows, quotas=[{"rep_id": "r", "amount": "30"}])
    assert run.lines()[["rate", "exact"]].to_numpy().tolist() == [["1/6", "5/3"]]
    assert "at about 16.6667 % = about 1.666667; commission" in str(run.explain(0))


def test_a_credit_counts_by_day_and_then_by_id():
    rows = [
        {"credit_id": "b", "rep_id": "r", "amount": "60", "earned_on": "2024-01-01"},
        {"credit_id": "a", "rep_id": "r", "amount": "60", "earned_on": "2024-01-02"},
        {"credit_id": "c", "rep_id": "r", "amount": "60", "earned_on": "2024-01-01"},
    ]
    tiers = [{"from": "0", "rate": "0.1"}, {"from": "100", "rate": "0.2"}]
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[comp.Commission(tiers=tiers)])
    lines = comp.calculate(plan, rows, periods=QUARTERS[:1]).lines()
    assert lines["credit_id"].tolist() == ["b", "c", "c", "a"]
    assert lines["amount"].tolist() == [600, 400, 400, 1200]


def test_any_order_of_rows_gives_the_same_bytes(run):
    expected = json.dumps(run.to_dict())
    rng = random.Random(3)  # noqa: S311  (a seeded shuffle)
    for _ in range(20):
        rows, quotas = rng.sample(CREDITS, len(CREDITS)), rng.sample(QUOTAS, len(QUOTAS))
        assert json.dumps(calculate(rows, quotas=quotas).to_dict()) == expected


def test_what_cannot_be_paid_is_in_the_same_bytes_too():
    rows = [
        *CREDITS,
        CREDITS[0],
        {**CREDITS[1], "credit_id": "x", "rep_id": "zoe"},
        {**CREDITS[1], "credit_id": "y", "amount": "1e3"},
        {**CREDITS[2], "credit_id": "z", "deal_id": "d8"},
        {**CREDITS[2], "credit_id": "z", "deal_id": "d9"},
    ]
    expected = json.dumps(calculate(rows, on_error="hold").to_dict())
    rng = random.Random(4)  # noqa: S311  (a seeded shuffle)
    for _ in range(10):
        assert json.dumps(calculate(rng.sample(rows, len(rows)), on_error="hold").to_dict()) == expected
    assert {row["reason"] for row in json.loads(expected)["held"]} == {"unknown rep", "contradictory"}


@given(st.lists(st.integers(-(10**6), 10**7), min_size=1, max_size=12), st.integers(1, 5))
@settings(max_examples=40)
def test_amounts_and_thresholds_a_hundred_times_larger_pay_a_hundred_times_as_much(amounts, n_tiers):
    def exact(unit):
        tiers = [{"from": str(k * 777 * unit), "rate": f"0.0{k + 1}"} for k in range(n_tiers)]
        part = comp.Commission(tiers=tiers, cap={"amount": str(5000 * unit)})
        plan = comp.CompPlan(plan_id="p", currency="KWD", components=[part], negative="allow")
        rows = [{"credit_id": k, "rep_id": "r", "amount": amount * unit} for k, amount in enumerate(amounts)]
        lines = comp.calculate(plan, rows).lines()
        return sum(Fraction(text) for text in lines["exact"])

    assert exact(100) == 100 * exact(1)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=10))
@settings(max_examples=40)
def test_cancelling_everything_pays_everything_back(minors):
    def text(minor):
        return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"

    tiers = [
        {"from": "0", "rate": "0.0333"},
        {"from": "1000", "rate": "0.07"},
        {"from": "5000000", "rate": "0.011"},
    ]
    rows = [
        {
            "credit_id": f"{sign}{k}",
            "rep_id": "r",
            "deal_id": k,
            "amount": text(minor if sign == "a" else -minor),
        }
        for k, minor in enumerate(minors)
        for sign in "ab"
    ]
    for style, accumulate in itertools.product(["marginal", "whole_amount"], ["deal", "period", "year"]):
        cap = {"amount": "77.77", "per": "deal"} if accumulate == "deal" else None
        part = comp.Commission(tiers=tiers, style=style, accumulate=accumulate, cap=cap)
        plan = comp.CompPlan(plan_id="p", currency="USD", components=[part], negative="allow")
        assert comp.calculate(plan, rows).payouts()["earned"].tolist() == [0]


def test_a_rep_alone_has_the_statement_that_he_has_among_others(run):
    for rep in ("ann", "bob"):
        mine = [credit for credit in CREDITS if credit["rep_id"] == rep]
        alone = calculate(mine)
        for period in ("2024-Q1", "2024-Q2"):
            ours, theirs = alone.statement(rep, period).to_frame(), run.statement(rep, period).to_frame()
            pd.testing.assert_frame_equal(ours.drop(columns="line_id"), theirs.drop(columns="line_id"))


def test_every_kind_of_table_gives_the_same_run(run):
    frame = pd.DataFrame(CREDITS)
    expected = run.to_dict()
    for table in (frame, frame.to_dict("list"), pl.DataFrame(CREDITS), pa.Table.from_pylist(CREDITS)):
        assert calculate(table).to_dict() == expected


def test_nothing_that_was_given_is_touched():
    frame = pd.DataFrame(CREDITS)
    before = frame.copy(deep=True)
    calculate(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_read_only_columns_are_read():
    amounts = np.arange(5)
    amounts.setflags(write=False)
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[comp.Commission(tiers=TIERS[:1])])
    run = comp.calculate(plan, {"credit_id": amounts, "rep_id": amounts, "amount": amounts})
    assert run.payouts()["earned"].tolist() == [0, 5, 10, 15, 20]


def test_a_run_travels_and_compares(run):
    twin = pickle.loads(pickle.dumps(run))
    assert twin.to_dict() == run.to_dict()
    assert twin == run
    assert hash(twin) == hash(run)
    assert calculate(CREDITS[:-1]) != run


def test_a_change_of_input_changes_its_digest(run):
    changed = [*CREDITS[:-1], {**CREDITS[-1], "amount": "501"}]
    assert calculate(changed).input_digest != run.input_digest


def test_columns_of_the_caller_pass_through(run):
    rows = [{**credit, "region": "north"} for credit in CREDITS]
    account = calculate(rows).credits()
    assert account["region"].tolist() == ["north"] * len(rows)
    assert account["credit_id"].tolist() == [credit["credit_id"] for credit in CREDITS]
    assert "region" not in run.credits()


def test_reps_change_plans_on_a_day():
    low = comp.CompPlan(
        plan_id="low", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    )
    high = comp.CompPlan(
        plan_id="high", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.2"}])]
    )
    assignments = [
        {"rep_id": "r", "plan_id": "low", "end": "2024-02-01"},
        {"rep_id": "r", "plan_id": "high", "start": "2024-02-01"},
    ]
    rows = [
        {"credit_id": k, "rep_id": "r", "amount": "100", "earned_on": day}
        for k, day in enumerate(["2024-01-31", dt.date(2024, 2, 1)])
    ]
    run = comp.calculate([high, low], rows, assignments=assignments, periods=QUARTERS[:1])
    assert run.payouts()["earned"].tolist() == [3000]
    assert run.lines()["plan_id"].tolist() == ["high", "low"]


def test_plans_in_two_currencies_give_two_payouts():
    part = comp.Commission(basis="attainment", tiers=TIERS)
    plans = [comp.CompPlan(plan_id=code, currency=code, components=[part]) for code in ("JPY", "USD")]
    assignments = [{"rep_id": "j", "plan_id": "JPY"}, {"rep_id": "u", "plan_id": "USD"}]
    rows = [
        {"credit_id": 1, "rep_id": "j", "amount": 1000},
        {"credit_id": 2, "rep_id": "u", "amount": "10.50"},
    ]
    quotas = [
        {"rep_id": "j", "amount": 100, "currency": "JPY"},
        {"rep_id": "u", "amount": 100, "currency": "USD"},
    ]
    run = comp.calculate(plans, rows, assignments=assignments, quotas=quotas)
    payouts = run.payouts()
    assert payouts[["rep_id", "earned", "currency"]].to_numpy().tolist() == [
        ["j", 77, "JPY"],
        ["u", 53, "USD"],
    ]
    assert run.reconcile()["amount"].tolist() == [1000, 1000, 0, 0, 1050, 1050, 0, 0]
    assert "77 JPY, 0.53 USD" in repr(run)
    with pytest.raises(InvalidInput, match=r"quotas\.currency"):
        comp.calculate(plans, rows, assignments=assignments, quotas=[{"rep_id": "j", "amount": 100}])
    with pytest.raises(InvalidInput, match="one currency"):
        run.plot()


def test_a_quota_for_a_measure_goes_before_one_for_all():
    part = comp.Commission(basis="attainment", measure="margin", tiers=TIERS)
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
    rows = [{"credit_id": 1, "rep_id": "r", "amount": "50", "measure": "margin"}]
    quotas = [
        {"rep_id": "r", "amount": "1000", "measure": None},
        {"rep_id": "r", "amount": "40", "measure": "margin"},
    ]
    assert comp.calculate(plan, rows, quotas=quotas).attainment()["attainment"].tolist() == [1.25]


@pytest.mark.parametrize(("year_quota", "reached"), [("full", [0.25, 0.75]), ("to_date", [0.5, 0.75])])
def test_attainment_of_the_year_is_counted_to_date(year_quota, reached):
    part = comp.Commission(basis="attainment", accumulate="year", year_quota=year_quota, tiers=TIERS)
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
    rows = [
        {"credit_id": k, "rep_id": "r", "amount": 50 * (k + 1), "earned_on": QUARTERS[k].start}
        for k in range(2)
    ]
    run = comp.calculate(plan, rows, quotas=[{"rep_id": "r", "amount": "100"}], periods=QUARTERS[:2])
    assert run.attainment()["attainment"].tolist() == reached


def test_a_fiscal_year_groups_the_totals_of_a_year():
    calendar = FiscalCalendar(first_month=7)
    periods = calendar.periods(2024, by="quarter")
    part = comp.Commission(
        accumulate="year", tiers=[{"from": "0", "rate": "0.1"}, {"from": "100", "rate": "0.2"}]
    )
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
    rows = [
        {"credit_id": k, "rep_id": "r", "amount": "60", "earned_on": period.start}
        for k, period in enumerate(periods)
    ]
    assert comp.calculate(plan, rows, periods=periods, calendar=calendar).lines()["amount"].tolist() == [
        600,
        400,
        400,
        1200,
        1200,
    ]
    assert comp.calculate(plan, rows, periods=periods).payouts()["earned"].tolist() == [600, 800, 600, 800]


def test_an_aware_moment_counts_in_the_zone_of_the_business():
    rows = [{"credit_id": 1, "rep_id": "r", "amount": "1", "earned_on": "2024-03-31T23:30:00-07:00"}]
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[comp.Commission(tiers=TIERS[:1])])
    for zone, period in (("America/Los_Angeles", "2024-Q1"), ("Europe/Paris", "2024-Q2")):
        run = comp.calculate(plan, rows, periods=QUARTERS[:2], zone=zone)
        assert run.payouts()["period"].tolist() == [period]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda run: run.statement("anne", "2024-Q1"), "did you mean 'ann'"),
        (lambda run: run.statement("ann"), "several periods"),
        (lambda run: run.statement("ann", "2024-Q9"), r"did you mean '2024-Q"),
        (lambda run: run.explain(10_000), "no such line"),
        (lambda run: run.explain("c1"), "no such line"),
    ],
)
def test_what_the_run_does_not_hold_is_refused(run, call, match):
    with pytest.raises(InvalidInput, match=match):
        call(run)


def test_results_show_themselves_with_names_escaped():
    rows = [{"credit_id": "<b>c</b>", "rep_id": "<script>", "amount": "1000"}]
    plan = comp.CompPlan(plan_id="<p>", currency="USD", components=[comp.Commission(tiers=TIERS[:1])])
    run = comp.calculate(plan, rows)
    statement = run.statement("<script>")
    for shown in (run._repr_html_(), statement._repr_html_(), run.explain(0)._repr_html_()):
        assert "&lt;" in shown
        assert "<script>" not in shown.replace("<style>", "")
        assert "<b>" not in shown
    assert repr(statement).startswith("Statement of '<script>' for all: 50.00 USD")
    assert json.dumps(statement.to_dict())


def test_lines_that_pay_nothing_are_counted_and_not_shown():
    tiers = [{"from": "0", "rate": "0"}, {"from": "100", "rate": "0.1"}]
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[comp.Commission(tiers=tiers)])
    statement = comp.calculate(plan, [{"credit_id": 1, "rep_id": "r", "amount": "150"}]).statement("r")
    assert "2, of which 1 pay 0 and are not shown" in repr(statement)
    assert len(statement.to_frame()) == 2


def test_results_are_arrow_tables(run):
    assert pa.table(run).column("earned").to_pylist() == run.payouts()["earned"].tolist()
    assert pa.table(run.statement("ann", "2024-Q1")).num_rows == len(
        run.statement("ann", "2024-Q1").to_frame()
    )
    assert pa.table(comp.payout_curve(PLAN, quota="100")).column_names == ["credited", "payout", "attainment"]


def test_payouts_are_drawn_by_rep_and_period(run):
    axes = run.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ann", "bob", "cid"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["2024-Q1", "2024-Q2"]
    assert run.plot(ax=axes) is axes


def test_a_period_is_any_named_span(run):
    spans = [
        Period(name="a", start="2024-01-01", end="2024-02-01"),
        {"name": "b", "start": "2024-02-01", "end": "2024-07-01"},
    ]
    assert set(calculate(periods=spans).payouts()["period"]) == {"a", "b"}
