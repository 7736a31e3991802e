"""Findings of a plan, and plans as plain rows: what the rules of the linter read and write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

import attrs

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
Document = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Finding:
    """One thing about a plan that was probably not meant.

    Parameters
    ----------
    code : str
        Short name of the rule, such as "cliff".
    severity : {"error", "warning", "note"}
        error: the plan is refused or a run of it will stop; warning: probably not meant; note: worth knowing.
    path : str
        Where in the document.
    message : str
        The rule, without data.
    found : str
        What was found.
    hint : str
        What to do.

    Examples
    --------
    >>> Finding(code="cliff", severity="warning", path="$.cap", message="more sales pay less")
    Finding(code='cliff', severity='warning', path='$.cap', message='more sales pay less', found='', hint='')
    """

    code: str
    severity: Severity
    path: str
    message: str
    found: str = ""
    hint: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> Finding(code="cliff", severity="note", path="$.cap", message="pays less").to_dict()["code"]
        'cliff'
        """
        return attrs.asdict(self)


class Part(NamedTuple):
    """A component as its document, with its place, its plan, and numbers as rationals."""

    row: Document
    path: str
    plan: Document

    def number(self, name: str) -> Fraction | None:
        """Read a number of the component."""
        return number(self.row.get(name))

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Read a table of the component, its numbers as rationals."""
        table = self.row.get(name)
        if not isinstance(table, (list, tuple)):
            return []
        return [
            {key: _cell(value) for key, value in row.items()} for row in table if isinstance(row, Mapping)
        ]

    def find(
        self,
        code: str,
        where: str,
        message: str,
        found: str = "",
        hint: str = "",
        *,
        severity: Severity = "warning",
    ) -> Finding:
        """Make a finding at a place of the component."""
        path = f"{self.path}.{where}" if where and not where.startswith("[") else f"{self.path}{where}"
        return Finding(code=code, severity=severity, path=path, message=message, found=found, hint=hint)

    @property
    def on_attainment(self) -> bool:
        """Whether its steps are multiples of quota."""
        usual = "amount" if self.row.get("kind") in ("commission", "override") else "attainment"
        return bool(self.row.get("basis", usual) == "attainment" and self.row.get("metric") is None)


def number(value: object) -> Fraction | None:
    """Read an exact number; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Fraction, Decimal)):
        return None
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _cell(value: object) -> object:
    read = number(value)
    return value if read is None else read


def text(value: Fraction) -> str:
    """Write a rational for people."""
    return f"{float(value):,.6g}"


def percent(value: Fraction) -> str:
    """Write a share for people."""
    return f"{float(value) * 100:,.6g} %"


def parts_of(plan: Document) -> Iterator[Part]:
    """Go through the components of a plan."""
    for k, row in enumerate(plan.get("components", ())):
        if isinstance(row, Mapping):
            yield Part(row, f"$.components[{k}]", plan)


def cap_of(row: Document) -> tuple[Fraction | None, str]:
    """Read the cap of a plan or a component: its amount, and what it is per."""
    cap = row.get("cap")
    if isinstance(cap, Mapping):
        return number(cap.get("amount")), str(cap.get("per", "period"))
    return number(cap), "period"
