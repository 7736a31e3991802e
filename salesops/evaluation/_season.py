"""Pace at which deals end, by week of the quarter, and figures read at an even pace.

A side that saw one rush at the end of a quarter and a side that saw two are not alike, whatever changed
between them. The chance to end on a day is taken as that of the age, in each cell its own, times a factor of
the week of the quarter, common to all cells (Cox, with a covariate that depends on time, as in Andersen and
Gill). The factors are shrunk by their own evidence: only what repeats from quarter to quarter counts, and
where no season shows the factors are 1 and nothing changes.

Letters, as in the papers: ``u`` an age, ``Y`` deals at risk, ``s`` factor of a week, ``b`` its logarithm,
``R`` the sum of s over deals at risk, ``n`` ends at an age, ``pi`` share of each week in R, ``tau`` spread
of b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

if TYPE_CHECKING:
    from salesops.models import FiscalCalendar

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WEEKS = 13
_TWO_QUARTERS = 2 * 91
_SHOWS = 0.01


@attrs.frozen(kw_only=True, eq=False)
class Group:
    """The deals of one cell and stratum on a common grid of ages: (n_days, n_ages), or (n_ages,)."""

    rows: Ints
    day: Ints
    week: Ints
    quarter: Ints
    at_risk: Floats
    first: Ints
    last: Ints
    at: Ints

    def by_week(self) -> Floats:
        """Deals at risk in each week of the quarter, (WEEKS, n_ages)."""
        n_ages = self.week.shape[1]
        slot = self.week * n_ages + np.arange(n_ages)
        found = np.bincount(slot.ravel(), weights=self.at_risk.ravel(), minlength=WEEKS * n_ages)
        return np.asarray(found.reshape(WEEKS, n_ages), dtype=np.float64)

    def felt(self, rate: Floats) -> Floats:
        """Sum a rate (n_days, n_ages) over the ages at which each deal was at risk."""
        total = np.concatenate([np.zeros((len(rate), 1)), np.cumsum(rate, axis=1)], axis=1)
        felt: Floats = total[self.day, self.last] - total[self.day, self.first]
        return felt


@attrs.frozen(kw_only=True, eq=False)
class Ends:
    """Ends of one kind: which rows, how many in each group at each age, and the pace found."""

    mine: Mask
    n: Floats
    pace: Floats
    inverse: Floats


@attrs.frozen(kw_only=True, eq=False)
class Season:
    """Everything needed to read the figure of each group at an even pace."""

    ages: Floats
    groups: tuple[Group, ...]
    ends: tuple[Ends, ...]


def quarter_starts(first: int, last: int, calendar: FiscalCalendar | None) -> Ints:
    """First day of every quarter that has one of the days `first` to `last`, and of the one after them.

    Without a calendar they are those of the calendar year. Quarters that end in other months have the same
    length, so their rush falls into one week here too; 4-4-5 quarters drift, and need their calendar.
    """
    if calendar is None:
        edges = np.array([first, last], dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64) // 3
        months = np.arange(edges[0], edges[1] + 2) * 3
        return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    start, after = (np.datetime64(day, "D").item() for day in (first, last + 1))
    found = calendar.periods_between(start, after, by="quarter")
    days = np.array([found[0].start, *(period.end for period in found)], dtype="datetime64[D]")
    return days.astype(np.int64)


def weeks_of_quarter(days: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """Week of the quarter, 0 to 12, and the number of the quarter; a quarter has 13 weeks of equal length."""
    quarter = np.searchsorted(starts, days, side="right") - 1
    length = starts[quarter + 1] - starts[quarter]
    return (days - starts[quarter]) * WEEKS // length, quarter


def season_of(
    on: Ints,
    group: Ints,
    duration: Floats,
    over: Mask,
    asked: Mask | None,
    entry: Floats,
    horizon: float,
    calendar: FiscalCalendar | None,
) -> Season | None:
    """Find the pace of each week of the quarter, or None where no season shows.

    `on` are days since 1970; `asked` are the ends that count, None if all ends are one.
    """
    inside = over & (duration <= horizon)
    if not inside.any() or (on + duration).max() - (on + entry).min() < _TWO_QUARTERS:
        return None
    ages = np.unique(duration[inside])
    starts = quarter_starts(int(on.min()), int(on.max() + ages[-1]), calendar)
    groups = tuple(
        _group(np.flatnonzero(group == k), on, duration, entry, ages, starts)
        for k in range(int(group.max()) + 1)
    )
    at_risk = np.stack([g.by_week() for g in groups])
    kinds = [inside] if asked is None else [inside & asked, inside & ~asked]
    ends = tuple(_ends(mine, groups, at_risk, len(ages)) for mine in kinds)
    if all(found.pace.min() == found.pace.max() for found in ends):
        return None
    return Season(ages=ages, groups=groups, ends=ends)


def _group(rows: Ints, on: Ints, duration: Floats, entry: Floats, ages: Floats, starts: Ints) -> Group:
    created, day = np.unique(on[rows], return_inverse=True)
    last = np.searchsorted(ages, duration[rows], side="right")
    first = np.where(entry[rows] > 0, np.searchsorted(ages, entry[rows], side="right"), 0)
    first = np.minimum(first, last)
    shape = (len(created), len(ages) + 1)
    slots = [np.bincount(day * shape[1] + k, minlength=shape[0] * shape[1]) for k in (first, last)]
    at_risk = np.cumsum((slots[0] - slots[1]).reshape(shape), axis=1)[:, :-1].astype(np.float64)
    week, quarter = weeks_of_quarter(created[:, None] + ages.astype(np.int64), starts)
    at = np.minimum(np.searchsorted(ages, duration[rows]), len(ages) - 1)
    return Group(
        rows=rows,
        day=day.astype(np.int64),
        week=week,
        quarter=quarter,
        at_risk=at_risk,
        first=first.astype(np.int64),
        last=last.astype(np.int64),
        at=at,
    )


def _ends(mine: Mask, groups: tuple[Group, ...], at_risk: Floats, n_ages: int) -> Ends:
    """Fit the pace of one kind of end: penalised partial likelihood, Newton's method."""
    n = np.stack([np.bincount(g.at[mine[g.rows]], minlength=n_ages) for g in groups]).astype(np.float64)
    seen = np.zeros(WEEKS)
    for g in groups:
        k = mine[g.rows]
        seen += np.bincount(g.week[g.day[k], g.at[k]], minlength=WEEKS)
    tau2, dispersion = _evidence(mine, groups, at_risk, n)
    even = Ends(mine=mine, n=n, pace=np.ones(WEEKS), inverse=np.zeros((WEEKS, WEEKS)))
    if not tau2 > 0.0:
        return even
    b, hold = np.zeros(WEEKS), dispersion / tau2
    for _ in range(50):
        pi = _parts(np.exp(b), at_risk)
        slope = seen - np.einsum("gu,gpu->p", n, pi) - hold * b
        bend = np.diag(np.einsum("gu,gpu->p", n, pi)) - np.einsum("gu,gpu,gqu->pq", n, pi, pi)
        inverse = np.linalg.inv(bend + hold * np.eye(WEEKS))
        step = inverse @ slope
        b = b + step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < 1e-10:
            break
    pace = np.exp(b)
    return attrs.evolve(even, pace=pace / pace.mean(), inverse=inverse)


