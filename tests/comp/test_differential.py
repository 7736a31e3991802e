"""Random plans over random credits, judged by the oracle."""

import datetime as dt
import importlib.util
import itertools
import random
from fractions import Fraction
from pathlib import Path

import pytest

from salesops import comp
from salesops.models import Period

_spec = importlib.util.spec_from_file_location("comp_oracle", Path(__file__).with_name("oracle.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

ROUNDINGS = ("half_up", "half_even", "half_down", "up", "down", "floor", "ceiling")


def months(n):
    days = [dt.date(2023 + k // 12, k % 12 + 1, 1) for k in range(10, 10 + n + 1)]
    return [Period(name=f"{a:%Y-%m}", start=a, end=b) for a, b in itertools.pairwise(days)]


def random_starts(rng, basis, n):
    if basis == "attainment":
        pool = ["0.25", "0.5", "0.6", "0.75", "0.999", "1", "1.05", "1.25", "1.5", "2", "3.333"]
    else:
        pool = ["10", "99.99", "100", "250.005", "500", "1000", "1234.56", "2500", "9999"]
    return ["0", *sorted(rng.sample(pool, n - 1), key=Fraction)]


def random_commission(rng, k):
    accumulate = rng.choice(["period", "period", "period", "deal", "year"])
    basis = "amount" if accumulate == "deal" else rng.choice(["amount", "attainment"])
    rates = ["0", "0.01", "0.05", "0.0333", "0.1", "0.125", "1/3", "0.07", "1"]
    part = {"kind": "commission", "name": f"c{k}", "basis": basis, "accumulate": accumulate}
    part["tiers"] = [
        {"from": start, "rate": rng.choice(rates)} for start in random_starts(rng, basis, rng.randint(1, 5))
    ]
    part["style"] = rng.choice(["marginal", "marginal", "whole_amount"])
    part["bound"] = rng.choice(["lower", "upper"])
    if rng.random() < 0.2:
        part["base_rate"] = rng.choice(["0.1", "0.07", "2/3"])
    elif basis == "attainment" and rng.random() < 0.4:
        part["target"] = rng.choice(["1000", "333.33", "50000"])
    if basis == "attainment" and accumulate == "year":
        part["year_quota"] = rng.choice(["full", "to_date"])
    if rng.random() < 0.3:
        per = rng.choice(["deal", "period", "year"])
        part["cap"] = {"amount": rng.choice(["0", "7.77", "20", "100.05", "500"]), "per": per}
    return part


def random_bonus(rng, k):
    basis = rng.choice(["amount", "attainment"])
    table = [
        {"from": start, "pays": rng.choice(["0", "0.5", "0.8", "1", "1.2", "1/7"])}
        for start in random_starts(rng, basis, rng.randint(1, 5))
    ]
    style, bound = rng.choice(["step", "interpolated"]), rng.choice(["lower", "upper"])
    part = {"kind": "bonus", "name": f"b{k}", "target": rng.choice(["100", "33.33", "2500.01"])}
    return {**part, "basis": basis, "style": style, "bound": bound, "table": table}


def random_plan(rng):
    parts = [
        random_commission(rng, k) if rng.random() < 0.75 else random_bonus(rng, k)
        for k in range(rng.randint(1, 3))
    ]
    plan = {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": parts, "negative": "allow"}
    if len(parts) > 1 and rng.random() < 0.5:
        for part in parts:
            part["measure"] = rng.choice(["revenue", "margin"])
        parts[0]["measure"], parts[1]["measure"] = "revenue", "margin"
    plan["rounding"] = rng.choice(ROUNDINGS)
    plan["rounding_step"] = rng.choice(["to_date", "to_date", "credit"])
    if rng.random() < 0.3:
        plan["cap"] = {"amount": rng.choice(["50", "123.45", "1000"]), "per": rng.choice(["period", "year"])}
    if rng.random() < 0.2 and plan.get("cap", {}).get("per") != "year":
        plan["guarantee"] = rng.choice(["10", "49.99"])
    return plan


def random_world(rng, n_reps, n_periods):
    periods = months(n_periods)
    rows = []
    for rep in range(n_reps):
        for k in range(rng.randint(0, 14)):
            start, end = periods[0].start, periods[-1].end
            day = start + dt.timedelta(days=rng.randrange((end - start).days))
            scale = rng.choice([100, 10_000, 100_000])
            amount = rng.choice(
                [rng.randint(-scale // 2, scale * 3), rng.randint(0, scale), 10_000, 50_000, 0]
            )
            deal = rng.choice([f"r{rep}d{rng.randint(0, 3)}", None])
            measure = rng.choice(["revenue", "margin"])
            rows.append((day, f"r{rep}c{k}", deal, measure, amount, rep))
    quotas = {
        (rep, p.name): rng.choice([100, 33_333, 50_000, 100_000]) for rep in range(n_reps) for p in periods
    }
    return periods, rows, quotas


def text(minor):
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def engine_pays(plan, periods, rows, quotas, n_reps):
    one_measure = all("measure" not in part for part in plan["components"])
    table = [
        {
            "credit_id": name,
            "rep_id": rep,
            "deal_id": deal,
            "measure": "revenue" if one_measure else measure,
            "amount": text(amount),
            "earned_on": day,
        }
        for day, name, deal, measure, amount, rep in rows
    ]
    spans = {p.name: (p.start, p.end) for p in periods}
    quota_table = [
        {"rep_id": rep, "amount": text(quota), "start": spans[name][0], "end": spans[name][1]}
        for (rep, name), quota in quotas.items()
    ]
    run = comp.calculate(
        comp.CompPlan.from_dict(plan),
        table,
        quotas=quota_table,
        reps=[{"rep_id": rep} for rep in range(n_reps)],
        periods=periods,
    )
    paid = run.payouts()
    keys = zip(paid["rep_id"], paid["period"], strict=True)
    return run, dict(zip(keys, paid["earned"].tolist(), strict=True))


def oracle_pays(plan, periods, rows, quotas, n_reps):
    spans = [(p.name, p.start, p.end, p.start.year) for p in periods]
    paid = {}
    for rep in range(n_reps):
        mine = [
            (day, name, deal or name, measure, amount)
            for day, name, deal, measure, amount, r in rows
            if r == rep
        ]
        own = {name: Fraction(quota) for (r, name), quota in quotas.items() if r == rep}
        for name, amount in oracle.pay(plan, mine, own, spans).items():
            paid[rep, name] = amount
    return paid


@pytest.mark.parametrize("seed", range(200))
def test_every_payout_equals_that_of_the_oracle(seed):
    rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
    n_reps, n_periods = rng.randint(1, 12), rng.randint(1, 5)
    plan = random_plan(rng)
    periods, rows, quotas = random_world(rng, n_reps, n_periods)
    run, paid = engine_pays(plan, periods, rows, quotas, n_reps)
    assert paid == oracle_pays(plan, periods, rows, quotas, n_reps)
    if seed % 4 == 0:
        check_proofs(run, plan)


def check_proofs(run, plan):
    """Work every line out again from what its explanation says."""
    for line_id in range(len(run.lines())):
        facts = run.explain(line_id).to_dict()
        before, after = Fraction(facts["due_before"]) * 100, Fraction(facts["due_after"]) * 100
        due = oracle.rounded(after, plan["rounding"]) - oracle.rounded(before, plan["rounding"])
        assert due == facts["amount"]
        if "base" in facts:
            assert Fraction(facts["end"]) - Fraction(facts["start"]) == Fraction(facts["base"])
            assert Fraction(facts["base"]) * Fraction(facts["rate"]) == (after - before) / 100
