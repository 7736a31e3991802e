"""The router on arrays: prices that move with every lead, and the limits that they serve.

Positions stand for reps. A :class:`State` is a pure function of what the reps have and of what has come in,
so two routers with the same numbers price alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import add
from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_SHORTEST = 0.01
"""Part of all that has come for which the router plans ahead at least."""
_DEVIATIONS = 2.0
_TOLERANCE = 1e-9
_CHEAP = 8


class _Manner(NamedTuple):
    """How prices answer to what a rep is ahead or behind.

    Attributes
    ----------
    step : float
        Length of a step, in units of the one that a rep's share of what is to come calls for.
    ahead : float
        Part of all that has come for which upper ends are planned ahead.
    above, below : float
        Room that prices keep free inside the ends of a band, as part of a fair share; at most `width` times
        the band.
    """

    step: float
    ahead: float
    above: float
    below: float
    width_above: float
    width_below: float


# Steps shorter than theory's are steadier where a rep has few leads. Without a known end a large lead must
# find room at every moment, so prices keep some. Both were chosen on seeded worlds of 100 and of 300 reps.
_TOLD = _Manner(step=0.7, ahead=_SHORTEST, above=0.0, below=0.01, width_above=0.0, width_below=0.5)
_UNTOLD = _Manner(step=0.25, ahead=0.1, above=0.08, below=0.015, width_above=0.8, width_below=0.15)


@attrs.frozen(kw_only=True, eq=False)
class Terms:
    """What stays as it is while leads come in: R reps, d quantities, the first of them workload.

    Attributes
    ----------
    capacity : ndarray of shape (R,)
        Infinite where there is no limit.
    share : ndarray of shape (R,)
        Part of each balanced total that is the rep's fair share.
    band : ndarray of shape (d,)
        Width of the band around the fair share; infinite where a quantity is not balanced.
    base : ndarray of shape (R, d)
        Prices of the plan.
    rate : ndarray of shape (R, d)
        Part of what comes in that the rep takes at those prices.
    worth : ndarray of shape (d,)
        What one unit of use scores on average, above 0: the scale of prices.
    unit : ndarray of shape (d,)
        What a mean lead uses, above 0.
    end : ndarray of shape (d,)
        Total of each quantity, plan and stream, that there will be in the end, if that is told; else 0.
    n_leads : float
        How many leads are to come, if that is told or guessed; else 0.
    is_guess : bool
        Whether nobody told it: then some capacity is kept for more.
    spread : ndarray of shape (d,)
        Standard deviation of the use of a lead.
    is_cold : bool
        Whether a rep without a known connection may own a lead.
    plain
        The same as lists and columns, which is what takes no time to read.
    """

    capacity: FloatArray
    share: FloatArray
    band: FloatArray
    base: FloatArray
    rate: FloatArray
    worth: FloatArray
    unit: FloatArray
    end: FloatArray
    n_leads: float
    spread: FloatArray
    is_cold: bool
    is_guess: bool = False
    plain: _Plain = attrs.field(init=False)

    @plain.default
    def _laid_out(self) -> _Plain:
        return _Plain.of(self)

    def limits(self, total: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the limits of each rep once the totals are so: most and least, shape (R, d) each."""
        fair = self.share[:, None] * total
        balanced = np.isfinite(self.band)
        width = np.where(balanced, self.band, 0.0)
        upper = np.where(balanced, fair * (1 + width), np.inf)
        lower = np.where(balanced, fair * np.maximum(1 - width, 0.0), -np.inf)
        upper[:, 0] = np.minimum(upper[:, 0], self.capacity)
        return upper, lower


@attrs.frozen(eq=False)
class _Plain:
    """Terms as lists and contiguous columns.

    Attributes
    ----------
    inverse : ndarray of shape (R,)
        One over each fair share; where there is none, over an equal one.
    start : dict from manner to tuple of ndarrays of shape (R,)
        The price that a rep without anything would have if there were no limits.
    room : ndarray of shape (R,)
        Capacity over fair share.
    full : ndarray of shape (R,)
        Capacity with tolerance.
    tops : list of tuples
        For each balanced quantity its place, and what of its total a rep may have at most, with tolerance:
        shape (R,).
    steep : list of lists
        For each of these, how much nearer its end a rep comes with one unit more, which widens the band too.
    is_usual : bool
        Whether two quantities count, and the second one only is balanced.
    """

    inverse: FloatArray
    start: dict[_Manner, tuple[FloatArray, ...]]
    room: FloatArray
    full: FloatArray
    tops: list[tuple[int, FloatArray]]
    steep: list[list[float]]
    is_usual: bool
    bands: list[float]
    worth: list[float]
    unit: list[float]
    end: list[float]
    spread: list[float]
    is_guess: bool

    @classmethod
    def of(cls, terms: Terms) -> _Plain:
        n = max(len(terms.share), 1)
        inverse = 1.0 / np.where(terms.share > 0, terms.share, 1.0 / n)
        pull = terms.worth * terms.rate * inverse[:, None]
        bands = terms.band.tolist()
        width = (1 + terms.band) * (1 + _TOLERANCE)
        tops = [(k, terms.share * width[k]) for k, band in enumerate(bands) if band < np.inf]
        return cls(
            inverse=inverse,
            start={
                manner: tuple(np.ascontiguousarray(column) for column in (terms.base + manner.step * pull).T)
                for manner in (_TOLD, _UNTOLD)
            },
            room=terms.capacity * inverse,
            full=terms.capacity * (1 + _TOLERANCE),
            tops=tops,
            steep=[(1.0 - most).tolist() for _, most in tops],
            is_usual=len(bands) == 2 and [k for k, _ in tops] == [1],
            bands=bands,
            worth=terms.worth.tolist(),
            unit=terms.unit.tolist(),
            end=terms.end.tolist(),
            spread=terms.spread.tolist(),
            is_guess=terms.is_guess,
        )


