"""The expression language: what it gives, what it refuses, and the same figures as plain Fractions."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp
from salesops.comp import _expressions_columns as exact
from salesops.comp._expressions_parse import parse
from salesops.comp._expressions_run import evaluate
from salesops.comp.expressions import ordered
from salesops.errors import InvalidInput

FIELDS = {
    "amount": "money",
    "cost": "money",
    "margin": "ratio",
    "units": "count",
    "segment": "text",
    "closed_on": "date",
    "is_new": "truth",
}
ROW = {
    "amount": "1000.00",
    "cost": "400.00",
    "margin": "0.6",
    "units": 3,
    "segment": "public",
    "closed_on": "2026-07-31",
    "is_new": True,
}


def worth(text, **changes):
    return comp.Expression(text=text, fields=FIELDS).evaluate(ROW | changes)


def refused(text, *names, fields=FIELDS, **options):
    with pytest.raises(InvalidInput) as caught:
        comp.Expression(text=text, fields=fields, **options)
    missing = [name for name in names if name not in str(caught.value)]
    assert not missing, f"{missing} not in:\n{caught.value}"
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2 == 0.3", True),
        ("amount - cost", Fraction(600)),
        ("amount / units", Fraction(1000, 3)),
        ("1 - 2 - 3", Fraction(-4)),
        ("8 / 4 / 2", Fraction(1)),
        ("2 + 3 * 4", Fraction(14)),
        ("(2 + 3) * 4", Fraction(20)),
        ("-2 * -3", Fraction(6)),
        ("- (1 + 2)", Fraction(-3)),
        ("not is_new or amount > 5", True),
        ("not (is_new or amount > 5)", False),
        ("is_new == true", True),
        ("segment == 'public' and segment != \"private\"", True),
        ("segment in ('a', 'public')", True),
        ("segment not in ('a', 'public')", False),
        ("units in (1, 2, 3.0)", True),
        ("min(amount, cost, 7)", Fraction(7)),
        ("max(units, 2)", Fraction(3)),
        ("abs(cost - amount)", Fraction(600)),
        ("floor(-7 / 2)", Fraction(-4)),
        ("ceil(-7 / 2)", Fraction(-3)),
        ("round(-5 / 2)", Fraction(-3)),
        ("round(5 / 2)", Fraction(3)),
        ("if(is_new, amount, cost)", Fraction(1000)),
        ("closed_on >= date('2026-07-01')", True),
        ("closed_on + 1", dt.date(2026, 8, 1)),
        ("closed_on - date('2026-07-01')", Fraction(30)),
        ("year(closed_on) * 100 + month(closed_on)", Fraction(202607)),
        ("day(closed_on)", Fraction(31)),
        ("segment", "public"),
    ],
)
def test_an_expression_gives(text, value):
    assert worth(text) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("amount * margin", "money"),
        ("amount / cost", "ratio"),
        ("amount + 5", "money"),
        ("units * units", "count"),
        ("units + margin", "ratio"),
        ("1 + 2", "ratio"),
        ("if(is_new, 1, amount)", "money"),
        ("closed_on - closed_on", "count"),
        ("missing(segment)", "truth"),
    ],
)
def test_an_expression_has_a_kind(text, kind):
    assert comp.Expression(text=text, fields=FIELDS).result_kind == kind


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("().__class__.__bases__[0].__subclasses__()", ["__class__", "attributes"]),
        ("9**9**9**9", ["'**'", "no power"]),
        ("'%1000000000d' % 1", ["'%'"]),
        ("amonut * 0.1", ["amonut", "did you mean 'amount'"]),
        ("amount +", ["the end", "at character 9"]),
        ("(amount", [") is missing"]),
        ("amount amount", ["'amount' at character 8"]),
        ("", ["a number, a text, a field or a call"]),
        ("1 < 2 < 3", ["a comparison stands alone", "write a < b and b < c"]),
        ("amount = 5", ["write == to compare"]),
        ("amount + units", ["+ does not join", "a money meets a count"]),
        ("amount * cost", ["* does not join"]),
        ("5 / amount", ["/ does not join"]),
        ("segment + 'x'", ["+ does not join"]),
        ("segment < 'x'", ["< does not join"]),
        ("amount and is_new", ["and does not join"]),
        ("not amount", ["needs a condition"]),
        ("-is_new", ["needs a number"]),
        ("mni(1, 2)", ["no such call", "did you mean 'min'"]),
        ("min(1)", ["do not fit", "min(number, number, ...)"]),
        ("if(is_new, 1, segment)", ["do not fit"]),
        ("date('2026-02-30')", ["is no day of the calendar"]),
        ("date(segment)", ["is no day"]),
        ("missing(1 + 2)", ["do not fit"]),
        ("segment in (amount)", ["numbers or texts"]),
        ("segment in (1)", ["what it is asked of"]),
        ("amount == 'x\\'", ["no meaning"]),
        ("1" * 19, ["18 digits"]),
        ("[x for x in y]", ["'['"]),
        ("lambda", ["no loops"]),
        ("amount; cost", ["';'"]),
        ("amount\x00", ["no meaning"]),
        ("äpfel", ["no meaning"]),
        ("and", ["word of the language"]),
    ],
)
def test_what_the_language_does_not_have_is_refused_where_it_stands(text, names):
    refused(text, *names)


def test_all_flaws_are_told_at_once():
    error = refused("amonut > 5 and sgment == 'x' and amount + units > 0")
    assert len(error.problems) == 3


def test_a_measure_that_must_give_money_does():
    refused("units", "count", "money is needed", gives="money")
    assert comp.Expression(text="5", gives="money").result_kind == "ratio"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("(" * 5000 + "1" + ")" * 5000, "nesting"),
        ("(" * 33 + "1" + ")" * 33, "nesting"),
        ("-" * 40 + "1", "nesting"),
        ("not " * 40 + "true", "nesting"),
        ("+".join(["1"] * 300), "512 parts"),
        ("1 in (" + ",".join(["1"] * 600) + ")", "512 parts"),
        ("1 +" + " " * 5000 + "1", "4,096 characters"),
    ],
)
def test_size_is_bounded(text, word):
    refused(text, word)


def test_the_largest_expression_is_read():
    chain = "+".join(["1"] * 256)
    assert comp.Expression(text=chain).evaluate() == 256
    deep = "(" * 32 + "1" + ")" * 32
    assert comp.Expression(text=deep).evaluate() == 1


@pytest.mark.parametrize("text", ["(" * 100_000, "x" * 100_000, "'" * 4_000, "1 in (" * 600])
def test_hostile_text_is_refused(text):
    refused(text)


def test_long_products_stay_exact():
    assert comp.Expression(text="*".join(["9" * 18] * 200)).evaluate() == (10**18 - 1) ** 200


def test_division_by_zero_has_no_value_and_says_why():
    with pytest.raises(InvalidInput) as caught:
        worth("amount / units", units=0)
    for word in ("amount / units", "units is 0", "units = 0"):
        assert word in str(caught.value)


def test_a_missing_value_has_no_value_and_says_which():
    with pytest.raises(InvalidInput, match="margin is missing"):
        worth("amount * margin", margin=None)
    with pytest.raises(InvalidInput, match=r"row\.units: is not given"):
        comp.Expression(text="units + 1", fields=FIELDS).evaluate({"unit": 1})


@pytest.mark.parametrize(
    "text",
    [
        "units > 0 and amount / units > 5",
        "units == 0 or amount / units > 5",
        "if(units > 0, amount / units > 5, true)",
        "missing(margin) or margin > 0",
        "coalesce(margin, 0) == 0",
    ],
)
def test_what_is_not_needed_holds_nothing_up(text):
    worth(text, units=0, margin=None)


def test_formulas_that_refer_to_each_other_in_a_ring_are_refused():
    _, faults = ordered({"base": "bonus * 2", "bonus": "base / 2"}, {}, "$.measures")
    assert faults[0].values == ("base -> bonus -> base",)


def test_formulas_may_use_each_other():
    done, faults = ordered({"net": "amount - cost", "half": "net / 2"}, FIELDS, "$.measures")
    assert [name for name, _ in done] == ["net", "half"]
    assert done[1][1].kind == "money"
    assert not faults


def test_an_expression_travels_as_a_document():
    rule = comp.Expression(text="amount > 5", fields={"amount": "money"}, gives="truth")
    assert comp.Expression.from_json(rule.to_json()) == rule


def test_a_field_that_no_expression_can_name_is_refused():
    refused("1", "two words", fields={"two words": "money"})
    refused("1", "'min'", fields={"min": "money"})


class Held(Exception):
    pass


def divide(a, b):
    if b == 0:
        raise Held
    return a / b


def extended(numbers, truths):
    """Grow expressions with the functions that work them out in plain Python."""
    signs = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
    }

    def binary(op, function):
        return st.builds(
            lambda a, b: (f"({a[0]} {op} {b[0]})", lambda row: function(a[1](row), b[1](row))),
            numbers,
            numbers,
        )

    more_numbers = st.one_of(
        binary("+", lambda a, b: a + b),
        binary("-", lambda a, b: a - b),
        binary("*", lambda a, b: a * b),
        binary("/", divide),
        st.builds(lambda a: (f"-{a[0]}", lambda row: -a[1](row)), numbers),
        st.builds(lambda a: (f"abs({a[0]})", lambda row: abs(a[1](row))), numbers),
        st.builds(lambda a: (f"floor({a[0]})", lambda row: Fraction(a[1](row) // 1)), numbers),
        st.builds(
            lambda a, b: (f"max({a[0]}, {b[0]})", lambda row: max(a[1](row), b[1](row))), numbers, numbers
        ),
        st.builds(
            lambda c, a, b: (
                f"if({c[0]}, {a[0]}, {b[0]})",
                lambda row: a[1](row) if c[1](row) else b[1](row),
            ),
            truths,
            numbers,
            numbers,
        ),
    )
    more_truths = st.one_of(
        *(binary(op, function) for op, function in signs.items()),
        st.builds(lambda a: (f"(not {a[0]})", lambda row: not a[1](row)), truths),
        st.builds(lambda a, b: (f"({a[0]} and {b[0]})", lambda row: a[1](row) and b[1](row)), truths, truths),
        st.builds(lambda a, b: (f"({a[0]} or {b[0]})", lambda row: a[1](row) or b[1](row)), truths, truths),
    )
    return more_numbers, more_truths


def written():
    literal = st.sampled_from(["0", "1", "2.5", "0.05", "999999999999.99"])
    numbers = st.one_of(
        st.sampled_from(["x", "y", "z"]).map(lambda name: (name, lambda row: row[name])),
        literal.map(lambda text: (text, lambda row: Fraction(text))),
    )
    truths = st.sampled_from([("true", lambda row: True), ("false", lambda row: False)])
    for _ in range(3):
        numbers, truths = (
            st.one_of(old, new) for old, new in zip((numbers, truths), extended(numbers, truths), strict=True)
        )
    return st.one_of(numbers, truths)


@settings(max_examples=300)
@given(
    written(),
    st.lists(
        st.tuples(*[st.fractions(max_denominator=100).map(lambda f: f * 10**3)] * 3), min_size=1, max_size=4
    ),
    st.integers(0, 40),
)
def test_columns_agree_with_plain_fractions(expression, rows, power):
    text, function = expression
    rows = [tuple(value * 10 ** (power // 2) for value in row) for row in rows]
    kinds = dict.fromkeys("xyz", "ratio")
    program, flaws = parse(text, kinds)
    assert not flaws
    columns = {name: exact.of_fractions([row[k] for row in rows], 1) for k, name in enumerate("xyz")}
    answer = evaluate(program, columns, len(rows)).column
    for k, row in enumerate(rows):
        try:
            expected = function(dict(zip("xyz", row, strict=True)))
        except Held:
            assert answer.held[k] > 0
            continue
        assert answer.held[k] == 0
        found = answer.values[k]
        assert expected == (
            bool(found) if isinstance(expected, bool) else Fraction(int(found), int(answer.over[k]))
        )


@settings(max_examples=300)
@given(st.text(alphabet="xy 01.+-*/()<>='\",andotifm%[]{}\\\n", max_size=60))
def test_no_text_brings_anything_but_a_value_or_a_refusal(text):
    program, flaws = parse(text, {"x": "money", "y": "text"})
    if flaws:
        with pytest.raises(InvalidInput):
            comp.Expression(text=text, fields={"x": "money", "y": "text"})
        return
    columns = {
        "x": exact.of_fractions([Fraction(1), None], 1),
        "y": exact.Column(np.array(["a", ""], dtype=object), np.ones(1, np.int64), np.zeros(1, np.int64)),
    }
    assert len(evaluate(program, {n: columns[n] for n in program.names}, 2).column.values) == 2


def test_values_beyond_64_bits_stay_exact():
    text = "x * x * x - x * x * x + x"
    program, _ = parse(text, {"x": "ratio"})
    value = Fraction(10**18 - 1, 7)
    answer = evaluate(program, {"x": exact.of_fractions([value, Fraction(1, 3)], 1)}, 2).column
    found = [Fraction(int(a), int(b)) for a, b in zip(answer.values, answer.over, strict=True)]
    assert found == [value, Fraction(1, 3)]
