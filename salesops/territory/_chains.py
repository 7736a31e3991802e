"""The warmest chains between many pairs of people at once. Arrays only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from salesops.territory._kernels import Matrix, _lengths, hop_by_hop

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Chain = tuple[float, list[int]]

_CELLS = 1 << 24


def chains_between(
    strength: Matrix, starts: IntArray, ends: IntArray, max_hops: int | None
) -> list[list[Chain]]:
    """Find the warmest chain from each start to each end: its strength and its people, or 0 and nobody.

    The chains are those of :func:`salesops.territory._kernels.best_chain`, by the same rule between equals.

    Parameters
    ----------
    strength : csr of shape (n_people, n_people)
    starts, ends : ndarray of shape (n_starts,), (n_ends,)
        Positions of people; -1 is nobody.
    """
    found: list[list[Chain]] = [[(0.0, [])] * len(ends) for _ in starts.tolist()]
    known = np.flatnonzero(starts >= 0)
    incoming = strength.T.tocsr()
    incoming.sort_indices()
    rounds = 1 if max_hops is None else max_hops + 1
    width = max(1, _CELLS // max(strength.shape[0] * rounds, 1))
    for part in (known[k : k + width] for k in range(0, len(known), width)):
        if max_hops is None:
            block = _by_dijkstra(strength, starts[part], ends)
        else:
            block = _by_hops(strength, incoming, starts[part], ends, max_hops)
        for at, chains in zip(part.tolist(), block, strict=True):
            found[at] = chains
    return found


def _by_hops(
    strength: Matrix, incoming: Any, starts: IntArray, ends: IntArray, max_hops: int
) -> list[list[Chain]]:
    rounds = hop_by_hop(strength, starts, max_hops)
    return [
        [_back(rounds, incoming, column, end) if end >= 0 else (0.0, []) for end in ends.tolist()]
        for column in range(len(starts))
    ]


def _back(rounds: list[FloatArray], incoming: Any, column: int, end: int) -> Chain:
    """Walk back from the end: fewest ties among equally warm chains, then the first in label order."""
    hop = len(rounds) - 1
    if not rounds[hop][end, column] > 0:
        return 0.0, []
    chain = [end]
    while True:
        person = chain[-1]
        warmth = rounds[hop][person, column]
        while hop and rounds[hop - 1][person, column] == warmth:
            hop -= 1
        if not hop:
            return float(rounds[-1][end, column]), chain[::-1]
        known = slice(incoming.indptr[person], incoming.indptr[person + 1])
        people = incoming.indices[known]
        offers = rounds[hop - 1][people, column] * incoming.data[known]
        chain.append(int(people[np.argmax(offers == warmth)]))
        hop -= 1


def _by_dijkstra(strength: Matrix, starts: IntArray, ends: IntArray) -> list[list[Chain]]:
    from scipy.sparse import csgraph

    distance, previous = csgraph.dijkstra(
        _lengths(strength), directed=True, indices=starts, return_predecessors=True
    )[:2]
    block = []
    for row, start in enumerate(starts.tolist()):
        chains: list[Chain] = []
        for end in ends.tolist():
            if end < 0 or not np.isfinite(distance[row, end]):
                chains.append((0.0, []))
                continue
            chain = [end]
            while chain[-1] != start:
                chain.append(int(previous[row, chain[-1]]))
            chains.append((float(np.exp(-distance[row, end])), chain[::-1]))
        block.append(chains)
    return block
