"""One line with its numbers as rationals in major units, ready for words and proofs."""

from __future__ import annotations

from fractions import Fraction

import attrs
import numpy as np

from salesops import _money as money
from salesops.comp import _lines as rules
from salesops.comp._lines import Lines, Names, rate_of
from salesops.comp._periods import EVERY_PERIOD
from salesops.comp.components import Commission
from salesops.comp.plan import Component
from salesops.errors import show


@attrs.frozen(kw_only=True)
class Line:
    """One line with its numbers as rationals in major units."""

    names: Names
    rep: str
    period: str
    plan: int
    part: Component | None
    rule: int
    credit: str
    tier: int
    prior: int
    start: Fraction
    end: Fraction
    before: Fraction
    after: Fraction
    quota: int
    target: int
    amount: int
    running: int
    event: str
    way: tuple[Fraction, Fraction]

    @property
    def places(self) -> int:
        """Decimals of the currency."""
        return self.names.places(self.plan)

    def money(self, value: Fraction) -> str:
        """Write an amount for people, exactly if it ends as a decimal; the facts are always exact."""
        return readable(value, self.places)

    @property
    def figure(self) -> Fraction:
        """The figure that was looked up, of a line that stands on one."""
        return Fraction(self.end * 10**self.places, self.quota or 1)

    @property
    def base(self) -> Fraction:
        """What the line pays a rate on: the way it covers, or its target."""
        if self.rule in rules.BY_TARGET:
            return Fraction(self.target, 10**self.places)
        return self.end - self.start

    @property
    def rate(self) -> Fraction:
        """The share of its base that the line pays before rounding."""
        return Fraction(self.after - self.before) / self.base if self.base else Fraction(0)

    def paid(self) -> str:
        """Write what the line pays, for people."""
        return money.format_minor(self.amount, self.places, thousands=True)


def line_at(lines: Lines, names: Names, k: int) -> Line:
    """Take one line out of the arrays."""
    plan, credit = int(lines.plan[k]), int(lines.credit[k])
    unit = 10 ** names.places(plan)
    scale, over = int(lines.scale[k]) * unit, int(lines.over[k]) * unit
    start, end = Fraction(int(lines.start[k]), scale), Fraction(int(lines.end[k]), scale)
    way = start, end
    if credit >= 0 and lines.rule[k] == rules.TIER:
        low, high = _neighbours(lines, k)
        near = slice(low, high)
        same = (lines.credit[near] == credit) & (lines.part[near] == lines.part[k])
        own = low + np.flatnonzero(same & (lines.rule[near] == rules.TIER))
        way = Fraction(int(lines.start[own[0]]), scale), Fraction(int(lines.end[own[-1]]), scale)
    return Line(
        names=names,
        rep=show(names.reps[int(lines.rep[k])]),
        period=names.periods[int(lines.period[k])],
        plan=plan,
        part=names.part(plan, int(lines.part[k])),
        rule=int(lines.rule[k]),
        credit=show(names.credits[credit]) if credit >= 0 else "",
        tier=int(lines.tier[k]),
        prior=int(lines.prior[k]),
        start=start,
        end=end,
        before=Fraction(int(lines.before[k]), over),
        after=Fraction(int(lines.after[k]), over),
        quota=int(lines.quota[k]),
        target=int(lines.target[k]),
        running=int(lines.running[k]),
        event=show(names.events[int(lines.prior[k])]) if lines.rule[k] == rules.CLAWBACK else "",
        amount=int(lines.amount[k]),
        way=way,
    )


def _neighbours(lines: Lines, k: int) -> tuple[int, int]:
    """Find the lines of the same statement around a line: those of a credit stand together."""
    low, high = (
        np.searchsorted(lines.rep, lines.rep[k], side="left"),
        np.searchsorted(lines.rep, lines.rep[k], side="right"),
    )
    periods = lines.period[low:high]
    first, last = (np.searchsorted(periods, lines.period[k], side=side) for side in ("left", "right"))
    return int(low + first), int(low + last)


def percent(rate: Fraction) -> str:
    """Write a rate in percent for people."""
    return f"{readable(rate * 100, 0)} %"


def readable(value: Fraction, least: int) -> str:
    """Write a rational for people: exactly if it ends as a decimal."""
    text = money.format_exact(value, least=least, thousands=True)
    if "/" not in text:
        return text
    places = least + 4
    return f"about {money.format_minor(money.round_fraction(value * 10**places), places, thousands=True)}"


def scope(line: Line) -> str:
    """Say over what the totals of a line run."""
    part = line.part
    span = part.accumulate if isinstance(part, Commission) else "period"
    if span == "deal":
        return "of its deal"
    if span in ("year", "quarter"):
        return f"in the {span} up to {line.period}"
    return when(line)


def when(line: Line) -> str:
    """Say in which period a line stands."""
    return "in all" if line.period == EVERY_PERIOD else f"in {line.period}"


def tier_words(line: Line, tier: int) -> str:
    """Name a tier by where it begins."""
    part = line.part
    if not isinstance(part, Commission):
        return ""
    if part.interim_rate is not None:
        return "the interim rate"
    start = part.tiers[tier].start
    if part.rate_by is not None:
        return f"tier {tier + 1} (from {readable(Fraction(start), 0)} in {part.rate_by})"
    if part.basis == "amount":
        return f"tier {tier + 1} (from {line.money(Fraction(start))})"
    quota = line.money(Fraction(line.quota, 10**line.places))
    return f"tier {tier + 1} (from {percent(Fraction(start))} of the quota of {quota})"


def rate_at(line: Line, tier: int, prior: int = -1) -> Fraction:
    """Give the rate of a tier for a line, less that of the tier it replaces."""
    part = line.part
    return (
        rate_of(part, tier, prior, line.quota, line.places, line.target)
        if isinstance(part, Commission)
        else Fraction(0)
    )
