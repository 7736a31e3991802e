"""Ties as a list: the one form in which graphs are made, joined, reviewed and forgotten from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops._faults import raise_all
from salesops._frames import Ids, Labels
from salesops._frames.ids import factorize
from salesops._frames.tables import object_column
from salesops.errors import Problem
from salesops.territory._attributes import NONE, Attributes

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_TOO_LARGE = "the sum of the weights of a tie is too large for a number"


@attrs.frozen(kw_only=True, eq=False)
class Note:
    """What was set aside while reading, and between whom: positions of both ends, shape (2, n_rows).

    `ends` is None where nobody is named, as of ties without consent.
    """

    problem: Problem
    ends: IntArray | None = None


@attrs.frozen(kw_only=True, eq=False)
class Ties:
    """Distinct ties by position of their ends, source below target if undirected, sorted by ends and kind.

    Attributes
    ----------
    people : Labels
    source, target : ndarray of int32, shape (n_ties,)
    weight : ndarray of float64, shape (n_ties,)
    about : Attributes
        Those a tie of another kind, or one that was denied, is a row of its own.
    is_directed : bool
    notes : tuple of Note
    standing : ndarray of bool, shape (n_people,)
        Who belongs to the graph with or without a tie.
    """

    people: Labels
    source: IntArray
    target: IntArray
    weight: FloatArray
    about: Attributes = NONE
    is_directed: bool
    notes: tuple[Note, ...]
    standing: Mask


def positions(labels: Labels, column: Ids) -> npt.NDArray[np.int32]:
    """Find each row of a column of ids among the labels, in little memory; -1 where it is missing."""
    each = labels.codes(Ids(np.arange(len(column.distinct)), column.distinct)).astype(np.int32)
    found = np.append(each, np.int32(-1))[column.codes]
    return np.asarray(found, dtype=np.int32)


def lay_out(ties: Ties) -> tuple[IntArray, IntArray, FloatArray]:
    """Lay the ties that count out as a compressed sparse row matrix, both ways unless directed."""
    n = len(ties.people)
    source, target, weight = ties.source, ties.target, ties.weight
    if len(ties.about):
        if ties.about.text("status") is not None:
            counts = ~ties.about.denied(len(source))
            source, target, weight = source[counts], target[counts], weight[counts]
        source, target, weight = _summed(source, target, weight)
        if not np.isfinite(weight).all():
            raise_all("graph", [Problem(path="weight", message=_TOO_LARGE)])
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=n), out=starts[1:])
    if ties.is_directed or not len(source):
        return starts, target, weight
    if len(source) < 2**30:
        starts = starts.astype(np.int32)
    upper = sparse.csr_array((weight, target, starts), shape=(n, n))
    # Nobody stands on the diagonal, so no two entries meet and every sum is exact.
    whole = upper + upper.T.tocsr()
    return whole.indptr.astype(np.int64), whole.indices.astype(np.int32, copy=False), whole.data


def _summed(source: IntArray, target: IntArray, weight: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Add up ties of several kinds between the same two people, whatever the kinds are called."""
    fresh = np.ones(len(source), dtype=bool)
    fresh[1:] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
    if fresh.all():
        return source, target, weight
    starts = np.flatnonzero(fresh)
    order = np.lexsort((weight, np.cumsum(fresh)))
    with np.errstate(over="ignore"):
        return source[starts], target[starts], np.add.reduceat(weight[order], starts)


def narrowed(labels: Labels, stays: Mask) -> tuple[Labels, npt.NDArray[np.int32]]:
    """Keep some people: their index, and where each of the old ones stands in it (-1 for nowhere)."""
    values = labels.values[stays]
    place = np.full(len(stays), -1, dtype=np.int32)
    if len(labels.families) < 2:
        place[stays] = np.arange(len(values))
        return Labels(values), place
    # Ids of mixed kinds sort in another order than those of one kind.
    ids, _ = factorize(object_column(values.tolist()))
    people = Labels.of(ids)
    place[stays] = positions(people, ids)
    return people, place


def relabelled(ties: Ties, stays: Mask) -> Ties:
    """Leave people out who have nothing left, as if they had never been there."""
    if stays.all():
        return ties
    people, place = narrowed(ties.people, stays)
    standing = np.zeros(len(people), dtype=bool)
    standing[place[stays]] = ties.standing[stays]
    return in_order(
        attrs.evolve(
            ties,
            people=people,
            source=place[ties.source],
            target=place[ties.target],
            notes=tuple(moved(note, place) for note in ties.notes),
            standing=standing,
        )
    )


def moved(note: Note, place: IntArray) -> Note:
    """Name the ends of a note by their new positions."""
    return note if note.ends is None else attrs.evolve(note, ends=place[note.ends])


def in_order(ties: Ties) -> Ties:
    """Turn undirected ties so that the source comes first, and sort by ends and kind."""
    source, target = ties.source, ties.target
    if not ties.is_directed:
        source, target = np.minimum(source, target), np.maximum(source, target)
    kind = ties.about.text("kind")
    keys = (target, source) if kind is None else (kind.codes, target, source)
    order = np.lexsort(keys)
    return attrs.evolve(
        ties,
        source=source[order],
        target=target[order],
        weight=ties.weight[order],
        about=ties.about.take(order),
    )


def only_rows(ties: Ties, kept: Mask) -> Ties:
    """Keep some of the ties; the people stay."""
    if kept.all():
        return ties
    return attrs.evolve(
        ties,
        source=ties.source[kept],
        target=ties.target[kept],
        weight=ties.weight[kept],
        about=ties.about.take(kept),
    )


def only_note(note: Note, kept: Mask) -> Note | None:
    """Keep some rows of a note; None if it has none left."""
    if note.ends is None or kept.all():
        return note
    if not kept.any():
        return None
    rows = np.flatnonzero(kept).tolist()
    problem = attrs.evolve(
        note.problem,
        rows=_some(note.problem.rows, rows),
        ids=_some(note.problem.ids, rows),
        values=_some(note.problem.values, rows),
    )
    return Note(problem=problem, ends=note.ends[:, kept])


def _some(items: Sequence[Any], rows: Sequence[int]) -> tuple[Any, ...]:
    return tuple(items[k] for k in rows) if items else ()


def known_people(ties: Ties) -> Mask:
    """Mark who has a tie, stands in a note, or belongs to the graph anyway."""
    known = ties.standing.copy()
    known[ties.source] = known[ties.target] = True
    for note in ties.notes:
        if note.ends is not None:
            known[note.ends.ravel()] = True
    return known
