"""The shared bad inputs of money, time and invariants that say in words what to build and what must hold."""

import concurrent.futures
import datetime as dt
import decimal
import itertools
import json
import random
import re
from decimal import Decimal
from fractions import Fraction

import pytest
import yaml

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import FiscalCalendar, Period


@pytest.fixture(scope="module")
def cases(shared):
    with (shared / "bad-input" / "cases.yaml").open(encoding="utf-8") as file:
        return {case["id"]: case for case in yaml.safe_load(file)["cases"]}


def plan(*tiers, **fields):
    rows = [{"from": start, "rate": rate} for start, rate in tiers]
    document = {"schema_version": 1, "plan_id": "case", "currency": "USD", "tiers": rows}
    return comp.CompPlan.from_dict(document | fields)


def credit(name, amount, rep="r1", **columns):
    return {"credit_id": name, "rep_id": rep, "amount": amount, **columns}


def major(minor):
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def refused(case, call):
    with pytest.raises(InvalidInput) as caught:
        call()
    told = str(caught.value)
    assert [name for name in map(str, case["expect"]["names"]) if name not in told] == [], told
    return told


def test_c_043_half_a_cent_under_three_roundings_and_both_signs(cases):
    for rounding, wanted in cases["C-043"]["expect"]["result"].items():
        rows = [credit("c1", "1.00"), credit("c2", "-1.00", rep="r2")]
        run = comp.calculate(plan(("0", "0.125"), rounding=rounding, negative="allow"), rows)
        assert [major(paid) for paid in run.payouts()["paid"]] == wanted


def test_c_044_a_million_dimes(cases):
    n = 1_000_000
    rows = {"credit_id": range(n), "rep_id": ["r1"] * n, "amount": ["0.10"] * n}
    run = comp.calculate(plan(("0", "1")), rows)
    assert major(int(run.payouts()["paid"][0])) == cases["C-044"]["expect"]["result"]["payout"]


@pytest.mark.parametrize("form", [str, Decimal, float])
@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_c_050_what_is_no_number_is_no_money(cases, amount, form):
    given = Decimal(amount) if form is Decimal else amount
    if form is float:
        given = float(amount.removeprefix("s"))
    refused(cases["C-050"], lambda: comp.calculate(plan(("0", "1")), [credit("c1", given)]))


def test_c_053_the_decimal_context_of_the_caller_is_neither_used_nor_changed(cases):
    assert "C-046" in cases["C-053"]["input"]["gen"]

    def payouts():
        big = comp.calculate(plan(("0", "1")), [credit("c1", "1000000000000000.01")])
        step = plan(("0", "0.05"), ("10000", "0.10"))
        amounts = ("9999.99", "10000.00", "10000.01", "10000.05")
        runs = [big, *(comp.calculate(step, [credit("c1", amount)]) for amount in amounts)]
        return [json.dumps(run.to_dict()) for run in runs]

    usual = payouts()
    with decimal.localcontext() as context:
        context.prec, context.rounding = 5, decimal.ROUND_UP
        context.traps[decimal.Inexact] = True
        before = repr(context)
        hostile = payouts()
        assert repr(decimal.getcontext()) == before
    assert hostile == usual


def test_c_055_credits_in_any_order_give_the_same_statements_line_by_line(cases):
    assert "200 credits" in cases["C-055"]["input"]["gen"]
    rng = random.Random(55)  # noqa: S311  (a seeded world, no secret)
    start = dt.date(2024, 1, 1)
    rows = [
        credit(
            f"c{k:03d}",
            f"{rng.randint(1, 99)}.{rng.randint(0, 99):02d}",
            earned_on=start + dt.timedelta(days=rng.randrange(91)),
        )
        for k in range(200)
    ]
    quarter = [Period(name="Q1", start="2024-01-01", end="2024-04-01")]
    steps = plan(("0", "0.0333"), ("3000", "0.07"), ("7000", "0.1"))
    told = set()
    for _ in range(20):
        rng.shuffle(rows)
        run = comp.calculate(steps, rows, periods=quarter)
        told.add(json.dumps([run.statement("r1", "Q1").to_dict(), run.lines().to_dict("list")], default=str))
    assert len(told) == 1
    assert set(run.lines()["tier"]) == {1, 2, 3}


def test_c_056_naive_and_aware_times_in_one_column(cases):
    given = cases["C-056"]["input"]
    periods = [Period(name="p", start=given["period"][0], end=given["period"][1])]
    names = {"date": "earned_on"}
    told = refused(
        cases["C-056"],
        lambda: comp.calculate(plan(("0", "1")), given["credits"], periods=periods, columns=names),
    )
    assert "time zone" in told


