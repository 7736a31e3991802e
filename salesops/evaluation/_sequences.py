"""Intervals that hold at every look at once, from running sums alone.

Letters, as in the papers: ``n`` looks so far, ``alpha`` one less the level, ``rho`` the tuning of the normal
mixture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, xlog1py, xlogy

Floats = npt.NDArray[np.float64]


def share(hits: Floats, n: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Exact intervals of a chance at every n: where the beta mixture does not beat it by 1 / alpha."""
    bound = betaln(hits + 0.5, n - hits + 0.5) - betaln(0.5, 0.5) + np.log(alpha)
    best = np.divide(hits, n, out=np.full(len(n), 0.5), where=n > 0)

    def fits(p: Floats) -> npt.NDArray[np.bool_]:
        ok: npt.NDArray[np.bool_] = xlogy(hits, p) + xlog1py(n - hits, -p) >= bound
        return ok

    low, high = np.zeros(len(n)), best.copy()
    up, top = best.copy(), np.ones(len(n))
    for _ in range(60):
        middle = 0.5 * (low + high)
        good = fits(middle)
        high, low = np.where(good, middle, high), np.where(good, low, middle)
        middle = 0.5 * (up + top)
        good = fits(middle)
        up, top = np.where(good, middle, up), np.where(good, top, middle)
    return np.where(fits(np.zeros(len(n))), 0.0, low), np.where(fits(np.ones(len(n))), 1.0, top)


def bounded(values: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Exact intervals of the mean of values between 0 and 1 (predictable plug-in empirical Bernstein)."""
    n = np.arange(1.0, len(values) + 1.0)
    mean = (0.5 + np.cumsum(values)) / (n + 1.0)
    before = np.concatenate([[0.5], mean[:-1]])
    variance = (0.25 + np.cumsum((values - mean) ** 2)) / (n + 1.0)
    earlier = np.concatenate([[0.25], variance[:-1]])
    bet = np.minimum(np.sqrt(2.0 * np.log(2.0 / alpha) / (earlier * n * np.log1p(n))), 0.5)
    spent = np.cumsum((values - before) ** 2 * (-np.log1p(-bet) - bet))
    staked = np.cumsum(bet)
    centre = np.cumsum(bet * values) / staked
    margin = (np.log(2.0 / alpha) + spent) / staked
    return centre, np.maximum(centre - margin, 0.0), np.minimum(centre + margin, 1.0)


def normal_margin(n: Floats, spread: Floats, alpha: float, planned: float) -> Floats:
    """Half-widths of asymptotic intervals of a mean, narrowest near `planned` looks."""
    rho2 = (-2.0 * np.log(alpha) + np.log(1.0 - 2.0 * np.log(alpha))) / planned
    grown = n * rho2 + 1.0
    half: Floats = spread * np.sqrt(2.0 * grown / (n**2 * rho2) * np.log(np.sqrt(grown) / alpha))
    return half
