"""Why a line pays what it pays: a sentence, and the same as facts, from what the run has stored."""

from __future__ import annotations

import html
from fractions import Fraction
from typing import Any

import attrs
import numpy as np

from salesops import _money as money
from salesops.comp import _lines as rules
from salesops.comp._lines import Lines, Names, rate_of
from salesops.comp._periods import EVERY_PERIOD
from salesops.comp.components import Bonus, Commission
from salesops.errors import show

__all__ = ["Explanation"]


@attrs.frozen(kw_only=True, repr=False)
class Explanation:
    """One line in words and as facts.

    Parameters
    ----------
    line_id : int
    text : str
        What ``print`` shows.
    facts : dict
        Plain JSON types. Amounts with a fraction are exact text in major units; ``amount`` is minor units.

    Examples
    --------
    >>> Explanation(line_id=0, text="500.00 at 10 % = 50.00.", facts={"amount": 5000})
    500.00 at 10 % = 50.00.
    """

    line_id: int
    text: str
    facts: dict[str, Any] = attrs.field(hash=False)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"

    def to_dict(self) -> dict[str, Any]:
        """Return the facts and the sentence as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> Explanation(line_id=0, text="500.00 at 10 % = 50.00.", facts={"amount": 5000}).to_dict()
        {'amount': 5000, 'text': '500.00 at 10 % = 50.00.'}
        """
        return {**self.facts, "text": self.text}


@attrs.frozen(kw_only=True)
class _Line:
    """One line with its numbers as rationals in major units."""

    names: Names
    rep: str
    period: str
    plan: int
    part: Commission | Bonus | None
    rule: int
    credit: str
    tier: int
    prior: int
    start: Fraction
    end: Fraction
    before: Fraction
    after: Fraction
    quota: int
    amount: int
    way: tuple[Fraction, Fraction]

    @property
    def places(self) -> int:
        """Decimals of the currency."""
        return self.names.places(self.plan)

    def money(self, value: Fraction) -> str:
        """Write an amount for people, exactly if it ends as a decimal; the facts are always exact."""
        return _readable(value, self.places)

    def paid(self) -> str:
        """Write what the line pays, for people."""
        return money.format_minor(self.amount, self.places, thousands=True)


def explain_line(lines: Lines, names: Names, k: int) -> Explanation:
    """Explain one line."""
    line = _line(lines, names, k)
    sentence = _SENTENCES[line.rule](line)
    facts = _facts(line)
    return Explanation(line_id=k, text=sentence, facts={"line_id": k, **facts})


def _line(lines: Lines, names: Names, k: int) -> _Line:
    plan, credit = int(lines.plan[k]), int(lines.credit[k])
    unit = 10 ** names.places(plan)
    scale, over = int(lines.scale[k]) * unit, int(lines.over[k]) * unit
    start, end = Fraction(int(lines.start[k]), scale), Fraction(int(lines.end[k]), scale)
    way = start, end
    if credit >= 0 and lines.rule[k] == rules.TIER:
        same = (lines.credit == credit) & (lines.part == lines.part[k]) & (lines.rule == rules.TIER)
        own = np.flatnonzero(same)
        way = Fraction(int(lines.start[own[0]]), scale), Fraction(int(lines.end[own[-1]]), scale)
    return _Line(
        names=names,
        rep=show(names.reps[int(lines.rep[k])]),
        period=names.periods[int(lines.period[k])],
        plan=plan,
        part=names.part(plan, int(lines.part[k])),
        rule=int(lines.rule[k]),
        credit=show(names.credits[credit]) if credit >= 0 else "",
        tier=int(lines.tier[k]),
        prior=int(lines.prior[k]),
        start=start,
        end=end,
        before=Fraction(int(lines.before[k]), over),
        after=Fraction(int(lines.after[k]), over),
        quota=int(lines.quota[k]),
        amount=int(lines.amount[k]),
        way=way,
    )


def percent(rate: Fraction) -> str:
    """Write a rate in percent for people."""
    return f"{_readable(rate * 100, 0)} %"


def _readable(value: Fraction, least: int) -> str:
    text = money.format_exact(value, least=least, thousands=True)
    if "/" not in text:
        return text
    places = least + 4
    return f"about {money.format_minor(money.round_fraction(value * 10**places), places, thousands=True)}"


def _scope(line: _Line) -> str:
    part = line.part
    scope = part.accumulate if isinstance(part, Commission) else "period"
    if scope == "deal":
        return "of its deal"
    return f"in the year up to {line.period}" if scope == "year" else _when(line)


def _when(line: _Line) -> str:
    return "in all" if line.period == EVERY_PERIOD else f"in {line.period}"


def _tier_words(line: _Line, tier: int) -> str:
    part = line.part
    if not isinstance(part, Commission):
        return ""
    start = part.tiers[tier].start
    if part.basis == "amount":
        return f"tier {tier + 1} (from {line.money(Fraction(start))})"
    quota = line.money(Fraction(line.quota, 10**line.places))
    return f"tier {tier + 1} (from {percent(Fraction(start))} of the quota of {quota})"


