"""A series of figures, one for each period, read once: its values in order, and what to call each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import raise_all
from salesops._frames import Reader
from salesops.errors import Problem, show

Floats = npt.NDArray[np.float64]
Label = str | int | float | dt.date

_LARGEST = 1e100


def read_series(
    data: object, *, columns: Mapping[str, str] | None, minimum: int, name: str = "series"
) -> tuple[tuple[Label, ...], Floats]:
    """Read labels and values; rows with a column ``on`` are put in the order of their days.

    A plain list of numbers is numbered from 0, a pandas Series keeps its index.
    """
    table: Any = data
    if isinstance(data, pd.Series):
        table = pd.DataFrame({"value": data.to_numpy(dtype=object)})
        if not isinstance(data.index, pd.RangeIndex):
            if isinstance(data.index, pd.PeriodIndex):
                table["on"] = data.index.to_timestamp()
            elif isinstance(data.index, pd.DatetimeIndex):
                table["on"] = data.index
            else:
                table["label"] = data.index.astype(str).to_numpy(dtype=object)
        table = table.infer_objects()
    elif isinstance(data, np.ndarray) or (
        isinstance(data, (list, tuple)) and not any(isinstance(cell, Mapping) for cell in data[:1])
    ):
        table = {"value": data}
    reader = Reader(table, name, key=("on",), columns=columns)
    values = reader.numbers(
        "value", hint="leave out periods without a figure, and ones that have not matured"
    )
    reader.fault("value", np.abs(values) > _LARGEST, "is too large to be squared", hint="take a larger unit")
    labels: list[Any] = list(range(len(values)))
    if reader.has("on"):
        on = reader.dates("on")
        first = np.unique(on, return_index=True)[1]
        repeated = np.ones(len(on), dtype=bool)
        repeated[first] = False
        reader.fault(
            "on", repeated & ~np.isnat(on), "a period has one figure", hint="sum or average it first"
        )
        order = np.argsort(on, kind="stable")
        values, labels = values[order], on[order].tolist()
    elif reader.has("label"):
        labels = [str(label) for label in reader.frame["label"].tolist()]
    reader.finish()
    if len(values) < minimum:
        fault = Problem(
            path=name,
            message=f"needs at least {minimum} values",
            values=(show(len(values)),),
            hint="take shorter periods, or wait",
        )
        raise_all(name, [fault])
    return tuple(labels), values


def label_text(label: Label) -> str:
    """Write the name of a period."""
    return label.isoformat() if isinstance(label, dt.date) else f"{label}"
