"""What the next credit would pay, and where the next tier begins: one rep paid again with one credit more."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
import numpy as np

from salesops import _money as money
from salesops._faults import closest, refuse
from salesops._money import EXPONENTS, IntArray
from salesops.comp._columns import Columns, component_masks
from salesops.comp._compile import compile_commission
from salesops.comp._credits import Credits
from salesops.comp._desk import Desk, Paid
from salesops.comp._lines import SETTLEMENT
from salesops.comp._metrics import DECIMALS
from salesops.comp._pay import pay, seat_quota
from salesops.comp._periods import Spans, day_of
from salesops.comp._seats import Given, lay_desk
from salesops.comp._triage import PAID, Triage
from salesops.comp.components import Commission, Override
from salesops.comp.plan import CompPlan
from salesops.comp.rewards import Contest
from salesops.comp.statement import money_text
from salesops.errors import Problem, show

__all__ = ["Marginal", "NextTier"]


@attrs.frozen(kw_only=True)
class NextTier:
    """Where a commission stands and what the next tier needs; made by ``CompRun.marginal``.

    Parameters
    ----------
    component : str
    credited : int
        Minor units that count so far.
    starts_at : int
        Credited amount at which the next tier begins, in minor units.
    needed : int
        What is missing to it, in minor units.
    rate : Fraction
        Rate of the next tier as the plan writes it.

    Examples
    --------
    >>> NextTier(component="ae", credited=0, starts_at=500, needed=500, rate=Fraction(1, 10)).needed
    500
    """

    component: str
    credited: int
    starts_at: int
    needed: int
    rate: Fraction


@attrs.frozen(kw_only=True, repr=False)
class Marginal:
    """What one more credit would pay a rep; made by ``CompRun.marginal``.

    Parameters
    ----------
    rep_id : hashable
    period : str
    amount : int
        The credit, in minor units.
    earned, paid : int
        How much more the rep would earn, and be paid, in the period: minor units.
    currency : str, optional
    next_tiers : tuple of NextTier
        For each commission that has a tier above where the rep stands.

    Examples
    --------
    >>> Marginal(rep_id="anna", period="all", amount=100, earned=10, paid=10, currency="USD", next_tiers=())
    The next 1.00 USD of 'anna' in all earns 0.10 USD.
    """

    rep_id: Hashable
    period: str
    amount: int
    earned: int
    paid: int
    currency: str | None
    next_tiers: tuple[NextTier, ...]

    def __repr__(self) -> str:
        parts = [
            f"The next {money_text(self.amount, self.currency)} of {show(self.rep_id)} in {self.period} "
            f"earns {money_text(self.earned, self.currency)}"
        ]
        if self.paid != self.earned:
            parts.append(f"{money_text(self.paid, self.currency)} of it is paid in the period")
        parts += [
            f"{tier.component}: {money_text(tier.needed, self.currency)} more reach the tier at "
            f"{money_text(tier.starts_at, self.currency)}"
            for tier in self.next_tiers
        ]
        return "; ".join(parts) + "."

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain JSON types; amounts are minor units.

        Returns
        -------
        dict

        Examples
        --------
        >>> answer = Marginal(
        ...     rep_id="anna", period="all", amount=100, earned=10, paid=10, currency=None, next_tiers=()
        ... )
        >>> answer.to_dict()["earned"]
        10
        """
        tiers = [{**attrs.asdict(tier), "rate": money.format_exact(tier.rate)} for tier in self.next_tiers]
        rep = self.rep_id if isinstance(self.rep_id, (int, str)) else show(self.rep_id)
        facts = {name: getattr(self, name) for name in ("period", "amount", "earned", "paid", "currency")}
        return {"rep_id": rep, **facts, "next_tiers": tiers}


