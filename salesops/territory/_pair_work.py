"""Workload that depends on the rep: what a pair uses of its rep, and the search where pairs differ."""

from __future__ import annotations

import math
import time

import attrs
import numpy as np

from salesops import _run
from salesops.errors import Infeasible, Problem, show
from salesops.territory._dense import DenseCase, lower_bound, relax
from salesops.territory._dense_search import has_plan, search_dense
from salesops.territory._prices import FloatArray, Instance, IntArray
from salesops.territory._search import Outcome
from salesops.territory._task import Task

_TRY = 0.4
"""Share of the time to look for a plan in which every lead has an owner, where leads may be left."""


def check_pairs(task: Task) -> None:
    """Raise ``Infeasible`` for a lead that must have an owner and fits no rep who may own it."""
    if task.pair_work is None or not task.require_all or not task.n_reps:
        return
    instance, free = task.instance()
    case = DenseCase.of(instance, task.work_of_pairs()[:, free], idle=None)
    alone = np.flatnonzero(~np.isfinite(case.cost).any(axis=0))
    if not len(alone):
        return
    k = int(free[alone[0]])
    lead, work = show(task.leads[k]), task.work_of_pairs()[:, k]
    room = task.upper[:, 0]
    large = np.flatnonzero(work > room * (1 + 1e-9))
    size = Problem(
        path="score.workload",
        message="workload of a lead with every rep who has a limit below it",
        ids=(lead, *(show(task.reps[rep]) for rep in large.tolist())),
        values=tuple(f"{work[rep]:g}, limit {room[rep]:g}" for rep in large.tolist()),
    )
    must = Problem(path="require_all", message="every lead must have an owner")
    raise Infeasible(f"assign: lead {lead} fits no rep who may own it", [must, size])


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
    end = None if time_limit is None else time.monotonic() + time_limit
    work = task.work_of_pairs()[:, free]
    if instance.must_own:
        found = _own_all(instance, work, end, progress)
        if found is not None or not instance.may_leave:
            return found or Outcome(owner=owner, prices=prices, bound=0.0, is_infeasible=True)
    most = float(np.abs(instance.scores[np.isfinite(instance.scores)]).sum())
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


def has_no_plan(task: Task) -> bool:
    """Prove that a small task has no plan."""
    instance, free = task.instance()
    if not instance.n_leads or not instance.n_reps:
        short = instance.must_own and not instance.may_leave and instance.n_leads > 0
        return bool(short or (instance.lower > 0).any() or (instance.upper < 0).any())
    idle = None if instance.must_own and not instance.may_leave else 0.0
    return not has_plan(DenseCase.of(instance, task.work_of_pairs()[:, free], idle=idle))
