"""Which rules count for which deals, and what each of them credits in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from salesops import _money as money
from salesops._money import BoolArray, IntArray, Whole
from salesops.comp._crediting_deals import Deals, column_of
from salesops.comp._expressions_columns import Column
from salesops.comp._expressions_parse import Program, parse
from salesops.comp._expressions_run import MISSING, Answer, evaluate
from salesops.comp._triage import HELD, REJECTED
from salesops.comp.crediting import CreditRule, CreditRules
from salesops.comp.expressions import ordered


class Matched(NamedTuple):
    """The deals that one rule credits, and the whole of each in minor units: before and with this row.

    `before` is what the deal and its earlier refunds came to, so that the parts of a full refund mirror those
    of the deal.
    """

    rule: int
    rows: IntArray
    before: Whole
    after: Whole


class Book:
    """Columns and formulas of the deals, each worked out once."""

    def __init__(self, deals: Deals, rules: CreditRules) -> None:
        self.deals = deals
        self.kinds = rules.kinds
        formulas, _ = ordered(rules.measures, self.kinds, "measures")
        programs = [
            parse(text, self.kinds)[0] for rule in rules.rules for text in (rule.when, rule.value) if text
        ]
        named = frozenset().union(*(program.names for program in [*programs, *(p for _, p in formulas)]))
        own = sorted(named - {name for name, _ in formulas})
        self.columns: dict[str, Column] = {name: column_of(deals, name, self.kinds[name]) for name in own}
        self.answers: dict[str, Answer] = {}
        for name, program in formulas:
            answer = self.ask(program)
            self.answers[name] = answer
            held = np.where(answer.column.held > 0, MISSING, 0)
            self.columns[name] = answer.column._replace(held=held)

    def ask(self, program: Program) -> Answer:
        """Evaluate a program for every deal."""
        used = {name: self.columns[name] for name in sorted(program.names)}
        return evaluate(program, used, len(self.deals.ids))

    def why(self, answer: Answer, row: int) -> str:
        """Say why a row has no value, down to the formula in which that began."""
        way: list[str] = []
        while True:
            sentence = answer.reasons[int(answer.column.held[row])]
            name = sentence.removesuffix(" is missing")
            if name not in self.answers or len(way) > len(self.answers):
                return ": ".join([*way[-1:], sentence])
            way.append(name)
            answer = self.answers[name]

    def program(self, text: str) -> Program:
        """Give the program of a text of the rules."""
        return parse(text, self.kinds)[0]


def match(deals: Deals, rules: CreditRules, book: Book) -> list[Matched]:
    """Find the deals of each rule and their wholes; those without a value wait, those without a rule end."""
    taken = np.zeros(len(deals.ids), dtype=np.bool_)
    chosen: dict[int, IntArray] = {}
    for measure in sorted({rule.measure for rule in rules.rules}):
        mine = [k for k, rule in enumerate(rules.rules) if rule.measure == measure]
        for k, rows in _choose(deals, rules.rules, mine, book).items():
            chosen[k] = rows
            taken[rows] = True
    deals.triage.set_aside(
        ~taken,
        REJECTED,
        "no crediting rule",
        "deal_id",
        "no rule of crediting is for this deal",
        is_fault=False,
    )
    wholes = {k: _whole(deals, rules.rules[k], rows, book, rules) for k, rows in chosen.items()}
    fine = deals.triage.paid()
    fine &= fine[deals.source]
    lost = deals.triage.paid() & ~fine
    message = "the deal that it refunds is not credited"
    deals.triage.set_aside(lost, HELD, "unknown deal", "refund_of", message)
    matched = []
    for k in sorted(chosen):
        keep = fine[chosen[k]]
        matched.append(_chained(deals, k, chosen[k][keep], wholes[k][keep]))
    return matched


def _choose(
    deals: Deals, rules: Sequence[CreditRule], mine: Sequence[int], book: Book
) -> dict[int, IntArray]:
    """Let the most specific rule of a measure have each deal, and those that count beside it."""
    known = [book.program(rules[k].when or "true") for k in mine]
    weight = {
        k: rules[k].specificity
        if rules[k].specificity is not None
        else (program.n_conditions if rules[k].when else 0)
        for k, program in zip(mine, known, strict=True)
    }
    programs = dict(zip(mine, known, strict=True))
    open_ = deals.triage.paid()
    chosen: dict[int, IntArray] = {}
    for k in sorted(mine, key=lambda k: (-(weight[k] or 0), k)):
        answer = book.ask(programs[k])
        column = Column(*(part[deals.source] for part in answer.column))
        asked = deals.triage.paid() if rules[k].applies == "beside" else open_ & deals.triage.paid()
        _hold(deals, asked & (column.held > 0), book, answer, rules[k].name, deals.source)
        fits = asked & (column.held == 0) & column.values.astype(np.bool_)
        chosen[k] = np.flatnonzero(fits)
        if rules[k].applies == "alone":
            open_ = open_ & ~fits
    return chosen


def _hold(deals: Deals, rows: BoolArray, book: Book, answer: Answer, rule: str, asked: IntArray) -> None:
    """Hold deals without a value; `asked` is the row that was asked about each."""
    message = "an expression of a rule has no value"
    deals.triage.set_aside(
        rows,
        HELD,
        "no value",
        "rules",
        message,
        value=lambda k: f"{rule!r}: {book.why(answer, int(asked[k]))}",
    )


def _whole(deals: Deals, rule: CreditRule, rows: IntArray, book: Book, rules: CreditRules) -> Whole:
    """Give what a rule credits of each deal, in minor units of its currency (units count as major ones)."""
    answer = book.ask(book.program(rule.value))
    column = answer.column
    mine = np.zeros(len(deals.ids), dtype=np.bool_)
    mine[rows] = True
    itself = np.arange(len(deals.ids))
    _hold(deals, mine & (column.held > 0), book, answer, rule.name, itself)
    exact = money.multiply(column.values[rows], 10 ** deals.places[rows])
    over = column.over[rows]
    is_large = np.asarray(np.abs(exact) >= money.multiply(over, money.LIMIT), dtype=np.bool_)
    mine = np.zeros(len(deals.ids), dtype=np.bool_)
    mine[rows[is_large]] = True
    message = "the value of a rule is 10**18 minor units or more"
    deals.triage.set_aside(mine, HELD, "no value", "rules", message, value=lambda _: repr(rule.name))
    return money.divide(np.where(is_large, 0, exact), over, rules.rounding)


def _chained(deals: Deals, k: int, rows: IntArray, whole: Whole) -> Matched:
    """Run totals over each deal and its refunds, in order of day and id."""
    order = np.lexsort((deals.rank[rows], deals.day[rows], deals.source[rows] != rows, deals.source[rows]))
    source = deals.source[rows][order]
    first = np.diff(source, prepend=-1) != 0
    after = money.cumulative(whole[order], first)
    return Matched(k, rows[order], money.add(after, -whole[order]), after)
