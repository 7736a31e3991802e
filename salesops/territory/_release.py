"""A rep leaves: her leads go to the others, who keep their capacities and their bands."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import refuse
from salesops._frames import Ids, Labels
from salesops.territory._account import hops as count_hops
from salesops.territory._draft import Draft
from salesops.territory._improve import eject, shift
from salesops.territory._listed import Pairs
from salesops.territory._opening import fair_shares
from salesops.territory._polish import polish
from salesops.territory._prices import Instance, bound, cost, usage
from salesops.territory._repair import fill, place, repair, trim
from salesops.territory._smooth import Units
from salesops.territory._tally import broken_limits, gap_of, used_by
from salesops.territory.inputs import find
from salesops.territory.results import Proximity

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_TOLERANCE = 1e-9
_TRIES = 150
_ROUNDS = 3
_EXCHANGED = 8
_WIDTH = 4


def reassign_released(
    plan: Any, rep: Hashable, *, max_moves: float = 0.01, banned: IntArray | None = None
) -> Any:
    """Give a leaver's leads to the other reps of a plan and move few others, or none.

    Parameters
    ----------
    plan : TerritoryPlan
        Made by value times proximity, with its ``prox``.
    rep : hashable
        Who leaves. Her locks go with her; locks of other leads hold.
    max_moves : float
        The part of the other leads that may change hands; they do only where a limit needs it.
    banned : ndarray of shape (m, 2), optional
        Pairs (lead, rep) by their positions in the plan that are not allowed.

    Returns
    -------
    TerritoryPlan
        Over the reps who stay. Fair shares divide the same total among them. Its bound is certified at the
        old prices, so its gap is wider than that of a plan made anew.
    """
    gone = find(plan.rep_labels, rep, "rep", "reps")
    if plan.prox is None or not np.array_equal(plan.score, plan.value * plan.proximity):
        hint = "make it anew with assign(score=)"
        raise refuse("plan", "was not made by value times a proximity that it still has", plan, hint=hint)
    if len(plan.rep_labels) < 2:
        raise refuse("rep", "is the only rep: nobody is left to take her leads", rep)
    case = _Case.of(plan, gone, banned)
    owner = np.where(plan.owner == gone, -1, plan.owner - (plan.owner > gone))
    released = np.flatnonzero(plan.owner == gone)
    # Leads that were left without an owner may find room now.
    free = np.flatnonzero((owner < 0) & (plan.reason != "forbidden"))
    owner, breach = _placed(case, owner, free)
    if breach > 0:
        owner = _with_movers(case, plan, owner, free, released, int(max_moves * (len(owner) - len(released))))
    return _assembled(case, plan, gone, owner)


@attrs.frozen(kw_only=True, eq=False)
class _Case:
    """The whole problem without the leaver: pairs, limits, prices."""

    reps: Labels
    instance: Instance
    prices: FloatArray
    capacity: FloatArray
    upper: FloatArray
    lower: FloatArray
    lead_at: IntArray

    @classmethod
    def of(cls, plan: Any, gone: int, banned: IntArray | None) -> _Case:
        stay = np.arange(len(plan.rep_labels)) != gone
        labels = Labels.of(Ids(np.empty(0, dtype=np.int64), plan.rep_labels.values[stay]))
        capacity = plan.capacity[stay]
        upper, lower = _limits(plan, stay)
        lead_at = _positions(plan.lead_labels, plan.prox.lead_labels)
        near, scores = _pairs(plan, labels, lead_at)
        if banned is not None and len(banned):
            _ban(near, scores, banned[banned[:, 1] != gone], gone)
        is_cold = plan.fallback == "cold"
        most = plan.value * plan.prox.floor[lead_at]
        others = (near >= 0).sum(axis=1) < len(labels)
        instance = Instance(
            use=plan.use,
            upper=upper * (1 + _TOLERANCE),
            lower=lower * (1 - _TOLERANCE),
            pairs=Pairs(reps=near, scores=scores),
            rest=np.where(others & (is_cold | (most > 0)), most, -np.inf),
            is_open=others & is_cold,
            banned=np.empty((0, 2), dtype=np.int64) if banned is None else _shifted(banned, gone),
            must_own=is_cold,
            may_leave=True,
        )
        return cls(
            reps=labels,
            instance=instance,
            prices=plan.prices[stay],
            capacity=capacity,
            upper=upper,
            lower=lower,
            lead_at=lead_at,
        )

    def part(self, leads: IntArray, owner: IntArray) -> Instance:
        """Take some leads, and what their owners leave of the limits beside all the others."""
        case = self.instance
        fixed = np.ones(case.n_leads, dtype=bool)
        fixed[leads] = False
        used = usage(case, owner, fixed)
        lookup = np.full(case.n_leads, -1, dtype=np.int64)
        lookup[leads] = np.arange(len(leads))
        bans = case.banned[lookup[case.banned[:, 0]] >= 0].copy()
        bans[:, 0] = lookup[bans[:, 0]]
        return attrs.evolve(
            case,
            use=case.use[leads],
            upper=case.upper - used,
            lower=case.lower - used,
            pairs=case.pairs.laid_out(leads),
            rest=case.rest[leads],
            is_open=case.is_open[leads],
            banned=bans,
        )


def _limits(plan: Any, stay: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Set limits anew: the same totals, divided among those who stay."""
    share, total, band = fair_shares(plan)
    share = np.where(plan.capacity > 0, share, 0.0)[stay]
    whole = float(share.sum())
    n, d = len(share), len(band)
    upper, lower = np.full((n, d), np.inf), np.full((n, d), -np.inf)
    upper[:, 0] = plan.capacity[stay]
    for k in np.flatnonzero(np.isfinite(band)).tolist():
        if whole > 0:
            fair = share / whole * total[k]
            upper[:, k] = np.minimum(upper[:, k], fair * (1 + band[k]))
            lower[:, k] = fair * max(1 - band[k], 0.0)
    return upper, lower


