"""What is known of a tie besides its weight: kind, provenance, dates, consent and status, kept as codes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import closest
from salesops._frames import Ids, Reader
from salesops._frames.ids import factorize

IntArray = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

TEXTS = ("kind", "provenance", "consent", "status")
DATES = ("observed_on", "expires_on")
NAMES = ("kind", "provenance", "observed_on", "consent", "expires_on", "status")
STATUSES = ("observed", "confirmed", "denied")
BASES = (
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_task",
    "legitimate_interests",
)
WITHHELD = ("withheld", "withdrawn")

_NEVER = np.datetime64("NaT", "D")


@attrs.frozen(eq=False)
class Coded:
    """A column of text as codes into its distinct words, in the order of the words; -1 is none."""

    codes: IntArray
    names: tuple[str, ...]

    @classmethod
    def of(cls, codes: IntArray, names: Sequence[str]) -> Coded | None:
        """Keep the words that occur, sorted, in the smallest integers; None if no row has one."""
        used = np.zeros(len(names) + 1, dtype=bool)
        used[codes] = True
        kept = sorted(name for k, name in enumerate(names) if used[k])
        if not kept:
            return None
        place = {name: k for k, name in enumerate(kept)}
        code = np.array([*(place.get(name, -1) for name in names), -1])
        return cls(code.astype(np.min_scalar_type(-len(kept) - 1))[codes], tuple(kept))

    def code(self, name: str) -> int:
        """Find the code of a word; -2 if no row has it."""
        return self.names.index(name) if name in self.names else -2

    def words(self, rows: Any = slice(None)) -> npt.NDArray[Any]:
        """Give the words row by row; None for none."""
        words: npt.NDArray[Any] = np.array([*self.names, None], dtype=object)[self.codes[rows]]
        return words


Column = Coded | Days


@attrs.frozen(eq=False)
class Attributes:
    """The columns that some tie has something in; a column without any is not there."""

    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.columns)

    def text(self, name: str) -> Coded | None:
        """Give a column of text, if there is one."""
        column = self.columns.get(name)
        return column if isinstance(column, Coded) else None

    def days(self, name: str) -> Days | None:
        """Give a column of days, if there is one."""
        column = self.columns.get(name)
        return None if isinstance(column, Coded) else column

    def denied(self, n_rows: int) -> Mask:
        """Mark the rows that somebody denied."""
        status = self.text("status")
        return np.zeros(n_rows, dtype=bool) if status is None else status.codes == status.code("denied")

    def take(self, rows: npt.NDArray[Any]) -> Attributes:
        """Keep some rows, by position or by mask."""
        return attributes(
            {
                name: Coded.of(column.codes[rows], column.names)
                if isinstance(column, Coded)
                else column[rows]
                for name, column in self.columns.items()
            }
        )

    def replace(self, **columns: Column | None) -> Attributes:
        """Put columns in the place of others."""
        return attributes({**self.columns, **columns})

    def codes(self) -> list[IntArray]:
        """Give every column as integers whose order is that of its values, none first."""
        return [
            column.codes if isinstance(column, Coded) else column.view(np.int64)
            for _, column in sorted(self.columns.items())
        ]

    def update(self, state: hashlib._Hash) -> None:
        """Add the content to a fingerprint."""
        for name, column in self.columns.items():
            coded = isinstance(column, Coded)
            words = column.names if isinstance(column, Coded) else ()
            state.update(f"{name}:{words!r}\n".encode("utf-8", "backslashreplace"))
            values = column.codes.astype("<i4") if isinstance(column, Coded) else column.view("<i8")
            state.update(np.ascontiguousarray(values).tobytes() if coded else values.tobytes())

    def frame_columns(self) -> dict[str, pd.Series[Any]]:
        """Make the columns that a frame shows; a tie without a status was observed."""
        shown: dict[str, pd.Series[Any]] = {}
        for name, column in self.columns.items():
            if isinstance(column, Coded):
                words = column.names
                codes = column.codes
                if name == "status":
                    words, codes = _with_observed(column)
                shown[name] = pd.Series(
                    pd.Categorical.from_codes(np.asarray(codes, dtype=np.int64), categories=pd.Index(words))
                )
            else:
                shown[name] = pd.Series(column.astype("datetime64[s]"))
        return shown

    def cells(self, name: str) -> list[str | None]:
        """Give a column as plain JSON types."""
        column = self.columns[name]
        if isinstance(column, Coded):
            words: list[str | None] = column.words().tolist()
            return [word or "observed" for word in words] if name == "status" else words
        return [None if day is None else day.isoformat() for day in column.tolist()]


def _with_observed(status: Coded) -> tuple[tuple[str, ...], IntArray]:
    words = (*status.names, "observed")
    return words, np.where(status.codes < 0, len(words) - 1, status.codes)


NONE = Attributes({})


def attributes(columns: Mapping[str, Column | None]) -> Attributes:
    """Keep the columns that hold something, in one order."""
    kept: dict[str, Column] = {}
    for name in NAMES:
        column = columns.get(name)
        if isinstance(column, Coded) or (column is not None and not np.isnat(column).all()):
            kept[name] = column
    return Attributes(kept) if kept else NONE


def same_attributes(one: Attributes, other: Attributes) -> bool:
    """Compare by content."""
    if list(one.columns) != list(other.columns):
        return False
    for name, mine in one.columns.items():
        theirs = other.columns[name]
        if isinstance(mine, Coded) and isinstance(theirs, Coded):
            if mine.names != theirs.names or not np.array_equal(mine.codes, theirs.codes):
                return False
        elif not np.array_equal(np.asarray(mine).view(np.int64), np.asarray(theirs).view(np.int64)):
            return False
    return True


def joined(parts: Sequence[tuple[Attributes, int]]) -> Attributes:
    """Put the rows of several tables one below the other; each comes with its number of rows."""
    columns: dict[str, Column | None] = {}
    for name in TEXTS:
        words = sorted({word for part, _ in parts if (c := part.text(name)) for word in c.names})
        codes = []
        for part, n_rows in parts:
            column = part.text(name)
            if column is None:
                codes.append(np.full(n_rows, -1, dtype=np.int32))
            else:
                code = np.array([*(words.index(word) for word in column.names), -1], dtype=np.int32)
                codes.append(code[column.codes])
        columns[name] = Coded.of(np.concatenate(codes), words) if words else None
    for name in DATES:
        if any(part.days(name) is not None for part, _ in parts):
            days = [part.days(name) for part, _ in parts]
            columns[name] = np.concatenate(
                [
                    np.full(n_rows, _NEVER) if day is None else day
                    for day, (_, n_rows) in zip(days, parts, strict=True)
                ]
            )
    return attributes(columns)


def _distinct(cells: pd.Series[Any]) -> tuple[Ids, dict[int, str]]:
    """Split a column into codes and distinct values; a categorical one is split already."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        categories = pd.Series(cells.cat.categories, dtype=object)
        codes: Any = cells.cat.codes.to_numpy()
        return Ids(codes, categories.to_numpy(dtype=object)), {}
    return factorize(cells)


