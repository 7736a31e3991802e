"""A forecast: the distribution of what will be won, for every unit of the hierarchy and every deal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd

from salesops import _display
from salesops._calendar import day_of
from salesops._faults import closest, refuse
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _forecast_plot, _waterfall
from salesops.forecast._arrays import label_column
from salesops.forecast.distribution import Distribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Forecast"]

Unit = tuple[str, Hashable]

_COMPANY: Unit = ("company", None)
_QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
_COLUMNS = ["level", "unit", "mean", "variance", *(f"q{1000 * q:g}" for q in _QUANTILES)]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Forecast:
    """What will be won after a day and up to another, for the company, its units and its deals.

    Attributes
    ----------
    as_of : date
        The day of the snapshot: the last day that was visible.
    until : date
        The last day that counts. The forecast is of what is won after `as_of` and up to this day.
    distributions : mapping
        ``{(level, unit): Distribution}``; the company is ``("company", None)``.
    table : DataFrame or None
        One row for each open deal: deal_id, the columns of its units, amount, probability, mean and what
        they rest on.
    closed : DataFrame or None
        Deals that had ended by `as_of`: deal_id, outcome, closed_on, amount; for :meth:`waterfall`.
    notes : tuple of str
        What could not be learnt and what was done instead.
    details : mapping
        What the model says about itself, as tables.

    Examples
    --------
    >>> from salesops import forecast
    >>> anna = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
    >>> fc = forecast.Forecast.from_distributions(
    ...     "2024-03-31", "2024-04-30", {("company", None): anna, ("rep", "anna"): anna}
    ... )
    >>> fc
    Forecast(2024-03-31 to 2024-04-30, mean 150, 80 % 0 to 300)
    >>> fc.at("rep", "anna").mean
    150.0
    """

    as_of: dt.date
    until: dt.date
    distributions: Mapping[Unit, Distribution]
    table: pd.DataFrame | None = None
    closed: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, pd.DataFrame] = attrs.field(factory=dict)

    @classmethod
    def from_distributions(
        cls, as_of: object, until: object, distributions: Mapping[Unit, Distribution]
    ) -> Forecast:
        """Make a forecast from the distribution of each unit.

        Parameters
        ----------
        as_of, until : date or ISO text
            The last day that was visible, and the last day that counts.
        distributions : mapping
            ``{(level, unit): Distribution}``, with ``("company", None)`` among them.

        Returns
        -------
        Forecast

        Raises
        ------
        InvalidInput
            If the days are in the wrong order, the company is missing, or a value is no distribution.

        Examples
        --------
        >>> from salesops import forecast
        >>> flat = forecast.Distribution.from_samples([90.0, 110.0])
        >>> forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): flat}).mean
        100.0
        """
        first, last = day_of("as_of", as_of), day_of("until", until)
        if last <= first:
            raise refuse("until", "is a day after as_of", f"{last}, as_of {first}")
        if not isinstance(distributions, Mapping):
            raise refuse("distributions", "is a mapping of units to distributions", distributions)
        for unit, law in distributions.items():
            if not (isinstance(unit, tuple) and len(unit) == 2 and isinstance(unit[0], str)):
                raise refuse("distributions", "a unit is written (level, unit)", unit)
            if not isinstance(law, Distribution):
                raise refuse("distributions", "gives each unit its Distribution", law)
        if _COMPANY not in distributions:
            raise refuse("distributions", "holds the company: ('company', None)", tuple(distributions))
        return cls(as_of=first, until=last, distributions=dict(distributions))

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of the hierarchy, from the company down."""
        return tuple(dict.fromkeys(level for level, _ in self.distributions))

    def units(self, level: str) -> tuple[Hashable, ...]:
        """List the units of a level.

        Parameters
        ----------
        level : str

        Returns
        -------
        tuple of hashable

        Raises
        ------
        InvalidInput
            If there is no such level.

        Examples
        --------
        >>> from salesops import forecast
        >>> flat = forecast.Distribution.from_samples([100.0])
        >>> fc = forecast.Forecast.from_distributions(
        ...     "2024-01-31", "2024-02-29", {("company", None): flat, ("rep", "anna"): flat}
        ... )
        >>> fc.units("rep")
        ('anna',)
        """
        found = tuple(unit for name, unit in self.distributions if name == level)
        if not found:
            raise _unknown("level", level, self.levels)
        return found

    def at(self, level: str = "company", unit: Hashable = None) -> Distribution:
        """Take the distribution of one unit.

        Parameters
        ----------
        level : str, default "company"
        unit : hashable, optional
            None for the company.

        Returns
        -------
        Distribution

        Raises
        ------
        InvalidInput
            If there is no such level or unit.

        Examples
        --------
        >>> from salesops import forecast
        >>> flat = forecast.Distribution.from_samples([100.0])
        >>> forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): flat}).at()
        Distribution(mean 100, 80 % 100 to 100)
        """
        units = self.units(level)
        if unit not in units:
            raise _unknown("unit", unit, units)
        return self.distributions[level, unit]

    @property
    def mean(self) -> float:
        """Expected amount won by the company."""
        return self.distributions[_COMPANY].mean

    @property
    def variance(self) -> float:
        """Variance of the amount won by the company."""
        return self.distributions[_COMPANY].variance

    def quantile(self, q: Any) -> Any:
        """Give the smallest company total whose cumulative probability is at least q.

        Parameters
        ----------
        q : float or array-like
            Between 0 and 1.

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.quantile(0.5)
        100.0
        """
        return self.distributions[_COMPANY].quantile(q)

    def interval(self, level: float = 0.8) -> tuple[float, float]:
        """Give the central interval of the company total.

        Parameters
        ----------
        level : float, default 0.8

        Returns
        -------
        tuple of float

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.interval(0.8)
        (0.0, 300.0)
        """
        return self.distributions[_COMPANY].interval(level)

    def probability_of(self, target: Any) -> Any:
        """Give the probability that the company wins `target` or more.

        Parameters
        ----------
        target : float or array-like

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.probability_of(200)
        0.5
        """
        return self.distributions[_COMPANY].probability_of(target)

    def deals(self) -> pd.DataFrame:
        """Return one row for each open deal.

        Returns
        -------
        DataFrame
            deal_id, its units, amount, probability of being won by `until`, mean, and what they rest on.
            Empty for a forecast without deals.

        Examples
        --------
        >>> from salesops import forecast
        >>> flat = forecast.Distribution.from_samples([100.0])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): flat})
        >>> len(fc.deals())
        0
        """
        if self.table is None:
            return pd.DataFrame({name: [] for name in ("deal_id", "amount", "probability", "mean")})
        return self.table.copy()

    def without(self, deal: Hashable) -> Forecast:
        """Forecast as if one open deal were not there.

        Parameters
        ----------
        deal : hashable
            Its deal_id.

        Returns
        -------
        Forecast
            The deal's factor is divided out of the company and of each of its units.

        Raises
        ------
        InvalidInput
            If the deal is not open in this forecast.

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200], deals=["a", "b"])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.without("b").mean
        50.0
        """
        if self.distributions[_COMPANY].place(deal) is None:
            raise _unknown("deal", deal, self.distributions[_COMPANY].deals or ())
        rest = {
            unit: law if law.place(deal) is None else law.without(deal)
            for unit, law in self.distributions.items()
        }
        table = self.table
        if table is not None:
            kept = np.array([name != deal for name in table["deal_id"].tolist()], dtype=bool)
            table = table[kept].reset_index(drop=True)
        return attrs.evolve(self, distributions=rest, table=table)

    def explain(self, deal: Hashable = None) -> str:
        """Say in words why a deal has its probability, or what the company's forecast is made of.

        Parameters
        ----------
        deal : hashable, optional
            A deal_id; the company when left out.

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If the deal is not open in this forecast.

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200], deals=["a", "b"])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.explain()
        '2024-01-31 to 2024-02-29: 2 deals; mean 150; every total listed'
        """
        if deal is None:
            whole = self.distributions[_COMPANY].explain()
            return "; ".join([f"{self.as_of} to {self.until}: {whole}", *self.notes])
        names = [] if self.table is None else self.table["deal_id"].tolist()
        if deal not in names or self.table is None:
            raise _unknown("deal", deal, names)
        row = self.table.iloc[names.index(deal)]
        words = [f"deal {show(deal)}: P(won by {self.until}) {_display.percent(row['probability'])}"]
        words.append(f"amount {_display.number(row['amount'])}, mean {_display.number(row['mean'])}")
        if "reason" in row.index:
            words.append(str(row["reason"]))
        return "; ".join(words)

    def waterfall(self, previous: Forecast) -> pd.DataFrame:
        """Say what moved the company's total since an earlier forecast.

        Parameters
        ----------
        previous : Forecast
            An earlier forecast of the same model; best one up to the same last day.

        Returns
        -------
        DataFrame
            Columns part and amount: previous, created, won, lost, pushed, amount changed, model, now. The
            parts between add up to the difference. "now" counts what was won since the earlier forecast.
            created is less the new business that had been expected for that time; pushed is what deals that
            are still open have gained or lost; model is the rest: what was learnt meanwhile, and days that
            one forecast counts and the other does not.

        Raises
        ------
        InvalidInput
            If one of the two does not know its deals, or `previous` is the later one.

        Examples
        --------
        >>> from salesops import forecast
        >>> flat = forecast.Distribution.from_samples([100.0])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): flat})
        >>> fc.waterfall(fc)
        Traceback (most recent call last):
        salesops.errors.InvalidInput: previous: 1 problem
        - previous: a waterfall needs forecasts that know their deals (Forecast(2024-01-31 to ...
        """
        if not isinstance(previous, Forecast) or previous.as_of > self.as_of:
            raise refuse("previous", "is an earlier forecast", previous)
        if previous.table is None or self.table is None or self.closed is None:
            raise refuse("previous", "a waterfall needs forecasts that know their deals", previous)
        return _waterfall.parts(
            (previous.table, previous.mean, previous.as_of), (self.table, self.mean), self.closed
        )

    @cached_property
    def _units_table(self) -> pd.DataFrame:
        rows = []
        for (level, unit), law in self.distributions.items():
            rows.append([level, unit, law.mean, law.variance, *law.quantile(_QUANTILES).tolist()])
        columns = list(zip(*rows, strict=True))
        frame = {name: column for name, column in zip(_COLUMNS, columns, strict=True) if name != "unit"}
        table = pd.DataFrame(frame)
        table.insert(1, "unit", label_column(columns[1]))
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each unit.

        Returns
        -------
        DataFrame
            Columns level, unit, mean, variance and quantiles q25 (2.5 %), q100 (10 %), q500, q900, q975.

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.to_frame()[["level", "mean", "q500"]].values.tolist()
        [['company', 150.0, 100.0]]
        """
        return self._units_table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> flat = forecast.Distribution.from_samples([100.0])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): flat})
        >>> fc.to_dict()["until"]
        '2024-02-29'
        """
        return {
            "kind": "forecast",
            "version": __version__,
            "as_of": self.as_of.isoformat(),
            "until": self.until.isoformat(),
            "units": jsonable(self.to_frame()),
            "deals": jsonable(self.deals()),
            "notes": list(self.notes),
        }

    def plot(self, *, target: float | None = None, ax: Axes | None = None) -> Axes:
        """Draw the probability that the company reaches each total.

        Parameters
        ----------
        target : float, optional
            A total to mark.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Axes

        Examples
        --------
        >>> from salesops import forecast
        >>> two = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): two})
        >>> fc.plot(target=200).get_ylabel()
        'probability of reaching it'
        """
        drawn = self.distributions[_COMPANY].plot(target=target, ax=ax)
        drawn.set_title(f"Won after {self.as_of} up to {self.until}", loc="left", fontsize=11)
        drawn.set_xlabel("amount won")
        return drawn

    def plot_fan(
        self,
        *others: Forecast,
        since: object = None,
        target: float | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the company's running total: what was won so far, and the fan of what is to come.

        Parameters
        ----------
        *others : Forecast
            Forecasts of the same day with other horizons; the fan passes through the last day of each.
        since : date or ISO text, optional
            What was won after this day counts as won so far: for a quarter's total, the last day of the
            quarter before. Default: as many days before `as_of` as the longest forecast has after it.
        target : float, optional
            A running total to mark.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Axes
            Bands of 50, 80 and 95 %, and the mean. The fan of forecasts that do not know their deals
            starts at 0. Won deals of unknown amount are in no total; a warning names them, the legend counts
            them.

        Raises
        ------
        InvalidInput
            If another forecast is of another day, or `since` is not before `as_of`.

        Examples
        --------
        >>> from salesops import forecast
        >>> law = forecast.Distribution.of_deals([0.5, 0.5], [100, 200])
        >>> fc = forecast.Forecast.from_distributions("2024-01-31", "2024-02-29", {("company", None): law})
        >>> fc.plot_fan(target=120).get_ylabel()
        'amount won, running total'
        """
        for other in others:
            if not isinstance(other, Forecast) or other.as_of != self.as_of:
                raise refuse("others", f"are forecasts as of {self.as_of}", other)
        laws = {fc.until: fc.distributions[_COMPANY] for fc in (*others, self)}
        begin = self.as_of - (max(laws) - self.as_of) if since is None else day_of("since", since)
        if begin >= self.as_of:
            raise refuse("since", f"is before {self.as_of}, the day of the forecast", since)
        return _forecast_plot.fan(self.closed, laws, begin, self.as_of, target=target, ax=ax)

    def plot_waterfall(self, previous: Forecast, *, ax: Axes | None = None) -> Axes:
        """Draw what moved the company's total since an earlier forecast.

        Parameters
        ----------
        previous : Forecast
            As in :meth:`waterfall`.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Axes

        Raises
        ------
        InvalidInput
            If one of the two does not know its deals, or `previous` is the later one.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> crm = datasets.crm_sales()
        >>> history = forecast.History.from_deals(crm.deals)
        >>> earlier, later = (
        ...     forecast.PipelineForecaster().fit(history, as_of=day).predict(horizon="2017-10-31")
        ...     for day in ("2017-08-31", "2017-09-30")
        ... )
        >>> later.plot_waterfall(earlier).get_ylabel()
        'amount'
        """
        table = self.waterfall(previous)
        title = f"What moved the forecast up to {self.until}, from {previous.as_of} to {self.as_of}"
        return _forecast_plot.waterfall(table, title, ax=ax)

    def __repr__(self) -> str:
        low, high = (_display.number(end) for end in self.interval(0.8))
        mean = _display.number(self.mean)
        return f"Forecast({self.as_of} to {self.until}, mean {mean}, 80 % {low} to {high})"

    def _repr_html_(self) -> str:
        low, high = (_display.number(end) for end in self.interval(0.8))
        facts = {
            "known as of": self.as_of,
            "counts up to": self.until,
            "expected": self.mean,
            "80 % interval": f"{low} to {high}",
        }
        shown = {f"q{1000 * q:g}": f"{100 * q:g} %" for q in _QUANTILES} | {"q500": "median"}
        units = self._units_table.drop(columns="variance").rename(columns=shown)
        return _display.html_card("Forecast of what is won", facts, [("units", units)], notes=self.notes)


def _unknown(what: str, value: Hashable, known: Any) -> InvalidInput:
    listed = [show(name) for name in list(known)[:12]]
    fault = Problem(
        path=what,
        message="is not in this forecast",
        values=(show(value),),
        hint=f"there are {', '.join(listed) or 'none'}",
        suggestions=closest(value, known),
    )
    return InvalidInput(f"{what}: 1 problem", [fault])
