"""Conditions of a plan on credits, written as expressions."""

import pytest

from salesops import comp
from salesops.errors import InvalidInput

FIELDS = {"price": "money", "cost": "money", "product": "text"}


def plan_of(text, fields=FIELDS, **more):
    where = [{"expression": {"text": text, "fields": fields}}]
    tiers = [{"from": "0", "rate": "0.1"}]
    part = {"kind": "commission", "tiers": tiers, "where": where, **more}
    return comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": [part]}
    )


def credit(name, amount, **columns):
    return {"credit_id": name, "rep_id": "anna", "amount": amount, **columns}


def test_an_expression_says_which_credits_count():
    plan = plan_of("cost / price < 0.7 and product in ('server', 'storage')")
    credits = [
        credit("c1", "100.00", price="10", cost="6.99", product="server"),
        credit("c2", "100.00", price="10", cost="7", product="server"),
        credit("c3", "100.00", price="10", cost="1", product="service"),
    ]
    run = comp.calculate(plan, credits)
    assert run.lines()["credit_id"].tolist() == ["c1"]
    assert run.rejected()["reason"].tolist() == ["no rule", "no rule"]


def test_a_credit_for_which_a_condition_has_no_value_is_held_with_the_reason():
    plan = plan_of("cost / price < 0.7", {"price": "money", "cost": "money"})
    credits = [credit("c1", "1.00", price="0", cost="1"), credit("c2", "1.00", price="1", cost=None)]
    run = comp.calculate(plan, credits, on_error="hold")
    assert run.held()["reason"].tolist() == ["no value", "no value"]
    assert "cost / price < 0.7: cost is missing" in run.held()["detail"].tolist()[1]
    with pytest.raises(InvalidInput, match="a condition of the plan has no value for the credit"):
        comp.calculate(plan, credits)


def test_a_credit_of_another_measure_is_not_asked():
    plan = plan_of("cost > 1", {"cost": "money"}, measure="goods")
    credits = [
        credit("c1", "1.00", cost=None, measure="service"),
        credit("c2", "1.00", cost="2", measure="goods"),
    ]
    run = comp.calculate(plan, credits)
    assert run.held().empty
    assert run.lines()["credit_id"].tolist() == ["c2"]


def test_the_amount_may_be_asked_for_also_of_the_next_credit():
    plan = plan_of("amount >= 500", {"amount": "money"})
    run = comp.calculate(plan, [credit("c1", "499.99"), credit("c2", "500.00")])
    assert run.payouts()["earned"].tolist() == [5000]
    assert run.marginal("anna", "499").earned == 0
    assert run.marginal("anna", "500").earned == 5000


def test_plans_with_expressions_read_back_as_they_were():
    plan = plan_of("cost < price", {"price": "money", "cost": "money"})
    assert comp.CompPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("cost + 1", {"cost": "money"}, "gives another kind of value than is needed"),
        ("due > due", {"due": "date"}, "a condition on credits reads numbers and texts"),
        ("cots > 1", {"cost": "money"}, "did you mean"),
    ],
)
def test_faults_of_an_expression_stand_at_its_path(text, fields, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        plan_of(text, fields)
    assert "components[0].where[0].expression" in caught.value.problems[0].path


def test_an_expression_stands_alone_in_its_condition():
    with pytest.raises(InvalidInput, match="stands beside an expression"):
        comp.Match(field="product", one_of=["a"], expression={"text": "1 < 2"})
    with pytest.raises(InvalidInput, match="a condition names a column of the credits"):
        comp.Match(one_of=["a"])


def test_an_expression_is_paid_the_same_in_parts():
    plan = plan_of("product == 'a'", {"product": "text"})
    credits = [{**credit(k, "10.00", product="ab"[k % 2]), "rep_id": f"r{k % 7}"} for k in range(60)]
    whole = comp.calculate(plan, credits)
    assert comp.calculate(plan, credits, mapper=map, parts=3).to_dict() == whole.to_dict()
    assert comp.calculate(plan, credits, detail="totals").payouts().equals(whole.payouts())
