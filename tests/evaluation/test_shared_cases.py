"""The shared cases of this room, worked and hostile, through the public verbs."""

import math

import pandas as pd
import pytest
import yaml

from salesops import evaluation
from salesops.errors import InvalidInput


@pytest.fixture(scope="module")
def worked(shared):
    text = (shared / "forecast-cases" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)}


@pytest.fixture(scope="module")
def hostile(shared):
    text = (shared / "bad-input" / "cases.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)["cases"]}


def test_the_chart_of_the_handbook(worked):
    case = worked["spc-01"]
    chart = evaluation.control_chart(case["inputs"]["values"])
    expected = dict(case["expected"])
    assert list(chart.signals) == expected.pop("signals")
    for name, value in expected.items():
        assert getattr(chart, name) == pytest.approx(value, abs=case["tolerance"])


def test_the_staff_of_two_states(worked):
    case = worked["did-01"]
    means = case["inputs"]
    rows = [
        {"on": on, "treated": group == "treated", "value": means[group][side]}
        for group in ("treated", "control")
        for side, on in (("before", "1992-02-15"), ("after", "1992-11-15"))
    ]
    effect = evaluation.difference_in_differences(rows, changed_on="1992-04-01")
    cells = {cell.name: cell.value for cell in effect.cells}
    expected, tolerance = case["expected"], case["tolerance"]
    assert effect.estimate == pytest.approx(expected["effect"], abs=1e-9)
    assert effect.estimate == pytest.approx(expected["published"], abs=tolerance)
    changes = [cells[f"{group} after"] - cells[f"{group} before"] for group in ("treated", "control")]
    assert changes == pytest.approx([expected["treated_change"], expected["control_change"]], abs=tolerance)


def test_windows_that_overlap(hostile):
    case = hostile["O-004"]
    deals = [{"created_on": "2024-02-01", "closed_on": "2024-02-20", "outcome": "won"}]
    with pytest.raises(InvalidInput) as caught:
        evaluation.before_after(
            deals, as_of="2024-07-01", before=case["input"]["before"], after=case["input"]["after"]
        )
    for name in case["expect"]["names"]:
        assert name in str(caught.value)


def test_an_empty_window(hostile):
    assert hostile["O-005"]["expect"]["outcome"] == "result"
    deals = pd.DataFrame(
        {
            "created_on": ["2024-01-02", "2024-02-03"],
            "closed_on": ["2024-01-20", None],
            "outcome": ["won", None],
        }
    )
    effect = evaluation.before_after(deals, changed_on="2024-04-01", as_of="2024-07-01")
    assert math.isnan(effect.estimate)
    assert effect.reason == "no rows after (rows: before 2, after 0)"
    assert not effect.is_significant
    assert "undefined" in effect.explain()
