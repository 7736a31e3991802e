"""From deals to credits: who gets how much, to the cent, and what becomes of every deal."""

import json
import random
from fractions import Fraction

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp, territory
from salesops.errors import InvalidInput, SalesOpsWarning
from salesops.models import Opportunity

OWNER = {"name": "all"}


def rules(*parts, **fields):
    document = {"schema_version": 1, "currency": "USD", "rules": list(parts) or [OWNER]}
    return comp.CreditRules.from_dict(document | fields)


def deal(amount="100.00", **columns):
    return {"deal_id": "d1", "rep_id": "a", "amount": amount} | columns


def shares(*weights, deal_id="d1", **columns):
    return [
        {"deal_id": deal_id, "rep_id": rep, "weight": weight} | columns
        for rep, weight in zip("abcdefghij", weights, strict=False)
    ]


def got(run, *columns):
    frame = run.to_frame()
    names = columns or ("rep_id", "amount")
    return [tuple(row) for row in frame[list(names)].itertuples(index=False)]


def refused(call, *names):
    with pytest.raises(InvalidInput) as caught:
        call()
    told = str(caught.value)
    missing = [name for name in names if name not in told]
    assert not missing, f"{missing} not in:\n{told}"
    return caught.value


def test_the_owner_of_a_deal_gets_all_of_it():
    assert got(comp.credit([deal()], rules())) == [("a", "100.00")]


def test_three_equal_parts_add_up_to_the_cent():
    run = comp.credit([deal()], rules(), splits=shares(1, 1, 1))
    assert got(run) == [("a", "33.34"), ("b", "33.33"), ("c", "33.33")]


def test_ten_tenths_are_a_whole():
    tenths = [{"deal_id": "d1", "rep_id": rep, "share": "0.1"} for rep in "abcdefghij"]
    run = comp.credit([deal("0.07")], rules(), splits=tenths)
    assert [amount for _, amount in got(run)] == ["0.01"] * 7 + ["0.00"] * 3


def test_a_cancellation_is_the_exact_mirror():
    for sign, expected in (("", ["0.02", "0.03"]), ("-", ["-0.02", "-0.03"])):
        split = [
            {"deal_id": "d1", "rep_id": "a", "share": "0.3333"},
            {"deal_id": "d1", "rep_id": "b", "share": "0.6667"},
        ]
        run = comp.credit([deal(f"{sign}0.05")], rules(), splits=split)
        assert [amount for _, amount in got(run)] == expected


def test_shares_that_do_not_add_up_are_refused():
    split = [{"deal_id": "d1", "rep_id": rep, "share": s} for rep, s in (("a", "0.60"), ("b", "0.30"))]
    refused(lambda: comp.credit([deal()], rules(), splits=split), "'d1'", "0.90", "add up to 1")


def test_a_negative_share_is_refused():
    split = [{"deal_id": "d1", "rep_id": rep, "share": s} for rep, s in (("a", "1.20"), ("b", "-0.20"))]
    refused(lambda: comp.credit([deal()], rules(), splits=split), "'d1', 'b'", "'-0.20'")


def test_a_float_share_is_refused():
    split = [{"deal_id": "d1", "rep_id": rep, "share": 0.5} for rep in "ab"]
    refused(lambda: comp.credit([deal()], rules(), splits=split), "splits.share", "a float is not exact")


def test_a_rep_stands_once_for_a_deal():
    refused(lambda: comp.credit([deal()], rules(), splits=shares(1, 1) * 2), "stands once")


def test_overlays_go_beyond_the_whole():
    rule = {"name": "all", "overlays": [{"to": "role", "role": "se", "share": "0.5"}]}
    run = comp.credit([deal("99.99")], rules(rule), splits=shares(1, 1, role="se"))
    assert got(run, "rep_id", "amount", "role", "is_overlay") == [
        ("a", "99.99", "owner", False),
        ("a", "25.00", "se", True),
        ("b", "25.00", "se", True),
    ]


TREE = [
    {"rep_id": "a", "manager_id": "m"},
    {"rep_id": "b", "manager_id": "m"},
    {"rep_id": "m", "manager_id": "v"},
]


