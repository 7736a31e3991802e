"""Known pairs: what a proximity says of some reps and leads."""

from __future__ import annotations

import numpy as np

from salesops._frames import Ids, Labels
from salesops.territory._chunks import in_chunks
from salesops.territory._listed import MANY, SHORT, KeptPairs, Pairs
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory.results import Proximity


def pairs_of_proximity(prox: Proximity, reps: Labels, leads: Labels, value: FloatArray) -> Pairs | KeptPairs:
    """List the pairs of a proximity that concern some reps and leads, at value times proximity.

    Those of many leads stay where they are.
    """
    position = places(prox.rep_labels, reps).astype(np.int32)
    # Nobody comes last in rising order.
    position[position < 0] = len(reps)
    first, last = prox.starts[:-1], prox.starts[1:]
    if not is_same(leads, prox.lead_labels):
        row = places(leads, prox.lead_labels)
        first, last = first[row], last[row]
    kept = KeptPairs(
        first=first,
        last=last,
        among=prox.reps,
        near=prox.scores,
        position=position,
        nobody=len(reps),
        value=value,
        length=int((last - first).max(initial=0)),
    )
    if len(kept) > MANY:
        return kept
    table = kept.laid_out()
    needed = int(table.tally().max(initial=0))
    return Pairs(reps=table.reps[:, :needed], scores=table.scores[:, :needed])


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
    return labels.families == others.families == {"str"} and bool((labels.values == others.values).all())


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

    def look_up(part: slice) -> FloatArray:
        first, last = prox.starts[row[part]], prox.starts[row[part] + 1]
        near = np.zeros(len(first))
        width = int((last - first).max(initial=0))
        if width and len(position):
            whose = np.where(owner[part] >= 0, position[owner[part]], -1)
            place = first[:, None] + np.arange(width)
            inside = place < last[:, None]
            place[~inside] = 0
            line, column = np.nonzero((prox.reps[place] == whose[:, None]) & inside)
            near[line] = prox.scores[place[line, column]]
        return near

    return np.concatenate(in_chunks(look_up, len(row), SHORT))
