"""What will happen: a measured funnel, curves that count open deals, and rates that carry their evidence.

Examples
--------
>>> from salesops import forecast
>>> log = [
...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-31"},
...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-10"},
... ]
>>> history = forecast.History.from_events(log)
>>> forecast.funnel(history, ["new"], as_of="2024-01-20")
Funnel(new 2 > won 0, open=2, as_of=2024-01-20)
"""

from salesops.forecast.capacity import capacity
from salesops.forecast.covering import QuotaCoverage
from salesops.forecast.curves import LogRank, SurvivalCurve
from salesops.forecast.funnel import funnel
from salesops.forecast.headcount import Capacity
from salesops.forecast.hiring import HiresNeeded, HiringPlan
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
from salesops.forecast.quota_plan import Quotas
from salesops.forecast.quotas import quota_coverage, quotas
from salesops.forecast.rates import Rate, rate_interval, win_rate
from salesops.forecast.reach import Reach
from salesops.forecast.reconciled import Reconciled
from salesops.forecast.reconciliation import reconcile
from salesops.forecast.results import Funnel
from salesops.forecast.survival import competing_risks, kaplan_meier, log_rank

__all__ = [
    "Capacity",
    "Coverage",
    "Funnel",
    "HiresNeeded",
    "HiringPlan",
    "History",
    "IncidenceCurves",
    "LogRank",
    "QuotaCoverage",
    "Quotas",
    "Rate",
    "Reach",
    "Reconciled",
    "Retention",
    "SurvivalCurve",
    "UnitEconomics",
    "capacity",
    "competing_risks",
    "coverage",
    "funnel",
    "kaplan_meier",
    "log_rank",
    "quota_coverage",
    "quotas",
    "rate_interval",
    "reconcile",
    "retention",
    "throughput",
    "unit_economics",
    "velocity",
    "win_rate",
]
