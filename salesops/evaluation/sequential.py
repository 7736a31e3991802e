"""Look at a running test as often as you like: intervals that hold at every look at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import check_choice, refuse
from salesops._frames import Reader, jsonable
from salesops._frames.arrays import BY_CONTENT, read_only
from salesops._version import __version__
from salesops.evaluation import _sequences
from salesops.evaluation._rows import check_share, group_flags

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ConfidenceSequence", "confidence_sequence"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_ENOUGH = 100


@attrs.frozen(kw_only=True, repr=False)
class ConfidenceSequence:
    """Estimate and interval at every look, from :func:`confidence_sequence`.

    Parameters
    ----------
    figure : str
        What is estimated, in words.
    kind : str
    n : ndarray of int, shape (n_looks,)
        Rows seen at each look.
    estimate, lower, upper : ndarray of float, shape (n_looks,)
        NaN while there is too little to say.
    against : float or None
        The value that the interval must leave out to decide.
    level : float
    is_exact : bool
        True if the promise holds at any n; False if it holds for large n.

    Examples
    --------
    >>> from salesops import evaluation
    >>> evaluation.confidence_sequence([True, False, True, True] * 30, against=0.5)
    ConfidenceSequence(share 0.75 after 120 rows, 95 % at every look 0.605 to 0.865, left 0.5 at row 37)
    """

    figure: str
    kind: str
    n: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    estimate: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    lower: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    upper: Floats = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    against: float | None
    level: float
    is_exact: bool

    def __repr__(self) -> str:
        if not len(self.n):
            return f"ConfidenceSequence({self.figure}, no rows)"
        low, high = (_display.number(float(x[-1]), 3) for x in (self.lower, self.upper))
        text = (
            f"{self.figure} {_display.number(float(self.estimate[-1]), 3)} after {self.n[-1]} rows, "
            f"{100 * self.level:g} % at every look {low} to {high}"
        )
        if self.against is not None:
            at = self.decided_at
            text += f", {'still holds' if at is None else 'left'} {self.against:g}"
            text += "" if at is None else f" at row {at}"
        return f"ConfidenceSequence({text})"

    @property
    def decided_at(self) -> int | None:
        """Rows seen when the interval first left out `against`; None if it never did."""
        if self.against is None:
            return None
        out = np.flatnonzero((self.lower > self.against) | (self.upper < self.against))
        return int(self.n[out[0]]) if len(out) else None

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each look.

        Returns
        -------
        DataFrame
            Columns n, estimate, lower, upper.

        Examples
        --------
        >>> from salesops import evaluation
        >>> len(evaluation.confidence_sequence([True, False, True]).to_frame())
        3
        """
        return pd.DataFrame(
            {"n": self.n, "estimate": self.estimate, "lower": self.lower, "upper": self.upper}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the looks as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import evaluation
        >>> evaluation.confidence_sequence([True, False, True]).to_dict()["decided_at"] is None
        True
        """
        return {
            "kind": "confidence_sequence",
            "version": __version__,
            "figure": self.figure,
            "of": self.kind,
            "against": self.against,
            "level": self.level,
            "is_exact": self.is_exact,
            "decided_at": self.decided_at,
            "looks": jsonable(self.to_frame()),
        }

    def explain(self) -> str:
        """Say in words what may be concluded now.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import evaluation
        >>> print(evaluation.confidence_sequence([True, False, True, True] * 30, against=0.5).explain())
        After 120 rows the share is 0.75, truly 0.605 to 0.865: a statement that stays right in 95 % of cases
        however often one looks. It left out 0.5 at row 37: stop if you like.
        """
        if not len(self.n):
            return "There are no rows yet."
        if np.isnan(self.lower[-1]):
            return f"After {self.n[-1]} rows there is too little to say."
        low, high = (_display.number(float(x[-1]), 3) for x in (self.lower, self.upper))
        text = (
            f"After {self.n[-1]:,} rows the {self.figure} is {_display.number(float(self.estimate[-1]), 3)}, "
            f"truly {low} to {high}: a statement that stays right in {100 * self.level:g} % of cases however "
            "often one looks."
        )
        if self.against is None:
            return text
        if self.decided_at is None:
            return f"{text} It does not leave out {self.against:g} yet: nothing is decided."
        return f"{text} It left out {self.against:g} at row {self.decided_at:,}: stop if you like."

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {"rows": int(self.n[-1]) if len(self.n) else 0, "kind": self.kind}
        shown = self.to_frame().iloc[::-1]
        return _display.html_card(
            "Confidence sequence", facts, [("looks, latest first", shown)], notes=[self.explain()]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the estimate and its interval as the rows come in.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import evaluation
        >>> evaluation.confidence_sequence([True, False] * 20).plot().get_xlabel()
        'rows seen'
        """
        from salesops.evaluation import plot

        return plot.sequence(
            self.n,
            (self.estimate, self.lower, self.upper),
            self.against,
            (self.figure, repr(self)[19:-1]),
            ax=ax,
        )


def confidence_sequence(
    data: object,
    *,
    kind: Literal["auto", "share", "mean"] = "auto",
    bounds: tuple[float, float] | None = None,
    against: float | None = None,
    planned: int = 500,
    level: float = 0.95,
    columns: Mapping[str, str] | None = None,
) -> ConfidenceSequence:
    """Estimate a share, a mean or a difference of two groups, safely under peeking.

    An ordinary interval is right at one look that was fixed beforehand. Looked at every day until it shows
    something, it will: these intervals are right at all looks together.

    Parameters
    ----------
    data : list of values, or table
        In order of arrival: True and False (or 0 and 1), or numbers. A table has ``value``; ``on``, if the
        rows are not in order (then each look is the end of a day); and ``treated``, to compare two groups.
    kind : {"auto", "share", "mean"}, default "auto"
        Auto takes values that are all 0 or 1 for hits of a share.
    bounds : pair of float, optional
        Least and largest value that can be: a mean of one group is then exact at any n.
    against : float, optional
        The value to decide about; default: 0 for a difference, none else.
    planned : int, default 500
        Rows after which intervals that are not exact are narrowest; it must not depend on the values.
    level : float, default 0.95
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    ConfidenceSequence

    Raises
    ------
    InvalidInput
        If a value cannot be meant, or lies outside the bounds.

    Notes
    -----
    Share: the chances that a beta(1/2, 1/2) mixture does not beat by ``1 / alpha`` (exact). Mean with bounds:
    predictable plug-in empirical Bernstein (exact). Mean without bounds, and differences: asymptotic
    normal mixture ``s sqrt(2 (n r^2 + 1) / (n^2 r^2) log(sqrt(n r^2 + 1) / alpha))``, from 100 rows (50 of
    each group) on; values with heavy tails, such as amounts, break its promise in up to 8 % of cases instead
    of 5: give bounds for those. Rows are taken as independent.

    References
    ----------
    H. Robbins (1970), "Statistical methods related to the law of the iterated logarithm".
    S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic
    confidence sequences".
    I. Waudby-Smith, A. Ramdas (2024), "Estimating means of bounded random variables by betting".
    I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas (2024), "Time-uniform central limit theory
    and asymptotic confidence sequences".

    Examples
    --------
    >>> confidence_sequence([True, False, True, True] * 30, against=0.5).decided_at
    37
    """
    check_choice("kind", kind, ("auto", "share", "mean"))
    alpha = 1.0 - check_share("level", level)
    if isinstance(planned, bool) or not isinstance(planned, (int, np.integer)) or planned < 1:
        raise refuse("planned", "is a whole number of rows, 1 or more", planned)
    if against is not None:
        against = _against(against)
    values, treated, ends = _arrivals(data, kind, bounds, columns)
    is_share = kind == "share" or (kind == "auto" and bool(np.isin(values, (0.0, 1.0)).all()))
    if treated is not None:
        figure = f"difference in {'share' if is_share else 'mean'}"
        estimate, lower, upper = _difference(values, treated, alpha, planned)
        exact, against = False, 0.0 if against is None else float(against)
    elif is_share:
        n = np.arange(1.0, len(values) + 1.0)
        if against is not None and not 0 <= against <= 1:
            raise refuse("against", "is a share, from 0 to 1", against, hint="write 0.95 for 95 %")
        hits = np.cumsum(values)
        figure, exact, estimate = "share", True, hits / n
        lower, upper = _sequences.share(hits, n, alpha)
    elif bounds is not None:
        low, width = float(bounds[0]), float(bounds[1] - bounds[0])
        figure, exact = "mean", True
        estimate, lower, upper = (low + width * x for x in _sequences.bounded((values - low) / width, alpha))
    else:
        figure, exact = "mean", False
        estimate, lower, upper = _unbounded(values, alpha, planned)
    return ConfidenceSequence(
        figure=figure,
        kind="share" if is_share else "mean",
        n=ends + 1,
        estimate=estimate[ends],
        lower=lower[ends],
        upper=upper[ends],
        against=None if against is None else float(against),
        level=level,
        is_exact=exact,
    )


def _against(value: object) -> float:
    """Take the value that is to be left out."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise refuse("against", "is a finite number", value)
    return float(value)


def _arrivals(
    data: object, kind: str, bounds: tuple[float, float] | None, columns: Mapping[str, str] | None
) -> tuple[Floats, npt.NDArray[np.bool_] | None, Ints]:
    """Read values in order of arrival, groups if there are any, and the rows after which one looks."""
    table: Any = data
    if isinstance(data, pd.Series):
        table = {"value": data.to_numpy()}
    elif isinstance(data, np.ndarray) or (
        isinstance(data, (list, tuple)) and not any(isinstance(cell, Mapping) for cell in data[:1])
    ):
        table = {"value": data}
    reader = Reader(table, "values", columns=columns)
    if reader.has("value") and pd.api.types.infer_dtype(reader.frame["value"], skipna=False) == "boolean":
        values = reader.flags("value", default=False).astype(np.float64)
    else:
        values = reader.numbers("value")
    if kind == "share":
        reader.fault("value", ~np.isin(values, (0.0, 1.0)), "a share counts values of 0 and 1")
    if bounds is not None:
        _check_bounds(bounds)
        outside = (values < bounds[0]) | (values > bounds[1])
        reader.fault(
            "value", outside, "lies outside the bounds", hint=f"bounds are {bounds[0]} to {bounds[1]}"
        )
    treated = group_flags(reader) if reader.has("treated") else None
    ends = np.arange(len(values))
    if reader.has("on"):
        on = reader.dates("on")
        side = np.zeros(len(values)) if treated is None else treated
        order = np.lexsort([values, side, on])
        values, on = values[order], on[order]
        treated = None if treated is None else treated[order]
        ends = np.flatnonzero(np.append(on[1:] != on[:-1], True)) if len(on) else ends
    reader.finish()
    return values, treated, ends.astype(np.int64)


def _check_bounds(bounds: object) -> None:
    pair = bounds if isinstance(bounds, (list, tuple)) and len(bounds) == 2 else ()
    if not pair or not all(map(_is_number, pair)) or not pair[0] < pair[1]:
        raise refuse("bounds", "is a pair of numbers, the smaller first", bounds)


def _is_number(value: object) -> bool:
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        return False
    return math.isfinite(float(value))


def _running(
    values: Floats, mine: npt.NDArray[np.bool_] | Floats, enough: int
) -> tuple[Floats, Floats, Floats]:
    """Count, mean and variance so far of the rows that are marked; NaN until there are enough."""
    n = np.cumsum(mine).astype(np.float64)
    counted = np.maximum(n, 1.0)
    shift = float(values.mean()) if len(values) else 0.0
    mean = np.cumsum((values - shift) * mine) / counted
    square = np.cumsum((values - shift) ** 2 * mine) / counted
    variance = np.maximum(square - mean**2, 0.0) * counted / np.maximum(counted - 1.0, 1.0)
    return n, np.where(n > 0, mean + shift, np.nan), np.where(n >= enough, variance, np.nan)


def _unbounded(values: Floats, alpha: float, planned: int) -> tuple[Floats, Floats, Floats]:
    n, mean, variance = _running(values, np.ones(len(values)), _ENOUGH)
    half = _sequences.normal_margin(n, np.sqrt(variance), alpha, float(planned))
    half = np.where(variance > 0, half, np.nan)
    return mean, mean - half, mean + half


def _difference(
    values: Floats, treated: npt.NDArray[np.bool_], alpha: float, planned: int
) -> tuple[Floats, Floats, Floats]:
    """Take new less old, with the spread that the difference would have as a mean of all rows so far."""
    n_new, new, spread_new = _running(values, treated, _ENOUGH // 2)
    n_old, old, spread_old = _running(values, ~treated, _ENOUGH // 2)
    n = n_new + n_old
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(n * (spread_new / n_new + spread_old / n_old))
    half = _sequences.normal_margin(np.maximum(n, 1.0), spread, alpha, float(planned))
    half = np.where(spread > 0, half, np.nan)
    return new - old, new - old - half, new - old + half
