"""The algebra of reconciliation on sparse constraints: ``C x = 0`` says that parents equal their children.

Letters, as in the papers: ``W`` the covariance of base errors, ``x = y - W C' (C W C')^-1 C y`` the coherent
forecasts nearest to the base ``y`` in the metric of W. That is S (S' W^-1 S)^-1 S' W^-1 y, without the dense
leaf by leaf matrix.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
from scipy import sparse

from salesops.errors import NotConverged

if TYPE_CHECKING:
    from salesops.forecast._hierarchy import Hierarchy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DENSE = 1500


@attrs.frozen(eq=False)
class Weights:
    """W as a diagonal, and perhaps ``factor @ factor.T`` beside it."""

    diagonal: Floats
    """Shape (n_nodes,): the part of W that is diagonal alone."""

    factor: Floats | None = None
    """Shape (n_nodes, n_observations)."""

    def times(self, columns: Any) -> Any:
        """Give W times columns."""
        first = self.diagonal[:, None] * columns if columns.ndim > 1 else self.diagonal * columns
        return first if self.factor is None else first + self.factor @ (self.factor.T @ columns)

    def variances(self) -> Floats:
        """Give the diagonal of W."""
        if self.factor is None:
            return self.diagonal
        return np.asarray(self.diagonal + (self.factor**2).sum(axis=1))


class Projection:
    """Solve with ``C W C'``: sparse where W is diagonal, else densely or by Woodbury's identity."""

    def __init__(self, constraints: Any, weights: Weights) -> None:
        from scipy.sparse.linalg import splu

        self.constraints, self.weights = constraints.tocsr(), weights
        inner = (self.constraints @ sparse.diags_array(weights.diagonal) @ self.constraints.T).tocsc()
        n = inner.shape[0]
        self._dense: Any = None
        self._small: Any = None
        self._low: Any = None
        if weights.factor is not None:
            low = np.asarray(self.constraints @ weights.factor)
            if n <= _DENSE:
                from scipy.linalg import cho_factor

                self._dense = cho_factor(inner.toarray() + low @ low.T)
                return
            self._low = low
        self._lu = splu(inner)
        if self._low is not None:
            solved = self._lu.solve(self._low)
            self._small = np.eye(low.shape[1]) + self._low.T @ solved
            self._solved = solved

    def multipliers(self, right: Floats) -> Floats:
        """Solve ``C W C' m = right``."""
        if self._dense is not None:
            from scipy.linalg import cho_solve

            return np.asarray(cho_solve(self._dense, right))
        found = self._lu.solve(np.ascontiguousarray(right))
        if self._low is None:
            return np.asarray(found)
        inner = np.linalg.solve(self._small, self._low.T @ found)
        return np.asarray(found - self._solved @ inner)

    def coherent(self, base: Floats) -> tuple[Floats, Floats]:
        """Give the coherent forecasts and the multipliers of the constraints."""
        found = self.multipliers(np.asarray(self.constraints @ base))
        return np.asarray(base - self.weights.times(self.constraints.T @ found)), found

    def variances(self, errors: Weights) -> Floats:
        """Give the variances of the coherent forecasts where base errors have the covariance `errors`.

        With P = I - W C' M C and M = (C W C')^-1 they are the diagonal of P V P'; it is W - W C' M C W where
        V is W.
        """
        if self.weights.factor is not None:
            # Only the shrunk covariance itself is used as a full W.
            crossed = np.asarray(self.weights.times(self.constraints.T.toarray())).T
            gained = (crossed * self.multipliers(crossed)).sum(axis=0)
            return np.asarray(np.maximum(self.weights.variances() - gained, 0.0))
        inverse = self.multipliers(np.eye(self.constraints.shape[0]))
        scale, own = self.weights.diagonal, errors.diagonal
        middle = self.constraints @ sparse.diags_array(own) @ self.constraints.T
        twice = inverse @ np.asarray(middle @ inverse)
        found = own - 2 * scale * own * self._diagonal(inverse) + scale**2 * self._diagonal(twice)
        if errors.factor is not None:
            found += (self.coherent(errors.factor)[0] ** 2).sum(axis=1)
        return np.asarray(np.maximum(found, 0.0))

    def _diagonal(self, inner: Floats) -> Floats:
        """Give the diagonal of C' inner C."""
        found: Floats = np.zeros(self.constraints.shape[1])
        places = self.constraints.tocoo()
        block = np.asarray(self.constraints.T @ inner)
        np.add.at(found, places.col, places.data * block[places.col, places.row])
        return found


