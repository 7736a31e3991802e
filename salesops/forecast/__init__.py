"""What will happen: a measured funnel, curves that count open deals, and rates that carry their evidence."""

from salesops.forecast.curves import LogRank, SurvivalCurve
from salesops.forecast.history import History
from salesops.forecast.incidence import IncidenceCurves
from salesops.forecast.metrics import (
    Coverage,
    Retention,
    UnitEconomics,
    coverage,
    retention,
    throughput,
    unit_economics,
    velocity,
)
from salesops.forecast.rates import Rate, rate_interval, win_rate
from salesops.forecast.survival import competing_risks, kaplan_meier, log_rank

__all__ = [
    "Coverage",
    "History",
    "IncidenceCurves",
    "LogRank",
    "Rate",
    "Retention",
    "SurvivalCurve",
    "UnitEconomics",
    "competing_risks",
    "coverage",
    "kaplan_meier",
    "log_rank",
    "rate_interval",
    "retention",
    "throughput",
    "unit_economics",
    "velocity",
    "win_rate",
]
