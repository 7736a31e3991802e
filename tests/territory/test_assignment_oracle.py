"""Brute force over all assignments, and a mixed-integer programme written here, judge assign."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from salesops.errors import Infeasible
from salesops.territory import _search, assign

pytestmark = pytest.mark.filterwarnings("ignore:no plan within every limit:UserWarning")


def problem(seed, n_leads, n_reps):
    """Draw a small problem: capacities, perhaps a band, locks and bans."""
    rng = np.random.default_rng(seed)
    score = np.where(rng.random((n_leads, n_reps)) < 0.7, rng.integers(1, 30, (n_leads, n_reps)), 0) / 7
    work = rng.integers(1, 4, n_leads).astype(float)
    value = rng.integers(1, 6, n_leads).astype(float)
    room = rng.integers(1, 3 + 3 * n_leads // n_reps, n_reps).astype(float)
    band = rng.choice([None, 0.3, 0.6, 1.0])
    locked = [(k, int(rng.integers(n_reps))) for k in range(n_leads) if rng.random() < 0.1]
    banned = [(k, r) for k in range(n_leads) for r in range(n_reps) if rng.random() < 0.08]
    return {
        "score": score,
        "work": work,
        "value": value,
        "room": room,
        "band": band,
        "locked": locked,
        "banned": banned,
        "require_all": bool(rng.random() < 0.3),
        "fallback": str(rng.choice(["cold", "none"])),
    }


def solve(case):
    n, m = case["score"].shape
    lead, rep = np.nonzero(case["score"])
    pairs = {"rep_id": rep, "lead_id": lead, "score": case["score"][lead, rep]}
    return assign(
        {"rep_id": range(m), "capacity": case["room"]},
        {"lead_id": range(n), "value": case["value"], "workload": case["work"]},
        score=pairs,
        balance=None if case["band"] is None else {"value": case["band"]},
        locked={"lead_id": [k for k, _ in case["locked"]], "rep_id": [r for _, r in case["locked"]]},
        forbidden={"lead_id": [k for k, _ in case["banned"]], "rep_id": [r for _, r in case["banned"]]},
        require_all=case["require_all"],
        fallback=case["fallback"],
    )


def allowed(case):
    """Mark the pairs a plan may use."""
    n, m = case["score"].shape
    fit = np.ones((n, m), dtype=bool) if case["fallback"] == "cold" else case["score"] > 0
    for k, r in case["banned"]:
        fit[k, r] = False
    for k, r in case["locked"]:
        fit[k] = False
        fit[k, r] = (k, r) not in case["banned"]
    return fit


def limits(case):
    """Capacity and band of each rep, from the documentation of assign."""
    n, m = case["score"].shape
    low, high = np.zeros(m), np.full(m, np.inf)
    if case["band"] is not None:
        fit = np.ones((n, m), dtype=bool) if case["fallback"] == "cold" else case["score"] > 0
        for k, r in case["banned"]:
            fit[k, r] = False
        owned = fit.any(axis=1) & (case["work"] <= case["room"].max())
        for k, _ in case["locked"]:
            owned[k] = True
        fair = np.where(case["room"] > 0, case["value"][owned].sum() / (case["room"] > 0).sum(), 0)
        low, high = fair * (1 - case["band"]), fair * (1 + case["band"])
    return low, high


def keeps_limits(case, owner):
    low, high = limits(case)
    for r in range(case["score"].shape[1]):
        mine = owner == r
        value = case["value"][mine].sum()
        if case["work"][mine].sum() > case["room"][r] + 1e-9 or not low[r] - 1e-9 <= value <= high[r] + 1e-9:
            return False
    return all(owner[k] == r for k, r in case["locked"])


def brute(case, must_own):
    """Try every assignment: the best score, or None if none keeps the limits."""
    n = len(case["score"])
    fit = allowed(case)
    best = None
    nobody = [] if must_own else [-1]
    for choice in product(*([*np.flatnonzero(fit[k]).tolist(), *nobody] for k in range(n))):
        owner = np.array(choice)
        if keeps_limits(case, owner):
            score = sum(case["score"][k, r] for k, r in enumerate(choice) if r >= 0)
            best = score if best is None else max(best, score)
    return best


def by_milp(case, must_own):
    """The same by a mixed-integer programme."""
    n, m = case["score"].shape
    fit = allowed(case)
    low, high = limits(case)
    column = np.arange(n * m).reshape(n, m)
    once, load, worth = np.zeros((n, n * m)), np.zeros((m, n * m)), np.zeros((m, n * m))
    for k in range(n):
        once[k, column[k]] = 1
        for r in range(m):
            load[r, column[k, r]], worth[r, column[k, r]] = case["work"][k], case["value"][k]
    held = np.zeros(n)
    held[[k for k, _ in case["locked"]]] = 1
    answer = milp(
        -case["score"].ravel(),
        integrality=np.ones(n * m),
        bounds=Bounds(0, fit.ravel().astype(float)),
        constraints=[
            LinearConstraint(once, np.maximum(held, 1.0 if must_own else 0.0), 1),
            LinearConstraint(load, -np.inf, case["room"] + 1e-9),
            LinearConstraint(worth, low - 1e-9, high + 1e-9),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return None if answer.x is None else -answer.fun


def judge(case, optimum_of):
    """Compare assign with an oracle: owning every lead comes first where it can be required."""
    must = case["require_all"] or case["fallback"] == "cold"
    optimum = optimum_of(case, must)
    if optimum is None and not case["require_all"]:
        optimum = optimum_of(case, False)
    if optimum is None:
        with pytest.raises(Infeasible) as caught:
            solve(case)
        assert caught.value.problems
        return None
    plan = solve(case)
    assert keeps_limits(case, plan.owner)
    fit = allowed(case)
    assert all(fit[k, r] for k, r in enumerate(plan.owner) if r >= 0)
    score = sum(case["score"][k, r] for k, r in enumerate(plan.owner) if r >= 0)
    assert plan.total_score == pytest.approx(score)
    assert plan.bound >= optimum - 1e-9
    assert plan.gap is not None
    assert score >= (1 - plan.gap) * optimum - 1e-9
    return plan, optimum, score


@pytest.mark.parametrize("seed", range(120))
def test_small_plans_are_optimal_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    judged = judge(problem(seed, int(rng.integers(1, 6)), int(rng.integers(1, 4))), brute)
    if judged is not None:
        _, optimum, score = judged
        assert score == pytest.approx(optimum, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(1000, 1120))
def test_small_plans_are_optimal_by_an_independent_programme(seed):
    rng = np.random.default_rng(seed)
    judged = judge(problem(seed, int(rng.integers(6, 16)), int(rng.integers(2, 6))), by_milp)
    if judged is not None:
        _, optimum, score = judged
        assert score == pytest.approx(optimum, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_the_search_by_prices_keeps_its_promises_on_small_problems(seed, monkeypatch):
    monkeypatch.setattr(_search, "_SMALL", 0)
    rng = np.random.default_rng(seed)
    case = problem(seed + 5000, int(rng.integers(6, 16)), int(rng.integers(2, 5)))
    case["require_all"] = False
    optimum = by_milp(case, must_own=False)
    if optimum is None:
        return
    try:
        plan = solve(case)
    except Infeasible:
        pytest.fail("a feasible problem was called infeasible")
    everyone = (plan.owner >= 0).all()
    best = by_milp(case, must_own=True) if everyone and case["fallback"] == "cold" else optimum
    assert plan.bound >= best - 1e-9
    if plan.violations:
        assert plan.gap is None
    else:
        assert keeps_limits(case, plan.owner)
        assert plan.total_score >= (1 - plan.gap) * best - 1e-9
