"""Which part of which credit an event takes back."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import attrs
import numpy as np

from salesops import _money as money
from salesops._money import IntArray
from salesops.comp._desk import Desk, Rows
from salesops.comp.settlement import Clawback
from salesops.errors import Problem, show


class Claim(NamedTuple):
    """An event takes a credit's row from one share taken back to the next."""

    row: int
    event: int
    before: Fraction
    after: Fraction


@attrs.frozen(eq=False)
class Claims:
    """The claims of one clawback on rows of credits."""

    desk: Desk
    part: Clawback
    rows: Rows
    found: list[Claim]

    @classmethod
    def of(cls, desk: Desk, part: Clawback, rows: Rows) -> Claims:
        """Open the claims, none of them found yet."""
        return cls(desk, part, rows, [])

    def collect(self, faults: list[Problem]) -> None:
        """Match events by day; one that takes more than there is, is a fault."""
        events, rows = self.desk.events, self.rows
        by_rank = _places(self.desk.rank[rows.credit])
        by_deal = _places(rows.deal)
        refunded = np.zeros(len(rows.place), dtype=np.int64)
        taken: dict[int, Fraction] = {}
        for event in events.of_kind(self.part.event).tolist():
            rank, deal = int(events.rank[event]), int(events.deal[event])
            mine = by_rank.get(rank, []) if rank >= 0 else by_deal.get(deal, [])
            mine = [row for row in mine if rows.amount[row] > 0 and self._in_time(event, row)]
            if self.part.match == "lifo":
                mine = mine[::-1]
            self._take(event, mine, refunded, taken, faults)

    def _take(
        self,
        event: int,
        mine: list[int],
        refunded: IntArray,
        taken: dict[int, Fraction],
        faults: list[Problem],
    ) -> None:
        events, amounts = self.desk.events, self.desk.stated[self.rows.credit]
        left = int(events.amount[event])
        whole = left < 0
        for row in mine:
            size = int(amounts[row])
            part = size - int(refunded[row])
            part = part if whole else min(part, left)
            left -= part
            if part <= 0:
                continue
            refunded[row] += part
            before = taken.get(row, Fraction(0))
            taken[row] = before + Fraction(part, size) * self._served(event, row)
            self.found.append(Claim(row, event, before, taken[row]))
        if not whole and mine and left > 0:
            places = self.desk.places
            asked = int(events.amount[event])
            credit = self.desk.credit_ids.label(int(self.rows.credit[mine[0]]))
            found = (show(credit), money.format_minor(sum(int(amounts[row]) for row in mine), places))
            faults.append(
                Problem(
                    path="events.amount",
                    message="takes back more than was credited",
                    ids=(show(events.ids.label(event)),),
                    values=(money.format_minor(asked, places), *found),
                    hint="an event takes what is left of its credit or deal at most",
                )
            )

    def _in_time(self, event: int, row: int) -> bool:
        after = int(self.desk.events.day[event] - self.rows.day[row])
        return self.part.window is None or after <= self.part.window

    def _served(self, event: int, row: int) -> Fraction:
        """Give the part of the term that was not served."""
        if self.part.prorate == "none" or self.part.term is None:
            return Fraction(1)
        start, end = self.rows.day[[row]], self.desk.events.day[[event]]
        gone = int((end - start)[0]) if self.part.prorate == "days" else int(whole_months_each(start, end)[0])
        return Fraction(max(self.part.term - max(gone, 0), 0), self.part.term)


def whole_months_each(start: IntArray, end: IntArray) -> IntArray:
    """Count the whole months from days to days: from the 15th to the 15th is one."""
    days = [np.asarray(day).astype("datetime64[D]") for day in (start, end)]
    months = [day.astype("datetime64[M]") for day in days]
    into = [(day - month).astype(np.int64) for day, month in zip(days, months, strict=True)]
    return np.asarray((months[1] - months[0]).astype(np.int64) - (into[1] < into[0]), dtype=np.int64)


def _places(keys: IntArray) -> dict[int, list[int]]:
    """List the rows of each key, oldest first; rows stand in order of rep, day and credit."""
    found: dict[int, list[int]] = {}
    for row, key in enumerate(keys.tolist()):
        found.setdefault(key, []).append(row)
    return found
