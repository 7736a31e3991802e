"""What each rep is asked before anything is decided: whether a tie is real, and how strong it is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import pandas as pd

from salesops import _display
from salesops._faults import count, refuse
from salesops._frames import Labels, jsonable
from salesops._version import __version__
from salesops.errors import show
from salesops.territory._questions import people_of, questions
from salesops.territory.graph import SocialGraph
from salesops.territory.inputs import column_of, find, tables
from salesops.territory.measures import IntroductionPath
from salesops.territory.proximity import proximity
from salesops.territory.results import Explanation

__all__ = ["ReviewSheet", "review"]

_ROWS = 20
_SHOWN = ("lead_id", "path", "strength", "evidence", "question")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ReviewSheet:
    """The questions for every rep, one row for each rep and lead; made by :func:`review`.

    Attributes
    ----------
    rows : DataFrame
        See :meth:`to_frame`.
    names : bool
        Whether the people in between are named.
    graph_digest, salesops_version : str
        What was asked about, and what made the sheet.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    >>> sheet = territory.review(graph, {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme"]})
    >>> sheet
    ReviewSheet(2 reps, 1 lead, 2 questions)
    >>> sheet.for_rep("ann").to_frame()["question"].tolist()
    ['Do you know acme yourself? The graph sees one contact in between.']
    >>> sheet.explain("bo", "acme")
    rep 'bo' and lead 'acme'
      path: a direct tie
      evidence: weight 1
      question: Do you know acme?
    >>> filled = sheet.to_frame()
    >>> filled["answer"] = ["confirmed", "denied"]
    >>> graph.reviewed(filled).to_frame()[["source", "target", "status"]]
      source target     status
    0   acme    ann  confirmed
    1   acme     bo     denied
    2    ann     bo   observed
    >>> sheet.to_dict()["rows"][0]["n_between"], "ann" in sheet.page()
    (1, True)
    """

    rows: pd.DataFrame
    names: bool
    graph_digest: str
    salesops_version: str

    def to_frame(self) -> pd.DataFrame:
        """Return the sheet to be filled in, for :meth:`SocialGraph.reviewed`.

        Returns
        -------
        DataFrame
            ``rep_id``, ``lead_id``; ``source`` and ``target``, the two people whose tie is asked about;
            ``path`` and ``n_between``, the best introduction and how many people stand in between;
            ``strength`` of the path; ``weight`` of the tie asked about (empty if there is none), which may be
            changed; ``evidence`` in words; ``kind``, ``observed_on``, ``provenance`` and ``status`` of that
            tie; ``question``; ``answer``, empty, to be "confirmed", "denied" or "unsure"; ``by``, the rep.
            Warmest path first within each rep, then in label order.
        """
        return self.rows.copy()

    def for_rep(self, rep: Hashable) -> ReviewSheet:
        """Keep the questions for one rep.

        Parameters
        ----------
        rep : hashable
            The id.

        Returns
        -------
        ReviewSheet

        Raises
        ------
        InvalidInput
            If there are no questions for this rep.
        """
        reps = self._reps()
        at = find(reps, rep, "rep", "reps of the sheet")
        mine = [reps.position(label) == at for label in self.rows["rep_id"].tolist()]
        return attrs.evolve(self, rows=self.rows[mine].reset_index(drop=True))

    def _reps(self) -> Labels:
        return Labels(column_of(list(_distinct(self.rows["rep_id"].tolist()))))

    def explain(self, rep: Hashable, lead: Hashable) -> Explanation:
        """Say what is asked of a rep about a lead, and why.

        Parameters
        ----------
        rep, lead : hashable
            Their ids.

        Returns
        -------
        Explanation
        """
        mine = self.for_rep(rep).rows
        leads = Labels(column_of(mine["lead_id"].tolist()))
        row = mine.iloc[find(leads, lead, "lead", "leads of the sheet")]
        facts = {
            "strength": float(row["strength"]),
            "n_between": None if pd.isna(row["n_between"]) else int(row["n_between"]),
            "weight": None if pd.isna(row["weight"]) else float(row["weight"]),
            "status": row["status"],
        }
        sentences = (
            f"path: {row['path']}",
            f"evidence: {row['evidence']}",
            f"question: {row['question']}",
        )
        return Explanation(subject=f"rep {show(rep)} and lead {show(lead)}", facts=facts, sentences=sentences)

    def page(self, title: str = "Whom do you know?") -> str:
        """Put the questions on one self-contained HTML page, a section for each rep.

        Parameters
        ----------
        title : str
            Heading of the page.

        Returns
        -------
        str
            A page without scripts and without links to the outside. Writing it to a file is up to the caller.
        """
        sections = {}
        for rep in self._reps().values.tolist():
            mine = self.for_rep(rep).rows
            known = int(mine["weight"].notna().sum())
            words = f"{count(len(mine), 'question')}, {known} of them about a tie that the graph has."
            shown = mine[list(_SHOWN)].rename(columns={"lead_id": "lead"})
            parts = [shown.iloc[k : k + _ROWS] for k in range(0, len(shown), _ROWS)]
            sections[str(rep)] = [words, *parts]
        return _display.report(title, sections)

    def to_dict(self) -> dict[str, Any]:
        """Return the sheet as plain JSON types.

        Returns
        -------
        dict
        """
        records = [
            {name: _plain(value) for name, value in zip(self.rows.columns, row, strict=True)}
            for row in zip(*(self.rows[name].tolist() for name in self.rows.columns), strict=True)
        ]
        return {
            "kind": "review_sheet",
            "schema_version": 1,
            "salesops_version": self.salesops_version,
            "graph_digest": self.graph_digest,
            "names": self.names,
            "rows": records,
        }

    def __repr__(self) -> str:
        n_leads = len(_distinct(self.rows["lead_id"].tolist()))
        size = f"{count(len(self._reps()), 'rep')}, {count(n_leads, 'lead')}"
        return f"ReviewSheet({size}, {count(len(self.rows), 'question')})"

    def _repr_html_(self) -> str:
        has_tie = self.rows["weight"].notna()
        facts: dict[str, object] = {
            "reps": f"{len(self._reps()):,}",
            "questions": f"{len(self.rows):,}",
            "about a known tie": f"{int(has_tie.sum()):,}",
            "without any path": f"{int(self.rows['n_between'].isna().sum()):,}",
        }
        shown = self.rows[["rep_id", *_SHOWN]].rename(columns={"lead_id": "lead", "rep_id": "rep"})
        return _display.html_card("Review of ties", facts, [("questions", shown)])


def _distinct(labels: list[Any]) -> list[Any]:
    """Keep the first of each id; 1, 1.0 and True are three."""
    return list({(type(label), label): label for label in labels}.values())


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else jsonable(value)


def review(
    graph: SocialGraph | Any,
    reps: object,
    key_leads: object,
    *,
    nearest: int | None = None,
    names: bool = False,
    method: IntroductionPath | None = None,
    contacts: object = None,
    columns: Mapping[str, str] | None = None,
) -> ReviewSheet:
    """Make the sheet that each rep fills in: what the graph believes, and a question about it.

    A direct tie to the lead is asked about as it is. Where the best path has people in between, the question
    is about the rep's own tie to the first of them, if `names` lets it be named; else, and where there is no
    path, whether the rep knows the lead herself.

    Parameters
    ----------
    graph : SocialGraph or networkx.Graph
        Who knows whom.
    reps : table
        ``rep_id``, and ``person_id`` where the person in the graph has another id than the rep.
    key_leads : table
        ``lead_id``, and ``person_id`` likewise.
    nearest : int, optional
        For each lead, ask only so many reps: those with the warmest paths, equals by label. Default all.
    names : bool, default False
        True names the people in between, for callers who may see them.
    method : IntroductionPath, optional
        How paths are measured.
    contacts : table, optional
        ``lead_id``, ``person_id`` and perhaps ``weight``: the people through whom a lead is reached.
    columns : mapping, optional
        ``{"name in your table": "name above"}``, for all tables together.

    Returns
    -------
    ReviewSheet

    Raises
    ------
    InvalidInput
        With every fault of the tables.

    Examples
    --------
    >>> from salesops import territory
    >>> mails = {"source": ["ann", "bo"], "target": ["bo", "acme"], "at": ["2024-05-01", "2024-06-01"]}
    >>> graph = territory.SocialGraph.from_interactions(mails, as_of="2024-06-30")
    >>> sheet = territory.review(graph, {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme"]}, names=True)
    >>> for question in sheet.to_frame()["question"]:
    ...     print(question)
    Do you know bo, who could lead you to acme?
    Do you know acme?
    """
    if nearest is not None and (isinstance(nearest, bool) or not isinstance(nearest, int) or nearest < 1):
        raise refuse("nearest", "must be a whole number of 1 or more, or None", nearest)
    if not isinstance(names, bool):
        raise refuse("names", "is True or False", names)
    if method is not None and not isinstance(method, IntroductionPath):
        raise refuse("method", "is an IntroductionPath, or None", method)
    options = method or IntroductionPath()
    frames = tables(columns, reps=reps, leads=key_leads, contacts=contacts)
    n_reps = max(len(frames["reps"]), 1)
    prox = proximity(
        graph,
        frames["reps"],
        frames["leads"],
        method=options,
        top=n_reps,
        contacts=frames.get("contacts"),
    )
    who = people_of(frames["reps"], "reps", "rep_id"), people_of(frames["leads"], "leads", "lead_id")
    return ReviewSheet(
        rows=questions(prox, options, who, nearest, names=names),
        names=names,
        graph_digest=prox.graph.digest,
        salesops_version=__version__,
    )
