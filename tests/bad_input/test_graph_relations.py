"""Shared bad inputs of the graph that compare several calls, or whose answer is told in words."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import tracemalloc
from pathlib import Path
from typing import Any

import graph_words
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import yaml

from salesops import territory

MEASURES = ("random_walk", territory.IntroductionPath())


@functools.cache
def _cases(folder: Path) -> dict[str, dict[str, Any]]:
    with (folder / "bad-input" / "cases.yaml").open(encoding="utf-8") as file:
        return {case["id"]: case for case in yaml.safe_load(file)["cases"]}


@pytest.fixture
def case(shared: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give the case that the test names, to be changed at will."""
    return copy.deepcopy(_cases(shared)[request.param])


def for_case(name: str) -> Any:
    return pytest.mark.parametrize("case", [name], indirect=True)


def with_ties(case: dict[str, Any], ties: list[Any]) -> dict[str, Any]:
    return {**case, "input": {**case["input"], "ties": ties}}


def facts(prox: Any) -> dict[str, Any]:
    return prox.to_dict()


@for_case("G-001")
def test_a_self_tie_changes_nothing_but_is_reported(case: dict[str, Any]) -> None:
    given = graph_words.run(case)
    rows = [row for row in case["input"]["ties"] if row[0] != row[1]]
    assert facts(graph_words.run(with_ties(case, rows))) == facts(given)
    told = json.dumps([note.to_dict() for note in given.graph.report])
    assert all(word in told for word in case["expect"]["report"])


@for_case("G-003")
def test_two_directions_of_an_undirected_tie_are_one(case: dict[str, Any]) -> None:
    given = facts(graph_words.run(case))
    assert facts(graph_words.run(with_ties(case, [["r1", "p1", 5]]))) == given
    assert facts(graph_words.run(with_ties(case, case["input"]["ties"][::-1]))) == given


@for_case("G-007")
@pytest.mark.parametrize("measure", MEASURES)
def test_zero_strength_is_no_tie_for_every_measure(case: dict[str, Any], measure: Any) -> None:
    reps, leads = case["input"]["reps"], case["input"]["leads"]
    graph = territory.SocialGraph.from_ties(graph_words._ties(case["input"]["ties"]))
    alone = nx.Graph()
    alone.add_edge("r2", "p1", weight=1)
    alone.add_node("r1")
    prox = territory.proximity(graph, reps, leads, method=measure)
    assert prox.score("r1", "p1") == 0
    expected = territory.proximity(alone, reps, leads, method=measure)
    pd.testing.assert_frame_equal(prox.to_frame(), expected.to_frame())


@for_case("G-015")
def test_a_rep_without_ties_is_present(case: dict[str, Any]) -> None:
    plan = graph_words.run(case)
    owner = plan.to_frame().set_index("lead_id")["rep_id"]
    assert owner["p1"] == "r1"
    assert plan.loads()["rep_id"].tolist() == ["new_hire", "r1"]
    assert plan.to_frame().set_index("lead_id").loc["p2", "reason"] == "cold"


@for_case("G-016")
def test_a_lead_nobody_knows_stands_once_with_its_reason(case: dict[str, Any]) -> None:
    frame = graph_words.run(case).to_frame()
    stranger = frame[frame["lead_id"] == "stranger"]
    assert stranger[["score", "reason"]].values.tolist() == [[0.0, "no connection"]]
    assert stranger["rep_id"].isna().all()


@for_case("G-037")
def test_a_celebrity_hub_needs_no_dense_matrix(case: dict[str, Any]) -> None:
    n = np.arange(1, 50_001)
    ties = pd.DataFrame({"source": np.zeros(50_000, dtype=np.int64), "target": n, "weight": 1.0})
    reps, leads = {"rep_id": n[:200]}, {"lead_id": n[200:20_200]}
    tracemalloc.start()
    prox = territory.proximity(territory.SocialGraph.from_ties(ties), reps, leads)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(prox.scores).all()
    assert peak < case["expect"]["within_mb"] * 2**20


@for_case("G-040")
def test_the_callers_graph_is_not_touched(case: dict[str, Any]) -> None:
    given = nx.karate_club_graph().subgraph(range(20)).copy()
    nx.set_node_attributes(given, "mine", "note")
    nx.set_edge_attributes(given, "gateway", "provenance")
    before = copy.deepcopy((dict(given.nodes(data=True)), list(given.edges(data=True)), given.graph))
    reps, leads = {"rep_id": [0, 1]}, {"lead_id": [5, 6, 7]}
    prox = territory.proximity(given, reps, leads)
    territory.assign(reps, leads, prox).explain(5)
    sheet = territory.review(given, reps, leads, names=True).to_frame().assign(answer="denied")
    territory.SocialGraph.from_networkx(given).reviewed(sheet).forget(3)
    assert (dict(given.nodes(data=True)), list(given.edges(data=True)), given.graph) == before


@for_case("G-041")
def test_a_tie_whose_consent_was_withheld_is_neither_scored_nor_shown(case: dict[str, Any]) -> None:
    plan = graph_words.run(case)
    assert plan.to_frame()["rep_id"].tolist() == ["r2"]
    assert "r1" not in repr(plan.explain("p1", names=True))
    assert [note.values for note in plan.prox.graph.report] == [("1 tie",)]


@for_case("G-041")
def test_consent_that_has_expired_is_consent_withheld(case: dict[str, Any]) -> None:
    rows = case["input"]["ties"]
    rows[0].update(consent=True, expires="2024-05-31")
    case["input"]["as_of"] = "2024-06-01"
    plan = graph_words.run(case)
    assert plan.to_frame()["rep_id"].tolist() == ["r2"]
    assert "r1" not in repr(plan.explain("p1", names=True))
    assert [note.values for note in plan.prox.graph.report] == [("1 tie",)]


@for_case("G-036")
def test_order_of_rows_never_changes_a_graph_made_in_any_way(case: dict[str, Any]) -> None:
    ties = graph_words._ties(case["input"]["ties"])
    dated = [{**row, "at": f"2024-05-{k + 1:02d}"} for k, row in enumerate(ties)]
    members = [{"person": row["source"], "group": row["target"]} for row in ties]
    digests = set()
    for order in itertools.islice(itertools.permutations(range(len(ties))), 0, 40_000, 1_700):
        mails = territory.SocialGraph.from_interactions([dated[k] for k in order], as_of="2024-06-01")
        groups = territory.SocialGraph.from_memberships([members[k] for k in order])
        made = territory.SocialGraph.from_ties([ties[k] for k in order])
        both = territory.SocialGraph.union({"ties": made, "mails": mails, "groups": groups})
        digests.add((mails.digest, groups.digest, made.digest, both.digest))
    assert len(digests) == 1
