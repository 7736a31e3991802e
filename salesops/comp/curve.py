"""The payout curve of a plan: what each credited amount pays, thresholds, jumps and caps exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import _money as money
from salesops._display import html_card
from salesops._faults import raise_all, refuse
from salesops._frames import jsonable
from salesops._money import EXPONENTS, IntArray
from salesops.comp import plot as _plot
from salesops.comp._lines import ARRAY, DEAL_CAP, RULES
from salesops.comp.bonuses import Bonus
from salesops.comp.components import Commission, Override
from salesops.comp.conditions import Gate, Multiplier
from salesops.comp.engine import calculate
from salesops.comp.plan import CompPlan
from salesops.comp.statement import money_text
from salesops.errors import Problem, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PayoutCurve", "payout_curve"]

_BEYOND = Fraction(3, 2)
_SLACK = 1e-6
_LOOKS = (0.29, 0.5, 0.73)


@attrs.frozen(kw_only=True, repr=False)
class PayoutCurve:
    """What a plan pays one rep for a credited amount, in one period; made by :func:`payout_curve`.

    Between two points the payout is a straight line but for rounding, and for a millionth of the greatest
    payout where pay is curved (an interpolated multiplier of tiers); at a jump two points stand one minor
    unit apart.

    Parameters
    ----------
    plan_id : str
    credited : ndarray of int64, shape (n_points,)
        Minor units, rising.
    payout : ndarray of int64, shape (n_points,)
        Minor units.
    quota : int, optional
        Minor units.
    currency : str, optional

    Examples
    --------
    >>> tiers = [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.08"}]
    >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
    >>> payout_curve(plan, up_to="20000")
    PayoutCurve('ae': 0.00 to 20,000.00 USD credited pay 0.00 to 1,300.00 USD; 5 points)
    """

    plan_id: str
    credited: IntArray = attrs.field(**ARRAY)
    payout: IntArray = attrs.field(**ARRAY)
    quota: int | None = None
    currency: str | None = None

    def __repr__(self) -> str:
        low, least = self._text(self.credited[0]), self._text(self.payout.min())
        high, most = (money_text(int(top), self.currency) for top in (self.credited[-1], self.payout.max()))
        points = f"{len(self.payout)} points"
        return f"PayoutCurve({self.plan_id!r}: {low} to {high} credited pay {least} to {most}; {points})"

    @property
    def _places(self) -> int:
        return EXPONENTS.get(self.currency or "", 2)

    def _text(self, minor: Any) -> str:
        return money.format_minor(int(minor), self._places, thousands=True)

    def _repr_html_(self) -> str:
        table = pd.DataFrame(
            {
                "credited": [self._text(minor) for minor in self.credited],
                "payout": [self._text(minor) for minor in self.payout],
            }
        )
        return html_card(f"Payout curve of {self.plan_id}", {"points": len(table)}, [("Points", table)])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def to_frame(self) -> pd.DataFrame:
        """Give the points.

        Returns
        -------
        DataFrame
            ``credited, payout`` in minor units, and ``attainment`` as a float where there is a quota.

        Examples
        --------
        >>> tiers = [{"from": "0", "rate": "0.05"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> payout_curve(plan, up_to="100").to_frame()
           credited  payout
        0         0       0
        1     10000     500
        """
        frame = pd.DataFrame({"credited": self.credited.copy(), "payout": self.payout.copy()})
        return frame if self.quota is None else frame.assign(attainment=self.credited / self.quota)

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types; amounts are minor units.

        Returns
        -------
        dict

        Examples
        --------
        >>> tiers = [{"from": "0", "rate": "0.05"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> payout_curve(plan, up_to="100").to_dict()["points"][1]
        {'credited': 10000, 'payout': 500}
        """
        points = jsonable(self.to_frame()[["credited", "payout"]])
        return {"plan_id": self.plan_id, "currency": self.currency, "quota": self.quota, "points": points}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        MissingExtra
            If matplotlib is not installed.

        Examples
        --------
        >>> tiers = [{"from": "0", "rate": "0.05"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> payout_curve(plan, up_to="100").plot().get_title()
        'What ae pays'
        """
        return _plot.payout_curve(
            self.plan_id,
            self.credited,
            self.payout,
            self._places,
            quota=self.quota,
            currency=self.currency,
            ax=ax,
        )


def payout_curve(
    plan: CompPlan,
    *,
    quota: Decimal | int | str | None = None,
    up_to: Decimal | int | str | None = None,
    measure: str | None = None,
) -> PayoutCurve:
    """Work out what one rep is paid in one period for every credited amount.

    The amount is credited as one deal. Every threshold, jump, cap, guarantee, gate and step of a multiplier
    below `up_to` is a point of the curve, exact to the minor unit.

    Parameters
    ----------
    plan : CompPlan
    quota : Decimal, int or str, optional
        In major units; needed if a component pays by attainment.
    up_to : Decimal, int or str, optional
        Last credited amount, in major units. Default: half as much again as the quota or the last threshold,
        whichever is larger.
    measure : str, optional
        What is credited, where components name measures; those of other measures pay nothing.

    Returns
    -------
    PayoutCurve

    Raises
    ------
    InvalidInput
        If a quota, a measure or an end of the curve is needed and not given.

    Examples
    --------
    >>> plan = CompPlan.from_dict(
    ...     {
    ...         "schema_version": 1,
    ...         "plan_id": "ae",
    ...         "currency": "USD",
    ...         "style": "whole_amount",
    ...         "tiers": [{"from": "0", "rate": "0.05"}, {"from": "10000", "rate": "0.10"}],
    ...     }
    ... )
    >>> payout_curve(plan).to_frame()
       credited  payout
    0         0       0
    1    999999   50000
    2   1000000  100000
    3   1000001  100000
    4   1500000  150000
    """
    if not isinstance(plan, CompPlan):
        raise refuse("plan", "is not a CompPlan", type(plan).__name__)
    currency = plan.currency
    places = EXPONENTS.get(currency or "", 2)
    faults: list[Problem] = []
    goal = None if quota is None else _amount("quota", quota, places, faults)
    end = None if up_to is None else _amount("up_to", up_to, places, faults)
    if goal is None and quota is None and any(_on_quota(part) for part in plan.components):
        hint = "pass quota= in major units"
        faults.append(Problem(path="quota", message="the plan pays by attainment and needs one", hint=hint))
    _check_measure(plan, measure, faults)
    raise_all("payout_curve", faults)
    parts = [part for part in _counting(plan) if measure is None or part.measure in (None, measure)]
    thresholds = [point for part in parts for point in _thresholds(part, places, goal)]
    thresholds += _gauged(plan, places, goal)
    top = min((point for part in parts for point in _tops(part, places, goal)), default=None)
    if end is None:
        end = int(_BEYOND * max([*thresholds, Fraction(goal or 0)]))
        end = end if top is None else min(end, int(top))
    elif top is not None and end > top:
        raise refuse("up_to", "lies above the last tier", up_to, hint='add a tier, or leave out its "to"')
    if end <= 0:
        raise refuse("up_to", "the plan has no threshold to reach, so the curve needs an end", up_to)
    near = {int(point) + step for point in thresholds for step in (-1, 0, 1) if point}
    points = np.array(sorted({0, end} | {point for point in near if 0 < point < end}), dtype=np.int64)
    credited, payout = _with_kinks(plan, points, goal, measure)
    return PayoutCurve(plan_id=plan.plan_id, credited=credited, payout=payout, quota=goal, currency=currency)


def _counting(plan: CompPlan) -> list[Commission | Bonus]:
    """List the commissions and bonuses that count the rep's own credits."""
    return [
        part
        for part in plan.components
        if (isinstance(part, Commission) and not isinstance(part, Override))
        or (isinstance(part, Bonus) and part.metric is None)
    ]


def _on_quota(part: object) -> bool:
    """Say whether a component needs a quota."""
    by_figure = getattr(part, "metric", None) is not None or getattr(part, "field", None) is not None
    return getattr(part, "basis", None) == "attainment" and not by_figure and not isinstance(part, Override)


def _amount(path: str, value: object, places: int, faults: list[Problem]) -> int | None:
    minor = money.parse_one(value, places)
    if isinstance(minor, int) and minor > 0:
        return minor
    message, hint = ("must be more than 0", None) if isinstance(minor, int) else minor
    faults.append(Problem(path=path, message=message, values=(show(value),), hint=hint))
    return None


def _check_measure(plan: CompPlan, measure: str | None, faults: list[Problem]) -> None:
    named = sorted({part.measure for part in _counting(plan) if part.measure is not None})
    if measure is None and len(named) > 1:
        hint = f"pass measure=, one of {', '.join(map(repr, named))}"
        faults.append(Problem(path="measure", message="the plan counts several measures", hint=hint))
    if measure is not None and named and measure not in named:
        message = "no component of the plan counts it"
        faults.append(Problem(path="measure", message=message, values=(show(measure),)))


def _thresholds(part: Commission | Bonus, places: int, quota: int | None) -> list[Fraction]:
    starts = [row.start for row in (part.tiers if isinstance(part, Commission) else part.table)]
    unit = Fraction(quota or 0) if part.basis == "attainment" else Fraction(10**places)
    return [Fraction(start) * unit for start in starts]


def _gauged(plan: CompPlan, places: int, quota: int | None) -> list[Fraction]:
    """Give where multipliers change, gates open, and conditions on the amount begin or cease to hold."""
    found = []
    for part in plan.components:
        starts: list[Decimal] = []
        if isinstance(part, (Multiplier, Gate)) and part.metric is None:
            rows = [row.start for row in part.table] if isinstance(part, Multiplier) else [part.at_least]
            unit = Fraction(quota or 0) if part.basis == "attainment" else Fraction(10**places)
            found += [Fraction(start) * unit for start in rows]
        for match in getattr(part, "where", ()):
            starts += [each for each in (match.at_least, match.below) if match.field == "amount" and each]
        found += [Fraction(start) * 10**places for start in starts]
    return found


def _tops(part: Commission | Bonus, places: int, quota: int | None) -> list[Fraction]:
    """Give the end of the last tier, if it has one."""
    end = part.tiers[-1].end if isinstance(part, Commission) else None
    unit = Fraction(quota or 0) if part.basis == "attainment" else Fraction(10**places)
    return [] if end is None else [Fraction(end) * unit]


def _with_kinks(
    plan: CompPlan, points: IntArray, quota: int | None, measure: str | None
) -> tuple[IntArray, IntArray]:
    """Add the points at which a cap or guarantee begins or ceases to hold, found by bisection."""
    payout, state = _pay(plan, points, quota, measure)
    low, high = points[:-1].copy(), points[1:].copy()
    below, above = state[:-1].copy(), state[1:].copy()
    while True:
        open_ = np.flatnonzero((below != above) & (high - low > 1))
        if not len(open_):
            break
        middle = (low[open_] + high[open_]) // 2
        _, found = _pay(plan, middle, quota, measure)
        same = found == below[open_]
        low[open_[same]] = middle[same]
        high[open_[~same]], above[open_[~same]] = middle[~same], found[~same]
    kinks = np.concatenate([low[below != above], high[below != above]])
    every = np.union1d(points, kinks)
    if len(every) > len(points):
        payout = _pay(plan, every, quota, measure)[0]
    # Tiers, points, caps and guarantees are all points already; what multiplies or asks may bend in between.
    if any(isinstance(part, (Multiplier, Gate)) or getattr(part, "where", ()) for part in plan.components):
        return _straightened(plan, every, payout, quota, measure)
    return every, payout


def _straightened(
    plan: CompPlan, points: IntArray, payout: IntArray, quota: int | None, measure: str | None
) -> tuple[IntArray, IntArray]:
    """Add points until the payout is a straight line between any two but for rounding.

    A product of two lines, such as of tiers and an interpolated multiplier, is a curve: what is left of it
    between two points is at most a millionth of the greatest payout.
    """
    slack = max(len(plan.components) + 2.0, _SLACK * float(np.abs(payout).max(initial=0)))
    more, paid = [points], [payout]
    low, high, least, most = points[:-1], points[1:], payout[:-1], payout[1:]
    while len(low):
        share = np.array(_LOOKS)
        inner = low[:, None] + ((high - low)[:, None] * share).astype(np.int64)
        found = _pay(plan, inner.ravel(), quota, measure)[0].reshape(inner.shape)
        way = (inner - low[:, None]) / (high - low)[:, None]
        bent = (np.abs(found - least[:, None] - (most - least)[:, None] * way) > slack).any(axis=1)
        more.append(inner[bent].ravel())
        paid.append(found[bent].ravel())
        at = np.column_stack([low[bent], inner[bent], high[bent]])
        pays = np.column_stack([least[bent], found[bent], most[bent]])
        wide = np.diff(at) > 1
        low, high, least, most = at[:, :-1][wide], at[:, 1:][wide], pays[:, :-1][wide], pays[:, 1:][wide]
    every, first = np.unique(np.concatenate(more), return_index=True)
    return _thinned(points, every, np.concatenate(paid)[first], slack)


def _thinned(points: IntArray, at: IntArray, pays: IntArray, slack: float) -> tuple[IntArray, IntArray]:
    """Leave out points that were added on the way and lie on the line between those that stay."""
    needed = np.isin(at, points)
    kept = [0]
    for k in range(1, len(at)):
        one, between = kept[-1], slice(kept[-1] + 1, k)
        way = (at[between] - at[one]) / (at[k] - at[one])
        if (np.abs(pays[between] - pays[one] - (pays[k] - pays[one]) * way) > slack / 4).any():
            kept.append(k - 1)
        if needed[k]:
            kept.append(k)
    return at[kept], pays[kept]


def _pay(
    plan: CompPlan, points: IntArray, quota: int | None, measure: str | None
) -> tuple[IntArray, NDArray[Any]]:
    """Pay each point to a rep of its own; say which caps and guarantees held there."""
    places = EXPONENTS.get(plan.currency or "", 2)
    n = len(points)
    reps = np.arange(n)
    named = [part.measure for part in _counting(plan) if part.measure is not None]
    table = {
        "credit_id": reps,
        "rep_id": reps,
        "amount": [money.format_minor(int(point), places) for point in points],
        "currency": [plan.currency or "USD"] * n,
        "measure": [measure or (named[0] if named else "amount")] * n,
    }
    quotas = None
    if quota is not None:
        quotas = {"rep_id": reps, "amount": [money.format_minor(quota, places)] * n}
    run = calculate(plan, table, quotas=quotas)
    lines = run._table  # noqa: SLF001  (the curve is made of runs and reads what they store)
    state = np.zeros(n, dtype=object)
    limits = np.flatnonzero(lines.rule >= DEAL_CAP)
    for rep, part, rule in zip(lines.rep[limits], lines.part[limits], lines.rule[limits], strict=True):
        state[rep] |= 1 << int(part * len(RULES) + rule)
    earned = run.payouts().set_index("rep_id")["earned"]
    return earned.reindex(reps, fill_value=0).to_numpy(dtype=np.int64), state
