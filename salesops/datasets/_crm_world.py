"""A seeded company: its log of stages, and the truth behind it."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _run
from salesops._calendar import day_of
from salesops._faults import refuse
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops.datasets._crm_process import (
    SEGMENTS,
    STAGES,
    WON,
    CrmProcess,
    Standing,
    created,
    intake,
    step,
    works,
)
from salesops.datasets._tables import Tables
from salesops.errors import InvalidInput, Problem, show

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_LONGEST_YEARS = 50
_LABELS = (*STAGES, "won", "lost")


@attrs.frozen(kw_only=True, repr=False)
class CrmTruth:
    """What nobody outside can see: the true parameters of a company of :func:`make_crm`.

    Parameters
    ----------
    process : CrmProcess
    starts_on, ends_on : date
        First and last day of the log.
    skill : ndarray of float, shape (n_reps,)
        Factor of each rep on the hazard of a win.
    share : ndarray of float, shape (n_reps,)
        Share of each rep in new deals.
    shocks : ndarray of float, shape (n_months,)
        The factor that all deals shared, month by month.
    exposure : ndarray of float, shape (n_days,)
        Wins that were to be expected on each day without the common shock, given the deals open that day.
    wins : ndarray of int, shape (n_days,)
        Wins of each day.

    Examples
    --------
    >>> make_crm(1, ends_on="2021-06-30").truth
    CrmTruth(reps=24, months=6, from 2021-01-01 to 2021-06-30)
    """

    process: CrmProcess
    starts_on: dt.date
    ends_on: dt.date
    skill: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    share: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    shocks: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    exposure: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    wins: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)

    def __repr__(self) -> str:
        """Show sizes and days."""
        return (
            f"CrmTruth(reps={len(self.skill)}, months={len(self.shocks)}, "
            f"from {self.starts_on} to {self.ends_on})"
        )

    @property
    def rep_ids(self) -> tuple[str, ...]:
        """Reps, in the order of `skill`."""
        return tuple(f"rep-{k + 1:02d}" for k in range(self.process.n_reps))

    @property
    def teams(self) -> tuple[str, ...]:
        """Team of each rep."""
        return tuple(f"team-{k % self.process.n_teams + 1}" for k in range(self.process.n_reps))

    def continued(
        self,
        open_deals: pd.DataFrame,
        *,
        as_of: object,
        until: object,
        n_draws: int,
        rng: _run.RngLike = None,
    ) -> Floats:
        """Let the true process run on from what was known on a day, many times.

        The sharpest honest forecast there is: no method can expect a better score than these draws. The
        factor of the running month is drawn given the wins of the month so far, those of later months afresh.

        Parameters
        ----------
        open_deals : DataFrame
            One row for each open deal: stage, since (day it entered the stage), amount, rep_id, segment,
            expected_close, as known at the end of `as_of`.
        as_of, until : date or ISO text
            Wins from the day after `as_of` to `until` count.
        n_draws : int
            Number of futures.
        rng : int, numpy.random.Generator or SeedSequence, optional
            Where chance comes from.

        Returns
        -------
        ndarray of float, shape (n_draws, n_reps)
            Amount won by each rep in each future.

        Examples
        --------
        >>> world = make_crm(1, ends_on="2021-06-30")
        >>> world.truth.continued(
        ...     world.open_deals("2021-05-31"), as_of="2021-05-31", until="2021-06-30", n_draws=10, rng=1
        ... ).shape
        (10, 24)
        """
        first, last = _number(day_of("as_of", as_of)), _number(day_of("until", until))
        chance = _run.generator(rng)
        state = _standing(open_deals, self.rep_ids, n_draws)
        won = np.zeros((n_draws, self.process.n_reps))
        month, shock = None, np.ones(n_draws)
        for day in range(first + 1, last + 1):
            if not works(day):
                continue
            if (now := _month(day)) != month:
                month, shock = now, self._shock(now, first, n_draws, chance)
            state, moved = step(self.process, self.skill, state, day, shock, chance)
            closed = moved.rows.take(moved.rows.stage == WON)
            np.add.at(won, (closed.draw, closed.rep), closed.amount)
            rate = intake(self.process, day, _number(self.starts_on))
            draw = np.repeat(np.arange(n_draws), chance.poisson(rate, n_draws))
            state = state.plus(created(self.process, self.share, day, draw, np.zeros_like(draw), chance))
        return won

    def _shock(self, month: int, as_of: int, n: int, chance: np.random.Generator) -> Floats:
        """Draw the factor of a month: given its wins so far if it has begun (gamma and Poisson)."""
        if not self.process.shock:
            return np.ones(n)
        start = int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
        origin = _number(self.starts_on)
        seen = slice(max(start - origin, 0), max(as_of + 1 - origin, 0))
        shape = self.process.shock**-2
        drawn = chance.gamma(shape + self.wins[seen].sum(), 1.0 / (shape + self.exposure[seen].sum()), n)
        return np.asarray(drawn)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class CrmWorld(Tables):
    """The tables of :func:`make_crm`, and the truth behind them.

    Parameters
    ----------
    history : pandas.DataFrame
        One row for each event: ``deal_id``, ``stage`` (qualify, demo, proposal, negotiation, won, lost),
        ``entered_on``, ``amount``, ``rep_id``, ``team``, ``segment``, ``expected_close``. A deal that is
        pushed gets a row of the stage it is in. Every fact is as it was known on that day.
    reps : pandas.DataFrame
        ``rep_id``, ``team``, ``skill`` (true factor on the hazard of a win), ``share`` of new deals.
    truth : CrmTruth
        The true parameters.

    Examples
    --------
    >>> make_crm(1, ends_on="2021-06-30")
    CrmWorld(history=3,407 rows, reps=24 rows)
    """

    history: pd.DataFrame
    reps: pd.DataFrame
    truth: CrmTruth

    _title: ClassVar[str] = "A seeded company: its log of stages"

    def open_deals(self, as_of: object) -> pd.DataFrame:
        """List the deals open at the end of a day, as they were known then.

        Parameters
        ----------
        as_of : date or ISO text

        Returns
        -------
        DataFrame
            One row each: deal_id, stage, since (day it entered that stage), amount, rep_id, team, segment,
            expected_close.

        Examples
        --------
        >>> world = make_crm(1, ends_on="2021-06-30")
        >>> world.open_deals("2021-02-26").columns.tolist()
        ['deal_id', 'stage', 'since', 'amount', 'rep_id', 'team', 'segment', 'expected_close']
        """
        return open_deals(self.history, day_of("as_of", as_of))


def open_deals(history: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Find the deals of a log that are open at the end of a day, with the day they entered their stage."""
    seen = history[history["entered_on"] <= pd.Timestamp(as_of)]
    seen = seen.sort_values(["deal_id", "entered_on"], kind="stable", ignore_index=True)
    deal, stage = seen["deal_id"].to_numpy(), seen["stage"].to_numpy()
    begins = np.ones(len(seen), dtype=bool)
    begins[1:] = (deal[1:] != deal[:-1]) | (stage[1:] != stage[:-1])
    seen["since"] = seen["entered_on"].where(begins).ffill()
    last = seen[~seen.duplicated("deal_id", keep="last") & ~seen["stage"].isin(["won", "lost"])]
    names = ["deal_id", "stage", "since", "amount", "rep_id", "team", "segment", "expected_close"]
    return last[names].reset_index(drop=True)


