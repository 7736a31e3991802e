"""Ties from shared groups, and graphs laid over each other."""

import itertools
from collections import defaultdict
from fractions import Fraction

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput, SalesOpsWarning
from salesops.territory import SocialGraph


def board(*pairs, **options):
    table = [dict(zip(("person", "group", "weight"), pair, strict=False)) for pair in pairs]
    return SocialGraph.from_memberships(table, **options)


def test_a_group_of_one_gives_nobody_a_tie_and_keeps_the_person():
    made = board(("ann", "x"))
    assert (made.n_people, made.n_ties) == (1, 0)


def test_weights_of_memberships_enter_by_their_geometric_mean():
    assert board(("a", "x", 4), ("b", "x", 9)).to_frame()["weight"].tolist() == [6.0]
    assert board(("a", "x", 2), ("b", "x", 2)).to_frame()["weight"].tolist() == [2.0]


def test_a_membership_of_weight_zero_is_none():
    made = board(("a", "x", 0), ("b", "x", 1), ("c", "x", 1))
    assert made.to_frame().values.tolist() == [["b", "c", 1.0]]
    assert made.people.tolist() == ["a", "b", "c"]
    assert made.report[0].rows == (0,)


def test_a_membership_without_consent_leaves_no_trace():
    table = {"person": ["a", "b", "c"], "group": ["x"] * 3, "consent": [False, True, True]}
    made = SocialGraph.from_memberships(table)
    assert made.to_frame().values.tolist() == [["b", "c", 1.0]]
    assert made.report[0].values == ("1 tie",)


def test_a_membership_that_stands_twice_is_refused():
    with pytest.raises(InvalidInput, match=r"memberships\.group: the same membership .*row 0.*row 2"):
        board(("a", "x"), ("b", "x"), ("a", "x"))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_missing_group_joins_nobody(missing):
    with pytest.raises(InvalidInput, match=r"memberships\.group: the id is missing.*row 1.*row 2"):
        board(("a", "x"), ("b", missing), ("c", missing))


def test_a_huge_group_is_refused_before_memory_is_asked_for():
    table = pd.DataFrame({"person": np.arange(200_000), "group": "everybody"})
    with pytest.raises(InvalidInput) as caught:
        SocialGraph.from_memberships(table)
    assert "'everybody'" in str(caught.value)
    assert "200000 members, largest_group 1000" in str(caught.value)
    with pytest.raises(InvalidInput, match="more pairs than fit in memory"):
        SocialGraph.from_memberships(table, largest_group=10**6)


def test_a_huge_group_can_be_set_aside_with_a_report():
    made = board(
        ("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"), ("b", "y"), largest_group=2, larger="set_aside"
    )
    assert made.to_frame().values.tolist() == [["a", "b", 1.0]]
    assert made.report[0].rows == (0, 1, 2)
    assert made.people.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("largest", [1, 2.5, True, None])
def test_the_largest_group_is_a_number_of_people(largest):
    with pytest.raises(InvalidInput, match="largest_group"):
        board(("a", "x"), largest_group=largest)


def test_the_sums_agree_with_networkx_on_real_teams():
    given = nx.davis_southern_women_graph()
    women = given.graph["top"]
    made = board(*[(woman, event) for woman in women for event in given[woman]])
    expected = nx.bipartite.collaboration_weighted_projected_graph(given, women)
    found = made.to_networkx()
    assert set(map(frozenset, found.edges)) == set(map(frozenset, expected.edges))
    for one, other, weight in expected.edges(data="weight"):
        assert found.edges[one, other]["weight"] == pytest.approx(weight, rel=1e-12)


MEMBERS = st.sets(st.tuples(st.integers(0, 6), st.sampled_from("wxyz")), max_size=16)


@given(MEMBERS)
def test_weights_agree_with_the_formula(pairs):
    groups = defaultdict(list)
    for person, group in sorted(pairs):
        groups[group].append(person)
    expected = defaultdict(Fraction)
    for people in groups.values():
        for pair in itertools.combinations(people, 2):
            expected[pair] += Fraction(1, len(people) - 1)
    found = {tuple(row[:2]): row[2] for row in board(*pairs).to_frame().values.tolist()}
    assert found == pytest.approx({pair: float(weight) for pair, weight in expected.items()}, rel=1e-12)


