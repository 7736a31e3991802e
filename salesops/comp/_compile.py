"""From the words of a plan to whole numbers that kernels read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from salesops._money import Whole
from salesops.comp._kernels import Schedule, Table
from salesops.comp.bonuses import BonusPoint
from salesops.comp.components import Commission
from salesops.errors import InvalidInput, Problem


def whole_array(values: Sequence[int]) -> Whole:
    """Hold whole numbers of any size."""
    fits = all(abs(value) < 2**63 for value in values)
    return np.array(values, dtype=np.int64 if fits else object)


def _scaled(values: Sequence[Fraction]) -> tuple[list[int], int]:
    """Multiply rationals by their common denominator."""
    scale = math.lcm(*(value.denominator for value in values))
    return [int(value * scale) for value in values], scale


def _positions(starts: Sequence[Decimal], basis: str, places: int) -> list[Fraction]:
    """Take thresholds in minor units, or in multiples of a quota in minor units."""
    unit = 1 if basis == "attainment" else 10**places
    return [Fraction(start) * unit for start in starts]


def compile_commission(part: Commission, places: int) -> Schedule:
    """Turn the tiers of a commission into a schedule; a base rate is multiplied into the rates."""
    ends = [part.tiers[-1].end] if part.tiers[-1].end is not None else []
    points, point_scale = _scaled(
        _positions([*(tier.start for tier in part.tiers), *ends], part.basis, places)
    )
    base = Fraction(1) if part.base_rate is None else part.base_rate
    rates, rate_scale = _scaled([rate * base for rate in tier_rates(part)])
    top = points.pop() if ends else None
    earned = [0]
    for k, rate in enumerate(rates[:-1]):
        earned.append(earned[-1] + rate * (points[k + 1] - points[k]))
    return Schedule(
        thresholds=whole_array(points),
        rates=whole_array(rates),
        earned=whole_array(earned),
        top=top,
        point_scale=point_scale,
        rate_scale=rate_scale,
        upper=part.bound == "upper",
    )


def tier_rates(part: Commission) -> list[Fraction]:
    """Give the rate of each tier; an amount is spread over its tier, per 1.00 or per quota."""
    rates = []
    for k, tier in enumerate(part.tiers):
        if tier.amount is None:
            rates.append(Fraction(0) if tier.rate is None else tier.rate)
            continue
        end = part.tiers[k + 1].start if k + 1 < len(part.tiers) else tier.end
        rates.append(Fraction(tier.amount) / (Fraction(end or 0) - Fraction(tier.start)))
    return rates


def retroactive_groups(part: Commission) -> list[int]:
    """Give for each tier the one whose rate holds from 0 on once the tier is reached."""
    groups: list[int] = []
    for k, tier in enumerate(part.tiers):
        groups.append(k if tier.retroactive or k == 0 else groups[-1])
    return groups


def compile_table(table: Sequence[BonusPoint], *, upper: bool, interpolated: bool, unit: int) -> Table:
    """Turn the points of a table into whole numbers; `unit` is 1 for multiples, else what 1.00 stands for."""
    points, point_scale = _scaled([Fraction(point.start) * unit for point in table])
    pays, rate_scale = _scaled([point.pays for point in table])
    return Table(
        points=whole_array(points),
        pays=whole_array(pays),
        point_scale=point_scale,
        rate_scale=rate_scale,
        upper=upper,
        interpolated=interpolated,
    )


def minor_amount(amount: Decimal, places: int, path: str) -> int:
    """Give an amount of the plan that is paid as it stands in minor units."""
    minor = Fraction(amount) * 10**places
    if minor.denominator != 1:
        message = "an amount that is paid has no more decimals than its currency"
        raise InvalidInput("plan: 1 problem", [Problem(path=path, message=message, values=(f"{amount:f}",))])
    return int(minor)
