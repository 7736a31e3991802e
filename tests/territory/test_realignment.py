"""From today's plan to the next."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from salesops import datasets, territory
from salesops.errors import InvalidInput

mpl.use("Agg")


@pytest.fixture(scope="module")
def world():
    return datasets.make_territory(n_leads=1500, n_reps=12, rng=5)


@pytest.fixture(scope="module")
def near(world):
    return territory.proximity(territory.SocialGraph.from_ties(world.ties), world.reps, world.leads)


@pytest.fixture(scope="module")
def today(world, near):
    reps = world.reps.assign(capacity=200)
    return territory.assign(reps, world.leads, near, balance={"value": 0.2})


def owners(plan):
    return plan.to_frame().set_index("lead_id")["rep_id"]


def test_nothing_moves_where_nothing_changed_and_moves_cost(today):
    again = territory.realign(today, move_price=1e-6)
    assert again.n_moved <= 3
    assert again.total_score >= today.total_score * (1 - 1e-6)


def test_a_leaver_moves_her_own_leads_and_few_others(world, today):
    reps = world.reps.assign(capacity=200).query("rep_id != 4")
    after = territory.realign(today, reps=reps, max_moves=0.05)
    assert 4 not in set(owners(after))
    was, now = owners(today), owners(after)
    others = was[was != 4]
    assert (now[others.index] != others).sum() == after.n_moved
    assert after.n_moved <= 0.05 * len(others)
    assert not after.violations


def test_a_repair_is_a_plan_too(world, today):
    reps = world.reps.assign(capacity=200).query("rep_id != 4")
    quick = territory.realign(today, reps=reps, effort="repair", max_moves=0.01)
    best = territory.realign(today, reps=reps)
    assert not quick.violations
    assert quick.n_moved <= 0.01 * 1500
    assert 0.9 * best.total_score < quick.total_score <= best.bound * (1 + 1e-9)


def test_a_new_rep_may_take_what_pays(world, near, today):
    fewer = world.reps.assign(capacity=200).query("rep_id != 4")
    before = territory.assign(fewer, world.leads, near)
    after = territory.realign(before, reps=world.reps.assign(capacity=200), prox=near, max_moves=60)
    assert after.n_moved <= 60
    assert (owners(after) == 4).any()
    assert after.total_score > before.total_score


def test_a_successor_takes_over_and_nothing_counts_as_moved(world, near):
    reps = world.reps.assign(capacity=400)
    before = territory.assign(reps, world.leads, near)
    after = territory.realign(before, reps=reps.query("rep_id != 4"), successors={4: 7}, max_moves=0)
    was, now = owners(before), owners(after)
    assert (now[was == 4] == 7).all()
    assert (now[was != 4] == was[was != 4]).all()
    assert after.n_moved == 0


def test_new_leads_join_without_counting(world, near):
    old = world.leads.iloc[:1200]
    before = territory.assign(world.reps, old, near)
    after = territory.realign(before, reps=world.reps, leads=world.leads, prox=near, max_moves=0)
    assert after.n_moved == 0
    assert (after.owner >= 0).all()


def test_the_frontier_rises(today, world):
    line = territory.frontier(today, moves=(0.2, 0, 0.05), balance={"value": 0.3})
    frame = line.to_frame()
    assert frame["max_moves"].tolist() == [0, 0.05, 0.2]
    assert frame["score"].is_monotonic_increasing
    assert frame["gain"].iloc[0] == 0
    assert len(line.to_dict()["plans"]) == 3
    assert "moves" in line.explain()
    assert "<table" in line._repr_html_()
    assert line.plot().get_ylabel() == "score gained, %"


def test_a_plan_from_a_document_needs_its_proximity(today):
    plan = territory.TerritoryPlan.from_dict(today.to_dict())
    with pytest.raises(InvalidInput, match="prox"):
        territory.realign(plan)


def test_a_plan_made_from_scores_needs_them_again(world, near):
    scores = near.to_frame()[["rep_id", "lead_id"]].assign(score=1.0)
    plan = territory.assign(world.reps, world.leads, score=scores)
    with pytest.raises(InvalidInput, match="score"):
        territory.realign(plan)
    assert territory.realign(plan, score=scores, max_moves=0).n_moved == 0


def test_successors_are_reps(today, world):
    with pytest.raises(InvalidInput) as told:
        territory.realign(today, successors={99: 1, 2: "nobody"})
    assert "99" in str(told.value)
    assert "nobody" in str(told.value)


def test_repair_is_for_one_who_leaves(today, world):
    with pytest.raises(InvalidInput, match="one rep who leaves"):
        territory.realign(today, reps=world.reps, effort="repair")


def test_a_plan_with_requirements_needs_its_tables():
    reps = pd.DataFrame({"rep_id": ["a", "b"], "skills": [["x"], []]})
    leads = pd.DataFrame({"lead_id": [1, 2], "requires": ["x", None]})
    scores = pd.DataFrame({"rep_id": ["a", "b"], "lead_id": [1, 2], "score": [1.0, 1.0]})
    plan = territory.assign(reps, leads, score=scores)
    with pytest.raises(InvalidInput, match="skills"):
        territory.realign(plan, score=scores)
    after = territory.realign(plan, reps=reps, leads=leads, score=scores, max_moves=0)
    assert np.array_equal(after.owner, plan.owner)
