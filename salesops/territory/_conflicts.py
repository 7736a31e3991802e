"""Why there is no plan: rules that cannot hold together, none of which can be spared, and by how much.

A set of rules is proved to have no plan by prices that contradict it, or by a mixed-integer programme; each
of its rules is proved to be needed by a plan that keeps all the others.
"""

from __future__ import annotations

from collections.abc import Hashable

import attrs
import numpy as np

from salesops._display import number
from salesops._faults import count
from salesops.errors import Infeasible, Problem
from salesops.territory import _words
from salesops.territory._classes import Classes
from salesops.territory._elastic import stretch
from salesops.territory._glance import glance
from salesops.territory._prices import IntArray
from salesops.territory._proofs import densest, find_contradiction, support
from salesops.territory._rules import Mask, Rulebook, System
from salesops.territory._task import Task
from salesops.territory._witness import construct, fewest_moves, find_plan, keeps
from salesops.territory._words import show_lead, show_rep

_MOST_PAIRS = 1_000_000
"""Problems with more pairs of a lead and a rep are only glanced at."""
_MOST_CELLS = 300_000
"""With more pairs, limits and moves together are judged only after the search."""
_MOST_REPS = 8


@attrs.frozen(kw_only=True, eq=False)
class Conflict:
    """Rules of a task that no plan keeps together.

    Attributes
    ----------
    rules : ndarray of bool
        A mask over the rules of the book.
    is_irreducible : bool
        Whether for each rule a plan was found that keeps all the others.
    """

    book: Rulebook
    rules: Mask
    is_irreducible: bool


def check_rules(task: Task) -> None:
    """Raise ``Infeasible`` if the rules are soon proved to contradict each other."""
    if not task.n_reps or task.n_leads * task.n_reps > _MOST_PAIRS:
        found = glance(task)
        if found is not None:
            raise found
        return
    conflict = find_conflict(task)
    if conflict is not None:
        raise in_words(conflict)


def smallest_conflict(task: Task) -> Infeasible:
    """Say why a problem has no plan of which that is proved already."""
    conflict = find_conflict(task, is_infeasible=True) if task.n_reps else None
    if conflict is None:
        return glance(task) or Infeasible("assign: no plan keeps all rules together")
    return in_words(conflict)


def check_breaches(task: Task, reps: IntArray, *, are_moves_over: bool = False) -> None:
    """Raise ``Infeasible`` if reps who break a limit in the best plan that was found cannot but do so.

    Parameters
    ----------
    are_moves_over : bool, default False
        Whether more leads change hands in it than may: then the limits of all reps count.
    """
    if task.n_leads * task.n_reps > _MOST_PAIRS:
        return
    book = Rulebook.of(task)
    everyone = [np.arange(task.n_reps)] if are_moves_over else []
    for some in [*reps[:_MOST_REPS, None], reps, *everyone]:
        kept = book.everything
        kept[: len(book.limits)] &= np.isin(book.limits[:, 0], some)
        if find_plan(book.system(kept), time_limit=0.3).is_impossible:
            raise in_words(_reduced(book, _contradiction(book, kept), kept))


def find_conflict(task: Task, *, is_infeasible: bool = False) -> Conflict | None:
    """Look for a conflict, and reduce it until none of its rules can be spared.

    Parameters
    ----------
    is_infeasible : bool, default False
        Whether it is proved already that no plan keeps all the rules.
    """
    book = Rulebook.of(task)
    rules = _contradiction(book, book.everything)
    if rules is None and not is_infeasible:
        return None
    return _reduced(book, rules, book.everything)


def _contradiction(book: Rulebook, kept: Mask) -> Mask | None:
    """Find a small part of a set of rules that is proved to have no plan; None if none was found."""
    found = find_contradiction(book, kept)
    system = book.system(kept)
    if found is not None or np.isinf(system.max_moves) or system.allowed.size > _MOST_CELLS:
        return found
    owner = construct(system)
    if owner is not None and keeps(system, owner):
        return None
    answer = stretch(Classes.of(system))
    return None if answer is None or answer.proof is None else support(book, kept, answer.proof)


