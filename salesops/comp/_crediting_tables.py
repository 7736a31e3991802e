"""Tables of crediting: splits, territories and the reporting tree, as positions that are found by day."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._frames import Ids, Labels, Reader
from salesops._frames.ids import factorize
from salesops._money import IntArray, Whole
from salesops.comp._compile import whole_array
from salesops.comp._periods import Spans, overlapping, read_spans, span_text
from salesops.errors import Problem, show

_WIDEST = 64


@attrs.frozen(eq=False)
class Splits:
    """Who shares a deal in which role: rows in order of deal, role and rep, with whole weights."""

    deals: Ids
    reps: Ids
    role: tuple[str | None, ...]
    weight: Whole
    rows: Sequence[Hashable] = ()


@attrs.frozen(eq=False)
class Owned:
    """Who has what when: one row for each thing and span; a missing owner is nobody."""

    things: Ids
    owners: Ids
    start: IntArray
    end: IntArray
    rows: Sequence[Hashable] = ()


def no_ids() -> Ids:
    """Give a column of ids without rows."""
    return Ids(np.empty(0, dtype=np.int64), np.empty(0, dtype=object))


def ids_of(values: Sequence[Hashable]) -> Ids:
    """Take ids that stand in a document."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return factorize(pd.Series(cells, dtype=object))[0]


def read_splits(data: object, faults: list[Problem]) -> Splits:
    """Take the table of splits: ``deal_id, rep_id`` and a share or a weight, perhaps a role."""
    if data is None:
        return Splits(no_ids(), no_ids(), (), np.empty(0, dtype=np.int64))
    table = Reader(data, "splits", key=("deal_id", "rep_id"), faults=faults)
    deals, reps = table.ids("deal_id"), table.ids("rep_id")
    roles = [None if name is None else str(name) for name in table.texts("role", optional=True)]
    if table.has("share") and table.has("weight"):
        twofold = (table.frame["share"].notna() & table.frame["weight"].notna()).to_numpy()
        table.fault(
            "weight",
            twofold,
            "stands beside a share, and only one of them can count",
            value=lambda k: f"weight {show(table.frame['weight'].iloc[k])}, {_share_of(table, k)}",
            hint="keep the column share or the column weight",
        )
        table.cells("weight")
    column = "share" if table.has("share") else "weight"
    weight, scale, is_right = _weights(table, column)
    role = pd.factorize(np.array(roles, dtype=object))[0]
    group = deals.codes * (int(role.max(initial=-1)) + 2) + role + 1
    twice = pd.Series(group * (len(reps.distinct) + 1) + reps.codes).duplicated().to_numpy()
    table.fault("rep_id", twice, "a rep stands once for a deal and role", hint="add the shares up")
    if is_right:
        _check_sums(table, column, group, weight, scale)
    return Splits(deals, reps, tuple(roles), weight, table.rows)


def _share_of(table: Reader, k: int) -> str:
    return f"share {show(table.frame['share'].iloc[k])}"


def _weights(table: Reader, column: str) -> tuple[Whole, int, bool]:
    """Read shares or weights as whole numbers over one scale; the same text is read once."""
    cells = table.frame[column].tolist() if table.has(column) else [1] * len(table)
    known: dict[tuple[type, Hashable], Fraction | None] = {}
    for cell in dict.fromkeys((type(cell), cell) for cell in cells if isinstance(cell, Hashable)):
        known[cell] = _weight(cell[1])
    read = [known.get((type(cell), cell)) if isinstance(cell, Hashable) else None for cell in cells]
    wrong = [k for k, weight in enumerate(read) if weight is None]
    hint = "write text, a whole number or a Decimal; a float is not exact"
    table.fault(column, wrong, "is not an exact number", hint=hint)
    negative = [k for k, weight in enumerate(read) if weight is not None and weight.numerator < 0]
    table.fault(column, negative, f"a {column} is 0 or more")
    found = [weight for weight in known.values() if weight is not None]
    scale = math.lcm(*(weight.denominator for weight in found))
    whole = {key: int((weight or Fraction(0)) * scale) for key, weight in known.items()}
    weights = [whole.get((type(cell), cell), 0) if isinstance(cell, Hashable) else 0 for cell in cells]
    return whole_array(weights), scale, not wrong and not negative


