import json
import pickle

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import InvalidInput, SalesOpsWarning
from salesops.territory import SocialGraph


def ties(*rows):
    return [dict(zip(("source", "target", "weight"), row, strict=True)) for row in rows]


def graph(*rows, **options):
    return SocialGraph.from_ties(ties(*rows), **options)


def test_an_undirected_tie_stands_once_in_label_order():
    frame = graph(("z", "a", 2), ("b", "a", 1)).to_frame()
    assert frame.to_dict("list") == {"source": ["a", "a"], "target": ["b", "z"], "weight": [1.0, 2.0]}


def test_a_self_tie_changes_nothing_and_is_reported():
    plain = graph(("r1", "p1", 1), ("r2", "p1", 2))
    noisy = graph(("r1", "r1", 5), ("r1", "p1", 1), ("r2", "p1", 2))
    assert noisy == plain
    assert "self" in noisy.report[0].message
    assert "r1" in noisy.report[0].ids[0]


def test_a_tie_of_weight_zero_is_no_tie_but_keeps_its_people():
    made = graph(("r1", "p1", 0), ("r2", "p1", 1))
    assert made.n_ties == 1
    assert made.people.tolist() == ["p1", "r1", "r2"]
    assert made.report[0].rows == (0,)


def test_a_repeated_tie_needs_a_rule():
    with pytest.raises(InvalidInput) as caught:
        graph(("r1", "p1", 1), ("p1", "r1", 5))
    assert str(caught.value) == (
        "ties: 1 problem\n"
        "- ties.weight: the same tie stands more than once (parallel ties) "
        "(row 0 ('r1', 'p1'): 1, row 1 ('p1', 'r1'): 5); "
        "name a rule with combine=: 'sum', 'max', 'mean', 'min', or 'latest' where ties carry observed_on"
    )


@pytest.mark.parametrize(("rule", "expected"), [("sum", 8), ("max", 5), ("min", 1), ("mean", 8 / 3)])
def test_a_rule_combines_repeated_ties(rule, expected):
    made = graph(("r1", "p1", 1), ("p1", "r1", 5), ("r1", "p1", 2), combine=rule)
    assert made.to_frame()["weight"].tolist() == [pytest.approx(expected)]


def test_the_latest_tie_counts_where_ties_are_dated():
    rows = {
        "source": ["a", "b", "a"],
        "target": ["b", "a", "b"],
        "weight": [1, 7, 3],
        "observed_on": ["2024-01-01", "2024-05-01", "2024-02-01"],
    }
    assert SocialGraph.from_ties(rows, combine="latest").to_frame()["weight"].tolist() == [7.0]


def test_latest_without_dates_is_refused():
    with pytest.raises(InvalidInput, match="observed_on"):
        graph(("a", "b", 1), combine="latest")


def test_the_sum_of_weights_does_not_depend_on_the_order_of_rows():
    rows = [("a", "b", 0.1), ("b", "a", 0.2), ("a", "b", 0.3), ("a", "b", 1e-17)]
    assert len({graph(*rows[k:], *rows[:k], combine="sum").digest for k in range(4)}) == 1


def test_a_sum_too_large_for_a_number_is_refused():
    with pytest.raises(InvalidInput, match="too large"):
        graph(("a", "b", 1.7e308), ("a", "b", 1.7e308), combine="sum")


def test_a_tie_without_consent_leaves_no_trace_but_a_count():
    rows = [
        {"source": "r1", "target": "p1", "weight": 9, "consent": False},
        {"source": "r2", "target": "p1", "weight": 1, "consent": True},
    ]
    made = SocialGraph.from_ties(rows)
    assert made.people.tolist() == ["p1", "r2"]
    assert made.report[0].values == ("1 tie",)
    assert "r1" not in json.dumps(made.to_dict())


def test_people_whose_ids_differ_by_type_across_columns_are_refused():
    with pytest.raises(InvalidInput, match=r"1 and 1\.0|1\.0 and 1"):
        graph((1, "p1", 1), ("p2", 1.0, 1))


