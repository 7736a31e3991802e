"""Plans with dates: which one holds, who owned what then, and what changes hands."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.territory import Timeline, assign


def plan(**owners):
    """Draw a plan in which each lead has the owner that is named, or none."""
    reps = sorted({rep for rep in owners.values() if rep} | {"zoe"})
    score = [(rep, lead, 1) for lead, rep in owners.items() if rep]
    return assign(
        {"rep_id": reps},
        {"lead_id": list(owners)},
        score=pd.DataFrame(score, columns=["rep_id", "lead_id", "score"]),
        fallback="none",
    )


FIRST = plan(acme="ann", bolt="bo", cog=None, dyn="ann")
SECOND = plan(acme="ann", bolt="ann", cog="bo", ego="bo")
THIRD = plan(acme=None, bolt="ann", cog="bo", ego="cy")
LINE = Timeline.of(
    {"2026-07-01": SECOND, "2026-01-01": FIRST, dt.date(2026, 9, 1): THIRD}, until="2027-01-01"
)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-01-01", FIRST),
        ("2026-06-30", FIRST),
        ("2026-07-01", SECOND),
        (dt.date(2026, 8, 31), SECOND),
        (np.datetime64("2026-09-01"), THIRD),
        (pd.Timestamp("2026-12-31"), THIRD),
    ],
)
def test_a_plan_holds_from_its_day_up_to_the_next(day, expected):
    assert LINE.at(day) is expected


@pytest.mark.parametrize("day", ["2025-12-31", "2027-01-01"])
def test_a_day_without_a_plan_is_refused(day):
    with pytest.raises(InvalidInput, match=r"no plan holds.*reach from 2026-01-01 up to 2027-01-01"):
        LINE.at(day)


def test_a_last_plan_without_an_end_holds_for_ever():
    assert Timeline.of({"2026-01-01": FIRST}).at("2999-01-01") is FIRST


def test_every_row_comes_back_with_an_owner_or_a_reason():
    asked = pd.DataFrame(
        {
            "lead_id": ["acme", "acme", "acme", "cog", "dyn", "dyn", "who"],
            "on": [
                "2025-12-31",
                "2026-01-01",
                "2027-01-01",
                "2026-06-30",
                "2026-06-30",
                "2026-07-01",
                "2026-07-01",
            ],
        },
        index=list("tuvwxyz"),
    )
    frame = LINE.owners(asked)
    assert frame.index.tolist() == list("tuvwxyz")
    assert frame["rep_id"].fillna("-").tolist() == ["-", "ann", "-", "-", "ann", "-", "-"]
    assert frame["reason"].tolist() == [
        "before the first plan",
        "owned",
        "after the last plan",
        "no owner",
        "owned",
        "not in the plan",
        "not in the plan",
    ]


def test_changes_are_the_handovers_between_successive_plans():
    frame = LINE.changes()
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    july, september = pd.Timestamp("2026-07-01"), pd.Timestamp("2026-09-01")
    assert rows == [
        ["bolt", "bo", "ann", july, "handover"],
        ["cog", None, "bo", july, "taken up"],
        ["dyn", "ann", None, july, "lead gone"],
        ["ego", None, "bo", july, "new lead"],
        ["acme", "ann", None, september, "given up"],
        ["ego", "bo", "cy", september, "handover"],
    ]


def test_one_plan_has_no_changes():
    assert Timeline.of({"2026-01-01": FIRST}).changes().empty


def test_times_with_an_offset_need_a_zone_and_fall_on_its_day():
    asked = pd.DataFrame({"lead_id": ["bolt"], "on": pd.to_datetime(["2026-07-01T02:00:00Z"])})
    with pytest.raises(InvalidInput, match="no date until the business's time zone is known"):
        LINE.owners(asked)
    assert LINE.owners(asked, zone="America/New_York")["rep_id"].tolist() == ["bo"]
    assert LINE.owners(asked, zone="Europe/Berlin")["rep_id"].tolist() == ["ann"]


def test_naive_and_aware_times_are_never_mixed():
    asked = {"lead_id": ["bolt", "bolt"], "on": ["2026-07-01T02:00:00Z", "2026-07-01T02:00:00"]}
    with pytest.raises(InvalidInput, match="stand in one column"):
        LINE.owners(asked, zone="Europe/Berlin")


def test_a_missing_lead_or_day_is_named():
    asked = pd.DataFrame(
        {"lead_id": ["bolt", None, "acme"], "on": [None, "2026-01-01", "soon"]}, dtype=object
    )
    with pytest.raises(InvalidInput) as caught:
        LINE.owners(asked)
    told = {(fault.path, fault.rows) for fault in caught.value.problems}
    assert told == {("leads.lead_id", (1,)), ("leads.on", (0,)), ("leads.on", (2,))}


def test_ids_of_another_type_are_refused_not_missed():
    numbered = assign({"rep_id": [1]}, {"lead_id": [7]}, score={"rep_id": [1], "lead_id": [7], "score": [1]})
    with pytest.raises(InvalidInput, match="another type"):
        Timeline.of({"2026-01-01": numbered}).owners({"lead_id": ["7"], "on": ["2026-01-01"]})


def test_every_fault_of_a_timeline_is_named_at_once():
    with pytest.raises(InvalidInput) as caught:
        Timeline.of(
            {"2026-01-01": FIRST, dt.date(2026, 1, 1): SECOND, "soon": THIRD, "2026-02-01": 3},
            until="2025-01-01",
        )
    assert str(caught.value) == (
        "timeline: 4 problems\n"
        "- plans: two plans start on one day (2026-01-01)\n"
        "- plans: is not a day ('soon'); write a day as 2024-03-31, or pass a datetime.date\n"
        "- plans: is not a territory plan ('2026-02-01', int)\n"
        "- until: is not after the last plan starts (2025-01-01, 2026-01-01)"
    )


@pytest.mark.parametrize("wrong", [{}, [], None, "2026-01-01"])
def test_what_is_no_mapping_of_plans_is_refused(wrong):
    with pytest.raises(InvalidInput, match="first days to plans"):
        Timeline.of(wrong)


def test_an_aware_first_day_is_refused():
    with pytest.raises(InvalidInput, match="is not a day"):
        Timeline.of({pd.Timestamp("2026-01-01", tz="UTC"): FIRST})


def test_a_timeline_survives_the_journey_through_json():
    document = json.loads(json.dumps(LINE.to_dict(), allow_nan=False))
    back = Timeline.from_dict(document)
    assert back.to_dict() == LINE.to_dict()
    pd.testing.assert_frame_equal(back.changes(), LINE.changes())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"until": None, "more": 1}, r"\$.more: unknown field"),
        ({"kind": "plan"}, "unknown choice"),
        ({"schema_version": 2}, "must be 1"),
        ({"from": ["2026-01-01"]}, "one day for each plan"),
        ({"from": ["2026-01-01"] * 3}, "one day"),
    ],
)
def test_a_document_that_is_no_timeline_is_refused(change, message):
    with pytest.raises(InvalidInput, match=message):
        Timeline.from_dict({**LINE.to_dict(), **change})


rows = st.lists(
    st.tuples(
        st.sampled_from(["acme", "bolt", "cog", "dyn", "ego", "who"]),
        st.dates(dt.date(2025, 10, 1), dt.date(2027, 3, 1)),
    ),
    max_size=30,
)


@given(rows)
def test_owners_agrees_with_asking_one_by_one(asked):
    frame = LINE.owners(pd.DataFrame(asked, columns=["lead_id", "on"]))
    assert len(frame) == len(asked)
    for (lead, day), row in zip(asked, frame.itertuples(), strict=True):
        expected = None
        for start, drawn in zip(LINE.starts, LINE.plans, strict=True):
            if start <= day < LINE.until:
                expected = drawn.to_frame().set_index("lead_id")["rep_id"].get(lead)
        assert (None if pd.isna(row.rep_id) else row.rep_id) == (None if pd.isna(expected) else expected)
        assert (row.reason == "owned") == pd.notna(row.rep_id)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_answer(asked, shuffle):
    frame = pd.DataFrame(asked, columns=["lead_id", "on"])
    order = list(range(len(frame)))
    shuffle.shuffle(order)
    one, other = LINE.owners(frame), LINE.owners(frame.iloc[order])
    assert other["reason"].tolist() == one["reason"].iloc[order].tolist()


@given(st.lists(st.sampled_from([FIRST, SECOND, THIRD]), min_size=1, max_size=5))
def test_following_the_changes_leads_to_the_last_plan(plans):
    line = Timeline.of({dt.date(2026, month + 1, 1): drawn for month, drawn in enumerate(plans)})
    owner = {row.lead_id: row.rep_id for row in plans[0].to_frame().itertuples() if pd.notna(row.rep_id)}
    for row in line.changes().itertuples():
        assert (None if pd.isna(row.from_rep_id) else row.from_rep_id) == owner.pop(row.lead_id, None)
        if pd.notna(row.to_rep_id):
            owner[row.lead_id] = row.to_rep_id
    last = {row.lead_id: row.rep_id for row in plans[-1].to_frame().itertuples() if pd.notna(row.rep_id)}
    assert owner == last
