"""Anything tabular becomes a pandas frame that keeps every value as it was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import closest, import_extra, raise_all, refuse
from salesops.errors import InvalidInput, Problem, show

_ACCEPTED = (
    "pass a pandas or polars frame, an Arrow table, a mapping of columns, "
    "or a list of mappings or of domain objects"
)


def to_frame(data: object, name: str, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Turn `data` into a frame, rename its columns, and refuse repeated names.

    Values are never coerced on the way: a list stays a column of Python objects, so 1 and 1.0 stay apart.
    """
    frame = _as_frame(data, name)
    if columns is not None:
        frame = _renamed(frame, name, columns)
    repeated = sorted({str(label) for label in frame.columns[frame.columns.duplicated()]})
    if repeated:
        found = list(map(str, frame.columns))
        raise_all(
            name,
            [
                Problem(
                    path=f"{name}.{label}",
                    message="a column name may stand only once",
                    values=(f"{found.count(label)} columns",),
                    hint="rename or drop the repeated columns",
                )
                for label in repeated
            ],
        )
    return frame


def id_column(values: npt.NDArray[Any]) -> pd.Series[Any]:
    """Make the column of ids that a result shows: whole numbers stay whole, the rest as pandas infers it.

    Beside missing ids whole numbers are Int64, so that the column can go back in as it came out.
    """
    if values.dtype.kind in "iu":
        return pd.Series(values.astype(np.int64, copy=False))
    series = pd.Series(values, dtype=object)
    if not len(series) or pd.api.types.infer_dtype(series, skipna=False) == "mixed-integer-float":
        return series  # pandas would make the whole numbers floats, which are other ids
    if series.isna().any() and pd.api.types.infer_dtype(series, skipna=True) == "integer":
        return _whole(series)
    return series.infer_objects()


def _whole(series: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return series.astype("Int64")
    except (OverflowError, TypeError):
        return series  # larger than 64 bits


def _as_frame(data: object, name: str) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, Mapping):
        return _from_columns(data, name)
    if isinstance(data, pd.Series):
        raise _not_a_table(data, name)
    if type(data).__module__.partition(".")[0] == "salesops" and hasattr(data, "to_frame"):
        frame: pd.DataFrame = data.to_frame()
        return frame
    if hasattr(data, "__arrow_c_stream__"):
        return _from_arrow(data, name)
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
        return _from_rows(list(data), name)
    raise _not_a_table(data, name)


def _not_a_table(data: object, name: str) -> InvalidInput:
    fault = Problem(path=name, message="is not a table", values=(type(data).__name__,), hint=_ACCEPTED)
    return InvalidInput(f"{name}: 1 problem", [fault])


def _from_columns(data: Mapping[Any, Any], name: str) -> pd.DataFrame:
    columns = {label: _column(values, f"{name}.{label}") for label, values in data.items()}
    lengths = {label: len(column) for label, column in columns.items()}
    if len(set(lengths.values())) > 1:
        fault = Problem(
            path=name,
            message="all columns must have the same length",
            values=tuple(f"{label}: {length}" for label, length in lengths.items()),
        )
        raise InvalidInput(f"{name}: 1 problem", [fault])
    return pd.DataFrame({label: column.reset_index(drop=True) for label, column in columns.items()})


def _column(values: Any, path: str) -> pd.Series[Any]:
    if isinstance(values, pd.Series):
        return values
    if isinstance(values, (pd.Index, pd.api.extensions.ExtensionArray)):
        return pd.Series(values)
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return pd.Series(values, dtype=object if values.dtype.kind in "OUS" else None)
    try:
        return object_column(list(values) if not isinstance(values, (str, bytes)) else [values])
    except TypeError:
        fault = Problem(path=path, message="a column is a list of values", values=(show(values),))
        raise InvalidInput(f"{path}: 1 problem", [fault]) from None


def object_column(values: Sequence[Any]) -> pd.Series[Any]:
    """Hold Python objects as they are; tuples stay single values."""
    cells = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        cells[position] = value
    return pd.Series(cells, dtype=object)


def _from_rows(rows: list[Any], name: str) -> pd.DataFrame:
    if not rows:
        return pd.DataFrame(index=pd.RangeIndex(0))
    records = [_record(row) for row in rows]
    wrong = [position for position, record in enumerate(records) if record is None]
    if wrong:
        fault = Problem(
            path=name,
            message="each row must be a mapping or a domain object; columns are never guessed from position",
            rows=tuple(wrong),
            values=tuple(show(rows[position]) for position in wrong),
            hint=_ACCEPTED,
        )
        raise InvalidInput(f"{name}: 1 problem", [fault])
    known = [record for record in records if record is not None]
    names = list(dict.fromkeys(label for record in known for label in record))
    return pd.DataFrame({label: object_column([record.get(label) for record in known]) for label in names})


def _record(row: object) -> Mapping[str, Any] | None:
    if isinstance(row, Mapping):
        return row
    if attrs.has(type(row)):
        return attrs.asdict(row, recurse=False)  # type: ignore[arg-type]  # has() does not narrow
    return None


def _from_arrow(data: Any, name: str) -> pd.DataFrame:
    as_dict = getattr(data, "to_dict", None)
    if type(data).__module__.partition(".")[0] == "polars" and as_dict is not None:
        return pd.DataFrame(
            {
                label: _column(_polars_values(column), str(label))
                for label, column in as_dict(as_series=True).items()
            }
        )
    arrow = import_extra("pyarrow", "arrow")
    try:
        table = arrow.table(data)
    except (TypeError, ValueError) as error:
        raise _not_a_table(data, name) from error
    names = [str(label) for label in table.column_names]
    frame = pd.concat([_arrow_column(arrow, column) for column in table.columns], axis=1) if names else None
    if frame is None:
        return pd.DataFrame(index=pd.RangeIndex(table.num_rows))
    frame.columns = pd.Index(names)
    return frame


def _polars_values(column: Any) -> Any:
    """Take a polars column without a detour through floats: exact arrays, or plain Python values."""
    plain = column.null_count() == 0 and column.dtype.is_numeric() and not column.dtype.is_decimal()
    return column.to_numpy() if plain else column.to_list()


def _arrow_column(arrow: Any, column: Any) -> pd.Series[Any]:
    """Take an Arrow column without a detour through floats: exact arrays, or plain Python values."""
    kind = arrow.types
    plain = kind.is_integer(column.type) or kind.is_floating(column.type) or kind.is_timestamp(column.type)
    if column.null_count == 0 and plain:
        series: pd.Series[Any] = column.to_pandas()
        return series.reset_index(drop=True)
    return object_column(column.to_pylist())


def _renamed(frame: pd.DataFrame, name: str, columns: object) -> pd.DataFrame:
    present = list(frame.columns)
    if not isinstance(columns, Mapping):
        hint = "write columns={'name in your table': 'name in the documentation'}"
        raise refuse("columns", "is a mapping of names", columns, hint=hint)
    faults = [
        Problem(
            path="columns",
            message=f"names a column that {name} does not have",
            values=(show(theirs),),
            suggestions=closest(theirs, present),
            hint="write columns={'name in your table': 'name in the documentation'}",
        )
        for theirs in columns
        if theirs not in present and len(present)
    ]
    raise_all(name, faults)
    if not columns:
        return frame
    renamed = frame.copy(deep=False)
    renamed.columns = pd.Index([columns.get(label, label) for label in present], name=frame.columns.name)
    return renamed