def marginal_of(
    given: Given,
    plans: Sequence[CompPlan],
    rep: int,
    period: int,
    amount: object,
    measure: str | None,
    fields: Mapping[str, str],
) -> Marginal:
    """Pay a rep once as the run did and once with one credit more."""
    day = int(given.terms.ends[period] - 1) if given.terms.dated else 0
    k = _plan_at(given, rep, day)
    plan, currency = plans[k], given.sheet.currencies[k]
    minor = money.parse_one(amount, EXPONENTS.get(currency or "", 2))
    if not isinstance(minor, int):
        raise refuse("amount", minor[0], amount, hint=minor[1])
    rows = _rows(given.sheet, plan, rep)
    written = money.format_minor(minor, EXPONENTS.get(currency or "", 2))
    before, old = _pay(k, plan, _part(given, rows, None), rep, period)
    extra = _Extra(rep, period, day, k, minor, _measure(given.sheet, plan, measure), fields, written)
    _, new = _pay(k, plan, _part(given, rows, extra), rep, period)
    return Marginal(
        rep_id=given.sheet.reps[rep],
        period=given.terms.names[period],
        amount=minor,
        earned=new[0] - old[0],
        paid=new[1] - old[1],
        currency=currency,
        next_tiers=tuple(_next_tiers(before, rep, period)),
    )


@attrs.frozen
class _Extra:
    """The credit that is added."""

    rep: int
    period: int
    day: int
    plan: int
    amount: int
    measure: int
    fields: Mapping[str, str]
    written: str = ""


def _plan_at(given: Given, rep: int, day: int) -> int:
    assigned = given.assigned
    if assigned.known is None:
        return 0
    spans = Spans.of(given.sheet.reps.codes(assigned.reps), assigned.start, assigned.end)
    row = int(spans.find(np.array([rep]), np.array([day]))[0])
    if row < 0:
        raise refuse("rep_id", "has no plan at the end of the period", given.sheet.reps[rep])
    return int(assigned.plan[row])


def _measure(sheet: Credits, plan: CompPlan, measure: str | None) -> int:
    """Find the measure of the credit that is added: the one given, else the only one of the plan."""
    found = [getattr(part, "measure", None) for part in plan.components]
    named = sorted({name for name in found if name is not None})
    if measure is None and len(named) <= 1:
        measure = named[0] if named else None
    if measure is None and named:
        raise refuse("measure", "the plan counts several measures", None, hint=f"one of {', '.join(named)}")
    if measure is None:
        return int(sheet.measure[0]) if len(sheet.measure) else -1
    if measure not in sheet.measures:
        near = closest(measure, sheet.measures)
        raise refuse(
            "measure", "no credit of the run has it", measure, hint=f"did you mean {near}?" if near else None
        )
    return sheet.measures.index(measure)


def _rows(sheet: Credits, plan: CompPlan, rep: int) -> IntArray:
    """Find the credits that matter: the rep's own, or all where the plan looks at others too."""
    paid = sheet.triage.status == PAID
    if not any(isinstance(part, (Override, Contest)) for part in plan.components):
        paid = paid & (sheet.rep == rep)
    return np.flatnonzero(paid)


def _part(given: Given, rows: IntArray, extra: _Extra | None) -> Given:
    """Keep some credits of a run and add one."""
    sheet = given.sheet
    n = len(rows) + (extra is not None)
    triage = Triage(sheet.table, holds=True)
    triage.status, triage.reason, triage.detail = (
        np.zeros(n, dtype=np.int8),
        np.full(n, None, dtype=object),
        np.full(n, None, dtype=object),
    )

    def more(column: Any, value: Any) -> Any:
        kept = column[rows]
        return kept if extra is None else np.append(kept, np.array([value], dtype=kept.dtype))

    one = extra or _Extra(0, 0, 0, 0, 0, -1, {})
    changes: dict[str, Any] = {
        "triage": triage,
        "rank": more(sheet.rank, -1),
        "rep": more(sheet.rep, one.rep),
        "plan": more(sheet.plan, one.plan),
        "period": more(sheet.period, one.period),
        "day": more(sheet.day, one.day),
        "deal": more(sheet.deal, int(sheet.deal.max(initial=0)) + 1),
        "measure": more(sheet.measure, one.measure),
        "amount": more(sheet.amount, one.amount),
        "due": more(sheet.due, one.amount),
        "whole": more(sheet.whole, one.amount),
        "currency": more(sheet.currency, sheet.currencies[one.plan]),
        "columns": _columns(sheet.columns, rows, extra),
    }
    sheet = attrs.evolve(sheet, **changes)
    last = np.where(sheet.rank < 0, sheet.n_names, sheet.rank)
    order = np.lexsort((last, sheet.day, sheet.rep))
    return attrs.evolve(given, sheet=sheet, order=order)


