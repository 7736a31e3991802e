"""What is known of a tie besides its weight: read, combined, kept, expired, and taken out and in again."""

import datetime as dt
import json
import pickle

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.territory import SocialGraph

ROWS = [
    {
        "source": "r1",
        "target": "p1",
        "weight": 3,
        "kind": "mail",
        "provenance": "crm",
        "observed_on": "2024-05-01",
        "consent": "legitimate_interests",
        "expires_on": "2025-05-01",
        "status": "confirmed",
    },
    {"source": "r1", "target": "p1", "weight": 2, "kind": "board", "observed_on": dt.date(2023, 1, 1)},
    {"source": "r2", "target": "p1", "weight": 5, "kind": "mail", "status": "denied"},
    {"source": "r2", "target": "p2", "weight": 1},
]


def made(rows=ROWS, **options):
    return SocialGraph.from_ties(rows, **options)


def test_ties_of_several_kinds_add_up_and_stand_apart():
    graph = made()
    assert graph.n_ties == 2
    assert graph.adjacency.toarray().max() == 5
    frame = graph.to_frame()
    assert frame["kind"].astype(object).where(frame["kind"].notna(), None).tolist() == [
        "board",
        "mail",
        "mail",
        None,
    ]


def test_a_denied_tie_does_not_count_and_is_remembered():
    graph = made()
    place = graph.labels.position
    assert graph.adjacency[place("r2"), place("p1")] == 0
    assert "denied" in graph.to_frame()["status"].tolist()
    assert repr(graph) == "SocialGraph(4 people, 2 ties, 1 denied)"
    assert "denied" in graph._repr_html_()


def test_attributes_pass_through_frames_json_and_pickle():
    graph = made()
    assert made(graph.to_frame()) == graph
    assert SocialGraph.from_dict(json.loads(json.dumps(graph.to_dict()))) == graph
    assert SocialGraph.from_dict(graph.to_dict()).to_dict() == graph.to_dict()
    assert pickle.loads(pickle.dumps(graph)) == graph


def test_attributes_pass_through_networkx_where_they_count():
    graph = made([row for row in ROWS if row.get("status") != "denied"])
    given = graph.to_networkx()
    assert isinstance(given, nx.MultiGraph)
    assert SocialGraph.from_networkx(given) == graph
    assert SocialGraph.from_networkx(given).digest == graph.digest


def test_no_networkx_algorithm_sees_a_denied_tie():
    assert not made().to_networkx().has_edge("r2", "p1")


def test_one_kind_for_each_pair_makes_a_plain_networkx_graph():
    given = made(ROWS[:1]).to_networkx()
    assert type(given) is nx.Graph
    assert given.edges["p1", "r1"]["observed_on"] == dt.date(2024, 5, 1)


def test_consent_on_an_edge_is_respected_and_other_attributes_can_be_ignored():
    given = nx.Graph()
    given.add_edge("a", "b", consent=False)
    given.add_edge("c", "b", kind=7)
    with pytest.raises(InvalidInput, match=r"graph\.kind: is not text"):
        SocialGraph.from_networkx(given)
    assert SocialGraph.from_networkx(given, attributes=False).n_ties == 2
    del given.edges["c", "b"]["kind"]
    assert SocialGraph.from_networkx(given).to_frame()["source"].tolist() == ["b"]


def test_attributes_change_equality_and_digest():
    plain, confirmed = (
        made([{"source": "a", "target": "b"}]),
        made([{"source": "a", "target": "b", "status": "confirmed"}]),
    )
    assert plain != confirmed
    assert plain.digest != confirmed.digest
    observed = made([{"source": "a", "target": "b", "status": "observed", "consent": True}])
    assert observed == plain
    assert observed.digest == plain.digest


def test_a_graph_without_attributes_keeps_no_list():
    assert made([{"source": "a", "target": "b", "kind": None}])._record is None


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("status", "confirmd", "did you mean 'confirmed'"),
        ("kind", 3, "is not text"),
        ("kind", " ", "the text is empty"),
        ("kind", ["mail"], "is not text"),
        ("consent", "no", "names no basis"),
        ("consent", 1, "is neither True nor False"),
        ("expires_on", "soon", "is no date or time"),
        ("observed_on", "2024-05-01T10:00:00Z", "pass zone"),
    ],
)
def test_an_attribute_that_cannot_be_meant_is_named_with_its_people(column, value, told):
    with pytest.raises(InvalidInput, match=f"ties.{column}") as caught:
        made([{"source": "a", "target": "b", column: value}])
    assert told in str(caught.value)
    assert "'a', 'b'" in str(caught.value)


def test_naive_and_aware_times_are_never_mixed():
    rows = [
        {"source": "a", "target": "b", "observed_on": "2024-05-01T10:00:00Z"},
        {"source": "a", "target": "c", "observed_on": "2024-05-01T10:00:00"},
    ]
    with pytest.raises(InvalidInput, match="with an offset and times without one"):
        made(rows, zone="Europe/Berlin")


def test_a_tie_whose_consent_has_expired_leaves_no_trace_but_a_count():
    rows = [
        {"source": "r1", "target": "p1", "weight": 9, "expires_on": "2024-06-01"},
        {"source": "r2", "target": "p1", "weight": 1, "expires_on": "2024-06-02"},
    ]
    graph = made(rows, as_of="2024-06-01")
    assert graph.people.tolist() == ["p1", "r2"]
    assert [note.values for note in graph.report] == [("1 tie",)]
    assert "r1" not in json.dumps(graph.to_dict())


