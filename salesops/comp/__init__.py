"""Who earns what: plans, credits, exact payouts with one explained line for every step."""

from salesops.comp.components import Bonus, BonusPoint, Cap, Commission, Tier
from salesops.comp.curve import PayoutCurve, payout_curve
from salesops.comp.engine import calculate
from salesops.comp.explain import Explanation
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.comp.statement import Statement

__all__ = [
    "Bonus",
    "BonusPoint",
    "Cap",
    "Commission",
    "CompPlan",
    "CompRun",
    "Explanation",
    "PayoutCurve",
    "Statement",
    "Tier",
    "calculate",
    "payout_curve",
]
