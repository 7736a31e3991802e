"""Random plans with every kind of rule over random worlds, judged by the oracle to the last minor unit.

``SALESOPS_REP_MONTHS`` says how many rep-months to judge; the suite takes 100,000.
"""

import datetime as dt
import importlib.util
import itertools
import os
import random
from fractions import Fraction
from pathlib import Path

import pytest

from salesops import comp
from salesops.models import Period

_spec = importlib.util.spec_from_file_location(
    "comp_oracle_rules", Path(__file__).with_name("oracle_rules.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

ROUNDINGS = ("half_up", "half_even", "half_down", "up", "down", "floor", "ceiling")
N_PERIODS = 14
N_REPS = 60
REP_MONTHS = int(os.environ.get("SALESOPS_REP_MONTHS", "100000"))
SEEDS = range(-(-REP_MONTHS // (N_PERIODS * N_REPS)))
CHUNKS = [list(SEEDS)[k : k + 10] for k in range(0, len(SEEDS), 10)]
RATES = ["0", "0.01", "0.05", "0.0333", "0.1", "0.125", "1/3", "1"]
MONEY = ["10", "99.99", "250.01", "500", "1000", "1234.56", "2500"]
SHARES = ["0.25", "0.5", "0.75", "1", "1.25", "2", "3.333"]


def months():
    days = [dt.date(2023 + k // 12, k % 12 + 1, 1) for k in range(2, N_PERIODS + 3)]
    return [Period(name=f"{a:%Y-%m}", start=a, end=b) for a, b in itertools.pairwise(days)]


def starts(rng, pool, n):
    return ["0", *sorted(rng.sample(pool, n - 1), key=float)]


SIGNED = ("2023-04-10", "2023-11-02")


def maybe(rng, chance, **fields):
    return {name: rng.choice(value) for name, value in fields.items() if rng.random() < chance}


def tiers(rng, basis):
    style = rng.choice(["plain", "plain", "mixed", "amounts"])
    n = rng.randint(1, 4)
    rows = starts(rng, SHARES if basis == "attainment" else MONEY, n)
    if style == "amounts":
        ends = itertools.pairwise([*rows, "900000"])
        return [{"from": a, "to": b, "amount": rng.choice(MONEY)} for a, b in ends]
    made = [{"from": start, "rate": rng.choice(RATES)} for start in rows]
    if style == "mixed":
        for tier in made:
            tier["retroactive"] = rng.random() < 0.5
    return made


def commission(rng, kind="commission"):
    accumulate = rng.choice(["period", "period", "deal", "quarter", "year"])
    basis = "amount" if accumulate == "deal" or kind == "override" else rng.choice(["amount", "attainment"])
    part = {"kind": kind, "basis": basis, "accumulate": accumulate, "tiers": tiers(rng, basis)}
    if rng.random() < 0.15:
        part = {"kind": kind, "accumulate": accumulate, "rate_by": "term"}
        part["tiers"] = [{"from": start, "rate": rng.choice(RATES)} for start in ("0", "12", "24.5")]
        return part | maybe(rng, 0.3, base_rate=["0.5"], bound=["upper"])
    plain = "amount" not in part["tiers"][0] and not any("retroactive" in tier for tier in part["tiers"])
    part |= maybe(rng, 0.4, bound=["upper"])
    if plain:
        part |= maybe(rng, 0.3, style=["whole_amount"])
    if "amount" not in part["tiers"][0]:
        part |= maybe(rng, 0.2, base_rate=["0.1", "2/3"])
        if basis == "attainment" and "base_rate" not in part:
            part |= maybe(rng, 0.4, target=["1000", "333.33"])
    if basis == "attainment" and accumulate in ("year", "quarter"):
        part |= maybe(rng, 0.5, year_quota=["to_date"])
    part |= maybe(rng, 0.2, where=[[{"field": "product", "in": ["a", "b"]}]])
    if rng.random() < 0.3 and kind == "commission":
        part["cap"] = {
            "amount": rng.choice(["0", "7.77", "100.05"]),
            "per": rng.choice(["deal", "period", "year"]),
        }
        if part["cap"]["per"] == "period":
            part["cap"] |= maybe(rng, 0.5, excess=["carried"])
    return part


def table(rng, pool, n=None):
    shares = ["0", "0.5", "0.8", "1", "1.2", "1/7"]
    return [{"from": s, "pays": rng.choice(shares)} for s in starts(rng, pool, n or rng.randint(1, 4))]


def read_by(rng):
    """Choose what a table, a gate or a multiplier stands on."""
    by = rng.choice(["metric", "attainment", "amount"])
    if by == "metric":
        return {"metric": "nps"}, ["10", "25.5", "50", "75"]
    return {"basis": by}, SHARES if by == "attainment" else MONEY


def shape(rng):
    return maybe(rng, 0.4, style=["interpolated"]) or maybe(rng, 0.4, bound=["upper"])


def bonus(rng):
    on, pool = read_by(rng)
    return {"kind": "bonus", "target": rng.choice(MONEY), "table": table(rng, pool), **on, **shape(rng)}


def scorecard(rng):
    weights = rng.choice([["1"], ["0.4", "0.6"], ["1/3", "2/3"]])
    goals = [
        {"metric": "nps", "weight": weight, "table": table(rng, ["10", "25.5", "50"]), **shape(rng)}
        for weight in weights
    ]
    return {"kind": "scorecard", "target": rng.choice(MONEY), "goals": goals}


def spiff(rng):
    return {
        "kind": "spiff",
        "amount": rng.choice(["5", "0.33"]),
        "per": rng.choice(["unit", "credit", "deal"]),
        **maybe(rng, 0.3, start=["2023-03-16", "2023-07-01"]),
        **maybe(rng, 0.3, end=["2023-08-01", "2024-02-29"]),
    }


def multiplier(rng):
    if rng.random() < 0.4:
        factors = [{"text": "a", "pays": "1.25"}, {"text": "b", "pays": "2/3"}]
        return {"kind": "multiplier", "field": "product", "factors": factors} | maybe(
            rng, 0.5, otherwise=["0.9"]
        )
    on, pool = read_by(rng)
    return {"kind": "multiplier", "table": table(rng, pool), **on, **shape(rng)}


def gate(rng):
    on, pool = read_by(rng)
    return {"kind": "gate", "at_least": rng.choice(pool), **on} | maybe(rng, 0.5, otherwise=["0.5", "1/3"])


def floor(rng):
    return {"kind": "floor", "amount": "12.34", "per": rng.choice(["period", "deal"])}


def guarantee(rng):
    amounts = rng.choice([["20"], ["50", "30.01"], ["0", "40"]])
    return {"kind": "guarantee", "amounts": amounts} | maybe(rng, 0.5, then=["stops"])


def fixed(rng):
    return {"kind": "fixed", "amount": rng.choice(["4500", "0.01"])}


def draw(rng):
    part = {"kind": "draw", "amount": rng.choice(["0", "50", "400.01"])}
    part |= maybe(rng, 0.4, periods=[3, 8], advance=["upfront"], order=["before_clawback"])
    if rng.random() < 0.2:
        return part | {"recoverable": False, "advance": "top_up"}
    part |= maybe(rng, 0.3, recovery_start=[1, 4], recovery_rate=["0.5", "1/3"], recovery_limit=["33.33"])
    part |= maybe(rng, 0.25, balance_limit=["0", "500"], carry=["year"], forgiven_after=[2, 6])
    return part


def hold(rng):
    until = rng.choice([{"until": "paid"}, {"days": 20}, {"days": 75}])
    return {"kind": "hold", **until} | maybe(rng, 0.6, share=["0.3", "2/3"])


def clawback(rng):
    part = {"kind": "clawback", "event": "lost"} | maybe(
        rng, 0.4, share=["0.5"], window=[30], takes=["earned"]
    )
    return part | ({"prorate": "days", "term": 90} if rng.random() < 0.4 else {})


def random_plan(rng):
    kinds = [commission, commission, bonus, scorecard, spiff, multiplier, gate, floor, guarantee, fixed]
    parts = [commission(rng), *(rng.choice(kinds)(rng) for _ in range(rng.randint(0, 3)))]
    if rng.random() < 0.3:
        parts.insert(rng.randint(0, len(parts)), commission(rng, "override"))
    if rng.random() < 0.3:
        parts.append(clawback(rng))
    if rng.random() < 0.3:
        parts.append(hold(rng))
    if rng.random() < 0.5:
        parts.append(draw(rng))
    for k, part in enumerate(parts):
        part["name"] = f"c{k}"
        if part["kind"] in ("multiplier", "gate", "floor", "guarantee") and rng.random() < 0.4:
            part["of"] = [f"c{rng.randrange(k)}"]
    plan = {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": parts, "specificity": "all"}
    plan["negative"] = rng.choice(["allow", "carry"])
    plan["rounding"] = rng.choice(ROUNDINGS)
    plan["rounding_step"] = rng.choice(["to_date", "to_date", "credit"])
    if rng.random() < 0.3:
        plan["cap"] = {"amount": rng.choice(["50", "1000"]), "per": rng.choice(["period", "year"])}
        if plan["cap"]["per"] == "period":
            plan["cap"] |= maybe(rng, 0.5, excess=["carried"])
    return plan


def enrich(plan, rng):
    """Give some plans what only a few have: interim rates, whole deals, target pay, matrices, contests."""
    parts = plan["components"]
    for part in parts:
        by_deal = part.get("cap", {}).get("per") == "deal"
        if part["kind"] == "commission" and "rate_by" not in part and not by_deal:
            plain = "target" not in part and part["accumulate"] != "deal"
            if plain and part["accumulate"] == "year" and rng.random() < 0.4:
                part["interim_rate"] = rng.choice(["0.02", "1/30"])
            elif plain and rng.random() < 0.25:
                part["accumulate_on"] = "deal"
        if part["kind"] in ("bonus", "scorecard") and rng.random() < 0.4:
            part["target_share"] = rng.choice(["0.5", "1/3"])
            del part["target"]
        if part["kind"] in ("commission", "override", "spiff") and rng.random() < 0.15:
            bounds = rng.choice([["on_or_after"], ["before"], ["on_or_after", "before"]])
            days = dict(zip(("on_or_after", "before"), SIGNED, strict=True))
            signed = {"field": "signed_on", **{name: days[name] for name in bounds}}
            part["where"] = [*part.get("where", []), signed]
    plan["pay"] = {"variable": "30000.01"}
    if rng.random() < 0.25:
        pays = [[rng.choice(["0", "0.5", "1/3", "1.2"]) for _ in range(2)] for _ in range(3)]
        grid = {"rows": ["20", "50", "70"], "columns": ["0", "60"], "pays": pays}
        grid |= rng.choice([{"target": "777.77"}, {"target_share": "0.25"}])
        parts.insert(
            0, {"kind": "matrix", "name": "grid", "row_metric": "nps", "column_metric": "nps", **grid}
        )
    if rng.random() < 0.25:
        ties = rng.choice(["share", "best", "order"])
        prizes, least = rng.choice([["100"], ["500", "300.01", "50"]]), rng.choice(["0", "300"])
        contest = {"kind": "contest", "name": "contest", "ties": ties, "prizes": prizes, "at_least": least}
        parts.insert(0, contest)
    if rng.random() < 0.3:
        plan["fx_date"] = rng.choice(["earned_on", "period_start"])
        plan["fx_max_age"] = 31


def money_of(plan, periods, rows, rng):
    """Write some credits in euros; give exchange rates, and the rows as dollars of the plan."""
    days = [period.start for period in periods]
    rates = {day: Fraction(rng.randint(900_000, 1_200_000), 10**6) for day in days}
    euros = {row[1] for rep in rows for row in rows[rep] if "fx_date" in plan and rng.random() < 0.3}
    dollars, source = {}, {}
    for rep in rows:
        source[rep], dollars[rep] = [], []
        for day, name, deal, measure, amount, columns in rows[rep]:
            whole = amount * rng.choice([1, 2, 3])
            given = {**columns, "whole": whole, "currency": "EUR" if name in euros else "USD"}
            source[rep].append((day, name, deal, measure, amount, given))
            rate = rates[max(start for start in days if start <= day)] if name in euros else 1
            due, size = (oracle.plain.rounded(Fraction(x) * rate, plan["rounding"]) for x in (amount, whole))
            dollars[rep].append((day, name, deal, measure, due, {**columns, "whole": size}))
    return rates, source, dollars


def random_rows(rng, rep, periods, n):
    span = (periods[-1].end - periods[0].start).days
    rows = []
    for k in range(n):
        day = periods[0].start + dt.timedelta(days=rng.randrange(span))
        scale = rng.choice([100, 10_000, 100_000])
        amount = rng.choice([rng.randint(-scale // 2, scale * 3), rng.randint(0, scale), 10_000, 50_000, 0])
        columns = {"product": rng.choice(["a", "b", "c"]), "term": rng.choice(["6", "12", "24.5", "36"])}
        columns["signed_on"] = day - dt.timedelta(days=37 * k % 90)
        deal = rng.choice([f"r{rep}d{rng.randint(0, 3)}", f"r{rep}c{k}"])
        rows.append((day, f"r{rep}c{k:02d}", deal, "amount", amount, columns))
    return sorted(rows, key=lambda row: row[:2])


def text(minor):
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def judge(seed):
    """Pay a random world by the engine and by the oracle; give both."""
    rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
    periods, plan = months(), random_plan(rng)
    more = random.Random(f"more {seed}")  # noqa: S311  (a seeded world, no secret)
    enrich(plan, more)
    rows = {rep: random_rows(rng, rep, periods, rng.randint(0, 9)) for rep in range(N_REPS)}
    figures = {(rep, p.name): rng.choice(["0", "25.5", "60", "80"]) for rep in rows for p in periods}
    quotas = {(rep, p.name): rng.choice([100, 33_333, 50_000]) for rep in rows for p in periods}
    events = [
        (kind, row[0] + dt.timedelta(days=rng.randint(0, 120)), row[1], rep)
        for rep in rows
        for row in rows[rep]
        for kind in ("paid", "lost")
        if rng.random() < 0.4
    ]
    rates, source, rows = money_of(plan, periods, rows, more)
    run = engine_run(plan, periods, source, figures, quotas, events, rates)
    found = (
        run.payouts().set_index(["rep_id", "period"])[["earned", "held", "balance", "paid"]].to_dict("index")
    )
    return run, plan, found, oracle_pays(plan, periods, rows, figures, quotas, events)


def engine_run(plan, periods, rows, figures, quotas, events, rates):
    credits = [
        {
            "credit_id": name,
            "rep_id": rep,
            "deal_id": deal,
            "amount": text(amount),
            "deal_amount": text(columns["whole"]),
            "earned_on": day,
            **{name: value for name, value in columns.items() if name != "whole"},
        }
        for rep in rows
        for day, name, deal, _, amount, columns in rows[rep]
    ]
    span = {p.name: {"start": p.start, "end": p.end} for p in periods}
    return comp.calculate(
        comp.CompPlan.from_dict(plan),
        credits,
        reps=[{"rep_id": rep} for rep in rows],
        quotas=[{"rep_id": rep, "amount": text(q), **span[name]} for (rep, name), q in quotas.items()],
        metrics=[
            {"rep_id": rep, "metric": "nps", "period": name, "value": value}
            for (rep, name), value in figures.items()
        ],
        events=[
            {"event_id": k, "kind": kind, "happened_on": day, "credit_id": credit}
            for k, (kind, day, credit, _) in enumerate(events)
        ],
        fx=[
            {"base": "EUR", "quote": "USD", "rated_on": day, "rate": f"{float(rate):.6f}"}
            for day, rate in rates.items()
        ],
        reporting=[{"rep_id": rep, "manager_id": rep // 4} for rep in rows if rep],
        periods=periods,
    )


def oracle_pays(plan, periods, rows, figures, quotas, events):
    spans = [
        (
            p.name,
            p.start,
            p.end,
            p.start.year,
            (p.start.year, (p.start.month - 1) // 3),
            p.start.month - 1,
            12,
        )
        for p in periods
    ]
    found, memo, seen, team = {}, {}, {rep: [] for rep in rows}, {rep: [] for rep in rows}
    for event in events:
        seen[event[3]].append(event[:3])
    for rep in rows:
        for manager in chain(rep):
            team[manager] += rows[rep]
    for rep in rows:
        world = {
            "rows": rows[rep],
            "team": sorted(team[rep], key=lambda row: row[:2]),
            "quotas": {p.name: quotas[rep, p.name] for p in periods},
            "figures": {p.name: {"nps": figures[rep, p.name]} for p in periods},
            "events": seen[rep],
            "periods": spans,
            "everyone": rows,
            "memo": memo,
            "rep": rep,
            "day": dt.timedelta(days=1),
        }
        for name, sums in oracle.Rep(plan, world).pay().items():
            found[rep, name] = sums
    return found


def chain(rep):
    """List everybody above a rep: four report to each."""
    above = set()
    while rep:
        rep //= 4
        above.add(rep)
    return above


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_every_sum_of_every_rule_equals_that_of_the_oracle(seeds):
    for seed in seeds:
        _, plan, found, expected = judge(seed)
        assert found == expected, (seed, plan)
