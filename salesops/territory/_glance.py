"""Conflicts of a problem of any size that can be read off its tables, in one pass over each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salesops._display import number
from salesops.errors import Infeasible, Problem
from salesops.territory._chunks import in_chunks
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._task import Task
from salesops.territory._words import limit_rule, lock_rule, need_rule, show_lead, show_rep

_CLEARLY = 1 + 1e-6
"""So much more than a rep needs is more than what sums of floats can hide."""
_DENSEST = 8
"""So many times the leads of a mean rep are looked at."""

Mask = npt.NDArray[np.bool_]


def glance(task: Task) -> Infeasible | None:
    """Look for a conflict of few rules."""
    for find in (
        _lock_and_ban,
        _lock_and_need,
        _locks_over_limit,
        _too_much_for_all,
        _lead_for_nobody,
        _too_little_for_one,
    ):
        found = find(task)
        if found is not None:
            return found
    return None


def _lock_and_ban(task: Task) -> Infeasible | None:
    """Find a lead locked to a rep who is forbidden to own it."""
    lead, rep = task.forbidden[:, 0], task.forbidden[:, 1]
    both = task.forbidden[task.locked[lead] == rep]
    if not len(both):
        return None
    k = int(both[0, 0])
    ban = Problem(
        path="forbidden",
        message="forbids a rep to own a lead",
        ids=(show_lead(task, k), show_rep(task, int(both[0, 1]))),
    )
    whom = show_rep(task, int(both[0, 1]))
    what = f"assign: lead {show_lead(task, k)} has a lock to rep {whom} that is forbidden"
    return Infeasible(what, [lock_rule(task, k), ban])


def _lock_and_need(task: Task) -> Infeasible | None:
    """Find a lead locked to a rep who lacks what it asks for."""
    held = np.flatnonzero(task.locked >= 0)
    broken = held[~task.may[task.kind[held], task.locked[held]]]
    if not len(broken):
        return None
    k = int(broken[0])
    need = task.eligibility.lacking(k, int(task.locked[k]))[0]
    rep = show_rep(task, int(task.locked[k]))
    what = f"assign: lead {show_lead(task, k)} has a lock to rep {rep} who lacks "
    return Infeasible(what + task.eligibility.words(need), [lock_rule(task, k), need_rule(task, need)])


def _locks_over_limit(task: Task) -> Infeasible | None:
    """Find a rep whose locks alone are beyond a limit: the fewest of them that are."""
    held = np.flatnonzero(task.locked >= 0)
    for resource, name in enumerate(task.quantities):
        use = task.use[held, resource]
        total = np.bincount(task.locked[held], weights=use, minlength=task.n_reps)
        over = np.flatnonzero(total > task.upper[:, resource] * (1 + 1e-9))
        if not len(over):
            continue
        rep = int(over[0])
        mine = held[task.locked[held] == rep]
        # Largest first: the sum passes the limit with the last one, so that none of them can be spared.
        mine = mine[np.lexsort((mine, -task.use[mine, resource]))]
        needed = np.cumsum(task.use[mine, resource])
        mine = mine[: int(np.argmax(needed > task.upper[rep, resource] * (1 + 1e-9))) + 1]
        limit, demand = task.upper[rep, resource], float(task.use[mine, resource].sum())
        what = (
            f"assign: locks to rep {show_rep(task, rep)} need {name} {number(demand, 6)}, "
            f"limit {number(limit, 6)}; over by {number(demand - limit, 6)}"
        )
        locks = [lock_rule(task, int(lead)) for lead in sorted(mine.tolist())]
        return Infeasible(what, [limit_rule(task, rep, resource, is_upper=True), *locks])
    return None


def _too_much_for_all(task: Task) -> Infeasible | None:
    """Find that all leads together need more than all reps have."""
    if not task.require_all:
        return None
    demand, capacity = float(task.use[:, 0].sum()), float(task.upper[:, 0].sum())
    if task.n_leads == 0 or (task.n_reps > 0 and demand <= capacity * (1 + 1e-9)):
        return None
    short = (
        f"capacity {number(capacity, 6)}, demand {number(demand, 6)}, short by {number(demand - capacity, 6)}"
    )
    return Infeasible(
        f"assign: {short}",
        [
            Problem(
                path="reps.capacity", message="capacity of all reps together", values=(number(capacity, 6),)
            ),
            Problem(
                path="require_all",
                message="every lead must have an owner",
                values=(f"{task.n_leads} leads, workload {number(demand, 6)}",),
                hint="raise capacity, or drop require_all",
            ),
        ],
    )


def _lead_for_nobody(task: Task) -> Infeasible | None:
    """Find a lead that must have an owner and that nobody may or can own."""
    if not task.require_all or not task.n_reps:
        return None
    must = Problem(path="require_all", message="every lead must have an owner")
    free = task.locked < 0
    unfit = np.flatnonzero((task.n_eligible() == 0) & free)
    if len(unfit):
        needs = task.eligibility.fewest_unmet(int(unfit[0]))
        words = " and ".join(task.eligibility.words(k) for k in needs)
        rules = [*(need_rule(task, k) for k in needs), must]
        return Infeasible(f"assign: no rep has {words} for lead {show_lead(task, int(unfit[0]))}", rules)
    banned = np.flatnonzero((task.n_open() == 0) & free & (task.n_eligible() == task.n_reps))
    if len(banned):
        lead = show_lead(task, int(banned[0]))
        every = Problem(path="forbidden", message="forbids every rep to own a lead", ids=(lead,))
        return Infeasible(f"assign: lead {lead} is forbidden to every rep", [must, every])
    alone = np.flatnonzero((task.n_allowed() == 0) & free & (task.most <= 0) & ~task.may_stay())
    if task.fallback == "none" and len(alone):
        lead = show_lead(task, int(alone[0]))
        cold = Problem(path="fallback", message="a lead without a connection has no owner", ids=(lead,))
        known = task.pairs.at(alone[:1])[0]
        bans = [
            Problem(
                path="forbidden", message="forbids a rep to own a lead", ids=(lead, show_rep(task, int(rep)))
            )
            for rep in known[known >= 0]
        ]
        allowed = "allowed " if bans else ""
        return Infeasible(f"assign: no {allowed}rep has a connection to lead {lead}", [must, cold, *bans])
    largest = float(task.upper[:, 0].max())
    big = np.flatnonzero((task.use[:, 0] > largest * (1 + 1e-9)) & free)
    if len(big):
        lead, need = show_lead(task, int(big[0])), float(task.use[big[0], 0])
        size = Problem(
            path="leads.workload", message="workload of a lead", ids=(lead,), values=(number(need, 6),)
        )
        rooms = Problem(
            path="reps.capacity", message="largest capacity of a rep", values=(number(largest, 6),)
        )
        short = number(need - largest, 6)
        what = f"assign: workload {number(need, 6)} of lead {lead}, largest capacity {number(largest, 6)}"
        return Infeasible(f"{what}; short by {short}", [must, size, rooms])
    return None


def _too_little_for_one(task: Task) -> Infeasible | None:
    """Find a rep who cannot come up to her band, even if every lead that she could own were hers."""
    for resource in range(len(task.quantities)):
        for rep in np.flatnonzero(_is_in_doubt(task, resource)).tolist():
            need = float(task.lower[rep, resource])
            mine = task.locked == rep
            free = (task.locked < 0) & _may_own(task, rep)
            most = float(task.use[mine | free, resource].sum())
            if most < need * (1 - 1e-9):
                what = f"assign: rep {show_rep(task, rep)} can reach "
                what += f"{task.quantities[resource]} {number(most, 6)}"
                short = f"{what}, band from {number(need, 6)}; short by {number(need - most, 6)}"
                return Infeasible(short, [limit_rule(task, rep, resource, is_upper=False)])
            reach = _reach_within_capacity(task, rep, resource, mine, free)
            if reach < need * (1 - 1e-9):
                what = f"assign: rep {show_rep(task, rep)} can reach "
                what += f"{task.quantities[resource]} {number(reach, 6)}"
                short = f"{what} within her capacity, band from {number(need, 6)}"
                short += f"; short by {number(need - reach, 6)}"
                both = [
                    limit_rule(task, rep, 0, is_upper=True),
                    limit_rule(task, rep, resource, is_upper=False),
                ]
                return Infeasible(short, both)
    return None


def _is_in_doubt(task: Task, resource: int) -> Mask:
    """Mark the reps who may not come up to their bands: a look at sums of all leads clears the others.

    The densest leads within a capacity bring at least what the same part of every lead would.
    """
    need = task.lower[:, resource]
    if not (need > 0).any():
        return np.zeros(task.n_reps, dtype=bool)
    held = np.flatnonzero(task.locked >= 0)
    own, free = np.zeros((task.n_reps, 2)), np.zeros((task.n_reps, 2))
    for k, each in enumerate((0, resource)):
        use = task.use[:, each]
        own[:, k] = np.bincount(task.locked[held], weights=use[held], minlength=task.n_reps)
        free[:, k] = _free_total(task, use)
    work, gain = free.T
    room = task.upper[:, 0] - own[:, 0]
    part = np.divide(np.maximum(room, 0.0), work, out=np.ones(len(work)), where=work > 0)
    within = gain if resource == 0 else gain * np.minimum(part, 1.0)
    reach = np.minimum(own[:, 1] + within, task.upper[:, resource])
    doubt = np.asarray((need > 0) & ~((reach >= need * _CLEARLY) & (room >= 0)))
    if resource and task.n_leads and doubt.any():
        doubt[doubt] = _are_short(task, resource, np.flatnonzero(doubt), room, own[:, 1])
    return doubt


def _are_short(task: Task, resource: int, reps: IntArray, room: FloatArray, own: FloatArray) -> Mask:
    """Mark the reps who do not come up to their bands with leads that are among the densest of all."""
    work, gain = task.use[:, 0], task.use[:, resource]
    density = np.divide(gain, work, out=np.full(len(work), np.inf), where=work > 0)
    n = min(_DENSEST * -(-task.n_leads // task.n_reps), task.n_leads) - 1
    dense = np.flatnonzero(density >= -np.partition(-density, n)[n])
    dense = dense[np.argsort(-density[dense], kind="stable")]
    dense = dense[task.locked[dense] < 0]
    answers = []
    for rep in reps.tolist():
        mine = dense[_may_own(task, rep, dense)]
        taken = np.clip(room[rep] - (np.cumsum(work[mine]) - work[mine]), 0.0, work[mine])
        part = np.divide(taken, work[mine], out=np.ones(len(mine)), where=work[mine] > 0)
        reach = min(own[rep] + float((gain[mine] * part).sum()), task.upper[rep, resource])
        answers.append(not (reach >= task.lower[rep, resource] * _CLEARLY and room[rep] >= 0))
    return np.array(answers, dtype=bool)


def _free_total(task: Task, use: FloatArray) -> FloatArray:
    """Sum over the leads that are not locked and that each rep may own, up to rounding."""
    use = np.where(task.locked < 0, use, 0.0)
    known_only = task.fallback == "none" and bool((task.most <= 0).any())
    anyones = np.where(task.most > 0, use, 0.0) if known_only else use
    of_kind = np.bincount(task.kind, weights=anyones, minlength=len(task.may))
    total = np.asarray(of_kind @ task.may, dtype=np.float64)
    bans = task.forbidden[task.may[task.kind[task.forbidden[:, 0]], task.forbidden[:, 1]]]
    total -= np.bincount(bans[:, 1], weights=anyones[bans[:, 0]], minlength=task.n_reps)
    if known_only:
        rest = use - anyones

        def of_known(part: slice) -> FloatArray:
            line, column = np.nonzero(task.allowed(part))
            rep = task.pairs.at(part)[0][line, column]
            return np.asarray(np.bincount(rep, weights=rest[part][line], minlength=task.n_reps), np.float64)

        total += np.sum(in_chunks(of_known, task.n_leads), axis=0)
    return np.asarray(total)


def _may_own(task: Task, rep: int, leads: IntArray | None = None) -> Mask:
    """Mark which leads a rep may own, among all or some."""
    leads = np.arange(task.n_leads) if leads is None else leads
    allowed = (task.most[leads] > 0) | (task.fallback == "cold")
    unknown = np.flatnonzero(~allowed)
    allowed[unknown] = (task.pairs.at(leads[unknown])[0] == rep).any(axis=1)
    if task.current is not None:
        allowed |= task.current[leads] == rep
    allowed &= ~np.isin(leads, task.forbidden[task.forbidden[:, 1] == rep, 0])
    return np.asarray(allowed & task.may[task.kind[leads], rep])


def _reach_within_capacity(task: Task, rep: int, resource: int, mine: Mask, free: Mask) -> float:
    """Bound what a rep can reach within her capacity: the densest leads first, the last one in part."""
    have = float(task.use[mine, resource].sum())
    room = float(task.upper[rep, 0] - task.use[mine, 0].sum())
    if resource == 0 or not np.isfinite(room):
        return min(have + float(task.use[free, resource].sum()), float(task.upper[rep, resource]))
    work, gain = task.use[free, 0], task.use[free, resource]
    nothing = work <= 0
    have += float(gain[nothing].sum())
    work, gain = work[~nothing], gain[~nothing]
    order = np.argsort(-gain / work, kind="stable")
    filled = np.cumsum(work[order])
    whole = filled <= room
    have += float(gain[order][whole].sum())
    k = int(whole.sum())
    if k < len(order):
        left = room - (filled[k - 1] if k else 0.0)
        have += max(left, 0.0) * float(gain[order[k]] / work[order[k]])
    return have
