"""Whole minor units down a tree: exact shares by largest remainder, within bounds, and over periods.

`owner` says which total each part belongs to; it rises, and every total has a part. Products of an amount and
a weight need not fit 64 bits: the quotient is estimated in floats and corrected by the remainder, which is
exact modulo 2**64 and small.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salesops import _money
from salesops.errors import InternalError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SAFE = float(2**61)
_WEIGHT_DIGITS = 10**12


def times_over(a: Ints, b: Ints, under: Ints) -> tuple[Ints, Ints]:
    """Give quotient and remainder of a * b / under, all 0 or more and `under` above 0."""
    estimate = a.astype(np.float64) * b.astype(np.float64) / under.astype(np.float64)
    top = float(estimate.max(initial=0.0))
    if (top * 1e-15 + 2.0) * float(under.max(initial=1)) > _SAFE or top > 4e18:
        product = _money.multiply(a.astype(object), b.astype(object))
        quotient = product // under.astype(object)
        return _money.narrow(quotient), _money.narrow(product - quotient * under)
    quotient = estimate.astype(np.int64)
    with np.errstate(over="ignore"):
        rest = a * b - quotient * under
    more: Ints = (rest // under).astype(np.int64)
    return np.asarray(quotient + more), np.asarray(rest - more * under)


def whole_weights(weights: Floats, owner: Ints, n_owners: int) -> Ints:
    """Turn weights into whole numbers: as they are if all are whole, else to twelve digits of the largest."""
    if not len(weights):
        return np.zeros(0, dtype=np.int64)
    if bool((weights == np.floor(weights)).all()) and float(weights.max()) <= _WEIGHT_DIGITS:
        return weights.astype(np.int64)
    largest = np.zeros(n_owners)
    np.maximum.at(largest, owner, weights)
    scale = np.where(largest > 0, largest, 1.0)[owner]
    whole = np.rint(weights / scale * _WEIGHT_DIGITS).astype(np.int64)
    return np.where(weights > 0, np.maximum(whole, 1), 0)


def largest_remainder(totals: Ints, weights: Ints, owner: Ints) -> Ints:
    """Split totals (0 or more) by weights; what is left goes to the largest remainders, ties to the first."""
    n = len(totals)
    sums = np.zeros(n, dtype=np.int64)
    np.add.at(sums, owner, weights)
    parts, rest = times_over(totals[owner], weights, np.maximum(sums, 1)[owner])
    given = np.zeros(n, dtype=np.int64)
    np.add.at(given, owner, parts)
    left = np.where(sums > 0, totals - given, 0)
    order = np.lexsort((np.arange(len(rest)), -rest, owner))
    starts = np.searchsorted(owner, np.arange(n))
    place = np.empty(len(rest), dtype=np.int64)
    place[order] = np.arange(len(rest)) - starts[owner]
    return parts + (place < left[owner])


def bounded_split(totals: Ints, weights: Ints, owner: Ints, low: Ints, high: Ints) -> Ints:
    """Split totals by weights so that every part keeps its bounds, which together allow the total.

    Parts that would leave their bounds are set on them, on the side that is further out first, and the rest
    is split again among the others.
    """
    n = len(totals)
    fixed = low == high
    parts = np.where(fixed, low, 0)
    for _ in range(len(owner) + 2):
        rest = totals.copy()
        np.subtract.at(rest, owner, np.where(fixed, parts, 0))
        free = np.where(fixed, 0, weights)
        # A free part without a weight gets one where no other can take the rest.
        sums = np.zeros(n, dtype=np.int64)
        np.add.at(sums, owner, free)
        free = np.where((sums[owner] == 0) & ~fixed, 1, free)
        parts = np.where(fixed, parts, largest_remainder(np.maximum(rest, 0), free, owner))
        short, far = (
            np.where(fixed, 0, np.maximum(low - parts, 0)),
            np.where(fixed, 0, np.maximum(parts - high, 0)),
        )
        if not short.any() and not far.any():
            break
        lean = np.zeros(n, dtype=np.int64)
        np.add.at(lean, owner, short - far)
        raised, lowered = (short > 0) & (lean[owner] >= 0), (far > 0) & (lean[owner] <= 0)
        parts = np.where(raised, low, np.where(lowered, high, parts))
        fixed = fixed | raised | lowered
    return parts


def spread_over_periods(totals: Ints, above: Ints, owner: Ints) -> Ints:
    """Split parts over periods so that rows sum to the parts and columns to the period sums of their owner.

    `totals` (n_parts,) and `above` (n_owners, n_periods) agree by owner. A cell is a difference of rounded
    cumulative shares and lies within two units of its share.
    """
    n_owners, n_periods = above.shape
    sums = above.sum(axis=1)
    starts = np.searchsorted(owner, np.arange(n_owners))
    running = np.cumsum(totals)
    running = running - (running[starts] - totals[starts])[owner]
    columns = np.cumsum(above, axis=1)
    size = (len(totals), n_periods)
    left = np.broadcast_to(running[:, None], size).ravel()
    top = columns[owner].ravel()
    under = np.broadcast_to(np.maximum(sums, 1)[owner][:, None], size).ravel()
    quotient, rest = times_over(left, top, under)
    corner = (quotient + (rest >= under - rest)).reshape(size)
    before = np.vstack([np.zeros((1, n_periods), dtype=np.int64), corner[:-1]])
    before[starts] = 0
    cells = np.diff(corner - before, axis=1, prepend=0)
    cells = _without_negative(cells, starts, owner)
    found = np.zeros_like(above)
    np.add.at(found, owner, cells)
    if not (np.array_equal(cells.sum(axis=1), totals) and np.array_equal(found, above)):
        raise InternalError("quotas: the periods do not add up")
    return cells


def _without_negative(cells: Ints, starts: Ints, owner: Ints) -> Ints:
    """Move single units around squares of four cells until none is negative; sums stay."""
    ends = np.append(starts[1:], len(cells))
    while (cells < 0).any():
        for row, column in np.argwhere(cells < 0).tolist():
            if cells[row, column] >= 0:
                continue
            first, last = int(starts[owner[row]]), int(ends[owner[row]])
            giver = int(np.argmax(cells[row]))
            other = first + int(np.argmax(cells[first:last, column]))
            cells[row, column] += 1
            cells[row, giver] -= 1
            cells[other, column] -= 1
            cells[other, giver] += 1
    return cells
