"""Adapter: the words of the plan, credit and money cases to the real calls."""

from __future__ import annotations

import json
from typing import Any

from salesops import comp

HEAD = {"schema_version": 1, "plan_id": "case"}
FLAT = {"tiers": [{"from": "0", "rate": "0.10"}]}


def document(case: dict[str, Any]) -> Any:
    """The JSON text of a codec case, exactly as received."""
    given = case["input"]
    if case["id"] == "D-004":
        return "[" * 100_000
    if case["id"] == "D-005":
        return '{"schema_version": 1, "cap": ' + "9" * 5000 + ', "tiers": []}'
    if case["id"] == "D-006":
        tiers = [{"from": str(k), "rate": "0.1"} for k in range(300_000)]
        return json.dumps({**HEAD, "tiers": tiers})
    if "bytes" in given:
        return bytes(int(part, 16) for part in given["bytes"].split())
    return given["text"].replace("\ud800", "\\ud800")


def _dates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {"from": "start", "to": "end", "date": "earned_on"}
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def run(case: dict[str, Any]) -> Any:
    """Load the plan of the case and, if it has credits, calculate."""
    given = case["input"]
    plan = comp.CompPlan.from_dict({**HEAD, **given.get("plan", FLAT)})
    if given["call"] == "load_plan" or str(given["call"]).startswith("CompPlan built"):
        return plan
    credits: Any = given.get("credits_frame", given.get("credits", []))
    if isinstance(credits, list):
        credits = [
            {"rep_id": "r1", "currency": "USD", **row} if "deal_id" not in row else row
            for row in _dates(credits)
        ]
    else:
        credits = {**credits, "currency": ["USD"] * len(credits["credit_id"])}
    options = dict(given.get("options", {}))
    for word in ("quotas", "assignments"):
        if word in given:
            options[word] = _dates(given[word])
    for word in ("reps", "reps_frame"):
        if word in given:
            options["reps"] = given[word]
    return comp.calculate(plan, credits, **options)