def test_ids_that_look_alike_warn_and_stay_apart():
    with pytest.warns(SalesOpsWarning, match=r"U\+0301"):
        made = graph(("Jos\u00e9", "p1", 1), ("Jose\u0301", "p2", 1))
    assert made.n_people == 4


def test_ids_of_every_hashable_kind_are_people():
    made = graph((("emea", 1), 7, 1), ("x", frozenset({2}), 1))
    assert made.n_people == 4
    assert made.labels.position(("emea", 1)) >= 0


def test_an_empty_table_is_an_empty_graph():
    made = SocialGraph.from_ties([])
    assert (made.n_people, made.n_ties) == (0, 0)
    assert SocialGraph.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert "Social graph" in made._repr_html_()


def test_a_graph_passes_through_json():
    made = graph(("r1", "r1", 5), (("a", 1), "p1", 0.1), (2, "p1", 3))
    document = json.loads(json.dumps(made.to_dict()))
    again = SocialGraph.from_dict(document)
    assert again == made
    assert again.to_dict() == made.to_dict()
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_faulty_document_is_refused_with_its_paths():
    document = {**graph(("a", "b", 1)).to_dict(), "surprise": 1}
    with pytest.raises(InvalidInput, match=r"\$\.surprise"):
        SocialGraph.from_dict(document)
    document = {**graph(("a", "b", 1)).to_dict(), "target": [9]}
    with pytest.raises(InvalidInput, match="is no position in people"):
        SocialGraph.from_dict(document)


def test_a_networkx_graph_passes_in_and_out():
    given = nx.karate_club_graph()
    before = (list(given.nodes(data=True)), [(u, v, dict(d)) for u, v, d in given.edges(data=True)])
    back = SocialGraph.from_networkx(given).to_networkx()
    assert nx.utils.edges_equal(
        back.edges(data="weight"), [(u, v, float(d["weight"])) for u, v, d in given.edges(data=True)]
    )
    assert before == (list(given.nodes(data=True)), [(u, v, dict(d)) for u, v, d in given.edges(data=True)])


def test_nodes_without_edges_stay():
    given = nx.empty_graph(3)
    assert SocialGraph.from_networkx(given).n_people == 3


def test_a_directed_graph_must_be_meant():
    given = nx.DiGraph()
    given.add_edge("p1", "r1", weight=1)
    with pytest.raises(InvalidInput, match="directed"):
        SocialGraph.from_networkx(given)
    made = SocialGraph.from_networkx(given, directed=True)
    assert made.is_directed
    assert list(made.to_networkx().edges()) == [("p1", "r1")]


def test_parallel_edges_need_a_rule():
    given = nx.MultiGraph()
    given.add_edge("r1", "p1", weight=1)
    given.add_edge("r1", "p1", weight=2)
    with pytest.raises(InvalidInput, match="parallel") as caught:
        SocialGraph.from_networkx(given)
    assert "'sum', 'max'" in str(caught.value)
    assert SocialGraph.from_networkx(given, combine="sum").to_frame()["weight"].tolist() == [3.0]


def test_one_edge_without_a_weight_among_weighted_ones_is_a_fault():
    given = nx.Graph()
    given.add_edge("r1", "p1", weight=0.2)
    given.add_edge("r1", "p2")
    with pytest.raises(InvalidInput, match=r"weight.*'r1', 'p2'"):
        SocialGraph.from_networkx(given)


def test_a_graph_without_weights_has_ties_of_weight_one():
    assert SocialGraph.from_networkx(nx.path_graph(3)).to_frame()["weight"].tolist() == [1.0, 1.0]


def test_columns_are_named_by_the_caller():
    frame = pd.DataFrame({"from": [1], "to": [2]})
    assert SocialGraph.from_ties(frame, columns={"from": "source", "to": "target"}).n_ties == 1


@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_change_a_graph(order):
    rows = [("a", "b", 1), ("c", "b", 2), (4, "a", 0.5), ("d", "d", 1), ("e", "a", 0), ("f", "c", 3)]
    assert graph(*(rows[k] for k in order)).digest == graph(*rows).digest


