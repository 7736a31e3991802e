"""How attainment is spread, and how sure that is; intervals of retention, coverage and flow."""

import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from salesops.errors import InvalidInput
from salesops.forecast import attainment, coverage, funnel, kaplan_meier, retention, win_rate
from tests.forecast.logs import frame


def team(quotas, booked):
    return pd.DataFrame({"rep_id": range(len(quotas)), "quota": quotas, "booked": booked})


def test_reps_are_counted_in_bands_and_at_quota():
    result = attainment(team([100] * 5, [20, 60, 90, 100, 130]))
    assert result.bands()[["reps", "booked"]].values.tolist() == [
        [1.0, 20.0],
        [1.0, 60.0],
        [1.0, 90.0],
        [1.0, 100.0],
        [1.0, 130.0],
    ]
    assert (result.at_quota.hits, result.at_quota.n) == (2, 5)
    assert result.together == 0.8


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 900)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_the_order_of_reps_changes_no_bit_and_bands_hold_all_with_a_quota(rows, random):
    quotas, booked = zip(*rows, strict=True)
    table = team(quotas, booked)
    result = attainment(table)
    other = attainment(table.iloc[random.sample(range(len(rows)), len(rows))])
    assert json.dumps(result.to_dict()) == json.dumps(other.to_dict())
    assert result.bands()["reps"].sum() == result.at_quota.n == sum(quota > 0 for quota in quotas)


def test_the_interval_of_a_quantile_holds_it_as_often_as_it_says():
    rng = np.random.default_rng(4)
    true = math.exp(0.3 * stats.norm.ppf(0.75))
    held = 0
    for _ in range(400):
        booked = np.exp(0.3 * rng.standard_normal(60))
        row = attainment(team(np.ones(60), booked)).quantiles([0.75]).iloc[0]
        held += row["lower"] <= true <= row["upper"]
    assert 0.92 <= held / 400 <= 0.99


def test_too_few_reps_leave_the_ends_of_a_quantile_open():
    row = attainment(team([1, 1], [1, 2])).quantiles([0.9]).iloc[0]
    assert math.isnan(row["upper"])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: attainment(team([-1], [1])),
        lambda: attainment(team([1], [math.nan])),
        lambda: attainment(team([1], [1]).assign(rep_id=[None])),
        lambda: attainment(pd.concat([team([1], [1])] * 2)),
        lambda: attainment(team([1], [1]), edges=[1.0, 0.5]),
        lambda: attainment(team([1], [1]), edges=["0"]),
        lambda: attainment(team([1], [1])).quantiles([2]),
        lambda: attainment(team([1], [1])).explain("nobody"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(InvalidInput):
        wrong()


def test_attainment_travels_and_shows_itself():
    result = attainment(team([100, 0], [50, 50]))
    assert pickle.loads(pickle.dumps(result)).to_dict() == result.to_dict()
    assert "without quota=1" in repr(result)
    assert "undefined" in result.explain(1)
    assert "quantiles" in result._repr_html_()
    assert result.plot().get_title(loc="left").endswith("1 without a quota")


def test_the_interval_of_net_retention_holds_it_as_often_as_it_says():
    rng = np.random.default_rng(9)
    held = 0
    for _ in range(400):
        start = np.exp(0.5 * rng.standard_normal(150))
        factor = np.where(rng.random(150) < 0.1, 0.0, rng.uniform(0.8, 1.4, 150))
        found = retention(dict(enumerate(start)), dict(enumerate(start * factor)))
        low, high = found.nrr_interval
        held += low <= 0.9 * 1.1 <= high
        assert found.grr_interval[1] <= 1.0
    assert 0.91 <= held / 400 <= 0.98


def test_intervals_pass_from_the_win_rate_to_coverage():
    rate = win_rate(12, 26)
    found = coverage(100, 20, rate)
    assert found.required == 1 / rate.value
    low, high = rate.interval
    assert found.required_interval == (1 / high, 1 / low)
    assert found.share_interval == pytest.approx((5 * low, 5 * high))
    assert math.isnan(coverage(100, 20, 0.3).required_interval[0])


def test_open_deals_follow_from_arrivals_and_time_open():
    rows = []
    for k in range(200):
        day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=k)
        rows += [(f"d{k}", "new", day.date().isoformat())]
        rows += [(f"d{k}", "won" if k % 2 else "lost", (day + pd.Timedelta(days=20)).date().isoformat())]
    log = frame([row for row in rows if row[2] <= "2024-07-18"])
    result = funnel(log, ["new"], as_of="2024-07-18")
    rates = result.rates().set_index("measure")["value"]
    assert rates["arrivals, deals each day"] == pytest.approx(1.0)
    assert rates["time open, mean days"] == pytest.approx(20.0)
    assert rates["open deals in a steady state"] == pytest.approx(result.open, abs=0.5)


def test_the_mean_time_open_is_the_area_under_the_curve():
    ages, ended = [3, 5, 5, 8, 13], [1, 1, 0, 1, 0]
    log = []
    for k, (age, end) in enumerate(zip(ages, ended, strict=True)):
        begin = pd.Timestamp("2024-03-01") - pd.Timedelta(days=age)
        log.append((f"d{k}", "new", begin.date().isoformat()))
        if end:
            log.append((f"d{k}", "won", "2024-03-01"))
    rates = funnel(frame(log), ["new"], as_of="2024-03-01").rates().set_index("measure")
    curve = kaplan_meier(ages, ended)
    area = sum(curve.at(age)["survival"][0] for age in range(13))
    assert rates.loc["time open, mean days", "value"] == pytest.approx(area)


def test_the_plot_counts_whole_reps_and_says_whom_its_last_bar_holds():
    one_far = {"rep_id": list(range(40)), "quota": [100] * 40, "booked": [90] * 39 + [900]}
    ax = attainment(one_far).plot()
    assert all(float(tick).is_integer() for tick in ax.get_yticks())
    edge = round(100 * max(bar.get_x() + bar.get_width() for bar in ax.patches), -1)
    assert ax.get_xlabel() == f"attainment; the last bar holds 1 at {edge:.0f} % or more"
    near = attainment({"rep_id": [1, 2], "quota": [100, 100], "booked": [90, 110]}).plot()
    assert near.get_xlabel() == "attainment"
