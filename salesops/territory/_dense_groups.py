"""The best division of the leads of a few reps among them, by enumeration under a bound. Arrays only."""

from __future__ import annotations

import attrs
import numpy as np

from salesops.territory._dense import DenseCase
from salesops.territory._prices import FloatArray, IntArray

_STEPS = 12
_FEW = 8
_LEVEL = 200
"""What a level of the enumeration costs beside its partial plans, in partial plans."""


@attrs.frozen(kw_only=True, eq=False)
class Group:
    """The part of a case that concerns some reps and the leads they own.

    Attributes
    ----------
    cost : ndarray of shape (r, k)
    use : ndarray of shape (q, k, ...)
        For each limited (rep, resource) what each lead would use of it.
    """

    cost: FloatArray
    work: FloatArray
    upper: FloatArray
    lower: FloatArray

    @classmethod
    def of(cls, case: DenseCase, reps: IntArray, leads: IntArray) -> Group:
        """Cut a group out of a case; work has shape (d, r, k)."""
        at = np.ix_(reps, leads)
        return cls(
            cost=case.cost[at],
            work=np.stack([use[at] for use in case.work]),
            upper=case.upper[reps].T,
            lower=case.lower[reps].T,
        )

    def priced(self, prices: FloatArray) -> FloatArray:
        """Cost of each pair at prices of shape (d, r)."""
        return np.asarray(self.cost + (prices[:, :, None] * self.work).sum(axis=0))

    def worth(self, prices: FloatArray) -> float:
        """Value the limits at the prices."""
        limit = np.where(prices > 0, self.upper, np.where(prices < 0, self.lower, 0.0))
        return float((prices * limit).sum())


def tighten(group: Group, prices: FloatArray, target: float) -> tuple[float, FloatArray]:
    """Raise the bound of a group by a few subgradient steps, at most to the target."""
    best, best_prices, length = -np.inf, prices, 0.7
    leads = np.arange(group.cost.shape[1])
    for _ in range(_STEPS):
        priced = group.priced(prices)
        owner = priced.argmin(axis=0)
        value = float(priced[owner, leads].sum()) - group.worth(prices)
        if value > best:
            best, best_prices = value, prices
        else:
            length *= 0.6
        if value >= target:
            break
        used = _used(group, owner)
        over, under = used - group.upper, used - group.lower
        slope = np.where((prices > 0) | (over > 0), over, np.where((prices < 0) | (under < 0), under, 0.0))
        size = float((slope**2).sum())
        if size <= 1e-12:
            break
        moved = prices + length * max(target - value, 0.0) * slope / size
        prices = np.where(prices * moved < 0, 0.0, moved)
    return best, best_prices


def _used(group: Group, owner: IntArray) -> FloatArray:
    leads, n_reps = np.arange(len(owner)), group.cost.shape[0]
    return np.stack([np.bincount(owner, weights=use[owner, leads], minlength=n_reps) for use in group.work])


