"""The desk on which one plan is paid: its credits in order, its seats, and the lines that it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import attrs
import numpy as np

from salesops import _money as money
from salesops._frames import Ids
from salesops._frames.arrays import constant, is_constant, taken
from salesops._money import BoolArray, IntArray, Whole
from salesops.comp import _kernels as kernels
from salesops.comp._compile import minor_amount
from salesops.comp._events import Events
from salesops.comp._metrics import Metrics
from salesops.comp._periods import Terms
from salesops.comp._quotas import Quotas
from salesops.comp._triage import Reason
from salesops.comp.components import Commission, Override
from salesops.comp.plan import Component, CompPlan

_LAST = 2**62


class Block(NamedTuple):
    """Lines of one rule, as columns; see ``Lines`` for their meaning. `order` sorts them in a statement."""

    seat: IntArray
    part: IntArray
    rule: IntArray
    credit: IntArray
    tier: IntArray
    prior: IntArray
    start: Whole
    end: Whole
    scale: IntArray
    before: Whole
    after: Whole
    over: Whole
    quota: IntArray
    target: IntArray
    amount: IntArray
    order: IntArray


class Rows(NamedTuple):
    """Credits in the order in which they count: where each stands, whose seat it is, and what it says."""

    place: IntArray
    credit: IntArray
    seat: IntArray
    deal: IntArray
    measure: IntArray
    amount: IntArray
    whole: IntArray
    day: IntArray

    def take(self, rows: Any) -> Rows:
        """Keep some rows, by position or by mask."""
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        return Rows(*(taken(column, rows) for column in self))


class Trouble(NamedTuple):
    """Seats that cannot be paid."""

    reason: Reason
    seats: BoolArray
    credited: Whole
    earned: IntArray
    about: str = ""


class Reached(NamedTuple):
    """What each seat was credited and its quota, for one component on attainment."""

    part: int
    credited: IntArray
    quota: IntArray


class Settled(NamedTuple):
    """What each seat has on hold and owes at its end."""

    held: IntArray
    balance: IntArray


class Paid(NamedTuple):
    """Lines of a plan, what its seats have attained and owe, and the seats that cannot be paid."""

    blocks: list[Block]
    attained: list[Reached]
    settled: Settled
    trouble: Trouble | None


@attrs.frozen(eq=False, kw_only=True)
class Desk:
    """One plan with its credits in the order in which they count, and its seats.

    A seat is a rep in a period, in order of both; `seat_number` counts the seats in which the rep has the
    plan (0 where not). `counts` says for each component which credits of the run it counts (None: all).
    `stated` are the amounts of the credits of the run in their own currency.
    `own` are the credits of the reps, `team` those that a manager's overrides count, with their `level`.
    """

    plan: CompPlan
    currency: str | None
    places: int
    terms: Terms
    quotas: Quotas
    target_pay: Quotas
    metrics: Metrics
    measures: tuple[str, ...]
    texts: Mapping[str, Any]
    numbers: Mapping[str, tuple[IntArray, BoolArray]]
    events: Events
    ranks: Callable[[], IntArray]
    stated: IntArray
    credit_ids: Ids
    opening: IntArray
    counts: tuple[BoolArray | None, ...]
    seat_rep: IntArray
    seat_period: IntArray
    seat_number: IntArray
    served: Mapping[str, tuple[IntArray, IntArray]]
    own: Rows
    team: Rows
    level: IntArray

    @cached_property
    def rank(self) -> IntArray:
        """Place of each credit's id among those of the run, found out when asked for."""
        return self.ranks()

    @property
    def n_seats(self) -> int:
        """How many seats there are."""
        return len(self.seat_rep)

    def span(self, per: str) -> IntArray:
        """Give the number of the period, quarter or year of each seat."""
        terms = self.terms
        return {"period": self.seat_period, "quarter": terms.quarters[self.seat_period]}.get(
            per, terms.years[self.seat_period]
        )

    def rows_of(self, k: int) -> Rows:
        """Find the credits that a component counts."""
        part = self.plan.components[k]
        rows, mask = (self.team if isinstance(part, Override) else self.own), self.counts[k]
        if isinstance(part, Override) and part.depth is not None:
            near = self.level <= part.depth
            rows = rows.take(near)
        return rows if mask is None else rows.take(mask[rows.credit])

    def _measure_code(self, measure: str | None, rows: Rows) -> int:
        if measure in self.measures:
            return self.measures.index(measure)
        found = rows.measure[:1] if is_constant(rows.measure) else np.unique(rows.measure)
        return int(found[0]) if len(found) == 1 else -1

    def quota_of(self, k: int, measure: str | None, span: str = "period") -> IntArray:
        """Find the quota of each seat; 0 where there is none. A span sums those of its periods."""
        part = self.plan.components[k]
        rows = self.team if isinstance(part, Override) else self.own
        code = self._measure_code(measure, rows)
        if span == "period":
            return self.quotas.find(self.seat_rep, self.seat_period, code, self.currency)
        reps, position = np.unique(self.seat_rep, return_inverse=True)
        n = len(self.terms)
        each = np.repeat(reps, n), np.tile(np.arange(n), len(reps))
        grid = self.quotas.find(*each, code, self.currency).reshape(len(reps), n)
        groups = self.terms.years if span == "year" else self.terms.quarters
        counted = groups[:, None] == groups[None, :]
        if isinstance(part, Commission) and part.year_quota == "to_date":
            counted = counted & np.tri(n, dtype=bool).T
        if money.extent(grid) * n >= 2**63:
            grid = grid.astype(object)
        sums = money.narrow(grid @ counted.astype(grid.dtype), "quotas.amount")
        return np.asarray(sums[position.reshape(-1), self.seat_period])

    def target_of(self, part: Any, path: str) -> IntArray:
        """Give the target pay of each seat for a component, rounded to minor units."""
        if part.target is not None:
            target = np.full(self.n_seats, minor_amount(part.target, self.places, f"{path}.target"))
        else:
            target = self.scaled(self._variable_pay(), part.target_share)
        return self.prorated(target, getattr(part, "prorate", "none"))

    def _variable_pay(self) -> IntArray:
        given = self.target_pay.find(self.seat_rep, self.seat_period, -1, self.currency)
        pay = self.plan.pay
        if pay is None:
            return given
        n = self.terms.per_year if pay.per == "year" else np.ones(len(self.terms), dtype=np.int64)
        share = Fraction(pay.variable) * 10**self.places
        over = money.multiply(n[self.seat_period], share.denominator)
        default = money.divide(np.full(self.n_seats, share.numerator), over, self.plan.rounding)
        return np.where(given > 0, given, default)

    def scaled(self, amounts: IntArray, share: Fraction) -> IntArray:
        """Multiply amounts by a rate, rounded as the plan says."""
        return money.mul_div(amounts, share.numerator, share.denominator, self.plan.rounding)

    def prorated(self, amounts: IntArray, method: str) -> IntArray:
        """Scale amounts of a whole period to the part of it in which the rep has the plan."""
        if method == "none":
            return amounts
        part, whole = self.served[method]
        return money.mul_div(amounts, part, np.maximum(whole, 1), self.plan.rounding)

    def earned(self, blocks: Sequence[Block], parts: set[int] | None = None) -> IntArray:
        """Add up the lines of each seat, of some components or of all."""
        mine = [
            block for block in blocks if parts is None or (len(block.part) and int(block.part[0]) in parts)
        ]
        if not mine:
            return np.zeros(self.n_seats, dtype=np.int64)
        amounts = np.concatenate([block.amount for block in mine])
        return money.group_sums(amounts, np.concatenate([block.seat for block in mine]), self.n_seats)

    def credit_lines(self, blocks: Sequence[Block], parts: set[int]) -> tuple[IntArray, IntArray]:
        """Find which of the reps' own credits have lines in some components, and what they earned there."""
        mine = [block for block in blocks if len(block.part) and int(block.part[0]) in parts]
        earned = np.zeros(len(self.own.place), dtype=np.int64)
        touched = np.zeros(len(self.own.place), dtype=np.bool_)
        for block in mine:
            at = (block.credit >= 0) & (block.order < len(self.own.place))
            touched[block.order[at]] = True
            earned = money.narrow(
                money.add(earned, money.group_sums(block.amount[at], block.order[at], len(earned)))
            )
        return np.flatnonzero(touched), earned

    def acted_on(self, part: Any, k: int) -> set[int]:
        """Find the components that a later one acts on."""
        names = [component.name for component in self.plan.components]
        return {names.index(name) for name in part.of} if part.of else set(range(k))

    def path(self, k: int) -> str:
        """Write where a component stands in the document."""
        return f"components[{k}]"


