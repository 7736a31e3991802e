"""The solver for workloads that depend on the rep, judged by brute force and HiGHS."""

from itertools import product

import attrs
import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from salesops.territory import _dense_search
from salesops.territory._dense import DenseCase, lower_bound, relax
from salesops.territory._dense_columns import Columns
from salesops.territory._dense_groups import Group, enumerate_plans
from salesops.territory._dense_knapsack import Knapsacks


def case_of(seed, n_reps, n_leads, tightness=0.8):
    """Draw a generalised assignment problem whose costs and workloads run against each other."""
    rng = np.random.default_rng(seed)
    work = rng.integers(1, 101, (n_reps, n_leads)).astype(float)
    cost = 111 - work + rng.integers(-10, 11, (n_reps, n_leads))
    room = np.full((n_reps, 1), np.floor(tightness * work.sum() / n_reps**2))
    return DenseCase(
        cost=cost,
        work=(work,),
        upper=room * (1 + 1e-9),
        lower=np.full(room.shape, -np.inf),
        has_nobody=False,
        step=1.0,
    )


def optimum(case):
    n, m = case.n_leads, case.n_reps
    once = np.kron(np.ones((1, m)), np.eye(n))
    load = np.zeros((m, m * n))
    for r in range(m):
        load[r, r * n : (r + 1) * n] = case.work[0][r]
    answer = milp(
        case.cost.ravel(),
        integrality=np.ones(m * n),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(once, 1, 1), LinearConstraint(load, -np.inf, case.upper[:, 0])],
        options={"mip_rel_gap": 0.0},
    )
    return None if answer.x is None else answer.fun


@pytest.mark.parametrize("seed", range(12))
def test_the_enumeration_of_all_reps_finds_the_optimum_within_its_slack(seed):
    case = case_of(seed, 3, 9)
    best = optimum(case)
    prices, _ = relax(case)
    bound = lower_bound(case, prices)
    group = Group.of(case, np.arange(3), np.arange(9))
    owner, _, is_exact = enumerate_plans(group, prices.T, 1e9, most=10**6)
    if best is None:
        assert owner is None
        return
    assert is_exact
    assert case.cost_of(owner) == pytest.approx(best)
    assert bound <= best + 1e-9
    owner, _, _ = enumerate_plans(group, prices.T, best - bound - 0.5, most=10**6)
    assert owner is None


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_true_and_the_plan_near_where_nothing_is_proved(seed):
    case = case_of(seed, 4, 16)
    best = optimum(case)
    found = _dense_search.search_dense(case, budget=300_000)
    assert found.breach == 0
    assert found.bound <= best + 1e-9 <= case.cost_of(found.owner) + 2e-9
    assert case.cost_of(found.owner) <= 1.02 * best


def test_the_search_does_not_depend_on_the_machine_without_a_time_limit():
    case = case_of(3, 6, 40)
    plans = [_dense_search.search_dense(case, budget=200_000) for _ in range(2)]
    assert (plans[0].owner == plans[1].owner).all()
    assert plans[0].bound == plans[1].bound


def best_fill(case, rep, pays, forced=None):
    """Fill one knapsack by trying every set of leads."""
    best = -np.inf
    for chosen in product([False, True], repeat=case.n_leads):
        mine = np.array(chosen)
        if (forced is None or mine[forced]) and case.work[0][rep, mine].sum() <= case.upper[rep, 0]:
            best = max(best, float((pays - case.cost[rep])[mine].sum()))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_knapsacks_and_regrets_agree_with_every_set_of_leads(seed):
    case = case_of(seed, 3, 8)
    knapsacks = Knapsacks.of(case, np.zeros((3, 1)))
    pays = np.random.default_rng(seed).integers(20, 120, 8).astype(float)
    bound, takes = knapsacks.fill(pays)
    gains = [best_fill(case, rep, pays) for rep in range(3)]
    assert bound == pytest.approx(pays.sum() - sum(gains))
    assert ((pays - case.cost) * takes).sum() == pytest.approx(sum(gains))
    regrets = knapsacks.regrets(pays)
    for rep, lead in product(range(3), range(8)):
        assert regrets[rep, lead] == pytest.approx(gains[rep] - best_fill(case, rep, pays, lead))


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_of_knapsacks_is_true_for_workloads_that_are_not_whole(seed):
    case = case_of(seed, 3, 12)
    work = case.work[0] / 7 + 0.01
    case = attrs.evolve(case, work=(work,), upper=np.full((3, 1), 0.27 * work.mean() * 12) * (1 + 1e-9))
    best = optimum(case)
    if best is None:
        return
    prices, _ = relax(case)
    knapsacks = Knapsacks.of(case, prices)
    bound, pays, _ = knapsacks.ascend(case.priced(prices).min(axis=0), best, steps=80, stop=lambda: False)
    assert lower_bound(case, prices) - 1e-6 <= best
    assert bound <= best + 1e-9
    owner = _dense_search.search_dense(case, budget=300_000).owner
    used = knapsacks.regrets(pays)[owner, np.arange(12)]
    assert bound + used.max() <= case.cost_of(owner) + 1e-6


