"""Sorted columns laid end to end are merged as a stable sort would order them."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from salesops._frames.order import merge_order

WORDS = st.lists(st.integers(-3, 6), max_size=30)


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 3))
@example([[1, 1], [1, 1, 1, 1, 1], [1]], 1)
@example([[2, 2, 2, 2], [3, 1]], 0)
@example([[], []], 0)
def test_the_merge_is_a_stable_sort_whichever_part_is_in_order(parts, which):
    columns = [np.array(part, dtype=np.int64) for part in parts]
    columns[which % len(columns)].sort()
    expected = np.argsort(np.concatenate(columns), kind="stable")
    assert merge_order(columns).tolist() == expected.tolist()


@given(WORDS, WORDS, st.lists(st.integers(-3, 6), min_size=61, max_size=90))
def test_a_long_part_in_order_keeps_its_place_among_ties(before, after, longest):
    columns = [np.array(part, dtype=np.int64) for part in (before, sorted(longest), after)]
    expected = np.argsort(np.concatenate(columns), kind="stable")
    assert merge_order(columns).tolist() == expected.tolist()


def test_words_at_both_ends_of_64_bits_are_ordered():
    ends = [np.array([-(2**63), 2**63 - 1]), np.array([2**63 - 1, -(2**63)])]
    assert merge_order(ends).tolist() == [0, 3, 1, 2]
