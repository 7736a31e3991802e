"""Credits in: whose they are, when, how much, and what speaks against paying them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._frames import Ids, Labels, Reader, check_known
from salesops._frames.arrays import constant, is_constant
from salesops._money import EXPONENTS, BoolArray, IntArray, Rounding
from salesops.comp._assignments import Assignments
from salesops.comp._columns import Columns, counts_days, read_columns
from salesops.comp._fx import Rates, converted, rate_days
from salesops.comp._periods import FIRST_DAY, LAST_DAY, Spans, Terms, day_numbers, day_text, span_text
from salesops.comp._triage import HELD, REJECTED, Triage
from salesops.comp.plan import CompPlan
from salesops.errors import Problem, show


@attrs.frozen(eq=False)
class Credits:
    """Credits by row of the table given; ids are positions in sorted labels, days count from 1970."""

    table: Reader
    triage: Triage
    reps: Labels
    ids: Ids
    rep_ids: Ids
    _rank: IntArray | None = attrs.field(alias="rank")
    rep: IntArray
    plan: IntArray
    period: IntArray
    day: IntArray
    _deal: IntArray | None = attrs.field(alias="deal")
    measure: IntArray
    measures: tuple[str, ...]
    amount: IntArray
    is_read: BoolArray
    currency: NDArray[Any]
    currencies: tuple[str | None, ...]
    deals: Labels
    whole: IntArray
    paid_on: IntArray | None
    columns: Columns
    fx: Rates
    due: IntArray

    @cached_property
    def rank(self) -> IntArray:
        """Place of each credit's id among all ids in order; -1 where there is none."""
        return _ranks(self.ids) if self._rank is None else self._rank

    @cached_property
    def deal(self) -> IntArray:
        """Number of each credit's deal; a credit without one is a deal of its own."""
        return self.rank if self._deal is None else self._deal

    @property
    def has_deals(self) -> bool:
        """Say whether a credit may share its deal with another."""
        return self._deal is not None

    @cached_property
    def names(self) -> Labels:
        """The distinct credit ids in order; `rank` is the place of each credit's among them."""
        return Labels.of(self.ids)

    @property
    def n_names(self) -> int:
        """How many credit ids there are."""
        return self.ids.n_distinct

    def places_by_name(self) -> IntArray:
        """Give the decimals of the currency of each credit id."""
        codes, names = pd.factorize(self.currency)
        each = np.array([*(EXPONENTS.get(name, 2) for name in names), 2], dtype=np.int64)[codes]
        places = np.full(self.n_names, 2, dtype=np.int64)
        places[self.rank[self.rank >= 0]] = each[self.rank >= 0]
        return places

    def in_currency(
        self, plan: CompPlan, into: str | None, rows: IntArray, terms: Terms
    ) -> tuple[IntArray, IntArray, BoolArray]:
        """Give credits and their whole deals in the currency of a plan, and which have a rate."""
        return converted(
            plan,
            into,
            rows,
            terms,
            self.fx,
            self.amount,
            self.whole,
            self.currency,
            self.day,
            self.period,
            self.paid_on,
        )


def read_credits(
    frame: pd.DataFrame,
    plans: Sequence[CompPlan],
    assigned: Assignments,
    terms: Terms,
    faults: list[Problem],
    *,
    holds: bool,
    zone: str | None,
    rounding: Rounding | None,
    fx: Rates,
    also: Sequence[Ids] = (),
) -> Credits:
    """Take the table of credits; whatever is wrong with a row sets that credit aside."""
    since = len(faults)
    table = Reader(frame, "credits", key=("credit_id",), faults=faults)
    triage = Triage(table, holds=holds)
    ids = table.ids("credit_id")
    rep_ids = table.ids("rep_id")
    undated = not _needs_days(terms, assigned, plans)
    day = day_numbers(table.dates("earned_on", optional=undated, zone=zone), missing=FIRST_DAY)
    deals = table.ids("deal_id", optional=True)
    named = _measures_named(table, plans)
    paid_on = _paid_on(table, plans, zone)
    columns = read_columns(table, plans, {"earned_on": day, "paid_on": paid_on}, zone=zone)
    codes = table.texts("currency", optional=True)
    triage.adopt(since)
    _mark_unreadable(triage, faults[since:])
    reps = Labels.of(rep_ids, assigned.reps, *also)
    rep = reps.codes(rep_ids)
    plan = _plan_of(triage, rep_ids, rep, day, reps, assigned)
    _check_employed(triage, rep_ids, rep, day, plan, plans, reps, assigned)
    period = terms.find(day)
    message = "is in no period of the run"
    triage.set_aside(period < 0, HELD, "no period", "earned_on", message, value=_day_of(day))
    one_code = _one_currency(table, plans)
    currency, currencies = (
        _currencies(triage, codes, plans, plan) if one_code is None else _all_in(one_code, len(table), plans)
    )
    amount, is_read = _amounts(triage, currency, rounding)
    whole = _amounts(triage, currency, rounding, column="deal_amount")[0] if _by_deal(plans) else amount
    deal_labels = Labels.of(deals)
    deal = _deals(deals, deal_labels, ids)
    due = amount
    if one_code is None:
        due, whole = _due(triage, plans, plan, terms, fx, amount, whole, currency, day, period, paid_on)
    measure, measures = _measures(named)
    sheet = Credits(
        table,
        triage,
        reps,
        ids,
        rep_ids,
        None,
        rep,
        plan,
        period,
        day,
        deal,
        measure,
        measures,
        amount,
        is_read,
        currency,
        currencies,
        deal_labels,
        whole,
        paid_on,
        columns,
        fx,
        due,
    )
    _set_repeats_aside(sheet)
    return sheet


