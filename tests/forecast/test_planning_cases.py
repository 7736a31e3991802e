"""The worked cases of capacity and reconciliation, through the public API."""

from fractions import Fraction

import pytest

from salesops import forecast


def test_cap_01_is_reps_times_quota_times_productivity():
    """Seven ramped reps at 85 % of a quota of 150,000, three ramping ones at 40 %."""
    ramped = [{"rep_id": k, "productivity": 150_000 * 0.85} for k in range(7)]
    ramping = [{"rep_id": 7 + k, "productivity": 150_000 * 0.40} for k in range(3)]
    options = {
        "productivity": 0,
        "productivity_per": "quarter",
        "months": 3,
        "by": "quarter",
        "as_of": "2026-01-01",
    }
    assert forecast.capacity(ramped, **options).expected == 892_500
    assert forecast.capacity(ramping, **options).expected == 180_000
    both = forecast.capacity(ramped + ramping, **options)
    assert (both.expected, both.sd, both.probability_of(1_072_500)) == (1_072_500, 0, 1)


def test_cap_03_is_survivors_times_ramp():
    """Ten tenured reps, two hires in month 0, three in month 5, 2 % leaving each month."""
    plan = forecast.capacity(
        10,
        hiring=[{"starts_on": "2026-01-01", "n": 2}, {"starts_on": "2026-06-01", "n": 3}],
        ramp=[0, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1],
        attrition=Fraction(2, 100),
        attrition_per="month",
        productivity=1_000_000,
        productivity_per="year",
        as_of="2026-01-01",
    )
    full = plan.to_frame()["ramped_months"]
    assert full[0] == 10
    assert full[11] == pytest.approx(12.266303351589551, abs=1e-12)
    assert full[12] == pytest.approx(136.69864577211197, abs=1e-12)
    assert plan.expected == pytest.approx(11391553.814342665, abs=1e-6)
    assert plan.laws[-1].mean == pytest.approx(11391553.814342665, abs=1e-3)


def test_recon_01_is_the_least_squares_projection():
    """The hierarchy of figure 11.1 of Hyndman and Athanasopoulos, by ordinary least squares."""
    nodes = ["Total", "A", "B", "AA", "AB", "AC", "BA", "BB"]
    base = [110.0, 50.0, 56.0, 20.0, 17.0, 10.0, 30.0, 22.0]
    children = {"Total": ["A", "B"], "A": ["AA", "AB", "AC"], "B": ["BA", "BB"]}
    expected = [107.482759, 51.137931, 56.344828, 21.37931, 18.37931, 11.37931, 32.172414, 24.172414]
    made = forecast.reconcile(dict(zip(nodes, base, strict=True)), children, method="ols")
    assert [made.value(node) for node in nodes] == pytest.approx(expected, abs=1e-6)
