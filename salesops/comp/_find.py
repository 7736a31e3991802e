"""Find reps, periods and lines that a caller names, or say which there are."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from salesops._faults import closest, count
from salesops._frames import Labels
from salesops.errors import InvalidInput, Problem, show


def find_rep(reps: Labels, rep_id: Hashable) -> int:
    """Find the position of a rep."""
    rep = reps.position(rep_id)
    if rep < 0:
        near = closest(rep_id, reps.values.tolist())
        message = "the run knows no such rep"
        fault = Problem(path="rep_id", message=message, values=(show(rep_id),), suggestions=near)
        raise InvalidInput("statement: 1 problem", [fault])
    return rep


def find_period(periods: Sequence[str], period: str | None) -> int:
    """Find the position of a period; it need not be named where there is one."""
    if period in periods:
        return periods.index(period)
    if period is None and len(periods) == 1:
        return 0
    message = "the run has several periods" if period is None else "the run has no such period"
    known = ", ".join(map(repr, periods[:12]))
    near = closest(period, periods) if period is not None else ()
    fault = Problem(
        path="period",
        message=message,
        values=(show(period),),
        suggestions=near,
        hint=f"choose one of {known}",
    )
    raise InvalidInput("statement: 1 problem", [fault])


def check_line(n_lines: int, line_id: object, verb: str) -> None:
    """Refuse what is no line of the run."""
    whole = isinstance(line_id, (int, np.integer)) and not isinstance(line_id, bool)
    if not whole or not 0 <= int(line_id) < n_lines:  # type: ignore[call-overload]  # a whole number
        hint = f"the run has {count(n_lines, 'line')}, counted from 0"
        message = "the run has no such line"
        fault = Problem(path="line_id", message=message, values=(show(line_id),), hint=hint)
        raise InvalidInput(f"{verb}: 1 problem", [fault])
