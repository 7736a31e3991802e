"""From tables to desks: who has which plan in which period, whose credits count, and who stands above."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property, partial

import attrs
import numpy as np

from salesops._frames import Labels
from salesops._frames.arrays import taken
from salesops._frames.order import are_packed, sort_with
from salesops._money import EXPONENTS, BoolArray, IntArray
from salesops.comp._assignments import Assignments
from salesops.comp._credits import Credits
from salesops.comp._desk import Desk, Rows
from salesops.comp._events import Events
from salesops.comp._kernels import runs
from salesops.comp._metrics import Metrics
from salesops.comp._periods import Spans, Terms, overlap
from salesops.comp._quotas import Quotas
from salesops.comp._reporting import Lines, climb
from salesops.comp.bonuses import Bonus
from salesops.comp.components import Override
from salesops.comp.plan import CompPlan
from salesops.comp.rewards import FixedPay
from salesops.comp.settlement import Clawback, Draw, Guarantee, Hold
from salesops.errors import Problem, show

Counts = tuple[BoolArray | None, ...]
"""For each component of a plan, the credits that it counts; None is all of them."""

_LASTING = (Clawback, Hold, Draw, FixedPay, Guarantee)


@attrs.frozen(eq=False, kw_only=True)
class Given:
    """Everything a run was given, read: one bundle for all plans."""

    sheet: Credits
    assigned: Assignments
    terms: Terms
    quotas: Quotas
    target_pay: Quotas
    metrics: Metrics
    events: Events
    reporting: Lines | None
    opening: Mapping[tuple[int, int], int]
    _order: IntArray | None = attrs.field(default=None, alias="order")
    only: frozenset[tuple[str, Hashable]] | None = None

    @cached_property
    def order(self) -> IntArray:
        """Credits by rep, day and id: the order in which they count."""
        return self.sorted[0] if self._order is None else self._order

    @cached_property
    def sorted(self) -> tuple[IntArray, tuple[IntArray, ...]]:
        """The order of credits, with their reps and days in it."""
        sheet, numbers = self.sheet, self.sheet.ids.numbers
        if numbers is not None and sheet.ids.is_plain and are_packed(sheet.rep, sheet.day, numbers.keys):
            return sort_with(sheet.rep, sheet.day, numbers.keys, back=2)
        return sort_with(sheet.rep, sheet.day, sheet.rank, back=2)

    def in_order(self, rows: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Give rep, period and day of credits that stand in order."""
        sheet = self.sheet
        if self._order is None and rows is self.order:
            rep, day = self.sorted[1]
            return rep, self.terms.find(day), day
        return taken(sheet.rep, rows), taken(sheet.period, rows), taken(sheet.day, rows)


