"""The plan: what is paid for what, as a frozen value and a JSON document, never code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal, Self

import attrs

from salesops import _faults
from salesops._codec import CURRENCY, Expanded, Limits, Model, ShortForm, about
from salesops._money import EXPONENTS, Rounding, currency_fault, format_exact
from salesops.comp.bonuses import Bonus, Matrix, Scorecard
from salesops.comp.components import NAMED, Cap, Commission, Override, expand_cap
from salesops.comp.conditions import Gate, Multiplier
from salesops.comp.rewards import Contest, FixedPay, Spiff
from salesops.comp.settlement import Clawback, Draw, Floor, Guarantee, Hold
from salesops.errors import Problem

__all__ = ["CompPlan", "Component", "TargetPay"]

Component = (
    Commission
    | Override
    | Bonus
    | Scorecard
    | Matrix
    | Spiff
    | Contest
    | FixedPay
    | Multiplier
    | Gate
    | Floor
    | Guarantee
    | Clawback
    | Hold
    | Draw
)

_CURRENCY = (
    "ISO 4217 code of everything the plan says and pays; without it all credits must share one currency"
)
_CAP = "A most for the sum of all components, per period or year, after the caps of components"
_GUARANTEE = "A least for each period in which the rep has the plan, after all caps, in major units"
_NEGATIVE = (
    "What to do with a period in which less than 0 is to be paid: refuse it, naming the rep; pay it as it is "
    "(allow); or pay 0 and set it off against later periods (carry)"
)
_SPECIFICITY = (
    "Of commissions that count the same credit of a measure under different conditions, whether only the "
    "most specific one pays or all of them do"
)
_FX_DATE = (
    "Whose day's exchange rate converts a credit: the day it was earned, the first or last day of its "
    "period, or the day in the column paid_on"
)
_FX_AGE = "How many days old a rate may be; 0 asks for one of the very day"
_OUTSIDE = (
    "Whether a credit of a day before started_on of its rep, or from ended_on on, is refused (and held, with "
    "on_error='hold') or paid like any other, as plans do that pay deals closed after somebody has left"
)
_CLAWBACK_ORDER = (
    "Whether caps of the plan limit what was earned before clawbacks are taken off, or after; guarantees "
    "follow"
)
_PAY = "Base and variable pay on target; components name their share of the variable part"
_PER = "Whether the amounts are of a year or of one period"
_ROUNDING = "How fractions of a minor unit are rounded; half_up rounds ties away from zero"
_ROUNDING_STEP = (
    "What is rounded: the commission to date, so that lines are differences and add up to the rounded "
    "total, or the commission of each credit on its own"
)

_PERCENT_RATE = 1
_PERCENT_SHARE = 10


@attrs.frozen(kw_only=True)
class TargetPay(Model):
    """What the plan pays on target: base and variable pay.

    Examples
    --------
    >>> pay = TargetPay(base="70000", variable="30000")
    >>> pay.ote, pay.mix
    (Decimal('100000'), (Fraction(7, 10), Fraction(3, 10)))
    """

    base: Decimal = attrs.field(
        default=Decimal(0), metadata=about("Base pay, in major units of the currency", minimum=0)
    )
    variable: Decimal = attrs.field(metadata=about("Variable pay at 100 %, in major units", above=0))
    per: Literal["year", "period"] = attrs.field(default="year", metadata=about(_PER))

    @property
    def ote(self) -> Decimal:
        """On-target earnings: base and variable pay."""
        return self.base + self.variable

    @property
    def mix(self) -> tuple[Fraction, Fraction]:
        """Shares of base and variable pay in on-target earnings."""
        whole = Fraction(self.base) + Fraction(self.variable)
        return Fraction(self.base) / whole, Fraction(self.variable) / whole


@attrs.frozen(kw_only=True)
class CompPlan(Model):
    """Who earns what for what: a list of components, a cap, a guarantee and the rounding.

    A document that is one commission may put ``tiers``, ``basis``, ``style`` and the other fields of
    :class:`Commission` at its top instead of in ``components``.

    Raises
    ------
    InvalidInput
        With every fault of the plan, each at its path.

    Warns
    -----
    SalesOpsWarning
        If a rate or threshold looks like a percentage: a rate of 5 pays 500 %.

    Examples
    --------
    >>> plan = CompPlan.from_dict(
    ...     {
    ...         "schema_version": 1,
    ...         "plan_id": "ae",
    ...         "currency": "USD",
    ...         "tiers": [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.08"}],
    ...         "cap": "5000.00",
    ...     }
    ... )
    >>> plan.components[0].tiers[1].rate
    Fraction(2, 25)
    >>> CompPlan.from_json(plan.to_json()) == plan
    True
    """

    schema_version: ClassVar[int] = 1
    _short_form: ClassVar[ShortForm] = ShortForm.of("components", Commission)

    plan_id: str = attrs.field(metadata=about("Name of the plan; assignments refer to it", form=NAMED))
    description: str = attrs.field(default="", metadata=about("Words for people"))
    currency: str | None = attrs.field(default=None, metadata=about(_CURRENCY, form=CURRENCY))
    components: tuple[Component, ...] = attrs.field(
        metadata=about("What is paid; names are unique", min_items=1)
    )
    pay: TargetPay | None = attrs.field(default=None, metadata=about(_PAY))
    specificity: Literal["most_specific", "all"] = attrs.field(
        default="most_specific", metadata=about(_SPECIFICITY)
    )
    cap: Cap | None = attrs.field(default=None, metadata=about(_CAP))
    cap_order: Literal["before_clawback", "after_clawback"] = attrs.field(
        default="before_clawback", metadata=about(_CLAWBACK_ORDER)
    )
    guarantee: Decimal | None = attrs.field(default=None, metadata=about(_GUARANTEE, minimum=0))
    negative: Literal["refuse", "allow", "carry"] = attrs.field(default="refuse", metadata=about(_NEGATIVE))
    rounding: Rounding = attrs.field(default="half_up", metadata=about(_ROUNDING))
    rounding_step: Literal["to_date", "credit"] = attrs.field(
        default="to_date", metadata=about(_ROUNDING_STEP)
    )
    fx_date: Literal["earned_on", "period_start", "period_end", "paid_on"] = attrs.field(
        default="earned_on", metadata=about(_FX_DATE)
    )
    fx_max_age: int = attrs.field(default=0, metadata=about(_FX_AGE, minimum=0, maximum=366))
    outside_employment: Literal["refuse", "pay"] = attrs.field(default="refuse", metadata=about(_OUTSIDE))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        _warn_of_percent(self)

    @classmethod
    def _read(cls, document: Any, limits: Limits) -> Self:
        plan = super()._read(document, limits)
        _warn_of_percent(plan)
        return plan

    @classmethod
    def _expand(cls, document: Mapping[str, Any]) -> Expanded:
        return expand_cap(super()._expand(document))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        fault = None if known.currency is None else currency_fault(known.currency, "currency")
        if fault is not None:
            yield fault
        names: set[str] = set()
        for k, part in enumerate(known.components or ()):
            if part.name in names:
                hint = "give each component a name of its own"
                message = "two components have the same name"
                yield Problem(
                    path=f"components[{k}].name", message=message, values=(repr(part.name),), hint=hint
                )
            yield from _reference_faults(k, part, names)
            if part.name is not None:
                names.add(part.name)
        yield from _place_faults(known.components or ())
        yield from _limit_faults(known)
        if known.currency in EXPONENTS:
            yield from _minor_faults(known, EXPONENTS[known.currency])


def _limit_faults(known: Any) -> Iterator[Problem]:
    if known.cap is None or known.cap.per is None:
        return
    if known.cap.per == "deal":
        hint = "cap the component, or the plan per period or year"
        yield Problem(path="cap.per", message="a plan's cap is not per deal", values=("'deal'",), hint=hint)
    if known.guarantee is None or known.cap.amount is None:
        return
    if known.cap.per == "year":
        message = "a guarantee of each period contradicts a cap of the year"
        yield Problem(path="guarantee", message=message, hint="cap the plan per period")
    elif known.guarantee > known.cap.amount:
        values = (f"guarantee {known.guarantee:f}, cap {known.cap.amount:f}",)
        yield Problem(path="guarantee", message="the guarantee is above the cap", values=values)


def _reference_faults(k: int, part: Any, before: set[str]) -> Iterator[Problem]:
    """Find components that act on others which do not stand before them."""
    for j, name in enumerate(getattr(part, "of", None) or ()):
        if name is not None and name not in before:
            yield Problem(
                path=f"components[{k}].of[{j}]",
                message="names no component that stands before this one",
                values=(repr(name),),
                suggestions=_faults.closest(name, before),
            )


def _place_faults(components: Any) -> Iterator[Problem]:
    """Settlement comes last: clawbacks, holds and one draw, in whatever order they are written."""
    draws = [k for k, part in enumerate(components) if part.kind == "draw"]
    if len(draws) > 1:
        hint = "give reps with different draws plans of their own"
        yield Problem(path=f"components[{draws[1]}]", message="a plan has one draw", hint=hint)
    settling = [k for k, part in enumerate(components) if part.kind in SETTLING]
    if settling:
        for k in range(settling[0], len(components)):
            kind = components[k].kind
            if kind is not None and kind not in SETTLING:
                message = "stands after a clawback, hold or draw, which settle what all others have earned"
                yield Problem(path=f"components[{k}].kind", message=message, values=(repr(kind),))


SETTLING = ("clawback", "hold", "draw")


def _minor_faults(known: Any, places: int) -> Iterator[Problem]:
    """Find amounts that are paid as they stand and have more decimals than the currency."""
    amounts = {"cap": known.cap and known.cap.amount, "guarantee": known.guarantee}
    for k, part in enumerate(known.components or ()):
        amounts |= {f"components[{k}].{path}": amount for path, amount in _amounts_of(part)}
    for path, amount in amounts.items():
        if amount is not None and (Fraction(amount) * 10**places).denominator != 1:
            message = "an amount that is paid has no more decimals than its currency"
            yield Problem(path=path, message=message, values=(f"{amount:f}", known.currency))


def _amounts_of(part: Any) -> Iterator[tuple[str, Any]]:
    """List the amounts of a component that are paid as they stand."""
    if part.kind in ("commission", "override"):
        if part.cap is not None:
            yield "cap", part.cap.amount
        return
    for name in ("target", "amount", "recovery_limit", "balance_limit"):
        yield name, getattr(part, name, None)
    for name in ("amounts", "prizes"):
        for k, amount in enumerate(getattr(part, name, None) or ()):
            yield f"{name}[{k}]", amount


def _warn_of_percent(plan: CompPlan) -> None:
    """Warn of rates and thresholds that were probably meant as percentages."""
    for k, part in enumerate(plan.components):
        if isinstance(part, Commission):
            is_share = part.base_rate is None and part.target is None
            is_share = is_share and part.target_share is None
            limit = _PERCENT_RATE if is_share and part.measure is None else _PERCENT_SHARE
            rows = [("tiers", "rate", tier.start, tier.rate) for tier in part.tiers if tier.rate is not None]
        elif isinstance(part, Bonus) and part.metric is None:
            limit = _PERCENT_SHARE
            rows = [("table", "pays", point.start, point.pays) for point in part.table]
        else:
            continue
        for j, (field, name, start, share) in enumerate(rows):
            if share > limit and part.measure is None:
                _warn_of(f"components[{k}].{field}[{j}].{name}", share, "pays {} %")
            if part.basis == "attainment" and start >= _PERCENT_SHARE:
                _warn_of(f"components[{k}].{field}[{j}].from", Fraction(start), "means {} % of quota")


def _warn_of(path: str, share: Fraction, meaning: str) -> None:
    percent = format_exact(share * 100)
    _faults.warn(f"{path}: this {meaning.format(percent)}; write 0.05 for 5 %")
