import json
import os
import subprocess
import sys
from itertools import permutations

import networkx as nx
import numpy as np
import pytest

from salesops.errors import Infeasible, InvalidInput, SalesOpsWarning
from salesops.territory import SocialGraph, TerritoryPlan, _search, assign, assignment, compare, proximity


def plan_for(ties, reps, leads, **options):
    """Draw territories from rows of ties, [rep, capacity] and lead ids."""
    keys = ("source", "target", "weight")
    graph = SocialGraph.from_ties([dict(zip(keys, row, strict=True)) for row in ties])
    table = {"rep_id": [rep for rep, _ in reps]}
    if any(room is not None for _, room in reps):
        table["capacity"] = [room for _, room in reps]
    lead_table = {"lead_id": list(leads)}
    return assign(table, lead_table, proximity(graph, table, lead_table), **options)


def owners(plan):
    frame = plan.to_frame()
    rep_ids = [None if rep is None or rep != rep else rep for rep in frame["rep_id"]]
    return dict(zip(frame["lead_id"], rep_ids, strict=True))


def reasons(plan):
    frame = plan.to_frame()
    return dict(zip(frame["lead_id"], frame["reason"], strict=True))


def test_a_rep_without_ties_is_there_with_what_is_left():
    plan = plan_for([("r1", "p1", 1)], [("r1", 1), ("new_hire", 1)], ["p1", "p2"])
    assert owners(plan) == {"p1": "r1", "p2": "new_hire"}
    assert reasons(plan) == {"p1": "closest", "p2": "cold"}
    assert [part.rep_id for part in plan.territories] == ["new_hire", "r1"]


def test_a_lead_nobody_knows_stays_unassigned_where_there_is_no_fallback():
    plan = plan_for([("r1", "p1", 1)], [("r1", 5)], ["p1", "stranger"], fallback="none")
    assert owners(plan)["stranger"] is None
    row = plan.to_frame().set_index("lead_id").loc["stranger"]
    assert (row["reason"], row["score"]) == ("no connection", 0.0)


def test_without_reps_every_lead_is_there_unassigned():
    plan = plan_for([("a", "p1", 1)], [], ["p1", "p2", "p3"])
    frame = plan.to_frame()
    assert frame["reason"].tolist() == ["no rep"] * 3
    assert frame["score"].dtype == np.float64
    assert list(frame["rep_id"]) == [None] * 3


def test_no_reps_but_every_lead_must_be_placed():
    with pytest.raises(Infeasible, match="capacity 0, demand 3, short by 3"):
        plan_for([], [], ["p1", "p2", "p3"], require_all=True)


def test_no_leads_is_an_empty_plan_with_all_reps():
    plan = plan_for([("r1", "r2", 1)], [("r1", 3), ("r2", 3)], [])
    usual = plan_for([("r1", "r2", 1)], [("r1", 3), ("r2", 3)], ["r2"]).to_frame()
    assert list(plan.to_frame().columns) == list(usual.columns)
    assert plan.to_frame()["score"].dtype == usual["score"].dtype
    assert plan.loads()["load"].tolist() == [0, 0]
    assert plan.gap == 0.0


@pytest.mark.parametrize(("reps", "leads"), [([], []), ([("r1", 3)], []), ([("r1", None)], ["p1", "p2"])])
def test_a_plan_passes_through_json(reps, leads):
    plan = plan_for([("r1", "p1", 1)], reps, leads)
    text = json.dumps(plan.to_dict(), allow_nan=False)
    again = TerritoryPlan.from_dict(json.loads(text))
    assert json.dumps(again.to_dict()) == text
    assert again.to_frame().equals(plan.to_frame())
    assert "Territory plan" in again._repr_html_()


def test_a_closer_rep_without_capacity_is_named_in_the_explanation():
    graph = SocialGraph.from_ties({"source": ["r1", "r2"], "target": ["p1", "p1"], "weight": [9, 1]})
    reps, leads = {"rep_id": ["r1", "r2"], "capacity": [0, 1]}, {"lead_id": ["p1"]}
    plan = assign(reps, leads, proximity(graph, reps, leads, method="introduction_path"))
    assert owners(plan) == {"p1": "r2"}
    told = plan.explain("p1")
    assert "rep 'r1' is closer" in repr(told)
    assert "full (capacity 0)" in repr(told)
    assert "introduction: a direct tie" in repr(told)
    assert told.to_dict()["facts"]["owner"] == "r2"


