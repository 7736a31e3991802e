"""What a router has counted, as a value: with one lead more, nearly all of it is shared."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from salesops.territory.decision import Decision

_BITS = 6
_SHELVES = 1 << _BITS
_MASK = _SHELVES - 1


class Entry(NamedTuple):
    """A lead that is counted: when, where it went, and what it was."""

    place: int
    decision: Decision
    use: tuple[float, ...]
    content: Mapping[str, Any] | None


_Shelf = tuple[dict[Hashable, Entry], ...]


@attrs.frozen(eq=False)
class Ledger:
    """The leads that are counted, by id: 64 shelves of 64 boxes, by the hash of the id.

    A ledger with one entry more copies one box and one shelf, and touches nothing else: what stands in the
    processor's caches for the next request stays there.
    """

    shelves: tuple[_Shelf, ...] = (({},) * _SHELVES,) * _SHELVES

    def get(self, key: Hashable) -> Entry | None:
        """Find the entry of a lead, if it is counted."""
        place = hash(key)
        return self.shelves[place & _MASK][place >> _BITS & _MASK].get(key)

    def including(self, key: Hashable, entry: Entry) -> Ledger:
        """Count one lead more."""
        place = hash(key)
        outer, inner = place & _MASK, place >> _BITS & _MASK
        shelves, shelf = list(self.shelves), list(self.shelves[outer])
        shelf[inner] = {**shelf[inner], key: entry}
        shelves[outer] = tuple(shelf)
        return Ledger(tuple(shelves))

    def __iter__(self) -> Iterator[Entry]:
        """Go through the entries in the order in which they were counted."""
        entries = (entry for shelf in self.shelves for box in shelf for entry in box.values())
        return iter(sorted(entries, key=_place))


def _place(entry: Entry) -> int:
    return entry.place
