"""People leave a graph, ties expire, and ids become pseudonyms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable

import attrs
import numpy as np

from salesops._faults import count, refuse
from salesops._frames import Ids, Labels
from salesops.errors import InternalError, Problem
from salesops.territory._attributes import Attributes, Coded
from salesops.territory._listing import (
    Note,
    Ties,
    in_order,
    known_people,
    moved,
    only_note,
    only_rows,
    positions,
    relabelled,
)
from salesops.territory._ties import EXPIRED
from salesops.territory.inputs import column_of, find
from salesops.territory.pseudonyms import pseudonym


def without(ties: Ties, person: Hashable) -> Ties:
    """Leave a person out, and whoever was known only through ties with that person."""
    try:
        hash(person)
    except TypeError:
        raise refuse("person", "an id must be hashable", person) from None
    gone = find(ties.people, person, "person", "people")
    standing = ties.standing.copy()
    standing[gone] = False
    kept = only_rows(ties, (ties.source != gone) & (ties.target != gone))
    notes = [
        note if note.ends is None else only_note(note, (note.ends != gone).all(axis=0)) for note in ties.notes
    ]
    left = attrs.evolve(
        kept,
        about=_without_word(kept, person),
        notes=tuple(note for note in notes if note is not None),
        standing=standing,
    )
    return relabelled(left, known_people(left))


def _without_word(ties: Ties, person: Hashable) -> Attributes:
    """Take a person's id out of the provenance of the ties of others."""
    provenance = ties.about.text("provenance")
    if provenance is None or not isinstance(person, str) or person not in provenance.names:
        return ties.about
    codes = np.where(provenance.codes == provenance.code(person), -1, provenance.codes)
    return ties.about.replace(provenance=Coded.of(codes, provenance.names))


def known_on(ties: Ties, day: dt.date) -> Ties:
    """Leave out ties that have expired by a day or were observed after it."""
    date = np.datetime64(day, "D")
    kept = np.ones(len(ties.source), dtype=bool)
    notes = list(ties.notes)
    for name, message in (
        ("expires_on", EXPIRED),
        ("observed_on", "set aside because it was observed later"),
    ):
        days = ties.about.days(name)
        if days is None:
            continue
        out = kept & (days <= date if name == "expires_on" else days > date)
        if out.any():
            found = count(int(out.sum()), "tie")
            notes.append(Note(problem=Problem(path="graph", message=message, values=(found,))))
        kept &= ~out
    had_ties = np.zeros(len(ties.people), dtype=bool)
    had_ties[ties.source] = had_ties[ties.target] = True
    left = attrs.evolve(only_rows(ties, kept), notes=tuple(notes))
    return relabelled(left, known_people(left) | ~had_ties)


def pseudonymised(ties: Ties, key: str | bytes) -> Ties:
    """Put a pseudonym in the place of every id, and drop what may tell who somebody was."""
    pseudonym(0, key=key)
    names = column_of([pseudonym(person, key=key) for person in ties.people.values.tolist()])
    ids = Ids(np.arange(len(names)), names)
    people = Labels.of(ids)
    if len(people) != len(names):
        raise InternalError("pseudonymised: two people have the same pseudonym; please report this")
    place = positions(people, ids)
    notes = []
    for note in ties.notes:
        rows = tuple(row for row in note.problem.rows if isinstance(row, int))
        bare = attrs.evolve(note.problem, ids=(), rows=rows if len(rows) == len(note.problem.rows) else ())
        notes.append(moved(attrs.evolve(note, problem=bare), place))
    standing = np.zeros(len(people), dtype=bool)
    standing[place] = ties.standing
    return in_order(
        attrs.evolve(
            ties,
            people=people,
            source=place[ties.source],
            target=place[ties.target],
            about=ties.about.replace(provenance=None),
            notes=tuple(notes),
            standing=standing,
        )
    )
