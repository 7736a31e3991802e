"""The commission tool of examples/: the form, the faults beside their fields, a month that stays closed."""

import json
import os
import runpy
import sys

import pytest

from salesops import comp


@pytest.fixture(scope="module")
def tool(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tool")
    script = str(root / "examples/embed_comp_engine.py")
    before = sys.argv
    sys.argv = [script, os.fspath(folder)]
    try:
        yield runpy.run_path(script) | {
            "html": (folder / "salesops-commission.html").read_text(encoding="utf-8")
        }
    finally:
        sys.argv = before


def test_the_form_asks_for_what_the_schema_says(tool):
    fields = tool["plan_fields"](["plan_id", "style", "tiers"])
    form = tool["plan_form"](fields, {}, {})._repr_html_()
    assert fields["style"]["enum"] == ["marginal", "whole_amount"]
    assert "<option selected>marginal</option><option>whole_amount</option>" in form
    assert fields["tiers"]["description"] in form


def test_faults_land_beside_their_fields_and_names_are_escaped(tool):
    plan, faults = tool["submit"]({"plan_id": "<b>", "currency": "usd", "tiers": []})
    assert plan is None
    assert set(faults) == {"currency", "tiers"}
    fields = tool["plan_fields"](["plan_id", "currency", "tiers"])
    form = tool["plan_form"](fields, {"plan_id": "<b>", "tiers": []}, faults)._repr_html_()
    assert form.count('class="fault"') == 2
    assert "<b>" not in form


def test_what_is_written_in_the_form_is_the_plan(tool):
    plan, faults = tool["submit"](
        {"plan_id": "p", "currency": "USD", "tiers": [{"from": "0", "rate": "0.1"}]}
    )
    assert faults == {}
    assert isinstance(plan, comp.CompPlan)


def test_the_closed_month_stays_and_the_late_deal_is_an_adjustment(tool):
    ledger, noted = tool["ledger"], json.loads(tool["stored_ledger"])["digest"]
    assert ledger.verify(known=noted) is ledger
    assert ledger.statement("ben", "2026-09") == tool["as_it_was"] == tool["closed_statement"]
    assert {"c4", "c5"} <= set(tool["adjustments"]["credit_id"].dropna())
    assert set(tool["adjustments"]["period"]) == {"2026-09"}


def test_the_page_stands_alone(tool):
    assert '<form><label>plan_id *</label><input name="plan_id"' in tool["html"]
    assert "Corrections of closed periods" in tool["html"]
    assert "<script" not in tool["html"]
    assert "http" not in tool["html"].replace("http-equiv", "")
