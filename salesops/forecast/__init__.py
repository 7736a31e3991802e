"""What will happen: a measured funnel, curves that count open deals, and rates that carry their evidence."""

from salesops.forecast.curves import LogRank, SurvivalCurve
from salesops.forecast.incidence import IncidenceCurves
from salesops.forecast.survival import competing_risks, kaplan_meier, log_rank

__all__ = [
    "IncidenceCurves",
    "LogRank",
    "SurvivalCurve",
    "competing_risks",
    "kaplan_meier",
    "log_rank",
]
