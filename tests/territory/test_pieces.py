"""What is worked on in pieces, or kept from step to step, is what it is in one go."""

import math

import numpy as np
import pytest
from scipy import sparse

from salesops.territory import _draft, _kernels, _polish, _prices
from salesops.territory._chunks import exact_sum
from salesops.territory._draft import Draft
from salesops.territory._listed import Pairs
from salesops.territory._prices import Instance


def instance(seed, n_leads=60, n_reps=7):
    """Draw a problem with two resources, and pairs that leave some reps out."""
    rng = np.random.default_rng(seed)
    known = rng.random((n_leads, n_reps)) < 0.5
    lead, rep = np.nonzero(known)
    use = np.stack([rng.integers(1, 4, n_leads), rng.integers(0, 9, n_leads)], axis=1).astype(float)
    return Instance(
        use=use,
        upper=np.tile(use.sum(axis=0) / n_reps * 1.5, (n_reps, 1)),
        lower=np.tile(use.sum(axis=0) / n_reps * 0.5, (n_reps, 1)),
        pairs=Pairs.of_table(lead, rep, rng.random(len(lead)), n_leads),
        rest=np.zeros(n_leads),
        is_open=rng.random(n_leads) < 0.8,
        banned=np.empty((0, 2), dtype=np.int64),
        kind=rng.integers(0, 2, n_leads),
        may=rng.random((2, n_reps)) < 0.9,
        must_own=True,
        may_leave=False,
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_leads_of_a_rep_are_kept_as_leads_move(seed, monkeypatch):
    monkeypatch.setattr(_draft, "MANY", 0)
    monkeypatch.setattr(_draft, "_MOST_HELD", 9)
    rng, case = np.random.default_rng(seed), instance(seed)
    draft = Draft.of(case, rng.integers(-1, case.n_reps, case.n_leads))
    for _ in range(80):
        draft.move(int(rng.integers(case.n_leads)), int(rng.integers(case.n_reps + 1)))
        for rep in range(case.n_reps + 1):
            assert draft.leads_of(rep).tolist() == np.flatnonzero(draft.owner == rep).tolist()
    used = np.zeros_like(draft.used)
    np.add.at(used, draft.owner, case.use)
    np.testing.assert_allclose(draft.used[:-1], used[:-1], atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_scores_to_take_are_those_at_the_rep_and_at_the_owner(seed):
    rng, case = np.random.default_rng(seed), instance(seed)
    draft = Draft.of(case, rng.integers(-1, case.n_reps, case.n_leads))
    leads = rng.permutation(case.n_leads)[:20]
    for rep in range(case.n_reps):
        here, own = draft.scores_to_take(leads, rep)
        assert here.tolist() == draft.score_at(leads, rep).tolist()
        assert own.tolist() == draft.scores(leads)[np.arange(20), draft.owner[leads]].tolist()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("cells", [1, 40])
def test_the_cheapest_unlisted_reps_do_not_depend_on_pieces(seed, cells, monkeypatch):
    rng, case = np.random.default_rng(seed), instance(seed)
    prices = rng.integers(0, 3, case.upper.shape) / 4
    whole = _polish._cold_columns(case, prices)
    monkeypatch.setattr(_polish, "_CELLS", cells)
    lead, rep = _polish._cold_columns(case, prices)
    assert (lead.tolist(), rep.tolist()) == (whole[0].tolist(), whole[1].tolist())
    known = {(k, r) for k, row in enumerate(case.pairs.reps.tolist()) for r in row}
    assert len(lead)
    assert not known & set(zip(lead.tolist(), rep.tolist(), strict=True))
    assert case.may[case.kind[lead], rep].all()
    assert case.is_open[lead].all()


@pytest.mark.parametrize("seed", range(20))
def test_the_reach_of_a_rep_is_her_nth_closest_contest(seed):
    rng = np.random.default_rng(seed)
    n_reps, n_each, n = 6, int(rng.integers(1, 5)), int(rng.integers(0, 30))
    rep, other = rng.integers(-1, 5, n), rng.integers(-1, 5, n)
    kept = rep != other
    rep, other, distance = rep[kept], other[kept], rng.random(n)[kept]
    cuts = np.sort(rng.integers(0, len(rep) + 1, 3))
    parts = zip(*(np.split(each, cuts) for each in (rep, rep, other, distance)), strict=True)
    reach = _prices._reaches(n_reps, parts, n_each)
    for who in range(n_reps):
        mine = np.sort(distance[(rep == who) | (other == who)])
        expected = mine[min(n_each, len(mine)) - 1] if len(mine) else distance.max(initial=0.0)
        assert reach[who] == expected


@pytest.mark.parametrize("is_directed", [True, False])
def test_hops_do_not_depend_on_pieces(is_directed, monkeypatch):
    rng = np.random.default_rng(3)
    dense = rng.random((30, 30)) < 0.07
    dense = dense if is_directed else dense | dense.T
    ties = sparse.csr_array(dense.astype(float))
    starts = np.concatenate([[0], np.cumsum(rng.integers(0, 3, 50))])
    contacts, owner = rng.integers(-1, 30, starts[-1]), rng.integers(-1, 5, 50)

    def hops():
        return _kernels.within_two_hops(
            ties, np.arange(5), starts, contacts, owner, is_directed=is_directed
        ).tolist()

    whole = hops()
    assert set(whole) == {0, 1, 2, 3}
    monkeypatch.setattr(_kernels, "_LEADS", 7)
    assert hops() == whole


def test_a_sum_in_pieces_is_exact():
    amounts = np.concatenate([np.full(20_000, 0.1), [1e16, 1.0, -1e16], np.full(20_000, -0.1)])
    assert exact_sum(amounts) == math.fsum(amounts.tolist()) == 1.0
    assert exact_sum(np.empty(0)) == 0.0
