"""An event log as arrays: cases one after the other, events of each in the order in which they happened."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._frames import Labels, Reader

Ints = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]


@attrs.frozen(kw_only=True, eq=False)
class Log:
    """Events sorted by case and time; case k has the events from ``bounds[k]`` up to ``bounds[k + 1]``.

    `ties` counts the events at the same time as the one before them in their case.
    """

    cases: tuple[Hashable, ...]
    names: tuple[str, ...]
    case: Ints
    activity: Ints
    times: Times
    bounds: Ints
    ties: int

    def traces(self) -> list[tuple[int, ...]]:
        """List the activities of each case."""
        codes = self.activity.tolist()
        ends = self.bounds.tolist()
        return [tuple(codes[a:b]) for a, b in itertools.pairwise(ends)]


def read_log(events: object, *, zone: str | None, columns: Mapping[str, str] | None) -> Log:
    """Read and sort an event log; events of a case at one time keep the order of their rows."""
    reader = Reader(events, "events", key=("case_id",), columns=columns)
    owner = reader.ids("case_id")
    activity = reader.texts("activity")
    blank = np.array([isinstance(name, str) and not name.strip() for name in activity.tolist()], dtype=bool)
    reader.fault("activity", blank, "the activity has no name")
    at = reader.times("at", zone=zone)
    reader.finish()
    labels = Labels.of(owner)
    case = labels.codes(owner)
    names, code = np.unique(activity.astype(str), return_inverse=True)
    order = np.lexsort([np.arange(len(case)), at, case])
    case, code, at = case[order].astype(np.int64), code[order].astype(np.int64), at[order]
    bounds = np.searchsorted(case, np.arange(len(labels) + 1)).astype(np.int64)
    same = (case[1:] == case[:-1]) & (at[1:] == at[:-1])
    return Log(
        cases=tuple(labels[k] for k in range(len(labels))),
        names=tuple(str(name) for name in names.tolist()),
        case=case,
        activity=code,
        times=at,
        bounds=bounds,
        ties=int(same.sum()),
    )


def seconds(spans: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Turn spans of time into seconds."""
    return spans / np.timedelta64(1, "s")
