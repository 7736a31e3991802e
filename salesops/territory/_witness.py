"""Plans that keep a set of rules: the proof that dropping one more rule makes a problem solvable."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from salesops.territory._classes import Classes
from salesops.territory._elastic import stretch
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._rules import Mask, System

_MOST_COLUMNS = 20_000
_MOST_NODES = 2_000
_MOST_COUNTED = 6_000


@attrs.frozen(kw_only=True, eq=False)
class Witness:
    """What was found of a system: a plan (owner of each lead, -1 for nobody), or that there is none."""

    owner: IntArray | None = None
    is_impossible: bool = False


def find_plan(system: System, *, time_limit: float = 1.0) -> Witness:
    """Look for a plan that keeps a system, by construction, else as a mixed-integer programme."""
    if (system.must & ~system.allowed.any(axis=1)).any():
        return Witness(is_impossible=True)
    owner = construct(system)
    if owner is not None and keeps(system, owner):
        return Witness(owner=owner)
    classes = Classes.of(system)
    listed = None
    if np.isfinite(system.max_moves):
        answer = stretch(classes)
        if answer is not None and answer.proof is not None:
            return Witness(is_impossible=True)
        if answer is not None and answer.is_kept:
            listed = (answer.row, answer.column)
            owner = classes.owners(*listed, np.rint(answer.share).astype(np.int64))
            if keeps(system, owner):
                return Witness(owner=owner)
    return _programme(classes, listed, time_limit)


def keeps(system: System, owner: IntArray) -> bool:
    """Say whether a plan keeps a system."""
    owned = np.flatnonzero(owner >= 0)
    if (owner[system.must] < 0).any() or not system.allowed[owned, owner[owned]].all():
        return False
    used = np.zeros(system.upper.shape)
    np.add.at(used, owner[owned], system.use[owned])
    within = bool((used <= system.upper).all() and (used >= system.lower).all())
    return within and system.n_moved(owner) <= system.max_moves


def construct(system: System) -> IntArray | None:
    """Give leads to reps without limits, the others largest first to where they fit; then fill from below.

    Where moves are limited, leads stay where they are unless they must leave or their rep has no room.
    """
    free = ~system.is_limited
    owner, used = _staying(system)
    open_to = system.allowed & free
    easy = (owner < 0) & open_to.any(axis=1)
    owner[easy & system.must] = open_to[easy & system.must].argmax(axis=1)
    stuck = np.flatnonzero(system.must & (owner < 0))
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


def _staying(system: System) -> tuple[IntArray, FloatArray]:
    """Leave leads where they are, as far as the reps have room, if moves are limited; say what is used."""
    owner, used = np.full(len(system.use), -1, dtype=np.int64), np.zeros(system.upper.shape)
    if not np.isfinite(system.max_moves):
        return owner, used
    stays = system.may_stay
    owner[stays] = system.today[stays]
    np.add.at(used, owner[stays], system.use[stays])
    choices = system.allowed.sum(axis=1) + len(used) * ~system.must
    for rep, resource in np.argwhere(used > system.upper).tolist():
        mine = np.flatnonzero((owner == rep) & (system.use[:, resource] > 0))
        while used[rep, resource] > system.upper[rep, resource] and len(mine):
            over = used[rep, resource] - system.upper[rep, resource]
            size = system.use[mine, resource]
            # The smallest that is enough alone, else the largest: the fewest that leave.
            best = np.lexsort(
                (mine, -choices[mine], np.where(size >= over, size, np.inf), -np.minimum(size, over))
            )
            lead = mine[best[0]]
            owner[lead] = -1
            mine = mine[mine != lead]
            used[rep] = system.use[owner == rep].sum(axis=0)
    return owner, used


def _fill(system: System, owner: IntArray, used: FloatArray, free: Mask, size: FloatArray) -> IntArray | None:
    """Bring reps up to their limits from below with leads that nobody needs."""
    hungry = np.flatnonzero((used < system.lower).any(axis=1))
    if not len(hungry):
        return owner
    spare = (owner < 0) | free[owner]
    spare &= system.allowed.any(axis=1)
    staying = (owner >= 0) & (owner == system.today) & np.isfinite(system.max_moves)
    few = np.where(spare, system.allowed[:, hungry].sum(axis=1), 0)
    hungry = hungry[np.argsort(system.allowed[spare][:, hungry].sum(axis=0), kind="stable")]
    for rep in hungry.tolist():
        leads = np.flatnonzero(spare & system.allowed[:, rep])
        for lead in leads[np.lexsort((leads, -size[leads], few[leads], staying[leads]))].tolist():
            if (used[rep] >= system.lower[rep]).all():
                break
            short = used[rep] < system.lower[rep]
            after = used[rep] + system.use[lead]
            if (after <= system.upper[rep]).all() and (system.use[lead][short] > 0).any():
                owner[lead], spare[lead], used[rep] = rep, False, after
        if (used[rep] < system.lower[rep]).any():
            return None
    return owner


def fewest_moves(system: System) -> float | None:
    """Count the moves that a system needs without its limit of moves; None if that takes too long to say.

    No clock decides, so that what is said does not depend on the machine.
    """
    settled = int((system.today >= 0).sum())
    classes = Classes.of(attrs.evolve(system, max_moves=float(settled)))
    row, column = np.nonzero(classes.fits)
    if not 0 < len(row) <= _MOST_COUNTED:
        return None
    answer = _solve(classes, row, column, -(column == classes.home[row]).astype(float), np.inf)
    return settled - float(np.rint(-answer.fun)) if answer.status == 0 else None


def _programme(classes: Classes, listed: tuple[IntArray, IntArray] | None, time_limit: float) -> Witness:
    """Solve for how many leads of each class go where: anywhere, or to some places if there are too many."""
    system, places = classes.system, np.nonzero(classes.fits)
    is_whole = len(places[0]) <= _MOST_COLUMNS
    row, column = places if is_whole or listed is None else listed
    if len(row) > _MOST_COLUMNS:
        return Witness()
    if not len(row):
        _, right, _ = classes.limits(row, column)
        return Witness(is_impossible=bool((~classes.outside).any() or (right < 0).any()))
    answer = _solve(classes, row, column, np.zeros(len(row)), time_limit)
    if answer.status == 2 and is_whole:
        return Witness(is_impossible=True)
    if answer.x is None:
        return Witness()
    owner = classes.owners(row, column, np.rint(answer.x).astype(np.int64))
    return Witness(owner=owner) if keeps(system, owner) else Witness()


def _solve(classes: Classes, row: IntArray, column: IntArray, cost: FloatArray, time_limit: float) -> Any:
    """Solve for whole leads of each class in each place."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    parts, right, _ = classes.limits(row, column)
    least = np.where(classes.outside, 0.0, classes.count)
    return milp(
        cost,
        integrality=np.ones(len(row), dtype=np.int64),
        bounds=Bounds(0, classes.count[row]),
        constraints=[
            LinearConstraint(classes.once(row), least, classes.count),
            LinearConstraint(parts, -np.inf, right),
        ],
        options={"node_limit": _MOST_NODES, "time_limit": time_limit},
    )
