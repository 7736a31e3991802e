"""Each measure made ready for one graph: from its options to scores of all people for a block of starts.

:func:`prepare` does once what every block needs; what it gives back is plain arrays, so that it travels to
another process. Nothing here knows an id.
"""

from __future__ import annotations

import math
from functools import singledispatch
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from salesops._faults import refuse
from salesops.territory import _kernels, _similarities, _walks
from salesops.territory.geography import Geography
from salesops.territory.measures import (
    Blend,
    EffectiveResistance,
    IntroductionPath,
    Katz,
    Measure,
    RandomWalk,
)
from salesops.territory.neighbours import (
    AdamicAdar,
    CommonNeighbours,
    Jaccard,
    PreferentialAttachment,
    ResourceAllocation,
)

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Rule = Literal["sum", "max"]
_SCALE = {"out": 0.0, "symmetric": 0.5, "in": 1.0}
Neighbours = CommonNeighbours | AdamicAdar | ResourceAllocation
if TYPE_CHECKING:
    Matrix: TypeAlias = sparse.csr_array[Any]
else:
    Matrix = sparse.csr_array  # not subscriptable at run time before scipy 1.16


class Scorer(Protocol):
    """A measure made ready for one graph."""

    rule: ClassVar[Rule]
    """How scores of several contacts roll up to their lead, each times its weight."""

    @property
    def is_mutual(self) -> bool:
        """True if two people score each other alike, so that either may be the start."""

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        """Score all people from each start, and bound the sum of absolute errors of each column."""


@singledispatch
def prepare(measure: Measure, adjacency: Matrix, is_directed: bool) -> Scorer:
    """Make a measure ready for a graph; one that has no meaning there is refused."""
    del adjacency, is_directed
    raise refuse("method", "is not a measure of proximity", measure)


def _undirected(measure: Measure, is_directed: bool) -> None:
    if is_directed:
        hint = (
            "use 'random_walk', 'introduction_path' or 'katz', which follow ties from source to target, "
            "or make the graph undirected"
        )
        raise refuse("method", "has no meaning in a directed graph", measure.kind, hint=hint)


@attrs.frozen(kw_only=True, eq=False)
class WalkScorer:
    """A walk, which keeps people in an order of its own."""

    rule: ClassVar[Rule] = "sum"
    ready: _walks.Walk
    tolerance: float

    @property
    def is_mutual(self) -> bool:
        return self.ready.scale == 0.5

    @property
    def is_single(self) -> bool:
        """True if it walks in single precision, as in a large graph."""
        return _walks.is_for_single(self.ready, self.tolerance - _kernels.ROUNDING)

    def in_own_order(self, starts: IntArray, *, spread: bool = False) -> tuple[FloatArray, FloatArray]:
        """Walk from starts, given as places in the order of the walk, to people in that order.

        With `spread`, each step goes on as many threads as there are processors.
        """
        tolerance = self.tolerance - _kernels.ROUNDING
        scores, error = _walks.walk(self.ready, starts, tolerance, spread=spread)
        return scores, error + _kernels.ROUNDING

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        scores, error = self.in_own_order(self.ready.place[starts])
        return scores[self.ready.place], error


@prepare.register
def _(measure: RandomWalk, adjacency: Matrix, is_directed: bool) -> Scorer:
    if is_directed and measure.normalisation != "out":
        hint = "use normalisation='out', or make the graph with directed=False"
        message = "needs ties that hold both ways"
        raise refuse("RandomWalk.normalisation", message, measure.normalisation, hint=hint)
    ready = _walks.make_ready(
        adjacency,
        restart=measure.restart,
        undirected=not is_directed,
        scale=_SCALE[measure.normalisation],
    )
    return WalkScorer(ready=ready, tolerance=measure.tolerance)


@attrs.frozen(kw_only=True, eq=False)
class _Chains:
    rule: ClassVar[Rule] = "max"
    strength: Matrix
    max_hops: int | None
    is_mutual: bool

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        return _kernels.best_chains(self.strength, starts, self.max_hops), np.zeros(len(starts))


