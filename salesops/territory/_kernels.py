"""Proximity on arrays: best chains of ties, and the nearest reps of each lead.

Positions stand for people, reps and leads; nothing here knows an id.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops.territory._chunks import in_chunks

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
if TYPE_CHECKING:
    Matrix: TypeAlias = sparse.csr_array[Any]
else:
    Matrix = sparse.csr_array  # not subscriptable at run time before scipy 1.16

_CHUNK = 1 << 22
_LEADS = 1 << 18
"""Leads whose hops are counted at a time."""
_BITS = 40
_SPLIT = 2.0 ** (53 - _BITS) + 1.0
_SPLIT_LIMIT = 2.0**1000
ROUNDING = 2.0**-_BITS
"""What :func:`rounded` may move a sum of scores that is at most 1."""


def strengths(adjacency: Matrix, transform: str, half_weight: float, largest: float | None = None) -> Matrix:
    """Turn tie weights into strengths in (0, 1]; of a part of a graph, `largest` is the graph's weight."""
    weight = adjacency.data
    if transform == "saturating":
        with np.errstate(over="ignore"):
            strength = np.maximum(1.0 / (1.0 + half_weight / weight), np.finfo(float).tiny)
    elif transform == "relative":
        strength = weight / (weight.max(initial=1e-300) if largest is None else largest)
    else:
        strength = weight
    return sparse.csr_array((strength, adjacency.indices, adjacency.indptr), shape=adjacency.shape)


def best_chains(strength: Matrix, starts: IntArray, max_hops: int | None) -> FloatArray:
    """Find the largest product of strengths from each start to everyone, shape (n_people, n_starts)."""
    if max_hops is None:
        return _by_dijkstra(strength, starts)
    return hop_by_hop(strength, starts, max_hops)[-1]


def _by_dijkstra(strength: Matrix, starts: IntArray) -> FloatArray:
    from scipy.sparse import csgraph

    return np.exp(-csgraph.dijkstra(_lengths(strength), directed=True, indices=starts)).T


def _lengths(strength: Matrix) -> Matrix:
    # Strength 1 has length 0, which csgraph would read as no tie: the least positive number stands for it.
    length = np.maximum(-np.log(strength.data), np.finfo(float).tiny)
    return sparse.csr_array((length, strength.indices, strength.indptr), shape=strength.shape)


def hop_by_hop(strength: Matrix, starts: IntArray, max_hops: int) -> list[FloatArray]:
    """Find the largest products over chains of at most 0, 1, 2 ... ties, until nothing improves."""
    incoming = strength.T.tocsr()
    n, width = strength.shape[0], len(starts)
    best = np.zeros((n, width))
    best[starts, np.arange(width)] = 1.0
    rounds = [best]
    reached = np.flatnonzero(np.diff(incoming.indptr))
    for _ in range(max_hops):
        farther = best.copy()
        for part in _row_chunks(incoming.indptr, reached, width):
            first, last = incoming.indptr[part[0]], incoming.indptr[part[-1] + 1]
            chains = best[incoming.indices[first:last]] * incoming.data[first:last, None]
            offers = np.maximum.reduceat(chains, incoming.indptr[part] - first, axis=0)
            farther[part] = np.maximum(farther[part], offers)
        if np.array_equal(farther, best):
            break
        rounds.append(farther)
        best = farther
    return rounds


def _row_chunks(starts: npt.NDArray[Any], rows: IntArray, width: int) -> list[IntArray]:
    """Cut rows so that the entries of each part, times the width, stay within memory."""
    if not len(rows):
        return []
    parts = (starts[rows + 1].astype(np.int64) * width) // _CHUNK
    return np.split(rows, np.flatnonzero(np.diff(parts)) + 1)


