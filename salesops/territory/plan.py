"""A territory plan: who owns whom, why, and how far from the best that any plan could be."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._display import number, percent
from salesops._faults import count
from salesops._frames import Labels, id_column
from salesops.errors import Problem
from salesops.models import Territory
from salesops.territory._editing import edited_plan, what_if
from salesops.territory._eligible import Eligibility
from salesops.territory._explaining import explained
from salesops.territory._plan_document import fields_of_plan, shape_of_plan, written_plan
from salesops.territory._premises import Edits, Premises
from salesops.territory._shapes import schema
from salesops.territory.hierarchy import RollUp, roll_up
from salesops.territory.inputs import labels_at
from salesops.territory.results import Explanation, Proximity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from salesops.territory.router import Router

__all__ = ["TerritoryPlan"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TerritoryPlan:
    """Every lead with its owner, made by :func:`assign`.

    Attributes
    ----------
    rep_labels, lead_labels : Labels
        The reps and leads; their order, label order, is that of every array.
    quantities : tuple of str
        "workload" and the balanced columns, in the order of the columns of `use`, `upper`, `lower`, `used`.
    owner : ndarray of shape (n_leads,)
        Position of the rep, -1 for nobody.
    reason, score, proximity, value : ndarray of shape (n_leads,)
        See :meth:`to_frame`.
    has_proximity : bool
        Whether proximities are known.
    use : ndarray of shape (n_leads, n_quantities)
        What each lead uses of its owner.
    capacity : ndarray of shape (n_reps,)
    upper, lower, used : ndarray of shape (n_reps, n_quantities)
        Limits of each rep, and what her leads use.
    closest, closest_score, closest_work : ndarray of shape (n_leads,)
        The allowed rep of greatest score, the first of equals; -1 and 0 if none is known; and the workload
        of the lead with that rep.
    runner_up, runner_up_score : ndarray of shape (n_leads,)
        The same beside the owner.
    barred, barred_score : ndarray of shape (n_leads,)
        The same among reps who are forbidden to own the lead or lack what it requires.
    hops : ndarray of shape (n_leads,) or None
        Hops from the owner's person to the lead: 0, 1, 2, or 3 for more; None without a proximity.
    no_gap_reason : str or None
        Why there is no gap.
    balance : mapping
        The bands that were asked for.
    eligibility : Eligibility or None
        Which reps may own which leads; None where no lead asks for anything.
    fallback : str
    input_digest, salesops_version : str
        Fingerprint of the input, and what made the plan.
    bound : float
        Certified: no plan within the limits scores more.
    gap : float or None
        ``(bound - score) / bound``; None if the plan violates a limit, and then `no_gap_reason` says so.
    violations : tuple of Problem
        Limits that the plan breaks; empty for a sound plan.
    prices : ndarray of shape (n_reps, n_quantities)
        Price of one unit of each rep's workload, and of each balanced quantity (negative where the lower end
        of the band binds), in label order and in the unit of the score.
    prox : Proximity or None
        What the plan was made from; not part of :meth:`to_dict`.
    current : ndarray of shape (n_leads,), or None
        Who owned each lead before, -1 for nobody; see :meth:`moves`.
    move_price : float
        What the plan held against every lead that changes hands; `bound` and `gap` are those of its score
        less that.
    premises : Premises or None
        Locks, bans and other rules that the plan was asked to keep; None in a document of an older version.
    edits : Edits or None
        How the plan was drawn, where :meth:`edited` has changed it since.
    flat_bound : float or None
        For a plan within teams: a bound on plans that may give any lead to any rep; see :func:`within_teams`.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["bo", "acme"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [1, 1]}, {"lead_id": ["acme", "bolt"]}
    >>> plan = territory.assign(reps, leads, territory.proximity(graph, reps, leads))
    >>> plan
    TerritoryPlan(2 reps, 2 of 2 leads owned, score 0.2297, certified gap 0.000 %)
    >>> plan.to_frame()[["lead_id", "rep_id", "score", "reason"]].round(4)
      lead_id rep_id   score   reason
    0    acme     bo  0.2297  closest
    1    bolt    ann  0.0000     cold
    >>> plan.loads()[["rep_id", "n_leads", "load", "capacity"]]
      rep_id  n_leads  load  capacity
    0    ann        1   1.0       1.0
    1     bo        1   1.0       1.0
    >>> plan.explain("acme")
    lead 'acme'
      owned by rep 'bo', score 0.2297
      runner-up rep 'ann', score 0.1953, 0.03446 less
      introduction: a direct tie
    >>> plan.metrics()[["warm_share", "gap"]].round(6)
       warm_share  gap
    0         0.5  0.0
    >>> territory.TerritoryPlan.from_dict(plan.to_dict()).to_dict() == plan.to_dict()
    True
    >>> ax = plan.plot()
    >>> plan.router(expected=10)
    Router(2 reps, 0 leads committed)
    """

    rep_labels: Labels
    lead_labels: Labels
    quantities: tuple[str, ...]
    owner: IntArray
    reason: npt.NDArray[Any]
    score: FloatArray
    proximity: FloatArray
    has_proximity: bool
    value: FloatArray
    use: FloatArray
    capacity: FloatArray
    upper: FloatArray
    lower: FloatArray
    used: FloatArray
    prices: FloatArray
    closest: IntArray
    closest_score: FloatArray
    closest_work: FloatArray
    runner_up: IntArray
    runner_up_score: FloatArray
    barred: IntArray
    barred_score: FloatArray
    hops: npt.NDArray[np.int8] | None
    bound: float
    gap: float | None
    no_gap_reason: str | None
    violations: tuple[Problem, ...]
    balance: Mapping[str, float | tuple[float, float] | None]
    fallback: str
    input_digest: str
    salesops_version: str
    eligibility: Eligibility | None = None
    prox: Proximity | None = None
    current: IntArray | None = None
    move_price: float = 0.0
    premises: Premises | None = None
    edits: Edits | None = None
    flat_bound: float | None = None

    @property
    def territories(self) -> tuple[Territory, ...]:
        """One :class:`salesops.models.Territory` for each rep, in label order, empty ones too."""
        order = np.argsort(self.owner, kind="stable")
        ends = np.searchsorted(self.owner[order], np.arange(len(self.rep_labels) + 1))
        return tuple(
            Territory(
                rep_id=self.rep_labels[rep],
                lead_ids=tuple(self.lead_labels.values[order[ends[rep] : ends[rep + 1]]].tolist()),
            )
            for rep in range(len(self.rep_labels))
        )

    def loads(self) -> pd.DataFrame:
        """Sum each territory up, one row for each rep.

        Returns
        -------
        DataFrame
            ``rep_id``, ``n_leads``, ``load`` (workload), ``capacity`` (infinite where there is no limit),
            ``value``, ``score``, in label order.
        """
        owned, n = self.owner >= 0, len(self.rep_labels)
        owner = self.owner[owned]
        return pd.DataFrame(
            {
                "rep_id": id_column(self.rep_labels.values),
                "n_leads": np.bincount(owner, minlength=n),
                "load": self.used[:, 0],
                "capacity": self.capacity,
                "value": np.bincount(owner, weights=self.value[owned], minlength=n),
                "score": np.bincount(owner, weights=self.score[owned], minlength=n),
            }
        )

    @property
    def total_score(self) -> float:
        """What the plan maximises: the sum of scores of owned leads."""
        return float(self.score.sum())

    @property
    def flat_gap(self) -> float | None:
        """``(flat_bound - score) / flat_bound``; None without that bound, or where a limit is violated."""
        if self.flat_bound is None or self.violations:
            return None
        worth = self.total_score - self.move_price * (self.n_moved or 0)
        return max(self.flat_bound - worth, 0.0) / self.flat_bound if self.flat_bound > 0 else 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each lead.

        Returns
        -------
        DataFrame
            ``lead_id``, ``rep_id`` (missing without an owner), ``score``, ``proximity``, ``value``,
            ``workload``, ``reason``: "closest" (no allowed rep scores more), "next closest" (one does, see
            :meth:`explain`), "cold" (no score with the owner is known), "locked", "edited" or "edited, cold"
            (see :meth:`edited`; also without an owner); or, without an owner,
            "capacity" (nobody had room), "no connection", "forbidden", "no rep has skill 'x'" (or another
            column that is matched), "no eligible rep" (no rep has everything), "no rep". In label order.
        """
        return pd.DataFrame(
            {
                "lead_id": id_column(self.lead_labels.values),
                "rep_id": id_column(labels_at(self.rep_labels, self.owner)),
                "score": self.score,
                "proximity": self.proximity if self.has_proximity else np.full(len(self.owner), np.nan),
                "value": self.value,
                "workload": self.use[:, 0],
                "reason": pd.Series(self.reason, dtype="str"),
            }
        )

    @property
    def n_moved(self) -> int | None:
        """How many leads change hands; None if the plan was made without `current`."""
        if self.current is None:
            return None
        return int(((self.current >= 0) & (self.owner != self.current)).sum())

    def moves(self) -> pd.DataFrame:
        """List the leads that change hands, those of most value first.

        Returns
        -------
        DataFrame
            ``lead_id``, ``from_rep_id``, ``to_rep_id`` (missing without an owner), ``value``, ``score`` (with
            the new owner), in falling order of value, then in label order. Empty if the plan was made without
            `current`.

        Examples
        --------
        >>> from salesops import territory
        >>> score = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "acme"], "score": [1.0, 3.0]}
        >>> today = {"lead_id": ["acme"], "rep_id": ["ann"]}
        >>> reps, leads = {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme"]}
        >>> territory.assign(reps, leads, score=score, current=today).moves()
          lead_id from_rep_id to_rep_id  value  score
        0    acme         ann        bo    1.0    3.0
        """
        before = np.full(len(self.owner), -1) if self.current is None else self.current
        moved = np.flatnonzero((before >= 0) & (self.owner != before))
        moved = moved[np.argsort(-self.value[moved], kind="stable")]
        return pd.DataFrame(
            {
                "lead_id": id_column(self.lead_labels.values[moved]),
                "from_rep_id": id_column(labels_at(self.rep_labels, before[moved])),
                "to_rep_id": id_column(labels_at(self.rep_labels, self.owner[moved])),
                "value": self.value[moved],
                "score": self.score[moved],
            }
        )

    def metrics(self) -> pd.DataFrame:
        """Measure the plan, in one row.

        Returns
        -------
        DataFrame
            ``n_leads``, ``n_owned``, ``n_cold``; ``warm_share``, of all leads those whose owner has an
            introduction within 2 hops; ``proximity``, the mean over leads weighted by value; ``score``;
            ``value_min``, ``value_max``, ``value_cv``, the least and greatest value of a territory as a ratio
            to the mean and the coefficient of variation; ``capacity_use``, workload over capacity;
            ``bound`` and ``gap``; ``n_moved``, leads that change hands. What is not known is NaN.
        """
        owned = self.owner >= 0
        totals = np.bincount(self.owner[owned], weights=self.value[owned], minlength=len(self.rep_labels))
        mean = totals.mean() if len(totals) else np.nan
        spread = totals / mean if mean > 0 else np.full(len(totals), np.nan)
        n, worth = len(self.owner), self.value.sum()
        warm = np.nan if self.hops is None or not n else float(((self.hops <= 2) & owned).mean())
        near = (
            float((self.value * self.proximity).sum() / worth) if self.has_proximity and worth > 0 else np.nan
        )
        room = self.capacity.sum()
        facts: dict[str, Any] = {
            "n_leads": n,
            "n_owned": int(owned.sum()),
            "n_cold": int(((self.reason == "cold") | (self.reason == "edited, cold")).sum()),
            "warm_share": warm,
            "proximity": near,
            "score": self.total_score,
            "value_min": float(spread.min()) if len(spread) else np.nan,
            "value_max": float(spread.max()) if len(spread) else np.nan,
            "value_cv": float(spread.std()) if len(spread) else np.nan,
            "capacity_use": float(self.used[:, 0].sum() / room) if 0 < room < np.inf else np.nan,
            "bound": self.bound,
            "gap": np.nan if self.gap is None else self.gap,
            "n_moved": np.nan if self.n_moved is None else self.n_moved,
        }
        return pd.DataFrame([facts])

    def edited(
        self,
        moves: object,
        *,
        prox: Proximity | None = None,
        score: object = None,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Ask what the plan would be if some leads had other owners.

        Parameters
        ----------
        moves : table
            ``lead_id`` and ``rep_id``, each lead once; an empty ``rep_id`` leaves the lead without an owner.
        prox : Proximity, optional
            What the plan was made from; only for a plan that was read from a document.
        score : table, optional
            Likewise, for a plan that was made from a table of scores.
        columns : mapping, optional
            ``{"name in your table": "name above"}``.

        Returns
        -------
        TerritoryPlan
            Of the same input, with the same bound, and with everything else worked out anew: the reason of a
            lead that was moved is "edited" ("edited, cold" if no score with its new owner is known, which
            counts as 0). Edits add up, and an edit that takes another back restores what the plan said.

        Raises
        ------
        InvalidInput
            With every fault of the table: leads and reps that the plan does not have, leads that stand in it
            twice.

        Notes
        -----
        An edit may break any rule: limits, locks, bans, what leads ask for, moves. The plan then lists it in
        ``violations`` and has no gap. It has none either where edits leave leads without an owner that the
        bound counts as owned (`fallback` "cold"), and ``no_gap_reason`` says so. Otherwise the gap to the
        bound is certified like that of any plan.

        Examples
        --------
        >>> from salesops import territory
        >>> pairs = [("ann", "acme", 5), ("bo", "acme", 3), ("ann", "bolt", 4), ("bo", "bolt", 1)]
        >>> score = [dict(zip(("rep_id", "lead_id", "score"), pair)) for pair in pairs]
        >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [1, 1]}, {"lead_id": ["acme", "bolt"]}
        >>> plan = territory.assign(reps, leads, score=score)
        >>> swapped = plan.edited({"lead_id": ["acme", "bolt"], "rep_id": ["ann", "bo"]})
        >>> plan, swapped
        (TerritoryPlan(2 reps, 2 of 2 leads owned, score 7, certified gap 0.000 %),
         TerritoryPlan(2 reps, 2 of 2 leads owned, score 6, certified gap 14.286 %))
        >>> print(plan.edited({"lead_id": ["bolt"], "rep_id": ["bo"]}).violations[0].sentence())
        reps.capacity: a rep uses more than her limit ('bo', 2, limit 1)
        >>> territory.compare({"plan": plan, "what if": swapped}).to_frame()[["plan", "score"]]
              plan  score
        0     plan    7.0
        1  what if    6.0
        """
        made: Self = edited_plan(self, moves, prox=prox, score=score, columns=columns)
        return made

    def what_if(
        self,
        moves: object,
        *,
        prox: Proximity | None = None,
        score: object = None,
        columns: Mapping[str, str] | None = None,
    ) -> pd.DataFrame:
        """Judge moves one by one, each as if it were the only one.

        Parameters
        ----------
        moves, prox, score, columns
            As for :meth:`edited`.

        Returns
        -------
        DataFrame
            ``lead_id``, ``from_rep_id``, ``to_rep_id``; ``score``, ``new_score`` and their ``difference``;
            ``price``, what the time that the lead takes is worth with the new owner less with the old one, so
            that ``difference - price`` is about what the move gains once others have made room; ``breaks``,
            the limits and rules that the move alone would break, none for one that can be made.

        Examples
        --------
        >>> from salesops import territory
        >>> score = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "acme"], "score": [5, 3]}
        >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [1, 0]}, {"lead_id": ["acme"]}
        >>> plan = territory.assign(reps, leads, score=score)
        >>> plan.what_if({"lead_id": ["acme"], "rep_id": ["bo"]})[["to_rep_id", "difference", "breaks"]]
          to_rep_id  difference    breaks
        0        bo        -2.0  capacity
        """
        return what_if(self, moves, prox=prox, score=score, columns=columns)

    def roll_up(self, hierarchy: object, *, columns: Mapping[str, str] | None = None) -> RollUp:
        """Sum the territories up a reporting tree of any depth.

        Parameters
        ----------
        hierarchy : table
            ``rep_id`` and ``manager_id``, one row for each member, empty at the top: the reps and the
            managers between them and the top. Who is named only as a manager stands at the top.
        columns : mapping, optional
            ``{"name in your table": "name above"}``.

        Returns
        -------
        RollUp
            Totals of each manager, which are exactly the sums of those below; reps who are not in the tree
            have rows of their own.

        Raises
        ------
        InvalidInput
            With every cycle, everybody in two rows, and everybody who is neither a rep nor a manager.

        Examples
        --------
        >>> from salesops import territory
        >>> score = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "bolt"], "score": [5, 3]}
        >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [1, 1]}, {"lead_id": ["acme", "bolt"]}
        >>> plan = territory.assign(reps, leads, score=score)
        >>> tree = plan.roll_up({"rep_id": ["ann", "bo"], "manager_id": ["dan", "dan"]})
        >>> tree.to_frame()[["member_id", "n_direct", "n_leads", "score"]]
          member_id  n_direct  n_leads  score
        0       dan         2        2    8.0
        1       ann         0        1    5.0
        2        bo         0        1    3.0
        """
        return roll_up(self, hierarchy, columns=columns)

    def explain(self, lead: Hashable, *, names: bool = False) -> Explanation:
        """Say why a lead is where it is.

        Parameters
        ----------
        lead : hashable
            Its id.
        names : bool, default False
            True names the people of the introduction, for callers who may see them.

        Returns
        -------
        Explanation
            Owner, score, the runner-up and the difference, a closer rep who did not get the lead and why, the
            price of her time, and the introduction.
        """
        return explained(self, lead, names=names)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the territories on the network, people near those they know, coloured by owner.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure without it.

        Returns
        -------
        matplotlib Axes
        """
        from salesops.territory.plot import territory_map

        return territory_map(self, ax)

    def router(
        self,
        *,
        expected: float | Mapping[str, float] | None = None,
        reps: object = None,
        people: Proximity | None = None,
        candidates: Literal["proximity", "score"] | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Router:
        """Make the router that gives leads to reps one by one, going on from this plan.

        Parameters
        ----------
        expected : number or mapping, optional
            How many leads are to come (each like a mean lead of the plan), or the total of each quantity,
            ``{"workload": 2000, "value": 3.2e6}``. The router keeps the bands of the end of that stream, and
            spreads capacity over it; from then on it keeps the bands of every moment. By default a fifth of
            the leads of the plan, and some capacity is kept for more; 0 keeps the bands of every moment from
            the start, at some cost in score.
        reps : table, optional
            ``rep_id`` and ``capacity``, ``skills`` or both, in place of the plan's: capacity that the plan
            left free for new leads, and what the reps can do.
        people : Proximity, optional
            Proximity of the reps to people, who may then be named in a lead's ``ties`` or ``person_id``. By
            default the plan's own, where each of its leads is one person.
        candidates : {"proximity", "score"}, optional
            What the candidates of a lead carry: proximities, which are multiplied by its value, or scores. By
            default proximities if the plan has them.
        columns : mapping, optional
            ``{"name in your table": "name above"}``, for `reps`.

        Returns
        -------
        Router
        """
        from salesops.territory._opening import open_router

        return open_router(
            self, expected=expected, reps=reps, people=people, candidates=candidates, columns=columns
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types; reps and leads by position in their lists of ids.

        Returns
        -------
        dict
        """
        return written_plan(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read a plan that :meth:`to_dict` wrote; it has no ``prox``, so no introductions.

        Parameters
        ----------
        document : mapping

        Returns
        -------
        TerritoryPlan

        Raises
        ------
        InvalidInput
            If fields are missing or unknown.
        """
        return cls(**fields_of_plan(document, {field.name for field in attrs.fields(cls)}))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of :meth:`to_dict`, made from the same fields.

        Returns
        -------
        dict

        Examples
        --------
        >>> TerritoryPlan.json_schema()["title"]
        'TerritoryPlan'
        """
        shape = shape_of_plan({field.name for field in attrs.fields(cls)})
        return schema("TerritoryPlan", "Who owns which lead, and why.", shape)

    def __repr__(self) -> str:
        owned = f"{int((self.owner >= 0).sum())} of {count(len(self.owner), 'lead')} owned"
        size = f"{count(len(self.rep_labels), 'rep')}, {owned}"
        return f"TerritoryPlan({size}, score {number(self.total_score)}, {self._gap_in_words()})"

    def _gap_in_words(self) -> str:
        if self.gap is None:
            return f"no gap: {self.no_gap_reason}"
        return f"certified gap {percent(self.gap, 3)}"

    def _repr_html_(self) -> str:
        row = self.metrics().iloc[0]
        least, most = percent(float(row["value_min"])), percent(float(row["value_max"]))
        facts: dict[str, object] = {
            "leads owned": f"{int(row['n_owned']):,} of {int(row['n_leads']):,}",
            "of them cold": f"{int(row['n_cold']):,}",
            "warm introduction within 2 hops": percent(float(row["warm_share"])),
            "score": number(self.total_score, 6),
            "upper bound on any plan": number(self.bound, 6),
            "certified gap": percent(self.gap, 3) if self.gap is not None else str(self.no_gap_reason),
            "value of a territory": f"{least} to {most} of the mean",
        }
        notes = [violation.sentence() for violation in self.violations]
        return _display.html_card("Territory plan", facts, [("territories", self.loads())], notes=notes)
