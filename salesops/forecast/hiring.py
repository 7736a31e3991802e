"""How many to hire for a target, and whom to hire when at least cost: exact answers with their proof."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pandas as pd

from salesops import _display
from salesops._faults import count
from salesops._frames import jsonable

__all__ = ["HiresNeeded", "HiringPlan"]


@attrs.frozen(kw_only=True)
class HiresNeeded:
    """The fewest hires that reach a target: from :meth:`Capacity.hires_needed`.

    Attributes
    ----------
    n : int
        Hires, beside those already planned.
    target : float
    starts_on : date
    role : str or None
    asked : float or None
        Probability that was asked for; None for the expectation.
    expected : float
        Expected capacity with the hires.
    probability : float
        With which the target is then reached.
    probability_of_one_less : float
        The same with one hire less: why fewer are not enough. NaN if none is needed.

    Examples
    --------
    >>> from salesops import forecast
    >>> plan = forecast.capacity(2, productivity=10, as_of="2026-01-01")
    >>> plan.hires_needed(300)
    HiresNeeded(1 from 2026-01-01, 360 expected, target 300 reached with probability 1)
    """

    n: int
    target: float
    starts_on: dt.date
    role: str | None
    asked: float | None
    expected: float
    probability: float
    probability_of_one_less: float

    def explain(self) -> str:
        """Say in words why this many.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.capacity(2, productivity=10, as_of="2026-01-01").hires_needed(100).explain()
        'No further hire is needed: 240 is expected and the target of 100 is reached with probability 1.'
        """
        chance = _display.number(self.probability, 3)
        if not self.n:
            return (
                f"No further hire is needed: {_display.number(self.expected)} is expected and the target of "
                f"{_display.number(self.target)} is reached with probability {chance}."
            )
        return (
            f"With {count(self.n, 'hire')} from {self.starts_on}, {_display.number(self.expected)} is "
            f"expected and {_display.number(self.target)} is reached with probability {chance}; with one "
            f"less, with probability {_display.number(self.probability_of_one_less, 3)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> forecast.capacity(2, productivity=10, as_of="2026-01-01").hires_needed(100).to_dict()["n"]
        0
        """
        return {str(name): jsonable(value) for name, value in attrs.asdict(self).items()}

    def __repr__(self) -> str:
        return (
            f"HiresNeeded({self.n} from {self.starts_on}, {self.expected:,.0f} expected, target "
            f"{self.target:,.0f} reached with probability {_display.number(self.probability, 3)})"
        )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HiringPlan:
    """Whom to hire when at least cost: from :meth:`Capacity.cheapest_hires`.

    Attributes
    ----------
    cost : float
        Cost of the hires.
    bound : float
        What any plan that reaches the target costs at least.
    expected : float
        Expected capacity over the horizon with the hires.
    probability : float or None
        With which the target is reached, if that was asked for.
    n_tried : int
        Plans whose probability was computed, if that was asked for.
    options : DataFrame
        The options with the number of hires of each.
    reached : DataFrame
        Each target beside what is reached.

    Examples
    --------
    >>> from salesops import forecast
    >>> plan = forecast.capacity(2, productivity=10, as_of="2026-01-01")
    >>> plan.cheapest_hires(300, [{"starts_on": "2026-07-01", "cost": 5}])
    HiringPlan(1 hire for 5, proven least cost)
    """

    cost: float
    bound: float
    expected: float
    probability: float | None
    n_tried: int
    options: pd.DataFrame
    reached: pd.DataFrame

    @property
    def is_optimal(self) -> bool:
        """Whether no plan costs less, as proven by the bound."""
        return self.cost - self.bound <= 1e-6 * max(1.0, abs(self.cost))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each option.

        Returns
        -------
        DataFrame
            starts_on, role, cost_of_one (all it costs over the horizon), brings (what one hire is expected to
            bring), n, cost.

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(2, productivity=10, as_of="2026-01-01")
        >>> best = plan.cheapest_hires(300, [{"starts_on": "2026-07-01", "cost": 5}])
        >>> best.to_frame()[["brings", "n", "cost"]].values.tolist()
        [[60.0, 1.0, 5.0]]
        """
        return self.options.copy()

    def explain(self) -> str:
        """Say in words what is hired and why nothing cheaper does.

        Returns
        -------
        str

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(2, productivity=10, as_of="2026-01-01")
        >>> print(plan.cheapest_hires(300, [{"starts_on": "2026-07-01", "cost": 5}]).explain())
        - 1 hire from 2026-07-01: 5, each expected to bring 60
        the horizon: 300 reached, 300 asked for
        Any plan that reaches the targets costs at least 5.
        """
        lines = [
            f"- {count(row['n'], 'hire')} from {row['starts_on'].date()}"
            + ("" if row["role"] is None else f" ({row['role']})")
            + f": {_display.number(row['cost'])}, each expected to bring {_display.number(row['brings'])}"
            for row in self.options.to_dict("records")
            if row["n"]
        ] or ["No hire is needed."]
        lines += [
            f"{row['period']}: {_display.number(row['reached'])} reached, "
            f"{_display.number(row['target'])} asked for"
            for row in self.reached.to_dict("records")
        ]
        if self.probability is not None:
            lines.append(f"The target is reached with probability {_display.number(self.probability)}.")
        return "\n".join(
            [*lines, f"Any plan that reaches the targets costs at least {_display.number(self.bound)}."]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> plan = forecast.capacity(2, productivity=10, as_of="2026-01-01")
        >>> plan.cheapest_hires(300, [{"starts_on": "2026-07-01", "cost": 5}]).to_dict()["cost"]
        5.0
        """
        return {
            "kind": "hiring_plan",
            "cost": self.cost,
            "bound": self.bound,
            "is_optimal": self.is_optimal,
            "expected": self.expected,
            "probability": self.probability,
            "options": jsonable(self.options),
            "reached": jsonable(self.reached),
        }

    def __repr__(self) -> str:
        proof = "proven least cost" if self.is_optimal else f"bound {self.bound:,.0f}"
        return f"HiringPlan({count(int(self.options['n'].sum()), 'hire')} for {self.cost:,.0f}, {proof})"

    def _repr_html_(self) -> str:
        facts = {"cost": _display.number(self.cost), "bound": _display.number(self.bound)}
        tables = [("options", self.options), ("targets", self.reached)]
        return _display.html_card("Cheapest hires", facts, tables)
