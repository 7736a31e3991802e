"""Scores of somebody new, against a proximity measured afresh with her in the graph."""

import numpy as np
import pandas as pd
import pytest

from salesops import InvalidInput, datasets, territory


@pytest.fixture(scope="module")
def world():
    return datasets.make_territory(n_leads=400, n_reps=12, rng=5)


def both(world, ties, method="random_walk", directed=False):
    """Give the newcomer's scores as looked ahead, and as measured with her in the graph, best rep first."""
    graph = territory.SocialGraph.from_ties(world.ties, directed=directed)
    people = {"lead_id": graph.people}
    options = {"method": method, "top": 12}
    near = territory.proximity(graph, world.reps, people, **options)
    plan = territory.assign(
        world.reps, world.leads, territory.proximity(graph, world.reps, world.leads, **options)
    )
    ahead = plan.router(people=near)._desk.people
    reps, scores = ahead.newcomer({ahead.labels.position(person): weight for person, weight in ties.items()})
    new = pd.DataFrame({"source": list(ties), "target": -1, "weight": list(ties.values())})
    larger = territory.SocialGraph.from_ties(pd.concat([world.ties, new]), directed=directed)
    frame = territory.proximity(larger, world.reps, {"lead_id": [-1]}, **options).to_frame()
    names = [world.reps["rep_id"].tolist()[rep] for rep in reps]
    return pd.Series(scores, index=names), frame.set_index("rep_id")["score"]


def test_one_tie_orders_the_reps_as_a_new_measurement_does(world):
    for person in (20, 100, 300):
        ahead, exact = both(world, {person: 1.5})
        assert ahead.sort_values(ascending=False).index.tolist() == exact.index.tolist()


def test_one_tie_scales_all_reps_alike(world):
    ahead, exact = both(world, {77: 2.0})
    ratio = (ahead / exact).to_numpy()
    assert np.ptp(ratio) < 1e-4
    assert abs(ratio[0] - 1) < 0.15


def test_several_ties_are_near_a_new_measurement_and_nearer_than_first_order(world):
    rng = np.random.default_rng(1)
    worst = []
    for _ in range(6):
        ties = dict(
            zip(
                rng.choice(np.arange(12, 412), 5, replace=False).tolist(),
                rng.lognormal(0, 0.5, 5),
                strict=True,
            )
        )
        ahead, exact = both(world, ties)
        worst.append(float((ahead / exact - 1).abs().max()))
        assert ahead.idxmax() == exact.idxmax()
    assert max(worst) < 0.15


def test_a_new_person_without_old_ties_to_her_friends_is_exact(world):
    """A pair that knows only each other comes back after two steps for certain, which is what is kept."""
    ties = pd.concat([world.ties, pd.DataFrame({"source": [0], "target": [900], "weight": [1.0]})])
    pendant = datasets.TerritoryWorld(reps=world.reps, leads=world.leads, ties=ties)
    ahead, exact = both(pendant, {900: 1.0})
    assert abs(ahead / exact - 1).max() < 0.05


def test_introductions_grow_by_one_tie(world):
    method = territory.IntroductionPath(max_hops=None)
    ahead, exact = both(world, {20: 2.0, 31: 0.5}, method)
    np.testing.assert_allclose(ahead[exact.index], exact, rtol=1e-9)


def test_a_directed_tie_leads_to_the_newcomer_and_not_back(world):
    known = world.ties.loc[world.ties["source"] < 12, "target"].tolist()
    ahead, exact = both(world, {known[0]: 2.0, known[-1]: 0.5}, directed=True)
    shared = exact.index.intersection(ahead.index)
    assert len(shared) > 0
    np.testing.assert_allclose(ahead[shared], exact[shared], rtol=0.05)


def test_people_reached_through_several_contacts_are_no_people(world):
    graph = territory.SocialGraph.from_ties(world.ties)
    accounts = {"lead_id": ["acme"]}
    contacts = {"lead_id": ["acme", "acme"], "person_id": [20, 21]}
    near = territory.proximity(graph, world.reps, accounts, contacts=contacts)
    plan = territory.assign(world.reps, accounts, near)
    assert "people" not in str(plan.router())
    with pytest.raises(InvalidInput, match="is not one person"):
        plan.router(people=near)