def test_an_equally_close_rep_without_capacity_is_named_too():
    plan = plan_for([("r1", "p1", 9), ("r2", "p1", 9)], [("r1", 0), ("r2", 1)], ["p1"])
    assert "rep 'r1' is as close (score 0.4595) but full (capacity 0)" in repr(plan.explain("p1"))


def test_demand_above_capacity_leaves_the_least_score_out():
    ties = [("r1", "p1", 3), ("r1", "p2", 2), ("r1", "p3", 1)]
    plan = plan_for(ties, [("r1", 2)], ["p1", "p2", "p3"])
    assert owners(plan) == {"p1": "r1", "p2": "r1", "p3": None}
    assert reasons(plan)["p3"] == "capacity"
    assert plan.loads()["load"].tolist() == [2]


def test_demand_above_capacity_is_infeasible_where_all_must_be_placed():
    with pytest.raises(Infeasible, match="capacity 3, demand 5, short by 2"):
        plan_for([], [("r1", 2), ("r2", 1)], ["p1", "p2", "p3", "p4", "p5"], require_all=True)


def test_negative_and_missing_capacities_are_refused():
    with pytest.raises(InvalidInput, match=r"reps\.capacity.*'r1'\): -1") as caught:
        plan_for([], [("r1", -1)], ["p1"])
    assert caught.value.problems[0].path == "reps.capacity"
    with pytest.raises(InvalidInput, match=r"reps\.capacity.*'r1'"):
        plan_for([], [("r1", float("nan"))], ["p1"])


def test_a_lead_locked_to_two_reps_is_refused():
    locks = {"lead_id": ["p1", "p1"], "rep_id": ["r1", "r2"]}
    with pytest.raises(InvalidInput, match="'p1' to 'r1' and 'r2'"):
        plan_for([], [("r1", 1), ("r2", 1)], ["p1"], locked=locks)


def test_locks_that_overflow_a_rep_are_the_whole_conflict():
    locks = {"lead_id": ["p1", "p2", "p3"], "rep_id": ["r1", "r1", "r2"]}
    reps = [("r1", 1), ("r2", 9), ("r3", 9)]
    with pytest.raises(Infeasible) as caught:
        plan_for([], reps, ["p1", "p2", "p3", "p4"], locked=locks)
    assert str(caught.value) == (
        "assign: locks to rep 'r1' need workload 2, limit 1; over by 1\n"
        "- reps.capacity: capacity of a rep ('r1', 1)\n"
        "- locked: lock of a lead to a rep ('p1', 'r1')\n"
        "- locked: lock of a lead to a rep ('p2', 'r1')"
    )
    for dropped in (0, 1):
        rest = {name: column[:dropped] + column[dropped + 1 :] for name, column in locks.items()}
        assert not plan_for([], reps, ["p1", "p2", "p3", "p4"], locked=rest).violations
    assert not plan_for([], [("r1", 2), *reps[1:]], ["p1", "p2", "p3", "p4"], locked=locks).violations


def test_locked_and_forbidden_at_once_is_infeasible():
    pair = {"lead_id": ["p1"], "rep_id": ["r1"]}
    with pytest.raises(Infeasible, match=r"lock(.|\n)*forbid") as caught:
        plan_for([], [("r1", 5)], ["p1"], locked=pair, forbidden=pair)
    assert len(caught.value.problems) == 2


def test_a_lock_to_an_unknown_rep_suggests_the_one_that_was_meant():
    with pytest.raises(InvalidInput, match=r"locks.*'ana'.*did you mean 'anna'"):
        plan_for([], [("anna", 5)], ["p1"], locked={"lead_id": ["p1"], "rep_id": ["ana"]})


