"""What a run takes over from a ledger: the balances before its first period."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import attrs

from salesops.comp._periods import Terms
from salesops.comp._seats import Given
from salesops.comp.ledger import Ledger
from salesops.comp.plan import CompPlan
from salesops.errors import Problem, show

Opening = Mapping[tuple[str, tuple[str, Hashable]], int]


def check_prior(prior: object, balances: object, terms: Terms, faults: list[Problem]) -> Opening:
    """Read what reps owe in the ledger before the run; balances from two sides are a fault."""
    if prior is None:
        return {}
    if not isinstance(prior, Ledger):
        hint = "pass the Ledger that the runs before were posted to"
        faults.append(
            Problem(path="prior", message="is not a Ledger", values=(type(prior).__name__,), hint=hint)
        )
        return {}
    if balances is not None and len(prior):
        hint = "leave balances out: the ledger carries them"
        faults.append(Problem(path="balances", message="a ledger with entries says what reps owe", hint=hint))
    if not len(terms):
        return {}
    opening = prior._owed_before(terms.names[0], int(terms.starts[0]))  # noqa: SLF001  (part of the same room)
    below = [(rep, owed) for (_, rep), owed in opening.items() if owed < 0]
    if below:
        fault = Problem(
            path="prior",
            message="corrections have left a balance below 0 before the run",
            ids=tuple(show(rep[1]) for rep, _ in below),
            values=tuple(str(owed) for _, owed in below),
            hint="run again from the period that was corrected",
        )
        faults.append(fault)
    return opening


def with_prior(
    given: Given, plans: Sequence[CompPlan], opening: Opening, only: frozenset[tuple[str, Hashable]] | None
) -> Given:
    """Open the balances of the reps of the run, and note whom the run was made for."""
    place = {plan.plan_id: k for k, plan in enumerate(plans)}
    owed = dict(given.opening)
    for (plan, rep), amount in opening.items():
        code = given.sheet.reps.position(rep[1])
        if plan in place and code >= 0 and amount:
            owed[place[plan], code] = amount
    return attrs.evolve(given, opening=owed, only=only)
