"""Who earns what: plans, credits, exact payouts with one explained line for every step."""

from salesops.comp import design
from salesops.comp.amortization import Amortization, amortize
from salesops.comp.attainments import Empirical, Lognormal, Normal, Uniform
from salesops.comp.bonuses import Bonus, BonusPoint, Goal, Matrix, Scorecard
from salesops.comp.comparison import PlanComparison, compare, compare_runs
from salesops.comp.components import Cap, Commission, Match, Override, Tier
from salesops.comp.conditions import Factor, Gate, Multiplier
from salesops.comp.credited import CreditRun, DealExplanation
from salesops.comp.crediting import CreditRule, CreditRules, Receiver
from salesops.comp.crediting_run import credit
from salesops.comp.curve import PayoutCurve, payout_curve
from salesops.comp.engine import calculate
from salesops.comp.explain import Explanation
from salesops.comp.expressions import Expression
from salesops.comp.ledger import Ledger, LedgerEntry, LedgerStatement, LedgerStep
from salesops.comp.linting import Finding, PlanCheck, check
from salesops.comp.marginal import Marginal, NextTier
from salesops.comp.plan import CompPlan, TargetPay
from salesops.comp.results import CompRun
from salesops.comp.rewards import Contest, FixedPay, Spiff
from salesops.comp.settlement import Clawback, Draw, Floor, Guarantee, Hold
from salesops.comp.simulation import CostDistribution, simulate
from salesops.comp.statement import Statement

__all__ = [
    "Amortization",
    "Bonus",
    "BonusPoint",
    "Cap",
    "Clawback",
    "Commission",
    "CompPlan",
    "CompRun",
    "Contest",
    "CostDistribution",
    "CreditRule",
    "CreditRules",
    "CreditRun",
    "DealExplanation",
    "Draw",
    "Empirical",
    "Explanation",
    "Expression",
    "Factor",
    "Finding",
    "FixedPay",
    "Floor",
    "Gate",
    "Goal",
    "Guarantee",
    "Hold",
    "Ledger",
    "LedgerEntry",
    "LedgerStatement",
    "LedgerStep",
    "Lognormal",
    "Marginal",
    "Match",
    "Matrix",
    "Multiplier",
    "NextTier",
    "Normal",
    "Override",
    "PayoutCurve",
    "PlanCheck",
    "PlanComparison",
    "Receiver",
    "Scorecard",
    "Spiff",
    "Statement",
    "TargetPay",
    "Tier",
    "Uniform",
    "amortize",
    "calculate",
    "check",
    "compare",
    "compare_runs",
    "credit",
    "design",
    "payout_curve",
    "simulate",
]
