"""Ways cut at thresholds: nearly all lie within one tier, where pay is a straight line, and need no cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from salesops import _money as money
from salesops._frames.arrays import constant
from salesops._money import IntArray, Whole
from salesops.comp._compile import retroactive_groups
from salesops.comp._kernels import Schedule, Slices, marginal_slices, mixed_slices, whole_slices
from salesops.comp.components import Commission

_PIECE = 1 << 15
"""So many rows are worked on at once: what a step needs then stays small and near."""
_MOST = 100
"""With more thresholds than this, or numbers beyond int64, every way is cut."""


class _Line(NamedTuple):
    """What is earned within each tier as a straight line: `rates` times the position, `bases` times quota."""

    rates: IntArray
    bases: IntArray


def cut(part: Commission, start: Whole, end: Whole, quota: IntArray, schedule: Schedule) -> Slices:
    """Cut each way from `start` to `end` at the thresholds of a commission.

    Ways within one tier give one slice, of which a multiplication says what is earned; only the others go
    through the kernels that cut. The answer is the same.
    """
    line = _line(part, start, end, quota, schedule)
    if line is None:
        return _all_cut(part, start, end, quota, schedule)
    tier = _tiers_within(start, end, quota, schedule)
    rough = np.flatnonzero(tier < 0)
    if not len(rough):
        return _along(line, start, end, quota, tier, np.arange(len(tier)))
    done = _all_cut(part, start[rough], end[rough], quota[rough], schedule)
    count = np.ones(len(tier), dtype=np.int64)
    count[rough] = np.bincount(done.row, minlength=len(rough))
    row = np.repeat(np.arange(len(tier)), count)
    return _put(_along(line, start, end, quota, tier, row), np.flatnonzero(tier[row] < 0), done)


def _pieces(n: int) -> Iterator[slice]:
    return (slice(first, first + _PIECE) for first in range(0, n, _PIECE))


def _line(part: Commission, start: Whole, end: Whole, quota: IntArray, schedule: Schedule) -> _Line | None:
    """Give the lines along which tiers pay; None where int64 is too small for them."""
    thresholds, rates = schedule.thresholds.tolist(), schedule.rates.tolist()
    if part.style == "whole_amount":
        bases = [0] * len(rates)
    else:
        bases = _bases(thresholds, rates, retroactive_groups(part))
    most, size = money.extent(quota), max(money.extent(start), money.extent(end))
    fits = all(
        column.dtype == np.int64 for column in (start, end, quota, schedule.thresholds, schedule.rates)
    )
    # Where nobody has a credit or a quota there is no extent, and yet the line must be written.
    bound = max(map(abs, bases)) * max(most, 1) + size * max(map(abs, rates))
    bound = max(bound, max(map(abs, thresholds)) * most)
    if not fits or bound >= 2**63 or thresholds[0] != 0 or len(rates) > _MOST:
        return None
    return _Line(schedule.rates, np.array(bases, dtype=np.int64))


def _bases(thresholds: list[int], rates: list[int], groups: list[int]) -> list[int]:
    """Find what each line pays at 0, where a group of tiers pays its first rate from 0 on."""
    bases = []
    for tier, group in enumerate(groups):
        steps = range(group + 1, tier + 1)
        bases.append(sum(thresholds[k] * (rates[k - 1] - rates[k]) for k in steps))
    return bases


def _tiers_within(start: IntArray, end: IntArray, quota: IntArray, schedule: Schedule) -> IntArray:
    """Find the tier within which each way lies; -1 where it meets a threshold or goes below 0."""
    tier = np.empty(len(start), dtype=np.int64)
    steps = schedule.thresholds[1:].tolist()
    for piece in _pieces(len(start)):
        low, high = np.minimum(start[piece], end[piece]), np.maximum(start[piece], end[piece])
        passed, reached = (np.zeros(len(low), dtype=np.int8) for _ in range(2))
        for step in steps:
            at = step * quota[piece]
            passed += at < low
            reached += at <= high
        tier[piece] = np.where((passed == reached) & (low >= 0), passed, -1)
    return tier


def _along(
    line: _Line, start: IntArray, end: IntArray, quota: IntArray, tier: IntArray, row: IntArray
) -> Slices:
    """Give each of some rows as one slice, from start to end along the line of its tier."""
    n, uncut = len(row), len(row) == len(tier)
    columns = [np.empty(n, dtype=np.int64) for _ in range(5)]
    for piece in _pieces(n):
        at = piece if uncut else row[piece]
        mine, left, right = tier[at], start[at], end[at]
        rate, base = line.rates[mine], line.bases[mine]
        base *= quota[at]
        for column, values in zip(columns, (mine, left, right, left * rate, right * rate), strict=True):
            column[piece] = values
        columns[3][piece] += base
        columns[4][piece] += base
    return Slices(row, columns[0], constant(n, -1), *columns[1:])


def _put(slices: Slices, places: IntArray, done: Slices) -> Slices:
    """Write slices over those that stand at some places."""
    columns = []
    for whole, part in zip(slices[1:], done[1:], strict=True):
        if whole.strides == (0,):
            whole = np.full(len(whole), whole[0]) if (part != whole[0]).any() else whole
        if part.dtype != whole.dtype:
            whole = whole.astype(object)
        if whole.flags.writeable:
            whole[places] = part
        columns.append(whole)
    return Slices(slices.row, *columns)


def _all_cut(part: Commission, start: Whole, end: Whole, quota: IntArray, schedule: Schedule) -> Slices:
    """Cut rows by the kernels, a few at a time."""
    found = []
    for piece in _pieces(max(len(start), 1)):
        slices = _cut(part, start[piece], end[piece], quota[piece], schedule)
        found.append(slices._replace(row=slices.row + piece.start))
    return found[0] if len(found) == 1 else Slices(*map(np.concatenate, zip(*found, strict=True)))


def _cut(part: Commission, start: Whole, end: Whole, quota: IntArray, schedule: Schedule) -> Slices:
    if part.style == "whole_amount":
        return whole_slices(start, end, quota, schedule)
    groups = np.array(retroactive_groups(part), dtype=np.int64)
    if groups.any():
        return mixed_slices(start, end, quota, schedule, groups)
    return marginal_slices(start, end, quota, schedule)
