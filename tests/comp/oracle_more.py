"""More of the oracle: shares of whole deals, interim rates, target pay, matrices, contests."""

import functools
from fractions import Fraction


class More:
    """Rules that stand beside those of ``oracle_rules.Rep``, which mixes them in."""

    exact = staticmethod(functools.lru_cache(maxsize=4096)(Fraction))

    def pay_whole_deals(self, k, part, rows):
        """Let whole deals meet the tiers, and pay each credit its share."""
        so_far = {}
        for row in rows:
            period, whole = self.where[row[1]], int(row[5]["whole"])
            key = {"period": period[0], "year": period[3], "quarter": period[4]}[part["accumulate"]]
            start = so_far.get(key, 0)
            so_far[key] = start + whole
            quota = self.quota(part, period)
            gain = self.tiers(part, start + whole, quota) - self.tiers(part, start, quota)
            share = Fraction(row[4], abs(whole) or 1) * (-1 if whole < 0 else 1)
            self.add((k, period[0], row[1], self.round(gain * share)))

    def pay_interim(self, k, part, rows):
        """Turn the lines of a component into an interim rate and a true-up at the end of the year."""
        full = [line for line in self.lines if line[0] == k]
        self.lines = [line for line in self.lines if line[0] != k]
        for sums in self.sums.values():
            sums.pop(k, None)
        rate, so_far, due, paid = self.exact(part["interim_rate"]), {}, {}, {}
        years = {period[0]: period[3] for period in self.world["periods"]}
        for line in full:
            due[years[line[1]]] = due.get(years[line[1]], 0) + line[3]
        for row in rows:
            period = self.where[row[1]]
            start = so_far.get(period[3], 0)
            so_far[period[3]] = start + row[4]
            amount = self.round((start + row[4]) * rate) - self.round(start * rate)
            paid[period[3]] = paid.get(period[3], 0) + amount
            self.add((k, period[0], row[1], amount))
        for period in self.world["periods"]:
            if period[5] == period[6] - 1:
                gap = due.get(period[3], 0) - paid.get(period[3], 0)
                self.add((k, period[0], None, gap))

    def target(self, part):
        """Give target pay in minor units: an amount, or a share of the plan's variable pay."""
        if "target_share" not in part:
            return int(self.exact(part["target"]) * 100)
        variable = self.round(self.exact(self.plan["pay"]["variable"]) * 100 / 12)
        return self.round(variable * self.exact(part["target_share"]))

    def pay_matrix(self, k, part):
        for name in self.names:
            value = self.exact(self.world["figures"][name][part["row_metric"]])
            row = sum(self.exact(start) <= value for start in part["rows"]) - 1
            column = sum(self.exact(start) <= value for start in part["columns"]) - 1
            pays = self.exact(part["pays"][row][column]) if row >= 0 and column >= 0 else 0
            self.add((k, name, None, self.round(self.target(part) * pays)))

    def pay_contest(self, k, part):
        memo = self.world["memo"]
        if k not in memo:
            memo[k] = {period[0]: self.winners(part, period) for period in self.world["periods"]}
        for name in self.names:
            if self.world["rep"] in memo[k][name]:
                self.add((k, name, None, memo[k][name][self.world["rep"]]))

    def winners(self, part, period):
        """Give the prizes of a period by rep."""
        sums = {
            rep: sum(row[4] for row in self.counted(part, rows) if period[1] <= row[0] < period[2])
            for rep, rows in self.world["everyone"].items()
        }
        least = max(int(self.exact(part.get("at_least", "0")) * 100), 1)
        order = sorted((rep for rep in sums if sums[rep] >= least), key=lambda rep: (-sums[rep], rep))
        prizes = [int(self.exact(prize) * 100) for prize in part["prizes"]]
        prizes += [0] * len(order)
        won = {}
        for first, rep in enumerate(order):
            if rep in won:
                continue
            tied = [other for other in order[first:] if sums[other] == sums[rep]]
            shared = prizes[first : first + len(tied)]
            each, rest = divmod(sum(shared), len(tied))
            for place, other in enumerate(tied):
                ways = {"best": shared[0], "order": shared[place], "share": each + (place < rest)}
                won[other] = ways[part.get("ties", "share")]
        return won
