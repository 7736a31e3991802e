"""Reps, leads and pairs of them, read once and laid out in label order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import closest, raise_all
from salesops._frames import Ids, Labels, Reader, to_frame
from salesops.errors import Problem, show

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LARGEST = 1e290


def tables(columns: Mapping[str, str] | None, **given: object) -> dict[str, pd.DataFrame]:
    """Turn several tables into frames under one renaming; a name that none of them has is a fault."""
    frames = {name: to_frame(data, name) for name, data in given.items() if data is not None}
    if columns is None:
        return frames
    present = [str(label) for frame in frames.values() for label in frame.columns]
    faults = [
        Problem(
            path="columns",
            message="names a column that no table has",
            values=(show(theirs),),
            suggestions=closest(theirs, present),
            hint="write columns={'name in your table': 'name in the documentation'}",
        )
        for theirs in columns
        if theirs not in present and present
    ]
    raise_all("columns", faults)
    return {
        name: to_frame(
            frame, name, columns={theirs: ours for theirs, ours in columns.items() if theirs in frame.columns}
        )
        for name, frame in frames.items()
    }


@attrs.frozen(kw_only=True, eq=False)
class Rows:
    """A table whose rows are one thing each, and where each of them stands in label order."""

    table: Reader
    ids: Ids
    labels: Labels
    order: IntArray
    """Row of each label: ``column[order]`` puts a column into label order."""

    def column(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Put a column that was read row by row into label order."""
        return values[self.order]


def read_rows(frame: pd.DataFrame, name: str, key: str, faults: list[Problem]) -> Rows:
    """Open a table whose `key` names each row, without repeats."""
    table = Reader(frame, name, key=(key,), faults=faults)
    ids = table.ids(key, unique=True)
    labels = Labels.of(ids)
    codes = labels.codes(ids)
    order = np.zeros(len(labels), dtype=np.int64)
    order[codes[codes >= 0]] = np.flatnonzero(codes >= 0)
    return Rows(table=table, ids=ids, labels=labels, order=order)


def amounts(table: Reader, column: str, *, default: float | None = None) -> FloatArray:
    """Take a column of amounts of 0 or more that can be added up and compared as doubles."""
    if default is None:
        values = table.numbers(column, minimum=0)
    else:
        values = table.numbers(column, minimum=0, default=default)
    known = np.nan_to_num(values)
    small = (known > 0) & (known < 1 / _LARGEST)
    table.fault(column, small, "is too small to compare", hint="give the column in a smaller unit, or 0")
    if known.max(initial=0.0) > _LARGEST / max(len(known), 1):
        large = known > _LARGEST / len(known)
        table.fault(column, large, "is too large to add up", hint="give the column in a larger unit")
    return values


def who_is(labels: Labels, position: int) -> Hashable:
    """Give a label, or None for the position -1."""
    return labels[position] if position >= 0 else None


def labels_at(labels: Labels, positions: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
    """Give a column of labels; None for the position -1."""
    if len(positions) and not (positions < 0).any():
        return np.asarray(labels.values[positions])
    return column_of([who_is(labels, position) for position in positions.tolist()])


def find(labels: Labels, label: Hashable, argument: str, kind: str) -> int:
    """Find the one that the caller asks about; an unknown one is a fault with a suggestion."""
    position = labels.position(label)
    if position < 0:
        fault = Problem(
            path=argument,
            message=f"is not among the {kind}",
            values=(show(label),),
            suggestions=closest(label, labels.values.tolist()),
        )
        raise_all(argument, [fault])
    return position


def column_of(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Hold Python objects as a column, tuples as single cells."""
    cells = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        cells[position] = value
    return cells
