"""What nobody can mean is refused with its rows named; what is unknown is not taken for 0."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from salesops import forecast
from salesops.errors import InvalidInput
from tests.forecast.logs import frame

HALF = forecast.Distribution.of_deals([0.5, 0.2], [10, 20], deals=["a", 1])


def problem(verb, *given, **more):
    with pytest.raises(InvalidInput) as caught:
        verb(*given, **more)
    (found,) = caught.value.problems
    return found


def test_a_win_rate_that_nobody_knows_is_not_a_win_rate_of_0():
    nobody = forecast.coverage(100, 50, forecast.win_rate(0, 0))
    assert nobody.ratio == 2.0
    assert all(math.isnan(x) for x in (nobody.expected, nobody.share, nobody.required))
    assert nobody.reason == "the win rate is undefined (no closed opportunity)"
    both = forecast.coverage(100, 0, forecast.win_rate(0, 0))
    assert both.reason == "no quota remains and the win rate is undefined (no closed opportunity)"
    never = forecast.coverage(100, 50, forecast.win_rate(0, 5))
    assert (never.expected, never.reason) == (0.0, "the win rate is 0")


def test_all_accounts_without_an_amount_are_named():
    with pytest.raises(InvalidInput) as caught:
        forecast.retention({"a": -1, "b": 5, "c": None}, {"b": "x"})
    told = [(found.path, found.rows, found.values) for found in caught.value.problems]
    assert told == [("start", ("a", "c"), ("-1", "None")), ("end", ("b",), ("'x'",))]


@pytest.mark.parametrize(
    ("verb", "given", "path", "rows"),
    [
        (forecast.pit, ([HALF, 3], [1, 2]), "forecasts", (1,)),
        (forecast.crps_normal, (0, [1, -1, -2], 0), "deviation", (1, 2)),
        (forecast.interval_coverage, ([1, 2, 3], [3, 0, 9], [2, 3, 4]), "lower", (0, 2)),
        (forecast.reliability, ([0.2, 1.2, -1], [0, 1, 1]), "probabilities", (1, 2)),
        (forecast.reliability, ([0.2, 0.3], [0, 2]), "outcomes", (1,)),
        (forecast.rate_interval, ([5, 1, 4], [3, 3, 3]), "wins", (0, 2)),
        (forecast.pooled_rates, ([5, 1, 4], [3, 3, 3]), "hits", (0, 2)),
    ],
)
def test_every_row_that_cannot_be_is_named(verb, given, path, rows):
    found = problem(verb, *given)
    assert (found.path, tuple(found.rows), len(found.values)) == (path, rows, len(rows))


def test_a_single_distribution_is_no_list_of_them():
    assert problem(forecast.pit, HALF, [1]).message == "is a list of distributions"


def test_series_that_name_the_same_things_in_another_order_are_not_paired_by_place():
    actual = pd.Series([1.0, 2.0, 5.0], index=["a", "b", "c"])
    other = pd.Series([2.0, 1.0, 5.0], index=["b", "a", "c"])
    found = problem(forecast.forecast_errors, actual, other)
    assert (found.path, tuple(found.rows)) == ("forecast", (0, 1))
    assert found.hint == "pass forecast.reindex(actual.index)"
    assert forecast.forecast_errors(actual, other.reindex(actual.index)).wape == 0.0
    assert forecast.forecast_errors(actual, pd.Series([1.0, 2.0, 5.0])).wape == 0.0
    assert problem(forecast.Distribution.of_deals, actual / 10, other).path == "amounts"


def test_frames_of_a_chain_bring_their_names_and_must_agree_on_the_order():
    between = pd.DataFrame([[0.0, 0.5], [0.2, 0.0]], index=["new", "demo"], columns=["new", "demo"])
    ends = pd.DataFrame([[0.0, 0.5], [0.6, 0.2]], index=["new", "demo"], columns=["won", "lost"])
    chain = forecast.absorbing_chain(between, ends)
    assert (chain.transient, chain.absorbing) == (("new", "demo"), ("won", "lost"))
    assert chain.absorption[0, 0] == pytest.approx(0.3 / 0.9)
    assert problem(forecast.absorbing_chain, between, ends[::-1]).path == "into_ends"
    assert problem(forecast.absorbing_chain, between[["demo", "new"]], ends).path == "between"


def test_names_stand_once():
    assert problem(forecast.pooled_rates, [1, 2], [3, 3], segments=["a", "a"]).rows == (0, 1)
    assert forecast.pooled_rates([1, 2], [3, 3], segments=[1, "1"]).segments == (1, "1")
    base = pd.Series([100, 50, 56, 99], index=["total", "north", "south", "south"])
    tree = {"total": ["north", "south"]}
    assert problem(forecast.reconcile, base, tree).values == ("'south'", "'south'")
    past = pd.DataFrame(np.eye(4), columns=["total", "north", "south", "south"])
    assert (
        problem(forecast.reconcile, base[:3], tree, method="mint_shrink", residuals=past).path == "residuals"
    )
    uneven = problem(forecast.reconcile, {"total": [1, 2], "north": [1], "south": [1, 1]}, tree)
    assert uneven.values == ("'total': 2", "'north': 1", "'south': 2")


def test_open_is_no_cause_and_nan_is_no_edge():
    found = problem(
        forecast.competing_risks, [1, 2], ["won", "open"], causes=["won", "open"], censored="open"
    )
    assert found.path == "causes"
    found = problem(forecast.attainment, {"rep_id": [1], "quota": [1], "booked": [1]}, edges=[0, math.nan])
    assert found.path == "edges"


def test_capacity_takes_a_fiscal_calendar_or_none():
    found = problem(forecast.capacity, 3, productivity=1, as_of="2026-01-01", calendar="2026")
    assert "FiscalCalendar" in found.hint


def test_a_distribution_is_asked_for_any_target_and_any_deal():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert HALF.probability_of([-math.inf, math.inf]).tolist() == [1.0, 0.0]
    assert problem(HALF.without, ["a"]).path == "deal"
    assert HALF.place(["a"]) is None


@pytest.mark.parametrize(("won", "stage"), [("won", "Won"), ("Closed Won", "closed won ")])
def test_an_end_that_is_spelt_otherwise_is_not_taken_for_a_stage(won, stage):
    log = frame([("o1", "new", "2024-01-01"), ("o1", stage, "2024-02-01"), ("o2", "new", "2024-01-02")])
    found = problem(forecast.History.from_events, log, won=won)
    assert (tuple(found.rows), found.suggestions) == ((1,), (repr(won),))
    assert len(forecast.History.from_events(log, won=stage)) == 3


def test_curves_of_nobody_are_written_without_a_gap():
    assert repr(forecast.competing_risks([], [])) == "IncidenceCurves(n=0, open=0)"