def test_managers_of_every_level_are_credited_with_the_whole():
    rule = {"name": "all", "overlays": [{"to": "manager"}]}
    run = comp.credit([deal()], rules(rule), reporting=TREE, splits=shares(1, 1))
    assert got(run, "rep_id", "amount", "role") == [
        ("a", "50.00", "owner"),
        ("b", "50.00", "owner"),
        ("m", "100.00", "manager 1"),
        ("v", "100.00", "manager 2"),
    ]


def test_the_tree_of_the_day_of_the_deal_counts():
    tree = [
        {"rep_id": "a", "manager_id": "old", "end": "2026-03-01"},
        {"rep_id": "a", "manager_id": "new", "start": "2026-03-01"},
    ]
    rule = {"name": "all", "overlays": [{"to": "manager", "level": 1}]}
    deals = [deal(closed_on="2026-02-28"), deal(deal_id="d2", closed_on="2026-03-01")]
    run = comp.credit(deals, rules(rule), reporting=tree)
    assert [rep for rep, role in got(run, "rep_id", "role") if role == "manager 1"] == ["old", "new"]


def test_managers_in_a_ring_are_shown_in_order():
    ring = [{"rep_id": low, "manager_id": high} for low, high in ("ab", "bc", "ca")]
    rule = {"name": "all", "overlays": [{"to": "manager"}]}
    refused(lambda: comp.credit([deal()], rules(rule), reporting=ring), "'a' -> 'b' -> 'c' -> 'a'")


def test_managers_who_change_places_are_no_ring():
    tree = [
        {"rep_id": "a", "manager_id": "b", "end": "2026-03-01"},
        {"rep_id": "b", "manager_id": "a", "start": "2026-03-01"},
    ]
    rule = {"name": "all", "overlays": [{"to": "manager"}]}
    run = comp.credit([deal(closed_on="2026-02-01")], rules(rule), reporting=tree)
    assert got(run) == [("a", "100.00"), ("b", "100.00")]


def test_a_chain_of_ten_thousand_managers_is_climbed():
    tree = [{"rep_id": k, "manager_id": k + 1} for k in range(9_999)]
    rule = {"name": "all", "overlays": [{"to": "manager"}]}
    run = comp.credit([deal("1.00", rep_id=0)], rules(rule), reporting=tree)
    frame = run.to_frame()
    assert len(frame) == 10_000
    assert set(frame["amount"]) == {"1.00"}


def test_two_managers_on_one_day_are_refused():
    tree = [{"rep_id": "a", "manager_id": "m1"}, {"rep_id": "a", "manager_id": "m2"}]
    rule = {"name": "all", "overlays": [{"to": "manager"}]}
    refused(lambda: comp.credit([deal()], rules(rule), reporting=tree), "'a'", "'m1'", "'m2'")


def test_the_owner_of_the_territory_is_credited_as_of_the_day():
    rule = {"name": "all", "receivers": [{"to": "territory"}]}
    owners = [
        {"lead_id": "l1", "rep_id": "x", "end": "2026-02-01"},
        {"lead_id": "l1", "rep_id": "y", "start": "2026-02-01"},
    ]
    deals = [
        deal(lead_id="l1", closed_on="2026-01-31"),
        deal(deal_id="d2", lead_id="l1", closed_on="2026-02-01"),
    ]
    run = comp.credit(deals, rules(rule), territories=owners)
    assert [rep for rep, _ in got(run)] == ["x", "y"]


def test_a_territory_plan_is_taken_as_it_is():
    score = [{"rep_id": "x", "lead_id": "l1", "score": 1.0}]
    reps, leads = [{"rep_id": "x", "capacity": 5}], [{"lead_id": "l1", "value": 10.0}]
    plan = territory.assign(reps, leads, score=score)
    rule = {"name": "all", "receivers": [{"to": "territory"}]}
    assert got(comp.credit([deal(lead_id="l1")], rules(rule), territories=plan)) == [("x", "100.00")]


