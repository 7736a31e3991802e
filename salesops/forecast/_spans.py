"""The business periods in which a funnel is counted: of a fiscal calendar, or given by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, cast, get_args

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import check_choice, refuse
from salesops.models import FiscalCalendar, Period, check_periods

By = Literal["month", "quarter", "year"]
Dates = npt.NDArray[np.datetime64]


@attrs.frozen(kw_only=True, eq=False)
class Spans:
    """Consecutive periods: names, first days, and first days after them."""

    labels: tuple[str, ...]
    starts: Dates
    ends: Dates

    def of(self, days: Dates) -> npt.NDArray[np.int64]:
        """Find the period of each day; a missing day is in none: -1."""
        found = np.searchsorted(self.starts, days, side="right") - 1
        return np.where(np.isnat(days), -1, found).astype(np.int64)


@attrs.frozen(kw_only=True)
class Calendar:
    """Where periods come from: a calendar and a length, or periods given by hand."""

    calendar: FiscalCalendar | None
    by: By
    given: tuple[Period, ...] = ()

    def spans(self, first: dt.date, as_of: dt.date) -> Spans:
        """List the periods from a first day to the last that is visible."""
        if as_of == dt.date.max:
            raise refuse("as_of", "is beyond the calendar", as_of.isoformat())
        after = as_of + dt.timedelta(days=1)
        if self.calendar is not None:
            found = self.calendar.periods_between(first, after, by=self.by)
        else:
            if self.given[0].start > first or self.given[-1].end < after:
                told = f"{self.given[0].start} to {self.given[-1].end}, deals from {first} to {as_of}"
                raise refuse("calendar", "the periods leave out days with deals", told)
            found = tuple(p for p in self.given if p.start < after and p.end > first)
        return Spans(
            labels=tuple(period.name for period in found),
            starts=np.array([period.start for period in found], dtype="datetime64[D]"),
            ends=np.array([period.end for period in found], dtype="datetime64[D]"),
        )


def read_calendar(calendar: object, period: object) -> Calendar | None:
    """Check a calendar (or a list of periods) and the length of its periods; None when none are counted."""
    if period is not None:
        check_choice("period", period, get_args(By))
    if calendar is None and period is None:
        return None
    length = cast("By", period or "month")
    if calendar is None or isinstance(calendar, FiscalCalendar):
        return Calendar(calendar=calendar or FiscalCalendar(), by=length)
    if not isinstance(calendar, Sequence) or isinstance(calendar, (str, bytes)) or not calendar:
        hint = "pass a salesops.models.FiscalCalendar, a list of periods, or only period= for calendar years"
        raise refuse("calendar", "is no fiscal calendar", calendar, hint=hint)
    if period is not None:
        raise refuse("period", "is settled by the periods that are given", period)
    return Calendar(calendar=None, by=length, given=check_periods(calendar))


def check_fiscal(calendar: object) -> None:
    """Refuse what is neither a fiscal calendar nor left out."""
    if calendar is not None and not isinstance(calendar, FiscalCalendar):
        hint = "pass a salesops.models.FiscalCalendar, or nothing for calendar years"
        raise refuse("calendar", "is no fiscal calendar", calendar, hint=hint)
