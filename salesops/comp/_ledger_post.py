"""What a run adds to a ledger: the difference, line by line, between what it pays and what was posted."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._faults import count
from salesops._frames.ids import family
from salesops.comp import _lines as rules
from salesops.comp._keys import line_keys
from salesops.comp._ledger_book import LABELS, Book, Column, column_of, digest_of, sums_by
from salesops.comp._lines import lines_frame
from salesops.comp.results import CompRun
from salesops.comp.settlement import Draw
from salesops.errors import InvalidInput, Problem, show

_TYPES: dict[int, str] = {
    rules.CLAWBACK: "clawback",
    rules.HELD: "held",
    rules.RELEASED: "released",
    rules.FORFEITED: "forfeited",
    rules.DRAW: "draw advance",
    rules.RECOVERY: "recovery",
    rules.FORGIVEN: "forgiven",
    rules.CARRIED: "carried",
    rules.SET_OFF: "set off",
}
_DEBTS = (rules.DRAW, rules.RECOVERY, rules.FORGIVEN, rules.CARRIED, rules.SET_OFF)
OPENING = "opening"


@attrs.frozen(eq=False)
class Wanted:
    """What a ledger should say after a run, line by line: labels, and what each pays and makes owed."""

    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.columns["amount"])


def wanted_of(run: CompRun, spoken: tuple[str, ...], opening: Mapping[tuple[str, Hashable], int]) -> Wanted:
    """Say what a ledger should hold of some periods: all that pays or makes owed, and first balances."""
    lines, names = run._table, run._names  # noqa: SLF001  (a ledger is made of what the run has stored)
    owed = np.zeros(len(lines), dtype=np.int64)
    debts = np.flatnonzero(np.isin(lines.rule, _DEBTS) & ~_is_given(run))
    owed[debts] = money.narrow(money.add(lines.end[debts], -lines.start[debts]))
    kept = np.flatnonzero(((lines.amount != 0) | (owed != 0)) & (lines.period < len(spoken)))
    frame = lines_frame(lines, names, kept)
    frame["line_key"] = line_keys(lines, names)[kept]
    types = np.array([_TYPES.get(rule, "earned") for rule in range(len(rules.RULES))], dtype=object)
    columns: dict[str, Column] = {
        name: _labels(frame[name])
        for name in ("plan_id", "component", "rule", "period", "currency", "line_key")
    }
    columns["rep_id"] = column_of(names.reps.values[lines.rep[kept]].tolist())
    credit = lines.credit[kept]
    ids = names.credits[np.maximum(credit, 0)].tolist() if len(names.credits) else [None] * len(credit)
    columns["credit_id"] = column_of(i if c >= 0 else None for i, c in zip(ids, credit.tolist(), strict=True))
    columns["type"] = types[lines.rule[kept]]
    columns["tier"] = np.asarray(lines.tier[kept] + 1, dtype=np.int64)
    columns["amount"], columns["owed"] = lines.amount[kept].astype(np.int64), owed[kept]
    facts = (_labels(frame[name]).tolist() for name in ("base", "rate", "exact"))
    said = zip(columns["type"].tolist(), *facts, columns["amount"].tolist(), owed[kept].tolist(), strict=True)
    columns["content"] = column_of(_digest(repr(values)) for values in said)
    return Wanted(_with_opening(columns, run, opening))


def _labels(cells: pd.Series[Any]) -> Column:
    return column_of(cells.astype(object).where(cells.notna(), None).tolist())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _is_given(run: CompRun) -> Any:
    """Mark the lines of draws that are never owed."""
    lines = run._table  # noqa: SLF001  (as above)
    given = np.zeros(len(lines), dtype=np.bool_)
    for k, plan in enumerate(run.plans):
        for j, part in enumerate(plan.components):
            if isinstance(part, Draw) and not part.recoverable:
                given |= (lines.rule == rules.DRAW) & (lines.plan == k) & (lines.part == j)
    return given


def _with_opening(
    columns: dict[str, Column], run: CompRun, opening: Mapping[tuple[str, Hashable], int]
) -> dict[str, Column]:
    """Add what reps owed when the ledger began."""
    first, code = run.periods[0], {plan.plan_id: k for k, plan in enumerate(run.plans)}
    currencies = run._names.currencies  # noqa: SLF001  (as above)
    rows = [(plan, rep, owed) for (plan, rep), owed in opening.items() if owed]
    more: dict[str, list[Any]] = {
        "rep_id": [rep for _, rep, _ in rows],
        "plan_id": [plan for plan, *_ in rows],
        "component": [rules.PLAN] * len(rows),
        "rule": [OPENING] * len(rows),
        "credit_id": [None] * len(rows),
        "period": [first] * len(rows),
        "currency": [currencies[code[plan]] for plan, *_ in rows],
        "line_key": [opening_key(plan, rep, first) for plan, rep, _ in rows],
        "type": [OPENING] * len(rows),
        "content": [_digest(repr((OPENING, owed))) for *_, owed in rows],
    }
    whole = {"tier": [0] * len(rows), "amount": [0] * len(rows), "owed": [owed for *_, owed in rows]}
    joined = {name: np.concatenate([columns[name], column_of(cells)]) for name, cells in more.items()}
    return joined | {
        name: np.concatenate([columns[name], np.array(cells, dtype=np.int64)])
        for name, cells in whole.items()
    }


def opening_key(plan: str, rep: Hashable, period: str) -> str:
    """Name what a rep owed on a plan when the ledger began, as lines are named."""
    return digest_of("", (OPENING, plan, rep, period))[:32]


def differences(wanted: Wanted, posted: Book) -> dict[str, Column] | None:
    """Give the entries that bring what was posted to what is wanted; none if nothing differs.

    Lines that are no more come first, in the order of their last entries; then those of the run in its order.
    """
    codes: dict[tuple[str, str | None], int] = {}
    keys = zip(posted["line_key"].tolist(), posted["currency"].tolist(), strict=True)
    code = np.array([codes.setdefault(key, len(codes)) for key in keys], dtype=np.int64)
    n_posted = len(codes)
    keys = zip(wanted.columns["line_key"].tolist(), wanted.columns["currency"].tolist(), strict=True)
    new = np.array([codes.setdefault(key, len(codes)) for key in keys], dtype=np.int64)
    n = len(codes)
    amount, owed = sums_by(code, posted["amount"], n), sums_by(code, posted["owed"], n)
    last = np.full(n, -1)
    last[code] = np.arange(len(code))
    content = np.full(n, None, dtype=object)
    content[:n_posted] = posted["content"][last[:n_posted]]
    is_wanted = np.zeros(n, dtype=np.bool_)
    is_wanted[new] = True
    lost = np.flatnonzero(~is_wanted & (content != None))  # noqa: E711  (elementwise)
    lost = lost[np.argsort(last[lost], kind="stable")]
    more = wanted.columns["amount"] - amount[new], wanted.columns["owed"] - owed[new]
    kept = np.flatnonzero((content[new] != wanted.columns["content"]) | (more[0] != 0) | (more[1] != 0))
    if not len(lost) and not len(kept):
        return None
    nature = posted.nature()
    found: dict[str, Column] = {"type": np.concatenate([nature[last[lost]], wanted.columns["type"][kept]])}
    for name in (
        "rep_id",
        "plan_id",
        "component",
        "rule",
        "credit_id",
        "period",
        "currency",
        "line_key",
        "tier",
    ):
        found[name] = np.concatenate([posted[name][last[lost]], wanted.columns[name][kept]])
    found["amount"] = np.concatenate([-amount[lost], more[0][kept]])
    found["owed"] = np.concatenate([-owed[lost], more[1][kept]])
    none = np.full(len(lost), None, dtype=object)
    found["content"] = np.concatenate([none, wanted.columns["content"][kept]])
    found["replaces"] = np.concatenate([content[lost], content[new][kept]])
    reason = np.where(found["replaces"] == None, "new", "changed").astype(object)  # noqa: E711  (elementwise)
    reason[: len(lost)] = "cancelled"
    return found | {"reason": reason}


def as_book(found: Mapping[str, Column], *, posting: int, closed: frozenset[str], into: str | None) -> Book:
    """Make entries of differences: about an open period in it, about a closed one elsewhere."""
    n = len(found["amount"])
    late = np.array([period in closed for period in found["period"].tolist()], dtype=np.bool_)
    columns = dict(found)
    columns["adjusts"] = np.where(late, found["type"], np.full(n, None))
    columns["type"] = np.where(late, "adjustment", found["type"])
    columns["posted_in"] = np.where(late, np.full(n, into, dtype=object), found["period"])
    columns["posting"] = np.full(n, posting, dtype=np.int64)
    columns |= {name: columns[name].astype(object) for name in LABELS}
    return Book(columns, np.full(n, "", dtype=object))


def in_scope(
    book: Book, run: CompRun, spoken: tuple[str, ...], openings: frozenset[tuple[str, Hashable]]
) -> Book:
    """Keep what a run speaks about: some periods, of all reps or those it was made for.

    What was owed at the start is spoken of only for the reps in `openings`.
    """
    only = run._given.only  # noqa: SLF001  (as above)
    periods = frozenset(spoken)
    mine = np.array([period in periods for period in book["period"].tolist()], dtype=np.bool_)
    if only is not None:
        mine &= np.array([rep in only for rep in keyed(book["rep_id"])], dtype=np.bool_)
    start = np.flatnonzero(mine & (book.nature() == OPENING))
    for k in start.tolist():
        rep = book["rep_id"][k]
        mine[k] = (family(rep), rep) in openings and book["period"][k] == run.periods[0]
    return book.take(mine)


def keyed(reps: Column) -> list[tuple[str, Hashable]]:
    """Give ids by kind and value, so that 1, 1.0 and True stay apart."""
    return [(family(rep), rep) for rep in reps.tolist()]


def check_plans(posted: Book, run: CompRun) -> None:
    """Refuse a run without a plan that the ledger has paid in its periods: it would be cancelled unsaid."""
    known = {plan.plan_id for plan in run.plans}
    lost = sorted(set(posted["plan_id"].tolist()) - known)
    if lost:
        fault = Problem(
            path="run.plans",
            message="the ledger has paid a plan in these periods that the run does not know",
            values=tuple(map(show, lost)),
            hint="give calculate every plan of the periods, or keep a ledger for each plan",
        )
        raise InvalidInput(f"post: {count(1, 'problem')}", [fault])


def check_later(
    found: Mapping[str, Column], book: Book, spoken: tuple[str, ...], starts: Mapping[str, Any]
) -> None:
    """Refuse a correction of what was owed, if later periods stand on it and are not in the run."""
    end = max(starts[name] for name in spoken)
    change: dict[Any, int] = {}
    for rep, owed in zip(keyed(found["rep_id"]), found["owed"].tolist(), strict=True):
        change[rep] = change.get(rep, 0) + owed
    moved = {rep for rep, owed in change.items() if owed}
    if not moved:
        return
    late = {
        (rep, period)
        for rep, period in zip(keyed(book["rep_id"]), book["period"].tolist(), strict=True)
        if rep in moved and starts[period] > end
    }
    if late:
        named = sorted(late, key=lambda pair: (repr(pair[0]), starts[pair[1]]))
        fault = Problem(
            path="run.periods",
            message="the run changes what a rep owes, and later periods of the ledger stand on that",
            ids=tuple(show(rep[1]) for rep, _ in named),
            values=tuple(show(period) for _, period in named),
            hint="run and post up to the last period of the ledger",
        )
        raise InvalidInput("post: 1 problem", [fault])
