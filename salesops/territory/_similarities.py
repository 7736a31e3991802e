"""Similarity of people on arrays: by common neighbours, by all chains, by effective resistance.

Positions stand for people; scores are of shape (n_people, n_starts), one column for each start.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
if TYPE_CHECKING:
    Matrix: TypeAlias = sparse.csr_array[Any]
else:
    Matrix = sparse.csr_array  # not subscriptable at run time before scipy 1.16

_LENGTHS = 128
_SOLVED = 1e-10
_MOST_STEPS = 5000


def unit(adjacency: Matrix) -> Matrix:
    """Give every tie the weight 1."""
    ones = np.ones(len(adjacency.data))
    return sparse.csr_array((ones, adjacency.indices, adjacency.indptr), shape=adjacency.shape)


def strength(adjacency: Matrix) -> FloatArray:
    """Add up the weights of each row."""
    return np.asarray(adjacency.sum(axis=1), dtype=float).ravel()


def rows_times(adjacency: Matrix, factor: FloatArray) -> Matrix:
    """Multiply each row of a matrix by its factor."""
    data = adjacency.data * np.repeat(factor, np.diff(adjacency.indptr))
    return sparse.csr_array((data, adjacency.indices, adjacency.indptr), shape=adjacency.shape)


def dense_columns(rows: Matrix) -> FloatArray:
    """Turn a sparse matrix of shape (n_starts, n_people) into dense columns."""
    return np.ascontiguousarray(rows.toarray().T)


def two_steps(pairs: tuple[tuple[Matrix, Matrix], ...], starts: IntArray) -> FloatArray:
    """Add up the products of first and second steps from each start."""
    first, second = pairs[0]
    total = first[starts] @ second
    for first, second in pairs[1:]:
        total = total + first[starts] @ second
    return dense_columns(total)


def growth(adjacency: Matrix) -> FloatArray:
    """Give the logarithm of the largest row sum of each power of a matrix, from the first to the 128th.

    Sums of rows bound the spectral radius: it is at most ``exp(growth[l - 1] / l)`` for each length l.
    """
    counts: FloatArray = np.ones(adjacency.shape[0])
    logs, level = np.full(_LENGTHS, -np.inf), 0.0
    for length in range(_LENGTHS):
        counts = adjacency @ counts
        largest = float(counts.max(initial=0.0))
        if not largest > 0:
            break
        level += math.log(largest)
        logs[length] = level
        counts /= largest
    return logs


def largest_beta(logs: FloatArray) -> float:
    """Give one over the certified bound on the spectral radius; infinite if no chain is long."""
    lengths = np.arange(1, len(logs) + 1)
    return math.exp(-float((logs / lengths).min()))


def gain(logs: FloatArray, beta: float) -> float:
    """Bound the sum over l of the row sums of ``(beta * adjacency) ** l``; infinite if it may diverge."""
    lengths = np.arange(1, len(logs) + 1)
    with np.errstate(over="ignore"):
        terms = np.exp(logs + lengths * math.log(beta))
    last = int(np.argmin(terms))
    # The margin keeps a term that is 1 but for rounding from passing as convergent.
    if not terms[last] < 0.999:
        return math.inf
    # Chains longer than `last` repeat: each block of that many further ties shrinks by terms[last].
    return float((1.0 + terms[:last].sum()) / (1.0 - terms[last]) - 1.0)


def katz(
    forward: Matrix, starts: IntArray, *, beta: float, remainder: float, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    """Count all chains from each start, length by length, until every column is certified.

    Parameters
    ----------
    forward : csr of shape (n_people, n_people)
        Transposed adjacency: entry (j, i) is the tie from i to j.
    remainder : float
        From :func:`gain`: what all longer chains can add, for each unit of the last length.
    tolerance : float
        Share of the sum of a column that may be missing.

    Returns
    -------
    scores : ndarray of shape (n_people, n_starts)
    error : ndarray of shape (n_starts,)
        Certified bound on the sum of absolute errors of each column.
    """
    step = forward * beta
    term = dense_columns(step.T.tocsr()[starts])
    total = term.copy()
    rounding = (int(np.diff(step.indptr).max(initial=0)) + 4) * np.finfo(float).eps * (1.0 + remainder)
    for _ in range(_MOST_STEPS):
        missing = term.sum(axis=0) * remainder
        if (missing <= tolerance * total.sum(axis=0)).all():
            break
        term = step @ term
        total += term
    return total, term.sum(axis=0) * remainder + rounding * total.sum(axis=0)


def laplacian(adjacency: Matrix) -> Matrix:
    """Make the Laplacian of an undirected graph."""
    return sparse.csr_array(sparse.diags_array(strength(adjacency), format="csr") - adjacency)


def inverse_laplacian(part: FloatArray) -> tuple[FloatArray, float]:
    """Invert the dense Laplacian of a connected part of n people, plus 1/n of their mean strength everywhere.

    Returns
    -------
    inverse : ndarray of shape (n, n)
        A generalised inverse up to a constant, which resistances do not feel.
    error : float
        Certified bound on the error of any entry; infinite if the part is too ill-conditioned to tell.
    """
    n = len(part)
    shifted = part + np.trace(part) / n**2
    inverse = np.linalg.inv(shifted)
    residual = sparse.csr_array(part) @ inverse + np.trace(part) / n**2 * inverse.sum(axis=0)
    residual[np.diag_indices(n)] -= 1.0
    off = float(np.abs(residual).sum(axis=1).max())
    off += n * np.finfo(float).eps * float(np.abs(shifted).sum(axis=1).max() * np.abs(inverse).max())
    largest = float(np.abs(inverse).max())
    return inverse, largest * off / (1.0 - off) if off < 1 else math.inf


def solve_laplacian(matrix: Matrix, right: FloatArray) -> FloatArray:
    """Solve a connected Laplacian for many right sides that sum to 0, by conjugate gradients.

    Each column ends with a residual of at most 1e-10 of its right side, or where rounding stops it.
    """
    scale = 1.0 / matrix.diagonal()[:, None]
    x = np.zeros_like(right)
    residual = right - right.mean(axis=0)
    goal = _SOLVED * np.linalg.norm(residual, axis=0)
    z = residual * scale
    direction = z.copy()
    energy = (residual * z).sum(axis=0)
    for _ in range(_MOST_STEPS):
        if (np.linalg.norm(residual, axis=0) <= goal).all():
            break
        image = matrix @ direction
        bend = (direction * image).sum(axis=0)
        step = np.divide(energy, bend, out=np.zeros_like(energy), where=bend > 0)
        x += step * direction
        residual -= step * image
        z = residual * scale
        before, energy = energy, (residual * z).sum(axis=0)
        turn = np.divide(energy, before, out=np.zeros_like(energy), where=before > 0)
        direction *= turn
        direction += z
    return np.asarray(x - x.mean(axis=0))


def sketched_diagonal(matrix: Matrix, adjacency: Matrix, size: int, rng: np.random.Generator) -> FloatArray:
    """Estimate the diagonal of the pseudo-inverse of a connected Laplacian by random projections of its ties.

    Each entry has a standard error of about ``sqrt(2 / size)`` of itself.
    """
    ties = sparse.triu(adjacency, k=1).tocoo()
    source, target = ties.coords[0], ties.coords[1]
    root = np.sqrt(ties.data)
    n = adjacency.shape[0]
    total = np.zeros(n)
    for first in range(0, size, 64):
        width = min(64, size - first)
        right = np.empty((n, width))
        for k in range(width):
            flow = root * (2.0 * rng.integers(0, 2, len(root)) - 1.0)
            right[:, k] = np.bincount(source, flow, n) - np.bincount(target, flow, n)
        total += np.square(solve_laplacian(matrix, right)).sum(axis=1)
    return total / size
