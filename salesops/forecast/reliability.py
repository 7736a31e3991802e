"""Whether probabilities mean what they say: of what was given 70 %, seven in ten should come true."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import refuse
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops.forecast import _kernels
from salesops.forecast._arrays import check_rows
from salesops.forecast.scores import paired
from salesops.forecast.survival import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Reliability", "reliability"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, repr=False)
class Reliability:
    """Probabilities beside the share that came true, in groups, from :func:`reliability`.

    Attributes
    ----------
    predicted : ndarray of float, shape (n_groups,)
        Mean probability of each group.
    hits, n : ndarray of int, shape (n_groups,)
        How many came true, of how many.
    brier : float
        Mean squared distance of the probabilities from what came (0 or 1).
    level : float
        Level of the intervals.

    Examples
    --------
    >>> reliability([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], groups=2)
    Reliability(n=4, groups=2, Brier 0.025)
    """

    predicted: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    hits: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    n: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    brier: float
    level: float

    def __repr__(self) -> str:
        """Show sizes and the score."""
        return f"Reliability(n={int(self.n.sum())}, groups={len(self.n)}, Brier {self.brier:.4g})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each group.

        Returns
        -------
        DataFrame
            Columns predicted (mean probability), observed (share that came true), its Wilson interval (lower,
            upper), hits, n.

        Examples
        --------
        >>> reliability([0.2, 0.2, 0.2], [0, 1, 0], groups=1).to_frame()[["hits", "n"]].values.tolist()
        [[1, 3]]
        """
        lower, upper = _kernels.wilson(self.hits.astype(float), self.n.astype(float), self.level)
        return pd.DataFrame(
            {
                "predicted": self.predicted,
                "observed": self.hits / self.n,
                "lower": lower,
                "upper": upper,
                "hits": self.hits,
                "n": self.n,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> reliability([0.5], [1]).to_dict()["brier"]
        0.25
        """
        return {"brier": self.brier, "level": self.level, "groups": jsonable(self.to_frame())}

    def _repr_html_(self) -> str:
        facts = {"forecasts": int(self.n.sum()), "Brier score": self.brier}
        return _display.html_card("Reliability", facts, [("by probability", self.to_frame())])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share that came true over the probability that was given, with its intervals.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> reliability([0.5, 0.5], [1, 0]).plot().get_xlabel()
        'probability that was given'
        """
        from salesops.forecast import _backtest_plot

        return _backtest_plot.reliability(self.to_frame(), ax=ax)


def reliability(
    probabilities: object, outcomes: object, *, groups: int = 10, level: float = 0.95
) -> Reliability:
    """Compare probabilities with how often what they spoke of came true.

    Parameters
    ----------
    probabilities : sequence of number
        Between 0 and 1.
    outcomes : sequence of number
        1 or True where it came true, 0 or False where not, in the same order.
    groups : int, default 10
        Groups of nearly equal size, in order of probability; equal probabilities stay together.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Reliability

    Raises
    ------
    InvalidInput
        If the lengths differ, a probability is out of bounds, or an outcome is neither 0 nor 1.

    Examples
    --------
    >>> curve = reliability([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0], groups=2)
    >>> curve.to_frame()[["predicted", "observed"]].values.tolist()
    [[0.1, 0.0], [0.9, 0.5]]
    """
    check_level(level)
    if isinstance(groups, bool) or not isinstance(groups, (int, np.integer)) or groups < 1:
        raise refuse("groups", "is a whole number, 1 or more", groups)
    came = np.asarray(outcomes)
    share, hit = paired(
        probabilities=probabilities, outcomes=came.astype(int) if came.dtype.kind == "b" else outcomes
    )
    check_rows("probabilities", (share < 0) | (share > 1), "lie between 0 and 1", share.tolist())
    check_rows("outcomes", ~np.isin(hit, (0.0, 1.0)), "are 0 or 1", hit.tolist())
    order = np.lexsort((hit, share))
    share, hit = share[order], hit[order]
    n = len(share)
    first = np.searchsorted(share, share, side="left")
    place = np.unique(np.minimum(first * groups // n, groups - 1), return_inverse=True)[1]
    cases = np.bincount(place)
    parts = np.split(share, np.cumsum(cases)[:-1])
    return Reliability(
        predicted=np.array([math.fsum(part) / len(part) for part in parts]),
        hits=np.bincount(place, weights=hit).astype(np.int64),
        n=cases.astype(np.int64),
        brier=math.fsum((share - hit) ** 2) / n,
        level=float(level),
    )
