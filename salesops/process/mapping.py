"""How work really flows: what follows what, how often, and how long it takes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import refuse
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.process._log import Log, read_log, seconds

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

__all__ = ["Activity", "Edge", "ProcessMap", "Variant", "process_map"]


@attrs.frozen(kw_only=True)
class Activity:
    """One step of the process.

    Parameters
    ----------
    name : str
    events : int
        How often it happened.
    cases : int
        In how many cases.
    starts, ends : int
        In how many cases it came first, and last.
    rework : int
        In how many cases it happened more than once.
    place : float
        Its mean place in a case, from 0 (first) to 1 (last).

    Examples
    --------
    >>> from salesops import process
    >>> log = [{"case_id": 1, "activity": "call", "at": "2024-01-01"}]
    >>> process.process_map(log).activities[0].events
    1
    """

    name: str
    events: int
    cases: int
    starts: int
    ends: int
    rework: int
    place: float


@attrs.frozen(kw_only=True)
class Edge:
    """One step that directly follows another.

    Parameters
    ----------
    source, target : str
    count : int
        How often.
    cases : int
        In how many cases.
    mean_seconds, median_seconds, min_seconds, max_seconds : float
        Time between the two.

    Examples
    --------
    >>> from salesops import process
    >>> log = [
    ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
    ...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
    ... ]
    >>> process.process_map(log).edges[0].median_seconds
    86400.0
    """

    source: str
    target: str
    count: int
    cases: int
    mean_seconds: float
    median_seconds: float
    min_seconds: float
    max_seconds: float


@attrs.frozen(kw_only=True)
class Variant:
    """One way through the process.

    Parameters
    ----------
    activities : tuple of str
    cases : int
        How many took it.
    share : float
        Of all cases.

    Examples
    --------
    >>> from salesops import process
    >>> log = [{"case_id": 1, "activity": "call", "at": "2024-01-01"}]
    >>> process.process_map(log).variants[0].activities
    ('call',)
    """

    activities: tuple[str, ...]
    cases: int
    share: float


@attrs.frozen(kw_only=True, repr=False)
class ProcessMap:
    """What directly follows what, from :func:`process_map`.

    Parameters
    ----------
    events, cases : int
    ties : int
        Events at the same time as the one before them in their case; rows decide which came first.
    activities : tuple of Activity
        Most frequent first.
    edges : tuple of Edge
        Most frequent first.
    variants : tuple of Variant
        Most frequent first.
    mean_seconds, median_seconds, max_seconds : float
        From the first to the last event of a case; NaN without cases.

    Examples
    --------
    >>> from salesops import process
    >>> log = [
    ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
    ...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
    ...     {"case_id": 2, "activity": "call", "at": "2024-01-03"},
    ... ]
    >>> process.process_map(log)
    ProcessMap(3 events, 2 cases, 2 activities, 1 edge, 2 variants)
    """

    events: int
    cases: int
    ties: int
    activities: tuple[Activity, ...]
    edges: tuple[Edge, ...]
    variants: tuple[Variant, ...]
    mean_seconds: float
    median_seconds: float
    max_seconds: float

    def __repr__(self) -> str:
        sizes = [
            (self.events, "event"),
            (self.cases, "case"),
            (len(self.activities), "activity"),
            (len(self.edges), "edge"),
            (len(self.variants), "variant"),
        ]
        return f"ProcessMap({', '.join(_counted(n, noun) for n, noun in sizes)})"

    @property
    def starts(self) -> dict[str, int]:
        """Activities that came first in a case, and in how many."""
        return {a.name: a.starts for a in self.activities if a.starts}

    @property
    def ends(self) -> dict[str, int]:
        """Activities that came last in a case, and in how many."""
        return {a.name: a.ends for a in self.activities if a.ends}

    @property
    def rework(self) -> dict[str, int]:
        """Activities that happened more than once in a case, and in how many."""
        return {a.name: a.rework for a in self.activities if a.rework}

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each step that follows another.

        Returns
        -------
        DataFrame
            Columns source, target, count, cases, mean_seconds, median_seconds, min_seconds, max_seconds.

        Examples
        --------
        >>> from salesops import process
        >>> log = [
        ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
        ...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
        ... ]
        >>> process.process_map(log).to_frame()[["source", "target", "count"]].values.tolist()
        [['call', 'offer', 1]]
        """
        names = [field.name for field in attrs.fields(Edge)]
        return pd.DataFrame([attrs.asdict(edge) for edge in self.edges], columns=names)

    def to_networkx(self) -> nx.DiGraph[Hashable]:
        """Return the map as a directed graph.

        Returns
        -------
        networkx.DiGraph
            Nodes carry events, cases, starts, ends, rework; edges count, cases and the times.

        Examples
        --------
        >>> from salesops import process
        >>> log = [
        ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
        ...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
        ... ]
        >>> process.process_map(log).to_networkx()["call"]["offer"]["count"]
        1
        """
        import networkx as nx

        graph: nx.DiGraph[Hashable] = nx.DiGraph()
        for activity in self.activities:
            facts = attrs.asdict(activity)
            graph.add_node(facts.pop("name"), **facts)
        for edge in self.edges:
            facts = attrs.asdict(edge)
            graph.add_edge(facts.pop("source"), facts.pop("target"), **facts)
        return graph

    def to_dict(self) -> dict[str, Any]:
        """Return the map as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "call", "at": "2024-01-01"}]
        >>> process.process_map(log).to_dict()["cases"]
        1
        """
        plain = {
            field.name: jsonable(getattr(self, field.name))
            for field in attrs.fields(type(self))
            if field.name not in ("activities", "edges", "variants")
        }
        lists = {
            name: [jsonable(attrs.asdict(item)) for item in getattr(self, name)]
            for name in ("activities", "edges", "variants")
        }
        return {"kind": "process_map", "version": __version__, **plain, **lists}

    def explain(self) -> str:
        """Say in words how cases flow, and where they wait.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import process
        >>> log = [
        ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
        ...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
        ... ]
        >>> print(process.process_map(log).explain())
        1 case took 1 way through 2 activities; the most frequent one, call > offer, took 100.0 % of them. ...
        """
        if not self.cases:
            return "There are no events."
        first = self.variants[0]
        said = [
            f"{_counted(self.cases, 'case')} took {_counted(len(self.variants), 'way')} through "
            f"{_counted(len(self.activities), 'activity')}; the most frequent one, "
            f"{' > '.join(first.activities)}, took {_display.percent(first.share)} of them.",
            f"Half of the cases took {_span(self.median_seconds)} or less from the first event to the last.",
        ]
        if self.edges:
            slow = max(self.edges, key=lambda e: (e.mean_seconds * e.count, e.source, e.target))
            total = sum(e.mean_seconds * e.count for e in self.edges)
            if total > 0:
                said.append(
                    f"Most time passes between {slow.source} and {slow.target}: "
                    f"{_display.percent(slow.mean_seconds * slow.count / total)} of all time, median "
                    f"{_span(slow.median_seconds)}."
                )
        again = max(self.activities, key=lambda a: (a.rework, a.name))
        if again.rework:
            said.append(
                f"Most repeated: {again.name}, more than once in {_counted(again.rework, 'case')} "
                f"({_display.percent(again.rework / self.cases)})."
            )
        if self.ties:
            said.append(
                f"{_counted(self.ties, 'event')} happened at the same time as the one before in the case; "
                "rows decide their order."
            )
        return " ".join(said)

    def _repr_html_(self) -> str:
        facts = {
            "events": self.events,
            "cases": self.cases,
            "variants": len(self.variants),
            "median case": _span(self.median_seconds),
            "ties": self.ties,
        }
        edges = self.to_frame()
        for name in ("mean_seconds", "median_seconds", "min_seconds", "max_seconds"):
            edges[name.removesuffix("_seconds")] = [_span(value) for value in edges.pop(name)]
        steps = pd.DataFrame(
            [attrs.asdict(a) for a in self.activities], columns=[f.name for f in attrs.fields(Activity)]
        )
        ways = pd.DataFrame(
            [(" > ".join(v.activities), v.cases, _display.percent(v.share)) for v in self.variants[:10]],
            columns=["variant", "cases", "share"],
        )
        tables = [
            ("activities", steps.drop(columns="place")),
            ("what follows what", edges),
            ("variants", ways),
        ]
        return _display.html_card("Process map", facts, tables, notes=[self.explain()])

    def plot(self, ax: Axes | None = None, *, min_share: float = 0.05) -> Axes:
        """Draw activities from first to last, and the steps between them.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.
        min_share : float, default 0.05
            Leave out what fewer than this share of cases did.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "call", "at": "2024-01-01"}]
        >>> process.process_map(log).plot().get_title(loc="left")
        '1 case, 1 variant; steps of at least 5 % of cases'
        """
        from salesops.process import plot

        if isinstance(min_share, bool) or not isinstance(min_share, (int, float)) or not 0 <= min_share <= 1:
            raise refuse("min_share", "is a share, 0 to 1", min_share)
        floor = min_share * self.cases
        steps = [(a.name, a.events, a.place) for a in self.activities if a.cases >= floor]
        kept = {name for name, _, _ in steps}
        arrows = [
            (e.source, e.target, e.count, _span(e.median_seconds))
            for e in self.edges
            if e.cases >= floor and e.source in kept and e.target in kept
        ]
        title = (
            f"{_counted(self.cases, 'case')}, {_counted(len(self.variants), 'variant')}; "
            f"steps of at least {100 * min_share:g} % of cases"
        )
        return plot.flow(steps, arrows, title, ax=ax)


