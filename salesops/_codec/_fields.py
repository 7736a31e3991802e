"""What a class says about its fields, and the limits of a document."""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import attrs

from salesops._faults import refuse
from salesops.errors import InternalError, Problem

KEY = "salesops"
MAX_AMOUNT = 10**18
_DEEPEST = 64  # each level takes a handful of Python frames, and the caller has some already


@attrs.frozen(kw_only=True)
class Limits:
    """How large a document may be; anything larger is a fault, decided without working through it.

    Parameters
    ----------
    max_bytes : int, default 8 MiB
        Length of a JSON text in UTF-8.
    max_depth : int, default 32
        Lists and objects inside each other; at most 64.
    max_items : int, default 1000
        Items of one list, or entries of one mapping, unless the field states its own number.
    max_values : int, default 100000
        Values in the whole document, lists and objects counted too.
    max_amount : int, default 10**18
        Amounts and whole numbers stay below it in either direction; it cannot be raised.

    Examples
    --------
    >>> Limits(max_items=50).max_depth
    32
    """

    max_bytes: int = 8 * 2**20
    max_depth: int = 32
    max_items: int = 1_000
    max_values: int = 100_000
    max_amount: int = MAX_AMOUNT

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Limits):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise refuse(field.name, "a limit is a whole number, 1 or more", value)
        if self.max_depth > _DEEPEST:
            raise refuse("max_depth", f"a document is read at most {_DEEPEST} deep", self.max_depth)
        if self.max_amount > MAX_AMOUNT:
            raise refuse("max_amount", "amounts stay below 10**18 minor units", self.max_amount)


class TextRule(typing.NamedTuple):
    """The form that a text field must have: a regular expression for all of it, and the rule in words."""

    pattern: str
    rule: str


CURRENCY = TextRule("[A-Z]{3}", "a currency code is three capital letters, such as 'EUR'")


class About(typing.NamedTuple):
    """What the metadata of one field says; made by `about`."""

    text: str
    name: str | None = None
    minimum: int | None = None
    above: int | None = None
    maximum: int | None = None
    below: int | None = None
    min_items: int = 0
    max_items: int | None = None
    form: TextRule | None = None
    same_as: str | None = None


def about(
    text: str,
    *,
    name: str | None = None,
    minimum: int | None = None,
    above: int | None = None,
    maximum: int | None = None,
    below: int | None = None,
    min_items: int = 0,
    max_items: int | None = None,
    form: TextRule | None = None,
    same_as: str | None = None,
) -> dict[str, About]:
    """Make the metadata of a field: its description, and what both the codec and the schema check.

    `name` is the name in documents where it differs; `minimum` and `maximum` are allowed, `above` and `below`
    are not; `max_items` replaces the limit of the document for this list; `same_as` names the field whose
    value stands in when this one (default None) is not given.
    """
    entry = About(text, name, minimum, above, maximum, below, min_items, max_items, form, same_as)
    return {KEY: entry}


class ShortForm(typing.NamedTuple):
    """Names that may stand at the top of a document instead of inside the list `field`.

    `entries` leads from each name to the class it belongs to and the name of that class's field. The items
    are made in the order in which the classes first appear.
    """

    field: str
    entries: Mapping[str, tuple[type[Record], str]]

    @classmethod
    def of(cls, field: str, *classes: type[Record]) -> ShortForm:
        """Let every field of the classes stand at the top; of two with one name, the first class has it."""
        entries: dict[str, tuple[type[Record], str]] = {}
        for record in classes:
            for entry in entries_of(record):
                entries.setdefault(entry.key, (record, entry.key))
        return cls(field, entries)


class Expanded(typing.NamedTuple):
    """A short form written out, and where the parts of the long form stood in what the user wrote."""

    document: Mapping[str, Any]
    moved: Mapping[str, str] = {}


