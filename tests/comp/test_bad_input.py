"""What the wing does with broken, hostile or odd plans, quotas and credits."""

import decimal
import json
from decimal import Decimal

import pandas as pd
import pytest

from salesops import comp
from salesops.errors import InvalidInput, SalesOpsWarning, show
from salesops.models import Period

FLAT = [{"from": "0", "rate": "0.10"}]
STEP = [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.10"}]
Q1 = Period(name="2024-Q1", start="2024-01-01", end="2024-04-01")


def plan(tiers=FLAT, plan_id="p", currency="USD", **fields):
    document = {"schema_version": 1, "plan_id": plan_id, "tiers": tiers, **fields}
    return comp.CompPlan.from_dict(document if currency is None else document | {"currency": currency})


def credits_of(*amounts, rep="r1", **columns):
    return [
        {"credit_id": f"c{k}", "rep_id": rep, "amount": amount} | columns
        for k, amount in enumerate(amounts, 1)
    ]


def paid(run):
    return dict(zip(run.payouts()["rep_id"], run.payouts()["earned"].tolist(), strict=True))


def refused(call, *names):
    """Demand one InvalidInput that tells all the names."""
    with pytest.raises(InvalidInput) as caught:
        call()
    told = str(caught.value)
    for problem in caught.value.problems:
        told += f"\n{problem.path} {problem.rows} {problem.ids} {problem.values} {problem.suggestions}"
    missing = [name for name in names if str(name) not in told]
    assert not missing, f"{missing} not in:\n{told}"
    return caught.value


@pytest.mark.parametrize(
    ("tiers", "names"),
    [
        (
            [{"from": "0", "to": "1000", "rate": "0.05"}, {"from": "1001", "to": "2000", "rate": "0.10"}],
            ["1000", "1001", "tiers[1].from", "hole"],
        ),
        (
            [{"from": "0", "to": "1000", "rate": "0.05"}, {"from": "900", "to": "2000", "rate": "0.10"}],
            ["900", "1000", "tiers[1]", "overlap"],
        ),
        ([{"from": "10000", "rate": "0.10"}, {"from": "0", "rate": "0.05"}], ["tiers[1]", "10000"]),
        (
            [{"from": "0", "rate": "0.05"}, {"from": "500", "rate": "0.06"}, {"from": "500", "rate": "0.07"}],
            ["tiers[2]", "500"],
        ),
        ([{"from": "100", "rate": "0.05"}], ["tiers[0]", "100", "rate 0"]),
        ([{"from": "0", "rate": "-0.05"}], ["tiers[0].rate", "-0.05"]),
        ([{"from": "0", "rate": 0.1}], ["tiers[0].rate", "0.1", "float", "'0.1'"]),
        ([], ["tiers"]),
        ([{"from": "0", "to": "0", "rate": "0.1"}], ["tiers[0].to"]),
    ],
)
def test_a_table_of_rates_with_a_fault_is_refused_with_its_path(tiers, names):
    refused(lambda: plan(tiers), *names)


def test_a_float_rate_is_refused_in_python_too():
    refused(lambda: comp.Tier(start="0", rate=0.1), "rate", "0.1", "float")


@pytest.mark.parametrize(
    ("amount", "due"), [("9999.99", 50000), ("10000.00", 50000), ("10000.01", 50000), ("10000.05", 50001)]
)
def test_money_on_a_marginal_threshold(amount, due):
    assert paid(comp.calculate(plan(STEP), credits_of(amount))) == {"r1": due}


@pytest.mark.parametrize(("amount", "due"), [("9999.99", 50000), ("10000.00", 100000)])
def test_money_on_a_threshold_of_the_whole_amount(amount, due):
    assert paid(comp.calculate(plan(STEP, style="whole_amount"), credits_of(amount))) == {"r1": due}


def test_falling_rates_are_legal():
    tiers = [{"from": "0", "rate": "0.10"}, {"from": "1000", "rate": "0.02"}]
    assert paid(comp.calculate(plan(tiers), credits_of("1500.00"))) == {"r1": 11000}


def test_a_rate_in_percent_by_mistake_is_told():
    with pytest.warns(SalesOpsWarning, match=r"tiers\[0\]\.rate: this pays 500 %; write 0\.05 for 5 %"):
        assert plan([{"from": "0", "rate": "5"}]).components[0].tiers[0].rate == 5


def test_a_threshold_in_percent_by_mistake_is_told():
    tiers = [{"from": "0", "rate": "0.1"}, {"from": "100", "rate": "0.2"}]
    with pytest.warns(SalesOpsWarning, match=r"tiers\[1\]\.from: this means 10000 % of quota"):
        plan(tiers, basis="attainment")


def test_multipliers_above_one_are_no_percentages():
    plan([{"from": "0", "rate": "1.0"}, {"from": "1", "rate": "1.5"}], basis="attainment", base_rate="0.1")


def on_attainment(quotas, rows, **options):
    attainment = plan([{"from": "0", "rate": "0.05"}, {"from": "1.0", "rate": "0.10"}], basis="attainment")
    return comp.calculate(attainment, rows, quotas=quotas, **options)


def test_a_quota_of_zero_is_refused():
    quotas = [{"rep_id": "r1", "amount": "0.00"}]
    refused(lambda: on_attainment(quotas, credits_of("100.00")), "r1", "quota", "0")


def test_a_negative_quota_is_refused():
    quotas = [{"rep_id": "r1", "amount": "-5000.00"}]
    refused(lambda: on_attainment(quotas, credits_of("100.00")), "r1", "-5000.00")


THREE = [{"credit_id": f"c{k}", "rep_id": f"r{k}", "amount": "100.00"} for k in (1, 2, 3)]


def test_credits_without_a_quota_are_held_where_the_run_holds():
    run = on_attainment([{"rep_id": "r1", "amount": "1000.00"}], THREE, on_error="hold")
    assert paid(run) == {"r1": 500}
    held = run.held()
    assert held["reason"].tolist() == ["no quota", "no quota"]
    assert ["'r2'" in held["detail"][0], "'r3'" in held["detail"][1]] == [True, True]
    assert run.reconcile()["credits"].tolist() == [3, 1, 2, 0]


def test_all_reps_without_a_quota_are_named_where_the_run_raises():
    refused(lambda: on_attainment([{"rep_id": "r1", "amount": "1000.00"}], THREE), "r2", "r3", "quota")


def test_a_quota_from_a_leap_day_counts_its_days():
    quotas = [{"rep_id": "r1", "amount": "91000.00", "start": "2024-02-29"}]
    rows = credits_of("10.00", earned_on="2024-03-31")
    run = on_attainment(quotas, rows, periods=[Q1], prorate="days")
    assert run.attainment()["quota"].tolist() == [3200000]


def test_a_rep_whose_quota_starts_the_day_after_has_none():
    quotas = [{"rep_id": "r1", "amount": "91000.00", "from": "2024-04-01"}]
    rows = credits_of("10.00", date="2024-03-31")
    names = {"from": "start", "date": "earned_on"}
    run = on_attainment(quotas, rows, periods=[Q1], prorate="days", on_error="hold", columns=names)
    assert "'r1'" in run.held()["detail"][0]
    assert "2024-04-01" in run.held()["detail"][0]
    assert paid(run) == {}


def test_two_quotas_on_the_same_days_are_refused():
    quotas = [
        {"rep_id": "r1", "amount": "100.00", "start": "2024-01-01", "end": "2024-03-01"},
        {"rep_id": "r1", "amount": "200.00", "start": "2024-02-15", "end": "2024-04-01"},
    ]
    rows = credits_of("10.00", earned_on="2024-01-31")
    refused(lambda: on_attainment(quotas, rows, periods=[Q1]), "r1", "2024-02-15", "2024-03-01")


def test_two_quotas_in_one_period_need_proration():
    quotas = [
        {"rep_id": "r1", "amount": "91.00", "start": "2024-01-01", "end": "2024-03-01"},
        {"rep_id": "r1", "amount": "182.00", "start": "2024-03-01", "end": "2024-04-01"},
    ]
    rows = credits_of("10.00", earned_on="2024-01-31")
    refused(lambda: on_attainment(quotas, rows, periods=[Q1]), "r1", "2024-Q1", "prorate='days'")
    run = on_attainment(quotas, rows, periods=[Q1], prorate="days")
    assert run.attainment()["quota"].tolist() == [60_00 + 62_00]


def test_a_repeated_credit_is_paid_once_and_reported():
    run = comp.calculate(plan(), credits_of("100.00") * 2)
    assert paid(run) == {"r1": 1000}
    assert run.rejected()[["credit_id", "reason"]].to_numpy().tolist() == [["c1", "duplicate"]]


def test_a_credit_id_with_two_amounts_is_refused():
    rows = [*credits_of("100.00"), *credits_of("120.00")]
    refused(lambda: comp.calculate(plan(), rows), "c1", "credits.amount", "100.00", "120.00")
    run = comp.calculate(plan(), rows, on_error="hold")
    assert run.held()["reason"].tolist() == ["contradictory"] * 2


def test_a_credit_without_a_rep_is_never_dropped():
    rows = {
        "credit_id": ["c1", "c2", "c3"],
        "rep_id": ["a", "b", None],
        "amount": ["100.00", "200.00", "400.00"],
    }
    refused(lambda: comp.calculate(plan(), rows), "c3", "rep_id", 2)
    run = comp.calculate(plan(), rows, on_error="hold")
    assert paid(run) == {"a": 1000, "b": 2000}
    assert run.rejected()["detail"].tolist() == ["rep_id: the id is missing: None"]
    assert run.reconcile()["amount"].tolist() == [70000, 30000, 0, 40000]


def test_a_rep_listed_twice_does_not_double_credits():
    reps = {"rep_id": ["a", "a", "b"], "team": ["t1", "t2", "t1"]}
    problem = refused(lambda: comp.calculate(plan(), credits_of("1.00", rep="a"), reps=reps), "a").problems[0]
    assert problem.rows == (0, 1)


def test_an_unknown_rep_is_refused_with_the_one_that_was_meant():
    rows = credits_of("1.00", rep="R1")
    refused(lambda: comp.calculate(plan(), rows, reps=[{"rep_id": "r1"}]), "c1", "R1", "did you mean 'r1'")
    run = comp.calculate(plan(), rows, reps=[{"rep_id": "r1"}], on_error="hold")
    assert run.held()["reason"].tolist() == ["unknown rep"]
    assert paid(run) == {"r1": 0}


def test_a_rep_id_of_another_type_is_another_rep():
    refused(
        lambda: comp.calculate(plan(), credits_of("1.00", rep=101), reps=[{"rep_id": "101"}]),
        "101",
        "'101'",
        "int",
    )


@pytest.mark.parametrize("currency", ["USD", None])
def test_no_credits_give_statements_of_zero(currency):
    run = comp.calculate(plan(currency=currency), [], reps=[{"rep_id": "r1"}, {"rep_id": "r2"}])
    assert paid(run) == {"r1": 0, "r2": 0}
    assert len(run.lines()) == 0
    assert list(run.lines().columns) == list(comp.calculate(plan(), credits_of("1.00")).lines().columns)
    assert run.statement("r1").earned == 0
    assert "0.00" in repr(run.statement("r2"))
    json.dumps(run.to_dict())
    assert run._repr_html_()


def test_nothing_at_all_is_a_run_of_nothing():
    run = comp.calculate(plan(), [])
    assert len(run.payouts()) == 0
    assert json.loads(json.dumps(run.to_dict()))["payouts"] == []


def test_a_foreign_currency_without_a_rate_is_refused():
    rows = credits_of("100.00", currency="EUR", earned_on="2024-02-01")
    refused(lambda: comp.calculate(plan(), rows), "EUR", "USD", "2024-02-01", "c1")
    assert comp.calculate(plan(), rows, on_error="hold").held()["reason"].tolist() == ["no exchange rate"]


def test_mixed_currencies_need_a_plan_that_names_its_own():
    rows = [
        *credits_of("1.00", currency="USD"),
        {"credit_id": "c2", "rep_id": "r1", "amount": "1.00", "currency": "EUR"},
    ]
    refused(lambda: comp.calculate(plan(currency=None), rows), "USD", "EUR")
    assert (
        comp.calculate(plan(currency=None), rows, on_error="hold").held()["reason"].tolist()
        == ["mixed currencies"] * 2
    )


def test_somebody_must_name_the_currency():
    refused(lambda: comp.calculate(plan(currency=None), credits_of("1.00")), "currency", '"USD"')
    run = comp.calculate(plan(currency=None), credits_of("1.00", currency="EUR"))
    assert run.payouts()["currency"].tolist() == ["EUR"]


def test_yen_have_no_decimals():
    rows = credits_of("100.50", currency="JPY")
    refused(lambda: comp.calculate(plan(currency="JPY"), rows), "c1", "JPY", "100.50")


def test_dinars_have_three():
    run = comp.calculate(plan(currency="KWD"), credits_of("1.005"))
    assert paid(run) == {"r1": 101}


@pytest.mark.parametrize(
    ("rounding", "due"), [("half_up", [13, -13]), ("half_even", [12, -12]), ("down", [12, -12])]
)
def test_half_a_cent_under_named_roundings_and_both_signs(rounding, due):
    half = plan([{"from": "0", "rate": "0.125"}], rounding=rounding, negative="allow")
    rows = [*credits_of("1.00"), {"credit_id": "x", "rep_id": "r2", "amount": "-1.00"}]
    assert list(paid(comp.calculate(half, rows)).values()) == due


def test_amounts_near_the_end_of_64_bits_are_refused():
    rows = credits_of("46116860184273879.04", "46116860184273879.04")
    refused(lambda: comp.calculate(plan([{"from": "0", "rate": "1"}]), rows), "amount", "c1", "c2")


def test_totals_beyond_64_bits_never_wrap():
    rows = credits_of(*["9999999999999999.99"] * 12)
    refused(lambda: comp.calculate(plan([{"from": "0", "rate": "1"}]), rows), "amount", "64-bit")
    run = comp.calculate(plan([{"from": "0", "rate": "0.1"}]), rows)
    assert paid(run) == {"r1": 12 * 10**17 - 1}
    assert run.reconcile()["amount"].tolist()[:2] == [12 * (10**18 - 1)] * 2


def test_ten_to_the_fifteenth_with_a_cent():
    run = comp.calculate(plan([{"from": "0", "rate": "1"}]), credits_of("1000000000000000.01"))
    assert paid(run) == {"r1": 100000000000000001}


def test_fractions_of_a_cent_at_the_door_need_a_named_rounding():
    refused(lambda: comp.calculate(plan(), credits_of("10.005")), "c1", "10.005", "USD", "input_rounding")
    run = comp.calculate(plan([{"from": "0", "rate": "1"}]), credits_of("10.005"), input_rounding="half_up")
    assert paid(run) == {"r1": 1001}


@pytest.mark.parametrize(
    "amount",
    [
        "1,000.00",
        "1_000",
        " 12\u00a0",
        "\uff11\uff12",
        "\u0967\u0968",
        "+5",
        "0x10",
        "1e3",
        "NaN",
        "Infinity",
        "sNaN",
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("sNaN"),
        True,
        None,
        0.5,
        "1e1000000",
        Decimal("1e1000000"),
    ],
)
def test_what_is_no_amount_is_refused_by_name(amount):
    rows = [*credits_of(amount), {"credit_id": "c2", "rep_id": "r1", "amount": "5.00"}]
    refused(lambda: comp.calculate(plan(), rows), "c1", "amount", show(amount))
    run = comp.calculate(plan(), rows, on_error="hold")
    assert paid(run) == {"r1": 50}
    assert run.rejected()["reason"].tolist() == ["unreadable"]
    assert run.rejected()["amount"].isna().all()


def test_the_callers_decimal_context_changes_nothing():
    expected = [paid(comp.calculate(plan(STEP), credits_of(a))) for a in ("1000000000000000.01", "10000.05")]
    with decimal.localcontext() as context:
        context.prec, context.rounding = 5, decimal.ROUND_UP
        context.traps[decimal.Inexact] = True
        before = repr(context)
        found = [paid(comp.calculate(plan(STEP), credits_of(a))) for a in ("1000000000000000.01", "10000.05")]
        assert repr(decimal.getcontext()) == before
    assert found == expected


def test_naive_and_aware_times_in_one_column_are_refused():
    rows = [
        {"credit_id": "c1", "rep_id": "r1", "amount": "1.00", "date": "2024-03-31T23:30:00-08:00"},
        {"credit_id": "c2", "rep_id": "r1", "amount": "1.00", "date": "2024-03-31T23:30:00"},
    ]
    names = {"date": "earned_on"}
    refused(
        lambda: comp.calculate(plan(), rows, periods=[Q1], columns=names),
        "earned_on",
        "c1",
        "c2",
        "time zone",
    )


def test_periods_with_a_missing_day_are_refused():
    holed = [("2024-01-01", "2024-03-31"), ("2024-04-01", "2024-07-01")]
    rows = credits_of("1.00", earned_on="2024-03-31")
    refused(lambda: comp.calculate(plan(), rows, periods=holed), "2024-03-31")


def test_a_credit_outside_every_period_is_named():
    rows = credits_of("1.00", earned_on="2024-04-01")
    refused(lambda: comp.calculate(plan(), rows, periods=[Q1]), "c1", "2024-04-01", "earned_on")
    assert comp.calculate(plan(), rows, periods=[Q1], on_error="hold").held()["reason"].tolist() == [
        "no period"
    ]


def test_a_guarantee_above_the_cap_is_refused():
    refused(lambda: plan(guarantee="500.00", cap="400.00"), "guarantee", "500.00", "cap", "400.00")


def test_returns_beyond_sales_are_refused_unless_the_plan_pays_negative_amounts():
    rows = credits_of("100.00", "-250.00")
    refused(lambda: comp.calculate(plan(), rows), "r1", "-150.00", '"negative": "allow"')
    run = comp.calculate(plan(), rows, on_error="hold")
    assert paid(run) == {}
    assert run.held()["reason"].tolist() == ["negative total"] * 2
    assert paid(comp.calculate(plan(negative="allow"), rows)) == {"r1": -1500}


def test_two_plans_for_one_rep_on_one_day_are_refused():
    assignments = [
        {"rep_id": "r1", "plan_id": "A", "from": "2024-01-01", "to": "2024-07-01"},
        {"rep_id": "r1", "plan_id": "B", "from": "2024-06-15", "to": "2025-01-01"},
    ]
    rows = credits_of("1.00", earned_on="2024-02-01")
    plans = [plan(plan_id="A"), plan(plan_id="B")]
    names = {"from": "start", "to": "end"}
    refused(
        lambda: comp.calculate(plans, rows, assignments=assignments, columns=names),
        "r1",
        "A",
        "B",
        "2024-06-15",
    )


def test_an_unknown_plan_is_refused_with_the_one_that_was_meant():
    assignments = [{"rep_id": "r1", "plan_id": "ae-2016"}]
    ours = plan(plan_id="ae-2017")
    refused(lambda: comp.calculate(ours, credits_of("1.00"), assignments=assignments), "ae-2016", "'ae-2017'")


def test_several_plans_need_assignments():
    refused(lambda: comp.calculate([plan(plan_id="A"), plan(plan_id="B")], credits_of("1.00")), "assignments")
    refused(lambda: comp.calculate([plan(), plan()], credits_of("1.00")), "'p'", "plan_id")


def test_a_day_without_a_plan_is_named():
    assignments = [{"rep_id": "r1", "plan_id": "p", "start": "2024-02-01"}]
    rows = credits_of("1.00", earned_on="2024-01-31")
    refused(lambda: comp.calculate(plan(), rows, assignments=assignments), "r1", "2024-01-31", "c1")
    run = comp.calculate(plan(), rows, assignments=assignments, on_error="hold")
    assert run.held()["reason"].tolist() == ["no plan"]


def test_a_total_beyond_the_last_tier_never_pays_nothing_in_silence():
    ended = plan([{"from": "0", "to": "1000", "rate": "0.05"}])
    assert paid(comp.calculate(ended, credits_of("1000.00"))) == {"r1": 5000}
    refused(lambda: comp.calculate(ended, credits_of("999.00", "1.01")), "r1", "1000.01", '"to"')
    run = comp.calculate(ended, credits_of("999.00", "1.01"), on_error="hold")
    assert run.held()["reason"].tolist() == ["above the last tier"] * 2


def test_a_measure_that_no_component_counts_is_rejected_with_its_reason():
    on_margin = comp.CompPlan(
        plan_id="p", currency="USD", components=[comp.Commission(measure="margin", tiers=FLAT)]
    )
    rows = [
        *credits_of("100.00", measure="revenue"),
        {"credit_id": "m", "rep_id": "r1", "amount": "10", "measure": "margin"},
    ]
    run = comp.calculate(on_margin, rows)
    assert paid(run) == {"r1": 100}
    assert run.rejected()["reason"].tolist() == ["unused measure"]
    refused(lambda: comp.calculate(on_margin, credits_of("1.00")), "credits.measure")
    refused(lambda: comp.calculate(plan(), rows), "'margin'", "'revenue'")


def test_a_column_name_that_stands_twice_is_refused():
    frame = pd.DataFrame([["c1", "r1", "1.00", "2.00"]], columns=["credit_id", "rep_id", "amount", "amount"])
    refused(lambda: comp.calculate(plan(), frame), "amount", "2")


def test_repeated_index_labels_change_nothing():
    frame = pd.DataFrame(credits_of("1.00", "2.00", "3.00"))
    twin = frame.set_axis([0, 0, 0])
    assert comp.calculate(plan(), twin).to_dict() == comp.calculate(plan(), frame).to_dict()


def test_a_column_map_that_no_table_needs_is_refused():
    refused(
        lambda: comp.calculate(plan(), credits_of("1.00"), columns={"amuont": "amount"}), "amuont", "'amount'"
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"on_error": "ignore"}, ["on_error", "'hold'"]),
        ({"prorate": "weeks"}, ["prorate", "'days'"]),
        ({"input_rounding": "up_half"}, ["input_rounding", "'half_up'"]),
        ({"periods": []}, ["periods"]),
        ({"periods": "2024"}, ["periods"]),
        ({"prorate": "days", "quotas": [{"rep_id": "r1", "amount": "1"}]}, ["periods", "days"]),
    ],
)
def test_an_option_with_no_sense_is_refused(options, names):
    refused(lambda: comp.calculate(plan(), credits_of("1.00"), **options), *names)


