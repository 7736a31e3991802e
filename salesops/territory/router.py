"""Leads one by one: who gets this one, at prices that move with every decision."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, Self

import attrs
import pandas as pd

from salesops import _display
from salesops._faults import closest, count, raise_all, refuse
from salesops._frames import Labels, Reader, to_frame
from salesops._frames.ids import is_missing
from salesops.errors import InvalidInput, Problem, show
from salesops.territory import _snapshot
from salesops.territory._deciding import decide, near_of, of_row, told
from salesops.territory._desk import Asked, Desk, read_plain_lead
from salesops.territory._incoming import as_document, content, identity, read_lead
from salesops.territory._ledger import Entry, Ledger
from salesops.territory._newcomers import people_of
from salesops.territory._routing import (
    State,
    Terms,
    taken,
)
from salesops.territory.decision import Decision, Rest, Routing, settled
from salesops.territory.results import Introduction, Proximity

__all__ = ["Router"]

_FEW_SCORES = 250_000


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Router:
    """Gives leads that come one by one to reps, and keeps capacities and bands; made by ``plan.router()``.

    A router is a value: :meth:`route` answers and changes nothing, :meth:`commit` gives a new router in which
    the lead is counted. It may be shared by threads.

    Attributes
    ----------
    rep_labels : Labels
        The reps, in the order of every array.
    quantities : tuple of str
        "workload" and the balanced columns.
    n_committed : int
        How many leads were counted since the plan.
    tag : str
        Fingerprint of the plan and of all that was committed, in order.
    desk, terms, state, opening, ledger, first_tag, prox
        What it works with; made by ``plan.router()`` and :meth:`from_dict`, not by hand.

    Notes
    -----
    A lead goes to the rep whose score less price is greatest among those who have room for it. Prices start
    as the plan's. At every moment each rep's is raised or lowered so that what she has, plus what she takes
    of the rest of the stream at the plan's prices, less what the change turns away, ends inside her limits:
    dual averaging with a step in proportion to one over what is still to come. Frozen prices do not keep
    bands. Nothing is solved again while leads come: all prices follow from sums, in one pass over the reps.

    Capacity, and the upper end of each band, are never passed. The lower end is kept by prices that fall
    without limit as the stream runs out; where the leads that come are too few or too large for it, a rep can
    stay below. The bands are those of the end of the stream that is expected: before it, a rep may be above
    the band of the moment. From then on, and from the start with ``expected=0``, they are kept at every
    moment, around the fair share of what has come so far. Equal offers fall to the rep who comes first in
    label order.

    References
    ----------
    S. Agrawal, N. R. Devanur (2014), "Fast algorithms for online stochastic convex programming".
    S. R. Balseiro, H. Lu, V. Mirrokni (2020), "Dual mirror descent for online allocation problems".
    L. Xiao (2010), "Dual averaging methods for regularized stochastic learning and online optimization".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [2, 2]}, {"lead_id": ["acme", "bolt"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> router = territory.assign(reps, leads, near).router(people=near)
    >>> router
    Router(2 reps, 0 leads committed)
    >>> decision = router.route({"lead_id": "cargo", "value": 2, "ties": {"acme": 1, "bolt": 3}})
    >>> decision
    Decision(lead 'cargo' to rep 'bo', closest)
    >>> router = router.commit(decision)
    >>> router.decision("cargo") == decision
    True
    >>> router.route_many({"lead_id": ["dart"], "candidates": [{"bo": 0.5}]}).to_frame()[["rep_id", "reason"]]
      rep_id        reason
    0    ann          cold
    >>> router.loads()
      rep_id  load  capacity
    0    ann   1.0       2.0
    1     bo   2.0       2.0
    >>> print(router.explain("cargo").sentences[0])
    goes to rep 'bo', score 0.5471
    >>> str(router.introduction(router.route({"lead_id": "eve", "person_id": "acme"})))
    'a direct tie'
    >>> again = territory.Router.from_dict(router.to_dict())
    >>> again.tag == router.tag
    True
    """

    rep_labels: Labels
    quantities: tuple[str, ...]
    n_committed: int
    tag: str
    _desk: Desk
    _terms: Terms
    _state: State
    _opening: State
    _ledger: Ledger
    _first_tag: str
    _prox: Proximity | None = None
    _rest: Rest = attrs.field(init=False)

    @_rest.default
    def _told(self) -> Rest:
        return partial(told, self._desk, self._terms, self._state, self.tag)

    def route(self, lead: object) -> Decision:
        """Decide who gets a lead; nothing is counted yet.

        Parameters
        ----------
        lead : mapping, models.Lead, or JSON text
            ``lead_id``; ``value`` and ``workload`` (0 or more, default 1) and every other balanced column;
            ``requires`` (skills); and who is near, in one of three ways: ``candidates`` (rep to proximity, or
            to score if the router was made so), ``ties`` (person to weight: the ties of somebody new),
            ``person_id`` (somebody known; without it the lead's own id). Candidates and ties may be rows,
            ``[{"rep_id": 7, "proximity": 0.2}]``, for ids that JSON cannot use as keys.

        Returns
        -------
        Decision
            With `rep_id` None and the reason where nobody may have the lead. A lead that is already counted
            gets the decision that was made. The router knows the leads it has counted, not those of the plan:
            a lead that the plan gave to somebody is a new one here, so ask ``plan.explain(lead)`` first where
            one may come again.

        Raises
        ------
        InvalidInput
            With every fault of the lead; also if a lead of this id is counted with other content.
        """
        asked = read_plain_lead(lead, self._desk) if type(lead) is dict else None
        if asked is None:
            asked = read_lead(as_document(lead), self._desk)
        entry = self._ledger.get(asked.key)
        if entry is not None:
            return self._again(entry, asked)
        return decide(self._desk, self._terms, self._state, asked, self._rest)

    def _again(self, entry: Entry, asked: Asked) -> Decision:
        """Give the decision that was made, if the lead is what it was."""
        was = entry.content or self._content(entry)
        now = content(asked, self._desk)
        faults = [
            Problem(
                path=f"$.{_field(name, asked)}",
                message="differs from what was committed under this id",
                ids=(show(asked.lead_id),),
                values=() if name == "near" else (show(now[name]), f"committed {show(was[name])}"),
                hint="a changed lead needs an id of its own",
            )
            for name in now
            if now[name] != was[name]
        ]
        raise_all("lead", faults)
        return entry.decision

    def _content(self, entry: Entry) -> dict[str, Any]:
        return content(entry.decision._asked, self._desk)  # noqa: SLF001  (a field of our own)

    def commit(self, decision: Decision) -> Router:
        """Count a decision.

        Parameters
        ----------
        decision : Decision
            From :meth:`route` of this very router.

        Returns
        -------
        Router
            A new one. Committing what is already counted gives this router itself.

        Raises
        ------
        InvalidInput
            If the decision was made by another state of the router: route the lead again, and commit that.
        """
        asked = decision._asked if isinstance(decision, Decision) else None  # noqa: SLF001  (our own field)
        if asked is None:
            said = "is no decision made by route()"
            raise refuse("decision", said, decision, hint="commit what route() answered")
        entry = self._ledger.get(asked.key)
        if entry is not None:
            self._again(entry, asked)
            return self
        if decision.router_tag != self.tag:
            fault = Problem(
                path="decision",
                message="was made by another state of the router",
                ids=(show(decision.lead_id),),
                values=(f"tag {decision.router_tag}, this router has {self.tag}",),
                hint="route the lead again and commit that decision",
            )
            raise InvalidInput("commit: 1 problem", [fault])
        rep = -1 if decision.rep_id is None else self.rep_labels.position(decision.rep_id)
        return self._with(asked.key, Entry(self.n_committed, settled(decision), asked.use, None), rep)

    def _with(self, key: Hashable, entry: Entry, rep: int) -> Router:
        """Count one lead more. One that could not be owned at all adds nothing to fair shares."""
        counts = rep >= 0 or entry.decision.reason == "capacity"
        text = f"{self.tag} {key!r} {rep} {entry.use!r}".encode("utf-8", "backslashreplace")
        return Router(
            rep_labels=self.rep_labels,
            quantities=self.quantities,
            n_committed=self.n_committed + 1,
            tag=hashlib.blake2b(text, digest_size=8).hexdigest(),
            desk=self._desk,
            terms=self._terms,
            state=taken(self._terms, self._state, rep, entry.use) if counts else self._state,
            opening=self._opening,
            ledger=self._ledger.including(key, entry),
            first_tag=self._first_tag,
            prox=self._prox,
        )

    def route_many(
        self, leads: object, *, candidates: object = None, columns: Mapping[str, str] | None = None
    ) -> Routing:
        """Route and commit a table of leads, one after the other, in the order of its rows.

        Parameters
        ----------
        leads : table
            The fields of :meth:`route` as columns; other columns pass through.
        candidates : table, optional
            ``lead_id``, ``rep_id`` and ``proximity`` (``score`` if the router was made so): who is near.
        columns : mapping, optional
            ``{"name in your table": "name above"}``, for the table of leads.

        Returns
        -------
        Routing
            With the new router. Rows in are rows routed plus rows rejected with a reason.

        Raises
        ------
        InvalidInput
            If a table lacks a column or the candidates name leads that are not there. A faulty row is
            rejected, not raised.
        """
        table = to_frame(leads, "leads", columns=columns)
        faults: list[Problem] = []
        reader = Reader(table, "leads", key=("lead_id",), faults=faults)
        ids = reader.ids("lead_id")
        labels = Labels.of(ids)
        near = None if candidates is None else near_of(candidates, labels, faults)
        raise_all(
            "route_many", [fault for fault in faults if fault.path != "leads.lead_id" or not fault.rows]
        )
        fields = [name for name in table.columns if name in self._desk.fields]
        cells = [table[name].tolist() for name in fields]
        router, decisions, kept, rejected = self, [], [], []
        amounts = {"value", *self.quantities}
        for row, label in enumerate(reader.rows):
            document = {
                name: cell[row]
                for name, cell in zip(fields, cells, strict=True)
                if name in amounts or not is_missing(cell[row])
            }
            code = int(labels.codes(ids)[row]) if near is not None else -1
            if near is not None and code >= 0 and "candidates" not in document:
                document["candidates"] = near.get(code, [])
            try:
                decision = router.route(document)
                router = router.commit(decision)
            except InvalidInput as error:
                rejected += [of_row(fault, label) for fault in error.problems]
                continue
            decisions.append(decision)
            kept.append(row)
        return Routing(
            router=router,
            decisions=tuple(decisions),
            table=table.iloc[kept],
            faults=tuple(rejected),
            n_rows=len(table),
        )

    def decision(self, lead: Hashable) -> Decision:
        """Give the decision on a lead that is counted.

        Parameters
        ----------
        lead : hashable
            Its id.

        Returns
        -------
        Decision

        Raises
        ------
        InvalidInput
            If no lead of this id is counted.
        """
        _, key = identity(lead, "lead", [])
        entry = self._ledger.get(key)
        if entry is None:
            known = [known.decision.lead_id for known in self._ledger]
            fault = Problem(
                path="lead",
                message="is not among the committed leads",
                values=(show(lead),),
                suggestions=closest(lead, known),
            )
            raise InvalidInput("lead: 1 problem", [fault])
        return entry.decision

    def explain(self, lead: Hashable) -> Any:
        """Say why a lead that is counted went where it went.

        Parameters
        ----------
        lead : hashable
            Its id.

        Returns
        -------
        Explanation
        """
        return self.decision(lead).explain()

    def introduction(self, decision: Decision, *, names: bool = False) -> Introduction | None:
        """Find the warmest introduction of the owner to a lead who is somebody known.

        Parameters
        ----------
        decision : Decision
            On a lead that came with a ``person_id``.
        names : bool, default False
            True names the people in between, for callers who may see them.

        Returns
        -------
        Introduction or None
            None where the router has no graph (a router read from a snapshot has none), the lead has no
            owner, or it is not somebody in the graph.
        """
        asked = decision._asked  # noqa: SLF001  (a field of our own)
        if self._prox is None or asked is None or decision.rep_id is None or asked.source != "person_id":
            return None
        if self._prox.lead_labels.position(asked.near) < 0:
            return None
        return self._prox.path(decision.rep_id, asked.near, names=names)

    def to_frame(self) -> pd.DataFrame:
        """Return the leads that are counted, in order.

        Returns
        -------
        DataFrame
            ``lead_id``, ``rep_id``, ``score``, ``price``, ``reason``.
        """
        table = pd.DataFrame(index=pd.RangeIndex(self.n_committed))
        told = tuple(entry.decision for entry in self._ledger)
        return Routing(router=self, decisions=told, table=table, faults=(), n_rows=len(told)).to_frame()

    def loads(self) -> pd.DataFrame:
        """Say what each rep has, plan and stream together, and where her limits stand now.

        Returns
        -------
        DataFrame
            ``rep_id``, ``load``, ``capacity``; then for every balanced quantity its total, ``<name>_min`` and
            ``<name>_max``, around the fair share of what has come so far. In label order.
        """
        return _snapshot.loads(self.rep_labels, self.quantities, self._terms, self._state)

    def prices(self) -> pd.DataFrame:
        """Say what a unit of each quantity costs at each rep now, in the unit of the score.

        Returns
        -------
        DataFrame
            ``rep_id`` and a column for each quantity; negative where the lower end of a band binds.

        Examples
        --------
        >>> from salesops import territory
        >>> pairs = {"rep_id": ["ann"], "lead_id": ["acme"], "score": [1]}
        >>> plan = territory.assign({"rep_id": ["ann"], "capacity": [9]}, {"lead_id": ["acme"]}, score=pairs)
        >>> plan.router().prices()
          rep_id  workload
        0    ann       0.0
        """
        return _snapshot.prices(self.rep_labels, self.quantities, self._state)

    def to_dict(self, *, people: bool | None = None) -> dict[str, Any]:
        """Return the router as plain JSON types: what it needs to go on, and no graph.

        Parameters
        ----------
        people : bool, optional
            Whether to include the table of people, without which a router that is read again knows nobody,
            so that leads must bring candidates. Default: if it holds at most 250,000 scores (about 5 MB).

        Returns
        -------
        dict
            With a ``digest`` of the rest.
        """
        table = self._desk.people
        if people is None:
            people = table is not None and len(table.scores) <= _FEW_SCORES
        committed = [
            (entry.decision, entry.use, entry.content or self._content(entry)) for entry in self._ledger
        ]
        return _snapshot.write(
            self._desk,
            self._terms,
            self._opening,
            committed,
            tags=(self._first_tag, self.tag),
            people=people,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, people: Proximity | None = None) -> Self:
        """Read a router that :meth:`to_dict` wrote.

        Parameters
        ----------
        document : mapping
        people : Proximity, optional
            The people whom ``ties`` and ``person_id`` may name, where the document has none.

        Returns
        -------
        Router
            It answers exactly as the one that was written.

        Raises
        ------
        InvalidInput
            If the document is not such a router, or was altered.
        """
        read = _snapshot.read(document)
        table = read.people
        if people is not None:
            table = people_of(check_people(people), read.reps)
        desk = Desk.of(read.reps, read.quantities, is_score=read.is_score, skills=read.skills, people=table)
        router = opened(cls, desk, read.terms, read.opening, tag=read.tag, prox=people)
        for decision, use, known in read.committed:
            _, key = identity(decision.lead_id, "$.committed", [])
            entry = Entry(router.n_committed, decision, use, known)
            rep = -1 if decision.rep_id is None else read.reps.position(decision.rep_id)
            router = router._with(key, entry, rep)  # noqa: SLF001  (a method of this class)
        if router.tag != read.last_tag:
            raise refuse("$.tag", "does not fit what is committed", read.last_tag)
        return router  # type: ignore[no-any-return]  # opened() makes one of this class

    def __repr__(self) -> str:
        return f"Router({count(len(self.rep_labels), 'rep')}, {count(self.n_committed, 'lead')} committed)"

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {
            "reps": f"{len(self.rep_labels):,}",
            "leads committed since the plan": f"{self.n_committed:,}",
            "tag": self.tag,
        }
        return _display.html_card("Router", facts, [("reps", self.loads())])


def opened(
    cls: type[Any], desk: Desk, terms: Terms, opening: State, *, tag: str, prox: Proximity | None
) -> Any:
    """Make a router that has counted nothing yet."""
    return cls(
        rep_labels=desk.reps,
        quantities=desk.quantities,
        n_committed=0,
        tag=tag,
        desk=desk,
        terms=terms,
        state=opening,
        opening=opening,
        ledger=Ledger(),
        first_tag=tag,
        prox=prox,
    )


def check_people(people: object) -> Proximity:
    """Refuse what is not a proximity."""
    if not isinstance(people, Proximity):
        raise refuse("people", "is not the result of proximity()", type(people).__name__)
    return people


def _field(name: str, asked: Asked) -> str:
    return (asked.source or "candidates") if name == "near" else name
