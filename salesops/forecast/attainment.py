"""Attainment: how bookings compare with quotas, over all reps and rep by rep."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import refuse
from salesops._frames import Labels, Reader, id_column, jsonable
from salesops._version import __version__
from salesops.forecast import _kernels
from salesops.forecast.rates import Rate
from salesops.forecast.survival import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Attainment", "attainment"]

Floats = npt.NDArray[np.float64]

_NO_QUOTA = "the quota is 0"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Attainment:
    """The distribution of attainment over reps, from :func:`attainment`.

    Attributes
    ----------
    reps : DataFrame
        One row for each rep: rep_id, quota, booked, attainment (missing where the quota is 0), reason.
    edges : tuple of float
        Where the bands of :meth:`bands` begin, from 0.
    level : float

    Examples
    --------
    >>> attainment({"rep_id": ["a", "b"], "quota": [100, 100], "booked": [120, 40]})
    Attainment(reps=2, at quota 50.0 % (9.5 % to 90.5 %), median 80.0 %, together 80.0 %)
    """

    reps: pd.DataFrame
    edges: tuple[float, ...]
    level: float

    @property
    def values(self) -> Floats:
        """Attainment of the reps with a quota, sorted."""
        found = self.reps["attainment"].to_numpy(dtype=np.float64)
        return np.sort(found[~np.isnan(found)])

    @property
    def at_quota(self) -> Rate:
        """Share of the reps with a quota who reached it."""
        values = self.values
        return Rate(
            hits=int((values >= 1.0).sum()),
            n=len(values),
            basis="reps at or above quota / reps with a quota",
            level=self.level,
            reason=None if len(values) else "no rep has a quota",
        )

    @property
    def together(self) -> float:
        """All bookings for each unit of all quotas; NaN if there is no quota."""
        quota = math.fsum(self.reps["quota"].tolist())
        return math.fsum(self.reps["booked"].tolist()) / quota if quota else math.nan

    def quantiles(self, shares: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9)) -> pd.DataFrame:
        """Give quantiles of attainment, each with the interval of its order statistics.

        Parameters
        ----------
        shares : sequence of float, default (0.1, 0.25, 0.5, 0.75, 0.9)
            Between 0 and 1.

        Returns
        -------
        DataFrame
            Columns share, attainment, lower, upper, n; ends are missing where there are too few reps.

        Examples
        --------
        >>> result = attainment({"rep_id": [1, 2, 3], "quota": [100] * 3, "booked": [50, 100, 150]})
        >>> result.quantiles([0.5])[["share", "attainment", "n"]].values.tolist()
        [[0.5, 1.0, 3.0]]
        """
        values, n = self.values, len(self.values)
        if not isinstance(shares, (Sequence, np.ndarray)):
            raise refuse("shares", "is a list of numbers between 0 and 1", shares)
        rows = []
        for share in shares:
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0.0 <= share <= 1.0:
                raise refuse("shares", "is a list of numbers between 0 and 1", share)
            spread = _kernels.normal_quantile(self.level) * math.sqrt(n * share * (1.0 - share))
            low, high = math.floor(n * share - spread), math.ceil(n * share + spread) + 1
            rows.append(
                {
                    "share": float(share),
                    "attainment": float(np.quantile(values, share)) if n else math.nan,
                    "lower": float(values[low - 1]) if 1 <= low <= n else math.nan,
                    "upper": float(values[high - 1]) if 1 <= high <= n else math.nan,
                    "n": n,
                }
            )
        return pd.DataFrame(rows)

    def bands(self) -> pd.DataFrame:
        """Count the reps in bands of attainment, each share with its interval.

        Where a rep lies below the first edge, a band before it counts those.

        Returns
        -------
        DataFrame
            Columns from_attainment (minus infinity for what lies below the first edge), below (infinite for
            the last), reps, share with its Wilson interval
            (lower, upper), booked.

        Examples
        --------
        >>> result = attainment({"rep_id": [1, 2, 3], "quota": [100] * 3, "booked": [50, 100, 150]})
        >>> result.bands()["reps"].tolist()
        [0, 1, 0, 1, 1]
        """
        found = self.reps["attainment"].to_numpy(dtype=np.float64)
        known = ~np.isnan(found)
        edges = self.edges
        if (found[known] < edges[0]).any():
            edges = (-math.inf, *edges)
        place = np.searchsorted(edges, found[known], side="right") - 1
        reps = np.bincount(place, minlength=len(edges))
        booked = self.reps["booked"].to_numpy(dtype=np.float64)[known]
        n = float(known.sum())
        lower, upper = _kernels.wilson(reps.astype(float), np.full(len(reps), n), self.level)
        return pd.DataFrame(
            {
                "from_attainment": edges,
                "below": [*edges[1:], math.inf],
                "reps": reps,
                "share": reps / n if n else np.full(len(reps), np.nan),
                "lower": lower,
                "upper": upper,
                "booked": [math.fsum(np.sort(booked[place == k]).tolist()) for k in range(len(edges))],
            }
        )

    def __repr__(self) -> str:
        rate = self.at_quota
        if not rate.n:
            return f"Attainment(reps={len(self.reps)}, undefined: {rate.reason})"
        lower, upper = (_display.percent(end) for end in rate.interval)
        unquoted = len(self.reps) - rate.n
        return (
            f"Attainment(reps={len(self.reps)}, at quota {_display.percent(rate.value)} "
            f"({lower} to {upper}), "
            f"median {_display.percent(float(np.median(self.values)))}, "
            f"together {_display.percent(self.together)}"
            + (f", without quota={unquoted})" if unquoted else ")")
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each rep.

        Returns
        -------
        DataFrame
            Columns rep_id, quota, booked, attainment, reason.

        Examples
        --------
        >>> result = attainment({"rep_id": [1, 2], "quota": [0, 100], "booked": [10, 100]})
        >>> result.to_frame()["reason"].tolist()
        ['the quota is 0', None]
        """
        return self.reps.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> attainment({"rep_id": [1], "quota": [100], "booked": [100]}).to_dict()["at_quota"]["hits"]
        1
        """
        return {
            "kind": "attainment",
            "version": __version__,
            "level": self.level,
            "at_quota": self.at_quota.to_dict(),
            "together": jsonable(self.together),
            "quantiles": jsonable(self.quantiles()),
            "bands": jsonable(self.bands()),
            "reps": jsonable(self.reps),
        }

    def explain(self, rep_id: Hashable) -> str:
        """Say in words where a rep stands among the others.

        Parameters
        ----------
        rep_id : hashable

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If there is no such rep.

        Examples
        --------
        >>> attainment({"rep_id": ["a", "b"], "quota": [100, 100], "booked": [120, 40]}).explain("a")
        "Rep 'a' booked 120 of a quota of 100: 120.0 %, as much as or more than 100.0 % of 2 reps."
        """
        mine = self.reps[[label == rep_id for label in self.reps["rep_id"].tolist()]]
        if not len(mine):
            raise refuse("rep_id", "is not one of the reps", rep_id)
        row = mine.iloc[0]
        booked, quota = _display.number(row["booked"]), _display.number(row["quota"])
        if row["reason"] is not None:
            return f"Rep {rep_id!r} booked {booked}; attainment is undefined: {row['reason']}."
        values = self.values
        rank = np.searchsorted(values, row["attainment"], side="right") / len(values)
        return (
            f"Rep {rep_id!r} booked {booked} of a quota of {quota}: {_display.percent(row['attainment'])}, "
            f"as much as or more than {_display.percent(float(rank))} of {len(values)} reps."
        )

    def _repr_html_(self) -> str:
        rate = self.at_quota
        facts = {
            "reps": len(self.reps),
            "with a quota": rate.n,
            "at quota": _display.percent(rate.value),
            "together": _display.percent(self.together),
        }
        tables = [("quantiles", self.quantiles()), ("bands", self.bands())]
        return _display.html_card("Attainment", facts, tables)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many reps stand in each tenth of attainment, with quota and the median marked.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> attainment({"rep_id": [1], "quota": [100], "booked": [100]}).plot().get_ylabel()
        'reps'
        """
        from salesops.forecast import plot

        rate = self.at_quota
        lower, upper = (_display.percent(end) for end in rate.interval)
        title = f"{_display.percent(rate.value)} of {rate.n} reps at quota ({lower} to {upper})"
        if not rate.n:
            title = f"Attainment: {rate.reason}"
        if len(self.reps) > rate.n:
            title += f"; {len(self.reps) - rate.n} without a quota"
        return plot.attainment(self.values, title, ax=ax)


