"""Faults of a run name the row and what was probably meant, not only what is missing because of it."""

import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

TIERS = [{"from": "0", "rate": "0.10"}]
MONTH = [Period(name="2024-01", start="2024-01-01", end="2024-02-01")]
SALE = {"credit_id": "c1", "rep_id": "anna", "amount": "100.00", "earned_on": "2024-01-05", "measure": "acv"}
COMMISSION = {"kind": "commission", "tiers": TIERS, "measure": "acv"}


def plan_of(*parts, **fields):
    return comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "ae", "currency": "USD", "components": list(parts), **fields}
    )


def told(call):
    with pytest.raises(InvalidInput) as caught:
        call()
    return str(caught.value)


def run_of(plan, **tables):
    return told(lambda: comp.calculate(plan, [SALE], **({"periods": MONTH} | tables)))


def test_a_split_with_a_share_and_a_weight_is_refused_by_row():
    rules = comp.CreditRules.from_dict({"schema_version": 1, "currency": "USD", "rules": [{"name": "all"}]})
    deals = [{"deal_id": "d1", "rep_id": "a", "amount": "10.00"}]
    splits = [
        {"deal_id": "d1", "rep_id": "a", "share": "0.5", "weight": None},
        {"deal_id": "d1", "rep_id": "b", "share": "0.5", "weight": 3},
    ]
    message = told(lambda: comp.credit(deals, rules, splits=splits))
    assert "splits.weight: stands beside a share" in message
    assert "(row 1 ('d1', 'b'): weight 3, share '0.5')" in message


@pytest.mark.parametrize("blank", ["", "  ", "\u00a0"], ids=repr)
def test_a_blank_name_of_a_plan_or_component_is_refused_with_its_path(blank):
    message = told(lambda: plan_of({**COMMISSION, "name": blank}, plan_id=blank))
    assert "$.plan_id: a name is not blank" in message
    assert "$.components[0].name: a name is not blank" in message


SCORE = {"kind": "bonus", "metric": "score", "target": "100", "table": [{"from": "0", "pays": "1"}]}


@pytest.mark.parametrize("periods", [None, MONTH])
def test_a_figure_of_an_unknown_period_is_refused_by_row(periods):
    metrics = [{"rep_id": "anna", "metric": "score", "value": 1, "period": "2024-1"}]
    message = run_of(plan_of(COMMISSION, SCORE), metrics=metrics, periods=periods)
    assert "metrics.period: unknown choice (row 0" in message
    assert "'2024-1'" in message
    assert ("did you mean '2024-01'" in message) == (periods is not None)


def test_a_missing_figure_tells_the_one_that_is_spelt_alike():
    metrics = [{"rep_id": "anna", "metric": "scrore", "value": 1}]
    message = run_of(plan_of(COMMISSION, SCORE), metrics=metrics)
    assert "lacks a figure" in message
    assert "did you mean 'scrore'?" in message


def test_a_missing_quota_tells_the_row_whose_measure_no_credit_has():
    part = {**COMMISSION, "basis": "attainment"}
    quotas = [{"rep_id": "anna", "amount": "50.00", "measure": "avc"}]
    message = run_of(plan_of(part), quotas=quotas)
    assert "row 0 of quotas is of measure 'avc', which no credit has (did you mean 'acv'?)" in message


@pytest.mark.parametrize("second", ["50.00", "70.00"])
def test_two_quotas_of_one_rep_are_named_with_rows_and_amounts(second):
    part = {**COMMISSION, "basis": "attainment"}
    quotas = [{"rep_id": "anna", "amount": "50.00"}, {"rep_id": "anna", "amount": second}]
    message = run_of(plan_of(part), quotas=quotas)
    assert f"'50.00' from no start to no end, overlaps '{second}' from no start to no end (row 1)" in message
    assert "overlaps '50.00' from no start to no end (row 0)" in message


def test_two_balances_of_one_rep_are_named_with_rows_and_amounts():
    plan = plan_of(COMMISSION, {"kind": "draw", "amount": "80.00"})
    owed = [{"rep_id": "anna", "amount": "5.00"}, {"rep_id": "anna", "amount": "6.00"}]
    message = run_of(plan, balances=owed)
    assert "(row 0 ('anna'): '5.00', row 1 ('anna'): '6.00')" in message


def test_an_unknown_currency_of_a_rate_is_told_in_few_words():
    fx = [{"base": "EURO", "quote": "USD", "rated_on": "2024-01-01", "rate": "1.1"}]
    message = run_of(plan_of(COMMISSION), fx=fx)
    assert "did you mean 'EUR'?" in message
    assert len(message) < 400
