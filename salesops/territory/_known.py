"""Known pairs: the reps who are listed for each lead, and what each of them scores."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
import numpy.typing as npt

from salesops._frames import Ids, Labels
from salesops.territory._chunks import in_chunks
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory.results import Proximity

Reps = npt.NDArray[np.int32]


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

    @classmethod
    def of_proximity(cls, prox: Proximity, reps: Labels, leads: Labels, value: FloatArray) -> Self:
        """Lay out the pairs of a proximity that concern some reps and leads, at value times proximity."""
        row = places(leads, prox.lead_labels)
        position = places(prox.rep_labels, reps).astype(np.int32)
        # Nobody comes last in rising order.
        position[position < 0] = n_reps = len(reps)
        first, last = prox.starts[row], prox.starts[row + 1]
        width = int((last - first).max(initial=0))
        listed, scores = np.empty((len(row), width), dtype=np.int32), np.empty((len(row), width))

        def lay_out(part: slice) -> int:
            among, score = _rows_of(prox, position, first[part], last[part], width, n_reps)
            order = np.argsort(among, axis=1)
            among = np.take_along_axis(among, order, axis=1)
            nobody = among == n_reps
            score = np.take_along_axis(score, order, axis=1)
            score *= value[part, None]
            score[nobody], among[nobody] = -np.inf, -1
            listed[part], scores[part] = among, score
            return int((~nobody).sum(axis=1).max(initial=0))

        needed = max(in_chunks(lay_out, len(row))) if width else 0
        return cls(reps=listed[:, :needed], scores=scores[:, :needed])

    def tally(self) -> IntArray:
        """Count the reps listed for each lead."""
        return np.concatenate(
            in_chunks(lambda part: (self.reps[part] >= 0).sum(axis=1, dtype=np.int64), len(self.reps))
        )

    def take(self, leads: IntArray) -> Pairs:
        """Keep some leads, and no more columns than they need."""
        if len(leads) == len(self.reps):
            return self
        width = int(self.tally()[leads].max(initial=0))
        return Pairs(reps=self.reps[leads, :width], scores=self.scores[leads, :width])


def _rows_of(
    prox: Proximity, position: Reps, first: IntArray, last: IntArray, width: int, nobody: int
) -> tuple[Reps, FloatArray]:
    """Take the rows of some leads, each as wide as the widest, with `nobody` in what is left over."""
    if (last - first == width).all() and (first[1:] == last[:-1]).all():
        span = slice(int(first[0]), int(last[-1]))
        return position[prox.reps[span]].reshape(-1, width), prox.scores[span].reshape(-1, width)
    place = first[:, None] + np.arange(width)
    behind = place >= last[:, None]
    place[behind] = 0
    among = position[prox.reps[place]]
    among[behind] = nobody
    return among, prox.scores[place]


def places(labels: Labels, others: Labels) -> IntArray:
    """Find each label among others; -1 where it is not there."""
    if is_same(labels, others):
        return np.arange(len(labels))
    return others.codes(Ids(np.arange(len(labels)), labels.values))


def is_same(labels: Labels, others: Labels) -> bool:
    """Say whether labels are the same, one by one; False does not say that they are not."""
    if len(labels) != len(others):
        return False
    if labels.values.dtype.kind == others.values.dtype.kind == "i":
        return bool(np.array_equal(labels.values, others.values))
    # 1, 1.0 and True are equal but not the same; text is equal to text alone.
    return labels.families == others.families == {"str"} and labels.values.tolist() == others.values.tolist()


def proximity_of_pairs(prox: Proximity, reps: Labels, leads: Labels) -> tuple[IntArray, IntArray, FloatArray]:
    """List the kept pairs of some reps and leads: position of the lead, of the rep, and the score."""
    row, position = places(leads, prox.lead_labels), places(prox.rep_labels, reps)
    first, many = prox.starts[row], prox.starts[row + 1] - prox.starts[row]
    lead = np.repeat(np.arange(len(row)), many)
    place = np.arange(len(lead)) + np.repeat(first - (np.cumsum(many) - many), many)
    rep = position[prox.reps[place]]
    here = rep >= 0
    return lead[here], rep[here], prox.scores[place][here]


def proximity_to(prox: Proximity, reps: Labels, leads: Labels, owner: IntArray) -> FloatArray:
    """Look up how near each lead is to its owner; 0 where that is not known."""
    row, position = places(leads, prox.lead_labels), places(reps, prox.rep_labels)
    whose = np.where(owner >= 0, position[owner] if len(position) else -1, -1)
    first, last = prox.starts[row], prox.starts[row + 1]

    def look_up(part: slice) -> FloatArray:
        near = np.zeros(len(first[part]))
        width = int((last[part] - first[part]).max(initial=0))
        if width:
            place = first[part, None] + np.arange(width)
            inside = place < last[part, None]
            place[~inside] = 0
            line, column = np.nonzero((prox.reps[place] == whose[part, None]) & inside)
            near[line] = prox.scores[place[line, column]]
        return near

    return np.concatenate(in_chunks(look_up, len(row)))
