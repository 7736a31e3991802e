"""A run for some reps alone: the tables cut down to them and to everybody whose pay hangs on theirs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._faults import closest
from salesops._frames import Labels
from salesops._frames.ids import Ids, factorize, family, scalar
from salesops.comp.components import Override
from salesops.comp.plan import CompPlan
from salesops.comp.rewards import Contest
from salesops.comp.settlement import Clawback
from salesops.errors import InvalidInput, Problem, show

Key = tuple[str, Hashable]

_OF_REPS = ("credits", "assignments", "quotas", "target_pay", "metrics", "balances", "reps", "reporting")


def narrowed(
    tables: Mapping[str, pd.DataFrame], plans: Sequence[CompPlan], only: Iterable[Hashable] | None
) -> tuple[dict[str, pd.DataFrame], frozenset[Key] | None]:
    """Keep the rows of some reps, and of those who share their deals, managers or contests."""
    if only is None:
        return dict(tables), None
    reps = {key_of(rep) for rep in _asked(only)}
    if any(isinstance(part, Contest) for plan in plans for part in plan.components):
        return dict(tables), _everybody(tables) | frozenset(reps)
    reps = _with_company(tables, plans, reps)
    kept = {name: rows_of(frame, reps) if name in _OF_REPS else frame for name, frame in tables.items()}
    if "events" in tables and "credits" in kept:
        kept["events"] = _events_of(tables["events"], tables["credits"], kept["credits"])
    return kept, frozenset(reps)


def _asked(only: object) -> list[Hashable]:
    """List the reps that are asked for."""
    is_list = isinstance(only, Iterable) and not isinstance(only, (str, bytes))
    asked = [scalar(rep) for rep in only] if is_list else [only]  # type: ignore[attr-defined]  # an iterable
    if not is_list or not asked or not all(isinstance(rep, Hashable) for rep in asked):
        found = tuple(show(rep) for rep in asked)
        fault = Problem(
            path="only", message="names the reps to calculate, one or more, in a list", values=found
        )
        raise InvalidInput("calculate: 1 problem", [fault])
    return asked


def asked_for(
    only: object, tables: Mapping[str, pd.DataFrame], posted: Iterable[Hashable]
) -> list[Hashable] | None:
    """List the reps to calculate; one whom neither a table nor what was posted before knows is refused."""
    if only is None:
        return None
    asked = _asked(only)
    known = _everybody(tables) | {key_of(rep) for rep in posted}
    unknown = [rep for rep in asked if key_of(rep) not in known]
    if not unknown:
        return asked
    names = [rep for _, rep in sorted(known, key=lambda key: (key[0], str(key[1])))]
    near = {hint: None for rep in unknown[:5] for hint in closest(rep, names)}
    fault = Problem(
        path="only",
        message="names a rep whom no table of the run knows",
        values=tuple(map(show, unknown)),
        suggestions=tuple(near),
        hint="ids are never converted: 1 and '1' are two reps",
    )
    raise InvalidInput("calculate: 1 problem", [fault])


def key_of(rep: Hashable) -> Key:
    """Give a rep's id with its type."""
    return family(rep), rep


def _column(frame: pd.DataFrame, name: str) -> Ids:
    return factorize(frame[name])[0]


def _keys(ids: Ids) -> list[Key]:
    return [key_of(scalar(value)) for value in ids.distinct]


def _everybody(tables: Mapping[str, pd.DataFrame]) -> frozenset[Key]:
    found: set[Key] = set()
    for name in _OF_REPS:
        for column in ("rep_id", "manager_id"):
            if name in tables and column in tables[name].columns:
                found |= set(_keys(_column(tables[name], column)))
    return frozenset(found)


def rows_of(frame: pd.DataFrame, reps: set[Key]) -> pd.DataFrame:
    """Keep the rows of reps; rows without a rep are kept, so that they are still found amiss."""
    if "rep_id" not in frame.columns:
        return frame
    ids = _column(frame, "rep_id")
    mine = np.array([*(key in reps for key in _keys(ids)), True], dtype=np.bool_)
    return frame[mine[ids.codes]]


def _with_company(tables: Mapping[str, pd.DataFrame], plans: Sequence[CompPlan], reps: set[Key]) -> set[Key]:
    """Add whoever shares a deal, where events act on deals, and the lines of reporting, up and down."""
    parts = [part for plan in plans for part in plan.components]
    pairs: list[tuple[Key, Key]] = []
    deals: list[list[Key]] = []
    if any(isinstance(part, Override) for part in parts):
        pairs = _reporting(tables)
    if any(isinstance(part, Clawback) for part in parts) and "events" in tables:
        deals = _shared_deals(tables)
    while True:
        before = len(reps)
        reps = reps | {manager for rep, manager in pairs if rep in reps}
        reps = reps | {rep for rep, manager in pairs if manager in reps}
        reps = reps.union(*(group for group in deals if not reps.isdisjoint(group)))
        if len(reps) == before:
            return reps


def _reporting(tables: Mapping[str, pd.DataFrame]) -> list[tuple[Key, Key]]:
    frame = tables.get("reporting", tables.get("reps"))
    if frame is None or not {"rep_id", "manager_id"} <= set(frame.columns):
        return []
    rep, manager = _column(frame, "rep_id"), _column(frame, "manager_id")
    low, high = _keys(rep), _keys(manager)
    both = zip(rep.codes.tolist(), manager.codes.tolist(), strict=True)
    return [(low[a], high[b]) for a, b in both if a >= 0 and b >= 0]


def _shared_deals(tables: Mapping[str, pd.DataFrame]) -> list[list[Key]]:
    """List the reps of each deal that several of them share and that an event names."""
    credits, events = tables["credits"], tables["events"]
    if not {"deal_id", "rep_id"} <= set(credits.columns) or "deal_id" not in events.columns:
        return []
    deal, rep = _column(credits, "deal_id"), _column(credits, "rep_id")
    named = Labels.of(_column(events, "deal_id")).codes(deal) >= 0
    keys, groups = _keys(rep), dict[int, set[int]]()
    for row in np.flatnonzero(named & (rep.codes >= 0)).tolist():
        groups.setdefault(int(deal.codes[row]), set()).add(int(rep.codes[row]))
    return [[keys[code] for code in sorted(group)] for group in groups.values() if len(group) > 1]


def _events_of(events: pd.DataFrame, credits: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Leave out events on credits and deals of others; one that happened to nothing at all stays."""
    drop = np.zeros(len(events), dtype=np.bool_)
    for column in ("credit_id", "deal_id"):
        if column in events.columns and column in credits.columns:
            ids = _column(events, column)
            drop |= _among(ids, _column(credits, column)) & ~_among(ids, _column(kept, column))
    return events[~drop]


def _among(ids: Ids, others: Ids) -> NDArray[np.bool_]:
    return np.asarray((Labels.of(others).codes(ids) >= 0) & (ids.codes >= 0), dtype=np.bool_)
