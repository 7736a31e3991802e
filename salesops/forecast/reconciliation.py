"""Forecasts that add up: base forecasts of every level made coherent by one projection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from salesops import _money
from salesops._faults import check_choice, refuse
from salesops.errors import InternalError, InvalidInput, Problem, show
from salesops.forecast._hierarchy import (
    Hierarchy,
    from_levels,
    read_base,
    read_hierarchy,
    read_residuals,
)
from salesops.forecast._projection import Projection, Weights, non_negative, shrinkage, tree_coherent
from salesops.forecast.reconciled import Reconciled

__all__ = ["reconcile"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["bottom_up", "top_down", "ols", "wls_structural", "wls_variance", "mint_shrink"]

_METHODS = ("bottom_up", "top_down", "ols", "wls_structural", "wls_variance", "mint_shrink")
_FLOOR = 1e-10


def reconcile(
    base: object,
    hierarchy: object,
    *,
    method: Method = "wls_structural",
    residuals: object = None,
    variances: Mapping[Any, float] | None = None,
    non_negative: bool = False,
    currency: str | None = None,
) -> Reconciled:
    """Make forecasts of all levels agree: every parent becomes the sum of its children.

    Parameters
    ----------
    base : mapping, Series or table
        Forecast of every node: a number, or a list of numbers for several periods; or a table with node_id,
        value and, for several periods, period.
    hierarchy : mapping, table, frame or list of str
        Children by parent; or a table with node_id and parent_id; or a summing matrix (a frame with nodes as
        index and leaves as columns; nodes may overlap). A list of names means that `base` has these columns
        for its levels, empty below the level of a row; nodes are then tuples, and () is the total.
    method : str, default "wls_structural"
        "bottom_up": leaves stand. "top_down": the total stands and goes down by the proportions of the
        forecasts. "ols": the nearest coherent forecasts, all nodes alike. "wls_structural": a node weighs
        less the more leaves it sums. "wls_variance": less the larger the mean square of its errors.
        "mint_shrink": by the whole covariance of the errors, its correlations shrunk.
    residuals : frame or mapping, optional
        Past errors of the base forecasts, one column for each node, one row for each time.
    variances : mapping, optional
        Variance of the error of each node, where there are no residuals.
    non_negative : bool, default False
        True keeps every leaf at 0 or more.
    currency : str, optional
        Rounds to its minor unit so that parents still equal their children exactly: the top is rounded and
        each node is split among its children by largest remainder.

    Returns
    -------
    Reconciled

    Raises
    ------
    InvalidInput
        If a node lacks a forecast, the hierarchy is none, or the method needs what is not there.

    Notes
    -----
    Computed as W-projection onto the constraints, x = y - W C' (C W C')^-1 C y, which is sparse: ten thousand
    leaves take a fraction of a second. On a tree with weights of single nodes (all but "mint_shrink") two
    passes, up and down, give the same in O(nodes). The shrinkage intensity is Schäfer and Strimmer's,
    computed without the matrix of correlations. Where errors are known, variances of the reconciled forecasts
    follow from the same linear map (not for "top_down", nor where a leaf is held at 0).

    References
    ----------
    R. J. Hyndman, R. A. Ahmed, G. Athanasopoulos, H. L. Shang (2011), "Optimal combination forecasts for
    hierarchical time series".
    S. L. Wickramasuriya, G. Athanasopoulos, R. J. Hyndman (2019), "Optimal forecast reconciliation for
    hierarchical and grouped time series through trace minimization".
    K. C. Chou, A. S. Willsky, A. Benveniste (1994), "Multiscale recursive estimation, data fusion, and
    regularization".
    J. Schäfer, K. Strimmer (2005), "A shrinkage approach to large-scale covariance matrix estimation".

    Examples
    --------
    >>> from salesops import forecast
    >>> base = {"total": 100, "north": 50, "south": 56}
    >>> made = forecast.reconcile(base, {"total": ["north", "south"]}, method="ols")
    >>> made.to_frame()[["node_id", "base", "reconciled"]].values.tolist()
    [['north', 50.0, 48.0], ['south', 56.0, 54.0], ['total', 100.0, 102.0]]
    """
    check_choice("method", method, _METHODS)
    places = None if currency is None else _money.exponent(currency)
    levels: tuple[str, ...] = ()
    if isinstance(hierarchy, (list, tuple)) and hierarchy and all(isinstance(x, str) for x in hierarchy):
        levels = tuple(hierarchy)
        found, base = from_levels(base, levels)
    else:
        found = read_hierarchy(hierarchy)
    if not found.parts:
        raise refuse("hierarchy", "has no node that is a sum of others", len(found))
    given = read_base(base, found)
    errors, square, intensity = _errors(found, residuals, variances)
    weights = _weights(found, method, errors, square)
    values, held, multiplier = _apply(found, method, weights, given.values, non_negative)
    variance = _variances(found, method, weights, errors) if errors is not None and not held else None
    minor = None if places is None else _rounded(found, values, places)
    _check(found, values, minor)
    return Reconciled(
        labels=found.labels,
        levels=levels,
        periods=given.periods,
        method=method,
        base=given.values,
        values=values,
        variance=variance,
        shrinkage=intensity if method == "mint_shrink" else None,
        n_held=held,
        parts=tuple((top, tuple(kids.tolist())) for top, kids, _ in found.parts),
        misfit=multiplier,
        minor=minor,
        currency=currency,
    )


def _errors(
    hierarchy: Hierarchy, residuals: object, variances: object
) -> tuple[Weights | None, Floats | None, float | None]:
    """Read what is known of the errors: their shrunk covariance or variances, and their mean squares."""
    if residuals is not None and variances is not None:
        raise refuse("variances", "is not given beside residuals", "both")
    if residuals is not None:
        past = read_residuals(residuals, hierarchy).T
        intensity = shrinkage(past)
        centred = past - past.mean(axis=0)
        variance = (centred**2).sum(axis=0) / (len(past) - 1)
        variance = np.maximum(variance, _FLOOR * float(variance.max()) or 1.0)
        share = np.sqrt(max(1.0 - intensity, 0.0) / (len(past) - 1))
        kept = np.asarray(centred.T * share)
        diagonal = np.maximum(variance - (kept**2).sum(axis=1), _FLOOR * variance)
        square = (past**2).mean(axis=0)
        square = np.maximum(square, _FLOOR * float(square.max()) or 1.0)
        return Weights(diagonal, kept if intensity < 1.0 else None), square, intensity
    if variances is not None:
        given = read_base(variances, hierarchy, "variances").values[:, 0]
        if (given <= 0).any():
            who = tuple(show(hierarchy.labels[k]) for k in np.flatnonzero(given <= 0).tolist())
            fault = Problem(path="variances", message="is above 0", ids=who)
            raise InvalidInput("variances: 1 problem", [fault])
        return Weights(given), given, None
    return None, None, None


def _weights(hierarchy: Hierarchy, method: str, errors: Weights | None, square: Floats | None) -> Weights:
    """Give W of a method."""
    n = len(hierarchy)
    if method in ("wls_variance", "mint_shrink") and errors is None:
        hint = "pass residuals= (past errors of the base forecasts) or, for wls_variance, variances="
        raise refuse("residuals", "is needed by this method", method, hint=hint)
    if method == "mint_shrink" and errors is not None:
        return errors
    if method == "wls_variance" and square is not None:
        return Weights(square)
    return Weights(np.ones(n) if method != "wls_structural" else hierarchy.counts())


def _apply(
    hierarchy: Hierarchy, method: str, weights: Weights, base: Floats, is_floored: bool
) -> tuple[Floats, int, Floats]:
    """Give coherent values, how many leaves are held at 0, and by how much the base did not add up."""
    misfit = np.asarray(hierarchy.constraints() @ base)
    held = 0
    if method == "bottom_up":
        found = np.where(base < 0, 0.0, base) if is_floored else base
        held = int((base[hierarchy.leaves] < 0).sum()) if is_floored else 0
    elif method == "top_down":
        found = _top_down(hierarchy, base)
        if is_floored and (found[hierarchy.leaves] < 0).any():
            raise refuse("non_negative", "top_down keeps the signs of the base forecasts", True)
    else:
        if hierarchy.is_tree and weights.factor is None:
            found = tree_coherent(hierarchy, weights.diagonal, base)
        else:
            found = Projection(hierarchy.constraints(), weights).coherent(base)[0]
        if is_floored:
            constraints = hierarchy.constraints()
            for k in np.flatnonzero((found[hierarchy.leaves] < 0).any(axis=0)).tolist():
                found[:, k], n = non_negative(constraints, weights, base[:, k], hierarchy.leaves)
                held = max(held, n)
            found[hierarchy.leaves] = np.maximum(found[hierarchy.leaves], 0.0)
    return hierarchy.add_up(found), held, misfit


def _top_down(hierarchy: Hierarchy, base: Floats) -> Floats:
    """Take the total down by the proportions of the base forecasts among siblings."""
    if not hierarchy.is_tree:
        raise refuse("method", "top_down needs a tree, in which no node has two parents", "top_down")
    found = base.copy()
    for top, kids, _ in hierarchy.parts[::-1]:
        sums = base[kids].sum(axis=0)
        if (sums == 0).any():
            rule = "children whose forecasts sum to 0 have no proportions"
            raise InvalidInput(
                "base: 1 problem", [Problem(path="base", message=rule, ids=(show(hierarchy.labels[top]),))]
            )
        found[kids] = base[kids] / sums * found[top]
    return found


def _variances(hierarchy: Hierarchy, method: str, weights: Weights, errors: Weights) -> Floats | None:
    """Give the variances of the reconciled forecasts."""
    if method == "top_down":
        return None
    if method == "bottom_up":
        summing = hierarchy.summing()
        found = np.asarray((summing**2) @ errors.diagonal[hierarchy.leaves])
        if errors.factor is not None:
            found += (np.asarray(summing @ errors.factor[hierarchy.leaves]) ** 2).sum(axis=1)
        return found
    return Projection(hierarchy.constraints(), weights).variances(errors)


def _rounded(hierarchy: Hierarchy, values: Floats, places: int) -> Ints:
    """Round to minor units from the top down, each node split among its children by largest remainder."""
    exact = values * 10.0**places
    if float(np.abs(exact).max()) >= 2**53:
        raise refuse("currency", "amounts are below 2**53 minor units", float(np.abs(values).max()))
    minor = np.rint(exact).astype(np.int64)
    if not hierarchy.is_tree:
        return np.asarray(hierarchy.add_up(minor))
    for top, kids, _ in hierarchy.parts[::-1]:
        floor = np.floor(exact[kids])
        rest = exact[kids] - floor
        left = minor[top] - floor.sum(axis=0).astype(np.int64)
        order = np.lexsort((np.broadcast_to(np.arange(len(kids))[:, None], rest.shape), -rest), axis=0)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.broadcast_to(np.arange(len(kids))[:, None], order.shape), axis=0)
        whole, more = np.divmod(left, len(kids))
        minor[kids] = floor.astype(np.int64) + whole + (rank < more)
    return minor


def _check(hierarchy: Hierarchy, values: Floats, minor: Ints | None) -> None:
    if not np.isfinite(values).all():
        raise InternalError("reconcile: a forecast is not finite")
    if minor is not None and not np.array_equal(hierarchy.add_up(minor), minor):
        raise InternalError("reconcile: the rounded parents do not equal their children")
