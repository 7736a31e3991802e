"""Small problems to the end: a mixed-integer programme over every allowed pair."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._polish import Limits
from salesops.territory._prices import FloatArray, Instance, IntArray

_MOST_NODES = 5_000
_LARGEST = 1_000.0
_SMALLEST = 1e-300
_SLACK = 1e-6
"""What the solver may leave undone, absolutely, in its own units (its gap and feasibility tolerances)."""


@attrs.frozen(kw_only=True, eq=False)
class Exact:
    """What the programme says: a plan and a bound, each if there is one, or that there is no plan."""

    owner: IntArray | None
    bound: float | None
    is_infeasible: bool


def all_pairs(instance: Instance, *, hopeful: bool) -> tuple[IntArray, IntArray, FloatArray]:
    """List every allowed pair and its score; pairs that are not listed at 0, or hopefully at their most."""
    n, n_reps = instance.n_leads, instance.n_reps
    score = np.full((n, n_reps), -np.inf)
    rest = np.where(np.isfinite(instance.rest), instance.rest, 0.0) if hopeful else np.zeros(n)
    allowed = instance.is_open | (np.isfinite(instance.rest) if hopeful else False)
    score[allowed] = np.where(instance.may[instance.kind[allowed]], rest[allowed, None], -np.inf)
    table = instance.pairs.laid_out()
    lead, column = np.nonzero(table.reps >= 0)
    score[lead, table.reps[lead, column]] = table.scores[lead, column]
    if hopeful and instance.unsure is not None and instance.current is not None:
        unsure = np.flatnonzero(instance.unsure)
        # Her place in the list is worth the price of a move even where no connection is known to be.
        settled = (unsure, instance.current[unsure])
        score[settled] = np.maximum(score[settled], rest[unsure])
    score[instance.banned[:, 0], instance.banned[:, 1]] = -np.inf
    lead, rep = np.nonzero(np.isfinite(score))
    return lead, rep, score[lead, rep]


def largest_use(instance: Instance) -> FloatArray:
    """Measure the largest use of each resource, in which a programme counts."""
    unit = instance.use.max(axis=0, initial=0.0)
    return np.where(unit > 0, unit, 1.0)


def solve_exactly(instance: Instance, *, hopeful: bool = False, time_limit: float | None = None) -> Exact:
    """Solve the assignment as a mixed-integer programme.

    Parameters
    ----------
    hopeful : bool, default False
        True counts pairs that are not listed at the most they can score: only the bound is then of use.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    lead, rep, score = all_pairs(instance, hopeful=hopeful)
    n, limits = len(lead), Limits.of(instance, largest_use(instance), lead, rep)
    if not n:
        nobody = np.full(instance.n_leads, -1, dtype=np.int64)
        broken = (limits.right < 0).any() or (instance.must_own and instance.n_leads > 0)
        broken |= instance.n_settled > instance.max_moves
        return Exact(owner=None if broken else nobody, bound=0.0, is_infeasible=bool(broken))
    once = sparse.csr_array((np.ones(n), (lead, np.arange(n))), shape=(instance.n_leads, n))
    rows = [LinearConstraint(once, 1.0 if instance.must_own else 0.0, 1.0)]
    if len(limits.right):
        rows.append(LinearConstraint(limits.matrix, -np.inf, limits.right))
    if instance.current is not None and np.isfinite(instance.max_moves):
        stays = sparse.csr_array((instance.current[lead] == rep)[None].astype(float))
        rows.append(LinearConstraint(stays, instance.n_settled - instance.max_moves, np.inf))
    scale = _LARGEST / max(float(np.abs(score).max(initial=0.0)), _SMALLEST) if score.any() else 1.0
    options: Any = {"mip_rel_gap": 0.0, "node_limit": _MOST_NODES}
    if time_limit is not None:
        options["time_limit"] = max(time_limit, 0.1)
    answer = milp(
        -score * scale,
        integrality=np.ones(n, dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=rows,
        options=options,
    )
    if answer.status == 2:
        return Exact(owner=None, bound=None, is_infeasible=True)
    owner: IntArray | None = None
    if answer.x is not None:
        owner = np.full(instance.n_leads, -1, dtype=np.int64)
        taken = answer.x > 0.5
        owner[lead[taken]] = rep[taken]
    dual = getattr(answer, "mip_dual_bound", None)
    # milp minimises: its dual bound is below every plan's negative score.
    bound = None if dual is None or not np.isfinite(dual) else (-float(dual) + _SLACK * (1 + n)) / scale
    return Exact(owner=owner, bound=bound, is_infeasible=False)
