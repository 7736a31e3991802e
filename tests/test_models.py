"""Values at birth: what is refused, round trips, and periods of fiscal calendars."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from salesops import models
from salesops.errors import InvalidInput
from salesops.models import (
    Account,
    FiscalCalendar,
    Lead,
    Opportunity,
    Period,
    Person,
    Rep,
    Territory,
    check_periods,
)

DAY = dt.timedelta(days=1)
DEAL = {"deal_id": "d1", "rep_id": "r1", "currency": "USD", "created_on": "2026-01-15"}


def _refusal(call: Any, *args: Any, **options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        call(*args, **options)
    return caught.value


def _paths(error: InvalidInput) -> list[str]:
    return [problem.path for problem in error.problems]


def _all_days(start: dt.date, end: dt.date) -> Iterable[dt.date]:
    return (start + k * DAY for k in range((end - start).days))


SAMPLES = [
    Rep(rep_id=1, capacity=40, person_id="p1", team="North", manager_id=2, skills=["x"], languages=["de"],
        country="DE", segment="SMB", started_on="2020-02-29", ended_on="2024-01-01"),
    Rep(rep_id="r1", capacity=0),
    Account(account_id="a1", name="Ännë", parent_id="a0", country="FR", segment="S", industry="retail"),
    Person(person_id="p", name="Ann", title="CEO", account_id="a1", country="US"),
    Lead(lead_id=1, value=0.1, workload=2, person_id="p", account_id=4, requires=["x"], segment="S"),
    Opportunity(**DEAL),
    Opportunity(**DEAL, account_id=3, amount="-12.50", closed_on="2026-01-15", outcome="won", segment="S"),
    Territory(rep_id="r1", lead_ids=["l1", 2], name="North"),
    Territory(rep_id="r1", lead_ids=()),
    Period(name="P", start="2024-01-01", end="2024-01-02"),
    FiscalCalendar(),
    FiscalCalendar(scheme="4-4-5", year_start="2023-01-29", weeks=53, long_period=3, named_by="end"),
]  # fmt: skip


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: type(value).__name__)
def test_every_model_survives_json_fits_its_schema_and_can_be_hashed_and_sent(value: Any) -> None:
    document = json.loads(json.dumps(value.to_dict()))
    assert type(value).from_dict(document) == value
    assert type(value).from_json(value.to_json()) == value
    schema = type(value).json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert not Draft202012Validator(schema).is_valid({**document, "colour": "red"})
    assert hash(value) == hash(type(value).from_dict(document))
    assert pickle.loads(pickle.dumps(value)) == value
    assert not hasattr(value, "__dict__")
    assert all(field.metadata["salesops"].text for field in attrs.fields(type(value)))


def test_every_public_model_has_a_sample() -> None:
    named = {name for name in models.__all__ if isinstance(getattr(models, name), type)}
    assert named - {"Limits"} == {type(value).__name__ for value in SAMPLES}


def test_help_lists_the_fields_of_a_model() -> None:
    assert "person_id : Hashable, default rep_id\n    The same person in the network of ties." in str(
        Rep.__doc__
    )
    assert str(Rep.__doc__).index("Parameters") < str(Rep.__doc__).index("Examples")


@pytest.mark.parametrize("bad", [None, float("nan"), "", True, np.bool_(True), pd.NA, pd.NaT, ["a"], {}])
def test_an_id_is_there_and_is_no_flag(bad: object) -> None:
    assert _paths(_refusal(Rep, rep_id=bad, capacity=1)) == ["rep_id"]
    assert _paths(_refusal(Person, person_id=bad)) == ["person_id"]
    assert _paths(_refusal(Territory, rep_id="r", lead_ids=["x", bad])) == ["lead_ids[1]"]


def test_ids_of_any_hashable_kind_are_kept_as_they_are() -> None:
    for rep_id in (7, "7", ("a", 7), Decimal(7), frozenset({1})):
        rep = Rep(rep_id=rep_id, capacity=1)
        assert rep.rep_id is rep_id
        assert rep.person_id is rep_id


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), "40", True, None])
def test_a_capacity_is_a_finite_number_of_0_or_more(bad: object) -> None:
    assert _paths(_refusal(Rep, rep_id="r", capacity=bad)) == ["capacity"]


def test_a_rep_does_not_end_before_the_start_nor_manage_themselves() -> None:
    error = _refusal(
        Rep, rep_id=1, capacity=1, manager_id=1, started_on="2024-02-01", ended_on=dt.date(2024, 1, 1)
    )
    assert str(error) == (
        "Rep: 2 problems\n"
        "- ended_on: ended before it started (2024-01-01, 2024-02-01)\n"
        "- manager_id: nobody manages themselves (1)"
    )


def test_an_account_does_not_own_itself() -> None:
    assert _paths(_refusal(Account, account_id="a", parent_id="a")) == ["parent_id"]


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"closed_on": "2026-01-14", "outcome": "lost"}, ["closed_on"]),
        ({"closed_on": "2026-02-01"}, ["closed_on"]),
        ({"outcome": "lost"}, ["closed_on"]),
        ({"outcome": "won"}, ["amount", "closed_on"]),
        ({"outcome": "Won"}, ["outcome"]),
        ({"outcome": "won", "closed_on": "soon", "amount": 0.1}, ["amount", "closed_on"]),
        ({"currency": "usd"}, ["currency"]),
        ({"currency": "ＵＳＤ"}, ["currency"]),
        ({"created_on": dt.datetime(2026, 1, 15)}, ["created_on"]),
    ],
)
def test_a_deal_does_not_contradict_itself(changes: dict[str, Any], paths: list[str]) -> None:
    assert _paths(_refusal(Opportunity, **{**DEAL, **changes})) == paths


def test_a_lead_stands_in_a_territory_once() -> None:
    fault = _refusal(Territory, rep_id="r", lead_ids=["a", "b", "a", "a"]).problems[0]
    assert (fault.path, fault.rows, fault.values) == ("lead_ids", (2, 3), ("'a'", "'a'"))


def test_a_territory_may_hold_more_leads_than_a_list_of_rules() -> None:
    territory = Territory(rep_id="r", lead_ids=range(20_000))
    assert Territory.from_json(territory.to_json()) == territory


def test_a_period_is_half_open() -> None:
    period = Period(name="2024-Q1", start="2024-01-01", end="2024-04-01")
    assert period.days == 91
    assert [period.contains(day) for day in ("2023-12-31", "2024-01-01", "2024-03-31", "2024-04-01")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert "a period ends after it starts" in str(
        _refusal(Period, name="x", start="2024-01-01", end="2024-01-01")
    )
    assert _paths(_refusal(period.contains, dt.datetime(2024, 1, 1))) == ["date"]


@pytest.mark.parametrize(
    ("year", "last_day", "weeks"),
    [
        (2016, "2017-01-28", 52), (2017, "2018-02-03", 53), (2018, "2019-02-02", 52),
        (2012, "2013-02-02", 53), (2022, "2023-01-28", 52), (2023, "2024-02-03", 53),
    ],
)  # fmt: skip
def test_the_retail_calendar_ends_on_the_saturday_nearest_31_january(
    year: int, last_day: str, weeks: int
) -> None:
    (period,) = FiscalCalendar(scheme="4-5-4", first_month=2).periods(year, by="year")
    assert period.end - DAY == dt.date.fromisoformat(last_day)
    assert period.days == 7 * weeks


def test_a_stated_year_of_53_weeks_has_every_day_in_one_of_twelve_periods() -> None:
    calendar = FiscalCalendar(scheme="4-4-5", year_start="2023-01-29", weeks=53)
    periods = calendar.periods(2023)
    assert [period.days // 7 for period in periods] == [4, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 6]
    assert sum(period.days for period in periods) == 371
    assert periods[0].name == "FY2023-P01"
    for day in _all_days(dt.date(2023, 1, 29), dt.date(2024, 2, 4)):
        assert sum(period.contains(day) for period in periods) == 1
    assert [period.days // 7 for period in calendar.periods(2023, by="quarter")] == [13, 13, 13, 14]


def test_the_53rd_week_sits_where_the_calendar_says() -> None:
    calendar = FiscalCalendar(scheme="5-4-4", year_start="2023-01-29", weeks=53, long_period=1)
    assert [period.days // 7 for period in calendar.periods(2023)][:3] == [6, 4, 4]


def test_a_stated_year_reaches_no_further() -> None:
    calendar = FiscalCalendar(scheme="4-4-5", year_start="2023-01-29", weeks=52)
    assert _paths(_refusal(calendar.periods, 2024)) == ["fiscal_year"]
    assert "2024-01-28" in str(_refusal(calendar.period_of, "2024-01-28"))
    error = _refusal(
        calendar.labels, pd.Series(pd.to_datetime(["2023-02-01", "2023-01-28", None]), index=list("abc"))
    )
    assert [problem.rows for problem in error.problems] == [("c",), ("b",)]
    assert "2023-01-28" in str(error)


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({"scheme": "4-4-6"}, ["scheme"]),
        ({"first_month": 13, "long_period": 0}, ["first_month", "long_period"]),
        ({"year_start": "2023-01-01", "weeks": 52}, ["year_start"]),
        ({"scheme": "4-4-5", "weeks": 54}, ["weeks"]),
        ({"scheme": "4-4-5", "weeks": 52}, ["weeks"]),
        ({"scheme": "4-4-5", "year_start": "2023-01-01"}, ["weeks"]),
        ({"scheme": "4-4-5", "year_start": "0023-01-01", "weeks": 52}, ["year_start"]),
        ({"year_end_weekday": "saturday"}, ["year_end_weekday"]),
    ],
)
def test_a_calendar_does_not_contradict_itself(options: dict[str, Any], paths: list[str]) -> None:
    assert _paths(_refusal(FiscalCalendar, **options)) == paths


def test_periods_are_called_as_people_call_them() -> None:
    plain, july = FiscalCalendar(), FiscalCalendar(first_month=7)
    by_end = FiscalCalendar(first_month=7, named_by="end")
    assert [plain.period_of("2026-08-31", by=by).name for by in ("month", "quarter", "year")] == [
        "2026-08", "2026-Q3", "2026",
    ]  # fmt: skip
    assert [july.period_of("2026-08-31", by=by).name for by in ("month", "quarter", "year")] == [
        "FY2026-P02", "FY2026-Q1", "FY2026",
    ]  # fmt: skip
    assert by_end.period_of("2026-08-31", by="year").name == "FY2027"
    assert by_end.periods(2027, by="year")[0].start == dt.date(2026, 7, 1)


def test_years_that_end_near_december_are_called_after_the_year_they_fill() -> None:
    calendar = FiscalCalendar(scheme="4-4-5")
    assert calendar.period_of("2021-01-02", by="year").name == "FY2020"
    assert calendar.period_of("2021-01-03", by="year").name == "FY2021"
    assert (
        FiscalCalendar(scheme="4-4-5", year_start="2023-12-31", weeks=52).period_of("2023-12-31").name
        == "FY2024-P01"
    )


CALENDARS = st.builds(
    FiscalCalendar,
    scheme=st.sampled_from(["month", "4-4-5", "4-5-4", "5-4-4"]),
    first_month=st.integers(1, 12),
    named_by=st.sampled_from(["start", "end"]),
    year_end_weekday=st.sampled_from(["Saturday", "Sunday", "Friday"]),
    year_end_rule=st.sampled_from(["nearest", "last"]),
    long_period=st.integers(1, 12),
)
BY = st.sampled_from(["month", "quarter", "year"])


@given(CALENDARS, st.integers(1950, 2150), BY)
def test_years_follow_each_other_without_gap_and_have_whole_parts(
    calendar: FiscalCalendar, year: int, by: Any
) -> None:
    periods = [*calendar.periods(year, by=by), *calendar.periods(year + 1, by=by)]
    assert all(left.end == right.start for left, right in pairwise(periods))
    assert len(periods) == 2 * {"month": 12, "quarter": 4, "year": 1}[by]
    assert len({period.name for period in periods}) == len(periods)
    assert check_periods(reversed(periods)) == tuple(periods)
    if calendar.scheme != "month":
        days = sum(period.days for period in calendar.periods(year, by=by))
        assert days in (364, 371)
        assert (periods[-1].end - DAY).strftime("%A") == calendar.year_end_weekday


@given(CALENDARS, st.lists(st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)), max_size=8), BY)
def test_a_label_is_the_name_of_the_one_period_that_has_the_day(
    calendar: FiscalCalendar, days: list[dt.date], by: Any
) -> None:
    labels = calendar.labels(np.array(days, dtype="datetime64[D]"), by=by)
    assert labels.tolist() == [calendar.period_of(day, by=by).name for day in days]
    for day in days:
        near = [p for year in range(day.year - 2, day.year + 3) for p in calendar.periods(year, by=by)]
        assert [period.name for period in near if period.contains(day)] == [
            calendar.period_of(day, by=by).name
        ]


@given(CALENDARS, st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)), st.integers(1, 900), BY)
def test_periods_between_are_those_of_its_days(
    calendar: FiscalCalendar, start: dt.date, n: int, by: Any
) -> None:
    found = calendar.periods_between(start, start + n * DAY, by=by)
    assert found[0].contains(start)
    assert found[-1].contains(start + (n - 1) * DAY)
    assert all(left.end == right.start for left, right in pairwise(found))


def test_labels_take_columns_of_any_kind_and_keep_their_order() -> None:
    days = ["2026-08-01", "2026-07-31"]
    for column in (days, pd.Series(days), pd.to_datetime(pd.Series(days)), pd.DatetimeIndex(days)):
        assert FiscalCalendar().labels(column).tolist() == ["2026-08", "2026-07"]
    assert FiscalCalendar().labels([]).tolist() == []


def test_what_a_calendar_is_asked_must_make_sense() -> None:
    calendar = FiscalCalendar()
    assert "did you mean 'month'" in str(_refusal(calendar.periods, 2026, by="Month"))
    assert _paths(_refusal(calendar.periods, 99)) == ["fiscal_year"]
    assert _paths(_refusal(calendar.periods, "2026")) == ["fiscal_year"]
    assert _paths(_refusal(calendar.period_of, "1899-12-31")) == ["date"]
    assert _paths(_refusal(calendar.periods_between, "2026-01-01", "2026-01-01")) == ["end"]


def test_a_day_in_no_period_is_named() -> None:
    error = _refusal(check_periods, [["2024-01-01", "2024-03-31"], ["2024-04-01", "2024-07-01"]])
    assert str(error) == ("periods: 1 problem\n- periods[1]: days belong to no period (2024-03-31)")


def test_days_in_two_periods_and_names_used_twice_are_named() -> None:
    periods = [
        Period(name="year", start="2024-01-01", end="2025-01-01"),
        Period(name="a", start="2024-03-01", end="2024-04-01"),
        Period(name="a", start="2025-01-03", end="2026-01-01"),
    ]
    error = _refusal(check_periods, periods)
    assert [(problem.path, problem.values) for problem in error.problems] == [
        ("periods[1]", ("2024-03-01 to 2024-03-31",)),
        ("periods[2]", ("2025-01-01 to 2025-01-02",)),
        ("periods[2].name", ("'a'",)),
    ]


def test_periods_that_cannot_be_read_are_named() -> None:
    error = _refusal(check_periods, [("2024-01-01", "soon"), {"name": "x"}, 3])
    assert _paths(error) == ["periods[0].end", "periods[1].start", "periods[1].end", "periods[2]"]
    assert check_periods([]) == ()
    assert _paths(_refusal(check_periods, 3)) == ["periods"]


@pytest.mark.parametrize("column", ["2024-01-01", 3, None, dt.date(2024, 1, 1), np.zeros((2, 2)), [[1], [2]]])
def test_labels_are_for_columns(column: object) -> None:
    assert set(_paths(_refusal(FiscalCalendar().labels, column))) == {"dates"}
