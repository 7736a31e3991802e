"""Several introductions from one person to another, warmest first. Positions stand for people."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops.territory import _kernels

IntArray = npt.NDArray[np.int64]
if TYPE_CHECKING:
    Matrix: TypeAlias = sparse.csr_array[Any]
else:
    Matrix = sparse.csr_array  # not subscriptable at run time before scipy 1.16

Chain = tuple[float, tuple[int, ...]]


def warmest_chains(
    strength: Matrix, start: int, end: int, n: int, *, max_hops: int | None, disjoint: bool
) -> list[Chain]:
    """Find the `n` warmest chains without repeated people: their strengths and their people.

    Parameters
    ----------
    strength : csr of shape (n_people, n_people)
        Strengths of ties in (0, 1], as :func:`salesops.territory._kernels.strengths` gives them.
    disjoint : bool
        True lets nobody stand between in two of the chains: each is the warmest without those before it.

    References
    ----------
    J. Y. Yen (1971), "Finding the K shortest loopless paths in a network".
    """
    people = _within_reach(strength, start, end, max_hops)
    if not len(people):
        return []
    small = sparse.csr_array(strength[people][:, people])
    a, b = int(np.searchsorted(people, start)), int(np.searchsorted(people, end))
    found = _disjoint(small, a, b, n, max_hops) if disjoint else _yen(small, a, b, n, max_hops)
    return [(warmth, tuple(int(people[p]) for p in chain)) for warmth, chain in found]


def _within_reach(strength: Matrix, start: int, end: int, max_hops: int | None) -> IntArray:
    """Find everyone who can stand on a chain of at most `max_hops` ties, in rising order."""
    limit = strength.shape[0] if max_hops is None else max_hops
    there = _hops(strength, start, limit)
    back = _hops(sparse.csr_array(strength.T), end, limit)
    return np.flatnonzero((there >= 0) & (back >= 0) & (there + back <= limit))


def _hops(strength: Matrix, start: int, limit: int) -> IntArray:
    """Count the ties from one person to everyone, up to a limit; -1 beyond it."""
    hops = np.full(strength.shape[0], -1, dtype=np.int64)
    hops[start] = 0
    edge = np.array([start])
    for hop in range(1, limit + 1):
        known = np.unique(strength[edge].indices)
        edge = known[hops[known] < 0]
        if not len(edge):
            break
        hops[edge] = hop
    return hops


def _without(strength: Matrix, people: list[int], ties: list[tuple[int, int]]) -> Matrix:
    """Take some people and some ties out; the strengths of the others stay."""
    row = np.repeat(np.arange(strength.shape[0]), np.diff(strength.indptr))
    kept = ~np.isin(row, people) & ~np.isin(strength.indices, people)
    for source, target in ties:
        kept &= ~((row == source) & (strength.indices == target))
    counts = np.concatenate([[0], np.cumsum(kept)])
    starts = counts[strength.indptr].astype(strength.indptr.dtype)
    return sparse.csr_array((strength.data[kept], strength.indices[kept], starts), shape=strength.shape)


def _disjoint(strength: Matrix, start: int, end: int, n: int, max_hops: int | None) -> list[Chain]:
    found: list[Chain] = []
    while len(found) < n:
        warmth, chain = _kernels.best_chain(strength, start, end, max_hops)
        if not chain:
            break
        found.append((warmth, tuple(chain)))
        if len(chain) == 1:
            break
        direct = [(start, end)] if len(chain) == 2 else []
        strength = _without(strength, chain[1:-1], direct)
    return found


def _yen(strength: Matrix, start: int, end: int, n: int, max_hops: int | None) -> list[Chain]:
    warmth, first = _kernels.best_chain(strength, start, end, max_hops)
    if not first:
        return []
    found: list[Chain] = [(warmth, tuple(first))]
    waiting: dict[tuple[int, ...], float] = {}
    while len(found) < n:
        last = found[-1][1]
        for place in range(len(last) - 1):
            root = last[: place + 1]
            taken = [(chain[place], chain[place + 1]) for _, chain in found if chain[: place + 1] == root]
            left = None if max_hops is None else max_hops - place
            fewer = _without(strength, list(root[:-1]), taken)
            _, spur = _kernels.best_chain(fewer, root[-1], end, left)
            if spur:
                chain = (*root[:-1], *spur)
                waiting[chain] = _warmth(strength, chain)
        for _, chain in found:
            waiting.pop(chain, None)
        if not waiting:
            break
        # Equally warm ones: the shorter, then the one that comes first in label order.
        best = min(waiting, key=lambda chain: (-waiting[chain], len(chain), chain))
        found.append((waiting.pop(best), best))
    return found


def _warmth(strength: Matrix, chain: tuple[int, ...]) -> float:
    product = 1.0
    for source, target in pairwise(chain):
        product *= float(strength[source, target])
    return product
