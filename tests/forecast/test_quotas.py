"""Quotas: exact sums at every node and period, bounds, bottom-up, coverage, fairness and reach."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import Infeasible, InvalidInput
from salesops.forecast import _quota_kernels as kernels


def tree_of(n_teams, n_reps, weights=None):
    rows = [{"node_id": "all", "parent_id": None}]
    rows += [{"node_id": f"t{t}", "parent_id": "all"} for t in range(n_teams)]
    rows += [
        {
            "node_id": f"r{k:04d}",
            "parent_id": f"t{k % n_teams}",
            "weight": 1 if weights is None else weights[k],
        }
        for k in range(n_reps)
    ]
    frame = pd.DataFrame(rows)
    return frame if weights is not None else frame.drop(columns="weight")


def by_hand(total, weights):
    """Largest remainder in fractions, ties to the first."""
    exact = [Fraction(total) * Fraction(w) / sum(map(Fraction, weights)) for w in weights]
    parts = [int(x) for x in exact]
    order = sorted(range(len(parts)), key=lambda k: (-(exact[k] - parts[k]), k))
    for k in order[: total - sum(parts)]:
        parts[k] += 1
    return parts


def test_four_thousand_reps_sum_to_the_cent():
    plan = forecast.quotas("1000000.10", tree_of(40, 4000))
    reps = plan.to_frame().query("is_rep")
    assert len(reps) == 4000
    assert reps["amount"].sum() == 100_000_010
    assert set(reps["amount"]) == {25_000, 25_001}


@given(st.integers(1, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=12))
def test_a_split_is_the_largest_remainder_in_fractions(total, weights):
    owner = np.zeros(len(weights), dtype=np.int64)
    parts = kernels.largest_remainder(np.array([total]), np.array(weights), owner)
    assert parts.tolist() == by_hand(total, weights)


@given(
    st.lists(st.integers(0, 4 * 10**18), min_size=1, max_size=5),
    st.integers(0, 10**12),
    st.integers(1, 10**16),
)
def test_products_beyond_64_bits_are_divided_exactly(amounts, times, under):
    a = np.array([x for x in amounts if x * times // under < 4 * 10**18] or [0])
    got = kernels.times_over(a, np.full(len(a), times), np.full(len(a), under))
    assert [(int(q), int(r)) for q, r in zip(*got, strict=True)] == [divmod(int(x) * times, under) for x in a]


@given(st.data())
def test_bounded_parts_keep_bounds_and_total_and_no_one_could_be_nearer_its_share(data):
    n = data.draw(st.integers(1, 6))
    weights = data.draw(st.lists(st.integers(1, 50), min_size=n, max_size=n))
    low = data.draw(st.lists(st.integers(0, 40), min_size=n, max_size=n))
    high = [x + data.draw(st.integers(0, 60)) for x in low]
    total = data.draw(st.integers(sum(low), sum(high)))
    owner = np.zeros(n, dtype=np.int64)
    parts = kernels.bounded_split(np.array([total]), np.array(weights), owner, np.array(low), np.array(high))
    assert parts.sum() == total
    assert (parts >= low).all()
    assert (parts <= high).all()
    # Water-filling: one level for all, within one unit, unless a bound holds.
    for i in range(n):
        for j in range(n):
            if parts[i] > low[i] + 1 and parts[j] < high[j] - 1:
                assert (parts[i] - 1) / weights[i] <= (parts[j] + 2) / weights[j] + 1


def assert_sums(plan):
    frame = plan.to_frame()
    amount = dict(zip(frame["node_id"], frame["amount"], strict=True))
    children = frame.dropna(subset="parent_id").groupby("parent_id")["amount"].sum()
    for node, total in children.items():
        k = list(plan.labels).index(node)
        due = Fraction(amount[node] * (10**6 + int(plan.over[k])), 10**6)
        assert total == int(due + Fraction(1, 2))
    return amount


def assert_periods(plan):
    cells = plan.by_period().pivot_table(index="node_id", columns="period", values="amount", aggfunc="sum")
    cells = cells[list(plan.period_names)]
    frame = plan.to_frame().set_index("node_id")
    assert (cells.sum(axis=1) == frame["amount"].reindex(cells.index)).all()
    assert (cells.to_numpy() >= 0).all()
    for node, part in frame.dropna(subset="parent_id").groupby("parent_id"):
        below = cells.loc[part.index].sum()
        if part["amount"].sum() == frame.loc[node, "amount"]:
            assert (below == cells.loc[node]).all()
        else:
            assert (below >= cells.loc[node]).all()


@given(
    st.integers(1, 10**9),
    st.lists(st.integers(1, 1000), min_size=3, max_size=25),
    st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any),
    st.sampled_from([0, "0.05", "0.1", "0.333333"]),
)
def test_every_node_and_every_period_adds_up(total, weights, season, over):
    tree = tree_of(2, len(weights), weights)
    over = 0 if over == 0 else Decimal(over)
    seasonality = {f"P{k}": w for k, w in enumerate(season)}
    try:
        plan = forecast.quotas(Decimal(total) / 100, tree, over_assignment=over, seasonality=seasonality)
    except InvalidInput as error:
        assert "gets a quota of 0" in str(error)  # noqa: PT017  (a target of few cents)
        return
    assert_sums(plan)
    assert_periods(plan)


@given(st.permutations(range(13)))
def test_the_order_of_rows_changes_nothing(order):
    tree = tree_of(2, 10, [3, 1, 4, 1, 5, 9, 2, 6, 5, 3])
    season = {"Q1": 1, "Q2": 2}
    one = forecast.quotas("99.99", tree, seasonality=season)
    other = forecast.quotas("99.99", tree.iloc[list(order)], seasonality=season)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
    pd.testing.assert_frame_equal(one.by_period(), other.by_period())


def test_a_period_cell_stays_within_two_units_of_its_share():
    rng = np.random.default_rng(5)
    tree = tree_of(5, 200, rng.integers(1, 1000, 200).tolist())
    season = dict(zip("abcdefghijkl", [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], strict=True))
    plan = forecast.quotas("12345678.91", tree, seasonality=season)
    assert_periods(plan)
    share = np.array(list(season.values())) / sum(season.values())
    assert np.abs(plan.cells - plan.amount[:, None] * share).max() < 4
    assert (
        np.abs(
            plan.cells[1:]
            - plan.amount[1:, None] * (plan.cells[plan.parent[1:]] / plan.amount[plan.parent[1:]][:, None])
        ).max()
        <= 2
    )


def test_bounds_and_locks_hold_and_the_rest_takes_the_difference():
    tree = [
        {"node_id": "all"},
        {"node_id": "a", "parent_id": "all", "weight": 5, "maximum": "40"},
        {"node_id": "b", "parent_id": "all", "weight": 3, "locked": "10"},
        {"node_id": "c", "parent_id": "all", "weight": 1, "minimum": "25"},
        {"node_id": "d", "parent_id": "all", "weight": 1},
    ]
    frame = forecast.quotas(100, tree).to_frame().set_index("node_id")
    assert frame["amount"].to_dict() == {"all": 10_000, "a": 4000, "b": 1000, "c": 2500, "d": 2500}
    assert frame["state"].to_dict() == {
        "all": "",
        "a": "at its maximum",
        "b": "locked",
        "c": "at its minimum",
        "d": "",
    }


def test_bounds_of_reps_are_seen_from_above():
    tree = [
        {"node_id": "all"},
        {"node_id": "x", "parent_id": "all"},
        {"node_id": "y", "parent_id": "all"},
        {"node_id": "a", "parent_id": "x", "minimum": "70"},
        {"node_id": "b", "parent_id": "y"},
    ]
    frame = forecast.quotas(100, tree, over_assignment=[0, 0.4]).to_frame().set_index("node_id")
    assert frame["amount"].to_dict() == {"all": 10_000, "x": 5000, "y": 5000, "a": 7000, "b": 7000}
    frame = forecast.quotas(100, tree).to_frame().set_index("node_id")
    assert frame["amount"].to_dict() == {"all": 10_000, "x": 7000, "y": 3000, "a": 7000, "b": 3000}


def test_bounds_that_contradict_each_other_name_the_node():
    tree = [
        {"node_id": "all"},
        {"node_id": "x", "parent_id": "all", "maximum": "50"},
        {"node_id": "a", "parent_id": "x", "minimum": "30"},
        {"node_id": "b", "parent_id": "x", "minimum": "30"},
    ]
    with pytest.raises(Infeasible) as caught:
        forecast.quotas(100, tree)
    assert str(caught.value) == (
        "quotas: bounds and locks contradict each other\n"
        "- tree: the bounds at and below a node exclude each other ('x', at least 60.00, at most 50.00); "
        "lower a minimum, raise a maximum, or free a locked quota"
    )


def test_a_target_that_bounds_do_not_allow_says_by_how_much():
    tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all", "maximum": "90"}]
    with pytest.raises(Infeasible, match=r"most 90.00, off by 10.00"):
        forecast.quotas(100, tree)


def test_columns_blend_as_shares_among_siblings():
    tree = [
        {"node_id": "all"},
        {"node_id": "a", "parent_id": "all", "potential": 3, "history": 100},
        {"node_id": "b", "parent_id": "all", "potential": 1, "history": 300},
    ]
    plan = forecast.quotas(1000, tree, shares={"potential": 3, "history": 1})
    assert plan.to_frame()["amount"].tolist() == [100_000, 62_500, 37_500]


def test_a_team_may_state_its_own_potential():
    tree = [
        {"node_id": "all"},
        {"node_id": "x", "parent_id": "all", "potential": 1},
        {"node_id": "y", "parent_id": "all", "potential": 3},
        *({"node_id": f"x{k}", "parent_id": "x", "potential": 10} for k in range(2)),
        {"node_id": "y0", "parent_id": "y", "potential": 1},
    ]
    frame = forecast.quotas(100, tree, shares="potential").to_frame().set_index("node_id")
    assert frame["amount"].to_dict() == {
        "all": 10_000,
        "x": 2500,
        "y": 7500,
        "x0": 1250,
        "x1": 1250,
        "y0": 7500,
    }


def test_bottom_up_sums_what_reps_bring_and_tells_the_gap():
    tree = [
        {"node_id": "all"},
        {"node_id": "x", "parent_id": "all"},
        {"node_id": "a", "parent_id": "x", "amount": "10.01"},
        {"node_id": "b", "parent_id": "all", "amount": "20.02"},
    ]
    plan = forecast.quotas("31", tree, method="bottom_up")
    assert plan.to_frame()["amount"].tolist() == [3003, 2002, 1001, 1001]
    assert plan.gap == 97
    assert plan.coverage().is_covered


def test_yen_have_no_cents():
    plan = forecast.quotas(100, tree_of(1, 3), currency="JPY")
    assert plan.to_frame()["amount"].tolist() == [100, 100, 34, 33, 33]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "has no node"),
        (
            [{"node_id": "a", "parent_id": "b"}, {"node_id": "b", "parent_id": "a"}],
            "no node is without a parent",
        ),
        ([{"node_id": "a"}, {"node_id": "b"}], "more than one node has no parent"),
        ([{"node_id": "a"}, {"node_id": "b", "parent_id": "A"}], "did you mean 'a'"),
        (
            [{"node_id": 0}, {"node_id": 1, "parent_id": 2}, {"node_id": 2, "parent_id": 1}],
            "the node is its own ancestor (row 1 (1): 2, row 2 (2): 1)",
        ),
        ([{"node_id": "a"}, {"node_id": "a", "parent_id": "a"}], "stands in more than one row"),
        ([{"node_id": "a"}, {"node_id": "b", "parent_id": "a", "weight": -1}], "-1"),
        ([{"node_id": "a"}, {"node_id": "b", "parent_id": "a", "minimum": "1.005"}], "1.005"),
        (
            [{"node_id": "a"}, {"node_id": "b", "parent_id": "a", "minimum": "5", "maximum": "4"}],
            "above the maximum",
        ),
    ],
)
def test_a_tree_that_is_none_is_refused_by_name(rows, told):
    with pytest.raises(InvalidInput) as caught:
        forecast.quotas("10", rows)
    assert told in str(caught.value)


@pytest.mark.parametrize("target", [0, "-5000.00", 1000.1, None, "1e6", True])
def test_a_target_that_is_no_amount_above_zero_is_refused(target):
    with pytest.raises(InvalidInput, match="target"):
        forecast.quotas(target, tree_of(1, 2))


def test_a_quota_of_zero_is_named_unless_it_is_locked():
    tree = [
        {"node_id": "all"},
        {"node_id": "a", "parent_id": "all", "weight": 1},
        {"node_id": "b", "parent_id": "all", "weight": 0},
    ]
    with pytest.raises(InvalidInput) as caught:
        forecast.quotas(100, tree)
    assert str(caught.value) == (
        "quotas: 1 problem\n- tree.node_id: gets a quota of 0, of which no attainment can be reckoned "
        "(row 2: 'b'); give it a weight above 0, or lock it at 0"
    )
    tree[2]["locked"] = "0"
    assert forecast.quotas(100, tree).to_frame()["amount"].tolist() == [10_000, 10_000, 0]


def test_coverage_names_who_has_none_and_which_parent_falls_short():
    tree = tree_of(2, 6).assign(amount=["100", "50", "50", "20", "20", "20", "20", None, "0"])
    found = forecast.quota_coverage(tree)
    assert not found.is_covered
    assert found.without_quota() == ["r0004", "r0005"]
    assert found.to_frame()["status"].tolist() == ["equal", "under", "under"]
    assert found.to_frame()["difference"].tolist() == [0, -1000, -1000]


def test_the_coverage_of_a_plan_is_what_a_plain_walk_finds():
    plan = forecast.quotas("1000000.10", tree_of(7, 100), over_assignment=[0.03, 0.1])
    frame = plan.to_frame()
    plain = {
        node: frame.loc[frame["parent_id"] == node, "amount"].sum()
        for node in frame.loc[~frame["is_rep"], "node_id"]
    }
    found = plan.coverage().to_frame()
    assert dict(zip(found["node_id"], found["children"], strict=True)) == plain
    assert set(found["status"]) == {"over"}
    tree = frame.assign(amount=[str(Decimal(x) / 100) for x in frame["amount"]])[
        ["node_id", "parent_id", "amount"]
    ]
    pd.testing.assert_frame_equal(forecast.quota_coverage(tree).to_frame(), found)


def test_fairness_is_perfect_by_the_column_that_was_split_by():
    tree = tree_of(3, 30, [*range(1, 31)])
    fair = forecast.quotas("46500", tree).fairness("weight")
    assert fair["gini"].max() < 1e-12
    tree = tree.assign(potential=[None] * 4 + [*range(30, 0, -1)])
    odd = forecast.quotas("46500", tree).fairness()
    ratios = np.array([*range(1, 31)]) * 100 / np.arange(30, 0, -1)
    gini = np.abs(ratios[:, None] - ratios).sum() / (2 * 30 * ratios.sum())
    assert odd["gini"].tolist()[-1] == pytest.approx(gini)


def test_reach_counts_who_has_done_it_before():
    tree = [{"node_id": "all"}, *({"node_id": k, "parent_id": "all"} for k in "abc")]
    plan = forecast.quotas(300, tree)
    past = [{"rep_id": "a", "amount": 300}, {"rep_id": "a", "amount": 300}]
    past += [{"rep_id": "b", "amount": 10}, {"rep_id": "b", "amount": 10}]
    found = plan.reach(past)
    assert found.to_frame()["probability"].tolist()[:2] == [1, 0]
    assert np.isnan(found.to_frame()["probability"].tolist()[2])
    assert (found.expected, found.n, found.share) == (1, 2, 0.5)
    with pytest.raises(InvalidInput, match="'d'"):
        plan.reach([{"rep_id": "d", "amount": 1}])
    with pytest.raises(InvalidInput, match="no rep has two results"):
        plan.reach([{"rep_id": "a", "amount": 1}])


def test_the_chance_of_reach_is_calibrated_on_reps_who_scatter_alike():
    rng = np.random.default_rng(7)
    n, spans = 400, 5
    skill = rng.lognormal(0, 0.3, n)
    results = skill[:, None] * rng.gamma(9, 1 / 9, (n, spans + 1))
    past = pd.DataFrame(
        {"rep_id": np.repeat(np.arange(n), spans), "amount": results[:, :spans].ravel() * 1000}
    )
    tree = [{"node_id": "all"}, *({"node_id": k, "parent_id": "all"} for k in range(n))]
    found = forecast.quotas(n * 1000, tree).reach(past)
    reached = (results[:, spans] * 1000 >= 1000).sum()
    assert abs(found.expected - reached) < 3 * np.sqrt(n) / 2


def test_input_stays_and_results_are_json_and_html():
    tree = tree_of(2, 4)
    before = tree.copy()
    plan = forecast.quotas(
        "10.01",
        tree.assign(node_id=tree["node_id"] + "<b>", parent_id=tree["parent_id"] + "<b>"),
        seasonality={"H1": 1, "H2": 1},
    )
    pd.testing.assert_frame_equal(tree, before)
    json.dumps(plan.to_dict())
    assert "<b>" not in plan._repr_html_()
    json.dumps(plan.coverage().to_dict())


def test_coverage_is_shown_in_whole_currency_and_says_which():
    tree = [{"node_id": "all", "amount": "12345.50"}, {"node_id": "a", "parent_id": "all", "amount": "13000"}]
    shown = forecast.quota_coverage(tree)._repr_html_()
    for part in ("amounts in", "USD", "12,345.50", "13,000.00", "654.50", "5.3 %"):
        assert part in shown
    assert "1234550" not in shown