def best_chain(strength: Matrix, start: int, end: int, max_hops: int | None) -> tuple[float, list[int]]:
    """Find the warmest chain from one person to another: its strength and its people, or 0 and nobody.

    Among equally warm chains the one with the fewest ties, then the one that comes first in label order,
    read from the end.
    """
    if max_hops is None:
        return _chain_by_dijkstra(strength, start, end)
    rounds = hop_by_hop(strength, np.array([start]), max_hops)
    values = [best[:, 0] for best in rounds]
    if not values[-1][end] > 0:
        return 0.0, []
    incoming = strength.T.tocsr()
    incoming.sort_indices()
    chain, hop = [end], len(values) - 1
    while True:
        person = chain[-1]
        while hop and values[hop - 1][person] == values[hop][person]:
            hop -= 1
        if not hop:
            return float(values[-1][end]), chain[::-1]
        known = slice(incoming.indptr[person], incoming.indptr[person + 1])
        people = incoming.indices[known]
        offers = values[hop - 1][people] * incoming.data[known]
        chain.append(int(people[np.argmax(offers == values[hop][person])]))
        hop -= 1


def _chain_by_dijkstra(strength: Matrix, start: int, end: int) -> tuple[float, list[int]]:
    from scipy.sparse import csgraph

    found = csgraph.dijkstra(
        _lengths(strength), directed=True, indices=np.array([start]), return_predecessors=True
    )
    distance, previous = found[0][0], found[1][0]
    if not np.isfinite(distance[end]):
        return 0.0, []
    chain = [end]
    while chain[-1] != start:
        chain.append(int(previous[chain[-1]]))
    return float(np.exp(-distance[end])), chain[::-1]


def roll_up(
    scores: FloatArray, lead_starts: IntArray, person: IntArray, weight: FloatArray, rule: str
) -> FloatArray:
    """Roll scores of people up to leads, shape (n_leads, n_reps); a person of -1 is nobody.

    Contacts of lead k stand at ``lead_starts[k]:lead_starts[k + 1]``, at least one for each lead. The rule is
    "sum" or "max" of weight times score.
    """
    known = scores[np.maximum(person, 0)]
    known = known * np.where(person < 0, 0.0, weight)[:, None]
    if len(person) == len(lead_starts) - 1:
        return known
    combine = np.add if rule == "sum" else np.maximum
    return combine.reduceat(known, lead_starts[:-1], axis=0) if len(person) else known


def rounded(scores: FloatArray) -> FloatArray:
    """Round to 40 significant bits, so that scores equal in theory are equal and ties break by label."""
    if scores.max(initial=0.0) > _SPLIT_LIMIT:
        mantissa, exponent = np.frexp(scores)
        return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, _BITS)), exponent - _BITS))
    # Veltkamp's splitting: the upper part of a product with 2**13 + 1 keeps 53 - 13 bits, rounded to nearest.
    upper = scores * _SPLIT
    return np.asarray(upper - (upper - scores))


def best_reps(
    scores: FloatArray, reps: npt.NDArray[np.int32], top: int
) -> tuple[FloatArray, npt.NDArray[np.int32], FloatArray]:
    """Keep the `top` best of each row; equal ones by position of the rep.

    Parameters
    ----------
    scores, reps : ndarray of shape (n_leads, n)
        In rising order of the rep within each row; a score of 0 is no rep.

    Returns
    -------
    scores, reps : ndarray of shape (n_leads, min(n, top))
        Still in rising order of the rep.
    floor : ndarray of shape (n_leads,)
        The most that a rep left out can score; 0 where nobody with a positive score was left out.
    """
    n, width = scores.shape
    if width <= top:
        return scores, reps, np.zeros(n)
    threshold = np.partition(scores, width - top, axis=1)[:, width - top]
    kept = scores >= threshold[:, None]
    crowded = np.flatnonzero(np.count_nonzero(kept, axis=1) > top)
    if len(crowded):
        few = scores[crowded]
        above = few > threshold[crowded, None]
        level = few == threshold[crowded, None]
        room = top - above.sum(axis=1, dtype=np.int32)
        kept[crowded] = above | (level & (np.cumsum(level, axis=1, dtype=np.int32) <= room[:, None]))
    left_out = np.count_nonzero(scores, axis=1) > top
    return scores[kept].reshape(n, top), reps[kept].reshape(n, top), np.where(left_out, threshold, 0.0)


