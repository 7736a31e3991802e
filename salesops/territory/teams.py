"""Teams that own leads jointly: plans of teams first, then of their members."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np
import pandas as pd

from salesops import _run
from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import Reader, check_known
from salesops.errors import Problem, show
from salesops.territory._account import digest, look_at_offers
from salesops.territory._eligible import read_match
from salesops.territory._newton import find_prices
from salesops.territory._prices import IntArray, bound, sample
from salesops.territory._smooth import Units
from salesops.territory._task import Task, read_task
from salesops.territory._united import ids_of, read_teams, united_proximity, united_table
from salesops.territory.assignment import assign, bound_of_locks, drawn_plan
from salesops.territory.inputs import labels_at, read_rows, tables
from salesops.territory.plan import TerritoryPlan
from salesops.territory.results import Proximity

__all__ = ["by_team", "within_teams"]

_OWNER = "(team)"
"""The column of the leads that names the team they belong to."""
_PAIRS = ("score", "locked", "forbidden", "current")
_COOLING = ((0.01, 6), (0.001, 8), (0.0001, 8))
_SAMPLE = (2_000, 50)
"""Leads on which prices for the flat bound are found: so many, and so many for each rep."""


def by_team(
    reps: object,
    prox: Proximity,
    *,
    team: str = "team",
    combine: Literal["max", "sum", "mean"] = "max",
    match: Sequence[str] | Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, Proximity]:
    """Take reps together as teams, so that :func:`assign` can give leads to teams.

    Parameters
    ----------
    reps : table
        As for :func:`assign`, and the team of each rep.
    prox : Proximity
        Over at least these reps.
    team : str, default "team"
        The column that names the team.
    combine : {"max", "sum", "mean"}, default "max"
        What a team scores for a lead: what its nearest member does ("max"), what its members do together, or
        that divided by the size of the team. The last two count the members whom `prox` has kept for the lead
        (``top`` of :func:`proximity`).
    match : names of columns, or mapping, optional
        As for :func:`assign`: these columns of the reps are united as well.
    columns : mapping, optional
        ``{"name in your table": "name above"}``.

    Returns
    -------
    teams : DataFrame
        One row for each team: ``rep_id`` is the team; ``capacity``, ``share`` (a rep without one counts 1)
        and limits such as ``value_max`` are sums, ``skills`` and matched columns are what any member has;
        ``n_reps``. Columns can be changed or added before the table goes into :func:`assign`.
    prox : Proximity
        Of the teams; an introduction goes through the nearest member.

    Raises
    ------
    InvalidInput
        With every fault of the table, and every rep whom the proximity does not have.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "acme"]})
    >>> reps = {"rep_id": ["ann", "bo", "cy"], "team": ["north", "north", "south"], "capacity": [1, 2, 3]}
    >>> leads = {"lead_id": ["acme"]}
    >>> near = territory.proximity(graph, reps, leads, method="introduction_path")
    >>> teams, joint = territory.by_team(reps, near, combine="sum")
    >>> teams
      rep_id  capacity  share  n_reps
    0  north       3.0    2.0       2
    1  south       3.0    1.0       1
    >>> joint.score("north", "acme")
    1.0
    >>> territory.assign(teams, leads, joint).to_frame()["rep_id"].tolist()
    ['north']
    """
    check_choice("combine", combine, ("max", "sum", "mean"))
    _check_proximity(prox)
    faults: list[Problem] = []
    rows = read_rows(tables(columns, reps=reps)["reps"], "reps", "rep_id", faults)
    labels, team_of = read_teams(rows, team)
    check_known(faults, "reps.rep_id", rows.ids, prox.rep_labels, "the proximity", rows.table.rows)
    wanted = [name for name in read_match(match, faults).values() if name != team]
    united = [name for name in ("skills", *wanted) if name != "skills" or rows.table.has(name)]
    teams = united_table(rows, labels, team_of, united)
    raise_all("by_team", faults)
    place = rows.labels.codes(ids_of(prox.rep_labels))
    theirs = np.where(place >= 0, team_of[place] if len(team_of) else -1, -1)
    return teams, united_proximity(prox, labels, theirs, combine)


def _check_proximity(prox: object) -> None:
    if not isinstance(prox, Proximity):
        raise refuse("prox", "is not the result of proximity()", type(prox).__name__)


def within_teams(
    plan: TerritoryPlan,
    reps: object,
    leads: object,
    prox: Proximity | None = None,
    *,
    team: str = "team",
    score: object = None,
    balance: Mapping[str, float | tuple[float, float] | None] | None = None,
    locked: object = None,
    forbidden: object = None,
    match: Sequence[str] | Mapping[str, str] | None = None,
    current: object = None,
    move_price: float = 0.0,
    require_all: bool = False,
    fallback: Literal["cold", "none"] = "cold",
    time_limit: float | None = None,
    progress: _run.Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> TerritoryPlan:
    """Divide the leads of each team among its members.

    Parameters
    ----------
    plan : TerritoryPlan
        Of teams, as from :func:`assign` with the tables of :func:`by_team`.
    reps : table
        As for :func:`assign`, and the team of each rep.
    leads : table
        As for :func:`assign`; every lead stands in the plan.
    prox : Proximity, optional
        Over at least these reps and leads.
    team : str, default "team"
        The column of the reps that names the team.
    score, balance, locked, forbidden, match, current, move_price, require_all, fallback, progress, columns
        As for :func:`assign`, and applied team by team: fair shares divide what the team owns.
    time_limit : float, optional
        Seconds for each team.

    Returns
    -------
    TerritoryPlan
        One plan for all the reps. Its ``bound`` is the sum of the teams' bounds, and its ``gap`` is certified
        **given the split into teams**: no plan that leaves every lead with its team scores more.
        ``flat_bound`` and ``flat_gap`` compare it with all plans within the capacities of the reps and their
        own limits, whatever the teams and bands (None where workload depends on the rep). A rep of another
        team who scores more for a lead is named by ``explain`` as one who lacks the team. Leads without a
        team have no owner, and the reason begins with "no team".

    Raises
    ------
    InvalidInput
        With every fault of the tables; among them leads that the plan does not have, teams with leads and
        without members, and locks to a rep of another team.
    Infeasible
        If no plan of a team keeps every limit.

    Examples
    --------
    >>> from salesops import territory
    >>> ties = {"source": ["ann", "bo", "cy", "cy"], "target": ["acme", "bolt", "cog", "bolt"]}
    >>> graph = territory.SocialGraph.from_ties(ties)
    >>> reps = {"rep_id": ["ann", "bo", "cy"], "team": ["north", "north", "south"], "capacity": [1, 1, 1]}
    >>> leads = {"lead_id": ["acme", "bolt", "cog"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> teams, joint = territory.by_team(reps, near)
    >>> of_teams = territory.assign(teams, leads, joint)
    >>> plan = territory.within_teams(of_teams, reps, leads, near)
    >>> plan.to_frame()[["lead_id", "rep_id"]]
      lead_id rep_id
    0    acme    ann
    1    bolt     bo
    2     cog     cy
    >>> round(plan.gap, 6), round(plan.flat_gap, 6)
    (0.0, 0.0)
    """
    frames = tables(
        columns, reps=reps, leads=leads, score=score, locked=locked, forbidden=forbidden, current=current
    )
    options: dict[str, Any] = {"balance": balance, "require_all": require_all, "fallback": fallback}
    case = _Case.of(plan, frames, prox, team, move_price, {**options, "match": match})
    parts = []
    for cut in _run.steps(case.cuts(), progress):
        price = 0.0 if cut.get("current") is None else move_price
        given: dict[str, Any] = {**cut, **options, "match": match, "move_price": price}
        parts.append(assign(prox=prox, time_limit=time_limit, **given))
    made = _joined(case, parts, prox)
    return attrs.evolve(made, flat_bound=_flat_bound(case, made, prox))


@attrs.frozen(kw_only=True, eq=False)
class _Case:
    """The tables of all teams, and which team has which rep and lead.

    Attributes
    ----------
    task : Task
        All teams together, where a lead asks its owner to be of its team.
    of_rep, of_lead : ndarray
        The team of each rep and lead, in label order, by position in the plan of teams; -1 for none.
    """

    plan: TerritoryPlan
    frames: dict[str, pd.DataFrame]
    task: Task
    of_rep: IntArray
    of_lead: IntArray
    options: dict[str, Any]

    @classmethod
    def of(
        cls,
        plan: object,
        frames: dict[str, pd.DataFrame],
        prox: Proximity | None,
        team: str,
        move_price: float,
        options: dict[str, Any],
    ) -> _Case:
        """Read all tables at once, and find whose the leads are."""
        if not isinstance(plan, TerritoryPlan):
            raise refuse("plan", "is not a territory plan", type(plan).__name__)
        faults: list[Problem] = []
        reps = read_rows(frames["reps"], "reps", "rep_id", faults)
        leads = read_rows(frames["leads"], "leads", "lead_id", faults)
        column = reps.table.ids(team)
        check_known(faults, f"reps.{team}", column, plan.rep_labels, "the plan of teams", reps.table.rows)
        check_known(
            faults, "leads.lead_id", leads.ids, plan.lead_labels, "the plan of teams", leads.table.rows
        )
        raise_all("within_teams", faults)
        of_rep = reps.column(plan.rep_labels.codes(column))
        of_lead = plan.owner[plan.lead_labels.codes(ids_of(leads.labels))]
        names = np.empty(len(of_lead), dtype=object)
        names[leads.order] = labels_at(plan.rep_labels, of_lead)
        asked = frames["leads"].assign(
            **{_OWNER: pd.Series(names, index=frames["leads"].index, dtype=object)}
        )
        options = {**options, "move_price": move_price, "columns": None}
        options.update({name: frames.get(name) for name in _PAIRS})
        apart = {**read_match(options["match"], faults), _OWNER: team}
        task = read_task(frames["reps"], asked, prox, **{**options, "match": apart})
        case = cls(plan=plan, frames=frames, task=task, of_rep=of_rep, of_lead=of_lead, options=options)
        raise_all("within_teams", case.faults(team))
        return case

    def faults(self, team: str) -> list[Problem]:
        """Name the teams that have leads and nobody to own them, and the locks that reach across."""
        found, plan = list[Problem](), self.plan
        empty = np.setdiff1d(self.of_lead[self.of_lead >= 0], self.of_rep).tolist()
        if empty:
            values = tuple(show(plan.rep_labels[k]) for k in empty)
            rule = "a team of the plan owns leads and has no members"
            found.append(Problem(path=f"reps.{team}", message=rule, values=values))
        held = np.flatnonzero(self.task.locked >= 0)
        apart = held[self.of_rep[self.task.locked[held]] != self.of_lead[held]]
        if len(apart):
            ids = tuple(show(self.task.leads[k]) for k in apart.tolist())
            rule = "locks a lead to a rep of another team than the plan gives it to"
            hint = "lock it to her team when the plan of teams is drawn"
            found.append(Problem(path="locked", message=rule, ids=ids, hint=hint))
        return found

    def cuts(self) -> list[dict[str, Any]]:
        """Cut the tables into those of each team; pairs across teams are left out."""
        ids = (("rep_id", self.task.reps, self.of_rep), ("lead_id", self.task.leads, self.of_lead))
        theirs = {
            name: {
                key: np.append(team, -1)[labels.codes(Reader(frame, name).ids(key, optional=True))]
                for key, labels, team in ids
                if key in frame.columns
            }
            for name, frame in self.frames.items()
        }
        return [
            {
                name: frame[np.logical_and.reduce([whose == team for whose in theirs[name].values()])]
                for name, frame in self.frames.items()
            }
            for team in np.unique(self.of_rep).tolist()
        ]


def _joined(case: _Case, parts: list[TerritoryPlan], prox: Proximity | None) -> TerritoryPlan:
    """Make one plan of those of all teams."""
    task = case.task
    owner = np.full(task.n_leads, -1, dtype=np.int64)
    upper, lower, prices = task.upper.copy(), task.lower.copy(), np.zeros(task.upper.shape)
    for part in parts:
        rep, lead = task.reps.codes(ids_of(part.rep_labels)), task.leads.codes(ids_of(part.lead_labels))
        owner[lead] = np.append(rep, -1)[part.owner]
        upper[rep], lower[rep], prices[rep] = part.upper, part.lower, part.prices
    fingerprint = digest(task)
    task = attrs.evolve(task, upper=upper, lower=lower).with_work_of(owner)
    most = math.fsum(part.bound for part in parts)
    if task.current is not None:
        # A lead that is with another team's rep today moves in any case; its team's plan takes it for new.
        today = np.where(task.current >= 0, np.append(case.of_rep, -1)[task.current], case.of_lead)
        most -= task.move_price * int(((task.current >= 0) & (today != case.of_lead)).sum())
    offers = look_at_offers(task, owner)
    made = drawn_plan(task, owner, offers, prices=prices, bound=most, prox=prox, fingerprint=fingerprint)
    alone = case.of_lead < 0
    why = case.plan.reason[case.plan.lead_labels.codes(ids_of(task.leads))]
    reason = made.reason.copy()
    reason[alone] = [f"no team: {reason}" for reason in why[alone].tolist()]
    return attrs.evolve(made, reason=reason)


def _flat_bound(case: _Case, made: TerritoryPlan, prox: Proximity | None) -> float | None:
    """Bound all plans within the limits of the reps alone, at the teams' prices and at better ones."""
    if case.task.pair_work is not None:
        return None
    task = read_task(case.frames["reps"], case.frames["leads"], prox, **{**case.options, "balance": None})
    instance, free = task.instance()
    if not instance.n_leads or not instance.n_reps:
        return made.bound
    if (made.owner[free] < 0).any():
        instance = attrs.evolve(instance, must_own=False)
    prices = np.maximum(made.prices[:, :1], 0.0)
    best = bound(instance, prices)
    part = sample(instance, max(_SAMPLE[0], _SAMPLE[1] * instance.n_reps))
    units, stay = Units.of(instance), instance.stay
    for temperature, steps in _COOLING:
        part = attrs.evolve(part, stay=stay)
        prices, stay = find_prices(part, prices, units, temperature=temperature, max_steps=steps)
        best = min(best, bound(attrs.evolve(instance, stay=stay), prices))
    locks = bound_of_locks(task, look_at_offers(task, made.owner))
    return best + locks - task.move_price * (task.n_settled(free) + task.n_forced(free))
