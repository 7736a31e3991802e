"""Expected close dates that move: pushes, slippage out of a period, and deals whose date lies in the past."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._calendar import day_of
from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import Reader, id_column, jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem
from salesops.forecast import _kernels, _paths
from salesops.forecast._arrays import label_column
from salesops.forecast._paths import Paths
from salesops.forecast._segments import read_segments
from salesops.forecast._spans import By, Calendar, Spans, read_calendar
from salesops.forecast.history import History, cut, read_events
from salesops.forecast.survival import check_level
from salesops.models import FiscalCalendar, Period

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Slippage", "slippage"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

_MOST_PUSHES = 3
_QUARTERS = Calendar(calendar=FiscalCalendar(), by="quarter")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Slippage:
    """How expected close dates held, as it was known on a day; from :func:`slippage`.

    Attributes
    ----------
    as_of : date
        The last day that was visible.
    by : str or None
        Column that segments deals.
    level : float
        Level of the intervals.
    n_undated : int
        Deals that never stated an expected close; they are in no rate here.
    deals : DataFrame
        One row for each deal that stated one: deal_id, the segment if there are any, first_expected,
        expected (the last one stated), n_pushes (moved later), n_pulls (moved earlier), days_moved,
        outcome (open, won, lost ...), closed_on, days_late (closed after the first date), is_overdue (open
        with a date before `as_of`).
    due : DataFrame
        One row for each period that is over: period, starts_on, due (open at its start and expected to close
        in it), won, lost (any end but won), slipped (still open at its end), slip_rate and win_rate with
        Wilson intervals and a reason where undefined; amounts due, won and slipped if there are amounts.

    Examples
    --------
    >>> log = [
    ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"},
    ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-02-10", "expected_close": "2024-04-15"},
    ... ]
    >>> slippage(log, as_of="2024-03-31", period="month")
    Slippage(deals=1, pushed=1, overdue=0, slipped=1 of 1 due, as_of=2024-03-31)
    """

    as_of: dt.date
    by: str | None
    level: float
    n_undated: int
    deals: pd.DataFrame
    due: pd.DataFrame

    def __repr__(self) -> str:
        pushed = int((self.deals["n_pushes"] > 0).sum())
        due, slipped = int(self.due["due"].sum()), int(self.due["slipped"].sum())
        return (
            f"Slippage(deals={len(self.deals)}, pushed={pushed}, "
            f"overdue={int(self.deals['is_overdue'].sum())}, "
            f"slipped={slipped} of {due} due, as_of={self.as_of})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each deal that stated an expected close: :attr:`deals`.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> row = {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"}
        >>> slippage([row], as_of="2024-03-01").to_frame()["is_overdue"].tolist()
        [True]
        """
        return self.deals.copy()

    def rates(self) -> pd.DataFrame:
        """Return the shares of deals that were pushed, are overdue, slipped or were won when due.

        Returns
        -------
        DataFrame
            Columns measure, value, lower, upper (Wilson), hits, n, basis, reason; first the segment, if there
            are any, with the rates of deals alone.

        Examples
        --------
        >>> row = {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"}
        >>> slippage([row], as_of="2024-03-01").rates()[["measure", "hits", "n"]].values.tolist()[:2]
        [['pushed at least once', 0, 1], ['overdue', 1, 1]]
        """
        if self.by is None:
            rows = [*_deal_rates(self.deals), *_due_rates(self.due)]
            return _with_intervals(rows, self.level)
        groups = list(self.deals.groupby(self.by, sort=True, dropna=False))
        counted = [_deal_rates(part) for _, part in groups]
        frame = _with_intervals([row for rows in counted for row in rows], self.level)
        labels = [label for (label, _), rows in zip(groups, counted, strict=True) for _ in rows]
        frame.insert(0, self.by, label_column(labels))
        return frame

    def by_pushes(self) -> pd.DataFrame:
        """Return how deals ended by how often they had been pushed.

        A deal must live on to be pushed, so the win rates tell which deals are pushed, not what a push does.

        Returns
        -------
        DataFrame
            Columns pushes ("0", "1", "2", "3+"), deals, open, won, ended (other ends), win_rate of closed
            deals with its Wilson interval (lower, upper) and reason.

        Examples
        --------
        >>> row = {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"}
        >>> slippage([row], as_of="2024-03-01").by_pushes()[["pushes", "deals"]].values.tolist()
        [['0', 1], ['1', 0], ['2', 0], ['3+', 0]]
        """
        pushes = np.minimum(self.deals["n_pushes"].to_numpy(), _MOST_PUSHES)
        size = _MOST_PUSHES + 1
        outcome = self.deals["outcome"].to_numpy()
        deals, still, won = (
            np.bincount(pushes[mask], minlength=size)
            for mask in (np.ones(len(pushes), bool), outcome == "open", outcome == "won")
        )
        closed = deals - still
        lower, upper = _kernels.wilson(won.astype(float), closed.astype(float), self.level)
        return pd.DataFrame(
            {
                "pushes": [*map(str, range(_MOST_PUSHES)), f"{_MOST_PUSHES}+"],
                "deals": deals,
                "open": still,
                "won": won,
                "ended": closed - won,
                "win_rate": np.divide(won, closed, out=np.full(size, np.nan), where=closed > 0),
                "lower": lower,
                "upper": upper,
                "reason": pd.Series([None if n else "no closed deal" for n in closed.tolist()], dtype=object),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> row = {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"}
        >>> slippage([row], as_of="2024-03-01").to_dict()["n_undated"]
        0
        """
        return {
            "kind": "slippage",
            "version": __version__,
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "level": self.level,
            "n_undated": self.n_undated,
            "rates": jsonable(self.rates()),
            "due": jsonable(self.due),
            "by_pushes": jsonable(self.by_pushes()),
            "deals": jsonable(self.deals),
        }

    def explain(self, deal_id: Hashable) -> str:
        """Say in words how the expected close of one deal moved.

        Parameters
        ----------
        deal_id : hashable

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If the deal stated no expected close.

        Examples
        --------
        >>> row = {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"}
        >>> slippage([row], as_of="2024-03-01").explain(1)
        'Deal 1 was first expected on 2024-02-15; pushed 0 times, pulled in 0 times, now 2024-02-15: ...'
        """
        mine = self.deals[[bool(label == deal_id) for label in self.deals["deal_id"].tolist()]]
        if not len(mine):
            raise refuse("deal_id", "stated no expected close", deal_id)
        row = mine.iloc[0]
        late = ", overdue" if row["is_overdue"] else ""
        return (
            f"Deal {deal_id!r} was first expected on {row['first_expected'].date()}; pushed "
            f"{row['n_pushes']} times, pulled in {row['n_pulls']} times, now {row['expected'].date()}: "
            f"{row['outcome']}{late}."
        )

    def _repr_html_(self) -> str:
        facts = {"known as of": self.as_of, "deals": len(self.deals), "without a date": self.n_undated}
        tables = [("rates", self.rates()), ("by pushes", self.by_pushes()), ("due", self.due)]
        return _display.html_card("Slippage", facts, tables)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what became of the deals due in each period: won, lost, slipped.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> row = {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"}
        >>> slippage([row], as_of="2024-03-01", period="month").plot().get_ylabel()
        'deals due'
        """
        from salesops.forecast import plot

        return plot.due(self.due, self.as_of, ax=ax)


def slippage(
    history: object,
    *,
    as_of: object = None,
    expected: str = "expected_close",
    calendar: FiscalCalendar | Sequence[Period] | None = None,
    period: By | None = None,
    by: str | None = None,
    reopened: Literal["refused", "first close", "last close"] = "refused",
    level: float = 0.95,
) -> Slippage:
    """Measure how expected close dates hold: pushes, slippage out of a period, overdue deals.

    Only what had been stated before a period began decides which deals were due in it; a date that was moved
    in time does not hide that the deal slipped out of a later period.

    Parameters
    ----------
    history : History or table
        Dated events; every event may state the expected close as it was known from then on.
    as_of : date or ISO text, optional
        The last day that is visible. Default: the day of the snapshot, else the last day with an event.
    expected : str, default "expected_close"
        Column with the expected close.
    calendar, period
        As in :func:`funnel`; default quarters of the calendar year.
    by : str, optional
        Column that segments deals, as their first event states it.
    reopened : {"refused", "first close", "last close"}, default "refused"
        As in :func:`funnel`.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Slippage

    Raises
    ------
    InvalidInput
        If the log contradicts itself, or the column of expected closes is missing or holds what is no date.

    Examples
    --------
    >>> log = [
    ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "expected_close": "2024-02-15"},
    ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-02-10", "expected_close": "2024-03-10"},
    ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-03-08", "expected_close": None},
    ...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-15", "expected_close": "2024-02-28"},
    ...     {"deal_id": 2, "stage": "won", "entered_on": "2024-02-20", "expected_close": None},
    ... ]
    >>> result = slippage(log, as_of="2024-03-31", period="month")
    >>> result.due[["period", "due", "won", "slipped"]].values.tolist()
    [['2024-01', 0, 0, 0], ['2024-02', 2, 1, 1], ['2024-03', 1, 1, 0]]
    >>> result.to_frame()[["deal_id", "n_pushes", "days_moved", "days_late"]].values.tolist()
    [[1.0, 1.0, 24.0, 22.0], [2.0, 0.0, 0.0, -8.0]]
    """
    check_choice("reopened", reopened, _paths.REOPENED)
    check_level(level)
    periods = read_calendar(calendar, period or ("quarter" if calendar is None else None)) or _QUARTERS
    faults: list[Problem] = []
    if isinstance(history, History):
        whole = history
    else:
        ends = ("won", "lost", ())
        whole = read_events(history, ends=ends, zone=None, columns=None, faults=faults)
    raise_all("history", faults)
    if as_of is None and whole.as_of is None and whole.days is None:
        raise refuse("as_of", "must be stated for a history without events", None, hint="pass as_of=")
    last = whole.as_of or (whole.days or (None, None))[1]
    day = day_of("as_of", as_of if as_of is not None else last)
    seen = cut(whole, day, faults)
    ends_named = (seen.won, seen.lost, *seen.no_decision)
    stages = tuple(name for name in seen.events.stages if name not in ends_named)
    paths = _paths.follow(seen, stages, reopened=reopened, faults=faults)
    if paths is None:
        raise InvalidInput("history: problems", faults)
    said = _Said.of(seen, paths, expected, faults)
    labels, segment = read_segments(seen, paths, by, None, faults)
    raise_all("history", faults)
    first = paths.created.min().item() if paths.n_deals else day
    spans = periods.spans(first, day)
    deals = _deals(seen, paths, said, day)
    if by is not None:
        mine = np.flatnonzero(said.dated)
        deals.insert(1, by, label_column([labels[k] for k in segment[mine].tolist()]))
    return Slippage(
        as_of=day,
        by=by,
        level=float(level),
        n_undated=int((~said.dated).sum()),
        deals=deals,
        due=_due(paths, said, spans, day, float(level)),
    )


@attrs.frozen(kw_only=True, eq=False)
class _Said:
    """What open deals stated, event by event: the expected close, and the amount if there is one."""

    deal: Ints
    day: Dates
    expected: Dates
    amount: Floats | None
    dated: Mask

    @classmethod
    def of(cls, seen: History, paths: Paths, column: str, faults: list[Problem]) -> _Said:
        events = seen.events
        reader = Reader(events.facts, "history", key=("deal_id",), faults=faults)
        stated = reader.dates(column, zone=seen.zone, optional=reader.has(column))
        amount = reader.numbers("amount", missing=math.nan) if reader.has("amount") else None
        ends = (seen.won, seen.lost, *seen.no_decision)
        is_end = np.isin(np.array([*events.stages, ""], dtype=object), ends)[events.stage]
        ended = paths.ended[events.deal] if paths.n_deals else events.day
        counts = ~is_end & (np.isnat(ended) | (events.day <= ended))
        dated = np.zeros(paths.n_deals, dtype=bool)
        dated[events.deal[counts & ~np.isnat(stated)]] = True
        return cls(
            deal=events.deal[counts],
            day=events.day[counts],
            expected=stated[counts],
            amount=None if amount is None else amount[counts],
            dated=dated,
        )

    def before(self, start: np.datetime64) -> tuple[Dates, Floats | None]:
        """Take the last expected close and amount that each deal stated before a day."""
        early = self.day < start
        expected = np.full(len(self.dated), np.datetime64("NaT", "D"))
        rows = np.flatnonzero(early & ~np.isnat(self.expected))
        expected[self.deal[rows]] = self.expected[rows]
        if self.amount is None:
            return expected, None
        amount = np.full(len(self.dated), np.nan)
        rows = np.flatnonzero(early & ~np.isnan(self.amount))
        amount[self.deal[rows]] = self.amount[rows]
        return expected, amount


def _deals(seen: History, paths: Paths, said: _Said, day: dt.date) -> pd.DataFrame:
    rows = np.flatnonzero(~np.isnat(said.expected))
    deal, expected = said.deal[rows], said.expected[rows]
    n = paths.n_deals
    first, last = np.full(n, np.datetime64("NaT", "D")), np.full(n, np.datetime64("NaT", "D"))
    first[deal[::-1]], last[deal] = expected[::-1], expected
    same = deal[1:] == deal[:-1]
    moved = (expected[1:] - expected[:-1]).astype(np.int64)
    pushes = np.bincount(deal[1:][same & (moved > 0)], minlength=n)
    pulls = np.bincount(deal[1:][same & (moved < 0)], minlength=n)
    outcome = np.array(["open", "won", "lost", *seen.no_decision], dtype=object)[paths.outcome]
    mine = np.flatnonzero(said.dated)
    overdue = (paths.outcome == 0) & (last < np.datetime64(day, "D"))
    late = (paths.ended - first)[mine]
    return pd.DataFrame(
        {
            "deal_id": id_column(seen.events.deals.values[mine]),
            "first_expected": first[mine].astype("datetime64[s]"),
            "expected": last[mine].astype("datetime64[s]"),
            "n_pushes": pushes[mine],
            "n_pulls": pulls[mine],
            "days_moved": (last - first)[mine].astype(np.int64),
            "outcome": pd.Series(outcome[mine], dtype=object),
            "closed_on": paths.ended[mine].astype("datetime64[s]"),
            "days_late": np.where(np.isnat(late), np.nan, late.astype(np.float64)),
            "is_overdue": overdue[mine],
        }
    )


def _due(paths: Paths, said: _Said, spans: Spans, day: dt.date, level: float) -> pd.DataFrame:
    """Count, for each period that is over, the deals due in it and what became of them by its end."""
    rows = []
    after = np.datetime64(day, "D") + np.timedelta64(1, "D")
    for k, label in enumerate(spans.labels):
        start, end = spans.starts[k], spans.ends[k]
        if end > after:
            break
        expected, amount = said.before(start)
        still = np.isnat(paths.ended) | (paths.ended >= start)
        due = (paths.begun < start) & still & (expected >= start) & (expected < end)
        closed = due & (paths.ended < end)
        won, slipped = closed & (paths.outcome == 1), due & ~closed
        row: dict[str, Any] = {
            "period": label,
            "starts_on": start.astype("datetime64[s]"),
            "due": int(due.sum()),
            "won": int(won.sum()),
            "lost": int((closed & ~won).sum()),
            "slipped": int(slipped.sum()),
        }
        if amount is not None:
            for name, mask in (("due", due), ("won", won), ("slipped", slipped)):
                row[f"{name}_amount"] = math.fsum(amount[mask & ~np.isnan(amount)].tolist())
        rows.append(row)
    frame = pd.DataFrame(rows, columns=None if rows else ["period", "starts_on", *_COUNTS])
    n = frame["due"].to_numpy(dtype=np.float64)
    for name, column in (("slip_rate", "slipped"), ("win_rate", "won")):
        hits = frame[column].to_numpy(dtype=np.float64)
        frame[name] = np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0)
        frame[f"{name}_lower"], frame[f"{name}_upper"] = _kernels.wilson(hits, n, level)
    frame["reason"] = pd.Series([None if k else "no deal was due" for k in n.tolist()], dtype=object)
    return frame


_COUNTS = ("due", "won", "lost", "slipped")


def _deal_rates(deals: pd.DataFrame) -> list[tuple[str, int, int, str, str]]:
    still = deals["outcome"] == "open"
    pushed = int((deals["n_pushes"] > 0).sum())
    overdue = int(deals["is_overdue"].sum())
    return [
        (
            "pushed at least once",
            pushed,
            len(deals),
            "deals pushed / deals with a date",
            "no deal has a date",
        ),
        ("overdue", overdue, int(still.sum()), "open deals past their date / open deals", "no open deal"),
    ]


def _due_rates(due: pd.DataFrame) -> list[tuple[str, int, int, str, str]]:
    n, reason = int(due["due"].sum()), "no deal was due in a period that is over"
    return [
        ("slipped", int(due["slipped"].sum()), n, "open at the end of the period / due in it", reason),
        ("won when due", int(due["won"].sum()), n, "won by the end of the period / due in it", reason),
    ]


def _with_intervals(rows: list[tuple[str, int, int, str, str]], level: float) -> pd.DataFrame:
    hits = np.array([row[1] for row in rows], dtype=np.float64)
    n = np.array([row[2] for row in rows], dtype=np.float64)
    lower, upper = _kernels.wilson(hits, n, level)
    return pd.DataFrame(
        {
            "measure": [row[0] for row in rows],
            "value": np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0),
            "lower": lower,
            "upper": upper,
            "hits": hits.astype(np.int64),
            "n": n.astype(np.int64),
            "basis": [row[3] for row in rows],
            "reason": pd.Series([None if row[2] else row[4] for row in rows], dtype=object),
        }
    )
