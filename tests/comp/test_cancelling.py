"""Refunding everything gives exactly 0, wherever tiers and caps look at sale and refund together."""

import random

import pytest

from salesops import comp
from salesops.models import FiscalCalendar

PERIODS = FiscalCalendar().periods(2026, by="month")[:4]


def text(minor):
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


@pytest.mark.parametrize("style", ["marginal", "whole_amount"])
@pytest.mark.parametrize("cap", [None, "deal", "period", "year"])
@pytest.mark.parametrize("accumulate", ["deal", "period", "quarter", "year"])
def test_refunds_of_all_sales_pay_back_every_cent(accumulate, cap, style):
    for seed in range(4):
        rng = random.Random(seed)  # noqa: S311  (a seeded world, no secret)
        tiers = [{"from": "0", "rate": "1/3"}, {"from": "1000", "rate": rng.choice(["0.02", "0.5"])}]
        part = {"kind": "commission", "tiers": tiers, "accumulate": accumulate, "style": style}
        if cap is not None:
            part["cap"] = {"amount": "60.00", "per": cap}
        plan = comp.CompPlan.from_dict(
            {
                "schema_version": 1,
                "plan_id": "p",
                "currency": "USD",
                "components": [part],
                "negative": "allow",
            }
        )
        later = accumulate not in ("period",) and cap in (None, "deal", "year")
        rows = []
        for k in range(rng.randint(1, 8)):
            minor, deal = rng.randint(1, 200_000), rng.choice(["d1", "d2", f"x{k}"])
            for sign, name, period in ((1, f"c{k}", 0), (-1, f"n{k}", 2 if later else 0)):
                rows.append(
                    {
                        "credit_id": name,
                        "rep_id": "r",
                        "deal_id": deal,
                        "amount": text(sign * minor),
                        "earned_on": PERIODS[period].start,
                    }
                )
        run = comp.calculate(plan, rows, periods=PERIODS)
        assert int(run.payouts()["earned"].sum()) == 0, (seed, part)
