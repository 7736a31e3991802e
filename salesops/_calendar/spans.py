"""Spans of days: how many there are, whole months further, and where 52/53-week years end."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np

from salesops._faults import check_choice

DayCount = Literal["calendar", "working"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

_WEEKDAYS = get_args(Weekday)


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
