"""A stronger bound where reps own few leads each: the reps fill their capacity alone, at prices of the leads.

Each rep solves a 0/1 knapsack over the capacity; what all of them gain, against what the leads pay, bounds
the cost of every plan. Other limits than that of resource 0 stay priced.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._dense import DenseCase
from salesops.territory._prices import FloatArray, IntArray

_EPS = float(np.finfo(float).eps)
_MOST_CELLS = 20_000_000
_LONGEST = 2_000
_KEEP = 0.93
_LOOP = 4_000.0
"""What a step of a loop costs beside its cells, in cells."""


@attrs.frozen(kw_only=True, eq=False)
class Knapsacks:
    """The knapsacks of R reps over n leads, in whole units.

    Attributes
    ----------
    cost : ndarray of shape (R, n)
        What each pair costs, the prices of other resources included.
    work : ndarray of shape (R, n)
        Whole units, rounded down where they are not whole, which only loosens the limits.
    room : ndarray of shape (R,)
    worth : float
        What the limits of other resources pay back.
    """

    cost: FloatArray
    work: IntArray
    room: IntArray
    worth: float

    @classmethod
    def of(cls, case: DenseCase, prices: FloatArray) -> Knapsacks | None:
        """Lay out the knapsacks; None if there is no capacity or the tables would be too large."""
        limited = np.isfinite(case.upper[:, 0])
        if not limited.any() or np.isfinite(case.lower[:, 0]).any() or not case.n_leads:
            return None
        others = prices.copy()
        others[:, 0] = 0.0
        work, room = case.work[0], np.where(limited, case.upper[:, 0], 0.0)
        is_whole = bool((work == np.rint(work)).all())
        unit = 1.0 if is_whole and room.max() <= _LONGEST else _LONGEST / max(float(room.max()), 1e-300)
        used = np.where(limited[:, None], np.floor(np.minimum(work * unit, 1e15)), 0.0)
        return cls(
            cost=case.priced(others),
            work=used.astype(np.int64),
            room=np.floor(room * unit).astype(np.int64),
            worth=float(case.worth(others).sum()),
        )

    def _items(self, pays: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
        """List for each rep the leads that gain something, in the order of leads; the rest gains nothing."""
        gain = pays[None] - self.cost
        good = (gain > 0) & (self.work <= self.room[:, None])
        k = max(int(good.sum(axis=1).max(initial=0)), 1)
        order = np.argsort(~good, axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(good, order, axis=1)
        gains = np.where(kept, np.take_along_axis(gain, order, axis=1), -np.inf)
        return order, gains, np.where(kept, np.take_along_axis(self.work, order, axis=1), 0)

    def effort(self, pays: FloatArray) -> float:
        """Estimate the work of filling all knapsacks once, in cells of a table."""
        k = self._items(pays)[0].shape[1]
        cells = len(self.room) * (float(self.room.max()) + 1.0)
        return float(k * (_LOOP + cells))

    def fill(self, pays: FloatArray) -> tuple[float, npt.NDArray[np.bool_]]:
        """Let each rep fill her knapsack: the bound, and who takes what."""
        order, gains, work = self._items(pays)
        rows, k, longest = np.arange(len(order)), order.shape[1], int(self.room.max())
        taken = np.zeros((k, len(order), longest + 1), dtype=bool)
        table = np.full((len(order), 2 * longest + 1), -np.inf)
        table[:, longest:] = 0.0
        flat, now = table.ravel(), table[:, longest:]
        place = rows[:, None] * table.shape[1] + np.arange(longest, 2 * longest + 1)
        for t in range(k):
            with_it = flat[place - work[:, t, None]] + gains[:, t, None]
            taken[t] = with_it > now
            np.maximum(now, with_it, out=now)
        gained = now[rows, self.room]
        left, takes = self.room.copy(), np.zeros(self.cost.shape, dtype=bool)
        for t in range(k - 1, -1, -1):
            chosen = taken[t, rows, left]
            takes[rows[chosen], order[chosen, t]] = True
            left = left - np.where(chosen, work[:, t], 0)
        size = float(np.abs(pays).sum() + np.abs(gained).sum() + abs(self.worth))
        rounding = 8 * (k + 4) * _EPS * size
        bound: float = math.fsum([*pays.tolist(), *(-gained).tolist()]) - self.worth - rounding
        return bound, takes

    def ascend(
        self, pays: FloatArray, target: float, *, steps: int, stop: Callable[[], bool]
    ) -> tuple[float, FloatArray, FloatArray]:
        """Raise the bound by subgradient steps that remember earlier ones, as the volume algorithm does.

        Returns
        -------
        bound : float
        pays : ndarray of shape (n,)
            What each lead pays at the best bound.
        share : ndarray of shape (R, n)
            How often each rep took each lead of late: nearly a fractional solution.

        References
        ----------
        F. Barahona, R. Anbil (2000), "The volume algorithm: producing primal solutions with a subgradient
        method".
        """
        best, best_pays, length, stale = -math.inf, pays, 1.0, 0
        mean: FloatArray = np.zeros(self.cost.shape)
        weight = 0.0
        for _ in range(steps):
            if stop():
                break
            value, takes = self.fill(pays)
            weight = _KEEP * weight + 1 - _KEEP
            mean = _KEEP * mean + (1 - _KEEP) * takes
            if value > best:
                best, best_pays, stale = value, pays, 0
            else:
                stale += 1
                if stale > 8:
                    length, stale, pays = 0.7 * length, 0, best_pays
            slope = 1.0 - takes.sum(axis=0)
            size = float((slope**2).sum())
            if size <= 0 or value >= target:
                break
            along = 0.6 * slope + 0.4 * (1.0 - mean.sum(axis=0) / weight)
            pays = 0.3 * best_pays + 0.7 * pays + length * (target - value) * along / size
        return best, best_pays, mean / max(weight, _EPS)

    def regrets(self, pays: FloatArray) -> FloatArray | None:
        """Find how much the bound rises for plans with a pair, (R, n); None if that is too much work."""
        order, gains, work = self._items(pays)
        (n_reps, k), longest = order.shape, int(self.room.max())
        if k * n_reps * (longest + 1) > _MOST_CELLS:
            return None
        ahead = self._tables(gains, work)
        behind = self._tables(gains[:, ::-1], work[:, ::-1])
        rows, c = np.arange(n_reps), np.arange(longest + 1)
        whole = ahead[k]
        gained = whole[rows, self.room]
        left = self.room[:, None] - self.work
        loss = gained[:, None] - (pays[None] - self.cost)
        with_it = np.where(left >= 0, np.take_along_axis(whole, np.maximum(left, 0), axis=1), -np.inf)
        loss = loss - with_it
        for t in range(k):
            rest = self.room - work[:, t]
            other = rest[:, None] - c[None]
            both = ahead[t] + np.take_along_axis(behind[k - 1 - t], np.maximum(other, 0), axis=1)
            without = np.where(other >= 0, both, -np.inf).max(axis=1)
            good = np.isfinite(gains[:, t])
            loss[rows[good], order[good, t]] = (gained - gains[:, t] - without)[good]
        return np.maximum(loss, 0.0)

    def _tables(self, gains: FloatArray, work: IntArray) -> FloatArray:
        """Tabulate the best gain of the first t items within each capacity, shape (k + 1, R, longest + 1)."""
        (n_reps, k), longest = gains.shape, int(self.room.max())
        tables = np.full((k + 1, n_reps, 2 * longest + 1), -np.inf)
        tables[:, :, longest:] = 0.0
        place = np.arange(longest, 2 * longest + 1)[None]
        for t in range(k):
            with_it = np.take_along_axis(tables[t], place - work[:, t, None], axis=1) + gains[:, t, None]
            np.maximum(tables[t, :, longest:], with_it, out=tables[t + 1, :, longest:])
        return np.ascontiguousarray(tables[:, :, longest:])
