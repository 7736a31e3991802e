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


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fmM" and other.dtype.kind in "fmM")


BY_CONTENT = attrs.cmp_using(eq=_same)
"""Compares arrays of a frozen class; pass it as ``eq`` of the field."""