class Record:
    """What the codec knows about every class that it reads and writes."""

    __slots__ = ()

    schema_version: ClassVar[int | None] = None
    kind: ClassVar[str | None] = None
    _migrations: ClassVar[Mapping[int, Callable[[dict[str, Any]], Mapping[str, Any]]]] = {}
    _short_form: ClassVar[ShortForm | None] = None

    @staticmethod
    def _faults(known: Any) -> Iterable[Problem]:  # noqa: ARG004  (a class without rules)
        """State the rules between fields; see the protocol in the package docstring."""
        return ()

    @classmethod
    def _expand(cls, document: Mapping[str, Any]) -> Expanded:
        """Write out the short form of a document."""
        return expand_short_form(cls, document)


class Entry(typing.NamedTuple):
    """One field as the codec sees it."""

    name: str
    key: str
    type: Any
    default: Any
    about: About

    @property
    def required(self) -> bool:
        """Whether a document must have the field."""
        return self.default is attrs.NOTHING

    def make_default(self) -> Any:
        """Make the value of a field that was not given."""
        return self.default.factory() if isinstance(self.default, attrs.Factory) else self.default  # type: ignore[arg-type]


@functools.cache
def _entries(record: Any) -> tuple[Entry, ...]:
    hints = typing.get_type_hints(record)
    entries = []
    for field in attrs.fields(record):
        note = field.metadata.get(KEY, About(""))
        entries.append(Entry(field.name, note.name or field.name, hints[field.name], field.default, note))
    keys = [entry.key for entry in entries]
    if len(set(keys)) < len(keys) or {"kind", "schema_version"} & set(keys):
        raise InternalError(
            f"{record.__name__}: two fields share a name in documents, or take a reserved one"
        )
    return tuple(entries)


def entries_of(record: type[Record]) -> tuple[Entry, ...]:
    """List the fields of a class; worked out once."""
    anything: Any = record
    return _entries(anything)


def is_record(type_: Any) -> bool:
    """Tell whether a type is a class of ours."""
    return isinstance(type_, type) and issubclass(type_, Record) and attrs.has(type_)


def expand_short_form(record: type[Record], document: Mapping[str, Any]) -> Expanded:
    """Move the names that stand at the top of a document into the list where they belong."""
    short = record._short_form  # noqa: SLF001  (the protocol between a class and its codec)
    if short is None or short.field in document:
        return Expanded(document)
    own = {entry.key for entry in entries_of(record)}
    written = [name for name in short.entries if name in document and name not in own]
    if not written:
        return Expanded(document)
    items: dict[type[Record], dict[str, Any]] = {}
    for part, _ in short.entries.values():
        if any(short.entries[name][0] is part for name in written):
            items.setdefault(part, {} if part.kind is None else {"kind": part.kind})
    moved = {}
    position = {part: k for k, part in enumerate(items)}
    for name in written:
        part, key = short.entries[name]
        items[part][key] = document[name]
        moved[f"{short.field}[{position[part]}].{key}"] = name
    moved.update({f"{short.field}[{k}]": "" for k in position.values()})
    rest = {name: value for name, value in document.items() if name not in moved.values()}
    return Expanded({**rest, short.field: list(items.values())}, moved)


def short_names(record: type[Record], document: Mapping[str, Any]) -> Iterator[str]:
    """List the names that the short form would understand at the top of this document."""
    short = record._short_form  # noqa: SLF001  (the protocol between a class and its codec)
    if short is not None and short.field not in document:
        yield from short.entries


def join(path: str, rest: str) -> str:
    """Put a relative path behind another one."""
    if not path or not rest or rest.startswith("["):
        return path + rest
    return f"{path}.{rest}"


def key_path(key: object) -> str:
    """Write one name as a part of a path: plain where it can be, quoted and cut where not."""
    text = key if isinstance(key, str) else repr(key)
    if isinstance(key, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,79}", text):
        return text
    shown = repr(text).encode("utf-8", "backslashreplace").decode("utf-8")
    return f"[{shown if len(shown) <= 80 else shown[:77] + '...'}]"
