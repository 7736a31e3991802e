"""Month by month: what of each payout is expensed, amortised or impaired, in whole minor units."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from salesops import _money as money
from salesops._money import BoolArray, IntArray, Rounding, Whole

Spread = Literal["cumulative", "largest_remainder", "last_month"]

FAR = 2**40
"""Month of a contract that has not ended."""


class Terms(NamedTuple):
    """Contracts: first month, number of months, month of the end, first row of weights, and the expedient."""

    first: IntArray
    months: IntArray
    ended: IntArray
    offset: IntArray
    weight: Whole
    at_once: BoolArray


class Movements(NamedTuple):
    """What happens to a payout in a month, in minor units."""

    payout: IntArray
    month: IntArray
    earned: IntArray
    paid: IntArray
    expensed: IntArray
    amortised: IntArray
    impaired: IntArray


def movements(
    amount: IntArray,
    contract: IntArray,
    earned_month: IntArray,
    paid_month: IntArray,
    terms: Terms,
    spread: Spread,
    rounding: Rounding,
) -> Movements:
    """Spread payouts over the months of their contracts.

    What is earned after the first month is caught up in the month in which it is; what is left in the month
    in which a contract ends is impaired; what is earned from then on, or under the expedient, is expensed at
    once. What is not paid yet stands in month FAR and is no movement.
    """
    n = len(amount)
    ended = terms.ended[contract]
    at_once = terms.at_once[contract] | (earned_month >= ended)
    every = np.arange(n)
    earned = _block(every, earned_month, earned=amount, expensed=np.where(at_once, amount, 0))
    is_paid = np.flatnonzero(paid_month < FAR)
    settled = _block(is_paid, paid_month[is_paid], paid=amount[is_paid])
    rows = np.flatnonzero(~at_once)
    count = terms.months[contract[rows]]
    payout = np.repeat(rows, count)
    step = np.arange(len(payout)) - np.repeat(np.cumsum(count) - count, count)
    month = terms.first[contract[payout]] + step
    due = _spread(amount, contract, rows, count, payout, step, terms, spread, rounding)
    is_over = month >= ended[payout]
    left = money.group_sums(np.where(is_over, due, 0), payout, n)
    late = np.maximum(month, earned_month[payout])
    kept = np.flatnonzero(~is_over & (due != 0))
    amortised = _block(payout[kept], late[kept], amortised=due[kept])
    gone = np.flatnonzero(left)
    impaired = _block(gone, ended[gone], impaired=left[gone])
    return Movements(
        *(np.concatenate(parts) for parts in zip(earned, settled, amortised, impaired, strict=True))
    )


def _block(payout: IntArray, month: IntArray, **columns: IntArray) -> Movements:
    nothing = np.zeros(len(payout), dtype=np.int64)
    whole = dict.fromkeys(("earned", "paid", "expensed", "amortised", "impaired"), nothing) | columns
    return Movements(payout=payout, month=month, **whole)


def _spread(
    amount: IntArray,
    contract: IntArray,
    rows: IntArray,
    count: IntArray,
    payout: IntArray,
    step: IntArray,
    terms: Terms,
    spread: Spread,
    rounding: Rounding,
) -> IntArray:
    """Cut each payout into its months; the cuts add up to it."""
    if not len(rows):
        return np.empty(0, dtype=np.int64)
    weight = terms.weight[terms.offset[contract[payout]] + step]
    owner = np.repeat(np.arange(len(rows)), count)
    if spread == "largest_remainder":
        return money.split_many(amount[rows], weight, owner)
    first = step == 0
    is_last = step == count[owner] - 1
    to_date = money.cumulative(np.asarray(weight), first)
    whole = to_date[is_last][owner]
    if spread == "last_month":
        part = money.mul_div(amount[payout], weight, whole, rounding)
        others = money.group_sums(np.where(is_last, 0, part), owner, len(rows))
        return np.where(is_last, amount[payout] - others[owner], part)
    reached = money.mul_div(amount[payout], to_date, whole, rounding)
    before = np.where(first, 0, np.roll(reached, 1))
    return money.narrow(money.add(reached, -before))
