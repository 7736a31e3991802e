"""What-if edits: other owners for some leads of a plan, and everything that follows from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import raise_all, refuse
from salesops._frames import Labels, Reader, check_known, id_column
from salesops.errors import Problem, show
from salesops.territory._account import hops
from salesops.territory._eligible import Eligibility
from salesops.territory._known import places, proximity_to
from salesops.territory._lookup import Lookup
from salesops.territory._pairs import read_scores
from salesops.territory._premises import TOUCHED, Edits, Premises
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._tally import broken_limits, gap_of
from salesops.territory._violations import broken_promises, gross_bound, is_over, is_under
from salesops.territory.inputs import labels_at, tables
from salesops.territory.results import Proximity

_LEFT_ALONE = "edits leave leads without an owner, and the bound is one on plans that own them"


def edited_plan(
    plan: Any, moves: object, *, prox: object, score: object, columns: Mapping[str, str] | None
) -> Any:
    """Give some leads other owners; its options are those of ``TerritoryPlan.edited``."""
    base = _with_source(_drawn(plan), prox, score, columns)
    lead, rep = _read_moves(plan, moves, columns)
    owner = plan.owner.copy()
    owner[lead] = rep
    return _redrawn(base, owner)


def what_if(
    plan: Any, moves: object, *, prox: object, score: object, columns: Mapping[str, str] | None
) -> pd.DataFrame:
    """Judge moves one by one; its options are those of ``TerritoryPlan.what_if``."""
    base = _with_source(_drawn(plan), prox, score, columns)
    lead, rep = _read_moves(plan, moves, columns)
    was, case = plan.owner[lead], Lookup.of(base, lead)
    after, _ = case.score_of(rep)
    work = plan.use[lead].copy()
    work[:, 0] = case.work_of(rep)
    price = _at(plan.prices, rep, work) - _at(plan.prices, was, plan.use[lead])
    broken = _broken_alone(base, plan, lead, rep, work)
    return pd.DataFrame(
        {
            "lead_id": id_column(plan.lead_labels.values[lead]),
            "from_rep_id": id_column(labels_at(plan.rep_labels, was)),
            "to_rep_id": id_column(labels_at(plan.rep_labels, rep)),
            "score": plan.score[lead],
            "new_score": after,
            "difference": after - plan.score[lead],
            "price": price,
            "breaks": pd.Series(broken, dtype="str"),
        }
    )


def _at(prices: FloatArray, rep: IntArray, use: FloatArray) -> FloatArray:
    """Price what leads use of one rep each; nobody's time has no price."""
    with_nobody = np.vstack([prices, np.zeros((1, prices.shape[1]))])
    return np.asarray((with_nobody[rep] * use).sum(axis=1))


def _read_moves(plan: Any, moves: object, columns: Mapping[str, str] | None) -> tuple[IntArray, IntArray]:
    """Read who is to own which lead, in label order of the leads; -1 for nobody."""
    faults: list[Problem] = []
    key = ("lead_id", "rep_id")
    table = Reader(tables(columns, moves=moves)["moves"], "moves", key=key, faults=faults)
    lead, rep = table.ids("lead_id", unique=True), table.ids("rep_id", optional=table.has("rep_id"))
    check_known(faults, "moves.lead_id", lead, plan.lead_labels, "the plan", table.rows)
    check_known(faults, "moves.rep_id", rep, plan.rep_labels, "the plan", table.rows)
    raise_all("edits", faults)
    at = plan.lead_labels.codes(lead)
    order = np.argsort(at, kind="stable")
    return at[order], plan.rep_labels.codes(rep)[order]


def _drawn(plan: Any) -> Any:
    """Take every edit back."""
    edits: Edits | None = plan.edits
    if edits is None:
        return plan
    columns = {name: edits.drawn[name] for name in TOUCHED if name in edits.drawn}
    drawn = _put(plan, edits.leads, columns)
    return attrs.evolve(
        drawn, gap=edits.gap, no_gap_reason=edits.no_gap_reason, violations=edits.violations, edits=None
    )


