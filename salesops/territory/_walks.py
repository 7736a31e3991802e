"""Random walks with restart on arrays: made ready once for a graph, then walked from blocks of starts.

Positions stand for people; nothing here knows an id.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from salesops.territory._chunks import in_chunks, pieces
from salesops.territory._kernels import FloatArray, IntArray, Matrix
from salesops.territory._order import community_order
from salesops.territory._products import Block, add_product, add_rows, column_sums, mixes

Answer = TypeVar("Answer")

_LARGE = 1 << 15
_LOOKS = 16
_WIDEST_GAP = 0.95
_ROUNDS = 12
_WORTH_SINGLE, _FINEST_SINGLE = 1 << 20, 5e-7
"""Ties from which a walk in single precision pays, and the tolerance down to which it reaches."""
_GROUP, _PLAIN_STEPS = 8, 6
"""After it, so many columns at once take so many plain steps at most."""

NORM_OF_SCALE = {0.0: 1.0, 0.5: 2.0, 1.0: math.inf}
"""In which norm the error of scores is certified that are scaled by this power of the ties' totals."""


@attrs.frozen(kw_only=True, eq=False)
class Walk:
    """A walk made ready for a graph: plain arrays, so that it travels to another process.

    Attributes
    ----------
    step : csr of shape (n_people, n_people)
        The damped step a·P; of an undirected graph (2 / radius) · (a·P - centre·I), people in a new order.
    place : ndarray of shape (n_people,)
        Where each person stands in that order.
    centre, radius : float
        The damped spectrum lies within `radius` of `centre`, but for the resting distribution; a radius of 0
        says that it is not real, as the ties are directed.
    total : ndarray of shape (n_people,)
        Sum of the weights of each person's ties, in the new order.
    resting : ndarray of shape (n_people,), or None
        Where an endless walk without restart is found, within each group of people that ties connect.
    group : ndarray of shape (n_people,), or None
        Which of those groups each person is in.
    scale : float
        Scores are scaled by (total of the start / total of the person) to this power.
    """

    step: Matrix
    place: IntArray
    restart: float
    centre: float
    radius: float
    total: FloatArray
    resting: FloatArray | None
    group: npt.NDArray[np.int32] | None
    scale: float


def make_ready(adjacency: Matrix, *, restart: float, undirected: bool, scale: float = 0.0) -> Walk:
    """Make a walk ready: its step, the order of people, and the spectrum."""
    n = adjacency.shape[0]
    # Scaling by the largest weight first keeps sums of huge weights finite.
    weights = adjacency.data / max(adjacency.data.max(initial=0.0), np.finfo(float).tiny)
    ties = type(adjacency)((weights, adjacency.indices, adjacency.indptr), shape=adjacency.shape)
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(adjacency.indptr))
    total = np.bincount(rows, weights=weights, minlength=n).astype(np.float64)
    share = np.where(total > 0, (1.0 - restart) / np.where(total > 0, total, 1.0), 0.0)
    place = np.arange(n)
    if not undirected:
        step = type(ties)((weights * share[rows], ties.indices, ties.indptr), shape=ties.shape)
        return Walk(
            step=step.T.tocsr(),
            place=place,
            restart=restart,
            centre=0.0,
            radius=0.0,
            total=total,
            resting=None,
            group=None,
            scale=scale,
        )
    del rows
    low, high, group = -1.0, 1.0, None
    if ties.nnz >= _LARGE:
        low, high, group = _spectrum(ties, total)
    centre, radius = _interval(low, high, restart)
    resting = None
    if group is not None:
        resting = total / np.bincount(group, weights=total)[group]
    # The matrix of an undirected graph is its own transpose: column by column it becomes the step.
    weights *= share[ties.indices]
    weights *= 2.0 / radius
    if ties.nnz >= _LARGE:
        order = community_order(adjacency, total)
        place[order] = np.arange(n)
        ties = _moved(ties, order, place)
        total = total[order]
        resting = None if resting is None else resting[order]
        group = None if group is None else group[order]
    if centre:
        ties = _with_diagonal(ties, -2.0 * centre / radius)
    return Walk(
        step=ties,
        place=place,
        restart=restart,
        centre=centre,
        radius=radius,
        total=total,
        resting=resting,
        group=group,
        scale=scale,
    )


def _interval(low: float, high: float, restart: float) -> tuple[float, float]:
    """Centre and radius of the damped spectrum.

    The centre is kept so near 0 that the iteration comes closer at every step even if part of the spectrum
    lies outside, anywhere from -1 to 1.
    """
    damping = 1.0 - restart
    centre = min(damping * (high + low) / 2, 0.45 * restart)
    return centre, damping * high - centre


