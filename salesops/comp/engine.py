"""``calculate``: from plans and credits to a run, every line exact and every credit accounted for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import attrs
import numpy as np

from salesops import _money as money
from salesops._faults import check_choice, closest, raise_all, refuse
from salesops._frames.arrays import is_constant
from salesops._money import ROUNDINGS, BoolArray, Rounding
from salesops._run import Mapper
from salesops.comp._assemble import assemble, assemble_folded
from salesops.comp._columns import component_masks, counts_credits, set_uncounted_aside
from salesops.comp._credits import Credits
from salesops.comp._desk import Desk, Trouble
from salesops.comp._fold import fold
from salesops.comp._inputs import Call, Options, read_given
from salesops.comp._only import asked_for, narrowed
from salesops.comp._pay import pay
from salesops.comp._periods import read_periods
from salesops.comp._prior import check_prior, with_prior
from salesops.comp._quotas import Prorate
from salesops.comp._seats import Counts, Given, lay_desk, seen_by_managers
from salesops.comp._split import pay_in_parts
from salesops.comp._triage import HELD, REJECTED, Reason, open_tables
from salesops.comp.ledger import Ledger
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
        'write "negative": "allow" in the plan to pay negative amounts, or "carry" to set them off later',
    ),
    "no metric": (
        "rep_id",
        "lacks a figure that the plan asks for",
        'add it to metrics, or say in the component what "missing" means, where it allows that',
    ),
}


def calculate(
    plans: CompPlan | Sequence[CompPlan],
    credits: object,
    *,
    assignments: object = None,
    quotas: object = None,
    target_pay: object = None,
    metrics: object = None,
    events: object = None,
    fx: object = None,
    reporting: object = None,
    balances: object = None,
    prior: Ledger | None = None,
    only: Iterable[Hashable] | None = None,
    reps: object = None,
    periods: Iterable[Period] | None = None,
    calendar: FiscalCalendar | None = None,
    columns: Mapping[str, str] | None = None,
    prorate: Prorate = "none",
    first_day: Literal["counts", "free"] = "counts",
    zone: str | None = None,
    input_rounding: Rounding | None = None,
    on_error: Literal["raise", "hold"] = "raise",
    detail: Literal["lines", "totals"] = "lines",
    mapper: Mapper | None = None,
    parts: int = 16,
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
        ``rep_id, amount[, measure, currency, start, end, per, factor]``: the quota of one whole period, while
        the row is valid. ``per`` "year" spreads it evenly over the periods of the year; ``factor`` multiplies
        it, as in a ramp.
    target_pay : table, optional
        The columns of quotas: target variable pay, of which components with a ``target_share`` pay a share.
    metrics : table, optional
        ``rep_id, metric, value[, period]``: figures for scorecards, matrices, multipliers and gates, with six
        decimals at most; without a period a figure holds in all.
    events : table, optional
        ``event_id, kind, happened_on`` and ``credit_id`` or ``deal_id``, perhaps ``amount``: what releases
        holds and what claws back.
    fx : table, optional
        ``base, quote, rated_on, rate``: exchange rates; see ``fx_date`` and ``fx_max_age`` of the plan.
    reporting : table, optional
        ``rep_id, manager_id[, start, end]``, for overrides; by default the column ``manager_id`` of reps.
    balances : table, optional
        ``rep_id, amount[, plan_id]``: what reps owe on a draw, or carry below 0, when the run begins. Whoever
        owes and has neither credits nor the plan any more gets statements that carry the balance on, without
        new draws; a rep who is on no list of reps or assignments, where there is one, is refused.
    prior : Ledger, optional
        What was posted before; what reps owe in it before the first period of the run opens their balances.
    only : iterable of rep ids, optional
        Calculate these reps alone, and those whose pay hangs on theirs: managers with overrides and their
        reports, sharers of deals that events act on, all where there is a contest. A rep whom neither
        a table nor `prior` knows is refused. Posted to a ledger, such a run leaves all others as they are.
    reps : table, optional
        ``rep_id[, started_on, ended_on, manager_id]``: all reps there are. Those without credits get a
        statement of 0; others are unknown. Employment is half-open: ``ended_on`` is the day after the last.
        A plan ends with it; credits of other days are refused, unless the plan's ``outside_employment`` is
        "pay".
    periods : sequence of Period, optional
        Half-open and without holes; ``earned_on`` decides. Without them the run has one period, "all".
    calendar : FiscalCalendar, optional
        Says which periods make up a year; by default a period belongs to the calendar year it starts in.
    columns : mapping, optional
        ``{"name in your tables": "name here"}``, one mapping for all tables.
    prorate : {"none", "days", "working_days", "months"}, default "none"
        Whether a quota or target pay that is valid for part of a period counts whole, by its calendar days,
        by its days from Monday to Friday, or by the months whose first day is in it.
    first_day : {"counts", "free"}, default "counts"
        Whether the day on which a quota starts counts when it is prorated.
    zone : str, optional
        Business time zone in which moments with an offset become days.
    input_rounding : str, optional
        How amounts with more decimals than their currency are rounded at the door; refused by default.
    on_error : {"raise", "hold"}, default "raise"
        Whether a credit that cannot be paid stops the run, or is held or rejected with its reason.
    detail : {"lines", "totals"}, default "lines"
        Whether each credit has lines of its own. "totals" pays the credits of a rep's period as one, several
        times faster, with the same payouts to the cent; where a plan looks at single credits or deals, or
        something cannot be paid, there are lines by credit all the same.
    mapper : callable, optional
        Shaped like the built-in ``map``: an executor's, a cluster client's. Reps are paid in parts through
        it; the run is the same to the last byte. See :class:`Batch` for tables larger than memory.
    parts : int, default 16
        In how many parts, with a mapper.

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
    check_choice("prorate", prorate, get_args(Prorate))
    if isinstance(parts, bool) or not isinstance(parts, int) or parts < 1:
        raise refuse("parts", "is a whole number from 1 on", parts)
    if mapper is not None and not callable(mapper):
        raise refuse("mapper", "is a callable shaped like the built-in map", mapper)
    check_choice("detail", detail, ("lines", "totals"))
    check_choice("first_day", first_day, ("counts", "free"))
    if input_rounding is not None:
        check_choice("input_rounding", input_rounding, ROUNDINGS)
    faults: list[Problem] = []
    known_plans = _read_plans(plans, faults)
    tables = open_tables(
        {
            "credits": credits,
            "assignments": assignments,
            "quotas": quotas,
            "target_pay": target_pay,
            "metrics": metrics,
            "events": events,
            "fx": fx,
            "reporting": reporting,
            "balances": balances,
            "reps": reps,
        },
        columns,
        faults,
    )
    terms = read_periods(periods, calendar, faults)
    opening = check_prior(prior, balances, terms, faults)
    raise_all("calculate", faults)
    posted = () if prior is None else prior._reps()  # noqa: SLF001  (part of the same room)
    tables, scope = narrowed(tables, known_plans, asked_for(only, tables, posted))
    options = Options(
        holds=on_error == "hold", prorate=prorate, first_day=first_day, zone=zone, rounding=input_rounding
    )
    tables = {name: frame.copy(deep=False) for name, frame in tables.items()}
    call = Call(
        plans=known_plans,
        tables=tables,
        terms=terms,
        options=options,
        opening=opening,
        only=scope,
        detail=detail,
        columns=dict(columns or {}),
        pay=pay if mapper is None else partial(pay_in_parts, mapper=mapper, n_parts=parts),
        carry_out=_carry_out,
    )
    return attrs.evolve(_carry_out(call), _call=attrs.evolve(call, pay=pay))


def _carry_out(call: Call) -> CompRun:
    """Read the tables and pay every plan."""
    faults: list[Problem] = []
    read = read_given(call.tables, call.plans, call.terms, call.options, faults)
    given = with_prior(read, call.plans, call.opening, call.only)
    counts = _count(given, call.plans, faults)
    raise_all("calculate", faults)
    folded = fold(given, call.plans, counts) if call.detail == "totals" else None
    if folded is not None:
        run = _pay_folded(given, *folded, call)
        if run is not None:
            return run
    return _pay_all(given, counts, call, faults)


def _pay_folded(given: Given, folded: Given, counts: Sequence[Counts], call: Call) -> CompRun | None:
    """Pay the credits of each period as one; None where a seat cannot be paid."""
    faults: list[Problem] = []
    desks = [lay_desk(k, plan, folded, counts[k], faults) for k, plan in enumerate(call.plans)]
    done = [pay(desk) for desk in desks]
    if faults or any(paid.trouble is not None for paid in done):
        return None
    return assemble_folded(call.plans, given, folded, desks, done, call)


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


def _count(given: Given, plans: Sequence[CompPlan], faults: list[Problem]) -> list[Counts]:
    """Say which component counts which credit; reject credits that none counts."""
    sheet = given.sheet
    triage = sheet.triage
    counts = []
    for k, plan in enumerate(plans):
        mine = triage.paid() & (sheet.plan == k)
        asked = sheet.columns, sheet.measure, sheet.measures, sheet.day
        counts.append(component_masks(plan, *asked, triage, mine))
    seen = seen_by_managers(plans, given, counts, faults)
    for k, plan in enumerate(plans):
        mine = triage.paid() & (sheet.plan == k)
        _set_unused_aside(plan, sheet, mine & ~seen, faults)
        set_uncounted_aside(plan, counts[k], triage, mine & ~seen)
    return counts


def _set_unused_aside(plan: CompPlan, sheet: Credits, mine: BoolArray, faults: list[Problem]) -> None:
    """Reject credits of a measure that no component counts; refuse a component that leaves it open."""
    names = [*(show(name) for name in sheet.measures), "no measure"]
    counting: list[Any] = [part for part in plan.components if counts_credits(part)]
    found = sheet.measure[mine][:1] if is_constant(sheet.measure) else np.unique(sheet.measure[mine])
    if any(part.measure is None for part in counting):
        if len(found) > 1:
            message = "credits of several measures need components that name theirs"
            values = tuple(names[code] for code in found)
            fault = Problem(path="credits.measure", message=message, ids=(plan.plan_id,), values=values)
            faults.append(fault)
        return
    counted = [sheet.measures.index(m) for m in {part.measure for part in counting} if m in sheet.measures]
    sheet.triage.set_aside(
        mine & ~np.isin(sheet.measure, counted),
        REJECTED,
        "unused measure",
        "measure",
        "is counted by no component of the plan",
        value=lambda row: names[int(sheet.measure[row])],
        is_fault=False,
    )


def _pay_all(given: Given, counts: Sequence[Counts], call: Call, faults: list[Problem]) -> CompRun:
    """Pay each plan, setting aside the seats that cannot be paid until all others are."""
    plans = call.plans
    desks, done = [], []
    for k, plan in enumerate(plans):
        while True:
            desk = lay_desk(k, plan, given, counts[k], faults)
            paid = call.pay(desk)
            if paid.trouble is None or not _set_seats_aside(desk, given, paid.trouble, faults):
                break
        desks.append(desk)
        done.append(paid)
    raise_all("calculate", faults)
    return assemble(plans, given, desks, done, call)


def _set_seats_aside(desk: Desk, given: Given, trouble: Trouble, faults: list[Problem]) -> bool:
    """Hold the credits of seats that cannot be paid; each seat is shown by one of its rows.

    A missing figure, or trouble in a seat without credits of its own, is a fault: there is nothing to hold.
    Say whether anything was held, so that the plan is to be paid again without it.
    """
    sheet, book = given.sheet, given.quotas
    marked = trouble.seats[desk.own.seat]
    rows = np.zeros(len(sheet.rep), dtype=np.bool_)
    rows[desk.own.credit[marked]] = True
    column, message, hint = _TROUBLES[trouble.reason]
    no_figure = trouble.reason == "no metric"
    bare = np.setdiff1d(np.flatnonzero(trouble.seats), [] if no_figure else desk.own.seat).astype(np.int64)
    if len(bare):
        pairs = zip(desk.seat_rep[bare].tolist(), desk.seat_period[bare].tolist(), strict=True)
        named = tuple(f"{show(sheet.reps[rep])} in {desk.terms.names[at]!r}" for rep, at in pairs)
        table = "metrics" if no_figure else "credits"
        values = (trouble.about,) if trouble.about else ()
        near = closest(trouble.about, given.metrics.names) if trouble.about not in given.metrics.names else ()
        faults.append(
            Problem(
                path=f"{table}.{column}",
                message=message,
                ids=named,
                values=values,
                hint=hint,
                suggestions=near if no_figure else (),
            )
        )
        if no_figure or not marked.any():
            return False
    seat_of = dict(zip(desk.own.credit[marked].tolist(), desk.own.seat[marked].tolist(), strict=True))
    stand_in: dict[int, int] = {}
    for row, seat in seat_of.items():
        stand_in[seat] = min(row, stand_in.get(seat, row))

    def who(row: int) -> str:
        seat = seat_of[row]
        rep, period = int(desk.seat_rep[seat]), int(desk.seat_period[seat])
        found = f"{show(sheet.reps[rep])} in {desk.terms.names[period]!r}"
        credited = money.format_minor(int(trouble.credited[seat]), desk.places)
        if trouble.reason == "no quota":
            more = [f"first quota from {book.since[rep]}"] if rep in book.since else []
            return "; ".join([found, *more, *([book.strange[rep]] if rep in book.strange else [])])
        if trouble.reason == "negative total":
            earned = money.format_minor(int(trouble.earned[seat]), desk.places)
            return f"{found}: credits {credited}, pay {earned}"
        return f"{found}: credits {credited}"

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
    return True
