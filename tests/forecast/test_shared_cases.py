"""The shared worked cases, through the public API, each to its tolerance; and who answers for which case."""

import datetime as dt
import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from salesops import forecast
from salesops.models import FiscalCalendar

yaml = pytest.importorskip("yaml")

HERE = "test_shared_cases"
CLAIMS = {
    "km-01": HERE,
    "logrank-01": HERE,
    "km-03": HERE,
    "cif-01": HERE,
    "cif-03": HERE,
    "markov-01": HERE,
    "markov-03": HERE,
    "rate-01": HERE,
    "pool-01": HERE,
    "win-01": HERE,
    "vel-01": HERE,
    "cov-01": HERE,
    "nrr-01": HERE,
    "nrr-03": HERE,
    "ltv-01": HERE,
    "funnel-01": HERE,
    "little-01": HERE,
    "crm-01": HERE,
    "crm-02": HERE,
    "cal-01": HERE,
    "cal-03": HERE,
    "dist-01": HERE,
    "dist-02": HERE,
    "score-01": HERE,
    "score-03": HERE,
    "recon-01": "tests/forecast/test_planning_cases.py",
    "cap-01": "tests/forecast/test_planning_cases.py",
    "cap-03": "tests/forecast/test_planning_cases.py",
    "spc-01": "tests/evaluation/test_shared_cases.py",
    "did-01": "tests/evaluation/test_shared_cases.py",
    "pm-01": "tests/process/test_shared_cases.py",
    "pm-02": "tests/process/test_shared_cases.py",
    "conf-01": "tests/process/test_shared_cases.py",
}
"""Which test module answers for a case: this one, or one that carries the figures itself."""

CREATED, CLOSED = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-12-31")