def _spectrum(ties: Matrix, total: FloatArray) -> tuple[float, float, npt.NDArray[np.int32] | None]:
    """Estimate the ends of the walk's spectrum without the resting distributions, and the connected groups.

    A few steps of the Lanczos method find them from inside; the margin makes up for it. If the upper end is
    near 1 anyway, setting the resting distributions apart saves nothing and the groups are None.

    References
    ----------
    C. Lanczos (1950), "An iteration method for the solution of the eigenvalue problem of linear differential
    and integral operators".
    """
    from scipy.sparse import csgraph

    n_groups, group = csgraph.connected_components(ties, directed=False)
    root = np.sqrt(total)
    inverse = np.where(root > 0, 1.0 / np.where(root > 0, root, 1.0), 0.0)
    volume = np.bincount(group, weights=total, minlength=n_groups)
    volume[volume == 0] = 1.0

    def without_rest(vector: FloatArray) -> FloatArray:
        inside = np.bincount(group, weights=root * vector, minlength=n_groups) / volume
        return np.asarray(vector - root * inside[group])

    now = without_rest(np.random.default_rng(0).standard_normal(len(total)))
    now /= np.linalg.norm(now)
    before, off = np.zeros_like(now), 0.0
    diagonal, beside = [], []
    for _ in range(_LOOKS):
        following = inverse * (ties @ (inverse * now)) - off * before
        diagonal.append(float(now @ following))
        following = without_rest(following - diagonal[-1] * now)
        off = float(np.linalg.norm(following))
        if off < 1e-9:
            break
        beside.append(off)
        before, now = now, following / off
    beside = beside[: len(diagonal) - 1]
    values = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    # Whole hundredths: what the last bit of a sum is cannot show in the result.
    low = max(-1.0, math.floor(float(values[0]) * 100 - 1) / 100)
    high = min(1.0, math.ceil(float(values[-1]) * 100 + 1) / 100)
    return (low, high, group.astype(np.int32)) if high < _WIDEST_GAP else (low, 1.0, None)


def _moved(step: Matrix, order: IntArray, place: IntArray) -> Matrix:
    """Bring people into a new order; each row sorted again, which walks through memory one way."""
    moved: Any = step[order]
    index = place.astype(moved.indices.dtype)[moved.indices]
    sorted_rows = type(step)((moved.data, index, moved.indptr), shape=step.shape)
    sorted_rows.sort_indices()
    return sorted_rows


def _with_diagonal(step: Matrix, value: float) -> Matrix:
    """Append one value on the diagonal at the end of each row of a matrix without any there."""
    n = step.shape[0]
    starts = step.indptr + np.arange(n + 1, dtype=step.indptr.dtype)
    last = starts[1:] - 1
    data = np.empty(starts[-1])
    indices = np.empty(starts[-1], dtype=step.indices.dtype)
    own = np.ones(starts[-1], dtype=bool)
    own[last] = False
    data[own], indices[own] = step.data, step.indices
    data[last], indices[last] = value, np.arange(n)
    return type(step)((data, indices, starts), shape=step.shape)


