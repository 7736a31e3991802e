"""Expressions: which deals count and what is counted, in a small language of exact numbers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs

from salesops._codec import Model, about, read_argument
from salesops._faults import closest, raise_all
from salesops.comp import _expressions_columns as exact
from salesops.comp._expressions_columns import Column
from salesops.comp._expressions_parse import RESERVED, Program, parse
from salesops.comp._expressions_run import MISSING, evaluate
from salesops.comp._expressions_tokens import Flaw
from salesops.comp._expressions_types import NUMBER, UNKNOWN, Kind, is_numeric
from salesops.errors import Problem, show

__all__ = ["Expression"]

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SHOWN = 60
_TEXT = "The expression, at most 4,096 characters"
_FIELDS = (
    "Names that it may use, with the kind of each: money, ratio, count (whole numbers), date, text or truth"
)
_GIVES = "Kind that it must give; by default whatever it gives"


@attrs.frozen(kw_only=True)
class Expression(Model):
    """A measure or a condition, checked and typed when it is made.

    It knows ``+ - * /``, comparisons, ``and or not``, ``in (...)`` with a list of numbers or texts, and the
    calls ``min max abs floor ceil round if coalesce missing date year month day``. It has no attributes, no
    power, no loops and no text building, at most 512 parts, nested at most 32 deep. It is not Python.

    Numbers are exact rationals. A number written in the expression takes the kind of what stands beside it;
    money and counts never mix by accident. What is not needed is not asked: ``units > 0 and amount / units >
    5`` has a value where there are no units.

    Raises
    ------
    InvalidInput
        With every flaw, each with the place where it stands.

    Examples
    --------
    >>> rule = Expression(
    ...     text="amount * 0.5 > 1000 and segment in ('enterprise', 'public')",
    ...     fields={"amount": "money", "segment": "text"},
    ... )
    >>> rule.result_kind
    'truth'
    >>> rule.evaluate({"amount": "2500.00", "segment": "public"})
    True
    >>> Expression(text="0.1 + 0.2 == 0.3").evaluate()
    True
    >>> Expression(text="amonut * 0.1", fields={"amount": "money"})
    Traceback (most recent call last):
    salesops.errors.InvalidInput: Expression: 1 problem
    - text: names a field that is not declared ('amonut' at character 1, declared are amount); did you mean
    'amount'?
    """

    text: str = attrs.field(metadata=about(_TEXT))
    fields: Mapping[str, Kind] = attrs.field(factory=dict, metadata=about(_FIELDS))
    gives: Kind | None = attrs.field(default=None, metadata=about(_GIVES))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.fields is not None:
            yield from field_faults(known.fields, "fields")
            if known.text is not None and None not in known.fields.values():
                yield from text_faults(known.text, known.fields, known.gives, "text")

    @property
    def result_kind(self) -> str:
        """The kind of what it gives; a sum of written numbers alone is a ratio."""
        return "ratio" if self._program.kind == NUMBER else self._program.kind

    @property
    def names(self) -> frozenset[str]:
        """The fields that it reads."""
        return self._program.names

    @property
    def _program(self) -> Program:
        return parse(self.text, self.fields)[0]

    def evaluate(self, row: Mapping[str, Any] | None = None) -> Fraction | bool | dt.date | str:
        """Work it out for one row, as for the preview of a form.

        Parameters
        ----------
        row : mapping, optional
            A value for each field that it reads: Decimal, whole number or text for numbers; None is missing.

        Returns
        -------
        Fraction, bool, date or str

        Raises
        ------
        InvalidInput
            If a value is missing or of another kind, or if it divides by zero.

        Examples
        --------
        >>> each = Expression(text="amount / units", fields={"amount": "money", "units": "count"})
        >>> each.evaluate({"amount": "10.00", "units": 4})
        Fraction(5, 2)
        """
        row = row or {}
        faults: list[Problem] = []
        columns = {name: self._cell(name, row, faults) for name in sorted(self.names)}
        raise_all("evaluate", faults)
        answer = evaluate(self._program, columns, 1)
        reason = answer.reasons.get(int(answer.column.held[0]))
        if reason is not None:
            found = tuple(f"{name} = {show(row.get(name))}" for name in sorted(self.names))
            message = "the expression has no value for this row"
            raise_all("evaluate", [Problem(path="text", message=message, values=(reason, *found))])
        return _plain(answer.column, self.result_kind)

    def _cell(self, name: str, row: Mapping[str, Any], faults: list[Problem]) -> Column:
        if name not in row:
            near = closest(name, row)
            faults.append(Problem(path=f"row.{name}", message="is not given", suggestions=near))
        return cell_column(row.get(name), self.fields[name], f"row.{name}")


def _plain(column: Column, kind: str) -> Fraction | bool | dt.date | str:
    value = column.values[0]
    if is_numeric(kind):
        return Fraction(int(value), int(column.over[0]))
    if kind == "date":
        return dt.date(1970, 1, 1) + dt.timedelta(days=int(value))
    return bool(value) if kind == "truth" else str(value)


def cell_column(value: Any, kind: str, path: str) -> Column:
    """Make the column of a single value."""
    types: dict[str, Any] = {"count": int, "date": dt.date, "text": str, "truth": bool}
    if value is None:
        blank: dict[str, object] = {"date": dt.date(1970, 1, 1), "text": "", "truth": False}
        empty = exact.constant(blank.get(kind, Fraction(0)))
        return empty._replace(held=empty.held + MISSING)
    read = read_argument(path, types.get(kind, Fraction), value)
    return exact.constant(Fraction(read) if is_numeric(kind) else read)


def field_faults(fields: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Find names that no expression could use."""
    for name in fields:
        if not _NAME.fullmatch(name) or name in RESERVED:
            message = "the name of a field is letters, digits and underscores, and no word of the language"
            yield Problem(path=path, message=message, values=(show(name),))


