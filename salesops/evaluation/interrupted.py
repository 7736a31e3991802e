"""One series that a change interrupts: whether its level stepped, whether its trend bent."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._calendar import day_of
from salesops._faults import check_choice, refuse
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.evaluation import _kernels, _regression
from salesops.evaluation._rows import check_share
from salesops.evaluation._series import Label, label_text, read_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["InterruptedSeries", "Term", "interrupted_series"]

Floats = npt.NDArray[np.float64]
Errors = Literal["autoregressive", "newey_west", "independent"]

_EXACT = 1e-12  # of the largest value: what is smaller is rounding
_TERMS = ("level", "trend", "step", "bend", "average effect")


@attrs.frozen(kw_only=True)
class Term:
    """One figure of a segmented line.

    Parameters
    ----------
    name : str
        ``level`` and ``trend`` (each period) before the change, ``step`` at it, ``bend`` (how much the trend
        changed), or ``average effect``: the mean gap, after the change, to the line continued.
    estimate, standard_error, lower, upper, p_value : float
        All but the estimate are NaN where every value lies exactly on the lines.

    Examples
    --------
    >>> from salesops import evaluation
    >>> found = evaluation.interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
    >>> found.terms[2].name
    'step'
    """

    name: str
    estimate: float
    standard_error: float
    lower: float
    upper: float
    p_value: float


@attrs.frozen(kw_only=True, repr=False)
class InterruptedSeries:
    """A segmented line through a series, from :func:`interrupted_series`.

    Parameters
    ----------
    labels : tuple
        Period of each value.
    values, fitted, counterfactual : ndarray of float, shape (n,)
        What was seen, the segmented line, and the old line continued.
    change : int
        Position of the first period after the change.
    terms : tuple of Term
        Level, trend, step, bend, and the average effect.
    autocorrelation : float
        Correlation of an error with the one before it; 0 where it is not estimated.
    errors : str
    smallest_visible : float
        The average effect that such a series shows with chance `power`.
    level, power : float

    Examples
    --------
    >>> from salesops import evaluation
    >>> evaluation.interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
    InterruptedSeries(average effect +2.82, 95 % interval -2.1 to 7.09, p=0.179)
    """

    labels: tuple[Label, ...]
    values: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    fitted: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    counterfactual: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    change: int
    terms: tuple[Term, ...]
    autocorrelation: float
    errors: str
    smallest_visible: float
    level: float
    power: float

    def __repr__(self) -> str:
        return f"InterruptedSeries({self._words(self.effect)})"

    @property
    def effect(self) -> Term:
        """The average effect: mean gap, after the change, between the series and the old line continued."""
        return self.terms[-1]

    def _words(self, term: Term) -> str:
        return (
            f"{term.name} {term.estimate:+.4g}, no interval: all values lie exactly on the lines"
            if math.isnan(term.standard_error)
            else f"{term.name} {term.estimate:+.4g}, {100 * self.level:g} % interval "
            f"{_display.number(term.lower, 3)} to {_display.number(term.upper, 3)}, p={term.p_value:.3g}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each term.

        Returns
        -------
        DataFrame
            Columns name, estimate, standard_error, lower, upper, p_value.

        Examples
        --------
        >>> from salesops import evaluation
        >>> found = evaluation.interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
        >>> found.to_frame()["name"].tolist()
        ['level', 'trend', 'step', 'bend', 'average effect']
        """
        return pd.DataFrame([attrs.asdict(term) for term in self.terms])

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> found = evaluation.interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
        >>> found.to_dict()["change"]
        6
        """
        plain = {field.name: jsonable(getattr(self, field.name)) for field in attrs.fields(type(self))}
        terms = [jsonable(attrs.asdict(term)) for term in self.terms]
        return {"kind": "interrupted_series", "version": __version__, **plain, "terms": terms}

    def explain(self) -> str:
        """Say in words whether the change shows.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> found = evaluation.interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
        >>> print(found.explain())
        Since 6 the figure is on average 2.82 above the old trend, continued (95 % interval -2.1 to 7.09),
        which can well be chance (p=0.18). The smallest average effect that would have been found in 80 % of
        such series is 7.18.
        """
        effect = self.effect
        side = "above" if effect.estimate >= 0 else "below"
        if math.isnan(effect.standard_error):
            return (
                f"Since {label_text(self.labels[self.change])} the figure is on average "
                f"{_display.number(abs(effect.estimate), 3)} {side} the old trend, continued. There is no "
                "interval: all values lie exactly on the lines, so nothing tells how much they vary "
                "by chance."
            )
        verdict = (
            "which is more than chance explains"
            if effect.p_value < 1.0 - self.level
            else "which can well be chance"
        )
        text = (
            f"Since {label_text(self.labels[self.change])} the figure is on average "
            f"{_display.number(abs(effect.estimate), 3)} {side} the old trend, "
            f"continued ({100 * self.level:g} % interval {_display.number(effect.lower, 3)} to "
            f"{_display.number(effect.upper, 3)}), {verdict} (p={effect.p_value:.2g}). The smallest average "
            f"effect that would have been found in {100 * self.power:g} % of such series is "
            f"{_display.number(self.smallest_visible, 3)}."
        )
        if self.errors == "newey_west":
            text += " With so few periods Newey-West intervals are too narrow; prefer autoregressive errors."
        return text

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {
            "changed": label_text(self.labels[self.change]),
            "periods": f"{self.change} before, {len(self.values) - self.change} after",
            "errors": f"{self.errors.replace('_', ' ')}, correlation {self.autocorrelation:.2f}",
            "smallest visible effect": self.smallest_visible,
        }
        return _display.html_card(
            "Interrupted series", facts, [("terms", self.to_frame())], notes=[self.explain()]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the series, the segmented line, and the old line continued.

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
        >>> found = evaluation.interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
        >>> found.plot().get_ylabel()
        'value'
        """
        from salesops.evaluation import plot

        lines = (self.fitted, self.counterfactual)
        return plot.interrupted(self.labels, self.values, lines, self.change, repr(self)[18:-1], ax=ax)


