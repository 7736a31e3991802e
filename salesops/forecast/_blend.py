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
_PRIOR_WEIGHT = 0.8
_LONGER = 1.5
_PRIOR_SPREAD = 0.06
_USUAL_SPREAD = 0.03
_USUAL_ORIGINS = 2.0
_SOUND, _BROKEN = 0.01, 0.3
_OFTEN_BROKEN = 0.1
_UNITS_COUNT = 0.5
_LEAST_SHOCK = 1e-4
_FADE = 0.95


@attrs.frozen(kw_only=True, eq=False)
class Blend:
    """Weight of the structure against past wins, a factor on its open deals, and variances of the shocks."""

    weight: float
    open: float
    shock: float
    unit_shock: float
    horizon: int
    n_origins: int
    evidence: float


@attrs.frozen(kw_only=True, eq=False)
class Origins:
    """Forecasts of past origins and what happened: rows origins (newest first), columns units.

    The structure tells what deals that are open on the day bring, and what `new` ones do; `actual_open` is
    what the first brought. `variance` is that of independent deals; `share` is how much new evidence each
    origin adds (horizons that overlap count for less).
    """

    open: Floats
    new: Floats
    wins: Floats
    actual: Floats
    actual_open: Floats
    variance: Floats
    share: float


def learn_blend(origins: Origins, horizon: int, prior: Blend | None = None) -> Blend:
    """Learn from matured origins, each conclusion shrunk by how few they are.

    `prior` is what a shorter horizon taught, which has more origins that have matured and overlap less; its
    correction is kept, since the same days would be counted again, and doubts of the structure grow. A common
    factor that lasted would have the same variance over any horizon, one drawn anew each month a variance
    that falls with its length; the prior of a longer horizon lies between.
    """
    n = len(origins.actual)
    start = _start(horizon) if prior is None else _carried_on(prior, horizon)
    if n == 0:
        return attrs.evolve(start, n_origins=0, evidence=0.0)
    fade = _FADE ** np.arange(n)
    evidence = float(fade.sum()) * origins.share
    actual, actual_open = origins.actual.sum(axis=1), origins.actual_open.sum(axis=1)
    by_open = start.open
    if prior is None:
        by_open = _correction(origins.open.sum(axis=1), actual_open, fade, evidence)
    structure = by_open * origins.open + origins.new
    raw = origins.open + origins.new
    shock, unit = start.shock, start.unit_shock
    trust = start.weight * _fit(origins, by_open * origins.open, fade, evidence)
    for _ in range(2):
        weight = _weight(origins, structure, fade, trust, (shock, unit))
        mean = weight * structure + (1.0 - weight) * origins.wins
        chance = origins.variance * np.divide(mean, raw, out=np.ones_like(mean), where=raw > 0.0)
        shock = _stray(mean.sum(axis=1), actual, chance.sum(axis=1), fade, evidence, start.shock)
        unit = _stray_units(mean, origins.actual, chance, fade, evidence, (shock, start.unit_shock))
    return Blend(
        weight=weight,
        open=by_open,
        shock=shock,
        unit_shock=unit,
        horizon=horizon,
        n_origins=n,
        evidence=evidence,
    )


def _start(horizon: int) -> Blend:
    """Start from what is thought before anything has matured."""
    shock = _PRIOR_SHOCK * min(2.0, (28.0 / horizon) ** 0.5)
    return Blend(
        weight=_PRIOR_WEIGHT,
        open=1.0,
        shock=shock,
        unit_shock=shock + _PRIOR_UNIT,
        horizon=horizon,
        n_origins=0,
        evidence=0.0,
    )


def _carried_on(prior: Blend, horizon: int) -> Blend:
    """Say what a shorter horizon lets expect of a longer one."""
    fall = (prior.horizon / horizon) ** 0.5
    return attrs.evolve(
        prior,
        weight=prior.weight**_LONGER,
        shock=fall * prior.shock,
        unit_shock=fall * prior.unit_shock,
        horizon=horizon,
    )


def _correction(forecast: Floats, actual: Floats, fade: Floats, evidence: float) -> float:
    """Factor from what was said to what happened; close to one unless the ratio is far beyond its noise.

    Two things may be: the structure is sound and hardly off, or it does not fit and may be far off. The mean
    over both, each by its probability given the ratio that was seen.
    """
    said, came = float((fade * forecast).sum()), float((fade * actual).sum())
    if said <= 0.0 or came <= 0.0:
        return 1.0
    log = float(np.clip(np.log(came / said), -1.5, 1.5))
    own = np.clip(np.log(np.maximum(actual, 0.05 * forecast) / np.maximum(forecast, 1e-300)), -1.5, 1.5)
    spread = float((fade * (own - log) ** 2).sum()) / float(fade.sum())
    spread = (evidence * spread + _USUAL_ORIGINS * _USUAL_SPREAD) / (evidence + _USUAL_ORIGINS)
    noise = spread / max(evidence, 1e-9)
    own_variance = np.array([_SOUND, _BROKEN]) ** 2
    total = own_variance + noise
    odds = np.array([1.0 - _OFTEN_BROKEN, _OFTEN_BROKEN]) / np.sqrt(total)
    odds *= np.exp(-0.5 * log**2 * (1.0 / total - 1.0 / total.max()))
    return float(np.exp(log * float((odds * own_variance / total).sum()) / float(odds.sum())))


def _fit(origins: Origins, by_open: Floats, fade: Floats, evidence: float) -> float:
    """Say from 0 to 1 how well the parts of the structure fit: open deals, and new ones.

    Errors of the two that cancel in the total today need not do so tomorrow. 1 where both stray no further
    beyond chance than totals usually do.
    """
    square = float((fade * (by_open + origins.new).sum(axis=1) ** 2).sum())
    if square <= 0.0:
        return 1.0
    by_part = ((by_open, origins.actual_open), (origins.new, origins.actual - origins.actual_open))
    strayed = -origins.variance.sum(axis=1)
    for said, came in by_part:
        strayed = strayed + (came - said).sum(axis=1) ** 2
    beyond = float((fade * strayed).sum()) / square
    spread = (evidence * beyond + _USUAL_ORIGINS * _USUAL_SPREAD) / (evidence + _USUAL_ORIGINS)
    return min(1.0, _USUAL_SPREAD / max(spread, 1e-12))


def _weight(
    origins: Origins, structure: Floats, fade: Floats, prior: float, shocks: tuple[float, float]
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
                structure,
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
    """Variance of the common factor: squared errors beyond chance, pulled towards a prior.

    Errors smaller than chance count as much as greater ones: cut off at 0, noise alone would widen intervals.
    """
    square = float((fade * mean**2).sum()) / float(fade.sum())
    if square <= 0.0:
        return prior
    beyond = float((fade * ((actual - mean) ** 2 - variance)).sum()) / float(fade.sum()) / square
    found = (evidence * beyond + _PRIOR_ORIGINS * prior) / (evidence + _PRIOR_ORIGINS)
    return float(np.clip(found, _LEAST_SHOCK, 1.0))


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
    found = (evidence * beyond + _PRIOR_ORIGINS * max(prior, shock)) / (evidence + _PRIOR_ORIGINS)
    return float(np.clip(found, shock, 1.0))
