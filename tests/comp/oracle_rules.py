"""What a plan with every kind of rule pays one rep, in plain Fractions: slow, and independent of the engine.

A world is a dict: `rows` of credits (day, credit_id, deal, measure, minor units, columns), `team` rows of
the same kind that overrides count, `quotas` and `figures` by period name, `events` (kind, day, credit_id), a
`day`, and `periods` (name, first day, day after, year, quarter, place in the year, periods a year).
"""

import importlib.util
from fractions import Fraction
from pathlib import Path

_spec = importlib.util.spec_from_file_location("comp_oracle", Path(__file__).with_name("oracle.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)
UNIT = 100


def rates_of(part):
    rates = []
    for k, tier in enumerate(part["tiers"]):
        if "amount" in tier:
            end = part["tiers"][k + 1]["from"] if k + 1 < len(part["tiers"]) else tier["to"]
            rates.append(Fraction(tier["amount"]) / (Fraction(end) - Fraction(tier["from"])))
        else:
            rates.append(Fraction(tier["rate"]))
    return rates


def commission(part, total, quota):
    """Commission on a total before rounding; a retroactive tier brings what is below it to its rate."""
    if total < 0:
        return -commission(part, -total, quota)
    scale = quota if part.get("basis") == "attainment" else UNIT
    starts = [Fraction(tier["from"]) * scale for tier in part["tiers"]]
    factor = Fraction(part.get("base_rate", 1))
    if "target" in part:
        factor = Fraction(part["target"]) * UNIT / quota
    if part.get("basis") == "attainment" and "amount" in part["tiers"][0]:
        factor = Fraction(UNIT) / quota
    rates = [rate * factor for rate in rates_of(part)]
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


class Rep:
    """One rep under one plan: `lines` are (component, period, credit, minor units)."""

    def __init__(self, plan, world):
        self.plan, self.world = plan, world
        self.rule = plan.get("rounding", "half_up")
        self.names = [period[0] for period in world["periods"]]
        self.lines, self.settling, self.forfeited = [], [], []
        self.where = {}
        for row in (*world["rows"], *world["team"]):
            self.where[row[1]] = next(p for p in world["periods"] if p[1] <= row[0] < p[2])

    def round(self, value):
        return plain.rounded(Fraction(value), self.rule)

    def earned(self, name, parts):
        return sum(line[3] for line in self.lines if line[1] == name and line[0] in parts)

    def of_credit(self, credit, parts):
        return sum(line[3] for line in self.lines if line[2] == credit and line[0] in parts)

    def acted(self, k, part):
        named = [p["name"] for p in self.plan["components"]]
        return {named.index(name) for name in part["of"]} if part.get("of") else set(range(k))

    def counted(self, part, rows):
        keep = [row for row in rows if part.get("measure") in (None, row[3])]
        for match in part.get("where", ()):
            keep = [row for row in keep if row[5].get(match["field"]) in match["in"]]
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
        so_far, exact, paid = {}, {}, {}
        by_credit = self.plan.get("rounding_step") == "credit"
        for row in rows:
            period, amount = self.where[row[1]], row[4]
            span = part.get("accumulate", "period")
            key = {"period": period[0], "year": period[3], "quarter": period[4], "deal": row[2]}[span]
            quota = self.quota(part, period)
            start = so_far.get(key, 0)
            so_far[key] = start + amount
            if "rate_by" in part:
                value = Fraction(row[5][part["rate_by"]])
                starts = [Fraction(tier["from"]) for tier in part["tiers"]]
                rate = rates_of(part)[plain.reached(starts, value, part.get("bound", "lower"))]
                before = exact.get(key, Fraction(0))
                exact[key] = after = before + amount * rate * Fraction(part.get("base_rate", 1))
            else:
                before, after = (commission(part, total, quota) for total in (start, start + amount))
            due = self.round(after - before) if by_credit else self.round(after) - self.round(before)
            if part.get("cap", {}).get("per") == "deal":
                limit = int(Fraction(part["cap"]["amount"]) * UNIT)
                had, was, sold = paid.get(row[2], (0, 0, 0))
                kept = plain.clip(had + due, limit) if sold + amount else had + due
                paid[row[2]] = had + due, kept, sold + amount
                due = kept - was
            self.lines.append((k, period[0], row[1], due))
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
        limit = int(Fraction(cap["amount"]) * UNIT)
        earned = {p[0]: self.earned(p[0], parts) for p in self.world["periods"]}
        if cap.get("excess") == "carried":
            waiting = 0
            for name in self.names:
                paid = min(earned[name] + waiting, limit)
                waiting += earned[name] - paid
                self.lines.append((k, name, None, paid - earned[name]))
            return
        capped = dict(earned)
        plain.cap_periods(cap, capped, [p[:4] for p in self.world["periods"]], UNIT)
        for name in self.names:
            self.lines.append((k, name, None, capped[name] - earned[name]))

    def pay_bonus(self, k, part):
        for name in self.names:
            if "metric" in part:
                row = {**part, "basis": "amount"}
                due = plain.bonus(row, Fraction(self.world["figures"][name][part["metric"]]), None, 1) * UNIT
            else:
                rows = self.counted(part, self.world["rows"])
                credited = sum(row[4] for row in rows if self.where[row[1]][0] == name)
                due = plain.bonus(part, credited, self.world["quotas"].get(name), UNIT)
            self.lines.append((k, name, None, self.round(due)))

    def pay_scorecard(self, k, part):
        for name in self.names:
            for goal in part["goals"]:
                target = self.round(Fraction(part["target"]) * UNIT * Fraction(goal["weight"]))
                value = Fraction(self.world["figures"][name][goal["metric"]])
                row = {**goal, "kind": "bonus", "basis": "amount", "target": Fraction(target, UNIT)}
                self.lines.append((k, name, None, self.round(plain.bonus(row, value, None, 1) * UNIT)))

    def pay_spiff(self, k, part):
        each, totals = int(Fraction(part["amount"]) * UNIT), {}
        for row in self.counted(part, self.world["rows"]):
            before = totals.get(row[2], 0)
            totals[row[2]] = before + row[4]
            times = {
                "unit": Fraction(row[4], UNIT),
                "credit": sign(row[4]),
                "deal": sign(totals[row[2]]) - sign(before),
            }[part["per"]]
            if times:
                self.lines.append((k, self.where[row[1]][0], row[1], self.round(each * times)))

    def pay_fixed(self, k, part):
        for name in self.names:
            self.lines.append((k, name, None, int(Fraction(part["amount"]) * UNIT)))

    def pay_multiplier(self, k, part):
        acted = self.acted(k, part)
        if "field" in part:
            listed = {factor["text"]: Fraction(factor["pays"]) for factor in part["factors"]}
            for row in self.world["rows"]:
                factor = listed.get(row[5].get(part["field"]), Fraction(part.get("otherwise", 1)))
                earned = self.of_credit(row[1], acted)
                if earned and factor != 1:
                    due = self.round(earned * (factor - 1))
                    self.lines.append((k, self.where[row[1]][0], row[1], due))
            return
        for name in self.names:
            earned = self.earned(name, acted)
            factor = Fraction(part.get("otherwise", 1))
            position = self.position(part, name)
            if position is not None:
                table = {**part, "basis": "amount", "target": 1}
                factor = plain.bonus(table, position, None, 1)
            self.lines.append((k, name, None, self.round(earned * (factor - 1))))

    def position(self, part, name):
        if "metric" in part:
            value = self.world["figures"][name].get(part["metric"])
            return None if value is None else Fraction(value)
        rows = [r for r in self.counted(part, self.world["rows"]) if self.where[r[1]][0] == name]
        credited = sum(row[4] for row in rows)
        if part.get("basis") == "amount":
            return Fraction(credited, UNIT)
        quota = self.world["quotas"].get(name)
        return Fraction(credited) / quota if quota else None

    def pay_gate(self, k, part):
        acted = self.acted(k, part)
        for name in self.names:
            position = self.position(part, name)
            if position is None or position < Fraction(part["at_least"]):
                earned = self.earned(name, acted)
                rate = Fraction(part.get("otherwise", 0)) - 1
                self.lines.append((k, name, None, self.round(earned * rate)))

    def pay_floor(self, k, part):
        acted, least = self.acted(k, part), int(Fraction(part["amount"]) * UNIT)
        if part.get("per", "period") == "period":
            sold = set()
            for j in acted:
                other = self.plan["components"][j]
                if other["kind"] in ("commission", "override", "bonus", "spiff"):
                    rows = self.world["team" if other["kind"] == "override" else "rows"]
                    sold |= {self.where[row[1]][0] for row in self.counted(other, rows)}
            for name in sold:
                self.lines.append((k, name, None, max(least - self.earned(name, acted), 0)))
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
                self.lines.append((k, self.where[row[1]][0], row[1], change))

    def pay_guarantee(self, k, part):
        acted = self.acted(k, part)
        for number, name in enumerate(self.names):
            amounts = part["amounts"]
            last = amounts[-1] if part.get("then", "stays") == "stays" else "0"
            least = int(Fraction(amounts[number] if number < len(amounts) else last) * UNIT)
            if least:
                self.lines.append((k, name, None, max(least - self.earned(name, acted), 0)))

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
                due = self.round(-base * Fraction(part.get("share", 1)) * served)
                self.lines.append((k, period[0], credit, due))
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
            kept = -self.round(-self.of_credit(row[1], acted) * Fraction(part.get("share", 1)))
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
        due = int(Fraction(part["amount"]) * UNIT)
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
            limit = owed + due - flow if most is None else max(int(Fraction(most) * UNIT), owed)
            owed = min(owed + due - flow, limit)
        elif number >= part.get("recovery_start", 1):
            back = self.round((flow - due) * Fraction(part.get("recovery_rate", 1)))
            if "recovery_limit" in part:
                back = min(back, int(Fraction(part["recovery_limit"]) * UNIT))
            owed = max(owed - back, 0)
        last = number == len(self.names)
        ends = part.get("carry") == "year" and period[5] == period[6] - 1 and not last
        balance = 0 if ends or number == part.get("forgiven_after") else owed
        return owed, owed - before, balance


def sign(value):
    return (value > 0) - (value < 0)
