"""What a plan with every kind of rule pays one rep, in plain Fractions: slow, and independent of the engine.

A world is a dict: `rows` of credits (day, credit_id, deal, measure, minor units, columns), `team` rows of
the same kind that overrides count, `quotas` and `figures` by period name, `events` (kind, day, credit_id), a
`day`, and `periods` (name, first day, day after, year, quarter, place in the year, periods a year).
"""

import datetime as dt
import importlib.util
from fractions import Fraction
from pathlib import Path

_spec = importlib.util.spec_from_file_location("comp_oracle", Path(__file__).with_name("oracle.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)
_spec = importlib.util.spec_from_file_location("comp_oracle_more", Path(__file__).with_name("oracle_more.py"))
more = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(more)
exact = plain.exact
UNIT = 100
ALWAYS = {"start": "0001-01-01", "end": "9999-12-31"}


def rates_of(part):
    rates = []
    for k, tier in enumerate(part["tiers"]):
        if "amount" in tier:
            end = part["tiers"][k + 1]["from"] if k + 1 < len(part["tiers"]) else tier["to"]
            rates.append(exact(tier["amount"]) / (Fraction(end) - exact(tier["from"])))
        else:
            rates.append(exact(tier["rate"]))
    return rates


def schedule(part, quota):
    """Starts and rates of tiers in minor units."""
    scale = quota if part.get("basis") == "attainment" else UNIT
    starts = [exact(tier["from"]) * scale for tier in part["tiers"]]
    factor = exact(part.get("base_rate", 1))
    if "target" in part:
        factor = exact(part["target"]) * UNIT / quota
    if part.get("basis") == "attainment" and "amount" in part["tiers"][0]:
        factor = Fraction(UNIT) / quota
    return starts, [rate * factor for rate in rates_of(part)]


def commission(part, total, starts, rates):
    """Commission on a total before rounding; a retroactive tier brings what is below it to its rate."""
    if total < 0:
        return -commission(part, -total, starts, rates)
    k = plain.reached(starts, total, part.get("bound", "lower"))
    if part.get("style") == "whole_amount":
        return total * rates[k]
    back = max((j for j in range(1, k + 1) if part["tiers"][j].get("retroactive")), default=0)
    stop = next((j for j in range(back + 1, len(starts)) if part["tiers"][j].get("retroactive")), len(starts))
    due = Fraction(0)
    for j in range(back, stop):
        low = Fraction(0) if j == back else starts[j]
        high = starts[j + 1] if j + 1 < stop else total
        due += max(min(total, high) - low, 0) * rates[j]
    return due


class Rep(more.More):
    """One rep under one plan: `lines` are (component, period, credit, minor units).

    `sums` adds them up by period and by credit, for each component. What all reps share is kept in the
    world's `memo`.
    """

    def __init__(self, plan, world):
        self.plan, self.world = plan, world
        self.rule = plan.get("rounding", "half_up")
        self.names = [period[0] for period in world["periods"]]
        self.lines, self.settling, self.forfeited = [], [], []
        self.sums = {}
        where = world["memo"].setdefault("where", {})
        for row in (*world["rows"], *world["team"]):
            if row[1] not in where:
                where[row[1]] = next(p for p in world["periods"] if p[1] <= row[0] < p[2])
        self.where = where

    def tiers(self, part, total, quota):
        key = part["name"], quota
        if key not in self.world["memo"]:
            self.world["memo"][key] = schedule(part, quota)
        return commission(part, total, *self.world["memo"][key])

    def round(self, value):
        return plain.rounded(value, self.rule)

    def add(self, line):
        self.lines.append(line)
        for whose in (("period", line[1]), ("credit", line[2])):
            sums = self.sums.setdefault(whose, {})
            sums[line[0]] = sums.get(line[0], 0) + line[3]

    def earned(self, name, parts):
        return sum(due for k, due in self.sums.get(("period", name), {}).items() if k in parts)

    def of_credit(self, credit, parts):
        return sum(due for k, due in self.sums.get(("credit", credit), {}).items() if k in parts)

    def credited(self, part):
        """Add up by period what a component counts of the rep's own credits."""
        sums = dict.fromkeys(self.names, 0)
        for row in self.counted(part, self.world["rows"]):
            sums[self.where[row[1]][0]] += row[4]
        return sums

    def acted(self, k, part):
        named = [p["name"] for p in self.plan["components"]]
        return {named.index(name) for name in part["of"]} if part.get("of") else set(range(k))

    def counted(self, part, rows):
        keep = [row for row in rows if part.get("measure") in (None, row[3])]
        if "start" in part or "end" in part:
            start, end = (dt.date.fromisoformat(part.get(name, day)) for name, day in ALWAYS.items())
            keep = [row for row in keep if start <= row[0] < end]
        for match in part.get("where", ()):
            if "in" in match:
                keep = [row for row in keep if row[5].get(match["field"]) in match["in"]]
                continue
            start = match.get("on_or_after", ALWAYS["start"])
            end = match.get("before", ALWAYS["end"])
            keep = [row for row in keep if start <= row[5][match["field"]].isoformat() < end]
        return keep

    def pay(self):
        for k, part in enumerate(self.plan["components"]):
            getattr(self, "pay_" + part["kind"])(k, part)
        n = len(self.plan["components"])
        self.cap_periods(n, self.plan.get("cap"), set(range(n)))
        for k, part in enumerate(self.plan["components"]):
            if part["kind"] == "clawback":
                self.claw(k, part)
        return self.settle()

    def pay_commission(self, k, part):
        rows = self.counted(part, self.world["team" if part["kind"] == "override" else "rows"])
        if part.get("accumulate_on") == "deal":
            self.pay_whole_deals(k, part, rows)
            self.cap_periods(k, part.get("cap"), {k})
            return
        so_far, due_so_far, paid = {}, {}, {}
        by_credit = self.plan.get("rounding_step") == "credit"
        for row in rows:
            period, amount = self.where[row[1]], row[4]
            span = part.get("accumulate", "period")
            key = {"period": period[0], "year": period[3], "quarter": period[4], "deal": row[2]}[span]
            quota = self.quota(part, period)
            start = so_far.get(key, 0)
            so_far[key] = start + amount
            if "rate_by" in part:
                value = exact(row[5][part["rate_by"]])
                starts = [exact(tier["from"]) for tier in part["tiers"]]
                rate = rates_of(part)[plain.reached(starts, value, part.get("bound", "lower"))]
                before = due_so_far.get(key, Fraction(0))
                due_so_far[key] = after = before + amount * rate * exact(part.get("base_rate", 1))
            else:
                before, after = (self.tiers(part, total, quota) for total in (start, start + amount))
            due = self.round(after - before) if by_credit else self.round(after) - self.round(before)
            if part.get("cap", {}).get("per") == "deal":
                limit = int(exact(part["cap"]["amount"]) * UNIT)
                had, was, sold = paid.get(row[2], (0, 0, 0))
                kept = plain.clip(had + due, limit) if sold + amount else had + due
                paid[row[2]] = had + due, kept, sold + amount
                due = kept - was
            self.add((k, period[0], row[1], due))
        if "interim_rate" in part:
            self.pay_interim(k, part, rows)
        self.cap_periods(k, part.get("cap"), {k})

    pay_override = pay_commission

    def quota(self, part, period):
        span, quotas = part.get("accumulate", "period"), self.world["quotas"]
        if span not in ("year", "quarter"):
            return quotas.get(period[0])
        at = 3 if span == "year" else 4
        full = part.get("year_quota", "full") == "full"
        same = [p for p in self.world["periods"] if p[at] == period[at] and (full or p[1] <= period[1])]
        return sum(quotas.get(p[0], 0) for p in same)

    def cap_periods(self, k, cap, parts):
        if not cap or cap["per"] == "deal":
            return
        limit = int(exact(cap["amount"]) * UNIT)
        earned = {p[0]: self.earned(p[0], parts) for p in self.world["periods"]}
        if cap.get("excess") == "carried":
            waiting = 0
            for name in self.names:
                paid = min(earned[name] + waiting, limit)
                waiting += earned[name] - paid
                self.add((k, name, None, paid - earned[name]))
            return
        capped = dict(earned)
        plain.cap_periods(cap, capped, [p[:4] for p in self.world["periods"]], UNIT)
        for name in self.names:
            self.add((k, name, None, capped[name] - earned[name]))

    def pay_bonus(self, k, part):
        part = {**part, "target": Fraction(self.target(part), UNIT)}
        if "metric" in part:
            self.pay_figures(k, {**part, "basis": "amount"}, part["metric"])
            return
        for name, credited in self.credited(part).items():
            due = plain.bonus(part, credited, self.world["quotas"].get(name), UNIT)
            self.add((k, name, None, self.round(due)))

    def pay_scorecard(self, k, part):
        for goal in part["goals"]:
            target = self.round(self.target(part) * exact(goal["weight"]))
            row = {**goal, "kind": "bonus", "basis": "amount", "target": Fraction(target, UNIT)}
            self.pay_figures(k, row, goal["metric"])

    def pay_figures(self, k, row, metric):
        """Pay by a table of a figure; few different figures meet the same table."""
        known = self.world["memo"].setdefault(("figures", repr(row)), {})
        for name in self.names:
            value = self.world["figures"][name][metric]
            if value not in known:
                known[value] = self.round(plain.bonus(row, exact(value), None, 1) * UNIT)
            self.add((k, name, None, known[value]))

    def pay_spiff(self, k, part):
        each, totals = int(exact(part["amount"]) * UNIT), {}
        for row in self.counted(part, self.world["rows"]):
            before = totals.get(row[2], 0)
            totals[row[2]] = before + row[4]
            times = {
                "unit": Fraction(row[4], UNIT),
                "credit": sign(row[4]),
                "deal": sign(totals[row[2]]) - sign(before),
            }[part["per"]]
            if times:
                self.add((k, self.where[row[1]][0], row[1], self.round(each * times)))

    def pay_fixed(self, k, part):
        for name in self.names:
            self.add((k, name, None, int(exact(part["amount"]) * UNIT)))

    def pay_multiplier(self, k, part):
        acted = self.acted(k, part)
        if "field" in part:
            listed = {factor["text"]: exact(factor["pays"]) for factor in part["factors"]}
            for row in self.world["rows"]:
                factor = listed.get(row[5].get(part["field"]), exact(part.get("otherwise", 1)))
                earned = self.of_credit(row[1], acted)
                if earned and factor != 1:
                    due = self.round(earned * (factor - 1))
                    self.add((k, self.where[row[1]][0], row[1], due))
            return
        positions = self.positions(part)
        for name in self.names:
            earned = self.earned(name, acted)
            factor = exact(part.get("otherwise", 1))
            position = positions[name]
            if position is not None:
                table = {**part, "basis": "amount", "target": 1}
                factor = plain.bonus(table, position, None, 1)
            self.add((k, name, None, self.round(earned * (factor - 1))))

    def positions(self, part):
        """Where each period stands: a figure, money or a multiple of quota; None is unknown."""
        if "metric" in part:
            values = {name: self.world["figures"][name].get(part["metric"]) for name in self.names}
            return {name: None if value is None else exact(value) for name, value in values.items()}
        credited, quotas = self.credited(part), self.world["quotas"]
        if part.get("basis") == "amount":
            return {name: Fraction(credited[name], UNIT) for name in self.names}
        return {
            name: Fraction(credited[name]) / quotas[name] if quotas.get(name) else None for name in self.names
        }

    def pay_gate(self, k, part):
        acted, positions = self.acted(k, part), self.positions(part)
        for name in self.names:
            position = positions[name]
            if position is None or position < exact(part["at_least"]):
                earned = self.earned(name, acted)
                rate = exact(part.get("otherwise", 0)) - 1
                self.add((k, name, None, self.round(earned * rate)))

    def pay_floor(self, k, part):
        acted, least = self.acted(k, part), int(exact(part["amount"]) * UNIT)
        if part.get("per", "period") == "period":
            sold = set()
            for j in acted:
                other = self.plan["components"][j]
                counts = other["kind"] in ("commission", "override", "bonus", "spiff", "contest")
                if counts and "metric" not in other:
                    rows = self.world["team" if other["kind"] == "override" else "rows"]
                    sold |= {self.where[row[1]][0] for row in self.counted(other, rows)}
            for name in sold:
                self.add((k, name, None, max(least - self.earned(name, acted), 0)))
            return
        sold, paid, added = {}, {}, {}
        touched = {line[2] for line in self.lines if line[0] in acted}
        for row in self.world["rows"]:
            if row[1] not in touched:
                continue
            deal = row[2]
            sold[deal] = sold.get(deal, 0) + row[4]
            paid[deal] = paid.get(deal, 0) + self.of_credit(row[1], acted)
            due = paid[deal]
            due = max(due, least) if sold[deal] > 0 else min(due, -least) if sold[deal] < 0 else due
            change = due - paid[deal] - added.get(deal, 0)
            added[deal] = due - paid[deal]
            if change:
                self.add((k, self.where[row[1]][0], row[1], change))

    def pay_guarantee(self, k, part):
        acted = self.acted(k, part)
        for number, name in enumerate(self.names):
            amounts = part["amounts"]
            last = amounts[-1] if part.get("then", "stays") == "stays" else "0"
            least = int(exact(amounts[number] if number < len(amounts) else last) * UNIT)
            if least:
                self.add((k, name, None, max(least - self.earned(name, acted), 0)))

    def pay_clawback(self, k, part):
        """Wait for the cap of the plan."""

    pay_hold = pay_draw = pay_clawback

    def claw(self, k, part):
        acted, gone = self.acted(k, part), set()
        rows = {row[1]: row for row in self.world["rows"]}
        touched = {line[2] for line in self.lines if line[0] in acted}
        for kind, day, credit in sorted(self.world["events"], key=lambda e: e[1]):
            if kind != part["event"] or credit in gone or credit not in touched or rows[credit][4] <= 0:
                continue
            after = (day - rows[credit][0]).days
            if "window" in part and after > part["window"]:
                continue
            gone.add(credit)
            served = Fraction(1)
            if part.get("prorate") == "days":
                served = Fraction(max(part["term"] - max(after, 0), 0), part["term"])
            period = next(
                (p for p in self.world["periods"] if p[1] <= max(day, rows[credit][0]) < p[2]), None
            )
            base = self.of_credit(credit, acted)
            if period and base > 0:
                due = self.round(-base * exact(part.get("share", 1)) * served)
                self.add((k, period[0], credit, due))
                self.settling.append((credit, day, period[0], -due, part.get("takes", "paid")))

    def settle(self):
        n = len(self.plan["components"])
        flow = {name: self.earned(name, set(range(n + 1))) for name in self.names}
        out = {name: {"earned": flow[name]} for name in self.names}
        held = dict.fromkeys(self.names, 0)
        for k, part in enumerate(self.plan["components"]):
            if part["kind"] == "hold":
                self.hold(part, self.acted(k, part), flow, held)
        kept = 0
        for name in self.names:
            kept += held[name]
            out[name]["held"] = kept
        draws = [part for part in self.plan["components"] if part["kind"] == "draw"]
        owed = 0
        for number, name in enumerate(self.names, 1):
            period = next(p for p in self.world["periods"] if p[0] == name)
            if draws:
                first = draws[0].get("order") == "before_clawback"
                basis = flow[name] - (self.clawed(name) if first else 0)
                owed, change, balance = self.draw(draws[0], number, basis, owed, period)
                flow[name] += change
            elif self.plan.get("negative") == "carry":
                before, owed = owed, max(owed - flow[name], 0)
                flow[name] += owed - before
                balance = owed
            else:
                balance = 0
            out[name]["balance"] = balance
        for name in self.names:
            out[name]["paid"] = flow[name]
            out[name].setdefault("balance", 0)
        return out

    def clawed(self, name):
        claws = {k for k, part in enumerate(self.plan["components"]) if part["kind"] == "clawback"}
        return self.earned(name, claws) + sum(lost for at, lost in self.forfeited if at == name)

    def hold(self, part, acted, flow, held):
        acted = {k for k in acted if self.plan["components"][k]["kind"] not in ("clawback", "hold")}
        for row in self.world["rows"]:
            if part.get("until"):
                days = [
                    day
                    for kind, day, credit in self.world["events"]
                    if (kind, credit) == (part["until"], row[1])
                ]
                release = max(min(days), row[0]) if days else None
            else:
                release = row[0] + self.world["day"] * part["days"]
            own = self.where[row[1]][0]
            periods = self.world["periods"]
            free = None if release is None else next((p[0] for p in periods if p[1] <= release < p[2]), None)
            kept = -self.round(-self.of_credit(row[1], acted) * exact(part.get("share", 1)))
            if free == own or not self.of_credit(row[1], acted):
                continue
            self.move(own, -kept, flow, held)
            for credit, day, name, taken, takes in self.settling:
                if credit == row[1] and takes == "paid" and (release is None or day < release):
                    lost = max(min(kept, taken), 0)
                    kept -= lost
                    self.forfeited.append((name, lost))
                    self.move(name, lost, flow, held)
            if free is not None:
                self.move(free, kept, flow, held)

    def move(self, name, amount, flow, held):
        flow[name] += amount
        held[name] -= amount

    def draw(self, part, number, flow, owed, period):
        due = int(exact(part["amount"]) * UNIT)
        if number > part.get("periods", number):
            due = 0
        if not part.get("recoverable", True):
            return 0, max(due - flow, 0), 0
        lapsed = part.get("carry") == "year" and period[5] == 0
        if lapsed or number == part.get("forgiven_after", -1) + 1:
            owed = 0
        before = owed
        if flow < due:
            most = part.get("balance_limit")
            limit = owed + due - flow if most is None else max(int(exact(most) * UNIT), owed)
            owed = min(owed + due - flow, limit)
        elif number >= part.get("recovery_start", 1):
            back = self.round((flow - due) * exact(part.get("recovery_rate", 1)))
            if "recovery_limit" in part:
                back = min(back, int(exact(part["recovery_limit"]) * UNIT))
            owed = max(owed - back, 0)
        last = number == len(self.names)
        ends = part.get("carry") == "year" and period[5] == period[6] - 1 and not last
        balance = 0 if ends or number == part.get("forgiven_after") else owed
        return owed, owed - before, balance


def sign(value):
    return (value > 0) - (value < 0)
