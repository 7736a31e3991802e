"""What past origins teach: how much to trust the structure, by how much to correct it, how far totals stray."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PRIOR_ORIGINS = 4.0
_PRIOR_SHOCK = 0.02
_FADE = 0.93


@attrs.frozen(kw_only=True, eq=False)
class Blend:
    """Weight of the structure against the process of wins, a factor on each, and the variance of the shock."""

    weight: float
    structure: float
    wins: float
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


def learn_blend(origins: Origins, horizon: int) -> Blend:
    """Learn from matured origins, each conclusion shrunk by how few they are."""
    n = len(origins.actual)
    prior_shock = _PRIOR_SHOCK * min(2.0, (28.0 / horizon) ** 0.5)
    if n == 0:
        return Blend(
            weight=0.5, structure=1.0, wins=1.0, shock=prior_shock, unit_shock=0.02, n_origins=0, evidence=0.0
        )
    fade = _FADE ** np.arange(n)
    evidence = float(fade.sum()) * origins.share
    actual = origins.actual.sum(axis=1)
    structure, wins = origins.structure.sum(axis=1), origins.wins.sum(axis=1)
    by_structure = _correction(structure, actual, fade, evidence)
    by_wins = _correction(wins, actual, fade, evidence)
    weight = _weight(origins, by_structure, by_wins, fade, evidence)
    mean = weight * by_structure * origins.structure + (1.0 - weight) * by_wins * origins.wins
    shock = _stray(mean.sum(axis=1), actual, origins.variance.sum(axis=1), fade, evidence, prior_shock)
    unit = _stray_units(mean, origins.actual, origins.variance, fade, evidence, shock)
    return Blend(
        weight=weight,
        structure=by_structure,
        wins=by_wins,
        shock=shock,
        unit_shock=unit,
        n_origins=n,
        evidence=evidence,
    )


def _correction(forecast: Floats, actual: Floats, fade: Floats, evidence: float) -> float:
    """Ratio of what happened to what was said, pulled towards one as if by a few perfect origins."""
    said, came = float((fade * forecast).sum()), float((fade * actual).sum())
    if said <= 0.0:
        return 1.0
    trust = evidence / (evidence + _PRIOR_ORIGINS)
    return float(np.exp(trust * np.clip(np.log(max(came, 1e-9 * said) / said), -1.5, 1.5)))


def _weight(origins: Origins, by_structure: float, by_wins: float, fade: Floats, evidence: float) -> float:
    """Weigh the two by their squared errors, for the company and for units, as far as origins can tell."""
    odds = 0.0
    for grouped in (True, False):
        actual, one, other = (
            x.sum(axis=1, keepdims=True) if grouped else x
            for x in (origins.actual, by_structure * origins.structure, by_wins * origins.wins)
        )
        noise = origins.variance.sum(axis=1, keepdims=True) if grouped else origins.variance
        floor = 0.5 * float((fade[:, None] * noise).sum()) + 1e-12
        first = float((fade[:, None] * (actual - one) ** 2).sum()) + floor
        second = float((fade[:, None] * (actual - other) ** 2).sum()) + floor
        odds += 0.5 * np.log(second / first)
    strength = evidence / 2.0 + 1.0
    return float(np.clip(1.0 / (1.0 + np.exp(-strength * odds)), 0.02, 0.98))


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
    mean: Floats, actual: Floats, variance: Floats, fade: Floats, evidence: float, shock: float
) -> float:
    """Variance of a factor of each unit of its own, beyond the common one."""
    weight = fade[:, None]
    square = float((weight * mean**2).sum())
    if square <= 0.0 or mean.shape[1] < 2:
        return shock
    beyond = float((weight * ((actual - mean) ** 2 - variance)).sum()) / square
    found = (evidence * max(beyond, shock) + _PRIOR_ORIGINS * (shock + 0.01)) / (evidence + _PRIOR_ORIGINS)
    return float(np.clip(found, shock, 1.0))
