"""The page on plans tells every option and its default."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("comp_plan_page", Path(__file__).with_name("plan_page.py"))
plan_page = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plan_page)


def test_the_page_has_a_table_for_every_part_of_a_plan():
    text = plan_page.PAGE.read_text(encoding="utf-8")
    missing = [part.__name__ for part in plan_page.PARTS if f"<!-- fields of {part.__name__} -->" not in text]
    assert missing == []


def test_the_tables_of_the_page_are_those_of_the_classes():
    text = plan_page.PAGE.read_text(encoding="utf-8")
    assert plan_page.with_tables(text) == text
