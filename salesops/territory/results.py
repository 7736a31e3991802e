"""What proximity answers: scores of the nearest reps, introductions, and explanations in words."""

from __future__ import annotations

import html
from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import count, refuse
from salesops._frames import Labels, id_column, to_plain
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.territory import _kernels
from salesops.territory._between import between
from salesops.territory._introductions import warmest_chains
from salesops.territory.graph import SocialGraph
from salesops.territory.inputs import find, labels_at
from salesops.territory.measures import IntroductionPath, Measure, document

__all__ = ["Explanation", "Introduction", "Proximity"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six")


@attrs.frozen(kw_only=True, repr=False)
class Explanation:
    """Why this one: facts, and the sentences that say them.

    Attributes
    ----------
    subject : str
        What is explained.
    facts : mapping
        Name to plain value.
    sentences : tuple of str
        The same in words.

    Examples
    --------
    >>> told = Explanation(subject="lead 'acme'", facts={"owner": "ann"}, sentences=("owned by rep 'ann'",))
    >>> told
    lead 'acme'
      owned by rep 'ann'
    >>> told.to_frame()
        fact value
    0  owner   ann
    >>> told.to_dict()["facts"]
    {'owner': 'ann'}
    """

    subject: str
    facts: Mapping[str, Any]
    sentences: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join((self.subject, *(f"  {sentence}" for sentence in self.sentences)))

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)
        return f"<div><h4>{html.escape(self.subject)}</h4>{words}</div>"

    def to_frame(self) -> pd.DataFrame:
        """Return the facts as a frame.

        Returns
        -------
        DataFrame
            ``fact``, ``value``.
        """
        return pd.DataFrame({"fact": list(self.facts), "value": list(self.facts.values())}, dtype=object)

    def to_dict(self) -> dict[str, Any]:
        """Return subject, facts and sentences as plain JSON types.

        Returns
        -------
        dict
        """
        facts = {
            name: value if value is None or isinstance(value, (str, int, float)) else show(value)
            for name, value in self.facts.items()
        }
        return {"subject": self.subject, "facts": facts, "sentences": list(self.sentences)}


@attrs.frozen(kw_only=True, repr=False)
class Introduction:
    """The warmest chain of ties from a rep to a lead.

    Attributes
    ----------
    rep_id, lead_id : hashable
    strength : float
        Product of the strengths of its ties, in (0, 1]; 0 if there is none.
    n_between : int or None
        How many people stand between the two; None if no chain leads there.
    people : tuple of hashable or None
        Everyone in order, from the rep's person to the lead's; None unless names were asked for.

    Examples
    --------
    >>> print(Introduction(rep_id="ann", lead_id="acme", strength=0.25, n_between=1))
    one contact
    """

    rep_id: Hashable
    lead_id: Hashable
    strength: float
    n_between: int | None
    people: tuple[Hashable, ...] | None = None

    def __repr__(self) -> str:
        return f"Introduction({self})"

    def __str__(self) -> str:
        if self.n_between is None:
            return "no introduction"
        if self.people is not None:
            return " → ".join(str(person) for person in self.people)
        if self.n_between == 0:
            return "a direct tie"
        return f"{_in_words(self.n_between)} contact{'s' if self.n_between > 1 else ''}"


def _apart(
    chains: list[tuple[float, float, tuple[int, ...]]],
) -> list[tuple[float, float, tuple[int, ...]]]:
    """Keep the first of those chains that share somebody in between."""
    kept, used = [], set[int]()
    for chain in chains:
        between = set(chain[2][1:-1])
        if not between & used:
            kept.append(chain)
            used |= between
    return kept


