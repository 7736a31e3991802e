"""Periods and fiscal calendars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _calendar
from salesops._calendar import Weekday
from salesops._codec import Model, about, read_argument
from salesops._faults import check_choice, raise_all, refuse
from salesops.errors import InvalidInput, Problem, show

By = Literal["month", "quarter", "year"]

_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_DAY = dt.timedelta(days=1)


@attrs.frozen(kw_only=True)
class Period(Model):
    """A span of days with a name, from `start` up to, and without, `end`.

    Examples
    --------
    >>> period = Period(name="2026-Q3", start="2026-07-01", end="2026-10-01")
    >>> period.days, period.contains("2026-09-30"), period.contains("2026-10-01")
    (92, True, False)
    """

    name: str = attrs.field(metadata=about("How statements call it"))
    start: dt.date = attrs.field(metadata=about("First day"))
    end: dt.date = attrs.field(metadata=about("First day after it"))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.start is not None and known.end is not None and known.end <= known.start:
            found = (known.start.isoformat(), known.end.isoformat())
            yield Problem(path="end", message="a period ends after it starts", values=found)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    def contains(self, date: dt.date | str) -> bool:
        """Tell whether a day belongs to the period.

        Parameters
        ----------
        date : date or str
            The day, or its ISO text.

        Returns
        -------
        bool

        Examples
        --------
        >>> Period(name="2026-Q3", start="2026-07-01", end="2026-10-01").contains("2026-10-01")
        False
        """
        day: dt.date = read_argument("date", dt.date, date)
        return self.start <= day < self.end


@attrs.frozen(kw_only=True)
class FiscalCalendar(Model):
    """Where fiscal years, quarters and months begin, and how they are called.

    A month calendar follows the months, from any first month. In the week calendars 4-4-5, 4-5-4 and 5-4-4 a
    month is four or five whole weeks and a year has 52 weeks or 53. Their years end on the weekday nearest to
    (or the last in) the month before `first_month`, or one year is stated by its first day and its weeks.

    Periods are called "2026", "2026-Q3" and "2026-07" where fiscal and calendar months agree, and "FY2023",
    "FY2023-Q1" and "FY2023-P01" otherwise.

    References
    ----------
    National Retail Federation, "4-5-4 Calendar": years end on the Saturday nearest to 31 January.

    Examples
    --------
    >>> retail = FiscalCalendar(scheme="4-5-4", first_month=2)
    >>> retail.periods(2023, by="year")
    (Period(name='FY2023', start=datetime.date(2023, 1, 29), end=datetime.date(2024, 2, 4)),)
    >>> FiscalCalendar().period_of("2026-07-31", by="quarter").name
    '2026-Q3'
    """

    schema_version: ClassVar[int] = 1

    scheme: Literal["month", "4-4-5", "4-5-4", "5-4-4"] = attrs.field(
        default="month", metadata=about("Months of the calendar, or weeks of the three months of a quarter")
    )
    first_month: int = attrs.field(
        default=1, metadata=about("Month of the calendar with which the year begins", minimum=1, maximum=12)
    )
    named_by: Literal["start", "end"] = attrs.field(
        default="start",
        metadata=about("Whether a year is called after the calendar year it starts or ends in"),
    )
    year_end_weekday: Weekday = attrs.field(
        default="Saturday", metadata=about("Week calendars: last day of every week and year")
    )
    year_end_rule: Literal["nearest", "last"] = attrs.field(
        default="nearest",
        metadata=about(
            "Week calendars: the weekday nearest to the month's end, or the last one in the month"
        ),
    )
    long_period: int = attrs.field(
        default=12, metadata=about("Month of the year that gets the 53rd week", minimum=1, maximum=12)
    )
    year_start: dt.date | None = attrs.field(
        default=None, metadata=about("Week calendars: first day of the one year that is stated")
    )
    weeks: int | None = attrs.field(
        default=None, metadata=about("Weeks of the stated year", minimum=52, maximum=53)
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.scheme == "month" and known.year_start is not None:
            message = "a month calendar states its first month, not a first day"
            yield Problem(path="year_start", message=message, values=(known.year_start.isoformat(),))
        if known.year_start is None and known.weeks is not None:
            hint = "give the first day of the year too, or leave both out"
            yield Problem(
                path="weeks", message="has no year to belong to", values=(show(known.weeks),), hint=hint
            )
        if known.year_start is not None:
            if known.weeks is None:
                yield Problem(path="weeks", message="is missing", hint="a stated year has 52 weeks or 53")
            if not _FIRST_YEAR < known.year_start.year < _LAST_YEAR:
                message = f"calendars reach from {_FIRST_YEAR} to {_LAST_YEAR}"
                yield Problem(path="year_start", message=message, values=(known.year_start.isoformat(),))

    def periods(self, fiscal_year: int, *, by: By = "month") -> tuple[Period, ...]:
        """Cut one fiscal year into periods.

        Parameters
        ----------
        fiscal_year : int
            Calendar year after which the fiscal year is called.
        by : {"month", "quarter", "year"}, default "month"

        Returns
        -------
        tuple of Period
            Without gap or overlap.

        Raises
        ------
        InvalidInput
            If the calendar does not reach that year.

        Examples
        --------
        >>> [period.name for period in FiscalCalendar(first_month=7).periods(2026, by="quarter")]
        ['FY2026-Q1', 'FY2026-Q2', 'FY2026-Q3', 'FY2026-Q4']
        """
        check_choice("by", by, tuple(_MONTHS_IN))
        year: int = read_argument("fiscal_year", int, fiscal_year)
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise refuse("fiscal_year", f"calendars reach from {_FIRST_YEAR} to {_LAST_YEAR}", year)
        if self.year_start is not None and year != self._stated_year(self.year_start):
            hint = "leave year_start out to have every year"
            raise refuse("fiscal_year", "the calendar states one other year only", year, hint=hint)
        spans = pairwise(self._month_starts(year)[:: _MONTHS_IN[by]])
        return tuple(
            Period(name=self._name(year, k, by), start=start, end=end) for k, (start, end) in enumerate(spans)
        )

    def period_of(self, date: dt.date | str, *, by: By = "month") -> Period:
        """Find the period to which a day belongs.

        Parameters
        ----------
        date : date or str
            The day, or its ISO text.
        by : {"month", "quarter", "year"}, default "month"

        Returns
        -------
        Period

        Examples
        --------
        >>> FiscalCalendar(scheme="4-4-5").period_of("2026-02-10")
        Period(name='FY2026-P02', start=datetime.date(2026, 2, 1), end=datetime.date(2026, 3, 1))
        """
        day: dt.date = read_argument("date", dt.date, date)
        return next(period for period in self.periods(self._year_of(day), by=by) if period.contains(day))

    def periods_between(
        self, start: dt.date | str, end: dt.date | str, *, by: By = "month"
    ) -> tuple[Period, ...]:
        """List every period that has a day in [start, end).

        Parameters
        ----------
        start, end : date or str
            First day, and first day after the span.
        by : {"month", "quarter", "year"}, default "month"

        Returns
        -------
        tuple of Period
            Whole periods in order: the first may begin before `start`, the last may end after `end`.

        Examples
        --------
        >>> [period.name for period in FiscalCalendar().periods_between("2026-08-15", "2026-10-02")]
        ['2026-08', '2026-09', '2026-10']
        """
        first: dt.date = read_argument("start", dt.date, start)
        after: dt.date = read_argument("end", dt.date, end)
        if after <= first:
            raise refuse("end", "a span ends after it starts", after.isoformat())
        years = range(self._year_of(first), self._year_of(after - _DAY) + 1)
        found = (period for year in years for period in self.periods(year, by=by))
        return tuple(period for period in found if period.start < after and period.end > first)

    def labels(self, dates: Any, *, by: By = "month") -> NDArray[np.str_]:
        """Name the period of every day in a column.

        Parameters
        ----------
        dates : array or Series of datetime64, or sequence of date
            Days, none missing.
        by : {"month", "quarter", "year"}, default "month"

        Returns
        -------
        ndarray of str, shape (n_rows,)

        Raises
        ------
        InvalidInput
            With every row whose day is missing or beyond the calendar.

        Examples
        --------
        >>> FiscalCalendar().labels(np.array(["2026-07-31", "2026-08-01"], dtype="datetime64[D]"))
        array(['2026-07', '2026-08'], dtype='<U7')
        """
        check_choice("by", by, tuple(_MONTHS_IN))
        days = _calendar.business_dates(dates, path="dates")
        self._check_reach(dates, days)
        if not len(days):
            return np.array([], dtype=str)
        periods = self.periods_between(days.min().item(), days.max().item() + _DAY, by=by)
        starts = np.array([period.start for period in periods], dtype="datetime64[D]")
        names = np.array([period.name for period in periods])
        return names[np.searchsorted(starts, days, side="right") - 1]

    def _check_reach(self, dates: Any, days: _calendar.Days) -> None:
        rows = list(dates.index) if isinstance(dates, pd.Series) else list(range(len(days)))
        first, after = self._reach()
        missing = np.flatnonzero(np.isnat(days))
        beyond = np.flatnonzero((days < np.datetime64(first)) | (days >= np.datetime64(after)))
        problems = []
        if len(missing):
            message = "a missing day belongs to no period"
            problems.append(Problem(path="dates", message=message, rows=[rows[k] for k in missing]))
        if len(beyond):
            found = [str(days[k]) for k in beyond]
            problems.append(self._beyond("dates", found, rows=[rows[k] for k in beyond]))
        raise_all("dates", problems)

    def _reach(self) -> tuple[dt.date, dt.date]:
        """Return the first day of the calendar and the first day after it."""
        if self.year_start is None:
            return self._month_starts(_FIRST_YEAR)[0], self._month_starts(_LAST_YEAR)[-1]
        return self.year_start, self.year_start + 7 * (self.weeks or 52) * _DAY

    def _beyond(self, path: str, found: Sequence[str], rows: Sequence[Hashable] = ()) -> Problem:
        first, after = self._reach()
        message = f"the calendar reaches from {first} to {after - _DAY}"
        hint = None if self.year_start is None else "leave year_start out to have every year"
        return Problem(path=path, message=message, rows=tuple(rows), values=tuple(found), hint=hint)

    def _year_of(self, day: dt.date) -> int:
        """Find the fiscal year of a day."""
        first, after = self._reach()
        if not first <= day < after:
            raise InvalidInput("date: 1 problem", [self._beyond("date", [day.isoformat()])])
        if self.year_start is not None:
            return self._stated_year(self.year_start)
        year = day.year + 1
        while self._month_starts(year)[0] > day:
            year -= 1
        return year

    def _stated_year(self, year_start: dt.date) -> int:
        """Call the one stated year after the month in which most of its first or last weeks lie."""
        after = self._reach()[1]
        return (year_start + 15 * _DAY if self.named_by == "start" else after - 15 * _DAY).year

    def _month_starts(self, year: int) -> list[dt.date]:
        """List the first days of the twelve months of a fiscal year, and the first day after it."""
        if self.scheme == "month":
            return [_calendar.add_months(self._nominal_start(year), k) for k in range(13)]
        start = self.year_start or self._anchored_start(year)
        after = self._reach()[1] if self.year_start else self._anchored_start(year + 1)
        weeks = 4 * [int(digit) for digit in self.scheme.split("-")]
        weeks[self.long_period - 1] += (after - start).days // 7 - 52
        return [start + 7 * n * _DAY for n in accumulate(weeks, initial=0)]

    def _nominal_start(self, year: int) -> dt.date:
        """Return the first of the month with which the year begins, or would if it did not count weeks."""
        early = self.named_by == "end" and self.first_month > 1
        return dt.date(year - 1 if early else year, self.first_month, 1)

    def _anchored_start(self, year: int) -> dt.date:
        month_end = self._nominal_start(year) - _DAY
        return _calendar.week_year_end(month_end, self.year_end_weekday, self.year_end_rule) + _DAY

    def _name(self, year: int, k: int, by: By) -> str:
        plain = self.scheme == "month" and self.first_month == 1
        prefix = f"{year}" if plain else f"FY{year}"
        if by == "year":
            return prefix
        return f"{prefix}-Q{k + 1}" if by == "quarter" else f"{prefix}-{'' if plain else 'P'}{k + 1:02d}"


def check_periods(
    periods: Iterable[Period | Mapping[str, Any] | Sequence[dt.date | str]],
) -> tuple[Period, ...]:
    """Check that periods given by hand leave no day out and claim none twice.

    Parameters
    ----------
    periods : iterable of Period, mapping or (start, end)
        In any order; a pair is called by its two days.

    Returns
    -------
    tuple of Period
        By first day.

    Raises
    ------
    InvalidInput
        With every day that is in no period or in two, and every name used twice.

    Examples
    --------
    >>> year = check_periods([("2024-04-01", "2025-01-01"), ("2024-01-01", "2024-04-01")])
    >>> [period.name for period in year]
    ['2024-01-01/2024-04-01', '2024-04-01/2025-01-01']
    """
    if isinstance(periods, (str, bytes, Mapping)) or not isinstance(periods, Iterable):
        raise refuse("periods", "is a list of periods", periods)
    read = read_argument("periods", tuple[Period, ...], [_named(period) for period in periods])
    order = sorted(range(len(read)), key=lambda k: (read[k].start, read[k].end, k))
    problems = []
    names: dict[str, int] = {}
    reach: dt.date | None = None
    for k in order:
        period = read[k]
        if reach is not None and period.start != reach:
            message = "days belong to no period" if period.start > reach else "days belong to two periods"
            span = _span(min(period.start, reach), max(period.start, min(reach, period.end)))
            problems.append(Problem(path=f"periods[{k}]", message=message, values=[span]))
        reach = period.end if reach is None else max(reach, period.end)
        if names.setdefault(period.name, k) != k:
            message = "two periods have one name"
            problems.append(Problem(path=f"periods[{k}].name", message=message, values=[show(period.name)]))
    raise_all("periods", problems)
    return tuple(read[k] for k in order)


def _named(period: Any) -> Any:
    """Give a pair of days a name; leave anything else as it is."""
    if isinstance(period, (list, tuple)) and len(period) == 2:
        start, end = period
        return {"name": f"{start}/{end}", "start": start, "end": end}
    return period


def _span(start: dt.date, after: dt.date) -> str:
    last = after - _DAY
    return f"{start}" if last == start else f"{start} to {last}"
