"""Who knows whom: a frozen social graph, from ties or from networkx."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from salesops import _display
from salesops._faults import check_choice, count, raise_all
from salesops._frames import (
    Labels,
    from_plain,
    id_column,
    read_networkx,
    to_plain,
    write_networkx,
)
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._frames.ids import written
from salesops.errors import Problem
from salesops.territory._ties import Ties, read_ties

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SocialGraph"]

Combine = Literal["sum", "max", "mean", "min", "latest"]
_SCHEMA_VERSION = 1


def _same_labels(one: Labels, other: Labels) -> bool:
    mine, theirs = one.values.tolist(), other.values.tolist()
    return mine == theirs and [type(v) for v in mine] == [type(v) for v in theirs]


_EQUAL_LABELS = attrs.cmp_using(eq=_same_labels)


@attrs.frozen(kw_only=True, repr=False, hash=False)
class SocialGraph:
    """People and the strength of their ties, as a sparse matrix and an index of people.

    Make one with :meth:`from_ties` or :meth:`from_networkx`. Every tie has a positive finite weight; an
    undirected tie lets an introduction go both ways. People keep the id they were given, of any hashable
    kind, and 1, 1.0, True and "1" are never the same person.

    Attributes
    ----------
    labels : Labels
        The index of people: label to position and back.
    starts, targets, weights : ndarray
        Ties as in a compressed sparse row matrix, an undirected one both ways.
    is_directed : bool
        True if a tie leads only from its source to its target.
    report : tuple of Problem
        What was set aside while reading, and why: self ties, ties of weight 0, ties without consent.

    Examples
    --------
    >>> from salesops.territory import SocialGraph
    >>> graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "cy"], "weight": [2, 1]})
    >>> graph
    SocialGraph(3 people, 2 ties)
    >>> graph.to_frame()
      source target  weight
    0    ann     bo     2.0
    1     bo     cy     1.0
    """

    _labels: Labels = attrs.field(eq=_EQUAL_LABELS)
    _starts: npt.NDArray[np.int64] = attrs.field(eq=BY_CONTENT, converter=read_only)
    _targets: npt.NDArray[np.int32] = attrs.field(eq=BY_CONTENT, converter=read_only)
    _weights: npt.NDArray[np.float64] = attrs.field(eq=BY_CONTENT, converter=read_only)
    is_directed: bool = False
    report: tuple[Problem, ...] = attrs.field(default=(), eq=False)

    @classmethod
    def from_ties(
        cls,
        ties: object,
        *,
        columns: Mapping[str, str] | None = None,
        combine: Combine | None = None,
        directed: bool = False,
    ) -> Self:
        """Make a graph from a table of ties.

        A self tie changes nothing and a weight of 0 is no tie; both are set aside and reported. So is a tie
        whose ``consent`` is False, and someone known only through such ties is not in the graph.

        Parameters
        ----------
        ties : table
            Columns ``source``, ``target`` (ids of any hashable kind), optionally ``weight`` (0 or more,
            default 1), ``consent`` (True or False, default True) and, for ``combine="latest"``,
            ``observed_on`` (a date).
        columns : mapping, optional
            ``{"name in your table": "name above"}``.
        combine : {"sum", "max", "mean", "min", "latest"}, optional
            What to do with a tie that stands in several rows. Without a rule that is a fault. The two
            directions of an undirected tie are the same tie.
        directed : bool, default False
            True reads each row as a tie from source to target only.

        Returns
        -------
        SocialGraph

        Raises
        ------
        InvalidInput
            With every fault of the table: missing or mixed ids, weights that are no finite numbers of 0 or
            more, repeated ties without a rule.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> rows = [
        ...     {"source": "ann", "target": "bo", "weight": 1},
        ...     {"source": "bo", "target": "ann", "weight": 4},
        ... ]
        >>> SocialGraph.from_ties(rows, combine="max").to_frame()
          source target  weight
        0    ann     bo     4.0
        """
        if combine is not None:
            check_choice("combine", combine, ("sum", "max", "mean", "min", "latest"))
        return cls._of(read_ties(ties, "ties", columns=columns, combine=combine, directed=directed))

    @classmethod
    def from_networkx(
        cls,
        graph: nx.Graph[Any],
        *,
        weight: str | None = "weight",
        combine: Combine | None = None,
        directed: bool = False,
    ) -> Self:
        """Make a graph from any networkx graph, which is not touched.

        Parameters
        ----------
        graph : networkx.Graph
            Parallel edges of a MultiGraph need `combine`; a DiGraph needs ``directed=True``.
        weight : str or None, default "weight"
            Edge attribute that holds the strength. If no edge has it, or None is given, every tie weighs 1;
            if only some have it, the others are a fault.
        combine : {"sum", "max", "mean", "min", "latest"}, optional
            What to do with parallel edges; "latest" needs dates and is for :meth:`from_ties` only.
        directed : bool, default False
            True reads each arc as a tie from its first node to its second only. It must say what the graph
            is: a direction is neither dropped nor invented in silence.

        Returns
        -------
        SocialGraph
            Nodes without edges stay in it.

        Raises
        ------
        InvalidInput
            If the graph is directed and `directed` does not say so, or its ties are faulty.

        Examples
        --------
        >>> import networkx as nx
        >>> from salesops.territory import SocialGraph
        >>> SocialGraph.from_networkx(nx.path_graph(4))
        SocialGraph(4 people, 3 ties)
        """
        if combine is not None:
            check_choice("combine", combine, ("sum", "max", "mean", "min"))
        people, edges = read_networkx(graph, weight)
        if graph.is_directed() != directed:
            kind = "a directed graph" if graph.is_directed() else "an undirected graph"
            hint = (
                "pass directed=True to let a tie lead from its source to its target only, "
                "or graph.to_undirected() if every tie holds both ways"
                if graph.is_directed()
                else "leave directed=False, or pass graph.to_directed()"
            )
            fault = Problem(path="directed", message="contradicts the graph", values=(kind,), hint=hint)
            raise_all("graph", [fault])
        return cls._of(
            read_ties(edges, "graph", columns=None, combine=combine, directed=directed, others=people)
        )

    @classmethod
    def _of(cls, ties: Ties) -> Self:
        """Lay the ties out as a sparse matrix, both ways unless directed."""
        n = len(ties.people)
        source, target, weight = ties.source, ties.target, ties.weight
        if not ties.is_directed:
            source, target = np.concatenate([source, target]), np.concatenate([target, source])
            weight = np.concatenate([weight, weight])
        order = np.lexsort((target, source))
        starts = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(source, minlength=n), out=starts[1:])
        return cls(
            labels=ties.people,
            starts=starts,
            targets=target[order].astype(np.int32),
            weights=weight[order],
            is_directed=ties.is_directed,
            report=ties.report,
        )

    def to_networkx(self) -> nx.Graph[Any]:
        """Make a networkx graph (a DiGraph if directed) whose edges carry ``weight``.

        Returns
        -------
        networkx.Graph

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann"], "target": ["bo"], "weight": [2]})
        >>> list(graph.to_networkx().edges(data=True))
        [('ann', 'bo', {'weight': 2.0})]
        """
        source, target, weight = self._ties()
        return write_networkx(self._labels, source, target, weight, directed=self.is_directed)

    @property
    def n_people(self) -> int:
        """How many people there are, with and without ties."""
        return len(self._labels)

    @property
    def n_ties(self) -> int:
        """How many ties there are; an undirected tie counts once."""
        return len(self._targets) if self.is_directed else len(self._targets) // 2

    @property
    def people(self) -> pd.Series[Any]:
        """Ids of the people, in label order."""
        return id_column(self._labels.values).rename("person_id")

    @property
    def labels(self) -> Labels:
        """The index of people: label to position and back."""
        return self._labels

    @cached_property
    def adjacency(self) -> sparse.csr_array[Any]:
        """Tie strengths as a sparse matrix, rows and columns in label order."""
        n = len(self._labels)
        starts = self._starts.astype(np.int32) if self._starts[-1] < 2**31 else self._starts
        targets = self._targets if starts.dtype == np.int32 else self._targets.astype(np.int64)
        return sparse.csr_array((self._weights, targets, starts), shape=(n, n))

    @cached_property
    def digest(self) -> str:
        """Fingerprint of people and ties (SHA-256): equal graphs have equal digests."""
        state = hashlib.sha256(b"directed" if self.is_directed else b"undirected")
        for label in self._labels.values.tolist():
            state.update(f"{type(label).__name__}:{written(label)}\n".encode("utf-8", "backslashreplace"))
        for part in (self._starts, self._targets.astype("<i4"), self._weights):
            state.update(np.ascontiguousarray(part).tobytes())
        return state.hexdigest()

    def _ties(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Give each tie once, by position of its ends."""
        source = np.repeat(np.arange(len(self._labels)), np.diff(self._starts))
        target = self._targets.astype(np.int64)
        once = np.ones(len(source), dtype=bool) if self.is_directed else source < target
        return source[once], target[once], self._weights[once]

    def to_frame(self) -> pd.DataFrame:
        """Return the ties as a frame: ``source``, ``target``, ``weight``; an undirected tie once.

        Returns
        -------
        DataFrame
            Rows in label order.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> SocialGraph.from_ties({"source": ["bo"], "target": ["ann"]}).to_frame()
          source target  weight
        0    ann     bo     1.0
        """
        source, target, weight = self._ties()
        values = self._labels.values
        return pd.DataFrame(
            {"source": id_column(values[source]), "target": id_column(values[target]), "weight": weight}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as plain JSON types.

        Returns
        -------
        dict
            ``people`` are ids, ``source`` and ``target`` positions in that list.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann"], "target": ["bo"]})
        >>> SocialGraph.from_dict(graph.to_dict()) == graph
        True
        """
        source, target, weight = self._ties()
        return {
            "kind": "social_graph",
            "schema_version": _SCHEMA_VERSION,
            "is_directed": self.is_directed,
            "people": to_plain(self._labels.values.tolist(), "people"),
            "source": source.tolist(),
            "target": target.tolist(),
            "weight": weight.tolist(),
            "report": [note.to_dict() for note in self.report],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read a graph that :meth:`to_dict` wrote.

        Parameters
        ----------
        document : mapping

        Returns
        -------
        SocialGraph

        Raises
        ------
        InvalidInput
            If the document is not such a graph.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann"], "target": ["bo"]})
        >>> SocialGraph.from_dict(graph.to_dict())
        SocialGraph(2 people, 1 tie)
        """
        notes = tuple(Problem(**note) for note in document.get("report", ()))
        return attrs.evolve(cls._of(_from_document(document)), report=notes)

    def __repr__(self) -> str:
        ties = count(self.n_ties, "directed tie" if self.is_directed else "tie")
        people = "1 person" if self.n_people == 1 else f"{self.n_people} people"
        return f"SocialGraph({people}, {ties})"

    def _repr_html_(self) -> str:
        degree = np.diff(self._starts)
        facts: dict[str, object] = {
            "people": f"{self.n_people:,}",
            "ties": f"{self.n_ties:,}" + (" (directed)" if self.is_directed else ""),
            "people without ties": f"{int((degree == 0).sum()):,}",
            "most ties of one person": f"{int(degree.max(initial=0)):,}",
        }
        notes = [f"{note.message}: {count(len(note.rows), 'row')}" for note in self.report]
        return _display.html_card("Social graph", facts, [("ties", self.to_frame().head(5))], notes=notes)


def _from_document(document: Mapping[str, Any]) -> Ties:
    """Check a document and take its ties, which then pass the same door as any others."""
    fields = {"kind", "schema_version", "is_directed", "people", "source", "target", "weight", "report"}
    faults = [
        Problem(path=f"$.{name}", message="the field is missing")
        for name in sorted(fields - {"report"} - document.keys())
    ]
    faults += [
        Problem(path=f"$.{name}", message="unknown field") for name in sorted(document.keys() - fields)
    ]
    raise_all("social graph", faults)
    check_choice("$.kind", document["kind"], ("social_graph",))
    people = from_plain(document["people"])
    ends = {}
    for name in ("source", "target"):
        places = document[name]
        wrong = [k for k, p in enumerate(places) if type(p) is not int or not 0 <= p < len(people)]
        if wrong:
            values = tuple(repr(places[k]) for k in wrong)
            faults.append(
                Problem(path=f"$.{name}", message="is no position in people", rows=wrong, values=values)
            )
        else:
            ends[name] = [people[p] for p in places]
    if document["schema_version"] != _SCHEMA_VERSION:
        faults.append(
            Problem(
                path="$.schema_version",
                message=f"must be {_SCHEMA_VERSION}",
                values=(repr(document["schema_version"]),),
            )
        )
    raise_all("social graph", faults)
    return read_ties(
        {**ends, "weight": document["weight"]},
        "$",
        columns=None,
        combine=None,
        directed=bool(document["is_directed"]),
        others=people,
    )
