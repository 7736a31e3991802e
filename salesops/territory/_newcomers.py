"""How near reps are to somebody new, from the ties of the newcomer and the scores of those she knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import refuse
from salesops._frames import Labels, from_plain, to_plain
from salesops._frames.ids import factorize
from salesops._frames.tables import object_column
from salesops.territory.measures import IntroductionPath, RandomWalk
from salesops.territory.results import Proximity

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True, eq=False)
class People:
    """People of a graph and the reps nearest to each: n people, R reps.

    Attributes
    ----------
    starts, reps, scores : ndarray
        Nearest reps of each person as in CSR, best first.
    strength : ndarray of shape (n,)
        Sum of the weights of each person's ties.
    visits : ndarray of shape (n,)
        Expected visits of a damped walk from the person to the person itself, the start counted: from below.
    largest : float
        The largest weight of the graph.
    friends : tuple of mappings or None
        Of each rep the people 0 ties away (herself) and 1 (those she knows).
    """

    labels: Labels
    starts: IntArray
    reps: IntArray
    scores: FloatArray
    strength: FloatArray
    visits: FloatArray
    largest: float
    method: RandomWalk | IntroductionPath
    is_directed: bool
    friends: tuple[Mapping[int, int], ...] | None = None

    def known(self, person: int) -> tuple[list[int], list[float]]:
        """Give the nearest reps of somebody who is in the graph."""
        part = slice(int(self.starts[person]), int(self.starts[person + 1]))
        return self.reps[part].tolist(), self.scores[part].tolist()

    def newcomer(self, ties: Mapping[int, float]) -> tuple[list[int], list[float]]:
        r"""Score the reps for somebody new who is tied to these people, with these weights.

        Notes
        -----
        Let a walk of damping :math:`\alpha` leave person i towards the newcomer with probability
        :math:`q_i = w_i / (d_i + w_i)`, and come back to i with probability :math:`u_i = w_i / \sum_j w_j`.
        With :math:`G = (I - \alpha P)^{-1}` of the graph as it was, the Woodbury identity gives the scores
        :math:`x'` of the tied people in the new graph from their old scores x,

        .. math:: [I + (G - I) Q - \alpha^2 G u q^T] x' = x, \qquad
                  \text{score of the newcomer} = \alpha q^T x' .

        Kept of G is the diagonal :math:`g_i` alone, from below: one over one minus the damped chance to be
        back after two steps. Then, exactly,

        .. math:: \alpha \sum_i \frac{q_i}{a_i} x_i \Big/
                  \Big(1 - \alpha^2 \sum_i \frac{q_i g_i u_i}{a_i}\Big), \qquad a_i = 1 + (g_i - 1) q_i .

        For one tie only g is approximate, and it scales all reps alike: their order is exact. For several,
        what is left out is a walk from one of the tied people to another, of the order of G off the diagonal.
        A directed tie leads to the newcomer and not back: u = 0. In a graph by introductions a chain simply
        grows by one tie, which is exact but for a limit on hops.
        """
        total: dict[int, float] = {}
        persons, weights = list(ties), np.array(list(ties.values()))
        if isinstance(self.method, IntroductionPath):
            for person, factor in zip(persons, self._strengths(weights).tolist(), strict=True):
                for rep, score in zip(*self.known(person), strict=True):
                    total[rep] = max(total.get(rep, 0.0), factor * score)
        else:
            for person, factor in zip(persons, self._factors(persons, weights).tolist(), strict=True):
                for rep, score in zip(*self.known(person), strict=True):
                    total[rep] = total.get(rep, 0.0) + factor * score
        reps = sorted(rep for rep, score in total.items() if score > 0)
        return reps, [total[rep] for rep in reps]

    def _factors(self, persons: list[int], weights: FloatArray) -> FloatArray:
        damping = 1.0 - self.method.restart if isinstance(self.method, RandomWalk) else 0.0
        leave = weights / (self.strength[persons] + weights)
        visits = self.visits[persons]
        kept = leave / (1.0 + (visits - 1.0) * leave)
        back = np.zeros(len(persons)) if self.is_directed else weights / weights.sum()
        return np.asarray(damping * kept / (1.0 - damping**2 * float((kept * visits * back).sum())))

    def _strengths(self, weights: FloatArray) -> FloatArray:
        method = self.method
        if not isinstance(method, IntroductionPath) or method.transform == "identity":
            return np.minimum(weights, 1.0)
        if method.transform == "relative":
            return np.asarray(np.minimum(weights / max(self.largest, 1e-300), 1.0))
        return np.asarray(1.0 / (1.0 + method.half_weight / weights))

    def n_between(self, tied: Sequence[int], rep: int) -> int | None:
        """Count the people between a rep and a newcomer tied to these people, where it is 0 or 1."""
        if self.friends is None:
            return None
        known = self.friends[rep]
        return min((known[person] for person in tied if person in known), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Write the table as plain JSON types."""
        return {
            "labels": to_plain(self.labels.values.tolist(), "people"),
            "starts": self.starts.tolist(),
            "reps": self.reps.tolist(),
            "scores": self.scores.tolist(),
            "strength": self.strength.tolist(),
            "visits": self.visits.tolist(),
            "largest": self.largest,
            "method": {"kind": self.method.kind, **attrs.asdict(self.method)},
            "is_directed": self.is_directed,
            "friends": [[list(pair) for pair in sorted(near.items())] for near in self.friends or ()],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> People:
        """Read a table that :meth:`to_dict` wrote."""
        ids, _ = factorize(object_column(from_plain(document["labels"])))
        options = dict(document["method"])
        measure = RandomWalk if options.pop("kind") == RandomWalk.kind else IntroductionPath
        return cls(
            labels=Labels.of(ids),
            starts=np.array(document["starts"], dtype=np.int64),
            reps=np.array(document["reps"], dtype=np.int64),
            scores=np.array(document["scores"], dtype=np.float64),
            strength=np.array(document["strength"], dtype=np.float64),
            visits=np.array(document["visits"], dtype=np.float64),
            largest=float(document["largest"]),
            method=measure(**options),
            is_directed=bool(document["is_directed"]),
            friends=tuple(dict(map(tuple, near)) for near in document["friends"]) or None,
        )


def people_of(prox: Proximity, reps: Labels) -> People:
    """Make the table from a proximity of reps to people, each lead of it being one person."""
    method: object = prox.method
    if not isinstance(method, (RandomWalk, IntroductionPath)):
        hint = "measure people by RandomWalk or IntroductionPath"
        raise refuse("people", "new ties cannot be added to this measure", repr(method), hint=hint)
    if prox.through is not None:
        raise refuse("people", "is one of teams, which have no ties of their own", repr(prox))
    contacts = prox.contacts
    if (np.diff(contacts.starts) != 1).any() or (contacts.weight != 1).any():
        hint = "pass proximity(graph, reps, {'lead_id': graph.people})"
        raise refuse("people", "a lead of it is not one person", repr(prox), hint=hint)
    rep_of = np.array([reps.position(label) for label in prox.rep_labels.values.tolist()], dtype=np.int64)
    near = rep_of[prox.reps] if len(prox.reps) else np.empty(0, dtype=np.int64)
    kept = near >= 0
    starts = np.concatenate([[0], np.cumsum(kept)])[prox.starts].astype(np.int64)
    labels, order = _labels_of(prox)
    strength, visits, largest = _walks(prox)
    return People(
        labels=labels,
        starts=_starts(starts, order),
        reps=near[kept][_gather(starts, order)],
        scores=prox.scores[kept][_gather(starts, order)],
        strength=strength[order],
        visits=visits[order],
        largest=largest,
        method=method,
        is_directed=prox.graph.is_directed,
        friends=_friends(prox, reps, labels),
    )


def _labels_of(prox: Proximity) -> tuple[Labels, IntArray]:
    """Name the people by their ids in the graph, and say which lead stands for each; one lead a person."""
    person = prox.contacts.person
    known = prox.graph.labels
    names = [
        lead if at < 0 else known[at]
        for lead, at in zip(prox.lead_labels.values.tolist(), person.tolist(), strict=True)
    ]
    ids, _ = factorize(object_column(names))
    labels = Labels.of(ids)
    order = np.zeros(len(labels), dtype=np.int64)
    order[labels.codes(ids)[::-1]] = np.arange(len(names))[::-1]
    return labels, order


def _starts(starts: IntArray, order: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.diff(starts)[order])]).astype(np.int64)


