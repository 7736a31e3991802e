"""The leads that want a specialist, one by one or as territories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._faults import raise_all, refuse
from salesops._frames import check_known, id_column
from salesops.errors import Problem
from salesops.territory._eligible import distinct_sets
from salesops.territory._known import proximity_of_pairs
from salesops.territory._pairs import read_scores
from salesops.territory._united import ids_of
from salesops.territory.inputs import Rows, column_of, read_rows
from salesops.territory.plan import TerritoryPlan
from salesops.territory.results import Proximity

IntArray = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class Supported:
    """The leads that want a specialist, in label order, and who owns them."""

    plan: TerritoryPlan
    reps: Rows
    leads: Rows
    owner: IntArray

    @classmethod
    def read(cls, plan: TerritoryPlan, frames: Mapping[str, pd.DataFrame]) -> Supported:
        faults: list[Problem] = []
        reps = read_rows(frames["reps"], "reps", "rep_id", faults)
        leads = read_rows(frames["leads"], "leads", "lead_id", faults)
        check_known(faults, "leads.lead_id", leads.ids, plan.lead_labels, "the plan", leads.table.rows)
        raise_all("overlay", faults)
        owner = plan.owner[plan.lead_labels.codes(ids_of(leads.labels))]
        return cls(plan=plan, reps=reps, leads=leads, owner=owner)

    def not_oneself(self, forbidden: pd.DataFrame | None, owner: IntArray | None) -> pd.DataFrame | None:
        """Forbid everybody to stand beside herself; without owners of leads, what is owned is the owner."""
        mine = self.reps.labels.codes(ids_of(self.plan.rep_labels))
        if owner is None:
            both = np.unique(self.owner[self.owner >= 0])
            both = both[mine[both] >= 0]
            ids, who = self.plan.rep_labels.values[both], self.plan.rep_labels.values[both]
        else:
            both = np.flatnonzero(np.append(mine, -1)[owner] >= 0)
            ids, who = self.leads.labels.values[both], self.plan.rep_labels.values[owner[both]]
        if not len(both):
            return forbidden
        own = pd.DataFrame({"lead_id": id_column(ids), "rep_id": id_column(who)}, dtype=object)
        if forbidden is None:
            return own
        return pd.concat([forbidden.astype(object), own], ignore_index=True)

    def territories(self, owners: IntArray) -> pd.DataFrame:
        """Make the table of owners, each with everything that her leads take and ask for."""
        table, n = self.leads.table, len(self.plan.rep_labels)
        faults = table.faults
        owned = self.owner >= 0
        columns: dict[str, Any] = {"lead_id": id_column(self.plan.rep_labels.values[owners])}
        numeric = [
            str(name)
            for name, kind in table.frame.dtypes.items()
            if name in ("value", "workload")
            or (pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))
        ]
        for name in dict.fromkeys(["value", "workload", *numeric]):
            if name == "lead_id":
                continue
            amount = self.leads.column(table.numbers(name, minimum=0, default=1))
            columns[name] = np.bincount(self.owner[owned], weights=amount[owned], minlength=n)[owners]
        if table.has("requires"):
            sets, code = distinct_sets(table, "requires", is_many=True)
            asked: list[set[Any]] = [set() for _ in range(n)]
            for rep, k in zip(self.owner.tolist(), self.leads.column(code).tolist(), strict=True):
                if rep >= 0:
                    asked[rep] |= {value for _, value in sets[k]}
            columns["requires"] = pd.Series(
                column_of([sorted(asked[k], key=repr) for k in owners.tolist()]), dtype=object
            )
        raise_all("overlay", faults)
        return pd.DataFrame(columns)

    def scores(self, prox: Proximity | None, score: pd.DataFrame | None) -> pd.DataFrame:
        """Sum up what the leads of each owner score with each specialist."""
        reps, leads, faults = self.reps.labels, self.leads.labels, list[Problem]()
        if score is not None:
            known = read_scores(score, reps, leads, faults)
            if known.work is not None:
                rule = "has no meaning for territories"
                faults.append(Problem(path="score.workload", message=rule, hint="leave the column out"))
            raise_all("overlay", faults)
            lead, rep, worth = known.lead, known.rep, known.score
        else:
            if not isinstance(prox, Proximity):
                hint = "pass the result of proximity(), or score= with rep_id, lead_id, score"
                raise refuse("prox", "there is nothing to maximise", prox, hint=hint)
            for rows, labels in ((self.reps, prox.rep_labels), (self.leads, prox.lead_labels)):
                path = f"{rows.table.name}.{'rep_id' if rows is self.reps else 'lead_id'}"
                check_known(faults, path, rows.ids, labels, "the proximity", rows.table.rows)
            raise_all("overlay", faults)
            value = self.leads.column(self.leads.table.numbers("value", minimum=0, default=1))
            lead, rep, near = proximity_of_pairs(prox, reps, leads)
            worth = near * value[lead]
        owner = self.owner[lead]
        order = np.lexsort((lead, rep, owner))
        order = order[(owner[order] >= 0) & (worth[order] > 0)]
        pair = owner[order] * max(len(reps), 1) + rep[order]
        keys, first = np.unique(pair, return_index=True)
        total = np.add.reduceat(worth[order], first) if len(first) else np.zeros(0)
        return pd.DataFrame(
            {
                "rep_id": id_column(reps.values[keys % max(len(reps), 1)]),
                "lead_id": id_column(self.plan.rep_labels.values[keys // max(len(reps), 1)]),
                "score": total,
            }
        )
