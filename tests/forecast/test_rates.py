"""Rates and the closed-form ratios."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import InvalidInput

CASES = {case["id"]: case for case in json.loads(Path(__file__).with_name("cases.json").read_text())}


def test_wilson_intervals_are_the_published_ones():
    case = CASES["rate-01"]
    for (wins, n), expected in zip(case["input"]["wins_of"], case["expected"]["interval"], strict=True):
        assert forecast.rate_interval(wins, n, 0.95) == pytest.approx(expected, abs=case["tolerance"])
    assert forecast.rate_interval(0, 20)[0] == 0.0
    assert forecast.rate_interval(20, 20)[1] == 1.0


def test_intervals_of_many_rates_come_as_arrays():
    lower, upper = forecast.rate_interval([81, 0, 0], [263, 20, 0])
    assert lower[:2] == pytest.approx([0.255289, 0.0], abs=1e-6)
    assert np.isnan([lower[2], upper[2]]).all()


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.01, 0.999))
def test_an_interval_contains_its_rate_and_stays_within_zero_and_one(wins, more, level):
    lower, upper = forecast.rate_interval(wins, wins + more, level)
    assert 0.0 <= lower <= wins / (wins + more) <= upper <= 1.0


def test_a_win_rate_says_what_stands_below_the_line():
    given_, expected = CASES["win-01"]["input"], CASES["win-01"]["expected"]
    for counts, key in (("excluded", "excluding_no_decision"), ("included", "including_no_decision")):
        rate = forecast.win_rate(
            given_["won"],
            given_["lost"],
            no_decision=given_["no_decision"],
            no_decision_counts=counts,
        )
        assert rate.value == float(Fraction(expected[key]))
        assert ("no decision" in rate.basis) == (counts == "included")


def test_the_treatment_of_no_decision_must_be_stated():
    with pytest.raises(InvalidInput) as caught:
        forecast.win_rate(12, 26, no_decision=9)
    assert str(caught.value) == (
        "win_rate: 1 problem\n"
        "- no_decision_counts: must be stated when opportunities ended without a decision (9); choose "
        "'excluded' "
        "(won / (won + lost)) or 'included' (won / (won + lost + no decision))"
    )


def test_a_win_rate_of_nothing_is_undefined_with_a_reason():
    rate = forecast.win_rate(0, 0)
    assert np.isnan(rate.value)
    assert rate.reason == "no closed opportunity"
    assert rate.to_dict()["value"] is None


@pytest.mark.parametrize(
    "arguments", [(5, 4), (-1, 4), (1.5, 4), ("1", 4), (True, [1, 2, 3]), (None, 1), ([1, 2], [3, 4, 5])]
)
def test_counts_that_cannot_be_are_refused(arguments):
    with pytest.raises(InvalidInput):
        forecast.rate_interval(*arguments)


def test_velocity_rounds_nothing_on_the_way():
    given_, expected = CASES["vel-01"]["input"], CASES["vel-01"]["expected"]
    deals = (given_["opportunities"], given_["average_amount"], Decimal(given_["win_rate"]))
    per_day = forecast.velocity(*deals, given_["cycle_days"])
    assert per_day == pytest.approx(expected["per_day"], abs=1e-6)
    assert per_day * given_["quarter_days"] == pytest.approx(expected["per_quarter"], abs=1e-6)
    assert forecast.velocity(*deals, 65) == pytest.approx(expected["faster_per_day"], abs=1e-6)


def test_coverage_is_compared_with_what_is_required():
    given_, expected = CASES["cov-01"]["input"], CASES["cov-01"]["expected"]
    found = forecast.coverage(
        given_["open_pipeline"], given_["remaining_quota"], Fraction(given_["win_rate"])
    )
    for name, figure in (("ratio", "coverage"), ("required", "required"), ("share", "share")):
        assert getattr(found, name) == pytest.approx(float(Fraction(expected[figure])), abs=1e-9)
    assert found.expected == expected["expected"]


def test_a_quota_of_zero_leaves_coverage_undefined():
    found = forecast.coverage(100, 0, 0)
    assert found.reason == "no quota remains and the win rate is 0"
    assert np.isnan([found.ratio, found.required, found.share]).all()


def test_open_deals_are_arrivals_times_time_open():
    given_ = CASES["little-01"]["input"]
    found = forecast.throughput(given_["arrivals_per_week"], given_["mean_weeks_in_pipeline"])
    assert found == CASES["little-01"]["expected"]["open_deals"]


def test_retention_from_sums():
    given_ = CASES["nrr-01"]["input"]
    found = forecast.Retention.from_flows(
        given_["starting"],
        expansion=given_["expansion"],
        contraction=given_["contraction"],
        churn=given_["churn"],
    )
    assert (found.grr, found.nrr) == (0.85, 1.03)


def test_retention_from_balances_leaves_new_accounts_out():
    case = CASES["nrr-03"]
    found = forecast.retention(case["input"]["start"], case["input"]["end"])
    for name, figure in case["expected"].items():
        assert getattr(found, name) == pytest.approx(float(Fraction(figure)), abs=1e-12)


def test_the_worth_of_an_account():
    given_, expected = CASES["ltv-01"]["input"], CASES["ltv-01"]["expected"]
    found = forecast.unit_economics(
        given_["arpa_month"],
        Decimal(given_["gross_margin"]),
        Decimal(given_["churn_month"]),
        given_["cac"],
    )
    for name, figure in expected.items():
        assert getattr(found, name) == pytest.approx(float(Fraction(figure)), abs=1e-9)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "1", True, None, 10**400])
def test_an_amount_that_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidInput, match="open_pipeline"):
        forecast.coverage(wrong, 1, 0.5)
