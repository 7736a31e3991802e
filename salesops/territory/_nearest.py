"""The nearest reps of each lead, kept while blocks of reps stream by. Arrays only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salesops.territory import _kernels
from salesops.territory._chunks import in_chunks
from salesops.territory._kernels import FloatArray, IntArray

RepArray = npt.NDArray[np.int32]

_ROWS = 8192


def lead_scores(
    people: FloatArray, starts: IntArray, person: IntArray, weight: FloatArray, rule: str
) -> FloatArray:
    """Roll scores of people up to leads and round them, a part of the leads at a time.

    Shapes and rules are those of :func:`_kernels.roll_up`.
    """
    n = len(starts) - 1
    scores = np.empty((n, people.shape[1]))
    for first in range(0, n, _ROWS):
        rows = slice(first, min(first + _ROWS, n))
        scores[rows] = _scores_of(people, starts, person, weight, rule, rows)
    return scores


def _scores_of(
    people: FloatArray, starts: IntArray, person: IntArray, weight: FloatArray, rule: str, rows: slice
) -> FloatArray:
    own = slice(starts[rows.start], starts[rows.stop])
    first_to_last = starts[rows.start : rows.stop + 1] - starts[rows.start]
    return _kernels.rounded(_kernels.roll_up(people, first_to_last, person[own], weight[own], rule))


class Nearest:
    """The `top` best reps of each lead so far; equal ones by position of the rep.

    Memory stays at `top` scores for each lead however many blocks come.
    """

    def __init__(self, n_leads: int, top: int) -> None:
        self.top = top
        self.scores = np.zeros((n_leads, 0))
        self.reps: RepArray = np.zeros((n_leads, 0), dtype=np.int32)
        self.floor = np.zeros(n_leads)

    def add(self, scores: FloatArray, reps: RepArray) -> None:
        """Take in a block of reps who come after all those before.

        Parameters
        ----------
        scores, reps : ndarray of shape (n_leads, n)
            In rising order of the rep within each row; a score of 0 is no rep.
        """
        n = len(self.scores)
        kept, near = self._room(scores.shape[1])
        for first in range(0, n, _ROWS):
            rows = slice(first, min(first + _ROWS, n))
            self._take(rows, scores[rows], reps[rows], kept, near)
        self.scores, self.reps = kept, near

    def add_people(
        self,
        people: FloatArray,
        reps: IntArray,
        starts: IntArray,
        person: IntArray,
        weight: FloatArray,
        rule: str,
    ) -> None:
        """Take in a block of reps by their scores of people, on as many threads as there are processors.

        The same as :meth:`add` of :func:`lead_scores`, of which only a part stands in memory at a time.
        """
        kept, near = self._room(people.shape[1])

        def take(rows: slice) -> None:
            scores = _scores_of(people, starts, person, weight, rule, rows)
            self._take(rows, scores, np.broadcast_to(reps.astype(np.int32), scores.shape), kept, near)

        in_chunks(take, len(self.scores))
        self.scores, self.reps = kept, near

    def _room(self, more: int) -> tuple[FloatArray, RepArray]:
        """Find where the kept ones go when so many reps come."""
        n, before = self.scores.shape
        width = min(before + more, self.top)
        if width == before:
            return self.scores, self.reps
        return np.empty((n, width)), np.empty((n, width), dtype=np.int32)

    def _take(
        self, rows: slice, scores: FloatArray, reps: RepArray, kept: FloatArray, near: RepArray
    ) -> None:
        both = np.concatenate([self.scores[rows], scores], axis=1)
        each = np.concatenate([self.reps[rows], reps], axis=1)
        kept[rows], near[rows], left = _kernels.best_reps(both, each, self.top)
        self.floor[rows] = np.maximum(self.floor[rows], left)

    def by_rank(self) -> tuple[IntArray, RepArray, FloatArray]:
        """Lay the positive scores out as in CSR, best first, equal ones by position of the rep."""
        n = len(self.scores)
        starts = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.count_nonzero(self.scores, axis=1), out=starts[1:])
        near, kept = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1])
        for first in range(0, n, _ROWS):
            last = min(first + _ROWS, n)
            own = slice(starts[first], starts[last])
            _, near[own], kept[own] = _kernels.by_rank(self.scores[first:last], self.reps[first:last])
        return starts, near, kept
