"""The words of an expression: where each stands, and what the language does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_CHARACTERS = 4_096
MOST_NODES = 512
MOST_DEPTH = 32
_SURVEYED = 65_536
FLAWS_TOLD = 8
"""Flaws told of one expression at once."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>'[^'\\\n]*'|"[^"\\\n]*")
    |(?P<attribute>\.[ ]*[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator>==|!=|<=|>=|<>|\*\*|//|&&|\|\||:=|[-+*/<>=(),%^&|~!?:;\[\]{}@.$])""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ","})
_INSTEAD = {
    "**": "write a product; there is no power",
    "^": "write a product; there is no power",
    "=": "write == to compare",
    "<>": "write !=",
    "&&": "write and",
    "&": "write and",
    "||": "write or",
    "|": "write or",
    "!": "write not",
    "%": "write 0.05 for 5 %; there is no remainder and no formatting of text",
    "//": "write floor(a / b)",
    "?": "write if(condition, then, otherwise)",
    ":": "write if(condition, then, otherwise)",
}
_LONG_NUMBER = 18


class Token(NamedTuple):
    """A word: its kind (number, name, text, operator, end), itself, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


class Flaw(NamedTuple):
    """What is wrong at a place of an expression."""

    message: str
    start: int
    end: int
    hint: str | None = None
    suggestions: tuple[str, ...] = ()
    found: str | None = None


def tokens_of(text: str) -> tuple[list[Token], list[Flaw]]:
    """Cut an expression into words; flaws of the words themselves end the reading."""
    flaws = _oversized(text)
    if flaws:
        return [], flaws
    tokens: list[Token] = []
    for token in _words(text):
        flaw = _flaw_of(token)
        if flaw is not None:
            flaws.append(flaw)
            if len(flaws) >= FLAWS_TOLD:
                break
        elif token.kind != "space":
            tokens.append(token)
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens, flaws


def _oversized(text: str) -> list[Flaw]:
    flaws = []
    if len(text) > MOST_CHARACTERS:
        flaws.append(Flaw(f"an expression is at most {MOST_CHARACTERS:,} characters long", 0, len(text)))
    depth = deepest = 0
    for letter in text[:_SURVEYED]:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        flaws.append(too_deep(0))
    return flaws


def too_deep(start: int) -> Flaw:
    """Say that brackets, calls or signs stand too deep inside each other."""
    hint = "give a part of it a name as a measure of its own"
    return Flaw(f"the nesting of an expression is at most {MOST_DEPTH} deep", start, start, hint)


def _words(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            yield Token("foreign", text[place], place, place + 1)
            place += 1
            continue
        yield Token(str(found.lastgroup), found[0], place, found.end())
        place = found.end()


def _flaw_of(token: Token) -> Flaw | None:
    where = token.start, token.end
    if token.kind == "attribute":
        return Flaw("an expression has no attributes", *where, "name a declared field alone")
    if token.kind == "foreign":
        is_quote = token.text in "'\"\\"
        hint = "close the quote; text holds no backslash" if is_quote else None
        return Flaw("a character has no meaning here", *where, hint)
    if token.kind == "operator" and token.text not in _OPERATORS:
        return Flaw("the language has no such operator", *where, _INSTEAD.get(token.text))
    if token.kind == "number":
        whole, _, part = token.text.partition(".")
        if len(whole) > _LONG_NUMBER or len(part) > _LONG_NUMBER:
            return Flaw(f"a number has at most {_LONG_NUMBER} digits on each side of the point", *where)
    return None
