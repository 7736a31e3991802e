"""Answers of a review go back into the graph."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.territory import SocialGraph

TIES = [
    {"source": "r1", "target": "p1", "weight": 3, "kind": "mail"},
    {"source": "r1", "target": "p1", "weight": 1, "kind": "board"},
    {"source": "r2", "target": "p1", "weight": 5},
    {"source": "r2", "target": "p2", "weight": 1},
]


def graph():
    return SocialGraph.from_ties(TIES)


def answers(*rows):
    return [
        dict(zip(("source", "target", "answer", "weight", "by", "on"), row, strict=False)) for row in rows
    ]


def status(made, one, other):
    frame = made.to_frame()
    hit = frame[(frame["source"] == min(one, other)) & (frame["target"] == max(one, other))]
    return list(hit["status"])


def test_a_denied_tie_stops_counting_in_every_kind():
    made = graph().reviewed(answers(("r1", "p1", "denied")))
    assert status(made, "r1", "p1") == ["denied", "denied"]
    assert made.n_ties == 2
    assert made.to_frame()["weight"].tolist() == graph().to_frame()["weight"].tolist()


def test_a_confirmed_tie_keeps_its_weight_and_says_who_said_so():
    made = graph().reviewed(answers(("p1", "r2", "confirmed", None, "ann", "2024-05-01")))
    row = made.to_frame().set_index(["source", "target"]).loc[("p1", "r2")]
    assert (row["weight"], row["status"], row["provenance"]) == (5.0, "confirmed", "ann")
    assert row["observed_on"].date() == dt.date(2024, 5, 1)


def test_a_new_weight_is_shared_by_the_kinds_in_proportion():
    made = graph().reviewed(answers(("r1", "p1", "confirmed", 8)))
    assert made.to_frame()["weight"].tolist()[:2] == [2.0, 6.0]


def test_a_confirmed_tie_that_was_not_there_is_added():
    made = graph().reviewed(answers(("r1", "p2", "confirmed")), weight=2.5)
    row = made.to_frame().set_index(["source", "target"]).loc[("p2", "r1")]
    assert (row["weight"], row["status"], row["provenance"]) == (2.5, "confirmed", "review")
    assert graph().reviewed(answers(("r1", "p2", "confirmed", 7))).adjacency.max() == 7


def test_a_denied_tie_that_was_not_there_is_remembered():
    made = graph().reviewed(answers(("r1", "p2", "denied")))
    assert status(made, "r1", "p2") == ["denied"]
    assert made.n_ties == graph().n_ties
    assert SocialGraph.from_ties(made.to_frame()) == made


def test_denied_then_confirmed_counts_again_with_the_weight_it_had():
    made = graph().reviewed(answers(("r2", "p1", "denied"))).reviewed(answers(("r2", "p1", "confirmed")))
    assert made.adjacency.toarray().max() == 5
    assert status(made, "r2", "p1") == ["confirmed"]


def test_the_later_of_two_dated_answers_holds():
    rows = answers(
        ("r2", "p1", "confirmed", None, None, "2024-05-02"), ("r2", "p1", "denied", None, None, "2024-05-01")
    )
    assert status(graph().reviewed(rows), "r2", "p1") == ["confirmed"]
    assert graph().reviewed(rows[::-1]) == graph().reviewed(rows)


@pytest.mark.parametrize("on", [(None, None), ("2024-05-01", "2024-05-01"), (None, "2024-05-01")])
def test_contradictory_answers_are_refused_with_both_rows(on):
    rows = answers(
        ("r2", "p1", "confirmed", None, "ann", on[0]),
        ("r1", "p1", "denied"),
        ("p1", "r2", "denied", None, "bo", on[1]),
    )
    with pytest.raises(InvalidInput) as caught:
        graph().reviewed(rows)
    (problem,) = caught.value.problems
    assert problem.message == "the same tie is confirmed and denied"
    assert problem.rows == (0, 2)


def test_two_weights_for_one_tie_are_refused():
    with pytest.raises(InvalidInput, match=r"two weights \(row 0 \('r2', 'p1'\): 2"):
        graph().reviewed(answers(("r2", "p1", "confirmed", 2), ("r2", "p1", "confirmed", 3)))


def test_the_same_answer_twice_is_one_answer():
    once = graph().reviewed(answers(("r2", "p1", "denied")))
    assert graph().reviewed(answers(("r2", "p1", "denied"), ("p1", "r2", "denied"))) == once
    assert once.reviewed(answers(("r2", "p1", "denied"))) == once


def test_an_unknown_person_is_named_unless_people_may_be_added():
    rows = answers(("r1", "p11", "confirmed"))
    with pytest.raises(InvalidInput) as caught:
        graph().reviewed(rows)
    assert "'p11'" in str(caught.value)
    assert "did you mean 'p1'" in str(caught.value)
    grown = graph().reviewed(rows, add_people=True)
    assert grown.n_people == 5
    assert grown.n_ties == 4


def test_a_person_of_another_type_is_never_the_same():
    made = SocialGraph.from_ties({"source": [1], "target": [2]})
    with pytest.raises(InvalidInput, match=r"'2' \(str\), there 2 \(int\)"):
        made.reviewed(answers((1, "2", "denied")), add_people=True)


def test_what_is_not_answered_changes_nothing_and_is_counted():
    made = graph().reviewed(answers(("r1", "p1", None), ("nobody", "p1", "unsure")))
    assert made == graph()
    assert made.report[-1].values == ("2 rows",)
    assert graph().reviewed([]) == graph()


def test_an_answer_about_oneself_is_set_aside():
    made = graph().reviewed(answers(("r1", "r1", "confirmed")))
    assert made == graph()
    assert "self tie" in made.report[-1].message


def test_reps_and_leads_stand_for_people_of_the_same_id():
    made = graph().reviewed({"rep_id": ["r2"], "lead_id": ["p1"], "answer": ["denied"]})
    assert status(made, "r2", "p1") == ["denied"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("r1", "p1", "yes"), "choose one of 'confirmed', 'denied', 'unsure'"),
        (("r1", "p1", "confirmd"), "did you mean 'confirmed'"),
        (("r1", "p1", True), "is not text"),
        (("r1", None, "denied"), "the id is missing"),
        (("r1", "p1", "confirmed", 0), "above 0"),
        (("r1", "p1", "confirmed", float("inf")), "answers.weight"),
        (("r1", "p1", "confirmed", "3"), "is not a number"),
        (("r1", "p1", "confirmed", 1, 7), "answers.by: is not text"),
        (("r1", "p1", "confirmed", 1, "ann", "soon"), "is no date"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(row, told):
    with pytest.raises(InvalidInput) as caught:
        graph().reviewed(answers(row))
    assert told in str(caught.value)


def test_a_table_without_answers_is_refused():
    with pytest.raises(InvalidInput, match=r"answers\.answer: the column is missing"):
        graph().reviewed({"source": ["r1"], "target": ["p1"]})


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "1", True])
def test_the_default_weight_is_a_positive_number(weight):
    with pytest.raises(InvalidInput, match="weight"):
        graph().reviewed([], weight=weight)


def test_in_a_directed_graph_an_answer_is_about_one_direction():
    made = SocialGraph.from_ties({"source": ["a", "b"], "target": ["b", "a"]}, directed=True).reviewed(
        answers(("b", "a", "denied"))
    )
    assert made.to_networkx().has_edge("a", "b")
    assert not made.to_networkx().has_edge("b", "a")


def test_the_answers_are_not_touched():
    given = pd.DataFrame(answers(("r1", "p1", "denied")))
    before = given.copy()
    graph().reviewed(given)
    pd.testing.assert_frame_equal(given, before)


PEOPLE = st.sampled_from(["r1", "r2", "p1", "p2"])
GIVEN = st.dictionaries(
    st.tuples(PEOPLE, PEOPLE).filter(lambda pair: pair[0] < pair[1]),
    st.tuples(st.sampled_from(["confirmed", "denied"]), st.sampled_from([None, 0.5, 2.0])),
)


@given(GIVEN)
def test_a_review_is_what_its_answers_say(given_answers):
    rows = answers(*[(*pair, *said) for pair, said in given_answers.items()])
    made = graph().reviewed(rows)
    at = made.labels.position
    before = graph()
    for pair, (said, weight) in given_answers.items():
        was = before.adjacency[before.labels.position(pair[0]), before.labels.position(pair[1])]
        now = made.adjacency[at(pair[0]), at(pair[1])]
        expected = 0 if said == "denied" else weight or was or 1.0
        assert now == pytest.approx(expected)
    assert made.reviewed(rows) == made
    assert SocialGraph.from_dict(made.to_dict()) == made
