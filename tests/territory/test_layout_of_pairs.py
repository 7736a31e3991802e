"""Plain loops over pairs judge how an assignment lays its pairs out, and what a plan says of each lead."""

import hashlib
import math

import numpy as np
import pytest
from scipy import sparse

from salesops import territory
from salesops.errors import Infeasible
from salesops.territory import _account, _chunks, _glance, _kernels, _known
from salesops.territory._known import places, proximity_to
from salesops.territory._listed import KeptPairs
from salesops.territory._task import read_task

SEEDS = range(25)


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    """Let even small problems be worked on in several pieces."""
    monkeypatch.setattr(_chunks, "_LENGTH", 3)


def world(seed):
    """Draw reps, leads, a proximity over more of both in another order, and rules."""
    rng = np.random.default_rng(seed)
    n_reps, n_leads = int(rng.integers(2, 7)), int(rng.integers(1, 20))
    kind = [int, str][seed % 2]
    reps, leads = [kind(k) for k in range(n_reps)], [kind(100 + k) for k in range(n_leads)]
    ends = [rng.choice(n_reps + n_leads, 2, replace=False) for _ in range(4 * n_leads)]
    name = [*reps, *leads]
    ties = {"source": [name[a] for a, _ in ends], "target": [name[b] for _, b in ends]}
    graph = territory.SocialGraph.from_ties(ties, combine="sum")
    near = territory.proximity(
        graph, {"rep_id": rng.permutation(reps)}, {"lead_id": rng.permutation(leads)}, top=3
    )
    if seed % 3:
        reps, leads = reps[: max(1, n_reps - 1)], leads[: max(1, n_leads - 3)]
    pairs = [(lead, rep) for lead in leads for rep in reps]
    chosen = rng.random(len(pairs))
    banned = [pair for pair, part in zip(pairs, chosen, strict=True) if part < 0.15] if seed % 5 else []
    locked = {lead: reps[int(rng.integers(len(reps)))] for lead in leads if rng.random() < 0.1}
    skilled = bool(seed % 4)
    rows = {
        "rep_id": reps,
        "capacity": rng.integers(0, 9, len(reps)).astype(float),
        "skills": [["x", "y"][: int(rng.integers(3))] for _ in reps] if skilled else [["x", "y"]] * len(reps),
    }
    wanted = {
        "lead_id": leads,
        "value": rng.integers(0, 9, len(leads)).astype(float),
        "workload": rng.integers(0, 7, len(leads)).astype(float),
        "requires": [["x", "y"][: int(rng.integers(3))] for _ in leads] if skilled else [[]] * len(leads),
    }
    return near, {
        "reps": rows,
        "leads": wanted,
        "locked": {"lead_id": list(locked), "rep_id": list(locked.values())} if locked else None,
        "forbidden": {"lead_id": [k for k, _ in banned], "rep_id": [r for _, r in banned]}
        if banned
        else None,
        "balance": {"value": 0.5} if seed % 2 else None,
        "fallback": "none" if seed % 7 < 3 else "cold",
    }


def task_of(seed):
    near, given = world(seed)
    options = {"score": None, "match": None, "require_all": False, "columns": None, **given}
    return near, read_task(options.pop("reps"), options.pop("leads"), near, **options)


def known_pairs(near, task):
    """List the known pairs of each lead as {rep: proximity}, one by one."""
    found = []
    for label in task.leads.values.tolist():
        row = near.lead_labels.position(label)
        span = range(near.starts[row], near.starts[row + 1])
        reps = {task.reps.position(near.rep_labels[int(near.reps[k])]): float(near.scores[k]) for k in span}
        found.append({rep: score for rep, score in sorted(reps.items()) if rep >= 0})
    return found


def is_allowed(task, lead, rep):
    return bool(task.may[task.kind[lead], rep]) and [lead, rep] not in task.forbidden.tolist()


