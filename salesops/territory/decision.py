"""What the router answers: who gets the lead, who came next, and why."""

from __future__ import annotations

import html
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pandas as pd

from salesops import _display
from salesops._display import number
from salesops._frames import id_column, to_plain
from salesops._frames.tables import object_column
from salesops.errors import Problem, show
from salesops.territory.results import Explanation

__all__ = ["Decision", "Routing", "RunnerUp"]


Rest = Callable[[Any, Hashable | None], Mapping[str, Any]]
"""What tells the rest of a decision, from the lead as it was understood and its owner."""


class RunnerUp(NamedTuple):
    """A rep who had room for the lead and offered less than its owner.

    Attributes
    ----------
    rep_id : hashable
    score : float
        What the lead would score with her.
    price : float
        Price of her time for this lead.
    difference : float
        How much less her offer, score less price, is than the owner's.

    Examples
    --------
    >>> RunnerUp(rep_id="bo", score=0.5, price=0.1, difference=0.2).to_dict()
    {'rep_id': 'bo', 'score': 0.5, 'price': 0.1, 'difference': 0.2}
    """

    rep_id: Hashable
    score: float
    price: float
    difference: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON types.

        Returns
        -------
        dict
        """
        (rep_id,) = to_plain([self.rep_id], "rep_id")
        return {
            "rep_id": rep_id,
            "score": self.score,
            "price": self.price,
            "difference": self.difference,
        }


@attrs.frozen(kw_only=True, repr=False)
class Decision:
    """Where one lead goes, made by :meth:`Router.route`; :meth:`Router.commit` counts it.

    Lead, owner, score and price are there at once. The other fields are worked out when one of them is first
    read, or when the decision is committed, from what was so when it was made.

    Attributes
    ----------
    lead_id : hashable
    rep_id : hashable or None
        The owner; None if nobody may have the lead, and then `reason` says why.
    score : float
        What the lead scores with her.
    price : float
        Price of her time for this lead: its workload and balanced quantities at her prices.
    reason : str
        "closest" (no rep scores more), "next closest" (one does, see `closest`), "cold" (no connection to
        the owner is known); or, without an owner, "capacity" (nobody had room), "no connection", "skills",
        "no rep".
    closest : hashable or None
        A rep who scores more than the owner and did not get the lead.
    obstacle : str or None
        Why not: "room" (her limits), "price" (her time is worth more elsewhere) or "skills".
    runners_up : tuple of RunnerUp
        At most three, the best first.
    n_between : int or None
        How many people stand between the owner and the lead, where that is known.
    source : str or None
        Which field of the lead told who knows it: "candidates", "ties", "person_id".
    router_tag : str
        Tag of the router that decided.
    asked
        The lead as it was understood; what :meth:`Router.commit` counts.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [2, 2]}, {"lead_id": ["acme", "bolt"]}
    >>> plan = territory.assign(reps, leads, territory.proximity(graph, reps, leads))
    >>> decision = plan.router().route({"lead_id": "cargo", "candidates": {"ann": 0.2, "bo": 0.1}})
    >>> decision
    Decision(lead 'cargo' to rep 'ann', closest)
    >>> decision.explain()
    lead 'cargo'
      goes to rep 'ann', score 0.2
      runner-up rep 'bo', score 0.1, her offer is 0.1 less
    >>> decision.to_dict()["rep_id"], len(decision.to_frame())
    ('ann', 1)
    """

    lead_id: Hashable
    rep_id: Hashable | None
    score: float
    price: float
    reason: str
    closest: Hashable | None = None
    obstacle: str | None = None
    runners_up: tuple[RunnerUp, ...] = ()
    n_between: int | None = None
    source: str | None = None
    router_tag: str = ""
    _asked: Any = attrs.field(default=None, eq=False, alias="asked")
    _rest: Rest | None = attrs.field(default=None, eq=False, init=False)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Work out the fields that routing left for whoever asks."""
            if name not in _LATER:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            settled(self)
            return object.__getattribute__(self, name)

    def introduction(self) -> str | None:
        """Say how the owner can be introduced, without a name; None where it is not known.

        Returns
        -------
        str or None

        Examples
        --------
        >>> Decision(lead_id=1, rep_id=2, score=1.0, price=0.0, reason="closest", n_between=1).introduction()
        'one contact'
        """
        if self.n_between is None or self.rep_id is None:
            return None
        return "a direct tie" if not self.n_between else "one contact"

    def explain(self) -> Explanation:
        """Say why the lead goes where it goes.

        Returns
        -------
        Explanation
        """
        facts: dict[str, Any] = {"owner": self.rep_id, "reason": self.reason, "score": self.score}
        sentences = []
        if self.rep_id is None:
            sentences.append(f"has no owner: {self.reason}")
        else:
            facts["price_of_her_time"] = self.price
            cold = " (cold: no connection is known)" if self.reason == "cold" else ""
            cost = f"; the price of her time is {number(self.price)}" if self.price else ""
            sentences.append(f"goes to rep {show(self.rep_id)}{cold}, score {number(self.score)}{cost}")
        if self.closest is not None:
            why = {
                "room": "has no room within her limits",
                "price": "her time is worth more elsewhere",
                "skills": "lacks a skill that the lead requires",
            }[str(self.obstacle)]
            facts["closest"], facts["obstacle"] = self.closest, self.obstacle
            sentences.append(f"rep {show(self.closest)} scores more but {why}")
        if self.runners_up:
            first = self.runners_up[0]
            facts["runner_up"], facts["difference"] = first.rep_id, first.difference
            sentences.append(
                f"runner-up rep {show(first.rep_id)}, score {number(first.score)}, "
                f"her offer is {number(first.difference)} less"
            )
        introduction = self.introduction()
        if introduction is not None:
            facts["introduction"] = introduction
            sentences.append(f"introduction: {introduction}")
        return Explanation(subject=f"lead {show(self.lead_id)}", facts=facts, sentences=tuple(sentences))

    def to_frame(self) -> pd.DataFrame:
        """Return the decision as one row.

        Returns
        -------
        DataFrame
            ``lead_id``, ``rep_id``, ``score``, ``price``, ``reason``.
        """
        return frame_of([self])

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON types.

        Returns
        -------
        dict
        """
        lead_id, rep_id, closest = to_plain([self.lead_id, self.rep_id, self.closest], "decision")
        return {
            "lead_id": lead_id,
            "rep_id": rep_id,
            "score": self.score,
            "price": self.price,
            "reason": self.reason,
            "closest": closest,
            "obstacle": self.obstacle,
            "runners_up": [runner_up.to_dict() for runner_up in self.runners_up],
            "n_between": self.n_between,
            "introduction": self.introduction(),
            "source": self.source,
            "router_tag": self.router_tag,
        }

    def __repr__(self) -> str:
        where = "to nobody" if self.rep_id is None else f"to rep {show(self.rep_id)}"
        return f"Decision(lead {show(self.lead_id)} {where}, {self.reason})"

    def _repr_html_(self) -> str:
        told = self.explain()
        words = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in told.sentences)
        return f"<div><h4>{html.escape(told.subject)}</h4>{words}</div>"


_LATER: Mapping[str, Any] = {
    "reason": "",
    "closest": None,
    "obstacle": None,
    "runners_up": (),
    "n_between": None,
    "source": None,
    "router_tag": "",
}
"""Fields that are worked out when one of them is read, and what they are if nothing is said of them."""
_blank = object.__new__
_put_lead, _put_rep, _put_score, _put_price, _put_asked, _put_rest = (
    vars(Decision)[name].__set__ for name in ("lead_id", "rep_id", "score", "price", "_asked", "_rest")
)


def made(asked: Any, rep_id: Hashable | None, score: float, price: float, rest: Rest) -> Decision:
    """Make a decision at once, and leave to `rest` what is seldom asked for."""
    decision = _blank(Decision)
    _put_lead(decision, asked.lead_id)
    _put_rep(decision, rep_id)
    _put_score(decision, score)
    _put_price(decision, price)
    _put_asked(decision, asked)
    _put_rest(decision, rest)
    return decision


def settled(decision: Decision) -> Decision:
    """Work out the fields that were left for later, and let go of the router that would tell them."""
    rest = decision._rest  # noqa: SLF001  (a field of our own)
    if rest is not None:
        asked, owner = decision._asked, decision.rep_id  # noqa: SLF001  (likewise)
        for name, field in {**_LATER, **rest(asked, owner)}.items():
            object.__setattr__(decision, name, field)
        object.__setattr__(decision, "_rest", None)
    return decision


def frame_of(decisions: list[Decision]) -> pd.DataFrame:
    """Lay decisions out as a frame."""
    return pd.DataFrame(
        {
            "lead_id": id_column(object_column([decision.lead_id for decision in decisions]).to_numpy()),
            "rep_id": id_column(object_column([decision.rep_id for decision in decisions]).to_numpy()),
            "score": pd.Series([decision.score for decision in decisions], dtype="float64"),
            "price": pd.Series([decision.price for decision in decisions], dtype="float64"),
            "reason": pd.Series([decision.reason for decision in decisions], dtype="str"),
        }
    )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Routing:
    """A table of leads routed one after the other, made by :meth:`Router.route_many`.

    Attributes
    ----------
    router : Router
        In which every lead that was routed is counted.
    decisions : tuple of Decision
        In the order of the rows.
    table : DataFrame
        The rows that were routed, as they came.
    faults : tuple of Problem
        Why the other rows were not, each with its row.
    n_rows : int
        How many rows there were.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [2, 2]}, {"lead_id": ["acme", "bolt"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> router = territory.assign(reps, leads, near).router(people=near)
    >>> rows = {"lead_id": ["x", "y", "z"], "person_id": ["acme", "bolt", "bolt"], "value": [1, -2, 1]}
    >>> routing = router.route_many(rows)
    >>> routing
    Routing(3 rows, 2 routed, 1 rejected)
    >>> routing.to_frame()[["lead_id", "rep_id", "reason"]]
      lead_id rep_id   reason
    0       x    ann  closest
    1       z     bo  closest
    >>> routing.rejected()[["row", "path", "reason"]]
       row   path                           reason
    0    1  value  must be a finite number 0 or more
    >>> routing.explain("x").facts["owner"]
    'ann'
    >>> routing.to_dict()["n_rows"]
    3
    """

    router: Any
    decisions: tuple[Decision, ...]
    table: pd.DataFrame
    faults: tuple[Problem, ...]
    n_rows: int

    def to_frame(self) -> pd.DataFrame:
        """Return the rows that were routed, in order, with what was decided.

        Returns
        -------
        DataFrame
            ``lead_id``, ``rep_id`` (missing without an owner), ``score``, ``price``, ``reason``, then the
            other columns of the table as they came. Rows rejected are in :meth:`rejected`.
        """
        told = frame_of(list(self.decisions))
        others = self.table[[name for name in self.table.columns if name not in told.columns]]
        return pd.concat([told, others.reset_index(drop=True)], axis=1)

    def rejected(self) -> pd.DataFrame:
        """Return one row for each fault of a row that was not routed.

        Returns
        -------
        DataFrame
            ``row``, ``lead_id`` (as shown in messages), ``path``, ``reason``, ``value``.
        """
        return pd.DataFrame(
            [
                {
                    "row": fault.rows[0],
                    "lead_id": fault.ids[0] if fault.ids else None,
                    "path": fault.path,
                    "reason": fault.message,
                    "value": ", ".join(fault.values) or None,
                }
                for fault in self.faults
            ],
            columns=["row", "lead_id", "path", "reason", "value"],
        )

    def explain(self, lead: Hashable) -> Explanation:
        """Say why a lead went where it went.

        Parameters
        ----------
        lead : hashable
            Its id.

        Returns
        -------
        Explanation
        """
        return self.router.decision(lead).explain()  # type: ignore[no-any-return]  # the router comes later

    def to_dict(self) -> dict[str, Any]:
        """Return decisions and faults as plain JSON types.

        Returns
        -------
        dict
        """
        return {
            "kind": "routing",
            "n_rows": self.n_rows,
            "decisions": [decision.to_dict() for decision in self.decisions],
            "rejected": [fault.to_dict() for fault in self.faults],
        }

    def _n_rejected(self) -> int:
        return self.n_rows - len(self.decisions)

    def __repr__(self) -> str:
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        return f"Routing({rows}, {len(self.decisions)} routed, {self._n_rejected()} rejected)"

    def _repr_html_(self) -> str:
        facts = {"leads routed": len(self.decisions), "rows rejected": self._n_rejected()}
        tables = [("decisions", self.to_frame())]
        if self.faults:
            tables.append(("rejected", self.rejected()))
        return _display.html_card("Leads routed", dict(facts), tables)
