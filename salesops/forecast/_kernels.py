"""Counting and curves on arrays alone: who was at risk, who left and how, and what follows from it.

Letters, as in the papers: ``n`` at risk just before an age, ``d`` exits of one cause at it, ``h = d / n``,
``S`` the share still open, ``F`` the share that left by one cause.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincc, ndtri

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DENSE_SPAN = 100_000
_DENSE_CELLS = 20_000_000


def exits(
    duration: Floats | Ints, cause: Ints, entry: Floats | Ints | None, n_causes: int
) -> tuple[Floats, Ints, Ints, Ints]:
    """Count, at each distinct age of exit, who was at risk and who left by which cause.

    `cause` is 0 for a deal that is still open and 1..n_causes otherwise. A deal counts at age u only when
    ``entry < u <= duration``; an entry of 0 or less is no delay. Causes that tie share one risk set, and at a
    tied age exits come before censorings.

    Returns ages (n_ages,), at_risk (n_ages,), events (n_ages, n_causes), censored (n_ages,).
    """
    ages, place = _distinct(duration)
    n_ages = len(ages)
    tally = np.bincount(place * (n_causes + 1) + cause, minlength=n_ages * (n_causes + 1))
    tally = tally.reshape(n_ages, n_causes + 1).astype(np.int64)
    leaving = tally.sum(axis=1)
    at_risk = len(duration) - (np.cumsum(leaving) - leaving)
    if entry is not None:
        late = np.sort(entry[entry > 0])
        at_risk = at_risk - (len(late) - np.searchsorted(late, ages, side="left"))
    return ages.astype(np.float64), at_risk.astype(np.int64), tally[:, 1:], tally[:, 0]


def _distinct(duration: Floats | Ints) -> tuple[Floats | Ints, Ints]:
    """Sorted distinct values and the place of each; whole days are counted instead of sorted."""
    if duration.dtype.kind == "i" and len(duration) and int(duration.max()) < _DENSE_SPAN:
        present = np.bincount(duration) > 0
        ages = np.flatnonzero(present)
        return ages.astype(np.int64), (np.cumsum(present) - 1)[duration].astype(np.int64)
    ages, place = np.unique(duration, return_inverse=True)
    return ages, place.astype(np.int64)


def incidence(at_risk: Ints, events: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Aalen-Johansen shares of each cause, share still open, and the Greenwood-type variances of both.

    The variances are the delta method on multinomial exits, as sums that run forward: with
    A = sum d / (n (n - d)) over all causes and W = cov(F, S) / S just before each age,

        var F = sum 2 h S W + h^2 S^2 A + S^2 h (1 - h) / n,   W += S (h A - h / n).

    Returns F (n_ages, n_causes), S (n_ages,), var F, var S.
    """
    n = at_risk.astype(np.float64)
    leaving = np.ascontiguousarray(events.T)
    h = leaving / n
    total = leaving.sum(axis=0)
    open_after = np.cumprod(1.0 - total / n)
    before = np.concatenate([[1.0], open_after[:-1]]) if len(n) else open_after
    share = np.minimum(np.cumsum(before * h, axis=1), 1.0)
    rest = n - total
    step = np.divide(total, n * rest, out=np.zeros(len(n)), where=rest > 0)
    greenwood = np.cumsum(step)
    a_before = greenwood - step
    w_step = before * h * (a_before - 1.0 / n)
    w_before = np.cumsum(w_step, axis=1) - w_step
    inside = before * h * (2.0 * w_before + before * (h * a_before + (1.0 - h) / n))
    variance = np.maximum(np.cumsum(inside, axis=1), 0.0)
    return share.T, open_after, variance.T, open_after**2 * greenwood


def normal_quantile(level: float) -> float:
    """Half-width of a central interval of that level, in standard errors."""
    return float(ndtri(0.5 + level / 2.0))


