"""The tables of an assignment, read, checked and laid out as arrays in label order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import raise_all, refuse
from salesops._frames import Labels, Reader, check_known
from salesops.errors import Problem, show
from salesops.territory._prices import FloatArray, Instance, IntArray
from salesops.territory.inputs import Rows, read_rows, tables
from salesops.territory.results import Proximity

_TOLERANCE = 1e-9
"""Limits hold to one part in a billion, which is what sums of floats can tell."""


@attrs.frozen(kw_only=True, eq=False)
class Task:
    """An assignment as it was asked for.

    Attributes
    ----------
    quantities : tuple of str
        The resources: "workload", then every balanced column of the leads.
    use : ndarray of shape (n, d)
    upper, lower : ndarray of shape (R, d)
        What each rep may use, locks included, without tolerance.
    starts, pair_rep, pair_score, pair_proximity
        Known pairs of each lead as in CSR, reps in rising order, forbidden ones among them.
    most : ndarray of shape (n,)
        The most that a pair which is not known can score.
    locked : ndarray of shape (n,)
        The rep that a lead is locked to, or -1.
    forbidden : ndarray of shape (m, 2)
        Pairs (lead, rep).
    """

    reps: Labels
    leads: Labels
    quantities: tuple[str, ...]
    capacity: FloatArray
    use: FloatArray
    upper: FloatArray
    lower: FloatArray
    value: FloatArray
    starts: IntArray
    pair_rep: IntArray
    pair_score: FloatArray
    pair_proximity: FloatArray
    most: FloatArray
    locked: IntArray
    forbidden: IntArray
    balance: dict[str, float]
    fallback: str
    require_all: bool

    @property
    def n_leads(self) -> int:
        """How many leads there are."""
        return len(self.leads)

    @property
    def n_reps(self) -> int:
        """How many reps there are."""
        return len(self.reps)

    def is_forbidden(self) -> npt.NDArray[np.bool_]:
        """Mark the leads that every rep is forbidden to own."""
        tally = np.bincount(self.forbidden[:, 0], minlength=self.n_leads)
        return (tally >= self.n_reps) & (self.n_reps > 0)

    def pair_lead(self) -> IntArray:
        """Give the lead of each known pair."""
        return np.repeat(np.arange(self.n_leads), np.diff(self.starts))

    def pair_is_allowed(self) -> npt.NDArray[np.bool_]:
        """Mark the known pairs that are not forbidden."""
        key = self.pair_lead() * self.n_reps + self.pair_rep
        return np.isin(key, _pair_key(self.forbidden, self.n_reps), invert=True)

    def n_allowed(self) -> IntArray:
        """Count the known and allowed pairs of each lead."""
        return np.bincount(self.pair_lead()[self.pair_is_allowed()], minlength=self.n_leads)

    def fits_nobody(self) -> npt.NDArray[np.bool_]:
        """Mark the leads that are too large for every rep, or forbidden to all of them."""
        if not self.n_reps:
            return np.ones(self.n_leads, dtype=bool)
        large = np.flatnonzero((self.use > self.upper.min(axis=0)).any(axis=1))
        alone = self.is_forbidden()
        for lead in large.tolist():
            alone[lead] |= (self.use[lead] > self.upper * (1 + _TOLERANCE)).any(axis=1).all()
        return alone

    def instance(self) -> tuple[Instance, IntArray]:
        """Lay out the problem of the leads that are free to move, and say which they are."""
        free = np.flatnonzero((self.locked < 0) & (self.require_all | ~self.fits_nobody()))
        place = np.full(self.n_leads, -1, dtype=np.int64)
        place[free] = np.arange(len(free))
        kept = self.pair_is_allowed() & (place[self.pair_lead()] >= 0)
        lead = place[self.pair_lead()[kept]]
        known = np.bincount(lead, minlength=len(free))
        rank = np.arange(len(lead)) - (np.cumsum(known) - known)[lead]
        reps = np.full((len(free), int(known.max(initial=0))), -1, dtype=np.int32)
        scores = np.full(reps.shape, -np.inf)
        reps[lead, rank], scores[lead, rank] = self.pair_rep[kept], self.pair_score[kept]
        banned = self.forbidden[place[self.forbidden[:, 0]] >= 0].copy()
        banned[:, 0] = place[banned[:, 0]]
        others = known + np.bincount(banned[:, 0], minlength=len(free)) < self.n_reps
        is_cold = self.fallback == "cold"
        rest = np.where(others & (is_cold | (self.most[free] > 0)), self.most[free], -np.inf)
        used = np.zeros(self.upper.shape)
        held = np.flatnonzero(self.locked >= 0)
        np.add.at(used, self.locked[held], self.use[held])
        return (
            Instance(
                use=self.use[free],
                upper=self.upper * (1 + _TOLERANCE) - used,
                lower=self.lower * (1 - _TOLERANCE) - used,
                reps=reps,
                scores=scores,
                rest=rest,
                is_open=others & is_cold,
                banned=banned,
                must_own=self.require_all or is_cold,
                may_leave=not self.require_all,
            ),
            free,
        )


def read_task(
    reps: object,
    leads: object,
    prox: Proximity | None,
    *,
    score: object,
    balance: Mapping[str, float] | None,
    locked: object,
    forbidden: object,
    require_all: bool,
    fallback: str,
    columns: Mapping[str, str] | None,
) -> Task:
    """Read the tables of an assignment, and raise all their faults together."""
    faults: list[Problem] = []
    bands = _bands(balance, faults)
    frames = tables(columns, reps=reps, leads=leads, score=score, locked=locked, forbidden=forbidden)
    rep_rows = read_rows(frames["reps"], "reps", "rep_id", faults)
    lead_rows = read_rows(frames["leads"], "leads", "lead_id", faults)
    capacity = rep_rows.table.numbers("capacity", minimum=0, default=None)
    if not rep_rows.table.has("capacity"):
        capacity = np.full(len(capacity), np.inf)
    share = rep_rows.table.numbers("share", minimum=0, default=1)
    value = lead_rows.table.numbers("value", minimum=0, default=1)
    amounts = {"workload": lead_rows.table.numbers("workload", minimum=0, default=1), "value": value}
    for name in bands:
        if name not in amounts:
            amounts[name] = lead_rows.table.numbers(name, minimum=0)
    locks = _pairs(frames.get("locked"), "locked", rep_rows.labels, lead_rows.labels, faults)
    bans = _pairs(frames.get("forbidden"), "forbidden", rep_rows.labels, lead_rows.labels, faults)
    held = _locks(locks, rep_rows.labels, lead_rows.labels, faults)
    known = _scores(frames["score"], rep_rows.labels, lead_rows.labels, faults) if "score" in frames else None
    _check_objective(prox, known is not None, rep_rows, lead_rows, faults)
    raise_all("assign", faults)

    quantities = ("workload", *(name for name in bands if name != "workload"))
    use = np.stack([lead_rows.column(amounts[name]) for name in quantities], axis=1)
    in_order = lead_rows.column(value)
    near = _known_proximity(prox, rep_rows.labels, lead_rows.labels)
    pairs = _known_pairs(near, known, in_order, len(rep_rows.labels))
    task = Task(
        reps=rep_rows.labels,
        leads=lead_rows.labels,
        quantities=quantities,
        capacity=rep_rows.column(capacity),
        use=use,
        upper=np.full((len(capacity), len(quantities)), np.inf),
        lower=np.full((len(capacity), len(quantities)), -np.inf),
        value=in_order,
        locked=held,
        forbidden=bans,
        balance=bands,
        fallback=fallback,
        require_all=require_all,
        **pairs,
    )
    return _with_limits(task, rep_rows.column(share))


def _bands(balance: object, faults: list[Problem]) -> dict[str, float]:
    if balance is None:
        return {}
    if not isinstance(balance, Mapping):
        hint = 'write balance={"value": 0.1}'
        raise refuse("balance", "is not a mapping of a column to its band", balance, hint=hint)
    for name, band in balance.items():
        fit = isinstance(band, (int, float)) and not isinstance(band, bool) and 0 <= band < float("inf")
        if not fit or not isinstance(name, str):
            faults.append(
                Problem(
                    path="balance",
                    message="names a column and its band, a finite number of 0 or more",
                    values=(f"{show(name)}: {show(band)}",),
                    hint="0.1 keeps every rep within 10 % of her fair share",
                )
            )
    return {name: float(band) for name, band in balance.items()} if not faults else {}


def _with_limits(task: Task, share: FloatArray) -> Task:
    """Set what each rep may use: her capacity, and the bands around her fair share.

    The fair share divides what can be owned by the reps' `share`; a rep without capacity has none.
    """
    upper, lower = task.upper.copy(), task.lower.copy()
    upper[:, 0] = task.capacity
    share = np.where(task.capacity > 0, share, 0.0)
    if not task.n_reps or share.sum() <= 0:
        return attrs.evolve(task, upper=upper, lower=lower)
    reachable = task.n_allowed() > 0 if task.fallback == "none" else ~task.is_forbidden()
    reachable &= task.use[:, 0] <= task.capacity.max() * (1 + _TOLERANCE)
    reachable |= task.locked >= 0
    for k, name in enumerate(task.quantities):
        if name in task.balance:
            fair = share / share.sum() * task.use[reachable, k].sum()
            upper[:, k] = np.minimum(upper[:, k], fair * (1 + task.balance[name]))
            lower[:, k] = fair * max(1 - task.balance[name], 0.0)
    return attrs.evolve(task, upper=upper, lower=lower)


def _pair_key(pairs: IntArray, n_reps: int) -> IntArray:
    return pairs[:, 0] * n_reps + pairs[:, 1]


def _pairs(frame: Any, name: str, reps: Labels, leads: Labels, faults: list[Problem]) -> IntArray:
    """Read a table of pairs as distinct rows (lead, rep)."""
    if frame is None:
        return np.empty((0, 2), dtype=np.int64)
    table = Reader(frame, name, key=("lead_id", "rep_id"), faults=faults)
    lead, rep = table.ids("lead_id"), table.ids("rep_id")
    before = len(faults)
    check_known(faults, f"{name}.lead_id", lead, leads, "leads", table.rows)
    check_known(faults, f"{name}.rep_id", rep, reps, "reps", table.rows)
    what = "locks" if name == "locked" else "bans"
    for k in range(before, len(faults)):
        faults[k] = attrs.evolve(faults[k], message=f"the table of {what} {faults[k].message}")
    both = np.stack([leads.codes(lead), reps.codes(rep)], axis=1)
    return np.unique(both[(both >= 0).all(axis=1)], axis=0)


def _locks(locks: IntArray, reps: Labels, leads: Labels, faults: list[Problem]) -> IntArray:
    """Say to which rep each lead is locked, -1 for none; a lead locked to two is a fault."""
    held = np.full(len(leads), -1, dtype=np.int64)
    held[locks[:, 0]] = locks[:, 1]
    lead, times = np.unique(locks[:, 0], return_counts=True)
    twice = lead[times > 1]
    if len(twice):
        owners = [[show(reps[r]) for r in locks[locks[:, 0] == k, 1].tolist()] for k in twice.tolist()]
        faults.append(
            Problem(
                path="locked",
                message="a lead is locked to more than one rep",
                values=tuple(
                    f"{show(leads[k])} to {' and '.join(names)}"
                    for k, names in zip(twice.tolist(), owners, strict=True)
                ),
                hint="keep one lock for each lead",
            )
        )
    return held


def _scores(
    frame: Any, reps: Labels, leads: Labels, faults: list[Problem]
) -> tuple[IntArray, IntArray, FloatArray]:
    table = Reader(frame, "score", key=("rep_id", "lead_id"), faults=faults)
    rep, lead = table.ids("rep_id"), table.ids("lead_id")
    score = table.numbers("score", minimum=0)
    check_known(faults, "score.rep_id", rep, reps, "reps", table.rows, who=table.who)
    check_known(faults, "score.lead_id", lead, leads, "leads", table.rows, who=table.who)
    rep_at, lead_at = reps.codes(rep), leads.codes(lead)
    _, inverse, times = np.unique(
        lead_at * max(len(reps), 1) + rep_at, return_inverse=True, return_counts=True
    )
    again = (times[inverse] > 1) & (rep_at >= 0) & (lead_at >= 0)
    table.fault("score", again, "the pair stands in more than one row", hint="keep one row for each pair")
    return lead_at, rep_at, score


def _check_objective(
    prox: Proximity | None, has_score: bool, reps: Rows, leads: Rows, faults: list[Problem]
) -> None:
    """Refuse an assignment without anything to maximise, or one that the proximity does not cover."""
    if prox is None:
        if not has_score:
            hint = "pass the result of proximity(), or score= with rep_id, lead_id, score"
            faults.append(Problem(path="prox", message="there is nothing to maximise", hint=hint))
        return
    for rows, labels, key in ((reps, prox.rep_labels, "rep_id"), (leads, prox.lead_labels, "lead_id")):
        path = f"{rows.table.name}.{key}"
        check_known(faults, path, rows.ids, labels, "the proximity", rows.table.rows)


@attrs.frozen(kw_only=True, eq=False)
class _Near:
    """Known proximities as (lead, rep, proximity), and the most that an unknown one can be."""

    lead: IntArray
    rep: IntArray
    proximity: FloatArray
    floor: FloatArray


def _known_proximity(prox: Proximity | None, reps: Labels, leads: Labels) -> _Near | None:
    """Take the part of a proximity that concerns these reps and leads."""
    if prox is None:
        return None
    rep_of = np.array([reps.position(label) for label in prox.rep_labels.values.tolist()], dtype=np.int64)
    lead_of = np.array([leads.position(label) for label in prox.lead_labels.values.tolist()], dtype=np.int64)
    lead = np.repeat(lead_of, np.diff(prox.starts))
    rep = rep_of[prox.reps] if len(prox.reps) else np.empty(0, dtype=np.int64)
    kept = (lead >= 0) & (rep >= 0)
    floor = np.zeros(len(leads))
    floor[lead_of[lead_of >= 0]] = prox.floor[lead_of >= 0]
    return _Near(lead=lead[kept], rep=rep[kept], proximity=prox.scores[kept], floor=floor)


def _known_pairs(
    near: _Near | None,
    known: tuple[IntArray, IntArray, FloatArray] | None,
    value: FloatArray,
    n_reps: int,
) -> dict[str, Any]:
    """Join scores and proximities into the known pairs of each lead."""
    n = len(value)
    none: tuple[IntArray, FloatArray] = (np.empty(0, dtype=np.int64), np.empty(0))
    key_near, proximity = none if near is None else (near.lead * n_reps + near.rep, near.proximity)
    if known is not None:
        key, score = known[0] * n_reps + known[1], known[2]
        most = np.zeros(n)
    else:
        key, score = key_near, value[key_near // max(n_reps, 1)] * proximity
        most = value * near.floor if near is not None else np.zeros(n)
    order = np.argsort(key, kind="stable")
    key, score = key[order], score[order]
    each = np.zeros(len(key))
    order = np.argsort(key_near, kind="stable")
    place = np.searchsorted(key_near[order], key)
    place = np.minimum(place, max(len(key_near) - 1, 0))
    if len(key_near):
        found = key_near[order][place] == key
        each[found] = proximity[order][place[found]]
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(key // max(n_reps, 1), minlength=n), out=starts[1:])
    return {
        "starts": starts,
        "pair_rep": key % max(n_reps, 1),
        "pair_score": score,
        "pair_proximity": each,
        "most": most,
    }
