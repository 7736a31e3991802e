"""Prices of the reps' time: the Lagrangian dual of the assignment, and the bound that it certifies.

A lead uses resources of its owner: its workload, and every quantity that is balanced. A rep may use
between `lower` and `upper` of each. A price for each rep and resource turns the limits into costs; then every
lead may choose its owner alone, and what the leads choose plus what the limits are worth is an upper bound on
the score of any plan. Where few leads may change hands, a price of moving (`stay`) joins them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from functools import partial

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._chunks import in_chunks, pieces
from salesops.territory._listed import SHORT, KeptPairs, Pairs, Reps, Some

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
_Contests = tuple[IntArray, IntArray, IntArray, FloatArray]

_EPS = float(np.finfo(float).eps)
_WIDE = 8
"""Contests are looked for among so many times the leads that are wanted."""


@attrs.frozen(kw_only=True, eq=False)
class Instance:
    """An assignment problem as arrays: n leads, R reps, d resources, at most K listed reps for each lead.

    Attributes
    ----------
    use : ndarray of shape (n, d)
        What each lead uses of each resource, 0 or more. Resource 0 is workload.
    upper, lower : ndarray of shape (R, d)
        What a rep may use; infinite where there is no limit.
    pairs : Pairs or KeptPairs
        The listed reps of each lead in rising order, -1 and -inf where there are fewer.
    rest : ndarray of shape (n,)
        The most that a rep who is not listed can score; -inf if nobody else may own the lead.
    is_open : ndarray of bool, shape (n,)
        Whether the plan may give the lead to a rep who is not listed, for a score of 0.
    banned : ndarray of shape (m, 2)
        Pairs (lead, rep) that are not listed and not allowed.
    must_own : bool
        Whether every lead is to have an owner.
    may_leave : bool
        Whether leads may be left without an owner if there is no other way.
    kind : ndarray of shape (n,)
        What each lead asks of its owner, as a row of `may`.
    may : ndarray of bool, shape (n_kinds, R)
        Which rep may own leads of which kind; listed pairs keep to it.
    current : ndarray of shape (n,)
        Who owns each lead today, -1 for nobody; a current owner who may keep the lead is listed.
    max_moves : float
        How many of the leads that somebody owns today may change hands.
    stay : float
        The price of a move: what a lead's current owner has ahead of the others.
    unsure : ndarray of bool, shape (n,), or None
        Leads whose current owner is listed at 0, but can score as much as `rest`.
    """

    use: FloatArray
    upper: FloatArray
    lower: FloatArray
    pairs: Pairs | KeptPairs
    rest: FloatArray
    is_open: npt.NDArray[np.bool_]
    banned: IntArray
    must_own: bool
    may_leave: bool = False
    kind: IntArray = attrs.field(
        default=attrs.Factory(lambda self: np.zeros(len(self.use), dtype=np.int64), takes_self=True)
    )
    may: npt.NDArray[np.bool_] = attrs.field(
        default=attrs.Factory(lambda self: np.ones((1, len(self.upper)), dtype=bool), takes_self=True)
    )
    current: IntArray | None = None
    max_moves: float = math.inf
    stay: float = 0.0
    unsure: npt.NDArray[np.bool_] | None = None

    @property
    def n_leads(self) -> int:
        return len(self.use)

    @property
    def n_reps(self) -> int:
        return len(self.upper)

    @property
    def n_settled(self) -> int:
        """How many leads somebody owns today."""
        return 0 if self.current is None else int((self.current >= 0).sum())

    def take(self, leads: IntArray) -> Instance:
        """Keep some leads, in rising order; limits stay as they are."""
        banned = self.banned
        if len(banned):
            place = np.full(self.n_leads, -1, dtype=np.int64)
            place[leads] = np.arange(len(leads))
            banned = np.column_stack([place[banned[:, 0]], banned[:, 1]])
            banned = banned[banned[:, 0] >= 0]
        return attrs.evolve(
            self,
            use=self.use[leads],
            pairs=self.pairs.laid_out(leads),
            rest=self.rest[leads],
            is_open=self.is_open[leads],
            kind=self.kind[leads],
            banned=banned,
            current=None if self.current is None else self.current[leads],
            unsure=None if self.unsure is None else self.unsure[leads],
        )


def cost(instance: Instance, prices: FloatArray, leads: Some, reps: Reps) -> FloatArray:
    """Price some leads at each of their listed reps, shape (m, K); anything where there is none."""
    use = instance.use[leads]
    if not len(prices):
        return np.zeros(reps.shape)
    total: FloatArray = np.take(prices[:, 0].copy(), reps, mode="wrap")
    total *= use[:, 0, None]
    for k in range(1, use.shape[1]):
        each = np.take(prices[:, k].copy(), reps, mode="wrap")
        each *= use[:, k, None]
        total += each
    if instance.stay and instance.current is not None:
        total -= np.where(reps == instance.current[leads, None], instance.stay, 0.0)
    return total


@attrs.frozen(kw_only=True, eq=False)
class Cheapest:
    """The reps who can be cheapest for leads of each kind: those without another who is cheaper in all."""

    prices: FloatArray
    fronts: tuple[IntArray, ...]

    @classmethod
    def of(cls, instance: Instance, prices: FloatArray) -> Cheapest:
        """Find the fronts at some prices."""
        # Use is never negative, so a rep whose every price is as high as another's is never the cheapest.
        order = np.lexsort(prices.T[::-1])
        fronts = []
        for may in instance.may:
            front: list[int] = []
            for rep in order[may[order]].tolist():
                if not front or not (prices[front] <= prices[rep]).all(axis=1).any():
                    front.append(rep)
            fronts.append(np.array(sorted(front), dtype=np.int64))
        return cls(prices=prices, fronts=tuple(fronts))

    def __call__(self, use: FloatArray, kind: IntArray) -> tuple[FloatArray, IntArray]:
        """Give the lowest price of each lead over all reps who may, and whose it is (the first of equals)."""
        best, whose = np.full(len(use), np.inf), np.full(len(use), -1)
        for one in np.unique(kind).tolist():
            leads = np.flatnonzero(kind == one)
            low, owner = np.full(len(leads), np.inf), np.full(len(leads), -1)
            for rep in self.fronts[one].tolist():
                price = use[leads] @ self.prices[rep]
                better = price < low
                low[better], owner[better] = price[better], rep
            best[leads], whose[leads] = low, owner
        return best, whose


def worth_of_limits(instance: Instance, prices: FloatArray) -> FloatArray:
    """Value the limits of each rep and resource at the prices."""
    with np.errstate(invalid="ignore"):
        worth = np.where(prices > 0, prices * instance.upper, prices * instance.lower)
    return np.where(prices == 0, 0.0, worth)


def bound(instance: Instance, prices: FloatArray) -> float:
    """Upper bound on the score of every plan, rounding allowed for.

    Every lead takes its best offer, also from reps who are not listed, who are counted at the most they can
    score; sums are exact (``math.fsum``), and each term carries an allowance for its own rounding.
    """
    lowest = Cheapest.of(instance, prices)

    def of_leads(part: slice) -> tuple[FloatArray, float]:
        reps, scores = instance.pairs.at(part)
        price, listed = cost(instance, prices, part, reps), reps >= 0
        offer = np.where(listed, scores - price, -np.inf)
        best = offer.max(axis=1, initial=-np.inf)
        size = np.where(listed, np.abs(scores) + np.abs(price), 0.0).max(axis=1, initial=0.0)
        rest = instance.rest[part]
        if instance.stay and instance.unsure is not None:
            rest = rest + instance.stay * instance.unsure[part]
        others = np.flatnonzero(np.isfinite(rest))
        if len(others):
            low, _ = lowest(instance.use[part][others], instance.kind[part][others])
            best[others] = np.maximum(best[others], rest[others] - low)
            low = np.where(np.isfinite(low), low, 0.0)
            size[others] = np.maximum(size[others], np.abs(rest[others]) + np.abs(low))
        if not instance.must_own:
            best = np.maximum(best, 0.0)
        return np.where(np.isfinite(best), best, 0.0), math.fsum(size)

    parts = in_chunks(of_leads, instance.n_leads, SHORT)
    worth = worth_of_limits(instance, prices).ravel().tolist()
    if instance.stay:
        worth += [instance.stay * instance.max_moves, -instance.stay * instance.n_settled]
    size = math.fsum([each for _, each in parts]) + math.fsum(np.abs(worth))
    rounding = 8 * (prices.shape[1] + 2) * _EPS * size
    # One part at a time: as objects, numbers take four times the room.
    terms = itertools.chain([worth], (part.tolist() for part, _ in parts))
    total = math.fsum(itertools.chain.from_iterable(terms))
    return float(total + rounding)


def choices(instance: Instance, prices: FloatArray) -> tuple[IntArray, FloatArray]:
    """Let each lead choose alone at the prices.

    Returns
    -------
    owner : ndarray of shape (n,)
        The listed rep with the best offer, the first of equals; -1 where a rep who is not listed, or nobody,
        is as good.
    margin : ndarray of shape (n,)
        How much better the best offer is than the next.
    """
    lowest = Cheapest.of(instance, prices)

    def of_leads(part: slice) -> tuple[IntArray, FloatArray]:
        reps, scores = instance.pairs.at(part)
        n, width = reps.shape
        offers = np.empty((n, width + 1))
        np.subtract(scores, cost(instance, prices, part, reps), out=offers[:, 1:])
        offers[:, 1:][reps < 0] = -np.inf
        low, _ = lowest(instance.use[part], instance.kind[part])
        offers[:, 0] = np.where(instance.is_open[part], -low, -np.inf)
        if not instance.must_own:
            offers[:, 0] = np.maximum(offers[:, 0], 0.0)
        first = offers.argmax(axis=1)
        rows = np.arange(n)
        owner = np.where(first > 0, reps[rows, first - 1] if width else -1, -1)
        best = offers[rows, first]
        offers[rows, first] = -np.inf
        second = offers.max(axis=1)
        with np.errstate(invalid="ignore"):
            margin = np.where(np.isfinite(second), best - second, np.inf)
        return owner.astype(np.int64), margin

    parts = in_chunks(of_leads, instance.n_leads)
    return np.concatenate([owner for owner, _ in parts]), np.concatenate([margin for _, margin in parts])


def usage(instance: Instance, owner: IntArray, leads: npt.NDArray[np.bool_] | None = None) -> FloatArray:
    """Sum what each rep uses of each resource, shape (R, d), over all leads or those marked."""
    counted = owner >= 0 if leads is None else (owner >= 0) & leads
    return np.stack(
        [
            np.bincount(owner[counted], weights=column[counted], minlength=instance.n_reps)
            for column in instance.use.T
        ],
        axis=1,
    )


def moves(instance: Instance, owner: IntArray, leads: npt.NDArray[np.bool_] | None = None) -> int:
    """Count the leads that change hands, over all leads or those marked."""
    if instance.current is None:
        return 0
    moved = (instance.current >= 0) & (instance.current != owner)
    return int((moved if leads is None else moved & leads).sum())


def sample(instance: Instance, n_leads: int) -> Instance:
    """Take evenly spaced leads, in the order they stand, and as large a part of every limit."""
    if n_leads >= instance.n_leads:
        return instance
    rows = np.linspace(0, instance.n_leads - 1, n_leads).astype(np.int64)
    whole = instance.use.sum(axis=0)
    part = np.maximum(instance.use[rows].sum(axis=0), 1e-12 * whole) / np.where(whole > 0, whole, 1.0)
    part = np.where(whole > 0, part, 1.0)
    fewer = instance.take(rows)
    share = fewer.n_settled / max(instance.n_settled, 1)
    return attrs.evolve(
        fewer,
        upper=instance.upper * part,
        lower=instance.lower * part,
        max_moves=instance.max_moves * share if share else math.inf,
    )


def narrow(instance: Instance, prices: FloatArray, width: int) -> Instance:
    """Keep only the reps with the best offers at the prices, at most `width` for each lead, and its owner.

    Prices found on it are still good; a bound must be taken on the whole.
    """
    if instance.pairs.width <= width:
        return instance

    def best(part: slice, reps: Reps, scores: FloatArray) -> npt.NDArray[np.intp]:
        offer = np.where(reps >= 0, scores - cost(instance, prices, part, reps), -np.inf)
        if instance.current is not None:
            offer[(reps >= 0) & (reps == instance.current[part, None])] = np.inf
        return np.sort(np.argpartition(-offer, width, axis=1)[:, :width], axis=1)

    return attrs.evolve(instance, pairs=instance.pairs.keep(best, width))


def torn(
    instance: Instance,
    prices: FloatArray,
    unit: FloatArray,
    n_each: int,
    spread: Callable[[], IntArray] | None = None,
) -> tuple[Instance, IntArray, IntArray, FloatArray | None]:
    """Take the leads whose choice is close, about `n_each` for each rep; the others stay where they choose.

    Leads who choose among the reps who are not listed are close in any case. If there are more than
    `n_each` for each rep, evenly spaced ones are taken and the others go where `spread` says.

    A choice between two reps is as close as the least change of prices, in units of `unit`, that turns it.
    Every rep has a reach of her own: the closeness of her `n_each`-th choice.

    Returns
    -------
    instance : Instance
        The leads that are torn, and what the others leave of the limits.
    leads : ndarray
        Which they are.
    owner : ndarray of shape (n,)
        What every lead chooses, -1 for nobody or a rep who is not listed.
    reach : ndarray of shape (R,), or None if all leads are taken
        While no rep's prices move by more than half of her reach, the others choose as they do.
    """
    owner, margin = choices(instance, prices)
    if n_each * instance.n_reps >= instance.n_leads:
        return instance, np.arange(instance.n_leads), owner, None
    move = (instance.use / unit).sum(axis=1)
    if instance.current is not None:
        move += 1.0
    move = np.maximum(move, 1e-9)
    closeness = margin / move
    likely = min(_WIDE * n_each * instance.n_reps, instance.n_leads) - 1
    near = np.flatnonzero(closeness <= np.partition(closeness, likely)[likely])
    contests = partial(_contests, instance, prices, owner, move)
    parts = [near[part] for part in pieces(len(near))]
    reach = _reaches(instance.n_reps, map(contests, parts), n_each)
    close = np.zeros(instance.n_leads, dtype=bool)
    typical = float(np.median(reach))
    for lead, rep, other, distance in map(contests, parts):
        ours = np.where(rep >= 0, reach[rep], typical)
        theirs = np.where(other >= 0, reach[other], typical)
        close[lead[distance <= (ours + theirs) / 2]] = True
    # Reps who are not listed are many, and the cheapest of them changes with every price.
    cold = np.flatnonzero((owner < 0) & instance.is_open)
    most = n_each * instance.n_reps
    if spread is not None and len(cold) > most:
        others = cold[np.arange(len(cold)) % -(-len(cold) // most) > 0]
        owner[others] = spread()[others]
        close[others] = False
        cold = cold[:: -(-len(cold) // most)]
    close[cold] = True
    used = usage(instance, owner, ~close)
    leads = np.flatnonzero(close)
    part = attrs.evolve(
        instance.take(leads),
        upper=instance.upper - used,
        lower=instance.lower - used,
        max_moves=instance.max_moves - moves(instance, owner, ~close),
    )
    return part, leads, owner, reach


def _contests(
    instance: Instance, prices: FloatArray, owner: IntArray, move: FloatArray, leads: IntArray
) -> _Contests:
    """List who could have a lead in place of its choice, and how close: (lead, chosen, other, closeness)."""
    listed, scores = instance.pairs.at(leads)
    offer = np.where(listed >= 0, scores - cost(instance, prices, leads, listed), -np.inf)
    low, _ = Cheapest.of(instance, prices)(instance.use[leads], instance.kind[leads])
    cold = np.where(instance.is_open[leads], -low, -np.inf)
    if not instance.must_own:
        cold = np.maximum(cold, 0.0)
    offer = np.concatenate([offer, cold[:, None]], axis=1)
    reps = np.concatenate([listed.astype(np.int64), np.full((len(leads), 1), -1)], axis=1)
    distance = (offer.max(axis=1, keepdims=True) - offer) / move[leads, None]
    row, column = np.nonzero(np.isfinite(distance) & (reps != owner[leads, None]))
    return leads[row], owner[leads[row]], reps[row, column], distance[row, column]


def _reaches(n_reps: int, contests: Iterable[_Contests], n_each: int) -> FloatArray:
    """Find how close the n-th closest contest of each rep is, as the one chosen or as the other.

    The last one of a rep with fewer; the farthest of all for a rep without any.
    """
    both, each, most = np.empty(0, dtype=np.int64), np.empty(0), 0.0
    for _, rep, other, distance in contests:
        most = max(most, float(distance.max(initial=0.0)))
        both, each = np.concatenate([both, rep, other]), np.concatenate([each, distance, distance])
        both, each = both[both >= 0], each[both >= 0]
        order = np.lexsort((each, both))
        both, each = both[order], each[order]
        first = np.searchsorted(both, np.arange(n_reps))
        kept = np.arange(len(both)) < first[both] + n_each
        both, each = both[kept], each[kept]
    count = np.bincount(both, minlength=n_reps)
    reach = np.full(n_reps, most)
    reach[count > 0] = each[np.cumsum(count)[count > 0] - 1]
    return reach
