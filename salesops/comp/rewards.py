"""Fixed amounts: SPIFFs, contests and fixed pay, as frozen values and documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Model, about
from salesops.comp.bonuses import PRORATE, Prorated
from salesops.comp.components import MEASURE, NAME, NAMED, WHERE, Match
from salesops.errors import Problem

__all__ = ["Contest", "FixedPay", "Spiff"]

_PER = (
    "unit: each 1.00 of the measure earns the amount; credit: each credit; deal: each deal whose credits add "
    "up to more than 0"
)
_TIES = (
    "What reps with equal results get: the mean of the prizes of the places they share (share), the best of "
    "these prizes each (best), or the prizes in the order of their rep_id (order)"
)


@attrs.frozen(kw_only=True)
class Spiff(Model):
    """Pay a fixed amount for each unit, credit or deal, perhaps only in some days.

    A refund takes the amount back: a negative credit is the mirror of a positive one.

    Examples
    --------
    >>> Spiff(amount="1000.00", per="unit", measure="units").per
    'unit'
    """

    kind: ClassVar[str] = "spiff"

    name: str = attrs.field(default="spiff", metadata=about(NAME, form=NAMED))
    measure: str | None = attrs.field(default=None, metadata=about(MEASURE))
    where: tuple[Match, ...] = attrs.field(default=(), metadata=about(WHERE))
    amount: Decimal = attrs.field(
        metadata=about("What each one earns, in major units of the currency", above=0)
    )
    per: Literal["unit", "credit", "deal"] = attrs.field(default="credit", metadata=about(_PER))
    start: dt.date | None = attrs.field(default=None, metadata=about("First day of credits that count"))
    end: dt.date | None = attrs.field(default=None, metadata=about("First day of credits that count no more"))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.start is not None and known.end is not None and known.end <= known.start:
            found = (f"{known.start} to {known.end}",)
            yield Problem(path="end", message="ends on or before its start", values=found)


@attrs.frozen(kw_only=True)
class Contest(Model):
    """Pay prizes to the reps of the plan with the highest credited amounts of each period.

    Examples
    --------
    >>> Contest(prizes=["3000.00", "1000.00"]).ties
    'share'
    """

    kind: ClassVar[str] = "contest"

    name: str = attrs.field(default="contest", metadata=about(NAME, form=NAMED))
    measure: str | None = attrs.field(default=None, metadata=about(MEASURE))
    where: tuple[Match, ...] = attrs.field(default=(), metadata=about(WHERE))
    prizes: tuple[Decimal, ...] = attrs.field(metadata=about("By place, the first place first", min_items=1))
    at_least: Decimal = attrs.field(
        default=Decimal(0),
        metadata=about("Credited amount that qualifies, besides being more than 0", minimum=0),
    )
    ties: Literal["share", "best", "order"] = attrs.field(default="share", metadata=about(_TIES))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        for k, prize in enumerate(known.prizes or ()):
            if prize is not None and prize < 0:
                yield Problem(path=f"prizes[{k}]", message="a prize is 0 or more", values=(f"{prize:f}",))


@attrs.frozen(kw_only=True)
class FixedPay(Model):
    """Pay an amount for each period in which the rep has the plan: salary, allowance.

    Examples
    --------
    >>> FixedPay(name="salary", amount="4500.00").prorate
    'none'
    """

    kind: ClassVar[str] = "fixed"

    name: str = attrs.field(default="fixed", metadata=about(NAME, form=NAMED))
    amount: Decimal = attrs.field(
        metadata=about("Amount of one period, in major units of the currency", above=0)
    )
    prorate: Prorated = attrs.field(default="none", metadata=about(PRORATE))
