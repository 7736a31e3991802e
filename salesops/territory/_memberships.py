"""Shared employers, schools and boards become ties: a group of k ties each two of its members by 1/(k-1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salesops._display import number
from salesops._faults import check_choice, count, raise_all, refuse
from salesops._frames import Labels, Reader, warn_look_alikes
from salesops.errors import Problem, show
from salesops.territory._attributes import read_consent
from salesops.territory._listing import Note, Ties, narrowed, positions
from salesops.territory._ties import may_be_used

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]

MOST_PAIRS = 30_000_000
_SMALLER = "pass larger='set_aside' to leave them out, a larger largest_group=, or finer groups"


def read_memberships(
    data: object, *, largest_group: int, larger: str, columns: Mapping[str, str] | None
) -> Ties:
    """Read who belongs to what, and tie the members of each group."""
    if isinstance(largest_group, bool) or not isinstance(largest_group, int) or largest_group < 2:
        raise refuse("largest_group", "must be a whole number of 2 or more", largest_group)
    check_choice("larger", larger, ("refuse", "set_aside"))
    table = Reader(data, "memberships", key=("person", "group"), columns=columns)
    person, group = table.ids("person"), table.ids("group")
    weight = table.numbers("weight", minimum=0, default=1)
    consent, unsaid, _ = read_consent(table)
    pair = person.codes * max(len(group.distinct), 1) + group.codes
    _, inverse, times = np.unique(pair, return_inverse=True, return_counts=True)
    again = (times[inverse] > 1) & (person.codes >= 0) & (group.codes >= 0)
    hint = "keep one row for each person of a group"
    table.fault("group", again, "the same membership stands more than once", hint=hint)
    table.finish()
    usable, notes = may_be_used(table, consent, unsaid, None, None)
    people, groups = Labels.of(person), Labels.of(group)
    who, what = positions(people, person), positions(groups, group)
    known = np.zeros(len(people), dtype=bool)
    known[who[usable]] = True
    people, place = narrowed(people, known)
    who = place[who]
    member = usable & (weight > 0)
    empty = usable & ~member
    if empty.any():
        notes.insert(0, _note(table, empty, who, "a membership of weight 0 is none and was set aside"))
    rows = np.flatnonzero(member)
    size = np.bincount(what[rows], minlength=len(groups))
    beyond = size > largest_group
    if beyond.any():
        _check_size(groups, size, beyond, largest_group, larger)
        set_aside = member & beyond[what]
        notes.insert(0, _note(table, set_aside, who, f"a group of more than {largest_group} was set aside"))
        rows = rows[~beyond[what[rows]]]
        size[beyond] = 0
    source, target, strength = _pairs(who[rows], what[rows], weight[rows], size)
    warn_look_alikes(people, "people")
    return Ties(
        people=people,
        source=source,
        target=target,
        weight=strength,
        is_directed=False,
        notes=tuple(notes),
        standing=np.ones(len(people), dtype=bool),
    )


def _note(table: Reader, marked: npt.NDArray[np.bool_], who: IntArray, message: str) -> Note:
    rows = np.flatnonzero(marked)
    labels = table.rows
    problem = Problem(
        path=table.name,
        message=message,
        rows=tuple(labels[k] for k in rows.tolist()),
        ids=table.who(rows),
    )
    return Note(problem=problem, ends=np.stack([who[rows], who[rows]]))


def _check_size(groups: Labels, size: IntArray, beyond: Any, largest: int, larger: str) -> None:
    if larger == "set_aside":
        return
    by_size = sorted(np.flatnonzero(beyond).tolist(), key=lambda k: (-int(size[k]), k))
    fault = Problem(
        path="memberships.group",
        message="a group has more members than largest_group",
        ids=tuple(show(groups[k]) for k in by_size),
        values=tuple(f"{size[k]} members, largest_group {largest}" for k in by_size),
        hint=_SMALLER,
    )
    raise_all("memberships", [fault])


def _pairs(
    who: IntArray, what: IntArray, weight: FloatArray, size: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Tie every two members of each group; groups of one size are paired together."""
    n_pairs = int((size.astype(np.int64) * (size - 1) // 2).sum())
    if n_pairs > MOST_PAIRS:
        fault = Problem(
            path="memberships.group",
            message="the groups would make more pairs than fit in memory",
            values=(count(n_pairs, "pair"), f"at most {number(MOST_PAIRS)}", f"largest group {size.max()}"),
            hint="pass a smaller largest_group= with larger='set_aside', or finer groups",
        )
        raise_all("memberships", [fault])
    order = np.lexsort((who, what))
    who, weight = who[order], weight[order]
    starts = np.concatenate([[0], np.cumsum(size)])
    key = np.empty(n_pairs, dtype=np.int64)
    share = np.empty(n_pairs)
    n, filled = int(who.max(initial=0)) + 1, 0
    for k in np.unique(size[size > 1]).tolist():
        one, other = np.triu_indices(k, 1)
        step = max(1, (1 << 22) // len(one))
        same = np.flatnonzero(size == k)
        for part in range(0, len(same), step):
            members = starts[same[part : part + step], None] + np.arange(k)
            people, worth = who[members].astype(np.int64), weight[members]
            end = filled + len(members) * len(one)
            key[filled:end] = (people[:, one] * n + people[:, other]).ravel()
            share[filled:end] = _mean(worth[:, one], worth[:, other]).ravel() / (k - 1)
            filled = end
    # Shares are added in rising order, so that neither rows nor names of groups matter.
    order = np.lexsort((share, key))
    key, share = key[order], share[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    total = np.add.reduceat(share, first) if len(first) else share
    if not np.isfinite(total).all():
        message = "the sum of the weights of a tie is too large for a number"
        raise_all("memberships", [Problem(path="memberships.weight", message=message)])
    return (key[first] // n).astype(np.int32), (key[first] % n).astype(np.int32), total


def _mean(one: FloatArray, other: FloatArray) -> FloatArray:
    """Give the geometric mean, exactly where both are equal."""
    return np.where(one == other, one, np.sqrt(one) * np.sqrt(other))
