"""Territories summed up the reporting tree."""

import json
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import InvalidInput
from salesops.territory import SocialGraph, assign, proximity


@pytest.fixture(scope="module")
def plan():
    made = datasets.make_territory(n_leads=300, n_reps=12, rng=2)
    near = proximity(SocialGraph.from_ties(made.ties), made.reps, made.leads)
    leads = made.leads.assign(value=made.leads["value"] / 7, workload=made.leads["value"] / 3e4)
    return assign(made.reps, leads, near)


def tree(**managers):
    return pd.DataFrame({"rep_id": list(managers), "manager_id": list(managers.values())}, dtype=object)


def numbered(managers):
    return pd.DataFrame({"rep_id": list(managers), "manager_id": list(managers.values())}, dtype=object)


def small():
    score = {"rep_id": ["ann", "bo", "cy"], "lead_id": ["acme", "bolt", "cog"], "score": [5, 3, 2]}
    reps = {"rep_id": ["ann", "bo", "cy"], "capacity": [1, 2, 3]}
    return assign(reps, {"lead_id": ["acme", "bolt", "cog"], "value": [10, 20, 30]}, score=score)


def test_a_manager_has_the_sum_of_who_reports_to_him():
    frame = small().roll_up(tree(ann="dan", bo="dan", cy="eve", dan="eve")).to_frame()
    rows = frame.set_index("member_id")
    assert rows.index.tolist() == ["eve", "cy", "dan", "ann", "bo"]
    assert rows.loc["eve", ["n_direct", "n_reports", "n_reps", "n_leads", "capacity"]].tolist() == [
        2,
        4,
        3,
        3,
        6,
    ]
    assert rows["level"].tolist() == [0, 1, 1, 2, 2]


def test_a_manager_who_owns_leads_counts_his_own():
    plan = small()
    own = plan.loads().set_index("rep_id")["score"]
    rows = plan.roll_up(tree(ann="bo", bo=None)).to_frame().set_index("member_id")
    assert rows.loc["bo", "score"] == own["bo"] + own["ann"]
    assert rows.loc["bo", "n_reps"] == 2


def test_a_rep_outside_the_tree_has_a_row_of_her_own():
    frame = small().roll_up(tree(ann="dan")).to_frame().set_index("member_id")
    assert frame["in_tree"].to_dict() == {"dan": True, "ann": True, "bo": False, "cy": False}


def test_mean_proximity_is_weighted_by_value(plan):
    top = plan.roll_up(numbered(dict.fromkeys(range(12), "boss"))).to_frame().iloc[0]
    assert top["proximity"] == pytest.approx(plan.metrics()["proximity"].iloc[0])
    assert top["n_leads"] == plan.metrics()["n_owned"].iloc[0]


def test_every_fault_of_a_tree_is_named_at_once():
    wrong = pd.DataFrame(
        {
            "rep_id": ["ann", "ann", "bo", "x", "y", "ammy"],
            "manager_id": ["dan", "eve", "bo", "y", "x", "dan"],
        }
    )
    with pytest.raises(InvalidInput) as caught:
        small().roll_up(wrong)
    assert str(caught.value) == (
        "roll-up: 3 problems\n"
        "- hierarchy.rep_id: stands in more than one row, and everybody has one manager (row 0: 'ann' under "
        "'dan', row 1: 'ann' under 'eve'); keep one row for each member\n"
        "- hierarchy.rep_id: is neither a rep of the plan nor anybody's manager (row 5: 'ammy'); leave out "
        "people who neither own leads nor manage anybody who does\n"
        "- hierarchy.manager_id: nobody is his own manager, directly or through others ('bo' under 'bo', "
        "'x' under 'y' under 'x'); leave the manager_id of whoever stands at the top empty"
    )


def test_a_missing_manager_that_made_the_others_floats_is_refused():
    plan = assign({"rep_id": [1, 2]}, {"lead_id": [7]}, score={"rep_id": [1], "lead_id": [7], "score": [1]})
    with pytest.raises(InvalidInput, match="another type"):
        plan.roll_up(pd.DataFrame({"rep_id": [1, 2], "manager_id": [np.nan, 1]}))


