"""What a run has found: payouts, lines, what became of each credit, and how it all adds up."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd

from salesops._display import html_card
from salesops._faults import count
from salesops._frames import id_column, jsonable
from salesops._money import IntArray
from salesops._version import __version__
from salesops.comp._account import (
    attained_frame,
    credit_frame,
    draw_payouts,
    readable_payouts,
    reconciled,
)
from salesops.comp._digest import digest
from salesops.comp._find import check_line, find_period, find_rep
from salesops.comp._inputs import Call
from salesops.comp._keys import line_keys
from salesops.comp._line import line_at
from salesops.comp._lines import Lines, Names, lines_frame
from salesops.comp._parts import changed_call
from salesops.comp._proof import proof_of
from salesops.comp._seats import Given
from salesops.comp._tables import Attained, CreditTable, Totals
from salesops.comp._triage import HELD, REJECTED, STATUSES
from salesops.comp.explain import Explanation, explain_line
from salesops.comp.marginal import Marginal, marginal_of
from salesops.comp.plan import CompPlan
from salesops.comp.statement import Statement, money_text
from salesops.errors import InvalidInput, Problem, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CompRun"]


@attrs.frozen(kw_only=True, repr=False)
class CompRun:
    """What was calculated, with the facts behind every minor unit; made by :func:`calculate`.

    Examples
    --------
    >>> from salesops import comp
    >>> plan = comp.CompPlan(
    ...     plan_id="ae", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    ... )
    >>> run = comp.calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
    >>> run
    CompRun(1 statement, 1 line; credits: 1 paid, 0 held, 0 rejected; 25.00 USD)
    """

    _names: Names = attrs.field(alias="_names")
    _totals: Totals = attrs.field(alias="_totals")
    _table: Lines = attrs.field(alias="_table")
    _credits: CreditTable = attrs.field(alias="_credits")
    _attained: Attained = attrs.field(alias="_attained")
    _events: pd.DataFrame = attrs.field(alias="_events", eq=False)
    _given: Given = attrs.field(alias="_given", eq=False, repr=False)
    _call: Call = attrs.field(alias="_call", eq=False, repr=False)

    @cached_property
    def input_digest(self) -> str:
        """SHA-256 of what the tables said, whatever the order of their rows."""
        return digest(self._given, self._credits.order)

    @property
    def plans(self) -> tuple[CompPlan, ...]:
        """The plans of the run."""
        return self._names.plans

    @property
    def periods(self) -> tuple[str, ...]:
        """The names of the periods, in order of time."""
        return self._names.periods

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def payouts(self) -> pd.DataFrame:
        """Give one row for each rep, period and currency.

        Returns
        -------
        DataFrame
            ``rep_id, period, earned, paid, held, balance`` in minor units of ``currency``. ``held`` is what
            is on hold after the period, ``balance`` what the rep owes: draws not recovered, and pay below 0
            that is carried on.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.payouts()[["rep_id", "period", "earned", "currency"]]
          rep_id period  earned currency
        0   anna    all    2500      USD
        """
        totals = self._totals
        columns = {
            "rep_id": self._names.rep_column(totals.rep),
            "period": self._names.period_column(totals.period),
            "earned": totals.earned.copy(),
            "paid": totals.paid.copy(),
            "held": totals.held.copy(),
            "balance": totals.balance.copy(),
            "currency": id_column(totals.currency),
        }
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Give the payouts.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> len(run.to_frame())
        1
        """
        return self.payouts()

    def lines(self, *, keys: bool = False) -> pd.DataFrame:
        """Give one row for each step of each payout.

        Parameters
        ----------
        keys : bool, default False
            True adds ``line_key``, an id by content: what a line stands for (rep, period, plan, component,
            rule, credit, tier), whatever it pays and whatever other lines the run has.

        Returns
        -------
        DataFrame
            ``line_id`` (whole numbers from 0), ``rep_id, period, plan_id, component, rule``, ``credit_id``
            (if the line stands for one), ``tier`` (1 is the first), ``start, end, base, exact`` as exact text
            in major units, ``rate`` as exact text, ``amount`` and the statement's ``running`` total in minor
            units of ``currency``. ``base`` times ``rate`` is ``exact``; what is rounded is the total to date.
            Of a cap or guarantee, ``start`` and ``end`` are the total before and after it.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.lines()[["rep_id", "credit_id", "tier", "base", "rate", "exact", "amount"]]
          rep_id credit_id  tier    base rate  exact  amount
        0   anna        c1     1  250.00  0.1  25.00    2500
        """
        frame = lines_frame(self._table, self._names, np.arange(len(self._table)))
        return frame.assign(line_key=id_column(line_keys(self._table, self._names))) if keys else frame

    def credits(self) -> pd.DataFrame:
        """Give every credit with what became of it, in the order of the table given.

        Returns
        -------
        DataFrame
            ``credit_id, rep_id, period, amount`` (minor units; missing if it could not be read), ``currency,
            status, reason, detail``, and the columns of the caller that the run did not read.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> credits = [{"credit_id": "c1", "rep_id": rep, "amount": "250.00"} for rep in ("anna", "anna")]
        >>> run = calculate(plan, credits, on_error="hold")
        >>> run.credits()[["credit_id", "amount", "status"]]
          credit_id  amount    status
        0        c1   25000      paid
        1        c1   25000  rejected
        """
        return self._credit_frame(np.arange(len(self._credits.status)), extra=True)

    def held(self) -> pd.DataFrame:
        """Give the credits that wait for something, such as a quota, with the reason.

        Returns
        -------
        DataFrame
            The columns of :meth:`credits`, ordered by rep, day and credit.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> credits = [{"credit_id": "c1", "rep_id": rep, "amount": "250.00"} for rep in ("anna", "anna")]
        >>> run = calculate(plan, credits, on_error="hold")
        >>> len(run.held())
        0
        """
        return self._with_status(HELD)

    def rejected(self) -> pd.DataFrame:
        """Give the credits that are never paid as they stand, such as repeats, with the reason.

        Returns
        -------
        DataFrame
            The columns of :meth:`credits`, ordered by rep, day and credit.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> credits = [{"credit_id": "c1", "rep_id": rep, "amount": "250.00"} for rep in ("anna", "anna")]
        >>> run = calculate(plan, credits, on_error="hold")
        >>> run.rejected()["detail"].tolist()
        ['credit_id: repeats another row with the same content']
        """
        return self._with_status(REJECTED)

    def _with_status(self, status: int) -> pd.DataFrame:
        order = self._credits.order
        return self._credit_frame(order[self._credits.status[order] == status])

    def _credit_frame(self, rows: IntArray, *, extra: bool = False) -> pd.DataFrame:
        return credit_frame(self._credits, self._names, rows, extra=extra)

    def events(self) -> pd.DataFrame:
        """Give every event of the run and whether it released or took back anything.

        Returns
        -------
        DataFrame
            ``event_id, kind, happened_on`` and ``status``: "counted", "repeated" (the same event came before)
            or "unused" (no component of a plan asks for it, or it found nothing).

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> len(run.events())
        0
        """
        return self._events.copy()

    def attainment(self) -> pd.DataFrame:
        """Give credited amounts against quotas, for each component that pays by attainment.

        Returns
        -------
        DataFrame
            ``rep_id, period, plan_id, component, credited, quota`` in minor units, ``attainment`` as a float
            for reading (missing without a quota) and ``attainment_percent`` as text of two decimals. A
            component that accumulates over a quarter or the year counts what was credited in it to date,
            against its quota.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> part = {"kind": "commission", "basis": "attainment", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[part])
        >>> credits = [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}]
        >>> run = calculate(plan, credits, quotas=[{"rep_id": "anna", "amount": "200.00"}])
        >>> run.attainment()[["rep_id", "component", "credited", "quota", "attainment"]]
          rep_id   component  credited  quota  attainment
        0   anna  commission     25000  20000        1.25
        """
        return attained_frame(self._attained, self._names)

    def statement(self, rep_id: Hashable, period: str | None = None) -> Statement:
        """Give what one rep earned in one period, line by line.

        Parameters
        ----------
        rep_id : hashable
        period : str, optional
            Name of the period; may be left out if the run has only one.

        Returns
        -------
        Statement

        Raises
        ------
        InvalidInput
            If the run has no such statement.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.statement("anna").earned
        2500
        """
        rep = find_rep(self._names.reps, rep_id)
        position = find_period(self.periods, period)
        totals, table = self._totals, self._credits
        mine = np.flatnonzero((totals.rep == rep) & (totals.period == position))
        aside = (table.rep == rep) & (table.period == position) & (table.status != 0)
        if not len(mine) and not aside.any():
            message = "the run has no statement for this rep and period"
            fault = Problem(path="rep_id", message=message, values=(show(rep_id), self.periods[position]))
            raise InvalidInput("statement: 1 problem", [fault])
        rows = np.flatnonzero((self._table.rep == rep) & (self._table.period == position))
        order = table.order[aside[table.order]]
        return Statement(
            rep_id=self._names.reps[rep],
            period=self.periods[position],
            totals=tuple(
                (code, int(earned))
                for code, earned in zip(totals.currency[mine], totals.earned[mine], strict=True)
            ),
            paid=int(totals.paid[mine].sum()),
            held=int(totals.held[mine].sum()),
            balance=int(totals.balance[mine].sum()),
            _lines=lines_frame(self._table, self._names, rows),
            _set_aside=self._credit_frame(order),
        )

    def explain(self, line_id: int) -> Explanation:
        """Say why a line pays what it pays, from what the run has stored.

        Parameters
        ----------
        line_id : int
            As in :meth:`lines`.

        Returns
        -------
        Explanation
            ``print`` shows the sentence; ``to_dict`` gives the facts.

        Raises
        ------
        InvalidInput
            If the run has no such line.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> print(run.explain(0))
        Credit 'c1' moved 'anna' from 0.00 to 250.00 in all; 250.00 of it fell in tier 1 (from 0.00)
        at 10 % = 25.00.
        """
        check_line(len(self._table), line_id, "explain")
        return explain_line(self._table, self._names, int(line_id))

    def proof(self, line_id: int) -> dict[str, Any]:
        """Give the structured proof of a line: plain values from which it can be worked out again.

        Parameters
        ----------
        line_id : int
            As in :meth:`lines`.

        Returns
        -------
        dict
            Of plain JSON types; amounts with a fraction are exact text in major units. A line of ``form``
            "rate" pays ``base`` times ``rate`` (times ``share``): ``due_after`` less ``due_before``, each
            rounded to ``amount``. A line of ``form`` "change" brings ``start`` to ``end``. ``running`` is the
            statement's sum up to the line.

        Raises
        ------
        InvalidInput
            If the run has no such line.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> proof = run.proof(0)
        >>> proof["form"], proof["base"], proof["rate"], proof["exact"], proof["amount"]
        ('rate', '250.00', '0.1', '25.00', 2500)
        """
        check_line(len(self._table), line_id, "proof")
        return {"line_id": int(line_id), **proof_of(line_at(self._table, self._names, int(line_id)))}

    def marginal(
        self,
        rep_id: Hashable,
        amount: Decimal | int | str,
        *,
        period: str | None = None,
        measure: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Marginal:
        """Say what a rep's next credit would pay, and where the next tiers begin.

        The rep is paid again with one credit more, which comes last in the period and is a deal of its own.

        Parameters
        ----------
        rep_id : hashable
        amount : Decimal, int or str
            The credit in major units of the plan's currency.
        period : str, optional
            Name of the period; may be left out if the run has only one.
        measure : str, optional
            What is credited, where the plan counts several measures.
        fields : mapping, optional
            Columns of the credit that conditions of the plan ask for, as text.

        Returns
        -------
        Marginal

        Raises
        ------
        InvalidInput
            If the run does not know the rep, or the credit could not be paid.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}, {"from": "500", "rate": "0.2"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.marginal("anna", "1000")
        The next 1,000.00 USD of 'anna' in all earns 175.00 USD; commission: 250.00 USD more reach the tier
        at 500.00 USD.
        """
        rep, at = find_rep(self._names.reps, rep_id), find_period(self.periods, period)
        return marginal_of(self._given, self.plans, rep, at, amount, measure, fields or {})

    def recalculated(self, credits: object, *, removed: Iterable[Hashable] = ()) -> CompRun:
        """Calculate the reps again whom changed, new or removed credits concern, and only them.

        Parameters
        ----------
        credits : table
            The columns of the credits of the run. A row replaces those with its ``credit_id``; another is
            new.
        removed : iterable of hashable, optional
            ``credit_id`` of credits that there are no more.

        Returns
        -------
        CompRun
            Of the reps concerned: those whose credits the rows were or are, and who shares a credit id with
            them. Their statements and lines are those of a run of everything. Where a plan looks at several
            reps (overrides, contests) or leaves its currency to the credits, it is the run of everything.

        Raises
        ------
        InvalidInput
            As ``calculate``, or if a credit to remove is not there.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> credits = [{"credit_id": rep, "rep_id": rep, "amount": "250.00"} for rep in ("anna", "ben")]
        >>> run = calculate(plan, credits)
        >>> run.recalculated([{"credit_id": "anna", "rep_id": "anna", "amount": "300.00"}])
        CompRun(1 statement, 1 line; credits: 1 paid, 0 held, 0 rejected; 30.00 USD)
        """
        call: CompRun = self._call.carry_out(changed_call(self._call, self._given, credits, removed))
        return call

    def reconcile(self) -> pd.DataFrame:
        """Show that every credit ended somewhere: credits in are those paid, held and rejected.

        Returns
        -------
        DataFrame
            ``currency, status`` ("in", "paid", "held", "rejected"), ``credits`` (how many) and ``amount``
            (minor units of those that could be read).

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.reconcile()
          currency    status  credits  amount
        0      USD        in        1   25000
        1      USD      paid        1   25000
        2      USD      held        0       0
        3      USD  rejected        0       0
        """
        return reconciled(self._credits)

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain JSON types; the same input gives the same, whatever the order of rows.

        Returns
        -------
        dict
            With the version of the library, digests of plans and input, ``payouts, lines, held, rejected``
            and ``reconcile``. Amounts are minor units.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.to_dict()["payouts"][0]["earned"]
        2500
        """
        plans = [plan.to_json() for plan in self.plans]
        return {
            "library": __version__,
            "plan_digests": {
                plan.plan_id: hashlib.sha256(text.encode()).hexdigest()
                for plan, text in zip(self.plans, plans, strict=True)
            },
            "input_digest": self.input_digest,
            "payouts": jsonable(self.payouts()),
            "lines": jsonable(self.lines()),
            "held": jsonable(self.held()),
            "rejected": jsonable(self.rejected()),
            "reconcile": jsonable(self.reconcile()),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what each rep earned, a bar for each, cut by period; the forty who earned most.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        InvalidInput
            If the run pays in several currencies.
        MissingExtra
            If matplotlib is not installed.

        Examples
        --------
        >>> from salesops.comp import CompPlan, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> run.plot().get_title()
        'What each rep earned'
        """
        return draw_payouts(self._totals, self._names, ax)

    def _sums(self) -> str:
        sums: dict[str | None, int] = {}
        for code, earned in zip(self._totals.currency, self._totals.earned.tolist(), strict=True):
            sums[code] = sums.get(code, 0) + earned
        return ", ".join(money_text(total, code) for code, total in sums.items()) or "nothing paid"

    def _tally(self) -> str:
        tally = np.bincount(self._credits.status, minlength=len(STATUSES)).tolist()
        return ", ".join(f"{n:,} {name}" for n, name in zip(tally, STATUSES, strict=True))

    def __repr__(self) -> str:
        parts = f"{count(len(self._totals.earned), 'statement')}, {count(len(self._table), 'line')}"
        return f"CompRun({parts}; credits: {self._tally()}; {self._sums()})"

    def _repr_html_(self) -> str:
        facts = {
            "plans": ", ".join(plan.plan_id for plan in self.plans),
            "periods": ", ".join(self.periods[:8]) + (" ..." if len(self.periods) > 8 else ""),
            "earned": self._sums(),
            "credits": self._tally(),
            "lines": f"{len(self._table):,}",
        }
        tables = [("Payouts", readable_payouts(self.payouts()))]
        for name, status, frame in (("Held", HELD, self.held), ("Rejected", REJECTED, self.rejected)):
            if (self._credits.status == status).any():
                tables.append((name, frame()[["credit_id", "rep_id", "reason", "detail"]]))
        return html_card("Compensation run", facts, tables)