@pytest.mark.parametrize(("reps", "leads"), [([("r1", 5), ("r1", 7)], ["p1"]), ([("r1", 5)], ["p1", "p1"])])
def test_repeated_reps_and_leads_are_refused(reps, leads):
    with pytest.raises(InvalidInput, match=r"row 0.*row 1"):
        plan_for([], reps, leads)


def test_a_missing_rep_id_that_made_the_column_float_is_explained():
    graph = SocialGraph.from_ties({"source": [101], "target": ["p1"]})
    near = proximity(graph, {"rep_id": [101]}, {"lead_id": ["p1"]})
    frame = {"rep_id": [101.0, float("nan"), 103.0], "capacity": [5, 5, 5]}
    with pytest.raises(InvalidInput, match=r"rep_id.*row 1.*float"):
        assign(frame, {"lead_id": ["p1"]}, near)


def test_a_tie_without_consent_is_neither_scored_nor_shown():
    rows = [
        {"source": "r1", "target": "p1", "weight": 9, "consent": False},
        {"source": "r2", "target": "p1", "weight": 1, "consent": True},
    ]
    graph = SocialGraph.from_ties(rows)
    reps, leads = {"rep_id": ["r1", "r2"], "capacity": [1, 1]}, {"lead_id": ["p1"]}
    plan = assign(reps, leads, proximity(graph, reps, leads))
    assert owners(plan) == {"p1": "r2"}
    assert "r1" not in repr(plan.explain("p1", names=True))
    assert graph.report[0].values == ("1 tie",)


def test_the_graph_of_the_caller_is_not_touched():
    given = nx.karate_club_graph()
    nx.set_node_attributes(given, "x", "mark")
    before = (
        {k: dict(v) for k, v in given.nodes(data=True)},
        {(u, v): dict(d) for u, v, d in given.edges(data=True)},
    )
    reps, leads = {"rep_id": [0, 33]}, {"lead_id": list(range(1, 33))}
    plan = assign(reps, leads, proximity(given, reps, leads))
    plan.explain(5)
    after = (
        {k: dict(v) for k, v in given.nodes(data=True)},
        {(u, v): dict(d) for u, v, d in given.edges(data=True)},
    )
    assert before == after


def test_equal_scores_fall_to_the_first_in_label_order_whatever_the_order_of_rows():
    ties = [(f"r{i}", f"p{j}", 1) for i in (1, 2, 3) for j in (1, 2, 3)]
    documents = set()
    for order in permutations(range(3)):
        reps = [(f"r{k + 1}", 1) for k in order]
        leads = [f"p{k + 1}" for k in order[::-1]]
        shuffled = [ties[(k * 4 + order[0]) % 9] for k in range(9)]
        plan = plan_for(shuffled, reps, leads)
        documents.add(json.dumps(plan.to_dict(), sort_keys=True))
    assert len(documents) == 1


_SCRIPT = """
import hashlib, json, sys
import networkx as nx, numpy as np
from salesops.territory import _search, assign, proximity
_search._SMALL = 0
graph = nx.relabel_nodes(nx.karate_club_graph(), lambda k: f"p{k:02d}")
order = np.random.default_rng(int(sys.argv[1])).permutation(30)
reps = {"rep_id": ["p00", "p33", "p01", "p32"], "capacity": [9, 9, 9, 9]}
names = [f"p{k:02d}" for k in range(2, 32)]
leads = {"lead_id": [names[k] for k in order], "value": [1 + k % 7 for k in order]}
plan = assign(reps, leads, proximity(graph, reps, leads), balance={"value": 0.2})
print(hashlib.sha256(json.dumps(plan.to_dict(), sort_keys=True).encode()).hexdigest())
"""


