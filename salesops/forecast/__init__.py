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

from salesops.forecast.attainment import Attainment, attainment
from salesops.forecast.backtesting import Backtest, Calibration, backtest
from salesops.forecast.baselines import LastPeriod, SamePeriodLastYear, StageWeighted, TrailingMean
from salesops.forecast.capacity import capacity
from salesops.forecast.chain import AbsorbingChain, absorbing_chain
from salesops.forecast.covering import QuotaCoverage
from salesops.forecast.curves import LogRank, SurvivalCurve
from salesops.forecast.distribution import Distribution
from salesops.forecast.forecasting import Forecast
from salesops.forecast.funnel import funnel
from salesops.forecast.headcount import Capacity
from salesops.forecast.hiring import HiresNeeded, HiringPlan
from salesops.forecast.history import History
from salesops.forecast.incidence import IncidenceCurves
from salesops.forecast.known_process import TrueProcess
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
from salesops.forecast.outcomes import OutcomeCurves, outcome_curves
from salesops.forecast.pipeline import PipelineForecaster, PipelineModel
from salesops.forecast.pooling import PooledRates, pooled_rates
from salesops.forecast.quota_plan import Quotas
from salesops.forecast.quotas import quota_coverage, quotas
from salesops.forecast.rates import Rate, rate_interval, win_rate
from salesops.forecast.reach import Reach
from salesops.forecast.reconciled import Reconciled
from salesops.forecast.reconciliation import reconcile
from salesops.forecast.reliability import Reliability, reliability
from salesops.forecast.results import Funnel
from salesops.forecast.scores import (
    ForecastErrors,
    crps,
    crps_normal,
    forecast_errors,
    interval_coverage,
    pinball,
    pit,
)
from salesops.forecast.slippage import Slippage, slippage
from salesops.forecast.survival import competing_risks, kaplan_meier, log_rank

__all__ = [
    "AbsorbingChain",
    "Attainment",
    "Backtest",
    "Calibration",
    "Capacity",
    "Coverage",
    "Distribution",
    "Forecast",
    "ForecastErrors",
    "Funnel",
    "HiresNeeded",
    "HiringPlan",
    "History",
    "IncidenceCurves",
    "LastPeriod",
    "LogRank",
    "OutcomeCurves",
    "PipelineForecaster",
    "PipelineModel",
    "PooledRates",
    "QuotaCoverage",
    "Quotas",
    "Rate",
    "Reach",
    "Reconciled",
    "Reliability",
    "Retention",
    "SamePeriodLastYear",
    "Slippage",
    "StageWeighted",
    "SurvivalCurve",
    "TrailingMean",
    "TrueProcess",
    "UnitEconomics",
    "absorbing_chain",
    "attainment",
    "backtest",
    "capacity",
    "competing_risks",
    "coverage",
    "crps",
    "crps_normal",
    "forecast_errors",
    "funnel",
    "interval_coverage",
    "kaplan_meier",
    "log_rank",
    "outcome_curves",
    "pinball",
    "pit",
    "pooled_rates",
    "quota_coverage",
    "quotas",
    "rate_interval",
    "reconcile",
    "reliability",
    "retention",
    "slippage",
    "throughput",
    "unit_economics",
    "velocity",
    "win_rate",
]
