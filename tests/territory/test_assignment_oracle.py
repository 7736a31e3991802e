"""Brute force over all assignments, and a mixed-integer programme written here, judge assign."""

import sys
import warnings
from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from salesops.errors import Infeasible
from salesops.territory import _search, assign

pytestmark = pytest.mark.filterwarnings("ignore:no plan within every limit:UserWarning")


SKILLS = ("de", "fr", "sql")


def problem(seed, n_leads, n_reps):
    """Draw a small problem: capacities, perhaps bands, limits, locks, bans, and things to match."""
    rng = np.random.default_rng(seed)
    score = np.where(rng.random((n_leads, n_reps)) < 0.7, rng.integers(1, 30, (n_leads, n_reps)), 0) / 7
    work = rng.integers(1, 4, n_leads).astype(float)
    value = rng.integers(1, 6, n_leads).astype(float)
    room = rng.integers(1, 3 + 3 * n_leads // n_reps, n_reps).astype(float)
    band = [None, None, 0.5, 0.8, 1.0, (0.9, 0.4), (0.5, 2.0)][rng.integers(7)]
    locked = [(k, int(rng.integers(n_reps))) for k in range(n_leads) if rng.random() < 0.07]
    banned = [(k, r) for k in range(n_leads) for r in range(n_reps) if rng.random() < 0.08]
    picky = rng.random() < 0.5
    return {
        "score": score,
        "work": work,
        "value": value,
        "room": room,
        "band": band,
        "most": np.where(rng.random(n_reps) < 0.1, rng.integers(3, 9, n_reps), np.nan),
        "least": np.where(rng.random(n_reps) < 0.05, rng.integers(1, 3, n_reps), np.nan),
        "locked": locked,
        "banned": banned,
        "requires": [set(SKILLS) - set(rng.permutation(SKILLS)[: 3 - picky * int(rng.integers(3) > 1)])
                     for _ in range(n_leads)],
        "skills": [{skill for skill in SKILLS if rng.random() < 0.85} for _ in range(n_reps)],
        "segment": rng.integers(0, 2, n_leads).tolist() if picky else [None] * n_leads,
        "segments": [{0, 1} if rng.random() < 0.8 else {int(rng.integers(2))} for _ in range(n_reps)],
        "require_all": bool(rng.random() < 0.3),
        "fallback": str(rng.choice(["cold", "none"])),
    }  # fmt: skip


def with_moves(case, seed):
    """Say who owns some of the leads today, and how many of these may change hands."""
    n, m = case["score"].shape
    rng = np.random.default_rng(seed)
    today = np.where(rng.random(n) < 0.8, rng.integers(0, m, n), -1)
    return {**case, "today": today, "max_moves": int(rng.integers(0, 1 + n // 2))}


def solve(case):
    n, m = case["score"].shape
    settled = np.flatnonzero(case.get("today", np.full(n, -1)) >= 0)
    moves = {} if "today" not in case else {
        "current": {"lead_id": settled, "rep_id": case["today"][settled]},
        "max_moves": case["max_moves"],
    }  # fmt: skip
    lead, rep = np.nonzero(case["score"])
    pairs = {"rep_id": rep, "lead_id": lead, "score": case["score"][lead, rep]}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "leads ask for what no rep has")
        return assign(
            {
                "rep_id": range(m),
                "capacity": case["room"],
                "skills": case["skills"],
                "segments": case["segments"],
                "value_min": case["least"],
                "value_max": case["most"],
            },
            {
                "lead_id": range(n),
                "value": case["value"],
                "workload": case["work"],
                "requires": case["requires"],
                "segment": case["segment"],
            },
            score=pairs,
            balance={"value": case["band"]},
            locked={"lead_id": [k for k, _ in case["locked"]], "rep_id": [r for _, r in case["locked"]]},
            forbidden={"lead_id": [k for k, _ in case["banned"]], "rep_id": [r for _, r in case["banned"]]},
            match={"segment": "segments"},
            require_all=case["require_all"],
            fallback=case["fallback"],
            **moves,
        )


def suits(case):
    """Mark the pairs where the rep has what the lead requires, and is not forbidden to own it."""
    n, m = case["score"].shape
    fit = np.array(
        [
            [
                case["requires"][k] <= case["skills"][r]
                and (case["segment"][k] is None or case["segment"][k] in case["segments"][r])
                for r in range(m)
            ]
            for k in range(n)
        ]
    )
    for k, r in case["banned"]:
        fit[k, r] = False
    return fit


def allowed(case):
    """Mark the pairs a plan may use."""
    may = suits(case)
    fit = may & (case["score"] > 0) if case["fallback"] == "none" else may.copy()
    for k, r in enumerate(case.get("today", ())):
        if r >= 0:
            fit[k, r] = may[k, r]
    for k, r in case["locked"]:
        fit[k] = False
        fit[k, r] = may[k, r]
    return fit


def n_moved(case, owner):
    """Count the leads with an owner today that change hands."""
    today = case.get("today", np.full(len(owner), -1))
    return int(((today >= 0) & (today != owner)).sum())


def limits(case):
    """Least and most value of each rep, from the documentation of assign."""
    m = case["score"].shape[1]
    low, high = np.zeros(m), np.full(m, np.inf)
    if case["band"] is not None:
        may = suits(case)
        fit = may & (case["score"] > 0) if case["fallback"] == "none" else may
        eligible = suits({**case, "banned": []})
        owned = fit.any(axis=1) & (eligible & (case["work"][:, None] <= case["room"])).any(axis=1)
        for k, _ in case["locked"]:
            owned[k] = True
        fair = np.where(case["room"] > 0, case["value"][owned].sum() / (case["room"] > 0).sum(), 0)
        below, above = case["band"] if isinstance(case["band"], tuple) else (case["band"], case["band"])
        low, high = fair * max(1 - below, 0), fair * (1 + above)
    return np.fmax(low, case["least"]), np.fmin(high, case["most"])


def owners_wanted(case, everyone):
    """Mark the leads that are to have an owner: all, or those that some rep may own and has room for."""
    _, high = limits(case)
    room = (case["work"][:, None] <= case["room"]) & (case["value"][:, None] <= high + 1e-9)
    return (allowed(case) & room).any(axis=1) | everyone


def keeps_limits(case, owner):
    low, high = limits(case)
    for r in range(case["score"].shape[1]):
        mine = owner == r
        value = case["value"][mine].sum()
        if case["work"][mine].sum() > case["room"][r] + 1e-9 or not low[r] - 1e-9 <= value <= high[r] + 1e-9:
            return False
    if n_moved(case, owner) > case.get("max_moves", np.inf):
        return False
    return all(owner[k] == r for k, r in case["locked"])


def brute(case, must_own):
    """Try every assignment: the best score, or None if none keeps the limits."""
    n = len(case["score"])
    fit = allowed(case)
    best = None
    wanted = must_own & np.ones(n, dtype=bool)
    for choice in product(
        *([*np.flatnonzero(fit[k]).tolist(), *([] if wanted[k] else [-1])] for k in range(n))
    ):
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
    today = case.get("today", np.full(n, -1))
    stays = np.zeros((1, n * m))
    stays[0, column[today >= 0, today[today >= 0]]] = 1
    held = np.zeros(n)
    held[[k for k, _ in case["locked"]]] = 1
    answer = milp(
        -case["score"].ravel(),
        integrality=np.ones(n * m),
        bounds=Bounds(0, fit.ravel().astype(float)),
        constraints=[
            LinearConstraint(once, np.maximum(held, np.where(must_own, 1.0, 0.0)), 1),
            LinearConstraint(load, -np.inf, case["room"] + 1e-9),
            LinearConstraint(worth, low - 1e-9, high + 1e-9),
            LinearConstraint(stays, (today >= 0).sum() - case.get("max_moves", np.inf), np.inf),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return None if answer.x is None else -answer.fun


def check_conflict(case, error):
    """Check that the rules an error names have no plan, and have one after dropping any of them."""
    rules = list(error.problems)
    assert not is_feasible(case, rules), error
    for k in range(len(rules)):
        assert is_feasible(case, rules[:k] + rules[k + 1 :]), f"{rules[k]} can be spared of {error}"


def is_feasible(case, rules):
    """Say by a mixed-integer programme whether the rules that problems name have a plan."""
    m = case["score"].shape[1]
    named = [(rule.path, *rule.ids) for rule in rules]
    needs = {rule.ids[0] for rule in rules if rule.path.startswith("leads.")}
    less = {
        **case,
        "requires": [{skill for skill in asked if f"skill {skill!r}" in needs} for asked in case["requires"]],
        "segment": [value if f"segments {value!r}" in needs else None for value in case["segment"]],
        "locked": [(k, r) for k, r in case["locked"] if ("locked", str(k), str(r)) in named],
        "banned": [(k, r) for k, r in case["banned"] if ("forbidden", str(k), str(r)) in named],
        "fallback": "none" if ("fallback",) in named else "cold",
        "room": np.array(
            [v if ("reps.capacity", str(r)) in named else 1e9 for r, v in enumerate(case["room"])]
        ),
        "least": np.full(m, np.nan),
        "most": np.full(m, np.nan),
        "band": None,
        "max_moves": case.get("max_moves", np.inf) if ("max_moves",) in named else np.inf,
    }
    bands = limits({**case, "least": less["least"], "most": less["most"]})
    own = {"reps.value_min": case["least"], "reps.value_max": case["most"]}
    for rule in rules:
        if rule.path in own or rule.path == "balance.value":
            side = "least" if "at least" in rule.values[0] else "most"
            rep = int(rule.ids[0])
            limit = own[rule.path][rep] if rule.path in own else bands[side == "most"][rep]
            less[side][rep] = (np.fmax if side == "least" else np.fmin)(less[side][rep], limit)
    return by_milp(less, ("require_all",) in named) is not None


def judge(case, optimum_of):
    """Compare assign with an oracle: owning every lead comes first where it can be required."""
    must = False
    if case["require_all"] or case["fallback"] == "cold":
        must = owners_wanted(case, case["require_all"])
    optimum = optimum_of(case, must)
    if optimum is None and not case["require_all"]:
        optimum = optimum_of(case, False)
    if optimum is None:
        with pytest.raises(Infeasible) as caught:
            solve(case)
        check_conflict(case, caught.value)
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


@pytest.mark.parametrize("seed", range(80))
def test_small_plans_with_few_moves_are_optimal_and_their_conflicts_irreducible_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    case = problem(seed + 20_000, int(rng.integers(1, 6)), int(rng.integers(1, 4)))
    judged = judge(with_moves(case, seed), brute)
    if judged is not None:
        _, optimum, score = judged
        assert score == pytest.approx(optimum, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(80))
def test_plans_with_few_moves_are_optimal_and_their_conflicts_irreducible_by_a_programme(seed):
    rng = np.random.default_rng(seed)
    case = problem(seed + 30_000, int(rng.integers(6, 16)), int(rng.integers(2, 6)))
    judged = judge(with_moves(case, seed), by_milp)
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
    best = by_milp(case, owners_wanted(case, False)) if everyone and case["fallback"] == "cold" else optimum
    assert plan.bound >= best - 1e-9
    if plan.violations:
        assert plan.gap is None
    else:
        assert keeps_limits(case, plan.owner)
        assert plan.total_score >= (1 - plan.gap) * best - 1e-9


def main():
    """Judge many problems: ``python tests/territory/test_assignment_oracle.py 2000``."""
    warnings.simplefilter("ignore")
    n, infeasible = int(sys.argv[1]), 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        small = seed % 2 == 0
        size = (int(rng.integers(1, 6)), int(rng.integers(1, 4))) if small else (
            int(rng.integers(6, 16)), int(rng.integers(2, 6)))  # fmt: skip
        case = problem(10_000 + seed, *size)
        judged = judge(with_moves(case, seed) if seed % 4 > 1 else case, brute if small else by_milp)
        infeasible += judged is None
        assert judged is None or abs(judged[1] - judged[2]) <= 1e-9 * max(1, judged[1]), seed
    print(f"{n} problems: {n - infeasible} plans optimal, {infeasible} conflicts verified irreducible")


if __name__ == "__main__":
    main()
