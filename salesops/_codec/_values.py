"""Reading and writing of single values: text, numbers, exact amounts and rates, dates, ids."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from salesops._codec._fields import MAX_AMOUNT, About
from salesops._codec._gather import refused
from salesops._codec._parse import Numeral

_DIGITS = 18
DECIMAL = r"[0-9]{1,18}(\.[0-9]{1,18})?"
RATE = r"[0-9]{1,18}(\.[0-9]{1,18}|/(?=0*[1-9])[0-9]{1,18})?"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DECIMAL = re.compile(f"-?{DECIMAL}")
_RATE = re.compile(f"-?{RATE}")
_DAY = re.compile(DAY)

_AMOUNT_RULE = "an amount is a Decimal, a whole number, or text such as '12.50': digits and one point"
_RATE_RULE = "a rate is a Fraction, a Decimal, a whole number, or text such as '0.05' or '1/3'"
_FLOAT_RULE = "an exact number is never a binary float"
_FLOAT_HINT = "write it as text '0.1' or Decimal('0.1')"
_DAY_RULE = "a date is a datetime.date or text such as '2026-07-31'"
_DIGITS_RULE = f"at most {_DIGITS} digits before the point and {_DIGITS} after it"


def plain_scalar(value: object) -> object:
    """Turn a numpy scalar into the Python value it stands for."""
    return value.item() if isinstance(value, np.generic) else value


def check_text(text: str) -> str:
    """Refuse text that no file or screen can carry, and drop subclasses of str."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise refused("text has no lone surrogates", text) from None
    return text if type(text) is str else str.__str__(text)


def read_text(value: object, _: Any = None) -> str:
    if not isinstance(value, str):
        raise refused("must be text", value)
    return check_text(value)


def read_flag(value: object, _: Any = None) -> bool:
    value = plain_scalar(value)
    if not isinstance(value, bool):
        raise refused("must be true or false", value)
    return value


def read_whole(value: object, _: Any = None) -> int:
    value = plain_scalar(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise refused("must be a whole number", value)
    if not -MAX_AMOUNT < value < MAX_AMOUNT:
        raise refused("a whole number stays below 10**18", value)
    return int(value)


def read_real(value: object, _: Any = None) -> float:
    value = plain_scalar(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise refused("must be a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise refused("must be a finite number", value)
    return number


def read_amount(value: object, _: Any = None) -> Decimal:
    value = plain_scalar(value)
    if isinstance(value, Decimal):
        return _bounded(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if not -MAX_AMOUNT < value < MAX_AMOUNT:
            raise refused("an amount stays below 10**18 minor units", value)
        return Decimal(value)
    if isinstance(value, float):
        raise refused(_FLOAT_RULE, value, hint=_FLOAT_HINT)
    if not isinstance(value, str):
        raise refused(_AMOUNT_RULE, value)
    if not _DECIMAL.fullmatch(value):
        raise refused(_digits_or(_AMOUNT_RULE, value), value)
    return _bounded(Decimal(value))


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise refused(_AMOUNT_RULE, value)
    exponent = value.as_tuple().exponent
    if value.adjusted() >= _DIGITS or not isinstance(exponent, int) or exponent < -_DIGITS:
        raise refused(_DIGITS_RULE, value)
    return value.copy_abs() if value.is_zero() else value


def _digits_or(rule: str, text: str) -> str:
    """Name the rule that a text breaks: too many digits, or not a number at all."""
    plain = re.fullmatch(r"-?[0-9]+([./][0-9]+)?", text[:10_000])
    return _DIGITS_RULE if plain and any(len(part) > _DIGITS for part in re.split("[./-]", text)) else rule


def read_rate(value: object, _: Any = None) -> Fraction:
    value = plain_scalar(value)
    if isinstance(value, float):
        raise refused(_FLOAT_RULE, value, hint=_FLOAT_HINT)
    if isinstance(value, Decimal):
        return Fraction(_bounded(value))
    if isinstance(value, Fraction) or (isinstance(value, int) and not isinstance(value, bool)):
        rate = Fraction(value)
        if max(abs(rate.numerator), rate.denominator) >= 10 ** (2 * _DIGITS) or not _RATE.fullmatch(
            write_rate(rate)
        ):
            raise refused(_DIGITS_RULE, value)
        return rate
    if not isinstance(value, str):
        raise refused(_RATE_RULE, value)
    if not _RATE.fullmatch(value):
        raise refused(_digits_or(_RATE_RULE, value), value)
    return Fraction(value)


def read_day(value: object, _: Any = None) -> dt.date:
    if isinstance(value, (dt.datetime, np.datetime64)):
        raise refused("a date has no time of day", value, hint="take the date in the business's time zone")
    if isinstance(value, dt.date):
        return value
    if not isinstance(value, str):
        raise refused(_DAY_RULE, value)
    if not _DAY.fullmatch(value):
        raise refused(_DAY_RULE, value)
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise refused("the calendar has no such day", value) from None


def read_id(value: object, _: Any = None) -> Hashable:
    value = plain_scalar(value)
    if isinstance(value, str):
        if not value:
            raise refused("an id is never empty", value)
        return check_text(value)
    if isinstance(value, (bool, Numeral)) or value is None or not _is_itself(value):
        raise refused(
            "an id is text, a whole number or another hashable value; never missing or a flag", value
        )
    if not isinstance(value, Hashable):
        raise refused("an id must be hashable, so that it can be looked up", value)
    return value


def _is_itself(value: object) -> bool:
    """Tell a value from NaN, NaT and NA, which are not equal to themselves."""
    try:
        hash(value)
        return bool(value == value)
    except (TypeError, ValueError):
        return isinstance(value, (list, dict, set))


def write_amount(value: Decimal) -> str:
    return format(value, "f")


def write_rate(value: Fraction) -> str:
    """Write a rate as a decimal where that is exact and short, as a fraction otherwise."""
    denominator, twos, fives = value.denominator, 0, 0
    while denominator % 2 == 0 and twos <= _DIGITS:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0 and fives <= _DIGITS:
        denominator, fives = denominator // 5, fives + 1
    places = max(twos, fives)
    if denominator != 1 or places > _DIGITS:
        return str(value)
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def write_day(value: dt.date) -> str:
    return value.isoformat()


def write_id(value: Hashable) -> str | int:
    if isinstance(value, (str, int)):
        return value
    raise refused("JSON carries ids that are text or whole numbers", value)


def check_bounds(value: Any, about: About, written: object) -> None:
    """Refuse a value outside the bounds, the length or the form that its field states, as it was written."""
    if about.minimum is not None and value < about.minimum:
        raise refused(f"must be {about.minimum} or more", written)
    if about.above is not None and value <= about.above:
        raise refused(f"must be more than {about.above}", written)
    if about.maximum is not None and value > about.maximum:
        raise refused(f"must be {about.maximum} or less", written)
    if about.below is not None and value >= about.below:
        raise refused(f"must be less than {about.below}", written)
    if about.form is not None and not re.fullmatch(about.form.pattern, value):
        raise refused(about.form.rule, written)
    if about.min_items and len(value) < about.min_items:
        raise refused(f"has {about.min_items} or more items", written, known=value)
