"""Rules of crediting: who is credited with what of each deal, as a frozen value and a JSON document."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import CURRENCY, Model, about
from salesops._money import Rounding, currency_fault
from salesops.comp._expressions_parse import Program, parse
from salesops.comp._expressions_types import Kind
from salesops.comp.expressions import field_faults, ordered, text_faults
from salesops.errors import Problem

__all__ = ["CreditRule", "CreditRules", "Receiver"]

To = Literal["owner", "territory", "role", "manager", "rep"]

OWN_FIELDS: dict[str, Kind] = {
    "amount": "money",
    "closed_on": "date",
    "created_on": "date",
    "currency": "text",
    "outcome": "text",
}
"""Fields of every deal that expressions may name without a declaration."""

MOST_IN_ALL = 65_536
"""Characters of all expressions of one document."""

_TO = (
    "owner: the deal's rep_id, or those whom the table of splits names for the deal; territory: who owns its "
    "lead or account; role: those whom the table of splits names with the role; manager: up the reporting "
    "tree from each owner; rep: one named rep"
)
_LEVEL = "Steps up the tree from the owner, 1 for the direct manager; left out, every level up to the top"
_MISSING = (
    "What happens when there is nobody: the deal is held with that reason, or the others share it (of an "
    "overlay: nobody is credited)"
)
_WHEN = "Condition on the fields of the deal; without it the rule is for every deal"
_VALUE = "What is credited: an expression that gives money, or a count of whole units"
_APPLIES = (
    "alone: of the rules of a measure that fit a deal, the most specific one counts; beside: this one counts "
    "whichever of the others does"
)
_SPECIFICITY = (
    "The larger wins; by default the number of conditions joined by and, 0 without any. Of equals the first "
    "listed wins"
)
_MEASURES = "Formulas with names, which rules and other formulas may use; never in a ring"


@attrs.frozen(kw_only=True)
class Receiver(Model):
    """Who receives a share.

    Examples
    --------
    >>> Receiver(to="manager", level=1, share="0.1").share
    Fraction(1, 10)
    """

    to: To = attrs.field(metadata=about(_TO))
    share: Fraction = attrs.field(
        default=Fraction(1), metadata=about("Part of the whole, 0.5 for half of it", above=0)
    )
    role: str | None = attrs.field(default=None, metadata=about("Role in the table of splits"))
    rep_id: Hashable | None = attrs.field(default=None, metadata=about("The named rep"))
    level: int | None = attrs.field(default=None, metadata=about(_LEVEL, minimum=1))
    if_missing: Literal["hold", "skip"] = attrs.field(default="hold", metadata=about(_MISSING))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        for field, needed in (("role", "role"), ("rep_id", "rep")):
            given = getattr(known, field) is not None
            if known.to == needed and not given:
                yield Problem(path=field, message="is missing", hint=f"say which {needed} receives it")
            if known.to not in (None, needed) and given:
                yield Problem(path=field, message="says nothing here", hint=f"it belongs to {needed!r}")
        if known.level is not None and known.to not in (None, "manager"):
            yield Problem(path="level", message="says nothing here", hint="it belongs to 'manager'")

    @property
    def label(self) -> str:
        """What credits call this role."""
        if self.to == "manager":
            return "manager" if self.level is None else f"manager {self.level}"
        return str(self.role) if self.to == "role" else self.to


def _owner() -> tuple[Receiver, ...]:
    return (Receiver(to="owner"),)


@attrs.frozen(kw_only=True)
class CreditRule(Model):
    """Which deals are credited, with what, to whom.

    Examples
    --------
    >>> CreditRule(name="all", overlays=[Receiver(to="manager", level=1)]).receivers[0].to
    'owner'
    """

    name: str = attrs.field(metadata=about("Stands in every credit; unique within the rules"))
    when: str | None = attrs.field(default=None, metadata=about(_WHEN))
    measure: str = attrs.field(
        default="amount", metadata=about("What plans call it, such as margin or units")
    )
    value: str = attrs.field(default="amount", metadata=about(_VALUE))
    receivers: tuple[Receiver, ...] = attrs.field(
        factory=_owner, metadata=about("Who shares the whole; the shares add up to 1", min_items=1)
    )
    overlays: tuple[Receiver, ...] = attrs.field(
        default=(), metadata=about("Who is credited beyond the whole, each with a share of it")
    )
    applies: Literal["alone", "beside"] = attrs.field(default="alone", metadata=about(_APPLIES))
    specificity: int | None = attrs.field(default=None, metadata=about(_SPECIFICITY, minimum=0))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        shares = [receiver.share for receiver in known.receivers or ()]
        if shares and None not in shares and sum(shares) != 1:
            hint = "what goes beyond the whole belongs into overlays"
            found = (str(sum(shares)),)
            yield Problem(path="receivers", message="the shares add up to 1", values=found, hint=hint)
        for k, receiver in enumerate(known.receivers or ()):
            if receiver.to == "manager" and receiver.level is None:
                hint = "name a level, or put it into overlays"
                message = "managers of every level cannot share a whole"
                yield Problem(path=f"receivers[{k}].level", message=message, hint=hint)
        seen: set[tuple[object, ...]] = set()
        for field in ("receivers", "overlays"):
            for k, receiver in enumerate(getattr(known, field) or ()):
                key = (receiver.to, receiver.role, receiver.rep_id, receiver.level)
                if None not in (receiver.to,) and key in seen:
                    yield Problem(path=f"{field}[{k}]", message="stands twice in one rule")
                seen.add(key)


@attrs.frozen(kw_only=True)
class CreditRules(Model):
    """How deals become credits: fields, formulas and rules.

    Of the rules of one measure whose condition fits a deal, the most specific one counts, unless a rule says
    that it counts beside the others. Shares are split by largest remainder in exact minor units: first among
    the receivers in the order listed, then among those whom the table of splits names, by rep_id.

    Raises
    ------
    InvalidInput
        With every fault of the rules, each at its path; flaws of expressions with their place.

    Examples
    --------
    >>> rules = CreditRules.from_dict(
    ...     {
    ...         "schema_version": 1,
    ...         "fields": {"segment": "text"},
    ...         "rules": [
    ...             {"name": "all", "overlays": [{"to": "manager", "level": 1}]},
    ...             {"name": "public", "when": "segment == 'public'", "value": "amount * 2"},
    ...         ],
    ...     }
    ... )
    >>> [rule.name for rule in rules.rules]
    ['all', 'public']
    >>> CreditRules.from_json(rules.to_json()) == rules
    True
    """

    schema_version: ClassVar[int] = 1

    rules_id: str = attrs.field(default="credits", metadata=about("Name of the rules"))
    currency: str | None = attrs.field(
        default=None, metadata=about("Currency of deals that name none", form=CURRENCY)
    )
    fields: Mapping[str, Kind] = attrs.field(
        factory=dict, metadata=about("Columns of deals that expressions may name, with the kind of each")
    )
    measures: Mapping[str, str] = attrs.field(factory=dict, metadata=about(_MEASURES))
    rules: tuple[CreditRule, ...] = attrs.field(metadata=about("The rules", min_items=1))
    rounding: Rounding = attrs.field(
        default="half_up", metadata=about("How a value with a fraction of a minor unit is rounded")
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        fault = None if known.currency is None else currency_fault(known.currency, "currency")
        if fault is not None:
            yield fault
        names = [rule.name for rule in known.rules or ()]
        for k, name in enumerate(names):
            if name is not None and name in names[:k]:
                message = "two rules have the same name"
                yield Problem(path=f"rules[{k}].name", message=message, values=(repr(name),))
        if known.fields is None or known.measures is None or None in known.fields.values():
            return
        size = sum(map(len, _texts(known)))
        if size > MOST_IN_ALL:
            message = f"all expressions together are at most {MOST_IN_ALL:,} characters long"
            yield Problem(path="rules", message=message, values=(f"{size:,} characters",))
            return
        yield from field_faults(known.fields, "fields")
        yield from field_faults(known.measures, "measures")
        kinds: dict[str, str] = {**OWN_FIELDS, **known.fields}
        done, faults = ordered(known.measures, kinds, "measures")
        yield from faults
        if faults:
            return
        yield from _rule_faults(known.rules or (), kinds | _kinds_of(done))

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of every name that a rule may use."""
        kinds: dict[str, str] = {**OWN_FIELDS, **self.fields}
        done, _ = ordered(self.measures, kinds, "measures")
        return kinds | _kinds_of(done)


def _texts(known: Any) -> list[str]:
    """List every expression of the rules."""
    rules = [text for rule in known.rules or () for text in (rule.when, rule.value)]
    return [text for text in (*rules, *known.measures.values()) if text is not None]


def _kinds_of(done: Iterable[tuple[str, Program]]) -> dict[str, str]:
    return {name: "ratio" if program.kind == "number" else program.kind for name, program in done}


def _rule_faults(rules: Any, kinds: Mapping[str, str]) -> Iterator[Problem]:
    for k, rule in enumerate(rules):
        if rule.when is not None:
            yield from text_faults(rule.when, kinds, "truth", f"rules[{k}].when")
        if rule.value is None:
            continue
        path = f"rules[{k}].value"
        faults = list(text_faults(rule.value, kinds, None, path))
        yield from faults
        kind = parse(rule.value, kinds)[0].kind
        if not faults and kind not in ("money", "count"):
            hint = "money or a count is needed; name a field of that kind"
            message = "gives another kind of value than is needed"
            yield Problem(path=path, message=message, values=(kind,), hint=hint)
