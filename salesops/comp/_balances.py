"""What reps owe when a run begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._frames import Reader
from salesops._money import EXPONENTS
from salesops.comp._credits import Credits
from salesops.comp.plan import CompPlan
from salesops.errors import Problem


def read_balances(
    frame: pd.DataFrame | None, sheet: Credits, plans: Sequence[CompPlan], faults: list[Problem]
) -> dict[tuple[int, int], int]:
    """Take the table ``rep_id, amount[, plan_id]``: debts in minor units by plan and rep."""
    if frame is None:
        return {}
    table = Reader(frame, "balances", key=("rep_id",), faults=faults)
    rep = sheet.reps.codes(table.ids("rep_id"))
    names = [plan.plan_id for plan in plans]
    default = names[0] if len(names) == 1 else None
    named = table.texts("plan_id", choices=names, default=default)
    plan = np.array([names.index(name) if name in names else -1 for name in named], dtype=np.int64)
    places = np.array([*(EXPONENTS.get(code or "", 2) for code in sheet.currencies), 2], dtype=np.int64)[plan]
    cells = table.cells("amount")
    amount, refused = money.parse(cells if cells is not None else [], places)
    for rule in refused:
        table.fault("amount", rule.positions, rule.message, hint=rule.hint)
    table.fault("amount", amount < 0, "what is owed is 0 or more")
    opening: dict[tuple[int, int], int] = {}
    for row, key in enumerate(zip(plan.tolist(), rep.tolist(), strict=True)):
        if key in opening:
            table.fault("rep_id", [row], "a rep owes one balance on a plan")
        opening[key] = int(amount[row]) if len(amount) else 0
    return opening
