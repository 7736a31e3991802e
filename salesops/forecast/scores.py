"""How good forecasts were: errors of single numbers, and scores of whole distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._display import percent
from salesops._faults import count, raise_all, refuse
from salesops._frames import jsonable
from salesops.errors import Problem, show
from salesops.forecast._arrays import check_rows, check_same_order
from salesops.forecast.rates import Rate
from salesops.forecast.survival import check_level

__all__ = [
    "ForecastErrors",
    "crps",
    "crps_normal",
    "forecast_errors",
    "interval_coverage",
    "pinball",
    "pit",
]

Floats = npt.NDArray[np.float64]

_NO_AMOUNT = "undefined: the actual amounts add up to 0"
_NO_CHANGE = "undefined: the previous actual amounts never change"


@runtime_checkable
class Predictive(Protocol):
    """A distribution that can be scored."""

    def cdf(self, x: Any) -> Any:
        """Give the probability of an amount of at most x."""
        ...

    def probability_of(self, target: Any) -> Any:
        """Give the probability of an amount of at least `target`."""
        ...

    def crps(self, actual: float) -> float:
        """Give the continuous ranked probability score."""
        ...


def numbers(argument: str, values: object) -> Floats:
    """Take a sequence of finite numbers; all rows that are none are one fault."""
    cells = list(values) if isinstance(values, Sequence) else values
    try:
        given = np.asarray(cells)
    except (TypeError, ValueError):
        raise refuse(argument, "is a sequence of numbers", values) from None
    found = np.full(given.shape, np.nan)
    if given.dtype.kind in "iuf":
        found = given.astype(np.float64)
    elif given.dtype.kind == "O":
        found = np.array([_as_number(value) for value in given.ravel()]).reshape(given.shape)
    if given.ndim != 1:
        raise refuse(argument, "is a sequence of numbers", values)
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        fault = Problem(
            path=argument,
            message="is a finite number",
            rows=tuple(wrong.tolist()),
            values=tuple(show(given[k]) for k in wrong.tolist()),
        )
        raise_all(argument, [fault])
    return found


def _as_number(value: Any) -> float:
    if isinstance(value, (bool, str, np.bool_)) or value is None or not hasattr(value, "__float__"):
        return math.nan
    return float(value)


def paired(**columns: object) -> list[Floats]:
    """Take sequences of numbers of one length, at least one each."""
    taken = [numbers(name, values) for name, values in columns.items()]
    check_same_order(**columns)
    lengths = {len(values) for values in taken}
    names = ", ".join(columns)
    if len(lengths) > 1:
        raise refuse(names, "have one length", tuple(len(values) for values in taken))
    if not len(taken[0]):
        raise refuse(names, "hold at least one number", ())
    return taken


def crps(forecast: object, actual: float) -> float:
    """Give the continuous ranked probability score of a forecast distribution: 0 is perfect, less is better.

    In the unit of the amount. For a forecast that is one number it is the absolute error, so single numbers
    and distributions can be compared.

    Parameters
    ----------
    forecast : Distribution or sequence of number
        A distribution, or equally likely values.
    actual : number
        What came.

    Returns
    -------
    float

    Raises
    ------
    InvalidInput
        If a value is not a finite number, or there is none.

    Notes
    -----
    The integral of the squared distance between the forecast's distribution function and the step at
    `actual`. For n values it is mean abs(x - actual) minus half the mean distance of two values, in n log n
    steps; the values are taken as the whole distribution, not as a sample of another one.

    References
    ----------
    T. Gneiting and A. E. Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".

    Examples
    --------
    >>> crps([100], 120)
    20.0
    >>> crps([100, 140], 120)
    10.0
    """
    came = float(numbers("actual", [actual])[0])
    if isinstance(forecast, Predictive):
        return float(forecast.crps(came))
    values = np.sort(numbers("forecast", forecast))
    n = len(values)
    if not n:
        raise refuse("forecast", "holds at least one number", ())
    weight = (2.0 * np.arange(1, n + 1) - n - 1.0) / n**2
    return math.fsum(np.abs(values - came) / n) - math.fsum(weight * values)


def crps_normal(mean: Any, deviation: Any, actual: Any) -> Any:
    """Give the continuous ranked probability score of a normal distribution, in closed form.

    Parameters
    ----------
    mean, deviation : number or array-like
        Of the distribution; a deviation of 0 is a forecast that is one number.
    actual : number or array-like
        What came.

    Returns
    -------
    float or ndarray

    Raises
    ------
    InvalidInput
        If a number is not finite or a deviation is negative.

    References
    ----------
    T. Gneiting and A. E. Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".

    Examples
    --------
    >>> crps_normal(0, 1, [0, 1, -2]).round(6).tolist()
    [0.233695, 0.602441, 1.452792]
    >>> crps_normal(100, 0, 120)
    20.0
    """
    from scipy.special import ndtr

    centre, spread, came = (
        numbers(name, np.atleast_1d(np.asarray(value, dtype=object)))
        for name, value in (("mean", mean), ("deviation", deviation), ("actual", actual))
    )
    check_rows("deviation", spread < 0, "is 0 or more", spread.tolist())
    try:
        centre, spread, came = np.broadcast_arrays(centre, spread, came)
    except ValueError:
        shapes = (len(centre), len(spread), len(came))
        raise refuse("mean, deviation, actual", "have one length", shapes) from None
    z = np.divide(came - centre, spread, out=np.zeros(len(came)), where=spread > 0)
    density = np.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi)
    score = spread * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / math.sqrt(math.pi))
    score = np.where(spread > 0, score, np.abs(came - centre))
    single = all(np.ndim(value) == 0 for value in (mean, deviation, actual))
    return float(score[0]) if single else score


@attrs.frozen(kw_only=True, repr=False)
class ForecastErrors:
    """Errors of single-number forecasts, from :func:`forecast_errors`. NaN is undefined; `reasons` says why.

    Attributes
    ----------
    n : int
        Number of forecasts.
    wape : float
        Sum of absolute errors, by the sum of actual amounts.
    bias : float
        Sum of forecast minus actual, by the sum of actual amounts; above 0 is too high.
    mae, rmse : float
        Mean absolute error and root of the mean squared error, in the unit of the amount.
    mape : float
        Mean of the absolute errors by their own actual; undefined when one of these is 0.
    mase : float
        Mean absolute error by that of repeating the previous value; undefined without previous values.
    reasons : tuple of (str, str)
        Why a measure is undefined.

    Examples
    --------
    >>> forecast_errors([120, 80, 0, 200], [100, 100, 10, 150])
    ForecastErrors(n=4, WAPE 25.0 %, bias -10.0 %)
    """

    n: int
    wape: float
    bias: float
    mae: float
    rmse: float
    mape: float
    mase: float
    reasons: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Show the two measures that can be added up."""
        return f"ForecastErrors(n={self.n}, WAPE {percent(self.wape)}, bias {percent(self.bias)})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure.

        Returns
        -------
        DataFrame
            Columns measure, value, reason.

        Examples
        --------
        >>> forecast_errors([10, 0], [9, 0]).to_frame()["reason"].tolist()[4]
        'undefined: actual 0 in row 2'
        """
        names = ["wape", "bias", "mae", "rmse", "mape", "mase"]
        why = dict(self.reasons)
        reasons = pd.Series([why.get(name) for name in names], dtype=object)
        return pd.DataFrame(
            {"measure": names, "value": [getattr(self, name) for name in names], "reason": reasons}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the errors as plain JSON types; undefined ones are None.

        Returns
        -------
        dict

        Examples
        --------
        >>> forecast_errors([10], [9]).to_dict()["wape"]
        0.1
        """
        kept = {str(name): value for name, value in attrs.asdict(self).items() if name != "reasons"}
        return {name: jsonable(value) for name, value in kept.items()} | {"reasons": dict(self.reasons)}


