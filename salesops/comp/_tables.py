"""What a run stores beside its lines, as read-only arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._frames import IdCells
from salesops._money import IntArray
from salesops.comp._lines import ARRAY, CELLS


@attrs.frozen(kw_only=True)
class CreditTable:
    """The credits of a run by row of the table given, and what became of each; ids are in ``Names``."""

    rep_id: IdCells = attrs.field(**CELLS)
    rep: IntArray = attrs.field(**ARRAY)
    period: IntArray = attrs.field(**ARRAY)
    amount: IntArray = attrs.field(**ARRAY)
    is_read: NDArray[np.bool_] = attrs.field(**ARRAY)
    currency: NDArray[Any] = attrs.field(**ARRAY)
    status: NDArray[np.int8] = attrs.field(**ARRAY)
    reason: NDArray[Any] = attrs.field(**ARRAY)
    detail: NDArray[Any] = attrs.field(**ARRAY)
    in_order: Callable[[], IntArray] = attrs.field(eq=False, repr=False)
    extra: pd.DataFrame = attrs.field(eq=False, repr=False)

    @cached_property
    def order(self) -> IntArray:
        """Rows by rep, day, credit and content."""
        return self.in_order()


@attrs.frozen(kw_only=True)
class Attained:
    """Credited amounts and quotas by rep, period and component on attainment."""

    rep: IntArray = attrs.field(**ARRAY)
    period: IntArray = attrs.field(**ARRAY)
    plan: IntArray = attrs.field(**ARRAY)
    part: IntArray = attrs.field(**ARRAY)
    credited: IntArray = attrs.field(**ARRAY)
    quota: IntArray = attrs.field(**ARRAY)


@attrs.frozen(kw_only=True)
class Totals:
    """One row for each rep, period and currency: sums of its lines, and what is on hold and owed after it."""

    rep: IntArray = attrs.field(**ARRAY)
    period: IntArray = attrs.field(**ARRAY)
    currency: NDArray[Any] = attrs.field(**ARRAY)
    earned: IntArray = attrs.field(**ARRAY)
    paid: IntArray = attrs.field(**ARRAY)
    held: IntArray = attrs.field(**ARRAY)
    balance: IntArray = attrs.field(**ARRAY)
