"""Invariants of every run; a breach is a defect of ours and stops the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from salesops import _money as money
from salesops._frames.arrays import is_constant
from salesops._money import IntArray
from salesops.comp._desk import Desk, Rows
from salesops.comp._kernels import runs
from salesops.comp._lines import TIER, Lines
from salesops.comp._tables import Totals
from salesops.comp._triage import PAID, Triage
from salesops.comp.components import Commission, Override
from salesops.errors import InternalError


def check_lines(lines: Lines, triage: Triage, desks: Sequence[Desk]) -> None:
    """Check that every credit ended somewhere, and that each component cuts each of its credits once."""
    is_paid = triage.status == PAID
    _require(
        int(is_paid.sum()) == sum(len(desk.own.credit) for desk in desks), "every paid credit has one plan"
    )
    reason = triage.reason[:1] if is_constant(triage.reason) else triage.reason
    has_reason = np.asarray(reason != None, dtype=np.bool_)  # noqa: E711  (elementwise)
    _require(bool((has_reason != is_paid).all()), "a credit is paid or has a reason")
    used = np.zeros(len(is_paid), dtype=np.bool_)
    used[lines.credit[lines.credit >= 0]] = True
    _require(not bool((used & ~is_paid).any()), "only paid credits have lines")
    for k, desk in enumerate(desks):
        for j, part in enumerate(desk.plan.components):
            if isinstance(part, Commission) and not isinstance(part, Override):
                _check_cover(lines, k, j, desk.rows_of(j), whole=part.accumulate_on == "deal")


def _check_cover(lines: Lines, plan: int, part: int, rows: Rows, *, whole: bool) -> None:
    mine = np.flatnonzero((lines.plan == plan) & (lines.part == part) & (lines.rule == TIER))
    scale = int(lines.scale[mine[0]]) if len(mine) else 1
    credit = lines.credit[mine]
    starts = runs(credit)
    if np.array_equal(credit[starts], rows.credit):
        owner = np.cumsum(starts) - 1
    else:
        place = np.full(int(rows.credit.max(initial=-1)) + 1, -1)
        place[rows.credit] = np.arange(len(rows.credit))
        owner = place[credit]
    _require(bool((owner >= 0).all()), "a component pays only the credits it counts")
    way = money.narrow(money.subtract(lines.end[mine], lines.start[mine]))
    covered = money.group_sums(way, owner, len(rows.credit))
    due = money.multiply(rows.whole if whole else rows.amount, scale)
    _require(bool((covered == due).all()), "the slices of a credit cover it once")


def check_totals(lines: Lines, statement: IntArray, totals: Totals) -> None:
    """Check that lines run up to what the statement says is paid, and that earned less held is paid."""
    last = np.flatnonzero(np.diff(statement, append=-1))
    reached = np.zeros(len(totals.earned), dtype=np.int64)
    reached[statement[last]] = lines.running[last]
    _require(bool((reached == totals.paid).all()), "the lines of a statement sum to what is paid")
    _require(bool((totals.balance >= 0).all()), "nobody owes less than nothing")


def _require(holds: bool, invariant: str) -> None:
    if not holds:
        raise InternalError(f"calculate: broken invariant, please report: {invariant}")
