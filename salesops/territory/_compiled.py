"""The product of the walk compiled by numba (the ``fast`` extra): the same sums in the same order."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np


@cache
def is_installed() -> bool:
    """Tell whether numba can be imported."""
    return find_spec("numba") is not None


@cache
def product() -> Callable[..., None]:
    """Compile ``out = sign * out + matrix @ block``, which holds no lock.

    Without fast-math every product and every sum is rounded by itself, as in the routine of scipy.
    """
    from salesops._faults import import_extra

    numba: Any = import_extra("numba", "fast")

    def add(starts: Any, indices: Any, data: Any, block: Any, out: Any, sign: float) -> None:
        width = block.shape[1]
        row = np.empty(width, dtype=out.dtype)
        for i in range(len(starts) - 1):
            for c in range(width):
                row[c] = sign * out[i, c]
            for p in range(starts[i], starts[i + 1]):
                value, friend = data[p], block[indices[p]]
                for c in range(width):
                    row[c] += value * friend[c]
            for c in range(width):
                out[i, c] = row[c]

    compiled: Callable[..., None] = numba.njit(nogil=True, error_model="numpy")(add)
    return compiled
