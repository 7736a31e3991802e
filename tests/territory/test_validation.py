import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.territory import Blend, Katz, RandomWalk, SocialGraph, _holdout, learn_blend, validate

KARATE = SocialGraph.from_networkx(nx.karate_club_graph(), weight=None)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 5), min_size=1, max_size=12)
)
def test_auc_counts_all_comparisons_and_equals_as_one_half(positive, negative):
    wins = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    found = _holdout.auc(np.array(positive, float), np.array(negative, float))
    assert found == pytest.approx(sum(wins) / len(wins), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=5), st.integers(1, 4))
def test_the_hit_rate_averages_over_all_orders_of_equal_scores(people, top):
    scores = np.array([[float(score)] for score, _ in people])
    right = np.array([[is_right] for _, is_right in people])
    hits = []
    for order in itertools.permutations(range(len(people))):
        best = sorted(order, key=lambda k: -scores[k, 0])[:top]
        hits.append(any(right[k, 0] for k in best))
    found = _holdout.hit_rate(scores, np.ones_like(right), right, top)
    assert found == pytest.approx(np.mean(hits), rel=1e-12)


@pytest.mark.parametrize("directed", [False, True])
def test_what_is_hidden_is_hidden_both_ways_and_nothing_else_is(directed):
    rng = np.random.default_rng(3)
    source, step = rng.integers(0, 40, 150), rng.integers(1, 40, 150)
    graph = SocialGraph.from_ties(
        {"source": source, "target": (source + step) % 40}, combine="max", directed=directed
    )
    split = _holdout.hide(graph.adjacency, 0.2, np.random.default_rng(1), None)
    pairs = np.unique(_holdout.tie_keys(graph.adjacency))
    assert len(split.hidden) == int(0.2 * len(pairs)) == len(split.others)
    before, after = graph.adjacency.toarray(), split.adjacency.toarray()
    gone = np.zeros_like(before, dtype=bool)
    gone[split.hidden.first, split.hidden.second] = gone[split.hidden.second, split.hidden.first] = True
    assert np.array_equal(after, np.where(gone, 0, before))
    assert not (before + before.T)[split.others.first, split.others.second].any()
    assert (split.others.first != split.others.second).all()


def test_a_large_sparse_graph_draws_distinct_pairs_without_a_tie():
    n = 3000
    ties = _holdout.keys(np.arange(n - 1), np.arange(1, n), n)
    found = _holdout.non_ties(np.sort(ties), n, 2000, np.random.default_rng(0), None)
    assert len(np.unique(found)) == 2000
    assert not np.isin(found, ties).any()


def test_the_scores_of_a_split_are_those_of_proximity():
    """The AUC of common neighbours, counted by networkx on the same split."""
    split = _holdout.hide(KARATE.adjacency, 0.2, np.random.default_rng(0).spawn(1)[0], None)
    seen = nx.from_scipy_sparse_array(split.adjacency)
    scores = [
        [len(list(nx.common_neighbors(seen, u, v))) for u, v in zip(some.first, some.second, strict=True)]
        for some in (split.hidden, split.others)
    ]
    wins = [(p > q) + 0.5 * (p == q) for p in scores[0] for q in scores[1]]
    found = validate(KARATE, ["common_neighbours"], share=0.2, n_splits=1, rng=np.random.default_rng(0))
    assert found.to_frame().set_index("measure").loc["common_neighbours", "auc"] == np.mean(wins)


def test_random_walk_pairs_score_both_ways():
    """Rooted PageRank of networkx from either end, added up."""
    split = _holdout.hide(KARATE.adjacency, 0.1, np.random.default_rng(5).spawn(1)[0], None)
    seen = nx.from_scipy_sparse_array(split.adjacency)
    rooted = {u: nx.pagerank(seen, personalization={u: 1}, tol=1e-13, max_iter=500) for u in seen}
    sums = [
        [rooted[u][v] + rooted[v][u] for u, v in zip(some.first, some.second, strict=True)]
        for some in (split.hidden, split.others)
    ]
    wins = [p > q for p in sums[0] for q in sums[1]]
    found = validate(KARATE, [RandomWalk(tolerance=1e-10)], n_splits=1, rng=np.random.default_rng(5))
    assert found.to_frame().set_index("measure").loc["random_walk", "auc"] == pytest.approx(np.mean(wins))