@prepare.register
def _(measure: IntroductionPath, adjacency: Matrix, is_directed: bool) -> Scorer:
    if measure.transform == "identity" and (adjacency.data > 1).any():
        most = float(adjacency.data.max())
        hint = "use transform='saturating' or 'relative', or scale the weights"
        raise refuse("graph", "a weight is above 1, which is no strength", most, hint=hint)
    strength = _kernels.strengths(adjacency, measure.transform, measure.half_weight)
    return _Chains(strength=strength, max_hops=measure.max_hops, is_mutual=not is_directed)


@attrs.frozen(kw_only=True, eq=False)
class _Common:
    """Common contacts, each counting by how many they know, and a bonus for knowing each other."""

    rule: ClassVar[Rule] = "sum"
    is_mutual: ClassVar[bool] = True
    pairs: tuple[tuple[Matrix, Matrix], ...]
    bonus: Matrix
    self_bonus: float

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        scores = _similarities.two_steps(self.pairs, starts)
        if self.self_bonus:
            scores += _similarities.dense_columns(self.bonus[starts])
            scores[starts, np.arange(len(starts))] += self.self_bonus
        return scores, np.zeros(len(starts))


@prepare.register
def _(measure: CommonNeighbours, adjacency: Matrix, is_directed: bool) -> Scorer:
    return _common(measure, adjacency, is_directed)


@prepare.register
def _(measure: AdamicAdar, adjacency: Matrix, is_directed: bool) -> Scorer:
    return _common(measure, adjacency, is_directed)


@prepare.register
def _(measure: ResourceAllocation, adjacency: Matrix, is_directed: bool) -> Scorer:
    return _common(measure, adjacency, is_directed)


def _common(measure: Neighbours, adjacency: Matrix, is_directed: bool) -> Scorer:
    _undirected(measure, is_directed)
    ones = _similarities.unit(adjacency)
    weights = _weights(measure, adjacency)
    strength = _similarities.strength(weights)
    says = _says(measure, strength)
    told = _similarities.rows_times(ones, says)
    pairs: tuple[tuple[Matrix, Matrix], ...] = ((ones, told),)
    if measure.weighted:
        heard = _similarities.rows_times(weights, says)
        pairs = ((weights * 0.5, told), (ones * 0.5, heard))
    # A tie of weight w counts as contacts who have two ties of that weight and no others.
    each = weights.data * _says(measure, 2.0 * weights.data)
    bonus = sparse.csr_array((each * measure.direct, ones.indices, ones.indptr), shape=ones.shape)
    return _Common(pairs=pairs, bonus=bonus, self_bonus=float(bonus.data.max(initial=0.0)))


def _weights(
    measure: Neighbours | PreferentialAttachment | Katz | EffectiveResistance, ties: Matrix
) -> Matrix:
    """Give what a measure sums over the ties of a person: their weights, or 1 each."""
    if not measure.weighted:
        return _similarities.unit(ties)
    with np.errstate(over="ignore"):
        most = float(ties.data.sum())
        most *= most if isinstance(measure, PreferentialAttachment) else 1.0
    if not math.isfinite(most):
        raise refuse(
            f"{type(measure).__name__}.weighted",
            "sums weights of ties to more than a number holds",
            measure.weighted,
            hint="give the weights in a larger unit, or choose a measure that only reads their ratios",
        )
    return ties


def _says(measure: Neighbours, strength: FloatArray) -> FloatArray:
    """Say how much a common contact of that strength counts."""
    if isinstance(measure, CommonNeighbours):
        return np.ones_like(strength)
    with np.errstate(divide="ignore"):
        if isinstance(measure, ResourceAllocation):
            return np.where(strength > 0, 1.0 / strength, 0.0)
        logs = np.log1p(strength) if measure.weighted else np.log(strength)
        return np.where(logs > 0, 1.0 / logs, 0.0)