def forecast_errors(actual: object, forecast: object, *, previous: object = None) -> ForecastErrors:
    """Measure the errors of single-number forecasts.

    Parameters
    ----------
    actual, forecast : sequence of number
        What came and what was said, in the same order.
    previous : sequence of number, optional
        Actual amounts of the periods before the first forecast, in order of time, for MASE.

    Returns
    -------
    ForecastErrors
        MAPE is undefined, with the row (counted from 1), when an actual is 0; so is WAPE when all are.

    Raises
    ------
    InvalidInput
        If the lengths differ, there is no number, or one is not finite.

    References
    ----------
    R. J. Hyndman and A. B. Koehler (2006), "Another look at measures of forecast accuracy".

    Examples
    --------
    >>> errors = forecast_errors([120, 80, 0, 200], [100, 100, 10, 150])
    >>> errors.wape, errors.bias, dict(errors.reasons)["mape"]
    (0.25, -0.1, 'undefined: actual 0 in row 3')
    """
    came, said = paired(actual=actual, forecast=forecast)
    error = said - came
    total, absolute = math.fsum(came), math.fsum(np.abs(error))
    reasons: dict[str, str] = {}
    if total <= 0:
        reasons |= dict.fromkeys(("wape", "bias"), _NO_AMOUNT)
    zeros = np.flatnonzero(came == 0)
    if len(zeros):
        more = f" and {count(len(zeros) - 1, 'more row')}" if len(zeros) > 1 else ""
        reasons["mape"] = f"undefined: actual 0 in row {int(zeros[0]) + 1}{more}"
    scale = math.nan
    if previous is None:
        reasons["mase"] = "undefined: no previous actual amounts were given"
    else:
        steps = np.abs(np.diff(numbers("previous", previous)))
        scale = math.fsum(steps) / len(steps) if len(steps) else 0.0
        if scale <= 0:
            reasons["mase"] = _NO_CHANGE
    return ForecastErrors(
        n=len(came),
        wape=math.nan if "wape" in reasons else absolute / total,
        bias=math.nan if "bias" in reasons else math.fsum(error) / total,
        mae=absolute / len(came),
        rmse=math.sqrt(math.fsum(error**2) / len(came)),
        mape=math.nan if "mape" in reasons else math.fsum(np.abs(error / came)) / len(came),
        mase=math.nan if "mase" in reasons else absolute / len(came) / scale,
        reasons=tuple(sorted(reasons.items())),
    )


