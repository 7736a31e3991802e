"""Which credits are paid, held or rejected, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._faults import closest
from salesops._frames import Reader, to_frame
from salesops._money import BoolArray, IntArray
from salesops.errors import Problem, show

Status = Literal["paid", "held", "rejected"]
STATUSES: tuple[Status, ...] = get_args(Status)
PAID, HELD, REJECTED = range(3)

Reason = Literal[
    "unreadable",
    "duplicate",
    "contradictory",
    "unknown rep",
    "no plan",
    "not employed",
    "no period",
    "no exchange rate",
    "mixed currencies",
    "unused measure",
    "no rule",
    "two rules",
    "no rate",
    "no quota",
    "no metric",
    "above the last tier",
    "negative total",
    "refunded before payment",
    "not won",
    "no crediting rule",
    "no value",
    "no receiver",
    "unknown deal",
]


def open_tables(
    tables: Mapping[str, object], columns: object, faults: list[Problem]
) -> dict[str, pd.DataFrame]:
    """Open the tables that were given; one mapping of column names serves them all."""
    frames = {
        name: to_frame(data, name) for name, data in tables.items() if data is not None or name in REQUIRED
    }
    if columns is not None and not isinstance(columns, Mapping):
        hint = "write columns={'name in your table': 'name in the documentation'}"
        found = (type(columns).__name__,)
        faults.append(Problem(path="columns", message="is not a mapping", values=found, hint=hint))
    names: dict[str, str] = dict(columns) if isinstance(columns, Mapping) else {}
    seen = {label for frame in frames.values() for label in frame.columns}
    faults.extend(
        Problem(
            path="columns",
            message="names a column that no table has",
            values=(show(theirs),),
            suggestions=closest(theirs, seen),
            hint="write columns={'name in your table': 'name in the documentation'}",
        )
        for theirs in names
        if theirs not in seen and seen
    )
    return {
        name: to_frame(frame, name, columns={old: new for old, new in names.items() if old in frame.columns})
        for name, frame in frames.items()
    }


REQUIRED = ("credits", "deals", "payouts", "contracts")


class Triage:
    """What becomes of each credit.

    Where the run does not hold, every credit that is set aside is a fault of its row as well.
    """

    def __init__(self, table: Reader, *, holds: bool) -> None:
        self.table = table
        self.holds = holds
        self.status = np.zeros(len(table), dtype=np.int8)
        self.reason: NDArray[Any] = np.broadcast_to(np.array(None, dtype=object), (len(table),))
        self.detail = self.reason

    def paid(self) -> BoolArray:
        """Mark the credits that nothing speaks against."""
        return np.asarray(self.status == PAID, dtype=np.bool_)

    def set_aside(
        self,
        rows: BoolArray,
        status: int,
        reason: Reason,
        column: str,
        message: str,
        *,
        value: Callable[[int], str] | None = None,
        hint: str | None = None,
        is_fault: bool = True,
        stand_in: IntArray | None = None,
    ) -> None:
        """Hold or reject credits that were to be paid so far.

        Of a fault that many rows share, `stand_in` names the rows to show.
        """
        places = np.flatnonzero(rows & self.paid())
        if not len(places):
            return
        if is_fault and not self.holds:
            shown = places if stand_in is None else stand_in
            self.table.fault(column, shown, message, value=value, hint=hint)
        self._open()
        self.status[places] = status
        self.reason[places] = reason
        for k in places.tolist():
            self.detail[k] = f"{column}: {message}" + (f": {value(k)}" if value else "")

    def _open(self) -> None:
        """Make room for reasons: until a credit is set aside there are none."""
        if self.reason is self.detail:
            self.reason, self.detail = self.reason.copy(), self.detail.copy()

    def adopt(self, since: int) -> None:
        """Turn the faults of rows that the table has found into rejected credits, where the run holds."""
        faults = self.table.faults
        found = faults[since:] if self.holds else []
        by_row = [problem for problem in found if problem.rows]
        if not by_row:
            return
        faults[since:] = [problem for problem in found if not problem.rows]
        self._open()
        place: dict[Any, int] = {label: k for k, label in enumerate(self.table.rows)}
        for problem in by_row:
            for j, label in enumerate(problem.rows):
                k = place[label]
                if self.status[k] == PAID:
                    value = f": {problem.values[j]}" if problem.values else ""
                    self.status[k], self.reason[k] = REJECTED, "unreadable"
                    self.detail[k] = f"{problem.path.partition('.')[2]}: {problem.message}{value}"
