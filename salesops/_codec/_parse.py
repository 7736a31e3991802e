"""From a JSON text to plain Python, with every limit decided before the work that it bounds."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from salesops._codec._fields import Limits, join, key_path
from salesops.errors import Problem, show

_NUMERAL_WIDTH = 40
_DIAGNOSED = 12  # times max_values: up to there a document that is too large is read to say what makes it so
_STRUCTURE = bytes(set(range(256)) - set(b"[]{}"))


class Numeral:
    """A number of a JSON text that no field can hold: NaN, an infinity, thousands of digits."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        """Show the number as it was written, a long one by its length."""
        if len(self.text) <= _NUMERAL_WIDTH:
            return self.text
        return f"{self.text[:20]}... ({len(self.text)} characters)"


class Repeating(dict[str, Any]):
    """An object of a JSON text in which names stand more than once; the last one counts."""

    repeated: dict[str, tuple[Any, ...]]


def _whole(text: str) -> int | Numeral:
    return int(text) if len(text) <= _NUMERAL_WIDTH else Numeral(text)


def _real(text: str) -> float | Numeral:
    if len(text) > _NUMERAL_WIDTH:
        return Numeral(text)
    value = float(text)
    return Numeral(text) if value in (float("inf"), float("-inf")) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    repeating = Repeating(plain)
    repeating.repeated = {name: tuple(found) for name, found in values.items() if len(found) > 1}
    return repeating


def _structure(data: bytes) -> tuple[int, int]:
    """Count how deep a JSON text nests and about how many values it holds, without parsing it."""
    outside = b"".join(data.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    n_values = outside.count(b",") + outside.count(b"[") + outside.count(b"{") + 1
    brackets = np.frombuffer(outside.translate(None, delete=_STRUCTURE), dtype=np.uint8)
    steps = np.where((brackets == ord("[")) | (brackets == ord("{")), np.int8(1), np.int8(-1))
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0)), n_values


def parse(text: object, limits: Limits) -> tuple[Any, list[Problem]]:
    """Read a JSON text; anything found here makes further reading pointless."""
    if not isinstance(text, (str, bytes, bytearray)):
        return None, [_refusal("a document is text or bytes", f"{type(text).__name__} {show(text)}")]
    if len(text) > 2 * limits.max_bytes:
        return None, [_too_long(len(text), limits)]
    try:
        data = text.encode() if isinstance(text, str) else bytes(text)
        decoded = data.decode("utf-8-sig")
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        return None, [_refusal("the text must be UTF-8", f"{error.reason} at position {error.start}")]
    problems = [_too_long(len(data), limits)] if len(data) > limits.max_bytes else []
    depth, n_values = _structure(data)
    if depth > limits.max_depth:
        problems.append(_refusal(f"nesting is at most {limits.max_depth} deep", f"{depth} deep"))
    elif n_values > _DIAGNOSED * limits.max_values:
        problems.append(_too_many(f"about {n_values}", limits))
    elif len(data) <= 2 * limits.max_bytes:
        return _load(decoded, problems, limits)
    return None, problems


def _load(text: str, problems: list[Problem], limits: Limits) -> tuple[Any, list[Problem]]:
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_float=_real, parse_constant=Numeral
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        return None, [*problems, _refusal("the text is not JSON", place)]
    return document, [*problems, *survey(document, limits)]


def survey(document: object, limits: Limits) -> list[Problem]:
    """Check depth and size of a document that is about to be read, breadth first."""
    queue: deque[tuple[str, int, object]] = deque([("$", 0, document)])
    n_seen = 1
    while queue:
        path, depth, value = queue.popleft()
        if not isinstance(value, (Mapping, list, tuple)):
            continue
        if depth >= limits.max_depth:
            found = f"more than {limits.max_depth} deep"
            return [_refusal(f"nesting is at most {limits.max_depth} deep", found, path)]
        if n_seen + len(value) > limits.max_values:
            return [_too_many(str(len(value)), limits, path)]
        n_seen += len(value)
        named = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in named:
            if isinstance(item, (Mapping, list, tuple)):
                part = key_path(key) if isinstance(value, Mapping) else f"[{key}]"
                queue.append((join(path, part), depth + 1, item))
    return []


def _too_long(n_bytes: int, limits: Limits) -> Problem:
    return _refusal(f"a document is at most {limits.max_bytes} bytes long", f"{n_bytes} bytes")


def _too_many(found: str, limits: Limits, path: str = "$") -> Problem:
    message = f"a document holds at most {limits.max_values} values in all"
    return _refusal(message, f"{found} items", path)


def _refusal(message: str, found: str, path: str = "$") -> Problem:
    return Problem(path=path, message=message, values=(found,) if found else ())
