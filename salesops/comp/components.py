"""The parts of a plan: tiers, commissions, bonuses and caps, as frozen values and documents.

Every choice that real plans leave open is a field with a documented default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Expanded, Model, about
from salesops.errors import Problem

__all__ = ["Bonus", "BonusPoint", "Cap", "Commission", "Tier"]

_TIER_START = "Lower end: money in major units, or a multiple of quota (1.25 is 125 %)"
_TIER_END = (
    "Upper end, where the next tier starts. The last tier has none if it is left out; with it, a total "
    "beyond is a fault and never pays 0 in silence"
)
_CAP_PER = (
    "What the amount limits: the total of a period, of a deal (of a credit that names no deal), or of "
    "the periods of a year up to date"
)
_NAME = "Stands in every line; unique within the plan"
_MEASURE = "Which credits count, such as margin or units; all of them where the credits have only one measure"
_STYLE = (
    "marginal: each slice earns the rate of its tier; whole_amount (retroactive): everything earns the "
    "rate of the tier reached"
)
_BOUND = (
    "Which tier a total exactly on a threshold belongs to: the one that starts there (lower) or the one "
    "that ends there (upper); it changes pay only with whole_amount"
)
_BASE_RATE = "Makes tier rates multipliers of this rate: base 0.10 and tier 1.5 pay 15 %"
_TARGET = (
    "Makes tier rates multipliers of target / quota, the rate that pays this amount at 100 % "
    "attainment; needs basis attainment"
)
_YEAR_QUOTA = (
    "With accumulate year on attainment: whether tiers are multiples of the quotas of all periods of "
    "the year, or of those up to the period in which the credit is earned"
)

Basis = Literal["amount", "attainment"]
Bound = Literal["lower", "upper"]


@attrs.frozen(kw_only=True)
class Tier(Model):
    """One step of a rate table.

    Examples
    --------
    >>> Tier(start="10000", rate="0.08")
    Tier(start=Decimal('10000'), end=None, rate=Fraction(2, 25))
    """

    start: Decimal = attrs.field(metadata=about(_TIER_START, name="from", minimum=0))
    end: Decimal | None = attrs.field(
        default=None,
        metadata=about(_TIER_END, name="to", above=0),
    )
    rate: Fraction = attrs.field(
        metadata=about("Share of the money in the tier that is paid; 0.05 is 5 %", minimum=0)
    )


@attrs.frozen(kw_only=True)
class Cap(Model):
    """A most that is paid; what lies above is lost.

    A document may give the amount alone, ``"cap": "400.00"``, for a cap per period. A cap holds in both
    directions: the refund of a capped deal takes back what the deal has paid.

    Examples
    --------
    >>> Cap(amount="400.00")
    Cap(amount=Decimal('400.00'), per='period')
    """

    amount: Decimal = attrs.field(
        metadata=about("The most that is paid, in major units of the currency", minimum=0)
    )
    per: Literal["period", "deal", "year"] = attrs.field(default="period", metadata=about(_CAP_PER))


def expand_cap(expanded: Expanded) -> Expanded:
    """Let a document give a cap as its amount alone."""
    document = expanded.document
    cap = document.get("cap")
    if cap is None or isinstance(cap, (Mapping, Cap)):
        return expanded
    return Expanded({**document, "cap": {"amount": cap}}, {**expanded.moved, "cap.amount": "cap"})


@attrs.frozen(kw_only=True)
class Commission(Model):
    """Pay a share of what is credited, by tiers.

    Examples
    --------
    >>> Commission(tiers=[{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.08"}]).style
    'marginal'
    """

    kind: ClassVar[str] = "commission"

    name: str = attrs.field(default="commission", metadata=about(_NAME))
    measure: str | None = attrs.field(default=None, metadata=about(_MEASURE))
    basis: Basis = attrs.field(
        default="amount", metadata=about("Whether tiers start at money or at multiples of the rep's quota")
    )
    style: Literal["marginal", "whole_amount"] = attrs.field(default="marginal", metadata=about(_STYLE))
    accumulate: Literal["period", "deal", "year"] = attrs.field(
        default="period", metadata=about("Over which credits of the rep the total runs that meets the tiers")
    )
    bound: Bound = attrs.field(default="lower", metadata=about(_BOUND))
    base_rate: Fraction | None = attrs.field(default=None, metadata=about(_BASE_RATE, above=0))
    target: Decimal | None = attrs.field(default=None, metadata=about(_TARGET, above=0))
    year_quota: Literal["full", "to_date"] = attrs.field(default="full", metadata=about(_YEAR_QUOTA))
    tiers: tuple[Tier, ...] = attrs.field(
        metadata=about("From 0 upwards without holes; rates may fall", min_items=1)
    )
    cap: Cap | None = attrs.field(default=None, metadata=about("A most for this component"))

    @classmethod
    def _expand(cls, document: Mapping[str, Any]) -> Expanded:
        return expand_cap(super()._expand(document))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from _tier_faults(known.tiers)
        on_attainment = known.basis == "attainment"
        if known.base_rate is not None and known.target is not None:
            hint = "give one of the two; tier rates are multipliers of it"
            yield Problem(path="target", message="stands beside a base rate", hint=hint)
        if known.target is not None and known.basis is not None and not on_attainment:
            hint = 'write "basis": "attainment" and tiers as multiples of quota'
            yield Problem(path="target", message="a target rate needs tiers on attainment", hint=hint)
        if known.accumulate == "deal" and on_attainment:
            hint = "accumulate over the period or the year, or begin tiers at money"
            yield Problem(path="accumulate", message="a single deal has no attainment of quota", hint=hint)
        if known.year_quota == "to_date" and (
            known.accumulate in ("period", "deal") or known.basis == "amount"
        ):
            hint = 'it needs accumulate "year" and basis "attainment"'
            yield Problem(path="year_quota", message="says nothing here", values=("'to_date'",), hint=hint)


def _tier_faults(tiers: Any) -> Iterable[Problem]:
    for k, tier in enumerate(tiers or ()):
        if tier.start is None:
            continue
        if k == 0:
            if tier.start != 0:
                yield Problem(
                    path="tiers[0].from",
                    message="the first tier starts at 0",
                    values=(f"{tier.start:f}",),
                    hint="write an explicit tier with rate 0 if nothing is paid below",
                )
        else:
            yield from _join_faults(k, tiers[k - 1], tier)
        if tier.end is not None and tier.end <= tier.start:
            yield Problem(
                path=f"tiers[{k}].to",
                message="a tier ends above its start",
                values=(f"{tier.start:f} to {tier.end:f}",),
            )


def _join_faults(k: int, before: Any, tier: Any) -> Iterable[Problem]:
    path = f"tiers[{k}].from"
    if before.start is not None and tier.start <= before.start:
        yield Problem(
            path=path,
            message="tiers stand in rising order and each threshold stands once",
            values=(f"{tier.start:f} after {before.start:f}",),
        )
    elif before.end is not None and tier.start != before.end:
        is_hole = tier.start > before.end
        yield Problem(
            path=path,
            message="tiers leave a hole" if is_hole else "tiers overlap",
            values=(f"the tier before ends at {before.end:f}, this one starts at {tier.start:f}",),
            hint='let each tier start where the one before ends, or leave out "to"',
        )


@attrs.frozen(kw_only=True)
class BonusPoint(Model):
    """One row of a bonus table: from this point on, this share of the target is paid.

    Examples
    --------
    >>> BonusPoint(start="0.8", pays="0.5")
    BonusPoint(start=Decimal('0.8'), pays=Fraction(1, 2))
    """

    start: Decimal = attrs.field(metadata=about("Where the point lies", name="from", minimum=0))
    pays: Fraction = attrs.field(metadata=about("Share of the target pay, 0.5 for half of it", minimum=0))


@attrs.frozen(kw_only=True)
class Bonus(Model):
    """Pay a share of target pay at the end of each period, by a table of attainment.

    Examples
    --------
    >>> Bonus(target="3000.00", table=[{"from": "0", "pays": "0"}, {"from": "1", "pays": "1"}]).style
    'step'
    """

    kind: ClassVar[str] = "bonus"

    name: str = attrs.field(default="bonus", metadata=about(_NAME))
    measure: str | None = attrs.field(default=None, metadata=about(_MEASURE))
    target: Decimal = attrs.field(
        metadata=about("Target pay of one period, in major units of the currency", above=0)
    )
    basis: Basis = attrs.field(
        default="attainment", metadata=about("Whether points are multiples of the rep's quota or money")
    )
    style: Literal["step", "interpolated"] = attrs.field(
        default="step", metadata=about("The last point reached pays, or straight lines between points")
    )
    bound: Bound = attrs.field(
        default="lower",
        metadata=about("Whether a total exactly on a point has reached it (lower) or not (upper)"),
    )
    table: tuple[BonusPoint, ...] = attrs.field(
        metadata=about("From 0 upwards; beyond the last point the pay stays level", min_items=1)
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        before = None
        for k, point in enumerate(known.table or ()):
            path, start = f"table[{k}].from", point.start
            if start is None:
                continue
            if k == 0 and start != 0:
                hint = "write an explicit point that pays 0 if nothing is paid below"
                yield Problem(path=path, message="the first point is at 0", values=(f"{start:f}",), hint=hint)
            if before is not None and start <= before:
                message = "points stand in rising order and each stands once"
                yield Problem(path=path, message=message, values=(f"{start:f} after {before:f}",))
            before = start
