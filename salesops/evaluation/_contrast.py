"""Cells weighed against each other: one age for all, one variance for the whole."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import attrs
import numpy as np

from salesops._calendar import day_of
from salesops._faults import check_choice, refuse
from salesops.evaluation import _kernels, _season
from salesops.evaluation._rows import Days, Floats, Ints, Mask, Rows, Window, check_share
from salesops.evaluation.results import Cell, Effect
from salesops.models import FiscalCalendar

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
    seasonal: bool
    calendar: FiscalCalendar | None
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
    season: object,
    calendar: object,
    level: object,
    power: object,
) -> Plan:
    if season is not None:
        check_choice("season", season, ("quarter",))
    if calendar is not None and not isinstance(calendar, FiscalCalendar):
        hint = "give a models.FiscalCalendar, or None for the calendar year"
        raise refuse("calendar", "is no fiscal calendar", calendar, hint=hint)
    if not isinstance(straddling, (bool, np.bool_)):
        raise refuse("straddling", "is True or False", straddling)
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
        seasonal=season == "quarter" and method == "before_after",
        calendar=calendar,
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
    cluster, by = _cluster(rows, kept, side[kept])
    seen = Seen(
        cell=cell,
        stratum=np.unique(rows.stratum[kept], return_inverse=True)[1].astype(np.int64),
        cluster=cluster,
        duration=(np.minimum(rows.end[kept], until) - rows.on[kept]) / _DAY,
        over=rows.ended[kept] & (rows.end[kept] <= until),
        mark=rows.mark[kept],
        entry=entry,
    )
    read = _read_cells(seen, n_cells, rows.metric, age)
    values, influence, through, note = _evenly(seen, rows.on[kept], read, rows.metric, age, signs, plan)
    if unlike := int((~read.usable[seen.stratum]).sum()):
        aside["in a stratum that one side lacks"] = unlike
    lone = np.array(
        [_error(influence[cell == k], cluster[cell == k]) for k in range(n_cells)], dtype=np.float64
    )
    cells = tuple(
        _cell(name, window, cell == k, float(values[k]), float(lone[k]), seen, rows.metric, age)
        for k, (name, window) in enumerate(_names(plan))
    )
    estimate = float((signs * values).sum())
    variance, degrees, reason = math.nan, math.nan, None
    if math.isnan(estimate):
        reason = _undefined(cells, age)
    else:
        block = _kernels.blocks_of(cell, cluster)
        variance, degrees, _ = _kernels.spread(influence * signs[cell] + through, cluster, block)
        if not variance > 0:
            reason = _no_spread(variance, by)
    return judged(
        estimate,
        math.sqrt(variance) if variance > 0 else math.nan,
        degrees,
        method=plan.method,
        figure=describe(rows, age),
        is_share=rows.metric == "share",
        cells=cells,
        level=plan.level,
        power=plan.power,
        clusters=len(np.unique(cluster)),
        clustered_by=by,
        set_aside=tuple(aside.items()),
        reason=reason,
        notes=note,
    )


def _cell(
    name: str, window: Window, mine: Mask, value: float, error: float, seen: Seen, metric: str, age: float
) -> Cell:
    within = mine & seen.over & ((seen.duration <= age) | (metric == "mean"))
    asked = within if metric in ("mean", "days") else within & (seen.mark != 0)
    return Cell(
        name=name,
        start=window[0],
        end=window[1],
        n=int(mine.sum()),
        ended=int(asked.sum()),
        still_open=0 if metric == "mean" else int((mine & ~seen.over & (seen.duration < age)).sum()),
        value=value,
        standard_error=error,
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


@attrs.frozen(kw_only=True, eq=False)
class Seen:
    """The rows that take part, as far as they were seen."""

    cell: Ints
    stratum: Ints
    cluster: Ints
    duration: Floats
    over: Mask
    mark: Floats
    entry: Floats

    def read(self, mine: Ints, metric: str, age: float) -> tuple[float, Floats]:
        """Read the figure of some rows and the influence of each; NaN if none was seen to the age."""
        mark = self.mark[mine]
        if metric == "mean":
            return float(mark.mean()), (mark - mark.mean()) / len(mine)
        duration, over, entry = self.duration[mine], self.over[mine], self.entry[mine]
        inside = (entry == 0) | (entry < duration)
        influence = np.zeros(len(mine))
        duration, over, entry = duration[inside], over[inside], entry[inside]
        if not len(duration) or entry.min() > 0 or not (duration.max() >= age or _all_gone(duration, over)):
            return math.nan, influence
        marks = None if metric == "days" else np.where(over, mark[inside], 0.0)
        value, influence[inside] = _kernels.maturing(duration, over, marks, entry, age)
        if metric == "share":
            influence = _steadied(value, influence, self.cluster[mine])
        return value, influence


@attrs.frozen(kw_only=True, eq=False)
class Read:
    """The figure of each cell, how each row moves it, and how strata are weighed (0 for unusable ones)."""

    values: Floats
    influence: Floats
    share: Floats
    usable: Mask


def _read_cells(seen: Seen, n_cells: int, metric: str, age: float) -> Read:
    """Read each cell as the mean of its strata, weighed as in all rows."""
    n_strata = int(seen.stratum.max(initial=0)) + 1
    values, influence = np.full((n_cells, n_strata), np.nan), np.zeros(len(seen.cell))
    group = seen.cell * n_strata + seen.stratum
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(n_cells * n_strata + 1))
    for k in np.unique(group).tolist():
        mine = order[edges[k] : edges[k + 1]]
        values[divmod(k, n_strata)], influence[mine] = seen.read(mine, metric, age)
    filled = [k for k in range(n_cells) if (seen.cell == k).any()]
    usable = ~np.isnan(values[filled]).any(axis=0)
    if n_strata == 1 or not usable.any():
        figures = values[:, 0] if n_strata == 1 else np.full(n_cells, np.nan)
        every = np.ones(n_strata)
        return Read(values=figures, influence=influence, share=every, usable=every > 0)
    weight = np.bincount(seen.stratum, minlength=n_strata) * usable
    share = weight / weight.sum()
    total = np.where(usable, values, 0.0) @ share
    total[[k for k in range(n_cells) if k not in filled]] = np.nan
    return Read(values=total, influence=influence * share[seen.stratum], share=share, usable=usable)


def _evenly(
    seen: Seen, on: Days, read: Read, metric: str, age: float, signs: Floats, plan: Plan
) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """Read each cell as if deals ended at an even pace through the quarter, if a season shows."""
    as_read = read.values, read.influence, np.zeros(len(on)), ()
    if not plan.seasonal or metric == "mean" or np.isnan(read.values).any():
        return as_read
    used = np.flatnonzero(read.usable[seen.stratum] & ((seen.entry == 0) | (seen.entry < seen.duration)))
    n_strata = len(read.share)
    found, group = np.unique(seen.cell[used] * n_strata + seen.stratum[used], return_inverse=True)
    mark = None if metric == "days" else np.where(seen.over[used], seen.mark[used], 0.0)
    season = _season.season_of(
        on[used].astype("datetime64[D]").astype(np.int64),
        group.astype(np.int64),
        seen.duration[used],
        seen.over[used],
        None if mark is None else mark != 0.0,
        seen.entry[used],
        age,
        plan.calendar,
    )
    if season is None:
        return as_read
    cell, share = found // n_strata, read.share[found % n_strata]
    figures, own, joint = _season.read(season, mark, age, share * signs[cell])
    if metric == "share":
        for k in range(len(found)):
            mine = group == k
            own[mine] = _steadied(float(figures[k]), own[mine], seen.cluster[used][mine])
    influence, through = np.zeros(len(on)), np.zeros(len(on))
    influence[used], through[used] = own * share[group], joint
    values = np.bincount(cell, weights=figures * share, minlength=len(signs)).astype(np.float64)
    pace = max((ends.pace for ends in season.ends), key=np.max)
    fast = int(np.argmax(pace))
    note = (
        f"Deals ended at {pace[fast]:.2f} times the mean pace in week {fast + 1} of the quarter; both sides "
        "are read as if the pace were even."
    )
    return values, influence, through, (note,)


def _all_gone(duration: Floats, over: Mask) -> bool:
    """Say whether nobody is left at the last age that was seen."""
    return bool(over[duration == duration.max()].all())


def _steadied(share: float, influence: Floats, cluster: Ints) -> Floats:
    """Widen the influences on a share as if one more deal had ended either way (Agresti, Caffo)."""
    n, variance = len(influence), float((influence**2).sum())
    if variance > 0.0 and 0.0 < share < 1.0:
        n_effective = share * (1.0 - share) / variance
    else:
        _, code, size = np.unique(cluster, return_inverse=True, return_counts=True)
        n_effective, influence, variance = float(n), 1.0 / (n * np.sqrt(size[code])), 1.0 / n
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


def describe(rows: Rows, age: float) -> str:
    """Name the figure that is compared."""
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
    return (
        f"no deal {' and '.join(young)} was seen from day 0 to day {age:g}; give another age (rows: {counts})"
    )


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
