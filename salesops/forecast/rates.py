"""Rates that never come without their number of cases, their interval, and what stands in the denominator."""

from __future__ import annotations

from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from salesops import _display
from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import jsonable
from salesops.errors import Problem, show
from salesops.forecast import _kernels
from salesops.forecast._arrays import check_rows
from salesops.forecast.survival import check_level

__all__ = ["Rate", "rate_interval", "win_rate"]

NoDecision = Literal["excluded", "included"]


def rate_interval(wins: Any, n: Any, level: float = 0.95) -> tuple[Any, Any]:
    """Give the Wilson score interval of a rate.

    Parameters
    ----------
    wins, n : int or array-like of int
        Successes, and cases among which they were counted.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    tuple
        Lower and upper end, as floats for numbers and as arrays for arrays; NaN where n is 0. The lower end
        is exactly 0 when nothing was won, the upper end exactly 1 when everything was.

    Raises
    ------
    InvalidInput
        If a count is negative or not whole, or more were won than there were.

    References
    ----------
    E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    R. G. Newcombe (1998), "Two-sided confidence intervals for the single proportion".

    Examples
    --------
    >>> [round(end, 4) for end in rate_interval(81, 263)]
    [0.2553, 0.3662]
    >>> [round(end, 4) for end in rate_interval(0, 20)]
    [0.0, 0.1611]
    """
    check_level(level)
    hits, cases = read_counts("wins", wins), read_counts("n", n)
    try:
        hits, cases = np.broadcast_arrays(hits, cases)
    except ValueError:
        raise refuse("wins, n", "have one length", f"{hits.shape}, {cases.shape}") from None
    check_within("wins", hits, cases)
    lower, upper = _kernels.wilson(hits, cases, level)
    return (float(lower), float(upper)) if hits.ndim == 0 else (lower, upper)


def read_counts(argument: str, given: Any) -> npt.NDArray[np.float64]:
    """Take counts: whole numbers, 0 or more."""
    rule = "is a whole number, 0 or more"
    try:
        values = np.asarray(given)
    except (TypeError, ValueError):
        values = np.empty(0, dtype=object)
    if values.dtype.kind not in "iuf":
        raise refuse(argument, rule, given)
    wrong = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    if wrong.any() and values.ndim != 1:
        raise refuse(argument, rule, given)
    check_rows(argument, wrong, rule, np.atleast_1d(values).tolist())
    return values.astype(np.float64)


def check_within(argument: str, hits: npt.NDArray[np.float64], cases: npt.NDArray[np.float64]) -> None:
    """Refuse more hits than cases, naming all places."""
    wrong = np.flatnonzero(np.atleast_1d(hits > cases)).tolist()
    if not wrong:
        return
    pairs = list(zip(np.atleast_1d(hits).tolist(), np.atleast_1d(cases).tolist(), strict=True))
    fault = Problem(
        path=argument,
        message="cannot be more than the cases",
        rows=tuple(wrong) if np.ndim(hits) else (),
        values=tuple(f"{pairs[k][0]:g} of {pairs[k][1]:g}" for k in wrong),
    )
    raise_all(argument, [fault])


@attrs.frozen(kw_only=True, repr=False)
class Rate:
    """A share of cases, with the number of cases, its interval, and what was counted.

    Attributes
    ----------
    hits, n : int
        Cases that count, and all cases.
    basis : str
        What was divided by what.
    level : float
        Level of the interval (Wilson).
    reason : str or None
        Why the rate is undefined, if it is.

    Examples
    --------
    >>> Rate(hits=12, n=38, basis="won / (won + lost)")
    Rate(31.6 %, 19.1 % to 47.5 %, 12 of 38, won / (won + lost))
    """

    hits: int
    n: int
    basis: str
    level: float = 0.95
    reason: str | None = None

    @property
    def value(self) -> float:
        """The share; NaN if there is no case."""
        return self.hits / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the Wilson interval; NaN if there is no case."""
        lower, upper = rate_interval(self.hits, self.n, self.level)
        return lower, upper

    def __repr__(self) -> str:
        if not self.n:
            return f"Rate(undefined: {self.reason}, {self.basis})"
        lower, upper = (_display.percent(end) for end in self.interval)
        return (
            f"Rate({_display.percent(self.value)}, {lower} to {upper}, {self.hits} of {self.n}, {self.basis})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rate as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> Rate(hits=0, n=0, basis="won / closed", reason="no closed opportunity").to_dict()["value"] is None
        True
        """
        lower, upper = self.interval
        return {
            "value": jsonable(self.value),
            "lower": jsonable(lower),
            "upper": jsonable(upper),
            "hits": self.hits,
            "n": self.n,
            "basis": self.basis,
            "level": self.level,
            "reason": self.reason,
        }


def win_rate(
    won: int,
    lost: int,
    *,
    no_decision: int = 0,
    no_decision_counts: NoDecision | None = None,
    level: float = 0.95,
) -> Rate:
    """Give the win rate of closed opportunities, saying what stands below the line.

    Parameters
    ----------
    won, lost : int
        Closed opportunities.
    no_decision : int, default 0
        Opportunities that ended because the buyer decided nothing.
    no_decision_counts : {"excluded", "included"}, optional
        Whether these stand in the denominator. Must be stated when there are any: it changes the rate.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Rate
        Undefined, with the reason, when nothing was closed.

    Raises
    ------
    InvalidInput
        If a count cannot be meant, or the treatment of no-decision is not stated.

    Examples
    --------
    >>> win_rate(12, 26, no_decision=9, no_decision_counts="excluded")
    Rate(31.6 %, 19.1 % to 47.5 %, 12 of 38, won / (won + lost))
    >>> win_rate(12, 26, no_decision=9, no_decision_counts="included").value == 12 / 47
    True
    >>> win_rate(0, 0)
    Rate(undefined: no closed opportunity, won / (won + lost))
    """
    check_level(level)
    if no_decision_counts is not None:
        check_choice("no_decision_counts", no_decision_counts, ("excluded", "included"))
    counts = {"won": won, "lost": lost, "no_decision": no_decision}
    for argument, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise refuse(argument, "is a whole number, 0 or more", value)
    if no_decision and no_decision_counts is None:
        fault = Problem(
            path="no_decision_counts",
            message="must be stated when opportunities ended without a decision",
            values=(show(no_decision),),
            hint="choose 'excluded' (won / (won + lost)) or 'included' (won / (won + lost + no decision))",
        )
        raise_all("win_rate", [fault])
    included = no_decision_counts == "included"
    n = int(won) + int(lost) + (int(no_decision) if included else 0)
    return Rate(
        hits=int(won),
        n=n,
        basis="won / (won + lost + no decision)" if included else "won / (won + lost)",
        level=float(level),
        reason=None if n else "no closed opportunity",
    )
