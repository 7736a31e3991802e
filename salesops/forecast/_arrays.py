"""Labels of segments, groups and rows: as columns, and where two Series must agree on them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import raise_all
from salesops._frames import id_column
from salesops.errors import Problem, show


def label_column(labels: Sequence[Hashable]) -> pd.Series[Any]:
    """Make a column of labels, tuples kept whole."""
    cells = np.empty(len(labels), dtype=object)
    for place, label in enumerate(labels):
        cells[place] = label
    return id_column(cells)


def check_same_order(**columns: object) -> None:
    """Refuse Series that name the same things in another order: they are read by place, never by label."""
    labelled = {name: given.index for name, given in columns.items() if isinstance(given, pd.Series)}
    for name, index in list(labelled.items())[1:]:
        first, other = next(iter(labelled.items()))
        if len(index) == len(other) and not index.equals(other) and set(index) == set(other):
            where = [k for k, (a, b) in enumerate(zip(index, other, strict=True)) if a != b]
            fault = Problem(
                path=name,
                message=f"has the labels of {first} in another order, and rows are paired by place",
                rows=tuple(where),
                values=tuple(f"{show(index[k])}, there {show(other[k])}" for k in where),
                hint=f"pass {name}.reindex({first}.index)",
            )
            raise_all(name, [fault])


def check_rows(argument: str, wrong: npt.NDArray[np.bool_], message: str, values: Sequence[object]) -> None:
    """Refuse the rows that are marked, all of them in one fault."""
    places = np.flatnonzero(wrong).tolist()
    if places:
        shown = tuple(show(values[k]) for k in places)
        raise_all(argument, [Problem(path=argument, message=message, rows=tuple(places), values=shown)])
