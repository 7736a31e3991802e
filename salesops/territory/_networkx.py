"""What is known of ties, in and out of networkx: one edge attribute for each column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._frames import Labels, write_networkx
from salesops._frames.tables import object_column
from salesops.territory._attributes import NAMES, Attributes, Coded

if TYPE_CHECKING:
    import networkx as nx

IntArray = npt.NDArray[np.integer[Any]]


def edge_attributes(graph: Any) -> dict[str, pd.Series[Any]]:
    """Take the attributes that some edge has, in the order of the edges."""
    edges = [data for _, _, data in graph.edges(data=True)]
    present = [name for name in NAMES if any(name in data for data in edges)]
    return {name: object_column([data.get(name) for data in edges]) for name in present}


def to_networkx(
    people: Labels,
    source: IntArray,
    target: IntArray,
    weight: npt.NDArray[np.float64],
    about: Attributes,
    *,
    directed: bool,
) -> nx.Graph[Any]:
    """Make a graph whose edges carry what is known; a multigraph if two people have ties of several kinds."""
    if not len(about):
        return write_networkx(people, source, target, weight, directed=directed)
    import networkx as nx

    parallel = bool(((source[1:] == source[:-1]) & (target[1:] == target[:-1])).any())
    kinds: dict[tuple[bool, bool], type[nx.Graph[Any]]] = {
        (False, False): nx.Graph,
        (False, True): nx.DiGraph,
        (True, False): nx.MultiGraph,
        (True, True): nx.MultiDiGraph,
    }
    graph = kinds[parallel, directed]()
    names = people.values.tolist()
    graph.add_nodes_from(names)
    known = {
        name: (column.words() if isinstance(column, Coded) else column).tolist()
        for name, column in about.columns.items()
    }
    for k, (i, j, w) in enumerate(zip(source.tolist(), target.tolist(), weight.tolist(), strict=True)):
        told = {name: column[k] for name, column in known.items() if column[k] is not None}
        graph.add_edge(names[i], names[j], weight=w, **told)
    return graph
