"""Which component counts which credit: measures, conditions on columns, and the most specific rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._frames import Reader
from salesops._money import BoolArray, IntArray
from salesops.comp import _expressions_columns as exact
from salesops.comp._claims import whole_months_each
from salesops.comp._expressions_columns import Column
from salesops.comp._expressions_parse import parse
from salesops.comp._expressions_run import MISSING, evaluate
from salesops.comp._metrics import UNIT, read_decimals
from salesops.comp._periods import FIRST_DAY, LAST_DAY, day_numbers, day_of
from salesops.comp._triage import HELD, REJECTED, Triage
from salesops.comp.components import Commission, Match, Override
from salesops.comp.conditions import Multiplier
from salesops.comp.expressions import Expression
from salesops.comp.plan import CompPlan
from salesops.comp.rewards import Spiff
from salesops.comp.settlement import Clawback, Hold
from salesops.errors import Problem, show

TENURE = "tenure_month"


@attrs.frozen(eq=False)
class Columns:
    """Columns of the credits that plans ask for.

    Texts; numbers in millionths, and dates in days from 1970, each with what is known.
    """

    texts: Mapping[str, NDArray[Any]]
    numbers: Mapping[str, tuple[IntArray, BoolArray]]
    dates: Mapping[str, tuple[IntArray, BoolArray]]


def read_columns(
    table: Reader, plans: Sequence[CompPlan], days: Mapping[str, IntArray | None], *, zone: str | None
) -> Columns:
    """Take the columns that conditions, factors and rates name.

    Moments count on their day in `zone`; `days` are those that the run has read already, if it has.
    """
    texts: dict[str, None] = {}
    numbers: dict[str, None] = {}
    dates: dict[str, None] = {}
    of_kind = {"text": texts, "date": dates}
    for plan in plans:
        for part in plan.components:
            for match in getattr(part, "where", ()):
                if match.expression is None:
                    (texts if match.one_of else dates if match.is_of_dates else numbers)[match.field] = None
                    continue
                for name in match.expression.names:
                    of_kind.get(match.expression.fields[name], numbers)[name] = None
            if isinstance(part, Multiplier) and part.field is not None:
                texts[part.field] = None
            if isinstance(part, Commission) and part.rate_by is not None:
                numbers[part.rate_by] = None
    numbers = {name: None for name in numbers if name != TENURE or table.has(TENURE)}
    read = {name: _texts(table, name) for name in texts}
    return Columns(
        read,
        {name: read_decimals(table, name, optional=True) for name in numbers},
        {name: _dates(table, name, days, zone) for name in dates},
    )


def _dates(
    table: Reader, name: str, days: Mapping[str, IntArray | None], zone: str | None
) -> tuple[IntArray, BoolArray]:
    """Take a column of days; say which are known."""
    if not table.has(name):
        table.cells(name)
    day = days.get(name)
    if day is None:
        day = day_numbers(table.dates(name, optional=True, zone=zone), missing=FIRST_DAY)
    return day, day > FIRST_DAY


def _texts(table: Reader, name: str) -> NDArray[Any]:
    """Take a column that may also be one of those that the run reads anyway."""
    if not table.has(name):
        table.cells(name)
        return np.full(len(table), None, dtype=object)
    return table.texts(name, optional=True)


def with_tenure(
    columns: Columns,
    plans: Sequence[CompPlan],
    rep: IntArray,
    day: IntArray,
    started: IntArray | None,
    faults: list[Problem],
) -> Columns:
    """Count the months of service of each credit's rep, where a plan asks for them."""
    asked = any(
        isinstance(part, Commission) and part.rate_by == TENURE for plan in plans for part in plan.components
    )
    if not asked or TENURE in columns.numbers:
        return columns
    if started is None:
        hint = "add started_on to reps, or a column tenure_month to the credits"
        faults.append(Problem(path="reps.started_on", message="the column is missing", hint=hint))
        return columns
    since = started[rep]
    known = (since > FIRST_DAY) & (day >= since)
    month = whole_months_each(np.where(known, since, day), day) + 1
    return attrs.evolve(columns, numbers={**columns.numbers, TENURE: (month * UNIT, known)})


