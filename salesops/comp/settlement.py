"""From earned to paid: floors, guarantees, draws, holds and clawbacks, as frozen values and documents."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Model, about
from salesops.comp.bonuses import PRORATE, Prorated
from salesops.comp.components import NAME, NAMED
from salesops.comp.conditions import OF
from salesops.errors import Problem

__all__ = ["Clawback", "Draw", "Floor", "Guarantee", "Hold"]

_FLOOR_PER = (
    "What earns the least: a period with credits that the components count, as a contest does whoever wins "
    "and a component paid by a figure does not; or a deal whose credits add up to more than 0"
)
_ADVANCE = (
    "When the draw is paid: at the end of the period, as far as it is more than what was earned (top_up), or "
    "in whole at its start, and settled at its end (upfront); what is paid in all is the same"
)
_RECOVERY_START = (
    "Number of the rep's period in which repayment begins; what was advanced before only adds up"
)
_RECOVERY_RATE = "Share of what exceeds the draw that repays the debt"
_CARRY = "Whether a debt lasts until it is repaid, or lapses at the end of the year"
_LAPSE = "Number of the rep's period after which a debt that is left is forgiven; none never"
_ORDER = (
    "after_clawback: clawbacks lower what the draw is settled on, so that it covers them; before_clawback: "
    "the draw is settled first and clawbacks are taken off what is then paid"
)
_LIMIT = "The most that may be owed; beyond it nothing is advanced"
_PRORATION = (
    "none: the whole share; days or months: the part of the term that was not served, in days or whole months"
)
_TERM = "Length of the term, in days or months as `prorate` says"
_WINDOW = "Only events so many days after the credit was earned, or fewer, count; none always"
_TAKES = (
    "earned takes the share of all that the credit earned; paid only of what was paid, so that pay still on "
    "hold is forfeited first"
)
_MATCH = (
    "Which credits of a deal an event that names an amount takes first: the oldest (fifo) or the newest "
    "(lifo)"
)


@attrs.frozen(kw_only=True)
class Floor(Model):
    """A least that is earned wherever something was sold.

    Components that pay by credits count them: commissions, overrides (those of the team), bonuses on amount
    or attainment, SPIFFs in their days, and contests, whoever wins. What is paid by a figure of the table
    metrics, or is fixed, counts none, and a floor for it alone adds nothing; a guarantee does.

    Examples
    --------
    >>> Floor(amount="25.00", per="deal").name
    'floor'
    """

    kind: ClassVar[str] = "floor"

    name: str = attrs.field(default="floor", metadata=about(NAME, form=NAMED))
    of: tuple[str, ...] = attrs.field(default=(), metadata=about(OF))
    amount: Decimal = attrs.field(metadata=about("The least, in major units of the currency", above=0))
    per: Literal["period", "deal"] = attrs.field(default="period", metadata=about(_FLOOR_PER))


@attrs.frozen(kw_only=True)
class Guarantee(Model):
    """A least for each period in which the rep has the plan, whatever was sold; nothing is paid back later.

    Examples
    --------
    >>> Guarantee(amounts=["3000.00", "2500.00"], then="stops").amounts[1]
    Decimal('2500.00')
    """

    kind: ClassVar[str] = "guarantee"

    name: str = attrs.field(default="guarantee", metadata=about(NAME, form=NAMED))
    of: tuple[str, ...] = attrs.field(default=(), metadata=about(OF))
    amounts: tuple[Decimal, ...] = attrs.field(
        metadata=about("By period of the rep with the plan, in major units", min_items=1)
    )
    then: Literal["stays", "stops"] = attrs.field(
        default="stays", metadata=about("Whether the last amount holds for all later periods, or none")
    )
    prorate: Prorated = attrs.field(default="none", metadata=about(PRORATE))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        for k, amount in enumerate(known.amounts or ()):
            if amount is not None and amount < 0:
                yield Problem(path=f"amounts[{k}]", message="0 or more", values=(f"{amount:f}",))


@attrs.frozen(kw_only=True)
class Draw(Model):
    """An advance on what will be earned: pay of a period is the draw at least.

    A recoverable draw makes the difference a debt, repaid from what later periods earn above the draw.

    Examples
    --------
    >>> Draw(amount="2000.00").recoverable
    True
    """

    kind: ClassVar[str] = "draw"

    name: str = attrs.field(default="draw", metadata=about(NAME, form=NAMED))
    amount: Decimal = attrs.field(
        metadata=about("Draw of one period, in major units of the currency", minimum=0)
    )
    recoverable: bool = attrs.field(default=True, metadata=about("Whether what was advanced is owed"))
    advance: Literal["top_up", "upfront"] = attrs.field(default="top_up", metadata=about(_ADVANCE))
    periods: int | None = attrs.field(
        default=None, metadata=about("How many periods of the rep have a draw; none is all", minimum=0)
    )
    recovery_start: int = attrs.field(default=1, metadata=about(_RECOVERY_START, minimum=1))
    recovery_rate: Fraction = attrs.field(
        default=Fraction(1), metadata=about(_RECOVERY_RATE, minimum=0, maximum=1)
    )
    recovery_limit: Decimal | None = attrs.field(
        default=None, metadata=about("The most that is repaid in one period, in major units", minimum=0)
    )
    balance_limit: Decimal | None = attrs.field(default=None, metadata=about(_LIMIT, minimum=0))
    carry: Literal["always", "year"] = attrs.field(default="always", metadata=about(_CARRY))
    forgiven_after: int | None = attrs.field(default=None, metadata=about(_LAPSE, minimum=1))
    order: Literal["after_clawback", "before_clawback"] = attrs.field(
        default="after_clawback", metadata=about(_ORDER)
    )
    prorate: Prorated = attrs.field(default="none", metadata=about(PRORATE))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.recoverable is False:
            plain = {"recovery_start": 1, "recovery_rate": 1, "recovery_limit": None, "balance_limit": None}
            for name, default in {**plain, "carry": "always", "forgiven_after": None}.items():
                value = getattr(known, name)
                if value is not None and value != default:
                    hint = 'write "recoverable": true'
                    yield Problem(path=name, message="says nothing of a draw that is never repaid", hint=hint)


@attrs.frozen(kw_only=True)
class Hold(Model):
    """Keep back a share of what credits earn until something happens, or for some time.

    Examples
    --------
    >>> Hold(until="invoice paid", share="0.3").share
    Fraction(3, 10)
    """

    kind: ClassVar[str] = "hold"

    name: str = attrs.field(default="hold", metadata=about(NAME, form=NAMED))
    of: tuple[str, ...] = attrs.field(default=(), metadata=about(OF))
    share: Fraction = attrs.field(
        default=Fraction(1), metadata=about("Share that is kept back", above=0, maximum=1)
    )
    until: str | None = attrs.field(
        default=None,
        metadata=about("Kind of event (table events) on the credit or its deal that releases it"),
    )
    days: int | None = attrs.field(
        default=None, metadata=about("Days after the credit was earned at which it is released", minimum=0)
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if (known.until is None) == (known.days is None):
            hint = "name an event or a number of days"
            yield Problem(path="until", message="a hold ends in one way", hint=hint)


@attrs.frozen(kw_only=True)
class Clawback(Model):
    """Take back what a credit has earned when something happens to it, in the period of the event.

    Examples
    --------
    >>> Clawback(event="cancelled", prorate="months", term=12).share
    Fraction(1, 1)
    """

    kind: ClassVar[str] = "clawback"

    name: str = attrs.field(default="clawback", metadata=about(NAME, form=NAMED))
    of: tuple[str, ...] = attrs.field(default=(), metadata=about(OF))
    event: str = attrs.field(
        default="cancelled", metadata=about("Kind of event (table events) on a credit or its deal")
    )
    share: Fraction = attrs.field(
        default=Fraction(1), metadata=about("Share that is taken back", above=0, maximum=1)
    )
    prorate: Literal["none", "days", "months"] = attrs.field(default="none", metadata=about(_PRORATION))
    term: int | None = attrs.field(default=None, metadata=about(_TERM, minimum=1))
    window: int | None = attrs.field(default=None, metadata=about(_WINDOW, minimum=0))
    takes: Literal["earned", "paid"] = attrs.field(default="paid", metadata=about(_TAKES))
    match: Literal["fifo", "lifo"] = attrs.field(default="fifo", metadata=about(_MATCH))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.prorate is not None and (known.prorate == "none") != (known.term is None):
            hint = 'such as "prorate": "months", "term": 12'
            yield Problem(path="term", message="a proration and its term stand together", hint=hint)
