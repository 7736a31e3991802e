"""Who earns what: plans, credits, exact payouts with one explained line for every step."""

from salesops.comp.bonuses import Bonus, BonusPoint, Goal, Matrix, Scorecard
from salesops.comp.components import Cap, Commission, Match, Override, Tier
from salesops.comp.conditions import Factor, Gate, Multiplier
from salesops.comp.curve import PayoutCurve, payout_curve
from salesops.comp.engine import calculate
from salesops.comp.explain import Explanation
from salesops.comp.marginal import Marginal, NextTier
from salesops.comp.plan import CompPlan, TargetPay
from salesops.comp.results import CompRun
from salesops.comp.rewards import Contest, FixedPay, Spiff
from salesops.comp.settlement import Clawback, Draw, Floor, Guarantee, Hold
from salesops.comp.statement import Statement

__all__ = [
    "Bonus",
    "BonusPoint",
    "Cap",
    "Clawback",
    "Commission",
    "CompPlan",
    "CompRun",
    "Contest",
    "Draw",
    "Explanation",
    "Factor",
    "FixedPay",
    "Floor",
    "Gate",
    "Goal",
    "Guarantee",
    "Hold",
    "Marginal",
    "Match",
    "Matrix",
    "Multiplier",
    "NextTier",
    "Override",
    "PayoutCurve",
    "Scorecard",
    "Spiff",
    "Statement",
    "TargetPay",
    "Tier",
    "calculate",
    "payout_curve",
]
