"""Simple rules that every forecast has to beat, with honest distributions: their own past errors."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from salesops._calendar.spans import add_months
from salesops._faults import refuse
from salesops.errors import InvalidInput, Problem
from salesops.forecast import _carried
from salesops.forecast._asked import asked
from salesops.forecast._carried import Carried
from salesops.forecast.distribution import Distribution
from salesops.forecast.forecasting import Forecast
from salesops.forecast.history import History

__all__ = ["LastPeriod", "SamePeriodLastYear", "StageWeighted", "TrailingMean"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MOST_ERRORS = 104
_FEWEST_ERRORS = 3


def _as_levels(given: Any) -> Any:
    """Hold a list of names as a tuple; anything else is judged where the columns are known."""
    return tuple(given) if isinstance(given, list) else given


@attrs.frozen(kw_only=True, repr=False)
class _Rule:
    """What the rules share: fit keeps the snapshot, predict adds past errors to what the rule says."""

    levels: tuple[str, ...] | None = attrs.field(default=None, converter=_as_levels)
    as_of: dt.date | None = attrs.field(default=None, init=False, eq=False)
    log: Carried | None = attrs.field(default=None, init=False, eq=False)

    def __repr__(self) -> str:
        """Show the settings, and the day it was fitted on."""
        own = [field for field in attrs.fields(type(self)) if field.init and field.name != "levels"]
        told = [f"{field.name}={getattr(self, field.name)!r}" for field in own]
        told += [] if self.as_of is None else [f"as_of={self.as_of}"]
        return f"{type(self).__name__}({', '.join(told)})"

    def fit(self, history: History, *, as_of: object = None) -> Self:
        """Keep what was known on a day.

        Parameters
        ----------
        history : History
            Only its snapshot of `as_of` is read.
        as_of : date or ISO text, optional
            Default: the day of the snapshot that is given.

        Returns
        -------
        The same rule, fitted.

        Raises
        ------
        InvalidInput
            If no day is given, or the history has no event by that day, no amounts, or negative ones.
        """
        snapshot = _carried.seen(history, as_of)
        if not len(snapshot):
            raise refuse("history", "holds no event by as_of", str(snapshot.as_of))
        fitted = attrs.evolve(self)
        log = _carried.carried(snapshot, _carried.present(snapshot, self.levels))
        object.__setattr__(fitted, "as_of", snapshot.as_of)
        object.__setattr__(fitted, "log", log)
        return fitted

    def predict(self, open_deals: object = None, *, horizon: object) -> Forecast:
        """Say how much will be won from the day after the fit to the end of the horizon.

        Parameters
        ----------
        open_deals : sequence of ids, table or History, optional
            The open deals to count, as in :meth:`PipelineModel.predict`, of a rule that looks at open deals;
            the others look at what was won alone. All when left out.
        horizon : int, str or date
            Days, "28D", or the last day.

        Returns
        -------
        Forecast
            Of the company and of each unit of the levels.

        Raises
        ------
        InvalidInput
            If the rule was not fitted, its history is too short, or a deal is not open in the snapshot.
        """
        if self.log is None or self.as_of is None:
            raise refuse("model", "must be fitted first", type(self).__name__, hint="model.fit(history)")
        days = _carried.days_ahead(self.as_of, horizon)
        wanted = asked(open_deals)
        standing = self.log.open_on(_carried.number_of(self.as_of), wanted)
        made = {}
        for level in self.log.levels:
            said, errors = self._said(level, days, standing)
            for k, unit in enumerate(level.units):
                values = np.sort(np.maximum(said[k] + errors[k], 0.0))
                made[(level.name, unit)] = Distribution.from_samples(values)
        until = self.as_of + dt.timedelta(days=days)
        return Forecast.from_distributions(self.as_of, until, made)

    def _said(self, level: _carried.Level, days: int, _standing: Mask) -> tuple[Floats, Floats]:
        """Give what the rule says for each unit, and the errors it made, shape (n_units, n_errors)."""
        told = f"{type(self).__name__}, {level.name}, {days} days"
        raise refuse("model", "is no rule by itself", told)

    def _origins(self, days: int, reach: int) -> Ints:
        """Days on which the rule could have been used and judged by now, latest first.

        They stand a week apart, or a quarter of a shorter horizon; the rule looks `reach` days back.
        """
        now = _carried.number_of(_day(self.as_of))
        first = _log(self.log).first_day - 1 + reach
        origins = np.arange(now - days, first - 1, -min(7, max(1, days // 4)))[:_MOST_ERRORS]
        return origins.astype(np.int64)

    def _judged(self, days: int) -> tuple[Ints, int]:
        """Find origins by which to judge a rule that looks one period back, and the length of their periods.

        A log too short for enough of them is judged by halves of the horizon, quarters and so on.
        """
        length = days
        while len(origins := self._origins(length, length)) < _FEWEST_ERRORS and length > 7:
            length = max(length // 2, 7)
        self._enough(len(origins), f"needs {2 * min(days, 7)} days and more")
        return origins, length

    def _covers(self, spare: int, days: int) -> None:
        """Refuse a horizon longer than what is known."""
        if spare < 0:
            self._enough(0, f"needs {days} days and more")

    def _enough(self, n_errors: int, needed: str) -> None:
        if n_errors < _FEWEST_ERRORS:
            fault = Problem(
                path="history",
                message=f"is too short: a rule needs {_FEWEST_ERRORS} past forecasts to know its errors",
                values=(f"{n_errors} matured", needed),
            )
            raise InvalidInput("history: 1 problem", [fault])


def _day(day: dt.date | None) -> dt.date:
    return dt.date.min if day is None else day


def _log(log: Carried | None) -> Carried:
    if log is None:
        raise refuse("model", "must be fitted first", None)
    return log


class _Totals:
    """Amount won by each unit up to each day, so that any window is one difference."""

    def __init__(self, log: Carried, level: _carried.Level, last: int) -> None:
        self.first = log.first_day - 1
        won = log.is_won & (log.until > last) & ~np.isnan(log.amount) & (level.code >= 0)
        width = last - self.first + 1
        cell = level.code[won] * width + (log.day[won] - self.first)
        sums = np.bincount(cell, weights=log.amount[won], minlength=len(level.units) * width)
        self.upto: Floats = np.cumsum(sums.reshape(len(level.units), width), axis=1)

    def between(self, after: Ints, until: Ints) -> Floats:
        """Amount won after one day up to another, shape (n_units, n_windows)."""
        given: Floats = self.upto[:, until - self.first] - self.upto[:, after - self.first]
        return given


@attrs.frozen(kw_only=True, repr=False)
class LastPeriod(_Rule):
    """Say what came in the period just ended, as long as the horizon.

    Parameters
    ----------
    levels : sequence of str, optional
        Columns whose values are the units below the company. Default: region, team and rep_id, where there
        are such.

    Attributes
    ----------
    as_of : date or None
        Day of the fit.
    log : Carried or None
        What was known then.

    Notes
    -----
    The distribution is what the rule says plus each error it made at earlier origins, a week apart (a quarter
    of a shorter horizon), cut at 0. Days before the first deal of the log ended do not count.
    While there are fewer than three errors, those over halves (quarters ...) of the horizon stand in, times
    the square root of how many of these it holds.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
    >>> model = forecast.LastPeriod().fit(history, as_of="2021-09-30")
    >>> model
    LastPeriod(as_of=2021-09-30)
    >>> round(model.predict(horizon="28D").at("company", None).mean)
    2857838
    """

    def _said(self, level: _carried.Level, days: int, _standing: Mask) -> tuple[Floats, Floats]:
        now = _carried.number_of(_day(self.as_of))
        totals = _Totals(_log(self.log), level, now)
        self._covers(now - days - totals.first, days)
        last = totals.between(np.array([now - days]), np.array([now]))[:, 0]
        origins, length = self._judged(days)
        errors = totals.between(origins, origins + length) - totals.between(origins - length, origins)
        return last, errors * math.sqrt(days / length)


@attrs.frozen(kw_only=True, repr=False)
class TrailingMean(_Rule):
    """Say the mean of the last few periods, each as long as the horizon.

    Parameters
    ----------
    n_periods : int, default 6
        Periods, or as many as the history has.
    levels : sequence of str, optional
        Columns whose values are the units below the company. Default: region, team and rep_id, where there
        are such.

    Attributes
    ----------
    as_of : date or None
        Day of the fit.
    log : Carried or None
        What was known then.

    Notes
    -----
    As :class:`LastPeriod`, with the errors of the mean.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
    >>> model = forecast.TrailingMean(n_periods=3).fit(history, as_of="2021-09-30")
    >>> round(model.predict(horizon="28D").at("company", None).mean)
    1916775
    """

    n_periods: int = 6

    def __attrs_post_init__(self) -> None:
        """Check the number of periods."""
        given: Any = self.n_periods
        if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 1:
            raise refuse("n_periods", "is a whole number, 1 or more", given)

    def _said(self, level: _carried.Level, days: int, _standing: Mask) -> tuple[Floats, Floats]:
        now = _carried.number_of(_day(self.as_of))
        totals = _Totals(_log(self.log), level, now)
        self._covers(now - days - totals.first, days)
        said = self._mean(totals, np.array([now]), days)[:, 0]
        origins, length = self._judged(days)
        errors = totals.between(origins, origins + length) - self._mean(totals, origins, length)
        return said, errors * math.sqrt(days / length)

    def _mean(self, totals: _Totals, origins: Ints, days: int) -> Floats:
        """Mean of the periods before each origin that the log covers, at most `n_periods`."""
        n = np.clip((origins - totals.first) // days, 1, self.n_periods)
        mean: Floats = totals.between(origins - n * days, origins) / n
        return mean


@attrs.frozen(kw_only=True, repr=False)
class SamePeriodLastYear(_Rule):
    """Say what came in the same days of the year before.

    Parameters
    ----------
    levels : sequence of str, optional
        Columns whose values are the units below the company. Default: region, team and rep_id, where there
        are such.

    Attributes
    ----------
    as_of : date or None
        Day of the fit.
    log : Carried or None
        What was known then.

    Notes
    -----
    As :class:`LastPeriod`. Its own errors are known only in the second year; before that, the changes from
    one period to the next stand in for them.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(1).history)
    >>> model = forecast.SamePeriodLastYear().fit(history, as_of="2023-06-30")
    >>> round(model.predict(horizon="28D").at("company", None).mean)
    1728359
    """

    def _said(self, level: _carried.Level, days: int, _standing: Mask) -> tuple[Floats, Floats]:
        day = _day(self.as_of)
        now, before = _carried.number_of(day), _carried.number_of(add_months(day, -12))
        totals = _Totals(_log(self.log), level, now)
        if before < totals.first:
            self._enough(0, "needs a year and more")
        end = np.minimum(before + days, now)
        said = totals.between(np.array([before]), np.array([end]))[:, 0]
        year = now - before
        origins = self._origins(days, year)
        if len(origins) >= _FEWEST_ERRORS:
            past = totals.between(origins - year, np.minimum(origins - year + days, now))
            return said, totals.between(origins, origins + days) - past
        origins = self._origins(days, days)
        self._enough(len(origins), f"needs {2 * days} days and more")
        return said, totals.between(origins, origins + days) - totals.between(origins - days, origins)


@attrs.frozen(kw_only=True, repr=False)
class StageWeighted(_Rule):
    """Say the weighted pipeline: the amount of each open deal by the share that deals in its stage brought.

    Parameters
    ----------
    levels : sequence of str, optional
        Columns whose values are the units below the company. Default: region, team and rep_id, where there
        are such.

    Attributes
    ----------
    as_of : date or None
        Day of the fit.
    log : Carried or None
        What was known then.

    Notes
    -----
    The weight of a stage is the share of deals standing in it at earlier origins that were won within the
    horizon. A deal without an amount counts with the mean of won deals. The rule knows nothing of deals that
    are yet to be created; its past errors, which are added as in :class:`LastPeriod`, make up for it.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
    >>> model = forecast.StageWeighted().fit(history, as_of="2021-09-30")
    >>> round(model.predict(horizon="28D").at("company", None).mean)
    3055926
    """

    def _said(self, level: _carried.Level, days: int, standing: Mask) -> tuple[Floats, Floats]:
        now = _carried.number_of(_day(self.as_of))
        log = _log(self.log)
        origins = self._origins(days, 1)
        self._enough(len(origins), f"needs {days} days and more")
        weight = _weights(log, origins.tolist(), days)
        totals = _Totals(log, level, now)
        n_units = len(level.units)
        past = np.stack(
            [_pipeline(log, level.code, n_units, weight, day) for day in origins.tolist()], axis=1
        )
        said = _pipeline(log, level.code, n_units, weight, now, standing)
        return said, totals.between(origins, origins + days) - past


def _weights(log: Carried, origins: Sequence[int], days: int) -> Floats:
    """Share of deals in each stage at the origins that were won within the horizon."""
    n_stages = len(log.stages)
    stood, brought = np.zeros(n_stages), np.zeros(n_stages)
    n_deals = int(log.deal.max()) + 1 if len(log.deal) else 0
    for day in origins:
        standing = log.open_on(day)
        won = np.zeros(n_deals, dtype=bool)
        won[log.deal[log.won_between(day, day + days)]] = True
        stage = log.stage[standing]
        stood += np.bincount(stage, minlength=n_stages)
        brought += np.bincount(stage, weights=won[log.deal[standing]].astype(float), minlength=n_stages)
    share: Floats = np.divide(brought, stood, out=np.zeros(n_stages), where=stood > 0)
    return share


def _pipeline(
    log: Carried, code: Ints, n_units: int, weight: Floats, day: int, standing: Mask | None = None
) -> Floats:
    """Weighted amount of the deals open at the end of a day, for each unit."""
    standing = (log.open_on(day) if standing is None else standing) & (code >= 0)
    won = log.is_won & (log.day <= day) & ~np.isnan(log.amount)
    usual = math.fsum(log.amount[won].tolist()) / int(won.sum()) if won.any() else 0.0
    amount = np.where(np.isnan(log.amount[standing]), usual, log.amount[standing])
    weighted = amount * weight[log.stage[standing]]
    return np.bincount(code[standing], weights=weighted, minlength=n_units).astype(np.float64)
