"""Curves of all segments at once, from a table of deals."""

import datetime as dt
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.forecast import _kernels, competing_risks, outcome_curves, outcomes

START = dt.date(2024, 1, 1)


@st.composite
def tables(draw, max_deals=25):
    rows = []
    for _ in range(draw(st.integers(1, max_deals))):
        created = START + dt.timedelta(days=draw(st.integers(0, 60)))
        outcome = draw(st.sampled_from(["won", "lost", "open", None]))
        closed = created + dt.timedelta(days=draw(st.integers(0, 40))) if outcome in ("won", "lost") else None
        rows.append(
            (created.isoformat(), closed and closed.isoformat(), outcome, draw(st.sampled_from("ab")))
        )
    return pd.DataFrame(rows, columns=["created_on", "closed_on", "outcome", "team"])


def content(result):
    return json.dumps(result.to_dict(), sort_keys=True)


def known(table, day, since=None):
    """Ages, ends and entries as they were on a day, one deal at a time."""
    found = []
    for row in table.itertuples():
        created = dt.date.fromisoformat(row.created_on)
        closed = dt.date.fromisoformat(row.closed_on) if isinstance(row.closed_on, str) else None
        if created > day:
            continue
        end = row.outcome if closed and closed <= day else None
        age = ((closed if end else day) - created).days
        late = 0 if since is None else max((since - created).days - 1, 0)
        if late == 0 or late < age:
            found.append((row.team, age, end, late))
    return found


@pytest.mark.filterwarnings("ignore:at age")
@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 110), st.sampled_from([None, 10, 30]))
def test_every_segment_has_the_curves_of_its_own_deals(table, offset, start):
    day = START + dt.timedelta(days=offset)
    since = None if start is None or start > offset else START + dt.timedelta(days=start)
    result = outcome_curves(table, by="team", as_of=day, observed_from=since)
    rows = known(table, day, since)
    assert result.counts["used"] == len(rows)
    for team, part in zip(result.segments, result.parts, strict=True):
        mine = [row for row in rows if row[0] == team]
        if not mine:
            assert part.n == 0
            continue
        alone = competing_risks(
            [row[1] for row in mine],
            [row[2] for row in mine],
            entry=[row[3] for row in mine],
            causes=["won", "lost"],
            censored=None,
        )
        assert np.array_equal(part.at_risk, alone.at_risk)
        assert np.array_equal(part.share, alone.share)
        assert np.array_equal(part.variance, alone.variance)


@settings(max_examples=40, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(table, random):
    other = table.iloc[random.sample(range(len(table)), len(table))]
    options = {"by": "team", "as_of": "2024-03-01"}
    assert content(outcome_curves(table, **options)) == content(outcome_curves(other, **options))


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 90))
def test_deals_created_after_the_day_change_no_bit(table, offset):
    day = (START + dt.timedelta(days=offset)).isoformat()
    poison = pd.DataFrame(
        {"created_on": ["2030-01-01"], "closed_on": ["2029-01-01"], "outcome": ["Won!"], "team": [None]}
    )
    clean = table[table["created_on"] <= day]
    dirty = pd.concat([poison, table, poison], ignore_index=True)
    one, other = (outcome_curves(rows, by="team", as_of=day).to_dict() for rows in (clean, dirty))
    assert other["counts"].pop("later") - one["counts"].pop("later") == len(table) - len(clean) + 2
    assert one == other


