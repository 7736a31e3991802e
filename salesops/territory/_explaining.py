"""Why a lead is where it is, in words, from what a plan holds."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from salesops._display import number
from salesops.errors import show
from salesops.territory._equals import is_stronger, strength_of
from salesops.territory._prices import FloatArray
from salesops.territory.inputs import find
from salesops.territory.results import Explanation


def explained(plan: Any, lead: Hashable, *, names: bool) -> Explanation:
    """Say why a lead is where it is; see ``TerritoryPlan.explain``."""
    k = find(plan.lead_labels, lead, "lead", "leads")
    owner, sentences = int(plan.owner[k]), []
    facts: dict[str, Any] = {"reason": str(plan.reason[k]), "score": float(plan.score[k])}
    if owner < 0:
        facts["owner"] = None
        sentences.append(f"has no owner: {plan.reason[k]}")
    else:
        facts["owner"] = plan.rep_labels[owner]
        how = f" ({plan.reason[k]})" if plan.reason[k] in ("cold", "locked", "edited, cold") else ""
        sentences.append(f"owned by {_rep(plan, owner)}{how}, score {number(float(plan.score[k]))}")
    closest = int(plan.closest[k])
    before = -1 if plan.current is None else int(plan.current[k])
    if before >= 0 and before != owner:
        facts["moved_from"] = plan.rep_labels[before]
        sentences.append(f"moved from {_rep(plan, before)}")
    if _is_edited(plan, k):
        sentences.append(_what_it_cost(plan, k, facts))
    if closest >= 0 and closest != owner and plan.closest_score[k] >= plan.score[k]:
        sentences.append(_why_not(plan, k, closest, owner))
        facts["closest"] = plan.rep_labels[closest]
        facts["price_of_her_time"] = _price(plan, k, closest)
    elif owner >= 0 and plan.runner_up[k] >= 0:
        behind = float(plan.score[k] - plan.runner_up_score[k])
        theirs = number(float(plan.runner_up_score[k]))
        sentences.append(
            f"runner-up {_rep(plan, int(plan.runner_up[k]))}, score {theirs}, {number(behind)} less"
        )
        facts["runner_up"] = plan.rep_labels[int(plan.runner_up[k])]
        facts["difference"] = behind
    barred = int(plan.barred[k])
    if barred >= 0 and barred != owner and plan.barred_score[k] > plan.score[k]:
        sentences.append(_why_barred(plan, k, barred))
        facts["barred"] = plan.rep_labels[barred]
    if owner >= 0 and plan.prox is not None:
        path = plan.prox.path(plan.rep_labels[owner], plan.lead_labels[k], names=names)
        facts["n_between"] = path.n_between
        sentences.append(f"introduction: {path}")
    return Explanation(subject=f"lead {show(lead)}", facts=facts, sentences=tuple(sentences))


def _is_edited(plan: Any, lead: int) -> bool:
    return str(plan.reason[lead]).startswith("edited")


def _what_it_cost(plan: Any, lead: int, facts: dict[str, Any]) -> str:
    """Say whose the lead was before an edit, and what the edit gained or lost."""
    at = int(np.searchsorted(plan.edits.leads, lead))
    owner = int(plan.edits.drawn["owner"][at])
    gained = float(plan.score[lead] - plan.edits.drawn["score"][at])
    facts["edited_from"], facts["gained"] = plan.rep_labels[owner] if owner >= 0 else None, gained
    whose = f"owned by {_rep(plan, owner)}" if owner >= 0 else "without an owner"
    change = f"{number(abs(gained))} {'less' if gained < 0 else 'more'}" if gained else "as much"
    return f"edited: the plan was drawn with the lead {whose}; it scores {change} now"


def _rep(plan: Any, rep: int) -> str:
    return f"rep {show(plan.rep_labels[rep])}"


def _why_barred(plan: Any, lead: int, rep: int) -> str:
    lacks = () if plan.eligibility is None else plan.eligibility.lacks(lead, rep)
    why = f"lacks {' and '.join(lacks)}" if lacks else "is forbidden to"
    closer = "is closer" if plan.has_proximity else "scores more"
    return f"{_rep(plan, rep)} {closer} (score {number(float(plan.barred_score[lead]))}) but may not: {why}"


def _price(plan: Any, lead: int, rep: int) -> float:
    return float((_use_of_closest(plan, lead) * plan.prices[rep]).sum())


def _use_of_closest(plan: Any, lead: int) -> FloatArray:
    """Give what a lead would use of its closest rep."""
    use: FloatArray = plan.use[lead].copy()
    use[0] = plan.closest_work[lead]
    return use


def _has_stronger_ties(plan: Any, rep: int, owner: int) -> bool:
    """Say whether the lead itself is nearer to a rep than to the owner, who scores as much."""
    strength = None if owner < 0 or plan.premises.is_scored else strength_of(plan.prox, plan.rep_labels)
    return strength is not None and is_stronger(strength[rep], strength[owner])


def _why_not(plan: Any, lead: int, rep: int, owner: int) -> str:
    """Say why a rep of at least the owner's score does not own the lead."""
    alike = ""
    if plan.closest_score[lead] > plan.score[lead]:
        closer = "is closer" if plan.has_proximity else "scores more"
    elif _has_stronger_ties(plan, rep, owner):
        closer, alike = "is closer", " too, with stronger ties"
    else:
        closer = "is as close" if plan.has_proximity else "scores as much"
    said = f"{_rep(plan, rep)} {closer} (score {number(float(plan.closest_score[lead]))}{alike}) but "
    after = plan.used[rep] + _use_of_closest(plan, lead)
    price = _price(plan, lead, rep)
    worth = f"; the price of her time for this lead is {number(price)}" if price > 0 else ""
    if after[0] > plan.capacity[rep] * (1 + 1e-9):
        return f"{said}full (capacity {number(float(plan.capacity[rep]), 6)}){worth}"
    for q, name in enumerate(plan.quantities):
        if after[q] > plan.upper[rep, q] * (1 + 1e-9):
            return f"{said}at the top of her band of {name} ({number(float(plan.upper[rep, q]), 6)}){worth}"
    if _is_edited(plan, lead):
        return f"{said}an edit says otherwise{worth}"
    if plan.reason[lead] == "locked":
        return f"{said}the lead is locked"
    if plan.current is not None and plan.current[lead] == owner:
        return f"{said}a move would not pay, or as many leads as may change hands already do{worth}"
    for q, name in enumerate(plan.quantities):
        if owner >= 0 and plan.used[owner, q] - plan.use[lead, q] < plan.lower[owner, q] * (1 - 1e-9):
            return f"{said}{_rep(plan, owner)} would fall below her band of {name}"
    if plan.closest_score[lead] <= plan.score[lead]:
        return f"{said}a plan of the same score or more leaves the lead with {_rep(plan, owner)}"
    return f"{said}her time is worth more to other leads{worth}"
