"""Cases against the playbook: the cheapest reading, and why."""

import functools
import json

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import process
from salesops.errors import InvalidInput

STEPS = ["Prospect", "Qualify", "Proposal", "Won"]


def log(*traces):
    return [
        {"case_id": k, "activity": step, "at": f"2024-01-{place:02}"}
        for k, trace in enumerate(traces)
        for place, step in enumerate(trace, start=1)
    ]


def common(a, b):
    """Length of the longest common subsequence, straight from its definition."""

    @functools.cache
    def longest(i, j):
        if i == len(a) or j == len(b):
            return 0
        if a[i] == b[j]:
            return 1 + longest(i + 1, j + 1)
        return max(longest(i + 1, j), longest(i, j + 1))

    return longest(0, 0)


@given(st.lists(st.sampled_from([*STEPS, "Demo"]), min_size=1, max_size=9))
def test_the_cost_is_what_the_longest_common_way_leaves_over(trace):
    case = process.conformance(log(trace), STEPS).cases[0]
    assert case.cost == len(trace) + len(STEPS) - 2 * common(tuple(trace), tuple(STEPS))
    assert case.cost == len(case.deviations)
    assert 0.0 <= case.fitness <= 1.0


def reasons(trace, playbook=STEPS, **options):
    found = process.conformance(log(trace), playbook, **options).cases[0]
    return [(d.kind, d.reason) for d in found.deviations]


def test_each_way_to_stray_has_its_reason():
    assert reasons(["Prospect", "Proposal", "Won"]) == [("skipped", "Qualify was skipped before Proposal")]
    assert reasons(["Prospect", "Qualify", "Qualify", "Proposal", "Won"]) == [
        ("repeated", "Qualify was done again after Qualify")
    ]
    assert reasons(["Prospect", "Demo", "Qualify", "Proposal", "Won"]) == [
        ("unknown", "Demo, after Prospect, is not in the playbook")
    ]
    assert sorted(kind for kind, _ in reasons(["Qualify", "Prospect", "Proposal", "Won"])) == [
        "out of order",
        "skipped",
    ]
    assert reasons(["Prospect", "Qualify"]) == [
        ("skipped", "Proposal was skipped at the end"),
        ("skipped", "Won was skipped at the end"),
    ]


def test_a_case_that_goes_on_is_not_blamed_for_what_lies_ahead():
    assert reasons(["Prospect", "Qualify"], so_far=True) == []
    assert reasons(["Qualify"], so_far=True) == [("skipped", "Prospect was skipped before Qualify")]


def test_optional_steps_may_be_left_out_and_exits_end_a_case_anywhere():
    assert reasons(["Prospect", "Proposal", "Won"], optional=["Qualify"]) == []
    assert reasons(["Prospect", "Lost"], exits=["Lost"]) == []
    assert reasons(STEPS, exits=["Lost"]) == []


def test_a_playbook_may_loop():
    loop = {"Call": ["Offer"], "Offer": ["Revise", "Sign"], "Revise": ["Offer"]}
    trace = ["Call", "Offer", "Revise", "Offer", "Revise", "Offer", "Sign"]
    assert reasons(trace, loop) == []
    assert reasons(trace, nx.DiGraph(loop)) == []
    around = {None: ["Call"], "Call": ["Call", None]}
    assert reasons(["Call", "Call", "Call"], around) == []


def test_anything_with_stages_is_a_playbook():
    class Playbook:
        stages = tuple(STEPS)

    assert reasons(STEPS, Playbook()) == []


def test_a_log_fits_the_map_that_was_drawn_from_it():
    rows = log(["a", "b", "c"], ["a", "c"], ["a", "b", "b", "c"])
    graph = process.process_map(rows).to_networkx()
    assert process.conformance(rows, graph).n_fitting == 3


def test_results_speak_frames_text_html_and_json():
    found = process.conformance(log(STEPS, STEPS[1:]), STEPS)
    assert found.to_frame()["cost"].tolist() == [0, 1]
    assert found.explain(0).endswith("follows the playbook (fitness 1).")
    assert found.fitness == pytest.approx(1 - 1 / 15)
    json.dumps(found.to_dict(), allow_nan=False)
    assert "<table>" in found._repr_html_()
    with pytest.raises(InvalidInput):
        found.explain("0")


def test_no_cases_are_no_fitness():
    found = process.conformance({"case_id": [], "activity": [], "at": []}, STEPS)
    assert found.explain() == "There are no cases."
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.plot() is not None


@pytest.mark.parametrize(
    ("playbook", "options"),
    [
        ([], {}),
        ("Prospect", {}),
        (["a", "a"], {}),
        (["a", 1], {}),
        (STEPS, {"optional": ["Qualifly"]}),
        ({"a": ["b"]}, {"optional": ["b"]}),
        ({"a": ["b"], "b": ["a"]}, {}),
        (7, {}),
    ],
)
def test_a_playbook_that_cannot_be_meant_is_refused(playbook, options):
    with pytest.raises(InvalidInput):
        process.conformance(log(STEPS), playbook, **options)
