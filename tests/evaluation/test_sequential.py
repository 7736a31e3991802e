"""Intervals that hold at every look."""

import json

import numpy as np
import pandas as pd
import pytest

from salesops import evaluation
from salesops.errors import InvalidInput


def ever_wrong(values, truth, **options):
    found = evaluation.confidence_sequence(values, **options)
    return bool(((found.lower > truth) | (found.upper < truth)).any())


@pytest.mark.parametrize("chance", [0.1, 0.5])
def test_looking_at_every_row_is_wrong_at_most_once_in_twenty(chance):
    rng = np.random.default_rng(1)
    wrong = sum(ever_wrong(rng.random(800) < chance, chance) for _ in range(100))
    assert wrong <= 100 * 0.05
    naive = 0
    for _ in range(100):
        hits = np.cumsum(rng.random(800) < chance)
        n = np.arange(1, 801)
        p = hits / n
        out = np.abs(p - chance) > 1.96 * np.sqrt(np.maximum(p * (1 - p), 1e-9) / n)
        naive += out[30:].any()
    assert naive > 100 * 0.25


def test_means_and_differences_hold_at_every_look():
    rng = np.random.default_rng(2)
    mean = sum(ever_wrong(rng.exponential(1.0, 600), 1.0) for _ in range(80))
    exact = sum(ever_wrong(rng.beta(1, 3, 600), 0.25, bounds=(0, 1)) for _ in range(80))
    both = sum(
        ever_wrong(pd.DataFrame({"value": rng.random(600) < 0.3, "treated": rng.random(600) < 0.5}), 0.0)
        for _ in range(80)
    )
    assert max(mean, exact, both) <= 4


def test_the_interval_of_a_share_is_where_the_mixture_does_not_win():
    """The mixture by numerical integration, at one n."""
    values = [1, 1, 0, 1, 1, 1, 0, 1, 1, 1]
    found = evaluation.confidence_sequence(values)
    from scipy.integrate import quad

    def beats(p):
        def like(q):
            return q**8 * (1 - q) ** 2

        mixed = quad(lambda q: like(q) / (np.pi * np.sqrt(q * (1 - q))), 0, 1)[0]
        return mixed / like(p) >= 20

    low, high = float(found.lower[-1]), float(found.upper[-1])
    assert beats(low - 1e-6)
    assert not beats(low + 1e-6)
    assert beats(high + 1e-6)
    assert not beats(high - 1e-6)
    assert found.estimate[-1] == 0.8


def test_a_true_difference_is_found_in_the_end():
    rng = np.random.default_rng(3)
    treated = np.arange(4000) % 2 == 0
    rows = pd.DataFrame({"value": rng.random(4000) < np.where(treated, 0.4, 0.3), "treated": treated})
    found = evaluation.confidence_sequence(rows)
    assert found.decided_at is not None
    assert "stop if you like" in found.explain()


def test_with_days_one_looks_at_the_end_of_each_and_order_within_a_day_is_nothing():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        {
            "on": pd.date_range("2024-01-01", periods=20).repeat(10),
            "value": rng.random(200).round(2),
            "treated": rng.random(200) < 0.5,
        }
    )
    there = evaluation.confidence_sequence(rows)
    assert len(there.n) == 20
    assert evaluation.confidence_sequence(rows.sample(frac=1, random_state=5)) == there


def test_no_rows_and_few_rows_decide_nothing():
    assert evaluation.confidence_sequence([]).explain() == "There are no rows yet."
    few = evaluation.confidence_sequence([0.5, 0.7, 0.1], against=0.0)
    assert few.decided_at is None
    assert few.explain() == "After 3 rows there is too little to say."
    json.dumps(few.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ([0.5, 2.0], {"bounds": (0, 1)}),
        ([0.5, 2.0], {"bounds": (1, 0)}),
        ([0.5, 2.0], {"kind": "share"}),
        ([0.5, None], {}),
        (["won"], {}),
        ([1, 0], {"planned": 0}),
        ([1, 0], {"level": 95}),
        ([1, 0], {"kind": "median"}),
    ],
)
def test_what_cannot_be_meant_is_refused(values, options):
    with pytest.raises(InvalidInput):
        evaluation.confidence_sequence(values, **options)


def test_the_picture_shows_all_looks():
    found = evaluation.confidence_sequence([True, False] * 40, against=0.2)
    assert found.plot().get_ylabel() == "share"
    assert "<table>" in found._repr_html_()
