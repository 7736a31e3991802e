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
from salesops.comp.components import Bonus, Cap, Commission, expand_cap
from salesops.errors import Problem

__all__ = ["CompPlan"]

Component = Commission | Bonus

_CURRENCY = (
    "ISO 4217 code of everything the plan says and pays; without it all credits must share one currency"
)
_CAP = "A most for the sum of all components, per period or year, after the caps of components"
_GUARANTEE = "A least for each period in which the rep has the plan, after all caps, in major units"
_NEGATIVE = "What to do with a period whose sum is below 0: refuse it, naming the rep, or pay it as it is"
_ROUNDING = "How fractions of a minor unit are rounded; half_up rounds ties away from zero"
_ROUNDING_STEP = (
    "What is rounded: the commission to date, so that lines are differences and add up to the rounded "
    "total, or the commission of each credit on its own"
)

_PERCENT_RATE = 1
_PERCENT_SHARE = 10


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

    plan_id: str = attrs.field(metadata=about("Name of the plan; assignments refer to it"))
    description: str = attrs.field(default="", metadata=about("Words for people"))
    currency: str | None = attrs.field(default=None, metadata=about(_CURRENCY, form=CURRENCY))
    components: tuple[Component, ...] = attrs.field(
        metadata=about("What is paid; names are unique", min_items=1)
    )
    cap: Cap | None = attrs.field(default=None, metadata=about(_CAP))
    guarantee: Decimal | None = attrs.field(default=None, metadata=about(_GUARANTEE, minimum=0))
    negative: Literal["refuse", "allow"] = attrs.field(default="refuse", metadata=about(_NEGATIVE))
    rounding: Rounding = attrs.field(default="half_up", metadata=about(_ROUNDING))
    rounding_step: Literal["to_date", "credit"] = attrs.field(
        default="to_date", metadata=about(_ROUNDING_STEP)
    )

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
            if part.name is not None:
                names.add(part.name)
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


def _minor_faults(known: Any, places: int) -> Iterator[Problem]:
    """Find amounts that are paid as they stand and have more decimals than the currency."""
    amounts = {"cap": known.cap and known.cap.amount, "guarantee": known.guarantee}
    for k, part in enumerate(known.components or ()):
        if part.kind == "bonus":
            amounts[f"components[{k}].target"] = part.target
        elif part.cap is not None:
            amounts[f"components[{k}].cap"] = part.cap.amount
    for path, amount in amounts.items():
        if amount is not None and (Fraction(amount) * 10**places).denominator != 1:
            message = "an amount that is paid has no more decimals than its currency"
            yield Problem(path=path, message=message, values=(f"{amount:f}", known.currency))


def _warn_of_percent(plan: CompPlan) -> None:
    """Warn of rates and thresholds that were probably meant as percentages."""
    for k, part in enumerate(plan.components):
        if isinstance(part, Commission):
            is_share = part.base_rate is None and part.target is None
            limit = _PERCENT_RATE if is_share and part.measure is None else _PERCENT_SHARE
            rows = [("tiers", "rate", tier.start, tier.rate) for tier in part.tiers]
        else:
            limit = _PERCENT_SHARE
            rows = [("table", "pays", point.start, point.pays) for point in part.table]
        for j, (field, name, start, share) in enumerate(rows):
            if share > limit and part.measure is None:
                _warn_of(f"components[{k}].{field}[{j}].{name}", share, "pays {} %")
            if part.basis == "attainment" and start >= _PERCENT_SHARE:
                _warn_of(f"components[{k}].{field}[{j}].from", Fraction(start), "means {} % of quota")


def _warn_of(path: str, share: Fraction, meaning: str) -> None:
    percent = format_exact(share * 100)
    _faults.warn(f"{path}: this {meaning.format(percent)}; write 0.05 for 5 %")
