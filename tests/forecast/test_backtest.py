"""Forecasting again from past days: what is seen, what is scored, what the certificate says."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from salesops import datasets, forecast
from salesops.errors import InvalidInput
from salesops.forecast import calibration

DAYS = ["2021-09-30", "2021-10-31", "2021-11-30"]


@pytest.fixture(scope="module")
def world():
    process = datasets.CrmProcess(n_reps=6, n_teams=2, deals_per_day=4)
    return datasets.make_crm(2, ends_on="2022-06-30", process=process)


class Fixed:
    """Forecast the same values for every unit."""

    def __init__(self, *values):
        self.values = values or (0.0,)

    def fit(self, history, *, as_of=None):
        self.as_of = history.as_of
        self.seen = history.events.day.max()
        assert self.seen <= np.datetime64(as_of)
        self.pairs = [("company", None)]
        for level in ("team", "rep_id"):
            units = dict.fromkeys(history.events.facts.get(level, pd.Series(dtype=object)).dropna().tolist())
            self.pairs += [(level, unit) for unit in units]
        return self

    def predict(self, open_deals=None, *, horizon):
        law = forecast.Distribution.from_samples(list(self.values))
        until = self.as_of + dt.timedelta(days=horizon)
        return forecast.Forecast.from_distributions(self.as_of, until, dict.fromkeys(self.pairs, law))


class Broken:
    def fit(self, history, *, as_of=None):
        raise ValueError("singular matrix")

    def predict(self, *, horizon):
        return None


def small_log():
    rows = [
        (1, "new", "2024-01-01", None, "ann"),
        (1, "won", "2024-01-20", 100.0, "ann"),
        (2, "new", "2024-01-02", 50.0, "bob"),
        (2, "won", "2024-02-10", None, "bob"),
        (3, "new", "2024-01-03", 10.0, "ann"),
        (3, "won", "2024-02-15", 30.0, "cleo"),
        (4, "new", "2024-02-01", 70.0, "bob"),
        (4, "lost", "2024-02-20", 70.0, "bob"),
        (5, "new", "2024-03-20", 70.0, "bob"),
    ]
    return pd.DataFrame(rows, columns=["deal_id", "stage", "entered_on", "amount", "rep_id"])


def test_what_came_is_the_amount_won_in_the_window_by_the_units_known():
    result = forecast.backtest(Fixed(10.0), small_log(), ["2024-01-31"], horizons=28)
    came = {(row.level, row.unit): row.actual for row in result.details.itertuples()}
    assert came == {("company", None): 80.0, ("rep_id", "ann"): 0.0, ("rep_id", "bob"): 50.0}
    assert result.set_aside["reason"].tolist() == ["30.00 was won by units not known on the day"]


def test_scores_follow_from_their_definitions():
    result = forecast.backtest(Fixed(60.0, 120.0), small_log(), ["2024-01-15", "2024-01-31"], horizons=28)
    row = result.to_frame().iloc[0]
    assert (row["n"], row["mean_actual"]) == (2, (150 + 80) / 2)
    assert row["wape"] == pytest.approx((60 + 10) / 230)
    assert row["bias"] == pytest.approx((-60 + 10) / 230)
    assert row["crps"] == pytest.approx((forecast.crps([60, 120], 150) + forecast.crps([60, 120], 80)) / 2)
    assert row["coverage_80"] == 0.5


def test_a_window_that_has_not_matured_is_set_aside_with_its_last_day():
    result = forecast.backtest(Fixed(), small_log(), ["2024-01-31", "2024-03-01"], horizons=[7, 28])
    assert set(zip(result.details["as_of"].dt.date.astype(str), result.details["horizon"], strict=True)) == {
        ("2024-01-31", 7),
        ("2024-01-31", 28),
        ("2024-03-01", 7),
    }
    assert "2024-03-29, after the last complete day 2024-03-20" in result.set_aside["reason"].iloc[-1]


def test_a_deal_that_is_reopened_counts_as_it_stood_on_the_last_day():
    log = pd.DataFrame(
        [
            (1, "new", "2024-01-01", 5.0),
            (1, "won", "2024-01-10", 5.0),
            (1, "new", "2024-01-12", 5.0),
            (1, "won", "2024-02-20", 7.0),
        ],
        columns=["deal_id", "stage", "entered_on", "amount"],
    )
    result = forecast.backtest(Fixed(), log, ["2024-01-05"], horizons=[6, 10, 46])
    assert result.details["actual"].tolist() == [5.0, 0.0, 7.0]


def test_no_row_after_a_cutoff_reaches_a_model(world):
    """The poison test: rewriting the future changes what came, never what was said."""
    models = [forecast.LastPeriod(), forecast.TrailingMean(), forecast.StageWeighted()]
    models += [forecast.TrueProcess(truth=world.truth, n_draws=20)]
    poisoned = world.history.copy()
    late = poisoned["entered_on"] > pd.Timestamp("2021-11-30")
    poisoned.loc[late, "amount"] = 10**9
    poisoned.loc[late, "rep_id"] = "rep-01"
    one, two = (
        forecast.backtest(models, log, ["2021-11-30"], horizons=28, complete_until="2022-03-31")
        for log in (world.history, poisoned)
    )
    said = ["model", "level", "unit", "mean", "q025", "q10", "q25", "q50", "q75", "q90", "q975"]
    pd.testing.assert_frame_equal(one.details[said], two.details[said])
    assert not one.details["actual"].equals(two.details["actual"])


def test_order_of_rows_and_workers_change_no_byte(world):
    models = {"naive": forecast.LastPeriod(), "floor": forecast.TrueProcess(truth=world.truth, n_draws=20)}
    plain = forecast.backtest(models, world.history, DAYS, horizons=[7, "28D"])
    shuffled = world.history.sample(frac=1, random_state=3).reset_index(drop=True)
    with ThreadPoolExecutor(2) as pool:
        other = forecast.backtest(models, shuffled, DAYS[::-1], horizons=["28D", 7], mapper=pool.map)
    assert json.dumps(plain.to_dict()) == json.dumps(other.to_dict())


def test_progress_sees_every_model_on_every_day(world):
    seen = []

    def watch(items):
        for item in items:
            seen.append(item)
            yield item

    forecast.backtest([Fixed(), Broken()], world.history, DAYS, progress=watch)
    assert len(seen) == 6


def test_a_model_that_fails_comes_back_with_its_reason_and_harms_no_other(world):
    result = forecast.backtest([Broken(), Fixed()], world.history, DAYS, horizons=28)
    assert set(result.details["model"]) == {"Fixed"}
    failed = result.set_aside[result.set_aside["model"] == "Broken"]
    assert failed["reason"].tolist() == ["ValueError: singular matrix"] * 3


def test_a_rule_without_enough_history_says_what_it_needs(world):
    result = forecast.backtest(forecast.SamePeriodLastYear(), world.history, DAYS[:1], horizons=28)
    assert "needs a year and more" in result.set_aside["reason"].iloc[0]
    assert len(result.details) == 0
    assert len(result.to_frame()) == 0
    assert repr(result.calibration) == "Calibration(80 % intervals; nothing was scored)"
    assert "Backtest" in result._repr_html_()


def test_a_model_that_forecasts_the_company_alone_is_scored_there(world):
    class CompanyOnly(Fixed):
        def fit(self, history, *, as_of=None):
            fitted = super().fit(history, as_of=as_of)
            fitted.pairs = [("company", None)]
            return fitted

    result = forecast.backtest(CompanyOnly(), world.history, DAYS[:1])
    assert result.details["level"].tolist() == ["company"]
    assert result.set_aside["reason"].tolist() == [
        "no forecast of 2 of 2 units",
        "no forecast of 6 of 6 units",
    ]


def test_skill_compares_forecasts_that_both_made(world):
    result = forecast.backtest([forecast.LastPeriod(), forecast.TrailingMean()], world.history, DAYS)
    skill = result.skill("LastPeriod")
    assert (skill[skill["model"] == "LastPeriod"]["ratio"] == 1.0).all()
    table = result.to_frame().set_index(["model", "level"])["crps"]
    shown = skill.set_index(["model", "level"])["ratio"]
    expected = table["TrailingMean", "company"] / table["LastPeriod", "company"]
    assert shown["TrailingMean", "company"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"models": "x"}, "has no fit"),
        ({"models": []}, "at least one model"),
        ({"cutoffs": []}, "at least one day"),
        ({"cutoffs": ["2030-01-01"]}, "after the last complete day"),
        ({"horizons": 0}, "is 1 to 36525 days"),
        ({"horizons": "2024-05-01"}, "the same from every cutoff"),
        ({"levels": ["reps"]}, "is not a column of the history"),
        ({"levels": "rep_id"}, "a list of names of columns"),
        (
            {"history": {"deal_id": [1], "stage": ["new"], "entered_on": ["2024-01-01"]}},
            "no amount to forecast",
        ),
        ({"history": forecast.History.from_events([])}, "holds no event"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, told):
    given = {"models": Fixed(), "history": small_log(), "cutoffs": ["2024-01-01"], "horizons": 7} | arguments
    models, history, cutoffs = given.pop("models"), given.pop("history"), given.pop("cutoffs")
    with pytest.raises(InvalidInput) as caught:
        forecast.backtest(models, history, cutoffs, **given)
    assert told in str(caught.value)


def test_a_history_that_begins_after_the_cutoff_is_set_aside():
    result = forecast.backtest(Fixed(), small_log(), ["2023-12-01"], horizons=7)
    assert result.set_aside["reason"].tolist() == ["the history begins later"]


def test_blocks_do_not_overlap():
    assert calibration.blocks(np.array([0, 10, 28, 30, 60, 10]), 28).tolist() == [0, 0, 1, 1, 2, 0]


def test_evidence_of_copies_counts_once():
    """Ten units that always hit and miss together are as good as one."""
    rng = np.random.default_rng(0)
    once = rng.random(200) < 0.8
    block = np.repeat(np.arange(200), 10)
    size = calibration.effective_size(np.repeat(once, 10), block)
    assert 190 < size < 210


def test_evidence_of_independent_cases_counts_in_full():
    inside = np.random.default_rng(1).random(4000) < 0.8
    assert calibration.effective_size(inside, np.repeat(np.arange(400), 10)) > 3000


def certificate(n, width):
    """Certify forecasts of a uniform law by intervals that hold a given share of it."""
    came = np.random.default_rng(5).random(n)
    day = np.arange(n) * 28
    low, high = 0.5 - width / 2, 0.5 + width / 2
    details = pd.DataFrame(
        {
            "model": "m",
            "level": "company",
            "horizon": 28,
            "as_of": day.astype("datetime64[D]"),
            "actual": came,
            "q10": low,
            "q90": high,
            "below": came,
            "at": came,
        }
    )
    return calibration.certify(details).table.iloc[0]


@pytest.mark.parametrize(
    ("n", "width", "verdict"),
    [
        (6, 0.8, "too little evidence"),
        (300, 0.8, "calibrated"),
        (300, 0.6, "too narrow"),
        (300, 0.95, "too wide"),
    ],
)
def test_the_certificate_says_what_the_evidence_says(n, width, verdict):
    assert certificate(n, width)["verdict"] == verdict


def test_a_jump_of_a_distribution_counts_in_part():
    """Half of all cases lie at a jump from 0 to 0.5: a closed interval covers too much, this does not."""
    rng = np.random.default_rng(2)
    place = rng.random(20_000)
    at_zero = place < 0.5
    details = pd.DataFrame({"below": np.where(at_zero, 0.0, place), "at": np.where(at_zero, 0.5, place)})
    assert calibration.central_coverage(details, 0.8).mean() == pytest.approx(0.8, abs=0.01)


def test_the_true_process_is_calibrated_and_beats_the_rules(world):
    models = [
        forecast.TrueProcess(truth=world.truth, n_draws=100),
        forecast.LastPeriod(),
        forecast.TrailingMean(),
    ]
    days = pd.date_range("2021-07-31", "2022-05-31", freq="ME")
    table = (
        forecast.backtest(models, world.history, days, horizons=28).to_frame().set_index(["model", "level"])
    )
    for level in ("company", "team", "rep_id"):
        floor = table.loc[("TrueProcess", level)]
        assert floor["crps"] < table.loc[("LastPeriod", level)]["crps"]
        assert floor["crps"] < table.loc[("TrailingMean", level)]["crps"]
    assert 0.65 < table.loc[("TrueProcess", "rep_id")]["pit_80"] < 0.92


def test_pictures_name_what_they_show(world):
    result = forecast.backtest(forecast.TrailingMean(), world.history, DAYS, horizons=28)
    assert (
        result.plot(level="team", unit="team-1").get_title(loc="left").startswith("TrailingMean: team team-1")
    )
    assert result.calibration.plot(level="rep_id").get_title(loc="left").startswith("Calibration, rep_id")
    with pytest.raises(InvalidInput, match="was not scored"):
        result.plot(unit="nobody")
    with pytest.raises(InvalidInput, match="did you mean 'team'"):
        result.plot(level="teams")


def test_a_result_speaks_json_and_html(world):
    result = forecast.backtest(forecast.TrailingMean(), world.history, DAYS, horizons=28)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["kind"] == "backtest"
    assert "Calibration certificate" in result.calibration._repr_html_()
    assert "covered" in result.explain()


def test_coverage_read_off_the_distribution_functions_is_that_of_the_intervals(world):
    models = [forecast.LastPeriod(), forecast.TrueProcess(truth=world.truth, n_draws=40)]
    table = forecast.backtest(models, world.history, DAYS, horizons=28).details
    inside = (table["q10"] <= table["actual"]) & (table["actual"] <= table["q90"])
    assert (calibration.closed_coverage(table, 0.8) == inside.to_numpy()).all()
