"""Limits that may be broken at a price: what breaks the least, or prices that prove that something must."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._classes import Classes
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._proofs import Proof

_FIRST, _MORE, _ROUNDS = 4, 6, 40
_NOTHING = 1e-9


@attrs.frozen(kw_only=True, eq=False)
class Elastic:
    """What a programme over shares of leads says of a system.

    Attributes
    ----------
    row, column, share : ndarray
        Class, place and number of leads; meaningful where nothing is broken.
    is_kept : bool
        Whether shares of leads keep every limit.
    proof : Proof or None
        Prices that contradict the system, verified.
    """

    row: IntArray
    column: IntArray
    share: FloatArray
    is_kept: bool = False
    proof: Proof | None = None


def stretch(classes: Classes) -> Elastic | None:
    """Break limits as little as shares of leads can, by column generation; None if the solver failed.

    Every limit, that of moves too, may be broken at the price of 1 for each unit. Where the least cost is 0,
    shares keep them all; else the dual prices contradict each other (Farkas), as soon as the exact check of
    :class:`Proof` says so, whether the programme has come to its end or not.
    """
    listed = _first_columns(classes)
    for _ in range(_ROUNDS):
        row, column = np.nonzero(listed)
        solved = _solve(classes, row, column)
        if solved is None:
            return None
        share, broken, prices, stay, worth = solved
        if broken <= _NOTHING:
            return Elastic(row=row, column=column, share=share, is_kept=True)
        proof = _proof(classes, prices, stay)
        if proof.excess(classes.system) > 0:
            return Elastic(row=row, column=column, share=share, proof=proof)
        if not _add_columns(classes, listed, prices, stay, worth):
            return Elastic(row=row, column=column, share=share)
    return None


def _first_columns(classes: Classes) -> Any:
    """List for each class where it is at home and, in turn, some other places."""
    fits = classes.fits
    c, m = fits.shape
    # Classes begin at different places, so that each place is listed for some.
    turn = (np.arange(m)[None] + (7 * np.arange(c))[:, None]) % m
    rank = np.cumsum(np.take_along_axis(fits, turn, axis=1), axis=1)
    first = np.zeros(fits.shape, dtype=bool)
    np.put_along_axis(first, turn, rank <= _FIRST, axis=1)
    listed = fits & first
    at_home = np.flatnonzero(classes.home >= 0)
    listed[at_home, classes.home[at_home]] = True
    return listed


def _add_columns(classes: Classes, listed: Any, prices: FloatArray, stay: float, worth: FloatArray) -> bool:
    """List, in place, the cheapest places that are not yet; say whether there were any."""
    cost = classes.use @ np.vstack([prices, np.zeros(prices.shape[1])]).T
    at_home = np.flatnonzero(classes.home >= 0)
    cost[at_home, classes.home[at_home]] -= stay
    saved = np.where(classes.fits & ~listed, cost - worth[:, None], 0.0)
    order = np.argsort(saved, axis=1, kind="stable")[:, :_MORE]
    better = np.take_along_axis(saved, order, axis=1) < -_NOTHING
    row = np.nonzero(better)[0]
    listed[row, order[better]] = True
    return bool(len(row))


def _solve(
    classes: Classes, row: IntArray, column: IntArray
) -> tuple[FloatArray, float, FloatArray, float, FloatArray] | None:
    """Solve over some columns: shares, what is broken, prices of limits and a stay, worth of each class."""
    from scipy.optimize import linprog

    n, (matrix, right, names) = len(row), classes.limits(row, column)
    m, out = len(right), classes.outside
    once: Any = sparse.hstack([classes.once(row), sparse.csr_array((len(out), m))])
    once = sparse.csr_array(once)
    beside = sparse.hstack([matrix, -sparse.eye_array(m)])
    table: Any = {
        "A_ub": sparse.vstack([beside, once[np.flatnonzero(out)]]).tocsr(),
        "b_ub": np.concatenate([right, classes.count[out]]),
    }
    if not out.all():
        table |= {"A_eq": once[np.flatnonzero(~out)], "b_eq": classes.count[~out]}
    answer: Any = linprog(np.concatenate([np.zeros(n), np.ones(m)]), **table, method="highs")
    if answer.status != 0:
        return None
    duals = np.maximum(-answer.ineqlin.marginals, 0.0)
    worth = np.zeros(len(out))
    worth[out] = answer.ineqlin.marginals[m:]
    if not out.all():
        worth[~out] = answer.eqlin.marginals
    prices = np.zeros((len(classes.reps), classes.use.shape[1]))
    np.add.at(prices, (names[:, 0], names[:, 1]), duals[: len(names)] * names[:, 2])
    stay = float(duals[len(names)]) if m > len(names) else 0.0
    return answer.x[:n], float(answer.fun), prices / classes.unit, stay, worth


def _proof(classes: Classes, prices: FloatArray, stay: float) -> Proof:
    """Say the prices of a programme of all reps, without what is but noise of the solver."""
    whole = np.zeros(classes.system.upper.shape)
    whole[classes.reps] = np.where(np.abs(prices * classes.unit) > _NOTHING, prices, 0.0)
    return Proof(prices=whole, move_price=stay if stay > _NOTHING else 0.0)
