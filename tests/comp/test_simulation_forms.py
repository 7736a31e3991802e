"""What a simulation takes: attainment or sales; models, samples or quantiles; with a quota or without."""

import numpy as np
import pytest
import scipy.stats

from salesops import comp, forecast
from salesops.errors import InvalidInput


@pytest.fixture(scope="module")
def by_amount():
    tiers = [{"from": "0", "rate": "0.05"}, {"from": "1000", "rate": "0.1"}]
    return comp.CompPlan(plan_id="p", currency="USD", components=[comp.Commission(tiers=tiers)])


@pytest.fixture(scope="module")
def on_target():
    table = [{"from": "0", "pays": "0"}, {"from": "1", "pays": "1"}]
    return comp.CompPlan(plan_id="b", currency="USD", components=[comp.Bonus(target="1000", table=table)])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (scipy.stats.norm(1, 0.25), comp.Normal(mean=1, sd=0.25)),
        (scipy.stats.uniform(0.5, 1), comp.Uniform(low=0.5, high=1.5)),
    ],
)
def test_a_distribution_of_scipy_is_taken_by_its_quantiles(by_amount, theirs, ours):
    one = comp.simulate(by_amount, attainment=theirs, quota="1000")
    other = comp.simulate(by_amount, attainment=ours, quota="1000")
    assert one.mean == pytest.approx(other.mean, rel=1e-4)
    assert one.sd == pytest.approx(other.sd, rel=1e-3)


def test_a_forecast_is_taken_as_sales(by_amount):
    law = forecast.Distribution.of_deals([0.5, 0.5], [800, 800])
    cost = comp.simulate(by_amount, sales=law)
    # 0, 800 or 1,600 with 1/4, 1/2, 1/4: 0, 40 or 110.
    assert cost.mean == pytest.approx(0.5 * 40 + 0.25 * 110, abs=1e-3)
    assert comp.simulate(by_amount, sales=law, quota="500").mean == pytest.approx(cost.mean, abs=1e-2)


def test_sales_are_attainment_times_quota(by_amount):
    sales = comp.simulate(by_amount, sales=comp.Lognormal(mean=900, sd=300), quota="1000")
    share = comp.simulate(by_amount, attainment=comp.Lognormal(mean=0.9, sd=0.3), quota="1000")
    assert (sales.mean, sales.sd) == (pytest.approx(share.mean), pytest.approx(share.sd))


def test_pay_on_target_needs_no_quota(on_target):
    without = comp.simulate(on_target, attainment=comp.Normal(mean=1, sd=0.2))
    assert without.mean == pytest.approx(500, rel=1e-6)
    assert without.mean == pytest.approx(
        comp.simulate(on_target, attainment=comp.Normal(mean=1, sd=0.2), quota="50000").mean, rel=1e-6
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"attainment": [1.0]}, "what 100 % attainment is, is needed"),
        ({}, "one of them is given"),
        ({"attainment": [1.0], "sales": [1.0]}, "one of them is given"),
        ({"attainment": "high", "quota": "1"}, "is no distribution"),
    ],
)
def test_what_is_missing_is_said(by_amount, options, told):
    with pytest.raises(InvalidInput, match=told):
        comp.simulate(by_amount, **options)


def test_draws_of_sales_agree_with_the_exact_cost(by_amount):
    exact = comp.simulate(by_amount, sales=comp.Normal(mean=1000, sd=200))
    drawn = comp.simulate(
        by_amount, sales=comp.Normal(mean=1000, sd=200), method="draws", rng=np.random.default_rng(1)
    )
    assert drawn.mean == pytest.approx(exact.mean, abs=4 * exact.sd / 100)
