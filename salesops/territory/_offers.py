"""What reps offer for a lead at the prices of the moment, and the best offer of somebody with room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from salesops.territory._routing import State, Terms


def has_room(terms: Terms, state: State, use: Sequence[float], rep: int) -> bool:
    """Say whether a lead may go to a rep: within capacity, and within the band once the lead is counted."""
    plain, used = terms.plain, state.used
    if used[0].item(rep) + use[0] > plain.full[rep]:
        return False
    for k, width in plain.tops:
        amount = use[k]
        if amount:
            top = max(state.sure[k], state.total[k] + amount) * width
            if used[k].item(rep) + amount > plain.share[rep] * top:
                return False
    return True


Offers = list[tuple[float, int, float]]


def offers(terms: Terms, state: State, reps: list[int], scores: list[float], use: Sequence[float]) -> Offers:
    """Rank reps by their offers, ``(price less score, rep, score)``: the best first, then the first rep.

    Ranked are those who are near and, where a lead may be cold, those whose time is cheapest.
    """
    near = set(reps)
    others = [rep for rep in state.cheap if rep not in near] if terms.is_cold else []
    reps, scores = reps + others, scores + [0.0] * len(others)
    return sorted(zip(_losses(state, reps, scores, 1.0, use), reps, scores, strict=True))


def best_offer(
    terms: Terms,
    state: State,
    reps: list[int],
    nearness: list[float],
    factor: float,
    use: Sequence[float],
    able: frozenset[int] | None,
) -> tuple[int, float, float]:
    """Find the best offer of somebody with the skills and the room, as :func:`offers` ranks them.

    A list is looked through faster than it is sorted, and those who are not near join it only once they may
    offer as much as who is left. Gives the rep, her price less the score, and the score; -1, 0, 0 for nobody.
    """
    losses = _losses(state, reps, nearness, factor, use)
    loss, others = min(losses, default=math.inf), []
    lowest = sum(map(mul, use, state.lowest)) if terms.is_cold else math.inf
    while True:
        if loss >= lowest < math.inf:
            others = sorted(zip(_prices_of(state, state.cheap, use), state.cheap, strict=True), reverse=True)
            lowest = math.inf
        at = losses.index(loss) if loss < math.inf else -1
        if at >= 0 and losses.count(loss) > 1:
            at = reps.index(min(rep for rep, each in zip(reps, losses, strict=True) if each == loss))
        if others and (at < 0 or others[-1] < (loss, reps[at])):
            price, rep = others.pop()
            if rep not in reps and (able is None or rep in able) and has_room(terms, state, use, rep):
                return rep, price, 0.0
            continue
        if at < 0 or (loss > 0 and not terms.is_cold):
            break
        if (able is None or reps[at] in able) and has_room(terms, state, use, reps[at]):
            return reps[at], loss, factor * nearness[at]
        losses[at] = math.inf
        loss = min(losses)
    if terms.is_cold:
        scores = [factor * each for each in nearness]
        for loss, rep, score in all_offers(terms, state, reps, scores, use):
            if (able is None or rep in able) and has_room(terms, state, use, rep):
                return rep, loss, score
    return -1, 0.0, 0.0


def _prices_of(state: State, reps: list[int], use: Sequence[float]) -> list[float]:
    """Price a lead at some reps."""
    if len(use) == 2:
        (work, amount), (first, second) = use, state.prices
        return [work * first[rep] + amount * second[rep] for rep in reps]
    return _losses(state, reps, [0.0] * len(reps), 1.0, use)


def all_offers(
    terms: Terms, state: State, reps: list[int], scores: list[float], use: Sequence[float]
) -> Offers:
    """Rank every rep: the way out when nobody near, and nobody cheap, has room."""
    dense = [0.0] * len(terms.share)
    for rep, score in zip(reps, scores, strict=True):
        dense[rep] = score
    everyone = list(range(len(dense)))
    return sorted(zip(_losses(state, everyone, dense, 1.0, use), everyone, dense, strict=True))


def _losses(
    state: State, reps: list[int], nearness: list[float], factor: float, use: Sequence[float]
) -> list[float]:
    """Take scores, ``factor * nearness``, from prices."""
    if len(use) == 2:
        # The usual case, capacity and one band, in one go: it stands between a request and its answer.
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
