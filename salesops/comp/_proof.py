"""One line as a structured proof: plain values from which a stranger can work it out again."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from salesops import _money as money
from salesops.comp import _lines as rules
from salesops.comp._compile import tier_rates
from salesops.comp._line import Line, rate_at
from salesops.comp._lines import base_rate_of
from salesops.comp.bonuses import Bonus, Matrix, Scorecard
from salesops.comp.components import Commission

_BY_RATE = (*rules.BY_WAY, *rules.BY_TARGET)


def proof_of(line: Line) -> dict[str, Any]:
    """State a line: a rate on a base, each end rounded; or a change from one amount to another."""
    plan, part = line.names.plans[line.plan], line.part
    by_rate = line.rule in _BY_RATE
    proof: dict[str, Any] = {
        "rep": line.rep,
        "period": line.period,
        "plan_id": plan.plan_id,
        "component": rules.PLAN if part is None else part.name,
        "rule": rules.RULES[line.rule],
        "form": "rate" if by_rate else "change",
        "credit": line.credit or None,
        "start": _text(line, line.start),
        "end": _text(line, line.end),
        "due_before": _text(line, line.before),
        "due_after": _text(line, line.after),
        "rounding": plan.rounding,
        "rounding_step": plan.rounding_step,
        "amount": line.amount,
        "running": line.running,
        "places": line.places,
        "currency": line.names.currencies[line.plan],
    }
    if line.quota and not _by_figure(line):
        proof["quota"] = money.format_minor(line.quota, line.places)
    if line.event:
        proof["event"] = line.event
    if getattr(part, "of", None) is not None:
        named = getattr(part, "of", ())
        proof["acts_on"] = list(named) or _before(line)
    if by_rate:
        proof |= _rate_facts(line)
    if line.rule in (rules.DEAL_CAP, rules.PERIOD_CAP, rules.YEAR_CAP):
        cap = plan.cap if part is None else getattr(part, "cap", None)
        if cap is not None:
            proof |= {"limit": _text(line, Fraction(cap.amount)), "excess": cap.excess}
    return proof


def _text(line: Line, value: Fraction) -> str:
    return money.format_exact(value, least=line.places)


def _by_figure(line: Line) -> bool:
    return line.rule == rules.GOAL or getattr(line.part, "metric", None) is not None


def _before(line: Line) -> list[str]:
    """Name the components that stand before this one."""
    names = [component.name for component in line.names.plans[line.plan].components]
    return names[: names.index(line.part.name)] if line.part is not None else names


def _rate_facts(line: Line) -> dict[str, Any]:
    part, base = line.part, line.base
    facts: dict[str, Any] = {"target" if line.rule in rules.BY_TARGET else "base": _text(line, base)}
    if line.rule in (rules.TIER, rules.CATCH_UP) and isinstance(part, Commission):
        rate = rate_at(line, line.tier, line.prior)
        exact = line.after - line.before
        facts |= {"rate": money.format_exact(rate), "exact": _text(line, exact)}
        if base and rate and exact != base * rate:
            facts["share"] = money.format_exact(exact / (base * rate))
        if part.interim_rate is None:
            facts |= _tier_facts(line, part)
        return facts
    if line.rule in rules.BY_TARGET:
        facts |= _table_facts(line)
    return facts | {"rate": money.format_exact(line.rate), "exact": _text(line, line.after - line.before)}


def _tier_facts(line: Line, part: Commission) -> dict[str, Any]:
    tier, rates = part.tiers[line.tier], tier_rates(part)
    end = part.tiers[line.tier + 1].start if line.tier + 1 < len(part.tiers) else tier.end
    facts: dict[str, Any] = {
        "tier": line.tier + 1,
        "tier_from": f"{tier.start:f}",
        "tier_to": None if end is None else f"{end:f}",
        "tier_rate": money.format_exact(rates[line.tier]),
        "base_rate": money.format_exact(base_rate_of(part, line.quota, line.places, line.target)),
        "basis": part.basis,
        "style": part.style,
        "retroactive": any(each.retroactive for each in part.tiers),
    }
    if part.rate_by is not None:
        facts["rate_by"] = part.rate_by
    if line.prior >= 0:
        facts |= {
            "tier_before": line.prior + 1,
            "tier_rate_before": money.format_exact(rates[line.prior]),
        }
    return facts


def _table_facts(line: Line) -> dict[str, Any]:
    """Give the points between which a table was read, or the cell of a matrix."""
    part = line.part
    if isinstance(part, Matrix):
        return {"row": line.tier + 1, "column": line.prior + 1}
    row = part.goals[line.prior] if isinstance(part, Scorecard) else part
    if not isinstance(part, (Bonus, Scorecard)):
        return {}
    table = row.table  # type: ignore[union-attr]  # a goal or a bonus
    low = table[line.tier]
    facts = {"point": f"{low.start:f}", "pays": money.format_exact(low.pays), "style": row.style}  # type: ignore[union-attr]  # a goal or a bonus
    unit = Fraction(line.quota or 1)
    position = line.end * 10**line.places / unit if line.quota else line.end
    facts["position"] = money.format_exact(position)
    if line.tier + 1 < len(table):
        high = table[line.tier + 1]
        facts |= {"next_point": f"{high.start:f}", "next_pays": money.format_exact(high.pays)}
    return facts
