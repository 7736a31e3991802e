"""Forecast again from many days of the past, each time knowing only what was known, and score what came."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd

from salesops import _display, _run
from salesops._calendar import day_of
from salesops._faults import count, raise_all, refuse
from salesops._frames import id_column, jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _carried, _rolling
from salesops.forecast.calibration import Calibration, central_coverage, certify, mean_of, pick
from salesops.forecast.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Backtest", "Calibration", "backtest"]

_SET_ASIDE = ("model", "level", "as_of", "horizon", "reason")
_SHOWN = ["model", "level", "horizon", "n", "wape", "bias", "crps_share", "coverage_80", "verdict"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Backtest:
    """What models said on many past days, and what came, from :func:`backtest`.

    Attributes
    ----------
    models : tuple of str
        Names of the models, in the order given.
    complete_until : date
        Last day on which the history is complete: later windows have not matured.
    details : DataFrame
        One row for each forecast: model, level, unit, horizon, as_of, until, actual, mean, quantiles
        (q025, q10, q25, q50, q75, q90, q975), crps, and the forecast's distribution function just below the
        actual and at it (below, at).
    set_aside : DataFrame
        What was not scored, with the reason: model (missing for all), level, as_of, horizon, reason.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
    >>> result = forecast.backtest(
    ...     [forecast.LastPeriod(), forecast.TrailingMean()],
    ...     history, ["2021-09-30", "2021-12-31"], horizons=28,
    ... )
    >>> result
    Backtest(models=2, forecasts=58, set aside=1, complete until 2021-12-31)
    >>> result.set_aside["reason"].tolist()
    ['the horizon ends on 2022-01-28, after the last complete day 2021-12-31']
    """

    models: tuple[str, ...]
    complete_until: dt.date
    details: pd.DataFrame
    set_aside: pd.DataFrame

    def __repr__(self) -> str:
        """Show sizes and the last day."""
        return (
            f"Backtest(models={len(self.models)}, forecasts={len(self.details)}, "
            f"set aside={len(self.set_aside)}, complete until {self.complete_until})"
        )

    @cached_property
    def calibration(self) -> Calibration:
        """The certificate: what the 80 % intervals covered, and whether that is enough to say so."""
        return certify(self.details)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each model, level and horizon.

        Returns
        -------
        DataFrame
            n forecasts from n_origins days; mean_actual; wape and bias of the mean; crps in the unit of the
            amount and crps_share of the mean actual; coverage_50, _80 and _95 of closed intervals; pit_80,
            the same for 80 % with each jump of a distribution counted in part; pit_low and pit_high, shares
            of actuals that fell below the 10 % and above the 90 % quantile; verdict of the certificate.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> result.to_frame()[["level", "n"]].values.tolist()
        [['company', 1], ['team', 4], ['rep_id', 24]]
        """
        groups = self.details.groupby(["model", "level", "horizon"], sort=False)
        rows = [_summary(key, part) for key, part in groups]
        table = pd.DataFrame(rows, columns=list(_SUMMARY))
        table["verdict"] = self.calibration.table["verdict"].to_numpy()
        return table

    def skill(self, reference: str, *, measure: str = "crps") -> pd.DataFrame:
        """Divide each model's score by that of a reference on the same forecasts; below 1 is better.

        Parameters
        ----------
        reference : str
            Name of a model of this backtest.
        measure : {"crps", "wape"}, default "crps"

        Returns
        -------
        DataFrame
            Columns model, level, horizon, n (forecasts that both made), ratio.

        Raises
        ------
        InvalidInput
            If there is no such model or measure.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> models = [forecast.LastPeriod(), forecast.TrailingMean()]
        >>> result = forecast.backtest(models, history, ["2021-09-30"], horizons=28)
        >>> result.skill("LastPeriod")["ratio"].tolist()[0]
        1.0
        """
        if measure not in ("crps", "wape"):
            raise refuse("measure", "is 'crps' or 'wape'", measure)
        if reference not in self.models:
            raise refuse("reference", "is one of the models", reference, hint=", ".join(self.models))
        error = (
            self.details["crps"]
            if measure == "crps"
            else (self.details["mean"] - self.details["actual"]).abs()
        )
        table = self.details[["model", "level", "horizon", "unit", "as_of"]].assign(error=error)
        key = ["level", "horizon", "unit", "as_of"]
        table["unit"] = [(type(unit).__name__, unit) for unit in table["unit"].tolist()]
        base = table[table["model"] == reference].drop(columns="model")
        both = table.merge(base, on=key, suffixes=("", "_reference"), how="inner")
        rows = []
        for (model, level, horizon), part in both.groupby(["model", "level", "horizon"], sort=False):
            own, other = math.fsum(part["error"]), math.fsum(part["error_reference"])
            ratio = own / other if other else math.nan
            rows.append({"model": model, "level": level, "horizon": horizon, "n": len(part), "ratio": ratio})
        return pd.DataFrame(rows, columns=["model", "level", "horizon", "n", "ratio"])

    def to_dict(self) -> dict[str, Any]:
        """Return scores, certificate and what was set aside as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> result.to_dict()["models"]
        ['LastPeriod']
        """
        return {
            "kind": "backtest",
            "library": __version__,
            "models": list(self.models),
            "complete_until": self.complete_until.isoformat(),
            "scores": jsonable(self.to_frame()),
            "calibration": self.calibration.to_dict(),
            "forecasts": jsonable(self.details),
            "set_aside": jsonable(self.set_aside),
        }

    def explain(self, model: str | None = None, *, level: str = "company", horizon: int | None = None) -> str:
        """Say in words how one model did.

        Parameters
        ----------
        model : str, optional
            Default: the first model.
        level : str, default "company"
        horizon : int, optional
            Days. Default: the shortest.

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If nothing was scored under these names.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> result = forecast.backtest(forecast.LastPeriod(), history, ["2021-09-30"], horizons=28)
        >>> result.explain().splitlines()[0]
        'LastPeriod, company, 28 days: 1 forecast from 1 day.'
        """
        table = self.to_frame()
        row = table[pick(table, model, level, horizon)].iloc[0]
        days = count(int(row["n_origins"]), "day")
        head = (
            f"{row['model']}, {level}, {row['horizon']} days: {count(int(row['n']), 'forecast')} from {days}."
        )
        errors = (
            f"Its mean missed by {_display.percent(row['wape'])} of the amount won (WAPE) and was off by "
            f"{_display.percent(row['bias'])} on the whole (bias); CRPS "
            f"{_display.percent(row['crps_share'])} of the mean amount."
        )
        return "\n".join(
            [head, errors, self.calibration.explain(row["model"], level=level, horizon=int(row["horizon"]))]
        )

    def _repr_html_(self) -> str:
        table = self.to_frame()
        shown = table[_SHOWN].assign(
            **{
                name: [_display.percent(value) for value in table[name]]
                for name in ("wape", "bias", "crps_share", "coverage_80")
            }
        )
        facts = {
            "models": ", ".join(self.models),
            "forecasts": len(self.details),
            "complete until": self.complete_until,
            "set aside": len(self.set_aside),
        }
        tables = [("scores; less is better, coverage of 80 % intervals", shown)]
        if len(self.set_aside):
            tables.append(("set aside", self.set_aside))
        return _display.html_card("Backtest", facts, tables)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        model: str | None = None,
        level: str = "company",
        unit: object = None,
        horizon: int | None = None,
    ) -> Axes:
        """Draw the intervals of one model's forecasts of one unit, and what came.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.
        model : str, optional
            Default: the first model.
        level : str, default "company"
        unit : hashable, optional
            A unit of the level; None for the company.
        horizon : int, optional
            Days. Default: the shortest.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        InvalidInput
            If nothing was scored under these names.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(1, ends_on="2021-12-31").history)
        >>> days = ["2021-09-30", "2021-10-31"]
        >>> forecast.backtest(forecast.LastPeriod(), history, days, horizons=28).plot().get_ylabel()
        'amount won'
        """
        from salesops.forecast import _backtest_plot

        rows = self.details[pick(self.details, model, level, horizon)]
        same = [type(one) is type(unit) and one == unit for one in rows["unit"].tolist()]
        if not any(same):
            raise refuse("unit", "was not scored", unit)
        rows = rows[same].sort_values("until", kind="stable")
        named = level if unit is None else f"{level} {unit}"
        days = int(rows["horizon"].iloc[0])
        title = f"{rows['model'].iloc[0]}: {named}, {days} days ahead, and what came"
        return _backtest_plot.fan(rows, title, ax=ax)


