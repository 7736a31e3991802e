"""Deals that end in a rush when the quarter does: both sides are read at an even pace."""

import numpy as np
import pandas as pd
import pytest

from salesops import evaluation, models
from salesops.errors import InvalidInput
from salesops.evaluation import _kernels, _season
from tests.evaluation import logs


def rush(rng, n=600, *, pace=4.0):
    """Deals of which nothing changes, closed at `pace` in the last two of 13 weeks of a quarter."""
    created = rng.integers(0, logs.DAYS, n)
    days = (logs.START + np.arange(2 * logs.DAYS)).astype("datetime64[D]").astype(np.int64)
    week, _ = _season.weeks_of_quarter(days, _season.quarter_starts(int(days[0]), int(days[-1]), None))
    total = np.cumsum(np.where(week >= 11, pace, 1.0) * 0.012)
    closed = np.searchsorted(total, total[created] + rng.exponential(size=n))
    done = closed <= logs.DAYS
    outcome = np.where(rng.random(n) < 0.4, "won", "lost")
    return pd.DataFrame(
        {
            "deal_id": np.arange(n),
            "created_on": logs.START + created,
            "closed_on": np.where(done, logs.START + np.minimum(closed, logs.DAYS), np.datetime64("NaT")),
            "outcome": np.where(done, outcome, "open"),
            "amount": 100.0,
        }
    )


def compared(log, **options):
    return evaluation.before_after(
        log, **{"changed_on": logs.day(150), "as_of": logs.AS_OF, "metric": "days", **options}
    )


def test_a_rush_at_the_end_of_the_quarter_is_not_taken_for_an_effect():
    rng = np.random.default_rng(5)
    found = [compared(log) for log in (rush(rng) for _ in range(60))]
    plain = [compared(log, season=None) for log in (rush(rng) for _ in range(60))]
    error = np.std([e.estimate for e in found]) / np.sqrt(60)
    assert abs(np.mean([e.estimate for e in found])) < 3 * error
    assert np.mean([e.estimate for e in plain]) < -6 * error
    assert np.mean([e.standard_error for e in found]) == pytest.approx(
        np.std([e.estimate for e in found]), rel=0.3
    )


def test_the_note_tells_the_rush():
    effect = compared(rush(np.random.default_rng(5)))
    assert "times the mean pace in week 1" in effect.notes[0]
    assert effect.notes[0] in effect.explain()
    assert compared(rush(np.random.default_rng(5)), season=None).notes == ()


def test_where_no_season_shows_nothing_changes():
    log = logs.deals(np.random.default_rng(3))
    assert compared(log) == compared(log, season=None)


def test_less_than_two_quarters_are_no_evidence_of_a_season():
    log = rush(np.random.default_rng(6), n=2000)
    short = log[(log["created_on"] >= logs.START + 20)]
    options = {"as_of": logs.day(190), "changed_on": logs.day(100)}
    assert compared(short, **options) == compared(short, season=None, **options)


@pytest.mark.parametrize("metric", ["days", "share", "amount"])
def test_the_error_is_that_of_leaving_deals_out(metric):
    log = rush(np.random.default_rng(7), n=1200)
    options = {"metric": metric, "cluster": None, "age": 50.0}
    part = np.arange(len(log)) % 60
    left_out = np.array([compared(log[part != k], **options).estimate for k in range(60)])
    jackknife = np.sqrt(59 / 60 * ((left_out - left_out.mean()) ** 2).sum())
    effect = compared(log, **options)
    assert effect.notes
    assert effect.standard_error == pytest.approx(jackknife, rel=0.25)


@pytest.mark.parametrize("metric", ["days", "share"])
def test_at_an_even_pace_the_figure_is_the_plain_one(metric):
    log = rush(np.random.default_rng(8))
    on = log["created_on"].to_numpy().astype("datetime64[D]").astype(np.int64)
    end = log["closed_on"].fillna(pd.Timestamp(logs.AS_OF)).to_numpy().astype("datetime64[D]")
    duration = (end.astype(np.int64) - on).astype(float)
    over, entry = (log["outcome"] != "open").to_numpy(), np.where(np.arange(len(on)) % 5 == 0, 2.0, 0.0)
    kept = duration > entry
    on, duration, over, entry = on[kept], duration[kept], over[kept], entry[kept]
    mark = None if metric == "days" else (log["outcome"] == "won").to_numpy()[kept].astype(float)
    asked = None if mark is None else mark > 0
    found = _season.season_of(on, np.zeros(len(on), int), duration, over, asked, entry, 60.0, None)
    even = [_season.attrs.evolve(ends, pace=np.ones(13), inverse=np.zeros((13, 13))) for ends in found.ends]
    season = _season.attrs.evolve(found, ends=tuple(even))
    values, influence, through = _season.read(season, mark, 60.0, np.ones(1))
    value, plain = _kernels.maturing(duration, over, mark, entry, 60.0)
    assert values[0] == pytest.approx(value, rel=1e-12)
    assert influence == pytest.approx(plain, abs=1e-12)
    assert not through.any()


def test_the_order_of_rows_changes_no_bit():
    log = rush(np.random.default_rng(9))
    assert compared(log.sample(frac=1, random_state=1)) == compared(log)


def test_quarters_of_weeks_follow_their_calendar():
    weeks = models.FiscalCalendar(scheme="4-4-5", year_end_weekday="Sunday")
    first, last = (int(np.datetime64(day, "D").astype(int)) for day in ("2024-01-01", "2024-12-30"))
    starts = _season.quarter_starts(first, last, weeks)
    assert np.diff(starts)[:4].tolist() == [91, 91, 91, 91]
    week, quarter = _season.weeks_of_quarter(np.arange(first, first + 182), starts)
    assert week.tolist() == [k // 7 for k in range(91)] * 2
    assert quarter.tolist() == [0] * 91 + [1] * 91


@pytest.mark.parametrize(
    ("option", "said"),
    [({"season": "week"}, "choose one of 'quarter'"), ({"calendar": "4-4-5"}, "is no fiscal calendar")],
)
def test_an_unknown_season_is_refused(option, said):
    with pytest.raises(InvalidInput, match=said):
        compared(rush(np.random.default_rng(1), n=20), **option)


def test_a_card_says_interval_once():
    shown = compared(logs.deals(np.random.default_rng(3)))._repr_html_()
    assert "95 % interval</" in shown
    assert ">95 % interval " not in shown