@attrs.frozen(kw_only=True, eq=False)
class _Overlap:
    rule: ClassVar[Rule] = "max"
    is_mutual: ClassVar[bool] = True
    ones: Matrix
    degree: FloatArray
    direct: float

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        common = _similarities.two_steps(((self.ones, self.ones),), starts)
        either = self.degree[:, None] + self.degree[starts] - common
        if self.direct:
            bonus = _similarities.dense_columns(self.ones[starts]) * self.direct
            common += bonus
            either += bonus
        scores = np.divide(common, either, out=np.zeros_like(common), where=either > 0)
        return scores, np.zeros(len(starts))


@prepare.register
def _(measure: Jaccard, adjacency: Matrix, is_directed: bool) -> Scorer:
    _undirected(measure, is_directed)
    degree = np.diff(adjacency.indptr).astype(float)
    return _Overlap(ones=_similarities.unit(adjacency), degree=degree, direct=measure.direct)


@attrs.frozen(kw_only=True, eq=False)
class _Popularity:
    rule: ClassVar[Rule] = "sum"
    is_mutual: ClassVar[bool] = True
    strength: FloatArray

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        return self.strength[:, None] * self.strength[starts], np.zeros(len(starts))


@prepare.register
def _(measure: PreferentialAttachment, adjacency: Matrix, is_directed: bool) -> Scorer:
    _undirected(measure, is_directed)
    weights = _weights(measure, adjacency)
    return _Popularity(strength=_similarities.strength(weights))


@attrs.frozen(kw_only=True, eq=False)
class _AllChains:
    rule: ClassVar[Rule] = "sum"
    forward: Matrix
    beta: float
    remainder: float
    tolerance: float
    is_mutual: bool

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        return _similarities.katz(
            self.forward, starts, beta=self.beta, remainder=self.remainder, tolerance=self.tolerance
        )


@prepare.register
def _(measure: Katz, adjacency: Matrix, is_directed: bool) -> Scorer:
    weights = _weights(measure, adjacency)
    forward = weights.T.tocsr() if is_directed else weights
    # The error of a column is bounded by sums of columns of powers of `forward`: of rows of `weights`.
    logs = _similarities.growth(weights)
    most = _similarities.largest_beta(logs)
    beta = measure.beta
    if beta is None:
        beta = _three_digits(most / 2) if math.isfinite(most) else 0.5
    remainder = _similarities.gain(logs, beta)
    if not math.isfinite(remainder):
        hint = f"choose a beta below {_three_digits(most):g}, or None"
        raise refuse(
            "Katz.beta", "must be below one over the largest eigenvalue of the graph", beta, hint=hint
        )
    return _AllChains(
        forward=forward,
        beta=beta,
        remainder=remainder,
        tolerance=measure.tolerance,
        is_mutual=not is_directed,
    )


