"""One rep again equals a run of everything, and totals equal lines, on random worlds."""

import datetime as dt
import random

import numpy as np
import pandas as pd
import pytest

from salesops import comp
from salesops.errors import InvalidInput
from salesops.models import Period

PLAN = comp.CompPlan.from_dict(
    {
        "schema_version": 1,
        "plan_id": "ae",
        "currency": "USD",
        "cap": {"amount": "900.00", "per": "period"},
        "components": [
            {
                "kind": "commission",
                "basis": "attainment",
                "accumulate": "year",
                "tiers": [{"from": "0", "rate": "0.053"}, {"from": "1", "rate": "0.11", "retroactive": True}],
            },
            {"kind": "draw", "amount": "100.00"},
        ],
    }
)
PERIODS = [Period(name=f"m{m}", start=dt.date(2026, m, 1), end=dt.date(2026, m + 1, 1)) for m in range(1, 7)]
REPS = [f"r{k}" for k in range(6)]


def world(seed, n=120):
    rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
    return [
        {
            "credit_id": f"c{k:03d}",
            "rep_id": rng.choice(REPS),
            "amount": f"{rng.randint(-200, 3000)}.{rng.randint(0, 99):02d}",
            "earned_on": dt.date(2026, rng.randint(1, 6), rng.randint(1, 28)),
        }
        for k in range(n)
    ]


def run_of(credits, **more):
    quotas = [{"rep_id": rep, "amount": "2500.00"} for rep in REPS]
    reps = [{"rep_id": rep} for rep in REPS]
    return comp.calculate(
        PLAN, pd.DataFrame(credits), quotas=quotas, reps=reps, periods=PERIODS, on_error="hold", **more
    )


def of_reps(frame, reps):
    return frame[frame["rep_id"].isin(reps)].reset_index(drop=True)


@pytest.mark.parametrize("seed", range(12))
def test_reps_calculated_again_are_as_in_a_run_of_everything(seed):
    rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
    credits = world(seed)
    changed = [{**row, "amount": "77.77", "rep_id": rng.choice(REPS)} for row in rng.sample(credits, 2)]
    changed.append({**credits[0], "credit_id": "new"})
    gone = [credits[5]["credit_id"]]
    ids = {row["credit_id"] for row in changed}
    after = [row for row in credits if row["credit_id"] not in ids | set(gone)] + changed
    again = run_of(credits).recalculated(pd.DataFrame(changed), removed=gone)
    whole = run_of(after)
    reps = set(again.payouts()["rep_id"])
    assert reps >= {row["rep_id"] for row in changed}
    pd.testing.assert_frame_equal(again.payouts(), of_reps(whole.payouts(), reps))
    mine, theirs = again.lines(keys=True), of_reps(whole.lines(keys=True), reps)
    pd.testing.assert_frame_equal(mine.drop(columns="line_id"), theirs.drop(columns="line_id"))


def test_who_shares_a_credit_id_is_calculated_again_too():
    credits = world(1)
    twin = {**credits[0], "rep_id": "r5" if credits[0]["rep_id"] != "r5" else "r4"}
    again = run_of([*credits, twin]).recalculated([{**credits[0], "amount": "5.00"}])
    assert {credits[0]["rep_id"], twin["rep_id"]} <= set(again.payouts()["rep_id"])
    assert again.held().empty


def test_a_credit_to_remove_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match="names a credit that the run does not have") as caught:
        run_of(world(1)).recalculated([], removed=["c0000"])
    assert caught.value.problems[0].values == ("'c0000'",)


def test_where_plans_look_at_others_everybody_is_calculated_again():
    plan = comp.CompPlan(
        plan_id="p", currency="USD", components=[comp.Contest(name="top", prizes=["100.00"])]
    )
    credits = [{"credit_id": rep, "rep_id": rep, "amount": "10.00"} for rep in ("a", "b")]
    run = comp.calculate(plan, credits)
    again = run.recalculated([{"credit_id": "b", "rep_id": "b", "amount": "20.00"}])
    assert again.payouts()["earned"].tolist() == [0, 10000]


