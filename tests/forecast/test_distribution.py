"""The distribution of a sum of deals, against listing every outcome and against draws."""

import itertools
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import InvalidInput
from salesops.forecast import Distribution, _sums


def listed(probabilities, amounts):
    """List every outcome: sorted totals and their exact probabilities."""
    chance = {}
    for outcome in itertools.product((0, 1), repeat=len(amounts)):
        total = sum((a for a, won in zip(amounts, outcome, strict=True) if won), 0)
        mass = math.prod(p if won else 1 - p for p, won in zip(probabilities, outcome, strict=True))
        chance[total] = chance.get(total, 0) + mass
    return dict(sorted(chance.items()))


def cumulative(chance, x):
    return float(sum(mass for total, mass in chance.items() if total <= x))


def test_four_deals_equal_the_list_of_their_sixteen_outcomes():
    total = Distribution.of_deals([0.9, 0.5, 0.25, 0.1], [10_000, 25_000, 40_000, 120_000])
    assert total.mean == pytest.approx(43_500, abs=1e-9)
    assert total.variance == pytest.approx(1_761_250_000, rel=1e-14)
    assert total.cdf(0) == pytest.approx(27 / 800, abs=1e-14)
    assert total.probability_of(60_000) == pytest.approx(17 / 80, abs=1e-14)
    assert total.quantile([0.1, 0.5, 0.9]).tolist() == [10_000, 35_000, 75_000]
    assert len(total.law.points) == 16


def test_equal_deals_give_the_binomial_law():
    coins = Distribution.of_deals([0.5] * 10, [1] * 10)
    assert coins.cdf(5) - coins.cdf(4) == pytest.approx(252 / 1024, abs=1e-14)
    assert coins.cdf(2) == pytest.approx(56 / 1024, abs=1e-14)
    assert (coins.mean, coins.variance) == (5, 2.5)


deals = st.lists(
    st.tuples(st.fractions(0, 1, max_denominator=20), st.integers(0, 12)), min_size=1, max_size=8
)


@given(deals)
@settings(max_examples=40, deadline=None)
def test_the_inversion_on_a_lattice_equals_the_list_of_outcomes(rows):
    p, a = [float(p) for p, _ in rows], [a for _, a in rows]
    chance = listed([Fraction(p) for p, _ in rows], a)
    keep = [k for k in range(len(p)) if 0 < p[k] < 1 and a[k] > 0]
    certain = sum(x for x, q in zip(a, p, strict=True) if q == 1)
    transform = _sums.Transform.of(np.array(p)[keep], np.array(a, dtype=float)[keep], (), None, 1 << 14)
    law = transform.law(float(certain)) if keep else None
    whole = Distribution.of_deals(p, a)
    for x in range(sum(a) + 1):
        assert whole.cdf(x) == pytest.approx(cumulative(chance, x), abs=1e-12)
        if law is not None:
            assert law.cdf(np.array([x + 1e-9]))[0] == pytest.approx(cumulative(chance, x), abs=1e-11)


def test_crps_equals_the_sum_over_the_steps_of_the_outcomes():
    total = Distribution.of_deals([0.3, 0.6], [100, 250])
    chance = listed([Fraction(3, 10), Fraction(3, 5)], [100, 250])
    pairs = itertools.product(chance.items(), repeat=2)
    spread = sum(p * q * abs(x - y) for (x, p), (y, q) in pairs)
    expected = float(sum(p * abs(x - 120) for x, p in chance.items()) - spread / 2)
    assert total.crps(120.0) == pytest.approx(expected, abs=1e-10)


def test_crps_of_one_value_is_the_absolute_error():
    assert Distribution.from_samples([3.0]).crps(5.5) == 2.5
    assert Distribution.from_samples([3.0]).crps(-1) == 4


def test_crps_of_a_large_sum_approaches_the_closed_form_of_the_normal_law():
    n = 40_000
    total = Distribution.of_deals(np.full(n, 0.5), np.full(n, 1.0))
    sd = math.sqrt(total.variance)
    found = [total.crps(total.mean + z * sd) / sd for z in (0, 1, -2)]
    assert found == pytest.approx([0.233695, 0.602441, 1.452793], abs=2e-5)


