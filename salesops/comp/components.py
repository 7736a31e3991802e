"""What is paid on credits: tiers, commissions, overrides and caps, as frozen values and documents.

Every choice that real plans leave open is a field with a documented default.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Expanded, Model, TextRule, about
from salesops.comp._expressions_parse import parse
from salesops.comp.expressions import Expression, fits
from salesops.errors import Problem

__all__ = ["Cap", "Commission", "Match", "Override", "Tier"]

_TIER_START = "Lower end: money in major units, or a multiple of quota (1.25 is 125 %)"
_TIER_END = (
    "Upper end, where the next tier starts. The last tier has none if it is left out; with it, a total "
    "beyond is a fault and never pays 0 in silence"
)
_CAP_PER = (
    "What the amount limits: the total of a period, of a deal (of a credit that names no deal), or of "
    "the periods of a year up to date; a deal that has been refunded in whole has no cap"
)
_EXCESS = (
    "What becomes of the part above a cap per period: it is lost, or carried into the next periods until "
    "they have room"
)
NAME = "Stands in every line; unique within the plan"
NAMED = TextRule(r"[\s\S]*\S[\s\S]*", "a name is not blank")
MEASURE = "Which credits count, such as margin or units; all of them where the credits have only one measure"
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

_TIER_AMOUNT = (
    "Instead of a rate: what crossing the whole tier pays, in major units; part of the tier pays that part"
)
_RETROACTIVE = (
    "Reaching this tier of a marginal table brings all that lies below it to its rate; tiers above it "
    "without the mark pay only what lies in them"
)
WHERE = "Conditions on columns of the credits, all of which must hold; none counts every credit"
_PRIORITY = (
    "Between commissions that count the same credit the highest number pays; of equal ones, the one with "
    "the most conditions"
)
_RATE_BY = (
    'Column of the credits whose number selects the tier, such as "term_months" or "discount"; the whole '
    'credit earns that rate. "tenure_month" is counted from started_on of the rep: the first month is 1'
)
TARGET_SHARE = (
    "Instead of a target: this share of the rep's target pay of the period (the table target_pay, or the "
    "variable pay of the plan)"
)
_INTERIM = (
    "With accumulate year: credits are paid at this rate when they come, and the last period of the year "
    "brings the year to what the tiers give"
)
_ACCUMULATE_ON = (
    "Whether totals that meet the tiers add up the rep's own credits, or the whole deals they are shares "
    "of (column deal_amount); then each credit is rounded on its own"
)
_DEPTH = "How many levels of the reporting tree count: 1 is direct reports only, none is all of them"

_EXPRESSION = (
    "Instead of a column: an expression over columns of the credits, declared with their kinds (money, "
    "ratio, count, date, text), that is true for those that count; a credit for which it has no value is held"
)

Basis = Literal["amount", "attainment"]
Bound = Literal["lower", "upper"]


@attrs.frozen(kw_only=True)
class Tier(Model):
    """One step of a rate table.

    Examples
    --------
    >>> Tier(start="10000", rate="0.08")
    Tier(start=Decimal('10000'), end=None, rate=Fraction(2, 25), amount=None, retroactive=False)
    """

    start: Decimal = attrs.field(metadata=about(_TIER_START, name="from", minimum=0))
    end: Decimal | None = attrs.field(
        default=None,
        metadata=about(_TIER_END, name="to", above=0),
    )
    rate: Fraction | None = attrs.field(
        default=None, metadata=about("Share of the money in the tier that is paid; 0.05 is 5 %", minimum=0)
    )
    amount: Decimal | None = attrs.field(default=None, metadata=about(_TIER_AMOUNT, minimum=0))
    retroactive: bool = attrs.field(default=False, metadata=about(_RETROACTIVE))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.rate is not None and known.amount is not None:
            yield Problem(path="amount", message="stands beside a rate", hint="give one of the two")


def _expression_faults(known: Any) -> Iterator[Problem]:
    """Find what does not go with an expression in a condition."""
    expression = known.expression
    for name in ("field", "one_of", "at_least", "below", "on_or_after", "before"):
        if getattr(known, name):
            yield Problem(path="in" if name == "one_of" else name, message="stands beside an expression")
    text, fields = expression.text, expression.fields
    if text is None or fields is None or None in fields.values():
        return
    program, flaws = parse(text, fields)
    if flaws:
        return
    if not fits(program.kind, "truth"):
        message = "gives another kind of value than is needed"
        hint = "a truth is needed"
        yield Problem(path="expression.text", message=message, values=(program.kind,), hint=hint)
    for name in sorted(program.names):
        if fields[name] == "truth":
            message = "a condition on credits reads numbers, dates and texts"
            yield Problem(path=f"expression.fields.{name}", message=message, values=(fields[name],))


@attrs.frozen(kw_only=True)
class Match(Model):
    """A condition on a column of the credits, or an expression over several.

    Examples
    --------
    >>> Match(field="product", one_of=["server", "storage"]).one_of
    ('server', 'storage')
    >>> Match(field="signed_on", before="2026-04-01").before
    datetime.date(2026, 4, 1)
    >>> margin = {"text": "cost / price < 0.7", "fields": {"cost": "money", "price": "money"}}
    >>> Match(expression=margin).shown
    'cost / price < 0.7'
    """

    field: str | None = attrs.field(default=None, metadata=about("Column of the credits"))
    one_of: tuple[str, ...] = attrs.field(
        default=(), metadata=about("Texts that count; the column must hold one of them", name="in")
    )
    at_least: Decimal | None = attrs.field(
        default=None, metadata=about("The column is a number, and this or more")
    )
    below: Decimal | None = attrs.field(default=None, metadata=about("The column is a number below this"))
    on_or_after: dt.date | None = attrs.field(
        default=None, metadata=about("The column is a date, and this day or later")
    )
    before: dt.date | None = attrs.field(default=None, metadata=about("The column is a date before this day"))
    expression: Expression | None = attrs.field(default=None, metadata=about(_EXPRESSION))

    @property
    def is_of_dates(self) -> bool:
        """Whether its column is one of dates."""
        return self.on_or_after is not None or self.before is not None

    @property
    def shown(self) -> str:
        """What a person is told of it: its column, or its expression."""
        return self.field if self.expression is None else self.expression.text  # type: ignore[return-value]  # one of the two

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.one_of is None:
            return
        if known.expression is not None:
            yield from _expression_faults(known)
            return
        if known.field is None:
            hint = "or an expression"
            yield Problem(path="field", message="a condition names a column of the credits", hint=hint)
            return
        is_number = known.at_least is not None or known.below is not None
        is_date = known.on_or_after is not None or known.before is not None
        if bool(known.one_of) + is_number + is_date != 1:
            hint = (
                'give "in" for a text, at_least and below for a number, or on_or_after and before for a date'
            )
            yield Problem(path="field", message="a condition needs one kind of comparison", hint=hint)
        elif known.on_or_after is not None and known.before is not None and known.before <= known.on_or_after:
            found = (f"{known.on_or_after} to {known.before}",)
            yield Problem(path="before", message="leaves no day that fits", values=found)


@attrs.frozen(kw_only=True)
class Cap(Model):
    """A most that is paid; what lies above is lost.

    A document may give the amount alone, ``"cap": "400.00"``, for a cap per period. A cap holds in both
    directions: the refund of a capped deal takes back what the deal has paid.

    Examples
    --------
    >>> Cap(amount="400.00")
    Cap(amount=Decimal('400.00'), per='period', excess='lost')
    """

    amount: Decimal = attrs.field(
        metadata=about("The most that is paid, in major units of the currency", minimum=0)
    )
    per: Literal["period", "deal", "year"] = attrs.field(default="period", metadata=about(_CAP_PER))
    excess: Literal["lost", "carried"] = attrs.field(default="lost", metadata=about(_EXCESS))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.excess == "carried" and known.per in ("deal", "year"):
            message = "only what lies above a cap per period is carried"
            yield Problem(path="excess", message=message, values=(f"per {known.per}",))


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

    name: str = attrs.field(default="commission", metadata=about(NAME, form=NAMED))
    measure: str | None = attrs.field(default=None, metadata=about(MEASURE))
    basis: Basis = attrs.field(
        default="amount", metadata=about("Whether tiers start at money or at multiples of the rep's quota")
    )
    style: Literal["marginal", "whole_amount"] = attrs.field(default="marginal", metadata=about(_STYLE))
    where: tuple[Match, ...] = attrs.field(default=(), metadata=about(WHERE))
    priority: int = attrs.field(default=0, metadata=about(_PRIORITY))
    accumulate: Literal["period", "deal", "quarter", "year"] = attrs.field(
        default="period", metadata=about("Over which credits of the rep the total runs that meets the tiers")
    )
    accumulate_on: Literal["credit", "deal"] = attrs.field(default="credit", metadata=about(_ACCUMULATE_ON))
    rate_by: str | None = attrs.field(default=None, metadata=about(_RATE_BY))
    bound: Bound = attrs.field(default="lower", metadata=about(_BOUND))
    base_rate: Fraction | None = attrs.field(default=None, metadata=about(_BASE_RATE, above=0))
    target: Decimal | None = attrs.field(default=None, metadata=about(_TARGET, above=0))
    target_share: Fraction | None = attrs.field(default=None, metadata=about(TARGET_SHARE, above=0))
    interim_rate: Fraction | None = attrs.field(default=None, metadata=about(_INTERIM, minimum=0))
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
        yield from _kind_faults(known)
        on_attainment = known.basis == "attainment"
        if known.base_rate is not None and known.target is not None:
            hint = "give one of the two; tier rates are multipliers of it"
            yield Problem(path="target", message="stands beside a base rate", hint=hint)
        for name in ("target", "target_share"):
            if getattr(known, name) is not None and known.basis is not None and not on_attainment:
                hint = 'write "basis": "attainment" and tiers as multiples of quota'
                yield Problem(path=name, message="a target rate needs tiers on attainment", hint=hint)
        if known.accumulate == "deal" and on_attainment:
            hint = "accumulate over the period or the year, or begin tiers at money"
            yield Problem(path="accumulate", message="a single deal has no attainment of quota", hint=hint)
        if known.year_quota == "to_date" and (
            known.accumulate in ("period", "deal") or known.basis == "amount"
        ):
            hint = 'it needs accumulate "year" or "quarter" and basis "attainment"'
            yield Problem(path="year_quota", message="says nothing here", values=("'to_date'",), hint=hint)


@attrs.frozen(kw_only=True)
class Override(Commission):
    """Pay a manager a share of what the team is credited, along the reporting tree on the day of the credit.

    It counts the credits of those who report to the rep (table ``reporting`` of ``calculate``), none of the
    rep's own, and has every field of :class:`Commission`.

    Examples
    --------
    >>> Override(tiers=[{"from": "0", "rate": "0.03"}], depth=1).name
    'override'
    """

    kind: ClassVar[str] = "override"

    name: str = attrs.field(default="override", metadata=about(NAME, form=NAMED))
    depth: int | None = attrs.field(default=None, metadata=about(_DEPTH, minimum=1))


def _kind_faults(known: Any) -> Iterator[Problem]:
    """Find choices of a commission that contradict each other."""
    tiers = known.tiers or ()
    for k, tier in enumerate(tiers):
        if tier.start is not None and tier.rate is None and tier.amount is None:
            yield Problem(path=f"tiers[{k}].rate", message="is missing", hint="or give an amount")
    marked = [k for k, tier in enumerate(tiers) if tier.retroactive]
    by_amount = [k for k, tier in enumerate(tiers) if tier.amount is not None]
    if marked and known.style == "whole_amount":
        message = "every tier of a whole amount is retroactive"
        yield Problem(path=f"tiers[{marked[0]}].retroactive", message=message)
    if by_amount:
        yield from _amount_faults(known, by_amount)
    if known.rate_by is not None:
        yield from _column_faults(known, is_plain=not marked and not by_amount)
    if known.interim_rate is not None and known.accumulate not in ("year", None):
        hint = 'write "accumulate": "year"'
        yield Problem(path="interim_rate", message="belongs to a year", hint=hint)
    if known.target_share is not None and (known.target is not None or known.base_rate is not None):
        yield Problem(path="target_share", message="stands beside a target or a base rate")


def _amount_faults(known: Any, by_amount: list[int]) -> Iterator[Problem]:
    path = f"tiers[{by_amount[0]}].amount"
    last = known.tiers[-1]
    if known.style == "whole_amount":
        yield Problem(path=path, message="an amount is paid by parts of a tier")
    if last.amount is not None and last.start is not None and last.end is None:
        yield Problem(path=f"tiers[{len(known.tiers) - 1}].to", message="a tier with an amount has an end")
    is_mixed = len(by_amount) < len(known.tiers) or known.target is not None or known.base_rate is not None
    if known.basis == "attainment" and is_mixed:
        yield Problem(path=path, message="tiers on attainment have amounts or rates, not both")


def _column_faults(known: Any, *, is_plain: bool) -> Iterator[Problem]:
    for name, plain in (("style", "marginal"), ("basis", "amount"), ("accumulate_on", "credit")):
        value = getattr(known, name)
        if value not in (plain, None):
            message = "says nothing where a column selects the rate"
            yield Problem(path=name, message=message, values=(repr(value),))
    if not is_plain:
        yield Problem(path="rate_by", message="a column selects rates, not amounts")


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
