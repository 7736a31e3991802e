"""The plan that theory likes best, and the quota plan that comes nearest to it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from salesops._faults import refuse
from salesops.comp._design_values import CurvedPlan, Floats, QuotaPlan, check_numbers
from salesops.errors import Infeasible

_GRID = 400


def curved_plan(
    *,
    margin: float,
    effectiveness: float,
    effort_cost: float,
    base_sales: float,
    shape: float,
    reservation: float,
    effort_power: float = 2.0,
    effort: float | None = None,
) -> CurvedPlan:
    """Find the best plan for the firm where sales are gamma-distributed and the rep values roots of pay.

    Expected sales are ``g = base_sales + effectiveness * effort``, their variance ``g ** 2 / shape``; the rep
    gains ``2 * sqrt(pay)`` and loses ``effort_cost * effort ** effort_power``.

    Parameters
    ----------
    margin : float
    effectiveness : float
        k.
    effort_cost, effort_power : float
        V is ``effort_cost * effort ** effort_power``; the power is above 1.
    base_sales : float
        Expected sales without effort, above 0.
    shape : float
        Of the gamma distribution; larger is less uncertain.
    reservation : float
        Utility that the rep has elsewhere: U0.
    effort : float, optional
        The effort that the plan shall bring; by default the one that is best for the firm.

    Returns
    -------
    CurvedPlan

    Raises
    ------
    InvalidInput
        If a number is not finite or out of bounds.
    Infeasible
        If no effort above 0 leaves a plan that pays for low sales.

    Notes
    -----
    With risk tolerance 1/2 the root of pay is a line, ``sqrt(s) = A + B x``, with ``B = V' / (2 k)`` and
    ``A = (U0 + V) / 2 - B g``. The best effort keeps A at 0 or above, so that pay rises with sales.

    References
    ----------
    Basu, A. K., Lal, R., Srinivasan, V. and Staelin, R. (1985), Salesforce Compensation Plans: An Agency
    Theoretic Perspective.

    Examples
    --------
    >>> plan = curved_plan(
    ...     margin=1, effectiveness=10, effort_cost=0.5, base_sales=20, shape=4, reservation=6
    ... )
    >>> round(plan.effort, 4), round(plan.a, 4), round(plan.b, 4)
    (1.6437, 0.6808, 0.0822)
    """
    numbers = {
        "margin": margin,
        "effectiveness": effectiveness,
        "effort_cost": effort_cost,
        "base_sales": base_sales,
        "shape": shape,
        "reservation": reservation,
        "effort_power": effort_power,
    }
    if effort is not None:
        numbers["effort"] = effort
    check_numbers(numbers, above=[name for name in numbers if name != "reservation"])
    if effort_power <= 1:
        raise refuse("effort_power", "is more than 1", effort_power)

    def plan_at(work: float) -> CurvedPlan:
        cost = effort_cost * work**effort_power
        slope = effort_power * effort_cost * work ** (effort_power - 1) / (2 * effectiveness)
        sales = base_sales + effectiveness * work
        start = (reservation + cost) / 2 - slope * sales
        pay = ((reservation + cost) / 2) ** 2 + slope**2 * sales**2 / shape
        return CurvedPlan(
            a=start,
            b=slope,
            effort=work,
            shape=shape,
            expected_sales=sales,
            expected_pay=pay,
            profit=margin * sales - pay,
        )

    return plan_at(effort) if effort is not None else plan_at(_best_effort(plan_at))


def _best_effort(plan_at: Callable[[float], CurvedPlan]) -> float:
    """Maximise profit over efforts whose plan pays for low sales, to the last digit."""
    from scipy.optimize import brentq

    top = 1.0
    while plan_at(2 * top).profit > plan_at(top).profit and top < 2.0**60:
        top *= 2
    top *= 2
    if plan_at(top * 1e-12).a < 0:
        raise Infeasible(
            "curved_plan: the reservation leaves no plan that pays for low sales; raise it above 0"
        )
    if plan_at(top).a < 0:
        top = float(brentq(lambda work: plan_at(work).a, top * 1e-12, top, xtol=1e-14))
    grid = np.linspace(0.0, top, _GRID + 1)[1:]
    best = int(np.argmax([plan_at(work).profit for work in grid.tolist()]))
    low, high = (0.0 if best == 0 else grid[best - 1]), grid[min(best + 1, _GRID - 1)]
    if low == high:
        return float(high)
    found = _sharpest(lambda work: -plan_at(work).profit, float(low), float(high))
    return max((found, float(grid[best])), key=lambda work: plan_at(work).profit)


def _sharpest(function: Callable[[float], float], low: float, high: float) -> float:
    """Find the least value between two ends, to the last digit."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": 1e-13})
    return float(found.x)


