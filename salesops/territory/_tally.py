"""What a plan adds up to: what each rep uses, which limits that breaks, how near it is to its bound."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from salesops._display import number
from salesops._frames import Labels
from salesops.errors import InternalError, Problem, show
from salesops.territory._prices import FloatArray, IntArray

_SLACK = 2e-9
"""Part of a limit that sums of floats cannot tell."""


def used_by(owner: IntArray, use: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Sum what each rep uses, exactly, so that it does not depend on the order of leads."""
    used = np.zeros(shape)
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(shape[0] + 1))
    for rep in range(shape[0]):
        mine = use[order[ends[rep] : ends[rep + 1]]]
        used[rep] = [math.fsum(column) for column in mine.T.tolist()]
    return used


def broken_limits(
    reps: Labels, quantities: Sequence[str], used: FloatArray, upper: FloatArray, lower: FloatArray
) -> list[Problem]:
    """List the limits that are broken, one problem for each quantity and end, with every rep concerned."""
    found = []
    for k, name in enumerate(quantities):
        path = "reps.capacity" if name == "workload" else f"balance.{name}"
        for rule, broken, limit in (
            ("uses more than her limit", used[:, k] > upper[:, k] * (1 + _SLACK), upper),
            ("stays below her band", used[:, k] < lower[:, k] * (1 - _SLACK), lower),
        ):
            who = np.flatnonzero(broken).tolist()
            if who:
                told = (f"{number(used[rep, k], 6)}, limit {number(limit[rep, k], 6)}" for rep in who)
                ids = tuple(show(reps[rep]) for rep in who)
                found.append(Problem(path=path, message=f"a rep {rule}", ids=ids, values=tuple(told)))
    return found


def gap_of(
    verb: str, value: float, bound: float, violations: Sequence[Problem], gross: float
) -> tuple[float | None, str | None]:
    """Compare a plan with its bound: the gap as a part of `gross`, or why there is none."""
    if violations:
        return None, "the plan violates a limit, so it is not compared with the bound"
    if value > bound + gross * 1e-9 + 1e-300:
        raise InternalError(f"{verb}: a plan scored more than its certified bound; please report this")
    return (max(bound - value, 0.0) / gross if gross > 0 else 0.0), None
