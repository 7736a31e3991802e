"""People, companies, leads and deals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import Any, Literal

import attrs

from salesops._codec import CURRENCY, Model, about
from salesops.errors import Problem, show

_LEADS_OF_A_REP = 1_000_000


@attrs.frozen(kw_only=True)
class Rep(Model):
    """A seller who owns leads and earns on deals.

    Examples
    --------
    >>> rep = Rep(rep_id="r1", capacity=40, team="North", started_on="2026-02-01")
    >>> rep.person_id, rep.started_on
    ('r1', datetime.date(2026, 2, 1))
    """

    rep_id: Hashable = attrs.field(metadata=about("Who this is in every table"))
    capacity: float = attrs.field(
        metadata=about("Workload that fits, in the unit of the leads' workload", minimum=0)
    )
    person_id: Hashable = attrs.field(
        default=None, metadata=about("The same person in the network of ties", same_as="rep_id")
    )
    team: str | None = attrs.field(default=None, metadata=about("Team, for grouping and crediting"))
    manager_id: Hashable | None = attrs.field(default=None, metadata=about("Whom the rep reports to"))
    skills: tuple[str, ...] = attrs.field(
        default=(), metadata=about("What the rep can sell or do, matched with what leads require")
    )
    languages: tuple[str, ...] = attrs.field(default=(), metadata=about("Languages spoken with customers"))
    country: str | None = attrs.field(default=None, metadata=about("Where the rep sells"))
    segment: str | None = attrs.field(default=None, metadata=about("Segment the rep serves"))
    started_on: dt.date | None = attrs.field(default=None, metadata=about("First day of employment"))
    ended_on: dt.date | None = attrs.field(
        default=None, metadata=about("First day no longer employed; None while employed")
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.started_on is not None and known.ended_on is not None and known.ended_on < known.started_on:
            yield _before("ended_on", "ended before it started", known.ended_on, known.started_on)
        if known.manager_id is not None and known.manager_id == known.rep_id:
            yield Problem(
                path="manager_id", message="nobody manages themselves", values=(show(known.rep_id),)
            )


@attrs.frozen(kw_only=True)
class Account(Model):
    """A company that buys, or might.

    Examples
    --------
    >>> Account(account_id=7, name="Acme", parent_id=3).parent_id
    3
    """

    account_id: Hashable = attrs.field(metadata=about("Which company this is in every table"))
    name: str | None = attrs.field(default=None, metadata=about("Name as people write it"))
    parent_id: Hashable | None = attrs.field(default=None, metadata=about("Account that owns this one"))
    country: str | None = attrs.field(default=None, metadata=about("Where it is served"))
    segment: str | None = attrs.field(default=None, metadata=about("Segment it belongs to"))
    industry: str | None = attrs.field(default=None, metadata=about("What it does"))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.parent_id is not None and known.parent_id == known.account_id:
            yield Problem(
                path="parent_id", message="no account owns itself", values=(show(known.account_id),)
            )


@attrs.frozen(kw_only=True)
class Person(Model):
    """Somebody in the network of ties: a contact, a prospect, a colleague.

    Examples
    --------
    >>> Person(person_id="p1", name="Ann").name
    'Ann'
    """

    person_id: Hashable = attrs.field(metadata=about("Who this is in every table"))
    name: str | None = attrs.field(default=None, metadata=about("Name as people write it"))
    title: str | None = attrs.field(default=None, metadata=about("Position held"))
    account_id: Hashable | None = attrs.field(default=None, metadata=about("Account the person works for"))
    country: str | None = attrs.field(default=None, metadata=about("Where the person is"))


@attrs.frozen(kw_only=True)
class Lead(Model):
    """A chance to sell that somebody should own.

    Examples
    --------
    >>> lead = Lead(lead_id="l1", value=1200)
    >>> lead.workload, lead.person_id
    (1.0, 'l1')
    """

    lead_id: Hashable = attrs.field(metadata=about("Which lead this is in every table"))
    value: float = attrs.field(metadata=about("Expected worth, in one unit for all leads", minimum=0))
    workload: float = attrs.field(
        default=1.0, metadata=about("Share of a rep's capacity that it takes", minimum=0)
    )
    person_id: Hashable = attrs.field(
        default=None, metadata=about("Whom to reach in the network of ties", same_as="lead_id")
    )
    account_id: Hashable | None = attrs.field(default=None, metadata=about("Account it would be sold to"))
    requires: tuple[str, ...] = attrs.field(default=(), metadata=about("Skills its owner must have"))
    segment: str | None = attrs.field(default=None, metadata=about("Segment it belongs to"))
    country: str | None = attrs.field(default=None, metadata=about("Where it is served"))


@attrs.frozen(kw_only=True)
class Opportunity(Model):
    """A deal from its creation to its close.

    Examples
    --------
    >>> deal = Opportunity(
    ...     deal_id="d1", rep_id="r1", amount="1200.00", currency="USD",
    ...     created_on="2026-01-15", closed_on="2026-03-02", outcome="won",
    ... )
    >>> deal.amount
    Decimal('1200.00')
    """

    deal_id: Hashable = attrs.field(metadata=about("Which deal this is in every table"))
    rep_id: Hashable = attrs.field(metadata=about("Who sells it"))
    account_id: Hashable | None = attrs.field(default=None, metadata=about("Who buys it"))
    amount: Decimal | None = attrs.field(
        default=None, metadata=about("Worth in the currency's major unit; None while unknown")
    )
    currency: str = attrs.field(metadata=about("Currency of the amount", form=CURRENCY))
    created_on: dt.date = attrs.field(metadata=about("Day on which it entered the pipeline"))
    closed_on: dt.date | None = attrs.field(
        default=None, metadata=about("Day on which it was won or lost; None while open")
    )
    outcome: Literal["open", "won", "lost"] = attrs.field(default="open", metadata=about("How it ended"))
    segment: str | None = attrs.field(default=None, metadata=about("Segment it belongs to"))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        created_on, closed_on, outcome = known.created_on, known.closed_on, known.outcome
        if created_on is not None and closed_on is not None and closed_on < created_on:
            yield _before("closed_on", "closed before it was created", closed_on, created_on)
        if outcome == "open" and closed_on is not None:
            yield Problem(
                path="closed_on", message="an open deal has no day of close", values=(str(closed_on),)
            )
        if outcome == "won" and known.amount is None:
            yield Problem(path="amount", message="a won deal has an amount")
        if outcome in ("won", "lost") and closed_on is None:
            yield Problem(path="closed_on", message="a deal that is won or lost has a day of close")


@attrs.frozen(kw_only=True)
class Territory(Model):
    """The leads that one rep owns.

    Examples
    --------
    >>> len(Territory(rep_id="r1", lead_ids=["l1", "l2"]).lead_ids)
    2
    """

    rep_id: Hashable = attrs.field(metadata=about("Who owns the leads"))
    lead_ids: tuple[Hashable, ...] = attrs.field(
        metadata=about("The leads, each once", max_items=_LEADS_OF_A_REP)
    )
    name: str | None = attrs.field(default=None, metadata=about("Name as people write it"))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        first: dict[Hashable, int] = {}
        twice = [k for k, lead_id in enumerate(known.lead_ids or ()) if first.setdefault(lead_id, k) < k]
        if twice:
            values = [show(known.lead_ids[k]) for k in twice]
            yield Problem(
                path="lead_ids", message="a lead stands in it once", rows=tuple(twice), values=values
            )


def _before(path: str, message: str, late: dt.date, early: dt.date) -> Problem:
    return Problem(path=path, message=message, values=(late.isoformat(), early.isoformat()))