def _needs_days(terms: Terms, assigned: Assignments, plans: Sequence[CompPlan]) -> bool:
    """Say whether a credit must tell its day: for its period, its plan, or what the plan counts in days."""
    is_bounded = (assigned.start > FIRST_DAY).any() or (assigned.end < LAST_DAY).any()
    return terms.dated or bool(is_bounded) or any(counts_days(plan) for plan in plans)


def _ranks(ids: Ids) -> IntArray:
    """Find the place of each credit's id among all of them in order; -1 where there is none."""
    rank = ids.rank if ids.rank is not None else Labels.of(ids).codes(Ids(_all(ids.distinct), ids.distinct))
    if not len(rank):
        return np.full(len(ids), -1, dtype=np.int64)
    return rank if ids.is_plain else np.where(ids.codes < 0, -1, rank[ids.codes])


def _deals(deals: Ids, labels: Labels, ids: Ids) -> IntArray | None:
    """Give each deal a number; a credit without one is a deal of its own. None where no credit has one."""
    if not deals.n_distinct:
        return None
    return np.where(deals.codes < 0, deals.n_distinct + _ranks(ids), labels.codes(deals))


def _all(values: NDArray[Any]) -> IntArray:
    return np.arange(len(values))


def _measures(named: NDArray[Any]) -> tuple[IntArray, tuple[str, ...]]:
    """Find the measures in order and number them; -1 where a credit names none."""
    if is_constant(named) and named[0] is None:
        return constant(len(named), -1), ()
    codes, names = pd.factorize(named, sort=True)
    return codes.astype(np.int64, copy=False), tuple(names.tolist())


def _one_currency(table: Reader, plans: Sequence[CompPlan]) -> str | None:
    """Find the currency of all credits, where the plans agree on it and the table is silent."""
    codes = {plan.currency for plan in plans}
    return codes.pop() if len(codes) == 1 and not table.has("currency") else None


def _all_in(code: str, n: int, plans: Sequence[CompPlan]) -> tuple[NDArray[Any], tuple[str | None, ...]]:
    return np.broadcast_to(np.array(code, dtype=object), (n,)), (code,) * len(plans)


def _paid_on(table: Reader, plans: Sequence[CompPlan], zone: str | None) -> IntArray | None:
    """Take the days of payment, where a plan converts by them."""
    if all(plan.fx_date != "paid_on" for plan in plans):
        return None
    return day_numbers(table.dates("paid_on", zone=zone), missing=FIRST_DAY)


def _by_deal(plans: Sequence[CompPlan]) -> bool:
    """Say whether a component lets whole deals meet its tiers."""
    return any(getattr(part, "accumulate_on", "") == "deal" for plan in plans for part in plan.components)


def _due(
    triage: Triage,
    plans: Sequence[CompPlan],
    plan: IntArray,
    terms: Terms,
    fx: Rates,
    amount: IntArray,
    whole: IntArray,
    currency: NDArray[Any],
    day: IntArray,
    period: IntArray,
    paid_on: IntArray | None,
) -> tuple[IntArray, IntArray]:
    """Convert each credit into the currency of its plan; one without a rate is held."""
    due, deal = amount, whole
    for k, ours in enumerate(plans):
        into = ours.currency
        rows = np.flatnonzero(triage.paid() & (plan == k) & (currency != into))
        if into is None or not len(rows):
            continue
        if due is amount:
            due, deal = amount.copy(), whole.copy()
        got = converted(ours, into, rows, terms, fx, amount, whole, currency, day, period, paid_on)
        due[rows], deal[rows], known = got
        lost = np.zeros(len(amount), dtype=np.bool_)
        lost[rows[~known]] = True
        dates = rate_days(ours, terms, day, period, paid_on)
        triage.set_aside(
            lost,
            HELD,
            "no exchange rate",
            "currency",
            "has no exchange rate into the currency of the plan",
            value=lambda k, into=into, dates=dates: f"{currency[k]} to {into} on {day_text(int(dates[k]))}",  # type: ignore[misc]  # lambda defaults
            hint="add the rate to fx, allow older ones with fx_max_age of the plan, or convert before",
        )
    return due, deal


