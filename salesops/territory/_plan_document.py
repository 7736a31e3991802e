"""A territory plan as a document, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salesops._faults import check_choice, fields_amiss, raise_all
from salesops._frames import Labels, from_plain, to_plain
from salesops._frames.ids import factorize
from salesops._frames.tables import object_column
from salesops.errors import Problem
from salesops.territory._eligible import Eligibility
from salesops.territory._premises import Edits, Premises
from salesops.territory._shapes import (
    FLAG,
    ID,
    NUMBER,
    PLACE,
    PLACE_OR_NONE,
    PROBLEM,
    TEXT,
    Shape,
    list_of,
    or_null,
    record,
)

_SCHEMA_VERSION = 1
_OPTIONAL = {"eligibility", "current", "move_price", "premises", "edits", "flat_bound"}
_LABELS = ("rep_labels", "lead_labels")
_ARRAYS = {
    "owner": np.int64,
    "score": np.float64,
    "proximity": np.float64,
    "value": np.float64,
    "use": np.float64,
    "capacity": np.float64,
    "upper": np.float64,
    "lower": np.float64,
    "used": np.float64,
    "prices": np.float64,
    "closest": np.int32,
    "closest_score": np.float64,
    "closest_work": np.float64,
    "runner_up": np.int32,
    "runner_up_score": np.float64,
    "barred": np.int32,
    "barred_score": np.float64,
}

_TALL = {"use", "upper", "lower", "used", "prices"}
"""Arrays with one row for each lead or rep, and one column for each quantity."""
_PAIR = {"type": "array", "items": PLACE, "minItems": 2, "maxItems": 2}
_NEED = [TEXT, TEXT, ID]
"""Column of the leads, column of the reps, what is asked for."""
_HEADER: dict[str, Shape] = {
    "kind": {"const": "territory_plan"},
    "schema_version": {"const": _SCHEMA_VERSION},
    "reps": list_of(ID),
    "leads": list_of(ID),
}
_SHAPES: dict[str, Shape] = {
    "salesops_version": TEXT,
    "input_digest": TEXT,
    "quantities": list_of(TEXT),
    "reason": list_of(TEXT),
    "has_proximity": FLAG,
    "hops": or_null(list_of(PLACE_OR_NONE)),
    "bound": NUMBER,
    "gap": or_null(NUMBER),
    "no_gap_reason": or_null(TEXT),
    "violations": list_of(PROBLEM),
    "balance": {
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                NUMBER,
                {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
                {"type": "null"},
            ]
        },
    },
    "fallback": {"enum": ["cold", "none"]},
    "current": list_of(PLACE_OR_NONE),
    "move_price": NUMBER,
    "flat_bound": NUMBER,
    "eligibility": record(
        {
            "needs": list_of(
                {"type": "array", "prefixItems": [TEXT, TEXT, ID], "minItems": 3, "items": False}
            ),
            "has": list_of(list_of(FLAG)),
            "kinds": list_of(list_of(PLACE)),
            "kind": list_of(PLACE),
        }
    ),
    "premises": record(
        {
            "locked": list_of(_PAIR),
            "forbidden": list_of(_PAIR),
            "require_all": FLAG,
            "max_moves": or_null(NUMBER),
            "own_work": or_null(list_of(NUMBER)),
            "is_scored": FLAG,
        }
    ),
    "edits": record(
        {
            "leads": list_of(PLACE),
            "drawn": {"type": "object", "additionalProperties": {"type": "array"}},
            "gap": or_null(NUMBER),
            "no_gap_reason": or_null(TEXT),
            "violations": list_of(PROBLEM),
        }
    ),
}


def shape_of_plan(known: set[str]) -> Shape:
    """Shape the document of a plan with these fields; a field without a shape is an error of ours."""
    fields = _HEADER | {
        name: _shape_of_array(name) if name in _ARRAYS else _SHAPES[name]
        for name in sorted(known - {"prox", *_LABELS})
    }
    return record(fields, _OPTIONAL)


def _shape_of_array(name: str) -> Shape:
    item: Shape = PLACE_OR_NONE if _ARRAYS[name] is np.int64 else {"type": ["number", "null"]}
    return list_of(list_of(item) if name in _TALL else item)


def written_plan(plan: Any) -> dict[str, Any]:
    """Write a plan as plain JSON types."""
    document: dict[str, Any] = {
        "kind": "territory_plan",
        "schema_version": _SCHEMA_VERSION,
        "salesops_version": plan.salesops_version,
        "input_digest": plan.input_digest,
        "reps": to_plain(plan.rep_labels.values.tolist(), "reps"),
        "leads": to_plain(plan.lead_labels.values.tolist(), "leads"),
        "quantities": list(plan.quantities),
        "reason": plan.reason.tolist(),
        "has_proximity": plan.has_proximity,
        "hops": None if plan.hops is None else plan.hops.tolist(),
        "bound": plan.bound,
        "gap": plan.gap,
        "no_gap_reason": plan.no_gap_reason,
        "violations": [violation.to_dict() for violation in plan.violations],
        "balance": {
            name: list(band) if isinstance(band, tuple) else band for name, band in plan.balance.items()
        },
        "fallback": plan.fallback,
    }
    if plan.current is not None:
        document["current"] = plan.current.tolist()
        document["move_price"] = plan.move_price
    if plan.eligibility is not None:
        document["eligibility"] = plan.eligibility.to_dict()
    if plan.premises is not None:
        document["premises"] = plan.premises.to_dict()
    if plan.flat_bound is not None:
        document["flat_bound"] = plan.flat_bound
    if plan.edits is not None:
        document["edits"] = plan.edits.to_dict()
    document.update({name: _listed(getattr(plan, name)) for name in _ARRAYS})
    return document


def fields_of_plan(document: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """Read the fields of a plan from its document; missing and unknown ones are faults."""
    fields = known - {"prox", *_OPTIONAL, *_LABELS}
    fields |= _HEADER.keys()
    raise_all("territory plan", fields_amiss(document, fields, _OPTIONAL))
    check_choice("$.kind", document["kind"], ("territory_plan",))
    rest = {name: document[name] for name in fields - _HEADER.keys()}
    n, q = len(document["reps"]), len(document["quantities"])
    tall = {name: len(document["leads"]) if name == "use" else n for name in _TALL}
    for name, kind in _ARRAYS.items():
        values = _array(document[name], kind, missing=-np.inf if name == "lower" else np.inf)
        rest[name] = values.reshape(tall[name], q) if name in tall else values
    rest["reason"] = np.array(document["reason"], dtype=object)
    rest["quantities"] = tuple(document["quantities"])
    rest["balance"] = {
        name: tuple(band) if isinstance(band, list) else band for name, band in document["balance"].items()
    }
    if "eligibility" in document:
        rest["eligibility"] = Eligibility.from_dict(document["eligibility"], n)
    if "current" in document:
        rest["current"] = np.array(document["current"], dtype=np.int64)
        rest["move_price"] = float(document.get("move_price", 0.0))
    if "premises" in document:
        rest["premises"] = Premises.from_dict(document["premises"], len(document["leads"]))
    if "flat_bound" in document:
        rest["flat_bound"] = float(document["flat_bound"])
    if "edits" in document:
        rest["edits"] = Edits.from_dict(document["edits"])
    rest["hops"] = None if document["hops"] is None else np.array(document["hops"], dtype=np.int8)
    rest["violations"] = tuple(Problem(**violation) for violation in document["violations"])
    return {"rep_labels": _labels(document["reps"]), "lead_labels": _labels(document["leads"]), **rest}


def _listed(values: npt.NDArray[Any]) -> list[Any]:
    """Write an array as lists; what is infinite as None, since JSON has no name for it."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        cells = values.astype(object)
        cells[~np.isfinite(values)] = None
        return list(cells.tolist())
    return list(values.tolist())


def _array(values: Any, kind: Any, *, missing: float) -> npt.NDArray[Any]:
    cells = np.array(values, dtype=object)
    empty = np.array([cell is None for cell in cells.ravel()], dtype=bool).reshape(cells.shape)
    cells[empty] = missing
    return cells.astype(kind)


def _labels(values: Any) -> Labels:
    ids, _ = factorize(object_column(from_plain(values)))
    return Labels.of(ids)
