"""Which limits and rules a plan breaks, whoever drew it."""

from __future__ import annotations

import numpy as np

from salesops._display import number
from salesops._frames import Labels
from salesops.errors import Problem, show
from salesops.territory._prices import FloatArray, IntArray

_SLACK = 2e-9
"""Limits hold to one part in a billion; a plan is said to break one beyond twice that."""


def is_over(used: FloatArray, upper: FloatArray) -> FloatArray:
    """Mark what is above a limit."""
    return np.asarray(used > upper * (1 + _SLACK))


def is_under(used: FloatArray, lower: FloatArray) -> FloatArray:
    """Mark what is below a limit."""
    return np.asarray(used < lower * (1 - _SLACK))


def broken_promises(
    leads: Labels, owner: IntArray, *, require_all: bool, n_moved: int, max_moves: float
) -> list[Problem]:
    """Say that leads have no owner although all should, and that too many change hands."""
    found = []
    if require_all and (owner < 0).any():
        ids = tuple(show(leads[lead]) for lead in np.flatnonzero(owner < 0).tolist())
        found.append(Problem(path="require_all", message="a lead has no owner", ids=ids))
    if n_moved > max_moves:
        moved = (f"{n_moved}, limit {number(max_moves, 6)}",)
        found.append(Problem(path="max_moves", message="more leads change hands than may", values=moved))
    return found


def gross_bound(bound: float, move_price: float, current: IntArray | None, locked: IntArray) -> float:
    """Undo what a bound takes off for moves: the price of every lead that might move, or has to."""
    if current is None:
        return bound
    return bound + move_price * int(((current >= 0) & (current != locked)).sum())
