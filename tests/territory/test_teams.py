"""Teams that own leads jointly, and their members within them."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops import datasets
from salesops.errors import InvalidInput
from salesops.territory import SocialGraph, TerritoryPlan, assign, by_team, proximity, within_teams


@pytest.fixture(scope="module")
def world():
    made = datasets.make_territory(n_leads=240, n_reps=9, rng=4)
    reps = made.reps.assign(team=[["east", "west", "south"][k % 3] for k in range(9)])
    return reps, made.leads, proximity(SocialGraph.from_ties(made.ties), reps, made.leads, top=5)


@pytest.fixture(scope="module")
def plans(world):
    reps, leads, near = world
    teams, joint = by_team(reps, near)
    of_teams = assign(teams, leads, joint)
    return of_teams, within_teams(of_teams, reps, leads, near)


def test_teams_add_capacities_and_unite_skills():
    graph = SocialGraph.from_ties({"source": ["ann"], "target": ["acme"]})
    reps = pd.DataFrame(
        {
            "rep_id": ["ann", "bo", "cy"],
            "team": ["n", "n", "s"],
            "capacity": [1, 2.5, 3],
            "skills": [["fr"], ["de", "fr"], None],
            "value_max": [10, np.nan, 7],
            "value_min": [1, np.nan, 2],
            "segment": ["smb", "mid", "smb"],
        }
    )
    teams, _ = by_team(reps, proximity(graph, reps, {"lead_id": ["acme"]}), match=("segment",))
    rows = teams.set_index("rep_id")
    assert rows["capacity"].to_dict() == {"n": 3.5, "s": 3}
    assert rows["share"].to_dict() == {"n": 2, "s": 1}
    assert rows["skills"].to_dict() == {"n": ("de", "fr"), "s": ()}
    assert rows["segment"].to_dict() == {"n": ("mid", "smb"), "s": ("smb",)}
    assert np.isnan(rows.loc["n", "value_max"])
    assert rows["value_min"].to_dict() == {"n": 1, "s": 2}


@pytest.mark.parametrize(("combine", "rule"), [("max", max), ("sum", sum), ("mean", lambda s: sum(s) / 3)])
def test_a_team_scores_what_its_kept_members_do_together(world, combine, rule):
    reps, _, near = world
    _, joint = by_team(reps, near, combine=combine)
    team = reps.set_index("rep_id")["team"]
    frame = near.to_frame()
    grouped = frame.groupby(["lead_id", frame["rep_id"].map(team)])["score"].apply(lambda s: rule(list(s)))
    got = joint.to_frame().set_index(["lead_id", "rep_id"])["score"]
    assert len(got) == len(grouped)
    np.testing.assert_allclose(got.sort_index().to_numpy(), grouped.sort_index().to_numpy(), rtol=1e-10)
    ranked = joint.to_frame()
    assert (ranked.groupby("lead_id")["score"].diff().dropna() <= 0).all()


def test_no_team_that_is_not_kept_can_score_more_than_the_floor(world):
    reps, leads, _ = world
    made = datasets.make_territory(n_leads=240, n_reps=9, rng=4)
    graph = SocialGraph.from_ties(made.ties)
    _, whole = by_team(reps, proximity(graph, reps, leads))
    _, cut = by_team(reps, proximity(graph, reps, leads, top=2))
    for k in range(whole.n_leads):
        listed = set(cut.reps[cut.starts[k] : cut.starts[k + 1]].tolist())
        for at in range(whole.starts[k], whole.starts[k + 1]):
            if whole.reps[at] not in listed:
                assert whole.scores[at] <= cut.floor[k]


def test_an_introduction_goes_through_the_nearest_member(world):
    reps, leads, near = world
    _, joint = by_team(reps, near)
    lead = int(leads["lead_id"].iloc[0])
    best = int(near.to_frame().query("lead_id == @lead")["rep_id"].iloc[0])
    team = reps.set_index("rep_id")["team"][best]
    direct, joined = near.path(best, lead, names=True), joint.path(team, lead, names=True)
    assert joined.people == direct.people
    assert joint.paths(team, lead, names=True)[0].people == direct.people


def test_a_plan_of_teams_knows_its_warm_introductions(plans, world):
    of_teams, _ = plans
    reps, _, near = world
    _, joint = by_team(reps, near)
    frame, hops = of_teams.to_frame(), []
    for row in frame.itertuples():
        between = joint.path(row.rep_id, row.lead_id).n_between if row.score > 0 else None
        hops.append(3 if between is None else min(between + 1, 3))
    assert (np.array(hops) <= of_teams.hops + 1).all()
    assert of_teams.metrics()["warm_share"].iloc[0] > 0


def test_every_lead_stays_with_its_team(plans, world):
    of_teams, plan = plans
    team = world[0].set_index("rep_id")["team"]
    assert plan.to_frame()["rep_id"].map(team).tolist() == of_teams.to_frame()["rep_id"].tolist()


def test_each_part_is_the_plan_of_that_team_alone(plans, world):
    of_teams, plan = plans
    reps, leads, near = world
    owner = of_teams.to_frame().set_index("lead_id")["rep_id"]
    bound = 0.0
    for team, members in reps.groupby("team"):
        theirs = leads[leads["lead_id"].map(owner) == team]
        alone = assign(members, theirs, near)
        bound += alone.bound
        mine = plan.to_frame().set_index("lead_id").loc[alone.lead_labels.values]
        assert mine["rep_id"].tolist() == alone.to_frame()["rep_id"].tolist()
        assert mine["score"].tolist() == alone.score.tolist()
    assert plan.bound == pytest.approx(bound)
    assert plan.gap == pytest.approx((plan.bound - plan.total_score) / plan.bound, abs=1e-12)


def test_the_split_costs_something_and_the_flat_bound_says_how_much_at_most(plans, world):
    _, plan = plans
    flat = assign(*world)
    assert plan.flat_bound >= flat.total_score >= plan.total_score - 1e-9
    assert plan.flat_gap >= (flat.total_score - plan.total_score) / plan.flat_bound - 1e-12


def test_explain_names_a_closer_rep_of_another_team(plans):
    _, plan = plans
    apart = np.flatnonzero((plan.barred >= 0) & (plan.barred_score > plan.score))
    told = plan.explain(plan.lead_labels[int(apart[0])])
    assert "but may not: lacks team" in str(told)


def test_an_edit_across_teams_is_a_violation(plans, world):
    of_teams, plan = plans
    lead = plan.lead_labels[0]
    other = next(
        rep.rep_id for rep in world[0].itertuples() if rep.team != of_teams.to_frame().iloc[0]["rep_id"]
    )
    after = plan.edited({"lead_id": [lead], "rep_id": [other]})
    assert "lacks team" in " ".join(value for fault in after.violations for value in fault.values)


def test_a_plan_within_teams_survives_the_journey_through_json(plans):
    document = json.loads(json.dumps(plans[1].to_dict(), allow_nan=False))
    back = TerritoryPlan.from_dict(document)
    assert back.to_dict() == plans[1].to_dict()
    assert back.flat_gap == plans[1].flat_gap


def test_bands_hold_within_each_team(plans, world):
    reps, leads, near = world
    plan = within_teams(plans[0], reps, leads, near, balance={"value": 0.25})
    assert not plan.violations
    loads = plan.loads().assign(team=reps["team"].to_numpy())
    for _, part in loads.groupby("team"):
        assert part["value"].between(part["value"].mean() * 0.75, part["value"].mean() * 1.25).all()


def test_moves_are_paid_for_within_and_across_teams(plans, world):
    reps, leads, near = world
    current = {"lead_id": leads["lead_id"], "rep_id": leads["lead_id"] % 9}
    plan = within_teams(plans[0], reps, leads, near, current=current, move_price=0.5)
    assert plan.n_moved == len(plan.moves())
    assert plan.gap is not None
    assert plan.flat_bound >= plan.total_score - 0.5 * plan.n_moved - 1e-9


def test_leads_without_a_team_have_no_owner_and_say_so():
    score = pd.DataFrame({"rep_id": ["n", "s"], "lead_id": ["acme", "bolt"], "score": [1, 2]})
    of_teams = assign({"rep_id": ["n", "s"], "capacity": [1, 0]}, {"lead_id": ["acme", "bolt"]}, score=score)
    members = {"rep_id": ["ann", "bo"], "team": ["n", "s"]}
    known = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "bolt"], "score": [1, 2]}
    plan = within_teams(of_teams, members, {"lead_id": ["acme", "bolt"]}, score=known)
    frame = plan.to_frame().set_index("lead_id")
    assert frame.loc["bolt", "reason"] == "no team: capacity"
    assert frame.loc["acme", "rep_id"] == "ann"
    assert plan.flat_bound == pytest.approx(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"team": "squad"}, r"reps.squad: the column is missing"),
        ({"reps": {"rep_id": ["ann", "bo"], "team": ["n", None]}}, "the id is missing"),
        ({"reps": {"rep_id": ["ann", "bo"], "team": ["n", "m"]}}, "the plan of teams does not have"),
        ({"reps": {"rep_id": ["ann"], "team": ["n"]}, "score": None}, r"nothing to maximise"),
        ({"leads": {"lead_id": ["acme", "who"]}}, "the plan of teams does not have"),
        ({"locked": {"lead_id": ["acme"], "rep_id": ["bo"]}}, "rep of another team"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change, message):
    score = {"rep_id": ["n", "s"], "lead_id": ["acme", "bolt"], "score": [1, 2]}
    of_teams = assign({"rep_id": ["n", "s"]}, {"lead_id": ["acme", "bolt"]}, score=score)
    given = {
        "reps": {"rep_id": ["ann", "bo"], "team": ["n", "s"]},
        "leads": {"lead_id": ["acme", "bolt"]},
        "score": {"rep_id": ["ann"], "lead_id": ["acme"], "score": [1]},
    }
    with pytest.raises(InvalidInput, match=message):
        within_teams(of_teams, **{**given, **change})


def test_a_team_with_leads_and_without_members_is_named():
    score = {"rep_id": ["n", "s"], "lead_id": ["acme", "bolt"], "score": [1, 2]}
    of_teams = assign({"rep_id": ["n", "s"]}, {"lead_id": ["acme", "bolt"]}, score=score)
    known = {"rep_id": ["ann"], "lead_id": ["acme"], "score": [1]}
    with pytest.raises(InvalidInput, match=r"owns leads and has no members \('s'\)"):
        within_teams(of_teams, {"rep_id": ["ann"], "team": ["n"]}, {"lead_id": ["acme", "bolt"]}, score=known)


def test_an_unknown_way_to_combine_is_refused(world):
    with pytest.raises(InvalidInput, match="combine: unknown choice"):
        by_team(world[0], world[2], combine="best")


def test_the_order_of_rows_changes_nothing(plans, world):
    reps, leads, near = world
    again = within_teams(plans[0], reps.iloc[::-1], leads.sample(frac=1, random_state=3), near)
    assert again.to_dict() == plans[1].to_dict()


def test_one_team_of_all_is_no_split(world):
    reps, leads, near = world
    teams, joint = by_team(reps.assign(team="all"), near)
    plan = within_teams(assign(teams, leads, joint), reps.assign(team="all"), leads, near)
    flat = assign(reps, leads, near)
    assert plan.owner.tolist() == flat.owner.tolist()
    assert plan.bound == flat.bound


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_no_plan_of_members_scores_more_than_the_bounds(seed):
    """Every assignment of five leads to four reps is tried: within the teams, and across them."""
    rng = np.random.default_rng(seed)
    reps = pd.DataFrame({"rep_id": list("abcd"), "team": list("nnss"), "capacity": rng.integers(1, 4, 4)})
    leads = pd.DataFrame({"lead_id": range(5)})
    pairs = pd.DataFrame(itertools.product("abcd", range(5)), columns=["rep_id", "lead_id"])
    pairs["score"] = rng.integers(0, 9, len(pairs))
    split = rng.integers(0, 2, 5)
    room = reps.groupby("team")["capacity"].sum()
    if split.sum() > room["s"] or 5 - split.sum() > room["n"]:
        return
    of_teams = assign(
        {"rep_id": ["n", "s"]},
        leads,
        score={"rep_id": np.array(["n", "s"])[split], "lead_id": range(5), "score": [1] * 5},
    )
    plan = within_teams(of_teams, reps, leads, score=pairs)
    score = pairs.set_index(["rep_id", "lead_id"])["score"].to_dict()
    most = reps.set_index("rep_id")["capacity"].to_dict()
    within, flat = -1.0, -1.0
    for owners in itertools.product("abcd", repeat=5):
        if any(owners.count(rep) > most[rep] for rep in "abcd"):
            continue
        total = sum(score[rep, lead] for lead, rep in enumerate(owners))
        flat = max(flat, total)
        if all((rep in "cd") == bool(side) for rep, side in zip(owners, split, strict=True)):
            within = max(within, total)
    assert plan.total_score == pytest.approx(within)
    assert plan.bound >= within - 1e-9
    assert plan.flat_bound >= flat - 1e-9
