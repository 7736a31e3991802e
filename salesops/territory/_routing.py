"""The router on arrays: prices that move with every lead, the limits they serve, and the choice they lead to.

Positions stand for reps. A :class:`State` is a pure function of what the reps have and of what has come in,
so two routers with the same numbers always choose alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import add, mul

import attrs
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HORIZON = 0.01
"""Part of all that has come for which the router plans ahead when it does not know how much is to come."""
_MARGIN = 0.005
_DEVIATIONS = 2.0
_TOLERANCE = 1e-9
_CHEAP = 8


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
        How many leads are to come, if that is told; else 0.
    spread : ndarray of shape (d,)
        Standard deviation of the use of a lead.
    is_cold : bool
        Whether a rep without a known connection may own a lead.
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
    _plain: _Plain = attrs.field(init=False)

    @_plain.default
    def _laid_out(self) -> _Plain:
        return _Plain.of(self)

    @property
    def plain(self) -> _Plain:
        """The same as lists and columns, which is what takes no time to read."""
        return self._plain

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
    start : tuple of ndarrays of shape (R,)
        The price that a rep without anything would have if there were no limits.
    room : ndarray of shape (R,)
        Capacity over fair share.
    full, share : list of float
        Capacity with tolerance, and fair share.
    tops : list of tuples
        For each balanced quantity its place, and one plus the band, with tolerance.
    """

    inverse: FloatArray
    start: tuple[FloatArray, ...]
    room: FloatArray
    full: list[float]
    share: list[float]
    tops: list[tuple[int, float]]
    bands: list[float]
    worth: list[float]
    unit: list[float]
    end: list[float]
    spread: list[float]

    @classmethod
    def of(cls, terms: Terms) -> _Plain:
        n = max(len(terms.share), 1)
        inverse = 1.0 / np.where(terms.share > 0, terms.share, 1.0 / n)
        start = terms.base + terms.worth * terms.rate * inverse[:, None]
        bands = terms.band.tolist()
        return cls(
            inverse=inverse,
            start=tuple(np.ascontiguousarray(column) for column in start.T),
            room=terms.capacity * inverse,
            full=(terms.capacity * (1 + _TOLERANCE)).tolist(),
            share=terms.share.tolist(),
            tops=[(k, (1 + band) * (1 + _TOLERANCE)) for k, band in enumerate(bands) if band < np.inf],
            bands=bands,
            worth=terms.worth.tolist(),
            unit=terms.unit.tolist(),
            end=terms.end.tolist(),
            spread=terms.spread.tolist(),
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
        The reps whose time is cheapest for a mean lead, in the order of reps.
    """

    used: tuple[FloatArray, ...]
    total: tuple[float, ...]
    n_seen: int
    sure: tuple[float, ...]
    prices: tuple[list[float], ...]
    lowest: tuple[float, ...]
    cheap: list[int]


def state_of(terms: Terms, used: tuple[FloatArray, ...], total: tuple[float, ...], n_seen: int = 0) -> State:
    r"""Work out the prices.

    The price of a rep is the plan's, raised or lowered so that what she has, plus what she takes of the rest
    at the plan's prices, less what the change of price turns away, ends inside her limits. One step of this
    is a step of dual averaging whose length is the reciprocal of what is still to come.

    With use u, base price b, rate r, fair share f, worth s of a unit, and h still to come until the total is
    t + h, the price is :math:`(b + (u + r h - upper) s / (h f))^+ + (b + (u + r h - lower) s / (h f))^-`.
    """
    plain, prices, sure = terms.plain, [], []
    rest = max(terms.n_leads - n_seen, 0.0)
    for k, (mine, sum_so_far) in enumerate(zip(used, total, strict=True)):
        told = max(plain.end[k] - sum_so_far, rest * plain.unit[k])
        sure.append(sum_so_far + max(told - _DEVIATIONS * plain.spread[k] * math.sqrt(rest), 0.0))
        ahead = max(told, HORIZON * sum_so_far, plain.unit[k])
        steep, band = plain.worth[k] / ahead, plain.bands[k]
        level = mine * plain.inverse
        level *= steep
        level += plain.start[k]
        final = (sum_so_far + ahead) * steep
        price: FloatArray
        if k == 0:
            top = plain.room * steep
            price = np.maximum(level - (np.minimum(top, final * (1 + band)) if band < np.inf else top), 0.0)
        else:
            price = np.maximum(level - final * (1 + band), 0.0)
        if band < np.inf:
            bottom = final * max(1 - band, 0.0) + _MARGIN * sum_so_far * steep
            price += np.minimum(level - bottom, 0.0)
        prices.append(price)
    return State(
        used,
        total,
        n_seen,
        tuple(sure),
        tuple([column.tolist() for column in prices]),
        tuple([float(column.min(initial=0.0)) for column in prices]),
        _cheap(terms, used, prices),
    )


def _cheap(terms: Terms, used: tuple[FloatArray, ...], prices: list[FloatArray]) -> list[int]:
    """Pick the reps with room whose time is cheapest for a mean lead; of equal ones the first."""
    cost = np.where(used[0] >= terms.capacity, np.inf, 0.0)
    for unit, price in zip(terms.plain.unit, prices, strict=True):
        cost += unit * price
    if len(cost) <= _CHEAP:
        return list(range(len(cost)))
    edge = np.partition(cost, _CHEAP - 1)[_CHEAP - 1]
    below = np.flatnonzero(cost < edge).tolist()
    return sorted(below + np.flatnonzero(cost == edge)[: _CHEAP - len(below)].tolist())


class Room:
    """Who has room for a lead: within capacity, and within the band once the lead is counted."""

    __slots__ = ("_full", "_load", "_share", "_tops", "_work")

    def __init__(self, terms: Terms, state: State, use: Sequence[float]) -> None:
        plain = terms.plain
        self._work, self._load, self._full, self._share = use[0], state.used[0], plain.full, plain.share
        self._tops = [
            (use[k], state.used[k], max(state.sure[k], state.total[k] + use[k]) * width)
            for k, width in plain.tops
            if use[k]
        ]

    def at(self, rep: int) -> bool:
        """Say whether the lead may go to a rep."""
        if self._load.item(rep) + self._work > self._full[rep]:
            return False
        share = self._share[rep]
        return all(used.item(rep) + amount <= share * top for amount, used, top in self._tops)


Offers = list[tuple[float, int, float]]


def offers(terms: Terms, state: State, reps: list[int], scores: list[float], use: Sequence[float]) -> Offers:
    """Rank reps by their offers, ``(price less score, rep, score)``: the best first, then the first rep.

    Those who are not near are there only if one of them may offer more than all who are.
    """
    ranked = sorted(zip(_losses(state, reps, scores, use), reps, scores, strict=True))
    if terms.is_cold and (not ranked or ranked[0][0] >= sum(map(mul, use, state.lowest))):
        near = set(reps)
        others = [rep for rep in state.cheap if rep not in near]
        nothing = [0.0] * len(others)
        ranked = sorted([*ranked, *zip(_losses(state, others, nothing, use), others, nothing, strict=True)])
    return ranked


def all_offers(
    terms: Terms, state: State, reps: list[int], scores: list[float], use: Sequence[float]
) -> Offers:
    """Rank every rep: the way out when nobody near, and nobody cheap, has room."""
    dense = [0.0] * len(terms.share)
    for rep, score in zip(reps, scores, strict=True):
        dense[rep] = score
    everyone = list(range(len(dense)))
    return sorted(zip(_losses(state, everyone, dense, use), everyone, dense, strict=True))


def _losses(state: State, reps: list[int], scores: list[float], use: Sequence[float]) -> list[float]:
    if len(use) == 2:
        # The usual case, capacity and one band, in one go: it stands between a request and its answer.
        (work, amount), (first, second) = use, state.prices
        return [
            work * first[rep] + amount * second[rep] - score for rep, score in zip(reps, scores, strict=True)
        ]
    return [
        sum([amount * price[rep] for amount, price in zip(use, state.prices, strict=True)]) - score
        for rep, score in zip(reps, scores, strict=True)
    ]


def taken(terms: Terms, state: State, rep: int, use: Sequence[float]) -> State:
    """Count a lead: at a rep, or, for the position -1, only in what has come in."""
    used = state.used
    if rep >= 0:
        used = tuple([column.copy() for column in used])
        for column, amount in zip(used, use, strict=True):
            column[rep] += amount
    return state_of(terms, used, tuple(map(add, state.total, use)), state.n_seen + 1)