def tree_coherent(hierarchy: Hierarchy, variance: Floats, base: Floats) -> Floats:
    """Give the same forecasts as `Projection` on a tree with a diagonal W, by one pass up and one down.

    Each node is a Gaussian observation of its total. Up: a parent's children add (means and variances), and
    its own forecast is taken in by precision (a Kalman update). Down: what a parent's final total differs
    from the sum of its children goes to them in proportion to their variances. O(nodes), exact: K. C. Chou,
    A. S. Willsky, A. Benveniste (1994), "Multiscale recursive estimation, data fusion, and regularization".
    """
    mean, spread = base.copy(), variance.copy()
    kept = []
    for nodes, tops, starts in hierarchy.generations:
        total, loose = np.add.reduceat(mean[nodes], starts, axis=0), np.add.reduceat(spread[nodes], starts)
        kept.append((total, loose))
        trust = loose / (loose + variance[tops])
        mean[tops] = total + trust[:, None] * (base[tops] - total)
        spread[tops] = variance[tops] * trust
    for (nodes, tops, starts), (total, loose) in zip(
        hierarchy.generations[::-1], reversed(kept), strict=True
    ):
        sizes = np.diff(np.append(starts, len(nodes)))
        share = (mean[tops] - total) / loose[:, None]
        mean[nodes] += spread[nodes][:, None] * np.repeat(share, sizes, axis=0)
    return mean


def non_negative(constraints: Any, weights: Weights, base: Floats, leaves: Ints) -> tuple[Floats, int]:
    """Give the coherent forecasts nearest to one base whose leaves are 0 or more, by block pivoting.

    Leaves that come out negative are held at 0, leaves held whose multiplier pushes upwards are freed, until
    the conditions of optimality hold; if that circles, one at a time.

    Returns the forecasts and how many leaves are held at 0.
    """
    n = len(base)
    held = np.zeros(len(leaves), dtype=bool)
    scale = max(float(np.abs(base).max()), 1e-300)
    fewest, patience = len(leaves) + 1, 10
    for _ in range(20 * len(leaves) + 50):
        rows = np.flatnonzero(held)
        unit = sparse.csr_array(
            (np.ones(len(rows)), (np.arange(len(rows)), leaves[rows])), shape=(len(rows), n)
        )
        solver = Projection(sparse.vstack([constraints, unit]), weights)
        found, multiplier = solver.coherent(base)
        push = multiplier[constraints.shape[0] :]
        negative = ~held & (found[leaves] < -1e-11 * scale)
        metric = np.maximum(weights.variances()[leaves[rows]], 1e-300)
        loose = np.zeros(len(leaves), dtype=bool)
        loose[rows] = push * metric > 1e-11 * scale
        wrong = negative | loose
        if not wrong.any():
            found[leaves[held]] = 0.0
            return np.asarray(found), int(held.sum())
        if wrong.sum() < fewest:
            fewest, patience = int(wrong.sum()), 10
        else:
            patience -= 1
        if patience > 0:
            held = held ^ wrong
        else:
            held[np.flatnonzero(wrong)[-1]] ^= True
    raise NotConverged("non-negative reconciliation did not settle; check the weights for zeros")


def shrinkage(residuals: Floats) -> float:
    """Give Schäfer and Strimmer's intensity of shrinkage of the correlations towards none.

    sum over i != j of var(r_ij), over the sum of r_ij squared; computed from sums over observations, without
    the matrix. `residuals` are (n_observations, n_series).
    """
    n = len(residuals)
    centred = residuals - residuals.mean(axis=0)
    sd = np.sqrt((centred**2).sum(axis=0) / (n - 1))
    known = sd > 0
    z = centred[:, known] / sd[known]
    if z.shape[1] < 2:
        return 1.0
    own = (z**2).sum(axis=0) / n
    gram = z @ z.T / n
    squares = float((gram**2).sum() - (own**2).sum())
    fourth = float(((z**2).sum(axis=1) ** 2).sum() - (z**4).sum())
    spread = (fourth - n * squares) * n / (n - 1) ** 3
    correlation = squares * (n / (n - 1)) ** 2
    if correlation <= 0:
        return 1.0
    return min(max(spread / correlation, 0.0), 1.0) if math.isfinite(spread) else 1.0
