"""Columns of a table as arrays, with every fault of every column gathered before one error is raised."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._calendar import read_moments
from salesops._faults import closest, raise_all, warn
from salesops._frames.ids import Ids, factorize, is_missing, objects, same_but_for_type
from salesops._frames.tables import to_frame
from salesops.errors import Problem, show

_NUMBERS = (int, float, Decimal, Fraction, np.number)
_REQUIRED: Any = object()
_SHORT = 4
_LISTED = 24

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


class Reader:
    """Open a table: take its columns as arrays, gather its faults, raise them together.

    Parameters
    ----------
    data : table
        A frame (pandas, polars), an Arrow table, a mapping of columns, a list of mappings or domain objects.
    name : str
        What the argument is called ("ties"); it starts the path of every fault.
    key : tuple of str
        Columns that tell a reader which row is meant; shown beside the row label.
    columns : mapping, optional
        ``{"name in the caller's table": "name in the documentation"}``.
    faults : list of Problem, optional
        Where to gather; share one list between the tables of a verb.
    """

    def __init__(
        self,
        data: object,
        name: str,
        *,
        key: Sequence[str] = (),
        columns: Mapping[str, str] | None = None,
        faults: list[Problem] | None = None,
    ) -> None:
        self.name = name
        self.faults: list[Problem] = [] if faults is None else faults
        self.frame = to_frame(data, name, columns=columns)
        self._key = tuple(key)
        self._used: list[str] = []
        self._missed: set[str] = set()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def rows(self) -> Sequence[Hashable]:
        """Row labels: the index where it tells rows apart, else positions."""
        index = self.frame.index
        if isinstance(index, (pd.RangeIndex, pd.MultiIndex)) or not index.is_unique:
            return range(len(self.frame))
        labels: list[Hashable] = index.tolist()
        return labels

    def has(self, column: str) -> bool:
        """Say whether the table brings the column; warn if it brings one that is all but spelt so."""
        if column in self.frame.columns:
            return True
        if column not in self._missed:
            self._missed.add(column)
            near = [
                str(name) for name in self.frame.columns if name not in self._used and _is_slip(name, column)
            ]
            if near:
                there = " and ".join(map(repr, near))
                hint = f"rename it, or pass columns={{{near[0]!r}: {column!r}}}, if that is what it is"
                warn(f"{self.name} has a column {there} and no {column!r}, which is optional; {hint}")
        return False

    def who(self, places: npt.NDArray[np.int64]) -> tuple[str, ...]:
        """Show the key of each row: ``"'r1', 'p1'"``."""
        shown = [_shown(self.frame[name], places) for name in self._key if name in self.frame.columns]
        return tuple(", ".join(parts) for parts in zip(*shown, strict=True))

    def fault(
        self,
        column: str,
        rows: Mask | npt.NDArray[np.int64] | Sequence[int],
        message: str,
        *,
        hint: str | None = None,
        value: Callable[[int], str] | None = None,
        suggestions: Sequence[str] = (),
    ) -> None:
        """Add one fault with all its rows; `value` shows what was found (default: the cell)."""
        marked = np.asarray(rows)
        places = np.flatnonzero(marked) if marked.dtype == np.bool_ else marked.astype(np.int64)
        if not len(places):
            return
        labels = self.rows
        if value is not None:
            values = tuple(value(int(k)) for k in places)
        else:
            values = tuple(_shown(self.frame[column], places)) if column in self.frame.columns else ()
        self.faults.append(
            Problem(
                path=f"{self.name}.{column}",
                message=message,
                rows=tuple(labels[k] for k in places.tolist()),
                ids=self.who(places) if self._key != (column,) else (),
                values=values,
                hint=hint,
                suggestions=tuple(suggestions),
            )
        )

    def finish(self) -> None:
        """Raise everything that was gathered, if anything was."""
        raise_all(self.name, self.faults)

    def cells(self, column: str) -> pd.Series[Any] | None:
        """Take a required column as it is; a table without it is a fault (an empty table is not)."""
        if column in self.frame.columns:
            self._used.append(column)
            return self.frame[column]
        if len(self.frame) or len(self.frame.columns):
            present = [str(name) for name in self.frame.columns]
            self.faults.append(
                Problem(
                    path=f"{self.name}.{column}",
                    message="the column is missing",
                    values=(f"columns there: {', '.join(present) or 'none'}",),
                    suggestions=closest(column, present),
                    hint=f"add it, or name yours with columns={{'yours': '{column}'}}",
                )
            )
        return None

    def extra(self) -> pd.DataFrame:
        """Keep the columns that the verb did not read; they pass through untouched."""
        return self.frame[[name for name in self.frame.columns if name not in self._used]]

    def ids(self, column: str, *, unique: bool = False, optional: bool = False) -> Ids:
        """Take a column of ids; missing, empty and unhashable ones and ones that differ by type are faults.

        `unique` makes a repeated id a fault; `optional` lets ids (or the whole column) be missing: code -1.
        """
        if optional and not self.has(column):
            return Ids(np.full(len(self), -1, dtype=np.int64), np.empty(0, dtype=object))
        cells = self.cells(column)
        if cells is None:
            return Ids(np.full(len(self), -1, dtype=np.int64), np.empty(0, dtype=object))
        ids, unfit = factorize(cells)
        self.fault(column, list(unfit), "an id must be hashable", hint="use text, a number or a tuple")
        missing = ids.codes < 0
        missing[list(unfit)] = False
        if not optional:
            self.fault(column, missing, "the id is missing", hint=_hint_for_missing(ids))
        if "str" in ids.families and not ids.leads:
            blank = np.fromiter(
                (isinstance(v, str) and not v.strip() for v in ids.distinct.tolist()), bool, len(ids.distinct)
            )
            hint = (
                "an id (rep_id, lead_id, person_id ...) names one thing; leave the row out if there is none"
            )
            if blank.any():
                self.fault(column, np.isin(ids.codes, np.flatnonzero(blank)), "the id is empty", hint=hint)
        self._check_types(column, ids)
        if unique:
            self.fault(
                column,
                ids.repeated(),
                "the id stands in more than one row",
                hint="keep one row for each id",
            )
        return ids

    def _check_types(self, column: str, ids: Ids) -> None:
        pairs = same_but_for_type(ids)
        if pairs:
            position = {id(value): k for k, value in enumerate(ids.distinct.tolist())}
            later = [position[id(twin)] for _, twin in pairs if id(twin) in position]
            self.fault(
                column,
                np.isin(ids.codes, later),
                "the id equals another one that has a different type",
                hint="1, 1.0 and True are three ids; give the column one type",
            )

    def numbers(
        self,
        column: str,
        *,
        minimum: float | None = None,
        above: float | None = None,
        maximum: float | None = None,
        default: Any = _REQUIRED,
        missing: float | None = None,
        hint: str | None = None,
    ) -> Floats:
        """Take a column of finite numbers as float64.

        Text, booleans, infinities and values out of bounds are faults. `default` stands in for a column that
        is not there, `missing` for empty cells; without them both are faults. Faulty cells come back as NaN.
        """
        if default is not _REQUIRED and not self.has(column):
            return np.full(len(self), np.nan if default is None else float(default))
        cells = self.cells(column)
        if cells is None:
            return np.full(len(self), np.nan)
        values, wrong, empty = _as_floats(cells)
        rule = _bounds_rule(minimum, above, maximum)
        bad = ~np.isfinite(values) & ~empty
        if minimum is not None:
            bad |= values < minimum
        if above is not None:
            bad |= values <= above
        if maximum is not None:
            bad |= values > maximum
        if missing is None:
            bad |= empty
        self.fault(column, wrong, f"is not a number; {rule}", hint=hint or "text is never converted")
        self.fault(column, bad & ~wrong, rule, hint=hint)
        values = np.where(bad | wrong, np.nan, values)
        return values if missing is None else np.where(empty & ~wrong, missing, values)

    def texts(
        self,
        column: str,
        *,
        choices: Sequence[str] | None = None,
        default: str | None = None,
        optional: bool = False,
    ) -> npt.NDArray[Any]:
        """Take a column of text as Python strings; `choices` lists the only ones allowed.

        `default` fills cells (or a column) that are not there; `optional` leaves them None.
        """
        if (default is not None or optional) and not self.has(column):
            return np.full(len(self), default, dtype=object)
        cells = self.cells(column)
        if cells is None:
            return np.full(len(self), default, dtype=object)
        code, distinct = _kinds_of_cell(cells)
        empty = code < 0
        is_text = np.fromiter((isinstance(v, str) for v in distinct), bool, len(distinct))
        values = np.append(distinct, np.array([default], dtype=object))[code]
        wrong = ~np.append(is_text, True)[code]
        self.fault(column, wrong, "is not text")
        if default is None and not optional:
            self.fault(column, empty, "the text is missing")
        if choices is not None:
            strange = np.fromiter(
                (isinstance(v, str) and v not in choices for v in distinct), bool, len(distinct)
            )
            unknown = np.array([*strange, False])[code]
            near = {
                hint: None
                for value in list(dict.fromkeys(values[unknown].tolist()))[:5]
                for hint in closest(value, choices)
            }
            allowed = ", ".join(repr(choice) for choice in choices[:_LISTED])
            allowed += f" or {len(choices) - _LISTED} others" if len(choices) > _LISTED else ""
            self.fault(
                column, unknown, "unknown choice", hint=f"choose one of {allowed}", suggestions=[*near]
            )
        return values

    def moments(self, column: str, *, optional: bool = False, zone: str | None = None) -> tuple[Dates, Dates]:
        """Take a column of moments as instants that can be compared (datetime64[us]) and as business days.

        Accepts dates, datetimes, timestamps and ISO text, as `salesops._calendar.read_moments` reads them:
        aware times need the business `zone`; naive ones are local times there, or stay as they are without
        it. `optional` lets cells or the column be missing.
        """
        cells = self.cells(column) if not optional or self.has(column) else None
        if cells is None:
            nothing = np.full(len(self), np.datetime64("NaT", "us"), dtype="datetime64[us]")
            return nothing, nothing.astype("datetime64[D]")
        moments = read_moments(cells, zone=zone)
        for rows, rule, hint in moments.faults:
            self.fault(column, rows, rule, hint=hint)
        if not optional:
            self.fault(column, moments.empty, "the date is missing")
        return moments.instants, moments.days

    def times(self, column: str, *, optional: bool = False, zone: str | None = None) -> Dates:
        """Take a column of moments as instants, datetime64[us]."""
        return self.moments(column, optional=optional, zone=zone)[0]

    def dates(self, column: str, *, optional: bool = False, zone: str | None = None) -> Dates:
        """Take a column of days as datetime64[D]; a moment counts on the day it falls on in `zone`."""
        return self.moments(column, optional=optional, zone=zone)[1]

    def flags(self, column: str, *, default: bool) -> Mask:
        """Take a column of True and False; cells that are not there are `default`."""
        if not self.has(column):
            return np.full(len(self), default)
        cells = self.cells(column)
        if cells is None:
            return np.full(len(self), default)
        values = objects(cells)
        empty = np.asarray(cells.isna(), dtype=bool)
        wrong = ~empty & np.fromiter((not isinstance(v, (bool, np.bool_)) for v in values), bool, len(values))
        self.fault(column, wrong, "is neither True nor False")
        return np.array(
            [default if e or w else bool(v) for v, e, w in zip(values, empty, wrong, strict=True)]
        )


def _is_slip(name: object, column: str) -> bool:
    """Say whether a name is a column's but for capitals, blanks, or a letter too few, too many or swapped."""
    if not isinstance(name, str) or abs(len(name) - len(column)) > 1:
        return False
    plain = "_".join(name.casefold().split())
    if plain == column:
        return True
    short, long = sorted((plain, column), key=len)
    if len(short) < len(long):
        return len(short) > _SHORT and any(long[:k] + long[k + 1 :] == short for k in range(len(long)))
    swapped = (plain[:k] + plain[k + 1] + plain[k] + plain[k + 2 :] for k in range(len(plain) - 1))
    return len(plain) > _SHORT and column in swapped


