"""The sheet that reps fill in, and what their answers do to proximity and plan."""

import json

import numpy as np
import pandas as pd
import pytest

from salesops import datasets, report, territory
from salesops.errors import InvalidInput
from salesops.territory import IntroductionPath, SocialGraph

REPS = {"rep_id": ["ann", "bo", "new"]}
LEADS = {"lead_id": ["acme", "bolt", "island"]}


def graph():
    mails = {
        "source": ["ann", "ann", "bo", "cy", "x"],
        "target": ["cy", "acme", "cy", "bolt", "island"],
        "at": ["2024-05-01", "2024-01-01", "2024-04-01", "2024-03-01", "2024-02-01"],
        "kind": ["mail", "call", "mail", "call", "mail"],
        "provenance": ["gateway"] * 5,
    }
    return SocialGraph.from_interactions(mails, as_of="2024-06-30")


def row(sheet, rep, lead):
    frame = sheet.to_frame()
    return frame[(frame["rep_id"] == rep) & (frame["lead_id"] == lead)].iloc[0]


def test_a_direct_tie_is_asked_about_with_its_evidence():
    asked = row(territory.review(graph(), REPS, LEADS), "ann", "acme")
    assert asked["question"] == "Do you know acme?"
    assert asked["evidence"] == "call, weight 0.4981, last on 2024-01-01, from gateway"
    assert (asked["path"], asked["status"], asked["by"]) == ("a direct tie", "observed", "ann")


def test_people_in_between_are_named_only_if_asked():
    hidden = territory.review(graph(), REPS, LEADS)
    assert "cy" not in json.dumps(hidden.to_dict())
    assert "cy" not in hidden.page()
    asked = row(hidden, "ann", "bolt")
    assert asked["question"] == "Do you know bolt yourself? The graph sees one contact in between."
    assert asked["target"] == "bolt"
    named = row(territory.review(graph(), REPS, LEADS, names=True), "ann", "bolt")
    assert named["question"] == "Do you know cy, who could lead you to bolt?"
    assert (named["target"], named["path"]) == ("cy", "ann → cy → bolt")


def test_without_a_path_the_rep_is_asked_all_the_same():
    sheet = territory.review(graph(), REPS, LEADS)
    asked = row(sheet, "new", "acme")
    assert asked["question"] == "Do you know acme? The graph sees no way there."
    assert (asked["strength"], asked["evidence"], asked["path"]) == (0.0, "none", "no introduction")
    assert pd.isna(asked["weight"])
    assert len(sheet.to_frame()) == 9


def test_only_the_nearest_reps_are_asked():
    sheet = territory.review(graph(), REPS, LEADS, nearest=1)
    frame = sheet.to_frame()
    assert frame.groupby("lead_id").size().tolist() == [1, 1, 1]
    assert frame.set_index("lead_id")["rep_id"].to_dict() == {"acme": "ann", "bolt": "ann", "island": "ann"}


def test_a_rep_sees_her_own_sheet():
    mine = territory.review(graph(), REPS, LEADS).for_rep("bo")
    assert set(mine.to_frame()["rep_id"]) == {"bo"}
    assert repr(mine) == "ReviewSheet(1 rep, 3 leads, 3 questions)"
    with pytest.raises(InvalidInput, match=r"rep: is not among the reps of the sheet.*did you mean 'bo'"):
        territory.review(graph(), REPS, LEADS).for_rep("boo")


def test_paths_are_those_of_the_measure():
    options = IntroductionPath(max_hops=None)
    near = territory.proximity(graph(), REPS, LEADS, method=options)
    for method in (options, IntroductionPath(max_hops=1), IntroductionPath(transform="relative")):
        near = territory.proximity(graph(), REPS, LEADS, method=method)
        for asked in (
            territory.review(graph(), REPS, LEADS, names=True, method=method).to_frame().itertuples()
        ):
            path = near.path(asked.rep_id, asked.lead_id, names=True)
            assert asked.path == str(path)
            assert asked.strength == pytest.approx(path.strength, rel=1e-12)


def test_reps_and_leads_may_be_other_people_in_the_graph():
    reps = {"rep_id": [1], "person_id": ["ann"]}
    leads = {"lead_id": ["account"], "person_id": [None]}
    contacts = {"lead_id": ["account", "account"], "person_id": ["island", "bolt"]}
    asked = territory.review(graph(), reps, leads, contacts=contacts).to_frame().iloc[0]
    assert (asked["rep_id"], asked["source"], asked["target"]) == (1, "ann", "bolt")
    assert asked["question"].startswith("Do you know account yourself?")


def test_a_rep_is_not_asked_about_herself():
    sheet = territory.review(graph(), REPS, {"lead_id": ["ann"]})
    asked = row(sheet, "ann", "ann")
    assert asked["question"] == "This is you: there is nothing to answer."
    assert graph().reviewed(sheet.to_frame().assign(answer="confirmed"), add_people=True).n_ties == 7


