"""Errors of single numbers and scores of distributions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import InvalidInput

amounts = st.lists(st.integers(-1000, 1000), min_size=1, max_size=30)


def crps_by_hand(values, actual):
    """Integrate the squared distance of the step function from the step at what came."""
    edges = sorted({*values, actual})
    total = 0.0
    for left, right in itertools.pairwise(edges):
        share = sum(v <= left for v in values) / len(values)
        total += (share - (left >= actual)) ** 2 * (right - left)
    return total


@given(values=amounts, actual=st.integers(-1500, 1500))
def test_the_score_of_values_is_the_integral_of_the_squared_distance(values, actual):
    assert forecast.crps(values, actual) == pytest.approx(crps_by_hand(values, actual), abs=1e-9)


@given(values=amounts, actual=st.integers(-1500, 1500), seed=st.integers(0, 9))
def test_the_order_of_values_changes_no_bit(values, actual, seed):
    shuffled = np.random.default_rng(seed).permutation(values)
    assert forecast.crps(values, actual) == forecast.crps(shuffled, actual)


@given(value=st.integers(-1000, 1000), actual=st.integers(-1000, 1000))
def test_the_score_of_one_number_is_its_error(value, actual):
    assert forecast.crps([value], actual) == abs(value - actual)


def test_the_normal_score_agrees_with_the_paper():
    """Gneiting and Raftery (2007), closed form."""
    assert forecast.crps_normal(0, 1, [0, 1, -2]) == pytest.approx([0.233695, 0.602441, 1.452792], abs=1e-6)
    assert forecast.crps_normal(0, 1, 0) == pytest.approx((math.sqrt(2) - 1) / math.sqrt(math.pi), abs=1e-12)


def test_values_that_stand_for_a_normal_law_score_like_it():
    from scipy.special import ndtri

    values = ndtri((np.arange(20_000) + 0.5) / 20_000)
    for actual in (0, 1, -2):
        assert forecast.crps(values, actual) == pytest.approx(forecast.crps_normal(0, 1, actual), abs=1e-6)


@given(scale=st.floats(0.1, 1e6), shift=st.floats(-1e6, 1e6))
def test_the_normal_score_scales_with_the_amounts(scale, shift):
    one = forecast.crps_normal(0.5, 2.0, 3.0)
    other = forecast.crps_normal(0.5 * scale + shift, 2.0 * scale, 3.0 * scale + shift)
    assert other == pytest.approx(one * scale, rel=1e-6)


def test_errors_of_single_numbers_by_hand():
    errors = forecast.forecast_errors([120, 80, 0, 200], [100, 100, 10, 150])
    assert (errors.wape, errors.bias) == (0.25, -0.1)
    assert math.isnan(errors.mape)
    assert dict(errors.reasons)["mape"] == "undefined: actual 0 in row 3"
    assert errors.mae == 25
    assert errors.rmse == pytest.approx(math.sqrt((400 + 400 + 100 + 2500) / 4))


def test_a_scaled_error_compares_with_repeating_the_last_value():
    errors = forecast.forecast_errors([10, 12], [11, 14], previous=[5, 9, 7])
    assert errors.mase == pytest.approx(1.5 / 3)
    still = forecast.forecast_errors([10], [11], previous=[5, 5])
    assert dict(still.reasons)["mase"] == "undefined: the previous actual amounts never change"


def test_shares_of_nothing_are_undefined_with_the_reason():
    errors = forecast.forecast_errors([0, 0], [1, 2])
    assert math.isnan(errors.wape)
    assert dict(errors.reasons)["wape"] == "undefined: the actual amounts add up to 0"
    assert dict(errors.reasons)["mape"] == "undefined: actual 0 in row 1 and 1 more row"
    assert errors.to_dict()["wape"] is None


@given(actual=st.lists(st.integers(0, 1000), min_size=1, max_size=20), level=st.floats(0.05, 0.95))
def test_the_quantile_of_what_came_has_the_least_pinball_loss(actual, level):
    best = min(forecast.pinball(actual, [value] * len(actual), level) for value in actual)
    at = float(np.quantile(actual, level, method="inverted_cdf"))
    assert forecast.pinball(actual, [at] * len(actual), level) == pytest.approx(best, abs=1e-9)


def test_coverage_counts_the_ends_of_an_interval():
    rate = forecast.interval_coverage([1, 2, 3, 4], [1, 1, 1, 1], [3, 3, 3, 3])
    assert (rate.hits, rate.n) == (3, 4)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: forecast.crps([], 1), "holds at least one number"),
        (lambda: forecast.crps([1, math.nan], 1), "row 1: nan"),
        (lambda: forecast.crps("ab", 1), "is a finite number"),
        (lambda: forecast.crps([[1], [2]], 1), "is a sequence of numbers"),
        (lambda: forecast.crps_normal(0, -1, 0), "is 0 or more"),
        (lambda: forecast.crps_normal([0, 1], [1, 1, 1], 0), "have one length"),
        (lambda: forecast.forecast_errors([1, 2], [1]), "have one length"),
        (lambda: forecast.forecast_errors([], []), "at least one number"),
        (lambda: forecast.forecast_errors([1, True], [1, "2"]), "'2'"),
        (lambda: forecast.pinball([1], [1], 1.5), "level"),
        (lambda: forecast.interval_coverage([1], [2], [0]), "at most the upper end"),
        (lambda: forecast.pit([], [1]), "have one length"),
        (lambda: forecast.reliability([0.5, 1.2], [0, 1]), "lie between 0 and 1"),
        (lambda: forecast.reliability([0.5], [2]), "are 0 or 1"),
        (lambda: forecast.reliability([0.5], [1], groups=0), "whole number"),
    ],
)
def test_what_cannot_be_scored_is_named(call, told):
    with pytest.raises(InvalidInput) as caught:
        call()
    assert told in str(caught.value)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40
    ),
    groups=st.integers(1, 12),
)
def test_reliability_loses_no_case_and_keeps_equal_probabilities_together(rows, groups):
    share, hit = zip(*rows, strict=True)
    curve = forecast.reliability(share, hit, groups=groups)
    assert curve.n.sum() == len(rows)
    assert curve.hits.sum() == sum(hit)
    assert len(curve.n) <= groups
    assert (np.diff(curve.predicted) > 0).all()
    assert curve.brier == pytest.approx(np.mean((np.array(share) - np.array(hit)) ** 2))


def test_a_reliability_curve_is_drawn_with_its_groups():
    ax = forecast.reliability([0.1, 0.9, 0.1, 0.9], [0, 1, 0, 1], groups=2).plot()
    assert ax.get_title(loc="left") == "Reliability of 4 probabilities"


@pytest.fixture(scope="module")
def cases(shared):
    yaml = pytest.importorskip("yaml")
    text = (shared / "forecast-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


def test_score_01_the_normal_law(cases):
    case = cases["score-01"]
    found = forecast.crps_normal(0, 1, case["inputs"]["observations"])
    assert found == pytest.approx(case["expected"]["crps"], abs=case["tolerance"])
    assert found[0] == pytest.approx((math.sqrt(2) - 1) / math.sqrt(math.pi), abs=case["tolerance"])


def test_score_03_errors_of_numbers(cases):
    case = cases["score-03"]
    errors = forecast.forecast_errors(case["inputs"]["actual"], case["inputs"]["forecast"])
    expected = case["expected"]
    assert errors.wape == pytest.approx(expected["wape"], abs=case["tolerance"])
    assert errors.bias == pytest.approx(expected["bias"], abs=case["tolerance"])
    assert dict(errors.reasons)["mape"] == expected["mape"]
