"""Time conflict sets on seeded problems of 50 reps, 1,500 leads and about 2,000 rules.

Each kind is drawn so that it has no plan. Printed: seconds of wall and processor time until ``assign``
raises, rules in the conflict, and whether this script could verify it apart from the library: a mixed-integer
programme over the rules named finds no plan, and finds one after dropping any one of them.

    python tests/benchmarks/conflicts.py [--seeds 3] [--no-verify]
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from ast import literal_eval
from typing import Any

import numpy as np
import scipy
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from salesops.errors import Infeasible
from salesops.territory import assign

N, R = 1500, 50


def base(rng: np.random.Generator, *, unit: bool) -> dict[str, Any]:
    """Draw a problem with a plan: room, some locks and bans, four segments, skills."""
    work = np.ones(N) if unit else rng.integers(1, 9, N).astype(float)
    segment = rng.integers(0, 4, N)
    room = np.ceil(work.sum() / R * 1.4)
    locked = np.sort(rng.choice(N, 400, replace=False))
    by_segment = [np.flatnonzero(np.arange(R) % 4 == k) for k in range(4)]
    locks = {int(k): int(rng.choice(by_segment[segment[k]])) for k in locked}
    bans = {(int(rng.integers(N)), int(rng.integers(R))) for _ in range(1450)}
    bans = {(k, r) for k, r in bans if locks.get(k) != r}
    return {
        "work": work,
        "value": rng.integers(1, 100, N).astype(float),
        "room": np.full(R, room),
        "locks": locks,
        "bans": bans,
        "segment": segment,
        "has": np.arange(R) % 4,
        "balance": None,
        "own": True,
    }


def lock_and_ban(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=True)
    lead = int(rng.choice(list(case["locks"])))
    case["bans"].add((lead, case["locks"][lead]))
    return case


def lock_and_need(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=True)
    lead = int(rng.choice(list(case["locks"])))
    case["locks"][lead] = (case["locks"][lead] + 1) % R
    case["bans"].discard((lead, case["locks"][lead]))
    return case


def locks_over_room(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=False)
    rep = case["locks"][min(case["locks"])]
    mine = [k for k, r in case["locks"].items() if r == rep]
    case["room"][rep] = max(case["work"][mine].sum() - 1, 0)
    return case


def segment_over_room(rng: np.random.Generator, *, unit: bool = True) -> dict[str, Any]:
    case = base(rng, unit=unit)
    theirs = np.flatnonzero(case["has"] == 2)
    short = case["work"][case["segment"] == 2].sum() - 3
    case["room"][theirs] = np.floor(short / len(theirs))
    case["room"][theirs[: int(short - case["room"][theirs].sum())]] += 1
    case["locks"] = {k: r for k, r in case["locks"].items() if case["segment"][k] != 2}
    return case


def lumpy_segment_over_room(rng: np.random.Generator) -> dict[str, Any]:
    return segment_over_room(rng, unit=False)


def bans_over_room(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=True)
    few = rng.choice(N, 24, replace=False)
    rep = int(rng.integers(0, 4))
    case["segment"][few] = rep
    case["bans"] |= {(int(k), r) for k in few for r in range(R) if r not in (rep, rep + 4)}
    case["bans"] -= {(int(k), r) for k in few for r in (rep, rep + 4)}
    case["locks"] = {k: r for k, r in case["locks"].items() if r not in (rep, rep + 4) and k not in few}
    case["room"][[rep, rep + 4]] = 11
    return case


def everything_over_room(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=False)
    total = case["work"].sum() - 1
    case["has"] = [(0, 1, 2, 3)] * R
    case["room"] = np.floor(np.full(R, total / R))
    case["locks"] = dict(list(case["locks"].items())[:20])
    return case


def band_out_of_reach(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=True)
    case["balance"], case["own"] = {"value": 0.4}, False
    rep = int(rng.integers(R))
    near = case["segment"] == case["has"][rep]
    keep = rng.choice(np.flatnonzero(near), 9, replace=False)
    case["bans"] |= {(int(k), rep) for k in np.flatnonzero(near) if k not in keep}
    case["locks"] = {k: r for k, r in case["locks"].items() if r != rep and k not in keep}
    return case


def band_over_capacity(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=False)
    case["balance"], case["own"] = {"value": 0.3}, False
    rep = int(rng.integers(R))
    case["room"][rep] = 5
    case["locks"] = {k: r for k, r in case["locks"].items() if r != rep}
    return case


def bands_of_a_segment(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=True)
    case["balance"], case["own"] = {"value": 0.2}, False
    moved = np.flatnonzero(case["segment"] == 3)
    case["segment"][moved[: len(moved) // 2]] = 1
    case["locks"] = {k: r for k, r in case["locks"].items() if case["has"][r] == case["segment"][k]}
    return case


def too_lumpy(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=False)
    theirs = np.flatnonzero(case["has"] == 0)
    big = rng.choice(np.flatnonzero(case["segment"] == 0), len(theirs) + 1, replace=False)
    case["work"][case["segment"] == 0] = 1.0
    case["work"][big] = 80.0
    case["room"][theirs] = 159.0
    case["locks"] = {k: r for k, r in case["locks"].items() if case["segment"][k] != 0}
    return case


def owners_of_today(rng: np.random.Generator, case: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Let every lead be with a rep who may own it: at her lock, else with one of her segment."""
    today = np.array([rng.choice(np.flatnonzero(case["has"] == k)) for k in case["segment"]])
    for lead, rep in case["locks"].items():
        today[lead] = rep
    case["bans"] = {(k, r) for k, r in case["bans"] if today[k] != r}
    return today