def test_an_answer_given_before_is_told():
    made = graph().reviewed({"source": ["ann"], "target": ["acme"], "answer": ["denied"]})
    asked = row(territory.review(made, REPS, LEADS), "ann", "acme")
    assert asked["status"] == "denied"
    assert asked["question"] == "Do you know acme? So far the answer was no."


def test_a_sheet_that_is_not_filled_in_changes_nothing():
    made = graph()
    assert made.reviewed(territory.review(made, REPS, LEADS).to_frame(), add_people=True) == made


def test_filled_in_answers_come_back_with_who_gave_them():
    sheet = territory.review(graph(), REPS, LEADS)
    filled = sheet.to_frame()
    filled.loc[(filled["rep_id"] == "bo") & (filled["lead_id"] == "acme"), "answer"] = "confirmed"
    after = graph().reviewed(filled).to_frame().set_index(["source", "target"])
    assert after.loc[("acme", "bo"), ["status", "provenance"]].tolist() == ["confirmed", "bo"]


def test_a_sheet_shows_itself_as_card_page_and_json():
    sheet = territory.review(graph(), REPS, LEADS, names=True)
    assert "Do you know acme?" in sheet._repr_html_()
    page = sheet.page("Ties of <Q3>")
    assert "<h2>ann</h2>" in page
    assert "Ties of &lt;Q3&gt;" in page
    assert "Do you know acme?" in report("Review", {"Ties": sheet})
    assert json.loads(json.dumps(sheet.to_dict()))["kind"] == "review_sheet"
    assert sheet.explain("ann", "acme").facts["n_between"] == 0


def test_a_page_asks_every_question():
    leads = {"lead_id": [f"lead-{k}" for k in range(45)]}
    page = territory.review(graph(), {"rep_id": ["ann"]}, leads).page()
    assert all(f"Do you know lead-{k}?" in page for k in range(45))
    assert "more rows" not in page


def test_no_reps_or_no_leads_is_an_empty_sheet():
    for reps, leads in (([], LEADS), (REPS, []), ([], [])):
        sheet = territory.review(graph(), reps, leads)
        assert len(sheet.to_frame()) == 0
        assert sheet._repr_html_()
        assert graph().reviewed(sheet.to_frame()) == graph()


@pytest.mark.parametrize(
    ("options", "told"),
    [({"nearest": 0}, "nearest"), ({"names": 1}, "names"), ({"method": "random_walk"}, "IntroductionPath")],
)
def test_an_option_that_cannot_be_meant_is_refused(options, told):
    with pytest.raises(InvalidInput, match=told):
        territory.review(graph(), REPS, LEADS, **options)


def test_answers_of_reps_on_a_real_network_change_proximity_and_then_the_plan():
    network = datasets.lastfm_asia()
    ends = pd.concat([network.ties["source"], network.ties["target"]])
    friends = ends.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    reps = {"rep_id": friends.index[:35].tolist(), "capacity": [3] * 35}
    leads = {"lead_id": friends.index[100:150].tolist()}
    before = SocialGraph.from_ties(network.ties)
    near = territory.proximity(before, reps, leads)
    plan = territory.assign(reps, leads, near)
    sheet = territory.review(before, reps, leads)
    filled = sheet.to_frame()
    assert len(filled) == 35 * 50
    owner = plan.to_frame().set_index("lead_id")["rep_id"]
    lead = next(lead for lead in leads["lead_id"] if row(sheet, owner[lead], lead)["n_between"] == 0)
    stranger = filled[(filled["lead_id"] == lead) & filled["weight"].isna()]["rep_id"].iloc[-1]
    asked = filled["lead_id"] == lead
    filled.loc[asked & filled["weight"].notna(), "answer"] = "denied"
    filled.loc[asked & (filled["rep_id"] == stranger), ["answer", "weight"]] = ["confirmed", 50.0]
    after = before.reviewed(filled)
    again = territory.proximity(after, reps, leads)
    assert again.score(stranger, lead) > near.score(stranger, lead)
    changed = territory.assign(reps, leads, again)
    assert owner[lead] != stranger
    assert changed.to_frame().set_index("lead_id")["rep_id"][lead] == stranger


def test_a_denied_tie_between_physicians_lengthens_the_introduction():
    network = datasets.physicians()
    before = SocialGraph.from_ties(network.ties, combine="max")
    ties = before.to_frame()
    rep, lead = ties["source"].iloc[0], ties["target"].iloc[0]
    after = before.reviewed({"source": [rep], "target": [lead], "answer": ["denied"]})
    table = {"rep_id": [rep]}, {"lead_id": [lead]}
    was, now = (territory.proximity(made, *table).path(rep, lead) for made in (before, after))
    assert was.n_between == 0
    assert now.n_between != 0
    assert np.isclose(
        after.reviewed({"source": [rep], "target": [lead], "answer": ["confirmed"]}).adjacency.sum(),
        before.adjacency.sum(),
    )
