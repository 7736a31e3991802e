"""What a newcomer is told who hands the forecast wing something it cannot mean."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from newcomer import told

from salesops import forecast
from salesops.errors import InvalidInput
from salesops.forecast import History

REPS = {"rep_id": ["a", "b"], "quota": [100, 100], "booked": [50, 120]}
COINS = forecast.Distribution.of_deals([0.5, 0.2], [10, 20], deals=["a", "b"])
DEALS = pd.DataFrame(
    {
        "deal_id": [1, 2],
        "created_on": ["2024-01-01", "2024-01-02"],
        "closed_on": ["2024-02-01", "2024-02-02"],
        "outcome": ["won", "lost"],
    }
)
HINT = "write columns={'name in your table': 'name in the documentation'}"


def weekly(amount, weeks=60):
    """Deals that open on Mondays and are won on Fridays."""
    days = [dt.date(2023, 1, 2) + dt.timedelta(weeks=k) for k in range(weeks)]
    rows = [(k, "new", day, amount) for k, day in enumerate(days)]
    rows += [(k, "won", day + dt.timedelta(days=4), amount) for k, day in enumerate(days)]
    return History.from_events(pd.DataFrame(rows, columns=["deal_id", "stage", "entered_on", "amount"]))


def tree(*weights):
    """A root and a rep for each weight."""
    rows = [{"node_id": rep, "parent_id": "all", "weight": w} for rep, w in zip("abc", weights, strict=False)]
    return [{"node_id": "all", "parent_id": None}, *rows]


TOLD = {
    "edges that are no list": (
        lambda: forecast.attainment(REPS, edges=1),
        "edges: is a rising list of numbers (1)",
    ),
    "an edge that is no number": (
        lambda: forecast.attainment(REPS, edges=[0, math.nan]),
        "edges: is a rising list of numbers ([0, nan])",
    ),
    "one share where a list is asked for": (
        lambda: forecast.attainment(REPS).quantiles(0.5),
        "shares: is a list of numbers between 0 and 1 (0.5)",
    ),
    "a segment named twice": (
        lambda: forecast.pooled_rates([1, 2], [3, 4], segments=["a", "a"]),
        "segments: names one thing twice (row 0: 'a', row 1: 'a'); give each its own name",
    ),
    "counts that are not whole": (
        lambda: forecast.pooled_rates([1.5, 2, math.nan], [3, 4, 5]),
        "hits: is a whole number, 0 or more (row 0: 1.5, row 2: nan)",
    ),
    "more hits than cases": (
        lambda: forecast.rate_interval([1, 5, 7], 4),
        "wins: cannot be more than the cases (row 1: 5 of 4, row 2: 7 of 4)",
    ),
    "percentages for probabilities": (
        lambda: forecast.reliability([0.5, 70], [1, 0]),
        "probabilities: lie between 0 and 1 (row 1: 70.0)",
    ),
    "outcomes that are counts": (
        lambda: forecast.reliability([0.5, 0.7], [1, 3]),
        "outcomes: are 0 or 1 (row 1: 3.0)",
    ),
    "ends of an interval that are swapped": (
        lambda: forecast.interval_coverage([1, 1], [0, 2], [1, 1]),
        "lower: is at most the upper end (row 1: (2.0, 1.0))",
    ),
    "numbers where distributions are asked for": (
        lambda: forecast.pit([1], [1]),
        "forecasts: is a distribution; make one with Distribution.from_samples (row 0: 1)",
    ),
    "counts of moves for chances": (
        lambda: forecast.absorbing_chain([[0, 7], [0, 0]], [[1], [1]]),
        "between: a chance lies between 0 and 1 ([0, 1]: 7); "
        "counts of moves become chances when each row is divided by all moves out of its stage",
    ),
    "an account with a negative balance": (
        lambda: forecast.retention({"acme": -1}, {}),
        "start: is a finite number, 0 or more (row 'acme': -1)",
    ),
    "a target as text": (
        lambda: COINS.probability_of("10"),
        "target: is a number or an array of numbers ('10')",
    ),
    "targets of which one is text": (
        lambda: COINS.probability_of([10, "20"]),
        "target: is a number or an array of numbers ([10, '20'])",
    ),
    "a list for a deal": (
        lambda: COINS.without(["a"]),
        "deal: is not a deal of this distribution (['a'])",
    ),
    "a column of the close that is not there": (
        lambda: History.from_deals(DEALS.assign(loss_reason="price"), at_close=["los_reason"]),
        "at_close: names a column that deals does not have ('los_reason'); did you mean 'loss_reason'?",
    ),
    "a list for renamed columns": (
        lambda: forecast.attainment(REPS, columns=["rep_id"]),
        f"columns: is a mapping of names (['rep_id']); {HINT}",
    ),
    "a column of segments that is not there": (
        lambda: forecast.outcome_curves(DEALS, as_of="2024-03-01", by="team"),
        "deals.team: the column is missing (columns there: deal_id, created_on, closed_on, outcome); "
        "add it, or name yours with columns={'yours': 'team'}",
    ),
    "the same rows in another order": (
        lambda: forecast.forecast_errors(pd.Series([1, 2], index=["x", "y"]), pd.Series([2, 1], ["y", "x"])),
        "forecast: has the labels of actual in another order, and rows are paired by place "
        "(row 0: 'y', there 'x', row 1: 'x', there 'y'); pass forecast.reindex(actual.index)",
    ),
    "siblings without any share": (
        lambda: forecast.quotas("100", tree(0, 0)),
        "tree.weight: nobody beside it has a weight above 0 either (row 1 ('a'): 0, row 2 ('b'): 0); "
        "give one of them a weight above 0, or lock their quotas",
    ),
    "a number for levels": (
        lambda: forecast.LastPeriod(levels=3).fit(weekly(100.0), as_of="2024-02-01"),
        "levels: is a list of names of columns (3)",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_one_error_says_what_is_wrong_where_and_what_to_do(name):
    ask, words = TOLD[name]
    assert told(ask) == words


RULES = [
    forecast.LastPeriod(),
    forecast.TrailingMean(),
    forecast.SamePeriodLastYear(),
    forecast.StageWeighted(),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_takes_no_negative_amounts_and_no_day_before_the_log(rule):
    with pytest.raises(
        InvalidInput, match=r"amount: an amount is 0 or more \(120 rows: row 0 \(0\): -100.0, row 60"
    ):
        rule.fit(weekly(-100.0), as_of="2024-03-31")
    with pytest.raises(InvalidInput, match="history: holds no event by as_of"):
        rule.fit(weekly(100.0), as_of="1990-01-01")


def test_quotas_that_are_locked_need_no_share_and_a_single_rep_takes_all():
    locked = tree(0, 0)
    locked[1]["locked"] = "40"
    held = forecast.quotas("100", locked).to_frame().set_index("node_id")["amount"].astype(float)
    assert held[["a", "b"]].tolist() == [4000, 6000]
    alone = forecast.quotas("100", tree(0)).to_frame().set_index("node_id")["amount"].astype(float)
    assert alone["a"] == 10_000


def test_reps_below_the_first_edge_stand_in_a_band_of_their_own():
    bands = forecast.attainment(REPS, edges=[0.9, 1.0]).bands()
    assert bands["from_attainment"].tolist() == [-math.inf, 0.9, 1.0]
    assert bands["reps"].tolist() == [1, 0, 1]
    assert bands["booked"].tolist() == [50, 0, 120]
    clawed_back = forecast.attainment({**REPS, "booked": [-5, 120]}).bands()
    assert clawed_back["reps"].tolist() == [1, 0, 0, 0, 0, 1]


def test_series_with_other_labels_or_none_are_paired_by_position():
    same = pd.Series([1.0, 2.0], index=["x", "y"])
    assert forecast.forecast_errors(same, same).wape == 0
    assert forecast.forecast_errors(same, pd.Series([1.0, 2.0])).wape == 0
    assert forecast.forecast_errors(same, np.array([1.0, 2.0])).wape == 0


def test_errors_of_nothing_are_shown_as_undefined():
    assert repr(forecast.forecast_errors([0, 0], [1, 2])) == "ForecastErrors(n=2, WAPE –, bias –)"
