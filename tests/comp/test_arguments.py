"""Arguments of the wrong kind are refused by their names, never by an exception of another library."""

import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

PLAN = comp.CompPlan(
    plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}]
)
MONTH = [Period(name="2024-01", start="2024-01-01", end="2024-02-01")]
SALE = {"credit_id": "c1", "rep_id": "anna", "amount": "100.00", "earned_on": "2024-01-05"}


def again(changed=(), **options):
    return comp.calculate(PLAN, [SALE]).recalculated([*changed], **options)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda: comp.calculate(PLAN, [SALE], periods=MONTH, calendar="fiscal"), "calendar"),
        (lambda: comp.calculate(PLAN, [SALE], columns=["amount"]), "columns"),
        (lambda: comp.calculate(PLAN, [SALE], mapper="map"), "mapper"),
        (lambda: again(removed=5), "removed"),
        (lambda: again(removed="c1"), "removed"),
        (lambda: again(removed=[["c1"]]), "removed"),
        (lambda: again(removed=[("c1", [])]), "removed"),
        (lambda: again([{**SALE, "credit_id": ["c1"]}]), "credits.credit_id"),
        (lambda: again([{**SALE, "rep_id": ["anna"]}]), "credits.rep_id"),
        (lambda: again([{**SALE, "rep_id": None}]), "credits.rep_id"),
        (lambda: comp.Batch(plans=5), "plans"),
        (lambda: comp.Batch(plans=[PLAN, None]), "plans"),
        (lambda: comp.Batch(plans=PLAN, columns=["amount"]), "columns"),
        (lambda: comp.Batch(plans=PLAN, reps=[{"rep_id": "anna"}]).idle("anna"), "rep_ids"),
        (lambda: comp.Batch(plans=PLAN, reps=[{"rep_id": "anna"}]).idle(7), "rep_ids"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused_by_its_name(call, path):
    with pytest.raises(InvalidInput) as caught:
        call()
    assert path in [problem.path for problem in caught.value.problems]