@attrs.frozen(eq=False)
class State:
    """What moves: what the reps use, what has come in, and the prices that follow from them.

    Attributes
    ----------
    used : tuple of ndarrays of shape (R,)
        For each quantity.
    total : tuple of float
        Of plan and stream so far.
    n_seen : int
        How many leads have come.
    sure : tuple of float
        The total of each quantity that there will be in the end, all but for bad luck: what is told as a
        total; what is told as a number of leads, less twice its standard deviation.
    prices : tuple of lists
        For each quantity the price of a unit of it at each rep.
    lowest : tuple of float
        The least of each.
    cheap : list of int
        The reps whose time is cheapest for a mean lead, the cheapest first.
    free : list of float
        Workload that each rep has room for.
    spare : list of pairs of lists
        For each balanced quantity, as in `tops`, what each rep may take of it while the total stays below
        the sure one, and what is left to her of the present total.
    """

    used: tuple[FloatArray, ...]
    total: tuple[float, ...]
    n_seen: int
    sure: tuple[float, ...]
    prices: tuple[list[float], ...]
    lowest: tuple[float, ...]
    cheap: list[int]
    free: list[float]
    spare: list[tuple[list[float], list[float]]]


def state_of(terms: Terms, used: tuple[FloatArray, ...], total: tuple[float, ...], n_seen: int = 0) -> State:
    r"""Work out the prices.

    The price of a rep is the plan's, raised or lowered so that what she has, plus what she takes of the rest
    at the plan's prices, less what the change of price turns away, ends inside her limits. One step of this
    is a step of dual averaging whose length is in proportion to the reciprocal of what is still to come.

    With use u, base price b, rate r, fair share f, worth s of a unit, step g, and h still to come until the
    total is t + h, the price is
    :math:`(b + (u + r h - upper) g s / (h f))^+ + (b + (u + r h - lower) g s / (h f))^-`.
    """
    plain, prices, sure = terms.plain, [], []
    rest = max(terms.n_leads - n_seen, 0.0)
    for k, so_far in enumerate(total):
        told = max(plain.end[k] - so_far, rest * plain.unit[k])
        sure.append(so_far + max(told - _DEVIATIONS * plain.spread[k] * math.sqrt(rest), 0.0))
        prices.append(_prices(plain, k, used[k] * plain.inverse, so_far, told))
    return State(
        used,
        total,
        n_seen,
        tuple(sure),
        tuple([column.tolist() for column in prices]),
        tuple([float(column.min(initial=0.0)) for column in prices]),
        _cheap(terms, used, prices),
        (plain.full - used[0]).tolist(),
        [
            ((most * sure[k] - used[k]).tolist(), (most * total[k] - used[k]).tolist())
            for k, most in plain.tops
        ],
    )


def _prices(plain: _Plain, k: int, part: FloatArray, so_far: float, told: float) -> FloatArray:
    """Price one quantity at every rep, from what each uses over her fair share."""
    manner, band = (_TOLD if told > 0 else _UNTOLD), plain.bands[k]
    start, worth, least = plain.start[manner][k], manner.step * plain.worth[k], plain.unit[k]
    further = _UNTOLD.ahead if plain.is_guess and k == 0 else manner.ahead
    ahead = max(told, further * so_far, least)
    steep = worth / ahead
    level = part * steep
    level += start
    if k == 0:
        top = plain.room * steep
        if band < np.inf:
            top = np.minimum(top, (so_far + ahead) * (1 + band) * steep)
        level -= top
    else:
        free = min(manner.above, manner.width_above * band) * so_far
        level -= ((so_far + ahead) * (1 + band) - free) * steep
    price = np.maximum(level, 0.0, out=level)
    if band < np.inf:
        # The lower end has no guard but its price, which looks less far.
        ahead = max(told, _SHORTEST * so_far, least)
        steep = worth / ahead
        low = part * steep
        low += start
        low -= (
            (so_far + ahead) * max(1 - band, 0.0) + min(manner.below, manner.width_below * band) * so_far
        ) * steep
        price += np.minimum(low, 0.0, out=low)
    return price


def _cheap(terms: Terms, used: tuple[FloatArray, ...], prices: list[FloatArray]) -> list[int]:
    """Pick the reps with room whose time is cheapest for a mean lead; of equal ones the first."""
    cost = np.where(used[0] >= terms.capacity, np.inf, 0.0)
    for unit, price in zip(terms.plain.unit, prices, strict=True):
        cost += unit * price
    near = np.arange(len(cost))
    if len(cost) > _CHEAP:
        near = (cost <= np.partition(cost, _CHEAP - 1)[_CHEAP - 1]).nonzero()[0]
    cheap: list[int] = near[cost[near].argsort(kind="stable")[:_CHEAP]].tolist()
    return cheap


def taken(terms: Terms, state: State, rep: int, use: Sequence[float]) -> State:
    """Count a lead: at a rep, or, for the position -1, only in what has come in."""
    used = state.used
    if rep >= 0:
        used = tuple([column.copy() for column in used])
        for column, amount in zip(used, use, strict=True):
            column[rep] += amount
    return state_of(terms, used, tuple(map(add, state.total, use)), state.n_seen + 1)
