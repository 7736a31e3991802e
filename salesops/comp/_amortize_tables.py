"""Tables of capitalised commissions: contracts with the weights of their months, and payouts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._calendar import add_months
from salesops._frames import Ids, Labels, Reader, check_known
from salesops._money import EXPONENTS, BoolArray, IntArray, Rounding, Whole
from salesops.comp._amortize import FAR, Terms
from salesops.errors import Problem, show

_EXPEDIENT = 12
_LONGEST = 1_200


def month_numbers(days: NDArray[np.datetime64]) -> IntArray:
    """Count months from 1970; a missing day is far away."""
    empty = np.isnat(days)
    return np.where(empty, FAR, days.astype("datetime64[M]").astype(np.int64))


def month_text(month: int) -> str:
    """Write a month counted from 1970."""
    return str(np.datetime64(month, "M"))


def read_terms(
    book: Reader,
    ids: Ids,
    usage: pd.DataFrame | None,
    known: Labels,
    faults: list[Problem],
    *,
    expedient: bool,
    by_days: bool,
) -> Terms:
    """Lay out the months of every contract with their weights."""
    starts = book.dates("starts_on")
    ended = month_numbers(book.dates("ended_on", optional=True))
    by_use = _usage(usage, known, faults)
    is_used = np.array([int(code) in by_use for code in known.codes(ids)], dtype=np.bool_)
    months = book.numbers("benefit_months", minimum=1, maximum=_LONGEST) if len(book) else np.empty(0)
    whole = np.nan_to_num(months, nan=1.0)
    book.fault("benefit_months", whole != np.floor(whole), "is not a whole number of months")
    first = month_numbers(starts)
    book.fault("ended_on", (ended < first) & (first < FAR), "ends before it starts")
    counted: list[Whole] = []
    size = whole.astype(np.int64)
    for k, code in enumerate(known.codes(ids).tolist()):
        if is_used[k]:
            first[k], weights = by_use[code]
        elif by_days and first[k] < FAR:
            weights = _day_weights(starts[k].item(), int(size[k]))
        else:
            weights = np.ones(size[k], dtype=np.int64)
        counted.append(weights)
    length = np.array([len(weights) for weights in counted], dtype=np.int64)
    offset = np.cumsum(length) - length
    joined = np.concatenate(counted) if counted else np.empty(0, dtype=np.int64)
    return Terms(
        first, length, ended, offset, joined, np.asarray(expedient & (size <= _EXPEDIENT), dtype=np.bool_)
    )


def _day_weights(start: dt.date, months: int) -> IntArray:
    """Count the days of each month that lie in the benefit period."""
    end = add_months(start, months)
    edges = [start]
    while edges[-1] < end:
        edges.append(min(add_months(edges[-1].replace(day=1), 1), end))
    return np.diff([day.toordinal() for day in edges])


def _usage(
    usage: pd.DataFrame | None, known: Labels, faults: list[Problem]
) -> dict[int, tuple[int, IntArray]]:
    """Read the weights of months: first month and weights by contract, with 0 for months left out."""
    if usage is None:
        return {}
    table = Reader(usage, "usage", key=("contract_id", "period"), faults=faults)
    ids = table.ids("contract_id")
    check_known(faults, "usage.contract_id", ids, known, "contracts", table.rows)
    month = month_numbers(table.dates("period"))
    cells = table.cells("weight")
    if cells is None:
        return {}
    weight, refused = money.parse(cells, 6)
    for rule in refused:
        table.fault("weight", rule.positions, rule.message.replace("an amount", "a weight"), hint=rule.hint)
    table.fault("weight", weight < 0, "a weight is 0 or more")
    by_contract: dict[int, dict[int, int]] = {}
    codes = known.codes(ids)
    for code, at, size in zip(codes.tolist(), month.tolist(), weight.tolist(), strict=True):
        mine = by_contract.setdefault(code, {})
        mine[at] = mine.get(at, 0) + size
    empty = [code for code, mine in by_contract.items() if not any(size > 0 for size in mine.values())]
    table.fault("weight", np.isin(codes, empty), "the weights of a contract are all 0")
    long = [code for code, mine in by_contract.items() if max(mine) - min(mine) >= _LONGEST]
    table.fault("period", np.isin(codes, long), f"the months of a contract lie within {_LONGEST}")
    return {
        code: (min(mine), np.array([max(mine.get(m, 0), 0) for m in range(min(mine), max(mine) + 1)]))
        for code, mine in by_contract.items()
        if code not in long and code not in empty
    }


def read_currencies(table: Reader, currency: str | None) -> tuple[NDArray[Any], IntArray]:
    """Take the currency of each payout and its decimals."""
    codes = table.texts("currency", optional=True)
    codes = np.array([currency if code is None else code for code in codes], dtype=object)
    unknown: BoolArray = np.array([code not in EXPONENTS for code in codes], dtype=np.bool_)
    hint = "three capital letters, as in currency='USD'"
    message = "not a currency code of ISO 4217"
    table.fault("currency", unknown, message, value=lambda k: show(codes[k]), hint=hint)
    return codes, np.array([EXPONENTS.get(code, 2) for code in codes], dtype=np.int64)


def read_amounts(table: Reader, places: IntArray, rounding: Rounding | None) -> IntArray:
    """Take the amounts of payouts in minor units."""
    cells = table.cells("amount")
    if cells is None:
        return np.zeros(len(table), dtype=np.int64)
    amount, refused = money.parse(cells, places, rounding=rounding)
    for rule in refused:
        table.fault("amount", rule.positions, rule.message, hint=rule.hint)
    return amount
