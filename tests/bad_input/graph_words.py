"""Adapter: the words of the graph, capacity, locks and consent cases to the real calls."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

import salesops

TIES = ["source", "target", "weight"]


def _graph_of(case: dict[str, Any]) -> nx.Graph:
    if case["id"] == "G-033":
        graph = nx.DiGraph()
        graph.add_edge("p1", "r1", weight=1)
    elif case["id"] == "G-034":
        graph = nx.MultiGraph()
        graph.add_edge("r1", "p1", weight=1)
        graph.add_edge("r1", "p1", weight=2)
    elif case["id"] == "G-035":
        graph = nx.Graph()
        graph.add_edge("r1", "p1", weight=0.2)
        graph.add_edge("r1", "p2")
    else:
        raise KeyError(case["id"])
    return graph


def _generated(case: dict[str, Any]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    if case["id"] == "G-038":
        n = 1_000_001
        ends = np.arange(n)
        weight = np.ones(n)
        weight[777_777] = -1
        return pd.DataFrame({"source": ends, "target": ends + 1 + rng.integers(1, 50, n), "weight": weight})
    if case["id"] == "G-039":
        n = 100_000
        return pd.DataFrame(
            {"source": np.arange(n), "target": np.arange(n) + 1, "weight": np.full(n, np.nan)}
        )
    raise KeyError(case["id"])


def _ties(rows: Any) -> Any:
    if isinstance(rows, str):
        assert rows == "complete bipartite r1..r3 x p1..p3, weight 1"
        rows = [[f"r{i}", f"p{j}", 1] for i in (1, 2, 3) for j in (1, 2, 3)]
    if rows and isinstance(rows[0], dict):
        names = {"a": "source", "b": "target", "expires": "expires_on", "expiry": "expires_on"}
        if "a" in rows[0]:
            names["source"] = "provenance"
        return [{names.get(name, name): value for name, value in row.items()} for row in rows]
    return [dict(zip(TIES, row, strict=True)) for row in rows]


def _pairs(rows: list[Any]) -> list[dict[str, Any]]:
    return [{"lead_id": lead, "rep_id": rep} for lead, rep in rows]


def run(case: dict[str, Any]) -> Any:
    """Build what the case describes and make the call that it names."""
    given = case["input"]
    options = dict(given.get("options", {}))
    combine = options.pop("combine", None)
    if "graph" in given:
        graph = salesops.territory.SocialGraph.from_networkx(_graph_of(case))
    else:
        ties = _generated(case) if "gen" in given else _ties(given.get("ties", []))
        graph = salesops.territory.SocialGraph.from_ties(
            ties, combine=combine, directed=given.get("directed", False), as_of=given.get("as_of")
        )
    reps: Any = given.get("reps_frame", given.get("reps"))
    leads = given["leads"]
    prox = salesops.territory.proximity(graph, reps, leads)
    if given["call"] == "proximity":
        return prox
    for word, name in (("locks", "locked"), ("forbid", "forbidden")):
        if word in given:
            options[name] = _pairs(given[word])
    return salesops.territory.assign(reps, leads, prox, **options)
