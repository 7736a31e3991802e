"""Conflicts of a problem of any size that can be read off its tables, in one pass over each."""

from __future__ import annotations

import numpy as np

from salesops._display import number
from salesops.errors import Infeasible, Problem
from salesops.territory._task import Task
from salesops.territory._words import limit_rule, lock_rule, need_rule, show_lead, show_rep


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
    alone = np.flatnonzero((task.n_allowed() == 0) & free & (task.most <= 0))
    if task.fallback == "none" and len(alone):
        lead = show_lead(task, int(alone[0]))
        cold = Problem(path="fallback", message="a lead without a connection has no owner", ids=(lead,))
        known = task.pair_rep[task.starts[alone[0]] : task.starts[alone[0] + 1]]
        bans = [
            Problem(
                path="forbidden", message="forbids a rep to own a lead", ids=(lead, show_rep(task, int(rep)))
            )
            for rep in known
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
        for rep in np.flatnonzero(task.lower[:, resource] > 0).tolist():
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


def _may_own(task: Task, rep: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    allowed = np.full(task.n_leads, task.fallback == "cold") | (task.most > 0)
    allowed[task.pair_lead()[task.pair_rep == rep]] = True
    allowed[task.forbidden[task.forbidden[:, 1] == rep, 0]] = False
    return np.asarray(allowed & task.may[task.kind, rep])


def _reach_within_capacity(
    task: Task,
    rep: int,
    resource: int,
    mine: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    free: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> float:
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
