"""Whether cases follow the playbook: how far each strays, and by what."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd

from salesops import _display
from salesops._faults import closest, count
from salesops._frames import id_column, jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.process._alignment import DONE, EXTRA, SKIPPED, SOURCE, Graph, Move, align
from salesops.process._log import Log, read_log
from salesops.process._playbook import read_playbook

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CaseFit", "Conformance", "Deviation", "conformance"]


@attrs.frozen(kw_only=True)
class Deviation:
    """One way in which a case strays from the playbook.

    Parameters
    ----------
    kind : {"skipped", "repeated", "out of order", "unknown"}
        A step left out; done again; done at another place than the playbook has it; not in the playbook.
    activity : str
    position : int
        Position in the case: of the event, or of the event before which the step is missing.
    reason : str
        The same in words.

    Examples
    --------
    >>> from salesops import process
    >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
    >>> process.conformance(log, ["call", "sign"]).cases[0].deviations[0].reason
    'call was skipped before sign'
    """

    kind: str
    activity: str
    position: int
    reason: str


@attrs.frozen(kw_only=True)
class CaseFit:
    """How one case compares with the playbook.

    Parameters
    ----------
    case_id : hashable
    trace : tuple of str
    cost : int
        Steps skipped and events that are extra.
    fitness : float
        One less the cost for each event and each step of the shortest way through the playbook.
    deviations : tuple of Deviation

    Examples
    --------
    >>> from salesops import process
    >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
    >>> process.conformance(log, ["call", "sign"]).cases[0].cost
    1
    """

    case_id: Hashable
    trace: tuple[str, ...]
    cost: int
    fitness: float
    deviations: tuple[Deviation, ...]


@attrs.frozen(kw_only=True, repr=False)
class Conformance:
    """How far cases stray from the playbook, and by what, from :func:`conformance`.

    Parameters
    ----------
    cases : tuple of CaseFit
    shortest : int
        Steps of the shortest way through the playbook.
    steps : tuple of str
        The playbook's steps.
    ties : int
        Events at the same time as the one before them in their case; rows decide which came first.

    Examples
    --------
    >>> from salesops import process
    >>> log = [
    ...     {"case_id": 1, "activity": "call", "at": "2024-01-01"},
    ...     {"case_id": 1, "activity": "sign", "at": "2024-01-02"},
    ...     {"case_id": 2, "activity": "sign", "at": "2024-01-02"},
    ... ]
    >>> process.conformance(log, ["call", "sign"])
    Conformance(2 cases, 1 without deviation, fitness 0.8571)
    """

    cases: tuple[CaseFit, ...]
    shortest: int
    steps: tuple[str, ...]
    ties: int

    def __repr__(self) -> str:
        return (
            f"Conformance({count(len(self.cases), 'case')}, {self.n_fitting} without deviation, "
            f"fitness {_display.number(self.fitness)})"
        )

    @property
    def n_fitting(self) -> int:
        """Cases without any deviation."""
        return sum(case.cost == 0 for case in self.cases)

    @property
    def fitness(self) -> float:
        """Fitness of the whole log: one less all cost over all it could have been; NaN without cases."""
        most = sum(len(case.trace) + self.shortest for case in self.cases)
        return 1.0 - sum(case.cost for case in self.cases) / most if most else math.nan

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each case.

        Returns
        -------
        DataFrame
            Columns case_id, n_events, cost, fitness, deviations (in words).

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
        >>> process.conformance(log, ["call", "sign"]).to_frame()["deviations"].tolist()
        ['call was skipped before sign']
        """
        return pd.DataFrame(
            {
                "case_id": _ids([case.case_id for case in self.cases]),
                "n_events": [len(case.trace) for case in self.cases],
                "cost": [case.cost for case in self.cases],
                "fitness": [case.fitness for case in self.cases],
                "deviations": ["; ".join(d.reason for d in case.deviations) for case in self.cases],
            }
        )

    def deviations(self) -> pd.DataFrame:
        """Return one row for each deviation of each case.

        Returns
        -------
        DataFrame
            Columns case_id, kind, activity, position, reason.

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
        >>> process.conformance(log, ["call", "sign"]).deviations()["kind"].tolist()
        ['skipped']
        """
        rows = [(case.case_id, d) for case in self.cases for d in case.deviations]
        return pd.DataFrame(
            {
                "case_id": _ids([owner for owner, _ in rows]),
                "kind": [d.kind for _, d in rows],
                "activity": [d.activity for _, d in rows],
                "position": [d.position for _, d in rows],
                "reason": [d.reason for _, d in rows],
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return one row for each kind of deviation and activity, most cases first.

        Returns
        -------
        DataFrame
            Columns kind, activity, cases, times, share (of cases).

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
        >>> process.conformance(log, ["call", "sign"]).summary().values.tolist()
        [['skipped', 'call', 1, 1, 1.0]]
        """
        times: dict[tuple[str, str], int] = {}
        owners: dict[tuple[str, str], int] = {}
        for case in self.cases:
            kinds = [(d.kind, d.activity) for d in case.deviations]
            for kind in kinds:
                times[kind] = times.get(kind, 0) + 1
            for kind in set(kinds):
                owners[kind] = owners.get(kind, 0) + 1
        ordered = sorted(owners, key=lambda kind: (-owners[kind], kind))
        return pd.DataFrame(
            {
                "kind": [kind for kind, _ in ordered],
                "activity": [activity for _, activity in ordered],
                "cases": [owners[key] for key in ordered],
                "times": [times[key] for key in ordered],
                "share": [owners[key] / len(self.cases) for key in ordered],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
        >>> process.conformance(log, ["call", "sign"]).to_dict()["n_fitting"]
        0
        """
        return {
            "kind": "conformance",
            "version": __version__,
            "steps": list(self.steps),
            "shortest": self.shortest,
            "ties": self.ties,
            "n_fitting": self.n_fitting,
            "fitness": jsonable(self.fitness),
            "cases": [jsonable(attrs.asdict(case)) for case in self.cases],
        }

    def explain(self, case_id: Hashable | None = None) -> str:
        """Say in words how one case strays, or all of them.

        Parameters
        ----------
        case_id : hashable, optional

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If there is no such case.

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
        >>> print(process.conformance(log, ["call", "sign"]).explain(1))
        sign: call was skipped before sign (fitness 0.667).
        """
        if case_id is not None:
            for case in self.cases:
                if case.case_id == case_id and type(case.case_id) is type(case_id):
                    strays = "; ".join(d.reason for d in case.deviations) or "follows the playbook"
                    return f"{' > '.join(case.trace)}: {strays} (fitness {case.fitness:.3g})."
            raise self._no_case(case_id)
        if not self.cases:
            return "There are no cases."
        share = self.n_fitting / len(self.cases)
        text = (
            f"{self.n_fitting:,} of {len(self.cases):,} cases ({_display.percent(share)}) follow the "
            f"playbook; fitness of the whole log is {self.fitness:.3g}."
        )
        top = self.summary().head(3)
        if len(top):
            strays = "; ".join(
                f"{activity} {kind} in {n:,} ({_display.percent(part)})"
                for kind, activity, n, part in zip(
                    top["kind"], top["activity"], top["cases"], top["share"], strict=True
                )
            )
            text += f" Most frequent: {strays}."
        return text

    def _no_case(self, case_id: Hashable) -> InvalidInput:
        known = closest(case_id, [case.case_id for case in self.cases])
        fault = Problem(path="case_id", message="no such case", values=(show(case_id),), suggestions=known)
        return InvalidInput("case_id: 1 problem", [fault])

    def _repr_html_(self) -> str:
        facts = {
            "cases": len(self.cases),
            "without deviation": self.n_fitting,
            "fitness": self.fitness,
            "playbook": " > ".join(self.steps),
        }
        worst = self.to_frame().sort_values(["fitness"], kind="stable").head(10)
        summary = self.summary()
        summary["share"] = [_display.percent(value) for value in summary["share"]]
        tables = [("deviations", summary), ("cases that stray most", worst)]
        return _display.html_card("Conformance", facts, tables, notes=[self.explain()])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the most frequent deviations.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import process
        >>> log = [{"case_id": 1, "activity": "sign", "at": "2024-01-02"}]
        >>> process.conformance(log, ["call", "sign"]).plot().get_xlabel()
        'cases'
        """
        from salesops.process import plot

        top = self.summary().head(10)
        rows = [
            (f"{activity}: {kind}", int(n))
            for kind, activity, n in zip(top["kind"], top["activity"], top["cases"], strict=True)
        ]
        return plot.deviations(rows, len(self.cases), repr(self)[12:-1], ax=ax)


def conformance(
    events: object,
    playbook: object,
    *,
    optional: Iterable[str] = (),
    exits: Iterable[str] = (),
    so_far: bool = False,
    zone: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Conformance:
    """Compare each case with the playbook: which steps were skipped, repeated, or done out of order.

    Parameters
    ----------
    events : table
        ``case_id``, ``activity`` (text) and ``at`` (a moment or a day).
    playbook : sequence of str, mapping, graph, or object with ``stages``
        Steps in order; or the steps that may follow each step, as a mapping or a directed networkx graph:
        a case begins at a step that follows none, and ends at one that none follows. In a mapping, the key
        None may name the first steps, and None among followers lets a case end there.
    optional : iterable of str, optional
        Steps of a sequence that may be left out.
    exits : iterable of str, optional
        Steps that may end a case after any step (``"Lost"``).
    so_far : bool, default False
        True judges cases that go on: what still lies ahead of them is not missing.
    zone : str, optional
        Business time zone; needed if the times carry an offset.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    Conformance

    Raises
    ------
    InvalidInput
        If an event or the playbook cannot be meant.

    Notes
    -----
    Optimal alignment: a step of the playbook that the case skips costs 1, so does an event that the playbook
    does not have at that place. ``fitness = 1 - cost / (events + steps of the shortest way)``. Each distinct
    trace is aligned once, by Dijkstra over (events read, step reached): O(events x steps x followers).

    References
    ----------
    A. Adriansyah (2014), "Aligning observed and modeled behavior".

    Examples
    --------
    >>> log = [
    ...     {"case_id": 1, "activity": step, "at": f"2024-01-0{k}"}
    ...     for k, step in enumerate(["Prospect", "Proposal", "Won"], start=1)
    ... ]
    >>> conformance(log, ["Prospect", "Qualify", "Proposal", "Won"]).explain(1)
    'Prospect > Proposal > Won: Qualify was skipped before Proposal (fitness 0.857).'
    """
    log = read_log(events, zone=zone, columns=columns)
    steps, follows, ends = read_playbook(playbook, tuple(optional), tuple(exits))
    names = list(dict.fromkeys([*steps, *log.names]))
    code = {name: k for k, name in enumerate(names)}
    graph = Graph(
        follows={
            SOURCE if name is None else code[name]: tuple(sorted(code[after] for after in nexts))
            for name, nexts in follows.items()
        },
        ends=frozenset(code[name] for name in ends),
    )
    left = graph.remaining()
    if SOURCE not in left:
        fault = Problem(path="playbook", message="no way leads from a first step to a last one")
        raise InvalidInput("playbook: 1 problem", [fault])
    shortest = 0 if so_far else left[SOURCE]
    judged: dict[tuple[int, ...], tuple[int, tuple[Deviation, ...]]] = {}
    cases = []
    for case_id, trace in zip(log.cases, _recoded(log, code), strict=True):
        if trace not in judged:
            cost, moves = align(trace, graph, so_far=so_far)
            judged[trace] = (cost, _deviations(trace, moves, names, set(steps)))
        cost, deviations = judged[trace]
        cases.append(
            CaseFit(
                case_id=case_id,
                trace=tuple(names[k] for k in trace),
                cost=cost,
                fitness=1.0 - cost / (len(trace) + shortest),
                deviations=deviations,
            )
        )
    return Conformance(cases=tuple(cases), shortest=shortest, steps=tuple(steps), ties=log.ties)


def _recoded(log: Log, code: Mapping[str, int]) -> list[tuple[int, ...]]:
    place = [code[name] for name in log.names]
    return [tuple(place[k] for k in trace) for trace in log.traces()]


def _deviations(
    trace: tuple[int, ...], moves: Sequence[Move], names: Sequence[str], steps: set[str]
) -> tuple[Deviation, ...]:
    """Say what each move beside the playbook means."""
    done = {step for kind, step, _ in moves if kind == DONE}
    skipped = {step for kind, step, _ in moves if kind == SKIPPED}
    found = []
    last = "the start"
    for kind, step, position in moves:
        name = names[step]
        if kind == DONE:
            last = name
        elif kind == SKIPPED:
            before = f"before {names[trace[position]]}" if position < len(trace) else "at the end"
            moved = any(k == EXTRA and s == step for k, s, _ in moves)
            reason = f"{name} was {'not done in its place' if moved else 'skipped'} {before}"
            found.append(Deviation(kind="skipped", activity=name, position=position, reason=reason))
        else:
            what, words = "repeated", f"{name} was done again after {last}"
            if name not in steps:
                what, words = "unknown", f"{name}, after {last}, is not in the playbook"
            elif step in skipped or step not in done:
                what, words = "out of order", f"{name} was done out of order after {last}"
            found.append(Deviation(kind=what, activity=name, position=position, reason=words))
    return tuple(found)


def _ids(values: list[Hashable]) -> pd.Series[Any]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return id_column(column)