def flat_block(
    seat: IntArray,
    k: int,
    rule: int,
    start: Whole,
    end: Whole,
    amount: IntArray,
    *,
    credit: IntArray | None = None,
    order: IntArray | None = None,
    **columns: Any,
) -> Block:
    """Make lines that bring a total from one amount to another; `columns` replace what that implies."""
    n = len(seat)
    none, one, zero = constant(n, -1), constant(n, 1), constant(n, 0)
    block = Block(
        seat=seat,
        part=constant(n, k),
        rule=constant(n, rule),
        credit=none if credit is None else credit,
        tier=none,
        prior=none,
        start=start,
        end=end,
        scale=one,
        before=zero,
        after=amount,
        over=one,
        quota=zero,
        target=zero,
        amount=amount,
        order=constant(n, _LAST) if order is None else order,
    )
    return block._replace(**columns)


def share_block(
    desk: Desk,
    seat: IntArray,
    k: int,
    rule: int,
    base: IntArray,
    rate: Fraction | tuple[Whole, Whole | int],
    **more: Any,
) -> Block:
    """Make lines that pay a share of amounts, each rounded once."""
    over, under = (rate.numerator, rate.denominator) if isinstance(rate, Fraction) else rate
    after = money.multiply(base, over)
    below = money.multiply(np.ones(len(seat), dtype=np.int64), under)
    amount = money.divide(after, below, desk.plan.rounding)
    return flat_block(
        seat, k, rule, np.zeros(len(seat), dtype=np.int64), base, amount, after=after, over=below, **more
    )


