"""Why there is no plan: the smallest set of rules found that cannot hold together, and by how much."""

from __future__ import annotations

from collections.abc import Hashable

import attrs
import numpy as np

from salesops._display import number
from salesops.errors import Infeasible, Problem, show
from salesops.territory._exact import solve_exactly
from salesops.territory._pair_work import has_no_plan
from salesops.territory._prices import IntArray
from salesops.territory._task import Task


def check_rules(task: Task) -> None:
    """Raise ``Infeasible`` for conflicts that can be read off the rules; each set is irreducible."""
    for find in (_lock_and_ban, _locks_over_limit, _too_much_for_all, _lead_for_nobody, _too_little_for_one):
        found = find(task)
        if found is not None:
            raise found


def _rep(task: Task, rep: int) -> str:
    return show(task.reps[rep])


def _lead(task: Task, lead: int) -> str:
    return show(task.leads[lead])


def _lock(task: Task, lead: int) -> Problem:
    return Problem(
        path="locked",
        message="lock of a lead to a rep",
        ids=(_lead(task, lead), _rep(task, int(task.locked[lead]))),
    )


def _limit(task: Task, rep: int, resource: int, *, is_upper: bool) -> Problem:
    name = task.quantities[resource]
    limit = number((task.upper if is_upper else task.lower)[rep, resource], 6)
    if resource == 0 and is_upper and task.upper[rep, 0] == task.capacity[rep]:
        return Problem(
            path="reps.capacity", message="capacity of a rep", ids=(_rep(task, rep),), values=(limit,)
        )
    side = "at most" if is_upper else "at least"
    return Problem(
        path=f"balance.{name}",
        message="band around the fair share of a rep",
        ids=(_rep(task, rep),),
        values=(f"{name} {side} {limit}",),
    )


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
        ids=(_lead(task, k), _rep(task, int(both[0, 1]))),
    )
    what = f"assign: lead {_lead(task, k)} has a lock to rep {_rep(task, int(both[0, 1]))} that is forbidden"
    return Infeasible(what, [_lock(task, k), ban])


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
            f"assign: locks to rep {_rep(task, rep)} need {name} {number(demand, 6)}, "
            f"limit {number(limit, 6)}; over by {number(demand - limit, 6)}"
        )
        locks = [_lock(task, int(lead)) for lead in sorted(mine.tolist())]
        return Infeasible(what, [_limit(task, rep, resource, is_upper=True), *locks])
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
    banned = np.flatnonzero(task.is_forbidden() & free)
    if len(banned):
        lead = _lead(task, int(banned[0]))
        every = Problem(path="forbidden", message="forbids every rep to own a lead", ids=(lead,))
        return Infeasible(f"assign: lead {lead} is forbidden to every rep", [must, every])
    alone = np.flatnonzero((task.n_allowed() == 0) & free & (task.most <= 0))
    if task.fallback == "none" and len(alone):
        lead = _lead(task, int(alone[0]))
        cold = Problem(path="fallback", message="a lead without a connection has no owner", ids=(lead,))
        known = task.pair_rep[task.starts[alone[0]] : task.starts[alone[0] + 1]]
        bans = [
            Problem(path="forbidden", message="forbids a rep to own a lead", ids=(lead, _rep(task, int(rep))))
            for rep in known
        ]
        allowed = "allowed " if bans else ""
        return Infeasible(f"assign: no {allowed}rep has a connection to lead {lead}", [must, cold, *bans])
    largest = float(task.upper[:, 0].max())
    big = np.flatnonzero((task.use[:, 0] > largest * (1 + 1e-9)) & free)
    if len(big):
        lead, need = _lead(task, int(big[0])), float(task.use[big[0], 0])
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
                what = (
                    f"assign: rep {_rep(task, rep)} can reach {task.quantities[resource]} {number(most, 6)}"
                )
                short = f"{what}, band from {number(need, 6)}; short by {number(need - most, 6)}"
                return Infeasible(short, [_limit(task, rep, resource, is_upper=False)])
            reach = _reach_within_capacity(task, rep, resource, mine, free)
            if reach < need * (1 - 1e-9):
                what = (
                    f"assign: rep {_rep(task, rep)} can reach {task.quantities[resource]} {number(reach, 6)}"
                )
                short = f"{what} within her capacity, band from {number(need, 6)}"
                short += f"; short by {number(need - reach, 6)}"
                both = [
                    _limit(task, rep, 0, is_upper=True),
                    _limit(task, rep, resource, is_upper=False),
                ]
                return Infeasible(short, both)
    return None


def _may_own(task: Task, rep: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    allowed = np.full(task.n_leads, task.fallback == "cold") | (task.most > 0)
    allowed[task.pair_lead()[task.pair_rep == rep]] = True
    allowed[task.forbidden[task.forbidden[:, 1] == rep, 0]] = False
    return allowed


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


def smallest_conflict(task: Task) -> Infeasible:
    """Say why a small problem has no plan: drop rules one by one while it still has none."""
    rules: list[tuple[Hashable, ...]] = []
    for rep in range(task.n_reps):
        for resource in range(len(task.quantities)):
            if np.isfinite(task.upper[rep, resource]):
                rules.append(("upper", rep, resource))
            if task.lower[rep, resource] > 0:
                rules.append(("lower", rep, resource))
    rules += [("lock", int(lead)) for lead in np.flatnonzero(task.locked >= 0)]
    rules += [("ban", k) for k in range(len(task.forbidden))]
    rules += [("own",)] if task.require_all else []
    for rule in list(rules):
        fewer = [other for other in rules if other != rule]
        if _has_no_plan(task, fewer):
            rules = fewer
    problems = [_said(task, rule) for rule in rules]
    return Infeasible(f"assign: no plan keeps these {len(problems)} rules together", problems)


def _has_no_plan(task: Task, rules: list[tuple[Hashable, ...]]) -> bool:
    kept = set(rules)
    upper = np.full(task.upper.shape, np.inf)
    lower = np.full(task.lower.shape, -np.inf)
    for rep in range(task.n_reps):
        for resource in range(len(task.quantities)):
            if ("upper", rep, resource) in kept:
                upper[rep, resource] = task.upper[rep, resource]
            if ("lower", rep, resource) in kept:
                lower[rep, resource] = task.lower[rep, resource]
    locked: IntArray = np.array(
        [rep if ("lock", lead) in kept else -1 for lead, rep in enumerate(task.locked.tolist())],
        dtype=np.int64,
    )
    bans = [k for k in range(len(task.forbidden)) if ("ban", k) in kept]
    looser = attrs.evolve(
        task,
        upper=upper,
        lower=lower,
        locked=locked,
        forbidden=task.forbidden[bans],
        require_all=("own",) in kept,
    )
    if looser.pair_work is not None:
        return has_no_plan(looser)
    instance, _ = looser.instance()
    return solve_exactly(instance).is_infeasible


def _said(task: Task, rule: tuple[Hashable, ...]) -> Problem:
    kind = rule[0]
    if kind in ("upper", "lower"):
        _, rep, resource = rule
        return _limit(task, int(str(rep)), int(str(resource)), is_upper=kind == "upper")
    if kind == "lock":
        return _lock(task, int(str(rule[1])))
    if kind == "ban":
        lead, rep = task.forbidden[int(str(rule[1]))].tolist()
        return Problem(
            path="forbidden",
            message="forbids a rep to own a lead",
            ids=(_lead(task, lead), _rep(task, rep)),
        )
    return Problem(path="require_all", message="every lead must have an owner")
