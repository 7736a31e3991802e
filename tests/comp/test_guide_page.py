"""The guide on pay tells every option and its default, and its first plan takes fifteen lines."""

import importlib.util
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

_spec = importlib.util.spec_from_file_location("comp_guide_page", Path(__file__).with_name("guide_page.py"))
guide_page = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(guide_page)


def text():
    return guide_page.PAGE.read_text(encoding="utf-8")


def test_the_guide_has_a_table_for_every_call():
    assert [name for name in guide_page.CALLS if f"<!-- options of {name} -->" not in text()] == []


def test_the_tables_of_the_guide_are_those_of_the_calls():
    assert guide_page.with_tables(text()) == text()


def test_a_plan_with_tiers_quota_split_draw_and_cap_takes_fifteen_lines_at_most():
    code = re.search(r"```python\n(.*?)```", text(), re.DOTALL)[1]
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 15
    for word in ("tiers", "quotas", "splits", "Draw", "cap"):
        assert word in code
    world = {}
    with redirect_stdout(io.StringIO()):
        exec(code, world)  # noqa: S102  (the project's own page)
    paid = world["run"].payouts().set_index("rep_id")[["earned", "paid", "balance"]]
    assert paid.loc["ben"].tolist() == [144_000, 200_000, 56_000]
    assert paid.loc["anna"].tolist() == [800_000, 800_000, 0]
