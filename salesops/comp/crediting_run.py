"""From deals to credits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from salesops._faults import check_choice, closest, raise_all, refuse, warn
from salesops._frames import Labels, check_known, check_same_type
from salesops._money import ROUNDINGS, Rounding
from salesops.comp._crediting_deals import Deals, read_deals
from salesops.comp._crediting_match import Book, match
from salesops.comp._crediting_parts import Office, share_out
from salesops.comp._crediting_tables import Owned, Splits, ids_of, read_owned, read_splits, tree_of
from salesops.comp._periods import FIRST_DAY, LAST_DAY
from salesops.comp._triage import open_tables
from salesops.comp.credited import CreditRun, DealTable
from salesops.comp.crediting import CreditRule, CreditRules, Receiver
from salesops.errors import Problem, show

__all__ = ["credit"]


def credit(
    deals: object,
    rules: CreditRules,
    *,
    splits: object = None,
    territories: object = None,
    reporting: object = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    input_rounding: Rounding | None = None,
    on_error: Literal["raise", "hold"] = "raise",
) -> CreditRun:
    """Turn deals into credits: who is credited with how much of each.

    Shares of a deal sum to it by largest remainder, in exact minor units. A negative deal is the mirror of
    the positive one. A row that names a deal in ``refund_of`` is credited, with its own amount, to those who
    were credited with that deal, and the parts of all its refunds together never differ from the parts of
    their sum, so that what is refunded in full leaves exactly 0 with everybody.

    Parameters
    ----------
    deals : table
        ``deal_id, rep_id, amount`` (major units: Decimal, whole numbers or text) and, as needed,
        ``closed_on, currency, outcome`` ("lost" and "open" are not credited), ``lead_id`` or ``account_id``,
        ``refund_of``, and the fields that the rules declare.
    rules : CreditRules
    splits : table, optional
        ``deal_id, rep_id`` and ``share`` (adding up to 1) or ``weight``; rows with a ``role`` name those whom
        rules credit in that role, rows without one replace the deal's rep.
    territories : table or plan, optional
        ``lead_id`` or ``account_id``, ``rep_id[, start, end]``: who owns what, half-open.
    reporting : table, optional
        ``rep_id, manager_id[, start, end]``; the tree of the deal's day counts.
    columns : mapping, optional
        ``{"name in your tables": "name here"}``, one mapping for all tables.
    zone : str, optional
        Business time zone in which moments with an offset become days.
    input_rounding : str, optional
        How amounts with more decimals than their currency are rounded at the door; refused by default.
    on_error : {"raise", "hold"}, default "raise"
        Whether a deal that cannot be credited stops the run, or is held or rejected with its reason.

    Returns
    -------
    CreditRun
        It goes straight into :func:`calculate`.

    Raises
    ------
    InvalidInput
        With every fault of every table, each with all its rows; a ring of managers as the way around it.

    Examples
    --------
    >>> from salesops import comp
    >>> rules = comp.CreditRules(currency="USD", rules=[comp.CreditRule(name="all")])
    >>> deals = [{"deal_id": "d1", "rep_id": "anna", "amount": "100.00"}]
    >>> thirds = [{"deal_id": "d1", "rep_id": rep, "weight": 1} for rep in ("anna", "bo", "cy")]
    >>> comp.credit(deals, rules, splits=thirds).to_frame()[["rep_id", "amount"]]
      rep_id amount
    0   anna  33.34
    1     bo  33.33
    2     cy  33.33
    """
    check_choice("on_error", on_error, ("raise", "hold"))
    if input_rounding is not None:
        check_choice("input_rounding", input_rounding, ROUNDINGS)
    _check_rules(rules)
    faults: list[Problem] = []
    given = {"deals": deals, "splits": splits, "territories": territories, "reporting": reporting}
    tables = open_tables(given, columns, faults)
    raise_all("credit", faults)
    shared = read_splits(tables.get("splits"), faults)
    owned, thing = read_owned(
        tables.get("territories"), "territories", ("lead_id", "account_id"), "rep_id", faults
    )
    line, _ = read_owned(tables.get("reporting"), "reporting", ("rep_id",), "manager_id", faults)
    book = read_deals(
        tables["deals"],
        rules,
        thing,
        faults,
        needs_day=_is_dated(owned) or _is_dated(line),
        holds=on_error == "hold",
        zone=zone,
        rounding=input_rounding,
    )
    _check_tables(rules, tables, faults)
    _check_types(book, shared, owned, line, faults)
    check_known(faults, "splits.deal_id", shared.deals, book.names, "deals", shared.rows)
    _warn_of_roles(rules, shared)
    named = ids_of([part.rep_id for rule in rules.rules for part in _everybody(rule) if part.to == "rep"])
    reps = Labels.of(book.reps, shared.reps, owned.owners, line.things, line.owners, named)
    tree = tree_of(line, reps, book.day, faults)
    raise_all("credit", [fault for fault in faults if fault.path.startswith("reporting")] and faults)
    since = len(faults)
    columns_of = Book(book, rules)
    book.triage.adopt(since)
    matched = match(book, rules, columns_of)
    office = Office(deals=book, reps=reps, splits=shared, territories=owned, tree=tree)
    parts = share_out(office, rules, matched)
    raise_all("credit", faults)
    return CreditRun(rules=rules, _parts=parts, _deals=_deal_table(book), _reps=reps)


def _check_rules(rules: object) -> None:
    if not isinstance(rules, CreditRules):
        hint = "read a document with CreditRules.from_dict or CreditRules.from_json"
        raise refuse("rules", "is not CreditRules", type(rules).__name__, hint=hint)


def _is_dated(owned: Owned) -> bool:
    return bool((owned.start > FIRST_DAY).any() or (owned.end < LAST_DAY).any())


def _everybody(rule: CreditRule) -> tuple[Receiver, ...]:
    return (*rule.receivers, *rule.overlays)


def _check_tables(rules: CreditRules, tables: Mapping[str, object], faults: list[Problem]) -> None:
    """Ask for the tables that the rules need."""
    needs = {"territory": "territories", "manager": "reporting", "role": "splits"}
    for k, rule in enumerate(rules.rules):
        for part in _everybody(rule):
            table = needs.get(part.to)
            if table is not None and table not in tables:
                message = "a rule credits by a table that was not given"
                fault = Problem(path=table, message=message, values=(f"rules[{k}]: {part.label}",))
                if fault not in faults:
                    faults.append(fault)


def _check_types(deals: Deals, splits: Splits, owned: Owned, line: Owned, faults: list[Problem]) -> None:
    """Refuse ids that miss their partners only by type, such as '101' and 101."""
    reps, things = Labels.of(deals.reps, splits.reps), Labels.of(deals.things)
    check_same_type(faults, "splits.rep_id", splits.reps, Labels.of(deals.reps), "deals", splits.rows)
    check_same_type(faults, "territories", owned.things, things, "deals", owned.rows)
    check_same_type(faults, "territories.rep_id", owned.owners, reps, "deals", owned.rows)
    check_same_type(faults, "reporting.rep_id", line.things, reps, "deals", line.rows)


def _warn_of_roles(rules: CreditRules, splits: Splits) -> None:
    """Warn of roles in the table of splits that no rule credits."""
    named = {part.role for rule in rules.rules for part in _everybody(rule)}
    unused = sorted({role for role in splits.role if role is not None and role not in named})
    for role in unused[:5]:
        near = closest(role, [name for name in named if name])
        hint = f"; did you mean {near[0]}?" if near else ""
        warn(f"splits.role: no rule credits the role {show(role)}{hint}")


def _deal_table(deals: Deals) -> DealTable:
    triage = deals.triage
    return DealTable(
        deal_id=deals.ids.labels(),
        rank=deals.rank,
        source=deals.source,
        day=deals.day,
        amount=deals.amount,
        is_read=deals.is_read,
        currency=np.asarray(deals.currency, dtype=object),
        status=triage.status,
        reason=triage.reason,
        detail=triage.detail,
        dated=deals.dated,
        names=deals.names,
        extra=deals.table.extra(),
    )
