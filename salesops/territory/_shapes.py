"""JSON Schema of the documents of territory: the shape of each field, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
FLAG: Shape = {"type": "boolean"}
PLACE: Shape = {"type": "integer", "minimum": 0}
"""A position in a list."""
PLACE_OR_NONE: Shape = {"type": "integer", "minimum": -1}
"""A position in a list, -1 for none."""
DAY: Shape = {"type": "string", "format": "date"}
ID: Shape = {"$ref": "#/$defs/id"}
_NAMED: tuple[tuple[str, Shape], ...] = (
    ("date", DAY),
    ("datetime", {"type": "string", "format": "date-time"}),
    ("tuple", {"type": "array", "items": ID}),
)
_ALONE: Shape = {"minProperties": 1, "additionalProperties": False}
_DEFS: Shape = {
    "id": {
        "description": "An id: text, a number, or a day, a time or a tuple under its name",
        "anyOf": [
            {"type": ["string", "number", "boolean"]},
            *({"type": "object", "properties": {name: of}, **_ALONE} for name, of in _NAMED),
        ],
    }
}


def list_of(item: Shape) -> Shape:
    """Shape a list whose items are all alike."""
    return {"type": "array", "items": item}


def or_null(shape: Shape) -> Shape:
    """Let a field be null as well."""
    return {"anyOf": [shape, {"type": "null"}]}


def record(fields: Mapping[str, Shape], optional: frozenset[str] | set[str] = frozenset()) -> Shape:
    """Shape an object of exactly these fields."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": sorted(fields.keys() - optional),
        "additionalProperties": False,
    }


def schema(title: str, description: str, shape: Shape) -> Shape:
    """Put the shape of a document into a schema of its own."""
    return {"$schema": DIALECT, "title": title, "description": description, **shape, "$defs": _DEFS}


PROBLEM = record(
    {
        "path": TEXT,
        "message": TEXT,
        "rows": list_of({"type": ["integer", "string"]}),
        "ids": list_of(TEXT),
        "values": list_of(TEXT),
        "hint": or_null(TEXT),
        "suggestions": list_of(TEXT),
    }
)