def _reduced(book: Rulebook, found: Mask | None, otherwise: Mask) -> Conflict:
    """Drop rules of a conflict one by one while it stays one."""
    rules = otherwise if found is None else found
    doubtful: set[int] = set()
    alike: set[Hashable] = set()
    system = book.system(rules)
    # What a set cannot spare, its parts cannot either: once through the rules is enough.
    for rule in np.flatnonzero(rules).tolist():
        if not rules[rule]:
            continue
        trial = rules.copy()
        trial[rule] = False
        key = _likeness(book, rule, system, trial)
        if key is not None and key in alike:
            continue
        witness = find_plan(book.system(trial))
        if witness.owner is not None:
            if key is not None:
                alike.add(key)
            continue
        smaller = _contradiction(book, trial)
        if smaller is None and witness.is_impossible:
            smaller = trial
        if smaller is None:
            doubtful.add(rule)
            continue
        rules, alike = smaller, set()
        system = book.system(rules)
    return Conflict(book=book, rules=rules, is_irreducible=not any(rules[list(doubtful)]))


def _likeness(book: Rulebook, rule: int, system: System, trial: Mask) -> Hashable | None:
    """Describe a lock or ban so that two of equal description are needed, or spared, alike.

    Reps without a limit are all the same: what counts is whether a lead may go to one of them. Where moves
    count, the owner of today stands apart.
    """
    lead = book.lead_of(rule)
    if lead < 0:
        return None
    is_lock = rule < book.starts[1]
    before, must = system.allowed[lead], bool(system.must[lead])
    if is_lock:
        bare = book.system(trial)
        after, must = bare.allowed[lead], bool(bare.must[lead])
    else:
        after = before.copy()
        after[book.task.forbidden[rule - book.starts[1], 1]] = True
    free, home = ~system.is_limited, -1
    if np.isfinite(system.max_moves) and system.today[lead] >= 0:
        home = int(system.today[lead])
        free[home] = False
    rows = [np.append(row[~free], row[free].any()).tobytes() for row in (before, after)]
    return (is_lock, must, system.use[lead].tobytes(), home, *rows)


def in_words(conflict: Conflict) -> Infeasible:
    """Name the rules, in the order of the book, and by how much they conflict."""
    book, task = conflict.book, conflict.book.task
    a, b, c, d, e, f, _ = book.starts
    rules: list[Problem] = [_words.moves_rule(task)] if conflict.rules[f] else []
    for rule in np.flatnonzero(conflict.rules).tolist():
        if rule < a:
            rep, _, k = book.limits[rule].tolist()
            rules.append(_words.bound_rule(task, task.bounds[k], rep))
        elif rule < b:
            rules.append(_words.lock_rule(task, int(book.locks[rule - a])))
        elif rule < c:
            rules.append(_words.ban_rule(task, rule - b))
        elif rule < d:
            rules.append(_words.need_rule(task, rule - c))
        elif rule < f:
            rules.append(_words.known_rule() if rule < e else _words.own_rule())
    return Infeasible(f"assign: {_what(conflict)}", rules)


def _what(conflict: Conflict) -> str:
    """Say in one line what is short, and by how much."""
    book, rules = conflict.book, conflict.rules
    system = book.system(rules)
    limits = np.flatnonzero(rules[: len(book.limits)])
    if not len(limits) and np.isinf(system.max_moves):
        return _about_a_lead(conflict, system)
    resources = set(book.limits[limits, 1].tolist())
    upper = book.is_upper[limits]
    said = None
    if np.isfinite(system.max_moves):
        said = _too_many_moves(conflict, system, limits)
    elif len(resources) == 1 and upper.all():
        said = _too_much(conflict, system, limits, resources.pop())
    elif len(resources) == 1 and not upper.any():
        said = _too_little(conflict, system, limits, resources.pop())
    elif len(limits) == 2 and len(set(book.limits[limits, 0].tolist())) == 1 and len(resources) == 2:
        said = _within(conflict, system, limits)
    if said is None:
        said = f"no plan keeps these {count(int(rules.sum()), 'rule')} together"
    return said if conflict.is_irreducible else f"{said} (some of them may be spared)"


def _amounts(book: Rulebook, limits: IntArray) -> float:
    bounds = book.task.bounds
    return float(sum(bounds[k].amount[rep] for rep, _, k in book.limits[limits].tolist()))


def _too_many_moves(conflict: Conflict, system: System, limits: IntArray) -> str:
    """Say that more leads change hands than may."""
    most = conflict.book.task.max_moves
    if not len(limits):
        n = int(((system.today >= 0) & ~system.may_stay).sum())
        if n > most:
            what = f"{n} leads cannot stay with their owner, max_moves {number(most, 6)}"
            return f"{what}; short by {number(n - most, 6)}"
    what = "limits" if len(limits) else "rules"
    said = f"no plan keeps these {what} with {number(most, 6)} moves"
    least = fewest_moves(system)
    return said if least is None else f"{said}; short by {number(least - most, 6)}"


