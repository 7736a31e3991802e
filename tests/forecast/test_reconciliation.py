"""Reconciliation: against the dense formula, a peer, and what must add up."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import InvalidInput
from salesops.forecast._hierarchy import read_hierarchy
from salesops.forecast._projection import Projection, Weights, shrinkage

KIDS = {"Total": ["A", "B"], "A": ["AA", "AB", "AC"], "B": ["BA", "BB"]}
NODES = ["Total", "A", "B", "AA", "AB", "AC", "BA", "BB"]
BASE = dict(zip(NODES, [110.0, 50.0, 56.0, 20.0, 17.0, 10.0, 30.0, 22.0], strict=True))
S = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 1, 1], *np.eye(5).tolist()])
WEIGHTED = ("ols", "wls_structural", "wls_variance", "mint_shrink")


def residuals(n=30, seed=0):
    errors = np.random.default_rng(seed).normal(size=(n, 8)) + 0.3
    errors[:, 0] += errors[:, 3:].sum(axis=1)
    return pd.DataFrame(errors, columns=NODES)


def values_of(made, nodes=NODES):
    return made.to_frame().set_index("node_id")["reconciled"].reindex(nodes).to_numpy()


def shrunk(past):
    """The covariance and its intensity by definition, pair by pair."""
    z = (past - past.mean(axis=0)) / past.std(axis=0, ddof=1)
    n, over, under = len(past), 0.0, 0.0
    for i in range(past.shape[1]):
        for j in range(past.shape[1]):
            if i != j:
                w = z[:, i] * z[:, j]
                over += ((w - w.mean()) ** 2).sum() * n / (n - 1) ** 3
                under += (w.sum() / (n - 1)) ** 2
    intensity = min(1.0, over / under)
    cov = np.cov(past.T)
    return (1 - intensity) * cov + intensity * np.diag(np.diag(cov)), intensity


def weights_of(method, past):
    return {
        "ols": np.eye(8),
        "wls_structural": np.diag(S.sum(axis=1)),
        "wls_variance": np.diag((past**2).mean(axis=0)),
        "mint_shrink": shrunk(past)[0],
    }[method]


def gain(weights):
    """S (S' W^-1 S)^-1 S' W^-1, as printed."""
    inverse = np.linalg.inv(weights)
    return S @ np.linalg.inv(S.T @ inverse @ S) @ S.T @ inverse


@pytest.mark.parametrize("method", WEIGHTED)
@pytest.mark.parametrize("n", [5, 30])
def test_forecasts_and_variances_are_those_of_the_dense_formula(method, n):
    past = residuals(n)
    made = forecast.reconcile(BASE, KIDS, method=method, residuals=past)
    p = gain(weights_of(method, past.to_numpy()))
    assert values_of(made) == pytest.approx(p @ np.array(list(BASE.values())), rel=1e-10)
    variance = np.diag(p @ shrunk(past.to_numpy())[0] @ p.T)
    sd = made.to_frame().set_index("node_id")["sd"].reindex(NODES)
    assert sd.to_numpy() == pytest.approx(np.sqrt(variance), rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_the_intensity_of_shrinkage_is_its_double_sum(seed):
    past = residuals(12, seed).to_numpy()
    assert shrinkage(past) == pytest.approx(shrunk(past)[1], rel=1e-12)


def test_given_variances_go_through_the_same_map():
    variance = dict(zip(NODES, [9.0, 4, 4, 1, 1, 2, 2, 3], strict=True))
    made = forecast.reconcile(BASE, KIDS, method="wls_variance", variances=variance)
    w = np.diag(list(variance.values()))
    expected = np.diag(gain(w) @ w @ gain(w).T)
    sd = made.to_frame().set_index("node_id")["sd"].reindex(NODES)
    assert sd.to_numpy() ** 2 == pytest.approx(expected, rel=1e-10)
    assert (sd.to_numpy() ** 2 <= np.array(list(variance.values())) + 1e-12).all()


def test_the_variances_of_bottom_up_are_sums_of_leaves():
    variance = dict(zip(NODES, [9.0, 4, 4, 1, 1, 2, 2, 3], strict=True))
    made = forecast.reconcile(BASE, KIDS, method="bottom_up", variances=variance)
    sd = made.to_frame().set_index("node_id")["sd"].reindex(NODES)
    assert sd.to_numpy() ** 2 == pytest.approx([9, 4, 5, 1, 1, 2, 2, 3])


def test_figures_of_a_peer_computed_once():
    """hierarchicalforecast 1.5.3 on these residuals (its ridge of 2e-8 moves the eighth digit)."""
    past = residuals()
    found = {m: values_of(forecast.reconcile(BASE, KIDS, method=m, residuals=past))[:3] for m in WEIGHTED}
    assert found["ols"] == pytest.approx([107.48275862, 51.13793103, 56.34482759], abs=1e-7)
    assert found["wls_structural"] == pytest.approx([105, 50, 55], abs=1e-7)
    assert found["mint_shrink"] == pytest.approx([105.36574302, 49.90763023, 55.45811279], abs=1e-7)


@pytest.mark.parametrize(
    ("method", "theirs"),
    [
        ("ols", "ols"),
        ("wls_structural", "wls_struct"),
        ("wls_variance", "wls_var"),
        ("mint_shrink", "mint_shrink"),
    ],
)
def test_a_peer_in_the_same_run_agrees(method, theirs):
    peer = pytest.importorskip("hierarchicalforecast.methods", reason="hierarchicalforecast is not installed")
    past = residuals()
    base = np.array(list(BASE.values()))[:, None]
    seen = np.random.default_rng(1).normal(50, 5, (8, 30))
    answer = peer.MinTrace(method=theirs).fit_predict(
        S=S, y_hat=base, y_insample=seen, y_hat_insample=seen - past.to_numpy().T
    )
    made = forecast.reconcile(BASE, KIDS, method=method, residuals=past)
    assert values_of(made) == pytest.approx(np.asarray(answer["mean"])[:, 0], abs=1e-7)


def test_coherent_forecasts_stay_as_they_are():
    base = {**BASE, "A": 47.0, "B": 52.0, "Total": 99.0}
    for method in ("bottom_up", "top_down", *WEIGHTED):
        made = forecast.reconcile(base, KIDS, method=method, residuals=residuals())
        assert values_of(made) == pytest.approx(list(base.values()), rel=1e-12)


def test_top_down_keeps_the_total_and_the_proportions():
    made = forecast.reconcile(BASE, KIDS, method="top_down")
    assert made.value("Total") == 110
    assert made.value("AA") / made.value("AB") == pytest.approx(20 / 17)
    assert made.value("A") / made.value("B") == pytest.approx(50 / 56)


trees = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.just(n), st.lists(st.integers(1, 5), min_size=n, max_size=n), st.integers(0, 2**32 - 1)
    )
)


def random_tree(n, sizes, seed):
    kids = {"all": [f"g{k}" for k in range(n)]}
    for k, size in enumerate(sizes):
        kids[f"g{k}"] = [f"g{k}l{j}" for j in range(size)]
    nodes = ["all", *kids["all"], *(leaf for k in range(n) for leaf in kids[f"g{k}"])]
    return kids, nodes, np.random.default_rng(seed)


@settings(max_examples=60)
@given(trees, st.sampled_from(["ols", "wls_structural"]))
def test_parents_equal_their_children_to_the_bit_and_to_the_cent(tree, method):
    kids, nodes, rng = random_tree(*tree)
    base = dict(zip(nodes, rng.normal(1000, 800, len(nodes)).tolist(), strict=True))
    made = forecast.reconcile(base, kids, method=method, currency="USD")
    frame = made.to_frame().set_index("node_id")
    for top, below in kids.items():
        parts = frame.loc[sorted(below)]
        assert frame.loc[top, "amount"] == parts["amount"].sum()
        assert frame.loc[top, "reconciled"] == pytest.approx(parts["reconciled"].sum(), rel=1e-12)
    assert (frame["amount"] - 100 * frame["reconciled"]).abs().max() < 1 + 1e-6


@settings(max_examples=40)
@given(trees)
def test_without_negative_leaves_nothing_is_nearer(tree):
    from scipy.optimize import nnls

    kids, nodes, rng = random_tree(*tree)
    base = dict(zip(nodes, rng.normal(1, 4, len(nodes)).tolist(), strict=True))
    made = forecast.reconcile(base, kids, method="wls_structural", non_negative=True)
    leaves = [node for node in nodes if node not in kids]
    table = np.array(
        [
            [float(leaf == node or leaf.startswith(f"{node}l") or node == "all") for leaf in leaves]
            for node in nodes
        ]
    )
    root = 1 / np.sqrt(table.sum(axis=1))
    best, _ = nnls(table * root[:, None], np.array(list(base.values())) * root)
    assert values_of(made, leaves) == pytest.approx(best, abs=1e-8)
    assert (values_of(made, leaves) >= 0).all()


def test_a_summing_matrix_may_group_leaves_twice():
    matrix = pd.DataFrame(
        [
            [1, 1, 1, 1],
            [1, 1, 0, 0],
            [0, 0, 1, 1],
            [1, 0, 1, 0],
            [0, 1, 0, 1],
            *np.eye(4, dtype=int).tolist(),
        ],
        index=["all", "north", "south", "x", "y", "nx", "ny", "sx", "sy"],
        columns=["nx", "ny", "sx", "sy"],
    )
    base = pd.Series([100.0, 40, 50, 70, 40, 20, 15, 30, 25], index=matrix.index)
    made = forecast.reconcile(base, matrix, method="ols", currency="EUR")
    dense = matrix.to_numpy(dtype=float)
    expected = dense @ np.linalg.lstsq(dense, base.to_numpy(), rcond=None)[0]
    assert values_of(made, list(matrix.index)) == pytest.approx(expected)
    amount = made.to_frame().set_index("node_id")["amount"]
    assert (dense.astype(int) @ amount[matrix.columns].to_numpy() == amount[matrix.index].to_numpy()).all()
    with pytest.raises(InvalidInput, match="top_down needs a tree"):
        forecast.reconcile(base, matrix, method="top_down")


def test_level_columns_are_a_hierarchy():
    frame = pd.DataFrame(
        {
            "region": [None, "north", "south", "north", "north", "south"],
            "rep": [None, None, None, "anna", "bo", "anna"],
            "value": [110.0, 50, 56, 30, 22, 50],
        }
    )
    made = forecast.reconcile(frame, ["region", "rep"], method="ols")
    plain = forecast.reconcile(
        {"t": 110.0, "n": 50, "s": 56, "na": 30, "nb": 22, "sa": 50},
        {"t": ["n", "s"], "n": ["na", "nb"], "s": ["sa"]},
        method="ols",
    )
    assert made.value(()) == pytest.approx(plain.value("t"))
    assert made.value(("south", "anna")) == pytest.approx(plain.value("sa"))
    assert list(made.to_frame().columns[:2]) == ["region", "rep"]


def test_several_periods_are_reconciled_each_alone():
    rows = [
        {"node_id": node, "period": period, "value": value * (1 + (period == "Q2"))}
        for node, value in BASE.items()
        for period in ("Q2", "Q1")
    ]
    made = forecast.reconcile(rows, KIDS, method="ols")
    one = forecast.reconcile(BASE, KIDS, method="ols")
    assert made.periods == ("Q1", "Q2")
    for node in NODES:
        assert made.value(node, "Q1") == pytest.approx(one.value(node))
        assert made.value(node, "Q2") == pytest.approx(2 * one.value(node))


@given(st.permutations(range(8)))
def test_the_order_of_rows_changes_nothing(order):
    rows = [{"node_id": node, "value": BASE[node]} for node in NODES]
    tree = [{"node_id": "Total", "parent_id": None}]
    tree += [{"node_id": kid, "parent_id": top} for top, kids in KIDS.items() for kid in kids]
    one = forecast.reconcile(rows, tree).to_frame()
    other = forecast.reconcile([rows[k] for k in order], [tree[k] for k in order]).to_frame()
    pd.testing.assert_frame_equal(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("base", "hierarchy", "told"),
    [
        ({"t": 1, "a": 1}, {"t": ["a", "b"]}, "nodes of the hierarchy have no value ('b')"),
        ({"t": 1, "a": 1, "B": 1}, {"t": ["a", "b"]}, "did you mean 'b'"),
        ({"t": 1, "a": float("nan")}, {"t": ["a"]}, "nan"),
        ({"t": 1, "a": 1}, {"t": ["a"], "a": ["t"]}, "a node is part of itself"),
        ({"t": 1, "a": 1}, {"t": ["a", "a"]}, "names a child twice"),
        ({"t": [1, 2], "a": 1}, {"t": ["a"]}, "as many forecasts for every node"),
        ({"t": "1", "a": 1}, {"t": ["a"]}, "text is never converted"),
    ],
)
def test_what_is_no_hierarchy_or_no_forecast_is_named(base, hierarchy, told):
    with pytest.raises(InvalidInput) as caught:
        forecast.reconcile(base, hierarchy)
    assert told in str(caught.value)


def test_methods_that_need_errors_say_so():
    for method in ("wls_variance", "mint_shrink"):
        with pytest.raises(InvalidInput, match="pass residuals="):
            forecast.reconcile(BASE, KIDS, method=method)
    with pytest.raises(InvalidInput, match="have no value"):
        forecast.reconcile(BASE, KIDS, method="mint_shrink", residuals=residuals().drop(columns="A"))


def test_series_that_never_err_are_trusted_without_breaking():
    past = residuals()
    past["AA"] = 0.0
    made = forecast.reconcile(BASE, KIDS, method="mint_shrink", residuals=past)
    assert made.value("AA") == pytest.approx(20, abs=1e-5)


def test_input_stays_and_results_are_json_and_html():
    past = residuals()
    before = past.copy()
    made = forecast.reconcile(BASE, KIDS, method="mint_shrink", residuals=past, currency="USD")
    pd.testing.assert_frame_equal(past, before)
    json.dumps(made.to_dict())
    made._repr_html_()
    assert "shrinkage" in made.explain("Total")


def deep_tree(rng, n=60):
    """A tree of any shape, nodes in any order."""
    up = [-1, *(int(rng.integers(0, k)) for k in range(1, n))]
    names = rng.permutation(n).tolist()
    kids = {}
    for k in range(1, n):
        kids.setdefault(names[up[k]], []).append(names[k])
    return kids, names


@pytest.mark.parametrize("method", ["ols", "wls_structural", "wls_variance"])
@pytest.mark.parametrize("seed", range(3))
def test_the_passes_over_a_tree_give_what_the_sparse_solver_gives(method, seed):
    rng = np.random.default_rng(seed)
    kids, names = deep_tree(rng)
    base = {name: rng.normal(50, 30, 3).tolist() for name in names}
    variances = {name: float(np.exp(rng.normal(0, 3))) for name in names}
    made = forecast.reconcile(
        base, kids, method=method, variances=variances if method == "wls_variance" else None
    )
    found = read_hierarchy(kids)
    y = np.array([base[label] for label in found.labels])
    w = {
        "ols": np.ones(len(names)),
        "wls_structural": found.counts(),
        "wls_variance": np.array([variances[label] for label in found.labels]),
    }[method]
    solved = Projection(found.constraints(), Weights(w)).coherent(y)[0]
    assert np.abs(made.values - solved).max() <= 1e-11 * np.abs(y).max()


def test_a_faulty_cell_of_a_mapping_is_named_with_its_node():
    with pytest.raises(InvalidInput) as caught:
        forecast.reconcile({"total": 100, "north": None, "south": "x"}, {"total": ["north", "south"]})
    assert [problem.path.split(".")[0] for problem in caught.value.problems] == [
        "base['north']",
        "base['south']",
    ]


def test_ten_thousand_nodes_of_a_mapping_are_read_as_one_column():
    kids = {"total": [f"n{k}" for k in range(10_000)]}
    base = {"total": 5.0, **dict.fromkeys(kids["total"], 1.0)}
    began = time.process_time()
    forecast.reconcile(base, kids)
    assert time.process_time() - began < 2.0
