"""How deals end, segment by segment, straight from a table with one row for each deal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._calendar import check_zone, day_of
from salesops._faults import closest, refuse
from salesops._frames import Ids, Labels, Reader, jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _kernels, survival
from salesops.forecast._arrays import label_column
from salesops.forecast._events import check_dates, check_ends
from salesops.forecast.incidence import IncidenceCurves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["OutcomeCurves", "outcome_curves"]

_CHUNK = 1 << 15
_NO_TIME = np.iinfo(np.int64).min

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class OutcomeCurves:
    """Won against the other ends by age, for each segment and for all deals, from :func:`outcome_curves`.

    Attributes
    ----------
    as_of : date
        The last day that was visible.
    by : str or None
        Column that segments deals.
    segments : tuple of hashable
        Segments, sorted.
    parts : tuple of IncidenceCurves
        Their curves, by days since the deal was created; open deals censored.
    whole : IncidenceCurves
        The curves of all deals.
    counts : mapping of str to int
        What became of the rows: used, later (created after `as_of`), undated, unfinished (closed without a
        day) and ended_unobserved (closed before `observed_from`).

    Examples
    --------
    >>> deals = {
    ...     "created_on": ["2024-01-01", "2024-01-01"],
    ...     "closed_on": ["2024-01-11", None],
    ...     "outcome": ["won", "open"],
    ... }
    >>> outcome_curves(deals, as_of="2024-02-01")
    OutcomeCurves(n=2, won=1, lost=0, open=1, as_of=2024-02-01)
    """

    as_of: dt.date
    by: str | None
    segments: tuple[Hashable, ...]
    parts: tuple[IncidenceCurves, ...]
    whole: IncidenceCurves
    counts: Mapping[str, int]

    def part(self, segment: Hashable) -> IncidenceCurves:
        """Take the curves of one segment.

        Parameters
        ----------
        segment : hashable

        Returns
        -------
        IncidenceCurves

        Raises
        ------
        InvalidInput
            If there is no such segment.

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": [None], "team": ["north"]}
        >>> outcome_curves(deals, by="team", as_of="2024-02-01").part("north").n
        1
        """
        for label, part in zip(self.segments, self.parts, strict=True):
            if label == segment and type(label) is type(segment):
                return part
        fault = Problem(
            path="segment",
            message="is not a segment of these curves",
            values=(show(segment),),
            hint=f"segments are {', '.join(map(show, self.segments[:20])) or 'not measured; pass by='}",
            suggestions=closest(segment, self.segments),
        )
        raise InvalidInput("segment: 1 problem", [fault])

    def at(self, ages: Sequence[float] | float) -> pd.DataFrame:
        """Read the curves of all segments at some ages.

        Parameters
        ----------
        ages : float or sequence of float
            Days since the deal was created.

        Returns
        -------
        DataFrame
            Columns age, one for each end, open, and first the segment if there are any; missing above the
            last age that a segment has seen.

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": ["2024-01-06"], "outcome": ["won"]}
        >>> outcome_curves(deals, as_of="2024-02-01").at(5)["won"].tolist()
        [1.0]
        """
        return self._stacked([curves.at(ages) for curves in self._curves()])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each segment, age and state.

        Returns
        -------
        DataFrame
            The columns of :meth:`IncidenceCurves.to_frame`, and first the segment if there are any.

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": ["2024-01-06"], "outcome": ["won"]}
        >>> outcome_curves(deals, as_of="2024-02-01").to_frame()["state"].tolist()
        ['won', 'lost', 'open']
        """
        return self._stacked([curves.to_frame() for curves in self._curves()])

    def final(self) -> pd.DataFrame:
        """Return the share that each end has reached at the last age seen, with its interval and cases.

        Returns
        -------
        DataFrame
            Columns state, n, ended, share, lower, upper, and first the segment if there are any.

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": ["2024-01-06"], "outcome": ["won"]}
        >>> outcome_curves(deals, as_of="2024-02-01").final()[["state", "n", "share"]].values.tolist()
        [['won', 1, 1.0], ['lost', 1, 0.0]]
        """
        frames = []
        for curves in self._curves():
            final = np.array([curves.final(cause) for cause in curves.causes])
            frames.append(
                pd.DataFrame(
                    {
                        "state": list(curves.causes),
                        "n": curves.n,
                        "ended": curves.events.sum(axis=0),
                        "share": final[:, 0],
                        "lower": final[:, 1],
                        "upper": final[:, 2],
                    }
                )
            )
        return self._stacked(frames)

    def _curves(self) -> tuple[IncidenceCurves, ...]:
        return (self.whole,) if self.by is None else self.parts

    def _stacked(self, frames: list[pd.DataFrame]) -> pd.DataFrame:
        if self.by is None:
            return frames[0]
        sizes = [len(frame) for frame in frames]
        stacked = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        labels = [label for label, n in zip(self.segments, sizes, strict=True) for _ in range(n)]
        name = self.by if self.by not in stacked.columns else f"segment_{self.by}"
        stacked.insert(0, name, label_column(labels))
        return stacked

    def to_dict(self) -> dict[str, Any]:
        """Return the curves as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": ["2024-01-06"], "outcome": ["won"]}
        >>> outcome_curves(deals, as_of="2024-02-01").to_dict()["counts"]["used"]
        1
        """
        return {
            "kind": "outcome_curves",
            "version": __version__,
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "counts": dict(self.counts),
            "whole": self.whole.to_dict(),
            "segments": [
                {"segment": jsonable(label), **part.to_dict()}
                for label, part in zip(self.segments, self.parts, strict=True)
            ],
        }

    def explain(self, segment: Hashable = None, *, age: float | None = None) -> str:
        """Say in words what had happened by an age (default: the last one seen).

        Parameters
        ----------
        segment : hashable, optional
            Default: all deals.
        age : float, optional

        Returns
        -------
        str

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": ["2024-01-06"], "outcome": ["won"]}
        >>> print(outcome_curves(deals, as_of="2024-02-01").explain())
        By age 5: won 100.0 %, lost 0.0 %, open 0.0 %, estimated from 1 deals of which 0 were still open ...
        """
        return (self.whole if segment is None else self.part(segment)).explain(age)

    def __repr__(self) -> str:
        ended = ", ".join(
            f"{cause}={int(k)}"
            for cause, k in zip(self.whole.causes, self.whole.events.sum(axis=0), strict=True)
        )
        parts = "" if self.by is None else f"segments={len(self.segments)}, "
        still = int(self.whole.censored.sum())
        return f"OutcomeCurves(n={self.whole.n}, {ended}, open={still}, {parts}as_of={self.as_of})"

    def _repr_html_(self) -> str:
        facts = {"known as of": self.as_of, **{name.replace("_", " "): n for name, n in self.counts.items()}}
        return _display.html_card("How deals end", facts, [("at the last age seen", self.final())])

    def plot(self, ax: Axes | None = None, *, cause: str = "won") -> Axes:
        """Draw the share that ended by one cause, a line with its band for each segment.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.
        cause : str, default "won"

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> deals = {"created_on": ["2024-01-01"], "closed_on": ["2024-01-06"], "outcome": ["won"]}
        >>> outcome_curves(deals, as_of="2024-02-01").plot().get_ylabel()
        'share of deals'
        """
        from salesops.forecast import plot

        if self.by is None:
            return self.whole.plot(ax)
        bands = {
            f"{label} ({part.n:,})": (
                part.ages,
                part.share[:, part.causes.index(cause)],
                part.interval(cause),
            )
            for label, part in zip(self.segments, self.parts, strict=True)
        }
        return plot.segment_curves(bands, f"Share {cause} by {self.by}, as of {self.as_of}", ax=ax)


