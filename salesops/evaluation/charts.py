"""Control charts: which figures are more than the usual ups and downs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import check_choice, count, refuse
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.evaluation._series import Label, label_text, read_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ControlChart", "Signal", "control_chart"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_D2 = 1.128
_D4 = 3.267
_RULES: dict[str, tuple[str, int, int, float]] = {
    # name: what it says, how many of how many points, sigmas away
    "beyond limits": ("a point beyond three sigma", 1, 1, 3.0),
    "two of three": ("two of three points beyond two sigma on one side", 2, 3, 2.0),
    "four of five": ("four of five points beyond one sigma on one side", 4, 5, 1.0),
    "eight on one side": ("eight points in a row on one side of the centre", 8, 8, 0.0),
    "nine on one side": ("nine points in a row on one side of the centre", 9, 9, 0.0),
    "six in a trend": ("six points in a row, each above (or each below) the one before", 6, 6, 0.0),
    "fourteen alternating": ("fourteen points in a row that go up and down in turn", 14, 14, 0.0),
    "fifteen close": ("fifteen points in a row within one sigma", 15, 15, 1.0),
    "eight far": ("eight points in a row beyond one sigma, on either side", 8, 8, 1.0),
}
_SETS = {
    "western_electric": ("beyond limits", "two of three", "four of five", "eight on one side"),
    "nelson": (
        "beyond limits",
        "nine on one side",
        "six in a trend",
        "fourteen alternating",
        "two of three",
        "four of five",
        "fifteen close",
        "eight far",
    ),
}


@attrs.frozen(kw_only=True)
class Signal:
    """A stretch of points that a rule points at.

    Parameters
    ----------
    rule : str
        Name of the rule.
    meaning : str
        What it looks for.
    first, last : int
        Positions of the first and the last point of the stretch.
    label : str
        Period of the last point.

    Examples
    --------
    >>> from salesops import evaluation
    >>> evaluation.control_chart([5, 6, 5, 6, 5, 6, 19]).signals[0].rule
    'beyond limits'
    """

    rule: str
    meaning: str
    first: int
    last: int
    label: str


@attrs.frozen(kw_only=True, repr=False)
class ControlChart:
    """A series against its own usual ups and downs (XmR), from :func:`control_chart`.

    Parameters
    ----------
    labels : tuple
        Period of each value.
    values : ndarray of float, shape (n,)
    center, lcl, ucl : float
        Mean of the baseline, and the limits three sigma away.
    mean_moving_range, range_limit : float
        Mean step from one value to the next, and the largest usual one.
    n_baseline : int
        Values, from the first on, that set the limits.
    signals : tuple of Signal
    rules : tuple of str

    Examples
    --------
    >>> from salesops import evaluation
    >>> evaluation.control_chart([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    ControlChart(50.81, limits 45.82 to 55.8, no signals)
    """

    labels: tuple[Label, ...]
    values: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    center: float
    lcl: float
    ucl: float
    mean_moving_range: float
    range_limit: float
    n_baseline: int
    signals: tuple[Signal, ...]
    rules: tuple[str, ...]

    def __repr__(self) -> str:
        shown = [_display.number(value) for value in (self.center, self.lcl, self.ucl)]
        found = count(len(self.signals), "signal") if self.signals else "no signals"
        return f"ControlChart({shown[0]}, limits {shown[1]} to {shown[2]}, {found})"

    @property
    def sigma(self) -> float:
        """Usual spread of single values, from the mean moving range."""
        return self.mean_moving_range / _D2

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each value.

        Returns
        -------
        DataFrame
            Columns period, value, moving_range, center, lcl, ucl, signals (names of rules, or empty).

        Examples
        --------
        >>> from salesops import evaluation
        >>> evaluation.control_chart([5, 6, 5, 6, 5, 6, 19]).to_frame()["signals"].tolist()[-1]
        'beyond limits'
        """
        named: list[list[str]] = [[] for _ in self.labels]
        for signal in self.signals:
            for k in range(signal.first, signal.last + 1):
                named[k].append(signal.rule)
        return pd.DataFrame(
            {
                "period": list(self.labels),
                "value": self.values,
                "moving_range": np.concatenate([[np.nan], np.abs(np.diff(self.values))]),
                "center": self.center,
                "lcl": self.lcl,
                "ucl": self.ucl,
                "signals": [", ".join(dict.fromkeys(rules)) for rules in named],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the chart as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> evaluation.control_chart([5, 6, 5, 6]).to_dict()["center"]
        5.5
        """
        return {
            "kind": "control_chart",
            "version": __version__,
            "center": self.center,
            "lcl": self.lcl,
            "ucl": self.ucl,
            "mean_moving_range": self.mean_moving_range,
            "range_limit": self.range_limit,
            "n_baseline": self.n_baseline,
            "rules": list(self.rules),
            "signals": [attrs.asdict(signal) for signal in self.signals],
            "values": jsonable(self.to_frame()),
        }

    def explain(self) -> str:
        """Say in words what stands out, and what is only noise.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> print(evaluation.control_chart([5, 6, 5, 6, 5, 6, 5]).explain())
        The figure goes up and down around 5.43, usually between 2.77 and 8.09. No rule points at any of the
        7 values: these ups and downs are the process as it is, and asking why about one of them is asking
        about noise.
        """
        usual = (
            f"The figure goes up and down around {_display.number(self.center, 3)}, usually between "
            f"{_display.number(self.lcl, 3)} and {_display.number(self.ucl, 3)}."
        )
        if not self.signals:
            return (
                f"{usual} No rule points at any of the {len(self.values)} values: these ups and downs are "
                "the process as it is, and asking why about one of them is asking about noise."
            )
        found = "; ".join(f"{signal.meaning} ({self._span(signal)})" for signal in self.signals[:8])
        more = len(self.signals) - 8
        return f"{usual} Something changed: {found}{f'; and {more} more' if more > 0 else ''}."

    def _span(self, signal: Signal) -> str:
        first = label_text(self.labels[signal.first])
        return signal.label if signal.first == signal.last else f"{first} to {signal.label}"

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {
            "centre": self.center,
            "limits": f"{_display.number(self.lcl)} to {_display.number(self.ucl)}",
            "mean moving range": self.mean_moving_range,
            "signals": len(self.signals),
        }
        table = self.to_frame().drop(columns=["center", "lcl", "ucl"])
        table["period"] = [label_text(label) for label in self.labels]
        return _display.html_card("Control chart", facts, [("values", table)], notes=[self.explain()])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the values between their limits, with what the rules point at.

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
        >>> evaluation.control_chart([5, 6, 5, 6]).plot().get_ylabel()
        'value'
        """
        from salesops.evaluation import plot

        marked = sorted({k for s in self.signals for k in range(s.first, s.last + 1)})
        return plot.chart(
            self.labels, self.values, (self.center, self.lcl, self.ucl), marked, repr(self)[13:-1], ax=ax
        )


def control_chart(
    series: object,
    *,
    rules: Literal["western_electric", "nelson"] | Sequence[str] = "western_electric",
    baseline: int | None = None,
    columns: Mapping[str, str] | None = None,
) -> ControlChart:
    """Tell signals from noise in a series of figures, one for each period (XmR chart).

    Parameters
    ----------
    series : list of numbers, pandas Series or table
        A table has ``value`` and, if its rows are not in order, ``on``. Give only periods that have matured:
        :func:`cohorts` makes such a series of deals.
    rules : {"western_electric", "nelson"} or sequence of str, default "western_electric"
        A set of rules, or names of single ones: ``"beyond limits"``, ``"two of three"``, ``"four of five"``,
        ``"eight on one side"``, ``"nine on one side"``, ``"six in a trend"``, ``"fourteen alternating"``,
        ``"fifteen close"``, ``"eight far"``.
    baseline : int, optional
        Set the limits by this many first values, such as those before a change; default: by all.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    ControlChart

    Raises
    ------
    InvalidInput
        If there are fewer than two values, or one is not a number, or a rule is unknown.

    Notes
    -----
    Limits are ``mean ± 3 mean moving range / 1.128``. A point on a limit or on the centre is not beyond it.
    Every further rule sees smaller changes and adds false alarms: on steady normal values the first rule
    alone raises one in 370 values, the four Western Electric rules one in about 92.

    References
    ----------
    W. A. Shewhart (1931), "Economic Control of Quality of Manufactured Product".
    Western Electric Company (1956), "Statistical Quality Control Handbook".
    L. S. Nelson (1984), "The Shewhart control chart: tests for special causes".
    D. J. Wheeler (1993), "Understanding Variation".
    C. W. Champ, W. H. Woodall (1987), "Exact results for Shewhart control charts with supplementary runs
    rules".

    Examples
    --------
    >>> weeks = [12, 14, 11, 13, 12, 15, 13, 12, 24]
    >>> control_chart(weeks, baseline=8).signals[0].label
    '8'
    """
    if isinstance(rules, str):
        check_choice("rules", rules, tuple(_SETS))
        names = _SETS[rules]
    else:
        names = tuple(rules)
        for name in names:
            check_choice("rules", name, tuple(_RULES))
    labels, values = read_series(series, columns=columns, minimum=2)
    n = len(values) if baseline is None else baseline
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 2 <= n <= len(values):
        raise refuse("baseline", f"is a whole number of values, 2 to {len(values)}", baseline)
    center = float(values[:n].mean())
    step = float(np.abs(np.diff(values[:n])).mean())
    sigma = step / _D2
    return ControlChart(
        labels=labels,
        values=values,
        center=center,
        lcl=center - 3.0 * sigma,
        ucl=center + 3.0 * sigma,
        mean_moving_range=step,
        range_limit=_D4 * step,
        n_baseline=int(n),
        signals=tuple(_signals(values - center, sigma, names, labels)),
        rules=names,
    )


def _signals(off: Floats, sigma: float, names: Sequence[str], labels: Sequence[Label]) -> list[Signal]:
    """Find each stretch that a rule points at; ones of a rule and side that overlap or touch are one."""
    found: list[Signal] = []
    for name in names:
        meaning, _, _, _ = _RULES[name]
        for first, last in _stretches(off, sigma, name):
            found.append(
                Signal(rule=name, meaning=meaning, first=first, last=last, label=label_text(labels[last]))
            )
    return found


def _stretches(off: Floats, sigma: float, name: str) -> list[tuple[int, int]]:
    _, needed, width, away = _RULES[name]
    if name == "six in a trend":
        steps = np.sign(np.diff(off))
        return _merged([(k, k + 5) for side in (1.0, -1.0) for k in _full(steps == side, 5)])
    if name == "fourteen alternating":
        steps = np.sign(np.diff(off))
        return _merged([(k, k + 13) for k in _full(steps[1:] * steps[:-1] < 0, 12)])
    if name == "fifteen close":
        inside = (np.abs(off) < sigma) if sigma > 0 else np.zeros(len(off), dtype=bool)
        return _merged([(k, k + 14) for k in _full(inside, 15)])
    if name == "eight far":
        return _merged([(k, k + 7) for k in _full(np.abs(off) > sigma, 8)])
    found = []
    for beyond in (off > away * sigma, off < -away * sigma):
        spots = [
            (k, k + width - 1)
            for k in range(len(off) - width + 1)
            if beyond[k : k + width].sum() >= needed and beyond[k + width - 1]
        ]
        trimmed = [(k + int(np.argmax(beyond[k : last + 1])), last) for k, last in spots]
        found.extend(_merged(trimmed))
    return sorted(found)


def _full(flags: npt.NDArray[np.bool_], width: int) -> Ints:
    """Find starts of windows in which every flag is set."""
    total = np.concatenate([[0], np.cumsum(flags)])
    return (
        np.flatnonzero(total[width:] - total[:-width] == width) if len(flags) >= width else np.empty(0, int)
    )


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that overlap or touch."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((int(first), int(last)))
    return joined
