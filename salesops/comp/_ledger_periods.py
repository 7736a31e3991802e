"""The periods of a ledger: which a run brings, which come first, and what is said against a name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from salesops._faults import closest, raise_all
from salesops.comp.results import CompRun
from salesops.errors import InvalidInput, Problem, show
from salesops.models import Period

_EPOCH = dt.date(1970, 1, 1).toordinal()


def order_of(day: int) -> dt.date:
    """Turn a day counted from 1970 into a date; what lies outside the calendar into its first or last day."""
    number = day + _EPOCH
    if number < 1:
        return dt.date.min
    return dt.date.max if number > dt.date.max.toordinal() else dt.date.fromordinal(number)


def starts_of(periods: Iterable[Period]) -> dict[str, dt.date]:
    """Give the first day of each period, in order of time."""
    return {period.name: period.start for period in sorted(periods, key=lambda period: period.start)}


def new_periods(run: CompRun, known: Sequence[Period], closed: Sequence[str]) -> tuple[Period, ...]:
    """Find the periods that a run brings; refuse those that contradict the ledger."""
    terms = run._given.terms  # noqa: SLF001  (a ledger is made of what the run has stored)
    given = [
        Period(name=name, start=order_of(int(start)), end=order_of(int(end)))
        for name, start, end in zip(terms.names, terms.starts, terms.ends, strict=True)
    ]
    by_name = {period.name: period for period in known}
    done = max((by_name[name].end for name in closed), default=dt.date.min)
    faults, found = [], []
    for period in given:
        twin = by_name.get(period.name)
        if twin == period:
            continue
        other = twin or next(
            (own for own in known if own.start < period.end and period.start < own.end), None
        )
        if other is not None:
            message = "a period of the run contradicts one of the ledger"
            values = (_text(period), _text(other))
            hint = "a period keeps its name and its days for ever, and periods do not overlap"
            faults.append(Problem(path="run.periods", message=message, values=values, hint=hint))
        elif period.start < done:
            message = "the run brings a period before the last closed one"
            hint = "history that is closed is not added to; begin a ledger with its first period"
            faults.append(Problem(path="run.periods", message=message, values=(_text(period),), hint=hint))
        found.append(period)
    raise_all("post", faults)
    return tuple(found)


def periods_until(run: CompRun, until: str | None) -> tuple[str, ...]:
    """Name the periods of a run up to one of them."""
    if until is None:
        return run.periods
    if until not in run.periods:
        near, hint = closest(until, run.periods), f"the run ends with {run.periods[-1]!r}"
        message = "the run has no such period"
        fault = Problem(path="until", message=message, values=(show(until),), suggestions=near, hint=hint)
        raise InvalidInput("post: 1 problem", [fault])
    return run.periods[: run.periods.index(until) + 1]


def _text(period: Period) -> str:
    return f"{period.name!r} from {period.start} to {period.end}"


def refuse_period(
    path: str, period: object, starts: Mapping[str, dt.date], closed: Collection[str]
) -> InvalidInput:
    """Make the error for a period that is closed or not known; the caller raises it."""
    is_closed = isinstance(period, str) and period in closed
    message = "the period is closed" if is_closed else "the ledger knows no such period"
    near = () if is_closed else closest(period, starts)
    still_open = [name for name in starts if name not in closed]
    hint = f"open is {', '.join(map(repr, still_open[:12])) or 'none'}"
    fault = Problem(path=path, message=message, values=(show(period),), suggestions=near, hint=hint)
    return InvalidInput("ledger: 1 problem", [fault])