def outcome_curves(
    deals: object,
    *,
    as_of: object,
    by: str | None = None,
    observed_from: object = None,
    still_open: str = "open",
    won: str = "won",
    lost: str = "lost",
    no_decision: str | Sequence[str] = (),
    zone: str | None = None,
    level: float = 0.95,
    columns: Mapping[str, str] | None = None,
) -> OutcomeCurves:
    """Estimate how deals end by age, for each segment, from a table with one row for each deal.

    This is the fast road for big tables: two dates, an outcome and a segment are all it reads. Deals created
    after `as_of` are left out, and those that closed after it are open, as they were on that day.

    Parameters
    ----------
    deals : table
        Columns created_on, closed_on, outcome, and that of `by`.
    as_of : date or ISO text
        The last day that is visible.
    by : str, optional
        Column that segments deals; it must have been known when the deal was created.
    observed_from : date or ISO text, optional
        First day on which closes were recorded. Deals opened before it come under observation late; deals
        closed before it are left out and counted.
    still_open : str, default "open"
        The outcome that means not closed; a missing outcome means the same.
    won, lost, no_decision, zone, columns
        As in :meth:`History.from_deals`.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    OutcomeCurves

    Raises
    ------
    InvalidInput
        If an outcome is unknown, a deal is closed before it was created, an open deal has a close date, or a
        segment is missing.

    Notes
    -----
    As :func:`competing_risks` on whole days. Deals are counted in one pass over segment x age x end, so that
    the time is O(deals + segments x ages).

    Examples
    --------
    >>> deals = {
    ...     "created_on": ["2024-01-01", "2024-01-01", "2024-01-05"],
    ...     "closed_on": ["2024-01-11", None, "2024-01-15"],
    ...     "outcome": ["won", "open", "lost"],
    ...     "team": ["north", "north", "south"],
    ... }
    >>> outcome_curves(deals, by="team", as_of="2024-02-01").at(10)[["team", "won", "open"]].values.tolist()
    [['north', 0.5, 0.5], ['south', 0.0, 0.0]]
    """
    ends = check_ends(won, lost, no_decision)
    check_zone(zone)
    survival.check_level(level)
    day = np.datetime64(day_of("as_of", as_of), "D")
    since = None if observed_from is None else np.datetime64(day_of("observed_from", observed_from), "D")
    if since is not None and since > day:
        raise refuse("observed_from", "must not be after as_of", f"{since}, as_of {day}")
    reader = Reader(deals, "deals", key=("deal_id",), columns=columns)
    created = _days(reader, "created_on", zone)
    later = _after(created, day)
    if later.any():
        # What is dated after the day must not even be checked: it could not have been.
        reader.frame, created = reader.frame[~later], created[~later]
    cause, closed = _outcomes(reader, ends, still_open), _days(reader, "closed_on", zone)
    if (closed < created).any() or (np.isnat(closed) < (cause == 0)).any():
        check_dates(reader, created.astype("datetime64[D]"), closed.astype("datetime64[D]"), cause > 0)
    column = None if by is None else reader.ids(by, optional=reader.has(by))
    if column is not None and reader.has(str(by)):
        reader.fault(
            str(by), column.codes < 0, "the segment is missing", hint="fill it, or leave the row out"
        )
    reader.finish()
    return _measured(
        created,
        closed,
        cause,
        column,
        day=day,
        since=since,
        by=by,
        ends=ends,
        level=float(level),
        n_later=int(later.sum()),
    )