def _in_words(n: int) -> str:
    return _NUMBER_WORDS[n] if n < len(_NUMBER_WORDS) else str(n)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Contacts:
    """The people through whom each lead is reached, as in CSR; -1 is somebody outside the graph."""

    starts: IntArray
    person: IntArray
    weight: FloatArray


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Proximity:
    """How near each rep is to each lead, kept for the nearest reps of each lead.

    Made by :func:`proximity`. Only positive scores of the `top` best reps of a lead are kept. A pair that is
    not kept scores 0 where :attr:`floor` of the lead is 0, and at most that floor otherwise. Equal scores
    rank by the label of the rep.

    Attributes
    ----------
    rep_labels, lead_labels : Labels
        The reps and leads; their order, label order, is that of every array.
    starts, reps, scores : ndarray
        The kept pairs: those of lead ``k`` stand at ``starts[k]:starts[k + 1]``, best first, each with the
        position of the rep and the score.
    persons : ndarray of shape (n_reps,)
        The person of each rep in the graph; -1 for somebody without ties.
    contacts : Contacts
        The people through whom each lead is reached.
    method : Measure
        The measure, with its options.
    top : int
        How many reps were kept for each lead.
    error : ndarray of shape (n_reps,)
        Certified bound on the error of the rep's scores, summed over all people; in label order. 0 for
        measures in closed form, which are exact but for rounding; infinite for a sketch, which has none.
    floor : ndarray of shape (n_leads,)
        The most that a rep who is not kept can score; in label order.
    graph : SocialGraph
        Where the ties come from, for :meth:`path`.
    through : ndarray of shape (n_pairs,), or None
        The person who stands for the rep in each kept pair, where the reps are teams.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    >>> near = territory.proximity(graph, {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme"]})
    >>> near
    Proximity(2 reps, 1 lead, 2 pairs, random_walk)
    >>> near.to_frame().round(4)
      rep_id lead_id   score  rank
    0     bo    acme  0.2297     1
    1    ann    acme  0.1953     2
    >>> round(near.score("ann", "acme"), 4)
    0.1953
    >>> near.path("ann", "acme"), near.path("ann", "acme", names=True)
    (Introduction(one contact), Introduction(ann → bo → acme))
    >>> near.paths("ann", "acme", k=2, names=True)
    (Introduction(ann → bo → acme),)
    >>> near.explain("ann", "acme")
    rep 'ann' and lead 'acme'
      score 0.1953, rank 2 of 2 reps kept
      warmest introduction: one contact
    >>> near.to_dict()["rep"]
    [1, 0]
    """

    method: Measure
    top: int
    rep_labels: Labels
    lead_labels: Labels
    starts: IntArray
    reps: npt.NDArray[np.int32]
    scores: FloatArray
    floor: FloatArray
    error: FloatArray
    graph: SocialGraph
    persons: IntArray
    contacts: Contacts
    through: IntArray | None = None

    @property
    def n_reps(self) -> int:
        """How many reps were asked about."""
        return len(self.rep_labels)

    @property
    def n_leads(self) -> int:
        """How many leads were asked about."""
        return len(self.lead_labels)

    @property
    def n_pairs(self) -> int:
        """How many pairs are kept."""
        return len(self.scores)

    def _place(self, rep: Hashable, lead: Hashable) -> tuple[int, int, int]:
        """Find a pair: position of the rep, of the lead, and rank (-1 if the pair is not kept)."""
        r = find(self.rep_labels, rep, "rep", "reps")
        k = find(self.lead_labels, lead, "lead", "leads")
        among = self.reps[self.starts[k] : self.starts[k + 1]]
        hit = np.flatnonzero(among == r)
        return r, k, int(hit[0]) if len(hit) else -1

    def _person(self, rep: int, lead: int, rank: int) -> int:
        """Give the person who stands for a rep towards a lead; -1 is somebody outside the graph."""
        if self.through is None or rank < 0:
            return int(self.persons[rep])
        return int(self.through[self.starts[lead] + rank])

    def score(self, rep: Hashable, lead: Hashable) -> float:
        """Give the score of one pair; 0.0 if no chain of ties leads from one to the other.

        Parameters
        ----------
        rep, lead : hashable
            Their ids.

        Returns
        -------
        float

        Raises
        ------
        InvalidInput
            If an id is unknown, or the pair is not among those kept and its score not known to be 0.
        """
        _, k, rank = self._place(rep, lead)
        if rank >= 0:
            return float(self.scores[self.starts[k] + rank])
        if self.floor[k] > 0:
            fault = Problem(
                path="rep",
                message=f"is not among the {self.top} nearest reps of this lead",
                values=(show(rep), f"score at most {self.floor[k]:.6g}"),
                hint="pass a larger top= to proximity",
            )
            raise InvalidInput("rep: 1 problem", [fault])
        return 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return the kept pairs: ``rep_id``, ``lead_id``, ``score``, ``rank`` (1 is the nearest rep).

        Returns
        -------
        DataFrame
            Leads in label order, reps by rank.
        """
        lead = np.repeat(np.arange(self.n_leads), np.diff(self.starts))
        return pd.DataFrame(
            {
                "rep_id": id_column(self.rep_labels.values[self.reps]),
                "lead_id": id_column(self.lead_labels.values[lead]),
                "score": self.scores,
                "rank": np.arange(len(lead)) - self.starts[lead] + 1,
            }
        )

    def path(self, rep: Hashable, lead: Hashable, *, names: bool = False) -> Introduction:
        """Find the warmest introduction of a rep to a lead.

        Parameters
        ----------
        rep, lead : hashable
            Their ids.
        names : bool, default False
            True names the people in between, for callers who may see them. Otherwise only their number is
            told.

        Returns
        -------
        Introduction
            By the options of the measure if it is an :class:`IntroductionPath`, else by its defaults.
        """
        r, k, rank = self._place(rep, lead)
        start = self._person(r, k, rank)
        options = self.method if isinstance(self.method, IntroductionPath) else IntroductionPath()
        found = (0.0, 0.0, list[int]())
        for person, weight in self._contacts_of(k) if start >= 0 else ():
            part = self._between(start, person, options)
            if part is None:
                continue
            strength, people = part
            one, other = (int(np.searchsorted(people, end)) for end in (start, person))
            warmth, chain = _kernels.best_chain(strength, one, other, options.max_hops)
            if warmth * weight > found[0]:
                found = (float(warmth * weight), warmth, people[chain].tolist())
        _, warmth, chain = found
        named = tuple(self.graph.labels[p] for p in chain) if names and chain else None
        return Introduction(
            rep_id=self.rep_labels[r],
            lead_id=self.lead_labels[k],
            strength=warmth,
            n_between=max(len(chain) - 2, 0) if chain else None,
            people=named,
        )

    def _contacts_of(self, lead: int) -> list[tuple[int, float]]:
        """List the people through whom a lead is reached, and their weights."""
        own = slice(int(self.contacts.starts[lead]), int(self.contacts.starts[lead + 1]))
        both = zip(self.contacts.person[own].tolist(), self.contacts.weight[own].tolist(), strict=True)
        return [(person, weight) for person, weight in both if person >= 0]

    def _between(self, start: int, end: int, options: IntroductionPath) -> tuple[Any, IntArray] | None:
        """Cut out the strengths of the ties between two people, and say who they are."""
        ties = self.graph.adjacency
        part = between(ties, start, end, options.max_hops, is_directed=self.graph.is_directed)
        if part is None:
            return None
        largest = float(ties.data.max(initial=1e-300)) if options.transform == "relative" else None
        strength = _kernels.strengths(part[0], options.transform, options.half_weight, largest)
        return strength, part[1]

    def paths(
        self, rep: Hashable, lead: Hashable, *, k: int = 3, disjoint: bool = False, names: bool = False
    ) -> tuple[Introduction, ...]:
        """Find the k warmest introductions of a rep to a lead.

        Parameters
        ----------
        rep, lead : hashable
            Their ids.
        k : int, default 3
            How many to list at most.
        disjoint : bool, default False
            True lets nobody stand between in two of them, so that each is a second chance where the one
            before fails: each is the warmest without the people of those before it.
        names : bool, default False
            True names the people in between, for callers who may see them.

        Returns
        -------
        tuple of Introduction
            Warmest first, a contact's chain counting times the contact's weight; the first is that of
            :meth:`path`. By the options of the measure if it is an :class:`IntroductionPath`, else by its
            defaults.

        References
        ----------
        J. Y. Yen (1971), "Finding the K shortest loopless paths in a network".
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise refuse("k", "must be a whole number of 1 or more", k)
        r, position, rank = self._place(rep, lead)
        start = self._person(r, position, rank)
        options = self.method if isinstance(self.method, IntroductionPath) else IntroductionPath()
        if start < 0:
            return ()
        found: list[tuple[float, float, tuple[int, ...]]] = []
        for person, weight in self._contacts_of(position):
            part = self._between(start, person, options)
            if part is None:
                continue
            strength, people = part
            one, other = (int(np.searchsorted(people, end)) for end in (start, person))
            chains = warmest_chains(strength, one, other, k, max_hops=options.max_hops, disjoint=disjoint)
            found += [
                (warmth * weight, warmth, tuple(people[list(chain)].tolist())) for warmth, chain in chains
            ]
        found.sort(key=lambda one: (-one[0], len(one[2]), one[2]))
        if disjoint:
            found = _apart(found)
        return tuple(
            Introduction(
                rep_id=self.rep_labels[r],
                lead_id=self.lead_labels[position],
                strength=warmth,
                n_between=max(len(chain) - 2, 0),
                people=tuple(self.graph.labels[p] for p in chain) if names else None,
            )
            for _, warmth, chain in found[:k]
        )

    def explain(self, rep: Hashable, lead: Hashable, *, names: bool = False) -> Explanation:
        """Say how near a rep is to a lead, and why.

        Parameters
        ----------
        rep, lead : hashable
            Their ids.
        names : bool, default False
            True names the people of the introduction, for callers who may see them.

        Returns
        -------
        Explanation
        """
        _, k, rank = self._place(rep, lead)
        known = int(self.starts[k + 1] - self.starts[k])
        introduction = self.path(rep, lead, names=names)
        sentences = []
        if rank >= 0:
            score: float | None = float(self.scores[self.starts[k] + rank])
            sentences.append(
                f"score {_display.number(score or 0.0)}, rank {rank + 1} of {count(known, 'rep')} kept"
            )
        elif self.floor[k] > 0:
            score = None
            sentences.append(
                f"not among the {self.top} nearest reps; score at most {_display.number(self.floor[k])}"
            )
        else:
            score = 0.0
            sentences.append("score 0: no chain of ties leads from one to the other")
        sentences.append(f"warmest introduction: {introduction}")
        facts = {
            "score": score,
            "rank": rank + 1 if rank >= 0 else None,
            "n_between": introduction.n_between,
            "strength": introduction.strength,
            "method": self.method.kind,
        }
        return Explanation(
            subject=f"rep {show(rep)} and lead {show(lead)}", facts=facts, sentences=tuple(sentences)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return scores, floors and certified errors as plain JSON types; the graph by its digest.

        Returns
        -------
        dict
        """
        return {
            "kind": "proximity",
            "schema_version": 1,
            "salesops_version": __version__,
            "graph_digest": self.graph.digest,
            "method": document(self.method),
            "top": self.top,
            "reps": to_plain(self.rep_labels.values.tolist(), "reps"),
            "leads": to_plain(self.lead_labels.values.tolist(), "leads"),
            "starts": self.starts.tolist(),
            "rep": self.reps.tolist(),
            "score": self.scores.tolist(),
            "floor": self.floor.tolist(),
            "error": [bound if np.isfinite(bound) else None for bound in self.error.tolist()],
        }

    def __repr__(self) -> str:
        size = f"{count(self.n_reps, 'rep')}, {count(self.n_leads, 'lead')}, {count(self.n_pairs, 'pair')}"
        return f"Proximity({size}, {self.method.kind})"

    def _repr_html_(self) -> str:
        reached = int((np.diff(self.starts) > 0).sum())
        facts: dict[str, object] = {
            "measure": repr(self.method),
            "reps": f"{self.n_reps:,}",
            "leads": f"{self.n_leads:,}",
            "leads that some rep can reach": f"{reached:,}",
            "pairs kept": f"{self.n_pairs:,} (at most {self.top} for each lead)",
            "certified error": f"{self.error.max(initial=0.0):.1e}",
        }
        best = np.argsort(-self.scores, kind="stable")[:5]
        lead = np.searchsorted(self.starts, best, side="right") - 1
        frame = pd.DataFrame(
            {
                "rep_id": id_column(labels_at(self.rep_labels, self.reps[best])),
                "lead_id": id_column(labels_at(self.lead_labels, lead)),
                "score": self.scores[best],
            }
        )
        return _display.html_card("Social proximity", facts, [("nearest pairs", frame)])
