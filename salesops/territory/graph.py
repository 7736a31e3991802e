"""Who knows whom: a frozen social graph, from ties, interactions, memberships, layers or networkx."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs
import numpy as np

from salesops._calendar import day_of
from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import read_networkx
from salesops.errors import Problem
from salesops.territory._answers import with_answers
from salesops.territory._interactions import HalfLife, Reciprocity, read_interactions
from salesops.territory._layers import join
from salesops.territory._memberships import read_memberships
from salesops.territory._networkx import edge_attributes
from salesops.territory._privacy import known_on, pseudonymised, without
from salesops.territory._stored import StoredGraph
from salesops.territory._ties import read_ties

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SocialGraph"]

Combine = Literal["sum", "max", "mean", "min", "latest"]


@attrs.frozen(kw_only=True, repr=False, hash=False)
class SocialGraph(StoredGraph):
    """People and the strength of their ties, as a sparse matrix and an index of people.

    Make one with :meth:`from_ties`, :meth:`from_interactions`, :meth:`from_memberships`,
    :meth:`from_networkx`, or from several by :meth:`union`. Every tie that counts has a positive finite
    weight; an undirected tie lets an introduction go both ways. People keep the id they were given, of any
    hashable kind, and 1, 1.0, True and "1" are never the same person.

    A tie may also have a kind, a provenance, the day it was last observed, the basis of consent, the day on
    which it expires, and a status: observed, confirmed or denied. Denied ties are remembered and do not
    count. Nothing looks at a clock: what expires, expires by an ``as_of`` that is given.

    Attributes
    ----------
    labels : Labels
        The index of people: label to position and back.
    starts, targets, weights : ndarray
        Ties that count as in a compressed sparse row matrix, an undirected one both ways.
    is_directed : bool
        True if a tie leads only from its source to its target.
    record : Record or None
        Every tie that is known, counted or not, with its attributes; None if no tie has any.
    notes : tuple of Note
        The report, and whom it is about.
    standing : ndarray of bool
        Who belongs to the graph even without a tie.
    report : tuple of Problem
        What was set aside while reading, and why: self ties, ties of weight 0, ties without consent.

    Examples
    --------
    >>> from salesops.territory import SocialGraph
    >>> graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "cy"], "weight": [2, 1]})
    >>> graph
    SocialGraph(3 people, 2 ties)
    >>> graph.to_frame()
      source target  weight
    0    ann     bo     2.0
    1     bo     cy     1.0
    """

    @classmethod
    def from_ties(
        cls,
        ties: object,
        *,
        columns: Mapping[str, str] | None = None,
        combine: Combine | None = None,
        directed: bool = False,
        as_of: object = None,
        zone: str | None = None,
    ) -> Self:
        """Make a graph from a table of ties.

        A self tie changes nothing and a weight of 0 is no tie; both are set aside and reported. So is a tie
        whose consent is withheld or, given `as_of`, has expired; someone known only through such ties is not
        in the graph, and the report counts them without saying whose they were.

        Parameters
        ----------
        ties : table
            Columns ``source``, ``target`` (ids of any hashable kind), and optionally ``weight`` (0 or more,
            default 1), ``kind``, ``provenance`` (text), ``observed_on``, ``expires_on`` (days; the latter is
            the first day on which the tie must not count), ``consent`` (True, False, "withheld", "withdrawn",
            or its basis: "consent", "contract", "legal_obligation", "vital_interests", "public_task",
            "legitimate_interests"; default True) and ``status`` ("observed", the default, "confirmed" or
            "denied").
        columns : mapping, optional
            ``{"name in your table": "name above"}``.
        combine : {"sum", "max", "mean", "min", "latest"}, optional
            What to do with a tie that stands in several rows. Without a rule that is a fault. The two
            directions of an undirected tie are the same tie; ties of different kinds are different ones, and
            their weights add up. What else is known of a combined tie comes from the row observed last, but
            it expires with the first of its rows and is denied if any of them is; by "latest" the last row
            holds in everything.
        directed : bool, default False
            True reads each row as a tie from source to target only.
        as_of : date or ISO text, optional
            The day as of which the graph is wanted: ties that have expired by then are set aside, and a row
            observed after it is a fault. Without it nothing expires until :meth:`as_of` is asked.
        zone : str, optional
            Business time zone, in which times with an offset become days.

        Returns
        -------
        SocialGraph

        Raises
        ------
        InvalidInput
            With every fault of the table: missing or mixed ids, weights that are no finite numbers of 0 or
            more, repeated ties without a rule, ties confirmed and denied at once.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> rows = [
        ...     {"source": "ann", "target": "bo", "weight": 1},
        ...     {"source": "bo", "target": "ann", "weight": 4},
        ... ]
        >>> SocialGraph.from_ties(rows, combine="max").to_frame()
          source target  weight
        0    ann     bo     4.0
        """
        if combine is not None:
            check_choice("combine", combine, ("sum", "max", "mean", "min", "latest"))
        day = None if as_of is None else day_of("as_of", as_of)
        return cls._of(
            read_ties(ties, "ties", columns=columns, combine=combine, directed=directed, as_of=day, zone=zone)
        )

    @classmethod
    def from_interactions(
        cls,
        interactions: object,
        *,
        as_of: object,
        half_life: HalfLife | Mapping[str, HalfLife] = "180D",
        reciprocity: Reciprocity | Mapping[str, Reciprocity] = "sum",
        kind_weights: Mapping[str, float] | None = None,
        directed: bool = False,
        zone: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        r"""Make a graph from dated mails, calls or meetings: the more of them and the fresher, the stronger.

        Parameters
        ----------
        interactions : table
            Columns ``source``, ``target`` (ids), ``at`` (a day or time), and optionally ``kind``, ``weight``
            (0 or more, default 1; a mail to 20 people may weigh 1/20 for each), ``provenance``, ``consent``
            and ``expires_on`` as in :meth:`from_ties`.
        as_of : date or ISO text
            The day at whose end the ties are wanted. A row dated later is a fault.
        half_life : str, Timedelta or mapping, default "180D"
            After how long an interaction counts half: "180D", "26W", "1Y" (365.25 days); or one for each
            kind, ``{"mail": "90D", "meeting": "1Y"}``. One day or more.
        reciprocity : {"sum", "weaker", "geometric"}, number or mapping, default "sum"
            How the two directions of an undirected tie combine, for all kinds or for each. With a and b what
            either side has sent: "sum" is a + b, so one-way contact counts in full; "weaker" is 2 min(a, b)
            and "geometric" is 2 √(ab), so one-way contact does not count; a number r between 0 and 1 is
            2 min(a, b) + r abs(a - b), so what one side sends in excess counts by the share r.
        kind_weights : mapping, optional
            ``{"mail": 1, "meeting": 5}``: what one interaction of each kind is worth.
        directed : bool, default False
            True makes a tie from source to target of each direction.
        zone : str, optional
            Business time zone, in which times with an offset become days.
        columns : mapping, optional
            ``{"name in your table": "name above"}``.

        Returns
        -------
        SocialGraph
            Two people have one tie for each kind of interaction, observed on the day of the last one.

        Raises
        ------
        InvalidInput
            With every fault of the table, among them rows dated after `as_of`, times with and without an
            offset in one column, and kinds that an option for each kind does not name.

        Notes
        -----
        What i has sent to j weighs :math:`a = \sum w\, 2^{-\text{age}/\text{half-life}}`, with ages in whole
        days up to `as_of`.

        References
        ----------
        M. Roth et al. (2010), "Suggesting friends using the implicit social graph".

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> mails = {"source": ["ann", "bo"], "target": ["bo", "ann"], "at": ["2024-01-01", "2024-06-29"]}
        >>> SocialGraph.from_interactions(mails, as_of="2024-06-29").to_frame()
          source target  weight observed_on
        0    ann     bo     1.5  2024-06-29
        """
        return cls._of(
            read_interactions(
                interactions,
                as_of=as_of,
                half_life=half_life,
                reciprocity=reciprocity,
                kind_weights=kind_weights,
                directed=directed,
                zone=zone,
                columns=columns,
            )
        )

    @classmethod
    def from_memberships(
        cls,
        memberships: object,
        *,
        largest_group: int = 1000,
        larger: Literal["refuse", "set_aside"] = "refuse",
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Make a graph from shared employers, schools or boards: the smaller the group, the stronger the tie.

        Parameters
        ----------
        memberships : table
            Columns ``person``, ``group`` (ids of any hashable kind), and optionally ``weight`` (0 or more,
            default 1) and ``consent``. A group of k ties each two of its members by 1/(k-1), times the
            geometric mean of their weights; groups that two people share add up.
        largest_group : int, default 1000
            A group of k makes k(k-1)/2 ties, so one with more members than this is not read.
        larger : {"refuse", "set_aside"}, default "refuse"
            What becomes of larger groups: a fault that names them, or a note in the report. Their members
            stay in the graph.
        columns : mapping, optional
            ``{"name in your table": "name above"}``.

        Returns
        -------
        SocialGraph
            With everyone in it, also who shares no group.

        Raises
        ------
        InvalidInput
            With every fault of the table, among them a membership that stands twice, and groups that would
            make more pairs than fit in memory.

        Notes
        -----
        The graph does not keep the groups: :meth:`forget` takes a person out and leaves the ties of the
        others as they are.

        References
        ----------
        M. E. J. Newman (2001), "Scientific collaboration networks. II. Shortest paths, weighted networks, and
        centrality".

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> board = {"person": ["ann", "bo", "cy", "cy", "di"], "group": ["x", "x", "x", "y", "y"]}
        >>> SocialGraph.from_memberships(board).to_frame()
          source target  weight
        0    ann     bo     0.5
        1    ann     cy     0.5
        2     bo     cy     0.5
        3     cy     di     1.0
        """
        return cls._of(
            read_memberships(memberships, largest_group=largest_group, larger=larger, columns=columns)
        )

    @classmethod
    def from_networkx(
        cls,
        graph: nx.Graph[Any],
        *,
        weight: str | None = "weight",
        combine: Combine | None = None,
        directed: bool = False,
        attributes: bool = True,
    ) -> Self:
        """Make a graph from any networkx graph, which is not touched.

        Parameters
        ----------
        graph : networkx.Graph
            Parallel edges of a MultiGraph need `combine` unless they differ in ``kind``; a DiGraph needs
            ``directed=True``.
        weight : str or None, default "weight"
            Edge attribute that holds the strength. If no edge has it, or None is given, every tie weighs 1;
            if only some have it, the others are a fault.
        combine : {"sum", "max", "mean", "min", "latest"}, optional
            What to do with parallel edges, as in :meth:`from_ties`.
        directed : bool, default False
            True reads each arc as a tie from its first node to its second only. It must say what the graph
            is: a direction is neither dropped nor invented in silence.
        attributes : bool, default True
            False ignores the edge attributes ``kind``, ``provenance``, ``observed_on``, ``consent``,
            ``expires_on`` and ``status``, which otherwise mean what they mean in :meth:`from_ties`.

        Returns
        -------
        SocialGraph
            Nodes without edges stay in it.

        Raises
        ------
        InvalidInput
            If the graph is directed and `directed` does not say so, or its ties are faulty.

        Examples
        --------
        >>> import networkx as nx
        >>> from salesops.territory import SocialGraph
        >>> SocialGraph.from_networkx(nx.path_graph(4))
        SocialGraph(4 people, 3 ties)
        """
        if combine is not None:
            check_choice("combine", combine, ("sum", "max", "mean", "min", "latest"))
        people, edges = read_networkx(graph, weight)
        if graph.is_directed() != directed:
            kind = "a directed graph" if graph.is_directed() else "an undirected graph"
            hint = (
                "pass directed=True to let a tie lead from its source to its target only, "
                "or graph.to_undirected() if every tie holds both ways"
                if graph.is_directed()
                else "leave directed=False, or pass graph.to_directed()"
            )
            fault = Problem(path="directed", message="contradicts the graph", values=(kind,), hint=hint)
            raise_all("graph", [fault])
        known = edge_attributes(graph) if attributes else {}
        return cls._of(
            read_ties(
                {**known, **edges}, "graph", columns=None, combine=combine, directed=directed, others=people
            )
        )

    @classmethod
    def union(cls, layers: Mapping[str, SocialGraph], *, weights: Mapping[str, float] | None = None) -> Self:
        """Lay several graphs over each other; weights of the same two people add up.

        Parameters
        ----------
        layers : mapping of str to SocialGraph
            ``{"mail": mails, "board": boards}``, all directed or all undirected. Every tie keeps the name of
            its layer as its kind, or "layer/kind" if it had one.
        weights : mapping, optional
            ``{"board": 0.5}``: by what to multiply the weights of a layer, above 0; 1 for the others.

        Returns
        -------
        SocialGraph
            With the people, ties and reports of all layers.

        Raises
        ------
        InvalidInput
            If a person of one layer equals one of another but for the type of the id (101 and "101", 1 and
            1.0), some layers are directed and some are not, or a weight is for no layer.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> mails = SocialGraph.from_ties({"source": ["ann"], "target": ["bo"], "weight": [3]})
        >>> boards = SocialGraph.from_memberships({"person": ["ann", "bo"], "group": ["x", "x"]})
        >>> both = SocialGraph.union({"mail": mails, "board": boards}, weights={"board": 0.5})
        >>> both
        SocialGraph(2 people, 1 tie)
        >>> both.to_frame()
          source target  weight   kind
        0    ann     bo     0.5  board
        1    ann     bo     3.0   mail
        """
        return cls._of(join(layers, weights, StoredGraph))

    def reviewed(
        self,
        answers: object,
        *,
        weight: float = 1.0,
        add_people: bool = False,
        zone: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Take the answers of a review in: ties are confirmed, denied, weighed anew or added.

        Parameters
        ----------
        answers : table
            Columns ``source`` and ``target`` (or ``rep_id`` and ``lead_id``, if people have the ids of reps
            and leads), ``answer`` ("confirmed", "denied"; "unsure" or empty changes nothing), and optionally
            ``weight`` (above 0, the new weight of a confirmed tie), ``by`` (text, who says so) and ``on``
            (the day). The frame of :func:`salesops.territory.review` fits once it is filled in.
        weight : float, default 1.0
            Of a confirmed tie that the graph did not have, where the answer does not say.
        add_people : bool, default False
            True lets confirmed or denied ties bring in people whom the graph does not have.
        zone : str, optional
            Business time zone, in which times with an offset become days.
        columns : mapping, optional
            ``{"name in your table": "name above"}``.

        Returns
        -------
        SocialGraph
            Ties that were answered have the status "confirmed" or "denied", and as provenance ``by`` or
            "review". A confirmed tie keeps its weight unless the answer gives one; if it has several kinds,
            they share the new weight in proportion. A denied tie does not count and is remembered; a later
            confirmation restores it.

        Raises
        ------
        InvalidInput
            With every fault of the table: unknown answers or people, and pairs that are both confirmed and
            denied, or given two weights. Where answers for a pair are dated, the last one holds.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "cy"]})
        >>> answers = {"source": ["ann", "ann"], "target": ["bo", "cy"], "answer": ["denied", "confirmed"]}
        >>> graph.reviewed(answers).to_frame()
          source target  weight provenance     status
        0    ann     bo     1.0     review     denied
        1    ann     cy     1.0     review  confirmed
        2     bo     cy     1.0        NaN   observed
        """
        if (
            isinstance(weight, bool)
            or not isinstance(weight, (int, float, np.number))
            or not (0 < weight < math.inf)
        ):
            raise refuse("weight", "must be a finite number above 0", weight)
        if not isinstance(add_people, bool):
            raise refuse("add_people", "is True or False", add_people)
        return self._of(
            with_answers(
                self._listed(),
                answers,
                weight=float(weight),
                add_people=add_people,
                zone=zone,
                columns=columns,
            )
        )

    def as_of(self, day: object) -> Self:
        """Leave out the ties that must not or cannot count on a day.

        Parameters
        ----------
        day : date or ISO text

        Returns
        -------
        SocialGraph
            Without ties whose ``expires_on`` is that day or earlier, without ties last observed after it, and
            without people who were known only through these. The report counts them.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> rows = {"source": ["ann", "bo"], "target": ["bo", "cy"], "expires_on": ["2024-06-01", None]}
        >>> SocialGraph.from_ties(rows).as_of("2024-06-01").to_frame()
          source target  weight
        0     bo     cy     1.0
        """
        return self._of(known_on(self._listed(), day_of("day", day)))

    def forget(self, person: Hashable) -> Self:
        """Leave a person out, as if the rows that name the person had never been there.

        Parameters
        ----------
        person : hashable
            The id, of its own type.

        Returns
        -------
        SocialGraph
            Equal in people, ties, digest and report to the graph made from the rows without that person; so
            others go too who were known only through the person. Rows in the report keep their labels.
            Counts of ties without consent stay as they are, since nobody knows whose they were; so do
            weights of memberships, see :meth:`from_memberships`.

        Raises
        ------
        InvalidInput
            If nobody has this id.

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann", "bo", "di"], "target": ["bo", "cy", "ann"]})
        >>> graph.forget("ann") == SocialGraph.from_ties({"source": ["bo"], "target": ["cy"]})
        True
        """
        return self._of(without(self._listed(), person))

    def pseudonymised(self, *, key: str | bytes) -> Self:
        """Put a keyed hash in the place of every id; the structure stays.

        Parameters
        ----------
        key : str or bytes
            The secret. The same id and key always give the same pseudonym, so graphs with the same key can be
            joined; without the key nobody can tell whether an id is among them. Take 16 random bytes or more.

        Returns
        -------
        SocialGraph
            Its people are 32 hexadecimal digits each. Provenance is dropped, since it may name people, and so
            are ids and names of rows in the report.

        Raises
        ------
        InvalidInput
            If the key is empty, or an id cannot be written as JSON.

        Notes
        -----
        HMAC with SHA-256 over the type and value of the id, cut to 128 bits. The structure alone may give
        people away: a pseudonymised graph is still personal data.

        References
        ----------
        H. Krawczyk, M. Bellare, R. Canetti (1997), "HMAC: Keyed-Hashing for Message Authentication".
        L. Backstrom, C. Dwork, J. Kleinberg (2007), "Wherefore art thou R3579X? Anonymized social networks,
        hidden patterns, and structural steganography".

        Examples
        --------
        >>> from salesops.territory import SocialGraph
        >>> graph = SocialGraph.from_ties({"source": ["ann"], "target": ["bo"]})
        >>> hidden = graph.pseudonymised(key="a secret of the company")
        >>> hidden, "ann" in hidden.people.tolist()
        (SocialGraph(2 people, 1 tie), False)
        """
        return self._of(pseudonymised(self._listed(), key))
