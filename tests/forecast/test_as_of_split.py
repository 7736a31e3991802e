"""Splits in order of time need no optional package."""

import pytest

from salesops.errors import InvalidInput
from salesops.forecast.sklearn import AsOfSplit


def test_an_open_deal_is_in_no_split():
    split = AsOfSplit(["2024-01-01", "2024-01-02"], ["2024-01-05", None], cutoffs=["2024-01-03"])
    assert [(train.tolist(), test.tolist()) for train, test in split.split([0, 0])] == [([], [0])]


def test_lengths_must_agree():
    with pytest.raises(InvalidInput, match="have one length"):
        AsOfSplit(["2024-01-01"], [], cutoffs=["2024-01-03"])
    with pytest.raises(InvalidInput, match="a row for each date"):
        next(AsOfSplit(["2024-01-01"], ["2024-01-02"], cutoffs=["2024-01-03"]).split([0, 0]))
    with pytest.raises(InvalidInput, match="at least one day"):
        AsOfSplit(["2024-01-01"], ["2024-01-02"], cutoffs=[])


def test_an_unknown_name_is_no_attribute():
    from salesops.forecast import sklearn as face

    with pytest.raises(AttributeError, match="no attribute 'Pooled'"):
        face.Pooled  # noqa: B018  (naming it is the test)