@pytest.mark.parametrize("plans", [None, {"plan_id": "p"}, [], "ae"])
def test_what_is_no_plan_is_refused(plans):
    refused(lambda: comp.calculate(plans, credits_of("1.00")), "plans")


def test_all_faults_of_a_plan_come_at_once():
    text = (
        '{"schema_version": 1, "currency": "usd", "cap": "-1", "tiers": [{"from": "5", "rate": "x"},'
        ' {"from": "1", "rate": "0.1", "colour": "red"}]}'
    )
    names = ["$.currency", "$.cap", "tiers[0].from", "tiers[0].rate", "tiers[1].from", "colour", "$.plan_id"]
    assert len(refused(lambda: comp.CompPlan.from_json(text), *names).problems) == len(names)


def test_documents_with_faults_of_form_are_refused():
    read = comp.CompPlan.from_json
    refused(
        lambda: read('{"schema_version": 1, "teirs": [{"from": "0", "rate": "0.1"}]}'), "teirs", "'tiers'"
    )
    refused(lambda: read('{"tiers": [{"from": "0", "rate": "0.1"}]}'), "schema_version")
    refused(
        lambda: read('{"schema_version": 999, "tiers": [{"from": "0", "rate": "0.1"}]}'),
        "999",
        "schema_version",
    )
    refused(
        lambda: read('{"schema_version": 1, "tiers": [{"from": "0", "rate": "0.1", "rate": "0.9"}]}'),
        "rate",
        "tiers[0]",
    )
    refused(
        lambda: read('{"schema_version": 1, "cap": NaN, "tiers": [{"from": "0", "rate": "0.1"}]}'),
        "NaN",
        "cap",
    )
    refused(lambda: read('{"schema_version": 1, "cap": 1E99999999999999999999, "tiers": []}'), "cap")
    refused(lambda: read(f'{{"schema_version": 1, "cap": {"9" * 5000}, "tiers": []}}'), "cap")