def _weight(cell: Any) -> Fraction | None:
    if isinstance(cell, (bool, float, np.floating)) or len(str(cell)) > _WIDEST:
        return None
    try:
        return Fraction(cell.item() if isinstance(cell, np.generic) else cell)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _check_sums(table: Reader, column: str, group: IntArray, weight: Whole, scale: int) -> None:
    codes, distinct = pd.factorize(group)
    sums = money.group_totals(weight, codes.astype(np.int64), len(distinct))
    wrong = sums != scale if column == "share" else sums == 0
    first = np.unique(codes, return_index=True)[1]
    message = "the shares of a deal add up to 1" if column == "share" else "the weights of a deal are all 0"
    hint = "write weights where the parts need not add up" if column == "share" else None
    table.fault(
        column,
        np.sort(first[np.asarray(wrong, dtype=np.bool_)]),
        message,
        value=lambda k: f"{money.format_exact(Fraction(int(sums[codes[k]]), scale), least=2)} in all",
        hint=hint,
    )


def read_owned(
    data: object, name: str, things: Sequence[str], owner: str, faults: list[Problem]
) -> tuple[Owned, str]:
    """Take a table of who has what, effective-dated by start and end; give it and its key column."""
    if data is None:
        nothing = np.empty(0, dtype=np.int64)
        return Owned(no_ids(), no_ids(), nothing, nothing), things[0]
    table = Reader(data, name, key=(things[0], owner), faults=faults)
    key = next((column for column in things if table.has(column)), things[0])
    ids, owners = table.ids(key), table.ids(owner, optional=True)
    if not table.has(owner):
        table.cells(owner)
    start, end = read_spans(table)
    pairs = overlapping(ids.codes, start, end)
    partner = dict(pair for a, b in pairs for pair in ((a, b), (b, a)))
    table.fault(
        owner,
        sorted(partner),
        f"there is one {owner} at a time",
        value=lambda k: f"{show(owners.label(k))} {span_text(start, end, k)}",
        hint="give the rows a start and an end, the day after the last",
    )
    return Owned(ids, owners, start, end, table.rows), key


class Tree(NamedTuple):
    """The reporting tree over the reps of a run: who manages whom on which day, -1 for nobody."""

    spans: Spans
    manager: IntArray

    def above(self, rep: IntArray, day: IntArray) -> IntArray:
        """Find the managers of reps on days."""
        row = self.spans.find(rep, day)
        return np.where(row < 0, -1, self.manager[row] if len(self.manager) else -1)


def tree_of(owned: Owned, reps: Labels, days: IntArray, faults: list[Problem]) -> Tree:
    """Lay the tree out; a ring of managers on any day that matters is a fault."""
    rep, manager = reps.codes(owned.things), reps.codes(owned.owners)
    tree = Tree(Spans.of(rep, owned.start, owned.end), manager)
    ring = _ring_of_edges(rep, manager)
    if ring and _is_dated(owned):
        ring = _ring_on_days(tree, len(reps), days)
    if ring:
        way = " -> ".join(show(reps[k]) for k in ring[:12]) + (" ..." if len(ring) > 12 else "")
        message = "managers report to each other in a ring"
        faults.append(Problem(path="reporting.manager_id", message=message, values=(way,)))
    return tree


def _is_dated(owned: Owned) -> bool:
    return len(set(owned.start.tolist())) > 1 or len(set(owned.end.tolist())) > 1


def _ring_of_edges(rep: IntArray, manager: IntArray) -> list[int]:
    """Find a ring in the edges of all days, by walking each rep's managers once."""
    edges: dict[int, list[int]] = {}
    for low, high in zip(rep.tolist(), manager.tolist(), strict=True):
        if high >= 0:
            edges.setdefault(low, []).append(high)
    done: set[int] = set()
    for start in sorted(edges):
        if start in done:
            continue
        way, place, choices = [start], {start: 0}, [iter(edges[start])]
        while way:
            following = next(choices[-1], None)
            if following is None:
                done.add(way[-1])
                place.pop(way.pop())
                choices.pop()
            elif following in place:
                return [*way[place[following] :], following]
            elif following not in done:
                place[following] = len(way)
                way.append(following)
                choices.append(iter(edges.get(following, ())))
    return []


def _ring_on_days(tree: Tree, n_reps: int, days: IntArray) -> list[int]:
    every = np.arange(n_reps)
    for day in np.unique(days).tolist():
        ring = _ring_of_edges(every, tree.above(every, np.full(n_reps, day)))
        if ring:
            return ring
    return []
