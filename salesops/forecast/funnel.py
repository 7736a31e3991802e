"""The funnel as it was on a day: measured from dated events, with open deals counted as unfinished."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from salesops._calendar import day_of
from salesops._faults import check_choice, count, raise_all, refuse
from salesops._frames import Reader
from salesops.errors import InvalidInput, Problem
from salesops.forecast import _paths, survival
from salesops.forecast._events import written
from salesops.forecast._measure import Measured
from salesops.forecast._paths import Paths
from salesops.forecast._segments import alike, changed, read_segments
from salesops.forecast._spans import By, read_calendar
from salesops.forecast.history import History, cut, read_events
from salesops.forecast.results import Funnel
from salesops.forecast.tally import Options
from salesops.models import FiscalCalendar, Period

__all__ = ["funnel"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


_FEW = 5


def funnel(
    history: object,
    stages: Sequence[str],
    *,
    by: str | None = None,
    segments: Iterable[Hashable] | None = None,
    as_of: object = None,
    calendar: FiscalCalendar | Sequence[Period] | None = None,
    period: By | None = None,
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
        A column created_on, where there is one, says when deals began: those that began before their first
        event come under observation late.
    stages : sequence of str
        Stages in order, first to last. Names of ends among them are ignored.
    by : str, optional
        Column that segments deals; a deal belongs to the segment that its first event states, because a
        segment that is filled or changed later would look ahead.
    segments : iterable, optional
        Segments to report, also those without a deal; default: those found.
    as_of : date or ISO text, optional
        The last day that is visible. Default: the day of the snapshot, else the last day with an event.
    calendar : FiscalCalendar or sequence of Period, optional
        Where the periods of :meth:`Funnel.periods` begin (months, 4-4-5 weeks ...), or these periods
        themselves. Default: the calendar year.
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
    periods = read_calendar(calendar, period)
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
    paths = _since_creation(seen, paths, faults)
    segment = read_segments(seen, paths, by, segments, faults)
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
    measured = Measured.of(paths, options, periods, amount=amount, changed=changed(seen, paths, by))
    return attrs.evolve(measured.funnel(seen, *segment), noted=_noted(paths, names, segment[0]))


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


def _since_creation(history: History, paths: Paths, faults: list[Problem]) -> Paths:
    """Let deals begin on the day that their first event states as created_on, if there is such a column."""
    facts = history.events.facts
    if "created_on" not in facts.columns or not paths.n_deals:
        return paths
    first = paths.event[paths.first]
    reader = Reader(facts.iloc[first], "history", key=("deal_id",), faults=faults)
    stated = reader.dates("created_on", zone=history.zone, optional=True)
    reader.fault(
        "created_on",
        stated > paths.begun,
        "is after the first event of the deal",
        value=lambda k: f"{stated[k]}, first event on {paths.begun[k]}",
    )
    return attrs.evolve(paths, created=np.where(np.isnat(stated), paths.begun, stated))


def _noted(paths: Paths, names: tuple[str, ...], segments: Sequence[Hashable]) -> tuple[tuple[str, int], ...]:
    """Note what looks like one thing under two names: segments, and stages that never met."""
    notes = [
        (f"segments differ only by spelling: {', '.join(group)}", len(group)) for group in alike(segments)
    ]
    for one in range(paths.n_stages):
        for other in range(paths.n_stages):
            old, new = paths.day[paths.state == one], paths.day[paths.state == other]
            if len(old) < _FEW or len(new) < _FEW or old.max() >= new.min():
                continue
            both = np.intersect1d(paths.deal[paths.state == one], paths.deal[paths.state == other])
            if not len(both):
                pair = f"{names[one]!r} ends before {names[other]!r} begins, and no deal was in both"
                notes.append((f"{pair}: renamed? state it with renamed=", len(new)))
    return tuple(notes)


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