@pytest.mark.parametrize("step", [0.0, 1000.0])
def test_many_deals_without_one_equal_the_sum_without_it(step):
    rng = np.random.default_rng(1)
    p, a = rng.beta(1, 3, 400), rng.lognormal(9, 1, 400)
    a = np.ceil(a / step) * step if step else a
    whole = Distribution.of_deals(p, a)
    rest = Distribution.of_deals(np.delete(p, 7), np.delete(a, 7))
    x = rest.quantile([0.01, 0.3, 0.5, 0.9]) + 0.01
    assert whole.without(7).cdf(x) == pytest.approx(rest.cdf(x), abs=1e-7)
    assert whole.without(7).mean == pytest.approx(rest.mean)


def test_dividing_out_a_deal_whose_factor_vanishes_multiplies_the_others_again():
    n = 60
    whole = Distribution.of_deals(np.full(n, 0.5), np.arange(1, n + 1))
    rest = Distribution.of_deals(np.full(n - 1, 0.5), np.arange(2, n + 1))
    x = np.arange(600, 1200, 7)
    assert whole.without(0).cdf(x) == pytest.approx(rest.cdf(x), abs=1e-10)


def test_new_business_is_a_poisson_number_of_drawn_amounts():
    new = Distribution.of_deals([], [], new_deals=2.0, new_amounts=[1, 1, 3, 3])
    none, one = math.exp(-2), math.exp(-1)
    assert new.cdf(0) == pytest.approx(none, abs=1e-10)
    assert new.cdf(1) - new.cdf(0) == pytest.approx(one * math.exp(-1) * 1.0, abs=1e-10)
    assert new.mean == pytest.approx(4)
    assert new.variance == pytest.approx(2 * 5)


def test_a_common_shock_multiplies_the_whole_sum():
    rng = np.random.default_rng(5)
    p, a = rng.beta(2, 4, 60), np.round(rng.lognormal(8, 1, 60), 2)
    total = Distribution.of_deals(p, a, shock=0.1)
    draws = ((rng.random((200_000, 60)) < p) @ a) * rng.gamma(10, 0.1, 200_000)
    assert draws.mean() == pytest.approx(total.mean, rel=0.01)
    assert draws.var() == pytest.approx(total.variance, rel=0.02)
    for q in (0.05, 0.5, 0.95):
        assert (draws <= total.quantile(q)).mean() == pytest.approx(q, abs=0.006)


def test_a_shock_leaves_the_chance_of_nothing():
    assert Distribution.of_deals([0.4], [100], shock=0.05).cdf(0) == pytest.approx(0.6, abs=1e-12)


def test_scaling_multiplies_every_quantile():
    total = Distribution.of_deals([0.5, 0.5], [100, 200])
    assert total.scaled(1.5).quantile(0.9) == 450
    assert total.scaled(0).quantile(0.9) == 0


def test_amounts_may_be_decimals_and_certain_deals_only_shift_the_sum():
    total = Distribution.of_deals([1, 0.5, 0], [Decimal("10.10"), Decimal("5"), 7])
    assert total.law.points.tolist() == pytest.approx([10.10, 15.10])


def test_order_of_deals_does_not_matter():
    rng = np.random.default_rng(2)
    p, a = rng.random(300), rng.integers(1, 500, 300)
    order = rng.permutation(300)
    one, other = Distribution.of_deals(p, a), Distribution.of_deals(p[order], a[order])
    x = np.arange(0, 80_000, 997)
    assert one.cdf(x) == pytest.approx(other.cdf(x), abs=1e-12)


def test_all_faults_are_named_at_once():
    with pytest.raises(InvalidInput) as caught:
        Distribution.of_deals([0.5, 1.2], [10, -1], shock=-1, new_deals=3)
    text = str(caught.value)
    assert "probabilities: are finite numbers, from 0 to 1 (row 1" in text
    assert "amounts: are finite numbers, 0 or more (row 1" in text
    assert "shock: is a number, 0 or more (-1)" in text
    assert "new_amounts: is needed with new_deals" in text


@pytest.mark.parametrize("values", [[], [float("nan")], "many", [[1, 2]]])
def test_samples_that_are_no_list_of_numbers_are_refused(values):
    with pytest.raises(InvalidInput, match="distribution: 1 problem"):
        Distribution.from_samples(values)


def test_an_unknown_deal_is_refused():
    with pytest.raises(InvalidInput, match="is not a deal of this distribution"):
        Distribution.of_deals([0.5], [1], deals=["a"]).without("b")