def by_rank(
    scores: FloatArray, reps: npt.NDArray[np.int32]
) -> tuple[IntArray, npt.NDArray[np.int32], FloatArray]:
    """Lay the positive scores out as in CSR, best first, equal ones by position of the rep."""
    order = np.argsort(-scores, axis=1, kind="stable")
    scores, reps = np.take_along_axis(scores, order, axis=1), np.take_along_axis(reps, order, axis=1)
    positive = scores > 0
    starts = np.zeros(len(scores) + 1, dtype=np.int64)
    np.cumsum(positive.sum(axis=1), out=starts[1:])
    return starts, reps[positive], scores[positive]


def within_two_hops(
    adjacency: Matrix,
    persons: IntArray,
    starts: IntArray,
    contacts: IntArray,
    owner: IntArray,
    *,
    is_directed: bool = True,
) -> npt.NDArray[np.int8]:
    """Count hops between each lead's owner and the nearest of its contacts: 0, 1, 2, or 3 for farther.

    Parameters
    ----------
    persons : ndarray of shape (n_reps,)
        The person of each rep; -1 is nobody.
    starts, contacts : ndarray
        The people of each lead, as in CSR; -1 is nobody.
    owner : ndarray of shape (n_leads,)
        The rep of each lead; -1 is nobody.
    is_directed : bool
        False says that the adjacency is symmetric.
    """
    incoming = _transposed(adjacency) if is_directed else adjacency
    parts = range(0, len(owner), _LEADS)
    found = [
        _hops_of(adjacency, incoming, persons, starts[k : k + _LEADS + 1], contacts, owner[k : k + _LEADS])
        for k in parts
    ]
    return np.concatenate([*found, np.empty(0, dtype=np.int8)])


def _hops_of(
    adjacency: Matrix,
    incoming: Matrix,
    persons: IntArray,
    starts: IntArray,
    contacts: IntArray,
    owner: IntArray,
) -> npt.NDArray[np.int8]:
    """Count the hops of some leads, those of the same rep together."""
    hops = np.full(len(owner), 3, dtype=np.int8)
    lead = np.repeat(np.arange(len(owner)), np.diff(starts))
    whose = np.where(owner >= 0, persons[owner] if len(persons) else -1, -1)[lead]
    contacts = contacts[starts[0] : starts[-1]]
    known = np.flatnonzero((whose >= 0) & (contacts >= 0))
    known = known[np.argsort(whose[known], kind="stable")]
    lead, whose, contacts = lead[known], whose[known], contacts[known]

    def count(part: slice) -> npt.NDArray[np.int8]:
        found = np.full(len(whose[part]), 3, dtype=np.int8)
        near = np.zeros(adjacency.shape[0], dtype=bool)
        cuts = np.flatnonzero(np.diff(whose[part], prepend=-1))
        for first, last in itertools.pairwise([*cuts.tolist(), len(found)]):
            start, ends = int(whose[part][first]), contacts[part][first:last]
            friends = adjacency.indices[adjacency.indptr[start] : adjacency.indptr[start + 1]]
            near[friends] = True
            hop = np.where(near[ends], 1, 3).astype(np.int8)
            near[start] = True
            far = np.flatnonzero((hop == 3) & (ends != start))
            hop[far[_have_one_in(incoming, ends[far], near)]] = 2
            hop[ends == start] = 0
            found[first:last] = hop
            near[friends] = near[start] = False
        return found

    if len(known):
        np.minimum.at(hops, lead, np.concatenate(in_chunks(count, len(known))))
    return hops


def _transposed(adjacency: Matrix) -> Matrix:
    """Turn ties around; only where there are some counts."""
    ties = np.ones(adjacency.nnz, dtype=np.int8)
    pattern = sparse.csr_array((ties, adjacency.indices, adjacency.indptr), shape=adjacency.shape)
    return pattern.T.tocsr()


def _have_one_in(ties: Matrix, people: IntArray, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark the people who have a tie with somebody who is marked."""
    first = ties.indptr[people].astype(np.int64)
    many = ties.indptr[people + 1] - first
    ends = np.cumsum(many)
    place = np.arange(int(many.sum())) + np.repeat(first - (ends - many), many)
    hits = np.concatenate([[0], np.cumsum(marked[ties.indices[place]])])
    return np.asarray(hits[ends] > hits[ends - many])
