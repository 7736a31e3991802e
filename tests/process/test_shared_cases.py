"""The shared worked cases of the process room, through the public verbs."""

import pandas as pd
import pytest
import yaml

from salesops import process


@pytest.fixture(scope="module")
def cases(shared):
    text = (shared / "forecast-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


@pytest.fixture(scope="module")
def running(cases):
    rows = cases["pm-01"]["inputs"]["events_case_activity_time"]
    return process.process_map(pd.DataFrame(rows, columns=["case_id", "activity", "at"]), zone="UTC")


@pytest.fixture(scope="module")
def desk_log(shared):
    raw = pd.read_csv(shared / "data" / "helpdesk_event_log" / "helpdesk.csv.gz")
    at = pd.to_datetime(raw["Complete Timestamp"], format="%Y/%m/%d %H:%M:%S.%f")
    return pd.DataFrame({"case_id": raw["Case ID"], "activity": raw["Activity"], "at": at})


@pytest.fixture(scope="module")
def desk(desk_log):
    return process.process_map(desk_log)


def edges(found):
    return {(edge.source, edge.target): edge for edge in found.edges}


def check(found, expected, tolerance):
    """Compare what both cases tell; order of equal counts is free."""
    assert found.events == expected["events"]
    assert found.cases == expected["cases"]
    assert len(found.activities) == expected["activities"]
    assert len(found.edges) == expected["edges"]
    assert len(found.variants) == expected["variants"]
    assert found.starts == expected["start"]
    assert found.ends == expected["end"]
    assert found.rework == expected["rework"]
    by_ends = edges(found)
    for source, target, count in expected.get("edges_count", expected.get("top_edges")):
        assert by_ends[source, target].count == count
    for source, target, *figures in expected["edge_seconds"]:
        edge = by_ends[source, target]
        told = dict(zip(figures[::2], figures[1::2], strict=True))
        assert edge.mean_seconds == pytest.approx(told["mean"], abs=tolerance)
        assert edge.median_seconds == pytest.approx(told["median"], abs=tolerance)


def test_the_running_example(cases, running):
    case = cases["pm-01"]
    check(running, case["expected"], case["tolerance"])
    whole = case["expected"]["case_seconds"]
    assert running.mean_seconds == pytest.approx(whole["mean"])
    assert running.median_seconds == pytest.approx(whole["median"])
    assert running.max_seconds == pytest.approx(whole["max"])


def test_the_help_desk(cases, desk):
    case = cases["pm-02"]
    check(desk, case["expected"], case["tolerance"])
    assert [variant.cases for variant in desk.variants[:5]] == case["expected"]["top_variants"]
    assert desk.median_seconds == pytest.approx(case["expected"]["case_duration_median_s"], abs=1e-3)
    assert desk.ties == case["expected"]["ties"]


def test_the_linear_playbook(cases):
    case = cases["conf-01"]
    log = [
        {"case_id": k, "activity": step, "at": f"2024-01-{place:02}"}
        for k, trace in enumerate(case["inputs"]["traces"])
        for place, step in enumerate(trace, start=1)
    ]
    found = process.conformance(log, case["inputs"]["process"])
    assert [fit.cost for fit in found.cases] == case["expected"]["cost"]
    assert [fit.fitness for fit in found.cases] == pytest.approx(case["expected"]["fitness"], abs=1e-6)


def test_the_help_desk_against_its_main_line(desk_log, desk):
    main = desk.variants[0].activities
    found = process.conformance(desk_log, main)
    assert found.n_fitting == desk.variants[0].cases
    assert 0.8 < found.fitness < 1.0
    assert len(found.explain()) < 400
    assert "<table>" in found._repr_html_()
    assert found.plot() is not None
    assert desk.plot() is not None
