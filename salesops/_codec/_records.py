"""Objects: every field read, every fault kept, the rules between fields asked about what is known."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import cattrs

from salesops._codec import _values
from salesops._codec._fields import About, Entry, Record, entries_of, join, key_path, short_names
from salesops._codec._gather import Fault, Gather, Unreadable, refused, shown
from salesops._codec._parse import Repeating
from salesops.errors import Problem

Hook = Callable[[Any, Any], Any]
R = TypeVar("R", bound=Record)

_UNKNOWN_SHOWN = 100
_ABSENT = object()


class Known:
    """What could be read of a faulty value: its fields by attribute, None for the rest."""

    __slots__ = ("_record", "_values")

    def __init__(self, record: type[Record] | None = None, values: Mapping[str, Any] | None = None) -> None:
        self._record = record
        self._values = values or {}

    def __getattr__(self, name: str) -> Any:
        record = self._record
        if record is None or name in self._values or any(entry.name == name for entry in entries_of(record)):
            return self._values.get(name)
        return getattr(record, name)


class Reader:
    """Reads the objects of one class; `max_items` is the limit of its lists, None for none."""

    def __init__(self, record: type[R], converter: cattrs.Converter, max_items: int | None) -> None:
        self._record = record
        self._converter = converter
        self._max_items = max_items

    @functools.cached_property
    def _fields(self) -> tuple[tuple[Entry, Hook], ...]:
        """Find the hooks on first use, so that a class may hold values of its own kind."""
        return tuple((entry, self._field_hook(entry)) for entry in entries_of(self._record))

    def _field_hook(self, entry: Entry) -> Hook:
        hook = self._converter.get_structure_hook(entry.type)
        about = entry.about
        limit = about.max_items or self._max_items

        def read(value: Any, type_: Any) -> Any:
            if limit is not None and isinstance(value, (list, tuple, Mapping)) and len(value) > limit:
                raise refused(f"has at most {limit} items", value)
            result = hook(value, type_)
            if result is not None:
                _values.check_bounds(result, about, value)
            return result

        return hook if about == About(about.text, about.name) and limit is None else read

    def structure(self, value: Any, _: Any = None) -> Any:
        """Read one object; this is the hook of the class."""
        record = self._record
        if isinstance(value, record):
            return value
        if not isinstance(value, Mapping):
            raise refused("must be an object with named fields", value, known=Known(record))
        gather = Gather()
        add_repeated(gather, value)
        document, moved = record._expand(value)  # noqa: SLF001  (the protocol between a class and its codec)
        given = {entry.name: document[entry.key] for entry in entries_of(record) if entry.key in document}
        values = self.read(given, gather)
        _add_unknown(gather, record, document, value)
        new = object.__new__(record)
        for name, item in values.items():
            object.__setattr__(new, name, item)
        self.check(new, values, gather, moved)
        return new

    def read(self, given: Mapping[str, Any], gather: Gather) -> dict[str, Any]:
        """Read the fields that were given and fill in the others; what could not be read stays out."""
        values: dict[str, Any] = {}
        for entry, hook in self._fields:
            value = given.get(entry.name, _ABSENT)
            twin = entry.about.same_as
            if twin is not None and (value is None or value is _ABSENT):
                if twin in values:
                    values[entry.name] = values[twin]
            elif value is not _ABSENT:
                before = len(gather.faults)
                known = gather.take(entry.key, hook, value, entry.type)
                if known is not None or len(gather.faults) == before:
                    values[entry.name] = known
            elif entry.required:
                gather.add(entry.key, "is missing")
            else:
                values[entry.name] = entry.make_default()
        return values

    def check(
        self, new: Any, values: Mapping[str, Any], gather: Gather, moved: Mapping[str, str] | None = None
    ) -> None:
        """Ask the rules between fields, then refuse the object if anything at all was found."""
        record = self._record
        known = Known(record, values) if gather.faults else new
        named = {fault.problem.path for fault in gather.faults}
        broken = [problem for problem in record._faults(known) if problem.path not in named]  # noqa: SLF001  (the protocol)
        gather.faults.extend(map(Fault, broken))
        if gather.faults:
            faults = [_as_written(fault, moved) for fault in gather.faults] if moved else gather.faults
            raise Unreadable(faults, known if isinstance(known, Known) else Known(record, values))


def unstructure(record: type[Record], converter: cattrs.Converter, value: Any) -> dict[str, Any]:
    """Write one object: its kind, then every field that is set, by its name in documents."""
    gather = Gather()
    document: dict[str, Any] = {} if record.kind is None else {"kind": record.kind}
    for entry in entries_of(record):
        item = getattr(value, entry.name)
        if item is not None or entry.default is not None:
            hook = converter.get_unstructure_hook(entry.type)
            document[entry.key] = gather.take(entry.key, hook, item)
    gather.check()
    return document


def add_repeated(gather: Gather, value: Mapping[str, Any]) -> None:
    """Name the fields that stand twice in one object of a JSON text."""
    if isinstance(value, Repeating):
        for name, found in value.repeated.items():
            gather.add(key_path(name), "stands more than once in one object", *map(shown, found))


def _add_unknown(
    gather: Gather, record: type[Record], document: Mapping[str, Any], written: Mapping[str, Any]
) -> None:
    entries = entries_of(record)
    allowed = {entry.key for entry in entries} | (set() if record.kind is None else {"kind"})
    options = (*(entry.key for entry in entries), *short_names(record, written))
    unknown = [key for key in document if key not in allowed]
    for key in unknown[:_UNKNOWN_SHOWN]:
        renamed = tuple(repr(entry.key) for entry in entries if entry.name == key)
        problem = Problem(path=key_path(key), message="unknown field", suggestions=renamed)
        gather.faults.append(Fault(problem, key, options))
    if len(unknown) > _UNKNOWN_SHOWN:
        gather.add("", "unknown fields", f"{len(unknown)} in all")
    if record.kind is not None and document.get("kind", record.kind) != record.kind:
        gather.add(
            "kind", "is not the kind of this object", shown(document["kind"]), hint=f"write {record.kind!r}"
        )


def _as_written(fault: Fault, moved: Mapping[str, str]) -> Fault:
    """Turn a path of the long form into the place where the user wrote it."""
    path = fault.problem.path
    for long in sorted(moved, key=len, reverse=True):
        rest = path.removeprefix(long)
        if path.startswith(long) and rest[:1] in ("", ".", "["):
            return fault.at(join(moved[long], rest.removeprefix(".")))
    return fault