def enumerate_plans(
    group: Group,
    prices: FloatArray,
    slack: float,
    *,
    most: int,
    reach: float = 1.0,
    heat: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[IntArray | None, int, bool]:
    """Find the cheapest plan of a group whose cost is at most its bound at the prices plus `slack`.

    Each lead starts at its cheapest rep at the prices; a plan costs the bound, plus what its leads lose
    against that, plus the prices of the limits it leaves unused. Plans that would pass the slack are dropped
    as soon as that is certain. If more than `most` remain, the most promising are kept, and the answer is no
    longer sure to be the cheapest.

    Parameters
    ----------
    reach : float, default 1
        The part of the slack that one lead may take up. At most one lead of a plan takes more than half, so
        that with less than 1 larger groups can be planned, and few plans are missed.
    heat, rng : optional
        Draw one of the plans found, the cheaper ones more likely: of two that differ by `heat`, e to 1.

    Returns
    -------
    owner : ndarray of shape (k,), or None
    work : int
        How many partial plans were looked at.
    is_exact : bool
        Whether nothing promising was dropped.
    """
    priced = group.priced(prices)
    leads = np.arange(priced.shape[1])
    base = priced.argmin(axis=0)
    loss = priced - priced[base, leads]
    option = loss <= reach * slack
    option[base, leads] = False
    free = np.flatnonzero(option.any(axis=0))
    # Large leads first, so that what remains can still close small gaps.
    size = (group.work * np.isfinite(group.upper)[:, :, None]).max(axis=(0, 1), initial=0.0)
    free = free[np.argsort(-size[free], kind="stable")]
    table = _Table.of(group, prices, base)
    fall, rise = table.reach(base, option, free)
    plans = _Plans(lost=np.zeros(1), used=table.used[:, None], parents=[], choices=[])
    looked, is_exact = 0, reach >= 1.0
    for level, lead in enumerate(free.tolist()):
        plans = table.branch(plans, lead, int(base[lead]), np.flatnonzero(option[:, lead]), loss, slack)
        if len(plans.lost) > _FEW or level == len(free) - 1:
            plans, n_dropped = table.prune(plans, fall[level + 1], rise[level + 1], slack, most)
            is_exact &= n_dropped == 0
        looked += len(plans.lost) + _LEVEL
        if not len(plans.lost):
            return None, looked, is_exact
    total = table.total(plans)
    best = int(total.argmin())
    if rng is not None and heat > 0:
        total = np.where(total <= slack, total, np.inf)
        best = int((total - heat * rng.gumbel(size=len(total))).argmin())
    if not total[best] <= slack:
        return None, looked, is_exact
    owner = base.copy()
    for level in range(len(free) - 1, -1, -1):
        choice = int(plans.choices[level][best])
        if choice >= 0:
            owner[free[level]] = choice
        best = int(plans.parents[level][best])
    return owner, looked, is_exact


@attrs.frozen(eq=False)
class _Plans:
    """Partial plans: what each has lost, what it uses, and how it came about."""

    lost: FloatArray
    used: FloatArray
    parents: list[IntArray]
    choices: list[IntArray]


@attrs.frozen(kw_only=True, eq=False)
class _Table:
    """The limits of a group, one row for each rep and resource that has any.

    Attributes
    ----------
    row_of : ndarray of shape (d, r)
        The row of each limit, -1 for none.
    """

    row_of: IntArray
    work: FloatArray
    upper: FloatArray
    lower: FloatArray
    price: FloatArray
    used: FloatArray

    @classmethod
    def of(cls, group: Group, prices: FloatArray, base: IntArray) -> _Table:
        limited = np.isfinite(group.upper) | np.isfinite(group.lower)
        row_of = np.full(limited.shape, -1, dtype=np.int64)
        row_of[limited] = np.arange(int(limited.sum()))
        return cls(
            row_of=row_of,
            work=group.work,
            upper=group.upper[limited][:, None],
            lower=group.lower[limited][:, None],
            price=prices[limited],
            used=_used(group, base)[limited],
        )

    def reach(self, base: IntArray, option: FloatArray, free: IntArray) -> tuple[FloatArray, FloatArray]:
        """Bound how far each row can still fall and rise, from each level on; shape (levels + 1, rows)."""
        levels, rows = len(free), len(self.price)
        fall, rise = np.zeros((levels + 1, rows)), np.zeros((levels + 1, rows))
        place = np.arange(levels)
        for k in range(len(self.row_of)):
            for rep, row in enumerate(self.row_of[k].tolist()):
                if row >= 0:
                    work = self.work[k, rep, free]
                    fall[place, row] = np.where(base[free] == rep, work, 0.0)
                    rise[place, row] = np.where(option[rep, free], work, 0.0)
        return fall[::-1].cumsum(axis=0)[::-1], rise[::-1].cumsum(axis=0)[::-1]

    def branch(
        self, plans: _Plans, lead: int, base: int, options: IntArray, loss: FloatArray, slack: float
    ) -> _Plans:
        """Let a lead stay, or go to each of its options that the slack allows."""
        n = len(plans.lost)
        lost, used, parents = [plans.lost], [plans.used], [np.arange(n)]
        choices = [np.full(n, -1)]
        for rep in options.tolist():
            room = np.flatnonzero(plans.lost <= slack - loss[rep, lead])
            if not len(room):
                continue
            each = plans.used[:, room]
            for k in range(len(self.row_of)):
                for row, sign, where in ((self.row_of[k, base], -1, base), (self.row_of[k, rep], 1, rep)):
                    if row >= 0:
                        each[row] += sign * self.work[k, where, lead]
            lost.append(plans.lost[room] + loss[rep, lead])
            used.append(each)
            parents.append(room)
            choices.append(np.full(len(room), rep))
        return _Plans(
            np.concatenate(lost),
            np.concatenate(used, axis=1),
            [*plans.parents, np.concatenate(parents)],
            [*plans.choices, np.concatenate(choices)],
        )

    def prune(
        self, plans: _Plans, fall: FloatArray, rise: FloatArray, slack: float, most: int
    ) -> tuple[_Plans, int]:
        """Drop partial plans that cannot keep the limits within the slack; say how many more were dropped."""
        low, high = plans.used - fall[:, None], plans.used + rise[:, None]
        fit = ((low <= self.upper) & (high >= self.lower)).all(axis=0)
        least = plans.lost + self._unused(high, low)
        fit &= least <= slack
        kept = np.flatnonzero(fit)
        n_dropped = max(len(kept) - most, 0)
        if n_dropped:
            kept = kept[np.argpartition(least[kept], most)[:most]]
        if len(kept) == len(plans.lost):
            return plans, n_dropped
        fewer = _Plans(
            plans.lost[kept],
            plans.used[:, kept],
            [*plans.parents[:-1], plans.parents[-1][kept]],
            [*plans.choices[:-1], plans.choices[-1][kept]],
        )
        return fewer, n_dropped

    def _unused(self, high: FloatArray, low: FloatArray) -> FloatArray:
        """Price what is left of the limits: at most `high` is used of upper, at least `low` of lower ones."""
        total = np.zeros(high.shape[1])
        for row, price in enumerate(self.price.tolist()):
            if price > 0:
                total += price * np.maximum(self.upper[row] - high[row], 0.0)
            elif price < 0:
                total -= price * np.maximum(low[row] - self.lower[row], 0.0)
        return total

    def total(self, plans: _Plans) -> FloatArray:
        """Sum what whole plans cost beyond the bound; infinite where they break a limit."""
        fit = ((plans.used <= self.upper) & (plans.used >= self.lower)).all(axis=0)
        return np.where(fit, plans.lost + self._unused(plans.used, plans.used), np.inf)
