"""Ids that keep their type, and the one sorted index that several tables share."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import closest, warn
from salesops._frames.order import TextNumbers, sort_order, text_numbers
from salesops._frames.repeats import MANY, repeats
from salesops._texts import bytes_of
from salesops.errors import Problem, show

IntArray = npt.NDArray[np.int64]

_LOOK_ALIKES_SHOWN = 3
_FEW = 1 << 10
_SAMPLE = 4096


def family(value: object) -> str:
    """Name the kind of an id: two ids of different families are never the same."""
    return _kind(type(value))


def _kind(of: type) -> str:
    for kind in (bool, int, float, str):
        if issubclass(of, kind):
            return kind.__name__
    return of.__qualname__


@attrs.frozen(eq=False)
class Ids:
    """A column of ids as codes into its distinct values; -1 is a missing id.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_rows,)
    distinct : ndarray or Series of text, shape (n_distinct,)
        int64 when all are whole numbers, else Python objects, in order of first appearance.
    numbers : TextNumbers, optional
        Whole numbers that stand for the distinct ids, where they are many short texts.
    """

    codes: IntArray
    _distinct: npt.NDArray[Any] | pd.Series[Any] = attrs.field(alias="distinct")
    numbers: TextNumbers | None = None

    @cached_property
    def distinct(self) -> npt.NDArray[Any]:
        """The distinct ids; those that lie in a column of text become Python objects when asked for."""
        held = self._distinct
        return held.to_numpy(dtype=object) if isinstance(held, pd.Series) else held

    @property
    def n_distinct(self) -> int:
        """How many different ids there are."""
        return len(self._distinct)

    @property
    def leads(self) -> bool:
        """Say that it is known that no id is text that begins with a blank."""
        return self.numbers is not None and self.numbers.leads

    @cached_property
    def rank(self) -> IntArray | None:
        """Place of each distinct id in sorted order, where numbers stand for them."""
        if self.numbers is None:
            return None
        order = sort_order(self.numbers.keys)
        inverse = np.empty(len(order), dtype=np.int64)
        inverse[order] = np.arange(len(order))
        return inverse

    def rows_of(self, labels: Iterable[Hashable]) -> IntArray:
        """Find the rows that hold one of some ids."""
        wanted = [scalar(label) for label in labels]
        if self.numbers is not None:
            keys = [self.numbers.key_of(label) for label in wanted if isinstance(label, str)]
            codes = [np.flatnonzero(self.numbers.keys == key) for key in keys]
        else:
            index = {(family(value), value): k for k, value in enumerate(self.distinct.tolist())}
            codes = [np.array([index.get((family(label), label), -2)]) for label in wanted]
        if not codes:
            return np.empty(0, dtype=np.int64)
        found = np.concatenate(codes)
        if self.is_plain:
            return np.unique(found[found >= 0])
        return np.flatnonzero(np.isin(self.codes, found[found >= 0]))

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def families(self) -> frozenset[str]:
        """The kinds of id that occur."""
        if self.numbers is not None:
            return frozenset({"str"})
        if self.distinct.dtype.kind == "i":
            return frozenset({"int"}) if len(self.distinct) else frozenset()
        return frozenset(map(_kind, set(map(type, self.distinct.tolist()))))

    def take(self, rows: npt.NDArray[Any]) -> Ids:
        """Keep some rows, by position or by mask."""
        return attrs.evolve(self, codes=self.codes[rows])

    def label(self, row: int) -> Hashable:
        """Give the id that stands in a row, as a plain Python value."""
        code = int(self.codes[row])
        if code < 0:
            return None
        held = self._distinct
        return scalar(held.iloc[code] if isinstance(held, pd.Series) else held[code])

    def labels_at(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give the ids of some rows, by position; missing ones as None."""
        if isinstance(self._distinct, pd.Series):
            return np.asarray(self._distinct.iloc[self.codes[rows]], dtype=object)
        return self.take(rows).labels()

    def labels(self) -> npt.NDArray[Any]:
        """Give the ids row by row; missing ones as None."""
        if self.is_plain:
            return self.distinct
        if self.n_distinct and not (self.codes < 0).any():
            return self.distinct[self.codes]
        cells = np.empty(len(self.codes), dtype=object)
        known = self.codes >= 0
        cells[known] = self.distinct[self.codes[known]]
        return cells

    @cached_property
    def is_plain(self) -> bool:
        """Say whether every row has an id of its own, in the order of `distinct`."""
        same = len(self.codes) == self.n_distinct and len(self.codes) > 0
        return same and bool((self.codes == np.arange(len(self.codes))).all())

    def repeated(self) -> npt.NDArray[np.bool_]:
        """Mark every row whose id stands in more than one row."""
        if self.is_plain:
            return np.zeros(len(self.codes), dtype=np.bool_)
        tally = np.bincount(self.codes[self.codes >= 0], minlength=len(self.distinct))
        return (self.codes >= 0) & (tally[self.codes] > 1) if len(self.distinct) else self.codes >= 0


