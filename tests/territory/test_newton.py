"""The softened dual: its slopes and curvature against differences, its minimum against scipy's."""

import attrs
import numpy as np
import pytest
from scipy.optimize import minimize

from salesops.territory import _newton
from salesops.territory._curvature import Curvature
from salesops.territory._listed import Pairs
from salesops.territory._newton import _Problem, find_prices
from salesops.territory._prices import Instance, bound, torn
from salesops.territory._smooth import Smooth, Units

N, R, K = 240, 7, 4


def instance(seed=0, *, moves=False, everybody=False):
    """Two limited resources, some leads that nobody listed, some that may change hands."""
    rng = np.random.default_rng(seed)
    use = np.stack([np.ones(N), rng.uniform(0.5, 3, N)], axis=1)
    reps = np.sort(np.argsort(rng.random((N, R)), axis=1)[:, :K], axis=1).astype(np.int32)
    fair = use.sum(axis=0) / R
    case = Instance(
        use=use,
        upper=np.broadcast_to(fair * [1.1, 1.05], (R, 2)).copy(),
        lower=np.stack([np.full(R, -np.inf), np.full(R, fair[1] * 0.95)], axis=1),
        pairs=Pairs(reps=reps, scores=rng.lognormal(0, 0.6, (N, K))),
        rest=rng.uniform(0, 0.3, N),
        is_open=np.ones(N, dtype=bool),
        banned=np.empty((0, 2), dtype=np.int64),
        must_own=not everybody,
    )
    if moves:
        current = np.where(rng.random(N) < 0.8, reps[:, 0], -1).astype(np.int64)
        case = attrs.evolve(case, current=current, max_moves=120.0)
    return case


def problem(case, temperature=0.3):
    return _Problem(smooth=Smooth.of(case, Units.of(case)), temperature=temperature)


def some_prices(case, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.05, 0.5, R * 2)
    x[1::2] *= rng.choice([-1, 1], R)
    return np.append(x, 0.3) if np.isfinite(case.max_moves) else x


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("everybody", [False, True])
def test_the_slope_is_what_the_value_changes_by(moves, everybody):
    case = instance(moves=moves, everybody=everybody)
    dual, x = problem(case), some_prices(instance(moves=moves))
    slope = dual.at(x).slope()
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = 1e-6
        change = (dual.at(x + step).value - dual.at(x - step).value) / 2e-6
        # Leads of a group look for the cheapest rep together, with the group's mean use.
        assert slope[k] == pytest.approx(change, rel=2e-3, abs=1e-5)


@pytest.mark.parametrize("moves", [False, True])
def test_the_curvature_is_what_the_slope_changes_by(moves, monkeypatch):
    monkeypatch.setattr("salesops.territory._curvature.SLIGHT", 0.0)
    case = instance(moves=moves)
    dual, x = problem(case), some_prices(case)
    bend = Curvature.of(dual.smooth, x, dual.temperature, 1)
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = 1.0
        change = (dual.at(x + 1e-5 * step).slope() - dual.at(x - 1e-5 * step).slope()) / 2e-5
        assert np.allclose(bend.along(step), change, rtol=0.02, atol=2e-3)
    steep = [bend.along(step)[k] for k, step in enumerate(np.eye(len(x)))]
    assert (bend.diagonal(len(x)) >= np.array(steep) - 1e-9).all()


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.01])
def test_prices_are_as_good_as_those_of_a_general_method(moves, temperature):
    case = instance(3, moves=moves)
    units = Units.of(case)
    prices, stay = np.zeros((R, 2)), 0.0
    for heat in (1.0, 0.3, 0.1, 0.03, 0.01):
        if heat >= temperature:
            start = attrs.evolve(case, stay=stay)
            prices, stay = find_prices(start, prices, units, temperature=heat, max_steps=60)
    dual = problem(attrs.evolve(case, stay=stay), temperature)

    def value(signed):
        upper, lower, rest = signed[: R * 2], signed[R * 2 : R * 4], signed[R * 4 :]
        return dual.at(np.append(upper - lower, rest)).value

    has_lower = np.isfinite(case.lower).ravel()
    limits = [(0, None)] * (R * 2) + [(0, None) if one else (0, 0) for one in has_lower] + [(0, None)] * moves
    peer = minimize(
        value, np.zeros(len(limits)), bounds=limits, method="L-BFGS-B", options={"maxfun": 40_000}
    )
    ours = dual.at(dual.smooth.pack(prices)).value
    assert ours <= peer.fun + 1e-5


def test_a_price_is_zero_where_its_limit_holds():
    case = instance()
    case = attrs.evolve(case, upper=case.upper * 10, lower=np.full((R, 2), -np.inf))
    prices, stay = find_prices(case, np.ones((R, 2)), Units.of(case), temperature=0.01, max_steps=40)
    assert (prices == 0).all()
    assert stay == 0


def test_of_many_leads_whom_nobody_listed_a_part_is_torn_and_the_others_go_where_they_are_spread():
    case = instance()
    none = attrs.evolve(case, pairs=Pairs(reps=case.pairs.reps, scores=np.zeros((N, K))), rest=np.ones(N))
    spread = np.arange(N) % R
    part, leads, owner, _ = torn(none, np.zeros((R, 2)), np.ones(2), 5, lambda: spread)
    assert len(leads) <= 5 * R
    others = np.setdiff1d(np.arange(N), leads)
    assert np.array_equal(owner[others], spread[others])
    left = np.bincount(spread[others], weights=none.use[others, 1], minlength=R)
    assert np.allclose(part.upper[:, 1], none.upper[:, 1] - left)


def test_without_limits_there_is_nothing_to_price():
    case = instance()
    none = attrs.evolve(case, upper=np.full((R, 2), np.inf), lower=np.full((R, 2), -np.inf))
    prices, _ = find_prices(none, np.ones((R, 2)), Units.of(none), temperature=0.01, max_steps=40)
    assert (prices == 0).all()


def test_a_curvature_from_some_of_the_leads_leads_to_the_same_prices(monkeypatch):
    case = instance(5)
    units = Units.of(case)
    whole = find_prices(case, np.zeros((R, 2)), units, temperature=0.1, max_steps=60)[0]
    monkeypatch.setattr(_newton, "_MOST_CROSSINGS", 400)
    part = find_prices(case, np.zeros((R, 2)), units, temperature=0.1, max_steps=200)[0]
    assert bound(case, part) == pytest.approx(bound(case, whole), rel=1e-4)