def test_three_hundred_thousand_tiers_are_too_many():
    tiers = [{"from": str(k), "rate": "0.1"} for k in range(300_000)]
    text = json.dumps({"schema_version": 1, "plan_id": "p", "tiers": tiers})
    refused(lambda: comp.CompPlan.from_json(text), "tiers", "300000")


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"target": "100", "base_rate": "0.1", "basis": "attainment"}, ["target"]),
        ({"target": "100"}, ["target", "attainment"]),
        ({"accumulate": "deal", "basis": "attainment"}, ["accumulate"]),
        ({"year_quota": "to_date"}, ["year_quota"]),
        ({"cap": {"amount": "1", "per": "deal"}}, ["cap.per"]),
        ({"cap": {"amount": "9", "per": "year"}, "guarantee": "1"}, ["guarantee"]),
        ({"cap": "1.005"}, ["cap", "1.005", "USD"]),
        ({"guarantee": "0.001"}, ["guarantee"]),
        ({"currency": "USB"}, ["currency", "USB"]),
        ({"rounding": "bankers"}, ["rounding", "'half_even'"]),
        ({"style": "retroactive"}, ["style", "'whole_amount'"]),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(fields, names):
    refused(lambda: plan(**fields), *names)


def test_two_components_need_two_names():
    parts = [comp.Commission(tiers=FLAT), comp.Commission(tiers=FLAT)]
    refused(lambda: comp.CompPlan(plan_id="p", components=parts), "components[1].name", "'commission'")


