"""Deals in: which ones count, on which day, how much, and which deal a refund takes back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._frames import Ids, Labels, Reader
from salesops._money import EXPONENTS, BoolArray, IntArray, Rounding
from salesops.comp import _expressions_columns as exact
from salesops.comp._expressions_columns import Column
from salesops.comp._expressions_run import MISSING
from salesops.comp._periods import FIRST_DAY, day_numbers
from salesops.comp._triage import HELD, REJECTED, Triage
from salesops.comp.crediting import CreditRules
from salesops.errors import Problem, show

_RATIO_PLACES = 12
_OUTCOMES = ("won", "lost", "open")


@attrs.frozen(eq=False)
class Deals:
    """Deals by row of the table given. `source` is the row whose people are credited: a refund's own deal."""

    table: Reader
    triage: Triage
    ids: Ids
    names: Labels
    rank: IntArray
    reps: Ids
    things: Ids
    day: IntArray
    dated: bool
    source: IntArray
    amount: IntArray
    is_read: BoolArray
    currency: NDArray[Any]
    places: IntArray


def read_deals(
    data: object,
    rules: CreditRules,
    thing: str,
    faults: list[Problem],
    *,
    needs_day: bool,
    holds: bool,
    zone: str | None,
    rounding: Rounding | None,
) -> Deals:
    """Take the table of deals; whatever is wrong with a row sets that deal aside."""
    since = len(faults)
    table = Reader(data, "deals", key=("deal_id",), faults=faults)
    triage = Triage(table, holds=holds)
    ids = table.ids("deal_id")
    reps = table.ids("rep_id", optional=True)
    things = table.ids(thing, optional=True)
    refunds = table.ids("refund_of", optional=True)
    dated = needs_day or table.has("closed_on")
    days = table.dates("closed_on", optional=not needs_day, zone=zone)
    outcome = table.texts("outcome", choices=_OUTCOMES, optional=True)
    codes = table.texts("currency", optional=True)
    triage.adopt(since)
    _mark(triage, faults[since:])
    names = Labels.of(ids)
    currency = np.array([rules.currency if code is None else code for code in codes], dtype=object)
    places = _places(triage, currency)
    amount, is_read = _amounts(triage, currency, places, rounding)
    is_lost = np.array([name in ("lost", "open") for name in outcome], dtype=np.bool_)
    triage.set_aside(
        is_lost,
        REJECTED,
        "not won",
        "outcome",
        "is not won",
        value=lambda k: show(outcome[k]),
        is_fault=False,
    )
    rank = names.codes(ids)
    day = day_numbers(days, missing=FIRST_DAY)
    source = _sources(triage, ids, names, refunds)
    triage.set_aside(
        currency != currency[source],
        HELD,
        "contradictory",
        "currency",
        "a refund is in the currency of its deal",
        value=lambda k: f"{show(currency[k])}, there {show(currency[source[k]])}",
    )
    deals = Deals(
        table, triage, ids, names, rank, reps, things, day, dated, source, amount, is_read, currency, places
    )
    _set_repeats_aside(deals)
    return deals


def _mark(triage: Triage, found: list[Problem]) -> None:
    """Keep rows with a fault of their own out of later checks, where the run raises."""
    place: dict[Any, int] = {label: k for k, label in enumerate(triage.table.rows)} if found else {}
    for problem in found:
        if problem.rows and problem.path.startswith("deals."):
            triage.status[[place[label] for label in problem.rows]] = REJECTED


def _places(triage: Triage, currency: NDArray[Any]) -> IntArray:
    known = np.array([code in EXPONENTS for code in currency], dtype=np.bool_)
    hint = 'name it in the rules, as in "currency": "USD"'
    triage.set_aside(
        ~known,
        REJECTED,
        "unreadable",
        "currency",
        "neither the deal nor the rules name a currency of ISO 4217",
        value=lambda k: show(currency[k]),
        hint=hint,
    )
    return np.array([EXPONENTS.get(code, 2) for code in currency], dtype=np.int64)


def _amounts(
    triage: Triage, currency: NDArray[Any], places: IntArray, rounding: Rounding | None
) -> tuple[IntArray, BoolArray]:
    table = triage.table
    cells = table.cells("amount")
    if cells is None:
        return np.zeros(len(table), dtype=np.int64), np.zeros(len(table), dtype=np.bool_)
    amount, refused = money.parse(cells, places, rounding=rounding)
    is_read: BoolArray = np.ones(len(table), dtype=np.bool_)
    for rule in refused:
        rows = np.zeros(len(table), dtype=np.bool_)
        rows[rule.positions] = True
        is_read[rule.positions] = False
        triage.set_aside(
            rows,
            REJECTED,
            "unreadable",
            "amount",
            rule.message,
            value=lambda k: f"{show(cells.iloc[k])} {currency[k] or ''}".rstrip(),
            hint=rule.hint,
        )
    return amount, is_read


