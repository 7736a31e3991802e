"""Why a line pays what it pays, as one sentence."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from salesops.comp import _lines as rules
from salesops.comp._line import Line, percent, rate_at, readable, scope, tier_words, when
from salesops.comp.bonuses import Bonus, Matrix, Scorecard
from salesops.comp.conditions import Gate, Multiplier
from salesops.comp.rewards import Spiff
from salesops.errors import show


def sentence_of(line: Line) -> str:
    """Explain a line in words."""
    return _SENTENCES[line.rule](line)


def _explain_tier(line: Line) -> str:
    low, high = line.way
    base = line.end - line.start
    rate = rate_at(line, line.tier)
    text = (
        f"{_who(line)} moved {line.rep} from {line.money(low)} to {line.money(high)} {scope(line)}; "
        f"{line.money(base)} of it fell in {tier_words(line, line.tier)} at {percent(rate)}"
    )
    return f"{text} = {line.money(base * rate)}{_rounded(line, base * rate)}."


def _explain_catch_up(line: Line) -> str:
    base = line.end - line.start
    old, new = rate_at(line, line.prior), rate_at(line, line.tier)
    text = (
        f"With {_what(line)} the total {scope(line)} came into {tier_words(line, line.tier)}; "
        f"the {line.money(base)} credited before earn {percent(new)} instead of {percent(old)}"
    )
    return f"{text} = {line.money(base * (new - old))}{_rounded(line, base * (new - old))}."


def _rounded(line: Line, exact: Fraction) -> str:
    """Say how the exact amount became the one that is paid."""
    if exact * 10**line.places == line.amount:
        return ""
    plan = line.names.plans[line.plan]
    what = "of the credit" if plan.rounding_step == "credit" else "to date"
    return (
        f"; commission {what} went from {line.money(line.before)} to {line.money(line.after)}, "
        f"both rounded {plan.rounding}, so the line pays {line.paid()}"
    )


def _explain_bonus(line: Line) -> str:
    part = line.part
    if not isinstance(part, Bonus):
        return ""
    reached = f"{line.rep} was credited {line.money(line.end)} {when(line)}"
    if part.metric is not None:
        reached = f"{line.rep} reached {readable(line.figure, 0)} in {show(part.metric)} {when(line)}"
    elif part.basis == "attainment":
        quota = Fraction(line.quota, 10**line.places)
        reached += f", {percent(line.end / quota)} of the quota of {line.money(quota)}"
    due = f"{percent(line.rate)} of the target of {line.money(line.base)} = {line.money(line.after)}"
    rounding = line.names.plans[line.plan].rounding
    tail = "" if line.after * 10**line.places == line.amount else f", rounded {rounding} to {line.paid()}"
    return f"{reached}; the table pays {due}{tail}."


def _explain_cap(line: Line) -> str:
    what = {
        rules.DEAL_CAP: f"With credit {line.credit} the commission of the deal to date",
        rules.PERIOD_CAP: f"The pay of {line.rep} {when(line)}",
        rules.YEAR_CAP: f"The pay of {line.rep} in the year up to {line.period}",
    }[line.rule]
    part = "" if line.part is None else f" by {show(line.part.name)}"
    return (
        f"{what}{part} was {line.money(line.start)} before the cap and is {line.money(line.end)} after it; "
        f"this line adjusts by {line.paid()}."
    )


def _explain_guarantee(line: Line) -> str:
    return (
        f"The pay of {line.rep} {when(line)} was {line.money(line.start)}; "
        f"the guarantee of {line.money(line.end)} adds {line.paid()}."
    )


def _explain_true_up(line: Line) -> str:
    return (
        f"{line.rep} was paid {line.money(line.start)} in the year up to {line.period}; the tiers give "
        f"{line.money(line.end)}, so this line adds {line.paid()}."
    )


def _target(line: Line) -> Fraction:
    return Fraction(line.target, 10**line.places)


def _explain_goal(line: Line) -> str:
    card = line.part
    if not isinstance(card, Scorecard):
        return ""
    goal = card.goals[line.prior]
    reached = readable(line.figure, 0)
    share = line.after / _target(line) if line.target else Fraction(0)
    return (
        f"{line.rep} reached {reached} in {show(goal.metric)} {when(line)}; the table "
        f"pays {percent(share)} of {line.money(_target(line))}, {percent(goal.weight)} of the "
        f"target, = {line.paid()}."
    )


def _explain_cell(line: Line) -> str:
    part = line.part
    if not isinstance(part, Matrix):
        return ""
    where = f"{show(part.row_metric)} and {show(part.column_metric)} {when(line)}"
    if line.tier < 0 or line.prior < 0:
        return f"{line.rep} stayed below the first step of {where}, which pays nothing."
    share = part.pays[line.tier][line.prior]
    return (
        f"{line.rep} reached row {line.tier + 1} and column {line.prior + 1} of {where}; the cell pays "
        f"{percent(share)} of {line.money(_target(line))} = {line.paid()}."
    )


def _explain_spiff(line: Line) -> str:
    per = line.part.per if isinstance(line.part, Spiff) else "unit"
    each = f"{line.money(_target(line))} for each {per}"
    return f"Credit {line.credit} counts {readable(line.end, 0)} at {each} = {line.paid()}."


def _explain_prize(line: Line) -> str:
    return (
        f"With {line.money(line.end)} {line.rep} came to place {line.tier + 1} {when(line)}; "
        f"the prize is {line.paid()}."
    )


def _explain_fixed(line: Line) -> str:
    whole = "" if line.end == _target(line) else f" of {line.money(_target(line))} for a whole period"
    return f"{line.rep} has the plan {when(line)}, which pays {line.paid()}{whole}."


def _explain_multiplier(line: Line) -> str:
    part = line.part
    by = ""
    if isinstance(part, Multiplier):
        by = f" by {show(part.field or part.metric or part.measure or 'what was credited')}"
    whose = f"credit {line.credit}" if line.credit else line.rep
    rate = line.rate
    word = "adds" if rate > 0 else "takes off"
    return (
        f"The pay of {whose} {when(line)} was {line.money(line.end)} before this; the factor{by} is "
        f"{percent(1 + rate)}, which {word} {percent(abs(rate))} = {line.paid()}."
    )


def _explain_gate(line: Line) -> str:
    part = line.part
    bound = f" of {readable(Fraction(part.at_least), 0)}" if isinstance(part, Gate) else ""
    found = "did not reach"
    if isinstance(part, Gate) and part.metric is not None and not line.quota:
        found = f"has no figure {part.metric!r} to reach"
    return (
        f"{line.rep} {found} the gate{bound} {when(line)}; of {line.money(line.end)} earned before it "
        f"{percent(-line.rate)} is not paid = {line.paid()}."
    )


def _explain_floor(line: Line) -> str:
    what = f"With credit {line.credit} the deal" if line.credit else f"{line.rep} {when(line)}"
    return f"{what} had earned {line.money(line.start)}; the floor brings it to {line.money(line.end)}."


def _explain_clawback(line: Line) -> str:
    return (
        f"Event {line.event} takes back {percent(-line.rate)} of the {line.money(line.end)} that credit "
        f"{line.credit} had earned = {line.paid()}."
    )


def _explain_held(line: Line) -> str:
    return (
        f"Of the {line.money(line.end)} that credit {line.credit} earned, {percent(-line.rate)} is on hold = "
        f"{line.paid()}."
    )


def _explain_released(line: Line) -> str:
    return f"The {line.money(line.start)} on hold for credit {line.credit} is released and paid."


def _explain_forfeited(line: Line) -> str:
    return (
        f"Of the {line.money(line.start)} on hold for credit {line.credit}, {line.paid()} is forfeited and "
        f"sets off the clawback, so that nothing is taken that was never paid."
    )


def _explain_draw(line: Line) -> str:
    part = line.part
    if getattr(part, "recoverable", True):
        return (
            f"The draw advances {line.paid()} to {line.rep} {when(line)}; what is owed goes from "
            f"{line.money(line.start)} to {line.money(line.end)}."
        )
    return (
        f"{line.rep} had earned {line.money(line.start)} {when(line)}; the draw of {line.money(line.end)} "
        f"adds {line.paid()}, which is not owed."
    )


def _explain_recovery(line: Line) -> str:
    return (
        f"{line.rep} repays {line.money(line.start - line.end)} of the draw {when(line)}; what is owed goes "
        f"from {line.money(line.start)} to {line.money(line.end)}."
    )


def _explain_forgiven(line: Line) -> str:
    return f"The {line.money(line.start)} that {line.rep} owed on the draw is forgiven after {line.period}."


def _explain_carried(line: Line) -> str:
    return (
        f"The pay of {line.rep} {when(line)} was below 0 by {line.paid()}, which is carried on; what is "
        f"owed goes from {line.money(line.start)} to {line.money(line.end)}."
    )


def _explain_set_off(line: Line) -> str:
    return (
        f"{line.money(line.start - line.end)} of what {line.rep} earned {when(line)} is set off against "
        f"what was carried; what is owed goes from {line.money(line.start)} to {line.money(line.end)}."
    )


_SENTENCES: dict[int, Callable[[Line], str]] = {
    rules.TIER: _explain_tier,
    rules.CATCH_UP: _explain_catch_up,
    rules.BONUS: _explain_bonus,
    rules.DEAL_CAP: _explain_cap,
    rules.PERIOD_CAP: _explain_cap,
    rules.YEAR_CAP: _explain_cap,
    rules.GUARANTEE: _explain_guarantee,
    rules.TRUE_UP: _explain_true_up,
    rules.GOAL: _explain_goal,
    rules.CELL: _explain_cell,
    rules.SPIFF: _explain_spiff,
    rules.PRIZE: _explain_prize,
    rules.FIXED: _explain_fixed,
    rules.MULTIPLIER: _explain_multiplier,
    rules.GATE: _explain_gate,
    rules.DEAL_FLOOR: _explain_floor,
    rules.PERIOD_FLOOR: _explain_floor,
    rules.CLAWBACK: _explain_clawback,
    rules.HELD: _explain_held,
    rules.RELEASED: _explain_released,
    rules.FORFEITED: _explain_forfeited,
    rules.DRAW: _explain_draw,
    rules.RECOVERY: _explain_recovery,
    rules.FORGIVEN: _explain_forgiven,
    rules.CARRIED: _explain_carried,
    rules.SET_OFF: _explain_set_off,
}


def _who(line: Line) -> str:
    return f"Credit {line.credit}" if line.credit else "What was credited in the period"


def _what(line: Line) -> str:
    return f"credit {line.credit}" if line.credit else "what was credited in the period"