def process_map(
    events: object, *, zone: str | None = None, columns: Mapping[str, str] | None = None
) -> ProcessMap:
    """Draw the process from its log: which step directly follows which, how often, and after how long.

    Parameters
    ----------
    events : table
        ``case_id``, ``activity`` (text) and ``at`` (a moment or a day).
    zone : str, optional
        Business time zone (``"Europe/Berlin"``); needed if the times carry an offset.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    ProcessMap

    Raises
    ------
    InvalidInput
        If an id, an activity or a time is missing or cannot be meant.

    Notes
    -----
    Events are put in order of time within their case. Events of one case at one time keep the order of
    their rows, the only trace of what came first; ``ties`` counts them. Else the order of rows is nothing.
    O(n log n).

    References
    ----------
    W. M. P. van der Aalst (2016), "Process Mining: Data Science in Action".

    Examples
    --------
    >>> log = [
    ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
    ...     {"case_id": 1, "activity": "offer", "at": "2024-01-02"},
    ...     {"case_id": 2, "activity": "call", "at": "2024-01-03"},
    ... ]
    >>> process_map(log).ends
    {'call': 1, 'offer': 1}
    """
    log = read_log(events, zone=zone, columns=columns)
    n_cases = len(log.cases)
    whole = (
        seconds(log.times[log.bounds[1:] - 1] - log.times[log.bounds[:-1]]) if n_cases else np.full(1, np.nan)
    )
    return ProcessMap(
        events=len(log.case),
        cases=n_cases,
        ties=log.ties,
        activities=_activities(log),
        edges=_edges(log),
        variants=_variants(log),
        mean_seconds=float(whole.mean()),
        median_seconds=float(np.median(whole)),
        max_seconds=float(whole.max()),
    )


