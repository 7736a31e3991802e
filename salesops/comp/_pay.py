"""Pay one plan: from its credits, in order, to lines."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from salesops import _money as money
from salesops._frames.arrays import constant, is_constant, taken
from salesops._money import BoolArray, IntArray, Rounding, Whole
from salesops.comp import _kernels as kernels
from salesops.comp._compile import compile_commission, minor_amount
from salesops.comp._cut import cut
from salesops.comp._desk import Block, Desk, Paid, Reached, Rows, Settled, Trouble, flat_block
from salesops.comp._lines import CATCH_UP, TIER, TRUE_UP
from salesops.comp._metrics import UNIT
from salesops.comp._pay_amounts import (
    lacking_figures,
    pay_bonus,
    pay_contest,
    pay_fixed,
    pay_matrix,
    pay_scorecard,
    pay_spiff,
)
from salesops.comp._pay_rules import cap_deals, cap_seats, floor, gate, guarantee, multiply, top_up
from salesops.comp._settle import claw_back, settle
from salesops.comp.bonuses import Bonus, Matrix, Scorecard
from salesops.comp.components import Commission
from salesops.comp.conditions import Gate, Multiplier
from salesops.comp.rewards import Contest, FixedPay, Spiff
from salesops.comp.settlement import Clawback, Floor, Guarantee

_RULES: tuple[tuple[type, Callable[[Desk, int, Any, list[Block]], None]], ...] = (
    (Scorecard, pay_scorecard),
    (Matrix, pay_matrix),
    (Spiff, pay_spiff),
    (Contest, pay_contest),
    (FixedPay, pay_fixed),
    (Multiplier, multiply),
    (Gate, gate),
    (Floor, floor),
    (Guarantee, guarantee),
)


_PIECE = 1 << 15
"""So many lines are rounded at once: what a step needs then stays small and near."""


def pay(desk: Desk) -> Paid:
    """Pay every component of a plan, its cap and guarantee, and settle what is held, drawn and owed."""
    plan, n = desk.plan, desk.n_seats
    zeros = np.zeros(n, dtype=np.int64)
    nothing = Settled(zeros, zeros)
    lacking = _lacking(desk)
    if lacking is not None:
        return Paid([], [], nothing, lacking)
    blocks: list[Block] = []
    attained: list[Reached] = []
    beyond = np.zeros(n, dtype=np.bool_)
    for k, part in enumerate(plan.components):
        if isinstance(part, Commission):
            beyond |= pay_commission(desk, k, part, blocks, attained)
        elif isinstance(part, Bonus):
            pay_bonus(desk, k, part, blocks, attained)
        else:
            for kind, rule in _RULES:
                if isinstance(part, kind):
                    rule(desk, k, part, blocks)
    credited = _credited(desk)
    if beyond.any():
        return Paid([], [], nothing, Trouble("above the last tier", beyond, credited, zeros))
    _limit(desk, blocks)
    settled = settle(desk, blocks)
    due = desk.earned(blocks)
    if plan.negative == "refuse" and (due < 0).any():
        return Paid([], [], nothing, Trouble("negative total", due < 0, credited, due))
    return Paid(blocks, attained, settled, None)


def _credited(desk: Desk) -> Whole:
    return money.group_totals(desk.own.amount, desk.own.seat, desk.n_seats)


def _limit(desk: Desk, blocks: list[Block]) -> None:
    """Cap the plan and top it up, before or after clawbacks."""
    plan, end = desk.plan, len(desk.plan.components)
    claws = [(k, part) for k, part in enumerate(plan.components) if isinstance(part, Clawback)]
    if plan.cap is not None and plan.cap_order == "before_clawback":
        cap_seats(desk, end, plan.cap, desk.earned(blocks), blocks, "cap.amount")
    for k, part in claws:
        claw_back(desk, k, part, blocks)
    if plan.cap is not None and plan.cap_order == "after_clawback":
        cap_seats(desk, end, plan.cap, desk.earned(blocks), blocks, "cap.amount")
    if plan.guarantee is not None:
        least = minor_amount(plan.guarantee, desk.places, "guarantee")
        top_up(desk, end + 1, np.where(desk.seat_number > 0, least, 0), desk.earned(blocks), blocks)


def _lacking(desk: Desk) -> Trouble | None:
    """Find seats with credits that a component on attainment counts and no quota, or without a figure."""
    n, zeros = desk.n_seats, np.zeros(desk.n_seats, dtype=np.int64)
    lacking = np.zeros(n, dtype=np.bool_)
    for k, part in enumerate(desk.plan.components):
        on_quota = getattr(part, "basis", None) == "attainment" and getattr(part, "metric", None) is None
        if on_quota and isinstance(part, (Commission, Bonus)):
            counted = np.zeros(n, dtype=np.bool_)
            counted[desk.rows_of(k).seat] = True
            lacking |= counted & (seat_quota(desk, k, part) == 0)
    if lacking.any():
        return Trouble("no quota", lacking, _credited(desk), zeros)
    absent, about = lacking_figures(desk)
    if absent.any():
        return Trouble("no metric", absent, _credited(desk), zeros, about)
    return None


def seat_quota(desk: Desk, k: int, part: Commission | Bonus) -> IntArray:
    """Find the quota of each seat for a component: that of the span over which it accumulates."""
    span = part.accumulate if isinstance(part, Commission) else "period"
    return desk.quota_of(k, part.measure, span if span in ("year", "quarter") else "period")


def pay_commission(
    desk: Desk, k: int, part: Commission, blocks: list[Block], attained: list[Reached]
) -> BoolArray:
    """Add the lines of a commission; give the seats whose total lies beyond the last tier."""
    schedule = compile_commission(part, desk.places)
    rows, first = _accumulation(desk, desk.rows_of(k), part.accumulate)
    on_quota = part.basis == "attainment"
    quotas = seat_quota(desk, k, part) if on_quota else np.ones(desk.n_seats, dtype=np.int64)
    quota, deltas = quotas[rows.seat], rows.whole if part.accumulate_on == "deal" else rows.amount
    beyond = np.zeros(desk.n_seats, dtype=np.bool_)
    if part.rate_by is None:
        end = money.cumulative(deltas, first)
        left, right = _ends(end, deltas, schedule.point_scale)
        beyond[rows.seat[kernels.above_top(right, quota, schedule)]] = True
        slices = cut(part, left, right, quota, schedule)
        scale = schedule.point_scale
    else:
        column = np.maximum(desk.numbers[part.rate_by][0][rows.credit], 0)
        points = money.multiply(column, schedule.point_scale * 10**desk.places)
        unit = np.full(len(points), UNIT, dtype=np.int64)
        beyond[rows.seat[kernels.above_top(points, unit, schedule)]] = True
        slices, scale = _by_column(rows, first, points, unit, schedule), 1
    target = desk.target_of(part, desk.path(k)) if part.target_share is not None else None
    factor, over = _multiplier(part, desk, rows.seat, quota, target, slices, scale * schedule.rate_scale)
    before, after = _times(slices.before, factor), _times(slices.after, factor)
    if part.accumulate_on == "deal":
        before, after, over = _shared(before, after, over, rows, slices.row)
    if desk.plan.rounding_step == "credit" or part.accumulate_on == "deal":
        before, after = _from_credit(before, after, slices.row)
    amount = _differences(before, after, over, desk.plan.rounding)
    n = len(slices.row)
    uncut = n == len(rows.place)
    whose = (rows.seat, rows.credit, rows.place)
    seat, credit, place = whose if uncut else (taken(column, slices.row) for column in whose)
    zero = constant(n, 0)
    block = Block(
        seat=seat,
        part=constant(n, k),
        rule=_rules(slices.prior),
        credit=credit,
        tier=slices.tier,
        prior=slices.prior,
        start=slices.start,
        end=slices.end,
        scale=constant(n, scale),
        before=before,
        after=after,
        over=over,
        quota=(quota if uncut else quota[slices.row]) if on_quota else zero,
        target=zero if target is None else target[seat],
        amount=amount,
        order=place,
    )
    if part.interim_rate is not None:
        block, true_up = _interim(desk, k, part, rows, block)
        blocks.append(true_up)
    blocks.append(block)
    if on_quota:
        _reach(desk, k, part, rows, quotas, attained)
    if part.cap is not None and part.cap.per == "deal":
        cap_deals(desk, k, part.cap, rows, blocks)
    elif part.cap is not None:
        cap_seats(desk, k, part.cap, desk.earned(blocks, {k}), blocks, f"components[{k}].cap.amount")
    return beyond


def _ends(end: Whole, deltas: IntArray, scale: int) -> tuple[Whole, Whole]:
    """Give where each way starts and ends, in the scale of thresholds."""
    return money.multiply(money.subtract(end, deltas), scale), money.multiply(end, scale)


def _rules(prior: IntArray) -> IntArray:
    return constant(len(prior), TIER) if is_constant(prior) else np.where(prior >= 0, CATCH_UP, TIER)


def _accumulation(desk: Desk, rows: Rows, accumulate: str) -> tuple[Rows, BoolArray]:
    """Order credits so that those that accumulate stand together; mark where each total starts at 0."""
    rep = desk.seat_rep[rows.seat]
    if accumulate == "deal":
        order = np.lexsort((np.arange(len(rows.seat)), rows.deal, rep))
        rows = rows.take(order)
        return rows, kernels.runs(rep[order], rows.deal)
    return rows, kernels.runs(rep, desk.span(accumulate)[rows.seat])


def _by_column(
    rows: Rows, first: BoolArray, points: Whole, unit: IntArray, schedule: kernels.Schedule
) -> kernels.Slices:
    """Pay each credit whole at the rate that a column of it selects."""
    tier = kernels.tier_of(points, unit, schedule, upper=schedule.upper)
    due = money.multiply(rows.amount, schedule.rates[tier])
    after = money.cumulative_whole(due, first)
    end = money.cumulative(rows.amount, first)
    none = np.full(len(tier), -1)
    start = money.add(end, -rows.amount)
    return kernels.Slices(np.arange(len(tier)), tier, none, start, end, money.add(after, -due), after)


def _multiplier(
    part: Commission,
    desk: Desk,
    seat: IntArray,
    quota: IntArray,
    target: IntArray | None,
    slices: kernels.Slices,
    scale: int,
) -> tuple[int | Whole, Whole]:
    """Give what turns scaled earnings into minor units: a numerator, and denominators by row."""
    n = len(slices.row)
    if target is not None:
        return target[seat[slices.row]], money.multiply(quota[slices.row], scale)
    if part.target is not None:
        share = Fraction(part.target) * 10**desk.places
        return share.numerator, money.multiply(quota[slices.row], scale * share.denominator)
    if part.basis == "attainment" and part.tiers[0].amount is not None:
        return 10**desk.places, money.multiply(quota[slices.row], scale)
    return 1, constant(n, scale) if scale < 2**63 else np.full(n, scale, dtype=object)


def _times(values: Whole, factor: int | Whole) -> Whole:
    return values if isinstance(factor, int) and factor == 1 else money.multiply(values, factor)


def _shared(
    before: Whole, after: Whole, over: Whole, rows: Rows, row: IntArray
) -> tuple[Whole, Whole, Whole]:
    """Take the rep's share of what a whole deal pays."""
    whole, amount = rows.whole[row], rows.amount[row]
    size = np.where(whole == 0, 1, np.abs(whole))
    share = np.where(whole < 0, -amount, amount)
    return money.multiply(before, share), money.multiply(after, share), money.multiply(over, size)


