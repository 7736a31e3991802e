"""Cyclic exchanges: reps offer none, one or two of their leads, and all offers are dealt out anew at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from salesops.territory._dense import DenseCase
from salesops.territory._prices import FloatArray, IntArray

_MOST_REPS = 60
_FEW_REPS = 12
_BLOCK = 64
_PAIRS, _NONE = 0.2, 0.15
_TINY = 1e-9


class Exchange:
    """A plan in the making, with a penalty for each unit beyond a limit.

    Dealing offers out to reps is a linear assignment problem, because what a rep pays for breaking limits
    depends only on the offer she gets.
    """

    def __init__(self, case: DenseCase, owner: IntArray, penalty: FloatArray) -> None:
        self.case = case
        self.owner = owner.copy()
        self.penalty = penalty
        self.used = case.used(owner)
        # The last row is the empty offer.
        nothing = np.zeros((1, case.n_reps))
        cost = np.where(np.isfinite(case.cost), case.cost, _barrier(case, penalty))
        self._cost = np.vstack([cost.T, nothing])
        self._work = [np.vstack([use.T, nothing]) for use in case.work]
        self._seats = np.full((case.n_reps, case.n_leads + 1), case.n_leads, dtype=np.int64)
        self._count = np.zeros(case.n_reps, dtype=np.int64)
        self._has_bottom = [bool(np.isfinite(lower).any()) for lower in case.lower.T]
        for rep in range(case.n_reps):
            self._seat(rep)

    def _seat(self, rep: int) -> None:
        """List the leads of a rep."""
        leads = np.flatnonzero(self.owner == rep)
        self._seats[rep, : len(leads)] = leads
        self._seats[rep, len(leads) :] = self.case.n_leads
        self._count[rep] = len(leads)

    def broken(self) -> float:
        """Price what is beyond the limits."""
        return float((self.case.excess(self.used) * self.penalty).sum())

    def descend(
        self, rng: np.random.Generator, *, tries: int, patience: int, stop: Callable[[], bool]
    ) -> int:
        """Deal out random offers while that pays; say how often it did."""
        n_reps, gains, stale = self.case.n_reps, 0, 0
        r = min(n_reps, _MOST_REPS)
        everyone = np.arange(n_reps)
        # Where reps are few, the same offers come again and again: what did not pay once does not pay now.
        vain: set[bytes] = set()
        for k in range(tries):
            at = k % _BLOCK
            if at == 0:
                if stop():
                    break
                draws, kinds = rng.random((_BLOCK, 2, r)), rng.random((_BLOCK, r))
                offers = self._offers(everyone, draws, kinds) if r == n_reps else None
            if offers is None:
                reps = rng.choice(n_reps, r, replace=False)
                offer, key = self._offers(reps, draws[at], kinds[at]), None
            else:
                reps, offer = everyone, offers[at]
                key = offer.tobytes() if r <= _FEW_REPS else None
            if key not in vain and self._deal(reps, *offer):
                gains, stale = gains + 1, 0
                vain.clear()
                if offers is not None:
                    offers = self._offers(everyone, draws, kinds)
            else:
                if key is not None:
                    vain.add(key)
                stale += 1
                if stale > patience:
                    break
        return gains

    def _offers(self, reps: IntArray, draw: FloatArray, kind: FloatArray) -> IntArray:
        """Draw the one or two leads that each rep offers, shape (..., 2, r) as of `draw`."""
        nothing = self.case.n_leads
        offers = self._seats[reps, (draw * self._count[reps]).astype(np.int64)]
        first, second = offers[..., 0, :], offers[..., 1, :]
        first[kind > 1 - _NONE] = nothing
        second[(kind >= _PAIRS) | np.equal(first, second)] = nothing
        return offers

    def _deal(self, reps: IntArray, first: IntArray, second: IntArray) -> bool:
        """Deal out offers at least cost, and say whether that is less than now."""
        from scipy.optimize import linear_sum_assignment

        case, nothing = self.case, self.case.n_leads
        bill = (self._cost[first] + self._cost[second])[:, reps]
        mine = np.arange(len(reps))
        works = []
        for k, work in enumerate(self._work):
            offer = (work[first] + work[second])[:, reps]
            works.append(offer)
            left = self.used[reps, k] - offer[mine, mine]
            top = case.upper[reps, k] - left
            # Sums are in whole leads, so a float's last digits never count as a breach.
            bill = bill + self.penalty[reps, k] * np.maximum(offer - top, 0.0)
            if self._has_bottom[k]:
                bottom = case.lower[reps, k] - left
                bill = bill + self.penalty[reps, k] * np.maximum(bottom - offer, 0.0)
        to = linear_sum_assignment(bill)[1]
        now = bill[mine, mine]
        gain = float(now.sum() - bill[mine, to].sum())
        if gain <= _TINY * max(1.0, float(np.abs(now).sum())):
            return False
        moved = np.flatnonzero(to != mine)
        for leads in (first, second):
            real = moved[leads[moved] < nothing]
            self.owner[leads[real]] = reps[to[real]]
        for k, offer in enumerate(works):
            self.used[reps[moved], k] -= offer[moved, moved]
            np.add.at(self.used[:, k], reps[to[moved]], offer[moved, to[moved]])
        for rep in reps[moved].tolist():
            self._seat(rep)
        return True


def _barrier(case: DenseCase, penalty: FloatArray) -> float:
    """Price a pair that is not allowed above everything else together."""
    total = float(np.where(np.isfinite(case.cost), np.abs(case.cost), 0.0).max(axis=0).sum())
    for k, use in enumerate(case.work):
        least = np.where(np.isfinite(case.lower[:, k]), np.abs(case.lower[:, k]), 0.0).sum()
        total += float(penalty[:, k].max(initial=0.0) * (use.max(axis=0).sum() + least))
    return 10.0 * total + 1.0