_SUMMARY = (
    "model",
    "level",
    "horizon",
    "n",
    "n_origins",
    "mean_actual",
    "wape",
    "bias",
    "crps",
    "crps_share",
    "coverage_50",
    "coverage_80",
    "coverage_95",
    "pit_80",
    "pit_low",
    "pit_high",
)


def _summary(key: Any, part: pd.DataFrame) -> dict[str, Any]:
    """Score the forecasts of one model, level and horizon."""
    came = part["actual"].to_numpy()
    error = part["mean"].to_numpy() - came
    total = math.fsum(came.tolist())
    crps = mean_of(part["crps"].to_numpy())
    below, at = part["below"].to_numpy(), part["at"].to_numpy()

    def closed(low: str, high: str) -> float:
        inside = (part[low].to_numpy() <= came) & (came <= part[high].to_numpy())
        return float(inside.mean())

    def share(of: float) -> float:
        return of / total if total > 0 else math.nan

    return {
        "model": key[0],
        "level": key[1],
        "horizon": int(key[2]),
        "n": len(part),
        "n_origins": int(part["as_of"].nunique()),
        "mean_actual": total / len(part),
        "wape": share(math.fsum(np.abs(error).tolist())),
        "bias": share(math.fsum(error.tolist())),
        "crps": crps,
        "crps_share": share(crps * len(part)),
        "coverage_50": closed("q25", "q75"),
        "coverage_80": closed("q10", "q90"),
        "coverage_95": closed("q025", "q975"),
        "pit_80": mean_of(central_coverage(part, 0.8)),
        "pit_low": float(((below + at) / 2 < 0.1).mean()),
        "pit_high": float(((below + at) / 2 > 0.9).mean()),
    }


