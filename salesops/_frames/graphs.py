"""The door for networkx graphs: ties in, a graph out, and the caller's graph never touched."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from salesops._frames.ids import Ids, Labels, factorize, is_missing
from salesops._frames.tables import object_column
from salesops.errors import InvalidInput, Problem, show

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd


def is_networkx(data: object) -> bool:
    """Say whether `data` is a networkx graph, without importing networkx."""
    return any(kind.__module__.partition(".")[0] == "networkx" for kind in type(data).__mro__)


def read_networkx(graph: Any, weight: str | None) -> tuple[Ids, dict[str, pd.Series[Any]]]:
    """Take the nodes and the edges (source, target, weight) of a networkx graph.

    A graph none of whose edges has the attribute, or ``weight=None``, has ties of weight 1; one edge without
    it among others that have it is left empty, which the reader of the ties refuses.
    """
    if not is_networkx(graph):
        fault = Problem(path="graph", message="is not a networkx graph", values=(type(graph).__name__,))
        raise InvalidInput("graph: 1 problem", [fault])
    nodes = list(graph.nodes)
    unfit = [node for node in nodes if is_missing(node)]
    if unfit:
        fault = Problem(
            path="graph",
            message="a node has a missing id, which joins strangers",
            values=tuple(show(node) for node in unfit),
            hint="drop the node or give it an id",
        )
        raise InvalidInput("graph: 1 problem", [fault])
    people, _ = factorize(object_column(nodes))
    edges = list(graph.edges(data=True))
    found = [data.get(weight) for _, _, data in edges]
    columns = {
        "source": object_column([source for source, _, _ in edges]),
        "target": object_column([target for _, target, _ in edges]),
    }
    if weight is not None and any(weight in data for _, _, data in edges):
        columns["weight"] = object_column(found)
    return people, columns


def write_networkx(
    people: Labels,
    source: npt.NDArray[np.integer[Any]],
    target: npt.NDArray[np.integer[Any]],
    weight: npt.NDArray[np.float64],
    *,
    directed: bool,
) -> nx.Graph[Hashable]:
    """Make a networkx graph with all the people, in label order, and one edge for each tie."""
    import networkx as nx

    graph: nx.Graph[Hashable] = nx.DiGraph() if directed else nx.Graph()
    names: Sequence[Hashable] = people.values.tolist()
    graph.add_nodes_from(names)
    graph.add_weighted_edges_from(
        (names[i], names[j], w)
        for i, j, w in zip(source.tolist(), target.tolist(), weight.tolist(), strict=True)
    )
    return graph
