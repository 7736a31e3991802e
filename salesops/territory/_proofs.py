"""Why some rules cannot hold together: prices at which they contradict each other.

At prices of the reps' time every lead costs at least what its cheapest allowed rep asks. If all leads that
are to have an owner cost more than the limits are worth, there is no plan (Farkas). Flows find such prices
where one quantity is short; the leads of a certain size, counted, show that they do not go in whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from scipy import sparse

from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._rules import Mask, Rulebook, System

_EPS = float(np.finfo(float).eps)
_MOST_SIZES = 24
_MOST_FLOW = 2**30


@attrs.frozen(kw_only=True, eq=False)
class Proof:
    """Prices (R, d) under which a system contradicts itself.

    Attributes
    ----------
    size : float or None
        Where given, leads that use at least so much of `resource` are counted, and limits in whole leads.
    move_price : float
        What a lead costs, beside, that changes hands.
    """

    prices: FloatArray
    resource: int = 0
    size: float | None = None
    move_price: float = 0.0

    def view(self, system: System) -> System:
        """Give the system that the prices speak of."""
        if self.size is None:
            return system
        use = np.zeros(system.use.shape)
        use[:, self.resource] = system.use[:, self.resource] >= self.size
        upper = np.full(system.upper.shape, np.inf)
        with np.errstate(invalid="ignore"):
            upper[:, self.resource] = np.floor(system.upper[:, self.resource] / self.size)
        lower = np.full(system.lower.shape, -np.inf)
        return attrs.evolve(system, use=use, upper=upper, lower=lower)

    def costs(self, system: System) -> FloatArray:
        """Cost each lead at least, by the prices; infinite where nobody may own it but somebody must."""
        low = self.offers(system).min(axis=1, initial=np.inf)
        nobody = np.where(system.today >= 0, self.move_price, 0.0)
        return np.asarray(np.where(system.must, low, np.minimum(low, nobody)))

    def offers(self, system: System) -> FloatArray:
        """Cost each pair, by the prices, shape (n, R); infinite where it is not allowed."""
        seen = self.view(system)
        price = seen.use @ self.prices.T
        if self.move_price:
            price += self.move_price * seen.moves
        return np.asarray(np.where(seen.allowed, price, np.inf))

    def excess(self, system: System) -> float:
        """How far the costs exceed the worth of the limits, rounding allowed for; above 0 is a proof."""
        seen, costs = self.view(system), self.costs(system)
        up, down = np.maximum(self.prices, 0.0), np.maximum(-self.prices, 0.0)
        if np.isinf(seen.upper[up > 0]).any() or np.isinf(seen.lower[down > 0]).any():
            return -math.inf
        if self.move_price > 0 and np.isinf(seen.max_moves):
            return -math.inf
        if np.isinf(costs).any():
            return math.inf
        worth = [
            *(up[up > 0] * seen.upper[up > 0]).tolist(),
            *(-down[down > 0] * seen.lower[down > 0]).tolist(),
            *([self.move_price * seen.max_moves] if self.move_price > 0 else []),
        ]
        size = np.where(seen.allowed, seen.use @ np.abs(self.prices).T, 0.0).max(axis=1, initial=0.0)
        size += self.move_price
        rounding = 16 * (seen.use.shape[1] + 2) * _EPS * math.fsum([*size.tolist(), *map(abs, worth)])
        total: float = math.fsum([*costs.tolist(), *(-part for part in worth)])
        return float(total - rounding)


def proofs(system: System) -> Iterator[Proof]:
    """Look for prices that contradict, the cheapest searches first; each is to be checked by its excess."""
    shape = system.upper.shape
    if np.isfinite(system.max_moves):
        yield Proof(prices=np.zeros(shape), move_price=1.0)
    groups = _groups(system)
    for resource in range(shape[1]):
        crossed = np.flatnonzero(system.lower[:, resource] > system.upper[:, resource])
        if np.isfinite(system.upper[:, resource]).any():
            full = _cut_of_uppers(system, groups, system.use[:, resource], system.upper[:, resource])
            if full.any():
                yield Proof(prices=_priced(shape, resource, full, 1.0))
        if (system.lower[:, resource] > 0).any() and not len(crossed):
            starved = _cut_of_lowers(system, groups, resource)
            if starved.any():
                yield Proof(prices=_priced(shape, resource, starved, -1.0))
    yield from _knapsacks(system)
    for resource in range(shape[1]):
        for size in _sizes(system, resource):
            counted = Proof(prices=np.zeros(shape), resource=resource, size=size)
            seen = counted.view(system)
            full = _cut_of_uppers(seen, groups, seen.use[:, resource], seen.upper[:, resource])
            if full.any():
                yield attrs.evolve(counted, prices=_priced(shape, resource, full, 1.0))


def _priced(shape: tuple[int, ...], resource: int, reps: Mask, price: float) -> FloatArray:
    prices = np.zeros(shape)
    prices[reps, resource] = price
    return prices


def _groups(system: System) -> tuple[IntArray, IntArray]:
    """Take leads together that the same reps may own and that must, or need not, have an owner."""
    rows = np.packbits(np.concatenate([system.allowed, system.must[:, None]], axis=1), axis=1)
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, first, group = np.unique(whole, return_index=True, return_inverse=True)
    return group.ravel().astype(np.int64), first.astype(np.int64)


def _sizes(system: System, resource: int) -> list[float]:
    """Choose sizes of leads at which limits that hold in sum may fail in whole leads."""
    use, upper = system.use[:, resource], system.upper[:, resource]
    sizes = np.unique(use[(use > 0) & system.must])
    limits = upper[np.isfinite(upper) & (upper > 0)]
    if not len(sizes) or not len(limits) or (len(sizes) == 1 and (np.mod(limits, sizes[0]) == 0).all()):
        return []
    if len(sizes) > _MOST_SIZES:
        wanted = np.concatenate([np.unique(limits) / k for k in (2, 3, 4)])
        above = np.unique(np.searchsorted(sizes, wanted, side="right"))
        sizes = sizes[above[above < len(sizes)]][-_MOST_SIZES:]
    return [float(size) for size in sizes]


def _cut_of_uppers(
    system: System, groups: tuple[IntArray, IntArray], use: FloatArray, upper: FloatArray
) -> Mask:
    """Find reps whose limits are too small for the leads that only they may own (Hall, Gale)."""
    group, first = groups
    need = np.bincount(group, weights=np.where(system.must, use, 0.0), minlength=len(first)).astype(float)
    allowed = system.allowed[first]
    free = (allowed & np.isinf(upper)).any(axis=1) | (need <= 0)
    stuck = np.flatnonzero(~free)
    if not len(stuck):
        return np.zeros(len(upper), dtype=bool)
    reached = _starved(need[stuck], allowed[stuck], np.where(np.isinf(upper), 0.0, np.maximum(upper, 0.0)))
    if reached is None:
        return np.zeros(len(upper), dtype=bool)
    return np.asarray(allowed[stuck[reached]].any(axis=0))


def _cut_of_lowers(system: System, groups: tuple[IntArray, IntArray], resource: int) -> Mask:
    """Find reps who need more than all leads they may own bring."""
    group, first = groups
    have = np.bincount(group, weights=system.use[:, resource], minlength=len(first)).astype(float)
    need = np.maximum(system.lower[:, resource], 0.0)
    hungry = np.flatnonzero(need > 0)
    reached = _starved(need[hungry], system.allowed[first].T[hungry], have)
    found = np.zeros(len(need), dtype=bool)
    if reached is not None:
        found[hungry[reached]] = True
    return found


def _starved(need: FloatArray, allowed: Mask, have: FloatArray) -> Mask | None:
    """Send what is needed to where there is some, by a greatest flow; mark needs that a least cut leaves."""
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n, m = allowed.shape
    total = math.fsum(need.tolist())
    whole = (need == np.floor(need)).all() and (have == np.floor(have)).all() and total < _MOST_FLOW
    scale = 1.0 if whole else _MOST_FLOW / total
    supply = np.floor(need * scale).astype(np.int64)
    room = np.minimum(np.ceil(have * scale * (1 - 1e-12)), _MOST_FLOW).astype(np.int64)
    row, column = np.nonzero(allowed)
    source, sink = n + m, n + m + 1
    tail = np.concatenate([np.full(n, source), row, n + np.arange(m)])
    head = np.concatenate([np.arange(n), n + column, np.full(m, sink)])
    size = np.concatenate([supply, supply[row], room])
    kept = size > 0
    network = sparse.csr_array(
        (size[kept].astype(np.int32), (tail[kept], head[kept])), shape=(n + m + 2, n + m + 2)
    )
    answer = maximum_flow(network, source, sink)
    if answer.flow_value >= supply.sum():
        return None
    left: Any = network - answer.flow
    left = sparse.csr_array(left)
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = np.zeros(n + m + 2, dtype=bool)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    return reached[:n]


def _knapsacks(system: System) -> Iterator[Proof]:
    """Find reps who cannot come up to one limit from below within another from above."""
    shape = system.upper.shape
    for low in range(shape[1]):
        for rep in np.flatnonzero(system.lower[:, low] > 0).tolist():
            for high in np.flatnonzero(np.isfinite(system.upper[rep])).tolist():
                if low == high:
                    continue
                reach, rate = densest(system, rep, low, high)
                if reach < system.lower[rep, low] and np.isfinite(rate):
                    prices = np.zeros(shape)
                    prices[rep, high], prices[rep, low] = rate, -1.0
                    yield Proof(prices=prices)


def densest(system: System, rep: int, low: int, high: int) -> tuple[float, float]:
    """Let a rep take the leads that bring most of one resource for what they use of another.

    Gives the most that she can reach, the last lead in part, and what a unit of room is worth there.
    """
    bound = system.allowed[:, rep] & system.must & (system.allowed.sum(axis=1) == 1)
    may = system.allowed[:, rep] & ~bound
    have = float(system.use[bound, low].sum())
    room = float(system.upper[rep, high] - system.use[bound, high].sum())
    gain, work = system.use[may, low], system.use[may, high]
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(work > 0, gain / work, np.where(gain > 0, np.inf, 0.0))
    order = np.argsort(-density, kind="stable")
    filled = np.cumsum(work[order])
    whole = filled <= room
    have += float(gain[order][whole].sum())
    if whole.all():
        return have, 0.0
    k = int(whole.argmin())
    rate = float(density[order[k]])
    return have + max(room - (filled[k - 1] if k else 0.0), 0.0) * rate, rate


def support(book: Rulebook, kept: Mask, proof: Proof) -> Mask:
    """Reduce a set of rules to some that the prices still contradict."""
    a, _, c, d, e, f, _ = book.starts
    kept = kept.copy()
    kept[:a] &= _limits_used(book, kept, proof)
    kept[f] &= proof.move_price > 0
    for rule in (e, d, *range(c, d)):
        if kept[rule]:
            trial = kept.copy()
            trial[rule] = False
            if proof.excess(book.system(trial)) > 0:
                kept = trial
    if proof.move_price > 0:
        proof = _spare_limits(book, kept, proof)
    _spare_leads(book, kept, proof)
    return kept


def _spare_limits(book: Rulebook, kept: Mask, proof: Proof) -> Proof:
    """Drop limits, in place, as long as the prices of the others contradict: those that say least first."""
    system, prices = book.system(kept), proof.prices.copy()
    places = [(int(rep), int(k)) for rep, k in np.argwhere(prices != 0)]

    def without(place: tuple[int, int]) -> Proof:
        fewer = prices.copy()
        fewer[place] = 0.0
        return attrs.evolve(proof, prices=fewer)

    left = {place: without(place).excess(system) for place in places}
    for place in sorted(places, key=lambda one: (-left[one], one)):
        if without(place).excess(system) > 0:
            prices[place] = 0.0
    proof = attrs.evolve(proof, prices=prices)
    kept[: len(book.limits)] &= _limits_used(book, kept, proof)
    return proof


def _limits_used(book: Rulebook, kept: Mask, proof: Proof) -> Mask:
    """Keep for each price the tightest limit that it stands for."""
    used = np.zeros(len(book.limits), dtype=bool)
    for rep, resource in np.argwhere(proof.prices != 0).tolist():
        upper = proof.prices[rep, resource] > 0
        here = (book.limits[:, 0] == rep) & (book.limits[:, 1] == resource) & (book.is_upper == upper)
        rows = np.flatnonzero(here & kept[: len(used)])
        if len(rows):
            tightest = np.argmin if upper else np.argmax
            used[rows[tightest(book.amounts[rows])]] = True
    return used


def _spare_leads(book: Rulebook, kept: Mask, proof: Proof) -> None:
    """Drop locks and bans, in place, as long as the prices still contradict: those that cost least first."""
    a, _, c, *_ = book.starts
    owner_of = book.rules_of_leads()
    rules = a + np.flatnonzero(kept[a:c])
    if not len(rules):
        return
    bare = kept.copy()
    bare[a:c] = False
    loss = proof.costs(book.system(kept)) - proof.costs(book.system(bare))
    leads, each = np.unique(owner_of[rules - a], return_counts=True)
    order = np.lexsort((-leads, loss[leads] / each))
    # Costs that are infinite cannot be added up: such leads are a conflict of their own.
    left = proof.excess(book.system(kept))
    spent = np.cumsum(np.maximum(loss[leads[order]], 0.0))
    n_spare = int((spent < left * (1 - 1e-9)).sum())
    dropped = np.isin(owner_of[rules - a], leads[order[:n_spare]])
    kept[rules[dropped]] = False
    _spare_one_by_one(book, kept, proof, rules[~dropped])


def _spare_one_by_one(book: Rulebook, kept: Mask, proof: Proof, rules: IntArray) -> None:
    """Drop single bans of the leads that are left, in place, as long as the prices still contradict."""
    _, b, c, *_ = book.starts
    system = book.system(kept)
    left = proof.excess(system) * (1 - 1e-9)
    before = kept.copy()
    bare = kept.copy()
    bare[b:c] = False
    free = book.system(bare)
    unbanned, price = free.allowed, proof.offers(free)
    allowed, costs = system.allowed.copy(), proof.costs(system)
    for rule in rules[rules >= b].tolist():
        lead, rep = book.task.forbidden[rule - b].tolist()
        loss = max(costs[lead] - price[lead, rep], 0.0) if unbanned[lead, rep] else 0.0
        if loss < left:
            kept[rule] = False
            allowed[lead, rep] = unbanned[lead, rep]
            left -= loss
            costs[lead] -= loss
    if not proof.excess(book.system(kept)) > 0:
        kept[:] = before


def find_contradiction(book: Rulebook, kept: Mask) -> Mask | None:
    """Find a small part of a set of rules that is proved to have no plan; None if none was found."""
    system = book.system(kept)
    found = _crossed(book, kept, system)
    if found is None:
        found = _orphan(book, kept, system)
    if found is not None:
        return found
    for proof in proofs(system):
        if 0 < proof.excess(system) < np.inf:
            return support(book, kept, proof)
    return None


def _crossed(book: Rulebook, kept: Mask, system: System) -> Mask | None:
    """Find a rep whose limit from below is above the one from above."""
    places = np.argwhere(system.lower > system.upper)
    if not len(places):
        return None
    rep, resource = places[0].tolist()
    found = np.zeros(len(kept), dtype=bool)
    for price in (1.0, -1.0):
        one = np.zeros(system.upper.shape)
        one[rep, resource] = price
        found[: len(book.limits)] |= _limits_used(book, kept, Proof(prices=one))
    return found


def _orphan(book: Rulebook, kept: Mask, system: System) -> Mask | None:
    """Find a lead that must have an owner, and that no rep may own or has room for."""
    fit = system.allowed.copy()
    for k in range(system.use.shape[1]):
        fit &= system.use[:, k, None] <= system.upper[:, k]
    alone = np.flatnonzero(system.must & ~fit.any(axis=1))
    if not len(alone) or not fit.shape[1]:
        return None
    a, b, c, d, e, *_ = book.starts
    task = book.task
    # A lead of few rules makes the shortest conflict.
    tally = np.bincount(book.rules_of_leads()[np.flatnonzero(kept[a:c])], minlength=task.n_leads)
    locked = np.zeros(task.n_leads, dtype=bool)
    locked[book.locks[kept[a:b]]] = True
    lead = int(alone[np.lexsort((alone, tally[alone], ~locked[alone]))[0]])
    blocks: list[tuple[int, Mask]] = [
        (c + k, ~task.eligibility.has[k]) for k in task.eligibility.kinds[task.kind[lead]] if kept[c + k]
    ]
    if kept[d] and not locked[lead]:
        blocks.append((d, ~book.known[lead]))
    reps = np.arange(task.n_reps)
    bans = b + np.flatnonzero(kept[b:c] & (task.forbidden[:, 0] == lead))
    blocks += [(int(rule), reps == task.forbidden[rule - b, 1]) for rule in bans]
    tight = np.flatnonzero(kept[:a] & book.is_upper & (task.use[lead, book.limits[:, 1]] > book.amounts))
    blocks += [(int(rule), reps == book.limits[rule, 0]) for rule in tight]
    found = np.zeros(len(kept), dtype=bool)
    wanted = np.ones(task.n_reps, dtype=bool)
    if locked[lead]:
        found[a + np.searchsorted(book.locks, lead)] = True
        wanted = reps == task.locked[lead]
    else:
        found[e] = True
    cover = np.sum([block & wanted for _, block in blocks], axis=0)
    for rule, block in blocks[::-1]:
        if (cover[block & wanted] > 1).all():
            cover = cover - (block & wanted)
        else:
            found[rule] = True
    return found
