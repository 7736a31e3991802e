# %% [markdown]
# # A commission tool in one file
#
# What an internal tool needs around `salesops.comp`: a form for plans that comes from the JSON Schema, faults
# that land beside the field they belong to, a run, statements as HTML, the reason for every line, and a
# ledger that closes months and books what comes late. It ends with one HTML page:
#
#     python examples/embed_comp_engine.py [folder to write to]
#
# Nothing is kept in memory between the steps but documents: the plan and the ledger travel as JSON, as they
# would through a database.

# %%
import html
import json
import re
import sys
from pathlib import Path
from typing import Any

import salesops
from salesops import InvalidInput, comp
from salesops.models import FiscalCalendar

FORM = (
    "form{max-width:640px}label{display:block;margin:14px 0 2px;font-weight:600}"
    "small{display:block;color:#4a5866}textarea{font-family:monospace}"
    "input,select,textarea{width:100%;box-sizing:border-box;padding:6px 8px;border:1px solid #b9c3cd;"
    "border-radius:6px;font-size:15px}.fault{color:#a3130b;margin:3px 0}.amiss{border-color:#a3130b}"
)


# %% [markdown]
# ## The form
#
# Every field of the document with its description, its choices and its default stands in the schema; the form
# asks for nothing else. Lists and objects are text fields with JSON in them: a real tool would nest.


