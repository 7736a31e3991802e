"""Quotas: a target taken down a tree or summed up it, exact in minor units at every node and period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from salesops import _money
from salesops._faults import check_choice, raise_all, refuse
from salesops.errors import Infeasible, InternalError, Problem
from salesops.forecast import _quota_kernels as kernels
from salesops.forecast._quota_tree import (
    OVER_UNIT,
    Tree,
    node_values,
    over_assignment_of,
    read_amounts,
    read_bounds,
    read_tree,
    sibling_weights,
)
from salesops.forecast.covering import QuotaCoverage
from salesops.forecast.quota_plan import Quotas

__all__ = ["quota_coverage", "quotas"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Number = int | float | Decimal | Fraction
Money = int | str | Decimal


def quotas(
    target: Money | None,
    tree: object,
    *,
    method: Literal["top_down", "bottom_up"] = "top_down",
    shares: str | Mapping[str, Number] = "weight",
    over_assignment: Number | Sequence[Number] = 0,
    seasonality: Mapping[str, Number] | None = None,
    currency: str = "USD",
    columns: Mapping[str, str] | None = None,
) -> Quotas:
    """Set the quota of every node of a tree: company, regions, teams, reps.

    Parameters
    ----------
    target : int, text or Decimal, or None
        Quota of the root in major units; not needed bottom-up, where it is what the sum is compared with.
    tree : table
        node_id, parent_id (empty for the root), and if wanted the columns that `shares` names, minimum,
        maximum and locked (amounts), over_assignment. Nodes without children are reps. Bottom-up: amount for
        each rep.
    method : {"top_down", "bottom_up"}, default "top_down"
        Each node splits its quota among its children, or has the sum of theirs.
    shares : str or mapping of str to number, default "weight"
        Column to split by (say potential, or last year's result), or several with the part that each has in a
        blend of shares. A node without a value has the sum of its children's; without a column "weight" all
        reps weigh the same.
    over_assignment : number or sequence of numbers, default 0
        By what share nodes hand on more than they hold: one for all, or one for each level, the root's first.
    seasonality : mapping of str to number, optional
        Periods and their weights; every quota is then also split over them.
    currency : str, default "USD"
        Its minor unit is what nothing gets lost below.
    columns : mapping, optional
        ``{"name in your table": "name here"}``.

    Returns
    -------
    Quotas

    Raises
    ------
    InvalidInput
        If the tree, an amount or a weight is not fit for use, or a rep would get a quota of 0 that is not
        locked at 0.
    Infeasible
        If bounds and locks leave no way to hand on the target; names the node.

    Notes
    -----
    Splits are by largest remainder, ties to the child that stands first by id; weights that are not whole are
    read to twelve digits of the largest sibling's. Parts that would leave their bounds are set on them, the
    rest is split again. With periods, rows sum to the quotas and columns to the parent's period (times one
    plus its over-assignment); a cell lies within two minor units of its share. Time O(nodes log nodes).

    Examples
    --------
    >>> from salesops import forecast
    >>> tree = [
    ...     {"node_id": "all", "parent_id": None},
    ...     {"node_id": "north", "parent_id": "all"},
    ...     {"node_id": "anna", "parent_id": "north", "potential": 2},
    ...     {"node_id": "bo", "parent_id": "north", "potential": 1, "maximum": "150000"},
    ...     {"node_id": "cy", "parent_id": "all", "potential": 4},
    ... ]
    >>> plan = forecast.quotas("1000000.10", tree, shares="potential", over_assignment=[0, 0.1])
    >>> plan
    Quotas(1,000,000.10 USD over 3 reps, reps hold 1,042,857.25)
    >>> print(plan.explain("anna"))
    anna: 321,428.62 USD, by potential. north holds 428,571.47 and hands on 471,428.62, 10 % more; anna has
    68.18 % of that. The quotas beside it: bo.
    """
    check_choice("method", method, ("top_down", "bottom_up"))
    places = _money.exponent(currency)
    goal = _goal(target, places, method)
    blend = _blend(shares)
    found = read_tree(tree, "tree", columns)
    leaf = found.is_leaf
    if method == "bottom_up":
        amount = _summed(found, places)
        over = np.zeros(len(found), dtype=np.int64)
        weight = amount.astype(np.float64)
        state = np.full(len(found), "", dtype=object)
    else:
        over = over_assignment_of(found, over_assignment)
        weight = sibling_weights(found, blend)
        _check_shares(found, weight, blend)
        amount, state = _handed_down(found, goal or 0, weight, over, places)
    names, cells = _periods(found, amount, seasonality)
    raise_all("quotas", found.table.faults)
    zero = leaf & (amount == 0) & (state != "locked")
    hint = "give it a weight above 0, or lock it at 0"
    found.fault("node_id", zero, "gets a quota of 0, of which no attainment can be reckoned", hint=hint)
    raise_all("quotas", found.table.faults)
    assigned = np.zeros(len(found), dtype=np.int64)
    np.add.at(assigned, found.parent[1:], amount[1:])
    _check(found, amount, assigned, over)
    return Quotas(
        currency=currency,
        method=method,
        target=goal,
        labels=found.labels,
        parent=found.parent,
        depth=found.depth,
        amount=amount,
        assigned=np.where(leaf, 0, assigned),
        over=over,
        weight=weight,
        state=state,
        shares=tuple(blend),
        period_names=names,
        cells=cells,
        values={
            name: node_values(found, name)
            for name in dict.fromkeys([*blend, "potential", "history"])
            if found.table.has(name) and method == "top_down"
        },
    )


def _goal(target: object, places: int, method: str) -> int | None:
    if target is None and method == "bottom_up":
        return None
    minor = _money.parse_one(target, places)
    if not isinstance(minor, int):
        raise refuse("target", minor[0], target, hint=minor[1])
    if minor <= 0:
        raise refuse("target", "is an amount above 0", target)
    return minor


def _blend(shares: Any) -> dict[str, float]:
    if isinstance(shares, str):
        return {shares: 1.0}
    fits = isinstance(shares, Mapping) and shares and all(isinstance(name, str) for name in shares)
    parts = list(shares.values()) if fits else []
    numeric = all(isinstance(p, (int, float, Decimal, Fraction)) and not isinstance(p, bool) for p in parts)
    if not fits or not numeric or min(map(float, parts)) < 0 or not 0 < max(map(float, parts)) <= 1e15:
        rule = "is a column, or a mapping of columns to the part each has, 0 or more and not all 0"
        raise refuse("shares", rule, shares)
    total = math.fsum(map(float, parts))
    return {name: float(part) / total for name, part in shares.items() if float(part) > 0}


def _check_shares(tree: Tree, weight: Floats, blend: Mapping[str, float]) -> None:
    """Refuse siblings of which none has a share: nothing tells how to split between them."""
    sums, loose = np.zeros(len(tree)), np.zeros(len(tree))
    is_open = np.ones(len(tree), dtype=bool)
    if tree.table.has("locked"):
        is_open = np.asarray(tree.table.frame["locked"].isna(), dtype=bool)[tree.rows]
    np.add.at(sums, tree.parent[1:], weight[1:])
    np.add.at(loose, tree.parent[1:], is_open[1:].astype(np.float64))
    alone = np.zeros(len(tree), dtype=bool)
    alone[1:] = (sums[tree.parent[1:]] == 0) & (loose[tree.parent[1:]] > 1) & tree.is_leaf[1:]
    hint = "give one of them a value above 0; without a column weight all are alike"
    tree.fault(next(iter(blend)), alone & is_open, "no node under the same parent has a share", hint)


def _summed(tree: Tree, places: int) -> Ints:
    """Sum what the reps bring up the tree."""
    amount, there = read_amounts(tree, "amount", places)
    if not tree.table.has("amount"):
        tree.table.cells("amount")
    else:
        tree.fault("amount", tree.is_leaf & ~there, "a rep has no amount")
        tree.fault(
            "amount", ~tree.is_leaf & there, "a node with children has the sum of theirs", "leave it empty"
        )
    raise_all("quotas", tree.table.faults)
    _money.group_sums(amount[tree.is_leaf], np.zeros(int(tree.is_leaf.sum()), dtype=np.int64), 1)
    return tree.up(amount).astype(np.int64)


def _handed_down(
    tree: Tree, goal: int, weight: Floats, over: Ints, places: int
) -> tuple[Ints, npt.NDArray[Any]]:
    """Take the target down level by level."""
    bounds = read_bounds(tree, over, places)
    raise_all("quotas", tree.table.faults)
    if not bounds.low[0] <= goal <= bounds.high[0]:
        edge, name = (bounds.low[0], "least") if goal < bounds.low[0] else (bounds.high[0], "most")
        shown = _money.format_minor(int(edge), places)
        short = _money.format_minor(abs(int(edge) - goal), places)
        fault = Problem(
            path="target",
            message="bounds and locks do not allow it",
            values=(f"{name} {shown}", f"off by {short}"),
            hint="change the target, a bound or a lock",
        )
        raise Infeasible("quotas: the target cannot be handed on", [fault])
    amount = np.zeros(len(tree), dtype=np.int64)
    amount[0] = goal
    for level in range(1, len(tree.levels)):
        parents, owner = tree.owner(level)
        part = tree.levels[level]
        handed = _money.mul_div(amount[parents], OVER_UNIT + over[parents], OVER_UNIT)
        whole = kernels.whole_weights(weight[part], owner, len(parents))
        amount[part] = kernels.bounded_split(handed, whole, owner, bounds.low[part], bounds.high[part])
    state = np.full(len(tree), "", dtype=object)
    state[(amount == bounds.own_low) & (bounds.own_low > 0)] = "at its minimum"
    state[amount == bounds.own_high] = "at its maximum"
    state[bounds.is_locked] = "locked"
    return amount, state


def _periods(tree: Tree, amount: Ints, seasonality: Any) -> tuple[tuple[str, ...], Ints]:
    """Split every quota over periods."""
    if seasonality is None:
        return (), np.zeros((len(tree), 0), dtype=np.int64)
    fits = isinstance(seasonality, Mapping) and seasonality and all(isinstance(k, str) for k in seasonality)
    parts = list(seasonality.values()) if fits else []
    numeric = all(isinstance(p, (int, float, Decimal, Fraction)) and not isinstance(p, bool) for p in parts)
    numbers = [float(part) for part in parts] if numeric else []
    if not numbers or min(numbers) < 0 or not 0 < max(numbers) <= 1e15:
        rule = "is a mapping of period names to weights, 0 or more and not all 0"
        raise refuse("seasonality", rule, seasonality)
    weights = kernels.whole_weights(np.array(numbers), np.zeros(len(numbers), dtype=np.int64), 1)
    cells = np.zeros((len(tree), len(numbers)), dtype=np.int64)
    zero = np.zeros(len(numbers), dtype=np.int64)
    cells[0] = kernels.largest_remainder(amount[:1], weights, zero)
    for level in range(1, len(tree.levels)):
        parents, owner = tree.owner(level)
        handed = np.zeros(len(parents), dtype=np.int64)
        np.add.at(handed, owner, amount[tree.levels[level]])
        above = cells[parents]
        more = (handed != amount[parents]) & (amount[parents] > 0)
        if more.any():
            flat = above[more].ravel()
            rows = np.repeat(np.arange(int(more.sum())), len(numbers))
            above[more] = kernels.largest_remainder(handed[more], flat, rows).reshape(-1, len(numbers))
        cells[tree.levels[level]] = kernels.spread_over_periods(amount[tree.levels[level]], above, owner)
    return tuple(seasonality), cells


def _check(tree: Tree, amount: Ints, assigned: Ints, over: Ints) -> None:
    inner = ~tree.is_leaf
    due = _money.mul_div(amount[inner], OVER_UNIT + over[inner], OVER_UNIT)
    if not np.array_equal(assigned[inner], due):
        raise InternalError("quotas: a node does not hand on what it should")


def quota_coverage(
    tree: object, *, currency: str = "USD", columns: Mapping[str, str] | None = None
) -> QuotaCoverage:
    """Check quotas that were set elsewhere: whether every rep has one, and children sum to their parent.

    Parameters
    ----------
    tree : table
        node_id, parent_id (empty for the root), amount (empty where a node has no quota).
    currency : str, default "USD"
    columns : mapping, optional
        ``{"name in your table": "name here"}``.

    Returns
    -------
    QuotaCoverage

    Raises
    ------
    InvalidInput
        If the tree or an amount is not fit for use.

    Examples
    --------
    >>> from salesops import forecast
    >>> tree = [
    ...     {"node_id": "all", "parent_id": None, "amount": "100.00"},
    ...     {"node_id": "anna", "parent_id": "all", "amount": "60.00"},
    ...     {"node_id": "bo", "parent_id": "all", "amount": "50.00"},
    ...     {"node_id": "cy", "parent_id": "all", "amount": None},
    ... ]
    >>> forecast.quota_coverage(tree)
    QuotaCoverage(1 of 3 reps without a quota, parents: 0 equal, 1 over-assign, 0 under-assign)
    """
    places = _money.exponent(currency)
    found = read_tree(tree, "tree", columns)
    amount, there = read_amounts(found, "amount", places)
    if not found.table.has("amount"):
        found.table.cells("amount")
    raise_all("quota_coverage", found.table.faults)
    sums = _money.group_sums(amount[1:], found.parent[1:], len(found)) if len(found) > 1 else amount * 0
    return QuotaCoverage(
        currency=currency,
        labels=found.labels,
        parent=found.parent,
        depth=found.depth,
        amount=amount,
        has_quota=there,
        sums=sums,
    )
