"""How many events a day brings: a level that moves slowly, weekdays, and the position in the fiscal quarter."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WEEK_EDGES = np.array([3, 7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77])
_SMOOTH_DAYS = 40.0
_ROUNDS = 8


@attrs.frozen(kw_only=True, eq=False)
class Intensity:
    """Events a day: level x weekday x position in the quarter."""

    level: float
    weekday: Floats
    position: Floats
    n: int

    def on(self, days: Ints, left: Ints) -> Floats:
        """Give the expected events of some days."""
        return self.level * self.weekday[(days + 3) % 7] * self.position[np.searchsorted(WEEK_EDGES, left)]


def weekdays(days: Ints, counts: Floats, strength: float = 8.0) -> Floats:
    """Learn the factor of each weekday, shrunk towards one."""
    total = float(counts.sum())
    if total <= 0.0 or not len(days):
        return np.ones(7)
    seen = np.bincount((days + 3) % 7, weights=counts, minlength=7)
    expected = np.bincount((days + 3) % 7, minlength=7) * total / len(days)
    factor = (seen + strength) / (expected + strength)
    factor[(seen == 0) & (expected > 15.0)] = 0.0
    factor *= total / float(factor[(days + 3) % 7].sum())
    return factor


def intensity(days: Ints, counts: Floats, left: Ints, *, half_life: float) -> Intensity:
    """Learn the level at the end of `days`, and the two patterns, from the count of each day."""
    n = len(days)
    n_places = len(WEEK_EDGES) + 1
    if not n or counts.sum() <= 0.0:
        return Intensity(level=0.0, weekday=np.ones(7), position=np.ones(n_places), n=0)
    weekday = weekdays(days, counts)
    by_day, place = weekday[(days + 3) % 7], np.searchsorted(WEEK_EDGES, left)
    seen = np.bincount(place, weights=counts, minlength=n_places)
    spread = _overdispersion(counts, by_day)
    position = np.ones(n_places)
    for _ in range(_ROUNDS):
        exposure = by_day * position[place]
        level = _smoothed(counts, exposure)
        expected = np.bincount(place, weights=by_day * level, minlength=n_places)
        position = _neighbours((seen / spread + 4.0) / (expected / spread + 4.0))
        position /= float((by_day * position[place]).sum()) / float(by_day.sum())
    weight = 0.5 ** ((days[-1] - days) / half_life)
    exposure = by_day * position[place]
    level_now = float((weight * counts).sum() / max(float((weight * exposure).sum()), 1e-12))
    return Intensity(level=level_now, weekday=weekday, position=position, n=int(counts.sum()))


def _overdispersion(counts: Floats, by_day: Floats) -> float:
    """Say by how much weeks spread more than chance would have them, as a reason for caution; at least 1."""
    n = len(counts) // 7
    if n < 4:
        return 4.0
    weekly = counts[-7 * n :].reshape(n, 7).sum(axis=1)
    steps = np.diff(weekly)
    mean = float(weekly.mean())
    del by_day
    return max(1.0, float((steps**2).mean()) / 2.0 / max(mean, 1e-9))


def _smoothed(counts: Floats, exposure: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    above = gaussian_filter1d(counts, _SMOOTH_DAYS, mode="constant")
    below = gaussian_filter1d(exposure, _SMOOTH_DAYS, mode="constant")
    return np.asarray(above / np.maximum(below, 1e-12))


def _neighbours(effect: Floats) -> Floats:
    """Let weeks in the middle of the quarter borrow from those beside them."""
    smooth = effect.copy()
    smooth[2:-1] = 0.25 * effect[1:-2] + 0.5 * effect[2:-1] + 0.25 * effect[3:]
    return smooth
