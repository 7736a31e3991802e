"""Documents: what is read, what is refused and how the refusal reads, round trips and schemas."""

from __future__ import annotations

import json
import pickle
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs
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
    "a value below its bound": (
        '{"schema_version": 1, "tiers": [{"from": "0", "rate": "-0.05"}]}',
        ["$.tiers[0].rate", "0 or more", "'-0.05'"],
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
    assert "max_depth" in str(_refusal(Limits, max_depth=65))
    assert "max_items" in str(_refusal(Limits, max_items=0))
    assert "10**18" in str(_refusal(Limits, max_amount=10**19))


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


def _spoiled(document: Any, path: list[int], bad: Any) -> Any:
    """Put a value at some place of a document."""
    if not path or not isinstance(document, (dict, list)) or not document:
        return bad
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = keys[path[0] % len(keys)]
    if path[0] % 7 == 6 and isinstance(document, dict):
        return {k: v for k, v in document.items() if k != key}
    copy = document.copy()
    copy[key] = _spoiled(document[key], path[1:], bad)
    return copy


SPOILABLE = [
    (Plan, GOOD),
    (Scheme, {"schema_version": 3, "name": "n", "cap": "9", "tiers": GOOD["tiers"]}),
    (
        Scheme,
        {"schema_version": 1, "title": "n", "components": [{"kind": "commission", "tiers": GOOD["tiers"]}]},
    ),
]
junk = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just("commission")
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.sampled_from(SPOILABLE),
    st.lists(st.tuples(st.lists(st.integers(0, 20), max_size=5), junk), max_size=3),
)
def test_no_spoiled_document_brings_up_anything_but_our_refusal(case: Any, changes: Any) -> None:
    model, document = case
    for path, bad in changes:
        document = _spoiled(document, path, bad)
    for read, form in ((model.from_dict, document), (model.from_json, json.dumps(document))):
        try:
            value = read(form)
        except InvalidInput as error:
            paths = _paths(error)
        else:
            paths = ["$"]
            assert model.from_dict(value.to_dict()) == value
        assert paths
        assert all(path.startswith("$") for path in paths)


@given(st.one_of(st.text(), st.binary(), st.text(alphabet='{}[]",:0eE.-"\\ tu'), st.none(), st.integers()))
def test_no_text_brings_up_anything_but_our_refusal(text: Any) -> None:
    assert _refusal(Plan.from_json, text).problems


def test_schemas_are_valid_and_reject_the_obvious() -> None:
    for model in (Plan, Scheme):
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


@attrs.frozen(kw_only=True)
class Bare(Model):
    first: int = 1


def test_a_class_without_words_of_its_own_has_its_name() -> None:
    assert Bare.json_schema()["description"] == "Bare."


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
