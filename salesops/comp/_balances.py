"""What reps owe when a run begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._frames import Ids, Labels, Reader, check_known, check_same_type
from salesops._money import EXPONENTS
from salesops.comp._assignments import Assignments
from salesops.comp._credits import Credits
from salesops.comp.plan import CompPlan
from salesops.comp.settlement import Draw
from salesops.errors import Problem


class Balances(NamedTuple):
    """The table of balances, opened, and whose they are."""

    table: Reader
    reps: Ids


def open_balances(
    frame: pd.DataFrame | None, assigned: Assignments, faults: list[Problem]
) -> Balances | None:
    """Say who owes; where there is a list of all reps, somebody who is not on it is a fault."""
    if frame is None:
        return None
    table = Reader(frame, "balances", key=("rep_id",), faults=faults)
    reps = table.ids("rep_id")
    if assigned.known is not None and assigned.known_as is not None:
        check_known(faults, "balances.rep_id", reps, assigned.known, assigned.known_as, table.rows)
    return Balances(table, reps)


def read_balances(
    given: Balances | None, sheet: Credits, plans: Sequence[CompPlan], faults: list[Problem]
) -> dict[tuple[int, int], int]:
    """Take the table ``rep_id, amount[, plan_id]``: debts in minor units by plan and rep."""
    if given is None:
        return {}
    table = given.table
    check_same_type(faults, "balances.rep_id", given.reps, Labels.of(sheet.rep_ids), "credits", table.rows)
    rep = sheet.reps.codes(given.reps)
    names = [plan.plan_id for plan in plans]
    default = names[0] if len(names) == 1 else None
    named = table.texts("plan_id", choices=names, default=default)
    plan = np.array([names.index(name) if name in names else -1 for name in named], dtype=np.int64)
    places = np.array([*(EXPONENTS.get(code or "", 2) for code in sheet.currencies), 2], dtype=np.int64)[plan]
    cells = table.cells("amount")
    if cells is None:
        return {}
    amount, refused = money.parse(cells, places)
    for rule in refused:
        table.fault("amount", rule.positions, rule.message, hint=rule.hint)
    table.fault("amount", amount < 0, "what is owed is 0 or more")
    carries = np.array([*map(_carries, plans), True], dtype=np.bool_)
    table.fault(
        "plan_id",
        ~carries[plan] & (amount > 0),
        "the plan has no rule for what reps owe",
        value=lambda row: repr(names[plan[row]]),
        hint='give it a recoverable draw or "negative": "carry", or name the plan that has one',
    )
    key = np.where((plan < 0) | (rep < 0), -1, plan * (len(sheet.reps) + 1) + rep)
    distinct, tally = np.unique(key, return_counts=True)
    twice = np.isin(key, distinct[(tally > 1) & (distinct >= 0)])
    message = "a rep owes one balance on a plan"
    table.fault("amount", twice, message, hint="add them up, or keep the right one")
    rows = np.flatnonzero(key >= 0)
    return dict(
        zip(zip(plan[rows].tolist(), rep[rows].tolist(), strict=True), amount[rows].tolist(), strict=True)
    )


def _carries(plan: CompPlan) -> bool:
    """Say whether a plan brings what reps owe from one period into the next."""
    draws = [part for part in plan.components if isinstance(part, Draw)]
    return any(draw.recoverable for draw in draws) or (not draws and plan.negative == "carry")
