"""The tables of an assignment, read, checked and laid out as arrays in label order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import raise_all
from salesops._frames import Labels
from salesops.errors import InternalError, Problem
from salesops.territory._chunks import in_chunks
from salesops.territory._eligible import Eligibility, read_eligibility, read_match
from salesops.territory._known import pairs_of_proximity, places
from salesops.territory._limits import Band, Bounds, own_limits, read_bands
from salesops.territory._listed import KeptPairs, Pairs
from salesops.territory._pairs import (
    Scores,
    check_objective,
    read_current,
    read_locks,
    read_pairs,
    read_scores,
)
from salesops.territory._prices import FloatArray, Instance, IntArray
from salesops.territory.inputs import Rows, amounts, read_rows, tables
from salesops.territory.results import Proximity

_MOST_PAIRS = 10_000_000
_TOLERANCE = 1e-9
"""Limits hold to one part in a billion, which is what sums of floats can tell."""
_CHUNK = 50_000


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
    pairs : Pairs
        The known pairs of each lead, forbidden ones among them.
    most : ndarray of shape (n,)
        The most that a pair which is not known can score.
    own_work : ndarray of shape (n,)
        Workload of each lead.
    scored : Scores or None
        The table of scores as it was given, if one was.
    locked : ndarray of shape (n,)
        The rep that a lead is locked to, or -1.
    forbidden : ndarray of shape (m, 2)
        Pairs (lead, rep).
    eligibility : Eligibility
        Which reps may own which leads.
    current : ndarray of shape (n,), or None
        Who owns each lead today, -1 for nobody.
    max_moves : float
        How many leads may change hands.
    move_price : float
        What each lead that does must gain.
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
    pairs: Pairs | KeptPairs
    most: FloatArray
    locked: IntArray
    forbidden: IntArray
    eligibility: Eligibility
    balance: dict[str, Band]
    fallback: str
    require_all: bool
    own_work: FloatArray
    scored: Scores | None = None
    current: IntArray | None = None
    max_moves: float = np.inf
    move_price: float = 0.0

    @property
    def pair_work(self) -> Scores | None:
        """The known pairs with their workloads, where these depend on the rep.

        Then `use` has the least that any rep needs: enough to prove that something is impossible.
        """
        return None if self.scored is None or self.scored.work is None else self.scored

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

    def may_stay(self) -> npt.NDArray[np.bool_]:
        """Mark the leads whose owner of today may keep them: eligible, not forbidden, not locked away."""
        if self.current is None:
            return np.zeros(self.n_leads, dtype=bool)
        stays = (self.current >= 0) & ((self.locked < 0) | (self.locked == self.current))
        stays &= self.may[self.kind, np.maximum(self.current, 0)] if self.n_reps else False
        banned = self.current[self.forbidden[:, 0]] == self.forbidden[:, 1]
        stays[self.forbidden[banned, 0]] = False
        return np.asarray(stays)

    def n_settled(self, leads: IntArray) -> int:
        """Count the leads among some that have an owner today."""
        return 0 if self.current is None else int((self.current[leads] >= 0).sum())

    def n_forced(self, free: IntArray) -> int:
        """Count the leads with an owner that move whatever becomes of the free ones."""
        if self.current is None:
            return 0
        forced = (self.current >= 0) & (self.locked != self.current)
        forced[free] = False
        return int(forced.sum())

    def n_moved(self, owner: IntArray) -> int:
        """Count the leads that change hands."""
        return 0 if self.current is None else int(((self.current >= 0) & (owner != self.current)).sum())

    def _with_current(self, instance: Instance, free: IntArray) -> Instance:
        """Say who owns the free leads today; who may keep a lead is listed for it, and ahead by the price."""
        if self.current is None:
            return instance
        current = self.current[free]
        table = instance.pairs.laid_out()
        reps, scores = table.reps, table.scores
        stays = self.may_stay()[free]
        unsure = stays & ~(reps == current[:, None]).any(axis=1)
        if unsure.any():
            last = np.where(unsure, current, -1).astype(np.int32)
            reps = np.column_stack([reps, last])
            scores = np.column_stack([scores, np.where(unsure, 0.0, -np.inf)])
            order = np.argsort(np.where(reps < 0, self.n_reps, reps), axis=1, kind="stable")
            reps, scores = np.take_along_axis(reps, order, axis=1), np.take_along_axis(scores, order, axis=1)
        ahead = (reps == current[:, None]) & stays[:, None]
        return attrs.evolve(
            instance,
            pairs=Pairs(reps=reps, scores=np.where(ahead, scores + self.move_price, scores)),
            rest=instance.rest + self.move_price * unsure,
            current=current,
            unsure=unsure,
            max_moves=self.max_moves - self.n_forced(free),
        )

    @property
    def is_unrestricted(self) -> bool:
        """Whether every rep may own every lead."""
        return not len(self.forbidden) and bool(self.may.all())

    def allowed(self, part: slice) -> npt.NDArray[np.bool_]:
        """Mark the known pairs of some leads that are eligible and not forbidden, shape (m, K)."""
        return self.allowed_among(part, self.pairs.at(part)[0])

    def allowed_among(self, part: slice, reps: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Mark the same, given the known reps of those leads."""
        mask = reps >= 0
        if self.is_unrestricted:
            return mask
        mask &= self.may[self.kind[part, None], reps]
        start, end, _ = part.indices(self.n_leads)
        bans = self.forbidden[slice(*np.searchsorted(self.forbidden[:, 0], (start, end)))]
        row, column = np.nonzero(reps[bans[:, 0] - start] == bans[:, 1, None])
        mask[bans[row, 0] - start, column] = False
        return mask

    def n_allowed(self) -> IntArray:
        """Count the known and allowed pairs of each lead."""
        if self.is_unrestricted:
            return self.pairs.tally()
        return np.concatenate(
            in_chunks(lambda part: self.allowed(part).sum(axis=1, dtype=np.int64), self.n_leads)
        )

    def work_of_pairs(self) -> FloatArray:
        """Workload of every pair, shape (R, n): that of the pair where it is known, else that of the lead."""
        table = np.repeat(self.own_work[None], self.n_reps, axis=0)
        if self.pair_work is not None:
            table[self.pair_work.rep, self.pair_work.lead] = self.pair_work.work
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
        work, known = self.own_work.copy(), self.pair_work
        if known is not None and known.work is not None:
            here = known.rep == rep[known.lead]
            work[known.lead[here]] = known.work[here]
        return work

    def fits_nobody(self) -> npt.NDArray[np.bool_]:
        """Mark the leads that no rep may own, or that are too large for every rep who may."""
        if not self.n_reps:
            return np.ones(self.n_leads, dtype=bool)
        alone = self.n_open() == 0
        room = self.upper * (1 + _TOLERANCE)
        large = np.flatnonzero(self._is_in_doubt(room))
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

    def _is_in_doubt(self, room: FloatArray) -> npt.NDArray[np.bool_]:
        """Mark the leads that may not go to the roomiest rep of their kind, or are too large for her."""
        typical = self.use.mean(axis=0) if self.n_leads else np.ones(room.shape[1])
        roominess = (room / np.where(typical > 0, typical, 1.0)).min(axis=1)
        roomiest = np.where(self.may, roominess, -np.inf).argmax(axis=1)
        doubt = (self.use > room[roomiest][self.kind]).any(axis=1)
        doubt |= ~self.may[np.arange(len(roomiest)), roomiest][self.kind]
        doubt[self.forbidden[roomiest[self.kind[self.forbidden[:, 0]]] == self.forbidden[:, 1], 0]] = True
        return np.asarray(doubt)

    def _allowed_pairs(self, free: IntArray) -> Pairs | KeptPairs:
        """Give the known and allowed pairs of the leads that are free to move; all of them uncopied."""
        if self.is_unrestricted:
            return self.pairs.take(free)
        known = self.n_allowed()[free]
        reps = np.full((len(free), int(known.max(initial=0))), -1, dtype=np.int32)
        scores = np.full(reps.shape, -np.inf)
        cut = np.searchsorted(free, np.arange(0, self.n_leads + _CHUNK, _CHUNK))
        for k, (start, end) in enumerate(itertools.pairwise(cut.tolist())):
            part = slice(k * _CHUNK, (k + 1) * _CHUNK)
            here, worth = self.pairs.at(part)
            inside = free[start:end] - part.start
            line, column = np.nonzero(self.allowed_among(part, here)[inside])
            count = known[start:end]
            rank = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
            reps[start + line, rank] = here[inside[line], column]
            scores[start + line, rank] = worth[inside[line], column]
        return Pairs(reps=reps, scores=scores)

    def instance(self) -> tuple[Instance, IntArray]:
        """Lay out the problem of the leads that are free to move, and say which they are."""
        free = np.flatnonzero((self.locked < 0) & (self.require_all | ~self.fits_nobody()))
        # All of them uncopied: there can be a million.
        kept = slice(None) if len(free) == self.n_leads else free
        pairs = self._allowed_pairs(free)
        place = np.searchsorted(free, self.forbidden[:, 0])
        inside = np.append(free, -1)[place] == self.forbidden[:, 0]
        banned = np.column_stack([place[inside], self.forbidden[inside, 1]])
        others = pairs.tally() < self.n_open()[kept]
        is_cold, most = self.fallback == "cold", self.most[kept]
        rest = np.where(others & (is_cold | (most > 0)), most, -np.inf)
        used = np.zeros(self.upper.shape)
        held = np.flatnonzero(self.locked >= 0)
        np.add.at(used, self.locked[held], self.use[held])
        return (
            self._with_current(
                Instance(
                    use=self.use[kept],
                    upper=self.upper * (1 + _TOLERANCE) - used,
                    lower=self.lower * (1 - _TOLERANCE) - used,
                    pairs=pairs,
                    rest=rest,
                    is_open=others & is_cold,
                    banned=banned,
                    kind=self.kind[kept],
                    may=self.may,
                    must_own=self.require_all or is_cold,
                    may_leave=not self.require_all,
                ),
                free,
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
    current: object = None,
    max_moves: float | None = None,
    move_price: float = 0.0,
) -> Task:
    """Read the tables of an assignment, and raise all their faults together."""
    faults: list[Problem] = []
    bands = read_bands(balance, faults)
    frames = tables(
        columns, reps=reps, leads=leads, score=score, locked=locked, forbidden=forbidden, current=current
    )
    rep_rows = read_rows(frames["reps"], "reps", "rep_id", faults)
    lead_rows = read_rows(frames["leads"], "leads", "lead_id", faults)
    capacity = rep_rows.table.numbers("capacity", minimum=0, default=None)
    if not rep_rows.table.has("capacity"):
        capacity = np.full(len(capacity), np.inf)
    share = amounts(rep_rows.table, "share", default=1)
    value = amounts(lead_rows.table, "value", default=1)
    used = {"workload": amounts(lead_rows.table, "workload", default=1), "value": value}
    for name in bands:
        if name not in used:
            used[name] = amounts(lead_rows.table, name)
    locks = read_pairs(frames.get("locked"), "locked", rep_rows.labels, lead_rows.labels, faults)
    bans = read_pairs(frames.get("forbidden"), "forbidden", rep_rows.labels, lead_rows.labels, faults)
    held = read_locks(locks, rep_rows.labels, lead_rows.labels, faults)
    known = (
        read_scores(frames["score"], rep_rows.labels, lead_rows.labels, faults) if "score" in frames else None
    )
    settled = read_current(frames.get("current"), rep_rows.labels, lead_rows.labels, faults)
    _check_pair_work(known, list(bands), rep_rows, len(rep_rows.labels) * len(lead_rows.labels), faults)
    check_objective(prox, known is not None, rep_rows, lead_rows, faults)
    eligibility = read_eligibility(rep_rows, lead_rows, read_match(match, faults))
    quantities = ("workload", *(name for name in bands if name != "workload"))
    limits = own_limits(rep_rows, quantities)
    raise_all("assign", faults)

    use = np.stack([lead_rows.column(used[name]) for name in quantities], axis=1)
    in_order = lead_rows.column(value)
    pairs, most = _known(prox, known, rep_rows.labels, lead_rows.labels, in_order)
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
        pairs=pairs,
        most=most,
        locked=held,
        forbidden=bans,
        eligibility=eligibility,
        balance=bands,
        fallback=fallback,
        require_all=require_all,
        own_work=use[:, 0],
        scored=known,
        current=settled if "current" in frames else None,
        max_moves=_count_of_moves(max_moves, int((settled >= 0).sum())),
        move_price=float(move_price),
    )
    task = attrs.evolve(task, use=_least_use(task))
    limits = [attrs.evolve(limit, amount=rep_rows.column(limit.amount)) for limit in limits]
    return _with_limits(task, rep_rows.column(share), limits)


