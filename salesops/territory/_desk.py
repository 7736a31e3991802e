"""What it takes to read a lead, and one that is plain read at once: a request waits for it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import attrs

from salesops._frames import Labels
from salesops.territory._newcomers import People

MOST = 1e100
"""Amounts above this are refused, so that no sum of them overflows."""
WAYS = ("candidates", "ties", "person_id")
"""The fields that say who is near."""
_ABOUT = frozenset({"lead_id", "value", "workload", "requires", "account_id", "segment", "country"})
_PLAIN = frozenset({int, float})


class Asked(NamedTuple):
    """A lead as it was understood.

    ``key`` is the id with its type; ``reps`` are those who are near, ``nearness`` says how much, and
    ``factor`` times that is what the lead would score with them; ``source`` is the field that told so and
    ``near`` what it said; ``tied`` are the people it named.
    """

    lead_id: Hashable
    key: Hashable
    value: float
    use: tuple[float, ...]
    requires: tuple[str, ...]
    reps: list[int]
    nearness: list[float]
    factor: float
    source: str | None
    near: Any
    tied: Sequence[int]

    @property
    def scores(self) -> list[float]:
        """What the lead would score with each of the reps who are near."""
        return [self.factor * each for each in self.nearness]


@attrs.frozen(kw_only=True, eq=False)
class Desk:
    """What it takes to read a lead: the reps, what is counted of a lead, and the people who may know it.

    ``kinds`` is the type of the ids of the reps, if they are of one type; ``plain_fields`` are those that a
    lead with candidates needs; ``amounts`` are the quantities, each with its default.
    """

    reps: Labels
    names: list[Hashable]
    quantities: tuple[str, ...]
    is_score: bool
    skills: tuple[frozenset[str], ...] | None
    people: People | None
    index: dict[Any, int]
    kinds: frozenset[type]
    fields: frozenset[str]
    plain_fields: frozenset[str]
    amounts: tuple[tuple[str, float | None], ...]

    @classmethod
    def of(
        cls,
        reps: Labels,
        quantities: tuple[str, ...],
        *,
        is_score: bool,
        skills: tuple[frozenset[str], ...] | None,
        people: People | None,
    ) -> Desk:
        """Index the reps; by their bare ids where all are of one kind."""
        values = reps.values.tolist()
        kinds = frozenset(type(value) for value in values)
        index = {value: k for k, value in enumerate(values)} if len(kinds) == 1 else {}
        fields = _ABOUT | frozenset(quantities) | frozenset(WAYS)
        return cls(
            reps=reps,
            names=values,
            quantities=quantities,
            is_score=is_score,
            skills=skills,
            people=people,
            index=index,
            kinds=kinds if index else frozenset(),
            fields=fields,
            plain_fields=fields - {"requires", "ties", "person_id"},
            amounts=tuple((name, None if k else 1.0) for k, name in enumerate(quantities)),
        )


def read_plain_lead(document: dict[str, Any], desk: Desk) -> Asked | None:
    """Read a lead that brings its candidates and is plain all through; None if it is not, or has a fault.

    Nothing is told that :func:`read_lead` would not tell: it is the same in a fraction of the time.
    """
    given = document.get("candidates")
    if not document.keys() <= desk.plain_fields:
        return None
    lead_id = document.get("lead_id")
    kind = type(lead_id)
    if kind is not int and (kind is not str or not lead_id or lead_id.isspace()):
        return None
    value = document.get("value", 1.0)
    if type(value) not in _PLAIN or not 0 <= value <= MOST:
        return None
    value, use = float(value), []
    for name, default in desk.amounts:
        amount: Any = value if name == "value" else document.get(name, default)
        if type(amount) not in _PLAIN or not 0 <= amount <= MOST:
            return None
        use.append(float(amount))
    found = plain_candidates(given, desk)
    if found is None:
        return None
    reps, nearness = found
    key = lead_id if kind is str else ("int", lead_id)
    factor = 1.0 if desk.is_score else value
    return Asked(lead_id, key, value, tuple(use), (), reps, nearness, factor, "candidates", given, ())


def plain_candidates(raw: Any, desk: Desk) -> tuple[list[int], list[float]] | None:
    """Take a mapping of known reps to plain numbers above 0; None if it is not one."""
    if type(raw) is not dict or not raw:
        return None
    try:
        # In one call: a request waits for it.
        reps = list(itemgetter(*raw)(desk.index)) if len(raw) > 1 else [desk.index[next(iter(raw))]]
    except KeyError:
        return None
    scores = list(raw.values())
    # 1, 1.0 and True are equal, so types are looked at beside the index.
    is_plain = desk.kinds.issuperset(map(type, raw)) and _PLAIN.issuperset(map(type, scores))
    return (reps, scores) if is_plain and min(scores) > 0 and sum(scores) <= MOST else None
