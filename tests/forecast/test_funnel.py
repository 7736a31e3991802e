"""The funnel as it was on a day."""

import datetime as dt
import json
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import InvalidInput
from salesops.forecast import History, funnel
from salesops.models import FiscalCalendar
from tests.forecast import oracle
from tests.forecast.logs import STAGES, events, frame

CASES = {case["id"]: case for case in json.loads(Path(__file__).with_name("cases.json").read_text())}
SKIPPED = ["passed", "not reached"]


def log(*rows, **facts):
    return frame(rows).assign(**facts)


def content(result):
    """All figures of a funnel, for comparison to the last bit."""
    return json.dumps(result.to_dict(), sort_keys=True)


def conversions(result):
    return result.to_frame()[["conversion", "eventual_conversion"]].to_numpy()


def within_zero_and_one(values):
    known = values[~np.isnan(values)]
    return ((known >= 0) & (known <= 1)).all()


# Cases of the collection of bad inputs.


def test_f001_a_deal_closed_before_it_was_created_is_refused():
    rows = log(("o1", "new", "2024-03-01"), ("o1", "won", "2024-02-01"))
    with pytest.raises(InvalidInput) as caught:
        funnel(rows, ["new", "qualified", "won", "lost"])
    assert str(caught.value) == (
        "history: 1 problem\n"
        "- history.entered_on: is closed before it was created (row 0 ('o1'): 'won' on 2024-02-01, "
        "'new' on 2024-03-01); correct the dates"
    )


@pytest.mark.parametrize("skipped", SKIPPED)
def test_f002_going_back_a_stage_counts_the_deal_once_in_each(skipped):
    rows = log(
        ("o1", "new", "2024-01-01"),
        ("o1", "proposal", "2024-01-10"),
        ("o1", "qualified", "2024-01-20"),
        ("o1", "won", "2024-02-01"),
    )
    result = funnel(rows, [*STAGES, "won", "lost"], skipped=skipped)
    assert result.to_frame()["entered"].tolist() == [1, 1, 1]
    assert result.counts()["regressions"] == 1
    assert within_zero_and_one(conversions(result))


@pytest.mark.parametrize("skipped", SKIPPED)
def test_f003_skipped_stages_are_counted_and_the_rule_is_named(skipped):
    rows = log(("o1", "new", "2024-01-01"), ("o1", "won", "2024-01-05"))
    result = funnel(rows, [*STAGES, "won", "lost"], skipped=skipped)
    assert result.counts()["skips"] == 2
    assert within_zero_and_one(conversions(result))
    assert result.to_frame()["entered"].tolist() == ([1, 1, 1] if skipped == "passed" else [1, 0, 0])
    assert f"a stage that a deal jumped over counts as {skipped}" in result.rules()
    assert result.to_dict()["options"]["skipped"] == skipped


def test_f004_an_undeclared_stage_is_refused_with_the_one_that_was_meant():
    rows = log(("o1", "Qualifed", "2024-01-01"))
    with pytest.raises(InvalidInput, match=r"row 0 \('o1'\): 'Qualifed'.*did you mean 'qualified'"):
        funnel(rows, ["new", "qualified", "won", "lost"])


def test_f005_a_missing_time_is_refused():
    rows = {"opp_id": ["o1", "o1"], "stage": ["new", "won"], "at": [None, "2024-01-02"]}
    names = {"opp_id": "deal_id", "at": "entered_on"}
    with pytest.raises(InvalidInput, match=r"entered_on: the date is missing \(row 0 \('o1'\): None\)"):
        funnel(rows, ["new", "won", "lost"], columns=names)


def test_f006_rows_after_the_day_are_refused_in_a_plain_table():
    rows = log(("o1", "new", "2024-01-01"), ("o1", "won", "2031-01-01"))
    with pytest.raises(InvalidInput) as caught:
        funnel(rows, ["new", "won", "lost"], as_of="2024-06-30")
    assert str(caught.value) == (
        "history: 1 problem\n"
        "- history.entered_on: is dated after as_of (row 1 ('o1'): 2031-01-01, as_of 2024-06-30); "
        "pass History.from_events(...): its snapshot(as_of) leaves later rows out"
    )
    assert funnel(History.from_events(rows), ["new"], as_of="2024-06-30").open == 1


WON_AND_LOST = (("o1", "new", "2024-01-01"), ("o1", "won", "2024-02-01"), ("o1", "lost", "2024-03-01"))


