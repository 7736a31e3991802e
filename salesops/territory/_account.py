"""What a plan says of each lead: its score, who else could have it, why it is where it is."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._frames import Labels
from salesops._frames.ids import written
from salesops.territory import _kernels
from salesops.territory._chunks import in_chunks, pieces
from salesops.territory._known import places, proximity_to
from salesops.territory._listed import SHORT
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._task import Task
from salesops.territory.results import Proximity

Mask = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True, eq=False)
class Offers:
    """What the known pairs of each lead score, n leads.

    Attributes
    ----------
    score : ndarray of shape (n,)
        At the owner, 0 where the pair is not known.
    is_known : ndarray of bool, shape (n,)
        Whether it is.
    closest, closest_score, runner_up, runner_up_score, barred, barred_score : ndarray of shape (n,)
        The allowed rep of greatest score, the same beside the owner, and the same among those not allowed:
        of equals the one of the strongest ties, then the first; -1 and 0 if there is none.
    """

    score: FloatArray
    is_known: Mask
    closest: IntArray
    closest_score: FloatArray
    runner_up: IntArray
    runner_up_score: FloatArray
    barred: IntArray
    barred_score: FloatArray


def look_at_offers(task: Task, owner: IntArray, strength: FloatArray | None = None) -> Offers:
    """Compare the known pairs of each lead; `strength` of shape (R,) is what decides between equals."""
    n = task.n_leads
    offers = Offers(
        score=np.zeros(n),
        is_known=np.zeros(n, dtype=bool),
        closest=np.full(n, -1, dtype=np.int32),
        closest_score=np.zeros(n),
        runner_up=np.full(n, -1, dtype=np.int32),
        runner_up_score=np.zeros(n),
        barred=np.full(n, -1, dtype=np.int32),
        barred_score=np.zeros(n),
    )

    def look(part: slice) -> None:
        listed, scores = task.pairs.at(part)
        allowed = task.allowed_among(part, listed)
        own = (listed == owner[part, None]) & (listed >= 0)
        offers.is_known[part] = is_known = own.any(axis=1)
        offers.score[part][is_known] = scores[own]
        closest, runner_up = offers.closest[part], offers.runner_up[part]
        _keep_best(listed, scores, allowed, strength, closest, offers.closest_score[part])
        _keep_best(listed, scores, allowed & ~own, strength, runner_up, offers.runner_up_score[part])
        if not task.is_unrestricted:
            barred = (listed >= 0) & ~allowed
            _keep_best(listed, scores, barred, strength, offers.barred[part], offers.barred_score[part])

    if task.pairs.width:
        in_chunks(look, n, SHORT)
    return offers


def _keep_best(
    listed: npt.NDArray[np.int32],
    scores: FloatArray,
    kept: Mask,
    strength: FloatArray | None,
    best: IntArray,
    best_score: FloatArray,
) -> None:
    """Write down who scores most in each row, among those kept, and how much."""
    rows = np.flatnonzero(kept.any(axis=1))
    open_ones = np.where(kept, scores, -np.inf)
    first = open_ones.argmax(axis=1)[rows]
    if strength is not None and len(rows):
        alike = open_ones[rows] == open_ones[rows, first][:, None]
        torn = np.flatnonzero(alike.sum(axis=1) > 1)
        first[torn] = np.where(alike[torn], strength[listed[rows[torn]]], -1.0).argmax(axis=1)
    best[rows], best_score[rows] = listed[rows, first], scores[rows, first]


def proximities(task: Task, prox: Proximity | None, owner: IntArray) -> FloatArray:
    """Give the proximity of each lead to its owner, 0 where the proximity does not know the pair."""
    return np.zeros(task.n_leads) if prox is None else proximity_to(prox, task.reps, task.leads, owner)


def reasons(task: Task, owner: IntArray, offers: Offers) -> npt.NDArray[Any]:
    """Say of each lead why it is where it is."""
    code = np.zeros(task.n_leads, dtype=np.int8)
    code[(offers.closest < 0) | (offers.score >= offers.closest_score)] = 1
    code[~offers.is_known] = 2
    code[task.locked >= 0] = 3
    alone = owner < 0
    code[alone] = 4
    reason = np.array(["next closest", "closest", "cold", "locked", "capacity"], dtype=object)[code]
    if alone.any():
        _say_why_alone(task, alone, reason)
    if not task.n_reps:
        reason[:] = "no rep"
    return reason


def _say_why_alone(task: Task, alone: Mask, reason: npt.NDArray[Any]) -> None:
    if task.fallback == "none":
        reason[alone & (task.n_allowed() == 0)] = "no connection"
    reason[alone & (task.n_open() == 0)] = "forbidden"
    unfit = np.flatnonzero(alone & (task.n_eligible() == 0))
    kinds, first, kind = np.unique(task.kind[unfit], return_index=True, return_inverse=True)
    said = np.empty(len(kinds), dtype=object)
    for k, lead in enumerate(unfit[first].tolist()):
        unmet = task.eligibility.unmet(lead)
        said[k] = f"no rep has {' and '.join(unmet)}" if unmet else "no eligible rep"
    reason[unfit] = said[kind]


def hops(prox: Proximity, reps: Labels, leads: Labels, owner: IntArray) -> npt.NDArray[np.int8]:
    """Count hops between owner and lead, 3 for more than two."""
    row, position = places(leads, prox.lead_labels), places(reps, prox.rep_labels)
    theirs = np.full(prox.n_leads, -1, dtype=np.int64)
    owned = owner >= 0
    theirs[row[owned]] = position[owner[owned]]
    contacts, persons = prox.contacts, prox.persons
    if prox.through is not None:
        persons, theirs = _stand_ins(prox, theirs), np.arange(prox.n_leads)
    found = _kernels.within_two_hops(
        prox.graph.adjacency,
        persons,
        contacts.starts,
        contacts.person,
        theirs,
        is_directed=prox.graph.is_directed,
    )
    return np.asarray(found[row])


def _stand_ins(prox: Proximity, owner: IntArray) -> IntArray:
    """Give the person who stands for the owner of each lead; -1 where the pair is not kept."""
    lead = np.repeat(np.arange(prox.n_leads), np.diff(prox.starts))
    mine = np.flatnonzero(prox.reps == owner[lead])
    persons = np.full(prox.n_leads, -1, dtype=np.int64)
    if prox.through is not None:
        persons[lead[mine]] = prox.through[mine]
    return persons


def digest(task: Task) -> str:
    """Fingerprint the input as it was understood."""
    moves = "" if task.current is None else f" {task.max_moves} {task.move_price}"
    rules = f"{task.fallback} {task.require_all} {sorted(task.balance.items())}{moves}"
    state = hashlib.sha256(rules.encode())
    for labels in (task.reps, task.leads):
        _add_labels(state, labels)
    state.update(repr((task.eligibility.needs, task.eligibility.kinds)).encode("utf-8", "backslashreplace"))
    for amounts in (task.use, task.value, task.upper, task.lower):
        state.update(np.ascontiguousarray(amounts).data)
    _add_pairs(state, task)
    for array in (task.most, task.locked, task.forbidden, task.kind, task.may):
        state.update(np.ascontiguousarray(array).tobytes())
    if task.pair_work is not None and task.pair_work.work is not None:
        for array in (task.pair_work.lead, task.pair_work.rep, task.pair_work.work, task.own_work):
            state.update(np.ascontiguousarray(array).tobytes())
    if task.current is not None:
        state.update(task.current.tobytes())
    return state.hexdigest()


def _add_labels(state: Any, labels: Labels) -> None:
    for part in pieces(len(labels)):
        lines = [f"{type(label).__name__}:{written(label)}\n" for label in labels.values[part].tolist()]
        state.update("".join(lines).encode("utf-8", "backslashreplace"))


def _add_pairs(state: Any, task: Task) -> None:
    """Add the pairs as in CSR: where those of each lead start, their reps, their scores."""
    starts = np.zeros(task.n_leads + 1, dtype=np.int64)
    np.cumsum(task.pairs.tally(), out=starts[1:])
    state.update(starts.data)
    for part in pieces(task.n_leads, SHORT):
        reps, _ = task.pairs.at(part)
        state.update(reps[reps >= 0].astype(np.int64).data)
    for part in pieces(task.n_leads, SHORT):
        reps, scores = task.pairs.at(part)
        state.update(scores[reps >= 0].data)
