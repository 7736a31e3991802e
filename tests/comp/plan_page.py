"""The tables of the page on plans: every field of every part, its default, and what it says.

``python tests/comp/plan_page.py`` writes them into ``docs/comp-plans.md`` anew.
"""

import re
from fractions import Fraction
from pathlib import Path

import attrs

from salesops import comp
from salesops._codec._fields import entries_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "comp-plans.md"
PARTS = (
    comp.CompPlan,
    comp.TargetPay,
    comp.Commission,
    comp.Tier,
    comp.Cap,
    comp.Match,
    comp.Override,
    comp.Bonus,
    comp.BonusPoint,
    comp.Scorecard,
    comp.Goal,
    comp.Matrix,
    comp.Spiff,
    comp.Contest,
    comp.FixedPay,
    comp.Multiplier,
    comp.Factor,
    comp.Gate,
    comp.Floor,
    comp.Guarantee,
    comp.Clawback,
    comp.Hold,
    comp.Draw,
)
MARK = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def shown(default):
    if default is attrs.NOTHING:
        return "required"
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"`{default}`" if isinstance(default, (str, int, Fraction)) else f"`{default!s}`"


def table(part):
    same = {entry.key for entry in entries_of(comp.Commission)} if part is comp.Override else set()
    rows = ["| field | default | meaning |", "| --- | --- | --- |"]
    for entry in entries_of(part):
        if entry.key in same - {"name"}:
            continue
        rows.append(f"| `{entry.key}` | {shown(entry.default)} | {entry.about.text.replace('|', '/')} |")
    return "\n".join(rows)


def with_tables(text):
    names = {part.__name__: part for part in PARTS}
    return MARK.sub(lambda found: f"{found[1]}{table(names[found[2]])}\n{found[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