# %%
class Page:
    """HTML that a report shows as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return self.text


def plan_fields(names: list[str]) -> dict[str, dict[str, Any]]:
    """Take the fields of a plan in its short form out of the schema."""
    schema = comp.CompPlan.json_schema()
    brief = schema["anyOf"][1]
    return {name: {"required": name in brief["required"], **brief["properties"][name]} for name in names}


def plan_form(
    fields: dict[str, dict[str, Any]], written: dict[str, Any], faults: dict[str, list[str]]
) -> Page:
    """Draw the form with what was written in it, each fault beside its field."""
    rows = []
    for name, field in fields.items():
        value = written.get(name, field.get("default", ""))
        amiss = ' class="amiss"' if name in faults else ""
        choices = field.get("enum")
        if choices:
            options = "".join(
                f"<option{' selected' if choice == value else ''}>{html.escape(choice)}</option>"
                for choice in choices
            )
            control = f'<select name="{name}"{amiss}>{options}</select>'
        elif field.get("type") == "array":
            control = f'<textarea rows="4" name="{name}"{amiss}>{html.escape(items_text(value))}</textarea>'
        else:
            text = html.escape(str(value if value is not None else ""), quote=True)
            control = f'<input name="{name}" value="{text}"{amiss}>'
        star = " *" if field["required"] else ""
        told = "".join(f'<p class="fault">{html.escape(fault)}</p>' for fault in faults.get(name, []))
        about = html.escape(field.get("description", ""))
        rows.append(f"<label>{html.escape(name)}{star}</label>{control}{told}<small>{about}</small>")
    return Page(f"<style>{FORM}</style><form>{''.join(rows)}</form>")


def items_text(value: Any) -> str:
    """Write a list of the form, an item a line."""
    return "[\n" + ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n]"


def submit(written: dict[str, Any]) -> tuple[comp.CompPlan | None, dict[str, list[str]]]:
    """Read what was written: a plan, or the faults by the field in which they stand."""
    try:
        return comp.CompPlan.from_dict({"schema_version": 1, **written}), {}
    except InvalidInput as error:
        faults: dict[str, list[str]] = {}
        for problem in error.problems:
            field = re.split(r"[.\[]", problem.path.removeprefix("$."))[0]
            where = problem.path.removeprefix("$.").removeprefix(field)
            said = problem.sentence().partition(": ")[2]
            faults.setdefault(field, []).append(f"{where}: {said}".removeprefix(": "))
        return None, faults


fields = plan_fields(["plan_id", "currency", "basis", "style", "accumulate", "tiers", "negative", "rounding"])
first_try = {
    "plan_id": "ae-2026",
    "currency": "usd",
    "basis": "attainment",
    "accumulate": "year",
    "tiers": [{"from": "0", "rate": "8 %"}, {"from": "1", "rate": "0.12"}],
    "negative": "carry",
}
_, faults = submit(first_try)
print("The first try has faults:")
for name, told in faults.items():
    print(f"  {name}: {'; '.join(told)}")
form_with_faults = plan_form(fields, first_try, faults)

# %% [markdown]
# ## The plan
#
# Corrected, it is read; the tool stores the document. A hold and a draw are further components, so the plan
# is now written in its long form. The linter says what is legal and probably not meant.

# %%
plan, faults = submit(
    first_try | {"currency": "USD", "tiers": [{"from": "0", "rate": "0.08"}, {"from": "1", "rate": "0.12"}]}
)
assert plan is not None
document = plan.to_dict()
document["components"] += [
    {"kind": "hold", "until": "invoice paid", "share": "0.5"},
    {"kind": "draw", "amount": "1500.00"},
]
stored_plan = comp.CompPlan.from_dict(document | {"negative": "allow"}).to_json(indent=2)
plan = comp.CompPlan.from_json(stored_plan)
findings = comp.check(plan)
print(f"\n{findings}")

# %% [markdown]
# ## September is calculated, looked at and closed

# %%
months = FiscalCalendar().periods(2026, by="month")
quotas = [{"rep_id": rep, "amount": "480000.00", "per": "year"} for rep in ("anna", "ben")]
credits = [
    {"credit_id": "c1", "rep_id": "anna", "amount": "461200.00", "earned_on": "2026-08-19"},
    {"credit_id": "c2", "rep_id": "anna", "amount": "80000.00", "earned_on": "2026-09-10"},
    {"credit_id": "c3", "rep_id": "ben", "amount": "12500.00", "earned_on": "2026-08-28"},
    {"credit_id": "c4", "rep_id": "ben", "amount": "40150.55", "earned_on": "2026-09-24"},
]
paid_invoices = [
    {"event_id": 1, "kind": "invoice paid", "happened_on": "2026-09-15", "credit_id": "c1"},
    {"event_id": 2, "kind": "invoice paid", "happened_on": "2026-09-30", "credit_id": "c3"},
]


def calculate(ledger: comp.Ledger, only: list[str] | None = None) -> comp.CompRun:
    """Calculate the year: its quota is that of twelve months. The ledger brings what was owed before it."""
    return comp.calculate(
        comp.CompPlan.from_json(stored_plan),
        credits,
        quotas=quotas,
        events=paid_invoices,
        periods=months,
        prior=ledger,
        only=only,
    )


ledger = comp.Ledger()
run = calculate(ledger)
print(f"\n{run}")
shown = run.statement("anna", "2026-09")
first_line = int(shown.to_frame()["line_id"].iloc[0])
print(f"\n{shown}\n\n{run.explain(first_line)}")

ledger = ledger.post(run, until="2026-09", as_of="2026-10-02")
for month in months[:9]:
    ledger = ledger.close(month.name, as_of="2026-10-05")
stored_ledger, noted = ledger.to_json(), ledger.digest
closed_statement = ledger.statement("ben", "2026-09")

# %% [markdown]
# ## A deal comes late, another one is corrected
#
# The ledger is loaded and proved. Only Ben is calculated anew; whatever differs from what was posted becomes
# an adjustment in October that names the month it corrects. Loading the same file twice books nothing.

# %%
ledger = comp.Ledger.from_json(stored_ledger).verify(known=noted)
credits.append({"credit_id": "c5", "rep_id": "ben", "amount": "20000.00", "earned_on": "2026-09-29"})
credits[3] = credits[3] | {"amount": "40105.55"}
late = calculate(ledger, only=["ben"])
ledger = ledger.post(late, until="2026-09", as_of="2026-10-14")
assert ledger.post(calculate(ledger), until="2026-09", as_of="2026-10-15") == ledger
assert ledger.statement("ben", "2026-09") == closed_statement
anew = calculate(ledger).payouts().query("period <= '2026-09'")
assert ledger.payouts()["paid"].sum() == anew["paid"].sum()

adjustments = ledger.to_frame().query("type == 'adjustment'")
print(f"\n{ledger}\n\n{ledger.statement('ben', '2026-10')}\n")
for number in adjustments["number"].tolist():
    print(ledger.explain(number))
as_it_was = ledger.statement("ben", "2026-09", as_of="2026-10-05")

# %%
page = salesops.report(
    "Commission: plan, statements, ledger",
    {
        "The form, filled in with faults": form_with_faults,
        "The plan as it is stored": [stored_plan, comp.payout_curve(plan, quota="480000").plot()],
        "Anna in September": [shown, str(run.explain(first_line))],
        "Ben in September, as closed": as_it_was,
        "Ben in October, with what came late": [
            ledger.statement("ben", "2026-10"),
            *(str(ledger.explain(number)) for number in adjustments["number"].tolist()),
        ],
        "The ledger": ledger,
    },
)
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
folder.mkdir(parents=True, exist_ok=True)
path = folder / "salesops-commission.html"
path.write_text(page, encoding="utf-8")
print(f"\nThe page: {path.resolve()}")
