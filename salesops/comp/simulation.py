"""What a plan will cost: exactly where its payout curve is made of straight lines, by draws elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal

import attrs
import numpy as np
import pandas as pd

from salesops import _money as money
from salesops._display import html_card, number
from salesops._faults import check_choice, count, raise_all, refuse
from salesops._frames import jsonable
from salesops._money import EXPONENTS
from salesops._run import RngLike, generator
from salesops.comp._lines import ARRAY
from salesops.comp._moments import Floats, below, draw, shares, top
from salesops.comp._payments import measure_of
from salesops.comp.attainments import Attainment, Empirical, Lognormal, Normal, Uniform
from salesops.comp.curve import payout_curve
from salesops.comp.engine import calculate
from salesops.comp.plan import CompPlan
from salesops.errors import Problem
from salesops.models import Period

__all__ = ["CostDistribution", "simulate"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_STEPS = 200
_MOST_DRAWS = 1_000_000
_PARTS = 20_000
_NOMINAL = 1_000_000
_LOOKS = 997
_OFF_POINTS = 0.381966


@attrs.frozen(kw_only=True, repr=False)
class CostDistribution:
    """What the variable pay of one rep, or of a team of like reps, will be; made by :func:`simulate`.

    Amounts are floats in major units: expectations, not payments.

    Attributes
    ----------
    plan_id : str
    currency : str or None
    method : {"exact", "draws"}
    mean, sd : float
        Of one rep over all periods.
    n_reps : int

    Examples
    --------
    >>> from salesops import comp
    >>> part = comp.Commission(basis="attainment", target="1000", tiers=[{"from": "0", "rate": "1"}])
    >>> plan = comp.CompPlan(plan_id="ae", currency="USD", components=[part])
    >>> simulate(plan, attainment=comp.Uniform(low=0.5, high=1.5), quota="10000", n_reps=20)
    CostDistribution('ae': 20 reps cost 20,000 USD on average, sd 1,291; exact)
    """

    plan_id: str
    currency: str | None
    method: Literal["exact", "draws"]
    mean: float
    sd: float
    n_reps: int = 1
    _low: Floats = attrs.field(alias="_low", **ARRAY)
    _high: Floats = attrs.field(alias="_high", **ARRAY)
    _from: Floats = attrs.field(alias="_from", **ARRAY)
    _to: Floats = attrs.field(alias="_to", **ARRAY)
    _attainment: Attainment | None = attrs.field(alias="_attainment", default=None)

    @property
    def cost(self) -> float:
        """Expected cost of all reps."""
        return self.n_reps * self.mean

    @property
    def cost_sd(self) -> float:
        """Standard deviation of the cost of all reps, who attain independently of each other."""
        return math.sqrt(self.n_reps) * self.sd

    def __repr__(self) -> str:
        code = f" {self.currency}" if self.currency else ""
        reps = count(self.n_reps, "rep")
        verb = "costs" if self.n_reps == 1 else "cost"
        size = f"{number(self.cost)}{code} on average, sd {number(self.cost_sd)}"
        return f"CostDistribution({self.plan_id!r}: {reps} {verb} {size}; {self.method})"

    def _repr_html_(self) -> str:
        facts = {
            "reps": self.n_reps,
            "expected cost": self.cost,
            "standard deviation": self.cost_sd,
            "currency": self.currency,
            "method": self.method,
        }
        return html_card(f"Cost of {self.plan_id}", facts, [("Pay of one rep", self.to_frame())])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def probability_below(self, amount: float) -> float:
        """Give the probability that one rep is paid no more than an amount.

        Parameters
        ----------
        amount : float
            Major units.

        Returns
        -------
        float

        Examples
        --------
        >>> from salesops import comp
        >>> part = comp.Commission(basis="attainment", target="1000", tiers=[{"from": "0", "rate": "1"}])
        >>> plan = comp.CompPlan(plan_id="ae", currency="USD", components=[part])
        >>> spread = comp.Uniform(low=0.5, high=1.5)
        >>> round(simulate(plan, attainment=spread, quota="10000").probability_below(750), 9)
        0.25
        """
        return float(self._chances(np.array([float(amount)]))[0])

    def _chances(self, amounts: Floats) -> Floats:
        """Sum up the probability of every stretch of attainment that pays no more."""
        spread = self._attainment
        if spread is None or isinstance(spread, Empirical):
            order = np.argsort(self._from, kind="stable")
            mass = np.concatenate([[0.0], np.cumsum(self._to[order])])
            return mass[np.searchsorted(self._from[order], amounts, side="right")]
        rise = self._to - self._from
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (amounts[:, None] - self._from) / rise
        way = np.clip(np.where(rise == 0, 0.0, share), 0.0, 1.0)
        cut = self._low + way * (self._high - self._low)
        up = np.where(rise > 0, _mass(spread, self._low, cut), _mass(spread, cut, self._high))
        flat = np.where(self._from <= amounts[:, None], _mass(spread, self._low, self._high), 0.0)
        return np.asarray(
            np.where(rise == 0, flat, up).sum(axis=1) + self._at_zero(amounts), dtype=np.float64
        )

    def _at_zero(self, amounts: Floats) -> Floats:
        spread = self._attainment
        if not isinstance(spread, Normal):
            return np.zeros(len(amounts))
        mass = float(below(spread, np.zeros(1)).mass[0])
        return np.where(self._from[0] <= amounts, mass, 0.0)

    def quantile(self, share: float) -> float:
        """Give the pay of one rep that is not exceeded with a probability.

        Parameters
        ----------
        share : float
            Between 0 and 1.

        Returns
        -------
        float
            Major units.

        Raises
        ------
        InvalidInput
            If the share is no probability.

        Examples
        --------
        >>> from salesops import comp
        >>> part = comp.Commission(basis="attainment", target="1000", tiers=[{"from": "0", "rate": "1"}])
        >>> plan = comp.CompPlan(plan_id="ae", currency="USD", components=[part])
        >>> spread = comp.Uniform(low=0.5, high=1.5)
        >>> round(simulate(plan, attainment=spread, quota="10000").quantile(0.9), 6)
        1400.0
        """
        if not 0 <= share <= 1:
            raise refuse("share", "a probability lies between 0 and 1", share)
        is_list = self._attainment is None or isinstance(self._attainment, Empirical)
        ends = self._from if is_list else np.concatenate([self._from, self._to])
        low, high = float(ends.min()), float(ends.max())
        if self._chances(np.array([low]))[0] >= share:
            return low
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (low, middle) if self._chances(np.array([middle]))[0] >= share else (middle, high)
        return high

    def to_frame(self) -> pd.DataFrame:
        """Give quantiles of the pay of one rep.

        Returns
        -------
        DataFrame
            ``quantile, payout`` (major units).

        Examples
        --------
        >>> from salesops import comp
        >>> part = comp.Commission(basis="attainment", target="1000", tiers=[{"from": "0", "rate": "1"}])
        >>> plan = comp.CompPlan(plan_id="ae", currency="USD", components=[part])
        >>> cost = simulate(plan, attainment=comp.Uniform(low=0.5, high=1.5), quota="10000")
        >>> cost.to_frame()["payout"].round(4).tolist()
        [550.0, 750.0, 1000.0, 1250.0, 1450.0]
        """
        return pd.DataFrame({"quantile": _QUANTILES, "payout": [self.quantile(q) for q in _QUANTILES]})

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import comp
        >>> part = comp.Commission(tiers=[{"from": "0", "rate": "0.1"}])
        >>> plan = comp.CompPlan(plan_id="ae", currency="USD", components=[part])
        >>> simulate(plan, attainment=comp.Empirical(values=[1.0]), quota="100").to_dict()["mean"]
        10.0
        """
        return {
            "plan_id": self.plan_id,
            "currency": self.currency,
            "method": self.method,
            "n_reps": self.n_reps,
            "mean": self.mean,
            "sd": self.sd,
            "cost": self.cost,
            "cost_sd": self.cost_sd,
            "quantiles": jsonable(self.to_frame()),
        }


