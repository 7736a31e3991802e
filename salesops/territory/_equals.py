r"""Between reps from whom a lead is equally near: the one who is nearer to the lead.

A walk with restart asks how much of a rep's own attention ends at a lead, so somebody who knows one person is
as near by a weak tie as by a strong one. On an undirected graph the walk is reversible: with s the strength
of all ties of a person, visits from r to l obey :math:`s_r \pi_r(l) = s_l \pi_l(r)` (L. Lovász 1993, "Random
walks on graphs: a survey"). Of two reps with the same score the one with the stronger ties in
all is therefore nearer as the lead sees it, and comes first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from salesops._frames import Labels
from salesops.territory._chunks import in_chunks
from salesops.territory._known import places
from salesops.territory._listed import SHORT
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._task import Task
from salesops.territory.measures import RandomWalk
from salesops.territory.results import Proximity

_TOLERANCE = 1e-9


def strength_of(prox: Proximity | None, reps: Labels) -> FloatArray | None:
    """Add up the ties of each rep; None where that says nothing of who is nearer to a lead."""
    if prox is None or prox.graph.is_directed or prox.through is not None:
        return None
    if not isinstance(prox.method, RandomWalk) or prox.method.normalisation != "out":
        return None
    position = places(reps, prox.rep_labels)
    person = np.where(position >= 0, prox.persons[position], -1) if len(prox.persons) else position
    strength, known = np.zeros(len(reps)), np.flatnonzero(person >= 0)
    with np.errstate(over="ignore"):
        strength[known] = np.asarray(prox.graph.adjacency[person[known]].sum(axis=1)).ravel()
    return strength


def is_stronger(one: Any, other: Any) -> Any:
    """Say whether one strength is above another by more than rounding."""
    return one > other * (1.0 + _TOLERANCE)


def settled_equals(task: Task, owner: IntArray, strength: FloatArray | None) -> IntArray:
    """Give leads to a rep of the same score and of stronger ties, where every limit has room for that.

    The total score stays what it is. Leads whose owner of today counts are left alone.
    """
    if strength is None or task.scored is not None or task.current is not None or not task.n_reps:
        return owner
    torn = np.concatenate(
        [*in_chunks(lambda part: _torn(task, owner, strength, part), task.n_leads, SHORT), []]
    )
    if not len(torn):
        return owner
    owner = owner.copy()
    used = np.zeros(task.upper.shape)
    owned = np.flatnonzero(owner >= 0)
    np.add.at(used, owner[owned], task.use[owned])
    upper, lower = task.upper * (1 + _TOLERANCE), task.lower * (1 - _TOLERANCE)
    for lead in torn.astype(np.int64).tolist():
        use, mine = task.use[lead], int(owner[lead])
        if (used[mine] - use < lower[mine]).any():
            continue
        better = _better(task, mine, strength, lead)
        fits = better[(used[better] + use <= upper[better]).all(axis=1)]
        if len(fits):
            to = int(fits[np.argmax(strength[fits])])
            owner[lead] = to
            used[mine] -= use
            used[to] += use
    return owner


def _torn(task: Task, owner: IntArray, strength: FloatArray, part: slice) -> IntArray:
    """List the free leads that a rep of stronger ties would score as much for."""
    (listed, scores), mine = task.pairs.at(part), owner[part, None]
    own = (listed == mine) & (listed >= 0)
    alike = scores == np.where(own, scores, -np.inf).max(axis=1, initial=-np.inf)[:, None]
    alike &= task.allowed_among(part, listed) & is_stronger(strength[listed], strength[mine])
    found = np.flatnonzero(alike.any(axis=1) & own.any(axis=1) & (task.locked[part] < 0))
    return np.asarray(found + part.start, dtype=np.int64)


def _better(task: Task, mine: int, strength: FloatArray, lead: int) -> IntArray:
    part = slice(lead, lead + 1)
    listed, scores = (row[0] for row in task.pairs.at(part))
    alike = (
        task.allowed_among(part, listed[None])[0]
        & (scores == scores[listed == mine][0])
        & is_stronger(strength[listed], strength[mine])
    )
    return np.asarray(listed[alike], dtype=np.int64)