def test_a_bonus_table_in_disorder_is_refused():
    table = [{"from": "0.5", "pays": "1"}, {"from": "0.2", "pays": "2"}]
    refused(lambda: comp.Bonus(target="100", table=table), "table[0].from", "table[1].from", "0.2")


def test_every_credit_ends_somewhere_whatever_is_wrong_with_it():
    broken = [
        {"credit_id": "ok", "rep_id": "r1", "amount": "100.00", "currency": "USD"},
        {"credit_id": "ok", "rep_id": "r1", "amount": "100.00", "currency": "USD"},
        {"credit_id": "two", "rep_id": "r1", "amount": "100.00", "currency": "USD"},
        {"credit_id": "two", "rep_id": "r1", "amount": "120.00", "currency": "USD"},
        {"credit_id": "lost", "rep_id": None, "amount": "400.00", "currency": "USD"},
        {"credit_id": "euro", "rep_id": "r1", "amount": "100.00", "currency": "EUR"},
        {"credit_id": "odd", "rep_id": "r1", "amount": "100.00", "currency": "usd"},
        {"credit_id": "yen", "rep_id": "r1", "amount": "100.50", "currency": "JPY"},
        {"credit_id": "fine", "rep_id": "r1", "amount": "10.005", "currency": "USD"},
        {"credit_id": "thousand", "rep_id": "r1", "amount": "1,000.00", "currency": "USD"},
        {"credit_id": "nan", "rep_id": "r1", "amount": float("nan"), "currency": "USD"},
        {"credit_id": "true", "rep_id": "r1", "amount": True, "currency": "USD"},
        {"credit_id": None, "rep_id": "r1", "amount": "1.00", "currency": "USD"},
        {"credit_id": "back", "rep_id": "r2", "amount": "-5.00", "currency": "USD"},
        {"credit_id": "who", "rep_id": "r9", "amount": "1.00", "currency": None},
    ]
    reps = [{"rep_id": "r1"}, {"rep_id": "r2"}]
    run = comp.calculate(plan(), broken, reps=reps, on_error="hold")
    assert paid(run) == {"r1": 1000, "r2": 0}
    account = run.credits()
    assert len(account) == len(broken)
    assert account.loc[account["status"] != "paid", ["reason", "detail"]].notna().to_numpy().all()
    sums = run.reconcile().fillna({"currency": "none"}).set_index(["currency", "status"])
    for currency in {name for name, _ in sums.index}:
        ended = sums.loc[[(currency, status) for status in ("paid", "held", "rejected")]].sum()
        assert ended.tolist() == sums.loc[currency, "in"].tolist()
    assert sums.xs("in", level="status")["credits"].sum() == len(broken)
    json.dumps(run.to_dict())
    run._repr_html_()


