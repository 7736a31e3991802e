"""Labels of segments and groups as columns."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from salesops._frames import id_column
from salesops.errors import InvalidInput, Problem


def label_column(labels: Sequence[Hashable]) -> pd.Series[Any]:
    """Make a column of labels, tuples kept whole."""
    cells = np.empty(len(labels), dtype=object)
    for place, label in enumerate(labels):
        cells[place] = label
    return id_column(cells)


def refuse_rows(argument: str, message: str, wrong: Any, *shown: Any, joined: str = ", ") -> InvalidInput:
    """Make the error for one argument with all its offending rows; a single number has no row."""
    places = np.flatnonzero(np.atleast_1d(wrong)).tolist()
    columns = [np.atleast_1d(column) for column in shown]
    fault = Problem(
        path=argument,
        message=message,
        rows=tuple(places) if np.ndim(wrong) else (),
        values=tuple(joined.join(f"{column[k]:g}" for column in columns) for k in places),
    )
    return InvalidInput(f"{argument}: 1 problem", [fault])
