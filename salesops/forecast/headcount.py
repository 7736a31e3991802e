"""What a capacity plan answers: the expectation, the distribution, and the hires that a target needs."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._faults import closest, refuse
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.errors import InternalError, InvalidInput, Problem, show
from salesops.forecast._hire_search import cheapest, needed
from salesops.forecast._laws import Law
from salesops.forecast._staffing import Staffing
from salesops.forecast.hiring import HiresNeeded, HiringPlan
from salesops.models import Period

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Capacity"]

Floats = npt.NDArray[np.float64]
Number = int | float | Decimal | Fraction


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Capacity:
    """What a team can sell: from :func:`~salesops.forecast.capacity`.

    Attributes
    ----------
    periods : tuple of Period
        Periods of the horizon.
    months : tuple of Period
        Its months.
    expected : float
        Expected amount over the horizon.
    sd : float
        Its standard deviation.
    n_reps : int
        Reps who are there or signed.
    level : float
        Level of the intervals shown.
    staffing, laws
        The numbers behind it, for the library.

    Examples
    --------
    >>> from salesops import forecast
    >>> plan = forecast.capacity(10, productivity=[50, 150], attrition=0.2, as_of="2026-01-01", months=3)
    >>> round(plan.expected, 1), plan.is_exact
    (2945.1, True)
    """

    periods: tuple[Period, ...]
    months: tuple[Period, ...]
    expected: float
    sd: float
    n_reps: int
    level: float
    staffing: Staffing
    laws: tuple[Law, ...]

    @property
    def is_exact(self) -> bool:
        """Whether every distribution is exact, up to rounding of floats; else they stand on a fine grid."""
        return all(law.is_exact for law in self.laws)

    def quantile(self, q: float, period: str | None = None) -> float:
        """Give the amount that capacity stays at or below with probability `q`.

        Parameters
        ----------
        q : float
            Between 0 and 1.
        period : str, optional
            Name of a period; default: the whole horizon.

        Returns
        -------
        float

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(10, productivity=100, attrition=0.2, as_of="2026-01-01")
        >>> round(plan.quantile(0.1), 6)
        9700.0
        """
        if isinstance(q, bool) or not isinstance(q, (int, float)) or not 0.0 <= q <= 1.0:
            raise refuse("q", "is between 0 and 1", q)
        return self.laws[self._place(period)].quantile(float(q))

    def probability_of(self, target: Number, period: str | None = None) -> float:
        """Give the probability that capacity reaches a target.

        Parameters
        ----------
        target : number
            An amount.
        period : str, optional
            Name of a period; default: the whole horizon.

        Returns
        -------
        float

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(10, productivity=100, attrition=0.2, as_of="2026-01-01")
        >>> round(plan.probability_of(11_000), 3), plan.probability_of(12_001)
        (0.51, 0.0)
        """
        return self.laws[self._place(period)].at_least(amount("target", target))

    def hires_needed(
        self,
        target: Number,
        *,
        probability: float | None = None,
        starts_on: dt.date | str | None = None,
        role: str | None = None,
        period: str | None = None,
    ) -> HiresNeeded:
        """Find the fewest further hires with which the team reaches a target.

        Parameters
        ----------
        target : number
            An amount.
        probability : float, optional
            With which it is to be reached; default: the expectation is to reach it.
        starts_on : date or ISO text, optional
            When they start; default: with the horizon.
        role : str, optional
        period : str, optional
            Name of the period the target is for; default: the whole horizon.

        Returns
        -------
        HiresNeeded

        Raises
        ------
        Infeasible
            If no number of hires is enough, because they start or ramp too late.

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(
        ...     10, productivity=100, ramp=[0, 0.5, 1], attrition=0.2, as_of="2026-01-01"
        ... )
        >>> need = plan.hires_needed(12_500, probability=0.9, starts_on="2026-03-01")
        >>> need.n, round(need.probability, 3), round(need.probability_of_one_less, 3)
        (4, 0.923, 0.776)
        """
        place = self._place(period)
        return needed(
            self.staffing, self.months, place, amount("target", target), probability, starts_on, role
        )

    def cheapest_hires(
        self,
        target: Number | Mapping[str, Number],
        options: object,
        *,
        probability: float | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> HiringPlan:
        """Find whom to hire when, so that a target is reached at least cost, with proof.

        Parameters
        ----------
        target : number or mapping of period name to number
            An amount for the horizon, or amounts for some periods.
        options : table
            One row for each way to hire: starts_on, cost (once for each hire), and if wanted role,
            monthly_cost (for each month that the rep is expected to be there), max_hires.
        probability : float, optional
            With which the target for the horizon is to be reached; default: expectations are to reach it.
        columns : mapping, optional
            ``{"name in your table": "name here"}``.

        Returns
        -------
        HiringPlan
            With the least cost that any plan could have (:attr:`HiringPlan.bound`).

        Raises
        ------
        Infeasible
            If the options together cannot reach the target, by how much in which period.

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(10, productivity=100, ramp=[0, 0.5, 1], as_of="2026-01-01")
        >>> options = [
        ...     {"starts_on": "2026-01-01", "cost": 1000, "max_hires": 1},
        ...     {"starts_on": "2026-06-01", "cost": 700},
        ... ]
        >>> best = plan.cheapest_hires(14_000, options)
        >>> best.to_frame()["n"].tolist(), best.cost, best.is_optimal
        ([1, 2], 2400.0, True)
        """
        targets = (
            {self._place(name): amount(f"target[{name!r}]", value) for name, value in target.items()}
            if isinstance(target, Mapping)
            else {-1: amount("target", target)}
        )
        names = {k: period.name for k, period in enumerate(self.periods)} | {-1: "the horizon"}
        return cheapest(self.staffing, self.months, names, targets, options, probability, columns)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each period, and one for the whole horizon.

        Returns
        -------
        DataFrame
            period, starts_on, ends_on (first day after it), heads (mean over its months), ramped_months
            (months of a fully ramped rep), expected, sd, lower, upper.

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(2, productivity=100, as_of="2026-01-01", months=2)
        >>> plan.to_frame()[["period", "heads", "ramped_months", "expected"]].values.tolist()
        [['2026-01', 2.0, 2.0, 200.0], ['2026-02', 2.0, 2.0, 200.0], ['total', 2.0, 4.0, 400.0]]
        """
        heads, full, made = (array.sum(axis=0) for array in self.staffing.expected())
        tail = (1.0 - self.level) / 2
        return pd.DataFrame(
            {
                "period": [*(period.name for period in self.periods), "total"],
                "starts_on": pd.to_datetime([*(p.start for p in self.periods), self.months[0].start]),
                "ends_on": pd.to_datetime([*(p.end for p in self.periods), self.months[-1].end]),
                "heads": heads / self.staffing.spans.sum(axis=1),
                "ramped_months": full,
                "expected": made,
                "sd": [law.sd for law in self.laws],
                "lower": [law.quantile(tail) for law in self.laws],
                "upper": [law.quantile(1.0 - tail) for law in self.laws],
            }
        )

    def by_seat(self) -> pd.DataFrame:
        """Return what each kind of seat is expected to bring in each period.

        Returns
        -------
        DataFrame
            seats (who they are), kind (rep, hire, open seat), role, n, period, heads, ramped_months,
            expected.

        Examples
        --------
        >>> from salesops import forecast
        >>> hires = [{"starts_on": "2026-02-01", "n": 2}]
        >>> plan = forecast.capacity(1, hiring=hires, productivity=10, as_of="2026-01-01", months=2)
        >>> plan.by_seat()[["seats", "n", "period", "expected"]].values.tolist()[2:]
        [['rep', 1, '2026-01', 10.0], ['rep', 1, '2026-02', 10.0]]
        """
        heads, full, made = self.staffing.expected()
        months = self.staffing.spans.sum(axis=1)
        rows = [
            {
                "seats": seats.label if seats.kind == "rep" else f"{seats.kind} {seats.label}",
                "kind": seats.kind,
                "role": seats.role.name,
                "n": seats.n,
                "period": period.name,
                "heads": heads[k, p] / months[p],
                "ramped_months": full[k, p],
                "expected": made[k, p],
            }
            for k, seats in enumerate(self.staffing.seats)
            for p, period in enumerate(self.periods)
        ]
        names = ["seats", "kind", "role", "n", "period", "heads", "ramped_months", "expected"]
        return pd.DataFrame(rows, columns=names)

    def explain(self, period: str | None = None) -> str:
        """Say in words how the expectation of a period comes about.

        Parameters
        ----------
        period : str, optional
            Name of a period; default: the whole horizon.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> hires = [{"starts_on": "2026-02-01", "n": 2}]
        >>> plan = forecast.capacity(
        ...     5, hiring=hires, productivity=10, ramp=[0, 1], attrition=0.3, as_of="2026-01-01"
        ... )
        >>> print(plan.explain("2026-03"))
        2026-03: 66.5 expected, 80 % between 60 and 70; standard deviation 5.73.
        - 2 hired for 2026-02-01: 1.94 heads, 1.94 ramped months, 19.4
        - 5 reps, there or signed: 4.71 heads, 4.71 ramped months, 47.1
        What one head brings: 10 a month when ramped. Reps leave at 0.0293 a month.
        """
        place = self._place(period)
        frame = self.to_frame().iloc[place]
        heads, full, made = self.staffing.expected()
        months = self.staffing.spans.sum(axis=1)[place]
        parts: dict[str, Floats] = {}
        for k, seats in enumerate(self.staffing.seats):
            named = {
                "rep": "reps, there or signed",
                "hire": f"hired for {seats.label}",
                "open seat": f"seats opened on {seats.label}",
            }[seats.kind]
            row = np.array([seats.n, heads[k, place] / months, full[k, place], made[k, place]])
            parts[named] = parts.get(named, np.zeros(4)) + row
        lines = [
            f"{frame['period']}: {_show(frame['expected'])} expected, {100 * self.level:g} % between "
            f"{_show(frame['lower'])} and {_show(frame['upper'])}; standard deviation {_show(frame['sd'])}."
        ]
        for named in sorted(parts):
            n, head, ramped, brings = parts[named].tolist()
            lines.append(
                f"- {int(n)} {named}: {_show(head)} heads, {_show(ramped)} ramped months, {_show(brings)}"
            )
        for role in self.staffing.roles:
            who = "" if role.name is None else f" ({role.name})"
            lines.append(
                f"What one head brings{who}: {_show(role.productivity.mean)} a month when ramped. "
                f"Reps leave at {_display.number(role.leaving, 3)} a month."
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.capacity(2, productivity=100, as_of="2026-01-01", months=2).to_dict()["expected"]
        400.0
        """
        return {
            "kind": "capacity",
            "version": __version__,
            "expected": self.expected,
            "sd": self.sd,
            "level": self.level,
            "n_reps": self.n_reps,
            "is_exact": self.is_exact,
            "market_sd": self.staffing.market_sd,
            "roles": [attrs.asdict(role) for role in self.staffing.roles],
            "periods": jsonable(self.to_frame()),
            "seats": jsonable(self.by_seat()),
        }

    def __repr__(self) -> str:
        tail = (1.0 - self.level) / 2
        law = self.laws[-1]
        return (
            f"Capacity({self.expected:,.0f} expected, {100 * self.level:g} % between "
            f"{law.quantile(tail):,.0f} and {law.quantile(1.0 - tail):,.0f}, "
            f"{self.periods[0].name} to {self.periods[-1].name})"
        )

    def _repr_html_(self) -> str:
        facts = {
            "expected": _show(self.expected),
            "standard deviation": _show(self.sd),
            "reps there or signed": self.n_reps,
            "seats to fill": sum(seats.n for seats in self.staffing.seats if seats.kind != "rep"),
        }
        how = "exact" if self.is_exact else "on a fine grid that keeps mean, variance and skewness"
        note = f"Distributions are {how}; lower and upper hold {100 * self.level:g} %."
        return _display.html_card("Capacity", facts, [("periods", self.to_frame())], notes=[note])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw expected capacity by period with its band, split into reps and hires.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure otherwise.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.capacity(2, productivity=100, as_of="2026-01-01").plot().get_ylabel()
        'capacity'
        """
        from salesops.forecast import _pictures

        return _pictures.capacity(self.to_frame(), self.by_seat(), self.level, ax=ax)

    def _place(self, period: object) -> int:
        if period is None:
            return -1
        names = [one.name for one in self.periods]
        if period in names:
            return names.index(str(period))
        fault = Problem(
            path="period",
            message="is not a period of this plan",
            values=(show(period),),
            hint=f"periods are {', '.join(names[:12])}",
            suggestions=closest(period, names),
        )
        raise InvalidInput("period: 1 problem", [fault])


def _show(value: float) -> str:
    return _display.number(float(value), 3) if abs(value) < 1000 else f"{value:,.0f}"


def amount(argument: str, value: object) -> float:
    """Take a finite amount, 0 or more."""
    fits = isinstance(value, (int, float, Decimal, Fraction, np.number)) and not isinstance(value, bool)
    if not fits or not math.isfinite(float(value)) or float(value) < 0:  # type: ignore[arg-type]
        raise refuse(argument, "is a finite number, 0 or more", value)
    return float(value)  # type: ignore[arg-type]  # a number


def capacity_of(
    staffing: Staffing, periods: tuple[Period, ...], months: tuple[Period, ...], n_reps: int, level: float
) -> Capacity:
    """Compute the laws and check them against the closed form of the expectation."""
    laws = (*(staffing.law(k) for k in range(len(periods))), staffing.law(-1))
    expected = staffing.expected()[2].sum(axis=0)
    scale = max(float(expected[-1]), 1e-300)
    for law, due in zip(laws, expected.tolist(), strict=True):
        if abs(law.mean - due) > 1e-6 * scale:
            raise InternalError(f"capacity: the law has mean {law.mean!r}, {due!r} was due")
    return Capacity(
        periods=periods,
        months=months,
        expected=float(expected[-1]),
        sd=laws[-1].sd,
        n_reps=n_reps,
        level=level,
        staffing=staffing,
        laws=laws,
    )
