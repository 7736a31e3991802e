"""The dual softened: leads spread over what tears them, less and less so as the temperature falls."""

from __future__ import annotations

import math

import attrs
import numpy as np
import numpy.typing as npt

from salesops.errors import InternalError
from salesops.territory._chunks import in_chunks
from salesops.territory._listed import best_scores
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
        best = best_scores(instance.pairs)
        use = instance.use.mean(axis=0) if len(instance.use) else np.ones(instance.use.shape[1])
        return cls(
            score=float(best.mean()) if len(best) and best.mean() > 0 else 1.0,
            use=np.where(use > 0, use, 1.0),
        )


def soft_choices(instance: Instance, prices: FloatArray, units: Units, temperature: float) -> IntArray:
    """Let each lead choose at the prices, leads that are torn spreading over what tears them.

    Where the softened dual is least, the soft choices keep the limits on average; evenly spaced thresholds
    turn the parts of torn leads into whole choices. Gives the owner of each lead, -1 for nobody.
    """
    smooth = Smooth.of(instance, units)
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
        owner[listed] = soft.reps[place[listed], listed]
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
class Softened:
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

    def softened(self, prices: FloatArray, heat: float) -> Softened:
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
        return Softened(group=self.group, mean=part @ prices, calm=calm, part=part)


@attrs.frozen(kw_only=True, eq=False)
class _Soft:
    """Some leads at some prices: listed reps, parts there and at others, and the sum of their maxima."""

    reps: npt.NDArray[np.int32]
    parts: FloatArray
    cold: FloatArray
    value: float


@attrs.frozen(kw_only=True, eq=False)
class Smooth:
    """The dual in even units, its maxima softened.

    Arrays are laid out rep by rep, shape (K, n), so that all work on long rows.
    """

    instance: Instance
    units: Units
    rest: FloatArray
    use: FloatArray
    stays: npt.NDArray[np.bool_] | None
    groups: _Groups | None

    @classmethod
    def of(cls, instance: Instance, units: Units) -> Smooth:
        use = np.ascontiguousarray((instance.use / units.use).T)
        counts_moves = instance.current is not None and (instance.stay or math.isfinite(instance.max_moves))
        cold = np.isfinite(instance.rest).any()
        return cls(
            instance=instance,
            units=units,
            rest=instance.rest / units.score,
            use=use,
            stays=_current_of(instance) if counts_moves else None,
            groups=_Groups.of(use.T, instance.kind, instance.may) if cold else None,
        )

    @property
    def prices_moves(self) -> bool:
        """Whether the price of a move is to be found, too."""
        return self.stays is not None and math.isfinite(self.instance.max_moves)

    @property
    def n_limits(self) -> int:
        """How many limits there are to price."""
        case = self.instance
        return int(np.isfinite(case.upper).sum() + np.isfinite(case.lower).sum()) + self.prices_moves

    def pack(self, prices: FloatArray) -> FloatArray:
        """Write prices, and the price of a move where it is to be found, as one vector in even units."""
        even = (prices * self.units.use / self.units.score).ravel()
        return np.append(even, self.instance.stay / self.units.score) if self.prices_moves else even

    def split(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Read such a vector as prices and the price of a move, both still even."""
        shape = self.instance.upper.shape
        stay = float(x[-1]) if self.prices_moves else self.instance.stay / self.units.score
        return x[: shape[0] * shape[1]].reshape(shape), stay

    def unpack(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Read such a vector as prices and the price of a move."""
        even, stay = self.split(x)
        return even * self.units.score / self.units.use, stay * self.units.score

    def soften(
        self, part: slice, even: FloatArray, stay: float, heat: float, groups: Softened | None
    ) -> _Soft:
        """Soften the best offers of some leads."""
        listed, scores = self.instance.pairs.at(part)
        reps, use = np.maximum(np.ascontiguousarray(listed.T), 0), self.use[:, part]
        offer = np.divide(scores.T, self.units.score, order="C")
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
        return _Soft(reps=reps, parts=parts, cold=cold / total, value=value)


def _current_of(instance: Instance) -> npt.NDArray[np.bool_]:
    """Mark the owner of today among the listed reps of each lead, shape (K, n)."""
    if instance.current is None:
        raise InternalError("assign: moves are counted from nowhere; please report this")
    reps = instance.pairs.laid_out().reps.T
    return np.ascontiguousarray((reps == instance.current) & (reps >= 0))