def _about_a_lead(conflict: Conflict, system: System) -> str:
    book, task = conflict.book, conflict.book.task
    a, b, c, d, *_ = book.starts
    rules = conflict.rules
    lead = int(np.flatnonzero(system.must & ~system.allowed.any(axis=1))[0])
    needs = [k - c for k in np.flatnonzero(rules[:d]).tolist() if k >= c]
    words = " and ".join(task.eligibility.words(k) for k in needs)
    if rules[a:b].any():
        to = f"lead {show_lead(task, lead)} has a lock to rep {show_rep(task, int(task.locked[lead]))}"
        return f"{to} who lacks {words}" if words else f"{to} that is forbidden"
    if rules[d]:
        allowed = "allowed " if rules[b:d].any() else ""
        return f"no {allowed}rep has a connection to lead {show_lead(task, lead)}"
    if not rules[b:c].any():
        return f"no rep has {words} for lead {show_lead(task, lead)}"
    if words:
        return f"every rep who has {words} is forbidden to own lead {show_lead(task, lead)}"
    return f"lead {show_lead(task, lead)} is forbidden to every rep"


def _too_much(conflict: Conflict, system: System, limits: IntArray, resource: int) -> str | None:
    """Say that leads bring more than those who may own them have room for."""
    book, task = conflict.book, conflict.book.task
    name = task.quantities[resource]
    reps = np.unique(book.limits[limits, 0])
    others = np.ones(task.n_reps, dtype=bool)
    others[reps] = False
    stuck = system.must & ~system.allowed[:, others].any(axis=1)
    demand, room = float(task.use[stuck, resource].sum()), _amounts(book, limits)
    if demand <= room * (1 + 1e-9):
        largest = float(max(task.bounds[k].amount[rep] for rep, _, k in book.limits[limits].tolist()))
        big = np.flatnonzero(stuck & (task.use[:, resource] > largest))
        if not len(big):
            return None
        need = float(task.use[big[0], resource])
        what = f"{name} {number(need, 6)} of lead {show_lead(task, int(big[0]))}"
        return f"{what}, largest capacity {number(largest, 6)}; short by {number(need - largest, 6)}"
    over = number(demand - room, 6)
    if not conflict.rules[len(book.limits) + len(book.locks) :].any():
        to = f"rep {show_rep(task, int(reps[0]))}" if len(reps) == 1 else count(len(reps), "rep")
        return f"locks to {to} need {name} {number(demand, 6)}, limit {number(room, 6)}; over by {over}"
    if stuck.all() and len(reps) == task.n_reps and resource == 0:
        return f"capacity {number(room, 6)}, demand {number(demand, 6)}, short by {over}"
    who = f"{count(int(stuck.sum()), 'lead')} that only {count(len(reps), 'rep')} may own"
    return f"{who} need {name} {number(demand, 6)}, limit {number(room, 6)}; short by {over}"


def _too_little(conflict: Conflict, system: System, limits: IntArray, resource: int) -> str | None:
    """Say that reps need more than all the leads they may own bring."""
    book, task = conflict.book, conflict.book.task
    name = task.quantities[resource]
    reps = np.unique(book.limits[limits, 0])
    have = float(task.use[system.allowed[:, reps].any(axis=1), resource].sum())
    need = _amounts(book, limits)
    if have >= need * (1 - 1e-9):
        return None
    short = f"short by {number(need - have, 6)}"
    if len(reps) == 1:
        who = f"rep {show_rep(task, int(reps[0]))} can reach {name} {number(have, 6)}"
        return f"{who}, band from {number(need, 6)}; {short}"
    who = f"{len(reps)} reps can reach {name} {number(have, 6)} together"
    return f"{who}, bands from {number(need, 6)}; {short}"


def _within(conflict: Conflict, system: System, limits: IntArray) -> str | None:
    """Say that a rep cannot reach one limit within another."""
    book, task = conflict.book, conflict.book.task
    up, low = limits[book.is_upper[limits]], limits[~book.is_upper[limits]]
    if len(up) != 1 or len(low) != 1:
        return None
    rep, gain, _ = book.limits[low[0]].tolist()
    work = int(book.limits[up[0], 1])
    reach, _ = densest(system, rep, gain, work)
    need = _amounts(book, low)
    if reach >= need * (1 - 1e-9):
        return None
    name = "capacity" if work == 0 else f"limit of {task.quantities[work]}"
    who = f"rep {show_rep(task, rep)} can reach {task.quantities[gain]} {number(reach, 6)} within her {name}"
    return f"{who}, band from {number(need, 6)}; short by {number(need - reach, 6)}"
