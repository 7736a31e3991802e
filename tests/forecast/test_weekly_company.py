"""A made company of another build than ours: its floor is honest, and the forecaster comes near it."""

import numpy as np
import pandas as pd
import pytest

from salesops import forecast
from tests.forecast import weekly_company


@pytest.fixture(scope="module")
def company():
    return weekly_company.make(5, n_reps=4, per_week=14.0, weeks=84)


def test_the_same_seed_makes_the_same_company(company):
    again = weekly_company.make(5, n_reps=4, per_week=14.0, weeks=84)
    pd.testing.assert_frame_equal(again.log, company.log)


def test_the_true_process_expects_what_comes_on_the_whole(company):
    won = company.log[company.log["stage"] == "won"]
    said, came, spread = 0.0, 0.0, 0.0
    for day in weekly_company.sundays(30, 80, 8):
        fc = weekly_company.Floor(company=company, n_draws=40).fit(None, as_of=day).predict(horizon=28)
        inside = (won["entered_on"] > day) & (won["entered_on"] <= day + pd.Timedelta(days=28))
        said, came = said + fc.mean, came + float(won.loc[inside, "amount"].sum())
        spread += fc.distributions["company", None].variance
    assert abs(said - came) < 3.0 * np.sqrt(spread)


def test_the_forecaster_comes_near_the_floor(company):
    history = forecast.History.from_events(company.log)
    result = forecast.backtest(
        {
            "model": forecast.PipelineForecaster(),
            "mean": forecast.TrailingMean(),
            "floor": weekly_company.Floor(company=company, n_draws=80),
        },
        history,
        weekly_company.sundays(72, 80, 4),
        horizons=28,
        complete_until="2022-08-14",
    )
    assert not len(result.set_aside)
    score = result.details.pivot_table(index="level", columns="model", values="crps", aggfunc="sum")
    assert (score["model"] < 1.5 * score["floor"]).all()
    assert (score["model"] < score["mean"]).all()
