"""Credits that were taken back while all they had earned was on hold: they end as rejected."""

from __future__ import annotations

import attrs
import numpy as np

from salesops import _money as money
from salesops._money import BoolArray, IntArray
from salesops.comp._lines import CLAWBACK, FORFEITED, HELD, RELEASED, Lines
from salesops.comp._tables import CreditTable
from salesops.comp._triage import REJECTED, Reason

_REASON: Reason = "refunded before payment"
_DETAIL = "credit_id: was taken back while all that it earned was on hold"


def reject_refunded(table: CreditTable, lines: Lines) -> CreditTable:
    """Mark credits of which nothing was ever paid: all on hold, all taken back, nothing released.

    Their lines stay as the trail; they sum to 0.
    """
    found = np.unique(lines.credit[(lines.rule == FORFEITED) & (lines.credit >= 0)])
    if not len(found):
        return table
    mine = np.flatnonzero(np.isin(lines.credit, found))
    place, rule, amount = np.searchsorted(found, lines.credit[mine]), lines.rule[mine], lines.amount[mine]

    def total(rows: BoolArray) -> IntArray:
        return money.group_sums(np.where(rows, amount, 0), place, len(found))

    earned = total(rule < CLAWBACK)
    nothing = (total(rule == CLAWBACK) == -earned) & (total(rule == HELD) == -earned)
    nothing &= (total(rule == FORFEITED) == earned) & (total(rule == RELEASED) == 0)
    if not nothing.any():
        return table
    status, reason, detail = table.status.copy(), table.reason.copy(), table.detail.copy()
    status[found[nothing]], reason[found[nothing]], detail[found[nothing]] = REJECTED, _REASON, _DETAIL
    return attrs.evolve(table, status=status, reason=reason, detail=detail)
