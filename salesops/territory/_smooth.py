"""Prices by a softened dual: smooth enough for a quasi-Newton method, sharper as the temperature falls."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._prices import FloatArray, Instance, IntArray, cost

_GOLDEN = 0.6180339887498949
_MOST_GROUPS = 9
"""Leads are halved so many times into groups of similar use."""


def find_prices(instance: Instance, prices: FloatArray, *, temperature: float, max_steps: int) -> FloatArray:
    """Minimise the dual, its maxima softened by a temperature, from given prices.

    The temperature is in units of the mean best score. A quasi-Newton method with bounds does the work.
    """
    from scipy.optimize import minimize

    smooth = _Smooth.of(instance)
    if not smooth.n_variables or not instance.n_leads:
        return np.zeros(instance.upper.shape)
    x = smooth.pack(prices)
    answer = minimize(
        smooth.value_and_slope,
        x,
        args=(temperature,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * len(x),
        options={"maxiter": max_steps, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-8},
    )
    return smooth.unpack(answer.x)


def soft_choices(instance: Instance, prices: FloatArray, temperature: float) -> IntArray:
    """Let each lead choose at the prices, leads that are torn spreading over what tears them.

    Where the softened dual is least, the soft choices keep the limits on average; evenly spaced thresholds
    turn the parts of torn leads into whole choices. Gives the owner of each lead, -1 for nobody.
    """
    smooth = _Smooth.of(instance)
    parts, cold, weights = smooth.parts(prices, temperature * smooth.scale)
    spread = np.cumsum(parts, axis=1)
    turn = (np.arange(instance.n_leads) * _GOLDEN + 0.5) % 1.0
    place = (spread <= turn[:, None]).sum(axis=1)
    owner = np.full(instance.n_leads, -1, dtype=np.int64)
    listed = np.flatnonzero(place < instance.reps.shape[1])
    owner[listed] = instance.reps[listed, place[listed]]
    if smooth.groups is not None:
        total = spread[:, -1] if spread.shape[1] else np.zeros(instance.n_leads)
        others = np.flatnonzero((owner < 0) & instance.is_open & (turn < total + cold))
        again = (np.arange(instance.n_leads) * _GOLDEN**2 + 0.25)[others] % 1.0
        among = np.cumsum(weights, axis=1)[smooth.groups.group[others]]
        owner[others] = np.minimum((among <= again[:, None]).sum(axis=1), instance.n_reps - 1)
        owner[others[~instance.may[instance.kind[others], owner[others]]]] = -1
        if len(instance.banned):
            key = np.arange(instance.n_leads) * instance.n_reps + owner
            owner[np.isin(key, instance.banned @ [instance.n_reps, 1])] = -1
    return owner


@attrs.frozen(kw_only=True, eq=False)
class _Groups:
    """Leads of similar use, which look for the cheapest rep together."""

    group: IntArray
    use: FloatArray

    @classmethod
    def of(cls, use: FloatArray) -> _Groups:
        """Take leads of equal use together, or, if there are too many kinds, halve again and again."""
        distinct, group = np.unique(use, axis=0, return_inverse=True)
        if len(distinct) <= 2**_MOST_GROUPS:
            return cls(group=group.ravel(), use=distinct)
        group = np.zeros(len(use), dtype=np.int64)
        varied = np.flatnonzero(use.max(axis=0) > use.min(axis=0))
        for step in range(_MOST_GROUPS):
            order = np.lexsort((use[:, varied[step % len(varied)]], group))
            size = np.bincount(group)
            rank = np.arange(len(use)) - (np.cumsum(size) - size)[group[order]]
            group[order] = 2 * group[order] + (2 * rank >= size[group[order]])
        _, group = np.unique(group, return_inverse=True)
        size = np.bincount(group)
        mean = np.stack([np.bincount(group, weights=column) / size for column in use.T], axis=1)
        return cls(group=group, use=mean)

    def cheapest(self, use: FloatArray, prices: FloatArray, heat: float) -> tuple[FloatArray, FloatArray]:
        """Soften the lowest price of each lead over all reps; and give the reps' parts in each group."""
        price = self.use @ prices.T
        low = price.min(axis=1, keepdims=True)
        part = np.exp((low - price) / heat)
        total = part.sum(axis=1, keepdims=True)
        part /= total
        # The softened minimum is the mean price less the heat times the entropy.
        calm = (part * price).sum(axis=1) - (low[:, 0] - heat * np.log(total[:, 0]))
        mean = part @ prices
        return (use * mean[self.group]).sum(axis=1) - calm[self.group], part

    def spread(self, use: FloatArray, part: FloatArray) -> FloatArray:
        """Spread what the leads of each group use over the reps."""
        of_group = [np.bincount(self.group, weights=column, minlength=len(self.use)) for column in use.T]
        return np.asarray(part.T @ np.stack(of_group, axis=1))