def test_one_digest_over_hash_seeds_and_permutations():
    digests = set()
    for seed in range(3):
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(seed)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def circles(seed, n_leads=600, n_reps=12):
    """Draw a middling problem: reps and leads in circles of friends."""
    rng = np.random.default_rng(seed)
    n = n_leads + n_reps
    source = rng.integers(0, n, 5 * n)
    near = (source + rng.geometric(0.05, 5 * n)) % n
    graph = SocialGraph.from_ties(
        {"source": source, "target": near, "weight": rng.uniform(0.5, 3, 5 * n)}, combine="sum"
    )
    reps = np.linspace(0, n - 1, n_reps).astype(int)
    leads = np.setdiff1d(np.arange(n), reps)
    value = rng.lognormal(0, 0.7, len(leads))
    return (
        graph,
        {"rep_id": reps, "capacity": np.full(n_reps, np.ceil(1.1 * len(leads) / n_reps))},
        {"lead_id": leads, "value": value},
    )


@pytest.mark.parametrize("top", [4, 32])
def test_a_middling_plan_keeps_every_limit_within_a_certified_gap(top):
    graph, reps, leads = circles(1)
    plan = assign(reps, leads, proximity(graph, reps, leads, top=top), balance={"value": 0.1})
    assert not plan.violations
    assert (plan.owner >= 0).all()
    total = np.bincount(plan.owner, weights=leads["value"])
    fair = leads["value"].sum() / 12
    assert (np.abs(total / fair - 1) <= 0.1 + 1e-8).all()
    assert (np.bincount(plan.owner) <= reps["capacity"]).all()
    assert plan.gap < (0.01 if top == 32 else 0.05)
    assert plan.total_score <= plan.bound


def test_the_bound_of_a_truncated_proximity_covers_the_whole_problem():
    graph, reps, leads = circles(2, n_leads=120, n_reps=8)
    whole = assign(reps, leads, proximity(graph, reps, leads, top=8))
    few = assign(reps, leads, proximity(graph, reps, leads, top=2))
    assert few.bound >= whole.total_score - 1e-12
    assert few.total_score <= whole.bound


def test_a_band_that_cannot_be_met_is_infeasible_and_says_by_how_much():
    with pytest.raises(Infeasible, match=r"band from 1\.8; short by 0\.8") as caught:
        plan_for([("r1", "p1", 1)], [("r1", 1), ("r2", 9)], ["p1", "p2", "p3", "p4"], balance={"value": 0.1})
    assert [fault.path for fault in caught.value.problems] == ["reps.capacity", "balance.value"]


def test_a_conflict_that_must_be_searched_for_cannot_spare_a_rule():
    values = [4, 4, 1]
    reps = {"rep_id": ["r1", "r2"], "capacity": [9, 9]}
    leads = {"lead_id": ["p1", "p2", "p3"], "value": values}
    score = {"rep_id": ["r1"], "lead_id": ["p1"], "score": [1]}
    with pytest.raises(Infeasible) as caught:
        assign(reps, leads, score=score, balance={"value": 0.05})
    assert 1 <= len(caught.value.problems) <= 2
    assert not assign(reps, leads, score=score, balance={"value": 0.2}).violations


def test_a_plan_that_breaks_a_band_has_no_gap(monkeypatch):
    monkeypatch.setattr(_search, "_SMALL", 0)
    monkeypatch.setattr(assignment, "check_breaches", lambda task, reps, **options: None)
    leads = {"lead_id": ["p1", "p2", "p3"], "value": [4, 4, 1]}
    score = {"rep_id": ["r1"], "lead_id": ["p1"], "score": [1]}
    with pytest.warns(SalesOpsWarning, match="no plan within every limit was found"):
        plan = assign({"rep_id": ["r1", "r2"]}, leads, score=score, balance={"value": 0.05})
    assert plan.gap is None
    assert plan.violations[0].path == "balance.value"
    assert "no gap" in repr(plan)


def test_shares_make_fair_shares_unequal():
    reps = {"rep_id": ["full", "half"], "share": [1, 0.5]}
    leads = {"lead_id": range(30), "value": [1] * 30}
    score = {"rep_id": ["full"], "lead_id": [0], "score": [1]}
    plan = assign(reps, leads, score=score, balance={"value": 0.0})
    assert [len(part.lead_ids) for part in plan.territories] == [20, 10]


