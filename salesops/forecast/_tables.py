"""Tables of a funnel: stages, rates, moves and periods, each share with its cases, interval and reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops.forecast import _kernels, _views
from salesops.forecast.rates import Rate
from salesops.forecast.tally import Measures

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NOTHING_CLOSED = "no closed opportunity"
_NOTHING_REACHED = "no deal reached the stage"


def stage_table(measures: Measures) -> pd.DataFrame:
    """Count and convert, stage by stage."""
    tally = measures.tally
    entered, converted = tally.entered.astype(float), tally.converted.astype(float)
    lower, upper = _kernels.wilson(converted, entered, measures.options.level)
    final = np.array([curves.final("moved on") for curves in measures.conversion]).reshape(-1, 3)
    with np.errstate(invalid="ignore"):
        share = converted / np.where(entered > 0, entered, np.nan)
    return pd.DataFrame(
        {
            "stage": list(measures.options.stages),
            "entered": tally.entered,
            "converted": tally.converted,
            "lost": tally.stopped[2],
            "no_decision": tally.stopped[3:].sum(axis=0),
            "open": tally.stopped[0],
            "skipped": tally.skipped,
            "conversion": share,
            "lower": lower,
            "upper": upper,
            "eventual_conversion": final[:, 0],
            "eventual_lower": final[:, 1],
            "eventual_upper": final[:, 2],
            "median_days": [curve.median for curve in measures.time_in_stage],
            "n_visits": tally.visited,
            "reason": pd.Series(
                [None if n else _NOTHING_REACHED for n in tally.entered.tolist()], dtype=object
            ),
        }
    )


def win_rates(measures: Measures) -> tuple[Rate, ...]:
    """Give the win rate of closed deals, without and (if there are any such ends) with no-decision."""
    decided = measures.won + measures.lost
    rates = [measures.rate(measures.won, decided, "won / (won + lost)", NOTHING_CLOSED)]
    if measures.options.no_decision:
        basis = "won / (won + lost + no decision)"
        rates.append(measures.rate(measures.won, decided + measures.no_decision, basis, NOTHING_CLOSED))
    return tuple(rates)


def rate_table(measures: Measures) -> pd.DataFrame:
    """Win rates, cycle time and velocity, each with its cases, interval and basis."""
    rows = [_rate_row("win rate, closed deals", rate) for rate in win_rates(measures)]
    cohort = measures.rate(
        measures.won, measures.tally.deals, "won / all deals, open ones included", "no deal"
    )
    rows.append(_rate_row("win rate, all deals", cohort))
    share, lower, upper = measures.curves.final("won")
    rows.append(
        _row(
            "win rate, open deals censored",
            (share, lower, upper),
            (measures.won, measures.curves.n),
            "won by the last age seen (Aalen-Johansen)",
            "Greenwood, log(-log)",
            None if measures.won + measures.lost + measures.no_decision else NOTHING_CLOSED,
        )
    )
    rows.extend(_cycle_rows(measures))
    if measures.won_amounts is not None:
        rows.extend(_amount_rows(measures, measures.won_amounts))
    rows.extend(_views.flow_rows(measures))
    return pd.DataFrame(rows)


def _cycle_rows(measures: Measures) -> list[dict[str, Any]]:
    days = measures.cycle_days.astype(np.float64)
    reason = None if len(days) else _why_nothing_won(measures)
    n = (len(days), len(days))
    mean = _mean(days, measures.options.level)
    median = _median(days, measures.options.level)
    return [
        _row("cycle, mean days", mean, n, "won deals, created to won", "normal", reason),
        _row("cycle, median days", median, n, "won deals, created to won", "order statistics", reason),
    ]


def _amount_rows(measures: Measures, amounts: Floats) -> list[dict[str, Any]]:
    reason = None if len(amounts) else _why_nothing_won(measures, "no won deal with an amount")
    n = (len(amounts), len(amounts))
    mean = _mean(amounts, measures.options.level)
    velocity, why = _velocity(measures, amounts)
    return [
        _row("won amount, mean", mean, n, "won deals with an amount", "normal", reason),
        _row(
            "velocity, amount for each day",
            velocity,
            (measures.won, measures.won + measures.lost),
            "open deals x mean won amount x win rate of closed deals / mean cycle of won deals",
            "delta method on the logarithm, parts taken as independent",
            why,
        ),
    ]


def _velocity(measures: Measures, amounts: Floats) -> tuple[tuple[float, float, float], str | None]:
    days = measures.cycle_days.astype(np.float64)
    nothing = (math.nan, math.nan, math.nan)
    if not len(days) or not len(amounts):
        return nothing, _why_nothing_won(measures, "no won deal with an amount")
    cycle, amount = math.fsum(days.tolist()) / len(days), math.fsum(amounts.tolist()) / len(amounts)
    if cycle <= 0:
        return nothing, "won deals took 0 days"
    rate = measures.won / (measures.won + measures.lost)
    value = measures.open * amount * rate / cycle
    if min(len(days), len(amounts)) < 2 or amount <= 0:
        return (value, math.nan, math.nan), None
    spread = (1 - rate) / (rate * (measures.won + measures.lost))
    spread += float(days.var(ddof=1)) / len(days) / cycle**2
    spread += float(amounts.var(ddof=1)) / len(amounts) / amount**2
    factor = math.exp(_kernels.normal_quantile(measures.options.level) * math.sqrt(spread))
    return (value, value / factor, value * factor), None


def _why_nothing_won(measures: Measures, otherwise: str = "no won deal") -> str:
    if measures.won:
        return otherwise
    return "no won deal" if measures.lost + measures.no_decision else NOTHING_CLOSED


def transition_table(measures: Measures) -> pd.DataFrame:
    """List the moves that occurred, each with its share of all moves out of its state."""
    matrix = measures.moves
    origin, target = np.nonzero(matrix)
    n = matrix[origin, target].astype(np.float64)
    leaving = matrix.sum(axis=1)[origin].astype(np.float64)
    lower, upper = _kernels.wilson(n, leaving, measures.options.level)
    states = [*measures.options.stages, *measures.options.ends, None]
    pairs = list(zip((origin - 1).tolist(), target.tolist(), strict=True))
    return pd.DataFrame(
        {
            "from_stage": pd.Series([None if a < 0 else states[a] for a, _ in pairs], dtype=object),
            "to_stage": pd.Series([states[b] for _, b in pairs], dtype=object),
            "n": n.astype(np.int64),
            "share": n / leaving,
            "lower": lower,
            "upper": upper,
            "kind": [_kind(a, b, len(measures.options.stages), len(states) - 1) for a, b in pairs],
        }
    )


def period_frame(measures: Measures) -> pd.DataFrame:
    """Cohorts, closes and open deals, period by period; empty without a calendar."""
    table = measures.periods
    if table is None:
        return pd.DataFrame()
    created = table.cohort.sum(axis=1)
    decided = table.closed[:, 0] + table.closed[:, 1]
    frame: dict[str, Any] = {
        "period": list(table.labels),
        "starts_on": table.starts.astype("datetime64[s]"),
        "created": created,
        "cohort_won": table.cohort[:, 1],
        "cohort_lost": table.cohort[:, 2],
        "cohort_no_decision": table.cohort[:, 3:].sum(axis=1),
        "cohort_open": table.cohort[:, 0],
    }
    frame |= _shares(measures, "cohort_win_rate", table.cohort[:, 1], created, "no deal was created")
    frame |= {
        "closed_won": table.closed[:, 0],
        "closed_lost": table.closed[:, 1],
        "closed_no_decision": table.closed[:, 2:].sum(axis=1),
    }
    frame |= _shares(measures, "closed_win_rate", table.closed[:, 0], decided, NOTHING_CLOSED)
    frame["open_at_end"] = table.open_at_end
    if table.won_amount is not None:
        frame["won_amount"] = table.won_amount
    return pd.DataFrame(frame)


def _shares(measures: Measures, name: str, hits: Ints, n: Ints, reason: str) -> dict[str, Any]:
    lower, upper = _kernels.wilson(hits.astype(float), n.astype(float), measures.options.level)
    value = np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0)
    why = pd.Series([None if k else reason for k in n.tolist()], dtype=object)
    return {name: value, f"{name}_lower": lower, f"{name}_upper": upper, f"{name}_reason": why}


def told(measures: Measures, stage: str, where: str) -> str:
    """Say in words what became of the deals that reached a stage."""
    options, k = measures.options, measures.options.stages.index(stage)
    row = stage_table(measures).iloc[k]
    if not row["entered"]:
        return f"No deal{where} had reached {stage!r} by {options.as_of}."
    ended = row["lost"] + row["no_decision"]
    text = (
        f"Of {row['entered']} deals{where} that had reached {stage!r} by {options.as_of}, "
        f"{row['converted']} moved on ({_display.percent(row['conversion'])}, "
        f"{100 * options.level:g} % interval {_between(row['lower'], row['upper'])}), "
        f"{ended} ended there and {row['open']} were still open."
    )
    curve = measures.conversion[k]
    if not math.isnan(curve.last_age):
        text += (
            f" Counting open deals as unfinished, {_display.percent(row['eventual_conversion'])} are "
            f"estimated to move on within {_display.number(curve.last_age)} days "
            f"(interval {_between(row['eventual_lower'], row['eventual_upper'])})."
        )
    if not math.isnan(row["median_days"]):
        text += f" Half of the first visits lasted at most {_display.number(row['median_days'])} days."
    if row["skipped"]:
        text += f" {row['skipped']} deals jumped over it; the rule counts them as {options.skipped}."
    return text


def _between(lower: float, upper: float) -> str:
    if math.isnan(lower) or math.isnan(upper):
        return "not defined"
    return f"{_display.percent(lower)} to {_display.percent(upper)}"


def _kind(origin: int, target: int, n_stages: int, still: int) -> str:
    """Name the kind of a move; -1 is where deals begin."""
    if target == still:
        return "still there"
    if origin >= n_stages:
        return "reopened"
    if target > n_stages:
        return "end"
    if origin >= 0 and target < origin:
        return "regression"
    if target > origin + 1:
        return "skip"
    return "start" if origin < 0 else "forward"


def _mean(values: Floats, level: float) -> tuple[float, float, float]:
    """Mean with its normal interval; values come sorted, so that sums do not depend on the order of rows."""
    if not len(values):
        return math.nan, math.nan, math.nan
    mean = math.fsum(values.tolist()) / len(values)
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = _kernels.normal_quantile(level) * math.sqrt(float(values.var(ddof=1)) / len(values))
    return mean, mean - half, mean + half


def _median(values: Floats, level: float) -> tuple[float, float, float]:
    """Median of sorted values, with the order statistics whose ranks lie around it (normal approximation)."""
    n = len(values)
    if not n:
        return math.nan, math.nan, math.nan
    spread = _kernels.normal_quantile(level) * math.sqrt(n) / 2.0
    low, high = math.floor(n / 2.0 - spread), math.ceil(1.0 + n / 2.0 + spread)
    known = low >= 1 and high <= n
    lower, upper = (float(values[low - 1]), float(values[high - 1])) if known else (math.nan, math.nan)
    return float(np.median(values)), lower, upper


def _row(
    measure: str,
    value: tuple[float, float, float],
    cases: tuple[int, int],
    basis: str,
    interval: str,
    reason: str | None,
) -> dict[str, Any]:
    shown = value if reason is None else (math.nan, math.nan, math.nan)
    return {
        "measure": measure,
        "value": shown[0],
        "lower": shown[1],
        "upper": shown[2],
        "hits": cases[0],
        "n": cases[1],
        "basis": basis,
        "interval": interval,
        "reason": reason,
    }


def _rate_row(measure: str, rate: Rate) -> dict[str, Any]:
    return _row(measure, (rate.value, *rate.interval), (rate.hits, rate.n), rate.basis, "Wilson", rate.reason)
