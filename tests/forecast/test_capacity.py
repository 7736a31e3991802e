"""Capacity: expectation and distribution against enumeration, hires and least cost against brute force."""

import itertools
import json
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import forecast
from salesops.errors import Infeasible, InvalidInput
from salesops.forecast import _laws
from salesops.models import FiscalCalendar

START = "2026-01-01"


def outcomes(start, ramp, leaving, n_months, months=None, made=(1,)):
    """Every figure of one seat and its probability, by walking month by month in exact fractions."""
    months = range(n_months) if months is None else months
    found = {}
    for value in made:
        alive, total = Fraction(1, len(made)), Fraction(0)
        for m in range(n_months):
            if m < (start or 0) and start is not None:
                continue
            age = len(ramp) - 1 if start is None else min(m - start, len(ramp) - 1)
            if m in months:
                total += Fraction(ramp[age]) * value
            gone = alive * Fraction(leaving) if m < n_months - 1 else alive
            found[total] = found.get(total, 0) + gone
            alive -= gone
    return found or {Fraction(0): Fraction(1)}


def total_of(seats):
    """The law of a sum by enumeration."""
    law = {Fraction(0): Fraction(1)}
    for seat in seats:
        bigger = {}
        for (x, p), (y, q) in itertools.product(law.items(), seat.items()):
            bigger[x + y] = bigger.get(x + y, 0) + p * q
        law = bigger
    return law


def at_least(law, target):
    return float(sum(p for x, p in law.items() if x >= target))


RAMP = [0, Fraction(1, 4), Fraction(1, 2), 1]


def test_the_distribution_is_that_of_every_way_to_leave():
    plan = forecast.capacity(
        3,
        hiring=[{"starts_on": "2026-02-01", "n": 2}],
        productivity=12,
        ramp=RAMP,
        attrition=Decimal("0.125"),
        attrition_per="month",
        as_of=START,
        months=5,
    )
    seats = [outcomes(None, RAMP, Fraction(1, 8), 5, made=(12,))] * 3
    seats += [outcomes(1, RAMP, Fraction(1, 8), 5, made=(12,))] * 2
    law = total_of(seats)
    assert plan.is_exact
    for target in sorted(law):
        assert plan.probability_of(target) == pytest.approx(at_least(law, target), abs=1e-13)
    assert plan.expected == pytest.approx(float(sum(x * p for x, p in law.items())), rel=1e-14)


def test_the_distribution_of_one_period_counts_its_months_only():
    plan = forecast.capacity(
        2, productivity=[1, 3], attrition=0.1, attrition_per="month", as_of=START, months=6, by="quarter"
    )
    seat = outcomes(None, [1], Fraction(0.1), 6, months=range(3, 6), made=(1, 3))
    zero = Fraction(0.9) ** 3
    law = total_of([seat, seat])
    assert [period.name for period in plan.periods] == ["2026-Q1", "2026-Q2"]
    assert plan.probability_of(1, "2026-Q2") == pytest.approx(float(1 - (1 - zero) ** 2), abs=1e-13)
    for target in sorted(law):
        assert plan.probability_of(target, "2026-Q2") == pytest.approx(at_least(law, target), abs=1e-12)


def test_figures_without_a_common_unit_are_enumerated_when_few():
    made = [math.pi, math.e, math.sqrt(2)]
    plan = forecast.capacity(
        3, productivity=made, attrition=0.1, attrition_per="month", as_of=START, months=3
    )
    one = outcomes(None, [1], Fraction(0.1), 3, made=[Fraction(x) for x in made])
    law = total_of([one] * 3)
    assert plan.is_exact
    for target in (0, 5, 10, 15, 20):
        assert plan.probability_of(target) == pytest.approx(at_least(law, target), abs=1e-12)


