"""Rules of the linter on whole plans, and on conditions, draws, contests and scorecards."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, pairwise

from salesops.comp._lint_rows import Document, Finding, Part, cap_of, parts_of, percent, text
from salesops.comp._lint_tiers import lint_commission, lint_table

Rule = Callable[[Part], Iterator[Finding]]

_PERCENT = 10
_ALIKE = 0.8
_COUNTS = frozenset({"commission", "override", "bonus", "spiff", "contest"})
_PAYS = frozenset({"commission", "override", "bonus", "scorecard", "matrix", "spiff", "contest", "fixed"})


def lint_plan(plan: Document) -> Iterator[Finding]:
    """Go through a plan; a component of a kind that no rule knows is passed over."""
    parts = list(parts_of(plan))
    for part in parts:
        yield from _cap_of_part(part)
        for rule in _RULES.get(str(part.row.get("kind")), ()):
            yield from rule(part)
    whole = Part(plan, "$", plan)
    yield from _currency(whole, parts)
    yield from _measures(parts)
    yield from _twins(parts)
    yield from _limits(whole, parts)


def _cap_of_part(part: Part) -> Iterator[Finding]:
    cap, _ = cap_of(part.row)
    if cap is None:
        return
    if not cap:
        yield part.find("cap-zero", "cap", "a cap of 0 pays nothing", hint="leave the cap out or raise it")
    target = part.number("target")
    if target is not None and 0 < cap < target:
        yield part.find(
            "cap-below-target",
            "cap",
            "the cap keeps the target from being earned",
            f"cap {text(cap)}, target {text(target)}",
            "raise the cap",
        )


def _currency(whole: Part, parts: list[Part]) -> Iterator[Finding]:
    if whole.row.get("currency") is not None:
        return
    named = [
        path
        for path, row in [("", whole.row), *((part.path, part.row) for part in parts)]
        if any(row.get(name) is not None for name in ("cap", "guarantee", "target", "amount"))
    ]
    on_money = [part.path for part in parts if not part.on_attainment and len(part.rows("tiers")) > 1]
    if named or on_money:
        yield whole.find(
            "no-currency",
            "currency",
            "the plan states amounts and no currency",
            hint='name it, as in "currency": "USD"',
        )


def _measures(parts: list[Part]) -> Iterator[Finding]:
    counting = [part for part in parts if "measure" in part.row or part.row.get("kind") in _PAYS]
    counting = [
        part for part in counting if part.row.get("kind") in ("commission", "override", "bonus", "spiff")
    ]
    named = {str(part.row["measure"]): part for part in counting if part.row.get("measure") is not None}
    silent = [part for part in counting if part.row.get("measure") is None and part.row.get("metric") is None]
    if named and silent:
        yield silent[0].find(
            "measure-open",
            "measure",
            "a component without a measure stands beside components that name theirs",
            ", ".join(sorted(named)),
            "name the measure of each component",
        )
    for low, high in combinations(sorted(named), 2):
        same = low.strip().casefold().replace("_", " ") == high.strip().casefold().replace("_", " ")
        near = min(len(low), len(high)) > 3 and difflib.SequenceMatcher(None, low, high).ratio() >= _ALIKE
        if same or near:
            yield named[high].find(
                "measures-look-alike",
                "measure",
                "two measures differ by a slip of the keyboard",
                f"{low!r} and {high!r}",
                "spell them alike if they are one",
            )


def _twins(parts: list[Part]) -> Iterator[Finding]:
    for first, second in combinations(parts, 2):
        if first.row.get("kind") not in _PAYS:
            continue
        if {**first.row, "name": ""} == {**second.row, "name": ""}:
            yield second.find(
                "paid-twice",
                "",
                "two components are the same but for their names",
                f"{first.row.get('name')!r} and {second.row.get('name')!r}",
                "drop one, or let them count different credits",
            )


def _limits(whole: Part, parts: list[Part]) -> Iterator[Finding]:
    cap, per = cap_of(whole.row)
    guarantee = whole.number("guarantee")
    targets = [target for part in parts if (target := part.number("target")) is not None]
    if cap is not None and not cap:
        yield whole.find("cap-zero", "cap", "a cap of 0 pays nothing", hint="leave the cap out or raise it")
    if cap and targets and per == "period" and cap < sum(targets):
        yield whole.find(
            "cap-below-target",
            "cap",
            "the cap keeps the targets of the components from being earned",
            f"cap {text(cap)}, targets {text(Fraction(sum(targets)))}",
            "raise the cap",
        )
    if guarantee is not None and targets and guarantee >= sum(targets):
        yield whole.find(
            "guarantee-without-effort",
            "guarantee",
            "the guarantee pays as much as reaching all targets",
            f"guarantee {text(guarantee)}, targets {text(Fraction(sum(targets)))}",
            "lower the guarantee",
        )
    yield from _shares(whole, parts)
    for part in parts:
        own, own_per = cap_of(part.row)
        if cap and own is not None and own > cap and own_per == per:
            yield part.find(
                "cap-without-effect",
                "cap",
                "the cap of the plan holds before this one",
                f"{text(own)} above {text(cap)}",
                "lower it or drop it",
            )
    if whole.row.get("rounding_step") == "credit":
        yield whole.find(
            "lines-drift",
            "rounding_step",
            "lines rounded one by one need not add up to the rounded total",
            hint='write "rounding_step": "to_date"',
            severity="note",
        )


def _shares(whole: Part, parts: list[Part]) -> Iterator[Finding]:
    """Look whether the components share out the variable pay of the plan."""
    shares = [share for part in parts if (share := part.number("target_share")) is not None]
    if whole.row.get("pay") is not None and shares and sum(shares) != 1:
        yield whole.find(
            "targets-sum",
            "components",
            "the shares of variable pay do not add up to 1",
            percent(Fraction(sum(shares))),
            "let the target shares of the components add up to 1",
        )


def _guarantee(part: Part) -> Iterator[Finding]:
    table = part.row.get("amounts")
    amounts = [Fraction(amount) for amount in table] if isinstance(table, (list, tuple)) else []
    targets = [target for other in parts_of(part.plan) if (target := other.number("target")) is not None]
    if amounts and targets and min(amounts) >= sum(targets) and part.row.get("then", "stays") == "stays":
        found = f"guarantee {text(min(amounts))}, targets {text(Fraction(sum(targets)))}"
        message = "the guarantee pays as much as reaching all targets"
        yield part.find("guarantee-without-effort", "amounts", message, found, "lower the guarantee")


def _floor(part: Part) -> Iterator[Finding]:
    named, before = part.row.get("of"), []
    for other in parts_of(part.plan):
        if other.path == part.path:
            break
        before.append(other)
    acted = [other for other in before if not named or other.row.get("name") in named]
    if acted and not any(
        other.row.get("kind") in _COUNTS and other.row.get("metric") is None for other in acted
    ):
        message = "none of the components that the floor acts on counts credits, so it never acts"
        yield part.find("floor-never-acts", "of", message, hint='write "kind": "guarantee"')


def _gate(part: Part) -> Iterator[Finding]:
    least = part.number("at_least")
    if part.number("otherwise") == 1:
        yield part.find("gate-without-effect", "otherwise", "a closed gate pays as much as an open one")
    if least is None:
        return
    if not least:
        yield part.find("gate-without-effect", "at_least", "a gate at 0 is always open")
    if part.on_attainment and least >= _PERCENT:
        yield part.find(
            "threshold-in-percent",
            "at_least",
            "an attainment threshold looks like a percentage",
            percent(least),
            "write 1 for 100 %",
        )
    tops = [top for other in parts_of(part.plan) if (top := _top(other, part)) is not None]
    if tops and least > max(tops):
        yield part.find(
            "gate-never-opens",
            "at_least",
            "the gate lies beyond the end of the last tier",
            f"{text(least)}, tiers end at {text(max(tops))}",
            "lower the gate, or let the tiers go on",
        )


def _top(other: Part, gate: Part) -> Fraction | None:
    """Give the end of tiers that count what a gate counts."""
    same = other.row.get("measure") in (None, gate.row.get("measure")) and gate.row.get("metric") is None
    tiers = other.rows("tiers")
    if not tiers or not same or other.on_attainment != gate.on_attainment:
        return None
    end = tiers[-1].get("to")
    return end if isinstance(end, Fraction) else None


def _multiplier(part: Part) -> Iterator[Finding]:
    factors = [row.get("pays") for name in ("table", "factors") for row in part.rows(name)]
    known = [factor for factor in factors if isinstance(factor, Fraction)]
    if not known:
        return
    if part.rows("factors"):
        known.append(
            Fraction(1) if part.number("otherwise") is None else part.number("otherwise") or Fraction(0)
        )
    if set(known) == {Fraction(1)}:
        yield part.find("multiplier-without-effect", "", "every factor is 1")
    if not any(known):
        yield part.find("pays-nothing", "", "every factor is 0", hint="give one a value")
    if max(known) >= _PERCENT:
        found = f"times {text(max(known))}"
        yield part.find(
            "rate-in-percent", "", "a factor looks like a percentage", found, "write 1.25 for 125 %"
        )


def _scorecard(part: Part) -> Iterator[Finding]:
    goals = part.rows("goals")
    weights = [goal["weight"] for goal in goals if isinstance(goal.get("weight"), Fraction)]
    if weights and len(weights) == len(goals) and sum(weights) != 1:
        yield part.find(
            "weights-sum",
            "goals",
            "the weights of the goals do not add up to 1",
            percent(Fraction(sum(weights))),
            "let them add up to 1, so that reaching all goals pays the target",
        )
    names = [str(goal.get("metric")) for goal in goals]
    for k, name in enumerate(names):
        if name in names[:k]:
            yield part.find("paid-twice", f"goals[{k}].metric", "two goals read one figure", repr(name))
        table = Part({**goals[k], "kind": "goal"}, f"{part.path}.goals[{k}]", part.plan)
        yield from lint_table(table)


def _draw(part: Part) -> Iterator[Finding]:
    recoverable = part.row.get("recoverable", True)
    if recoverable and part.number("recovery_rate") == 0:
        yield part.find("never-recovered", "recovery_rate", "a recoverable draw is never earned back")
    if recoverable and part.number("balance_limit") == 0:
        yield part.find("never-advanced", "balance_limit", "a balance of at most 0 allows no advance")
    lapses, starts = part.number("forgiven_after"), part.number("recovery_start")
    if recoverable and lapses is not None and starts is not None and lapses < starts:
        found = f"forgiven after {text(lapses)}, recovered from {text(starts)}"
        message = "what is owed is forgiven before its recovery starts"
        yield part.find("never-recovered", "forgiven_after", message, found)
    amount = part.number("amount")
    targets = [target for other in parts_of(part.plan) if (target := other.number("target")) is not None]
    if amount is not None and targets and amount > sum(targets):
        found = f"draw {text(amount)}, targets {text(Fraction(sum(targets)))}"
        message = "the draw is more than reaching all targets earns, so what is owed only grows"
        yield part.find("draw-above-target", "amount", message, found, "lower the draw")


def _contest(part: Part) -> Iterator[Finding]:
    table = part.row.get("prizes")
    prizes = [Fraction(prize) for prize in table] if isinstance(table, (list, tuple)) else []
    if any(high > low for low, high in pairwise(prizes)):
        yield part.find("prizes-rise", "prizes", "a later place wins more than an earlier one")


def _clawback(part: Part) -> Iterator[Finding]:
    if part.number("window") == 0:
        yield part.find("never-taken-back", "window", "a window of 0 takes nothing back")
    term = part.number("term")
    if term is not None and part.row.get("prorate", "none") == "none":
        message = "a term says nothing where nothing is prorated"
        yield part.find("term-without-effect", "term", message, hint='write "prorate": "months"')


_RULES: dict[str, tuple[Rule, ...]] = {
    "commission": (lint_commission,),
    "override": (lint_commission,),
    "bonus": (lint_table,),
    "gate": (_gate,),
    "multiplier": (_multiplier,),
    "scorecard": (_scorecard,),
    "draw": (_draw,),
    "guarantee": (_guarantee,),
    "contest": (_contest,),
    "floor": (_floor,),
    "clawback": (_clawback,),
}
"""Rules by kind of component; a new kind takes one line here."""
