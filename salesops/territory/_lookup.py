"""What the pairs of some leads of a plan score, and what they take."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._frames import Labels
from salesops.territory._eligible import Eligibility
from salesops.territory._known import places, proximity_of_pairs
from salesops.territory._listed import Pairs
from salesops.territory._pairs import Scores
from salesops.territory._prices import FloatArray, IntArray


@attrs.frozen(kw_only=True, eq=False)
class Lookup:
    """What the known pairs of some leads score, m leads."""

    plan: Any
    leads: IntArray
    pairs: Pairs
    known: Scores | None

    @classmethod
    def of(cls, plan: Any, leads: IntArray) -> Lookup:
        table: Scores | None = plan.premises.pairs
        if table is None:
            pairs = _near_pairs(plan, leads)
            return cls(plan=plan, leads=leads, pairs=pairs, known=None)
        place = np.full(len(plan.owner), -1, dtype=np.int64)
        place[leads] = np.arange(len(leads))
        here = place[table.lead] >= 0
        own = Scores(
            lead=place[table.lead[here]],
            rep=table.rep[here],
            score=table.score[here],
            work=None if table.work is None else table.work[here],
        )
        return cls(
            plan=plan,
            leads=leads,
            pairs=Pairs.of_table(own.lead, own.rep, own.score, len(leads)),
            known=own,
        )

    def score_of(self, rep: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Give what each lead scores with one rep each, 0 where the pair is not known; and whether it is."""
        mine = (self.pairs.reps == rep[:, None]) & (self.pairs.reps >= 0)
        return np.where(mine, self.pairs.scores, 0.0).sum(axis=1), mine.any(axis=1)

    def work_of(self, rep: IntArray) -> FloatArray:
        """Give the workload of each lead with one rep each, -1 for nobody."""
        own = self.plan.premises.own_work
        if own is None:
            return np.asarray(self.plan.use[self.leads, 0])
        work, known = own[self.leads].copy(), self.known
        if known is not None and known.work is not None:
            here = known.rep == rep[known.lead]
            work[known.lead[here]] = known.work[here]
        return np.asarray(work)

    def runner_up(self, rep: IntArray) -> tuple[IntArray, FloatArray]:
        """Find the allowed rep of greatest score beside one rep each, the first of equals."""
        reps, n = self.pairs.reps, len(self.leads)
        allowed = (reps >= 0) & (reps != rep[:, None])
        eligibility: Eligibility | None = self.plan.eligibility
        if eligibility is not None:
            allowed &= eligibility.may[eligibility.kind[self.leads, None], np.maximum(reps, 0)]
        bans = self.plan.premises.forbidden
        place = np.full(len(self.plan.owner), -1, dtype=np.int64)
        place[self.leads] = np.arange(n)
        bans = bans[place[bans[:, 0]] >= 0]
        line, column = np.nonzero(reps[place[bans[:, 0]]] == bans[:, 1, None])
        allowed[place[bans[line, 0]], column] = False
        who, best = np.full(n, -1, dtype=np.int64), np.zeros(n)
        rows = np.flatnonzero(allowed.any(axis=1))
        if len(rows):
            first = np.where(allowed, self.pairs.scores, -np.inf).argmax(axis=1)[rows]
            who[rows], best[rows] = reps[rows, first], self.pairs.scores[rows, first]
        return who, best

    def is_cut_off(self, rep: IntArray, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Mark the leads whose new owner is known to have no connection, where a plan needs one."""
        if self.plan.fallback != "none":
            return np.zeros(len(rep), dtype=bool)
        floor = 0.0
        if self.plan.premises.pairs is None:
            floor = self.plan.prox.floor[
                places(self.plan.lead_labels, self.plan.prox.lead_labels)[self.leads]
            ]
        cut_off = (rep >= 0) & ~known & (floor <= 0)
        if self.plan.current is not None:
            cut_off &= rep != self.plan.current[self.leads]  # whoever owns a lead today may keep it
        return np.asarray(cut_off)


def _near_pairs(plan: Any, leads: IntArray) -> Pairs:
    """Lay out the kept pairs of some leads at value times proximity, reps in rising order."""
    few = Labels(plan.lead_labels.values[leads])
    lead, rep, near = proximity_of_pairs(plan.prox, plan.rep_labels, few)
    return Pairs.of_table(lead, rep, near * plan.value[leads][lead], len(leads))
