"""Moments and days: what a clock said, in which zone, and on which day of the business it fell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Hashable, Sequence
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._faults import closest, raise_all, refuse
from salesops.errors import InvalidInput, Problem, show

Days = NDArray[np.datetime64]
Times = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_DAY_HINT = "write a day as 2024-03-31, or pass a datetime.date"
_ZONE_HINT = "an IANA name, such as 'Europe/Berlin'"
_CLOCKS_FROM, _CLOCKS_UNTIL = np.datetime64("1900-01-01"), np.datetime64("9999-01-01")
_MICROSECONDS = "datetime64[us]"
_NO_TIME = np.datetime64("NaT", "us")

Kind = Literal["empty", "wrong", "day", "local", "instant"]


@attrs.frozen(eq=False)
class Moments:
    """A column of moments.

    Attributes
    ----------
    instants : ndarray of datetime64[us], shape (n_rows,)
        To be compared with each other: in UTC where the zone is known, else as the clock said.
    days : ndarray of datetime64[D], shape (n_rows,)
        On which day of the business each one fell.
    empty : ndarray of bool, shape (n_rows,)
        Rows without a value.
    faults : tuple of (mask of rows, rule, hint)
        What cannot be told; those rows hold NaT or a stand-in.
    """

    instants: Times
    days: Days
    empty: Mask
    faults: tuple[tuple[Mask, str, str], ...]


def check_zone(zone: object) -> ZoneInfo | None:
    """Find the business zone, or refuse a name that nobody knows."""
    if zone is None:
        return None
    try:
        return ZoneInfo(zone if isinstance(zone, str) else "")
    except (KeyError, ValueError, OSError):
        fault = Problem(
            path="zone",
            message="unknown time zone",
            values=(show(zone),),
            hint=_ZONE_HINT,
            suggestions=closest(zone, available_timezones()),
        )
        raise InvalidInput("zone: 1 problem", [fault]) from None


def read_moments(cells: pd.Series[Any], *, zone: str | None = None) -> Moments:
    """Read dates, datetimes, timestamps and ISO text; each distinct value once.

    A column holds either times with an offset, which need `zone` to have a day, or times without one. The
    latter stay as the clock said without `zone`, and with it are local times there: one that the change of
    clocks makes ambiguous or impossible is a fault. A day without a time starts with its first moment.
    """
    home = check_zone(zone)
    codes, kinds, clock = _parsed(cells)
    is_day, is_local, is_instant = (kinds == kind for kind in ("day", "local", "instant"))
    faults = [(kinds == "wrong", "is no date or time", "write days as 2024-03-31, or pass datetime values")]
    if is_local.any() and is_instant.any():
        rule = "times with an offset and times without one stand in one column"
        faults.append((is_local | is_instant, rule, "give dates, or one time zone for the whole column"))
    elif is_instant.any() and home is None:
        rule = "a time with an offset has no date until the business's time zone is known"
        faults.append((is_instant, rule, f"pass zone, {_ZONE_HINT}"))
    instants, days = clock.copy(), clock.astype("datetime64[D]")
    if home is not None:
        days[is_instant] = _local_days(clock[is_instant], home)
        here = (is_day | is_local) & (days >= _CLOCKS_FROM) & (days < _CLOCKS_UNTIL)
        instants[here], ambiguous, impossible = _located(clock[here], home)
        for unclear, rule in (
            (ambiguous, "the clocks show this local time twice: it is ambiguous"),
            (impossible, "the clocks jump over this local time: there is no such time"),
        ):
            rows = np.zeros(len(kinds), dtype=bool)
            rows[np.flatnonzero(here)[unclear]] = True
            faults.append((rows & is_local, rule, "ambiguous local time; give UTC or an offset"))
    found = tuple((rows[codes], rule, hint) for rows, rule, hint in faults if rows.any())
    return Moments(instants[codes], days[codes], (kinds == "empty")[codes], found)


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
        IANA name of the business's time zone, as for `read_moments`.
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
    cells = times if isinstance(times, pd.Series) else _column(times)
    moments = read_moments(cells, zone=zone)
    problems = [
        Problem(
            path=path,
            message=rule,
            rows=[rows[k] for k in np.flatnonzero(bad).tolist()],
            ids=[] if ids is None else [ids[k] for k in np.flatnonzero(bad).tolist()],
            values=[_written(value) for value in cells[bad]],
            hint=hint,
        )
        for bad, rule, hint in moments.faults
    ]
    raise_all(path, problems)
    return moments.days


def day_of(argument: str, value: object) -> dt.date:
    """Take one day: a date, a datetime at midnight, or ISO text."""
    kind, clock = _moment(value)
    if kind in ("day", "local") and clock == clock.astype("datetime64[D]"):
        day: dt.date = clock.astype("datetime64[D]").item()
        return day
    fault = Problem(path=argument, message="is not a day", values=(show(value),), hint=_DAY_HINT)
    raise InvalidInput(f"{argument}: 1 problem", [fault])


def _column(values: Any) -> pd.Series[Any]:
    if isinstance(values, (np.ndarray, pd.Index, pd.api.extensions.ExtensionArray)):
        return pd.Series(values)
    cells = np.empty(len(values), dtype=object)
    cells[:] = list(values)
    return pd.Series(cells, dtype=object)


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) and not pd.isna(value) else show(value)


def _parsed(cells: pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.str_], Times]:
    """Find the distinct values: which one stands in each row, the kind of each, and its clock time or UTC."""
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        instants = cells.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype(_MICROSECONDS)
        codes, distinct = _distinct_times(instants)
        return codes, np.where(np.isnat(distinct), "empty", "instant"), distinct
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "M":
        codes, distinct = _distinct_times(cells.to_numpy().astype(_MICROSECONDS))
        all_days = bool((distinct == distinct.astype("datetime64[D]"))[~np.isnat(distinct)].all())
        return codes, np.where(np.isnat(distinct), "empty", "day" if all_days else "local"), distinct
    codes, values = _distinct(np.array(cells, dtype=object))
    parsed = [_moment(value) for value in values]
    clock = np.array([time for _, time in parsed], dtype=_MICROSECONDS)
    return codes, np.array([kind for kind, _ in parsed], dtype="<U7"), clock


def _distinct_times(times: Times) -> tuple[NDArray[np.int64], Times]:
    codes, distinct = pd.factorize(times.view(np.int64))
    return codes.astype(np.int64, copy=False), distinct.view(_MICROSECONDS)


def _distinct(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Parse each distinct value once; a column with unhashable cells is taken cell by cell."""
    try:
        codes, distinct = pd.factorize(values, use_na_sentinel=False)
    except TypeError:
        return np.arange(len(values)), values
    return codes.astype(np.int64, copy=False), np.asarray(distinct, dtype=object)


