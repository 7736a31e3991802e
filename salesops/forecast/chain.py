"""Stages as a Markov chain: where deals end up from each stage, and after how many moves."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import raise_all, refuse
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.errors import Problem, show
from salesops.forecast import _kernels
from salesops.forecast._arrays import label_column

__all__ = ["AbsorbingChain", "absorbing_chain"]

Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-9


@attrs.frozen(kw_only=True, repr=False)
class AbsorbingChain:
    """What follows from the moves between stages, from :func:`absorbing_chain` or :meth:`Funnel.chain`.

    Attributes
    ----------
    transient, absorbing : tuple of hashable
        Stages, and ends.
    visits : ndarray of float, shape (n_transient, n_transient)
        Expected visits of the column's stage for a deal that stands in the row's stage (the fundamental
        matrix N = (I - Q)^-1).
    steps : ndarray of float, shape (n_transient,)
        Expected moves until an end.
    absorption, variance : ndarray of float, shape (n_transient, n_absorbing)
        Chance of each end, and its variance where the chain was estimated (NaN otherwise).
    n : ndarray of int, shape (n_transient,)
        Moves out of each stage that the chances were estimated from; -1 where they were given.
    level : float

    Examples
    --------
    >>> absorbing_chain([[0.0]], [[0.25, 0.75]], transient=["open"], absorbing=["won", "lost"])
    AbsorbingChain(open: won 25.0 %, lost 75.0 %)
    """

    transient: tuple[Hashable, ...]
    absorbing: tuple[Hashable, ...]
    visits: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    steps: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    absorption: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    variance: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    n: npt.NDArray[np.int64] = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    level: float = 0.95

    def __repr__(self) -> str:
        if not self.transient:
            return "AbsorbingChain(no stage)"
        ends = ", ".join(
            f"{end} {_display.percent(p)}"
            for end, p in zip(self.absorbing, self.absorption[0].tolist(), strict=True)
        )
        return f"AbsorbingChain({self.transient[0]}: {ends})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each stage and end.

        Returns
        -------
        DataFrame
            Columns stage, end, probability, lower, upper (log(-log) interval; missing where the chances were
            given), n (moves out of the stage), steps.

        Examples
        --------
        >>> chain = absorbing_chain([[0.0]], [[0.25, 0.75]], transient=["open"], absorbing=["won", "lost"])
        >>> chain.to_frame()[["end", "probability"]].values.tolist()
        [['won', 0.25], ['lost', 0.75]]
        """
        known = np.isfinite(self.variance)
        lower, upper = _kernels.log_log_band(self.absorption, np.where(known, self.variance, 0.0), self.level)
        k, m = len(self.transient), len(self.absorbing)
        return pd.DataFrame(
            {
                "stage": label_column([stage for stage in self.transient for _ in range(m)]),
                "end": label_column(list(self.absorbing) * k),
                "probability": self.absorption.ravel(),
                "lower": np.where(known, lower, np.nan).ravel(),
                "upper": np.where(known, upper, np.nan).ravel(),
                "n": np.repeat(self.n, m),
                "steps": np.repeat(self.steps, m),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the chain as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> absorbing_chain([[0.5]], [[0.5]]).to_dict()["steps"]
        [2.0]
        """
        return {
            "kind": "absorbing_chain",
            "version": __version__,
            "transient": [jsonable(state) for state in self.transient],
            "absorbing": [jsonable(state) for state in self.absorbing],
            "visits": jsonable(self.visits),
            "steps": jsonable(self.steps),
            "ends": jsonable(self.to_frame()),
        }

    def explain(self, stage: Hashable) -> str:
        """Say in words what becomes of deals that stand in a stage.

        Parameters
        ----------
        stage : hashable

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If there is no such stage.

        Examples
        --------
        >>> chain = absorbing_chain([[0.0]], [[0.25, 0.75]], transient=["open"], absorbing=["won", "lost"])
        >>> chain.explain("open")
        "From 'open', deals end after 1 moves on average: won 25.0 %, lost 75.0 %."
        """
        if stage not in self.transient:
            hint = f"stages are {', '.join(map(show, self.transient))}"
            raise refuse("stage", "is not a stage of the chain", stage, hint=hint)
        k = self.transient.index(stage)
        ends = ", ".join(
            f"{end} {_display.percent(p)}"
            for end, p in zip(self.absorbing, self.absorption[k].tolist(), strict=True)
        )
        steps = _display.number(float(self.steps[k]))
        return f"From {stage!r}, deals end after {steps} moves on average: {ends}."

    def _repr_html_(self) -> str:
        return _display.html_card("Absorbing chain of stages", {}, [("ends", self.to_frame())])


def absorbing_chain(
    between: Any,
    into_ends: Any,
    *,
    transient: Sequence[Hashable] | None = None,
    absorbing: Sequence[Hashable] | None = None,
) -> AbsorbingChain:
    """Work out where a chain of stages ends, and after how many moves.

    Parameters
    ----------
    between : array-like of float, shape (n_transient, n_transient)
        Chances of moves between stages (Q), rows from, columns to.
    into_ends : array-like of float, shape (n_transient, n_absorbing)
        Chances of moves into the ends (R). Each row of Q and R together sums to one.
    transient, absorbing : sequence of hashable, optional
        Names of stages and ends; default the labels of frames, whose order must agree, else 0, 1, 2 ...

    Returns
    -------
    AbsorbingChain

    Raises
    ------
    InvalidInput
        If a chance lies outside 0 and 1, a row does not sum to one, or no end can be reached from a stage.

    References
    ----------
    J. G. Kemeny, J. L. Snell (1960), "Finite Markov Chains".
    C. M. Grinstead, J. L. Snell (1997), "Introduction to Probability", section 11.2.

    Examples
    --------
    >>> walk = absorbing_chain(
    ...     [[0, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0]], [[0.5, 0], [0, 0], [0, 0.5]], absorbing=["home", "bar"]
    ... )
    >>> walk.steps.round(6).tolist(), walk.absorption[:, 0].round(6).tolist()
    ([3.0, 4.0, 3.0], [0.75, 0.5, 0.25])
    """
    if transient is None and isinstance(between, pd.DataFrame):
        transient = tuple(between.index)
    if absorbing is None and isinstance(into_ends, pd.DataFrame):
        absorbing = tuple(into_ends.columns)
    q, r = _matrix("between", between), _matrix("into_ends", into_ends)
    if q.shape[0] != q.shape[1] or q.shape[0] != r.shape[0]:
        raise refuse("between, into_ends", "have a row for each stage", f"{q.shape}, {r.shape}")
    _check_one_order(between, into_ends)
    stages = _named("transient", transient, q.shape[0])
    ends = _named("absorbing", absorbing, r.shape[1])
    faults = []
    for k, total in enumerate((q.sum(axis=1) + r.sum(axis=1)).tolist()):
        if abs(total - 1.0) > _ROUNDING:
            message = "the chances of leaving a stage sum to one"
            faults.append(
                Problem(path="between, into_ends", message=message, rows=(stages[k],), values=(show(total),))
            )
    raise_all("absorbing_chain", faults)
    n = np.full(len(stages), -1, dtype=np.int64)
    return solved(q, r, stages, ends, n=n, level=0.95)


def solved(
    q: Floats,
    r: Floats,
    stages: tuple[Hashable, ...],
    ends: tuple[Hashable, ...],
    *,
    n: npt.NDArray[np.int64],
    level: float,
) -> AbsorbingChain:
    """Solve a checked chain; the variances are those of multinomial rows of `n` moves, by the delta method.

    With b the chance of an end from each state, var b_i = sum_k N_ik^2 (sum_j p_kj b_j^2 - b_k^2) / n_k.
    """
    _check_ends_are_reached(q, r, stages)
    visits = np.linalg.inv(np.eye(len(q)) - q)
    absorption = np.clip(visits @ r, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(q @ absorption**2 + r - absorption**2, 0.0) / n[:, None]
    variance = visits**2 @ spread if len(n) and (n > 0).all() else np.full(r.shape, np.nan)
    return AbsorbingChain(
        transient=stages,
        absorbing=ends,
        visits=visits,
        steps=visits.sum(axis=1),
        absorption=absorption,
        variance=variance,
        n=n,
        level=level,
    )


def _check_ends_are_reached(q: Floats, r: Floats, stages: tuple[Hashable, ...]) -> None:
    leads = r.sum(axis=1) > 0
    for _ in stages:
        leads = leads | (q[:, leads].sum(axis=1) > 0)
    if not leads.all():
        stuck = [show(stages[k]) for k in np.flatnonzero(~leads).tolist()]
        raise refuse("between", "no end can be reached from a stage", ", ".join(stuck))


def _check_one_order(between: Any, into_ends: Any) -> None:
    """Refuse frames whose labels stand in different orders: rows and columns are matched by place."""
    if not isinstance(between, pd.DataFrame):
        return
    stages = between.index
    hint = "order both by the same stages: between.loc[stages, stages], into_ends.loc[stages]"
    if not between.columns.equals(stages):
        raise refuse(
            "between", "has its stages in one order as rows and as columns", list(between.columns), hint=hint
        )
    if isinstance(into_ends, pd.DataFrame) and not into_ends.index.equals(stages):
        raise refuse("into_ends", "has its rows in the order of between", list(into_ends.index), hint=hint)


def _matrix(argument: str, given: Any) -> Floats:
    try:
        matrix = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise refuse(argument, "is a matrix of chances", given) from None
    if matrix.ndim != 2:
        raise refuse(argument, "is a matrix of chances", given)
    outside = ~((matrix >= 0.0) & (matrix <= 1.0))
    if outside.any():
        fault = Problem(
            path=argument,
            message="a chance lies between 0 and 1",
            values=tuple(f"[{i}, {j}]: {matrix[i, j]:g}" for i, j in np.argwhere(outside).tolist()),
            hint="counts of moves become chances when each row is divided by all moves out of its stage",
        )
        raise_all(argument, [fault])
    return matrix


def _named(argument: str, names: Sequence[Hashable] | None, n: int) -> tuple[Hashable, ...]:
    found = tuple(range(n)) if names is None else tuple(names)
    if len(found) != n or len({(type(name), name) for name in found}) != n:
        raise refuse(argument, "names every state once", found)
    return found
