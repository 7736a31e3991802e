"""The search for a plan: prices, a first draft, repair, and improvement by chains of moves."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
import numpy as np

from salesops import _run
from salesops.territory._exact import solve_exactly
from salesops.territory._moves import Draft, eject, fill, repair, shift, trim
from salesops.territory._polish import polish
from salesops.territory._prices import (
    FloatArray,
    Instance,
    IntArray,
    bound,
    choices,
    narrow,
    sample,
)
from salesops.territory._smooth import find_prices, soft_choices

_SMALL = 2_000
_SAMPLE_OF_REP = 50
# Temperature, most steps, reps kept for each lead (0 for all), whether a sample of the leads will do.
_COOLING = (
    (0.1, 30, 0, True),
    (0.01, 40, 0, True),
    (0.001, 60, 0, False),
    *((0.0001, 30, 16, False),) * 4,
    *((0.00001, 30, 16, False),) * 4,
)
_ROUNDS = 4


@attrs.frozen(kw_only=True, eq=False)
class Outcome:
    """The best plan found, the prices, and the bound that they certify.

    Attributes
    ----------
    owner : ndarray of shape (n,)
        -1 for nobody.
    is_infeasible : bool
        Whether it was proved that no plan keeps every limit.
    """

    owner: IntArray
    prices: FloatArray
    bound: float
    is_infeasible: bool = False


def search(
    instance: Instance, *, time_limit: float | None = None, progress: _run.Progress | None = None
) -> Outcome:
    """Find a plan and an upper bound: to the end where the problem is small, else by prices."""
    state = _Search(instance, time_limit)
    for stage in _run.steps(state.stages(), progress):
        stage()
    return state.outcome()


class _Search:
    """What the stages pass on: prices, bound, and the best draft so far."""

    def __init__(self, instance: Instance, time_limit: float | None) -> None:
        demand, room = float(instance.use[:, 0].sum()), float(instance.upper[:, 0].sum())
        if instance.may_leave and demand > room:
            instance = attrs.evolve(instance, must_own=False)
        self.instance = instance
        self.prices = np.zeros(instance.upper.shape)
        self.start = self.prices
        self.bound = bound(instance, self.prices)
        self.best = Draft.of(instance, np.full(instance.n_leads, -1, dtype=np.int64))
        self.is_infeasible = False
        self._end = None if time_limit is None else time.monotonic() + time_limit

    def outcome(self) -> Outcome:
        """Give the plan; one that leaves leads out is compared with all plans that may."""
        owner, certified = self.best.owners(), self.bound
        if self.instance.must_own and self.instance.may_leave and (owner < 0).any():
            certified = bound(attrs.evolve(self.instance, must_own=False), self.prices)
        return Outcome(owner=owner, prices=self.prices, bound=certified, is_infeasible=self.is_infeasible)

    def stop(self) -> bool:
        """Say whether the time is up."""
        return self._end is not None and time.monotonic() > self._end

    def stages(self) -> list[Callable[[], None]]:
        """List what there is to do, smallest problems first to the end."""
        case = self.instance
        if not case.n_leads or not case.n_reps:
            return []
        if case.n_leads * case.n_reps <= _SMALL:
            return [self._exact]
        return [*(self._cool(*step) for step in _COOLING), self._draft, self._improve]

    def _keep(self, prices: FloatArray) -> None:
        certified = bound(self.instance, prices)
        if certified < self.bound:
            self.bound, self.prices = certified, prices

    def _cool(self, temperature: float, steps: int, width: int, on_sample: bool) -> Callable[[], None]:
        def stage() -> None:
            if self.stop():
                return
            part = self.instance
            if on_sample:
                part = sample(part, max(2_000, _SAMPLE_OF_REP * part.n_reps))
            if width:
                part = narrow(part, self.start, width)
            self.start = find_prices(part, self.start, temperature=temperature, max_steps=steps)
            self._keep(self.start)

        return stage

    def _exact(self) -> None:
        case = self.instance
        everyone = np.arange(case.n_leads)
        nobody = np.full(case.n_leads, -1, dtype=np.int64)
        solved = polish(case, self.prices, nobody, everyone, width=case.n_reps)
        if solved is not None:
            self._keep(solved[0])
        limit = None if self._end is None else self._end - time.monotonic()
        answer = solve_exactly(case, time_limit=limit)
        if answer.is_infeasible and case.must_own and case.may_leave:
            self.instance = case = attrs.evolve(case, must_own=False)
            self.bound = bound(case, self.prices)
            answer = solve_exactly(case, time_limit=limit)
        if answer.is_infeasible:
            self.is_infeasible = True
            return
        certificate = answer
        if (case.rest > 0).any():
            certificate = solve_exactly(case, hopeful=True, time_limit=limit)
        if certificate.bound is not None:
            self.bound = min(self.bound, certificate.bound)
        if answer.owner is not None:
            self._finish(Draft.of(case, answer.owner))
        if answer.owner is None or (self.best.breaches() > 0).any():
            self._draft()
            self._improve()

    def _draft(self) -> None:
        """Make first drafts, from the soft choices and from a linear programme, and keep the better one."""
        case = self.instance
        first = soft_choices(case, self.prices, _COOLING[-1][0])
        _, margin = choices(case, self.prices)
        close = np.sort(np.argsort(margin, kind="stable")[: 600 + 12 * case.n_reps])
        solved = polish(case, self.prices, first, close)
        self._finish(Draft.of(case, first))
        if solved is not None and not self.stop():
            self._keep(solved[0])
            self._finish(Draft.of(case, solved[1]))

    def _finish(self, draft: Draft) -> None:
        """Mend a draft and keep it if it is the best."""
        case = self.instance
        repair(draft, self.prices, max_moves=20 * case.n_reps + case.n_leads // 4, stop=self.stop)
        draft = Draft.of(case, draft.owners())
        trim(draft)
        fill(draft)
        draft = Draft.of(case, draft.owners())
        if _merit(draft) > _merit(self.best):
            self.best = draft

    def _improve(self) -> None:
        draft = Draft.of(self.instance, self.best.owners())
        for _ in range(_ROUNDS):
            moved = shift(draft, stop=self.stop)
            moved += eject(draft, self.prices, max_tries=2_000, stop=self.stop)
            if not moved or self.stop():
                break
        self._finish(draft)


def _merit(draft: Draft) -> tuple[float, float]:
    """Rank drafts: first by how little they break, then by score."""
    return -float(draft.breaches().sum()), float(draft.current(np.arange(len(draft.owner))).sum())
