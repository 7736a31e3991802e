"""Results and ids as JSON: whole frames to be read by people, and ids so that they come back as they were."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from salesops.errors import InvalidInput, Problem, show


def jsonable(value: Any) -> Any:
    """Turn a result into JSON types, a frame into rows; what is missing or not finite is None."""
    if isinstance(value, np.ndarray):
        return [jsonable(item) for item in value.tolist()]
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
            {str(name): jsonable(cell) for name, cell in zip(value.columns, row, strict=True)}
            for row in value.itertuples(index=False, name=None)
        ]
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, dict):
        return {str(name): jsonable(item) for name, item in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def to_plain(labels: Iterable[Hashable], path: str) -> list[Any]:
    """Write ids as JSON values; ids of a kind that could not be read back are a fault."""
    labels = list(labels)
    unfit = [label for label in labels if not _fits(label)]
    if unfit:
        fault = Problem(
            path=path,
            message="an id cannot be written as JSON and read back",
            values=tuple(show(label) for label in unfit),
            hint="use text, whole numbers, dates or tuples of these",
        )
        raise InvalidInput(f"{path}: 1 problem", [fault])
    return [_written(label) for label in labels]


def from_plain(values: Iterable[Any]) -> list[Hashable]:
    """Read ids that :func:`to_plain` wrote; anything else passes as it is, for the reader of ids to judge."""
    return [_read(value) for value in values]


def _fits(label: Hashable) -> bool:
    if isinstance(label, tuple):
        return all(_fits(part) for part in label)
    return label is None or isinstance(label, (str, bool, int, float, dt.date))


def _written(label: Hashable) -> Any:
    if isinstance(label, tuple):
        return {"tuple": [_written(part) for part in label]}
    if isinstance(label, dt.datetime):
        return {"datetime": label.isoformat()}
    if isinstance(label, dt.date):
        return {"date": label.isoformat()}
    return label


def _read(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind == "tuple" and isinstance(inner, list):
            return tuple(_read(part) for part in inner)
        try:
            if kind == "datetime":
                return dt.datetime.fromisoformat(inner)
            if kind == "date":
                return dt.date.fromisoformat(inner)
        except (TypeError, ValueError):
            return value
    return value
