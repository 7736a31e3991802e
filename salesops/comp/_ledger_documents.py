"""Entries and steps of a ledger as frozen values and documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Limits, Model, about
from salesops.errors import Problem
from salesops.models import Period

EntryType = Literal[
    "opening",
    "earned",
    "clawback",
    "held",
    "released",
    "forfeited",
    "draw advance",
    "recovery",
    "forgiven",
    "carried",
    "set off",
    "adjustment",
]
Reason = Literal["new", "changed", "cancelled"]

LIMITS = Limits(max_bytes=2**30, max_items=2_000_000, max_values=60_000_000)
"""How large a ledger may be when nothing is said: a year of a large company."""

_TYPE = (
    "What the entry is: an adjustment corrects a closed period in an open one; opening is what was owed when "
    "the ledger began"
)
_REASON = "new: the line was not in the ledger; changed: it was, with other content; cancelled: it is no more"
_OWED = "What the rep owes more (or less) by it, in minor units"
_CONTENT = "Digest of what the line says now; none if it is cancelled"
_REPLACES = "Digest of what it said in the ledger before; none if it is new"
_DIGEST = "SHA-256 of the digest before it and of the entry"


@attrs.frozen(kw_only=True)
class LedgerEntry(Model):
    """One entry of a ledger: what was posted, about which line and period, and when it was known.

    Examples
    --------
    >>> entry = LedgerEntry(
    ...     number=1,
    ...     posting=1,
    ...     type="earned",
    ...     reason="new",
    ...     rep_id="anna",
    ...     plan_id="ae",
    ...     component="commission",
    ...     rule="tier",
    ...     period="2026-09",
    ...     posted_in="2026-09",
    ...     amount=2500,
    ...     line_key="0f" * 16,
    ...     digest="ab" * 32,
    ... )
    >>> entry.adjusts is None, entry.owed
    (True, 0)
    """

    number: int = attrs.field(metadata=about("Place in the ledger, from 1", minimum=1))
    posting: int = attrs.field(metadata=about("Number of the step that posted it", minimum=1))
    type: EntryType = attrs.field(metadata=about(_TYPE))
    adjusts: EntryType | None = attrs.field(
        default=None, metadata=about("What an adjustment corrects, as what it would have been")
    )
    reason: Reason = attrs.field(metadata=about(_REASON))
    rep_id: Hashable = attrs.field(metadata=about("Whose pay it is"))
    plan_id: str = attrs.field(metadata=about("Plan that pays it"))
    component: str = attrs.field(metadata=about("Component of the plan"))
    rule: str = attrs.field(metadata=about("Rule of the line, as in the lines of a run"))
    credit_id: Hashable | None = attrs.field(
        default=None, metadata=about("Credit of the line, if it has one")
    )
    tier: int | None = attrs.field(default=None, metadata=about("Tier of the line, from 1", minimum=1))
    period: str = attrs.field(metadata=about("Period that it concerns"))
    posted_in: str = attrs.field(metadata=about("Period whose statement carries it"))
    amount: int = attrs.field(metadata=about("What it pays, in minor units of the currency"))
    owed: int = attrs.field(default=0, metadata=about(_OWED))
    currency: str | None = attrs.field(default=None, metadata=about("Currency, a code of ISO 4217"))
    line_key: str = attrs.field(metadata=about("The line by content, as in ``lines(keys=True)``"))
    content: str | None = attrs.field(default=None, metadata=about(_CONTENT))
    replaces: str | None = attrs.field(default=None, metadata=about(_REPLACES))
    digest: str = attrs.field(metadata=about(_DIGEST))

    @property
    def nature(self) -> EntryType:
        """What the entry is, or would have been in its own period."""
        return self.adjusts or self.type


@attrs.frozen(kw_only=True)
class LedgerStep(Model):
    """One step in the life of a ledger: a run was posted, or a period was closed.

    Examples
    --------
    >>> LedgerStep(number=3, action="closed", period="2026-09", entries=120, digest="ab" * 32).as_of is None
    True
    """

    number: int = attrs.field(metadata=about("Place among the steps, from 1", minimum=1))
    action: Literal["posted", "closed"] = attrs.field(metadata=about("What was done"))
    as_of: dt.date | None = attrs.field(
        default=None, metadata=about("Day on which it was known, as the caller said")
    )
    period: str | None = attrs.field(default=None, metadata=about("Period that was closed"))
    periods: tuple[Period, ...] = attrs.field(default=(), metadata=about("Periods that came in with the run"))
    input_digest: str | None = attrs.field(default=None, metadata=about("Digest of what the run was given"))
    plans_digest: str | None = attrs.field(default=None, metadata=about("Digest of the plans of the run"))
    library: str | None = attrs.field(default=None, metadata=about("Version of the library that posted"))
    entries: int = attrs.field(metadata=about("How many entries the ledger had after it", minimum=0))
    digest: str = attrs.field(
        metadata=about("SHA-256 of the digest before it and of the step, without its entries")
    )


@attrs.frozen(kw_only=True)
class LedgerDocument(Model):
    """A ledger: postings of runs, closed periods, and every entry, each proved by the digest before it."""

    schema_version: ClassVar[int | None] = 1

    steps: tuple[LedgerStep, ...] = attrs.field(
        default=(), metadata=about("What was done, in order", max_items=LIMITS.max_items)
    )
    entries: tuple[LedgerEntry, ...] = attrs.field(
        default=(), metadata=about("What was posted, in order", max_items=LIMITS.max_items)
    )
    digest: str = attrs.field(metadata=about("Digest of the whole ledger"))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        for name in ("steps", "entries"):
            for k, item in enumerate(getattr(known, name) or ()):
                if item is not None and item.number is not None and item.number != k + 1:
                    message = "entries and steps are numbered from 1 without a gap"
                    yield Problem(path=f"{name}[{k}].number", message=message, values=(str(item.number),))
                    return
