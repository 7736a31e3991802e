"""Some reps of a call: the rows of every table that concern them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import attrs
import numpy as np
import pandas as pd

from salesops._faults import closest, refuse
from salesops._frames import to_frame
from salesops._frames.ids import is_missing, scalar
from salesops._money import IntArray
from salesops.comp._columns import counts_credits
from salesops.comp._inputs import Call
from salesops.comp._only import key_of, narrowed, rows_of
from salesops.comp._seats import Given
from salesops.comp.components import Override
from salesops.comp.plan import CompPlan
from salesops.comp.rewards import Contest
from salesops.comp.settlement import Clawback
from salesops.errors import InvalidInput, Problem, show

_BY_REP = ("assignments", "quotas", "target_pay", "metrics", "balances", "reps")


def changed_call(call: Call, given: Given, changed: object, removed: Iterable[Hashable]) -> Call:
    """Give the call for the reps whom changed, new and removed credits concern."""
    sheet, old = given.sheet, call.tables["credits"]
    new = to_frame(changed, "credits")
    names = {theirs: ours for theirs, ours in call.columns.items() if theirs in new.columns}
    new = new.rename(columns=names)
    gone = listed("removed", "names the credits to leave out, in a list", removed)
    lost = sheet.ids.rows_of(gone)
    if len(gone):
        _check_there(given, gone, lost)
    replaced = np.union1d(lost, sheet.ids.rows_of(_named(new, "credit_id")))
    keep_out = np.zeros(len(sheet.ids), dtype=np.bool_)
    keep_out[replaced] = True
    if looks_at_others(call.plans, old):
        rows = np.flatnonzero(~keep_out)
        return _with_credits(call, pd.concat([old.iloc[rows], new]) if len(new) else old.iloc[rows])
    reps = {sheet.rep_ids.label(int(row)) for row in replaced}
    reps |= set(_named(new, "rep_id"))
    rows = _rows_of(given, reps)
    labels = [label for label in {sheet.rep_ids.label(int(row)) for row in rows} | reps if label is not None]
    if _acts_on_deals(call):
        rows = np.flatnonzero(~keep_out)
        credits = pd.concat([old.iloc[rows], new]) if len(new) else old.iloc[rows]
        tables, only = narrowed({**call.tables, "credits": credits}, call.plans, labels)
        return attrs.evolve(call, tables=tables, only=only)
    rows = rows[~keep_out[rows]]
    credits = pd.concat([old.iloc[rows], new]) if len(new) else old.iloc[rows]
    only = frozenset(key_of(scalar(label)) for label in labels)
    return attrs.evolve(part_of(call, labels, credits), only=only)


def listed(path: str, rule: str, given: object) -> list[Hashable]:
    """List ids that a caller names."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise refuse(path, rule, given)
    listed = [*given]
    wrong = [label for label in listed if not _is_hashable(label)]
    if wrong:
        raise refuse(path, rule, wrong[0])
    return listed


def _named(frame: pd.DataFrame, column: str) -> list[Hashable]:
    """List the ids of a column that can be looked up; what is wrong with others is found in reading them."""
    cells = frame[column].tolist() if column in frame.columns else []
    return [label for label in cells if _is_hashable(label) and not is_missing(label)]


def _is_hashable(label: object) -> bool:
    try:
        hash(label)
    except TypeError:
        return False
    return True


def _acts_on_deals(call: Call) -> bool:
    """Say whether an event may claw back from everybody who has a part of a deal."""
    parts = [part for plan in call.plans for part in plan.components]
    events = call.tables.get("events")
    return events is not None and "deal_id" in events.columns and any(isinstance(p, Clawback) for p in parts)


def _rows_of(given: Given, reps: Iterable[Hashable]) -> IntArray:
    """Find the credits of reps, and of all who share a credit id with them."""
    sheet = given.sheet
    codes = {sheet.reps.position(rep) for rep in reps if rep is not None} - {-1}
    while True:
        mine = np.zeros(len(sheet.rep), dtype=np.bool_)
        for code in codes:
            mine |= sheet.rep == code
        rows = np.flatnonzero(mine)
        if sheet.n_names == len(sheet.ids):
            return rows
        shared = np.isin(sheet.ids.codes, sheet.ids.codes[rows]) & (sheet.ids.codes >= 0)
        more = set(np.unique(sheet.rep[shared]).tolist()) - codes - {-1}
        if not more:
            return rows
        codes |= more


def _check_there(given: Given, gone: Sequence[Hashable], lost: IntArray) -> None:
    there = {given.sheet.ids.label(int(row)) for row in lost}
    absent = [label for label in gone if label not in there]
    if absent:
        near = closest(absent[0], given.sheet.ids.distinct[:1000].tolist())
        fault = Problem(
            path="removed",
            message="names a credit that the run does not have",
            values=tuple(map(show, absent)),
            suggestions=near,
        )
        raise InvalidInput("recalculated: 1 problem", [fault])


def looks_at_others(plans: Sequence[CompPlan], credits: pd.DataFrame) -> bool:
    """Say whether what a rep earns may hang on credits of others."""
    for plan in plans:
        open_measure = any(
            counts_credits(part) and getattr(part, "measure", None) is None for part in plan.components
        )
        if plan.currency is None or ("measure" in credits.columns and open_measure):
            return True
        if any(isinstance(part, (Override, Contest)) for part in plan.components):
            return True
    return False


def part_of(call: Call, reps: Sequence[Hashable], credits: pd.DataFrame) -> Call:
    """Keep the rows of every table that concern some reps, with the credits given."""
    tables = of_reps(call.tables, reps, credits)
    return _with_credits(attrs.evolve(call, tables=tables), credits)


def of_reps(
    tables: Mapping[str, pd.DataFrame], reps: Sequence[Hashable], credits: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Keep the rows of tables that concern some reps or their credits."""
    kept, keys = dict(tables), {key_of(scalar(rep)) for rep in reps}
    for name in _BY_REP:
        if name in kept:
            kept[name] = rows_of(kept[name], keys)
    events = kept.get("events")
    if events is not None:
        keep = np.zeros(len(events), dtype=np.bool_)
        for column in {"credit_id", "deal_id"} & set(events.columns) & set(credits.columns):
            keep |= (events[column].isin(credits[column].dropna()) & events[column].notna()).to_numpy()
        kept["events"] = events[keep]
    return kept


def _with_credits(call: Call, credits: pd.DataFrame) -> Call:
    return attrs.evolve(call, tables={**call.tables, "credits": credits})
