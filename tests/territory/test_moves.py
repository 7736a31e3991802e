"""Today's owners: how many leads may change hands, and what a move must gain."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import Infeasible, InvalidInput
from salesops.territory import SocialGraph, TerritoryPlan, assign, proximity


def small(seed, *, n_leads=5, n_reps=3, capacity=3):
    rng = np.random.default_rng(seed)
    leads, reps = [f"l{k}" for k in range(n_leads)], [f"r{k}" for k in range(n_reps)]
    pairs = pd.DataFrame(itertools.product(reps, leads), columns=["rep_id", "lead_id"])
    pairs["score"] = rng.integers(0, 20, len(pairs))
    current = pd.DataFrame({"lead_id": leads, "rep_id": rng.choice(reps, n_leads)})
    return (
        pd.DataFrame({"rep_id": reps, "capacity": capacity}),
        pd.DataFrame({"lead_id": leads}),
        pairs,
        current,
    )


def best_of_all(reps, leads, pairs, current, *, max_moves=10**9, move_price=0.0):
    """Try every assignment."""
    score = pairs.set_index(["rep_id", "lead_id"])["score"]
    today = current.set_index("lead_id")["rep_id"]
    best = -np.inf
    for owners in itertools.product(reps["rep_id"], repeat=len(leads)):
        moved = sum(
            today.get(lead, owner) != owner for lead, owner in zip(leads["lead_id"], owners, strict=True)
        )
        if moved > max_moves or max(map(owners.count, owners)) > reps["capacity"].iloc[0]:
            continue
        total = sum(score[owner, lead] for lead, owner in zip(leads["lead_id"], owners, strict=True))
        best = max(best, total - move_price * moved)
    return best


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 5))
def test_no_plan_with_as_few_moves_scores_more(seed, max_moves):
    reps, leads, pairs, current = small(seed)
    best = best_of_all(reps, leads, pairs, current, max_moves=max_moves)
    if np.isinf(best):
        with pytest.raises(Infeasible, match="moves"):
            assign(reps, leads, score=pairs, current=current, max_moves=max_moves, require_all=True)
        return
    plan = assign(reps, leads, score=pairs, current=current, max_moves=max_moves, require_all=True)
    assert plan.n_moved <= max_moves
    assert not plan.violations
    assert plan.total_score == pytest.approx(best)
    assert plan.bound >= best - 1e-9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 12))
def test_a_move_must_gain_its_price(seed, price):
    reps, leads, pairs, current = small(seed)
    plan = assign(reps, leads, score=pairs, current=current, move_price=price)
    best = best_of_all(reps, leads, pairs, current, move_price=price)
    assert plan.total_score - price * plan.n_moved == pytest.approx(best)
    assert plan.bound >= best - 1e-9
    assert plan.gap < 1e-6


@pytest.fixture(scope="module")
def world():
    made = datasets.make_territory(n_leads=2000, n_reps=15, rng=1)
    near = proximity(SocialGraph.from_ties(made.ties), made.reps, made.leads)
    current = pd.DataFrame({"lead_id": made.leads["lead_id"], "rep_id": made.leads["lead_id"] % 15})
    return made.reps, made.leads, near, current


@pytest.mark.parametrize(("max_moves", "most"), [(0, 0), (40, 40), (0.1, 200), (1.0, 2000)])
def test_a_large_plan_keeps_to_the_moves_and_the_bands(world, max_moves, most):
    reps, leads, near, current = world
    plan = assign(reps, leads, near, balance={"value": 0.4}, current=current, max_moves=max_moves)
    assert plan.n_moved <= most
    assert not plan.violations
    assert plan.gap < 0.02
    assert len(plan.moves()) == plan.n_moved


def test_more_moves_never_score_less(world):
    reps, leads, near, current = world
    scores = [
        assign(reps, leads, near, current=current, max_moves=m).total_score for m in (0, 0.05, 0.2, 0.6)
    ]
    assert scores == sorted(scores)


def test_the_order_of_today_does_not_matter(world):
    reps, leads, near, current = world
    one = assign(reps, leads, near, current=current, max_moves=0.1)
    other = assign(reps, leads, near, current=current.sample(frac=1, random_state=3), max_moves=0.1)
    assert one.to_dict() == other.to_dict()


def test_a_plan_with_moves_survives_json(world):
    reps, leads, near, current = world
    plan = assign(reps, leads, near, current=current, max_moves=0.1)
    again = TerritoryPlan.from_dict(plan.to_dict())
    assert again.to_dict() == plan.to_dict()
    assert again.moves().equals(plan.moves())


def test_a_plan_says_who_owned_the_lead(world):
    reps, leads, near, current = world
    plan = assign(reps, leads, near, current=current, max_moves=0.1)
    first = next(plan.moves().itertuples())
    assert f"moved from rep {first.from_rep_id}" in repr(plan.explain(first.lead_id))
    assert plan.metrics()["n_moved"].iloc[0] == plan.n_moved


def test_an_older_plan_is_who_owns_the_leads_today(world):
    reps, leads, near, _ = world
    plan = assign(reps, leads, near)
    again = assign(reps, leads, near, current=plan.to_frame(), max_moves=0)
    assert (again.owner == plan.owner).all()


def test_rules_that_move_more_leads_than_may_are_named():
    reps, leads, pairs, _ = small(1)
    current = {"lead_id": ["l0", "l1", "l2"], "rep_id": ["r0", "r0", "r0"]}
    locked = {"lead_id": ["l0"], "rep_id": ["r1"]}
    forbidden = {"lead_id": ["l1", "l2", "l3"], "rep_id": ["r0", "r0", "r0"]}
    with pytest.raises(
        Infeasible, match="2 leads cannot stay with their owner, max_moves 1; short by 1"
    ) as told:
        assign(reps, leads, score=pairs, current=current, max_moves=1, locked=locked, forbidden=forbidden)
    assert [problem.path for problem in told.value.problems] == ["max_moves", "locked", "forbidden"]


def test_limits_that_need_more_moves_are_named():
    reps, leads, pairs, _ = small(1, n_leads=4, n_reps=2, capacity=2)
    current = {"lead_id": ["l0", "l1", "l2", "l3"], "rep_id": ["r0"] * 4}
    with pytest.raises(Infeasible, match="no plan keeps these limits with 1 moves") as told:
        assign(reps, leads, score=pairs, current=current, max_moves=1, require_all=True)
    assert [problem.path for problem in told.value.problems] == ["max_moves", "reps.capacity"]


@pytest.mark.parametrize("value", [-1, 1.5, True, "5", float("nan")])
def test_a_number_of_moves_is_a_number_or_a_share(value):
    reps, leads, pairs, current = small(1)
    with pytest.raises(InvalidInput, match="max_moves"):
        assign(reps, leads, score=pairs, current=current, max_moves=value)


def test_moves_need_to_know_today():
    reps, leads, pairs, _ = small(1)
    with pytest.raises(InvalidInput, match="current"):
        assign(reps, leads, score=pairs, max_moves=3)


def test_a_lead_with_two_owners_today_is_named():
    reps, leads, pairs, _ = small(1)
    with pytest.raises(InvalidInput, match="l0"):
        assign(reps, leads, score=pairs, current={"lead_id": ["l0", "l0"], "rep_id": ["r0", "r1"]})


def test_an_owner_who_is_no_rep_is_named():
    reps, leads, pairs, _ = small(1)
    with pytest.raises(InvalidInput, match="gone"):
        assign(reps, leads, score=pairs, current={"lead_id": ["l0"], "rep_id": ["gone"]})


@pytest.mark.parametrize("seed", range(6))
def test_new_leads_that_few_reps_know_stand_beside_leads_with_an_owner(seed):
    """Leads of which fewer reps are listed than of others, some of them without an owner today."""
    reps, leads, pairs, current = small(seed, n_leads=6)
    pairs = pairs[np.random.default_rng(seed).random(len(pairs)) < 0.6]
    plan = assign(reps, leads, score=pairs, current=current.iloc[:3], max_moves=1)
    whole = pairs.merge(
        pd.DataFrame(itertools.product(reps["rep_id"], leads["lead_id"]), columns=["rep_id", "lead_id"]),
        how="right",
    ).fillna({"score": 0})
    assert plan.total_score == pytest.approx(best_of_all(reps, leads, whole, current.iloc[:3], max_moves=1))


def test_new_leads_keep_their_best_reps_among_many(world):
    """New leads do as well beside a lead that has an owner as they do where nobody has one."""
    reps, leads, near, current = world
    alone = assign(reps, leads, near)
    plan = assign(reps, leads, near, current=current.iloc[:1], move_price=0.0)
    assert plan.total_score == pytest.approx(alone.total_score, rel=1e-3)


def test_a_plan_with_leads_without_an_owner_goes_back_in_as_it_came_out():
    """Missing owners must not make the other ids floats."""
    reps, score = {"rep_id": [1, 2], "capacity": [1, 0]}, {"rep_id": [1], "lead_id": [10], "score": [1]}
    today = assign(reps, {"lead_id": [10, 11]}, score=score)
    frame = today.to_frame()
    assert frame["rep_id"].isna().tolist() == [False, True]
    again = assign(reps, {"lead_id": [10, 11]}, score=score, current=frame, max_moves=0)
    assert (
        again.owner.tolist()
        == today.owner.tolist()
        == today.edited(frame[["lead_id", "rep_id"]]).owner.tolist()
    )


def test_an_owner_of_today_without_a_connection_may_keep_her_lead_within_the_bound():
    """What she saves by not moving counts in the bound, too, where other leads have pairs that were cut."""
    graph = SocialGraph.from_ties({"source": ["ann", "bo", "ann"], "target": ["acme", "acme", "bo"]})
    reps, leads = {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme", "bolt"]}
    near = proximity(graph, reps, leads, top=1)
    current = {"lead_id": ["bolt"], "rep_id": ["bo"]}
    plan = assign(reps, leads, near, current=current, move_price=0.5, fallback="none")
    assert plan.to_frame().set_index("lead_id").loc["bolt", "rep_id"] == "bo"
    assert plan.bound >= plan.total_score
    away = plan.edited({"lead_id": ["bolt"], "rep_id": [None]})
    assert away.n_moved == 1
    assert not away.edited(plan.to_frame()[["lead_id", "rep_id"]]).violations
