"""From prices to a plan: repair what breaks a limit at the least regret, then improve by chains of moves."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._prices import FloatArray, Instance, IntArray, cost, usage

Mask = npt.NDArray[np.bool_]

_TINY = 1e-12
_SWAP_PARTNERS = 12


@attrs.define(eq=False)
class Draft:
    """A plan in the making: who owns each lead, and what each rep uses of each resource.

    Position R stands for nobody, who has no limits and scores 0, or less than any rep where every lead is to
    have an owner.
    """

    instance: Instance
    owner: IntArray
    used: FloatArray
    unit: FloatArray
    banned_of: dict[int, list[int]]
    idle: float

    @classmethod
    def of(cls, instance: Instance, owner: IntArray) -> Draft:
        """Start from owners, -1 for nobody."""
        used = np.zeros((instance.n_reps + 1, instance.use.shape[1]))
        used[:-1] = usage(instance, owner)
        unit = instance.use.mean(axis=0) if instance.n_leads else np.ones(instance.use.shape[1])
        banned_of: dict[int, list[int]] = {}
        for lead, rep in instance.banned.tolist():
            banned_of.setdefault(lead, []).append(rep)
        return cls(
            instance=instance,
            owner=np.where(owner < 0, instance.n_reps, owner),
            used=used,
            unit=np.where(unit > 0, unit, 1.0),
            banned_of=banned_of,
            idle=-10.0 * float(instance.scores.max(initial=0.0) or 1.0) if instance.must_own else 0.0,
        )

    @property
    def upper(self) -> FloatArray:
        return np.concatenate([self.instance.upper, np.full((1, self.used.shape[1]), np.inf)])

    @property
    def lower(self) -> FloatArray:
        return np.concatenate([self.instance.lower, np.full((1, self.used.shape[1]), -np.inf)])

    def scores(self, leads: IntArray) -> FloatArray:
        """Score some leads at every rep and at nobody, shape (m, R + 1); -inf where not allowed."""
        case = self.instance
        dense = np.full((len(leads), case.n_reps + 1), -np.inf)
        may = case.is_open[leads, None] & case.may[case.kind[leads]]
        dense[:, : case.n_reps] = np.where(may, 0.0, -np.inf)
        dense[:, -1] = self.idle
        reps = case.reps[leads]
        row, column = np.nonzero(reps >= 0)
        dense[row, reps[row, column]] = case.scores[leads][row, column]
        if self.banned_of:
            for row_of, lead in enumerate(leads.tolist()):
                dense[row_of, self.banned_of.get(lead, [])] = -np.inf
        return dense

    def score_at(self, leads: IntArray, rep: int) -> FloatArray:
        """Score some leads at one rep; -inf where not allowed."""
        case = self.instance
        if rep == case.n_reps:
            return np.full(len(leads), self.idle)
        score = np.where(case.is_open[leads] & case.may[case.kind[leads], rep], 0.0, -np.inf)
        row, column = np.nonzero(case.reps[leads] == rep)
        score[row] = case.scores[leads[row], column]
        if self.banned_of:
            banned = [k for k, lead in enumerate(leads.tolist()) if rep in self.banned_of.get(lead, ())]
            score[banned] = -np.inf
        return score

    def current(self, leads: IntArray) -> FloatArray:
        """Score some leads at their owners."""
        case, owner = self.instance, self.owner[leads]
        named = np.minimum(owner, case.n_reps - 1)
        may = case.is_open[leads] & (case.may[case.kind[leads], named] if case.n_reps else False)
        score = np.where(may, 0.0, -np.inf)
        score[owner == case.n_reps] = self.idle
        row, column = np.nonzero(case.reps[leads] == owner[:, None])
        score[row] = case.scores[leads[row], column]
        if self.banned_of:
            banned = [k for k, lead in enumerate(leads.tolist()) if owner[k] in self.banned_of.get(lead, ())]
            score[banned] = -np.inf
        return score

    def move(self, lead: int, rep: int) -> None:
        """Give a lead to a rep, or to nobody."""
        self.used[self.owner[lead]] -= self.instance.use[lead]
        self.used[rep] += self.instance.use[lead]
        self.owner[lead] = rep

    def breach(self, used: FloatArray, upper: FloatArray, lower: FloatArray) -> FloatArray:
        """How far uses are beyond their limits, over all resources, in mean leads."""
        total = np.zeros(np.broadcast_shapes(used.shape, upper.shape)[:-1])
        for k in range(self.used.shape[1]):
            over = used[..., k] - upper[..., k]
            under = lower[..., k] - used[..., k]
            total += np.maximum(np.maximum(over, under), 0.0) / self.unit[k]
        return total

    def breaches(self) -> FloatArray:
        """How far each rep is beyond her limits."""
        return self.breach(self.used, self.upper, self.lower)

    def owners(self) -> IntArray:
        """Who owns each lead, -1 for nobody; leads that may not stay where they are have been moved."""
        return np.where(self.owner == self.instance.n_reps, -1, self.owner)


def repair(draft: Draft, prices: FloatArray, *, max_moves: int, stop: Callable[[], bool]) -> bool:
    """Move leads until every limit holds, each time where it costs least for what it mends.

    Returns
    -------
    bool
        Whether every limit holds.
    """
    nobody = draft.instance.n_reps
    priced = np.concatenate([prices, np.zeros((1, prices.shape[1]))])
    stuck: set[int] = set()
    for _ in range(max_moves):
        breaches = draft.breaches()
        breaches[list(stuck)] = 0.0
        rep = int(breaches.argmax())
        if breaches[rep] <= 0 or rep == nobody or stop():
            break
        offers = [_best_out(draft, priced, rep), _best_in(draft, priced, rep)]
        move = min((offer for offer in offers if offer is not None), key=itemgetter(0), default=None)
        # Leaving a lead to nobody is the last resort where every lead is to have an owner.
        move = move or _best_swap(draft, priced, rep) or _best_out(draft, priced, rep, to_nobody=True)
        if move is None:
            stuck.add(rep)
            continue
        for lead, target in move[1]:
            draft.move(lead, target)
        stuck.clear()
    return not (draft.breaches() > 0).any()


Move = tuple[float, list[tuple[int, int]]]


def _best_out(draft: Draft, priced: FloatArray, rep: int, *, to_nobody: bool = False) -> Move | None:
    """Find the best lead to give away: least loss for each unit of breach that it mends."""
    leads = np.flatnonzero(draft.owner == rep)
    if not len(leads):
        return None
    use = draft.instance.use[leads]
    offer = draft.scores(leads) - use @ priced.T
    loss = offer[:, rep, None] - offer
    left = draft.breach(draft.used[rep] - use, draft.upper[rep], draft.lower[rep])
    there = draft.breach(draft.used[None] + use[:, None], draft.upper[None], draft.lower[None])
    now = draft.breaches()
    mended = now[rep] + now[None, :] - left[:, None] - there
    mended[:, rep] = 0.0
    if draft.instance.must_own and not to_nobody:
        mended[:, -1] = 0.0
    return _cheapest(loss, mended, lambda k: [(int(leads[k[0]]), int(k[1]))])


def _best_in(draft: Draft, priced: FloatArray, rep: int) -> Move | None:
    """Find the best lead to take over."""
    if not (draft.used[rep] < draft.lower[rep]).any():
        return None
    leads = np.flatnonzero(draft.owner != rep)
    use, owner = draft.instance.use[leads], draft.owner[leads]
    offer = draft.score_at(leads, rep) - use @ priced[rep]
    own = draft.current(leads) - (use * priced[owner]).sum(axis=1)
    left = draft.breach(draft.used[owner] - use, draft.upper[owner], draft.lower[owner])
    here = draft.breach(draft.used[rep] + use, draft.upper[rep], draft.lower[rep])
    now = draft.breaches()
    mended = now[rep] + now[owner] - left - here
    return _cheapest(own - offer, mended, lambda k: [(int(leads[k[0]]), rep)])


def _best_swap(draft: Draft, priced: FloatArray, rep: int) -> Move | None:
    """Find the best pair of leads to exchange with one of the reps who have most room for it."""
    mine = np.flatnonzero(draft.owner == rep)
    best: Move | None = None
    use = draft.instance.use[mine]
    offer = draft.scores(mine) - use @ priced.T
    now = draft.breaches()
    for other in _helpers(draft, rep):
        theirs = np.flatnonzero(draft.owner == other)
        if not len(theirs) or not len(mine):
            continue
        use_theirs = draft.instance.use[theirs]
        gain = draft.score_at(theirs, rep) - use_theirs @ priced[rep]
        lost = draft.score_at(theirs, other) - use_theirs @ priced[other]
        loss = (offer[:, rep] - offer[:, other])[:, None] + (lost - gain)[None, :]
        change = use_theirs[None] - use[:, None]
        here = draft.breach(draft.used[rep] + change, draft.upper[rep], draft.lower[rep])
        there = draft.breach(draft.used[other] - change, draft.upper[other], draft.lower[other])
        mended = now[rep] + now[other] - here - there
        pair = _pair(mine, theirs, rep, other)
        found = _cheapest(loss, mended, pair)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    return best


def _helpers(draft: Draft, rep: int) -> list[int]:
    """Pick the reps with most room on the side of the limit that a rep breaks worst."""
    case = draft.instance
    over = (draft.used[rep] - case.upper[rep]) / draft.unit
    under = (case.lower[rep] - draft.used[rep]) / draft.unit
    k = int(np.argmax(np.maximum(over, under)))
    used = draft.used[:-1, k]
    room = case.upper[:, k] - used if over[k] >= under[k] else used - case.lower[:, k]
    order = np.argsort(-np.where(np.isfinite(room), room, 1e300), kind="stable")
    return [other for other in order.tolist() if other != rep][:_SWAP_PARTNERS]


def _pair(
    mine: IntArray, theirs: IntArray, rep: int, other: int
) -> Callable[[tuple[int, ...]], list[tuple[int, int]]]:
    return lambda k: [(int(mine[k[0]]), other), (int(theirs[k[1]]), rep)]


def _cheapest(
    loss: FloatArray, mended: FloatArray, moves: Callable[[tuple[int, ...]], list[tuple[int, int]]]
) -> Move | None:
    """Take the move of least loss for each unit mended; the first of equals."""
    fit = (mended > 1e-9) & np.isfinite(loss)
    if not fit.any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(fit, (np.maximum(loss, 0.0) + _TINY) / mended, np.inf)
    best = np.unravel_index(int(ratio.argmin()), ratio.shape)
    place = tuple(int(k) for k in best)
    return float(ratio[place]), moves(place)


def trim(draft: Draft) -> None:
    """Take leads away from reps beyond an upper limit, the least score for what it frees first."""
    case = draft.instance
    for rep in np.flatnonzero((draft.used[:-1] > case.upper).any(axis=1)).tolist():
        leads = np.flatnonzero(draft.owner == rep)
        score = draft.score_at(leads, rep)
        while len(leads) and (draft.used[rep] > case.upper[rep]).any():
            over = draft.used[rep] > case.upper[rep]
            freed = (case.use[leads][:, over] / draft.unit[over]).sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                worst = int(np.where(freed > 0, (score + _TINY) / freed, np.inf).argmin())
            draft.move(int(leads[worst]), case.n_reps)
            leads, score = np.delete(leads, worst), np.delete(score, worst)
            _recount(draft, rep)


def _recount(draft: Draft, rep: int) -> None:
    """Sum a rep's use afresh, so that nothing is left of roundings."""
    draft.used[rep] = draft.instance.use[draft.owner == rep].sum(axis=0)


