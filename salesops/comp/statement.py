"""A statement: what one rep earned in one period, line by line."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import attrs
import pandas as pd

from salesops import _money as money
from salesops._display import html_card, text_card
from salesops._faults import count
from salesops._frames import jsonable
from salesops._money import EXPONENTS

__all__ = ["Statement"]


@attrs.frozen(kw_only=True, repr=False)
class Statement:
    """What one rep earned in one period.

    Parameters
    ----------
    rep_id : hashable
    period : str
    totals : tuple of (currency, minor units)
        What was earned; one entry, unless the rep had plans in several currencies.
    paid, held, balance : int
        Of a statement in one currency: what is paid, what is on hold after it and what the rep then owes.

    Examples
    --------
    >>> from salesops import comp
    >>> plan = comp.CompPlan(
    ...     plan_id="ae", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    ... )
    >>> run = comp.calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
    >>> run.statement("anna")
    Statement of 'anna' for all: 25.00 USD
      lines  1
    <BLANKLINE>
    line_id  component   rule  credit_id  tier  base    rate  amount  running
    -------  ----------  ----  ---------  ----  ------  ----  ------  -------
          0  commission  tier  c1            1  250.00  0.1   25.00   25.00
    """

    rep_id: Hashable
    period: str
    totals: tuple[tuple[str | None, int], ...]
    paid: int
    held: int
    balance: int
    _lines: pd.DataFrame = attrs.field(eq=False, alias="_lines")
    _set_aside: pd.DataFrame = attrs.field(eq=False, alias="_set_aside")

    @property
    def earned(self) -> int:
        """The sum of all lines that earn, in minor units, of a statement in one currency."""
        return sum(amount for _, amount in self.totals)

    @property
    def _title(self) -> str:
        amounts = ", ".join(money_text(amount, code) for code, amount in self.totals)
        return f"Statement of {self.rep_id!r} for {self.period}: {amounts}"

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {"lines": len(self._lines)}
        n_zero = int((self._lines["amount"] == 0).sum())
        if n_zero:
            facts["lines"] = f"{len(self._lines):,}, of which {n_zero:,} pay 0 and are not shown"
        code = self.totals[0][0] if len(self.totals) == 1 else None
        for name in ("paid", "held", "balance"):
            amount = getattr(self, name)
            if amount != (self.earned if name == "paid" else 0) and len(self.totals) == 1:
                facts[name] = money_text(amount, code)
        if len(self._set_aside):
            facts["not paid"] = count(len(self._set_aside), "credit")
        return facts

    def _table(self) -> pd.DataFrame:
        frame = self._lines[self._lines["amount"] != 0]
        shown = frame[["line_id", "component", "rule", "credit_id", "tier", "base", "rate"]].copy()
        places = [EXPONENTS.get(code, 2) for code in frame["currency"].tolist()]
        for name in ("amount", "running"):
            texts = [
                money.format_minor(amount, k, thousands=True)
                for amount, k in zip(frame[name].tolist(), places, strict=True)
            ]
            shown[name] = pd.Series(texts, index=shown.index, dtype=object)
        return shown

    def __repr__(self) -> str:
        return text_card(self._title, self._facts(), self._table())

    def _repr_html_(self) -> str:
        tables = [("Lines", self._table())]
        if len(self._set_aside):
            tables.append(("Credits that are not paid", self._set_aside))
        return html_card(self._title, self._facts(), tables)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def to_frame(self) -> pd.DataFrame:
        """Give the lines; the columns are those of ``CompRun.lines``.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.statement("anna").to_frame()["amount"].tolist()
        [2500]
        """
        return self._lines.copy()

    def set_aside(self) -> pd.DataFrame:
        """Give the rep's credits of the period that are held or rejected, with the reason.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> len(run.statement("anna").set_aside())
        0
        """
        return self._set_aside.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as plain JSON types; amounts are minor units.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.statement("anna").to_dict()["totals"]
        [{'currency': 'USD', 'earned': 2500}]
        """
        return {
            "rep_id": jsonable(self.rep_id),
            "period": self.period,
            "totals": [{"currency": code, "earned": amount} for code, amount in self.totals],
            "paid": self.paid,
            "held": self.held,
            "balance": self.balance,
            "lines": jsonable(self._lines),
            "set_aside": jsonable(self._set_aside),
        }


def money_text(minor: int, currency: str | None) -> str:
    """Write minor units for people, with their currency."""
    text = money.format_minor(minor, EXPONENTS.get(currency or "", 2), thousands=True)
    return f"{text} {currency}" if currency else text
