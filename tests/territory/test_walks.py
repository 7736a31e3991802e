"""The walk on arrays: its order, spectrum, certificate, and independence of blocks."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import InvalidInput
from salesops.territory import (
    RandomWalk,
    SocialGraph,
    _chunks,
    _compiled,
    _order,
    _products,
    _walks,
    proximity,
)

PROXIMITY = import_module("salesops.territory.proximity")


@pytest.fixture(scope="module")
def world():
    """People enough to take the way of large graphs: own order, own spectrum, resting distribution."""
    made = datasets.make_territory(n_leads=2_500, n_reps=40, n_ties=20_000, rng=3)
    return SocialGraph.from_ties(made.ties), made


def exact(adjacency, starts, restart=0.15, power=0.0):
    """Solve the scaled walk densely: step W scaled by the degrees to the powers 1 - power and power."""
    weights = adjacency.toarray()
    total = weights.sum(axis=1)
    step = weights * total[:, None] ** -power * total[None, :] ** (power - 1)
    right = np.zeros((len(weights), len(starts)))
    right[starts, np.arange(len(starts))] = restart
    return np.linalg.solve(np.eye(len(weights)) - (1 - restart) * step, right)


def in_label_order(ready, scores):
    return scores[ready.place]


@pytest.mark.parametrize(("scale", "norm"), [(0.0, 1), (0.5, 2), (1.0, np.inf)])
def test_a_large_walk_is_within_its_certificate(world, scale, norm):
    adjacency = world[0].adjacency
    ready = _walks.make_ready(adjacency, restart=0.15, undirected=True, scale=scale)
    assert ready.resting is not None
    assert not np.array_equal(ready.place, np.arange(len(ready.place)))
    starts = np.array([0, 7, 500, 1200])
    scores, error = _walks.walk(ready, ready.place[starts], 1e-6)
    apart = in_label_order(ready, scores) - exact(adjacency, starts, power=scale)
    assert (np.linalg.norm(apart, ord=norm, axis=0) <= error).all()
    assert (error <= 1e-6).all()


@pytest.fixture
def in_single_precision(monkeypatch):
    monkeypatch.setattr(_walks, "_WORTH_SINGLE", 0)


@pytest.mark.usefixtures("in_single_precision")
def test_a_walk_in_single_precision_is_within_its_certificate_in_double(world):
    adjacency = world[0].adjacency
    ready = _walks.make_ready(adjacency, restart=0.15, undirected=True)
    starts = np.array([0, 7, 500, 1200])
    scores, error = _walks.walk(ready, ready.place[starts], 1e-6)
    assert scores.dtype == np.float32
    apart = in_label_order(ready, scores) - exact(adjacency, starts)
    assert (np.abs(apart).sum(axis=0) <= error).all()
    assert (error <= 1e-6).all()


@pytest.mark.usefixtures("in_single_precision")
def test_a_finer_tolerance_walks_in_double_precision(world):
    ready = _walks.make_ready(world[0].adjacency, restart=0.15, undirected=True)
    scores, error = _walks.walk(ready, np.array([3]), 1e-9)
    assert scores.dtype == np.float64
    assert (error <= 1e-9).all()


@pytest.mark.usefixtures("in_single_precision")
@pytest.mark.parametrize("plain_steps", [1, 6])
def test_columns_that_need_more_in_single_precision_do_not_touch_the_others(world, monkeypatch, plain_steps):
    monkeypatch.setattr(_walks, "_PLAIN_STEPS", plain_steps)
    ready = _walks.make_ready(world[0].adjacency, restart=0.15, undirected=True)
    starts = np.arange(64)
    scores, error = _walks.walk(ready, starts, 5e-7)
    assert (error <= 5e-7).all()
    for one in (slice(0, 1), slice(20, 27), slice(63, 64)):
        own, own_error = _walks.walk(ready, starts[one], 5e-7)
        assert np.array_equal(own, scores[:, one])
        assert np.array_equal(own_error, error[one])


@pytest.mark.parametrize("width", [1, 2, 3, 7, 16])
def test_a_column_does_not_depend_on_the_others_in_its_block(world, width):
    ready = _walks.make_ready(world[0].adjacency, restart=0.15, undirected=True)
    starts = np.arange(64)
    scores, error = _walks.walk(ready, starts, 2e-7)
    own, own_error = _walks.walk(ready, starts[:width], 2e-7)
    assert np.array_equal(own, scores[:, :width])
    assert np.array_equal(own_error, error[:width])


def test_a_few_reps_score_what_they_score_among_many(world):
    graph, made = world
    many = proximity(graph, made.reps, made.leads, top=40).to_frame().set_index(["rep_id", "lead_id"])
    few = proximity(graph, made.reps.iloc[[31, 4]], made.leads).to_frame().set_index(["rep_id", "lead_id"])
    assert (few["score"] == many.loc[few.index, "score"]).all()


@settings(max_examples=5)
@given(st.sampled_from([1, 8, 16, 32]))
def test_the_width_of_blocks_changes_nothing(width):
    graph = SocialGraph.from_networkx(nx.gnp_random_graph(60, 0.08, seed=5))
    people = {"rep_id": graph.people.tolist()}, {"lead_id": graph.people.tolist()}
    plain = proximity(graph, *people, top=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PROXIMITY, "_BLOCK", width)
        cut = proximity(graph, *people, top=5)
    assert cut.to_dict() == plain.to_dict()


def test_threads_and_row_order_change_nothing(world, monkeypatch):
    graph, made = world
    plain = proximity(graph, made.reps, made.leads, mapper=lambda *items: map(*items))
    monkeypatch.setattr(PROXIMITY, "_WORTH_THREADS", 0)
    monkeypatch.setattr(PROXIMITY, "_BLOCK", 8)
    ties = made.ties.sample(frac=1, random_state=1)
    shuffled = proximity(SocialGraph.from_ties(ties), made.reps[::-1], made.leads[::-1])
    with ThreadPoolExecutor(3) as pool:
        mapped = proximity(graph, made.reps, made.leads, mapper=pool.map)
    assert shuffled.to_dict() == mapped.to_dict() == plain.to_dict()


@pytest.mark.usefixtures("in_single_precision")
def test_one_wide_walk_on_all_processors_equals_narrow_ones_side_by_side(world, monkeypatch):
    graph, made = world
    monkeypatch.setattr(_chunks, "_LENGTH", 300)
    wide = proximity(graph, made.reps, made.leads, top=8)
    monkeypatch.setattr(PROXIMITY, "_BLOCK", 8)
    narrow = proximity(graph, made.reps, made.leads, top=8)
    with ThreadPoolExecutor(3) as pool:
        mapped = proximity(graph, made.reps, made.leads, top=8, mapper=pool.map)
    assert wide.to_dict() == narrow.to_dict() == mapped.to_dict()


@pytest.mark.usefixtures("in_single_precision")
def test_a_progress_bar_that_skips_a_walk_is_named(world):
    graph, made = world
    with pytest.raises(InvalidInput, match="one answer for each item"):
        proximity(graph, made.reps, made.leads, progress=lambda blocks: itertools.islice(blocks, 0))


def test_people_in_another_order_score_the_same(world, monkeypatch):
    graph, made = world
    plain = proximity(graph, made.reps, made.leads, top=8)
    monkeypatch.setattr(_walks, "community_order", lambda adjacency, total: np.argsort(total, kind="stable"))
    other = proximity(graph, made.reps, made.leads, top=8)
    assert np.array_equal(other.reps, plain.reps)
    assert other.scores == pytest.approx(plain.scores, rel=1e-11)


def test_without_the_routine_behind_scipy_the_public_product_gives_the_same(world, monkeypatch):
    graph, made = world
    plain = proximity(graph, made.reps, made.leads, top=8)
    monkeypatch.setattr(_products, "_ADD", None)
    other = proximity(graph, made.reps, made.leads, top=8)
    assert np.array_equal(other.reps, plain.reps)
    assert other.scores == pytest.approx(plain.scores, rel=1e-11)


def test_a_product_is_added_whatever_the_layout_of_the_block():
    rng = np.random.default_rng(0)
    matrix = SocialGraph.from_networkx(nx.path_graph(9)).adjacency
    block = np.asfortranarray(rng.random((9, 4)))
    out = np.asfortranarray(rng.random((9, 4)))
    expected = out + matrix @ block
    assert np.allclose(_products.add_product(matrix, block, out), expected)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("worth_single", [0, 1 << 30])
def test_the_compiled_product_changes_no_bit(world, monkeypatch, directed, worth_single):
    pytest.importorskip("numba")
    monkeypatch.setattr(_walks, "_WORTH_SINGLE", worth_single)
    made = world[1]
    graph = SocialGraph.from_ties(made.ties, directed=directed)
    monkeypatch.setattr(_compiled, "is_installed", lambda: False)
    plain = proximity(graph, made.reps, made.leads, top=8)
    monkeypatch.setattr(_compiled, "is_installed", lambda: True)
    monkeypatch.setattr(_products, "_WORTH_COMPILING", 0)
    assert proximity(graph, made.reps, made.leads, top=8).to_dict() == plain.to_dict()


def test_islands_score_exactly_zero_in_a_large_graph(world):
    ties = world[1].ties
    both = pd.concat([ties, ties.assign(source=ties["source"] + 10_000, target=ties["target"] + 10_000)])
    graph = SocialGraph.from_ties(both)
    here, there = {"rep_id": [0, 1, 2]}, {"lead_id": [int(k) for k in graph.people if k >= 10_000]}
    assert proximity(graph, here, there).n_pairs == 0
    assert proximity(graph, here, {"lead_id": world[1].leads["lead_id"]}).n_pairs == 3 * 2_500


def test_a_large_bipartite_graph_is_certified_too():
    rng = np.random.default_rng(2)
    ties = pd.DataFrame({"source": rng.integers(0, 1500, 30_000), "target": rng.integers(2000, 3500, 30_000)})
    graph = SocialGraph.from_ties(ties, combine="sum")
    near = proximity(graph, {"rep_id": [0, 1, 2000]}, {"lead_id": graph.people.tolist()})
    assert (near.error <= 1e-6).all()


def test_a_large_ring_whose_spectrum_has_no_gap_is_certified_too():
    n = 20_000
    graph = SocialGraph.from_ties({"source": np.arange(n), "target": (np.arange(n) + 1) % n})
    near = proximity(graph, {"rep_id": [0, 1]}, {"lead_id": [1, 5, n - 1, n // 2]})
    assert (near.error <= 1e-6).all()
    assert near.score(0, 1) == near.score(0, n - 1)
    assert near.score(0, n // 2) == 0.0


def test_equal_positions_score_equal_in_a_large_graph(world):
    ties = world[1].ties
    twins = pd.DataFrame({"source": np.arange(90_000, 90_040), "target": 17, "weight": 1.5})
    graph = SocialGraph.from_ties(pd.concat([ties, twins]))
    near = proximity(graph, {"rep_id": twins["source"]}, world[1].leads, top=40)
    scores = near.scores.reshape(-1, 40)
    assert (scores == scores[:, :1]).mean() > 0.999


def test_the_normalisations_are_one_walk_scaled(world):
    graph, made = world
    total = pd.Series(graph.adjacency.sum(axis=1), index=graph.people)
    frames = {
        name: proximity(graph, made.reps, made.leads, top=40, method=RandomWalk(normalisation=name))
        .to_frame()
        .set_index(["rep_id", "lead_id"])["score"]
        for name in ("out", "symmetric", "in")
    }
    out = frames["out"]
    rep = total[out.index.get_level_values(0)].to_numpy()
    lead = total[out.index.get_level_values(1)].to_numpy()
    for name, power in (("symmetric", 0.5), ("in", 1.0)):
        expected = out * (rep / lead) ** power
        assert np.allclose(frames[name].reindex(out.index), expected, atol=2e-6, rtol=1e-4)


def test_a_symmetric_walk_gives_both_ends_the_same_score(world):
    graph, _ = world
    people = [0, 5, 9, 100, 2000]
    near = proximity(
        graph, {"rep_id": people}, {"lead_id": people}, method=RandomWalk(normalisation="symmetric")
    )
    for one in people:
        for other in people:
            assert near.score(one, other) == pytest.approx(near.score(other, one), abs=2e-6)


def test_directed_ties_have_one_normalisation():
    graph = SocialGraph.from_ties({"source": ["a"], "target": ["b"]}, directed=True)
    with pytest.raises(InvalidInput, match="needs ties that hold both ways"):
        proximity(graph, {"rep_id": ["a"]}, {"lead_id": ["b"]}, method=RandomWalk(normalisation="in"))
    with pytest.raises(InvalidInput, match="choose one of 'out', 'symmetric', 'in'"):
        RandomWalk(normalisation="both")


def test_communities_stand_together_in_the_order(world):
    graph, made = world
    where = pd.concat([made.reps["community"], made.leads["community"]], ignore_index=True)
    total = np.asarray(graph.adjacency.sum(axis=1))
    order = _order.community_order(graph.adjacency, total)
    assert np.array_equal(np.sort(order), np.arange(graph.n_people))
    community = where[graph.people.to_numpy()].to_numpy()
    apart = (np.diff(community[order]) != 0).mean()
    assert apart < 0.5 * (np.diff(community) != 0).mean()