def some_owners(task, seed):
    return np.random.default_rng(seed).integers(-1, task.n_reps, task.n_leads)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_of_a_proximity_are_laid_out_by_lead_and_rep_at_value_times_proximity(seed):
    near, task = task_of(seed)
    table = task.pairs.laid_out()
    for lead, reps in enumerate(known_pairs(near, task)):
        n = len(reps)
        assert table.reps[lead, :n].tolist() == list(reps)
        assert (table.reps[lead, n:] == -1).all()
        assert table.scores[lead, :n].tolist() == [task.value[lead] * near for near in reps.values()]
        assert np.isneginf(table.scores[lead, n:]).all()
        row = near.lead_labels.position(task.leads[lead])
        assert task.most[lead] == task.value[lead] * near.floor[row]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_problem_of_the_free_leads_lists_the_allowed_pairs_of_each(seed):
    near, task = task_of(seed)
    case, free = task.instance()
    table, known = case.pairs.laid_out(), known_pairs(near, task)
    nobody = [
        not any(
            is_allowed(task, lead, rep) and (task.use[lead] <= task.upper[rep] * (1 + 1e-9)).all()
            for rep in range(task.n_reps)
        )
        for lead in range(task.n_leads)
    ]
    assert free.tolist() == [k for k in range(task.n_leads) if task.locked[k] < 0 and not nobody[k]]
    for place, lead in enumerate(free.tolist()):
        reps = [rep for rep in known[lead] if is_allowed(task, lead, rep)]
        n = len(reps)
        assert table.reps[place, :n].tolist() == reps
        assert (table.reps[place, n:] == -1).all()
        assert table.scores[place, :n].tolist() == [task.value[lead] * known[lead][rep] for rep in reps]
        others = sum(is_allowed(task, lead, rep) for rep in range(task.n_reps)) > n
        assert case.is_open[place] == (others and task.fallback == "cold")
    assert table.width == max(
        (sum(is_allowed(task, lead, rep) for rep in known[lead]) for lead in free.tolist()), default=0
    )


