"""Why too few leads may change hands: what forces more of them to move than may."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from salesops._display import number
from salesops.errors import Infeasible, Problem
from salesops.territory._exact import solve_exactly
from salesops.territory._task import Task
from salesops.territory._words import ban_rule, limit_rule, lock_rule, need_rule

_MOST_LIMITS = 400


def check_moves(task: Task) -> None:
    """Raise ``Infeasible`` if locks, bans and requirements alone move more leads than may."""
    if task.current is None or not np.isfinite(task.max_moves):
        return
    forced = list(_forcing(task))
    everyone: set[int] = set().union(*(leads for _, leads in forced))
    if len(everyone) <= task.max_moves:
        return
    # Most leads first, then whatever can be spared goes: no rule that stays can.
    forced.sort(key=lambda rule: -len(rule[1]))
    kept: list[tuple[Problem, set[int]]] = []
    while len(_moved(kept)) <= task.max_moves:
        best = max(forced, key=lambda rule: len(rule[1] - _moved(kept)))
        kept.append(best)
    for rule in list(kept):
        fewer = [other for other in kept if other is not rule]
        if len(_moved(fewer)) > task.max_moves:
            kept = fewer
    n = len(_moved(kept))
    what = f"assign: {n} leads cannot stay with their owner, max_moves {number(task.max_moves, 6)}"
    raise Infeasible(
        f"{what}; short by {number(n - task.max_moves, 6)}", [_rule(task), *(p for p, _ in kept)]
    )


def _moved(rules: list[tuple[Problem, set[int]]]) -> set[int]:
    return set().union(*(leads for _, leads in rules))


def _rule(task: Task) -> Problem:
    return Problem(
        path="max_moves",
        message="leads that may change hands",
        values=(number(task.max_moves, 6),),
        hint="allow more moves, or drop one of the other rules",
    )


def _forcing(task: Task) -> Iterator[tuple[Problem, set[int]]]:
    """List the rules that move leads, each with the leads that it moves."""
    current = task.current
    if current is None:
        return
    settled = current >= 0
    for lead in np.flatnonzero(settled & (task.locked >= 0) & (task.locked != current)).tolist():
        yield lock_rule(task, lead), {lead}
    for ban in np.flatnonzero(current[task.forbidden[:, 0]] == task.forbidden[:, 1]).tolist():
        yield ban_rule(task, ban), {int(task.forbidden[ban, 0])}
    barred = np.flatnonzero(settled & ~task.may[task.kind, np.maximum(current, 0)])
    lacking: dict[int, set[int]] = {}
    kinds = task.eligibility.kinds
    for lead in barred.tolist():
        lacks = kinds[int(task.kind[lead])]
        need = next(one for one in lacks if not task.eligibility.has[int(current[lead]), one])
        lacking.setdefault(int(need), set()).add(lead)
    for need, leads in sorted(lacking.items()):
        yield need_rule(task, need), leads


def conflict_with_moves(task: Task) -> Infeasible | None:
    """Say which limits cannot be kept with so few moves; None if they cannot be kept with any number."""
    if task.current is None or not np.isfinite(task.max_moves):
        return None
    if solve_exactly(attrs.evolve(task, max_moves=np.inf).instance()[0]).is_infeasible:
        return None
    instance, _ = task.instance()
    upper, lower = instance.upper.copy(), instance.lower.copy()
    limits = [(upper, np.inf, rep, k) for rep, k in np.argwhere(np.isfinite(upper)).tolist()]
    limits += [(lower, -np.inf, rep, k) for rep, k in np.argwhere(np.isfinite(lower)).tolist()]
    needed = []
    for side, nothing, rep, k in limits if len(limits) <= _MOST_LIMITS else []:
        was, side[rep, k] = float(side[rep, k]), nothing
        if not solve_exactly(attrs.evolve(instance, upper=upper, lower=lower)).is_infeasible:
            side[rep, k] = was
            needed.append(limit_rule(task, rep, k, is_upper=side is upper))
    what = f"assign: no plan keeps these limits with {number(task.max_moves, 6)} moves"
    return Infeasible(what, [_rule(task), *needed])
