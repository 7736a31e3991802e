"""Influence of each row on a figure, and the figure, from arrays alone.

Letters, as in the papers: ``u`` an age at which a deal ended, ``Y`` deals at risk just before it, ``S`` the
share still open, ``A`` the cumulative hazard of ending in any way, ``B`` the cumulative weight that ended in
the way asked for, for each deal at risk, ``h`` the age at which the figure is read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtr, stdtrit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def maturing(
    duration: Floats, ended: Mask, mark: Floats | None, entry: Floats, horizon: float
) -> tuple[float, Floats]:
    """Read a censored figure at an age, with the influence of each deal on it.

    With a `mark` for each deal (1 or the amount if it ended as asked for, else 0) the figure is
    ``F(h) = sum S(u-) dB(u)``, the Aalen-Johansen share or the mean amount; without one it is the restricted
    mean ``integral of S from 0 to h``. A deal counts at age u when ``entry < u <= duration``, or from the
    start when its entry is 0.

    Influences sum to 0, and their squares to the Greenwood-type variance (infinitesimal jackknife).
    """
    ages = np.unique(duration[ended & (duration <= horizon)])
    late = np.sort(entry[entry > 0])
    at_risk = len(duration) - np.searchsorted(np.sort(duration), ages, side="left")
    at_risk = (at_risk - (len(late) - np.searchsorted(late, ages, side="left"))).astype(np.float64)
    place = np.searchsorted(ages, duration)
    inside = ended & (duration <= horizon)
    hazard = np.bincount(place[inside], minlength=len(ages)) / at_risk
    after = np.cumprod(1.0 - hazard)
    before = np.concatenate([[1.0], after[:-1]])[: len(ages)]
    stays = np.where(hazard < 1.0, 1.0 - hazard, 1.0)
    if mark is None:
        widths = np.diff(np.concatenate([[0.0], ages, [horizon]]))
        area = np.concatenate([[1.0], after]) * widths
        value = float(area.sum())
        rest = (np.cumsum(area[::-1])[::-1])[1:] / stays
        gain, growth = np.zeros(len(duration)), np.zeros(len(ages))
    else:
        growth = before * np.bincount(place[inside], weights=mark[inside], minlength=len(ages)) / at_risk
        value = float(growth.sum())
        rest = (value - np.cumsum(growth)) / stays
        gain = mark
    rest = np.where(hazard < 1.0, rest, 0.0)
    drift = np.concatenate([[0.0], np.cumsum((growth - rest * hazard) / at_risk)])
    until = drift[np.searchsorted(ages, duration, side="right")]
    since = np.where(entry > 0, drift[np.searchsorted(ages, entry, side="right")], 0.0)
    influence = since - until
    k = place[inside]
    influence[inside] += (before[k] * gain[inside] - rest[k]) / at_risk[k]
    return value, influence


def spread(influence: Floats, cluster: Ints, block: Ints) -> tuple[float, float, Ints]:
    """Cluster-robust variance of a sum of influences, its degrees of freedom, and the clusters of each block.

    Every cluster lies in one block (an arm that shares no cluster with the others). A block of G clusters
    gives ``G / (G - 1) sum (sum influence)^2``; the degrees follow Welch and Satterthwaite over the blocks,
    each with its effective number of clusters ``(sum n)^2 / sum n^2`` less one. One
    cluster says nothing: NaN.
    """
    n_clusters = int(cluster.max()) + 1 if len(cluster) else 0
    total = np.bincount(cluster, weights=influence, minlength=n_clusters)
    size = np.bincount(cluster, minlength=n_clusters).astype(np.float64)
    home = np.zeros(n_clusters, dtype=np.int64)
    home[cluster] = block
    count = np.bincount(home, minlength=int(block.max(initial=0)) + 1)
    if (count < 2).any():
        return float("nan"), float("nan"), count
    part = np.bincount(home, weights=total**2) * count / (count - 1.0)
    effective = np.bincount(home, weights=size) ** 2 / np.bincount(home, weights=size**2)
    variance = float(part.sum())
    below = float((part**2 / np.maximum(effective - 1.0, 1.0)).sum())
    return variance, variance**2 / below if below > 0 else float(count.sum() - len(count)), count


def blocks_of(cell: Ints, cluster: Ints) -> Ints:
    """Find the groups of cells that share clusters; one number for each row."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_cells, n_clusters = int(cell.max()) + 1, int(cluster.max()) + 1
    shape = (n_cells + n_clusters, n_cells + n_clusters)
    links = coo_array((np.ones(len(cell)), (cell, n_cells + cluster)), shape=shape)
    _, component = connected_components(links, directed=False)
    return np.unique(component[cell], return_inverse=True)[1].astype(np.int64)


def tail(t: float, degrees: float) -> float:
    """Chance of a t as far from 0, or farther, on either side."""
    return float(2.0 * stdtr(degrees, -abs(t)))


def reach(level: float, degrees: float) -> float:
    """Half-width of a central t interval of that level, in standard errors."""
    return float(stdtrit(degrees, 0.5 + level / 2.0))


def smallest_visible(standard_error: float, degrees: float, level: float, power: float) -> float:
    """Effect that a two-sided test at 1 - `level` finds with chance `power`."""
    return (reach(level, degrees) + float(stdtrit(degrees, power))) * standard_error


def normal_reach(level: float) -> float:
    """Half-width of a central normal interval of that level, in standard errors."""
    return float(ndtri(0.5 + level / 2.0))
