"""How faults travel from the part where they were found up to the one error that names them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from salesops._codec._fields import join
from salesops._faults import closest
from salesops.errors import Problem, show

_SUGGESTED = 100


class Fault(NamedTuple):
    """A problem on its way up, with the name that was written and the names it may have been meant for."""

    problem: Problem
    written: object = None
    options: tuple[str, ...] = ()

    def at(self, path: str) -> Fault:
        """Return the fault at another path."""
        return self._replace(problem=attrs.evolve(self.problem, path=path))


class Unreadable(Exception):
    """A value that could not be read: its faults, and what is known of it all the same."""

    def __init__(self, faults: Iterable[Fault], known: Any = None) -> None:
        super().__init__()
        self.faults = list(faults)
        self.known = known


class Gather:
    """Does the parts of one value, one after the other, and keeps all their faults."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def take(self, part: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Do one part; return its value, or what is known of it."""
        try:
            return hook(*args)
        except Unreadable as error:
            self.faults.extend(fault.at(join(part, fault.problem.path)) for fault in error.faults)
            return error.known

    def add(self, part: str, message: str, *values: str, hint: str | None = None) -> None:
        """Add one fault of the whole."""
        self.faults.append(Fault(Problem(path=part, message=message, values=values, hint=hint)))

    def check(self, known: Any = None) -> None:
        """Refuse the whole if any part of it was."""
        if self.faults:
            raise Unreadable(self.faults, known)


def refused(message: str, value: object, *, hint: str | None = None, known: Any = None) -> Unreadable:
    """Make the refusal of one value."""
    return Unreadable([Fault(Problem(path="", message=message, values=(shown(value),), hint=hint))], known)


def unknown_choice(message: str, value: object, options: Sequence[str], known: Any = None) -> Unreadable:
    """Make the refusal of a name that is none of the allowed ones, listing all of them."""
    hint = f"choose one of {', '.join(repr(option) for option in options)}"
    problem = Problem(path="", message=message, values=(shown(value),), hint=hint)
    return Unreadable([Fault(problem, value, tuple(options))], known)


def shown(value: object) -> str:
    """Show a value of any size: lists and objects by their length only."""
    if isinstance(value, Mapping):
        return f"{type(value).__name__} of {len(value)} fields"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"{type(value).__name__} of {len(value)} items"
    return show(value)


def problems_of(faults: Iterable[Fault], root: str = "") -> Iterator[Problem]:
    """Turn faults into problems below `root`; the first of them say which name was probably meant."""
    suggested = 0
    for fault in faults:
        problem = fault.problem
        near = problem.suggestions
        if isinstance(fault.written, str) and fault.options and suggested < _SUGGESTED:
            suggested += 1
            near = near or closest(fault.written, fault.options)
        yield attrs.evolve(problem, path=join(root, problem.path), suggestions=near)
