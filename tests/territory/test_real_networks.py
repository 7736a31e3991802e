"""Territories on real people: what the claims of the documentation rest on."""

from __future__ import annotations

import numpy as np
import pytest

from salesops import datasets, territory

LARGEST = 600


@pytest.fixture(scope="module")
def plans():
    """Plans over the people of LastFM Asia but for its largest countries: one rep a country.

    The examples plan for all of them.
    """
    network = datasets.lastfm_asia()
    friends = np.bincount(
        network.ties[["source", "target"]].to_numpy().ravel(), minlength=len(network.people)
    )
    people = network.people.assign(friends=friends[network.people["person_id"]])
    size = people.groupby("country")["person_id"].transform("size")
    people = people[size <= LARGEST]
    ranked = people.sort_values(["friends", "person_id"], ascending=[False, True])
    seated = ranked.groupby("country").cumcount() == 0
    reps = ranked[seated].rename(columns={"person_id": "rep_id"})
    leads = ranked[~seated].rename(columns={"person_id": "lead_id", "friends": "value"})
    reps = reps.assign(capacity=int(np.ceil(1.1 * len(leads) / len(reps))))
    graph = territory.SocialGraph.from_ties(network.ties)
    prox = territory.proximity(graph, reps, leads)
    at_home = leads.merge(reps[["rep_id", "country"]], on="country").rename(columns={"value": "score"})
    options = {"balance": {"value": 0.1}}
    return {
        "by country": territory.assign(reps, leads, prox, score=at_home, **options),
        "by proximity": territory.assign(reps, leads, prox, **options),
    }


def test_both_plans_own_every_lead_within_every_limit(plans):
    for plan in plans.values():
        frame = plan.to_frame()
        assert len(frame) > 1500
        assert frame["rep_id"].notna().all()
        assert plan.violations == ()


def test_the_gap_is_certified_and_small(plans):
    for plan in plans.values():
        assert 0 <= plan.gap < 0.02
        assert plan.to_frame()["score"].sum() <= plan.bound


def test_proximity_brings_more_warm_introductions_than_the_map(plans):
    by_name = territory.compare(plans).to_frame().set_index("plan")
    warm = by_name.filter(like="warm").iloc[:, 0]
    assert warm["by proximity"] > warm["by country"]
