"""The entries of a ledger as columns, and the chain of digests that runs through them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._frames import id_column
from salesops._frames.ids import family
from salesops._frames.plain import to_plain
from salesops._money import BoolArray, IntArray
from salesops.comp._ledger_documents import LedgerEntry, LedgerStep
from salesops.errors import InvalidInput

Column = NDArray[Any]

WHOLE = ("posting", "tier", "amount", "owed")
LABELS = (
    "type",
    "adjusts",
    "reason",
    "rep_id",
    "plan_id",
    "component",
    "rule",
    "credit_id",
    "period",
    "posted_in",
    "currency",
    "line_key",
    "content",
    "replaces",
)
ORDER = (
    "posting",
    "type",
    "adjusts",
    "reason",
    "rep_id",
    "plan_id",
    "component",
    "rule",
    "credit_id",
    "tier",
    "period",
    "posted_in",
    "amount",
    "owed",
    "currency",
    "line_key",
    "content",
    "replaces",
)
"""The columns that a digest covers, in its order; an entry's number and digest stand beside them."""


@attrs.frozen(eq=False)
class Book:
    """Entries as columns; `tier` counts from 1 and is 0 where there is none."""

    columns: Mapping[str, Column]
    digests: Column

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def take(self, rows: IntArray | BoolArray | slice) -> Book:
        """Keep some entries, by position, mask or slice."""
        return Book({name: column[rows] for name, column in self.columns.items()}, self.digests[rows])

    def nature(self) -> Column:
        """Give what each entry is, or would have been in its own period."""
        return np.where(self["adjusts"] == None, self["type"], self["adjusts"])  # noqa: E711  (elementwise)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Give the entries as plain values in the order of ``ORDER``."""
        return zip(*(self[name].tolist() for name in ORDER), strict=True)

    def to_frame(self, rows: IntArray | None = None) -> pd.DataFrame:
        """Lay entries out as a table, all of them or some by position."""
        kept = self if rows is None else self.take(rows)
        numbers = np.arange(1, len(self) + 1) if rows is None else rows + 1
        columns: dict[str, Any] = {"number": numbers}
        for name in ORDER:
            column = kept[name]
            columns[name] = column.copy() if name in WHOLE else id_column(column)
        columns["tier"] = pd.Series(kept["tier"], dtype="Int64").mask(kept["tier"] == 0)
        columns["digest"] = id_column(kept.digests)
        return pd.DataFrame(columns)

    def entry(self, k: int) -> LedgerEntry:
        """Give one entry by position."""
        values = dict(zip(ORDER, next(self.take(slice(k, k + 1)).rows()), strict=True))
        values["tier"] = values["tier"] or None
        return LedgerEntry(number=k + 1, digest=self.digests[k], **values)


def empty() -> Book:
    """Give a book without entries."""
    whole = {name: np.empty(0, dtype=np.int64) for name in WHOLE}
    return Book(whole | {name: np.empty(0, dtype=object) for name in LABELS}, np.empty(0, dtype=object))


def joined(books: Sequence[Book]) -> Book:
    """Put books behind each other."""
    columns = {name: np.concatenate([book[name] for book in books]) for name in ORDER}
    return Book(columns, np.concatenate([book.digests for book in books]))


def column_of(values: Iterable[Any]) -> Column:
    """Make a column of labels, each as it is: a tuple stays one value."""
    listed = list(values)
    column = np.empty(len(listed), dtype=object)
    for k, value in enumerate(listed):
        column[k] = value
    return column


def from_entries(entries: Sequence[LedgerEntry]) -> Book:
    """Make a book of entries that were read."""
    columns = {
        name: np.array([getattr(entry, name) or 0 for entry in entries], dtype=np.int64) for name in WHOLE
    }
    columns |= {name: column_of(getattr(entry, name) for entry in entries) for name in LABELS}
    return Book(columns, column_of(entry.digest for entry in entries))


def numbered_entries(book: Book) -> Iterator[LedgerEntry]:
    """Give every entry as a value."""
    for k, (row, digest) in enumerate(zip(book.rows(), book.digests.tolist(), strict=True)):
        values = dict(zip(ORDER, row, strict=True))
        yield LedgerEntry(number=k + 1, digest=digest, **values | {"tier": values["tier"] or None})


def chained(before: str, book: Book) -> tuple[str, Book]:
    """Give each entry the digest that proves it and all before it; give the last one too."""
    digests = []
    for row in book.rows():
        before = digest_of(before, row)
        digests.append(before)
    return before, Book(book.columns, column_of(digests))


def digest_of(before: str, values: Iterable[Any]) -> str:
    """Hash values as canonical JSON behind the digest before them."""
    text = json.dumps([_plain(value) for value in values], separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode("ascii")).hexdigest()


def step_digest(before: str, step: LedgerStep) -> str:
    """Hash a step without its own digest behind the digest before it."""
    periods = [[period.name, period.start, period.end] for period in step.periods]
    values = (step.number, step.action, step.as_of, step.period, periods)
    return digest_of(before, (*values, step.input_digest, step.plans_digest, step.library))


def _plain(value: Any) -> Any:
    if value is None or type(value) in (str, int):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    try:
        return to_plain([value], "id")[0]
    except InvalidInput:
        return {family(value): repr(value)}


def sums_by(code: IntArray, values: Column, n: int) -> IntArray:
    """Add whole numbers up by group."""
    total = np.zeros(n, dtype=np.int64)
    np.add.at(total, code, values)
    return total
