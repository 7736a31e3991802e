"""Between reps who score alike, the one with the stronger ties: nearer as the lead sees it."""

import numpy as np
import pytest

from salesops.territory import RandomWalk, SocialGraph, assign, proximity


def drawn(ties, capacities, leads, **options):
    source, target, weight = zip(*ties, strict=True)
    graph = SocialGraph.from_ties({"source": source, "target": target, "weight": weight})
    reps = {"rep_id": list(capacities), "capacity": list(capacities.values())}
    near = proximity(graph, reps, {"lead_id": leads}, method=options.pop("method", "random_walk"))
    return assign(reps, {"lead_id": leads}, near, **options)


@pytest.mark.parametrize("weights", [(9, 1), (1, 9)])
def test_of_two_who_know_only_the_lead_the_stronger_tie_owns_it(weights):
    plan = drawn([("r1", "p1", weights[0]), ("r2", "p1", weights[1])], {"r1": 1, "r2": 1}, ["p1"])
    assert plan.owner.tolist() == [int(np.argmax(weights))]
    assert plan.reason.tolist() == ["closest"]
    assert plan.gap < 1e-9


def test_the_stronger_tie_is_called_closer_when_she_is_full():
    plan = drawn([("r1", "p1", 1), ("r2", "p1", 9)], {"r1": 1, "r2": 0}, ["p1"])
    assert plan.owner.tolist() == [0]
    assert "rep 'r2' is closer (score 0.4595 too, with stronger ties) but full (capacity 0)" in repr(
        plan.explain("p1")
    )


def test_equal_ties_fall_to_the_first_label():
    plan = drawn([("r1", "p1", 3), ("r2", "p1", 3)], {"r1": 1, "r2": 1}, ["p1"])
    assert plan.owner.tolist() == [0]
    assert "as close" not in repr(plan.explain("p1"))


def test_no_limit_is_broken_for_a_stronger_tie():
    ties = [("r1", "p1", 1), ("r2", "p1", 9), ("r1", "p2", 1), ("r2", "p2", 9)]
    plan = drawn(ties, {"r1": 2, "r2": 1}, ["p1", "p2"])
    assert sorted(plan.owner.tolist()) == [0, 1]
    banded = drawn(ties, {"r1": 2, "r2": 2}, ["p1", "p2"], balance={"workload": 0.1})
    assert sorted(banded.owner.tolist()) == [0, 1]


def test_locks_bans_and_owners_of_today_stay():
    ties = [("r1", "p1", 1), ("r2", "p1", 9)]
    pair = {"lead_id": ["p1"], "rep_id": ["r1"]}
    assert drawn(ties, {"r1": 1, "r2": 1}, ["p1"], locked=pair).owner.tolist() == [0]
    assert drawn(ties, {"r1": 1, "r2": 1}, ["p1"], current=pair).owner.tolist() == [0]
    other = {"lead_id": ["p1"], "rep_id": ["r2"]}
    assert drawn(ties, {"r1": 1, "r2": 1}, ["p1"], forbidden=other).owner.tolist() == [0]


def test_a_measure_that_is_read_from_both_ends_needs_no_second_look():
    ties = [("r1", "p1", 1), ("r2", "p1", 9)]
    plan = drawn(ties, {"r1": 1, "r2": 0}, ["p1"], method=RandomWalk(normalisation="symmetric"))
    assert "rep 'r2' is closer (score" in repr(plan.explain("p1"))
    assert "too" not in repr(plan.explain("p1"))


@pytest.mark.parametrize("seed", range(20))
def test_the_second_look_keeps_score_and_limits(seed):
    rng = np.random.default_rng(seed)
    leads = [f"p{k}" for k in range(8)]
    ties = [(f"r{k}", leads[int(rng.integers(4))], int(rng.integers(1, 5))) for k in range(5)]
    ties += [(leads[0], lead, 1) for lead in leads[1:]]
    plan = drawn(ties, {f"r{k}": int(rng.integers(1, 4)) for k in range(5)}, leads)
    assert not plan.violations
    assert plan.total_score <= plan.bound * (1 + 1e-9)
    if (plan.owner >= 0).all():
        assert plan.gap < 1e-6