def _mark_unreadable(triage: Triage, found: Sequence[Problem]) -> None:
    """Keep rows with a fault of their own out of later checks, where the run raises."""
    place: dict[Any, int] = {}
    for problem in found:
        if problem.rows and problem.path.startswith("credits."):
            place = place or {label: k for k, label in enumerate(triage.table.rows)}
            triage.status[[place[label] for label in problem.rows]] = REJECTED


def _day_of(day: IntArray) -> Callable[[int], str]:
    return lambda k: day_text(int(day[k]))


def _measures_named(table: Reader, plans: Sequence[CompPlan]) -> NDArray[Any]:
    is_needed = any(getattr(part, "measure", None) is not None for plan in plans for part in plan.components)
    if is_needed and not table.has("measure"):
        table.cells("measure")
        return np.full(len(table), None, dtype=object)
    if not table.has("measure"):
        return np.broadcast_to(np.array(None, dtype=object), (len(table),))
    return table.texts("measure", optional=True)


def _plan_of(
    triage: Triage, rep_ids: Ids, rep: IntArray, day: IntArray, reps: Labels, assigned: Assignments
) -> IntArray:
    """Find the plan of each credit's rep on the day of the credit; -1 where there is none."""
    table = triage.table
    known, known_as = assigned.known, assigned.known_as
    if known is None or known_as is None:
        return constant(len(rep), 0)
    if not triage.holds:
        check_known(table.faults, "credits.rep_id", rep_ids, known, known_as, table.rows, who=table.who)
    message = f"names a rep that {known_as} does not have"
    unknown = known.codes(rep_ids) < 0
    triage.set_aside(
        unknown,
        HELD,
        "unknown rep",
        "rep_id",
        message,
        value=lambda k: show(rep_ids.label(k)),
        is_fault=False,
    )
    spans = Spans.of(reps.codes(assigned.reps), assigned.start, assigned.end)
    row = spans.find(rep, day)
    triage.set_aside(
        row < 0,
        HELD,
        "no plan",
        "earned_on",
        "the rep has no plan on that day",
        value=lambda k: f"{show(rep_ids.label(k))} on {day_text(int(day[k]))}",
    )
    return np.where(row < 0, -1, assigned.plan[row] if len(assigned.plan) else -1)


def _check_employed(
    triage: Triage,
    rep_ids: Ids,
    rep: IntArray,
    day: IntArray,
    plan: IntArray,
    plans: Sequence[CompPlan],
    reps: Labels,
    assigned: Assignments,
) -> None:
    """Set credits aside of days on which their rep was not employed, unless the plan pays them."""
    strict = np.array([ours.outside_employment == "refuse" for ours in plans] + [False])
    if assigned.employed is None or not strict.any():
        return
    since, until = assigned.employed.by_rep(reps)
    outside = (day > FIRST_DAY) & ((day < since[rep]) | (day >= until[rep]))
    hint = 'ended_on is the day after the last; a plan with "outside_employment": "pay" pays such credits'

    def shown(k: int) -> str:
        return (
            f"{show(rep_ids.label(k))} on {day_text(int(day[k]))}, "
            f"employed {span_text(since, until, int(rep[k]))}"
        )

    triage.set_aside(
        outside & strict[plan],
        HELD,
        "not employed",
        "earned_on",
        "the rep is not employed on that day",
        value=shown,
        hint=hint,
    )