def fill(draft: Draft) -> int:
    """Give leads without an owner to reps with room: the best score first, then the emptiest rep.

    Large leads go first, equal ones in order.
    """
    case = draft.instance
    leads = np.flatnonzero(draft.owner == case.n_reps)
    if not len(leads) or not case.n_reps:
        return 0
    size = (case.use[leads] / draft.unit).sum(axis=1)
    full = np.where(np.isfinite(case.upper) & (case.upper > 0), case.upper, np.inf)
    load = (draft.used[:-1] / np.where(np.isfinite(full), full, draft.unit * 1e9)).max(axis=1)
    moved = 0
    for lead in leads[np.lexsort((leads, -size))].tolist():
        use = case.use[lead]
        room = (draft.used[:-1] + use <= case.upper).all(axis=1)
        if not room.any():
            continue
        score = draft.scores(np.array([lead]))[0, :-1]
        room &= np.isfinite(score)
        if not room.any():
            continue
        best = np.flatnonzero(room & (score == score[room].max()))
        rep = int(best[load[best].argmin()])
        draft.move(lead, rep)
        load[rep] = (draft.used[rep] / np.where(np.isfinite(full[rep]), full[rep], draft.unit * 1e9)).max()
        moved += 1
    return moved


def place(draft: Draft, *, max_tries: int, stop: Callable[[], bool]) -> int:
    """Make room for leads without an owner by moving one other lead for each; say for how many it did."""
    case, upper, lower = draft.instance, draft.upper, draft.lower
    placed = tries = 0
    for lead in np.flatnonzero(draft.owner == case.n_reps).tolist():
        score = draft.scores(np.array([lead]))[0, :-1]
        for rep in np.lexsort((np.arange(case.n_reps), -score)).tolist():
            if not np.isfinite(score[rep]) or tries >= max_tries or stop():
                break
            tries += 1
            if _push(draft, upper, lower, lead, rep):
                placed += 1
                break
    return placed


