"""Who gets a lead: the best offer of somebody with the skills and the room, and why not another."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import attrs

from salesops._faults import raise_all
from salesops._frames import Labels, Reader, check_known
from salesops.errors import Problem
from salesops.territory._incoming import Asked, Desk
from salesops.territory._routing import Offers, Room, State, Terms, all_offers, offers
from salesops.territory.decision import Decision, RunnerUp

_RUNNERS_UP = 3


def decide(desk: Desk, terms: Terms, state: State, tag: str, asked: Asked) -> Decision:
    """Decide who gets a lead."""
    use = asked.use
    reps, scores, able = asked.reps, asked.scores, _able(desk, asked.requires)
    if able is not None:
        kept = [k for k, rep in enumerate(reps) if rep in able]
        reps, scores = [reps[k] for k in kept], [scores[k] for k in kept]
    room = Room(terms, state, use)
    ranked = offers(terms, state, reps, scores, use)
    first = _first(ranked, room, able)
    if first < 0 and terms.is_cold:
        ranked = all_offers(terms, state, reps, scores, use)
        first = _first(ranked, room, able)
    if first < 0 or (not terms.is_cold and ranked[first][0] > 0):
        return _nobody(desk, terms, tag, asked, room, able)
    names = desk.names
    loss, rep, score = ranked[first]
    behind: list[RunnerUp] = []
    for other, who, worth in ranked[first + 1 :]:
        if len(behind) == _RUNNERS_UP:
            break
        if (able is None or who in able) and room.at(who):
            behind.append(RunnerUp(names[who], worth, other + worth, other - loss))
    closer, obstacle = _closer(desk, asked, score, room, able)
    near = rep in asked.reps
    return Decision(
        lead_id=asked.lead_id,
        rep_id=names[rep],
        score=score,
        price=loss + score,
        reason="cold" if not near else "closest" if closer is None else "next closest",
        closest=closer,
        obstacle=obstacle,
        runners_up=tuple(behind),
        n_between=asked.n_between.get(rep),
        source=asked.source,
        router_tag=tag,
        asked=asked,
    )


def _able(desk: Desk, requires: Sequence[str]) -> frozenset[int] | None:
    """Say who has the skills; None for everyone."""
    if not requires or desk.skills is None:
        return None
    needed = frozenset(requires)
    return frozenset(rep for rep, skills in enumerate(desk.skills) if needed <= skills)


def _closer(
    desk: Desk, asked: Asked, score: float, room: Room, able: frozenset[int] | None
) -> tuple[Hashable | None, str | None]:
    """Name the rep of greatest score if it is more than the owner's, and what keeps her from the lead."""
    best = max(asked.scores, default=score)
    if best <= score:
        return None, None
    rep = min(who for who, worth in zip(asked.reps, asked.scores, strict=True) if worth == best)
    if able is not None and rep not in able:
        return desk.names[rep], "skills"
    return desk.names[rep], "price" if room.at(rep) else "room"


def _nobody(
    desk: Desk, terms: Terms, tag: str, asked: Asked, room: Room, able: frozenset[int] | None
) -> Decision:
    if not desk.names:
        reason = "no rep"
    elif able is not None and not able:
        reason = "skills"
    elif not terms.is_cold and not asked.reps:
        reason = "no connection"
    else:
        reason = "capacity"
    closer, obstacle = _closer(desk, asked, 0.0, room, able)
    return Decision(
        lead_id=asked.lead_id,
        rep_id=None,
        score=0.0,
        price=0.0,
        reason=reason,
        closest=closer,
        obstacle=obstacle,
        source=asked.source,
        router_tag=tag,
        asked=asked,
    )


def _first(ranked: Offers, room: Room, able: frozenset[int] | None) -> int:
    """Find the best offer of somebody with the skills and the room; -1 if there is none."""
    for k, (_, rep, _) in enumerate(ranked):
        if (able is None or rep in able) and room.at(rep):
            return k
    return -1


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
