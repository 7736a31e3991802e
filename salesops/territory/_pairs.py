"""Pairs of leads and reps: locks, bans, scores and proximities, and which of them are known."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from salesops._frames import Labels, Reader, check_known
from salesops.errors import Problem, show
from salesops.territory._known import is_same
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory.inputs import Rows, amounts
from salesops.territory.results import Proximity


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


def read_current(frame: Any, reps: Labels, leads: Labels, faults: list[Problem]) -> IntArray:
    """Say who owns each lead today, -1 for nobody; a row without a rep is a lead without an owner."""
    settled = np.full(len(leads), -1, dtype=np.int64)
    if frame is None:
        return settled
    table = Reader(frame, "current", key=("lead_id", "rep_id"), faults=faults)
    lead, rep = table.ids("lead_id", unique=True), table.ids("rep_id", optional=True)
    check_known(faults, "current.lead_id", lead, leads, "leads", table.rows)
    hint = "leave the rep_id of leads empty whose owner has left"
    before = len(faults)
    check_known(faults, "current.rep_id", rep, reps, "reps", table.rows)
    for k in range(before, len(faults)):
        faults[k] = attrs.evolve(faults[k], hint=hint)
    at = leads.codes(lead)
    settled[at[at >= 0]] = reps.codes(rep)[at >= 0]
    return settled


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
    score = amounts(table, "score")
    work = amounts(table, "workload") if table.has("workload") else None
    check_known(faults, "score.rep_id", rep, reps, "reps", table.rows, who=table.who)
    check_known(faults, "score.lead_id", lead, leads, "leads", table.rows, who=table.who)
    rep_at, lead_at = reps.codes(rep), leads.codes(lead)
    _, inverse, times = np.unique(
        lead_at * max(len(reps), 1) + rep_at, return_inverse=True, return_counts=True
    )
    again = (times[inverse] > 1) & (rep_at >= 0) & (lead_at >= 0)
    table.fault("score", again, "the pair stands in more than one row", hint="keep one row for each pair")
    if work is not None:
        order = np.lexsort((rep_at, lead_at))
        lead_at, rep_at, score, work = lead_at[order], rep_at[order], score[order], work[order]
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
        if is_same(rows.labels, labels):
            continue
        path = f"{rows.table.name}.{key}"
        check_known(faults, path, rows.ids, labels, "the proximity", rows.table.rows)