def test_a_grid_agrees_with_the_lattice_to_a_millionth():
    rng = np.random.default_rng(4)
    parts = [
        _laws.part(1, rng.integers(0, 900, 30).astype(float), rng.dirichlet(np.ones(30))) for _ in range(60)
    ]
    base = sum(one.values[0] for one in parts)
    exact = _laws.sum_of(parts)
    shifted = [_laws.Part(1, one.values - one.values[0], one.weights) for one in parts]
    grid = _laws._on_a_grid(shifted)
    assert exact.is_exact
    assert not grid.is_exact
    assert grid.sd == pytest.approx(exact.sd, rel=1e-9)
    places = exact.values[:-1] + 0.5
    away = [abs(grid.at_most(x - base) - exact.at_most(x)) for x in places[::97].tolist()]
    assert max(away) < 1e-6


def test_laws_asked_at_few_frequencies_are_those_of_the_full_transform():
    rng = np.random.default_rng(9)
    parts = [
        _laws.part(1, np.append(0.0, rng.uniform(1, 9, 5)), rng.dirichlet(np.ones(6))) for _ in range(400)
    ]
    size, spacing = 1 << 13, 0.05
    few = _laws._spectrum(parts, spacing, size, 4)
    full = _laws._product(parts, spacing, size, 4)
    assert (few == 0).sum() > size // 3
    assert np.abs(few - full).max() < 1e-7


def test_unequal_reps_are_summed_on_a_grid_that_keeps_the_moments():
    rng = np.random.default_rng(2)
    reps = pd.DataFrame({"rep_id": range(80), "productivity": rng.lognormal(3, 0.5, 80)})
    plan = forecast.capacity(reps, productivity=0, attrition=0.25, as_of=START)
    leave = 1 - 0.75 ** (1 / 12)
    law = np.array([leave * (1 - leave) ** m for m in range(11)] + [(1 - leave) ** 11])
    stays = np.arange(1, 13)
    variance = (law @ stays**2 - (law @ stays) ** 2) * (reps["productivity"] ** 2).sum()
    assert not plan.is_exact
    assert plan.expected == pytest.approx(float(law @ stays) * reps["productivity"].sum(), rel=1e-12)
    assert plan.sd == pytest.approx(math.sqrt(variance), rel=1e-6)
    draws = rng.geometric(leave, (40_000, 80)).clip(max=12) @ reps["productivity"].to_numpy()
    for q in (0.1, 0.5, 0.9):
        assert np.mean(draws <= plan.quantile(q)) == pytest.approx(q, abs=0.01)


def test_the_annual_rate_is_spread_as_a_constant_hazard():
    plan = forecast.capacity(1000, productivity=1, attrition=0.36, as_of=START, months=13)
    heads = plan.to_frame()["heads"]
    assert heads[12] == pytest.approx(640, rel=1e-12)
    assert heads[6] == pytest.approx(800, rel=1e-12)


def test_a_known_leaver_counts_until_the_day_and_no_longer():
    reps = [{"rep_id": "a", "ended_on": "2026-02-15"}, {"rep_id": "b", "started_on": "2026-01-17"}]
    plan = forecast.capacity(reps, productivity=28, as_of=START, months=3)
    assert plan.to_frame()["ramped_months"].tolist() == pytest.approx(
        [1 + 15 / 31, 1.5, 1, 3.5 + 15 / 31 - 0.5 + 0.5]
    )
    gone = forecast.capacity([{"rep_id": "a", "ended_on": START}], productivity=1, as_of=START)
    assert gone.expected == 0


def test_who_comes_and_goes_within_a_month_counts_for_the_days_between():
    reps = [{"rep_id": "a", "started_on": "2026-01-11", "ended_on": "2026-01-21"}]
    plan = forecast.capacity(reps, productivity=31, as_of=START, months=2)
    assert plan.expected == pytest.approx(10)
    assert plan.probability_of(10) == pytest.approx(1)


def test_reps_who_started_before_the_horizon_go_on_ramping():
    reps = [{"rep_id": 1, "started_on": "2025-12-03"}, {"rep_id": 2, "started_on": "1999-01-01"}]
    plan = forecast.capacity(reps, productivity=100, ramp=[0, 0.5, 1], as_of=START, months=3)
    assert plan.to_frame()["expected"].tolist()[:3] == [150, 200, 200]


