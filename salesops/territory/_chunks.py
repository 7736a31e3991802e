"""Long arrays in pieces that fit the cache, on as many threads as there are processors.

The pieces do not depend on the number of threads, and answers come back in order, so that neither does any
result.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Answer = TypeVar("Answer")

_LENGTH = 1 << 14
_MOST_THREADS = 8


def pieces(n: int, most: int | None = None) -> list[slice]:
    """Cut 0 to n into slices of the same length, `most` at most, but for the last; at least one."""
    length = _LENGTH if most is None else min(most, _LENGTH)
    return [slice(k, min(k + length, n)) for k in range(0, max(n, 1), length)]


def in_chunks(function: Callable[[slice], Answer], n: int, most: int | None = None) -> list[Answer]:
    """Apply a function to each piece of 0 to n; answers in order."""
    parts = pieces(n, most)
    workers = min(os.cpu_count() or 1, len(parts), _MOST_THREADS)
    if workers < 2:
        return [function(part) for part in parts]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, parts))


def exact_sum(amounts: npt.NDArray[np.float64]) -> float:
    """Sum exactly, rounded once; a million numbers are never all objects at a time."""
    return math.fsum(itertools.chain.from_iterable(amounts[part].tolist() for part in pieces(len(amounts))))
