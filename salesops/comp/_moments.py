"""Moments of attainment up to a point, and draws of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from salesops.comp.attainments import Attainment, Empirical, Lognormal, Normal, Uniform

Floats = NDArray[np.float64]

_FAR = 8.0


class Moments(NamedTuple):
    """Probability, mean and mean square of attainment at or below each of some points."""

    mass: Floats
    first: Floats
    second: Floats


def below(spread: Normal | Lognormal | Uniform, points: Floats) -> Moments:
    """Integrate 1, x and x squared up to each point, in closed form."""
    if isinstance(spread, Normal):
        return _below_bell(spread, points)
    if isinstance(spread, Lognormal):
        center, scale = _logs(spread)
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(points, 0.0))
        parts = [
            math.exp(k * center + k * k * scale**2 / 2) * _area((logs - center - k * scale**2) / scale)
            for k in range(3)
        ]
        return Moments(*parts)
    reach, width = np.clip(points, spread.low, spread.high), spread.high - spread.low
    powers = [(reach ** (k + 1) - spread.low ** (k + 1)) / ((k + 1) * width) for k in range(3)]
    return Moments(*powers)


def _below_bell(spread: Normal, points: Floats) -> Moments:
    z = (points - spread.mean) / spread.sd
    mass = _area(z)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    square = spread.mean**2 + spread.sd**2
    reach = np.where(np.isfinite(points), points, 0.0)
    first = spread.mean * mass - spread.sd * density
    return Moments(mass, first, square * mass - spread.sd * (spread.mean + reach) * density)


def _logs(spread: Lognormal) -> tuple[float, float]:
    variance = math.log1p((spread.sd / spread.mean) ** 2)
    return math.log(spread.mean) - variance / 2, math.sqrt(variance)


def _area(z: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(z), dtype=np.float64)


def shares(spread: Empirical) -> tuple[Floats, Floats]:
    """Give the values that were seen and how likely each is."""
    values = np.array(spread.values, dtype=np.float64)
    weights = np.array(spread.weights, dtype=np.float64) if spread.weights else np.ones(len(values))
    return values, weights / weights.sum()


def top(spread: Attainment) -> float:
    """Give an attainment that is as good as never passed."""
    if isinstance(spread, Normal):
        return max(spread.mean + _FAR * spread.sd, spread.sd)
    if isinstance(spread, Lognormal):
        center, scale = _logs(spread)
        return math.exp(center + _FAR * scale)
    return spread.high if isinstance(spread, Uniform) else max(spread.values)


def draw(spread: Attainment, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
    """Draw attainments."""
    if isinstance(spread, Normal):
        return np.maximum(rng.normal(spread.mean, spread.sd, size), 0.0)
    if isinstance(spread, Lognormal):
        return rng.lognormal(*_logs(spread), size)
    if isinstance(spread, Uniform):
        return rng.uniform(spread.low, spread.high, size)
    values, chances = shares(spread)
    return rng.choice(values, size=size, p=chances)
