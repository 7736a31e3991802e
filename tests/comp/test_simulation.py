"""What a plan will cost, exactly; and what another plan would have cost."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import FiscalCalendar

TIERS = [{"from": "0", "rate": "1"}, {"from": "1", "rate": "2"}]


def plan(*parts, **fields):
    return comp.CompPlan(plan_id="p", currency="USD", components=parts, **fields)


def on_target(tiers=TIERS, **fields):
    return comp.Commission(basis="attainment", target="1000", tiers=tiers, **fields)


def test_a_linear_plan_pays_its_target_on_average():
    cost = comp.simulate(
        plan(on_target(TIERS[:1])), attainment=comp.Lognormal(mean=1.0, sd=0.3), quota="5000"
    )
    assert cost.mean == pytest.approx(1000, abs=1e-6)
    assert cost.sd == pytest.approx(300, abs=1e-6)


def test_an_accelerator_adds_the_expected_excess():
    """E[max(X - 1, 0)] of a normal X around 1 is sd / sqrt(2 pi)."""
    cost = comp.simulate(plan(on_target()), attainment=comp.Normal(mean=1.0, sd=0.2), quota="10000")
    assert cost.mean == pytest.approx(1000 + 1000 * 0.2 / math.sqrt(2 * math.pi), abs=1e-3)


def test_a_cap_takes_the_upper_tail_away():
    cost = comp.simulate(
        plan(on_target(TIERS[:1]), cap={"amount": "1000"}),
        attainment=comp.Uniform(low=0.5, high=1.5),
        quota="9",
    )
    assert cost.mean == pytest.approx(875, abs=1e-2)
    assert cost.quantile(0.9) == pytest.approx(1000, abs=1e-2)
    assert cost.probability_below(999) == pytest.approx(0.499, abs=1e-3)


def test_attainments_that_were_seen_are_paid_one_by_one():
    cost = comp.simulate(plan(on_target()), attainment=[0.5, 1.0, 1.5], quota="10000", n_reps=3)
    assert cost.cost == pytest.approx(500 + 1000 + 2000)
    assert cost.quantile(0.5) == pytest.approx(1000)
    assert cost.sd == pytest.approx(np.std([500, 1000, 2000]))


SPREADS = [
    comp.Normal(mean=0.9, sd=0.4),
    comp.Lognormal(mean=0.9, sd=0.4),
    comp.Uniform(low=0.2, high=1.9),
]


@pytest.mark.parametrize("spread", SPREADS, ids=lambda spread: spread.kind)
@pytest.mark.parametrize("style", ["marginal", "whole_amount"])
def test_the_exact_figures_agree_with_draws_through_the_engine(spread, style):
    parts = plan(on_target(style=style), guarantee="300", cap={"amount": "2500"})
    exact = comp.simulate(parts, attainment=spread, quota="10000")
    drawn = comp.simulate(parts, attainment=spread, quota="10000", method="draws", n_draws=12_000, rng=3)
    error = 5 * drawn.sd / math.sqrt(12_000)
    assert exact.mean == pytest.approx(drawn.mean, abs=error)
    assert exact.sd == pytest.approx(drawn.sd, rel=0.05)
    for share in (0.1, 0.5, 0.9):
        low, high = drawn.quantile(share - 0.02), drawn.quantile(share + 0.02)
        assert low - 1 <= exact.quantile(share) <= high + 1


@settings(max_examples=12)
@given(
    st.lists(st.integers(1, 300), min_size=0, max_size=3, unique=True),
    st.lists(st.integers(0, 30), min_size=4, max_size=4),
    st.sampled_from(SPREADS),
    st.booleans(),
)
def test_the_mean_is_the_integral_of_the_curve(starts, rates, spread, capped):
    rows = [
        {"from": f"{start / 100}", "rate": f"{rate / 10}"}
        for start, rate in zip([0, *sorted(starts)], rates, strict=False)
    ]
    part = on_target(rows, cap={"amount": "1500"} if capped else None)
    cost = comp.simulate(plan(part), attainment=spread, quota="10000")
    from salesops.comp._moments import below, top

    edges = np.linspace(0, top(spread), 40_001)
    middle = (edges[1:] + edges[:-1]) / 2
    mass = np.diff(below(spread, edges).mass)
    paid = np.zeros_like(middle)
    ends = [*(float(row["from"]) for row in rows[1:]), math.inf]
    for row, end in zip(rows, ends, strict=True):
        way = np.clip(middle, float(row["from"]), end) - float(row["from"])
        paid += 1000 * float(row["rate"]) * way
    paid = np.minimum(paid, 1500) if capped else paid
    assert cost.mean == pytest.approx(float(paid @ mass), abs=0.05)


def test_a_year_to_date_is_paid_by_draws():
    part = comp.Commission(basis="attainment", accumulate="year", target="4000", tiers=TIERS)
    quarters = FiscalCalendar().periods(2026, by="quarter")
    cost = comp.simulate(
        plan(part),
        attainment=comp.Normal(mean=1.0, sd=0.2),
        quota="10000",
        periods=quarters,
        n_draws=4000,
        rng=5,
    )
    assert cost.method == "draws"
    exact = 4000 * (1 + 0.1 / math.sqrt(2 * math.pi))
    assert cost.mean == pytest.approx(exact, abs=5 * cost.sd / math.sqrt(4000))
    again = comp.simulate(
        plan(part),
        attainment=comp.Normal(mean=1.0, sd=0.2),
        quota="10000",
        periods=quarters,
        n_draws=4000,
        rng=5,
    )
    assert again.to_dict() == cost.to_dict()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"attainment": "normal"}, "is no distribution"),
        ({"quota": "0"}, "is an amount above 0"),
        ({"quota": 1.5}, "float"),
        ({"n_reps": 0}, "n_reps"),
        ({"method": "exact", "periods": FiscalCalendar().periods(2026)}, "several periods"),
        ({"method": "guess"}, "unknown choice"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, word):
    given_ = {"attainment": comp.Uniform(low=0.5, high=1.5), "quota": "100"} | options
    with pytest.raises(InvalidInput, match=word):
        comp.simulate(plan(on_target()), **given_)


def test_a_distribution_that_contradicts_itself_is_refused():
    with pytest.raises(InvalidInput, match="lies above low"):
        comp.Uniform(low=1.0, high=0.5)
    with pytest.raises(InvalidInput, match="one weight"):
        comp.Empirical(values=[1.0], weights=[1.0, 2.0])


def test_a_distribution_shows_itself():
    cost = comp.simulate(
        plan(on_target()), attainment=comp.Uniform(low=0.5, high=1.5), quota="10000", n_reps=4
    )
    assert "4 reps cost" in repr(cost)
    assert "Pay of one rep" in cost._repr_html_()
    json.dumps(cost.to_dict())
    with pytest.raises(InvalidInput, match="probability"):
        cost.quantile(1.5)


CREDITS = [
    {"credit_id": 1, "rep_id": "a", "amount": "100.00", "earned_on": "2026-01-05"},
    {"credit_id": 2, "rep_id": "b", "amount": "300.00", "earned_on": "2026-02-05"},
    {"credit_id": 3, "rep_id": "c", "amount": "50.00", "earned_on": "2026-02-05"},
]
FLAT = plan(comp.Commission(tiers=[{"from": "0", "rate": "0.1"}]))
STEEP = plan(comp.Commission(tiers=[{"from": "0", "rate": "0.08"}, {"from": "100", "rate": "0.2"}]))


def test_two_plans_are_compared_on_the_same_history():
    both = comp.compare(FLAT, STEEP, CREDITS, periods=FiscalCalendar().periods(2026))
    assert both.gains()["rep_id"].tolist() == ["b"]
    assert both.losses()["rep_id"].tolist() == ["a", "c"]
    assert both.cost()[["before", "after", "change"]].to_numpy().tolist() == [[4500, 6000, 1500]]
    assert both.by_period()["change"].sum() == 1500
    assert "18.00 USD more" in both.explain("b")
    assert repr(both) == "PlanComparison(cost 45.00 USD to 60.00 USD; 1 up, 2 down, 0 unchanged)"
    assert "loses most first" in both._repr_html_()
    json.dumps(both.to_dict())


def test_a_rep_whom_only_one_run_pays_is_kept():
    more = [*CREDITS, {"credit_id": 4, "rep_id": "d", "amount": "10.00", "earned_on": "2026-02-05"}]
    both = comp.compare_runs(comp.calculate(FLAT, CREDITS), comp.calculate(FLAT, more))
    assert both.to_frame().set_index("rep_id").loc["d", ["before", "after"]].tolist() == [0, 100]
    with pytest.raises(InvalidInput, match="neither run knows such a rep"):
        both.explain("z")
    with pytest.raises(InvalidInput, match="not a CompRun"):
        comp.compare_runs(FLAT, FLAT)