def _put(plan: Any, leads: IntArray, columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Say something else of some leads, and sum up anew what the reps concerned use."""
    fresh: dict[str, Any] = {}
    for name, values in columns.items():
        if name == "work":
            fresh["use"] = plan.use.copy()
            fresh["use"][leads, 0] = values
        else:
            fresh[name] = getattr(plan, name).copy()
            fresh[name][leads] = values
    owner, use = fresh["owner"], fresh.get("use", plan.use)
    used = plan.used.copy()
    both = np.unique(np.concatenate([plan.owner[leads], owner[leads]]))
    for rep in both[both >= 0].tolist():
        mine = use[owner == rep]
        used[rep] = [math.fsum(column) for column in mine.T.tolist()]
    return attrs.evolve(plan, used=used, **fresh)


def _with_source(plan: Any, prox: object, score: object, columns: Mapping[str, str] | None) -> Any:
    """Make sure that the plan knows what its pairs score."""
    premises: Premises | None = plan.premises
    if premises is None:
        hint = "draw it anew with assign()"
        raise refuse("plan", "does not say what it was asked to keep", plan, hint=hint)
    if prox is not None and not isinstance(prox, Proximity):
        raise refuse("prox", "is not the result of proximity()", type(prox).__name__)
    faults = []
    for name, given, held in (("prox", prox, plan.prox), ("score", score, premises.pairs)):
        needed = premises.is_scored if name == "score" else plan.has_proximity
        if given is not None and (held is not None or not needed):
            rule = "the plan holds its own" if held is not None else "the plan was made without it"
            faults.append(Problem(path=name, message=rule, hint="leave it out"))
        if given is None and held is None and needed:
            hint = f"give the {name} that it was made from; a plan read from a document has none"
            faults.append(Problem(path=name, message="is needed: the plan does not hold it", hint=hint))
    raise_all("edits", faults)
    if isinstance(prox, Proximity):
        plan = attrs.evolve(plan, prox=_covering(plan, prox))
    if score is not None:
        frame = tables(columns, score=score)["score"]
        pairs = read_scores(frame, plan.rep_labels, plan.lead_labels, faults)
        raise_all("edits", faults)
        plan = attrs.evolve(plan, premises=attrs.evolve(premises, pairs=pairs))
    if prox is not None or score is not None:
        _check_source(plan)
    return plan


def _covering(plan: Any, prox: Proximity) -> Proximity:
    """Refuse a proximity that lacks reps or leads of the plan."""
    faults = []
    for key, mine, theirs in (
        ("rep_id", plan.rep_labels, prox.rep_labels),
        ("lead_id", plan.lead_labels, prox.lead_labels),
    ):
        missing = np.flatnonzero(places(mine, theirs) < 0).tolist()
        if missing:
            values = tuple(show(mine[k]) for k in missing)
            rule = f"lacks a {key} of the plan"
            faults.append(Problem(path="prox", message=rule, values=values))
    raise_all("edits", faults)
    return prox


def _check_source(plan: Any) -> None:
    """Refuse scores that are not those of the plan."""
    case = Lookup.of(plan, np.arange(len(plan.owner)))
    score, _ = case.score_of(plan.owner)
    wrong = ~np.isclose(score, plan.score, rtol=1e-9, atol=0.0)
    if wrong.any():
        ids = tuple(show(plan.lead_labels[k]) for k in np.flatnonzero(wrong).tolist())
        rule = "gives a lead another score with its owner than the plan does"
        path = "score" if plan.premises.is_scored else "prox"
        raise_all("edits", [Problem(path=path, message=rule, ids=ids)])


def _redrawn(base: Any, owner: IntArray) -> Any:
    """Work out everything that follows from other owners."""
    leads = np.flatnonzero(owner != base.owner)
    if not len(leads):
        return base
    case, rep = Lookup.of(base, leads), owner[leads]
    score, known = case.score_of(rep)
    runner_up, runner_up_score = case.runner_up(rep)
    fresh: dict[str, npt.NDArray[Any]] = {
        "owner": rep,
        "reason": np.where((rep >= 0) & ~known, "edited, cold", "edited").astype(object),
        "score": score,
        "proximity": np.zeros(len(leads)),
        "work": case.work_of(rep),
        "runner_up": runner_up,
        "runner_up_score": runner_up_score,
    }
    if base.prox is not None:
        few = Labels(base.lead_labels.values[leads])
        fresh["proximity"] = proximity_to(base.prox, base.rep_labels, few, rep)
        if base.hops is not None:
            fresh["hops"] = hops(base.prox, base.rep_labels, few, rep)
    drawn = {name: base.use[leads, 0] if name == "work" else getattr(base, name)[leads] for name in fresh}
    edits = Edits(
        leads=leads,
        drawn=drawn,
        gap=base.gap,
        no_gap_reason=base.no_gap_reason,
        violations=base.violations,
    )
    plan = _put(base, leads, fresh)
    violations = _violations(plan, case, known)
    gap, no_gap = _gap(plan, leads, violations)
    return attrs.evolve(plan, violations=violations, gap=gap, no_gap_reason=no_gap, edits=edits)


def _violations(plan: Any, case: Lookup, known: npt.NDArray[np.bool_]) -> tuple[Problem, ...]:
    """List every limit and rule that an edited plan breaks."""
    premises: Premises = plan.premises
    found = broken_limits(plan.rep_labels, plan.quantities, plan.used, plan.upper, plan.lower)
    left = np.flatnonzero((premises.locked >= 0) & (plan.owner != premises.locked))
    if len(left):
        told = (
            f"{_who(plan, int(plan.owner[k]))}, locked to {show(plan.rep_labels[int(premises.locked[k])])}"
            for k in left.tolist()
        )
        found.append(_of_leads(plan, "locked", "a lead has left the rep it is locked to", left, told))
    bans = premises.forbidden
    banned = bans[plan.owner[bans[:, 0]] == bans[:, 1]]
    if len(banned):
        told = (show(plan.rep_labels[rep]) for rep in banned[:, 1].tolist())
        rule = "a rep owns a lead that is forbidden to her"
        found.append(_of_leads(plan, "forbidden", rule, banned[:, 0], told))
    found += _unfit(plan)
    cut_off = case.leads[case.is_cut_off(plan.owner[case.leads], known)]
    if len(cut_off):
        told = (show(plan.rep_labels[int(plan.owner[k])]) for k in cut_off.tolist())
        rule = "a lead has an owner without a connection to it, where fallback is 'none'"
        found.append(_of_leads(plan, "fallback", rule, cut_off, told))
    found += broken_promises(
        plan.lead_labels,
        plan.owner,
        require_all=premises.require_all,
        n_moved=plan.n_moved or 0,
        max_moves=premises.max_moves,
    )
    return tuple(found)


def _unfit(plan: Any) -> list[Problem]:
    """Name the leads whose owner lacks what they ask for."""
    eligibility: Eligibility | None = plan.eligibility
    if eligibility is None:
        return []
    unfit = np.flatnonzero((plan.owner >= 0) & ~eligibility.may[eligibility.kind, np.maximum(plan.owner, 0)])
    if not len(unfit):
        return []
    told = (
        f"{show(plan.rep_labels[int(plan.owner[k])])} lacks "
        f"{' and '.join(eligibility.lacks(k, int(plan.owner[k])))}"
        for k in unfit.tolist()
    )
    return [_of_leads(plan, "leads", "a rep owns a lead without what it asks for", unfit, told)]


def _of_leads(plan: Any, path: str, rule: str, leads: IntArray, told: Any) -> Problem:
    ids = tuple(show(plan.lead_labels[k]) for k in leads.tolist())
    return Problem(path=path, message=rule, ids=ids, values=tuple(told))


def _who(plan: Any, rep: int) -> str:
    return show(plan.rep_labels[rep]) if rep >= 0 else "nobody"


def _gap(plan: Any, leads: IntArray, violations: tuple[Problem, ...]) -> tuple[float | None, str | None]:
    """Compare an edited plan with the bound that the plan was drawn with."""
    if not violations and plan.fallback == "cold" and (plan.owner[leads] < 0).any():
        return None, _LEFT_ALONE
    gross = gross_bound(plan.bound, plan.move_price, plan.current, plan.premises.locked)
    paid = plan.move_price * (plan.n_moved or 0)
    return gap_of("edited", math.fsum(plan.score.tolist()) - paid, plan.bound, violations, gross)


def _broken_alone(base: Any, plan: Any, leads: IntArray, rep: IntArray, work: FloatArray) -> list[str]:
    """Say what each move would break alone: names of limits and rules, none if it breaks nothing."""
    premises: Premises = base.premises
    case = Lookup.of(base, leads)
    was, cut_off = plan.owner[leads], case.is_cut_off(rep, case.score_of(rep)[1])
    bans = {(lead, who) for lead, who in premises.forbidden.tolist()} if len(leads) else set()
    moved = plan.n_moved or 0
    told = []
    for k, (lead, old, new) in enumerate(zip(leads.tolist(), was.tolist(), rep.tolist(), strict=True)):
        broken = [] if old == new else _limits_of_move(plan, lead, old, new, work[k])
        if premises.locked[lead] not in (-1, new):
            broken.append("locked")
        if (lead, new) in bans:
            broken.append("forbidden")
        if new >= 0 and plan.eligibility is not None:
            broken += plan.eligibility.lacks(lead, new)
        if cut_off[k]:
            broken.append("no connection")
        if new < 0 and premises.require_all:
            broken.append("require_all")
        if plan.current is not None and plan.current[lead] >= 0:
            after = moved + int(new != plan.current[lead]) - int(old != plan.current[lead])
            if after > max(premises.max_moves, moved):
                broken.append("max_moves")
        told.append(", ".join(broken))
    return told


def _limits_of_move(plan: Any, lead: int, old: int, new: int, work: FloatArray) -> list[str]:
    """Name the quantities of which the new owner would use too much, or the old one too little."""
    broken = []
    for q, name in enumerate(plan.quantities):
        over = new >= 0 and is_over(plan.used[new, q] + work[q], plan.upper[new, q]) and work[q] > 0
        under = old >= 0 and plan.use[lead, q] > 0
        under = under and is_under(plan.used[old, q] - plan.use[lead, q], plan.lower[old, q])
        if over:
            broken.append("capacity" if name == "workload" else f"{name} of {show(plan.rep_labels[new])}")
        if under:
            broken.append(f"{name} of {show(plan.rep_labels[old])}")
    return broken
