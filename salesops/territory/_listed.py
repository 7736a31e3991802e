"""Listed pairs: the reps who are known for each lead, and what each of them scores.

Either laid out as a table, or read where a proximity keeps them, some leads at a time: of a million leads
with 32 reps each, the table alone would take more memory than all the rest of the search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._chunks import in_chunks

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
Reps = npt.NDArray[np.int32]
Some = slice | IntArray
Choice = Callable[[slice, Reps, FloatArray], npt.NDArray[np.integer[Any]]]
"""Which columns to keep of the reps and scores of some leads, in rising order."""

MANY = 300_000
"""With more leads than these, pairs are read where the proximity keeps them."""
SHORT = 1 << 12
"""Leads to a piece where all their pairs are looked at."""


@attrs.frozen(kw_only=True, eq=False)
class Pairs:
    """The reps listed for each of n leads, at most K each.

    Attributes
    ----------
    reps, scores : ndarray of shape (n, K)
        In rising order of the rep; -1 and -inf behind the last one.
    """

    reps: Reps
    scores: FloatArray

    @classmethod
    def of_table(cls, lead: IntArray, rep: IntArray, score: FloatArray, n_leads: int) -> Self:
        """Lay out pairs that are given one by one."""
        order = np.lexsort((rep, lead))
        lead, rep, score = lead[order], rep[order], score[order]
        known = np.bincount(lead, minlength=n_leads)
        rank = np.arange(len(lead)) - (np.cumsum(known) - known)[lead]
        reps = np.full((n_leads, int(known.max(initial=0))), -1, dtype=np.int32)
        scores = np.full(reps.shape, -np.inf)
        reps[lead, rank], scores[lead, rank] = rep, score
        return cls(reps=reps, scores=scores)

    def __len__(self) -> int:
        return len(self.reps)

    @property
    def width(self) -> int:
        """How many reps there are for a lead at most."""
        return int(self.reps.shape[1])

    def at(self, leads: Some) -> tuple[Reps, FloatArray]:
        """Give the reps and scores of some leads."""
        return self.reps[leads], self.scores[leads]

    def tally(self) -> npt.NDArray[np.int64]:
        """Count the reps listed for each lead."""
        return _tally(self)

    def take(self, leads: IntArray) -> Pairs:
        """Keep some leads, and no more columns than they need."""
        if len(leads) == len(self):
            return self
        width = int(self.tally()[leads].max(initial=0))
        return Pairs(reps=self.reps[leads, :width], scores=self.scores[leads, :width])

    def keep(self, choose: Choice, width: int) -> Pairs:
        """Keep some columns of each lead."""
        reps, scores = np.empty((len(self), width), dtype=np.int32), np.empty((len(self), width))

        def pick(part: slice) -> None:
            columns = choose(part, self.reps[part], self.scores[part])
            reps[part] = np.take_along_axis(self.reps[part], columns, axis=1)
            scores[part] = np.take_along_axis(self.scores[part], columns, axis=1)

        in_chunks(pick, len(self))
        return Pairs(reps=reps, scores=scores)

    def laid_out(self, leads: IntArray | None = None) -> Pairs:
        """Give the table of some leads, or of all."""
        return self if leads is None else Pairs(reps=self.reps[leads], scores=self.scores[leads])


@attrs.frozen(kw_only=True, eq=False)
class KeptPairs:
    """The same, read where a proximity keeps them, in any order.

    Attributes
    ----------
    first, last : ndarray of shape (n,)
        Where the row of each lead begins and ends.
    among, near : ndarray of shape (n_pairs,)
        The rep of each kept pair, as the proximity counts them, and its score.
    position : ndarray
        Where those reps stand among ours; `nobody`, how many we are, where they do not.
    value : ndarray of shape (n,)
        What a score counts for each lead.
    length : int
        The length of the longest row.
    slots : ndarray of shape (n, width), or None
        Which places of its row are listed for each lead, in rising order of the rep; None for all.
    """

    first: IntArray
    last: IntArray
    among: Reps
    near: FloatArray
    position: Reps
    nobody: int
    value: FloatArray
    length: int
    slots: npt.NDArray[np.unsignedinteger[Any]] | None = None

    def __len__(self) -> int:
        return len(self.first)

    @property
    def width(self) -> int:
        """How many reps there are for a lead at most."""
        return self.length if self.slots is None else int(self.slots.shape[1])

    def at(self, leads: Some) -> tuple[Reps, FloatArray]:
        """Give the reps and scores of some leads."""
        reps, scores, _ = self._read(leads)
        return reps, scores

    def _read(self, leads: Some) -> tuple[Reps, FloatArray, npt.NDArray[np.integer[Any]]]:
        """Give the reps and scores of some leads, and where in its row each stands."""
        first, last = self.first[leads], self.last[leads]
        slots: npt.NDArray[np.integer[Any]]
        if self.slots is None:
            reps, slots = self._in_order(first, last)
        else:
            slots = self.slots[leads]
            reps = self._reps_at(first, last, slots)
        place = first[:, None] + slots
        none = reps == self.nobody
        if none.any():
            place[none] = 0
            scores = self.near.take(place) * self.value[leads, None]
            scores[none], reps[none] = -np.inf, -1
            return reps, scores, slots
        scores = self.near.take(place)
        scores *= self.value[leads, None]
        return reps, scores, slots

    def _in_order(self, first: IntArray, last: IntArray) -> tuple[Reps, npt.NDArray[np.integer[Any]]]:
        """Sort whole rows by rep, nobody last; say where in its row each rep stands."""
        bits = max(self.length - 1, 1).bit_length()
        is_small = self.nobody < 1 << (31 - bits)
        places: IntArray = np.arange(self.length, dtype=np.int32 if is_small else np.int64)
        key: IntArray = self._reps_at(first, last, places[None]).astype(places.dtype, copy=False)
        # One sort of whole numbers that hold both takes a third of the time of an argsort.
        key <<= bits
        key |= places
        key.sort(axis=1)
        return (key >> bits).astype(np.int32, copy=False), key & ((1 << bits) - 1)

    def _reps_at(self, first: IntArray, last: IntArray, slots: npt.NDArray[np.integer[Any]]) -> Reps:
        """Give the reps in some places of each row; `nobody` behind its end."""
        place = first[:, None] + slots
        if ((last - first) == self.length).all():
            return self.position.take(self.among.take(place))
        behind = place >= last[:, None]
        place[behind] = 0
        reps = self.position.take(self.among.take(place))
        reps[behind] = self.nobody
        return reps

    def tally(self) -> npt.NDArray[np.int64]:
        """Count the reps listed for each lead."""
        return _tally(self)

    def take(self, leads: IntArray) -> KeptPairs:
        """Keep some leads."""
        if len(leads) == len(self):
            return self
        return attrs.evolve(
            self,
            first=self.first[leads],
            last=self.last[leads],
            value=self.value[leads],
            slots=None if self.slots is None else self.slots[leads],
        )

    def keep(self, choose: Choice, width: int) -> KeptPairs:
        """Keep some columns of each lead."""
        slots = np.empty((len(self), width), dtype=np.min_scalar_type(max(self.length - 1, 0)))

        def pick(part: slice) -> None:
            reps, scores, places = self._read(part)
            slots[part] = np.take_along_axis(places, choose(part, reps, scores), axis=1)

        in_chunks(pick, len(self), SHORT)
        return attrs.evolve(self, slots=slots)

    def laid_out(self, leads: IntArray | None = None) -> Pairs:
        """Give the table of some leads, or of all."""
        n = len(self) if leads is None else len(leads)
        reps, scores = np.empty((n, self.width), dtype=np.int32), np.empty((n, self.width))

        def lay_out(part: slice) -> None:
            reps[part], scores[part] = self.at(part if leads is None else leads[part])

        in_chunks(lay_out, n, SHORT)
        return Pairs(reps=reps, scores=scores)


def _tally(pairs: Pairs | KeptPairs) -> npt.NDArray[np.int64]:
    return np.concatenate(
        in_chunks(lambda part: (pairs.at(part)[0] >= 0).sum(axis=1, dtype=np.int64), len(pairs), SHORT)
    )


def best_scores(pairs: Pairs | KeptPairs) -> FloatArray:
    """Give the greatest score of each lead, 0 or more."""
    return np.concatenate(
        in_chunks(lambda part: pairs.at(part)[1].max(axis=1, initial=0.0), len(pairs), SHORT)
    )
