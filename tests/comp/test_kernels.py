"""Kernels on numbers of any size, judged by Fractions."""

import importlib.util
from bisect import bisect_left, bisect_right
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import comp
from salesops.comp import Commission, _compile, _cut, _kernels

_spec = importlib.util.spec_from_file_location("comp_oracle", Path(__file__).with_name("oracle.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

WHOLE = st.integers(-(10**18) + 1, 10**18 - 1)
STARTS = st.lists(st.integers(1, 10**15), max_size=4, unique=True).map(lambda starts: [0, *sorted(starts)])
RATES = st.sampled_from(["0", "0.05", "0.0333", "1/3", "100000007/100000009", "1"])


@st.composite
def parts(draw):
    starts = draw(STARTS)
    return {
        "kind": "commission",
        "bound": draw(st.sampled_from(["lower", "upper"])),
        "tiers": [{"from": str(start), "rate": draw(RATES)} for start in starts],
    }


def compiled(part):
    fields = {name: value for name, value in part.items() if name != "kind"}
    return _compile.compile_commission(Commission(**fields), 2)


@given(parts(), st.lists(WHOLE, min_size=2, max_size=8), st.integers(1, 10**17))
@settings(max_examples=80)
def test_slices_cover_the_way_and_earn_what_the_oracle_says(part, points, quota):
    for style, cut in (("marginal", _kernels.marginal_slices), ("whole_amount", _kernels.whole_slices)):
        for basis, over in (("amount", 1), ("attainment", quota)):
            given_part = part | {"style": style, "basis": basis}
            schedule = compiled(given_part)
            ways = np.array(points, dtype=object) * schedule.point_scale
            start, end = ways[:-1], ways[1:]
            slices = cut(start, end, np.full(len(start), over), schedule)
            scale = schedule.point_scale * schedule.rate_scale
            for row, (low, high) in enumerate(pairwise(points)):
                mine = np.flatnonzero(slices.row == row)
                way = [k for k in mine if slices.prior[k] < 0]
                assert slices.start[way[0]] == start[row]
                assert slices.end[way[-1]] == end[row]
                assert all(slices.end[a] == slices.start[b] for a, b in pairwise(way))
                earned = sum(Fraction(int(slices.after[k]) - int(slices.before[k]), scale) for k in mine)
                before, after = (oracle.commission(given_part, Fraction(x), over, 100) for x in (low, high))
                assert earned == after - before


@given(st.lists(st.integers(0, 10**18), min_size=1), STARTS)
def test_a_threshold_belongs_to_one_tier(sizes, starts):
    schedule = compiled({"tiers": [{"from": str(start), "rate": "0"} for start in starts]})
    ends = [start * 100 for start in starts]
    found = {
        upper: _kernels.tier_of(
            np.array(sizes), np.ones(len(sizes), dtype=np.int64), schedule, upper=upper
        ).tolist()
        for upper in (False, True)
    }
    assert found[False] == [bisect_right(ends, size) - 1 for size in sizes]
    assert found[True] == [max(bisect_left(ends, size) - 1, 0) for size in sizes]


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1), st.integers(0, 10**6))
def test_a_capped_total_never_leaves_the_cap(values, cap):
    column = np.array(values, dtype=np.int64)
    first = np.arange(len(values)) == 0
    capped = column + _kernels.cap_adjustments(column, first, cap)
    totals, limits = np.cumsum(column), np.cumsum(capped)
    assert (limits == np.clip(totals, -cap, cap)).all()


@given(
    st.sampled_from(["marginal", "whole_amount"]),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from(["lower", "upper"]),
    st.lists(st.integers(-40, 90), min_size=2, max_size=60),
    st.integers(0, 3),
)
@settings(max_examples=150)
def test_ways_within_one_tier_are_paid_as_if_they_had_been_cut(style, retroactive, bound, points, quota):
    marks = zip(["0", "5", "10", "20"], ["0.05", "0.08", "0.02", "1/3"], retroactive, strict=True)
    tiers = [
        {"from": start, "rate": rate} | ({"retroactive": True} if mark and style == "marginal" else {})
        for start, rate, mark in marks
    ]
    part = Commission(tiers=tiers, basis="attainment", bound=bound, style=style)
    schedule = _compile.compile_commission(part, 2)
    ways = np.array(points, dtype=np.int64) * schedule.point_scale
    quotas = np.full(len(points) - 1, quota)
    quick = _cut.cut(part, ways[:-1], ways[1:], quotas, schedule)
    plain = _cut._all_cut(part, ways[:-1], ways[1:], quotas, schedule)
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(quick, plain, strict=True))


def test_rates_too_fine_for_int64_pay_nothing_where_nobody_has_a_credit():
    tiers = [
        {"from": "0", "rate": "0.05"},
        {"from": "10", "rate": "11/6073447305023501"},
        {"from": "900000", "rate": "0.1"},
    ]
    parts = [{"kind": "commission", "tiers": tiers}, {"kind": "override", "tiers": tiers}]
    plan = comp.CompPlan.from_dict(
        {"schema_version": 1, "plan_id": "p", "currency": "USD", "components": parts}
    )
    run = comp.calculate(
        plan,
        [{"credit_id": "c1", "rep_id": "ann", "amount": "100.00"}],
        reporting=[{"rep_id": "bo", "manager_id": "cy"}],
    )
    due = Fraction(1, 20) * 10 + Fraction(11, 6073447305023501) * 90
    assert run.payouts().set_index("rep_id")["earned"].to_dict()["ann"] == round(due * 100)
