"""The same figures by the shortest road: one deal at a time, in exact fractions."""

import datetime as dt
from fractions import Fraction
from itertools import pairwise


def curves(durations, causes, entries=None):
    """Aalen-Johansen by definition: {age: (at risk, {cause: share}, open)}; cause None is still open."""
    entries = entries or [0] * len(durations)
    deals = list(zip(durations, causes, entries, strict=True))
    names = sorted({cause for cause in causes if cause is not None})
    share = dict.fromkeys(names, Fraction(0))
    still_open = Fraction(1)
    found = {}
    for age in sorted(set(durations)):
        at_risk = [deal for deal in deals if deal[0] >= age and (deal[2] <= 0 or deal[2] < age)]
        leaving = [deal for deal in at_risk if deal[0] == age and deal[1] is not None]
        for name in names:
            gone = sum(deal[1] == name for deal in leaving)
            share[name] += still_open * Fraction(gone, len(at_risk))
        still_open *= 1 - Fraction(len(leaving), len(at_risk))
        found[age] = (len(at_risk), dict(share), still_open)
    return found


def incidence_variance(durations, causes, cause, entries=None):
    """The variance of one share as the printed triple sum (Marubini and Valsecchi, 1995), in fractions."""
    table = curves(durations, causes, entries)
    ages = sorted(table)
    found = {}
    for t in ages:
        total = Fraction(0)
        before = Fraction(1)
        for u in ages:
            if u > t:
                break
            n = table[u][0]
            d = sum(x == u and c is not None for x, c in zip(durations, causes, strict=True))
            k = sum(x == u and c == cause for x, c in zip(durations, causes, strict=True))
            gap = table[t][1][cause] - table[u][1][cause]
            if d < n:
                total += gap**2 * Fraction(d, n * (n - d))
            total += before**2 * Fraction(k * (n - k), n**3)
            total -= 2 * gap * before * Fraction(k, n**2)
            before = table[u][2]
        found[t] = total
    return found


def greenwood(durations, observed):
    """Greenwood's variance of the Kaplan-Meier curve, in fractions; None where the curve is 0."""
    table = curves(durations, [1 if seen else None for seen in observed])
    found, total = {}, Fraction(0)
    for age, (n, _, still_open) in table.items():
        d = sum(x == age and bool(e) for x, e in zip(durations, observed, strict=True))
        total = total + Fraction(d, n * (n - d)) if d < n else total
        found[age] = still_open**2 * total if still_open else None
    return found


def day(text):
    return dt.date.fromisoformat(text)


def funnel(events, stages, *, as_of, skipped):
    """Count a funnel deal by deal, from rows (deal, stage, ISO day); a deal ends at most once, at last."""
    order = {name: k for k, name in enumerate([*stages, "won", "lost"])}
    deals = {}
    for deal, stage, at in set(events):
        if day(at) <= day(as_of):
            deals.setdefault(deal, []).append((day(at), order[stage]))
    found = {
        "deals": len(deals),
        "won": 0,
        "lost": 0,
        "open": 0,
        "regressions": 0,
        "skipped": [0] * len(stages),
        "entered": [0] * len(stages),
        "converted": [0] * len(stages),
        "lost_at": [0] * len(stages),
        "open_at": [0] * len(stages),
        "moves": {},
        "lives": [],
    }
    won, lost = len(stages), len(stages) + 1
    for path in deals.values():
        _count_deal(found, sorted(path), stages, won, lost, day(as_of), skipped)
    return found


def _count_deal(found, path, stages, won, lost, as_of, skipped):
    last = path[-1][1]
    outcome = "won" if last == won else "lost" if last == lost else "open"
    found[outcome] += 1
    until = as_of if outcome == "open" else path[-1][0]
    found["lives"].append(((until - path[0][0]).days, None if outcome == "open" else outcome))
    states = [state for k, (_, state) in enumerate(path) if k == 0 or path[k - 1][1] != state]
    for one, other in [(None, states[0]), *pairwise(states)]:
        found["moves"][one, other] = found["moves"].get((one, other), 0) + 1
        if one is not None and other < one and one < won and other < won:
            found["regressions"] += 1
    if outcome == "open":
        found["moves"][states[-1], None] = found["moves"].get((states[-1], None), 0) + 1
    ranks = [-1 if state == lost else state for state in states]
    for stage in range(len(stages)):
        if stage not in states and max(ranks) > stage:
            found["skipped"][stage] += 1
        hits = [k for k, r in enumerate(ranks) if (r >= stage if skipped == "passed" else r == stage)]
        if not hits:
            continue
        found["entered"][stage] += 1
        if any(r > stage for r in ranks[hits[0] :]):
            found["converted"][stage] += 1
        elif outcome == "lost":
            found["lost_at"][stage] += 1
        else:
            found["open_at"][stage] += 1
