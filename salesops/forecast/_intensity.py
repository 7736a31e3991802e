"""How many events a day brings: a level, weekdays, the position in the fiscal quarter, a season."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WEEK_EDGES = np.array([3, 7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77])
_QUARTER = 91
_ROUNDS = 8
_SEASONAL = 0.02


@attrs.frozen(kw_only=True, eq=False)
class Intensity:
    """Events a day: level x weekday x position in the quarter."""

    level: float
    weekday: Floats
    position: Floats
    n: int
    season: float = 1.0

    def on(self, days: Ints, left: Ints) -> Floats:
        """Give the expected events of some days."""
        return (
            self.season
            * self.level
            * self.weekday[(days + 3) % 7]
            * self.position[np.searchsorted(WEEK_EDGES, left)]
        )


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


def intensity(days: Ints, counts: Floats, left: Ints, horizon: int) -> Intensity:
    """Learn the level at the end of `days`, and the patterns, from the count of each day.

    Levels are means over the length of a quarter: the position in it cannot be mistaken for growth.
    """
    n = len(days)
    n_places = len(WEEK_EDGES) + 1
    if not n or counts.sum() <= 0.0:
        return Intensity(level=0.0, weekday=np.ones(7), position=np.ones(n_places), n=0)
    weekday = weekdays(days, counts)
    by_day, place = weekday[(days + 3) % 7], np.searchsorted(WEEK_EDGES, left)
    seen = np.bincount(place, weights=counts, minlength=n_places)
    spread = _overdispersion(counts)
    position = np.ones(n_places)
    for _ in range(_ROUNDS):
        level = _quarterly(counts, by_day * position[place])
        expected = np.bincount(place, weights=by_day * level, minlength=n_places)
        position = _neighbours((seen / spread + 4.0) / (expected / spread + 4.0))
        position /= float((by_day * position[place]).sum()) / float(by_day.sum())
    weight = np.where(days > days[-1] - _QUARTER, 1.0, 0.3) * (days > days[-1] - 2 * _QUARTER)
    exposure = by_day * position[place]
    level_now = float((weight * counts).sum() / max(float((weight * exposure).sum()), 1e-12))
    return Intensity(
        level=level_now,
        weekday=weekday,
        position=position,
        n=int(counts.sum()),
        season=_season(counts, exposure, weight, horizon, spread),
    )


def _season(counts: Floats, exposure: Floats, weight: Floats, horizon: int, spread: float) -> float:
    """Say how much more the days ahead brought in earlier years than those before; shrunk by noise."""
    logs, noise = [], []
    n = len(counts)
    reach = int((weight > 0.0).sum())
    for year in range(1, 6):
        now = n - 364 * year
        if now - reach < 0:
            break
        before, after = slice(now - reach, now), slice(now, now + horizon)
        base, base_days = (float((weight[-reach:] * x[before]).sum()) for x in (counts, exposure))
        then, then_days = (float(x[after].sum()) for x in (counts, exposure))
        if min(base, then) < 10.0 or min(base_days, then_days) <= 0.0:
            continue
        logs.append(np.log(then / then_days) - np.log(base / base_days))
        noise.append(spread * (1.0 / then + 1.0 / base))
    if not logs:
        return 1.0
    variance = float(np.mean(noise)) / len(logs)
    trust = _SEASONAL / (_SEASONAL + variance)
    return float(np.exp(trust * np.clip(np.mean(logs), -0.5, 0.5)))


def _overdispersion(counts: Floats) -> float:
    """Say by how much weeks spread beyond chance from one to the next, at least 1."""
    n = len(counts) // 7
    if n < 4:
        return 4.0
    weekly = counts[-7 * n :].reshape(n, 7).sum(axis=1)
    return max(1.0, float((np.diff(weekly) ** 2).mean()) / 2.0 / max(float(weekly.mean()), 1e-9))


def _quarterly(counts: Floats, exposure: Floats) -> Floats:
    """Mean over the quarter around each day; at both ends over the first and the last quarter there is."""
    n = len(counts)
    width = min(_QUARTER, n)
    begin = np.clip(np.arange(n) - width // 2, 0, n - width)
    above, below = (np.append(0.0, np.cumsum(x)) for x in (counts, exposure))
    return np.asarray(
        (above[begin + width] - above[begin]) / np.maximum(below[begin + width] - below[begin], 1e-12)
    )


def _neighbours(effect: Floats) -> Floats:
    """Let weeks in the middle of the quarter borrow from those beside them."""
    smooth = effect.copy()
    smooth[2:-1] = 0.25 * effect[1:-2] + 0.5 * effect[2:-1] + 0.25 * effect[3:]
    return smooth
