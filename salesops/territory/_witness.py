"""Plans that keep a set of rules: the proof that dropping one more rule makes a problem solvable."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._rules import Mask, System

_MOST_COLUMNS = 20_000
_MOST_NODES = 2_000


@attrs.frozen(kw_only=True, eq=False)
class Witness:
    """What was found of a system: a plan (owner of each lead, -1 for nobody), or that there is none."""

    owner: IntArray | None = None
    is_impossible: bool = False


def find_plan(system: System, *, time_limit: float = 1.0) -> Witness:
    """Look for a plan that keeps a system, by construction, else as a mixed-integer programme."""
    reps = np.flatnonzero(np.isfinite(system.upper).any(axis=1) | (system.lower > 0).any(axis=1))
    free = np.ones(len(system.upper), dtype=bool)
    free[reps] = False
    if (system.must & ~system.allowed.any(axis=1)).any():
        return Witness(is_impossible=True)
    owner = _construct(system, free)
    if owner is not None and keeps(system, owner):
        return Witness(owner=owner)
    return _programme(system, reps, free, time_limit)


def keeps(system: System, owner: IntArray) -> bool:
    """Say whether a plan keeps a system."""
    owned = np.flatnonzero(owner >= 0)
    if (owner[system.must] < 0).any() or not system.allowed[owned, owner[owned]].all():
        return False
    used = np.zeros(system.upper.shape)
    np.add.at(used, owner[owned], system.use[owned])
    return bool((used <= system.upper).all() and (used >= system.lower).all())


def _construct(system: System, free: Mask) -> IntArray | None:
    """Give leads to reps without limits, the others largest first to where they fit; then fill from below."""
    n = len(system.use)
    owner = np.full(n, -1, dtype=np.int64)
    open_to = system.allowed & free
    easy = open_to.any(axis=1)
    owner[easy & system.must] = open_to[easy & system.must].argmax(axis=1)
    used = np.zeros(system.upper.shape)
    stuck = np.flatnonzero(system.must & ~easy)
    # Each resource counts in units of the mean limit on it; one without limits does not count.
    has = np.isfinite(system.upper)
    total = np.where(has, system.upper, 0.0).sum(axis=0)
    weight = np.divide(has.sum(axis=0), total, out=np.zeros(len(total)), where=total > 0)
    size = (system.use * weight).max(axis=1)
    choices = system.allowed.sum(axis=1)
    for lead in stuck[np.lexsort((stuck, -size[stuck], choices[stuck]))].tolist():
        reps = np.flatnonzero(system.allowed[lead])
        after = used[reps] + system.use[lead]
        fit = (after <= system.upper[reps]).all(axis=1)
        if not fit.any():
            return None
        need = np.where(system.lower[reps] > used[reps], 1.0, 0.0).sum(axis=1)
        room = np.where(has[reps], system.upper[reps], 0.0) - after
        left = np.where(has[reps], room * weight, np.inf).min(axis=1)
        best = np.flatnonzero(fit)[np.lexsort((left[fit], -need[fit]))[0]]
        owner[lead] = reps[best]
        used[reps[best]] = after[best]
    return _fill(system, owner, used, free, size)


def _fill(system: System, owner: IntArray, used: FloatArray, free: Mask, size: FloatArray) -> IntArray | None:
    """Bring reps up to their limits from below with leads that nobody needs."""
    hungry = np.flatnonzero((used < system.lower).any(axis=1))
    if not len(hungry):
        return owner
    spare = (owner < 0) | free[owner]
    spare &= system.allowed.any(axis=1)
    few = np.where(spare, system.allowed[:, hungry].sum(axis=1), 0)
    hungry = hungry[np.argsort(system.allowed[spare][:, hungry].sum(axis=0), kind="stable")]
    for rep in hungry.tolist():
        leads = np.flatnonzero(spare & system.allowed[:, rep])
        for lead in leads[np.lexsort((leads, -size[leads], few[leads]))].tolist():
            if (used[rep] >= system.lower[rep]).all():
                break
            short = used[rep] < system.lower[rep]
            after = used[rep] + system.use[lead]
            if (after <= system.upper[rep]).all() and (system.use[lead][short] > 0).any():
                owner[lead], spare[lead], used[rep] = rep, False, after
        if (used[rep] < system.lower[rep]).any():
            return None
    return owner


def _programme(system: System, reps: IntArray, free: Mask, time_limit: float) -> Witness:
    """Solve for how many leads of each class go to each limited rep."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    outside = (system.allowed & free).any(axis=1) | ~system.must
    needed = ~outside if not (system.lower > 0).any() else system.allowed[:, reps].any(axis=1)
    leads = np.flatnonzero(needed)
    table = np.concatenate(
        [system.use[leads], system.allowed[np.ix_(leads, reps)], outside[leads, None]], axis=1
    ).astype(np.float64)
    kinds, first, kind, count = np.unique(
        table, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    row, column = np.nonzero(system.allowed[np.ix_(leads[first], reps)])
    if len(row) > _MOST_COLUMNS:
        return Witness()
    parts, right = _limit_rows(system, system.use[leads[first[row]]], reps, column)
    once = sparse.csr_array((np.ones(len(row)), (row, np.arange(len(row)))), shape=(len(kinds), len(row)))
    least = np.where(outside[leads[first]], 0.0, count)
    if not len(row):
        impossible = bool((least > 0).any() or (right < 0).any())
        return Witness(is_impossible=impossible, owner=None)
    options: Any = {"node_limit": _MOST_NODES, "time_limit": time_limit}
    answer = milp(
        np.zeros(len(row)),
        integrality=np.ones(len(row), dtype=np.int64),
        bounds=Bounds(0, count[row]),
        constraints=[LinearConstraint(once, least, count), LinearConstraint(parts, -np.inf, right)],
        options=options,
    )
    if answer.status == 2:
        return Witness(is_impossible=True)
    if answer.x is None:
        return Witness()
    owner = np.full(len(system.use), -1, dtype=np.int64)
    rest = np.flatnonzero((system.allowed & free).any(axis=1) & system.must)
    owner[rest] = (system.allowed & free)[rest].argmax(axis=1)
    owner[leads[~outside[leads]]] = -1
    order = np.argsort(kind.ravel(), kind="stable")
    place = np.concatenate([[0], np.cumsum(count)])[:-1]
    for k, share in zip(range(len(row)), np.rint(answer.x).astype(np.int64).tolist(), strict=True):
        owner[leads[order[place[row[k]] : place[row[k]] + share]]] = reps[column[k]]
        place[row[k]] += share
    return Witness(owner=owner) if keeps(system, owner) else Witness()


def _limit_rows(system: System, use: FloatArray, reps: IntArray, column: IntArray) -> tuple[Any, FloatArray]:
    """Write the limits of the reps as rows ``matrix @ x <= right``, in units of the largest use."""
    n = len(use)
    unit = np.where(use.max(axis=0, initial=0.0) > 0, use.max(axis=0, initial=0.0), 1.0)
    parts, right = [], []
    for k in range(use.shape[1]):
        part = sparse.csr_array((use[:, k] / unit[k], (column, np.arange(n))), shape=(len(reps), n))
        for limit, sign in ((system.upper, 1.0), (system.lower, -1.0)):
            has = np.flatnonzero(np.isfinite(limit[reps, k]))
            parts.append(sign * part[has])
            right.append(sign * limit[reps[has], k] / unit[k])
    return sparse.vstack(parts).tocsr(), np.concatenate(right)