@pytest.fixture(scope="module")
def cases(shared):
    text = (shared / "forecast-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


def number(value):
    """Read a number, or an exact fraction given as text."""
    return float(Fraction(value)) if isinstance(value, str) else float(value)


def near(case, *, slack=1.0):
    """Compare within the tolerance of the case; rounding of doubles is no fault where it is 0."""
    return {"abs": max(slack * float(case["tolerance"]), 1e-12), "rel": 0}


def test_every_case_is_claimed_by_one_test_module(cases):
    assert CLAIMS.keys() == cases.keys()
    root = Path(__file__).parents[2]
    for case, module in CLAIMS.items():
        path = Path(__file__) if module == HERE else root / module
        text = path.read_text(encoding="utf-8")
        assert f'["{case}"]' in text or f"test_{case.replace('-', '_')}_" in text, case


def test_km_01(cases):
    case = cases["km-01"]
    curve = forecast.kaplan_meier(case["inputs"]["durations"], case["inputs"]["event"])
    for age, share in case["expected"]["survival_at"].items():
        assert curve.at(age)["survival"][0] == pytest.approx(share, **near(case))
    assert curve.median == case["expected"]["median"]


def test_logrank_01(cases):
    case, arm = cases["logrank-01"], cases["km-01"]["inputs"]
    text = case["inputs"]["groups"].split("durations ")[1].split(",")[0]
    other = [int(value) for value in text.split()]
    found = forecast.log_rank(
        arm["durations"] + other,
        arm["event"] + [1] * len(other),
        ["6-MP"] * len(arm["durations"]) + ["placebo"] * len(other),
    )
    assert found.chi2 == pytest.approx(case["expected"]["chi2"], **near(case))
    assert found.p_value == pytest.approx(case["expected"]["p_value"], **near(case))


def test_km_03(cases):
    case = cases["km-03"]
    ages, ended, groups = [], [], []
    for group, rows in case["inputs"]["time_events_censored"].items():
        for age, events, censored in rows:
            ages += [age] * (events + censored)
            ended += [1] * events + [0] * censored
            groups += [group] * (events + censored)
    whole = forecast.kaplan_meier(ages, ended)
    assert whole.median == case["expected"]["median_all"]
    for age, share in case["expected"]["survival_all_at"].items():
        assert whole.at(age)["survival"][0] == pytest.approx(share, **near(case))
    for group, median in case["expected"]["median_by_group"].items():
        mine = [k for k, name in enumerate(groups) if name == group]
        curve = forecast.kaplan_meier([ages[k] for k in mine], [ended[k] for k in mine])
        assert curve.median == median
    found = forecast.log_rank(ages, ended, groups)
    assert found.chi2 == pytest.approx(case["expected"]["logrank_chi2"], **near(case))


def test_cif_01(cases):
    case = cases["cif-01"]
    given = case["inputs"]
    names = {label: name for label, name in given["causes"].items() if name != "censored"}
    curves = forecast.competing_risks(given["durations"], given["event"], causes=names)
    for state in ("won", "lost", "open"):
        for age, share in case["expected"][state].items():
            assert curves.at(age)[state][0] == pytest.approx(number(share), **near(case))
    assert curves.share.sum(axis=1) + curves.still_open == pytest.approx(1.0, abs=1e-12)


def test_cif_03(cases):
    case = cases["cif-03"]
    given = case["inputs"]
    curves = forecast.competing_risks(
        given["durations"], given["event"], entry=given["entry_age"], causes={1: "won", 2: "lost"}
    )
    at_risk = dict(zip(curves.ages.tolist(), curves.at_risk.tolist(), strict=True))
    assert at_risk == {float(age): n for age, n in case["expected"]["at_risk"].items()}
    for state in ("won", "lost", "open"):
        for age, share in case["expected"][state].items():
            assert curves.at(age)[state][0] == pytest.approx(number(share), **near(case))


def test_cif_01_from_a_table_of_deals(cases):
    case = cases["cif-01"]
    given = case["inputs"]
    names = {0: "open", 1: "won", 2: "lost"}
    # An open deal was last seen on the last day: it must be created so much earlier.
    closed = [
        CREATED + pd.Timedelta(days=age) if event else None
        for age, event in zip(given["durations"], given["event"], strict=True)
    ]
    created = [
        CREATED if event else CLOSED - pd.Timedelta(days=age)
        for age, event in zip(given["durations"], given["event"], strict=True)
    ]
    deals = {
        "created_on": created,
        "closed_on": closed,
        "outcome": [names[event] for event in given["event"]],
        "team": ["one"] * len(created),
    }
    curves = forecast.outcome_curves(deals, by="team", as_of=CLOSED).part("one")
    for state in ("won", "lost", "open"):
        for age, share in case["expected"][state].items():
            assert curves.at(age)[state][0] == pytest.approx(number(share), **near(case))


def test_markov_01(cases):
    case = cases["markov-01"]
    given, expected = case["inputs"], case["expected"]
    chain = forecast.absorbing_chain(
        given["Q"], given["R"], transient=given["transient"], absorbing=given["absorbing"]
    )
    assert chain.visits == pytest.approx(np.array(expected["N"]), **near(case))
    assert chain.steps == pytest.approx(np.array(expected["steps"]), **near(case))
    assert chain.absorption == pytest.approx(np.array(expected["B"]), **near(case))


def test_markov_03(cases):
    case = cases["markov-03"]
    given, expected = case["inputs"], case["expected"]
    q, r = ([[number(p) for p in row] for row in given[name]] for name in ("Q", "R"))
    chain = forecast.absorbing_chain(q, r, transient=given["transient"], absorbing=given["absorbing"])
    assert chain.steps == pytest.approx([number(x) for x in expected["steps"]], **near(case))
    assert chain.visits[0] == pytest.approx([number(x) for x in expected["N_row1"]], **near(case))


def test_rate_01(cases):
    case = cases["rate-01"]
    for (wins, n), interval in zip(case["inputs"]["wins_of"], case["expected"]["interval"], strict=True):
        found = forecast.rate_interval(wins, n, case["inputs"]["level"])
        assert found == pytest.approx(tuple(interval), **near(case))


def test_pool_01(cases):
    case = cases["pool-01"]
    given, expected = case["inputs"], case["expected"]
    found = forecast.pooled_rates(given["successes"], given["trials"], method="james_stein")
    assert found.mean == pytest.approx(expected["grand_mean"], **near(case))
    assert found.own_weight[0] == pytest.approx(expected["factor"], **near(case))
    assert found.pooled[0] == pytest.approx(expected["shrunk_first"], **near(case))
    assert found.pooled[-1] == pytest.approx(expected["shrunk_last"], **near(case))


def test_win_01(cases):
    case = cases["win-01"]
    given = case["inputs"]
    for treatment in ("excluded", "included"):
        found = forecast.win_rate(
            given["won"], given["lost"], no_decision=given["no_decision"], no_decision_counts=treatment
        )
        name = f"{treatment.removesuffix('ed')}ing_no_decision"
        assert found.value == pytest.approx(number(case["expected"][name]), **near(case))


def test_vel_01(cases):
    case = cases["vel-01"]
    given, expected = case["inputs"], case["expected"]
    parts = (given["opportunities"], given["average_amount"], number(given["win_rate"]))
    per_day = forecast.velocity(*parts, given["cycle_days"])
    assert per_day == pytest.approx(expected["per_day"], **near(case))
    assert per_day * given["quarter_days"] == pytest.approx(expected["per_quarter"], **near(case))
    faster = forecast.velocity(*parts, given["faster_cycle_days"])
    assert faster == pytest.approx(expected["faster_per_day"], **near(case))


def test_cov_01(cases):
    case = cases["cov-01"]
    given, expected = case["inputs"], case["expected"]
    found = forecast.coverage(given["open_pipeline"], given["remaining_quota"], number(given["win_rate"]))
    assert found.ratio == pytest.approx(number(expected["coverage"]), **near(case))
    assert found.required == pytest.approx(number(expected["required"]), **near(case))
    assert found.expected == pytest.approx(expected["expected"], **near(case))
    assert found.share == pytest.approx(number(expected["share"]), **near(case))


def test_nrr_01(cases):
    case = cases["nrr-01"]
    given = dict(case["inputs"])
    found = forecast.Retention.from_flows(given.pop("starting"), **given)
    assert found.grr == pytest.approx(number(case["expected"]["grr"]), **near(case))
    assert found.nrr == pytest.approx(number(case["expected"]["nrr"]), **near(case))


def test_nrr_03(cases):
    case = cases["nrr-03"]
    found = forecast.retention(case["inputs"]["start"], case["inputs"]["end"])
    for name, value in case["expected"].items():
        assert getattr(found, name) == pytest.approx(number(value), **near(case))


def test_ltv_01(cases):
    case = cases["ltv-01"]
    given = case["inputs"]
    found = forecast.unit_economics(
        given["arpa_month"], number(given["gross_margin"]), number(given["churn_month"]), given["cac"]
    )
    for name, value in case["expected"].items():
        assert getattr(found, name) == pytest.approx(number(value), **near(case))


def test_funnel_01(cases):
    case = cases["funnel-01"]
    given = case["inputs"]
    roads = [
        (["entry", "stage 1"], given["to_stage_1"]),
        (["entry", "stage 2"], given["skipped_to_stage_2"]),
        (["entry", "stage 3"], given["skipped_to_stage_3"]),
    ]
    roads.append((["entry"], given["started"] - sum(n for _, n in roads)))
    rows, deal, wins = [], 0, given["won"]
    for stages, n in roads:
        for _ in range(n):
            rows += [(deal, stage, dt.date(2024, 1, 1 + k)) for k, stage in enumerate(stages)]
            if wins and len(stages) > 1:
                rows.append((deal, "won", dt.date(2024, 3, 1)))
                wins -= 1
            deal += 1
    log = pd.DataFrame(rows, columns=["deal_id", "stage", "entered_on"])
    names = ["entry", "stage 1", "stage 2", "stage 3"]
    result = forecast.funnel(log, names, as_of="2024-06-30")
    rates = result.rates().set_index("measure")["value"]
    expected = number(case["expected"]["cohort_win_rate"])
    assert rates["win rate, all deals"] == pytest.approx(expected, **near(case))
    moves = result.transitions().set_index(["from_stage", "to_stage"])
    share = moves.loc[("entry", "stage 1"), "share"]
    assert share == pytest.approx(number(case["expected"]["stage_1_share"]), **near(case))
    assert moves.loc[("entry", "stage 2"), "n"] == given["skipped_to_stage_2"]
    assert moves.loc[("entry", "stage 3"), "n"] == given["skipped_to_stage_3"]


def test_little_01(cases):
    case = cases["little-01"]
    assert forecast.throughput(*case["inputs"].values()) == case["expected"]["open_deals"]


CRM_COLUMNS = {
    "opportunity_id": "deal_id",
    "engage_date": "created_on",
    "close_date": "closed_on",
    "close_value": "amount",
}


@pytest.fixture(scope="module")
def crm(shared, cases):
    file = shared / cases["crm-01"]["inputs"]["data"]
    if not file.is_file():
        pytest.skip(f"{file.name} is absent")
    table = pd.read_csv(file)
    outcome = table["deal_stage"].map({"Won": "won", "Lost": "lost"})
    return table.assign(outcome=outcome).rename(columns=CRM_COLUMNS)


def test_crm_01(cases, crm):
    expected = cases["crm-01"]["expected"]
    history = forecast.History.from_deals(crm)
    without = crm.loc[crm["created_on"].isna(), "deal_stage"]
    assert len(history.rejected) == expected["prospecting_without_engage_date"] == len(without)
    result = forecast.funnel(history, ["open"], as_of="2017-12-31", period="quarter")
    assert (result.won, result.lost, result.open) == tuple(
        expected[name] for name in ("won", "lost", "engaging")
    )
    assert result.win_rates()[0].value == number(expected["win_rate"])
    value = result.periods().set_index("period")["won_amount"]
    assert {name.replace("-", ""): v for name, v in value.items() if v} == expected["won_value"]
    for day, n in expected["open_as_of"].items():
        assert forecast.funnel(history, ["open"], as_of=day).open == n


def test_crm_02(cases, crm):
    case = cases["crm-02"]
    given = case["inputs"]
    for variant, since in (("without_entry", None), ("with_entry", given["log_starts"])):
        curves = forecast.outcome_curves(crm, as_of=given["as_of"], observed_from=since).whole
        for state, by_age in case["expected"][variant].items():
            for age, share in by_age.items():
                assert curves.at(float(age))[state][0] == pytest.approx(share, **near(case))


def test_cal_01(cases):
    case = cases["cal-01"]
    retail = FiscalCalendar(scheme="4-5-4", first_month=2)
    for year in case["inputs"]["years"]:
        (whole,) = retail.periods(year, by="year")
        assert (whole.end - dt.timedelta(days=1)).isoformat() == case["expected"]["year_end"][year]
        assert whole.days == 7 * case["expected"]["weeks"][year]


def test_cal_03(cases):
    case = cases["cal-03"]
    given, expected = case["inputs"], case["expected"]
    log = [{"deal_id": 1, "stage": "won", "entered_on": given["closed_at"]}]
    for zone, quarter in (
        (given["business_zone"], expected["calendar_quarter"]),
        ("UTC", expected["utc_quarter"]),
    ):
        history = forecast.History.from_events(log, zone=zone)
        periods = forecast.funnel(history, ["new"], period="quarter").periods()
        assert [name.replace("-", "") for name in periods["period"]] == [quarter]
        if zone != "UTC":
            assert history.days[1].isoformat() == expected["local_date"]


def test_dist_01(cases):
    case = cases["dist-01"]
    deals = case["inputs"]["deals"]
    total = forecast.Distribution.of_deals(
        [number(deal["win_probability"]) for deal in deals], [deal["amount"] for deal in deals]
    )
    expected = {name: number(value) for name, value in case["expected"].items()}
    assert total.mean == pytest.approx(expected["mean"], rel=1e-15)
    assert total.variance == pytest.approx(expected["variance"], rel=1e-14)
    assert total.probability_of(case["inputs"]["target"]) == pytest.approx(
        expected["prob_reach_target"], **near(case)
    )
    assert total.cdf(0) == pytest.approx(expected["prob_zero"], **near(case))
    assert [total.quantile(q) for q in (0.1, 0.5, 0.9)] == [
        expected["q10"],
        expected["median"],
        expected["q90"],
    ]
    amounts = range(-5_000, 200_001, 5_000)
    jumps = [total.cdf(high) > total.cdf(low) for low, high in itertools.pairwise(amounts)]
    assert sum(jumps) == expected["support"]


def test_dist_02(cases):
    case = cases["dist-02"]
    total = forecast.Distribution.of_deals([0.5] * 10, [1] * 10)
    expected = {name: number(value) for name, value in case["expected"].items()}
    assert (total.mean, total.variance) == (expected["mean"], expected["variance"])
    assert total.cdf(5) - total.cdf(4) == pytest.approx(expected["pmf_5"], **near(case))
    assert total.cdf(2) == pytest.approx(expected["cdf_2"], **near(case))


def test_score_01(cases):
    case = cases["score-01"]
    found = forecast.crps_normal(0, 1, case["inputs"]["observations"])
    assert found == pytest.approx(case["expected"]["crps"], **near(case))
    normal = ndtri((np.arange(20_000) + 0.5) / 20_000)
    for actual, score in zip(case["inputs"]["observations"], case["expected"]["crps"], strict=True):
        assert forecast.crps(normal, actual) == pytest.approx(score, **near(case))
        sampled = forecast.Distribution.from_samples(normal)
        assert forecast.crps(sampled, actual) == pytest.approx(score, **near(case))


def test_score_03(cases):
    case = cases["score-03"]
    errors = forecast.forecast_errors(case["inputs"]["actual"], case["inputs"]["forecast"])
    assert errors.wape == pytest.approx(case["expected"]["wape"], **near(case))
    assert errors.bias == pytest.approx(case["expected"]["bias"], **near(case))
    assert dict(errors.reasons)["mape"] == case["expected"]["mape"]
