"""From words to steps: a Pratt parser that types every step as it is made.

The steps come out in the order of evaluation, so that neither typing nor evaluation recurses. The parser
itself recurses once for each bracket, call or sign, and these nest at most 32 deep.
"""

from __future__ import annotations

import datetime as dt
import functools
import heapq
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from salesops._faults import closest
from salesops.comp._expressions_tokens import (
    FLAWS_TOLD,
    MOST_CHARACTERS,
    MOST_DEPTH,
    MOST_NODES,
    Flaw,
    Token,
    tokens_of,
    too_deep,
)
from salesops.comp._expressions_types import CALLS, NUMBER, UNKNOWN, Node, called, is_numeric, joined, like

_POWERS = {"or": 1, "and": 2, "in": 4, "not": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_POWERS |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4)
_NOT, _COMPARED, _SIGN = 3, 4, 7
_SUGGESTED, _SHOWN = 100, 12
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset({"and", "or", "not", "in", "true", "false", *CALLS})
_NO_LOOPS = frozenset({"for", "while", "lambda", "def", "import", "return"})


class Program(NamedTuple):
    """A typed expression: its steps in order of evaluation, and the kind of what it gives."""

    text: str
    steps: tuple[Node, ...]
    kind: str
    n_conditions: int

    @property
    def names(self) -> frozenset[str]:
        """The fields that it reads."""
        return frozenset(str(step.value) for step in self.steps if step.op == "name")


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__()
        self.flaw = flaw


def parse(text: str, fields: Mapping[str, str]) -> tuple[Program, list[Flaw]]:
    """Read an expression over declared fields; with flaws, the program is not to be run."""
    named = {name: fields[name] for name in _NAME.findall(text[:MOST_CHARACTERS]) if name in fields}
    program, flaws = _known(text, tuple(sorted(named.items())))
    return (program, flaws) if not flaws else _read(text, fields)


@functools.lru_cache(maxsize=512)
def _known(text: str, fields: tuple[tuple[str, str], ...]) -> tuple[Program, list[Flaw]]:
    """Read an expression once, over the fields that it names."""
    return _read(text, dict(fields))


def _read(text: str, fields: Mapping[str, str]) -> tuple[Program, list[Flaw]]:
    tokens, flaws = tokens_of(text)
    if flaws:
        return Program(text, (), UNKNOWN, 0), flaws
    parser = _Parser(tokens, fields)
    try:
        kind = parser.whole()
    except _Stop as stop:
        return Program(text, (), UNKNOWN, 0), [*parser.flaws, stop.flaw]
    return Program(text, tuple(parser.steps), kind, parser.n_conditions), parser.flaws


class _Part(NamedTuple):
    """What was read last: its kind, and where it stands."""

    kind: str
    start: int
    end: int
    op: str = ""


