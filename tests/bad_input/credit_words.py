"""Adapter: the words of the split, hierarchy and formula cases to the real calls."""

from __future__ import annotations

from typing import Any

from salesops import comp

FIELDS = {"amount": "money", "units": "count"}


def credit(case: dict[str, Any]) -> comp.CreditRun:
    """Credit the deals that the credits of a case stand for, with its splits or its managers."""
    given = case["input"]
    rule: dict[str, Any] = {"name": "all"}
    rows = given.get("credits", [{"credit_id": "c1", "rep_id": 0, "amount": "1.00"}])
    deals = [
        {
            "deal_id": row.get("deal_id", row["credit_id"]),
            "rep_id": row.get("rep_id"),
            "amount": row["amount"],
        }
        for row in rows
    ]
    splits, reporting = given.get("splits"), given.get("managers")
    if isinstance(splits, str):  # C-028 says in words what to build
        splits = [{"deal_id": "d1", "rep_id": rep, "share": "0.1"} for rep in "abcdefghij"]
        deals[0]["deal_id"] = "d1"
    if "gen" in given:
        reporting = [[k, k + 1] for k in range(9_999)]
    if reporting is not None:
        rule["overlays"] = [{"to": "manager"}]
        reporting = [{"rep_id": low, "manager_id": high} for low, high in reporting]
    rules = comp.CreditRules.from_dict({"schema_version": 1, "currency": "USD", "rules": [rule]})
    return comp.credit(deals, rules, splits=splits, reporting=reporting)


def formula(case: dict[str, Any]) -> Any:
    """Load the formulas of a case, and evaluate them for its row."""
    given = case["input"]
    if "formulas" in given:
        rule = {"name": "all", "value": "amount"}
        document = {"schema_version": 1, "measures": given["formulas"], "rules": [rule]}
        return comp.CreditRules.from_dict(document)
    text = given["formula"]
    if case["id"] == "D-017":
        text = "(" * 5000 + "1" + ")" * 5000
    expression = comp.Expression(text=text, fields=FIELDS)
    if given["call"] == "parse_formula":
        return expression
    row = given.get("row", {})
    return expression.evaluate({name: int(v) if name == "units" else v for name, v in row.items()})