def test_an_open_seat_may_be_filled_in_any_of_its_months_or_never():
    plan = forecast.capacity(
        0,
        hiring=[{"opened_on": "2026-01-10", "n": 1}],
        time_to_fill=[0, 0.5, 0.25],
        productivity=8,
        as_of=START,
        months=4,
    )
    assert plan.to_frame()["heads"].tolist()[:4] == pytest.approx([0, 0.5, 0.75, 0.75])
    assert plan.probability_of(1) == pytest.approx(0.75)
    assert plan.probability_of(24) == pytest.approx(0.5)


def test_a_seat_that_is_still_open_was_not_filled_before():
    seat = [{"opened_on": "2025-12-10"}]
    plan = forecast.capacity(
        0, hiring=seat, time_to_fill=[0.5, 0.2, 0.1], productivity=1, as_of=START, months=2
    )
    assert plan.to_frame()["heads"].tolist()[:2] == pytest.approx([0.4, 0.6])
    with pytest.raises(InvalidInput, match="says that the seat is filled"):
        forecast.capacity(0, hiring=seat, time_to_fill=0, productivity=1, as_of=START)


def test_roles_have_their_own_ramp_attrition_and_productivity():
    reps = [
        {"rep_id": 1, "role": "AE", "started_on": START},
        {"rep_id": 2, "role": "SDR", "started_on": START},
    ]
    plan = forecast.capacity(
        reps,
        productivity={"AE": 10, "SDR": 4},
        ramp={"AE": [0, 1], "SDR": [1]},
        attrition={"AE": 0, "SDR": 0.5},
        as_of=START,
        months=2,
    )
    keep = 0.5 ** (1 / 12)
    assert plan.to_frame()["expected"].tolist()[:2] == pytest.approx([4, 10 + 4 * keep])


def test_season_follows_the_fiscal_year():
    calendar = FiscalCalendar(first_month=7)
    season = [0] * 11 + [12]
    plan = forecast.capacity(
        1, productivity=5, seasonality=season, calendar=calendar, as_of="2026-05-20", months=3
    )
    assert plan.to_frame()["expected"].tolist()[:3] == [0, 60, 0]


def test_the_market_moves_all_reps_alike():
    calm = forecast.capacity(200, productivity=[50, 150], as_of=START)
    rough = forecast.capacity(200, productivity=[50, 150], as_of=START, market_sd=0.2)
    assert rough.expected == pytest.approx(calm.expected)
    assert rough.sd == pytest.approx(math.sqrt(calm.sd**2 * 1.04 + (0.2 * calm.expected) ** 2), rel=1e-6)
    assert rough.probability_of(rough.quantile(0.1)) == pytest.approx(0.9, abs=1e-8)
    draws = np.random.default_rng(1)
    made = draws.gamma(25, 1 / 25, 200_000) * draws.binomial(200, 0.5, 200_000) * 1200.0
    made += draws.gamma(25, 1 / 25, 200_000) * 0
    floor = 200 * 50 * 12
    shocks = draws.gamma(25, 1 / 25, 200_000)
    sums = shocks * (floor + draws.binomial(200, 0.5, 200_000) * 1200.0)
    for q in (0.05, 0.5, 0.95):
        assert np.mean(sums <= rough.quantile(q)) == pytest.approx(q, abs=0.004)


@settings(max_examples=30)
@given(st.floats(0, 0.9), st.floats(0, 0.9), st.integers(0, 6), st.floats(1, 400))
def test_more_attrition_never_raises_capacity(one, other, n, target):
    low, high = sorted([one, other])
    hires = [{"starts_on": "2026-03-01", "n": 2}]
    few, many = (
        forecast.capacity(
            n, hiring=hires, productivity=10, ramp=[0, 0.5, 1], attrition=a, as_of=START, months=6
        )
        for a in (low, high)
    )
    assert many.expected <= few.expected + 1e-9
    assert many.probability_of(target) <= few.probability_of(target) + 1e-9


