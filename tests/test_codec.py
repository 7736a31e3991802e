"""Documents: what is read, what is refused and how the refusal reads, round trips and schemas."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pickle
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from salesops._codec import CURRENCY, Limits, Model, ShortForm, about
from salesops.errors import InternalError, InvalidInput, Problem


@attrs.frozen(kw_only=True)
class Tier(Model):
    """One step of a rate table."""

    start: Decimal = attrs.field(metadata=about("Where the step begins", name="from", minimum=0))
    rate: Fraction = attrs.field(metadata=about("What is paid on it", minimum=0))


def _order_faults(tiers: Any) -> Iterator[Problem]:
    last = None
    for k, tier in enumerate(tiers or ()):
        if tier.start is None:
            continue
        if k == 0 and tier.start != 0:
            yield Problem(
                path="tiers[0].from", message="the first tier begins at 0", values=(str(tier.start),)
            )
        if last is not None and tier.start <= last:
            yield Problem(path=f"tiers[{k}].from", message="tiers rise", values=(str(tier.start),))
        last = tier.start


@attrs.frozen(kw_only=True)
class Plan(Model):
    """A plan of one rate table."""

    schema_version: ClassVar[int] = 1

    plan_id: Hashable = attrs.field(default="plan", metadata=about("Whose documents these are"))
    currency: str = attrs.field(default="USD", metadata=about("Currency of all amounts", form=CURRENCY))
    cap: Decimal | None = attrs.field(default=None, metadata=about("Never more than this", minimum=0))
    tiers: tuple[Tier, ...] = attrs.field(metadata=about("The rate table, rising", min_items=1))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from _order_faults(known.tiers)


@attrs.frozen(kw_only=True)
class Commission(Model):
    """A share of what is sold."""

    kind: ClassVar[str] = "commission"

    basis: Literal["amount", "attainment"] = attrs.field(default="amount", metadata=about("Share of what"))
    tiers: tuple[Tier, ...] = attrs.field(metadata=about("The rate table", min_items=1))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from _order_faults(known.tiers)


@attrs.frozen(kw_only=True)
class Cap(Model):
    """The most that is paid."""

    kind: ClassVar[str] = "cap"

    amount: Decimal = attrs.field(metadata=about("The most", above=0))


@attrs.frozen(kw_only=True)
class Scheme(Model):
    """Several components, or one commission written at the top."""

    schema_version: ClassVar[int] = 3
    _migrations: ClassVar[Mapping[int, Any]] = {
        1: lambda old: {"name": old.pop("title"), **old},
        2: lambda old: {key: value for key, value in old.items() if key != "colour"},
    }
    _short_form: ClassVar[ShortForm] = ShortForm(
        "components", {**ShortForm.of("components", Commission).entries, "cap": (Cap, "amount")}
    )

    name: str = attrs.field(metadata=about("What it is called"))
    components: tuple[Commission | Cap, ...] = attrs.field(metadata=about("What is paid", min_items=1))


@attrs.frozen(kw_only=True)
class Everything(Model):
    """A field of every type."""

    text: str
    whole: int = attrs.field(metadata=about("", minimum=-5, below=10**6))
    real: float
    flag: bool
    amount: Decimal
    rate: Fraction
    day: dt.date
    owner_id: Hashable
    person_id: Hashable = attrs.field(default=None, metadata=about("", same_as="owner_id"))
    choice: Literal["a", "b"] = "a"
    maybe: dt.date | None = None
    notes: tuple[str, ...] = ()
    weights: Mapping[str, Fraction] = attrs.field(factory=dict)
    child: Everything | None = None
    part: Commission | Cap | None = None


GOOD = {"schema_version": 1, "tiers": [{"from": "0", "rate": "0.1"}]}


def _refusal(call: Any, *args: Any, **options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        call(*args, **options)
    return caught.value


def _paths(error: InvalidInput) -> list[str]:
    return [problem.path for problem in error.problems]


def _tiers(n: int) -> list[dict[str, str]]:
    return [{"from": str(100 * k), "rate": "0.1"} for k in range(n)]


# Each line: a document, and the words that its refusal must contain.
REFUSED: dict[str, tuple[str | bytes, list[str]]] = {
    "a key twice": (
        '{"schema_version": 1, "tiers": [{"from": "0", "rate": "0.1", "rate": "0.9"}]}',
        ["$.tiers[0].rate", "'0.1'", "'0.9'"],
    ),
    "NaN": ('{"schema_version": 1, "cap": NaN, "tiers": [{"from": "0", "rate": "0.1"}]}', ["NaN", "$.cap"]),
    "Infinity": ('{"schema_version": 1, "cap": -Infinity, "tiers": []}', ["-Infinity", "$.cap", "$.tiers"]),
    "an exponent no decimal can hold": (
        '{"schema_version": 1, "cap": 1E99999999999999999999, "tiers": []}',
        ["$.cap", "1E99999999999999999999"],
    ),
    "a hundred thousand brackets": ("[" * 100_000, ["nesting", "100000 deep"]),
    "brackets hidden behind a text": ('{"a\\\\": "\\"[[[", "b": ' + "[" * 40, ["nesting", "41 deep"]),
    "an integer of five thousand digits": (
        '{"schema_version": 1, "cap": ' + "9" * 5000 + ', "tiers": []}',
        ["$.cap", "5000"],
    ),
    "three hundred thousand tiers": (
        json.dumps({"schema_version": 1, "tiers": _tiers(300_000)}),
        ["$.tiers", "300000"],
    ),
    "more tiers than a list may have": (
        json.dumps({"schema_version": 1, "tiers": _tiers(1001)}),
        ["$.tiers", "at most 1000", "1001"],
    ),
    "an unknown field": (
        '{"schema_version": 1, "teirs": [{"from": "0", "rate": "0.1"}]}',
        ["$.teirs", "did you mean 'tiers'?"],
    ),
    "no schema version": ('{"tiers": [{"from": "0", "rate": "0.1"}]}', ["$.schema_version"]),
    "the future": (
        '{"schema_version": 999, "tiers": [{"from": "0", "rate": "0.1"}]}',
        ["999", "$.schema_version"],
    ),
    "a version that is no number": ('{"schema_version": "1", "tiers": []}', ["$.schema_version", "'1'"]),
    "a list at the top": ("[1, 2, 3]", ["list", "$"]),
    "not UTF-8": (b"\xff\xfe\x00\x7b", ["UTF-8"]),
    "a raw surrogate": ('{"plan_id": "\ud800"}', ["UTF-8"]),
    "a lone surrogate in an id": (
        '{"schema_version": 1, "plan_id": "\\ud800", "tiers": [{"from": "0", "rate": "0.1"}]}',
        ["$.plan_id", "ud800"],
    ),
    "a lone surrogate in a name": ('{"schema_version": 1, "\\ud800": 1, "tiers": []}', ["ud800", "$.tiers"]),
    "everything at once": (
        '{"schema_version": 1, "currency": "usd", "cap": "-1", "tiers": [{"from": "5", "rate": "x"}, '
        '{"from": "1", "rate": "0.1", "colour": "red"}]}',
        ["$.currency", "$.cap", "$.tiers[0].from", "$.tiers[0].rate", "$.tiers[1].from", "$.tiers[1].colour"],
    ),
    "no JSON at all": ("{'tiers': 1}", ["not JSON", "line 1, column 2"]),
    "nothing": ("", ["not JSON"]),
    "something behind the document": (json.dumps(GOOD) + "x", ["not JSON"]),
    "a number that is not text": (
        '{"schema_version": 1, "tiers": [{"from": "0", "rate": 0.1}]}',
        ["$.tiers[0].rate", "0.1", "float", "Decimal('0.1')"],
    ),
    "a name in the words of Python": (
        '{"schema_version": 1, "tiers": [{"start": "0", "rate": "0"}]}',
        ["$.tiers[0].start", "did you mean 'from'?"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_document_is_refused_with_path_and_value(case: str) -> None:
    text, names = REFUSED[case]
    error = _refusal(Plan.from_json, text)
    for name in names:
        assert name in str(error)
    str(error).encode()
    restored = pickle.loads(pickle.dumps(error))
    assert (str(restored), restored.problems) == (str(error), error.problems)


def test_all_six_faults_come_in_one_error_and_no_more() -> None:
    error = _refusal(Plan.from_json, REFUSED["everything at once"][0])
    assert len(error.problems) == 6


def test_the_message_says_what_is_wrong_where_and_what_to_do() -> None:
    document = {"schema_version": 1, "tiers": [{"from": "0", "rate": 0.1, "colour": "red"}], "teir": 1}
    assert str(_refusal(Plan.from_dict, document)) == (
        "Plan: 3 problems\n"
        "- $.tiers[0].rate: an exact number is never a binary float (0.1); "
        "write it as text '0.1' or Decimal('0.1')\n"
        "- $.tiers[0].colour: unknown field\n"
        "- $.teir: unknown field; did you mean 'tiers'?"
    )


HOSTILE = {
    "many small lists": "[" + "[]," * (8 * 2**20 // 3 - 1) + "0]",
    "many small objects": "[" + '{"":0},' * (8 * 2**20 // 7 - 1) + "0]",
    "quotes only": '"' * (8 * 2**20),
    "escaped quotes": '"' + '\\"' * (4 * 2**20 - 1),
    "one long number": "9" * (8 * 2**20),
    "one long text": '{"schema_version": 1, "currency": "' + "A" * (8 * 2**20 - 100) + '"}',
    "far too long": " " * (40 * 2**20),
    "unknown names": json.dumps({f"x{k}": 0 for k in range(90_000)}),
    "empty tiers": json.dumps({"schema_version": 1, "tiers": [{}] * 1000, "x": [[{}] * 900] * 100}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_document_is_refused_without_working_through_it(case: str) -> None:
    error = _refusal(Plan.from_json, HOSTILE[case])
    assert len(error.problems) < 2100
    assert len(str(error)) < 4000


def test_depth_and_size_are_limited_for_mappings_too() -> None:
    ring: dict[str, Any] = {}
    ring["again"] = ring
    assert "nesting" in str(_refusal(Plan.from_dict, ring))
    assert "100000 values" in str(_refusal(Plan.from_dict, {"x": [0] * 200_000}))


def test_limits_are_options() -> None:
    document = {"schema_version": 1, "tiers": _tiers(1001)}
    assert len(Plan.from_dict(document, limits=Limits(max_items=2000)).tiers) == 1001
    assert "at most 10 bytes" in str(_refusal(Plan.from_json, json.dumps(GOOD), limits=Limits(max_bytes=10)))
    assert "max_depth" in str(_refusal(Limits, max_depth=101))
    assert "max_items" in str(_refusal(Limits, max_items=0))
    assert "10**18" in str(_refusal(Limits, max_amount=10**19))


@pytest.mark.parametrize(
    "value",
    [
        0.1, float("nan"), float("inf"), True, None, "", " 1", "1 ", "+5", "1e3", "0x10", "1_000", "1,000.00",
        ".5", "5.", "\u0967\u0968", "\uff11", "\xa012", "NaN", "Infinity", "-", "1e1000000", "1" * 19,
        "0." + "1" * 19, 10**18, -(10**18), 10**5000, Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"),
        Decimal("1e1000000"), Decimal("1e-1000000"), np.float64(0.1), np.bool_(True), b"1", [1], {}, "1\n",
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else str(value.bit_length()),
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused(value: object) -> None:
    error = _refusal(Cap.from_dict, {"amount": value})
    assert _paths(error) == ["$.amount"]
    assert error.problems[0].values


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("12.50", "12.50"), (12, "12"), (Decimal("12.5"), "12.5"), ("007", "7"), (Decimal("1E+3"), "1000"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        (np.int64(3), "3"),
    ],
)  # fmt: skip
def test_an_amount_is_read_exactly(value: object, amount: str) -> None:
    assert Cap.from_dict({"amount": value}).amount == Decimal(amount)


def test_a_hostile_decimal_context_changes_nothing() -> None:
    with decimal.localcontext() as context:
        context.prec = 2
        context.traps[decimal.Inexact] = context.traps[decimal.FloatOperation] = True
        cap = Cap.from_dict({"amount": "1000000000000000.01"})
        assert cap.to_dict()["amount"] == "1000000000000000.01"
        assert "float" in str(_refusal(Cap, amount=0.1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.05", "0.05"), ("1/3", "1/3"), (Fraction(1, 20), "0.05"), (Decimal("0.10"), "0.1"), (2, "2"),
        (Fraction(7, 8), "0.875"), (Fraction(10), "10"), ("100/7", "100/7"),
        (Fraction(1, 2**40), f"1/{2**40}"),
    ],
)  # fmt: skip
def test_a_rate_is_read_exactly_and_written_as_text(value: object, text: str) -> None:
    tier = Tier(start=0, rate=value)
    assert tier.to_dict()["rate"] == text
    assert Tier.from_dict(tier.to_dict()) == tier


@pytest.mark.parametrize(
    "value", [0.05, True, "1/0", "1/-3", "1/3/4", "5%", "x", "", None, Fraction(1, 3**60)]
)
def test_what_is_no_exact_rate_is_refused(value: object) -> None:
    assert _paths(_refusal(Tier, start=0, rate=value)) == ["rate"]


def _everything(**changes: Any) -> dict[str, Any]:
    base = {
        "text": "t", "whole": 1, "real": 1.5, "flag": True, "amount": "1.0", "rate": "1/3",
        "day": "2024-02-29", "owner_id": 7,
    }  # fmt: skip
    return {**base, **changes}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 1), ("text", None), ("text", b"t"), ("whole", 1.0), ("whole", True), ("whole", "1"),
        ("whole", 10**6), ("whole", -6), ("whole", 10**30), ("real", "1"), ("real", float("nan")),
        ("real", 10**400), ("real", True), ("flag", 1), ("flag", "true"), ("day", "2024-2-9"),
        ("day", "20240229"), ("day", "2023-02-29"), ("day", dt.datetime(2024, 1, 1)), ("day", 20240101),
        ("day", np.datetime64("2024-01-01")), ("day", pd.Timestamp("2024-01-01")), ("owner_id", None),
        ("owner_id", ""), ("owner_id", float("nan")), ("owner_id", True), ("owner_id", pd.NA),
        ("owner_id", pd.NaT), ("owner_id", [1]), ("owner_id", np.bool_(False)), ("choice", "c"),
        ("choice", []),
        ("maybe", "soon"), ("notes", "abc"), ("notes", [1]), ("weights", []), ("weights", {"a": 0.5}),
        ("weights", {1: "1"}), ("child", {"text": "x"}), ("part", {"kind": "gap"}), ("part", {}), ("part", 3),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_refused_where_it_stands(field: str, value: object) -> None:
    if field == "owner_id":
        expected = ["$.owner_id"]
        document = _everything(owner_id=value, person_id="p")
        assert _paths(_refusal(Everything.from_dict, document)) == expected
    error = _refusal(Everything.from_dict, _everything(**{field: value}))
    assert all(path.startswith(f"$.{field}") for path in _paths(error))


def test_an_unknown_kind_lists_the_kinds() -> None:
    error = _refusal(Everything.from_dict, _everything(part={"kind": "comission"}))
    assert str(error.problems[0].sentence()) == (
        "$.part.kind: unknown kind ('comission'); "
        "choose one of 'commission', 'cap'; did you mean 'commission'?"
    )


def test_an_id_keeps_its_type() -> None:
    text, whole = (Everything.from_dict(_everything(owner_id=value)) for value in ("1", 1))
    assert text.owner_id == "1"
    assert whole.owner_id == 1
    assert text != whole
    assert type(Everything.from_dict(_everything(owner_id=np.int64(1))).owner_id) is int


def test_a_field_may_default_to_another_one() -> None:
    assert Everything.from_dict(_everything()).person_id == 7
    assert Everything.from_dict(_everything(person_id="p")).person_id == "p"


def test_an_id_that_json_cannot_carry_is_refused_on_the_way_out() -> None:
    thing = Everything.from_dict(_everything(owner_id=("a", 1), child=_everything()))
    assert _paths(_refusal(thing.to_dict)) == ["$.owner_id", "$.person_id"]


def test_a_constructor_reports_all_its_faults_by_argument() -> None:
    assert _paths(_refusal(Tier, start="x", rate=0.1)) == ["start", "rate"]
    assert _paths(_refusal(Plan, currency="usd", tiers=[{"from": "5", "rate": "x"}])) == [
        "currency",
        "tiers[0].rate",
        "tiers[0].from",
    ]


def test_a_constructor_takes_mappings_for_its_parts() -> None:
    plan = Plan(tiers=[{"from": "0", "rate": "0.1"}, Tier(start=10, rate="0.2")])
    assert plan.tiers[1].start == 10
    assert isinstance(plan.tiers, tuple)
    assert attrs.evolve(plan, currency="EUR").currency == "EUR"
    assert "currency" in str(_refusal(attrs.evolve, plan, currency="eur"))


def test_values_are_frozen_and_hashable() -> None:
    thing = Everything.from_dict(_everything(weights={"a": "0.5"}))
    assert len({thing, Everything.from_dict(_everything(weights={"a": "0.5"}))}) == 1
    with pytest.raises(TypeError):
        thing.weights["a"] = Fraction(1)  # type: ignore[index]
    assert pickle.loads(pickle.dumps(thing)) == thing


def test_reading_does_not_change_the_document() -> None:
    document = json.loads(
        '{"schema_version": 3, "name": "n", "tiers": [{"from": "0", "rate": "0.1"}], "cap": "9"}'
    )
    before = json.dumps(document)
    Scheme.from_dict(document)
    assert json.dumps(document) == before


def test_a_short_form_is_written_out() -> None:
    document = {"schema_version": 3, "name": "n", "cap": "9", "tiers": [{"from": "0", "rate": "0.1"}]}
    scheme = Scheme.from_dict(document)
    assert scheme.components == (Commission(tiers=[{"from": 0, "rate": "0.1"}]), Cap(amount=9))
    Draft202012Validator(Scheme.json_schema()).validate(document)


def test_faults_of_a_short_form_stand_where_the_user_wrote_them() -> None:
    document = {
        "schema_version": 3, "name": "n", "cap": 0, "basis": "amonut", "tier": 1,
        "tiers": [{"from": "0", "rate": 0.1}, {"from": "0", "rate": "0"}],
    }  # fmt: skip
    error = _refusal(Scheme.from_dict, document)
    assert _paths(error) == ["$.basis", "$.tiers[0].rate", "$.tiers[1].from", "$.cap", "$.tier"]
    assert error.problems[-1].suggestions == ("'tiers'",)
    assert _paths(_refusal(Scheme.from_dict, {"schema_version": 3, "name": "n", "basis": "amount"})) == [
        "$.tiers"
    ]


def test_short_and_long_form_do_not_mix() -> None:
    document = {"schema_version": 3, "name": "n", "components": [{"kind": "cap", "amount": "1"}], "tiers": []}
    error = _refusal(Scheme.from_dict, document)
    assert _paths(error) == ["$.tiers"]
    assert error.problems[0].suggestions == ()


def test_a_document_of_an_older_version_loads() -> None:
    old = {"schema_version": 1, "title": "n", "colour": "red", "components": [{"kind": "cap", "amount": "1"}]}
    assert Scheme.from_dict(old) == Scheme(name="n", components=[Cap(amount=1)])


def test_a_document_of_an_older_version_that_cannot_be_brought_up_is_refused() -> None:
    assert "$: is no whole document of version 1" in str(_refusal(Scheme.from_dict, {"schema_version": 1}))


amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=6, allow_nan=False)
rates = st.fractions(min_value=-100, max_value=100, max_denominator=10**6)
ids = st.one_of(st.text(min_size=1, max_size=9).filter(lambda s: s.isprintable()), st.integers())
tiers = st.builds(Tier, start=amounts.map(abs), rate=rates.map(abs))
commissions = st.lists(st.tuples(st.integers(1, 999), rates.map(abs)), min_size=1, max_size=4).map(
    lambda rows: Commission(
        tiers=[Tier(start=sum(step for step, _ in rows[:k]), rate=rate) for k, (_, rate) in enumerate(rows)]
    )
)
parts = st.one_of(st.none(), commissions, st.builds(Cap, amount=amounts.map(lambda a: abs(a) + 1)))
things = st.builds(
    Everything, text=st.text(max_size=9).filter(lambda s: s.isprintable()), whole=st.integers(-5, 999_999),
    real=st.floats(allow_nan=False, allow_infinity=False), flag=st.booleans(), amount=amounts, rate=rates,
    day=st.dates(), owner_id=ids, person_id=ids, choice=st.sampled_from(["a", "b"]),
    maybe=st.one_of(st.none(), st.dates()), notes=st.lists(st.sampled_from(["x", "é", ""])),
    weights=st.dictionaries(st.sampled_from(["a", "b c", "ü"]), rates), part=parts,
)  # fmt: skip


@given(things, st.one_of(st.none(), things))
def test_every_value_survives_json_and_fits_its_schema(thing: Everything, child: Everything | None) -> None:
    thing = attrs.evolve(thing, child=child)
    document = thing.to_dict()
    assert Everything.from_dict(json.loads(json.dumps(document))) == thing
    assert Everything.from_json(thing.to_json(indent=1)) == thing
    SCHEMA.validate(document)


SCHEMA = Draft202012Validator(Everything.json_schema())


def test_schemas_are_valid_and_reject_the_obvious() -> None:
    for model in (Plan, Scheme, Everything):
        Draft202012Validator.check_schema(model.json_schema())
    validator = Draft202012Validator(Plan.json_schema())
    assert validator.is_valid(GOOD)
    tier = {"from": "0", "rate": "0.1"}
    for bad in (
        {}, {**GOOD, "teirs": []}, {**GOOD, "schema_version": 2}, {**GOOD, "plan_id": ""},
        {**GOOD, "currency": "usd"}, {**GOOD, "cap": "-1"},
        {**GOOD, "cap": -1}, {**GOOD, "tiers": []}, {**GOOD, "tiers": [{**tier, "rate": 0.1}]},
        {**GOOD, "tiers": [{**tier, "rate": "5%"}]}, {**GOOD, "tiers": [{"from": "0"}]},
        {**GOOD, "tiers": [tier] * 1001}, {"tiers": [tier]},
    ):  # fmt: skip
        assert not validator.is_valid(bad), bad
    scheme = Draft202012Validator(Scheme.json_schema())
    assert not scheme.is_valid({"schema_version": 3, "name": "n", "components": [{"amount": "1"}]})
    assert not scheme.is_valid({"schema_version": 3, "name": "n", "components": [{"kind": "gap"}]})
    assert not scheme.is_valid({"schema_version": 3, "name": "n"})


def test_a_schema_describes_its_fields_and_says_their_defaults() -> None:
    schema = Plan.json_schema()
    assert schema["title"] == "Plan"
    assert schema["properties"]["currency"] == {
        "description": "Currency of all amounts",
        "type": "string",
        "pattern": "^(?:[A-Z]{3})$",
        "default": "USD",
    }
    assert schema["properties"]["tiers"]["items"] == {"$ref": "#/$defs/Tier"}


def test_documents_carry_version_and_kind_and_leave_out_what_is_not_set() -> None:
    assert Plan(tiers=[Tier(start=0, rate="0.1")]).to_dict() == {
        "schema_version": 1,
        "plan_id": "plan",
        "currency": "USD",
        "tiers": [{"from": "0", "rate": "0.1"}],
    }
    assert Cap(amount="1.50").to_dict() == {"kind": "cap", "amount": "1.50"}


def test_a_class_that_the_codec_cannot_carry_is_a_defect() -> None:
    with pytest.raises(InternalError):
        Misnamed.json_schema()
    with pytest.raises(InternalError):
        Mistyped.json_schema()


@attrs.frozen(kw_only=True)
class Misnamed(Model):
    """Two fields of one name."""

    first: str = attrs.field(metadata=about("", name="second"))
    second: str


@attrs.frozen(kw_only=True)
class Mistyped(Model):
    """A field that no document can hold."""

    items: set[str]
