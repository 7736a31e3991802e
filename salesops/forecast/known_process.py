"""The true process as a model: the best score that any forecast of a made company can expect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from typing import Self

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import raise_all, refuse
from salesops.datasets import CrmTruth
from salesops.errors import Problem
from salesops.forecast import _carried
from salesops.forecast._arrays import label_column
from salesops.forecast._asked import asked, check_open
from salesops.forecast.distribution import Distribution
from salesops.forecast.forecasting import Forecast
from salesops.forecast.history import History

__all__ = ["TrueProcess"]

Floats = npt.NDArray[np.float64]

_NEEDED = ("amount", "rep_id", "segment", "expected_close")


@attrs.frozen(kw_only=True, repr=False)
class TrueProcess:
    """The process behind a company of ``datasets.make_crm``, with its true parameters, as a forecast model.

    The floor of a backtest: what it scores is chance itself, and no method can expect to do better. It sees
    the deals as they stood on the day, and the wins of the running month; nothing that came later.

    Parameters
    ----------
    truth : CrmTruth
        The ``truth`` of the company.
    n_draws : int, default 500
        Futures to draw; the expected CRPS of so many is above that of the process by 1 / n_draws of it.
    rng : int, default 0
        Seed of the futures; the day and the horizon are mixed in.

    Attributes
    ----------
    as_of : date or None
        Day of the fit.
    open_deals : DataFrame or None
        The deals open then.

    Examples
    --------
    >>> from salesops import datasets, forecast
    >>> world = datasets.make_crm(1, ends_on="2021-12-31")
    >>> history = forecast.History.from_events(world.history)
    >>> floor = forecast.TrueProcess(truth=world.truth, n_draws=50).fit(history, as_of="2021-09-30")
    >>> floor.predict(horizon=28).levels
    ('company', 'team', 'rep_id')
    """

    truth: CrmTruth
    n_draws: int = 500
    rng: int = 0
    as_of: dt.date | None = attrs.field(default=None, init=False, eq=False)
    open_deals: pd.DataFrame | None = attrs.field(default=None, init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Check the truth and the number of draws."""
        if not isinstance(self.truth, CrmTruth):
            raise refuse("truth", "is the truth of a company of datasets.make_crm", type(self.truth).__name__)
        for name, least in (("n_draws", 1), ("rng", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise refuse(name, f"is a whole number, {least} or more", value)

    def __repr__(self) -> str:
        """Show the number of draws and the day."""
        seen = "" if self.as_of is None else f", as_of={self.as_of}"
        return f"TrueProcess(n_draws={self.n_draws}{seen})"

    def fit(self, history: History, *, as_of: object = None) -> Self:
        """Take the deals open on a day, as they were known then.

        Parameters
        ----------
        history : History
            Of the same company; only its snapshot of `as_of` is read.
        as_of : date or ISO text, optional
            Default: the day of the snapshot that is given.

        Returns
        -------
        TrueProcess
            Fitted.

        Raises
        ------
        InvalidInput
            If no day is given, or a column is missing.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> world = datasets.make_crm(1, ends_on="2021-03-31")
        >>> history = forecast.History.from_events(world.history)
        >>> forecast.TrueProcess(truth=world.truth).fit(history, as_of="2021-02-28")
        TrueProcess(n_draws=500, as_of=2021-02-28)
        """
        snapshot = _carried.seen(history, as_of)
        columns = snapshot.events.facts.columns
        faults = [
            Problem(path=f"history.{name}", message="the column is missing")
            for name in _NEEDED
            if name not in columns
        ]
        raise_all("history", faults)
        fitted = attrs.evolve(self)
        object.__setattr__(fitted, "as_of", snapshot.as_of)
        object.__setattr__(fitted, "open_deals", _standing(snapshot))
        return fitted

    def predict(self, open_deals: object = None, *, horizon: object) -> Forecast:
        """Draw futures from the day after the fit to the end of the horizon.

        Parameters
        ----------
        open_deals : sequence of ids, table or History, optional
            The open deals to count, as in :meth:`PipelineModel.predict`; all when left out.
        horizon : int, str or date
            Days, "28D", or the last day.

        Returns
        -------
        Forecast
            Of the company, each team and each rep.

        Raises
        ------
        InvalidInput
            If the model was not fitted, or a deal is not open in the snapshot.

        Examples
        --------
        >>> from salesops import datasets, forecast
        >>> world = datasets.make_crm(1, ends_on="2021-03-31")
        >>> history = forecast.History.from_events(world.history)
        >>> floor = forecast.TrueProcess(truth=world.truth, n_draws=20).fit(history, as_of="2021-02-28")
        >>> len(floor.predict(horizon="28D").units("rep_id"))
        24
        """
        if self.as_of is None or self.open_deals is None:
            raise refuse("model", "must be fitted first", "TrueProcess", hint="model.fit(history, as_of=...)")
        standing, wanted = self.open_deals, asked(open_deals)
        if wanted is not None:
            names = standing["deal_id"].tolist()
            check_open(wanted, set(names))
            standing = standing[[name in set(wanted) for name in names]]
        days = _carried.days_ahead(self.as_of, horizon)
        until = self.as_of + dt.timedelta(days=days)
        seed = np.random.SeedSequence([self.rng, self.as_of.toordinal(), days])
        won = self.truth.continued(
            standing.drop(columns="deal_id"), as_of=self.as_of, until=until, n_draws=self.n_draws, rng=seed
        )
        made: dict[tuple[str, Hashable], Distribution] = {("company", None): _law(won.sum(axis=1))}
        teams = np.array(self.truth.teams)
        for team in dict.fromkeys(self.truth.teams):
            made[("team", team)] = _law(won[:, teams == team].sum(axis=1))
        for k, rep in enumerate(self.truth.rep_ids):
            made[("rep_id", rep)] = _law(won[:, k])
        return Forecast.from_distributions(self.as_of, until, made)


def _law(values: Floats) -> Distribution:
    return Distribution.from_samples(np.sort(values))


def _standing(snapshot: History) -> pd.DataFrame:
    """Find the open deals of a snapshot, and the day each entered the stage it is in."""
    events = snapshot.events
    deal, stage = events.deal, events.stage
    begins = np.ones(len(deal), dtype=bool)
    begins[1:] = (deal[1:] != deal[:-1]) | (stage[1:] != stage[:-1])
    since = events.day[np.maximum.accumulate(np.where(begins, np.arange(len(deal)), 0))]
    ends = [k for k, name in enumerate(events.stages) if name in (snapshot.won, snapshot.lost)]
    last = np.append(deal[1:] != deal[:-1], True)[: len(deal)]
    rows = np.flatnonzero(last & ~np.isin(stage, ends))
    facts = events.facts.iloc[rows]
    names = [events.deals[k] for k in deal[rows].tolist()]
    table: dict[str, object] = {"deal_id": label_column(names)}
    table |= {name: facts[name].to_numpy() for name in _NEEDED}
    table["stage"] = np.array([*events.stages, ""], dtype=object)[stage[rows]]
    table["since"] = since[rows].astype("datetime64[s]")
    return pd.DataFrame(table)
