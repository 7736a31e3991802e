"""What a seat delivers month by month: ramp, survival and season as arrays, and the law of a period's sum.

A seat that starts in month `a` is worth ``present[m] * ramp[m - a] * season[m]`` full months in month m as
long as its rep stays; the rep leaves at the end of a month with a constant probability. A seat's figure over
a span of months thus takes one value for each pair of start and exit, times what a full month brings.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from salesops.forecast import _laws
from salesops.forecast._laws import Law, Part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True)
class Productivity:
    """What one full month of a ramped rep brings: values and their probabilities, kept for the horizon.

    Attributes
    ----------
    values : tuple of float
        Amounts for one month, rising.
    weights : tuple of float
        Their probabilities.

    Examples
    --------
    >>> Productivity(values=(10.0, 30.0), weights=(0.5, 0.5)).mean
    20.0
    """

    values: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Expected amount for one month."""
        return math.fsum(v * w for v, w in zip(self.values, self.weights, strict=True))


@attrs.frozen(kw_only=True)
class Role:
    """What all seats of one role share.

    Attributes
    ----------
    name : str or None
    ramp : tuple of float
        Share of full productivity in the month of start and after; the last share stays.
    leaving : float
        Probability of leaving at the end of a month.
    productivity : Productivity

    Examples
    --------
    >>> made = Productivity(values=(10.0,), weights=(1.0,))
    >>> Role(name=None, ramp=(0.5, 1.0), leaving=0.02, productivity=made).leaving
    0.02
    """

    name: str | None
    ramp: tuple[float, ...]
    leaving: float
    productivity: Productivity


@attrs.frozen(kw_only=True, eq=False)
class Seats:
    """`n` equal and independent seats.

    `starts` are pairs (month, probability); a month below 0 is one before the horizon, and None is a rep who
    is ramped already. `until` is the month after the last one worked, if known. `first_share` and
    `last_share` are the parts of the first and the last month that are worked.
    """

    label: str
    kind: str
    n: int
    role: Role
    productivity: Productivity
    starts: tuple[tuple[int | None, float], ...]
    until: int | None = None
    first_share: float = 1.0
    last_share: float = 1.0

    @property
    def key(self) -> tuple[Hashable, ...]:
        """What makes two seats interchangeable."""
        return (self.kind, self.productivity.values, self.productivity.weights, *self.schedule)

    @property
    def schedule(self) -> tuple[Hashable, ...]:
        """What makes two seats deliver the same months."""
        return (
            self.role.name or "",
            tuple((-(10**6) if start is None else start, p) for start, p in self.starts),
            10**6 if self.until is None else self.until,
            self.first_share,
            self.last_share,
        )


@attrs.frozen(kw_only=True, eq=False)
class Paths:
    """All that can become of one seat: worth of each month and probability of each (start, exit)."""

    staying: Floats
    """Shape (n_starts, n_months): probability that the seat starts then and is filled in a month."""

    worth: Floats
    """Shape (n_starts, n_months): full months that a filled seat delivers in a month, without the season."""

    present: Floats
    """Shape (n_starts, n_months): share of the month that a filled seat works."""

    leave: Floats
    """Shape (n_starts, n_months): probability that the seat starts then and month m is its last."""

    never: float


def paths(seats: Seats, n_months: int) -> Paths:
    """Spell out every start and exit of one seat."""
    months = np.arange(n_months)
    n_starts = len(seats.starts)
    staying, worth, present, leave = (np.zeros((n_starts, n_months)) for _ in range(4))
    ramp, stay = np.array(seats.role.ramp), 1.0 - seats.role.leaving
    until = n_months if seats.until is None else min(seats.until, n_months)
    never = 1.0
    for k, (start, probability) in enumerate(seats.starts):
        first = 0 if start is None else max(start, 0)
        if first >= until:
            continue
        never -= probability
        there = (months >= first) & (months < until)
        age = months - (first if start is None else start)
        share = np.full(n_months, ramp[-1]) if start is None else ramp[np.clip(age, 0, len(ramp) - 1)]
        present[k] = np.where(there, 1.0, 0.0)
        if start is not None and start >= 0:
            present[k, start] *= seats.first_share
        if seats.until is not None and seats.until <= n_months:
            present[k, until - 1] -= 1.0 - seats.last_share
        worth[k] = present[k] * share
        staying[k] = np.where(there, probability * stay ** np.maximum(months - first, 0), 0.0)
        leave[k] = staying[k] * (1.0 - stay)
        leave[k, until - 1] = staying[k, until - 1]
    return Paths(staying=staying, worth=worth, present=present, leave=leave, never=max(never, 0.0))


