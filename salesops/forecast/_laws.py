"""The law of a sum of independent figures, each with finitely many values: exact where that is cheap.

Three ways, tried in this order: values that are whole multiples of one unit are convolved on that lattice;
few values are convolved one by one; the rest goes on a fine grid, each value spread over its four nearest
points so that mean, variance and skewness stay as they are (over its two nearest where single values stand
out, which that would blur into waves). Convolutions run as products of Fourier
transforms, so that n equal figures cost one power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import attrs
import numpy as np
import numpy.typing as npt

from salesops.errors import InternalError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Complexes = npt.NDArray[np.complex128]

_LATTICE = 1 << 17
_ATOMS = 20_000
_SMALLEST, _LARGEST = 1 << 12, 1 << 17
_STEPS_OF_SD = 400.0
_LOG_TAIL = 32.0
_PLAIN = 1 << 15
_WAVES = 1e-7
_BLOCK = 1 << 20
_WIDEST, _VANISHED = 100, 1e-15
_CLOSE = 1e-9
_GAMMA_ATOMS = 1024


@attrs.frozen(eq=False)
class Part:
    """`n` independent figures of one law: values in rising order, and their probabilities."""

    n: int
    values: Floats
    weights: Floats

    @cached_property
    def mean(self) -> float:
        """Mean of one of them."""
        return float(self.values @ self.weights)

    @cached_property
    def variance(self) -> float:
        """Variance of one of them."""
        return float(self.weights @ (self.values - self.mean) ** 2)


def part(n: int, values: Floats, weights: Floats) -> Part:
    """Sort the values and merge equal ones."""
    kept = weights > 0.0
    distinct, place = np.unique(values[kept], return_inverse=True)
    mass: Floats = np.bincount(place, weights=weights[kept], minlength=len(distinct)).astype(np.float64)
    return Part(n, distinct, mass)


@attrs.frozen(eq=False)
class Law:
    """A distribution over rising values; `spacing` is above 0 where they stand for the values around them.

    `shape` is that of a gamma factor of mean 1 that multiplies the whole, 0 if there is none.
    """

    values: Floats
    weights: Floats
    spacing: float = 0.0
    shape: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Whether no grid stands between the figures and the law."""
        return self.spacing == 0.0

    @property
    def mean(self) -> float:
        """Mean."""
        return float(self.values @ self.weights)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        mean = self.mean
        inner = float(self.weights @ (self.values - mean) ** 2)
        shock = 0.0 if self.shape == 0.0 else (inner + mean * mean) / self.shape
        return math.sqrt(inner + shock)

    def at_most(self, x: float) -> float:
        """Give P(sum <= x)."""
        if self.shape:
            return self._under_a_factor(x)
        total = np.cumsum(self.weights)
        if self.spacing:
            inside = np.interp(x, self.values + self.spacing / 2, total, left=math.nan)
            return 0.0 if math.isnan(inside) else min(float(inside), 1.0)
        slack = _CLOSE * max(abs(x), float(np.abs(self.values[-1])))
        k = int(np.searchsorted(self.values, x + slack, side="right"))
        return min(float(total[k - 1]), 1.0) if k else 0.0

    def at_least(self, x: float) -> float:
        """Give P(sum >= x)."""
        if self.shape:
            return 1.0 if x <= 0.0 else 1.0 - self._under_a_factor(x)
        if self.spacing:
            return 1.0 - self.at_most(x)
        slack = _CLOSE * max(abs(x), float(np.abs(self.values[-1])))
        k = int(np.searchsorted(self.values, x - slack, side="left"))
        return min(float(math.fsum(self.weights[k:].tolist())), 1.0)

    def quantile(self, q: float) -> float:
        """Give the smallest value at or below which the sum stays with probability `q`."""
        if self.shape:
            return self._quantile_under_a_factor(q)
        total = np.cumsum(self.weights)
        if self.spacing:
            return float(np.interp(q, total, self.values + self.spacing / 2))
        k = int(np.searchsorted(total, q - 1e-12, side="left"))
        return float(self.values[min(k, len(self.values) - 1)])

    def _under_a_factor(self, x: float) -> float:
        from scipy.special import gammainc

        if x < 0.0:
            return 0.0
        positive = self.values > 0.0
        zero = float(self.weights[~positive].sum())
        inner = gammainc(self.shape, self.shape * x / self.values[positive])
        return min(zero + float(self.weights[positive] @ inner), 1.0)

    def _quantile_under_a_factor(self, q: float) -> float:
        if q <= self._under_a_factor(0.0):
            return 0.0
        low, high = 0.0, max(self.mean, 1e-300)
        while self._under_a_factor(high) < q:
            high *= 2.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self._under_a_factor(middle) < q else (low, middle)
            if high - low <= 1e-10 * high:
                break
        return high

    def under_a_factor(self, sd: float) -> Law:
        """Multiply by an independent gamma factor of mean 1 and standard deviation `sd`."""
        if sd == 0.0:
            return self
        values, weights = self.values, self.weights
        if len(values) > _GAMMA_ATOMS:
            # The factor smooths over far more than a bin, whose mean is kept.
            bins = np.minimum(
                (values - values[0]) * (_GAMMA_ATOMS / (values[-1] - values[0])), _GAMMA_ATOMS - 1
            ).astype(np.int64)
            mass = np.bincount(bins, weights=weights, minlength=_GAMMA_ATOMS).astype(np.float64)
            moment = np.bincount(bins, weights=weights * values, minlength=_GAMMA_ATOMS)
            kept = mass > 0.0
            values, weights = moment[kept] / mass[kept], mass[kept]
        return Law(values, weights, self.spacing, 1.0 / (sd * sd))


