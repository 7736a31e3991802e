"""The part of a graph that stands between two people, cut out without a copy of the rest.

Positions stand for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

IntArray = npt.NDArray[np.int64]
if TYPE_CHECKING:
    Matrix: TypeAlias = sparse.csr_array[Any]
else:
    Matrix = sparse.csr_array  # not subscriptable at run time before scipy 1.16


def between(
    ties: Matrix, start: int, end: int, max_hops: int | None, *, is_directed: bool
) -> tuple[Matrix, IntArray] | None:
    """Cut out everybody who can stand on a chain of at most `max_hops` ties, and perhaps some others.

    Circles grow around both people, the smaller one first, until together they have as many hops; a chain
    lies within the two, so that every chain, and what is the best of them, is the same in the part.

    Returns
    -------
    part : csr of shape (m, m)
        The ties within the part.
    people : ndarray of shape (m,)
        Who they are, in rising order. None if no chain leads from one to the other.
    """
    if max_hops is None:
        return ties, np.arange(ties.shape[0])
    sides = [_Circle(ties, start, backwards=False), _Circle(ties, end, backwards=is_directed)]
    for _ in range(max_hops):
        min(sides, key=lambda side: side.cost).grow()
    if not (sides[0].inside & sides[1].inside).any():
        return None
    people = np.flatnonzero(sides[0].inside | sides[1].inside)
    return _part(ties, people), people


class _Circle:
    """Everybody within some hops of one person."""

    def __init__(self, ties: Matrix, person: int, *, backwards: bool) -> None:
        self._ties = ties
        self._backwards = backwards
        self.inside = np.zeros(ties.shape[0], dtype=bool)
        self.inside[person] = True
        self._edge = np.array([person], dtype=np.int64)

    @property
    def cost(self) -> int:
        """How many ties have to be looked at to grow by one hop."""
        if not len(self._edge):
            return 0
        if self._backwards:
            return int(self._ties.nnz)
        return int((self._ties.indptr[self._edge + 1] - self._ties.indptr[self._edge]).sum())

    def grow(self) -> None:
        """Take in those who are one hop farther."""
        if not len(self._edge):
            return
        near = self._sources() if self._backwards else self._ties.indices[_places(self._ties, self._edge)[1]]
        fresh = np.zeros(len(self.inside), dtype=bool)
        fresh[near] = True
        fresh &= ~self.inside
        self.inside |= fresh
        self._edge = np.flatnonzero(fresh)

    def _sources(self) -> npt.NDArray[Any]:
        """Find who has a tie to the edge, without turning all ties around."""
        marked = np.zeros(len(self.inside), dtype=bool)
        marked[self._edge] = True
        hits = np.flatnonzero(marked[self._ties.indices])
        return np.searchsorted(self._ties.indptr, hits, side="right") - 1


def _places(ties: Matrix, people: IntArray) -> tuple[IntArray, IntArray]:
    """Find where the ties of some people stand: whose each is, by position in `people`, and its place."""
    first = ties.indptr[people].astype(np.int64)
    many = ties.indptr[people + 1] - first
    row = np.repeat(np.arange(len(people)), many)
    return row, np.arange(len(row)) + np.repeat(first - (np.cumsum(many) - many), many)


def _part(ties: Matrix, people: IntArray) -> Matrix:
    """Take the ties between some people."""
    row, place = _places(ties, people)
    target = ties.indices[place]
    column = np.minimum(np.searchsorted(people, target), len(people) - 1)
    kept = people[column] == target
    starts = np.zeros(len(people) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row[kept], minlength=len(people)), out=starts[1:])
    return sparse.csr_array((ties.data[place[kept]], column[kept], starts), shape=(len(people), len(people)))
