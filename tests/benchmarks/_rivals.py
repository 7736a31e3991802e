"""Other ways to assign: greedy, and the min-cost flow of OR-Tools; and proximities that are drawn."""

import attrs
import numpy as np

from salesops import territory
from salesops._frames import Labels
from salesops.territory._known import places
from salesops.territory.results import Contacts, Proximity

_TOP = 32


@attrs.frozen(kw_only=True, eq=False)
class Case:
    """Pairs by falling score, and what every rep may own; everything in label order."""

    lead: np.ndarray
    rep: np.ndarray
    score: np.ndarray
    value: np.ndarray
    capacity: np.ndarray
    band: float | None

    @classmethod
    def of(cls, reps, leads, near, band):
        lead = np.repeat(np.arange(near.n_leads, dtype=np.int32), np.diff(near.starts))
        value = leads.sort_values("lead_id")["value"].to_numpy(dtype=float)
        capacity = reps.sort_values("rep_id")["capacity"].to_numpy(dtype=float)
        return cls(
            lead=lead,
            rep=near.reps,
            score=value[lead] * near.scores,
            value=value,
            capacity=capacity,
            band=band,
        )

    def score_of(self, owner):
        """Sum the scores of a plan."""
        return float(self.score[self.rep == owner[self.lead]].sum())

    def n_broken(self, owner):
        """Count the reps beyond their capacity or their band of value."""
        owned, n = owner >= 0, len(self.capacity)
        broken = np.bincount(owner[owned], minlength=n) > self.capacity
        if self.band is not None:
            total = np.bincount(owner[owned], weights=self.value[owned], minlength=n)
            fair = self.value.sum() / n
            broken |= np.abs(total - fair) > fair * (self.band + 1e-8)
        return int(broken.sum())


def greedy(case):
    """Give each lead, in label order, to the best rep who has room; bands are not looked at."""
    order = np.lexsort((-case.score, case.lead))
    starts = np.searchsorted(case.lead[order], np.arange(len(case.value) + 1)).tolist()
    owner, room = np.full(len(case.value), -1, dtype=np.int64), case.capacity.tolist()
    for lead in range(len(owner)):
        for rep in case.rep[order[starts[lead] : starts[lead + 1]]].tolist():
            if room[rep] > 0:
                owner[lead], room[rep] = rep, room[rep] - 1
                break
    return _with_the_others(owner, np.array(room))


def greedy_by_pair(case):
    """Give the best pair of all that is left while its rep has room; bands are not looked at."""
    owner, room = np.full(len(case.value), -1, dtype=np.int64), case.capacity.copy()
    order = np.argsort(-case.score, kind="stable")
    for start in range(0, len(order), 1 << 20):
        some = order[start : start + (1 << 20)]
        some = some[(owner[case.lead[some]] < 0) & (room[case.rep[some]] > 0)]
        for lead, rep in zip(case.lead[some].tolist(), case.rep[some].tolist(), strict=True):
            if owner[lead] < 0 and room[rep] > 0:
                owner[lead] = rep
                room[rep] -= 1
    return _with_the_others(owner, room)


def _with_the_others(owner, room):
    """Give leads whom nobody near has room for to anybody who has."""
    left = np.flatnonzero(owner < 0)
    places_left = np.repeat(np.arange(len(room)), room.astype(np.int64))[: len(left)]
    owner[left[: len(places_left)]] = places_left
    return owner


def flow(case):
    """Solve the problem of capacities alone as a min-cost flow, in steps of a billionth of the best score."""
    from ortools.graph.python import min_cost_flow

    n, m = len(case.value), len(case.capacity)
    solver = min_cost_flow.SimpleMinCostFlow()
    unit = 1e-9 * case.score.max()
    cost = -np.rint(case.score / unit).astype(np.int64)
    solver.add_arcs_with_capacity_and_unit_cost(
        case.lead.astype(np.int64), n + case.rep.astype(np.int64), np.ones(len(cost), dtype=np.int64), cost
    )
    spare = np.arange(n)
    hub, sink = n + m, n + m + 1
    solver.add_arcs_with_capacity_and_unit_cost(
        spare, np.full(n, hub), np.ones(n, np.int64), np.zeros(n, np.int64)
    )
    whom = n + np.arange(m)
    rooms = case.capacity.astype(np.int64)
    solver.add_arcs_with_capacity_and_unit_cost(np.full(m, hub), whom, rooms, np.zeros(m, np.int64))
    solver.add_arcs_with_capacity_and_unit_cost(whom, np.full(m, sink), rooms, np.zeros(m, np.int64))
    supply = np.concatenate([np.ones(n), np.zeros(m + 1), [-n]]).astype(np.int64)
    solver.set_nodes_supplies(np.arange(n + m + 2), supply)
    if solver.solve() != solver.OPTIMAL:
        raise RuntimeError("no flow")
    used = solver.flows(np.arange(len(cost))) > 0
    owner = np.full(n, -1, dtype=np.int64)
    owner[case.lead[used]] = case.rep[used]
    return _with_the_others(owner, rooms - np.bincount(owner[owner >= 0], minlength=m))


def drawn_proximity(graph, reps, leads):
    """Draw proximities of about the shape of a walk's: reps of like communities, log-normal scores."""
    rng = np.random.default_rng(0)
    n, n_reps = len(leads), len(reps)
    top = min(_TOP, n_reps)
    order = np.argsort(reps["community"].to_numpy(), kind="stable")
    place = np.searchsorted(reps["community"].to_numpy()[order], leads["community"].to_numpy())
    window = min(2 * top, n_reps)
    picked = np.argsort(rng.random((n, window), dtype=np.float32), axis=1)[:, :top]
    near = order[(place[:, None] + picked - window // 2) % n_reps].astype(np.int32)
    score = -np.sort(-np.exp(rng.normal(-8, 1.5, (n, top))), axis=1)
    labels = Labels(reps["rep_id"].to_numpy()), Labels(leads["lead_id"].to_numpy())
    return Proximity(
        method=territory.RandomWalk(),
        top=top,
        rep_labels=labels[0],
        lead_labels=labels[1],
        starts=np.arange(n + 1, dtype=np.int64) * top,
        reps=near.ravel(),
        scores=score.ravel(),
        floor=score[:, -1].copy() if top < n_reps else np.zeros(n),
        error=np.zeros(n_reps),
        graph=graph,
        persons=places(labels[0], graph.labels),
        contacts=Contacts(
            starts=np.arange(n + 1, dtype=np.int64), person=places(labels[1], graph.labels), weight=np.ones(n)
        ),
    )