def shift(draft: Draft, *, stop: Callable[[], bool]) -> int:
    """Give leads to reps who score more and have room, the largest gain first, until none is left."""
    case = draft.instance
    moved = 0
    while not stop():
        leads = np.arange(case.n_leads)
        here = draft.current(leads)
        gain = np.where(case.reps >= 0, case.scores - here[:, None], -np.inf)
        row, column = np.nonzero(gain > _TINY)
        order = np.lexsort((column, row, -gain[row, column]))
        before = moved
        for k in order.tolist():
            lead, rep = int(row[k]), int(case.reps[row[k], column[k]])
            now = case.scores[row[k], column[k]]
            if now - here[lead] > _TINY and _fits(draft, lead, rep):
                draft.move(lead, rep)
                here[lead] = now
                moved += 1
        if moved == before:
            break
    return moved


def _fits(draft: Draft, lead: int, rep: int) -> bool:
    use, owner = draft.instance.use[lead], int(draft.owner[lead])
    if rep < draft.instance.n_reps and (draft.used[rep] + use > draft.instance.upper[rep]).any():
        return False
    return owner == draft.instance.n_reps or not (draft.used[owner] - use < draft.instance.lower[owner]).any()


def eject(draft: Draft, prices: FloatArray, *, max_tries: int, stop: Callable[[], bool]) -> int:
    """Let leads that regret their owner push another one out, which then goes to the best rep it can.

    The regret of a lead is what it would gain by choosing alone at the prices; together the regrets are most
    of the gap, so the largest are tried first.
    """
    case = draft.instance
    priced = np.concatenate([prices, np.zeros((1, prices.shape[1]))])
    upper, lower = draft.upper, draft.lower
    leads = np.arange(case.n_leads)
    best = np.where(case.reps >= 0, case.scores - cost(case, prices), -np.inf)
    own = draft.current(leads) - (case.use * priced[draft.owner]).sum(axis=1)
    regret = best - own[:, None]
    row, column = np.nonzero(regret > _TINY)
    order = np.lexsort((column, row, -regret[row, column]))[:max_tries]
    moved = 0
    for k in order.tolist():
        if stop():
            break
        lead, rep = int(row[k]), int(case.reps[row[k], column[k]])
        if rep != draft.owner[lead] and _push(draft, upper, lower, lead, rep):
            moved += 1
    return moved