@attrs.frozen(eq=False)
class IdCells:
    """A column of ids row by row, each a Python object only when it is looked at."""

    ids: Ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Any) -> Any:
        return self.ids.labels_at(rows) if isinstance(rows, np.ndarray) else self.ids.label(int(rows))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self.ids.labels()


def scalar(value: Any) -> Hashable:
    """Turn a numpy scalar into the plain Python value it stands for."""
    item: Hashable = value.item() if isinstance(value, np.generic) else value
    return item


def factorize(values: pd.Series[Any]) -> tuple[Ids, dict[int, str]]:
    """Split a column into codes and distinct ids, by type and value; say which rows cannot be an id."""
    if values.dtype.kind in "iu" and isinstance(values.dtype, np.dtype):
        codes, distinct = pd.factorize(values.to_numpy())
        return Ids(codes.astype(np.int64, copy=False), np.asarray(distinct, dtype=np.int64)), {}
    grouped = repeats(values)
    if grouped is None:
        return _factorize(values)
    groups, rows = grouped
    few, unfit_groups = _factorize(values.iloc[rows])
    unfit = {
        int(row): shown for group, shown in unfit_groups.items() for row in np.flatnonzero(groups == group)
    }
    return Ids(few.codes[groups], few.distinct), unfit


def _factorize(values: pd.Series[Any]) -> tuple[Ids, dict[int, str]]:
    if isinstance(values.dtype, pd.StringDtype):
        numbered = _numbered_bytes(values) if _looks_various(values) else None
        if numbered is not None:
            return numbered, {}
        codes, uniques = pd.factorize(values)
        return Ids(codes.astype(np.int64, copy=False), _objects(uniques.to_numpy(dtype=object))), {}
    held = isinstance(values.dtype, np.dtype) and values.dtype.kind == "O"
    cells = values.to_numpy() if held else objects(values)
    if _looks_various(values):
        numbered = _numbered(cells)
        if numbered is not None:
            return numbered, {}
    try:
        # A table of a few labels starts small: pandas would make room for as many as there are rows.
        codes, distinct = pd.factorize(cells, size_hint=_FEW)
    except TypeError:
        return _typed_factorize(cells)
    # What equals text is text, but 1, 1.0 and True fall together here.
    if set(map(type, distinct)) != {str}:
        kind = pd.api.types.infer_dtype(cells, skipna=True)
        if kind not in ("string", "integer", "empty"):
            return _typed_factorize(cells)
        if any(issubclass(each, np.generic) for each in set(map(type, distinct))):
            distinct = _objects([scalar(value) for value in distinct])
        if kind == "integer" and all(type(value) is int and abs(value) < 2**63 for value in distinct):
            distinct = distinct.astype(np.int64)
    return Ids(codes.astype(np.int64, copy=False), np.asarray(distinct)), {}


def _looks_various(values: pd.Series[Any]) -> bool:
    """Say whether so many ids differ that sorting them costs less than a hash table."""
    return len(values) >= MANY and values.iloc[:_SAMPLE].nunique() > _SAMPLE * 3 // 4


