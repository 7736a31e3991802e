"""From earned to paid: clawbacks, holds, draws, and pay below 0 that is carried on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from salesops import _money as money
from salesops._faults import raise_all
from salesops._money import BoolArray, IntArray
from salesops.comp import _kernels as kernels
from salesops.comp._claims import Claims
from salesops.comp._compile import minor_amount, whole_array
from salesops.comp._desk import Block, Desk, Rows, Settled, flat_block, share_block
from salesops.comp._lines import (
    CARRIED,
    CLAWBACK,
    DRAW,
    FORFEITED,
    FORGIVEN,
    HELD,
    RECOVERY,
    RELEASED,
    SET_OFF,
)
from salesops.comp._periods import LAST_DAY
from salesops.comp.settlement import Clawback, Draw, Hold
from salesops.errors import Problem


def seat_at(desk: Desk, seat: IntArray, period: IntArray) -> IntArray:
    """Find the seat of the same rep in another period; -1 where there is none."""
    n = len(desk.terms)
    keys = desk.seat_rep * n + desk.seat_period
    wanted = desk.seat_rep[seat] * n + period
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((period >= 0) & (keys[place] == wanted), place, -1)


def claw_back(desk: Desk, k: int, part: Clawback, blocks: list[Block]) -> None:
    """Take back what credits have earned where an event says so, in the period of the event."""
    touched, earned = desk.credit_lines(blocks, desk.acted_on(part, k))
    rows = desk.own.take(touched)
    claims = Claims.of(desk, part, rows)
    faults: list[Problem] = []
    claims.collect(faults)
    raise_all("calculate", faults)
    if not claims.found:
        return
    at = rows.take(np.array([claim.row for claim in claims.found], dtype=np.int64))
    event = np.array([claim.event for claim in claims.found], dtype=np.int64)
    period = desk.terms.find(np.maximum(desk.events.day[event], at.day))
    seat = seat_at(desk, at.seat, period)
    base = earned[at.place]
    keep = np.flatnonzero((seat >= 0) & (base > 0))
    at, seat, base = at.take(keep), seat[keep], base[keep]
    found = [claims.found[j] for j in keep.tolist()]
    ends = [(claim.before * part.share, claim.after * part.share) for claim in found]
    over = [int(np.lcm(b.denominator, a.denominator, dtype=object)) for b, a in ends]
    before = whole_array([-int(b * o) for (b, _), o in zip(ends, over, strict=True)])
    after = whole_array([-int(a * o) for (_, a), o in zip(ends, over, strict=True)])
    below = whole_array(over)
    before, after = money.multiply(base, before), money.multiply(base, after)
    rounding = desk.plan.rounding
    upto, had = money.divide(after, below, rounding), money.divide(before, below, rounding)
    amount = money.narrow(money.add(upto, -had))
    zero = np.zeros(len(base), dtype=np.int64)
    more: dict[str, Any] = {"before": before, "after": after, "over": below, "prior": event[keep]}
    more |= {"credit": at.credit, "order": at.place}
    blocks.append(flat_block(seat, k, CLAWBACK, zero, base, amount, **more))


def settle(desk: Desk, blocks: list[Block]) -> Settled:
    """Hold, release, advance, recover and carry; give what is on hold and owed after each seat."""
    first = kernels.runs(desk.seat_rep)
    flow = desk.earned(blocks)
    kept = np.zeros(desk.n_seats, dtype=np.int64)
    draw: tuple[int, Draw] | None = None
    for k, part in enumerate(desk.plan.components):
        if isinstance(part, Hold):
            kept = money.narrow(money.add(kept, _hold(desk, k, part, blocks)))
        elif isinstance(part, Draw):
            draw = k, part
    flow = money.narrow(money.add(flow, -kept))
    held = money.narrow(money.cumulative(kept, first))
    balance = np.zeros(desk.n_seats, dtype=np.int64)
    if draw is not None and draw[1].order == "before_clawback":
        flow = money.narrow(money.add(flow, -_clawed(desk, blocks)))
    if draw is not None and draw[1].recoverable:
        balance = _recoverable(desk, *draw, flow, blocks)
    elif draw is not None:
        due = _draws(desk, *draw)
        hits = np.flatnonzero((flow < due) & (desk.seat_number > 0))
        end = due[hits]
        blocks.append(flat_block(hits, draw[0], DRAW, flow[hits], end, end - flow[hits]))
    elif desk.plan.negative == "carry":
        owed = kernels.debts(_opened(desk, -flow, first), first)
        before = _before(desk, owed, first)
        balance = _debt_lines(len(desk.plan.components), (CARRIED, SET_OFF), before, owed, blocks)
    return Settled(held, balance)


def _clawed(desk: Desk, blocks: list[Block]) -> IntArray:
    """Add up what clawbacks take from each seat, less what was forfeited for them."""
    mine = [block for block in blocks if len(block.rule) and int(block.rule[0]) in (CLAWBACK, FORFEITED)]
    if not mine:
        return np.zeros(desk.n_seats, dtype=np.int64)
    amount, seat = (np.concatenate([block[k] for block in mine]) for k in (_AMOUNT, _SEAT))
    return money.group_sums(amount, seat, desk.n_seats)


_AMOUNT, _SEAT = Block._fields.index("amount"), Block._fields.index("seat")


def _opened(desk: Desk, changes: IntArray, first: BoolArray) -> Any:
    """Add what reps owed at the start of the run to their first change."""
    return money.add(changes, np.where(first, desk.opening, 0))


def _before(desk: Desk, owed: Any, first: BoolArray) -> Any:
    """Give what was owed before each seat."""
    if not len(owed):
        return owed
    return np.where(first, desk.opening, np.concatenate([owed[:1], owed[:-1]]))


def _debt_lines(k: int, rules: tuple[int, int], before: Any, owed: Any, blocks: list[Block]) -> IntArray:
    """Write how debts rise, which is paid out, and fall, which is kept back."""
    change = money.narrow(money.add(owed, -before))
    for rule, hits in zip(rules, (np.flatnonzero(change > 0), np.flatnonzero(change < 0)), strict=True):
        blocks.append(flat_block(hits, k, rule, before[hits], owed[hits], change[hits]))
    return money.narrow(owed)


def _draws(desk: Desk, k: int, part: Draw) -> IntArray:
    """Give the draw of each seat."""
    amount = minor_amount(part.amount, desk.places, f"{desk.path(k)}.amount")
    has = desk.seat_number > 0
    if part.periods is not None:
        has = has & (desk.seat_number <= part.periods)
    return desk.prorated(np.where(has, amount, 0).astype(np.int64), part.prorate)


def _recoverable(desk: Desk, k: int, part: Draw, flow: IntArray, blocks: list[Block]) -> IntArray:
    """Advance up to the draw and recover from what exceeds it, by the running minimum of the sum so far."""
    due = _draws(desk, k, part)
    excess = money.narrow(money.add(flow, -due))
    recovered = desk.scaled(np.maximum(excess, 0), part.recovery_rate)
    if part.recovery_limit is not None:
        most = minor_amount(part.recovery_limit, desk.places, f"{desk.path(k)}.recovery_limit")
        recovered = np.minimum(recovered, most)
    began = _served(desk)
    recovered = np.where(began >= part.recovery_start, recovered, 0)
    change = np.maximum(-excess, 0) - recovered
    rep_first = kernels.runs(desk.seat_rep)
    first = rep_first.copy()
    if part.carry == "year":
        first |= kernels.runs(desk.seat_rep, desk.span("year"))
    if part.forgiven_after is not None:
        first |= kernels.runs(desk.seat_rep, began > part.forgiven_after)
    limit = None
    if part.balance_limit is not None:
        limit = minor_amount(part.balance_limit, desk.places, f"{desk.path(k)}.balance_limit")
    opening = np.where(rep_first, desk.opening, 0)
    owed = money.narrow(kernels.debts(money.add(change, opening), first, limit))
    before = np.where(first, opening, np.concatenate([owed[:1], owed[:-1]])) if len(owed) else owed
    if part.advance == "upfront":
        _upfront(k, due, before, owed, blocks)
    else:
        _debt_lines(k, (DRAW, RECOVERY), before, owed, blocks)
    lapses = np.flatnonzero(np.append(first[1:] & ~rep_first[1:], False) & (owed > 0))
    if part.forgiven_after is not None:
        last = np.flatnonzero((began == part.forgiven_after) & np.append(rep_first[1:], True) & (owed > 0))
        lapses = np.union1d(lapses, last)
    zero = np.zeros(len(lapses), dtype=np.int64)
    blocks.append(flat_block(lapses, k, FORGIVEN, owed[lapses], zero, zero))
    balance = owed.copy()
    balance[lapses] = 0
    return balance


def _served(desk: Desk) -> IntArray:
    """Count the periods of each rep so far, those after leaving too."""
    place = np.arange(desk.n_seats)
    start = np.maximum.accumulate(np.where(kernels.runs(desk.seat_rep), place, 0))
    return np.maximum(desk.seat_number, place - start + 1)


def _upfront(k: int, due: IntArray, before: IntArray, owed: IntArray, blocks: list[Block]) -> None:
    """Write the draw as paid at the start of a period and settled at its end."""
    hits = np.flatnonzero(due)
    raised = before + due
    blocks.append(flat_block(hits, k, DRAW, before[hits], raised[hits], due[hits]))
    settled = owed - raised
    hits = np.flatnonzero(settled)
    blocks.append(flat_block(hits, k, RECOVERY, raised[hits], owed[hits], settled[hits]))


class _Kept(NamedTuple):
    """Credits with pay on hold: their rows, what is held of each, and when it comes free."""

    rows: Rows
    amount: IntArray
    release: IntArray


def _hold(desk: Desk, k: int, part: Hold, blocks: list[Block]) -> IntArray:
    """Write what is kept back, forfeited and released; give what each seat keeps more or less."""
    acted = {j for j in desk.acted_on(part, k) if not isinstance(desk.plan.components[j], (Clawback, Hold))}
    touched, earned = desk.credit_lines(blocks, acted)
    rows = desk.own.take(touched)
    if part.until is not None:
        release = desk.events.first_day(part.until, desk.rank[rows.credit], rows.deal)
        release = np.maximum(release, rows.day)
    else:
        release = rows.day + (part.days or 0)
    free = np.where(release >= LAST_DAY, -1, desk.terms.find(np.minimum(release, LAST_DAY - 1)))
    own = desk.seat_period[rows.seat]
    late = (free != own) & (earned[rows.place] != 0)
    rows, release, free = rows.take(late), release[late], free[late]
    kept = share_block(
        desk, rows.seat, k, HELD, earned[rows.place], -part.share, credit=rows.credit, order=rows.place
    )
    amount = -kept.amount
    left, lost = _forfeit(desk, k, _Kept(rows, amount, release), blocks)
    seat = seat_at(desk, rows.seat, free)
    hits = np.flatnonzero((seat >= 0) & (left != 0))
    at = rows.take(hits)
    zero = np.zeros(len(hits), dtype=np.int64)
    more = {"credit": at.credit, "order": at.place}
    given = flat_block(seat[hits], k, RELEASED, left[hits], zero, left[hits], **more)
    new = [kept, *([] if lost is None else [lost]), given]
    blocks.extend(new)
    change = np.concatenate([block.amount for block in new])
    return -money.group_sums(change, np.concatenate([block.seat for block in new]), desk.n_seats)


def _forfeit(desk: Desk, k: int, kept: _Kept, blocks: list[Block]) -> tuple[IntArray, Block | None]:
    """Let clawbacks of paid amounts take what is on hold first; give what is left of it, and the lines."""
    left = kept.amount.copy()
    place = {int(row): j for j, row in enumerate(kept.rows.place)}
    found: list[tuple[int, int, int, int]] = []
    for block in blocks:
        if not len(block.rule) or int(block.rule[0]) != CLAWBACK:
            continue
        part = desk.plan.components[int(block.part[0])]
        if not isinstance(part, Clawback) or part.takes != "paid":
            continue
        for j in np.argsort(desk.events.day[block.prior], kind="stable").tolist():
            row = place.get(int(block.order[j]), -1)
            if row < 0 or desk.events.day[block.prior[j]] >= kept.release[row]:
                continue
            taken = min(int(left[row]), -int(block.amount[j]))
            if taken > 0:
                found.append((int(block.seat[j]), row, int(left[row]), taken))
                left[row] -= taken
    if not found:
        return left, None
    seats, rows, before, gone = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    at = kept.rows.take(rows)
    more = {"credit": at.credit, "order": at.place}
    return left, flat_block(seats, k, FORFEITED, before, before - gone, gone, **more)
