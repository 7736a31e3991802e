"""The part of a graph between two people holds every chain that matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from salesops.territory import _kernels
from salesops.territory._between import between
from salesops.territory._introductions import warmest_chains


def ties(seed, *, directed, n=14):
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((n, n)) < rng.choice([0.08, 0.15, 0.3]), rng.integers(1, 4, (n, n)) / 4, 0.0)
    np.fill_diagonal(dense, 0)
    return sparse.csr_array(dense if directed else np.maximum(dense, dense.T))


@settings(max_examples=150)
@given(
    st.integers(0, 10**6),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 6)),
    st.sampled_from(["saturating", "relative", "identity"]),
)
def test_the_best_chain_of_the_part_is_that_of_the_whole(seed, directed, max_hops, transform):
    graph = ties(seed, directed=directed)
    start, end = np.random.default_rng(seed).integers(0, 14, 2).tolist()
    whole = _kernels.strengths(graph, transform, 1.0)
    expected = _kernels.best_chain(whole, start, end, max_hops)
    found = between(graph, start, end, max_hops, is_directed=directed)
    if found is None:
        assert expected == (0.0, [])
        return
    part, people = found
    small = _kernels.strengths(part, transform, 1.0, float(graph.data.max(initial=1e-300)))
    a, b = np.searchsorted(people, (start, end)).tolist()
    warmth, chain = _kernels.best_chain(small, a, b, max_hops)
    assert (warmth, people[chain].tolist()) == expected
    several = warmest_chains(small, a, b, 3, max_hops=max_hops, disjoint=False)
    assert [(w, tuple(people[list(c)].tolist())) for w, c in several] == warmest_chains(
        whole, start, end, 3, max_hops=max_hops, disjoint=False
    )


@pytest.mark.parametrize("directed", [False, True])
def test_only_the_neighbourhood_of_a_short_chain_is_cut_out(directed):
    """Two people with a friend in common, amid a long line of strangers."""
    n = 1000
    rows = [*range(2, n - 1), 0, 1]
    columns = [*range(3, n), 1, 2]
    line = sparse.csr_array((np.ones(n - 1), (rows, columns)), shape=(n, n))
    graph = line if directed else sparse.csr_array(line + line.T)
    _, people = between(graph, 0, 2, 2, is_directed=directed)
    assert {0, 1, 2} <= set(people.tolist()) <= {0, 1, 2, 3}


def test_nobody_is_cut_out_where_no_chain_leads():
    graph = sparse.csr_array(np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]))
    assert between(graph, 0, 2, 4, is_directed=False) is None
