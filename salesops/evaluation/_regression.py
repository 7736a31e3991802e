"""Regression of a series on time, with errors that follow each other.

Letters, as in the papers: ``y = X b + e``, ``rho`` the correlation of an error with the one before it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

Floats = npt.NDArray[np.float64]

_GRID = np.linspace(-0.95, 0.98, 194)


def segments(n: int, change: int) -> Floats:
    """Design of a segmented line: level, trend, step at the change, and bend from there on."""
    t = np.arange(n, dtype=np.float64)
    after = (t >= change).astype(np.float64)
    return np.column_stack([np.ones(n), t, after, after * (t - change)])


def _whitened(columns: Floats) -> Floats:
    """Make the errors of each column independent, for every rho of the grid: (n_rho, n, k)."""
    rho = _GRID[:, None, None]
    first = np.sqrt(1.0 - rho**2) * columns[:1]
    return np.concatenate([first, columns[1:] - rho * columns[:-1]], axis=1)


def autoregressive(y: Floats, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Fit by generalised least squares at every rho of a grid, with its restricted likelihood as weight.

    Returns rho (n_rho,), weight (n_rho,), coefficients (n_rho, k), and their covariances (n_rho, k, k).
    """
    n, k = x.shape
    white_x, white_y = _whitened(x), _whitened(y[:, None])
    across = white_x.transpose(0, 2, 1)
    root = np.linalg.inv(across @ white_x)
    b = root @ (across @ white_y)
    left = ((white_y - white_x @ b) ** 2).sum(axis=(1, 2))
    score = -0.5 * (n - k) * np.log(np.maximum(left, 1e-300)) + 0.5 * np.log(1.0 - _GRID**2)
    score += 0.5 * np.linalg.slogdet(root)[1]
    weight = np.exp(score - score.max())
    return _GRID, weight / weight.sum(), b[:, :, 0], root * (left / (n - k))[:, None, None]


def least_squares(y: Floats, x: Floats, lags: int) -> tuple[Floats, Floats]:
    """Ordinary least squares; covariance classical for 0 lags, else Newey-West with n / (n - k)."""
    n, k = x.shape
    root = np.linalg.inv(x.T @ x)
    b = root @ (x.T @ y)
    left = y - x @ b
    if lags == 0:
        return b, root * float(left @ left) / (n - k)
    scores = x * left[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        shared = scores[lag:].T @ scores[:-lag]
        meat += (1.0 - lag / (lags + 1.0)) * (shared + shared.T)
    return b, root @ meat @ root * n / (n - k)


def mixture(
    weight: Floats, centre: Floats, spread: Floats, degrees: float, level: float
) -> tuple[float, ...]:
    """Mean, standard deviation, interval and two-sided tail at 0 of a mixture of t distributions."""
    mean = float(weight @ centre)
    factor = degrees / (degrees - 2.0) if degrees > 2.0 else 1.0
    deviation = float(np.sqrt(weight @ (factor * spread**2 + (centre - mean) ** 2)))
    likely = weight > 1e-10 * weight.max()
    weight, centre, spread = weight[likely] / weight[likely].sum(), centre[likely], spread[likely]
    below = float(weight @ stdtr(degrees, -centre / spread))
    edge = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    low, high = np.full(2, mean - 1e3 * deviation), np.full(2, mean + 1e3 * deviation)
    for _ in range(48):
        middle = 0.5 * (low + high)
        reached = stdtr(degrees, (middle[:, None] - centre) / spread) @ weight >= edge
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    ends = 0.5 * (low + high)
    return mean, deviation, float(ends[0]), float(ends[1]), 2.0 * min(below, 1.0 - below)
