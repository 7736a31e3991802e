"""Expected close dates that move."""

import datetime as dt
import json
import pickle
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.forecast import History, slippage
from salesops.models import FiscalCalendar

START = dt.date(2024, 1, 1)


@st.composite
def logs(draw, max_deals=10):
    """Rows (deal, stage, day, expected close), with stages that repeat when only the date moves."""
    rows = []
    for deal in range(draw(st.integers(1, max_deals))):
        at = START + dt.timedelta(days=draw(st.integers(0, 60)))
        for _ in range(draw(st.integers(1, 5))):
            wait = draw(st.one_of(st.none(), st.integers(-20, 80)))
            rows.append((f"d{deal}", "new", at, None if wait is None else at + dt.timedelta(days=wait)))
            at += dt.timedelta(days=draw(st.integers(1, 30)))
        if draw(st.booleans()):
            rows.append((f"d{deal}", draw(st.sampled_from(["won", "lost"])), at, None))
    return rows


def table(rows):
    text = [(d, s, at.isoformat(), None if e is None else e.isoformat()) for d, s, at, e in rows]
    return pd.DataFrame(text, columns=["deal_id", "stage", "entered_on", "expected_close"])


def content(result):
    return json.dumps(result.to_dict(), sort_keys=True)


def due_by_hand(rows, start, end):
    """Due, won, lost, slipped of one period, one deal at a time."""
    found = [0, 0, 0, 0]
    for deal in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == deal]
        close = next(((at, stage) for _, stage, at, _ in mine if stage in ("won", "lost")), None)
        said = [e for _, stage, at, e in mine if at < start and stage == "new" and e is not None]
        if not said or not start <= said[-1] < end or (close and close[0] < start):
            continue
        found[0] += 1
        if close and close[0] < end:
            found[1 if close[1] == "won" else 2] += 1
        else:
            found[3] += 1
    return found


@settings(max_examples=40, deadline=None)
@given(logs())
def test_deals_due_are_those_that_said_so_before_the_period(rows):
    as_of = dt.date(2024, 9, 30)
    result = slippage(History.from_events(table(rows)), as_of=as_of, period="month")
    known = [row for row in rows if row[2] <= as_of]
    for row in result.due.itertuples():
        start = row.starts_on.date()
        end = (pd.Timestamp(start) + pd.offsets.MonthBegin(1)).date()
        assert [row.due, row.won, row.lost, row.slipped] == due_by_hand(known, start, end)


@settings(max_examples=40, deadline=None)
@given(logs(), st.integers(0, 200))
def test_pushes_are_counted_deal_by_deal(rows, offset):
    day = START + dt.timedelta(days=offset)
    result = slippage(History.from_events(table(rows)), as_of=day)
    by_deal = {}
    for deal, stage, at, expected in rows:
        if at <= day and stage == "new" and expected is not None:
            by_deal.setdefault(deal, []).append(expected)
    assert result.to_frame()["deal_id"].tolist() == sorted(by_deal)
    for row in result.to_frame().itertuples():
        said = by_deal[row.deal_id]
        steps = [(later - earlier).days for earlier, later in pairwise(said)]
        assert row.n_pushes == sum(step > 0 for step in steps)
        assert row.n_pulls == sum(step < 0 for step in steps)
        assert row.days_moved == sum(steps)


@settings(max_examples=40, deadline=None)
@given(logs(), logs(), st.integers(0, 200), st.randoms(use_true_random=False))
def test_rows_dated_after_the_day_and_their_order_change_no_bit(rows, poison, offset, random):
    day = START + dt.timedelta(days=offset)
    clean = table([row for row in rows if row[2] <= day])
    later = table([row for row in rows if row[2] > day])
    junk = table(poison).assign(entered_on="2031-01-01", expected_close="not a date", stage="?")
    dirty = pd.concat([junk.drop_duplicates(["deal_id"]), clean, later], ignore_index=True)
    dirty = dirty.iloc[random.sample(range(len(dirty)), len(dirty))]
    one = slippage(History.from_events(clean), as_of=day)
    other = slippage(History.from_events(dirty), as_of=day)
    assert content(one) == content(other)


def pushed_log():
    return pd.DataFrame(
        [
            ("a", "new", "2024-01-02", "2024-03-15", 100.0, "north"),
            ("a", "new", "2024-03-10", "2024-04-20", 120.0, "north"),
            ("a", "won", "2024-04-18", None, 120.0, "north"),
            ("b", "new", "2024-01-02", "2024-03-20", 50.0, "south"),
            ("b", "won", "2024-03-01", None, 50.0, "south"),
            ("c", "new", "2024-01-02", None, 70.0, "south"),
        ],
        columns=["deal_id", "stage", "entered_on", "expected_close", "amount", "team"],
    )


def test_amounts_and_rates_follow_the_deals():
    result = slippage(pushed_log(), as_of="2024-04-30", period="month")
    march = result.due.set_index("period").loc["2024-03"]
    assert march[["due", "won", "slipped"]].tolist() == [2, 1, 1]
    assert march[["due_amount", "won_amount", "slipped_amount"]].tolist() == [150.0, 50.0, 100.0]
    assert result.n_undated == 1
    rates = result.rates().set_index("measure")
    assert rates.loc["pushed at least once", ["hits", "n"]].tolist() == [1, 2]
    assert rates.loc["slipped", ["hits", "n"]].tolist() == [1, 3]
    assert result.by_pushes()[["deals", "won"]].values.tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert slippage(pushed_log(), by="team").rates()["team"].tolist() == ["north"] * 2 + ["south"] * 2


def test_periods_follow_the_fiscal_calendar():
    weeks = FiscalCalendar(scheme="4-4-5")
    names = slippage(pushed_log(), as_of="2024-04-30", calendar=weeks).due["period"].tolist()
    assert names[0] == "FY2024-P01"
    assert slippage(pushed_log(), as_of="2024-07-02").due["period"].tolist() == ["2024-Q1", "2024-Q2"]


def test_a_period_that_is_not_over_is_not_counted():
    assert slippage(pushed_log(), as_of="2024-03-30", period="month").due["period"].tolist() == [
        "2024-01",
        "2024-02",
    ]


def test_a_log_without_the_column_or_with_what_is_no_date_is_refused():
    with pytest.raises(InvalidInput, match="the column is missing"):
        slippage(pushed_log().drop(columns="expected_close"))
    with pytest.raises(InvalidInput, match="is no date or time"):
        slippage(pushed_log().assign(expected_close="soon"))
    with pytest.raises(InvalidInput, match="must be stated for a history without events"):
        slippage({"deal_id": [], "stage": [], "entered_on": [], "expected_close": []})


def test_nothing_due_leaves_the_rate_undefined_with_the_reason():
    result = slippage(pushed_log().head(1), as_of="2024-01-31", period="month")
    assert result.due["reason"].tolist() == ["no deal was due"]
    assert result.rates().set_index("measure").loc["slipped", "reason"].startswith("no deal was due")


def test_slippage_travels_and_shows_itself():
    result = slippage(pushed_log(), period="month")
    assert content(pickle.loads(pickle.dumps(result))) == content(result)
    assert "by pushes" in result._repr_html_()
    assert "pushed 1 times" in result.explain("a")
    with pytest.raises(InvalidInput, match="stated no expected close"):
        result.explain("c")