def pinball(actual: object, quantile: object, level: float) -> float:
    """Give the mean pinball loss of forecast quantiles: 0 is perfect, less is better.

    Parameters
    ----------
    actual, quantile : sequence of number
        What came, and the quantile that was forecast, in the same order.
    level : float
        Level of the quantile, between 0 and 1: .9 for the value that nine in ten stay below.

    Returns
    -------
    float

    Raises
    ------
    InvalidInput
        If the lengths differ, there is no number, or the level is out of bounds.

    Examples
    --------
    >>> round(pinball([100, 140], [120, 120], 0.9), 9)
    10.0
    """
    check_level(level)
    came, said = paired(actual=actual, quantile=quantile)
    above = came - said
    return math.fsum(np.maximum(level * above, (level - 1.0) * above)) / len(came)


def interval_coverage(actual: object, lower: object, upper: object, *, level: float = 0.95) -> Rate:
    """Count how many actual amounts lie within their intervals, ends included.

    Parameters
    ----------
    actual, lower, upper : sequence of number
        What came, and the ends of the interval that was forecast, in the same order.
    level : float, default 0.95
        Level of the interval of the share that comes back, not of the intervals judged.

    Returns
    -------
    Rate
        The share with its Wilson interval, which treats the forecasts as independent.

    Raises
    ------
    InvalidInput
        If the lengths differ, there is no number, or a lower end is above its upper end.

    Examples
    --------
    >>> interval_coverage([5, 9, 12], [0, 0, 0], [10, 10, 10])
    Rate(66.7 %, 20.8 % to 93.9 %, 2 of 3, actual within its interval)
    """
    check_level(level)
    came, low, high = paired(actual=actual, lower=lower, upper=upper)
    ends = list(zip(low.tolist(), high.tolist(), strict=True))
    check_rows("lower", low > high, "is at most the upper end", ends)
    inside = (low <= came) & (came <= high)
    return Rate(hits=int(inside.sum()), n=len(came), basis="actual within its interval", level=level)


def pit(forecasts: Sequence[Predictive], actual: object) -> Floats:
    """Give the probability integral transform of each actual: where it fell in its own forecast.

    Of calibrated forecasts these are spread evenly between 0 and 1; piled up at both ends the forecasts were
    too narrow, in the middle too wide. Where a distribution jumps, the middle of the jump counts.

    Parameters
    ----------
    forecasts : sequence of Distribution
    actual : sequence of number
        What came, in the same order.

    Returns
    -------
    ndarray of float, shape (n,)

    Raises
    ------
    InvalidInput
        If the lengths differ or a number is not finite.

    References
    ----------
    C. Czado, T. Gneiting and L. Held (2009), "Predictive model assessment for count data".

    Examples
    --------
    >>> from salesops import forecast
    >>> forecast.pit([forecast.Distribution.from_samples([10, 20, 30, 40])] * 2, [20, 99]).tolist()
    [0.375, 1.0]
    """
    came = numbers("actual", actual)
    given: object = forecasts
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise refuse("forecasts", "is a list of distributions", given)
    if len(forecasts) != len(came):
        raise refuse("forecasts, actual", "have one length", (len(forecasts), len(came)))
    strange = np.array([not isinstance(one, Predictive) for one in forecasts], dtype=bool)
    check_rows("forecasts", strange, "is a distribution; make one with Distribution.from_samples", forecasts)
    return np.array(
        [sum(jump(one, value)) / 2.0 for one, value in zip(forecasts, came.tolist(), strict=True)]
    )


def jump(forecast: Predictive, actual: float) -> tuple[float, float]:
    """Give the distribution function just below a value and at it."""
    at = float(forecast.cdf(actual))
    below = 1.0 - float(forecast.probability_of(actual))
    return min(max(below, 0.0), at), at
