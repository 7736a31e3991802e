"""Rows that count twice or belong to no group, and options that are no answer, are refused by name."""

import math

import numpy as np
import pytest

from salesops import evaluation
from salesops.errors import InvalidInput
from tests.evaluation.logs import AS_OF, day, deals

WHEN = {"changed_on": day(182), "as_of": AS_OF}


@pytest.fixture(scope="module")
def log():
    return deals(np.random.default_rng(7), 60)


def problem(verb, *given, **more):
    with pytest.raises(InvalidInput) as caught:
        verb(*given, **more)
    (found,) = caught.value.problems
    return found


def test_a_deal_counts_once(log):
    found = problem(evaluation.before_after, log.assign(deal_id=[*range(59), 0]), **WHEN)
    assert (found.path, tuple(found.rows)) == ("deals.deal_id", (0, 59))
    without = evaluation.before_after(log.drop(columns="deal_id"), **WHEN)
    assert without.estimate == evaluation.before_after(log, **WHEN).estimate


def test_a_row_that_names_no_group_is_not_put_among_the_old_ways(log):
    lacking = log.assign(treated=[None, *log["treated"].tolist()[1:]])
    found = problem(evaluation.difference_in_differences, lacking, metric="share", **WHEN)
    assert (found.path, tuple(found.rows)) == ("deals.treated", (0,))
    found = problem(evaluation.confidence_sequence, {"value": [1, 0, 1], "treated": [True, None, False]})
    assert (found.path, tuple(found.rows)) == ("values.treated", (1,))


@pytest.mark.parametrize("against", [math.nan, math.inf, "0.5", True])
def test_the_value_to_leave_out_is_a_finite_number(against):
    assert problem(evaluation.confidence_sequence, [True, False], against=against).path == "against"


def test_straddling_is_true_or_false(log):
    assert problem(evaluation.before_after, log, straddling="no", **WHEN).path == "straddling"
