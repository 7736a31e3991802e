"""Cells weighed against each other: one age for all, one variance for the whole."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import attrs
import numpy as np

from salesops._calendar import day_of
from salesops._faults import refuse
from salesops.evaluation import _kernels
from salesops.evaluation._rows import Days, Floats, Ints, Mask, Rows, Window, check_share
from salesops.evaluation.results import Cell, Effect

_ENOUGH = 8
_DAY = np.timedelta64(1, "D")


@attrs.frozen(kw_only=True, eq=False)
class Plan:
    """Which rows stand against which, and how far the older side is seen."""

    method: str
    before: Window
    after: Window
    with_groups: bool
    age: float | None
    cut: bool
    level: float
    power: float


def plan_of(
    method: str,
    rows: Rows,
    changed_on: object,
    before: Window | None,
    after: Window | None,
    age: object,
    straddling: bool,
    level: object,
    power: object,
) -> Plan:
    if age is not None and (
        isinstance(age, bool) or not isinstance(age, (int, float, np.number)) or not 0 < age < math.inf
    ):
        raise refuse("age", "is a number of days above 0", age)
    day = after[0] if changed_on is None and after else day_of("changed_on", changed_on)
    first = min(as_date(rows.on.min()), day) if len(rows.on) else day
    last = max(as_date(rows.as_of + _DAY), day)
    return Plan(
        method=method,
        before=before or (first, day),
        after=after or (day, last),
        with_groups=method != "before_after",
        age=None if age is None else float(age),
        cut=not straddling,
        level=check_share("level", level),
        power=check_share("power", power),
    )


def compare(rows: Rows, plan: Plan) -> Effect:
    """Read every cell at one age and weigh them against each other."""
    side = _sides(rows.on, plan)
    kept = side >= 0
    cell = np.where(rows.treated & plan.with_groups, 2, 0)[kept] + side[kept]
    n_cells = 4 if plan.with_groups else 2
    aside = dict(rows.set_aside)
    if not kept.all():
        aside["outside both windows"] = int((~kept).sum())
    until = np.where((side == 0) & plan.cut, np.datetime64(plan.after[0]), rows.as_of)[kept]
    entry = np.zeros(len(cell))
    if rows.observed_from is not None:
        entry = np.maximum((rows.observed_from - rows.on[kept]) / _DAY, 0.0)
    room = (until - rows.on[kept]) / _DAY
    age = plan.age if plan.age is not None else _matured(room, cell, n_cells)
    signs = np.array([-1.0, 1.0] if n_cells == 2 else [1.0, -1.0, -1.0, 1.0])
    values, influence, ended, unseen = _read_cells(rows, kept, cell, n_cells, until, entry, age)
    cluster, by = _cluster(rows, kept, side[kept])
    lone = np.array(
        [_error(influence[cell == k], cluster[cell == k]) for k in range(n_cells)], dtype=np.float64
    )
    cells = tuple(
        Cell(
            name=name,
            start=window[0],
            end=window[1],
            n=int((cell == k).sum()),
            ended=int(ended[k]),
            still_open=int(unseen[k]),
            value=float(values[k]),
            standard_error=float(lone[k]),
        )
        for k, (name, window) in enumerate(_names(plan))
    )
    estimate = float((signs * values).sum())
    variance, degrees, reason = math.nan, math.nan, None
    if math.isnan(estimate):
        reason = _undefined(cells, age)
    else:
        block = _kernels.blocks_of(cell, cluster)
        variance, degrees, _ = _kernels.spread(influence * signs[cell], cluster, block)
        if not variance > 0:
            reason = _no_spread(variance, by)
    return judged(
        estimate,
        math.sqrt(variance) if variance > 0 else math.nan,
        degrees,
        method=plan.method,
        figure=_figure(rows, age),
        is_share=rows.metric == "share",
        cells=cells,
        level=plan.level,
        power=plan.power,
        clusters=len(np.unique(cluster)),
        clustered_by=by,
        set_aside=tuple(aside.items()),
        reason=reason,
    )


def judged(
    estimate: float, standard_error: float, degrees: float, *, level: float, power: float, **rest: Any
) -> Effect:
    """Make the effect: its interval, its test, and what it could not have seen; NaN without a spread."""
    defined = not math.isnan(standard_error)
    half = _kernels.reach(level, degrees) * standard_error if defined else math.nan
    return Effect(
        estimate=estimate,
        lower=estimate - half,
        upper=estimate + half,
        standard_error=standard_error,
        degrees=degrees if defined else math.nan,
        p_value=_kernels.tail(estimate / standard_error, degrees) if defined else math.nan,
        smallest_visible=(
            _kernels.smallest_visible(standard_error, degrees, level, power) if defined else math.nan
        ),
        level=level,
        power=power,
        **rest,
    )


def _sides(on: Days, plan: Plan) -> Ints:
    """0 before, 1 after, -1 in neither window."""
    side = np.full(len(on), -1, dtype=np.int64)
    for k, (start, end) in enumerate((plan.before, plan.after)):
        side[(on >= np.datetime64(start)) & (on < np.datetime64(end))] = k
    return side


def _names(plan: Plan) -> list[tuple[str, Window]]:
    if not plan.with_groups:
        return [("before", plan.before), ("after", plan.after)]
    return [
        (f"{group} {side}", window)
        for group in ("control", "treated")
        for side, window in (("before", plan.before), ("after", plan.after))
    ]


def _matured(room: Floats, cell: Ints, n_cells: int) -> float:
    """Age that half the deals of each cell have had the time to reach; outcomes play no part."""
    reached = [float(np.floor(np.median(room[cell == k]))) for k in range(n_cells) if (cell == k).any()]
    return max(min(reached, default=1.0), 1.0)


def _read_cells(
    rows: Rows, kept: Mask, cell: Ints, n_cells: int, until: Days, entry: Floats, age: float
) -> tuple[Floats, Floats, Ints, Ints]:
    """Read the value of each cell, the influence of its rows, and how many ended or were not seen out."""
    values, influence = np.full(n_cells, np.nan), np.zeros(len(cell))
    ended, unseen = np.zeros(n_cells, dtype=np.int64), np.zeros(n_cells, dtype=np.int64)
    mark, done = rows.mark[kept], rows.ended[kept]
    if rows.metric == "mean":
        for k in np.unique(cell).tolist():
            mine = cell == k
            values[k] = mark[mine].mean()
            influence[mine] = (mark[mine] - values[k]) / mine.sum()
            ended[k] = mine.sum()
        return values, influence, ended, unseen
    last = np.minimum(rows.end[kept], until)
    over = done & (rows.end[kept] <= until)
    duration = (last - rows.on[kept]) / _DAY
    seen = (entry == 0) | (entry < duration)
    for k in np.unique(cell).tolist():
        mine = (cell == k) & seen
        within = over[mine] & (duration[mine] <= age)
        ended[k] = int((within & (mark[mine] != 0)).sum()) if rows.metric != "days" else int(within.sum())
        unseen[k] = int((~over[mine] & (duration[mine] < age)).sum())
        if not mine.any() or (duration[mine].max() < age and not _all_gone(duration[mine], over[mine])):
            continue
        marks = None if rows.metric == "days" else np.where(over[mine], mark[mine], 0.0)
        values[k], part = _kernels.maturing(duration[mine], over[mine], marks, entry[mine], age)
        if rows.metric == "share":
            part = _steadied(values[k], part)
        influence[mine] = part
    return values, influence, ended, unseen


def _all_gone(duration: Floats, over: Mask) -> bool:
    """Say whether nobody is left at the last age that was seen."""
    return bool(over[duration == duration.max()].all())


def _steadied(share: float, influence: Floats) -> Floats:
    """Widen the influences on a share as if one more deal had ended either way (Agresti, Caffo)."""
    n, variance = len(influence), float((influence**2).sum())
    if variance > 0.0 and 0.0 < share < 1.0:
        n_effective = share * (1.0 - share) / variance
    else:
        n_effective, influence = float(n), np.where(np.arange(n) % 2 == 0, 1.0, -1.0) / n
        variance = 1.0 / n
    near = (share * n_effective + 1.0) / (n_effective + 2.0)
    return influence * math.sqrt(near * (1.0 - near) / (n_effective * variance))


def _cluster(rows: Rows, kept: Mask, side: Ints) -> tuple[Ints, str]:
    """Give each row that takes part its cluster."""
    by = rows.clustered_by
    on = rows.on[kept]
    if by == "auto":
        by = next((unit for unit in ("week", "day") if _fewest(_periods(on, unit), side) >= _ENOUGH), "rows")
    if by == "rows":
        code = np.arange(len(on))
    elif by in ("day", "week", "month"):
        code = _periods(on, by) * 2 + side
    else:
        code = rows.cluster[kept]
    return np.unique(code, return_inverse=True)[1].astype(np.int64), by


def _periods(on: Days, unit: str) -> Ints:
    """Count days, weeks from Monday, or months."""
    if unit == "month":
        months: Ints = on.astype("datetime64[M]").astype(np.int64)
        return months
    days: Ints = on.astype("datetime64[D]").astype(np.int64)
    return days if unit == "day" else (days + 3) // 7


def _fewest(period: Ints, side: Ints) -> int:
    return min((len(np.unique(period[side == k])) for k in (0, 1)), default=0)


def _error(influence: Floats, cluster: Ints) -> float:
    """Give the standard error of one cell alone."""
    if not len(influence):
        return math.nan
    code = np.unique(cluster, return_inverse=True)[1].astype(np.int64)
    variance, _, _ = _kernels.spread(influence, code, np.zeros(len(code), dtype=np.int64))
    return math.sqrt(variance) if variance > 0 else math.nan


def _figure(rows: Rows, age: float) -> str:
    return {
        "share": f"share {rows.outcome} by day {age:g}",
        "amount": f"amount {rows.outcome} per deal by day {age:g}",
        "days": f"days open, up to day {age:g}",
        "mean": "mean value",
    }[rows.metric]


def _undefined(cells: tuple[Cell, ...], age: float) -> str:
    counts = ", ".join(f"{cell.name} {cell.n:,}" for cell in cells)
    empty = [cell.name for cell in cells if not cell.n]
    if empty:
        return f"no rows {' and '.join(empty)} (rows: {counts})"
    young = [cell.name for cell in cells if math.isnan(cell.value)]
    return f"no deal {' and '.join(young)} was seen to day {age:g}; give a smaller age (rows: {counts})"


def _no_spread(variance: float, by: str) -> str:
    if math.isnan(variance):
        return f"a side has only one cluster ({by}), so its spread is unknown"
    return "the rows do not vary at all"


def trends(rows: Rows, plan: Plan) -> Effect:
    """Compare the later with the earlier half of the time before the change, as if that were a change."""
    old = _sides(rows.on, plan) == 0
    days = np.unique(rows.on[old])
    middle = as_date(days[len(days) // 2]) if len(days) > 1 else plan.before[1]
    halves = attrs.evolve(
        plan, before=(plan.before[0], middle), after=(middle, plan.before[1]), age=None, cut=True
    )
    known = rows if not plan.cut else attrs.evolve(rows, as_of=np.datetime64(plan.before[1]))
    return compare(known, halves)


def as_date(day: np.datetime64) -> dt.date:
    """Turn a day of numpy into a date."""
    made: dt.date = day.astype("datetime64[D]").item()
    return made
