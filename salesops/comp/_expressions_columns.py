"""Exact columns of an expression: rationals as whole numerators and denominators, each row perhaps held.

Numbers stay int64 while the extremes of a column show that they fit, and become Python integers where they do
not. Nothing is ever a float. An array of one row stands for all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from salesops import _money as money
from salesops._money import BoolArray, IntArray, Whole

_SMALL = 2**31
_INT64_MAX = 2**63 - 1


class Column(NamedTuple):
    """Values of one step, row by row.

    `values` are numerators, days from 1970, texts or truths; `over` are denominators of numbers, 1 elsewhere.
    `held` is 0 where the value stands, else the number of the reason why it does not.
    """

    values: NDArray[Any]
    over: Whole
    held: IntArray


_ONE = np.ones(1, dtype=np.int64)
_FINE = np.zeros(1, dtype=np.int64)


def numbers(values: Whole, over: Whole, held: IntArray = _FINE) -> Column:
    """Make a column of rationals, lowest where they have grown large."""
    if max(money.extent(values), money.extent(over)) < _SMALL:
        return Column(values, over, held)
    top, under = np.broadcast_arrays(values, over)
    top, under = money.widen(_INT64_MAX if top.dtype == under.dtype else _INT64_MAX + 1, top, under)
    common = np.gcd(np.abs(top), under)
    return Column(_narrowed(top // common), _narrowed(under // common), held)


def _narrowed(values: Whole) -> Whole:
    return values.astype(np.int64) if money.extent(values) <= _INT64_MAX else values


def bits(values: Whole) -> int:
    """Count the binary digits of the largest number."""
    return money.extent(values).bit_length()


def constant(value: object) -> Column:
    """Make the column of a literal."""
    if isinstance(value, Fraction):
        return Column(_whole([value.numerator]), _whole([value.denominator]), _FINE)
    if isinstance(value, bool):
        return Column(np.array([value]), _ONE, _FINE)
    if isinstance(value, str):
        return Column(np.array([value], dtype=object), _ONE, _FINE)
    return Column(np.array([np.datetime64(value, "D")]).astype(np.int64), _ONE, _FINE)  # type: ignore[call-overload]  # a date


def of_fractions(values: Sequence[Fraction | None], missing: int) -> Column:
    """Make a column of rationals; None is held for the reason given."""
    held = np.array([missing if value is None else 0 for value in values], dtype=np.int64)
    known = [Fraction(0) if value is None else value for value in values]
    return numbers(_whole([v.numerator for v in known]), _whole([v.denominator for v in known]), held)


def _whole(values: Sequence[int]) -> Whole:
    fits = all(abs(value) <= _INT64_MAX for value in values)
    return np.array(values, dtype=np.int64 if fits else object)


def worse(left: IntArray, right: IntArray) -> IntArray:
    """Keep the first reason of two."""
    return np.where(left > 0, left, right)


def plus(left: Column, right: Column, *, sign: int = 1) -> Column:
    """Add or subtract."""
    held = worse(left.held, right.held)
    if np.array_equal(left.over, right.over):
        return numbers(money.add(left.values, sign * right.values), left.over, held)
    top = money.add(money.multiply(left.values, right.over), sign * money.multiply(right.values, left.over))
    return numbers(top, money.multiply(left.over, right.over), held)


def times(left: Column, right: Column) -> Column:
    """Multiply."""
    top = money.multiply(left.values, right.values)
    return numbers(top, money.multiply(left.over, right.over), worse(left.held, right.held))


def divided(left: Column, right: Column, by_zero: int) -> Column:
    """Divide; a row that divides by zero is held."""
    is_zero = np.asarray(right.values == 0, dtype=np.bool_)
    held = worse(worse(left.held, right.held), np.where(is_zero, by_zero, 0))
    size = np.where(is_zero, 1, np.abs(right.values))
    sign = np.where(np.asarray(right.values < 0, dtype=np.bool_), -1, 1)
    top = money.multiply(money.multiply(left.values, right.over), sign)
    return numbers(top, money.multiply(left.over, size), held)


def difference(left: Column, right: Column) -> Whole:
    """Give something with the sign of ``left - right``, row by row."""
    if np.array_equal(left.over, right.over):
        return money.add(left.values, -right.values)
    return money.add(money.multiply(left.values, right.over), -money.multiply(right.values, left.over))


def whole(column: Column, how: str) -> Column:
    """Round to whole numbers: floor, ceil, or round with ties away from zero."""
    top, over = money.widen(4 * (money.extent(column.values) + money.extent(column.over)), *column[:2])
    if how == "floor":
        rounded = top // over
    elif how == "ceil":
        rounded = -(-top // over)
    else:
        size = (2 * np.abs(top) + over) // (2 * over)
        rounded = np.where(np.asarray(top < 0, dtype=np.bool_), -size, size)
    return Column(_narrowed(np.asarray(rounded)), _ONE, column.held)


def chosen(condition: BoolArray, left: Column, right: Column, held: IntArray) -> Column:
    """Take the left value where the condition holds, the right one elsewhere."""
    values = np.where(condition, left.values, right.values)
    return Column(values, np.where(condition, left.over, right.over), held)
