"""Rows of ties become distinct ties between positions of one index of people, with every fault named."""

from __future__ import annotations

import datetime as dt
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
from salesops.territory._attributes import (
    STATUSES,
    Attributes,
    Coded,
    Column,
    attributes,
    read_consent,
    read_text,
)
from salesops.territory._listing import Note, Ties, narrowed, positions

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]

RULES = "name a rule with combine=: 'sum', 'max', 'mean', 'min', or 'latest' where ties carry observed_on"
SELF_TIE = "a self tie changes nothing and was set aside"
NO_WEIGHT = "a tie of weight 0 is no tie and was set aside"
WITHHELD = "set aside because consent was withheld"
EXPIRED = "set aside because the consent or the time to keep them has expired"


@attrs.frozen(kw_only=True, eq=False)
class Rows:
    """The rows of a table that may be used, before repeated ties are combined."""

    table: Reader
    people: Labels
    first: IntArray
    second: IntArray
    origin: npt.NDArray[np.int64]
    """Position of each row in the table."""
    notes: tuple[Note, ...]
    standing: Mask


def read_ties(
    data: object,
    name: str,
    *,
    columns: Mapping[str, str] | None,
    combine: str | None,
    directed: bool,
    others: Ids | Sequence[Any] = (),
    as_of: dt.date | None = None,
    zone: str | None = None,
) -> Ties:
    """Read a table of ties; `others` are people who belong to the graph even without a tie."""
    table = Reader(data, name, key=("source", "target"), columns=columns)
    source, target = table.ids("source"), table.ids("target")
    weight = table.numbers("weight", minimum=0, default=1)
    usable, notes, about = _read_attributes(table, as_of, zone)
    when = None
    if combine == "latest":
        when = table.times("observed_on", zone=zone).view(np.int64)
    denied = about.denied(len(table))
    rows = usable_rows(table, source, target, others, usable, notes, denied | (weight > 0))
    del source, target, usable, denied
    about = about if len(rows.origin) == len(table) or not len(about) else about.take(rows.origin)
    weight = weight if len(rows.origin) == len(table) else weight[rows.origin]
    when = None if when is None else when[rows.origin]
    first, second = rows.first, rows.second
    if not directed:
        first, second = np.minimum(first, second), np.maximum(first, second)
    made = combined(rows, first, second, weight, about, when, combine=combine)
    warn_look_alikes(rows.people, "people")
    return Ties(
        people=rows.people,
        source=made[0],
        target=made[1],
        weight=made[2],
        about=made[3],
        is_directed=directed,
        notes=rows.notes,
        standing=rows.standing,
    )


def _read_attributes(
    table: Reader, as_of: dt.date | None, zone: str | None
) -> tuple[Mask, list[Note], Attributes]:
    """Take the optional columns; say which rows may be used, and count those that may not."""
    consent, unsaid, basis = read_consent(table)
    columns: dict[str, Column | None] = {"consent": basis}
    for name in ("kind", "provenance"):
        columns[name] = read_text(table, name)
    columns["status"] = _known_status(read_text(table, "status", choices=STATUSES))
    for name in ("observed_on", "expires_on"):
        if table.has(name):
            columns[name] = table.dates(name, optional=True, zone=zone)
    usable, notes = may_be_used(table, consent, unsaid, columns.get("expires_on"), as_of)
    observed = columns.get("observed_on")
    if as_of is not None and observed is not None and not isinstance(observed, Coded):
        refuse_later(table, "observed_on", observed, as_of)
    return usable, notes, attributes(columns)


def _known_status(status: Coded | None) -> Coded | None:
    """Observed is what a tie is without a status, so it is not kept."""
    if status is None or "observed" not in status.names:
        return status
    codes = np.where(status.codes == status.code("observed"), -1, status.codes)
    return Coded.of(codes, status.names)


def may_be_used(
    table: Reader, consent: Mask, unsaid: int, expires: Column | None, as_of: dt.date | None
) -> tuple[Mask, list[Note]]:
    """Set rows aside for consent and expiry. Whose they were is not repeated anywhere: notes only count."""
    notes = []
    if not consent.all():
        notes.append(_counted(table, WITHHELD, int((~consent).sum())))
    if unsaid:
        notes.append(_counted(table, "consent is not stated and was taken as given", unsaid))
    if expires is None or isinstance(expires, Coded) or as_of is None:
        return consent, notes
    expired = consent & (expires <= np.datetime64(as_of, "D"))
    if expired.any():
        notes.append(_counted(table, EXPIRED, int(expired.sum())))
    return consent & ~expired, notes