def test_chance_is_one_half_and_every_measure_gets_the_same_questions():
    one = validate(KARATE, ["katz", "jaccard"], n_splits=3, rng=7)
    two = validate(KARATE, ["jaccard"], n_splits=3, rng=7)
    by = one.to_frame().set_index("measure")["auc"]
    assert by["chance"] == 0.5
    assert by["jaccard"] == two.to_frame().set_index("measure").loc["jaccard", "auc"]


def test_reps_find_their_hidden_leads_in_a_graph_of_separate_circles():
    circles = [nx.complete_graph([f"{k}-{j}" for j in range(8)]) for k in range(6)]
    graph = nx.compose_all(circles)
    reps = {"rep_id": [f"{k}-{j}" for k in range(6) for j in range(2)]}
    leads = {"lead_id": [f"{k}-{j}" for k in range(6) for j in range(2, 8)]}
    answer = validate(graph, ["random_walk", "adamic_adar"], reps=reps, leads=leads, n_splits=4, rng=0)
    table = answer.to_frame().set_index("measure")
    assert answer.n_hidden == 7
    assert (table.loc[["random_walk", "adamic_adar"], ["auc", "hit_1"]] == 1).all().all()
    assert 0 < table.loc["chance", "hit_1"] < table.loc["chance", "hit_5"] < 1


def test_a_rep_with_a_visible_tie_to_the_lead_is_no_candidate():
    graph = SocialGraph.from_ties({"source": ["r1", "r2", "r1", "r2"], "target": ["a", "a", "b", "b"]})
    sides = _holdout.Sides(reps=np.array([2, 3]), leads=np.array([0, 1]))
    hidden = _holdout.keys(np.array([2]), np.array([0]), 4)
    split = _holdout.Split(
        adjacency=_holdout.without(graph.adjacency, hidden),
        hidden=_holdout.pairs_of(hidden, 4, sides),
        others=_holdout.pairs_of(hidden[:0], 4, sides),
    )
    leads, may, right = _holdout.candidates(split, sides)
    assert leads.tolist() == [0]
    assert may.tolist() == [[True], [False]]
    assert right.tolist() == [[True], [False]]


def test_a_split_by_date_shows_the_past_and_asks_for_the_future():
    seen = pd.DataFrame(
        {
            "source": ["a", "b", "c", "d", "a", "b", "a", "z"],
            "target": ["b", "c", "d", "e", "b", "a", "c", "a"],
            "observed_on": ["2024-01-01"] * 4 + ["2024-06-01"] * 4,
        }
    )
    answer = validate(seen, ["adamic_adar"], split_on="2024-06-01", n_splits=2, rng=0)
    assert answer.n_people == 5
    assert answer.n_hidden == 1
    assert "the new ties from 2024-06-01 on" in answer.protocol


def test_a_blend_without_weights_learns_on_what_each_split_shows():
    graph = nx.connected_watts_strogatz_graph(150, 8, 0.1, seed=2)
    blend = Blend(measures=["random_walk", "adamic_adar", "preferential_attachment"])
    table = validate(graph, {"blend": blend, "pa": "preferential_attachment"}, n_splits=2, rng=0).to_frame()
    auc = table.set_index("measure")["auc"]
    assert auc["blend"] > 0.8 > auc["pa"]


def test_the_mapper_and_the_order_of_ties_cannot_change_an_answer():
    graph = nx.connected_watts_strogatz_graph(60, 6, 0.2, seed=2)
    ties = SocialGraph.from_networkx(graph).to_frame()
    plain = validate(SocialGraph.from_ties(ties), n_splits=4, rng=1)
    with ThreadPoolExecutor(2) as pool:
        mapped = validate(
            SocialGraph.from_ties(ties.sample(frac=1, random_state=0)), n_splits=4, rng=1, mapper=pool.map
        )
    assert plain.to_dict() == mapped.to_dict()


def test_a_blend_learns_that_wins_come_by_introduction_and_not_by_popularity():
    graph = nx.connected_watts_strogatz_graph(200, 8, 0.1, seed=4)
    hops = dict(nx.all_pairs_shortest_path_length(graph, cutoff=2))
    rng = np.random.default_rng(0)
    pairs = [(int(u), int(v)) for u, v in rng.integers(0, 200, (4000, 2)) if u != v and v in hops[u]]
    pairs += [
        (int(u), int(v)) for u, v in rng.integers(0, 200, (len(pairs), 2)) if u != v and v not in hops[u]
    ]
    wins = {
        "rep_id": [u for u, _ in pairs],
        "lead_id": [v for _, v in pairs],
        "won": [v in hops[u] for u, v in pairs],
    }
    blend = learn_blend(graph, ["adamic_adar", "preferential_attachment"], wins=wins)
    assert blend.evidence.source == "past wins"
    assert blend.evidence.auc > 0.95
    assert blend.weights[0] > 5 * blend.weights[1]
    turned = {name: column[::-1] for name, column in wins.items()}
    assert blend == learn_blend(graph, ["adamic_adar", "preferential_attachment"], wins=turned)


