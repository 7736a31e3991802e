"""What a plan pays for many amounts at once, each to a rep of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from salesops import _money as money
from salesops._money import EXPONENTS, IntArray
from salesops.comp.engine import calculate
from salesops.comp.plan import CompPlan


def measure_of(plan: CompPlan, measure: str | None = None) -> str:
    """Name what is credited: as told, else the first measure that the plan names."""
    named = [name for part in plan.components if (name := getattr(part, "measure", None)) is not None]
    return measure or (named[0] if named else "amount")


def paid_at(
    plan: CompPlan,
    credited: IntArray,
    *,
    quota: Decimal | int | str | None = None,
    measure: str | None = None,
) -> IntArray:
    """Pay each amount, in minor units, as the one deal of one period; give minor units."""
    places = EXPONENTS.get(plan.currency or "", 2)
    reps = np.arange(len(credited))
    credits: dict[str, Any] = {
        "credit_id": reps,
        "rep_id": reps,
        "amount": money.format_column(credited, np.ones_like(credited), places),
        "currency": [plan.currency or "USD"] * len(credited),
        "measure": [measure_of(plan, measure)] * len(credited),
    }
    quotas = None if quota is None else {"rep_id": reps, "amount": [quota] * len(credited)}
    return calculate(plan, credits, quotas=quotas).payouts()["earned"].to_numpy(dtype=np.int64)