@settings(max_examples=20)
@given(st.permutations(range(6)))
def test_the_order_of_reps_changes_nothing(order):
    reps = pd.DataFrame(
        {
            "rep_id": list("abcdef"),
            "started_on": [None, "2025-11-01", "2026-02-03", None, "2025-12-31", None],
            "productivity": [10, 20.5, 30.25, 7, 11.125, 10],
        }
    )
    options = {"productivity": 0, "ramp": [0, 0.5, 1], "attrition": 0.2, "as_of": START, "months": 4}
    plan, other = forecast.capacity(reps, **options), forecast.capacity(reps.iloc[list(order)], **options)
    pd.testing.assert_frame_equal(plan.to_frame(), other.to_frame(), rtol=0, atol=0)


def test_input_is_not_changed_and_the_dictionary_is_json():
    reps = pd.DataFrame({"rep_id": [1, 2], "started_on": [None, "2026-02-01"]})
    before = reps.copy()
    plan = forecast.capacity(reps, productivity=10, attrition=0.1, as_of=START)
    pd.testing.assert_frame_equal(reps, before)
    body = json.loads(json.dumps(plan.to_dict()))
    assert body["periods"][-1]["expected"] == pytest.approx(plan.expected)
    assert "<script" not in plan._repr_html_()


def test_hires_needed_is_the_fewest_by_trying():
    options = {"productivity": [6, 14], "ramp": [0, 0.5, 1], "attrition": 0.3, "as_of": START}
    plan = forecast.capacity(10, **options)
    for probability in (None, 0.5, 0.95):
        need = plan.hires_needed(1300, probability=probability, starts_on="2026-04-01")
        for n in (need.n - 1, need.n):
            tried = forecast.capacity(10, hiring=[{"starts_on": "2026-04-01", "n": n}], **options)
            got = tried.expected >= 1300 if probability is None else tried.probability_of(1300) >= probability
            assert got == (n == need.n)
            chance = need.probability if n == need.n else need.probability_of_one_less
            assert tried.probability_of(1300) == pytest.approx(chance, abs=1e-9)


def test_hires_who_come_too_late_are_infeasible():
    plan = forecast.capacity(1, productivity=10, ramp=[0, 0, 1], as_of=START, months=3)
    with pytest.raises(Infeasible, match="short by 70"):
        plan.hires_needed(100, starts_on="2026-02-01")


def brute_force(plan_with, options, good, most):
    best = None
    for counts in itertools.product(range(most + 1), repeat=len(options)):
        if any(n > option.get("max_hires", most) for n, option in zip(counts, options, strict=True)):
            continue
        cost = sum(n * option["cost"] for n, option in zip(counts, options, strict=True))
        if (best is None or cost < best) and good(plan_with(counts)):
            best = cost
    return best


OPTIONS = [
    {"starts_on": "2026-01-01", "cost": 100, "max_hires": 3},
    {"starts_on": "2026-05-01", "cost": 61},
    {"starts_on": "2026-09-01", "cost": 29, "max_hires": 4},
]
COMMON = {"productivity": [6, 14], "ramp": [0, 0.5, 1], "attrition": 0.3, "as_of": START}


def with_hires(counts):
    hires = [{"starts_on": o["starts_on"], "n": n} for o, n in zip(OPTIONS, counts, strict=True)]
    return forecast.capacity(5, hiring=hires, **COMMON)


@pytest.mark.parametrize("target", [500, 640, 850])
def test_the_cheapest_plan_is_that_of_trying_all(target):
    best = forecast.capacity(5, **COMMON).cheapest_hires(target, OPTIONS)
    assert best.is_optimal
    assert best.cost == brute_force(with_hires, OPTIONS, lambda plan: plan.expected >= target, 6)