def test_past_wins_may_name_reps_and_leads_by_their_person():
    graph = nx.connected_watts_strogatz_graph(60, 6, 0.1, seed=4)
    pairs = [(f"r{k}", f"l{(k + step) % 60}", step < 3) for k in range(60) for step in (1, 2, 20, 30)]
    rep, lead, won = zip(*pairs, strict=True)
    blend = learn_blend(
        graph,
        ["adamic_adar"],
        wins={"rep_id": rep, "lead_id": lead, "won": won},
        reps={"rep_id": [f"r{k}" for k in range(60)], "person_id": list(range(60))},
        leads={"lead_id": [f"l{k}" for k in range(60)], "person_id": list(range(60))},
    )
    assert blend.evidence.single_auc[0] > 0.9


def test_faulty_questions_are_refused_by_name():
    with pytest.raises(InvalidInput, match=r"share: must be a number between 0 and 1"):
        validate(KARATE, share=1.5)
    with pytest.raises(InvalidInput, match=r"n_splits: must be a whole number"):
        validate(KARATE, n_splits=0)
    with pytest.raises(InvalidInput, match=r"did you mean 'katz'"):
        validate(KARATE, ["kats"])
    with pytest.raises(InvalidInput, match=r"there is no measure to validate"):
        validate(KARATE, [])
    with pytest.raises(InvalidInput, match=r"name of a baseline"):
        validate(KARATE, {"chance": "katz"})
    with pytest.raises(InvalidInput, match=r"holds no dates to split on"):
        validate(KARATE, split_on="2024-01-01")
    with pytest.raises(InvalidInput, match=r"pass both reps= and leads="):
        validate(KARATE, reps={"rep_id": [1]})
    with pytest.raises(InvalidInput, match=r"leads: none of them is in the graph"):
        validate(KARATE, reps={"rep_id": [1]}, leads={"lead_id": [99]})
    with pytest.raises(InvalidInput, match=r"has no ties to find"):
        validate(nx.path_graph(2))
    with pytest.raises(InvalidInput, match=r"has no pairs without a tie"):
        validate(nx.complete_graph(12))
    seen = {"source": ["a"], "target": ["b"], "observed_on": ["2024-02-01"]}
    with pytest.raises(InvalidInput, match=r"no tie was observed before this day"):
        validate(seen, split_on="2024-01-01")


def test_faulty_wins_are_refused_by_row():
    with pytest.raises(InvalidInput, match=r"all pairs are of one kind"):
        learn_blend(KARATE, ["katz"], wins={"rep_id": [1, 2], "lead_id": [3, 4], "won": [True, True]})
    with pytest.raises(InvalidInput, match=r"wins\.won: is neither True nor False.*row 1"):
        learn_blend(KARATE, ["katz"], wins={"rep_id": [1, 2], "lead_id": [3, 4], "won": [True, "no"]})
    with pytest.raises(InvalidInput, match=r"wins\.won"):
        learn_blend(KARATE, ["katz"], wins={"rep_id": [1, 2], "lead_id": [3, 4]})
    with pytest.raises(InvalidInput, match=r"too few ties to hide"):
        learn_blend(nx.path_graph(3), ["katz"])


def test_a_validation_shows_itself():
    answer = validate(KARATE, {"short": Katz(beta=0.01), "long": "katz"}, n_splits=2, rng=0)
    assert "Validation: 2 times, 10 % of the ties" in repr(answer)
    assert "popularity" in answer._repr_html_()
    assert answer.to_frame().columns.tolist() == ["measure", "auc", "auc_sd"]
    assert len(answer.splits) == 2 * 4
    assert "a coin does in 50 %" in answer.explain()
    json.dumps(answer.to_dict(), allow_nan=False)
    assert answer.plot().get_title(loc="left") == "7 hidden ties a split"
    assert validate(KARATE, [Katz(beta=0.01), Katz()], n_splits=1, rng=0).methods.keys() > {repr(Katz())}
