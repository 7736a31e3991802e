"""Lines: every step of every payout with the facts it came from, as arrays and as a table."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._frames import IdCells, Labels, id_column
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._money import EXPONENTS, IntArray, Whole
from salesops.comp._compile import tier_rates
from salesops.comp.components import Commission
from salesops.comp.plan import Component, CompPlan

RULES = (
    "tier",
    "catch-up",
    "bonus",
    "cap per deal",
    "cap per period",
    "cap per year",
    "guarantee",
    "true-up",
    "goal",
    "cell",
    "spiff",
    "prize",
    "fixed",
    "multiplier",
    "gate",
    "floor per deal",
    "floor per period",
    "clawback",
    "held",
    "released",
    "forfeited",
    "draw",
    "recovery",
    "forgiven",
    "carried",
    "set off",
)
TIER, CATCH_UP, BONUS, DEAL_CAP, PERIOD_CAP, YEAR_CAP, GUARANTEE = range(7)
TRUE_UP, GOAL, CELL, SPIFF, PRIZE, FIXED, MULTIPLIER, GATE, DEAL_FLOOR, PERIOD_FLOOR = range(7, 17)
CLAWBACK, HELD, RELEASED, FORFEITED, DRAW, RECOVERY, FORGIVEN, CARRIED, SET_OFF = range(17, len(RULES))
SETTLEMENT = HELD
"""The first of the rules that change when something is paid, and not what is earned."""
PLAN = "plan"
"""Stands for the component in the lines of a plan's own cap and guarantee."""


ARRAY: dict[str, Any] = {
    "converter": read_only,
    "eq": BY_CONTENT,
    "hash": False,
}
"""Declares a read-only array of a frozen class that still compares equal."""
CELLS: dict[str, Any] = {
    "eq": attrs.cmp_using(eq=lambda one, other: np.array_equal(one, other)),
    "hash": False,
}
"""Declares a column of ids that become Python objects when looked at."""


@attrs.frozen(kw_only=True)
class Lines:
    """Every step of every payout as positions and whole numbers, in the order of statements.

    `rep`, `period`, `plan` and `part` are positions (a `part` past the components is the plan itself),
    `rule` one in RULES, `credit` one in the credits of the run, or -1. `start` to `end`, over `scale`, is the
    way that the line covers; `before` and `after`, over `over`, is what is due at its two ends before
    rounding; both in minor units. `target` is the target pay or fixed amount of which a share is paid, 0 if
    there is none; `prior` is the tier that is left, the goal of a scorecard, the column of a matrix or the
    event of a clawback, or -1. `amount` is what the line pays, `running` the statement's sum so far.
    """

    rep: IntArray = attrs.field(**ARRAY)
    period: IntArray = attrs.field(**ARRAY)
    plan: IntArray = attrs.field(**ARRAY)
    part: IntArray = attrs.field(**ARRAY)
    rule: IntArray = attrs.field(**ARRAY)
    credit: IntArray = attrs.field(**ARRAY)
    tier: IntArray = attrs.field(**ARRAY)
    prior: IntArray = attrs.field(**ARRAY)
    start: Whole = attrs.field(**ARRAY)
    end: Whole = attrs.field(**ARRAY)
    scale: IntArray = attrs.field(**ARRAY)
    before: Whole = attrs.field(**ARRAY)
    after: Whole = attrs.field(**ARRAY)
    over: Whole = attrs.field(**ARRAY)
    quota: IntArray = attrs.field(**ARRAY)
    target: IntArray = attrs.field(**ARRAY)
    amount: IntArray = attrs.field(**ARRAY)
    running: IntArray = attrs.field(**ARRAY)

    def __len__(self) -> int:
        return len(self.amount)


@attrs.frozen(kw_only=True)
class Names:
    """What the positions in arrays stand for."""

    plans: tuple[CompPlan, ...]
    currencies: tuple[str | None, ...]
    periods: tuple[str, ...]
    reps: Labels = attrs.field(eq=False)
    credits: IdCells = attrs.field(**CELLS)
    events: NDArray[Any] = attrs.field(**ARRAY)

    def places(self, plan: int) -> int:
        """Give the decimals of a plan's currency."""
        return EXPONENTS.get(self.currencies[plan] or "", 2)

    def part(self, plan: int, part: int) -> Component | None:
        """Give a component; None is the plan itself."""
        components = self.plans[plan].components
        return components[part] if part < len(components) else None

    def rep_column(self, rep: IntArray) -> pd.Series[Any]:
        """Name reps."""
        return id_column(self.reps.values[rep] if len(rep) else np.empty(0, dtype=object))

    def period_column(self, period: IntArray) -> pd.Series[Any]:
        """Name periods; none for -1."""
        return id_column(np.array([*self.periods, None], dtype=object)[period])

    def currency_column(self, plan: IntArray) -> pd.Series[Any]:
        """Name the currencies of plans."""
        return id_column(np.array(self.currencies, dtype=object)[plan])

    def credit_column(self, credit: IntArray) -> pd.Series[Any]:
        """Name credits; none for -1."""
        cells = np.full(len(credit), None, dtype=object)
        known = credit >= 0
        if known.all() and len(credit):
            return id_column(self.credits[credit])
        cells[known] = self.credits[credit[known]]
        return id_column(cells)


