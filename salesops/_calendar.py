"""Business time: the date of a timestamp where the business is, day counts, and where fiscal years begin."""

from __future__ import annotations

import calendar
import datetime as dt
import zoneinfo
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, get_args

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._faults import check_choice, closest, raise_all, refuse
from salesops.errors import InvalidInput, Problem, show

Days = NDArray[np.datetime64]
Times = NDArray[np.datetime64]
DayCount = Literal["calendar", "working"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

_WEEKDAYS = get_args(Weekday)
_NO_DAY = np.datetime64("NaT", "D")
_CLOCKS_FROM, _CLOCKS_UNTIL = np.datetime64("1900-01-01"), np.datetime64("9999-01-01")
_ZONE_HINT = "an IANA name, such as 'Europe/Berlin'"


def business_dates(
    times: Any,
    *,
    zone: str | None = None,
    path: str = "at",
    rows: Sequence[Hashable] | None = None,
    ids: Sequence[str] | None = None,
) -> Days:
    """Give each timestamp its date where the business is.

    Parameters
    ----------
    times : Series, array or sequence
        Dates, datetimes or ISO text. Missing ones stay missing. Times with an offset and times without one
        never stand in one column.
    zone : str, optional
        IANA name of the business's time zone. Times with an offset need it; times without one are local times
        there, and one that the change of clocks makes ambiguous or impossible is refused. Midnights only are
        taken for dates.
    path : str, default "at"
        Name of the column in errors.
    rows, ids : sequence, optional
        Label and shown id of each row, for errors. Rows default to the index of a Series, or to positions.

    Returns
    -------
    ndarray of datetime64[D], shape (n_rows,)

    Raises
    ------
    InvalidInput
        With every row that is no time, or whose date cannot be told.

    Examples
    --------
    >>> business_dates(["2024-04-01T02:30:00Z"], zone="America/Los_Angeles")
    array(['2024-03-31'], dtype='datetime64[D]')
    """
    if isinstance(times, (str, bytes)) or not hasattr(times, "__len__") or getattr(times, "ndim", 1) != 1:
        raise refuse(path, "is a column of dates or times", times)
    if rows is None:
        rows = list(times.index) if isinstance(times, pd.Series) else range(len(times))
    column = _Column(path=path, rows=rows, ids=ids, zone=None if zone is None else _zone(zone))
    kind = getattr(times, "dtype", None)
    if isinstance(kind, pd.DatetimeTZDtype):
        return _of_instants(pd.DatetimeIndex(times), column)
    if isinstance(kind, np.dtype) and kind.kind == "M":
        return _of_local_times(np.asarray(times), column)
    return _of_values(list(times), column)


@attrs.frozen(kw_only=True)
class _Column:
    """A column of times: where the business is, and how its rows are named in faults."""

    path: str
    rows: Sequence[Hashable]
    ids: Sequence[str] | None
    zone: zoneinfo.ZoneInfo | None

    def fault(self, found: dict[int, Any], message: str, hint: str) -> Problem:
        """Name the rows in which the values were found."""
        return Problem(
            path=self.path,
            message=message,
            rows=[self.rows[k] for k in found],
            ids=[] if self.ids is None else [self.ids[k] for k in found],
            values=[v.isoformat() if isinstance(v, dt.date) else show(v) for v in found.values()],
            hint=hint,
        )

    def homeless(self, found: dict[int, Any]) -> Problem:
        """Name instants whose date depends on a zone that was not given."""
        message = "a time with an offset has no date until the business's time zone is known"
        return self.fault(found, message, f"pass zone, {_ZONE_HINT}")


def _zone(name: object) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name if isinstance(name, str) else "")
    except (KeyError, ValueError, OSError):
        fault = Problem(
            path="zone",
            message="unknown time zone",
            values=(show(name),),
            hint=_ZONE_HINT,
            suggestions=closest(name, zoneinfo.available_timezones()),
        )
        raise InvalidInput("zone: 1 problem", [fault]) from None


def _of_instants(times: pd.DatetimeIndex, column: _Column) -> Days:
    if column.zone is not None:
        return times.tz_convert(column.zone).tz_localize(None).to_numpy().astype("datetime64[D]")
    found = {int(k): times[int(k)] for k in np.flatnonzero(times.notna())}
    raise_all(column.path, [column.homeless(found)] if found else [])
    return np.full(len(times), _NO_DAY)


