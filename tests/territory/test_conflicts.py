import numpy as np
import pytest

from salesops.errors import Infeasible
from salesops.territory import _conflicts, _search, assign


def conflict_of(reps, leads, **options):
    """Give the paths and ids of the rules that an assignment finds in conflict, and its first line."""
    with pytest.raises(Infeasible) as caught:
        assign(reps, leads, score={"rep_id": reps["rep_id"][:1], "lead_id": [0], "score": [1]}, **options)
    return [(p.path, *p.ids) for p in caught.value.problems], str(caught.value).splitlines()[0]


def test_leads_that_only_some_reps_may_own_overflow_them():
    reps = {"rep_id": ["a", "b", "c"], "capacity": [2, 1, 9], "skills": ["hindi", "hindi", None]}
    leads = {"lead_id": range(6), "requires": ["hindi"] * 4 + [None] * 2}
    rules, what = conflict_of(reps, leads, require_all=True)
    assert what == "assign: 4 leads that only 2 reps may own need workload 4, limit 3; short by 1"
    assert rules == [
        ("reps.capacity", "'a'"),
        ("reps.capacity", "'b'"),
        ("leads.requires", "skill 'hindi'"),
        ("require_all",),
    ]


def test_bans_that_leave_too_little_room_are_all_named_and_no_other():
    reps = {"rep_id": ["a", "b", "c"], "capacity": [1, 9, 9]}
    bans = {"lead_id": [0, 0, 1, 1, 2], "rep_id": ["b", "c", "b", "c", "b"]}
    rules, _ = conflict_of(reps, {"lead_id": range(5)}, forbidden=bans, require_all=True)
    assert [rule[0] for rule in rules] == ["reps.capacity", *["forbidden"] * 4, "require_all"]
    assert {rule[1] for rule in rules if rule[0] == "forbidden"} == {"0", "1"}


def test_reps_who_need_more_than_they_may_own_starve():
    reps = {"rep_id": ["a", "b", "c"], "value_min": [4, 4, None], "segment": ["x", "x", "y"]}
    leads = {"lead_id": range(8), "value": [1.0] * 8, "segment": list("xxxxxxxy")}
    rules, what = conflict_of(reps, leads, balance={"value": None}, match=("segment",))
    assert what == "assign: 2 reps can reach value 7 together, bands from 8; short by 1"
    assert rules == [("reps.value_min", "'a'"), ("reps.value_min", "'b'"), ("leads.segment", "segment 'y'")]


def test_a_rep_cannot_reach_her_band_within_her_capacity():
    reps = {"rep_id": ["a", "b"], "capacity": [2, 99], "value_min": [7, None]}
    leads = {"lead_id": range(9), "value": [3.0] * 9}
    rules, what = conflict_of(reps, leads, balance={"value": None})
    assert what == "assign: rep 'a' can reach value 6 within her capacity, band from 7; short by 1"
    assert [rule[0] for rule in rules] == ["reps.capacity", "reps.value_min"]


def test_leads_too_large_to_share_a_rep_are_counted_in_whole():
    reps = {"rep_id": ["a", "b"], "capacity": [9, 9]}
    rules, _ = conflict_of(reps, {"lead_id": range(3), "workload": [5, 5, 5]}, require_all=True)
    assert [rule[0] for rule in rules] == ["reps.capacity", "reps.capacity", "require_all"]


def test_a_limit_from_below_above_another_from_above_is_the_whole_conflict():
    reps = {"rep_id": ["a", "b"], "capacity": [1, 9], "workload_min": [2, None]}
    rules, _ = conflict_of(reps, {"lead_id": range(6)})
    assert sorted(rules) == [("reps.capacity", "'a'"), ("reps.workload_min", "'a'")]


def test_a_breach_that_cannot_be_helped_is_proved_after_the_search(monkeypatch):
    monkeypatch.setattr(_search, "_SMALL", 0)
    leads = {"lead_id": [0, 1, 2], "value": [4, 4, 1]}
    rules, _ = conflict_of({"rep_id": ["r1", "r2"]}, leads, balance={"value": 0.05})
    assert {rule[0] for rule in rules} == {"balance.value"}
    assert len({rule[1] for rule in rules}) == 1


def test_a_conflict_that_cannot_be_shown_irreducible_says_so(monkeypatch):
    lost = _conflicts.find_plan
    monkeypatch.setattr(_conflicts, "find_plan", lambda system, **options: type(lost(system))())
    reps = {"rep_id": ["a", "b"], "capacity": [1, 1]}
    _, what = conflict_of(reps, {"lead_id": range(3)}, require_all=True)
    assert what.endswith("(some of them may be spared)")


def test_a_problem_beyond_the_dense_size_is_still_glanced_at(monkeypatch):
    monkeypatch.setattr(_conflicts, "_MOST_PAIRS", 0)
    reps = {"rep_id": ["a", "b"], "capacity": [9, 9], "skills": ["x", "y"]}
    leads = {"lead_id": range(3), "requires": ["x", ["x", "y"], None]}
    rules, _ = conflict_of(reps, leads, require_all=True)
    assert rules == [("leads.requires", "skill 'x'"), ("leads.requires", "skill 'y'"), ("require_all",)]
    rules, _ = conflict_of(reps, leads, locked={"lead_id": [0], "rep_id": ["b"]})
    assert rules == [("locked", "0", "'b'"), ("leads.requires", "skill 'x'")]


