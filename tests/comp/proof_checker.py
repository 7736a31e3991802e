"""Work every minor unit of a run out again from its proofs alone.

It reads plain values: the proofs of all lines, and the payouts. It knows what rounding, a tier, a table, a
cap and a debt are, and nothing of the library.
"""

from collections import defaultdict
from fractions import Fraction

SETTLING = {"held", "released", "forfeited", "draw", "recovery", "forgiven", "carried", "set off"}
DEBTS = {"draw", "recovery", "carried", "set off"}


def rounded(value, rule):
    size = abs(value)
    low = size.numerator // size.denominator
    part, half = size - low, Fraction(1, 2)
    away = {
        "half_up": part >= half,
        "half_down": part > half,
        "half_even": part > half or (part == half and low % 2 == 1),
        "up": part > 0,
        "down": False,
        "floor": part > 0 and value < 0,
        "ceiling": part > 0 and value > 0,
    }[rule]
    return (low + away) * (-1 if value < 0 else 1)


def check(proofs, payouts):
    """Check the lines of a run, one by one and together, against its payouts; give how many were checked."""
    sums = {"all": defaultdict(int), "earned": defaultdict(int)}
    running, credits = {}, defaultdict(int)
    for proof in proofs:
        seat = (proof["rep"], proof["period"], proof["currency"])
        unit = 10 ** proof["places"]
        number = {name: Fraction(proof[name]) for name in ("start", "end", "due_before", "due_after")}
        if proof["form"] == "rate":
            check_rate(proof, number, unit)
        else:
            assert number["due_after"] - number["due_before"] == Fraction(proof["amount"], unit), proof
        check_limit(proof, number)
        if proof["rule"] in DEBTS and proof["start"] != proof["end"]:
            owed = number["end"] - number["start"]
            assert Fraction(proof["amount"], unit) == owed, proof
        if "acts_on" in proof and proof["rule"] in ("multiplier", "gate", "guarantee", "floor per period"):
            check_acted(proof, number, seat, credits, unit)
        for owner in (proof["credit"], None):
            credits[(*seat, proof["plan_id"], proof["component"], owner)] += proof["amount"]
            if proof["credit"] is None:
                break
        sums["all"][seat] += proof["amount"]
        sums["earned"][seat] += proof["amount"] if proof["rule"] not in SETTLING else 0
        running[seat] = running.get(seat, 0) + proof["amount"]
        assert proof["running"] == running[seat], proof
    for seat, earned, paid in payouts:
        assert sums["earned"].pop(seat, 0) == earned, seat
        assert sums["all"].pop(seat, 0) == paid, seat
    assert not any(sums["all"].values())
    return len(proofs)


def check_rate(proof, number, unit):
    """A rate on a base: both ends are rounded and the line is their difference."""
    upto, had = (rounded(number[end] * unit, proof["rounding"]) for end in ("due_after", "due_before"))
    assert upto - had == proof["amount"], proof
    rate = Fraction(proof["rate"])
    base = Fraction(proof["target"] if "target" in proof else proof["base"])
    due = base * rate * Fraction(proof.get("share", 1))
    assert due == number["due_after"] - number["due_before"] == Fraction(proof["exact"]), proof
    if "target" not in proof:
        assert number["end"] - number["start"] == base, proof
    if "tier" in proof:
        check_tier(proof, number, rate)
    if "pays" in proof and base:
        check_table(proof, rate)


def check_tier(proof, number, rate):
    """A slice lies within its tier, and its rate is that of the tier less the one it replaces."""
    net = Fraction(proof["tier_rate"]) - Fraction(proof.get("tier_rate_before", 0))
    assert rate == net * Fraction(proof["base_rate"]), proof
    free = proof["style"] == "whole_amount" or proof["retroactive"] or "rate_by" in proof
    if free or "tier_before" in proof:
        return
    scale = Fraction(proof["quota"]) if proof["basis"] == "attainment" else 1
    low = Fraction(proof["tier_from"]) * scale
    high = None if proof["tier_to"] is None else Fraction(proof["tier_to"]) * scale
    for end in (abs(number["start"]), abs(number["end"])):
        assert low <= end, proof
        assert high is None or end <= high, proof


def check_table(proof, rate):
    """A table pays its point, or the straight line to the next one."""
    pays, position = Fraction(proof["pays"]), max(Fraction(proof["position"]), 0)
    if proof["style"] == "interpolated" and "next_point" in proof:
        low, high = Fraction(proof["point"]), Fraction(proof["next_point"])
        pays += (Fraction(proof["next_pays"]) - pays) * (position - low) / (high - low)
    elif "next_point" in proof:
        assert position <= Fraction(proof["next_point"]), proof
    assert rate == pays, proof
    assert position >= Fraction(proof["point"]), proof


def check_limit(proof, number):
    """A cap leaves its limit at most, in either direction, and states what it took off before."""
    if "limit" in proof:
        assert number["end"] - number["start"] == number["due_after"], proof
        if proof["excess"] == "lost":
            assert abs(number["end"]) <= Fraction(proof["limit"]), proof


def check_acted(proof, number, seat, credits, unit):
    """What a rule acts on is the sum of the lines of the components that it names."""
    parts = proof["acts_on"]
    total = sum(credits[(*seat, proof["plan_id"], part, proof["credit"])] for part in parts)
    acted = number["end"] if proof["form"] == "rate" else number["start"]
    assert acted == Fraction(total, unit), proof
