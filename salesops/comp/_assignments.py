"""Who has which plan when, and who is employed."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import pandas as pd

from salesops._faults import closest
from salesops._frames import Ids, Labels, Reader, check_known
from salesops._money import IntArray
from salesops.comp._periods import FIRST_DAY, LAST_DAY, day_numbers, overlapping, read_spans, span_text
from salesops.comp.plan import CompPlan
from salesops.errors import Problem


@attrs.frozen(eq=False)
class Assignments:
    """Who has which plan when, by row; `known_as` names the table that lists all reps, if there is one."""

    reps: Ids
    plan: IntArray
    start: IntArray
    end: IntArray
    known: Labels | None
    known_as: str | None
    employed: Employment | None = None


@attrs.frozen(eq=False)
class Employment:
    """From when until when reps are employed, by row of the table of reps."""

    reps: Ids
    start: IntArray
    end: IntArray

    def by_rep(self, reps: Labels) -> tuple[IntArray, IntArray]:
        """Give the first day of each rep of the run and the first day after, with an entry for rep -1."""
        code = reps.codes(self.reps)
        start, end = np.full(len(reps) + 1, FIRST_DAY), np.full(len(reps) + 1, LAST_DAY)
        start[code[code >= 0]], end[code[code >= 0]] = self.start[code >= 0], self.end[code >= 0]
        return start, end


def read_assignments(
    frame: pd.DataFrame | None, reps: pd.DataFrame | None, plans: Sequence[CompPlan], faults: list[Problem]
) -> Assignments:
    """Take the tables of assignments and reps; without assignments every rep has the only plan."""
    listed, employed = _read_reps(reps, faults)
    known = None if listed is None else Labels.of(listed)
    if frame is None:
        if len(plans) > 1:
            message = "several plans need a table of who has which"
            hint = "pass assignments with the columns rep_id and plan_id"
            faults.append(Problem(path="assignments", message=message, hint=hint))
        ids = listed if listed is not None else Ids(np.empty(0, np.int64), np.empty(0, dtype=object))
        ever = np.full(len(ids), FIRST_DAY), np.full(len(ids), LAST_DAY)
        as_reps = "reps" if listed is not None else None
        return Assignments(ids, np.zeros(len(ids), np.int64), *ever, known, as_reps, employed)
    table = Reader(frame, "assignments", key=("rep_id", "plan_id"), faults=faults)
    ids = table.ids("rep_id")
    if known is not None:
        check_known(faults, "assignments.rep_id", ids, known, "reps", table.rows)
    plan = _plans_named(table, plans)
    start, end = read_spans(table)
    partner = dict(pair for a, b in overlapping(ids.codes, start, end) for pair in ((a, b), (b, a)))
    names = [ours.plan_id for ours in plans]
    table.fault(
        "start",
        sorted(partner),
        "a rep has one plan at a time",
        value=lambda k: f"{span_text(start, end, k)}, overlaps plan {names[plan[partner[k]]]!r}",
        hint="end is the day after the last; what is paid side by side belongs into one plan",
    )
    if known is None:
        return Assignments(ids, plan, start, end, Labels.of(ids), "assignments")
    return Assignments(ids, plan, start, end, known, "reps", employed)


def _read_reps(reps: pd.DataFrame | None, faults: list[Problem]) -> tuple[Ids | None, Employment | None]:
    """Take the table of reps: who there is, and from when until when."""
    if reps is None:
        return None, None
    table = Reader(reps, "reps", key=("rep_id",), faults=faults)
    listed = table.ids("rep_id", unique=True)
    if not table.has("started_on") and not table.has("ended_on"):
        return listed, None
    start = day_numbers(table.dates("started_on", optional=True), missing=FIRST_DAY)
    end = day_numbers(table.dates("ended_on", optional=True), missing=LAST_DAY)
    hint = "started_on is the first day, ended_on the day after the last"
    wrong = np.flatnonzero(end <= start)
    message = "ends on or before its start"
    table.fault("ended_on", wrong, message, value=lambda k: span_text(start, end, k), hint=hint)
    return listed, Employment(listed, start, end)


def _plans_named(table: Reader, plans: Sequence[CompPlan]) -> IntArray:
    names = table.texts("plan_id")
    place = {plan.plan_id: k for k, plan in enumerate(plans)}
    plan = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    unknown = (plan < 0) & np.array([isinstance(name, str) for name in names], dtype=np.bool_)
    near = {hint: None for name in names[unknown][:5] for hint in closest(name, place)}
    table.fault("plan_id", unknown, "names a plan that was not given", suggestions=[*near])
    return plan