def _mass(spread: Attainment, low: Floats, high: Floats) -> Floats:
    if isinstance(spread, Empirical):
        return np.zeros(len(low))
    return below(spread, high).mass - below(spread, low).mass


def simulate(
    plan: CompPlan,
    *,
    attainment: object = None,
    sales: object = None,
    quota: Decimal | int | str | None = None,
    n_reps: int = 1,
    periods: Iterable[Period] | None = None,
    n_draws: int = 10_000,
    rng: RngLike = None,
    method: Literal["auto", "exact", "draws"] = "auto",
) -> CostDistribution:
    """Work out what a plan will cost when attainment is uncertain.

    In one period the payout curve is made of straight lines, and mean, variance and quantiles follow from the
    moments of attainment between its points, without draws. Where totals run over several periods (a year to
    date, say), each draw is a rep who is paid by :func:`calculate`.

    Parameters
    ----------
    plan : CompPlan
        Counting one measure.
    attainment : Normal, Lognormal, Uniform, Empirical, sequence of float or distribution
        Of one period; a sequence is what was seen, such as last year's. Periods are independent. A
        distribution is anything that gives quantiles: a frozen one of scipy (``ppf``) or a forecast
        (``quantile``); it enters as 20,000 equally likely values.
    sales : the same, optional
        In place of attainment: what is credited in one period, in major units, such as the forecast of a rep.
    quota : Decimal, int or str, optional
        Of one period, in major units: what attainment 1 is. It may be left out where nothing hangs on it: pay
        on target by attainment, or by amounts and `sales`.
    n_reps : int, default 1
        Like reps, who attain independently of each other.
    periods : sequence of Period, optional
        With more than one, pay is that of all of them together, by draws.
    n_draws : int, default 10000
    rng : int, Generator, SeedSequence or None
        Where draws come from.
    method : {"auto", "exact", "draws"}, default "auto"
        auto is exact for one period and draws otherwise.

    Returns
    -------
    CostDistribution

    Raises
    ------
    InvalidInput
        If the plan cannot be paid at some attainment, a quota is needed, or exact is asked for several
        periods.

    Notes
    -----
    Exact figures leave the rounding of payments to minor units out, which moves them by less than one.

    Examples
    --------
    >>> from salesops import comp
    >>> tiers = [{"from": "0", "rate": "1"}, {"from": "1", "rate": "2"}]
    >>> part = comp.Commission(basis="attainment", target="1000", tiers=tiers)
    >>> plan = comp.CompPlan(plan_id="ae", currency="USD", components=[part])
    >>> comp.simulate(plan, attainment=comp.Normal(mean=1.0, sd=0.25), quota="10000")
    CostDistribution('ae': 1 rep costs 1,100 USD on average, sd 382.5; exact)

    The quarter that a forecast expects of a rep, and what it will cost:

    >>> from salesops import forecast
    >>> deals = forecast.Distribution.of_deals([0.5, 0.5], [8_000, 4_000])
    >>> comp.simulate(plan, sales=deals, quota="10000")
    CostDistribution('ae': 1 rep costs 650 USD on average, sd 517.2; exact)
    """
    check_choice("method", method, ("auto", "exact", "draws"))
    faults: list[Problem] = []
    if (attainment is None) == (sales is None):
        message, hint = "one of them is given", "attainment=comp.Normal(mean=0.95, sd=0.25), say"
        faults.append(Problem(path="attainment, sales", message=message, hint=hint))
    for name, value in (("n_reps", n_reps), ("n_draws", n_draws)):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_DRAWS:
            message = f"is a whole number from 1 to {_MOST_DRAWS:,}"
            faults.append(Problem(path=name, message=message, values=(repr(value),)))
    spans = None if periods is None else tuple(periods)
    is_one = spans is None or len(spans) <= 1
    if method == "exact" and not is_one:
        hint = "write method='draws'"
        message = "several periods are not exact"
        faults.append(Problem(path="method", message=message, values=("'exact'",), hint=hint))
    raise_all("simulate", faults)
    known: Decimal | int | str | None
    if sales is None:
        spread = _spread("attainment", attainment)
        known = _any_quota(plan) if quota is None else quota
    else:
        known = quota
        spread = _scaled(
            _spread("sales", sales), _NOMINAL if quota is None else _goal(plan, quota) / _unit(plan)
        )
    if method == "draws" or not is_one:
        return _drawn(plan, spread, known, n_reps, spans, n_draws, generator(rng))
    return _exact(plan, spread, known, n_reps)


