"""Small segments lean on the whole, by as much as segments are alike."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from salesops.errors import InvalidInput
from salesops.forecast import funnel, pooled_rates
from tests.forecast.logs import frame

counts = st.lists(
    st.integers(0, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=12
)


def test_the_strength_maximises_the_likelihood_of_an_independent_library():
    hits, n = [40, 5, 30, 2, 22], [100, 60, 90, 50, 40]
    found = pooled_rates(hits, n)
    mean = sum(hits) / sum(n)

    def likelihood(strength):
        return sum(
            stats.betabinom.logpmf(h, k, mean * strength, (1 - mean) * strength)
            for h, k in zip(hits, n, strict=True)
        )

    best = max(np.geomspace(0.5, 500, 4000), key=likelihood)
    assert found.strength == pytest.approx(best, rel=5e-3)
    prior = stats.beta(mean * found.strength + 40, (1 - mean) * found.strength + 60)
    assert found.pooled[0] == pytest.approx(prior.mean(), abs=1e-12)
    assert (found.lower[0], found.upper[0]) == pytest.approx(prior.interval(0.95), abs=1e-9)


def test_segments_that_are_alike_lean_nearly_wholly_and_different_ones_hardly():
    alike, apart = pooled_rates([30, 31, 29], [100] * 3), pooled_rates([5, 50, 95], [100] * 3)
    assert alike.own_weight.max() < 0.3
    assert apart.own_weight.min() > 0.9


@settings(max_examples=80, deadline=None)
@given(counts)
def test_a_pooled_rate_lies_between_its_own_and_that_of_the_whole(rows):
    hits, n = zip(*rows, strict=True)
    found = pooled_rates(hits, n)
    if not sum(n):
        assert np.isnan(found.pooled).all()
        return
    own = np.array([h / k if k else found.mean for h, k in rows])
    low, high = np.minimum(own, found.mean), np.maximum(own, found.mean)
    assert ((found.pooled >= low - 1e-12) & (found.pooled <= high + 1e-12)).all()
    assert ((found.lower <= found.pooled) & (found.pooled <= found.upper)).all()
    assert ((found.lower >= 0) & (found.upper <= 1)).all()


@settings(max_examples=40, deadline=None)
@given(counts, st.randoms(use_true_random=False))
def test_the_order_of_segments_changes_no_bit(rows, random):
    order = random.sample(range(len(rows)), len(rows))
    one = pooled_rates(*zip(*rows, strict=True))
    other = pooled_rates(*zip(*(rows[k] for k in order), strict=True))
    assert np.array_equal(one.pooled[order], other.pooled, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(0, 30), st.integers(2, 5))
def test_merging_segments_that_are_the_same_changes_nothing(n, hits, copies):
    hits = min(hits, n)
    apart = pooled_rates([hits] * copies, [n] * copies)
    merged = pooled_rates([hits * copies], [n * copies])
    assert apart.mean == merged.mean
    if 0 < hits < n:
        assert apart.pooled == pytest.approx(np.full(copies, merged.pooled[0]), abs=1e-12)


def test_the_rate_of_the_whole_does_not_move_when_a_segment_is_cut_into_identical_parts():
    whole = pooled_rates([20, 30, 5], [100, 60, 90])
    cut = pooled_rates([10, 10, 30, 5], [50, 50, 60, 90])
    assert whole.mean == cut.mean


def test_without_a_single_hit_the_rate_leans_and_not_zero():
    found = pooled_rates([0, 0], [10, 20])
    assert (found.pooled > 0).all()
    assert (found.pooled < 0.05).all()


@pytest.mark.parametrize(
    ("hits", "n", "options"),
    [
        ([5], [4], {}),
        ([-1], [4], {}),
        ([1, 2], [3], {}),
        ([1.5], [3], {}),
        (["1"], [3], {}),
        ([1, 2], [3, 4], {"segments": ["a"]}),
        ([1, 2], [3, 4], {"segments": ["a", "a"]}),
        ([1, 2, 3, 4], [5, 6, 7, 8], {"method": "james_stein"}),
        ([1, 2, 3], 5, {"method": "james_stein"}),
        ([1], [3], {"method": "none"}),
        ([1], [3], {"level": 95}),
    ],
)
def test_what_cannot_be_meant_is_refused(hits, n, options):
    with pytest.raises(InvalidInput):
        pooled_rates(hits, n, **options)


def test_a_funnel_marks_the_segments_that_lean():
    rows, team = [], []
    for (name, won, n), first in zip(
        (("big", 160, 200), ("other", 40, 200), ("tiny", 1, 1)), itertools.count(0, 1000), strict=False
    ):
        for k in range(n):
            rows += [(f"d{first + k:04d}", "new", "2024-01-01")]
            rows += [(f"d{first + k:04d}", "won" if k < won else "lost", "2024-02-01")]
            team += [name, name]
    result = funnel(frame(rows).assign(team=team), ["new"], by="team")
    table = result.pooled().query("measure == 'win rate, closed deals'").set_index("segment")
    assert table["leans"].to_dict() == {"big": False, "other": False, "tiny": True}
    assert 0.5 < table.loc["tiny", "pooled"] < 1.0
    assert result.marks().query("segment == 'tiny'")["mark"].str.contains("lean").any()
    with pytest.raises(InvalidInput, match="was not stated"):
        result.total.pooled()