class _Parser:
    def __init__(self, tokens: list[Token], fields: Mapping[str, str]) -> None:
        self.tokens = tokens
        self.fields = fields
        self.place = 0
        self.depth = 0
        self.steps: list[Node] = []
        self.flaws: list[Flaw] = []
        self.n_conditions = 1

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.next
        self.place += token.kind != "end"
        return token

    def is_next(self, text: str) -> bool:
        return self.next.text == text and self.next.kind in ("operator", "name")

    def expect(self, text: str) -> Token:
        if not self.is_next(text):
            raise _Stop(self.unexpected(f"here a {text} is missing"))
        return self.take()

    def unexpected(self, message: str) -> Flaw:
        return Flaw(message, self.next.start, self.next.end)

    def whole(self) -> str:
        part = self.expression(0)
        if self.next.kind != "end":
            raise _Stop(self.unexpected("the expression ends before here"))
        return part.kind

    def step(self, op: str, value: object, arity: int, kind: str, start: int, end: int) -> _Part:
        if len(self.steps) >= MOST_NODES:
            message = f"an expression has at most {MOST_NODES} parts"
            raise _Stop(Flaw(message, start, end, "give a part of it a name as a measure of its own"))
        if len(self.flaws) >= FLAWS_TOLD:
            raise _Stop(self.flaws.pop())
        self.steps.append(Node(op, value, arity, kind, start, end))
        return _Part(kind, start, end, op)

    def expression(self, power: int) -> _Part:
        self.depth += 1
        if self.depth > MOST_DEPTH + 1:
            raise _Stop(too_deep(self.next.start))
        left = self.prefix()
        while True:
            token = self.next
            binding = _POWERS.get(token.text, -1) if token.kind in ("operator", "name") else -1
            if binding <= power:
                break
            left = self.infix(left, binding)
        self.depth -= 1
        return left

    def prefix(self) -> _Part:
        token = self.take()
        if token.kind == "number":
            return self.step("number", Fraction(token.text), 0, NUMBER, token.start, token.end)
        if token.kind == "text":
            return self.step("text", token.text[1:-1], 0, "text", token.start, token.end)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            inner = self.expression(0)
            return inner._replace(start=token.start, end=self.expect(")").end, op="(")
        if token.text == "-":
            inner = self.expression(_SIGN - 1)
            return self.unary("negate", token, inner, numeric=True)
        self.place -= token.kind != "end"
        raise _Stop(self.unexpected("here stands a number, a text, a field or a call"))

    def unary(self, op: str, token: Token, inner: _Part, *, numeric: bool) -> _Part:
        fits = inner.kind == UNKNOWN or (is_numeric(inner.kind) if numeric else inner.kind == "truth")
        if not fits:
            wanted = "a number" if numeric else "a condition"
            self.flaws.append(
                Flaw(f"needs {wanted} behind it", token.start, inner.end, f"it is a {inner.kind}")
            )
        return self.step(op, None, 1, inner.kind if fits else UNKNOWN, token.start, inner.end)

    def named(self, token: Token) -> _Part:
        name = token.text
        if name in ("true", "false"):
            return self.step("truth", name == "true", 0, "truth", token.start, token.end)
        if name == "not":
            return self.unary("not", token, self.expression(_NOT - 1), numeric=False)
        if self.is_next("("):
            return self.call(token)
        if name in RESERVED:
            raise _Stop(Flaw("a word of the language stands where a value belongs", token.start, token.end))
        return self.field(token)

    def field(self, token: Token) -> _Part:
        kind = self.fields.get(token.text)
        if kind is None:
            hint = "there are no loops and no definitions" if token.text in _NO_LOOPS else None
            near = closest(token.text, [*self.fields]) if len(self.fields) <= _SUGGESTED else ()
            flaw = Flaw(
                "names a field that is not declared", token.start, token.end, hint, near, self.known()
            )
            self.flaws.append(flaw)
        return self.step("name", token.text, 0, kind or UNKNOWN, token.start, token.end)

    def known(self) -> str:
        names = heapq.nsmallest(_SHOWN, self.fields)
        return f"declared are {', '.join(names)}" if names else "no field is declared"

    def call(self, token: Token) -> _Part:
        name = token.text
        if name not in CALLS:
            near = closest(name, CALLS)
            hint = f"there are {', '.join(CALLS)}"
            raise _Stop(Flaw("the language has no such call", token.start, token.end, hint, near))
        self.expect("(")
        if name == "date":
            return self.day(token)
        parts = []
        if not self.is_next(")"):
            parts.append(self.expression(0))
            while self.is_next(","):
                self.take()
                parts.append(self.expression(0))
        end = self.expect(")").end
        kind = called(name, tuple(part.kind for part in parts))
        if name in ("missing", "coalesce") and parts and parts[0].op != "name":
            kind = None
        if kind is None:
            message = "the arguments of a call do not fit"
            self.flaws.append(Flaw(message, token.start, end, f"write {CALLS[name]}"))
        return self.step(name, None, len(parts), kind or UNKNOWN, token.start, end)

    def day(self, token: Token) -> _Part:
        literal = self.take()
        end = self.expect(")").end
        try:
            day = dt.date.fromisoformat(literal.text[1:-1]) if literal.kind == "text" else None
        except ValueError:
            day = None
        if day is None or len(literal.text) != len("'2026-07-31'"):
            self.flaws.append(Flaw("is no day of the calendar", token.start, end, f"write {CALLS['date']}"))
            return self.step("date", None, 0, UNKNOWN, token.start, end)
        return self.step("date", day, 0, "date", token.start, end)

    def infix(self, left: _Part, binding: int) -> _Part:
        token = self.take()
        op = token.text
        if op == "not":
            self.expect("in")
        if op in ("in", "not"):
            return self.member(left, token, negated=op == "not")
        right = self.expression(binding)
        if binding == _COMPARED and self.next.text in _POWERS and _POWERS[self.next.text] == _COMPARED:
            hint = "write a < b and b < c"
            raise _Stop(Flaw("a comparison stands alone", self.next.start, self.next.end, hint))
        kind = joined(op, left.kind, right.kind)
        if kind is None:
            hint = f"here a {left.kind} meets a {right.kind}"
            self.flaws.append(Flaw(f"{op} does not join these kinds", left.start, right.end, hint))
        if op == "and" and self.depth == 1:
            self.n_conditions += 1
        return self.step(op, left.kind, 2, kind or UNKNOWN, left.start, right.end)

    def member(self, left: _Part, token: Token, *, negated: bool) -> _Part:
        self.expect("(")
        items: list[object] = []
        while True:
            literal = self.take()
            if literal.kind not in ("number", "text"):
                self.place -= literal.kind != "end"
                raise _Stop(self.unexpected("a list after in holds numbers or texts"))
            is_text = literal.kind == "text"
            items.append(literal.text[1:-1] if is_text else Fraction(literal.text))
            if not like(left.kind, "text" if is_text else NUMBER):
                hint = f"it is asked of a {left.kind}"
                self.flaws.append(Flaw("a list holds what it is asked of", left.start, literal.end, hint))
            if len(items) + len(self.steps) > MOST_NODES:
                raise _Stop(Flaw(f"an expression has at most {MOST_NODES} parts", token.start, literal.end))
            if not self.is_next(","):
                break
            self.take()
        end = self.expect(")").end
        part = self.step("in", tuple(items), 1, "truth", left.start, end)
        return self.step("not", None, 1, "truth", left.start, end) if negated else part
