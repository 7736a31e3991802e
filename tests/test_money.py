"""Exact amounts, judged by Fractions."""

import decimal
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import _money as money
from salesops.errors import InvalidInput

ROUNDINGS = st.sampled_from(money.ROUNDINGS)
ANY_WHOLE = st.integers(-(10**18) + 1, 10**18 - 1)


def rounded(value: Fraction, rule: str) -> int:
    """Round by the book, one rule at a time."""
    whole = abs(value)
    low = whole.numerator // whole.denominator
    part = whole - low
    half = Fraction(1, 2)
    away = {
        "half_up": part >= half,
        "half_down": part > half,
        "half_even": part > half or (part == half and low % 2 == 1),
        "up": part > 0,
        "down": False,
        "floor": part > 0 and value < 0,
        "ceiling": part > 0 and value > 0,
    }[rule]
    return (low + away) * (-1 if value < 0 else 1)


def read(text, places=2, **options):
    minor, refused = money.parse([text], places, **options)
    return refused[0].message if refused else int(minor[0])


def test_every_currency_has_three_letters_and_stands_once():
    codes = [code for codes in money._PLACES.values() for code in codes.split()]
    assert len(codes) == len(set(codes)) > 150
    assert all(len(code) == 3 and code.isupper() for code in codes)
    assert [money.EXPONENTS[code] for code in ("USD", "JPY", "KWD", "CLF", "MGA")] == [2, 0, 3, 4, 2]


def test_a_code_in_small_letters_is_refused_with_the_right_one():
    with pytest.raises(InvalidInput, match=r"did you mean 'USD'"):
        money.exponent("usd")


@pytest.mark.parametrize("code", ["XXX", "", 978, None, "EURO"])
def test_an_unknown_code_is_refused(code):
    with pytest.raises(InvalidInput, match="currency"):
        money.exponent(code)


@pytest.mark.parametrize(
    ("value", "places", "minor"),
    [
        ("0.10", 2, 10),
        ("-0.00", 2, 0),
        ("-1234.5", 2, -123450),
        ("007", 2, 700),
        ("1000000000000000.01", 2, 10**17 + 1),
        ("0" * 40 + "1.00", 2, 100),
        ("9999999999999999.99", 2, 10**18 - 1),
        ("100", 0, 100),
        ("1.005", 3, 1005),
        (Decimal("12.3400"), 2, 1234),
        (Decimal("1E+3"), 2, 100000),
        (Decimal("-0"), 2, 0),
        (Decimal("1E-400") * 0, 2, 0),
        (7, 2, 700),
        (np.int64(-7), 3, -7000),
        (np.str_("1.5"), 2, 150),
    ],
)
def test_amounts_are_read_in_major_units(value, places, minor):
    assert read(value, places) == minor
    assert read(value, places, rounding="half_up") == minor


@pytest.mark.parametrize(
    "value",
    [
        "1_000",
        " 12\u00a0",
        "\uff11\uff12",
        "\u0967\u0968",
        "+5",
        "0x10",
        "1e3",
        "1E3",
        "1,000.00",
        "",
        " ",
        "-",
        ".",
        "5.",
        ".5",
        "--5",
        "1.2.3",
        "1-2",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "sNaN",
        "1e1000000",
        "5\n",
        "1\n2",
        "\x00",
        "1\x00",
        "\ud800",
        "None",
    ],
)
def test_texts_that_python_accepts_and_people_do_not_mean_are_refused(value):
    assert read(value) == money._TEXT[0]
    minor, refused = money.parse(["1.00", value, "2.00"], 2)
    assert minor.tolist() == [100, 0, 200]
    assert refused[0].positions.tolist() == [1]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (0.1, money._FLOAT),
        (math.nan, money._MISSING),
        (None, money._MISSING),
        (pd.NA, money._MISSING),
        (pd.NaT, money._MISSING),
        (math.inf, money._FINITE),
        (Decimal("NaN"), money._FINITE),
        (Decimal("sNaN"), money._FINITE),
        (Decimal("-Infinity"), money._FINITE),
        (True, money._KIND),
        (np.True_, money._KIND),
        (b"1", money._KIND),
        ([1], money._KIND),
        (Decimal("1e1000000"), money._LARGE),
        (Decimal("1e-1000000"), money.FINE),
        (Decimal("10.005"), money.FINE),
        ("10.005", money.FINE),
        ("1.000", money.FINE),
        ("1" + "0" * 18, money._LARGE),
        ("10000000000000000.00", money._LARGE),
        ("46116860184273879.04", money._LARGE),
        (10**16, money._LARGE),
        pytest.param(-(10**5000), money._LARGE, id="5000 digits"),
    ],
)
def test_what_is_no_exact_amount_is_refused(value, rule):
    assert read(value) == rule[0]


