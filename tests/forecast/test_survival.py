"""How long deals take and how they end."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import InvalidInput, SalesOpsWarning
from salesops.forecast import _kernels
from tests.forecast import oracle

CASES = {case["id"]: case for case in json.loads(Path(__file__).with_name("cases.json").read_text())}

DEALS = st.lists(
    st.tuples(st.integers(0, 15), st.sampled_from(["won", "lost", None])), min_size=1, max_size=40
)


def value(text):
    return float(Fraction(text)) if isinstance(text, str) else text


def test_kaplan_meier_gives_the_published_remission_curve():
    case = CASES["km-01"]
    curve = forecast.kaplan_meier(case["input"]["durations"], case["input"]["event"])
    for age, expected in case["expected"]["survival_at"].items():
        assert curve.at(float(age))["survival"][0] == pytest.approx(expected, abs=case["tolerance"])
    assert curve.median == case["expected"]["median"]


def test_log_rank_gives_the_published_chi_square():
    case = CASES["logrank-01"]
    a, b = case["input"]["durations_a"], case["input"]["durations_b"]
    result = forecast.log_rank(a + b, case["input"]["event_a"] + [1] * 21, ["6-MP"] * 21 + ["placebo"] * 21)
    assert result.chi2 == pytest.approx(case["expected"]["chi2"], abs=case["tolerance"])
    assert result.p_value == pytest.approx(case["expected"]["p_value"], abs=1e-9)


def test_two_groups_give_the_published_medians_and_their_difference():
    case = CASES["km-03"]
    durations, observed, groups = [], [], []
    for name, rows in case["input"]["time_events_censored"].items():
        for time, events, censored in rows:
            durations += [time] * (events + censored)
            observed += [1] * events + [0] * censored
            groups += [name] * (events + censored)
    whole = forecast.kaplan_meier(durations, observed)
    assert whole.median == case["expected"]["median_all"]
    for age, expected in case["expected"]["survival_all_at"].items():
        assert whole.at(float(age))["survival"][0] == pytest.approx(expected, abs=case["tolerance"])
    mine = np.array(groups) == "control"
    control = forecast.kaplan_meier(np.array(durations)[mine], np.array(observed)[mine])
    assert control.median == case["expected"]["median_by_group"]["control"]
    chi2 = forecast.log_rank(durations, observed, groups).chi2
    assert chi2 == pytest.approx(case["expected"]["logrank_chi2"], abs=case["tolerance"])


def test_causes_that_tie_share_one_risk_set():
    case = CASES["cif-01"]
    curves = forecast.competing_risks(
        case["input"]["durations"], case["input"]["event"], causes={1: "won", 2: "lost"}
    )
    for state in ("won", "lost", "open"):
        for age, expected in case["expected"][state].items():
            assert curves.at(float(age))[state][0] == pytest.approx(value(expected), abs=1e-12)


def test_deals_open_before_the_log_starts_enter_late():
    case = CASES["cif-03"]
    curves = forecast.competing_risks(
        case["input"]["durations"],
        case["input"]["event"],
        entry=case["input"]["entry_age"],
        causes={1: "won", 2: "lost"},
    )
    at_risk = dict(zip(curves.ages.tolist(), curves.at_risk.tolist(), strict=True))
    assert at_risk == {float(age): n for age, n in case["expected"]["at_risk"].items()}
    for state in ("won", "lost", "open"):
        for age, expected in case["expected"][state].items():
            assert curves.at(float(age))[state][0] == pytest.approx(value(expected), abs=1e-12)


@given(DEALS)
def test_shares_and_variances_equal_the_exact_fractions(deals):
    durations, causes = [d for d, _ in deals], [c for _, c in deals]
    curves = forecast.competing_risks(durations, causes, causes=["won", "lost"])
    exact = oracle.curves(durations, causes)
    assert curves.ages.tolist() == sorted(exact)
    assert curves.at_risk.tolist() == [exact[age][0] for age in sorted(exact)]
    for k, name in enumerate(["won", "lost"]):
        if name not in causes:
            assert not curves.share[:, k].any()
            continue
        share = [float(exact[age][1][name]) for age in sorted(exact)]
        assert curves.share[:, k] == pytest.approx(share, abs=1e-12)
        variance = oracle.incidence_variance(durations, causes, name)
        assert curves.variance[:, k] == pytest.approx([float(v) for v in variance.values()], abs=1e-12)
    assert curves.still_open == pytest.approx([float(exact[age][2]) for age in sorted(exact)], abs=1e-12)


@given(DEALS)
def test_kaplan_meier_carries_greenwoods_variance(deals):
    durations, observed = [d for d, _ in deals], [c is not None for _, c in deals]
    curve = forecast.kaplan_meier(durations, observed)
    for found, exact in zip(curve.variance, oracle.greenwood(durations, observed).values(), strict=True):
        assert found == pytest.approx(float(exact or 0), abs=1e-12)


@given(DEALS)
def test_shares_sum_to_one_and_the_open_share_never_rises(deals):
    curves = forecast.competing_risks([d for d, _ in deals], [c for _, c in deals])
    assert curves.share.sum(axis=1) + curves.still_open == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(curves.still_open) <= 0).all()
    assert (np.diff(curves.share, axis=0) >= 0).all()


@given(DEALS, st.randoms(use_true_random=False))
def test_the_order_of_deals_changes_no_bit(deals, random):
    shuffled = random.sample(deals, len(deals))
    one = forecast.competing_risks([d for d, _ in deals], [c for _, c in deals], causes=["won", "lost"])
    other = forecast.competing_risks(
        [d for d, _ in shuffled], [c for _, c in shuffled], causes=["won", "lost"]
    )
    assert one == other
    assert one.share.tobytes() == other.share.tobytes()
    assert one.variance.tobytes() == other.variance.tobytes()


@given(DEALS)
def test_counting_whole_days_equals_sorting_ages(deals):
    days = np.array([d for d, _ in deals])
    cause = np.array([["won", "lost"].index(c) + 1 if c else 0 for _, c in deals])
    counted = _kernels.exits(days, cause, None, 2)
    for one, other in zip(counted, _kernels.exits(days.astype(float), cause, None, 2), strict=True):
        assert np.array_equal(one, other)


def test_the_interval_lies_around_the_share_and_is_missing_at_zero_and_one():
    curves = forecast.competing_risks([1, 2, 3, 4], ["won", "lost", "won", None])
    lower, upper = curves.interval("won")
    assert lower[0] < curves.share[0, 1] < upper[0]
    assert np.isnan(curves.interval("lost")[0][0])


def test_above_the_last_age_nothing_is_known():
    curve = forecast.kaplan_meier([1, 2], [1, 0])
    assert np.isnan(curve.at(3)["survival"][0])
    assert np.isnan(forecast.kaplan_meier([1, 2, 3], [0, 1, 0]).quantile(0.9))


def test_late_entries_that_leave_the_curve_unknown_are_told():
    with pytest.warns(SalesOpsWarning, match="at age 2 all 1 deal then under observation ended"):
        forecast.kaplan_meier([2, 9, 9], [1, 1, 0], entry=[0, 5, 5])


def test_groups_that_cannot_be_compared_give_the_reason():
    assert forecast.log_rank([1, 2], [1, 1], ["a", "a"]).reason == "there are not two groups"
    assert forecast.log_rank([1, 2], [0, 0], ["a", "b"]).reason == "no event was observed"


def test_a_curve_of_no_deals_is_empty():
    assert forecast.competing_risks([], [], causes=["won"]).to_frame().empty
    assert np.isnan(forecast.kaplan_meier([], []).median)


def test_all_faults_of_the_arrays_are_told_at_once():
    with pytest.raises(InvalidInput) as caught:
        forecast.kaplan_meier([-1, 5, np.inf, 3], [1, 2, 0, 1], entry=[0, 6, 0, 3])
    assert str(caught.value) == (
        "kaplan_meier: 3 problems\n"
        "- kaplan_meier.durations: must be a finite number, 0 or more (row 0: -1, row 2: inf)\n"
        "- kaplan_meier.entry: must come before the deal ends (row 1: entry 6.0, duration 5.0, "
        "row 3: entry 3.0, duration 3.0); leave out deals that ended before they came under observation\n"
        "- kaplan_meier.observed: is True (1) where the deal ended and False (0) where it was last seen open "
        "(row 1: 2)"
    )


def test_a_cause_that_was_not_listed_is_a_fault():
    with pytest.raises(InvalidInput, match="is not one of the causes"):
        forecast.competing_risks([1, 2], ["won", "lst"], causes=["won", "lost"])


@pytest.mark.parametrize("level", [0, 1, 95, "0.95", None, np.nan])
def test_a_level_lies_between_zero_and_one(level):
    with pytest.raises(InvalidInput, match="level"):
        forecast.kaplan_meier([1], [1], level=level)


@pytest.mark.parametrize(
    "ask",
    [
        lambda curve: curve.at("late"),
        lambda curve: curve.at([[1, 2]]),
        lambda curve: curve.quantile(50),
        lambda curve: forecast.kaplan_meier(5, 1),
        lambda curve: forecast.competing_risks([1], ["won"], causes=3),
        lambda curve: forecast.competing_risks([1, 2], ["won"]),
        lambda curve: forecast.competing_risks([1], ["open"]),
        lambda curve: forecast.log_rank([1], [1], [None]),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_library_itself(ask):
    with pytest.raises(InvalidInput):
        ask(forecast.kaplan_meier([1, 2], [1, 1]))
