"""Design of plans: what theory says a plan should be, in closed form, and how real plans are gamed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from salesops import _money as money
from salesops._faults import raise_all, refuse
from salesops._money import EXPONENTS
from salesops.comp._design_curved import curved_plan, quota_plan
from salesops.comp._design_values import (
    CurvedPlan,
    LinearContract,
    QuotaPlan,
    TaskWeights,
    TimingGain,
    check_numbers,
)
from salesops.comp._payments import paid_at
from salesops.comp.curve import payout_curve
from salesops.comp.plan import CompPlan
from salesops.errors import Problem, show

__all__ = [
    "CurvedPlan",
    "LinearContract",
    "QuotaPlan",
    "TaskWeights",
    "TimingGain",
    "curved_plan",
    "linear_contract",
    "multitask_weights",
    "quota_plan",
    "timing_gain",
]

_ROUNDING = 2


def linear_contract(
    *,
    margin: float,
    effectiveness: float,
    effort_cost: float,
    risk_aversion: float,
    sd: float,
    base_sales: float = 0.0,
    reservation: float = 0.0,
) -> LinearContract:
    """Find the salary and commission rate that are best for the firm.

    Sales are ``base_sales + effectiveness * effort`` plus noise of standard deviation `sd`; effort costs the
    rep ``effort_cost * effort ** 2 / 2``; the rep dislikes risk with constant absolute risk aversion.

    Parameters
    ----------
    margin : float
        Gross margin per unit of sales, before pay.
    effectiveness : float
        Sales that a unit of effort brings: k.
    effort_cost : float
        d.
    risk_aversion : float
        r; 0 for a rep who fears no risk, who is given the whole margin.
    sd : float
        Standard deviation of sales at a given effort.
    base_sales : float, default 0
        Sales without effort.
    reservation : float, default 0
        What the rep could have elsewhere, in money.

    Returns
    -------
    LinearContract

    Raises
    ------
    InvalidInput
        If a number is not finite or out of bounds.

    Notes
    -----
    The commission rate is ``m k^2 / (k^2 + r d sd^2)``: it falls with risk, risk aversion and the cost of
    effort, and rises with effectiveness. The salary makes the rep as well off as elsewhere.

    References
    ----------
    Holmström, B. and Milgrom, P. (1987), Aggregation and Linearity in the Provision of Intertemporal
    Incentives. Lal, R. and Srinivasan, V. (1993), Compensation Plans for Single- and Multi-Product
    Salesforces: An Application of the Holmstrom-Milgrom Model.

    Examples
    --------
    >>> contract = linear_contract(margin=0.5, effectiveness=4, effort_cost=2, risk_aversion=1, sd=2)
    >>> round(contract.commission, 6), round(contract.effort, 6), round(contract.profit, 6)
    (0.333333, 0.666667, 0.666667)
    """
    numbers = {
        "margin": margin,
        "effectiveness": effectiveness,
        "effort_cost": effort_cost,
        "risk_aversion": risk_aversion,
        "sd": sd,
        "base_sales": base_sales,
        "reservation": reservation,
    }
    check_numbers(numbers, above=("margin", "effectiveness", "effort_cost"), least=("risk_aversion", "sd"))
    k2 = effectiveness**2
    commission = margin * k2 / (k2 + risk_aversion * effort_cost * sd**2)
    effort = commission * effectiveness / effort_cost
    sales = base_sales + effectiveness * effort
    burden = effort_cost * effort**2 / 2 + risk_aversion * commission**2 * sd**2 / 2
    salary = reservation + burden - commission * sales
    pay = salary + commission * sales
    return LinearContract(
        commission=commission,
        salary=salary,
        effort=effort,
        effort_without_risk=margin * effectiveness / effort_cost,
        expected_sales=sales,
        expected_pay=pay,
        profit=margin * sales - pay,
    )


def multitask_weights(
    value: ArrayLike, effort_cost: ArrayLike, noise: ArrayLike, *, risk_aversion: float
) -> TaskWeights:
    """Find the commission rates of several tasks that compete for a rep's effort.

    Task i brings the firm ``value[i]`` per unit of effort and is seen with noise; effort costs the rep
    ``t' C t / 2``, so that tasks that tire the same person are substitutes.

    Parameters
    ----------
    value : array of float, shape (n_tasks,)
    effort_cost : array of float, shape (n_tasks, n_tasks)
        C, symmetric and positive definite.
    noise : array of float, shape (n_tasks, n_tasks)
        Covariance of what is measured, positive semidefinite. A task that can hardly be measured has a large
        variance: then the rates of its substitutes fall, too.
    risk_aversion : float

    Returns
    -------
    TaskWeights

    Raises
    ------
    InvalidInput
        If the matrices do not fit or are not of their kind.

    Notes
    -----
    The weights are ``(I + r C S)^-1 value``.

    References
    ----------
    Holmström, B. and Milgrom, P. (1991), Multitask Principal-Agent Analyses: Incentive Contracts, Asset
    Ownership, and Job Design.

    Examples
    --------
    >>> alone = multitask_weights([1, 1], [[1, 0], [0, 1]], [[1, 0], [0, 8]], risk_aversion=1)
    >>> rivals = multitask_weights([1, 1], [[1, 0.5], [0.5, 1]], [[1, 0], [0, 8]], risk_aversion=1)
    >>> alone.weights.round(3), rivals.weights.round(3)
    (array([0.5  , 0.111]), array([0.312, 0.094]))
    """
    check_numbers({"risk_aversion": risk_aversion}, least=("risk_aversion",))
    gain, cost, spread = (np.asarray(matrix, dtype=np.float64) for matrix in (value, effort_cost, noise))
    faults = []
    n = gain.size
    if gain.ndim != 1 or not n or not np.isfinite(gain).all():
        faults.append(Problem(path="value", message="is a list of finite numbers", values=(show(value),)))
    for name, matrix, least in (("effort_cost", cost, True), ("noise", spread, False)):
        if matrix.shape != (n, n) or not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T):
            message = "is a symmetric matrix with a row for each task"
            faults.append(Problem(path=name, message=message, values=(f"shape {matrix.shape}",)))
            continue
        lowest = float(np.linalg.eigvalsh(matrix).min())
        if lowest <= 0 if least else lowest < -1e-12:
            message = "is positive definite" if least else "is positive semidefinite"
            faults.append(Problem(path=name, message=message, values=(f"least eigenvalue {lowest:.3g}",)))
    raise_all("design", faults)
    weights = np.linalg.solve(np.eye(n) + risk_aversion * cost @ spread, gain)
    efforts = np.linalg.solve(cost, weights)
    burden = efforts @ cost @ efforts / 2 + risk_aversion * weights @ spread @ weights / 2
    return TaskWeights(
        weights=np.asarray(weights), efforts=np.asarray(efforts), surplus=float(gain @ efforts - burden)
    )


def timing_gain(
    plan: CompPlan,
    *,
    sales: tuple[Decimal | int | str, Decimal | int | str],
    movable: Decimal | int | str,
    quota: Decimal | int | str | None = None,
    measure: str | None = None,
) -> TimingGain:
    """Find the most a rep can gain by moving sales from one period into the next, or forward.

    Nothing is gained where pay is a straight line. Quotas, accelerators, bonuses and caps reward waiting or
    hurrying: the sum of the two periods' pay is what the rep would compare. A gain of no more than two minor
    units comes from rounding and counts as 0.

    Parameters
    ----------
    plan : CompPlan
        Paid for each period on its own.
    sales : tuple of two amounts
        Of both periods, in major units, as they would fall.
    movable : Decimal, int or str
        The most that can be moved, in either direction.
    quota : Decimal, int or str, optional
        Of each period, in major units; needed if the plan pays by attainment.
    measure : str, optional
        What is sold, where components name measures.

    Returns
    -------
    TimingGain

    Raises
    ------
    InvalidInput
        If an amount is none, or the plan runs totals over several periods.

    References
    ----------
    Oyer, P. (1998), Fiscal Year Ends and Nonlinear Incentive Contracts: The Effect on Business Seasonality.

    Examples
    --------
    >>> from salesops import comp
    >>> flat = comp.CompPlan(
    ...     plan_id="flat", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    ... )
    >>> comp.design.timing_gain(flat, sales=("900", "1500"), movable="500").gain
    Fraction(0, 1)
    >>> tiers = [{"from": "0", "rate": "0.1"}, {"from": "1000", "rate": "0.2"}]
    >>> steep = comp.CompPlan(plan_id="steep", currency="USD", components=[comp.Commission(tiers=tiers)])
    >>> comp.design.timing_gain(steep, sales=("900", "1500"), movable="500")
    TimingGain(gain=50, moved=500)
    """
    places = EXPONENTS.get(plan.currency or "", 2)
    first, second, most = _amounts(
        (("sales[0]", sales[0]), ("sales[1]", sales[1]), ("movable", movable)), places
    )
    for k, part in enumerate(plan.components):
        if getattr(part, "accumulate", "period") not in ("period", "deal"):
            raise refuse(f"plan.components[{k}].accumulate", "totals run over several periods", plan.plan_id)
    end = money.format_minor(max(first + second, 1), places)
    curve = payout_curve(plan, quota=quota, up_to=end, measure=measure)
    low, high = -min(most, second), min(most, first)
    moves = {low, high, 0}
    for point in curve.credited.tolist():
        moves |= {move for move in (first - point, point - second) if low <= move <= high}
    options = np.array(sorted(moves, key=lambda move: (abs(move), move)), dtype=np.int64)
    both = paid_at(plan, np.concatenate([first - options, second + options]), quota=quota, measure=measure)
    gains = both[: len(options)] + both[len(options) :]
    best = int(np.argmax(gains))
    gain = int(gains[best] - gains[0])
    if gain <= _ROUNDING:
        return TimingGain(gain=Fraction(0), moved=Fraction(0))
    unit = 10**places
    return TimingGain(gain=Fraction(gain, unit), moved=Fraction(int(options[best]), unit))


def _amounts(given: Sequence[tuple[str, object]], places: int) -> list[int]:
    faults, found = [], []
    for name, value in given:
        minor = money.parse_one(value, places)
        if isinstance(minor, tuple):
            faults.append(Problem(path=name, message=minor[0], values=(show(value),), hint=minor[1]))
        elif minor < 0:
            faults.append(Problem(path=name, message="is 0 or more", values=(show(value),)))
        else:
            found.append(minor)
    raise_all("timing_gain", faults)
    return found