def component_masks(
    plan: CompPlan,
    columns: Columns,
    measure: IntArray,
    measures: Sequence[str],
    day: IntArray,
    triage: Triage,
    mine: BoolArray,
) -> tuple[BoolArray | None, ...]:
    """Say for each component which credits it counts (None: all); set aside those that two rules claim."""
    masks = [
        _within_days(part, day, _matching(part, columns, measure, measures, triage, mine))
        for part in plan.components
    ]
    for kind in (Commission, Override):
        rivals = [k for k, part in enumerate(plan.components) if type(part) is kind]
        if plan.specificity == "most_specific" and len(rivals) > 1:
            _let_the_specific_win(plan, rivals, masks, triage, mine if kind is Commission else None)
    for k, part in enumerate(plan.components):
        if not isinstance(part, Commission) or part.rate_by not in columns.numbers or part.rate_by is None:
            continue
        known, mask = columns.numbers[part.rate_by][1], masks[k]
        if type(part) is Commission:
            lost = mine & ~known if mask is None else mine & ~known & mask
            message = "is missing, and it selects the rate"
            triage.set_aside(lost, HELD, "no rate", part.rate_by, message)
        else:
            masks[k] = known if mask is None else mask & known
    return tuple(masks)


def _matching(
    part: Any,
    columns: Columns,
    measure: IntArray,
    measures: Sequence[str],
    triage: Triage,
    mine: BoolArray,
) -> BoolArray | None:
    """Mark the credits of a component's measure that fulfil its conditions."""
    mask: BoolArray | None = None
    if getattr(part, "measure", None) is not None:
        code = measures.index(part.measure) if part.measure in measures else -2
        mask = np.asarray(measure == code, dtype=np.bool_)
    conditions = sorted(getattr(part, "where", ()), key=lambda match: match.expression is not None)
    for match in conditions:
        if match.expression is None:
            holds = _holds(match, columns)
        else:
            rows = mine if mask is None else mine & mask
            holds = _fulfils(match.expression, columns, triage, rows)
        mask = holds if mask is None else mask & holds
    return mask


def counts_days(plan: CompPlan) -> bool:
    """Say whether pay hangs on the day of a credit, besides the period it belongs to."""
    for part in plan.components:
        if isinstance(part, Spiff) and (part.start is not None or part.end is not None):
            return True
        if isinstance(part, Hold) and part.days is not None:
            return True
        if isinstance(part, Clawback) and (part.window is not None or part.prorate != "none"):
            return True
    return False


def _within_days(part: Any, day: IntArray, mask: BoolArray | None) -> BoolArray | None:
    """Keep the credits of the days of a SPIFF."""
    if not isinstance(part, Spiff) or (part.start is None and part.end is None):
        return mask
    within = (day >= day_of(part.start, FIRST_DAY)) & (day < day_of(part.end, LAST_DAY))
    return np.asarray(within if mask is None else mask & within, dtype=np.bool_)


def _fulfils(expression: Expression, columns: Columns, triage: Triage, rows: BoolArray) -> BoolArray:
    """Mark the credits for which an expression is true; hold those for which it has no value."""
    program = parse(expression.text, expression.fields)[0]
    one = np.ones(1, dtype=np.int64)
    fields = {}
    for name in sorted(program.names):
        if expression.fields[name] == "text":
            cells = columns.texts[name]
            held = np.where(np.asarray(cells == None, dtype=np.bool_), MISSING, 0)  # noqa: E711  (elementwise)
            fields[name] = Column(cells, one, held)
        elif expression.fields[name] == "date":
            day, known = columns.dates[name]
            fields[name] = Column(day, one, np.where(known, 0, MISSING))
        else:
            value, known = columns.numbers[name]
            fields[name] = exact.numbers(value, one * UNIT, np.where(known, 0, MISSING))
    answer = evaluate(program, fields, len(rows))
    lost = np.asarray(answer.column.held > 0, dtype=np.bool_)
    triage.set_aside(
        rows & lost,
        HELD,
        "no value",
        "where",
        "a condition of the plan has no value for the credit",
        value=lambda row: f"{expression.text}: {answer.reasons[int(answer.column.held[row])]}",
    )
    return np.asarray(answer.column.values, dtype=np.bool_) & ~lost