def test_a_specific_rule_replaces_the_general_one():
    special = {"name": "b", "when": "product == 'B'", "measure": "amount", "value": "amount * 2"}
    book = rules(OWNER, special, fields={"product": "text"})
    run = comp.credit([deal(product="A"), deal(deal_id="d2", product="B")], book)
    assert got(run, "deal_id", "rule", "amount") == [("d1", "all", "100.00"), ("d2", "b", "200.00")]


def test_a_rule_counts_beside_others_if_it_says_so():
    spiff = {"name": "more", "when": "amount > 50", "applies": "beside", "value": "amount * 0.1"}
    run = comp.credit([deal(), deal("50.00", deal_id="d2")], rules(OWNER, spiff))
    assert got(run, "deal_id", "rule", "amount") == [
        ("d1", "all", "100.00"),
        ("d1", "more", "10.00"),
        ("d2", "all", "50.00"),
    ]


def test_measures_are_independent():
    book = rules(
        OWNER,
        {"name": "margin", "measure": "margin", "value": "profit"},
        {"name": "units", "measure": "units", "value": "units"},
        fields={"cost": "money", "units": "count"},
        measures={"profit": "amount - cost"},
    )
    run = comp.credit([deal(cost="60.005", units=3)], book, on_error="hold")
    assert run.rejected()["reason"].tolist() == ["unreadable"]
    run = comp.credit([deal(cost="60.00", units=3)], book)
    assert got(run, "measure", "amount") == [("amount", "100.00"), ("margin", "40.00"), ("units", "3.00")]


def test_only_what_is_won_is_credited():
    deals = [deal(outcome="lost"), deal(deal_id="d2", outcome="won"), deal(deal_id="d3", outcome="open")]
    run = comp.credit(deals, rules())
    assert got(run, "deal_id") == [("d2",)]
    assert run.rejected()["detail"].tolist() == ["outcome: is not won: 'lost'", "outcome: is not won: 'open'"]


def test_a_deal_without_a_rule_is_rejected_with_the_reason():
    run = comp.credit([deal()], rules({"name": "big", "when": "amount >= 1000"}))
    assert run.rejected()["reason"].tolist() == ["no crediting rule"]
    assert len(run.to_frame()) == 0


def test_division_by_zero_holds_the_deal_with_the_reason():
    book = rules({"name": "each", "value": "amount / units"}, fields={"units": "count"})
    deals = [deal("10.00", units=0), deal("10.00", deal_id="d2", units=4)]
    refused(lambda: comp.credit(deals, book), "amount / units", "units is 0", "'d1'")
    run = comp.credit(deals, book, on_error="hold")
    assert got(run, "deal_id", "amount") == [("d2", "2.50")]
    assert "amount / units divides by zero" in run.held()["detail"][0]


def test_a_deal_without_an_owner_is_held():
    refused(lambda: comp.credit([deal(rep_id=None)], rules()), "owner of rule 'all'", "'d1'")
    run = comp.credit([deal(rep_id=None)], rules(), on_error="hold")
    assert run.held()["reason"].tolist() == ["no receiver"]


def test_others_share_what_a_missing_receiver_leaves():
    rule = {
        "name": "all",
        "receivers": [
            {"to": "owner", "share": "0.6"},
            {"to": "role", "role": "se", "share": "0.4", "if_missing": "skip"},
        ],
    }
    deals = [deal(), deal(deal_id="d2")]
    run = comp.credit(deals, rules(rule), splits=[{"deal_id": "d2", "rep_id": "s", "role": "se"}])
    assert got(run, "deal_id", "rep_id", "amount") == [
        ("d1", "a", "100.00"),
        ("d2", "a", "60.00"),
        ("d2", "s", "40.00"),
    ]


