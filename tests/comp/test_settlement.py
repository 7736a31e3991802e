"""Clawbacks, holds, draws, debts carried on, overrides and rates: what happens when the world is odd."""

import datetime as dt
import itertools

import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

FLAT = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.10"}]}
FULL = {"kind": "commission", "tiers": [{"from": "0", "rate": "1"}]}
CLAW = {"kind": "clawback", "event": "refunded"}


def months(n):
    days = [dt.date(2024 + k // 12, k % 12 + 1, 1) for k in range(n + 1)]
    return [Period(name=f"{a:%Y-%m}", start=a, end=b) for a, b in itertools.pairwise(days)]


def plan(*components, **fields):
    document = {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": list(components)}
    return comp.CompPlan.from_dict(document | fields)


def credit(name, amount, on="2024-01-01", rep="r1", **columns):
    return {"credit_id": name, "rep_id": rep, "amount": amount, "earned_on": on, **columns}


def event(name, kind, on, **columns):
    return {"event_id": name, "kind": kind, "happened_on": on, **columns}


def refund(name, amount=None, credit_id="c1", on="2024-01-20"):
    columns = {} if amount is None else {"amount": amount}
    return event(name, "refunded", on, credit_id=credit_id, **columns)


def paid(run, column="paid"):
    return run.payouts()[column].tolist()


def refused(call, *names):
    with pytest.raises(InvalidInput) as caught:
        call()
    assert [name for name in names if name not in str(caught.value)] == [], str(caught.value)


def test_a_refund_of_more_than_the_sale_is_refused():
    refused(
        lambda: comp.calculate(plan(FLAT, CLAW), [credit("c1", "100.00")], events=[refund("f1", "150.00")]),
        "f1",
        "c1",
        "150.00",
        "100.00",
    )


def test_the_same_refund_delivered_twice_counts_once_and_is_reported():
    events = [refund("f1", "100.00"), refund("f1", "100.00")]
    run = comp.calculate(plan(FLAT, CLAW), [credit("c1", "100.00")], events=events)
    assert run.lines().query("rule == 'clawback'")["amount"].tolist() == [-1000]
    assert run.events()["status"].tolist() == ["counted", "repeated"]


def test_one_event_id_with_two_contents_is_refused():
    events = [refund("f1", "100.00"), refund("f1", "90.00")]
    refused(lambda: comp.calculate(plan(FLAT, CLAW), [credit("c1", "100.00")], events=events), "f1")


def test_a_refund_of_pay_on_hold_takes_nothing():
    hold = {"kind": "hold", "until": "invoice paid"}
    run = comp.calculate(
        plan(FLAT, CLAW, hold),
        [credit("c1", "100.00")],
        events=[refund("f1", on="2024-02-10")],
        periods=months(3),
    )
    assert paid(run) == [0, 0, 0]
    assert paid(run, "held") == [1000, 0, 0]


def test_a_clawback_in_a_month_without_pay_needs_a_word_of_the_plan():
    world = {"events": [refund("f1", on="2024-02-10")], "periods": months(2)}
    rows = [credit("c1", "100.00")]
    refused(lambda: comp.calculate(plan(FLAT, CLAW), rows, **world), "below 0", "'r1' in '2024-02'", "allow")
    assert paid(comp.calculate(plan(FLAT, CLAW, negative="allow"), rows, **world)) == [1000, -1000]
    carried = comp.calculate(plan(FLAT, CLAW, negative="carry"), rows, **world)
    assert (paid(carried), paid(carried, "balance")) == ([1000, 0], [0, 1000])


@pytest.mark.parametrize("order", [("33.33", "66.66"), ("66.66", "33.33")])
def test_parts_of_a_refund_sum_to_the_commission(order):
    seven = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.07"}]}
    events = [refund(f"f{k}", amount, on=f"2024-01-{k + 10}") for k, amount in enumerate(order)]
    run = comp.calculate(plan(seven, CLAW), [credit("c1", "99.99")], events=events)
    assert run.lines().query("rule == 'clawback'")["amount"].sum() == -700
    assert paid(run) == [0]


@pytest.mark.parametrize(("match", "taken"), [("fifo", ["c1"]), ("lifo", ["c2"])])
def test_an_event_on_a_deal_takes_its_oldest_or_newest_credits_first(match, taken):
    rows = [
        credit(name, "100.00", on, deal_id="d") for name, on in (("c1", "2024-01-01"), ("c2", "2024-01-05"))
    ]
    events = [event("f1", "refunded", "2024-01-20", deal_id="d", amount="60.00")]
    run = comp.calculate(plan(FLAT, CLAW | {"match": match}), rows, events=events)
    claws = run.lines().query("rule == 'clawback'")
    assert claws["credit_id"].tolist() == taken
    assert claws["amount"].tolist() == [-600]


def test_an_event_after_the_window_takes_nothing():
    run = comp.calculate(
        plan(FLAT, CLAW | {"window": 10}), [credit("c1", "100.00")], events=[refund("f1", on="2024-01-12")]
    )
    assert paid(run) == [1000]
    assert run.events()["status"].tolist() == ["unused"]


def test_a_clawback_by_days_takes_the_part_of_the_term_that_was_not_served():
    claw = CLAW | {"prorate": "days", "term": 100}
    run = comp.calculate(plan(FLAT, claw), [credit("c1", "100.00")], events=[refund("f1", on="2024-01-26")])
    assert paid(run) == [250]


def test_a_hold_is_released_in_the_period_of_its_event():
    hold = {"kind": "hold", "until": "invoice paid", "share": "0.4"}
    rows = [credit("c1", "100.00"), credit("c2", "50.00", deal_id="d")]
    events = [
        event("e1", "invoice paid", "2024-03-05", credit_id="c1"),
        event("e2", "invoice paid", "2024-01-05", deal_id="d"),
    ]
    run = comp.calculate(plan(FLAT, hold), rows, events=events, periods=months(4))
    assert paid(run) == [600 + 500, 0, 400, 0]
    assert paid(run, "held") == [400, 400, 0, 0]
    assert paid(run, "earned") == [1500, 0, 0, 0]


def test_a_leaver_who_owes_on_a_draw_is_paid_nothing_and_the_rest_stays_owed():
    run = comp.calculate(
        plan(FULL, {"kind": "draw", "amount": "0"}),
        [credit("c1", "1000.00", on="2024-01-10")],
        reps=[{"rep_id": "r1", "ended_on": "2024-02-15"}],
        balances=[{"rep_id": "r1", "amount": "3000.00"}],
        periods=[Period(name="2024-Q1", start="2024-01-01", end="2024-04-01")],
    )
    assert (paid(run), paid(run, "balance")) == ([0], [200000])
    assert run.lines().query("rule == 'recovery'")["amount"].tolist() == [-100000]


def test_a_draw_ends_with_the_employment():
    run = comp.calculate(
        plan(FULL, {"kind": "draw", "amount": "1000.00"}),
        [],
        reps=[{"rep_id": "r1", "started_on": "2024-01-01", "ended_on": "2024-03-01"}],
        periods=months(4),
    )
    assert paid(run) == [100000, 100000, 0, 0]
    assert paid(run, "balance") == [100000, 200000, 200000, 200000]


EARNINGS = ["0", "0", "3000", "500", "4000"]


@pytest.mark.parametrize(
    ("fields", "debts"),
    [
        ({}, [1000, 2000, 0, 500, 0]),
        ({"recovery_rate": "0.5"}, [1000, 2000, 1000, 1500, 0]),
        ({"recovery_limit": "700"}, [1000, 2000, 1300, 1800, 1100]),
        ({"balance_limit": "1500"}, [1000, 1500, 0, 500, 0]),
        ({"recovery_start": 4}, [1000, 2000, 2000, 2500, 0]),
        ({"periods": 1}, [1000, 1000, 0, 0, 0]),
        ({"forgiven_after": 2}, [1000, 0, 0, 500, 0]),
        ({"recoverable": False}, [0, 0, 0, 0, 0]),
    ],
)
def test_a_draw_is_repaid_as_its_fields_say(fields, debts):
    periods = months(5)
    rows = [credit(f"c{k}", amount, periods[k].start) for k, amount in enumerate(EARNINGS)]
    run = comp.calculate(plan(FULL, {"kind": "draw", "amount": "1000", **fields}), rows, periods=periods)
    assert [balance // 100 for balance in paid(run, "balance")] == debts
    for line in run.lines()["line_id"]:
        assert run.explain(line).text


def test_a_debt_may_lapse_with_the_year():
    periods = months(13)
    run = comp.calculate(
        plan(FULL, {"kind": "draw", "amount": "100", "carry": "year"}), [credit("c1", "0")], periods=periods
    )
    assert [balance // 100 for balance in paid(run, "balance")] == [*range(100, 1200, 100), 0, 100]


def test_a_prorated_draw_counts_days():
    run = comp.calculate(
        plan(FULL, {"kind": "draw", "amount": "310.00", "prorate": "days", "recoverable": False}),
        [],
        reps=[{"rep_id": "r1", "started_on": "2024-01-22"}],
        periods=months(1),
    )
    assert paid(run) == [10000]


def test_what_lies_above_a_cap_may_be_carried_into_later_periods():
    cap = {"amount": "100.00", "excess": "carried"}
    periods = months(5)
    rows = [credit("c1", "250.00"), credit("c2", "20.00", "2024-03-01"), credit("c3", "10.00", "2024-05-01")]
    assert paid(comp.calculate(plan(FULL, cap=cap), rows, periods=periods)) == [10000, 10000, 7000, 0, 1000]


def test_a_cap_may_come_before_or_after_clawbacks():
    claw = {"kind": "clawback", "event": "refunded"}
    rows, events = [credit("c1", "100.00"), credit("c2", "60.00")], [refund("f1", credit_id="c2")]
    pays = {
        order: paid(comp.calculate(plan(FULL, claw, cap="120.00", cap_order=order), rows, events=events))
        for order in ("before_clawback", "after_clawback")
    }
    assert pays == {"before_clawback": [6000], "after_clawback": [10000]}


def override(**fields):
    return {"kind": "override", "tiers": [{"from": "0", "rate": "0.05"}], **fields}


def test_managers_in_a_ring_are_named_in_order():
    tree = [{"rep_id": a, "manager_id": b} for a, b in ("ab", "bc", "ca")]
    rows = [credit("c1", "100.00", rep="a")]
    refused(lambda: comp.calculate(plan(FLAT, override()), rows, reporting=tree), "'a' -> 'b' -> 'c' -> 'a'")


def test_two_managers_on_one_day_are_refused():
    tree = [{"rep_id": "a", "manager_id": boss} for boss in ("m1", "m2")]
    rows = [credit("c1", "100.00", rep="a")]
    refused(lambda: comp.calculate(plan(FLAT, override()), rows, reporting=tree), "'a'", "'m1'", "'m2'")


def test_a_chain_of_two_thousand_managers_counts_a_credit_once_a_level():
    tree = [{"rep_id": f"m{k}", "manager_id": f"m{k + 1}"} for k in range(2000)]
    run = comp.calculate(plan(FLAT, override()), [credit("c1", "1.00", rep="m0")], reporting=tree)
    assert len(run.payouts()) == 2001
    assert run.lines().query("component == 'override'")["amount"].tolist() == [5] * 2000


def test_an_override_follows_the_manager_of_the_day_and_its_depth():
    tree = [
        {"rep_id": "a", "manager_id": "m1", "end": "2024-01-15"},
        {"rep_id": "a", "manager_id": "m2", "start": "2024-01-15"},
        {"rep_id": "m1", "manager_id": "top"},
    ]
    rows = [credit("c1", "100.00", rep="a"), credit("c2", "200.00", "2024-01-15", rep="a")]
    for depth, top in ((None, {"top": 500}), (1, {})):
        run = comp.calculate(plan(FLAT, override(depth=depth)), rows, reporting=tree)
        pays = dict(zip(run.payouts()["rep_id"], paid(run), strict=True))
        assert pays == {"a": 3000, "m1": 500, "m2": 1000, **top}


def test_a_plan_with_overrides_needs_the_tree():
    refused(lambda: comp.calculate(plan(FLAT, override()), [credit("c1", "1.00")]), "reporting", "manager_id")


def rate(day, value, base="EUR"):
    return {"base": base, "quote": "USD", "rated_on": day, "rate": value}


def test_a_rate_of_another_day_is_never_taken_in_silence():
    rows = [credit("c1", "100.00", "2024-02-01", currency="EUR")]
    fx = [rate("2024-01-31", "1.08")]
    refused(lambda: comp.calculate(plan(FLAT), rows, fx=fx), "EUR", "USD", "2024-02-01", "c1")
    assert paid(comp.calculate(plan(FLAT, fx_max_age=1), rows, fx=fx)) == [1080]
    assert comp.calculate(plan(FLAT), rows, fx=fx, on_error="hold").held()["reason"].tolist() == [
        "no exchange rate"
    ]


def test_a_rate_of_zero_is_refused():
    rows = [credit("c1", "100.00", "2024-01-31", currency="EUR")]
    fx = [rate("2024-01-31", "0")]
    refused(lambda: comp.calculate(plan(FLAT), rows, fx=fx), "EUR", "USD", "2024-01-31", "0")


def test_yen_become_dollars_at_the_rate_of_the_period_end():
    rows = [credit("c1", "10000", "2024-01-03", currency="JPY")]
    fx = [rate("2024-01-31", "0.0068", "JPY"), rate("2024-01-03", "0.0070", "JPY")]
    run = comp.calculate(plan(FLAT, fx_date="period_end"), rows, fx=fx, periods=months(1))
    assert paid(run) == [680]
    assert run.reconcile().query("status == 'in'")[["currency", "amount"]].to_numpy().tolist() == [
        ["JPY", 10000]
    ]


def test_a_figure_that_is_missing_is_named_with_rep_and_period():
    goal = {"metric": "nps", "weight": "1", "table": [{"from": "0", "pays": "1"}]}
    card = {"kind": "scorecard", "target": "100.00", "goals": [goal]}
    reps = [{"rep_id": "r1"}, {"rep_id": "r2"}]
    figures = [{"rep_id": "r1", "metric": "nps", "value": "50"}]
    refused(lambda: comp.calculate(plan(card), [], reps=reps, metrics=figures), "'r2'", "nps")
    run = comp.calculate(plan(card | {"missing": "zero"}), [], reps=reps, metrics=figures)
    assert paid(run) == [10000, 10000]


def test_two_rules_that_are_equally_specific_need_a_priority():
    def part(name, field, text, **more):
        tiers = [{"from": "0", "rate": "0.1"}]
        where = [{"field": field, "in": [text]}]
        return {"kind": "commission", "name": name, "tiers": tiers, "where": where, **more}

    rows = [credit("c1", "100.00", product="B", region="EU")]
    parts = part("by product", "product", "B"), part("by region", "region", "EU")
    refused(lambda: comp.calculate(plan(*parts), rows), "c1", "'by product' and 'by region'", "priority")
    first = part("by product", "product", "B", priority=1)
    assert comp.calculate(plan(first, parts[1]), rows).lines()["component"].tolist() == ["by product"]


def test_a_credit_that_no_rule_counts_is_rejected():
    where = [{"field": "product", "in": ["B"]}]
    run = comp.calculate(plan(FLAT | {"where": where}), [credit("c1", "1.00", product="A")])
    assert run.rejected()["reason"].tolist() == ["no rule"]


@pytest.mark.parametrize(
    ("ties", "prizes"),
    [("share", [1500, 1500, 500]), ("best", [2000, 2000, 500]), ("order", [2000, 1000, 500])],
)
def test_a_contest_pays_ties_as_it_says(ties, prizes):
    contest = {"kind": "contest", "prizes": ["20.00", "10.00", "5.00"], "ties": ties}
    rows = [credit(f"c{k}", amount, rep=f"r{k}") for k, amount in enumerate(["90", "90", "50", "10"])]
    assert paid(comp.calculate(plan(contest), rows)) == [*prizes, 0]


def test_a_spiff_per_deal_is_taken_back_with_the_deal():
    spiff = {"kind": "spiff", "amount": "50.00", "per": "deal"}
    rows = [credit(f"c{k}", amount, deal_id="d") for k, amount in enumerate(["10", "20", "-30"])]
    lines = comp.calculate(plan(spiff, negative="allow"), rows).lines()
    assert lines[["credit_id", "amount"]].to_numpy().tolist() == [["c0", 5000], ["c2", -5000]]


def test_a_floor_holds_for_each_deal_and_goes_with_it():
    floor = {"kind": "floor", "amount": "25.00", "per": "deal"}
    rows = [credit("c1", "100.00", deal_id="d"), credit("c2", "-100.00", "2024-02-01", deal_id="d")]
    run = comp.calculate(plan(FLAT, floor, negative="allow"), rows, periods=months(2))
    assert paid(run) == [2500, -2500]


NPS = {"kind": "bonus", "metric": "nps", "target": "10", "table": [{"from": "0", "pays": "0.5"}]}
ON_A = {**FLAT, "where": [{"field": "product", "in": ["a"]}]}


@pytest.mark.parametrize(
    ("part", "due"),
    [
        (FLAT, [2500, 2500, 0]),
        ({"kind": "spiff", "amount": "5"}, [2500, 2500, 0]),
        ({"kind": "spiff", "amount": "5", "end": "2024-01-15"}, [2500, 0, 0]),
        ({"kind": "contest", "prizes": ["90"]}, [9000, 2500, 0]),
        ({"kind": "contest", "prizes": ["90"], "at_least": "80"}, [9000, 2500, 0]),
        ({**ON_A, "name": "commission"}, [2500, 0, 0]),
        ({"kind": "bonus", "basis": "amount", "target": "1", "table": NPS["table"]}, [2500, 2500, 50]),
        (NPS, [500, 500, 500]),
        ({"kind": "fixed", "amount": "7"}, [700, 700, 700]),
    ],
)
def test_a_floor_per_period_is_for_those_with_a_credit_that_its_components_count(part, due):
    floor = {"kind": "floor", "amount": "25.00", "of": [part.get("name", part["kind"])]}
    other = {"kind": "spiff", "name": "rest", "amount": "0.01"}
    rows = [
        credit("c1", "100.00", "2024-01-02", product="a"),
        credit("c2", "50.00", "2024-01-20", rep="r2", product="b"),
    ]
    run = comp.calculate(
        plan(part, floor, other),
        rows,
        reps=[{"rep_id": rep} for rep in ("r1", "r2", "r3")],
        metrics=[{"rep_id": rep, "metric": "nps", "value": "1"} for rep in ("r1", "r2", "r3")],
        periods=months(1),
    )
    assert paid(run) == [due[0] + 1, due[1] + 1, due[2]]


def test_a_credit_outside_the_days_of_the_only_spiff_counts_for_nothing():
    spiff = {"kind": "spiff", "amount": "5.00", "start": "2024-01-10", "end": "2024-01-20"}
    days = ["2024-01-09", "2024-01-10", "2024-01-19", "2024-01-20"]
    run = comp.calculate(plan(spiff), [credit(f"c{k}", "1.00", day) for k, day in enumerate(days)])
    assert paid(run) == [1000]
    assert run.rejected()["credit_id"].tolist() == ["c0", "c3"]
    assert run.rejected()["reason"].tolist() == ["no rule", "no rule"]


@pytest.mark.parametrize(
    "part",
    [
        {"kind": "spiff", "amount": "5.00", "start": "2024-01-10"},
        {"kind": "hold", "days": 30},
        {"kind": "clawback", "event": "refunded", "window": 30},
        {"kind": "clawback", "event": "refunded", "prorate": "days", "term": 30},
    ],
)
def test_a_plan_that_counts_days_asks_for_them(part):
    rows = [{"credit_id": "c1", "rep_id": "r1", "amount": "100.00"}]
    with pytest.raises(InvalidInput, match=r"credits\.earned_on: the column is missing"):
        comp.calculate(plan(FLAT, part), rows, events=[refund("f1", credit_id="c1", on="2024-01-05")])


def test_a_gate_that_stays_shut_pays_its_share():
    gate = {"kind": "gate", "at_least": "0.5", "otherwise": "0.25"}
    quotas = [{"rep_id": "r1", "amount": "1000"}, {"rep_id": "r2", "amount": "200"}]
    rows = [credit("c1", "100.00"), credit("c2", "100.00", rep="r2")]
    assert paid(comp.calculate(plan(FLAT, gate), rows, quotas=quotas)) == [250, 1000]


def test_tiers_may_count_whole_deals_and_pay_shares_of_them():
    tiers = [{"from": "0", "rate": "0.05"}, {"from": "1000", "rate": "0.10"}]
    part = {"kind": "commission", "tiers": tiers, "accumulate_on": "deal"}
    rows = [credit("c1", "600.00", deal_amount="1200.00"), credit("c2", "400.00", deal_amount="800.00")]
    assert paid(comp.calculate(plan(part), rows)) == [3500 + 4000]


def test_quotas_may_be_prorated_by_working_days_or_months():
    part = {"kind": "commission", "basis": "attainment", "tiers": [{"from": "0", "rate": "0.1"}]}
    quarter = [Period(name="Q1", start="2024-01-01", end="2024-04-01")]
    found = {}
    for prorate in ("days", "working_days", "months"):
        run = comp.calculate(
            plan(part),
            [credit("c1", "1.00", "2024-03-01")],
            quotas=[{"rep_id": "r1", "amount": "9100", "start": "2024-01-17"}],
            periods=quarter,
            prorate=prorate,
        )
        found[prorate] = int(run.attainment()["quota"][0])
    assert found == {"days": 750000, "working_days": 742000, "months": 606667}


def test_every_line_of_every_rule_has_a_sentence_and_a_proof():
    tree = [{"rep_id": "r1", "manager_id": "boss"}]
    parts = [
        FLAT,
        override(),
        {"kind": "spiff", "amount": "5.00"},
        {"kind": "contest", "prizes": ["7.00"]},
        {"kind": "fixed", "amount": "11.00"},
        {"kind": "multiplier", "metric": "nps", "table": [{"from": "0", "pays": "1.1"}]},
        {"kind": "gate", "metric": "nps", "at_least": "60", "otherwise": "0.5", "missing": "shut"},
        {"kind": "floor", "amount": "90.00"},
        {"kind": "guarantee", "amounts": ["95.00"]},
        CLAW,
        {"kind": "hold", "days": 40, "share": "0.5"},
        {"kind": "draw", "amount": "100.00"},
    ]
    rows = [credit("c1", "400.00"), credit("c2", "100.00")]
    run = comp.calculate(
        plan(*parts),
        rows,
        reporting=tree,
        events=[refund("f1", credit_id="c2", on="2024-02-03")],
        metrics=[{"rep_id": "r1", "metric": "nps", "value": "50"}],
        periods=months(3),
    )
    rules = set(run.lines()["rule"])
    assert {"tier", "spiff", "prize", "fixed", "multiplier", "gate", "guarantee"} <= rules
    assert {"clawback", "held", "released", "forfeited", "draw"} <= rules
    for line in run.lines()["line_id"]:
        text, proof = run.explain(line).text, run.proof(line)
        assert text.endswith(".")
        assert proof["form"] in ("rate", "change")


def test_a_refund_in_the_currency_of_the_credit_takes_its_part_of_it():
    parts = [
        {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]},
        {"kind": "clawback", "event": "refund"},
    ]
    plan = comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": parts}
    )
    day = "2026-01-01"
    run = comp.calculate(
        plan,
        [{"credit_id": "c", "rep_id": "a", "amount": "100.00", "currency": "EUR", "earned_on": day}],
        fx=[{"base": "EUR", "quote": "USD", "rated_on": day, "rate": "2"}],
        events=[
            {"event_id": 1, "kind": "refund", "happened_on": day, "credit_id": "c", "amount": "25.00"},
            {"event_id": 2, "kind": "refund", "happened_on": day, "credit_id": "c", "amount": "75.00"},
        ],
    )
    assert run.lines()["amount"].tolist() == [2000, -500, -1500]


def test_a_gate_refuses_a_figure_that_is_missing_or_says_that_it_is():
    gated = {"kind": "gate", "metric": "csat", "at_least": "4"}
    parts = [{"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}, gated]
    document = {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": parts}
    credits = [{"credit_id": rep, "rep_id": rep, "amount": "10.00"} for rep in ("ann", "bo", "cy")]
    figures = [
        {"rep_id": "ann", "metric": "csat", "value": "5"},
        {"rep_id": "cy", "metric": "csat", "value": "3"},
    ]
    with pytest.raises(InvalidInput, match="lacks a figure that the plan asks for") as caught:
        comp.calculate(comp.CompPlan.from_dict(document), credits, metrics=figures)
    assert caught.value.problems[0].ids == ("'bo' in 'all'",)
    parts[1] = gated | {"missing": "shut"}
    run = comp.calculate(comp.CompPlan.from_dict(document), credits, metrics=figures)
    assert run.payouts()["earned"].tolist() == [100, 0, 0]
    lines = run.lines()
    told = [str(run.explain(k)) for k in lines.index[lines["rule"] == "gate"]]
    assert "'bo' has no figure 'csat' to reach the gate of 4 in all" in told[0]
    assert "'cy' did not reach the gate of 4 in all" in told[1]