@given(MEMBERS, st.permutations("wxyz"))
def test_names_of_groups_and_order_of_rows_change_nothing(pairs, names):
    renamed = [(person, dict(zip("wxyz", names, strict=True))[group]) for person, group in pairs]
    assert board(*reversed(renamed)) == board(*pairs)


def layer(*rows, **options):
    table = [dict(zip(("source", "target", "weight", "kind"), row, strict=False)) for row in rows]
    return SocialGraph.from_ties(table, **options)


def test_layers_add_up_and_every_tie_keeps_its_layer():
    both = SocialGraph.union(
        {"mail": layer(("a", "b", 1)), "crm": layer(("a", "b", 2, "call"), ("b", "c", 4, None))},
        weights={"crm": 0.5},
    )
    assert both.to_frame().astype({"kind": "str"}).values.tolist() == [
        ["a", "b", 1.0, "crm/call"],
        ["a", "b", 1.0, "mail"],
        ["b", "c", 2.0, "crm"],
    ]
    assert both.adjacency.toarray().max() == 2.0


def test_neither_order_nor_name_of_layers_changes_what_counts():
    one, other, third = layer(("a", "b", 0.1)), layer(("a", "b", 0.2), ("c", "d", 1)), layer(("a", "b", 0.3))
    given = SocialGraph.union({"x": one, "y": other, "z": third})
    assert SocialGraph.union({"z": third, "y": other, "x": one}) == given
    renamed = SocialGraph.union({"q": one, "b": other, "a": third})
    assert np.array_equal(renamed.adjacency.toarray(), given.adjacency.toarray())


def test_a_union_keeps_people_without_ties_and_every_report():
    both = SocialGraph.union(
        {"x": layer(("a", "a", 1), ("a", "b", 1)), "y": SocialGraph.from_networkx(nx.empty_graph(["z"]))}
    )
    assert both.people.tolist() == ["a", "b", "z"]
    assert both.report[0].path == "layers['x'].ties"
    assert both.forget("a").people.tolist() == ["z"]


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (101, "101")])
def test_people_who_differ_by_type_across_layers_are_refused(one, other):
    with pytest.raises(InvalidInput, match=f"layers.*{other}"):
        SocialGraph.union({"x": layer((one, "p", 1)), "y": layer((other, "p", 1))})


def test_people_who_look_alike_across_layers_warn():
    with pytest.warns(SalesOpsWarning, match="look alike"):
        SocialGraph.union({"x": layer(("Jos\u00e9", "p", 1)), "y": layer(("Jose\u0301", "p", 1))})


@pytest.mark.parametrize(
    ("layers", "weights", "told"),
    [
        ({}, None, "mapping of names to graphs"),
        ([], None, "mapping of names to graphs"),
        ({"x": nx.path_graph(2)}, None, "is not a social graph"),
        ({"a/b": layer(("a", "b", 1))}, None, "without a slash"),
        ({3: layer(("a", "b", 1))}, None, "is text"),
        ({"mail": layer(("a", "b", 1))}, {"mial": 2}, "did you mean 'mail'"),
        ({"mail": layer(("a", "b", 1))}, {"mail": 0}, "above 0"),
        ({"mail": layer(("a", "b", 1))}, {"mail": float("nan")}, "above 0"),
        ({"mail": layer(("a", "b", 1e308))}, {"mail": 1e9}, "too large"),
        (
            {"x": layer(("a", "b", 1)), "y": layer(("a", "b", 1), directed=True)},
            None,
            "some layers are directed",
        ),
    ],
)
def test_layers_that_cannot_be_joined_are_refused(layers, weights, told):
    with pytest.raises(InvalidInput, match=told):
        SocialGraph.union(layers, weights=weights)


def test_a_union_of_directed_layers_is_directed():
    made = SocialGraph.union(
        {"x": layer(("a", "b", 1), directed=True), "y": layer(("b", "a", 1), directed=True)}
    )
    assert made.is_directed
    assert made.n_ties == 2
