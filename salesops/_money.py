"""Exact amounts: int64 minor units, rational rates, named rounding, fair splitting.

Money enters once, at the door, as Decimal, whole number or plain text in major units, and is an integer
number of minor units from there on. Nothing here reads or changes the caller's decimal context. Integer
arithmetic runs in int64 where the extremes of the columns show that it fits and in Python integers where
they do not; what does not fit the answer is refused, never wrapped around.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _faults
from salesops._texts import Bytes, bytes_of, plain_numbers
from salesops.errors import InvalidInput, Problem, show

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Whole = NDArray[Any]
"""Whole numbers: int64, or Python integers in an object array where int64 is too small."""

Rounding = Literal["half_up", "half_even", "half_down", "up", "down", "floor", "ceiling"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

LIMIT = 10**18
"""Amounts at the door are below this many minor units."""

_INT64_MAX = 2**63 - 1
_POW10: IntArray = np.array([10**k for k in range(19)], dtype=np.int64)
_CHUNK = 65_536
_PIECE = 1 << 15
_WIDEST = 64
_DENOMINATORS = 1000
_PLAIN = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD"
    " CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS"
    " GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD"
    " LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN"
    " PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL"
    " THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {code: places for places, codes in _PLACES.items() for code in codes.split()}
"""Decimals of every ISO 4217 currency that has a minor unit, and of a few retired since 2022."""


class Refused(NamedTuple):
    """One rule that values of a column break, and where: positions, not labels."""

    message: str
    hint: str | None
    positions: IntArray


MISSING_RULE = "an amount is missing"
_MISSING = (MISSING_RULE, None)
_FLOAT = (
    "an amount is exact and a float is not",
    "give Decimal('0.1'), the text '0.1' or whole numbers; read a CSV column with dtype=str",
)
_KIND = ("an amount is a Decimal, a whole number or plain text of digits", None)
_TEXT = (
    "an amount is plain ASCII digits with one optional minus and one optional point",
    "write it as '-1234.50': no exponent, blank, plus sign, underscore or thousands separator",
)
_FINITE = ("an amount is a finite number", None)
_LARGE = ("an amount is below 10**18 minor units", None)
FINE = (
    "an amount has no more decimals than its currency",
    "name how the input is to be rounded, as in input_rounding='half_up'",
)


def exponent(currency: object, path: str = "currency") -> int:
    """Give the number of decimals of a currency, or refuse a code that ISO 4217 does not list."""
    fault = currency_fault(currency, path)
    if fault is not None:
        raise InvalidInput(f"{path}: 1 problem", [fault])
    return EXPONENTS[str(currency)]


def currency_fault(currency: object, path: str) -> Problem | None:
    """Say what is wrong with a currency code, if anything is."""
    if isinstance(currency, str) and currency in EXPONENTS:
        return None
    return Problem(
        path=path,
        message="not a currency code of ISO 4217",
        values=(show(currency),),
        hint="three capital letters, as in 'USD'",
        suggestions=_faults.closest(currency, EXPONENTS) if isinstance(currency, str) else (),
    )


def parse(
    values: Iterable[object], places: int | IntArray, *, rounding: Rounding | None = None
) -> tuple[IntArray, list[Refused]]:
    """Read a column of amounts in major units into minor units.

    `places` is the number of decimals of the currency, one for all or one for each row. Rows that are
    refused stand in the second answer and hold 0 in the first. With `rounding`, decimals beyond the
    currency's are rounded instead of refused; a Decimal may always carry zeros there.
    """
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return _parse_whole(np.asarray(values), places)
    texts = bytes_of(values)
    if texts is not None and isinstance(values, pd.Series):
        return _parse_texts(values, texts, places, rounding)
    items = values.tolist() if isinstance(values, (pd.Series, np.ndarray)) else list(values)
    wide = np.broadcast_to(np.asarray(places, dtype=np.int64), (len(items),))
    minor = np.zeros(len(items), dtype=np.int64)
    refused: dict[tuple[str, str | None], list[IntArray]] = {}
    for start in range(0, len(items), _CHUNK):
        part = slice(start, start + _CHUNK)
        minor[part], faults = _parse_chunk(items[part], wide[part], rounding)
        for rule, positions in faults:
            refused.setdefault(rule, []).append(positions + start)
    return minor, [Refused(*rule, np.concatenate(found)) for rule, found in refused.items()]


_Rule = tuple[str, str | None]


def _parse_texts(
    values: pd.Series[Any], texts: Bytes, places: int | IntArray, rounding: Rounding | None
) -> tuple[IntArray, list[Refused]]:
    """Read texts with the decimals of their currency from their bytes, and all others one by one."""
    wide = np.broadcast_to(np.asarray(places, dtype=np.int64), (len(texts),))
    minor = np.zeros(len(texts), dtype=np.int64)
    is_plain = np.zeros(len(texts), dtype=np.bool_)
    if (wide == wide[0]).all():
        for rows, part in texts.pieces():
            minor[rows], is_plain[rows] = plain_numbers(part, int(wide[0]))
    rest = np.flatnonzero(~is_plain)
    if not len(rest):
        return minor, []
    minor[rest], refused = parse(values.iloc[rest].tolist(), wide[rest], rounding=rounding)
    return minor, [rule._replace(positions=rest[rule.positions]) for rule in refused]


def _parse_whole(values: Whole, places: int | IntArray) -> tuple[IntArray, list[Refused]]:
    unit = _POW10[places]
    large = np.abs(values.astype(np.float64)) >= 2.0**62
    whole = np.where(large, 0, values).astype(np.int64)
    large |= np.abs(whole) >= LIMIT // unit
    minor = np.where(large, 0, whole * unit)
    return minor, [Refused(*_LARGE, np.flatnonzero(large))] if large.any() else []


def _parse_chunk(
    items: list[object], places: IntArray, rounding: Rounding | None
) -> tuple[IntArray, list[tuple[_Rule, IntArray]]]:
    kinds = set(map(type, items))
    by_value = np.zeros(len(items), dtype=np.bool_)
    if all(issubclass(kind, str) for kind in kinds):
        texts = [str(item) for item in items] if kinds != {str} else items
    else:
        texts, by_value = _texts(items)
    digits, decimals, plain = _read_digits(texts)  # type: ignore[arg-type]
    shift = places - decimals
    up = _POW10[np.clip(shift, 0, 18)]
    down = _POW10[np.clip(-shift, 0, 18)]
    exact = plain & (np.abs(digits) < LIMIT // up) & ((shift >= 0) | (by_value & (digits % down == 0)))
    minor = np.where(exact, digits * np.where(exact, up, 1) // down, 0)
    faults: dict[_Rule, list[int]] = {}
    for position in np.flatnonzero(~exact):
        answer = parse_one(items[position], int(places[position]), rounding=rounding)
        if isinstance(answer, int):
            minor[position] = answer
        else:
            faults.setdefault(answer, []).append(int(position))
    return minor, [(rule, np.array(found, dtype=np.int64)) for rule, found in faults.items()]


def _texts(items: list[object]) -> tuple[list[str], BoolArray]:
    """Write Decimals and whole numbers as plain text where that is safe; the rest stays empty."""
    texts: list[str] = []
    by_value = np.zeros(len(items), dtype=np.bool_)
    for position, item in enumerate(items):
        if isinstance(item, str):
            texts.append(item)
            continue
        by_value[position] = True
        is_whole = isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_))
        is_safe = isinstance(item, Decimal) or (is_whole and -LIMIT < int(item) < LIMIT)  # type: ignore[call-overload]
        texts.append(str(item) if is_safe else "")
    return texts, by_value


def _read_digits(texts: list[str]) -> tuple[IntArray, IntArray, BoolArray]:
    """Read plain texts of at most 18 digits at once: signed digits, decimals, and which texts were plain."""
    joined = "\n".join(texts)
    if not joined.isascii() or joined.count("\n") >= len(texts):
        texts = [text if text.isascii() and "\n" not in text else "" for text in texts]
        joined = "\n".join(texts)
    flat = np.frombuffer((joined + "\n").encode("ascii"), dtype=np.uint8)
    ends = np.flatnonzero(flat == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    size = ends - starts
    width = min(int(size.max()), _WIDEST)
    size = np.where(size > _WIDEST, 0, size)
    at = starts.copy()
    padded = np.concatenate([flat, np.zeros(width, dtype=np.uint8)])
    value = np.zeros(len(texts), dtype=np.int64)
    decimals, count, points = (np.zeros(len(texts), dtype=np.uint8) for _ in range(3))
    for place in range(width):
        inside = place < size
        column = padded[at]
        figure = column - np.uint8(ord("0"))
        is_digit = (figure < 10) & inside
        value *= is_digit * np.uint8(9) + np.uint8(1)
        value += figure * is_digit
        decimals += is_digit & (points > 0)
        count += is_digit
        points += (column == ord(".")) & inside
        at += 1
    negative = (flat[starts] == ord("-")) & (size > 0)
    first = flat[np.minimum(starts + negative, ends)] - np.uint8(ord("0")) < 10
    last = flat[np.maximum(ends - 1, 0)] - np.uint8(ord("0")) < 10
    plain = (size > 0) & (count + points + negative == size) & (points <= 1) & first & last & (count <= 18)
    value, decimals = np.where(plain, value, 0), np.where(plain, decimals, 0)
    return np.where(negative, -value, value), decimals.astype(np.int64), plain


def parse_one(
    value: object, places: int, *, rounding: Rounding | None = None
) -> int | tuple[str, str | None]:
    """Read one amount in major units into minor units, or give the rule it breaks and a hint."""
    if isinstance(value, str):
        return _parse_text(value, places, rounding)
    if isinstance(value, Decimal):
        return _parse_decimal(value, places, rounding)
    if isinstance(value, (bool, np.bool_)):
        return _KIND
    if isinstance(value, (int, np.integer)):
        whole = int(value)
        return whole * 10**places if abs(whole) < LIMIT // 10**places else _LARGE
    if isinstance(value, (float, np.floating)):
        return _MISSING if math.isnan(value) else _FLOAT if math.isfinite(value) else _FINITE
    return _MISSING if value is None or value is pd.NA or value is pd.NaT else _KIND


def _parse_text(text: str, places: int, rounding: Rounding | None) -> int | tuple[str, str | None]:
    match = _PLAIN.fullmatch(text)
    if match is None:
        return _TEXT
    whole, part = match[1].lstrip("0"), match[2] or ""
    if len(whole) > 18:
        return _LARGE
    if len(part) > places:
        if rounding is None:
            return FINE
        if len(part) > 1000:
            return _TEXT
    return _settle(int((whole + part) or "0"), len(part), text.startswith("-"), places, rounding)


def _parse_decimal(value: Decimal, places: int, rounding: Rounding | None) -> int | tuple[str, str | None]:
    if not value.is_finite():
        return _FINITE
    if not value:
        return 0
    if value.adjusted() > 18:
        return _LARGE
    sign, digits, power = value.as_tuple()
    if not isinstance(power, int) or len(digits) > 1000 or power < -1000:
        return FINE
    coefficient = int("".join(map(str, digits)))
    if power >= 0:
        coefficient, power = coefficient * 10**power, 0
    return _settle(coefficient, -power, bool(sign), places, rounding)


def _settle(
    coefficient: int, decimals: int, negative: bool, places: int, rounding: Rounding | None
) -> int | tuple[str, str | None]:
    exact = Fraction(-coefficient if negative else coefficient, 10**decimals) * 10**places
    if exact.denominator != 1 and rounding is None:
        return FINE
    minor = round_fraction(exact, rounding or "half_up")
    return minor if abs(minor) < LIMIT else _LARGE


def format_minor(minor: int, places: int, *, thousands: bool = False) -> str:
    """Write minor units as text in major units: ``-1234.50``."""
    whole, part = divmod(abs(int(minor)), 10**places)
    text = f"{whole:,}" if thousands else f"{whole}"
    return ("-" if minor < 0 else "") + (f"{text}.{part:0{places}d}" if places else text)


def format_exact(value: Fraction, *, least: int = 0, thousands: bool = False) -> str:
    """Write a rational as the decimal it is, with so many decimals at least, or ``n/d`` if it never ends."""
    rest, places = value.denominator, least
    twos = (rest & -rest).bit_length() - 1
    rest >>= twos
    fives = 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(least, twos, fives)
    return format_minor(int(value * 10**places), places, thousands=thousands)


def round_fraction(value: Fraction, rounding: Rounding = "half_up") -> int:
    """Round a rational to a whole number by a named rule; ties and directions mirror the sign."""
    whole = np.array([value.numerator], dtype=object)
    return int(_divide(whole, np.array([value.denominator], dtype=object), rounding)[0])


def extent(values: Whole) -> int:
    """Give the largest absolute value of an array, as a Python integer."""
    return max(int(values.max()), -int(values.min())) if values.size else 0


def _as_whole(value: int | Whole) -> Whole:
    if isinstance(value, np.ndarray):
        return value
    return np.array(value, dtype=np.int64 if abs(value) <= _INT64_MAX else object)


def _objects(values: Whole) -> Whole:
    return values.astype(object)


def narrow(values: Whole, what: str = "amount") -> IntArray:
    """Bring exact whole numbers back to int64, refusing those that do not fit."""
    if extent(values) > _INT64_MAX:
        largest = max((int(value) for value in values.ravel()), key=abs)
        fault = Problem(
            path=what,
            message="the result does not fit a 64-bit integer of minor units",
            values=(show(largest),),
            hint="amounts and their totals stay below 9.2 * 10**18 minor units",
        )
        raise InvalidInput(f"{what}: 1 problem", [fault])
    return values.astype(np.int64, copy=False)


def widen(bound: int, *arrays: Whole) -> tuple[Whole, ...]:
    """Turn arrays into Python integers if the bound of a calculation on them exceeds int64."""
    return arrays if bound <= _INT64_MAX else tuple(_objects(array) for array in arrays)


def multiply(left: int | Whole, right: int | Whole) -> Whole:
    """Multiply exactly; the answer is int64 where its extremes fit."""
    a, b = _as_whole(left), _as_whole(right)
    a, b = widen(extent(a) * extent(b), a, b)
    return np.asarray(a * b)


def add(left: int | Whole, right: int | Whole) -> Whole:
    """Add exactly; the answer is int64 where its extremes fit."""
    a, b = _as_whole(left), _as_whole(right)
    a, b = widen(extent(a) + extent(b), a, b)
    return np.asarray(a + b)


def subtract(left: Whole, right: Whole) -> Whole:
    """Subtract exactly; the answer is int64 where its extremes fit."""
    a, b = widen(extent(left) + extent(right), left, right)
    return np.asarray(a - b)


def mul_div(
    amounts: int | Whole, numerator: int | Whole, denominator: int | Whole, rounding: Rounding = "half_up"
) -> IntArray:
    """Give ``amounts * numerator / denominator`` rounded once, exact whatever the size of the product."""
    return divide(multiply(amounts, numerator), denominator, rounding)


def divide(numerator: int | Whole, denominator: int | Whole, rounding: Rounding = "half_up") -> IntArray:
    """Give the quotient rounded by a named rule; denominators are positive."""
    num, den = _as_whole(numerator), _as_whole(denominator)
    if den.ndim and den.size and den.strides == (0,):
        den = den[0]
    if num.dtype != den.dtype:
        num, den = _objects(num), _objects(den)
    return narrow(_divide(num, den, rounding))


def _divide(num: Whole, den: Whole, rounding: Rounding) -> Whole:
    if num.dtype != np.int64 or num.ndim != 1:
        return _divide_piece(num, den, rounding)
    quotient = np.empty(len(num), dtype=np.int64)
    for start in range(0, len(num), _PIECE):
        part = slice(start, start + _PIECE)
        quotient[part] = _divide_piece(num[part], den[part] if den.ndim else den, rounding)
    return quotient


def _divide_piece(num: Whole, den: Whole, rounding: Rounding) -> Whole:
    size = np.abs(num)
    quotient = size // den
    rest = size - quotient * den
    away = {
        "half_up": lambda: rest >= den - rest,
        "half_down": lambda: rest > den - rest,
        "half_even": lambda: (rest > den - rest) | ((rest == den - rest) & (quotient % 2 == 1)),
        "up": lambda: rest > 0,
        "down": lambda: rest < 0,
        "floor": lambda: (rest > 0) & (num < 0),
        "ceiling": lambda: (rest > 0) & (num > 0),
    }[rounding]()
    quotient = quotient + np.asarray(away, dtype=np.bool_)
    return np.asarray(np.where(num < 0, -quotient, quotient))


def cumulative(values: IntArray, first: BoolArray) -> Whole:
    """Sum within runs, up to and including each row; `first` marks the row that starts a run."""
    return cumulative_whole(values, first)


def cumulative_whole(values: Whole, first: BoolArray) -> Whole:
    """Sum whole numbers of any size within runs, up to and including each row."""
    if not values.size:
        return values
    whole = values if values.dtype == np.int64 and _sums_fit(values) else _objects(values)
    total = np.cumsum(whole)
    starts = np.flatnonzero(first)
    before = total[starts] - whole[starts]
    total -= np.repeat(before, np.diff(np.append(starts, len(values))))
    return np.asarray(total)


def _sums_fit(values: IntArray) -> bool:
    """Say whether int64 holds every sum of some of the values."""
    if extent(values) * values.size < _INT64_MAX // 2:
        return True
    return float(np.abs(values).sum(dtype=np.float64)) < _INT64_MAX / 2


def group_totals(values: IntArray, groups: IntArray, n_groups: int) -> Whole:
    """Sum by group number, exactly, whatever the size of the sums."""
    fits = _sums_fit(values)
    totals = np.zeros(n_groups, dtype=np.int64 if fits else object)
    np.add.at(totals, groups, values if fits else _objects(values))
    return totals


def group_sums(values: IntArray, groups: IntArray, n_groups: int) -> IntArray:
    """Sum by group number, exactly; sums that do not fit are refused."""
    return narrow(group_totals(values, groups, n_groups))


def split(total: int, weights: Sequence[int | Fraction], *, path: str = "weight") -> tuple[int, ...]:
    """Split a total by largest remainder: the parts sum to it, ties go to the first, signs mirror."""
    exact = [Fraction(weight) for weight in weights]
    negative = [weight for weight in exact if weight < 0]
    if negative or not any(exact):
        fault = Problem(
            path=path,
            message="weights are 0 or more and not all 0",
            values=tuple(str(weight) for weight in negative or exact),
        )
        raise InvalidInput(f"{path}: 1 problem", [fault])
    scale = math.lcm(*(weight.denominator for weight in exact))
    whole = np.array([int(weight * scale) for weight in exact], dtype=object)
    owner = np.zeros(len(whole), dtype=np.int64)
    return tuple(int(part) for part in split_many(np.array([total], dtype=object), whole, owner))


def split_many(totals: Whole, weights: Whole, owner: IntArray) -> IntArray:
    """Split many totals at once by largest remainder.

    `weights` are whole numbers, none negative; `owner` says which total each belongs to, in rising order and
    with every total present. Within a total, ties go to the weight that stands first.
    """
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    bound = extent(totals) * extent(weights)
    bound = max(bound, extent(weights) * len(weights))
    if bound > _INT64_MAX or totals.dtype != np.int64 or weights.dtype != np.int64:
        totals, weights = _objects(totals), _objects(weights)
    size = np.abs(totals)[owner] * weights
    whole = np.add.reduceat(weights, starts)[owner]
    parts = size // whole
    rest = size - parts * whole
    left = np.abs(totals) - np.add.reduceat(parts, starts)
    order = np.lexsort((np.arange(len(rest)), _ranks(-rest), owner))
    place = np.arange(len(rest)) - np.repeat(starts, np.diff(np.append(starts, len(rest))))
    extra = np.zeros(len(rest), dtype=np.int64)
    extra[order] = place < left[owner]
    parts = parts + extra
    return narrow(np.where(totals[owner] < 0, -parts, parts))


def _ranks(values: Whole) -> IntArray:
    """Rank values from the smallest; equal values share a rank."""
    return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)


def format_column(
    numerators: Whole, denominators: Whole, places: int, *, least: int | None = None
) -> list[str]:
    """Write many rationals, given in minor units, as exact texts in major units.

    What never ends as a decimal is written as ``n/d``; `least` decimals (default: the currency's) stay.
    """
    least = places if least is None else least
    codes, distinct = pd.factorize(denominators)
    if len(distinct) > _DENOMINATORS:
        pairs = zip(numerators.tolist(), denominators.tolist(), strict=True)
        unit = 10**places
        return [format_exact(Fraction(int(over), int(under) * unit), least=least) for over, under in pairs]
    texts = np.empty(len(numerators), dtype=object)
    for k, under in enumerate(distinct.tolist()):
        rows = np.flatnonzero(codes == k)
        texts[rows] = _format_over(numerators[rows], int(under), places, least)
    written: list[str] = texts.tolist()
    return written


def _format_over(numerators: Whole, under: int, places: int, least: int) -> list[str]:
    more = next((k for k in range(40) if 10**k % under == 0), None)
    if more is None:
        unit = under * 10**places
        return [format_exact(Fraction(int(over), unit), least=least) for over in numerators.tolist()]
    decimals = places + more
    texts = [format_minor(over, decimals) for over in multiply(numerators, 10**more // under).tolist()]
    loose = decimals - least
    return [(text[:-loose] + text[-loose:].rstrip("0")).rstrip(".") for text in texts] if loose > 0 else texts
