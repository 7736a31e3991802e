"""What an expression may mean: kinds of value, and which operators and calls join them."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal["money", "ratio", "count", "date", "text", "truth"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NUMBER = "number"
"""Kind of a number written in the expression: it takes the kind of what stands beside it."""
UNKNOWN = "unknown"
"""Kind of a part that has a flaw already; it fits everywhere, so that one slip is told once."""
_NUMERIC = frozenset({"money", "ratio", "count", NUMBER})


class Node(NamedTuple):
    """One step in the order of evaluation.

    `arity` is how many results before it the step takes; `start` and `end` is the part of the text that it
    stands for; `value` is a literal, a name or the list of a membership.
    """

    op: str
    value: object
    arity: int
    kind: str
    start: int
    end: int


def is_numeric(kind: str) -> bool:
    """Tell numbers from dates, texts and truths."""
    return kind in _NUMERIC


def joined(op: str, left: str, right: str) -> str | None:
    """Give the kind of ``left op right``; None where it has no meaning."""
    if UNKNOWN in (left, right):
        return UNKNOWN
    if op in ("and", "or"):
        return "truth" if left == right == "truth" else None
    if op in ("==", "!=", "<", "<=", ">", ">="):
        return _compared(op, left, right)
    if op == "-" and left == right == "date":
        return "count"
    if "date" in (left, right):
        return _moved(op, left, right)
    if not (is_numeric(left) and is_numeric(right)):
        return None
    if op in ("+", "-"):
        return like(left, right)
    return _product(left, right) if op == "*" else _quotient(left, right)


def _compared(op: str, left: str, right: str) -> str | None:
    if is_numeric(left) and is_numeric(right):
        return "truth" if like(left, right) else None
    has_order = op in ("==", "!=") or left == "date"
    return "truth" if left == right and has_order else None


def _moved(op: str, left: str, right: str) -> str | None:
    """Move a date by a number of days."""
    if op in ("+", "-") and left == "date" and right in ("count", NUMBER):
        return "date"
    return "date" if op == "+" and right == "date" and left in ("count", NUMBER) else None


def like(left: str, right: str) -> str | None:
    """Give the kind that two values share, of a sum, a choice or a comparison."""
    if UNKNOWN in (left, right):
        return UNKNOWN
    if left == right:
        return left
    if NUMBER in (left, right) and is_numeric(left) and is_numeric(right):
        return right if left == NUMBER else left
    return "ratio" if {left, right} == {"ratio", "count"} else None


def _product(left: str, right: str) -> str | None:
    kinds = {left, right}
    if "money" in kinds:
        return None if left == right else "money"
    if kinds <= {"count"} or kinds <= {NUMBER}:
        return left
    return "ratio"


def _quotient(left: str, right: str) -> str | None:
    if right == "money":
        return "ratio" if left == "money" else None
    if left == "money":
        return "money"
    return NUMBER if left == right == NUMBER else "ratio"


def called(name: str, kinds: tuple[str, ...]) -> str | None:
    """Give the kind of a call; None where its arguments do not fit."""
    if UNKNOWN in kinds:
        return UNKNOWN
    if name in ("min", "max"):
        return _all_like(kinds) if len(kinds) >= 2 and (is_numeric(kinds[0]) or kinds[0] == "date") else None
    if name == "abs":
        return kinds[0] if len(kinds) == 1 and is_numeric(kinds[0]) else None
    if name in ("floor", "ceil", "round"):
        return kinds[0] if len(kinds) == 1 and is_numeric(kinds[0]) else None
    if name == "if":
        return like(*kinds[1:]) if len(kinds) == 3 and kinds[0] == "truth" else None
    if name == "coalesce":
        return like(*kinds) if len(kinds) == 2 else None
    if name == "missing":
        return "truth" if len(kinds) == 1 else None
    return "count" if kinds == ("date",) else None


def _all_like(kinds: tuple[str, ...]) -> str | None:
    kind: str | None = kinds[0]
    for other in kinds[1:]:
        kind = None if kind is None else like(kind, other)
    return kind


CALLS: dict[str, str] = {
    "abs": "abs(number)",
    "ceil": "ceil(number)",
    "coalesce": "coalesce(field, otherwise)",
    "date": "date('2026-07-31')",
    "day": "day(date)",
    "floor": "floor(number)",
    "if": "if(condition, then, otherwise)",
    "max": "max(number, number, ...)",
    "min": "min(number, number, ...)",
    "missing": "missing(field)",
    "month": "month(date)",
    "round": "round(number)",
    "year": "year(date)",
}
"""Every call with how it is written."""
