"""Tiers, tables and caps over arrays of whole numbers.

Nothing here knows a rep or a plan. Rows stand in the order in which they count. Positions on the way from 0
to the credited total are exact: money times `point_scale`, so that thresholds that are fractions of a quota
are whole too. Every function is odd: a negative position is the mirror of the positive one, so that a refund
takes back exactly what the sale has paid.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from salesops import _money as money
from salesops._money import BoolArray, IntArray, Whole

_FEW = 12
"""So many thresholds are compared one by one, which is faster than to divide by quotas and search."""


class Schedule(NamedTuple):
    """Tiers as whole numbers.

    `thresholds` (n_tiers,) are lower ends times `point_scale`, in units of the quota (1 where there is none);
    `rates` (n_tiers,) are rates times `rate_scale`; `earned` (n_tiers,) is what lies below each threshold at
    the rates there; `top` is the end of the last tier, or None if it has none; `upper` says that a threshold
    belongs to the tier below it.
    """

    thresholds: Whole
    rates: Whole
    earned: Whole
    top: int | None
    point_scale: int
    rate_scale: int
    upper: bool


class Slices(NamedTuple):
    """Parts of rows, each within one tier, in the order of the way from the old total to the new one.

    `row` (n_slices,) is the row cut; `tier` the tier; `prior` the tier whose rate is replaced, or -1; `start`
    and `end` are positions; `before` and `after` are what is earned there, times both scales.
    """

    row: IntArray
    tier: IntArray
    prior: IntArray
    start: Whole
    end: Whole
    before: Whole
    after: Whole


def tier_of(size: Whole, quota: IntArray, schedule: Schedule, *, upper: bool) -> IntArray:
    """Find the tier of each position that is 0 or more; a threshold belongs below it if `upper`."""
    steps = schedule.thresholds[1:]
    fits = steps.dtype == size.dtype == np.int64 and len(steps) <= _FEW
    if fits and money.extent(steps) * money.extent(quota) < 2**63:
        tier = np.zeros(len(size), dtype=np.int64)
        for step in steps.tolist():
            tier += size > step * quota if upper else size >= step * quota
        return tier
    if upper:
        found = np.searchsorted(schedule.thresholds, -(-size // quota), side="left") - 1
    else:
        found = np.searchsorted(schedule.thresholds, size // quota, side="right") - 1
    return np.maximum(found, 0).astype(np.int64)


def above_top(points: Whole, quota: IntArray, schedule: Schedule) -> BoolArray:
    """Mark positions beyond the end of the last tier."""
    if schedule.top is None:
        return np.zeros(len(points), dtype=np.bool_)
    return np.asarray(-(-np.abs(points) // quota) > schedule.top, dtype=np.bool_)


def _earned_at(points: Whole, tier: IntArray, quota: IntArray, schedule: Schedule) -> Whole:
    """Give what is earned on the way to each position, each tier at its own rate."""
    below = money.multiply(quota, schedule.earned[tier])
    above = money.add(np.abs(points), -money.multiply(quota, schedule.thresholds[tier]))
    size = money.add(below, money.multiply(above, schedule.rates[tier]))
    return np.asarray(np.where(points < 0, -size, size))


def marginal_slices(start: Whole, end: Whole, quota: IntArray, schedule: Schedule) -> Slices:
    """Cut each way from `start` to `end` at the thresholds; every slice earns the rate of its tier.

    Tiers below zero are counted -1, -2, ... so that the slices of a row are consecutive. Cost is linear in
    the number of slices.
    """
    low, high = np.minimum(start, end), np.maximum(start, end)
    first = _signed_tier(low, quota, schedule, upward=True)
    last = _signed_tier(high, quota, schedule, upward=False)
    still = low == high
    if still.any():
        owner = tier_of(np.abs(low), quota, schedule, upper=schedule.upper)
        first = np.where(still, np.where(low < 0, -1 - owner, owner), first)
        last = np.where(still, first, last)
    count = last - first + 1
    row = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    down = (end < start)[row]
    place = np.where(down, count[row] - 1 - step, step)
    signed = first[row] + place
    lower = np.where(place == 0, low[row], _threshold(signed, quota[row], schedule))
    upper = np.where(
        place == count[row] - 1,
        high[row],
        _threshold(np.minimum(signed + 1, last[row]), quota[row], schedule),
    )
    tier = np.where(signed < 0, -1 - signed, signed)
    left, right = np.where(down, upper, lower), np.where(down, lower, upper)
    before = _earned_at(left, tier, quota[row], schedule)
    after = _earned_at(right, tier, quota[row], schedule)
    return Slices(row, tier, np.full(len(row), -1), left, right, before, after)


def _signed_tier(points: Whole, quota: IntArray, schedule: Schedule, *, upward: bool) -> IntArray:
    """Find the tier that lies just above each position, or just below it; mirrored tiers are negative."""
    negative = (points < 0) if upward else (points <= 0)
    size = np.abs(points)
    from_below = tier_of(size, quota, schedule, upper=True)
    from_above = tier_of(size, quota, schedule, upper=False)
    outward = from_above if upward else from_below
    inward = from_below if upward else from_above
    return np.where(negative, -1 - inward, outward)


def _threshold(signed: IntArray, quota: IntArray, schedule: Schedule) -> Whole:
    """Give the lower end of tiers counted with sign; that of the outermost negative tier is never asked."""
    tier = np.minimum(np.abs(signed), len(schedule.thresholds) - 1)
    size = money.multiply(quota, schedule.thresholds[tier])
    return np.asarray(np.where(signed < 0, -size, size))


def whole_slices(start: Whole, end: Whole, quota: IntArray, schedule: Schedule) -> Slices:
    """Pay the rate of the tier reached on the whole total.

    Each row gives one slice at the rate reached and, where the tier differs from the one before, a slice that
    brings what was credited earlier to the new rate.
    """
    size_before, size_after = np.abs(start), np.abs(end)
    tier_before = tier_of(size_before, quota, schedule, upper=schedule.upper)
    tier_after = tier_of(size_after, quota, schedule, upper=schedule.upper)
    catch_up = np.flatnonzero((tier_before != tier_after) & (start != 0))
    rate_before, rate_after = schedule.rates[tier_before], schedule.rates[tier_after]
    at_new_rate = money.multiply(start, rate_after)
    row = np.concatenate([catch_up, np.arange(len(start))])
    order = np.argsort(row, kind="stable")
    parts = Slices(
        row=row,
        tier=np.concatenate([tier_after[catch_up], tier_after]),
        prior=np.concatenate([tier_before[catch_up], np.full(len(start), -1)]),
        start=np.concatenate([np.zeros_like(start[catch_up]), start]),
        end=np.concatenate([start[catch_up], end]),
        before=np.concatenate([money.multiply(start, rate_before)[catch_up], at_new_rate]),
        after=np.concatenate([at_new_rate[catch_up], money.multiply(end, rate_after)]),
    )
    return Slices(*(np.asarray(part[order]) for part in parts))


def mixed_slices(start: Whole, end: Whole, quota: IntArray, schedule: Schedule, groups: IntArray) -> Slices:
    """Pay a marginal table some of whose tiers are retroactive: `groups` names the one that holds from 0 on.

    Each row is cut at all thresholds. Where its group differs from the one before, slices from 0 to the old
    total come first and bring what was credited earlier to the new rates.
    """
    old = groups[tier_of(np.abs(start), quota, schedule, upper=schedule.upper)]
    new = groups[tier_of(np.abs(end), quota, schedule, upper=schedule.upper)]
    turned = np.flatnonzero((old != new) & (start != 0))
    back = marginal_slices(np.zeros_like(start[turned]), start[turned], quota[turned], schedule)
    way = marginal_slices(start, end, quota, schedule)
    row = np.concatenate([turned[back.row], way.row])
    tier = np.concatenate([back.tier, way.tier])
    left, right = np.concatenate([back.start, way.start]), np.concatenate([back.end, way.end])
    is_back = np.arange(len(row)) < len(back.row)
    now, before = _rated(tier, new[row], groups), _rated(tier, old[row], groups)
    keep = ~is_back | (now != before)
    order = np.argsort(row, kind="stable")
    order = order[keep[order]]
    row, now, before, left, right = (part[order] for part in (row, now, before, left, right))
    is_back = is_back[order]
    rate = schedule.rates[now] - np.where(is_back, schedule.rates[before], 0)
    due = money.multiply(money.add(right, -left), rate)
    after = money.cumulative_whole(due, runs(row))
    base = _due_in_group(start, old, quota, schedule, groups)[row]
    after = money.add(after, base)
    return Slices(row, now, np.where(is_back, before, -1), left, right, money.add(after, -due), after)


def _rated(tier: IntArray, group: IntArray, groups: IntArray) -> IntArray:
    """Find the tier whose rate holds in a tier once a group is reached."""
    last = np.searchsorted(groups, group, side="right") - 1
    return np.clip(tier, group, last).astype(np.int64)


def _due_in_group(
    points: Whole, group: IntArray, quota: IntArray, schedule: Schedule, groups: IntArray
) -> Whole:
    """Give what is earned on the way to each position under the rates of a group."""
    due = np.zeros_like(points)
    for g in np.unique(group):
        last = int(np.searchsorted(groups, g, side="right")) - 1
        places = [0, *range(int(g) + 1, last + 1)]
        mine = np.flatnonzero(group == g)
        size = np.abs(points[mine])
        total: Whole = np.zeros_like(size)
        for k, place in enumerate(places):
            low = money.multiply(quota[mine], schedule.thresholds[place])
            gone = np.maximum(money.add(size, -low), 0)
            if k + 1 < len(places):
                high = money.multiply(quota[mine], schedule.thresholds[places[k + 1]])
                gone = np.minimum(gone, money.add(high, -low))
            total = money.add(total, money.multiply(gone, schedule.rates[g if place == 0 else place]))
        if total.dtype != due.dtype:
            due, total = due.astype(object), total.astype(object)
        due[mine] = np.where(points[mine] < 0, -total, total)
    return due


class Table(NamedTuple):
    """Points of a bonus table as whole numbers: `points` times `point_scale`, `pays` times `rate_scale`."""

    points: Whole
    pays: Whole
    point_scale: int
    rate_scale: int
    upper: bool
    interpolated: bool


def table_pays(position: Whole, quota: IntArray, table: Table) -> tuple[IntArray, Whole, Whole]:
    """Read a table: which point was reached, and what it pays as numerator and denominator."""
    steps = Schedule(table.points, table.pays, table.pays, None, table.point_scale, 1, table.upper)
    size = np.maximum(position, 0)
    step = tier_of(size, quota, steps, upper=table.upper)
    pays = table.pays[step]
    if not table.interpolated or len(table.points) == 1:
        return step, pays, np.full(len(step), table.rate_scale)
    following = np.minimum(step + 1, len(table.points) - 1)
    width = money.multiply(quota, np.maximum(table.points[following] - table.points[step], 1))
    gone = money.add(size, -money.multiply(quota, table.points[step]))
    rise = money.multiply(gone, np.where(following > step, table.pays[following] - pays, 0))
    return step, money.add(money.multiply(pays, width), rise), money.multiply(width, table.rate_scale)


def cap_adjustments(values: IntArray, first: BoolArray, cap: int) -> IntArray:
    """Give what to add to each value so that running totals stay within the cap, in either direction."""
    after = money.cumulative(values, first)
    before = after - values
    return money.narrow(np.clip(after, -cap, cap) - np.clip(before, -cap, cap) - values)


def runs(*keys: NDArray[Any]) -> BoolArray:
    """Mark each row whose keys differ from those of the row before it."""
    first = np.zeros(len(keys[0]), dtype=np.bool_)
    if len(first):
        first[0] = True
        for key in keys:
            first[1:] |= key[1:] != key[:-1]
    return first


def carried_caps(values: IntArray, first: BoolArray, cap: int) -> IntArray:
    """Give what to add to each value so that at most `cap` is paid and the excess waits for later rows.

    What is paid up to a row is the least, over all rows up to it, of what was earned there and a full cap for
    every row since.
    """
    place = np.arange(len(values)) - np.maximum.accumulate(np.where(first, np.arange(len(values)), 0))
    most = money.multiply(place + 1, cap)
    earned = money.cumulative(values, first)
    least = running_least(money.add(earned, -most), first)
    paid = money.add(np.minimum(least, 0), most)
    before = np.where(first, 0, np.concatenate([paid[:1], paid[:-1]]))
    return money.narrow(money.add(money.add(paid, -before), -values))


def running_least(values: Whole, first: BoolArray) -> Whole:
    """Give the least value of each run up to and including each row."""
    group = np.cumsum(first) - 1
    width = np.bincount(group, minlength=1)
    if not len(values):
        return values
    place = np.arange(len(values)) - np.flatnonzero(first)[group]
    grid = np.full((len(width), int(width.max())), int(values.max()), dtype=values.dtype)
    grid[group, place] = values
    return np.asarray(np.minimum.accumulate(grid, axis=1)[group, place])


def debts(changes: Whole, first: BoolArray, limit: int | None = None) -> Whole:
    """Give what is owed after each row: it changes by the row, never falls below 0 nor rises above `limit`.

    Without a limit what is owed is the sum so far less its lowest point (or 0); with one the periods of all
    reps are taken step by step.
    """
    if not len(changes):
        return changes
    total = money.cumulative_whole(changes, first)
    if limit is None:
        lowest = np.minimum(running_least(total, first), 0)
        return money.add(total, -lowest)
    place = np.arange(len(changes)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    owed = np.zeros_like(changes)
    for step in range(int(place.max()) + 1):
        rows = np.flatnonzero(place == step)
        before = np.zeros(len(rows), dtype=owed.dtype) if step == 0 else owed[rows - 1]
        ceiling = np.maximum(before, limit)
        owed[rows] = np.minimum(np.maximum(before + changes[rows], 0), ceiling)
    return owed
