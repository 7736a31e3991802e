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


def read_periods(
    periods: Iterable[Period] | None, calendar: FiscalCalendar | None, faults: list[Problem]
) -> Terms:
    """Take the periods of a run; the calendar says which fiscal year each belongs to."""
    if periods is None:
        first, last, year = (np.array([day], dtype=np.int64) for day in (FIRST_DAY, LAST_DAY, 0))
        return Terms((EVERY_PERIOD,), first, last, year, dated=False)
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
    first, last, year = (np.array(column, dtype=np.int64) for column in (starts, ends, years))
    return Terms(tuple(period.name for period in known), first, last, year, dated=True)


def _day(day: dt.date) -> int:
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()


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
