"""Prices of the reps' time: the Lagrangian dual of the assignment, and the bound that it certifies.

A lead uses resources of its owner: its workload, and every quantity that is balanced. A rep may use
between `lower` and `upper` of each. A price for each rep and resource turns the limits into costs; then every
lead may choose its owner alone, and what the leads choose plus what the limits are worth is an upper bound on
the score of any plan.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_EPS = float(np.finfo(float).eps)


@attrs.frozen(kw_only=True, eq=False)
class Instance:
    """An assignment problem as arrays: n leads, R reps, d resources, at most K listed reps for each lead.

    Attributes
    ----------
    use : ndarray of shape (n, d)
        What each lead uses of each resource, 0 or more. Resource 0 is workload.
    upper, lower : ndarray of shape (R, d)
        What a rep may use; infinite where there is no limit.
    reps, scores : ndarray of shape (n, K)
        The listed reps of each lead in rising order, -1 and -inf where there are fewer.
    rest : ndarray of shape (n,)
        The most that a rep who is not listed can score; -inf if nobody else may own the lead.
    is_open : ndarray of bool, shape (n,)
        Whether the plan may give the lead to a rep who is not listed, for a score of 0.
    banned : ndarray of shape (m, 2)
        Pairs (lead, rep) that are not listed and not allowed.
    must_own : bool
        Whether every lead is to have an owner.
    may_leave : bool
        Whether leads may be left without an owner if there is no other way.
    kind : ndarray of shape (n,)
        What each lead asks of its owner, as a row of `may`.
    may : ndarray of bool, shape (n_kinds, R)
        Which rep may own leads of which kind; listed pairs keep to it.
    """

    use: FloatArray
    upper: FloatArray
    lower: FloatArray
    reps: npt.NDArray[np.int32]
    scores: FloatArray
    rest: FloatArray
    is_open: npt.NDArray[np.bool_]
    banned: IntArray
    must_own: bool
    may_leave: bool = False
    kind: IntArray = attrs.field(
        default=attrs.Factory(lambda self: np.zeros(len(self.use), dtype=np.int64), takes_self=True)
    )
    may: npt.NDArray[np.bool_] = attrs.field(
        default=attrs.Factory(lambda self: np.ones((1, len(self.upper)), dtype=bool), takes_self=True)
    )

    @property
    def n_leads(self) -> int:
        return len(self.use)

    @property
    def n_reps(self) -> int:
        return len(self.upper)


def cost(instance: Instance, prices: FloatArray, leads: Any = slice(None)) -> FloatArray:
    """Price each lead at each of its listed reps, shape (n, K); anything where there is none."""
    reps, use = instance.reps[leads], instance.use[leads]
    if not len(prices):
        return np.zeros(reps.shape)
    total: FloatArray = np.take(prices[:, 0].copy(), reps, mode="wrap")
    total *= use[:, 0, None]
    for k in range(1, use.shape[1]):
        each = np.take(prices[:, k].copy(), reps, mode="wrap")
        each *= use[:, k, None]
        total += each
    return total


def cheapest(use: FloatArray, prices: FloatArray) -> tuple[FloatArray, IntArray]:
    """Lowest price of each lead over all reps, and whose it is (the first of equals)."""
    if not len(prices):
        return np.full(len(use), np.inf), np.full(len(use), -1)
    # Use is never negative, so a rep whose every price is as high as another's is never the cheapest.
    order = np.lexsort(prices.T[::-1])
    front: list[int] = []
    for rep in order.tolist():
        if not front or not (prices[front] <= prices[rep]).all(axis=1).any():
            front.append(rep)
    best, whose = np.full(len(use), np.inf), np.zeros(len(use), dtype=np.int64)
    for rep in sorted(front):
        price = np.zeros(len(use))
        for k in range(use.shape[1]):
            price += use[:, k] * prices[rep, k]
        better = price < best
        best[better] = price[better]
        whose[better] = rep
    return best, whose


def worth_of_limits(instance: Instance, prices: FloatArray) -> FloatArray:
    """Value the limits of each rep and resource at the prices."""
    with np.errstate(invalid="ignore"):
        worth = np.where(prices > 0, prices * instance.upper, prices * instance.lower)
    return np.where(prices == 0, 0.0, worth)


def bound(instance: Instance, prices: FloatArray) -> float:
    """Upper bound on the score of every plan, rounding allowed for.

    Every lead takes its best offer, also from reps who are not listed, who are counted at the most they can
    score; sums are exact (``math.fsum``), and each term carries an allowance for its own rounding.
    """
    price = cost(instance, prices)
    listed = instance.reps >= 0
    offer = np.where(listed, instance.scores - price, -np.inf)
    best = offer.max(axis=1, initial=-np.inf)
    size = np.where(listed, np.abs(instance.scores) + np.abs(price), 0.0).max(axis=1, initial=0.0)
    others = np.isfinite(instance.rest)
    if others.any():
        low, _ = cheapest(instance.use[others], prices)
        best[others] = np.maximum(best[others], instance.rest[others] - low)
        size[others] = np.maximum(size[others], np.abs(instance.rest[others]) + np.abs(low))
    if not instance.must_own:
        best = np.maximum(best, 0.0)
    best = np.where(np.isfinite(best), best, 0.0)
    worth = worth_of_limits(instance, prices)
    rounding: float = 8 * (prices.shape[1] + 1) * _EPS * (math.fsum(size) + math.fsum(np.abs(worth).ravel()))
    return math.fsum([*best.tolist(), *worth.ravel().tolist()]) + rounding


def choices(instance: Instance, prices: FloatArray) -> tuple[IntArray, FloatArray]:
    """Let each lead choose alone at the prices.

    Returns
    -------
    owner : ndarray of shape (n,)
        The listed rep with the best offer, the first of equals; -1 where a rep who is not listed, or nobody,
        is as good.
    margin : ndarray of shape (n,)
        How much better the best offer is than the next.
    """
    offer = np.where(instance.reps >= 0, instance.scores - cost(instance, prices), -np.inf)
    low, _ = cheapest(instance.use, prices)
    other = np.where(instance.is_open, -low, -np.inf)
    if not instance.must_own:
        other = np.maximum(other, 0.0)
    offers = np.concatenate([other[:, None], offer], axis=1)
    first = offers.argmax(axis=1)
    rows = np.arange(instance.n_leads)
    owner = np.where(first > 0, instance.reps[rows, first - 1] if instance.reps.shape[1] else -1, -1)
    best = offers[rows, first]
    offers[rows, first] = -np.inf
    second = offers.max(axis=1)
    with np.errstate(invalid="ignore"):
        margin = np.where(np.isfinite(second), best - second, np.inf)
    return owner.astype(np.int64), margin


def usage(instance: Instance, owner: IntArray, leads: npt.NDArray[np.bool_] | None = None) -> FloatArray:
    """Sum what each rep uses of each resource, shape (R, d), over all leads or those marked."""
    counted = owner >= 0 if leads is None else (owner >= 0) & leads
    return np.stack(
        [
            np.bincount(owner[counted], weights=column[counted], minlength=instance.n_reps)
            for column in instance.use.T
        ],
        axis=1,
    )


def sample(instance: Instance, n_leads: int) -> Instance:
    """Take evenly spaced leads, in the order they stand, and as large a part of every limit."""
    if n_leads >= instance.n_leads:
        return instance
    rows = np.linspace(0, instance.n_leads - 1, n_leads).astype(np.int64)
    whole = instance.use.sum(axis=0)
    part = np.maximum(instance.use[rows].sum(axis=0), 1e-12 * whole) / np.where(whole > 0, whole, 1.0)
    part = np.where(whole > 0, part, 1.0)
    return attrs.evolve(
        instance,
        use=instance.use[rows],
        upper=instance.upper * part,
        lower=instance.lower * part,
        reps=instance.reps[rows],
        scores=instance.scores[rows],
        rest=instance.rest[rows],
        is_open=instance.is_open[rows],
        kind=instance.kind[rows],
    )


def narrow(instance: Instance, prices: FloatArray, width: int) -> Instance:
    """Keep only the reps with the best offers at the prices, at most `width` for each lead.

    Prices found on it are still good; a bound must be taken on the whole.
    """
    if instance.reps.shape[1] <= width:
        return instance
    offer = np.where(instance.reps >= 0, instance.scores - cost(instance, prices), -np.inf)
    kept = np.sort(np.argpartition(-offer, width, axis=1)[:, :width], axis=1)
    return attrs.evolve(
        instance,
        reps=np.take_along_axis(instance.reps, kept, axis=1),
        scores=np.take_along_axis(instance.scores, kept, axis=1),
    )