def gauge(desk: Desk, k: int, part: Any, rows: Rows) -> tuple[Whole, IntArray, BoolArray]:
    """Find where each seat stands: a figure, credited money or attainment; its unit; and whether it is known.

    The position is a multiple of the unit: of the quota, of one, or of a millionth of a figure.
    """
    if part.metric is not None:
        value, known = desk.metrics.find(desk.seat_rep, desk.seat_period, part.metric)
        return value, np.full(desk.n_seats, desk.metrics.unit), known
    credited = money.group_totals(rows.amount, rows.seat, desk.n_seats)
    if part.basis == "attainment":
        quota = desk.quota_of(k, part.measure)
        return credited, quota, quota > 0
    return credited, np.ones(desk.n_seats, dtype=np.int64), np.ones(desk.n_seats, dtype=np.bool_)


def of_measure(desk: Desk, measure: str | None) -> Rows:
    """Find the credits of a measure; all of them if none is named."""
    if measure is None:
        return desk.own
    code = desk.measures.index(measure) if measure in desk.measures else -2
    return desk.own.take(desk.own.measure == code)


def component_at(plan: CompPlan, k: int) -> Component | None:
    """Give a component of a plan; None is the plan itself."""
    return plan.components[k] if k < len(plan.components) else None


runs = kernels.runs
