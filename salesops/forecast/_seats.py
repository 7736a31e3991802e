"""The seats of a capacity plan, read from tables: who is there, who is to come, and by which rules."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import closest, refuse
from salesops._frames import Reader
from salesops.errors import Problem, show
from salesops.forecast._staffing import Productivity, Role, Seats
from salesops.models import FiscalCalendar, Period

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Span = Literal["month", "quarter", "year"]

MOST_MONTHS = 120
_MOST_SEATS = 10**6
_MOST_AMOUNT = 1e15


def number(value: object) -> float | None:
    """Take a finite number, or None."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, Decimal, Fraction, np.number)
    ):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


@attrs.frozen(eq=False)
class Grid:
    """The months of the horizon and the periods they are shown in."""

    calendar: FiscalCalendar
    months: tuple[Period, ...]
    periods: tuple[Period, ...]
    spans: Floats

    @classmethod
    def of(cls, calendar: FiscalCalendar, day: dt.date, n_months: int, by: Span) -> Grid:
        first = calendar.period_of(day)
        end = first.start + dt.timedelta(days=36 * n_months + 7)
        months = calendar.periods_between(first.start, end)[:n_months]
        owner = [calendar.period_of(month.start, by=by) for month in months]
        names = list(dict.fromkeys(owner))
        spans = np.zeros((len(names) + 1, n_months))
        spans[[names.index(period) for period in owner], np.arange(n_months)] = 1.0
        spans[-1] = 1.0
        return cls(calendar, months, tuple(names), spans)

    def places(self, days: npt.NDArray[np.datetime64], longest: int) -> tuple[Ints, Floats]:
        """Give the month of each day, 0 the first of the horizon, and the share of it from that day on."""
        begin, end = (np.datetime64(day, "D") for day in (self.months[0].start, self.months[-1].end))
        known = np.where(np.isnat(days), begin, np.minimum(days, end))
        clipped = np.maximum(known, begin - np.timedelta64(36 * (longest + 1), "D"))
        first = np.append(clipped, begin).min()
        found = self.calendar.periods_between(first.item(), self.months[-1].end)
        starts = np.array([period.start for period in found], dtype="datetime64[D]")
        ends = np.array([period.end for period in found], dtype="datetime64[D]")
        place = np.searchsorted(starts, clipped, side="right") - 1
        share = (ends[place] - clipped) / (ends[place] - starts[place])
        place, share = np.where(clipped < end, place, len(found)), np.where(clipped < end, share, 1.0)
        zero = int(np.searchsorted(starts, np.datetime64(self.months[0].start, "D")))
        return place - zero, share


