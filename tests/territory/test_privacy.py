"""A person forgotten was never there; a pseudonym tells nobody anything."""

import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import territory
from salesops.errors import InvalidInput, SalesOpsWarning
from salesops.territory import SocialGraph

IDS = st.sampled_from(["a", "b", 2, 10, ("t", 1), 3.5])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source": IDS,
            "target": IDS,
            "weight": st.sampled_from([0, 0.1, 0.2, 1]),
            "kind": st.sampled_from([None, "mail", "board"]),
            "provenance": st.sampled_from([None, "crm", "hr"]),
            "expires_on": st.sampled_from([None, "2024-03-01"]),
            "status": st.sampled_from([None, "denied"]),
        }
    ),
    min_size=1,
    max_size=9,
)


def labelled(rows):
    """Give rows names, so that leaving some out does not rename the others."""
    names = [f"row-{k}" for k in range(len(rows))]
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], index=names, dtype=object) for name in rows[0]}
    )


def same(one, other):
    assert one == other
    assert one.digest == other.digest
    assert one.report == other.report
    assert one.to_dict() == other.to_dict()


@settings(max_examples=40)
@given(ROWS, st.booleans())
def test_who_is_forgotten_was_never_there(rows, directed):
    table = labelled(rows)
    graph = SocialGraph.from_ties(table, combine="sum", directed=directed)
    for person in graph.people.tolist():
        stays = [s != person and t != person for s, t in zip(table["source"], table["target"], strict=True)]
        without = SocialGraph.from_ties(table[stays], combine="sum", directed=directed)
        same(graph.forget(person), without)


@settings(max_examples=40)
@given(ROWS)
def test_forgetting_after_json_is_forgetting(rows):
    graph = SocialGraph.from_ties(labelled(rows), combine="sum")
    again = SocialGraph.from_dict(json.loads(json.dumps(graph.to_dict())))
    for person in graph.people.tolist():
        same(again.forget(person), graph.forget(person))


MAILS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from("abcd"),
        st.sampled_from(["1700-01-01", "2024-01-01", "2024-05-01"]),
        st.sampled_from(["mail", "call"]),
    ),
    min_size=1,
    max_size=10,
)


@given(MAILS, st.sampled_from(["sum", "weaker", 0.5]))
def test_who_is_forgotten_never_wrote(mails, rule):
    table = pd.DataFrame(mails, columns=["source", "target", "at", "kind"])
    table.index = [f"row-{k}" for k in table.index]

    def read(rows):
        return SocialGraph.from_interactions(rows, as_of="2024-06-30", half_life="30D", reciprocity=rule)

    graph = read(table)
    for person in graph.people.tolist():
        same(graph.forget(person), read(table[(table["source"] != person) & (table["target"] != person)]))


@settings(max_examples=40)
@given(ROWS, ROWS)
def test_who_is_forgotten_in_a_union_was_in_no_layer(one, other):
    layers = {
        "x": SocialGraph.from_ties(labelled(one), combine="sum"),
        "y": SocialGraph.from_ties(labelled(other), combine="sum"),
    }
    both = SocialGraph.union(layers)
    for person in both.people.tolist():
        left = {
            name: layer.forget(person) if layer.labels.position(person) >= 0 else layer
            for name, layer in layers.items()
        }
        same(both.forget(person), SocialGraph.union(left))


def test_who_is_forgotten_in_a_networkx_graph_leaves_its_neighbours():
    given = nx.karate_club_graph()
    graph = SocialGraph.from_networkx(given)
    given.remove_node(33)
    same(graph.forget(33), SocialGraph.from_networkx(given))


def test_who_is_forgotten_in_memberships_leaves_the_others_members():
    table = pd.DataFrame({"person": ["a", "b", "c", "d"], "group": ["x", "x", "y", "y"]})
    left = SocialGraph.from_memberships(table).forget("a")
    assert left == SocialGraph.from_memberships(table[1:])


def test_who_is_forgotten_has_reviewed_nothing():
    graph = SocialGraph.from_ties({"source": ["a", "b"], "target": ["b", "c"]})
    rows = {"source": ["b"], "target": ["c"], "answer": ["confirmed"], "by": ["a"]}
    assert '"a"' not in json.dumps(graph.reviewed(rows).forget("a").to_dict())


