"""What changes pay that other components have earned: caps, floors, guarantees, multipliers and gates."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from salesops import _money as money
from salesops._money import BoolArray, IntArray, Whole
from salesops.comp import _kernels as kernels
from salesops.comp._compile import compile_table, minor_amount, whole_array
from salesops.comp._desk import Block, Desk, Rows, flat_block, gauge, of_measure, share_block
from salesops.comp._lines import (
    DEAL_CAP,
    DEAL_FLOOR,
    GATE,
    GUARANTEE,
    MULTIPLIER,
    PERIOD_CAP,
    PERIOD_FLOOR,
    YEAR_CAP,
)
from salesops.comp.components import Cap
from salesops.comp.conditions import Gate, Multiplier
from salesops.comp.settlement import Floor, Guarantee


def cap_deals(desk: Desk, k: int, cap: Cap, rows: Rows, blocks: list[Block]) -> None:
    """Cap what a component pays on each deal, in either direction.

    A deal of which nothing is credited any more has no cap: what it has paid by other rates than it was taken
    back by belongs to the tiers, where the deals together come to 0.
    """
    limit = minor_amount(cap.amount, desk.places, f"components[{k}].cap.amount")
    n = int(rows.place.max(initial=-1)) + 1
    earned = np.zeros(n, dtype=np.int64)
    for block in blocks:
        if len(block.part) and int(block.part[0]) == k:
            mine = block.credit >= 0
            earned += money.group_sums(block.amount[mine], block.order[mine], n)
    rows = rows.take(np.lexsort((rows.place, rows.deal, desk.seat_rep[rows.seat])))
    values = earned[rows.place]
    first = kernels.runs(desk.seat_rep[rows.seat], rows.deal)
    total = money.cumulative(values, first)
    capped = np.where(money.cumulative(rows.amount, first) == 0, total, np.clip(total, -limit, limit))
    added = money.add(capped, -total)
    before = np.where(first, 0, np.concatenate([added[:1], added[:-1]]))
    adjustment = money.narrow(money.add(added, -before))
    hits = np.flatnonzero(adjustment)
    at, start, end = rows.take(hits), total[hits], capped[hits]
    more = {"credit": at.credit, "order": at.place, **_to_date(start, end, adjustment[hits])}
    blocks.append(flat_block(at.seat, k, DEAL_CAP, start, end, adjustment[hits], **more))


def cap_seats(desk: Desk, k: int, cap: Cap, earned: IntArray, blocks: list[Block], path: str) -> None:
    """Cap the totals of periods, or of the years they belong to; an excess is lost or carried on."""
    limit = minor_amount(cap.amount, desk.places, path)
    first = kernels.runs(desk.seat_rep, desk.span(cap.per))
    rule = PERIOD_CAP if cap.per == "period" else YEAR_CAP
    if cap.excess == "carried":
        adjustment = kernels.carried_caps(earned, kernels.runs(desk.seat_rep), limit)
        hits = np.flatnonzero(adjustment)
        start, end = earned[hits], money.narrow(money.add(earned[hits], adjustment[hits]))
    else:
        adjustment = kernels.cap_adjustments(earned, first, limit)
        hits = np.flatnonzero(adjustment)
        start = money.cumulative(earned, first)[hits]
        end = np.clip(start, -limit, limit)
    more = _to_date(start, end, adjustment[hits])
    blocks.append(flat_block(hits, k, rule, start, end, adjustment[hits], **more))


def _to_date(start: Whole, end: Whole, adjustment: IntArray) -> dict[str, Whole]:
    """State what a cap takes off to date, after a line and before it."""
    after = money.add(end, -start)
    return {"after": after, "before": money.add(after, -adjustment)}


def guarantee(desk: Desk, k: int, part: Guarantee, blocks: list[Block]) -> None:
    """Bring what some components pay up to the least of the rep's period."""
    amounts = [minor_amount(a, desk.places, f"{desk.path(k)}.amounts") for a in part.amounts]
    after = amounts[-1] if part.then == "stays" else 0
    least = np.array([0, *amounts, after], dtype=np.int64)[np.minimum(desk.seat_number, len(amounts) + 1)]
    least = desk.prorated(least, part.prorate)
    top_up(desk, k, least, desk.earned(blocks, desk.acted_on(part, k)), blocks, where=least > 0)


def top_up(
    desk: Desk, k: int, least: IntArray, earned: IntArray, blocks: list[Block], where: BoolArray | None = None
) -> None:
    """Bring seats up to a least."""
    there = desk.seat_number > 0 if where is None else where
    hits = np.flatnonzero((earned < least) & there)
    gap = money.narrow(money.add(least[hits], -earned[hits]))
    blocks.append(flat_block(hits, k, GUARANTEE, earned[hits], least[hits], gap))