def _numbered_bytes(values: pd.Series[Any]) -> Ids | None:
    """Do as :func:`_numbered`; ids of which no two are equal stay in their column."""
    texts = bytes_of(values)
    found = None if texts is None else text_numbers(texts)
    if found is not None and found.are_distinct():
        return Ids(np.arange(len(values)), pd.Series(values.array.copy()), found)
    return _numbered(values.to_numpy(dtype=object))


def _numbered(cells: npt.NDArray[Any]) -> Ids | None:
    """Split a long column of short texts into codes and distinct ids by sorting whole numbers."""
    texts = cells.tolist()
    found = text_numbers(texts) if set(map(type, texts)) == {str} else None
    if found is None:
        return None
    if found.are_distinct():
        return Ids(np.arange(len(cells)), cells.copy(), found)
    order = sort_order(found.keys)
    ordered = found.keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    first = order[starts]
    appearance = np.argsort(first)
    code = np.empty(len(starts), dtype=np.int64)
    code[appearance] = np.arange(len(starts))
    rows = first[appearance]
    return Ids(code[group], cells[rows], found._replace(keys=found.keys[rows]))


def _objects(cells: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(cells, dtype=object)


def objects(values: pd.Series[Any]) -> npt.NDArray[Any]:
    """Take a column as Python objects, with None where the pandas dtype holds nothing."""
    cells = np.array(values, dtype=object)
    if not isinstance(values.dtype, np.dtype):
        cells[np.asarray(values.isna(), dtype=bool)] = None
    return cells


def _typed_factorize(cells: npt.NDArray[Any]) -> tuple[Ids, dict[int, str]]:
    """Factorise mixed ids, where pandas would take 1, 1.0 and True for one."""
    seen: dict[tuple[str, Hashable], int] = {}
    distinct: list[Hashable] = []
    codes = np.full(len(cells), -1, dtype=np.int64)
    unfit: dict[int, str] = {}
    for row, raw in enumerate(cells):
        value = scalar(raw)
        if is_missing(value):
            continue
        try:
            code = seen.setdefault((family(value), value), len(distinct))
        except TypeError:
            unfit[row] = show(value)
            continue
        if code == len(distinct):
            distinct.append(value)
        codes[row] = code
    column = np.empty(len(distinct), dtype=object)
    for position, value in enumerate(distinct):
        column[position] = value
    return Ids(codes, column), unfit


def is_missing(value: object) -> bool:
    """Say whether a cell holds nothing: None, NaN, NaT or NA."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def written(value: Hashable) -> str:
    """Write an id so that it reads the same in every process, also where it is or holds a set."""
    if isinstance(value, frozenset):
        return f"{family(value)}({{{', '.join(sorted(map(written, value)))}}})"
    if type(value) is tuple:
        return f"({', '.join(map(written, value))})"
    return repr(value)


def _sort_key(value: Hashable) -> tuple[str, str]:
    return family(value), written(value)


@attrs.frozen(eq=False)
class Labels:
    """Distinct ids of one kind of thing, sorted by a stated key: their positions stand for them in arrays.

    Whole numbers sort by value, text by code point; ids of mixed kinds by (name of the kind, written form).
    """

    values: npt.NDArray[Any]
    _source: tuple[npt.NDArray[Any], IntArray] | None = attrs.field(default=None, alias="_source")

    @classmethod
    def of(cls, *columns: Ids) -> Labels:
        """Index every id that occurs in the columns."""
        filled = [column for column in columns if column.n_distinct]
        rank = filled[0].rank if len(filled) == 1 else None
        if rank is not None:
            values = np.empty(len(rank), dtype=object)
            values[rank] = filled[0].distinct
            return cls(values, (filled[0].distinct, rank))
        families = frozenset().union(*(column.families for column in columns))
        parts = [column.distinct for column in columns if column.n_distinct]
        if not parts:
            return cls(np.empty(0, dtype=object))
        if families == {"int"} and all(part.dtype.kind == "i" for part in parts):
            # Sorting is many times faster here than np.unique, which hashes.
            values = np.sort(np.concatenate(parts))
            return cls(values[np.concatenate([[True], values[1:] != values[:-1]])])
        if families == {"str"}:
            return cls(
                _objects(np.array(sorted(set().union(*(part.tolist() for part in parts))), dtype=object))
            )
        typed = {(family(value), value): value for part in parts for value in part.tolist()}
        return cls(_column_of(_sorted(list(typed.values()))))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, position: int) -> Hashable:
        return scalar(self.values[position])

    @cached_property
    def families(self) -> frozenset[str]:
        """The kinds of id that occur."""
        return Ids(np.empty(0, dtype=np.int64), self.values).families

    @cached_property
    def _position(self) -> dict[tuple[str, Hashable], int]:
        return {(family(value), value): k for k, value in enumerate(self.values.tolist())}

    @cached_property
    def _text_position(self) -> dict[Any, int]:
        return dict(zip(self.values.tolist(), range(len(self.values)), strict=True))

    def position(self, label: Hashable) -> int:
        """Find one id; -1 if it is not there. 1, 1.0, True and "1" are four different ids."""
        value = scalar(label)
        if self.values.dtype.kind == "i":
            if family(value) != "int" or not -(2**63) <= value < 2**63:  # type: ignore[operator]  # an int
                return -1
            place = int(np.searchsorted(self.values, value))  # type: ignore[call-overload]  # an int
            return place if place < len(self.values) and self.values[place] == value else -1
        if self.families == {"str"}:
            return self._text_position.get(value, -1) if family(value) == "str" else -1
        return self._position.get((family(value), value), -1)

    def codes(self, column: Ids) -> IntArray:
        """Find a column of ids, row by row; -1 where an id is missing or not there."""
        if not column.n_distinct or not len(self.values):
            return np.full(len(column), -1, dtype=np.int64)
        if self.values.dtype.kind == "i" and column.distinct.dtype.kind == "i":
            place = np.searchsorted(self.values, column.distinct)
            place = np.minimum(place, len(self.values) - 1)
            found = np.where(self.values[place] == column.distinct, place, -1)
        elif self._source is not None and column.distinct is self._source[0]:
            found = self._source[1]
        elif self.families == column.families == {"str"}:
            missing = itertools.repeat(-1)
            places = map(self._text_position.get, column.distinct.tolist(), missing)
            found = np.fromiter(places, dtype=np.int64, count=len(column.distinct))
        else:
            found = np.fromiter(
                (self._position.get((family(v), v), -1) for v in column.distinct.tolist()),
                dtype=np.int64,
                count=len(column.distinct),
            )
        return np.where(column.codes < 0, -1, found[column.codes])


def _holds_a_set(value: Hashable) -> bool:
    """Say whether ``<`` means inclusion somewhere in an id, which puts nothing in order."""
    return isinstance(value, frozenset) or (isinstance(value, tuple) and any(map(_holds_a_set, value)))


def _sorted(values: list[Hashable]) -> list[Hashable]:
    if len({type(value) for value in values}) == 1 and not any(map(_holds_a_set, values)):
        try:
            return sorted(values)  # type: ignore[type-var]  # falls back below when the kind has no order
        except TypeError:
            pass
    return sorted(values, key=_sort_key)


def _column_of(values: Sequence[Hashable]) -> npt.NDArray[Any]:
    cells = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        cells[position] = value
    return cells


def same_but_for_type(column: Ids) -> list[tuple[Hashable, Hashable]]:
    """Find pairs of ids in one column that are equal as numbers and differ by type: 1, 1.0, True."""
    if len(column.families & {"bool", "int", "float"}) < 2:
        return []
    first: dict[Hashable, Hashable] = {}
    pairs: list[tuple[Hashable, Hashable]] = []
    for value in column.distinct.tolist():
        if isinstance(value, (bool, int, float)):
            twin = first.setdefault(value, value)
            if family(twin) != family(value):
                pairs.append((twin, value))
    return pairs


def check_same_type(
    faults: list[Problem], path: str, column: Ids, known: Labels, known_as: str, rows: Sequence[Hashable]
) -> None:
    """Refuse ids that are unknown only because they have another type than the known ones: '101' and 101."""
    if len(column.families | known.families) < 2 or not known.families:
        return
    unknown = np.flatnonzero((known.codes(column) < 0) & (column.codes >= 0))
    if not len(unknown):
        return
    twins: dict[str, Hashable] = {_written(value): value for value in known.values.tolist()}
    hits = [(int(k), twins[w]) for k in unknown if (w := _written(column.label(int(k)))) in twins]
    if hits:
        faults.append(
            Problem(
                path=path,
                message=f"an id has another type than in {known_as}",
                rows=tuple(rows[k] for k, _ in hits),
                values=tuple(f"{_typed(column.label(k))}, there {_typed(twin)}" for k, twin in hits),
                hint="give both tables the same type; ids are never converted",
            )
        )


def _written(value: Hashable) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool):
        return str(int(value))
    return str(value)


def _typed(value: Hashable) -> str:
    return f"{show(value)} ({family(value)})"


def check_known(
    faults: list[Problem],
    path: str,
    column: Ids,
    known: Labels,
    known_as: str,
    rows: Sequence[Hashable],
    *,
    who: Callable[[IntArray], tuple[str, ...]] | None = None,
) -> None:
    """Refuse ids that the other table does not have, with the one that was probably meant."""
    unknown = np.flatnonzero((known.codes(column) < 0) & (column.codes >= 0))
    if not len(unknown):
        return
    before = len(faults)
    check_same_type(faults, path, column, known, known_as, rows)
    if len(faults) > before:
        return
    labels = [column.label(int(k)) for k in unknown]
    near = {
        hint: None
        for label in list(dict.fromkeys(labels))[:5]
        for hint in closest(label, known.values.tolist())
    }
    faults.append(
        Problem(
            path=path,
            message=f"names an id that {known_as} does not have",
            rows=tuple(rows[int(k)] for k in unknown),
            ids=who(unknown) if who else (),
            values=tuple(show(label) for label in labels),
            suggestions=tuple(near),
        )
    )


def warn_look_alikes(labels: Labels, kind: str) -> None:
    """Warn of ids that a person cannot tell apart.

    Two spellings of an accent, letters without a width, stray blanks, 1 and "1".
    """
    texts = [value for value in labels.values.tolist() if isinstance(value, str)]
    odd = [(text, plain) for text in texts if (plain := _plainly(text)) != text]
    known = set(texts) if odd else set()
    groups: dict[str, list[Hashable]] = {}
    for text, plain in odd:
        groups.setdefault(plain, [plain] if plain in known else []).append(text)
    if len(labels.families & {"str", "int", "float"}) > 1:
        numbers = {_written(v): v for v in labels.values.tolist() if isinstance(v, (int, float))}
        groups.update({text: [numbers[text], text] for text in texts if text in numbers})
    twins = [[*dict.fromkeys(group)] for group in groups.values() if len(dict.fromkeys(group)) > 1]
    if not twins:
        return
    shown = "; ".join(
        " and ".join(_spelled(value) for value in group) for group in twins[:_LOOK_ALIKES_SHOWN]
    )
    more = f"; and {len(twins) - _LOOK_ALIKES_SHOWN} more" if len(twins) > _LOOK_ALIKES_SHOWN else ""
    warn(f"{kind} look alike and are kept apart: {shown}{more}")


def _plainly(text: str) -> str:
    """Write an id as a person reads it: no difference of form, width or blanks."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    seen = unicodedata.normalize("NFKC", text)
    seen = "".join(letter for letter in seen if unicodedata.category(letter) != "Cf")
    return " ".join(seen.split())


def _spelled(value: Hashable) -> str:
    if not isinstance(value, str):
        return _typed(value)
    points = " ".join(f"U+{ord(letter):04X}" for letter in value if not letter.isascii() or letter.isspace())
    return f"{show(value)} ({points})" if points else f"{show(value)} (str)"
