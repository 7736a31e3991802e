"""What quotas answer: who holds what and why, whether all is covered, how fair it is, who will reach it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display, _money
from salesops._faults import closest, refuse
from salesops._frames import Ids, Labels, Reader, check_known, jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast.covering import QuotaCoverage, label_cells, leaves
from salesops.forecast.reach import Reach, reach_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Quotas"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SHOWN = 200


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Quotas:
    """The quota of every node of a tree: from :func:`~salesops.forecast.quotas`.

    Attributes
    ----------
    currency : str
    method : str
    target : int or None
        In minor units.
    labels, parent, depth : ndarray
        Nodes in order of level and parent, where their parents stand (-1: root), and their level.
    amount : ndarray of int64
        Quota of each node in minor units.
    assigned : ndarray of int64
        What its children hold together.
    over : ndarray of int64
        By how many millionths a node hands on more than it holds.
    weight : ndarray
        Its weight among its siblings.
    state : ndarray
        "locked", "at its minimum", "at its maximum" or "".
    shares : tuple of str
        Columns that were split by.
    period_names : tuple of str
    cells : ndarray of int64, shape (n_nodes, n_periods)
        Quotas by period.
    values : mapping
        Columns of the tree by node, for measures of fairness.

    Examples
    --------
    >>> from salesops import forecast
    >>> tree = [{"node_id": "all"}, {"node_id": 1, "parent_id": "all"}, {"node_id": 2, "parent_id": "all"}]
    >>> plan = forecast.quotas("100.01", tree, seasonality={"H1": 1, "H2": 2})
    >>> plan.to_frame()[["node_id", "amount"]].values.tolist()
    [['all', 10001], [1, 5001], [2, 5000]]
    """

    currency: str
    method: str
    target: int | None
    labels: npt.NDArray[Any]
    parent: Ints
    depth: Ints
    amount: Ints
    assigned: Ints
    over: Ints
    weight: Floats
    state: npt.NDArray[Any]
    shares: tuple[str, ...]
    period_names: tuple[str, ...]
    cells: Ints
    values: Mapping[str, Floats]

    @property
    def n_reps(self) -> int:
        """Number of nodes without children."""
        return int(leaves(self.parent).sum())

    @property
    def gap(self) -> int | None:
        """Target minus the quota of the root, in minor units; None without a target."""
        return None if self.target is None else self.target - int(self.amount[0])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each node.

        Returns
        -------
        DataFrame
            node_id, parent_id, level (0: root), is_rep, amount (minor units), currency, share (of what the
            parent hands on), assigned (what the children hold, minor units), state.

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> forecast.quotas("5", tree).to_frame()[["node_id", "amount", "share"]].values.tolist()
        [['all', 500, 1.0], ['a', 500, 1.0]]
        """
        above = np.where(self.parent < 0, self.amount, self.assigned[self.parent])
        leaf = leaves(self.parent)
        places = np.arange(len(self.labels))
        return pd.DataFrame(
            {
                "node_id": label_cells(self.labels, places),
                "parent_id": label_cells(self.labels, self.parent),
                "level": self.depth,
                "is_rep": leaf,
                "amount": self.amount,
                "currency": self.currency,
                "share": np.divide(self.amount, above, out=np.zeros(len(above)), where=above > 0),
                "assigned": pd.array(self.assigned, dtype="Int64"),
                "state": pd.Series(self.state.tolist(), dtype=object),
            }
        ).assign(assigned=lambda frame: frame["assigned"].mask(leaf))

    def by_period(self) -> pd.DataFrame:
        """Return one row for each node and period.

        Returns
        -------
        DataFrame
            node_id, period, amount (minor units), currency.

        Raises
        ------
        InvalidInput
            If no seasonality was given.

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> plan = forecast.quotas("10", tree, seasonality={"H1": 1, "H2": 2})
        >>> plan.by_period()[["node_id", "period", "amount"]].values.tolist()
        [['all', 'H1', 333], ['all', 'H2', 667], ['a', 'H1', 333], ['a', 'H2', 667]]
        """
        if not self.period_names:
            raise refuse("seasonality", "was not given", None, hint="pass seasonality= to quotas")
        n_periods = len(self.period_names)
        return pd.DataFrame(
            {
                "node_id": label_cells(self.labels, np.repeat(np.arange(len(self.labels)), n_periods)),
                "period": list(self.period_names) * len(self.labels),
                "amount": self.cells.ravel(),
                "currency": self.currency,
            }
        )

    def coverage(self) -> QuotaCoverage:
        """Check every parent against its children.

        Returns
        -------
        QuotaCoverage

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> forecast.quotas("5", tree).coverage().is_covered
        True
        """
        return QuotaCoverage(
            currency=self.currency,
            labels=self.labels,
            parent=self.parent,
            depth=self.depth,
            amount=self.amount,
            has_quota=np.ones(len(self.amount), dtype=bool),
            sums=self.assigned,
        )

    def fairness(self, by: str = "potential") -> pd.DataFrame:
        """Measure how evenly quotas follow a column, for each group of reps and for all.

        Parameters
        ----------
        by : str, default "potential"
            A column of the tree that was split by, or potential or history: quota for each unit of it is
            compared between reps.

        Returns
        -------
        DataFrame
            group (parent of the reps; "all reps" last), n, ratio (quota in major units for each unit),
            lowest, highest (of any rep), variation (standard deviation of the ratio over its mean), gini (0:
            the same for all).

        Raises
        ------
        InvalidInput
            If the tree has no such column, or a rep has 0 of it.

        References
        ----------
        C. Gini (1912), "Variabilità e mutabilità".

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [
        ...     {"node_id": "all"},
        ...     {"node_id": "a", "parent_id": "all", "potential": 2},
        ...     {"node_id": "b", "parent_id": "all", "potential": 1, "minimum": 50},
        ... ]
        >>> plan = forecast.quotas(100, tree, shares="potential")
        >>> plan.fairness()[["group", "lowest", "highest", "gini"]].round(3).values.tolist()
        [['all', 25.0, 50.0, 0.167], ['all reps', 25.0, 50.0, 0.167]]
        """
        if by not in self.values:
            fault = Problem(
                path="by",
                message="is not a column that these quotas know",
                values=(show(by),),
                hint=f"columns are {', '.join(map(show, self.values)) or 'none'}",
                suggestions=closest(by, self.values),
            )
            raise InvalidInput("by: 1 problem", [fault])
        leaf = np.flatnonzero(leaves(self.parent))
        base = self.values[by][leaf]
        if (base <= 0).any():
            who = tuple(show(self.labels[k]) for k in leaf[base <= 0].tolist())
            fault = Problem(path=by, message="a rep has 0, of which there is no ratio", ids=who)
            raise InvalidInput("fairness: 1 problem", [fault])
        ratio = self.amount[leaf] / 10 ** _money.exponent(self.currency) / base
        groups = [
            (k, ratio[self.parent[leaf] == k], base[self.parent[leaf] == k]) for k in self._groups(leaf)
        ]
        rows = [_fairness(self.labels[k] if k >= 0 else "all reps", r, b) for k, r, b in groups]
        return pd.DataFrame([*rows, _fairness("all reps", ratio, base)])

    def reach(self, history: object, *, growth: float = 1.0, level: float = 0.8) -> Reach:
        """Compare quotas with what reps have done, and tell how many will probably reach theirs.

        Parameters
        ----------
        history : table
            rep_id, amount (major units): one row for each past span as long as the quota's.
        growth : float, default 1.0
            Factor from past to coming results.
        level : float, default 0.8
            Level of the interval of the share of reps.

        Returns
        -------
        Reach

        Raises
        ------
        InvalidInput
            If history names other reps, or no rep has two results.

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, *({"node_id": r, "parent_id": "all"} for r in "ab")]
        >>> plan = forecast.quotas(200, tree)
        >>> past = [{"rep_id": r, "amount": x} for r in "ab" for x in (80, 100, 120, 140)]
        >>> plan.reach(past)
        Reach(1 of 2 reps expected to reach their quota, 80 % between 0 and 2)
        """
        leaf = np.flatnonzero(leaves(self.parent))
        table = Reader(history, "history", key=("rep_id",))
        rep, amount = table.ids("rep_id"), table.numbers("amount", minimum=0)
        table.finish()
        codes = np.arange(len(leaf), dtype=np.int64)
        known = Labels.of(Ids(codes, self.labels[leaf]))
        check_known(table.faults, "history.rep_id", rep, known, "the tree", table.rows)
        table.finish()
        quota = self.amount[leaf] / 10 ** _money.exponent(self.currency)
        order = known.codes(Ids(codes, self.labels[leaf]))
        place = np.empty(len(leaf), dtype=np.int64)
        place[order] = codes
        names = label_cells(self.labels, leaf)
        return reach_of(names, quota, place[known.codes(rep)], amount, growth, level)

    def explain(self, node: Hashable) -> str:
        """Say in words how the quota of a node comes about.

        Parameters
        ----------
        node : hashable
            A node_id.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> forecast.quotas("5", tree).explain("all")
        'all: 5.00 USD, the target. 1 nodes below hold 5.00.'
        """
        position = Labels.of(Ids(np.arange(len(self.labels)), self.labels))
        if position.position(node) < 0:
            fault = Problem(
                path="node",
                message="is not a node of this tree",
                values=(show(node),),
                suggestions=closest(node, self.labels.tolist()),
            )
            raise InvalidInput("node: 1 problem", [fault])
        codes = position.codes(Ids(np.arange(len(self.labels)), self.labels))
        k = int(np.flatnonzero(codes == position.position(node))[0])
        below = np.flatnonzero(self.parent == k)
        text = f"{self.labels[k]}: {self._major(self.amount[k])} {self.currency}"
        up = int(self.parent[k])
        if self.method == "bottom_up":
            text += ", as given." if not len(below) else ", the sum of its children."
        elif up < 0:
            text += ", the target."
        else:
            text += f", {self.state[k]}." if self.state[k] else f", by {' and '.join(self.shares)}."
            more = _display.percent(self.over[up] / 1e6, 2).replace(".00", "") if self.over[up] else ""
            hands = f" and hands on {self._major(self.assigned[up])}, {more} more" if more else ""
            text += f" {self.labels[up]} holds {self._major(self.amount[up])}{hands}; {self.labels[k]} has "
            share = int(self.amount[k]) / max(int(self.assigned[up]), 1)
            text += f"{_display.percent(share, 2)} of that."
            beside = [show(self.labels[j]).strip("'") for j in np.flatnonzero(self.parent == up) if j != k]
            if beside:
                more = f" and {len(beside) - 5} more" if len(beside) > 5 else ""
                text += f" The quotas beside it: {', '.join(beside[:5])}{more}."
        if len(below):
            text += f" {len(below)} nodes below hold {self._major(self.assigned[k])}."
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the quotas as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> forecast.quotas("5", tree).to_dict()["nodes"][1]["amount"]
        500
        """
        return {
            "kind": "quotas",
            "version": __version__,
            "currency": self.currency,
            "method": self.method,
            "target": self.target,
            "shares": list(self.shares),
            "nodes": jsonable(self.to_frame()),
            "periods": jsonable(self.by_period()) if self.period_names else [],
        }

    def __repr__(self) -> str:
        held = int(self.amount[leaves(self.parent)].sum())
        more = "" if held == self.amount[0] else f", reps hold {self._major(held)}"
        return f"Quotas({self._major(self.amount[0])} {self.currency} over {self.n_reps} reps{more})"

    def _repr_html_(self) -> str:
        leaf = leaves(self.parent)
        facts = {
            "quota of the root": f"{self._major(self.amount[0])} {self.currency}",
            "reps": self.n_reps,
            "reps hold": self._major(int(self.amount[leaf].sum())),
            "at a bound or locked": int((self.state[leaf] != "").sum()),
        }
        shown = self.to_frame().head(_SHOWN)
        for name in ("amount", "assigned"):
            shown[name] = [None if value is pd.NA else self._major(value) for value in shown[name].tolist()]
        shown["share"] = shown["share"].map(_display.percent)
        tables = [("nodes", shown.drop(columns=["currency"]))]
        if self.period_names:
            grid = pd.DataFrame(
                [[self._major(value) for value in row] for row in self.cells[:20].tolist()],
                columns=list(self.period_names),
            )
            grid.insert(0, "node_id", label_cells(self.labels, np.arange(len(grid))))
            tables.append(("periods", grid))
        return _display.html_card("Quotas", facts, tables)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the quotas of the reps, largest first, with what holds them at a bound.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> forecast.quotas("5", tree).plot().get_xlabel()
        'quota (USD)'
        """
        from salesops.forecast import _pictures

        frame = self.to_frame()
        reps = frame[frame["is_rep"]].sort_values("amount", ascending=False, kind="stable")
        return _pictures.quotas(reps, self.currency, _money.exponent(self.currency), ax=ax)

    def _major(self, minor: int) -> str:
        return _money.format_minor(int(minor), _money.exponent(self.currency), thousands=True)

    def _groups(self, leaf: Ints) -> list[int]:
        return [int(k) for k in np.unique(self.parent[leaf])]


def _fairness(group: Any, ratio: Floats, base: Floats) -> dict[str, Any]:
    """Compare the ratios of a group; the Gini coefficient is that of the ratio between reps."""
    n = len(ratio)
    ordered = np.sort(ratio)
    gini = float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum())) if ordered.sum() else 0.0
    return {
        "group": group.item() if isinstance(group, np.generic) else group,
        "n": n,
        "ratio": float((ratio * base).sum() / base.sum()),
        "lowest": float(ordered[0]),
        "highest": float(ordered[-1]),
        "variation": float(ratio.std() / ratio.mean()) if ratio.mean() else math.nan,
        "gini": gini,
    }
