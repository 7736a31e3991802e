"""Mails, calls and meetings become ties that fade: each counts half as much after every half-life."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._calendar import day_of
from salesops._faults import check_choice, closest, refuse
from salesops._frames import Reader, warn_look_alikes
from salesops.errors import Problem
from salesops.territory._attributes import Coded, attributes, read_consent, read_text
from salesops.territory._chunks import pieces
from salesops.territory._listing import Note, Ties
from salesops.territory._ties import Rows, attributes_of, may_be_used, refuse_later, usable_rows

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer[Any]]

HalfLife = str | dt.timedelta
Reciprocity = str | float

_RULES = ("sum", "weaker", "geometric")
_YEARS = re.compile(r"(\d+(?:\.\d+)?) ?Y", re.ASCII)
_LAPSED = "an interaction that weighs nothing, or is too old to weigh anything, was set aside"
_ONE_WAY = "contact that went one way only does not count by the rule of reciprocity and was set aside"
_GEOMETRIC = -1.0


def read_interactions(
    data: object,
    *,
    as_of: object,
    half_life: HalfLife | Mapping[str, HalfLife],
    reciprocity: Reciprocity | Mapping[str, Reciprocity],
    kind_weights: Mapping[str, float] | None,
    directed: bool,
    zone: str | None,
    columns: Mapping[str, str] | None,
) -> Ties:
    """Read dated interactions and weigh them as of a day."""
    day = day_of("as_of", as_of)
    if directed and reciprocity != "sum":
        hint = "in a directed graph the two directions are two ties"
        raise refuse("reciprocity", "is for undirected graphs", reciprocity, hint=hint)
    if kind_weights is not None and not isinstance(kind_weights, Mapping):
        raise refuse("kind_weights", "is a mapping of kinds to weights", kind_weights)
    table = Reader(data, "interactions", key=("source", "target"), columns=columns)
    source, target = table.ids("source"), table.ids("target")
    at = table.dates("at", zone=zone)
    weight = table.numbers("weight", minimum=0, default=1)
    needs_kind = any(isinstance(option, Mapping) for option in (half_life, reciprocity, kind_weights))
    kind = read_text(table, "kind", required=needs_kind)
    provenance = read_text(table, "provenance")
    consent, unsaid, basis = read_consent(table)
    expires = table.dates("expires_on", optional=True, zone=zone) if table.has("expires_on") else None
    refuse_later(table, "at", at, day)
    lives = _per_kind(table, kind, "half_life", half_life, _days)
    rules = _per_kind(table, kind, "reciprocity", reciprocity, _one_way_share)
    worth = _per_kind(table, kind, "kind_weights", 1.0 if kind_weights is None else kind_weights, _worth)
    usable, notes = may_be_used(table, consent, unsaid, expires, day)
    table.finish()
    codes = np.full(len(table), -1, dtype=np.int8) if kind is None else kind.codes
    weight = _faded(weight, at, day, lives, worth, codes)
    rows = usable_rows(table, source, target, (), usable, notes, weight > 0, _LAPSED)
    about = attributes(
        {"kind": kind, "provenance": provenance, "observed_on": at, "consent": basis, "expires_on": expires}
    )
    # Millions of rows: what is not needed any more makes room.
    del source, target, at, kind, provenance, basis, expires, usable
    if len(rows.origin) < len(weight):
        about, weight, codes = about.take(rows.origin), weight[rows.origin], codes[rows.origin]
    made = _ties(rows, weight, codes, about, rules, directed=directed)
    warn_look_alikes(rows.people, "people")
    return made


def _faded(
    weight: FloatArray,
    at: npt.NDArray[np.datetime64],
    day: dt.date,
    lives: FloatArray,
    worth: FloatArray,
    codes: IntArray,
) -> FloatArray:
    """Weigh interactions as of a day, a part of the rows at a time."""
    faded = np.empty(len(weight))
    for part in pieces(len(weight)):
        age = (np.datetime64(day, "D") - at[part]).astype(np.int64)
        with np.errstate(over="ignore"):
            faded[part] = weight[part] * np.exp2(-age / lives[codes[part]]) * worth[codes[part]]
    return faded


def _ties(
    rows: Rows, weight: FloatArray, codes: IntArray, about: Any, rules: FloatArray, *, directed: bool
) -> Ties:
    """Add the interactions of each pair and kind up in a stated order: by day, then by weight."""
    order, starts = _pair_by_pair(rows, weight, codes, about, directed=directed)
    kind = codes[order[starts]]
    one, other = rows.first[order[starts]], rows.second[order[starts]]
    if not directed:
        one, other = np.minimum(one, other), np.maximum(one, other)
    strength = np.zeros(0)
    if len(starts):
        way = weight[order]
        back = rows.first[order] != np.repeat(one, np.diff(starts, append=len(order)))
        with np.errstate(over="ignore", invalid="ignore"):
            strength = _both_ways(way, back, starts, rules[kind])
        del way, back
    last = order[np.append(starts[1:], len(order))[: len(starts)] - 1]
    if not np.isfinite(strength).all():
        rows.table.fault(
            "weight",
            rows.origin[last[~np.isfinite(strength)]],
            "the sum of the weights of a tie is too large for a number",
        )
        rows.table.finish()
    notes = rows.notes
    if len(starts):
        about = attributes_of(about, last, order, starts, "sum")
    kept = strength > 0
    if not kept.all():
        lost = np.sort(order[np.repeat(~kept, np.diff(starts, append=len(order)))])
        notes = (_one_way(rows, lost), *notes)
        one, other, strength, about = one[kept], other[kept], strength[kept], about.take(kept)
    return Ties(
        people=rows.people,
        source=one,
        target=other,
        weight=strength,
        about=about,
        is_directed=directed,
        notes=notes,
        standing=rows.standing,
    )


def _pair_by_pair(
    rows: Rows, weight: FloatArray, codes: IntArray, about: Any, *, directed: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order the rows by pair and kind, then day, then weight; and find where each pair and kind begins."""
    one, other = rows.first, rows.second
    if not directed:
        one, other = np.minimum(one, other), np.maximum(one, other)
    key = one.astype(np.int64)
    key *= max(len(rows.people), 1)
    key += other
    del one, other
    n_kinds = int(codes.max(initial=-1)) + 2
    if n_kinds > 1:
        key *= n_kinds
        key += codes
        key += 1
    keys: list[npt.NDArray[Any]] = about.replace(kind=None, observed_on=None).codes()
    when = about.days("observed_on")
    keys += [weight, key] if when is None else [weight, when.view(np.int64), key]
    order = np.lexsort(keys)
    key = key[order]
    return order, np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])