def _three_digits(value: float) -> float:
    """Cut a number to three digits, downwards, so that it does not depend on the last bit of a sum."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.floor(value / unit * (1 - 1e-9)) * unit:.3g}")


@attrs.frozen(kw_only=True, eq=False)
class _Resistance:
    """Columns of a generalised inverse: stored for small parts of the graph, solved for large ones."""

    rule: ClassVar[Rule] = "max"
    is_mutual: ClassVar[bool] = True
    part: IntArray
    place: IntArray
    people_of: tuple[IntArray, ...]
    inverse: tuple[FloatArray | None, ...]
    matrix: tuple[Matrix | None, ...]
    diagonal: FloatArray
    error: tuple[float, ...]

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        scores = np.zeros((len(self.part), len(starts)))
        error = np.zeros(len(starts))
        for part in np.unique(self.part[starts]).tolist():
            columns = np.flatnonzero(self.part[starts] == part)
            members = self.people_of[part]
            here = self.place[starts[columns]]
            inverse, matrix = self.inverse[part], self.matrix[part]
            if inverse is not None:
                potential = inverse[:, here]
                apart = self.diagonal[members, None] + self.diagonal[starts[columns]] - 2.0 * potential
                apart = np.maximum(apart, 0.0)
            elif matrix is not None:
                right = np.full((len(members), len(columns)), -1.0 / len(members))
                right[here, np.arange(len(columns))] += 1.0
                potential = _similarities.solve_laplacian(matrix, right)
                own = potential[here, np.arange(len(columns))]
                apart = self.diagonal[members, None] + own - 2.0 * potential
                # No resistance is below that of all ties of either end together.
                least = 1.0 / matrix.diagonal()
                apart = np.maximum(apart, np.maximum(least[:, None], least[here]))
            else:
                apart = np.zeros((1, len(columns)))
            apart[here, np.arange(len(columns))] = 0.0
            scores[members[:, None], columns] = 1.0 / (1.0 + apart)
            error[columns] = self.error[part]
        return scores, error


@prepare.register
def _(measure: EffectiveResistance, adjacency: Matrix, is_directed: bool) -> Scorer:
    _undirected(measure, is_directed)
    weights = _weights(measure, adjacency)
    n_parts, found = csgraph.connected_components(weights, directed=False)
    part = found.astype(np.int64)
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(n_parts + 1))
    place = np.empty(len(part), dtype=np.int64)
    place[order] = np.arange(len(part)) - bounds[part[order]]
    diagonal = np.zeros(len(part))
    members, inverses, matrices, errors = [], [], [], []
    rng = np.random.default_rng(measure.rng)
    for k in range(n_parts):
        here = order[bounds[k] : bounds[k + 1]]
        inverse: FloatArray | None = None
        matrix: Matrix | None = None
        error = 0.0
        if len(here) > 1:
            inside = sparse.csr_array(weights[here][:, here])
            matrix = _similarities.laplacian(inside)
            if len(here) <= measure.exact_up_to:
                inverse, each = _similarities.inverse_laplacian(matrix.toarray())
                diagonal[here], error, matrix = inverse.diagonal(), 4.0 * each * len(here), None
            else:
                error = math.inf
                diagonal[here] = _similarities.sketched_diagonal(matrix, inside, measure.sketch, rng)
        members.append(here)
        inverses.append(inverse)
        matrices.append(matrix)
        errors.append(error)
    return _Resistance(
        part=part,
        place=place,
        people_of=tuple(members),
        inverse=tuple(inverses),
        matrix=tuple(matrices),
        diagonal=diagonal,
        error=tuple(errors),
    )


@prepare.register
def _(measure: Geography, adjacency: Matrix, is_directed: bool) -> Scorer:
    del adjacency, is_directed
    hint = "measure proximity() over reps and leads with latitude and longitude"
    raise refuse("method", "is no measure on a network alone", measure.kind, hint=hint)


@attrs.frozen(kw_only=True, eq=False)
class _Mixed:
    rule: ClassVar[Rule] = "max"
    scorers: tuple[Scorer, ...]
    weights: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def is_mutual(self) -> bool:
        return all(scorer.is_mutual for scorer in self.scorers)

    def people(self, starts: IntArray) -> tuple[FloatArray, FloatArray]:
        total, error = np.zeros((0, 0)), np.zeros(len(starts))
        for scorer, weight, scale in zip(self.scorers, self.weights, self.scales, strict=True):
            scores, each = scorer.people(starts)
            part = weight * np.log2(1.0 + scores / scale)
            total = part if not total.size else total + part
            # The slope of log2(1 + s / scale) is steepest at 0.
            error += weight * each / (scale * math.log(2.0))
        return total, error


@prepare.register
def _(measure: Blend, adjacency: Matrix, is_directed: bool) -> Scorer:
    if measure.weights is None:
        hint = "learn them with learn_blend, or give them"
        raise refuse("Blend.weights", "a blend without weights cannot score", None, hint=hint)
    used = [k for k, weight in enumerate(measure.weights) if weight > 0] or [0]
    scales = measure.scales or (1.0,) * len(measure.measures)
    return _Mixed(
        scorers=tuple(prepare(measure.measures[k], adjacency, is_directed) for k in used),
        weights=tuple(measure.weights[k] for k in used),
        scales=tuple(scales[k] for k in used),
    )