def _spread(argument: str, given: object) -> Attainment:
    if isinstance(given, (Normal, Lognormal, Uniform, Empirical)):
        return given
    values: Any = None
    if isinstance(given, (list, tuple, np.ndarray, pd.Series)):
        values = given
    else:
        ask: Any = getattr(given, "ppf", None) or getattr(given, "quantile", None)
        if callable(ask):
            values = np.maximum(np.asarray(ask((np.arange(_PARTS) + 0.5) / _PARTS), dtype=np.float64), 0.0)
    if values is None:
        hint = "pass Normal, Lognormal, Uniform, Empirical, a list of what was seen, or what gives quantiles"
        raise refuse(argument, "is no distribution", type(given).__name__, hint=hint)
    return Empirical(values=[float(value) for value in values])  # type: ignore[arg-type]  # read by the codec


def _scaled(spread: Attainment, quota: float) -> Attainment:
    """Turn amounts into attainment."""
    if isinstance(spread, Empirical):
        return attrs.evolve(spread, values=tuple(value / quota for value in spread.values))
    if isinstance(spread, Uniform):
        return Uniform(low=spread.low / quota, high=spread.high / quota)
    return attrs.evolve(spread, mean=spread.mean / quota, sd=spread.sd / quota)


def _any_quota(plan: CompPlan) -> str:
    """Take some quota where pay hangs on attainment alone."""
    curves = [payout_curve(plan, quota=str(k * _NOMINAL), up_to=str(2 * k * _NOMINAL)) for k in (1, 3)]
    at = (np.arange(_LOOKS) + _OFF_POINTS) / _LOOKS
    pays = [np.interp(at, curve.credited / curve.credited[-1], curve.payout) for curve in curves]
    if np.abs(pays[0] - pays[1]).max() > 1:
        hint = "give the quota of one period in major units, or sales= in place of attainment"
        raise refuse(
            "quota", "this plan pays on amounts: what 100 % attainment is, is needed", None, hint=hint
        )
    return str(_NOMINAL)


