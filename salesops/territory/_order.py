"""An order of people that keeps those who know each other near each other in memory. Arrays only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from salesops.territory._kernels import FloatArray, IntArray, Matrix
from salesops.territory._products import add_product

SingleArray = npt.NDArray[np.float32]

_DIMENSIONS = 8
_SMOOTHINGS = 8
_ROUNDS = 3
_VOTES = 2
_CHUNK = 8192


def community_order(adjacency: Matrix, total: FloatArray) -> IntArray:
    """List the people community by community, the best connected of each first.

    It changes the time that a walk takes, not its scores: a walk reads the scores of everybody's friends, and
    finds them in the processor's cache if friends stand together. Random signals are smoothed over the ties,
    which leaves people of one community with like values; these are gathered around as many centres as the
    square root of the number of people; then everybody joins the group of most of their friends, twice.

    Parameters
    ----------
    adjacency : csr of shape (n_people, n_people)
        Symmetric.
    total : ndarray of shape (n_people,)
        Sum of the weights of each person's ties, each divided by the largest weight.

    References
    ----------
    D. A. Spielman, S.-H. Teng (2013), "A local clustering algorithm for massive graphs".
    U. N. Raghavan, R. Albert, S. Kumara (2007), "Near linear time algorithm to detect community structures in
    large-scale networks".
    """
    # Unscaled weights over scaled totals would grow beyond single precision.
    largest = max(adjacency.data.max(initial=0.0), np.finfo(float).tiny)
    weights = (adjacency.data / largest).astype(np.float32)
    label = _gathered(_smoothed(adjacency, weights, total))
    for _ in range(_VOTES):
        label = _voted(adjacency, weights, label)
    return np.lexsort((-np.diff(adjacency.indptr), label))


def _smoothed(adjacency: Matrix, weights: SingleArray, total: FloatArray) -> SingleArray:
    n = adjacency.shape[0]
    signal = np.random.default_rng(0).standard_normal((n, _DIMENSIONS), dtype=np.float32)
    share = (total / total.sum()).astype(np.float32)
    per_person = np.where(total > 0, 1.0 / np.where(total > 0, total, 1.0), 0.0).astype(np.float32)
    spread = type(adjacency)((weights, adjacency.indices, adjacency.indptr), shape=adjacency.shape)
    for _ in range(_SMOOTHINGS):
        signal = add_product(spread, signal, np.zeros_like(signal))
        signal *= per_person[:, None]
        signal -= share @ signal
    return np.asarray(signal / (np.linalg.norm(signal, axis=1, keepdims=True) + 1e-30), dtype=np.float32)


def _gathered(place: SingleArray) -> npt.NDArray[np.int32]:
    """Gather people around centres, the nearest by angle."""
    n, width = place.shape
    n_groups = max(1, int(np.sqrt(n)))
    centre = place[:: max(1, n // n_groups)][:n_groups]
    label = np.zeros(n, dtype=np.int32)
    for turn in range(_ROUNDS):
        for first in range(0, n, _CHUNK):
            label[first : first + _CHUNK] = np.argmax(place[first : first + _CHUNK] @ centre.T, axis=1)
        if turn < _ROUNDS - 1:
            sums = [np.bincount(label, weights=place[:, k], minlength=n_groups) for k in range(width)]
            mean = np.stack(sums, axis=1)
            length = np.linalg.norm(mean, axis=1, keepdims=True)
            centre = np.where(length > 0, mean / np.where(length > 0, length, 1), 0).astype(np.float32)
    return label


def _voted(adjacency: Matrix, weights: SingleArray, label: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Let everybody join the group of most of their friends, by weight; of equals the first group."""
    votes: Any = type(adjacency)(
        (weights.copy(), label[adjacency.indices], adjacency.indptr.copy()), shape=adjacency.shape
    )
    votes.sum_duplicates()
    size = np.diff(votes.indptr)
    voters = np.flatnonzero(size)
    if not len(voters):
        return label
    most = np.maximum.reduceat(votes.data, votes.indptr[voters])
    hit = np.flatnonzero(votes.data == np.repeat(most, size[voters]))
    voter = np.repeat(voters, size[voters])[hit]
    joined = label.copy()
    joined[voter[::-1]] = votes.indices[hit[::-1]]
    return joined
