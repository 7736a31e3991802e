"""Why too few leads may change hands: what forces more of them to move than may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from salesops._display import number
from salesops.errors import Infeasible, Problem
from salesops.territory._task import Task
from salesops.territory._words import ban_rule, lock_rule, moves_rule, need_rule


def check_moves(task: Task) -> None:
    """Raise ``Infeasible`` if locks, bans and requirements alone move more leads than may."""
    if task.current is None or not np.isfinite(task.max_moves):
        return
    forced = list(_forcing(task))
    everyone: set[int] = set().union(*(leads for _, leads in forced))
    if len(everyone) <= task.max_moves:
        return
    kept = _fewest(forced, task.max_moves)
    n = len(set[int]().union(*(leads for _, leads in kept)))
    what = f"assign: {n} leads cannot stay with their owner, max_moves {number(task.max_moves, 6)}"
    raise Infeasible(
        f"{what}; short by {number(n - task.max_moves, 6)}", [moves_rule(task), *(p for p, _ in kept)]
    )


def _fewest(forced: list[tuple[Problem, set[int]]], most: float) -> list[tuple[Problem, set[int]]]:
    """Keep rules that move too many leads, of which none can be spared; those that move most come first."""
    kept, moved = [], set[int]()
    for problem, leads in sorted(forced, key=lambda rule: -len(rule[1])):
        if len(moved) > most:
            break
        if not leads <= moved:
            kept.append((problem, leads))
            moved |= leads
    tally = Counter(lead for _, leads in kept for lead in leads)
    n = len(moved)
    needed = []
    for problem, leads in kept:
        alone = sum(tally[lead] == 1 for lead in leads)
        if n - alone > most:
            n -= alone
            tally.subtract(leads)
        else:
            needed.append((problem, leads))
    return needed


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
        need = next(one for one in lacks if not task.eligibility.has[one, int(current[lead])])
        lacking.setdefault(int(need), set()).add(lead)
    for need, leads in sorted(lacking.items()):
        yield need_rule(task, need), leads