def _positions(labels: Labels, among: Labels) -> IntArray:
    if labels is among or np.array_equal(labels.values, among.values):
        return np.arange(len(labels))
    return np.array([among.position(label) for label in labels.values.tolist()], dtype=np.int64)


def _pairs(plan: Any, reps: Labels, lead_at: IntArray) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """Lay out the kept pairs of each lead, shape (n, K); the leaver's are nobody's."""
    prox: Proximity = plan.prox
    place = np.array([reps.position(label) for label in prox.rep_labels.values.tolist()], dtype=np.int32)
    known = np.diff(prox.starts)[lead_at]
    width = int(known.max(initial=0))
    at = prox.starts[lead_at][:, None] + np.arange(width)
    short = np.arange(width) >= known[:, None]
    at[short] = 0
    if not len(prox.reps):
        return np.empty((len(known), 0), dtype=np.int32), np.empty((len(known), 0))
    near = place[prox.reps[at]]
    near[short] = -1
    scores = prox.scores[at]
    scores *= plan.value[:, None]
    scores[near < 0] = -np.inf
    return near, scores


def _ban(near: npt.NDArray[np.int32], scores: FloatArray, banned: IntArray, gone: int) -> None:
    for lead, rep in _shifted(banned, gone).tolist():
        hit = near[lead] == rep
        near[lead, hit], scores[lead, hit] = -1, -np.inf


def _shifted(banned: IntArray, gone: int) -> IntArray:
    """Give pairs in the positions of those who stay."""
    kept: IntArray = banned[banned[:, 1] != gone].copy()
    kept[:, 1] -= kept[:, 1] > gone
    return kept


def _placed(case: _Case, owner: IntArray, free: IntArray) -> tuple[IntArray, float]:
    """Find owners for free leads, the rest as it is; and say how far limits are broken then.

    A linear programme starts those that have none. With owners to start from, it would cost more time than
    all the rest, for a part in ten thousand of the score.
    """
    part, start, prices = case.part(free, owner), owner[free], case.prices
    solved = None
    if len(free) and (start < 0).all():
        solved = polish(part, prices, Units.of(case.instance), width=_WIDTH)
    if solved is not None:
        prices, _, start = solved
    draft = Draft.of(part, start)
    for _ in range(_ROUNDS):
        repair(draft, prices, max_moves=4 * len(free) + 50, stop=_never)
        draft = Draft.of(part, draft.owners())
        trim(draft)
        fill(draft)
        if part.must_own:
            place(draft, max_tries=_TRIES, stop=_never)
        draft = Draft.of(part, draft.owners())
        if not (draft.breaches() > 0).any():
            break
    shift(draft, stop=_never)
    eject(draft, prices, max_tries=_TRIES, stop=_never)
    owner = owner.copy()
    owner[free] = Draft.of(part, draft.owners()).owners()
    return owner, float(draft.breaches().sum()) + float((owner < 0).sum() if part.must_own else 0)


