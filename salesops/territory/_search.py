"""The search for a plan: prices, a first draft, repair, and improvement by chains of moves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import numpy as np

from salesops import _run
from salesops.territory._clock import clock
from salesops.territory._draft import Draft
from salesops.territory._exact import solve_exactly
from salesops.territory._improve import eject, shift
from salesops.territory._listed import MANY, best_scores
from salesops.territory._newton import find_prices
from salesops.territory._polish import polish
from salesops.territory._prices import (
    FloatArray,
    Instance,
    IntArray,
    bound,
    narrow,
    sample,
    torn,
)
from salesops.territory._repair import fill, place, repair, trim
from salesops.territory._smooth import Units, soft_choices

_SMALL = 2_000
_SAMPLE_OF_REP = 50
_PAIRS = 1_600_000
_WIDTH = 8
"""Reps kept for each lead: as many as make so many pairs, but never fewer than the width."""
_FEW = 50_000
"""With no more leads than these, all drafts are mended."""
# Temperature, most steps; on a sample of the leads, then on all.
_WARM = ((0.1, 5), (0.03, 5), (0.01, 5))
_COOL = ((0.01, 6), (0.003, 8), (0.001, 8), (0.0003, 6), (0.0001, 6), (0.00001, 6))
_COOL_MANY = ((0.01, 4), (0.003, 5), (0.001, 5), (0.0003, 4))
_POLISH = (600, 12)
"""Leads in a linear programme: so many, and so many more for each rep."""
_TIED = 2
_COLDEST = 0.00001
_ROUNDS, _ROUNDS_OF_MANY = 4, 2


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
    stay: float = 0.0
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
        if instance.current is not None and instance.max_moves <= 0:
            # Nobody may move: a price that no score is worth says so at once.
            most = float(best_scores(instance.pairs).max(initial=0.0))
            instance = attrs.evolve(instance, stay=4.0 * most + 1.0)
        self.instance = instance
        self.units = Units.of(instance)
        self.prices = np.zeros(instance.upper.shape)
        self.stay = instance.stay
        self.start = (self.prices, self.stay)
        self.looked_at = self.prices
        self.bound = bound(instance, self.prices)
        self.best = Draft.of(instance, np.full(instance.n_leads, -1, dtype=np.int64))
        self.drafted = instance
        self.first: IntArray | None = None
        self.soft: Draft | None = None
        self.is_infeasible = False
        self._end = None if time_limit is None else clock() + time_limit

    def outcome(self) -> Outcome:
        """Give the plan; one that leaves leads out is compared with all plans that may."""
        owner, certified = self.best.owners(), self.bound
        if self.instance.must_own and self.instance.may_leave and (owner < 0).any():
            free = attrs.evolve(self.instance, must_own=False, stay=self.stay)
            certified = bound(free, self.prices)
        return Outcome(
            owner=owner,
            prices=self.prices,
            stay=self.stay,
            bound=certified,
            is_infeasible=self.is_infeasible,
        )

    def stop(self) -> bool:
        """Say whether the time is up."""
        return self._end is not None and clock() > self._end

    def stages(self) -> list[Callable[[], None]]:
        """List what there is to do, smallest problems first to the end."""
        case = self.instance
        if not case.n_leads or not case.n_reps:
            return [self._nothing]
        if case.n_leads * case.n_reps <= _SMALL:
            return [self._exact]
        return [
            self._warm,
            *(self._cool(*step) for step in (_COOL_MANY if case.n_leads > MANY else _COOL)),
            self._polish,
            self._draft,
            self._improve,
        ]

    def _nothing(self) -> None:
        case = self.instance
        self.is_infeasible = bool((case.lower > 0).any() or (case.upper < 0).any())

    def _certify(self) -> None:
        """Bound all plans by the latest prices, and keep these if they are the best."""
        prices, stay = self.start
        if prices is self.looked_at:
            return
        self.looked_at = prices
        certified = bound(attrs.evolve(self.instance, stay=stay), prices)
        if certified < self.bound:
            self.bound, self.prices, self.stay = certified, prices, stay

    def _near(self) -> Instance:
        """Keep the reps with the best offers at the latest prices."""
        prices, stay = self.start
        width = max(_WIDTH, _PAIRS // self.instance.n_leads)
        return narrow(attrs.evolve(self.instance, stay=stay), prices, width)

    def _warm(self) -> None:
        """Find prices on a sample of the leads."""
        part = sample(self.instance, max(2_000, _SAMPLE_OF_REP * self.instance.n_reps))
        prices, stay = self.start
        for temperature, steps in _WARM:
            if self.stop():
                return
            part = attrs.evolve(part, stay=stay)
            prices, stay = find_prices(part, prices, self.units, temperature=temperature, max_steps=steps)
        self.start = (prices, stay)

    def _cool(self, temperature: float, steps: int) -> Callable[[], None]:
        def stage() -> None:
            if not self.stop():
                prices = self.start[0]
                self.start = find_prices(
                    self._near(), prices, self.units, temperature=temperature, max_steps=steps
                )
                if self.instance.n_leads <= MANY:
                    self._keep_soft(temperature)

        return stage

    def _keep_soft(self, temperature: float) -> None:
        """Keep the soft choices that break the limits least.

        Where many offers are nearly equal, the steps at a low temperature are too few for its choices to keep
        the limits; those of a warmer one, which lose a little score, keep them better.
        """
        prices, stay = self.start
        soft = self._soft_draft(prices, stay, temperature)
        if self.soft is None or soft.broken() < self.soft.broken():
            self.soft = soft

    def _polish(self) -> None:
        """Solve a linear programme over the torn leads, and keep its plan as the first draft."""
        if self.stop():
            return
        near, prices = self._near(), self.start[0]
        n_each = _POLISH[1] + -(-_POLISH[0] // near.n_reps)
        spread = partial(soft_choices, near, prices, self.units, _COLDEST)
        part, leads, owner, reach = torn(near, prices, self.units.even, n_each, spread)
        if near.n_leads <= MANY:
            # Prices are good by now: what is wanted is a plan that keeps the limits.
            reach = None
        # Where scores are tied, most leads are torn, and a simplex method loses its way among equals.
        is_tied = len(leads) > _TIED * n_each * near.n_reps
        solved = polish(part, prices, self.units, width=_WIDTH, reach=reach, is_tied=is_tied)
        if solved is not None:
            self._certify()
            self.start = solved[0], solved[1]
            self._certify()
            owner[leads] = solved[2]
            self.first = owner

    def _exact(self) -> None:
        case = self.instance
        solved = polish(case, self.prices, self.units, width=case.n_reps)
        if solved is not None:
            self.start = solved[0], solved[1]
            self._certify()
        limit = None if self._end is None else self._end - clock()
        answer = solve_exactly(case, time_limit=limit)
        if answer.is_infeasible and case.must_own and case.may_leave:
            self.instance = self.drafted = case = attrs.evolve(case, must_own=False)
            self.bound = bound(attrs.evolve(case, stay=self.stay), self.prices)
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
        if answer.owner is None or self.best.broken() > 0:
            self._draft()
            self._improve()

    def _draft(self) -> None:
        """Mend first drafts, soft choices and the solution of a linear programme; keep the best."""
        self._certify()
        case = attrs.evolve(self.instance, stay=self.stay)
        if case.n_leads > MANY:
            # A draft looks at every pair that a rep may take over; where there are many, at the best.
            self.drafted = narrow(case, self.prices, _WIDTH)
            if case.use.shape[1] > 1:
                # Bands take many small repairs, and each looks pairs up.
                self.drafted = attrs.evolve(self.drafted, pairs=self.drafted.pairs.laid_out())
            self.best = Draft.of(self.drafted, self.best.owners())
        if self.soft is not None:
            self._finish(self.soft)
        if self.first is not None:
            self._finish(Draft.of(self.drafted, self.first))
        if case.n_leads <= _FEW or self.best.broken() > 0:
            self._finish(self._soft_draft(self.prices, self.stay, _COLDEST))
        if self.best.broken() > 0 and case.current is not None:
            listed = (case.pairs.laid_out().reps == case.current[:, None]).any(axis=1)
            self._finish(Draft.of(self.drafted, np.where(listed, case.current, -1)))

    def _soft_draft(self, prices: FloatArray, stay: float, temperature: float) -> Draft:
        case = attrs.evolve(self.drafted, stay=stay)
        return Draft.of(self.drafted, soft_choices(case, prices, self.units, temperature))

    def _finish(self, draft: Draft) -> None:
        """Mend a draft and keep it if it is the best."""
        case = self.drafted
        repair(draft, self.prices, max_moves=20 * case.n_reps + case.n_leads // 4, stop=self.stop)
        draft = Draft.of(case, draft.owners())
        trim(draft)
        fill(draft)
        if case.must_own:
            place(draft, max_tries=2_000, stop=self.stop)
        draft = Draft.of(case, draft.owners())
        if _merit(draft) > _merit(self.best):
            self.best = draft

    def _improve(self) -> None:
        case = attrs.evolve(self.drafted, stay=self.stay)
        draft = Draft.of(case, self.best.owners())
        for _ in range(_ROUNDS if case.n_leads <= MANY else _ROUNDS_OF_MANY):
            moved = shift(draft, stop=self.stop)
            moved += eject(draft, self.prices, max_tries=2_000, stop=self.stop)
            if not moved or self.stop():
                break
        self._finish(draft)


def _merit(draft: Draft) -> tuple[float, float, int]:
    """Rank drafts: by how little they break, then by score, then by how many leads have an owner."""
    owned = int((draft.owner < draft.instance.n_reps).sum())
    return -draft.broken(), draft.total(), owned
