"""Events with amount, owner and stage carried forward: what stood open on a day, what was won after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._calendar import day_of
from salesops._faults import closest, raise_all, refuse
from salesops._frames import Labels, Reader
from salesops._frames.ids import Ids, factorize
from salesops.errors import Problem, show
from salesops.forecast._asked import check_open
from salesops.forecast.history import History

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

COMPANY = "company"
LEVELS = ("region", "team", "rep_id")
_NEVER = np.iinfo(np.int64).max


@attrs.frozen(kw_only=True, eq=False)
class Level:
    """The units of one level, and the one each event belongs to; -1 where none is known."""

    name: str
    units: tuple[Hashable, ...]
    code: Ints


@attrs.frozen(kw_only=True, eq=False)
class Carried:
    """Events in order of deal and time; each holds until the next one of its deal.

    Attributes
    ----------
    deal, stage : ndarray of int, shape (n_events,)
    day, until : ndarray of int, shape (n_events,)
        Day of the event and of the deal's next one, in days since 1970; `until` of the last one is never.
    is_won, is_end : ndarray of bool, shape (n_events,)
    amount : ndarray of float, shape (n_events,)
        The last amount known; NaN before there is one.
    levels : tuple of Level
        The company first.
    """

    deals: Labels
    stages: tuple[str, ...]
    deal: Ints
    stage: Ints
    day: Ints
    until: Ints
    is_won: Mask
    is_end: Mask
    amount: Floats
    levels: tuple[Level, ...]

    @property
    def first_day(self) -> int:
        """Day of the first end of a deal, before which nothing could be counted; else of the first event."""
        day = self.day[self.is_end] if self.is_end.any() else self.day
        return int(day.min()) if len(day) else 0

    def won_between(self, after: int, until: int) -> Mask:
        """Mark the events by which deals were won after one day, up to another, as they stood then."""
        return self.is_won & (self.day > after) & (self.day <= until) & (self.until > until)

    def open_on(self, day: int, wanted: Sequence[Hashable] | None = None) -> Mask:
        """Mark the events that say how open deals stood at the end of a day: of all, or of those wanted."""
        standing = ~self.is_end & (self.day <= day) & (self.until > day)
        if wanted is None:
            return standing
        place = {self.deals[d]: d for d in self.deal[standing].tolist()}
        check_open(wanted, place)
        kept = np.array([place[name] for name in wanted], dtype=np.int64)
        return np.asarray(standing & np.isin(self.deal, kept))


def carried(history: History, levels: Sequence[str]) -> Carried:
    """Carry facts forward within each deal; events at one moment are taken with ends last."""
    events = history.events
    ends = (history.won, history.lost, *history.no_decision)
    is_end = np.array([name in ends for name in (*events.stages, "")], dtype=bool)[events.stage]
    order = np.lexsort((is_end, events.moment, events.deal))
    deal, day = events.deal[order], events.day[order].astype(np.int64)
    until = np.full(len(deal), _NEVER)
    same = deal[1:] == deal[:-1]
    until[:-1][same] = day[1:][same]
    stage = events.stage[order]
    place = events.stages.index(history.won) if history.won in events.stages else -1
    faults: list[Problem] = []
    facts = events.facts.iloc[order]
    made = Carried(
        deals=events.deals,
        stages=events.stages,
        deal=deal,
        stage=stage,
        day=day,
        until=until,
        is_won=stage == place,
        is_end=is_end[order],
        amount=_amounts(facts, deal, faults),
        levels=(
            Level(name=COMPANY, units=(None,), code=np.zeros(len(deal), dtype=np.int64)),
            *(_level(facts, name, deal, faults) for name in levels),
        ),
    )
    raise_all("history", faults)
    return made


def present(history: History, levels: Sequence[str] | None) -> tuple[str, ...]:
    """Take the levels that were asked for, or those of the usual ones that the history has."""
    if levels is None:
        return tuple(name for name in LEVELS if name in history.events.facts.columns)
    if not isinstance(levels, (list, tuple)) or not all(isinstance(name, str) for name in levels):
        raise refuse("levels", "is a list of names of columns", levels)
    return tuple(dict.fromkeys(name for name in levels if name != COMPANY))


def _amounts(facts: pd.DataFrame, deal: Ints, faults: list[Problem]) -> Floats:
    if "amount" not in facts.columns:
        if len(facts):
            columns = [str(name) for name in facts.columns]
            faults.append(
                Problem(
                    path="history.amount",
                    message="the column is missing: there is no amount to forecast",
                    values=(f"columns there: {', '.join(columns)}",),
                    suggestions=closest("amount", columns),
                )
            )
        return np.full(len(deal), np.nan)
    reader = Reader(facts, "history", key=("deal_id",), faults=faults)
    amount = reader.numbers("amount", missing=np.nan)
    reader.fault("amount", amount < 0, "an amount is 0 or more")
    return amount[_last_known(~np.isnan(amount), deal)] if len(amount) else amount


def _level(facts: pd.DataFrame, name: str, deal: Ints, faults: list[Problem]) -> Level:
    if name not in facts.columns:
        columns = [str(column) for column in facts.columns]
        if len(facts):
            faults.append(
                Problem(
                    path="levels",
                    message="is not a column of the history",
                    values=(show(name),),
                    suggestions=closest(name, columns),
                    hint="name columns whose values are the units of a level, such as 'team' or 'rep_id'",
                )
            )
        return Level(name=name, units=(), code=np.full(len(deal), -1, dtype=np.int64))
    ids, _ = factorize(facts[name])
    rows = _last_known(ids.codes >= 0, deal)
    used, codes = np.unique(ids.codes[rows], return_inverse=True)
    kept = Ids(codes.astype(np.int64) - int(len(used) > 0 and used[0] < 0), ids.distinct[used[used >= 0]])
    labels = Labels.of(kept)
    return Level(name=name, units=tuple(labels[k] for k in range(len(labels))), code=labels.codes(kept))


def _last_known(known: Mask, deal: Ints) -> Ints:
    """Find, for each row, the last row of the same deal up to it that is known; itself if there is none."""
    rows = np.arange(len(deal))
    last = np.maximum.accumulate(np.where(known, rows, -1))
    inside = last >= 0
    inside[inside] = deal[last[inside]] == deal[inside]
    return np.where(inside, last, rows)


def seen(history: object, as_of: object) -> History:
    """Take the snapshot that a model may be fitted on; without `as_of` the day of the one given."""
    whole = history if isinstance(history, History) else History.from_events(history)
    if as_of is None and whole.as_of is None:
        raise refuse("as_of", "is the day on which the forecast is made", None)
    return whole.snapshot(whole.as_of if as_of is None else as_of)


def number_of(day: dt.date) -> int:
    """Count the days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days


def date_of(number: int) -> dt.date:
    """Turn days since 1970-01-01 into a date."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(number))


def days_ahead(as_of: dt.date, horizon: object, *, most: int = 36_525) -> int:
    """Take a horizon: a number of days, text such as "28D", or its last day."""
    if isinstance(horizon, str) and horizon[:-1].isdecimal() and horizon[-1] in "dD":
        days = int(horizon[:-1])
    elif isinstance(horizon, (int, np.integer)) and not isinstance(horizon, bool):
        days = int(horizon)
    elif isinstance(horizon, dt.timedelta) and horizon == dt.timedelta(days=horizon.days):
        days = horizon.days
    else:
        days = (day_of("horizon", horizon) - as_of).days
    if not 1 <= days <= most:
        hint = 'write 28, "28D", or the last day that counts'
        raise refuse("horizon", f"is 1 to {most} days after as_of", horizon, hint=hint)
    return days