def make_crm(
    rng: _run.RngLike = None,
    *,
    starts_on: object = "2021-01-01",
    ends_on: object = "2023-12-31",
    process: CrmProcess | None = None,
) -> CrmWorld:
    """Make a company whose deals move the way deals do, with its log of stages and the truth behind it.

    Heavy-tailed amounts, closing at the end of quarters, expected closes that are pushed, stages skipped and
    gone back, reps of different skill in teams, segments of different pace, a shock that all deals share in a
    month, and creation with growth and season. Nothing is fitted to a real company. Since the truth is known,
    the best score that any forecast can expect can be computed beside every method's:
    ``forecast.TrueProcess``.

    Parameters
    ----------
    rng : int, numpy.random.Generator or SeedSequence, optional
        Where chance comes from; the same number gives the same world.
    starts_on, ends_on : date or ISO text, default "2021-01-01", "2023-12-31"
        First and last day of the log. The company begins without deals.
    process : CrmProcess, optional
        The true parameters.

    Returns
    -------
    CrmWorld

    Raises
    ------
    InvalidInput
        If the days do not follow each other, or are more than 50 years apart.

    Notes
    -----
    On every working day each open deal moves on, jumps over a stage, goes back, is lost or is won, by
    competing hazards that depend on its stage, its time in the stage and its segment. The hazard of a win is
    multiplied by the skill of the rep, the position in the calendar quarter, the nearness of the expected
    close, and the factor of the month (gamma, mean 1) that all deals share. Time grows with days and with
    deal-days: 20,000 deals take a few seconds.

    Examples
    --------
    >>> world = make_crm(7, ends_on="2021-12-31", process=CrmProcess(n_reps=6, n_teams=2, deals_per_day=3))
    >>> world.history["deal_id"].nunique(), world.history["stage"].isin(["won"]).sum().item()
    (826, 246)
    """
    process = CrmProcess() if process is None else process
    if not isinstance(process, CrmProcess):
        raise refuse("process", "is a CrmProcess", process)
    begin, end = day_of("starts_on", starts_on), day_of("ends_on", ends_on)
    if not begin <= end <= begin + dt.timedelta(days=366 * _LONGEST_YEARS):
        raise refuse("ends_on", "is on or after starts_on, at most 50 years later", f"{begin}, {end}")
    traits, drawn, daily = _run.spawn(rng, 3)
    skill = np.exp(process.skill_spread * traits.standard_normal(process.n_reps))
    share = traits.dirichlet(np.full(process.n_reps, 8.0))
    first, last = _number(begin), _number(end)
    n_months = _month(last) - _month(first) + 1
    shape = process.shock**-2 if process.shock else 0.0
    shocks = drawn.gamma(shape, 1.0 / shape, n_months) if shape else np.ones(n_months)
    events, exposure, wins = _run_days(process, skill, share, shocks, first, last, daily)
    truth = CrmTruth(
        process=process,
        starts_on=begin,
        ends_on=end,
        skill=skill,
        share=share,
        shocks=shocks,
        exposure=exposure,
        wins=wins,
    )
    reps = pd.DataFrame({"rep_id": truth.rep_ids, "team": truth.teams, "skill": skill, "share": share})
    return CrmWorld(history=_log(events, truth), reps=reps, truth=truth)


