"""Payout curves: exact points, jumps, kinks, and the picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp
from salesops.errors import InvalidInput


def plan(*parts, **fields):
    return comp.CompPlan(plan_id="p", currency="USD", components=parts, **fields)


STEP = [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.10"}]


def points(curve):
    return list(zip(curve.credited.tolist(), curve.payout.tolist(), strict=True))


def test_a_jump_is_two_points_one_cent_apart():
    curve = comp.payout_curve(plan(comp.Commission(tiers=STEP, style="whole_amount")), up_to="20000")
    assert points(curve) == [(0, 0), (999999, 50000), (1000000, 100000), (1000001, 100000), (2000000, 200000)]


def test_a_cap_begins_exactly_where_it_binds():
    curve = comp.payout_curve(plan(comp.Commission(tiers=STEP), cap={"amount": "700.01"}), up_to="20000")
    assert points(curve)[-3:] == [(1200014, 70001), (1200015, 70001), (2000000, 70001)]
    assert comp.payout_curve(plan(comp.Commission(tiers=STEP)), up_to="12000.15").payout[-1] == 70002


def test_a_guarantee_ends_where_the_plan_pays_more():
    curve = comp.payout_curve(plan(comp.Commission(tiers=STEP), guarantee="100"), up_to="20000")
    assert points(curve)[:2] == [(0, 10000), (199989, 10000)]


def test_attainment_needs_a_quota_and_shows_it():
    part = comp.Commission(
        basis="attainment", tiers=[{"from": "0", "rate": "0.1"}, {"from": "0.333", "rate": "0.2"}]
    )
    with pytest.raises(InvalidInput, match="quota"):
        comp.payout_curve(plan(part))
    curve = comp.payout_curve(plan(part), quota="100.01")
    assert curve.to_frame()["attainment"].iloc[-1] == pytest.approx(1.5, abs=1e-4)
    assert curve.quota == 10001


def test_the_curve_ends_with_the_last_tier():
    ended = plan(comp.Commission(tiers=[{"from": "0", "to": "500", "rate": "0.1"}]))
    with pytest.raises(InvalidInput, match="up_to"):
        comp.payout_curve(ended, up_to="501")
    with pytest.raises(InvalidInput, match="needs an end"):
        comp.payout_curve(plan(comp.Commission(tiers=STEP[:1])))


@pytest.mark.parametrize("end", ["0", "-5", "x", 0.5, True])
def test_an_end_that_is_no_amount_is_refused(end):
    with pytest.raises(InvalidInput, match="up_to"):
        comp.payout_curve(plan(comp.Commission(tiers=STEP)), up_to=end)


def test_a_plan_of_several_measures_is_drawn_for_one():
    parts = [comp.Commission(name=name, measure=name, tiers=STEP) for name in ("margin", "revenue")]
    with pytest.raises(InvalidInput, match="'margin', 'revenue'"):
        comp.payout_curve(plan(*parts))
    with pytest.raises(InvalidInput, match="units"):
        comp.payout_curve(plan(*parts), measure="units")
    assert comp.payout_curve(plan(*parts), measure="margin").payout[-1] == 100000


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True),
    st.integers(1, 10**7),
    st.integers(0, 2 * 10**6),
)
@settings(max_examples=25)
def test_between_points_the_curve_is_a_line_but_for_rounding(starts, cap, asked):
    tiers = [{"from": str(start), "rate": f"0.{k + 1}"} for k, start in enumerate([0, *sorted(starts)])]
    paid = plan(comp.Commission(tiers=tiers, cap={"amount": str(cap)}))
    curve = comp.payout_curve(paid, up_to=3 * 10**6)
    run = comp.calculate(paid, [{"credit_id": 1, "rep_id": "r", "amount": asked}])
    line = np.interp(asked * 100, curve.credited, curve.payout)
    assert run.payouts()["earned"][0] == pytest.approx(line, abs=1)


def test_the_picture_is_drawn_on_the_axes_given():
    curve = comp.payout_curve(
        plan(comp.Commission(basis="attainment", tiers=[{"from": "0", "rate": "0.1"}])), quota="100"
    )
    axes = curve.plot()
    assert curve.plot(ax=axes) is axes
    assert axes.get_xlabel() == "credited (USD)"
    assert [text.get_text() for text in axes.texts] == ["quota", "quota"]
    assert "PayoutCurve" in repr(curve)
    assert "<table>" in curve._repr_html_()


FLAT = comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])
LEVELS = [{"from": "0", "pays": "0.5"}, {"from": "0.3", "pays": "1"}, {"from": "0.8", "pays": "1.25"}]


def paid(plan, amounts, quota="1000"):
    """Pay each amount to a rep of its own, by the engine."""
    credits = [
        {"credit_id": k, "rep_id": k, "amount": f"{amount / 100:.2f}"} for k, amount in enumerate(amounts)
    ]
    quotas = [{"rep_id": k, "amount": quota} for k in range(len(amounts))]
    run = comp.calculate(plan, credits, quotas=quotas)
    earned = run.payouts().set_index("rep_id")["earned"].to_dict()
    return np.array([earned.get(k, 0) for k in range(len(amounts))])


@pytest.mark.parametrize(
    ("part", "jumps"),
    [
        (comp.Gate(basis="amount", at_least="500"), [(49999, 0), (50000, 5000)]),
        (comp.Gate(at_least="0.5", otherwise="0.25"), [(49999, 1250), (50000, 5000)]),
        (
            comp.Multiplier(table=LEVELS),
            [(29999, 1500), (30000, 3000), (79999, 8000), (80000, 10000)],
        ),
        (comp.Spiff(amount="10"), [(0, 0), (1, 1000)]),
        (comp.Floor(amount="30"), [(0, 3000)]),
    ],
)
def test_gates_multipliers_and_rewards_stand_on_the_curve(part, jumps):
    curve = comp.payout_curve(plan(FLAT, part), quota="1000", up_to="1000")
    assert set(jumps) <= set(points(curve))


def test_an_amount_that_nothing_counts_pays_nothing():
    where = [{"field": "amount", "at_least": "500", "below": "700"}]
    part = comp.Commission(tiers=[{"from": "0", "rate": "0.1"}], where=where)
    found = points(comp.payout_curve(plan(part), up_to="1000"))
    assert {(0, 0), (49999, 0), (50000, 5000), (69999, 7000), (70000, 0), (100000, 0)} <= set(found)


def test_a_condition_written_as_an_expression_is_found_too():
    where = [{"expression": {"text": "amount * 3 >= 1000", "fields": {"amount": "money"}}}]
    part = comp.Commission(tiers=[{"from": "0", "rate": "0.1"}], where=where)
    found = points(comp.payout_curve(plan(part), up_to="1000"))
    assert {(33333, 0), (33334, 3333)} <= set(found)


@given(
    st.sampled_from(["step", "interpolated"]),
    st.sampled_from(["0", "0.25", "1/3"]),
    st.lists(st.integers(0, 200_000), min_size=1, max_size=8),
)
@settings(max_examples=12, deadline=None)
def test_the_curve_is_what_the_engine_pays_between_its_points_too(style, shut, amounts):
    parts = [
        comp.Commission(tiers=[*STEP[:1], {"from": "700", "rate": "0.2"}]),
        comp.Spiff(amount="7.77"),
        comp.Multiplier(table=LEVELS, style=style, of=["commission"]),
        comp.Gate(at_least="0.61", otherwise=shut),
    ]
    whole = plan(*parts, cap={"amount": "300"})
    curve = comp.payout_curve(whole, quota="1000", up_to="2000")
    line = np.interp(amounts, curve.credited, curve.payout)
    assert np.abs(line - paid(whole, amounts)).max() <= 2 * (len(parts) + 2)
    assert (paid(whole, curve.credited.tolist()) == curve.payout).all()


def test_what_a_gate_costs_is_counted_where_it_opens():
    gated = plan(FLAT, comp.Gate(basis="amount", at_least="500"))
    cost = comp.simulate(gated, attainment=comp.Uniform(low=0, high=1), quota="1000")
    # From 500 to 1,000 of uniform sales a tenth is paid: half of 75.
    assert cost.mean == pytest.approx(37.5, abs=0.02)
