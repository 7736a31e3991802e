"""Simple rules by hand, and their distributions."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import InvalidInput

START = dt.date(2022, 1, 3)


def log_of(weeks, *, open_deals=()):
    """Win one deal a week of the given amounts, each created two weeks before."""
    rows = []
    for k, amount in enumerate(weeks):
        won = START + dt.timedelta(days=7 * k + 14)
        rows.append((k, "new", won - dt.timedelta(days=14), None))
        rows.append((k, "won", won, float(amount)))
    rows += [(1000 + k, stage, day, amount) for k, (stage, day, amount) in enumerate(open_deals)]
    return forecast.History.from_events(
        pd.DataFrame(rows, columns=["deal_id", "stage", "entered_on", "amount"])
    )


def company(model, history, horizon=28, as_of=None):
    day = history.days[1] if as_of is None else as_of
    return model.fit(history, as_of=day).predict(horizon=horizon).at("company", None)


def test_last_period_is_what_came_plus_the_errors_it_made():
    weeks = [10.0] * 12 + [30.0] * 4
    law = company(forecast.LastPeriod(), log_of(weeks))
    assert law.mean >= 120
    assert law.quantile(0.5) == pytest.approx(120, abs=81)


@given(amount=st.floats(1, 1e6))
def test_what_never_changes_is_forecast_without_doubt(amount):
    history = log_of([amount] * 40)
    for model in (forecast.LastPeriod(), forecast.TrailingMean()):
        law = company(model, history)
        assert law.quantile([0.1, 0.5]) == pytest.approx(4 * amount, rel=1e-6)


def test_the_trailing_mean_takes_the_periods_there_are():
    law = company(forecast.TrailingMean(n_periods=2), log_of([10.0] * 20 + [20.0] * 4))
    assert law.quantile(1.0) <= 60 + 40 + 1e-6
    assert 50 <= law.quantile(0.5) <= 80


def test_last_year_is_looked_up_by_the_calendar():
    weeks = [1.0] * 120
    weeks[40] = 500.0
    day = START + dt.timedelta(days=7 * 40 + 14 - 3)
    as_of = dt.date(day.year + 1, day.month, day.day)
    law = company(forecast.SamePeriodLastYear(), log_of(weeks), horizon=7, as_of=as_of)
    assert law.quantile(0.5) > 400


def test_a_weighted_pipeline_counts_deals_without_an_amount_with_the_mean():
    weeks = [10.0] * 30
    last = START + dt.timedelta(days=7 * 29 + 14)
    few = log_of(weeks)
    more = log_of(weeks, open_deals=[("new", last, None)] * 20)
    assert company(forecast.StageWeighted(), more).mean > company(forecast.StageWeighted(), few).mean + 100


@given(weeks=st.lists(st.sampled_from([0.0, 5.0, 100.0]), min_size=20, max_size=30))
def test_no_rule_forecasts_less_than_nothing(weeks):
    history = log_of(weeks)
    for model in (forecast.LastPeriod(), forecast.TrailingMean(), forecast.StageWeighted()):
        assert company(model, history, horizon=14).quantile(0.001) >= 0


def test_the_company_and_its_parts_are_forecast_alike():
    rows = log_of(range(1, 40)).to_frame().assign(rep_id="ann", team="north")
    fc = forecast.LastPeriod().fit(forecast.History.from_events(rows), as_of="2022-09-01").predict(horizon=28)
    assert fc.levels == ("company", "team", "rep_id")
    assert fc.at("rep_id", "ann").mean == fc.at("company", None).mean
    alone = forecast.LastPeriod(levels=["team"]).fit(forecast.History.from_events(rows), as_of="2022-09-01")
    assert alone.predict(horizon="28D").levels == ("company", "team")


def test_a_horizon_may_be_its_last_day():
    history = log_of(range(1, 40))
    model = forecast.LastPeriod().fit(history, as_of="2022-09-01")
    one, two = model.predict(horizon=28), model.predict(horizon="2022-09-29")
    assert one.until == two.until
    assert one.mean == two.mean


def test_a_fitted_rule_is_a_new_one():
    plain = forecast.TrailingMean(n_periods=3)
    fitted = plain.fit(log_of(range(30)), as_of="2022-06-01")
    assert repr(plain) == "TrailingMean(n_periods=3)"
    assert repr(fitted) == "TrailingMean(n_periods=3, as_of=2022-06-01)"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda history: forecast.LastPeriod().predict(horizon=7), "must be fitted first"),
        (lambda history: forecast.LastPeriod().fit(history), "the day on which the forecast is made"),
        (lambda history: forecast.LastPeriod().fit([1], as_of="2022-01-01"), "each row must be a mapping"),
        (lambda history: forecast.TrailingMean(n_periods=0), "a whole number, 1 or more"),
        (lambda history: company(forecast.LastPeriod(), history, horizon="soon"), "is not a day"),
        (lambda history: company(forecast.LastPeriod(), history, horizon=True), "is not a day"),
        (lambda history: company(forecast.LastPeriod(), history, horizon=3650), "too short"),
        (lambda history: company(forecast.LastPeriod(levels=["team"]), history), "is not a column"),
    ],
)
def test_what_cannot_be_is_refused(call, told):
    with pytest.raises(InvalidInput) as caught:
        call(log_of(np.arange(20.0)))
    assert told in str(caught.value)