def test_what_is_refunded_in_full_leaves_nothing_with_anybody():
    deals = [
        deal("0.10", closed_on="2026-01-05"),
        deal("-0.05", deal_id="r1", rep_id=None, refund_of="d1", closed_on="2026-02-05"),
        deal("-0.05", deal_id="r2", rep_id=None, refund_of="d1", closed_on="2026-03-05"),
    ]
    run = comp.credit(deals, rules({"name": "all", "when": "amount > 0"}), splits=shares(1, 1, 1))
    sums = {}
    for rep, amount in got(run):
        sums[rep] = sums.get(rep, 0) + Fraction(amount)
    assert sums == {"a": 0, "b": 0, "c": 0}
    assert len(run.to_frame()) == 9


def test_a_refund_of_a_deal_that_is_not_credited_is_held():
    deals = [deal(outcome="lost"), deal("-5.00", deal_id="r1", refund_of="d1", outcome=None)]
    run = comp.credit(deals, rules(), on_error="hold")
    assert run.held()["reason"].tolist() == ["unknown deal"]
    run = comp.credit([deal("-5.00", refund_of="gone")], rules(), on_error="hold")
    assert "'gone'" in run.held()["detail"][0]


def test_a_repeated_deal_counts_once_and_a_contradictory_one_not_at_all():
    run = comp.credit([deal(), deal()], rules())
    assert got(run) == [("a", "100.00")]
    assert run.rejected()["reason"].tolist() == ["duplicate"]
    refused(lambda: comp.credit([deal(), deal("120.00")], rules()), "'d1'", "different content")


def test_a_credit_knows_the_whole_that_it_is_a_share_of():
    run = comp.credit([deal()], rules(), splits=shares(1, 1))
    assert got(run, "amount", "deal_amount") == [("50.00", "100.00")] * 2


def test_a_table_that_the_rules_need_is_asked_for():
    rule = {"name": "all", "receivers": [{"to": "territory"}], "overlays": [{"to": "manager"}]}
    refused(lambda: comp.credit([deal(lead_id=1)], rules(rule)), "territories", "reporting")


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"rules": [{"name": "x", "when": "amonut > 1"}]}, ["$.rules[0].when", "did you mean 'amount'"]),
        ({"rules": [{"name": "x", "when": "amount"}]}, ["$.rules[0].when", "money", "a truth is needed"]),
        ({"rules": [{"name": "x", "value": "amount / amount"}]}, ["$.rules[0].value", "ratio"]),
        ({"rules": [OWNER, OWNER]}, ["$.rules[1].name", "same name"]),
        ({"rules": [{"name": "x", "receivers": [{"to": "owner", "share": "0.9"}]}]}, ["9/10", "add up to 1"]),
        ({"rules": [{"name": "x", "receivers": [{"to": "manager"}]}]}, ["receivers[0].level", "overlays"]),
        ({"rules": [{"name": "x", "receivers": [{"to": "role"}]}]}, ["receivers[0].role", "is missing"]),
        ({"rules": [{"name": "x", "receivers": [{"to": "ower"}]}]}, ["did you mean 'owner'"]),
        (
            {"rules": [OWNER], "measures": {"base": "bonus * 2", "bonus": "base / 2"}},
            ["base -> bonus -> base"],
        ),
        ({"rules": []}, ["$.rules"]),
    ],
)
def test_rules_with_a_fault_are_refused_with_its_path(document, names):
    refused(lambda: comp.CreditRules.from_dict({"schema_version": 1} | document), *names)


def test_rules_of_hostile_size_are_refused_unread():
    parts = [{"name": f"r{k}", "value": "g + " * 500 + "1"} for k in range(40)]
    refused(lambda: rules(*parts), "65,536 characters", "$.rules")


def test_credits_go_straight_into_a_run():
    plan = comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "tiers": [{"from": "0", "rate": "0.1"}]}
    )
    run = comp.calculate(plan, comp.credit([deal()], rules(), splits=shares(1, 1)))
    assert run.payouts()["earned"].tolist() == [500, 500]


def test_a_run_shows_itself():
    run = comp.credit([deal(), deal(deal_id="d2", rep_id=None)], rules(), on_error="hold")
    assert repr(run) == "CreditRun(1 credit; deals: 1 credited, 1 held, 0 rejected)"
    assert "no receiver" in run._repr_html_()
    assert run.reconcile()["deals"].tolist() == [2, 1, 1, 0]
    assert "is held: no receiver" in str(run.explain("d2"))
    assert json.loads(json.dumps(run.explain("d1").to_dict()))["credits"][0]["amount"] == 10000
    json.dumps(run.to_dict())
    refused(lambda: run.explain("d3"), "'d3'")


