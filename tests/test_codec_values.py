"""Values in documents: which texts and numbers are exact, what an id may be, round trips of every type."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pickle
from collections.abc import Hashable, Mapping
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

from salesops._codec import Model, about
from salesops.errors import InvalidInput


@attrs.frozen(kw_only=True)
class Tier(Model):
    """One step of a rate table."""

    start: Decimal = attrs.field(metadata=about("Where the step begins", name="from", minimum=0))
    rate: Fraction = attrs.field(metadata=about("What is paid on it", minimum=0))


@attrs.frozen(kw_only=True)
class Commission(Model):
    """A share of what is sold."""

    kind: ClassVar[str] = "commission"

    tiers: tuple[Tier, ...]


@attrs.frozen(kw_only=True)
class Cap(Model):
    """The most that is paid."""

    kind: ClassVar[str] = "cap"

    amount: Decimal = attrs.field(metadata=about("The most", above=0))


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


SCHEMA = Draft202012Validator(Everything.json_schema())


def _refusal(call: Any, *args: Any, **options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        call(*args, **options)
    return caught.value


def _paths(error: InvalidInput) -> list[str]:
    return [problem.path for problem in error.problems]


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


def test_values_are_frozen_and_hashable() -> None:
    thing = Everything.from_dict(_everything(weights={"a": "0.5"}))
    assert len({thing, Everything.from_dict(_everything(weights={"a": "0.5"}))}) == 1
    with pytest.raises(TypeError):
        thing.weights["a"] = Fraction(1)  # type: ignore[index]
    assert pickle.loads(pickle.dumps(thing)) == thing


amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=6, allow_nan=False)
rates = st.fractions(min_value=-100, max_value=100, max_denominator=10**6)
ids = st.one_of(st.text(min_size=1, max_size=9).filter(lambda s: s.isprintable()), st.integers())
commissions = st.lists(st.builds(Tier, start=amounts.map(abs), rate=rates.map(abs)), max_size=4).map(
    lambda tiers: Commission(tiers=tiers)
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