@pytest.mark.parametrize(
    ("person", "told"), [("ann", "did you mean 'anna'"), ("1", "'1'"), (["a"], "hashable")]
)
def test_somebody_unknown_cannot_be_forgotten(person, told):
    graph = SocialGraph.from_ties({"source": ["anna"], "target": ["bo"]})
    with pytest.raises(InvalidInput, match="person: ") as caught:
        graph.forget(person)
    assert told in str(caught.value)


def test_one_type_is_forgotten_and_not_the_other():
    with pytest.warns(SalesOpsWarning, match="look alike"):
        graph = SocialGraph.from_ties([{"source": 1, "target": "x"}, {"source": "1", "target": "x"}])
    assert graph.forget("1").people.tolist() == [1, "x"]


def test_the_last_person_can_be_forgotten():
    graph = SocialGraph.from_ties({"source": ["a"], "target": ["b"]})
    assert graph.forget("a") == SocialGraph.from_ties([])


def test_forgetting_a_numpy_scalar_is_forgetting_the_number():
    graph = SocialGraph.from_ties({"source": [1, 2], "target": [2, 3]})
    assert graph.forget(np.int64(1)).people.tolist() == [2, 3]


def test_pseudonyms_keep_the_structure_and_nothing_else():
    table = labelled(
        [
            {"source": "ann", "target": "bo", "kind": "mail", "provenance": "ann's inbox"},
            {"source": "bo", "target": "cy", "kind": "mail", "provenance": None},
            {"source": "ann", "target": "ann", "kind": None, "provenance": None},
        ]
    )
    graph = SocialGraph.from_ties(table.set_axis(["ann-bo", "bo-cy", "ann-ann"]))
    hidden = graph.pseudonymised(key="secret")
    assert nx.is_isomorphic(graph.to_networkx(), hidden.to_networkx())
    written = json.dumps(hidden.to_dict())
    assert not any(name in written for name in ("ann", '"bo"', "cy"))
    assert "self tie" in hidden.report[0].message
    assert hidden.to_frame()["kind"].tolist() == ["mail", "mail"]


def test_pseudonyms_depend_on_key_and_type_alone():
    graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "cy"]})
    assert graph.pseudonymised(key="k") == graph.pseudonymised(key=b"k")
    assert not set(graph.pseudonymised(key="k").people) & set(graph.pseudonymised(key="l").people)
    assert graph.forget("ann").pseudonymised(key="k").people.isin(graph.pseudonymised(key="k").people).all()
    assert len({territory.pseudonym(who, key="k") for who in (1, 1.0, True, "1", (1,))}) == 5
    assert graph.pseudonymised(key="k").labels.position(territory.pseudonym("ann", key="k")) >= 0


def test_forgetting_and_pseudonyms_commute():
    graph = SocialGraph.from_ties({"source": ["ann", "bo", "ann"], "target": ["bo", "cy", "ann"]})
    hidden = graph.pseudonymised(key="k").forget(territory.pseudonym("ann", key="k"))
    assert hidden == graph.forget("ann").pseudonymised(key="k")


@pytest.mark.parametrize("key", ["", b"", None, 7])
def test_a_key_is_a_secret(key):
    with pytest.raises(InvalidInput, match="key"):
        SocialGraph.from_ties([]).pseudonymised(key=key)


def test_an_id_that_cannot_be_written_down_has_no_pseudonym():
    graph = SocialGraph.from_ties([{"source": frozenset({1}), "target": "b"}])
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        graph.pseudonymised(key="k")


@settings(max_examples=40)
@given(
    st.sets(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")).filter(lambda pair: pair[0] < pair[1])
    ),
    st.dictionaries(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")).filter(lambda pair: pair[0] < pair[1]),
        st.sampled_from(["confirmed", "denied"]),
        min_size=1,
    ),
)
def test_who_is_forgotten_after_a_review_was_never_asked(pairs, answers):
    def read(gone):
        rows = [{"source": s, "target": t} for s, t in sorted(pairs) if gone not in (s, t)]
        said = [
            {"source": s, "target": t, "answer": a} for (s, t), a in answers.items() if gone not in (s, t)
        ]
        return SocialGraph.from_ties(rows).reviewed(said, add_people=True)

    graph = read(None)
    for person in graph.people.tolist():
        same(graph.forget(person), read(person))
