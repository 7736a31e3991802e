"""Who shares a deal, and how many minor units each one gets; parts sum to the whole."""

from __future__ import annotations

from typing import NamedTuple

import attrs
import numpy as np

from salesops import _money as money
from salesops._frames import Labels
from salesops._money import BoolArray, IntArray, Whole
from salesops.comp._crediting_deals import Deals
from salesops.comp._crediting_match import Matched
from salesops.comp._crediting_tables import Owned, Splits, Tree, ids_of
from salesops.comp._periods import Spans
from salesops.comp._triage import HELD
from salesops.comp.crediting import CreditRule, CreditRules, Receiver
from salesops.errors import InternalError


class People(NamedTuple):
    """Who receives: `place` is the position of the deal among those asked for; level 0 is no manager."""

    place: IntArray
    rep: IntArray
    weight: Whole
    level: IntArray


class Parts(NamedTuple):
    """Credits as columns: deal row, rule, receiver (overlays count on), level, rep, minor units."""

    row: IntArray
    rule: IntArray
    receiver: IntArray
    level: IntArray
    rep: IntArray
    amount: IntArray
    whole: IntArray


@attrs.frozen(eq=False)
class Office:
    """All that says who owns, shares and manages."""

    deals: Deals
    reps: Labels
    splits: Splits
    territories: Owned
    tree: Tree

    def owners(self, rows: IntArray, role: str | None) -> People:
        """Find those whom the table of splits names for deals in a role."""
        splits = self.splits
        named = np.array([name == role for name in splits.role], dtype=np.bool_)
        deal = self.deals.names.codes(splits.deals)
        mine = np.flatnonzero(named & (deal >= 0))
        rep = self.reps.codes(splits.reps)
        mine = mine[np.lexsort((rep[mine], deal[mine]))]
        wanted = self.deals.rank[rows]
        low = np.searchsorted(deal[mine], wanted, side="left")
        count = np.searchsorted(deal[mine], wanted, side="right") - low
        place = np.repeat(np.arange(len(rows)), count)
        step = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        at = mine[np.repeat(low, count) + step] if len(mine) else np.empty(0, dtype=np.int64)
        return People(place, rep[at], splits.weight[at], np.zeros(len(place), dtype=np.int64))

    def sellers(self, rows: IntArray) -> People:
        """Find the owners of deals: those of the table of splits, else the deal's rep."""
        shared = self.owners(rows, None)
        alone = np.ones(len(rows), dtype=np.bool_)
        alone[shared.place] = False
        rep = self.reps.codes(self.deals.reps)[rows]
        lone = np.flatnonzero(alone & (rep >= 0))
        single = _people(lone, rep[lone])
        joined = People(*(np.concatenate(pair) for pair in zip(shared, single, strict=True)))
        order = np.argsort(joined.place, kind="stable")
        return People(*(part[order] for part in joined))

    def receivers(self, rows: IntArray, receiver: Receiver) -> People:
        """Find who receives, for deals given by the rows whose people count."""
        if receiver.to == "owner":
            return self.sellers(rows)
        if receiver.to == "role":
            return self.owners(rows, receiver.role)
        if receiver.to == "territory":
            return self._territory(rows)
        if receiver.to == "manager":
            return self._managers(rows, receiver.level)
        rep = self.reps.codes(ids_of([receiver.rep_id]))
        return _people(np.arange(len(rows)), np.repeat(rep, len(rows)))

    def _territory(self, rows: IntArray) -> People:
        owned = self.territories
        labels = Labels.of(owned.things, self.deals.things)
        spans = Spans.of(labels.codes(owned.things), owned.start, owned.end)
        found = spans.find(labels.codes(self.deals.things)[rows], self.deals.day[rows])
        owner = self.reps.codes(owned.owners)
        rep = np.where(found < 0, -1, owner[found] if len(owner) else -1)
        known = np.flatnonzero(rep >= 0)
        return _people(known, rep[known])

    def _managers(self, rows: IntArray, level: int | None) -> People:
        place, rep, weight, _ = self.sellers(rows)
        day = self.deals.day[rows]
        found = []
        step = 0
        while len(place) and step != level:
            step += 1
            rep = self.tree.above(rep, day[place])
            known = np.flatnonzero(rep >= 0)
            place, rep, weight = place[known], rep[known], weight[known]
            if level in (None, step):
                found.append(_merged(place, rep, weight, step))
        return (
            People(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
            if found
            else _people(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        )


def _people(place: IntArray, rep: IntArray) -> People:
    n = len(place)
    return People(place, rep, np.ones(n, dtype=np.int64), np.zeros(n, dtype=np.int64))


def _merged(place: IntArray, rep: IntArray, weight: Whole, level: int) -> People:
    """Let a manager whom several owners of a deal share stand once."""
    order = np.lexsort((rep, place))
    place, rep, weight = place[order], rep[order], weight[order]
    starts = np.flatnonzero((np.diff(place, prepend=-1) != 0) | (np.diff(rep, prepend=-1) != 0))
    if not len(starts):
        return _people(place, rep)
    return People(place[starts], rep[starts], np.add.reduceat(weight, starts), np.full(len(starts), level))


def share_out(office: Office, rules: CreditRules, matched: list[Matched]) -> Parts:
    """Split the whole of each deal among its receivers, and add the overlays."""
    blocks = [part for one in matched for part in _of_rule(office, rules, one)]
    fine = office.deals.triage.paid()
    fine &= fine[office.deals.source]
    columns = zip(*blocks, strict=True) if blocks else ()
    parts = Parts(*(np.concatenate(column) for column in columns)) if blocks else _nothing()
    parts = Parts(*(part[fine[parts.row]] for part in parts))
    rank = office.deals.rank[parts.row]
    order = np.lexsort((parts.rep, parts.level, parts.receiver, parts.rule, rank))
    return Parts(*(part[order] for part in parts))


def _nothing() -> Parts:
    return Parts(*(np.empty(0, dtype=np.int64) for _ in Parts._fields))


def _of_rule(office: Office, rules: CreditRules, one: Matched) -> list[Parts]:
    rule = rules.rules[one.rule]
    source = office.deals.source[one.rows]
    people = [office.receivers(source, receiver) for receiver in (*rule.receivers, *rule.overlays)]
    there = np.zeros((len(one.rows), len(people)), dtype=np.bool_)
    for k, found in enumerate(people):
        there[found.place[np.asarray(found.weight > 0, dtype=np.bool_)], k] = True
    _hold_without(office.deals, rule, one.rows, there)
    fine = office.deals.triage.paid()[one.rows]
    due = _due(rule, rules, one.after, there, fine)
    had = _due(rule, rules, one.before, there, fine)
    blocks = []
    for k, found in enumerate(people):
        keep = fine[found.place] & there[found.place, k]
        mine = People(*(part[keep] for part in found))
        groups = [mine]
        if k >= len(rule.receivers) and rule.overlays[k - len(rule.receivers)].to == "manager":
            levels = np.unique(mine.level)
            groups = [People(*(part[mine.level == level] for part in mine)) for level in levels.tolist()]
        for group in groups:
            amount = money.narrow(
                money.add(_among(due[:, k], group), -_among(had[:, k], group)), "deals.amount"
            )
            row = one.rows[group.place]
            whole = money.narrow(money.add(one.after, -one.before), "deals.amount")[group.place]
            n = len(row)
            blocks.append(
                Parts(row, np.full(n, one.rule), np.full(n, k), group.level, group.rep, amount, whole)
            )
    _check(rule, one, due, fine)
    return blocks


def _check(rule: CreditRule, one: Matched, due: Whole, fine: BoolArray) -> None:
    shared = due[:, : len(rule.receivers)].sum(axis=1)
    if not bool(np.all(shared[fine] == one.after[fine])):
        raise InternalError("credit: broken invariant, please report: shares sum to the whole")


def _hold_without(deals: Deals, rule: CreditRule, rows: IntArray, there: BoolArray) -> None:
    """Hold deals that lack somebody who must be there, or that nobody is left to share."""
    n_shares = len(rule.receivers)
    for k, receiver in enumerate((*rule.receivers, *rule.overlays)):
        is_top = receiver.to == "manager" and receiver.level is None
        if receiver.if_missing == "skip" or is_top:
            continue
        _hold_rows(deals, rule, rows[~there[:, k]], receiver.label)
    _hold_rows(deals, rule, rows[~there[:, :n_shares].any(axis=1)], "anybody")


def _hold_rows(deals: Deals, rule: CreditRule, rows: IntArray, who: str) -> None:
    mark = np.zeros(len(deals.ids), dtype=np.bool_)
    mark[rows] = True
    deals.triage.set_aside(
        mark,
        HELD,
        "no receiver",
        "rep_id",
        "somebody whom a rule credits is not to be found",
        value=lambda _: f"{who} of rule {rule.name!r}",
        hint="complete splits, territories or reporting, or write if_missing 'skip'",
    )


def _due(rule: CreditRule, rules: CreditRules, total: Whole, there: BoolArray, fine: BoolArray) -> Whole:
    """Split totals among the receivers that are there, and give each overlay its share."""
    n = len(rule.receivers)
    every = (*rule.receivers, *rule.overlays)
    due = np.zeros(there.shape, dtype=np.int64)
    scale = int(np.lcm.reduce([part.share.denominator for part in every], dtype=object))
    share = [int(part.share * scale) for part in every]
    rows = np.flatnonzero(fine & there[:, :n].any(axis=1))
    if len(rows):
        size = np.array(share[:n], dtype=np.int64 if scale < 2**62 else object)
        weights = np.where(there[rows, :n], size, 0)
        owner = np.repeat(np.arange(len(rows)), n)
        due[rows[:, None], np.arange(n)] = money.split_many(total[rows], weights.reshape(-1), owner).reshape(
            -1, n
        )
    for k in range(n, len(every)):
        part = money.mul_div(total, share[k], scale, rules.rounding)
        due[:, k] = np.where(there[:, k] & fine, part, 0)
    return due


def _among(due: IntArray, group: People) -> IntArray:
    """Split what a receiver is due among the people who stand for it."""
    if not len(group.place):
        return np.empty(0, dtype=np.int64)
    owner = np.cumsum(np.diff(group.place, prepend=group.place[0]) != 0)
    total = due[group.place[np.diff(owner, prepend=-1) != 0]]
    return money.split_many(total, group.weight, owner)
