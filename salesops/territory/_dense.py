"""Assignments whose workload depends on the rep: every pair in one table, prices, and the bound they certify.

This is the generalised assignment problem with further limits. Costs are minimised (a score with its
sign turned is a cost); where leads may be left, nobody is one more rep, without limits.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._exact import all_pairs
from salesops.territory._prices import FloatArray, Instance, IntArray

_EPS = float(np.finfo(float).eps)
_STEPS = 300
_ROUNDS = 6
_FIRST_WIDTH = 3
_SMALL_COST = 1e-9


@attrs.frozen(kw_only=True, eq=False)
class DenseCase:
    """An assignment as tables of R reps and n leads, with d resources.

    Attributes
    ----------
    cost : ndarray of shape (R, n)
        What each pair costs; infinite where it is not allowed.
    work : tuple of d ndarrays of shape (R, n)
        What each pair uses of each resource, 0 or more.
    upper, lower : ndarray of shape (R, d)
        What a rep may use; infinite where there is no limit.
    has_nobody : bool
        Whether the last rep is nobody.
    step : float
        Two plans that differ in cost differ by at least this; 0 if that is not known.
    """

    cost: FloatArray
    work: tuple[FloatArray, ...]
    upper: FloatArray
    lower: FloatArray
    has_nobody: bool
    step: float

    @classmethod
    def of(cls, instance: Instance, work: FloatArray, *, idle: float | None) -> DenseCase:
        """Lay out an instance; `work` of shape (R, n) replaces resource 0, `idle` is what nobody costs."""
        n, n_reps = instance.n_leads, instance.n_reps
        lead, rep, score = all_pairs(instance, hopeful=False)
        cost = np.full((n_reps, n), np.inf)
        cost[rep, lead] = -score
        uses = [work, *(np.broadcast_to(column, (n_reps, n)) for column in instance.use.T[1:])]
        for k, use in enumerate(uses):
            cost[use > instance.upper[:, k, None]] = np.inf
        upper, lower = instance.upper, instance.lower
        known = score if idle is None else np.append(score, idle)
        is_whole = bool((known == np.rint(known)).all()) and float(np.abs(known).sum()) < 2.0**52
        if idle is not None:
            cost = np.vstack([cost, np.full((1, n), idle)])
            uses = [np.vstack([use, np.zeros((1, n))]) for use in uses]
            upper = np.vstack([upper, np.full((1, upper.shape[1]), np.inf)])
            lower = np.vstack([lower, np.full((1, upper.shape[1]), -np.inf)])
        return cls(
            cost=cost,
            work=tuple(uses),
            upper=upper,
            lower=lower,
            has_nobody=idle is not None,
            step=1.0 if is_whole else 0.0,
        )

    @property
    def n_leads(self) -> int:
        """How many leads there are."""
        return int(self.cost.shape[1])

    @property
    def n_reps(self) -> int:
        """How many reps there are, nobody among them."""
        return int(self.cost.shape[0])

    def cost_of(self, owner: IntArray) -> float:
        """Sum what a plan costs."""
        return float(self.cost[owner, np.arange(self.n_leads)].sum())

    def used(self, owner: IntArray) -> FloatArray:
        """Sum what each rep uses of each resource, shape (R, d)."""
        leads = np.arange(self.n_leads)
        return np.stack(
            [np.bincount(owner, weights=use[owner, leads], minlength=self.n_reps) for use in self.work],
            axis=1,
        )

    def excess(self, used: FloatArray) -> FloatArray:
        """How far uses are beyond their limits, shape (R, d)."""
        return np.maximum(np.maximum(used - self.upper, self.lower - used), 0.0)

    def priced(self, prices: FloatArray) -> FloatArray:
        """Cost of each pair at prices of the resources, shape (R, n)."""
        total = self.cost.copy()
        for k, use in enumerate(self.work):
            if prices[:, k].any():
                total += prices[:, k, None] * use
        return total

    def worth(self, prices: FloatArray) -> FloatArray:
        """Value the limits at the prices: what is paid back, shape (R, d)."""
        with np.errstate(invalid="ignore"):
            worth = np.where(prices > 0, prices * self.upper, prices * self.lower)
        return np.where(prices == 0, 0.0, worth)


def lower_bound(case: DenseCase, prices: FloatArray) -> float:
    """Bound the cost of every plan from below, rounding allowed for; infinite if a lead has no rep."""
    priced = case.priced(prices)
    best = priced.min(axis=0, initial=np.inf)
    if not np.isfinite(best).all():
        return math.inf
    worth = case.worth(prices)
    largest = sum(
        (np.abs(prices[:, k, None]) * use).max(axis=0, initial=0.0) for k, use in enumerate(case.work)
    )
    size = float((np.abs(best) + 2 * np.asarray(largest)).sum() + np.abs(worth).sum())
    rounding = 8 * (prices.shape[1] + 1) * _EPS * size
    total: float = math.fsum([*best.tolist(), *(-worth).ravel().tolist()]) - rounding
    return total


def relax(case: DenseCase) -> tuple[FloatArray, IntArray]:
    """Find prices of nearly the greatest bound, and where each lead goes, or goes mostly, in the relaxation.

    Subgradient steps come first, then a linear programme over the pairs that are good at their prices.
    """
    prices = _ascend(case)
    best = lower_bound(case, prices)
    priced = case.priced(prices)
    owner = priced.argmin(axis=0)
    width = min(_FIRST_WIDTH, case.n_reps)
    rank = np.argpartition(priced, width - 1, axis=0)[:width]
    kept = np.zeros(priced.shape, dtype=bool)
    kept[rank, np.arange(case.n_leads)] = True
    if priced.size <= 4_000:
        kept[:] = True
    for _ in range(_ROUNDS):
        solved = _programme(case, kept & np.isfinite(case.cost))
        if solved is None:
            break
        found, paid, owner = solved
        certified = lower_bound(case, found)
        if certified > best:
            best, prices = certified, found
        behind = case.priced(found) - paid
        scale = max(1.0, float(np.abs(paid).max(initial=0.0)))
        missing = (behind < -_SMALL_COST * scale) & ~kept
        if not missing.any():
            break
        # Only the best few of each lead, so that the programme stays small.
        few = np.argpartition(np.where(missing, behind, np.inf), width - 1, axis=0)[:width]
        kept[few, np.arange(case.n_leads)] |= missing[few, np.arange(case.n_leads)]
    return prices, owner


def _ascend(case: DenseCase) -> FloatArray:
    """Raise the bound by subgradient steps, each as long as the distance to a guessed optimum allows."""
    leads = np.arange(case.n_leads)
    prices = best_prices = np.zeros(case.upper.shape)
    best, length, stale = -math.inf, 0.02, 0
    for _ in range(_STEPS):
        priced = case.priced(prices)
        owner = priced.argmin(axis=0)
        value = float(priced[owner, leads].sum() - case.worth(prices).sum())
        used = case.used(owner)
        over, under = used - case.upper, used - case.lower
        slope = np.where(prices > 0, over, np.where(prices < 0, under, 0.0))
        slope = np.where((prices == 0) & (over > 0), over, slope)
        slope = np.where((prices == 0) & (under < 0), under, slope)
        if value > best:
            best, best_prices, stale = value, prices, 0
        else:
            stale += 1
            if stale > 10:
                length, stale = 0.6 * length, 0
        size = float((slope**2).sum())
        if size <= 0:
            break
        scale = max(abs(best), float(np.abs(case.cost[owner, leads]).max(initial=0.0)))
        moved = prices + length * scale * slope / size
        # A price may fall to zero, but not change its sign in one step.
        prices = np.where(prices * moved < 0, 0.0, moved)
        prices = np.where(
            ((prices > 0) & ~np.isfinite(case.upper)) | ((prices < 0) & ~np.isfinite(case.lower)), 0.0, prices
        )
    return best_prices


def limit_rows(
    case: DenseCase, rep: IntArray, lead: IntArray
) -> tuple[sparse.csr_array[Any], FloatArray, IntArray, IntArray, IntArray]:
    """Write the limits over pairs as ``matrix @ x <= right``, with rep, resource and sign of each row."""
    n = len(rep)
    parts: list[Any] = []
    right: list[FloatArray] = []
    places: list[tuple[IntArray, int, int]] = []
    for k, use in enumerate(case.work):
        part = sparse.csr_array((use[rep, lead], (rep, np.arange(n))), shape=(case.n_reps, n))
        for limit, sign in ((case.upper, 1), (case.lower, -1)):
            has = np.flatnonzero(np.isfinite(limit[:, k]))
            parts.append(sign * part[has])
            right.append(sign * limit[has, k])
            places.append((has, k, sign))
    return (
        sparse.vstack(parts).tocsr(),
        np.concatenate(right),
        np.concatenate([has for has, _, _ in places]),
        np.concatenate([np.full(len(has), k) for has, k, _ in places]),
        np.concatenate([np.full(len(has), sign) for has, _, sign in places]),
    )


def _programme(case: DenseCase, kept: Any) -> tuple[FloatArray, FloatArray, IntArray] | None:
    """Solve the linear programme over the pairs kept: prices, what each lead pays, and to whom it goes.

    None if the solver failed.
    """
    from scipy.optimize import linprog

    rep, lead = np.nonzero(kept)
    if len(np.unique(lead)) < case.n_leads:
        return None
    n, cost = len(rep), case.cost[rep, lead]
    rows, right, of_rep, resource, sign = limit_rows(case, rep, lead)
    # Limits may be broken at a price that no pair is worth, so that there is always a solution.
    spread = float(cost.max() - cost.min()) if n else 0.0
    unit = np.array([float(use[use > 0].mean()) if (use > 0).any() else 1.0 for use in case.work])
    penalty = 10.0 * (spread + abs(float(np.abs(cost).max(initial=0.0))) + 1.0) / unit[resource]
    once = sparse.csr_array((np.ones(n), (lead, np.arange(n))), shape=(case.n_leads, n))
    parts: Any = {
        "A_ub": sparse.hstack([rows, -sparse.eye_array(len(right))]),
        "b_ub": right,
        "A_eq": sparse.hstack([once, sparse.csr_array((case.n_leads, len(right)))]),
        "b_eq": np.ones(case.n_leads),
    }
    answer: Any = linprog(np.concatenate([cost, penalty]), **parts, method="highs")
    if answer.status != 0:
        return None
    prices = np.zeros(case.upper.shape)
    np.add.at(prices, (of_rep, resource), np.maximum(-answer.ineqlin.marginals, 0.0) * sign)
    part = np.zeros(case.cost.shape)
    part[rep, lead] = answer.x[:n]
    return prices, np.asarray(answer.eqlin.marginals), part.argmax(axis=0)