@pytest.mark.parametrize(
    "wrong", [{"rep_id": ["ann"]}, {"manager_id": ["ann"]}, 7, {"rep_id": [None], "manager_id": [1]}]
)
def test_what_is_no_tree_is_refused(wrong):
    with pytest.raises(InvalidInput, match="hierarchy"):
        small().roll_up(wrong)


def test_an_empty_tree_leaves_everybody_outside():
    frame = small().roll_up({"rep_id": [], "manager_id": []}).to_frame()
    assert not frame["in_tree"].any()
    assert frame["n_leads"].sum() == 3


def test_a_chain_of_ten_thousand_managers_is_summed():
    chain = {"ann": 0, **{k: k + 1 for k in range(10_000)}}
    score = {"rep_id": ["ann"], "lead_id": ["acme"], "score": [5]}
    plan = assign({"rep_id": ["ann"]}, {"lead_id": ["acme"]}, score=score)
    frame = plan.roll_up(numbered(chain)).to_frame()
    assert frame["level"].max() == 10_001
    assert (frame["score"] == 5).all()


def test_a_roll_up_travels_as_json(plan):
    document = plan.roll_up(numbered(dict.fromkeys(range(12), "boss"))).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@st.composite
def forests(draw):
    """Reps 0 to 11, and managers under managers of a smaller number."""
    n = draw(st.integers(1, 8))
    managers = {f"m{k}": draw(st.sampled_from([None, *(f"m{j}" for j in range(k))])) for k in range(n)}
    for rep in draw(st.sets(st.integers(0, 11))):
        managers[rep] = draw(st.sampled_from([*(f"m{j}" for j in range(n))]))
    while idle := [one for one in managers if isinstance(one, str) and one not in managers.values()]:
        for one in idle:
            del managers[one]
    return managers


@given(forests())
def test_parents_are_exactly_the_sum_of_their_children(plan, managers):
    result = plan.roll_up(numbered(managers))
    rows = result.to_frame()
    own = plan.loads().set_index("rep_id")
    for row in rows.itertuples():
        below = rows[rows["manager_id"] == row.member_id]
        for name, mine in (("load", "load"), ("capacity", "capacity"), ("n_leads", "n_leads")):
            alone = own[mine].get(row.member_id, 0)
            assert getattr(row, name) == math.fsum([*below[name], alone])


@given(forests())
def test_the_tops_and_the_reps_outside_sum_to_the_plan(plan, managers):
    rows = plan.roll_up(numbered(managers)).to_frame()
    tops = rows[rows["manager_id"].isna()]
    assert tops["n_leads"].sum() == (plan.owner >= 0).sum()
    assert math.fsum(tops["score"]) == pytest.approx(plan.total_score, rel=1e-14)


@given(forests(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(plan, managers, shuffle):
    items = list(managers.items())
    shuffle.shuffle(items)
    one, other = plan.roll_up(numbered(managers)), plan.roll_up(numbered(dict(items)))
    assert one.to_dict() == other.to_dict()


@given(forests())
def test_networkx_and_fractions_agree(plan, managers):
    """Count the descendants of everybody one by one, and sum exactly."""
    tree = nx.DiGraph([(boss, member) for member, boss in managers.items() if boss is not None])
    tree.add_nodes_from(managers)
    frame = plan.to_frame()
    exact = {rep: sum(map(Fraction, part), Fraction(0)) for rep, part in frame.groupby("rep_id")["value"]}
    rows = plan.roll_up(numbered(managers)).to_frame().set_index("member_id")
    for member in tree:
        under = nx.descendants(tree, member)
        assert rows.loc[member, "n_reports"] == len(under)
        whole = sum((exact.get(one, Fraction(0)) for one in under | {member}), Fraction(0))
        assert rows.loc[member, "value"] == pytest.approx(float(whole), rel=1e-14)
