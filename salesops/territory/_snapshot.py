"""A router as a document, and its tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import check_choice, raise_all
from salesops._frames import Labels, from_plain, id_column, to_plain
from salesops._frames.ids import factorize
from salesops._frames.tables import object_column
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.territory._desk import Desk
from salesops.territory._newcomers import People
from salesops.territory._routing import FloatArray, State, Terms, state_of
from salesops.territory.decision import Decision, RunnerUp

_SCHEMA_VERSION = 2
_PER_REP = ("capacity", "share", "base", "rate")
_PER_QUANTITY = ("band", "worth", "unit", "end", "spread")
_FIELDS = frozenset(
    {
        *("kind", "schema_version", "salesops_version", "digest", "first_tag", "tag", "reps", "quantities"),
        *("candidates", "is_cold", "is_guess", "n_leads", "skills", "used", "total", "committed", "people"),
        *_PER_REP,
        *_PER_QUANTITY,
    }
)


_ADDED: dict[Any, frozenset[str]] = {1: frozenset({"is_guess"})}
"""Of each older version the fields that it does not have."""


@attrs.frozen(kw_only=True, eq=False)
class Read:
    """What a document says."""

    reps: Labels
    quantities: tuple[str, ...]
    is_score: bool
    skills: tuple[frozenset[str], ...] | None
    terms: Terms
    opening: State
    committed: list[tuple[Decision, tuple[float, ...], Mapping[str, Any]]]
    people: People | None
    tag: str
    last_tag: str


def loads(reps: Labels, quantities: tuple[str, ...], terms: Terms, state: State) -> pd.DataFrame:
    """Tabulate what each rep has and her limits."""
    upper, lower = terms.limits(np.array(state.total))
    columns: dict[str, Any] = {
        "rep_id": id_column(reps.values),
        "load": state.used[0],
        "capacity": terms.capacity,
    }
    for k, name in enumerate(quantities):
        if np.isfinite(terms.band[k]):
            columns[name] = state.used[k]
            columns[f"{name}_min"], columns[f"{name}_max"] = lower[:, k], upper[:, k]
    return pd.DataFrame(columns)


def prices(reps: Labels, quantities: tuple[str, ...], state: State) -> pd.DataFrame:
    """Tabulate the prices of each rep."""
    columns = dict(zip(quantities, state.prices, strict=True))
    return pd.DataFrame({"rep_id": id_column(reps.values), **columns})


def write(
    desk: Desk,
    terms: Terms,
    opening: State,
    committed: list[tuple[Decision, tuple[float, ...], Mapping[str, Any]]],
    *,
    tags: tuple[str, str],
    people: bool,
) -> dict[str, Any]:
    """Write a router as plain JSON types."""
    document: dict[str, Any] = {
        "kind": "router",
        "schema_version": _SCHEMA_VERSION,
        "salesops_version": __version__,
        "first_tag": tags[0],
        "tag": tags[1],
        "reps": to_plain(desk.reps.values.tolist(), "reps"),
        "quantities": list(desk.quantities),
        "candidates": "score" if desk.is_score else "proximity",
        "is_cold": terms.is_cold,
        "is_guess": terms.is_guess,
        "n_leads": terms.n_leads,
        "skills": None if desk.skills is None else [sorted(skills) for skills in desk.skills],
        "used": [column.tolist() for column in opening.used],
        "total": list(opening.total),
        "committed": [
            {**decision.to_dict(), "use": list(use), "content": dict(known)}
            for decision, use, known in committed
        ],
        "people": desk.people.to_dict() if people and desk.people is not None else None,
    }
    for name in (*_PER_REP, *_PER_QUANTITY):
        document[name] = _finite(getattr(terms, name))
    document["digest"] = _digest(document)
    return document


def _finite(values: FloatArray) -> list[Any]:
    """Write an array; what is infinite as None, since JSON has no name for it."""
    if np.isfinite(values).all():
        return list(values.tolist())
    return [None if np.isinf(value) else value for value in values.tolist()]


def _digest(document: Mapping[str, Any]) -> str:
    """Fingerprint all fields but the digest itself."""
    rest = {name: value for name, value in document.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read(document: object) -> Read:
    """Check a document and read it."""
    if not isinstance(document, Mapping):
        fault = Problem(path="$", message="is not a document of a router", values=(show(document),))
        raise InvalidInput("router: 1 problem", [fault])
    fields = _FIELDS - _ADDED.get(document.get("schema_version"), frozenset())
    faults = [
        Problem(path=f"$.{name}", message="the field is missing") for name in sorted(fields - document.keys())
    ]
    faults += [
        Problem(path="$", message="unknown field", values=(show(name),))
        for name in document
        if name not in fields
    ]
    raise_all("router", faults)
    check_choice("$.kind", document["kind"], ("router",))
    if document["schema_version"] not in (_SCHEMA_VERSION, *_ADDED):
        values = (show(document["schema_version"]),)
        said = f"must be 1 to {_SCHEMA_VERSION}"
        fault = Problem(path="$.schema_version", message=said, values=values)
        raise InvalidInput("router: 1 problem", [fault])
    try:
        is_whole = _digest(document) == document["digest"]
    except (TypeError, ValueError):
        is_whole = False
    if not is_whole:
        fault = Problem(
            path="$.digest",
            message="does not fit the content: the document was altered",
            values=(show(document["digest"]),),
            hint="read what to_dict wrote; change a router by plan.router and commit",
        )
        raise InvalidInput("router: 1 problem", [fault])
    return _read(document)


def _read(document: Mapping[str, Any]) -> Read:
    ids, _ = factorize(object_column(from_plain(document["reps"])))
    reps, quantities = Labels.of(ids), tuple(document["quantities"])
    size = (len(reps), len(quantities))
    tall = {"base": size, "rate": size}
    parts = {name: _array(document[name]).reshape(tall.get(name, -1)) for name in (*_PER_REP, *_PER_QUANTITY)}
    terms = Terms(
        is_cold=document["is_cold"],
        is_guess=document.get("is_guess", False),
        n_leads=document["n_leads"],
        **parts,
    )
    used = tuple(np.array(column, dtype=np.float64) for column in document["used"])
    opening = state_of(terms, used, tuple(document["total"]))
    skills = document["skills"]
    return Read(
        reps=reps,
        quantities=quantities,
        is_score=document["candidates"] == "score",
        skills=None if skills is None else tuple(frozenset(each) for each in skills),
        terms=terms,
        opening=opening,
        committed=[_committed(row) for row in document["committed"]],
        people=None if document["people"] is None else People.from_dict(document["people"]),
        tag=document["first_tag"],
        last_tag=document["tag"],
    )


def _array(values: Any) -> npt.NDArray[np.float64]:
    """Read an array, None as infinite."""
    if values and values[0].__class__ is list:
        return np.array(values, dtype=np.float64)
    return np.array([np.inf if value is None else value for value in values], dtype=np.float64)


def _committed(row: Mapping[str, Any]) -> tuple[Decision, tuple[float, ...], Mapping[str, Any]]:
    lead_id, rep_id, closest = from_plain([row["lead_id"], row["rep_id"], row["closest"]])
    who = from_plain([each["rep_id"] for each in row["runners_up"]])
    decision = Decision(
        lead_id=lead_id,
        rep_id=rep_id,
        score=row["score"],
        price=row["price"],
        reason=row["reason"],
        closest=closest,
        obstacle=row["obstacle"],
        runners_up=tuple(
            RunnerUp(rep_id=rep, score=each["score"], price=each["price"], difference=each["difference"])
            for rep, each in zip(who, row["runners_up"], strict=True)
        ),
        n_between=row["n_between"],
        source=row["source"],
        router_tag=row["router_tag"],
    )
    return decision, tuple(row["use"]), dict(row["content"])