def test_c_057_periods_with_a_missing_day(cases):
    given = cases["C-057"]["input"]["calendar"]
    spans = [tuple(span) for span in given]
    rows = [credit("c1", "1.00", earned_on="2024-01-05")]
    refused(cases["C-057"], lambda: comp.calculate(plan(("0", "1")), rows, periods=spans))


def test_c_058_a_year_of_53_weeks(cases):
    calendar = FiscalCalendar.from_dict({"schema_version": 1, **cases["C-058"]["input"]["calendar"]})
    periods = calendar.periods(2023)
    assert len(periods) == 12
    assert sum(period.days for period in periods) == 371
    assert (periods[0].start, periods[-1].end) == (dt.date(2023, 1, 29), dt.date(2024, 2, 4))
    assert all(before.end == after.start for before, after in itertools.pairwise(periods))
    assert periods[calendar.long_period - 1].days == 42


def test_c_062_a_batch_cut_in_pieces_is_the_same_to_the_byte(cases):
    assert "1, 7 and 64 chunks" in cases["C-062"]["input"]["gen"]
    rng = random.Random(62)  # noqa: S311  (a seeded world, no secret)
    rows = [
        credit(f"c{k}", f"{rng.randint(0, 999)}.{rng.randint(0, 99):02d}", rep=f"r{rng.randrange(150)}")
        for k in range(3000)
    ]
    steps = plan(("0", "0.0333"), ("3000", "0.07"), cap="900.00")
    whole = json.dumps(comp.calculate(steps, rows).to_dict())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for mapper, parts in itertools.product((map, pool.map), (1, 7, 64)):
            run = comp.calculate(steps, rows, mapper=mapper, parts=parts)
            assert json.dumps(run.to_dict()) == whole


def test_c_063_hundredfold_amounts_and_thresholds_pay_hundredfold_before_rounding(cases):
    assert "multiply every amount" in cases["C-063"]["input"]["gen"]
    for seed in range(20):
        rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
        starts = sorted(rng.sample(range(1, 90_000), 3))
        rates = [rng.choice(["0", "0.0333", "0.1", "1/7"]) for _ in range(4)]
        cents = [rng.randint(-5_000, 60_000) for _ in range(12)]
        basis, style = rng.choice(["amount", "attainment"]), rng.choice(["marginal", "whole_amount"])
        runs = []
        for factor in (1, 100):
            bounds = ["0", *(major(start * factor) for start in starts)]
            if basis == "attainment":
                bounds = ["0", "0.25", "0.5", "1.2"]
            fields = {"basis": basis, "style": style, "cap": major(9_000 * factor), "negative": "allow"}
            scaled = plan(*zip(bounds, rates, strict=True), **fields)
            rows = [credit(f"c{k:02d}", major(amount * factor)) for k, amount in enumerate(cents)]
            quotas = [{"rep_id": "r1", "amount": major(70_000 * factor)}]
            runs.append(comp.calculate(scaled, rows, quotas=quotas).lines())
        small, large = (lines[lines["credit_id"].notna()] for lines in runs)  # a cap limits what was rounded
        assert small["tier"].tolist() == large["tier"].tolist()
        assert [Fraction(due) * 100 for due in small["exact"]] == [Fraction(due) for due in large["exact"]]


def test_c_064_every_broken_credit_of_the_file_ends_somewhere(cases):
    assert "on_error hold" in cases["C-064"]["input"]["gen"]
    rows = []
    for name, case in cases.items():
        given = case["input"].get("credits")
        if name.startswith("C-") and isinstance(given, list):
            plain = {"rep_id": "r1", "currency": "USD"}
            kept = ("rep_id", "amount", "currency", "deal_id")
            for row in given:
                known = {field: cell for field, cell in row.items() if field in kept}
                rows.append(plain | known | {"credit_id": f"{name} {row['credit_id']}"})
    run = comp.calculate(plan(("0", "0.1")), rows, reps=[{"rep_id": "r1"}, {"rep_id": "a"}], on_error="hold")
    account = run.credits()
    assert len(rows) == len(account) > 30
    assert set(account["status"]) == {"paid", "held", "rejected"}
    assert account.loc[account["status"] != "paid", ["reason", "detail"]].notna().to_numpy().all()
    sums = run.reconcile().fillna({"currency": "none"}).set_index(["currency", "status"])
    for currency in {name for name, _ in sums.index}:
        ended = sums.loc[[(currency, status) for status in ("paid", "held", "rejected")]].sum()
        assert ended.tolist() == sums.loc[currency, "in"].tolist()
    assert sums.xs("in", level="status")["credits"].sum() == len(rows)
    readable = [
        int(row["amount"].replace(".", ""))
        for row in rows
        if row["currency"] == "USD" and re.fullmatch(r"-?[0-9]{1,16}\.[0-9]{2}", str(row["amount"]))
    ]
    assert sums.loc["USD", "in"]["amount"] == sum(readable)
