"""Which segment each deal belongs to: what its first event states, because later values would look ahead."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from salesops._faults import closest, refuse
from salesops._frames import Ids, Labels, Reader
from salesops.errors import Problem, show
from salesops.forecast._paths import Paths
from salesops.forecast.history import History

Ints = npt.NDArray[np.int64]


def read_segments(
    history: History,
    paths: Paths,
    by: str | None,
    asked: Iterable[Hashable] | None,
    faults: list[Problem],
) -> tuple[tuple[Hashable, ...], Ints]:
    """Find the segment of each deal from its first event; the labels asked for, or those found, sorted."""
    if by is None:
        if asked is not None:
            raise refuse("segments", "need the column that states them", asked, hint="pass by=")
        return (), np.zeros(paths.n_deals, dtype=np.int64)
    if not isinstance(by, str):
        raise refuse("by", "is the name of one column", by)
    before = len(faults)
    reader = Reader(
        history.events.facts.iloc[paths.event[paths.first]], "history", key=("deal_id",), faults=faults
    )
    column = reader.ids(by, optional=True) if reader.has(by) else reader.ids(by)
    if reader.has(by):
        reader.fault(
            by,
            column.codes < 0,
            "the first event of a deal states its segment",
            hint="fill the column on the first event; a value filled in later would look ahead",
        )
    if len(faults) > before:
        return (), column.codes
    found = Labels.of(column)
    if asked is None:
        return tuple(found[k] for k in range(len(found))), found.codes(column)
    labels = _asked(asked)
    index = Labels.of(_column(labels))
    code = index.codes(column)
    odd = dict.fromkeys(column.label(int(k)) for k in np.flatnonzero(code < 0)[:50])
    reader.fault(
        by,
        code < 0,
        "is not one of the segments asked for",
        hint=f"segments are {show(labels)}",
        suggestions=tuple(dict.fromkeys(near for label in odd for near in closest(label, labels))),
    )
    order = np.array([index.position(label) for label in labels], dtype=np.int64)
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    return labels, position[code] if len(faults) == before else code


def _asked(segments: Iterable[Hashable]) -> tuple[Hashable, ...]:
    """Check the segments to report: a list of labels, each once."""
    try:
        labels = () if isinstance(segments, str) else tuple(segments)
        distinct = {(type(label), label) for label in labels}
    except TypeError:
        labels, distinct = (), set()
    if not labels:
        raise refuse("segments", "is a list of segments", segments)
    if len(distinct) < len(labels):
        raise refuse("segments", "names a segment twice", labels)
    return labels


def _column(labels: Sequence[Hashable]) -> Ids:
    cells = np.empty(len(labels), dtype=object)
    for k, label in enumerate(labels):
        cells[k] = label
    return Ids(np.arange(len(labels), dtype=np.int64), cells)


def changed(history: History, paths: Paths, by: str | None) -> npt.NDArray[np.bool_]:
    """Mark the deals for which a later event states another segment than the first."""
    found = np.zeros(paths.n_deals, dtype=bool)
    if by is None or by not in history.events.facts.columns:
        return found
    stated = Reader(history.events.facts.iloc[paths.event], "history", faults=[]).ids(by, optional=True)
    first = stated.codes[paths.first][paths.deal]
    found[paths.deal[(stated.codes >= 0) & (stated.codes != first)]] = True
    return found


def alike(labels: Sequence[Hashable]) -> list[tuple[str, ...]]:
    """Group the segments that differ only by capitals and blanks."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        if isinstance(label, str):
            groups.setdefault(" ".join(label.casefold().split()), []).append(label)
    return [tuple(group) for group in groups.values() if len(group) > 1]