def test_a_message_word_for_word():
    attainment = plan([{"from": "0", "rate": "0.05"}], basis="attainment")
    rows = [*credits_of("1,000.00", "10.005"), {"credit_id": "c3", "rep_id": None, "amount": "5.00"}]
    with pytest.raises(InvalidInput) as caught:
        comp.calculate(attainment, rows, quotas=[{"rep_id": "r1", "amount": "0"}])
    assert str(caught.value) == (
        "calculate: 4 problems\n"
        "- credits.rep_id: the id is missing (row 2 ('c3'): None); give the row an id or leave it out\n"
        "- credits.amount: an amount is plain ASCII digits with one optional minus and one optional point"
        " (row 0 ('c1'): '1,000.00' USD); write it as '-1234.50': no exponent, blank, plus sign, underscore"
        " or thousands separator\n"
        "- credits.amount: an amount has no more decimals than its currency (row 1 ('c2'): '10.005' USD);"
        " name how the input is to be rounded, as in input_rounding='half_up'\n"
        "- quotas.amount: a quota is more than 0 (row 0 ('r1'): '0');"
        " leave the row out if the rep has no quota"
    )


@pytest.mark.parametrize("day", ["2026-02-28", "2026-06-01"])
def test_a_credit_of_a_day_outside_employment_is_refused_or_paid_as_the_plan_says(day):
    credits = [{"credit_id": "c1", "rep_id": "anna", "amount": "100.00", "earned_on": day}]
    reps = [{"rep_id": "anna", "started_on": "2026-03-01", "ended_on": "2026-06-01"}]
    document = {
        "schema_version": 1,
        "plan_id": "p",
        "currency": "USD",
        "tiers": [{"from": "0", "rate": "0.1"}],
    }
    plan = comp.CompPlan.from_dict(document)
    with pytest.raises(InvalidInput, match=r"not employed on that day \(row 0 \('c1'\): 'anna' on 2026-0"):
        comp.calculate(plan, credits, reps=reps)
    held = comp.calculate(plan, credits, reps=reps, on_error="hold").held()
    assert held["reason"].tolist() == ["not employed"]
    lenient = comp.CompPlan.from_dict({**document, "outside_employment": "pay"})
    assert comp.calculate(lenient, credits, reps=reps).payouts()["paid"].tolist() == [1000]