def quota_plan(curved: CurvedPlan) -> QuotaPlan:
    """Find the salary, quota and commission above quota that come nearest to a curved plan.

    Nearest is the least mean squared difference in pay over the sales to be expected.

    Parameters
    ----------
    curved : CurvedPlan
        As :func:`curved_plan` makes it.

    Returns
    -------
    QuotaPlan

    Raises
    ------
    InvalidInput
        If it is no curved plan.

    Notes
    -----
    For each quota, salary and commission follow from moments of the gamma distribution above it in closed
    form; the quota is found by search.

    References
    ----------
    Raju, J. S. and Srinivasan, V. (1996), Quota-Based Compensation Plans for Multiterritory Heterogeneous
    Salesforces.

    Examples
    --------
    >>> curved = curved_plan(
    ...     margin=1, effectiveness=10, effort_cost=0.5, base_sales=20, shape=4, reservation=6
    ... )
    >>> plan = quota_plan(curved)
    >>> plan.explained > 0.95
    True
    """
    _check_curved(curved)
    scale = curved.expected_sales / curved.shape
    top = curved.expected_sales * (1 + 6 / math.sqrt(curved.shape))
    grid = np.linspace(0.0, top, _GRID + 1)
    best = int(np.argmin([_fit(curved, scale, quota)[2] for quota in grid.tolist()]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID)]
    found = _sharpest(lambda quota: _fit(curved, scale, quota)[2], float(low), float(high))
    quota = min((found, float(grid[best])), key=lambda place: _fit(curved, scale, place)[2])
    salary, commission, error, variance = _fit(curved, scale, quota)
    return QuotaPlan(
        salary=salary,
        commission=commission,
        quota=quota,
        error=math.sqrt(error),
        explained=1 - error / variance if variance > 0 else 1.0,
    )


def _check_curved(curved: object) -> None:
    if not isinstance(curved, CurvedPlan):
        raise refuse("curved", "is not a CurvedPlan", type(curved).__name__)


def _fit(curved: CurvedPlan, scale: float, quota: float) -> tuple[float, float, float, float]:
    """Fit salary and commission above a quota: both, the mean squared error, and the variance of pay."""
    pays = np.array([curved.a**2, 2 * curved.a * curved.b, curved.b**2])
    above = _moments_above(curved.shape, scale, quota, 3)
    whole = _moments_above(curved.shape, scale, 0.0, 4)
    z1 = above[1] - quota * above[0]
    z2 = above[2] - 2 * quota * above[1] + quota**2 * above[0]
    y1 = float(pays @ whole[:3])
    y2 = float(np.convolve(pays, pays) @ whole)
    yz = float(pays @ (above[1:4] - quota * above[:3]))
    variance = y2 - y1**2
    spread = z2 - z1**2
    rate = (yz - y1 * z1) / spread if spread > 0 else 0.0
    error = max(variance - rate * (yz - y1 * z1), 0.0)
    return float(y1 - rate * z1), float(rate), float(error), float(variance)


def _moments_above(shape: float, scale: float, quota: float, most: int) -> Floats:
    """Give the moments 0 to `most` of a gamma distribution above a point."""
    from scipy.special import gammaincc

    powers = np.arange(most + 1)
    rising = np.cumprod(np.concatenate([[1.0], scale * (shape + powers[:-1])]))
    return np.asarray(rising * gammaincc(shape + powers, quota / scale), dtype=np.float64)