def test_a_forbidden_pair_is_never_used_and_a_lead_forbidden_to_all_says_so():
    bans = {"lead_id": ["p1", "p2", "p2"], "rep_id": ["r1", "r1", "r2"]}
    plan = plan_for([("r1", "p1", 9), ("r2", "p1", 1)], [("r1", 5), ("r2", 5)], ["p1", "p2"], forbidden=bans)
    assert owners(plan) == {"p1": "r2", "p2": None}
    assert reasons(plan) == {"p1": "closest", "p2": "forbidden"}


def test_a_locked_lead_stays_and_says_so():
    locks = {"lead_id": ["p1"], "rep_id": ["r2"]}
    plan = plan_for([("r1", "p1", 9), ("r2", "p1", 1)], [("r1", 5), ("r2", 5)], ["p1"], locked=locks)
    assert owners(plan) == {"p1": "r2"}
    assert reasons(plan) == {"p1": "locked"}
    assert "the lead is locked" in repr(plan.explain("p1"))


STRANGERS = {"lead_id": np.arange(3000)}


@pytest.mark.parametrize(
    ("extra", "options", "owned"),
    [
        ({}, {}, 3000),
        ({"capacity": [100] * 5}, {}, 500),
        ({"capacity": [0] * 5}, {}, 0),
        ({"capacity": [100] * 5}, {"fallback": "none"}, 0),
        ({}, {"balance": {"value": 0.05}}, 3000),
    ],
)
def test_leads_nobody_knows_spread_over_the_room_there_is(extra, options, owned):
    reps = {"rep_id": [f"r{k}" for k in range(5)], **extra}
    plan = assign(reps, STRANGERS, proximity(SocialGraph.from_ties([]), reps, STRANGERS), **options)
    assert (plan.owner >= 0).sum() == owned
    sizes = [len(part.lead_ids) for part in plan.territories]
    assert max(sizes) - min(sizes) <= 5


def test_leads_without_workload_need_no_room():
    reps = {"rep_id": ["r1", "r2"], "capacity": [1, 1]}
    leads = {**STRANGERS, "workload": np.zeros(3000)}
    plan = assign(reps, leads, proximity(SocialGraph.from_ties([]), reps, leads))
    assert (plan.owner >= 0).all()


def test_leads_that_few_may_own_push_others_out():
    reps = {"rep_id": [f"r{k}" for k in range(5)], "capacity": [700] * 5}
    rng = np.random.default_rng(3)
    graph = SocialGraph.from_ties(
        {"source": [f"r{k}" for k in rng.integers(0, 5, 9000)], "target": rng.integers(0, 3000, 9000)},
        combine="sum",
    )
    bans = {"lead_id": np.repeat(np.arange(500), 4), "rep_id": ["r0", "r1", "r2", "r3"] * 500}
    plan = assign(reps, STRANGERS, proximity(graph, reps, STRANGERS), forbidden=bans)
    assert (plan.owner >= 0).all()
    assert (plan.owner[:500] == 4).all()


def test_metrics_measure_what_the_frame_shows():
    plan = plan_for([("r1", "p1", 3), ("r2", "p2", 1)], [("r1", 2), ("r2", 2)], ["p1", "p2", "p3"])
    row = plan.metrics().iloc[0]
    assert (row["n_leads"], row["n_owned"], row["n_cold"]) == (3, 3, 1)
    assert row["warm_share"] == pytest.approx(2 / 3)
    assert row["proximity"] == pytest.approx(plan.to_frame()["proximity"].mean())
    assert row["capacity_use"] == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("plans", "said"),
    [({"a": 5}, r"plans\['a'\]: is not a plan that assign\(\) made \(int\)"), ([], "is not a mapping")],
)
def test_what_is_no_plan_is_not_compared(plans, said):
    with pytest.raises(InvalidInput, match=said):
        compare(plans)


def test_plans_of_other_leads_are_not_compared():
    one = plan_for([("r1", "p1", 1)], [("r1", 2)], ["p1"])
    other = plan_for([("r1", "p1", 1)], [("r1", 2)], ["p1", "p2"])
    with pytest.raises(InvalidInput, match="other leads"):
        compare({"one": one, "other": other})


