"""Rows of ties become distinct ties between positions of one index of people, with every fault named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import count
from salesops._frames import Ids, Labels, Reader, warn_look_alikes
from salesops._frames.ids import factorize, same_but_for_type
from salesops._frames.tables import object_column
from salesops.errors import Problem, show

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_RULES = "name a rule with combine=: 'sum', 'max', 'mean', 'min', or 'latest' where ties carry observed_on"


@attrs.frozen(kw_only=True, eq=False)
class Ties:
    """Distinct ties: positions of their ends (source below target if undirected) and their weight."""

    people: Labels
    source: IntArray
    target: IntArray
    weight: FloatArray
    is_directed: bool
    report: tuple[Problem, ...]


def read_ties(
    data: object,
    name: str,
    *,
    columns: Mapping[str, str] | None,
    combine: str | None,
    directed: bool,
    others: Ids | Sequence[Any] = (),
) -> Ties:
    """Read a table of ties; `others` are people who belong to the graph even without a tie."""
    table = Reader(data, name, key=("source", "target"), columns=columns)
    source, target = table.ids("source"), table.ids("target")
    weight = table.numbers("weight", minimum=0, default=1)
    consent = table.flags("consent", default=True)
    observed = table.times("observed_on") if combine == "latest" else None
    if not isinstance(others, Ids):
        others, _ = factorize(object_column(others))
    everyone = Labels.of(source, target, others)
    _check_mixed(table, everyone)
    table.finish()

    first, second = everyone.codes(source), everyone.codes(target)
    self_tie = consent & (first == second)
    no_weight = consent & ~self_tie & (weight == 0)
    kept = consent & ~self_tie & ~no_weight
    report = _report(table, consent, self_tie, no_weight)

    known = np.zeros(len(everyone), dtype=bool)
    known[first[consent]] = known[second[consent]] = True
    known[everyone.codes(others)] = True
    people = everyone if known.all() else Labels(everyone.values[known])
    place = np.cumsum(known) - 1
    first, second = place[first[kept]], place[second[kept]]
    if not directed:
        first, second = np.minimum(first, second), np.maximum(first, second)
    rows = np.flatnonzero(kept)
    when = None if observed is None else observed[rows]
    source_at, target_at, strength = _combined(
        table, first, second, weight[rows], when, rows, combine=combine, n_people=len(people)
    )
    warn_look_alikes(people, "people")
    return Ties(
        people=people,
        source=source_at,
        target=target_at,
        weight=strength,
        is_directed=directed,
        report=report,
    )


def _check_mixed(table: Reader, people: Labels) -> None:
    """Refuse people who equal each other across the two columns and differ by type."""
    if table.faults:
        return
    pairs = same_but_for_type(Ids(np.empty(0, dtype=np.int64), people.values))
    if pairs:
        table.faults.append(
            Problem(
                path=f"{table.name}.source, {table.name}.target",
                message="two people have ids that are equal and differ by type",
                values=tuple(f"{show(one)} and {show(other)}" for one, other in pairs),
                hint="1, 1.0 and True are three ids; give both columns one type",
            )
        )


def _report(table: Reader, consent: Mask, self_tie: Mask, no_weight: Mask) -> tuple[Problem, ...]:
    notes = []
    labels = table.rows
    for mask, message in (
        (self_tie, "a self tie changes nothing and was set aside"),
        (no_weight, "a tie of weight 0 is no tie and was set aside"),
    ):
        rows = np.flatnonzero(mask)
        if len(rows):
            notes.append(
                Problem(
                    path=table.name,
                    message=message,
                    rows=tuple(labels[k] for k in rows.tolist()),
                    ids=table.who(rows),
                )
            )
    if not consent.all():
        # Who withheld consent is not repeated anywhere: the note says how many, not which.
        withheld = count(int((~consent).sum()), "tie")
        notes.append(
            Problem(path=table.name, message="set aside because consent was withheld", values=(withheld,))
        )
    return tuple(notes)


def _combined(
    table: Reader,
    first: IntArray,
    second: IntArray,
    weight: FloatArray,
    when: npt.NDArray[np.datetime64] | None,
    rows: IntArray,
    *,
    combine: str | None,
    n_people: int,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Make each tie stand once; without a rule a repeated one is a fault with all its rows and weights."""
    key = first * np.int64(n_people) + second
    # Weights are sorted within a tie so that a sum does not depend on the order of rows.
    order = np.lexsort((weight, key)) if when is None else np.lexsort((weight, when, key))
    key, weight = key[order], weight[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    repeats = np.diff(starts, append=len(key))
    if combine is None and len(starts) < len(key):
        again = np.sort(rows[order[np.repeat(repeats > 1, repeats)]])
        weights = table.frame["weight"].iloc[again].tolist() if table.has("weight") else [1] * len(again)
        shown = {int(row): show(value) for row, value in zip(again.tolist(), weights, strict=True)}
        table.fault(
            "weight",
            again,
            "the same tie stands more than once (parallel ties)",
            hint=_RULES,
            value=shown.__getitem__,
        )
        table.finish()
    values = _values(weight, starts, repeats, combine)
    if not np.isfinite(values).all():
        beyond = np.sort(rows[order[np.repeat(~np.isfinite(values), repeats)]])
        table.fault("weight", beyond, "the sum of the weights of a tie is too large for a number")
        table.finish()
    distinct = key[starts]
    return distinct // max(n_people, 1), distinct % max(n_people, 1), values


def _values(weight: FloatArray, starts: IntArray, repeats: IntArray, combine: str | None) -> FloatArray:
    """Combine the weights of each tie, which stand together in rising order."""
    if not len(starts) or combine is None:
        return weight[starts]
    if combine == "sum":
        with np.errstate(over="ignore"):
            return np.add.reduceat(weight, starts)
    if combine == "mean":
        return np.add.reduceat(weight / np.repeat(repeats, repeats), starts)
    return weight[starts if combine == "min" else starts + repeats - 1]
