"""A linear programme over the leads whose choice is close: better prices, and a nearly whole plan."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._prices import FloatArray, Instance, IntArray, cost, usage

_COLD_COLUMNS = 6


def polish(
    instance: Instance, prices: FloatArray, owner: IntArray, close: IntArray, *, width: int = 10
) -> tuple[FloatArray, IntArray] | None:
    """Solve the linear programme over some leads; the others stay with their owners.

    Parameters
    ----------
    owner : ndarray of shape (n,)
        -1 for nobody.
    close : ndarray of shape (m,)
        The leads that may move, each to its `width` best reps at the prices.

    Returns
    -------
    prices : ndarray of shape (R, d)
        The dual prices of the programme.
    owner : ndarray of shape (n,)
        Its solution, split leads going where their largest part goes. None if the solver failed.
    """
    fixed = np.ones(instance.n_leads, dtype=bool)
    fixed[close] = False
    lead, rep, score = _columns(instance, prices, close, width)
    solved = _solve(instance, usage(instance, owner, fixed), close, lead, rep, score)
    if solved is None:
        return None
    share, duals = solved
    owner = owner.copy()
    owner[close] = -1
    order = np.lexsort((rep, -share, lead))
    first = order[np.unique(lead[order], return_index=True)[1]]
    taken = first[share[first] > 1e-9]
    owner[close[lead[taken]]] = rep[taken]
    return duals, owner


def _columns(
    instance: Instance, prices: FloatArray, close: IntArray, width: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """List the pairs that matter: each close lead with its best few reps at the prices."""
    offer = np.where(
        instance.reps[close] >= 0, instance.scores[close] - cost(instance, prices, close), -np.inf
    )
    width = min(width, offer.shape[1])
    top = np.argsort(-offer, axis=1, kind="stable")[:, :width]
    seat = np.take_along_axis(instance.reps[close], top, axis=1)
    worth = np.take_along_axis(instance.scores[close], top, axis=1)
    lead = np.repeat(np.arange(len(close)), width)
    keep = (seat >= 0).ravel()
    lead, rep, score = lead[keep], seat.ravel()[keep].astype(np.int64), worth.ravel()[keep]
    cold = _cold_columns(instance, prices, close)
    return (
        np.concatenate([lead, cold[0]]),
        np.concatenate([rep, cold[1]]),
        np.concatenate([score, np.zeros(len(cold[0]))]),
    )


def _cold_columns(instance: Instance, prices: FloatArray, close: IntArray) -> tuple[IntArray, IntArray]:
    """List pairs beyond the listed ones: the cheapest reps of each lead, equally cheap ones in turn."""
    free = np.flatnonzero(instance.is_open[close])
    if not len(free) or not instance.n_reps:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    price = instance.use[close[free]] @ prices.T
    scale = np.abs(price).max() or 1.0
    turn = (np.arange(instance.n_reps)[None] + np.arange(len(free))[:, None]) % instance.n_reps
    order = np.lexsort((turn, np.rint(price / (1e-6 * scale))), axis=1)[:, :_COLD_COLUMNS]
    lead, rep = np.repeat(free, order.shape[1]), order.ravel()
    listed = (instance.reps[close[lead]] == rep[:, None]).any(axis=1)
    listed |= np.isin(close[lead] * instance.n_reps + rep, instance.banned @ [instance.n_reps, 1])
    listed |= ~instance.may[instance.kind[close[lead]], rep]
    return lead[~listed], rep[~listed]


@attrs.frozen(kw_only=True, eq=False)
class Limits:
    """Rows ``matrix @ x <= right`` that say the limits of the reps, in units of the largest use.

    Attributes
    ----------
    rep, resource : ndarray of shape (m,)
        What each row limits.
    sign : ndarray of shape (m,)
        1 for an upper, -1 for a lower limit.
    unit : ndarray of shape (d,)
    """

    matrix: sparse.csr_array[Any]
    right: FloatArray
    rep: IntArray
    resource: IntArray
    sign: IntArray
    unit: FloatArray

    @classmethod
    def of(cls, instance: Instance, used: FloatArray, lead: IntArray, rep: IntArray) -> Limits:
        """Limit the pairs (lead, rep) of a programme by what is left beside `used`."""
        n, (n_reps, d) = len(lead), instance.upper.shape
        unit = instance.use.max(axis=0, initial=0.0)
        unit = np.where(unit > 0, unit, 1.0)
        parts: list[Any] = []
        right: list[FloatArray] = []
        places: list[tuple[IntArray, int, int]] = []
        for k in range(d):
            part = sparse.csr_array((instance.use[lead, k] / unit[k], (rep, np.arange(n))), shape=(n_reps, n))
            for limit, sign in ((instance.upper, 1), (instance.lower, -1)):
                has = np.flatnonzero(np.isfinite(limit[:, k]))
                parts.append(sign * part[has])
                right.append(sign * (limit[has, k] - used[has, k]) / unit[k])
                places.append((has, k, sign))
        return cls(
            matrix=sparse.vstack(parts).tocsr(),
            right=np.concatenate(right),
            rep=np.concatenate([has for has, _, _ in places]),
            resource=np.concatenate([np.full(len(has), k) for has, k, _ in places]),
            sign=np.concatenate([np.full(len(has), sign) for has, _, sign in places]),
            unit=unit,
        )


def _solve(
    instance: Instance, used: FloatArray, close: IntArray, lead: IntArray, rep: IntArray, score: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Solve the programme: the share of each pair, and the prices; None if the solver failed."""
    from scipy.optimize import linprog

    n, limits = len(lead), Limits.of(instance, used, close[lead], rep)
    m = len(limits.right)
    scale = float(np.abs(score).max(initial=0.0)) or 1.0
    # Limits may be broken at a price that no score is worth, so that there is always a solution.
    typical = instance.use[close] / limits.unit
    penalty = 10.0 / max(float(np.median(typical[typical > 0])) if (typical > 0).any() else 1.0, 1e-6)
    once = sparse.csr_array((np.ones(n), (lead, np.arange(n))), shape=(len(close), n))
    once = sparse.hstack([once, sparse.csr_array((len(close), m))])
    beside = sparse.hstack([limits.matrix, -sparse.eye_array(m).tocsr()])
    ones = np.ones(len(close))
    rows: Any = {"A_ub": beside, "b_ub": limits.right, "A_eq": once, "b_eq": ones}
    if not instance.must_own:
        rows = {
            "A_ub": sparse.vstack([beside, once]),
            "b_ub": np.concatenate([limits.right, ones]),
        }
    answer: Any = linprog(np.concatenate([-score / scale, np.full(m, penalty)]), **rows, method="highs")
    if answer.status != 0:
        return None
    prices = np.zeros(instance.upper.shape)
    worth = np.maximum(-answer.ineqlin.marginals[:m], 0.0) * limits.sign
    np.add.at(prices, (limits.rep, limits.resource), worth * scale / limits.unit[limits.resource])
    return answer.x[:n], prices
