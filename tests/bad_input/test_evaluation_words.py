"""What a newcomer is told who hands a comparison something it cannot mean."""

import pandas as pd
import pytest
from newcomer import told

from salesops import evaluation

DEALS = pd.DataFrame(
    {
        "deal_id": ["a", "b", "c", "a"],
        "created_on": ["2024-01-01", "2024-01-20", "2024-03-01", "2024-01-01"],
        "closed_on": ["2024-01-15", "2024-02-10", "2024-03-20", "2024-01-15"],
        "outcome": ["won", "lost", "won", "won"],
    }
)
DAYS = {"changed_on": "2024-02-01", "as_of": "2024-06-30"}
GROUPED = DEALS.head(3).assign(treated=[True, None, False])
IN_NO_GROUP = "does not say to which group the row belongs"

TOLD = {
    "a deal that stands twice": (
        lambda: evaluation.before_after(DEALS, **DAYS),
        "deals.deal_id: the id stands in more than one row (row 0: 'a', row 3: 'a'); "
        "keep one row for each id",
    ),
    "a deal that is in no group": (
        lambda: evaluation.difference_in_differences(GROUPED, metric="share", **DAYS),
        f"deals.treated: {IN_NO_GROUP} (row 1 ('b'): None); fill in True or False",
    ),
    "a value that is in no group": (
        lambda: evaluation.confidence_sequence({"value": [1, 0], "treated": [True, None]}),
        f"values.treated: {IN_NO_GROUP} (row 1: None); fill in True or False",
    ),
    "a share above one to decide about": (
        lambda: evaluation.confidence_sequence([True, False], against=95),
        "against: is a share, from 0 to 1 (95.0); write 0.95 for 95 %",
    ),
    "nothing to decide about": (
        lambda: evaluation.confidence_sequence([1.5, 2.0], against=float("nan")),
        "against: is a finite number (nan)",
    ),
    "one bound": (
        lambda: evaluation.confidence_sequence([1.5, 2.0], bounds=1),
        "bounds: is a pair of numbers, the smaller first (1)",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_one_error_says_what_is_wrong_where_and_what_to_do(name):
    ask, words = TOLD[name]
    assert told(ask) == words


def test_deals_without_ids_are_compared_as_before():
    once = DEALS.head(3)
    found = evaluation.before_after(once.drop(columns="deal_id"), **DAYS)
    assert found.to_frame().equals(evaluation.before_after(once, **DAYS).to_frame())
