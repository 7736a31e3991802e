"""The sparse matrix behind a graph agrees with a dense one made by hand, in little memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.territory import SocialGraph

PEOPLE = st.integers(0, 5)
TIES = st.lists(
    st.tuples(PEOPLE, PEOPLE, st.sampled_from([0.0, 0.25, 0.5, 2.0]), st.sampled_from(["x", "y"])),
    max_size=14,
)


@given(TIES, st.booleans(), st.booleans())
def test_the_matrix_holds_the_sum_of_what_counts(ties, directed, kinds):
    rows = [{"source": s, "target": t, "weight": w, **({"kind": k} if kinds else {})} for s, t, w, k in ties]
    graph = SocialGraph.from_ties(rows, combine="sum", directed=directed)
    people = graph.people.tolist()
    dense = np.zeros((len(people), len(people)))
    for source, target, weight, _ in ties:
        if source != target:
            i, j = people.index(source), people.index(target)
            dense[i, j] += weight
            if not directed:
                dense[j, i] += weight
    assert np.array_equal(graph.adjacency.toarray(), dense)
    assert graph.adjacency.has_sorted_indices
    assert graph.n_ties == np.count_nonzero(dense) / (1 if directed else 2)


@pytest.mark.parametrize("known", [{}, {"kind": ["mail", "crm"]}])
def test_a_tie_needs_little_memory_while_it_is_read(known):
    n = 300_000
    rng = np.random.default_rng(0)
    key = rng.choice(n * n // 100, n, replace=False)
    one, other = key // (n // 10), key % (n // 10) + n
    frame = pd.DataFrame({"source": one, "target": other, "weight": rng.random(n) + 0.1})
    for name, words in known.items():
        frame[name] = pd.Categorical.from_codes(np.arange(n) % len(words), words)
    tracemalloc.start()
    graph = SocialGraph.from_ties(frame)
    assert graph.adjacency.nnz == 2 * n
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / n < 2**30 / 1e7
    assert kept / n < (60 if known else 40)


def test_equal_weights_and_a_graph_of_one_tie_are_no_special_case():
    graph = SocialGraph.from_ties({"source": ["a"], "target": ["b"]})
    assert graph.adjacency.toarray().tolist() == [[0, 1], [1, 0]]
    assert not graph.adjacency.data.flags.writeable
