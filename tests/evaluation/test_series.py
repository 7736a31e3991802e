"""Control charts, change points and interrupted series."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import evaluation
from salesops.errors import InvalidInput
from salesops.evaluation import _regression
from salesops.evaluation._partition import partition

NIST = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_the_published_chart_of_individuals():
    chart = evaluation.control_chart(NIST)
    assert chart.center == pytest.approx(50.81)
    assert chart.mean_moving_range == pytest.approx(1.877778, abs=1e-6)
    assert chart.ucl == pytest.approx(55.8041, abs=1e-3)
    assert chart.lcl == pytest.approx(45.8159, abs=1e-3)
    assert chart.signals == ()


BASE = [1.0, -1.0] * 20  # mean 0, mean moving range 2, sigma 1.773


@pytest.mark.parametrize(
    ("rule", "tail", "stretch"),
    [
        ("beyond limits", [6.0], (0, 0)),
        ("two of three", [4.0, 0.5, 4.0], (0, 2)),
        ("two of three", [4.0, -4.0, -4.0], (1, 2)),
        ("four of five", [2.0, 2.0, 0.5, 2.0, 2.0], (0, 4)),
        ("eight on one side", [0.5, 0.4] * 4, (0, 7)),
        ("nine on one side", [0.5, 0.4] * 4 + [0.3], (0, 8)),
        ("six in a trend", [-2.0, -1.5, 0.1, 0.2, 0.3, 0.4], (0, 5)),
        ("fourteen alternating", [1.1, -1.1] * 7, (-14, 13)),
        ("fifteen close", [0.1, -0.1, 0.2] * 5, (0, 14)),
        ("eight far", [2.0, -2.0] * 4, (0, 7)),
    ],
)
def test_each_rule_points_at_its_stretch(rule, tail, stretch):
    base = BASE if rule != "fourteen alternating" else [1.0, 1.0, -1.0, -1.0] * 10
    chart = evaluation.control_chart([*base, *tail], rules=[rule], baseline=40)
    found = [(s.first - 40, s.last - 40) for s in chart.signals if s.last >= 40]
    if rule == "fourteen alternating":
        assert [last for _, last in found] == [13]
    elif rule == "fifteen close":
        assert found[-1][1] == 14
    else:
        assert stretch in found


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.floats(-50, 50), st.floats(0.1, 9))
def test_another_unit_changes_no_signal_of_the_limits(values, shift, scale):
    plain = evaluation.control_chart(np.round(values, 3), rules=["beyond limits"])
    moved = evaluation.control_chart(np.round(values, 3) * 8.0, rules=["beyond limits"])
    assert [(s.first, s.last) for s in plain.signals] == [(s.first, s.last) for s in moved.signals]


def test_a_turned_over_series_gives_the_same_signals():
    rng = np.random.default_rng(2)
    values = rng.normal(size=200).cumsum() / 3 + rng.normal(size=200)
    there = evaluation.control_chart(values, rules="nelson").signals
    back = evaluation.control_chart(-values, rules="nelson").signals
    assert sorted((s.rule, s.first, s.last) for s in there) == sorted((s.rule, s.first, s.last) for s in back)


def test_rows_are_put_in_the_order_of_their_days():
    rows = pd.DataFrame({"on": pd.date_range("2024-01-01", periods=10, freq="MS"), "value": NIST})
    there = evaluation.control_chart(rows)
    assert evaluation.control_chart(rows.sample(frac=1, random_state=1)) == there
    assert evaluation.control_chart(rows.set_index("on")["value"]) == there
    assert there.to_frame()["period"].tolist()[0].isoformat() == "2024-01-01"


def test_a_constant_series_has_no_signals():
    assert evaluation.control_chart([3.0] * 30, rules="nelson").signals == ()


def test_faults_of_a_series_are_named_with_their_rows():
    rows = [
        {"on": "2024-01-01", "value": 1},
        {"on": "2024-01-01", "value": None},
        {"on": "2024-03-01", "value": "7"},
    ]
    with pytest.raises(InvalidInput) as caught:
        evaluation.control_chart(rows)
    assert str(caught.value) == (
        "series: 3 problems\n"
        "- series.value: is not a number; must be a finite number (row 2 ('2024-03-01'): '7');"
        " leave out periods without a figure, and ones that have not matured\n"
        "- series.value: must be a finite number (row 1 ('2024-01-01'): None);"
        " leave out periods without a figure, and ones that have not matured\n"
        "- series.on: a period has one figure (row 1: '2024-01-01'); sum or average it first"
    )


@pytest.mark.parametrize(
    ("verb", "data", "options"),
    [
        ("control_chart", [1.0], {}),
        ("control_chart", [1.0, 2.0], {"rules": "shewhart"}),
        ("control_chart", [1.0, 2.0], {"rules": ["beyond"]}),
        ("control_chart", [1.0, 2.0], {"baseline": 3}),
        ("change_points", [1.0, 2.0], {"penalty": 0}),
        ("change_points", [1.0, 2.0], {"min_length": 0}),
        ("change_points", [1.0, float("nan")], {}),
        ("interrupted_series", [1.0] * 9, {"changed_on": 1}),
        ("interrupted_series", [1.0] * 9, {"changed_on": "2024-01-01"}),
        ("interrupted_series", [1.0] * 9, {"changed_on": 4, "errors": "hac"}),
        ("interrupted_series", [1.0] * 5, {"changed_on": 3}),
    ],
)
def test_what_cannot_be_meant_is_refused(verb, data, options):
    with pytest.raises(InvalidInput):
        getattr(evaluation, verb)(data, **options)


def cost(values, starts, penalty):
    ends = [*starts[1:], len(values)]
    squares = sum(((values[a:b] - values[a:b].mean()) ** 2).sum() for a, b in zip(starts, ends, strict=True))
    return squares + penalty * (len(starts) - 1)


@given(
    st.lists(st.integers(-6, 6), min_size=2, max_size=9),
    st.sampled_from([0.5, 2.0, 5.0]),
    st.integers(1, 3),
)
def test_the_partition_is_the_best_of_all(values, penalty, min_length):
    values = np.array(values, dtype=float)
    n = len(values)
    if n < 2 * min_length:
        return
    choices = [
        [0, *inner]
        for size in range(n)
        for inner in itertools.combinations(range(1, n), size)
        if all(b - a >= min_length for a, b in itertools.pairwise([0, *inner, n]))
    ]
    best = min(cost(values, starts, penalty) for starts in choices)
    assert cost(values, [0, *partition(values, penalty, min_length)], penalty) == pytest.approx(best)


def test_a_step_is_found_where_it_is():
    rng = np.random.default_rng(1)
    values = np.r_[rng.normal(0, 1, 40), rng.normal(4, 1, 30), rng.normal(1, 1, 30)]
    found = evaluation.change_points(values)
    assert found.starts == (0, 40, 70)
    assert "changed twice" in found.explain()


def test_steady_series_show_a_change_in_three_to_seven_of_a_hundred():
    rng = np.random.default_rng(2)
    alarms = sum(len(evaluation.change_points(rng.normal(size=40)).changes) > 0 for _ in range(500))
    assert 15 <= alarms <= 35


def autoregressive(rng, n, rho):
    errors, values = rng.normal(size=n + 50), np.zeros(n + 50)
    for t in range(1, n + 50):
        values[t] = rho * values[t - 1] + errors[t]
    return values[50:]


@pytest.mark.parametrize(("rho", "n_series"), [(0.0, 40), (0.5, 40)])
def test_series_with_memory_raise_few_false_alarms(rho, n_series):
    rng = np.random.default_rng(3)
    alarms = sum(
        evaluation.interrupted_series(autoregressive(rng, 30, rho), changed_on=15).effect.p_value < 0.05
        for _ in range(n_series)
    )
    assert alarms <= 4


def test_independent_errors_are_ordinary_least_squares():
    rng = np.random.default_rng(4)
    values = rng.normal(size=20) + np.arange(20) / 4
    found = evaluation.interrupted_series(values, changed_on=12, errors="independent")
    x = _regression.segments(20, 12)
    b, rss, _, _ = np.linalg.lstsq(x, values, rcond=None)
    error = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * rss[0] / 16)
    assert [t.estimate for t in found.terms[:4]] == pytest.approx(b.tolist())
    assert [t.standard_error for t in found.terms[:4]] == pytest.approx(error.tolist())


def test_at_a_known_autocorrelation_the_fit_is_generalised_least_squares():
    rng = np.random.default_rng(6)
    values, x = autoregressive(rng, 25, 0.6), _regression.segments(25, 10)
    rho, _, found, spread = _regression.autoregressive(values, x)
    k = 150
    inverse = np.linalg.inv(rho[k] ** np.abs(np.subtract.outer(np.arange(25), np.arange(25))))
    root = np.linalg.inv(x.T @ inverse @ x)
    b = root @ x.T @ inverse @ values
    left = values - x @ b
    assert found[k] == pytest.approx(b)
    assert spread[k] == pytest.approx(root * (left @ inverse @ left) / 21)


def test_a_step_in_a_dated_series_is_seen_and_told():
    rng = np.random.default_rng(7)
    on = pd.date_range("2022-01-01", periods=36, freq="MS")
    value = 20 + autoregressive(rng, 36, 0.3) + 8.0 * (on >= "2023-07-01")
    found = evaluation.interrupted_series(pd.DataFrame({"on": on, "value": value}), changed_on="2023-07-01")
    assert found.change == 18
    assert found.effect.lower > 0
    assert "Since 2023-07-01" in found.explain()
    json.dumps(found.to_dict(), allow_nan=False)
    assert "<table>" in found._repr_html_()


def test_a_perfect_line_has_no_p_value_and_no_crash():
    found = evaluation.interrupted_series([1.0, 2, 3, 4, 6, 7, 8, 9], changed_on=4)
    assert found.effect.estimate == pytest.approx(1.0)
    json.dumps(found.to_dict(), allow_nan=False)


def test_pictures_are_drawn_for_labels_of_any_kind():
    weeks = pd.Series(NIST, index=[f"W{k}" for k in range(10)])
    assert evaluation.control_chart(weeks, rules="nelson").plot() is not None
    assert evaluation.change_points(weeks).plot() is not None
    assert evaluation.interrupted_series(weeks, changed_on=5).plot() is not None


@pytest.mark.parametrize("errors", ["autoregressive", "newey_west", "independent"])
@pytest.mark.parametrize(("rise", "told"), [(0.0, "0 above"), (4.0, "4 above"), (-4.0, "4 below")])
def test_a_series_exactly_on_its_lines_has_no_interval_and_is_not_called_chance(errors, rise, told):
    found = evaluation.interrupted_series([5.0] * 6 + [5.0 + rise] * 6, changed_on=6, errors=errors)
    assert found.effect.estimate == pytest.approx(rise, abs=0 if not rise else 1e-9)
    unknown = [found.effect.standard_error, found.effect.lower, found.effect.upper, found.effect.p_value]
    assert np.isnan([*unknown, found.smallest_visible]).all()
    assert told in found.explain()
    assert "no interval" in found.explain()
    assert "chance (p=" not in found.explain()
    assert repr(found) == (
        f"InterruptedSeries(average effect {rise:+g}, no interval: all values lie exactly on the lines)"
    )
    assert found.to_dict()["terms"][-1]["p_value"] is None
    assert found._repr_html_()


@pytest.mark.parametrize(
    "verb",
    [
        evaluation.control_chart,
        evaluation.change_points,
        lambda values: evaluation.interrupted_series(values, changed_on=6),
    ],
)
def test_values_whose_squares_are_no_numbers_are_refused_by_row(verb):
    with pytest.raises(InvalidInput, match="too large to be squared") as caught:
        verb([1.0, 1e308, -1e308] * 4)
    assert tuple(caught.value.problems[0].rows) == (1, 2, 4, 5, 7, 8, 10, 11)
