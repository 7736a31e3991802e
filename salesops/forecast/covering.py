"""Whether quotas cover a tree: a quota for every rep, and children that sum to their parent or more."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display, _money
from salesops._frames import id_column, jsonable

__all__ = ["QuotaCoverage"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def leaves(parent: Ints) -> Mask:
    """Mark the nodes without children."""
    inner = np.zeros(len(parent), dtype=bool)
    inner[parent[1:]] = True
    return ~inner


def label_cells(labels: npt.NDArray[Any], places: Ints) -> pd.Series[Any]:
    """Give labels by place as a column; -1 is empty."""
    cells = np.empty(len(places), dtype=object)
    for row, place in enumerate(places.tolist()):
        label = labels[place] if place >= 0 else None
        cells[row] = label.item() if isinstance(label, np.generic) else label
    return id_column(cells)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class QuotaCoverage:
    """Whether every rep has a quota and every parent is covered: from :func:`quota_coverage`.

    Attributes
    ----------
    currency : str
    labels, parent, depth : ndarray
        Nodes, where their parents stand (-1: root), and their level.
    amount, sums : ndarray of int64
        Quota of each node and sum of its children's, in minor units.
    has_quota : ndarray of bool

    Examples
    --------
    >>> from salesops import forecast
    >>> tree = [{"node_id": "all", "amount": 5}, {"node_id": "a", "parent_id": "all", "amount": 4}]
    >>> forecast.quota_coverage(tree).to_frame()[["node_id", "difference", "status"]].values.tolist()
    [['all', -100, 'under']]
    """

    currency: str
    labels: npt.NDArray[Any]
    parent: Ints
    depth: Ints
    amount: Ints
    sums: Ints
    has_quota: Mask

    @property
    def is_covered(self) -> bool:
        """Whether every rep has a quota above 0 and no parent holds more than its children."""
        return not len(self.without_quota()) and not (self.status() == "under").any()

    def without_quota(self) -> list[Hashable]:
        """List the reps without a quota, or with one of 0.

        Returns
        -------
        list

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all", "amount": 5}, {"node_id": "a", "parent_id": "all", "amount": 0}]
        >>> forecast.quota_coverage(tree).without_quota()
        ['a']
        """
        lacking = leaves(self.parent) & (~self.has_quota | (self.amount == 0))
        found: list[Hashable] = label_cells(self.labels, np.flatnonzero(lacking)).tolist()
        return found

    def status(self) -> npt.NDArray[Any]:
        """Say for each node with children how it stands to them.

        Returns
        -------
        ndarray of str
            "equal", "over" (they hold more), "under" (they hold less), "no quota".

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all", "amount": 5}, {"node_id": "a", "parent_id": "all", "amount": 6}]
        >>> forecast.quota_coverage(tree).status().tolist()
        ['over']
        """
        inner = ~leaves(self.parent)
        amount, sums = self.amount[inner], self.sums[inner]
        named = np.where(sums > amount, "over", np.where(sums < amount, "under", "equal"))
        return np.where(self.has_quota[inner], named, "no quota")

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each node with children.

        Returns
        -------
        DataFrame
            node_id, level, n_children, amount, children (their sum), difference, over_assignment (share),
            status. Amounts in minor units.

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all", "amount": 5}, {"node_id": "a", "parent_id": "all", "amount": 6}]
        >>> forecast.quota_coverage(tree).to_frame()["over_assignment"].round(3).tolist()
        [0.2]
        """
        inner = np.flatnonzero(~leaves(self.parent))
        amount, sums = self.amount[inner], self.sums[inner]
        n_children = np.bincount(self.parent[1:], minlength=len(self.labels))[inner]
        over = np.divide(sums - amount, amount, out=np.full(len(inner), np.nan), where=amount > 0)
        return pd.DataFrame(
            {
                "node_id": label_cells(self.labels, inner),
                "level": self.depth[inner],
                "n_children": n_children,
                "amount": amount,
                "children": sums,
                "difference": sums - amount,
                "over_assignment": over,
                "status": self.status(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all", "amount": 5}, {"node_id": "a", "parent_id": "all", "amount": 5}]
        >>> forecast.quota_coverage(tree).to_dict()["is_covered"]
        True
        """
        return {
            "kind": "quota_coverage",
            "currency": self.currency,
            "is_covered": self.is_covered,
            "without_quota": jsonable(self.without_quota()),
            "parents": jsonable(self.to_frame()),
        }

    def __repr__(self) -> str:
        status = self.status()
        n = {name: int((status == name).sum()) for name in ("equal", "over", "under")}
        return (
            f"QuotaCoverage({len(self.without_quota())} of {int(leaves(self.parent).sum())} reps without a "
            f"quota, parents: {n['equal']} equal, {n['over']} over-assign, {n['under']} under-assign)"
        )

    def _repr_html_(self) -> str:
        facts = {
            "covered": self.is_covered,
            "reps without a quota": len(self.without_quota()),
            "amounts in": self.currency,
        }
        shown, places = self.to_frame(), _money.exponent(self.currency)
        for name in ("amount", "children", "difference"):
            shown[name] = [_money.format_minor(n, places, thousands=True) for n in shown[name].tolist()]
        shown["over_assignment"] = shown["over_assignment"].map(_display.percent)
        return _display.html_card("Coverage of quotas", facts, [("parents", shown)])
