"""A figure for each period of creation, read at one age, young periods left out until they have matured."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import pandas as pd

from salesops import _display
from salesops._faults import check_choice, count, refuse
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.evaluation import _kernels
from salesops.evaluation._contrast import Seen, as_date, describe
from salesops.evaluation._rows import Metric, Rows, check_share, read_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Cohort", "Cohorts", "cohorts"]

_DAY = np.timedelta64(1, "D")
_UNITS = {"week": 1, "month": 1, "quarter": 3}


@attrs.frozen(kw_only=True)
class Cohort:
    """The deals created in one period.

    Parameters
    ----------
    on : date
        First day of the period.
    n : int
        Deals.
    value, standard_error, lower, upper : float

    Examples
    --------
    >>> from salesops import evaluation
    >>> deals = [{"created_on": "2024-01-05", "closed_on": "2024-01-20", "outcome": "won"}]
    >>> evaluation.cohorts(deals, as_of="2024-06-30", age=30).rows[0].value
    1.0
    """

    on: dt.date
    n: int
    value: float
    standard_error: float
    lower: float
    upper: float


@attrs.frozen(kw_only=True, repr=False)
class Cohorts:
    """Matured periods of creation, from :func:`cohorts`.

    Parameters
    ----------
    figure : str
        What is told of each period, in words.
    is_share : bool
    rows : tuple of Cohort
        Matured periods, in order.
    young : tuple of (date, int)
        Periods whose deals have not all had the time, and how many they are: not in `rows`.
    age, level : float
    set_aside : tuple of (str, int)

    Examples
    --------
    >>> from salesops import evaluation
    >>> deals = [{"created_on": f"2024-0{m}-05", "outcome": "open"} for m in (1, 2, 3)]
    >>> deals += [{"created_on": "2024-01-05", "closed_on": "2024-01-20", "outcome": "won"}]
    >>> evaluation.cohorts(deals, as_of="2024-03-31", age=30)
    Cohorts(share won by day 30: 2 periods, 1 too young)
    """

    figure: str
    is_share: bool
    rows: tuple[Cohort, ...]
    young: tuple[tuple[dt.date, int], ...]
    age: float
    level: float
    set_aside: tuple[tuple[str, int], ...]

    def __repr__(self) -> str:
        return f"Cohorts({self.figure}: {count(len(self.rows), 'period')}, {len(self.young)} too young)"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each matured period: a series for the other verbs.

        Returns
        -------
        DataFrame
            Columns on, n, value, standard_error, lower, upper.

        Examples
        --------
        >>> from salesops import evaluation
        >>> deals = [{"created_on": "2024-01-05", "closed_on": "2024-01-20", "outcome": "won"}]
        >>> evaluation.cohorts(deals, as_of="2024-06-30", age=30).to_frame()["value"].tolist()
        [1.0]
        """
        names = [field.name for field in attrs.fields(Cohort)]
        return pd.DataFrame([attrs.asdict(row) for row in self.rows], columns=names)

    def to_dict(self) -> dict[str, Any]:
        """Return the periods as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> deals = [{"created_on": "2024-01-05", "closed_on": "2024-01-20", "outcome": "won"}]
        >>> evaluation.cohorts(deals, as_of="2024-06-30", age=30).to_dict()["age"]
        30.0
        """
        return {
            "kind": "cohorts",
            "version": __version__,
            "figure": self.figure,
            "age": self.age,
            "level": self.level,
            "young": [[on.isoformat(), n] for on, n in self.young],
            "set_aside": dict(self.set_aside),
            "rows": jsonable(self.to_frame()),
        }

    def explain(self) -> str:
        """Say in words what is compared, and what is left out.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> deals = [{"created_on": "2024-01-05", "closed_on": "2024-01-20", "outcome": "won"}]
        >>> print(evaluation.cohorts(deals, as_of="2024-01-31", age=30).explain())
        Share won by day 30, for 0 periods of creation. 1 period (1 deal) is left out: its deals have not all
        had 30 days yet.
        """
        text = (
            f"{self.figure[:1].upper()}{self.figure[1:]}, for {count(len(self.rows), 'period')} of creation."
        )
        if self.young:
            n = sum(deals for _, deals in self.young)
            one = len(self.young) == 1
            text += (
                f" {count(len(self.young), 'period')} ({count(n, 'deal')}) {'is' if one else 'are'} left "
                f"out: {'its' if one else 'their'} deals have not all had {self.age:g} days yet."
            )
        return text

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {"periods": len(self.rows), "too young": len(self.young), "age": self.age}
        table = self.to_frame()
        table["on"] = [on.isoformat() for on in table["on"]]
        title = f"Cohorts: {self.figure}"
        return _display.html_card(title, facts, [("matured periods", table)], notes=[self.explain()])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the figure of each matured period with its interval.

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
        >>> deals = [{"created_on": "2024-01-05", "closed_on": "2024-01-20", "outcome": "won"}]
        >>> evaluation.cohorts(deals, as_of="2024-06-30", age=30).plot().get_ylabel()
        'share won by day 30'
        """
        from salesops.evaluation import plot

        table = self.to_frame()
        band = (table["lower"].to_numpy(dtype=float), table["upper"].to_numpy(dtype=float))
        values = table["value"].to_numpy(dtype=float)
        return plot.periods(
            [row.on for row in self.rows], values, band, (self.figure, repr(self)[8:-1]), ax=ax
        )


def cohorts(
    deals: object,
    *,
    as_of: dt.date | str,
    age: float,
    every: Literal["week", "month", "quarter"] = "month",
    metric: Metric = "share",
    outcome: str = "won",
    observed_from: dt.date | str | None = None,
    level: float = 0.95,
    columns: Mapping[str, str] | None = None,
) -> Cohorts:
    """Tell a figure for each period of creation at one age, and leave out periods that have not matured.

    The result is a series for :func:`control_chart`, :func:`change_points` and :func:`interrupted_series`:
    every period in it has had the same time.

    Parameters
    ----------
    deals : table
        As for :func:`before_after`.
    as_of : date
        Day up to which the deals are known.
    age : float
        Age in days at which every period is read.
    every : {"week", "month", "quarter"}, default "month"
        Length of a period; weeks begin on Monday.
    metric : {"share", "amount", "days"}, default "share"
        As for :func:`before_after`.
    outcome, observed_from, columns
        As for :func:`before_after`.
    level : float, default 0.95
        Of the intervals.

    Returns
    -------
    Cohorts

    Raises
    ------
    InvalidInput
        If a row or an option cannot be meant.

    Examples
    --------
    >>> from salesops import datasets
    >>> deals = datasets.crm_sales().deals.dropna(subset=["created_on"])
    >>> found = cohorts(deals, as_of="2017-12-31", age=60, observed_from="2017-03-01")
    >>> found
    Cohorts(share won by day 60: 8 periods, 2 too young)
    """
    check_choice("every", every, tuple(_UNITS))
    check_choice("metric", metric, ("share", "amount", "days"))
    check_share("level", level)
    if isinstance(age, bool) or not isinstance(age, (int, float, np.number)) or not 0 < age < math.inf:
        raise refuse("age", "is a number of days above 0", age)
    rows = read_rows(
        deals,
        metric=metric,
        outcome=outcome,
        as_of=as_of,
        observed_from=observed_from,
        cluster=None,
        within=None,
        with_groups=False,
        columns=columns,
    )
    starts, ends, period = _periods(rows, every)
    matured = ends + np.timedelta64(math.ceil(age) - 1, "D") <= rows.as_of
    entry = np.zeros(len(rows.on))
    if rows.observed_from is not None:
        entry = np.maximum((rows.observed_from - rows.on) / _DAY, 0.0)
    seen = Seen(
        cell=period,
        stratum=np.zeros(len(period), dtype=np.int64),
        cluster=np.arange(len(period)),
        duration=(rows.end - rows.on) / _DAY,
        over=rows.ended,
        mark=rows.mark,
        entry=entry,
    )
    reach = _kernels.normal_reach(level)
    found = [
        _cohort(seen, np.flatnonzero(period == k), as_date(starts[k]), metric, float(age), reach)
        for k in np.flatnonzero(matured).tolist()
    ]
    unread = sum(row.n for row in found if math.isnan(row.value))
    return Cohorts(
        figure=describe(rows, float(age)),
        is_share=metric == "share",
        rows=tuple(row for row in found if not math.isnan(row.value)),
        young=tuple(
            (as_date(starts[k]), int((period == k).sum())) for k in np.flatnonzero(~matured).tolist()
        ),
        age=float(age),
        level=level,
        set_aside=rows.set_aside + ((("in periods not seen to the age", unread),) if unread else ()),
    )


def _periods(rows: Rows, every: str) -> tuple[Any, Any, Any]:
    """First day of each period, first day after it, and the period of each row."""
    if every == "week":
        code = (rows.on.astype("datetime64[D]").astype(np.int64) + 3) // 7
        found, period = np.unique(code, return_inverse=True)
        starts = (found * 7 - 3).astype("datetime64[D]")
        return starts, starts + np.timedelta64(7, "D"), period
    size = _UNITS[every]
    code = rows.on.astype("datetime64[M]").astype(np.int64) // size
    found, period = np.unique(code, return_inverse=True)
    months = [(found + k) * size for k in (0, 1)]
    starts, ends = (month.astype("datetime64[M]").astype("datetime64[D]") for month in months)
    return starts, ends, period


def _cohort(seen: Seen, mine: Any, on: dt.date, metric: str, age: float, reach: float) -> Cohort:
    value, influence = seen.read(mine, metric, age)
    error = math.sqrt(float((influence**2).sum())) if not math.isnan(value) else math.nan
    return Cohort(
        on=on,
        n=len(mine),
        value=value,
        standard_error=error,
        lower=max(value - reach * error, 0.0),
        upper=min(value + reach * error, 1.0) if metric == "share" else value + reach * error,
    )