def _count_of_moves(max_moves: float | None, n_settled: int) -> float:
    """Turn a share of the leads that have an owner into a number of leads."""
    if max_moves is None:
        return np.inf
    return float(max_moves) if isinstance(max_moves, int) else float(np.floor(max_moves * n_settled + 1e-9))


def _known(
    prox: Proximity | None,
    table: Scores | None,
    reps: Labels,
    leads: Labels,
    value: FloatArray,
) -> tuple[Pairs | KeptPairs, FloatArray]:
    """Give the known pairs, and the most that another one of each lead can score."""
    if table is not None:
        return Pairs.of_table(table.lead, table.rep, table.score, len(leads)), np.zeros(len(leads))
    if prox is None:
        raise InternalError("assign: nothing to maximise; please report this")
    most = value * prox.floor[places(leads, prox.lead_labels)]
    return pairs_of_proximity(prox, reps, leads, value), most


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
    known = task.pair_work
    if known is None or known.work is None:
        return task.use
    allowed = task.may[task.kind[known.lead], known.rep]
    allowed &= ~np.isin(known.lead * task.n_reps + known.rep, task.forbidden @ [task.n_reps, 1])
    least = np.full(task.n_leads, np.inf)
    np.minimum.at(least, known.lead[allowed], known.work[allowed])
    has_others = (task.fallback == "cold") & (task.pairs.tally() < task.n_reps)
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