def _run_days(
    process: CrmProcess,
    skill: Floats,
    share: Floats,
    shocks: Floats,
    first: int,
    last: int,
    chance: np.random.Generator,
) -> tuple[list[tuple[int, Standing]], Floats, Ints]:
    """Let the days pass; give each day's rows, the wins to be expected and the wins."""
    events: list[tuple[int, Standing]] = []
    exposure, wins = np.zeros(last - first + 1), np.zeros(last - first + 1, dtype=np.int64)
    nobody = np.empty(0, dtype=np.int64)
    state = created(process, share, first, nobody, nobody, chance)
    n_deals, start = 0, _month(first)
    for day in range(first, last + 1):
        if not works(day):
            continue
        shock = shocks[[_month(day) - start]]
        state, moved = step(process, skill, state, day, shock, chance)
        exposure[day - first], wins[day - first] = moved.exposure, moved.n_won
        n_new = int(chance.poisson(intake(process, day, first)))
        numbers = np.arange(n_deals, n_deals + n_new)
        new = created(process, share, day, np.zeros(n_new, dtype=np.int64), numbers, chance)
        n_deals += n_new
        state = state.plus(new)
        events.append((day, moved.rows.plus(new)))
    return events, exposure, wins


def _log(events: list[tuple[int, Standing]], truth: CrmTruth) -> pd.DataFrame:
    """Lay the rows of all days out as a log, oldest first."""
    nobody = np.empty(0, dtype=np.int64)
    rows = created(truth.process, truth.share, 0, nobody, nobody, np.random.default_rng(0))
    columns = [attrs.asdict(part) for _, part in events] or [attrs.asdict(rows)]
    joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    days = np.repeat([day for day, _ in events], [len(part) for _, part in events]).astype(np.int64)
    rep = joined["rep"]
    log = pd.DataFrame(
        {
            "deal_id": joined["deal"] + 1,
            "stage": np.array(_LABELS, dtype=object)[joined["stage"]],
            "entered_on": _dates(days),
            "amount": joined["amount"].astype(np.int64),
            "rep_id": np.array(truth.rep_ids, dtype=object)[rep],
            "team": np.array(truth.teams, dtype=object)[rep],
            "segment": np.array(SEGMENTS, dtype=object)[joined["segment"]],
            "expected_close": _dates(joined["expected"]),
        }
    )
    return log.sort_values(["entered_on", "deal_id"], kind="stable", ignore_index=True)


def _dates(days: Ints) -> npt.NDArray[np.datetime64]:
    return days.astype("datetime64[D]").astype("datetime64[s]")


def _number(day: dt.date) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))


def _month(day: int) -> int:
    return int(np.datetime64(day, "D").astype("datetime64[M]").astype(np.int64))


def _standing(open_deals: pd.DataFrame, rep_ids: tuple[str, ...], n_draws: int) -> Standing:
    """Repeat the open deals once for each draw."""
    n = len(open_deals)

    def places(column: str, names: tuple[str, ...]) -> Ints:
        codes = pd.Index(names).get_indexer(pd.Index(open_deals[column]))
        if (codes < 0).any():
            unknown = sorted({show(v) for v in open_deals[column][codes < 0].tolist()})
            fault = Problem(
                path=f"open_deals.{column}", message="is not of this company", values=tuple(unknown)
            )
            raise InvalidInput("open_deals: 1 problem", [fault])
        return codes.astype(np.int64)

    def day(column: str) -> Ints:
        return open_deals[column].to_numpy().astype("datetime64[D]").astype(np.int64)

    columns: dict[str, npt.NDArray[Any]] = {
        "deal": np.zeros(n, dtype=np.int64),
        "stage": places("stage", STAGES),
        "since": day("since"),
        "rep": places("rep_id", rep_ids),
        "segment": places("segment", SEGMENTS),
        "amount": open_deals["amount"].to_numpy(dtype=float),
        "expected": day("expected_close"),
    }
    tiled = {name: np.tile(column, n_draws) for name, column in columns.items()}
    return Standing(draw=np.repeat(np.arange(n_draws), n), **tiled)