def _parts(pace: Floats, at_risk: Floats) -> Floats:
    """Share of each week in the deals at risk, each times its pace: (n_groups, WEEKS, n_ages)."""
    weighed = at_risk * pace[:, None]
    total = weighed.sum(axis=1, keepdims=True)
    parts: Floats = np.divide(weighed, total, out=np.zeros_like(weighed), where=total > 0)
    return parts


def _evidence(mine: Mask, groups: tuple[Group, ...], at_risk: Floats, n: Floats) -> tuple[float, float]:
    """Spread of the log pace over the weeks (DerSimonian, Laird), and the dispersion; 0 where none shows.

    A season shows if weeks differ by more than they do from quarter to quarter: an F test at 1 %.
    """
    size = (max(int(g.quarter.max()) for g in groups) + 1) * WEEKS
    found, due = np.zeros(size), np.zeros(size)
    for g, ends, alive in zip(groups, n, at_risk.sum(axis=1), strict=True):
        slot = g.quarter * WEEKS + g.week
        rate = np.divide(ends, alive, out=np.zeros_like(ends), where=alive > 0)
        due += np.bincount(slot.ravel(), weights=(g.at_risk * rate).ravel(), minlength=size)
        k = mine[g.rows]
        found += np.bincount(slot[g.day[k], g.at[k]], minlength=size)
    week = np.arange(size) % WEEKS
    total, expected = (np.bincount(week, weights=x, minlength=WEEKS) for x in (found, due))
    ratio = np.divide(total, expected, out=np.zeros(WEEKS), where=expected > 0)
    likely = ratio[week] * due
    used = likely > 0
    repeats = int(used.sum()) - int((ratio > 0).sum())
    if repeats < WEEKS:
        return 0.0, 1.0
    within = float(((found - likely)[used] ** 2 / likely[used]).sum()) / repeats
    dispersion = max(within, 1.0)
    used = expected > 0
    between = float(((total - expected)[used] ** 2 / expected[used]).sum())
    free = int(used.sum()) - 1
    if fdtrc(free, repeats, between / (free * dispersion)) > _SHOWS:
        return 0.0, 1.0
    weight = expected.sum() - (expected**2).sum() / expected.sum()
    return max(between - dispersion * free, 0.0) / weight, dispersion


