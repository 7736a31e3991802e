"""Laws of sums from their characteristic functions, on arrays alone.

Letters: ``p`` probability of a deal, ``a`` its amount, ``u`` frequencies, ``phi`` the characteristic function
E exp(i u S), ``W`` the width of the window on which the law is computed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Jumps = list[tuple[float, Floats, Floats]]

_MISSED = 30.0
NEGLIGIBLE = 1e-13
_CELLS = 400_000
_FIRST = 256


@attrs.frozen(kw_only=True, eq=False)
class Law:
    """A distribution function at points: steps, or straight between them with a step at the first."""

    points: Floats
    cumulative: Floats
    is_step: bool

    def cdf(self, x: Floats) -> Floats:
        place = np.searchsorted(self.points, x, side="right")
        if self.is_step:
            heights: Floats = np.append(0.0, self.cumulative)
            stepped: Floats = np.take(heights, place)
            return stepped
        inside: Floats = np.where(place == 0, 0.0, np.interp(x, self.points, self.cumulative))
        return inside

    def quantile(self, q: Floats) -> Floats:
        """Give the smallest value whose cumulative probability is at least q."""
        place = np.minimum(np.searchsorted(self.cumulative, q, side="left"), len(self.points) - 1)
        if self.is_step:
            return np.asarray(self.points[place])
        before = np.maximum(place - 1, 0)
        rise = self.cumulative[place] - self.cumulative[before]
        part = np.divide(q - self.cumulative[before], rise, out=np.ones(len(q)), where=rise > 0)
        found = self.points[before] + part * (self.points[place] - self.points[before])
        return np.asarray(np.where(place == 0, self.points[0], found))

    def crps(self, actual: float) -> float:
        """Integrate the square of the distribution function less the step at what happened."""
        x, height = self.points, self.cumulative
        outside = max(x[0] - actual, 0.0) + max(actual - x[-1], 0.0)
        if len(x) == 1 or self.is_step:
            edges = np.clip(actual, x[:-1], x[1:])
            left, right = edges - x[:-1], x[1:] - edges
            return float(outside + (left * height[:-1] ** 2 + right * (1.0 - height[:-1]) ** 2).sum())
        if x[0] < actual < x[-1]:
            place = int(np.searchsorted(x, actual))
            height = np.insert(height, place, np.interp(actual, x, height))
            x = np.insert(x, place, actual)
        below = x[1:] <= actual
        low = np.where(below, height[:-1], 1.0 - height[:-1])
        high = np.where(below, height[1:], 1.0 - height[1:])
        return float(outside + (np.diff(x) * (low * low + low * high + high * high)).sum() / 3.0)


def step_law(values: Floats, weights: Floats) -> Law:
    """Sort values and add up the weights of equal ones."""
    order = np.argsort(values, kind="stable")
    points, first = np.unique(values[order], return_index=True)
    cumulative = np.cumsum(np.add.reduceat(weights[order], first))
    return Law(points=points, cumulative=cumulative / cumulative[-1], is_step=True)


def enumerate_sum(p: Floats, a: Floats, limit: int) -> Law | None:
    """List every total that can occur, equal ones once; None when there are more than `limit`."""
    values: Floats = np.zeros(1)
    weights: Floats = np.ones(1)
    for chance, amount in zip(p.tolist(), a.tolist(), strict=True):
        both = np.concatenate([values, values + amount])
        mass = np.concatenate([weights * (1.0 - chance), weights * chance])
        values, place = _distinct(both)
        if len(values) > limit:
            return None
        weights = np.bincount(place, weights=mass, minlength=len(values)).astype(np.float64)
    cumulative = np.cumsum(weights)
    cumulative[-1] = max(1.0, cumulative[-2] if len(cumulative) > 1 else 1.0)
    return Law(points=values, cumulative=np.minimum(cumulative, 1.0), is_step=True)


def _distinct(values: Floats) -> tuple[Floats, Ints]:
    found, place = np.unique(values, return_inverse=True)
    return found, place.astype(np.int64)


def reach(p: Floats, a: Floats, jumps: Jumps) -> tuple[float, float]:
    """Bound where a sum of deals and Poisson numbers of jumps lies, but for exp(-30) each side (Chernoff)."""
    largest = max([float(a.max(initial=0.0)), *(float(values.max(initial=0.0)) for _, values, _ in jumps)])
    if largest <= 0.0:
        return 0.0, 0.0
    spread = float((p * (1.0 - p) * a * a).sum())
    spread += sum(rate * float(weights @ (values * values)) for rate, values, weights in jumps)
    finest = 1e-2 / max(np.sqrt(spread), largest * 1e-6)
    tilts = np.geomspace(min(finest, 1.0 / largest), 600.0 / largest, 48)
    up, down = np.empty(len(tilts)), np.empty(len(tilts))
    for k, tilt in enumerate(tilts.tolist()):
        rise = np.log1p(p * np.expm1(tilt * a)).sum()
        fall = np.log1p(p * np.expm1(-tilt * a)).sum()
        for rate, values, weights in jumps:
            rise += rate * (weights @ np.expm1(tilt * values))
            fall += rate * (weights @ np.expm1(-tilt * values))
        up[k], down[k] = (rise + _MISSED) / tilt, -(fall + _MISSED) / tilt
    high = float(up.min())
    if not jumps:
        high = min(high, float(a.sum()))
    return max(0.0, float(down.max())), high


def deal_factors(u: Floats, p: Floats, a: Floats) -> Complexes:
    """Multiply the factors 1 - p + p exp(i u a) of deals, frequency by frequency."""
    phi = np.ones(len(u), dtype=np.complex128)
    if not len(u) or not len(p):
        return phi
    distinct, place = _distinct(a)
    few = 4 * len(distinct) < len(a)
    if few:
        turn = np.multiply.outer(u, distinct)
        less, sine = np.cos(turn) - 1.0, np.sin(turn)
    size = max(1, _CELLS // len(u))
    for start in range(0, len(p), size):
        rows = slice(start, start + size)
        if few:
            real, imaginary = less[:, place[rows]], sine[:, place[rows]]
        else:
            turn = np.multiply.outer(u, a[rows])
            imaginary = np.sin(turn)
            real = np.cos(turn, out=turn)
            real -= 1.0
        factor = np.empty(real.shape, dtype=np.complex128)
        factor.real = 1.0 + p[rows] * real
        factor.imag = p[rows] * imaginary
        phi *= np.multiply.reduce(factor, axis=1)
    return phi


def split_factors(k: Ints, n: int, p: Floats, place: Floats) -> Complexes:
    """Multiply factors of deals whose amount lies between two lattice points, keeping their means."""
    phi = np.ones(len(k), dtype=np.complex128)
    whole = np.floor(place)
    part = place - whole
    turn = 2.0 * np.pi / n * k
    size = max(1, _CELLS // max(len(k), 1))
    for start in range(0, len(p), size):
        rows = slice(start, start + size)
        angle = np.multiply.outer(turn, whole[rows])
        value = np.exp(1j * angle) * (1.0 + part[rows] * np.expm1(1j * turn)[:, None])
        phi *= np.multiply.reduce(1.0 + p[rows] * (value - 1.0), axis=1)
    return phi


def stages(n: int) -> list[slice]:
    """Cut n deals into a few, more, and all: a frequency that the first have killed needs no others."""
    bounds = [0, min(_FIRST, n), min(16 * _FIRST, n), n]
    return [slice(a, b) for a, b in pairwise(bounds) if b > a]


def lattice_law(phi: Complexes, n: int, first: int, step: float, offset: float) -> Law:
    """Turn the characteristic function at 0..n/2 into steps on n lattice points from `first` on."""
    mass = np.fft.irfft(np.conj(phi), n)
    mass = np.clip(np.roll(mass, -(first % n)), 0.0, None)
    return _closed(offset + step * (first + np.arange(n)), np.cumsum(mass), is_step=True)


def smooth_law(phi: Complexes, n: int, low: float, width: float, offset: float) -> Law:
    """Turn the characteristic function at 2 pi k / width, k = 0..n/2, into a smooth distribution function."""
    k = np.arange(len(phi))
    u = 2.0 * np.pi * k / width
    coefficient = np.zeros(len(phi), dtype=np.complex128)
    coefficient[1:] = np.conj(phi[1:]) * np.exp(1j * u[1:] * low) / (1j * u[1:] * width)
    wave = np.fft.irfft(coefficient * n, n)
    wave = np.append(wave, wave[0]) - wave[0]
    heights = np.arange(n + 1) / n + wave
    points = offset + low + width * np.arange(n + 1) / n
    return _closed(points, np.maximum.accumulate(np.clip(heights, 0.0, 1.0)), is_step=False)


def _closed(points: Floats, cumulative: Floats, *, is_step: bool) -> Law:
    """Cut points that carry nothing at both ends, and end at exactly one."""
    cumulative = np.minimum(cumulative, 1.0)
    begin = int(np.searchsorted(cumulative, 1e-14, side="right"))
    begin = max(0, min(begin if is_step else begin - 1, len(points) - 1))
    end = max(int(np.searchsorted(cumulative, 1.0 - 1e-13, side="left")) + 1, begin + 1)
    kept = cumulative[begin:end].copy()
    kept[-1] = 1.0
    return Law(points=points[begin:end], cumulative=kept, is_step=is_step)
