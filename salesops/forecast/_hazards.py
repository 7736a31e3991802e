"""Daily hazards as products of factors, each shrunk towards one by a gamma prior.

A Poisson regression on cells: the count of a cell is Poisson with mean exposure x base x product of one
effect for each factor; the effect of a level has a gamma prior with mean 1 and shape `strength`, so that a
level with few events stays close to 1. Found by cycling over the factors: each update is the mode's closed
form (events + strength) / (expected + strength).
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_SWEEPS = 25
_TOLERANCE = 1e-5


@attrs.frozen(kw_only=True, eq=False)
class Factors:
    """A base rate and the effects of each factor, with the evidence behind them."""

    base: float
    effects: dict[str, Floats]
    strengths: dict[str, float]

    def rate(self, codes: dict[str, Ints]) -> Floats:
        """Multiply the effects of some cells."""
        rate: Floats = np.asarray(self.base, dtype=np.float64)
        for name, code in codes.items():
            rate = rate * self.effects[name][code]
        return rate


def fit_factors(
    codes: dict[str, Ints],
    sizes: dict[str, int],
    exposure: Floats,
    counts: Floats,
    strengths: dict[str, float | None],
) -> Factors:
    """Fit the base and the effects; a strength of None is learnt from the spread of the levels."""
    events = float(counts.sum())
    base = (events + 0.5) / (float(exposure.sum()) + 1.0)
    effects = {name: np.ones(sizes[name]) for name in codes}
    seen = {name: np.bincount(code, weights=counts, minlength=sizes[name]) for name, code in codes.items()}
    used = {name: 20.0 if strength is None else strength for name, strength in strengths.items()}
    predicted = exposure * base
    for sweep in range(_SWEEPS):
        largest = 0.0
        for name, code in codes.items():
            expected = np.bincount(code, weights=predicted, minlength=sizes[name]) / effects[name]
            if strengths[name] is None and sweep in (2, 5):
                used[name] = _learnt(seen[name].astype(np.float64), expected)
            effect = (seen[name] + used[name]) / (expected + used[name])
            largest = max(largest, float(np.abs(np.log(effect / effects[name])).max(initial=0.0)))
            predicted = predicted * (effect / effects[name])[code]
            effects[name] = effect
        total = float(predicted.sum())
        if total > 0.0 and events > 0.0:
            base *= events / total
            predicted *= events / total
        if sweep > 5 and largest < _TOLERANCE:
            break
    return Factors(base=base, effects=effects, strengths=used)


def _learnt(events: Floats, expected: Floats) -> float:
    """Learn the shape of the gamma prior from how far levels spread beyond chance (moments)."""
    square = float((expected**2).sum())
    if square <= 0.0:
        return 200.0
    spread = float(((events - expected) ** 2 - expected).sum()) / square
    return float(np.clip(1.0 / max(spread, 1e-9), 2.0, 200.0))
