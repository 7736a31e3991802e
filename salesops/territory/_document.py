"""A social graph as a document: every field is checked, and its ties pass the same door as any others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from salesops._faults import check_choice, fields_amiss, raise_all, refuse
from salesops._frames import from_plain
from salesops.errors import Problem, show
from salesops.territory._attributes import NAMES
from salesops.territory._listing import Note, Ties
from salesops.territory._ties import read_ties

SCHEMA_VERSION = 1
FIELD_OF = {"kind": "kinds", **{name: name for name in NAMES if name != "kind"}}
"""Field that holds each attribute; the field `kind` says what the document is."""

_FIELDS = {"kind", "schema_version", "is_directed", "people", "source", "target", "weight"}
_OPTIONAL = {"report", "report_ends", "standing", *FIELD_OF.values()}
_LISTS = ("people", "source", "target", "weight", "report", "report_ends", "standing", *FIELD_OF.values())
_OF_A_NOTE = {"path", "message", "rows", "ids", "values", "hint", "suggestions"}


def from_document(document: Mapping[str, Any]) -> Ties:
    """Check a document and take its ties."""
    faults = _check_fields(document)
    raise_all("social graph", faults)
    people = from_plain(document["people"])
    ends = {
        name: [people[p] for p in _places(document[name], f"$.{name}", len(people), faults)]
        for name in ("source", "target")
    }
    standing = _places(document.get("standing", []), "$.standing", len(people), faults)
    noted = _noted(document, len(people), faults)
    raise_all("social graph", faults)
    about = {ours: document[theirs] for ours, theirs in FIELD_OF.items() if theirs in document}
    ties = read_ties(
        {**ends, "weight": document["weight"], **about},
        "$",
        columns=None,
        combine=None,
        directed=document["is_directed"],
        others=people,
    )
    at = np.array([ties.people.position(label) for label in people], dtype=np.int32)
    stands = np.zeros(len(ties.people), dtype=bool)
    stands[at[standing]] = True
    if "standing" not in document:
        stands[:] = True
        stands[ties.source] = stands[ties.target] = False
    notes = tuple(
        Note(problem=Problem(**note), ends=None if both is None else at[np.array(both, dtype=np.int64)])
        for note, both in noted
    )
    return attrs.evolve(ties, notes=notes, standing=stands)


def _check_fields(document: object) -> list[Problem]:
    if not isinstance(document, Mapping):
        raise refuse("$", "is not the document of a social graph", type(document).__name__)
    faults = fields_amiss(document, _FIELDS, _OPTIONAL)
    faults += [
        Problem(path=f"$.{name}", message="is not a list", values=(show(document[name]),))
        for name in _LISTS
        if name in document and not isinstance(document[name], (list, tuple))
    ]
    if faults:
        return faults
    check_choice("$.kind", document["kind"], ("social_graph",))
    if not isinstance(document["is_directed"], bool):
        value = (show(document["is_directed"]),)
        faults.append(Problem(path="$.is_directed", message="is True or False", values=value))
    if document["schema_version"] != SCHEMA_VERSION:
        value = (show(document["schema_version"]),)
        faults.append(Problem(path="$.schema_version", message=f"must be {SCHEMA_VERSION}", values=value))
    return faults


def _places(places: Any, path: str, n_people: int, faults: list[Problem]) -> list[int]:
    """Check positions in the list of people."""
    if not isinstance(places, (list, tuple)):
        faults.append(Problem(path=path, message="is not a list", values=(show(places),)))
        return []
    wrong = [k for k, p in enumerate(places) if type(p) is not int or not 0 <= p < n_people]
    if wrong:
        values = tuple(show(places[k]) for k in wrong)
        faults.append(Problem(path=path, message="is no position in people", rows=wrong, values=values))
        return []
    return list(places)


def _noted(
    document: Mapping[str, Any], n_people: int, faults: list[Problem]
) -> list[tuple[Mapping[str, Any], list[list[int]] | None]]:
    """Check the notes and between whom they are."""
    report = document.get("report", [])
    ends = document.get("report_ends", [None] * len(report))
    if len(ends) != len(report):
        found = (f"{len(report)} notes", f"{len(ends)} ends")
        faults.append(Problem(path="$.report_ends", message="must match the report", values=found))
    noted: list[tuple[Mapping[str, Any], list[list[int]] | None]] = []
    for k, (note, sides) in enumerate(zip(report, ends, strict=False)):
        if not isinstance(note, Mapping) or not {"path", "message"} <= note.keys() <= _OF_A_NOTE:
            faults.append(Problem(path=f"$.report[{k}]", message="is not a note", values=(show(note),)))
            continue
        both = None
        if sides is not None:
            given = sides if isinstance(sides, (list, tuple)) else [sides]
            both = [_places(side, f"$.report_ends[{k}]", n_people, faults) for side in given]
            if len(both) != 2 or len(both[0]) != len(both[1]):
                message = "must be two lists of the same length"
                faults.append(Problem(path=f"$.report_ends[{k}]", message=message))
        noted.append((note, both))
    return noted
