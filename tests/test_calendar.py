"""Business time: the date where the business is, day counts, and the ends of 52/53-week years."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops._calendar import add_months, business_dates, count_days, week_year_end
from salesops.errors import InvalidInput

UTC = dt.UTC
UNITS = ("s", "ms", "us", "ns")
DAYS = st.dates(min_value=dt.date(1950, 1, 1), max_value=dt.date(2150, 12, 31))


def _refusal(call: Any, *args: Any, **options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        call(*args, **options)
    return caught.value


def _dates(*args: Any, **options: Any) -> list[dt.date | None]:
    return list(business_dates(*args, **options).tolist())


def test_a_deal_closed_after_midnight_utc_belongs_to_the_day_before_in_california() -> None:
    assert _dates(["2024-04-01T02:30:00Z"], zone="America/Los_Angeles") == [dt.date(2024, 3, 31)]
    assert _dates(["2024-04-01T02:30:00Z"], zone="UTC") == [dt.date(2024, 4, 1)]


@pytest.mark.parametrize(
    "times",
    [
        pd.Series(["2024-04-01T02:30:00+00:00", None]),
        pd.Series(pd.to_datetime(["2024-04-01T02:30:00Z", None])),
        pd.DatetimeIndex(["2024-04-01T02:30:00Z", None]),
        [dt.datetime(2024, 4, 1, 2, 30, tzinfo=UTC), None],
        [pd.Timestamp("2024-04-01T02:30:00Z"), pd.NaT],
        (pd.Timestamp("2024-04-01T11:30:00+09:00"), pd.NA),
    ],
    ids=lambda times: type(times).__name__,
)
def test_every_way_to_write_an_instant_gives_the_same_date(times: Any) -> None:
    assert _dates(times, zone="America/Los_Angeles") == [dt.date(2024, 3, 31), None]


@pytest.mark.parametrize(
    "times",
    [
        ["2024-02-29", "2024-02-29T23:59:59", None],
        pd.Series(["2024-02-29", "2024-02-29 10:00", None]),
        np.array(["2024-02-29", "2024-02-29T01:00", "NaT"], dtype="datetime64[ns]"),
        np.array(["2024-02-29", "2024-02-29", "NaT"], dtype="datetime64[D]"),
        [dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 12), float("nan")],
        [np.datetime64("2024-02-29"), pd.Timestamp("2024-02-29 12:00"), np.datetime64("NaT", "us")],
        pd.Series(pd.to_datetime(["2024-02-29", "2024-02-29", None])).astype("datetime64[s]"),
    ],
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_dates_and_local_times_stay_on_their_day(times: Any, zone: str | None) -> None:
    assert _dates(times, zone=zone) == [dt.date(2024, 2, 29), dt.date(2024, 2, 29), None]


def test_times_with_and_without_offset_do_not_mix() -> None:
    times = ["2024-03-31T23:30:00-08:00", "2024-03-31T23:30:00", "2024-03-31"]
    error = _refusal(business_dates, times, zone="UTC", path="credits.date", ids=["'c1'", "'c2'", "'c3'"])
    assert str(error) == (
        "credits.date: 1 problem\n"
        "- credits.date: times with an offset and times without one stand in one column "
        "(row 0 ('c1'): '2024-03-31T23:30:00-08:00', row 1 ('c2'): '2024-03-31T23:30:00'); "
        "give dates, or one time zone for the whole column"
    )


def test_an_instant_needs_the_zone_of_the_business() -> None:
    for times in (["2024-04-01T02:30:00Z"], pd.Series(pd.to_datetime(["2024-04-01T02:30:00Z"]), index=["a"])):
        error = _refusal(business_dates, times)
        assert "zone" in str(error)
        assert "2024-04-01" in str(error)
    assert error.problems[0].rows == ("a",)
    assert _dates(pd.Series(pd.to_datetime([None], utc=True))) == [None]


@pytest.mark.parametrize(
    "form", [list, *(lambda t, u=u: pd.Series(pd.to_datetime(t)).dt.as_unit(u) for u in UNITS)]
)
def test_a_local_time_that_the_clocks_make_ambiguous_or_impossible_is_refused(form: Any) -> None:
    times = form(["2024-11-03T01:30:00", "2024-11-03T03:00:00", "2024-03-10T02:30:00", "2024-11-03T01:15:00"])
    error = _refusal(business_dates, times, zone="America/New_York", path="history.at", ids=list("abcd"))
    twice, never = error.problems
    assert (twice.rows, twice.ids, tuple(value.strip("'") for value in twice.values)) == (
        (0, 3),
        ("a", "d"),
        ("2024-11-03T01:30:00", "2024-11-03T01:15:00"),
    )
    assert never.rows == (2,)
    assert "2024-03-10T02:30:00" in never.values[0]
    assert "ambiguous" in str(error)
    assert "give UTC or an offset" in str(error)


def test_a_column_of_midnights_is_a_column_of_dates() -> None:
    day = "2018-11-04"  # clocks in Sao Paulo jumped over this midnight
    assert _dates(np.array([day], dtype="datetime64[s]"), zone="America/Sao_Paulo") == [dt.date(2018, 11, 4)]


def test_rows_keep_their_place_when_only_some_have_a_time() -> None:
    times = ["2024-11-02", None, "2024-11-03T01:30:00"]
    error = _refusal(business_dates, times, zone="America/New_York", rows=["x", "y", "z"])
    assert error.problems[0].rows == ("z",)


def test_what_is_no_time_is_named_by_row() -> None:
    error = _refusal(business_dates, ["2024-01-01", "soon", 20240101, "2024-02-30"], path="deals.closed_on")
    assert error.problems[0].rows == (1, 2, 3)
    assert "'soon'" in str(error)
    assert "20240101" in str(error)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-11:00"])
def test_an_instant_at_the_edge_of_time_is_refused(time: str) -> None:
    assert "no date or time" in str(_refusal(business_dates, [time], zone="Asia/Tokyo"))


def test_local_times_at_the_edge_of_time_stay_on_their_day() -> None:
    times = np.array(["9999-12-31T23:00", "0001-01-01T01:00"], dtype="datetime64[us]")
    assert _dates(times, zone="America/New_York") == [dt.date(9999, 12, 31), dt.date(1, 1, 1)]


def test_an_unknown_zone_is_refused_with_the_one_that_was_meant() -> None:
    assert "did you mean 'Europe/Berlin'?" in str(_refusal(business_dates, [], zone="europe/berlin"))
    for zone in ("", "../etc/passwd", 3):
        assert "unknown time zone" in str(_refusal(business_dates, [], zone=zone))


def test_input_is_not_changed() -> None:
    times = np.array(["2024-02-29T01:00"], dtype="datetime64[ns]")
    times.flags.writeable = False
    business_dates(times, zone="UTC")
    assert times[0] == np.datetime64("2024-02-29T01:00")


@given(
    st.lists(st.datetimes(min_value=dt.datetime(1950, 1, 1), max_value=dt.datetime(2030, 1, 1))),
    st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]),
)
def test_instants_agree_with_the_standard_library(moments: list[dt.datetime], zone: str) -> None:
    instants = [moment.replace(tzinfo=UTC) for moment in moments]
    expected = [instant.astimezone(ZoneInfo(zone)).date() for instant in instants]
    assert _dates(instants, zone=zone) == expected
    assert _dates(pd.Series(instants, dtype="datetime64[us, UTC]"), zone=zone) == expected


def test_days_of_a_span_are_counted_without_its_end() -> None:
    assert count_days(dt.date(2024, 2, 29), dt.date(2024, 4, 1)) == 32
    assert count_days(dt.date(2024, 1, 1), dt.date(2024, 4, 1)) == 91
    assert count_days(dt.date(2024, 1, 1), dt.date(2024, 1, 1)) == 0


@given(DAYS, st.integers(0, 400), st.sets(DAYS, max_size=5))
def test_working_days_agree_with_counting_on_fingers(start: dt.date, n: int, holidays: set[dt.date]) -> None:
    days = [start + dt.timedelta(days=k) for k in range(n)]
    expected = sum(day.weekday() < 5 and day not in holidays for day in days)
    end = start + dt.timedelta(days=n)
    assert count_days(start, end, by="working", holidays=holidays) == expected


def test_a_day_count_has_a_name() -> None:
    error = _refusal(count_days, dt.date(2024, 1, 1), dt.date(2024, 1, 2), by="workng")
    assert "did you mean 'working'" in str(error)


def test_a_month_later_is_the_last_day_where_the_month_is_shorter() -> None:
    assert add_months(dt.date(2024, 1, 31), 1) == dt.date(2024, 2, 29)
    assert add_months(dt.date(2024, 3, 31), -1) == dt.date(2024, 2, 29)
    assert add_months(dt.date(2023, 11, 30), 3) == dt.date(2024, 2, 29)


@given(DAYS, st.sampled_from(["nearest", "last"]))
def test_a_week_year_ends_on_the_nearest_or_the_last_such_weekday(day: dt.date, rule: Any) -> None:
    end = week_year_end(day, "Saturday", rule)
    assert end.strftime("%A") == "Saturday"
    assert (abs((end - day).days) <= 3) if rule == "nearest" else (0 <= (day - end).days <= 6)
