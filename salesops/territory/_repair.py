"""Mend a draft: move leads where it costs least until every limit holds, and find owners for the rest."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import numpy as np

from salesops.territory._draft import Draft
from salesops.territory._improve import push
from salesops.territory._prices import FloatArray, IntArray

_TINY = 1e-12
_SWAP_PARTNERS = 12
_MANY = 50_000
_AT_ONCE = 24
_MANY_WAYS = 1_000
"""With so many leads, and so many ways to choose from, several of the best are taken at once."""

Move = tuple[float, list[tuple[int, int]]]


def repair(draft: Draft, prices: FloatArray, *, max_moves: int, stop: Callable[[], bool]) -> bool:
    """Move leads until every limit holds, each time where it costs least for what it mends.

    Returns
    -------
    bool
        Whether every limit holds.
    """
    nobody = draft.instance.n_reps
    priced = np.concatenate([prices, np.zeros((1, prices.shape[1]))])
    if draft.moves_left < 0:
        undo(draft, keep_limits=False)
    stuck: set[int] = set()
    at_once = 1 if draft.instance.n_leads <= _MANY else _AT_ONCE
    breaches = draft.breaches()
    for _ in range(max_moves):
        breaches[list(stuck)] = 0.0
        rep = int(breaches.argmax())
        if breaches[rep] <= 0 or rep == nobody or stop():
            break
        ways = _best_out(draft, priced, rep) + _best_in(draft, priced, rep, draft.takeable)
        if not ways:
            ways = _out_to_any(draft, priced, rep) + _best_in(draft, priced, rep, draft.others)
        # Leaving a lead to nobody is the last resort where every lead is to have an owner.
        ways = ways or _best_swap(draft, priced, rep) or _out_to_any(draft, priced, rep, to_nobody=True)
        if not ways:
            stuck.add(rep)
            continue
        _take(draft, sorted(ways, key=itemgetter(0))[:at_once], rep)
        stuck.clear()
        breaches = draft.breaches()
    if draft.moves_left < 0:
        undo(draft, keep_limits=True)
    return draft.broken() <= 0


def _take(draft: Draft, ways: list[Move], rep: int) -> None:
    """Make the best change, and the next ones while they still mend the rep."""
    for k, (_, changes) in enumerate(ways):
        if k and (len(changes) > 1 or not draft.mends(*changes[0])):
            continue
        for lead, target in changes:
            draft.move(lead, target)
        if not (draft.breach(draft.used[rep], draft.upper[rep], draft.lower[rep]) > 0).any():
            break


def _best_out(draft: Draft, priced: FloatArray, rep: int) -> list[Move]:
    """Find the best leads to give away: least loss for each unit of breach that it mends."""
    leads = draft.leads_of(rep)
    if not len(leads):
        return []
    use, nobody = draft.instance.use[leads], draft.instance.n_reps
    reps, offer = draft.ways_out(leads)
    own = draft.score_at(leads, rep) - use @ priced[rep]
    offer = offer - sum(use[:, k, None] * priced[reps, k] for k in range(use.shape[1]))
    now = draft.breaches()
    left = draft.breach(draft.used[rep] - use, draft.upper[rep], draft.lower[rep])
    there = draft.breach(draft.used[reps] + use[:, None], draft.upper[reps], draft.lower[reps])
    mended = now[rep] + now[reps] - left[:, None] - there
    mended[(reps == rep) | ~draft.may_change(leads, reps)] = 0.0
    if draft.instance.must_own:
        mended[reps == nobody] = 0.0
    return _cheapest(own[:, None] - offer, mended, lambda k: [(int(leads[k[0]]), int(reps[k]))])


def _out_to_any(draft: Draft, priced: FloatArray, rep: int, *, to_nobody: bool = False) -> list[Move]:
    """Find the best lead to give to anybody, at worst to nobody."""
    leads = draft.leads_of(rep)
    if not len(leads):
        return []
    use = draft.instance.use[leads]
    offer = draft.scores(leads) - use @ priced.T
    loss = offer[:, rep, None] - offer
    left = draft.breach(draft.used[rep] - use, draft.upper[rep], draft.lower[rep])
    there = draft.breach(draft.used[None] + use[:, None], draft.upper[None], draft.lower[None])
    now = draft.breaches()
    mended = now[rep] + now[None, :] - left[:, None] - there
    everyone = np.broadcast_to(np.arange(draft.instance.n_reps + 1), mended.shape)
    mended[~draft.may_change(leads, everyone)] = 0.0
    mended[:, rep] = 0.0
    if draft.instance.must_own and not to_nobody:
        mended[:, -1] = 0.0
    return _cheapest(loss, mended, lambda k: [(int(leads[k[0]]), int(k[1]))])


def _best_in(draft: Draft, priced: FloatArray, rep: int, leads_for: Callable[[int], IntArray]) -> list[Move]:
    """Find the best lead to take over."""
    if not (draft.used[rep] < draft.lower[rep]).any():
        return []
    leads = leads_for(rep)
    if not len(leads):
        return []
    use, owner = draft.instance.use[leads], draft.owner[leads]
    offer, own = draft.scores_to_take(leads, rep)
    offer -= use @ priced[rep]
    own -= (use * priced[owner]).sum(axis=1)
    left = draft.breach(draft.used[owner] - use, draft.upper[owner], draft.lower[owner])
    here = draft.breach(draft.used[rep] + use, draft.upper[rep], draft.lower[rep])
    now = draft.breaches()
    mended = now[rep] + now[owner] - left - here
    mended[~draft.may_change(leads, np.full(len(leads), rep))] = 0.0
    return _cheapest(own - offer, mended, lambda k: [(int(leads[k[0]]), rep)])


def _best_swap(draft: Draft, priced: FloatArray, rep: int) -> list[Move]:
    """Find the best pair of leads to exchange with one of the reps who have most room for it."""
    mine = draft.leads_of(rep)
    best: list[Move] = []
    use = draft.instance.use[mine]
    offer = draft.scores(mine) - use @ priced.T
    now = draft.breaches()
    for other in _helpers(draft, rep):
        theirs = draft.leads_of(other)
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
        grown = draft.changes(mine, np.full(len(mine), other))[:, None]
        grown = grown + draft.changes(theirs, np.full(len(theirs), rep))[None, :]
        mended[(grown > 0) & (grown > draft.moves_left)] = 0.0
        pair = _pair(mine, theirs, rep, other)
        found = _cheapest(loss, mended, pair)
        if found and (not best or found[0][0] < best[0][0]):
            best = found[:1]
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
) -> list[Move]:
    """Take the moves of least loss for each unit mended, the first of equals first."""
    fit = (mended > 1e-9) & np.isfinite(loss)
    if not fit.any():
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(fit, (np.maximum(loss, 0.0) + _TINY) / mended, np.inf).ravel()
    best = np.array([int(ratio.argmin())])
    if fit.size > _MANY_WAYS:
        least = np.argpartition(ratio, _AT_ONCE)[:_AT_ONCE]
        best = least[np.lexsort((least, ratio[least]))]
    places = [
        tuple(int(k) for k in np.unravel_index(one, fit.shape)) for one in best[np.isfinite(ratio[best])]
    ]
    return [(float(ratio[np.ravel_multi_index(place, fit.shape)]), moves(place)) for place in places]


def undo(draft: Draft, *, keep_limits: bool) -> None:
    """Give leads back to the owners they have today, those that gained least first, until few enough move."""
    case = draft.instance
    settled = case.current
    while settled is not None and draft.moves_left < 0:
        leads = np.flatnonzero((settled >= 0) & (draft.owner != settled))
        home = settled[leads]
        gain = draft.current(leads) - draft.scores_at(leads, home)
        use, owner = case.use[leads], draft.owner[leads]
        if keep_limits:
            fit = (draft.used[home] + use <= draft.upper[home]).all(axis=1)
            fit &= (draft.used[owner] - use >= draft.lower[owner]).all(axis=1)
            gain = np.where(fit, gain, np.inf)
        order = np.lexsort((leads, gain))[: 1 if keep_limits else int(-draft.moves_left)]
        order = order[np.isfinite(gain[order])]
        if not len(order):
            return
        for k in order.tolist():
            draft.move(int(leads[k]), int(home[k]))


def trim(draft: Draft) -> None:
    """Take leads away from reps beyond an upper limit, the least score for what it frees first."""
    case = draft.instance
    for rep in np.flatnonzero((draft.used[:-1] > case.upper).any(axis=1)).tolist():
        leads = draft.leads_of(rep)
        score = draft.score_at(leads, rep)
        while len(leads) and (draft.used[rep] > case.upper[rep]).any():
            over = draft.used[rep] > case.upper[rep]
            freed = (case.use[leads][:, over] / draft.unit[over]).sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                worst = int(np.where(freed > 0, (score + _TINY) / freed, np.inf).argmin())
            draft.move(int(leads[worst]), case.n_reps)
            leads, score = np.delete(leads, worst), np.delete(score, worst)
            draft.recount(rep, leads)


def fill(draft: Draft) -> int:
    """Give leads without an owner to reps with room: the best score first, then the emptiest rep.

    Large leads go first, equal ones in order.
    """
    case = draft.instance
    leads = draft.leads_of(case.n_reps)
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
    case = draft.instance
    placed = tries = 0
    for lead in draft.leads_of(case.n_reps).tolist():
        score = draft.scores(np.array([lead]))[0, :-1]
        for rep in np.lexsort((np.arange(case.n_reps), -score)).tolist():
            if not np.isfinite(score[rep]) or tries >= max_tries or stop():
                break
            tries += 1
            if push(draft, lead, rep):
                placed += 1
                break
    return placed
