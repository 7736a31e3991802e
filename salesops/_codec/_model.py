"""``Model``: what a class inherits to be checked at birth and to travel as a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from salesops._codec._convert import converter, reader_of
from salesops._codec._docs import with_parameters
from salesops._codec._fields import Limits, Record, entries_of
from salesops._codec._gather import Fault, Gather, Unreadable, problems_of, shown
from salesops._codec._parse import Repeating, parse, survey
from salesops._codec._schema import schema_of
from salesops._faults import raise_all


class Model(Record):
    """Give an attrs class its checks at birth, its document form and its JSON Schema.

    ::

        @attrs.frozen(kw_only=True)
        class Price(Model):
            "What one unit costs."

            amount: Decimal = attrs.field(metadata=about("In the currency's major unit", minimum=0))

    ``Price(amount="-1")`` is refused with ``- amount: must be 0 or more ('-1')``.
    """

    __slots__ = ()

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        cls.__doc__ = with_parameters(cls)

    def __attrs_post_init__(self) -> None:
        entries = entries_of(type(self))
        reader = reader_of(type(self), None)
        gather = Gather()
        values = reader.read({entry.name: getattr(self, entry.name) for entry in entries}, gather)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        try:
            reader.check(self, values, gather)
        except Unreadable as error:
            arguments = {entry.key: entry.name for entry in entries}
            faults = [fault.at(_as_argument(fault.problem.path, arguments)) for fault in error.faults]
            _raise(type(self), faults, "")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, limits: Limits | None = None) -> Self:
        """Read a document that is a mapping, as ``json.load`` or ``to_dict`` give it.

        Parameters
        ----------
        data : Mapping
            The document. Amounts and rates are text or whole numbers, dates ISO text.
        limits : Limits, optional
            How large the document may be.

        Returns
        -------
        Model
            Of this class.

        Raises
        ------
        InvalidInput
            With every fault of the document, each at its path below ``$``.

        Examples
        --------
        >>> from salesops.models import Person
        >>> Person.from_dict({"person_id": "p1", "nmae": "Ann"})
        Traceback (most recent call last):
        salesops.errors.InvalidInput: Person: 1 problem
        - $.nmae: unknown field; did you mean 'name'?
        """
        limits = limits or Limits()
        raise_all(cls.__name__, survey(data, limits))
        return cls._read(data, limits)

    @classmethod
    def from_json(cls, text: str | bytes, *, limits: Limits | None = None) -> Self:
        """Read a document that is JSON text.

        Parameters
        ----------
        text : str or bytes
            JSON in UTF-8.
        limits : Limits, optional
            How large the document may be.

        Returns
        -------
        Model
            Of this class.

        Raises
        ------
        InvalidInput
            With every fault of the document, each at its path below ``$``.

        Examples
        --------
        >>> from salesops.models import Person
        >>> Person.from_json('{"person_id": "p1", "name": "Ann"}').name
        'Ann'
        """
        limits = limits or Limits()
        document, problems = parse(text, limits)
        raise_all(cls.__name__, problems)
        return cls._read(document, limits)

    @classmethod
    def _read(cls, document: Any, limits: Limits) -> Self:
        gather = Gather()
        current = document
        if cls.schema_version is not None and isinstance(document, Mapping):
            current = _migrated(cls, document, gather)
        value: Self = gather.take("", reader_of(cls, limits).structure, current)
        if gather.faults:
            _raise(cls, gather.faults, "$")
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return the document: plain JSON types, amounts, rates and dates as text.

        Returns
        -------
        dict
            With ``schema_version`` first where the class has one; fields that are None by default and None
            here are left out.

        Raises
        ------
        InvalidInput
            If an id is neither text nor a whole number.

        Examples
        --------
        >>> from salesops.models import Person
        >>> Person(person_id="p1", name="Ann").to_dict()
        {'person_id': 'p1', 'name': 'Ann'}
        """
        version = {} if self.schema_version is None else {"schema_version": self.schema_version}
        gather = Gather()
        document = gather.take("", converter(None).get_unstructure_hook(type(self)), self)
        if gather.faults:
            _raise(type(self), gather.faults, "$")
        return {**version, **document}

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the document as JSON text.

        Parameters
        ----------
        indent : int, optional
            Spaces for each level; None writes one line.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops.models import Person
        >>> Person(person_id="p1").to_json()
        '{"person_id": "p1"}'
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of the document, made from the same fields.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.models import Person
        >>> Person.json_schema()["required"]
        ['person_id']
        """
        return schema_of(cls)


def read_argument(path: str, type_: Any, value: object) -> Any:
    """Read one argument of a verb as a field of that type would be read."""
    gather = Gather()
    result = gather.take(path, converter(None).get_structure_hook(type_), value, type_)
    raise_all(path, list(problems_of(gather.faults)))
    return result


def _as_argument(path: str, arguments: Mapping[str, str]) -> str:
    """Turn the first name of a path into the argument of the constructor that stands for it."""
    for key, name in arguments.items():
        if path.startswith(key) and path[len(key) : len(key) + 1] in ("", ".", "["):
            return name + path[len(key) :]
    return path


def _raise(record: type[Record], faults: list[Fault], root: str) -> None:
    raise_all(record.__name__, list(problems_of(faults, root)))


def _migrated(record: type[Record], document: Mapping[str, Any], gather: Gather) -> Mapping[str, Any]:
    """Check the version of a stored document and bring an older one up to date."""
    newest = record.schema_version or 1
    version = document.get("schema_version")
    current: Mapping[str, Any] = {k: v for k, v in document.items() if k != "schema_version"}
    if isinstance(document, Repeating):
        repeating = Repeating(current)
        repeating.repeated = document.repeated
        current = repeating
    hint = f"this version of the library reads documents of version {newest}"
    hint += " and older" if newest > 1 else ""
    if "schema_version" not in document:
        gather.add("schema_version", "is missing", hint=f"write {newest} for a new document")
    elif not isinstance(version, int) or isinstance(version, bool) or version < 1:
        gather.add("schema_version", "must be a whole number, 1 or more", shown(version), hint=hint)
    elif version > newest:
        gather.add("schema_version", "is newer than this version of the library", shown(version), hint=hint)
    else:
        migrations = record._migrations  # noqa: SLF001  (the protocol between a class and its codec)
        for number in range(version, newest):
            try:
                current = migrations[number](dict(current))
            except (LookupError, TypeError, ValueError, AttributeError):
                gather.add(
                    "", f"is no whole document of version {number}", hint="repair it, then load it again"
                )
                break
    return current
