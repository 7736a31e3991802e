"""Look a plan over before anybody is paid by it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pandas as pd

from salesops._display import html_card, text_table
from salesops._faults import count, raise_all, refuse
from salesops._frames import Labels, Reader
from salesops.comp._lint_plan import lint_plan
from salesops.comp._lint_rows import SEVERITIES, Document, Finding, parts_of
from salesops.comp.plan import CompPlan
from salesops.errors import InvalidInput, Problem, SalesOpsWarning, show

__all__ = ["Finding", "PlanCheck", "check"]

_REFUSED = {
    "tiers leave a hole": "tier-gap",
    "tiers overlap": "tier-overlap",
    "tiers stand in rising order and each threshold stands once": "tier-order",
    "the first tier starts at 0": "tier-start",
    "points stand in rising order and each stands once": "point-order",
    "the first point is at 0": "point-start",
    "the guarantee is above the cap": "guarantee-above-cap",
    "two components have the same name": "same-name",
    "unknown field": "unknown-field",
    "is missing": "missing-field",
    "unknown choice": "unknown-choice",
    "an exact number is never a binary float": "float",
}


@attrs.frozen(kw_only=True, repr=False)
class PlanCheck:
    """What was found; made by :func:`check`. It has a length: ``if comp.check(plan):`` asks for findings.

    Parameters
    ----------
    plan_id : str
    findings : tuple of Finding
        Errors first, then by place in the plan.

    Examples
    --------
    >>> tiers = [{"from": "0", "rate": "0.1"}, {"from": "1000", "rate": "0.05"}]
    >>> part = {"kind": "commission", "style": "whole_amount", "tiers": tiers}
    >>> check(CompPlan(plan_id="ae", currency="USD", components=[part]))
    PlanCheck('ae': 1 warning)
    - $.components[0].tiers[1].rate: passing a threshold pays less than staying below it (50 less pay at
    1,000); write "style": "marginal", or let rates rise
    """

    plan_id: str
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def _tally(self) -> str:
        tally = [(name, sum(one.severity == name for one in self.findings)) for name in SEVERITIES]
        return ", ".join(count(n, name) for name, n in tally if n) or "nothing found"

    def __repr__(self) -> str:
        lines = [f"PlanCheck({self.plan_id!r}: {self._tally()})"]
        for one in self.findings:
            found = f" ({one.found})" if one.found else ""
            hint = f"; {one.hint}" if one.hint else ""
            lines.append(f"- {one.path}: {one.message}{found}{hint}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = [("Findings", self.to_frame())] if self.findings else []
        return html_card(f"Check of {self.plan_id}", {"found": self._tally()}, tables)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each finding.

        Returns
        -------
        DataFrame
            ``severity, code, path, message, found, hint``.

        Examples
        --------
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0"}]}
        >>> check(CompPlan(plan_id="ae", currency="USD", components=[part])).to_frame()["code"].tolist()
        ['pays-nothing']
        """
        names = ["severity", "code", "path", "message", "found", "hint"]
        return pd.DataFrame([one.to_dict() for one in self.findings], columns=names)

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> check(CompPlan(plan_id="ae", currency="USD", components=[part])).to_dict()
        {'plan_id': 'ae', 'findings': []}
        """
        return {"plan_id": self.plan_id, "findings": [one.to_dict() for one in self.findings]}

    def explain(self) -> str:
        """Write the findings as a table of text.

        Returns
        -------
        str

        Examples
        --------
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> check(CompPlan(plan_id="ae", currency="USD", components=[part])).explain()
        'Nothing was found.'
        """
        return text_table(self.to_frame()) if self.findings else "Nothing was found."


def check(
    plan: CompPlan | Mapping[str, Any],
    *,
    quotas: object = None,
    reps: object = None,
    notes: bool = False,
) -> PlanCheck:
    """Look for what was probably not meant: cliffs, tiers out of reach, targets not earned, and more.

    Parameters
    ----------
    plan : CompPlan or mapping
        A plan, or its document; what keeps a document from being a plan is found as an error.
    quotas : table, optional
        ``rep_id, amount[, measure]``, as for :func:`calculate`. With `reps`, those who lack one are found.
    reps : table, optional
        ``rep_id``: who will have the plan.
    notes : bool, default False
        True tells what is only worth knowing, too.

    Returns
    -------
    PlanCheck

    Notes
    -----
    A component of a kind that no rule knows is passed over. Nothing is paid: thresholds, rates and limits are
    compared exactly.

    Examples
    --------
    >>> document = {
    ...     "schema_version": 1,
    ...     "plan_id": "ae",
    ...     "currency": "USD",
    ...     "tiers": [
    ...         {"from": "0", "to": "1000", "rate": "0.05"},
    ...         {"from": "1001", "to": "5000", "rate": "5"},
    ...     ],
    ... }
    >>> [(one.severity, one.code, one.path) for one in check(document)]
    [('error', 'tier-gap', '$.tiers[1].from')]
    """
    findings: list[Finding] = []
    known: CompPlan | None
    if isinstance(plan, CompPlan):
        known = plan
    elif isinstance(plan, Mapping):
        known = _read(plan, findings)
    else:
        raise refuse("plan", "is neither a CompPlan nor its document", type(plan).__name__)
    name = show(plan.get("plan_id")) if isinstance(plan, Mapping) else ""
    if known is not None:
        name = known.plan_id
        document = known.to_dict()
        findings += lint_plan(document)
        findings += _missing_quotas(document, quotas, reps)
    shown = [one for one in findings if notes or one.severity != "note"]
    shown.sort(key=lambda one: SEVERITIES.index(one.severity))
    return PlanCheck(plan_id=name, findings=tuple(shown))


def _read(document: Document, findings: list[Finding]) -> CompPlan | None:
    """Read a document; what is wrong with it is found as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SalesOpsWarning)
        try:
            return CompPlan.from_dict(document)
        except InvalidInput as error:
            findings.extend(map(_error, error.problems))
    return None