def test_a_comparison_says_what_moves():
    ties = [("r1", "p1", 1), ("r2", "p2", 1)]
    swapped = {"rep_id": ["r1", "r2"], "lead_id": ["p2", "p1"], "score": [1, 1]}
    near = plan_for(ties, [("r1", 1), ("r2", 1)], ["p1", "p2"])
    far = plan_for(ties, [("r1", 1), ("r2", 1)], ["p1", "p2"], score=swapped)
    both = compare({"far": far, "near": near})
    assert both.to_frame()["warm_share"].tolist() == [0.0, 1.0]
    assert both.moved("far", "near")["rep_after"].tolist() == ["r1", "r2"]
    assert "2 of 2 leads change owner" in both.explain("far", "near")
    assert "near" in repr(both)
    assert "<table>" in both._repr_html_()
    json.dumps(both.to_dict())


def test_columns_are_named_by_the_caller_in_every_table():
    graph = SocialGraph.from_ties({"source": ["r1"], "target": ["p1"]})
    reps, leads = {"seller": ["r1"]}, {"prospect": ["p1"]}
    columns = {"seller": "rep_id", "prospect": "lead_id"}
    near = proximity(graph, reps, leads, columns=columns)
    assert owners(assign(reps, leads, near, columns=columns)) == {"p1": "r1"}
    with pytest.raises(InvalidInput, match="no table has"):
        assign(reps, leads, near, columns={**columns, "room": "capacity"})


def test_progress_counts_the_stages():
    seen = []
    graph, reps, leads = circles(1, n_leads=300)
    assign(
        reps,
        leads,
        proximity(graph, reps, leads),
        progress=lambda items: (seen.append(item) or item for item in items),
    )
    assert len(seen) > 3


def test_faults_of_all_tables_come_together():
    graph = SocialGraph.from_ties({"source": ["r1"], "target": ["p1"]})
    near = proximity(graph, {"rep_id": ["r1"]}, {"lead_id": ["p1"]})
    with pytest.raises(InvalidInput) as caught:
        assign(
            {"rep_id": ["r1", "r9"], "capacity": [1, "two"]},
            {"lead_id": ["p1"], "value": [-1]},
            near,
            balance={"value": "ten"},
        )
    assert {fault.path for fault in caught.value.problems} == {
        "reps.capacity",
        "leads.value",
        "reps.rep_id",
        "balance",
    }


def test_ids_of_every_hashable_kind_own_and_are_owned():
    plan = plan_for([(("emea", 1), 7, 2.0), ("r", 8, 1.0)], [(("emea", 1), 5), ("r", 5)], [7, 8])
    assert owners(plan) == {7: ("emea", 1), 8: "r"}
    assert TerritoryPlan.from_dict(json.loads(json.dumps(plan.to_dict()))).to_dict() == plan.to_dict()


def test_a_cold_owner_who_knows_the_lead_keeps_her_proximity():
    """Scores decide who owns; the proximity still tells how near the owner is."""
    graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    reps, leads = {"rep_id": ["ann"]}, {"lead_id": ["acme", "bolt"]}
    near = proximity(graph, reps, leads)
    score = {"rep_id": ["ann"], "lead_id": ["bolt"], "score": [1.0]}
    frame = assign(reps, leads, near, score=score).to_frame().set_index("lead_id")
    assert frame.loc["acme", "reason"] == "cold"
    assert frame.loc["acme", "proximity"] == near.score("ann", "acme") > 0
    assert frame.loc["bolt", "proximity"] == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.7e308, 1.7e308], r"leads.value: is too large to add up \(row 0 .*row 1.*larger unit"),
        ([1e-300, 1.0], r"leads.value: is too small to compare \(row 0 \('p1'\): 1e-300\).*smaller unit"),
    ],
)
def test_amounts_that_no_sum_can_hold_are_refused_by_row(values, said):
    graph = SocialGraph.from_ties({"source": ["r1", "r1"], "target": ["p1", "p2"]})
    reps, leads = {"rep_id": ["r1"], "capacity": [2]}, {"lead_id": ["p1", "p2"], "value": values}
    with pytest.raises(InvalidInput, match=said):
        assign(reps, leads, proximity(graph, reps, leads))