def test_a_problem_without_rules_about_pairs_shares_their_arrays():
    near, given = world(0)
    task = read_task(
        {"rep_id": given["reps"]["rep_id"]},
        {"lead_id": given["leads"]["lead_id"]},
        near,
        score=None,
        balance=None,
        locked=None,
        forbidden=None,
        match=None,
        require_all=False,
        fallback="cold",
        columns=None,
    )
    case, _ = task.instance()
    assert case.pairs is task.pairs


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_names_the_closest_the_runner_up_and_the_barred_of_each_lead(seed):
    near, task = task_of(seed)
    owner = some_owners(task, seed)
    offers = _account.look_at_offers(task, owner)
    close = _account.proximities(task, near, owner)
    for lead, reps in enumerate(known_pairs(near, task)):
        own, value = int(owner[lead]), task.value[lead]
        assert offers.is_known[lead] == (own in reps)
        assert offers.score[lead] == value * reps.get(own, 0.0)
        assert close[lead] == reps.get(own, 0.0)
        allowed = [rep for rep in reps if is_allowed(task, lead, rep)]
        for name, among in (
            ("closest", allowed),
            ("runner_up", [rep for rep in allowed if rep != own]),
            ("barred", [rep for rep in reps if rep not in allowed]),
        ):
            best = min(among, key=lambda rep: (-value * reps[rep], rep), default=-1)
            assert getattr(offers, name)[lead] == best
            assert getattr(offers, f"{name}_score")[lead] == (value * reps[best] if best >= 0 else 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_reasons_follow_from_the_pairs_of_each_lead(seed):
    near, task = task_of(seed)
    owner = some_owners(task, seed)
    said = _account.reasons(task, owner, _account.look_at_offers(task, owner)).tolist()
    for lead, reps in enumerate(known_pairs(near, task)):
        own = int(owner[lead])
        allowed = {rep for rep in reps if is_allowed(task, lead, rep)}
        best = max((task.value[lead] * reps[rep] for rep in allowed), default=-math.inf)
        if own >= 0:
            closest = "closest" if task.value[lead] * reps.get(own, 0.0) >= best else "next closest"
            expected = "locked" if task.locked[lead] >= 0 else closest if own in reps else "cold"
        elif not task.may[task.kind[lead]].any():
            unmet = task.eligibility.unmet(lead)
            expected = f"no rep has {' and '.join(unmet)}" if unmet else "no eligible rep"
        elif not any(is_allowed(task, lead, rep) for rep in range(task.n_reps)):
            expected = "forbidden"
        else:
            expected = "no connection" if task.fallback == "none" and not allowed else "capacity"
        assert said[lead] == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fingerprint_is_that_of_the_arrays_written_one_after_another(seed):
    near, task = task_of(seed)
    state = hashlib.sha256(f"{task.fallback} {task.require_all} {sorted(task.balance.items())}".encode())
    for labels in (task.reps, task.leads):
        for label in labels.values.tolist():
            state.update(f"{type(label).__name__}:{label!r}\n".encode())
    state.update(repr((task.eligibility.needs, task.eligibility.kinds)).encode())
    known = known_pairs(near, task)
    starts = np.cumsum([0, *map(len, known)], dtype=np.int64)
    reps = np.array([rep for row in known for rep in row], dtype=np.int64)
    scores = np.array([task.value[k] * near for k, row in enumerate(known) for near in row.values()])
    arrays = [task.use, task.value, task.upper, task.lower, starts, reps, scores]
    for array in [*arrays, task.most, task.locked, task.forbidden, task.kind, task.may]:
        state.update(array.tobytes())
    assert _account.digest(task) == state.hexdigest()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rep_who_is_cleared_at_a_glance_can_reach_her_band(seed, monkeypatch):
    _, task = task_of(2 * seed + 1)
    quick = _glance._too_little_for_one(task)
    monkeypatch.setattr(_glance, "_is_in_doubt", lambda task, resource: task.lower[:, resource] > 0)
    thorough = _glance._too_little_for_one(task)
    assert str(quick) == str(thorough)


@pytest.mark.parametrize("is_directed", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_two_hops_are_counted_as_by_walking_from_person_to_person(seed, is_directed):
    rng = np.random.default_rng(seed)
    n, n_reps, n_leads = 30, 6, 25
    ties = rng.random((n, n)) < 0.06
    if not is_directed:
        ties |= ties.T
    persons = rng.integers(-1, n, n_reps)
    contacts = rng.integers(-1, n, int((many := rng.integers(1, 4, n_leads)).sum()))
    starts = np.concatenate([[0], np.cumsum(many)])
    owner = rng.integers(-1, n_reps, n_leads)
    hops = _kernels.within_two_hops(
        sparse.csr_array(ties.astype(float)), persons, starts, contacts, owner, is_directed=is_directed
    )
    step = ties | np.eye(n, dtype=bool)
    twice = step.astype(int) @ step.astype(int) > 0
    for lead in range(n_leads):
        start = persons[owner[lead]] if owner[lead] >= 0 else -1
        found = 3
        for end in contacts[starts[lead] : starts[lead + 1]].tolist():
            if start >= 0 and end >= 0:
                found = min(
                    found, 0 if start == end else 1 if step[start, end] else 2 if twice[start, end] else 3
                )
        assert hops[lead] == found


def test_labels_of_other_types_are_not_taken_for_the_same():
    near, task = task_of(3)
    assert places(task.leads, task.leads).tolist() == list(range(task.n_leads))
    assert (places(task.leads, task.reps) == -1).all()
    nobody = np.full(task.n_leads, -1)
    assert not proximity_to(near, task.reps, task.leads, nobody).any()


def made(seed):
    """Draw up a plan, or say why there is none."""
    near, given = world(seed)
    given["balance"] = {"value": (1.0, 1.5)} if seed % 2 else None
    try:
        return territory.assign(given.pop("reps"), given.pop("leads"), near, **given).to_dict()
    except Infeasible as error:
        return str(error)


@pytest.mark.filterwarnings("ignore:leads ask for what no rep has")
@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_that_stay_where_they_are_make_the_same_plan(seed, monkeypatch):
    laid_out = made(seed)
    monkeypatch.setattr(_known, "MANY", 0)
    assert isinstance(task_of(seed)[1].pairs, KeptPairs)
    assert made(seed) == laid_out


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_columns_that_are_kept_are_the_same_in_both_ways(seed, width, monkeypatch):
    def choose(part, reps, scores):
        return np.sort(np.argsort(-scores, axis=1, kind="stable")[:, :width], axis=1)

    table = task_of(seed)[1].pairs
    monkeypatch.setattr(_known, "MANY", 0)
    width = min(width, table.width)
    kept = task_of(seed)[1].pairs.keep(choose, width).laid_out()
    one = table.keep(choose, width)
    assert np.array_equal(one.reps, kept.reps)
    assert np.array_equal(one.scores, kept.scores)
