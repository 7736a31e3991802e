"""The door for dated events."""

import datetime as dt
import json
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.forecast import History, funnel
from tests.forecast.logs import STAGES, events, frame

LOG = {
    "deal_id": ["o1", "o1", "o2"],
    "stage": ["new", "won", "new"],
    "entered_on": ["2024-01-01", "2024-02-01", "2024-01-20"],
    "rep_id": ["ann", "ann", "bo"],
}
DEALS = {
    "deal_id": [1, 2, 3, 4],
    "created_on": ["2024-01-01", "2024-01-02", None, "2024-01-04"],
    "closed_on": ["2024-02-01", None, None, None],
    "outcome": ["won", "open", "open", "lost"],
    "amount": [100, 70, 80, 90],
    "stage": ["Closed", "Demo", "Demo", "Closed"],
}


def test_a_snapshot_holds_what_was_known_at_the_end_of_a_day():
    seen = History.from_events(LOG).snapshot("2024-01-20")
    assert seen.to_frame()["stage"].tolist() == ["new", "new"]
    assert seen.as_of == dt.date(2024, 1, 20)


def test_a_snapshot_cannot_be_widened():
    seen = History.from_events(LOG).snapshot("2024-01-20")
    with pytest.raises(InvalidInput, match="as_of: is later than the day of the snapshot"):
        seen.snapshot("2024-02-01")


def test_a_frame_of_a_history_gives_the_same_history():
    history = History.from_events(LOG)
    assert History.from_events(history.to_frame()).to_dict() == history.to_dict()


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, lambda c: pd.DataFrame(c).to_dict("records")])
def test_any_table_with_the_columns_will_do(table):
    assert History.from_events(table(LOG)).to_dict() == History.from_events(LOG).to_dict()


def test_the_table_that_was_given_stays_as_it_is():
    frame = pd.DataFrame(LOG, index=[7, 5, 3])
    before = frame.copy()
    History.from_events(frame).snapshot("2024-01-05")
    pd.testing.assert_frame_equal(frame, before)


def test_a_table_of_current_states_is_refused():
    with pytest.raises(InvalidInput) as caught:
        History.from_events({"deal_id": [1, 2], "stage": ["won", "new"], "close_date": ["2024-01-01", None]})
    assert str(caught.value) == (
        "history: 1 problem\n"
        "- history.entered_on: this is a table of current states, not a history of dated events (one "
        "row for each "
        "deal; columns there: deal_id, stage, close_date); give one row for each event, with its date in "
        "entered_on; facts of which only opening and closing are dated enter through History.from_deals"
    )


def test_the_same_event_with_two_facts_is_refused():
    log = {"deal_id": [1, 1], "stage": ["new", "new"], "entered_on": ["2024-01-01"] * 2, "amount": [5, 6]}
    with pytest.raises(InvalidInput, match=r"history.amount: the same event stands twice .* 5 and 6"):
        History.from_events(log).snapshot("2024-01-01")


def test_times_with_an_offset_fall_on_business_days():
    log = {"deal_id": [1], "stage": ["new"], "entered_on": ["2024-04-01T02:30:00Z"]}
    history = History.from_events(log, zone="America/Los_Angeles")
    assert history.days == (dt.date(2024, 3, 31), dt.date(2024, 3, 31))
    assert str(history.to_frame()["entered_on"][0]) == "2024-03-31 19:30:00-07:00"


def test_naive_and_aware_times_are_never_mixed():
    log = {
        "deal_id": [1, 2],
        "stage": ["new"] * 2,
        "entered_on": ["2024-04-01T02:30:00Z", "2024-04-01T09:00"],
    }
    with pytest.raises(InvalidInput, match="times with an offset and times without one stand in one column"):
        History.from_events(log, zone="UTC")
    with pytest.raises(InvalidInput, match="time zone is known"):
        History.from_events({name: cells[:1] for name, cells in log.items()})


def test_deals_become_their_dated_events_and_the_rest_is_set_aside():
    history = History.from_deals(DEALS, stage="Engaging")
    events = history.to_frame()[["deal_id", "stage"]].values.tolist()
    assert events == [[1, "Engaging"], [1, "won"], [2, "Engaging"]]
    assert history.rejected[["row", "deal_id", "reason"]].values.tolist() == [
        [2, 3, "created_on is missing: the deal cannot be placed in time"],
        [3, 4, "closed_on is missing although the deal is closed"],
    ]
    assert len(DEALS["deal_id"]) == history.to_frame()["deal_id"].nunique() + len(history.rejected)


def test_the_amount_of_a_deal_is_known_from_its_close_on():
    amounts = History.from_deals(DEALS).to_frame()["amount"].astype(float)
    assert np.array_equal(amounts, [np.nan, 100.0, np.nan], equal_nan=True)


def test_rows_set_aside_are_not_known_before_their_date():
    history = History.from_deals(DEALS)
    assert history.snapshot("2024-01-03").rejected["deal_id"].tolist() == [3]
    assert history.snapshot("2024-01-04").rejected["deal_id"].tolist() == [3, 4]