def test_conflicts_are_found_at_the_size_of_a_company():
    rng = np.random.default_rng(0)
    n, m = 1500, 50
    segment = rng.integers(0, 5, n)
    reps = {"rep_id": np.arange(m), "capacity": np.full(m, 40.0), "segment": np.arange(m) % 5}
    reps["capacity"][reps["segment"] == 3] = ((segment == 3).sum() - 1) // 10
    reps["capacity"][3] += ((segment == 3).sum() - 1) % 10
    bans = {"lead_id": rng.integers(0, n, 1900), "rep_id": rng.integers(0, m, 1900)}
    rules, what = conflict_of(
        reps,
        {"lead_id": np.arange(n), "segment": segment},
        match=("segment",),
        forbidden=bans,
        require_all=True,
    )
    assert what.endswith("short by 1")
    assert len(rules) == 12


def test_limits_that_need_more_moves_are_named_without_any_that_can_be_spared():
    """Rep a must lose two leads and rep b one; only the lock that takes a third from a counts beside."""
    reps = {"rep_id": ["a", "b", "c", "d"], "capacity": [3, 1, 9, 9]}
    leads = {"lead_id": range(8)}
    today = {"lead_id": range(8), "rep_id": ["a"] * 5 + ["b"] * 2 + ["c"]}
    rules, what = conflict_of(
        reps,
        leads,
        current=today,
        max_moves=3,
        locked={"lead_id": [7, 1], "rep_id": ["d", "a"]},
        forbidden={"lead_id": [2, 6], "rep_id": ["d", "c"]},
    )
    assert what == "assign: no plan keeps these limits with 3 moves; short by 1"
    assert rules == [
        ("max_moves",),
        ("reps.capacity", "'a'"),
        ("reps.capacity", "'b'"),
        ("locked", "7", "'d'"),
    ]


def test_a_band_that_needs_more_moves_is_named():
    reps = {"rep_id": ["a", "b"], "value_min": [None, 5]}
    leads = {"lead_id": range(6), "value": [2.0] * 6}
    today = {"lead_id": range(6), "rep_id": ["a"] * 6}
    rules, what = conflict_of(reps, leads, balance={"value": None}, current=today, max_moves=2)
    assert what == "assign: no plan keeps these limits with 2 moves; short by 1"
    assert rules == [("max_moves",), ("reps.value_min", "'b'")]


def test_what_an_owner_lacks_moves_her_leads():
    reps = {"rep_id": ["a", "b"], "skills": [None, "x"]}
    leads = {"lead_id": range(3), "requires": ["x", "x", None]}
    today = {"lead_id": range(3), "rep_id": ["a"] * 3}
    rules, what = conflict_of(reps, leads, current=today, max_moves=1)
    assert what == "assign: 2 leads cannot stay with their owner, max_moves 1; short by 1"
    assert rules == [("max_moves",), ("leads.requires", "skill 'x'")]


def test_an_owner_of_today_without_a_connection_is_no_conflict():
    reps, leads = {"rep_id": ["a", "b"]}, {"lead_id": [0, 1]}
    score = {"rep_id": ["a"], "lead_id": [0], "score": [1]}
    today = {"lead_id": [1], "rep_id": ["b"]}
    for most in (None, 0):
        plan = assign(
            reps, leads, score=score, current=today, max_moves=most, require_all=True, fallback="none"
        )
        assert plan.owner.tolist() == [0, 1]


@pytest.mark.parametrize("most", [3, np.int64(3)])
def test_moves_beyond_the_dense_size_are_still_glanced_at(most, monkeypatch):
    monkeypatch.setattr(_conflicts, "_MOST_PAIRS", 0)
    reps = {"rep_id": ["a", "b"], "skills": [None, "x"]}
    leads = {"lead_id": range(6), "requires": ["x", "x", "x", None, None, None]}
    options = {"current": {"lead_id": range(6), "rep_id": ["a"] * 6}, "max_moves": most}
    bans = {"lead_id": [0, 3, 4], "rep_id": ["a"] * 3}
    rules, what = conflict_of(reps, leads, forbidden=bans, **options)
    assert what == "assign: 4 leads cannot stay with their owner, max_moves 3; short by 1"
    assert [rule[0] for rule in rules] == ["max_moves", "leads.requires", "forbidden"]


def test_moves_that_are_too_few_are_found_at_the_size_of_a_company():
    rng = np.random.default_rng(0)
    n, m = 1500, 50
    today = rng.integers(0, m, n)
    room = np.bincount(today, minlength=m) + 5.0
    room[[3, 7, 11]] -= [9, 8, 10]
    locks = np.sort(rng.choice(np.flatnonzero(~np.isin(today, (3, 7, 11))), 400, replace=False))
    to = today[locks]
    to[:20] = (to[:20] + 20) % m
    rules, what = conflict_of(
        {"rep_id": np.arange(m), "capacity": room},
        {"lead_id": np.arange(n)},
        locked={"lead_id": locks, "rep_id": to},
        current={"lead_id": np.arange(n), "rep_id": today},
        max_moves=24,
        require_all=True,
    )
    assert what.endswith("short by 1")
    assert rules[0] == ("max_moves",)
    moved = {str(lead) for lead in locks[:20]}
    assert {rule[1] for rule in rules if rule[0] == "locked"} <= moved