@pytest.mark.parametrize(("target", "probability"), [(500, 0.9), (620, 0.8)])
def test_the_cheapest_plan_in_probability_is_that_of_trying_all(target, probability):
    best = forecast.capacity(5, **COMMON).cheapest_hires(target, OPTIONS, probability=probability)
    found = brute_force(with_hires, OPTIONS, lambda plan: plan.probability_of(target) >= probability, 5)
    assert best.cost == found
    assert best.is_optimal
    assert best.probability == pytest.approx(
        with_hires(best.to_frame()["n"]).probability_of(target), abs=1e-9
    )


def test_targets_of_single_periods_are_met_together():
    plan = forecast.capacity(5, by="quarter", **COMMON)
    best = plan.cheapest_hires({"2026-Q2": 200, "2026-Q4": 260}, OPTIONS)
    assert (best.reached["reached"] >= best.reached["target"] - 1e-6).all()
    assert best.is_optimal


def test_what_no_option_can_reach_is_told_by_period_and_shortfall():
    plan = forecast.capacity(5, by="quarter", **COMMON)
    with pytest.raises(Infeasible, match=r"2026-Q1: short by .* of"):
        plan.cheapest_hires({"2026-Q1": 5000}, [OPTIONS[0]])


def test_the_order_of_options_changes_nothing():
    plan = forecast.capacity(5, **COMMON)
    one, other = plan.cheapest_hires(700, OPTIONS), plan.cheapest_hires(700, OPTIONS[::-1])
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())


def test_all_faults_are_named_at_once():
    reps = [
        {"rep_id": "a", "productivity": -1, "started_on": "2026-02-01", "ended_on": "2026-01-01"},
        {"rep_id": "a", "productivity": 1},
    ]
    with pytest.raises(InvalidInput) as caught:
        forecast.capacity(
            reps,
            productivity=math.nan,
            attrition=1.2,
            ramp=[],
            seasonality=[1, 2],
            hiring=[{"n": 1.5, "starts_on": "2020-01-01"}],
            as_of=START,
        )
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {
        "reps.rep_id",
        "reps.ended_on",
        "reps.productivity",
        "productivity",
        "attrition",
        "ramp",
        "seasonality",
        "hiring.n",
        "hiring.starts_on",
    }


def test_a_role_without_a_ramp_is_named():
    with pytest.raises(InvalidInput) as caught:
        forecast.capacity([{"rep_id": 1, "role": "AE "}], productivity=1, ramp={"AE": [1]}, as_of=START)
    assert str(caught.value) == (
        "capacity: 1 problem\n- ramp: has no entry for a role that occurs ('AE '); roles there: 'AE'; "
        "did you mean 'AE'?"
    )


def test_days_far_outside_of_the_horizon_are_before_or_after_it():
    reps = [{"rep_id": 1, "started_on": "1901-01-01"}, {"rep_id": 2, "started_on": "2900-01-01"}]
    calendar = FiscalCalendar(scheme="4-4-5", year_start="2026-01-04", weeks=52)
    assert forecast.capacity(reps, productivity=1, as_of=START).expected == 12
    plan = forecast.capacity(3, productivity=1, as_of="2026-01-04", calendar=calendar, months=3)
    assert plan.expected == 9


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"productivity": 1e300}, "productivity"),
        ({"seasonality": [1e308] * 12}, "seasonality"),
        ({"ramp": [math.inf]}, "ramp"),
        ({"months": 0}, "months"),
        ({"months": True}, "months"),
        ({"market_sd": -1}, "market_sd"),
        ({"level": 1}, "level"),
        ({"time_to_fill": [0.7, 0.7]}, "time_to_fill"),
        ({"as_of": "2026-02-30"}, "as_of"),
        ({"by": "week"}, "choose one of"),
    ],
)
def test_options_out_of_bounds_are_refused_by_name(options, told):
    with pytest.raises(InvalidInput, match=told):
        forecast.capacity(2, **({"productivity": 1, "as_of": START} | options))


def test_an_empty_team_has_no_capacity():
    plan = forecast.capacity([], productivity=1, as_of=START)
    assert (plan.expected, plan.sd, plan.probability_of(0), plan.probability_of(1)) == (0, 0, 1, 0)
