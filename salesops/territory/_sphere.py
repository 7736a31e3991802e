"""Distances on the globe: points as unit vectors, great circles, and the nearest reps of each lead.

Arrays only. A point that is not known is a vector of NaN, at an infinite distance from everything.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salesops.territory import _kernels
from salesops.territory._nearest import Nearest

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

RADIUS = 6371.0088
"""Mean radius of the earth in kilometres (IUGG)."""
_ROWS = 1 << 14
_SAFE = 2.0**-38
"""Scores nearer than this to each other, relatively, may be in another order than their distances."""


def vectors(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """Turn degrees into unit vectors, shape (n, 3)."""
    north, east = np.radians(latitude), np.radians(longitude)
    across = np.cos(north)
    return np.stack([across * np.cos(east), across * np.sin(east), np.sin(north)], axis=-1)


def kilometres(one: FloatArray, other: FloatArray) -> FloatArray:
    """Measure the great circle between points; shapes (..., 3), broadcast."""
    x, y, z = (one[..., k] - other[..., k] for k in range(3))
    chord = np.sqrt(x * x + y * y + z * z)
    far = 2.0 * RADIUS * np.arcsin(np.minimum(chord / 2.0, 1.0))
    return np.where(np.isnan(far), np.inf, far)


def decayed(distance: FloatArray, half_distance: float, within: float | None) -> FloatArray:
    """Score distances: 1 at 0, halved by every half distance, 0 beyond the radius."""
    scores = _kernels.rounded(np.exp2(-distance / half_distance))
    return scores if within is None else np.where(distance > within, 0.0, scores)


def every_pair(leads: FloatArray, reps: FloatArray) -> FloatArray:
    """Measure all leads to all reps, shape (n_leads, n_reps)."""
    found = np.empty((len(leads), len(reps)))
    for first in range(0, len(leads), _ROWS):
        part = slice(first, first + _ROWS)
        for rep in range(len(reps)):
            found[part, rep] = kilometres(leads[part], reps[rep])
    return found


def nearest(
    leads: FloatArray, reps: FloatArray, *, half_distance: float, within: float | None, top: int
) -> Nearest:
    """Keep the `top` nearest reps of each lead; equally near ones by position of the rep.

    Their floor is the most that another one can score.
    """
    found = Nearest(len(leads), top)
    known = np.flatnonzero(~np.isnan(reps[:, 0]))
    width = min(len(known), top)
    scores, near = np.zeros((len(leads), width)), np.zeros((len(leads), width), dtype=np.int32)
    floor = np.zeros(len(leads))
    if len(known) <= top:
        near[:] = known
        scores[:] = decayed(every_pair(leads, reps[known]), half_distance, within)
    else:
        from scipy.spatial import cKDTree

        tree = cKDTree(reps[known])
        for first in range(0, len(leads), _ROWS):
            part = np.arange(first, min(first + _ROWS, len(leads)))
            part = part[~np.isnan(leads[part, 0])]
            if len(part):
                among = known[tree.query(leads[part], k=top + 1)[1]]
                answer = _ranked(leads[part], reps, among, known, half_distance, within)
                scores[part], near[part], floor[part] = answer
    found.scores, found.reps, found.floor = scores, near, floor
    return found


def _ranked(
    leads: FloatArray,
    reps: FloatArray,
    among: IntArray,
    known: IntArray,
    half_distance: float,
    within: float | None,
) -> tuple[FloatArray, npt.NDArray[np.int32], FloatArray]:
    """Keep all but the last of the candidates, or look at everybody where the last ones are equally near."""
    top = among.shape[1] - 1
    score = decayed(kilometres(leads[:, None], reps[among]), half_distance, within)
    order = np.lexsort((among, -score), axis=1)
    among, score = np.take_along_axis(among, order, axis=1), np.take_along_axis(score, order, axis=1)
    last, beyond = score[:, top - 1], score[:, top]
    floor = np.minimum(last, beyond * (1.0 + _SAFE))
    crowded = np.flatnonzero((beyond > 0) & (beyond >= last * (1.0 - _SAFE)))
    near, score = among[:, :top].astype(np.int32), score[:, :top]
    if len(crowded):
        whole = decayed(every_pair(leads[crowded], reps[known]), half_distance, within)
        best = _kernels.best_reps(whole, np.broadcast_to(known.astype(np.int32), whole.shape), top)
        score[crowded], near[crowded], floor[crowded] = best
    rising = np.argsort(near, axis=1)
    return np.take_along_axis(score, rising, axis=1), np.take_along_axis(near, rising, axis=1), floor
