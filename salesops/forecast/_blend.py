"""What past origins teach: how much to trust the structure, how to correct it, how far totals stray."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_PRIOR_ORIGINS = 4.0
_PRIOR_SHOCK = 0.02
_PRIOR_UNIT = 0.04
_PRIOR_WEIGHT = 0.6
_LONGER = 0.5
_PRIOR_SPREAD = 0.06
_PRIOR_CORRECTION = 0.008
_USUAL_SPREAD = 0.03
_UNITS_COUNT = 0.5
_FADE = 0.95


@attrs.frozen(kw_only=True, eq=False)
class Blend:
    """Weight of the structure against past wins, a factor on it, and the variances of the shocks."""

    weight: float
    structure: float
    shock: float
    unit_shock: float
    n_origins: int
    evidence: float


@attrs.frozen(kw_only=True, eq=False)
class Origins:
    """Forecasts of past origins and what happened: rows origins (newest first), columns units.

    `variance` is that of independent deals; `share` is how much new evidence each origin adds (horizons that
    overlap count for less).
    """

    structure: Floats
    wins: Floats
    actual: Floats
    variance: Floats
    share: float


def learn_blend(origins: Origins, horizon: int, prior: Blend | None = None) -> Blend:
    """Learn from matured origins, each conclusion shrunk by how few they are.

    `prior` is what a shorter horizon taught, which has more origins that have matured and overlap less; its
    correction is kept, since the same days would be counted again.
    """
    n = len(origins.actual)
    prior_shock = _PRIOR_SHOCK * min(2.0, (28.0 / horizon) ** 0.5)
    start = Blend(
        weight=_PRIOR_WEIGHT,
        structure=1.0,
        shock=prior_shock,
        unit_shock=prior_shock + _PRIOR_UNIT,
        n_origins=0,
        evidence=0.0,
    )
    if prior is not None:
        start = attrs.evolve(prior, weight=_LONGER * prior.weight)
    if n == 0:
        return attrs.evolve(start, n_origins=0, evidence=0.0)
    fade = _FADE ** np.arange(n)
    evidence = float(fade.sum()) * origins.share
    actual = origins.actual.sum(axis=1)
    structure = origins.structure.sum(axis=1)
    by_structure = start.structure
    if prior is None:
        by_structure = _correction(structure, actual, fade, evidence)
    shock, unit = start.shock, start.unit_shock
    for _ in range(2):
        weight = _weight(origins, by_structure, fade, start.weight, (shock, unit))
        mean = weight * by_structure * origins.structure + (1.0 - weight) * origins.wins
        shock = _stray(mean.sum(axis=1), actual, origins.variance.sum(axis=1), fade, evidence, start.shock)
        unit = _stray_units(mean, origins.actual, origins.variance, fade, evidence, (shock, start.unit_shock))
    return Blend(
        weight=weight,
        structure=by_structure,
        shock=shock,
        unit_shock=unit,
        n_origins=n,
        evidence=evidence,
    )


def _correction(forecast: Floats, actual: Floats, fade: Floats, evidence: float) -> float:
    """Ratio of what happened to what was said, pulled towards one the more it varies."""
    said, came = float((fade * forecast).sum()), float((fade * actual).sum())
    if said <= 0.0 or came <= 0.0:
        return 1.0
    log = float(np.clip(np.log(came / said), -1.5, 1.5))
    own = np.clip(np.log(np.maximum(actual, 0.05 * forecast) / np.maximum(forecast, 1e-300)), -1.5, 1.5)
    spread = float((fade * (own - log) ** 2).sum()) / float(fade.sum())
    spread = (evidence * spread + 2.0 * _USUAL_SPREAD) / (evidence + 2.0)
    trust = _PRIOR_CORRECTION / (_PRIOR_CORRECTION + spread / max(evidence, 1e-9))
    return float(np.exp(trust * log))


def _weight(
    origins: Origins, by_structure: float, fade: Floats, prior: float, shocks: tuple[float, float]
) -> float:
    """Regress what happened on the two, for the company and for units, from a prior weight.

    Each is divided by the variance that deals and shock explain anyway, so that both count by what they tell.
    """
    above, below = prior / _PRIOR_SPREAD, 1.0 / _PRIOR_SPREAD
    for grouped, shock in ((True, shocks[0]), (False, shocks[1])):
        actual, one, other, noise = (
            x.sum(axis=1, keepdims=True) if grouped else x
            for x in (
                origins.actual,
                by_structure * origins.structure,
                origins.wins,
                origins.variance,
            )
        )
        noise = noise + shock * ((one + other) / 2.0) ** 2
        worth = origins.share * fade[:, None] / np.where(noise > 0.0, noise, np.inf)
        if not grouped:
            worth = worth * _UNITS_COUNT
        above += float((worth * (actual - other) * (one - other)).sum())
        below += float((worth * (one - other) ** 2).sum())
    return float(np.clip(above / below, 0.0, 1.0))


def _stray(
    mean: Floats, actual: Floats, variance: Floats, fade: Floats, evidence: float, prior: float
) -> float:
    """Variance of the common factor: squared errors beyond chance, pulled towards a prior."""
    square = float((fade * mean**2).sum()) / float(fade.sum())
    if square <= 0.0:
        return prior
    beyond = float((fade * ((actual - mean) ** 2 - variance)).sum()) / float(fade.sum()) / square
    found = (evidence * max(beyond, 0.0) + _PRIOR_ORIGINS * prior) / (evidence + _PRIOR_ORIGINS)
    return float(np.clip(found, 1e-4, 1.0))


def _stray_units(
    mean: Floats, actual: Floats, variance: Floats, fade: Floats, evidence: float, shocks: tuple[float, float]
) -> float:
    """Variance of a factor of each unit of its own, beyond the common one."""
    weight = fade[:, None]
    shock, prior = shocks
    square = float((weight * mean**2).sum())
    if square <= 0.0 or mean.shape[1] < 2:
        return shock
    beyond = float((weight * ((actual - mean) ** 2 - variance)).sum()) / square
    found = (evidence * max(beyond, shock) + _PRIOR_ORIGINS * max(prior, shock)) / (evidence + _PRIOR_ORIGINS)
    return float(np.clip(found, shock, 1.0))