def test_no_deals_give_no_credits():
    run = comp.credit([], rules())
    assert len(run.to_frame()) == 0
    assert list(run.to_frame().columns) == [*comp.credit([deal()], rules()).to_frame().columns]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 7), min_size=1, max_size=5)),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_parts_sum_to_the_whole_and_mirror_whatever_the_order_of_rows(cases, chance):
    cases = [(amount, weights) for amount, weights in cases if any(weights)]
    deals = [deal(f"{amount}", deal_id=k) for k, (amount, _) in enumerate(cases)]
    splits = [row for k, (_, weights) in enumerate(cases) for row in shares(*weights, deal_id=k)]
    rule = {"name": "all", "overlays": [{"to": "manager", "share": "1/3", "if_missing": "skip"}]}
    book = rules(rule, currency="KRW")
    run = comp.credit(deals, book, splits=splits, reporting=TREE)
    shuffled_deals, shuffled_splits = list(deals), list(splits)
    chance.shuffle(shuffled_deals)
    chance.shuffle(shuffled_splits)
    again = comp.credit(shuffled_deals, book, splits=shuffled_splits, reporting=list(reversed(TREE)))
    assert again.to_dict() == run.to_dict()
    frame = run.to_frame()
    frame = frame[~frame["is_overlay"]]
    for k, (amount, _) in enumerate(cases):
        assert sum(map(int, frame.loc[frame["deal_id"] == k, "amount"])) == amount
    negated = comp.credit(
        [row | {"amount": str(-int(row["amount"]))} for row in deals], book, splits=splits, reporting=TREE
    )
    assert [-int(a) for a in negated.to_frame()["amount"]] == [int(a) for a in run.to_frame()["amount"]]


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=2, max_size=5),
)
def test_refunds_in_any_pieces_leave_what_a_smaller_deal_would_have_given(pieces, weights):
    whole = sum(pieces) + 12345
    deals = [deal(str(whole))]
    deals += [deal(str(-part), deal_id=f"r{k}", refund_of="d1") for k, part in enumerate(pieces)]
    left = comp.credit(deals, rules(currency="KRW"), splits=shares(*weights)).to_frame()
    sums = left.assign(n=left["amount"].map(int)).groupby("rep_id")["n"].sum().to_dict()
    fresh = comp.credit([deal("12345")], rules(currency="KRW"), splits=shares(*weights)).to_frame()
    assert sums == dict(zip(fresh["rep_id"], fresh["amount"].map(int), strict=True))


