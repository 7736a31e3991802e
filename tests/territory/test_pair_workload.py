"""Workload that depends on the rep: the generalised assignment problem, judged by brute force and HiGHS."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from salesops.errors import Infeasible
from salesops.territory import assign

pytestmark = pytest.mark.filterwarnings("ignore:no plan within every limit:UserWarning")


def draw(seed, n_leads, n_reps):
    """Draw a small problem: some pairs listed with a workload of their own, a band, locks, bans."""
    rng = np.random.default_rng(seed)
    listed = rng.random((n_leads, n_reps)) < 0.75
    own = rng.integers(1, 5, n_leads).astype(float)
    work = np.where(listed, rng.integers(0, 7, (n_leads, n_reps)), own[:, None]).astype(float)
    return {
        "listed": listed,
        "score": np.where(listed, rng.integers(0, 30, (n_leads, n_reps)), 0).astype(float),
        "own": own,
        "work": work,
        "value": rng.integers(1, 6, n_leads).astype(float),
        "room": rng.integers(2, 4 + 4 * n_leads // n_reps, n_reps).astype(float),
        "band": rng.choice([None, None, 0.5, 0.9]),
        "locked": [(k, int(rng.integers(n_reps))) for k in range(n_leads) if rng.random() < 0.1],
        "banned": [(k, r) for k in range(n_leads) for r in range(n_reps) if rng.random() < 0.08],
        "require_all": bool(rng.random() < 0.4),
        "fallback": str(rng.choice(["cold", "none"])),
    }


def solve(case, **options):
    n, m = case["score"].shape
    lead, rep = np.nonzero(case["listed"])
    return assign(
        {"rep_id": range(m), "capacity": case["room"]},
        {"lead_id": range(n), "value": case["value"], "workload": case["own"]},
        score={
            "rep_id": rep,
            "lead_id": lead,
            "score": case["score"][lead, rep],
            "workload": case["work"][lead, rep],
        },
        balance=None if case["band"] is None else {"value": case["band"]},
        locked={"lead_id": [k for k, _ in case["locked"]], "rep_id": [r for _, r in case["locked"]]},
        forbidden={"lead_id": [k for k, _ in case["banned"]], "rep_id": [r for _, r in case["banned"]]},
        require_all=case["require_all"],
        fallback=case["fallback"],
        **options,
    )


def allowed(case):
    fit = case["listed"].copy() if case["fallback"] == "none" else np.ones(case["score"].shape, dtype=bool)
    for k, r in case["banned"]:
        fit[k, r] = False
    for k, r in case["locked"]:
        fit[k] = False
        fit[k, r] = (k, r) not in case["banned"]
    return fit


def keeps(case, owner, plan):
    """Check the limits of a plan; the bands are the plan's own, tested elsewhere."""
    for r in range(case["score"].shape[1]):
        mine = owner == r
        if case["work"][mine, r].sum() > case["room"][r] + 1e-9:
            return False
        value = case["value"][mine].sum()
        if case["band"] is not None and not (
            plan["lower"][r, 1] - 1e-9 <= value <= plan["upper"][r, 1] + 1e-9
        ):
            return False
    return all(owner[k] == r for k, r in case["locked"])


def brute(case, limits, must_own):
    fit = allowed(case)
    best = None
    nobody = [] if must_own else [-1]
    for choice in product(*([*np.flatnonzero(row).tolist(), *nobody] for row in fit)):
        owner = np.array(choice)
        if keeps(case, owner, limits):
            score = sum(case["score"][k, r] for k, r in enumerate(choice) if r >= 0)
            best = score if best is None else max(best, score)
    return best


def by_milp(case, must_own):
    n, m = case["score"].shape
    column = np.arange(n * m).reshape(n, m)
    once, load = np.zeros((n, n * m)), np.zeros((m, n * m))
    for k in range(n):
        once[k, column[k]] = 1
        for r in range(m):
            load[r, column[k, r]] = case["work"][k, r]
    held = np.zeros(n)
    held[[k for k, _ in case["locked"]]] = 1
    answer = milp(
        -case["score"].ravel(),
        integrality=np.ones(n * m),
        bounds=Bounds(0, allowed(case).ravel().astype(float)),
        constraints=[
            LinearConstraint(once, np.maximum(held, float(must_own)), 1),
            LinearConstraint(load, -np.inf, case["room"]),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return None if answer.x is None else -answer.fun


def bands_of(case):
    """Take the bands from the same problem with every limit but the bands lifted."""

    n, m = case["score"].shape
    if case["band"] is None:
        return {"lower": np.zeros((m, 2)), "upper": np.full((m, 2), np.inf)}
    fit = case["listed"].copy() if case["fallback"] == "none" else np.ones((n, m), dtype=bool)
    for k, r in case["banned"]:
        fit[k, r] = False
    least = np.where(fit, case["work"], np.inf).min(axis=1)
    owned = fit.any(axis=1) & (least <= case["room"].max())
    for k, _ in case["locked"]:
        owned[k] = True
    fair = case["value"][owned].sum() / m
    low, high = fair * (1 - case["band"]), fair * (1 + case["band"])
    return {"lower": np.full((m, 2), low), "upper": np.full((m, 2), high)}


def judge(case, best_of):
    must = case["require_all"] or case["fallback"] == "cold"
    best = best_of(case, must)
    if best is None and not case["require_all"]:
        best, must = best_of(case, False), False
    if best is None:
        with pytest.raises(Infeasible) as caught:
            solve(case)
        assert caught.value.problems
        return
    plan = solve(case)
    assert not plan.violations
    assert keeps(case, plan.owner, {"lower": plan.lower, "upper": plan.upper})
    assert all(allowed(case)[k, r] for k, r in enumerate(plan.owner) if r >= 0)
    score = sum(case["score"][k, r] for k, r in enumerate(plan.owner) if r >= 0)
    assert plan.total_score == pytest.approx(score)
    everyone = bool((plan.owner >= 0).all())
    if must:
        assert everyone
    if must or case["fallback"] == "none":
        assert score == pytest.approx(best, abs=1e-9)
    assert plan.bound >= score - 1e-9
    if must or case["fallback"] == "none":
        assert plan.bound >= best - 1e-9


@pytest.mark.parametrize("seed", range(80))
def test_small_plans_are_optimal_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    case = draw(seed, int(rng.integers(1, 6)), int(rng.integers(1, 4)))
    limits = bands_of(case)
    judge(case, lambda case, must: brute(case, limits, must))


@pytest.mark.parametrize("seed", range(60))
def test_small_plans_are_optimal_by_an_independent_programme(seed):
    rng = np.random.default_rng(seed)
    case = draw(seed + 500, int(rng.integers(6, 20)), int(rng.integers(2, 6)))
    case["band"] = None
    judge(case, by_milp)
