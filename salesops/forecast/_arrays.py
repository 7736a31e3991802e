"""Arrays inside frozen values: read-only, compared by content, written out as plain JSON types."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._frames import id_column


def read_only(values: Any) -> npt.NDArray[Any]:
    """Take a copy that nobody can write to."""
    array = np.array(values)
    array.setflags(write=False)
    return array


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fmM" and other.dtype.kind in "fmM")


BY_CONTENT = attrs.cmp_using(eq=_same)
"""Compares arrays of a frozen class; pass it as ``eq`` of the field."""


def label_column(labels: Sequence[Hashable]) -> pd.Series[Any]:
    """Make a column of labels, tuples kept whole."""
    cells = np.empty(len(labels), dtype=object)
    for place, label in enumerate(labels):
        cells[place] = label
    return id_column(cells)


def plain(value: Any) -> Any:
    """Turn a value into JSON types; what is not a finite number is None."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, pd.DataFrame):
        return [
            {str(name): plain(cell) for name, cell in zip(value.columns, row, strict=True)}
            for row in value.itertuples(index=False, name=None)
        ]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
