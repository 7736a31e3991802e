"""Rates of many segments at once: small ones lean on the whole, and say by how much."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv, betaln

from salesops import _display
from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.errors import Problem, show
from salesops.forecast import _kernels
from salesops.forecast._arrays import label_column, refuse_rows
from salesops.forecast.rates import read_counts
from salesops.forecast.survival import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PooledRates", "pooled_rates"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["beta_binomial", "james_stein"]

_LEANS_BELOW = 0.5
_STRENGTHS = np.geomspace(0.1, 1e6, 141)


@attrs.frozen(kw_only=True, repr=False)
class PooledRates:
    """Rates of segments beside what they become when small ones lean on the whole; from :func:`pooled_rates`.

    Attributes
    ----------
    segments : tuple of hashable
    hits, n : ndarray of int, shape (n_segments,)
    pooled, lower, upper : ndarray of float, shape (n_segments,)
        Rate after pooling, with its interval.
    own_weight : ndarray of float, shape (n_segments,)
        Weight of the segment's own cases in it; the rest is the rate of the whole.
    mean : float
        Rate to which the segments lean.
    strength : float
        Number of cases that this rate is worth in each segment (for James-Stein: per segment, NaN).
    method : {"beta_binomial", "james_stein"}
    level : float

    Examples
    --------
    >>> pooled_rates([30, 1, 12], [100, 1, 60], segments=["north", "tiny", "south"])
    PooledRates(segments=3, mean=26.7 %, leaning=3, beta_binomial)
    """

    segments: tuple[Hashable, ...]
    hits: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    n: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    pooled: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    lower: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    upper: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    own_weight: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    mean: float
    strength: float
    method: str
    level: float

    @property
    def leans(self) -> npt.NDArray[np.bool_]:
        """Segments whose pooled rate rests for more than half on the whole."""
        return self.own_weight < _LEANS_BELOW

    def __repr__(self) -> str:
        mean, leaning = _display.percent(self.mean), int(self.leans.sum())
        return f"PooledRates(segments={len(self.segments)}, mean={mean}, leaning={leaning}, {self.method})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each segment.

        Returns
        -------
        DataFrame
            Columns segment, hits, n; value with its Wilson interval (lower, upper); pooled with its interval
            (pooled_lower, pooled_upper); own_weight; leans, true where the whole weighs more than the
            segment's own cases.

        Examples
        --------
        >>> frame = pooled_rates([30, 1], [100, 1], segments=["north", "tiny"]).to_frame()
        >>> frame[["segment", "value", "leans"]].values.tolist()
        [['north', 0.3, True], ['tiny', 1.0, True]]
        """
        hits, n = self.hits.astype(float), self.n.astype(float)
        lower, upper = _kernels.wilson(hits, n, self.level)
        return pd.DataFrame(
            {
                "segment": label_column(self.segments),
                "hits": self.hits,
                "n": self.n,
                "value": np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0),
                "lower": lower,
                "upper": upper,
                "pooled": self.pooled,
                "pooled_lower": self.lower,
                "pooled_upper": self.upper,
                "own_weight": self.own_weight,
                "leans": self.leans,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> pooled_rates([1, 2], [10, 10]).to_dict()["method"]
        'beta_binomial'
        """
        return {
            "kind": "pooled_rates",
            "version": __version__,
            "method": self.method,
            "level": self.level,
            "mean": jsonable(self.mean),
            "strength": jsonable(self.strength),
            "segments": jsonable(self.to_frame()),
        }

    def explain(self, segment: Hashable) -> str:
        """Say in words what the pooled rate of a segment rests on.

        Parameters
        ----------
        segment : hashable

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If there is no such segment.

        Examples
        --------
        >>> print(pooled_rates([30, 1], [100, 1], segments=["north", "tiny"]).explain("tiny"))
        'tiny': 1 of 1, 100.0 %; pooled 31.4 % (95 % interval 22.8 % to 40.7 %). Its own cases ...
        """
        place = [k for k, label in enumerate(self.segments) if label == segment]
        if not place:
            raise refuse("segment", "is not one of the segments", segment)
        row = self.to_frame().iloc[place[0]]
        return (
            f"{segment!r}: {row['hits']} of {row['n']}, {_display.percent(row['value'])}; pooled "
            f"{_display.percent(row['pooled'])} ({100 * self.level:g} % interval "
            f"{_display.percent(row['pooled_lower'])} to {_display.percent(row['pooled_upper'])}). Its own "
            f"cases weigh {_display.percent(row['own_weight'])}, the rate of all segments "
            f"({_display.percent(self.mean)}) the rest."
        )

    def _repr_html_(self) -> str:
        facts = {
            "rate of the whole": _display.percent(self.mean),
            "worth, in cases": _display.number(self.strength),
        }
        return _display.html_card("Pooled rates", facts, [("segments", self.to_frame())])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each segment's own rate, faint, and its pooled rate with the interval.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> pooled_rates([1, 2], [10, 10]).plot().get_xlabel()
        'rate'
        """
        from salesops.forecast import plot

        return plot.pooled(self.to_frame(), self.mean, self.level, ax=ax)


def pooled_rates(
    hits: Sequence[int] | npt.NDArray[Any],
    n: Sequence[int] | npt.NDArray[Any] | int,
    *,
    segments: Sequence[Hashable] | None = None,
    method: Method = "beta_binomial",
    level: float = 0.95,
) -> PooledRates:
    """Pool the rates of segments partially: a segment with few cases leans on the rate of the whole.

    A rep who won one deal of one is not a rep who wins all. How far segments lean is learnt from how much
    they differ beyond chance (empirical Bayes): not at all alike, hardly; all alike, nearly wholly.

    Parameters
    ----------
    hits, n : array-like of int, shape (n_segments,)
        Successes and cases of each segment; one number for `n` holds for all.
    segments : sequence of hashable, optional
        Labels; default 0, 1, 2 ...
    method : {"beta_binomial", "james_stein"}, default "beta_binomial"
        A beta prior around the rate of all cases, or the positive-part James-Stein rule around the mean of
        the rates, which needs the same number of cases in every segment and at least four segments.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    PooledRates

    Raises
    ------
    InvalidInput
        If a count cannot be meant, or James-Stein is asked for unequal segments.

    Notes
    -----
    Beta-binomial: the prior mean is that of all cases, so that cutting a segment into identical parts does
    not move it; its strength (in cases) maximises the likelihood and is never worth more than all cases that
    were seen. Intervals are those of the beta posterior. James-Stein: with s2 the binomial variance at the
    grand mean, the factor is 1 - (k - 3) s2 / sum of squares, at least 0; intervals after Morris.

    References
    ----------
    B. Efron, C. Morris (1975), "Data analysis using Stein's estimator and its generalizations".
    C. N. Morris (1983), "Parametric empirical Bayes inference: theory and applications".

    Examples
    --------
    >>> frame = pooled_rates([90, 10, 1], [100, 100, 1], segments=["a", "b", "tiny"]).to_frame()
    >>> frame[["segment", "value", "pooled", "leans"]].round(2).values.tolist()
    [['a', 0.9, 0.89, False], ['b', 0.1, 0.11, False], ['tiny', 1.0, 0.72, True]]
    """
    check_level(level)
    check_choice("method", method, ("beta_binomial", "james_stein"))
    won, cases = read_counts("hits", np.atleast_1d(hits)), read_counts("n", n)
    if won.ndim != 1 or cases.ndim > 1 or (cases.ndim and len(cases) != len(won)):
        raise refuse("hits, n", "have one length", f"{won.shape}, {cases.shape}")
    cases = np.broadcast_to(cases, won.shape).astype(np.float64)
    if (won > cases).any():
        raise refuse_rows("hits", "cannot be more than the cases", won > cases, won, cases, joined=" of ")
    labels = tuple(range(len(won))) if segments is None else tuple(segments)
    if len(labels) != len(won):
        raise refuse("segments", "names every rate once", f"{len(labels)} names, {len(won)} rates")
    if len({(type(label), label) for label in labels}) < len(labels):
        twice = sorted({show(label) for label in labels if labels.count(label) > 1})
        fault = Problem(path="segments", message="names a segment twice", values=tuple(twice))
        raise_all("segments", [fault])
    found = _james_stein if method == "james_stein" else _beta_binomial
    pooled, lower, upper, weight, mean, strength = found(won, cases, float(level))
    return PooledRates(
        segments=labels,
        hits=won.astype(np.int64),
        n=cases.astype(np.int64),
        pooled=pooled,
        lower=lower,
        upper=upper,
        own_weight=weight,
        mean=mean,
        strength=strength,
        method=method,
        level=float(level),
    )


def _beta_binomial(
    hits: Floats, n: Floats, level: float
) -> tuple[Floats, Floats, Floats, Floats, float, float]:
    total = math.fsum(n.tolist())
    if not total:
        nothing = np.full(len(n), np.nan)
        return nothing, nothing, nothing, np.zeros(len(n)), math.nan, math.nan
    won = math.fsum(hits.tolist())
    mean = won / total if 0 < won < total else (won + 0.5) / (total + 1.0)
    strength = min(_strength(hits, n, mean), total)
    alpha, beta = mean * strength + hits, (1.0 - mean) * strength + n - hits
    tail = (1.0 - level) / 2.0
    pooled = alpha / (alpha + beta)
    return (
        pooled,
        np.minimum(betaincinv(alpha, beta, tail), pooled),
        np.maximum(betaincinv(alpha, beta, 1.0 - tail), pooled),
        n / (n + strength),
        mean,
        strength,
    )


def _strength(hits: Floats, n: Floats, mean: float) -> float:
    """Find the strength of the prior by maximum likelihood on a grid of its logarithm, then between points.

    Sums run over sorted segments, so that their order changes no bit; segments all alike: infinite strength.
    """
    order = np.lexsort((hits, n))
    hits, n = hits[order], n[order]

    def likelihood(strength: Floats) -> Floats:
        a, b = mean * strength[:, None], (1.0 - mean) * strength[:, None]
        found: Floats = (betaln(a + hits, b + n - hits) - betaln(a, b)).sum(axis=1)
        return found

    grid = _STRENGTHS
    best = int(np.argmax(likelihood(grid)))
    if best == len(grid) - 1:
        return math.inf
    for _ in range(3):
        grid = np.geomspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], 41)
        best = int(np.argmax(likelihood(grid)))
    return float(grid[best])


def _james_stein(
    hits: Floats, n: Floats, level: float
) -> tuple[Floats, Floats, Floats, Floats, float, float]:
    k = len(n)
    if k < 4 or (n != n[0]).any() or not n[0]:
        hint = "use method='beta_binomial'"
        raise refuse("method", "James-Stein needs four segments or more of the same size", k, hint=hint)
    rate = hits / n
    mean = math.fsum(rate.tolist()) / k
    noise = mean * (1.0 - mean) / float(n[0])
    spread = math.fsum(((rate - mean) ** 2).tolist())
    factor = max(0.0, 1.0 - (k - 3) * noise / spread) if spread else 0.0
    pooled = mean + factor * (rate - mean)
    rest = 1.0 - factor
    variance = noise * (1.0 - rest * (k - 1) / k) + 2.0 * rest**2 * (rate - mean) ** 2 / (k - 3)
    half = _kernels.normal_quantile(level) * np.sqrt(variance)
    weight = np.full(k, factor)
    return pooled, np.maximum(pooled - half, 0.0), np.minimum(pooled + half, 1.0), weight, mean, math.nan
