"""The seeded company: a log of stages with a known truth."""

import numpy as np
import pandas as pd
import pytest

from salesops import forecast
from salesops.datasets import CrmProcess, make_crm
from salesops.errors import InvalidInput

STAGES = ["qualify", "demo", "proposal", "negotiation"]


@pytest.fixture(scope="module")
def world():
    return make_crm(3)


@pytest.fixture(scope="module")
def history(world):
    return forecast.History.from_events(world.history)


def won(world):
    return world.history[world.history["stage"] == "won"]


def test_the_same_number_gives_the_same_company():
    one, two = (make_crm(5, ends_on="2021-06-30") for _ in range(2))
    pd.testing.assert_frame_equal(one.history, two.history)
    assert one.truth == two.truth


def test_another_number_gives_another_company():
    one, two = (make_crm(seed, ends_on="2021-06-30") for seed in (5, 6))
    assert not one.history.equals(two.history)


def test_its_log_is_a_history_that_the_funnel_takes(history):
    funnel = forecast.funnel(history, STAGES, as_of="2023-06-30", by="segment")
    assert funnel.total.won > 1_000
    assert funnel.tally.regressions > 50
    assert (funnel.to_frame()["skipped"] > 0).any()
    assert funnel.tally.repeats > 500


def test_a_deal_has_one_event_a_day_and_none_after_its_end(world):
    log = world.history
    assert not log.duplicated(["deal_id", "entered_on"]).any()
    ends = log[log["stage"].isin(["won", "lost"])]
    assert not ends["deal_id"].duplicated().any()
    last = log.groupby("deal_id")["entered_on"].max()
    assert (last.loc[ends["deal_id"]].to_numpy() == ends["entered_on"].to_numpy()).all()


def test_nothing_happens_at_weekends(world):
    assert world.history["entered_on"].dt.day_of_week.max() == 4


def test_amounts_are_heavy(world):
    amount = np.sort(won(world)["amount"].to_numpy())[::-1]
    assert amount[: len(amount) // 20].sum() > 0.3 * amount.sum()


def test_deals_close_at_the_end_of_quarters(world):
    closed = won(world)["entered_on"]
    left = ((closed + pd.offsets.QuarterEnd(0)) - closed).dt.days
    assert (left < 10).mean() > 1.6 * 10 / 91


def test_good_reps_win_more_of_their_deals(world):
    ends = world.history[world.history["stage"].isin(["won", "lost"])]
    rate = ends.assign(hit=ends["stage"] == "won").groupby("rep_id")["hit"].mean()
    skill = world.reps.set_index("rep_id")["skill"]
    assert np.corrcoef(rate.loc[skill.index], np.log(skill))[0, 1] > 0.6


def test_many_deals_are_pushed(world):
    planned = world.history.groupby("deal_id")["expected_close"].nunique()
    assert 0.15 < (planned > 1).mean() < 0.8


def test_the_open_deals_of_a_day_do_not_depend_on_later_rows(world):
    day = pd.Timestamp("2022-05-16")
    whole = world.open_deals("2022-05-16")
    known = world.history[world.history["entered_on"] <= day].sample(frac=1, random_state=1)
    from salesops.datasets._crm_world import open_deals

    pd.testing.assert_frame_equal(open_deals(known, day.date()), whole)


def test_the_truth_run_on_covers_what_came(world):
    """Over many months the actual amounts lie inside the true 80 % intervals about four times in five."""
    days = pd.date_range("2022-01-31", "2023-11-30", freq="ME")
    inside = []
    for k, day in enumerate(days):
        until = day + pd.Timedelta(days=28)
        drawn = world.truth.continued(
            world.open_deals(day.date()), as_of=day.date(), until=until.date(), n_draws=60, rng=k
        )
        closed = won(world)
        actual = closed[(closed["entered_on"] > day) & (closed["entered_on"] <= until)]["amount"].sum()
        low, high = np.quantile(drawn.sum(axis=1), [0.1, 0.9])
        inside.append(low <= actual <= high)
    assert 0.55 <= np.mean(inside) <= 0.98


def test_the_running_month_is_judged_by_its_wins_so_far(world):
    truth = world.truth
    drawn = [
        truth._shock(
            12 * (2022 - 1970) + month,
            np.datetime64(f"2022-{month + 1:02d}-28").astype(int),
            4000,
            np.random.default_rng(0),
        ).mean()
        for month in range(12)
    ]
    assert np.corrcoef(drawn, truth.shocks[12:24])[0, 1] > 0.7


def test_without_a_shock_every_month_is_alike():
    world = make_crm(1, ends_on="2021-03-31", process=CrmProcess(shock=0.0))
    assert world.truth.shocks.tolist() == [1.0, 1.0, 1.0]


def test_parameters_that_cannot_be_are_named_all_at_once():
    with pytest.raises(InvalidInput) as caught:
        CrmProcess(n_reps=0, shock=-1, season="x")
    assert [problem.path for problem in caught.value.problems] == ["season", "shock", "n_reps"]


def test_days_must_follow_each_other():
    with pytest.raises(InvalidInput, match="on or after starts_on"):
        make_crm(1, starts_on="2022-01-01", ends_on="2021-01-01")


def test_deals_of_another_company_are_refused(world):
    deals = world.open_deals("2022-01-31").assign(rep_id="nobody")
    with pytest.raises(InvalidInput, match="not of this company"):
        world.truth.continued(deals, as_of="2022-01-31", until="2022-02-28", n_draws=2)


def test_a_single_weekend_is_an_empty_log():
    assert len(make_crm(1, starts_on="2022-01-01", ends_on="2022-01-02").history) == 0
