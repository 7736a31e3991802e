"""Capitalised commissions: month by month to the cent, and tied out."""

import json
from fractions import Fraction

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp
from salesops.errors import InvalidInput


def paid(amount="5000.00", contract="k", day="2026-01-15", **columns):
    return {"contract_id": contract, "amount": amount, "paid_on": day} | columns


def contract(months=36, start="2026-01-10", **columns):
    return {"contract_id": "k", "starts_on": start, "benefit_months": months} | columns


def schedule(*payouts, terms=None, **options):
    return comp.amortize(list(payouts) or [paid()], terms or [contract()], **{"currency": "USD"} | options)


def refused(call, *names):
    with pytest.raises(InvalidInput) as caught:
        call()
    missing = [name for name in names if name not in str(caught.value)]
    assert not missing, f"{missing} not in:\n{caught.value}"


def test_the_amount_to_date_is_rounded_and_months_are_differences():
    frame = schedule().to_frame()
    assert frame["amortised"].tolist()[:3] == [13889, 13889, 13889]
    assert frame["amortised"].sum() == 500000
    assert frame["asset"].iloc[11] == 333333
    assert frame["asset"].iloc[-1] == 0
    assert len(frame) == 36


def test_by_largest_remainder_the_earlier_months_take_the_cents():
    amortised = schedule(spread="largest_remainder").to_frame()["amortised"].tolist()
    assert amortised == [13889] * 32 + [13888] * 4


def test_equal_months_leave_the_difference_to_the_last():
    amortised = schedule(paid("15000.00"), spread="last_month").to_frame()["amortised"].tolist()
    assert amortised == [41667] * 35 + [41655]


def test_a_year_or_less_is_expensed_at_once_unless_told_otherwise():
    for months, expensed in ((12, 500000), (13, 0)):
        assert schedule(terms=[contract(months)]).to_frame()["expensed"].sum() == expensed
    assert schedule(terms=[contract(6)], expedient=False).to_frame()["amortised"].sum() == 500000


def test_what_is_left_is_impaired_in_the_month_of_the_end():
    frame = schedule(terms=[contract(ended_on="2027-01-31")]).to_frame()
    assert frame["amortised"].sum() == 166667
    assert frame[["period", "impaired", "asset"]].iloc[-1].tolist() == ["2027-01", 333333, 0]


def test_what_is_paid_after_the_end_is_expensed():
    frame = schedule(
        paid(), paid("100.00", day="2027-02-01"), terms=[contract(ended_on="2027-01-31")]
    ).to_frame()
    assert frame[["period", "expensed"]].iloc[-1].tolist() == ["2027-02", 10000]


def test_a_late_payout_is_caught_up():
    late = schedule(paid(day="2026-06-30")).to_frame().set_index("period")
    assert late["amortised"]["2026-06"] == 83333
    assert late["asset"]["2026-12"] == schedule().to_frame().set_index("period")["asset"]["2026-12"]


def test_a_payout_before_the_start_waits_as_an_asset():
    frame = schedule(paid(day="2025-11-30")).to_frame().set_index("period")
    assert frame["asset"]["2025-11"] == 500000
    assert frame["amortised"]["2026-01"] == 13889


def test_a_clawback_is_the_exact_mirror():
    run = schedule(paid(), paid("-5000.00"))
    assert run.to_frame()["asset"].abs().sum() == 0
    assert len(run.journal()) == 0


def test_what_is_earned_before_it_is_paid_is_accrued():
    run = schedule(
        paid(day="2026-03-31", earned_on="2026-01-15"), paid("10.00", day=None, earned_on="2026-02-01")
    )
    totals = run.totals().set_index("period")
    assert totals["accrued"].tolist()[:3] == [500000, 501000, 1000]
    assert totals["amortised"].iloc[0] == 13889
    assert not run.reconcile()["difference"].any()
    journal = run.journal()
    assert journal[journal["entry"] == "pay"][["period", "account", "credit"]].iloc[-1].tolist() == [
        "2026-03",
        "Cash",
        500000,
    ]
    assert journal["debit"].sum() == journal["credit"].sum()


def test_months_may_weigh_by_their_days():
    run = schedule(paid("365.00"), terms=[contract(12, "2026-01-10")], expedient=False, by_days=True)
    assert run.to_frame()["amortised"].tolist()[:3] == [2200, 2800, 3100]
    assert run.to_frame()["amortised"].iloc[-1] == 900


def test_costs_may_follow_the_revenue():
    usage = [
        {"contract_id": "k", "period": "2026-01-01", "weight": 1},
        {"contract_id": "k", "period": "2026-03-01", "weight": "3"},
    ]
    frame = schedule(paid("100.00"), usage=usage).to_frame()
    assert frame[["period", "amortised"]].to_numpy().tolist() == [["2026-01", 2500], ["2026-03", 7500]]


def test_every_month_ties_out_and_the_journal_balances():
    run = schedule(
        paid(),
        paid("77.77", day="2026-09-01"),
        paid("-10.00", day="2027-03-01"),
        terms=[contract(ended_on="2028-02-01")],
    )
    assert not run.reconcile()["difference"].any()
    journal = run.journal(accounts={"asset": "1450"})
    assert journal["debit"].sum() == journal["credit"].sum()
    by_period = journal.groupby("period")[["debit", "credit"]].sum()
    assert (by_period["debit"] == by_period["credit"]).all()
    assert "1450" in set(journal["account"])
    refused(lambda: run.journal(accounts={"aset": "1"}), "did you mean 'asset'")


