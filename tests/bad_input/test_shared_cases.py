"""The shared bad inputs, read as they are written and fed to the real calls.

A case passes if its error is of the right kind and names what it must, if its figure is the stated one,
or, where the answer is told in words, if what the words say of it holds. Cases that need more than one call
are tests of their wing.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import credit_words
import graph_words
import plan_words
import pytest
import yaml

from salesops import comp, forecast
from salesops.errors import InvalidInput, SalesOpsError, SalesOpsWarning

Runner = Callable[[dict[str, Any]], Any]


def _ids(letter: str, *spans: tuple[int, int]) -> list[str]:
    return [f"{letter}-{k:03d}" for first, last in spans for k in range(first, last + 1)]


def _read_plan(case: dict[str, Any]) -> Any:
    return comp.CompPlan.from_json(plan_words.document(case))


def _funnel(case: dict[str, Any]) -> Any:
    given = case["input"]
    history = [
        {("deal_id" if k == "opp_id" else "entered_on" if k == "at" else k): v for k, v in row.items()}
        for row in given["history"]
    ]
    options = {"as_of": given["as_of"]} if "as_of" in given else {}
    options |= {"zone": given["options"]["tz"]} if "tz" in given.get("options", {}) else {}
    return forecast.funnel(history, given["stages"], **options)


RUNNERS: dict[str, Runner] = {
    **dict.fromkeys(_ids("G", (2, 2), (4, 6), (8, 35), (38, 39), (41, 41)), graph_words.run),
    **dict.fromkeys(
        _ids("C", (1, 2), (5, 16), (20, 25), (40, 42), (45, 48), (51, 52), (59, 61)), plan_words.run
    ),
    **dict.fromkeys(_ids("D", (1, 13)), _read_plan),
    **dict.fromkeys(_ids("F", (1, 1), (4, 7), (18, 18)), _funnel),
    **dict.fromkeys(_ids("C", (26, 32)), credit_words.credit),
    **dict.fromkeys(_ids("D", (14, 21)), credit_words.formula),
}


def _no_reps(plan: Any) -> None:
    frame = plan.to_frame()
    assert len(frame) == 3
    assert frame["rep_id"].isna().all()
    assert frame["reason"].tolist() == ["no rep"] * 3


def _no_leads(plan: Any) -> None:
    assert len(plan.to_frame()) == 0
    assert plan.loads()["load"].tolist() == [0, 0]
    assert plan.to_dict()


def _nothing(plan: Any) -> None:
    assert len(plan.to_frame()) == 0
    assert type(plan).from_dict(plan.to_dict()).to_dict() == plan.to_dict()


def _full_at_zero(plan: Any) -> None:
    assert plan.to_frame()["rep_id"].tolist() == ["r2"]
    said = repr(plan.explain("p1"))
    assert re.search(r"rep 'r1' is closer .* but full \(capacity 0\)", said)


def _one_too_many(plan: Any) -> None:
    frame = plan.to_frame().set_index("lead_id")
    assert frame.loc[["p1", "p2"], "rep_id"].tolist() == ["r1", "r1"]
    assert frame.loc[["p3"], "rep_id"].isna().all()
    assert frame.loc["p3", "reason"] == "capacity"


def _new_hire(plan: Any) -> None:
    owner = plan.to_frame().set_index("lead_id")["rep_id"].to_dict()
    assert owner == {"p1": "r1", "p2": "new_hire"}
    assert plan.loads()["rep_id"].tolist() == ["new_hire", "r1"]


def _stranger(plan: Any) -> None:
    row = plan.to_frame().set_index("lead_id").loc[["stranger"]]
    assert len(row) == 1
    assert row["rep_id"].isna().all()
    assert (row["reason"].tolist(), row["score"].tolist()) == (["no connection"], [0.0])


def _without_consent(plan: Any) -> None:
    assert plan.to_frame()["rep_id"].tolist() == ["r2"]
    assert "'r1'" not in repr(plan.explain("p1"))
    assert "1 tie" in "".join(str(note) for note in plan.prox.graph.report)


def _islands(prox: Any) -> None:
    assert prox.score("r1", "p2") == prox.score("r2", "p1") == 0
    assert prox.score("r1", "p1") > 0


def _two_without_quota(run: comp.CompRun) -> None:
    assert run.payouts().set_index("rep_id")["paid"].to_dict()["r1"] == 500
    held = run.held().set_index("credit_id")
    assert sorted(held.index) == ["c2", "c3"]
    assert held["reason"].str.contains("no quota").all()
    assert len(held) + len(run.rejected()) + 1 == 3


def _no_credits(run: comp.CompRun) -> None:
    assert run.payouts()["rep_id"].tolist() == ["r1", "r2"]
    assert run.payouts()["paid"].tolist() == [0, 0]
    assert len(run.lines()) == 0
    assert "amount" in run.lines().columns


def _three_parts(run: comp.CreditRun) -> None:
    frame = run.to_frame()
    assert dict(zip(frame["rep_id"], frame["amount"], strict=True)) == {
        "a": "33.34",
        "b": "33.33",
        "c": "33.33",
    }


def _ten_tenths(run: comp.CreditRun) -> None:
    assert run.to_frame()["amount"].tolist() == ["0.01"] * 7 + ["0.00"] * 3


def _ten_thousand_levels(run: comp.CreditRun) -> None:
    frame = run.to_frame()
    assert frame["rep_id"].nunique() == len(frame) == 10_000
    assert set(frame["amount"]) == {"1.00"}


def _is_true(answer: Any) -> None:
    assert answer is True


WORDS: dict[str, Callable[[Any], None]] = {
    "G-015": _new_hire,
    "G-016": _stranger,
    "G-017": _no_reps,
    "G-019": _no_leads,
    "G-020": _nothing,
    "G-021": _full_at_zero,
    "G-024": _one_too_many,
    "G-032": _islands,
    "G-041": _without_consent,
    "C-015": _two_without_quota,
    "C-025": _no_credits,
    "C-027": _three_parts,
    "C-028": _ten_tenths,
    "C-031": _ten_thousand_levels,
    "D-019": _is_true,
}


@functools.cache
def _cases(folder: Path) -> dict[str, dict[str, Any]]:
    with (folder / "bad-input" / "cases.yaml").open(encoding="utf-8") as file:
        cases = {case["id"]: case for case in yaml.safe_load(file)["cases"]}
    for case in cases.values():
        like = case["input"].get("like")
        if like:
            case["input"] = {**cases[like]["input"], **case["input"]}
    return cases


def _told(error: SalesOpsError) -> str:
    parts = [str(error)]
    for problem in error.problems:
        parts += [problem.path, *map(str, problem.rows), *problem.ids, *problem.values, *problem.suggestions]
    return "\n".join(parts)


@pytest.mark.parametrize("name", RUNNERS)
def test_a_shared_bad_input_is_answered_as_written(name: str, shared: Path) -> None:
    case = _cases(shared)[name]
    expect = case["expect"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result, error = RUNNERS[name](case), None
        except SalesOpsError as raised:
            result, error = None, raised
    names = [str(item) for item in expect.get("names", [])]
    if expect["outcome"] == "warning":
        told = "\n".join(str(warning.message) for warning in caught if warning.category is SalesOpsWarning)
        told += _told(error) if error else ""
        assert [item for item in names if item not in told] == []
    elif expect["outcome"] == "error" or (expect["outcome"] == "either" and error is not None):
        assert type(error).__name__ == expect["error"], error
        assert [item for item in names if item not in _told(error)] == [], str(error)
        assert len(str(error)) < 4000
    else:
        assert error is None, str(error)
        if isinstance(expect.get("result"), dict) and "payout" in expect["result"]:
            assert _payouts(result) == expect["result"]["payout"]
        elif expect["outcome"] != "either":
            WORDS[name](result)


def _payouts(run: comp.CompRun) -> str:
    (row,) = run.payouts().to_dict("records")
    digits = {"USD": 2, "KWD": 3}[row["currency"]]
    return f"{row['paid'] // 10**digits}.{row['paid'] % 10**digits:0{digits}d}"


@pytest.mark.parametrize(
    "amount", ["1_000", " 12 ", "１２", "१२", "+5", "0x10", "1e3", "NaN", "Infinity", "sNaN"]
)
def test_a_text_that_is_no_plain_number_is_no_money(amount: str) -> None:
    credits = [{"credit_id": "c1", "rep_id": "r1", "amount": amount, "currency": "USD"}]
    plan = comp.CompPlan.from_dict({**plan_words.HEAD, **plan_words.FLAT})
    with pytest.raises(InvalidInput) as caught:
        comp.calculate(plan, credits)
    assert "c1" in _told(caught.value)
    assert "credits.amount" in _told(caught.value)
