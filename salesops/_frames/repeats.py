"""Long columns in which few values repeat: equal rows found without looking at every object.

Readers of files and pandas itself let equal texts share one object, so that its address tells them apart; an
Arrow column lays its texts out as bytes, of which few places differ. Either costs a fraction of a hash table
over the objects.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._texts import held_by_arrow

IntArray = npt.NDArray[np.int64]

MANY = 20_000
_SAMPLE = 4096
_FEW = 256
_WIDEST_FIXED = 32
_WIDEST_RAGGED = 8
_DENSE = 1 << 20
_CHUNK = 1 << 15


class _Addresses:
    """Show an array of objects as whole numbers: the address of each."""

    def __init__(self, cells: npt.NDArray[Any]) -> None:
        self._cells = cells  # held, so that what is addressed lives
        self.__array_interface__ = {
            "version": 3,
            "shape": cells.shape,
            "strides": cells.strides,
            "typestr": np.dtype(np.intp).str,
            "data": cells.__array_interface__["data"],
        }


def repeats(values: pd.Series[Any]) -> tuple[IntArray, IntArray] | None:
    """Group the rows of a long column that are known to be equal; None where few are, or it is not known.

    Returns the group of each row, numbered by first appearance, and the first row of each group. Two groups
    may still hold equal values.
    """
    if len(values) < MANY:
        return None
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "O":
        keys = np.asarray(_Addresses(values.to_numpy()))
        return _grouped(keys, None) if _are_few(keys) else None
    if isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow":
        return _by_bytes(values)
    return None


def _are_few(keys: npt.NDArray[Any]) -> bool:
    """Judge by rows from all over the column."""
    return len(np.unique(keys[:: max(len(keys) // _SAMPLE, 1)])) <= _FEW


def _grouped(keys: npt.NDArray[Any], bound: int | None) -> tuple[IntArray, IntArray]:
    """Give keys numbers by first appearance; those below a small bound by a table."""
    if bound is None or bound > _DENSE:
        groups, distinct = pd.factorize(keys, size_hint=_FEW)
        return groups.astype(np.int64, copy=False), _first_rows(groups, len(distinct))
    is_there = np.zeros(bound, dtype=np.bool_)
    is_there[keys] = True
    there = np.flatnonzero(is_there)
    place = np.empty(bound, dtype=np.int64)
    place[there] = np.arange(len(there))
    rows = _first_rows(keys, len(there))
    order = np.argsort(rows)
    place[there[order]] = np.arange(len(there))
    return place[keys], rows[order]


def _first_rows(keys: npt.NDArray[Any], n_distinct: int) -> IntArray:
    """Find the first row of each key, in the order of keys; most stand near the head."""
    head = _SAMPLE
    while True:
        found, rows = np.unique(keys[:head], return_index=True)
        if len(found) == n_distinct:
            return rows.astype(np.int64, copy=False)
        head *= 8


def _by_bytes(values: pd.Series[Any]) -> tuple[IntArray, IntArray] | None:
    """Group the rows of an Arrow column of short texts by the places at which their bytes differ."""
    if values.iloc[:: max(len(values) // _SAMPLE, 1)].nunique() > _FEW:
        return None
    columns = _bytes(values.array)
    if columns is None:
        return None
    lows, highs = columns.min(axis=1).tolist(), columns.max(axis=1).tolist()
    radices = {place: high - low + 1 for place, (low, high) in enumerate(zip(lows, highs, strict=True))}
    radices = {place: radix for place, radix in radices.items() if radix > 1}
    bound = math.prod(radices.values())
    if bound >= 2**63:
        return None
    least = 0
    for place, radix in radices.items():
        least = least * radix + lows[place]
    keys = np.full(len(values), -least, dtype=np.int64)
    for first in range(0, len(keys), _CHUNK):
        rows = slice(first, first + _CHUNK)
        mine = np.zeros(len(keys[rows]), dtype=np.int64)
        for place, radix in radices.items():
            mine *= radix
            mine += columns[place, rows].astype(np.int64)
        keys[rows] += mine
    return _grouped(keys, bound)


def _bytes(cells: Any) -> npt.NDArray[np.uint8] | None:
    """Lay texts out, one row for each place in them; shorter ones are filled up with 0, missing ones all 0.

    None where they are too long, or where 0 could be mistaken.
    """
    held = held_by_arrow(cells)
    if held is None:
        return None
    arrow, texts, ends = held
    starts, lengths = ends[:-1] - ends[0], np.diff(ends)
    shortest, longest = int(lengths.min()), int(lengths.max())
    if longest == 0 or texts.min() == 0:
        return None
    if shortest == longest and arrow.null_count == 0:
        return np.ascontiguousarray(texts.reshape(-1, longest).T) if longest <= _WIDEST_FIXED else None
    if longest > _WIDEST_RAGGED:
        return None
    if arrow.null_count:
        lengths = np.where(np.asarray(arrow.is_valid()), lengths, 0)
        if int(np.count_nonzero(lengths == 0)) > arrow.null_count:
            return None
    columns = np.zeros((longest, len(starts)), dtype=np.uint8)
    for first in range(0, len(starts), _CHUNK):
        rows = slice(first, first + _CHUNK)
        begin, length = starts[rows], lengths[rows]
        cell = np.zeros(int(begin[-1]) - int(begin[0]) + longest, dtype=np.uint8)
        mine = texts[int(begin[0]) : int(begin[0]) + len(cell)]
        cell[: len(mine)] = mine
        begin = (begin - begin[0]).astype(np.int64, copy=False)
        for place in range(longest):
            columns[place, rows] = cell[place:].take(begin)
            if place >= shortest or arrow.null_count:
                columns[place, rows] *= length > place
    return columns