def _measured(
    created: Dates,
    closed: Dates,
    cause: Ints,
    column: Ids | None,
    *,
    day: np.datetime64,
    since: np.datetime64 | None,
    by: str | None,
    ends: tuple[str, ...],
    level: float,
    n_later: int,
) -> OutcomeCurves:
    names, n_segments = ("won", "lost", *ends[2:]), 1 if column is None else len(column.distinct)
    counts = {"used": 0, "later": n_later, "undated": 0, "unfinished": 0}
    if since is not None:
        counts["ended_unobserved"] = 0
    # NaT is the least of all: where nothing is missing, the first day is the plain minimum.
    first_day = created.min() if len(created) else day
    if np.isnat(first_day):
        first_day = np.fmin.reduce(created, initial=day)
    width = int((day - first_day.astype("datetime64[D]")).astype(np.int64)) + 1
    count = _kernels.SegmentCount(n_segments, width, len(names), n_rows=len(created))
    for first in range(0, len(created), _CHUNK):
        rows = slice(first, first + _CHUNK)
        place = np.zeros(1, dtype=np.int64) if column is None else column.codes[rows]
        seen = _seen(created[rows], closed[rows], cause[rows], place, day, since, counts)
        count.add(*seen)
    *parts, whole = (survival.counted_curves(*one, names, level) for one in count.exits())
    survival.warn_if_exhausted(whole.ages, whole.at_risk, whole.events.sum(axis=1))
    labels = _in_order(column)
    return OutcomeCurves(
        as_of=day.astype(dt.date),
        by=by,
        segments=tuple(label for label, _ in labels),
        parts=tuple(parts[k] for _, k in labels),
        whole=whole,
        counts=counts,
    )