def _error(problem: Problem) -> Finding:
    code = _REFUSED.get(problem.message, "refused")
    near = f"did you mean {' or '.join(problem.suggestions)}?" if problem.suggestions else ""
    hint = "; ".join(text for text in (problem.hint, near) if text)
    found = ", ".join(problem.values)
    return Finding(
        code=code, severity="error", path=problem.path, message=problem.message, found=found, hint=hint
    )


def _missing_quotas(plan: Document, quotas: object, reps: object) -> Iterator[Finding]:
    """Find reps without a quota where the plan pays by attainment."""
    needing = [part for part in parts_of(plan) if part.on_attainment and _counts(part.row)]
    if reps is None or not needing:
        return
    faults: list[Problem] = []
    listed = Reader(reps, "reps", faults=faults).ids("rep_id", unique=True)
    given = Reader(quotas if quotas is not None else [], "quotas", faults=faults)
    owners = given.ids("rep_id")
    measures = given.texts("measure", optional=True)
    raise_all("check", faults)
    for part in needing:
        wanted = part.row.get("measure")
        mine = [k for k, name in enumerate(measures) if wanted is None or name in (None, wanted)]
        covered = Labels.of(owners.take(mine) if mine else owners.take([]))  # type: ignore[arg-type]  # rows
        lacking = [label for label in listed.distinct.tolist() if covered.position(label) < 0]
        if lacking:
            found = ", ".join(map(show, lacking[:5])) + (
                f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            )
            message = "reps have no quota, and the component pays by attainment"
            yield part.find("missing-quota", "basis", message, found, "give each a quota", severity="error")


def _counts(row: Document) -> bool:
    return row.get("kind") in ("commission", "override", "bonus", "gate", "multiplier") and not (
        row.get("kind") == "multiplier" and row.get("field") is not None
    )