def text_faults(text: str, fields: Mapping[str, str], gives: str | None, path: str) -> Iterator[Problem]:
    """Find what is wrong with the text of an expression."""
    program, flaws = parse(text, fields)
    for flaw in flaws:
        yield _problem(flaw, text, path)
    if not flaws and gives is not None and not fits(program.kind, gives):
        message = "gives another kind of value than is needed"
        yield Problem(path=path, message=message, values=(program.kind,), hint=f"a {gives} is needed")


def fits(kind: str, gives: str) -> bool:
    """Tell whether an expression of a kind may stand where another is needed."""
    return kind in (gives, UNKNOWN) or (kind == NUMBER and is_numeric(gives))


def _problem(flaw: Flaw, text: str, path: str) -> Problem:
    part = text[flaw.start : flaw.end]
    if flaw.end - flaw.start > len(text) - 1 and len(text) > _SHOWN:
        value = f"{len(text):,} characters"
    elif part:
        shown = part if len(part) <= _SHOWN else part[: _SHOWN - 3] + "..."
        value = f"{show(shown)} at character {flaw.start + 1}"
    else:
        value = f"the end, at character {flaw.start + 1}" if flaw.start else f"{len(text):,} characters"
    values = (value,) if flaw.found is None else (value, flaw.found)
    return Problem(
        path=path, message=flaw.message, values=values, hint=flaw.hint, suggestions=flaw.suggestions
    )


def ordered(
    formulas: Mapping[str, str], fields: Mapping[str, str], path: str
) -> tuple[list[tuple[str, Program]], list[Problem]]:
    """Put formulas that use each other in order, and type them; a ring is a fault that shows the way."""
    kinds = dict(fields)
    mentioned = {name: _mentions(text, formulas) for name, text in formulas.items()}
    rings = _ring(mentioned)
    if rings:
        way = " -> ".join(rings)
        fault = Problem(path=path, message="formulas refer to each other in a ring", values=(way,))
        return [], [fault]
    done: list[tuple[str, Program]] = []
    faults: list[Problem] = []
    left = dict(formulas)
    while left:
        waiting = set(left)
        ready = sorted(name for name in left if not mentioned[name] & waiting)
        for name in ready:
            text = left.pop(name)
            program, flaws = parse(text, kinds)
            faults += [_problem(flaw, text, f"{path}.{name}") for flaw in flaws]
            kinds[name] = "ratio" if program.kind == NUMBER else program.kind
            done.append((name, program))
    return done, faults


def _mentions(text: str, names: Mapping[str, str]) -> set[str]:
    return {word for word in _NAME.findall(_QUOTED.sub("", text[:4096])) if word in names}


def _ring(edges: Mapping[str, set[str]]) -> Sequence[str]:
    """Find a ring of names, its first name repeated at the end; nothing if there is none."""
    done: set[str] = set()
    for start in sorted(edges):
        way: list[str] = [start]
        choices = [iter(sorted(edges[start]))]
        while way and start not in done:
            following = next(choices[-1], None)
            if following is None:
                done.add(way.pop())
                choices.pop()
            elif following in way:
                return [*way[way.index(following) :], following]
            elif following not in done:
                way.append(following)
                choices.append(iter(sorted(edges[following])))
    return []
