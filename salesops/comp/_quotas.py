"""Quotas: from a table with days to one amount for each rep, period and measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._faults import closest
from salesops._frames import Labels, Reader, check_known, check_same_type
from salesops._money import EXPONENTS, BoolArray, IntArray, Rounding
from salesops.comp._metrics import DECIMALS, UNIT
from salesops.comp._periods import FIRST_DAY, Terms, day_text, overlap, overlapping, read_spans, span_text
from salesops.errors import Problem, show

Prorate = Literal["none", "days", "working_days", "months"]


@attrs.frozen(eq=False)
class Quotas:
    """Quotas in minor units by sorted key of rep, period and slot (a measure and a currency).

    `since` says on which day a rep's first quota begins, `strange` which quota of hers is of a measure that
    no credit has.
    """

    keys: IntArray
    amounts: IntArray
    since: Mapping[int, str]
    strange: Mapping[int, str]
    n_periods: int
    n_measures: int
    currencies: Sequence[str | None]

    def find(self, rep: IntArray, period: IntArray, measure: int, currency: str | None) -> IntArray:
        """Find quotas for a measure, else for all measures (-1); 0 where there is none."""
        exact = self._find(rep, period, measure, currency)
        return np.where(exact == 0, self._find(rep, period, -1, currency), exact) if measure >= 0 else exact

    def _find(self, rep: IntArray, period: IntArray, measure: int, currency: str | None) -> IntArray:
        if not len(self.keys) or currency not in self.currencies:
            return np.zeros(len(rep), dtype=np.int64)
        key = self.key(rep, period, self.slot(measure, self.currencies.index(currency)))
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where(self.keys[place] == key, self.amounts[place], 0)

    def slot(self, measure: Any, currency: Any) -> Any:
        """Give the number of a measure (-1 for all) in a currency."""
        return (measure + 1) * len(self.currencies) + currency

    def key(self, rep: IntArray, period: IntArray, slot: Any) -> IntArray:
        """Give the number of a slot of a rep in a period."""
        n_slots = (self.n_measures + 1) * max(len(self.currencies), 1)
        return np.asarray((rep * self.n_periods + period) * n_slots + slot, dtype=np.int64)


@attrs.frozen(kw_only=True)
class QuotaTerms:
    """What the rows of quotas refer to."""

    terms: Terms
    reps: Labels
    reps_known_as: str | None
    measures: Sequence[str]
    currencies: Sequence[str | None]
    prorate: Prorate
    rounding: Rounding | None
    employed: tuple[IntArray, IntArray] | None
    first_day: Literal["counts", "free"]


def read_quotas(
    frame: pd.DataFrame | None, given: QuotaTerms, faults: list[Problem], *, name: str = "quotas"
) -> Quotas:
    """Take the table of quotas, or another one of the same columns."""
    nothing = np.empty(0, dtype=np.int64)
    book = Quotas(nothing, nothing, {}, {}, len(given.terms), len(given.measures), given.currencies)
    if frame is None:
        return book
    table = Reader(frame, name, key=("rep_id",), faults=faults)
    rep, measure = _owners(table, given)
    start, end = read_spans(table)
    amount, currency = _amounts(table, given)
    per_year = table.texts("per", choices=("period", "year"), default="period") == "year"
    factor = _factors(table)
    slot = book.slot(measure, currency)
    is_known = (rep >= 0) & (measure >= -1) & (currency >= 0)
    owner = np.where(is_known, book.key(rep, np.zeros_like(rep), slot), -1)
    partner = dict(pair for a, b in overlapping(owner, start, end) for pair in ((a, b), (b, a)))
    table.fault(
        "start",
        sorted(partner),
        "a rep has one quota at a time",
        value=lambda k: (
            f"{_said(table, k)} {span_text(start, end, k)}, overlaps {_said(table, partner[k])} "
            f"{span_text(start, end, partner[k])} (row {show(table.rows[partner[k]])})"
        ),
        hint="end is the day after the last",
    )
    rows = np.flatnonzero(is_known & (amount > 0) & (start < end))
    if given.employed is not None and given.prorate != "none":
        start = np.maximum(start, given.employed[0][rep])
        end = np.minimum(end, given.employed[1][rep])
        rows = rows[start[rows] < end[rows]]
    row, period, days = _spread(table, given, rows, start, end)
    keys = book.key(rep[row], period, slot[row])
    share = _shares(given.terms, amount[row], per_year[row], period)
    if given.prorate == "none":
        effective = money.mul_div(share, factor[row], UNIT)
        if not partner:
            _check_one_each(table, given.terms, keys, row, period)
    else:
        whole = overlap(given.prorate, given.terms.starts, given.terms.ends)[period]
        effective = money.mul_div(money.multiply(share, days), factor[row], np.maximum(whole, 1) * UNIT)
    distinct, group = np.unique(keys, return_inverse=True)
    sums = money.group_sums(effective, group.reshape(-1).astype(np.int64), len(distinct))
    return attrs.evolve(
        book,
        keys=distinct,
        amounts=sums,
        since=_since(rep, start),
        strange=_strange(table, given, rep, measure),
    )


def _owners(table: Reader, given: QuotaTerms) -> tuple[IntArray, IntArray]:
    """Find rep and measure of each row: -1 is a rep unknown to the run; measure -1 is all, -2 is unknown."""
    ids = table.ids("rep_id")
    if given.reps_known_as:
        check_known(table.faults, f"{table.name}.rep_id", ids, given.reps, given.reps_known_as, table.rows)
    else:
        check_same_type(table.faults, f"{table.name}.rep_id", ids, given.reps, "credits", table.rows)
    place: dict[Any, int] = {None: -1} | {name: k for k, name in enumerate(given.measures)}
    named = table.texts("measure", optional=True)
    return given.reps.codes(ids), np.array([place.get(name, -2) for name in named], dtype=np.int64)


def _amounts(table: Reader, given: QuotaTerms) -> tuple[IntArray, IntArray]:
    """Read amounts and the position of their currency; a single currency of the plans need not be said."""
    place = {code: k for k, code in enumerate(given.currencies)}
    currency = np.zeros(len(table), dtype=np.int64)
    if table.has("currency"):
        named = table.texts("currency", choices=[code for code in place if code])
        currency = np.array([place.get(code, -1) for code in named], dtype=np.int64)
    elif len(place) > 1:
        message = "plans in several currencies need quotas that state theirs"
        values = tuple(str(code) for code in place)
        table.faults.append(Problem(path=f"{table.name}.currency", message=message, values=values))
    cells = table.cells("amount")
    if cells is None:
        return np.zeros(len(table), dtype=np.int64), currency
    decimals = np.array([*(EXPONENTS.get(code or "", 2) for code in place), 2], dtype=np.int64)
    amount, refused = money.parse(cells, decimals[currency], rounding=given.rounding)
    unread: BoolArray = np.zeros(len(table), dtype=np.bool_)
    for rule in refused:
        table.fault("amount", rule.positions, rule.message, hint=rule.hint)
        unread[rule.positions] = True
    hint = "leave the row out if the rep has no quota"
    table.fault("amount", (amount <= 0) & ~unread, "a quota is more than 0", hint=hint)
    return amount, currency


def _spread(
    table: Reader, given: QuotaTerms, rows: IntArray, start: IntArray, end: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Spread rows over the periods they touch: row, period, and how many days they have in common."""
    terms = given.terms
    if given.prorate != "none" and not terms.dated:
        message = "prorating by days needs periods with a start and an end"
        table.faults.append(
            Problem(path="prorate", message=message, values=(repr(given.prorate),), hint="pass periods=")
        )
    first = np.searchsorted(terms.ends, start[rows], side="right")
    last = np.searchsorted(terms.starts, end[rows], side="left")
    n = np.maximum(last - first, 0)
    row = np.repeat(rows, n)
    period = np.arange(len(row)) + np.repeat(first - np.cumsum(n) + n, n)
    low, high = np.maximum(terms.starts[period], start[row]), np.minimum(terms.ends[period], end[row])
    low = low + ((low == start[row]) & (start[row] > FIRST_DAY) & (given.first_day == "free"))
    return row, period, overlap(given.prorate, low, high)


