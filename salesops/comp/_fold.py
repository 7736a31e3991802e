"""Credits of a period paid as one, where no rule looks at them one by one: same totals, fewer lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from salesops import _money as money
from salesops._frames.arrays import is_constant, taken
from salesops._money import IntArray, Whole
from salesops.comp._columns import Columns
from salesops.comp._seats import Counts, Given
from salesops.comp._triage import Triage
from salesops.comp.bonuses import Bonus, Matrix, Scorecard
from salesops.comp.components import Commission, Override
from salesops.comp.conditions import Gate, Multiplier
from salesops.comp.plan import CompPlan
from salesops.comp.rewards import FixedPay
from salesops.comp.settlement import Draw, Guarantee

_BY_TOTAL = (Bonus, Scorecard, Matrix, FixedPay, Gate, Guarantee, Draw)


def fold(
    given: Given, plans: Sequence[CompPlan], counts: Sequence[Counts]
) -> tuple[Given, list[Counts]] | None:
    """Lay the credits of each rep, period and kind together; None where a plan needs them apart."""
    if not all(_pays_by_total(plan) for plan in plans):
        return None
    sheet, n = given.sheet, len(given.terms)
    paid = sheet.triage.paid()
    rows = np.arange(len(paid)) if paid.all() else np.flatnonzero(paid)
    key = taken(sheet.rep, rows) * n + taken(sheet.period, rows)
    for column in (sheet.plan, sheet.measure, *(mask for masks in counts for mask in masks)):
        if column is not None and not is_constant(column):
            part = column[rows].astype(np.int64)
            low, width = (int(part.min()), int(part.max()) - int(part.min()) + 1) if len(part) else (0, 1)
            key = np.unique(key, return_inverse=True)[1].reshape(-1) * width + part - low
    group, first = _grouped(key, rows)
    totals = money.group_totals(taken(sheet.due, rows), group, len(first))
    if totals.dtype != np.int64 or money.extent(totals) >= money.LIMIT:
        return None
    order = np.lexsort((np.arange(len(first)), sheet.period[first], sheet.rep[first]))
    masks = [tuple(None if mask is None else mask[first[order]] for mask in each) for each in counts]
    return _folded(given, first[order], totals[order]), masks


def _pays_by_total(plan: CompPlan) -> bool:
    """Say whether what a period pays follows from what was credited in it altogether."""
    if plan.rounding_step == "credit" or (plan.cap is not None and plan.cap.per == "deal"):
        return False
    return all(_part_by_total(part) for part in plan.components)


def _part_by_total(part: Any) -> bool:
    if isinstance(part, Override):
        return False
    if isinstance(part, Commission):
        by_deal = part.accumulate == "deal" or part.accumulate_on == "deal"
        capped = part.cap is not None and part.cap.per == "deal"
        ends = part.tiers[-1].end is not None
        return not (by_deal or capped or ends or part.rate_by or part.interim_rate is not None)
    return isinstance(part, _BY_TOTAL) or (isinstance(part, Multiplier) and part.field is None)


def _grouped(key: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Find the groups and number them, and give one row of the table for each."""
    if len(key) and int(key.max()) < 4 * len(key):
        stand_in = np.full(int(key.max()) + 1, -1, dtype=np.int64)
        stand_in[key] = rows
        there = np.flatnonzero(stand_in >= 0)
        number = np.cumsum(stand_in >= 0) - 1
        return number[key], stand_in[there]
    _, place, group = np.unique(key, return_index=True, return_inverse=True)
    return group.reshape(-1), rows[place]


def _folded(given: Given, rows: IntArray, totals: Whole) -> Given:
    sheet, n = given.sheet, len(rows)
    triage = Triage(sheet.table, holds=True)
    triage.status = np.zeros(n, dtype=np.int8)
    triage.reason = triage.detail = np.broadcast_to(np.array(None, dtype=object), (n,))
    changes: dict[str, Any] = {
        name: taken(getattr(sheet, name), rows)
        for name in ("rep", "plan", "period", "day", "measure", "currency")
    }
    changes |= {"rank": np.arange(n), "deal": np.arange(n), "triage": triage, "columns": Columns({}, {}, {})}
    changes |= {"amount": totals, "due": totals, "whole": totals}
    return attrs.evolve(given, sheet=attrs.evolve(sheet, **changes), order=np.arange(n))