def test_one_bad_row_in_a_million_is_named():
    weight = np.ones(1_000_000)
    weight[777_777] = -1
    n = np.arange(1_000_000)
    with pytest.raises(InvalidInput, match=r"row 777777.*-1"):
        SocialGraph.from_ties(pd.DataFrame({"source": n, "target": n + 1, "weight": weight}))


def test_a_hundred_thousand_bad_rows_make_a_short_message():
    n = np.arange(100_000)
    with pytest.raises(InvalidInput, match="100000 rows") as caught:
        SocialGraph.from_ties(pd.DataFrame({"source": n, "target": n + 1, "weight": np.nan}))
    assert len(str(caught.value)) < 4000
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("weight", "shown"), [(-0.5, "-0.5"), (float("nan"), "nan"), (float("inf"), "inf")])
def test_a_weight_that_is_no_strength_is_named_with_its_people(weight, shown):
    with pytest.raises(InvalidInput, match=rf"weight.*'r1', 'p1'\): {shown}"):
        graph(("r1", "p1", weight), ("r1", "p2", 1.0))


def test_text_is_no_weight():
    with pytest.raises(InvalidInput, match=r"weight.*'r1', 'p1'\): '3'"):
        graph(("r1", "p1", "3"))


def test_a_tie_with_a_missing_end_is_refused():
    with pytest.raises(InvalidInput) as caught:
        graph(("r1", None, 1), ("r1", "p1", 1), (float("nan"), "p1", 1))
    assert "row 0" in str(caught.value)
    assert "row 2" in str(caught.value)


def test_ids_of_one_column_that_differ_by_type_are_refused():
    with pytest.raises(InvalidInput, match=r"row 1.*1\.0.*row 2.*True"):
        graph((1, "p1", 1), (1.0, "p2", 1), (True, "p3", 1))


def test_an_empty_id_is_refused():
    with pytest.raises(InvalidInput, match=r"source.*row 0"):
        graph(("", "p1", 1))


def test_whole_and_other_numbers_as_ids_stay_what_they_are():
    made = graph((2, 3.5, 1))
    assert [type(person) for person in made.people] == [float, int]
    assert SocialGraph.from_ties(made.to_frame()) == made


def test_numpy_scalars_in_a_list_are_the_ids_they_hold():
    made = SocialGraph.from_ties(
        {"source": [np.int64(1), np.int64(2)], "target": [np.str_("p"), np.str_("q")]}
    )
    assert made == SocialGraph.from_ties({"source": [1, 2], "target": ["p", "q"]})
    assert SocialGraph.from_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": 3}, r"\$\.source: is not a list"),
        ({"standing": [9]}, r"\$\.standing: is no position"),
        ({"report_ends": [[1]]}, "must match the report"),
        ({"report": [{"x": 1}], "report_ends": [None]}, r"\$\.report\[0\]: is not a note"),
        ({"report": [{"path": "x", "message": "y"}], "report_ends": [[1]]}, r"\$\.report_ends\[0\]"),
        ({"is_directed": "no"}, r"\$\.is_directed: is True or False"),
        ({"schema_version": 2}, r"\$\.schema_version: must be 1"),
        ({"status": ["maybe"]}, r"\$\.status: unknown choice"),
        ({"kinds": []}, "same length"),
        ({"people": ["a", ["b"]]}, "hashable|missing|length"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_its_path(change, told):
    with pytest.raises(InvalidInput, match=told):
        SocialGraph.from_dict({**graph(("a", "b", 1)).to_dict(), **change})


def test_what_is_no_document_is_refused():
    with pytest.raises(InvalidInput, match="not the document of a social graph"):
        SocialGraph.from_dict(None)


def test_a_document_without_the_newer_fields_still_loads():
    made = SocialGraph.from_networkx(nx.path_graph(4))
    document = made.to_dict()
    for name in ("standing", "report_ends", "report"):
        del document[name]
    assert SocialGraph.from_dict(document) == made
