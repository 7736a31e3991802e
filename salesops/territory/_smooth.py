"""Prices by a softened dual: smooth enough for a quasi-Newton method, sharper as the temperature falls."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._chunks import in_chunks
from salesops.territory._prices import FloatArray, Instance, IntArray

_GOLDEN = 0.6180339887498949
_MOST_GROUPS = 9
"""Leads are halved so many times into groups of similar use."""


@attrs.frozen(kw_only=True, eq=False)
class Units:
    """What makes prices even: the score of a mean lead, and its use of each resource."""

    score: float
    use: FloatArray

    @property
    def even(self) -> FloatArray:
        """Use of each resource that a price of 1 makes as dear as the score of a mean lead."""
        return self.use / self.score

    @classmethod
    def of(cls, instance: Instance) -> Units:
        """Measure an instance."""
        best = np.maximum(instance.scores.max(axis=1, initial=0.0), 0.0)
        use = instance.use.mean(axis=0) if len(instance.use) else np.ones(instance.use.shape[1])
        return cls(
            score=float(best.mean()) if len(best) and best.mean() > 0 else 1.0,
            use=np.where(use > 0, use, 1.0),
        )


def find_prices(
    instance: Instance,
    prices: FloatArray,
    units: Units,
    *,
    temperature: float,
    max_steps: int,
    reach: FloatArray | None = None,
) -> tuple[FloatArray, float]:
    """Minimise the dual, its maxima softened by a temperature, from given prices.

    The temperature is in units of the mean best score. A quasi-Newton method with bounds does the work; no
    price of a rep, in even units, moves by more than half of her `reach`. Gives the prices and the price
    of a move.
    """
    from scipy.optimize import minimize

    smooth = _Smooth.of(instance, units)
    if not smooth.n_variables or not instance.n_leads:
        return np.zeros(instance.upper.shape), instance.stay
    x = smooth.pack(prices)
    room = np.full(len(x), np.inf) if reach is None else smooth.spread(reach) / 2
    answer: Any = minimize(  # type: ignore[call-overload]  # its stubs know no slope beside the value
        smooth.value_and_slope,
        x,
        args=(temperature,),
        jac=True,
        method="L-BFGS-B",
        bounds=np.stack([np.maximum(x - room, 0.0), x + room], axis=1),
        options={"maxiter": max_steps, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-9},
    )
    return smooth.unpack(answer.x)


def soft_choices(instance: Instance, prices: FloatArray, units: Units, temperature: float) -> IntArray:
    """Let each lead choose at the prices, leads that are torn spreading over what tears them.

    Where the softened dual is least, the soft choices keep the limits on average; evenly spaced thresholds
    turn the parts of torn leads into whole choices. Gives the owner of each lead, -1 for nobody.
    """
    smooth = _Smooth.of(instance, units)
    even = prices * units.use / units.score
    groups = None if smooth.groups is None else smooth.groups.softened(even, temperature)
    turns = (np.arange(instance.n_leads) * _GOLDEN + 0.5) % 1.0

    def of_leads(part: slice) -> IntArray:
        soft = smooth.soften(part, even, instance.stay / units.score, temperature, groups)
        turn = turns[part]
        spread = np.cumsum(soft.parts, axis=0)
        place = (spread <= turn).sum(axis=0)
        owner = np.full(len(turn), -1, dtype=np.int64)
        listed = np.flatnonzero(place < len(spread))
        owner[listed] = instance.reps[part][listed, place[listed]]
        if groups is not None:
            total = spread[-1] if len(spread) else np.zeros(len(turn))
            others = np.flatnonzero((owner < 0) & instance.is_open[part] & (turn < total + soft.cold))
            again = (np.arange(part.start, part.stop) * _GOLDEN**2 + 0.25)[others] % 1.0
            among = np.cumsum(groups.part, axis=1)[groups.group[part][others]]
            owner[others] = np.minimum((among <= again[:, None]).sum(axis=1), instance.n_reps - 1)
            may = instance.may[instance.kind[part][others], owner[others]]
            owner[others[~may]] = -1
        return owner

    owner = np.concatenate(in_chunks(of_leads, instance.n_leads))
    if groups is not None and len(instance.banned):
        key = np.arange(instance.n_leads) * instance.n_reps + owner
        owner[np.isin(key, instance.banned @ [instance.n_reps, 1])] = -1
    return owner


@attrs.frozen(kw_only=True, eq=False)
class _Softened:
    """Groups of leads at some prices: what their cheapest rep costs, and how they spread over the reps."""

    group: IntArray
    mean: FloatArray
    calm: FloatArray
    part: FloatArray


@attrs.frozen(kw_only=True, eq=False)
class _Groups:
    """Leads of one kind and similar use, which look for the cheapest rep together."""

    group: IntArray
    use: FloatArray
    may: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, use: FloatArray, kind: IntArray, may: npt.NDArray[np.bool_]) -> _Groups:
        """Take leads of equal use together, or, if there are too many of them, halve again and again."""
        varied = np.flatnonzero(use.max(axis=0) > use.min(axis=0))
        group = kind.copy()
        if len(varied):
            distinct = np.unique(np.column_stack([kind, use]), axis=0) if len(use) <= 4096 else None
            if distinct is not None and len(distinct) <= 2**_MOST_GROUPS:
                _, group = np.unique(np.column_stack([kind, use]), axis=0, return_inverse=True)
                group = group.ravel()
            else:
                group = cls._halved(use, kind, varied)
        _, first, group = np.unique(group, return_index=True, return_inverse=True)
        size = np.bincount(group)
        mean = np.stack([np.bincount(group, weights=column) / size for column in use.T], axis=1)
        return cls(group=group, use=mean, may=may[kind[first]])

    @staticmethod
    def _halved(use: FloatArray, kind: IntArray, varied: IntArray) -> IntArray:
        group = kind.copy()
        for step in range(_MOST_GROUPS):
            order = np.lexsort((use[:, varied[step % len(varied)]], group))
            size = np.bincount(group)
            rank = np.arange(len(use)) - (np.cumsum(size) - size)[group[order]]
            group[order] = 2 * group[order] + (2 * rank >= size[group[order]])
        return group

    def softened(self, prices: FloatArray, heat: float) -> _Softened:
        """Soften the lowest price of each group over the reps who may."""
        price = np.where(self.may, self.use @ prices.T, np.inf)
        low = price.min(axis=1, keepdims=True)
        low = np.where(np.isfinite(low), low, 0.0)
        part = np.exp((low - price) / heat)
        total = np.maximum(part.sum(axis=1, keepdims=True), 1e-300)
        part /= total
        # The softened minimum is the mean price less the heat times the entropy.
        price = np.where(self.may, price, 0.0)
        calm = (part * price).sum(axis=1) - (low[:, 0] - heat * np.log(total[:, 0]))
        return _Softened(group=self.group, mean=part @ prices, calm=calm, part=part)


@attrs.frozen(kw_only=True, eq=False)
class _Soft:
    """Some leads at some prices: their parts at listed reps and at others, and the sum of their maxima."""

    parts: FloatArray
    cold: FloatArray
    value: float


@attrs.frozen(kw_only=True, eq=False)
class _Smooth:
    """The dual in even units, its maxima softened: variables are the prices of upper and of lower limits.

    Arrays are laid out rep by rep, shape (K, n), so that all work on long rows.
    """

    instance: Instance
    units: Units
    has_upper: npt.NDArray[np.bool_]
    has_lower: npt.NDArray[np.bool_]
    reps: npt.NDArray[np.int32]
    scores: FloatArray
    rest: FloatArray
    use: FloatArray
    stays: npt.NDArray[np.bool_] | None
    groups: _Groups | None

    @classmethod
    def of(cls, instance: Instance, units: Units) -> _Smooth:
        reps = np.ascontiguousarray(instance.reps.T)
        use = np.ascontiguousarray((instance.use / units.use).T)
        counts_moves = instance.current is not None and (instance.stay or math.isfinite(instance.max_moves))
        cold = np.isfinite(instance.rest).any()
        return cls(
            instance=instance,
            units=units,
            has_upper=np.isfinite(instance.upper),
            has_lower=np.isfinite(instance.lower),
            reps=np.maximum(reps, 0),
            scores=np.ascontiguousarray(instance.scores.T) / units.score,
            rest=instance.rest / units.score,
            use=use,
            stays=(reps == instance.current) & (reps >= 0) if counts_moves else None,
            groups=_Groups.of(use.T, instance.kind, instance.may) if cold else None,
        )

    @property
    def prices_moves(self) -> bool:
        """Whether the price of a move is to be found, too."""
        return self.stays is not None and math.isfinite(self.instance.max_moves)

    @property
    def n_variables(self) -> int:
        """How many prices there are to find."""
        return int(self.has_upper.sum() + self.has_lower.sum()) + self.prices_moves

    def pack(self, prices: FloatArray) -> FloatArray:
        """Write prices as variables in even units."""
        even = prices * self.units.use / self.units.score
        stay = [self.instance.stay / self.units.score] if self.prices_moves else []
        return np.concatenate(
            [np.maximum(even, 0)[self.has_upper], np.maximum(-even, 0)[self.has_lower], stay]
        )

    def spread(self, reach: FloatArray) -> FloatArray:
        """Give every variable the reach of its rep, and the price of a move that of the mean rep."""
        each = np.broadcast_to(reach[:, None], self.has_upper.shape)
        mean = [float(reach.mean())] if self.prices_moves else []
        return np.concatenate([each[self.has_upper], each[self.has_lower], mean])

    def unpack(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Read variables as prices and the price of a move."""
        even, stay = self._even(x)
        return even * self.units.score / self.units.use, stay * self.units.score

    def _even(self, x: FloatArray) -> tuple[FloatArray, float]:
        even = np.zeros(self.has_upper.shape)
        n, m = int(self.has_upper.sum()), int(self.has_lower.sum())
        even[self.has_upper] = x[:n]
        even[self.has_lower] -= x[n : n + m]
        return even, float(x[-1]) if self.prices_moves else self.instance.stay / self.units.score

    def value_and_slope(self, x: FloatArray, temperature: float) -> tuple[float, FloatArray]:
        """Give the softened dual and its gradient, both for a mean lead."""
        case = self.instance
        even, stay = self._even(x)
        groups = None if self.groups is None else self.groups.softened(even, temperature)
        d, n_reps = self.use.shape[0], case.n_reps

        def of_leads(part: slice) -> tuple[float, FloatArray, Any, float]:
            soft = self.soften(part, even, stay, temperature, groups)
            reps = self.reps[:, part].ravel()
            used, cold = np.empty((n_reps, d)), None
            for k in range(d):
                weight = (soft.parts * self.use[k, part]).ravel()
                used[:, k] = np.bincount(reps, weights=weight, minlength=n_reps)
            if groups is not None:
                group = groups.group[part]
                cold = np.stack(
                    [
                        np.bincount(group, weights=soft.cold * self.use[k, part], minlength=len(groups.mean))
                        for k in range(d)
                    ],
                    axis=1,
                )
            kept = 0.0 if self.stays is None else float(soft.parts[self.stays[:, part]].sum())
            return soft.value, used, cold, kept

        answers = in_chunks(of_leads, case.n_leads)
        used = np.sum([answer[1] for answer in answers], axis=0)
        if groups is not None:
            used += groups.part.T @ np.sum([answer[2] for answer in answers], axis=0)
        value = math.fsum(answer[0] for answer in answers)
        return self._with_limits(value, used, math.fsum(answer[3] for answer in answers), x, stay)

    def soften(
        self, part: slice, even: FloatArray, stay: float, heat: float, groups: _Softened | None
    ) -> _Soft:
        """Soften the best offers of some leads."""
        reps, use = self.reps[:, part], self.use[:, part]
        offer = self.scores[:, part].copy()
        for k in range(len(use)):
            price = even[:, k].take(reps)
            price *= use[k]
            offer -= price
        if self.stays is not None and stay:
            offer += stay * self.stays[:, part]
        n = offer.shape[1]
        rest = np.full(n, -np.inf)
        if groups is not None:
            group = groups.group[part]
            low = -groups.calm[group]
            for k in range(len(use)):
                low += use[k] * groups.mean[group, k]
            rest = self.rest[part] - low
        idle = -np.inf if self.instance.must_own else 0.0
        top = np.maximum(np.maximum(offer.max(axis=0, initial=-np.inf), rest), idle)
        top = np.where(np.isfinite(top), top, 0.0)
        offer -= top
        offer /= heat
        parts = np.exp(offer, out=offer)
        cold = np.exp((rest - top) / heat)
        total = np.maximum(parts.sum(axis=0) + cold + np.exp((idle - top) / heat), 1e-300)
        value = float(top.sum() + heat * np.log(total).sum())
        parts /= total
        return _Soft(parts=parts, cold=cold / total, value=value)

    def _with_limits(
        self, value: float, used: FloatArray, kept: float, x: FloatArray, stay: float
    ) -> tuple[float, FloatArray]:
        """Add what the limits are worth, and bring value and slope to a mean lead."""
        case, n, unit = self.instance, self.instance.n_leads, self.units.use
        upper, lower = (case.upper / unit)[self.has_upper], (case.lower / unit)[self.has_lower]
        worth, slope = [upper, -lower], [upper - used[self.has_upper], used[self.has_lower] - lower]
        if self.prices_moves:
            room = case.max_moves - case.n_settled
            worth.append(np.array([room]))
            slope.append(np.array([room + kept]))
        elif stay:
            value -= stay * case.n_settled
        return (value + float(np.concatenate(worth) @ x)) / n, np.concatenate(slope) / n