@pytest.mark.parametrize("seed", range(12))
def test_totals_are_those_of_lines(seed):
    credits = world(seed)
    lines, totals = run_of(credits), run_of(credits, detail="totals")
    pd.testing.assert_frame_equal(totals.payouts(), lines.payouts())
    pd.testing.assert_frame_equal(totals.attainment(), lines.attainment())
    pd.testing.assert_frame_equal(totals.reconcile(), lines.reconcile())
    pd.testing.assert_frame_equal(totals.credits(), lines.credits())
    assert totals.input_digest == lines.input_digest
    assert len(totals.lines()) < len(lines.lines())


def test_totals_say_what_the_period_was_credited():
    assert "What was credited in the period moved 'r0'" in str(run_of(world(3), detail="totals").explain(0))


def test_a_plan_that_looks_at_deals_keeps_its_lines():
    plan = comp.CompPlan(
        plan_id="p",
        currency="USD",
        components=[
            comp.Commission(tiers=[{"from": "0", "rate": "0.1"}], cap={"amount": "5", "per": "deal"})
        ],
    )
    credits = [{"credit_id": k, "rep_id": "a", "amount": "100.00"} for k in range(3)]
    lines, totals = comp.calculate(plan, credits), comp.calculate(plan, credits, detail="totals")
    assert totals.to_dict() == lines.to_dict()


def test_the_order_of_long_columns_of_text_is_that_of_their_code_points():
    rng = np.random.default_rng(0)
    names = [f"{'ABz~'[k % 4]}{k:05d}{'x' * int(rng.integers(0, 4))}" for k in rng.permutation(25_000)]
    credits = pd.DataFrame({"credit_id": names, "rep_id": "a", "amount": "1.00"})
    plan = comp.CompPlan(
        plan_id="p", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    )
    run = comp.calculate(plan, credits)
    assert run.lines()["credit_id"].tolist() == sorted(names)
    twice = comp.calculate(plan, pd.concat([credits, credits.iloc[[7]]]), on_error="hold")
    assert twice.rejected()["credit_id"].tolist() == [names[7]]
    assert twice.payouts().equals(run.payouts())


@pytest.mark.parametrize("seed", range(6))
def test_reps_calculated_again_post_what_a_run_of_everything_posts(seed):
    credits = world(seed)
    run = run_of(credits)
    ledger = comp.Ledger().post(run).close("m1")
    changed = {**credits[7], "amount": "1234.56"}
    again = run.recalculated([changed], removed=[credits[9]["credit_id"]])
    whole = run_of([*credits[:7], changed, credits[8], *credits[10:]])
    assert ledger.post(again).payouts().equals(ledger.post(whole).payouts())
    assert len(ledger.post(again)) > len(ledger)


def test_whoever_shares_a_deal_that_an_event_claws_back_is_calculated_too():
    plan = comp.CompPlan(
        plan_id="ae",
        currency="USD",
        components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}]), comp.Clawback(event="lost")],
    )
    credits = pd.DataFrame(
        {
            "credit_id": ["a", "b", "c"],
            "rep_id": ["anna", "ben", "carl"],
            "deal_id": ["d1", "d1", "d2"],
            "amount": ["600.00", "400.00", "100.00"],
        }
    )
    events = [
        {"event_id": "e", "kind": "lost", "deal_id": "d1", "happened_on": "2026-03-01", "amount": "500.00"}
    ]
    run = comp.calculate(plan, credits, events=events)
    changed = credits.iloc[[0]].assign(amount="800.00")
    again = run.recalculated(changed).payouts()
    whole = comp.calculate(plan, pd.concat([changed, credits.iloc[1:]]), events=events).payouts()
    assert again["rep_id"].tolist() == ["anna", "ben"]
    assert again.equals(of_reps(whole, ["anna", "ben"]))