class Roles:
    """Ramp, attrition and productivity by role, read once and checked for every role that occurs."""

    def __init__(
        self,
        ramp: Any,
        attrition: Any,
        attrition_per: str,
        productivity: Any,
        n_months: int,
        faults: list[Problem],
    ) -> None:
        self._given = {"ramp": ramp, "attrition": attrition, "productivity": productivity}
        self._year = attrition_per == "year"
        self._n_months = n_months
        self._faults = faults
        self._made: dict[str | None, Role] = {}
        self._missing: dict[str, dict[str | None, None]] = {}

    def role(self, name: str | None) -> Role:
        """Give the role; what is wrong with it is told once."""
        if name not in self._made:
            ramp = self._take("ramp", name, self._ramp) or (1.0,)
            leaving = self._take("attrition", name, self._leaving) or 0.0
            made = self._take("productivity", name, self.amounts)
            self._made[name] = Role(name=name, ramp=ramp, leaving=leaving, productivity=made or _NOTHING)
        return self._made[name]

    def known(self) -> tuple[Role, ...]:
        """Give the roles that occur and those that the mappings name, by name."""
        for given in self._given.values():
            for name in given if isinstance(given, Mapping) else ():
                self.role(name)
        if not self._made:
            self.role(None)
        return tuple(self._made[name] for name in sorted(self._made, key=lambda name: name or ""))

    def finish(self) -> None:
        """Tell which roles a mapping lacks."""
        for argument, names in self._missing.items():
            present = list(self._given[argument])
            self._faults.append(
                Problem(
                    path=argument,
                    message="has no entry for a role that occurs",
                    values=tuple(map(show, names)),
                    hint=f"roles there: {', '.join(map(show, present))}",
                    suggestions=tuple(near for name in names for near in closest(name, present)),
                )
            )

    def longest_ramp(self) -> int:
        """Months of the longest ramp."""
        ramp = self._given["ramp"]
        every = ramp.values() if isinstance(ramp, Mapping) else [ramp]
        return max((len(one) for one in every if isinstance(one, Sequence)), default=1)

    def _take(self, argument: str, name: str | None, read: Callable[[str, Any], Any]) -> Any:
        given = self._given[argument]
        if not isinstance(given, Mapping):
            return read(argument, given)
        if name not in given:
            self._missing.setdefault(argument, {})[name] = None
            return None
        return read(f"{argument}[{name!r}]", given[name])

    def _tell(self, path: str, message: str, value: object) -> None:
        fault = Problem(path=path, message=message, values=(show(value),))
        if fault not in self._faults:
            self._faults.append(fault)

    def _ramp(self, path: str, value: Any) -> tuple[float, ...] | None:
        shares = _numbers(value)
        if not shares or len(shares) > MOST_MONTHS or not 0.0 <= min(shares) <= max(shares) <= 10.0:
            self._tell(path, "is a list of 1 to 120 shares from 0 to 10", value)
            return None
        return shares

    def _leaving(self, path: str, value: Any) -> float | None:
        rate = number(value)
        if rate is None or not 0.0 <= rate < 1.0:
            self._tell(path, "is a probability, from 0 to below 1", value)
            return None
        return -math.expm1(math.log1p(-rate) / 12) if self._year else rate

    def amounts(self, path: str, value: Any) -> Productivity | None:
        """Read what a full month brings."""
        one = number(value)
        seen = (one,) if one is not None else _numbers(value)
        if not seen or min(seen) < 0.0 or max(seen) > _MOST_AMOUNT:
            self._tell(path, "is a number from 0 to 1e15, or a list of such", value)
            return None
        distinct, counts = np.unique(np.array(seen), return_counts=True)
        values = tuple((distinct / self._n_months).tolist())
        return Productivity(values=values, weights=tuple((counts / len(seen)).tolist()))


_NOTHING = Productivity(values=(0.0,), weights=(1.0,))


def _numbers(value: Any) -> tuple[float, ...] | None:
    """Take a list of finite numbers, or None."""
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        return None
    found = [number(item) for item in value]
    return None if None in found else tuple(item for item in found if item is not None)


def read_season(given: Any, grid: Grid, faults: list[Problem]) -> Floats:
    if given is None:
        return np.ones(len(grid.months))
    weights = _numbers(given)
    if weights is None or len(weights) != 12 or min(weights) < 0.0 or not 0.0 < max(weights) < 1e15:
        rule = "is a list of 12 weights, one for each fiscal month, 0 or more and not all 0"
        faults.append(Problem(path="seasonality", message=rule, values=(show(given),)))
        return np.ones(len(grid.months))
    factors = np.array(weights) * (12 / math.fsum(weights))
    numbers = []
    for month in grid.months:
        year = grid.calendar.period_of(month.start, by="year")
        numbers.append(len(grid.calendar.periods_between(year.start, month.end)) - 1)
    return np.asarray(factors[numbers])


def read_time_to_fill(given: Any, faults: list[Problem]) -> tuple[float, ...]:
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MOST_MONTHS:
        return (*(0.0,) * given, 1.0)
    shares = _numbers(given)
    if not shares or min(shares) < 0.0 or math.fsum(shares) > 1.0 + 1e-9:
        rule = "is a whole number of months, or probabilities of 0, 1, 2 ... months that sum to at most 1"
        faults.append(Problem(path="time_to_fill", message=rule, values=(show(given),)))
        return (1.0,)
    return shares


