"""From the lines of every plan to a run: statements in order, totals, and what became of each credit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._frames import IdCells, id_column
from salesops._frames.arrays import constant, is_constant, taken
from salesops._frames.order import merge_order, sort_order
from salesops._money import IntArray, Whole
from salesops.comp._check import check_lines, check_totals
from salesops.comp._desk import Block, Desk, Paid
from salesops.comp._inputs import Call
from salesops.comp._kernels import runs
from salesops.comp._lines import CLAWBACK, SETTLEMENT, Lines, Names
from salesops.comp._refunded import reject_refunded
from salesops.comp._seats import Given
from salesops.comp._tables import Attained, CreditTable, Totals
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.comp.settlement import Hold


def assemble(
    plans: Sequence[CompPlan], given: Given, desks: Sequence[Desk], paid: Sequence[Paid], call: Call
) -> CompRun:
    """Bring the lines of all plans into the order of statements, and add them up."""
    names = _names(plans, given)
    totals, lines, statement = _statements(desks, paid, names)
    check_lines(lines, given.sheet.triage, desks)
    check_totals(lines, statement, totals)
    return _run(given, desks, paid, totals, lines, call)


def assemble_folded(
    plans: Sequence[CompPlan],
    given: Given,
    folded: Given,
    desks: Sequence[Desk],
    paid: Sequence[Paid],
    call: Call,
) -> CompRun:
    """Do as :func:`assemble` with desks on which the credits of a period lie as one."""
    names = _names(plans, given)
    totals, lines, statement = _statements(desks, paid, names)
    check_lines(lines, folded.sheet.triage, desks)
    check_totals(lines, statement, totals)
    lines = attrs.evolve(lines, credit=constant(len(lines), -1))
    return _run(given, desks, paid, totals, lines, call)


def _names(plans: Sequence[CompPlan], given: Given) -> Names:
    sheet = given.sheet
    return Names(
        plans=tuple(plans),
        currencies=sheet.currencies,
        periods=given.terms.names,
        reps=sheet.reps,
        credits=IdCells(sheet.ids),
        events=given.events.ids.labels(),
    )


def _run(
    given: Given, desks: Sequence[Desk], paid: Sequence[Paid], totals: Totals, lines: Lines, call: Call
) -> CompRun:
    sheet, triage = given.sheet, given.sheet.triage
    table = CreditTable(
        rep_id=IdCells(sheet.rep_ids),
        rep=sheet.rep,
        period=sheet.period,
        amount=sheet.amount,
        is_read=sheet.is_read,
        currency=sheet.currency,
        status=triage.status,
        reason=triage.reason,
        detail=triage.detail,
        in_order=partial(_in_order, given),
        extra=sheet.table.extra(),
    )
    return CompRun(
        _names=_names(call.plans, given),
        _totals=totals,
        _table=lines,
        _credits=reject_refunded(table, lines),
        _attained=_attained(desks, paid),
        _events=_events(given, desks, lines),
        _given=given,
        _call=call,
    )


def _in_order(given: Given) -> IntArray:
    """Give the order of rep, day and id; credits that share an id go by content."""
    sheet = given.sheet
    if sheet.n_names == len(sheet.ids):
        return given.order
    currency = pd.factorize(sheet.currency, sort=True)[0]
    content = (sheet.deal, sheet.measure, currency, sheet.amount, sheet.triage.status)
    return np.lexsort((*content, sheet.rank, sheet.day, sheet.rep))


def _statements(desks: Sequence[Desk], paid: Sequence[Paid], names: Names) -> tuple[Totals, Lines, IntArray]:
    """Group seats into statements of one currency each, and sort the lines under them."""
    n_periods = len(names.periods)
    codes = sorted({code or "" for code in names.currencies})
    money_code = [codes.index(code or "") for code in names.currencies]
    keys = [
        (desk.seat_rep * n_periods + desk.seat_period) * len(codes) + money_code[k]
        for k, desk in enumerate(desks)
    ]
    distinct = np.unique(np.concatenate(keys))
    sources = [(k, block) for k, done in enumerate(paid) for block in done.blocks]
    waiting = {name: [getattr(block, name) for _, block in sources] for name in Block._fields}
    owner = [k for k, _ in sources]
    sources.clear()
    for done in paid:
        done.blocks.clear()

    place = [np.searchsorted(distinct, key) for key in keys]
    at = [place[k][seat] for k, seat in zip(owner, waiting.pop("seat"), strict=True)]
    merged = _order_of(desks, owner, at, waiting, len(distinct))
    statement = merged.take(at)
    seats = distinct // len(codes)
    columns = {
        "plan": merged.take([constant(len(each), k) for k, each in zip(owner, at, strict=True)]),
        "rep": (seats // n_periods)[statement],
        "period": (seats % n_periods)[statement],
    }
    for name in [*waiting]:
        columns[name] = merged.take(waiting.pop(name))
    amount = columns["amount"]
    running = money.narrow(money.cumulative(amount, runs(statement)))
    pays = money.group_sums(amount, statement, len(distinct))
    late = np.flatnonzero(columns["rule"] >= SETTLEMENT)
    settled = money.group_sums(amount[late], statement[late], len(distinct))
    earned = money.narrow(money.subtract(pays, settled))
    totals = Totals(
        rep=seats // n_periods,
        period=seats % n_periods,
        currency=np.array([code or None for code in codes], dtype=object)[distinct % len(codes)],
        earned=earned,
        paid=pays,
        held=_by_statement([done.settled.held for done in paid], keys, distinct),
        balance=_by_statement([done.settled.balance for done in paid], keys, distinct),
    )
    return totals, Lines(**columns, running=running), statement


class _Merged(NamedTuple):
    """How blocks of lines are put together: `order` counts through all, the longest starts at `first`."""

    order: IntArray
    longest: int
    within: IntArray
    others: IntArray
    where: IntArray

    def take(self, parts: Sequence[Whole]) -> Whole:
        """Put a column together."""
        if len(parts) == 1 or not len(self.others):
            return taken(_join(parts), self.order)
        if all(map(is_constant, parts)) and len({int(part[0]) for part in parts}) == 1:
            return constant(len(self.order), int(parts[0][0]))
        main = parts[self.longest]
        rest = _join([*parts[: self.longest], *parts[self.longest + 1 :]])[self.where]
        column = np.full(len(self.order), main[0]) if is_constant(main) else main[self.within]
        if column.dtype != rest.dtype:
            column = column.astype(object)
        column[self.others] = rest
        return column


def _order_of(
    desks: Sequence[Desk],
    owner: Sequence[int],
    statement: Sequence[IntArray],
    waiting: dict[str, list[Whole]],
    n_statements: int,
) -> _Merged:
    """Order lines by statement, what is earned before what settles it, plan, component and credit."""
    last = max(len(desk.own.place) + len(desk.team.place) for desk in desks)
    n_parts = max((len(desk.plan.components) for desk in desks), default=0) + 3
    places = [_at_most(order, last) for order in waiting.pop("order")]
    settles = [_at_most(rule, SETTLEMENT) >= SETTLEMENT for rule in waiting["rule"]]
    sizes = [len(place) for place in places]
    n = sum(sizes)
    if n_statements * 2 * len(desks) * n_parts * (last + 1) >= 2**63 or not n:
        plan = _join([constant(size, k) for k, size in zip(owner, sizes, strict=True)])
        settled = _join(settles).astype(np.int64)
        order = sort_order(_join(statement), settled, plan, _join(waiting["part"]), _join(places))
    else:
        rows = zip(statement, settles, owner, waiting["part"], places, strict=True)
        order = merge_order(
            [
                (((at * 2 + late) * len(desks) + k) * n_parts + part) * (last + 1) + place
                for at, late, k, part, place in rows
            ]
        )
    longest = sizes.index(max(sizes)) if sizes else 0
    first, size = sum(sizes[:longest]), max(sizes, default=0)
    within = order - first
    others = np.flatnonzero((within < 0) | (within >= size))
    where = order[others]
    where = np.where(where >= first + size, where - size, where)
    within[others] = 0
    return _Merged(order, longest, within, others, where)


def _at_most(values: IntArray, limit: int) -> IntArray:
    """Bound a column from above; a constant stays one."""
    return (
        constant(len(values), min(int(values[0]), limit))
        if is_constant(values)
        else np.minimum(values, limit)
    )


def _events(given: Given, desks: Sequence[Desk], lines: Lines) -> pd.DataFrame:
    """Say of each event whether it released or took back anything."""
    events = given.events
    if not len(events.day):
        desks = ()
    counted = np.zeros(len(events.day), dtype=np.bool_)
    counted[lines.prior[lines.rule == CLAWBACK]] = True
    for desk in desks:
        kinds = [part.until for part in desk.plan.components if isinstance(part, Hold)]
        touched = np.isin(events.rank, desk.rank[desk.own.credit]) & (events.rank >= 0)
        touched |= np.isin(events.deal, desk.own.deal) & (events.deal >= 0)
        counted |= touched & np.isin(events.kinds.astype(str), [kind for kind in kinds if kind is not None])
    status = np.where(events.is_repeat, "repeated", np.where(counted, "counted", "unused"))
    columns = {
        "event_id": id_column(events.ids.labels()),
        "kind": id_column(events.kinds),
        "happened_on": events.day.astype("datetime64[D]").astype("datetime64[s]"),
        "status": id_column(status.astype(object)),
    }
    return pd.DataFrame(columns)


def _by_statement(columns: Sequence[IntArray], keys: Sequence[IntArray], distinct: IntArray) -> IntArray:
    """Add up what the seats of all plans have on hold or owe."""
    place = [np.searchsorted(distinct, key) for key in keys]
    return money.group_sums(_join(columns), _join(place), len(distinct))


def _join(arrays: Sequence[Whole]) -> Whole:
    if (
        arrays
        and all(is_constant(array) for array in arrays)
        and len({int(array[0]) for array in arrays}) == 1
    ):
        return constant(sum(map(len, arrays)), int(arrays[0][0]))
    return np.concatenate(arrays) if arrays else np.empty(0, dtype=np.int64)


def _attained(desks: Sequence[Desk], paid: Sequence[Paid]) -> Attained:
    rows = [
        (k, desk, reached)
        for k, (desk, done) in enumerate(zip(desks, paid, strict=True))
        for reached in done.attained
    ]
    return Attained(
        rep=_join([desk.seat_rep for _, desk, _ in rows]),
        period=_join([desk.seat_period for _, desk, _ in rows]),
        plan=_join([np.full(desk.n_seats, k) for k, desk, _ in rows]),
        part=_join([np.full(desk.n_seats, reached.part) for _, desk, reached in rows]),
        credited=_join([reached.credited for *_, reached in rows]),
        quota=_join([reached.quota for *_, reached in rows]),
    )