def test_f007_won_and_lost_needs_a_reopening_rule():
    with pytest.raises(InvalidInput) as caught:
        funnel(log(*WON_AND_LOST), ["new", "won", "lost"])
    assert str(caught.value) == (
        "history: 1 problem\n"
        "- history.entered_on: has more than one end (row 2 ('o1'): 'won' on 2024-02-01, 'lost' on "
        "2024-03-01); "
        "correct the log, or state a reopening rule: reopened='first close' or reopened='last close'"
    )
    first = funnel(log(*WON_AND_LOST), ["new"], reopened="first close")
    last = funnel(log(*WON_AND_LOST), ["new"], reopened="last close")
    assert (first.won, first.lost, first.counts()["set_aside"]) == (1, 0, 1)
    assert (last.won, last.lost, last.counts()["set_aside"]) == (0, 1, 0)
    assert first.counts()["reopenings"] == last.counts()["reopenings"] == 1


def test_f008_an_event_that_stands_twice_counts_once_and_is_reported():
    once = (("o1", "new", "2024-01-01"), ("o1", "won", "2024-01-09"))
    twice = funnel(log(once[0], *once), ["new", "won", "lost"])
    single = funnel(log(*once), ["new", "won", "lost"])
    assert twice.counts()["duplicates"] == 1
    assert twice.measures == single.measures


def test_f009_when_nothing_was_closed_rates_are_missing_with_the_reason():
    rows = log(*((f"o{k}", "new", "2024-01-01") for k in range(100)), amount=10)
    result = funnel(rows, ["new", "won", "lost"])
    table = result.rates().set_index("measure")
    for measure in ("win rate, closed deals", "velocity, amount for each day", "cycle, mean days"):
        assert np.isnan(table.loc[measure, "value"])
        assert table.loc[measure, "reason"] == "no closed opportunity"
    assert result.win_rates()[0].reason == "no closed opportunity"


def test_f010_a_segment_without_rows_is_present_and_totals_are_sums():
    rows = log(
        ("o1", "new", "2024-01-01"),
        ("o1", "won", "2024-02-01"),
        ("o2", "new", "2024-01-01"),
        ("o2", "lost", "2024-02-01"),
        segment=["A", "A", "B", "B"],
    )
    result = funnel(rows, ["new"], by="segment", segments=["C", "B", "A"], period="month")
    empty = result.part("C")
    assert (empty.tally.deals, empty.won, empty.lost, empty.open) == (0, 0, 0, 0)
    assert empty.to_frame()["reason"].tolist() == ["no deal reached the stage"]
    assert np.isnan(empty.rates()["value"]).all()
    table = result.to_frame()
    assert table["segment"].tolist() == ["C", "B", "A"]
    for name in ("entered", "converted", "lost", "open"):
        assert table[name].sum() == result.total.to_frame()[name].sum()
    assert result.periods()["created"].sum() == 2


def test_f018_ambiguous_local_times_are_refused():
    rows = log(("o1", "new", "2024-11-03T01:30:00"), ("o1", "won", "2024-11-03T01:15:00"))
    with pytest.raises(
        InvalidInput, match=r"o1.*2024-11-03T01:30.*ambiguous local time; give UTC or an offset"
    ):
        funnel(rows, ["new", "won", "lost"], zone="America/New_York")
    utc = log(("o1", "new", "2024-11-03T05:30:00Z"), ("o1", "won", "2024-11-03T06:15:00Z"))
    assert funnel(utc, ["new", "won", "lost"], zone="America/New_York").won == 1


# Worked cases.


def test_a_product_of_adjacent_rates_is_not_the_win_rate():
    given_, expected = CASES["funnel-01"]["input"], CASES["funnel-01"]["expected"]
    rows, n_one, n_two = [], given_["to_stage_1"], given_["skipped_to_stage_2"]
    for deal in range(given_["started"]):
        rows.append((deal, "started", "2024-01-01"))
        if deal < n_one:
            rows.append((deal, "one", "2024-01-02"))
        elif deal < n_one + n_two:
            rows.append((deal, "two", "2024-01-02"))
        elif deal < n_one + n_two + given_["skipped_to_stage_3"]:
            rows.append((deal, "three", "2024-01-02"))
        if deal < given_["won"]:
            rows.append((deal, "won", "2024-02-01"))
    result = funnel(log(*rows), ["started", "one", "two", "three"], skipped="not reached")
    table = result.rates().set_index("measure")
    assert table.loc["win rate, all deals", "value"] == float(Fraction(expected["cohort_win_rate"]))
    moves = result.transitions().set_index(["from_stage", "to_stage"])
    assert moves.loc[("started", "one"), "share"] == float(Fraction(expected["stage_1_share"]))
    assert moves.loc[("started", "three"), ["n", "kind"]].tolist() == [8, "skip"]


