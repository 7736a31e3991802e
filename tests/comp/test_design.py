"""Closed forms of plan design against brute force."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from salesops import comp
from salesops.comp import design
from salesops.errors import Infeasible, InvalidInput

LINEAR = {
    "margin": 0.6,
    "effectiveness": 3.0,
    "effort_cost": 1.7,
    "risk_aversion": 0.8,
    "sd": 1.4,
    "base_sales": 5.0,
    "reservation": 2.0,
}


def vertex(function, step):
    """Find the top of a parabola from three of its points."""
    low, middle, high = (function(k * step) for k in range(3))
    return step * (1 + (low - high) / (2 * (low - 2 * middle + high)))


def firm_profit(rate, margin, effectiveness, effort_cost, risk_aversion, sd, base_sales, reservation):
    """Let the rep choose effort by brute force, and pay a salary that keeps her."""

    def worth(effort):
        risk = risk_aversion * rate**2 * sd**2 / 2
        return rate * (base_sales + effectiveness * effort) - effort_cost * effort**2 / 2 - risk

    effort = vertex(worth, 5.0)
    salary = reservation - worth(effort)
    sales = base_sales + effectiveness * effort
    return (margin - rate) * sales - salary


def test_the_commission_is_the_best_one():
    contract = design.linear_contract(**LINEAR)
    best = firm_profit(contract.commission, **LINEAR)
    assert contract.profit == pytest.approx(best, abs=1e-9)
    rates = np.linspace(0, 1, 201)
    assert max(firm_profit(rate, **LINEAR) for rate in rates) <= best + 1e-9
    top = vertex(lambda rate: firm_profit(rate, **LINEAR), 0.5)
    assert contract.commission == pytest.approx(top, abs=1e-9)


def test_the_commission_is_the_formula():
    contract = design.linear_contract(**LINEAR)
    k2 = LINEAR["effectiveness"] ** 2
    expected = (
        LINEAR["margin"] * k2 / (k2 + LINEAR["risk_aversion"] * LINEAR["effort_cost"] * LINEAR["sd"] ** 2)
    )
    assert contract.commission == expected


def test_a_rep_without_fear_of_risk_is_given_the_margin():
    contract = design.linear_contract(**LINEAR | {"risk_aversion": 0.0})
    assert contract.commission == LINEAR["margin"]
    assert contract.effort == pytest.approx(contract.effort_without_risk)


def surplus(weights, value, cost, noise, risk_aversion):
    efforts = np.linalg.solve(cost, weights)
    return value @ efforts - efforts @ cost @ efforts / 2 - risk_aversion * weights @ noise @ weights / 2


def test_the_weights_of_tasks_are_the_best_ones():
    value, cost = np.array([1.0, 0.7, 1.3]), np.array([[1.0, 0.4, 0.1], [0.4, 1.2, 0.0], [0.1, 0.0, 0.8]])
    noise = np.array([[0.5, 0.1, 0.0], [0.1, 2.0, 0.3], [0.0, 0.3, 1.0]])
    found = design.multitask_weights(value, cost, noise, risk_aversion=0.9)
    brute = optimize.minimize(
        lambda weights: -surplus(weights, value, cost, noise, 0.9), np.zeros(3), options={"gtol": 1e-12}
    )
    assert found.surplus == pytest.approx(-brute.fun, abs=1e-9)
    assert found.weights == pytest.approx(brute.x, abs=1e-6)


def test_one_task_is_the_linear_contract():
    found = design.multitask_weights([0.6 * 3], [[1.7]], [[1.4**2]], risk_aversion=0.8)
    scaled = design.multitask_weights([0.6], [[1.7 / 9]], [[1.4**2]], risk_aversion=0.8)
    assert scaled.weights[0] == pytest.approx(design.linear_contract(**LINEAR).commission, abs=1e-12)
    assert found.weights[0] == pytest.approx(1.8 / (1 + 0.8 * 1.7 * 1.4**2), abs=1e-12)


CURVED = {
    "margin": 1.0,
    "effectiveness": 10.0,
    "effort_cost": 0.5,
    "base_sales": 20.0,
    "shape": 4.0,
    "reservation": 6.0,
}


def utility(plan, effort):
    """Integrate what the rep gains over the gamma density, less the cost of effort."""
    mean = CURVED["base_sales"] + CURVED["effectiveness"] * effort
    density = stats.gamma(CURVED["shape"], scale=mean / CURVED["shape"])
    gain = integrate.quad(
        lambda x: 2 * math.sqrt(plan.pay(x)) * density.pdf(x), 0, mean * 40, epsabs=1e-13, limit=400
    )[0]
    return gain - CURVED["effort_cost"] * effort**2


def test_the_curved_plan_keeps_the_rep_and_brings_the_effort():
    plan = design.curved_plan(**CURVED)
    assert utility(plan, plan.effort) == pytest.approx(CURVED["reservation"], abs=1e-9)
    slope = (utility(plan, plan.effort + 1e-3) - utility(plan, plan.effort - 1e-3)) / 2e-3
    assert slope == pytest.approx(0, abs=1e-8)
    assert utility(plan, plan.effort) > max(utility(plan, plan.effort * f) for f in (0.5, 0.9, 1.1, 2))


def test_the_cost_of_the_curved_plan_is_its_integral():
    plan = design.curved_plan(**CURVED)
    density = stats.gamma(CURVED["shape"], scale=plan.expected_sales / CURVED["shape"])
    paid = integrate.quad(
        lambda x: plan.pay(x) * density.pdf(x), 0, plan.expected_sales * 40, epsabs=1e-12, limit=400
    )[0]
    assert plan.expected_pay == pytest.approx(paid, abs=1e-9)


def test_the_effort_is_the_best_one_for_the_firm():
    plan = design.curved_plan(**CURVED)
    efforts = np.linspace(1e-3, 4, 4001)
    plans = [design.curved_plan(**CURVED, effort=float(effort)) for effort in efforts]
    assert plan.a >= -1e-12
    assert plan.profit >= max(other.profit for other in plans if other.a >= 0) - 1e-9


def test_the_formulas_of_the_paper_hold():
    plan = design.curved_plan(**CURVED, effort=0.7)
    slope = 2 * 0.5 * 0.7 / (2 * 10)
    assert plan.b == pytest.approx(slope, abs=1e-15)
    assert plan.a == pytest.approx((6 + 0.5 * 0.49) / 2 - slope * 27, abs=1e-12)


def test_without_a_reservation_there_is_no_curved_plan():
    with pytest.raises(Infeasible, match="reservation"):
        design.curved_plan(**CURVED | {"reservation": 0.0})


def squared_error(curved, salary, commission, quota):
    density = stats.gamma(curved.shape, scale=curved.expected_sales / curved.shape)

    def gap(x):
        return (curved.pay(x) - salary - commission * max(x - quota, 0)) ** 2 * density.pdf(x)

    top = curved.expected_sales * 20
    return (
        integrate.quad(gap, 0, quota, epsabs=1e-13)[0]
        + integrate.quad(gap, quota, top, epsabs=1e-13, limit=300)[0]
    )


def test_the_quota_plan_is_the_nearest_one():
    curved = design.curved_plan(**CURVED)
    plan = design.quota_plan(curved)
    assert plan.error**2 == pytest.approx(
        squared_error(curved, plan.salary, plan.commission, plan.quota), abs=1e-9
    )
    brute = optimize.minimize(
        lambda p: squared_error(curved, *p),
        [plan.salary * 1.1, plan.commission * 0.9, plan.quota * 1.1],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 120},
    )
    assert plan.error**2 <= brute.fun + 1e-9
    assert 0.95 < plan.explained < 1


def commission_plan(*rows, **fields):
    tiers = [{"from": start, "rate": rate} for start, rate in rows]
    return comp.CompPlan(plan_id="p", currency="USD", components=[comp.Commission(tiers=tiers)], **fields)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(1, 99))
@settings(max_examples=40)
def test_linear_pay_leaves_nothing_to_gain_by_timing(first, second, movable, rate):
    plan = commission_plan(("0", f"0.{rate:02d}"))
    gain = design.timing_gain(plan, sales=(str(first), str(second)), movable=str(movable)).gain
    assert gain == 0
    assert isinstance(gain, Fraction)


def test_a_quota_rewards_pushing_sales_over_it():
    plan = commission_plan(("0", "0"), ("1000", "0.1"))
    assert design.timing_gain(plan, sales=("900", "900"), movable="900").gain == 80
    assert design.timing_gain(plan, sales=("900", "900"), movable="200").gain == 10
    assert design.timing_gain(plan, sales=("900", "900"), movable="50").gain == 0


def test_a_cap_rewards_waiting():
    plan = commission_plan(("0", "0.1"), cap={"amount": "100"})
    found = design.timing_gain(plan, sales=("1500", "0"), movable="1000")
    assert found.gain == 50
    assert found.moved == pytest.approx(500, abs=0.1)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000))
@settings(max_examples=20)
def test_the_timing_gain_is_the_best_of_every_move(first, second, movable):
    plan = commission_plan(("0", "0.1"), ("1000", "0.3"), ("2000", "0.05"))

    def pay(x):
        return (
            Fraction(min(x, 1000), 10)
            + Fraction(3 * min(max(x - 1000, 0), 1000), 10)
            + Fraction(max(x - 2000, 0), 20)
        )

    moves = range(-min(movable, second), min(movable, first) + 1)
    best = max(pay(first - m) + pay(second + m) for m in moves) - pay(first) - pay(second)
    found = design.timing_gain(plan, sales=(first, second), movable=movable).gain
    assert abs(found - best) <= Fraction(2, 100)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: design.linear_contract(**LINEAR | {"margin": -1, "sd": float("nan")}), ["margin", "sd"]),
        (lambda: design.multitask_weights([1], [[0]], [[1]], risk_aversion=1), ["effort_cost", "eigenvalue"]),
        (lambda: design.multitask_weights([1, 2], [[1]], [[1]], risk_aversion=1), ["effort_cost", "noise"]),
        (lambda: design.curved_plan(**CURVED, effort_power=1.0), ["effort_power"]),
        (lambda: design.quota_plan("plan"), ["CurvedPlan"]),
        (
            lambda: design.timing_gain(commission_plan(("0", "0.1")), sales=(0.5, "-1"), movable="1"),
            ["sales[0]", "float", "sales[1]"],
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, names):
    with pytest.raises(InvalidInput) as caught:
        call()
    assert all(name in str(caught.value) for name in names)


def test_a_contract_shows_itself():
    contract = design.linear_contract(**LINEAR)
    assert "commission" in contract._repr_html_()
    assert json.loads(json.dumps(contract.to_dict()))["commission"] == contract.commission
    weights = design.multitask_weights([1, 1], np.eye(2), np.eye(2), risk_aversion=1)
    assert weights.to_frame()["figure"].tolist()[:2] == ["weights[0]", "weights[1]"]


def test_a_curved_plan_pays_one_figure_as_it_pays_many():
    curved = design.CurvedPlan(a=1, b=2, effort=1, shape=2, expected_sales=1, expected_pay=9, profit=0)
    sales = [-3.0, 0.0, 2.5]
    assert [curved.pay(one) for one in sales] == curved.pay(np.array(sales)).tolist()
