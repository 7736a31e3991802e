from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise, permutations

import attrs
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput, NotConverged, SalesOpsWarning
from salesops.territory import (
    EffectiveResistance,
    IntroductionPath,
    Katz,
    PreferentialAttachment,
    RandomWalk,
    ResourceAllocation,
    SocialGraph,
    assign,
    proximity,
)


def random_graph(seed, n=30, m=60, directed=False):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"source": rng.integers(0, n, m), "target": rng.integers(0, n, m), "weight": rng.uniform(0.1, 5, m)}
    )
    return SocialGraph.from_ties(frame, combine="sum", directed=directed)


def exact_walk(graph, start, restart):
    """Solve the linear system of the walk densely."""
    weights = graph.adjacency.toarray()
    total = weights.sum(axis=1, keepdims=True)
    step = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0).T
    right = np.zeros(len(weights))
    right[start] = restart
    return np.linalg.solve(np.eye(len(weights)) - (1 - restart) * step, right)


def score_matrix(near):
    matrix = np.zeros((near.n_leads, near.n_reps))
    lead = np.repeat(np.arange(near.n_leads), np.diff(near.starts))
    matrix[lead, near.reps] = near.scores
    return matrix


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("restart", [0.05, 0.15, 0.6])
def test_the_walk_agrees_with_a_dense_solve_within_its_certificate(directed, restart):
    graph = random_graph(1, directed=directed)
    people = graph.people.tolist()
    measure = RandomWalk(restart=restart, tolerance=1e-10)
    near = proximity(graph, {"rep_id": people}, {"lead_id": people}, method=measure)
    scores = score_matrix(near)
    for rep in np.flatnonzero(graph.adjacency.sum(axis=1)).tolist():
        exact = exact_walk(graph, rep, restart)
        assert np.abs(scores[:, rep] - exact).sum() <= near.error[rep] <= 1e-10


def test_the_walk_is_the_personalised_pagerank_of_networkx():
    given = nx.karate_club_graph()
    near = proximity(given, {"rep_id": [0, 33]}, {"lead_id": list(given)})
    for rep in (0, 33):
        theirs = nx.pagerank(given, alpha=0.85, personalization={rep: 1}, tol=1e-14, max_iter=1000)
        assert sum(abs(theirs[lead] - near.score(rep, lead)) for lead in given) < 1e-6


def test_scores_are_exactly_zero_between_islands():
    graph = SocialGraph.from_ties({"source": ["r1", "r2"], "target": ["p1", "p2"]})
    near = proximity(graph, {"rep_id": ["r1", "r2"]}, {"lead_id": ["p1", "p2"]})
    assert near.score("r1", "p2") == near.score("r2", "p1") == 0.0
    assert near.score("r1", "p1") == near.score("r2", "p2") > 0


def test_an_isolated_rep_scores_zero_with_everyone_else():
    graph = SocialGraph.from_ties({"source": ["r1", "r2"], "target": ["p1", "p1"], "weight": [0, 1]})
    near = proximity(graph, {"rep_id": ["r1", "r2", "new"]}, {"lead_id": ["p1"]})
    assert near.score("r1", "p1") == near.score("new", "p1") == 0.0
    only = proximity(
        SocialGraph.from_ties({"source": ["r2"], "target": ["p1"]}), {"rep_id": ["r2"]}, {"lead_id": ["p1"]}
    )
    assert near.score("r2", "p1") == only.score("r2", "p1")


def brute_chain(graph, start, end, max_hops):
    """Try every simple chain."""
    weights = graph.adjacency.toarray()
    strength = weights / (weights + 1)
    n = len(weights)
    best = 0.0
    if start == end:
        return 1.0
    others = [k for k in range(n) if k not in (start, end)]
    for between in range(max_hops):
        for middle in permutations(others, between):
            chain = (start, *middle, end)
            best = max(best, np.prod([strength[i, j] for i, j in pairwise(chain)]))
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("hops", [1, 2, 3, None])
def test_the_warmest_introduction_is_the_best_of_all_chains(seed, hops):
    graph = random_graph(seed, n=7, m=9, directed=seed % 2 == 1)
    people = graph.people.tolist()
    near = proximity(graph, {"rep_id": people}, {"lead_id": people}, method=IntroductionPath(max_hops=hops))
    has_ties = graph.adjacency.sum(axis=1) > 0
    for rep in range(len(people)):
        for lead in range(len(people)):
            expected = brute_chain(graph, rep, lead, hops or len(people) - 1) if has_ties[rep] else 0.0
            assert near.score(people[rep], people[lead]) == pytest.approx(expected, rel=1e-12)
            path = near.path(people[rep], people[lead], names=True)
            assert path.strength == pytest.approx(expected, rel=1e-12)
            if path.people:
                assert len(path.people) - 1 <= (hops or 99)