def sum_of(parts: Sequence[Part]) -> Law:
    """Give the law of the sum of independent figures."""
    loose = [one for one in parts if one.n and not _is_fixed(one)]
    fixed = math.fsum(one.n * float(one.values[0]) for one in parts if one.n and _is_fixed(one))
    if not loose:
        return Law(np.array([fixed]), np.array([1.0]))
    base = fixed + math.fsum(one.n * float(one.values[0]) for one in loose)
    shifted = [Part(one.n, one.values - one.values[0], one.weights) for one in loose]
    law = _on_a_lattice(shifted) or _one_by_one(shifted) or _on_a_grid(shifted)
    _check(shifted, law)
    return Law(law.values + base, law.weights, law.spacing)


def _is_fixed(one: Part) -> bool:
    return len(one.values) == 1


def _unit(parts: Sequence[Part]) -> float:
    """Find the number of which every value is a whole multiple; 0 if there is none large enough."""
    top = math.fsum(one.n * float(one.values[-1]) for one in parts)
    values = np.unique(np.concatenate([one.values for one in parts]))
    values = values[values > 0.0]
    unit, floor = float(values[0]), top / (_LATTICE - 1)
    for value in values.tolist():
        a, b = value, unit
        while b > _CLOSE * value:
            a, b = b, math.fmod(a, b)
            if a - b <= _CLOSE * value:
                b = 0.0
        unit = a
        if unit < floor:
            return 0.0
    times = values / unit
    return unit if bool((np.abs(times - np.rint(times)) <= 1e-7).all()) else 0.0


