"""The tables of an assignment, read, checked and laid out as arrays in label order."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import raise_all, refuse
from salesops._frames import Labels
from salesops.errors import Problem, show
from salesops.territory._eligible import Eligibility, read_eligibility, read_match
from salesops.territory._pairs import (
    Scores,
    check_objective,
    known_pairs,
    known_proximity,
    pair_key,
    read_locks,
    read_pairs,
    read_scores,
)
from salesops.territory._prices import FloatArray, Instance, IntArray
from salesops.territory.inputs import Rows, read_rows, tables
from salesops.territory.results import Proximity

_MOST_PAIRS = 10_000_000
_TOLERANCE = 1e-9
"""Limits hold to one part in a billion, which is what sums of floats can tell."""
_CHUNK = 50_000


Band = float | tuple[float, float] | None
"""How far a rep may be from her fair share: the same on both sides, (below, above), or anything."""


@attrs.frozen(kw_only=True, eq=False)
class Bounds:
    """One reason for a limit of one quantity, for every rep; infinite where it sets none.

    Attributes
    ----------
    path : str
        Where it stands: ``reps.capacity``, ``balance.value``, ``reps.value_min`` ...
    resource : int
    is_upper : bool
    amount : ndarray of shape (R,)
    """

    path: str
    resource: int
    is_upper: bool
    amount: FloatArray


@attrs.frozen(kw_only=True, eq=False)
class Task:
    """An assignment as it was asked for.

    Attributes
    ----------
    quantities : tuple of str
        The resources: "workload", then every balanced column of the leads.
    use : ndarray of shape (n, d)
    upper, lower : ndarray of shape (R, d)
        What each rep may use, locks included, without tolerance: the tightest of all `bounds`.
    bounds : tuple of Bounds
    starts, pair_rep, pair_score, pair_proximity
        Known pairs of each lead as in CSR, reps in rising order, forbidden ones among them.
    most : ndarray of shape (n,)
        The most that a pair which is not known can score.
    own_work, pair_work : ndarray of shape (n,), and as `pair_rep`
        Workload of each lead, and of each known pair where it depends on the rep; `use` then has the least
        that any rep needs, which is enough to prove that something is impossible.
    locked : ndarray of shape (n,)
        The rep that a lead is locked to, or -1.
    forbidden : ndarray of shape (m, 2)
        Pairs (lead, rep).
    eligibility : Eligibility
        Which reps may own which leads.
    """

    reps: Labels
    leads: Labels
    quantities: tuple[str, ...]
    capacity: FloatArray
    use: FloatArray
    upper: FloatArray
    lower: FloatArray
    bounds: tuple[Bounds, ...]
    value: FloatArray
    starts: IntArray
    pair_rep: IntArray
    pair_score: FloatArray
    pair_proximity: FloatArray
    most: FloatArray
    locked: IntArray
    forbidden: IntArray
    eligibility: Eligibility
    balance: dict[str, Band]
    fallback: str
    require_all: bool
    own_work: FloatArray
    pair_work: FloatArray | None

    @property
    def n_leads(self) -> int:
        """How many leads there are."""
        return len(self.leads)

    @property
    def n_reps(self) -> int:
        """How many reps there are."""
        return len(self.reps)

    @property
    def kind(self) -> IntArray:
        """The kind of each lead: what it asks of its owner."""
        return self.eligibility.kind

    @property
    def may(self) -> npt.NDArray[np.bool_]:
        """Which rep may own leads of which kind, shape (n_kinds, R)."""
        return self.eligibility.may

    def n_eligible(self) -> IntArray:
        """Count the reps who have what each lead asks for."""
        return np.asarray(self.may.sum(axis=1)[self.kind])

    def n_open(self) -> IntArray:
        """Count the reps who may own each lead: eligible and not forbidden."""
        barred = self.may[self.kind[self.forbidden[:, 0]], self.forbidden[:, 1]]
        tally = np.bincount(self.forbidden[barred, 0], minlength=self.n_leads)
        return np.asarray(self.n_eligible() - tally)

    def pair_lead(self) -> IntArray:
        """Give the lead of each known pair."""
        return np.repeat(np.arange(self.n_leads), np.diff(self.starts))

    def pair_is_allowed(self) -> npt.NDArray[np.bool_]:
        """Mark the known pairs that are eligible and not forbidden."""
        lead = self.pair_lead()
        key = lead * self.n_reps + self.pair_rep
        free = np.isin(key, pair_key(self.forbidden, self.n_reps), invert=True)
        return np.asarray(free & self.may[self.kind[lead], self.pair_rep])

    def n_allowed(self) -> IntArray:
        """Count the known and allowed pairs of each lead."""
        return np.bincount(self.pair_lead()[self.pair_is_allowed()], minlength=self.n_leads)

    def work_of_pairs(self) -> FloatArray:
        """Workload of every pair, shape (R, n): that of the pair where it is known, else that of the lead."""
        table = np.repeat(self.own_work[None], self.n_reps, axis=0)
        if self.pair_work is not None:
            table[self.pair_rep, self.pair_lead()] = self.pair_work
        return table

    def with_work_of(self, owner: IntArray) -> Task:
        """Let each lead use what it uses of its owner; without an owner, its own workload."""
        if self.pair_work is None:
            return self
        use = self.use.copy()
        use[:, 0] = self.work_at(owner)
        return attrs.evolve(self, use=use)

    def work_at(self, rep: IntArray) -> FloatArray:
        """Workload of each lead with one rep each, -1 for nobody."""
        work, lead = self.own_work.copy(), self.pair_lead()
        if self.pair_work is not None:
            here = self.pair_rep == rep[lead]
            work[lead[here]] = self.pair_work[here]
        return work

    def fits_nobody(self) -> npt.NDArray[np.bool_]:
        """Mark the leads that no rep may own, or that are too large for every rep who may."""
        if not self.n_reps:
            return np.ones(self.n_leads, dtype=bool)
        large = np.flatnonzero((self.use > self.upper.min(axis=0)).any(axis=1))
        alone = self.n_open() == 0
        room = self.upper * (1 + _TOLERANCE)
        place = np.full(self.n_leads, -1, dtype=np.int64)
        for start in range(0, len(large), _CHUNK):
            leads = large[start : start + _CHUNK]
            fit = self.may[self.kind[leads]]
            for k in range(len(self.quantities)):
                fit &= self.use[leads, k, None] <= room[:, k]
            place[leads] = np.arange(len(leads))
            bans = self.forbidden[place[self.forbidden[:, 0]] >= 0]
            fit[place[bans[:, 0]], bans[:, 1]] = False
            place[leads] = -1
            alone[leads] |= ~fit.any(axis=1)
        return np.asarray(alone)

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
        others = known < self.n_open()[free]
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
                kind=self.kind[free],
                may=self.may,
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
    balance: Mapping[str, Band] | None,
    locked: object,
    forbidden: object,
    match: object,
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
    locks = read_pairs(frames.get("locked"), "locked", rep_rows.labels, lead_rows.labels, faults)
    bans = read_pairs(frames.get("forbidden"), "forbidden", rep_rows.labels, lead_rows.labels, faults)
    held = read_locks(locks, rep_rows.labels, lead_rows.labels, faults)
    known = (
        read_scores(frames["score"], rep_rows.labels, lead_rows.labels, faults) if "score" in frames else None
    )
    _check_pair_work(known, list(bands), rep_rows, len(rep_rows.labels) * len(lead_rows.labels), faults)
    check_objective(prox, known is not None, rep_rows, lead_rows, faults)
    eligibility = read_eligibility(rep_rows, lead_rows, read_match(match, faults))
    quantities = ("workload", *(name for name in bands if name != "workload"))
    limits = _own_limits(rep_rows, quantities)
    raise_all("assign", faults)

    use = np.stack([lead_rows.column(amounts[name]) for name in quantities], axis=1)
    in_order = lead_rows.column(value)
    near = known_proximity(prox, rep_rows.labels, lead_rows.labels)
    pairs = known_pairs(near, known, in_order, len(rep_rows.labels))
    task = Task(
        reps=rep_rows.labels,
        leads=lead_rows.labels,
        quantities=quantities,
        capacity=rep_rows.column(capacity),
        use=use,
        upper=np.full((len(capacity), len(quantities)), np.inf),
        lower=np.full((len(capacity), len(quantities)), -np.inf),
        bounds=(),
        value=in_order,
        locked=held,
        forbidden=bans,
        eligibility=eligibility,
        balance=bands,
        fallback=fallback,
        require_all=require_all,
        own_work=use[:, 0],
        **pairs,
    )
    task = attrs.evolve(task, use=_least_use(task))
    limits = [attrs.evolve(limit, amount=rep_rows.column(limit.amount)) for limit in limits]
    return _with_limits(task, rep_rows.column(share), limits)


def _own_limits(reps: Rows, quantities: tuple[str, ...]) -> list[Bounds]:
    """Read the reps' own limits of a quantity: columns such as ``value_min`` and ``value_max``."""
    found = []
    for k, name in enumerate(quantities):
        sides = {}
        for side, nothing in (("min", -np.inf), ("max", np.inf)):
            column = f"{name}_{side}"
            if reps.table.has(column):
                sides[side] = reps.table.numbers(column, minimum=0, default=nothing, missing=nothing)
                found.append(
                    Bounds(path=f"reps.{column}", resource=k, is_upper=side == "max", amount=sides[side])
                )
        if len(sides) == 2:
            message = f"is below {name}_min of the same rep"
            reps.table.fault(f"{name}_max", sides["min"] > sides["max"], message)
    return found


