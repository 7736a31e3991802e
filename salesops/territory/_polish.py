"""A linear programme over the leads whose choice is close: better prices, and a nearly whole plan."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._chunks import pieces
from salesops.territory._prices import FloatArray, Instance, IntArray, cost
from salesops.territory._smooth import Units

_COLD_COLUMNS = 6
_CELLS = 1 << 19
"""Leads times reps to a piece where every rep of a lead is looked at."""
_DEAREST = 100.0
"""A price, in even units, that no mean score is worth: what breaking a limit costs at least."""


def polish(
    instance: Instance,
    prices: FloatArray,
    units: Units,
    *,
    width: int = 10,
    reach: FloatArray | None = None,
    is_tied: bool = False,
) -> tuple[FloatArray, float, IntArray] | None:
    """Solve the linear programme of an instance, its prices kept within half of each rep's `reach`.

    Keeping prices near is what makes leads that are not in it stay where they are (a stabilised programme:
    breaking a limit costs the highest price, leaving room earns the lowest).

    Parameters
    ----------
    width : int
        How many of the best reps at the prices each lead may go to.
    reach : ndarray of shape (R,), optional
        In even units; none for a programme over all leads.
    is_tied : bool, default False
        True solves by an interior-point method, which many equal scores do not slow down.

    Returns
    -------
    prices : ndarray of shape (R, d)
        The dual prices of the programme.
    stay : float
        The price of a move.
    owner : ndarray of shape (n,)
        Its solution, split leads going where their largest part goes, -1 for nobody. None if the solver
        failed.

    References
    ----------
    O. du Merle, D. Villeneuve, J. Desrosiers, P. Hansen (1999), "Stabilized column generation".
    """
    lead, rep, score = _columns(instance, prices, units, width, reach)
    if not len(lead):
        return None
    solved = _solve(instance, prices, units, reach, lead, rep, score, is_tied=is_tied)
    if solved is None:
        return None
    share, duals, stay = solved
    owner = np.full(instance.n_leads, -1, dtype=np.int64)
    order = np.lexsort((rep, -share, lead))
    first = order[np.unique(lead[order], return_index=True)[1]]
    taken = first[share[first] > 1e-9]
    owner[lead[taken]] = rep[taken]
    return duals, stay, owner


def _columns(
    instance: Instance, prices: FloatArray, units: Units, width: int, reach: FloatArray | None
) -> tuple[IntArray, IntArray, FloatArray]:
    """List the pairs that matter: each lead with its best few reps at the prices, those within reach."""
    table = instance.pairs.laid_out()
    offer = table.scores - cost(instance, prices, slice(None), table.reps)
    offer[table.reps < 0] = -np.inf
    width = min(width, offer.shape[1])
    top = np.argsort(-offer, axis=1, kind="stable")[:, :width]
    offer = np.take_along_axis(offer, top, axis=1)
    seat = np.take_along_axis(table.reps, top, axis=1)
    worth = np.take_along_axis(table.scores, top, axis=1)
    keep = seat >= 0
    if reach is not None and width:
        move = (instance.use / units.use).sum(axis=1) + (0.0 if instance.current is None else 1.0)
        far = (reach[seat] + reach[seat[:, :1]]) / 2 * units.score * move[:, None]
        keep &= offer >= offer[:, :1] - 1.001 * far
    if instance.current is not None:
        keep |= (seat >= 0) & (seat == instance.current[:, None])
    lead, column = np.nonzero(keep)
    rep, score = seat[lead, column].astype(np.int64), worth[lead, column]
    cold = _cold_columns(instance, prices)
    return (
        np.concatenate([lead, cold[0]]),
        np.concatenate([rep, cold[1]]),
        np.concatenate([score, np.zeros(len(cold[0]))]),
    )


def _cold_columns(instance: Instance, prices: FloatArray) -> tuple[IntArray, IntArray]:
    """List pairs beyond the listed ones: the cheapest reps of each lead, equally cheap ones in turn."""
    free = np.flatnonzero(instance.is_open)
    if not len(free) or not instance.n_reps:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    # A table of all leads and reps would take more memory than all the rest of the search.
    parts = pieces(len(free), max(_CELLS // instance.n_reps, 1))
    dearest = 0.0
    for part in parts:
        price = _price_of_all(instance, prices, free[part])
        dearest = max(dearest, float(np.abs(price[np.isfinite(price)]).max(initial=0.0)))
    unit, turns = 1e-6 * (dearest or 1.0), np.arange(instance.n_reps)

    def cheapest(part: slice) -> IntArray:
        turn = (turns + np.arange(part.start, part.stop)[:, None]) % instance.n_reps
        level = np.rint(_price_of_all(instance, prices, free[part]) / unit)
        return np.lexsort((turn, level), axis=1)[:, :_COLD_COLUMNS]

    order = np.concatenate([cheapest(part) for part in parts])
    lead, rep = np.repeat(free, order.shape[1]), order.ravel()
    kept = ~(instance.pairs.at(lead)[0] == rep[:, None]).any(axis=1) & instance.may[instance.kind[lead], rep]
    kept &= ~np.isin(lead * instance.n_reps + rep, instance.banned @ [instance.n_reps, 1])
    return lead[kept], rep[kept]


def _price_of_all(instance: Instance, prices: FloatArray, leads: IntArray) -> FloatArray:
    """Price some leads at every rep, shape (m, R); infinite where she may not own them."""
    price: FloatArray = np.where(instance.may[instance.kind[leads]], instance.use[leads] @ prices.T, np.inf)
    return price


@attrs.frozen(kw_only=True, eq=False)
class Limits:
    """Rows ``matrix @ x <= right`` that say the limits of the reps, in units of use.

    Attributes
    ----------
    rep, resource : ndarray of shape (m,)
        What each row limits.
    sign : ndarray of shape (m,)
        1 for an upper, -1 for a lower limit.
    """

    matrix: sparse.csr_array[Any]
    right: FloatArray
    rep: IntArray
    resource: IntArray
    sign: IntArray

    @classmethod
    def of(cls, instance: Instance, unit: FloatArray, lead: IntArray, rep: IntArray) -> Limits:
        """Limit the pairs (lead, rep) of a programme, uses counted in units."""
        n, (n_reps, d) = len(lead), instance.upper.shape
        parts: list[Any] = []
        right: list[FloatArray] = []
        places: list[tuple[IntArray, int, int]] = []
        for k in range(d):
            part = sparse.csr_array((instance.use[lead, k] / unit[k], (rep, np.arange(n))), shape=(n_reps, n))
            for limit, sign in ((instance.upper, 1), (instance.lower, -1)):
                has = np.flatnonzero(np.isfinite(limit[:, k]))
                parts.append(sign * part[has])
                right.append(sign * (limit[has, k]) / unit[k])
                places.append((has, k, sign))
        return cls(
            matrix=sparse.vstack(parts).tocsr(),
            right=np.concatenate(right),
            rep=np.concatenate([has for has, _, _ in places]),
            resource=np.concatenate([np.full(len(has), k) for has, k, _ in places]),
            sign=np.concatenate([np.full(len(has), sign) for has, _, sign in places]),
        )


def _solve(
    instance: Instance,
    prices: FloatArray,
    units: Units,
    reach: FloatArray | None,
    lead: IntArray,
    rep: IntArray,
    score: FloatArray,
    *,
    is_tied: bool,
) -> tuple[FloatArray, FloatArray, float] | None:
    """Solve the programme: the share of each pair, and the prices; None if the solver failed."""
    from scipy.optimize import linprog

    n, limits = len(lead), Limits.of(instance, units.use, lead, rep)
    rows, right, now = limits.matrix, limits.right, (prices * units.use / units.score)
    price = np.maximum(now[limits.rep, limits.resource] * limits.sign, 0.0)
    if math.isfinite(instance.max_moves) and instance.current is not None:
        stays = sparse.csr_array((instance.current[lead] == rep)[None].astype(float))
        rows = sparse.vstack([rows, -stays]).tocsr()
        right = np.append(right, instance.max_moves - instance.n_settled)
        price = np.append(price, instance.stay / units.score)
    elif instance.stay and instance.current is not None:
        score = score + instance.stay * (instance.current[lead] == rep)
    m = len(right)
    room = np.full(m, _DEAREST)
    if reach is not None:
        room = np.minimum(np.append(reach[limits.rep], reach.mean())[:m] / 2, room)
    dear, low = price + room, np.maximum(price - room, 0.0)
    paid = np.flatnonzero(low > 0)
    ones = sparse.eye_array(m).tocsr()
    once = sparse.csr_array((np.ones(n), (lead, np.arange(n))), shape=(instance.n_leads, n))
    once = sparse.hstack([once, sparse.csr_array((instance.n_leads, m + len(paid)))])
    beside = sparse.hstack([rows, -ones, ones[:, paid]])
    each = np.ones(instance.n_leads)
    table: Any = {"A_ub": beside, "b_ub": right, "A_eq": once, "b_eq": each}
    if not instance.must_own:
        table = {"A_ub": sparse.vstack([beside, once]), "b_ub": np.concatenate([right, each])}
    method: Any = "highs-ipm" if is_tied else "highs"
    answer: Any = linprog(np.concatenate([-score / units.score, dear, -low[paid]]), **table, method=method)
    if answer.status != 0:
        return None
    worth = np.maximum(-answer.ineqlin.marginals[:m], 0.0)
    found = np.zeros(instance.upper.shape)
    k = len(limits.right)
    np.add.at(found, (limits.rep, limits.resource), worth[:k] * limits.sign)
    stay = float(worth[-1]) * units.score if m > k else instance.stay
    return answer.x[:n], found * units.score / units.use, stay
