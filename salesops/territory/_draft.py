"""A plan in the making: who owns each lead, what each rep uses, and what a change would break or mend."""

from __future__ import annotations

import math
from functools import cached_property

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._chunks import in_chunks, pieces
from salesops.territory._listed import MANY, best_scores
from salesops.territory._prices import FloatArray, Instance, IntArray, moves, usage

Mask = npt.NDArray[np.bool_]

_FEW = 40_000
"""So many pairs of leads and reps are looked at one and all."""
_MOST_HELD = 50_000
"""The leads of a rep with more are looked for anew each time."""


@attrs.define(eq=False, slots=False)
class Draft:
    """A plan in the making.

    Position R stands for nobody, who has no limits and scores 0, or less than any rep where every lead is to
    have an owner.
    """

    instance: Instance
    owner: IntArray
    used: FloatArray
    unit: FloatArray
    upper: FloatArray
    lower: FloatArray
    banned_of: dict[int, list[int]]
    idle: float
    moved: int
    is_cold: Mask

    @classmethod
    def of(cls, instance: Instance, owner: IntArray) -> Draft:
        """Start from owners, -1 for nobody."""
        d = instance.use.shape[1]
        used = np.zeros((instance.n_reps + 1, d))
        used[:-1] = usage(instance, owner)
        unit = instance.use.mean(axis=0) if instance.n_leads else np.ones(d)
        banned_of: dict[int, list[int]] = {}
        for lead, rep in instance.banned.tolist():
            banned_of.setdefault(lead, []).append(rep)
        most = float(best_scores(instance.pairs).max(initial=0.0)) or 1.0
        return cls(
            instance=instance,
            owner=np.where(owner < 0, instance.n_reps, owner),
            used=used,
            unit=np.where(unit > 0, unit, 1.0),
            upper=np.concatenate([instance.upper, np.full((1, d), np.inf)]),
            lower=np.concatenate([instance.lower, np.full((1, d), -np.inf)]),
            banned_of=banned_of,
            idle=-10.0 * most if instance.must_own else 0.0,
            moved=moves(instance, owner),
            is_cold=_are_cold(instance, owner),
        )

    @cached_property
    def by_rep(self) -> tuple[IntArray, npt.NDArray[np.int32]]:
        """List the leads that list each rep, as in CSR."""
        case = self.instance
        parts = pieces(case.n_leads)
        listed = (case.pairs.at(part)[0].ravel() for part in parts)
        each = [np.bincount(reps[reps >= 0], minlength=case.n_reps) for reps in listed]
        starts = np.concatenate([[0], np.cumsum(np.sum(each, axis=0))])
        leads, free = np.empty(int(starts[-1]), dtype=np.int32), starts[:-1].copy()
        for part, many in zip(parts, each, strict=True):
            reps = case.pairs.at(part)[0].ravel()
            order = np.argsort(reps, kind="stable")[len(reps) - int(many.sum()) :]
            rank = np.arange(len(order)) - np.repeat(np.cumsum(many) - many, many)
            leads[np.repeat(free, many) + rank] = part.start + order // case.pairs.width
            free += many
        return starts, leads

    def takeable(self, rep: int) -> IntArray:
        """Give the leads that a rep may well take over: those that list her, and those with a cold owner."""
        starts, leads = self.by_rep
        mine = leads[starts[rep] : starts[rep + 1]]
        cold = np.flatnonzero(self.is_cold & (self.owner != rep))
        return np.concatenate([mine[self.owner[mine] != rep], cold])

    def others(self, rep: int) -> IntArray:
        """Give the leads that a rep does not own."""
        return np.flatnonzero(self.owner != rep)

    def ways_out(self, leads: IntArray, *others: int) -> tuple[IntArray, FloatArray]:
        """Say where some leads could go, and their scores there, both of shape (m, ways).

        Everybody, or, where that is too much to look at, the listed reps, a few with much room, and `others`.
        """
        case = self.instance
        if len(leads) * case.n_reps <= _FEW:
            everyone = np.arange(case.n_reps + 1)
            return np.broadcast_to(everyone, (len(leads), len(everyone))), self.scores(leads)
        room = np.where(np.isfinite(case.upper), case.upper - self.used[:-1], np.inf) / self.unit
        roomy = np.argsort(-room.min(axis=1), kind="stable")[:4].tolist()
        more = np.array([*others, case.n_reps, *roomy])
        reps, scores = case.pairs.at(leads)
        listed = reps.astype(np.int64)
        offers = [np.where(listed >= 0, scores, -np.inf)]
        offers += [
            self._score_among(leads, np.full(len(leads), other), reps, scores)[:, None]
            for other in more.tolist()
        ]
        ways = [np.maximum(listed, 0), np.broadcast_to(more, (len(leads), len(more)))]
        return np.concatenate(ways, axis=1), np.concatenate(offers, axis=1)

    def leads_of(self, rep: int) -> IntArray:
        """Give the leads of a rep, or of nobody."""
        held = self._held.get(rep)
        return np.flatnonzero(self.owner == rep) if held is None else held

    @cached_property
    def _held(self) -> dict[int, IntArray]:
        """The leads of some reps, kept as leads move: to look through a million owners takes its time.

        Nobody's are not among them, nor those of a rep with very many: there a move would take as long.
        """
        case = self.instance
        if case.n_leads <= MANY:
            return {}
        order = np.argsort(self.owner.astype(np.min_scalar_type(case.n_reps)), kind="stable")
        ends = np.cumsum(np.bincount(self.owner, minlength=case.n_reps + 1))[:-1]
        held = np.split(order[: ends[-1]], ends[:-1])
        return {rep: leads for rep, leads in enumerate(held) if len(leads) <= _MOST_HELD}

    def scores(self, leads: IntArray) -> FloatArray:
        """Score some leads at every rep and at nobody, shape (m, R + 1); -inf where not allowed."""
        case = self.instance
        dense = np.full((len(leads), case.n_reps + 1), -np.inf)
        dense[:, : case.n_reps] = np.where(
            case.is_open[leads, None] & case.may[case.kind[leads]], 0.0, -np.inf
        )
        dense[:, -1] = self.idle
        reps, scores = case.pairs.at(leads)
        row, column = np.nonzero(reps >= 0)
        dense[row, reps[row, column]] = scores[row, column]
        if self.banned_of:
            for row_of, lead in enumerate(leads.tolist()):
                dense[row_of, self.banned_of.get(lead, [])] = -np.inf
        return dense

    def score_at(self, leads: IntArray, rep: int) -> FloatArray:
        """Score some leads at one rep; -inf where not allowed."""
        return self.scores_at(leads, np.full(len(leads), rep))

    def current(self, leads: IntArray) -> FloatArray:
        """Score some leads at their owners."""
        return self.scores_at(leads, self.owner[leads])

    def scores_at(self, leads: IntArray, reps: IntArray) -> FloatArray:
        """Score some leads, each at one rep; -inf where not allowed."""
        return self._score_among(leads, reps, *self.instance.pairs.at(leads))

    def scores_to_take(self, leads: IntArray, rep: int) -> tuple[FloatArray, FloatArray]:
        """Score some leads at one rep and at their owners."""
        among = self.instance.pairs.at(leads)
        here = self._score_among(leads, np.full(len(leads), rep), *among)
        return here, self._score_among(leads, self.owner[leads], *among)

    def _score_among(
        self, leads: IntArray, reps: IntArray, listed: npt.NDArray[np.int32], scores: FloatArray
    ) -> FloatArray:
        case = self.instance
        nobody = reps == case.n_reps
        named = np.where(nobody, 0, reps)
        may = case.is_open[leads] & (case.may[case.kind[leads], named] if case.n_reps else False)
        score = np.where(may, 0.0, -np.inf)
        row, column = np.nonzero(listed == reps[:, None])
        score[row] = scores[row, column]
        if self.banned_of:
            banned = [k for k, lead in enumerate(leads.tolist()) if reps[k] in self.banned_of.get(lead, ())]
            score[banned] = -np.inf
        score[nobody] = self.idle
        return score

    def move(self, lead: int, rep: int) -> None:
        """Give a lead to a rep, or to nobody."""
        self.moved += self.change(lead, rep)
        origin = int(self.owner[lead])
        self.used[origin] -= self.instance.use[lead]
        self.used[rep] += self.instance.use[lead]
        if origin != rep:
            if origin in self._held:
                held = self._held[origin]
                self._held[origin] = np.delete(held, np.searchsorted(held, lead))
            if rep in self._held:
                held = self._held[rep]
                self._held[rep] = np.insert(held, np.searchsorted(held, lead), lead)
        self.owner[lead] = rep
        listed = self.instance.pairs.at(slice(lead, lead + 1))[0]
        self.is_cold[lead] = rep < self.instance.n_reps and not (listed == rep).any()

    def change(self, lead: int, rep: int) -> int:
        """Count by how much the moves would grow if a lead went to a rep."""
        if self.instance.current is None:
            return 0
        settled = int(self.instance.current[lead])
        return 0 if settled < 0 else int(settled != rep) - int(settled != self.owner[lead])

    def changes(self, leads: IntArray, reps: IntArray) -> IntArray:
        """Count the same for many leads, each to one rep or to several, shape as of `reps`."""
        if self.instance.current is None:
            return np.zeros(reps.shape, dtype=np.int64)
        settled, owner = self.instance.current[leads], self.owner[leads]
        if reps.ndim > 1:
            settled, owner = settled[:, None], owner[:, None]
        grown = (settled != reps).astype(np.int64) - (settled != owner)
        return np.where(settled < 0, 0, grown)

    @property
    def moves_left(self) -> float:
        """How many more leads may change hands; infinite without a limit."""
        return math.inf if self.instance.current is None else self.instance.max_moves - self.moved

    def may_change(self, leads: IntArray, reps: IntArray) -> Mask:
        """Mark the changes that the limit of moves allows."""
        if math.isinf(self.moves_left):
            return np.ones(reps.shape, dtype=bool)
        grown = self.changes(leads, reps)
        return (grown <= 0) | (grown <= self.moves_left)

    def breach(self, used: FloatArray, upper: FloatArray, lower: FloatArray) -> FloatArray:
        """How far uses are beyond their limits, over all resources, in mean leads."""
        total = np.zeros(np.broadcast_shapes(used.shape, upper.shape)[:-1])
        for k in range(self.used.shape[1]):
            over = used[..., k] - upper[..., k]
            under = lower[..., k] - used[..., k]
            total += np.maximum(np.maximum(over, under), 0.0) / self.unit[k]
        return total

    def breaches(self) -> FloatArray:
        """How far each rep is beyond her limits, and nobody never."""
        return self.breach(self.used, self.upper, self.lower)

    def broken(self) -> float:
        """How much the draft breaks of all limits together, moves among them."""
        over = max(-self.moves_left, 0.0) if math.isfinite(self.moves_left) else 0.0
        return float(self.breaches().sum()) + over

    def total(self) -> float:
        """Score of all leads together."""
        case = self.instance
        own = np.where(self.owner == case.n_reps, self.idle, 0.0)

        def add(part: slice) -> None:
            reps, scores = case.pairs.at(part)
            own[part] += np.where(reps == self.owner[part, None], scores, 0.0).sum(axis=1)

        in_chunks(add, case.n_leads)
        return float(own.sum())

    def owners(self) -> IntArray:
        """Who owns each lead, -1 for nobody; leads that may not stay where they are have been moved."""
        return np.where(self.owner == self.instance.n_reps, -1, self.owner)

    def recount(self, rep: int, leads: IntArray) -> None:
        """Sum a rep's use afresh, so that nothing is left of roundings."""
        self.used[rep] = self.instance.use[leads].sum(axis=0)

    def mends(self, lead: int, rep: int) -> bool:
        """Say whether limits would be broken less if a lead went to a rep."""
        use, both = self.instance.use[lead], np.array([self.owner[lead], rep])
        upper, lower, used = self.upper[both], self.lower[both], self.used[both]
        after = used + np.stack([-use, use])
        gain = self.breach(used, upper, lower).sum() - self.breach(after, upper, lower).sum()
        return bool(gain > 1e-9) and self.change(lead, rep) <= max(self.moves_left, 0)


def _are_cold(instance: Instance, owner: IntArray) -> Mask:
    """Mark the leads with an owner who is not listed for them."""
    cold = owner >= 0

    def look(part: slice) -> None:
        cold[part] &= ~(instance.pairs.at(part)[0] == owner[part, None]).any(axis=1)

    in_chunks(look, instance.n_leads)
    return np.asarray(cold)