def locks_over_moves(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=True)
    case["room"][:] = N
    today = owners_of_today(rng, case)
    for lead in sorted(case["locks"])[:60]:
        today[lead] = (today[lead] + 4) % 48
    n = sum(today[lead] != rep for lead, rep in case["locks"].items())
    return {**case, "today": today, "max_moves": int(n) - 3}


def room_over_moves(rng: np.random.Generator, *, unit: bool = True) -> dict[str, Any]:
    case = base(rng, unit=unit)
    today = owners_of_today(rng, case)
    crowded = (today >= 8) & (today < 16)
    today[crowded] -= 8
    case["locks"] = {k: r for k, r in case["locks"].items() if r >= 16}
    case["bans"] = {(k, r) for k, r in case["bans"] if today[k] != r}
    used = np.bincount(today, weights=case["work"], minlength=R)
    over = np.maximum(used - case["room"], 0)
    return {**case, "today": today, "max_moves": int(over.sum() / case["work"].max()) - 2}


def lumpy_room_over_moves(rng: np.random.Generator) -> dict[str, Any]:
    return room_over_moves(rng, unit=False)


def bands_over_moves(rng: np.random.Generator) -> dict[str, Any]:
    case = base(rng, unit=False)
    case["balance"], case["own"] = {"value": 0.3}, False
    today = owners_of_today(rng, case)
    worth = np.bincount(today, weights=case["value"], minlength=R)
    fair = case["value"].sum() / R
    needs = int((np.maximum(0.7 * fair - worth, 0) / 99).sum())
    return {**case, "today": today, "max_moves": needs - 2}


KINDS = (
    lock_and_ban,
    lock_and_need,
    locks_over_room,
    segment_over_room,
    lumpy_segment_over_room,
    bans_over_room,
    everything_over_room,
    band_out_of_reach,
    band_over_capacity,
    bands_of_a_segment,
    too_lumpy,
    locks_over_moves,
    room_over_moves,
    lumpy_room_over_moves,
    bands_over_moves,
)


def ask(case: dict[str, Any]) -> Any:
    locks, bans = sorted(case["locks"].items()), sorted(case["bans"])
    has = [item if isinstance(item, tuple) else (int(item),) for item in case["has"]]
    moves = {}
    if "today" in case:
        moves = {"current": {"lead_id": range(N), "rep_id": case["today"]}, "max_moves": case["max_moves"]}
    return assign(
        {"rep_id": range(R), "capacity": case["room"], "segments": has},
        {"lead_id": range(N), "workload": case["work"], "value": case["value"], "segment": case["segment"]},
        score={"rep_id": [0], "lead_id": [0], "score": [1.0]},
        balance=case["balance"],
        locked={"lead_id": [k for k, _ in locks], "rep_id": [r for _, r in locks]},
        forbidden={"lead_id": [k for k, _ in bans], "rep_id": [r for _, r in bans]},
        match={"segment": "segments"},
        require_all=case["own"],
        **moves,
    )


def rules_of(error: Infeasible) -> list[tuple[Any, ...]]:
    """Read the rules that an error names, by its problems alone."""
    rules: list[tuple[Any, ...]] = []
    for problem in error.problems:
        ids = [literal_eval(item) for item in problem.ids if not problem.path.startswith("leads")]
        if problem.path.startswith("leads"):
            rules.append(("need", literal_eval(problem.ids[0].rpartition(" ")[2])))
        elif problem.path.startswith("balance"):
            rules.append(("most" if "at most" in problem.values[0] else "least", *ids))
        else:
            rules.append((problem.path, *ids))
    return rules


