"""How near reps and leads are on the map: alone, in a blend, and as a radius."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import InvalidInput
from salesops.territory import (
    Blend,
    Geography,
    RandomWalk,
    SocialGraph,
    assign,
    compare,
    learn_blend,
    proximity,
    too_far,
    validate,
)

BERLIN, MUNICH, COLOGNE, POTSDAM = (52.52, 13.41), (48.14, 11.58), (50.94, 6.96), (52.40, 13.06)


def placed(key, **places):
    return pd.DataFrame(
        [(name, *place) for name, place in places.items()], columns=[key, "latitude", "longitude"]
    )


def haversine(one, other):
    """Measure as Sinnott (1984) does, independently of unit vectors."""
    a, b, c, d = map(math.radians, (*one, *other))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6371.0088 * math.asin(min(1.0, math.sqrt(h)))


def scatter(n, rng, *, towns=None):
    """Scatter places over the globe, or over a few towns, so that many are equally near."""
    latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    if towns is not None:
        pick = rng.integers(0, towns, n)
        latitude, longitude = latitude[pick % n], longitude[pick % n]
    return latitude, longitude


def frames(seed, *, n_reps=12, n_leads=30, towns=None):
    rng = np.random.default_rng(seed)
    made = []
    for key, n in (("rep_id", n_reps), ("lead_id", n_leads)):
        latitude, longitude = scatter(n, rng, towns=towns)
        made.append(pd.DataFrame({key: np.arange(n), "latitude": latitude, "longitude": longitude}))
    return made


def test_the_score_is_halved_by_every_half_distance():
    near = proximity(
        None,
        placed("rep_id", ann=BERLIN, bo=MUNICH),
        placed("lead_id", acme=POTSDAM, bolt=BERLIN),
        method=Geography(half_distance=100),
    )
    assert near.score("ann", "bolt") == 1.0
    assert near.score("ann", "acme") == pytest.approx(0.5 ** (haversine(BERLIN, POTSDAM) / 100), rel=1e-10)
    assert near.score("bo", "acme") == pytest.approx(0.5 ** (haversine(MUNICH, POTSDAM) / 100), rel=1e-10)


def test_known_distances_are_right_to_a_kilometre():
    far = too_far(placed("rep_id", ann=BERLIN), placed("lead_id", acme=MUNICH), within=504)
    assert len(far) == 1
    assert too_far(placed("rep_id", ann=BERLIN), placed("lead_id", acme=MUNICH), within=506).empty


def test_nobody_is_connected_beyond_the_radius():
    reps, leads = placed("rep_id", ann=BERLIN, bo=MUNICH), placed("lead_id", acme=POTSDAM, bolt=COLOGNE)
    near = proximity(None, reps, leads, method=Geography(within=200))
    plan = assign(reps, leads, near, fallback="none")
    assert plan.to_frame().set_index("lead_id")["rep_id"].fillna("-").to_dict() == {
        "acme": "ann",
        "bolt": "-",
    }
    assert plan.to_frame().set_index("lead_id").loc["bolt", "reason"] == "no connection"


def test_pairs_beyond_the_radius_can_be_forbidden():
    reps, leads = placed("rep_id", ann=BERLIN, bo=MUNICH), placed("lead_id", acme=POTSDAM, bolt=COLOGNE)
    graph = SocialGraph.from_ties({"source": ["bo", "ann"], "target": ["acme", "bolt"]})
    near = proximity(graph, reps, leads)
    plan = assign(reps, leads, near, forbidden=too_far(reps, leads, within=200))
    assert plan.to_frame()["rep_id"].fillna("-").tolist() == ["ann", "-"]


def test_a_blend_adds_the_map_to_the_network():
    reps = placed("rep_id", ann=BERLIN, bo=MUNICH, cy=COLOGNE)
    leads = placed("lead_id", acme=POTSDAM, bolt=COLOGNE)
    graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    walk, place = RandomWalk(), Geography(half_distance=80)
    near = proximity(
        graph, reps, leads, method=Blend(measures=[walk, place], weights=[1, 0.5], scales=[0.1, 1])
    )
    social, there = proximity(graph, reps, leads), proximity(None, reps, leads, method=place)
    for rep, lead in itertools.product(["ann", "bo", "cy"], ["acme", "bolt"]):
        expected = math.log2(1 + social.score(rep, lead) / 0.1) + 0.5 * math.log2(1 + there.score(rep, lead))
        assert near.score(rep, lead) == pytest.approx(expected, rel=1e-9)


def test_a_map_without_weight_is_a_radius_for_the_network():
    reps, leads = placed("rep_id", ann=BERLIN, bo=MUNICH), placed("lead_id", acme=POTSDAM)
    graph = SocialGraph.from_ties({"source": ["ann", "bo", "bo"], "target": ["bo", "acme", "bolt"]})
    method = Blend(measures=["random_walk", Geography(within=100)], weights=[1, 0])
    near = proximity(graph, reps, leads, method=method)
    assert near.score("bo", "acme") == 0.0
    assert near.score("ann", "acme") > 0


def test_a_lead_reached_through_contacts_keeps_its_own_place():
    reps, leads = placed("rep_id", ann=BERLIN), placed("lead_id", acme=BERLIN)
    graph = SocialGraph.from_ties({"source": ["ann", "ann"], "target": ["p", "q"]})
    contacts = {"lead_id": ["acme", "acme"], "person_id": ["p", "q"], "weight": [0.5, 0.1]}
    method = Blend(measures=["random_walk", "geography"], weights=[0, 2])
    near = proximity(graph, reps, leads, contacts=contacts, method=method)
    assert near.score("ann", "acme") == 2.0


def test_introductions_are_still_told_where_there_is_a_network():
    reps, leads = placed("rep_id", ann=BERLIN), placed("lead_id", acme=MUNICH)
    graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    near = proximity(graph, reps, leads, method="geography")
    assert str(near.path("ann", "acme")) == "one contact"
    both = compare(
        {"by map": assign(reps, leads, near), "by people": assign(reps, leads, proximity(graph, reps, leads))}
    )
    assert both.to_frame()["warm_share"].tolist() == [1.0, 1.0]


def test_places_that_are_missing_are_named():
    reps = pd.DataFrame({"rep_id": ["ann", "bo"], "latitude": [52.5, None], "longitude": [13.4, 11.6]})
    leads = pd.DataFrame({"lead_id": ["acme"], "latitude": [91.0], "longitude": ["east"]})
    with pytest.raises(InvalidInput) as caught:
        proximity(None, reps, leads, method="geography")
    assert str(caught.value) == (
        "proximity: 3 problems\n"
        "- reps.latitude: must be a finite number, -90 or more and at most 90 (row 1 ('bo'): nan); "
        "Geography(missing='nowhere') takes whoever has no place to be far from everybody\n"
        "- leads.latitude: must be a finite number, -90 or more and at most 90 (row 0 ('acme'): 91.0); "
        "Geography(missing='nowhere') takes whoever has no place to be far from everybody\n"
        "- leads.longitude: is not a number; must be a finite number, -180 or more and at most 180 "
        "(row 0 ('acme'): 'east'); "
        "Geography(missing='nowhere') takes whoever has no place to be far from everybody"
    )


def test_who_is_nowhere_is_far_from_everybody():
    reps = pd.DataFrame({"rep_id": ["ann", "bo"], "latitude": [52.5, None], "longitude": [13.4, None]})
    leads = pd.DataFrame({"lead_id": ["acme", "bolt"], "latitude": [52.5, None], "longitude": [13.4, None]})
    near = proximity(None, reps, leads, method=Geography(missing="nowhere"))
    assert near.to_frame()[["rep_id", "lead_id"]].to_numpy().tolist() == [["ann", "acme"]]
    assert len(too_far(reps, leads, within=10, missing="nowhere")) == 3


def test_half_a_place_is_no_place():
    reps = pd.DataFrame({"rep_id": ["ann"], "latitude": [52.5], "longitude": [None]})
    with pytest.raises(InvalidInput, match="both a latitude and a longitude"):
        proximity(None, reps, placed("lead_id", acme=BERLIN), method=Geography(missing="nowhere"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"half_distance": 0}, "above 0"),
        ({"half_distance": True}, "is not a number"),
        ({"within": -1}, "above 0"),
        ({"within": math.inf}, "finite number"),
        ({"missing": "drop"}, "unknown choice"),
    ],
)
def test_options_out_of_bounds_are_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        Geography(**options)


def test_a_table_without_places_is_refused():
    with pytest.raises(InvalidInput, match=r"reps.latitude: the column is missing"):
        proximity(None, {"rep_id": ["ann"]}, placed("lead_id", acme=BERLIN), method="geography")


def test_only_the_map_does_without_a_graph():
    with pytest.raises(InvalidInput, match="is not a social graph"):
        proximity(None, placed("rep_id", ann=BERLIN), placed("lead_id", acme=BERLIN))


def test_a_network_alone_cannot_be_asked_for_places():
    graph = datasets.make_territory(n_leads=60, n_reps=5, rng=1)
    with pytest.raises(InvalidInput, match="no measure on a network alone"):
        validate(SocialGraph.from_ties(graph.ties), ["geography"], rng=1)


def test_two_maps_in_one_blend_are_refused():
    with pytest.raises(InvalidInput, match="more than one geography"):
        Blend(measures=["geography", Geography(within=5)], weights=[1, 1])


def test_the_weight_of_the_map_is_learnt_from_past_wins():
    rng = np.random.default_rng(3)
    reps, leads = frames(3, n_reps=6, n_leads=60)
    world = datasets.make_territory(n_leads=60, n_reps=6, rng=3)
    leads["lead_id"] += 6
    near = proximity(None, reps, leads, method=Geography(half_distance=4000), top=6).to_frame()
    wins = near.assign(won=rng.random(len(near)) < near["score"])[["rep_id", "lead_id", "won"]]
    blend = learn_blend(
        SocialGraph.from_ties(world.ties), ["random_walk", Geography(half_distance=4000)],
        wins=wins, reps=reps, leads=leads,
    )  # fmt: skip
    assert blend.weights[1] > blend.weights[0]


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([None, 3]), st.sampled_from([None, 3000.0]))
def test_the_nearest_reps_are_those_of_every_pair_measured_alone(seed, top, towns, within):
    """The tree is judged by the haversine of all pairs; equally near reps rank by label."""
    reps, leads = frames(seed, towns=towns)
    method = Geography(half_distance=2000, within=within)
    near = proximity(None, reps, leads, method=method, top=top)
    for k, lead in enumerate(leads.itertuples()):
        each = [
            haversine((rep.latitude, rep.longitude), (lead.latitude, lead.longitude))
            for rep in reps.itertuples()
        ]
        scores = np.array([0.5 ** (far / 2000) if within is None or far <= within else 0.0 for far in each])
        own = slice(near.starts[k], near.starts[k + 1])
        expected = np.sort(scores[scores > 0])[::-1][:top]
        np.testing.assert_allclose(near.scores[own], expected, rtol=1e-9)
        kept = near.reps[own].tolist()
        left = [rep for rep in range(len(reps)) if rep not in kept and scores[rep] > 0]
        if left:
            assert near.floor[k] >= max(scores[left]) * (1 - 1e-9)
            assert near.floor[k] <= near.scores[own].min() * (1 + 1e-9)
            ties = [rep for rep in left if math.isclose(scores[rep], near.scores[own].min(), rel_tol=1e-11)]
            level = [
                r
                for r, s in zip(kept, near.scores[own], strict=True)
                if math.isclose(s, near.scores[own].min(), rel_tol=1e-11)
            ]
            assert not ties or max(level) < min(ties)
        else:
            assert near.floor[k] == 0


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(seed, shuffle):
    reps, leads = frames(seed, towns=4)
    method = Blend(measures=["geography"], weights=[1]) if seed % 2 else Geography()
    graph = SocialGraph.from_ties({"source": [0], "target": [1]})
    one = proximity(graph, reps, leads, method=method, top=3)
    rows = [shuffle.sample(range(len(frame)), len(frame)) for frame in (reps, leads)]
    other = proximity(graph, reps.iloc[rows[0]], leads.iloc[rows[1]], method=method, top=3)
    assert one.to_dict() == other.to_dict()


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(-180, 180))
def test_turning_the_globe_changes_no_distance(seed, turn):
    reps, leads = frames(seed)
    one = proximity(None, reps, leads, method="geography")
    turned = [
        frame.assign(longitude=(frame["longitude"] + turn + 180) % 360 - 180) for frame in (reps, leads)
    ]
    other = proximity(None, *turned, method="geography")
    both = [near.to_frame().set_index(["lead_id", "rep_id"])["score"].sort_index() for near in (one, other)]
    np.testing.assert_allclose(both[0].to_numpy(), both[1].to_numpy(), rtol=1e-6)


def test_the_bound_of_a_pruned_map_holds_for_the_whole():
    reps, leads = frames(11, n_reps=20, n_leads=80)
    reps["capacity"] = 5
    method = Geography(half_distance=3000)
    whole = assign(reps, leads, proximity(None, reps, leads, method=method, top=20))
    pruned = assign(reps, leads, proximity(None, reps, leads, method=method, top=3))
    assert pruned.bound >= whole.total_score
    assert pruned.total_score <= whole.bound


def test_the_mapper_cannot_change_a_blend():
    reps, leads = frames(5, n_reps=150)
    graph = SocialGraph.from_ties({"source": list(range(149)), "target": list(range(1, 150))})
    method = Blend(measures=["adamic_adar", "geography"], weights=[1, 1])
    one = proximity(graph, reps, leads, method=method, top=5)
    other = proximity(
        graph, reps, leads, method=method, top=5, mapper=lambda f, items: [f(item) for item in items]
    )
    assert one.to_dict() == other.to_dict()
