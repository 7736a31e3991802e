"""Better plans by small changes: a lead that goes where there is room, or pushes another one out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from salesops.territory._chunks import in_chunks
from salesops.territory._draft import Draft
from salesops.territory._prices import FloatArray, IntArray, cost

_TINY = 1e-12
_MOST_EJECTED = 48
"""Among so many leads, those that lose least at the prices, the one to push out is chosen."""


def shift(draft: Draft, *, stop: Callable[[], bool]) -> int:
    """Give leads to reps who score more and have room, the largest gain first, until none is left."""
    moved = 0
    while not stop():
        lead, rep, gain = _gains(draft)
        before = moved
        for k in np.lexsort((rep, lead, -gain)).tolist():
            one, other = int(lead[k]), int(rep[k])
            here = draft.scores_at(np.array([one, one]), np.array([draft.owner[one], other]))
            if here[1] - here[0] > _TINY and _fits(draft, one, other):
                draft.move(one, other)
                moved += 1
        if moved == before:
            break
    return moved


def _gains(draft: Draft) -> tuple[IntArray, IntArray, FloatArray]:
    """List the changes that gain and fit: (lead, rep, gain)."""
    case = draft.instance

    def of_leads(part: slice) -> tuple[IntArray, IntArray, FloatArray]:
        (reps, scores), leads = case.pairs.at(part), np.arange(part.start, part.stop)
        here = draft.current(leads)
        gain = np.where(reps >= 0, scores - here[:, None], -np.inf)
        row, column = np.nonzero(gain > _TINY)
        lead, rep = leads[row], reps[row, column].astype(np.int64)
        fit = draft.may_change(lead, rep)
        owner = draft.owner[lead]
        for k in range(case.use.shape[1]):
            use = case.use[lead, k]
            fit &= draft.used[rep, k] + use <= draft.upper[rep, k]
            fit &= draft.used[owner, k] - use >= draft.lower[owner, k]
        return lead[fit], rep[fit], gain[row, column][fit]

    parts = in_chunks(of_leads, case.n_leads)
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )


def _fits(draft: Draft, lead: int, rep: int) -> bool:
    use, owner = draft.instance.use[lead], int(draft.owner[lead])
    if (draft.used[rep] + use > draft.upper[rep]).any() or draft.change(lead, rep) > max(draft.moves_left, 0):
        return False
    return not (draft.used[owner] - use < draft.lower[owner]).any()


def eject(draft: Draft, prices: FloatArray, *, max_tries: int, stop: Callable[[], bool]) -> int:
    """Let leads that regret their owner push another one out, which then goes to the best rep it can.

    The regret of a lead is what it would gain by choosing alone at the prices; together the regrets are most
    of the gap, so the largest are tried first.
    """
    lead, rep, regret, loss = _regrets(draft, prices)
    if len(lead) > max_tries:
        most = np.argpartition(-regret, max_tries)[:max_tries]
        least = regret[most].min()
        kept = regret >= least
        lead, rep, regret = lead[kept], rep[kept], regret[kept]
    moved = 0
    for k in np.lexsort((rep, lead, -regret))[:max_tries].tolist():
        if stop():
            break
        if rep[k] != draft.owner[lead[k]] and push(draft, int(lead[k]), int(rep[k]), loss):
            moved += 1
    return moved


def _regrets(draft: Draft, prices: FloatArray) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """List the pairs that leads regret, (lead, rep, regret), and what each lead would lose elsewhere."""
    case = draft.instance
    priced = np.concatenate([prices, np.zeros((1, prices.shape[1]))])

    def of_leads(part: slice) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        leads, (reps, scores) = np.arange(part.start, part.stop), case.pairs.at(part)
        owner = draft.owner[part]
        own = draft.current(leads) - (case.use[part] * priced[owner]).sum(axis=1)
        if case.stay and case.current is not None:
            own += np.where(owner == case.current[part], case.stay, 0.0)
        regret = np.where(reps >= 0, scores - cost(case, prices, part, reps), -np.inf) - own[:, None]
        row, column = np.nonzero(regret > _TINY)
        others = np.where(reps == owner[:, None], -np.inf, regret).max(axis=1, initial=-np.inf)
        return leads[row], reps[row, column].astype(np.int64), regret[row, column], -others

    parts = in_chunks(of_leads, case.n_leads)
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
    )


def push(draft: Draft, lead: int, rep: int, loss: FloatArray | None = None) -> bool:
    """Move a lead to a rep and one of hers to wherever the total score gains most; say whether it did.

    With the `loss` of every lead, only those of hers that lose least are looked at.
    """
    case, origin = draft.instance, int(draft.owner[lead])
    theirs = draft.leads_of(rep)
    if not len(theirs):
        return False
    both = np.array([lead, lead])
    here, there = draft.scores_at(both, np.array([rep, origin])).tolist()
    use, their_use = case.use[lead], case.use[theirs]
    after = draft.used[rep] + use - their_use
    fit = ((after <= draft.upper[rep]) & (after >= draft.lower[rep])).all(axis=1)
    theirs, their_use = theirs[fit], their_use[fit]
    if not len(theirs) or not np.isfinite(here):
        return False
    if loss is not None and len(theirs) > _MOST_EJECTED:
        least = np.sort(np.argsort(loss[theirs], kind="stable")[:_MOST_EJECTED])
        theirs, their_use = theirs[least], their_use[least]
    reps, offers = draft.ways_out(theirs, origin)
    total = (here - there) + offers - draft.current(theirs)[:, None]
    total[reps == rep] = -np.inf
    room = (draft.used[reps] + their_use[:, None] <= draft.upper[reps]).all(axis=2)
    left = draft.used[origin] - use
    back = left + their_use
    fits_back = ((back <= draft.upper[origin]) & (back >= draft.lower[origin])).all(axis=1)
    goes_back = reps == origin
    room = np.where(goes_back, fits_back[:, None], room & ~(left < draft.lower[origin]).any())
    if np.isfinite(draft.moves_left):
        grown = draft.changes(theirs, reps) + draft.change(lead, rep)
        room &= (grown <= 0) | (grown <= draft.moves_left)
    total[~room] = -np.inf
    best = np.unravel_index(int(total.argmax()), total.shape)
    if total[best] <= _TINY:
        return False
    draft.move(int(theirs[best[0]]), int(reps[best]))
    draft.move(lead, rep)
    return True
