import attrs
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.territory import (
    AdamicAdar,
    Blend,
    CommonNeighbours,
    EffectiveResistance,
    Jaccard,
    Katz,
    PreferentialAttachment,
    ResourceAllocation,
    SocialGraph,
    proximity,
)
from salesops.territory._scorers import prepare

UNDIRECTED_ONLY = [
    "common_neighbours",
    "jaccard",
    "preferential_attachment",
    "adamic_adar",
    "resource_allocation",
    "effective_resistance",
]
ALL = ["random_walk", "introduction_path", "katz", *UNDIRECTED_ONLY]


def random_graph(seed, n=30, m=60, directed=False):
    rng = np.random.default_rng(seed)
    source, step = rng.integers(0, n, m), rng.integers(1, n, m)
    frame = pd.DataFrame({"source": source, "target": (source + step) % n, "weight": rng.uniform(0.1, 5, m)})
    return SocialGraph.from_ties(frame, combine="sum", directed=directed)


def all_scores(graph, method):
    """Score everybody from everybody: rows are people, columns where they are seen from."""
    people = graph.people.tolist()
    ends = {"rep_id": people}, {"lead_id": people}
    near = proximity(graph, *ends, method=method, top=len(people))
    scores = np.zeros((len(people), len(people)))
    lead = np.repeat(np.arange(near.n_leads), np.diff(near.starts))
    scores[lead, near.reps] = near.scores
    return scores, near


ORACLES = [
    (
        CommonNeighbours(direct=0),
        lambda g, p: ((u, v, len(list(nx.common_neighbors(g, u, v)))) for u, v in p),
    ),
    (Jaccard(direct=0), nx.jaccard_coefficient),
    (PreferentialAttachment(), nx.preferential_attachment),
    (AdamicAdar(direct=0), nx.adamic_adar_index),
    (ResourceAllocation(direct=0), nx.resource_allocation_index),
]


@pytest.mark.parametrize(("measure", "oracle"), ORACLES, ids=[m.kind for m, _ in ORACLES])
@pytest.mark.parametrize("seed", range(3))
def test_a_neighbour_index_is_that_of_networkx(measure, oracle, seed):
    graph = random_graph(seed)
    people = graph.people.tolist()
    scores, _ = all_scores(graph, measure)
    theirs = graph.to_networkx()
    pairs = [(u, v) for u in people for v in people if u != v]
    for u, v, expected in oracle(theirs, pairs):
        assert scores[people.index(v), people.index(u)] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("measure", [CommonNeighbours, AdamicAdar, ResourceAllocation])
def test_a_weighted_neighbour_index_is_its_formula(measure):
    graph = random_graph(4)
    weights = graph.adjacency.toarray()
    strength = weights.sum(axis=1)
    says = {
        CommonNeighbours: np.ones_like(strength),
        AdamicAdar: 1 / np.log1p(strength),
        ResourceAllocation: 1 / strength,
    }[measure]
    scores, _ = all_scores(graph, measure(weighted=True, direct=0))
    n = len(weights)
    for x in range(n):
        for y in range(n):
            if x != y:
                both = [z for z in range(n) if weights[x, z] and weights[z, y]]
                expected = sum((weights[x, z] + weights[z, y]) / 2 * says[z] for z in both)
                assert scores[y, x] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("measure", [CommonNeighbours, ResourceAllocation])
def test_unit_weights_read_as_weights_change_nothing(measure):
    graph = SocialGraph.from_networkx(nx.karate_club_graph(), weight=None)
    plain, _ = all_scores(graph, measure())
    weighted, _ = all_scores(graph, measure(weighted=True))
    assert np.allclose(plain, weighted, rtol=1e-11)


