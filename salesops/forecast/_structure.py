"""The structural model: daily hazards of open deals, and of deals that are still to be created."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops.forecast import _intensity, _recursion
from salesops.forecast._hazards import Factors, fit_factors
from salesops.forecast._panel import NO_DAY, Panel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BLOCK_DAYS = 28
BLOCKS = 14
_BANDS = np.array([4, 8, 15, 31, 61, 91, 151])
_LEFT = np.array([1, 3, 6, 10, 16, 30, 60, 76])
_NEAR = np.array([-30, -13, -7, -4, 0, 4, 8, 13, 21, 45])
_PLANS = np.array([-3, 3, 10, 18, 30, 55])
_GRID = 3
_CHUNK = 4_000_000
_STRENGTHS: dict[str, float | None] = {
    "stage": 0.5,
    "band": 2.0,
    "cell": 4.0,
    "segment": 4.0,
    "left": 8.0,
    "near": 6.0,
    "size": None,
    "commit": 10.0,
    "said": None,
    "unit": None,
}
_UNSEEN = ("near", "size", "commit", "said")
_OTHERS: dict[str, float | None] = {"stage": 0.5, "band": 2.0, "cell": 4.0, "segment": 4.0}


@attrs.frozen(kw_only=True, eq=False)
class Cells:
    """Deal-days counted by cell: what was at risk, and what happened, with the block of days they lie in."""

    block: Ints
    codes: dict[str, Ints]
    sizes: dict[str, int]
    exposure: Floats
    wins: Floats
    losts: Floats
    moves: Floats
    targets: Floats
    weekday: Floats
    edges: Floats


@attrs.frozen(kw_only=True, eq=False)
class Hazards:
    """Fitted hazards of a win, of another end and of a move, and where moves lead."""

    win: Factors
    lost: Factors
    move: Factors
    target: Floats
    weekday: Floats
    edges: Floats
    near_mean: float
    unseen: Floats


def size_codes(amount: Floats, edges: Floats) -> Ints:
    """Give the size of each deal as a number: 0 unknown, then fifths of the amounts."""
    return np.where(np.isnan(amount), 0, 1 + np.searchsorted(edges, np.nan_to_num(amount), side="right"))


def near_codes(expected: Ints, day: Ints) -> Ints:
    """Give how far away the expected close is as a number: 0 where nobody said."""
    return np.where(expected == NO_DAY, 0, 1 + np.searchsorted(_NEAR, expected - day, side="right"))


def count_cells(panel: Panel) -> Cells:
    """Count every day on which a deal was open, by cell and block of days."""
    rows = np.flatnonzero(panel.is_open)
    first = np.maximum(panel.day[rows], panel.observed_from - 1)
    last = np.minimum(panel.until[rows] + (panel.moves_to[rows] >= 0), panel.as_of)
    rows, first, last = (x[last > first] for x in (rows, first, last))
    known = panel.amount[panel.is_open & ~np.isnan(panel.amount)]
    edges = np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8])) if len(known) else np.zeros(0)
    moved = (panel.moves_to[rows] >= 0) & (panel.moves_to[rows] != panel.state[rows])
    days = np.arange(panel.observed_from, panel.as_of + 1)
    per_day = np.bincount(last[moved] - panel.observed_from, minlength=len(days)).astype(float)
    weekday = _intensity.weekdays(days, per_day)
    sizes = {
        "block": BLOCKS + 1,
        "stage": panel.n_stages,
        "band": len(_BANDS) + 1,
        "segment": len(panel.segments),
        "left": len(_LEFT) + 1,
        "near": len(_NEAR) + 2,
        "size": len(edges) + 2,
        "commit": 3,
        "unit": len(panel.units),
    }
    keys, sums = [], []
    bounds = np.append(0, np.cumsum(last - first))
    cuts = np.unique(np.searchsorted(bounds, np.arange(0, bounds[-1] + _CHUNK, _CHUNK)))
    for a, b in pairwise(cuts.tolist()):
        key, tally = _expanded(panel, rows[a:b], first[a:b], last[a:b], edges, weekday, sizes)
        keys.append(key)
        sums.append(tally)
    key, place = np.unique(np.concatenate(keys or [np.zeros(0, dtype=np.int64)]), return_inverse=True)
    tally = np.zeros((len(key), 4))
    np.add.at(tally, place, np.concatenate(sums or [np.zeros((0, 4))]))
    codes = dict(zip(sizes, np.unravel_index(key, tuple(sizes.values())), strict=True))
    codes["cell"] = codes["stage"] * sizes["band"] + codes["band"]
    sizes["cell"] = sizes["stage"] * sizes["band"]
    codes["said"] = codes["commit"] * sizes["unit"] + codes["unit"]
    sizes["said"] = sizes["commit"] * sizes["unit"]
    targets = np.zeros((BLOCKS + 1, panel.n_stages, panel.n_stages))
    onward = moved & (panel.moves_to[rows] < panel.n_stages)
    block = np.minimum((panel.as_of - last[onward]) // BLOCK_DAYS, BLOCKS)
    np.add.at(targets, (block, panel.state[rows][onward], panel.moves_to[rows][onward]), 1.0)
    return Cells(
        block=codes.pop("block"),
        codes=codes,
        sizes=sizes,
        exposure=tally[:, 0],
        wins=tally[:, 1],
        losts=tally[:, 2],
        moves=tally[:, 3],
        targets=targets,
        weekday=weekday,
        edges=edges,
    )


def _expanded(
    panel: Panel, rows: Ints, first: Ints, last: Ints, edges: Floats, weekday: Floats, sizes: dict[str, int]
) -> tuple[Ints, Floats]:
    """Lay episodes out day by day and count them by cell."""
    length = last - first
    episode = np.repeat(np.arange(len(rows)), length)
    start = np.cumsum(length) - length
    day = first[episode] + 1 + np.arange(len(episode)) - start[episode]
    row = rows[episode]
    codes = (
        np.minimum((panel.as_of - day) // BLOCK_DAYS, BLOCKS),
        panel.state[row],
        np.searchsorted(_BANDS, day - panel.entered[row], side="right"),
        panel.segment[row],
        np.searchsorted(_LEFT, panel.left(day), side="right"),
        near_codes(panel.expected[row], day),
        size_codes(panel.amount[row], edges),
        panel.commit[row] + 1,
        panel.unit[row],
    )
    key, place = np.unique(np.ravel_multi_index(codes, tuple(sizes.values())), return_inverse=True)
    place = place.ravel()
    tally = np.zeros((len(key), 4))
    tally[:, 0] = np.bincount(place, weights=weekday[(day + 3) % 7], minlength=len(key))
    final = place[start + length - 1]
    to, here = panel.moves_to[rows], panel.state[rows]
    for column, kind in ((1, to == panel.n_stages), (2, to > panel.n_stages), (3, to < panel.n_stages)):
        happened = kind & (to >= 0) & (to != here)
        tally[:, column] = np.bincount(final[happened], minlength=len(key))
    return key, tally


def fit_hazards(cells: Cells, block: int) -> Hazards:
    """Fit hazards on the days up to the start of a block: 0 for all, k for all but the last 28 k days."""
    chosen = cells.block >= block
    codes = {name: code[chosen] for name, code in cells.codes.items()}
    exposure = cells.exposure[chosen]
    told = bool((codes["commit"] > 0).any())
    names = [
        name
        for name in _STRENGTHS
        if name == "stage" or (cells.sizes[name] > 1 and (told or name not in ("commit", "said")))
    ]
    win = fit_factors(
        {name: codes[name] for name in names},
        cells.sizes,
        exposure,
        cells.wins[chosen],
        {name: _STRENGTHS[name] for name in names},
    )
    others = {name: codes[name] for name in _OTHERS}
    lost = fit_factors(others, cells.sizes, exposure, cells.losts[chosen], _OTHERS)
    move = fit_factors(others, cells.sizes, exposure, cells.moves[chosen], _OTHERS)
    target = cells.targets[block:].sum(axis=0)
    total = target.sum(axis=1, keepdims=True)
    target = np.divide(target, total, out=np.zeros_like(target), where=total > 0)
    near = win.effects.get("near")
    mean = 1.0
    if near is not None and exposure.sum() > 0:
        mean = float((near[codes["near"]] * exposure).sum() / exposure.sum())
    return Hazards(
        win=win,
        lost=lost,
        move=move,
        target=target,
        weekday=cells.weekday,
        edges=cells.edges,
        near_mean=mean,
        unseen=_unseen(win, codes, exposure, cells.sizes["stage"]),
    )


def _unseen(win: Factors, codes: dict[str, Ints], exposure: Floats, n_stages: int) -> Floats:
    """Average what new deals do not tell yet (plan, size, commit) over the days deals spent in each stage.

    A deal that has come far is nearer to its expected close than the mean deal: the stage matters.
    """
    known = {name: codes[name] for name in win.effects if name not in _UNSEEN}
    usual = exposure * win.rate(known)
    full = usual * win.rate({name: codes[name] for name in win.effects if name in _UNSEEN}) / win.base
    above, below = (np.bincount(codes["stage"], weights=x, minlength=n_stages) for x in (full, usual))
    return np.divide(above, below, out=np.ones(n_stages), where=below > 0.0)


@attrs.frozen(kw_only=True, eq=False)
class Projection:
    """What the structure expects: open deals (rows of the panel), and wins from new ones."""

    rows: Ints
    p: Floats
    new: Floats


def project(
    panel: Panel, hazards: Hazards, origin: int, horizon: int, creation: tuple[Floats, Floats, Floats, Floats]
) -> Projection:
    """Give each deal open at the end of a day its chance of a win within the horizon.

    `creation` is (expected new deals on each day (H,), share of segments, share of units, where they begin
    (n_segments, n_stages + 1), the last column for those won at once).
    """
    days = origin + 1 + np.arange(horizon)
    effects = hazards.win.effects
    calendar = np.ones((horizon, 3)) * hazards.weekday[(days + 3) % 7][:, None]
    if "left" in effects:
        calendar[:, 0] *= effects["left"][np.searchsorted(_LEFT, panel.left(days), side="right")]
    plans = _plan_factors(hazards, np.append(_PLANS, NO_DAY - origin), horizon)
    rows = panel.standing(origin)
    rows = rows[panel.state[rows] < panel.n_stages]
    boost = _boosts(panel, hazards, rows)
    unit_boost = effects["unit"] if "unit" in effects else np.ones(len(panel.units))
    grid = _grid(np.concatenate([boost, unit_boost]))
    entry = _entries(panel, hazards, calendar, plans, grid, horizon)
    p = _deal_chances(panel, hazards, rows, origin, calendar, boost, grid, entry)
    new = _new_wins(creation, entry, grid, unit_boost)
    return Projection(rows=rows, p=p, new=new)


def _plan_factors(hazards: Hazards, ahead: Ints, horizon: int) -> Floats:
    """Factor on the hazard of a win, day by day, given how many days ahead the expected close was at first.

    Once it has passed it is planned anew, so that less and less is known: the factor goes to its mean.
    """
    near = hazards.win.effects.get("near")
    steps = 1 + np.arange(horizon)
    if near is None:
        return np.ones((len(ahead), horizon))
    to_go = ahead[:, None] - steps[None, :]
    factor = near[1 + np.searchsorted(_NEAR, to_go, side="right")]
    passed = np.maximum(np.where(ahead[:, None] < 0, steps[None, :], -to_go), 0)
    known = np.exp(-passed / np.where(ahead[:, None] < -7, 20.0, 6.0))
    factor = known * factor + (1.0 - known) * hazards.near_mean
    factor[ahead < -(10**6)] = hazards.near_mean if near[0] == 1.0 else near[0]
    return factor


def _boosts(panel: Panel, hazards: Hazards, rows: Ints) -> Floats:
    """Multiply what is particular to each deal: its unit, its size, what its rep said."""
    boost = np.ones(len(rows))
    effects = hazards.win.effects
    if "unit" in effects:
        boost *= effects["unit"][panel.unit[rows]]
    if "size" in effects:
        boost *= effects["size"][size_codes(panel.amount[rows], hazards.edges)]
    if "commit" in effects:
        boost *= effects["commit"][panel.commit[rows] + 1]
        boost *= effects["said"][(panel.commit[rows] + 1) * len(panel.units) + panel.unit[rows]]
    return boost


def _grid(boost: Floats) -> Floats:
    low, high = float(boost.min(initial=1.0)), float(boost.max(initial=1.0))
    return np.geomspace(low, high, _GRID) if high > low * 1.001 else np.array([low])


def _stage_rates(factors: Factors, n_stages: int, segments: Ints, ages: Ints) -> Floats:
    """Rates by segment, stage and age: shape (n_segments, n_stages, n_ages)."""
    band = np.searchsorted(_BANDS, ages, side="right")
    stage = np.arange(n_stages)
    table = factors.effects["stage"][:, None] * np.ones(len(ages))[None, :]
    if "band" in factors.effects:
        table = table * factors.effects["band"][band][None, :]
    if "cell" in factors.effects:
        table = table * factors.effects["cell"][stage[:, None] * (len(_BANDS) + 1) + band[None, :]]
    scale = factors.effects["segment"][segments] if "segment" in factors.effects else np.ones(len(segments))
    return np.asarray(factors.base * scale[:, None, None] * table[None])


def _entries(
    panel: Panel, hazards: Hazards, calendar: Floats, plans: Floats, grid: Floats, horizon: int
) -> Floats:
    """Value of entering a stage: (n_segments, n_plans + 1, n_grid, H + 1, n_stages), last of new deals."""
    n_segments, ages = len(panel.segments), 1 + np.arange(horizon)
    every = np.arange(n_segments)
    win, lost, move = (
        _stage_rates(factors, panel.n_stages, every, ages)
        for factors in (hazards.win, hazards.lost, hazards.move)
    )
    lanes = (n_segments, len(plans) + 1, len(grid))
    segment, plan, point = (x.ravel() for x in np.indices(lanes))
    factor = np.repeat(calendar[None], len(segment), axis=0)
    factor[:, :, 0] *= np.vstack([plans, np.ones(horizon)])[plan]
    seen = np.where((plan < len(plans))[:, None], 1.0, hazards.unseen)
    rates = win[segment] * grid[point][:, None, None] * seen[:, :, None]
    entry = _recursion.entry_values(rates, lost[segment], move[segment], hazards.target, factor)
    return entry.reshape(*lanes, horizon + 1, panel.n_stages)


def _between(grid: Floats, boost: Floats) -> tuple[Ints, Floats]:
    """Place boosts on the grid: the point below, and how far to the next."""
    if len(grid) == 1:
        return np.zeros(len(boost), dtype=np.int64), np.zeros(len(boost))
    at = np.interp(np.log(boost), np.log(grid), np.arange(len(grid)))
    below = np.minimum(at.astype(np.int64), len(grid) - 2)
    return below, at - below


def _deal_chances(
    panel: Panel,
    hazards: Hazards,
    rows: Ints,
    origin: int,
    calendar: Floats,
    boost: Floats,
    grid: Floats,
    entry: Floats,
) -> Floats:
    horizon = len(calendar)
    ahead = np.where(panel.expected[rows] == NO_DAY, NO_DAY, panel.expected[rows] - origin)
    plan = np.abs(_PLANS[None, :] - ahead[:, None]).argmin(axis=1)
    plan = np.where(ahead < -(10**6), len(_PLANS), plan)
    ages = (origin - panel.entered[rows])[:, None] + 1 + np.arange(horizon)[None, :]
    deepest = int(ages.max(initial=1))
    place = (panel.segment[rows][:, None], panel.state[rows][:, None], ages - 1)
    win, lost, move = (
        _stage_rates(factors, panel.n_stages, np.arange(len(panel.segments)), 1 + np.arange(deepest))[place]
        for factors in (hazards.win, hazards.lost, hazards.move)
    )
    unique, back = np.unique(ahead, return_inverse=True)
    win = win * calendar[:, 0] * boost[:, None] * _plan_factors(hazards, unique, horizon)[back.ravel()]
    below, part = _between(grid, boost)
    above = np.minimum(below + 1, len(grid) - 1)
    onward = np.empty(win.shape)
    for stage in range(panel.n_stages):
        here = np.flatnonzero(panel.state[rows] == stage)
        if not len(here):
            continue
        segment = panel.segment[rows[here]]
        low = entry[segment, plan[here], below[here]][:, 1:] @ hazards.target[stage]
        high = entry[segment, plan[here], above[here]][:, 1:] @ hazards.target[stage]
        onward[here] = low + part[here][:, None] * (high - low)
    return _recursion.stay_values(win, lost * calendar[:, 1], move * calendar[:, 2], onward)


def _new_wins(
    creation: tuple[Floats, Floats, Floats, Floats], entry: Floats, grid: Floats, unit_boost: Floats
) -> Floats:
    """Count the wins to expect by the horizon from deals created in it: shape (n_units, n_segments)."""
    rate, segments, units, begins = creation
    n_stages = entry.shape[-1]
    below, part = _between(grid, unit_boost)
    above = np.minimum(below + 1, len(grid) - 1)
    fresh = entry[:, -1]
    wins = np.empty((len(units), len(segments)))
    for g in range(len(segments)):
        by_point = np.einsum("t,ktl,l->k", rate, fresh[g][:, 1:], begins[g, :n_stages])
        at_once = float(rate.sum()) * begins[g, n_stages]
        value = by_point[below] + part * (by_point[above] - by_point[below]) + at_once
        wins[:, g] = segments[g] * units * value
    return wins


def creation_of(panel: Panel, origin: int, horizon: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Learn from the deals created by a day how many, of which segments and units, are to come."""
    first = np.ones(len(panel.deal), dtype=bool)
    first[1:] = panel.deal[1:] != panel.deal[:-1]
    rows = np.flatnonzero(first & (panel.day <= origin))
    ahead = origin + 1 + np.arange(horizon)
    n_units, n_segments = len(panel.units), len(panel.segments)
    begins = np.zeros((n_segments, panel.n_stages + 1))
    if not len(rows):
        return (
            np.zeros(horizon),
            np.full(n_segments, 1.0 / n_segments),
            np.full(n_units, 1.0 / n_units),
            begins,
        )
    start = int(panel.day[rows].min())
    days = np.arange(start, origin + 1)
    counts = np.bincount(panel.day[rows] - start, minlength=len(days)).astype(float)
    found = _intensity.intensity(days, counts, panel.left(days), horizon)
    weight = 0.5 ** ((origin - panel.day[rows]) / 180.0)
    state = np.minimum(panel.state[rows], panel.n_stages + 1)
    landing = np.zeros((n_segments, panel.n_stages + 2))
    np.add.at(landing, (panel.segment[rows], state), weight)
    whole = landing.sum(axis=0)
    landing += 3.0 * whole / whole.sum()
    begins = (landing / landing.sum(axis=1, keepdims=True))[:, : panel.n_stages + 1]
    return (
        found.on(ahead, panel.left(ahead)),
        shares(panel.segment[rows], weight, n_segments),
        shares(panel.unit[rows], weight, n_units),
        begins,
    )


def shares(codes: Ints, weight: Floats, n: int, strength: float = 2.0) -> Floats:
    """Share of each level, shrunk a little towards equal shares of those that were seen."""
    seen = np.bincount(codes, weights=weight, minlength=n)
    present = np.bincount(codes, minlength=n) > 0
    prior = present / max(int(present.sum()), 1)
    total: Any = seen + strength * prior
    return np.asarray(total / max(float(total.sum()), 1e-300))