def read_text(
    table: Reader, column: str, *, choices: Sequence[str] = (), required: bool = False
) -> Coded | None:
    """Take an optional column of text as codes; each distinct value is looked at once."""
    if not required and not table.has(column):
        return None
    cells = table.cells(column)
    if cells is None:
        return None
    ids, unfit = _distinct(cells)
    wrong = np.zeros(len(ids), dtype=bool)
    wrong[list(unfit)] = True
    given = [value if isinstance(value, str) else None for value in ids.distinct.tolist()]
    wrong |= np.isin(ids.codes, [k for k, word in enumerate(given) if word is None])
    table.fault(column, wrong, "is not text")
    blank = [k for k, word in enumerate(given) if word is not None and not word.strip()]
    table.fault(column, np.isin(ids.codes, blank), "the text is empty", hint="leave the cell missing instead")
    if required:
        table.fault(column, (ids.codes < 0) & ~wrong, "the text is missing")
    if choices:
        strange = [k for k, word in enumerate(given) if word is not None and word not in choices]
        near = {hint: None for k in strange[:5] for hint in closest(given[k], choices)}
        allowed = ", ".join(repr(choice) for choice in choices)
        table.fault(
            column,
            np.isin(ids.codes, strange),
            "unknown choice",
            hint=f"choose one of {allowed}",
            suggestions=[*near],
        )
    return Coded.of(ids.codes, [word or "" for word in given])


def read_consent(table: Reader) -> tuple[Mask, int, Coded | None]:
    """Take the column ``consent``: where it is given, in how many rows nothing is said, and on what basis."""
    cells = table.cells("consent") if table.has("consent") else None
    if cells is None:
        return np.ones(len(table), dtype=bool), 0, None
    if cells.dtype == np.bool_:
        return cells.to_numpy(), 0, None
    ids, unfit = factorize(cells)
    distinct = ids.distinct.tolist()
    strange = [k for k, value in enumerate(distinct) if type(value) not in (bool, str)]
    wrong = np.isin(ids.codes, strange)
    wrong[list(unfit)] = True
    table.fault(
        "consent",
        wrong,
        "is neither True nor False",
        hint="or name the basis, such as 'legitimate_interests'",
    )
    allowed = (*BASES, *WITHHELD)
    words = [k for k, value in enumerate(distinct) if isinstance(value, str) and value not in allowed]
    near = {hint: None for k in words[:5] for hint in closest(distinct[k], allowed)}
    table.fault(
        "consent",
        np.isin(ids.codes, words),
        "names no basis",
        hint=f"choose True, False or one of {', '.join(map(repr, allowed))}",
        suggestions=[*near],
    )
    no = [k for k, value in enumerate(distinct) if value is False or value in WITHHELD]
    names = [value if isinstance(value, str) else "" for value in distinct]
    codes = np.where(np.isin(ids.codes, [k for k, name in enumerate(names) if name]), ids.codes, -1)
    return ~np.isin(ids.codes, no), int((ids.codes < 0).sum()), Coded.of(codes, names)