def attainment(
    reps: object,
    *,
    edges: Sequence[float] = (0.0, 0.5, 0.8, 1.0, 1.2),
    level: float = 0.95,
    columns: Mapping[str, str] | None = None,
) -> Attainment:
    """Describe the attainment of reps: who reached quota, how it is spread, and how sure that is.

    Parameters
    ----------
    reps : table
        Columns rep_id (once each), quota and booked, in one currency. A rep whose quota is 0 is kept, with no
        attainment and the reason.
    edges : sequence of float, default (0.0, 0.5, 0.8, 1.0, 1.2)
        Where the bands of attainment begin.
    level : float, default 0.95
        Level of the intervals: Wilson for shares, order statistics for quantiles.
    columns : mapping, optional
        ``{"name in your table": "name in the documentation"}``.

    Returns
    -------
    Attainment

    Raises
    ------
    InvalidInput
        If a rep stands twice, or a quota or a booking is missing, or a quota is negative.

    Examples
    --------
    >>> result = attainment({"rep_id": ["a", "b", "c"], "quota": [100, 100, 0], "booked": [120, 40, 10]})
    >>> result.at_quota
    Rate(50.0 %, 9.5 % to 90.5 %, 1 of 2, reps at or above quota / reps with a quota)
    """
    check_level(level)
    bounds = tuple(edges) if isinstance(edges, (Sequence, np.ndarray)) else ()
    fit = all(
        isinstance(edge, (int, float)) and not isinstance(edge, bool) and not math.isnan(edge)
        for edge in bounds
    )
    if not bounds or not fit or any(b <= a for a, b in pairwise(bounds)):
        raise refuse("edges", "is a rising list of numbers", edges)
    reader = Reader(reps, "reps", key=("rep_id",), columns=columns)
    ids = reader.ids("rep_id", unique=True)
    quota, booked = reader.numbers("quota", minimum=0), reader.numbers("booked")
    reader.finish()
    order = np.argsort(Labels.of(ids).codes(ids), kind="stable")
    quota, booked = quota[order], booked[order]
    share = np.divide(booked, quota, out=np.full(len(quota), np.nan), where=quota > 0)
    table = pd.DataFrame(
        {
            "rep_id": id_column(ids.take(order).labels()),
            "quota": quota,
            "booked": booked,
            "attainment": share,
            "reason": pd.Series([None if n else _NO_QUOTA for n in quota.tolist()], dtype=object),
        }
    )
    return Attainment(reps=table, edges=tuple(map(float, bounds)), level=float(level))
