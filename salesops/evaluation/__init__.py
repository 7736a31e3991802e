"""Did it work? Watch the numbers whenever the process changes.

Examples
--------
>>> from salesops import evaluation
>>> rows = [{"on": f"2024-01-{day:02}", "value": day} for day in range(1, 11)]
>>> evaluation.before_after(rows, changed_on="2024-01-06", metric="mean").estimate
5.0
"""

from salesops.evaluation.changes import ChangePoints, change_points
from salesops.evaluation.charts import ControlChart, Signal, control_chart
from salesops.evaluation.effects import before_after, difference_in_differences, placebo
from salesops.evaluation.interrupted import InterruptedSeries, Term, interrupted_series
from salesops.evaluation.maturing import Cohort, Cohorts, cohorts
from salesops.evaluation.results import Cell, Effect, Placebo
from salesops.evaluation.sequential import ConfidenceSequence, confidence_sequence

__all__ = [
    "Cell",
    "ChangePoints",
    "Cohort",
    "Cohorts",
    "ConfidenceSequence",
    "ControlChart",
    "Effect",
    "InterruptedSeries",
    "Placebo",
    "Signal",
    "Term",
    "before_after",
    "change_points",
    "cohorts",
    "confidence_sequence",
    "control_chart",
    "difference_in_differences",
    "interrupted_series",
    "placebo",
]
