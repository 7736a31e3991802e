"""Did it work? Watch the numbers whenever the process changes.

Examples
--------
>>> from salesops import evaluation
>>> rows = [{"on": f"2024-01-{day:02}", "value": day} for day in range(1, 11)]
>>> evaluation.before_after(rows, changed_on="2024-01-06", metric="mean").estimate
5.0
"""

from salesops.evaluation.effects import before_after, difference_in_differences, placebo
from salesops.evaluation.results import Cell, Effect, Placebo

__all__ = ["Cell", "Effect", "Placebo", "before_after", "difference_in_differences", "placebo"]
