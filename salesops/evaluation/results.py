"""What a comparison found: the effect, how sure that is, and what it could not have seen."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd

from salesops import _display
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.evaluation import _kernels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Cell", "Effect", "Placebo"]


@attrs.frozen(kw_only=True)
class Cell:
    """One side of a comparison.

    Parameters
    ----------
    name : str
        ``"before"``, ``"after"``, or these with the group in front.
    start, end : date
        Window of the rows, end excluded.
    n : int
        Rows.
    ended : int
        Rows that had ended as asked for, by the age that is compared; all rows for a plain mean.
    still_open : int
        Rows that were not seen to the end of that age.
    value : float
        The figure, NaN if it cannot be read.
    standard_error : float

    Examples
    --------
    >>> import datetime as dt
    >>> day = dt.date(2024, 1, 1)
    >>> cell = Cell(
    ...     name="before",
    ...     start=day,
    ...     end=day,
    ...     n=40,
    ...     ended=10,
    ...     still_open=3,
    ...     value=0.27,
    ...     standard_error=0.07,
    ... )
    >>> cell.value
    0.27
    """

    name: str
    start: dt.date
    end: dt.date
    n: int
    ended: int
    still_open: int
    value: float
    standard_error: float


@attrs.frozen(kw_only=True, repr=False)
class Effect:
    """What changed, how sure that is, and what could not have been seen.

    Parameters
    ----------
    method : str
        Name of the verb that made it.
    figure : str
        What was compared, in words.
    is_share : bool
        True if the figure is a share of one.
    cells : tuple of Cell
    estimate, lower, upper : float
        The effect and its interval; NaN with a `reason` if undefined.
    standard_error, degrees, p_value : float
        Of a two-sided t test that the effect is 0.
    smallest_visible : float
        The effect (in either direction) that such a comparison finds with chance `power`: the minimum
        detectable effect.
    level, power : float
    clusters : int
        Groups of rows that were taken to vary together.
    clustered_by : str
    set_aside : tuple of (str, int)
        Rows that take no part, by reason.
    trends : Effect or None
        The same comparison within the time before the change: 0 if the groups moved in parallel.
    reason : str or None
        Why there is no effect or no interval.
    notes : tuple of str

    Examples
    --------
    >>> from salesops import evaluation
    >>> rows = [
    ...     {"on": f"2024-0{month}-1{day}", "value": month + day}
    ...     for month in (1, 2, 3, 4)
    ...     for day in range(4)
    ... ]
    >>> effect = evaluation.before_after(rows, changed_on="2024-03-01", metric="mean", cluster=None)
    >>> effect
    Effect(mean value: +2, 95 % interval 0.596 to 3.4, p=0.00856)
    """

    method: str
    figure: str
    is_share: bool
    cells: tuple[Cell, ...]
    estimate: float
    lower: float
    upper: float
    standard_error: float
    degrees: float
    p_value: float
    smallest_visible: float
    level: float
    power: float
    clusters: int
    clustered_by: str
    set_aside: tuple[tuple[str, int], ...] = ()
    trends: Effect | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        if math.isnan(self.estimate):
            return f"Effect({self.figure}: undefined, {self.reason})"
        if math.isnan(self.standard_error):
            return f"Effect({self.figure}: {self._signed(self.estimate)}, no interval: {self.reason})"
        return (
            f"Effect({self.figure}: {self._signed(self.estimate)}, {self._interval()}, p={self.p_value:.3g})"
        )

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out 0; an undefined effect is not significant."""
        return bool(self.p_value < 1.0 - self.level)

    def _shown(self, value: float) -> str:
        return _display.percent(value) if self.is_share else _display.number(value, 3)

    def _signed(self, value: float) -> str:
        size = f"{100 * value:+.1f} points" if self.is_share else f"{value:+,.4g}"
        return "–" if math.isnan(value) else size

    def _interval(self) -> str:
        ends = (
            f"{100 * self.lower:+.1f} to {100 * self.upper:+.1f}"
            if self.is_share
            else f"{_display.number(self.lower, 3)} to {_display.number(self.upper, 3)}"
        )
        return f"{100 * self.level:g} % interval {ends}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each side, and the effect last.

        Returns
        -------
        DataFrame
            Columns name, start, end, n, ended, still_open, value, standard_error, lower, upper, p_value.

        Examples
        --------
        >>> from salesops import evaluation
        >>> rows = [{"on": f"2024-01-{day:02}", "value": day} for day in range(1, 11)]
        >>> effect = evaluation.before_after(rows, changed_on="2024-01-06", metric="mean", cluster=None)
        >>> effect.to_frame()[["name", "n", "value"]].values.tolist()
        [['before', 5, 3.0], ['after', 5, 8.0], ['effect', 10, 5.0]]
        """
        rows = [attrs.asdict(cell) for cell in self.cells]
        rows.append(
            {
                "name": "effect",
                "start": min((cell.start for cell in self.cells), default=None),
                "end": max((cell.end for cell in self.cells), default=None),
                "n": sum(cell.n for cell in self.cells),
                "ended": sum(cell.ended for cell in self.cells),
                "still_open": sum(cell.still_open for cell in self.cells),
                "value": self.estimate,
                "standard_error": self.standard_error,
                "lower": self.lower,
                "upper": self.upper,
                "p_value": self.p_value,
            }
        )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> rows = [{"on": f"2024-01-{day:02}", "value": day} for day in range(1, 11)]
        >>> evaluation.before_after(rows, changed_on="2024-01-06", metric="mean").to_dict()["estimate"]
        5.0
        """
        plain = {
            field.name: jsonable(getattr(self, field.name))
            for field in attrs.fields(type(self))
            if field.name not in ("cells", "trends", "set_aside")
        }
        return {
            "kind": "effect",
            "version": __version__,
            **plain,
            "cells": [jsonable(attrs.asdict(cell)) for cell in self.cells],
            "set_aside": dict(self.set_aside),
            "trends": None if self.trends is None else self.trends.to_dict(),
        }

    def explain(self) -> str:
        """Say in words what was found, how sure that is, and what would have gone unseen.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> rows = [{"on": f"2024-01-{day:02}", "value": day % 3} for day in range(1, 13)]
        >>> effect = evaluation.before_after(rows, changed_on="2024-01-07", metric="mean", cluster=None)
        >>> print(effect.explain())
        Mean value: before 1 (6 rows), after 1 (6 rows). The effect is +0 (95 % interval -1.15 to 1.15). That
        can well be chance: without any change, a difference this large or larger comes up in 100.0 % of such
        comparisons. The smallest effect that would have been found in 80 % of such comparisons is 1.605.
        """
        sides = ", ".join(
            f"{cell.name} {self._shown(cell.value)} ({cell.n:,} {'row' if cell.n == 1 else 'rows'})"
            for cell in self.cells
        )
        said = [f"{self.figure[:1].upper()}{self.figure[1:]}: {sides}."]
        if math.isnan(self.estimate):
            return f"{said[0]} The effect is undefined: {self.reason}."
        if math.isnan(self.standard_error):
            said.append(f"The effect is {self._signed(self.estimate)}; it has no interval: {self.reason}.")
            return " ".join(said)
        said.append(f"The effect is {self._signed(self.estimate)} ({self._interval()}).")
        verdict = "That is more than chance explains" if self.is_significant else "That can well be chance"
        said.append(
            f"{verdict}: without any change, a difference this large or larger comes up in "
            f"{_display.percent(self.p_value)} of such comparisons."
        )
        visible = self._signed(self.smallest_visible).lstrip("+")
        said.append(
            f"The smallest effect that would have been found in {100 * self.power:g} % of such comparisons "
            f"is {visible}."
        )
        if self.trends is not None:
            said.append(self._parallel(self.trends))
        return " ".join([*said, *self.notes])

    def _parallel(self, trends: Effect) -> str:
        if math.isnan(trends.p_value):
            return f"Whether the groups moved in parallel before cannot be tested: {trends.reason}."
        moved = f"by {trends._signed(trends.estimate)} (p={trends.p_value:.2g})"
        if trends.is_significant:
            return f"Already before the change the groups moved apart, {moved}: do not trust the effect."
        unseen = self._signed(trends.smallest_visible).lstrip("+")
        return (
            f"Before the change the groups moved apart {moved}, which chance explains; moving apart by less "
            f"than {unseen} would hardly have been seen."
        )

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {
            "effect": self._signed(self.estimate),
            f"{100 * self.level:g} % interval": (
                "–" if math.isnan(self.lower) else self._interval().partition("interval ")[2]
            ),
            "p-value": self.p_value,
            "smallest visible effect": self._signed(self.smallest_visible).lstrip("+"),
            "clusters": f"{self.clusters:,} ({self.clustered_by})",
            **{f"set aside: {reason}": n for reason, n in self.set_aside},
        }
        table = self.to_frame().drop(columns=["lower", "upper", "p_value"])
        title = f"{self.method.replace('_', ' ').capitalize()}: {self.figure}"
        return _display.html_card(title, facts, [("sides", table)], notes=[self.explain()])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each side with its interval, and the effect with what could not have been seen.

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
        >>> rows = [{"on": f"2024-01-{day:02}", "value": day} for day in range(1, 11)]
        >>> evaluation.before_after(rows, changed_on="2024-01-06", metric="mean").plot().get_xlabel()
        'mean value'
        """
        from salesops.evaluation import plot

        scale = 100.0 if self.is_share else 1.0
        reach = _kernels.normal_reach(self.level)
        shown = [
            plot.Side(
                name=cell.name,
                value=scale * cell.value,
                half=0.0 if math.isnan(cell.standard_error) else scale * reach * cell.standard_error,
                words=f"{self._shown(cell.value)}  (n = {cell.n:,})",
                is_new=cell.name.endswith("after"),
            )
            for cell in self.cells
        ]
        label = f"{self.figure}{', %' if self.is_share else ''}"
        return plot.sides(shown, label, repr(self)[7:-1].partition(": ")[2], ax=ax)


@attrs.frozen(kw_only=True, repr=False)
class Placebo:
    """The same comparison at dates on which nothing changed: how often it cries wolf on these data.

    Parameters
    ----------
    dates : tuple of date
    estimates, p_values : tuple of float
        NaN where the comparison was undefined.
    nominal : float
        Share of false alarms that the test promises.
    figure : str

    Examples
    --------
    >>> from salesops import evaluation
    >>> rows = [{"on": f"2024-01-{day:02}", "value": (day * 7) % 5} for day in range(1, 29)]
    >>> evaluation.placebo(rows, until="2024-01-29", metric="mean", n_dates=5)
    Placebo(0 of 5 dates alarm, 5 % promised)
    """

    dates: tuple[dt.date, ...]
    estimates: tuple[float, ...]
    p_values: tuple[float, ...]
    nominal: float
    figure: str

    def __repr__(self) -> str:
        return f"Placebo({self.alarms} of {self.n} dates alarm, {100 * self.nominal:.3g} % promised)"

    @property
    def n(self) -> int:
        """Dates at which the comparison was defined."""
        return sum(not math.isnan(p) for p in self.p_values)

    @property
    def alarms(self) -> int:
        """Dates at which the comparison found an effect that was not there."""
        return sum(p < self.nominal for p in self.p_values)

    @property
    def false_alarms(self) -> float:
        """Share of dates that alarm; NaN without any."""
        return self.alarms / self.n if self.n else math.nan

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each placebo date.

        Returns
        -------
        DataFrame
            Columns date, estimate, p_value, alarm.

        Examples
        --------
        >>> from salesops import evaluation
        >>> rows = [{"on": f"2024-01-{day:02}", "value": (day * 7) % 5} for day in range(1, 29)]
        >>> len(evaluation.placebo(rows, until="2024-01-29", metric="mean", n_dates=5).to_frame())
        5
        """
        return pd.DataFrame(
            {
                "date": list(self.dates),
                "estimate": list(self.estimates),
                "p_value": list(self.p_values),
                "alarm": [p < self.nominal for p in self.p_values],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the dates as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> rows = [{"on": f"2024-01-{day:02}", "value": (day * 7) % 5} for day in range(1, 29)]
        >>> evaluation.placebo(rows, until="2024-01-29", metric="mean", n_dates=5).to_dict()["alarms"]
        0
        """
        return {
            "kind": "placebo",
            "version": __version__,
            "figure": self.figure,
            "nominal": self.nominal,
            "n": self.n,
            "alarms": self.alarms,
            "dates": jsonable(self.to_frame()),
        }

    def explain(self) -> str:
        """Say in words how far the comparison can be trusted on these data.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> rows = [{"on": f"2024-01-{day:02}", "value": (day * 7) % 5} for day in range(1, 29)]
        >>> print(evaluation.placebo(rows, until="2024-01-29", metric="mean", n_dates=5).explain())
        At 5 dates on which nothing is known to have changed, the comparison of mean value found an effect
        at 0 (0.0 %, 5 % promised). ...
        """
        if not self.n:
            return "At none of the placebo dates was the comparison defined."
        text = (
            f"At {self.n} dates on which nothing is known to have changed, the comparison of {self.figure} "
            f"found an effect at {self.alarms} ({_display.percent(self.false_alarms)}, "
            f"{100 * self.nominal:.3g} % promised). Neighbouring dates share most of their rows, so their "
            "alarms come in runs."
        )
        if self.false_alarms > 2.0 * self.nominal:
            text += (
                " These data move on their own more than chance does: seasons, mix or drift. A plain "
                "comparison before and after proves nothing here; compare with a group that did not change."
            )
        return text

    def _repr_html_(self) -> str:
        facts = {"dates": self.n, "alarms": self.alarms, "share": _display.percent(self.false_alarms)}
        return _display.html_card(
            "Placebo dates", facts, [("dates", self.to_frame())], notes=[self.explain()]
        )