def lines_frame(lines: Lines, names: Names, rows: IntArray) -> pd.DataFrame:
    """Lay lines out as a table; the columns are described by ``CompRun.lines``."""
    plan, part, tier = lines.plan[rows], lines.part[rows], lines.tier[rows]
    plans = np.array([known.plan_id for known in names.plans], dtype=object)
    columns: dict[str, Any] = {
        "line_id": rows,
        "rep_id": names.rep_column(lines.rep[rows]),
        "period": names.period_column(lines.period[rows]),
        "plan_id": id_column(plans[plan]),
        "component": _components(names, plan, part),
        "rule": id_column(np.array(RULES, dtype=object)[lines.rule[rows]]),
        "credit_id": names.credit_column(lines.credit[rows]),
        "tier": pd.Series(tier + 1, dtype="Int64").mask(tier < 0),
        **{name: id_column(cells) for name, cells in _texts(lines, names, rows).items()},
        "amount": lines.amount[rows],
        "running": lines.running[rows],
        "currency": names.currency_column(plan),
    }
    return pd.DataFrame(columns)


def _components(names: Names, plan: IntArray, part: IntArray) -> pd.Series[Any]:
    widest = max((len(known.components) for known in names.plans), default=0) + 2
    table = np.full((len(names.plans), widest), PLAN, dtype=object)
    for k, known in enumerate(names.plans):
        table[k, : len(known.components)] = [component.name for component in known.components]
    return id_column(table[plan, part])


def _texts(lines: Lines, names: Names, rows: IntArray) -> dict[str, NDArray[Any]]:
    """Write what is exact and perhaps no whole number of minor units."""
    texts = {
        name: np.full(len(rows), None, dtype=object) for name in ("start", "end", "base", "rate", "exact")
    }
    for k in range(len(names.plans)):
        mine = np.flatnonzero(lines.plan[rows] == k)
        at, places = rows[mine], names.places(k)
        texts["start"][mine] = money.format_column(lines.start[at], lines.scale[at], places)
        texts["end"][mine] = money.format_column(lines.end[at], lines.scale[at], places)
        due = money.add(lines.after[at], -lines.before[at])
        texts["exact"][mine] = money.format_column(due, lines.over[at], places)
        way = np.flatnonzero(np.isin(lines.rule[at], BY_WAY))
        gone = money.add(lines.end[at[way]], -lines.start[at[way]])
        texts["base"][mine[way]] = money.format_column(gone, lines.scale[at[way]], places)
        share = np.flatnonzero(np.isin(lines.rule[at], BY_TARGET))
        one = np.ones(len(share), dtype=np.int64)
        texts["base"][mine[share]] = money.format_column(lines.target[at[share]], one, places)
        for rule in (*BY_WAY, *BY_TARGET):
            own = np.flatnonzero(lines.rule[at] == rule)
            if rule > CATCH_UP and len(own):
                texts["rate"][mine[own]] = _share_texts(lines, at[own])
        for j, part in enumerate(names.plans[k].components):
            own = np.flatnonzero((lines.part[at] == j) & (lines.rule[at] <= CATCH_UP))
            if isinstance(part, Commission) and len(own):
                texts["rate"][mine[own]] = _rates(lines, part, at[own], places)
    return texts


BY_WAY = (TIER, CATCH_UP, MULTIPLIER, GATE, SPIFF, CLAWBACK, HELD)
"""Rules whose lines pay a rate on the way from start to end."""
BY_TARGET = (BONUS, GOAL, CELL)
"""Rules whose lines pay a share of a target."""


def _share_texts(lines: Lines, rows: IntArray) -> list[str]:
    """Write what share of its base each line pays; 0 of nothing."""
    texts = []
    columns = (
        lines.rule,
        lines.start,
        lines.end,
        lines.scale,
        lines.target,
        lines.before,
        lines.after,
        lines.over,
    )
    for rule, start, end, scale, target, before, after, over in zip(
        *(column[rows].tolist() for column in columns), strict=True
    ):
        base = Fraction(target) if rule in BY_TARGET else Fraction(end - start, scale)
        rate = Fraction(after - before, over) / base if base else Fraction(0)
        texts.append(money.format_exact(rate))
    return texts


def _rates(lines: Lines, part: Commission, rows: IntArray, places: int) -> list[str]:
    """Write the rate of each line, each distinct one once."""
    if part.interim_rate is not None:
        return [money.format_exact(part.interim_rate)] * len(rows)
    by_quota = part.basis == "attainment"
    quota = lines.quota[rows] if by_quota else np.zeros(len(rows), dtype=np.int64)
    n = len(part.tiers) + 1
    held, pairs = pd.factorize(pd.MultiIndex.from_arrays([quota, lines.target[rows]]))
    codes, keys = pd.factorize((held * n + lines.tier[rows]) * n + lines.prior[rows] + 1)
    rates = []
    for key in keys.tolist():
        rest, prior = divmod(key, n)
        over, tier = divmod(rest, n)
        rate = rate_of(part, tier, prior - 1, int(pairs[over][0]), places, int(pairs[over][1]))
        rates.append(money.format_exact(rate))
    return [rates[code] for code in codes.tolist()]


def rate_of(part: Commission, tier: int, prior: int, quota: int, places: int, target: int = 0) -> Fraction:
    """Give the rate of a line: its tier's, less that of the tier it replaces, times the base rate."""
    if part.interim_rate is not None:
        return part.interim_rate
    rates = tier_rates(part)
    rate = rates[tier] - (rates[prior] if prior >= 0 else 0)
    return rate * base_rate_of(part, quota, places, target)


def base_rate_of(part: Commission, quota: int, places: int, target: int = 0) -> Fraction:
    """Give what the tier rates of a commission are multiplied by."""
    if part.target_share is not None:
        return Fraction(target, quota)
    if part.target is not None:
        return Fraction(part.target) * Fraction(10**places, quota)
    if part.basis == "attainment" and part.tiers[0].amount is not None:
        return Fraction(10**places, quota)
    return Fraction(1) if part.base_rate is None else part.base_rate
