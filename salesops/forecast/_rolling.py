"""One origin of a backtest: fit on what was known, forecast, and score what came."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops.errors import InternalError, SalesOpsError
from salesops.forecast import _carried
from salesops.forecast._carried import Carried
from salesops.forecast.history import History
from salesops.forecast.scores import jump

Floats = npt.NDArray[np.float64]

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
Q_COLUMNS = ("q025", "q10", "q25", "q50", "q75", "q90", "q975")
COLUMNS = (
    "model",
    "level",
    "unit",
    "horizon",
    "as_of",
    "until",
    "actual",
    "mean",
    *Q_COLUMNS,
    "crps",
    "below",
    "at",
)


@attrs.frozen(kw_only=True, eq=False)
class Came:
    """What came in one window: for each level, the units known at the cutoff and their amounts."""

    horizon: int
    until: dt.date
    amounts: tuple[tuple[str, tuple[Hashable, ...], Floats], ...]


@attrs.frozen(kw_only=True, eq=False)
class Origin:
    """One model on one cutoff: all that a worker needs; the model itself sees the snapshot alone."""

    name: str
    model: Any
    snapshot: History
    came: tuple[Came, ...]


@attrs.frozen(kw_only=True, eq=False)
class Judged:
    """Rows of scores, and what could not be scored: (horizon, level, reason)."""

    rows: tuple[tuple[Any, ...], ...]
    failed: tuple[tuple[int, str | None, str], ...]


def judge(origin: Origin) -> Judged:
    """Fit one model on one snapshot, forecast each horizon, score it; a failure comes back as a reason."""
    rows: list[tuple[Any, ...]] = []
    failed: list[tuple[int, str | None, str]] = []
    day = origin.snapshot.as_of
    try:
        fitted = origin.model.fit(origin.snapshot, as_of=day)
    except InternalError:
        raise
    except Exception as error:  # noqa: BLE001  (the model may be anybody's; its reason is reported)
        return Judged(rows=(), failed=tuple((came.horizon, None, _reason(error)) for came in origin.came))
    for came in origin.came:
        try:
            forecast = fitted.predict(horizon=came.horizon)
            scored, missing = _score(origin.name, forecast, came, day)
        except InternalError:
            raise
        except Exception as error:  # noqa: BLE001  (the model may be anybody's; its reason is reported)
            failed.append((came.horizon, None, _reason(error)))
            continue
        rows.extend(scored)
        failed.extend((came.horizon, level, reason) for level, reason in missing)
    return Judged(rows=tuple(rows), failed=tuple(failed))


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, SalesOpsError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _score(
    name: str, forecast: Any, came: Came, day: dt.date | None
) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
    rows, missing = [], []
    for level, units, amounts in came.amounts:
        absent = 0
        for unit, actual in zip(units, amounts.tolist(), strict=True):
            try:
                law = forecast.at(level, unit)
            except (SalesOpsError, KeyError):
                absent += 1
                continue
            below, at = jump(law, actual)
            score = float(law.crps(actual))
            if not (math.isfinite(score) and math.isfinite(float(law.mean))):
                missing.append((level, "the forecast of a unit has no finite mean or score"))
                continue
            quantiles = np.asarray(law.quantile(np.array(QUANTILES)), dtype=float).tolist()
            rows.append(
                (
                    *(name, level, unit, came.horizon, day, came.until, actual, float(law.mean)),
                    *(*quantiles, score, below, at),
                )
            )
        if absent:
            missing.append((level, f"no forecast of {absent} of {len(units)} units"))
    return rows, missing


def came_after(
    log: Carried, known: Carried, day: dt.date, horizon: int
) -> tuple[Came, list[tuple[str, float]]]:
    """Add up what was won in a window by the units known at its start; also what others won, by level."""
    after = _carried.number_of(day)
    won = log.won_between(after, after + horizon) & ~np.isnan(log.amount)
    amount = log.amount[won]
    amounts, unknown = [], []
    for level, before in zip(log.levels, known.levels, strict=True):
        position = {(type(unit), unit): k for k, unit in enumerate(level.units)}
        chosen = [position[(type(unit), unit)] for unit in before.units]
        place = level.code[won]
        order = np.argsort(place, kind="stable")
        parts = np.split(amount[order], np.searchsorted(place[order], np.arange(len(level.units) + 1)))[1:]
        sums = np.array([math.fsum(part.tolist()) for part in parts[: len(level.units)]])
        amounts.append((level.name, before.units, sums[chosen] if chosen else np.zeros(0)))
        others = math.fsum(np.delete(sums, chosen).tolist()) + math.fsum(amount[place < 0].tolist())
        if others:
            unknown.append((level.name, others))
    until = day + dt.timedelta(days=horizon)
    return Came(horizon=horizon, until=until, amounts=tuple(amounts)), unknown


def table(
    judged: list[Judged], models: tuple[str, ...], levels: tuple[str, ...], horizons: tuple[int, ...]
) -> pd.DataFrame:
    """Lay the scores out, one row for each forecast: by model, level and horizon as asked, then by day."""
    rows = [row for part in judged for row in part.rows]
    place = {name: k for k, name in enumerate(models)}
    depth = {name: k for k, name in enumerate(levels)}
    rows.sort(key=lambda row: (place[row[0]], depth[row[1]], horizons.index(row[3]), row[4]))
    columns: dict[str, Any] = {}
    for k, name in enumerate(COLUMNS):
        cells = [row[k] for row in rows]
        if name in ("as_of", "until"):
            columns[name] = np.array(cells, dtype="datetime64[s]")
        elif name == "horizon":
            columns[name] = np.array(cells, dtype=np.int64)
        elif name in ("model", "level"):
            columns[name] = pd.Series(cells, dtype="str") if cells else pd.Series([], dtype="object")
        elif name == "unit":
            filled = np.empty(len(cells), dtype=object)
            for row, cell in enumerate(cells):
                filled[row] = cell
            columns[name] = pd.Series(filled, dtype=object)
        else:
            columns[name] = np.array(cells, dtype=float)
    return pd.DataFrame(columns)