def test_contracts_in_two_currencies_stay_apart():
    run = schedule(paid(currency="EUR"), paid("100", currency="JPY"))
    assert sorted(run.totals()["currency"].unique()) == ["EUR", "JPY"]
    assert not run.reconcile()["difference"].any()


@pytest.mark.parametrize(
    ("payouts", "terms", "names"),
    [
        ([paid(contract="x")], [contract()], ["payouts.contract_id", "'x'", "contracts"]),
        ([paid(0.5)], [contract()], ["payouts.amount", "float"]),
        ([paid(day=None)], [contract()], ["payouts.paid_on", "missing"]),
        ([paid()], [contract(0)], ["contracts.benefit_months", "1 or more"]),
        ([paid()], [contract(2.5)], ["whole number of months"]),
        ([paid()], [contract(ended_on="2025-01-01")], ["ends before it starts"]),
        ([paid()], [contract(), contract()], ["more than one row"]),
        ([paid(currency="usd")], [contract()], ["payouts.currency", "'usd'"]),
    ],
)
def test_tables_with_a_fault_are_refused(payouts, terms, names):
    refused(lambda: comp.amortize(payouts, terms, currency="USD"), *names)


def test_nothing_paid_is_a_schedule_of_nothing():
    run = comp.amortize([], [contract()], currency="USD")
    assert repr(run) == "Amortization(nothing earned)"
    json.dumps(run.to_dict())


def test_a_schedule_shows_itself():
    run = schedule()
    assert "By month" in run._repr_html_()
    assert "1 contract, 36 months" in repr(run)
    refused(lambda: run.explain("q"), "'q'")


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 40)), min_size=1, max_size=6),
    st.integers(1, 40),
    st.one_of(st.none(), st.integers(0, 50)),
    st.sampled_from(["cumulative", "largest_remainder", "last_month"]),
)
def test_paid_is_expense_and_asset_in_every_month(payouts, months, ended, spread):
    def day(k):
        return f"{2026 + k // 12}-{k % 12 + 1:02d}-15"

    rows = [paid(f"{amount}", day=day(at)) for amount, at in payouts]
    terms = [contract(months, start=day(3), ended_on=None if ended is None else day(3 + ended))]
    run = schedule(*rows, terms=terms, spread=spread, currency="KRW")
    assert not run.reconcile()["difference"].any()
    frame = run.to_frame()
    assert frame["paid"].sum() == sum(amount for amount, _ in payouts)
    again = schedule(*reversed(rows), terms=terms, spread=spread, currency="KRW")
    assert again.to_dict() == run.to_dict()


@pytest.fixture(scope="module")
def cases(shared):
    text = (shared / "comp-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


def minor(text, unit=100):
    return int(Fraction(text) * unit)


def test_worked_case_three_commissions(cases):
    case = cases["as-01"]
    deals, expected = case["inputs"]["deals"], case["expected"]
    rows = [paid(deal["commission"], contract=k) for k, deal in enumerate(deals)]
    terms = [contract(deal["months"]) | {"contract_id": k} for k, deal in enumerate(deals)]
    for spread in ("cumulative", "last_month"):
        frame = comp.amortize(rows, terms, currency="USD", spread=spread).to_frame()
        for k, monthly in enumerate(expected["monthly"]):
            mine = frame[frame["contract_id"] == k]
            assert mine["expensed"].sum() == minor(expected["expensed_at_once"][k])
            assert mine["expensed"].sum() + mine["amortised"].sum() == minor(expected["sum_of_schedule"][k])
            if monthly is not None:
                assert mine["amortised"].iloc[0] == minor(monthly)
    assert frame[frame["contract_id"] == 0]["amortised"].iloc[-1] == 41655
    assert frame[frame["contract_id"] == 2]["amortised"].iloc[-1] == 33341


def test_worked_case_in_a_currency_of_three_decimals(cases):
    case = cases["as-02"]["inputs"]
    frame = schedule(paid(case["commission"]), terms=[contract(case["months"])], currency="JOD").to_frame()
    assert set(frame["amortised"]) == {minor(cases["as-02"]["expected"]["monthly"], 1000)}


def test_worked_case_of_the_expected_life(cases):
    expected = cases["as-03"]["expected"]
    frame = schedule().to_frame()
    assert frame["amortised"].tolist()[:3] == [minor(a) for a in expected["first_three"]]
    assert frame["amortised"].iloc[:12].sum() == minor(expected["cumulative_12"])
    assert frame["asset"].iloc[11] == minor(expected["asset_after_12"])
    assert frame["amortised"].sum() == minor(expected["total"])


def test_worked_case_of_the_net_expense(cases):
    given_, expected = cases["as-06"]["inputs"], cases["as-06"]["expected"]
    rows = [
        paid(str(int(given_["amortised"]) * 8), day="2017-10-01"),
        paid(given_["capitalised"], contract="new", day="2018-02-01"),
    ]
    terms = [contract(24, "2017-10-01"), contract(24, "2018-04-01") | {"contract_id": "new"}]
    totals = comp.amortize(rows, terms, currency="USD").totals().set_index("period")
    quarter = totals.loc["2018-01":"2018-03"]
    assert quarter["amortised"].sum() == minor(given_["amortised"])
    assert quarter["net"].sum() == minor(expected["net_expense"])
