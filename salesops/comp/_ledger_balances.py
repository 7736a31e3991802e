"""Balances across runs: what reps owed before a run, by the ledger and by the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from salesops._frames.ids import family
from salesops.comp._ledger_book import Book
from salesops.comp._ledger_post import OPENING, keyed
from salesops.comp.results import CompRun
from salesops.errors import InvalidInput, Problem, show

Key = tuple[str, tuple[str, Hashable]]
"""A plan, and a rep by kind and value."""


def owed_before(book: Book, starts: Mapping[str, dt.date], first: str, day: dt.date) -> dict[Key, int]:
    """Add up what reps owe before a run whose first period begins on a day."""
    before, own = _owed(book, starts, first, day)
    return {key: before.get(key, 0) + own.get(key, 0) for key in before.keys() | own.keys()}


def _owed(
    book: Book, starts: Mapping[str, dt.date], first: str, day: dt.date
) -> tuple[dict[Key, int], dict[Key, int]]:
    """Add up by plan and rep what earlier periods left owed, and what was owed when the ledger began."""
    before, own = dict[Key, int](), dict[Key, int]()
    rows = np.flatnonzero(book["owed"] != 0)
    opening = (book.nature()[rows] == OPENING).tolist()
    columns = [book[name][rows] for name in ("plan_id", "rep_id", "period", "owed")]
    said = zip(columns[0].tolist(), keyed(columns[1]), columns[2].tolist(), columns[3].tolist(), strict=True)
    for is_opening, (plan, rep, period, owed) in zip(opening, said, strict=True):
        if starts[period] < day:
            before[plan, rep] = before.get((plan, rep), 0) + owed
        elif is_opening and period == first:
            own[plan, rep] = own.get((plan, rep), 0) + owed
    return before, own


def opening_of(
    book: Book, run: CompRun, starts: Mapping[str, dt.date]
) -> tuple[dict[tuple[str, Any], int], frozenset[tuple[str, Hashable]]]:
    """Give what reps owed when the ledger began, as the run says, and the reps of whom it says so."""
    names, totals = run._names, run._totals  # noqa: SLF001  (a ledger is made of what the run has stored)
    reps = frozenset((family(rep), rep) for rep in names.reps.values[np.unique(totals.rep)].tolist())
    begun = {
        (run.plans[k].plan_id, (family(names.reps[code]), names.reps[code])): owed
        for (k, code), owed in run._given.opening.items()  # noqa: SLF001  (as above)
    }
    first = run.periods[0]
    before, own = _owed(book, starts, first, starts[first])
    plans = {plan.plan_id for plan in run.plans}
    wanted, torn = dict[tuple[str, Any], int](), []
    for plan, rep in before.keys() | own.keys() | begun.keys():
        if plan not in plans or rep not in reps:
            continue
        earlier, began, says = (sums.get((plan, rep), 0) for sums in (before, own, begun))
        wanted[plan, rep[1]] = says - earlier
        if earlier and says - earlier != began:
            torn.append((show(rep[1]), f"ledger {earlier + began}, run {says}"))
    if torn:
        torn.sort()
        fault = Problem(
            path="run.balances",
            message="the run begins with other balances than the ledger has before it (minor units)",
            ids=tuple(rep for rep, _ in torn),
            values=tuple(said for _, said in torn),
            hint="pass prior=ledger to calculate",
        )
        raise InvalidInput("post: 1 problem", [fault])
    return wanted, reps
