"""Bonuses, scorecards, matrices, SPIFFs, contests and fixed pay: one line for each seat or credit."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from salesops import _money as money
from salesops._money import BoolArray, IntArray
from salesops.comp import _kernels as kernels
from salesops.comp._compile import compile_table, minor_amount, whole_array
from salesops.comp._desk import Block, Desk, Reached, Rows, flat_block, gauge, share_block
from salesops.comp._lines import BONUS, CELL, FIXED, GOAL, PRIZE, SPIFF
from salesops.comp._metrics import UNIT
from salesops.comp.bonuses import Bonus, Matrix, Scorecard
from salesops.comp.conditions import Gate
from salesops.comp.rewards import Contest, FixedPay, Spiff


def lacking_figures(desk: Desk) -> tuple[BoolArray, str]:
    """Mark seats for which a figure is missing that the plan asks for; name the first such figure."""
    absent, about = np.zeros(desk.n_seats, dtype=np.bool_), ""
    for part in desk.plan.components:
        names: list[str] = []
        if isinstance(part, Bonus) or (isinstance(part, Gate) and part.missing == "refuse"):
            names = [] if part.metric is None else [part.metric]
        elif isinstance(part, Scorecard) and part.missing == "refuse":
            names = [goal.metric for goal in part.goals]
        elif isinstance(part, Matrix) and part.missing == "refuse":
            names = [part.row_metric, part.column_metric]
        for name in names:
            lost = ~desk.metrics.find(desk.seat_rep, desk.seat_period, name)[1] & (desk.seat_number > 0)
            about = about or (name if lost.any() else "")
            absent |= lost
    return absent, about


def pay_bonus(desk: Desk, k: int, part: Bonus, blocks: list[Block], attained: list[Reached]) -> None:
    """Pay a share of target pay by a table of attainment, money or a figure."""
    rows = desk.rows_of(k)
    position, unit, known = gauge(desk, k, part, rows)
    if part.metric is None and part.basis == "attainment":
        attained.append(Reached(k, money.narrow(position), unit))
    counted = np.zeros(desk.n_seats, dtype=np.bool_)
    counted[rows.seat] = True
    if part.metric is not None:
        counted = desk.seat_number > 0
    by_money = part.metric is None and part.basis == "amount"
    seats = np.flatnonzero(known & (unit > 0))
    target = desk.target_of(part, desk.path(k))[seats]
    _table_lines(
        desk,
        k,
        BONUS,
        part,
        seats,
        position[seats],
        unit[seats],
        target,
        blocks,
        unit_of_money=10**desk.places if by_money else 1,
        shown=0 if by_money else None,
        keep=counted[seats],
    )


def _table_lines(
    desk: Desk,
    k: int,
    rule: int,
    part: Any,
    seats: IntArray,
    position: Any,
    unit: IntArray,
    target: IntArray,
    blocks: list[Block],
    *,
    unit_of_money: int = 1,
    shown: int | None = None,
    keep: BoolArray | None = None,
    prior: int = -1,
) -> None:
    """Pay targets by a table; lines of 0 stay where something was counted (`keep`)."""
    table = compile_table(
        part.table,
        upper=part.bound == "upper",
        interpolated=part.style == "interpolated",
        unit=unit_of_money,
    )
    place = money.multiply(position, table.point_scale)
    step, pays, over = kernels.table_pays(place, unit, table)
    after = money.multiply(pays, target)
    amount = money.divide(after, over, desk.plan.rounding)
    held = np.flatnonzero((amount != 0) | (np.True_ if keep is None else keep))
    zero = np.zeros(len(held), dtype=np.int64)
    flat = flat_block(
        seats[held],
        k,
        rule,
        zero,
        place[held],
        amount[held],
        tier=step[held],
        prior=np.full(len(held), prior),
        scale=np.full(len(held), table.point_scale, dtype=np.int64),
        after=after[held],
        over=over[held],
        quota=zero if shown == 0 else unit[held],
        target=target[held],
    )
    blocks.append(flat)


def pay_scorecard(desk: Desk, k: int, part: Scorecard, blocks: list[Block]) -> None:
    """Pay each goal its weight of the target by its own table."""
    target = desk.target_of(part, desk.path(k))
    seats = np.flatnonzero(desk.seat_number > 0)
    unit = np.full(len(seats), UNIT, dtype=np.int64)
    for j, goal in enumerate(part.goals):
        value, _ = desk.metrics.find(desk.seat_rep[seats], desk.seat_period[seats], goal.metric)
        weighted = desk.scaled(target[seats], goal.weight)
        _table_lines(desk, k, GOAL, goal, seats, value, unit, weighted, blocks, prior=j)


def pay_matrix(desk: Desk, k: int, part: Matrix, blocks: list[Block]) -> None:
    """Pay the cell in which two figures meet; below the first row or column nothing."""
    seats = np.flatnonzero(desk.seat_number > 0)
    target = desk.target_of(part, desk.path(k))[seats]
    row = _step(desk, seats, part.row_metric, part.rows)
    column = _step(desk, seats, part.column_metric, part.columns)
    cells = [share for line in part.pays for share in line]
    scale = int(np.lcm.reduce([share.denominator for share in cells], dtype=object))
    grid = whole_array([int(share * scale) for share in cells])
    place = np.maximum(row, 0) * len(part.columns) + np.maximum(column, 0)
    pays = np.where((row >= 0) & (column >= 0), grid[place], 0)
    block = share_block(desk, seats, k, CELL, target, (pays, scale), target=target)
    blocks.append(block._replace(tier=row, prior=column))


def _step(desk: Desk, seats: IntArray, metric: str, starts: Any) -> IntArray:
    value, known = desk.metrics.find(desk.seat_rep[seats], desk.seat_period[seats], metric)
    bounds = [Fraction(start) * UNIT for start in starts]
    whole = whole_array([-(-bound.numerator // bound.denominator) for bound in bounds])
    found = np.searchsorted(whole, value, side="right") - 1
    return np.where(known, found, -1).astype(np.int64)


def pay_spiff(desk: Desk, k: int, part: Spiff, blocks: list[Block]) -> None:
    """Pay a fixed amount for each unit, credit or deal; refunds are mirrors."""
    rows = desk.rows_of(k)
    each = minor_amount(part.amount, desk.places, f"{desk.path(k)}.amount")
    unit = 10**desk.places
    if part.per == "unit":
        base = rows.amount
    elif part.per == "credit":
        base = np.sign(rows.amount) * unit
    else:
        order = np.lexsort((np.arange(len(rows.seat)), rows.deal, desk.seat_rep[rows.seat]))
        rows = rows.take(order)
        total = money.cumulative(rows.amount, kernels.runs(desk.seat_rep[rows.seat], rows.deal))
        before = money.add(total, -rows.amount)
        base = (np.sign(total).astype(np.int64) - np.sign(before).astype(np.int64)) * unit
    hits = np.flatnonzero(base)
    rows, base = rows.take(hits), base[hits]
    more = {"credit": rows.credit, "order": rows.place, "target": np.full(len(hits), each)}
    blocks.append(share_block(desk, rows.seat, k, SPIFF, base, Fraction(each, unit), **more))


def pay_contest(desk: Desk, k: int, part: Contest, blocks: list[Block]) -> None:
    """Pay prizes to the reps with the highest credited amounts of each period."""
    rows: Rows = desk.rows_of(k)
    credited = money.narrow(money.group_totals(rows.amount, rows.seat, desk.n_seats))
    least = max(minor_amount(part.at_least, desk.places, f"{desk.path(k)}.at_least"), 1)
    seats = np.flatnonzero(credited >= least)
    order = seats[np.lexsort((desk.seat_rep[seats], -credited[seats], desk.seat_period[seats]))]
    period = desk.seat_period[order]
    place = np.arange(len(order)) - np.flatnonzero(kernels.runs(period))[np.cumsum(kernels.runs(period)) - 1]
    prizes = [minor_amount(p, desk.places, f"{desk.path(k)}.prizes[{j}]") for j, p in enumerate(part.prizes)]
    by_place = np.array([*prizes, 0], dtype=np.int64)[np.minimum(place, len(prizes))]
    tied = kernels.runs(period, credited[order])
    group = np.cumsum(tied) - 1
    if part.ties == "best":
        by_place = by_place[np.flatnonzero(tied)][group] if len(order) else by_place
    elif part.ties == "share" and len(order):
        total = money.group_sums(by_place, group, int(group[-1]) + 1)
        by_place = money.split_many(total, np.ones(len(order), dtype=np.int64), group)
    hits = np.flatnonzero(by_place)
    at, prize = order[hits], by_place[hits]
    more = {"tier": place[hits], "target": prize}
    blocks.append(flat_block(at, k, PRIZE, np.zeros(len(at), dtype=np.int64), credited[at], prize, **more))


def pay_fixed(desk: Desk, k: int, part: FixedPay, blocks: list[Block]) -> None:
    """Pay an amount for each period in which the rep has the plan."""
    seats = np.flatnonzero(desk.seat_number > 0)
    amount = minor_amount(part.amount, desk.places, f"{desk.path(k)}.amount")
    due = desk.prorated(np.full(desk.n_seats, amount), part.prorate)[seats]
    target = np.full(len(seats), amount)
    blocks.append(flat_block(seats, k, FIXED, np.zeros(len(seats), dtype=np.int64), due, due, target=target))