def _with_movers(
    case: _Case, plan: Any, owner: IntArray, free: IntArray, released: IntArray, most: int
) -> IntArray:
    """Let a few other leads move too: those that a rep below her band could take at the least loss first."""
    if most < 1:
        return owner
    instance = case.instance
    reps, scores = instance.pairs.at(slice(None))
    mine = (reps == owner[:, None]) & (reps >= 0)
    own = np.where(mine, scores, 0.0).sum(axis=1)
    held = (owner < 0) | (plan.reason == "locked")
    held[released] = True
    held[free] = True
    used = usage(instance, owner)
    spare = np.where(np.isfinite(case.lower), used - case.lower, np.inf)
    spared = (instance.use <= spare[np.maximum(owner, 0)]).all(axis=1) & ~held
    short = np.flatnonzero((used < case.lower * (1 - _TOLERANCE)).any(axis=1)).tolist()
    chosen = np.zeros(len(owner), dtype=bool)
    for rep in short:
        fits = spared & ~chosen & (owner != rep)
        there = np.where(reps == rep, scores, -np.inf).max(axis=1, initial=-np.inf)
        loss = own - np.where(np.isfinite(there), there, np.where(instance.is_open, 0.0, -np.inf))
        loss[~fits] = np.inf
        best = np.argsort(loss, kind="stable")[: max(most // (2 * len(short)) - _EXCHANGED, 1)]
        chosen[best[np.isfinite(loss[best])]] = True
        # One who has no room for another lead can only exchange: her own of least score for what they use.
        hers = np.flatnonzero((owner == rep) & ~held)
        chosen[hers[np.argsort(own[hers], kind="stable")[:_EXCHANGED]]] = True
    offer = np.where(reps >= 0, scores - cost(instance, case.prices, slice(None), reps), -np.inf)
    here = np.where(mine, offer, -np.inf).max(axis=1, initial=-np.inf)
    next_best = np.where(mine, -np.inf, offer).max(axis=1, initial=-np.inf)
    known = np.isfinite(here) & np.isfinite(next_best) & ~held & ~chosen
    margin = np.full(len(owner), np.inf)
    margin[known] = here[known] - next_best[known]
    others = np.argsort(margin, kind="stable")[: max(most - int(chosen.sum()), 0)]
    chosen[others[np.isfinite(margin[others])]] = True
    again, _ = _placed(case, owner, np.sort(np.concatenate([free, np.flatnonzero(chosen)])))
    return again


def _never() -> bool:
    return False


def _assembled(case: _Case, plan: Any, gone: int, owner: IntArray) -> Any:
    """Make the plan, looking afresh only at leads that the leaver or a move touches."""
    instance = case.instance
    was = np.where(plan.owner == gone, -2, plan.owner - (plan.owner > gone))
    touched = np.flatnonzero((owner != was) | (plan.closest == gone) | (plan.runner_up == gone))
    columns = _columns(case, plan, gone, owner, touched)
    used = used_by(owner, instance.use, case.upper.shape)
    violations = tuple(broken_limits(case.reps, plan.quantities, used, case.upper, case.lower))
    value = math.fsum(columns["score"].tolist())
    owns_all = instance.must_own and not (owner < 0).any()
    most = bound(attrs.evolve(instance, must_own=owns_all), case.prices)
    gap, no_gap_reason = gap_of("realign", value, most, violations, most)
    digest = hashlib.sha256(f"{plan.input_digest} without {plan.rep_labels[gone]!r}".encode())
    return attrs.evolve(
        plan,
        rep_labels=case.reps,
        owner=owner,
        **columns,
        capacity=case.capacity,
        upper=case.upper,
        lower=case.lower,
        used=used,
        prices=case.prices,
        hops=_hops(case, plan, owner, np.flatnonzero(owner != was)),
        bound=most,
        gap=gap,
        no_gap_reason=no_gap_reason,
        violations=violations,
        input_digest=digest.hexdigest(),
        premises=None if plan.premises is None else plan.premises.without_rep(gone),
        edits=None,
        flat_bound=None,
        # Bans of the plan are not remembered, so nobody is barred; see `realign`.
        barred=np.full(len(owner), -1, dtype=np.int32),
        barred_score=np.zeros(len(owner)),
    )


def _columns(case: _Case, plan: Any, gone: int, owner: IntArray, touched: IntArray) -> dict[str, Any]:
    """Work out what a plan says of each lead; of those not touched only positions of reps change."""
    near, scores = case.instance.pairs.at(touched)
    order = np.argsort(np.where(near < 0, np.iinfo(np.int32).max, near), axis=1, kind="stable")
    near, scores = np.take_along_axis(near, order, axis=1), np.take_along_axis(scores, order, axis=1)
    mine = (near == owner[touched, None]) & (near >= 0)
    earned = np.where(mine, scores, 0.0).sum(axis=1)
    connected = mine.any(axis=1)
    columns: dict[str, Any] = {
        name: getattr(plan, name).copy()
        for name in (
            "score",
            "proximity",
            "reason",
            "closest",
            "closest_score",
            "runner_up",
            "runner_up_score",
        )
    }
    columns["score"][touched] = earned
    worth = plan.value[touched]
    columns["proximity"][touched] = _proximity(case, plan, owner, touched)
    for name, offer in (("closest", scores), ("runner_up", np.where(mine, -np.inf, scores))):
        kept = columns[name]
        kept -= kept > gone
        if offer.shape[1] and len(touched):
            first = offer.argmax(axis=1)[:, None]
            best = np.take_along_axis(offer, first, axis=1)[:, 0]
            who = np.take_along_axis(near, first, axis=1)[:, 0]
        else:
            best, who = np.full(len(worth), -np.inf), np.full(len(worth), -1)
        found = np.isfinite(best)
        kept[touched] = np.where(found, who, -1)
        columns[f"{name}_score"][touched] = np.where(found, best, 0.0)
    reason = np.where(earned >= columns["closest_score"][touched], "closest", "next closest").astype(object)
    reason[~connected] = "cold"
    reason[owner[touched] < 0] = "capacity" if case.instance.must_own else "no connection"
    full = (owner[touched] < 0) & (near >= 0).any(axis=1)
    reason[full] = "capacity"
    stays = (plan.reason[touched] == "locked") & (plan.owner[touched] != gone)
    stays |= plan.reason[touched] == "forbidden"
    reason[stays] = plan.reason[touched][stays]
    columns["reason"][touched] = reason
    return columns


def _proximity(case: _Case, plan: Any, owner: IntArray, touched: IntArray) -> FloatArray:
    """Look up the proximity of owners; 0 where it is not among the kept ones."""
    prox: Proximity = plan.prox
    answer = np.zeros(len(touched))
    place = [prox.rep_labels.position(label) for label in case.reps.values.tolist()]
    for row, lead in enumerate(touched.tolist()):
        at = int(case.lead_at[lead])
        if owner[lead] >= 0:
            part = slice(int(prox.starts[at]), int(prox.starts[at + 1]))
            hit = np.flatnonzero(prox.reps[part] == place[owner[lead]])
            answer[row] = prox.scores[part][hit[0]] if len(hit) else 0.0
    return answer


def _hops(case: _Case, plan: Any, owner: IntArray, changed: IntArray) -> npt.NDArray[np.int8] | None:
    """Count hops again for leads with a new owner."""
    if plan.hops is None:
        return None
    whose = np.full(len(owner), -1, dtype=np.int64)
    whose[changed] = owner[changed]
    fresh = count_hops(plan.prox, case.reps, plan.lead_labels, whose)
    hops: npt.NDArray[np.int8] = plan.hops.copy()
    hops[changed] = fresh[changed]
    return hops