def test_a_path_names_nobody_unless_asked():
    graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    near = proximity(graph, {"rep_id": ["ann"]}, {"lead_id": ["acme", "nobody"]})
    assert str(near.path("ann", "acme")) == "one contact"
    assert "bo" not in repr(near.path("ann", "acme"))
    assert str(near.path("ann", "acme", names=True)) == "ann → bo → acme"
    assert str(near.path("ann", "nobody")) == "no introduction"


def test_equal_chains_choose_the_same_people_whatever_the_order_of_ties():
    rows = [("r", "b", 1), ("r", "a", 1), ("a", "p", 1), ("b", "p", 1)]
    for order in permutations(rows):
        source, target, weight = zip(*order, strict=True)
        graph = SocialGraph.from_ties({"source": source, "target": target, "weight": weight})
        near = proximity(graph, {"rep_id": ["r"]}, {"lead_id": ["p"]})
        assert near.path("r", "p", names=True).people == ("r", "a", "p")


def test_contacts_roll_up_to_their_lead():
    graph = random_graph(3)
    people = graph.people.tolist()
    rows = {"lead_id": ["acme", "acme"], "person_id": [people[3], people[8]], "weight": [1, 0.5]}
    reps = {"rep_id": people[:3]}
    single = proximity(graph, reps, {"lead_id": people})
    near = proximity(graph, reps, {"lead_id": ["acme"]}, contacts=rows)
    for rep in people[:3]:
        expected = single.score(rep, people[3]) + 0.5 * single.score(rep, people[8])
        assert near.score(rep, "acme") == pytest.approx(expected, abs=1e-12)
    chain = proximity(graph, reps, {"lead_id": ["acme"]}, contacts=rows, method="introduction_path")
    one = proximity(graph, reps, {"lead_id": people}, method="introduction_path")
    for rep in people[:3]:
        expected = max(one.score(rep, people[3]), 0.5 * one.score(rep, people[8]))
        assert chain.score(rep, "acme") == pytest.approx(expected, abs=1e-12)


def test_what_is_left_out_scores_at_most_the_floor():
    graph = random_graph(5, n=40, m=160)
    people = graph.people.tolist()
    full = score_matrix(proximity(graph, {"rep_id": people}, {"lead_id": people}, top=100))
    near = proximity(graph, {"rep_id": people}, {"lead_id": people}, top=3)
    kept = score_matrix(near)
    assert (np.diff(near.starts) <= 3).all()
    left_out = np.where(kept > 0, 0, full)
    assert (left_out.max(axis=1) <= near.floor).all()
    assert ((kept == 0) | (kept == full)).all()
    lead = int(np.flatnonzero(near.floor)[0])
    missing = people[int(np.flatnonzero(left_out[lead])[0])]
    with pytest.raises(InvalidInput, match="larger top="):
        near.score(missing, people[lead])


def test_equal_scores_rank_by_the_label_of_the_rep():
    reps = [f"r{k}" for k in range(9)]
    graph = SocialGraph.from_ties({"source": reps, "target": ["hub"] * 9})
    near = proximity(graph, {"rep_id": reps[::-1]}, {"lead_id": ["hub"]}, top=4)
    assert near.to_frame()["rep_id"].tolist() == reps[:4]


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_the_mapper_cannot_change_the_scores(pool):
    graph = random_graph(7, n=200, m=900)
    people = graph.people.tolist()
    plain = proximity(graph, {"rep_id": people}, {"lead_id": people})
    with pool(2) as workers:
        mapped = proximity(graph, {"rep_id": people}, {"lead_id": people}, mapper=workers.map)
    assert mapped.to_dict() == plain.to_dict()


def test_progress_counts_the_blocks_of_reps():
    seen = []
    graph = random_graph(7, n=200, m=900)
    people = graph.people.tolist()
    proximity(
        graph,
        {"rep_id": people},
        {"lead_id": people},
        progress=lambda items: (seen.append(item) or item for item in items),
    )
    assert len(seen) == 4


def test_a_tolerance_below_what_floats_reach_is_not_converged():
    with pytest.raises(NotConverged, match="1e-18 was asked for"):
        proximity(nx.path_graph(3), {"rep_id": [0]}, {"lead_id": [2]}, method=RandomWalk(tolerance=1e-18))


