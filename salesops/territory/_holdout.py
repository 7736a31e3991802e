"""Hide ties, score pairs, and count how well scores tell hidden ties from pairs without one. Arrays only.

A pair is two people in either order; a hidden tie is hidden both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops.territory import _kernels
from salesops.territory._scorers import Scorer

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
if TYPE_CHECKING:
    Matrix: TypeAlias = sparse.csr_array[Any]
else:
    Matrix = sparse.csr_array  # not subscriptable at run time before scipy 1.16

_BLOCK = 64


@attrs.frozen(kw_only=True, eq=False)
class Pairs:
    """Pairs of people by position; with sides, `first` is a rep and `second` a lead."""

    first: IntArray
    second: IntArray

    def __len__(self) -> int:
        return len(self.first)


@attrs.frozen(kw_only=True, eq=False)
class Sides:
    """The people who are reps and those who are leads, each once, in rising order."""

    reps: IntArray
    leads: IntArray


@attrs.frozen(kw_only=True, eq=False)
class Split:
    """What a measure may see, the ties it must find, and as many pairs that are none."""

    adjacency: Matrix
    hidden: Pairs
    others: Pairs


def keys(first: IntArray, second: IntArray, n: int) -> IntArray:
    """Give each pair a number, the same in either order."""
    return np.minimum(first, second).astype(np.int64) * n + np.maximum(first, second)


def tie_keys(adjacency: Matrix) -> IntArray:
    """Give the number of the pair of every stored entry of a matrix, in its order."""
    n = adjacency.shape[0]
    row = np.repeat(np.arange(n), np.diff(adjacency.indptr))
    return keys(row, adjacency.indices.astype(np.int64), n)


def pairs_of(found: IntArray, n: int, sides: Sides | None) -> Pairs:
    """Turn numbers of pairs back into people; with sides, the rep comes first."""
    first, second = found // max(n, 1), found % max(n, 1)
    if sides is not None:
        turn = ~(_among(first, sides.reps, n) & _among(second, sides.leads, n))
        first, second = np.where(turn, second, first), np.where(turn, first, second)
    return Pairs(first=first, second=second)


def _among(people: IntArray, some: IntArray, n: int) -> Mask:
    is_one = np.zeros(n, dtype=bool)
    is_one[some] = True
    return is_one[people]


def between(found: IntArray, n: int, sides: Sides | None) -> IntArray:
    """Keep the numbers of pairs of a rep and a lead; all of them without sides."""
    if sides is None:
        return found
    first, second = found // max(n, 1), found % max(n, 1)
    ahead = _among(first, sides.reps, n) & _among(second, sides.leads, n)
    back = _among(second, sides.reps, n) & _among(first, sides.leads, n)
    return found[ahead | back]


def without(adjacency: Matrix, hidden: IntArray) -> Matrix:
    """Take the ties of some pairs out of a graph; everybody stays in it."""
    kept = ~np.isin(tie_keys(adjacency), hidden)
    counts = np.concatenate([[0], np.cumsum(kept)])
    starts = counts[adjacency.indptr].astype(adjacency.indptr.dtype)
    return sparse.csr_array((adjacency.data[kept], adjacency.indices[kept], starts), shape=adjacency.shape)


def hide(adjacency: Matrix, share: float, rng: np.random.Generator, sides: Sides | None) -> Split | None:
    """Hide a share of the ties, and draw as many pairs without one; None if there is nothing to hide."""
    n = adjacency.shape[0]
    ties = np.unique(tie_keys(adjacency))
    eligible = between(ties, n, sides)
    wanted = int(share * len(eligible))
    if wanted < 1:
        return None
    hidden = np.sort(rng.choice(eligible, wanted, replace=False))
    return Split(
        adjacency=without(adjacency, hidden),
        hidden=pairs_of(hidden, n, sides),
        others=pairs_of(non_ties(ties, n, wanted, rng, sides), n, sides),
    )


def non_ties(ties: IntArray, n: int, wanted: int, rng: np.random.Generator, sides: Sides | None) -> IntArray:
    """Draw numbers of distinct pairs without a tie; all there are if there are fewer."""
    reps = np.arange(n) if sides is None else sides.reps
    leads = np.arange(n) if sides is None else sides.leads
    room = len(reps) * len(leads)
    if room <= 4 * (len(ties) + wanted) or room <= 1 << 16:
        drawn = keys(np.repeat(reps, len(leads)), np.tile(leads, len(reps)), n)
        found = _free(np.unique(drawn), ties, n)
        return found if len(found) <= wanted else np.sort(rng.choice(found, wanted, replace=False))
    chosen = np.empty(0, dtype=np.int64)
    while len(chosen) < wanted:
        size = 2 * (wanted - len(chosen)) + 16
        drawn = keys(rng.choice(reps, size), rng.choice(leads, size), n)
        fresh = _free(drawn, ties, n)
        together = np.concatenate([chosen, fresh])
        _, place = np.unique(together, return_index=True)
        chosen = together[np.sort(place)]
    return np.sort(chosen[:wanted])


def _free(drawn: IntArray, ties: IntArray, n: int) -> IntArray:
    apart = drawn // max(n, 1) != drawn % max(n, 1)
    free: IntArray = drawn[apart & ~np.isin(drawn, ties)]
    return free


def split_scores(scorer: Scorer, split: Split, *, both_ways: bool) -> tuple[FloatArray, FloatArray]:
    """Score the hidden ties and the other pairs of a split, from their first person or from either end."""
    first = np.concatenate([split.hidden.first, split.others.first])
    second = np.concatenate([split.hidden.second, split.others.second])
    scores = pair_scores(scorer, first, second)
    if both_ways:
        scores = scores + (scores if scorer.is_mutual else pair_scores(scorer, second, first))
    return scores[: len(split.hidden)], scores[len(split.hidden) :]


def pair_scores(scorer: Scorer, first: IntArray, second: IntArray) -> FloatArray:
    """Score pairs from their first person; from the side with fewer people where it makes no difference."""
    if scorer.is_mutual and len(np.unique(second)) < len(np.unique(first)):
        return _one_way(scorer, second, first)
    return _one_way(scorer, first, second)


def _one_way(scorer: Scorer, first: IntArray, second: IntArray) -> FloatArray:
    starts, which = np.unique(first, return_inverse=True)
    scores = np.zeros(len(first))
    order = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[order], np.arange(0, len(starts) + _BLOCK, _BLOCK))
    for k, begin in enumerate(range(0, len(starts), _BLOCK)):
        rows = order[bounds[k] : bounds[k + 1]]
        people, _ = scorer.people(starts[begin : begin + _BLOCK])
        scores[rows] = people[second[rows], which[rows] - begin]
    return _kernels.rounded(scores)


def rep_scores(scorer: Scorer, reps: IntArray, leads: IntArray) -> FloatArray:
    """Score some leads from all reps, shape (n_reps, n_leads)."""
    if scorer.is_mutual and len(leads) < len(reps):
        return _from_starts(scorer, leads, reps).T
    return _from_starts(scorer, reps, leads)


def _from_starts(scorer: Scorer, reps: IntArray, leads: IntArray) -> FloatArray:
    scores = np.zeros((len(reps), len(leads)))
    for begin in range(0, len(reps), _BLOCK):
        people, _ = scorer.people(reps[begin : begin + _BLOCK])
        scores[begin : begin + _BLOCK] = people[leads].T
    return _kernels.rounded(scores)


def auc(positive: FloatArray, negative: FloatArray) -> float:
    """Give the chance that a positive scores above a negative, equals counting one half; NaN if none."""
    if not len(positive) or not len(negative):
        return float("nan")
    ranked = np.sort(negative)
    below = np.searchsorted(ranked, positive, side="left")
    upto = np.searchsorted(ranked, positive, side="right")
    return float((below + upto).sum()) / (2.0 * len(positive) * len(negative))


def candidates(split: Split, sides: Sides) -> tuple[IntArray, Mask, Mask]:
    """Find the leads with a hidden tie, and for each who may be named and who is right.

    Returns
    -------
    leads : ndarray of shape (n_leads,)
    may, right : ndarray of bool, shape (n_reps, n_leads)
        A rep may be named who has no visible tie to the lead and is not the lead.
    """
    leads = np.unique(split.hidden.second)
    visible = split.adjacency[sides.reps][:, leads] + split.adjacency[leads][:, sides.reps].T
    may = (sparse.csr_array(visible).toarray() == 0) & (sides.reps[:, None] != leads)
    right = np.zeros(may.shape, dtype=bool)
    right[np.searchsorted(sides.reps, split.hidden.first), np.searchsorted(leads, split.hidden.second)] = True
    return leads, may, right


def hit_rate(scores: FloatArray, may: Mask, right: Mask, top: int) -> float:
    """Give the share of leads one of whose `top` best candidates is right, averaged over orders of equals."""
    hits = [
        _hit(scores[may[:, k], k], right[may[:, k], k], top)
        for k in range(scores.shape[1])
        if may[:, k].any()
    ]
    return float(np.mean(hits)) if hits else float("nan")


def _hit(scores: FloatArray, right: Mask, top: int) -> float:
    if len(scores) <= top:
        return float(right.any())
    threshold = np.partition(scores, len(scores) - top)[len(scores) - top]
    above, level = scores > threshold, scores == threshold
    if right[above].any():
        return 1.0
    room, size, good = top - int(above.sum()), int(level.sum()), int(right[level].sum())
    # The chance that none of the right ones is among those drawn from the equals.
    miss = 1.0
    for k in range(room):
        miss *= max(size - good - k, 0) / (size - k)
    return 1.0 - miss