def log_log_band(share: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Interval of a probability on the log(-log) scale; missing (NaN) where the probability is 0 or 1."""
    inside = (share > 0.0) & (share < 1.0)
    p = np.where(inside, share, 0.5)
    spread = normal_quantile(level) * np.sqrt(variance) / (p * -np.log(p))
    with np.errstate(over="ignore"):
        lower, upper = p ** np.exp(spread), p ** np.exp(-spread)
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)


def age_at_share(ages: Floats, still_open: Floats, share: float) -> float:
    """First age at which the share still open is at most `share`; NaN if it never is.

    A product of fractions that should equal the share may miss it by rounding; 1e-12 is allowed for that.
    """
    reached = np.flatnonzero(still_open <= share + 1e-12)
    return float(ages[reached[0]]) if len(reached) else float("nan")


def wilson(hits: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Wilson score interval; exactly 0 or 1 where none or all were hit, NaN at n = 0."""
    z2 = normal_quantile(level) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits / n
        centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n)
        half = np.sqrt(z2 * (p * (1.0 - p) / n + z2 / (4.0 * n**2))) / (1.0 + z2 / n)
    lower = np.where(hits == 0, 0.0, centre - half)
    upper = np.where(hits == n, 1.0, centre + half)
    known = n > 0
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def log_rank(at_risk: Ints, events: Ints) -> tuple[float, int, Floats]:
    """Log-rank chi-square with the hypergeometric variance, over ages (rows) and groups (columns).

    Returns the statistic, its degrees of freedom (0 if the groups were never at risk together) and the
    expected events of each group.
    """
    n = at_risk.sum(axis=1).astype(np.float64)
    d = events.sum(axis=1).astype(np.float64)
    part = at_risk / n[:, None]
    expected = (part * d[:, None]).sum(axis=0)
    weight = np.divide(d * (n - d), n - 1.0, out=np.zeros(len(n)), where=n > 1.0)
    covariance = np.diag((weight[:, None] * part).sum(axis=0)) - part.T @ (weight[:, None] * part)
    surplus = events.sum(axis=0) - expected
    scale = max(float(np.trace(covariance)), 1e-300)
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-10 * scale
    projected = vectors[:, kept].T @ surplus
    return float((projected**2 / values[kept]).sum()), int(kept.sum()), expected


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Chance of a chi-square at least this large."""
    return float(gammaincc(degrees / 2.0, statistic / 2.0))


def first_of_each(places: Ints, owner: Ints, n_owners: int) -> Ints:
    """First of the ascending `places` that belongs to each owner, -1 if none; `owner` is sorted."""
    mine = owner[places]
    heads = np.ones(len(places), dtype=bool)
    heads[1:] = mine[1:] != mine[:-1]
    first = np.full(n_owners, -1, dtype=np.int64)
    first[mine[heads]] = places[heads]
    return first


class SegmentCount:
    """Count deals by segment, age and end, some rows at a time, so that what is worked on stays in the cache.

    With more cells than `cells` the rows are counted segment by segment instead.
    """

    def __init__(
        self, n_segments: int, width: int, n_causes: int, *, n_rows: int, cells: int = _DENSE_CELLS
    ) -> None:
        self.shape = (n_segments, n_causes + 1, width)
        self.is_dense = n_segments * (n_causes + 1) * width <= cells
        self.places = np.empty(n_rows, dtype=np.int64)
        self.filled = 0
        self.entries: list[tuple[Ints, Ints]] = []

    def add(self, segment: Ints, age: Ints, cause: Ints, entry: Ints | None) -> None:
        """Take some rows; ages are at least 0 and below the width, entries below the ages."""
        place = self.places[self.filled : self.filled + len(age)]
        np.multiply(segment, self.shape[1], out=place)
        place += cause
        place *= self.shape[2]
        place += age
        self.filled += len(age)
        if entry is not None:
            self.entries.append((segment, entry))

    def exits(self) -> list[tuple[Floats, Ints, Ints, Ints, int]]:
        """Give for each segment and, last, for all what `exits` gives, and how many entered late."""
        n_segments, n_ends, width = self.shape
        places = self.places[: self.filled]
        segment, entry = (
            map(np.concatenate, zip(*self.entries, strict=True)) if self.entries else (None, None)
        )
        if not self.is_dense:
            end, age = np.divmod(places, width)
            return _exits_one_by_one(end // n_ends, age, end % n_ends, entry, n_segments, n_ends - 1)
        tally = np.bincount(places, minlength=n_segments * n_ends * width).astype(np.int64, copy=False)
        tally = tally.reshape(self.shape)
        tally = np.concatenate([tally, tally.sum(axis=0, keepdims=True)])
        leaving = tally.sum(axis=1)
        at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
        n_late = np.zeros(n_segments + 1, dtype=np.int64)
        if segment is not None and entry is not None:
            late = entry > 0
            enter = np.bincount(segment[late] * width + entry[late], minlength=n_segments * width)
            enter = enter.reshape(n_segments, width)
            enter = np.concatenate([enter, enter.sum(axis=0, keepdims=True)])
            n_late = enter.sum(axis=1)
            at_risk = at_risk - enter[:, ::-1].cumsum(axis=1)[:, ::-1]
        found = []
        for counts, n_leaving, at_each, late_ones in zip(
            tally, leaving, at_risk, n_late.tolist(), strict=True
        ):
            ages = np.flatnonzero(n_leaving)
            mine = counts[:, ages]
            found.append((ages.astype(np.float64), at_each[ages], mine[1:].T, mine[0], late_ones))
        return found


def _exits_one_by_one(
    segment: Ints, duration: Ints, cause: Ints, entry: Ints | None, n_segments: int, n_causes: int
) -> list[tuple[Floats, Ints, Ints, Ints, int]]:
    order = np.argsort(segment, kind="stable")
    bounds = np.searchsorted(segment[order], np.arange(n_segments + 1))
    groups = [order[bounds[k] : bounds[k + 1]] for k in range(n_segments)]
    found = []
    for mine in [*groups, order]:
        late = None if entry is None else entry[mine]
        n_late = 0 if late is None else int((late > 0).sum())
        found.append((*exits(duration[mine], cause[mine], late, n_causes), n_late))
    return found
