from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from salesops.errors import InvalidInput
from salesops.territory import IntroductionPath, SocialGraph, proximity


def weighted_graph(seed, n=14, m=32, directed=False):
    rng = np.random.default_rng(seed)
    source, step = rng.integers(0, n, m), rng.integers(1, n, m)
    ties = {"source": source, "target": (source + step) % n, "weight": rng.uniform(0.1, 5, m)}
    return SocialGraph.from_ties(ties, combine="sum", directed=directed)


def simple_chains(graph, start, end, max_hops):
    """List every chain without repeated people by networkx: its strength and its people, warmest first."""
    theirs = graph.to_networkx()
    found = []
    for chain in nx.all_simple_paths(theirs, start, end, cutoff=max_hops):
        weights = [theirs.edges[pair]["weight"] for pair in pairwise(chain)]
        found.append((float(np.prod([w / (w + 1) for w in weights])), tuple(chain)))
    return sorted(found, key=lambda one: -one[0])


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("max_hops", [2, 3, 4, None])
@pytest.mark.parametrize("seed", range(4))
def test_the_k_warmest_introductions_are_the_best_of_all_simple_chains(seed, max_hops, directed):
    graph = weighted_graph(seed, directed=directed)
    people = graph.people.tolist()
    method = IntroductionPath(max_hops=max_hops)
    near = proximity(graph, {"rep_id": people[:2]}, {"lead_id": people[2:]}, method=method, top=2)
    for lead in people[2:8]:
        expected = simple_chains(graph, people[0], lead, max_hops)[:6]
        found = near.paths(people[0], lead, k=6, names=True)
        assert [one.people for one in found] == [chain for _, chain in expected]
        assert [one.strength for one in found] == pytest.approx([warmth for warmth, _ in expected])
        assert not found or found[0] == near.path(people[0], lead, names=True)


def test_disjoint_introductions_share_nobody_in_between():
    ties = [("r", "a", 9), ("a", "p", 9), ("a", "b", 9), ("b", "p", 9), ("r", "c", 1), ("c", "p", 1)]
    source, target, weight = zip(*ties, strict=True)
    graph = SocialGraph.from_ties({"source": source, "target": target, "weight": weight})
    near = proximity(graph, {"rep_id": ["r"]}, {"lead_id": ["p"]})
    plain = [one.people for one in near.paths("r", "p", names=True)]
    apart = [one.people for one in near.paths("r", "p", disjoint=True, names=True)]
    assert plain == [("r", "a", "p"), ("r", "a", "b", "p"), ("r", "c", "p")]
    assert apart == [("r", "a", "p"), ("r", "c", "p")]


def test_introductions_to_an_account_go_through_all_its_contacts():
    graph = SocialGraph.from_ties({"source": ["r", "r", "a"], "target": ["p", "a", "q"], "weight": [1, 9, 9]})
    contacts = {"lead_id": ["acme", "acme"], "person_id": ["p", "q"], "weight": [1, 0.5]}
    near = proximity(graph, {"rep_id": ["r"]}, {"lead_id": ["acme"]}, contacts=contacts)
    assert [one.people for one in near.paths("r", "acme", names=True)] == [("r", "p"), ("r", "a", "q")]


def test_introductions_name_nobody_unless_asked_and_are_none_where_no_chain_leads():
    graph = SocialGraph.from_ties({"source": ["r", "r", "a"], "target": ["a", "b", "b"]})
    near = proximity(graph, {"rep_id": ["r", "x"]}, {"lead_id": ["b", "r", "y"]})
    assert str(near.paths("r", "b")) == "(Introduction(a direct tie), Introduction(one contact))"
    assert near.paths("r", "y") == near.paths("x", "b") == ()
    assert len(near.paths("r", "r")) == 1
    with pytest.raises(InvalidInput, match="k: must be a whole number"):
        near.paths("r", "b", k=0)


def test_equally_warm_introductions_come_in_label_order_whatever_the_order_of_ties():
    rows = [("r", "b"), ("r", "a"), ("a", "p"), ("b", "p"), ("r", "c"), ("c", "p")]
    for turn in (rows, rows[::-1]):
        source, target = zip(*turn, strict=True)
        near = proximity(
            SocialGraph.from_ties({"source": source, "target": target}), {"rep_id": ["r"]}, {"lead_id": ["p"]}
        )
        found = [one.people[1] for one in near.paths("r", "p", names=True)]
        assert found == ["a", "b", "c"]