def _shown(cells: pd.Series[Any], places: npt.NDArray[np.int64]) -> list[str]:
    return [show(value) for value in cells.iloc[places].tolist()]


def _hint_for_missing(ids: Ids) -> str:
    whole = "float" in ids.families and all(
        isinstance(value, float) and value.is_integer() for value in ids.distinct.tolist()
    )
    if whole:
        return "the missing id has made a column of whole numbers float; drop the row or use the Int64 dtype"
    return "give the row an id or leave it out"


def _bounds_rule(minimum: float | None, above: float | None, maximum: float | None) -> str:
    bounds = []
    if minimum is not None:
        bounds.append(f"{minimum:g} or more")
    if above is not None:
        bounds.append(f"above {above:g}")
    if maximum is not None:
        bounds.append(f"at most {maximum:g}")
    return (
        " ".join(["must be a finite number,", " and ".join(bounds)]) if bounds else "must be a finite number"
    )


def _as_floats(cells: pd.Series[Any]) -> tuple[Floats, Mask, Mask]:
    """Values as float64 (NaN where there is none), which cells are no numbers, which are empty."""
    numeric = pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype)
    if numeric and not pd.api.types.is_complex_dtype(cells.dtype):
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        return values, np.zeros(len(cells), dtype=bool), np.isnan(values)
    given = objects(cells)
    kind = pd.api.types.infer_dtype(given, skipna=False)
    if kind in ("integer", "floating", "mixed-integer-float"):
        values = _floats(given)
        return values, np.zeros(len(cells), dtype=bool), np.isnan(values)
    empty = np.fromiter((is_missing(value) for value in given), bool, len(given))
    fit = np.fromiter(
        (isinstance(value, _NUMBERS) and not isinstance(value, bool) for value in given), bool, len(given)
    )
    values = np.full(len(given), np.nan)
    values[fit] = _floats(given[fit])
    return values, ~fit & ~empty, empty


def _floats(given: npt.NDArray[Any]) -> Floats:
    try:
        return given.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        return np.array([_float(value) for value in given], dtype=np.float64)


def _float(value: Any) -> float:
    """Take what no float can hold for infinite: it is refused as such."""
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return float("inf")


def _kinds_of_cell(cells: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Give each cell the number of its value, -1 where it is missing, and the different values."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return np.asarray(cells.cat.codes, dtype=np.int64), objects(pd.Series(cells.cat.categories))
    values = objects(cells)
    empty = np.asarray(cells.isna(), dtype=bool)
    values[empty] = None
    try:
        code, distinct = pd.factorize(values)
    except TypeError:
        # Lists and the like cannot be compared: each stands for itself.
        code, distinct = np.where(empty, -1, np.arange(len(values))), values
    return np.asarray(code, dtype=np.int64), np.asarray(distinct, dtype=object)