def _columns(columns: Columns, rows: IntArray, extra: _Extra | None) -> Columns:
    texts = {name: cells[rows] for name, cells in columns.texts.items()}
    numbers = {name: (value[rows], known[rows]) for name, (value, known) in columns.numbers.items()}
    dates = {name: (day[rows], known[rows]) for name, (day, known) in columns.dates.items()}
    if extra is None:
        return Columns(texts, numbers, dates)
    for name, cells in texts.items():
        texts[name] = np.append(cells, np.array([extra.fields.get(name)], dtype=object))
    for name, (value, known) in numbers.items():
        given = extra.fields.get(name, extra.written if name == "amount" else None)
        read = money.parse_one(given, DECIMALS)
        is_read = isinstance(read, int)
        numbers[name] = np.append(value, read if isinstance(read, int) else 0), np.append(known, is_read)
    for name, (day, known) in dates.items():
        told = _day_told(name, extra)
        dates[name] = np.append(day, 0 if told is None else told), np.append(known, told is not None)
    return Columns(texts, numbers, dates)


def _day_told(name: str, extra: _Extra) -> int | None:
    """Find the day that a column of dates has for the credit that is added; its own for earned_on."""
    given = extra.fields.get(name)
    if given is None:
        return extra.day if name == "earned_on" else None
    try:
        return day_of(dt.date.fromisoformat(given), 0)
    except (TypeError, ValueError):
        raise refuse(f"fields.{name}", "is no date", given, hint="write it as 2026-07-31") from None


def _pay(k: int, plan: CompPlan, given: Given, rep: int, period: int) -> tuple[Desk, tuple[int, int]]:
    """Pay the plan; give what the rep earns and is paid in the period."""
    sheet, faults = given.sheet, list[Problem]()
    mine = sheet.plan == k
    asked = sheet.columns, sheet.measure, sheet.measures, sheet.day
    counts = component_masks(plan, *asked, sheet.triage, mine)
    desk = lay_desk(k, plan, given, counts, faults)
    done: Paid = pay(desk)
    if done.trouble is not None:
        raise refuse("amount", f"cannot be paid: {done.trouble.reason}", given.sheet.reps[rep])
    seat = np.flatnonzero((desk.seat_rep == rep) & (desk.seat_period == period))
    if not len(seat):
        return desk, (0, 0)
    earned = paid = 0
    for block in done.blocks:
        mine_too = block.seat == seat[0]
        amounts = block.amount[mine_too]
        paid += int(amounts.sum())
        earned += int(amounts[block.rule[mine_too] < SETTLEMENT].sum())
    return desk, (earned, paid)


def _next_tiers(desk: Desk, rep: int, period: int) -> list[NextTier]:
    """Say for each commission where the rep stands and where the next tier begins."""
    found = []
    for k, part in enumerate(desk.plan.components):
        if not isinstance(part, Commission) or isinstance(part, Override) or part.rate_by is not None:
            continue
        if part.accumulate == "deal":
            continue
        tier = _next_tier(desk, k, part, rep, period)
        if tier is not None:
            found.append(tier)
    return found


def _next_tier(desk: Desk, k: int, part: Commission, rep: int, period: int) -> NextTier | None:
    schedule = compile_commission(part, desk.places)
    rows = desk.rows_of(k)
    span = desk.span(part.accumulate)
    groups = {"year": desk.terms.years, "quarter": desk.terms.quarters}.get(
        part.accumulate, np.arange(len(desk.terms))
    )
    mine = (desk.seat_rep[rows.seat] == rep) & (span[rows.seat] == groups[period])
    credited = sum(rows.amount[mine & (desk.seat_period[rows.seat] <= period)].tolist())
    unit = Fraction(1)
    if part.basis == "attainment":
        seat = np.flatnonzero((desk.seat_rep == rep) & (desk.seat_period == period))
        if not len(seat):
            return None
        unit = Fraction(int(seat_quota(desk, k, part)[seat[0]]))
    for tier, threshold in zip(part.tiers, schedule.thresholds.tolist(), strict=True):
        starts = Fraction(threshold, schedule.point_scale) * unit
        at = -(-starts.numerator // starts.denominator)
        if at > credited and tier.start > 0:
            rate = tier.rate if tier.rate is not None else Fraction(0)
            return NextTier(
                component=part.name, credited=credited, starts_at=at, needed=at - credited, rate=rate
            )
    return None
