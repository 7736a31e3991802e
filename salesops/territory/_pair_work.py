"""Workload that depends on the rep: what a pair uses of its rep, and the search where pairs differ."""

from __future__ import annotations

import math

import attrs
import numpy as np

from salesops import _run
from salesops._display import number
from salesops._faults import refuse
from salesops.errors import Infeasible, Problem
from salesops.territory._clock import clock
from salesops.territory._conflicts import Conflict, in_words
from salesops.territory._dense import DenseCase, lower_bound, relax
from salesops.territory._dense_programme import has_plan
from salesops.territory._dense_search import search_dense
from salesops.territory._glance import glance
from salesops.territory._prices import FloatArray, Instance, IntArray
from salesops.territory._rules import Rulebook, System
from salesops.territory._search import Outcome
from salesops.territory._task import Task
from salesops.territory._words import show_lead, show_rep

_MOST_PAIRS, _MOST_RULES = 3_000, 300
_TRY = 0.4
"""Share of the time to look for a plan in which every lead has an owner, where leads may be left."""


def check_pairs(task: Task) -> None:
    """Raise ``Infeasible`` for conflicts that can be read off the tables, leads at their least."""
    found = glance(task)
    if found is not None:
        raise found
    if not task.require_all or not task.n_reps:
        return
    instance, free = task.instance()
    case = DenseCase.of(instance, task.work_of_pairs()[:, free], idle=None)
    alone = np.flatnonzero(~np.isfinite(case.cost).any(axis=0))
    if len(alone):
        raise _fits_nobody(task, int(free[alone[0]]))


def _fits_nobody(task: Task, k: int) -> Infeasible:
    """Say that a lead is too large for each rep who may own it."""
    if task.n_leads * task.n_reps <= _MOST_PAIRS:
        return pair_conflict(task)
    lead, work, room = show_lead(task, k), task.work_of_pairs()[:, k], task.upper[:, 0]
    large = np.flatnonzero(work > room * (1 + 1e-9)).tolist()
    size = Problem(
        path="score.workload",
        message="workload of a lead with reps whose limit is below it",
        ids=(lead, *(show_rep(task, rep) for rep in large)),
        values=tuple(f"{number(work[rep], 6)}, limit {number(room[rep], 6)}" for rep in large),
    )
    must = Problem(path="require_all", message="every lead must have an owner")
    return Infeasible(f"assign: lead {lead} fits no rep who may own it", [must, size])


def pair_conflict(task: Task) -> Infeasible:
    """Say why a problem has no plan: drop rules one by one while it still has none."""
    found = glance(task)
    if found is not None:
        return found
    book, work = Rulebook.of(task), task.work_of_pairs()
    rules = book.everything
    is_small = task.n_leads * task.n_reps <= _MOST_PAIRS and int(rules.sum()) <= _MOST_RULES
    for rule in np.flatnonzero(rules).tolist() if is_small else []:
        trial = rules.copy()
        trial[rule] = False
        if not has_plan(_case_of(book.system(trial), work)):
            rules = trial
    system = book.system(rules)
    use = task.use.copy()
    use[:, 0] = np.where(system.allowed, work.T, np.inf).min(axis=1, initial=np.inf)
    use[:, 0] = np.where(np.isfinite(use[:, 0]), use[:, 0], task.own_work)
    book = attrs.evolve(book, task=attrs.evolve(task, use=use))
    return in_words(Conflict(book=book, rules=rules, is_irreducible=is_small))


def _case_of(system: System, work: FloatArray) -> DenseCase:
    """Lay out what some rules ask of a plan, without scores; nobody may own what need not have an owner."""
    n, n_reps = system.allowed.shape
    cost = np.where(system.allowed.T, 0.0, np.inf)
    uses = [work, *(np.broadcast_to(column, (n_reps, n)) for column in system.use.T[1:])]
    for k, use in enumerate(uses):
        cost[use > system.upper[:, k, None]] = np.inf
    nothing, d = np.zeros((1, n)), system.upper.shape[1]
    return DenseCase(
        cost=np.vstack([cost, np.where(system.must, np.inf, 0.0)[None]]),
        work=tuple(np.vstack([use, nothing]) for use in uses),
        upper=np.vstack([system.upper, np.full((1, d), np.inf)]),
        lower=np.vstack([system.lower, np.full((1, d), -np.inf)]),
        has_nobody=True,
        step=1.0,
    )


def search_pairs(
    task: Task,
    instance: Instance,
    free: IntArray,
    *,
    time_limit: float | None = None,
    progress: _run.Progress | None = None,
) -> Outcome:
    """Find a plan and an upper bound where workload depends on the rep."""
    n, n_reps = instance.n_leads, instance.n_reps
    owner = np.full(n, -1, dtype=np.int64)
    prices = np.zeros(instance.upper.shape)
    if not n or not n_reps:
        broken = bool((instance.lower > 0).any() or (instance.upper < 0).any())
        return Outcome(owner=owner, prices=prices, bound=0.0, is_infeasible=broken)
    if instance.current is not None and (math.isfinite(instance.max_moves) or instance.stay):
        rule = "does not go with a workload that depends on the rep"
        raise refuse("max_moves", rule, instance.max_moves, hint="set move_price instead")
    end = None if time_limit is None else clock() + time_limit
    work = task.work_of_pairs()[:, free]
    if instance.must_own:
        found = _own_all(instance, work, end, progress)
        if found is not None or not instance.may_leave:
            return found or Outcome(owner=owner, prices=prices, bound=0.0, is_infeasible=True)
    scores = instance.pairs.laid_out().scores
    most = float(np.abs(scores[np.isfinite(scores)]).sum())
    case = DenseCase.of(instance, work, idle=2.0 * most + 1.0 if instance.must_own else 0.0)
    answer = search_dense(case, end=end, progress=progress)
    if answer.is_infeasible:
        return Outcome(owner=owner, prices=prices, bound=0.0, is_infeasible=True)
    certified = answer.bound
    if instance.must_own:
        case = DenseCase.of(instance, work, idle=0.0)
        certified = lower_bound(case, relax(case)[0])
    owner = np.where(answer.owner == n_reps, -1, answer.owner)
    return Outcome(owner=owner, prices=answer.prices[:n_reps], bound=-certified)


def _own_all(
    instance: Instance, work: FloatArray, end: float | None, progress: _run.Progress | None
) -> Outcome | None:
    """Look for a plan in which every lead that fits somebody has an owner; None if there is none."""
    case = DenseCase.of(instance, work, idle=None)
    fits = np.isfinite(case.cost).any(axis=0)
    if not fits.all():
        if not instance.may_leave or not fits.any():
            return None
        case = attrs.evolve(case, cost=case.cost[:, fits], work=tuple(use[:, fits] for use in case.work))
    answer = search_dense(case, end=end, progress=progress, give_up=_TRY if instance.may_leave else math.inf)
    if answer.is_infeasible or (answer.breach > 0 and instance.may_leave):
        return None
    owner = np.full(instance.n_leads, -1, dtype=np.int64)
    owner[fits] = answer.owner
    return Outcome(owner=owner, prices=answer.prices, bound=-answer.bound)
