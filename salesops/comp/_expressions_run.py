"""Evaluate the steps of an expression over columns; a row that has no value says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from salesops._money import BoolArray
from salesops.comp import _expressions_columns as exact
from salesops.comp._expressions_columns import Column
from salesops.comp._expressions_parse import Program
from salesops.comp._expressions_types import Node, is_numeric

_WIDEST = 32_768  # bits; more than the largest product that one expression can write
_FARTHEST = 2_932_896  # the last day of the year 9999

MISSING = 1
"""Reason of a field that holds nothing; further reasons are 2 and up."""


class Answer(NamedTuple):
    """What an expression gives: its column, all rows long, and the sentence of each reason."""

    column: Column
    reasons: dict[int, str]


def evaluate(program: Program, fields: Mapping[str, Column], n_rows: int) -> Answer:
    """Run the steps of a program; what never counts (the branch not taken) holds nothing up."""
    run = _Run(program, fields)
    stack: list[Column] = []
    for step in program.steps:
        start = len(stack) - step.arity
        stack[start:] = [run.take(step, stack[start:])]
    answer = stack[0]
    shape = (n_rows,)
    parts = [np.broadcast_to(part, shape) for part in answer]
    return Answer(Column(*parts), run.reasons)


class _Run:
    def __init__(self, program: Program, fields: Mapping[str, Column]) -> None:
        self.program = program
        self.fields = fields
        self.reasons: dict[int, str] = {}
        self.spans: list[tuple[int, int]] = []

    def take(self, step: Node, parts: list[Column]) -> Column:
        starts = self.spans[len(self.spans) - step.arity :] if step.arity else []
        del self.spans[len(self.spans) - step.arity :]
        self.spans.append((step.start, step.end))
        if step.op == "name":
            return self.field(str(step.value))
        if step.op in ("number", "text", "truth", "date"):
            return exact.constant(step.value)
        if step.op == "/":
            by_zero = self.reason(_by_zero(self.program.text, step, starts[1]))
            return self.bounded(step, exact.divided(parts[0], parts[1], by_zero))
        if step.op == "in":
            return self.member(step, parts[0])
        if step.op in _SIGNS:
            return _compared(step, *parts)
        answer = self.bounded(step, _STEPS[step.op](*parts))
        return self.moved(step, answer) if step.kind == "date" and step.op in ("+", "-") else answer

    def reason(self, sentence: str) -> int:
        code = MISSING + 1 + len(self.fields) + len(self.reasons)
        self.reasons[code] = sentence
        return code

    def field(self, name: str) -> Column:
        """Take a field; a hole in it is held by a reason that names it."""
        column = self.fields[name]
        code = MISSING + 1 + [*self.fields].index(name)
        self.reasons[code] = f"{name} is missing"
        return column._replace(held=np.where(column.held > 0, code, 0))

    def bounded(self, step: Node, part: Column) -> Column:
        """Hold rows whose numbers have grown beyond all use, as squares of squares do."""
        if not is_numeric(step.kind) or max(map(exact.bits, part[:2])) <= _WIDEST:
            return part
        values, over = np.broadcast_arrays(part.values, part.over)
        rows = zip(values.tolist(), over.tolist(), strict=True)
        beyond = np.array([max(abs(top), low).bit_length() > _WIDEST for top, low in rows])
        code = self.reason(f"{self.program.text[step.start : step.end]} has more digits than can be kept")
        held = exact.worse(part.held, np.where(beyond, code, 0))
        return exact.numbers(np.where(beyond, 0, values), np.where(beyond, 1, over), held)

    def moved(self, step: Node, date: Column) -> Column:
        """Keep dates whole and on the calendar."""
        date = exact.whole(date, "floor")
        beyond = np.asarray(np.abs(date.values) > _FARTHEST, dtype=np.bool_)
        code = self.reason(f"{self.program.text[step.start : step.end]} lies beyond the calendar")
        days = np.where(beyond, 0, date.values).astype(np.int64)
        return Column(days, date.over, exact.worse(date.held, np.where(beyond, code, 0)))

    def member(self, step: Node, part: Column) -> Column:
        found: BoolArray = np.zeros(part.values.shape, dtype=np.bool_)
        items = step.value if isinstance(step.value, tuple) else ()
        for item in items:
            other = exact.constant(item)
            same = part.values == other.values if isinstance(item, str) else _is_zero(part, other)
            found = found | np.asarray(same, dtype=np.bool_)
        return Column(found, np.ones(1, dtype=np.int64), part.held)


def _by_zero(text: str, step: Node, divisor: tuple[int, int]) -> str:
    what = text[step.start : step.end]
    return f"{what} divides by zero: {text[divisor[0] : divisor[1]]} is 0"


def _is_zero(left: Column, right: Column) -> NDArray[np.bool_]:
    return np.asarray(exact.difference(left, right) == 0, dtype=np.bool_)


_SIGNS: dict[str, Callable[[Any], Any]] = {
    "==": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def _compared(step: Node, left: Column, right: Column) -> Column:
    held = exact.worse(left.held, right.held)
    if step.value in ("text", "truth"):
        same = np.asarray(left.values == right.values, dtype=np.bool_)
        return _truth(same if step.op == "==" else ~same, held)
    return _truth(np.asarray(_SIGNS[step.op](exact.difference(left, right)), dtype=np.bool_), held)


def _truth(values: BoolArray, held: NDArray[np.int64]) -> Column:
    return Column(values, np.ones(1, dtype=np.int64), held)


def _both(left: Column, right: Column) -> Column:
    """Ask the right side only where the left one holds."""
    held = np.where(left.held > 0, left.held, np.where(left.values, right.held, 0))
    return _truth(left.values & right.values, held)


def _either(left: Column, right: Column) -> Column:
    """Ask the right side only where the left one does not hold."""
    held = np.where(left.held > 0, left.held, np.where(left.values, 0, right.held))
    return _truth(left.values | right.values, held)


def _choice(condition: Column, left: Column, right: Column) -> Column:
    branch = np.where(condition.values, left.held, right.held)
    return exact.chosen(condition.values, left, right, exact.worse(condition.held, branch))


def _coalesce(field: Column, otherwise: Column) -> Column:
    is_there = field.held == 0
    return exact.chosen(is_there, field, otherwise, np.where(is_there, 0, otherwise.held))


def _extreme(*parts: Column, largest: bool) -> Column:
    best = parts[0]
    for part in parts[1:]:
        sign = exact.difference(best, part)
        keep = np.asarray(sign >= 0 if largest else sign <= 0, dtype=np.bool_)
        best = exact.chosen(keep, best, part, exact.worse(best.held, part.held))
    return best


def _calendar(unit: str) -> Callable[[Column], Column]:
    def read(part: Column) -> Column:
        days = part.values.astype(np.int64).astype("datetime64[D]")
        firsts = days.astype("datetime64[M]")
        months = firsts.astype(np.int64)
        since = (days - firsts.astype("datetime64[D]")).astype(np.int64)
        values = {"year": months // 12 + 1970, "month": months % 12 + 1, "day": since + 1}[unit]
        return Column(values, np.ones(1, dtype=np.int64), part.held)

    return read


_STEPS: dict[str, Callable[..., Column]] = {
    "+": exact.plus,
    "-": lambda left, right: exact.plus(left, right, sign=-1),
    "*": exact.times,
    "negate": lambda part: part._replace(values=-part.values),
    "and": _both,
    "or": _either,
    "not": lambda part: part._replace(values=~part.values),
    "if": _choice,
    "coalesce": _coalesce,
    "missing": lambda part: _truth(part.held > 0, np.zeros(1, dtype=np.int64)),
    "min": lambda *parts: _extreme(*parts, largest=False),
    "max": lambda *parts: _extreme(*parts, largest=True),
    "abs": lambda part: part._replace(values=np.abs(part.values)),
    "floor": lambda part: exact.whole(part, "floor"),
    "ceil": lambda part: exact.whole(part, "ceil"),
    "round": lambda part: exact.whole(part, "round"),
    "year": _calendar("year"),
    "month": _calendar("month"),
    "day": _calendar("day"),
}