def has_plan(case: dict[str, Any], rules: list[tuple[Any, ...]]) -> bool | None:  # noqa: C901  (one model)
    """Say by a mixed-integer programme whether some rules have a plan; None if it does not know."""
    has = [set(item) if isinstance(item, tuple) else {int(item)} for item in case["has"]]
    needs = {rule[1] for rule in rules if rule[0] == "need"}
    allowed = np.ones((N, R), dtype=bool)
    for need in needs:
        allowed[np.ix_(case["segment"] == need, [need not in have for have in has])] = False
    must = np.full(N, ("require_all",) in rules)
    for path, *ids in rules:
        if path == "forbidden":
            allowed[ids[0], ids[1]] = False
    for path, *ids in rules:
        if path == "locked":
            row = np.zeros(R, dtype=bool)
            row[ids[1]] = allowed[ids[0], ids[1]]
            allowed[ids[0]], must[ids[0]] = row, True
    fair = case["value"].sum() / R
    band = 0.0 if case["balance"] is None else case["balance"]["value"]
    sides = []
    for path, *ids in rules:
        if path == "reps.capacity":
            sides.append((ids[0], case["work"], -np.inf, case["room"][ids[0]] * (1 + 1e-9)))
        elif path == "most":
            sides.append((ids[0], case["value"], -np.inf, fair * (1 + band) * (1 + 1e-9)))
        elif path == "least":
            sides.append((ids[0], case["value"], fair * (1 - band) * (1 - 1e-9), np.inf))
    counts = ("max_moves",) in rules
    limited = sorted({side[0] for side in sides})
    free = np.ones(R, dtype=bool)
    free[limited] = False
    # Leads that may go to a rep without a limit matter only where something is to be reached.
    outside = (allowed & free).any(axis=1) | ~must
    filling = any(side[2] > 0 for side in sides)
    rows = np.flatnonzero(np.ones(N, dtype=bool) if filling or counts else ~outside)
    fits = allowed[:, limited]
    if (~outside & ~fits.any(axis=1)).any():
        return False
    if counts:
        # One more place: to stay with a rep without a limit. Who has a place outside needs no other but hers.
        mine = allowed & (case["today"][:, None] == np.arange(R))
        fits = np.where(outside[:, None] & (not filling), mine[:, limited], fits)
        fits = np.column_stack([fits, (mine & free).any(axis=1)])
    lead, column = np.nonzero(fits[rows])
    if not len(lead):
        return not filling and not (counts and case["max_moves"] < N)
    n = len(lead)
    once = sparse.csr_array((np.ones(n), (lead, np.arange(n))), shape=(len(rows), n))
    constraints = [LinearConstraint(once, np.where(outside[rows], 0.0, 1.0), 1.0)]
    for rep, use, low, high in sides:
        row = np.where(column == limited.index(rep), use[rows[lead]], 0.0)
        constraints.append(LinearConstraint(sparse.csr_array(row[None]), low, high))
    if counts:
        home = np.full(R, len(limited))
        home[limited] = np.arange(len(limited))
        stays = (column == home[case["today"][rows[lead]]]).astype(float)
        constraints.append(LinearConstraint(sparse.csr_array(stays[None]), N - case["max_moves"], np.inf))
    answer = milp(
        np.zeros(n),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"time_limit": 20},
    )
    return False if answer.status == 2 else True if answer.x is not None else None


def verified(case: dict[str, Any], rules: list[tuple[Any, ...]], rng: np.random.Generator) -> str:
    """Verify that a conflict is one, and that none (of at most 40, drawn) of its rules can be spared."""
    if has_plan(case, rules) is not False:
        return "NO: has a plan"
    drawn = rng.permutation(len(rules))[:40]
    answers = [has_plan(case, [rule for j, rule in enumerate(rules) if j != k]) for k in drawn]
    if all(answers):
        return "yes" if len(drawn) == len(rules) else f"yes ({len(drawn)} of its rules)"
    return f"NO: {sum(answer is not True for answer in answers)} of {len(drawn)} can be spared or are unknown"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--no-verify", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}")
    print(f"{'kind':<26}{'seed':>5}{'rules':>7}{'wall s':>8}{'cpu s':>7}{'size':>6}  verified")
    for kind in KINDS:
        for seed in range(options.seeds):
            case = kind(np.random.default_rng(seed))
            n_rules = (
                len(case["locks"]) + len(case["bans"]) + R * (3 if case["balance"] else 1) + 4 + case["own"]
            )
            n_rules += "today" in case
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                plan = ask(case)
                said, rules = f"no conflict found: {plan!r}, {len(plan.violations)} violations", []
            except Infeasible as error:
                rules, said = rules_of(error), str(error).splitlines()[0]
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            check = "-" if options.no_verify or not rules else verified(case, rules, np.random.default_rng(0))
            print(
                f"{kind.__name__:<26}{seed:>5}{n_rules:>7}{wall:>8.2f}{cpu:>7.2f}{len(rules):>6}  {check}",
                flush=True,
            )
            print(f"    {said}")


if __name__ == "__main__":
    main()
