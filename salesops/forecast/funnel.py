"""The funnel as it was on a day: measured from dated events, with open deals counted as unfinished."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from salesops._calendar import day_of
from salesops._faults import check_choice, count, raise_all, refuse
from salesops._frames import Ids, Labels, Reader
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _paths, survival
from salesops.forecast._events import written
from salesops.forecast._measure import Measured
from salesops.forecast._paths import Paths
from salesops.forecast.history import History, cut, read_events
from salesops.forecast.results import Funnel
from salesops.forecast.tally import Options
from salesops.models import FiscalCalendar

By = Literal["month", "quarter", "year"]

__all__ = ["funnel"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


def funnel(
    history: object,
    stages: Sequence[str],
    *,
    by: str | None = None,
    segments: Iterable[Hashable] | None = None,
    as_of: object = None,
    calendar: FiscalCalendar | None = None,
    period: Literal["month", "quarter", "year"] | None = None,
    observed_from: object = None,
    skipped: Literal["passed", "not reached"] = "passed",
    reopened: Literal["refused", "first close", "last close"] = "refused",
    level: float = 0.95,
    won: str = "won",
    lost: str = "lost",
    no_decision: str | Sequence[str] = (),
    zone: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Funnel:
    """Measure a funnel as it was known on a day.

    Every rate comes with its number of cases and an interval. Deals that are still open are neither wins nor
    losses: beside the plain shares stand curves in which they count up to the day they were last seen.

    Parameters
    ----------
    history : History or table
        Dated events; a table has columns deal_id, stage, entered_on (and others) and no row after `as_of`.
    stages : sequence of str
        Stages in order, first to last. Names of ends among them are ignored.
    by : str, optional
        Column that segments deals; a deal belongs to the segment that its first event states, because a
        segment that is filled or changed later would look ahead.
    segments : iterable, optional
        Segments to report, also those without a deal; default: those found.
    as_of : date or ISO text, optional
        The last day that is visible. Default: the day of the snapshot, else the last day with an event.
    calendar : FiscalCalendar, optional
        Where the periods of :meth:`Funnel.periods` begin. Default: the calendar year.
    period : {"month", "quarter", "year"}, optional
        Their length. Default: months if a calendar is given, else no periods are counted.
    observed_from : date or ISO text, optional
        First day that the log covers. Deals opened before it come under observation late, at the age they had
        on the day before; deals closed before it are left out of the curves and counted.
    skipped : {"passed", "not reached"}, default "passed"
        Whether a stage that a deal jumped over counts as passed on the way, or as never reached.
    reopened : {"refused", "first close", "last close"}, default "refused"
        What to do with events after the end of a deal: refuse them, let the first close stand and set later
        events aside, or let the last close stand and count the deal as open until then.
    level : float, default 0.95
        Level of all intervals.
    won, lost, no_decision, zone, columns
        For a table, as in :meth:`History.from_events`; a `History` brings its own.

    Returns
    -------
    Funnel

    Raises
    ------
    InvalidInput
        If the log contradicts itself or the stages, holds rows after `as_of`, or is a table of current
        states.

    Notes
    -----
    Ages are whole days between business days. A stage is converted when the deal later stands further down,
    or is won. Shares of stages use Wilson intervals; curves are Aalen-Johansen and Kaplan-Meier with
    Greenwood-type variances and log(-log) intervals. Events of a deal at the same time are taken in stage
    order, ends last. Time O(events x stages).

    References
    ----------
    O. O. Aalen, S. Johansen (1978), "An empirical transition matrix for non-homogeneous Markov chains based
    on censored observations".

    Examples
    --------
    >>> log = [
    ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
    ...     {"deal_id": 1, "stage": "demo", "entered_on": "2024-01-11"},
    ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-31"},
    ...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-05"},
    ...     {"deal_id": 2, "stage": "lost", "entered_on": "2024-01-20"},
    ... ]
    >>> result = funnel(log, ["new", "demo"], as_of="2024-02-01")
    >>> result
    Funnel(new 2 > demo 1 > won 1, open=0, as_of=2024-02-01)
    >>> result.to_frame()[["stage", "entered", "converted", "lost", "open"]].values.tolist()
    [['new', 2, 1, 1, 0], ['demo', 1, 1, 0, 0]]
    """
    check_choice("skipped", skipped, _paths.SKIPPED)
    check_choice("reopened", reopened, _paths.REOPENED)
    periods = _periods(calendar, period)
    survival.check_level(level)
    start = None if observed_from is None else day_of("observed_from", observed_from)
    faults: list[Problem] = []
    if isinstance(history, History):
        _check_own_ends(won, lost, no_decision, zone, columns)
        whole = history
    else:
        ends = (won, lost, no_decision)
        whole = read_events(history, ends=ends, zone=zone, columns=columns, faults=faults)
    day = _day(whole, as_of, faults)
    if start is not None and start > day:
        raise refuse("observed_from", "must not be after as_of", f"{start}, as_of {day}")
    if whole is not history:
        _refuse_later(whole, day, faults)
    names = _paths.declared(stages, (whole.won, whole.lost, *whole.no_decision))
    seen = cut(whole, day, faults)
    paths = _paths.follow(seen, names, reopened=reopened, faults=faults)
    if paths is None:
        raise InvalidInput(f"history: {count(len(faults), 'problem')}", faults)
    segment = _segments(seen, paths, by, segments, faults)
    amount = _amounts(seen, paths, faults)
    raise_all("history", faults)
    options = Options(
        stages=names,
        won=seen.won,
        lost=seen.lost,
        no_decision=seen.no_decision,
        as_of=day,
        by=by,
        skipped=skipped,
        reopened=reopened,
        observed_from=start,
        level=float(level),
    )
    measured = Measured.of(paths, options, periods, amount)
    return measured.funnel(seen, *segment)


def _periods(calendar: object, period: object) -> tuple[FiscalCalendar, By] | None:
    """Check the calendar and the length of its periods; None when no periods are counted."""
    if calendar is not None and not isinstance(calendar, FiscalCalendar):
        hint = "pass a salesops.models.FiscalCalendar, or only period= for the calendar year"
        raise refuse("calendar", "is no fiscal calendar", calendar, hint=hint)
    if period is not None:
        check_choice("period", period, get_args(By))
    if calendar is None and period is None:
        return None
    return calendar or FiscalCalendar(), cast("By", period or "month")


def _check_own_ends(won: str, lost: str, no_decision: Any, zone: Any, columns: Any) -> None:
    """Refuse options that a history has settled already."""
    given = {
        "won": None if won == "won" else won,
        "lost": None if lost == "lost" else lost,
        "no_decision": no_decision or None,
        "zone": zone,
        "columns": columns,
    }
    for argument, value in given.items():
        if value is not None:
            hint = "pass it to History.from_events or History.from_deals"
            raise refuse(argument, "is settled by the history", value, hint=hint)


def _day(history: History, as_of: object, faults: list[Problem]) -> dt.date:
    if as_of is not None:
        return day_of("as_of", as_of)
    if history.as_of is not None:
        return history.as_of
    if history.days is None:
        raise_all("history", faults)
        raise refuse("as_of", "must be stated for a history without events", None, hint="pass as_of=")
    return history.days[1]


def _refuse_later(history: History, day: dt.date, faults: list[Problem]) -> None:
    later = np.flatnonzero(history.events.day > np.datetime64(day, "D"))
    if len(later):
        faults.append(
            Problem(
                path="history.entered_on",
                message="is dated after as_of",
                rows=history.events.rows(later),
                ids=history.events.who(later),
                values=tuple(f"{written(history.events.moment[k])}, as_of {day}" for k in later.tolist()),
                hint="pass History.from_events(...): its snapshot(as_of) leaves later rows out",
            )
        )


def _segments(
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
    reader.fault(by, code < 0, "is not one of the segments asked for", hint=f"segments are {show(labels)}")
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


def _amounts(history: History, paths: Paths, faults: list[Problem]) -> Floats | None:
    """Take the latest amount stated for each deal: None without a column, NaN where none was stated."""
    if "amount" not in history.events.facts.columns:
        return None
    reader = Reader(history.events.facts.iloc[paths.event], "history", key=("deal_id",), faults=faults)
    stated = reader.numbers("amount", missing=math.nan)
    amount = np.full(paths.n_deals, math.nan)
    known = np.flatnonzero(~np.isnan(stated))
    amount[paths.deal[known]] = stated[known]
    return amount
