"""The pipeline model: what it may see, what must not change it, and that its parts add up."""

import numpy as np
import pandas as pd
import pytest

from salesops import datasets
from salesops.datasets import CrmProcess
from salesops.errors import InvalidInput
from salesops.forecast import History, PipelineForecaster

DAY = "2022-02-15"


@pytest.fixture(scope="module")
def log():
    process = CrmProcess(n_reps=6, n_teams=2, deals_per_day=3)
    return datasets.make_crm(11, ends_on="2022-06-30", process=process).history


@pytest.fixture(scope="module")
def fc(log):
    return PipelineForecaster().fit(History.from_events(log), as_of=DAY).predict(horizon=28)


def told(log, *, as_of=DAY, horizon=28):
    """Fit and forecast, as plain figures."""
    fc = PipelineForecaster().fit(History.from_events(log), as_of=as_of).predict(horizon=horizon)
    return fc.to_frame(), fc.deals()


def test_rows_after_as_of_change_no_bit(log, fc):
    later = log["entered_on"] > pd.Timestamp(DAY)
    poisoned = log.copy()
    rng = np.random.default_rng(0)
    poisoned.loc[later, "amount"] = rng.integers(1, 10**9, int(later.sum()))
    poisoned.loc[later, "rep_id"] = "nobody"
    poisoned.loc[later, "stage"] = rng.permutation(poisoned.loc[later, "stage"].to_numpy())
    for changed in (poisoned, log[~later]):
        frame, deals = told(changed)
        pd.testing.assert_frame_equal(frame, fc.to_frame(), check_exact=True)
        pd.testing.assert_frame_equal(deals, fc.deals(), check_exact=True)


def test_the_order_of_rows_changes_no_bit(log, fc):
    frame, deals = told(log.sample(frac=1.0, random_state=3))
    pd.testing.assert_frame_equal(frame, fc.to_frame(), check_exact=True)
    pd.testing.assert_frame_equal(deals, fc.deals(), check_exact=True)


def test_a_log_moved_by_whole_quarters_of_equal_length_gives_the_same_forecast(log, fc):
    years = 28 * 365 + 7
    moved = log.assign(
        entered_on=log["entered_on"] + pd.Timedelta(days=years),
        expected_close=log["expected_close"] + pd.Timedelta(days=years),
    )
    frame, _ = told(moved, as_of=(pd.Timestamp(DAY) + pd.Timedelta(days=years)).date())
    pd.testing.assert_frame_equal(frame, fc.to_frame(), rtol=1e-12)


def test_means_of_units_add_up_to_the_company_at_every_level(fc):
    frame = fc.to_frame()
    for level in ("team", "rep_id"):
        assert frame.loc[frame["level"] == level, "mean"].sum() == pytest.approx(fc.mean, abs=0.005)


def test_chances_are_probabilities_and_grow_with_the_horizon(log, fc):
    model = PipelineForecaster().fit(History.from_events(log), as_of=DAY)
    short, long = (
        model.predict(horizon=days).deals().set_index("deal_id")["before_recalibration"] for days in (14, 60)
    )
    assert ((short >= 0) & (long <= 1)).all()
    assert (long >= short - 1e-9).all()
    assert (fc.deals()["probability"] <= 1).all()


def test_the_horizon_may_be_days_or_the_last_day(log):
    model = PipelineForecaster(levels=("team",)).fit(History.from_events(log), as_of=DAY)
    ends = [model.predict(horizon=horizon).until.isoformat() for horizon in (28, "28D", "2022-03-15")]
    assert ends == ["2022-03-15"] * 3
    for wrong in (0, -3, "soon", 2.5, None, "2022-02-15", True):
        with pytest.raises(InvalidInput, match="horizon"):
            model.predict(horizon=wrong)


def test_only_the_deals_that_are_asked_for_count(log, fc):
    model = PipelineForecaster().fit(History.from_events(log), as_of=DAY)
    wanted = fc.deals()["deal_id"].tolist()[:5]
    assert set(model.predict(wanted, horizon=28).deals()["deal_id"]) == set(wanted)
    with pytest.raises(InvalidInput, match="open_deals: is not open in the snapshot"):
        model.predict(["no such deal"], horizon=28)