def lay_desk(k: int, plan: CompPlan, given: Given, counts: Counts, faults: list[Problem]) -> Desk:
    """Lay out the credits of one plan in order, and the seats of its reps."""
    sheet, terms = given.sheet, given.terms
    n = len(terms)
    counted = sheet.triage.paid() & (sheet.plan == k)
    rows = given.order if counted.all() else given.order[counted[given.order]]
    rep, period, day = given.in_order(rows)
    own = rep * n + period
    starts = runs(own)
    team, boss, level = _team(k, plan, given, faults)
    above = boss * n + sheet.period[team]
    has_plan = _assigned_seats(k, sheet.reps, given.assigned, terms)
    seats = np.unique(np.concatenate([own[starts], above, has_plan]))
    if _lasts(plan):
        seats = _until_the_end(seats, n)
    has_it = np.ones(len(seats), dtype=np.bool_) if given.assigned.known is None else np.isin(seats, has_plan)
    if given.opening:
        seats, has_it = _with_seats(seats, has_it, _owing_seats(k, seats // n, given.opening, n))
    number = _numbered(seats // n, has_it)
    currency = sheet.currencies[k]
    due = taken(sheet.due, rows)
    place = np.arange(len(rows))
    mine = Rows(
        place,
        rows,
        _repeated(np.searchsorted(seats, own[starts]), starts),
        taken(sheet.deal, rows) if sheet.has_deals else place,
        taken(sheet.measure, rows),
        due,
        due if sheet.whole is sheet.due else taken(sheet.whole, rows),
        day,
    )
    return Desk(
        plan=plan,
        currency=currency,
        places=EXPONENTS.get(currency or "", 2),
        terms=terms,
        quotas=given.quotas,
        target_pay=given.target_pay,
        metrics=given.metrics,
        measures=sheet.measures,
        texts=sheet.columns.texts,
        numbers=sheet.columns.numbers,
        events=given.events,
        ranks=partial(getattr, sheet, "rank"),
        stated=sheet.amount,
        credit_ids=sheet.ids,
        opening=_opening(k, seats // n, given.opening),
        counts=counts,
        seat_rep=seats // n,
        seat_period=seats % n,
        seat_number=number,
        served=_served(plan, k, seats, given),
        own=mine,
        team=_team_rows(k, plan, given, team, seats, above, len(rows)),
        level=level,
    )


def _repeated(values: IntArray, starts: BoolArray) -> IntArray:
    """Repeat each value for the rows of its run."""
    first = np.flatnonzero(starts)
    return np.repeat(values, np.diff(np.append(first, len(starts))))


def _lasts(plan: CompPlan) -> bool:
    """Say whether a rep's seats go on to the end of the run, sales or not."""
    caps = [plan.cap, *(getattr(part, "cap", None) for part in plan.components)]
    return (
        plan.negative == "carry"
        or any(isinstance(part, _LASTING) for part in plan.components)
        or any(getattr(part, "interim_rate", None) is not None for part in plan.components)
        or any(isinstance(part, Bonus) and part.metric is not None for part in plan.components)
        or any(cap is not None and cap.excess == "carried" for cap in caps)
    )


def _until_the_end(seats: IntArray, n: int) -> IntArray:
    rep = seats // n
    first = seats[np.flatnonzero(np.diff(rep, prepend=-1))]
    count = n - first % n
    step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(np.repeat(first, count) + step, dtype=np.int64)


def _owing_seats(k: int, rep: IntArray, opening: Mapping[tuple[int, int], int], n: int) -> IntArray:
    """Find the seats of those who owe on the plan and have no other seat in it: what they owe stands on."""
    owing = [code for (plan, code), owed in opening.items() if plan == k and owed]
    lone = np.setdiff1d(np.array(owing, dtype=np.int64), rep)
    return np.asarray((lone[:, None] * n + np.arange(n)).reshape(-1), dtype=np.int64)


def _with_seats(seats: IntArray, has_it: BoolArray, owing: IntArray) -> tuple[IntArray, BoolArray]:
    """Put in seats of reps who do not have the plan."""
    joined = np.concatenate([seats, owing])
    order = np.argsort(joined, kind="stable")
    return joined[order], np.concatenate([has_it, np.zeros(len(owing), dtype=np.bool_)])[order]


def _numbered(rep: IntArray, has_plan: BoolArray) -> IntArray:
    """Count the seats of each rep in which there is the plan; 0 in the others."""
    total = np.cumsum(has_plan)
    first = np.diff(rep, prepend=-1) != 0
    before = np.where(first, total - has_plan, 0)
    return np.asarray(np.where(has_plan, total - np.maximum.accumulate(before), 0), dtype=np.int64)


def _spans(k: int, reps: Labels, assigned: Assignments) -> tuple[IntArray, IntArray, IntArray]:
    """Give the rows of the plan: rep, and days from when until when, within employment."""
    rep = reps.codes(assigned.reps)
    rows = np.flatnonzero((assigned.plan == k) & (rep >= 0))
    rep, start, end = rep[rows], assigned.start[rows], assigned.end[rows]
    if assigned.employed is not None:
        since, until = assigned.employed.by_rep(reps)
        start, end = np.maximum(start, since[rep]), np.minimum(end, until[rep])
    keep = start < end
    return rep[keep], start[keep], end[keep]


def _assigned_seats(k: int, reps: Labels, assigned: Assignments, terms: Terms) -> IntArray:
    """Find the rep-periods in which somebody is known to have the plan, with or without credits."""
    rep, period, _ = _touched(*_spans(k, reps, assigned), terms)
    return rep * len(terms) + period


def _touched(
    rep: IntArray, start: IntArray, end: IntArray, terms: Terms
) -> tuple[IntArray, IntArray, IntArray]:
    """Spread spans over the periods they touch: rep, period and the row of the span."""
    first = np.searchsorted(terms.ends, start, side="right")
    count = np.maximum(np.searchsorted(terms.starts, end, side="left") - first, 0)
    period = np.arange(int(count.sum())) + np.repeat(first - np.cumsum(count) + count, count)
    row = np.repeat(np.arange(len(rep)), count)
    return rep[row], np.asarray(period, dtype=np.int64), row


def _served(plan: CompPlan, k: int, seats: IntArray, given: Given) -> dict[str, tuple[IntArray, IntArray]]:
    """Count how much of its period each seat has the plan, by each way of counting that the plan uses."""
    terms = given.terms
    methods = {getattr(part, "prorate", "none") for part in plan.components} - {"none"}
    methods &= {"days", "working_days", "months"}
    served = {}
    for method in sorted(methods):
        if any(isinstance(part, Clawback) for part in plan.components) and not terms.dated:
            continue
        whole = overlap(method, terms.starts, terms.ends)[seats % len(terms)]
        if given.assigned.known is None:
            served[method] = whole, whole
            continue
        rep, start, end = _spans(k, given.sheet.reps, given.assigned)
        who, period, row = _touched(rep, start, end, terms)
        low, high = np.maximum(start[row], terms.starts[period]), np.minimum(end[row], terms.ends[period])
        part = np.zeros(len(seats), dtype=np.int64)
        place = np.searchsorted(seats, who * len(terms) + period)
        np.add.at(part, place, overlap(method, low, high))
        served[method] = part, whole
    return served


def _opening(k: int, rep: IntArray, opening: Mapping[tuple[int, int], int]) -> IntArray:
    """Give what each rep owed at the start of the run, on all of its seats."""
    if not opening:
        return np.zeros(len(rep), dtype=np.int64)
    return np.array([opening.get((k, code), 0) for code in rep.tolist()], dtype=np.int64)


def _team(k: int, plan: CompPlan, given: Given, faults: list[Problem]) -> tuple[IntArray, IntArray, IntArray]:
    """Find the credits that managers with this plan see below them."""
    none = np.empty(0, dtype=np.int64)
    overrides = [part for part in plan.components if isinstance(part, Override)]
    if not overrides:
        return none, none, none
    lines, sheet = given.reporting, given.sheet
    if lines is None:
        hint = "pass reporting with rep_id and manager_id, or give reps a column manager_id"
        message = "the plan pays overrides and needs to know who reports to whom"
        if not any(problem.path == "reporting" for problem in faults):
            faults.append(Problem(path="reporting", message=message, hint=hint))
        return none, none, none
    depths = [part.depth for part in overrides]
    depth = None if None in depths else max(d for d in depths if d is not None)
    rows = given.order[sheet.triage.paid()[given.order]]
    codes = (sheet.reps.codes(lines.rep), sheet.reps.codes(lines.manager), lines.start, lines.end)
    above, ring = climb(sheet.rep[rows], sheet.day[rows], codes, depth)
    if len(ring) and not any(problem.path == "reporting.manager_id" for problem in faults):
        named = " -> ".join(show(sheet.reps[rep]) for rep in ring)
        hint = "let somebody report to nobody"
        message = "managers report to each other in a ring"
        faults.append(Problem(path="reporting.manager_id", message=message, values=(named,), hint=hint))
    keep = _has_plan(k, above.manager, sheet.day[rows[above.row]], given)
    seen = rows[above.row[keep]]
    order = np.lexsort((sheet.rank[seen], sheet.day[seen], above.manager[keep]))
    return seen[order], above.manager[keep][order], above.level[keep][order]


def seen_by_managers(
    plans: Sequence[CompPlan], given: Given, counts: Sequence[Counts], faults: list[Problem]
) -> BoolArray:
    """Mark the credits that an override of somebody above counts, whether or not the rep's own plan does."""
    seen = np.zeros(len(given.sheet.rep), dtype=np.bool_)
    for k, plan in enumerate(plans):
        rows, _, level = _team(k, plan, given, faults)
        for part, mask in zip(plan.components, counts[k], strict=True):
            if isinstance(part, Override):
                near = rows if part.depth is None else rows[level <= part.depth]
                seen[near if mask is None else near[mask[near]]] = True
    return seen


def _has_plan(k: int, rep: IntArray, day: IntArray, given: Given) -> IntArray:
    """Find the entries whose rep has the plan on the day."""
    assigned = given.assigned
    if assigned.known is None:
        return np.arange(len(rep))
    spans = Spans.of(given.sheet.reps.codes(assigned.reps), assigned.start, assigned.end)
    row = spans.find(rep, day)
    plan = assigned.plan[row] if len(assigned.plan) else np.full(len(rep), -1)
    return np.flatnonzero((row >= 0) & (plan == k))


def _team_rows(
    k: int,
    plan: CompPlan,
    given: Given,
    team: IntArray,
    seats: IntArray,
    above: IntArray,
    n_own: int,
) -> Rows:
    """Lay out what managers see, in the order in which it counts, in the currency of their plan."""
    sheet = given.sheet
    amount, whole, known = sheet.in_currency(plan, sheet.currencies[k], team, given.terms)
    message = "has no exchange rate into the currency of a manager's plan"
    into = sheet.currencies[k]
    sheet.table.fault(
        "currency", np.unique(team[~known]), message, value=lambda row: f"{sheet.currency[row]} to {into}"
    )
    return Rows(
        n_own + np.arange(len(team)),
        team,
        np.searchsorted(seats, above),
        sheet.deal[team] if len(team) else team,
        sheet.measure[team],
        amount,
        whole,
        sheet.day[team],
    )
