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

Basis = Literal["amount", "attainment"]
Bound = Literal["lower", "upper"]


@attrs.frozen(kw_only=True)
class Tier(Model):
    """One step of a rate table.

    Parameters
    ----------
    start : Decimal
        Lower end (``from`` in documents): money in major units, or a multiple of quota ("1.25" is 125 %).
    end : Decimal, optional
        Upper end (``to``); if given it is the next tier's lower end. Without it the last tier has no end;
        with it, a total beyond the last tier is a fault and never pays 0 in silence.
    rate : Fraction
        Share of the money in the tier that is paid: "0.05" is 5 %.

    Examples
    --------
    >>> Tier(start="10000", rate="0.08")
    Tier(start=Decimal('10000'), end=None, rate=Fraction(2, 25))
    """

    start: Decimal = attrs.field(metadata=about("Lower end of the tier", name="from", minimum=0))
    end: Decimal | None = attrs.field(
        default=None,
        metadata=about("Upper end, the next tier's lower end; none if left out", name="to", above=0),
    )
    rate: Fraction = attrs.field(
        metadata=about("Share paid of the money in the tier, 0.05 for 5 %", minimum=0)
    )


@attrs.frozen(kw_only=True)
class Cap(Model):
    """A most that is paid; what lies above is lost.

    A document may give the amount alone, ``"cap": "400.00"``, for a cap per period. A cap holds in both
    directions: the refund of a capped deal takes back what the deal has paid.

    Parameters
    ----------
    amount : Decimal
        Money in major units, 0 or more.
    per : {"period", "deal", "year"}, default "period"
        What the amount limits: the total of a period, of a deal (of a credit that names no deal), or of the
        periods of a year up to date.

    Examples
    --------
    >>> Cap(amount="400.00")
    Cap(amount=Decimal('400.00'), per='period')
    """

    amount: Decimal = attrs.field(metadata=about("The most that is paid, in major units", minimum=0))
    per: Literal["period", "deal", "year"] = attrs.field(
        default="period", metadata=about("What the amount limits")
    )


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

    Parameters
    ----------
    tiers : tuple of Tier
        From 0 upwards without holes; rates may fall.
    name : str, default "commission"
        Stands in every line; unique within the plan.
    measure : str, optional
        Which credits count ("margin", "units"); all of them where the credits have only one measure.
    basis : {"amount", "attainment"}, default "amount"
        Whether tiers begin at money or at multiples of the rep's quota.
    style : {"marginal", "whole_amount"}, default "marginal"
        Marginal: each slice earns the rate of its tier. Whole amount (retroactive): everything earns the rate
        of the tier reached.
    accumulate : {"period", "deal", "year"}, default "period"
        Over which credits of the rep the total runs that moves through the tiers.
    bound : {"lower", "upper"}, default "lower"
        Which tier a total exactly on a threshold belongs to: the one whose lower end it is, or the one whose
        upper end it is. It changes pay only with style "whole_amount".
    base_rate : Fraction, optional
        Makes tier rates multipliers of this rate: base 0.10 and tier 1.5 pay 15 %.
    target : Decimal, optional
        Makes tier rates multipliers of target / quota, the rate that pays this target (in major units) at
        100 % attainment. Needs basis "attainment".
    year_quota : {"full", "to_date"}, default "full"
        With accumulate "year" on attainment: tiers are multiples of the quotas of all periods of the year, or
        of the periods up to the one in which the credit is earned.
    cap : Cap, optional
        A most for this component.

    Examples
    --------
    >>> Commission(tiers=[{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.08"}]).style
    'marginal'
    """

    kind: ClassVar[str] = "commission"

    name: str = attrs.field(default="commission", metadata=about("Stands in every line"))
    measure: str | None = attrs.field(default=None, metadata=about("Which credits count; all if left out"))
    basis: Basis = attrs.field(
        default="amount", metadata=about("Tiers begin at money or at multiples of quota")
    )
    style: Literal["marginal", "whole_amount"] = attrs.field(
        default="marginal", metadata=about("Each slice at its own rate, or all at the rate reached")
    )
    accumulate: Literal["period", "deal", "year"] = attrs.field(
        default="period", metadata=about("Over which credits the total runs that moves through the tiers")
    )
    bound: Bound = attrs.field(
        default="lower", metadata=about("Whether a threshold belongs to the tier that begins or ends there")
    )
    base_rate: Fraction | None = attrs.field(
        default=None, metadata=about("Makes tier rates multipliers of this rate", above=0)
    )
    target: Decimal | None = attrs.field(
        default=None, metadata=about("Makes tier rates multipliers of target / quota", above=0)
    )
    year_quota: Literal["full", "to_date"] = attrs.field(
        default="full", metadata=about("Quotas of the whole year or of its periods to date")
    )
    tiers: tuple[Tier, ...] = attrs.field(metadata=about("From 0 upwards without holes", min_items=1))
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

    Parameters
    ----------
    start : Decimal
        Attainment as a multiple of quota, or money in major units (``from`` in documents).
    pays : Fraction
        Share of the target pay: "0.5" is half of it.

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

    Parameters
    ----------
    target : Decimal
        Target pay of one period, in major units.
    table : tuple of BonusPoint
        From 0 upwards. Below the first and beyond the last point the pay stays level.
    name : str, default "bonus"
        Stands in every line; unique within the plan.
    measure : str, optional
        Which credits count; all of them where the credits have only one measure.
    basis : {"attainment", "amount"}, default "attainment"
        Whether the points are multiples of the rep's quota or money.
    style : {"step", "interpolated"}, default "step"
        Step: the last point reached pays. Interpolated: straight lines between the points.
    bound : {"lower", "upper"}, default "lower"
        Whether a total exactly on a point has reached it. Only steps ask.

    Examples
    --------
    >>> Bonus(target="3000.00", table=[{"from": "0", "pays": "0"}, {"from": "1", "pays": "1"}]).style
    'step'
    """

    kind: ClassVar[str] = "bonus"

    name: str = attrs.field(default="bonus", metadata=about("Stands in every line"))
    measure: str | None = attrs.field(default=None, metadata=about("Which credits count; all if left out"))
    target: Decimal = attrs.field(metadata=about("Target pay of one period, in major units", above=0))
    basis: Basis = attrs.field(default="attainment", metadata=about("Points are multiples of quota or money"))
    style: Literal["step", "interpolated"] = attrs.field(
        default="step", metadata=about("The last point reached, or straight lines between points")
    )
    bound: Bound = attrs.field(
        default="lower", metadata=about("Whether a total exactly on a point has reached it")
    )
    table: tuple[BonusPoint, ...] = attrs.field(metadata=about("From 0 upwards", min_items=1))

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