def _bands(balance: object, faults: list[Problem]) -> dict[str, Band]:
    if balance is None:
        return {}
    if not isinstance(balance, Mapping):
        hint = 'write balance={"value": 0.1}'
        raise refuse("balance", "is not a mapping of a column to its band", balance, hint=hint)
    bands: dict[str, Band] = {}
    for name, band in balance.items():
        sides = band if isinstance(band, (tuple, list)) else (band, band)
        fit = band is None or (len(sides) == 2 and all(map(_is_share, sides)))
        if not fit or not isinstance(name, str):
            faults.append(
                Problem(
                    path="balance",
                    message="names a column and its band, a finite number of 0 or more",
                    values=(f"{show(name)}: {show(band)}",),
                    hint="0.1 keeps every rep within 10 % of her fair share; a pair is (below, above); None "
                    "sets no band",
                )
            )
        elif band is None or len(set(sides)) == 1:
            bands[name] = None if band is None else float(sides[0])
        else:
            bands[name] = (float(sides[0]), float(sides[1]))
    return bands


def _is_share(part: object) -> bool:
    return isinstance(part, (int, float)) and not isinstance(part, bool) and 0 <= part < float("inf")


def _check_pair_work(
    known: Scores | None, quantities: list[str], reps: Rows, size: int, faults: list[Problem]
) -> None:
    """Refuse what a workload that depends on the rep does not go with."""
    if known is None or known.work is None:
        return
    hint = "balance another column of the leads"
    if "workload" in quantities:
        rule = "a band needs a fair share, and a workload that depends on the rep has none"
        faults.append(Problem(path="balance.workload", message=rule, hint=hint))
    if reps.table.has("workload_min"):
        rule = "a workload that depends on the rep has limits from above only"
        faults.append(Problem(path="reps.workload_min", message=rule, hint=hint))
    if size > _MOST_PAIRS:
        rule = "is for at most 10 million pairs of a rep and a lead"
        hint = "leave the column out, and give the leads a workload"
        faults.append(Problem(path="score.workload", message=rule, values=(f"{size:,}",), hint=hint))


