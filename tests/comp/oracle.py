"""What a plan pays, credit by credit in plain Fractions: slow, short, and independent of the engine."""

import functools
from fractions import Fraction

exact = functools.lru_cache(maxsize=4096)(Fraction)
"""Read the text of a number; plans say the same few numbers again and again."""


def rounded(value, rule):
    """Round a Fraction to a whole number."""
    low, rest = divmod(abs(value.numerator), value.denominator)
    beyond_half = 2 * rest - value.denominator
    away = {
        "half_up": beyond_half >= 0,
        "half_down": beyond_half > 0,
        "half_even": beyond_half > 0 or (beyond_half == 0 and low % 2 == 1),
        "up": rest > 0,
        "down": False,
        "floor": rest > 0 and value < 0,
        "ceiling": rest > 0 and value > 0,
    }[rule]
    return (low + away) * (-1 if value < 0 else 1)


def thresholds(part, rows, quota, unit):
    """Lower ends in minor units."""
    scale = (
        quota
        if part.get("basis", "amount" if part["kind"] == "commission" else "attainment") == "attainment"
        else unit
    )
    return [exact(row["from"]) * scale for row in rows]


def reached(ends, size, bound):
    """Position of the tier that a total belongs to."""
    if bound == "upper":
        return max([k for k, start in enumerate(ends) if start < size], default=0)
    return max(k for k, start in enumerate(ends) if start <= size)


def commission(part, total, quota, unit):
    """Commission on a total, before rounding; a negative total is the mirror of the positive one."""
    if total < 0:
        return -commission(part, -total, quota, unit)
    starts = thresholds(part, part["tiers"], quota, unit)
    factor = Fraction(part.get("base_rate", 1))
    if "target" in part:
        factor = Fraction(part["target"]) * unit / quota
    rates = [exact(tier["rate"]) * factor for tier in part["tiers"]]
    if part.get("style", "marginal") == "whole_amount":
        return total * rates[reached(starts, total, part.get("bound", "lower"))]
    due = Fraction(0)
    for k, (start, rate) in enumerate(zip(starts, rates, strict=True)):
        end = starts[k + 1] if k + 1 < len(starts) else None
        top = total if end is None else min(total, end)
        due += max(top - start, 0) * rate
    return due


def bonus(part, total, quota, unit):
    """Bonus of a period, before rounding."""
    total = max(total, 0)
    starts = thresholds(part, part["table"], quota, unit)
    pays = [exact(row["pays"]) for row in part["table"]]
    k = reached(starts, total, part.get("bound", "lower"))
    share = pays[k]
    if part.get("style", "step") == "interpolated":
        k = reached(starts, total, "lower")
        share = pays[k]
        if k + 1 < len(starts):
            share += (pays[k + 1] - share) * (total - starts[k]) / (starts[k + 1] - starts[k])
    return share * Fraction(part["target"]) * unit


def clip(value, cap):
    return max(-cap, min(cap, value))


def pay(plan, rows, quotas, periods, unit=100):
    """Pay one rep: {period: minor units}.

    `rows` are credits (day, credit_id, deal, measure, minor units); `quotas` minor units by period name;
    `periods` (name, start, end, year) in order.
    """
    rule = plan.get("rounding", "half_up")
    by_credit = plan.get("rounding_step", "to_date") == "credit"
    rows = sorted(rows, key=lambda credit: credit[:2])
    where = {credit[1]: next(p for p in periods if p[1] <= credit[0] < p[2]) for credit in rows}
    totals = {period[0]: 0 for period in periods}
    for part in plan["components"]:
        mine = [credit for credit in rows if part.get("measure") in (None, credit[3])]
        earned = {period[0]: 0 for period in periods}
        if part["kind"] == "bonus":
            for name, *_ in periods:
                counted = [credit[4] for credit in mine if where[credit[1]][0] == name]
                if part.get("basis", "attainment") == "amount" or quotas.get(name):
                    earned[name] = rounded(bonus(part, sum(counted), quotas.get(name), unit), rule)
        else:
            pay_commission(part, mine, where, quotas, periods, earned, unit, rule, by_credit)
        cap_periods(part.get("cap"), earned, periods, unit)
        for name, amount in earned.items():
            totals[name] += amount
    cap_periods(plan.get("cap"), totals, periods, unit)
    if "guarantee" in plan:
        least = Fraction(plan["guarantee"]) * unit
        totals = {name: max(amount, int(least)) for name, amount in totals.items()}
    return totals


def pay_commission(part, mine, where, quotas, periods, earned, unit, rule, by_credit):
    accumulate = part.get("accumulate", "period")
    so_far, deals = {}, {}
    cap = part.get("cap")
    for _, name, deal, _, amount in mine:
        period = where[name]
        key = {"period": period[0], "year": period[3], "deal": deal}[accumulate]
        quota = quotas.get(period[0])
        if accumulate == "year":
            full = part.get("year_quota", "full") == "full"
            counted = [p[0] for p in periods if p[3] == period[3] and (full or p[1] <= period[1])]
            quota = sum(quotas.get(p, 0) for p in counted)
        start = so_far.get(key, 0)
        so_far[key] = start + amount
        before, after = (commission(part, total, quota, unit) for total in (start, start + amount))
        due = rounded(after - before, rule) if by_credit else rounded(after, rule) - rounded(before, rule)
        if cap and cap["per"] == "deal":
            limit = Fraction(cap["amount"]) * unit
            had, was, sold = deals.get(deal, (0, 0, 0))
            kept = clip(had + due, limit) if sold + amount else had + due
            deals[deal] = had + due, kept, sold + amount
            due = int(kept - was)
        earned[period[0]] += due


def cap_periods(cap, earned, periods, unit):
    if not cap or cap["per"] == "deal":
        return
    limit = int(Fraction(cap["amount"]) * unit)
    so_far = {}
    for name, _, _, year in periods:
        key = name if cap["per"] == "period" else year
        had = so_far.get(key, 0)
        so_far[key] = had + earned[name]
        earned[name] = clip(had + earned[name], limit) - clip(had, limit)
