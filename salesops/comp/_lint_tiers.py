"""Rules of the linter on rate tables and bonus tables."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from salesops.comp._lint_rows import Finding, Part, cap_of, percent, text

_PERCENT = 10
_SMALL = 10
_STEEP = Fraction(5, 2)
_ROOM = 2
_TINY_MULTIPLIER = Fraction(1, 5)
_LARGEST_RATE = Fraction(1, 2)


def lint_commission(part: Part) -> Iterator[Finding]:
    """Look at the tiers of a commission."""
    tiers = [tier for tier in part.rows("tiers") if isinstance(tier.get("from"), Fraction)]
    rated = [tier for tier in tiers if isinstance(tier.get("rate"), Fraction)]
    if part.row.get("rate_by") is None:
        yield from _thresholds(part, tiers, "tiers")
    if not tiers or len(rated) < len(tiers):
        return
    yield from _rates(part, tiers)
    yield from _cliffs(part, tiers)
    yield from _reach(part, tiers)
    if part.on_attainment:
        yield from _around_quota(part, tiers)


def _is_multiple(part: Part) -> bool:
    """Tell whether tier rates are multipliers of another rate."""
    return any(part.row.get(name) is not None for name in ("base_rate", "target", "target_share"))


def _thresholds(part: Part, rows: list[dict[str, Any]], name: str) -> Iterator[Finding]:
    starts = [(k, row["from"]) for k, row in enumerate(rows) if row["from"] > 0]
    if part.on_attainment:
        for k, start in starts:
            if start >= _PERCENT:
                yield part.find(
                    "threshold-in-percent",
                    f"{name}[{k}].from",
                    "an attainment threshold looks like a percentage",
                    percent(start),
                    "write 1 for 100 %",
                )
    elif starts and part.row.get("metric") is None and all(start < _SMALL for _, start in starts):
        yield part.find(
            "threshold-looks-like-attainment",
            f"{name}[{starts[0][0]}].from",
            "thresholds of a few units of money look like multiples of quota",
            ", ".join(text(start) for _, start in starts),
            'write "basis": "attainment"',
        )


def _rates(part: Part, tiers: list[dict[str, Any]]) -> Iterator[Finding]:
    rates = [tier["rate"] for tier in tiers]
    if not any(rates):
        yield part.find("pays-nothing", "tiers", "every rate is 0", hint="give one tier a rate")
        return
    limit = _PERCENT if _is_multiple(part) or part.row.get("measure") is not None else 1
    for k, rate in enumerate(rates):
        if rate > limit and part.row.get("measure") is None:
            yield part.find(
                "rate-in-percent",
                f"tiers[{k}].rate",
                "a rate looks like a percentage",
                f"pays {percent(rate)}",
                "write 0.05 for 5 %",
            )
    base = part.number("base_rate")
    if _is_multiple(part) and max(rates) <= _TINY_MULTIPLIER and (base is None or base <= _LARGEST_RATE):
        yield part.find(
            "multiplier-looks-like-rate",
            "tiers",
            "tier rates are multipliers here and look like rates",
            f"at most {text(max(rates))}",
            "write 1 for the base rate itself, or leave the base rate or target out",
        )
    for k, (low, high) in enumerate(pairwise(rates), 1):
        if low == high:
            yield part.find(
                "threshold-without-effect",
                f"tiers[{k}].from",
                "a threshold between two equal rates changes nothing",
                percent(high),
                "join the two tiers",
                severity="note" if len(set(rates)) > 1 else "warning",
            )


def _cliffs(part: Part, tiers: list[dict[str, Any]]) -> Iterator[Finding]:
    if part.row.get("style", "marginal") != "whole_amount" or part.row.get("rate_by") is not None:
        return
    by_year = part.row.get("accumulate") == "year"
    for k, (low, high) in enumerate(pairwise(tiers), 1):
        if high["rate"] < low["rate"]:
            loss = high["from"] * (low["rate"] - high["rate"])
            unit = "of quota, times the rate" if part.on_attainment or _is_multiple(part) else "less pay"
            yield part.find(
                "true-up" if by_year else "cliff",
                f"tiers[{k}].rate",
                "passing a threshold pays less than staying below it",
                f"{text(loss)} {unit} at {text(high['from'])}",
                'write "style": "marginal", or let rates rise',
                severity="note" if by_year else "warning",
            )
            if part.plan.get("negative", "refuse") == "refuse" and by_year:
                yield part.find(
                    "negative-refused",
                    f"tiers[{k}].rate",
                    "a year that is taken back can bring a period below 0, which the plan refuses",
                    hint='write "negative": "allow"',
                    severity="note",
                )


def _reach(part: Part, tiers: list[dict[str, Any]]) -> Iterator[Finding]:
    """Look for tiers that no payment reaches, and for an end that sales may pass."""
    cap, per = cap_of(part.row)
    if cap is not None and not part.on_attainment and not _is_multiple(part) and per == "period":
        earned = Fraction(0)
        marginal = part.row.get("style", "marginal") == "marginal"
        for k, (low, high) in enumerate(pairwise(tiers), 1):
            earned += (high["from"] - low["from"]) * low["rate"]
            before = earned if marginal else high["from"] * low["rate"]
            if cap <= before:
                yield part.find(
                    "unreachable-tier",
                    f"tiers[{k}]",
                    "the cap is reached before this tier starts",
                    f"{text(before)} at {text(high['from'])}, cap {text(cap)}",
                    "raise the cap or drop the tier",
                )
                break
    end = tiers[-1].get("to")
    if isinstance(end, Fraction):
        is_close = part.on_attainment and end < _ROOM
        yield part.find(
            "closed-top",
            f"tiers[{len(tiers) - 1}].to",
            "what is sold beyond the end of the last tier stops the run",
            text(end),
            'leave out "to" of the last tier',
            severity="warning" if is_close else "note",
        )


def rate_at_quota(tiers: list[dict[str, Any]], style: str) -> tuple[Fraction, Fraction]:
    """Give the rate in force just below 100 %, and what 100 % earns as a multiple of target."""
    earned, last = Fraction(0), tiers[0]["rate"]
    ends = [*(tier["from"] for tier in tiers[1:]), None]
    for tier, end in zip(tiers, ends, strict=True):
        top = Fraction(1) if end is None else min(Fraction(1), end)
        if top > tier["from"]:
            earned += (top - tier["from"]) * tier["rate"]
            last = tier["rate"]
    if style == "whole_amount":
        reached = max((tier for tier in tiers if tier["from"] <= 1), key=lambda tier: tier["from"])
        return last, reached["rate"]
    return last, earned


def _around_quota(part: Part, tiers: list[dict[str, Any]]) -> Iterator[Finding]:
    style = str(part.row.get("style", "marginal"))
    below, earned = rate_at_quota(tiers, style)
    above = [tier for tier in tiers if tier["from"] >= 1]
    if (part.row.get("target") or part.row.get("target_share")) is not None and earned != 1:
        meets = below == 1 or (style == "whole_amount" and earned > 1)
        yield part.find(
            "target-not-earned",
            "tiers",
            "100 % attainment does not earn the target pay",
            f"it earns {percent(earned)} of it",
            "let the multipliers up to 1 average 1",
            severity="note" if meets else "warning",
        )
    for k, tier in enumerate(tiers):
        if tier["from"] >= 1 and tier["rate"] < below and style == "marginal":
            yield part.find(
                "slows-above-quota",
                f"tiers[{k}].rate",
                "sales above quota earn less than those below it",
                f"{percent(tier['rate'])} after {percent(below)}",
                "raise the rate, or say so with a cap",
            )
            break
    is_open = cap_of(part.row)[0] is None and cap_of(part.plan)[0] is None and tiers[-1].get("to") is None
    if above and below and is_open and above[-1]["rate"] >= _STEEP * below:
        yield part.find(
            "uncapped-exposure",
            f"tiers[{len(tiers) - 1}]",
            "the last tier has no end, pays a multiple of the rate at quota, and nothing caps it",
            f"{text(above[-1]['rate'] / below)} times",
            "add a cap of the component or the plan",
        )


def lint_table(part: Part) -> Iterator[Finding]:
    """Look at the table of a bonus."""
    points = part.rows("table")
    points = [row for row in points if all(isinstance(row.get(name), Fraction) for name in ("from", "pays"))]
    if not points:
        return
    yield from _thresholds(part, points, "table")
    pays = [row["pays"] for row in points]
    if not any(pays):
        yield part.find("pays-nothing", "table", "no point pays anything", hint="give one point its pay")
        return
    for k, share in enumerate(pays):
        if share > _PERCENT:
            yield part.find(
                "rate-in-percent",
                f"table[{k}].pays",
                "a share of target looks like a percentage",
                f"pays {percent(share)}",
                "write 1 for the whole target",
            )
    for k, (low, high) in enumerate(pairwise(points), 1):
        if high["pays"] < low["pays"]:
            yield part.find(
                "cliff",
                f"table[{k}].pays",
                "reaching a point pays less than staying below it",
                f"{percent(high['pays'])} after {percent(low['pays'])}",
                "let the table rise",
            )
    if len(points) == 1 or len(set(pays)) == 1:
        yield part.find(
            "table-without-effect", "table", "the table pays the same whatever is reached", percent(pays[0])
        )
    at_target = _at(points, Fraction(1), str(part.row.get("style", "step")))
    if part.on_attainment and at_target != 1 and len(points) > 1 and part.row.get("kind") == "bonus":
        yield part.find(
            "target-not-earned",
            "table",
            "100 % attainment does not earn the target pay",
            f"it earns {percent(at_target)} of it",
            "add a point that pays 1 from 1",
        )


def _at(points: list[dict[str, Any]], place: Fraction, style: str) -> Fraction:
    reached = [k for k, row in enumerate(points) if row["from"] <= place]
    if not reached:
        return Fraction(0)
    k = reached[-1]
    pays: Fraction = points[k]["pays"]
    if style == "interpolated" and k + 1 < len(points):
        width = points[k + 1]["from"] - points[k]["from"]
        pays += (points[k + 1]["pays"] - pays) * (place - points[k]["from"]) / width
    return pays
