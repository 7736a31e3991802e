"""Dated events in, what was known on a day out: the only door to data about past deals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import pandas as pd

from salesops import _display
from salesops._calendar import check_zone, day_of
from salesops._faults import raise_all, refuse
from salesops._frames import Reader, id_column, jsonable
from salesops.errors import Problem
from salesops.forecast._currency import Fx, in_one_currency, read_fx
from salesops.forecast._events import (
    Events,
    check_ends,
    check_is_a_log,
    check_spelling_of_ends,
    read_deals,
    read_log,
    until,
)

__all__ = ["History"]

_REJECTED = ("row", "deal_id", "reason", "dated")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class History:
    """Dated events of deals: which deal entered which stage, or was won or lost, when.

    A table of how deals stand today cannot say what was known last quarter: its stage, amount and owner have
    been overwritten. A history can, and :meth:`snapshot` is the one way to ask it: everything in this wing is
    computed from the rows dated on or before the day that was asked for.

    Make one with :meth:`from_events` or :meth:`from_deals`.

    Attributes
    ----------
    won, lost : str
        Stage names that mean won and lost, exactly as written.
    no_decision : tuple of str
        Stage names of other ends (the buyer did nothing).
    zone : str or None
        Business time zone in which moments become days.
    as_of : date or None
        The day of a snapshot; None before one is taken.
    events : Events
        The events as sorted arrays.
    rejected : DataFrame
        Rows that could not become events: columns row, deal_id, reason, dated (the last date they do have).
    duplicates : tuple of hashable
        Labels of the rows that repeat an event and are counted once; known after :meth:`snapshot`.
    fx : Fx or None
        Dated exchange rates; :meth:`snapshot` converts amounts with them.

    Examples
    --------
    >>> history = History.from_events([
    ...     {"deal_id": "o1", "stage": "new", "entered_on": "2024-01-01"},
    ...     {"deal_id": "o1", "stage": "won", "entered_on": "2024-02-01"},
    ... ])
    >>> history
    History(deals=1, events=2, from 2024-01-01 to 2024-02-01)
    >>> history.snapshot("2024-01-15")
    History(deals=1, events=1, from 2024-01-01 to 2024-01-01, as_of=2024-01-15)
    """

    won: str
    lost: str
    no_decision: tuple[str, ...] = ()
    zone: str | None = None
    as_of: dt.date | None = None
    events: Events
    rejected: pd.DataFrame
    duplicates: tuple[Hashable, ...] = ()
    fx: Fx | None = None

    @classmethod
    def from_events(
        cls,
        events: object,
        *,
        won: str = "won",
        lost: str = "lost",
        no_decision: str | Sequence[str] = (),
        zone: str | None = None,
        renamed: Mapping[str, str] | None = None,
        currency: str | None = None,
        fx: object = None,
        fx_max_age: int | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> History:
        """Read a log with one row for each event.

        Parameters
        ----------
        events : table
            Columns deal_id, stage, entered_on, and any others (amount, rep_id, segment ...), which are facts
            known from that moment on.
        won, lost : str, default "won", "lost"
            Stage names that mean won and lost; written exactly as in the table, where a name that differs in
            capitals or blanks alone is refused.
        no_decision : str or sequence of str, optional
            Stage names of other ends. They are kept apart from lost.
        zone : str, optional
            Business time zone. With it, times with an offset are converted, naive ones are wall clock times
            of the zone; without it all times are naive and taken as they are.
        renamed : mapping, optional
            ``{"name of a stage in older rows": "its name today"}``, for stages renamed midway.
        currency : str, optional
            Currency into which the column amount is converted, from that of the column currency.
        fx : table, optional
            Exchange rates: base, quote, rated_on, rate (one unit of base is `rate` units of quote). An amount
            is converted at the last rate dated on or before the day of its event, so that no later rate
            restates the past.
        fx_max_age : int, optional
            Most days that a rate may be older than the event. Default: any.
        columns : mapping, optional
            ``{"name in your table": "name in the documentation"}``.

        Returns
        -------
        History

        Raises
        ------
        InvalidInput
            If a deal, a stage or a time is missing or cannot be meant, the table holds current states, or it
            holds several currencies without rates (when a snapshot is taken).

        Examples
        --------
        >>> log = {"opp": ["o1"], "stage": ["new"], "at": ["2024-01-01T09:00:00Z"]}
        >>> names = {"opp": "deal_id", "at": "entered_on"}
        >>> History.from_events(log, columns=names, zone="Europe/Berlin")
        History(deals=1, events=1, from 2024-01-01 to 2024-01-01)
        """
        faults: list[Problem] = []
        rates = read_fx(currency, fx, fx_max_age)
        history = read_events(
            events,
            ends=(won, lost, no_decision),
            zone=zone,
            columns=columns,
            faults=faults,
            renamed=renamed,
        )
        raise_all("history", faults)
        return attrs.evolve(history, fx=rates)

    @classmethod
    def from_deals(
        cls,
        deals: object,
        *,
        stage: str = "open",
        still_open: str = "open",
        won: str = "won",
        lost: str = "lost",
        no_decision: str | Sequence[str] = (),
        zone: str | None = None,
        at_close: str | Sequence[str] = ("amount",),
        currency: str | None = None,
        fx: object = None,
        fx_max_age: int | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> History:
        """Read a table with one row for each deal, of which only opening and closing are dated.

        Each deal becomes one event on created_on and, if it is closed, one on closed_on. Only dated facts
        enter: the column stage (today's) is left out, those of `at_close` are known from the close on, and
        every other column is taken as known at creation, so leave out those that are changed later. Deals
        without the date that would place them are set aside, with the reason, in :attr:`rejected`.

        Parameters
        ----------
        deals : table
            Columns deal_id, created_on, closed_on, outcome, and any others.
        stage : str, default "open"
            Name to give to the one stage of all deals.
        still_open : str, default "open"
            The outcome that means not closed; a missing outcome means the same.
        at_close : str or sequence of str, default ("amount",)
            Columns that are filled at the close: they are known from then on.
        won, lost, no_decision, zone, currency, fx, fx_max_age, columns
            As in :meth:`from_events`; `won`, `lost` and `no_decision` are outcomes here.

        Returns
        -------
        History

        Raises
        ------
        InvalidInput
            If a deal stands in two rows, an outcome is unknown, a deal is closed before it is created, an
            open deal has a close date, or a column that is not in `at_close` is filled only for closed deals.

        Examples
        --------
        >>> history = History.from_deals([
        ...     {"deal_id": 1, "created_on": "2024-01-01", "closed_on": "2024-02-01", "outcome": "won"},
        ...     {"deal_id": 2, "created_on": None, "closed_on": None, "outcome": "open"},
        ... ])
        >>> history.rejected[["deal_id", "reason"]].values.tolist()
        [[2, 'created_on is missing: the deal cannot be placed in time']]
        """
        ends = check_ends(won, lost, no_decision)
        if not isinstance(stage, str) or not stage or stage in ends:
            raise refuse("stage", "is a name that is no outcome", stage)
        check_zone(zone)
        rates = read_fx(currency, fx, fx_max_age)
        reader = Reader(deals, "deals", key=("deal_id",), columns=columns)
        late = (at_close,) if isinstance(at_close, str) else tuple(at_close)
        events, rejected = read_deals(
            reader, stage=stage, still_open=still_open, ends=ends, zone=zone, at_close=late
        )
        return cls(
            won=won, lost=lost, no_decision=ends[2:], zone=zone, events=events, rejected=rejected, fx=rates
        )

    def snapshot(self, as_of: object) -> History:
        """Keep what was known at the end of a day: the only door to training data.

        Rows dated later leave no trace in what is returned, and identical events are counted once.

        Parameters
        ----------
        as_of : date or ISO text
            The last day that is visible.

        Returns
        -------
        History

        Raises
        ------
        InvalidInput
            If the day is later than that of this snapshot, one event stands twice with different facts, or an
            amount cannot be converted because no rate is dated on or before its day.

        Examples
        --------
        >>> log = {"deal_id": [1, 1], "stage": ["new", "won"], "entered_on": ["2024-01-01", "2031-01-01"]}
        >>> History.from_events(log).snapshot("2024-06-30").to_frame()["stage"].tolist()
        ['new']
        """
        faults: list[Problem] = []
        history = cut(self, day_of("as_of", as_of), faults)
        raise_all("history", faults)
        return history

    @cached_property
    def days(self) -> tuple[dt.date, dt.date] | None:
        """First and last day with an event; None if there is none."""
        if not len(self.events.day):
            return None
        return self.events.day.min().item(), self.events.day.max().item()

    def __len__(self) -> int:
        return len(self.events.deal)

    def __repr__(self) -> str:
        span = f", from {self.days[0]} to {self.days[1]}" if self.days else ""
        seen = f", as_of={self.as_of}" if self.as_of else ""
        return f"History(deals={len(self.events.deals)}, events={len(self)}{span}{seen})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each event, sorted by deal and time.

        Returns
        -------
        DataFrame
            Columns deal_id, stage, entered_on, and the other columns that were given.

        Examples
        --------
        >>> log = {"deal_id": [2, 1], "stage": ["new", "new"], "entered_on": ["2024-01-01", "2024-01-02"]}
        >>> History.from_events(log).to_frame()["deal_id"].tolist()
        [1, 2]
        """
        names = np.array([*self.events.stages, ""], dtype=object)
        entered = pd.Series(self.events.moment)
        if self.zone is not None:
            entered = entered.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        events = pd.DataFrame(
            {
                "deal_id": id_column(self.events.deals.values[self.events.deal]),
                "stage": id_column(names[self.events.stage]),
                "entered_on": entered,
            }
        )
        facts = self.events.facts.reset_index(drop=True)
        return pd.concat(
            [events, facts[[name for name in facts.columns if name not in events.columns]]], axis=1
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the history as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> log = {"deal_id": [1], "stage": ["new"], "entered_on": ["2024-01-01"]}
        >>> History.from_events(log).to_dict()["events"]
        [{'deal_id': 1, 'stage': 'new', 'entered_on': '2024-01-01T00:00:00'}]
        """
        return {
            "kind": "history",
            "won": self.won,
            "lost": self.lost,
            "no_decision": list(self.no_decision),
            "zone": self.zone,
            "as_of": jsonable(self.as_of),
            "events": jsonable(self.to_frame()),
            "rejected": jsonable(self.rejected),
        }

    def _repr_html_(self) -> str:
        facts = {
            "deals": len(self.events.deals),
            "events": len(self),
            "first day": self.days[0] if self.days else None,
            "last day": self.days[1] if self.days else None,
            "known as of": self.as_of,
            "rows set aside": len(self.rejected),
        }
        return _display.html_card("History of deals", facts, [("first events", self.to_frame().head(5))])


def read_events(
    events: object,
    *,
    ends: tuple[str, str, str | Sequence[str]],
    zone: str | None,
    columns: Mapping[str, str] | None,
    faults: list[Problem],
    renamed: Mapping[str, str] | None = None,
) -> History:
    """Read a log of events, gathering its faults; rows with faults are left out of what is returned."""
    won, lost, *others = check_ends(*ends)
    check_zone(zone)
    if renamed is not None and not isinstance(renamed, Mapping):
        raise refuse("renamed", "is a mapping of old names of stages to new ones", renamed)
    reader = Reader(events, "history", key=("deal_id",), columns=columns, faults=faults)
    log = read_log(reader, zone, renamed or {})
    check_is_a_log(log, (won, lost, *others), faults)
    check_spelling_of_ends(log, (won, lost, *others), faults)
    return History(
        won=won,
        lost=lost,
        no_decision=tuple(others),
        zone=zone,
        events=log,
        rejected=pd.DataFrame({name: pd.Series(dtype=object) for name in _REJECTED}),
    )


def cut(history: History, day: dt.date, faults: list[Problem]) -> History:
    """Take the snapshot of a day, gathering its faults."""
    if history.as_of is not None and day > history.as_of:
        raise refuse(
            "as_of",
            "is later than the day of the snapshot",
            f"{day}, snapshot of {history.as_of}",
            hint="take the snapshot from the whole history",
        )
    events, repeated = until(history.events, day, faults)
    events = in_one_currency(events, history.fx, faults)
    rejected = history.rejected
    if len(rejected):
        dated = rejected["dated"].to_numpy().astype("datetime64[D]")
        rejected = rejected[~(dated > np.datetime64(day, "D"))].reset_index(drop=True)
    return attrs.evolve(
        history,
        as_of=day,
        events=events,
        rejected=rejected,
        duplicates=(*history.duplicates, *repeated),
    )
