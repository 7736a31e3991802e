"""How the rooms gather faults, suggest the name that was meant, warn, and ask for an extra."""

from __future__ import annotations

import difflib
import importlib
import sys
import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from salesops.errors import InvalidInput, MissingExtra, Problem, SalesOpsWarning, show

_CLOSEST_LIMIT = 5000
_CLOSEST_WIDTH = 80
_HOME = str(Path(__file__).parent)


def count(n: int, noun: str) -> str:
    """Write a count with its noun: ``1 problem``, ``2 problems``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def raise_all(what: str, problems: Sequence[Problem]) -> None:
    """Raise one ``InvalidInput`` if there are problems."""
    if problems:
        raise InvalidInput(f"{what}: {count(len(problems), 'problem')}", problems)


def refuse(path: str, message: str, value: object, *, hint: str | None = None) -> InvalidInput:
    """Make the error for one argument with one fault; the caller raises it."""
    fault = Problem(path=path, message=message, values=(show(value),), hint=hint)
    return InvalidInput(f"{path}: 1 problem", [fault])


def fields_amiss(
    document: Mapping[Any, object],
    required: set[str] | frozenset[str],
    optional: set[str] | frozenset[str] = frozenset(),
) -> list[Problem]:
    """List the fields that a document lacks, and those that nobody knows."""
    missing = sorted(required - document.keys())
    unknown = sorted(map(str, document.keys() - required - optional))
    faults = [Problem(path=f"$.{name}", message="the field is missing") for name in missing]
    return faults + [Problem(path=f"$.{name}", message="unknown field") for name in unknown]


def check_once(argument: str, names: Sequence[Hashable]) -> None:
    """Refuse names that stand more than once; 1 and "1" are two names."""
    places: dict[tuple[type, Hashable], list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault((type(name), name), []).append(place)
    again = sorted(place for found in places.values() if len(found) > 1 for place in found)
    if again:
        fault = Problem(
            path=argument,
            message="names one thing twice",
            rows=again,
            values=[show(names[place]) for place in again],
            hint="give each its own name",
        )
        raise_all(argument, [fault])


def closest(value: object, options: Iterable[object]) -> tuple[str, ...]:
    """Find the option that `value` was probably meant to be, shown as Python would write it."""
    choices = {str(option): option for option in options}
    text = str(value)
    for name, option in choices.items():
        if name.strip().casefold() == text.strip().casefold():
            return (show(option),)
    if len(choices) > _CLOSEST_LIMIT or len(text) > _CLOSEST_WIDTH:
        return ()
    return tuple(show(choices[name]) for name in difflib.get_close_matches(text, choices, n=1))


def check_choice(argument: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a value that is not one of the named choices, listing all of them."""
    if isinstance(value, str) and value in allowed:
        return
    fault = Problem(
        path=argument,
        message="unknown choice",
        values=(show(value),),
        hint=f"choose one of {', '.join(repr(choice) for choice in allowed)}",
        suggestions=closest(value, allowed),
    )
    raise InvalidInput(f"{argument}: 1 problem", [fault])


def warn(message: str) -> None:
    """Warn at the first frame outside the library, the line that the user wrote."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  (warnings.warn needs the depth on Python 3.11)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HOME):
        frame = frame.f_back
        level += 1
    warnings.warn(message, SalesOpsWarning, stacklevel=level + 1)


def import_extra(module: str, extra: str) -> ModuleType:
    """Import an optional package or say which pip line brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        message = f'{package} is not installed; type: pip install "salesops[{extra}]"'
        raise MissingExtra(message) from error
