"""Wins of the past as a process of their own: how many, by whom, of what amount."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from salesops.forecast import _intensity
from salesops.forecast._panel import Panel
from salesops.forecast._structure import shares
from salesops.forecast._sums import Draws

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_KEPT = 256


@attrs.frozen(kw_only=True, eq=False)
class Wins:
    """Wins in order of day and deal; `begun` is the day of the deal's first row."""

    day: Ints
    begun: Ints
    amount: Floats
    unit: Ints
    segment: Ints

    @classmethod
    def of(cls, panel: Panel) -> Wins:
        again = np.zeros(len(panel.deal), dtype=bool)
        again[1:] = (panel.deal[1:] == panel.deal[:-1]) & (panel.state[1:] == panel.state[:-1])
        rows = np.flatnonzero((panel.state == panel.n_stages) & ~again)
        rows = rows[np.lexsort((panel.deal[rows], panel.day[rows]))]
        first = np.ones(len(panel.deal), dtype=bool)
        first[1:] = panel.deal[1:] != panel.deal[:-1]
        start = np.maximum.accumulate(np.where(first, np.arange(len(panel.deal)), 0))
        return cls(
            day=panel.day[rows],
            begun=panel.day[start[rows]],
            amount=panel.amount[rows],
            unit=panel.unit[rows],
            segment=panel.segment[rows],
        )

    def up_to(self, day: int) -> Wins:
        n = int(np.searchsorted(self.day, day, side="right"))
        return Wins(**{name: column[:n] for name, column in attrs.asdict(self).items()})

    def totals(self, after: int, until: int, n_units: int, *, begun_by: int | None = None) -> Floats:
        """Amount won by each unit after a day and up to another, perhaps of deals known by a day alone."""
        inside = (self.day > after) & (self.day <= until)
        if begun_by is not None:
            inside &= self.begun <= begun_by
        worth = np.nan_to_num(self.amount[inside])
        total: Floats = np.bincount(self.unit[inside], weights=worth, minlength=n_units).astype(np.float64)
        return total


@attrs.frozen(kw_only=True, eq=False)
class Amounts:
    """What a win brings: past amounts of each segment, and a factor for each unit."""

    draws: tuple[Draws, ...]
    factor: Floats

    @property
    def means(self) -> Floats:
        """Mean amount by unit and segment."""
        by_segment = np.array([draws.mean for draws in self.draws])
        return np.outer(self.factor, by_segment)


def learn_amounts(wins: Wins, n_units: int, n_segments: int) -> Amounts:
    """Learn amounts by segment, and how units differ: shrunk by how much amounts vary anyway."""
    known = ~np.isnan(wins.amount)
    amount, unit, segment = wins.amount[known], wins.unit[known], wins.segment[known]
    pool = amount if len(amount) else np.ones(1)
    every = _thinned(pool)
    draws = []
    for g in range(n_segments):
        mine = amount[segment == g]
        draws.append(_thinned(np.concatenate([mine, every.values[::16]])) if 0 < len(mine) < 30 else every)
        if len(mine) >= 30:
            draws[g] = _thinned(mine)
    means = np.array([max(law.mean, 1e-12) for law in draws])
    ratio = amount / means[segment]
    n = np.bincount(unit, minlength=n_units).astype(float)
    total = np.bincount(unit, weights=ratio, minlength=n_units)
    noise = float(ratio.var()) if len(ratio) > 1 else 1.0
    spread = float(((total - n) ** 2 - n * noise).sum()) / max(float((n**2).sum()), 1.0)
    strength = float(np.clip(noise / max(spread, 1e-9), 3.0, 1e6))
    factor = (total + strength) / (n + strength)
    return Amounts(draws=tuple(draws), factor=factor)


def _thinned(values: Floats) -> Draws:
    """Stand for many values by a few hundred, each the mean of its neighbours."""
    values = np.sort(values)
    if len(values) <= _KEPT:
        return Draws(values=values, weights=np.full(len(values), 1.0 / len(values)))
    body, top = values[:-32], values[-32:]
    edges = np.linspace(0, len(body), _KEPT - 31).astype(np.int64)
    sizes = np.diff(edges)
    means = np.add.reduceat(body, edges[:-1]) / sizes
    return Draws(
        values=np.concatenate([means, top]),
        weights=np.concatenate([sizes, np.ones(32)]) / len(values),
    )


def win_rates(wins: Wins, panel: Panel, origin: int, horizon: int) -> Floats:
    """Expect wins by unit and segment in the horizon, from the wins up to a day alone."""
    n_units, n_segments = len(panel.units), len(panel.segments)
    past = wins.up_to(origin)
    start = panel.observed_from
    if not len(past.day) or origin - start < 13:
        return np.zeros((n_units, n_segments))
    days = np.arange(start, origin + 1)
    counts = np.bincount(past.day - start, minlength=len(days)).astype(float)
    found = _intensity.intensity(days, counts, panel.left(days), horizon)
    ahead = origin + 1 + np.arange(horizon)
    total = float(found.on(ahead, panel.left(ahead)).sum())
    weight = 0.5 ** ((origin - past.day) / 120.0)
    by_unit = shares(past.unit, weight, n_units)
    by_segment = shares(past.segment, weight, n_segments)
    return total * by_unit[:, None] * by_segment[None, :]