def test_decimals_beyond_the_currency_are_rounded_when_the_rule_is_named():
    column = ["10.005", "-10.005", Decimal("0.0149"), "1.000"]
    minor, refused = money.parse(column, 2, rounding="half_up")
    assert minor.tolist() == [1001, -1001, 1, 100]
    assert not refused


def test_each_row_has_the_places_of_its_own_currency():
    minor, refused = money.parse(["1.005", "100.50", "1.5"], np.array([3, 0, 2]))
    assert minor.tolist() == [1005, 0, 150]
    assert [(fault.message, fault.positions.tolist()) for fault in refused] == [(money.FINE[0], [1])]


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int8, "Int64"])
def test_columns_of_whole_numbers_are_major_units(dtype):
    minor, refused = money.parse(pd.Series([1, 100, 7], dtype=dtype), np.array([2, 0, 3]))
    assert minor.tolist() == [100, 100, 7000]
    assert not refused


def test_whole_numbers_too_large_are_named_and_do_not_wrap():
    for column in (np.array([1, 2**63 - 1, 10**16]), np.array([1, 2**64 - 1, 10**16], dtype=np.uint64)):
        minor, refused = money.parse(column, 2)
        assert minor.tolist() == [100, 0, 0]
        assert refused[0].positions.tolist() == [1, 2]


def test_a_long_column_names_positions_across_chunks():
    column = ["0.10"] * 200_000
    column[3] = "x"
    column[199_999] = "y"
    minor, refused = money.parse(column, 2)
    assert int(minor.sum()) == 199_998 * 10
    assert refused[0].positions.tolist() == [3, 199_999]


def test_a_hostile_exponent_costs_nothing():
    column = [Decimal("1e999999"), "1e1000000", "9" * 1_000_000, Decimal("9" * 100_000)] * 50
    minor, refused = money.parse(column, 2)
    assert not minor.any()
    assert sum(len(fault.positions) for fault in refused) == 200


@given(st.lists(ANY_WHOLE, min_size=1), st.integers(0, 4))
def test_reading_undoes_writing(amounts, places):
    texts = [money.format_minor(amount, places) for amount in amounts]
    for column in (texts, pd.Series(texts), [Decimal(text) for text in texts]):
        minor, refused = money.parse(column, places)
        assert not refused
        assert minor.tolist() == amounts


@given(st.text(alphabet="0123456789.-", max_size=24), st.integers(0, 4), st.none() | ROUNDINGS)
def test_a_text_alone_reads_as_in_a_column(text, places, rounding):
    alone = money.parse_one(text, places, rounding=rounding)
    minor, refused = money.parse(["1", text], places, rounding=rounding)
    assert alone == ((refused[0].message, refused[0].hint) if refused else minor[1])


def test_the_callers_decimal_context_changes_nothing_and_is_left_alone():
    with decimal.localcontext() as context:
        context.prec = 5
        context.rounding = decimal.ROUND_UP
        context.traps[decimal.Inexact] = True
        context.Emax, context.Emin, context.capitals = 3, -3, 0
        before = repr(context)
        assert read(Decimal("1000000000000000.01")) == 10**17 + 1
        assert read("1000000000000000.01") == 10**17 + 1
        assert read("10.00500", rounding="half_even") == 1000
        assert money.format_exact(Fraction(10**17 + 1, 100)) == "1000000000000000.01"
        assert repr(decimal.getcontext()) == before


@pytest.mark.parametrize(
    ("value", "least", "text"),
    [
        (Fraction(1, 8), 0, "0.125"),
        (Fraction(5), 2, "5.00"),
        (Fraction(-5, 3), 2, "-5/3"),
        (Fraction(1, 20), 0, "0.05"),
        (Fraction(-1, 1000), 2, "-0.001"),
        (Fraction(0), 2, "0.00"),
    ],
)
def test_a_rational_is_written_as_the_decimal_it_is(value, least, text):
    assert money.format_exact(value, least=least) == text
    assert Fraction(text) == value


@given(
    st.lists(st.tuples(ANY_WHOLE, st.sampled_from([1, 2, 7, 40, 1000, 10**19])), min_size=1),
    st.integers(0, 3),
    st.none() | st.integers(0, 2),
)
def test_a_column_of_rationals_is_written_as_each_alone(rows, places, least):
    numerators = np.array([over for over, _ in rows], dtype=object)
    denominators = np.array([under for _, under in rows], dtype=object)
    shown = money.format_column(
        numerators, denominators, places, least=None if least is None else min(least, places)
    )
    for text, (over, under) in zip(shown, rows, strict=True):
        exact = Fraction(over, under * 10**places)
        assert text == money.format_exact(exact, least=places if least is None else min(least, places))


