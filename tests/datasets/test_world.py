"""The seeded world of reps, leads and ties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.datasets import make_territory
from salesops.errors import InvalidInput


@pytest.fixture(scope="module")
def world():
    return make_territory(n_leads=4_000, n_reps=40, n_ties=40_000, rng=3)


def degrees(world):
    n_people = len(world.reps) + len(world.leads)
    return np.bincount(np.concatenate([world.ties["source"], world.ties["target"]]), minlength=n_people)


def test_the_same_number_gives_the_same_world():
    one, two = (make_territory(n_leads=200, n_reps=5, rng=11) for _ in range(2))
    for name in ("reps", "leads", "ties"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


def test_another_number_gives_another_world():
    one, two = (make_territory(n_leads=200, n_reps=5, rng=seed) for seed in (11, 12))
    assert not one.ties.equals(two.ties)


@given(n_leads=st.integers(1, 60), n_reps=st.integers(1, 5), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_a_world_has_exactly_the_sizes_asked_for(n_leads, n_reps, seed, share):
    n_people = n_leads + n_reps
    n_ties = max(1, int(share * (n_people * (n_people - 1) // 2 // 4)))
    if n_ties > n_people * (n_people - 1) // 2 // 4:
        return
    world = make_territory(n_leads=n_leads, n_reps=n_reps, n_ties=n_ties, rng=seed)
    assert (len(world.reps), len(world.leads), len(world.ties)) == (n_reps, n_leads, n_ties)
    assert not world.ties.duplicated(["source", "target"]).any()
    assert (world.ties["source"] < world.ties["target"]).all()
    assert world.ties["source"].min() >= 0
    assert world.ties["target"].max() < n_people
    assert (world.ties["weight"] > 0).all()
    assert world.reps["capacity"].sum() >= 1.1 * n_leads


def test_nobody_is_both_rep_and_lead(world):
    assert not set(world.reps["rep_id"]) & set(world.leads["lead_id"])


def test_a_few_people_know_very_many(world):
    known = degrees(world)
    assert known.max() > 10 * np.median(known)
    top = np.sort(known)[-len(known) // 100 :].sum() / known.sum()
    assert 0.05 < top < 0.4


def test_most_ties_stay_inside_a_community(world):
    community = pd.concat([world.reps["community"], world.leads["community"]]).to_numpy()
    inside = community[world.ties["source"]] == community[world.ties["target"]]
    by_chance = (np.bincount(community) / len(community)) ** 2
    assert inside.mean() > 0.6 > 5 * by_chance.sum()


def test_values_are_whole_and_heavy_tailed(world):
    value = world.leads["value"]
    assert value.min() >= 1
    assert value.max() > 10 * value.median()


def test_a_generator_is_used_as_it_stands():
    rng = np.random.default_rng(5)
    make_territory(n_leads=50, n_reps=2, rng=rng)
    assert rng.bit_generator.state != np.random.default_rng(5).bit_generator.state


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002  (the global state is what is tested)
    make_territory(n_leads=50, n_reps=2, rng=1)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002  (as above)


@pytest.mark.parametrize("bad", [0, -3, 2.5, "7", True])
def test_a_size_is_a_whole_number_above_zero(bad):
    with pytest.raises(InvalidInput) as caught:
        make_territory(n_leads=bad, n_reps=bad, n_ties=bad, rng=1)
    assert [problem.path for problem in caught.value.problems] == ["n_leads", "n_reps", "n_ties"]


def test_more_ties_than_a_quarter_of_the_pairs_are_refused():
    with pytest.raises(InvalidInput) as caught:
        make_territory(n_leads=8, n_reps=2, n_ties=12, rng=1)
    assert str(caught.value) == (
        "n_ties: 1 problem\n"
        "- n_ties: at most a quarter of all pairs of people may be tied (12); "
        "ask for fewer ties or for more leads"
    )
