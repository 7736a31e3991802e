"""The rows of a comparison, checked once: deals that mature, or values that are known at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from salesops._calendar import day_of
from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import Labels, Reader
from salesops.errors import InvalidInput, Problem, show

Days = npt.NDArray[np.datetime64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Metric = Literal["share", "amount", "days", "mean"]
Window = tuple[dt.date, dt.date]

METRICS = ("share", "amount", "days", "mean")
CALENDAR = ("day", "week", "month")


@attrs.frozen(kw_only=True, eq=False)
class Rows:
    """What a comparison works on; `end`, `mark` and `value` are what was known at `as_of`."""

    metric: Metric
    outcome: str
    on: Days
    end: Days
    ended: Mask
    mark: Floats
    treated: Mask
    stratum: Ints
    cluster: Ints
    clustered_by: str
    as_of: np.datetime64
    observed_from: np.datetime64 | None
    set_aside: tuple[tuple[str, int], ...]


def check_share(argument: str, value: object) -> float:
    """Take a number between 0 and 1, both excluded."""
    if isinstance(value, (float, np.floating)) and 0.0 < float(value) < 1.0:
        return float(value)
    raise refuse(argument, "is a number between 0 and 1", value, hint="write 0.95 for 95 %")


def read_windows(changed_on: object, before: object, after: object) -> tuple[Window | None, Window | None]:
    """Take the windows that were given, and refuse ones that overlap or stand in the wrong order."""
    faults: list[Problem] = []
    found: list[Window | None] = []
    for name, window in (("before", before), ("after", after)):
        if window is None:
            found.append(None)
            continue
        if isinstance(window, (str, bytes)) or not isinstance(window, (tuple, list)) or len(window) != 2:
            raise refuse(name, "is a pair of days: start, and end (excluded)", window)
        start, end = day_of(f"{name}[0]", window[0]), day_of(f"{name}[1]", window[1])
        if start >= end:
            faults.append(
                Problem(
                    path=name,
                    message="the end of a window comes after its start",
                    values=(f"{start} to {end}",),
                )
            )
        found.append((start, end))
    if found[0] and found[1] and not faults and found[1][0] < found[0][1]:
        shown = tuple(f"{name} {w[0]} to {w[1]}" for name, w in (("before", found[0]), ("after", found[1])))
        faults.append(
            Problem(
                path="before, after",
                message="the windows overlap or stand in the wrong order",
                values=shown,
                hint="end the window before no later than the window after starts",
            )
        )
    if changed_on is None and not (found[0] and found[1]):
        faults.append(
            Problem(
                path="changed_on", message="is missing", hint="give the day of the change, or both windows"
            )
        )
    raise_all("windows", faults)
    return found[0], found[1]


def read_rows(
    data: object,
    *,
    metric: Metric,
    outcome: str,
    as_of: object,
    observed_from: object,
    cluster: str | None,
    within: str | None,
    with_groups: bool,
    columns: Mapping[str, str] | None,
) -> Rows:
    """Read the rows as they were known at `as_of`; all faults are raised together."""
    check_choice("metric", metric, METRICS)
    known_until = None if as_of is None else np.datetime64(day_of("as_of", as_of))
    since = None if observed_from is None else np.datetime64(day_of("observed_from", observed_from))
    reader = Reader(data, "rows" if metric == "mean" else "deals", key=("deal_id",), columns=columns)
    on = reader.dates("on" if metric == "mean" else "created_on")
    treated = np.zeros(len(reader), dtype=bool)
    if with_groups and reader.cells("treated") is not None:
        treated = read_groups(reader)
    if metric != "mean" and reader.has("deal_id"):
        reader.ids("deal_id", unique=True)
    code, by = _clusters(reader, cluster)
    stratum = np.zeros(len(reader), dtype=np.int64)
    if within is not None:
        stratum = _column_codes(reader, "within", within)
    if metric == "mean":
        mark = reader.numbers("value")
        end, ended = on, np.ones(len(reader), dtype=bool)
        if known_until is None:
            known_until = on.max() + np.timedelta64(1, "D") if len(on) else np.datetime64("1970-01-01")
    elif known_until is None:
        raise _no_as_of()
    else:
        end, ended, mark = _outcomes(reader, on, metric, outcome, known_until)
    reader.finish()
    known = on <= known_until
    aside = {"dated after as_of": ~known}
    if since is not None and metric != "mean":
        aside["ended before the log starts"] = known & ended & (end < since)
    taken = np.flatnonzero(~np.logical_or.reduce(list(aside.values())))
    keep = taken[np.lexsort([column[taken] for column in (code, stratum, treated, mark, ended, end, on)])]
    return Rows(
        metric=metric,
        outcome=outcome,
        on=on[keep],
        end=end[keep],
        ended=ended[keep],
        mark=mark[keep],
        treated=treated[keep],
        stratum=stratum[keep],
        cluster=code[keep],
        clustered_by=by,
        as_of=known_until,
        observed_from=since,
        set_aside=tuple((name, int(rows.sum())) for name, rows in aside.items() if rows.any()),
    )


def read_groups(reader: Reader) -> Mask:
    """Take the group of each row; a row whose group is not known is in neither, so it is refused."""
    empty = np.asarray(reader.frame["treated"].isna(), dtype=bool)
    hint = "write True or False, or leave the row out"
    reader.fault("treated", empty, "does not say which group the row is in", hint=hint)
    return reader.flags("treated", default=False)


def _no_as_of() -> InvalidInput:
    fault = Problem(
        path="as_of",
        message="is missing: the day up to which the deals are known decides which are unfinished",
        hint="give the day on which the table was taken",
    )
    return InvalidInput("as_of: 1 problem", [fault])


def _clusters(reader: Reader, cluster: str | None) -> tuple[Ints, str]:
    """Give each row its cluster in a column; the calendar and single rows come later."""
    nothing = np.zeros(len(reader), dtype=np.int64)
    if cluster is None:
        return nothing, "rows"
    if not isinstance(cluster, str):
        raise refuse("cluster", "is a column, 'day', 'week', 'month', 'auto' or None", cluster)
    if cluster in (*CALENDAR, "auto"):
        return nothing, cluster
    return _column_codes(reader, "cluster", cluster), cluster


def _column_codes(reader: Reader, argument: str, column: str) -> Ints:
    """Give each row the number of its value in a column, in sorted order."""
    if not isinstance(column, str):
        raise refuse(argument, "is the name of a column", column)
    found = reader.ids(column)
    return Labels.of(found).codes(found).astype(np.int64)


def _outcomes(
    reader: Reader, on: Days, metric: str, outcome: str, as_of: np.datetime64
) -> tuple[Days, Mask, Floats]:
    """Take how deals ended, as far as it was known; later ends are unknown."""
    result = reader.texts("outcome", optional=True)
    closed = reader.dates("closed_on", optional=True)
    names = np.array(["open" if name is None else name for name in result.tolist()], dtype=str)
    is_open, dated = names == "open", ~np.isnat(closed)
    reader.fault("closed_on", ~is_open & ~dated, "a deal that ended has the day on which it ended")
    reader.fault(
        "outcome",
        is_open & dated & (closed <= as_of),
        "a deal with a day on which it ended has an outcome",
        value=lambda k: f"{show(str(names[k]))}, closed_on {closed[k]}",
    )
    reader.fault(
        "closed_on",
        dated & (closed < on),
        "comes before the deal was created",
        value=lambda k: f"created {on[k]}, closed {closed[k]}",
    )
    ended = dated & ~is_open & (closed <= as_of)
    asked = ended & (names == outcome)
    if len(names) and not (names == outcome).any() and metric != "days":
        known = ", ".join(sorted(set(names.tolist()) - {"open"})) or "none"
        reader.faults.append(
            Problem(
                path="outcome",
                message="no deal has the outcome that is asked for",
                values=(show(outcome), f"outcomes there: {known}"),
            )
        )
    mark = asked.astype(np.float64)
    if metric == "amount":
        amount = reader.numbers("amount", missing=np.nan)
        reader.fault("amount", asked & np.isnan(amount), "a deal that ended as asked for has an amount")
        mark = np.where(asked, amount, 0.0)
    return np.where(ended, closed, as_of), ended, mark