def _currencies(
    triage: Triage, codes: NDArray[Any], plans: Sequence[CompPlan], plan: IntArray
) -> tuple[NDArray[Any], tuple[str | None, ...]]:
    """Find the currency of each credit and of each plan; amounts are never converted in silence."""
    shared = {ours.currency for ours in plans}
    own = np.array(
        [*(ours.currency for ours in plans), shared.pop() if len(shared) == 1 else None], dtype=object
    )
    foreign = np.array([code is not None and code not in EXPONENTS for code in codes], dtype=np.bool_)
    triage.set_aside(
        foreign, REJECTED, "unreadable", "currency", "not a currency code of ISO 4217", value=_cell(codes)
    )
    currency = np.where(codes == None, own[plan], codes)  # noqa: E711  (elementwise)
    settled: list[str | None] = []
    for k, ours in enumerate(plans):
        mine = triage.paid() & (plan == k)
        found = sorted({code for code in currency[mine] if code is not None})
        if ours.currency is None:
            _settle(triage, mine, currency, found)
            settled.append(found[0] if len(found) == 1 else None)
            continue
        settled.append(ours.currency)
    return currency, tuple(settled)


def _settle(triage: Triage, mine: BoolArray, currency: NDArray[Any], found: Sequence[str]) -> None:
    """Let the credits of a plan without a currency settle it, if they agree."""
    silent = mine & (currency == None)  # noqa: E711  (elementwise)
    triage.set_aside(
        silent,
        REJECTED,
        "unreadable",
        "currency",
        "neither the plan nor the credit names a currency",
        hint='name it in the plan, as in "currency": "USD"',
    )
    if len(found) > 1:
        triage.set_aside(
            mine,
            HELD,
            "mixed currencies",
            "currency",
            "credits of several currencies need a plan that names its own",
            value=_cell(currency),
            hint='name it in the plan, as in "currency": "USD"',
        )


def _cell(cells: NDArray[Any]) -> Callable[[int], str]:
    return lambda k: show(cells[k])


def _amounts(
    triage: Triage, currency: NDArray[Any], rounding: Rounding | None, column: str = "amount"
) -> tuple[IntArray, BoolArray]:
    """Read amounts into minor units of the credit's currency; what cannot be read is 0 and rejected."""
    cells = triage.table.cells(column)
    if cells is None:
        return np.zeros(len(triage.status), dtype=np.int64), np.zeros(len(triage.status), dtype=np.bool_)
    codes, names = _coded(currency)
    is_read = np.array([*(name in EXPONENTS for name in names), False], dtype=np.bool_)[codes]
    places = np.array([*(EXPONENTS.get(name, 2) for name in names), 2], dtype=np.int64)[codes]
    amount, refused = money.parse(cells, places, rounding=rounding)
    for rule in refused:
        rows = np.zeros(len(amount), dtype=np.bool_)
        rows[rule.positions] = True
        is_read[rule.positions] = False
        triage.set_aside(
            rows,
            REJECTED,
            "unreadable",
            column,
            rule.message,
            value=lambda k: f"{show(cells.iloc[k])} {currency[k] or ''}".rstrip(),
            hint=rule.hint,
        )
    return amount, is_read


def _coded(currency: NDArray[Any]) -> tuple[IntArray, NDArray[Any]]:
    """Find the distinct currencies and number them; a constant column is not looked through."""
    if is_constant(currency):
        return constant(len(currency), 0), np.array(currency[:1], dtype=object)
    codes, names = pd.factorize(currency)
    return codes.astype(np.int64, copy=False), names


def _set_repeats_aside(sheet: Credits) -> None:
    """Count a credit once that comes twice with the same content; twice with another is a contradiction."""
    triage = sheet.triage
    rows = np.flatnonzero(sheet.ids.repeated() & triage.paid())
    if not len(rows):
        return
    rows = rows[np.lexsort((rows, sheet.rank[rows]))]
    starts = np.flatnonzero(np.diff(sheet.rank[rows], prepend=-2))
    first = np.repeat(rows[starts], np.diff(np.append(starts, len(rows))))
    content: Mapping[str, NDArray[Any]] = {
        "rep_id": sheet.rep,
        "measure": sheet.measure,
        "amount": sheet.amount,
        "currency": sheet.currency,
        "earned_on": sheet.day,
        "deal_id": sheet.deal,
    }
    torn = np.zeros(len(triage.status), dtype=np.bool_)
    for column, values in content.items():
        differing = np.unique(sheet.rank[rows[values[rows] != values[first]]])
        mine = rows[np.isin(sheet.rank[rows], differing)]
        torn[mine] = True
        if not triage.holds:
            message = "one credit_id stands with different content"
            triage.table.fault(column, np.sort(mine), message, hint="give each credit an id of its own")
    message = "stands with different content elsewhere"
    triage.set_aside(torn, HELD, "contradictory", "credit_id", message, is_fault=False)
    later = np.zeros(len(triage.status), dtype=np.bool_)
    later[rows[rows != first]] = True
    message = "repeats another row with the same content"
    triage.set_aside(later, REJECTED, "duplicate", "credit_id", message, is_fault=False)