def _factors(table: Reader) -> IntArray:
    """Read what quotas are multiplied by, such as a ramp, in millionths."""
    if not table.has("factor"):
        return np.full(len(table), UNIT)
    cells = table.cells("factor")
    factor, refused = money.parse(cells if cells is not None else [], DECIMALS)
    unread = np.zeros(len(table), dtype=np.bool_)
    for rule in refused:
        unread[rule.positions] = True
        table.fault("factor", rule.positions, rule.message.replace("an amount", "a factor"), hint=rule.hint)
    table.fault("factor", (factor <= 0) & ~unread, "a factor is more than 0", hint="1 changes nothing")
    return factor


def _shares(terms: Terms, amount: IntArray, per_year: BoolArray, period: IntArray) -> IntArray:
    """Spread amounts of a year evenly over its periods, so that they add up to the year."""
    n, k = terms.per_year[period], terms.place[period]
    upto, before = money.mul_div(amount, k + 1, n), money.mul_div(amount, k, n)
    return np.where(per_year, upto - before, amount)


def _check_one_each(table: Reader, terms: Terms, keys: IntArray, row: IntArray, period: IntArray) -> None:
    """Refuse two quotas of one rep in one period."""
    _, group, tally = np.unique(keys, return_inverse=True, return_counts=True)
    twice = np.flatnonzero(tally[group.reshape(-1)] > 1)
    named = {int(row[k]): terms.names[int(period[k])] for k in twice}
    table.fault(
        "amount",
        sorted(named),
        "two quotas of one rep fall into one period",
        value=lambda k: f"{_said(table, k)} in {named[k]}",
        hint="let quotas change where periods do, or pass prorate='days'",
    )


def _said(table: Reader, k: int) -> str:
    """Show the amount of a row as it was written."""
    return show(table.frame["amount"].iloc[k]) if "amount" in table.frame.columns else "a quota"


def _strange(table: Reader, given: QuotaTerms, rep: IntArray, measure: IntArray) -> dict[int, str]:
    """Describe quotas of measures that no credit has, by rep; the first of each."""
    found: dict[int, str] = {}
    for k in np.flatnonzero((measure == -2) & (rep >= 0)).tolist():
        name = table.frame["measure"].iloc[k]
        near = closest(name, given.measures)
        meant = f" (did you mean {near[0]}?)" if near else ""
        row = f"row {show(table.rows[k])} of {table.name}"
        found.setdefault(int(rep[k]), f"{row} is of measure {show(name)}, which no credit has{meant}")
    return found


def _since(rep: IntArray, start: IntArray) -> dict[int, str]:
    first: dict[int, int] = {}
    for code, day in zip(rep.tolist(), start.tolist(), strict=True):
        first[code] = min(day, first.get(code, day))
    return {code: day_text(day) for code, day in first.items() if day > FIRST_DAY}
