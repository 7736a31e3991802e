"""A data set as a frozen handful of named tables, and how its files are read."""

from __future__ import annotations

from importlib import resources
from typing import Any, ClassVar

import attrs
import numpy as np
import pandas as pd

from salesops import _display

_ROWS_SHOWN = 5
_files = resources.files("salesops")


def read(name: str) -> pd.DataFrame:
    """Read one bundled file, plain or gzipped CSV."""
    with _files.joinpath("data", *name.split("/")).open("rb") as file:
        return pd.read_csv(file, compression="gzip" if name.endswith(".gz") else None)


def whole(column: pd.Series[Any]) -> pd.Series[Any]:
    """Turn a column that holds whole numbers, as floats with gaps, into nullable integers."""
    present = column.dropna()
    return column.astype("Int64") if bool((np.floor(present) == present).all()) else column


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Tables:
    """What every data set shares: it shows itself as the list of its tables."""

    _title: ClassVar[str] = "A data set"
    _notes: ClassVar[tuple[str, ...]] = ()

    def _tables(self) -> dict[str, pd.DataFrame]:
        values = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return {name: value for name, value in values.items() if isinstance(value, pd.DataFrame)}

    def __repr__(self) -> str:
        """Name each table with its number of rows."""
        sizes = ", ".join(f"{name}={len(frame):,} rows" for name, frame in self._tables().items())
        return f"{type(self).__name__}({sizes})"

    def _repr_html_(self) -> str:
        """Show the size and the first rows of each table."""
        tables = self._tables()
        facts = {name: f"{len(frame):,} rows, {len(frame.columns)} columns" for name, frame in tables.items()}
        heads = [(f"{name}, first rows", frame.head(_ROWS_SHOWN)) for name, frame in tables.items()]
        return _display.html_card(self._title, facts, heads, notes=self._notes)
