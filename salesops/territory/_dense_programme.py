"""A case over some of its pairs, as a mixed-integer programme."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops.territory._dense import DenseCase, limit_rows
from salesops.territory._prices import FloatArray, IntArray

Mask = npt.NDArray[np.bool_]

_NODES = 3_000
_SLACK = 1e-6
"""What the solver may leave undone, absolutely, in its own units (its gap and feasibility tolerances)."""


@attrs.frozen(kw_only=True, eq=False)
class Answer:
    """What the mixed-integer programme says: HiGHS's status, a plan and a bound on cost if there are any."""

    status: int
    nodes: int
    owner: IntArray | None
    bound: float | None


def choose(
    bill: FloatArray, scale: float, constraints: list[Any], time_limit: float | None, *, nodes: int
) -> tuple[Mask | None, Answer]:
    """Choose some of many at least cost: which, and an answer without an owner yet."""
    from scipy.optimize import Bounds, milp

    n = len(bill)
    options: Any = {"mip_rel_gap": 0.0, "node_limit": nodes}
    if time_limit is not None:
        options["time_limit"] = max(time_limit, 0.1)
    said = milp(
        bill * scale,
        integrality=np.ones(n, dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options=options,
    )
    dual = getattr(said, "mip_dual_bound", None)
    bound = None if dual is None or not np.isfinite(dual) else (float(dual) - _SLACK * (1 + n)) / scale
    looked = int(getattr(said, "mip_node_count", None) or 0)
    answer = Answer(status=int(said.status), nodes=looked, owner=None, bound=bound)
    return None if said.x is None else said.x > 0.5, answer


def solve_pairs(case: DenseCase, kept: Mask, time_limit: float | None, *, nodes: int = _NODES) -> Answer:
    """Solve a case over the pairs kept."""
    from scipy.optimize import LinearConstraint

    rep, lead = np.nonzero(kept)
    n = len(rep)
    if not kept.any(axis=0).all():
        return Answer(status=2, nodes=0, owner=None, bound=None)
    rows, right, *_ = limit_rows(case, rep, lead)
    once = sparse.csr_array((np.ones(n), (lead, np.arange(n))), shape=(case.n_leads, n))
    scale = 1000.0 / (float(np.abs(case.cost[rep, lead]).max(initial=0.0)) or 1.0)
    limits = [LinearConstraint(once, 1.0, 1.0), LinearConstraint(rows, -np.inf, right)]
    taken, answer = choose(case.cost[rep, lead], scale, limits, time_limit, nodes=nodes)
    if taken is None:
        return answer
    owner = np.zeros(case.n_leads, dtype=np.int64)
    owner[lead[taken]] = rep[taken]
    return attrs.evolve(answer, owner=owner)


def has_plan(case: DenseCase) -> bool:
    """Say whether a small case has a plan; True if that could not be decided."""
    return solve_pairs(case, np.isfinite(case.cost), None).status != 2