def _both_ways(
    way: FloatArray, back: npt.NDArray[np.bool_], starts: IntArray, share: FloatArray
) -> FloatArray:
    """Combine the two directions: what is mutual counts in full, the excess of one side by its share.

    Overwrites `way`, the weights of all rows; `back` marks those of the second direction.
    """
    one_way = way.copy()
    one_way[back] = 0.0
    there = np.add.reduceat(one_way, starts)
    del one_way
    way[~back] = 0.0
    other = np.add.reduceat(way, starts)
    if (share == 1.0).all():
        there += other
        return there
    mutual = 2 * np.minimum(there, other)
    excess = np.abs(there - other)
    by_share = np.where(share == 1.0, there + other, mutual + np.maximum(share, 0.0) * excess)
    return np.where(share == _GEOMETRIC, 2 * np.sqrt(there) * np.sqrt(other), by_share)


def _one_way(rows: Rows, lost: IntArray) -> Note:
    labels, at = rows.table.rows, rows.origin[lost]
    problem = Problem(
        path=rows.table.name,
        message=_ONE_WAY,
        rows=tuple(labels[k] for k in at.tolist()),
        ids=rows.table.who(at),
    )
    return Note(problem=problem, ends=np.stack([rows.first[lost], rows.second[lost]]))


def _per_kind(
    table: Reader, kind: Coded | None, argument: str, option: Any, read: Callable[[str, Any], float]
) -> FloatArray:
    """Give the option for each kind that occurs, the last entry for rows without a kind."""
    if not isinstance(option, Mapping):
        return np.full((0 if kind is None else len(kind.names)) + 1, read(argument, option))
    given = {}
    for name, value in option.items():
        if not isinstance(name, str):
            raise refuse(argument, "names a kind that is not text", name)
        given[name] = read(f"{argument}[{name!r}]", value)
    if kind is None:
        return np.full(1, np.nan)
    unknown = [k for k, name in enumerate(kind.names) if name not in given]
    near = {hint: None for k in unknown[:5] for hint in closest(kind.names[k], given)}
    table.fault(
        "kind",
        np.isin(kind.codes, unknown),
        f"is a kind that {argument} does not name",
        hint=f"add it to {argument}, or give one value for all kinds",
        suggestions=[*near],
    )
    return np.array([*(given.get(name, np.nan) for name in kind.names), np.nan])


def _days(argument: str, value: Any) -> float:
    """Read a half-life as days; a year has 365.25."""
    hint = "write '180D', '26W' or '1Y', or pass a Timedelta; months have no fixed length"
    years = _YEARS.fullmatch(value.strip()) if isinstance(value, str) else None
    if years:
        days = 365.25 * float(years[1])
    else:
        if not isinstance(value, (str, dt.timedelta, np.timedelta64)) or (
            isinstance(value, str) and not re.search(r"[A-Za-z:]", value)
        ):
            raise refuse(argument, "is not a length of time", value, hint=hint)
        try:
            days = pd.Timedelta(value) / pd.Timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise refuse(argument, "is not a length of time", value, hint=hint) from error
    if not 1 <= days < float("inf"):
        raise refuse(argument, "must be one day or more", value, hint=f"{hint}; 'm' means minutes")
    return days


def _one_way_share(argument: str, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0 <= value <= 1:
            raise refuse(argument, "the share of one-way contact is between 0 and 1", value)
        return float(value)
    check_choice(argument, value, _RULES)
    return {"sum": 1.0, "weaker": 0.0, "geometric": _GEOMETRIC}[value]


def _worth(argument: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise refuse(argument, "must be a finite number above 0", value)
    return float(value)