def _activities(log: Log) -> tuple[Activity, ...]:
    n = len(log.names)
    pairs, often = np.unique(log.case * max(n, 1) + log.activity, return_counts=True)
    who = pairs % max(n, 1)
    size = np.diff(log.bounds)
    place = np.arange(len(log.case)) - log.bounds[:-1][log.case]
    place = place / np.maximum(size[log.case] - 1, 1)
    figures = {
        "events": np.bincount(log.activity, minlength=n),
        "cases": np.bincount(who, minlength=n),
        "starts": np.bincount(log.activity[log.bounds[:-1]], minlength=n),
        "ends": np.bincount(log.activity[log.bounds[1:] - 1], minlength=n),
        "rework": np.bincount(who[often > 1], minlength=n),
    }
    mean = np.bincount(log.activity, weights=place, minlength=n) / np.maximum(figures["events"], 1)
    found = [
        Activity(
            name=name, place=float(mean[k]), **{field: int(column[k]) for field, column in figures.items()}
        )
        for k, name in enumerate(log.names)
    ]
    return tuple(sorted(found, key=lambda a: (-a.events, a.name)))


def _edges(log: Log) -> tuple[Edge, ...]:
    n = len(log.names)
    inner = np.flatnonzero(log.case[1:] == log.case[:-1])
    step = log.activity[inner] * n + log.activity[inner + 1]
    took = seconds(log.times[inner + 1] - log.times[inner])
    order = np.lexsort([took, step])
    step, took, owner = step[order], took[order], log.case[inner][order]
    kinds, first = np.unique(step, return_index=True)
    ends = [*first.tolist(), len(step)][1:]
    found = [
        _edge(log.names[kind // n], log.names[kind % n], took[a:b], owner[a:b])
        for kind, a, b in zip(kinds.tolist(), first.tolist(), ends, strict=True)
    ]
    return tuple(sorted(found, key=lambda e: (-e.count, e.source, e.target)))


def _edge(source: str, target: str, took: npt.NDArray[np.float64], owner: npt.NDArray[np.int64]) -> Edge:
    return Edge(
        source=source,
        target=target,
        count=len(took),
        cases=len(np.unique(owner)),
        mean_seconds=float(took.mean()),
        median_seconds=float(np.median(took)),
        min_seconds=float(took[0]),
        max_seconds=float(took[-1]),
    )


def _variants(log: Log) -> tuple[Variant, ...]:
    tally: dict[tuple[int, ...], int] = {}
    for trace in log.traces():
        tally[trace] = tally.get(trace, 0) + 1
    found = [
        Variant(
            activities=tuple(log.names[code] for code in trace), cases=cases, share=cases / len(log.cases)
        )
        for trace, cases in tally.items()
    ]
    return tuple(sorted(found, key=lambda v: (-v.cases, v.activities)))


def _counted(n: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("ty") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def _span(seconds_: float) -> str:
    """Write a span of time in the unit that fits."""
    if np.isnan(seconds_):
        return "–"
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds_ >= size:
            return f"{seconds_ / size:.1f} {unit}"
    return f"{seconds_:.0f} s"