@pytest.fixture(scope="module")
def cases(shared):
    text = (shared / "comp-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


def flat(rate, **fields):
    document = {
        "schema_version": 1,
        "plan_id": "p",
        "currency": "USD",
        "tiers": [{"from": "0", "rate": rate}],
    }
    return comp.CompPlan.from_dict(document | fields)


def by_rep(run):
    frame = run.payouts()
    return dict(zip(frame["rep_id"], frame["earned"].tolist(), strict=True))


def minor(text):
    return int(Fraction(text) * 100)


def test_worked_case_credit_percentage(cases):
    case = cases["sp-01"]
    share = case["inputs"]["credit_share"]
    split = [{"deal_id": "d1", "rep_id": r, "share": str(Fraction(share))} for r in "ab"]
    run = comp.credit([deal(case["inputs"]["deal"])], rules(), splits=split)
    assert minor(got(run)[0][1]) == minor(case["expected"]["credit"])


def test_worked_case_contribution_and_incentives(cases):
    case = cases["sp-03"]
    team = case["inputs"]["team"]
    split = [{"deal_id": "d1", "rep_id": k, "share": t["share"]} for k, t in enumerate(team)]
    run = comp.credit([deal(case["inputs"]["net_total"])], rules(), splits=split)
    assert [minor(a) for _, a in got(run)] == [minor(a) for a in case["expected"]["contributions"]]
    paid = comp.calculate(flat(team[0]["rate"]), run)
    assert list(by_rep(paid).values()) == [minor(a) for a in case["expected"]["incentives"]]


@pytest.mark.parametrize("name", ["sp-04", "sp-05"])
def test_worked_case_of_splits_to_the_cent(cases, name):
    case = cases[name]
    given_ = case["inputs"]
    column = "weight" if "weights" in given_ else "share"
    split = [
        {"deal_id": "d1", "rep_id": k, column: part}
        for k, part in enumerate(given_.get("weights") or given_["shares"])
    ]
    run = comp.credit([deal(given_["deal"])], rules(), splits=split)
    assert [a for _, a in got(run)] == case["expected"]["credits"]
    if "cancellation" in case["expected"]:
        run = comp.credit([deal("-" + given_["deal"])], rules(), splits=split)
        assert [a for _, a in got(run)] == case["expected"]["cancellation"]


def test_worked_case_override_on_team_sales(cases):
    case = cases["ov-01"]
    given_, expected = case["inputs"], case["expected"]
    deals = [deal(amount, deal_id=k, rep_id=k) for k, amount in enumerate(given_["team_sales"])]
    tree = [{"rep_id": k, "manager_id": "m"} for k in range(len(deals))]
    book = rules(OWNER, {"name": "team", "measure": "team", "receivers": [{"to": "manager", "level": 1}]})
    credits = comp.credit(deals, book, reporting=tree)
    own = comp.CompPlan.from_dict(flat(given_["rep_rate"], measure="amount").to_dict())
    part = {"measure": "team", "tiers": [{"from": "0", "rate": given_["override_rate"]}]}
    manager = comp.CompPlan(plan_id="m", currency="USD", components=[comp.Commission(**part)])
    assigned = [{"rep_id": k, "plan_id": "p"} for k in range(len(deals))] + [{"rep_id": "m", "plan_id": "m"}]
    paid = comp.calculate([own, manager], credits, assignments=assigned)
    totals = by_rep(paid)
    assert totals.pop("m") == minor(expected["override"])
    assert list(totals.values()) == [minor(a) for a in expected["rep_commissions"]]
    lines = paid.lines()
    mine = lines[lines["rep_id"] == "m"]["amount"].tolist()
    assert sorted(mine) == sorted(minor(a) for a in expected["override_by_rep"])
    above = comp.CompPlan(
        plan_id="m",
        currency="USD",
        components=[
            comp.Commission(
                measure="team",
                tiers=[
                    {"from": "0", "rate": "0"},
                    {"from": given_["threshold"], "rate": given_["override_rate"]},
                ],
            )
        ],
    )
    paid = comp.calculate([own, above], credits, assignments=assigned)
    assert by_rep(paid)["m"] == minor(expected["override_above_threshold"])


def test_worked_case_pool_shared_with_the_manager(cases):
    case = cases["ov-04"]
    given_, expected = case["inputs"], case["expected"]
    book = rules({"name": "all", "overlays": [{"to": "manager", "level": 1}]})
    credits = comp.credit([deal(given_["sale"])], book, reporting=[{"rep_id": "a", "manager_id": "m"}])
    plans = [flat(given_["rep_rate"]), flat(given_["manager_rate"], plan_id="m")]
    assigned = [{"rep_id": "a", "plan_id": "p"}, {"rep_id": "m", "plan_id": "m"}]
    paid = by_rep(comp.calculate(plans, credits, assignments=assigned))
    assert paid == {"a": minor(expected["rep"]), "m": minor(expected["manager"])}


def test_worked_case_instalments_by_rule(cases):
    case = cases["ov-03"]
    given_, expected = case["inputs"], case["expected"]
    book = rules(
        {
            "name": "renewal",
            "value": f"amount * {given_['rate_instalment_13']} * {given_['agent_payout_rate']}",
        },
        {
            "name": "first year",
            "when": "instalment <= 12",
            "value": f"amount * {given_['rate_instalment_5']} * {given_['agent_payout_rate']}",
        },
        currency="KRW",
        fields={"instalment": "count"},
    )
    deals = [deal(given_["instalment_premium"], deal_id=k, instalment=k) for k in (5, 13)]
    run = comp.credit(deals, book)
    assert [a for _, a in got(run)] == [expected["instalment_5"], expected["instalment_13"]]


def test_worked_case_decision_table(cases):
    case = cases["mg-03"]
    given_, expected = case["inputs"], case["expected"]
    book = rules(
        {"name": "home", "value": "base * factor"},
        fields={"policy": "text", "tier": "text"},
        measures={
            "base": "amount * if(policy == 'home' and amount > 1500, 0.18, 0.15)",
            "factor": "if(tier == 'gold', 1.25, if(tier == 'platinum', 1.5, if(tier == 'silver', 1.1, 1)))",
        },
    )
    run = comp.credit(
        [deal(given_["premium"], policy=given_["policy"], tier=given_["performance_tier"])], book
    )
    assert minor(got(run)[0][1]) == minor(expected["final"])


def test_worked_case_of_specificity(cases):
    case = cases["ru-01"]
    given_, expected = case["inputs"], case["expected"]
    book = rules(
        OWNER,
        {"name": "b", "measure": "amount", "when": "product == 'B'", "value": "amount"},
        fields={"product": "text"},
        currency="EUR",
    )
    deals = [
        deal(line["amount"], deal_id=k, product=line["product"]) for k, line in enumerate(given_["lines"])
    ]
    rates = {"all": Fraction(given_["general_rate"]), "b": Fraction(given_["product_b_rate"])}
    paid = [
        rates[rule] * Fraction(amount) for rule, amount in got(comp.credit(deals, book), "rule", "amount")
    ]
    assert paid == [Fraction(a) for a in expected["lines"]]


def test_worked_case_credit_notes_reduce_the_base(cases):
    case = cases["cb-05"]
    given_ = case["inputs"]
    deals = [deal(given_["invoices"]), deal("-" + given_["credit_notes"], deal_id="n1", refund_of="d1")]
    paid = by_rep(comp.calculate(flat(given_["rate"]), comp.credit(deals, rules())))
    assert paid == {"a": minor(case["expected"]["commission"])}


def test_many_deals_agree_with_plain_fractions():
    chance = random.Random(7)  # noqa: S311  (a stream of cases)
    deals, splits, expected = [], [], {}
    for k in range(400):
        amount = chance.randrange(-(10**7), 10**7)
        weights = [chance.randrange(1, 6) for _ in range(chance.randrange(1, 4))]
        deals.append(deal(str(amount), deal_id=k))
        splits += shares(*weights, deal_id=k)
        size = abs(amount)
        exact = [Fraction(size * w, sum(weights)) for w in weights]
        parts = [int(part) for part in exact]
        order = sorted(range(len(parts)), key=lambda j: (parts[j] - exact[j], j))
        for j in order[: size - sum(parts)]:
            parts[j] += 1
        for rep, part in zip("abc", parts, strict=False):
            expected[rep] = expected.get(rep, 0) + (part if amount > 0 else -part)
    frame = comp.credit(deals, rules(currency="KRW"), splits=splits).to_frame()
    found = frame.assign(n=frame["amount"].map(int)).groupby("rep_id")["n"].sum().to_dict()
    assert found == expected


def test_ids_of_another_type_are_named():
    split = [{"deal_id": "7", "rep_id": "a"}, {"deal_id": "7", "rep_id": "b"}]
    refused(
        lambda: comp.credit([deal(deal_id=7)], rules(), splits=split),
        "splits.deal_id",
        "'7' (str)",
        "7 (int)",
    )
    tree = [{"rep_id": 1, "manager_id": 2}]
    rule = {"name": "all", "overlays": [{"to": "manager"}]}
    refused(
        lambda: comp.credit([deal(rep_id="1")], rules(rule), reporting=tree), "reporting.rep_id", "1 (int)"
    )


def test_a_role_that_no_rule_credits_is_told():
    rule = {"name": "all", "overlays": [{"to": "role", "role": "se", "if_missing": "skip"}]}
    split = [{"deal_id": "d1", "rep_id": "s", "role": "SE"}]
    with pytest.warns(SalesOpsWarning, match="role 'SE'; did you mean 'se'"):
        comp.credit([deal()], rules(rule), splits=split)


def test_a_refund_in_another_currency_is_held():
    deals = [deal(currency="USD"), deal("-5", deal_id="r", refund_of="d1", currency="JPY")]
    run = comp.credit(deals, rules(), on_error="hold")
    assert run.held()["reason"].tolist() == ["contradictory"]


def test_a_count_with_a_fraction_is_refused():
    book = rules({"name": "units", "value": "units"}, fields={"units": "count"})
    refused(
        lambda: comp.credit([deal(units="2.5")], book), "deals.units", "a count is a whole number", "'2.5'"
    )


def test_opportunities_are_deals():
    won = Opportunity(
        deal_id="d1",
        rep_id="a",
        amount="12.00",
        currency="EUR",
        created_on="2026-01-01",
        closed_on="2026-02-01",
        outcome="won",
    )
    assert got(comp.credit([won], rules())) == [("a", "12.00")]


def test_a_ratio_may_be_a_fraction():
    book = rules({"name": "part", "value": "amount * share_of"}, fields={"share_of": "ratio"})
    deals = [deal("9.00", share_of="1/3"), deal("9.00", deal_id="d2", share_of="0.5")]
    assert [a for _, a in got(comp.credit(deals, book))] == ["3.00", "4.50"]


def test_strokes_in_names_never_join_two_credits():
    deals = [deal(deal_id="a/b"), deal(deal_id="a")]
    book = rules({"name": "all"}, {"name": "b/all", "measure": "other"})
    frame = comp.credit(deals, book).to_frame()
    assert frame["credit_id"].is_unique
    assert "a~1b/all/owner/a" in set(frame["credit_id"])


def test_a_changed_amount_keeps_the_ids_of_its_credits():
    ids = [
        comp.credit([deal(amount)], rules(), splits=shares(1, 2)).to_frame()["credit_id"].tolist()
        for amount in ("100.00", "250.00")
    ]
    assert ids[0] == ids[1]


def test_a_value_beyond_all_money_is_held():
    book = rules({"name": "all", "value": "amount * 1000000000000"})
    deals = [deal("99999999.00"), deal("1.00", deal_id="d2")]
    run = comp.credit(deals, book, on_error="hold")
    assert got(run, "deal_id", "amount") == [("d2", "1000000000000.00")]
    assert "10**18" in run.held()["detail"][0]


def test_squares_of_squares_are_held_before_they_fill_the_memory():
    squares = {"s0": "n"} | {f"s{k}": f"s{k - 1} * s{k - 1}" for k in range(1, 60)}
    book = rules({"name": "all", "when": "s59 > 1"}, fields={"n": "ratio"}, measures=squares)
    run = comp.credit([deal(n="1.7"), deal(deal_id="d2", n="1")], book, on_error="hold")
    assert run.held()["reason"].tolist() == ["no value"]
    assert run.rejected()["reason"].tolist() == ["no crediting rule"]


def test_a_value_missing_through_formulas_says_where_it_began():
    book = rules(
        {"name": "each", "value": "twice"},
        fields={"units": "count"},
        measures={"each": "amount / units", "twice": "each * 2"},
    )
    run = comp.credit([deal(units=0), deal(deal_id="d2", units=None)], book, on_error="hold")
    first, second = run.held()["detail"]
    assert first.endswith("each: amount / units divides by zero: units is 0")
    assert second.endswith("each: units is missing")


def test_a_sum_just_off_the_whole_is_shown_exactly():
    split = [{"deal_id": "d1", "rep_id": rep, "share": s} for rep, s in (("a", "0.5"), ("b", "0.50001"))]
    refused(lambda: comp.credit([deal()], rules(), splits=split), "1.00001 in all")
