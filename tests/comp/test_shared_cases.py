"""The shared worked cases: each read as plan documents and tables, run through the public API, exact.

A reader turns the inputs of one kind of case into documents and gives what was paid under the names that the
case expects; where a case is ambiguous, it pays every reading. Amounts of a document are those of the case.
"""

import datetime as dt
import itertools
import json
from decimal import Decimal
from fractions import Fraction

import pytest

from salesops import comp
from salesops._money import EXPONENTS
from salesops.models import FiscalCalendar, Period

yaml = pytest.importorskip("yaml")

BY_OTHERS = {
    "sp-01": "credit",
    "sp-03": "credit",
    "sp-04": "credit",
    "sp-05": "credit",
    "as-01": "amortize",
    "as-02": "amortize",
    "as-03": "amortize",
    "as-06": "amortize",
}
"""Cases of verbs that have tests of their own."""


@pytest.fixture(scope="module")
def cases(shared):
    text = (shared / "comp-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


def months(n, year=2024):
    days = [dt.date(year + k // 12, k % 12 + 1, 1) for k in range(n + 1)]
    return [Period(name=f"{a:%Y-%m}", start=a, end=b) for a, b in itertools.pairwise(days)]


class World:
    """A plan document, credits of one rep in order, and what `calculate` makes of them."""

    def __init__(self, case, *components, currency=None, **fields):
        self.currency = currency or case["inputs"].get("currency", "USD")
        document = {"schema_version": 1, "plan_id": "case", "currency": self.currency, **fields}
        document["components"] = list(components)
        self.plan = comp.CompPlan.from_json(json.dumps(document))
        self.credits, self.options = [], {}

    def credit(self, amount, *, rep="r", on="2024-01-01", **columns):
        row = {"credit_id": f"c{len(self.credits):03d}", "rep_id": rep, "amount": amount, "earned_on": on}
        self.credits.append(row | columns)
        return self

    def given(self, **options):
        self.options |= options
        return self

    def run(self):
        return comp.calculate(self.plan, self.credits, **self.options)

    def text(self, minor):
        return Fraction(int(minor), 10 ** EXPONENTS[self.currency])

    def paid(self, column="paid"):
        return [self.text(minor) for minor in self.run().payouts()[column]]

    def total(self, column="paid"):
        return sum(self.paid(column))

    def by_credit(self):
        lines = self.run().lines()
        sums = lines.groupby("credit_id")["amount"].sum()
        return [self.text(sums.get(row["credit_id"], 0)) for row in self.credits]

    def lines(self, *rules):
        lines = self.run().lines()
        chosen = lines if not rules else lines[lines["rule"].isin(rules)]
        return [self.text(minor) for minor in chosen["amount"]]


def tiers_of(rows, rate="rate", **same):
    """Write the tiers of a case as those of a document."""
    fields = {"frm": "from", "to": "to", rate: "amount" if rate == "amount" else "rate"}
    made = []
    for row in rows:
        tier = {new: row[old] for old, new in fields.items() if row.get(old) is not None}
        made.append(tier | same)
    return made


def commission(tiers, **fields):
    return {"kind": "commission", "tiers": tiers, **fields}


def flat(rate, **fields):
    return commission([{"from": "0", "rate": rate}], **fields)


def quota(amount, rep="r", **columns):
    return [{"rep_id": rep, "amount": amount, **columns}]


def read_transactions(case):
    """Each transaction alone meets the tiers."""
    given = case["inputs"]
    by_amount = "amount" in given["tiers"][0]
    whole = case["feature"] == "tier_retroactive"
    part = commission(
        tiers_of(given["tiers"], "amount" if by_amount else "rate"),
        accumulate="deal",
        style="whole_amount" if whole else "marginal",
    )
    world = World(case, part)
    for amount in given["transactions"]:
        world.credit(amount)
    lines = world.run().lines()
    found = {"per_transaction": world.by_credit(), "total": world.total(), "commissions": world.by_credit()}
    return found | {"rates": [Fraction(rate) for rate in lines["rate"]] if whole else None}


def read_tiers(case):
    """A total meets tiers of money, or of a quota that money is given for."""
    given = case["inputs"]
    style = "whole_amount" if case["feature"] == "tier_retroactive" else "marginal"
    world = World(case, commission(tiers_of(given["tiers"]), style=style)).credit(given["sales"])
    return {"total": world.total(), "slices": world.lines("tier")}


def read_to_date(case):
    given = case["inputs"]
    found = {}
    for step in ("to_date", "credit"):
        world = World(case, commission(tiers_of(given["tiers"])), rounding_step=step)
        for amount in given["credits"]:
            world.credit(amount)
        found[step] = world
    lines = found["to_date"].by_credit()
    assert sum(found["credit"].by_credit()) == Fraction("11.34")
    return {"lines": lines, "to_date": list(itertools.accumulate(lines)), "total": found["to_date"].total()}


def read_quota_to_date(case):
    """Above quota to date a higher rate is paid; or no accelerator at all for who was behind."""
    given = case["inputs"]
    high = {"from": "1", "rate": "0.06"}
    tiers = [{"from": "0", "rate": given["base_rate"]}, high]
    quarters = FiscalCalendar().periods(2024, by="quarter")
    found = {}
    for reading in ("year", "period"):
        year = {"accumulate": "year", "year_quota": "to_date"} if reading == "year" else {}
        world = World(case, commission(tiers, basis="attainment", **year))
        for amount, quarter in zip(given["sales_by_quarter"], quarters, strict=False):
            world.credit(amount, on=quarter.start)
        world.given(periods=quarters, quotas=quota(given["quarter_quota"]))
        run = world.run()
        lines = run.lines()
        third = lines[(lines["period"] == "2024-Q3") & (lines["tier"] == 2)]
        found[reading] = run.attainment(), sum(Fraction(base) for base in third["base"])
    attained, above = found["year"]
    third = attained[attained["period"] == "2024-Q3"].iloc[0]
    return {
        "credits_to_date": Fraction(int(third["credited"]), 100),
        "quota_to_date": Fraction(int(third["quota"]), 100),
        "q3_naive_accelerated_amount": found["period"][1],
        "q3_amount_above_quota_to_date": above,
    }


def read_mixed_tiers(case):
    """Reaching 50 % brings all to 10 %; above quota only the part above earns 20 %."""
    given = case["inputs"]
    tiers = [
        {"from": "0", "rate": "0.05"},
        {"from": "0.5", "rate": "0.10", "retroactive": True},
        {"from": "1", "rate": "0.20"},
    ]
    paid = []
    for sales in given["sales"]:
        world = World(case, commission(tiers, basis="attainment")).credit(sales)
        paid.append(world.given(quotas=quota(given["monthly_quota"])).total())
    return {"payouts": paid}


def read_bound(case):
    given = case["inputs"]
    rates, paid = {}, {}
    for bound in ("lower", "upper"):
        part = commission(tiers_of(given["tiers"]), style="whole_amount", bound=bound)
        world = World(case, part).credit(given["accumulated"])
        rates[bound], paid[bound] = Fraction(world.run().lines()["rate"][0]), world.total()
    return {
        "rate_lower_inclusive": rates["lower"],
        "rate_upper_inclusive": rates["upper"],
        "retroactive_difference": paid["lower"] - paid["upper"],
    }


def multiplied(case, sales, *, readings=("marginal",), quota_amount="100000"):
    given = case["inputs"]
    tiers = tiers_of(given["multipliers"], "x")
    named = (
        {"base_rate": given["base_rate"]} if "base_rate" in given else {"target": given["target_variable"]}
    )
    paid = []
    for style in readings:
        world = World(case, commission(tiers, basis="attainment", style=style, **named)).credit(sales)
        paid.append(world.given(quotas=quota(quota_amount)))
    return paid


def read_accelerator(case):
    given = case["inputs"]
    sales = given.get("bookings") or given["sales"]
    (world,) = multiplied(case, sales, quota_amount=given["quota"])
    attained = world.run().attainment()
    plain = World(case, commission([{"from": "0", "rate": "1"}], basis="attainment", target="100000"))
    plain.credit(sales).given(quotas=quota(given["quota"]))
    return {
        "payout": world.total(),
        "attainment": Fraction(attained["attainment_percent"][0]) / 100,
        "without_accelerator": plain.total(),
    }


def read_decelerator(case):
    """At 40 %; and at 100 % marginal (75,000) and retroactive (100,000)."""
    (world,) = multiplied(case, "40000")
    at_full = [each.total() for each in multiplied(case, "99999.99", readings=("marginal",))]
    whole = [each.total() for each in multiplied(case, "99999.99", readings=("whole_amount",))]
    assert [round(at_full[0]), round(whole[0])] == [75000, 100000]
    return {"payout": world.total()}


def read_upfront_draw(case):
    given = case["inputs"]
    high = str(Decimal(given["base_rate"]) + Decimal(given["extra_rate"]))
    tiers = [{"from": "0", "rate": given["base_rate"]}, {"from": "1", "rate": high}]
    draw = {"kind": "draw", "amount": given["draw"], "advance": "upfront"}
    world = World(case, commission(tiers, basis="attainment"), draw).credit(given["sales"])
    world.given(quotas=quota(given["quota"]))
    return {"gross": world.total("earned"), "net": world.total() - sum(world.lines("draw"))}


def read_cap(case):
    given = case["inputs"]
    world = World(case, flat(given["rate"]), cap=given["monthly_cap"]).credit(given["sales"])
    return {
        "uncapped": sum(world.lines("tier")),
        "paid": world.total(),
        "withheld": -sum(world.lines("cap per period")),
    }


def read_target_pay(case):
    given = case["inputs"]
    part = commission([{"from": "0", "rate": "1"}], basis="attainment", target_share="1")
    pay = {"base": given["base"], "variable": given["target_variable"]}
    world = World(case, part, pay=pay).credit("600000")
    year = FiscalCalendar().periods(2024, by="year")
    run = world.given(periods=year, quotas=quota(given["quota"])).run()
    return {
        "ote": Fraction(world.plan.pay.ote),
        "target_rate": Fraction(run.lines()["rate"][0]),
        "pay_mix": list(world.plan.pay.mix),
    }


def read_draw(case):
    """Earnings are credits at 100 %, a month each."""
    given = case["inputs"]
    recoverable = case["feature"] == "draw_recoverable"
    draw = {"kind": "draw", "amount": given["draw"], "recoverable": recoverable}
    if "recovery_starts_in_period" in given:
        draw["recovery_start"] = given["recovery_starts_in_period"]
    periods = months(len(given["earnings"]))
    world = World(case, flat("1"), draw).given(periods=periods)
    for amount, period in zip(given["earnings"], periods, strict=True):
        world.credit(amount, on=period.start)
    return {"paid": world.paid(), "debt": world.paid("balance"), "draw_adjustment": world.lines("draw")}


def read_advances(case):
    found = {"end_of_month_payment": [], "debt": []}
    for each in case["inputs"]["cases"]:
        draw = {"kind": "draw", "amount": each["advance"], "advance": "upfront"}
        world = World(case, flat("1"), draw).credit(each["earned"])
        found["end_of_month_payment"].append(world.total() - sum(world.lines("draw")))
        found["debt"].append(world.total("balance"))
    return found


def read_guarantees(case):
    given = case["inputs"]
    periods = months(len(given["sales"]))
    guarantee = {"kind": "guarantee", "of": ["commission"], "amounts": given["guarantees"], "then": "stops"}
    salary = {"kind": "fixed", "amount": given["base_monthly"]}
    world = World(case, flat(given["rate"]), guarantee, salary)
    for amount, period in zip(given["sales"], periods, strict=True):
        world.credit(amount, on=period.start)
    return {"total_pay": world.given(periods=periods, reps=[{"rep_id": "r"}]).paid()}


def event(kind, on, credit="c000", **columns):
    return {"event_id": f"{kind} {on}", "kind": kind, "happened_on": on, "credit_id": credit, **columns}


def read_clawback(case):
    given = case["inputs"]
    earned = given.get("earned") or given.get("commission")
    claw = {"kind": "clawback"}
    if "clawback_share" in given:
        claw["share"] = given["clawback_share"]
        on = "2024-02-10"
    else:
        claw |= {"prorate": "months", "term": given["contract_months"]}
        on = f"2024-{1 + given['months_served']:02d}-01"
    world = World(case, flat("1"), claw, negative="allow").credit(earned)
    world.given(periods=months(12), events=[event("cancelled", on)])
    lines = world.run().lines()
    assert lines.loc[lines["rule"] == "clawback", "period"].tolist() == [on[:7]]
    taken = sum(world.lines("clawback"))
    return {"adjustment": taken, "clawback": taken, "net": world.total()}


def read_credit_notes(case):
    given = case["inputs"]
    world = World(case, flat(given["rate"])).credit(given["invoices"]).credit("-" + given["credit_notes"])
    return {"commission": world.total()}


def read_set_off(case):
    """A month below 0 is owed; later months are set off against it."""
    given = case["inputs"]
    periods = months(4)
    world = World(case, flat("1"), negative="carry").given(periods=periods)
    amounts = ["-" + owed for owed in given["receivables_oldest_first"]] + given["payable"]
    for amount, period in zip(amounts, periods, strict=True):
        world.credit(amount, on=period.start)
    offsets = [-amount for amount in world.lines("set off")]
    return {"offset": offsets, "paid": world.paid()[2:], "left": [0, 0], "owed": world.paid("balance")[-1:]}


def read_team_override(case):
    given = case["inputs"]
    reps = [f"r{k}" for k in range(len(given["team_sales"]))]
    tree = [{"rep_id": rep, "manager_id": "boss"} for rep in reps]
    found = {}
    for reading, tiers in {
        "all": [{"from": "0", "rate": given["override_rate"]}],
        "above": [{"from": "0", "rate": "0"}, {"from": given["threshold"], "rate": given["override_rate"]}],
    }.items():
        override = {"kind": "override", "tiers": tiers}
        world = World(case, flat(given["rep_rate"]), override).given(reporting=tree)
        for rep, amount in zip(reps, given["team_sales"], strict=True):
            world.credit(amount, rep=rep)
        lines = world.run().lines()
        boss = lines[lines["component"] == "override"].groupby("credit_id")["amount"].sum()
        own = lines[lines["component"] == "commission"].groupby("credit_id")["amount"].sum()
        found[reading] = [world.text(minor) for minor in boss], [world.text(minor) for minor in own]
    return {
        "rep_commissions": found["all"][1],
        "override_by_rep": found["all"][0],
        "override": sum(found["all"][0]),
        "override_above_threshold": sum(found["above"][0]),
    }


def read_instalments(case):
    given = case["inputs"]
    tiers = [
        {"from": "0", "rate": given["rate_instalment_5"]},
        {"from": "13", "rate": given["rate_instalment_13"]},
    ]
    part = commission(tiers, rate_by="instalment", base_rate=given["agent_payout_rate"])
    world = World(case, part)
    for number in ("5", "13"):
        world.credit(given["instalment_premium"], instalment=number)
    return dict(zip(("instalment_5", "instalment_13"), world.by_credit(), strict=True))


def read_pool(case):
    given = case["inputs"]
    override = {"kind": "override", "tiers": [{"from": "0", "rate": given["manager_rate"]}]}
    world = World(case, flat(given["rep_rate"]), override).credit(given["sale"])
    world.given(reporting=[{"rep_id": "r", "manager_id": "boss"}])
    rows = world.run().payouts().set_index("rep_id")["paid"]
    return {"rep": world.text(rows["r"]), "manager": world.text(rows["boss"]), "total": world.total()}


def read_margin_modifier(case):
    given = case["inputs"]
    table = [{"from": row["frm"] or "0", "pays": row["x"]} for row in reversed(given["margin_modifiers"])]
    modifier = {"kind": "multiplier", "metric": "margin", "table": table}
    found = {}
    for style in ("marginal", "whole_amount"):
        world = World(case, commission(tiers_of(given["tiers"]), style=style), modifier)
        world.credit(given["volume"])
        world.given(metrics=[{"rep_id": "r", "metric": "margin", "value": given["gross_margin"]}])
        found[style] = {"commission": sum(world.lines("tier")), "payout": world.total()}
    assert list(found["whole_amount"].values()) == [120000, 150000]
    return found["marginal"]


def read_policy(case):
    given = case["inputs"]
    tiers = [{"from": "0", "rate": "0.15"}, {"from": "1500", "rate": "0.18"}]
    home = [{"field": "policy", "in": ["home"]}]
    part = commission(tiers, style="whole_amount", bound="upper", accumulate="deal", where=home)
    factors = [
        {"text": name, "pays": x} for name, x in (("silver", "1.1"), ("gold", "1.25"), ("platinum", "1.5"))
    ]
    tier = {"kind": "multiplier", "field": "performance_tier", "factors": factors}
    world = World(case, part, tier)
    world.credit(given["premium"], policy=given["policy"], performance_tier=given["performance_tier"])
    return {"base": sum(world.lines("tier")), "final": world.total()}


def read_matrix(case):
    """Shares of a target of 1,000,000."""
    given = case["inputs"]
    unit = Decimal(1000000)
    levels = ["1", "2", "3"]
    matrix = {
        "kind": "matrix",
        "target": str(unit),
        "row_metric": "eps",
        "rows": levels,
        "column_metric": "revenue",
        "columns": levels,
        "pays": given["matrix_eps_by_revenue"],
    }
    table = [{"from": "0", "pays": "0"}, {"from": "1", "pays": given["business_unit_bonus"]}]
    unit_part = {"kind": "bonus", "metric": "unit goals", "target": str(unit), "table": table}
    gates = [
        {"kind": "gate", "name": f"gate on {name}", "metric": name, "at_least": "1"}
        for name in ("eps", "revenue")
    ]
    values = {"eps": str(given["eps_level"]), "revenue": str(given["revenue_level"]), "unit goals": "1"}
    found = {}
    for level in (values["eps"], "0"):
        world = World(case, matrix, unit_part, *gates).given(reps=[{"rep_id": "r"}])
        rows = values | {"eps": level}
        world.given(metrics=[{"rep_id": "r", "metric": name, "value": value} for name, value in rows.items()])
        found[level] = world
    assert found["0"].total() == 0
    done = found[values["eps"]]
    return {"corporate": sum(done.lines("cell")) / unit_of(unit), "total": done.total() / unit_of(unit)}


def unit_of(amount):
    return Fraction(amount)


def read_scorecard(case):
    given = case["inputs"]
    if "pool" in given:
        table = [{"from": "0", "pays": "0"}, {"from": "1", "pays": "1"}]
        goal = {"metric": "achievement", "weight": "1", "style": "interpolated", "table": table}
        card = {"kind": "scorecard", "target": given["pool"], "goals": [goal]}
        value = given["achievement"]
        world = World(case, card).given(reps=[{"rep_id": "r"}])
        world.given(metrics=[{"rep_id": "r", "metric": "achievement", "value": value}])
        return {"pool_paid": world.total()}
    target = str(Decimal(given["base"]) * Decimal(given["target_percent"]))
    steps = [{"from": step.get("frm") or "0", "pays": step["pays"]} for step in given["steps"]]
    line = [{"from": "0", "pays": "0"}, {"from": "2", "pays": "2"}]
    found = {"target": Fraction(target)}
    for name, style, table in (("stepped", "step", steps), ("linear", "interpolated", line)):
        goal = {"metric": "realisation", "weight": "1", "style": style, "table": table}
        world = World(case, {"kind": "scorecard", "target": target, "goals": [goal]})
        world.given(reps=[{"rep_id": "r"}])
        world.given(metrics=[{"rep_id": "r", "metric": "realisation", "value": given["realisation"]}])
        found[name] = world.total()
    return found


def read_spiff(case):
    given = case["inputs"]
    spiff = {"kind": "spiff", "amount": given["spiff_per_unit"], "per": "unit", "measure": "units"}
    world = World(case, flat(given["rate"], measure="revenue"), spiff)
    world.credit(str(given["units"] * Decimal(given["price"])), measure="revenue")
    world.credit(str(given["units"]), measure="units")
    return {
        "commission": sum(world.lines("tier")),
        "spiff": sum(world.lines("spiff")),
        "total": world.total(),
    }


def read_prorated_year(case):
    given = case["inputs"]
    part = commission([{"from": "0", "rate": "1"}], basis="attainment", target_share="1")
    year = FiscalCalendar().periods(2019, by="year")
    found = {}
    for start, first_day in ((given["start"], "counts"), ("2019-05-31", "free")):
        world = World(case, part).credit("469041.10", on="2019-07-01")
        world.given(
            periods=year,
            quotas=quota(given["quota"], start=start),
            target_pay=quota(given["variable"], start=start),
            prorate="days",
            first_day=first_day,
        )
        run = world.run()
        found[first_day] = Fraction(int(run.attainment()["quota"][0]), 100), world.total()
    assert found["counts"] == found["free"]
    days = (year[0].end - dt.date.fromisoformat(given["start"])).days
    share = found["counts"][0] / Fraction(given["quota"])
    return {
        "days": days,
        "factor": round(share, 4),
        "quota": found["counts"][0],
        "variable": found["counts"][1],
    }


def read_spread(case):
    given = case["inputs"]
    quarters = FiscalCalendar().periods(2024, by="quarter")
    found = {}
    for accumulate in ({}, {"accumulate": "year", "year_quota": "to_date"}):
        part = commission([{"from": "0", "rate": "0.1"}], basis="attainment", **accumulate)
        world = World(case, part).given(periods=quarters, quotas=quota(given["annual"], per="year"))
        for quarter in quarters:
            world.credit("1", on=quarter.start)
        found[bool(accumulate)] = [Fraction(int(q), 100) for q in world.run().attainment()["quota"]]
    whole = Fraction(given["annual"])
    return {"noncumulative": found[False], "cumulative_percent": [100 * q / whole for q in found[True]]}


def read_tenure(case):
    given = case["inputs"]
    tiers = [
        {"from": str(row["months"][0] if k else 0), "rate": row["rate"]}
        for k, row in enumerate(given["rate_by_tenure"])
    ]
    part = commission(tiers, rate_by="tenure_month")
    world = World(case, part).given(reps=[{"rep_id": "r", "started_on": "2024-01-15"}])
    for month in given["tenure_months"]:
        world.credit(given["sale"], on=f"2024-{month:02d}-20")
    return {"commissions": world.by_credit()}


def read_attainment(case):
    given = case["inputs"]
    part = commission([{"from": "0", "rate": "0.1"}], basis="attainment")
    found = []
    for goal, actual in zip(given["quotas"], given["actuals"], strict=True):
        world = World(case, part).credit(actual).given(quotas=quota(goal))
        found.append(Fraction(world.run().attainment()["attainment_percent"][0]))
    ramp = World(case, part).credit("1").given(quotas=quota(given["ramp_quota"], factor=given["ramp_factor"]))
    effective = Fraction(int(ramp.run().attainment()["quota"][0]), 100)
    return {"attainment_percent": found, "effective_quota": effective}


def read_hold(case):
    given = case["inputs"]
    hold = {"kind": "hold", "share": given["after_window"], "days": 90}
    claw = {"kind": "clawback", "window": 90}
    parts = (flat("1"), claw, hold)
    world = World(case, *parts, negative="allow").credit(given["commission"]).given(periods=months(6))
    paid, held = world.paid(), world.paid("held")
    assert paid == [700, 0, 300, 0, 0, 0]
    gone = World(case, *parts, negative="carry").credit(given["commission"])
    gone.given(periods=months(6), events=[event("cancelled", "2024-02-10")])
    assert gone.lines("forfeited") == [300]
    assert gone.paid("held") == [300, 0, 0, 0, 0, 0]
    return {"at_sale": paid[0], "held": held[0]}


def read_raised_deal(case):
    given = case["inputs"]
    more = str(Decimal(given["corrected"]) - Decimal(given["original"]))
    world = World(case, flat(given["rate"])).given(periods=months(2))
    world.credit(given["original"], deal_id="d").credit(more, on="2024-02-01", deal_id="d")
    paid = world.paid()
    return {"paid": paid[0], "true_up": paid[1], "correct": sum(paid)}


def read_year_true_up(case):
    given = case["inputs"]
    found = {}
    for style in ("whole_amount", "marginal"):
        part = commission(
            tiers_of(given["tiers"]), style=style, accumulate="year", interim_rate=given["invoiced_rate"]
        )
        world = World(case, part, negative="allow").given(periods=months(12))
        for month in range(10):
            world.credit("2500", on=f"2024-{month + 1:02d}-01")
        found[style] = sum(world.lines("tier")), -sum(world.lines("true-up")), world.total()
    invoiced, refund, total = found["whole_amount"]
    return {
        "invoiced": invoiced,
        "refund": refund,
        "retroactive": total,
        "marginal_reading": found["marginal"][2],
    }


def read_fx(case):
    given = case["inputs"]
    sale = given["sale"]
    rates = [
        {"base": sale["currency"], "quote": "USD", "rated_on": day, "rate": rate}
        for day, rate in (
            ("2024-01-10", given["usd_per_gbp_at_invoice"]),
            ("2024-02-29", given["usd_per_gbp_at_payment"]),
        )
    ]
    paid = {}
    for date in ("earned_on", "paid_on"):
        world = World(case, flat(given["rate"]), currency="USD", fx_date=date)
        world.credit(sale["amount"], on="2024-01-10", paid_on="2024-02-29", currency=sale["currency"])
        paid[date] = world.given(fx=rates).total()
    pounds = World(case, flat(given["rate"]), currency=sale["currency"]).credit(sale["amount"])
    return {
        "commission_gbp": pounds.total(),
        "paid_usd_fixed_at_invoice": paid["earned_on"],
        "paid_usd_if_settled_in_gbp": paid["paid_on"],
        "fx_difference": paid["paid_on"] - paid["earned_on"],
    }


def read_specificity(case):
    given = case["inputs"]
    general = flat(given["general_rate"], name="general")
    special = flat(given["product_b_rate"], name="special", where=[{"field": "product", "in": ["B"]}])
    found = {}
    for specificity in ("most_specific", "all"):
        world = World(case, general, special, specificity=specificity)
        for line in given["lines"]:
            world.credit(line["amount"], product=line["product"])
        found[specificity] = world
    assert found["all"].by_credit() == [2, 18]
    return {"lines": found["most_specific"].by_credit(), "total": found["most_specific"].total()}


def read_deductions(case):
    """Deductions as multipliers: of the original, or each of what is left."""
    given = case["inputs"]
    found = {}
    for reading in ("aggregate", "cumulative"):
        parts = []
        for k, share in enumerate(given["deductions"]):
            left = str(1 - Decimal(share))
            table = [{"from": "0", "pays": left}]
            part = {"kind": "multiplier", "name": f"m{k}", "basis": "amount", "table": table}
            parts.append(part | ({"of": ["commission"]} if reading == "aggregate" else {}))
        found[reading] = World(case, flat("1"), *parts).credit(given["amount"]).total()
    return found


READERS = {
    "tm-01": read_transactions,
    "tm-03": read_tiers,
    "tm-06": read_quota_to_date,
    "tm-08": read_to_date,
    "tr-01": read_tiers,
    "tr-03": read_transactions,
    "tr-05": read_mixed_tiers,
    "ti-01": read_transactions,
    "tb-01": read_bound,
    "ac-01": read_accelerator,
    "ac-03": read_accelerator,
    "ac-04": read_upfront_draw,
    "de-01": read_decelerator,
    "ca-01": read_cap,
    "ot-01": read_target_pay,
    "dr-01": read_draw,
    "dr-02": read_draw,
    "dr-03": read_draw,
    "dr-05": read_advances,
    "dn-01": read_draw,
    "dn-03": read_guarantees,
    "cb-01": read_clawback,
    "cb-03": read_clawback,
    "cb-05": read_credit_notes,
    "cb-07": read_set_off,
    "ov-01": read_team_override,
    "ov-03": read_instalments,
    "ov-04": read_pool,
    "mg-01": read_margin_modifier,
    "mg-03": read_policy,
    "mg-05": read_matrix,
    "mb-01": read_scorecard,
    "mb-04": read_scorecard,
    "sf-01": read_spiff,
    "pr-01": read_prorated_year,
    "pr-03": read_spread,
    "pr-05": read_tenure,
    "pr-06": read_attainment,
    "ho-01": read_hold,
    "tu-01": read_raised_deal,
    "tu-03": read_year_true_up,
    "fx-01": read_fx,
    "ru-01": read_specificity,
    "ro-01": read_deductions,
    "tm-05": read_tiers,
}


def exact(value):
    """Turn decimal texts of a case into rationals."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value if value is None else Fraction(value)


@pytest.mark.parametrize("case_id", READERS)
def test_a_shared_case_is_paid_exactly(cases, case_id):
    case = cases[case_id]
    found = READERS[case_id](case)
    expected = {name: exact(value) for name, value in case["expected"].items()}
    assert {name: found[name] for name in expected} == expected


def test_every_shared_case_has_a_reader(cases):
    assert set(cases) == set(READERS) | set(BY_OTHERS)