def read(
    season: Season, mark: Floats | None, horizon: float, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Read the figure of each group at an even pace.

    Returns the figures (n_groups,), the influence of each row on that of its group, and its influence by way
    of the pace on their sum, each times `weight`.
    """
    n_rows = sum(len(g.rows) for g in season.groups)
    values, influence = np.zeros(len(season.groups)), np.zeros(n_rows)
    pull = [np.zeros(WEEKS) for _ in season.ends]
    paths = []
    for k, g in enumerate(season.groups):
        values[k], influence[g.rows], slopes, rates = _read_group(season, k, mark, horizon)
        paths.append(rates)
        for c, slope in enumerate(slopes):
            pull[c] += weight[k] * slope
    through = np.zeros(n_rows)
    for c, ends in enumerate(season.ends):
        reach = ends.inverse @ (pull[c] - pull[c].sum() * ends.pace / WEEKS)
        for g, rates in zip(season.groups, paths, strict=True):
            rate, pi = rates[c]
            mean = reach @ pi
            through[g.rows] -= g.felt(ends.pace[g.week] * (reach[g.week] - mean) * rate)
            hit = ends.mine[g.rows]
            at = g.at[hit]
            through[g.rows[hit]] += reach[g.week[g.day[hit], at]] - mean[at]
    return values, influence, through


def _read_group(
    season: Season, k: int, mark: Floats | None, horizon: float
) -> tuple[float, Floats, list[Floats], list[tuple[Floats, Floats]]]:
    """Figure, influences, slope in each log pace, and the hazard at an even pace with its parts."""
    g, ages = season.groups[k], season.ages
    rates: list[tuple[Floats, Floats]] = []
    weighed = []
    for ends in season.ends:
        parts = g.by_week() * ends.pace[:, None]
        total = parts.sum(axis=0)
        one = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        weighed.append(one)
        rates.append((ends.n[k] * one, parts * one))
    hazard = np.minimum(np.sum([rate for rate, _ in rates], axis=0), 1.0)
    after = np.cumprod(1.0 - hazard)
    before = np.concatenate([[1.0], after[:-1]])
    stays = np.where(hazard < 1.0, 1.0 - hazard, 1.0)
    growth = [np.zeros(len(ages)) for _ in rates]
    if mark is None:
        area = np.concatenate([[1.0], after]) * np.diff(np.concatenate([[0.0], ages, [horizon]]))
        value = float(area.sum())
        rest = (np.cumsum(area[::-1])[::-1])[1:] / stays
    else:
        hit = season.ends[0].mine[g.rows]
        sums = np.bincount(g.at[hit], weights=mark[g.rows[hit]], minlength=len(ages))
        growth[0] = before * sums * weighed[0]
        value = float(growth[0].sum())
        rest = (value - np.cumsum(growth[0])) / stays
    rest = np.where(hazard < 1.0, rest, 0.0)
    influence, slopes = np.zeros(len(g.rows)), []
    for c, (ends, one, (rate, pi)) in enumerate(zip(season.ends, weighed, rates, strict=True)):
        cost = growth[c] - rest * rate
        influence -= g.felt(ends.pace[g.week] * (cost * one))
        hit = ends.mine[g.rows]
        at = g.at[hit]
        gain = mark[g.rows[hit]] if mark is not None and c == 0 else 0.0
        influence[hit] += (before[at] * gain - rest[at]) * one[at]
        slopes.append(-(pi @ cost))
    return value, influence, slopes, rates
