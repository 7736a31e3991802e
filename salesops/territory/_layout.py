"""Where people stand on a map: near those they know, communities apart. Arrays only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, sparse

FloatArray = npt.NDArray[np.float64]

_GRID = 128
_STEPS = 220


def layout(adjacency: sparse.csr_array[Any]) -> FloatArray:
    """Lay a connected network out in the plane by forces, shape (n, 2).

    Ties pull with a force that grows with the logarithm of the distance, people push each other off in
    proportion to the ties they have. The push is summed over a grid by fast Fourier transform, so that a step
    costs O(n + ties). The start is a smoothed random field of a fixed seed: the same network always looks the
    same.

    References
    ----------
    A. Noack (2007), "Energy models for graph clustering".
    M. Jacomy, T. Venturini, S. Heymann, M. Bastian (2014), "ForceAtlas2, a continuous graph layout
    algorithm".
    """
    n = adjacency.shape[0]
    ties = sparse.triu(adjacency, k=1).tocoo()
    first, second = ties.coords[0], ties.coords[1]
    mass = np.diff(adjacency.indptr) + 1.0
    place = _start(adjacency, mass)
    kernel = _kernel()
    for step in range(_STEPS):
        heat = 0.06 * (1 - step / _STEPS) ** 1.5 + 1e-4
        push = _push(place, mass, kernel)
        apart = place[first] - place[second]
        distance = np.hypot(apart[:, 0], apart[:, 1]) + 1e-9
        pull = apart * (np.log1p(30 * distance) / distance)[:, None]
        force = np.stack(
            [
                push[:, k]
                + np.bincount(second, weights=pull[:, k], minlength=n)
                - np.bincount(first, weights=pull[:, k], minlength=n)
                for k in range(2)
            ],
            axis=1,
        )
        force -= 0.4 * place * mass[:, None]
        force /= mass[:, None]
        size = np.hypot(force[:, 0], force[:, 1]) + 1e-12
        place += force * (np.minimum(size, 1.0) * heat / size)[:, None]
    return place


def _start(adjacency: sparse.csr_array[Any], mass: FloatArray) -> FloatArray:
    """Smooth random positions over the ties, so that communities start together."""
    n = adjacency.shape[0]
    place = np.random.default_rng(0).standard_normal((n, 2))
    spread = sparse.csr_array(
        (np.ones(len(adjacency.indices)), adjacency.indices, adjacency.indptr), shape=adjacency.shape
    )
    for _ in range(30):
        place = (spread @ place + place) / mass[:, None]
        place -= place.mean(axis=0)
        place /= np.abs(place).max(axis=0) + 1e-12
    order = np.argsort(np.argsort(place, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(0.5 * (order / max(n - 1, 1) - 0.5) + 0.25 * place)


def _kernel() -> npt.NDArray[Any]:
    """Transform the push of a unit mass at every offset of the grid."""
    offset = np.concatenate([np.arange(_GRID), np.arange(-_GRID, 0)])
    x, y = np.meshgrid(offset, offset, indexing="ij")
    square = x * x + y * y + 0.25
    return fft.rfft2(np.stack([x / square, y / square]))


def _push(place: FloatArray, mass: FloatArray, kernel: npt.NDArray[Any]) -> FloatArray:
    low, high = place.min(axis=0), place.max(axis=0)
    cell = max(float((high - low).max()), 1e-9) / (_GRID - 1.001)
    at = (place - low) / cell
    corner = np.minimum(at.astype(np.int64), _GRID - 2)
    part = at - corner
    weights = [
        ((dx, dy), np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1]))
        for dx in (0, 1)
        for dy in (0, 1)
    ]
    grid = np.zeros(_GRID * _GRID)
    for (dx, dy), weight in weights:
        where = (corner[:, 0] + dx) * _GRID + corner[:, 1] + dy
        grid += np.bincount(where, weights=weight * mass, minlength=_GRID * _GRID)
    spread = fft.rfft2(grid.reshape(_GRID, _GRID), s=(2 * _GRID, 2 * _GRID))
    field = fft.irfft2(spread[None] * kernel, s=(2 * _GRID, 2 * _GRID))[:, :_GRID, :_GRID]
    force = np.zeros_like(place)
    for (dx, dy), weight in weights:
        force += (field[:, corner[:, 0] + dx, corner[:, 1] + dy] * weight).T
    return np.asarray(force * mass[:, None] * (0.6 / (cell * mass.sum())))