def test_time_and_conversion_count_open_deals_as_unfinished():
    rows = log(
        ("a", "new", "2024-01-01"),
        ("a", "won", "2024-01-11"),
        ("b", "new", "2024-01-01"),
        ("b", "lost", "2024-01-21"),
        ("c", "new", "2024-01-01"),
        ("d", "new", "2024-01-26"),
    )
    result = funnel(rows, ["new"], as_of="2024-01-31")
    row = result.to_frame().iloc[0]
    assert row[["entered", "converted", "lost", "open"]].tolist() == [4, 1, 1, 2]
    assert row["conversion"] == 0.25
    assert row["eventual_conversion"] == pytest.approx(1 / 3)
    assert row["median_days"] == 20
    assert result.explain("new") == (
        "Of 4 deals that had reached 'new' by 2024-01-31, 1 moved on (25.0 %, 95 % interval 4.6 % to "
        "69.9 %), "
        "1 ended there and 2 were still open. Counting open deals as unfinished, 33.3 % are estimated "
        "to move on "
        "within 20 days (interval 0.9 % to 77.4 %). Half of the first visits lasted at most 20 days."
    )


def test_ends_without_a_decision_stand_apart_and_the_denominator_is_named():
    rows = []
    for k, end in enumerate(["won"] * 12 + ["lost"] * 26 + ["stalled"] * 9):
        rows += [(k, "new", "2024-01-01"), (k, end, "2024-02-01")]
    result = funnel(log(*rows), ["new"], no_decision="stalled")
    without, including = result.win_rates()
    assert (without.value, without.basis) == (12 / 38, "won / (won + lost)")
    assert (including.value, including.basis) == (12 / 47, "won / (won + lost + no decision)")
    assert result.curves.causes == ("won", "lost", "stalled")
    assert result.to_frame()["no_decision"].tolist() == [9]


def test_events_of_one_day_are_taken_in_stage_order():
    rows = log(("a", "won", "2024-01-01"), ("a", "proposal", "2024-01-01"), ("a", "new", "2024-01-01"))
    moves = funnel(rows, STAGES).transitions()[["from_stage", "to_stage"]].values.tolist()
    assert moves == [[None, "new"], ["new", "proposal"], ["proposal", "won"]]


def test_a_reopened_deal_counts_as_open_until_its_last_close():
    rows = log(
        ("a", "new", "2024-01-01"),
        ("a", "lost", "2024-02-01"),
        ("a", "proposal", "2024-03-01"),
        ("a", "won", "2024-04-01"),
    )
    with pytest.raises(InvalidInput, match="has more than one end"):
        funnel(rows, STAGES)
    result = funnel(rows, STAGES, reopened="last close")
    assert (result.won, result.lost, result.counts()["reopenings"]) == (1, 0, 1)
    kinds = result.transitions().set_index(["from_stage", "to_stage"])["kind"]
    assert kinds["lost", "proposal"] == "reopened"
    assert funnel(History.from_events(rows), STAGES, as_of="2024-02-15", reopened="last close").lost == 1


def test_a_deal_that_goes_on_after_its_end_is_refused():
    rows = log(("a", "new", "2024-01-01"), ("a", "lost", "2024-02-01"), ("a", "new", "2024-03-01"))
    with pytest.raises(InvalidInput, match="goes on after its end"):
        funnel(rows, ["new"])
    assert funnel(rows, ["new"], reopened="last close").open == 1


def test_a_repeated_stage_is_one_visit():
    rows = log(("a", "new", "2024-01-01"), ("a", "new", "2024-01-05"), ("a", "won", "2024-01-11"))
    result = funnel(rows, ["new"])
    assert result.counts()["repeats"] == 1
    assert result.time_in_stage[0].median == 10


