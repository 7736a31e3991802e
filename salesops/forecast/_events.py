"""Events of deals as sorted arrays: read from a log, cut at a day, each event once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import closest, refuse
from salesops._frames import Ids, Labels, Reader, id_column
from salesops.errors import Problem, show

Ints = npt.NDArray[np.int64]
Dates = npt.NDArray[np.datetime64]

_STATE_TABLE_HINT = (
    "give one row for each event, with its date in entered_on; facts of which only opening and closing are "
    "dated enter through History.from_deals"
)
_UNDATED = "created_on is missing: the deal cannot be placed in time"
_UNFINISHED = "closed_on is missing although the deal is closed"


@attrs.frozen(kw_only=True, eq=False)
class Events:
    """Events sorted by deal, time and name of the stage, so that the order of rows cannot matter.

    Attributes
    ----------
    deals : Labels
        Distinct deals, sorted.
    stages : tuple of str
        Distinct names of stages and ends, sorted.
    deal, stage : ndarray of int, shape (n_events,)
        Positions in `deals` and `stages`.
    moment : ndarray of datetime64[us], shape (n_events,)
        Instants: in UTC if the history has a zone.
    day : ndarray of datetime64[D], shape (n_events,)
        Business days.
    facts : DataFrame
        The other columns, row by row; its index holds the labels of the rows that were given.
    """

    deals: Labels
    stages: tuple[str, ...]
    deal: Ints
    stage: Ints
    moment: Dates
    day: Dates
    facts: pd.DataFrame

    def __len__(self) -> int:
        return len(self.deal)

    def rows(self, places: Ints) -> tuple[Hashable, ...]:
        """Give the labels of the rows that some events came from."""
        return tuple(self.facts.index[places].tolist())

    def who(self, places: Ints) -> tuple[str, ...]:
        """Show the deals of some events."""
        return tuple(show(self.deals[k]) for k in self.deal[places].tolist())

    def told(self, place: int) -> str:
        """Say one event in words."""
        return f"{show(self.stages[self.stage[place]])} on {written(self.moment[place])}"


def arranged(
    *, deal: Ids, stage: npt.NDArray[np.object_], moment: Dates, day: Dates, facts: pd.DataFrame
) -> Events:
    """Sort events and number their deals and stages."""
    used = only_used(deal)
    labels = Labels.of(used)
    code = labels.codes(used)
    found, names = pd.factorize(stage, sort=True)
    order = np.lexsort((found, moment, code))
    return Events(
        deals=labels,
        stages=tuple(names.tolist()),
        deal=code[order],
        stage=found[order].astype(np.int64),
        moment=moment[order],
        day=day[order],
        facts=facts.iloc[order],
    )


def only_used(deal: Ids) -> Ids:
    """Drop distinct ids that no row uses."""
    used, codes = np.unique(deal.codes, return_inverse=True)
    return Ids(codes.astype(np.int64), deal.distinct[used])


def read_log(reader: Reader, zone: str | None, renamed: Mapping[str, str]) -> Events:
    """Read a log with one row for each event; rows with faults are left out of what is returned."""
    before = len(reader.faults)
    ids = reader.ids("deal_id")
    if reader.has("deal_id") and not reader.has("entered_on") and len(reader) and not ids.repeated().any():
        reader.faults.append(_state_table(reader))
        reader.finish()
    stage = reader.texts("stage")
    if renamed:
        stage = np.array([renamed.get(name, name) for name in stage.tolist()], dtype=object)
    moment, day = reader.moments("entered_on", zone=zone)
    rows = np.arange(len(reader))
    if len(reader.faults) > before:
        is_text = np.fromiter((isinstance(name, str) for name in stage), bool, len(stage))
        rows = np.flatnonzero((ids.codes >= 0) & ~np.isnat(moment) & is_text)
    facts = reader.frame.iloc[rows].copy()
    facts.index = labelled(reader)[rows]
    return arranged(deal=ids.take(rows), stage=stage[rows], moment=moment[rows], day=day[rows], facts=facts)


def check_is_a_log(events: Events, ends: tuple[str, ...], faults: list[Problem]) -> None:
    """Refuse a table in which every deal, open or closed, stands in one row only: current states."""
    n_deals = len(events.deals)
    if faults or n_deals < 2 or len(events) > n_deals:
        return
    is_end = np.isin(np.array(events.stages, dtype=object), ends)[events.stage]
    if is_end.any() and not is_end.all():
        faults.append(
            Problem(
                path="history.entered_on",
                message="this is a table of current states, not a history of dated events",
                values=(f"{n_deals} deals with one row each, {int(is_end.sum())} of them closed",),
                hint=_STATE_TABLE_HINT,
            )
        )


def check_spelling_of_ends(events: Events, ends: tuple[str, ...], faults: list[Problem]) -> None:
    """Refuse stages that are an end but for capitals or blanks: deals in them would never have closed."""
    plain = {name.strip().casefold(): name for name in ends}
    meant = [(k, plain.get(name.strip().casefold(), name)) for k, name in enumerate(events.stages)]
    wrong = [(k, end) for k, end in meant if events.stages[k] != end and events.stages[k] not in ends]
    for k, end in wrong:
        held = np.flatnonzero(events.stage == k)
        faults.append(
            Problem(
                path="history.stage",
                message="is the name of an end but for its spelling",
                rows=events.rows(held),
                values=[show(events.stages[k])] * len(held),
                hint="write won=, lost= and no_decision= exactly as the table does, or correct the rows",
                suggestions=(show(end),),
            )
        )


def read_deals(
    reader: Reader,
    *,
    stage: str,
    still_open: str,
    ends: tuple[str, ...],
    zone: str | None,
    at_close: tuple[str, ...],
) -> tuple[Events, pd.DataFrame]:
    """Read a table with one row for each deal: its dated openings and closes, and the rows set aside."""
    ids = reader.ids("deal_id", unique=True)
    outcome = reader.texts("outcome", choices=(*ends, still_open), default=still_open)
    created, created_day = reader.moments("created_on", zone=zone, optional=True)
    closed, closed_day = reader.moments("closed_on", zone=zone, optional=True)
    is_closed = np.array([name != still_open for name in outcome], dtype=bool)
    check_dates(reader, created, closed, is_closed)
    for column in ("deal_id", "outcome", "created_on", "closed_on"):
        reader.cells(column)
    _check_known_at_creation(reader, is_closed, at_close)
    reader.finish()
    labels = labelled(reader)
    undated, unfinished = np.isnat(created), is_closed & np.isnat(closed)
    rejected = pd.DataFrame(
        {
            "row": pd.Series(labels.to_numpy()),
            "deal_id": id_column(ids.labels()),
            "reason": np.where(undated, _UNDATED, _UNFINISHED),
            "dated": np.fmax(created_day, closed_day).astype("datetime64[s]"),
        }
    )[undated | unfinished].reset_index(drop=True)
    opened = np.flatnonzero(~undated & ~unfinished)
    ended = opened[is_closed[opened]]
    source = np.concatenate([opened, ended])
    facts = reader.extra().drop(columns="stage", errors="ignore").iloc[source].copy()
    facts.insert(0, "deal_id", id_column(ids.take(source).labels()).to_numpy())
    facts.index = labels[source]
    for column in at_close:
        if column in facts.columns:
            facts[column] = facts[column].where(np.arange(len(source)) >= len(opened))
    events = arranged(
        deal=ids.take(source),
        stage=np.concatenate([np.full(len(opened), stage, dtype=object), outcome[ended]]),
        moment=np.concatenate([created[opened], closed[ended]]),
        day=np.concatenate([created_day[opened], closed_day[ended]]),
        facts=facts,
    )
    return events, rejected


def _check_known_at_creation(
    reader: Reader, is_closed: npt.NDArray[np.bool_], at_close: tuple[str, ...]
) -> None:
    """Refuse columns that only closed deals have filled: they were written at the close."""
    for column in at_close if at_close != ("amount",) else ():
        if column not in reader.frame.columns and len(reader):
            reader.faults.append(
                Problem(
                    path="at_close",
                    message="names a column that deals does not have",
                    values=(show(column),),
                    suggestions=closest(column, reader.frame.columns),
                )
            )
    facts = reader.extra().drop(columns=["stage", *at_close], errors="ignore")
    for column in facts.columns:
        filled = facts[column].notna().to_numpy()
        if (~is_closed).any() and not filled[~is_closed].any() and filled[is_closed].any():
            reader.faults.append(
                Problem(
                    path=f"deals.{column}",
                    message="is filled only for closed deals, so it was not known when they were created",
                    values=(f"{int(filled.sum())} of {int(is_closed.sum())} closed deals, no open one",),
                    hint=f"leave it out, or state that it is filled at the close: at_close=({column!r}, ...)",
                )
            )


def check_dates(reader: Reader, created: Dates, closed: Dates, is_closed: npt.NDArray[np.bool_]) -> None:
    """Refuse deals that close before they open, and open ones with a date of close."""
    reader.fault(
        "closed_on",
        closed < created,
        "is before created_on",
        value=lambda k: f"created {written(created[k])}, closed {written(closed[k])}",
    )
    reader.fault(
        "closed_on",
        ~is_closed & ~np.isnat(closed),
        "is given for a deal that is not closed",
        hint="a planned close is not an event; leave it out",
    )


def labelled(reader: Reader) -> pd.Index:
    """Hold the labels of the rows of a table as an index, tuples kept whole."""
    cells = np.empty(len(reader), dtype=object)
    cells[:] = list(reader.rows) if not isinstance(reader.rows, range) else reader.rows
    return pd.Index(cells, tupleize_cols=False)


def _state_table(reader: Reader) -> Problem:
    present = ", ".join(str(name) for name in reader.frame.columns)
    return Problem(
        path="history.entered_on",
        message="this is a table of current states, not a history of dated events",
        values=(f"one row for each deal; columns there: {present}",),
        hint=_STATE_TABLE_HINT,
    )


def until(events: Events, day: dt.date, faults: list[Problem]) -> tuple[Events, tuple[Hashable, ...]]:
    """Keep the events up to a day, each once; also give the rows that repeat one."""
    seen = np.flatnonzero(events.day <= np.datetime64(day, "D"))
    deal, stage, moment = events.deal[seen], events.stage[seen], events.moment[seen]
    again = np.zeros(len(seen), dtype=bool)
    again[1:] = (deal[1:] == deal[:-1]) & (stage[1:] == stage[:-1]) & (moment[1:] == moment[:-1])
    if again.any():
        _check_same_facts(events.facts.iloc[seen], again, faults)
    kept, repeated = seen[~again], events.rows(seen[again])
    names = np.array([*events.stages, ""], dtype=object)
    if pd.api.types.infer_dtype(events.deals.values, skipna=False) not in ("integer", "string"):
        # Deals of several kinds of id sort by the kinds that occur, and those that come later must not count.
        whole = arranged(
            deal=Ids(events.deal[kept], events.deals.values),
            stage=names[events.stage[kept]],
            moment=events.moment[kept],
            day=events.day[kept],
            facts=events.facts.iloc[kept],
        )
        return whole, repeated
    deals, deal = np.unique(events.deal[kept], return_inverse=True)
    stages, stage = np.unique(events.stage[kept], return_inverse=True)
    cut = Events(
        deals=Labels(events.deals.values[deals]),
        stages=tuple(names[stages].tolist()),
        deal=deal.astype(np.int64),
        stage=stage.astype(np.int64),
        moment=events.moment[kept],
        day=events.day[kept],
        facts=events.facts.iloc[kept],
    )
    return cut, repeated


def _check_same_facts(facts: pd.DataFrame, again: npt.NDArray[np.bool_], faults: list[Problem]) -> None:
    """Refuse an event that stands twice and says different things."""
    later = np.flatnonzero(again)
    for name in facts.columns:
        if name == "entered_on":
            continue
        one, other = facts[name].iloc[later - 1].tolist(), facts[name].iloc[later].tolist()
        differ = [k for k, (a, b) in enumerate(zip(one, other, strict=True)) if repr(a) != repr(b)]
        if differ:
            faults.append(
                Problem(
                    path=f"history.{name}",
                    message="the same event stands twice with different facts",
                    rows=tuple(facts.index[later[differ]].tolist()),
                    values=tuple(" and ".join(sorted((show(one[k]), show(other[k])))) for k in differ),
                    hint="keep the row that is right; leave out columns that only number the rows",
                )
            )


def check_ends(won: object, lost: object, no_decision: str | Sequence[str]) -> tuple[str, ...]:
    """Check the names of the ends of a deal, and list them: won, lost, others."""
    try:
        others = (no_decision,) if isinstance(no_decision, str) else tuple(no_decision)
    except TypeError:
        raise refuse("no_decision", "is a list of names", no_decision) from None
    ends = (won, lost, *others)
    names = tuple(name for name in ends if isinstance(name, str) and name)
    if len(names) < len(ends) or len(set(names)) < len(names):
        raise refuse("won, lost, no_decision", "every end of a deal has its own name, as text", ends)
    return names


def written(moment: np.datetime64) -> str:
    """Write a moment as a date, with its time of day if it has one."""
    return str(moment.astype("datetime64[s]")).removesuffix("T00:00:00")
