"""Pay one plan: from its credits, in order, to lines."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import attrs
import numpy as np

from salesops import _money as money
from salesops._money import BoolArray, IntArray, Rounding, Whole
from salesops.comp import _kernels as kernels
from salesops.comp._compile import compile_bonus, compile_commission, minor_amount
from salesops.comp._lines import BONUS, CATCH_UP, DEAL_CAP, GUARANTEE, PERIOD_CAP, TIER, YEAR_CAP
from salesops.comp._periods import Terms
from salesops.comp._quotas import Quotas
from salesops.comp._triage import Reason
from salesops.comp.components import Bonus, Cap, Commission
from salesops.comp.plan import CompPlan

_LAST = 2**62


class Block(NamedTuple):
    """Lines of one rule, as columns; see ``results.Lines`` for their meaning."""

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
    amount: IntArray
    order: IntArray


@attrs.frozen(eq=False, kw_only=True)
class Desk:
    """One plan with its credits in the order in which they count, and its seats.

    A seat is a rep in a period, in order of both. Columns of credits: `credit` is the row in the table given,
    `seat` its seat, `deal` and `measure` codes, `amount` minor units.
    """

    plan: CompPlan
    currency: str | None
    places: int
    terms: Terms
    quotas: Quotas
    measures: tuple[str, ...]
    seat_rep: IntArray
    seat_period: IntArray
    credit: IntArray
    seat: IntArray
    deal: IntArray
    measure: IntArray
    amount: IntArray

    @property
    def n_seats(self) -> int:
        """How many seats there are."""
        return len(self.seat_rep)

    @property
    def seat_year(self) -> IntArray:
        """The year of each seat."""
        return self.terms.years[self.seat_period]

    def rows_of(self, part: Commission | Bonus) -> IntArray:
        """Find the credits that a component counts."""
        if part.measure is None:
            return np.arange(len(self.credit))
        if part.measure not in self.measures:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.measure == self.measures.index(part.measure))

    def _only_measure(self) -> int:
        found = np.unique(self.measure)
        return int(found[0]) if len(found) == 1 else -1

    def quota_of(self, part: Commission | Bonus) -> IntArray:
        """Find the quota of each seat for a component on attainment; 0 where there is none."""
        code = self.measures.index(part.measure) if part.measure in self.measures else self._only_measure()
        if not isinstance(part, Commission) or part.accumulate != "year":
            return self.quotas.find(self.seat_rep, self.seat_period, code, self.currency)
        reps, position = np.unique(self.seat_rep, return_inverse=True)
        n = len(self.terms)
        each = np.repeat(reps, n), np.tile(np.arange(n), len(reps))
        grid = self.quotas.find(*each, code, self.currency).reshape(len(reps), n)
        same_year = self.terms.years[:, None] == self.terms.years[None, :]
        counted = same_year if part.year_quota == "full" else same_year & np.tri(n, dtype=bool).T
        if money.extent(grid) * n >= 2**63:
            grid = grid.astype(object)
        return money.narrow(grid @ counted.astype(grid.dtype), "quotas.amount")[
            position.reshape(-1), self.seat_period
        ]


class Trouble(NamedTuple):
    """Seats that cannot be paid."""

    reason: Reason
    seats: BoolArray
    credited: Whole
    earned: IntArray


class Reached(NamedTuple):
    """What each seat was credited and its quota, for one component on attainment."""

    part: int
    credited: IntArray
    quota: IntArray


class Paid(NamedTuple):
    """Lines of a plan, what its seats have attained, and the seats that cannot be paid."""

    blocks: list[Block]
    attained: list[Reached]
    trouble: Trouble | None


def pay(desk: Desk) -> Paid:
    """Pay every component of a plan, then its cap and its guarantee."""
    plan, n = desk.plan, desk.n_seats
    credited = money.group_totals(desk.amount, desk.seat, n)
    lacking = _lacking_quota(desk)
    if lacking.any():
        return Paid([], [], Trouble("no quota", lacking, credited, np.zeros(n, dtype=np.int64)))
    blocks: list[Block] = []
    attained: list[Reached] = []
    beyond = np.zeros(n, dtype=np.bool_)
    for k, part in enumerate(plan.components):
        if isinstance(part, Commission):
            beyond |= _pay_commission(desk, k, part, blocks, attained)
        else:
            _pay_bonus(desk, k, part, blocks, attained)
    if beyond.any():
        return Paid([], [], Trouble("above the last tier", beyond, credited, np.zeros(n, dtype=np.int64)))
    end = len(plan.components)
    if plan.cap is not None:
        _cap_seats(desk, end, plan.cap, _earned(desk, blocks), blocks, "cap.amount")
    if plan.guarantee is not None:
        _guarantee(desk, end + 1, minor_amount(plan.guarantee, desk.places, "guarantee"), blocks)
    earned = _earned(desk, blocks)
    if plan.negative == "refuse" and (earned < 0).any():
        return Paid([], [], Trouble("negative total", earned < 0, credited, earned))
    return Paid(blocks, attained, None)


def _lacking_quota(desk: Desk) -> BoolArray:
    """Mark seats with credits that a component on attainment counts and no quota."""
    lacking = np.zeros(desk.n_seats, dtype=np.bool_)
    for part in desk.plan.components:
        if part.basis == "attainment":
            counted = np.zeros(desk.n_seats, dtype=np.bool_)
            counted[desk.seat[desk.rows_of(part)]] = True
            lacking |= counted & (desk.quota_of(part) == 0)
    return lacking


def _earned(desk: Desk, blocks: list[Block], part: int | None = None) -> IntArray:
    """Add up the lines of each seat, of one component or of all."""
    mine = [block for block in blocks if part is None or (len(block.part) and block.part[0] == part)]
    if not mine:
        return np.zeros(desk.n_seats, dtype=np.int64)
    amounts = np.concatenate([block.amount for block in mine])
    return money.group_sums(amounts, np.concatenate([block.seat for block in mine]), desk.n_seats)


def _pay_commission(
    desk: Desk,
    k: int,
    part: Commission,
    blocks: list[Block],
    attained: list[Reached],
) -> BoolArray:
    """Add the lines of a commission; give the seats whose total lies beyond the last tier."""
    schedule = compile_commission(part, desk.places)
    rows = desk.rows_of(part)
    on_quota = part.basis == "attainment"
    seat_quota = desk.quota_of(part) if on_quota else np.ones(desk.n_seats, dtype=np.int64)
    order, first = _accumulation(desk, rows, part.accumulate)
    rows = rows[order]
    quota = seat_quota[desk.seat[rows]]
    end = money.cumulative(desk.amount[rows], first)
    start = end - desk.amount[rows]
    scale = np.int64(schedule.point_scale)
    left, right = money.multiply(start, schedule.point_scale), money.multiply(end, schedule.point_scale)
    beyond = np.zeros(desk.n_seats, dtype=np.bool_)
    beyond[desk.seat[rows[kernels.above_top(right, quota, schedule)]]] = True
    slices = (kernels.marginal_slices if part.style == "marginal" else kernels.whole_slices)(
        left, right, quota, schedule
    )
    factor, over = _multiplier(part, desk.places, quota[slices.row], schedule)
    before, after = money.multiply(slices.before, factor), money.multiply(slices.after, factor)
    if desk.plan.rounding_step == "credit":
        before, after = _from_credit(before, after, slices.row)
    amount = _differences(before, after, over, desk.plan.rounding)
    at = rows[slices.row]
    n = len(at)
    block = Block(
        seat=desk.seat[at],
        part=np.full(n, k),
        rule=np.where(slices.prior >= 0, CATCH_UP, TIER),
        credit=desk.credit[at],
        tier=slices.tier,
        prior=slices.prior,
        start=slices.start,
        end=slices.end,
        scale=np.full(n, scale),
        before=before,
        after=after,
        over=over,
        quota=quota[slices.row] if on_quota else np.zeros(n, dtype=np.int64),
        amount=amount,
        order=at,
    )
    blocks.append(block)
    if on_quota:
        credited = money.group_sums(desk.amount[rows], desk.seat[rows], desk.n_seats)
        if part.accumulate == "year":
            to_date = money.cumulative(credited, kernels.runs(desk.seat_rep, desk.seat_year))
            credited = money.narrow(to_date)
        attained.append(Reached(k, credited, seat_quota))
    if part.cap is not None:
        _cap_commission(desk, k, part.cap, rows, slices.row, amount, blocks)
    return beyond


def _accumulation(desk: Desk, rows: IntArray, accumulate: str) -> tuple[IntArray, BoolArray]:
    """Order credits so that those that accumulate stand together; mark where each total starts at 0."""
    rep = desk.seat_rep[desk.seat[rows]]
    if accumulate == "deal":
        order = np.lexsort((np.arange(len(rows)), desk.deal[rows], rep))
        return order, kernels.runs(rep[order], desk.deal[rows][order])
    span = desk.seat_period if accumulate == "period" else desk.seat_year
    return np.arange(len(rows)), kernels.runs(rep, span[desk.seat[rows]])


def _multiplier(
    part: Commission, places: int, quota: IntArray, schedule: kernels.Schedule
) -> tuple[int | Whole, Whole]:
    """Give what turns scaled earnings into minor units: a numerator, and denominators by row."""
    scale = schedule.point_scale * schedule.rate_scale
    if part.target is None:
        return 1, money.multiply(np.ones(len(quota), dtype=np.int64), scale)
    target = Fraction(part.target) * 10**places
    return target.numerator, money.multiply(quota, scale * target.denominator)


def _from_credit(before: Whole, after: Whole, row: IntArray) -> tuple[Whole, Whole]:
    """Count what is due from the start of each credit instead of the start of the total."""
    if not len(row):
        return before, after
    origin = before[np.flatnonzero(np.diff(row, prepend=-1))]
    base = np.repeat(origin, np.unique(row, return_counts=True)[1])
    return money.add(before, -base), money.add(after, -base)


def _differences(before: Whole, after: Whole, over: Whole, rounding: Rounding) -> IntArray:
    """Round what is due up to each end of a slice; lines are the differences."""
    upto = money.divide(after, over, rounding)
    return money.narrow(money.add(upto, -money.divide(before, over, rounding)))


def _cap_commission(
    desk: Desk, k: int, cap: Cap, rows: IntArray, row: IntArray, amount: IntArray, blocks: list[Block]
) -> None:
    if cap.per != "deal":
        _cap_seats(desk, k, cap, _earned(desk, blocks, k), blocks, f"components[{k}].cap.amount")
        return
    limit = minor_amount(cap.amount, desk.places, f"components[{k}].cap.amount")
    earned = np.zeros(len(desk.credit), dtype=np.int64)
    earned[rows] = money.group_sums(amount, row, len(rows))
    order, first = _accumulation(desk, np.arange(len(desk.credit)), "deal")
    adjustment = kernels.cap_adjustments(earned[order], first, limit)
    total = money.cumulative(earned[order], first)
    hits = np.flatnonzero(adjustment)
    at = order[hits]
    blocks.append(
        _flat_block(
            desk.seat[at],
            k,
            DEAL_CAP,
            total[hits],
            np.clip(total[hits], -limit, limit),
            adjustment[hits],
            credit=desk.credit[at],
            order=at,
        )
    )


def _cap_seats(desk: Desk, k: int, cap: Cap, earned: IntArray, blocks: list[Block], path: str) -> None:
    """Cap the totals of periods, or of the years they belong to."""
    limit = minor_amount(cap.amount, desk.places, path)
    span = desk.seat_period if cap.per == "period" else desk.seat_year
    first = kernels.runs(desk.seat_rep, span)
    adjustment = kernels.cap_adjustments(earned, first, limit)
    total = money.cumulative(earned, first)
    hits = np.flatnonzero(adjustment)
    rule = PERIOD_CAP if cap.per == "period" else YEAR_CAP
    capped = np.clip(total[hits], -limit, limit)
    blocks.append(_flat_block(hits, k, rule, total[hits], capped, adjustment[hits]))


def _guarantee(desk: Desk, k: int, least: int, blocks: list[Block]) -> None:
    earned = _earned(desk, blocks)
    hits = np.flatnonzero(earned < least)
    top_up = money.narrow(money.add(np.full(len(hits), least), -earned[hits]))
    blocks.append(_flat_block(hits, k, GUARANTEE, earned[hits], np.full(len(hits), least), top_up))


def _flat_block(
    seat: IntArray,
    k: int,
    rule: int,
    start: Whole,
    end: Whole,
    amount: IntArray,
    *,
    credit: IntArray | None = None,
    order: IntArray | None = None,
) -> Block:
    """Make lines that bring a total from one amount to another."""
    n = len(seat)
    none, one = np.full(n, -1), np.ones(n, dtype=np.int64)
    return Block(
        seat=seat,
        part=np.full(n, k),
        rule=np.full(n, rule),
        credit=none if credit is None else credit,
        tier=none,
        prior=none,
        start=start,
        end=end,
        scale=one,
        before=np.zeros(n, dtype=np.int64),
        after=amount,
        over=one,
        quota=np.zeros(n, dtype=np.int64),
        amount=amount,
        order=np.full(n, _LAST) if order is None else order,
    )


def _pay_bonus(
    desk: Desk,
    k: int,
    part: Bonus,
    blocks: list[Block],
    attained: list[Reached],
) -> None:
    table = compile_bonus(part, desk.places)
    rows = desk.rows_of(part)
    on_quota = part.basis == "attainment"
    quota = desk.quota_of(part) if on_quota else np.ones(desk.n_seats, dtype=np.int64)
    credited = money.group_totals(desk.amount[rows], desk.seat[rows], desk.n_seats)
    if on_quota:
        attained.append(Reached(k, money.narrow(credited), quota))
    seats = np.flatnonzero(quota > 0)
    position = money.multiply(credited[seats], table.point_scale)
    step, pays, over = kernels.table_pays(position, quota[seats], table)
    target = minor_amount(part.target, desk.places, f"components[{k}].target")
    after = money.multiply(pays, target)
    amount = money.divide(after, over, desk.plan.rounding)
    counted = np.zeros(desk.n_seats, dtype=np.bool_)
    counted[desk.seat[rows]] = True
    keep = np.flatnonzero((amount != 0) | counted[seats])
    n = len(keep)
    columns: dict[str, Any] = {
        "tier": step[keep],
        "end": position[keep],
        "scale": np.full(n, table.point_scale),
        "before": np.zeros(n, dtype=np.int64),
        "after": after[keep],
        "over": over[keep],
        "quota": quota[seats][keep] if on_quota else np.zeros(n, dtype=np.int64),
    }
    flat = _flat_block(seats[keep], k, BONUS, np.zeros(n, dtype=np.int64), position[keep], amount[keep])
    blocks.append(flat._replace(**columns))
