"""A rep leaves: her leads find owners, limits hold, and hardly anybody else's lead moves."""

import numpy as np
import pytest

from salesops import InvalidInput, datasets, territory
from salesops.territory._release import reassign_released


@pytest.fixture(scope="module")
def case():
    world = datasets.make_territory(n_leads=2000, n_reps=16, rng=4)
    graph = territory.SocialGraph.from_ties(world.ties)
    prox = territory.proximity(graph, world.reps, world.leads)
    return world, prox, territory.assign(world.reps, world.leads, prox, balance={"value": 0.1})


def owners(plan):
    return plan.to_frame().set_index("lead_id")["rep_id"]


@pytest.mark.parametrize("rep", [0, 7, 15])
def test_every_limit_holds_and_at_most_one_in_a_hundred_others_move(case, rep):
    world, _, plan = case
    after = reassign_released(plan, rep)
    before, now = owners(plan), owners(after)
    others = before[before != rep]
    assert after.violations == ()
    assert rep not in set(now)
    assert now.notna().all()
    assert (now[others.index] != others).sum() <= 0.01 * len(others)
    assert after.loads()["load"].max() <= world.reps["capacity"].iloc[0]
    fair = world.leads["value"].sum() / 15
    assert after.loads()["value"].between(0.9 * fair * (1 - 1e-8), 1.1 * fair * (1 + 1e-8)).all()


def test_the_bound_is_never_below_a_plan_made_anew(case):
    world, prox, plan = case
    after = reassign_released(plan, 3)
    fresh = territory.assign(world.reps[world.reps["rep_id"] != 3], world.leads, prox, balance={"value": 0.1})
    assert after.bound >= fresh.total_score * (1 - 1e-12)
    assert after.gap < 0.05


def test_the_columns_are_those_of_the_same_owners_locked(case):
    world, prox, plan = case
    after = reassign_released(plan, 5)
    reps = world.reps[world.reps["rep_id"] != 5]
    same = territory.assign(
        reps, world.leads, prox, balance={"value": 0.1}, locked=after.to_frame()[["lead_id", "rep_id"]]
    )
    for name in ("score", "proximity", "closest", "closest_score", "runner_up", "runner_up_score", "hops"):
        np.testing.assert_array_equal(getattr(after, name), getattr(same, name), err_msg=name)
    np.testing.assert_allclose(after.used, same.used, rtol=1e-12)
    np.testing.assert_allclose(after.upper, same.upper, rtol=1e-12)
    np.testing.assert_allclose(after.lower, same.lower, rtol=1e-12)
    assert territory.TerritoryPlan.from_dict(after.to_dict()).to_dict() == after.to_dict()


def test_a_banned_pair_is_not_made(case):
    _, _, plan = case
    free = reassign_released(plan, 2)
    lead = int(np.flatnonzero(plan.owner == 2)[0])
    taker = plan.rep_labels.position(owners(free).iloc[lead])
    after = reassign_released(plan, 2, banned=np.array([[lead, taker]]))
    assert owners(after).iloc[lead] != owners(free).iloc[lead]


def test_the_router_goes_on_from_the_repaired_plan(case):
    _, _, plan = case
    after = reassign_released(plan, 2).router()
    assert after.route({"lead_id": "x", "candidates": {3: 0.1}}).rep_id is not None


def test_a_plan_of_scores_and_a_last_rep_cannot_be_repaired(case):
    _, _, plan = case
    pairs = {"rep_id": ["ann", "bo"], "lead_id": [1, 2], "score": [1, 1]}
    by_score = territory.assign({"rep_id": ["ann", "bo"]}, {"lead_id": [1, 2]}, score=pairs)
    with pytest.raises(InvalidInput, match="was not made by value times"):
        reassign_released(by_score, "ann")
    with pytest.raises(InvalidInput, match="is not among the reps"):
        reassign_released(plan, 99)
    graph = territory.SocialGraph.from_ties({"source": ["ann"], "target": ["acme"]})
    alone = territory.proximity(graph, {"rep_id": ["ann"]}, {"lead_id": ["acme"]})
    with pytest.raises(InvalidInput, match="only rep"):
        reassign_released(territory.assign({"rep_id": ["ann"]}, {"lead_id": ["acme"]}, alone), "ann")
