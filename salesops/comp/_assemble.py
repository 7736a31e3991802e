"""From the lines of every plan to a run: statements in order, totals, and what became of each credit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._frames import id_column
from salesops._money import IntArray, Whole
from salesops.comp._check import check_lines, check_totals
from salesops.comp._desk import Block, Desk, Paid
from salesops.comp._kernels import runs
from salesops.comp._lines import CLAWBACK, SETTLEMENT, Lines, Names
from salesops.comp._refunded import reject_refunded
from salesops.comp._seats import Given
from salesops.comp._tables import Attained, CreditTable, Totals
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.comp.settlement import Hold

_UTF8 = ("utf-8", "backslashreplace")


def assemble(plans: Sequence[CompPlan], given: Given, desks: Sequence[Desk], paid: Sequence[Paid]) -> CompRun:
    """Bring the lines of all plans into the order of statements, and add them up."""
    sheet, terms = given.sheet, given.terms
    names = Names(
        plans=tuple(plans),
        currencies=sheet.currencies,
        periods=terms.names,
        reps=sheet.reps,
        credits=sheet.ids.labels(),
        events=given.events.ids.labels(),
    )
    currency = pd.factorize(sheet.currency, sort=True)[0]
    content = (sheet.deal, sheet.measure, currency, sheet.amount, sheet.triage.status)
    order = np.lexsort((*content, sheet.rank, sheet.day, sheet.rep))
    triage = sheet.triage
    table = CreditTable(
        rep_id=sheet.rep_ids.labels(),
        rep=sheet.rep,
        period=sheet.period,
        amount=sheet.amount,
        is_read=sheet.is_read,
        currency=sheet.currency,
        status=triage.status,
        reason=triage.reason,
        detail=triage.detail,
        order=order,
        extra=sheet.table.extra(),
    )
    totals, lines, statement = _statements(desks, paid, names)
    check_lines(lines, table, desks)
    check_totals(lines, statement, totals)
    return CompRun(
        _names=names,
        _totals=totals,
        _table=lines,
        _credits=reject_refunded(table, lines),
        _attained=_attained(desks, paid),
        _events=_events(given, desks, lines),
        _given=given,
        input_digest=_digest(given, order),
    )


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
    blocks: list[Block] = []
    columns: dict[str, list[IntArray]] = {"plan": [], "rep": [], "period": [], "statement": []}
    for k, (desk, done) in enumerate(zip(desks, paid, strict=True)):
        for block in done.blocks:
            blocks.append(block)
            columns["plan"].append(np.full(len(block.seat), k))
            columns["rep"].append(desk.seat_rep[block.seat])
            columns["period"].append(desk.seat_period[block.seat])
            columns["statement"].append(np.searchsorted(distinct, keys[k][block.seat]))
    parts = {name: _join([getattr(block, name) for block in blocks]) for name in Block._fields}
    parts |= {name: _join(arrays) for name, arrays in columns.items()}
    settles = parts["rule"] >= SETTLEMENT
    order = np.lexsort(
        (
            np.arange(len(parts["seat"])),
            parts["order"],
            parts["part"],
            parts["plan"],
            settles,
            parts["statement"],
        )
    )
    parts = {name: values[order] for name, values in parts.items()}
    statement = parts.pop("statement")
    running = money.narrow(money.cumulative(parts["amount"], runs(statement)))
    pays = money.group_sums(parts["amount"], statement, len(distinct))
    is_earned = parts["rule"] < SETTLEMENT
    earned = money.group_sums(parts["amount"][is_earned], statement[is_earned], len(distinct))
    seats = distinct // len(codes)
    totals = Totals(
        rep=seats // n_periods,
        period=seats % n_periods,
        currency=np.array([code or None for code in codes], dtype=object)[distinct % len(codes)],
        earned=earned,
        paid=pays,
        held=_by_statement([done.settled.held for done in paid], keys, distinct),
        balance=_by_statement([done.settled.balance for done in paid], keys, distinct),
    )
    kept = {field.name: parts[field.name] for field in attrs.fields(Lines) if field.name in parts}
    return totals, Lines(**kept, running=running), statement


def _events(given: Given, desks: Sequence[Desk], lines: Lines) -> pd.DataFrame:
    """Say of each event whether it released or took back anything."""
    events = given.events
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


def _digest(given: Given, order: IntArray) -> str:
    """Hash what the tables say, in canonical order."""
    sheet, terms, assigned = given.sheet, given.terms, given.assigned
    digest = hashlib.sha256()
    for labels in (sheet.names, sheet.reps):
        values = labels.values
        text = (
            values.tobytes()
            if values.dtype.kind == "i"
            else "\n".join(map(repr, values.tolist())).encode(*_UTF8)
        )
        digest.update(b"%d\n" % len(values) + text)
    for column in (sheet.rank, sheet.rep, sheet.day, sheet.amount, sheet.measure, sheet.triage.status):
        digest.update(np.ascontiguousarray(column[order]).tobytes())
    codes, currencies = pd.factorize(sheet.currency[order], sort=True)
    digest.update(codes.tobytes())
    rep = sheet.reps.codes(assigned.reps)
    spans = np.array(
        sorted(zip(rep, assigned.start, assigned.end, assigned.plan, strict=True)), dtype=np.int64
    )
    books = (given.quotas.keys, given.quotas.amounts, given.target_pay.keys, given.target_pay.amounts)
    rates = (given.metrics.keys, given.metrics.values, sheet.fx.keys, sheet.fx.rates)
    for numbers in (spans, terms.starts, terms.ends, *books, *rates):
        digest.update(np.ascontiguousarray(numbers).tobytes())
    known = (currencies.tolist(), sheet.measures, terms.names, sheet.currencies, given.metrics.names)
    digest.update(repr((*known, sheet.fx.pairs, sorted(given.opening.items()))).encode(*_UTF8))
    digest.update(repr(_more(given, order)).encode(*_UTF8))
    return digest.hexdigest()


def _more(given: Given, order: IntArray) -> list[object]:
    """List what only some plans read: columns of credits, events, and the reporting tree."""
    sheet, events, tree = given.sheet, given.events, given.reporting
    said: list[object] = [(name, cells[order].tolist()) for name, cells in sheet.columns.texts.items()]
    said += [(name, value[order].tolist()) for name, (value, _) in sheet.columns.numbers.items()]
    said.append(sheet.whole[order].tolist() if sheet.whole is not sheet.amount else [])
    happened = zip(
        events.ids.labels(), events.kinds, events.day, events.rank, events.deal, events.amount, strict=True
    )
    said += sorted(map(repr, happened))
    if tree is not None:
        said += sorted(
            map(repr, zip(tree.rep.labels(), tree.manager.labels(), tree.start, tree.end, strict=True))
        )
    return said
