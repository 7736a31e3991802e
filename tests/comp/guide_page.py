"""The tables of the guide on pay: every option of every call, its default, and what it says.

``python tests/comp/guide_page.py`` writes them into ``docs/comp-guide.md`` anew.
"""

import inspect
import re
from pathlib import Path

from salesops import comp

PAGE = Path(__file__).resolve().parents[2] / "docs" / "comp-guide.md"
CALLS = {
    "calculate": comp.calculate,
    "credit": comp.credit,
    "Ledger.post": comp.Ledger.post,
    "Ledger.close": comp.Ledger.close,
    "Ledger.verify": comp.Ledger.verify,
    "Ledger.statement": comp.Ledger.statement,
    "Ledger.from_dict": comp.Ledger.from_dict,
}
MARK = re.compile(r"(<!-- options of ([\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def told(call):
    """Give the text of each parameter as its docstring has it."""
    text = re.search(r"Parameters\n-+\n(.*?)\n\w+\n-+\n", inspect.getdoc(call), re.DOTALL)[1]
    found = re.findall(r"^(\w+)(?: : ([^\n]*))?\n?((?:^ +[^\n]*\n?|^\n)*)", text, re.MULTILINE)
    plain = {name: re.sub(r":\w+:`~?([^`]*)`", r"`\1`", said.replace("``", "`")) for name, _, said in found}
    return {name: " ".join(plain[name].split()) or kind for name, kind, _ in found}


def shown(parameter):
    if parameter.default is inspect.Parameter.empty:
        return "required"
    return "none" if parameter.default is None else f"`{parameter.default}`"


def table(call):
    rows, said = ["| option | default | meaning |", "| --- | --- | --- |"], told(call)
    for name, parameter in inspect.signature(call).parameters.items():
        if name not in ("self", "cls"):
            rows.append(f"| `{name}` | {shown(parameter)} | {said[name].replace('|', '/')} |")
    return "\n".join(rows)


def with_tables(text):
    return MARK.sub(lambda found: f"{found[1]}{table(CALLS[found[2]])}\n{found[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