def _moment(value: Any) -> tuple[Kind, np.datetime64]:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value) if _ISO.fullmatch(value) else value
        except ValueError:
            return "wrong", _NO_TIME
    elif value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return "empty", _NO_TIME
    if isinstance(value, np.datetime64):
        value = value.astype(_MICROSECONDS).item()
        return ("empty", _NO_TIME) if value is None else _moment(value)
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime(warn=False)
    if not isinstance(value, dt.date):
        return "wrong", _NO_TIME
    if not isinstance(value, dt.datetime):
        return "day", np.datetime64(value, "us")
    if value.tzinfo is None:
        return ("day" if value.time() == dt.time(0) else "local"), np.datetime64(value, "us")
    if not 1 < value.year < dt.MAXYEAR:
        return "wrong", _NO_TIME
    return "instant", np.datetime64(value.astimezone(dt.UTC).replace(tzinfo=None), "us")


def _local_days(instants: Times, home: ZoneInfo) -> Days:
    local = pd.DatetimeIndex(instants).tz_localize("UTC").tz_convert(home).tz_localize(None)
    return local.to_numpy().astype("datetime64[D]")


def _located(clock: Times, home: ZoneInfo) -> tuple[Times, Mask, Mask]:
    """Turn clock times of a zone into UTC; say which ones occur twice, and which never."""
    local = pd.DatetimeIndex(clock)
    first = np.ones(len(local), dtype=bool)
    settled = local.tz_localize(home, ambiguous=first, nonexistent="shift_forward")
    utc: Times = settled.tz_convert("UTC").tz_localize(None).to_numpy().astype(_MICROSECONDS)
    twice = local.tz_localize(home, ambiguous="NaT", nonexistent="shift_forward").isna()
    never = local.tz_localize(home, ambiguous=first, nonexistent="NaT").isna()
    return utc, np.asarray(twice), np.asarray(never)