def _gather(starts: IntArray, order: IntArray) -> IntArray:
    """List the entries of rows in another order."""
    size = np.diff(starts)[order]
    ends = np.cumsum(size)
    return np.asarray(
        np.repeat(starts[:-1][order] - (ends - size), size) + np.arange(int(ends[-1]) if len(ends) else 0),
        dtype=np.int64,
    )


def _walks(prox: Proximity) -> tuple[FloatArray, FloatArray, float]:
    """Measure each person's ties: their strength, the visits of a walk to its start, the largest weight."""
    matrix, person = prox.graph.adjacency, prox.contacts.person
    largest = float(matrix.data.max(initial=0.0))
    unit = math.ldexp(1.0, math.frexp(largest)[1] - 1)  # a power of two: no digit of a weight changes
    matrix = type(matrix)((matrix.data / unit, matrix.indices, matrix.indptr), shape=matrix.shape)
    out = np.asarray(matrix.sum(axis=1)).ravel()
    visits = np.ones(len(out))
    if isinstance(prox.method, RandomWalk) and matrix.nnz:
        share = 1.0 / np.where(out > 0, out, 1.0)
        both = matrix.multiply(matrix.T.tocsr()).tocsr()
        again = np.asarray(both @ share).ravel() * share
        visits = 1.0 / (1.0 - (1.0 - prox.method.restart) ** 2 * np.minimum(again, 1.0))
    strength = np.append(np.minimum(out, np.finfo(float).max / unit) * unit, 0.0)[person]
    return strength, np.append(visits, 1.0)[person], largest


def _friends(prox: Proximity, reps: Labels, labels: Labels) -> tuple[dict[int, int], ...]:
    """Say of each rep which people are 0 steps away (herself) and which 1 (those she knows)."""
    matrix, known = prox.graph.adjacency, prox.graph.labels
    place = {at: labels.position(known[at]) for at in prox.contacts.person.tolist() if at >= 0}
    answer: list[dict[int, int]] = []
    for label in reps.values.tolist():
        at = prox.rep_labels.position(label)
        person = int(prox.persons[at]) if at >= 0 else -1
        near: dict[int, int] = {}
        if person >= 0:
            friends = matrix.indices[matrix.indptr[person] : matrix.indptr[person + 1]].tolist()
            near = {place[friend]: 1 for friend in friends if friend in place}
            if person in place:
                near[place[person]] = 0
        answer.append(near)
    return tuple(answer)