def figure(seats: Seats, n_months: int, season: Floats, span: Floats) -> Part:
    """Give the law of what one seat brings over the months that `span` marks."""
    return _times(seats, full_months(seats, n_months, season, span))


def full_months(seats: Seats, n_months: int, season: Floats, span: Floats) -> Part:
    """Give the law of the full months that one seat delivers over the months that `span` marks."""
    found = paths(seats, n_months)
    sums = np.cumsum(found.worth * (season * span), axis=1)
    values = np.concatenate([[0.0], sums.ravel()])
    weights = np.concatenate([[found.never], found.leave.ravel()])
    return _laws.part(1, values, weights)


def _times(seats: Seats, months: Part) -> Part:
    """Multiply the law of the months by what a month brings, for all equal seats."""
    made = seats.productivity
    if len(made.values) == 1 and made.values[0] > 0.0:
        return Part(seats.n, months.values * made.values[0], months.weights)
    amounts = np.multiply.outer(months.values, np.array(made.values)).ravel()
    masses = np.multiply.outer(months.weights, np.array(made.weights)).ravel()
    return attrs.evolve(_laws.part(seats.n, amounts, masses / math.fsum(masses.tolist())), n=seats.n)


@attrs.frozen(kw_only=True, eq=False)
class Staffing:
    """Everything that a capacity plan was made from, as numbers."""

    seats: tuple[Seats, ...]
    roles: tuple[Role, ...]
    season: Floats
    """Shape (n_months,)."""

    spans: Floats
    """Shape (n_periods + 1, n_months): 1 where a month belongs to the period; the last row is the whole."""

    market_sd: float

    @property
    def n_months(self) -> int:
        """Months of the horizon."""
        return len(self.season)

    def parts(self, period: int, more: Iterable[Seats] = ()) -> list[Part]:
        """Give the laws of all seats over a period (-1: the whole)."""
        span = self.spans[period]
        known: dict[tuple[Hashable, ...], Part] = {}
        parts = []
        for seats in (*self.seats, *more):
            key = seats.schedule
            if key not in known:
                known[key] = full_months(seats, self.n_months, self.season, span)
            parts.append(_times(seats, known[key]))
        return parts

    def law(self, period: int, more: Sequence[Seats] = ()) -> Law:
        """Give the law of the sum over a period (-1: the whole), the market's factor in it."""
        return _laws.sum_of(self.parts(period, more)).under_a_factor(self.market_sd)

    def expected(self) -> tuple[Floats, Floats, Floats]:
        """Give heads, ramped equivalents and amount by seat group and period, the whole last."""
        n_rows = len(self.seats)
        heads, full, amount = (np.zeros((n_rows, len(self.spans))) for _ in range(3))
        for k, seats in enumerate(self.seats):
            heads[k], full[k], amount[k] = self.expected_of(seats)
        return heads, full, amount

    def expected_of(self, seats: Seats) -> tuple[Floats, Floats, Floats]:
        """Give expected heads, ramped equivalents (both summed over months) and amount, by period."""
        found = paths(seats, self.n_months)
        present = seats.n * (found.staying * found.present).sum(axis=0)
        months = seats.n * (found.staying * found.worth).sum(axis=0)
        amount = seats.productivity.mean * (self.spans @ (months * self.season))
        return self.spans @ present, self.spans @ months, amount


def pooled(seats: Iterable[Seats]) -> tuple[Seats, ...]:
    """Join seats that are interchangeable, in a stated order."""
    groups: dict[tuple[Hashable, ...], list[Seats]] = {}
    for one in seats:
        groups.setdefault(one.key, []).append(one)
    joined = []
    for key in sorted(groups, key=repr):
        same = groups[key]
        joined.append(attrs.evolve(same[0], n=sum(one.n for one in same)))
    return tuple(joined)
