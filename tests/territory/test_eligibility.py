import json

import pytest

from salesops.errors import Infeasible, InvalidInput, SalesOpsWarning
from salesops.territory import TerritoryPlan, assign

REPS = {"rep_id": ["ann", "bo"], "capacity": [9, 9], "skills": [["hindi"], ("hindi", "python")]}


def scored(reps, leads, **options):
    """Assign where the first rep scores more on every lead."""
    pairs = [(rep, lead, 2.0 - k) for k, rep in enumerate(reps["rep_id"]) for lead in leads["lead_id"]]
    table = dict(zip(("rep_id", "lead_id", "score"), zip(*pairs, strict=True), strict=True))
    return assign(reps, leads, score=table, **options)


def owners(plan):
    frame = plan.to_frame()
    return dict(zip(frame["lead_id"], frame["rep_id"], strict=True))


@pytest.mark.parametrize(
    "needs", ["python", ["python"], ("python", "hindi"), {"python"}, frozenset({"python"})]
)
def test_the_owner_has_every_skill_that_the_lead_requires(needs):
    plan = scored(REPS, {"lead_id": ["a", "b"], "requires": [needs, None]})
    assert owners(plan) == {"a": "bo", "b": "ann"}


@pytest.mark.parametrize("nothing", [None, float("nan"), "", [], (), set()])
def test_an_empty_requirement_asks_for_nothing(nothing):
    assert owners(scored(REPS, {"lead_id": ["a"], "requires": [nothing]})) == {"a": "ann"}


def test_a_matched_value_is_among_those_of_the_rep():
    reps = {"rep_id": ["ann", "bo", "cy"], "languages": [None, ["de", "fr"], "en"]}
    leads = {"lead_id": ["a", "b", "c"], "language": ["fr", "en", None]}
    plan = scored(reps, leads, match={"language": "languages"})
    assert owners(plan) == {"a": "bo", "b": "cy", "c": "ann"}


def test_one_and_the_text_one_do_not_match():
    reps = {"rep_id": ["ann", "bo"], "segment": ["1", 1]}
    assert owners(scored(reps, {"lead_id": ["a"], "segment": [1]}, match=("segment",))) == {"a": "bo"}


def test_a_skill_that_nobody_has_leaves_the_lead_without_an_owner_and_suggests_the_spelling():
    with pytest.warns(SalesOpsWarning, match=r"skill 'pyton' \(did you mean 'python'\?\)"):
        plan = scored(REPS, {"lead_id": ["a", "b"], "requires": ["pyton", None]})
    frame = plan.to_frame().set_index("lead_id")
    assert frame["reason"].to_dict() == {"a": "no rep has skill 'pyton'", "b": "closest"}
    assert "has no owner: no rep has skill 'pyton'" in repr(plan.explain("a"))


def test_skills_that_nobody_has_together_say_so():
    reps = {"rep_id": ["ann", "bo"], "skills": ["hindi", "python"]}
    plan = scored(reps, {"lead_id": ["a"], "requires": [["hindi", "python"]]})
    assert plan.to_frame()["reason"].tolist() == ["no eligible rep"]


def test_a_skill_that_nobody_has_is_infeasible_where_every_lead_needs_an_owner():
    with pytest.raises(Infeasible, match=r"skill 'pyton'(.|\n)*did you mean 'python'"):
        scored(REPS, {"lead_id": ["a"], "requires": ["pyton"]}, require_all=True)


def test_a_lock_to_a_rep_who_lacks_a_skill_is_infeasible():
    with pytest.raises(Infeasible) as caught:
        scored(
            REPS,
            {"lead_id": ["a", "b"], "requires": [["python", "hindi"], None]},
            locked={"lead_id": ["a"], "rep_id": ["ann"]},
        )
    assert [problem.path for problem in caught.value.problems] == ["locked", "leads.requires"]
    assert "skill 'python'" in str(caught.value)


def test_a_closer_rep_who_may_not_is_explained():
    plan = scored(REPS, {"lead_id": ["a"], "requires": ["python"]})
    assert "rep 'ann' scores more (score 2) but may not: lacks skill 'python'" in repr(plan.explain("a"))
    banned = scored(REPS, {"lead_id": ["a"]}, forbidden={"lead_id": ["a"], "rep_id": ["ann"]})
    assert "rep 'ann' scores more (score 2) but may not: is forbidden to" in repr(banned.explain("a"))


def test_a_plan_with_requirements_passes_through_json():
    plan = scored(REPS, {"lead_id": ["a"], "requires": ["python"]})
    again = TerritoryPlan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again.to_dict() == plan.to_dict()
    assert repr(again.explain("a")) == repr(plan.explain("a"))


def test_fair_shares_leave_out_leads_that_nobody_may_own():
    reps = {"rep_id": ["ann", "bo"], "segment": ["smb", "smb"]}
    leads = {"lead_id": ["a", "b", "c"], "value": [1, 1, 50], "segment": ["smb", "smb", "gov"]}
    with pytest.warns(SalesOpsWarning, match="segment 'gov'"):
        plan = scored(reps, leads, match=("segment",), balance={"value": 0.0})
    assert plan.used[:, 1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("leads", "match", "path"),
    [
        ({"lead_id": ["a"]}, ("segment",), "leads.segment"),
        ({"lead_id": ["a"], "segment": ["x"]}, ("segment",), "reps.segment"),
        ({"lead_id": ["a"], "segment": [["x", "y"]]}, {"segment": "skills"}, "leads.segment"),
        ({"lead_id": ["a"], "requires": [["python", None]]}, None, "leads.requires"),
        ({"lead_id": ["a"], "requires": [{"python": 1}]}, None, "leads.requires"),
        ({"lead_id": ["a"]}, {"segment": 1}, "match"),
        ({"lead_id": ["a"]}, 5, "match"),
    ],
)
def test_what_cannot_be_matched_is_refused(leads, match, path):
    with pytest.raises(InvalidInput) as caught:
        scored(REPS, leads, match=match)
    assert path in {problem.path for problem in caught.value.problems}


def test_leads_that_require_need_a_column_of_skills():
    with pytest.raises(InvalidInput, match=r"reps\.skills: the column is missing"):
        scored({"rep_id": ["ann"]}, {"lead_id": ["a"], "requires": ["python"]})