def backtest(
    models: object,
    history: object,
    cutoffs: Iterable[object],
    *,
    horizons: object = 28,
    levels: Sequence[str] | None = None,
    complete_until: object = None,
    mapper: _run.Mapper = map,
    progress: _run.Progress | None = None,
) -> Backtest:
    """Let models forecast from past days, knowing only what was known then, and score what came.

    Each fit sees ``history.snapshot(cutoff)`` and nothing else, so that no later row can reach it. Windows
    that end after the last complete day have not matured: they are set aside, not scored against a part of
    what will come.

    Parameters
    ----------
    models : model, sequence of models, or mapping of name to model
        Anything with ``fit(history, as_of=...)`` that gives a fitted model with ``predict(horizon=...)``,
        such as :class:`PipelineForecaster` or :class:`TrailingMean`.
    history : History or table
        Dated events, or a table for ``History.from_events``.
    cutoffs : sequence of date or ISO text
        Days from whose end to forecast.
    horizons : int, str, or sequence of these, default 28
        Days, or text such as "28D".
    levels : sequence of str, optional
        Columns whose values are the units below the company. Default: region, team and rep_id, where there
        are such.
    complete_until : date or ISO text, optional
        Last day on which the history is complete. Default: that of its last event.
    mapper : callable, default map
        Anything shaped like ``map``; one item is one model on one cutoff.
    progress : callable, optional
        Wraps the iterable of items; ``tqdm`` fits.

    Returns
    -------
    Backtest
        The same bytes for any order of rows and any mapper. A model that fails is named with its reason in
        ``set_aside``; the others are not harmed.

    Raises
    ------
    InvalidInput
        If a model cannot be one, a day or horizon cannot be meant, or a level is no column.

    Notes
    -----
    What is forecast is the amount won in (cutoff, cutoff + horizon], as it stood on the last of these days,
    for the units known on the cutoff; what later units won is named in ``set_aside`` for their level and
    counts for the company. Won deals without an amount count as nothing.

    References
    ----------
    L. J. Tashman (2000), "Out-of-sample tests of forecasting accuracy: an analysis and review".

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> world = datasets.make_crm(1, ends_on="2021-12-31")
    >>> result = forecast.backtest(
    ...     {"naive": forecast.LastPeriod(), "floor": forecast.TrueProcess(truth=world.truth, n_draws=50)},
    ...     world.history, ["2021-08-31", "2021-09-30"], horizons="28D",
    ... )
    >>> result.to_frame()[["model", "level", "n"]].values.tolist()[:3]
    [['naive', 'company', 2], ['naive', 'team', 8], ['naive', 'rep_id', 48]]
    """
    named = _named(models)
    whole = history if isinstance(history, History) else History.from_events(history)
    days, lengths = _days(cutoffs), _lengths(horizons)
    last = _last(whole, complete_until)
    late = [day for day in days if day > last]
    if late:
        hint = "forecast from days that the history covers"
        raise refuse(
            "cutoffs", "is after the last complete day", f"{late[0]}, complete until {last}", hint=hint
        )
    seen = whole.snapshot(last)
    names = _carried.present(seen, levels)
    log = _carried.carried(seen, names)
    items: list[_rolling.Origin] = []
    aside: list[tuple[Any, ...]] = []
    for day in days:
        snapshot = seen.snapshot(day)
        if not len(snapshot):
            aside += [(None, None, day, length, "the history begins later") for length in lengths]
            continue
        came = []
        for length in lengths:
            until = day + dt.timedelta(days=length)
            if until > last:
                told = f"the horizon ends on {until}, after the last complete day {last}"
                aside.append((None, None, day, length, told))
                continue
            known = _carried.carried(snapshot, names)
            one, unknown = _rolling.came_after(log, known, day, length)
            came.append(one)
            aside += [
                (None, level, day, length, f"{amount:,.2f} was won by units not known on the day")
                for level, amount in unknown
            ]
        items += [
            _rolling.Origin(name=name, model=model, snapshot=snapshot, came=tuple(came))
            for name, model in named.items()
            if came
        ]
    judged = _run.run(_rolling.judge, items, mapper=mapper, progress=progress)
    for item, answer in zip(items, judged, strict=True):
        aside += [
            (item.name, level, item.snapshot.as_of, length, reason) for length, level, reason in answer.failed
        ]
    details = _rolling.table(judged, tuple(named), ("company", *names), lengths)
    return Backtest(models=tuple(named), complete_until=last, details=details, set_aside=_aside(aside))