def _rate(line: _Line, tier: int, prior: int = -1) -> Fraction:
    part = line.part
    return (
        rate_of(part, tier, prior, line.quota, line.places) if isinstance(part, Commission) else Fraction(0)
    )


def _explain_tier(line: _Line) -> str:
    low, high = line.way
    base = line.end - line.start
    rate = _rate(line, line.tier)
    text = (
        f"Credit {line.credit} moved {line.rep} from {line.money(low)} to {line.money(high)} {_scope(line)}; "
        f"{line.money(base)} of it fell in {_tier_words(line, line.tier)} at {percent(rate)}"
    )
    return f"{text} = {line.money(base * rate)}{_rounded(line, base * rate)}."


def _explain_catch_up(line: _Line) -> str:
    base = line.end - line.start
    old, new = _rate(line, line.prior), _rate(line, line.tier)
    text = (
        f"With credit {line.credit} the total {_scope(line)} came into {_tier_words(line, line.tier)}; "
        f"the {line.money(base)} credited before earn {percent(new)} instead of {percent(old)}"
    )
    return f"{text} = {line.money(base * (new - old))}{_rounded(line, base * (new - old))}."


def _rounded(line: _Line, exact: Fraction) -> str:
    """Say how the exact amount became the one that is paid."""
    if exact * 10**line.places == line.amount:
        return ""
    plan = line.names.plans[line.plan]
    what = "of the credit" if plan.rounding_step == "credit" else "to date"
    return (
        f"; commission {what} went from {line.money(line.before)} to {line.money(line.after)}, "
        f"both rounded {plan.rounding}, so the line pays {line.paid()}"
    )


def _explain_bonus(line: _Line) -> str:
    part = line.part
    if not isinstance(part, Bonus):
        return ""
    pays = line.after / Fraction(part.target)
    reached = f"{line.rep} was credited {line.money(line.end)} {_when(line)}"
    if part.basis == "attainment":
        quota = Fraction(line.quota, 10**line.places)
        reached += f", {percent(line.end / quota)} of the quota of {line.money(quota)}"
    due = f"{percent(pays)} of the target of {line.money(Fraction(part.target))} = {line.money(line.after)}"
    rounding = line.names.plans[line.plan].rounding
    tail = "" if line.after * 10**line.places == line.amount else f", rounded {rounding} to {line.paid()}"
    return f"{reached}; the table pays {due}{tail}."


def _explain_cap(line: _Line) -> str:
    what = {
        rules.DEAL_CAP: f"With credit {line.credit} the commission of the deal to date",
        rules.PERIOD_CAP: f"The pay of {line.rep} {_when(line)}",
        rules.YEAR_CAP: f"The pay of {line.rep} in the year up to {line.period}",
    }[line.rule]
    part = "" if line.part is None else f" by {show(line.part.name)}"
    return (
        f"{what}{part} was {line.money(line.start)} before the cap and is {line.money(line.end)} after it; "
        f"this line adjusts by {line.paid()}."
    )


def _explain_guarantee(line: _Line) -> str:
    return (
        f"The pay of {line.rep} {_when(line)} was {line.money(line.start)}; "
        f"the guarantee of {line.money(line.end)} adds {line.paid()}."
    )


_SENTENCES = {
    rules.TIER: _explain_tier,
    rules.CATCH_UP: _explain_catch_up,
    rules.BONUS: _explain_bonus,
    rules.DEAL_CAP: _explain_cap,
    rules.PERIOD_CAP: _explain_cap,
    rules.YEAR_CAP: _explain_cap,
    rules.GUARANTEE: _explain_guarantee,
}


def _facts(line: _Line) -> dict[str, Any]:
    """State the line as plain values; a checker can work it out again from these alone."""
    plan, part = line.names.plans[line.plan], line.part
    facts: dict[str, Any] = {
        "rep": line.rep,
        "period": line.period,
        "plan_id": plan.plan_id,
        "component": rules.PLAN if part is None else part.name,
        "rule": rules.RULES[line.rule],
        "credit": line.credit or None,
        "start": money.format_exact(line.start, least=line.places),
        "end": money.format_exact(line.end, least=line.places),
        "due_before": money.format_exact(line.before, least=line.places),
        "due_after": money.format_exact(line.after, least=line.places),
        "rounding": plan.rounding,
        "rounding_step": plan.rounding_step,
        "amount": line.amount,
        "currency": line.names.currencies[line.plan],
    }
    if line.quota:
        facts["quota"] = money.format_minor(line.quota, line.places)
    if line.rule in (rules.TIER, rules.CATCH_UP):
        base = line.end - line.start
        rate = _rate(line, line.tier, line.prior)
        facts |= {
            "tier": line.tier + 1,
            "base": money.format_exact(base, least=line.places),
            "rate": money.format_exact(rate),
            "exact": money.format_exact(base * rate, least=line.places),
        }
        if line.prior >= 0:
            facts["tier_before"] = line.prior + 1
    return facts