def test_without_as_of_nothing_expires_and_the_card_counts_what_may():
    graph = made([{"source": "a", "target": "b", "expires_on": "1999-01-01"}])
    assert graph.n_ties == 1
    assert "<dt>with a day of expiry</dt><dd>1</dd>" in graph._repr_html_()
    assert graph.as_of("2024-01-01").n_people == 0


def test_a_row_observed_after_as_of_is_refused():
    with pytest.raises(InvalidInput, match=r"ties\.observed_on: is dated after as_of.*2024-05-02"):
        made([{"source": "a", "target": "b", "observed_on": "2024-05-02"}], as_of="2024-05-01")


def test_consent_that_is_not_stated_is_counted():
    graph = made(
        [{"source": "a", "target": "b", "consent": None}, {"source": "a", "target": "c", "consent": True}]
    )
    assert graph.report[0].values == ("1 tie",)
    assert "not stated" in graph.report[0].message


def test_withdrawn_consent_counts_as_none():
    graph = made([{"source": "a", "target": "b", "consent": "withdrawn"}])
    assert graph.n_people == 0


def test_a_combined_tie_takes_what_is_known_from_its_last_row():
    rows = [
        {
            "source": "a",
            "target": "b",
            "observed_on": "2024-02-01",
            "provenance": "new",
            "expires_on": "2025-01-01",
        },
        {
            "source": "b",
            "target": "a",
            "observed_on": "2024-01-01",
            "provenance": "old",
            "expires_on": "2024-09-01",
        },
    ]
    frame = made(rows, combine="sum").to_frame()
    assert frame["provenance"].tolist() == ["new"]
    assert frame["weight"].tolist() == [2.0]
    assert frame["expires_on"].dt.date.tolist() == [dt.date(2024, 9, 1)]
    assert made(rows, combine="latest").to_frame()["expires_on"].dt.date.tolist() == [dt.date(2025, 1, 1)]


def test_a_tie_confirmed_and_denied_at_once_is_refused():
    rows = [
        {"source": "a", "target": "b", "status": "denied", "observed_on": "2024-01-01"},
        {"source": "b", "target": "a", "status": "confirmed", "observed_on": "2024-02-01"},
    ]
    with pytest.raises(InvalidInput, match="the same tie is confirmed and denied"):
        made(rows, combine="max")
    assert made(rows, combine="latest").n_ties == 1
    same_day = [{**row, "observed_on": "2024-01-01"} for row in rows]
    with pytest.raises(InvalidInput, match="the same tie is confirmed and denied"):
        made(same_day, combine="latest")


def test_a_denial_outweighs_an_observation():
    rows = [
        {"source": "a", "target": "b", "weight": 1, "status": "denied"},
        {"source": "a", "target": "b", "weight": 9},
    ]
    assert made(rows, combine="sum").n_ties == 0


def test_numpy_scalars_tuples_and_timestamps_are_ids():
    rows = [
        {"source": np.int64(1), "target": ("emea", 2), "kind": "mail"},
        {"source": pd.Timestamp("2024-01-01"), "target": 1, "kind": "mail"},
    ]
    graph = made(rows)
    assert graph.n_people == 3
    assert SocialGraph.from_dict(json.loads(json.dumps(graph.to_dict()))).n_ties == 2


def test_an_unhashable_id_is_refused():
    with pytest.raises(InvalidInput, match=r"ties\.source: an id must be hashable.*row 0"):
        made([{"source": ["a"], "target": "b"}])


def test_weights_of_several_kinds_too_large_for_a_number_are_refused():
    rows = [{"source": "a", "target": "b", "weight": 1.7e308, "kind": kind} for kind in ("x", "y")]
    with pytest.raises(InvalidInput, match="too large"):
        made(rows)


PEOPLE = st.sampled_from(["a", "b", "c", "d"])
TIES = st.lists(
    st.fixed_dictionaries(
        {
            "source": PEOPLE,
            "target": PEOPLE,
            "weight": st.sampled_from([0.1, 0.2, 1.0]),
            "kind": st.sampled_from([None, "mail", "board"]),
            "provenance": st.sampled_from([None, "crm", "hr"]),
            "observed_on": st.sampled_from([None, "2024-01-01", "2024-02-01"]),
            "expires_on": st.sampled_from([None, "2024-03-01", "2024-04-01"]),
            "status": st.sampled_from([None, "observed", "denied"]),
        }
    ),
    max_size=9,
)


@given(TIES, st.randoms(use_true_random=False), st.sampled_from(["sum", "max", "mean", "min"]))
def test_the_order_of_rows_changes_nothing_that_is_known(rows, random, rule):
    shuffled = random.sample(rows, len(rows))
    swapped = [{**row, "source": row["target"], "target": row["source"]} for row in shuffled]
    assert made(swapped, combine=rule) == made(rows, combine=rule)


@given(TIES)
def test_what_is_known_passes_through_frame_and_json(rows):
    graph = made(rows, combine="sum")
    assert SocialGraph.from_dict(json.loads(json.dumps(graph.to_dict()))) == graph
    frame = graph.to_frame()
    assert made(frame).to_frame().equals(frame)


@given(TIES, st.sampled_from(["2024-02-15", "2024-03-01", "2024-04-01"]))
def test_a_graph_as_of_a_day_is_the_graph_read_as_of_it(rows, day):
    apart = {}
    for row in rows:
        if row["source"] != row["target"]:
            apart.setdefault((frozenset((row["source"], row["target"])), row["kind"]), row)
    later, at_once = made([*apart.values()]).as_of(day), made([*apart.values()], as_of=day)
    assert later == at_once
    assert later.digest == at_once.digest
