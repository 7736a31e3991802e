"""The few ratios every pipeline review asks for, in closed form, unrounded, with a reason where undefined."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from salesops._faults import refuse
from salesops._frames import jsonable
from salesops.forecast._kernels import normal_quantile
from salesops.forecast.rates import Rate, rate_interval

__all__ = [
    "Coverage",
    "Retention",
    "UnitEconomics",
    "coverage",
    "retention",
    "throughput",
    "unit_economics",
    "velocity",
]

Number = int | float | Decimal | Fraction

_UNKNOWN = (math.nan, math.nan)


def _number(argument: str, value: object, *, above: float | None = None, most: float | None = None) -> float:
    """Take a finite number, 0 or more, within bounds."""
    rule = "is a finite number, 0 or more" if above is None else f"is a finite number above {above:g}"
    if most is not None:
        rule += f" and at most {most:g}"
    numeric = isinstance(value, (int, float, Decimal, Fraction)) or hasattr(value, "__float__")
    if isinstance(value, (bool, str)) or not numeric:
        raise refuse(argument, rule, value)
    try:
        found = float(value)  # type: ignore[arg-type]  # numbers and what converts to one
    except (OverflowError, TypeError, ValueError):
        raise refuse(argument, rule, value) from None
    low = found < 0 if above is None else found <= above
    if not math.isfinite(found) or low or (most is not None and found > most):
        raise refuse(argument, rule, value)
    return found


def velocity(n_opportunities: Number, average_amount: Number, win_rate: Number, cycle_days: Number) -> float:
    """Give sales velocity: the amount a pipeline turns into bookings each day.

    Parameters
    ----------
    n_opportunities : number
        Opportunities in the pipeline.
    average_amount : number
        Mean amount of a won deal.
    win_rate : number
        Between 0 and 1.
    cycle_days : number
        Mean days from creation to close, above 0.

    Returns
    -------
    float
        Amount for each day; times 90 for a quarter of 90 days. Nothing is rounded on the way.

    Raises
    ------
    InvalidInput
        If a number is out of bounds.

    Examples
    --------
    >>> round(velocity(18, 42000, 0.24, 78), 2)
    2326.15
    """
    n = _number("n_opportunities", n_opportunities)
    amount = _number("average_amount", average_amount)
    rate = _number("win_rate", win_rate, most=1.0)
    return n * amount * rate / _number("cycle_days", cycle_days, above=0.0)


def throughput(arrivals: Number, mean_time_open: Number) -> float:
    """Give the number of open deals in a steady pipeline: arrival rate times mean time open (Little's law).

    Parameters
    ----------
    arrivals : number
        New deals for each unit of time.
    mean_time_open : number
        In the same unit.

    Returns
    -------
    float

    Raises
    ------
    InvalidInput
        If a number is out of bounds.

    References
    ----------
    J. D. C. Little (1961), "A proof for the queuing formula: L = lambda W".

    Examples
    --------
    >>> throughput(12, 6.5)
    78.0
    """
    return _number("arrivals", arrivals) * _number("mean_time_open", mean_time_open)


@attrs.frozen(kw_only=True)
class Coverage:
    """How far the open pipeline reaches: from :func:`coverage`. NaN stands for undefined; `reason` says why.

    Attributes
    ----------
    ratio : float
        Open pipeline for each unit of remaining quota.
    required : float
        Ratio at which the expected bookings equal the remaining quota: 1 / win rate.
    expected : float
        Open pipeline times win rate.
    share : float
        Expected bookings for each unit of remaining quota.
    reason : str or None
    required_interval, share_interval : tuple of float
        Lower and upper ends that follow from the interval of the win rate; NaN if it came without one.

    Examples
    --------
    >>> coverage(4_800_000, 1_600_000, 0.22).ratio
    3.0
    """

    ratio: float
    required: float
    expected: float
    share: float
    reason: str | None = None
    required_interval: tuple[float, float] = (math.nan, math.nan)
    share_interval: tuple[float, float] = (math.nan, math.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return the ratios as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> coverage(10, 0, 0.5).to_dict()["ratio"] is None
        True
        """
        return {str(k): jsonable(v) for k, v in attrs.asdict(self).items()}


def coverage(open_pipeline: Number, remaining_quota: Number, win_rate: Number | Rate) -> Coverage:
    """Compare the open pipeline with the quota that is left.

    Parameters
    ----------
    open_pipeline, remaining_quota : number
        Amounts in one currency.
    win_rate : number or Rate
        Between 0 and 1, of the amount. A `Rate` passes its interval on.

    Returns
    -------
    Coverage

    Raises
    ------
    InvalidInput
        If a number is out of bounds.

    Examples
    --------
    >>> result = coverage(4_800_000, 1_600_000, 0.22)
    >>> round(result.required, 3), result.expected, round(result.share, 3)
    (4.545, 1056000.0, 0.66)
    >>> coverage(100, 0, 0.5).reason
    'no quota remains'
    >>> from salesops.forecast import win_rate
    >>> [round(end, 2) for end in coverage(100, 20, win_rate(12, 26)).required_interval]
    [2.11, 5.24]
    """
    ends = (math.nan, math.nan)
    if isinstance(win_rate, Rate):
        ends = win_rate.interval
        win_rate = win_rate.value if win_rate.n else 0.0
    pipeline = _number("open_pipeline", open_pipeline)
    quota = _number("remaining_quota", remaining_quota)
    rate = _number("win_rate", win_rate, most=1.0)
    reasons = [] if quota else ["no quota remains"]
    reasons += [] if rate else ["the win rate is 0"]
    return Coverage(
        ratio=pipeline / quota if quota else math.nan,
        required=1.0 / rate if rate else math.nan,
        expected=pipeline * rate,
        share=pipeline * rate / quota if quota else math.nan,
        reason=" and ".join(reasons) or None,
        required_interval=(1.0 / ends[1] if ends[1] else math.inf, 1.0 / ends[0] if ends[0] else math.inf),
        share_interval=(pipeline * ends[0] / quota, pipeline * ends[1] / quota) if quota else _UNKNOWN,
    )


@attrs.frozen(kw_only=True)
class Retention:
    """What became of recurring revenue: from :func:`retention`. NaN stands for undefined; `reason` says why.

    Attributes
    ----------
    nrr, grr : float
        Net and gross revenue retention; gross is never above 1.
    logo_retention : float
        Share of accounts that still pay.
    expansion, contraction, churn : float
        Amounts gained, given up and lost.
    n : int or None
        Accounts at the start; None when only sums were given.
    reason : str or None
    nrr_interval, grr_interval, logo_interval : tuple of float
        Lower and upper ends at 95 %: linearised over accounts for the two ratios, Wilson for accounts; NaN
        when there are fewer than two accounts or only sums were given.

    Examples
    --------
    >>> retention({"a": 100, "b": 200}, {"a": 130, "b": 150}).grr
    0.8333333333333334
    """

    nrr: float
    grr: float
    logo_retention: float
    expansion: float
    contraction: float
    churn: float
    n: int | None
    reason: str | None = None
    nrr_interval: tuple[float, float] = (math.nan, math.nan)
    grr_interval: tuple[float, float] = (math.nan, math.nan)
    logo_interval: tuple[float, float] = (math.nan, math.nan)

    @classmethod
    def from_flows(
        cls, start: Number, *, expansion: Number = 0, contraction: Number = 0, churn: Number = 0
    ) -> Retention:
        """Give retention from sums of revenue, where the accounts are not known.

        Parameters
        ----------
        start, expansion, contraction, churn : number
            Amounts, 0 or more; contraction and churn together are at most `start`.

        Returns
        -------
        Retention
            Without logo retention.

        Raises
        ------
        InvalidInput
            If an amount is out of bounds.

        Examples
        --------
        >>> result = Retention.from_flows(10_000_000, expansion=1_800_000, contraction=600_000, churn=900_000)
        >>> result.grr, result.nrr
        (0.85, 1.03)
        """
        total, gained = _number("start", start), _number("expansion", expansion)
        given_up, left = _number("contraction", contraction), _number("churn", churn)
        kept = total - given_up - left
        if kept < 0:
            raise refuse(
                "contraction, churn", "cannot be more than the start", f"{given_up + left:g} of {total:g}"
            )
        return cls(
            nrr=(kept + gained) / total if total else math.nan,
            grr=kept / total if total else math.nan,
            logo_retention=math.nan,
            expansion=gained,
            contraction=given_up,
            churn=left,
            n=None,
            reason=None if total else "no revenue at the start",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> retention({}, {}).to_dict()["reason"]
        'no revenue at the start'
        """
        return {str(k): jsonable(v) for k, v in attrs.asdict(self).items()}


def retention(start: Mapping[Hashable, Number], end: Mapping[Hashable, Number]) -> Retention:
    """Give net and gross revenue retention from the balances of accounts.

    Parameters
    ----------
    start, end : mapping of account to amount
        Recurring revenue of each account at the two dates, 0 or more. An account that is not in `end` has
        left; one that is new in `end` is in neither measure.

    Returns
    -------
    Retention
        Undefined, with the reason, when there was no revenue at the start.

    Raises
    ------
    InvalidInput
        If an amount is out of bounds.

    Examples
    --------
    >>> start = {"a": 100, "b": 200, "c": 50, "d": 150}
    >>> result = retention(start, {"a": 130, "b": 150, "c": 0, "d": 150, "e": 400})
    >>> result.nrr, result.grr, result.logo_retention, result.churn
    (0.86, 0.8, 0.75, 50.0)
    """
    for argument, balances in (("start", start), ("end", end)):
        if not isinstance(balances, Mapping):
            raise refuse(argument, "is a mapping of account to amount", balances)
    before = {key: _number(f"start[{key!r}]", value) for key, value in start.items()}
    after = {key: _number(f"end[{key!r}]", value) for key, value in end.items()}
    pairs = [(value, after.get(key, 0.0)) for key, value in before.items() if value > 0]
    total = math.fsum(value for value, _ in pairs)
    kept = math.fsum(min(pair) for pair in pairs)
    expansion = math.fsum(max(later - value, 0.0) for value, later in pairs)
    return Retention(
        nrr=math.fsum(later for _, later in pairs) / total if total else math.nan,
        grr=kept / total if total else math.nan,
        logo_retention=sum(later > 0 for _, later in pairs) / len(pairs) if pairs else math.nan,
        expansion=expansion,
        contraction=math.fsum(max(value - later, 0.0) for value, later in pairs if later > 0),
        churn=math.fsum(value for value, later in pairs if later == 0),
        n=len(pairs),
        reason=None if total else "no revenue at the start",
        nrr_interval=_ratio_interval(pairs, total),
        grr_interval=_ratio_interval([(first, min(first, later)) for first, later in pairs], total, most=1.0),
        logo_interval=rate_interval(sum(later > 0 for _, later in pairs), len(pairs)) if pairs else _UNKNOWN,
    )


def _ratio_interval(
    pairs: list[tuple[float, float]], total: float, most: float = math.inf
) -> tuple[float, float]:
    """Give the interval of a ratio of sums: the accounts are the sample, the ratio is linearised."""
    n = len(pairs)
    if n < 2:
        return _UNKNOWN
    ratio = math.fsum(later for _, later in pairs) / total
    rest = math.fsum((later - ratio * first) ** 2 for first, later in pairs)
    half = normal_quantile(0.95) * math.sqrt(rest * n / (n - 1)) / total
    return max(ratio - half, 0.0), min(ratio + half, most)


@attrs.frozen(kw_only=True)
class UnitEconomics:
    """What an account is worth against what it costs to win: from :func:`unit_economics`.

    Attributes
    ----------
    lifetime_months, ltv, ltv_to_cac, payback_months : float
        NaN where undefined; `reason` says why.
    reason : str or None

    Examples
    --------
    >>> unit_economics(50, 0.8, 0.04, 300).payback_months
    7.5
    """

    lifetime_months: float
    ltv: float
    ltv_to_cac: float
    payback_months: float
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> unit_economics(50, 0.8, 0, 300).to_dict()["ltv"] is None
        True
        """
        return {str(k): jsonable(v) for k, v in attrs.asdict(self).items()}


def unit_economics(
    revenue_per_month: Number, gross_margin: Number, churn_per_month: Number, acquisition_cost: Number
) -> UnitEconomics:
    """Give lifetime value, its ratio to acquisition cost, and the payback time of one account.

    Parameters
    ----------
    revenue_per_month : number
        Average revenue of an account.
    gross_margin, churn_per_month : number
        Between 0 and 1.
    acquisition_cost : number
        Cost of winning one account.

    Returns
    -------
    UnitEconomics

    Raises
    ------
    InvalidInput
        If a number is out of bounds.

    Examples
    --------
    >>> result = unit_economics(50, 0.8, 0.04, 300)
    >>> result.ltv, result.lifetime_months, round(result.ltv_to_cac, 2)
    (1000.0, 25.0, 3.33)
    """
    revenue = _number("revenue_per_month", revenue_per_month)
    profit = revenue * _number("gross_margin", gross_margin, most=1.0)
    churn = _number("churn_per_month", churn_per_month, most=1.0)
    cost = _number("acquisition_cost", acquisition_cost)
    checks = [
        (churn, "no account leaves"),
        (cost, "winning an account costs nothing"),
        (profit, "no gross profit"),
    ]
    ltv = profit / churn if churn else math.nan
    return UnitEconomics(
        lifetime_months=1.0 / churn if churn else math.nan,
        ltv=ltv,
        ltv_to_cac=ltv / cost if cost else math.nan,
        payback_months=cost / profit if profit else math.nan,
        reason=", ".join(text for value, text in checks if not value) or None,
    )
