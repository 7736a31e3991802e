"""Answers of a review go back into the graph: ties are confirmed, denied, weighed anew or added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import closest
from salesops._frames import Ids, Labels, Reader, check_same_type, to_frame
from salesops.errors import Problem
from salesops.territory._attributes import Attributes, Coded, Column, attributes, joined, read_text
from salesops.territory._listing import Note, Ties, in_order, moved, positions

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ANSWERS = ("confirmed", "denied", "unsure")
_ENDS = (("source", "rep_id"), ("target", "lead_id"))


@attrs.frozen(kw_only=True, eq=False)
class _Answers:
    """One settled answer for each pair: ends, whether confirmed, and what came with it."""

    first: IntArray
    second: IntArray
    is_confirmed: Mask
    weight: FloatArray
    by: Coded | None
    on: npt.NDArray[np.datetime64]


def with_answers(
    ties: Ties,
    answers: object,
    *,
    weight: float,
    add_people: bool,
    zone: str | None,
    columns: Mapping[str, str] | None,
) -> Ties:
    """Put answers into the ties of a graph."""
    frame = to_frame(answers, "answers", columns=columns)
    names = [
        ours if ours in frame.columns or theirs not in frame.columns else theirs for ours, theirs in _ENDS
    ]
    table = Reader(frame, "answers", key=names)
    source, target = table.ids(names[0]), table.ids(names[1])
    answer = read_text(table, "answer", choices=ANSWERS)
    if not table.has("answer"):
        table.cells("answer")
    stated = table.numbers("weight", above=0, default=None, missing=np.nan)
    by = read_text(table, "by")
    on = table.dates("on", optional=True, zone=zone)
    said = np.full(len(table), -1) if answer is None else answer.codes
    settled = np.zeros(len(table), dtype=bool)
    if answer is not None:
        settled = (said == answer.code("confirmed")) | (said == answer.code("denied"))
    people, ties = _people(table, names, (source, target), settled, ties, add_people=add_people)
    first, second = positions(people, source), positions(people, target)
    is_self = settled & (first == second)
    rows = np.flatnonzero(settled & ~is_self)
    first, second = first[rows], second[rows]
    if not ties.is_directed:
        first, second = np.minimum(first, second), np.maximum(first, second)
    is_confirmed = said[rows] == (-2 if answer is None else answer.code("confirmed"))
    notes = _notes(table, is_self, ~settled, positions(people, source))
    last = _settled(table, rows, first, second, is_confirmed, stated[rows], by, on[rows])
    heard = _Answers(
        first=first[last],
        second=second[last],
        is_confirmed=is_confirmed[last],
        weight=stated[rows][last],
        by=None if by is None else Coded.of(by.codes[rows][last], by.names),
        on=on[rows][last],
    )
    return _put(attrs.evolve(ties, notes=(*ties.notes, *notes)), heard, weight)


def _people(
    table: Reader,
    names: Sequence[str],
    columns: tuple[Ids, Ids],
    settled: Mask,
    ties: Ties,
    *,
    add_people: bool,
) -> tuple[Labels, Ties]:
    """Find everyone, or let the answers bring new people in; then raise every fault so far."""
    people = ties.people
    for name, ids in zip(names, columns, strict=True):
        check_same_type(table.faults, f"answers.{name}", ids, people, "the graph", table.rows)
        unknown = settled & (positions(people, ids) < 0) & (ids.codes >= 0)
        if not add_people and unknown.any() and not table.faults:
            strangers = list(dict.fromkeys(ids.label(int(k)) for k in np.flatnonzero(unknown)))[:5]
            near = {hint: None for who in strangers for hint in closest(who, people.values.tolist())}
            table.fault(
                name,
                unknown,
                "names a person whom the graph does not have",
                hint="correct the id, or pass add_people=True to let answers bring people in",
                suggestions=[*near],
            )
    table.finish()
    if not add_people:
        return people, ties
    everyone = Labels.of(
        Ids(np.arange(len(people)), people.values), *(_used(ids.take(settled)) for ids in columns)
    )
    place = positions(everyone, Ids(np.arange(len(people)), people.values))
    standing = np.zeros(len(everyone), dtype=bool)
    standing[place] = ties.standing
    grown = attrs.evolve(
        ties,
        people=everyone,
        source=place[ties.source],
        target=place[ties.target],
        notes=tuple(moved(note, place) for note in ties.notes),
        standing=standing,
    )
    return everyone, in_order(grown)


def _used(ids: Ids) -> Ids:
    used, codes = np.unique(ids.codes[ids.codes >= 0], return_inverse=True)
    return Ids(codes, ids.distinct[used])


def _notes(table: Reader, is_self: Mask, open_: Mask, who: IntArray) -> list[Note]:
    notes = []
    if open_.any():
        n = int(open_.sum())
        said = f"{n} row" if n == 1 else f"{n} rows"
        problem = Problem(path="answers", message="not answered, so nothing was changed", values=(said,))
        notes.append(Note(problem=problem))
    rows = np.flatnonzero(is_self)
    if len(rows):
        problem = Problem(
            path="answers",
            message="a self tie changes nothing and was set aside",
            rows=tuple(table.rows[k] for k in rows.tolist()),
            ids=table.who(rows),
        )
        notes.append(Note(problem=problem, ends=np.stack([who[rows], who[rows]])))
    return notes


def _settled(
    table: Reader,
    rows: IntArray,
    first: IntArray,
    second: IntArray,
    is_confirmed: Mask,
    weight: FloatArray,
    by: Coded | None,
    on: npt.NDArray[np.datetime64],
) -> IntArray:
    """Find the last answer for each pair; answers of the same day must agree."""
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    who = np.full(len(rows), -1) if by is None else by.codes[rows]
    day = on.view(np.int64)
    order = np.lexsort((who, np.nan_to_num(weight, nan=-1.0), is_confirmed, day, second, first))
    one, other = first[order], second[order]
    fresh = np.append(True, (one[1:] != one[:-1]) | (other[1:] != other[:-1]))
    starts = np.flatnonzero(fresh)
    repeats = np.diff(starts, append=len(order))
    last = order[starts + repeats - 1]
    final = np.repeat(last, repeats)
    newest = day[order] == day[final]
    undated = np.repeat(np.minimum.reduceat(day[order], starts) == np.iinfo(np.int64).min, repeats)
    rival = newest | undated
    for name, differs, message in (
        ("answer", is_confirmed[order] != is_confirmed[final], "the same tie is confirmed and denied"),
        ("weight", ~_same(weight[order], weight[final]), "the same tie is given two weights"),
    ):
        clash = np.logical_or.reduceat(rival & differs, starts)
        marked = np.sort(rows[order[np.repeat(clash, repeats) & rival]])
        hint = "keep one answer for each pair; where dates are given in the column on, the later answer holds"
        table.fault(name, marked, message, hint=hint)
    table.finish()
    return last


def _same(one: FloatArray, other: FloatArray) -> Mask:
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))


def _put(ties: Ties, heard: _Answers, default: float) -> Ties:
    n = np.int64(max(len(ties.people), 1))
    asked = heard.first.astype(np.int64) * n + heard.second
    known = ties.source.astype(np.int64) * n + ties.target
    at = np.minimum(np.searchsorted(asked, known), max(len(asked) - 1, 0))
    hit = asked[at] == known if len(asked) else np.zeros(len(known), dtype=bool)
    rows, answer = np.flatnonzero(hit), at[hit]
    weight = ties.weight.copy()
    total = np.zeros(len(asked))
    np.add.at(total, answer, weight[rows])
    n_rows = np.bincount(answer, minlength=len(asked))
    wanted = np.where(np.isnan(heard.weight), np.where(total > 0, total, default), heard.weight)
    # A weight that came with the sheet may differ from the sum in its last digit.
    changes = heard.is_confirmed & (np.abs(wanted - total) > 1e-12 * total)
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = np.where(total[answer] > 0, weight[rows] / total[answer], 1.0 / n_rows[answer])
    weight[rows] = np.where(changes[answer], wanted[answer] * shared, weight[rows])
    alone = n_rows[answer] == 1
    weight[rows[alone & changes[answer]]] = wanted[answer[alone & changes[answer]]]
    about = _marked(ties.about, len(known), rows, heard, answer)
    new = np.flatnonzero(n_rows == 0)
    added = _marked(attributes({}), len(new), np.arange(len(new)), heard, new)
    fresh = np.where(heard.is_confirmed[new], wanted[new], np.nan_to_num(heard.weight[new], nan=0.0))
    return in_order(
        attrs.evolve(
            ties,
            source=np.concatenate([ties.source, heard.first[new].astype(np.int32)]),
            target=np.concatenate([ties.target, heard.second[new].astype(np.int32)]),
            weight=np.concatenate([weight, fresh]),
            about=joined([(about, len(known)), (added, len(new))]),
        )
    )


def _marked(about: Attributes, n_rows: int, rows: IntArray, heard: _Answers, answer: IntArray) -> Attributes:
    """Set status and provenance of some rows, and the day where the answer is dated."""
    said = np.where(heard.is_confirmed[answer], 0, 1)
    by = heard.by
    words = (*(() if by is None else by.names), "review")
    source = np.full(len(answer), -1) if by is None else by.codes[answer]
    changed: dict[str, Column | None] = {
        "status": _written(about.text("status"), n_rows, rows, said, ("confirmed", "denied")),
        "provenance": _written(
            about.text("provenance"), n_rows, rows, np.where(source < 0, len(words) - 1, source), words
        ),
    }
    on = heard.on[answer]
    if not np.isnat(on).all():
        days = about.days("observed_on")
        found = np.full(n_rows, np.datetime64("NaT", "D")) if days is None else days.copy()
        found[rows] = np.where(np.isnat(on), found[rows], on)
        changed["observed_on"] = found
    return about.replace(**changed)


def _written(
    column: Coded | None, n_rows: int, rows: IntArray, codes: IntArray, words: Sequence[str]
) -> Coded | None:
    """Write words into some rows of a column."""
    old = () if column is None else column.names
    every = [*old, *words]
    found = np.full(n_rows, -1, dtype=np.int64) if column is None else column.codes.astype(np.int64)
    found[rows] = codes + len(old)
    merged = {word: k for k, word in enumerate(dict.fromkeys(every))}
    place = np.array([*(merged[word] for word in every), -1])
    return Coded.of(place[found], list(merged))
