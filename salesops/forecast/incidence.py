"""Share of deals that ended by each cause, by age: the value that ``competing_risks`` returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import check_choice
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.forecast import _kernels
from salesops.forecast.curves import INTERVAL, ages_asked, step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, repr=False)
class IncidenceCurves:
    """Share that ended by each cause, and share still open, by age, from :func:`competing_risks`.

    At every age the shares of all causes and the share still open sum to one.

    Attributes
    ----------
    causes : tuple of str
    ages : ndarray of float, shape (n_ages,)
    at_risk, censored : ndarray of int, shape (n_ages,)
    events : ndarray of int, shape (n_ages, n_causes)
    share, variance : ndarray of float, shape (n_ages, n_causes)
    still_open, open_variance : ndarray of float, shape (n_ages,)
    n, n_delayed : int
    level : float

    Examples
    --------
    >>> from salesops import forecast
    >>> curves = forecast.competing_risks([1, 2, 3, 3], ["won", "lost", "won", None])
    >>> curves.at(3)[["lost", "won", "open"]].values.tolist()
    [[0.25, 0.5, 0.25]]
    """

    causes: tuple[str, ...]
    ages: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    at_risk: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    events: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    censored: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    share: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    variance: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    still_open: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    open_variance: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    n: int
    n_delayed: int
    level: float

    def __repr__(self) -> str:
        ended = "".join(
            f"{cause}={int(k)}, " for cause, k in zip(self.causes, self.events.sum(axis=0), strict=True)
        )
        return f"IncidenceCurves(n={self.n}, {ended}open={int(self.censored.sum())})"

    def interval(self, cause: str) -> tuple[Floats, Floats]:
        """Lower and upper end of the share of one cause (or of ``"open"``), age by age.

        Parameters
        ----------
        cause : str

        Returns
        -------
        tuple of ndarray

        Examples
        --------
        >>> from salesops import forecast
        >>> curves = forecast.competing_risks([1, 2], ["won", "lost"])
        >>> [round(float(end), 3) for end in curves.interval("won")[0]]
        [0.006, 0.006]
        """
        if cause == "open":
            return _kernels.log_log_band(self.still_open, self.open_variance, self.level)
        k = self._place(cause)
        return _kernels.log_log_band(self.share[:, k], self.variance[:, k], self.level)

    def _place(self, cause: str) -> int:
        check_choice("cause", cause, self.causes)
        return self.causes.index(cause)

    def at(self, ages: Sequence[float] | float) -> pd.DataFrame:
        """Read the curves at some ages.

        Parameters
        ----------
        ages : float or sequence of float
            In the unit of the durations.

        Returns
        -------
        DataFrame
            Columns age, one for each cause, open; missing above the last age that was seen.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.competing_risks([1, 2], ["won", "lost"]).at([0, 1])["won"].tolist()
        [0.0, 0.5]
        """
        asked = ages_asked(ages)
        shares = step(self.ages, self.share, 0.0, asked)
        columns = {"age": asked} | {cause: shares[:, k] for k, cause in enumerate(self.causes)}
        return pd.DataFrame(columns | {"open": step(self.ages, self.still_open, 1.0, asked)})

    @property
    def last_age(self) -> float:
        """Last age at which a deal ended; NaN if none did."""
        ended = np.flatnonzero(self.events.sum(axis=1))
        return float(self.ages[ended[-1]]) if len(ended) else float("nan")

    def final(self, cause: str) -> tuple[float, float, float]:
        """Share that had ended by one cause at the last age seen, with its interval.

        Parameters
        ----------
        cause : str

        Returns
        -------
        tuple of float
            Share, lower end, upper end; NaN if there is no deal.

        Examples
        --------
        >>> from salesops import forecast
        >>> round(forecast.competing_risks([1, 2, 3], ["won", "lost", None]).final("won")[0], 4)
        0.3333
        """
        k = self._place(cause)
        if not len(self.ages):
            return float("nan"), float("nan"), float("nan")
        lower, upper = self.interval(cause)
        return float(self.share[-1, k]), float(lower[-1]), float(upper[-1])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each age and state (every cause, and open).

        Returns
        -------
        DataFrame
            Columns age, state, at_risk, events, share, variance, lower, upper; for the state open, `events`
            counts the deals last seen open at that age.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.competing_risks([1, 2], ["won", "lost"]).to_frame()["state"].tolist()
        ['lost', 'won', 'open', 'lost', 'won', 'open']
        """
        states = [*self.causes, "open"]
        bands = [self.interval(state) for state in states]
        return pd.DataFrame(
            {
                "age": np.repeat(self.ages, len(states)),
                "state": states * len(self.ages),
                "at_risk": np.repeat(self.at_risk, len(states)),
                "events": np.column_stack([self.events, self.censored]).ravel(),
                "share": np.column_stack([self.share, self.still_open]).ravel(),
                "variance": np.column_stack([self.variance, self.open_variance]).ravel(),
                "lower": np.column_stack([lower for lower, _ in bands]).ravel(),
                "upper": np.column_stack([upper for _, upper in bands]).ravel(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the curves as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.competing_risks([1, 2], ["won", "lost"]).to_dict()["causes"]
        ['lost', 'won']
        """
        return {
            "kind": "incidence_curves",
            "version": __version__,
            "causes": list(self.causes),
            "n": self.n,
            "n_delayed": self.n_delayed,
            "level": self.level,
            "ages": jsonable(self.to_frame()),
        }

    def explain(self, age: float | None = None) -> str:
        """Say in words what had happened by an age (default: the last one seen).

        Parameters
        ----------
        age : float, optional

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> print(forecast.competing_risks([1, 2, 3], ["won", "lost", None]).explain(2))
        By age 2: lost 33.3 %, won 33.3 %, open 33.3 %, estimated from 3 deals of which 1 were still open ...
        """
        if not len(self.ages):
            return "There is no deal."
        shown = float(self.ages[-1]) if age is None else float(age)
        row = self.at(shown).iloc[0]
        parts = ", ".join(f"{state} {_display.percent(row[state])}" for state in (*self.causes, "open"))
        return (
            f"By age {_display.number(shown)}: {parts}, estimated from {self.n} deals of which "
            f"{int(self.censored.sum())} were still open when last seen and {self.n_delayed} came under "
            "observation late."
        )

    def _repr_html_(self) -> str:
        ended = {cause: int(k) for cause, k in zip(self.causes, self.events.sum(axis=0), strict=True)}
        facts = {"deals": self.n, **ended, "open": int(self.censored.sum())}
        marks = (
            self.ages[np.unique(np.linspace(0, len(self.ages) - 1, 12).astype(int))] if len(self.ages) else []
        )
        return _display.html_card(
            "Competing risks (Aalen-Johansen)", facts, [("by age", self.at(marks))], notes=[INTERVAL]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of each cause with its band, and the share still open.

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
        >>> forecast.competing_risks([1, 2], ["won", "lost"]).plot().get_ylabel()
        'share of deals'
        """
        from salesops.forecast import plot

        states = {cause: (self.share[:, k], self.interval(cause)) for k, cause in enumerate(self.causes)}
        states["open"] = (self.still_open, self.interval("open"))
        title = f"How {self.n:,} deals end, open ones unfinished ({100 * self.level:g} % bands)"
        return plot.curves(self.ages, states, title, ax=ax)
