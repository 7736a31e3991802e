"""Exchange rates: a table with days, looked up by pair and day, never guessed."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._frames import Reader
from salesops._money import EXPONENTS, BoolArray, IntArray, Rounding, Whole
from salesops.comp._periods import Terms, day_numbers
from salesops.comp.plan import CompPlan
from salesops.errors import Problem

DECIMALS = 12
_MARK = 2**23


@attrs.frozen(eq=False)
class Rates:
    """Rates times 10**12 by sorted key of pair and day."""

    pairs: tuple[tuple[str, str], ...]
    keys: IntArray
    rates: IntArray

    def find(self, base: str, quote: str, day: IntArray, max_age: int) -> tuple[IntArray, BoolArray]:
        """Find the rate of each day, or the last one that is at most so many days older."""
        if (base, quote) not in self.pairs or not len(self.keys):
            return np.zeros(len(day), dtype=np.int64), np.zeros(len(day), dtype=np.bool_)
        mark = self.pairs.index((base, quote)) * _MARK + day
        place = np.searchsorted(self.keys, mark, side="right") - 1
        held = np.maximum(place, 0)
        known = (
            (place >= 0) & (self.keys[held] + max_age >= mark) & (self.keys[held] // _MARK == mark // _MARK)
        )
        return np.where(known, self.rates[held], 0), known


def read_rates(frame: pd.DataFrame | None, faults: list[Problem]) -> Rates:
    """Take the table ``base, quote, rated_on, rate``: one unit of base is `rate` units of quote."""
    nothing = np.empty(0, dtype=np.int64)
    if frame is None:
        return Rates((), nothing, nothing)
    table = Reader(frame, "fx", key=("base", "quote", "rated_on"), faults=faults)
    base = table.texts("base", choices=list(EXPONENTS))
    quote = table.texts("quote", choices=list(EXPONENTS))
    day = day_numbers(table.dates("rated_on"), missing=0)
    cells = table.cells("rate")
    if cells is None:
        return Rates((), nothing, nothing)
    rate, refused = money.parse(cells, DECIMALS)
    unread = np.zeros(len(table), dtype=np.bool_)
    for rule in refused:
        unread[rule.positions] = True
        message = rule.message.replace("an amount", "a rate").replace("than its currency", "than twelve")
        table.fault("rate", rule.positions, message.replace("10**18 minor units", "a million"))
    hint = "leave the row out if there is no rate"
    table.fault("rate", (rate <= 0) & ~unread, "an exchange rate is more than 0", hint=hint)
    itself = np.array([str(a) == str(b) for a, b in zip(base, quote, strict=True)], dtype=np.bool_)
    message = "a currency is worth 1 in itself"
    table.fault("rate", itself & ~unread & (rate != 10**DECIMALS), message, hint="leave the row out")
    pairs = tuple(sorted({(str(a), str(b)) for a, b in zip(base, quote, strict=True)}))
    place = {pair: k for k, pair in enumerate(pairs)}
    code = np.array([place[str(a), str(b)] for a, b in zip(base, quote, strict=True)], dtype=np.int64)
    key = code * _MARK + day
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    again = np.union1d(order[1:][same], order[:-1][same])
    table.fault("rate", again, "two rates of one pair on one day", hint="keep one row for each pair and day")
    return Rates(pairs, key[order], rate[order])


def convert(amount: IntArray, rate: IntArray, base: str, quote: str, rounding: Rounding) -> IntArray:
    """Convert minor units, rounded once."""
    up: Whole = money.multiply(amount, rate)
    return money.mul_div(up, 10 ** EXPONENTS[quote], 10 ** (DECIMALS + EXPONENTS[base]), rounding)


def converted(
    plan: CompPlan,
    into: str | None,
    rows: IntArray,
    terms: Terms,
    fx: Rates,
    amount: IntArray,
    whole: IntArray,
    currency: NDArray[Any],
    day: IntArray,
    period: IntArray,
    paid_on: IntArray | None,
) -> tuple[IntArray, IntArray, BoolArray]:
    """Give credits and their whole deals in another currency, and which of them have a rate."""
    own, deal, known = amount[rows].copy(), whole[rows].copy(), np.ones(len(rows), dtype=np.bool_)
    codes, names = pd.factorize(currency[rows])
    if into is None or (len(names) == 1 and names[0] == into):
        return own, deal, known
    dates = rate_days(plan, terms, day, period, paid_on)[rows]
    for k, base in enumerate(names):
        if base == into or base not in EXPONENTS:
            continue
        mine = np.flatnonzero(codes == k)
        rate, found = fx.find(base, into, dates[mine], plan.fx_max_age)
        known[mine] = found
        own[mine] = convert(own[mine], rate, base, into, plan.rounding)
        deal[mine] = convert(deal[mine], rate, base, into, plan.rounding)
    return own, deal, known


def rate_days(
    plan: CompPlan, terms: Terms, day: IntArray, period: IntArray, paid_on: IntArray | None
) -> IntArray:
    """Give the day whose exchange rate converts each credit."""
    if plan.fx_date == "paid_on":
        return day if paid_on is None else paid_on
    if plan.fx_date == "earned_on" or not terms.dated:
        return day
    first, after = terms.starts[period], terms.ends[period]
    return np.asarray(first if plan.fx_date == "period_start" else after - 1, dtype=np.int64)
