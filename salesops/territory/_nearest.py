"""The nearest reps of each lead, kept while blocks of reps stream by. Arrays only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salesops.territory import _kernels
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
        last = min(first + _ROWS, n)
        own = slice(starts[first], starts[last])
        known = _kernels.roll_up(
            people, starts[first : last + 1] - starts[first], person[own], weight[own], rule
        )
        scores[first:last] = _kernels.rounded(known)
    return scores


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
        n, before = self.scores.shape
        width = min(before + scores.shape[1], self.top)
        if width > before:
            kept, near = np.empty((n, width)), np.empty((n, width), dtype=np.int32)
        else:
            kept, near = self.scores, self.reps
        for first in range(0, n, _ROWS):
            rows = slice(first, min(first + _ROWS, n))
            both = np.concatenate([self.scores[rows], scores[rows]], axis=1)
            each = np.concatenate([self.reps[rows], reps[rows]], axis=1)
            kept[rows], near[rows], left = _kernels.best_reps(both, each, self.top)
            self.floor[rows] = np.maximum(self.floor[rows], left)
        self.scores, self.reps = kept, near

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
