"""Ties from dated interactions: decay, kinds, reciprocity, and what is refused."""

import datetime as dt
import json
import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput, SalesOpsError
from salesops.territory import SocialGraph

DAY = dt.date(2024, 6, 30)


def rows(*given):
    return [dict(zip(("source", "target", "at", "kind", "weight"), row, strict=False)) for row in given]


def graph(*given, **options):
    return SocialGraph.from_interactions(rows(*given), **{"as_of": DAY, **options})


def weights(made):
    return made.to_frame()["weight"].tolist()


def test_an_interaction_of_today_counts_one_and_half_after_a_half_life():
    assert weights(graph(("a", "b", DAY))) == [1.0]
    assert weights(graph(("a", "b", "2024-06-20"), half_life="10D")) == [0.5]
    assert weights(graph(("a", "b", "2024-06-20"), half_life=pd.Timedelta(days=5))) == [0.25]
    assert weights(graph(("a", "b", dt.date(2024, 6, 16)), half_life="2W")) == [0.5]


def test_a_year_has_365_and_a_quarter_days():
    made = graph(("a", "b", "2023-07-01"), half_life="1Y")
    assert weights(made) == [pytest.approx(2 ** (-365 / 365.25))]


def test_the_last_interaction_is_when_the_tie_was_observed():
    frame = graph(("a", "b", "2024-01-01"), ("b", "a", "2024-03-01T09:30:00")).to_frame()
    assert frame["observed_on"].dt.date.tolist() == [dt.date(2024, 3, 1)]


def test_each_kind_fades_and_counts_in_its_own_way():
    made = graph(
        ("a", "b", "2024-06-20", "mail"),
        ("a", "b", "2024-06-20", "meeting"),
        half_life={"mail": "5D", "meeting": "10D"},
        kind_weights={"mail": 1, "meeting": 4},
    )
    assert dict(zip(made.to_frame()["kind"], weights(made), strict=True)) == {"mail": 0.25, "meeting": 2.0}
    assert made.adjacency.toarray().max() == 2.25


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("sum", 5.0), ("weaker", 2.0), ("geometric", 4.0), (0.5, 3.5), (1.0, 5.0), (0, 2.0)],
)
def test_a_rule_combines_the_two_directions(rule, expected):
    sent = [("a", "b", DAY)] * 4 + [("b", "a", DAY)]
    assert weights(graph(*sent, reciprocity=rule)) == [pytest.approx(expected)]


def test_one_way_contact_that_does_not_count_is_reported_and_keeps_its_people():
    made = graph(("a", "b", DAY), ("c", "d", DAY), ("d", "c", DAY), reciprocity="weaker")
    assert made.to_frame()["source"].tolist() == ["c"]
    assert made.people.tolist() == ["a", "b", "c", "d"]
    assert made.report[0].rows == (0,)
    assert "one way only" in made.report[0].message


def test_each_kind_may_have_its_own_rule_of_reciprocity():
    made = graph(
        ("a", "b", DAY, "mail"),
        ("a", "b", DAY, "meeting"),
        reciprocity={"mail": "weaker", "meeting": "sum"},
    )
    assert made.to_frame()["kind"].tolist() == ["meeting"]


def test_a_directed_graph_keeps_the_two_directions_apart():
    made = graph(("a", "b", DAY), ("a", "b", DAY), ("b", "a", DAY), directed=True)
    assert made.to_frame()[["source", "weight"]].values.tolist() == [["a", 2.0], ["b", 1.0]]
    with pytest.raises(InvalidInput, match="reciprocity: is for undirected graphs"):
        graph(("a", "b", DAY), directed=True, reciprocity="weaker")


def test_an_interaction_after_as_of_is_refused_with_its_row():
    with pytest.raises(InvalidInput) as caught:
        graph(("a", "b", "2024-06-30"), ("a", "c", "2024-07-01"))
    assert str(caught.value) == (
        "interactions: 1 problem\n"
        "- interactions.at: is dated after as_of (row 1 ('a', 'c'): 2024-07-01, as_of 2024-06-30); "
        "leave later rows out, or ask for a later as_of"
    )


def test_naive_and_aware_times_are_never_mixed():
    sent = [("a", "b", "2024-06-01T10:00:00Z"), ("a", "c", "2024-06-01T10:00:00")]
    with pytest.raises(InvalidInput, match="with an offset and times without one"):
        graph(*sent, zone="Europe/Berlin")
    with pytest.raises(InvalidInput, match="pass zone"):
        graph(sent[0])
    assert graph(sent[0], zone="Europe/Berlin").n_ties == 1


def test_an_aware_time_falls_on_the_day_of_the_business():
    late = ("a", "b", "2024-06-30T23:30:00Z")
    assert graph(late, zone="America/New_York").n_ties == 1
    with pytest.raises(InvalidInput, match="dated after as_of"):
        graph(late, zone="Asia/Tokyo")


@pytest.mark.parametrize(
    ("half_life", "told"),
    [
        ("-5D", "one day or more"),
        ("0D", "one day or more"),
        ("6m", "'m' means minutes"),
        ("180", "not a length of time"),
        (180, "not a length of time"),
        (float("nan"), "not a length of time"),
        ("NaT", "one day or more"),
        ("soon", "not a length of time"),
        (None, "not a length of time"),
        (True, "not a length of time"),
        ({"mail": "-1D"}, r"half_life\['mail'\]"),
        ({1: "1D"}, "not text"),
    ],
)
def test_a_half_life_that_is_none_is_refused(half_life, told):
    with pytest.raises(InvalidInput, match=told):
        graph(("a", "b", DAY, "mail"), half_life=half_life)