def _counted(table: Reader, message: str, n: int) -> Note:
    return Note(problem=Problem(path=table.name, message=message, values=(count(n, "tie"),)))


def refuse_later(table: Reader, column: str, days: Dates, as_of: dt.date) -> None:
    """Refuse rows from after the day as of which the graph is asked for."""
    table.fault(
        column,
        days > np.datetime64(as_of, "D"),
        "is dated after as_of",
        value=lambda row: f"{days[row]}, as_of {as_of}",
        hint="leave later rows out, or ask for a later as_of",
    )


def usable_rows(
    table: Reader,
    source: Ids,
    target: Ids,
    others: Ids | Sequence[Any],
    usable: Mask,
    notes: Sequence[Note],
    is_tie: Mask,
    no_tie: str = NO_WEIGHT,
) -> Rows:
    """Index the people, raise the faults so far, and set aside what is no tie."""
    if not isinstance(others, Ids):
        others, _ = factorize(object_column(others))
    everyone = Labels.of(source, target, others)
    _check_mixed(table, everyone)
    table.finish()
    first, second = positions(everyone, source), positions(everyone, target)
    self_tie = usable & (first == second)
    empty = usable & ~self_tie & ~is_tie
    kept = usable & ~self_tie & ~empty
    standing = np.zeros(len(everyone), dtype=bool)
    standing[positions(everyone, others)] = True
    known = standing.copy()
    known[first[usable]] = True
    known[second[usable]] = True
    people, place = everyone, None
    if not known.all():
        people, place = narrowed(everyone, known)
        standing = np.zeros(len(people), dtype=bool)
        standing[place[positions(everyone, others)]] = True
    said = []
    for mask, message in ((self_tie, SELF_TIE), (empty, no_tie)):
        rows = np.flatnonzero(mask)
        if len(rows):
            ends = np.stack([first[rows], second[rows]])
            problem = Problem(
                path=table.name,
                message=message,
                rows=tuple(table.rows[k] for k in rows.tolist()),
                ids=table.who(rows),
            )
            said.append(Note(problem=problem, ends=ends if place is None else place[ends]))
    at = np.flatnonzero(kept) if not kept.all() else np.arange(len(kept))
    if not kept.all():
        first, second = first[at], second[at]
    if place is not None:
        first, second = place[first], place[second]
    return Rows(
        table=table,
        people=people,
        first=first,
        second=second,
        origin=at,
        notes=(*said, *notes),
        standing=standing,
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


def combined(
    rows: Rows,
    first: IntArray,
    second: IntArray,
    weight: FloatArray,
    about: Attributes,
    when: npt.NDArray[np.int64] | None,
    *,
    combine: str | None,
) -> tuple[IntArray, IntArray, FloatArray, Attributes]:
    """Make each tie of each kind stand once; a repeated one without a rule is a fault with all its rows."""
    n = max(len(rows.people), 1)
    kind = about.text("kind")
    n_kinds = 1 if kind is None else len(kind.names) + 1
    key = first.astype(np.int64)
    key *= n
    key += second
    if kind is not None:
        key *= n_kinds
        key += kind.codes + np.int64(1)
    order = np.argsort(key)
    key = key[order]
    fresh = np.ones(len(key), dtype=bool)
    np.not_equal(key[1:], key[:-1], out=fresh[1:])
    if not fresh.all():
        starts = np.flatnonzero(fresh)
        repeats = np.diff(starts, append=len(key))
        if combine is None:
            _refuse_repeats(rows, np.sort(rows.origin[order[np.repeat(repeats > 1, repeats)]]))
        return _merged(rows, key, order, starts, repeats, weight, about, when, combine or "", n, n_kinds)
    ends = key if n_kinds == 1 else key // n_kinds
    return (
        (ends // n).astype(np.int32),
        (ends % n).astype(np.int32),
        weight[order],
        about.take(order) if len(about) else about,
    )


def _refuse_repeats(rows: Rows, again: npt.NDArray[np.int64]) -> None:
    table = rows.table
    weights = table.frame["weight"].iloc[again].tolist() if table.has("weight") else [1] * len(again)
    shown = {int(row): show(value) for row, value in zip(again.tolist(), weights, strict=True)}
    table.fault(
        "weight",
        again,
        "the same tie stands more than once (parallel ties)",
        hint=RULES,
        value=shown.__getitem__,
    )
    table.finish()


def _merged(
    rows: Rows,
    key: npt.NDArray[np.int64],
    order: IntArray,
    starts: IntArray,
    repeats: IntArray,
    weight: FloatArray,
    about: Attributes,
    when: npt.NDArray[np.int64] | None,
    combine: str,
    n: int,
    n_kinds: int,
) -> tuple[IntArray, IntArray, FloatArray, Attributes]:
    """Combine repeated ties by the rule; weights are sorted within a tie, so the order of rows is moot."""
    group = np.repeat(np.arange(len(starts), dtype=np.int64), repeats)
    by_weight = np.lexsort((weight[order], group))
    rising = order[by_weight]
    values = _values(weight[rising], starts, repeats, combine)
    ends = key[starts] // n_kinds
    kept = about
    if combine == "latest" or len(about):
        days = about.days("observed_on")
        moment = when if when is not None else None if days is None else days.view(np.int64)
        keys: list[npt.NDArray[Any]] = [code[rising] for code in about.codes()]
        keys += [weight[rising]] if moment is None else [weight[rising], moment[rising]]
        newest = rising[np.lexsort((*keys, group))]
        last = newest[starts + repeats - 1]
        _check_answers(rows, about, newest, starts, repeats, moment, combine)
        if combine == "latest":
            values = weight[last]
        kept = attributes_of(about, last, rising, starts, combine)
    if not np.isfinite(values).all():
        beyond = np.sort(rows.origin[order[np.repeat(~np.isfinite(values), repeats)]])
        rows.table.fault("weight", beyond, "the sum of the weights of a tie is too large for a number")
        rows.table.finish()
    return (ends // n).astype(np.int32), (ends % n).astype(np.int32), values, kept


def _values(weight: FloatArray, starts: IntArray, repeats: IntArray, combine: str) -> FloatArray:
    """Combine the weights of each tie, which stand together in rising order."""
    if combine == "sum":
        with np.errstate(over="ignore"):
            return np.add.reduceat(weight, starts)
    if combine == "mean":
        return np.add.reduceat(weight / np.repeat(repeats, repeats), starts)
    return weight[starts if combine == "min" else starts + repeats - 1]


def attributes_of(
    about: Attributes, last: IntArray, rising: IntArray, starts: IntArray, combine: str
) -> Attributes:
    """Take what is known of a repeated tie from its last row; a denial and the first expiry hold for all."""
    kept = about.take(last)
    if combine == "latest":
        return kept
    changed: dict[str, Column | None] = {}
    expires, status = about.days("expires_on"), about.text("status")
    if expires is not None:
        never = np.iinfo(np.int64).max
        day = expires[rising].view(np.int64)
        first = np.minimum.reduceat(np.where(np.isnat(expires[rising]), never, day), starts)
        changed["expires_on"] = np.where(first == never, np.iinfo(np.int64).min, first).view("datetime64[D]")
    if status is not None:
        # In the order of their words: none (observed), confirmed, denied.
        changed["status"] = Coded.of(np.maximum.reduceat(status.codes[rising], starts), status.names)
    return kept.replace(**changed)


def _check_answers(
    rows: Rows,
    about: Attributes,
    newest: IntArray,
    starts: IntArray,
    repeats: IntArray,
    moment: npt.NDArray[np.int64] | None,
    combine: str,
) -> None:
    """Refuse a tie that is both confirmed and denied, unless the later answer is asked for and is later."""
    status = about.text("status")
    if status is None or len(status.names) < 2:
        return
    code = status.codes[newest]
    confirmed, denied = code == status.code("confirmed"), code == status.code("denied")
    if combine == "latest" and moment is not None:
        at_last = moment[newest] == np.repeat(moment[newest[starts + repeats - 1]], repeats)
        confirmed, denied = confirmed & at_last, denied & at_last
    both = np.logical_or.reduceat(confirmed, starts) & np.logical_or.reduceat(denied, starts)
    if both.any():
        rows.table.fault(
            "status",
            np.sort(rows.origin[newest[np.repeat(both, repeats)]]),
            "the same tie is confirmed and denied",
            hint="keep one answer, or pass combine='latest' with the dates in observed_on",
        )
        rows.table.finish()
