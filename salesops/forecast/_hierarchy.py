"""Which node is the sum of which: read from parents and children, from level columns or a summing matrix."""

from __future__ import annotations

import functools
import graphlib
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from salesops._faults import check_once, closest, raise_all, refuse
from salesops._frames import Reader
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast._quota_tree import read_tree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Hierarchy:
    """Nodes and what they are the sum of.

    `parts` lists inner nodes, children before parents, each with the nodes that sum to it and how often they
    count; `is_tree` says that every node is part of one other at most.
    """

    labels: tuple[Hashable, ...]
    leaves: Ints
    parts: tuple[tuple[int, Ints, Floats], ...]
    is_tree: bool

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def generations(self) -> tuple[tuple[Ints, Ints, Ints], ...]:
        """Nodes of each depth of a tree, deepest first, without the top.

        Each is the nodes in the order of their parents, the parents, and where the nodes of each begin.
        """
        parent = np.full(len(self), -1, dtype=np.int64)
        for top, kids, _ in self.parts:
            parent[kids] = top
        found: list[tuple[Ints, Ints, Ints]] = []
        tops = np.flatnonzero(parent < 0)
        order = np.lexsort((np.arange(len(self)), parent))
        order = order[len(tops) :]
        first = np.searchsorted(parent[order], np.arange(len(self) + 1))
        while True:
            sizes = first[tops + 1] - first[tops]
            tops, sizes = tops[sizes > 0], sizes[sizes > 0]
            if not len(tops):
                return tuple(found[::-1])
            starts = np.cumsum(sizes) - sizes
            nodes = order[np.repeat(first[tops] - starts, sizes) + np.arange(sizes.sum())]
            found.append((nodes, tops, starts))
            tops = np.sort(nodes)

    def constraints(self) -> Any:
        """Give C: one row for each inner node, 1 for it and minus its parts."""
        n_parts = len(self.parts)
        tops, sizes = self._tops_and_sizes()
        rows = np.concatenate([np.arange(n_parts), np.repeat(np.arange(n_parts), sizes)])
        places = np.concatenate([tops, *(kids for _, kids, _ in self.parts)])
        values = np.concatenate([np.ones(n_parts), *(-times for _, _, times in self.parts)])
        return sparse.csr_array((values, (rows, places)), shape=(n_parts, len(self)))

    def _tops_and_sizes(self) -> tuple[Ints, Ints]:
        tops = np.fromiter((top for top, _, _ in self.parts), dtype=np.int64, count=len(self.parts))
        sizes = np.fromiter((len(kids) for _, kids, _ in self.parts), dtype=np.int64, count=len(self.parts))
        return tops, sizes

    def summing(self) -> Any:
        """Give S: one row for each node, one column for each leaf."""
        n = len(self)
        rows = np.concatenate([np.full(len(kids), top) for top, kids, _ in self.parts])
        columns = np.concatenate([kids for _, kids, _ in self.parts])
        times = np.concatenate([times for _, _, times in self.parts])
        step = sparse.csr_array((times, (rows, columns)), shape=(n, n))
        place = np.arange(len(self.leaves))
        chosen = sparse.csr_array((np.ones(len(place)), (self.leaves, place)), shape=(n, len(place)))
        found, more = chosen, step @ chosen
        while more.nnz:
            found, more = found + more, step @ more
        return found.tocsr()

    def counts(self) -> Floats:
        """Give how many leaves each node sums."""
        return self.add_up(np.ones((len(self), 1)))[:, 0]

    def add_up(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Take the leaves of `values` and sum them into every inner node."""
        found = values.copy()
        if self.is_tree:
            for nodes, tops, starts in self.generations:
                found[tops] = np.add.reduceat(found[nodes], starts, axis=0)
            return found
        for top, kids, times in self.parts:
            weights = times if values.dtype.kind == "f" else times.astype(np.int64)
            found[top] = (weights[:, None] * found[kids]).sum(axis=0)
        return found

    def position(self) -> dict[tuple[str, Hashable], int]:
        """Give the place of each node; 1, 1.0, True and "1" are four nodes."""
        return {(type(label).__name__, label): k for k, label in enumerate(self.labels)}


def read_hierarchy(given: object) -> Hierarchy:
    """Read children by parent, a table of node_id and parent_id, or a summing matrix."""
    if isinstance(given, Mapping) and not ({"node_id", "parent_id"} & set(given)):
        return _from_children(given)
    if isinstance(given, pd.DataFrame) and "node_id" not in given.columns:
        return _from_matrix(given)
    tree = read_tree(given, "hierarchy", None)
    labels = tuple(x.item() if isinstance(x, np.generic) else x for x in tree.labels)
    order = np.argsort(tree.parent, kind="stable")
    tops, starts = np.unique(tree.parent[order], return_index=True)
    groups = np.split(order, starts[1:])
    parts = [
        (int(top), np.sort(kids), np.ones(len(kids)))
        for top, kids in zip(tops.tolist(), groups, strict=True)
        if top >= 0
    ]
    return Hierarchy(labels, np.flatnonzero(tree.is_leaf), tuple(parts[::-1]), True)


def _from_children(given: Mapping[Any, Any]) -> Hierarchy:
    if not given:
        raise refuse("hierarchy", "has no node", given)
    faults = []
    for parent, kids in given.items():
        if isinstance(kids, (str, bytes, Mapping)) or not isinstance(kids, Sequence) or not len(kids):
            rule = "is a list of one or more children"
            faults.append(Problem(path=f"hierarchy[{show(parent)}]", message=rule, values=(show(kids),)))
        elif len(set(kids)) < len(kids):
            rule = "names a child twice"
            faults.append(Problem(path=f"hierarchy[{show(parent)}]", message=rule, values=(show(kids),)))
    raise_all("hierarchy", faults)
    try:
        order = list(
            graphlib.TopologicalSorter({top: list(kids) for top, kids in given.items()}).static_order()
        )
    except graphlib.CycleError as error:
        path = " > ".join(map(str, error.args[1]))
        raise refuse("hierarchy", "a node is part of itself", path) from None
    named = list(dict.fromkeys([node for top, kids in given.items() for node in (top, *kids)]))
    labels = tuple(sorted(named, key=lambda node: (type(node).__name__, repr(node))))
    place = {label: k for k, label in enumerate(labels)}
    parts = tuple(
        (place[top], np.sort(np.array([place[kid] for kid in given[top]])), np.ones(len(given[top])))
        for top in order
        if top in given
    )
    n_parents = np.bincount(np.concatenate([kids for _, kids, _ in parts]), minlength=len(labels))
    leaves = np.array([k for k, label in enumerate(labels) if label not in given], dtype=np.int64)
    return Hierarchy(labels, leaves, parts, bool(n_parents.max() <= 1 and (n_parents == 0).sum() == 1))


def _from_matrix(given: pd.DataFrame) -> Hierarchy:
    labels, leaves = list(given.index), list(given.columns)
    faults = []
    if not given.index.is_unique or not given.columns.is_unique:
        faults.append(Problem(path="hierarchy", message="a node stands twice in the summing matrix"))
    lacking = [leaf for leaf in leaves if leaf not in set(labels)]
    if lacking:
        rule = "every column of a summing matrix is also one of its rows"
        faults.append(Problem(path="hierarchy", message=rule, values=tuple(map(show, lacking))))
    raise_all("hierarchy", faults)
    table = Reader(given.reset_index(drop=True), "hierarchy")
    matrix = np.column_stack([table.numbers(leaf) for leaf in leaves]) if leaves else np.zeros((0, 0))
    table.finish()
    place = {label: k for k, label in enumerate(labels)}
    at = np.array([place[leaf] for leaf in leaves], dtype=np.int64)
    wrong = [leaves[k] for k in range(len(leaves)) if matrix[at[k]].sum() != 1.0 or matrix[at[k], k] != 1.0]
    if wrong:
        rule = "the row of a leaf has 1 in its own column and 0 elsewhere"
        raise_all("hierarchy", [Problem(path="hierarchy", message=rule, values=tuple(map(show, wrong)))])
    parts = []
    for k in range(len(labels)):
        used = np.flatnonzero(matrix[k])
        if k not in set(at.tolist()):
            parts.append((k, at[used], matrix[k, used]))
    return Hierarchy(tuple(labels), at, tuple(parts), False)


@attrs.frozen(eq=False)
class Base:
    """Base forecasts in the order of a hierarchy."""

    values: Floats
    """Shape (n_nodes, n_periods)."""

    periods: tuple[Hashable, ...]


def read_base(given: object, hierarchy: Hierarchy, argument: str = "base") -> Base:
    """Read forecasts of every node: a mapping to numbers or lists, a Series, or a table."""
    place = hierarchy.position()
    if isinstance(given, pd.Series):
        check_once(argument, given.index.tolist())
        given = dict(zip(given.index.tolist(), given.tolist(), strict=True))
    if isinstance(given, Mapping) and "node_id" not in given:
        return _from_mapping(given, hierarchy, place, argument)
    table = Reader(given, argument, key=("node_id", "period"))
    node = table.ids("node_id")
    period = table.ids("period", optional=True)
    value = table.numbers("value")
    table.finish()
    named = [x.item() if isinstance(x, np.generic) else x for x in node.distinct.tolist()]
    at = np.array([place.get((type(x).__name__, x), -1) for x in named], dtype=np.int64)
    rows = at[node.codes] if len(at) else np.zeros(0, dtype=np.int64)
    table.fault("node_id", rows < 0, "is not a node of the hierarchy")
    columns = np.maximum(period.codes, 0)
    names = tuple(period.distinct.tolist()) if len(period.distinct) else (None,)
    cell = rows * len(names) + columns
    twice = np.bincount(cell[rows >= 0], minlength=len(hierarchy) * len(names))
    table.fault("node_id", (rows >= 0) & (twice[np.maximum(cell, 0)] > 1), "has two forecasts")
    table.finish()
    values = np.full((len(hierarchy), len(names)), np.nan)
    values[rows, columns] = value
    _complete(values, hierarchy, argument)
    order = sorted(range(len(names)), key=lambda k: (type(names[k]).__name__, names[k]))
    return Base(values[:, order], tuple(names[k] for k in order))


def _from_mapping(
    given: Mapping[Any, Any], hierarchy: Hierarchy, place: dict[tuple[str, Hashable], int], argument: str
) -> Base:
    lists = {node: _listed(value) for node, value in given.items()}
    strange = [node for node in lists if (type(node).__name__, node) not in place]
    if strange:
        near = tuple(hint for node in strange[:5] for hint in closest(node, hierarchy.labels))
        rule = "names a node that the hierarchy does not have"
        fault = Problem(path=argument, message=rule, values=tuple(map(show, strange)), suggestions=near)
        raise InvalidInput(f"{argument}: 1 problem", [fault])
    lengths = {len(values) for values in lists.values()}
    if len(lengths) > 1:
        told = tuple(f"{show(node)}: {len(values)}" for node, values in lists.items())
        fault = Problem(path=argument, message="has as many forecasts for every node", values=told)
        raise InvalidInput(f"{argument}: 1 problem", [fault])
    n = lengths.pop() if lengths else 1
    if not n:
        raise refuse(argument, "is a number or a list of numbers for every node", [])
    values = np.full((len(hierarchy), n), np.nan)
    rows = [place[(type(node).__name__, node)] for node in lists]
    values[rows] = _numbers(lists, argument).reshape(len(lists), n)
    _complete(values, hierarchy, argument)
    return Base(values, (None,) if n == 1 else tuple(range(n)))


def _listed(value: Any) -> list[Any]:
    """Take a number as a list of one."""
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) else [value]


def _numbers(lists: Mapping[Any, list[Any]], argument: str) -> Floats:
    """Read the numbers of all nodes as one column, so that ten thousand nodes take as long as one table."""
    cells = [cell for many in lists.values() for cell in many]
    table = Reader({"value": cells}, argument)
    found = np.asarray(table.numbers("value"), dtype=np.float64)
    if table.faults:
        # Again, node by node, only to say of which node: a fault of the column knows its place alone.
        faults: list[Problem] = []
        for node, many in lists.items():
            if not all(type(cell) in (int, float) and math.isfinite(cell) for cell in many):
                single = Reader({"value": many}, f"{argument}[{show(node)}]")
                single.numbers("value")
                faults += single.faults
        raise_all(argument, faults or table.faults)
    return found


def _complete(values: Floats, hierarchy: Hierarchy, argument: str) -> None:
    lacking = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(lacking):
        shown = tuple(show(hierarchy.labels[k]) for k in lacking.tolist())
        fault = Problem(path=argument, message="nodes of the hierarchy have no value", ids=shown)
        raise InvalidInput(f"{argument}: 1 problem", [fault])


def from_levels(data: object, levels: Sequence[str]) -> tuple[Hierarchy, pd.DataFrame]:
    """Read nodes from level columns, empty below the level of a row: ids are tuples, () is the total."""
    table = Reader(data, "base", key=tuple(levels))
    columns = [table.ids(level, optional=True) for level in levels]
    table.finish()
    codes = np.column_stack([column.codes for column in columns])
    filled = codes >= 0
    gap = (np.diff(filled.astype(np.int64), axis=1) > 0).any(axis=1)
    table.fault(levels[-1], np.flatnonzero(gap), "a level is empty above one that is not")
    table.finish()
    nodes = [tuple(columns[j].label(k) for j in range(int(filled[k].sum()))) for k in range(len(table))]
    children: dict[tuple[Hashable, ...], dict[tuple[Hashable, ...], None]] = {}
    for node in nodes:
        for depth in range(len(node)):
            children.setdefault(node[:depth], {})[node[: depth + 1]] = None
    if not children:
        raise refuse("base", "has no row below the total", len(table))
    hierarchy = _from_children({top: list(kids) for top, kids in children.items()})
    frame = table.frame.drop(columns=list(levels))
    cells = np.empty(len(nodes), dtype=object)
    cells[:] = nodes
    return hierarchy, frame.assign(node_id=pd.Series(cells, index=frame.index, dtype=object))


def read_residuals(given: object, hierarchy: Hierarchy) -> Floats:
    """Read past errors of base forecasts: columns (or keys) are nodes, rows are times, none missing."""
    if not isinstance(given, (pd.DataFrame, Mapping)):
        raise refuse("residuals", "is a frame with one column for each node", type(given).__name__)
    check_once("residuals", list(given))
    place = hierarchy.position()
    names = {name: place.get((type(name).__name__, name), -1) for name in given}
    known = [name for name, k in names.items() if k >= 0]
    columns = [np.asarray(given[name]) for name in known]
    n = len(columns[0]) if columns else 0
    wrong = [
        name
        for name, column in zip(known, columns, strict=True)
        if column.dtype.kind not in "fiu" or len(column) != n or not np.isfinite(column).all()
    ]
    if wrong:
        rule = "holds one finite number for each time"
        fault = Problem(path="residuals", message=rule, ids=tuple(map(show, wrong)))
        raise InvalidInput("residuals: 1 problem", [fault])
    values = np.full((len(hierarchy), max(n, 1)), np.nan)
    if known:
        values[[names[name] for name in known]] = np.array(columns, dtype=np.float64)
    _complete(values, hierarchy, "residuals")
    if n < 3:
        raise refuse("residuals", "has at least three times", n)
    return values