def _aside(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = {name: [row[k] for row in rows] for k, name in enumerate(_SET_ASIDE)}
    return pd.DataFrame(
        {
            "model": pd.Series(columns["model"], dtype=object),
            "level": pd.Series(columns["level"], dtype=object),
            "as_of": np.array(columns["as_of"], dtype="datetime64[s]"),
            "horizon": np.array(columns["horizon"], dtype=np.int64),
            "reason": id_column(np.array(columns["reason"], dtype=object)),
        }
    )


def _named(models: object) -> dict[str, Any]:
    """Name the models: by the mapping, or by their class, numbered where that repeats."""
    if isinstance(models, Mapping):
        named = dict(models)
    else:
        given = list(models) if isinstance(models, (list, tuple)) else [models]
        kinds = [type(model).__name__ for model in given]
        named = {}
        for k, model in enumerate(given):
            turn = kinds[: k + 1].count(kinds[k])
            named[kinds[k] if kinds.count(kinds[k]) == 1 else f"{kinds[k]} {turn}"] = model
    faults = [
        Problem(
            path="models",
            message="has no fit, or no name that is text",
            values=(f"{show(name)}: {type(model).__name__}",),
            hint="fit(history, as_of=...) gives what has predict(horizon=...)",
        )
        for name, model in named.items()
        if not isinstance(name, str) or not callable(getattr(model, "fit", None))
    ]
    if not named:
        faults = [Problem(path="models", message="holds at least one model")]
    raise_all("backtest", faults)
    return named


def _days(cutoffs: Any) -> list[dt.date]:
    single = isinstance(cutoffs, (str, dt.date, np.datetime64)) or not isinstance(cutoffs, Iterable)
    days = sorted({day_of("cutoffs", day) for day in ([cutoffs] if single else cutoffs)})
    if not days:
        raise refuse("cutoffs", "holds at least one day", ())
    return days


def _lengths(horizons: Any) -> tuple[int, ...]:
    single = isinstance(horizons, (int, np.integer, str, dt.timedelta)) or not isinstance(horizons, Iterable)
    given = [horizons] if single else list(horizons)
    dated = [one for one in given if isinstance(one, dt.date) or (isinstance(one, str) and "-" in one)]
    if dated or not given:
        shown = dated[0] if dated else ()
        raise refuse(
            "horizons", "is a number of days, the same from every cutoff", shown, hint='write 28 or "28D"'
        )
    return tuple(sorted({_carried.days_ahead(dt.date(2000, 1, 1), one) for one in given}))


def _last(history: History, complete_until: object) -> dt.date:
    if history.days is None:
        raise InvalidInput("history: 1 problem", [Problem(path="history", message="holds no event")])
    last = history.as_of or history.days[1]
    if complete_until is None:
        return last
    day = day_of("complete_until", complete_until)
    if history.as_of is not None and day > history.as_of:
        raise refuse("complete_until", "is after the day of the snapshot", f"{day}, {history.as_of}")
    return day