def test_a_log_that_starts_late_lets_older_deals_enter_late():
    rows = log(
        ("old", "new", "2023-12-01"),
        ("old", "won", "2024-01-10"),
        ("past", "new", "2023-11-01"),
        ("past", "lost", "2023-12-15"),
        ("young", "new", "2024-01-05"),
        ("young", "won", "2024-03-05"),
    )
    result = funnel(rows, ["new"], observed_from="2024-01-01", as_of="2024-03-31")
    assert result.curves.at_risk.tolist() == [2, 1]
    assert result.curves.n_delayed == 1
    assert result.counts()["ended_unobserved"] == 1


def test_periods_count_cohorts_closes_and_open_deals():
    rows = log(
        ("a", "new", "2024-01-10"),
        ("a", "won", "2024-03-01"),
        ("b", "new", "2024-01-20"),
        ("c", "new", "2024-03-05"),
        amount=[0, 500, 0, 0],
    )
    table = funnel(rows, ["new"], period="month", as_of="2024-03-31").periods()
    assert table["period"].tolist() == ["2024-01", "2024-02", "2024-03"]
    assert table["created"].tolist() == [2, 0, 1]
    assert table["cohort_won"].tolist() == [1, 0, 0]
    assert table["closed_won"].tolist() == [0, 0, 1]
    assert table["open_at_end"].tolist() == [2, 2, 2]
    assert table["won_amount"].tolist() == [0, 0, 500]
    assert table["closed_win_rate_reason"].tolist() == ["no closed opportunity"] * 2 + [None]


def test_periods_follow_the_fiscal_calendar():
    retail = FiscalCalendar(scheme="4-5-4", first_month=2)
    rows = log(("a", "new", "2024-02-03"), ("b", "new", "2024-02-04"))
    table = funnel(rows, ["new"], calendar=retail, period="year").periods()
    assert table[["period", "created"]].values.tolist() == [["FY2023", 1], ["FY2024", 1]]
    assert table["starts_on"].dt.date.tolist() == [dt.date(2023, 1, 29), dt.date(2024, 2, 4)]
    assert funnel(rows, ["new"], calendar=retail).periods()["period"].tolist() == ["FY2023-P12", "FY2024-P01"]


def test_a_segment_is_what_the_first_event_states():
    rows = log(("a", "new", "2024-01-01"), ("a", "won", "2024-02-01"), team=["north", "south"])
    assert funnel(rows, ["new"], by="team").to_frame()["team"].tolist() == ["north"]


def test_a_segment_that_is_filled_only_later_is_refused():
    rows = log(("a", "new", "2024-01-01"), ("a", "won", "2024-02-01"), reason=[None, "price"])
    with pytest.raises(
        InvalidInput, match=r"history.reason: the first event .* a value filled in later would look"
    ):
        funnel(rows, ["new"], by="reason")


def test_a_segment_that_was_not_asked_for_does_not_vanish():
    rows = log(("a", "new", "2024-01-01"), team=["north"])
    with pytest.raises(InvalidInput, match="is not one of the segments asked for"):
        funnel(rows, ["new"], by="team", segments=["south"])


def test_segments_keep_their_type():
    rows = log(("a", "new", "2024-01-01"), ("b", "new", "2024-01-01"))
    rows["team"] = pd.Series([1, "1"], dtype=object)
    result = funnel(rows, ["new"], by="team")
    assert [part.segment for part in result.parts] == [1, "1"]
    assert result.part(1).tally.deals == result.part("1").tally.deals == 1
    with pytest.raises(InvalidInput, match="is not a segment of this funnel"):
        result.part(1.0)


# Properties.


