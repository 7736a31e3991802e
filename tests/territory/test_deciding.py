"""A decision: the best offer of somebody with room, made at once, and the rest when it is read."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import territory
from salesops.territory import _offers


@pytest.fixture(scope="module")
def router():
    reps, leads = {"rep_id": ["ann", "bo"], "capacity": [3, 3]}, {"lead_id": ["acme", "bolt"]}
    graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "bolt"]})
    return territory.assign(reps, leads, territory.proximity(graph, reps, leads)).router()


def lead(name="new"):
    return {"lead_id": name, "candidates": {"ann": 0.2, "bo": 0.1}}


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_the_best_offer_is_the_first_of_all_that_are_ranked(seed, is_tied, is_cold):
    """Rank by sorting, the plain way, and compare."""
    chance = np.random.default_rng(seed)
    router = _many(chance, is_tied, is_cold)
    for k in range(12):
        who = chance.permutation(12)[: chance.integers(0, 13)].tolist()
        near = {rep: float(chance.integers(1, 4) if is_tied else chance.random()) for rep in who}
        one = {"lead_id": k, "value": float(chance.integers(0, 4)), "candidates": near}
        decision = router.route(one)
        use = (1.0, one["value"])
        scores = [one["value"] * each for each in near.values()]
        state = router._state
        ranked = _offers.offers(router._terms, state, list(near), scores, use)
        if is_cold:
            ranked += _offers.all_offers(router._terms, state, list(near), scores, use)
        else:
            ranked = [offer for offer in ranked if offer[0] <= 0]
        fits = [offer for offer in ranked if _offers.has_room(router._terms, state, use, offer[1])]
        assert decision.rep_id == (fits[0][1] if fits else None)
        if fits:
            assert (decision.price - decision.score, decision.score) == pytest.approx(
                (fits[0][0], fits[0][2])
            )
            behind = [offer[1] for offer in fits[1:] if offer[1] != decision.rep_id]
            assert (
                not is_cold
                or [one.rep_id for one in decision.runners_up] == behind[: len(decision.runners_up)]
            )
        router = router.commit(decision)


def _many(chance, is_tied, is_cold):
    n = 12
    reps = {"rep_id": list(range(n)), "capacity": chance.integers(2, 5, n).tolist()}
    pairs = {"rep_id": list(range(n)), "lead_id": list(range(n)), "score": [1.0] * n}
    values = [1] * n if is_tied else chance.integers(1, 3, n).tolist()
    leads = {"lead_id": list(range(n)), "value": values}
    plan = territory.assign(
        reps, leads, score=pairs, balance={"value": 0.9}, fallback="cold" if is_cold else "none"
    )
    return plan.router(candidates="proximity", expected=12)


def test_what_a_decision_leaves_for_later_is_there_when_it_is_read(router):
    decision = router.route(lead())
    assert decision.reason == "closest"
    assert [one.rep_id for one in decision.runners_up] == ["bo"]
    assert (decision.closest, decision.obstacle, decision.n_between, decision.source) == (
        None,
        None,
        None,
        "candidates",
    )
    with pytest.raises(AttributeError, match="no attribute 'raeson'"):
        _ = decision.raeson


def test_a_decision_says_the_same_whether_it_is_read_before_or_after_others(router):
    late, early = router.route(lead()), router.route(lead()).to_dict()
    after = router.commit(router.route(lead("other")))
    after.commit(after.route(lead("third")))
    assert late.to_dict() == early
    assert pickle.loads(pickle.dumps(router.route(lead()))) == late
    assert hash(router.route(lead())) == hash(late)


def test_a_committed_decision_holds_no_router(router):
    after = router.commit(router.route(lead()))
    assert after.decision("new")._rest is None
