"""The rules of an assignment one by one, and the problem that is left when only some of them are kept."""

from __future__ import annotations

from functools import cached_property

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._task import Task

Mask = npt.NDArray[np.bool_]

_TOLERANCE = 1e-9


@attrs.frozen(kw_only=True, eq=False)
class System:
    """What some rules ask of a plan: n leads, R reps, d resources.

    Attributes
    ----------
    use : ndarray of shape (n, d)
    allowed : ndarray of bool, shape (n, R)
    must : ndarray of bool, shape (n,)
        Which leads are to have an owner.
    upper, lower : ndarray of shape (R, d)
        Infinite where there is no limit.
    today : ndarray of shape (n,)
        Who owns each lead today, -1 for nobody.
    max_moves : float
        How many of those leads may go to somebody else, or to nobody; infinite where there is no limit.
    """

    use: FloatArray
    allowed: Mask
    must: Mask
    upper: FloatArray
    lower: FloatArray
    today: IntArray
    max_moves: float

    @property
    def is_limited(self) -> Mask:
        """Which reps have a limit."""
        return np.asarray(np.isfinite(self.upper).any(axis=1) | (self.lower > 0).any(axis=1))

    @cached_property
    def may_stay(self) -> Mask:
        """Which leads have an owner today who may keep them."""
        settled = np.flatnonzero(self.today >= 0)
        stays = np.zeros(len(self.today), dtype=bool)
        stays[settled] = self.allowed[settled, self.today[settled]]
        return stays

    @cached_property
    def moves(self) -> Mask:
        """Which pairs would be a move, shape (n, R)."""
        moved = np.repeat((self.today >= 0)[:, None], self.allowed.shape[1], axis=1)
        settled = np.flatnonzero(self.today >= 0)
        moved[settled, self.today[settled]] = False
        return moved

    def n_moved(self, owner: IntArray) -> int:
        """Count the leads that change hands."""
        return int(((self.today >= 0) & (owner != self.today)).sum())


@attrs.frozen(kw_only=True, eq=False)
class Rulebook:
    """Every rule of a task as a number, in a fixed order; a set of rules is a mask over them.

    The order: limits of the reps, locks, bans, what leads ask for, that leads go only where a connection is
    known, that every lead has an owner, that only so many change hands.

    Attributes
    ----------
    limits : ndarray of shape (m, 3)
        Rep, resource, position in ``task.bounds`` of each limit.
    locks, bans, needs : ndarray
        Leads that are locked, rows of ``task.forbidden``, positions in ``task.eligibility.needs``.
    """

    task: Task
    limits: IntArray
    locks: IntArray
    bans: IntArray
    needs: IntArray

    @classmethod
    def of(cls, task: Task) -> Rulebook:
        """List the rules of a task."""
        limits = [
            (int(rep), bound.resource, k)
            for k, bound in enumerate(task.bounds)
            for rep in np.flatnonzero(np.isfinite(bound.amount) & (bound.is_upper | (bound.amount > 0)))
        ]
        return cls(
            task=task,
            limits=np.array(sorted(limits), dtype=np.int64).reshape(-1, 3),
            locks=np.flatnonzero(task.locked >= 0),
            bans=np.arange(len(task.forbidden)),
            needs=np.arange(len(task.eligibility.needs)),
        )

    @cached_property
    def starts(self) -> tuple[int, int, int, int, int, int, int]:
        """Where locks, bans, needs, the rules of connections, owners and moves start, and where rules end."""
        a = len(self.limits)
        b = a + len(self.locks)
        c = b + len(self.bans)
        d = c + len(self.needs)
        return a, b, c, d, d + 1, d + 2, d + 3

    @property
    def everything(self) -> Mask:
        """All the rules that there are."""
        kept = np.ones(self.starts[-1], dtype=bool)
        kept[-3:] = self.task.fallback == "none", self.task.require_all, np.isfinite(self.task.max_moves)
        return kept

    @cached_property
    def today(self) -> IntArray:
        """Who owns each lead today, -1 for nobody."""
        current = self.task.current
        return np.full(self.task.n_leads, -1, dtype=np.int64) if current is None else current

    @cached_property
    def amounts(self) -> FloatArray:
        """The amount of each limit, loosened by what sums of floats can tell."""
        bounds = self.task.bounds
        loose = [bound.amount * (1 + (_TOLERANCE if bound.is_upper else -_TOLERANCE)) for bound in bounds]
        return np.array([loose[k][rep] for rep, _, k in self.limits.tolist()])

    @cached_property
    def is_upper(self) -> Mask:
        """Which limits are from above."""
        return np.array([self.task.bounds[k].is_upper for _, _, k in self.limits.tolist()], dtype=bool)

    @cached_property
    def known(self) -> Mask:
        """Which connections are known, shape (n, R); an owner of today has one."""
        task = self.task
        known = np.zeros((task.n_leads, task.n_reps), dtype=bool)
        reps = task.pairs.laid_out().reps
        lead, column = np.nonzero(reps >= 0)
        known[lead, reps[lead, column]] = True
        settled = np.flatnonzero(self.today >= 0)
        known[settled, self.today[settled]] = True
        return known

    def system(self, kept: Mask) -> System:
        """Give the problem that some rules leave."""
        task, (a, b, c, d, e, f, _) = self.task, self.starts
        upper = np.full((task.n_reps, len(task.quantities)), np.inf)
        lower = np.full(upper.shape, -np.inf)
        for side, array, tighten in ((True, upper, np.minimum), (False, lower, np.maximum)):
            rows = np.flatnonzero(kept[:a] & (self.is_upper == side))
            place = (self.limits[rows, 0], self.limits[rows, 1])
            tighten.at(array, place, self.amounts[rows])
        allowed = self._may(kept)
        if kept[d]:
            allowed &= self.known
        locks = self.locks[kept[a:b]]
        allowed[locks] = False
        allowed[locks, task.locked[locks]] = self._may(kept, locks)[np.arange(len(locks)), task.locked[locks]]
        bans = task.forbidden[self.bans[kept[b:c]]]
        allowed[bans[:, 0], bans[:, 1]] = False
        must = np.full(task.n_leads, bool(kept[e]))
        must[locks] = True
        return System(
            use=task.use,
            allowed=allowed,
            must=must,
            upper=upper,
            lower=lower,
            today=self.today,
            max_moves=task.max_moves if kept[f] else np.inf,
        )

    def _may(self, kept: Mask, leads: IntArray | slice = slice(None)) -> Mask:
        """Which reps have what the leads ask for, as far as that is kept."""
        c = self.starts[2]
        eligibility = self.task.eligibility
        may = np.array(
            [eligibility.has[[k for k in needs if kept[c + k]]].all(axis=0) for needs in eligibility.kinds],
            dtype=bool,
        ).reshape(len(eligibility.kinds), self.task.n_reps)
        return np.asarray(may[eligibility.kind[leads]])

    def lead_of(self, rule: int) -> int:
        """Give the lead that a lock or a ban is about; -1 for other rules."""
        a, b, c, *_ = self.starts
        if a <= rule < b:
            return int(self.locks[rule - a])
        return int(self.task.forbidden[rule - b, 0]) if b <= rule < c else -1

    def rules_of_leads(self) -> IntArray:
        """Give the lead of every lock and ban, in the order of the rules."""
        return np.concatenate([self.locks, self.task.forbidden[:, 0]])
