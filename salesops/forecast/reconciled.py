"""Coherent forecasts: beside the base ones, with what moved each."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display, _money
from salesops._faults import closest
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast._arrays import label_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Reconciled"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Reconciled:
    """Forecasts of which every parent is the sum of its children: from :func:`~salesops.forecast.reconcile`.

    Attributes
    ----------
    labels : tuple
        Nodes.
    levels : tuple of str
        Level columns, if the hierarchy was read from them.
    periods : tuple
        Periods; (None,) if there is one.
    method : str
    base, values : ndarray, shape (n_nodes, n_periods)
        Forecasts before and after.
    variance : ndarray or None
        Variances of the errors after, where they are known.
    shrinkage : float or None
        By how much correlations were shrunk, for mint_shrink.
    n_held : int
        Leaves held at 0.
    parts : tuple
        Inner nodes and the nodes that sum to each, by place.
    misfit : ndarray
        By how much each inner node differed from its parts before.
    minor : ndarray or None
        Values in minor units, if a currency was given.
    currency : str or None

    Examples
    --------
    >>> from salesops import forecast
    >>> forecast.reconcile({"t": 3, "a": 1, "b": 1}, {"t": ["a", "b"]})
    Reconciled(3 nodes, 2 leaves, wls_structural, largest change 0.5)
    """

    labels: tuple[Hashable, ...]
    levels: tuple[str, ...]
    periods: tuple[Hashable, ...]
    method: str
    base: Floats
    values: Floats
    variance: Floats | None
    shrinkage: float | None
    n_held: int
    parts: tuple[tuple[int, tuple[int, ...]], ...]
    misfit: Floats
    minor: Ints | None
    currency: str | None

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each node, and period if there are several.

        Returns
        -------
        DataFrame
            node_id (or the level columns), period, base, reconciled, change; sd where errors are known, and
            amount (minor units) and currency where one was given.

        Examples
        --------
        >>> from salesops import forecast
        >>> made = forecast.reconcile({"t": 3, "a": 1, "b": 1}, {"t": ["a", "b"]}, currency="USD")
        >>> made.to_frame()[["node_id", "reconciled", "amount"]].values.tolist()
        [['a', 1.25, 125], ['b', 1.25, 125], ['t', 2.5, 250]]
        """
        n = len(self.periods)
        rows = np.repeat(np.arange(len(self.labels)), n)
        frame = pd.DataFrame(index=pd.RangeIndex(len(rows)))
        nodes = [self.labels[k] for k in rows.tolist()]
        if self.levels:
            for j, level in enumerate(self.levels):
                cells = [node[j] if isinstance(node, tuple) and j < len(node) else None for node in nodes]
                frame[level] = label_column(cells)
        else:
            frame["node_id"] = label_column(nodes)
        if n > 1:
            frame["period"] = label_column(list(self.periods) * len(self.labels))
        frame["base"] = self.base.ravel()
        frame["reconciled"] = self.values.ravel()
        frame["change"] = frame["reconciled"] - frame["base"]
        if self.variance is not None:
            frame["sd"] = np.sqrt(self.variance)[rows]
        if self.minor is not None:
            frame["amount"] = self.minor.ravel()
            frame["currency"] = self.currency
        return frame

    def value(self, node: Hashable, period: Hashable = None) -> float:
        """Give the reconciled forecast of a node.

        Parameters
        ----------
        node : hashable
        period : hashable, optional
            Needed where there are several.

        Returns
        -------
        float

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.reconcile({"t": 3, "a": 1, "b": 1}, {"t": ["a", "b"]}).value("t")
        2.5
        """
        return float(self.values[self._place(node), self._column(period)])

    def explain(self, node: Hashable, period: Hashable = None) -> str:
        """Say in words how a forecast moved and what it sums.

        Parameters
        ----------
        node : hashable
        period : hashable, optional
            Needed where there are several.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> made = forecast.reconcile({"t": 3, "a": 1, "b": 1}, {"t": ["a", "b"]})
        >>> print(made.explain("t"))
        't': 3 before, 2.5 now (-0.5). Its 2 parts summed to 2 before, 2.5 now. Method: wls_structural.
        """
        k, column = self._place(node), self._column(period)
        before, now = float(self.base[k, column]), float(self.values[k, column])
        text = f"{show(node)}: {_number(before)} before, {_number(now)} now ({_signed(now - before)})."
        for top, kids in self.parts:
            if top == k:
                gap = float(self.misfit[[place for place, _ in self.parts].index(k), column])
                text += (
                    f" Its {len(kids)} parts summed to {_number(before - gap)} before, {_number(now)} now."
                )
        if self.variance is not None:
            text += f" Standard deviation of its error: {_number(math.sqrt(float(self.variance[k])))}."
        text += f" Method: {self.method}"
        return text + ("." if self.shrinkage is None else f", shrinkage {_number(self.shrinkage)}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the forecasts as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> made = forecast.reconcile({"t": 3, "a": 1, "b": 1}, {"t": ["a", "b"]})
        >>> made.to_dict()["nodes"][2]["reconciled"]
        2.5
        """
        return {
            "kind": "reconciled",
            "version": __version__,
            "method": self.method,
            "shrinkage": self.shrinkage,
            "n_held": self.n_held,
            "nodes": jsonable(self.to_frame()),
        }

    def __repr__(self) -> str:
        moved = float(np.abs(self.values - self.base).max())
        n_leaves = len(self.labels) - len(self.parts)
        return (
            f"Reconciled({len(self.labels):,} nodes, {n_leaves:,} leaves, {self.method}, "
            f"largest change {_number(moved)})"
        )

    def _repr_html_(self) -> str:
        facts = {
            "method": self.method,
            "nodes": len(self.labels),
            "largest gap of a parent before": _number(float(np.abs(self.misfit).max())),
            "largest change": _number(float(np.abs(self.values - self.base).max())),
            "leaves held at 0": self.n_held,
        }
        frame = self.to_frame()
        if self.minor is not None and self.currency is not None:
            places = _money.exponent(self.currency)
            shown = [_money.format_minor(value, places, thousands=True) for value in frame["amount"].tolist()]
            frame["amount"] = shown
        return _display.html_card("Reconciled forecasts", facts, [("nodes", frame)])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw base and reconciled forecast of the nodes that moved most, summed over periods.

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
        >>> forecast.reconcile({"t": 3, "a": 1, "b": 1}, {"t": ["a", "b"]}).plot().get_xlabel()
        'forecast'
        """
        from salesops.forecast import _pictures

        names = ["total" if label == () else _name(label) for label in self.labels]
        return _pictures.reconciled(names, self.base.sum(axis=1), self.values.sum(axis=1), self.method, ax=ax)

    def _place(self, node: Hashable) -> int:
        known = {(type(label).__name__, label): k for k, label in enumerate(self.labels)}
        found = known.get((type(node).__name__, node))
        if found is not None:
            return found
        fault = Problem(
            path="node",
            message="is not a node of this hierarchy",
            values=(show(node),),
            suggestions=closest(node, self.labels),
        )
        raise InvalidInput("node: 1 problem", [fault])

    def _column(self, period: Hashable) -> int:
        if period in self.periods:
            return self.periods.index(period)
        hint = f"periods are {', '.join(map(show, self.periods[:12]))}"
        fault = Problem(path="period", message="is not one of the periods", values=(show(period),), hint=hint)
        raise InvalidInput("period: 1 problem", [fault])


def _name(label: Hashable) -> str:
    return " / ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _number(value: float) -> str:
    return _display.number(round(value, 10))


def _signed(value: float) -> str:
    return f"+{_number(value)}" if value > 0 else _number(value)