def test_an_employment_that_ends_before_it_starts_is_refused():
    plan = comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "tiers": [{"from": "0", "rate": "0.1"}]}
    )
    reps = [{"rep_id": "anna", "started_on": "2026-03-01", "ended_on": "2026-02-01"}]
    with pytest.raises(InvalidInput, match=r"reps\.ended_on: ends on or before its start \(row 0 \('anna'\)"):
        comp.calculate(plan, [], reps=reps)


@pytest.mark.parametrize("verb", [comp.calculate, comp.credit])
def test_no_table_is_no_empty_table(verb):
    plan = comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "tiers": [{"from": "0", "rate": "0.1"}]}
    )
    rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
    with pytest.raises(InvalidInput, match="is not a table"):
        comp.calculate(plan, None) if verb is comp.calculate else comp.credit(None, rules)


def test_a_split_of_a_deal_that_is_not_there_is_refused():
    rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
    deals = [{"deal_id": "d1", "rep_id": "anna", "amount": "100.00"}]
    splits = [{"deal_id": "d2", "rep_id": "anna", "share": "1"}]
    with pytest.raises(InvalidInput, match=r"splits\.deal_id: names an id that deals does not have \(row 0"):
        comp.credit(deals, rules, splits=splits)


def test_a_currency_that_is_worth_2_in_itself_is_refused():
    rates = [{"base": "USD", "quote": "USD", "rated_on": "2026-01-05", "rate": rate} for rate in ("2", "1")]
    rates[1]["rated_on"] = "2026-01-06"
    error = refused(lambda: comp.calculate(plan(), credits_of("1.00"), fx=rates), "fx.rate", "USD", "'2'")
    assert error.problems[0].rows == (0,)


def test_both_of_two_rates_of_one_day_are_named():
    rates = [
        {"base": "EUR", "quote": "USD", "rated_on": "2026-01-05", "rate": rate} for rate in ("1.1", "1.2")
    ]
    credits = [
        {"credit_id": "c1", "rep_id": "r", "amount": "1.00", "currency": "EUR", "earned_on": "2026-01-05"}
    ]
    plan = comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "tiers": [{"from": "0", "rate": "0.1"}]}
    )
    with pytest.raises(InvalidInput) as caught:
        comp.calculate(plan, credits, fx=rates)
    assert caught.value.problems[0].rows == (0, 1)
