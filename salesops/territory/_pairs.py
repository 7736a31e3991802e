"""Pairs of leads and reps: locks, bans, scores and proximities, and which of them are known."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from salesops._frames import Labels, Reader, check_known
from salesops.errors import Problem, show
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory.inputs import Rows
from salesops.territory.results import Proximity


def pair_key(pairs: IntArray, n_reps: int) -> IntArray:
    """Give each pair (lead, rep) a number, by lead, then rep."""
    return pairs[:, 0] * n_reps + pairs[:, 1]


def read_pairs(frame: Any, name: str, reps: Labels, leads: Labels, faults: list[Problem]) -> IntArray:
    """Read a table of pairs as distinct rows (lead, rep)."""
    if frame is None:
        return np.empty((0, 2), dtype=np.int64)
    table = Reader(frame, name, key=("lead_id", "rep_id"), faults=faults)
    lead, rep = table.ids("lead_id"), table.ids("rep_id")
    before = len(faults)
    check_known(faults, f"{name}.lead_id", lead, leads, "leads", table.rows)
    check_known(faults, f"{name}.rep_id", rep, reps, "reps", table.rows)
    what = "locks" if name == "locked" else "bans"
    for k in range(before, len(faults)):
        faults[k] = attrs.evolve(faults[k], message=f"the table of {what} {faults[k].message}")
    both = np.stack([leads.codes(lead), reps.codes(rep)], axis=1)
    return np.unique(both[(both >= 0).all(axis=1)], axis=0)


def read_locks(locks: IntArray, reps: Labels, leads: Labels, faults: list[Problem]) -> IntArray:
    """Say to which rep each lead is locked, -1 for none; a lead locked to two is a fault."""
    held = np.full(len(leads), -1, dtype=np.int64)
    held[locks[:, 0]] = locks[:, 1]
    lead, times = np.unique(locks[:, 0], return_counts=True)
    twice = lead[times > 1]
    if len(twice):
        owners = [[show(reps[r]) for r in locks[locks[:, 0] == k, 1].tolist()] for k in twice.tolist()]
        faults.append(
            Problem(
                path="locked",
                message="a lead is locked to more than one rep",
                values=tuple(
                    f"{show(leads[k])} to {' and '.join(names)}"
                    for k, names in zip(twice.tolist(), owners, strict=True)
                ),
                hint="keep one lock for each lead",
            )
        )
    return held


@attrs.frozen(kw_only=True, eq=False)
class Scores:
    """Scores of pairs, and their workloads where these depend on the rep."""

    lead: IntArray
    rep: IntArray
    score: FloatArray
    work: FloatArray | None


def read_scores(frame: Any, reps: Labels, leads: Labels, faults: list[Problem]) -> Scores:
    """Read a table of scores."""
    table = Reader(frame, "score", key=("rep_id", "lead_id"), faults=faults)
    rep, lead = table.ids("rep_id"), table.ids("lead_id")
    score = table.numbers("score", minimum=0)
    work = table.numbers("workload", minimum=0) if table.has("workload") else None
    check_known(faults, "score.rep_id", rep, reps, "reps", table.rows, who=table.who)
    check_known(faults, "score.lead_id", lead, leads, "leads", table.rows, who=table.who)
    rep_at, lead_at = reps.codes(rep), leads.codes(lead)
    _, inverse, times = np.unique(
        lead_at * max(len(reps), 1) + rep_at, return_inverse=True, return_counts=True
    )
    again = (times[inverse] > 1) & (rep_at >= 0) & (lead_at >= 0)
    table.fault("score", again, "the pair stands in more than one row", hint="keep one row for each pair")
    return Scores(lead=lead_at, rep=rep_at, score=score, work=work)


def check_objective(
    prox: Proximity | None, has_score: bool, reps: Rows, leads: Rows, faults: list[Problem]
) -> None:
    """Refuse an assignment without anything to maximise, or one that the proximity does not cover."""
    if prox is None:
        if not has_score:
            hint = "pass the result of proximity(), or score= with rep_id, lead_id, score"
            faults.append(Problem(path="prox", message="there is nothing to maximise", hint=hint))
        return
    for rows, labels, key in ((reps, prox.rep_labels, "rep_id"), (leads, prox.lead_labels, "lead_id")):
        path = f"{rows.table.name}.{key}"
        check_known(faults, path, rows.ids, labels, "the proximity", rows.table.rows)


@attrs.frozen(kw_only=True, eq=False)
class Near:
    """Known proximities as (lead, rep, proximity), and the most that an unknown one can be."""

    lead: IntArray
    rep: IntArray
    proximity: FloatArray
    floor: FloatArray


def known_proximity(prox: Proximity | None, reps: Labels, leads: Labels) -> Near | None:
    """Take the part of a proximity that concerns these reps and leads."""
    if prox is None:
        return None
    rep_of = np.array([reps.position(label) for label in prox.rep_labels.values.tolist()], dtype=np.int64)
    lead_of = np.array([leads.position(label) for label in prox.lead_labels.values.tolist()], dtype=np.int64)
    lead = np.repeat(lead_of, np.diff(prox.starts))
    rep = rep_of[prox.reps] if len(prox.reps) else np.empty(0, dtype=np.int64)
    kept = (lead >= 0) & (rep >= 0)
    floor = np.zeros(len(leads))
    floor[lead_of[lead_of >= 0]] = prox.floor[lead_of >= 0]
    return Near(lead=lead[kept], rep=rep[kept], proximity=prox.scores[kept], floor=floor)


def known_pairs(
    near: Near | None,
    known: Scores | None,
    value: FloatArray,
    n_reps: int,
) -> dict[str, Any]:
    """Join scores and proximities into the known pairs of each lead."""
    n = len(value)
    none: tuple[IntArray, FloatArray] = (np.empty(0, dtype=np.int64), np.empty(0))
    key_near, proximity = none if near is None else (near.lead * n_reps + near.rep, near.proximity)
    if known is not None:
        key, score = known.lead * n_reps + known.rep, known.score
        most = np.zeros(n)
    else:
        key, score = key_near, value[key_near // max(n_reps, 1)] * proximity
        most = value * near.floor if near is not None else np.zeros(n)
    first = np.argsort(key, kind="stable")
    key, score = key[first], score[first]
    each = np.zeros(len(key))
    order = np.argsort(key_near, kind="stable")
    place = np.searchsorted(key_near[order], key)
    place = np.minimum(place, max(len(key_near) - 1, 0))
    if len(key_near):
        found = key_near[order][place] == key
        each[found] = proximity[order][place[found]]
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(key // max(n_reps, 1), minlength=n), out=starts[1:])
    return {
        "starts": starts,
        "pair_rep": key % max(n_reps, 1),
        "pair_score": score,
        "pair_work": None if known is None or known.work is None else known.work[first],
        "pair_proximity": each,
        "most": most,
    }