def test_contradictions_between_the_dates_of_a_deal_are_refused_together():
    deals = {
        "deal_id": [1, 2, 2],
        "created_on": ["2024-02-01", "2024-01-01", "2024-01-01"],
        "closed_on": ["2024-01-01", "2024-03-01", None],
        "outcome": ["won", "open", "wno"],
    }
    with pytest.raises(InvalidInput) as caught:
        History.from_deals(deals)
    assert str(caught.value) == (
        "deals: 4 problems\n"
        "- deals.deal_id: the id stands in more than one row (row 1: 2, row 2: 2); keep one row for each id\n"
        "- deals.outcome: unknown choice (row 2 (2): 'wno'); choose one of 'won', 'lost', 'open'; "
        "did you mean 'won'?\n"
        "- deals.closed_on: is before created_on (row 0 (1): created 2024-02-01, closed 2024-01-01)\n"
        "- deals.closed_on: is given for a deal that is not closed (row 1 (2): '2024-03-01'); "
        "a planned close is not an event; leave it out"
    )


def test_ends_have_names_of_their_own():
    with pytest.raises(InvalidInput, match="every end of a deal has its own name"):
        History.from_events(LOG, won="closed", lost="closed")


def test_a_history_travels():
    history = History.from_events(LOG).snapshot("2024-01-20")
    assert pickle.loads(pickle.dumps(history)).to_dict() == history.to_dict()


def test_names_are_escaped_on_the_page():
    page = History.from_events({**LOG, "deal_id": ["<b>", "<b>", "x"]})._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_an_empty_log_is_a_history_without_events():
    history = History.from_events(pd.DataFrame({"deal_id": [], "stage": [], "entered_on": []}))
    assert len(history) == 0
    assert repr(history) == "History(deals=0, events=0)"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 40), st.sampled_from(["won", "lost", "open"])),
        min_size=2,
        max_size=15,
    ),
    st.integers(0, 90),
    st.randoms(use_true_random=False),
)
def test_later_deals_rates_and_the_order_of_rows_leave_no_trace(rows, offset, random):
    start = dt.date(2024, 1, 1)
    day = start + dt.timedelta(days=offset)
    deals = pd.DataFrame(
        [
            {
                "deal_id": f"d{k}",
                "created_on": (start + dt.timedelta(days=begun)).isoformat(),
                "closed_on": (start + dt.timedelta(days=begun + took)).isoformat() if end != "open" else None,
                "outcome": end,
                "amount": 10.0 * k + 1,
                "currency": ["EUR", "USD"][k % 2],
                "team": ["north", "south"][k % 3 == 0],
            }
            for k, (begun, took, end) in enumerate(rows)
        ]
    )
    fx = pd.DataFrame(
        {"base": "USD", "quote": "EUR", "rated_on": ["2023-12-01", "2024-01-20"], "rate": [0.9, 0.8]}
    )
    later_fx = pd.concat([fx, fx.assign(rated_on=["2024-06-01", "2024-07-01"], rate=[5.0, 7.0])])
    poison = deals.assign(
        deal_id=[f"p{k}" for k in range(len(deals))],
        created_on="2024-05-01",
        closed_on="2024-05-02",
        outcome="won",
    ).assign(currency="XXX", team="nowhere", amount=1e12)
    dirty = pd.concat([deals, poison], ignore_index=True)
    dirty = dirty.iloc[random.sample(range(len(dirty)), len(dirty))].reset_index(drop=True)

    def figures(table, rates):
        history = History.from_deals(table, currency="EUR", fx=rates.reset_index(drop=True))
        seen = history.snapshot(day).to_dict()
        result = funnel(history, ["open"], as_of=day, by="team", period="month")
        return json.dumps([seen, result.to_dict()], sort_keys=True)

    assert figures(deals, fx) == figures(dirty, later_fx)


@settings(max_examples=30, deadline=None)
@given(events(), st.integers(1, 30), st.integers(0, 60), st.randoms(use_true_random=False))
def test_deals_that_began_before_their_log_are_the_same_in_any_order_and_without_later_rows(
    rows, before, offset, random
):
    first = {}
    for deal, _, at in rows:
        first[deal] = min(at, first.get(deal, at))
    began = [(dt.date.fromisoformat(first[row[0]]) - dt.timedelta(days=before)).isoformat() for row in rows]
    day = (dt.date(2024, 1, 1) + dt.timedelta(days=offset)).isoformat()
    table = frame(rows).assign(created_on=began)
    shuffled = table.iloc[random.sample(range(len(table)), len(table))]
    known = table[table["entered_on"] <= day]

    def figures(log):
        result = funnel(History.from_events(log), STAGES, as_of=day)
        assert result.counts()["opened_before_log"] == result.tally.deals
        return json.dumps(result.to_dict(), sort_keys=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert figures(table) == figures(shuffled) == figures(known)
