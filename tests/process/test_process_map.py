"""The map of a process: plain counts, in any order of rows, with every fault named."""

import itertools
import json
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import process
from salesops.errors import InvalidInput

logs = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["call", "offer", "sign"]), st.integers(0, 400)),
    max_size=30,
    unique_by=lambda row: (row[0], row[2]),
)


def frame(rows):
    return pd.DataFrame(
        {
            "case_id": pd.Series([row[0] for row in rows], dtype="int64"),
            "activity": pd.Series([row[1] for row in rows], dtype="str"),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta([60 * row[2] for row in rows], unit="s"),
        }
    )


@given(logs)
def test_the_map_is_what_counting_by_hand_gives(rows):
    found = process.process_map(frame(rows))
    traces = {}
    for case, activity, at in sorted(rows, key=lambda row: (row[0], row[2])):
        traces.setdefault(case, []).append((activity, at))
    follows = Counter((a, b) for trace in traces.values() for (a, _), (b, _) in itertools.pairwise(trace))
    assert {(e.source, e.target): e.count for e in found.edges} == follows
    assert found.starts == Counter(trace[0][0] for trace in traces.values())
    assert found.ends == Counter(trace[-1][0] for trace in traces.values())
    assert {v.activities: v.cases for v in found.variants} == Counter(
        tuple(a for a, _ in trace) for trace in traces.values()
    )
    assert sum(a.events for a in found.activities) == found.events == len(rows)
    assert sum(e.count for e in found.edges) == len(rows) - len(traces)
    json.dumps(found.to_dict(), allow_nan=False)


@given(logs, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_nothing_where_times_tell(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert process.process_map(frame(rows)).to_dict() == process.process_map(frame(shuffled)).to_dict()


def test_events_at_one_time_keep_the_order_of_their_rows_and_are_counted():
    log = pd.DataFrame({"case_id": 1, "activity": ["offer", "call"], "at": "2024-01-01"})
    found = process.process_map(log)
    assert found.ties == 1
    assert found.variants[0].activities == ("offer", "call")
    assert "rows decide" in found.explain()


def test_times_with_an_offset_need_the_zone_of_the_business():
    log = [{"case_id": 1, "activity": "call", "at": "2024-01-01 10:00:00+01:00"}]
    with pytest.raises(InvalidInput, match="zone"):
        process.process_map(log)
    assert process.process_map(log, zone="Europe/Berlin").events == 1


def test_all_faults_of_a_log_come_at_once_with_their_rows():
    log = [
        {"case_id": 1, "activity": "call", "at": "yesterday"},
        {"case_id": None, "activity": "call", "at": "2024-01-01"},
        {"case_id": 2, "activity": None, "at": "2024-01-01"},
        {"case_id": 3, "activity": " ", "at": "2024-01-01"},
    ]
    with pytest.raises(InvalidInput) as caught:
        process.process_map(log)
    told = {(p.path, p.rows) for p in caught.value.problems}
    assert told == {
        ("events.at", (0,)),
        ("events.case_id", (1,)),
        ("events.activity", (2,)),
        ("events.activity", (3,)),
    }


def test_an_empty_log_is_an_empty_map():
    found = process.process_map(pd.DataFrame({"case_id": [], "activity": [], "at": []}))
    assert (found.events, found.cases, found.edges) == (0, 0, ())
    assert found.explain() == "There are no events."
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.plot() is not None
    assert "<table>" in found._repr_html_()


def test_the_graph_carries_counts_and_times():
    log = frame([(1, "call", 0), (1, "offer", 2), (2, "call", 0), (2, "offer", 4)])
    graph = process.process_map(log).to_networkx()
    assert graph.nodes["call"]["starts"] == 2
    assert graph.edges["call", "offer"]["median_seconds"] == 180.0
    assert graph.edges["call", "offer"]["cases"] == 2


def test_names_from_the_data_are_escaped():
    log = [{"case_id": 1, "activity": "<script>", "at": "2024-01-01"}]
    assert "<script>" not in process.process_map(log)._repr_html_()


@pytest.mark.parametrize("share", [-0.1, 2, "all"])
def test_a_share_that_cannot_be_meant_is_refused(share):
    with pytest.raises(InvalidInput):
        process.process_map(frame([(1, "call", 0)])).plot(min_share=share)
