"""How a ledger is read: as it was known, by rep and period, entry by entry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from typing import Self

import attrs
import numpy as np
import pandas as pd

from salesops._codec import read_argument
from salesops._display import html_card
from salesops._faults import closest, count
from salesops._frames.ids import family, scalar
from salesops.comp._ledger_book import Book, empty
from salesops.comp._ledger_chain import ORIGIN
from salesops.comp._ledger_documents import LedgerEntry, LedgerStep
from salesops.comp._ledger_periods import refuse_period, starts_of
from salesops.comp._ledger_post import keyed
from salesops.comp._ledger_views import SUMS, LedgerStatement, payouts_frame, readable, sentence_of
from salesops.comp.explain import Explanation
from salesops.comp.statement import money_text
from salesops.errors import InvalidInput, Problem, show
from salesops.models import Period

AsOf = dt.date | str | int


@attrs.frozen(kw_only=True, repr=False)
class LedgerReading:
    """The fields of a ledger, and all that only looks at them."""

    steps: tuple[LedgerStep, ...] = ()
    digest: str = ORIGIN
    _book: Book = attrs.field(factory=empty, eq=False, alias="_book")

    def __len__(self) -> int:
        return len(self._book)

    @property
    def periods(self) -> tuple[Period, ...]:
        """Every period that the ledger knows, in order of time."""
        return tuple(
            sorted(
                (period for step in self.steps for period in step.periods), key=lambda period: period.start
            )
        )

    @property
    def closed(self) -> tuple[str, ...]:
        """The names of the closed periods, in order of time."""
        return tuple(step.period for step in self.steps if step.period is not None)

    def as_known(self, as_of: AsOf) -> Self:
        """Give the ledger as it was known on a day, or after a step.

        Parameters
        ----------
        as_of : date, str or int
            A day (what was posted or closed later is left out), or the number of the last step.

        Returns
        -------
        Ledger

        Raises
        ------
        InvalidInput
            If there is no such step, or the steps have no days.

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> ledger = Ledger().post(run, as_of="2026-10-02").close("all", as_of="2026-10-05")
        >>> ledger.as_known("2026-10-03").closed, ledger.as_known(2) == ledger
        ((), True)
        """
        n = self._steps_until(as_of)
        steps = self.steps[:n]
        entries = steps[-1].entries if steps else 0
        digest = ORIGIN
        if steps:
            last = steps[-1]
            began = self.steps[n - 2].entries if n > 1 else 0
            digest = self._book.digests[entries - 1] if entries > began else last.digest
        return attrs.evolve(self, steps=steps, digest=digest, _book=self._book.take(slice(0, entries)))

    def _steps_until(self, as_of: AsOf) -> int:
        if isinstance(as_of, (int, np.integer)) and not isinstance(as_of, bool):
            if 0 <= as_of <= len(self.steps):
                return int(as_of)
            message, hint = "the ledger has no such step", f"it has {count(len(self.steps), 'step')}"
            raise InvalidInput(
                "as_known: 1 problem",
                [Problem(path="as_of", message=message, values=(str(as_of),), hint=hint)],
            )
        day = read_argument("as_of", dt.date, as_of)
        undated = [step.number for step in self.steps if step.as_of is None]
        if undated:
            fault = Problem(
                path="as_of",
                message="steps without a day cannot be told apart by day",
                values=tuple(map(str, undated[:12])),
                hint="name a step by its number, and give post and close an as_of",
            )
            raise InvalidInput("as_known: 1 problem", [fault])
        return sum(step.as_of <= day for step in self.steps if step.as_of is not None)

    def statement(self, rep_id: Hashable, period: str, *, as_of: AsOf | None = None) -> LedgerStatement:
        """Give what a period's statement says to a rep: its entries, and corrections posted in it.

        Parameters
        ----------
        rep_id : hashable
        period : str
        as_of : date, str or int, optional
            A day or the number of a step: the statement as it was then known.

        Returns
        -------
        LedgerStatement

        Raises
        ------
        InvalidInput
            If the ledger did not know the rep or the period self.

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run).statement("anna", "all")
        Statement of 'anna' for all: 25.00 USD
          period  open
          known   after step 1
          earned  25.00 USD
          paid    25.00 USD
        <BLANKLINE>
        number  type    period  component   rule  credit_id  tier  reason  amount
        ------  ------  ------  ----------  ----  ---------  ----  ------  ------
             1  earned  all     commission  tier  c1            1  new      25.00
        """
        if as_of is not None:
            return self.as_known(as_of).statement(rep_id, period)
        starts = starts_of(self.periods)
        if period not in starts:
            raise refuse_period("period", period, starts, frozenset())
        key = family(scalar(rep_id)), scalar(rep_id)
        mine = np.array([rep == key for rep in keyed(self._book["rep_id"])], dtype=np.bool_)
        if not mine.any():
            near = closest(rep_id, self._book["rep_id"].tolist())
            message = "the ledger has no entry of this rep"
            fault = Problem(path="rep_id", message=message, values=(show(rep_id),), suggestions=near)
            raise InvalidInput("statement: 1 problem", [fault])
        place = {name: k for k, name in enumerate(starts)}
        sums = payouts_frame(self._book.take(mine), place)
        sums = sums[[place[name] <= place[period] for name in sums["period"].tolist()]]
        totals = []
        for code, rows in sums.fillna({"currency": ""}).groupby("currency", sort=True):
            last = rows.iloc[-1]
            now = last["period"] == period
            known = {name: int(last[name]) if now or name in SUMS[3:] else 0 for name in SUMS}
            totals.append({"currency": str(code) or None, **known})
        frame = self._book.to_frame(np.flatnonzero(mine & (self._book["posted_in"] == period)))
        return LedgerStatement(
            rep_id=key[1],
            period=period,
            as_of=self._known(period),
            is_closed=period in self.closed,
            totals=tuple(totals),
            _entries=frame,
        )

    def _known(self, period: str | None = None) -> str:
        """Name the step up to which something is known; a closed period is final since it was closed."""
        if not self.steps:
            return "before the first step"
        closing = [step for step in self.steps if step.action == "closed" and step.period == period]
        last = closing[0] if closing else self.steps[-1]
        return f"after step {last.number}" + (f", {last.as_of}" if last.as_of is not None else "")

    def payouts(self, *, as_of: AsOf | None = None) -> pd.DataFrame:
        """Give one row for each rep, currency and period in which something was posted.

        Parameters
        ----------
        as_of : date, str or int, optional
            A day or the number of a step: as it was then known.

        Returns
        -------
        DataFrame
            ``rep_id, period, earned, adjustments, paid, held, balance`` in minor units of ``currency``: what
            the period earned, corrections of closed periods, all that is paid, and what is then on hold and
            owed.

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run).payouts()[["rep_id", "earned", "paid"]]
          rep_id  earned  paid
        0   anna    2500  2500
        """
        if as_of is not None:
            return self.as_known(as_of).payouts()
        place = {name: k for k, name in enumerate(starts_of(self.periods))}
        return payouts_frame(self._book, place)

    def to_frame(self) -> pd.DataFrame:
        """Give every entry, in order.

        Returns
        -------
        DataFrame
            The fields of `LedgerEntry`; amounts in minor units of ``currency``.

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> len(Ledger().to_frame())
        0
        """
        return self._book.to_frame()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def entry(self, number: int) -> LedgerEntry:
        """Give one entry.

        Parameters
        ----------
        number : int
            From 1.

        Returns
        -------
        LedgerEntry

        Raises
        ------
        InvalidInput
            If the ledger has no such entry.

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run).entry(1).amount
        2500
        """
        whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not whole or not 1 <= number <= len(self):
            hint = f"the ledger has {len(self)}, counted from 1"
            fault = Problem(
                path="number", message="there is no such entry", values=(show(number),), hint=hint
            )
            raise InvalidInput("entry: 1 problem", [fault])
        return self._book.entry(int(number) - 1)

    def explain(self, number: int) -> Explanation:
        """Say what an entry does, what it corrects, and when it was known.

        Parameters
        ----------
        number : int
            From 1.

        Returns
        -------
        Explanation

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> print(Ledger().post(run).explain(1))
        Entry 1 of 'anna' is posted in all as earned: commission, tier, tier 1, credit 'c1': +25.00 USD; the
        ledger did not have the line before. Posted in step 1.
        """
        entry = self.entry(number)
        before = self._book.take(slice(0, int(number)))
        same = (before["line_key"] == entry.line_key) & (before["currency"] == entry.currency)
        now = int(before["amount"][same].sum())
        text = sentence_of(entry, self.steps[entry.posting - 1], now)
        return Explanation(line_id=int(number), text=text, facts=entry.to_dict() | {"line_now": now})

    def _sums(self) -> str:
        sums: dict[str | None, int] = {}
        for code, amount in zip(self._book["currency"].tolist(), self._book["amount"].tolist(), strict=True):
            sums[code] = sums.get(code, 0) + amount
        return ", ".join(money_text(total, code) for code, total in sums.items()) or "nothing paid"

    def _tally(self) -> str:
        return f"{len(self.closed)} of {count(len(self.periods), 'period')} closed"

    def __repr__(self) -> str:
        entries = f"{len(self):,} {'entry' if len(self) == 1 else 'entries'}"
        return f"Ledger({entries} in {count(len(self.steps), 'step')}; {self._tally()}; {self._sums()})"

    def _repr_html_(self) -> str:
        facts = {
            "entries": f"{len(self):,}",
            "periods": self._tally(),
            "paid": self._sums(),
            "known": self._known(),
            "digest": self.digest[:16] + "...",
        }
        said = [
            (step.number, step.action, step.as_of, step.period or f"up to entry {step.entries}")
            for step in self.steps[-20:]
        ]
        steps = pd.DataFrame(said, columns=["step", "action", "as_of", "what"])
        return html_card("Ledger", facts, [("Steps", steps), ("Payouts", readable(self.payouts()))])
