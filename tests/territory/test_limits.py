import json

import pytest

from salesops.errors import InvalidInput
from salesops.territory import TerritoryPlan, assign

LEADS = {"lead_id": range(6), "value": [1, 2, 1, 2, 1, 2]}
SCORE = {"rep_id": [1, 2] * 3, "lead_id": range(6), "score": [1, 2, 3, 4, 5, 6]}


def value_of(plan):
    return plan.loads().set_index("rep_id")["value"].to_dict()


def test_absolute_limits_of_a_rep_are_kept():
    reps = {"rep_id": [1, 2], "value_min": [4, None], "value_max": [None, 3]}
    plan = assign(reps, LEADS, score=SCORE, balance={"value": None})
    assert plan.lower[:, 1].tolist() == [4, float("-inf")]
    assert plan.upper[:, 1].tolist() == [float("inf"), 3]
    assert value_of(plan)[1] >= 4
    assert value_of(plan)[2] <= 3


def test_a_band_may_reach_further_below_than_above():
    plan = assign({"rep_id": [1, 2]}, LEADS, score=SCORE, balance={"value": (0.5, 0.1)})
    assert plan.lower[:, 1].tolist() == [2.25, 2.25]
    assert plan.upper[:, 1] == pytest.approx(4.95)
    again = TerritoryPlan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again.to_dict() == plan.to_dict()


def test_any_number_of_quantities_is_balanced():
    leads = {**LEADS, "visits": [3, 1, 3, 1, 3, 1]}
    plan = assign(
        {"rep_id": [1, 2]}, leads, score=SCORE, balance={"value": 0.4, "visits": 0.2, "workload": 0.0}
    )
    assert plan.quantities == ("workload", "value", "visits")
    assert (plan.used <= plan.upper + 1e-9).all()
    assert (plan.used >= plan.lower - 1e-9).all()


@pytest.mark.parametrize("band", [(1, 2, 3), (-1, 2), "x", float("nan"), True, (0.1, None)])
def test_a_band_is_a_share_or_a_pair_of_them(band):
    with pytest.raises(InvalidInput, match="names a column and its band"):
        assign({"rep_id": [1, 2]}, LEADS, score=SCORE, balance={"value": band})


def test_a_limit_from_below_is_not_above_the_one_from_above():
    reps = {"rep_id": [1, 2], "value_min": [4, None], "value_max": [3, None]}
    with pytest.raises(InvalidInput, match=r"reps\.value_max: is below value_min"):
        assign(reps, LEADS, score=SCORE, balance={"value": None})