@pytest.mark.parametrize("measure", [CommonNeighbours(), Jaccard(), AdamicAdar(), ResourceAllocation()])
def test_a_direct_tie_without_common_contacts_still_counts(measure):
    graph = SocialGraph.from_ties({"source": ["ann", "ann", "bo", "bo"], "target": ["acme", "bo", "p", "q"]})
    near = proximity(graph, {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme"]}, method=measure)
    assert near.score("ann", "acme") > near.score("bo", "acme") > 0
    textbook = attrs.evolve(measure, direct=0)
    strict = proximity(graph, {"rep_id": ["ann"]}, {"lead_id": ["acme"]}, method=textbook)
    assert strict.score("ann", "acme") == 0


@pytest.mark.parametrize(
    "measure", [CommonNeighbours, Jaccard, AdamicAdar, ResourceAllocation], ids=lambda m: m.kind
)
def test_the_bonus_for_direct_ties_leaves_all_other_pairs_alone(measure):
    graph = random_graph(5)
    apart = (graph.adjacency.toarray() == 0) & ~np.eye(graph.n_people, dtype=bool)
    textbook, _ = all_scores(graph, measure(direct=0))
    ours, _ = all_scores(graph, measure(direct=3))
    assert np.array_equal(ours[apart], textbook[apart])
    assert (ours >= textbook).all()


def test_one_of_two_ties_of_a_contact_is_the_most_telling():
    """With direct=1, knowing the lead is worth one contact who knows only the two."""
    graph = SocialGraph.from_ties(
        {"source": ["a", "a", "b", "b"], "target": ["lead", "x", "z", "y"], "weight": [1, 1, 1, 1]}
    )
    wider = SocialGraph.from_ties({"source": ["b", "z"], "target": ["z", "lead"]})
    for measure in (CommonNeighbours(direct=1), AdamicAdar(direct=1), ResourceAllocation(direct=1)):
        direct = proximity(graph, {"rep_id": ["a"]}, {"lead_id": ["lead"]}, method=measure)
        through = proximity(wider, {"rep_id": ["b"]}, {"lead_id": ["lead"]}, method=measure)
        assert direct.score("a", "lead") == pytest.approx(through.score("b", "lead"), rel=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("beta", [None, 0.01])
def test_katz_agrees_with_a_dense_solve_within_its_certificate(weighted, directed, beta):
    graph = random_graph(1, directed=directed)
    matrix = graph.adjacency.toarray()
    matrix = matrix if weighted else (matrix > 0).astype(float)
    measure = Katz(beta=beta, weighted=weighted, tolerance=1e-11)
    used = prepare(measure, graph.adjacency, directed).beta
    radius = np.abs(np.linalg.eigvals(matrix)).max()
    assert used * radius < 1
    exact = (np.linalg.inv(np.eye(len(matrix)) - used * matrix) - np.eye(len(matrix))).T
    scores, near = all_scores(graph, measure)
    has_ties = graph.adjacency.sum(axis=1) > 0
    wrong = np.abs(scores - exact).sum(axis=0)[has_ties]
    rounding = 1e-11 * exact.sum(axis=0)[has_ties]
    assert (wrong <= near.error[has_ties] + rounding).all()
    assert (near.error[has_ties] <= 2e-11 * exact.sum(axis=0)[has_ties]).all()


def test_a_beta_beyond_convergence_is_refused_with_the_largest_that_is_certain():
    graph = nx.complete_graph(11)
    with pytest.raises(
        InvalidInput, match=r"Katz\.beta.*largest eigenvalue.*\(0\.1\).*choose a beta below 0\.099"
    ):
        proximity(graph, {"rep_id": [0]}, {"lead_id": [1]}, method=Katz(beta=0.1))
    assert proximity(graph, {"rep_id": [0]}, {"lead_id": [1]}, method=Katz(beta=0.099)).score(0, 1) > 0


def test_katz_on_a_line_without_cycles_takes_any_beta():
    graph = SocialGraph.from_ties({"source": ["a", "b"], "target": ["b", "c"]}, directed=True)
    near = proximity(graph, {"rep_id": ["a"]}, {"lead_id": ["b", "c"]}, method=Katz(beta=3.0))
    assert (near.score("a", "b"), near.score("a", "c")) == (3.0, 9.0)


@pytest.mark.parametrize("weighted", [False, True])
def test_resistance_is_that_of_networkx_within_its_certificate(weighted):
    given = nx.karate_club_graph()
    graph = SocialGraph.from_networkx(given)
    scores, near = all_scores(graph, EffectiveResistance(weighted=weighted))
    theirs = nx.resistance_distance(given, weight="weight" if weighted else None, invert_weight=False)
    for u in given:
        for v in given:
            assert scores[v, u] == pytest.approx(1 / (1 + theirs[u][v]), abs=1e-12)
    assert near.error.max() < 1e-8


def test_resistance_between_islands_scores_zero_and_inside_each_as_if_alone():
    island = random_graph(3, n=12, m=30)
    moved = island.to_frame()
    both = pd.concat([moved, moved.assign(source=moved["source"] + 100, target=moved["target"] + 100)])
    graph = SocialGraph.from_ties(both)
    scores, _ = all_scores(graph, EffectiveResistance())
    alone, _ = all_scores(island, EffectiveResistance())
    n = island.n_people
    assert np.allclose(scores[:n, :n], alone, atol=1e-12)
    assert np.allclose(scores[n:, n:], alone, atol=1e-12)
    assert not scores[:n, n:].any()


def test_sketched_resistance_ranks_the_reps_of_a_lead_as_the_exact_one_does():
    graph = SocialGraph.from_networkx(nx.connected_watts_strogatz_graph(300, 6, 0.2, seed=1))
    exact, _ = all_scores(graph, EffectiveResistance())
    sketched, near = all_scores(graph, EffectiveResistance(exact_up_to=10, sketch=400))
    assert np.isinf(near.error).all()
    assert near.to_dict()["error"][0] is None
    off = np.abs((1 / sketched - 1) - (1 / exact - 1)) / np.maximum(1 / exact - 1, 1e-12)
    assert off.max() < 0.3
    for lead in range(0, 300, 20):
        reps = np.arange(300) != lead
        order = np.argsort(-exact[lead, reps], kind="stable")
        steps = np.diff(sketched[lead, reps][order])
        assert steps.max() <= 1e-6


@pytest.mark.parametrize("method", UNDIRECTED_ONLY)
def test_a_measure_without_meaning_in_a_directed_graph_is_refused(method):
    graph = SocialGraph.from_ties({"source": ["a"], "target": ["b"]}, directed=True)
    with pytest.raises(InvalidInput, match=r"no meaning in a directed graph.*'random_walk'"):
        proximity(graph, {"rep_id": ["a"]}, {"lead_id": ["b"]}, method=method)


@pytest.mark.parametrize("method", ALL)
def test_nobody_is_near_someone_without_ties(method):
    graph = nx.Graph([("a", "b"), ("b", "c")])
    graph.add_node("alone")
    near = proximity(graph, {"rep_id": ["a", "alone"]}, {"lead_id": ["c", "alone", "outside"]}, method=method)
    for rep, lead in (("a", "alone"), ("alone", "c"), ("a", "outside")):
        assert near.score(rep, lead) == 0


@pytest.mark.parametrize("method", ALL)
def test_an_empty_graph_and_empty_tables_give_no_pairs(method):
    graph = SocialGraph.from_ties({"source": [], "target": []})
    near = proximity(graph, {"rep_id": ["a"]}, {"lead_id": ["b"]}, method=method)
    assert near.n_pairs == 0
    ties = SocialGraph.from_ties({"source": ["a"], "target": ["b"]})
    assert proximity(ties, {"rep_id": []}, {"lead_id": ["b"]}, method=method).n_pairs == 0


@pytest.mark.parametrize("method", [m for m in ALL if m != "preferential_attachment"])
def test_nobody_is_nearer_to_a_lead_than_the_rep_who_is_that_lead(method):
    graph = random_graph(6, n=15, m=60)
    scores, _ = all_scores(graph, method)
    own = scores.diagonal()
    connected = graph.adjacency.sum(axis=1) > 0
    if method in ("random_walk", "katz"):
        assert (own[connected] > 0).all()
    else:
        assert (own[connected] >= scores[connected].max(axis=1)).all()


@pytest.mark.parametrize("method", ALL)
@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_neither_new_names_nor_the_order_of_rows_change_a_score(method, seed):
    graph = random_graph(seed, n=12, m=22)
    people = graph.people.tolist()
    moved = graph.to_frame().sample(frac=1, random_state=seed)
    renamed = SocialGraph.from_ties(
        moved.assign(**{end: [f"p{k:03d}" for k in moved[end]] for end in ("source", "target")})
    )
    one, _ = all_scores(graph, method)
    two, _ = all_scores(renamed, method)
    assert len(people) == renamed.n_people
    assert np.array_equal(one, two)


def test_contacts_roll_up_by_the_rule_of_the_measure():
    graph = random_graph(3)
    people = graph.people.tolist()
    rows = {"lead_id": ["acme", "acme"], "person_id": [people[3], people[8]], "weight": [1, 0.5]}
    for method in ALL:
        single = proximity(graph, {"rep_id": people[:3]}, {"lead_id": people}, method=method)
        near = proximity(graph, {"rep_id": people[:3]}, {"lead_id": ["acme"]}, contacts=rows, method=method)
        best = method in ("introduction_path", "jaccard", "effective_resistance")
        for rep in people[:3]:
            parts = single.score(rep, people[3]), 0.5 * single.score(rep, people[8])
            expected = max(parts) if best else sum(parts)
            assert near.score(rep, "acme") == pytest.approx(expected, rel=1e-9)


def test_a_blend_is_the_weighted_sum_of_its_measures_on_a_logarithmic_scale():
    graph = random_graph(2)
    blend = Blend(measures=["adamic_adar", "random_walk"], weights=[0.5, 2], scales=[1.5, 1e-3])
    scores, near = all_scores(graph, blend)
    one, _ = all_scores(graph, "adamic_adar")
    two, _ = all_scores(graph, "random_walk")
    expected = 0.5 * np.log2(1 + one / 1.5) + 2 * np.log2(1 + two / 1e-3)
    assert np.allclose(scores, expected, rtol=1e-9)
    assert near.to_dict()["method"]["measures"][0]["kind"] == "adamic_adar"


def test_faulty_options_name_their_field():
    graph = nx.path_graph(3)
    with pytest.raises(InvalidInput, match=r"Katz\.beta"):
        Katz(beta=-0.1)
    with pytest.raises(InvalidInput, match=r"AdamicAdar\.weighted: must be True or False \('yes'\)"):
        AdamicAdar(weighted="yes")
    with pytest.raises(InvalidInput, match=r"EffectiveResistance\.sketch"):
        EffectiveResistance(sketch=0)
    with pytest.raises(InvalidInput, match=r"did you mean 'adamic_adar'"):
        proximity(graph, {"rep_id": [0]}, {"lead_id": [1]}, method="adamic_ader")
    with pytest.raises(InvalidInput, match=r"Blend\.weights: needs one number for each measure"):
        Blend(measures=["katz", "jaccard"], weights=[1.0])
    with pytest.raises(
        InvalidInput, match=r"Blend\.measures: is not a measure to blend.*did you mean 'katz'"
    ):
        Blend(measures=["kats"])
    with pytest.raises(InvalidInput, match=r"there is nothing to blend"):
        Blend(measures=[])
    with pytest.raises(InvalidInput, match=r"a blend without weights cannot score.*learn_blend"):
        proximity(graph, {"rep_id": [0]}, {"lead_id": [1]}, method=Blend(measures=["katz"]))


def test_huge_and_tiny_weights_give_finite_scores_by_every_measure():
    graph = SocialGraph.from_ties(
        {"source": ["a", "b", "c"], "target": ["b", "c", "d"], "weight": [1e150, 1e150, 1e-150]}
    )
    for method in (*ALL, AdamicAdar(weighted=True), ResourceAllocation(weighted=True), Katz(weighted=True)):
        near = proximity(graph, {"rep_id": ["a", "d"]}, {"lead_id": ["b", "c"]}, method=method)
        assert np.isfinite(near.scores).all()


def test_a_large_graph_of_heavy_weights_is_walked_without_overflow():
    rng = np.random.default_rng(0)
    source, step = rng.integers(0, 4000, 20_000), rng.integers(1, 4000, 20_000)
    ties = {"source": source, "target": (source + step) % 4000, "weight": rng.uniform(1, 1e6, 20_000)}
    graph = SocialGraph.from_ties(ties, combine="sum")
    near = proximity(graph, {"rep_id": [1, 2]}, {"lead_id": list(range(100))})
    assert np.isfinite(near.scores).all()
