"""Plans with dates: which one holds on a day, who owned a lead then, and what changes hands when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._calendar import day_of
from salesops._display import number
from salesops._faults import check_choice, closest, count, fields_amiss, raise_all, refuse
from salesops._frames import Labels, Reader, check_same_type, id_column
from salesops.errors import InvalidInput, Problem, show
from salesops.territory._handovers import changed
from salesops.territory._plan_document import shape_of_plan
from salesops.territory._shapes import DAY, Shape, list_of, or_null, record, schema
from salesops.territory._united import ids_of
from salesops.territory.inputs import column_of, labels_at, tables
from salesops.territory.plan import TerritoryPlan
from salesops.territory.results import Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Timeline"]

IntArray = npt.NDArray[np.int64]

_SCHEMA_VERSION = 1
_PLAN = shape_of_plan({field.name for field in attrs.fields(TerritoryPlan)})
_FIELDS: dict[str, Shape] = {
    "kind": {"const": "territory_timeline"},
    "schema_version": {"const": _SCHEMA_VERSION},
    "from": {**list_of(DAY), "minItems": 1, "uniqueItems": True},
    "until": or_null(DAY),
    "plans": {**list_of(_PLAN), "minItems": 1},
}


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Timeline:
    """Plans in force one after the other, made by :meth:`of`.

    Each plan holds from its day up to, and without, the day of the next one; the last one up to `until`, or
    without an end.

    Attributes
    ----------
    starts : tuple of date
        First day of each plan, in rising order.
    plans : tuple of TerritoryPlan
    until : date or None
        First day after the last plan.

    Examples
    --------
    >>> from salesops import territory
    >>> score = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "bolt"], "score": [5, 3]}
    >>> reps, leads = {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme", "bolt"]}
    >>> first = territory.assign(reps, leads, score=score)
    >>> second = first.edited({"lead_id": ["bolt"], "rep_id": ["ann"]})
    >>> line = territory.Timeline.of({"2026-01-01": first, "2026-07-01": second}, until="2027-01-01")
    >>> line
    Timeline(2 plans, 2026-01-01 to 2026-12-31)
    >>> line.at("2026-06-30") is first, line.at("2026-07-01") is second
    (True, True)
    >>> deals = {"lead_id": ["bolt", "bolt", "cog"], "closed_on": ["2026-06-30", "2026-07-01", "2026-07-01"]}
    >>> line.owners(deals, date="closed_on")[["lead_id", "rep_id", "reason"]]
      lead_id rep_id           reason
    0    bolt     bo            owned
    1    bolt    ann            owned
    2     cog    NaN  not in the plan
    >>> line.changes()
      lead_id from_rep_id to_rep_id         on    change
    0    bolt          bo       ann 2026-07-01  handover
    >>> line.explain("bolt")
    lead 'bolt'
      from 2026-01-01: owned by rep 'bo'
      from 2026-07-01: owned by rep 'ann'
      from 2027-01-01: no plan
    >>> line.to_frame()[["start", "n_leads", "n_owned", "n_changes"]]
           start  n_leads  n_owned  n_changes
    0 2026-01-01        2        2          0
    1 2026-07-01        2        2          1
    >>> territory.Timeline.from_dict(line.to_dict()).to_dict() == line.to_dict()
    True
    >>> ax = line.plot()
    """

    starts: tuple[dt.date, ...]
    plans: tuple[TerritoryPlan, ...]
    until: dt.date | None = None

    @classmethod
    def of(cls, plans: Mapping[Any, TerritoryPlan], *, until: dt.date | str | None = None) -> Self:
        """Put plans in the order of their first days.

        Parameters
        ----------
        plans : mapping of date to TerritoryPlan
            First day of each plan, a date or ISO text, and the plan.
        until : date or str, optional
            First day after the last plan; without it the last plan has no end.

        Returns
        -------
        Timeline

        Raises
        ------
        InvalidInput
            With every key that is no day, days that stand twice, and what is no plan.
        """
        if not isinstance(plans, Mapping) or not plans:
            hint = "write Timeline.of({date: plan, ...})"
            raise refuse("plans", "is not a mapping of first days to plans", plans, hint=hint)
        faults: list[Problem] = []
        dated: dict[dt.date, TerritoryPlan] = {}
        given: Mapping[Any, Any] = plans
        for key, plan in given.items():
            day = _day("plans", key, faults)
            if not isinstance(plan, TerritoryPlan):
                found = (show(key), type(plan).__name__)
                faults.append(Problem(path="plans", message="is not a territory plan", values=found))
            elif day is not None and day in dated:
                faults.append(Problem(path="plans", message="two plans start on one day", values=(str(day),)))
            elif day is not None:
                dated[day] = plan
        end = None if until is None else _day("until", until, faults)
        if end is not None and dated and end <= max(dated):
            found = (str(end), str(max(dated)))
            faults.append(Problem(path="until", message="is not after the last plan starts", values=found))
        raise_all("timeline", faults)
        starts = tuple(sorted(dated))
        return cls(starts=starts, plans=tuple(dated[day] for day in starts), until=end)

    def at(self, date: dt.date | str) -> TerritoryPlan:
        """Give the plan that holds on a day.

        Parameters
        ----------
        date : date or str

        Returns
        -------
        TerritoryPlan

        Raises
        ------
        InvalidInput
            If no plan holds on that day.
        """
        day = day_of("date", date)
        turn = int(self._turns(np.array([day], dtype="datetime64[D]"))[0])
        if not 0 <= turn < len(self.plans):
            hint = f"plans reach from {self.starts[0]}" + (
                "" if self.until is None else f" up to {self.until}"
            )
            raise refuse("date", "no plan holds on that day", str(day), hint=hint)
        return self.plans[turn]

    def _turns(self, days: npt.NDArray[np.datetime64]) -> IntArray:
        """Say which plan holds on each day: -1 before the first, their number after the last."""
        turns = np.searchsorted(np.array(self.starts, dtype="datetime64[D]"), days, side="right") - 1
        if self.until is not None:
            turns[days >= np.datetime64(self.until, "D")] = len(self.plans)
        return turns.astype(np.int64)

    def owners(
        self,
        leads: object,
        *,
        date: str = "on",
        zone: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> pd.DataFrame:
        """Say who owned each lead on each day.

        Parameters
        ----------
        leads : table
            ``lead_id`` and a column of days or times; a lead may stand in any number of rows.
        date : str, default "on"
            The name of that column.
        zone : str, optional
            IANA name of the business's time zone. Times with an offset need it to have a day; times without
            one and times with one never stand in one column.
        columns : mapping, optional
            ``{"name in your table": "name above"}``.

        Returns
        -------
        DataFrame
            One row for each row of the table, under the same index: ``lead_id``, the day under the name of
            its column, ``rep_id`` (missing without an owner), and ``reason``: "owned", "no owner", "not in
            the plan" (no such lead on that day), "before the first plan", "after the last plan".

        Raises
        ------
        InvalidInput
            With every row whose lead or day is missing or cannot be told.
        """
        faults: list[Problem] = []
        table = Reader(tables(columns, leads=leads)["leads"], "leads", key=("lead_id",), faults=faults)
        ids, days = table.ids("lead_id"), table.dates(date, zone=zone)
        # An id that is new in one plan may stand in another one: only a type that no plan has is a fault.
        known = Labels.of(*(ids_of(plan.lead_labels) for plan in self.plans))
        check_same_type(faults, "leads.lead_id", ids, known, "the plans", table.rows)
        raise_all("owners", faults)

        turns = self._turns(days)
        rep = np.full(len(ids), None, dtype=object)
        reason = np.where(turns < 0, "before the first plan", "after the last plan").astype(object)
        for turn, plan in enumerate(self.plans):
            rows = np.flatnonzero(turns == turn)
            if not len(rows):
                continue
            lead = plan.lead_labels.codes(ids.take(rows))
            owner = np.where(lead >= 0, np.append(plan.owner, -1)[lead], -1)
            rep[rows] = labels_at(plan.rep_labels, owner)
            reason[rows] = np.where(owner >= 0, "owned", np.where(lead >= 0, "no owner", "not in the plan"))
        frame = pd.DataFrame(
            {
                "lead_id": id_column(ids.labels()),
                date: pd.Series(days.astype("datetime64[s]")),
                "rep_id": id_column(rep),
                "reason": pd.Series(reason, dtype="str"),
            }
        )
        frame.index = table.frame.index
        return frame

    def changes(self) -> pd.DataFrame:
        """List what changes hands from each plan to the next.

        Returns
        -------
        DataFrame
            ``lead_id``, ``from_rep_id``, ``to_rep_id`` (missing without an owner), ``on`` (the first day of
            the new plan) and ``change``: "handover" from one rep to another, "taken up" and "given up" of a
            lead that had, or has, no owner, "new lead" and "lead gone" of one that the other plan does not
            have. By day, then in label order of the leads.
        """
        parts = [
            changed(before, after, start)
            for (before, after), start in zip(pairwise(self.plans), self.starts[1:], strict=True)
        ]
        columns = {
            name: [cell for part in parts for cell in part[name]]
            for name in ("lead_id", "from_rep_id", "to_rep_id", "on", "change")
        }
        ids = ("lead_id", "from_rep_id", "to_rep_id")
        return pd.DataFrame(
            {
                **{name: id_column(column_of(columns[name])) for name in ids},
                "on": pd.Series(np.array(columns["on"], dtype="datetime64[s]")),
                "change": pd.Series(columns["change"], dtype="str"),
            }
        )

    def explain(self, lead: Hashable) -> Explanation:
        """Say who owns a lead from when on.

        Parameters
        ----------
        lead : hashable
            Its id.

        Returns
        -------
        Explanation

        Raises
        ------
        InvalidInput
            If no plan has the lead.
        """
        told, facts = list[str](), dict[str, Any]()
        for start, plan in zip(self.starts, self.plans, strict=True):
            k = plan.lead_labels.position(lead)
            rep = int(plan.owner[k]) if k >= 0 else -1
            facts[str(start)] = plan.rep_labels[rep] if rep >= 0 else None
            words = f"owned by rep {show(plan.rep_labels[rep])}" if rep >= 0 else "no owner"
            told.append(f"from {start}: {words if k >= 0 else 'not in the plan'}")
        if all(plan.lead_labels.position(lead) < 0 for plan in self.plans):
            near = closest(lead, self.plans[-1].lead_labels.values.tolist())
            fault = Problem(path="lead", message="is in no plan", values=(show(lead),), suggestions=near)
            raise InvalidInput("lead: 1 problem", [fault])
        if self.until is not None:
            told.append(f"from {self.until}: no plan")
        return Explanation(subject=f"lead {show(lead)}", facts=facts, sentences=tuple(told))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each plan.

        Returns
        -------
        DataFrame
            ``start``, ``end`` (missing without an end), ``n_leads``, ``n_owned``, ``score``, ``gap``,
            ``n_changes`` (against the plan before).
        """
        ends = [*self.starts[1:], self.until]
        moved = self.changes()["on"].to_numpy().astype("datetime64[D]")
        return pd.DataFrame(
            {
                "start": pd.Series(np.array(self.starts, dtype="datetime64[s]")),
                "end": pd.Series(np.array(ends, dtype="datetime64[s]")),
                "n_leads": [len(plan.owner) for plan in self.plans],
                "n_owned": [int((plan.owner >= 0).sum()) for plan in self.plans],
                "score": [plan.total_score for plan in self.plans],
                "gap": [np.nan if plan.gap is None else plan.gap for plan in self.plans],
                "n_changes": [int((moved == np.datetime64(start, "D")).sum()) for start in self.starts],
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many leads change owner on which day.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure without it.

        Returns
        -------
        matplotlib Axes
        """
        ax = _display.axes(ax, (6.4, 3.2))
        frame = self.to_frame()
        names = [str(start) for start in self.starts]
        bars = ax.bar(names, frame["n_changes"], color="#2a6f97", width=0.6)
        ax.bar_label(bars, [number(float(n)) for n in frame["n_changes"]], fontsize=8)
        ax.set_ylabel("leads that change owner")
        ax.set_title("Changes of owner by the day they hold from")
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """Return the days and the plans as plain JSON types.

        Returns
        -------
        dict
        """
        return {
            "kind": "territory_timeline",
            "schema_version": _SCHEMA_VERSION,
            "from": [start.isoformat() for start in self.starts],
            "until": None if self.until is None else self.until.isoformat(),
            "plans": [plan.to_dict() for plan in self.plans],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read a timeline that :meth:`to_dict` wrote; its plans have no ``prox``, so no introductions.

        Parameters
        ----------
        document : mapping

        Returns
        -------
        Timeline

        Raises
        ------
        InvalidInput
            If fields are missing, unknown or contradict each other.
        """
        if not isinstance(document, Mapping):
            raise refuse("$", "is not the document of a timeline", type(document).__name__)
        raise_all("timeline", fields_amiss(document, set(_FIELDS)))
        check_choice("$.kind", document["kind"], ("territory_timeline",))
        if document["schema_version"] != _SCHEMA_VERSION:
            raise refuse("$.schema_version", f"must be {_SCHEMA_VERSION}", document["schema_version"])
        starts, plans = document["from"], document["plans"]
        if not isinstance(starts, list) or not isinstance(plans, list) or len(starts) != len(plans):
            raise refuse("$.from", "is a list with one day for each plan", starts)
        if len(set(map(str, starts))) < len(starts):
            raise refuse("$.from", "two plans start on one day", starts)
        made = {start: TerritoryPlan.from_dict(plan) for start, plan in zip(starts, plans, strict=True)}
        return cls.of(made, until=document["until"])

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of :meth:`to_dict`, made from the same fields.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.territory import Timeline
        >>> Timeline.json_schema()["required"]
        ['from', 'kind', 'plans', 'schema_version', 'until']
        """
        return schema("Timeline", "Territory plans in force one after the other.", record(_FIELDS))

    def _span(self) -> str:
        last = None if self.until is None else self.until - dt.timedelta(days=1)
        return f"from {self.starts[0]}" if last is None else f"{self.starts[0]} to {last}"

    def __repr__(self) -> str:
        return f"Timeline({count(len(self.plans), 'plan')}, {self._span()})"

    def _repr_html_(self) -> str:
        return _display.html_card("Territory timeline", {"plans hold": self._span()}, [("", self.to_frame())])


def _day(path: str, value: object, faults: list[Problem]) -> dt.date | None:
    """Read one day; what is none is a fault."""
    try:
        return day_of(path, value)
    except InvalidInput as error:
        faults.extend(error.problems)
        return None