@attrs.frozen(kw_only=True, eq=False)
class _Smooth:
    """The dual in even units, its maxima softened: variables are the prices of upper and of lower limits."""

    instance: Instance
    scale: float
    unit: FloatArray
    has_upper: npt.NDArray[np.bool_]
    has_lower: npt.NDArray[np.bool_]
    seats: IntArray
    groups: _Groups | None

    @classmethod
    def of(cls, instance: Instance) -> _Smooth:
        best = np.maximum(instance.scores.max(axis=1, initial=0.0), 0.0)
        unit = instance.use.mean(axis=0) if len(instance.use) else np.ones(instance.use.shape[1])
        return cls(
            instance=instance,
            scale=float(best.mean()) if len(best) and best.mean() > 0 else 1.0,
            unit=np.where(unit > 0, unit, 1.0),
            has_upper=np.isfinite(instance.upper),
            has_lower=np.isfinite(instance.lower),
            seats=np.maximum(instance.reps, 0).ravel().astype(np.int64),
            groups=_Groups.of(instance.use) if np.isfinite(instance.rest).any() else None,
        )

    @property
    def n_variables(self) -> int:
        """How many prices there are to find."""
        return int(self.has_upper.sum() + self.has_lower.sum())

    def pack(self, prices: FloatArray) -> FloatArray:
        """Write prices as variables in even units."""
        even = prices * self.unit / self.scale
        return np.concatenate([np.maximum(even, 0)[self.has_upper], np.maximum(-even, 0)[self.has_lower]])

    def unpack(self, x: FloatArray) -> FloatArray:
        """Read variables as prices."""
        prices = np.zeros(self.has_upper.shape)
        n = int(self.has_upper.sum())
        prices[self.has_upper] = x[:n]
        prices[self.has_lower] -= x[n:]
        return prices * self.scale / self.unit

    def value_and_slope(self, x: FloatArray, temperature: float) -> tuple[float, FloatArray]:
        """Give the softened dual and its gradient, both for a mean lead."""
        case = self.instance
        prices = self.unpack(x)
        parts, cold, weights, value = self._soft(prices, temperature * self.scale)
        used = np.zeros(case.upper.shape)
        for k in range(case.use.shape[1]):
            weight = (parts * case.use[:, k, None]).ravel()
            used[:, k] = np.bincount(self.seats, weights=weight, minlength=case.n_reps)
        if self.groups is not None:
            used += self.groups.spread(case.use * cold[:, None], weights)
        return self._even(value, used, x)

    def parts(self, prices: FloatArray, heat: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Split each lead: its parts at listed reps and at others, and how those spread in its group."""
        return self._soft(prices, heat)[:3]

    def _soft(self, prices: FloatArray, heat: float) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Soften the best offers: the parts of each lead, and the sum of its softened maxima."""
        case = self.instance
        offer = case.scores - cost(case, prices)
        rest, weights = np.full(case.n_leads, -np.inf), np.empty((0, 0))
        if self.groups is not None:
            low, weights = self.groups.cheapest(case.use, prices, heat)
            rest = case.rest - low
        idle = -np.inf if case.must_own else 0.0
        top = np.maximum(np.maximum(offer.max(axis=1, initial=-np.inf), rest), idle)
        top = np.where(np.isfinite(top), top, 0.0)
        offer -= top[:, None]
        offer /= heat
        parts = np.exp(offer, out=offer)
        cold = np.exp((rest - top) / heat)
        total = np.maximum(parts.sum(axis=1) + cold + np.exp((idle - top) / heat), 1e-300)
        value = float(top.sum() + heat * np.log(total).sum())
        parts /= total[:, None]
        return parts, cold / total, weights, value

    def _even(self, value: float, used: FloatArray, x: FloatArray) -> tuple[float, FloatArray]:
        """Add what the limits are worth, and bring value and slope to even units for a mean lead."""
        case, n = self.instance, self.instance.n_leads
        slope = np.concatenate(
            [
                ((case.upper - used) / self.unit)[self.has_upper],
                ((used - case.lower) / self.unit)[self.has_lower],
            ]
        )
        worth = np.concatenate(
            [(case.upper / self.unit)[self.has_upper], -(case.lower / self.unit)[self.has_lower]]
        )
        return (value / self.scale + float(worth @ x)) / n, slope / n
