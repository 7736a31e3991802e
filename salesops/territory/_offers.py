"""What reps offer for a lead at the prices of the moment, and the best offer of somebody with room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from salesops.territory._desk import Asked
from salesops.territory._routing import State, Terms

_SLACK = 1e-12


def has_room(terms: Terms, state: State, use: Sequence[float], rep: int) -> bool:
    """Say whether a lead may go to a rep: within capacity, and within the band once the lead is counted."""
    if use[0] > state.free[rep]:
        return False
    for (k, _), steep, (spare, left) in zip(terms.plain.tops, terms.plain.steep, state.spare, strict=True):
        amount = use[k]
        if amount and amount > spare[rep] and amount * steep[rep] > left[rep]:
            return False
    return True


Offers = list[tuple[float, int, float]]


def offers(
    terms: Terms, state: State, reps: Sequence[int], scores: list[float], use: Sequence[float]
) -> Offers:
    """Rank reps by their offers, ``(price less score, rep, score)``: the best first, then the first rep.

    Ranked are those who are near and, where a lead may be cold, those whose time is cheapest.
    """
    near = set(reps)
    others = [rep for rep in state.cheap if rep not in near] if terms.is_cold else []
    reps, scores = [*reps, *others], scores + [0.0] * len(others)
    return sorted(zip(_losses(state, reps, scores, 1.0, use), reps, scores, strict=True))


def best_offer(
    terms: Terms, state: State, asked: Asked, able: frozenset[int] | None
) -> tuple[int, float, float]:
    """Find the best offer of somebody with the skills and the room, as :func:`offers` ranks them.

    Nothing is sorted, and those who are not near are looked at only if one of them may offer as much as who
    is best of the near. Gives the rep, her price less the score, and the score; -1, 0, 0 for nobody.
    """
    use, nobody, floors = asked.use, len(terms.share), state.lowest
    if terms.plain.is_usual and use[1]:
        lowest = use[0] * floors[0] + use[1] * floors[1]
        loss, owner, score = _best_of_two(terms, state, asked, able, lowest)
    else:
        lowest = sum(map(mul, use, floors))
        loss, owner, score = _best_of_any(terms, state, asked, able)
    if terms.is_cold and loss >= lowest:
        for rep, price in zip(state.cheap, _prices_of(state, state.cheap, use)):  # noqa: B905  (takes time)
            if (
                price <= loss
                and (price < loss or rep < owner)
                and (able is None or rep in able)
                and rep not in asked.reps
                and has_room(terms, state, use, rep)
            ):
                loss, owner, score = price, rep, 0.0
    if owner < nobody:
        return owner, loss, score
    if not terms.is_cold:
        return -1, 0.0, 0.0
    for loss, rep, score in all_offers(terms, state, asked.reps, asked.scores, use):
        if (able is None or rep in able) and has_room(terms, state, use, rep):
            return rep, loss, score
    return -1, 0.0, 0.0


def _best_of_two(
    terms: Terms, state: State, asked: Asked, able: frozenset[int] | None, lowest: float
) -> tuple[float, int, float]:
    """Find the best offer of those who are near, for capacity and one band: the usual case, in one go.

    It stands between a request and its answer. Gives price less score, the rep, and the score; for nobody
    the number of reps. Whoever is less near than `bar` offers less even at the lowest of all prices: the
    slack is for rounding.
    """
    use, factor = asked.use, asked.factor
    (work, amount), (first, second), free = use, state.prices, state.free
    (steep,), ((spare, left),) = terms.plain.steep, state.spare
    # Where no lead may be cold, nobody takes one that is worth less than her time.
    least, owner, closeness = (math.inf if terms.is_cold else 0.0), len(terms.share), 0.0
    bar = 0.0
    for rep, each in zip(asked.reps, asked.nearness):  # noqa: B905  (as long as each other, and to ask takes time)
        if each >= bar:
            loss = work * first[rep] + amount * second[rep] - factor * each
            if (
                loss <= least
                and (loss < least or rep < owner)
                and work <= free[rep]
                and (amount <= spare[rep] or amount * steep[rep] <= left[rep])
                and (able is None or rep in able)
            ):
                least, owner, closeness = loss, rep, each
                if factor:
                    bar = (lowest - least - _SLACK * (abs(lowest) + abs(least))) / factor
    return least, owner, factor * closeness


def _best_of_any(
    terms: Terms, state: State, asked: Asked, able: frozenset[int] | None
) -> tuple[float, int, float]:
    """Do the same for any number of quantities."""
    least, owner, closeness = (math.inf if terms.is_cold else 0.0), len(terms.share), 0.0
    losses = _losses(state, asked.reps, asked.nearness, asked.factor, asked.use)
    for loss, rep, each in zip(losses, asked.reps, asked.nearness, strict=True):
        if (
            loss <= least
            and (loss < least or rep < owner)
            and (able is None or rep in able)
            and has_room(terms, state, asked.use, rep)
        ):
            least, owner, closeness = loss, rep, each
    return least, owner, asked.factor * closeness


def _prices_of(state: State, reps: list[int], use: Sequence[float]) -> list[float]:
    """Price a lead at some reps."""
    if len(use) == 2:
        (work, amount), (first, second) = use, state.prices
        return [work * first[rep] + amount * second[rep] for rep in reps]
    return _losses(state, reps, [0.0] * len(reps), 1.0, use)


def all_offers(
    terms: Terms, state: State, reps: Sequence[int], scores: list[float], use: Sequence[float]
) -> Offers:
    """Rank every rep: the way out when nobody near, and nobody cheap, has room."""
    dense = [0.0] * len(terms.share)
    for rep, score in zip(reps, scores, strict=True):
        dense[rep] = score
    everyone = list(range(len(dense)))
    return sorted(zip(_losses(state, everyone, dense, 1.0, use), everyone, dense, strict=True))


def _losses(
    state: State, reps: Sequence[int], nearness: Sequence[float], factor: float, use: Sequence[float]
) -> list[float]:
    """Take scores, ``factor * nearness``, from prices."""
    if len(use) == 2:
        (work, amount), (first, second) = use, state.prices
        return [
            work * first[rep] + amount * second[rep] - factor * each
            for rep, each in zip(reps, nearness, strict=True)
        ]
    work, prices = use[0], state.prices[0]
    cost = [work * prices[rep] for rep in reps]
    for amount, prices in zip(use[1:], state.prices[1:], strict=True):
        cost = [each + amount * prices[rep] for each, rep in zip(cost, reps, strict=True)]
    return [price - factor * each for price, each in zip(cost, nearness, strict=True)]
