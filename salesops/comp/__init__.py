"""Who earns what: plans, credits, exact payouts with one explained line for every step."""

from salesops.comp import design
from salesops.comp.amortization import Amortization, amortize
from salesops.comp.attainments import Empirical, Lognormal, Normal, Uniform
from salesops.comp.comparison import PlanComparison, compare, compare_runs
from salesops.comp.components import Bonus, BonusPoint, Cap, Commission, Tier
from salesops.comp.credited import CreditRun, DealExplanation
from salesops.comp.crediting import CreditRule, CreditRules, Receiver
from salesops.comp.crediting_run import credit
from salesops.comp.curve import PayoutCurve, payout_curve
from salesops.comp.engine import calculate
from salesops.comp.explain import Explanation
from salesops.comp.expressions import Expression
from salesops.comp.linting import Finding, PlanCheck, check
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.comp.simulation import CostDistribution, simulate
from salesops.comp.statement import Statement

__all__ = [
    "Amortization",
    "Bonus",
    "BonusPoint",
    "Cap",
    "Commission",
    "CompPlan",
    "CompRun",
    "CostDistribution",
    "CreditRule",
    "CreditRules",
    "CreditRun",
    "DealExplanation",
    "Empirical",
    "Explanation",
    "Expression",
    "Finding",
    "Lognormal",
    "Normal",
    "PayoutCurve",
    "PlanCheck",
    "PlanComparison",
    "Receiver",
    "Statement",
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
