"""The tree that a target goes down: read from a table, laid out level by level, bounds carried upwards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops import _money
from salesops._faults import raise_all, refuse
from salesops._frames import Labels, Reader, check_known
from salesops.errors import Infeasible, Problem, show

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Number = int | float | Decimal | Fraction

OVER_UNIT = 10**6
_NO_LIMIT = 4 * 10**18
_MOST_LEVELS = 100


@attrs.frozen(eq=False)
class Tree:
    """Nodes in order of level, parent and id: children of one parent stand together.

    `parent` is -1 for the root, which stands first; `levels` are slices of nodes by depth.
    """

    labels: npt.NDArray[Any]
    parent: Ints
    depth: Ints
    levels: tuple[slice, ...]
    rows: Ints
    """Row of the table in which each node stands."""

    table: Reader

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_leaf(self) -> Mask:
        """Whether a node has no children."""
        inner = np.zeros(len(self), dtype=bool)
        inner[self.parent[1:]] = True
        return ~inner

    def owner(self, level: int) -> tuple[Ints, Ints]:
        """Give the parents of a level, and for each of its nodes which of them is its own."""
        parents, owner = np.unique(self.parent[self.levels[level]], return_inverse=True)
        return parents, owner.astype(np.int64).reshape(-1)

    def up(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum leaf values into every node; values of inner nodes are not read."""
        sums = np.where(self.is_leaf, values, 0)
        for level in range(len(self.levels) - 1, 0, -1):
            part = self.levels[level]
            np.add.at(sums, self.parent[part], sums[part])
        return np.asarray(sums)

    def fault(self, column: str, marked: Mask, message: str, hint: str | None = None) -> None:
        """Name nodes by the rows they stand in."""
        self.table.fault(column, np.sort(self.rows[marked]), message, hint=hint)


def read_tree(data: object, name: str, columns: Mapping[str, str] | None) -> Tree:
    """Read nodes and parents: one root, no circle, every parent there."""
    table = Reader(data, name, key=("node_id",), columns=columns)
    node, parent = table.ids("node_id", unique=True), table.ids("parent_id", optional=True)
    if not len(table):
        raise refuse(name, "has no node", "an empty table", hint="give one row for each node, the root too")
    table.finish()
    known = Labels.of(node)
    codes, above = known.codes(node), known.codes(parent)
    check_known(table.faults, f"{name}.parent_id", parent, known, "node_id", table.rows, who=table.who)
    root = parent.codes < 0
    if not root.any():
        table.fault("parent_id", np.ones(len(table), dtype=bool), "no node is without a parent")
    if root.sum() > 1:
        table.fault("parent_id", root, "more than one node has no parent", hint="put one node above them")
    table.finish()
    depth = _depths(codes, above)
    table.fault("parent_id", depth < 0, "the node is its own ancestor")
    table.fault("parent_id", depth > _MOST_LEVELS, f"a tree has at most {_MOST_LEVELS} levels below its root")
    table.finish()
    up = np.where(root, -1, above)
    order = np.lexsort((codes, up, depth))
    # Parents take the place they have in the order, so that children of one parent stand together.
    for _ in range(int(depth.max()) + 1):
        place = np.empty(len(order), dtype=np.int64)
        place[codes[order]] = np.arange(len(order))
        sorted_up = np.where(up < 0, -1, place[up])
        newer = np.lexsort((codes, sorted_up, depth))
        if np.array_equal(newer, order):
            break
        order = newer
    starts = np.searchsorted(depth[order], np.arange(int(depth.max()) + 2))
    levels = tuple(slice(a, b) for a, b in pairwise(starts.tolist()))
    return Tree(known.values[codes[order]], sorted_up[order], depth[order], levels, order, table)


def _depths(codes: Ints, above: Ints) -> Ints:
    """Count the steps to the root; -1 for nodes that never get there."""
    parent = np.empty(len(codes), dtype=np.int64)
    parent[codes] = above
    depth = np.where(parent < 0, 0, -1)
    for step in range(1, len(codes) + 1):
        fresh = (depth < 0) & (parent >= 0)
        fresh[fresh] = depth[parent[fresh]] == step - 1
        if not fresh.any():
            break
        depth[fresh] = step
    return np.asarray(depth[codes])


def read_amounts(tree: Tree, column: str, places: int) -> tuple[Ints, Mask]:
    """Read a column of exact amounts by node: minor units, and which cells hold one."""
    cells = tree.table.cells(column) if tree.table.has(column) else None
    if cells is None:
        return np.zeros(len(tree), dtype=np.int64), np.zeros(len(tree), dtype=bool)
    there = ~np.asarray(cells.isna(), dtype=bool)
    minor = np.zeros(len(cells), dtype=np.int64)
    rows = np.flatnonzero(there)
    values = cells.iloc[rows]
    minor[rows], refused = _money.parse(_exact(values.tolist()), places)
    for rule, hint, positions in refused:
        tree.table.fault(column, rows[positions], rule, hint=hint)
    tree.table.fault(column, minor < 0, "is an amount, 0 or more")
    return minor[tree.rows], there[tree.rows]


def _exact(values: list[Any]) -> list[Any]:
    """Take whole floats, which a column with empty cells makes of whole numbers, for what they were."""
    return [
        int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
        for value in values
    ]


