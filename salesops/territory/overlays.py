"""Overlays: specialists who stand beside the owners of leads, such as solution engineers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, Self

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display, _run
from salesops._display import number, percent
from salesops._faults import check_choice, count, fields_amiss, raise_all, refuse
from salesops._frames import Labels, from_plain, id_column, to_plain
from salesops._frames.ids import factorize
from salesops._frames.tables import object_column
from salesops.errors import show
from salesops.territory._plan_document import shape_of_plan
from salesops.territory._shapes import ID, PLACE_OR_NONE, TEXT, Shape, list_of, record, schema
from salesops.territory._supported import Supported
from salesops.territory._united import ids_of
from salesops.territory.assignment import assign
from salesops.territory.inputs import find, labels_at, tables
from salesops.territory.plan import TerritoryPlan
from salesops.territory.results import Explanation, Proximity

__all__ = ["Overlay", "overlay"]

IntArray = npt.NDArray[np.int64]

_SCHEMA_VERSION = 1
_PLAN = shape_of_plan({field.name for field in attrs.fields(TerritoryPlan)})
_FIELDS: dict[str, Shape] = {
    "kind": {"const": "territory_overlay"},
    "schema_version": {"const": _SCHEMA_VERSION},
    "role": TEXT,
    "of": {"enum": ["leads", "territories"]},
    "leads": list_of(ID),
    "owners": list_of(ID),
    "owner": list_of(PLACE_OR_NONE),
    "unit": list_of(PLACE_OR_NONE),
    "plan": _PLAN,
}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Overlay:
    """Who stands beside the owner of each lead, made by :func:`overlay`.

    Attributes
    ----------
    role : str
        What the specialists do.
    of : {"leads", "territories"}
        What each of them supports.
    plan : TerritoryPlan
        Of the specialists: who supports which lead, or which owner with all her leads, with its certified
        gap.
    lead_labels, owner_labels : Labels
        The leads, and the reps of the plan that the overlay stands beside.
    owner : ndarray of shape (n_leads,)
        Position of the owner of each lead, -1 for nobody.
    unit : ndarray of shape (n_leads,)
        Where each lead stands among the leads of `plan`, -1 for nowhere.

    Examples
    --------
    >>> from salesops import territory
    >>> score = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "bolt"], "score": [5, 3]}
    >>> plan = territory.assign({"rep_id": ["ann", "bo"]}, {"lead_id": ["acme", "bolt"]}, score=score)
    >>> engineers = {"rep_id": ["eve", "fay"], "capacity": [1, 1]}
    >>> knows = {"rep_id": ["eve", "fay"], "lead_id": ["bolt", "acme"], "score": [2, 1]}
    >>> beside = territory.overlay(plan, engineers, score=knows, role="solution engineer")
    >>> beside
    Overlay('solution engineer', 2 reps beside 2 of 2 leads, certified gap 0.000 %)
    >>> beside.to_frame()
      lead_id rep_id overlay_rep_id               role
    0    acme    ann            fay  solution engineer
    1    bolt     bo            eve  solution engineer
    >>> beside.loads()[["overlay_rep_id", "n_leads", "n_owners", "load", "capacity"]]
      overlay_rep_id  n_leads  n_owners  load  capacity
    0            eve        1         1   1.0       1.0
    1            fay        1         1   1.0       1.0
    >>> beside.explain("acme")
    lead 'acme'
      owned by rep 'ann'
      solution engineer 'fay': score 1
    >>> territory.Overlay.from_dict(beside.to_dict()).to_dict() == beside.to_dict()
    True
    """

    role: str
    of: str
    plan: TerritoryPlan
    lead_labels: Labels
    owner_labels: Labels
    owner: IntArray
    unit: IntArray

    @property
    def _specialist(self) -> IntArray:
        return np.asarray(np.append(self.plan.owner, -1)[self.unit])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each lead.

        Returns
        -------
        DataFrame
            ``lead_id``, ``rep_id`` (the owner), ``overlay_rep_id`` (missing where nobody stands beside her),
            ``role``, in label order.
        """
        return pd.DataFrame(
            {
                "lead_id": id_column(self.lead_labels.values),
                "rep_id": id_column(labels_at(self.owner_labels, self.owner)),
                "overlay_rep_id": id_column(labels_at(self.plan.rep_labels, self._specialist)),
                "role": pd.Series([self.role] * len(self.owner), dtype="str"),
            }
        )

    def loads(self) -> pd.DataFrame:
        """Sum up what each specialist supports.

        Returns
        -------
        DataFrame
            ``overlay_rep_id``, ``n_leads``, ``n_owners`` (beside how many owners), ``load``, ``capacity``,
            ``value``, ``score``, in label order.
        """
        frame = self.plan.loads().rename(columns={"rep_id": "overlay_rep_id"})
        who, n = self._specialist, len(frame)
        frame["n_leads"] = np.bincount(who[who >= 0], minlength=n)
        both = np.flatnonzero((who >= 0) & (self.owner >= 0))
        pairs = np.unique(np.stack([who[both], self.owner[both]], axis=1), axis=0)
        frame.insert(2, "n_owners", np.bincount(pairs[:, 0], minlength=n))
        return frame

    def explain(self, lead: Hashable, *, names: bool = False) -> Explanation:
        """Say who stands beside the owner of a lead, and why.

        Parameters
        ----------
        lead : hashable
            Its id.
        names : bool, default False
            True names the people of the introduction, for callers who may see them.

        Returns
        -------
        Explanation
        """
        k = find(self.lead_labels, lead, "lead", "leads")
        owner, unit = int(self.owner[k]), int(self.unit[k])
        facts: dict[str, Any] = {"owner": self.owner_labels[owner] if owner >= 0 else None}
        told = [f"owned by rep {show(facts['owner'])}" if owner >= 0 else "has no owner"]
        who = int(self._specialist[k])
        facts["overlay_rep"] = self.plan.rep_labels[who] if who >= 0 else None
        if unit < 0:
            told.append(f"no {self.role}: nobody to stand beside")
        elif who < 0:
            told.append(f"no {self.role}: {self.plan.reason[unit]}")
        else:
            whole = "" if self.of == "leads" else " for the whole territory"
            told.append(
                f"{self.role} {show(self.plan.rep_labels[who])}: "
                f"score {number(float(self.plan.score[unit]))}{whole}"
            )
            rest = self.plan.explain(self.plan.lead_labels[unit], names=names).sentences[1:]
            told += [sentence for sentence in rest if self.of == "leads" or "introduction" not in sentence]
        return Explanation(subject=f"lead {show(lead)}", facts=facts, sentences=tuple(told))

    def to_dict(self) -> dict[str, Any]:
        """Return the overlay as plain JSON types.

        Returns
        -------
        dict
        """
        return {
            "kind": "territory_overlay",
            "schema_version": _SCHEMA_VERSION,
            "role": self.role,
            "of": self.of,
            "leads": to_plain(self.lead_labels.values.tolist(), "leads"),
            "owners": to_plain(self.owner_labels.values.tolist(), "owners"),
            "owner": self.owner.tolist(),
            "unit": self.unit.tolist(),
            "plan": self.plan.to_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read an overlay that :meth:`to_dict` wrote.

        Parameters
        ----------
        document : mapping

        Returns
        -------
        Overlay

        Raises
        ------
        InvalidInput
            If fields are missing or unknown.
        """
        if not isinstance(document, Mapping):
            raise refuse("$", "is not the document of an overlay", type(document).__name__)
        raise_all("overlay", fields_amiss(document, set(_FIELDS)))
        check_choice("$.kind", document["kind"], ("territory_overlay",))
        check_choice("$.of", document["of"], ("leads", "territories"))
        if document["schema_version"] != _SCHEMA_VERSION:
            raise refuse("$.schema_version", f"must be {_SCHEMA_VERSION}", document["schema_version"])
        return cls(
            role=document["role"],
            of=document["of"],
            plan=TerritoryPlan.from_dict(document["plan"]),
            lead_labels=_labels(document["leads"]),
            owner_labels=_labels(document["owners"]),
            owner=np.array(document["owner"], dtype=np.int64),
            unit=np.array(document["unit"], dtype=np.int64),
        )

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of :meth:`to_dict`, made from the same fields.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.territory import Overlay
        >>> Overlay.json_schema()["properties"]["of"]
        {'enum': ['leads', 'territories']}
        """
        return schema("Overlay", "Who stands beside the owner of each lead.", record(_FIELDS))

    def __repr__(self) -> str:
        n, held = len(self.plan.rep_labels), int((self._specialist >= 0).sum())
        gap = "no gap" if self.plan.gap is None else f"certified gap {percent(self.plan.gap, 3)}"
        beside = f"{count(n, 'rep')} beside {held} of {count(len(self.owner), 'lead')}"
        return f"Overlay({self.role!r}, {beside}, {gap})"

    def _repr_html_(self) -> str:
        facts = {
            "leads with somebody beside the owner": f"{int((self._specialist >= 0).sum()):,} "
            f"of {len(self.owner):,}",
            "certified gap": percent(self.plan.gap, 3)
            if self.plan.gap is not None
            else str(self.plan.no_gap_reason),
        }
        return _display.html_card(f"Overlay: {self.role}", facts, [("loads", self.loads())])


def overlay(
    plan: TerritoryPlan,
    reps: object,
    prox: Proximity | None = None,
    *,
    role: str = "overlay",
    of: Literal["leads", "territories"] = "leads",
    leads: object = None,
    score: object = None,
    balance: Mapping[str, float | tuple[float, float] | None] | None = None,
    locked: object = None,
    forbidden: object = None,
    match: Sequence[str] | Mapping[str, str] | None = None,
    require_all: bool = False,
    fallback: Literal["cold", "none"] = "cold",
    time_limit: float | None = None,
    progress: _run.Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> Overlay:
    """Put specialists beside the owners of a plan.

    Parameters
    ----------
    plan : TerritoryPlan
        Who owns the leads.
    reps : table
        The specialists, as the reps of :func:`assign`: ``rep_id``, ``capacity``, ``skills`` ...
    prox : Proximity, optional
        Over at least these specialists and leads.
    role : str, default "overlay"
        What they do, for the frame and the explanations.
    of : {"leads", "territories"}, default "leads"
        "leads": each lead gets a specialist, the leads of one owner perhaps different ones. "territories":
        each owner gets one specialist for all her leads, who may support several owners. A territory takes
        the workload of all its leads, asks for everything that any of them requires, and scores what its
        leads score together (pairs that `prox` has not kept count 0).
    leads : table, optional
        The leads that want a specialist, as for :func:`assign`: what they require of her, and what they take
        of her time. By default all leads of the plan that have an owner, with the plan's values and
        workloads.
    score, locked, forbidden, balance, match, require_all, fallback, time_limit, progress, columns
        As for :func:`assign`. For territories `score` is by lead, ``lead_id`` in `locked` and `forbidden` is
        the owner, and `match` and a workload that depends on the rep have no meaning.

    Returns
    -------
    Overlay
        Nobody stands beside herself.

    Raises
    ------
    InvalidInput
        With every fault of the tables.
    Infeasible
        If no plan can keep every rule.

    Examples
    --------
    >>> from salesops import territory
    >>> score = {"rep_id": ["ann", "bo"], "lead_id": ["acme", "bolt"], "score": [5, 3]}
    >>> plan = territory.assign({"rep_id": ["ann", "bo"]}, {"lead_id": ["acme", "bolt"]}, score=score)
    >>> knows = {"rep_id": ["eve", "eve", "fay"], "lead_id": ["acme", "bolt", "bolt"], "score": [2, 3, 1]}
    >>> beside = territory.overlay(plan, {"rep_id": ["eve", "fay"]}, score=knows, of="territories")
    >>> beside.to_frame()[["lead_id", "rep_id", "overlay_rep_id"]]
      lead_id rep_id overlay_rep_id
    0    acme    ann            eve
    1    bolt     bo            eve
    """
    check_choice("of", of, ("leads", "territories"))
    if not isinstance(plan, TerritoryPlan):
        raise refuse("plan", "is not a territory plan", type(plan).__name__)
    if not isinstance(role, str) or not role.strip():
        raise refuse("role", "is a text that says what the specialists do", role)
    wanted = _leads_of(plan) if leads is None else leads
    frames = tables(columns, reps=reps, leads=wanted, score=score, locked=locked, forbidden=forbidden)
    case = Supported.read(plan, frames)
    options: dict[str, Any] = {
        "balance": balance,
        "match": match,
        "require_all": require_all,
        "fallback": fallback,
        "time_limit": time_limit,
        "progress": progress,
        "locked": frames.get("locked"),
    }
    if of == "leads":
        known = case.leads.labels
        beside = assign(
            frames["reps"],
            frames["leads"],
            prox,
            score=frames.get("score"),
            forbidden=case.not_oneself(frames.get("forbidden"), case.owner),
            **options,
        )
        unit = beside.lead_labels.codes(ids_of(known))
    else:
        if match is not None:
            raise refuse("match", "has no meaning for territories", match, hint="use requires and skills")
        owners = np.unique(case.owner[case.owner >= 0])
        beside = assign(
            frames["reps"],
            case.territories(owners),
            score=case.scores(prox, frames.get("score")),
            forbidden=case.not_oneself(frames.get("forbidden"), None),
            **options,
        )
        place = np.full(len(plan.rep_labels) + 1, -1, dtype=np.int64)
        place[owners] = beside.lead_labels.codes(ids_of(Labels(plan.rep_labels.values[owners])))
        unit = place[case.owner]
    return Overlay(
        role=role,
        of=of,
        plan=beside,
        lead_labels=case.leads.labels,
        owner_labels=plan.rep_labels,
        owner=case.owner,
        unit=unit,
    )


def _leads_of(plan: TerritoryPlan) -> pd.DataFrame:
    """Write the leads that have an owner as a table."""
    owned = plan.owner >= 0
    columns: dict[str, Any] = {
        "lead_id": id_column(plan.lead_labels.values[owned]),
        "value": plan.value[owned],
    }
    for k, name in enumerate(plan.quantities):
        columns[name] = plan.use[owned, k]
    return pd.DataFrame(columns)


def _labels(values: Any) -> Labels:
    return Labels.of(factorize(object_column(from_plain(values)))[0])