def test_thousands_stand_apart_only_when_asked():
    assert money.format_minor(-123456789, 2, thousands=True) == "-1,234,567.89"
    assert money.format_minor(-123456789, 2) == "-1234567.89"
    assert money.format_minor(5, 0) == "5"


@pytest.mark.parametrize(
    ("rule", "answers"),
    [
        ("half_up", [13, -13]),
        ("half_even", [12, -12]),
        ("half_down", [12, -12]),
        ("up", [13, -13]),
        ("down", [12, -12]),
        ("floor", [12, -13]),
        ("ceiling", [13, -12]),
    ],
)
def test_half_a_cent_under_each_named_rounding(rule, answers):
    assert money.mul_div(np.array([125, -125]), 1, 10, rule).tolist() == answers


@given(
    st.lists(ANY_WHOLE, min_size=1, max_size=20),
    st.integers(-(10**20), 10**20),
    st.integers(1, 10**20),
    ROUNDINGS,
)
def test_mul_div_is_exact_or_refuses(amounts, numerator, denominator, rule):
    exact = [rounded(Fraction(amount) * numerator / denominator, rule) for amount in amounts]
    column = np.array(amounts, dtype=np.int64)
    column.setflags(write=False)
    if max(map(abs, exact)) > 2**63 - 1:
        with pytest.raises(InvalidInput, match="64-bit"):
            money.mul_div(column, numerator, denominator, rule)
    else:
        answer = money.mul_div(column, numerator, denominator, rule)
        assert answer.dtype == np.int64
        assert answer.tolist() == exact


@given(st.lists(st.tuples(ANY_WHOLE, st.integers(1, 10**9)), min_size=1), ROUNDINGS)
def test_each_row_may_have_its_own_denominator(rows, rule):
    amounts, denominators = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    answer = money.mul_div(amounts, 3, denominators, rule)
    assert answer.tolist() == [rounded(Fraction(3 * amount, over), rule) for amount, over in rows]


@given(st.fractions(), ROUNDINGS)
def test_a_fraction_rounds_by_the_book_and_mirrors(value, rule):
    assert money.round_fraction(value, rule) == rounded(value, rule)
    if rule not in ("floor", "ceiling"):
        assert money.round_fraction(-value, rule) == -money.round_fraction(value, rule)


def test_a_total_beyond_64_bits_is_refused_and_never_wraps():
    with pytest.raises(InvalidInput, match="does not fit a 64-bit integer"):
        money.group_sums(np.array([2**62, 2**62]), np.array([0, 0]), 1)


@given(st.lists(st.lists(ANY_WHOLE, min_size=1, max_size=6), min_size=1, max_size=6))
def test_running_totals_restart_with_each_run(runs):
    values = np.array([value for run in runs for value in run], dtype=np.int64)
    first = np.array([k == 0 for run in runs for k in range(len(run))])
    totals = [sum(run[: k + 1]) for run in runs for k in range(len(run))]
    assert money.cumulative(values, first).tolist() == totals


def test_three_equal_parts_of_a_hundred():
    assert money.split(10000, [1, 1, 1]) == (3334, 3333, 3333)


def test_shares_of_a_tenth_are_one_whole():
    assert money.split(7, [Fraction("0.1")] * 10) == (1, 1, 1, 1, 1, 1, 1, 0, 0, 0)


def test_a_cancelled_split_is_the_exact_mirror():
    shares = [Fraction("0.3333"), Fraction("0.6667")]
    assert money.split(5, shares) == (2, 3)
    assert money.split(-5, shares) == (-2, -3)


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_divide_nothing_are_refused(weights):
    with pytest.raises(InvalidInput, match="weights are 0 or more and not all 0"):
        money.split(100, weights)


WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any)


@given(st.lists(st.tuples(ANY_WHOLE, WEIGHTS), min_size=1, max_size=8))
@settings(max_examples=60)
def test_parts_sum_to_the_whole_and_no_part_is_off_by_one(deals):
    totals = np.array([total for total, _ in deals], dtype=np.int64)
    weights = np.array([weight for _, shares in deals for weight in shares], dtype=np.int64)
    owner = np.repeat(np.arange(len(deals)), [len(shares) for _, shares in deals])
    parts = money.split_many(totals, weights, owner)
    at = 0
    for total, shares in deals:
        mine = parts[at : at + len(shares)].tolist()
        at += len(shares)
        assert sum(mine) == total
        assert tuple(mine) == money.split(total, shares)
        assert tuple(-part for part in mine) == money.split(-total, shares)
        for part, weight in zip(mine, shares, strict=True):
            assert abs(part - Fraction(total * weight, sum(shares))) < 1