def rep_seats(
    reps: Any, roles: Roles, grid: Grid, columns: Mapping[str, str] | None, faults: list[Problem]
) -> list[Seats]:
    if isinstance(reps, (int, np.integer)) and not isinstance(reps, bool):
        if not 0 <= reps <= _MOST_SEATS:
            raise refuse("reps", f"is a table, or a whole number of reps from 0 to {_MOST_SEATS}", reps)
        role = roles.role(None)
        made = role.productivity
        ramped = Seats(
            label="rep", kind="rep", n=int(reps), role=role, productivity=made, starts=((None, 1.0),)
        )
        return [ramped] if reps else []
    if isinstance(reps, (float, np.floating, bool)):
        raise refuse("reps", f"is a table, or a whole number of reps from 0 to {_MOST_SEATS}", reps)
    table = Reader(reps, "reps", key=("rep_id",), columns=columns, faults=faults)
    ids = table.ids("rep_id", unique=True)
    started, ended = table.dates("started_on", optional=True), table.dates("ended_on", optional=True)
    table.fault("ended_on", ended < started, "ended before it started")
    names = table.texts("role", optional=True)
    own = _own(table)
    start, share = grid.places(started, roles.longest_ramp())
    until, rest = grid.places(np.where(np.isnat(ended), np.datetime64(grid.months[-1].end), ended), 1)
    seats = []
    for k in range(len(table)):
        role = roles.role(names[k])
        if not np.isnat(ended[k]) and ended[k] <= np.datetime64(grid.months[0].start):
            continue
        final = None if np.isnat(ended[k]) else int(until[k]) + (rest[k] < 1.0)
        begin = None if np.isnat(started[k]) else int(start[k])
        first = float(share[k])
        last = 1.0 - float(rest[k]) if final is not None and rest[k] < 1.0 else 1.0
        if final is not None and begin is not None and begin >= 0 and final == begin + 1:
            first, last = first + last - 1.0, 1.0
        seats.append(
            Seats(
                label=show(ids.label(k)),
                kind="rep",
                n=1,
                role=role,
                productivity=_of_own(own[k], roles, role),
                starts=((begin, 1.0),),
                until=final,
                first_share=first if begin is not None and begin >= 0 else 1.0,
                last_share=last,
            )
        )
    return seats


def _own(table: Reader) -> Floats:
    if not table.has("productivity"):
        return np.full(len(table), np.nan)
    return table.numbers("productivity", minimum=0, maximum=_MOST_AMOUNT, missing=math.nan)


def _of_own(own: float, roles: Roles, role: Role) -> Productivity:
    if math.isnan(own):
        return role.productivity
    return roles.amounts("productivity", own) or role.productivity


def hire_seats(
    hiring: Any,
    roles: Roles,
    grid: Grid,
    fill: tuple[float, ...],
    columns: Mapping[str, str] | None,
    faults: list[Problem],
) -> list[Seats]:
    if hiring is None:
        return []
    table = Reader(hiring, "hiring", faults=faults)
    if columns:
        table = Reader(hiring, "hiring", columns=_there(columns, table.frame), faults=faults)
    starts, opened = table.dates("starts_on", optional=True), table.dates("opened_on", optional=True)
    n = table.numbers("n", minimum=0, maximum=_MOST_SEATS, default=1)
    table.fault("n", np.isfinite(n) & (n != np.floor(n)), "a number of hires is whole")
    table.fault("starts_on", np.isnat(starts) & np.isnat(opened), "one of starts_on and opened_on is needed")
    table.fault(
        "starts_on", ~np.isnat(starts) & ~np.isnat(opened), "starts_on and opened_on exclude each other"
    )
    days = np.where(np.isnat(starts), opened, starts)
    early = days < np.datetime64(grid.months[0].start)
    hint = "list those who started before among the reps"
    table.fault("starts_on", early & ~np.isnat(starts), "a planned hire starts within the horizon", hint=hint)
    names, own = table.texts("role", optional=True), _own(table)
    place, share = grid.places(days, len(fill) + 1)
    seats, late = [], []
    for k in range(len(table)):
        role = roles.role(names[k])
        signed = not np.isnat(starts[k])
        law = ((int(place[k]), 1.0),) if signed else _filled(int(place[k]), fill)
        late.append(not law)
        if math.isnan(n[k]) or not n[k] or not law:
            continue
        seats.append(
            Seats(
                label=str(days[k]),
                kind="hire" if signed else "open seat",
                n=int(n[k]),
                role=role,
                productivity=_of_own(own[k], roles, role),
                starts=law,
                first_share=float(share[k]) if signed else 1.0,
            )
        )
    hint = "list who came among the reps, or allow more months"
    table.fault(
        "opened_on", np.array(late, dtype=bool), "time_to_fill says that the seat is filled", hint=hint
    )
    return seats


def _filled(opened: int, fill: tuple[float, ...]) -> tuple[tuple[int | None, float], ...]:
    """List the months in which an open seat may start; one that is still open cannot have been filled yet."""
    law = [(opened + k, p) for k, p in enumerate(fill) if p > 0.0]
    left = math.fsum(p for month, p in law if month >= 0) + max(0.0, 1.0 - math.fsum(fill))
    return tuple((month, p / left) for month, p in law if month >= 0)


def _there(columns: Mapping[str, str], frame: pd.DataFrame) -> dict[str, str]:
    return {theirs: ours for theirs, ours in columns.items() if theirs in frame.columns}