def _seen(
    created: Dates,
    closed: Dates,
    cause: Ints,
    place: Ints,
    day: np.datetime64,
    since: np.datetime64 | None,
    counts: dict[str, int],
) -> tuple[Ints, Ints, Ints, Ints | None]:
    """Give segment, age, end and entry of some deals as they were on the day; count those that have none."""
    (opened, undated), (ended, no_close) = _day_numbers(created), _day_numbers(closed)
    last = int(day.astype(np.int64))
    known_close = (ended <= last) & ~no_close
    age = (ended - last) * known_close + (last - opened)
    late = None if since is None else int(since.astype(np.int64)) - 1 - opened
    unused = undated | (no_close & (cause > 0))
    if late is not None:
        unseen = ~unused & (late > 0) & (late >= age)
        counts["ended_unobserved"] += int(unseen.sum())
        unused |= unseen
    place = np.broadcast_to(place, len(age))
    counts["used"] += len(age)
    if not unused.any():
        return place, age, cause * known_close, late
    counts["used"] -= int(unused.sum())
    counts["undated"] += int(undated.sum())
    counts["unfinished"] += int((no_close & (cause > 0) & ~undated).sum())
    cause = cause * known_close
    used = ~unused
    return place[used], age[used], cause[used], None if late is None else late[used]


def _day_numbers(times: Dates) -> tuple[Ints, Mask]:
    """Give days their numbers from 1970 on, much faster than as dates, and mark where none is known."""
    per_day = int(np.datetime64("1970-01-02").astype(times.dtype).astype(np.int64))
    ticks = times.view(np.int64)
    return ticks // per_day, ticks == _NO_TIME


def _after(created: Dates, day: np.datetime64) -> Mask:
    """Mark what is dated after the day; the greatest moment tells in most tables that nothing is."""
    if len(created) and created.max() < day + np.timedelta64(1, "D"):
        return np.zeros(len(created), dtype=bool)
    return created.astype("datetime64[D]") > day


def _in_order(column: Ids | None) -> list[tuple[Hashable, int]]:
    """List the segments in their order, each with its number in the column."""
    if column is None:
        return []
    each = Ids(np.arange(len(column.distinct)), column.distinct)
    labels = Labels.of(each)
    return sorted(
        ((labels[place], k) for k, place in enumerate(labels.codes(each).tolist())),
        key=lambda pair: labels.position(pair[0]),
    )


def _days(reader: Reader, column: str, zone: str | None) -> Dates:
    """Take business days; naive timestamps stay as they are, to be cut to days when they are counted."""
    if zone is None and reader.has(column):
        cells = reader.frame[column]
        if isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "M":
            return cells.to_numpy()
    return (
        reader.moments(column, zone=zone, optional=True)[1]
        if reader.has(column)
        else _missing(reader, column)
    )


def _missing(reader: Reader, column: str) -> Dates:
    reader.cells(column)
    return np.full(len(reader), np.datetime64("NaT", "D"))


def _outcomes(reader: Reader, ends: tuple[str, ...], still_open: str) -> Ints:
    """Give each outcome its number: 0 open, 1 won, 2 lost, then the others; unknown ones are faults."""
    if not reader.has("outcome"):
        return np.zeros(len(reader), dtype=np.int64)
    column = reader.ids("outcome", optional=True)
    place = {still_open: 0} | {name: k + 1 for k, name in enumerate(ends)}
    found = np.array(
        [place.get(name, -1) if isinstance(name, str) else -1 for name in column.distinct.tolist()] + [0]
    )
    code = found[column.codes]
    if (found < 0).any():
        near = {
            near: None
            for name in column.distinct.tolist()[:20]
            if name not in place
            for near in closest(name, place)
        }
        hint = f"choose one of {', '.join(map(repr, place))}"
        reader.fault("outcome", code < 0, "unknown choice", hint=hint, suggestions=[*near])
    return code.astype(np.int64, copy=False)
