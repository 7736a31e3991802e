"""Several plans for the same leads, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import pandas as pd

from salesops import _display
from salesops._faults import raise_all, refuse
from salesops._frames import id_column
from salesops.errors import Problem, show
from salesops.territory.inputs import labels_at
from salesops.territory.plan import TerritoryPlan

__all__ = ["Comparison", "compare"]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Comparison:
    """Plans for the same leads, made by :func:`compare`.

    Attributes
    ----------
    plans : mapping of str to TerritoryPlan

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [1, 1]}, {"lead_id": ["acme", "bolt"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> swapped = {"rep_id": ["ann", "bo"], "lead_id": ["bolt", "acme"], "score": [1, 1]}
    >>> both = territory.compare(
    ...     {
    ...         "by alphabet": territory.assign(reps, leads, near, score=swapped),
    ...         "by proximity": territory.assign(reps, leads, near),
    ...     }
    ... )
    >>> both.to_frame()[["plan", "warm_share"]]
               plan  warm_share
    0   by alphabet         0.0
    1  by proximity         1.0
    >>> both.moved("by alphabet", "by proximity")
      lead_id rep_before rep_after
    0    acme         bo       ann
    1    bolt        ann        bo
    >>> print(both.explain("by alphabet", "by proximity"))
    2 of 2 leads change owner; with a warm introduction within 2 hops: 0.0 % before, 100.0 % after
    >>> len(both.to_dict()["plans"])
    2
    """

    plans: Mapping[str, TerritoryPlan]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each plan: ``plan`` and the columns of :meth:`TerritoryPlan.metrics`.

        Returns
        -------
        DataFrame
            ``score``, ``bound`` and ``gap`` belong to what each plan maximised and are not comparable between
            plans that maximise different things; the other columns are.
        """
        rows = [plan.metrics().assign(plan=name) for name, plan in self.plans.items()]
        frame = pd.concat(rows, ignore_index=True)
        return frame[["plan", *frame.columns.drop("plan")]]

    def moved(self, before: str, after: str) -> pd.DataFrame:
        """Return the leads whose owner differs between two plans.

        Parameters
        ----------
        before, after : str
            Names of plans.

        Returns
        -------
        DataFrame
            ``lead_id``, ``rep_before``, ``rep_after``, in label order.
        """
        for name in (before, after):
            if name not in self.plans:
                fault = Problem(path="plans", message="there is no plan of this name", values=(show(name),))
                raise_all("comparison", [fault])
        one, other = self.plans[before], self.plans[after]
        was, now = labels_at(one.rep_labels, one.owner), labels_at(other.rep_labels, other.owner)
        differs = np.array([a != b for a, b in zip(was.tolist(), now.tolist(), strict=True)], dtype=bool)
        return pd.DataFrame(
            {
                "lead_id": id_column(one.lead_labels.values[differs]),
                "rep_before": id_column(was[differs]),
                "rep_after": id_column(now[differs]),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON types.

        Returns
        -------
        dict
        """
        frame = self.to_frame().astype(object)
        records = frame.where(frame.notna(), None).to_dict("records")
        return {"kind": "territory_comparison", "plans": records}

    def explain(self, before: str, after: str) -> str:
        """Say in one line what changes between two plans.

        Parameters
        ----------
        before, after : str
            Names of plans.

        Returns
        -------
        str
        """
        moved = self.moved(before, after)
        plans = (self.plans[before], self.plans[after])
        warm = [_display.percent(float(plan.metrics()["warm_share"].iloc[0])) for plan in plans]
        return (
            f"{len(moved)} of {len(plans[0].owner)} leads change owner; "
            f"with a warm introduction within 2 hops: {warm[0]} before, {warm[1]} after"
        )

    def _shown(self) -> pd.DataFrame:
        names = {
            "plan": "plan",
            "n_owned": "owned",
            "warm_share": "warm within 2 hops",
            "proximity": "value-weighted proximity",
            "value_min": "least value",
            "value_max": "greatest value",
            "value_cv": "value cv",
            "capacity_use": "capacity use",
            "gap": "certified gap",
        }
        frame = self.to_frame()[list(names)].rename(columns=names)
        for name in ("warm within 2 hops", "least value", "greatest value", "value cv", "capacity use"):
            frame[name] = [_display.percent(float(value)) for value in frame[name]]
        frame["certified gap"] = [_display.percent(float(value), 3) for value in frame["certified gap"]]
        return frame

    def __repr__(self) -> str:
        return _display.text_table(self._shown())

    def _repr_html_(self) -> str:
        return _display.html_card("Territory plans", {}, [("", self._shown())])


def compare(plans: Mapping[str, TerritoryPlan]) -> Comparison:
    """Put plans for the same leads side by side.

    Parameters
    ----------
    plans : mapping of str to TerritoryPlan
        ``{"by country": plan_geo, "by social proximity": plan}``, each from :func:`assign` with the same
        ``prox``, so that proximities are comparable.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInput
        If there is no plan, or plans differ in leads or their values.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"], "capacity": [1, 1]}, {"lead_id": ["acme", "bolt"]}
    >>> near = territory.proximity(graph, reps, leads)
    >>> swapped = {"rep_id": ["ann", "bo"], "lead_id": ["bolt", "acme"], "score": [1, 1]}
    >>> territory.compare(
    ...     {
    ...         "by alphabet": territory.assign(reps, leads, near, score=swapped),
    ...         "by proximity": territory.assign(reps, leads, near),
    ...     }
    ... ).to_frame()[["plan", "warm_share"]]
               plan  warm_share
    0   by alphabet         0.0
    1  by proximity         1.0
    """
    given: object = plans
    if not isinstance(given, Mapping):
        hint = 'write {"by country": one, "by social proximity": other}'
        raise refuse("plans", "is not a mapping of a name to its plan", type(given).__name__, hint=hint)
    strange = [name for name, plan in given.items() if not isinstance(plan, TerritoryPlan)]
    said = "is not a plan that assign() made"
    found = [
        Problem(path=f"plans[{name!r}]", message=said, values=(type(plans[name]).__name__,))
        for name in strange
    ]
    raise_all("compare", found)
    if not plans:
        raise_all("compare", [Problem(path="plans", message="there is no plan to compare")])
    faults = []
    names = list(plans)
    first = plans[names[0]]
    for name in names:
        plan = plans[name]
        if plan.lead_labels.values.tolist() != first.lead_labels.values.tolist():
            faults.append(Problem(path=f"plans[{name!r}]", message="has other leads than the first plan"))
        elif not np.array_equal(plan.value, first.value):
            faults.append(Problem(path=f"plans[{name!r}]", message="has other values than the first plan"))
    raise_all("compare", faults)
    return Comparison(plans=dict(plans))