def _push(draft: Draft, upper: FloatArray, lower: FloatArray, lead: int, rep: int) -> bool:
    """Move a lead to a rep and one of hers to wherever the total score gains most; say whether it did."""
    case, origin = draft.instance, int(draft.owner[lead])
    theirs = np.flatnonzero(draft.owner == rep)
    if not len(theirs):
        return False
    each = draft.scores(np.array([lead]))[0]
    gain = each[rep] - each[origin]
    use, their_use = case.use[lead], case.use[theirs]
    here = draft.used[rep] + use - their_use
    fit = ((here <= upper[rep]) & (here >= lower[rep])).all(axis=1)
    theirs, their_use = theirs[fit], their_use[fit]
    if not len(theirs):
        return False
    offers = draft.scores(theirs)
    total = gain + offers - draft.current(theirs)[:, None]
    total[:, rep] = -np.inf
    there = draft.used[None] + their_use[:, None]
    room = (there <= upper[None]).all(axis=2)
    left = draft.used[origin] - use
    back = left + their_use
    room[:, origin] = ((back <= upper[origin]) & (back >= lower[origin])).all(axis=1)
    if (left < lower[origin]).any():
        others = np.arange(len(upper)) != origin
        room[:, others] = False
    total[~room] = -np.inf
    best = np.unravel_index(int(total.argmax()), total.shape)
    if total[best] <= _TINY:
        return False
    draft.move(int(theirs[best[0]]), int(best[1]))
    draft.move(lead, rep)
    return True
