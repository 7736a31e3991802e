"""Who gets a lead: the best offer of somebody with the skills and the room, and why not another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import attrs

from salesops._faults import raise_all
from salesops._frames import Labels, Reader, check_known
from salesops.errors import Problem
from salesops.territory._desk import Asked, Desk
from salesops.territory._offers import Offers, all_offers, best_offer, has_room, offers
from salesops.territory._routing import State, Terms
from salesops.territory.decision import Decision, Rest, RunnerUp, made

_RUNNERS_UP = 3


def decide(desk: Desk, terms: Terms, state: State, asked: Asked, rest: Rest) -> Decision:
    """Decide who gets a lead; what else there is to say is worked out when somebody asks."""
    able = _able(desk, asked.requires) if asked.requires else None
    rep, loss, score = best_offer(terms, state, asked, able)
    if rep < 0:
        return made(asked, None, 0.0, 0.0, rest)
    return made(asked, desk.names[rep], score, loss + score, rest)


def told(
    desk: Desk, terms: Terms, state: State, tag: str, asked: Asked, owner: Hashable | None
) -> dict[str, Any]:
    """Say why a lead goes to its owner, if to any, and who came next: the rest of its decision."""
    rep = -1 if owner is None else desk.reps.position(owner)
    return {"source": asked.source, "router_tag": tag, **_told(desk, terms, state, asked, rep)}


def _told(desk: Desk, terms: Terms, state: State, asked: Asked, rep: int) -> dict[str, Any]:
    """Say why a lead goes to a rep, -1 for nobody."""
    able = _able(desk, asked.requires)
    room = partial(has_room, terms, state, asked.use)
    if rep < 0:
        closest, obstacle = _closer(desk, asked, 0.0, room, able)
        reason = _why_nobody(desk, terms, asked, able)
        return {"reason": reason, "closest": closest, "obstacle": obstacle}
    ranked = [offer for offer in _ranked(terms, state, asked, able) if able is None or offer[1] in able]
    first = next((k for k, offer in enumerate(ranked) if room(offer[1])), -1)
    if first < 0 or ranked[first][1] != rep:
        ranked = all_offers(terms, state, asked.reps, asked.scores, asked.use)
        first = next(k for k, offer in enumerate(ranked) if offer[1] == rep)
    loss, _, score = ranked[first]
    behind = (offer for offer in ranked[first + 1 :] if (able is None or offer[1] in able) and room(offer[1]))
    runners_up = tuple(
        RunnerUp(desk.names[who], worth, other + worth, other - loss)
        for other, who, worth in islice(behind, _RUNNERS_UP)
    )
    closest, obstacle = _closer(desk, asked, score, room, able)
    is_near = rep in asked.reps
    return {
        "reason": "cold" if not is_near else "closest" if closest is None else "next closest",
        "closest": closest,
        "obstacle": obstacle,
        "runners_up": runners_up,
        "n_between": _n_between(desk, asked, rep) if is_near else None,
    }


def _ranked(terms: Terms, state: State, asked: Asked, able: frozenset[int] | None) -> Offers:
    """Rank those who are near and have the skills, and beside them the cheapest where one may be first."""
    reps, scores = asked.reps, asked.scores
    if able is not None:
        kept = [k for k, rep in enumerate(reps) if rep in able]
        reps, scores = [reps[k] for k in kept], [scores[k] for k in kept]
    return offers(terms, state, reps, scores, asked.use)


def _able(desk: Desk, requires: Sequence[str]) -> frozenset[int] | None:
    """Say who has the skills; None for everyone."""
    if not requires or desk.skills is None:
        return None
    needed = frozenset(requires)
    return frozenset(rep for rep, skills in enumerate(desk.skills) if needed <= skills)


def _closer(
    desk: Desk, asked: Asked, score: float, room: Callable[[int], bool], able: frozenset[int] | None
) -> tuple[Hashable | None, str | None]:
    """Name the rep of greatest score if it is more than the owner's, and what keeps her from the lead."""
    best = max(asked.scores, default=score)
    if best <= score:
        return None, None
    rep = min(who for who, worth in zip(asked.reps, asked.scores, strict=True) if worth == best)
    if able is not None and rep not in able:
        return desk.names[rep], "skills"
    return desk.names[rep], "price" if room(rep) else "room"


def _n_between(desk: Desk, asked: Asked, rep: int) -> int | None:
    """Count the people between the owner and the lead, where it is 0 or 1."""
    steps = None if desk.people is None else desk.people.n_between(asked.tied, rep)
    # A newcomer stands one tie beyond those she names; somebody known is named herself.
    return 0 if steps is not None and asked.source == "person_id" else steps


def _why_nobody(desk: Desk, terms: Terms, asked: Asked, able: frozenset[int] | None) -> str:
    if not desk.names:
        return "no rep"
    if able is not None and not able:
        return "skills"
    return "no connection" if not terms.is_cold and not asked.reps else "capacity"


def of_row(fault: Problem, row: Hashable) -> Problem:
    """Tell a fault of a lead as one of a row."""
    return attrs.evolve(fault, path=fault.path.removeprefix("$").removeprefix(".") or "lead", rows=(row,))


def near_of(candidates: object, leads: Labels, faults: list[Problem]) -> dict[int, list[dict[str, Any]]]:
    """Group a table of candidates by lead."""
    table = Reader(candidates, "candidates", key=("lead_id", "rep_id"), faults=faults)
    lead, rep = table.ids("lead_id"), table.ids("rep_id")
    amount = "score" if table.has("score") else "proximity"
    given = table.cells(amount)
    check_known(faults, "candidates.lead_id", lead, leads, "leads", table.rows, who=table.who)
    raise_all("route_many", [fault for fault in faults if fault.path.startswith("candidates")])
    near: dict[int, list[dict[str, Any]]] = {}
    who, worth = rep.labels().tolist(), [] if given is None else given.tolist()
    for row, code in enumerate(leads.codes(lead).tolist()):
        near.setdefault(code, []).append({"rep_id": who[row], amount: worth[row]})
    return near
