"""The ledger: what was posted and when, never changed, only added to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Hashable, Mapping
from typing import Any, Self, cast

import attrs

from salesops._codec import Limits, read_argument
from salesops._version import __version__
from salesops.comp._ledger_balances import opening_of, owed_before
from salesops.comp._ledger_book import (
    chained,
    digest_of,
    from_entries,
    joined,
    numbered_entries,
    step_digest,
)
from salesops.comp._ledger_chain import first_fault, holds_digest
from salesops.comp._ledger_documents import LIMITS, LedgerDocument, LedgerEntry, LedgerStep
from salesops.comp._ledger_periods import new_periods, order_of, periods_until, refuse_period, starts_of
from salesops.comp._ledger_post import (
    as_book,
    check_later,
    check_plans,
    differences,
    in_scope,
    wanted_of,
)
from salesops.comp._ledger_reading import LedgerReading
from salesops.comp._ledger_views import LedgerStatement
from salesops.comp.results import CompRun
from salesops.errors import InvalidInput, Problem, show

__all__ = ["Ledger", "LedgerEntry", "LedgerStatement", "LedgerStep"]


@attrs.frozen(kw_only=True, repr=False)
class Ledger(LedgerReading):
    """What was posted, entry by entry, in an order that never changes; a new ledger is empty.

    Runs are posted and periods are closed. A run that says the same posts nothing. What differs is
    posted as the difference: about an open period in that period, about a closed one as an adjustment in an
    open period, which names what it corrects. Every entry and step carries the SHA-256 of all before it.

    Attributes
    ----------
    steps : tuple of LedgerStep
        What was done, in order: runs posted, periods closed.
    digest : str
        Proof of the whole ledger; noted elsewhere, it shows later that nothing was rewritten.

    Notes
    -----
    A run speaks of its own periods, and of all reps (or of those named in ``calculate(only=...)``): a line of
    the ledger that such a run does not have is cancelled. Lines are known by content (``lines(keys=True)``),
    so their order is free. There is no clock: `as_of` is said by the caller and never goes back.

    Examples
    --------
    >>> from salesops import comp
    >>> from salesops.models import FiscalCalendar
    >>> plan = comp.CompPlan(
    ...     plan_id="ae", currency="USD", components=[comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])]
    ... )
    >>> quarters = FiscalCalendar().periods(2026, by="quarter")[:2]
    >>> deal = {"credit_id": "c1", "rep_id": "anna", "amount": "250.00", "earned_on": "2026-03-30"}
    >>> ledger = comp.Ledger().post(comp.calculate(plan, [deal], periods=quarters), as_of="2026-04-02")
    >>> ledger = ledger.close("2026-Q1").verify()
    >>> late = comp.calculate(plan, [deal, {**deal, "credit_id": "c2"}], periods=quarters, prior=ledger)
    >>> ledger = ledger.post(late, as_of="2026-04-20")
    >>> ledger
    Ledger(2 entries in 3 steps; 1 of 2 periods closed; 50.00 USD)
    >>> print(ledger.explain(2))
    Entry 2 of 'anna' corrects the closed period 2026-Q1 (earned) in 2026-Q2: commission, tier, tier 1,
    credit 'c2': +25.00 USD; the ledger did not have the line before. Posted in step 3 on 2026-04-20.
    >>> ledger.statement("anna", "2026-Q1").paid, ledger.statement("anna", "2026-Q2").adjustments
    (2500, 2500)
    >>> ledger.post(late) == ledger
    True
    """

    def post(
        self,
        run: CompRun,
        *,
        until: str | None = None,
        into: str | None = None,
        as_of: dt.date | str | None = None,
    ) -> Ledger:
        """Post what a run pays beyond what the ledger says; give the ledger that has it.

        Parameters
        ----------
        run : CompRun
        until : str, optional
            Last period to post, where the run goes on (a year that has only begun); all by default.
        into : str, optional
            Open period in which corrections of closed periods are posted; the first open one by default.
        as_of : date or str, optional
            Day on which this was known.

        Returns
        -------
        Ledger
            This one, if the run says nothing new.

        Raises
        ------
        InvalidInput
            If the run contradicts the ledger: other days under the name of a period, a plan that is missing,
            other balances to begin with, or a period before the first closed one; or if corrections have no
            open period to stand in.

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run)
        Ledger(1 entry in 1 step; 0 of 1 period closed; 25.00 USD)
        """
        if not isinstance(cast("object", run), CompRun):
            fault = Problem(
                path="run", message="is not a run", values=(type(run).__name__,), hint="see calculate"
            )
            raise InvalidInput("post: 1 problem", [fault])
        day = self._day(as_of)
        periods = new_periods(run, self.periods, self.closed)
        starts = starts_of((*self.periods, *periods))
        spoken = periods_until(run, until)
        opening, openings = opening_of(self._book, run, starts)
        posted = in_scope(self._book, run, spoken, openings)
        check_plans(posted, run)
        found = differences(wanted_of(run, spoken, opening), posted)
        if found is None:
            return self
        check_later(found, self._book, spoken, starts)
        closed = frozenset(self.closed)
        target = self._target(into, starts, found, closed)
        number = len(self.steps) + 1
        book = as_book(found, posting=number, closed=closed, into=target)
        plans = digest_of("", [plan.to_json() for plan in run.plans])
        step = LedgerStep(
            number=number,
            action="posted",
            as_of=day,
            periods=periods,
            input_digest=run.input_digest,
            plans_digest=plans,
            library=__version__,
            entries=len(self) + len(book),
            digest="",
        )
        step = attrs.evolve(step, digest=step_digest(self.digest, step))
        head, book = chained(step.digest, book)
        return attrs.evolve(self, steps=(*self.steps, step), digest=head, _book=joined([self._book, book]))

    def _day(self, as_of: object) -> dt.date | None:
        """Read the day on which something was known; it never goes back."""
        day: dt.date | None = read_argument("as_of", dt.date | None, as_of)
        last = max((step.as_of for step in self.steps if step.as_of is not None), default=None)
        if day is not None and last is not None and day < last:
            hint = f"the last step was known on {last}"
            fault = Problem(
                path="as_of", message="lies before the last step of the ledger", values=(str(day),), hint=hint
            )
            raise InvalidInput("ledger: 1 problem", [fault])
        return day

    def _target(
        self,
        into: str | None,
        starts: Mapping[str, dt.date],
        found: Mapping[str, Any],
        closed: frozenset[str],
    ) -> str | None:
        """Find the open period in which corrections of closed ones are posted."""
        still_open = [name for name in starts if name not in closed]
        if into is not None:
            if into not in still_open:
                raise refuse_period("into", into, starts, closed)
            return into
        late = sorted({period for period in found["period"].tolist() if period in closed})
        if late and not still_open:
            fault = Problem(
                path="run.periods",
                message="a closed period is corrected, and no period is open to post it in",
                values=tuple(map(show, late)),
                hint="give calculate the next period too",
            )
            raise InvalidInput("post: 1 problem", [fault])
        return still_open[0] if still_open else None

    def _reps(self) -> list[Hashable]:
        """List the reps of whom something was posted, by row."""
        reps: list[Hashable] = self._book["rep_id"].tolist()
        return reps

    def _owed_before(self, first: str, start: int) -> dict[tuple[str, tuple[str, Hashable]], int]:
        """Add up what reps owe before a run that begins with a period, by plan and rep."""
        return owed_before(self._book, starts_of(self.periods), first, order_of(start))

    def close(self, period: str, *, as_of: dt.date | str | None = None) -> Ledger:
        """Close a period and those before it: nothing is posted in them any more, their statements stay.

        Parameters
        ----------
        period : str
            Name of an open period; earlier ones that are still open are closed with it, each in a step of
            its own.
        as_of : date or str, optional
            Day on which it was closed.

        Returns
        -------
        Ledger

        Raises
        ------
        InvalidInput
            If the ledger does not know the period, or it is closed already.

        Examples
        --------
        >>> from salesops.comp import CompPlan, Ledger, calculate
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> run = calculate(plan, [{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])
        >>> Ledger().post(run).close("all").closed
        ('all',)
        """
        day = self._day(as_of)
        starts, closed = starts_of(self.periods), frozenset(self.closed)
        still_open = [name for name in starts if name not in closed]
        if period not in still_open:
            raise refuse_period("period", period, starts, closed)
        steps, digest = list(self.steps), self.digest
        for name in still_open[: still_open.index(period) + 1]:
            step = LedgerStep(
                number=len(steps) + 1,
                action="closed",
                as_of=day,
                period=name,
                entries=len(self),
                digest="",
            )
            digest = step_digest(digest, step)
            steps.append(attrs.evolve(step, digest=digest))
        return attrs.evolve(self, steps=tuple(steps), digest=digest)

    def verify(self, *, known: str | None = None) -> Ledger:
        """Work every digest out again; give the ledger, or name the first entry that was tampered with.

        Parameters
        ----------
        known : str, optional
            A digest of this ledger that was noted earlier, which must still be on its chain.

        Returns
        -------
        Ledger

        Raises
        ------
        InvalidInput
            With the first entry or step that is not what was posted.

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> Ledger().verify()
        Ledger(0 entries in 0 steps; 0 of 0 periods closed; nothing paid)
        """
        fault = first_fault(self.steps, self._book, self.digest)
        if (
            fault is None
            and known is not None
            and not holds_digest(self.steps, self._book, self.digest, known)
        ):
            hint = "this is another ledger, or an older or rewritten one"
            fault = Problem(
                path="known", message="is no digest of this ledger", values=(show(known),), hint=hint
            )
        if fault is not None:
            raise InvalidInput("ledger: 1 problem", [fault])
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the ledger as a document.

        Returns
        -------
        dict
            Plain JSON types, with ``schema_version`` first.

        Raises
        ------
        InvalidInput
            If an id is neither text nor a whole number.

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> Ledger.from_dict(Ledger().to_dict()) == Ledger()
        True
        """
        entries = tuple(numbered_entries(self._book))
        return LedgerDocument(steps=self.steps, entries=entries, digest=self.digest).to_dict()

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the document as JSON text.

        Parameters
        ----------
        indent : int, optional
            Spaces for each level; None writes one line.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> Ledger.from_json(Ledger().to_json()) == Ledger()
        True
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, limits: Limits | None = None, verify: bool = True) -> Self:
        """Read a document that :meth:`to_dict` wrote.

        Parameters
        ----------
        data : mapping
        limits : Limits, optional
            How large it may be; two million entries by default.
        verify : bool, default True
            True proves every digest, as :meth:`verify` does; False only reads.

        Returns
        -------
        Ledger

        Raises
        ------
        InvalidInput
            With every fault of form, or the first entry that was tampered with.

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> Ledger.from_dict({"schema_version": 1, "digest": "0" * 64})
        Traceback (most recent call last):
        salesops.errors.InvalidInput: ledger: 1 problem
        - $.digest: the ledger does not end in its digest (...); what comes before it is proved; restore the
          ledger from where it was stored
        """
        return cls._of(LedgerDocument.from_dict(data, limits=limits or LIMITS), verify=verify)

    @classmethod
    def from_json(cls, text: str | bytes, *, limits: Limits | None = None, verify: bool = True) -> Self:
        """Read a document that is JSON text.

        Parameters
        ----------
        text : str or bytes
        limits : Limits, optional
            How large it may be; two million entries by default.
        verify : bool, default True
            True proves every digest, as :meth:`verify` does; False only reads.

        Returns
        -------
        Ledger

        Raises
        ------
        InvalidInput
            With every fault of form, or the first entry that was tampered with.

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> len(Ledger.from_json(Ledger().to_json()))
        0
        """
        return cls._of(LedgerDocument.from_json(text, limits=limits or LIMITS), verify=verify)

    @classmethod
    def _of(cls, document: LedgerDocument, *, verify: bool) -> Self:
        ledger = cls(steps=document.steps, digest=document.digest, _book=from_entries(document.entries))
        if verify:
            ledger.verify()
        return ledger

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of the document.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.comp import Ledger
        >>> sorted(Ledger.json_schema()["properties"])
        ['digest', 'entries', 'schema_version', 'steps']
        """
        return LedgerDocument.json_schema() | {"title": "Ledger"}
