"""Arrays inside frozen values: read-only, and equal by content."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt


def read_only(values: Any) -> npt.NDArray[Any]:
    """Take a view that nobody can write through."""
    array = np.asarray(values).view()
    array.setflags(write=False)
    return array


def constant(n: int, value: int) -> npt.NDArray[np.int64]:
    """Make a column that holds one number throughout and takes no room."""
    return np.broadcast_to(np.int64(value), (n,))


def is_constant(values: npt.NDArray[Any]) -> bool:
    """Say whether a column shows by its strides that it holds one value throughout."""
    return values.strides == (0,) and len(values) > 0


def taken(values: npt.NDArray[Any], rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Take positions of a column; a constant stays one."""
    return np.broadcast_to(values[0], (len(rows),)) if is_constant(values) else values[rows]


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fmM" and other.dtype.kind in "fmM")


BY_CONTENT = attrs.cmp_using(eq=_same)
"""Compares arrays of a frozen class; pass it as ``eq`` of the field."""
