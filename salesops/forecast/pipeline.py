"""The forecast of a pipeline: learnt from a snapshot, for every deal, unit and the company."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import refuse
from salesops.forecast import _blend, _carried, _projected, _structure
from salesops.forecast._asked import asked
from salesops.forecast._blend import Blend
from salesops.forecast._panel import Panel, panel
from salesops.forecast._projected import Outlook
from salesops.forecast._spans import check_fiscal
from salesops.forecast._structure import Hazards
from salesops.forecast._wins import Wins
from salesops.forecast.forecasting import Forecast
from salesops.forecast.history import History
from salesops.models import FiscalCalendar

__all__ = ["PipelineForecaster", "PipelineModel"]

Floats = npt.NDArray[np.float64]

_FEWEST_WINS = 10
_SHORTEST_DAYS = 56
_MOST_DAYS = 730


@attrs.frozen(kw_only=True)
class PipelineForecaster:
    """Forecast what will be won from the history of stages: competing hazards, new deals, exact totals.

    Parameters
    ----------
    levels : tuple of str, optional
        Columns that are the levels of the hierarchy, from the top down; those that the history does not have
        are left out, and said to be. When left out: those of region, team, manager_id and rep_id that it has.
    segments : tuple of str, default ("segment",)
        Columns by which hazards and amounts differ; those that the history does not have are left out.
    calendar : FiscalCalendar, optional
        Fiscal quarters; those of the calendar year when left out.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_events(datasets.make_crm(3, ends_on="2021-12-31").history)
    >>> model = forecast.PipelineForecaster().fit(history, as_of="2021-09-30")
    >>> model
    PipelineModel(as_of=2021-09-30, deals=..., won=..., levels=('team', 'rep_id'))
    >>> round(model.predict(horizon=28).probability_of(0), 6)
    1.0
    """

    levels: tuple[str, ...] | None = None
    segments: tuple[str, ...] = ("segment",)
    calendar: FiscalCalendar | None = None

    def __attrs_post_init__(self) -> None:
        for argument in ("levels", "segments"):
            given = getattr(self, argument)
            if given is None and argument == "levels":
                continue
            if isinstance(given, str) or not all(bool(name) and _is_text(name) for name in given):
                raise refuse(argument, "is a tuple of column names", given)
            if len(set(given)) < len(tuple(given)):
                raise refuse(argument, "names a column twice", given)
            object.__setattr__(self, argument, tuple(given))
        check_fiscal(self.calendar)

    def fit(self, history: object, *, as_of: object = None) -> PipelineModel:
        """Learn from what was known on a day.

        Parameters
        ----------
        history : History or table
            Events of deals, as :meth:`History.from_events` takes them; later ones than `as_of` are not looked
            at.
        as_of : date or ISO text, optional
            The last day that is visible. Default: the day of the snapshot given.

        Returns
        -------
        PipelineModel

        Raises
        ------
        InvalidInput
            If `history` is no log of dated events, or holds no event by that day.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> deals = datasets.crm_sales().deals
        >>> history = forecast.History.from_deals(deals)
        >>> forecast.PipelineForecaster().fit(history, as_of="2017-09-30").notes
        ('no segment: one set of hazards for all deals',)
        """
        seen = _carried.seen(history, as_of)
        if not len(seen):
            raise refuse("history", "holds no event by as_of", str(seen.as_of))
        known = panel(seen, levels=self.levels, segments=self.segments, calendar=self.calendar)
        if not known.n_stages:
            raise refuse("history", "holds no open stage, only ends", ", ".join(seen.events.stages))
        cells = _structure.count_cells(known)
        n_blocks = min(_structure.BLOCKS, (known.as_of - known.observed_from) // _structure.BLOCK_DAYS)
        fits = [_structure.fit_hazards(cells, 0)]
        wins = Wins.of(known)
        for k in range(1, n_blocks):
            origin = known.as_of - k * _structure.BLOCK_DAYS
            if origin - known.observed_from < _SHORTEST_DAYS or len(wins.up_to(origin).day) < _FEWEST_WINS:
                break
            fits.append(_structure.fit_hazards(cells, k))
        return PipelineModel(config=self, snapshot=seen, panel=known, wins=wins, hazards=tuple(fits))

    def predict(self, open_deals: object = None, *, horizon: object) -> Forecast:
        """Refuse to forecast before :meth:`fit`: the model that it returns predicts.

        Parameters
        ----------
        open_deals, horizon : object
            As in :meth:`PipelineModel.predict`.

        Returns
        -------
        Forecast
            Never; the fitted model gives it.

        Raises
        ------
        InvalidInput
            Always.

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.PipelineForecaster().predict(horizon=28)
        Traceback (most recent call last):
        salesops.errors.InvalidInput: predict: 1 problem
        - predict: needs a model that was fitted (28); use the model that fit(history, as_of=...) returns
        """
        del open_deals
        hint = "use the model that fit(history, as_of=...) returns"
        raise refuse("predict", "needs a model that was fitted", horizon, hint=hint)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PipelineModel:
    """What :meth:`PipelineForecaster.fit` learnt; :meth:`predict` looks ahead.

    Attributes
    ----------
    config : PipelineForecaster
        What was asked for.
    snapshot : History
        What was visible.
    panel : Panel
        States and facts of the deals as arrays.
    wins : Wins
        Past wins.
    hazards : tuple of Hazards
        Hazards learnt on all days, and without the last 28, 56 ... days.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> history = forecast.History.from_deals(datasets.crm_sales().deals)
    >>> model = forecast.PipelineForecaster(levels=("rep_id",)).fit(history, as_of="2017-09-30")
    >>> model.predict(horizon="28D").until.isoformat()
    '2017-10-28'
    """

    config: PipelineForecaster
    snapshot: History
    panel: Panel
    wins: Wins
    hazards: tuple[Hazards, ...]

    @property
    def as_of(self) -> dt.date:
        """The last day that was visible."""
        return _carried.date_of(self.panel.as_of)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be learnt, and what is done instead."""
        notes = list(self.panel.notes)
        if len(self.wins.day) < _FEWEST_WINS:
            notes.append(f"only {len(self.wins.day)} wins: little can be learnt")
        if len(self.hazards) == 1:
            notes.append("no matured origin: neither corrected nor weighed against the past")
        return tuple(notes)

    def predict(self, open_deals: object = None, *, horizon: object) -> Forecast:
        """Forecast what is won in the days that follow the snapshot.

        Parameters
        ----------
        open_deals : sequence of ids, table or History, optional
            The open deals to count: their ids, a table with the column deal_id, or a log of events or a
            snapshot, which means the deals that are open at its end. All that are open in the snapshot of
            the fit when left out.
        horizon : int, str or date
            Number of days, as 28 or "28D", or the last day that counts.

        Returns
        -------
        Forecast

        Raises
        ------
        InvalidInput
            If the horizon is not 1 to 730 days, or a deal is not open in the snapshot.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_events(datasets.make_crm(3, ends_on="2021-12-31").history)
        >>> fc = forecast.PipelineForecaster(levels=("team",)).fit(history, as_of="2021-09-30").predict(
        ...     horizon="2021-12-31"
        ... )
        >>> teams = fc.to_frame().query("level == 'team'")
        >>> round(float(teams["mean"].sum() - fc.mean), 2) + 0.0
        0.0
        """
        days = _carried.days_ahead(self.as_of, horizon, most=_MOST_DAYS)
        outlook, blend, past = self._outlook(days)
        outlook = outlook.only(asked(open_deals), self.panel)
        laws = _projected.distributions(self.panel, outlook, blend)
        return Forecast(
            as_of=self.as_of,
            until=_carried.date_of(self.panel.as_of + days),
            distributions=laws,
            table=_projected.deal_table(self.panel, outlook),
            closed=_projected.closed_table(self.panel),
            notes=self.notes,
            details={
                "origins": past,
                "commits": _projected.commit_table(self.panel, self.hazards[0]),
                "blend": pd.DataFrame([attrs.asdict(blend)]),
            },
        )

    def _outlook(self, days: int) -> tuple[Outlook, Blend, pd.DataFrame]:
        """Look ahead from past origins, learn from them, and look ahead from today."""
        prior = None
        for shorter in (_structure.BLOCK_DAYS, 2 * _structure.BLOCK_DAYS):
            if shorter < days:
                prior = _blend.learn_blend(self._origins(shorter)[0], shorter, prior)
        origins, dates = self._origins(days)
        blend = _blend.learn_blend(origins, days, prior)
        past = pd.DataFrame(
            {
                "as_of": dates,
                "structure": (origins.open + origins.new).sum(axis=1),
                "wins": origins.wins.sum(axis=1),
                "actual": origins.actual.sum(axis=1),
            }
        )
        now = _projected.look(self.panel, self.wins, self.hazards[0], self.panel.as_of, days)
        return _projected.blended(now, blend), blend, past

    def _origins(self, days: int) -> tuple[_blend.Origins, list[dt.date]]:
        """Forecast from each past origin whose horizon has passed, as it was then."""
        looks, actual, kept, dates = [], [], [], []
        n_units = len(self.panel.units)
        for k in range(1, len(self.hazards)):
            origin = self.panel.as_of - k * _structure.BLOCK_DAYS
            if origin + days > self.panel.as_of:
                continue
            looks.append(_projected.look(self.panel, self.wins, self.hazards[k], origin, days))
            actual.append(self.wins.totals(origin, origin + days, n_units))
            kept.append(self.wins.totals(origin, origin + days, n_units, begun_by=origin))
            dates.append(_carried.date_of(origin))
        origins = _blend.Origins(
            open=np.array([look.deal_means for look in looks]).reshape(-1, n_units),
            new=np.array([look.new_means for look in looks]).reshape(-1, n_units),
            wins=np.array([look.wins_means for look in looks]).reshape(-1, n_units),
            actual=np.array(actual).reshape(-1, n_units),
            actual_open=np.array(kept).reshape(-1, n_units),
            variance=np.array([look.variances for look in looks]).reshape(-1, n_units),
            share=min(1.0, _structure.BLOCK_DAYS / days),
        )
        return origins, dates

    def to_frame(self) -> pd.DataFrame:
        """Return the learnt effects on the hazard of a win: one row for each level of each factor.

        Returns
        -------
        DataFrame
            Columns factor, level (its number), effect, strength (how many wins the prior counts).

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_deals(datasets.crm_sales().deals)
        >>> model = forecast.PipelineForecaster().fit(history, as_of="2017-09-30")
        >>> "unit" in set(model.to_frame()["factor"])
        True
        """
        win = self.hazards[0].win
        rows = [
            {"factor": name, "level": k, "effect": value, "strength": win.strengths[name]}
            for name, effects in win.effects.items()
            for k, value in enumerate(effects.tolist())
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return what was learnt as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> history = forecast.History.from_deals(datasets.crm_sales().deals)
        >>> forecast.PipelineForecaster().fit(history, as_of="2017-09-30").to_dict()["as_of"]
        '2017-09-30'
        """
        return {
            "kind": "pipeline_model",
            "as_of": self.as_of.isoformat(),
            "stages": list(self.panel.stages),
            "effects": self.to_frame().to_dict(orient="records"),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return (
            f"PipelineModel(as_of={self.as_of}, deals={len(self.panel.deals)}, won={len(self.wins.day)}, "
            f"levels={self.panel.levels})"
        )

    def _repr_html_(self) -> str:
        facts = {
            "known as of": self.as_of,
            "deals": len(self.panel.deals),
            "won": len(self.wins.day),
            "stages": ", ".join(self.panel.stages),
        }
        return _display.html_card("Model of a pipeline", facts, notes=self.notes)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