def _unit(plan: CompPlan) -> int:
    unit: int = 10 ** EXPONENTS.get(plan.currency or "", 2)
    return unit


def _goal(plan: CompPlan, quota: object) -> int:
    if quota is None:
        return _NOMINAL * _unit(plan)
    goal = money.parse_one(quota, EXPONENTS.get(plan.currency or "", 2))
    if isinstance(goal, tuple):
        raise refuse("quota", goal[0], quota, hint=goal[1])
    if goal <= 0:
        raise refuse("quota", "is an amount above 0", quota)
    return goal


def _exact(
    plan: CompPlan, spread: Attainment, quota: Decimal | int | str | None, n_reps: int
) -> CostDistribution:
    """Integrate the payout curve against the distribution, line by line."""
    goal, unit = _goal(plan, quota), _unit(plan)
    end = -(-goal * max(math.ceil(top(spread) * 100 - 1e-9), 1) // 100)
    text = money.format_minor(end, EXPONENTS.get(plan.currency or "", 2))
    curve = payout_curve(plan, quota=quota, up_to=text)
    at, pays = curve.credited / goal, curve.payout / unit
    if isinstance(spread, Empirical):
        values, chances = shares(spread)
        paid = np.interp(values, at, pays)
        mean = float(paid @ chances)
        variance = float(((paid - mean) ** 2) @ chances)
        return CostDistribution(
            plan_id=plan.plan_id, currency=plan.currency, method="exact", mean=mean, sd=math.sqrt(variance),
            n_reps=n_reps, _low=values, _high=values, _from=paid, _to=chances, _attainment=spread,
        )  # fmt: skip
    low, high, slope = at[:-1], at[1:], np.diff(pays) / np.diff(at)
    parts = below(spread, high), below(spread, low)
    mass, first, second = (one - other for one, other in zip(*parts, strict=True))
    base = pays[:-1] - slope * low
    at_zero = float(below(spread, np.zeros(1)).mass[0])
    mean = float((base * mass + slope * first).sum()) + at_zero * float(pays[0])
    base, slope0 = base - mean, slope
    spread_of = (base**2 * mass + 2 * base * slope0 * first + slope0**2 * second).sum()
    variance = float(spread_of) + at_zero * (float(pays[0]) - mean) ** 2
    return CostDistribution(
        plan_id=plan.plan_id, currency=plan.currency, method="exact", mean=mean,
        sd=math.sqrt(max(variance, 0.0)), n_reps=n_reps, _low=low, _high=high, _from=pays[:-1], _to=pays[1:],
        _attainment=spread,
    )  # fmt: skip


def _drawn(
    plan: CompPlan,
    spread: Attainment,
    quota: Decimal | int | str | None,
    n_reps: int,
    periods: tuple[Period, ...] | None,
    n_draws: int,
    rng: np.random.Generator,
) -> CostDistribution:
    """Pay draws of attainment by the engine, each draw a rep of its own."""
    goal, unit = _goal(plan, quota), _unit(plan)
    places = EXPONENTS.get(plan.currency or "", 2)
    n_periods = 1 if periods is None else len(periods)
    attained = draw(spread, rng, (n_draws, n_periods))
    minor = np.rint(attained * goal).astype(np.int64).reshape(-1)
    rep = np.repeat(np.arange(n_draws), n_periods)
    credits: dict[str, Any] = {
        "credit_id": np.arange(len(rep)),
        "rep_id": rep,
        "amount": money.format_column(minor, np.ones_like(minor), places),
        "currency": [plan.currency or "USD"] * len(rep),
        "measure": [measure_of(plan)] * len(rep),
    }
    if periods is not None:
        credits["earned_on"] = np.tile([np.datetime64(period.start) for period in periods], n_draws)
    reps = np.arange(n_draws)
    goals = {"rep_id": reps, "amount": [money.format_minor(goal, places)] * n_draws}
    run = calculate(plan, credits, quotas=None if quota is None else goals, periods=periods)
    frame = run.payouts()
    paid = (
        frame.groupby("rep_id")["earned"].sum().reindex(reps, fill_value=0).to_numpy(dtype=np.float64) / unit
    )
    return CostDistribution(
        plan_id=plan.plan_id, currency=plan.currency, method="draws", mean=float(paid.mean()),
        sd=float(paid.std(ddof=1)) if n_draws > 1 else 0.0, n_reps=n_reps, _low=paid, _high=paid,
        _from=paid, _to=np.full(n_draws, 1 / n_draws),
    )  # fmt: skip
