"""``calculate``: from plans and credits to a run, every line exact and every credit accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from salesops import _money as money
from salesops._faults import check_choice, raise_all
from salesops._frames import Labels
from salesops._money import EXPONENTS, ROUNDINGS, IntArray, Rounding
from salesops.comp._assemble import assemble
from salesops.comp._credits import Assignments, Credits, read_assignments, read_credits
from salesops.comp._pay import Desk, Trouble, pay
from salesops.comp._periods import Terms, read_periods
from salesops.comp._quotas import Prorate, Quotas, QuotaTerms, read_quotas
from salesops.comp._triage import HELD, REJECTED, Reason, open_tables
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.errors import Problem, show
from salesops.models import FiscalCalendar, Period

__all__ = ["calculate"]

_TROUBLES: dict[Reason, tuple[str, str, str]] = {
    "no quota": ("rep_id", "has no quota, and the plan pays by attainment", "give one in quotas"),
    "above the last tier": (
        "amount",
        "the total lies above the last tier",
        'add a tier, or leave out its "to"',
    ),
    "negative total": (
        "amount",
        "the pay of a period is below 0",
        'write "negative": "allow" in the plan to pay negative amounts',
    ),
}


def calculate(
    plans: CompPlan | Sequence[CompPlan],
    credits: object,
    *,
    assignments: object = None,
    quotas: object = None,
    reps: object = None,
    periods: Iterable[Period] | None = None,
    calendar: FiscalCalendar | None = None,
    columns: Mapping[str, str] | None = None,
    prorate: Prorate = "none",
    zone: str | None = None,
    input_rounding: Rounding | None = None,
    on_error: Literal["raise", "hold"] = "raise",
) -> CompRun:
    """Calculate what each rep earns in each period, with one line for every step of the way.

    Parameters
    ----------
    plans : CompPlan or sequence of CompPlan
        What is paid for what.
    credits : table
        ``credit_id, rep_id, amount`` (major units: Decimal, whole numbers or text) and, as needed,
        ``earned_on, currency, measure, deal_id``. Within a rep's period credits count by
        ``(earned_on, credit_id)``, whatever the order of rows.
    assignments : table, optional
        ``rep_id, plan_id[, start, end]``, half-open. Without it every rep has the only plan.
    quotas : table, optional
        ``rep_id, amount[, measure, currency, start, end]``: the quota of one whole period, while the row is
        valid.
    reps : table, optional
        ``rep_id``: all reps there are. Those without credits get a statement of 0; others are unknown.
    periods : sequence of Period, optional
        Half-open and without holes; ``earned_on`` decides. Without them the run has one period, "all".
    calendar : FiscalCalendar, optional
        Says which periods make up a year; by default a period belongs to the calendar year it starts in.
    columns : mapping, optional
        ``{"name in your tables": "name here"}``, one mapping for all tables.
    prorate : {"none", "days"}, default "none"
        Whether a quota that is valid for part of a period counts whole or by its calendar days.
    zone : str, optional
        Business time zone in which moments with an offset become days.
    input_rounding : str, optional
        How amounts with more decimals than their currency are rounded at the door; refused by default.
    on_error : {"raise", "hold"}, default "raise"
        Whether a credit that cannot be paid stops the run, or is held or rejected with its reason.

    Returns
    -------
    CompRun

    Raises
    ------
    InvalidInput
        With every fault of every table, each with all its rows.

    Notes
    -----
    Amounts are int64 minor units and rates are rationals; a product that does not fit is computed in Python
    integers. Commission to date is rounded and lines are differences, so lines add up to the rounded total.
    The cost grows with the number of lines; sorting credits dominates.

    Examples
    --------
    >>> from salesops import comp
    >>> plan = comp.CompPlan(
    ...     plan_id="ae",
    ...     currency="USD",
    ...     components=[
    ...         comp.Commission(tiers=[{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.10"}])
    ...     ],
    ... )
    >>> credits = [
    ...     {"credit_id": "c1", "rep_id": "anna", "amount": "9500.00"},
    ...     {"credit_id": "c2", "rep_id": "anna", "amount": "1000.00"},
    ... ]
    >>> run = comp.calculate(plan, credits)
    >>> run.payouts()[["rep_id", "earned", "currency"]]
      rep_id  earned currency
    0   anna   55000      USD
    >>> print(run.explain(2))
    Credit 'c2' moved 'anna' from 9,500.00 to 10,500.00 in all; 500.00 of it fell in tier 2
    (from 10,000.00) at 10 % = 50.00.
    """
    check_choice("on_error", on_error, ("raise", "hold"))
    check_choice("prorate", prorate, ("none", "days"))
    if input_rounding is not None:
        check_choice("input_rounding", input_rounding, ROUNDINGS)
    faults: list[Problem] = []
    known_plans = _read_plans(plans, faults)
    given = {"credits": credits, "assignments": assignments, "quotas": quotas, "reps": reps}
    tables = open_tables(given, columns, faults)
    terms = read_periods(periods, calendar, faults)
    raise_all("calculate", faults)
    assigned = read_assignments(tables.get("assignments"), tables.get("reps"), known_plans, faults)
    sheet = read_credits(
        tables["credits"],
        known_plans,
        assigned,
        terms,
        faults,
        holds=on_error == "hold",
        zone=zone,
        rounding=input_rounding,
    )
    quota_terms = QuotaTerms(
        terms=terms,
        reps=sheet.reps,
        reps_known_as=assigned.known_as,
        measures=sheet.measures,
        currencies=tuple(dict.fromkeys(sheet.currencies)),
        prorate=prorate,
        rounding=input_rounding,
    )
    book = read_quotas(tables.get("quotas"), quota_terms, faults)
    _set_unused_aside(sheet, known_plans, faults)
    raise_all("calculate", faults)
    return _pay_all(known_plans, sheet, assigned, terms, book, faults)


def _read_plans(plans: object, faults: list[Problem]) -> tuple[CompPlan, ...]:
    given = (plans,) if isinstance(plans, CompPlan) else plans
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        given = (given,)
    known = tuple(plan for plan in given if isinstance(plan, CompPlan))
    for k, plan in enumerate(given):
        if not isinstance(plan, CompPlan):
            hint = "read a document with CompPlan.from_dict or CompPlan.from_json"
            found = (type(plan).__name__,)
            faults.append(Problem(path=f"plans[{k}]", message="is not a CompPlan", values=found, hint=hint))
    if not given:
        faults.append(Problem(path="plans", message="a run has one plan or more"))
    names = [plan.plan_id for plan in known]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        values = tuple(map(repr, repeated))
        faults.append(Problem(path="plans", message="two plans have the same plan_id", values=values))
    return known


def _set_unused_aside(sheet: Credits, plans: Sequence[CompPlan], faults: list[Problem]) -> None:
    """Reject credits of a measure that no component counts; refuse a component that leaves it open."""
    triage = sheet.triage
    names = [*(show(name) for name in sheet.measures), "no measure"]
    for k, plan in enumerate(plans):
        mine = triage.paid() & (sheet.plan == k)
        found = np.unique(sheet.measure[mine])
        if any(part.measure is None for part in plan.components):
            if len(found) > 1:
                message = "credits of several measures need components that name theirs"
                values = tuple(names[code] for code in found)
                faults.append(
                    Problem(path="credits.measure", message=message, ids=(plan.plan_id,), values=values)
                )
            continue
        counted = [
            sheet.measures.index(m) for m in {part.measure for part in plan.components} if m in sheet.measures
        ]
        triage.set_aside(
            mine & ~np.isin(sheet.measure, counted),
            REJECTED,
            "unused measure",
            "measure",
            "is counted by no component of the plan",
            value=lambda row: names[int(sheet.measure[row])],
            is_fault=False,
        )


def _pay_all(
    plans: Sequence[CompPlan],
    sheet: Credits,
    assigned: Assignments,
    terms: Terms,
    book: Quotas,
    faults: list[Problem],
) -> CompRun:
    """Pay each plan, setting aside the seats that cannot be paid until all others are."""
    order = np.lexsort((sheet.rank, sheet.day, sheet.rep))
    desks, done = [], []
    for k, plan in enumerate(plans):
        while True:
            desk = _desk(k, plan, sheet, assigned, terms, book, order)
            paid = pay(desk)
            if paid.trouble is None:
                break
            _set_seats_aside(desk, sheet, book, paid.trouble)
        desks.append(desk)
        done.append(paid)
    raise_all("calculate", faults)
    return assemble(plans, sheet, terms, assigned, book, desks, done)


def _desk(
    k: int,
    plan: CompPlan,
    sheet: Credits,
    assigned: Assignments,
    terms: Terms,
    book: Quotas,
    rank: IntArray,
) -> Desk:
    """Lay out the credits of one plan in order, and the seats of its reps."""
    n = len(terms)
    rows = rank[(sheet.triage.paid() & (sheet.plan == k))[rank]]
    mine = sheet.rep[rows] * n + sheet.period[rows]
    seats = np.unique(np.concatenate([mine, _assigned_seats(k, sheet.reps, assigned, terms)]))
    return Desk(
        plan=plan,
        currency=sheet.currencies[k],
        places=EXPONENTS.get(sheet.currencies[k] or "", 2),
        terms=terms,
        quotas=book,
        measures=sheet.measures,
        seat_rep=seats // n,
        seat_period=seats % n,
        credit=rows,
        seat=np.searchsorted(seats, mine),
        deal=sheet.deal[rows],
        measure=sheet.measure[rows],
        amount=sheet.amount[rows],
    )


def _assigned_seats(k: int, reps: Labels, assigned: Assignments, terms: Terms) -> IntArray:
    """Find the rep-periods in which somebody is known to have the plan, with or without credits."""
    rep = reps.codes(assigned.reps)
    rows = np.flatnonzero((assigned.plan == k) & (rep >= 0))
    first = np.searchsorted(terms.ends, assigned.start[rows], side="right")
    count = np.maximum(np.searchsorted(terms.starts, assigned.end[rows], side="left") - first, 0)
    period = np.arange(int(count.sum())) + np.repeat(first - np.cumsum(count) + count, count)
    return np.asarray(np.repeat(rep[rows], count) * len(terms) + period, dtype=np.int64)


def _set_seats_aside(desk: Desk, sheet: Credits, book: Quotas, trouble: Trouble) -> None:
    """Hold the credits of seats that cannot be paid; each seat is shown by one of its rows."""
    marked = trouble.seats[desk.seat]
    rows = np.zeros(len(sheet.rep), dtype=np.bool_)
    rows[desk.credit[marked]] = True
    seat_of = dict(zip(desk.credit[marked].tolist(), desk.seat[marked].tolist(), strict=True))
    stand_in: dict[int, int] = {}
    for row, seat in seat_of.items():
        stand_in[seat] = min(row, stand_in.get(seat, row))

    def who(row: int) -> str:
        seat = seat_of[row]
        rep, period = int(desk.seat_rep[seat]), int(desk.seat_period[seat])
        found = f"{show(sheet.reps[rep])} in {desk.terms.names[period]!r}"
        credited = money.format_minor(int(trouble.credited[seat]), desk.places)
        if trouble.reason == "no quota":
            return f"{found}; first quota from {book.since[rep]}" if rep in book.since else found
        if trouble.reason == "negative total":
            earned = money.format_minor(int(trouble.earned[seat]), desk.places)
            return f"{found}: credits {credited}, pay {earned}"
        return f"{found}: credits {credited}"

    column, message, hint = _TROUBLES[trouble.reason]
    sheet.triage.set_aside(
        rows,
        HELD,
        trouble.reason,
        column,
        message,
        value=who,
        hint=hint,
        stand_in=np.array(sorted(stand_in.values()), dtype=np.int64),
    )
