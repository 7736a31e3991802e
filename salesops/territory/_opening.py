"""From a plan to the router that goes on with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salesops._faults import check_choice, closest, raise_all, refuse
from salesops._frames import check_known
from salesops.errors import InvalidInput, Problem, show
from salesops.territory._desk import MOST, Desk
from salesops.territory._incoming import read_skills
from salesops.territory._newcomers import People, people_of
from salesops.territory._routing import FloatArray, Terms, state_of
from salesops.territory.inputs import read_rows, tables
from salesops.territory.results import Proximity
from salesops.territory.router import Router, check_people, opened

_GUESS = 0.2
"""How many leads are to come, as a part of the plan's, where nobody says."""


def open_router(
    plan: Any,
    *,
    expected: float | Mapping[str, float] | None,
    reps: object,
    people: Proximity | None,
    candidates: str | None,
    columns: Mapping[str, str] | None,
) -> Router:
    """Make the router of a plan; its options are those of ``TerritoryPlan.router``."""
    if candidates is None:
        candidates = "proximity" if plan.has_proximity else "score"
    check_choice("candidates", candidates, ("proximity", "score"))
    capacity, skills = _reps(plan, reps, columns)
    share, total, band = fair_shares(plan)
    n = len(plan.owner)
    tally = plan.use.sum(axis=0)
    unit = np.where(tally > 0, tally / max(n, 1), 1.0)
    earned = float(plan.score.sum())
    worth = np.where((tally > 0) & (earned > 0), earned / np.where(tally > 0, tally, 1.0), 1.0)
    used = plan.used.sum(axis=0)
    rate = np.where(used > 0, plan.used / np.where(used > 0, used, 1.0), share[:, None])
    end, n_leads = _expected(plan, expected, total)
    terms = Terms(
        capacity=capacity,
        share=np.where(capacity > 0, share, 0.0),
        band=band,
        base=plan.prices.copy(),
        rate=rate,
        worth=worth,
        unit=unit,
        end=end,
        n_leads=n_leads,
        spread=plan.use.std(axis=0) if n else np.zeros(len(unit)),
        is_cold=plan.fallback == "cold",
        is_guess=expected is None,
    )
    desk = Desk.of(
        plan.rep_labels,
        plan.quantities,
        is_score=candidates == "score",
        skills=skills,
        people=_people(plan, people),
    )
    opening = state_of(
        terms, tuple(np.ascontiguousarray(column) for column in plan.used.T), tuple(total.tolist())
    )
    state = hashlib.blake2b(plan.input_digest.encode(), digest_size=8)
    for part in (plan.used, terms.capacity, terms.share, terms.band, terms.base, terms.end):
        state.update(np.ascontiguousarray(part).tobytes())
    prox = people if people is not None else plan.prox
    return opened(Router, desk, terms, opening, tag=state.hexdigest(), prox=prox)  # type: ignore[no-any-return]  # by cls


def _people(plan: Any, people: Proximity | None) -> People | None:
    """Take the people the caller gave, or those of the plan's proximity where its leads are people."""
    if people is not None:
        return people_of(check_people(people), plan.rep_labels)
    if plan.prox is None:
        return None
    try:
        return people_of(plan.prox, plan.rep_labels)
    except InvalidInput:
        return None


def fair_shares(plan: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Read off a plan's limits: each rep's part of a balanced total, the totals, the bands.

    A quantity without a band has an infinite one, and its total is what the plan uses. A band that differs
    below and above counts as the narrower of the two.
    """
    n, d = plan.upper.shape
    total, band = plan.used.sum(axis=0), np.full(d, np.inf)
    share = np.where(plan.capacity > 0, 1.0, 0.0)
    share = share / max(float(share.sum()), 1.0)
    for k in sorted(range(d), reverse=True):
        width = plan.balance.get(plan.quantities[k])
        if width is None or not n:
            continue
        below, above = width if isinstance(width, tuple) else (width, width)
        # The upper end of workload may be a capacity instead; then the lower end tells.
        from_below = below < 1 and k == 0
        end = plan.lower[:, k] / (1 - below) if from_below else plan.upper[:, k] / (1 + above)
        if not np.isfinite(end).all():
            continue
        band[k], whole = min(below, above), float(end.sum())
        total[k] = whole
        if whole > 0:
            share = end / whole
    return share, total, band


def _expected(plan: Any, expected: object, total: FloatArray) -> tuple[FloatArray, float]:
    """Say what is to come: the total of each quantity in the end, or how many leads."""
    end = np.zeros(len(total))
    if expected is None:
        return end, _GUESS * len(plan.owner)
    if not isinstance(expected, Mapping):
        return end, _amount("expected", expected, [])
    faults: list[Problem] = []
    for name, amount in expected.items():
        if name in plan.quantities:
            k = plan.quantities.index(name)
            end[k] = total[k] + _amount(f"expected[{name!r}]", amount, faults)
        else:
            faults.append(
                Problem(
                    path="expected",
                    message="is neither workload nor balanced",
                    values=(show(name),),
                    suggestions=closest(name, plan.quantities),
                )
            )
    raise_all("router", faults)
    return end, 0.0


def _amount(path: str, value: object, faults: list[Problem]) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if number and 0 <= value <= MOST:  # type: ignore[operator]  # a number, by the line above
        return float(value)  # type: ignore[arg-type]  # likewise
    hint = "the number of leads to come, or the total of each quantity in a mapping"
    if path == "expected":
        raise refuse(path, "must be a finite number 0 or more", value, hint=hint)
    faults.append(Problem(path=path, message="must be a finite number 0 or more", values=(show(value),)))
    return 0.0


def _reps(
    plan: Any, reps: object, columns: Mapping[str, str] | None
) -> tuple[FloatArray, tuple[frozenset[str], ...] | None]:
    """Read capacities and skills that stand in for the plan's; reps who are not named keep theirs."""
    capacity: npt.NDArray[np.float64] = plan.capacity.copy()
    if reps is None:
        return capacity, None
    faults: list[Problem] = []
    rows = read_rows(tables(columns, reps=reps)["reps"], "reps", "rep_id", faults)
    table = rows.table
    check_known(faults, "reps.rep_id", rows.ids, plan.rep_labels, "the plan", table.rows)
    at = plan.rep_labels.codes(rows.ids)
    if table.has("capacity"):
        given = table.numbers("capacity", minimum=0)
        capacity[at[at >= 0]] = given[at >= 0]
    skills: list[frozenset[str]] = [frozenset()] * len(capacity)
    cells = table.cells("skills") if table.has("skills") else None
    unfit = []
    for row, cell in enumerate([] if cells is None else cells.tolist()):
        read = read_skills(cell)
        if read is None:
            unfit.append(row)
        elif at[row] >= 0:
            skills[int(at[row])] = read
    table.fault("skills", unfit, "is a list of skills, each a text")
    raise_all("router", faults)
    return capacity, None if cells is None else tuple(skills)
