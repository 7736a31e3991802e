"""Share of deals still open by age, and whether groups differ: values that the survival verbs return."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
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
from salesops.forecast import _kernels
from salesops.forecast._arrays import label_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

INTERVAL = "Greenwood variance, log(-log) scale; missing where the share is 0 or 1"


def ages_asked(ages: object) -> Floats:
    """Take the ages at which a curve is to be read."""
    try:
        asked = np.atleast_1d(np.asarray(ages, dtype=np.float64))
    except (TypeError, ValueError):
        raise refuse("ages", "is a number or a list of numbers", ages) from None
    if asked.ndim != 1 or np.isnan(asked).any():
        raise refuse("ages", "is a number or a list of numbers", ages)
    return asked


def step(ages: Floats, values: Floats, start: float, asked: Floats) -> Floats:
    """Read step functions at the ages asked for; NaN above the last age that was seen."""
    padded = np.concatenate([np.full((1, *values.shape[1:]), start), values])
    found = padded[np.searchsorted(ages, asked, side="right")]
    beyond = asked > (ages[-1] if len(ages) else -1.0)
    found[beyond] = np.nan
    return found


@attrs.frozen(kw_only=True, repr=False)
class SurvivalCurve:
    """Share still open by age (Kaplan-Meier), from :func:`kaplan_meier`.

    Attributes
    ----------
    ages : ndarray of float, shape (n_ages,)
        Distinct ages at which a deal ended or was last seen.
    at_risk, events, censored : ndarray of int, shape (n_ages,)
        Deals under observation just before the age, those that ended at it, those last seen open at it.
    survival, variance : ndarray of float, shape (n_ages,)
        Share still open after the age, and Greenwood's variance of it.
    n, n_delayed : int
        Deals, and those among them that came under observation late.
    level : float
        Level of the intervals.

    Examples
    --------
    >>> from salesops import forecast
    >>> forecast.kaplan_meier([2, 3, 3, 5], [1, 1, 0, 1]).median
    3.0
    """

    ages: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    at_risk: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    events: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    censored: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    survival: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    variance: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    n: int
    n_delayed: int
    level: float

    def __repr__(self) -> str:
        median = _display.number(self.median)
        return f"SurvivalCurve(n={self.n}, events={int(self.events.sum())}, median={median})"

    @property
    def median(self) -> float:
        """First age at which at most half are still open; NaN if that age was not seen."""
        return self.quantile(0.5)

    @property
    def interval(self) -> tuple[Floats, Floats]:
        """Lower and upper end of the share still open, age by age."""
        return _kernels.log_log_band(self.survival, self.variance, self.level)

    def quantile(self, share: float) -> float:
        """First age by which at least `share` have ended.

        Parameters
        ----------
        share : float
            Between 0 and 1.

        Returns
        -------
        float
            NaN if that age was not seen.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).quantile(0.75)
        3.0
        """
        if not isinstance(share, (int, float, np.number)) or not 0.0 <= share <= 1.0:
            raise refuse("share", "is a number between 0 and 1", share)
        return _kernels.age_at_share(self.ages, self.survival, 1.0 - float(share))

    def at(self, ages: Sequence[float] | float) -> pd.DataFrame:
        """Read the curve at some ages.

        Parameters
        ----------
        ages : float or sequence of float
            In the unit of the durations.

        Returns
        -------
        DataFrame
            Columns age, survival, lower, upper; missing above the last age that was seen.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).at([0, 2.5])["survival"].tolist()
        [1.0, 0.5]
        """
        asked = ages_asked(ages)
        lower, upper = self.interval
        return pd.DataFrame(
            {
                "age": asked,
                "survival": step(self.ages, self.survival, 1.0, asked),
                "lower": step(self.ages, lower, np.nan, asked),
                "upper": step(self.ages, upper, np.nan, asked),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each age.

        Returns
        -------
        DataFrame
            Columns age, at_risk, events, censored, survival, variance, lower, upper.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.kaplan_meier([1, 2], [1, 1]).to_frame()["survival"].tolist()
        [0.5, 0.0]
        """
        lower, upper = self.interval
        return pd.DataFrame(
            {
                "age": self.ages,
                "at_risk": self.at_risk,
                "events": self.events,
                "censored": self.censored,
                "survival": self.survival,
                "variance": self.variance,
                "lower": lower,
                "upper": upper,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.kaplan_meier([1, 2], [1, 1]).to_dict()["n"]
        2
        """
        return {
            "kind": "survival_curve",
            "version": __version__,
            "n": self.n,
            "n_delayed": self.n_delayed,
            "level": self.level,
            "median": jsonable(self.median),
            "ages": jsonable(self.to_frame()),
        }

    def explain(self, age: float | None = None) -> str:
        """Say in words what the curve says at an age (default: its median).

        Parameters
        ----------
        age : float, optional

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> print(forecast.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).explain(2))
        At age 2, 50.0 % are still open (95 % interval 5.8 % to 84.5 %), estimated from 4 deals ...
        """
        shown = self.median if age is None else float(age)
        if np.isnan(shown):
            return f"More than half of the {self.n} deals were still open at the last age that was seen."
        row = self.at(shown).iloc[0]
        return (
            f"At age {_display.number(shown)}, {_display.percent(row['survival'])} are still open "
            f"({100 * self.level:g} % interval {_display.percent(row['lower'])} to "
            f"{_display.percent(row['upper'])}), estimated from {self.n} deals of which "
            f"{int(self.events.sum())} ended; {self.n_delayed} came under observation late."
        )

    def _repr_html_(self) -> str:
        facts = {"deals": self.n, "ended": int(self.events.sum()), "median age": _display.number(self.median)}
        return _display.html_card("Kaplan-Meier", facts, [("by age", self.to_frame())], notes=[INTERVAL])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share still open with its band.

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
        >>> forecast.kaplan_meier([1, 2], [1, 1]).plot().get_ylabel()
        'share of deals'
        """
        from salesops.forecast import plot

        title = f"Share of {self.n:,} deals still open ({100 * self.level:g} % band)"
        return plot.curves(self.ages, {"open": (self.survival, self.interval)}, title, ax=ax)


@attrs.frozen(kw_only=True, repr=False)
class LogRank:
    """Whether groups end at the same pace, from :func:`log_rank`.

    Attributes
    ----------
    groups : tuple of hashable
    n, observed : ndarray of int, shape (n_groups,)
    expected : ndarray of float, shape (n_groups,)
        Events each group would have had at the common pace.
    chi2, p_value : float
        NaN with a `reason` when the groups cannot be compared.
    degrees : int
    reason : str or None

    Examples
    --------
    >>> from salesops import forecast
    >>> forecast.log_rank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    LogRank(chi2=2.882, degrees=1, p_value=0.08956)
    """

    groups: tuple[Hashable, ...]
    n: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    observed: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    expected: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    chi2: float
    degrees: int
    p_value: float
    reason: str | None = None

    def __repr__(self) -> str:
        return (
            f"LogRank(chi2={_display.number(self.chi2)}, degrees={self.degrees}, "
            f"p_value={_display.number(self.p_value)})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each group.

        Returns
        -------
        DataFrame
            Columns group, n, observed, expected.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.log_rank([1, 2], [1, 1], ["a", "b"]).to_frame()["expected"].tolist()
        [0.5, 1.5]
        """
        return pd.DataFrame(
            {
                "group": label_column(self.groups),
                "n": self.n,
                "observed": self.observed,
                "expected": self.expected,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the test as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.log_rank([1, 2], [1, 1], ["a", "b"]).to_dict()["degrees"]
        1
        """
        return {
            "kind": "log_rank",
            "version": __version__,
            "chi2": jsonable(self.chi2),
            "degrees": self.degrees,
            "p_value": jsonable(self.p_value),
            "reason": self.reason,
            "groups": jsonable(self.to_frame()),
        }

    def explain(self) -> str:
        """Say in words what the test found.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> print(forecast.log_rank([1, 2], [1, 1], ["a", "b"]).explain())
        If the 2 groups ended at one pace, a difference this large or larger would come up in 31.7 % of ...
        """
        if self.reason is not None:
            return f"The groups cannot be compared: {self.reason}."
        return (
            f"If the {len(self.groups)} groups ended at one pace, a difference this large or larger would "
            f"come up in {_display.percent(self.p_value)} of samples "
            f"(chi-square {_display.number(self.chi2)}, {self.degrees} degrees of freedom)."
        )

    def _repr_html_(self) -> str:
        facts = {"chi-square": self.chi2, "degrees of freedom": self.degrees, "p-value": self.p_value}
        return _display.html_card(
            "Log-rank test", facts, [("groups", self.to_frame())], notes=[self.explain()]
        )