def interrupted_series(
    series: object,
    *,
    changed_on: dt.date | str | int,
    errors: Errors = "autoregressive",
    level: float = 0.95,
    power: float = 0.8,
    columns: Mapping[str, str] | None = None,
) -> InterruptedSeries:
    """Ask whether one series stepped or bent when the process changed (segmented regression).

    Parameters
    ----------
    series : list of numbers, pandas Series or table
        One figure for each period, evenly spaced, matured ones only; a table has ``value`` and ``on``.
    changed_on : date or int
        First period after the change: a day (a period that starts on it or later is after), or, where the
        series has no dates, a position.
    errors : {"autoregressive", "newey_west", "independent"}, default "autoregressive"
        How errors follow each other.
    level, power : float
        Of the intervals, and of the smallest visible effect.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    InterruptedSeries

    Raises
    ------
    InvalidInput
        If there are fewer than 3 values on either side, or an option cannot be meant.

    Notes
    -----
    ``y = level + trend t + step [t >= T] + bend (t - T) [t >= T] + e``. Autoregressive errors: generalised
    least squares at every autocorrelation, weighted by its restricted likelihood, so that not knowing the
    autocorrelation widens the intervals; at nominal 5 % false alarms stay at 2 to 8 % from 24 periods on,
    where Newey-West (lags ``4 (n / 100)^(2/9)``) raises 10 to 40 %.

    References
    ----------
    A. K. Wagner et al. (2002), "Segmented regression analysis of interrupted time series studies in
    medication use research".
    D. A. Harville (1977), "Maximum likelihood approaches to variance component estimation and to related
    problems".
    W. K. Newey, K. D. West (1987), "A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix".

    Examples
    --------
    >>> found = interrupted_series([3, 5, 4, 3, 4, 5, 8, 7, 9, 8, 7, 9], changed_on=6)
    >>> round(found.effect.estimate, 2)
    2.82
    """
    check_choice("errors", errors, ("autoregressive", "newey_west", "independent"))
    check_share("level", level)
    check_share("power", power)
    labels, values = read_series(series, columns=columns, minimum=6)
    n, change = len(values), _position(labels, changed_on)
    if not 3 <= change <= n - 3:
        raise refuse(
            "changed_on",
            f"leaves at least 3 of the {n} values on either side",
            f"{change} before, {n - change} after",
        )
    x = _regression.segments(n, change)
    average = np.array([0.0, 0.0, 1.0, (n - change - 1) / 2.0])
    wanted = np.vstack([np.eye(4), average])
    rho, coefficients, figures = _fit(values, x, wanted, errors, level)
    terms = tuple(
        Term(name=name, estimate=f[0], standard_error=f[1], lower=f[2], upper=f[3], p_value=f[4])
        for name, f in zip(_TERMS, figures, strict=True)
    )
    return InterruptedSeries(
        labels=labels,
        values=values,
        fitted=x @ coefficients,
        counterfactual=x[:, :2] @ coefficients[:2],
        change=change,
        terms=terms,
        autocorrelation=rho,
        errors=errors,
        smallest_visible=_kernels.smallest_visible(terms[-1].standard_error, n - 4.0, level, power),
        level=level,
        power=power,
    )


def _fit(
    values: Floats, x: Floats, wanted: Floats, errors: Errors, level: float
) -> tuple[float, Floats, list[tuple[float, ...]]]:
    """Fit the line; estimate, error, interval and p of each combination of coefficients that is wanted."""
    degrees = len(values) - 4.0
    if float(np.ptp(values - x @ np.linalg.lstsq(x, values, rcond=None)[0])) < 1e-12 * (1 + np.ptp(values)):
        exact: Floats = np.asarray(np.linalg.lstsq(x, values, rcond=None)[0], dtype=np.float64)
        noise = _EXACT * float(np.abs(values).max())
        sure = [float(row @ exact) for row in wanted]
        return 0.0, exact, [(x if abs(x) > noise else 0.0, *[math.nan] * 4) for x in sure]
    if errors == "autoregressive":
        rho, weight, found, covariance = _regression.autoregressive(values, x)
        figures = []
        for row in wanted:
            spread = np.sqrt(np.einsum("i,rij,j->r", row, covariance, row))
            figures.append(_regression.mixture(weight, found @ row, spread, degrees, level))
        mean: Floats = np.asarray(weight @ found, dtype=np.float64)
        return float(weight @ rho), mean, figures
    lags = 0 if errors == "independent" else max(int(4 * (len(values) / 100.0) ** (2.0 / 9.0)), 1)
    b, cov = _regression.least_squares(values, x, lags)
    reach = _kernels.reach(level, degrees)
    figures = []
    for row in wanted:
        value, error = float(row @ b), float(np.sqrt(row @ cov @ row))
        tail = _kernels.tail(value / error, degrees)
        figures.append((value, error, value - reach * error, value + reach * error, tail))
    return 0.0, b, figures


def _position(labels: tuple[Label, ...], changed_on: object) -> int:
    """Find the first period after the change."""
    if all(isinstance(label, dt.date) for label in labels):
        day = day_of("changed_on", changed_on)
        return sum(label < day for label in labels)  # type: ignore[operator]
    if isinstance(changed_on, bool) or not isinstance(changed_on, (int, np.integer)):
        hint = "a series without dates counts its values from 0; give dates in a column 'on'"
        raise refuse("changed_on", "is a position in the series", changed_on, hint=hint)
    return int(changed_on)