def test_an_id_that_differs_only_by_type_is_refused():
    graph = SocialGraph.from_ties({"source": ["r1"], "target": [101]})
    with pytest.raises(InvalidInput) as caught:
        proximity(graph, {"rep_id": ["r1"]}, {"lead_id": ["101"]})
    assert "'101' (str), there 101 (int)" in str(caught.value)


def test_a_rep_who_looks_like_someone_in_the_graph_warns():
    graph = SocialGraph.from_ties({"source": ["Jos\u00e9"], "target": ["p1"]})
    with pytest.warns(SalesOpsWarning, match=r"Jos.*U\+0301"):
        near = proximity(graph, {"rep_id": ["Jose\u0301"]}, {"lead_id": ["p1"]})
    assert near.score("Jose\u0301", "p1") == 0.0


def test_huge_and_tiny_weights_give_finite_scores():
    graph = SocialGraph.from_ties(
        {"source": ["a", "b", "c"], "target": ["b", "c", "d"], "weight": [1e308, 1e308, 5e-324]}
    )
    near = proximity(graph, {"rep_id": ["a", "d"]}, {"lead_id": ["b", "c"]})
    assert np.isfinite(near.scores).all()


@pytest.mark.parametrize(
    "method", ["random_walk", RandomWalk(normalisation="symmetric"), "introduction_path"]
)
def test_ties_of_a_person_that_sum_to_more_than_a_number_lose_no_connection(method):
    graph = SocialGraph.from_ties(
        {"source": ["r"] * 3, "target": ["a", "b", "c"], "weight": [1e308, 1, 1e308]}
    )
    reps, leads = {"rep_id": ["r"], "capacity": [3]}, {"lead_id": ["a", "b", "c"]}
    near = proximity(graph, reps, leads, method=method)
    assert near.score("r", "a") == near.score("r", "c") > 0.1
    router = assign(reps, leads, near).router(people=near)
    assert router.route({"lead_id": "new", "ties": {"a": 1.0}}).lead_id == "new"


@pytest.mark.parametrize(
    "method", [ResourceAllocation(), PreferentialAttachment(), EffectiveResistance(), Katz()]
)
def test_measures_that_sum_weights_refuse_sums_beyond_a_number(method):
    graph = SocialGraph.from_ties({"source": ["r", "r"], "target": ["a", "b"], "weight": [1e308, 1e308]})
    with pytest.raises(InvalidInput, match=r"weighted.*more than a number holds.*larger unit"):
        proximity(graph, {"rep_id": ["r"]}, {"lead_id": ["a"]}, method=attrs.evolve(method, weighted=True))


def test_a_hub_with_fifty_thousand_ties_is_no_trouble():
    n = 50_000
    graph = SocialGraph.from_ties({"source": np.zeros(n, dtype=int), "target": np.arange(1, n + 1)})
    near = proximity(graph, {"rep_id": np.arange(1, 201)}, {"lead_id": np.arange(201, 20_201)}, top=8)
    assert near.n_pairs == 8 * 20_000
    assert np.isfinite(near.scores).all()


@given(st.integers(0, 10_000))
def test_renaming_people_in_order_changes_nothing(seed):
    graph = random_graph(seed, n=12, m=20)
    people = graph.people.tolist()
    renamed = graph.to_frame()
    renamed["source"] = [f"p{k:03d}" for k in renamed["source"]]
    renamed["target"] = [f"p{k:03d}" for k in renamed["target"]]
    other = SocialGraph.from_ties(renamed.sample(frac=1, random_state=seed))
    names = [f"p{k:03d}" for k in people]
    one = proximity(graph, {"rep_id": people[:3]}, {"lead_id": people})
    two = proximity(other, {"rep_id": names[:3][::-1]}, {"lead_id": names[::-1]})
    assert np.array_equal(one.scores, two.scores)


def test_domain_errors_of_options_name_them():
    with pytest.raises(InvalidInput, match=r"RandomWalk\.restart"):
        RandomWalk(restart=1.0)
    with pytest.raises(InvalidInput, match=r"max_hops"):
        IntroductionPath(max_hops=0)
    with pytest.raises(InvalidInput, match="choose one of 'random_walk', 'introduction_path'"):
        proximity(nx.path_graph(2), {"rep_id": [0]}, {"lead_id": [1]}, method="walk")


def test_results_show_themselves():
    near = proximity(nx.path_graph(3), {"rep_id": [0]}, {"lead_id": [1, 2]})
    assert repr(near) == "Proximity(1 rep, 2 leads, 2 pairs, random_walk)"
    assert "Social proximity" in near._repr_html_()
    told = near.explain(0, 2)
    assert "one contact" in repr(told)
    assert told.to_dict()["facts"]["rank"] == 1
    assert near.to_dict()["kind"] == "proximity"
