"""How a social graph is kept: a sparse matrix of what counts, and a list of all that is known of ties."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from salesops import _display
from salesops._faults import count
from salesops._frames import Labels, id_column, to_plain
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._frames.ids import written
from salesops.errors import Problem
from salesops.territory._attributes import NONE, Attributes, same_attributes
from salesops.territory._document import FIELD_OF, SCHEMA_VERSION, from_document
from salesops.territory._listing import IntArray, Mask, Note, Ties, lay_out
from salesops.territory._networkx import to_networkx

if TYPE_CHECKING:
    import networkx as nx


def _same_labels(one: Labels, other: Labels) -> bool:
    mine, theirs = one.values.tolist(), other.values.tolist()
    return mine == theirs and [type(v) for v in mine] == [type(v) for v in theirs]


@attrs.frozen(kw_only=True, eq=False)
class Record:
    """Every tie that is known, counted or not, with its attributes; kept only if some tie has any."""

    source: IntArray = attrs.field(converter=read_only)
    target: IntArray = attrs.field(converter=read_only)
    weight: npt.NDArray[np.float64] = attrs.field(converter=read_only)
    about: Attributes = NONE


def _same_record(one: Record | None, other: Record | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        np.array_equal(one.source, other.source)
        and np.array_equal(one.target, other.target)
        and np.array_equal(one.weight, other.weight)
        and same_attributes(one.about, other.about)
    )


@attrs.frozen(kw_only=True, repr=False, hash=False)
class StoredGraph:
    """The state of a :class:`~salesops.territory.SocialGraph`, and how it is read."""

    _labels: Labels = attrs.field(eq=attrs.cmp_using(eq=_same_labels))
    _starts: npt.NDArray[np.int64] = attrs.field(eq=BY_CONTENT, converter=read_only)
    _targets: npt.NDArray[np.int32] = attrs.field(eq=BY_CONTENT, converter=read_only)
    _weights: npt.NDArray[np.float64] = attrs.field(eq=BY_CONTENT, converter=read_only)
    is_directed: bool = False
    _record: Record | None = attrs.field(default=None, eq=attrs.cmp_using(eq=_same_record))
    _notes: tuple[Note, ...] = attrs.field(default=(), eq=False)
    _standing: Mask = attrs.field(eq=False, converter=read_only)

    @classmethod
    def _of(cls, ties: Ties) -> Self:
        """Lay the ties out as a sparse matrix, both ways unless directed."""
        starts, targets, weights = lay_out(ties)
        record = None
        if len(ties.about):
            record = Record(source=ties.source, target=ties.target, weight=ties.weight, about=ties.about)
        return cls(
            labels=ties.people,
            starts=starts,
            targets=targets,
            weights=weights,
            is_directed=ties.is_directed,
            record=record,
            notes=ties.notes,
            standing=ties.standing,
        )

    def _listed(self) -> Ties:
        """List every tie that is known, counted or not, each once."""
        record = self._record
        if record is None:
            source, target, weight = self._counted()
            record = Record(source=source, target=target, weight=weight)
        return Ties(
            people=self._labels,
            source=record.source,
            target=record.target,
            weight=record.weight,
            about=record.about,
            is_directed=self.is_directed,
            notes=self._notes,
            standing=self._standing,
        )

    def _counted(self) -> tuple[IntArray, IntArray, npt.NDArray[np.float64]]:
        """Give each pair that counts once, by position of its ends."""
        people = np.arange(len(self._labels), dtype=np.int32)
        source = np.repeat(people, np.diff(self._starts))
        if self.is_directed:
            return source, self._targets, self._weights
        once = source < self._targets
        return source[once], self._targets[once], self._weights[once]

    @property
    def report(self) -> tuple[Problem, ...]:
        """What was set aside while reading, and why: self ties, ties of weight 0, ties without consent."""
        return tuple(note.problem for note in self._notes)

    @property
    def n_people(self) -> int:
        """How many people there are, with and without ties."""
        return len(self._labels)

    @property
    def n_ties(self) -> int:
        """How many pairs of people have a tie that counts; in a directed graph, how many ordered pairs."""
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
        """Strengths of the ties that count as a sparse matrix, rows and columns in label order."""
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
        if self._record is not None:
            for part in (self._record.source, self._record.target, self._record.weight):
                state.update(np.ascontiguousarray(part).tobytes())
            self._record.about.update(state)
        return state.hexdigest()

    def to_frame(self) -> pd.DataFrame:
        """Return the ties as a frame: ``source``, ``target``, ``weight``; an undirected tie once.

        Returns
        -------
        DataFrame
            Rows in label order. Where something more is known of a tie, also ``kind``, ``provenance``,
            ``observed_on``, ``consent`` (the basis), ``expires_on`` and ``status``, as far as any tie has
            them; then two people have a row for each kind of tie, and denied ties stand here although they do
            not count.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> SocialGraph.from_ties({"source": ["bo"], "target": ["ann"]}).to_frame()
          source target  weight
        0    ann     bo     1.0
        """
        ties = self._listed()
        values = self._labels.values
        return pd.DataFrame(
            {
                "source": id_column(values[ties.source]),
                "target": id_column(values[ties.target]),
                "weight": ties.weight,
                **ties.about.frame_columns(),
            }
        )

    def to_networkx(self) -> nx.Graph[Any]:
        """Make a networkx graph (a DiGraph if directed) of the ties that count; edges carry ``weight``.

        Returns
        -------
        networkx.Graph
            Edges also carry ``kind``, ``provenance``, ``observed_on``, ``consent``, ``expires_on`` and
            ``status``, each where it is known. If two people have ties of several kinds it is a MultiGraph.
            Denied ties are left out, so that no algorithm counts them; :meth:`to_frame` has them.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann"], "target": ["bo"], "weight": [2]})
        >>> list(graph.to_networkx().edges(data=True))
        [('ann', 'bo', {'weight': 2.0})]
        """
        ties = self._listed()
        counts = ~ties.about.denied(len(ties.source))
        return to_networkx(
            self._labels,
            ties.source[counts],
            ties.target[counts],
            ties.weight[counts],
            ties.about.take(counts),
            directed=self.is_directed,
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
        ties = self._listed()
        return {
            "kind": "social_graph",
            "schema_version": SCHEMA_VERSION,
            "is_directed": self.is_directed,
            "people": to_plain(self._labels.values.tolist(), "people"),
            "source": ties.source.tolist(),
            "target": ties.target.tolist(),
            "weight": ties.weight.tolist(),
            **{FIELD_OF[name]: ties.about.cells(name) for name in ties.about.columns},
            "standing": np.flatnonzero(self._standing).tolist(),
            "report": [note.to_dict() for note in self.report],
            "report_ends": [None if note.ends is None else note.ends.tolist() for note in self._notes],
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
        return cls._of(from_document(document))

    def __repr__(self) -> str:
        ties = count(self.n_ties, "directed tie" if self.is_directed else "tie")
        people = "1 person" if self.n_people == 1 else f"{self.n_people} people"
        denied = self._n_denied()
        return f"SocialGraph({people}, {ties}{f', {denied} denied' if denied else ''})"

    def _n_denied(self) -> int:
        return 0 if self._record is None else int(self._record.about.denied(len(self._record.source)).sum())

    def _repr_html_(self) -> str:
        degree = np.diff(self._starts)
        facts: dict[str, object] = {
            "people": f"{self.n_people:,}",
            "ties": f"{self.n_ties:,}" + (" (directed)" if self.is_directed else ""),
            "people without ties": f"{int((degree == 0).sum()):,}",
            "most ties of one person": f"{int(degree.max(initial=0)):,}",
        }
        kind = None if self._record is None else self._record.about.text("kind")
        if kind is not None:
            tally = np.bincount(kind.codes[kind.codes >= 0], minlength=len(kind.names))
            facts["kinds"] = ", ".join(
                f"{name} {n:,}" for name, n in zip(kind.names, tally.tolist(), strict=True)
            )
        expires = None if self._record is None else self._record.about.days("expires_on")
        if expires is not None:
            facts["with a day of expiry"] = f"{int((~np.isnat(expires)).sum()):,}"
        if self._n_denied():
            facts["denied"] = f"{self._n_denied():,}"
        notes = [
            f"{note.message}: {', '.join(note.values) or count(len(note.rows), 'row')}"
            for note in self.report
        ]
        return _display.html_card("Social graph", facts, [("ties", self._first(5))], notes=notes)

    def _first(self, n_rows: int) -> pd.DataFrame:
        """Show the first ties without making a frame of all of them."""
        ties = self._listed()
        rows = np.arange(min(n_rows, len(ties.source)))
        values = self._labels.values
        return pd.DataFrame(
            {
                "source": id_column(values[ties.source[rows]]),
                "target": id_column(values[ties.target[rows]]),
                "weight": ties.weight[rows],
                **ties.about.take(rows).frame_columns(),
            }
        )