def test_a_kind_without_an_option_is_named_with_the_one_that_was_meant():
    with pytest.raises(InvalidInput) as caught:
        graph(("a", "b", DAY, "mail"), ("a", "b", DAY, "meting"), half_life={"mail": "9D", "meeting": "9D"})
    assert "row 1 ('a', 'b'): 'meting'" in str(caught.value)
    assert "did you mean 'meeting'" in str(caught.value)


def test_options_by_kind_need_the_kind():
    with pytest.raises(InvalidInput, match=r"interactions\.kind: the column is missing"):
        SocialGraph.from_interactions(
            {"source": ["a"], "target": ["b"], "at": [DAY]}, as_of=DAY, half_life={"mail": "9D"}
        )
    with pytest.raises(InvalidInput, match=r"interactions\.kind: the text is missing.*row 1"):
        graph(("a", "b", DAY, "mail"), ("a", "b", DAY, None), half_life={"mail": "9D"})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"reciprocity": "both"}, "unknown choice"),
        ({"reciprocity": 1.5}, "between 0 and 1"),
        ({"reciprocity": float("nan")}, "between 0 and 1"),
        ({"kind_weights": {"mail": -1}}, "above 0"),
        ({"kind_weights": 3}, "is a mapping"),
        ({"as_of": None}, "is not a day"),
        ({"as_of": "2024-06-30T12:00:00"}, "is not a day"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(options, told):
    with pytest.raises(InvalidInput, match=told):
        graph(("a", "b", DAY, "mail"), **options)


def test_an_interaction_too_old_to_weigh_anything_is_reported():
    made = graph(("a", "b", "1900-01-01"), half_life="1D")
    assert (made.n_people, made.n_ties) == (2, 0)
    assert "too old" in made.report[0].message


def test_mails_to_oneself_are_reported():
    made = graph(("a", "a", DAY), ("a", "b", DAY))
    assert made.n_ties == 1
    assert "self tie" in made.report[0].message


def test_interactions_without_consent_or_past_their_expiry_leave_no_trace():
    table = {
        "source": ["x", "y", "a"],
        "target": ["a", "a", "b"],
        "at": [DAY] * 3,
        "consent": [False, True, True],
        "expires_on": [None, "2024-06-30", "2024-07-01"],
    }
    made = SocialGraph.from_interactions(table, as_of=DAY)
    assert made.people.tolist() == ["a", "b"]
    assert '"x"' not in json.dumps(made.to_dict())


def test_a_missing_time_is_refused():
    with pytest.raises(InvalidInput, match=r"interactions\.at: the date is missing \(row 0"):
        graph(("a", "b", None))


def test_a_sum_too_large_for_a_number_is_refused():
    with pytest.raises(InvalidInput, match="too large"):
        graph(("a", "b", DAY, None, 1.7e308), ("a", "b", DAY, None, 1.7e308))


def test_no_interaction_makes_an_empty_graph():
    assert SocialGraph.from_interactions([], as_of=DAY).n_people == 0


PEOPLE = st.sampled_from(["a", "b", "c"])
MAILS = st.lists(
    st.tuples(
        PEOPLE,
        PEOPLE,
        st.dates(dt.date(2023, 1, 1), DAY),
        st.sampled_from(["mail", "call"]),
        st.sampled_from([0.3, 1.0, 2.0]),
    ),
    max_size=12,
)


@given(MAILS)
def test_weights_agree_with_the_formula(mails):
    half = {"mail": 30, "call": 300}
    sent = defaultdict(list)
    for source, target, at, kind, weight in mails:
        if source != target:
            sent[source, target, kind].append(weight * 2 ** (-(DAY - at).days / half[kind]))
    expected = {}
    for source, target, kind in sent:
        one, other = sorted((source, target))
        there, back = (math.fsum(sent.get((i, j, kind), [])) for i, j in ((one, other), (other, one)))
        expected[one, other, kind] = 2 * min(there, back) + 0.25 * abs(there - back)
    made = graph(*mails, half_life={"mail": "30D", "call": "300D"}, reciprocity=0.25)
    found = {}
    if made.n_ties:
        frame = made.to_frame()
        found = {tuple(row[:3]): row[3] for row in frame[["source", "target", "kind", "weight"]].to_numpy()}
    assert found == pytest.approx(expected, rel=1e-12)


@given(MAILS, st.randoms(use_true_random=False))
def test_the_order_of_interactions_changes_nothing(mails, random):
    shuffled = random.sample(mails, len(mails))
    assert graph(*shuffled, reciprocity="geometric") == graph(*mails, reciprocity="geometric")


@given(st.integers(1, 400))
def test_waiting_a_half_life_halves_every_tie(days):
    later = DAY + dt.timedelta(days=days)
    sent = [("a", "b", "2024-01-01"), ("b", "c", "2024-06-01")]
    now, then = graph(*sent, half_life=f"{days}D"), graph(*sent, half_life=f"{days}D", as_of=later)
    assert np.allclose(np.array(weights(now)) / 2, weights(then), rtol=1e-12)


def test_every_fault_of_a_table_is_told_at_once():
    with pytest.raises(SalesOpsError) as caught:
        graph(("a", None, DAY), ("a", "b", "soon"), ("a", "b", DAY, 3, -1))
    assert {problem.path for problem in caught.value.problems} == {
        "interactions.target",
        "interactions.at",
        "interactions.kind",
        "interactions.weight",
    }
