"""How near each rep is to each lead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops import _run
from salesops._faults import count, raise_all, refuse
from salesops._frames import Ids, Labels, Reader, check_known, check_same_type, is_networkx, warn_look_alikes
from salesops.errors import NotConverged, Problem, show
from salesops.territory._map import Map, geography_of
from salesops.territory._nearest import Nearest, lead_scores
from salesops.territory._scorers import Scorer, WalkScorer, prepare
from salesops.territory._sphere import nearest
from salesops.territory.geography import Geography, read_place
from salesops.territory.graph import SocialGraph
from salesops.territory.inputs import Rows, read_rows, tables
from salesops.territory.measures import Blend, Measure, MethodName, RandomWalk, measure_of
from salesops.territory.results import Contacts, Proximity

__all__ = ["proximity"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_BLOCK = 64
_NARROWEST = 16
_ENTRIES, _ENTRIES_OF_ONE = 1 << 24, 1 << 26
"""The most entries of a block where several are walked at once, and where one is, in single precision."""
_WORTH_THREADS = 1 << 22


def proximity(
    graph: SocialGraph | Any | None,
    reps: object,
    leads: object,
    *,
    method: MethodName | Measure = "random_walk",
    top: int = 32,
    contacts: object = None,
    mapper: _run.Mapper = map,
    progress: _run.Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> Proximity:
    """Measure how near each rep is to each lead over the ties of a graph.

    Parameters
    ----------
    graph : SocialGraph or networkx.Graph
        Who knows whom. :class:`Geography` alone does without: None.
    reps : table
        ``rep_id``, and ``person_id`` where the person in the graph has another id than the rep;
        ``latitude`` and ``longitude`` in degrees for :class:`Geography`.
    leads : table
        ``lead_id``, and ``person_id`` likewise. A lead outside the graph scores 0 with everyone, and so does
        a rep without ties.
    method : name or an options object
        :class:`RandomWalk` ("random_walk", the default), :class:`IntroductionPath`,
        :class:`CommonNeighbours`, :class:`Jaccard`, :class:`PreferentialAttachment`, :class:`AdamicAdar`,
        :class:`ResourceAllocation`, :class:`Katz`, :class:`EffectiveResistance`, :class:`Geography`, or a
        :class:`Blend` with weights. A name stands for the options of the same name with their defaults.
    top : int, default 32
        How many reps to keep for each lead. What is left out is bounded by the lowest score kept.
    contacts : table, optional
        ``lead_id``, ``person_id`` and perhaps ``weight`` (above 0, default 1): the people through whom a lead
        is reached, in place of its own ``person_id``. The measure says how their scores roll up.
    mapper : callable, default map
        Anything shaped like ``map``; called with blocks of at most 64 reps. It cannot change the result. The
        built-in ``map`` walks large graphs on as many threads as the process may use.
    progress : callable, optional
        Wraps an iterable (``tqdm``); counts the blocks.
    columns : mapping, optional
        ``{"name in your table": "name above"}``, for all tables together.

    Returns
    -------
    Proximity

    Raises
    ------
    InvalidInput
        With every fault of the tables; among them an id that differs from one of the graph only by type.
    NotConverged
        If the walk's certified error does not come down to the tolerance.

    Notes
    -----
    Scores are rounded to 40 significant bits, so that equal positions in the graph have equal scores.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties(
    ...     {"source": ["ann", "bo", "cy"], "target": ["bo", "cy", "acme"]}
    ... )
    >>> near = territory.proximity(graph, {"rep_id": ["ann", "cy"]}, {"lead_id": ["acme"]})
    >>> near.to_frame().round(3)
      rep_id lead_id  score  rank
    0     cy    acme  0.179     1
    1    ann    acme  0.101     2
    >>> print(near.path("ann", "acme"))
    two contacts
    """
    measure = measure_of(method)
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise refuse("top", "must be a whole number of 1 or more", top)
    people = _nobody() if graph is None and isinstance(measure, Geography) else _graph(graph)
    ends = _read(people, tables(columns, reps=reps, leads=leads, contacts=contacts), geography_of(measure))
    if isinstance(measure, Geography):
        return _by_place(people, ends, measure, top)
    job = _job(people, ends, measure, top)
    known = np.flatnonzero((ends.persons >= 0) | (ends.where is not None))
    best = Nearest(len(ends.leads), top)
    walks = isinstance(measure, RandomWalk) and mapper is map
    if walks and isinstance(job.scorer, WalkScorer) and job.scorer.is_single:
        error = _walk_by_walk(job, job.scorer, known, best, progress)
    else:
        if walks and people.n_ties * len(known) >= _WORTH_THREADS:
            mapper = _run.threads
        blocks = _blocks(known, _width(people.n_people, _ENTRIES))
        answers = _run.stream(partial(_block, job), blocks, mapper=mapper, progress=progress)
        error = np.zeros(len(ends.reps))
        for block, answer in zip(blocks, answers, strict=True):
            error[block] = answer.error
            best.add(answer.scores, answer.reps_of(block))
            best.floor = np.maximum(best.floor, answer.floor)
    _check_error(error, ends.reps, measure)
    starts, near, kept = best.by_rank()
    return Proximity(
        method=measure,
        top=top,
        rep_labels=ends.reps,
        lead_labels=ends.leads,
        starts=starts,
        reps=near,
        scores=kept,
        floor=best.floor,
        error=error,
        graph=people,
        persons=ends.persons,
        contacts=ends.contacts,
    )


def _by_place(graph: SocialGraph, ends: _Ends, measure: Geography, top: int) -> Proximity:
    """Keep the reps who are nearest on the map."""
    here, there = ends.where or (np.empty((0, 3)), np.empty((0, 3)))
    found = nearest(there, here, half_distance=measure.half_distance, within=measure.within, top=top)
    starts, near, kept = found.by_rank()
    return Proximity(
        method=measure,
        top=top,
        rep_labels=ends.reps,
        lead_labels=ends.leads,
        starts=starts,
        reps=near,
        scores=kept,
        floor=found.floor,
        error=np.zeros(len(ends.reps)),
        graph=graph,
        persons=ends.persons,
        contacts=ends.contacts,
    )


def _nobody() -> SocialGraph:
    """Make a graph without people, for a measure that asks nobody."""
    return SocialGraph.from_ties({"source": [], "target": []})


def _graph(graph: object) -> SocialGraph:
    if isinstance(graph, SocialGraph):
        return graph
    if is_networkx(graph):
        return SocialGraph.from_networkx(graph)  # type: ignore[arg-type]  # the line above has looked
    hint = "make one with SocialGraph.from_ties or SocialGraph.from_networkx"
    raise refuse("graph", "is not a social graph", type(graph).__name__, hint=hint)


@attrs.frozen(kw_only=True, eq=False)
class _Ends:
    """Both ends of every pair: reps and leads in label order, and the people who stand for them."""

    reps: Labels
    leads: Labels
    persons: IntArray
    contacts: Contacts
    where: tuple[FloatArray, FloatArray] | None = None
    """Unit vectors of reps and of leads, where the measure asks for places."""


def _read(graph: SocialGraph, frames: dict[str, Any], geography: Geography | None) -> _Ends:
    faults: list[Problem] = []
    reps = read_rows(frames["reps"], "reps", "rep_id", faults)
    leads = read_rows(frames["leads"], "leads", "lead_id", faults)
    rep_person = _persons(graph, reps, "rep_id", faults)
    # A person without ties stands like one outside the graph: near nobody.
    has_ties = np.append(np.diff(graph.adjacency.indptr) > 0, False)
    rep_person = np.where(has_ties[rep_person], rep_person, -1)
    met = _read_contacts(graph, frames["contacts"], leads, faults) if "contacts" in frames else None
    alone = np.ones(len(leads.labels), dtype=bool)
    if met is not None:
        alone[met[0][met[0] >= 0]] = False
    lead_person = _persons(graph, leads, "lead_id", faults, only=alone)
    where = None
    if geography is not None:
        where = read_place(reps, geography.missing, faults), read_place(leads, geography.missing, faults)
    raise_all("proximity", faults)
    return _Ends(
        reps=reps.labels,
        leads=leads.labels,
        persons=rep_person,
        contacts=_contacts(lead_person, alone, met),
        where=where,
    )


def _persons(
    graph: SocialGraph, rows: Rows, key: str, faults: list[Problem], only: npt.NDArray[np.bool_] | None = None
) -> IntArray:
    """Find the person of each row in the graph, in label order; -1 if there is none."""
    table = rows.table
    column = "person_id" if table.has("person_id") else key
    named = table.ids("person_id", optional=True) if column == "person_id" else rows.ids
    if column == "person_id" and (named.codes < 0).any():
        # A row without a person stands for itself, as if the column were not there.
        empty = named.codes < 0
        found = np.where(empty, graph.labels.codes(rows.ids), graph.labels.codes(named))
    else:
        found = graph.labels.codes(named)
    if only is not None and not only.all():
        checked = rows.order[only]
        labels_of_rows = [table.rows[int(k)] for k in checked]
        check_same_type(
            faults, f"{table.name}.{column}", named.take(checked), graph.labels, "the graph", labels_of_rows
        )
    else:
        check_same_type(faults, f"{table.name}.{column}", named, graph.labels, "the graph", table.rows)
        if not faults:
            warn_look_alikes(
                Labels.of(Ids(np.empty(0, dtype=np.int64), graph.labels.values), named), "people"
            )
    return rows.column(found)


def _read_contacts(
    graph: SocialGraph, frame: Any, leads: Rows, faults: list[Problem]
) -> tuple[IntArray, IntArray, FloatArray]:
    table = Reader(frame, "contacts", key=("lead_id", "person_id"), faults=faults)
    lead, person = table.ids("lead_id"), table.ids("person_id")
    weight = table.numbers("weight", above=0, default=1)
    check_known(faults, "contacts.lead_id", lead, leads.labels, "leads", table.rows, who=table.who)
    check_same_type(faults, "contacts.person_id", person, graph.labels, "the graph", table.rows)
    pair = lead.codes * max(len(person.distinct), 1) + person.codes
    _, inverse, times = np.unique(pair, return_inverse=True, return_counts=True)
    again = (times[inverse] > 1) & (lead.codes >= 0) & (person.codes >= 0)
    hint = "keep one row for each person of a lead"
    table.fault("person_id", again, "the person stands more than once for the same lead", hint=hint)
    return leads.labels.codes(lead), graph.labels.codes(person), weight


def _contacts(
    lead_person: IntArray,
    alone: npt.NDArray[np.bool_],
    met: tuple[IntArray, IntArray, FloatArray] | None,
) -> Contacts:
    """Lay out who stands for each lead: its contacts, or its own person where it has none."""
    n = len(lead_person)
    if met is None:
        return Contacts(starts=np.arange(n + 1), person=lead_person, weight=np.ones(n))
    lead = np.concatenate([met[0], np.flatnonzero(alone)])
    person = np.concatenate([met[1], lead_person[alone]])
    weight = np.concatenate([met[2], np.ones(int(alone.sum()))])
    order = np.lexsort((weight, person, lead))
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(lead, minlength=n), out=starts[1:])
    return Contacts(starts=starts, person=person[order], weight=weight[order])


@attrs.frozen(kw_only=True, eq=False)
class _Job:
    """What every block needs: plain arrays, so that it travels to another process.

    `persons` and `contacts` stand where the measure has people.
    """

    scorer: Scorer | None
    persons: IntArray
    contacts: Contacts
    top: int
    map: Map | None = None


@attrs.frozen(kw_only=True, eq=False)
class _Answer:
    """Scores of every lead with a block of reps, or with the best of them if the block is wider than top."""

    scores: FloatArray
    reps: npt.NDArray[np.int32] | None
    floor: FloatArray
    error: FloatArray

    def reps_of(self, block: IntArray) -> npt.NDArray[np.int32]:
        return np.broadcast_to(block.astype(np.int32), self.scores.shape) if self.reps is None else self.reps


def _job(graph: SocialGraph, ends: _Ends, measure: Measure, top: int) -> _Job:
    persons, contacts = ends.persons, ends.contacts
    if ends.where is not None and isinstance(measure, Blend):
        network, placed = Map.of(measure, *ends.where)
        scorer = None if network is None else prepare(network, graph.adjacency, graph.is_directed)
        return _Job(scorer=scorer, persons=persons, contacts=contacts, top=top, map=placed)
    scorer = prepare(measure, graph.adjacency, graph.is_directed)
    if isinstance(scorer, WalkScorer):
        # The walk keeps people in an order of its own: both ends of every pair move there.
        place = np.append(scorer.ready.place, -1)
        persons = place[persons]
        contacts = attrs.evolve(contacts, person=place[contacts.person])
    return _Job(scorer=scorer, persons=persons, contacts=contacts, top=top)


def _block(job: _Job, reps: IntArray) -> _Answer:
    """Score every lead for one block of reps and keep the best of them."""
    scores, error = _mapped(job, job.map, reps) if job.map is not None else _met(job, reps)
    if len(reps) <= job.top:
        return _Answer(scores=scores, reps=None, floor=np.zeros(len(scores)), error=error)
    best = Nearest(len(scores), job.top)
    best.add(scores, np.broadcast_to(reps.astype(np.int32), scores.shape))
    return _Answer(scores=best.scores, reps=best.reps, floor=best.floor, error=error)


def _met(job: _Job, reps: IntArray) -> tuple[FloatArray, FloatArray]:
    """Score every lead for reps by who knows whom."""
    scorer, starts, contacts = job.scorer, job.persons[reps], job.contacts
    if scorer is None or not len(reps):
        return np.zeros((len(contacts.starts) - 1, len(reps))), np.zeros(len(reps))
    found = scorer.in_own_order(starts) if isinstance(scorer, WalkScorer) else scorer.people(starts)
    people, error = found
    return lead_scores(people, contacts.starts, contacts.person, contacts.weight, scorer.rule), error


def _mapped(job: _Job, where: Map, reps: IntArray) -> tuple[FloatArray, FloatArray]:
    """Score every lead for reps by who knows whom and by where they are."""
    known = job.persons[reps] >= 0
    scores, error = np.zeros((len(job.contacts.starts) - 1, len(reps))), np.zeros(len(reps))
    scores[:, known], error[known] = _met(job, reps[known])
    return where.add(scores, reps), error


def _walk_by_walk(
    job: _Job, scorer: WalkScorer, known: IntArray, best: Nearest, progress: _run.Progress | None
) -> FloatArray:
    """Walk from one wide block of reps after the other, each on all processors.

    They share one block in the cache and read the ties once for all its columns, where two narrow blocks side
    by side would push each other out.
    """
    error, met = np.zeros(len(job.persons)), job.contacts
    blocks = _blocks(known, _width(len(scorer.ready.place), _ENTRIES_OF_ONE))

    def walk_from(block: IntArray) -> FloatArray:
        people, found = scorer.in_own_order(job.persons[block], spread=True)
        best.add_people(people, block, met.starts, met.person, met.weight, scorer.rule)
        return found

    for block, found in zip(blocks, _run.stream(walk_from, blocks, progress=progress), strict=True):
        error[block] = found
    return error


def _blocks(known: IntArray, width: int) -> list[IntArray]:
    return [known[k : k + width] for k in range(0, len(known), width)]


def _width(n_people: int, entries: int) -> int:
    """How many reps make a block: fewer in a large graph, so that a block stays within memory."""
    width = _BLOCK
    while width > _NARROWEST and width * n_people > entries:
        width //= 2
    return width


def _check_error(error: FloatArray, reps: Labels, measure: Measure) -> None:
    if isinstance(measure, RandomWalk) and (error > measure.tolerance).any():
        worst = int(np.argmax(error))
        fault = Problem(
            path="method.tolerance",
            message="the certified error does not come down to the tolerance",
            values=(
                f"{error[worst]:.2g} for rep {show(reps[worst])}",
                f"{measure.tolerance:g} was asked for",
            ),
            hint="ask for a larger tolerance or restart",
        )
        raise NotConverged(f"proximity: {count(int((error > measure.tolerance).sum()), 'rep')}", [fault])
