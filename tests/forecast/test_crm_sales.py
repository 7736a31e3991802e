"""The funnel of a real pipeline, as bundled; figures are plain counts and those of two survival libraries."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from salesops import datasets
from salesops.forecast import History, funnel

CASES = {case["id"]: case for case in json.loads(Path(__file__).with_name("cases.json").read_text())}


@pytest.fixture(scope="module")
def deals():
    return datasets.crm_sales().deals


@pytest.fixture(scope="module")
def history(deals):
    return History.from_deals(deals, stage="engaging")


def test_every_deal_is_in_the_history_or_set_aside_with_the_reason(deals, history):
    assert len(history.rejected) == CASES["crm-01"]["expected"]["prospecting_without_engage_date"]
    assert set(history.rejected["reason"]) == {"created_on is missing: the deal cannot be placed in time"}
    assert history.to_frame()["deal_id"].nunique() + len(history.rejected) == len(deals)


def test_plain_counts_and_won_value_by_quarter(history):
    expected = CASES["crm-01"]["expected"]
    result = funnel(history, ["engaging"], period="quarter")
    assert (result.won, result.lost, result.open) == (
        expected["won"],
        expected["lost"],
        expected["engaging"],
    )
    assert result.win_rates()[0].value == float(Fraction(expected["win_rate"]))
    quarters = result.periods().set_index("period")["won_amount"]
    assert {name.replace("-", ""): value for name, value in quarters.items() if value} == expected[
        "won_value"
    ]


@pytest.mark.parametrize("day", ["2017-06-30", "2017-09-30", "2017-12-31"])
def test_open_deals_as_of_a_day(history, day):
    expected = CASES["crm-01"]["expected"]["open_as_of"][day]
    assert funnel(history, ["engaging"], as_of=day).open == expected
    assert funnel(history.snapshot(day), ["engaging"]).open == expected


@pytest.mark.parametrize(
    ("variant", "observed_from"), [("without_entry", None), ("with_entry", "2017-03-01")]
)
def test_shares_won_and_lost_by_age(history, variant, observed_from):
    case = CASES["crm-02"]
    result = funnel(history, ["engaging"], as_of=case["input"]["as_of"], observed_from=observed_from)
    for state, by_age in case["expected"][variant].items():
        for age, share in by_age.items():
            assert result.curves.at(float(age))[state][0] == pytest.approx(share, abs=case["tolerance"])


def test_products_add_up_to_the_company(history):
    whole = funnel(history, ["engaging"])
    parts = funnel(history, ["engaging"], by="product")
    assert parts.to_frame()[["entered", "converted", "lost", "open"]].sum().tolist() == [
        whole.tally.deals,
        whole.won,
        whole.lost,
        whole.open,
    ]


def test_the_bundled_events_give_the_same_funnel(history):
    events = History.from_events(datasets.crm_sales().history())
    one, other = funnel(events, ["engaging"]), funnel(history, ["engaging"])
    assert one.measures == other.measures