@settings(max_examples=40, deadline=None)
@given(tables())
def test_merging_segments_that_are_the_same_changes_nothing(table):
    twice = pd.concat([table.assign(team="one"), table.assign(team="two")])
    result = outcome_curves(twice, by="team", as_of="2024-03-01")
    one, two = result.parts
    assert one == two
    assert np.array_equal(result.whole.share, one.share)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_counting_segment_by_segment_gives_the_same(table):
    rng = np.random.default_rng(len(table))
    n = len(table)
    segment, age, cause = rng.integers(0, 3, n), rng.integers(0, 9, n), rng.integers(0, 3, n)
    entry = np.minimum(rng.integers(-2, 4, n), age - 1)
    found = []
    for cells in (10**6, 0):
        count = _kernels.SegmentCount(3, 9, 2, n_rows=n, cells=cells)
        for rows in (slice(0, n // 2), slice(n // 2, n)):
            count.add(segment[rows], age[rows], cause[rows], entry[rows])
        found.append(count.exits())
    dense, plain = found
    for one, other in zip(dense, plain, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_counting_in_pieces_changes_no_bit(monkeypatch):
    table = pd.DataFrame(
        {
            "created_on": pd.date_range("2024-01-01", periods=50, freq="7h"),
            "closed_on": pd.date_range("2024-01-03", periods=50, freq="9h"),
            "outcome": ["won", "lost"] * 25,
            "team": ["a", "b", "b", "a", "c"] * 10,
        }
    )
    options = {"by": "team", "as_of": "2024-01-19", "observed_from": "2024-01-05"}
    whole = content(outcome_curves(table, **options))
    monkeypatch.setattr(outcomes, "_CHUNK", 7)
    assert content(outcome_curves(table, **options)) == whole


def test_timestamps_texts_and_zones_fall_on_the_same_days():
    table = pd.DataFrame(
        {
            "created_on": ["2024-01-01", "2024-01-05"],
            "closed_on": ["2024-01-11", None],
            "outcome": ["won", None],
        }
    )
    stamped = table.assign(**{name: pd.to_datetime(table[name]) for name in ("created_on", "closed_on")})
    aware = stamped.assign(
        **{name: stamped[name].dt.tz_localize("America/New_York") for name in ("created_on", "closed_on")}
    )
    plain = content(outcome_curves(table, as_of="2024-02-01"))
    assert plain == content(outcome_curves(stamped, as_of="2024-02-01"))
    assert plain == content(outcome_curves(aware, as_of="2024-02-01", zone="America/New_York"))
    with pytest.raises(InvalidInput, match="time zone is known"):
        outcome_curves(aware, as_of="2024-02-01")


def test_rows_that_cannot_be_placed_are_counted():
    table = {
        "created_on": [None, "2024-01-01", "2024-01-01"],
        "closed_on": [None, None, "2024-01-02"],
        "outcome": ["open", "won", "lost"],
    }
    result = outcome_curves(table, as_of="2024-02-01")
    assert result.counts == {"used": 1, "later": 0, "undated": 1, "unfinished": 1}


def test_all_faults_of_a_table_are_told_at_once():
    table = {
        "deal_id": ["a", "b", "c"],
        "created_on": ["2024-01-05", "2024-01-01", "2024-01-01"],
        "closed_on": ["2024-01-01", "2024-01-02", None],
        "outcome": ["won", "open", "Lost"],
        "team": ["x", None, "y"],
    }
    with pytest.raises(InvalidInput) as caught:
        outcome_curves(table, by="team", as_of="2024-02-01")
    assert [(fault.path, fault.rows) for fault in caught.value.problems] == [
        ("deals.outcome", (2,)),
        ("deals.closed_on", (0,)),
        ("deals.closed_on", (1,)),
        ("deals.team", (1,)),
    ]


def test_a_missing_column_and_a_missing_segment_are_named():
    table = {"created_on": ["2024-01-01"], "closed_on": [None]}
    with pytest.raises(InvalidInput, match="the column is missing"):
        outcome_curves(table, by="team", as_of="2024-02-01")
    with pytest.raises(InvalidInput, match="is not a segment of these curves"):
        outcome_curves(table, as_of="2024-02-01").part("north")
    with pytest.raises(InvalidInput, match="must not be after as_of"):
        outcome_curves(table, as_of="2024-02-01", observed_from="2024-03-01")


def test_curves_travel_and_show_themselves():
    table = pd.DataFrame(
        {
            "created_on": ["2024-01-01"] * 4,
            "closed_on": ["2024-01-11", "2024-01-12", None, None],
            "outcome": ["won", "lost", "open", "open"],
            "team": ["<b>", "x", "x", "<b>"],
        }
    )
    result = outcome_curves(table, by="team", as_of="2024-02-01")
    assert content(pickle.loads(pickle.dumps(result))) == content(result)
    assert "&lt;b&gt;" in result._repr_html_()
    assert len(result.plot().get_lines()) == 2
    assert "By age" in result.explain("x")
    assert result.final()["n"].tolist() == [2, 2, 2, 2]


def test_a_table_without_deals_gives_empty_curves():
    result = outcome_curves(pd.DataFrame({"created_on": [], "closed_on": []}), as_of="2024-02-01")
    assert result.whole.n == 0