@settings(max_examples=60, deadline=None)
@given(events(), st.sampled_from(SKIPPED), st.integers(0, 60))
def test_counts_and_curves_equal_those_made_deal_by_deal(rows, skipped, offset):
    as_of = (dt.date(2024, 1, 1) + dt.timedelta(days=offset)).isoformat()
    exact = oracle.funnel(rows, STAGES, as_of=as_of, skipped=skipped)
    result = funnel(History.from_events(frame(rows)), STAGES, as_of=as_of, skipped=skipped)
    table = result.to_frame()
    assert (result.tally.deals, result.won, result.lost, result.open) == tuple(
        exact[name] for name in ("deals", "won", "lost", "open")
    )
    assert table["entered"].tolist() == exact["entered"]
    assert table["converted"].tolist() == exact["converted"]
    assert table["lost"].tolist() == exact["lost_at"]
    assert table["open"].tolist() == exact["open_at"]
    assert table["skipped"].tolist() == exact["skipped"]
    assert result.counts()["regressions"] == exact["regressions"]
    names = [*STAGES, "won", "lost"]
    moves = {
        (None if one is None else names.index(one), None if other is None else names.index(other)): n
        for one, other, n in result.transitions()[["from_stage", "to_stage", "n"]].values.tolist()
    }
    assert moves == exact["moves"]
    lives = oracle.curves([days for days, _ in exact["lives"]], [end for _, end in exact["lives"]])
    assert result.curves.still_open == pytest.approx(
        [float(lives[age][2]) for age in sorted(lives)], abs=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(events(), st.sampled_from(SKIPPED))
def test_every_share_lies_between_zero_and_one(rows, skipped):
    result = funnel(frame(rows), STAGES, skipped=skipped)
    assert within_zero_and_one(conversions(result))
    assert within_zero_and_one(result.transitions()["share"].to_numpy())


@settings(max_examples=40, deadline=None)
@given(events(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows, random):
    table = frame(rows).assign(team=[row[0][-1] for row in rows], amount=[0.1 * len(row[0]) for row in rows])
    table = table.drop_duplicates()
    shuffled = table.iloc[random.sample(range(len(table)), len(table))]
    options = {"by": "team", "period": "month"}
    assert content(funnel(table, STAGES, **options)) == content(funnel(shuffled, STAGES, **options))


@settings(max_examples=40, deadline=None)
@given(events(), events(), st.integers(0, 70))
def test_rows_dated_after_the_day_change_no_bit(rows, poison, offset):
    day = dt.date(2024, 1, 1) + dt.timedelta(days=offset)
    known = [row for row in rows if row[2] <= day.isoformat()]
    later = [(deal, stage, f"2028-{at[5:]}") for deal, stage, at in poison] + [
        (7, "never declared", "2031-01-01")
    ]
    options = {"as_of": day, "by": "team", "period": "month"}
    clean = funnel(History.from_events(frame(known).assign(team="x", amount=1.5)), STAGES, **options)
    dirty = frame(known + later).assign(
        team=pd.Series(["x"] * len(known) + [3] * len(later), dtype=object),
        amount=[1.5] * len(known) + [1e9] * len(later),
    )
    assert content(funnel(History.from_events(dirty), STAGES, **options)) == content(clean)


@settings(max_examples=30, deadline=None)
@given(events(), st.integers(-400, 400))
def test_shifting_all_dates_changes_no_share(rows, days):
    def moved(text):
        return (dt.date.fromisoformat(text) + dt.timedelta(days=days)).isoformat()

    one = funnel(frame(rows), STAGES)
    other = funnel(frame([(deal, stage, moved(at)) for deal, stage, at in rows]), STAGES)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), check_exact=True)
    assert one.curves == other.curves


@settings(max_examples=30, deadline=None)
@given(events())
def test_merging_segments_that_are_the_same_changes_nothing(rows):
    copies = [(f"{deal}-{k}", stage, at) for deal, stage, at in rows for k in range(2)]
    table = frame(copies).assign(team=[deal[-1] for deal, _, _ in copies])
    parts = funnel(table, STAGES, by="team")
    one, other = parts.part("0"), parts.part("1")
    assert one.measures == other.measures
    merged = parts.total
    assert np.array_equal(merged.curves.share, one.curves.share)
    assert np.array_equal(
        merged.to_frame()["eventual_conversion"], one.to_frame()["eventual_conversion"], equal_nan=True
    )


# Hostile input.


@pytest.mark.parametrize("stages", [[], ["won"], ["new", "new"], [None], "", [3], 3, None])
def test_stages_that_cannot_be_are_refused(stages):
    with pytest.raises(InvalidInput, match="stages"):
        funnel(log(("a", "new", "2024-01-01")), stages)


def test_an_end_spelled_otherwise_is_not_taken_for_a_stage():
    rows = log(("a", "new", "2024-01-01"), ("a", "Won", "2024-01-05"))
    with pytest.raises(InvalidInput, match="differs from the name of an end only by its spelling"):
        funnel(rows, ["new", "Won"])
    assert funnel(rows, ["new", "Won"], won="Won").won == 1


