"""Who should own whom: the plan of greatest score that keeps every limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from salesops import _run
from salesops._faults import check_choice, count, refuse, warn
from salesops._version import __version__
from salesops.errors import InternalError, Problem
from salesops.territory._account import Offers, digest, hops, look_at_offers, proximities, reasons
from salesops.territory._chunks import exact_sum
from salesops.territory._conflicts import check_breaches, check_rules, smallest_conflict
from salesops.territory._eligible import warn_unmet
from salesops.territory._equals import settled_equals, strength_of
from salesops.territory._move_conflicts import check_moves
from salesops.territory._pair_work import check_pairs, pair_conflict, search_pairs
from salesops.territory._premises import premises_of
from salesops.territory._prices import FloatArray, IntArray
from salesops.territory._search import Outcome, search
from salesops.territory._tally import broken_limits, gap_of, used_by
from salesops.territory._task import Task, read_task
from salesops.territory._violations import broken_promises, gross_bound
from salesops.territory.plan import TerritoryPlan
from salesops.territory.results import Proximity

__all__ = ["assign"]


def assign(
    reps: object,
    leads: object,
    prox: Proximity | None = None,
    *,
    score: object = None,
    balance: Mapping[str, float | tuple[float, float] | None] | None = None,
    locked: object = None,
    forbidden: object = None,
    match: Sequence[str] | Mapping[str, str] | None = None,
    current: object = None,
    max_moves: float | None = None,
    move_price: float = 0.0,
    require_all: bool = False,
    fallback: Literal["cold", "none"] = "cold",
    time_limit: float | None = None,
    progress: _run.Progress | None = None,
    columns: Mapping[str, str] | None = None,
) -> TerritoryPlan:
    """Give every lead one owner so that the sum of scores is greatest and every limit holds.

    Parameters
    ----------
    reps : table
        ``rep_id``; ``capacity`` (0 or more, in workload; without the column there is no limit, and an empty
        cell is a fault); ``share`` (0 or more, default 1), the weight of the rep's fair share in `balance`;
        ``skills``, a collection of names, or one name.
    leads : table
        ``lead_id``; ``value`` and ``workload`` (0 or more, default 1); every other column that is balanced;
        ``requires``, a collection of skills, or one, all of which the owner must have (an empty cell asks for
        nothing).
    prox : Proximity, optional
        Result of :func:`proximity` over at least these reps and leads.
    score : table, optional
        ``rep_id``, ``lead_id``, ``score`` (0 or more): what is maximised, in place of value times proximity.
        A pair that is not there scores 0. With `prox` given too, the plan still reports proximities. A
        column ``workload`` (0 or more) says what the lead takes of that rep's capacity, where this depends on
        the rep; a pair that is not there takes the workload of the lead. It does not go with `max_moves`, nor
        with a band or a least amount of workload, and is for at most 10 million pairs.
    balance : mapping, optional
        ``{"value": 0.1}`` keeps every rep's total of that column of the leads within 10 % of her fair share,
        ``{"value": (0.2, 0.1)}`` at most 20 % below and 10 % above it; any number of columns.
        Fair shares divide the total of all leads that can be owned (some rep may own the lead, is not
        forbidden to and has capacity for it, and is connected to it where `fallback` is "none") in proportion
        to ``share``, equally by default; a rep of capacity 0 has none. Columns of reps such as
        ``workload_min``, ``value_min`` and ``value_max``, named after workload or a balanced column, limit
        the total of a rep in absolute terms (an empty cell does not); ``{"value": None}`` sets only those.
    locked, forbidden : table, optional
        ``lead_id``, ``rep_id``: pairs that must be, and pairs that must not be.
    match : names of columns, or mapping, optional
        ``("segment",)`` lets a lead go only to reps whose ``segment`` is the same or, as a collection, holds
        it; ``{"language": "languages"}`` names the column of the leads and that of the reps. An empty cell of
        a lead asks for nothing, an empty cell of a rep serves nothing.
    current : table, optional
        ``lead_id``, ``rep_id``: who owns each lead today (``plan.to_frame()`` of an older plan fits); a lead
        that is not there, or has no rep, is new.
    max_moves : int or float, optional
        How many of the leads that have an owner today may change hands: a number of leads, or a share of them
        as a float up to 1.0 (0.05 is one in twenty). A lead that is left without an owner has moved, too.
    move_price : float, default 0
        What a move must gain to be worth while, in units of the score. The plan maximises its score less this
        for every lead that changes hands.
    require_all : bool, default False
        True makes a lead without an owner a broken limit.
    fallback : {"cold", "none"}, default "cold"
        What becomes of a lead that no rep with room can reach. "cold": it goes to a rep with room all the
        same, for a score of 0; leads that some rep may own and has room for all have an owner if the limits
        let them, and score is maximised among such plans. "none": it stays without an owner, and so may
        others if that scores more.
    time_limit : float, optional
        Seconds after which the search stops improving. The plan then depends on the machine; without a limit
        it never does.
    progress : callable, optional
        Wraps an iterable (``tqdm``); counts the stages of the search.
    columns : mapping, optional
        ``{"name in your table": "name above"}``, for all tables together.

    Returns
    -------
    TerritoryPlan
        With a certified upper bound on the score of every plan, and the gap to it. Where no plan within the
        bands was found, although none was proved impossible, the plan lists what it violates, warns, and has
        no gap.

    Raises
    ------
    InvalidInput
        With every fault of the tables.
    Infeasible
        If it is proved that no plan can keep every rule. Its problems are the conflict, one for each rule:
        no plan keeps them together, and for each of them a plan was found that keeps all the others.

    Notes
    -----
    The limits become prices of the reps' time: the Lagrangian dual, softened and minimised by Newton's
    method at falling temperatures. At any prices its exact value is an upper bound on every plan; a pair that
    `prox` did not keep counts there at the lowest score kept, and in the plan at 0. The leads then choose at
    the prices, a linear programme settles those whose choice is close, broken limits are repaired at the
    least regret, and chains of moves improve the plan. A problem of up to 2,000 pairs is solved to the end as
    a mixed-integer programme. Equal choices fall to the rep, then the lead, that comes first in label order,
    so the order of rows never changes a plan; by the default walk, equal scores fall first to the rep with
    the stronger ties in all, where limits allow. Limits hold to one part in a billion.

    Where workload depends on the rep (the generalised assignment problem), the bound also comes from reps who
    fill their capacity alone, at prices of the leads. Leads are exchanged among many reps at once, and a few
    reps at a time are planned anew: by enumeration of all plans within their part of the gap, or as a
    mixed-integer programme over the pairs that such knapsacks use.

    Rules that contradict each other are found by greatest flows (leads that only reps with too little room
    may own; reps who may own too little), by the densest leads that a rep has room for, and by counting large
    leads in whole; prices read off them prove the conflict in exact sums. It is then reduced rule by rule,
    each time looking for a plan without the rule, by construction or as a mixed-integer programme. Where only
    so many leads may change hands, leads at a price for each move prove in the same way, with prices from a
    linear programme over classes of leads (column generation), that the limits need more moves.

    References
    ----------
    M. L. Fisher (1981), "The Lagrangian relaxation method for solving integer programming problems".
    Y. Nesterov (2005), "Smooth minimization of non-smooth functions".
    M. L. Fisher, R. Jaikumar, L. N. Van Wassenhove (1986), "A multiplier adjustment method for the
    generalized assignment problem".
    F. Barahona, R. Anbil (2000), "The volume algorithm: producing primal solutions with a subgradient
    method".
    R. K. Ahuja, O. Ergun, J. B. Orlin, A. P. Punnen (2002), "A survey of very large-scale neighborhood search
    techniques".
    D. P. Bertsekas (1982), "Projected Newton methods for optimization problems with simple constraints".
    D. Gale (1957), "A theorem on flows in networks".
    J. W. Chinneck (2008), "Feasibility and infeasibility in optimization".

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties(
    ...     {"source": ["ann", "ann", "bo"], "target": ["acme", "bolt", "acme"]}
    ... )
    >>> reps = {"rep_id": ["ann", "bo"], "capacity": [1, 1]}
    >>> leads = {"lead_id": ["acme", "bolt"]}
    >>> plan = territory.assign(reps, leads, territory.proximity(graph, reps, leads))
    >>> plan.to_frame()[["lead_id", "rep_id", "reason"]]
      lead_id rep_id   reason
    0    acme     bo  closest
    1    bolt    ann  closest
    """
    check_choice("fallback", fallback, ("cold", "none"))
    if time_limit is not None and not (
        isinstance(time_limit, (int, float)) and not isinstance(time_limit, bool) and time_limit > 0
    ):
        raise refuse("time_limit", "is a number of seconds above 0, or None", time_limit)
    if not isinstance(require_all, bool):
        raise refuse("require_all", "is True or False", require_all)
    if prox is not None and not isinstance(prox, Proximity):
        raise refuse("prox", "is not the result of proximity()", type(prox).__name__)
    max_moves = _check_moves(current, max_moves, move_price)
    task = read_task(
        reps,
        leads,
        prox,
        score=score,
        balance=balance,
        locked=locked,
        forbidden=forbidden,
        match=match,
        require_all=require_all,
        fallback=fallback,
        columns=columns,
        current=current,
        max_moves=max_moves,
        move_price=move_price,
    )
    by_pair = task.pair_work is not None
    (check_pairs if by_pair else check_rules)(task)
    check_moves(task)
    warn_unmet(task.eligibility)
    instance, free = task.instance()
    if by_pair:
        found = search_pairs(task, instance, free, time_limit=time_limit, progress=progress)
    else:
        found = search(instance, time_limit=time_limit, progress=progress)
    if found.is_infeasible:
        if by_pair:
            raise pair_conflict(task)
        raise smallest_conflict(task)
    return _plan(task, found, free, prox)


def _check_moves(current: object, max_moves: Any, move_price: object) -> float | None:
    """Check what is said of moves; a number of leads comes back as a plain int, a share as it is."""
    whole = isinstance(max_moves, (int, np.integer)) and not isinstance(max_moves, bool) and max_moves >= 0
    if not (max_moves is None or whole or (isinstance(max_moves, float) and 0 <= max_moves <= 1)):
        hint = "5 is five leads, 0.05 is one in twenty"
        raise refuse("max_moves", "is a number of leads, or a share from 0 to 1", max_moves, hint=hint)
    if (
        isinstance(move_price, bool)
        or not isinstance(move_price, (int, float))
        or not 0 <= move_price < np.inf
    ):
        raise refuse("move_price", "is a finite number of 0 or more", move_price)
    if current is None and (max_moves is not None or move_price):
        hint = "pass current= with lead_id and rep_id, say plan.to_frame()"
        raise refuse(
            "current", "says who owns the leads today, which moves are counted from", None, hint=hint
        )
    return int(max_moves) if whole else max_moves


def _plan(task: Task, found: Outcome, free: IntArray, prox: Proximity | None) -> TerritoryPlan:
    owner = task.locked.copy()
    owner[free] = found.owner
    fingerprint = digest(task)
    task = task.with_work_of(owner)
    strength = strength_of(prox, task.reps)
    owner = settled_equals(task, owner, strength)
    offers = look_at_offers(task, owner, strength)
    gross = found.bound + bound_of_locks(task, offers)
    bound = gross - task.move_price * (task.n_settled(free) + task.n_forced(free))
    plan = drawn_plan(
        task, owner, offers, prices=found.prices, bound=bound, prox=prox, fingerprint=fingerprint
    )
    if plan.violations:
        if task.pair_work is None:
            over = task.n_moved(owner) > task.max_moves
            check_breaches(task, _breaching(task, plan.used), are_moves_over=over)
        broken = count(len(plan.violations), "violation")
        warn(f"no plan within every limit was found: {broken}; see plan.violations")
    return plan


def drawn_plan(
    task: Task,
    owner: IntArray,
    offers: Offers,
    *,
    prices: FloatArray,
    bound: float,
    prox: Proximity | None,
    fingerprint: str,
) -> TerritoryPlan:
    """Say everything of a plan that follows from its owners and its bound."""
    used = used_by(owner, task.use, task.upper.shape)
    violations = _violations(task, owner, used)
    gross = gross_bound(bound, task.move_price, task.current, task.locked)
    value = exact_sum(offers.score) - task.move_price * task.n_moved(owner)
    gap, no_gap = gap_of("assign", value, bound, violations, gross)
    return TerritoryPlan(
        rep_labels=task.reps,
        lead_labels=task.leads,
        quantities=task.quantities,
        owner=owner,
        reason=reasons(task, owner, offers),
        score=offers.score,
        proximity=proximities(task, prox, owner),
        has_proximity=prox is not None,
        value=task.value,
        use=task.use,
        capacity=task.capacity,
        upper=task.upper,
        lower=task.lower,
        used=used,
        prices=prices,
        closest=offers.closest,
        closest_score=offers.closest_score,
        closest_work=task.work_at(offers.closest),
        runner_up=offers.runner_up,
        runner_up_score=offers.runner_up_score,
        barred=offers.barred,
        barred_score=offers.barred_score,
        eligibility=task.eligibility if task.eligibility.needs else None,
        hops=None if prox is None else hops(prox, task.reps, task.leads, owner),
        current=task.current,
        move_price=task.move_price,
        bound=bound,
        gap=gap,
        no_gap_reason=no_gap,
        violations=violations,
        balance=task.balance,
        fallback=task.fallback,
        input_digest=fingerprint,
        salesops_version=__version__,
        prox=prox,
        premises=premises_of(task),
    )


def _violations(task: Task, owner: IntArray, used: FloatArray) -> tuple[Problem, ...]:
    """List every limit that the plan breaks; a broken lock or ban would be a defect of ours."""
    held = task.locked >= 0
    banned = owner[task.forbidden[:, 0]] == task.forbidden[:, 1]
    if (owner[held] != task.locked[held]).any() or banned.any():
        raise InternalError("assign: a plan broke a lock or a ban; please report this")
    owned = np.flatnonzero(owner >= 0)
    if not task.may[task.kind[owned], owner[owned]].all():
        raise InternalError("assign: a plan gave a lead to a rep who may not own it; please report this")
    found = broken_limits(task.reps, task.quantities, used, task.upper, task.lower)
    found += broken_promises(
        task.leads,
        owner,
        require_all=task.require_all,
        n_moved=task.n_moved(owner),
        max_moves=task.max_moves,
    )
    return tuple(found)


def _breaching(task: Task, used: FloatArray) -> IntArray:
    """Give the reps who break a limit, the worst first."""
    unit = np.where(task.use.sum(axis=0) > 0, task.use.sum(axis=0), 1.0)
    over = np.maximum(used - task.upper * (1 + 2e-9), task.lower * (1 - 2e-9) - used)
    worst = (np.maximum(over, 0.0) / unit).max(axis=1)
    order = np.argsort(-worst, kind="stable")
    return np.asarray(order[worst[order] > 0], dtype=np.int64)


def bound_of_locks(task: Task, offers: Offers) -> float:
    """Bound what locked leads score: what is known of their pair, or the most it can be."""
    held = task.locked >= 0
    return exact_sum(np.where(offers.is_known, offers.score, task.most)[held])