def _holds(match: Match, columns: Columns) -> BoolArray:
    if match.one_of:
        codes, distinct = pd.factorize(columns.texts[str(match.field)])
        fits = np.array([*(text in match.one_of for text in distinct), False], dtype=np.bool_)
        return np.asarray(fits[codes], dtype=np.bool_)
    if match.is_of_dates:
        day, known = columns.dates[str(match.field)]
        first, end = day_of(match.on_or_after, FIRST_DAY), day_of(match.before, LAST_DAY)
        return np.asarray(known & (day >= first) & (day < end), dtype=np.bool_)
    value, known = columns.numbers[str(match.field)]
    holds = known.copy()
    if match.at_least is not None:
        holds &= value >= int(match.at_least * UNIT)
    if match.below is not None:
        holds &= value < int(match.below * UNIT)
    return holds


def _let_the_specific_win(
    plan: CompPlan, rivals: list[int], masks: list[BoolArray | None], triage: Triage, mine: BoolArray | None
) -> None:
    """Leave each credit to the rivals of highest priority and most conditions, within each measure."""
    parts: list[Any] = list(plan.components)
    if len({(part.priority, part.where) for part in (parts[k] for k in rivals)}) < 2:
        return
    n = len(triage.status)
    whole: dict[int, BoolArray] = {}
    for k in rivals:
        mask = masks[k]
        whole[k] = np.ones(n, dtype=np.bool_) if mask is None else mask
    for measure in {parts[k].measure for k in rivals}:
        group = [k for k in rivals if parts[k].measure == measure]
        rank = {k: (parts[k].priority, len(parts[k].where)) for k in group}
        best = np.full(n, -1)
        order = {level: j for j, level in enumerate(sorted(set(rank.values())))}
        for k in group:
            best = np.where(whole[k], np.maximum(best, order[rank[k]]), best)
        for k in group:
            masks[k] = np.asarray(whole[k] & (best == order[rank[k]]), dtype=np.bool_)
        for a in group:
            for b in group:
                if a < b and rank[a] == rank[b] and parts[a].where != parts[b].where:
                    both = whole[a] & whole[b] & (best == order[rank[a]])
                    _claimed_twice(both if mine is None else both & mine, parts[a], parts[b], triage)


def _claimed_twice(rows: BoolArray, a: Any, b: Any, triage: Triage) -> None:
    hint = 'give one of the components a higher priority, or write "specificity": "all"'
    message = "two components that are equally specific count the credit"
    names = f"{show(a.name)} and {show(b.name)}"
    field = (a.where or b.where)[0].field or "where"
    triage.set_aside(rows, HELD, "two rules", field, message, value=lambda _: names, hint=hint)


def counts_credits(part: Any) -> bool:
    """Say whether a component counts credits of the rep, as a gate on a figure or an override does not."""
    by_figure = getattr(part, "metric", None) is not None or getattr(part, "field", None) is not None
    return hasattr(part, "measure") and not by_figure and not isinstance(part, Override)


def set_uncounted_aside(
    plan: CompPlan, masks: Sequence[BoolArray | None], triage: Triage, mine: BoolArray
) -> None:
    """Reject credits that no component of their rep's plan counts."""
    parts = [mask for part, mask in zip(plan.components, masks, strict=True) if counts_credits(part)]
    if any(mask is None for mask in parts):
        return
    counted = np.zeros(len(mine), dtype=np.bool_)
    for mask in parts:
        counted |= mask  # type: ignore[arg-type]  # none of them is None here
    message = "is counted by no component of the plan"
    triage.set_aside(mine & ~counted, REJECTED, "no rule", "credit_id", message, is_fault=False)
