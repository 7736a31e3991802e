"""The Parameters section of a class, written from what its fields say, so that it is said once."""

from __future__ import annotations

import inspect
import re
from typing import Any

import attrs

from salesops._codec._fields import KEY, About, Record

_SECTION = re.compile(r"^(Notes|References|Examples|See Also|Raises)\n-+$", re.MULTILINE)


def with_parameters(record: type[Record]) -> str:
    """Return the docstring of a class with its fields listed before its later sections."""
    doc = inspect.cleandoc(record.__doc__ or f"{record.__name__}.")
    own: Any = record
    lines = ["Parameters", "----------"]
    for field in attrs.fields(own):
        note = field.metadata.get(KEY, About(""))
        lines.append(f"{field.name} : {field.type}{_default(field, note)}")
        if note.text:
            lines.append(f"    {note.text}.")
        if note.name:
            lines.append(f"    Documents call it ``{note.name}``.")
    found = _SECTION.search(doc)
    at = len(doc) if found is None else found.start()
    parts = [doc[:at].rstrip(), "\n".join(lines), doc[at:]]
    return "\n\n".join(part for part in parts if part) + "\n"


def _default(field: Any, note: About) -> str:
    if field.default is attrs.NOTHING:
        return ""
    if note.same_as:
        return f", default {note.same_as}"
    return ", optional" if isinstance(field.default, attrs.Factory) else f", default {field.default!r}"  # type: ignore[arg-type]
