"""Where the level of a series changes: optimal partitioning with pruning, exact and deterministic."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_SPARE = 1e-9


def moving_range_sigma(values: Floats) -> float:
    """Spread of single values from the mean moving range: changes of level hardly touch it."""
    return float(np.abs(np.diff(values)).mean()) / (2.0 / math.sqrt(math.pi)) if len(values) > 1 else math.nan


def partition(values: Floats, penalty: float, min_length: int) -> list[int]:
    """First positions of the new levels that minimise squares within segments plus a penalty for each change.

    PELT: a start that loses by more than the penalty to a change right here can never win once such a change
    is allowed, `min_length` values later, so it is dropped then. Between equals, the earlier start wins.
    """
    n = len(values)
    ahead = np.concatenate([[0.0], np.cumsum(values - values.mean())])
    squares = np.concatenate([[0.0], np.cumsum((values - values.mean()) ** 2)])
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    origin = np.zeros(n + 1, dtype=np.int64)
    starts = np.array([0], dtype=np.int64)
    beaten = np.full(n + 1, n + 1, dtype=np.int64)
    for end in range(min_length, n + 1):
        fresh = end - min_length
        if fresh >= min_length:
            starts = np.append(starts, fresh)
        within = squares[end] - squares[starts] - (ahead[end] - ahead[starts]) ** 2 / (end - starts)
        total = best[starts] + within
        k = int(np.argmin(total + _SPARE * penalty * (starts > 0)))
        best[end], origin[end] = total[k] + penalty, starts[k]
        losing = starts[total > best[end]]
        beaten[losing] = np.minimum(beaten[losing], end + min_length)
        starts = starts[beaten[starts] > end + 1]
    changes = []
    end = n
    while origin[end] > 0:
        end = int(origin[end])
        changes.append(end)
    return changes[::-1]
