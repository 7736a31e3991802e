"""JSON Schema (draft 2020-12) from the same fields that the codec reads."""

from __future__ import annotations

import datetime as dt
import inspect
import typing
from collections.abc import Hashable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from salesops._codec._convert import converter, item_type, kinds, members
from salesops._codec._fields import MAX_AMOUNT, Entry, Limits, Record, entries_of, is_record
from salesops._codec._values import DAY, DECIMAL, RATE
from salesops.errors import InternalError

Shared = dict[type[Record], dict[str, Any]]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WHOLE = {"type": "integer", "exclusiveMinimum": -MAX_AMOUNT, "exclusiveMaximum": MAX_AMOUNT}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: _WHOLE,
    float: {"type": "number"},
    dt.date: {"type": "string", "format": "date", "pattern": f"^{DAY}$"},
    Hashable: {"type": ["string", "integer"], "minLength": 1},
}


def schema_of(record: type[Record]) -> dict[str, Any]:
    """State which documents of a class are read, so far as JSON Schema can say it."""
    shared: Shared = {}
    schema = _record(record, shared)
    versions = {} if record.schema_version is None else {"schema_version": {"const": record.schema_version}}
    for form in schema.get("anyOf", [schema]):
        form["properties"] = {**versions, **form["properties"]}
        form["required"] = [*versions, *form["required"]]
    body = {"$schema": _DIALECT, "title": record.__name__, "description": _summary(record), **schema}
    parts = {part.__name__: written for part, written in shared.items()}
    if len(parts) < len(shared):
        raise InternalError(f"{record.__name__}: two classes in its schema have one name")
    return {**body, "$defs": parts} if parts else body


def _record(record: type[Record], shared: Shared) -> dict[str, Any]:
    entries = entries_of(record)
    kind = {} if record.kind is None else {"kind": {"const": record.kind}}
    full = _object(
        {**kind, **{entry.key: _field(entry, shared) for entry in entries}},
        [entry.key for entry in entries if entry.required],
    )
    short = record._short_form  # noqa: SLF001  (the protocol between a class and its codec)
    if short is None:
        return full
    written = {}
    for name, (part, key) in short.entries.items():
        written[name] = next(_field(entry, shared) for entry in entries_of(part) if entry.key == key)
    own = {name: value for name, value in full["properties"].items() if name != short.field}
    required = [name for name in full["required"] if name != short.field]
    brief = _object({**written, **own}, required)
    brief["anyOf"] = [{"required": [name]} for name in written if name not in own]
    return {"anyOf": [full, brief]}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _summary(record: type[Record]) -> str:
    return (inspect.getdoc(record) or record.__name__).partition("\n\n")[0].replace("\n", " ")


def _field(entry: Entry, shared: Shared) -> dict[str, Any]:
    schema = _bounded(_type(entry.type, shared), entry)
    if entry.about.text:
        schema = {"description": entry.about.text, **schema}
    if not entry.required and entry.default is not None:
        schema["default"] = converter(None).get_unstructure_hook(entry.type)(entry.make_default())
    return schema


def _bounded(schema: dict[str, Any], entry: Entry) -> dict[str, Any]:
    about = entry.about
    if "anyOf" in schema and {"type": "null"} in schema["anyOf"]:
        inner, null = schema["anyOf"]
        return {"anyOf": [_bounded(inner, entry), null]}
    most = about.max_items or Limits().max_items
    bounds = {
        "minimum": about.minimum,
        "exclusiveMinimum": about.above,
        "maximum": about.maximum,
        "exclusiveMaximum": about.below,
        "minItems": about.min_items or None,
        "maxItems": most if schema.get("type") == "array" else None,
        "maxProperties": most if "additionalProperties" in schema else None,
        "pattern": None if about.form is None else f"^(?:{about.form.pattern})$",
    }
    schema = {**schema, **{name: bound for name, bound in bounds.items() if bound is not None}}
    lowest = about.minimum if about.minimum is not None else about.above
    exact = entry.type in (Decimal, Fraction) or members(entry.type)[0][0] in (Decimal, Fraction)
    if exact and lowest is not None and lowest >= 0:
        digits = schema["pattern"].removeprefix("^-?")
        schema["pattern"] = f"^(?=[0-9.]*[1-9]){digits}" if about.above is not None else f"^{digits}"
    return schema


def _type(type_: Any, shared: Shared) -> dict[str, Any]:
    classes, may_be_none = members(type_)
    if may_be_none:
        inner = _type(classes[0], shared) if len(classes) == 1 else _union(classes, shared)
        return {"anyOf": [inner, {"type": "null"}]}
    if len(classes) > 1:
        return _union(classes, shared)
    if is_record(type_):
        return _reference(type_, shared)
    if type_ in _PLAIN:
        return dict(_PLAIN[type_])
    if type_ in (Decimal, Fraction):
        digits = DECIMAL if type_ is Decimal else RATE
        return {**_WHOLE, "type": ["string", "integer"], "pattern": f"^-?{digits}$"}
    return _composite(type_, shared)


def _composite(type_: Any, shared: Shared) -> dict[str, Any]:
    origin = typing.get_origin(type_)
    if origin is typing.Literal:
        return {"enum": list(typing.get_args(type_))}
    if origin is tuple:
        return {"type": "array", "items": _type(item_type(type_), shared)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _type(item_type(type_), shared)}
    raise InternalError(f"{type_}: no field may have this type")


def _union(classes: list[Any], shared: Shared) -> dict[str, Any]:
    return {"oneOf": [{**_reference(part, shared), "required": ["kind"]} for part in kinds(classes).values()]}


def _reference(record: type[Record], shared: Shared) -> dict[str, Any]:
    if record not in shared:
        shared[record] = {}  # its own fields may refer to it
        shared[record] = {
            "title": record.__name__,
            "description": _summary(record),
            **_record(record, shared),
        }
    return {"$ref": f"#/$defs/{record.__name__}"}