def _on_a_lattice(parts: Sequence[Part]) -> Law | None:
    unit = _unit(parts)
    if unit == 0.0:
        return None
    steps = [np.rint(one.values / unit).astype(np.int64) for one in parts]
    length = 1 + sum(one.n * int(step[-1]) for one, step in zip(parts, steps, strict=True))
    size = 1 << (length - 1).bit_length()
    spectrum = np.ones(size // 2 + 1, dtype=np.complex128)
    for one, step in zip(parts, steps, strict=True):
        mass = np.zeros(size)
        np.add.at(mass, step, one.weights)
        spectrum *= np.fft.rfft(mass) ** one.n
    weights: Floats = np.maximum(np.fft.irfft(spectrum, size)[:length], 0.0).astype(np.float64)
    kept = np.flatnonzero(weights > 1e-18)
    return Law(np.asarray(kept * unit, dtype=np.float64), weights[kept] / math.fsum(weights[kept].tolist()))


def _one_by_one(parts: Sequence[Part]) -> Law | None:
    size = 1.0
    for one in parts:
        size *= math.comb(one.n + len(one.values) - 1, one.n)
        if size > _ATOMS:
            return None
    values, weights = np.zeros(1), np.ones(1)
    for one in parts:
        for _ in range(one.n):
            sums = np.add.outer(values, one.values).ravel()
            masses = np.multiply.outer(weights, one.weights).ravel()
            values, weights = _merged(sums, masses)
    return Law(values, weights)


def _merged(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Join values that differ by no more than rounding."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > 1e-12 * max(float(values[-1]), 1e-300))
    return values[starts], np.add.reduceat(weights, starts)


def window(parts: Sequence[Part]) -> tuple[float, float]:
    """Give an interval outside which the sum falls with probability below 1e-13 (Bernstein's inequality)."""
    mean = math.fsum(one.n * one.mean for one in parts)
    variance = math.fsum(one.n * one.variance for one in parts)
    top = math.fsum(one.n * float(one.values[-1]) for one in parts)
    reach = max(max(one.mean, float(one.values[-1]) - one.mean) for one in parts)
    slope = reach * _LOG_TAIL / 3
    away = slope + math.sqrt(slope * slope + 2 * _LOG_TAIL * variance)
    return max(mean - away, 0.0), min(mean + away, top)


def _on_a_grid(parts: Sequence[Part]) -> Law:
    low, high = window(parts)
    sd = math.sqrt(math.fsum(one.n * one.variance for one in parts))
    wanted = (high - low) * _STEPS_OF_SD / sd
    size = min(max(1 << math.ceil(math.log2(wanted)), _SMALLEST), _LARGEST)
    for points, n_points in ((4, size), (2, max(size, _PLAIN))):
        spacing = (high - low) / (n_points - 64)
        first = math.floor(low / spacing) - 32
        spectrum = _spectrum(parts, spacing, n_points, points)
        total = np.cumsum(np.roll(np.fft.irfft(spectrum, n_points), -(first % n_points)))
        rising = np.maximum.accumulate(np.clip(total, 0.0, 1.0))
        if float(np.abs(rising - total).max()) <= _WAVES:
            break
    weights: Floats = np.diff(rising, prepend=0.0).astype(np.float64)
    return Law(np.asarray((first + np.arange(n_points)) * spacing, dtype=np.float64), weights, spacing)


def _spectrum(parts: Sequence[Part], spacing: float, size: int, points: int) -> Complexes:
    """Multiply the transforms of all laws.

    The product over the widest of many laws bounds the whole; where it has vanished the others are not asked.
    """
    order = np.argsort([-one.n * one.variance for one in parts], kind="stable").tolist()
    rest = [parts[k] for k in order]
    spectrum = np.ones(size // 2 + 1, dtype=np.complex128)
    while rest:
        spectrum *= _product(rest[:_WIDEST], spacing, size, points)
        rest = rest[_WIDEST:]
        alive = np.flatnonzero(np.abs(spectrum) > _VANISHED)
        if rest and len(alive) <= size // 32:
            known = spectrum[alive] * _product_at(rest, alive, spacing, size)
            spectrum = np.zeros_like(spectrum)
            spectrum[alive] = known
            break
    return spectrum


def _product_at(parts: Sequence[Part], frequencies: Ints, spacing: float, size: int) -> Complexes:
    """Multiply the transforms of laws at a few frequencies, by definition."""
    product = np.ones(len(frequencies), dtype=np.complex128)
    block = max(_BLOCK // (16 * max(len(frequencies), 1)), 1)
    for start in range(0, len(parts), block):
        some = parts[start : start + block]
        first = np.cumsum([0, *(len(one.values) for one in some[:-1])])
        place = np.concatenate([one.values for one in some]) / spacing
        weights = np.concatenate([one.weights for one in some])
        waves = np.exp((-2j * np.pi / size) * np.multiply.outer(place, frequencies)) * weights[:, None]
        turned = np.add.reduceat(waves, first, axis=0) ** np.array([one.n for one in some])[:, None]
        product *= np.multiply.reduce(turned, axis=0)
    return product


def _product(parts: Sequence[Part], spacing: float, size: int, points: int) -> Complexes:
    """Multiply the transforms of laws, a block of them at a time."""
    spectrum = np.ones(size // 2 + 1, dtype=np.complex128)
    block = max(_BLOCK // size, 1)
    for start in range(0, len(parts), block):
        some = parts[start : start + block]
        mass = np.zeros((len(some), size))
        row = np.repeat(np.arange(len(some)), [len(one.values) for one in some])
        values = np.concatenate([one.values for one in some])
        weights = np.concatenate([one.weights for one in some])
        for place, share in _shares(values / spacing, points):
            np.add.at(mass, (row, place % size), share * weights)
        turned = np.fft.rfft(mass, axis=1)
        times = np.array([one.n for one in some])
        if (times > 1).any():
            turned = turned ** times[:, None]
        spectrum *= np.multiply.reduce(turned, axis=0)
    return spectrum


def _shares(place: Floats, points: int) -> list[tuple[Ints, Floats]]:
    """Share values among their nearest points by Lagrange weights: four keep three moments, two the mean."""
    left = np.floor(place).astype(np.int64)
    t = place - left
    if points == 2:
        return [(left, 1 - t), (left + 1, t)]
    return [
        (left - 1, -t * (t - 1) * (t - 2) / 6),
        (left, (t + 1) * (t - 1) * (t - 2) / 2),
        (left + 1, -(t + 1) * t * (t - 2) / 2),
        (left + 2, (t + 1) * t * (t - 1) / 6),
    ]


def _check(parts: Sequence[Part], law: Law) -> None:
    mean = math.fsum(one.n * one.mean for one in parts)
    top = math.fsum(one.n * float(one.values[-1]) for one in parts)
    total = float(law.weights.sum())
    if abs(total - 1.0) > 1e-9 or abs(law.mean - mean) > 1e-7 * top:
        raise InternalError(f"the law of a sum has mass {total!r} and mean {law.mean!r}, {mean!r} was due")
