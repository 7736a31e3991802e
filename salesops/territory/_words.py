"""The rules of an assignment in words: each as one ``Problem``."""

from __future__ import annotations

import numpy as np

from salesops._display import number
from salesops._faults import count
from salesops.errors import Problem, show
from salesops.territory._limits import Bounds
from salesops.territory._task import Task


def show_rep(task: Task, rep: int) -> str:
    """Show the id of a rep."""
    return show(task.reps[rep])


def show_lead(task: Task, lead: int) -> str:
    """Show the id of a lead."""
    return show(task.leads[lead])


def lock_rule(task: Task, lead: int) -> Problem:
    """Word the lock of a lead."""
    ids = (show_lead(task, lead), show_rep(task, int(task.locked[lead])))
    return Problem(path="locked", message="lock of a lead to a rep", ids=ids)


def ban_rule(task: Task, ban: int) -> Problem:
    """Word a forbidden pair."""
    lead, rep = task.forbidden[ban].tolist()
    ids = (show_lead(task, lead), show_rep(task, rep))
    return Problem(path="forbidden", message="forbids a rep to own a lead", ids=ids)


def bound_rule(task: Task, bound: Bounds, rep: int) -> Problem:
    """Word one limit of a rep."""
    name, limit = task.quantities[bound.resource], number(float(bound.amount[rep]), 6)
    if bound.path == "reps.capacity":
        return Problem(
            path=bound.path, message="capacity of a rep", ids=(show_rep(task, rep),), values=(limit,)
        )
    is_band = bound.path.startswith("balance")
    return Problem(
        path=bound.path,
        message="band around the fair share of a rep" if is_band else "limit of a rep of her own",
        ids=(show_rep(task, rep),),
        values=(f"{name} {'at most' if bound.is_upper else 'at least'} {limit}",),
    )


def limit_rule(task: Task, rep: int, resource: int, *, is_upper: bool) -> Problem:
    """Word the tightest limit of a rep on one side."""
    fitting = [bound for bound in task.bounds if (bound.resource, bound.is_upper) == (resource, is_upper)]
    side = min if is_upper else max
    return bound_rule(task, side(fitting, key=lambda bound: float(bound.amount[rep])), rep)


def need_rule(task: Task, need: int) -> Problem:
    """Word what leads ask of their owners."""
    of_lead, _, _ = task.eligibility.needs[need]
    asking = np.isin(task.kind, [k for k, needs in enumerate(task.eligibility.kinds) if need in needs])
    return Problem(
        path=f"leads.{of_lead}",
        message="a lead goes only to a rep who has what it asks for",
        ids=(task.eligibility.words(need),),
        values=(f"asked for by {count(int(asking.sum()), 'lead')}",),
        suggestions=task.eligibility.near.get(need, ()),
    )


def known_rule() -> Problem:
    """Word that a lead goes only where a connection is known."""
    hint = "keep more reps of each lead with proximity(top=...), or choose fallback='cold'"
    return Problem(path="fallback", message="a lead without a known connection has no owner", hint=hint)


def own_rule() -> Problem:
    """Word that nobody is left out."""
    return Problem(path="require_all", message="every lead must have an owner")


def moves_rule(task: Task) -> Problem:
    """Word how many leads may change hands."""
    return Problem(
        path="max_moves",
        message="leads that may change hands",
        values=(number(task.max_moves, 6),),
        hint="allow more moves, or drop one of the other rules",
    )
