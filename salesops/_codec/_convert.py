"""The cattrs converter: which hook reads and writes which type of field.

A hook reads one value or raises `Unreadable` with every fault in it, paths relative to that value. Hooks of
composite types read all their parts, gather the faults, put their own step before each path, and raise once.
"""

from __future__ import annotations

import datetime as dt
import functools
import types
import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Union

import cattrs

from salesops._codec import _values
from salesops._codec._fields import MAX_AMOUNT, Limits, Record, is_record, key_path
from salesops._codec._gather import Fault, Gather, Unreadable, refused, unknown_choice
from salesops._codec._records import Hook, Known, Reader, add_repeated, unstructure
from salesops.errors import InternalError, Problem

Writer = Callable[[Any], Any]

_FAULTS_READ = 1_000


class FrozenMap(dict[str, Any]):
    """A mapping that stays as it is and can be hashed."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenMap, (dict(self),)

    def _refuse(self, *_: Any, **__: Any) -> typing.NoReturn:
        raise TypeError("this mapping belongs to a frozen value")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


@functools.cache
def converter(limits: Limits | None) -> cattrs.Converter:
    """Make the converter for documents within these limits; None is for values born in Python."""
    made = cattrs.Converter(detailed_validation=False)
    max_items = None if limits is None else limits.max_items
    amount = functools.partial(_amount_below, MAX_AMOUNT if limits is None else limits.max_amount)
    for type_, reader, writer in (
        (str, _values.read_text, _as_it_is),
        (bool, _values.read_flag, _as_it_is),
        (int, _values.read_whole, _as_it_is),
        (float, _values.read_real, _as_it_is),
        (Decimal, amount, _values.write_amount),
        (Fraction, _values.read_rate, _values.write_rate),
        (dt.date, _values.read_day, _values.write_day),
    ):
        made.register_structure_hook(type_, reader)
        made.register_unstructure_hook(type_, writer)
    made.register_structure_hook_func(_is_id, _values.read_id)
    made.register_unstructure_hook_func(_is_id, _values.write_id)
    made.register_structure_hook_factory(_is_choice, _choice_reader)
    made.register_unstructure_hook_func(_is_choice, _as_it_is)
    for is_kind, read_by, write_by in (
        (_is_union, _union_reader, _union_writer),
        (_is_tuple, _tuple_reader, _tuple_writer),
        (_is_mapping, _mapping_reader, _mapping_writer),
    ):
        made.register_structure_hook_factory(is_kind, functools.partial(read_by, made))
        made.register_unstructure_hook_factory(is_kind, functools.partial(write_by, made))
    made.register_structure_hook_factory(is_record, lambda type_: Reader(type_, made, max_items).structure)
    made.register_unstructure_hook_factory(
        is_record, lambda type_: functools.partial(unstructure, type_, made)
    )
    return made


def reader_of(record: type[Record], limits: Limits | None) -> Reader:
    """Return the reader of one class."""
    reader: Reader = converter(limits).get_structure_hook(record).__self__  # type: ignore[attr-defined]
    return reader


def _is_id(type_: Any) -> bool:
    return type_ is Hashable


def _as_it_is(value: Any) -> Any:
    return value


def _is_union(type_: Any) -> bool:
    return typing.get_origin(type_) in (Union, types.UnionType)


def _is_choice(type_: Any) -> bool:
    return typing.get_origin(type_) is Literal


def _is_tuple(type_: Any) -> bool:
    return typing.get_origin(type_) is tuple


def _is_mapping(type_: Any) -> bool:
    return typing.get_origin(type_) is Mapping


def item_type(type_: Any) -> Any:
    """Return the type of the items of ``tuple[T, ...]`` or of the values of ``Mapping[str, T]``."""
    first, second = (*typing.get_args(type_), None, None)[:2]
    if second is Ellipsis:
        return first
    if first is str and _is_mapping(type_):
        return second
    raise InternalError(f"{type_}: a field holds tuple[T, ...] or Mapping[str, T]")


def members(type_: Any) -> tuple[list[Any], bool]:
    """List the types of a union, and say whether None is one of them."""
    args = typing.get_args(type_) if _is_union(type_) else (type_,)
    return [member for member in args if member is not type(None)], type(None) in args


def kinds(classes: Sequence[Any]) -> dict[str, type[Record]]:
    """Map each kind of a union to its class."""
    found = {member.kind: member for member in classes if is_record(member) and member.kind is not None}
    if len(found) < len(classes):
        raise InternalError(f"{classes}: every class of a union has a kind of its own")
    return found


def _amount_below(limit: int, value: object, _: Any) -> Decimal:
    amount = _values.read_amount(value)
    if not -limit < amount < limit:
        raise refused(f"an amount stays below {limit}", value)
    return amount


def _choice_reader(type_: Any) -> Hook:
    choices = typing.get_args(type_)

    def read(value: Any, _: Any) -> Any:
        if isinstance(value, str) and value in choices:
            return choices[choices.index(value)]
        raise unknown_choice("unknown choice", value, choices)

    return read


def _union_reader(made: cattrs.Converter, type_: Any) -> Hook:
    classes, may_be_none = members(type_)
    hook = _kind_reader(made, classes) if len(classes) > 1 else made.get_structure_hook(classes[0])

    def read(value: Any, _: Any) -> Any:
        return None if value is None and may_be_none else hook(value, classes[0])

    return read


def _kind_reader(made: cattrs.Converter, classes: Sequence[Any]) -> Hook:
    by_kind = kinds(classes)

    def read(value: Any, _: Any) -> Any:
        if isinstance(value, tuple(classes)):
            return value
        if not isinstance(value, Mapping):
            raise refused("must be an object with named fields", value, known=Known())
        kind = value.get("kind")
        if isinstance(kind, str) and kind in by_kind:
            return made.get_structure_hook(by_kind[kind])(value, by_kind[kind])
        error = unknown_choice("unknown kind", kind, tuple(by_kind))
        if "kind" not in value:
            hint = error.faults[0].problem.hint
            error = Unreadable([Fault(Problem(path="", message="is missing", hint=hint))])
        raise Unreadable([error.faults[0].at("kind")], Known())

    return read


def _union_writer(made: cattrs.Converter, type_: Any) -> Writer:
    classes, _ = members(type_)

    def write(value: Any) -> Any:
        own = type(value) if len(classes) > 1 else classes[0]
        return None if value is None else made.get_unstructure_hook(own)(value)

    return write


def _tuple_reader(made: cattrs.Converter, type_: Any) -> Hook:
    inner = item_type(type_)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
            raise refused("must be a list", value)
        hook = made.get_structure_hook(inner)
        gather = Gather()
        items = []
        for k, item in enumerate(value):
            items.append(gather.take(f"[{k}]", hook, item, inner))
            if len(gather.faults) >= _FAULTS_READ:
                gather.add(f"[{k}]", "reading of this list stopped here, with its first thousand faults")
                break
        gather.check(tuple(items))
        return tuple(items)

    return read


def _tuple_writer(made: cattrs.Converter, type_: Any) -> Writer:
    inner = item_type(type_)

    def write(value: Any) -> list[Any]:
        hook = made.get_unstructure_hook(inner)
        gather = Gather()
        items = [gather.take(f"[{k}]", hook, item) for k, item in enumerate(value)]
        gather.check()
        return items

    return write


def _mapping_reader(made: cattrs.Converter, type_: Any) -> Hook:
    inner = item_type(type_)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise refused("must be an object with named values", value)
        hook = made.get_structure_hook(inner)
        gather = Gather()
        add_repeated(gather, value)
        entries = {}
        for key, item in value.items():
            name = gather.take(key_path(key), _values.read_text, key)
            entries[name] = gather.take(key_path(key), hook, item, inner)
            if len(gather.faults) >= _FAULTS_READ:
                gather.add(key_path(key), "reading stopped here, with the first thousand faults")
                break
        gather.check(entries)
        return FrozenMap(entries)

    return read


def _mapping_writer(made: cattrs.Converter, type_: Any) -> Writer:
    inner = item_type(type_)

    def write(value: Any) -> dict[str, Any]:
        hook = made.get_unstructure_hook(inner)
        gather = Gather()
        entries = {key: gather.take(key_path(key), hook, item) for key, item in value.items()}
        gather.check()
        return entries

    return write
