"""Further readings of a funnel: leakage, pooled rates of segments, the chain of stages, and its marks."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from salesops import _display
from salesops.forecast import _kernels
from salesops.forecast._arrays import label_column
from salesops.forecast.chain import AbsorbingChain, solved
from salesops.forecast.incidence import IncidenceCurves
from salesops.forecast.pooling import PooledRates, pooled_rates
from salesops.forecast.tally import Measures


def leakage_table(measures: Measures) -> pd.DataFrame:
    """Count, stage by stage, the deals that ended there without a win and those that stand there too long."""
    tally = measures.tally
    lost, others = tally.stopped[2], tally.stopped[3:].sum(axis=0)
    entered = tally.entered.astype(float)
    lower, upper = _kernels.wilson((lost + others).astype(float), entered, measures.options.level)
    stalled = [open_beyond(curves) for curves in measures.conversion]
    with np.errstate(invalid="ignore"):
        share = (lost + others) / np.where(entered > 0, entered, np.nan)
    return pd.DataFrame(
        {
            "stage": list(measures.options.stages),
            "entered": tally.entered,
            "lost": lost,
            "no_decision": others,
            "leaked": lost + others,
            "leakage": share,
            "lower": lower,
            "upper": upper,
            "open": tally.stopped[0],
            "stalled": [n for n, _ in stalled],
            "longest_days": [age for _, age in stalled],
        }
    )


def open_beyond(curves: IncidenceCurves) -> tuple[int, float]:
    """Count the open deals that are older than any that ended, and give the age of that one."""
    age = curves.last_age
    if math.isnan(age):
        return 0, age
    return int(curves.censored[curves.ages > age].sum()), age


def pooled_table(parts: Sequence[Measures], segments: Sequence[Hashable]) -> pd.DataFrame:
    """Make one table of all rates that are pooled over the segments."""
    found = _pooled(parts, segments)
    frames = [rates.to_frame().assign(measure=measure) for measure, rates in found.items()]
    stacked = pd.concat(frames, ignore_index=True)
    return stacked[["measure", *(name for name in stacked.columns if name != "measure")]]


def _pooled(parts: Sequence[Measures], segments: Sequence[Hashable]) -> dict[str, PooledRates]:
    """Pool the win rates and the conversion of each stage over the segments."""
    options = parts[0].options
    won = [part.won for part in parts]
    cases = {"win rate, closed deals": (won, [part.won + part.lost for part in parts])}
    if options.no_decision:
        ended = [part.won + part.lost + part.no_decision for part in parts]
        cases["win rate, closed deals with no decision"] = (won, ended)
    cases["win rate, all deals"] = (won, [part.tally.deals for part in parts])
    for k, stage in enumerate(options.stages):
        converted = [int(part.tally.converted[k]) for part in parts]
        cases[f"conversion of {stage}"] = (converted, [int(part.tally.entered[k]) for part in parts])
    return {
        measure: pooled_rates(hits, n, segments=segments, level=options.level)
        for measure, (hits, n) in cases.items()
    }


def chain_of(measures: Measures) -> AbsorbingChain:
    """Estimate the chain of stages from the moves that were made; stages that nobody left count as ends."""
    options = measures.options
    n_stages, names = len(options.stages), (*options.stages, *options.ends)
    moves = measures.moves[1 : n_stages + 1, : len(names)].astype(np.float64)
    left = moves.sum(axis=1)
    stays = np.flatnonzero(left > 0)
    held = [k for k in range(n_stages) if not left[k] and moves[:, k].sum() > 0]
    ends = [*range(n_stages, len(names)), *held]
    shares = moves[stays] / left[stays, None]
    return solved(
        shares[:, stays],
        shares[:, ends],
        tuple(names[k] for k in stays),
        tuple(names[k] if k >= n_stages else f"still in {names[k]}" for k in ends),
        n=left[stays].astype(np.int64),
        level=options.level,
    )


def mark_table(
    whole: tuple[Hashable, Measures],
    parts: Sequence[tuple[Hashable, Measures]],
    noted: Sequence[tuple[str, int]],
) -> pd.DataFrame:
    """List the marks of a funnel and of its segments."""
    rows = [(whole[0], *row) for row in [*_mark_rows(whole[1]), *noted]]
    rows += [(segment, *row) for segment, measures in parts for row in _mark_rows(measures)]
    if parts:
        pooled = _pooled([part for _, part in parts], [label for label, _ in parts])["win rate, all deals"]
        told = "its own deals weigh less than those of all segments: its rates lean, see pooled()"
        small = np.flatnonzero(pooled.leans).tolist()
        rows += [(pooled.segments[k], told, int(pooled.n[k])) for k in small]
    return pd.DataFrame(
        {
            "segment": label_column([row[0] for row in rows]),
            "mark": pd.Series([row[1] for row in rows], dtype=object),
            "n": np.array([row[2] for row in rows], dtype=np.int64),
        }
    )


def _mark_rows(measures: Measures) -> list[tuple[str, int]]:
    """List what a reader of the figures should know, each with its number of deals."""
    tally, (stale, age) = measures.tally, open_beyond(measures.curves)
    rows = [
        (f"open for longer than any deal that ended ({_display.number(age)} days)", stale),
        ("no deal was won: win rates rest on their upper ends only", 0 if measures.won else tally.deals),
        ("created before the first event: under observation late", tally.opened_before_log),
        ("ended before the log starts: not in the curves", tally.ended_unobserved),
        ("a later event states another segment: counted in the first", tally.changed_segment),
        ("events after the first close: set aside", tally.set_aside),
        ("reopened after a close", tally.reopenings),
    ]
    return [(text, n) for text, n in rows if n]


def flow_rows(measures: Measures) -> list[dict[str, Any]]:
    """Arrivals, time open and the open deals that follow from both by Little's law."""
    arrived, days = measures.arrivals
    rate = arrived / days if days else math.nan
    tail = (1.0 - measures.options.level) / 2.0
    lower = float(gammaincinv(arrived, tail)) / days if arrived else 0.0 if days else math.nan
    upper = float(gammaincinv(arrived + 1.0, 1.0 - tail)) / days if days else math.nan
    mean, variance = _restricted_mean(measures.curves)
    half = _kernels.normal_quantile(measures.options.level) * math.sqrt(variance)
    open_deals = (rate * mean, math.nan, math.nan)
    if arrived and mean > 0:
        spread = math.sqrt(1.0 / arrived + variance / mean**2)
        factor = math.exp(_kernels.normal_quantile(measures.options.level) * spread)
        open_deals = (rate * mean, rate * mean / factor, rate * mean * factor)
    last = _display.number(float(measures.curves.ages[-1])) if len(measures.curves.ages) else "0"
    reason = None if days and measures.curves.n else "no deal"
    rows = [
        (
            "arrivals, deals each day",
            (rate, lower, upper),
            arrived,
            "deals created / days of the log",
            "Poisson",
        ),
        (
            "time open, mean days",
            (mean, mean - half, mean + half),
            measures.curves.n,
            f"area under the share still open, up to {last} days",
            "Greenwood, normal",
        ),
        (
            "open deals in a steady state",
            open_deals,
            arrived,
            "arrivals x mean time open (Little's law)",
            "delta method on the logarithm, parts taken as independent",
        ),
    ]
    return [
        {
            "measure": measure,
            "value": value[0] if reason is None else math.nan,
            "lower": value[1] if reason is None else math.nan,
            "upper": value[2] if reason is None else math.nan,
            "hits": n,
            "n": n,
            "basis": basis,
            "interval": interval,
            "reason": reason,
        }
        for measure, value, n, basis, interval in rows
    ]


def _restricted_mean(curves: IncidenceCurves) -> tuple[float, float]:
    """Area under the share still open, up to the last age seen, and its variance."""
    if not len(curves.ages):
        return math.nan, math.nan
    width = np.diff(np.concatenate([[0.0], curves.ages]))
    height = np.concatenate([[1.0], curves.still_open[:-1]])
    area = width * height
    beyond = math.fsum(area.tolist()) - np.cumsum(area)
    ended = curves.events.sum(axis=1).astype(np.float64)
    rest = curves.at_risk * (curves.at_risk - ended)
    step = np.divide(ended, rest, out=np.zeros(len(rest)), where=rest > 0)
    return math.fsum(area.tolist()), math.fsum((np.maximum(beyond, 0.0) ** 2 * step).tolist())
