"""Ids in JSON documents: tuples and dates are written so that they come back, the rest stays as it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable
from typing import Any

from salesops.errors import InvalidInput, Problem, show


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