def _from_credit(before: Whole, after: Whole, row: IntArray) -> tuple[Whole, Whole]:
    """Count what is due from the start of each credit instead of the start of the total."""
    if not len(row):
        return before, after
    origin = before[np.flatnonzero(np.diff(row, prepend=-1))]
    base = np.repeat(origin, np.unique(row, return_counts=True)[1])
    return money.add(before, -base), money.add(after, -base)


def _differences(before: Whole, after: Whole, over: Whole, rounding: Rounding) -> IntArray:
    """Round what is due up to each end of a slice; lines are the differences."""
    if money.extent(before) + money.extent(after) >= 2**62:
        upto = money.divide(after, over, rounding)
        return money.narrow(money.subtract(upto, money.divide(before, over, rounding)))
    amount = np.empty(len(after), dtype=np.int64)
    for first in range(0, len(after), _PIECE):
        piece = slice(first, first + _PIECE)
        amount[piece] = money.divide(after[piece], over[piece], rounding)
        amount[piece] -= money.divide(before[piece], over[piece], rounding)
    return amount


def _interim(desk: Desk, k: int, part: Commission, rows: Rows, full: Block) -> tuple[Block, Block]:
    """Pay an interim rate by credit; the last period of the year brings the year to what the tiers give."""
    rate = part.interim_rate or Fraction(0)
    year = desk.span("year")
    first = kernels.runs(desk.seat_rep[rows.seat], year[rows.seat])
    end = money.cumulative(rows.amount, first)
    start = money.add(end, -rows.amount)
    over = np.full(len(rows.seat), rate.denominator, dtype=np.int64)
    before, after = money.multiply(start, rate.numerator), money.multiply(end, rate.numerator)
    amount = _differences(before, after, over, desk.plan.rounding)
    block = flat_block(
        rows.seat,
        k,
        TIER,
        start,
        end,
        amount,
        credit=rows.credit,
        order=rows.place,
        before=before,
        after=after,
        over=over,
    )
    due = money.group_totals(full.amount, full.seat, desk.n_seats)
    paid = money.group_totals(amount, rows.seat, desk.n_seats)
    begins = kernels.runs(desk.seat_rep, year)
    due, paid = money.cumulative_whole(due, begins), money.cumulative_whole(paid, begins)
    last = desk.terms.place == desk.terms.per_year - 1
    hits = np.flatnonzero(last[desk.seat_period] & (due != paid))
    gap = money.narrow(money.add(due[hits], -paid[hits]))
    return block, flat_block(hits, k, TRUE_UP, paid[hits], due[hits], gap)


def _reach(
    desk: Desk, k: int, part: Commission, rows: Rows, quotas: IntArray, attained: list[Reached]
) -> None:
    """Note what each seat was credited up to date, against its quota."""
    credited = money.group_sums(rows.amount, rows.seat, desk.n_seats)
    if part.accumulate in ("year", "quarter"):
        to_date = money.cumulative(credited, kernels.runs(desk.seat_rep, desk.span(part.accumulate)))
        credited = money.narrow(to_date)
    attained.append(Reached(k, credited, quotas))