def floor(desk: Desk, k: int, part: Floor, blocks: list[Block]) -> None:
    """Bring periods with credits, or deals with a sum above 0, up to a least."""
    least = minor_amount(part.amount, desk.places, f"{desk.path(k)}.amount")
    if part.per == "period":
        earned = desk.earned(blocks, desk.acted_on(part, k))
        sold = np.zeros(desk.n_seats, dtype=np.bool_)
        for j in desk.acted_on(part, k):
            other: Any = desk.plan.components[j]
            if hasattr(other, "where") and getattr(other, "metric", None) is None:
                sold[desk.rows_of(j).seat] = True
        hits = np.flatnonzero(sold & (earned < least))
        gap = money.narrow(money.add(np.full(len(hits), least), -earned[hits]))
        blocks.append(flat_block(hits, k, PERIOD_FLOOR, earned[hits], np.full(len(hits), least), gap))
        return
    touched, earned = desk.credit_lines(blocks, desk.acted_on(part, k))
    rows = desk.own.take(touched)
    rows = rows.take(np.lexsort((rows.place, rows.deal, desk.seat_rep[rows.seat])))
    first = kernels.runs(desk.seat_rep[rows.seat], rows.deal)
    sold, paid = money.cumulative(rows.amount, first), money.cumulative(earned[rows.place], first)
    raised = np.where(sold > 0, np.maximum(paid, least), np.where(sold < 0, np.minimum(paid, -least), paid))
    raised = np.where(sold == 0, paid, raised)
    added = money.add(raised, -paid)
    before = np.where(first, 0, np.concatenate([added[:1], added[:-1]]))
    adjustment = money.narrow(money.add(added, -before))
    hits = np.flatnonzero(adjustment)
    at = rows.take(hits)
    end = money.narrow(money.add(paid[hits], adjustment[hits]))
    more = {"credit": at.credit, "order": at.place}
    blocks.append(flat_block(at.seat, k, DEAL_FLOOR, paid[hits], end, adjustment[hits], **more))


def multiply(desk: Desk, k: int, part: Multiplier, blocks: list[Block]) -> None:
    """Multiply what some components pay, by a table of a figure or by a column of each credit."""
    acted = desk.acted_on(part, k)
    if part.field is not None:
        _multiply_credits(desk, k, part, acted, blocks)
        return
    earned = desk.earned(blocks, acted)
    position, unit, known = gauge(desk, k, part, of_measure(desk, part.measure))
    by_money = part.metric is None and part.basis == "amount"
    table = compile_table(
        part.table,
        upper=part.bound == "upper",
        interpolated=part.style == "interpolated",
        unit=10**desk.places if by_money else 1,
    )
    unit = np.where(unit > 0, unit, 1)
    place = money.multiply(position, table.point_scale)
    step, pays, over = kernels.table_pays(place, unit, table)
    default = part.otherwise
    pays = np.where(known, money.multiply(pays, default.denominator), money.multiply(over, default.numerator))
    over = money.multiply(over, default.denominator)
    change = money.add(pays, -over)
    hits = np.flatnonzero((change != 0) & (earned != 0))
    more = {"tier": np.where(known, step, -1)[hits], "quota": np.where(known, unit, 0)[hits]}
    blocks.append(share_block(desk, hits, k, MULTIPLIER, earned[hits], (change[hits], over[hits]), **more))


def _multiply_credits(desk: Desk, k: int, part: Multiplier, acted: set[int], blocks: list[Block]) -> None:
    touched, earned = desk.credit_lines(blocks, acted)
    rows = desk.own.take(touched)
    listed = {factor.text: factor.pays for factor in part.factors}
    texts = desk.texts[part.field or ""][rows.credit]
    rates = [listed.get(text, part.otherwise) - 1 for text in texts.tolist()]
    scale = int(np.lcm.reduce([rate.denominator for rate in rates] or [1], dtype=object))
    change = whole_array([int(rate * scale) for rate in rates])
    hits = np.flatnonzero((change != 0) & (earned[rows.place] != 0))
    at = rows.take(hits)
    base = earned[at.place]
    more = {"credit": at.credit, "order": at.place}
    blocks.append(share_block(desk, at.seat, k, MULTIPLIER, base, (change[hits], scale), **more))


def gate(desk: Desk, k: int, part: Gate, blocks: list[Block]) -> None:
    """Take back what some components pay where the gate stays shut."""
    earned = desk.earned(blocks, desk.acted_on(part, k))
    position, unit, known = gauge(desk, k, part, of_measure(desk, part.measure))
    bound = Fraction(part.at_least)
    if part.metric is None and part.basis == "amount":
        bound *= 10**desk.places
    reached = money.multiply(position, bound.denominator) >= money.multiply(unit, bound.numerator)
    hits = np.flatnonzero(~(known & reached) & (earned != 0))
    rate = part.otherwise - 1
    more = {"quota": np.where(known, unit, 0)[hits]}
    blocks.append(share_block(desk, hits, k, GATE, earned[hits], rate, **more))