def test_a_history_has_settled_the_names_of_its_ends():
    history = History.from_events(log(("a", "new", "2024-01-01")))
    with pytest.raises(InvalidInput, match=r"won: is settled by the history .* History.from_events"):
        funnel(history, ["new"], won="Won")


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("skipped", "ignored"),
        ("reopened", True),
        ("calendar", "quarter"),
        ("period", "quater"),
        ("as_of", "today"),
        ("observed_from", "2030-01-01"),
        ("level", 95),
        ("segments", ["x"]),
        ("no_decision", 5),
        ("won", None),
        ("zone", "Mars/Base"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(option, wrong):
    with pytest.raises(InvalidInput, match=option):
        funnel(log(("a", "new", "2024-01-01")), ["new"], **{option: wrong})


@pytest.mark.parametrize("segments", [[], "x", 3, [[]], ["x", "x"]])
def test_segments_that_cannot_be_are_refused(segments):
    with pytest.raises(InvalidInput, match="segments"):
        funnel(log(("a", "new", "2024-01-01"), team="x"), ["new"], by="team", segments=segments)


@pytest.mark.parametrize(
    ("by", "message"), [("team", "team: the column is missing"), (["x"], "by: is the name")]
)
def test_a_column_that_is_not_there_cannot_segment(by, message):
    with pytest.raises(InvalidInput, match=message):
        funnel(log(("a", "new", "2024-01-01")), ["new"], by=by)


def test_a_funnel_before_the_first_event_is_empty():
    history = History.from_events(log(("a", "new", "2024-01-01")))
    result = funnel(history, ["new"], as_of="2023-01-01", period="month")
    assert result.tally.deals == 0
    assert result.periods()["created"].tolist() == [0]
    assert result.explain("new") == "No deal had reached 'new' by 2023-01-01."


def test_an_empty_table_needs_a_day():
    with pytest.raises(InvalidInput, match="must be stated for a history without events"):
        funnel(frame([]), ["new"])


def test_all_faults_of_a_log_are_told_at_once():
    rows = log(
        ("a", "new", "2024-03-01"),
        ("a", "won", "2024-02-01"),
        ("b", "nwe", "2024-01-01"),
        ("c", "new", "2030-01-01"),
        (None, "new", "2024-01-01"),
        ("d", "new", "soon"),
    )
    with pytest.raises(InvalidInput) as caught:
        funnel(rows, ["new"], as_of="2024-06-30")
    assert [problem.path for problem in caught.value.problems] == [
        "history.deal_id",
        "history.entered_on",
        "history.entered_on",
        "history.stage",
        "history.entered_on",
    ]


def test_a_stage_that_is_not_there_is_named_with_the_one_that_was_meant():
    result = funnel(log(("a", "new", "2024-01-01")), ["new"])
    with pytest.raises(InvalidInput, match="did you mean 'new'"):
        result.explain("New")


def test_names_are_escaped_on_the_page():
    page = funnel(log(("a", "<i>", "2024-01-01"), team="<b>"), ["<i>"], by="team")._repr_html_()
    assert "<i>" not in page
    assert "<b>" not in page


def test_a_funnel_travels_and_speaks_json():
    result = funnel(log(("a", "new", "2024-01-01"), team=[("x", 1)]), ["new"], by="team", period="year")
    copy = pickle.loads(pickle.dumps(result))
    assert content(copy) == content(result)
    assert copy.measures == result.measures


def test_plots_draw_on_the_axes_given():
    from matplotlib.figure import Figure

    axes = Figure().subplots(1, 3)
    result = funnel(log(("a", "new", "2024-01-01"), ("a", "won", "2024-01-05")), STAGES)
    assert result.plot(axes[0]) is axes[0]
    assert result.curves.plot(axes[1]) is axes[1]
    assert result.time_in_stage[0].plot(axes[2]) is axes[2]
    assert [text.get_text() for text in axes[0].texts] == [
        "1   100.0 % moved on (20.7 %–100.0 %)",
        "1   100.0 % moved on (20.7 %–100.0 %)",
        "1   100.0 % moved on (20.7 %–100.0 %)",
        "1",
    ]


def test_importing_the_room_loads_no_plotting_and_no_statistics_package():
    import subprocess
    import sys

    code = (
        "import sys, salesops.forecast; "
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'matplotlib', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_names_of_the_room_are_those_it_lists():
    assert all(hasattr(forecast, name) for name in forecast.__all__)
