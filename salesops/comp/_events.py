"""Events on credits and deals: paid invoices, cancellations, refunds."""

from __future__ import annotations

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._frames import Ids, Labels, Reader
from salesops._money import IntArray
from salesops.comp._periods import LAST_DAY, day_numbers
from salesops.errors import Problem, show


@attrs.frozen(eq=False)
class Events:
    """Events by day: `rank` is the credit or -1, `deal` the deal or -1, `amount` minor units or -1.

    `is_repeat` marks an event that came before with the same content and counts no more.
    """

    ids: Ids
    kinds: NDArray[np.object_]
    day: IntArray
    rank: IntArray
    deal: IntArray
    amount: IntArray
    is_repeat: NDArray[np.bool_]
    table: Reader | None

    def of_kind(self, kind: str) -> IntArray:
        """Find the events of a kind that count, by day and id."""
        rows = np.flatnonzero((self.kinds == kind) & ~self.is_repeat)
        return rows[np.lexsort((self.ids.codes[rows], self.day[rows]))]

    def first_day(self, kind: str, rank: IntArray, deal: IntArray) -> IntArray:
        """Find the day of the first event of a kind on each credit or its deal; LAST_DAY if none."""
        first = np.full(len(rank), LAST_DAY)
        rows = self.of_kind(kind)
        for key, own in ((self.rank, rank), (self.deal, deal)):
            mine = rows[key[rows] >= 0]
            if not len(mine) or not len(own):
                continue
            days = np.full(int(max(key[mine].max(), own.max())) + 1, LAST_DAY)
            np.minimum.at(days, key[mine], self.day[mine])
            first = np.minimum(first, np.where(own >= 0, days[np.maximum(own, 0)], LAST_DAY))
        return first


def no_events() -> Events:
    """Give the events of a run that was given none."""
    none = np.empty(0, dtype=np.int64)
    empty = np.empty(0, dtype=object)
    return Events(Ids(none, empty), empty, none, none, none, none, np.empty(0, dtype=np.bool_), None)


def read_events(
    frame: pd.DataFrame,
    credits: Labels,
    deals: Labels,
    places: IntArray,
    faults: list[Problem],
    *,
    zone: str | None,
) -> Events:
    """Take the table ``event_id, kind, happened_on`` with ``credit_id`` or ``deal_id``, perhaps ``amount``.

    `places` are the decimals of each credit's currency, by rank.
    """
    table = Reader(frame, "events", key=("event_id",), faults=faults)
    ids = table.ids("event_id")
    kinds = table.texts("kind")
    day = day_numbers(table.dates("happened_on", zone=zone), missing=LAST_DAY)
    credit, deal = table.ids("credit_id", optional=True), table.ids("deal_id", optional=True)
    rank = credits.codes(credit) if len(credits) else np.full(len(table), -1)
    deal_code = deals.codes(deal) if len(deals) else np.full(len(table), -1)
    hint = "name the credit or the deal to which it happened"
    neither = (credit.codes < 0) == (deal.codes < 0)
    table.fault("credit_id", neither, "an event happens to one credit or one deal", hint=hint)
    for ids_of, code, column in ((credit, rank, "credit_id"), (deal, deal_code, "deal_id")):
        table.fault(column, (ids_of.codes >= 0) & (code < 0), "is in no row of the credits")
    amount = _amounts(table, rank, places)
    repeat = _repeats(table, ids, [pd.factorize(kinds)[0], day, rank, deal_code, amount])
    return Events(ids, kinds, day, rank, deal_code, amount, repeat, table)


def _amounts(table: Reader, rank: IntArray, places: IntArray) -> IntArray:
    """Read what was refunded or paid, if the table says so; -1 is the whole."""
    amount = np.full(len(table), -1, dtype=np.int64)
    if not table.has("amount"):
        return amount
    cells = table.cells("amount")
    decimals = np.where(rank >= 0, places[np.maximum(rank, 0)] if len(places) else 2, 2)
    read, refused = money.parse(cells if cells is not None else [], decimals)
    unread = np.zeros(len(table), dtype=np.bool_)
    for rule in refused:
        unread[rule.positions] = True
        if rule.message != money.MISSING_RULE:
            table.fault("amount", rule.positions, rule.message, hint=rule.hint)
    table.fault("amount", ~unread & (read <= 0), "an event's amount is more than 0")
    return np.where(unread, -1, read)


def _repeats(table: Reader, ids: Ids, content: list[IntArray]) -> NDArray[np.bool_]:
    """Mark later rows of an event that came before; the same id with other content is a fault."""
    repeat = np.zeros(len(table), dtype=np.bool_)
    first: dict[int, int] = {}
    torn = set()
    for row, code in enumerate(ids.codes.tolist()):
        before = first.setdefault(code, row)
        if code < 0 or before == row:
            continue
        repeat[row] = True
        if any(column[row] != column[before] for column in content):
            torn |= {before, row}
    message = "one event_id stands with different content"
    value = [show(ids.label(row)) for row in range(len(table))] if torn else []
    table.fault(
        "event_id", sorted(torn), message, value=lambda k: value[k], hint="give each an id of its own"
    )
    return repeat
