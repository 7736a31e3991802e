"""Who will probably reach a quota, by what the reps have done before."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import refuse
from salesops._frames import jsonable
from salesops.errors import InvalidInput, Problem
from salesops.forecast import _laws

__all__ = ["Reach"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Reach:
    """How many reps will probably reach their quota: from :meth:`Quotas.reach`.

    Attributes
    ----------
    frame : DataFrame
        One row for each rep.
    expected : float
        Reps expected to reach their quota, among those with a history.
    lower, upper : float
        Interval of that number.
    n : int
        Reps with a history.
    level : float

    Examples
    --------
    >>> from salesops import forecast
    >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
    >>> past = [{"rep_id": "a", "amount": x} for x in (80, 100, 120)]
    >>> forecast.quotas(90, tree).reach(past).to_frame()[["rep_id", "expected"]].values.tolist()
    [['a', 100.0]]
    """

    frame: pd.DataFrame
    expected: float
    lower: float
    upper: float
    n: int
    level: float

    @property
    def share(self) -> float:
        """Share of reps with a history who are expected to reach their quota; NaN if there is none."""
        return self.expected / self.n if self.n else math.nan

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each rep.

        Returns
        -------
        DataFrame
            rep_id, quota, expected (mean of the past times growth), ratio (quota over expected), n (past
            results), probability (of reaching the quota; NaN without a history).

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> past = [{"rep_id": "a", "amount": x} for x in (80, 100, 120)]
        >>> forecast.quotas(90, tree).reach(past).to_frame()["ratio"].tolist()
        [0.9]
        """
        return self.frame.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> tree = [{"node_id": "all"}, {"node_id": "a", "parent_id": "all"}]
        >>> past = [{"rep_id": "a", "amount": x} for x in (80, 100, 120)]
        >>> forecast.quotas(90, tree).reach(past).to_dict()["n"]
        1
        """
        return {
            str(name): jsonable(getattr(self, name)) for name in ("expected", "lower", "upper", "n", "level")
        } | {"reps": jsonable(self.frame)}

    def __repr__(self) -> str:
        return (
            f"Reach({_display.number(self.expected, 2)} of {self.n} reps expected to reach their quota, "
            f"{100 * self.level:g} % between {self.lower:g} and {self.upper:g})"
        )

    def _repr_html_(self) -> str:
        facts = {
            "expected to reach their quota": f"{_display.number(self.expected)} of {self.n}",
            f"{100 * self.level:g} % interval": f"{self.lower:g} to {self.upper:g}",
            "reps without a history": int(self.frame["probability"].isna().sum()),
        }
        return _display.html_card("Reach of quotas", facts, [("reps", self.frame)])


def reach_of(
    names: pd.Series[Any], quota: Floats, rep: Ints, amount: Floats, growth: object, level: object
) -> Reach:
    """Compare each quota with the rep's mean times a factor drawn from how all reps scatter around theirs.

    A factor 1 + (x / mean - 1) sqrt((n + 1) / (n - 1)) allows for the mean having been estimated from the
    same n results.
    """
    if isinstance(growth, bool) or not isinstance(growth, (int, float)) or not 0 < growth < math.inf:
        raise refuse("growth", "is a finite number above 0", growth)
    if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1:
        raise refuse("level", "is between 0 and 1", level)
    n = np.bincount(rep, minlength=len(quota))
    total = np.bincount(rep, weights=amount, minlength=len(quota))
    mean = np.divide(total, n, out=np.full(len(quota), np.nan), where=n > 0)
    fit = (n[rep] > 1) & (mean[rep] > 0)
    if not fit.any():
        fault = Problem(path="history", message="no rep has two results, so nothing tells how they scatter")
        raise InvalidInput("history: 1 problem", [fault])
    times = n[rep][fit]
    factor = np.sort(
        np.maximum(1 + (amount[fit] / mean[rep][fit] - 1) * np.sqrt((times + 1) / (times - 1)), 0.0)
    )
    expected = mean * growth
    ratio = np.divide(quota, expected, out=np.full(len(quota), np.inf), where=expected > 0)
    ratio = np.where(n > 0, ratio, np.nan)
    chance = 1.0 - np.searchsorted(factor, ratio * (1 - 1e-12), side="left") / len(factor)
    chance = np.where(n > 0, chance, np.nan)
    known = chance[n > 0]
    coins = [_laws.part(1, np.array([0.0, 1.0]), np.array([1.0 - p, p])) for p in known.tolist()]
    law = _laws.sum_of(coins)
    frame = pd.DataFrame(
        {"rep_id": names, "quota": quota, "expected": expected, "ratio": ratio, "n": n, "probability": chance}
    )
    return Reach(
        frame=frame,
        expected=float(known.sum()),
        lower=law.quantile((1 - level) / 2),
        upper=law.quantile((1 + level) / 2),
        n=len(known),
        level=float(level),
    )
