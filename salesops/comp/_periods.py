"""Periods of a run and spans of validity: days in, positions out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import attrs
import numpy as np
from numpy.typing import NDArray

from salesops._frames import Reader
from salesops._money import IntArray
from salesops.errors import InvalidInput, Problem
from salesops.models import FiscalCalendar, Period, check_periods

EVERY_PERIOD = "all"
"""Name of the one period of a run that was given none."""

FIRST_DAY, LAST_DAY = -(2**21), 2**22
"""Days that stand for 'since ever' and 'for ever', counted from 1970."""


_EPOCH = dt.date(1970, 1, 1).toordinal()


@attrs.frozen(eq=False)
class Terms:
    """The periods of a run in order of time; `years` and `quarters` group them for totals to date.

    `per_year` says how many such periods a year has, and `place` which of them each one is, from 0.
    """

    names: tuple[str, ...]
    starts: IntArray
    ends: IntArray
    years: IntArray
    quarters: IntArray
    per_year: IntArray
    place: IntArray
    dated: bool

    def __len__(self) -> int:
        return len(self.names)

    def find(self, days: IntArray) -> IntArray:
        """Find the period of each day; -1 where there is none."""
        if not self.dated:
            return np.zeros(len(days), dtype=np.int64)
        low, high = (int(days.min()), int(days.max())) if len(days) else (0, 0)
        if 0 <= high - low < len(days) // 4:
            return self._place(np.arange(low, high + 1))[days - low]
        return self._place(days)

    def _place(self, days: IntArray) -> IntArray:
        place = np.searchsorted(self.starts, days, side="right") - 1
        inside = (place >= 0) & (days < self.ends[np.maximum(place, 0)])
        return np.where(inside, place, -1)


def read_periods(periods: Iterable[Period] | None, calendar: object, faults: list[Problem]) -> Terms:
    """Take the periods of a run; the calendar says which fiscal year each belongs to."""
    if periods is None:
        first, last, year = (np.array([day], dtype=np.int64) for day in (FIRST_DAY, LAST_DAY, 0))
        one = np.ones(1, dtype=np.int64)
        return Terms((EVERY_PERIOD,), first, last, year, year, one, year, dated=False)
    if calendar is not None and not isinstance(calendar, FiscalCalendar):
        found = (type(calendar).__name__,)
        faults.append(Problem(path="calendar", message="is not a FiscalCalendar", values=found))
        calendar = None
    try:
        known = check_periods(periods)
    except InvalidInput as error:
        faults.extend(error.problems)
        known = ()
    else:
        if not known:
            hint = "or pass None for one period that holds everything"
            faults.append(Problem(path="periods", message="a run has one period or more", hint=hint))
    starts = [_day(period.start) for period in known]
    ends = [_day(period.end) for period in known]
    years = [
        period.start.year if calendar is None else _day(calendar.period_of(period.start, by="year").start)
        for period in known
    ]
    quarters = [
        4 * period.start.year + (period.start.month - 1) // 3
        if calendar is None
        else _day(calendar.period_of(period.start, by="quarter").start)
        for period in known
    ]
    opens = [
        _day(dt.date(period.start.year, 1, 1) if calendar is None else dt.date.fromordinal(_EPOCH + year))
        for period, year in zip(known, years, strict=True)
    ]
    columns = (starts, ends, years, quarters, opens)
    first, last, year, quarter, opening = (np.array(column, dtype=np.int64) for column in columns)
    per_year = _per_year(last - first)
    place = np.minimum((2 * (first - opening) * per_year + 366) // 732, per_year - 1)
    names = tuple(period.name for period in known)
    return Terms(names, first, last, year, quarter, per_year, place, dated=True)


def _per_year(days: IntArray) -> IntArray:
    """Tell from its length how many such periods a year has: weeks, half months, months, quarters ..."""
    bounds = np.array([10, 20, 45, 135, 270])
    return np.asarray(np.array([52, 24, 12, 4, 2, 1])[np.searchsorted(bounds, days)], dtype=np.int64)


def overlap(method: str, start: IntArray, end: IntArray) -> IntArray:
    """Count the days, working days (Monday to Friday) or first days of months from `start` until `end`."""
    if method == "working_days":
        low, high = (np.clip(days, FIRST_DAY, LAST_DAY).astype("datetime64[D]") for days in (start, end))
        return np.asarray(np.busday_count(low, np.maximum(low, high)), dtype=np.int64)
    if method == "months":
        return np.asarray(np.maximum(_firsts_before(end) - _firsts_before(start), 0), dtype=np.int64)
    return np.asarray(np.maximum(end - start, 0), dtype=np.int64)


def _firsts_before(day: IntArray) -> IntArray:
    """Count the first days of months before a day, from 1970."""
    month = (np.asarray(day) - 1).astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray(month.astype(np.int64) + 1, dtype=np.int64)


def day_of(day: dt.date | None, missing: int) -> int:
    """Count a day from 1970; none is the given day."""
    return missing if day is None else _day(day)


def _day(day: dt.date) -> int:
    return day.toordinal() - _EPOCH


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