def _least_use(task: Task) -> FloatArray:
    """Find the least that each lead uses of any rep, or what it uses of the rep it is locked to."""
    if task.pair_work is None:
        return task.use
    lead, allowed = task.pair_lead(), task.pair_is_allowed()
    least = np.full(task.n_leads, np.inf)
    np.minimum.at(least, lead[allowed], task.pair_work[allowed])
    has_others = (task.fallback == "cold") & (np.diff(task.starts) < task.n_reps)
    own = has_others | ~np.isfinite(least)
    least[own] = np.minimum(least, task.own_work)[own]
    use = task.use.copy()
    use[:, 0] = np.where(task.locked >= 0, task.work_at(task.locked), least)
    return use


def _with_limits(task: Task, share: FloatArray, own: list[Bounds]) -> Task:
    """Set what each rep may use: her capacity, her own limits, and the bands around her fair share.

    The fair share divides what can be owned by the reps' `share`; a rep without capacity has none.
    """
    bounds = [Bounds(path="reps.capacity", resource=0, is_upper=True, amount=task.capacity), *own]
    share = np.where(task.capacity > 0, share, 0.0)
    if task.n_reps and share.sum() > 0:
        bounds += _fair_bounds(task, share / share.sum())
    upper, lower = task.upper.copy(), task.lower.copy()
    for limit in bounds:
        if limit.is_upper:
            upper[:, limit.resource] = np.minimum(upper[:, limit.resource], limit.amount)
        else:
            lower[:, limit.resource] = np.maximum(lower[:, limit.resource], limit.amount)
    return attrs.evolve(task, upper=upper, lower=lower, bounds=tuple(bounds))


def _fair_bounds(task: Task, share: FloatArray) -> list[Bounds]:
    """Lay the bands around the fair shares."""
    reachable = (task.n_allowed() if task.fallback == "none" else task.n_open()) > 0
    roomiest = np.where(task.may, task.capacity, 0.0).max(axis=1)[task.kind]
    reachable &= task.use[:, 0] <= roomiest * (1 + _TOLERANCE)
    reachable |= task.locked >= 0
    bounds = []
    for k, name in enumerate(task.quantities):
        band = task.balance.get(name)
        if band is None:
            continue
        below, above = band if isinstance(band, tuple) else (band, band)
        fair = share * task.use[reachable, k].sum()
        low, high = fair * max(1 - below, 0.0), fair * (1 + above)
        bounds.append(Bounds(path=f"balance.{name}", resource=k, is_upper=False, amount=low))
        bounds.append(Bounds(path=f"balance.{name}", resource=k, is_upper=True, amount=high))
    return bounds
