"""A forecast holds one distribution for each unit and answers for the company."""

import attrs
import numpy as np
import pandas as pd
import pytest

from salesops.datasets import make_crm
from salesops.errors import InvalidInput, SalesOpsWarning, show
from salesops.forecast import Distribution, Forecast, History, PipelineForecaster

ANNA = Distribution.of_deals([0.5, 0.2], [100, 1000], deals=["a", "b"])
BERT = Distribution.of_deals([0.9], [300], deals=["c"])
BOTH = Distribution.of_deals([0.5, 0.2, 0.9], [100, 1000, 300], deals=["a", "b", "c"])


@pytest.fixture
def fc():
    return Forecast.from_distributions(
        "2024-03-31",
        "2024-04-30",
        {("company", None): BOTH, ("rep_id", "anna"): ANNA, ("rep_id", "bert"): BERT},
    )


def test_units_add_up_to_the_company(fc):
    frame = fc.to_frame()
    assert frame.loc[frame["level"] == "rep_id", "mean"].sum() == pytest.approx(fc.mean)
    assert fc.levels == ("company", "rep_id")
    assert fc.units("rep_id") == ("anna", "bert")


def test_a_deal_is_taken_out_of_each_of_its_units(fc):
    rest = fc.without("b")
    assert rest.mean == pytest.approx(320)
    assert rest.at("rep_id", "anna").mean == 50
    assert rest.at("rep_id", "bert").mean == 270


def test_an_unknown_unit_is_named_with_the_one_that_was_meant(fc):
    with pytest.raises(InvalidInput, match="did you mean 'anna'"):
        fc.at("rep_id", "ana")
    with pytest.raises(InvalidInput, match="level: is not in this forecast"):
        fc.at("team", "x")
    with pytest.raises(InvalidInput, match="deal: is not in this forecast"):
        fc.without("z")


def test_the_company_must_be_there():
    with pytest.raises(InvalidInput, match="holds the company"):
        Forecast.from_distributions("2024-03-31", "2024-04-30", {("rep_id", "anna"): ANNA})
    with pytest.raises(InvalidInput, match="is a day after as_of"):
        Forecast.from_distributions("2024-03-31", "2024-03-31", {("company", None): ANNA})


def table(rows):
    return pd.DataFrame(rows, columns=["deal_id", "probability", "amount", "mean"])


def test_the_parts_of_a_waterfall_add_up_to_what_moved():
    before = Forecast(
        as_of=pd.Timestamp("2024-03-31").date(),
        until=pd.Timestamp("2024-06-30").date(),
        distributions={("company", None): Distribution.of_deals([0.5, 0.4, 0.3], [100, 200, 300])},
        table=table([("a", 0.5, 100.0, 50.0), ("b", 0.4, 200.0, 80.0), ("c", 0.3, 300.0, 90.0)]),
    )
    closed = pd.DataFrame(
        {
            "deal_id": ["a", "b", "old"],
            "outcome": ["won", "lost", "won"],
            "closed_on": pd.to_datetime(["2024-04-10", "2024-04-12", "2024-01-01"]),
            "amount": [120.0, float("nan"), 999.0],
        }
    )
    now = Forecast(
        as_of=pd.Timestamp("2024-04-30").date(),
        until=pd.Timestamp("2024-06-30").date(),
        distributions={("company", None): Distribution.of_deals([0.2, 0.1], [360, 500])},
        table=table([("c", 0.2, 360.0, 72.0), ("d", 0.1, 500.0, 50.0)]),
        closed=closed,
    )
    amounts = now.waterfall(before).set_index("part")["amount"]
    assert amounts.to_dict() == pytest.approx(
        {
            "previous": 220,
            "created": 50,
            "won": 50,
            "lost": -80,
            "pushed": -30,
            "amount changed": 20 + 12,
            "model": 0,
            "now": 242,
        }
    )
    assert amounts.iloc[:-1].sum() == pytest.approx(amounts.iloc[-1])


@pytest.fixture
def known():
    """A forecast that knows its deals, and the one of four weeks before."""
    history = History.from_events(make_crm(3, ends_on="2021-12-31").history)
    model = PipelineForecaster()
    earlier, later = (model.fit(history, as_of=day) for day in ("2021-09-02", "2021-09-30"))
    return (
        earlier.predict(horizon="2021-10-28"),
        later.predict(horizon="2021-10-28"),
        later.predict(horizon=7),
    )


def test_a_fan_starts_from_what_was_won_and_ends_at_the_quantiles(known):
    _, fc, week = known
    ax = fc.plot_fan(week, since="2021-08-31", target=fc.mean)
    won = fc.closed[fc.closed["outcome"].eq("won") & (fc.closed["closed_on"] > "2021-08-31")]["amount"].sum()
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert won > 0
    assert lines["won so far"][[0, -1]].tolist() == pytest.approx([0, won])
    assert lines["forecast, mean"].tolist() == pytest.approx([won, won + week.mean, won + fc.mean])
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in ax.collections]
    assert tops == pytest.approx([won + fc.quantile(q) for q in (0.975, 0.9, 0.75)])


def test_a_fan_says_which_won_deals_have_no_amount(known):
    fc = known[1]
    closed = fc.closed.copy()
    won = closed.index[closed["outcome"].eq("won") & (closed["closed_on"] > "2021-08-31")]
    known_total = closed.loc[won[1:], "amount"].sum()
    closed.loc[won[0], "amount"] = np.nan
    partly = attrs.evolve(fc, closed=closed)
    who = show(closed.loc[won[0], "deal_id"])
    with pytest.warns(SalesOpsWarning, match=f"1 won deal of unknown amount is not in .*: {who};"):
        ax = partly.plot_fan(since="2021-08-31")
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert lines["won so far\nwithout 1 deal of unknown amount"][-1] == pytest.approx(known_total)


def test_the_bars_of_a_waterfall_reach_from_one_total_to_the_next(known):
    earlier, fc, _ = known
    table = fc.waterfall(earlier)
    bars = fc.plot_waterfall(earlier).patches
    assert [bar.get_height() for bar in bars] == pytest.approx(table["amount"].tolist(), abs=1e-6)
    ends = [bar.get_y() + bar.get_height() for bar in bars]
    assert [bar.get_y() for bar in bars] == pytest.approx([0, *ends[:-2], 0], abs=1e-6)
    assert ends[-2] == pytest.approx(ends[-1])


def test_a_fan_takes_only_forecasts_of_its_own_day(known, fc):
    with pytest.raises(InvalidInput, match="others: are forecasts as of 2024-03-31"):
        fc.plot_fan(known[1])
    with pytest.raises(InvalidInput, match="since: is before 2024-03-31"):
        fc.plot_fan(since="2024-03-31")


def test_a_card_names_its_quantiles_as_a_reader_would(fc):
    shown = fc._repr_html_()
    assert "2.5 %" in shown
    assert "median" in shown
    assert "q500" not in shown