def _of_local_times(times: Times, column: _Column, places: Sequence[int] | None = None) -> Days:
    """Take the date of local times, once the clocks of the business allow each of them."""
    days: Days = times.astype("datetime64[D]")
    if column.zone is None or not np.any(times > days):
        return days
    where = np.flatnonzero((days >= _CLOCKS_FROM) & (days < _CLOCKS_UNTIL))
    local = pd.DatetimeIndex(times[where])
    problems = []
    for ambiguous, nonexistent, message in (
        ("NaT", "shift_forward", "the clocks show this local time twice: it is ambiguous"),
        (
            np.ones(len(local), dtype=bool),
            "NaT",
            "the clocks jump over this local time: there is no such time",
        ),
    ):
        settled = local.tz_localize(column.zone, ambiguous=ambiguous, nonexistent=nonexistent)  # type: ignore[arg-type]
        bad = np.flatnonzero(settled.isna())
        if len(bad):
            rows = where[bad].tolist()
            found = {k if places is None else places[k]: pd.Timestamp(times[k]) for k in rows}
            problems.append(column.fault(found, message, "give UTC or an offset"))
    raise_all(column.path, problems)
    return days


def _of_values(times: list[Any], column: _Column) -> Days:
    """Read values one by one: dates, local times, instants, missing ones."""
    days = np.full(len(times), _NO_DAY)
    local: dict[int, dt.datetime] = {}
    aware: dict[int, dt.datetime] = {}
    bad: dict[int, Any] = {}
    for k, value in enumerate(times):
        moment = _moment(value)
        if isinstance(moment, dt.datetime):
            (local if moment.tzinfo is None else aware)[k] = moment
        elif isinstance(moment, dt.date):
            days[k] = np.datetime64(moment, "D")
        elif moment is None:
            bad[k] = value
    problems = [column.fault(bad, "is no date or time", "ISO text, such as '2026-07-31'")] if bad else []
    if local and aware:
        found = {k: times[k] for k in sorted([*local, *aware])}
        message = "times with an offset and times without one stand in one column"
        problems.append(column.fault(found, message, "give dates, or one time zone for the whole column"))
    elif aware and column.zone is None:
        problems.append(column.homeless(aware))
    raise_all(column.path, problems)
    for k, moment in aware.items():
        days[k] = np.datetime64(moment.astimezone(column.zone).date(), "D")
    if local:
        naive = np.array(list(local.values()), dtype="datetime64[us]")
        days[list(local)] = _of_local_times(naive, column, list(local))
    return days


def _moment(value: Any) -> dt.date | Literal["missing"] | None:
    """Read one value as a date or a time; None if it is neither."""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, str):
        try:
            value = dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return "missing"
    if isinstance(value, dt.datetime) and value.tzinfo is not None and not 1 < value.year < dt.MAXYEAR:
        return None
    return value if isinstance(value, dt.date) else None


def count_days(
    start: dt.date, end: dt.date, *, by: DayCount = "calendar", holidays: Iterable[dt.date] = ()
) -> int:
    """Count the days from `start` up to, and without, `end`.

    Parameters
    ----------
    start, end : date
        A half-open span; a span that ends before it starts counts backwards.
    by : {"calendar", "working"}, default "calendar"
        Every day, or Monday to Friday without holidays.
    holidays : iterable of date, optional
        Days that are not worked.

    Returns
    -------
    int

    Examples
    --------
    >>> from datetime import date
    >>> count_days(date(2024, 2, 29), date(2024, 4, 1))
    32
    >>> count_days(date(2024, 2, 29), date(2024, 4, 1), by="working")
    22
    """
    check_choice("by", by, ("calendar", "working"))
    if by == "calendar":
        return (end - start).days
    return int(np.busday_count(start, end, holidays=sorted(holidays)))


def add_months(day: dt.date, n: int) -> dt.date:
    """Move a date by whole months; a day that the month lacks becomes its last.

    Parameters
    ----------
    day : date
    n : int
        Months forward, or back if negative.

    Returns
    -------
    date

    Examples
    --------
    >>> from datetime import date
    >>> add_months(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(12 * day.year + day.month - 1 + n, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def week_year_end(month_end: dt.date, weekday: Weekday, rule: Literal["nearest", "last"]) -> dt.date:
    """Find the last day of a 52/53-week year: the weekday nearest to a month's end, or the last one in it.

    Parameters
    ----------
    month_end : date
        Last day of the month with which the year nominally ends.
    weekday : str
        English name of the weekday on which every year ends.
    rule : {"nearest", "last"}

    Returns
    -------
    date

    Examples
    --------
    >>> from datetime import date
    >>> week_year_end(date(2018, 1, 31), "Saturday", "nearest")
    datetime.date(2018, 2, 3)
    """
    back = (month_end.weekday() - _WEEKDAYS.index(weekday)) % 7
    if rule == "nearest" and back > 3:
        back -= 7
    return month_end - dt.timedelta(days=back)