def sibling_weights(tree: Tree, shares: Mapping[str, float]) -> Floats:
    """Give the weight of each node among its siblings: one column, or a blend of shares by several."""
    if len(shares) == 1:
        return node_values(tree, next(iter(shares)))
    total = np.zeros(len(tree))
    for column, part in shares.items():
        values = node_values(tree, column)
        sums = np.zeros(len(tree))
        np.add.at(sums, tree.parent[1:], values[1:])
        above = sums[tree.parent[1:]]
        total[1:] += part * np.divide(values[1:], above, out=np.zeros(len(tree) - 1), where=above > 0)
    return total


def node_values(tree: Tree, column: str) -> Floats:
    """Read a column of numbers by node: its own, or the sum of its children's."""
    if column == "weight" and not tree.table.has("weight"):
        return np.asarray(tree.up(np.ones(len(tree))), dtype=np.float64)
    own = tree.table.numbers(column, minimum=0, maximum=1e15, missing=math.nan)[tree.rows]
    if not tree.table.has(column):
        return np.ones(len(tree))
    tree.fault(column, np.isnan(own) & tree.is_leaf, "a node without children needs a value")
    values = np.where(np.isnan(own) & tree.is_leaf, 0.0, own)
    for level in range(len(tree.levels) - 1, 0, -1):
        part = tree.levels[level]
        sums = np.zeros(len(tree))
        np.add.at(sums, tree.parent[part], values[part])
        empty = np.isnan(values) & (np.bincount(tree.parent[part], minlength=len(tree)) > 0)
        values[empty] = sums[empty]
    return values


def over_assignment_of(tree: Tree, given: Any) -> Ints:
    """Read by how much each node hands on more than it holds, in millionths; 0 for leaves."""
    n_levels = len(tree.levels)
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        if len(given) > n_levels:
            raise refuse("over_assignment", "has more entries than the tree has levels", len(given))
        by_level = [*given, *[0] * (n_levels - len(given))]
    else:
        by_level = [given] * n_levels
    for one in by_level:
        fits = isinstance(one, (int, float, Decimal, Fraction)) and not isinstance(one, bool)
        if not fits or not 0 <= float(one) <= 10:
            raise refuse("over_assignment", "is a share from 0 to 10, or one for each level", one)
    millionths = np.array([round(Fraction(str(one)) * OVER_UNIT) for one in by_level], dtype=np.int64)
    found = millionths[tree.depth]
    if tree.table.has("over_assignment"):
        own = tree.table.numbers("over_assignment", minimum=0, maximum=10, missing=math.nan)[tree.rows]
        found = np.where(np.isnan(own), found, np.rint(np.nan_to_num(own) * OVER_UNIT).astype(np.int64))
    return np.where(tree.is_leaf, 0, found)


@attrs.frozen(eq=False)
class Bounds:
    """Least and most that each node can take, its own and its children's together."""

    low: Ints
    high: Ints
    own_low: Ints
    own_high: Ints
    is_locked: Mask


def read_bounds(tree: Tree, over: Ints, places: int) -> Bounds:
    """Read minimum, maximum and locked, and carry them up the tree."""
    low, has_low = read_amounts(tree, "minimum", places)
    high, has_high = read_amounts(tree, "maximum", places)
    lock, is_locked = read_amounts(tree, "locked", places)
    wrong = has_low & has_high & (low > high)
    tree.fault("minimum", wrong, "is above the maximum")
    high = np.where(has_high, high, _NO_LIMIT)
    out = is_locked & ((lock < low) | (lock > high))
    tree.fault("locked", out, "is outside of minimum and maximum")
    raise_all(tree.table.name, tree.table.faults)
    own_low, own_high = np.where(is_locked, lock, low), np.where(is_locked, lock, high)
    low, high = own_low.copy(), own_high.copy()
    for level in range(len(tree.levels) - 1, 0, -1):
        parents, owner = tree.owner(level)
        part = tree.levels[level]
        need, room = np.zeros(len(parents), dtype=np.int64), np.zeros(len(parents))
        np.add.at(need, owner, low[part])
        np.add.at(room, owner, high[part].astype(np.float64))
        exact = np.zeros(len(parents), dtype=np.int64)
        np.add.at(exact, owner, high[part])
        most = np.where(room < 4e18, exact, _NO_LIMIT)
        factor = OVER_UNIT + over[parents]
        least = _money.mul_div(need, np.full(len(parents), OVER_UNIT), factor, "ceiling")
        reach = np.where(most < _NO_LIMIT, most, 0)
        top = _money.mul_div(reach, np.full(len(parents), OVER_UNIT), factor, "floor")
        low[parents] = np.maximum(low[parents], least)
        high[parents] = np.minimum(high[parents], np.where(most < _NO_LIMIT, top, _NO_LIMIT))
        bad = parents[low[parents] > high[parents]]
        if len(bad):
            raise _conflict(tree, bad, low, high, places)
    return Bounds(low, high, own_low, own_high, is_locked)


def _conflict(tree: Tree, bad: Ints, low: Ints, high: Ints, places: int) -> Infeasible:
    faults = []
    for k in bad.tolist():
        least, most = (_money.format_minor(int(array[k]), places) for array in (low, high))
        faults.append(
            Problem(
                path="tree",
                message="the bounds at and below a node exclude each other",
                ids=(show(tree.labels[k]),),
                values=(f"at least {least}", f"at most {most}"),
                hint="lower a minimum, raise a maximum, or free a locked quota",
            )
        )
    return Infeasible("quotas: bounds and locks contradict each other", faults)