def sets_within(case, pays, rep, slack):
    """List the sets a rep may own that gain at most `slack` less than her best one, trying every set."""
    gains = {}
    for chosen in product([False, True], repeat=case.n_leads):
        mine = np.array(chosen)
        if case.work[0][rep, mine].sum() <= case.upper[rep, 0]:
            gains[chosen] = float((pays - case.cost[rep])[mine].sum())
    best = max(gains.values())
    return {chosen for chosen, gain in gains.items() if best - gain <= slack}


def with_nobody(case, idle):
    """Let leads be left to nobody at a price."""
    n = case.n_leads
    return attrs.evolve(
        case,
        cost=np.vstack([case.cost, np.full((1, n), float(idle))]),
        work=(np.vstack([case.work[0], np.zeros((1, n))]),),
        upper=np.vstack([case.upper, [[np.inf]]]),
        lower=np.vstack([case.lower, [[-np.inf]]]),
        has_nobody=True,
    )


@pytest.mark.parametrize("seed", range(6))
def test_columns_are_all_the_sets_within_the_slack(seed):
    case = case_of(seed, 3, 8)
    knapsacks = Knapsacks.of(case, np.zeros((3, 1)))
    pays = np.random.default_rng(seed).integers(20, 120, 8).astype(float)
    for slack in (0.0, 13.0, 1e9):
        columns = Columns.of(case, knapsacks, pays, slack, most=1_000)
        expected = [(rep, chosen) for rep in range(3) for chosen in sets_within(case, pays, rep, slack)]
        listed = list(zip(columns.rep.tolist(), map(tuple, columns.takes.tolist()), strict=True))
        assert len(listed) == len(set(listed))
        assert set(listed) == set(expected)
        assert Columns.of(case, knapsacks, pays, slack, most=len(listed)) is not None
        assert Columns.of(case, knapsacks, pays, slack, most=len(listed) - 1) is None


@pytest.mark.parametrize("has_nobody", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_best_plan_of_columns_is_the_optimum_if_it_is_within_their_slack(seed, has_nobody):
    case = case_of(seed, 4, 10)
    case = with_nobody(case, 90) if has_nobody else case
    best = optimum(attrs.evolve(case, upper=np.where(np.isfinite(case.upper), case.upper, 1e9)))
    prices, _ = relax(case)
    knapsacks = Knapsacks.of(case, prices)
    target = case.cost.max(axis=0).sum() if best is None else best
    pays = case.priced(prices).min(axis=0)
    bound, pays, _ = knapsacks.ascend(pays, target, steps=60, stop=lambda: False)
    assert best is None or bound <= best + 1e-9
    slack = target - bound + 1e-6
    answer = Columns.of(case, knapsacks, pays, slack, most=100_000).solve(case, None, nodes=10_000)
    if best is None:
        assert answer.owner is None
        return
    assert (answer.status, case.cost_of(answer.owner)) == (0, pytest.approx(best))
    assert not (case.excess(case.used(answer.owner)) > 0).any()
    assert answer.bound <= best <= answer.bound + 1.0
    if best - bound > 0.01:
        fewer = Columns.of(case, knapsacks, pays, (best - bound) / (2 * case.n_reps), most=100_000)
        worse = fewer.solve(case, None, nodes=10_000)
        assert worse.owner is None or case.cost_of(worse.owner) >= best


def test_columns_leave_out_sets_that_only_rounded_workloads_allow():
    case = case_of(0, 2, 6)
    work = np.full((2, 6), 1.5001) / 1e4
    case = attrs.evolve(case, work=(work,), upper=np.full((2, 1), 4.5) / 1e4)
    knapsacks = Knapsacks.of(case, np.zeros((2, 1)))
    columns = Columns.of(case, knapsacks, np.full(6, 200.0), 1e9, most=1_000)
    assert columns.takes.sum(axis=1).max() == 2
