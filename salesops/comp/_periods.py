"""Periods of a run and spans of validity: days in, positions out."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

from salesops._frames import Reader
from salesops._money import IntArray
from salesops.errors import Problem, show

EVERY_PERIOD = "all"
"""Name of the one period of a run that was given none."""

FIRST_DAY, LAST_DAY = -(2**21), 2**22
"""Days that stand for 'since ever' and 'for ever', counted from 1970."""


class PeriodLike(Protocol):
    """Anything with a name and a half-open range of days."""

    @property
    def name(self) -> str:
        """What the period is called."""

    @property
    def start(self) -> dt.date:
        """First day."""

    @property
    def end(self) -> dt.date:
        """Day after the last one."""


@attrs.frozen(eq=False)
class Terms:
    """The periods of a run in order of time; `years` groups them for totals of a year."""

    names: tuple[str, ...]
    starts: IntArray
    ends: IntArray
    years: IntArray
    dated: bool

    def __len__(self) -> int:
        return len(self.names)

    def find(self, days: IntArray) -> IntArray:
        """Find the period of each day; -1 where there is none."""
        if not self.dated:
            return np.zeros(len(days), dtype=np.int64)
        place = np.searchsorted(self.starts, days, side="right") - 1
        inside = (place >= 0) & (days < self.ends[np.maximum(place, 0)])
        return np.where(inside, place, -1)


def read_periods(periods: Iterable[PeriodLike] | None, faults: list[Problem]) -> Terms:
    """Take the periods of a run; holes, overlaps and repeated names are faults."""
    if periods is None:
        return _terms((EVERY_PERIOD,), [FIRST_DAY], [LAST_DAY], [0], dated=False)
    given = list(periods) if isinstance(periods, Iterable) else [periods]
    wrong = [k for k, item in enumerate(given) if not _is_period(item)]
    for k in wrong:
        found = (show(given[k]),)
        message = "a period has a name, a start and an end"
        faults.append(Problem(path=f"periods[{k}]", message=message, values=found, hint="pass models.Period"))
    if not given:
        faults.append(Problem(path="periods", message="a run has one period or more", hint="or pass None"))
    if wrong or not given:
        return _terms((), [], [], [], dated=True)
    known = sorted(given, key=lambda period: (period.start, period.end, period.name))
    for before, after in itertools.pairwise(known):
        if after.start != before.end:
            message = "periods overlap" if after.start < before.end else "periods leave a hole"
            values = (f"{before.name!r} ends {before.end}, {after.name!r} starts {after.start}",)
            faults.append(Problem(path="periods", message=message, values=values))
    names = tuple(period.name for period in known)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = "each period has a name of its own"
        faults.append(Problem(path="periods", message=message, values=tuple(map(repr, repeated))))
    starts = [_day(period.start) for period in known]
    years = [_year(period) for period in known]
    return _terms(names, starts, [_day(period.end) for period in known], years, dated=True)


def _terms(
    names: tuple[str, ...], starts: list[int], ends: list[int], years: list[int], *, dated: bool
) -> Terms:
    first, last, year = (np.array(column, dtype=np.int64) for column in (starts, ends, years))
    return Terms(names, first, last, year, dated)


def _is_period(item: Any) -> bool:
    name, start, end = (getattr(item, part, None) for part in ("name", "start", "end"))
    return isinstance(name, str) and type(start) is dt.date and type(end) is dt.date and start < end


def _day(day: dt.date) -> int:
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()


def _year(period: Any) -> int:
    """Take the fiscal year where the period states one, else the calendar year it starts in."""
    year = getattr(period, "fiscal_year", None)
    return year if isinstance(year, int) else int(period.start.year)


def day_numbers(days: NDArray[np.datetime64], *, missing: int) -> IntArray:
    """Count days from 1970; what is missing becomes the given day."""
    empty = np.isnat(days)
    return np.where(empty, missing, days.astype("datetime64[D]").astype(np.int64))


def day_text(day: int) -> str:
    """Write a day counted from 1970."""
    if day <= FIRST_DAY or day >= LAST_DAY:
        return "no end" if day > 0 else "no start"
    return str(np.datetime64(day, "D"))


def span_text(start: IntArray, end: IntArray, k: int) -> str:
    """Write the days of a row."""
    return f"from {day_text(int(start[k]))} to {day_text(int(end[k]))}"


def read_spans(table: Reader) -> tuple[IntArray, IntArray]:
    """Take the optional columns start and end of a table, half-open; an end before its start is a fault."""
    start = day_numbers(table.dates("start", optional=True), missing=FIRST_DAY)
    end = day_numbers(table.dates("end", optional=True), missing=LAST_DAY)
    table.fault(
        "end",
        end <= start,
        "ends on or before its start",
        value=lambda k: span_text(start, end, k),
        hint="start is the first day, end the day after the last",
    )
    return start, end


def overlapping(key: IntArray, start: IntArray, end: IntArray) -> list[tuple[int, int]]:
    """Find pairs of rows with the same key whose days overlap; a key of -1 belongs to no one."""
    order = np.lexsort((np.arange(len(key)), start, key))
    before, after = order[:-1], order[1:]
    same = (key[before] == key[after]) & (key[before] >= 0)
    hits = same & (start[after] < end[before])
    return [(int(a), int(b)) for a, b in zip(before[hits], after[hits], strict=True)]


@attrs.frozen(eq=False)
class Spans:
    """Rows valid for one key each, over days that do not overlap; found by key and day."""

    rows: IntArray
    keys: IntArray
    ends: IntArray
    marks: IntArray

    @classmethod
    def of(cls, key: IntArray, start: IntArray, end: IntArray) -> Spans:
        """Index the rows; those with key -1 are left out."""
        order = np.lexsort((start, key))
        order = order[key[order] >= 0]
        return cls(order, key[order], end[order], _mark(key[order], start[order]))

    def find(self, key: IntArray, day: IntArray) -> IntArray:
        """Find the row of each key on each day; -1 where there is none."""
        place = np.searchsorted(self.marks, _mark(key, day), side="right") - 1
        held = np.maximum(place, 0)
        if not len(self.rows):
            return np.full(len(key), -1, dtype=np.int64)
        inside = (place >= 0) & (key >= 0) & (self.keys[held] == key) & (day < self.ends[held])
        return np.where(inside, self.rows[held], -1)


def _mark(key: IntArray, day: IntArray) -> IntArray:
    return key * 2**23 + (day - FIRST_DAY)