def walk(
    ready: Walk, starts: IntArray, tolerance: float, *, spread: bool = False
) -> tuple[Block, FloatArray]:
    """Walk from each start until its scores are certified, or the error does not come down any more.

    Where there are many ties, single precision walks as far as it can see: it moves half the memory, which
    is what a walk waits for. The certificate is taken in double precision all the same.

    Parameters
    ----------
    starts : ndarray of shape (n_starts,)
        Where each walk starts and returns to, as places in the order of `ready`.
    spread : bool, default False
        Whether each step goes on as many threads as there are processors.

    Returns
    -------
    scores : ndarray of shape (n_people, n_starts)
        In the order of `ready`, of single or double precision. Exactly 0 where no chain of ties leads. A
        column does not depend on the others, to the last bit: the number of steps is fixed beforehand, and
        who needs more gets a fixed number more.
    error : ndarray of shape (n_starts,)
        Certified bound on each column's error, in the norm that belongs to the scale.
    """
    steps = _steps(ready, tolerance)
    if is_for_single(ready, tolerance):
        scores, error = _advance_single(ready, starts, steps, tolerance, spread)
        if (error > tolerance).any():
            scores = scores.astype(np.float64)
    else:
        scores, error = _advance(ready, _first_guess(ready, starts, spread), starts, steps, spread)
    waiting, last = np.flatnonzero(error > tolerance), error.copy()
    for _ in range(_ROUNDS):
        if not len(waiting):
            break
        some = np.ascontiguousarray(scores[:, waiting])
        better, found = _advance(ready, some, starts[waiting], -(-steps // 3), spread)
        scores[:, waiting] = better
        error[waiting] = found
        still = (found > tolerance) & (found < 0.5 * last[waiting])
        last = error.copy()
        waiting = waiting[still]

    def finish(rows: slice) -> None:
        part = scores[rows]
        np.maximum(part, 0.0, out=part)
        if ready.scale:
            part *= _scaling(ready, starts, rows)

    _by_rows(finish, len(scores), spread)
    return scores, error


def _by_rows(function: Callable[[slice], Answer], n: int, spread: bool) -> list[Answer]:
    """Apply a function to one part of the rows after the other, or on as many threads as processors."""
    return in_chunks(function, n) if spread else [function(rows) for rows in pieces(n)]


def _steps(ready: Walk, tolerance: float) -> int:
    """How many steps bring a usual walk down to the tolerance.

    The Chebyshev bound holds for the Euclidean norm; a sum over many people comes down later, in measured
    walks by a factor of about a tenth of the square root of their number.
    """
    later = max(1.0, math.sqrt(ready.step.shape[0]) / 10) if NORM_OF_SCALE[ready.scale] == 1 else 1.0
    aim = max(tolerance * ready.restart / later, 1e-16)
    if not ready.radius:
        return max(1, math.ceil(math.log(aim) / math.log(1.0 - ready.restart) / 2))
    reach = (1.0 - ready.centre) / ready.radius
    return max(2, math.ceil(math.acosh(max(1.0 / aim, 1.0)) / math.acosh(reach)))


def _first_guess(ready: Walk, starts: IntArray, spread: bool) -> Block:
    n, width = ready.step.shape[0], len(starts)
    guess = np.zeros((n, width), dtype=ready.step.dtype)
    if ready.resting is None or ready.group is None:
        guess[starts, np.arange(width)] = ready.restart
        return guess
    resting, group = ready.resting, ready.group

    def fill(rows: slice) -> None:
        np.multiply(resting[rows, None], group[rows, None] == group[starts], out=guess[rows])

    _by_rows(fill, n, spread)
    return guess


def is_for_single(ready: Walk, tolerance: float) -> bool:
    """Tell whether a walk goes in single precision."""
    worth = ready.step.nnz >= _WORTH_SINGLE and tolerance >= _FINEST_SINGLE
    return bool(worth and ready.radius and not ready.scale)


def _advance_single(
    ready: Walk, starts: IntArray, steps: int, tolerance: float, spread: bool
) -> tuple[Block, FloatArray]:
    """Take a number of steps in single precision, then plain steps that are summed in double precision.

    The first plain step smooths what single precision has rounded, the next ones show how far off it is.
    """
    step = ready.step
    coarse = type(step)((step.data.astype(np.float32), step.indices, step.indptr), shape=step.shape)
    single = attrs.evolve(ready, step=coarse)
    x, spare = _accelerated(single, _first_guess(single, starts, spread), starts, steps, spread)
    del coarse, single
    _smoothed(ready, x, spare, starts, spread)
    error = _smoothed(ready, spare, x, starts, spread)
    # What is kept of a score is within half a unit of its last place; together the scores are 1.
    kept = float(np.finfo(np.float32).eps) / 2
    del spare
    late = np.flatnonzero(error > tolerance - kept)
    for _ in range(_PLAIN_STEPS):
        if not len(late):
            break
        before = np.ascontiguousarray(x[:, late])
        after = np.empty_like(before)
        error[late] = _smoothed(ready, before, after, starts[late], spread)
        x[:, late] = after
        late = late[error[late] > tolerance - kept]
    return x, error + kept


def _smoothed(ready: Walk, x: Block, y: Block, starts: IntArray, spread: bool) -> FloatArray:
    """Take one plain step from `x` to `y`, both of single precision, and bound the errors of `y`."""
    n, width = x.shape
    change = np.empty(width)
    whole = mixes(ready.step, width)
    for first in range(0, width, width if whole else _GROUP):
        columns = slice(first, min(first + (width if whole else _GROUP), width))
        block = x if whole else np.ascontiguousarray(x[:, columns], dtype=np.float64)
        own = starts[columns]

        def of_rows(rows: slice, block: Block = block, columns: slice = columns, own: IntArray = own) -> Any:
            now = np.asarray(block[rows], dtype=np.float64)
            y[rows, columns] = after = _plain_rows(ready, block, now, own, rows, whole)
            after -= now
            return column_sums(np.abs(after, out=after))

        change[columns] = sum(_by_rows(of_rows, n, spread))
    return _bound(ready, change)


def _plain_rows(
    ready: Walk, block: Block, now: FloatArray, starts: IntArray, rows: slice, compiled: bool
) -> FloatArray:
    """Take one plain step for some rows; `now` is what they are in `block`."""
    unit = ready.radius / 2 if ready.radius else 1.0
    after = np.zeros(now.shape)
    here = np.flatnonzero((starts >= rows.start) & (starts < rows.stop))
    after[starts[here] - rows.start, here] = ready.restart / unit
    add_rows(ready.step, block, after, rows, compiled=compiled)
    after *= unit
    if ready.radius and ready.centre:
        after += ready.centre * now
    return after


def _advance(
    ready: Walk, x: FloatArray, starts: IntArray, steps: int, spread: bool
) -> tuple[FloatArray, FloatArray]:
    """Take a number of steps, then one plain step that shows how far off they are. Overwrites `x`."""
    go = _accelerated if ready.radius else _plain
    x, y = go(ready, x, starts, steps, spread)
    compiled = mixes(ready.step, x.shape[1])

    def of_rows(rows: slice) -> Any:
        now = x[rows]
        y[rows] = after = _plain_rows(ready, x, now, starts, rows, compiled)
        after -= now
        np.abs(after, out=after)
        if ready.scale:
            after *= _scaling(ready, starts, rows)
        norm = NORM_OF_SCALE[ready.scale]
        return after.max(axis=0) if norm == math.inf else column_sums(after if norm == 1 else after * after)

    parts = _by_rows(of_rows, len(x), spread)
    norm = NORM_OF_SCALE[ready.scale]
    change = np.max(parts, axis=0) if norm == math.inf else np.asarray(sum(parts))
    return y, _bound(ready, np.sqrt(change) if norm == 2 else change)


def _bound(ready: Walk, change: FloatArray) -> FloatArray:
    """Bound the errors after a plain step that changed the scores by that much."""
    # A dot product of m terms is off by at most m units in the last place of the sum of magnitudes.
    rounding = (int(np.diff(ready.step.indptr).max(initial=0)) + 8) * np.finfo(float).eps * 4
    return np.asarray(((1.0 - ready.restart) * change + rounding) / ready.restart)


def _accelerated(ready: Walk, x: Block, starts: IntArray, steps: int, spread: bool) -> tuple[Block, Block]:
    """Chebyshev semi-iteration on two blocks.

    Iterates are kept times the Chebyshev polynomial of their degree at (1 - centre) / radius: the recurrence
    is then next = step · now - before + source, one product that adds to the block before.
    """
    column = np.arange(len(starts))
    source = 2.0 / ready.radius * ready.restart
    reach = (1.0 - ready.centre) / ready.radius
    growth, growing = 1.0, reach
    before, now = x, add_product(ready.step, x, np.zeros_like(x), spread=spread)
    now[starts, column] += source
    _multiply(now, 0.5, spread)
    for _ in range(steps - 1):
        before[starts, column] -= source * growing
        add_product(ready.step, now, before, reverse=True, spread=spread)
        before, now = now, before
        growth, growing = growing, 2.0 * reach * growing - growth
    _multiply(now, 1.0 / growing, spread)
    return now, before


def _multiply(block: Block, factor: float, spread: bool) -> None:
    def multiply(rows: slice) -> None:
        block[rows] *= factor

    _by_rows(multiply, len(block), spread)


def _plain(
    ready: Walk, x: FloatArray, starts: IntArray, steps: int, spread: bool
) -> tuple[FloatArray, FloatArray]:
    """Step after step: the error shrinks by the damping each time."""
    column = np.arange(len(starts))
    spare = np.empty_like(x)
    for _ in range(steps):
        spare.fill(0.0)
        spare[starts, column] = ready.restart
        add_product(ready.step, x, spare, spread=spread)
        x, spare = spare, x
    return x, spare


def _scaling(ready: Walk, starts: IntArray, rows: slice) -> FloatArray:
    total = ready.total[rows]
    inverse = np.where(total > 0, 1.0 / np.where(total > 0, total, 1.0), 0.0)
    return np.asarray(inverse[:, None] ** ready.scale * ready.total[starts] ** ready.scale)
