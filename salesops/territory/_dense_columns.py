"""All that each rep could own in a good plan, listed, and the best plan of such lists.

At prices of the leads, a plan costs the bound by knapsacks plus what each rep's leads gain less than the best
knapsack of hers. So each rep of a plan that costs at most the bound and `slack` owns a set that gains at most
that much less. Where bound and plans are close these sets are few, and to choose one for each rep is a set
partitioning problem whose relaxation is close too.

References
----------
M. Savelsbergh (1997), "A branch-and-price algorithm for the generalized assignment problem".
R. Baldacci, N. Christofides, A. Mingozzi (2008), "An exact algorithm for the vehicle routing problem based on
the set partitioning formulation with additional cuts": the sets within the gap listed, then one programme.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops.territory._dense import DenseCase
from salesops.territory._dense_knapsack import Knapsacks
from salesops.territory._dense_programme import Answer, choose
from salesops.territory._prices import FloatArray, IntArray

_PAD = 1e-12


@attrs.frozen(kw_only=True, eq=False)
class Columns:
    """Sets of leads that reps may own, C of them.

    Attributes
    ----------
    rep : ndarray of shape (C,)
    takes : ndarray of shape (C, n)
        Which leads.
    is_alone : ndarray of shape (R,)
        Whether a rep owns one of the sets; those without a capacity own any number, of one lead each.
    """

    rep: IntArray
    takes: npt.NDArray[np.bool_]
    is_alone: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls, case: DenseCase, knapsacks: Knapsacks, pays: FloatArray, slack: float, *, most: int
    ) -> Columns | None:
        """List what each rep owns in plans that cost at most the bound and `slack`; None for more sets."""
        pad = _PAD * float(np.abs(pays).sum())
        is_alone = np.isfinite(case.upper[:, 0])
        found, reps, left = [], [], most
        for rep in range(case.n_reps):
            if is_alone[rep]:
                takes = _sets(knapsacks, rep, pays, slack + pad, left)
                if takes is None:
                    return None
                # Knapsacks round workloads down; what breaks a limit by a rounding error may stay.
                used = np.where(takes, case.work[0][rep], 0.0).sum(axis=1)
                takes = takes[used <= case.upper[rep, 0] * (1 + _PAD)]
            else:
                near = np.flatnonzero(knapsacks.cost[rep] - pays <= slack + pad)
                takes = np.zeros((len(near), case.n_leads), dtype=bool)
                takes[np.arange(len(near)), near] = True
            left -= len(takes)
            if left < 0:
                return None
            found.append(takes)
            reps.append(np.full(len(takes), rep))
        return cls(rep=np.concatenate(reps), takes=np.concatenate(found), is_alone=is_alone)

    def __len__(self) -> int:
        return len(self.rep)

    def solve(self, case: DenseCase, limit: float | None, *, nodes: int) -> Answer:
        """Choose sets that share the leads out at least cost."""
        from scipy.optimize import LinearConstraint

        size = len(self)
        once = sparse.csr_array(self.takes.T, dtype=float)
        alone = self.is_alone[self.rep]
        one = sparse.csr_array(
            (np.ones(int(alone.sum())), (self.rep[alone], np.flatnonzero(alone))), shape=(case.n_reps, size)
        )[self.is_alone]
        if not (self.takes.any(axis=0).all() and one.sum(axis=1).all()):
            return Answer(status=2, nodes=0, owner=None, bound=None)
        cost = np.where(np.isfinite(case.cost), case.cost, 0.0)
        bill = np.einsum("cn,cn->c", self.takes, cost[self.rep])
        # Whole costs stay whole, which the solver makes use of.
        scale = 1.0 if case.step else 1000.0 / (float(np.abs(bill).max(initial=0.0)) or 1.0)
        limits = [LinearConstraint(once, 1.0, 1.0), LinearConstraint(one, 1.0, 1.0)]
        taken, answer = choose(bill, scale, limits, limit, nodes=nodes)
        if taken is None:
            return answer
        owner = np.zeros(case.n_leads, dtype=np.int64)
        for chosen in np.flatnonzero(taken).tolist():
            owner[self.takes[chosen]] = self.rep[chosen]
        return attrs.evolve(answer, owner=owner)


def _sets(
    knapsacks: Knapsacks, rep: int, pays: FloatArray, slack: float, most: int
) -> npt.NDArray[np.bool_] | None:
    """List the sets of a rep that gain at most `slack` less than her best one; None if there are more.

    Lead by lead from the last to the first, a partial set goes on only while the best of what the leads
    before it still allow brings it within the slack: none is a dead end.
    """
    room = int(knapsacks.room[rep])
    gain, work = pays - knapsacks.cost[rep], knapsacks.work[rep]
    leads = np.flatnonzero((gain > -slack) & (work <= room))
    gain, work, k = gain[leads], work[leads], len(leads)
    ahead = np.zeros((k + 1, room + 1))
    for t, (each, need) in enumerate(zip(gain.tolist(), work.tolist(), strict=True)):
        ahead[t + 1] = ahead[t]
        np.maximum(ahead[t + 1, need:], ahead[t, : room + 1 - need] + each, out=ahead[t + 1, need:])
    least = ahead[k, room] - slack
    left, gained = np.array([room]), np.zeros(1)
    parents: list[IntArray] = []
    chosen: list[npt.NDArray[np.bool_]] = []
    for t in range(k - 1, -1, -1):
        without = np.flatnonzero(gained + ahead[t, left] >= least)
        after = left - work[t]
        within = np.flatnonzero(after >= 0)
        within = within[gained[within] + gain[t] + ahead[t, after[within]] >= least]
        if len(without) + len(within) > most:
            return None
        parents.append(np.concatenate([without, within]))
        chosen.append(np.repeat([False, True], [len(without), len(within)]))
        left = np.concatenate([left[without], after[within]])
        gained = np.concatenate([gained[without], gained[within] + gain[t]])
    takes = np.zeros((len(left), len(pays)), dtype=bool)
    at = np.arange(len(left))
    for lead, parent, is_chosen in zip(leads, reversed(parents), reversed(chosen), strict=True):
        takes[:, lead] = is_chosen[at]
        at = parent[at]
    return takes