def test_a_deal_can_be_taken_out_and_explained(fc):
    deal = fc.deals().sort_values("mean")["deal_id"].tolist()[-1]
    mean = fc.deals().set_index("deal_id").loc[deal, "mean"]
    assert fc.without(deal).mean == pytest.approx(fc.mean - mean)
    assert "P(won by 2022-03-15)" in fc.explain(deal)


def test_the_waterfall_to_a_later_forecast_adds_up(log, fc):
    model = PipelineForecaster().fit(History.from_events(log), as_of="2022-03-01")
    parts = model.predict(horizon="2022-03-15").waterfall(fc).set_index("part")["amount"]
    assert list(parts.index) == [
        *("previous", "created", "won", "lost", "pushed", "amount changed", "model", "now")
    ]
    assert parts.iloc[:-1].sum() == pytest.approx(parts["now"])
    won = log[(log["stage"] == "won") & (log["entered_on"] > DAY) & (log["entered_on"] <= "2022-03-01")]
    assert parts["now"] == pytest.approx(won["amount"].sum() + model.predict(horizon="2022-03-15").mean)


def test_a_history_with_only_stages_works_and_says_what_it_lacks(log):
    bare = log[["deal_id", "stage", "entered_on"]]
    fc = PipelineForecaster().fit(History.from_events(bare), as_of=DAY).predict(horizon=28)
    assert fc.levels == ("company",)
    assert fc.notes[:2] == (
        "no column amount: every win counts 1",
        "no segment: one set of hazards for all deals",
    )
    assert fc.mean > 0


def test_two_deals_are_enough_to_say_something():
    log = [
        {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "amount": 10},
        {"deal_id": 1, "stage": "won", "entered_on": "2024-01-20", "amount": 10},
        {"deal_id": 2, "stage": "new", "entered_on": "2024-01-10", "amount": 5},
    ]
    fc = PipelineForecaster().fit(History.from_events(log), as_of="2024-01-25").predict(horizon=10)
    assert 0 <= fc.mean < 100
    assert "only 1 wins: little can be learnt" in fc.notes


def test_amounts_known_only_at_the_close_are_drawn_from_past_wins():
    history = History.from_deals(datasets.crm_sales().deals)
    deals = PipelineForecaster().fit(history, as_of="2017-06-30").predict(horizon=28).deals()
    assert not deals["amount_known"].any()
    assert deals["amount"].between(200, 30_000).all()


def test_what_reps_commit_is_learnt_for_each_and_shown(log):
    won = set(log.loc[log["stage"] == "won", "deal_id"])
    says = np.where(log["deal_id"].isin(won) & (log["rep_id"] != "rep-01"), "commit", "best case")
    fc = PipelineForecaster().fit(History.from_events(log.assign(commit=says)), as_of=DAY).predict(horizon=28)
    commits = fc.details["commits"]
    honest = commits[(commits["rep_id"] == "rep-02") & (commits["said"] == "committed")].iloc[0]
    assert honest["share_won"] == 1
    other = commits[(commits["rep_id"] == "rep-02") & (commits["said"] == "not committed")].iloc[0]
    assert honest["effect"] > 3 * other["effect"]


def test_a_log_is_read_as_a_history(log):
    plain = PipelineForecaster().fit(log, as_of=DAY).predict(horizon=28)
    read = PipelineForecaster().fit(History.from_events(log).snapshot(DAY)).predict(horizon=28)
    assert plain.to_dict() == read.to_dict()


def test_wrong_options_are_refused(log):
    with pytest.raises(InvalidInput, match="levels: is a tuple of column names"):
        PipelineForecaster(levels="team")
    with pytest.raises(InvalidInput, match="segments: names a column twice"):
        PipelineForecaster(segments=("a", "a"))
    with pytest.raises(InvalidInput, match="as_of: is the day on which"):
        PipelineForecaster().fit(log)
    with pytest.raises(InvalidInput, match="holds no event by as_of"):
        PipelineForecaster().fit(History.from_events(log), as_of="1999-01-01")
    only_ends = log[log["stage"] == "won"]
    with pytest.raises(InvalidInput, match="holds no open stage"):
        PipelineForecaster().fit(History.from_events(only_ends), as_of=DAY)


def test_a_negative_amount_is_refused_with_its_row(log):
    wrong = log.assign(amount=log["amount"].where(log.index != 4, -1))
    with pytest.raises(InvalidInput, match=r"history.amount: an amount is 0 or more \(row 4"):
        PipelineForecaster().fit(History.from_events(wrong), as_of=DAY)
