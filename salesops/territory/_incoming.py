"""A lead that comes to the router: read, checked, and near whom it is.

Whatever is not as plain as a lead read at once is looked at one by one, and every fault is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from salesops._codec import Limits
from salesops._codec._parse import parse
from salesops._faults import closest, raise_all, refuse
from salesops._frames import from_plain, to_plain
from salesops._frames.ids import family, is_missing, scalar
from salesops.errors import Problem, show
from salesops.territory._desk import MOST, WAYS, Asked, Desk, plain_candidates
from salesops.territory._newcomers import People

_RULE = "must be a finite number 0 or more"
_LIMITS = Limits()
_NOBODY = (
    "make it with plan.router(people=), write it with to_dict(people=True), or read it with "
    "from_dict(..., people=); or give candidates"
)


def as_document(lead: object) -> Mapping[str, Any]:
    """Take a lead as a mapping: a mapping, a domain object, or JSON text."""
    if isinstance(lead, Mapping):
        return lead
    if isinstance(lead, (str, bytes, bytearray)):
        document, faults = parse(lead, _LIMITS)
        repeated = getattr(document, "repeated", {})
        faults += [Problem(path=f"$.{name}", message="the field stands more than once") for name in repeated]
        raise_all("lead", faults)
        lead = document
    elif attrs.has(type(lead)):
        lead = attrs.asdict(lead, recurse=False)  # type: ignore[arg-type]  # has() does not narrow
    if not isinstance(lead, Mapping):
        hint = "pass a mapping, a models.Lead, or the text of a JSON object"
        raise refuse("$", "is not a lead", type(lead).__name__, hint=hint)
    return lead


def read_lead(document: Mapping[str, Any], desk: Desk) -> Asked:
    """Read a lead, and raise all of its faults together."""
    faults: list[Problem] = []
    if not document.keys() <= desk.fields:
        _unknown_fields(document, desk, faults)
    lead_id = key = document.get("lead_id")
    if type(lead_id) is not str or not lead_id or lead_id.isspace():
        lead_id, key = identity(lead_id, "$.lead_id", faults)
    value = _amount(document, "value", 1.0, faults)
    amounts = [
        value if name == "value" else _amount(document, name, 1.0 if not k else None, faults)
        for k, name in enumerate(desk.quantities)
    ]
    requires = _requires(document, desk, faults) if "requires" in document else ()
    source, near, reps, scores, tied = _near(document, desk, lead_id, faults)
    if faults:
        shown = (show(lead_id),) if lead_id is not None else ()
        raise_all("lead", [attrs.evolve(fault, ids=shown) if not fault.ids else fault for fault in faults])
    factor = 1.0 if desk.is_score and source == "candidates" else value
    return Asked(lead_id, key, value, tuple(amounts), requires, reps, scores, factor, source, near, tied)


def _unknown_fields(document: Mapping[str, Any], desk: Desk, faults: list[Problem]) -> None:
    faults += [
        Problem(
            path="$",
            message="unknown field",
            values=(show(name),),
            suggestions=closest(name, sorted(desk.fields)),
        )
        for name in document
        if name not in desk.fields
    ]


def identity(value: Any, path: str, faults: list[Problem]) -> tuple[Hashable, Hashable]:
    """Take an id of any hashable kind, and the same with its type: 1, 1.0, True and "1" are four ids."""
    if isinstance(value, dict):
        (value,) = from_plain([value])
    value = scalar(value)
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        shown = () if is_missing(value) else (show(value),)
        faults.append(Problem(path=path, message=f"an id is {'empty' if shown else 'missing'}", values=shown))
        return None, None
    try:
        hash(value)
    except TypeError:
        hint = "an id is text, a number, or anything hashable"
        faults.append(Problem(path=path, message="is no id", values=(show(value),), hint=hint))
        return None, None
    return value, value if type(value) is str else (family(value), value)


def _number(raw: Any) -> float | None:
    """Take a number of 0 or more that a sum can hold; None if it is not one."""
    kind = type(raw)
    if kind is not float and kind is not int:
        raw = scalar(raw)
        if isinstance(raw, bool) or not hasattr(raw, "__float__") or isinstance(raw, np.ndarray):
            return None
    return float(raw) if 0 <= raw <= MOST else None


def _amount(document: Mapping[str, Any], name: str, default: float | None, faults: list[Problem]) -> float:
    raw = document.get(name, default)
    number = None if raw is None else _number(raw)
    if number is None:
        said = "is missing" if raw is None else _RULE
        values = () if raw is None else (show(raw),)
        faults.append(Problem(path=f"$.{name}", message=said, values=values))
        return 0.0
    return number


def _requires(document: Mapping[str, Any], desk: Desk, faults: list[Problem]) -> tuple[str, ...]:
    raw = document["requires"]
    skills = read_skills(raw)
    if skills is None:
        faults.append(
            Problem(path="$.requires", message="is a list of skills, each a text", values=(show(raw),))
        )
        return ()
    if skills and desk.skills is None:
        faults.append(
            Problem(
                path="$.requires",
                message="the router knows no skills",
                values=(show(sorted(skills)),),
                hint="make it with plan.router(reps=) whose column skills lists them",
            )
        )
    return tuple(sorted(skills))


def read_skills(raw: Any) -> frozenset[str] | None:
    """Take a collection of skills, or one, or an empty cell; None if it is none of these."""
    if isinstance(raw, str):
        return frozenset({raw})
    if is_missing(raw):
        return frozenset()
    if not isinstance(raw, (list, tuple, set, frozenset)) or not all(isinstance(one, str) for one in raw):
        return None
    return frozenset(raw)


Near = tuple[str | None, Any, Sequence[int], Sequence[float], Sequence[int]]


def _near(document: Mapping[str, Any], desk: Desk, lead_id: Hashable, faults: list[Problem]) -> Near:
    """Find who is near the lead, by the one field that says so."""
    given = [name for name in WAYS if document.get(name) is not None]
    if given == ["candidates"]:
        return _candidates(document["candidates"], desk, faults)
    if not given:
        return _person(lead_id, desk, None, faults)
    if "candidates" in given or (len(given) > 1 and document["person_id"] != document.get("lead_id")):
        faults.append(
            Problem(
                path="$",
                message="says in more than one way who is near",
                values=tuple(given),
                hint="give one of candidates, ties and person_id",
            )
        )
    elif "ties" in given:
        return _ties(document["ties"], desk, faults)
    elif document["person_id"] == lead_id and type(document["person_id"]) is type(lead_id):
        return _person(lead_id, desk, None, faults)
    else:
        return _person(document["person_id"], desk, "person_id", faults)
    return None, None, [], [], ()


def _candidates(raw: Any, desk: Desk, faults: list[Problem]) -> Near:
    plain = plain_candidates(raw, desk)
    if plain is not None:
        return "candidates", None, *plain, ()
    found: dict[int, float] = {}
    for place, rep, given in _rows(raw, "candidates", "rep_id", ("proximity", "score"), faults):
        label, _ = identity(rep, f"$.candidates{place}", faults)
        at = desk.reps.position(label) if label is not None else -2
        if at == -1:
            faults.append(
                Problem(
                    path=f"$.candidates{place}",
                    message="is not among the reps",
                    values=(show(label),),
                    suggestions=closest(label, desk.reps.values.tolist()),
                )
            )
        number = _number(given)
        if number is None:
            faults.append(Problem(path=f"$.candidates{place}", message=_RULE, values=(show(given),)))
        elif at in found:
            faults.append(
                Problem(path=f"$.candidates{place}", message="a rep stands once", values=(show(label),))
            )
        elif at >= 0:
            found[at] = number
    near = {rep: score for rep, score in found.items() if score > 0}
    return "candidates", None, list(near), list(near.values()), ()


def _ties(raw: Any, desk: Desk, faults: list[Problem]) -> Near:
    people = desk.people
    if people is None:
        hint = _NOBODY
        faults.append(
            Problem(path="$.ties", message="the router knows no people", values=(show(raw),), hint=hint)
        )
        return None, None, [], [], ()
    weights: dict[int, float] = {}
    for place, person, given in _rows(raw, "ties", "person_id", ("weight",), faults):
        at = _find_person(person, f"$.ties{place}", people, faults)
        number = _number(given)
        if number is None or number == 0:
            said = "a weight is a finite number above 0"
            faults.append(Problem(path=f"$.ties{place}", message=said, values=(show(given),)))
        elif at in weights:
            faults.append(
                Problem(path=f"$.ties{place}", message="a person stands once", values=(show(person),))
            )
        elif at >= 0:
            weights[at] = number
    if faults:
        return None, None, [], [], ()
    reps, scores = people.newcomer(weights)
    near = [(people.labels[at], weight) for at, weight in weights.items()]
    return "ties", dict(near), reps, scores, tuple(weights)


def _person(person: Any, desk: Desk, source: str | None, faults: list[Problem]) -> Near:
    if desk.people is None:
        if source is not None:
            hint = _NOBODY
            said = "the router knows no people"
            faults.append(Problem(path="$.person_id", message=said, values=(show(person),), hint=hint))
        return None, None, [], [], ()
    if source is None:
        at = desk.people.labels.position(person) if person is not None else -1
    else:
        at = _find_person(person, "$.person_id", desk.people, faults)
    if at < 0:
        return None, None, [], [], ()
    reps, scores = desk.people.known(at)
    return "person_id", desk.people.labels[at], reps, scores, (at,)


def _find_person(person: Any, path: str, people: People, faults: list[Problem]) -> int:
    label, _ = identity(person, path, faults)
    if label is None:
        return -1
    at = people.labels.position(label)
    if at < 0:
        faults.append(
            Problem(
                path=path,
                message="is not among the people",
                values=(show(label),),
                suggestions=closest(label, people.labels.values.tolist()),
            )
        )
    return at


def _rows(
    raw: Any, name: str, key: str, amounts: tuple[str, ...], faults: list[Problem]
) -> list[tuple[str, Any, Any]]:
    """Take pairs of an id and an amount: a mapping, or rows as JSON needs them where ids are not text."""
    if isinstance(raw, Mapping):
        return [(f"[{show(label)}]", label, amount) for label, amount in raw.items()]
    if isinstance(raw, str) or not isinstance(raw, Sequence):
        hint = f"write {{{key}: {amounts[0]}}}, or a list of rows with {key} and {amounts[0]}"
        faults.append(
            Problem(path=f"$.{name}", message="is no mapping and no list", values=(show(raw),), hint=hint)
        )
        return []
    rows = []
    for k, row in enumerate(raw):
        given = [part for part in amounts if isinstance(row, Mapping) and part in row]
        if not isinstance(row, Mapping) or key not in row or len(given) != 1 or len(row) != 2:
            said = f"a row has {key} and {' or '.join(amounts)}, and nothing else"
            faults.append(Problem(path=f"$.{name}[{k}]", message=said, values=(show(row),)))
        else:
            rows.append((f"[{k}]", row[key], row[given[0]]))
    return rows


def content(asked: Asked, desk: Desk) -> dict[str, Any]:
    """Say what a lead was, field by field, to tell whether it comes again as it was."""
    near = asked.near
    if asked.source == "candidates":
        near = dict(zip([desk.names[rep] for rep in asked.reps], asked.nearness, strict=True))
    if isinstance(near, Mapping):
        plain = zip(to_plain(near, "lead"), near.values(), strict=True)
        near = sorted(json.dumps([label, float(amount)]) for label, amount in plain)
    elif asked.source is not None:
        near = to_plain([near], "lead")
    text = json.dumps([asked.source, near], sort_keys=True).encode("utf-8", "backslashreplace")
    amounts = dict(zip(desk.quantities, asked.use, strict=True))
    return {
        "value": asked.value,
        **amounts,
        "requires": list(asked.requires),
        "near": hashlib.blake2b(text, digest_size=12).hexdigest(),
    }