def _sources(triage: Triage, ids: Ids, names: Labels, refunds: Ids) -> IntArray:
    """Find the row of the deal that each refund takes back; others stand for themselves."""
    n = len(ids)
    first = np.full(len(names), -1, dtype=np.int64)
    rank = names.codes(ids)
    known = np.flatnonzero(rank >= 0)[::-1]
    first[rank[known]] = known
    is_refund = refunds.codes >= 0
    code = names.codes(refunds)
    source = np.where(is_refund, np.where(code < 0, -1, first[code] if len(names) else -1), np.arange(n))
    is_nested = (source >= 0) & is_refund & is_refund[np.maximum(source, 0)]
    triage.set_aside(
        (source < 0) | is_nested,
        HELD,
        "unknown deal",
        "refund_of",
        "names no deal of the table that is itself no refund",
        value=lambda k: show(refunds.label(k)),
        hint="pass the deal that is refunded along with its refund",
    )
    return np.where((source < 0) | is_nested, np.arange(n), source)


def _set_repeats_aside(deals: Deals) -> None:
    """Count a deal once that comes twice with the same content; twice with another is a contradiction."""
    triage = deals.triage
    rows = np.flatnonzero(deals.ids.repeated() & triage.paid())
    if not len(rows):
        return
    frame = deals.table.frame
    content = frame.iloc[rows].astype("string").fillna("")
    keys = [tuple(row) for row in content.itertuples(index=False, name=None)]
    first: dict[int, tuple[int, tuple[str, ...]]] = {}
    torn: set[int] = set()
    later: list[int] = []
    for row, key in zip(rows.tolist(), keys, strict=True):
        rank = int(deals.rank[row])
        if rank not in first:
            first[rank] = (row, key)
        elif first[rank][1] == key:
            later.append(row)
        else:
            torn.add(rank)
    mark = np.zeros(len(triage.status), dtype=np.bool_)
    mark[rows[np.isin(deals.rank[rows], sorted(torn))]] = True
    message = "one deal_id stands with different content"
    hint = "give each deal, and each refund, an id of its own"
    triage.set_aside(mark, HELD, "contradictory", "deal_id", message, hint=hint)
    mark = np.zeros(len(triage.status), dtype=np.bool_)
    mark[later] = True
    message = "repeats another row with the same content"
    triage.set_aside(mark, REJECTED, "duplicate", "deal_id", message, is_fault=False)


def column_of(deals: Deals, name: str, kind: str) -> Column:
    """Read a column that expressions name; holes hold the rows that need them."""
    table, n = deals.table, len(deals.ids)
    if name == "amount":
        return exact.numbers(deals.amount, 10**deals.places)
    if name == "closed_on":
        return Column(deals.day, _ones(n), np.where(deals.day == FIRST_DAY, MISSING, 0))
    if name == "currency":
        return Column(deals.currency, _ones(n), np.zeros(n, dtype=np.int64))
    cells = table.cells(name)
    if cells is None:
        return Column(np.zeros(n, dtype=np.int64), _ones(n), np.full(n, MISSING))
    empty = np.asarray(cells.isna(), dtype=np.bool_)
    held = np.where(empty, MISSING, 0)
    if kind == "date":
        return Column(day_numbers(table.dates(name, optional=True), missing=0), _ones(n), held)
    if kind == "text":
        return Column(table.texts(name, optional=True), _ones(n), held)
    if kind == "truth":
        return Column(table.flags(name, default=False), _ones(n), held)
    return _number_column(deals, name, kind, cells, empty)


def _ones(n: int) -> IntArray:
    return np.ones(n, dtype=np.int64)


def _number_column(deals: Deals, name: str, kind: str, cells: pd.Series[Any], empty: BoolArray) -> Column:
    places = {"money": deals.places, "count": np.zeros_like(deals.places)}.get(
        kind, np.full_like(deals.places, _RATIO_PLACES)
    )
    minor, refused = money.parse(cells, places)
    values = exact.numbers(minor, 10**places)
    wide: dict[int, Fraction] = {}
    for rule in refused:
        rows = rule.positions[~empty[rule.positions]]
        if kind == "ratio":
            found = {int(k): fraction_of(cells.iloc[k]) for k in rows}
            wide |= {k: value for k, value in found.items() if value is not None}
            rows = np.array([k for k, value in found.items() if value is None], dtype=np.int64)
        is_wrong = np.zeros(len(empty), dtype=np.bool_)
        is_wrong[rows] = True
        deals.triage.set_aside(
            is_wrong,
            REJECTED,
            "unreadable",
            name,
            "a count is a whole number"
            if kind == "count" and rule.message == money.FINE[0]
            else rule.message,
            value=lambda k: show(cells.iloc[k]),
            hint=None if kind == "count" else rule.hint,
        )
    held = np.where(empty, MISSING, 0)
    if wide:
        places_, known = np.broadcast_arrays(values.over, values.values)
        exactly = [wide.get(k, Fraction(int(known[k]), int(places_[k]))) for k in range(len(empty))]
        return exact.of_fractions(exactly, MISSING)._replace(held=held)
    return values._replace(held=held)


def fraction_of(cell: Any) -> Fraction | None:
    """Read a ratio with many digits, or as n/d."""
    if isinstance(cell, (bool, float, np.floating)) or len(str(cell)) > 64:
        return None
    try:
        return Fraction(cell)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
