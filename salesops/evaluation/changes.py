"""When did the level change? Change points that nobody had to guess."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import refuse
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.evaluation._partition import moving_range_sigma, partition
from salesops.evaluation._series import Label, label_text, read_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ChangePoints", "change_points"]

Floats = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True, repr=False)
class ChangePoints:
    """Stretches of one level each, from :func:`change_points`.

    Parameters
    ----------
    labels : tuple
        Period of each value.
    values : ndarray of float, shape (n,)
    starts : tuple of int
        Position at which each stretch begins; the first is 0.
    levels : tuple of float
        Mean of each stretch.
    sigma : float
        Spread of single values that was taken for noise.
    penalty : float
        Price of a change, in squared sigmas.

    Examples
    --------
    >>> from salesops import evaluation
    >>> evaluation.change_points([5, 6, 5, 6, 5, 9, 10, 9, 10, 9])
    ChangePoints(5.4 > 9.4 from 5)
    """

    labels: tuple[Label, ...]
    values: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    starts: tuple[int, ...]
    levels: tuple[float, ...]
    sigma: float
    penalty: float

    def __repr__(self) -> str:
        if len(self.levels) > 4:
            return f"ChangePoints({len(self.levels) - 1} changes of level in {len(self.values)} values)"
        parts = [_display.number(self.levels[0], 3)] + [
            f"{_display.number(level, 3)} from {label_text(self.labels[start])}"
            for start, level in zip(self.starts[1:], self.levels[1:], strict=True)
        ]
        return f"ChangePoints({' > '.join(parts)})"

    @property
    def changes(self) -> tuple[Label, ...]:
        """Periods from which on the level is another one."""
        return tuple(self.labels[start] for start in self.starts[1:])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each stretch.

        Returns
        -------
        DataFrame
            Columns start, end (its last period), n, level, change (from the stretch before).

        Examples
        --------
        >>> from salesops import evaluation
        >>> found = evaluation.change_points([5, 6, 5, 6, 5, 9, 10, 9, 10, 9])
        >>> found.to_frame()[["start", "n", "level"]].values.tolist()
        [[0.0, 5.0, 5.4], [5.0, 5.0, 9.4]]
        """
        ends = [*self.starts[1:], len(self.values)]
        return pd.DataFrame(
            {
                "start": [self.labels[k] for k in self.starts],
                "end": [self.labels[k - 1] for k in ends],
                "n": [end - start for start, end in zip(self.starts, ends, strict=True)],
                "level": list(self.levels),
                "change": [math.nan, *np.diff(self.levels).tolist()],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the stretches as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> evaluation.change_points([5, 6, 5, 6, 5, 6]).to_dict()["changes"]
        []
        """
        return {
            "kind": "change_points",
            "version": __version__,
            "sigma": self.sigma,
            "penalty": self.penalty,
            "changes": jsonable(list(self.changes)),
            "stretches": jsonable(self.to_frame()),
        }

    def explain(self) -> str:
        """Say in words when the level changed.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> print(evaluation.change_points([5, 6, 5, 6, 5, 9, 10, 9, 10, 9]).explain())
        The level changed once: from 5 on it went from 5.4 to 9.4 (+4). Single values stray by about 1.2 ...
        """
        noise = f"Single values stray by about {_display.number(self.sigma, 2)} from their level."
        if len(self.levels) == 1:
            return f"The level, {_display.number(self.levels[0], 3)}, did not change. {noise}"
        steps = "; ".join(
            f"from {label_text(self.labels[start])} on it went from {_display.number(old, 3)} to "
            f"{_display.number(new, 3)} ({new - old:+.3g})"
            for start, old, new in zip(self.starts[1:], self.levels[:-1], self.levels[1:], strict=True)
        )
        times = {2: "once", 3: "twice"}.get(len(self.levels), f"{len(self.levels) - 1} times")
        return f"The level changed {times}: {steps}. {noise}"

    def _repr_html_(self) -> str:
        facts = {"changes": len(self.levels) - 1, "noise": self.sigma, "penalty": self.penalty}
        table = self.to_frame()
        for name in ("start", "end"):
            table[name] = [label_text(label) for label in table[name]]
        return _display.html_card("Change points", facts, [("stretches", table)], notes=[self.explain()])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the values and the level of each stretch.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import evaluation
        >>> evaluation.change_points([5, 6, 5, 6, 5, 6]).plot().get_ylabel()
        'value'
        """
        from salesops.evaluation import plot

        return plot.levels(self.labels, self.values, self.starts, self.levels, repr(self)[13:-1], ax=ax)


def change_points(
    series: object,
    *,
    penalty: float | None = None,
    min_length: int = 3,
    columns: Mapping[str, str] | None = None,
) -> ChangePoints:
    """Find when the level of a series changed, and how often, without being told.

    Parameters
    ----------
    series : list of numbers, pandas Series or table
        As for :func:`control_chart`.
    penalty : float, optional
        Price of a change, in squared sigmas. Default: ``6.7 + 0.76 ln n``, at which steady, independent,
        normal values show any change in about 5 % of series.
    min_length : int, default 3
        Fewest values of a stretch; shorter ones are outliers, which :func:`control_chart` shows.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    ChangePoints

    Raises
    ------
    InvalidInput
        If there are fewer than two values, or one is not a number, or an option cannot be meant.

    Notes
    -----
    Minimises ``sum of squares within stretches / sigma^2 + penalty x changes`` exactly, by pruned dynamic
    programming: O(n) to O(n^2). Sigma is the mean moving range / 1.128. Values that follow each other (a slow
    drift) look like changes to any such method.

    References
    ----------
    R. Killick, P. Fearnhead, I. A. Eckley (2012), "Optimal detection of changepoints with a linear
    computational cost".
    B. Jackson et al. (2005), "An algorithm for optimal partitioning of data on an interval".

    Examples
    --------
    >>> change_points([5, 6, 5, 6, 5, 9, 10, 9, 10, 9]).changes
    (5,)
    """
    if isinstance(min_length, bool) or not isinstance(min_length, (int, np.integer)) or min_length < 1:
        raise refuse("min_length", "is a whole number, 1 or more", min_length)
    if penalty is not None and not (
        isinstance(penalty, (int, float, np.number))
        and not isinstance(penalty, bool)
        and 0 < penalty < math.inf
    ):
        raise refuse("penalty", "is a number above 0", penalty)
    labels, values = read_series(series, columns=columns, minimum=2)
    sigma = moving_range_sigma(values)
    price = float(penalty) if penalty is not None else 6.7 + 0.76 * math.log(len(values))
    starts = [0]
    if sigma > 0 and len(values) >= 2 * min_length:
        starts += partition(values / sigma, price, int(min_length))
    ends = [*starts[1:], len(values)]
    return ChangePoints(
        labels=labels,
        values=values,
        starts=tuple(starts),
        levels=tuple(float(values[a:b].mean()) for a, b in zip(starts, ends, strict=True)),
        sigma=sigma,
        penalty=price,
    )
