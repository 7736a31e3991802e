"""Contracts that theory proposes, as frozen values that show themselves alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops._display import html_card, number
from salesops._faults import raise_all
from salesops._frames import jsonable
from salesops.errors import Problem, show

Floats = NDArray[np.float64]


@attrs.frozen(kw_only=True, repr=False)
class Figures:
    """What every contract of the design room can show.

    Examples
    --------
    >>> Figures().to_dict()
    {}
    """

    def _shown(self) -> dict[str, Any]:
        shown = {}
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            if isinstance(value, Fraction):
                value = float(value)
            shown[field.name] = jsonable(value)
        return shown

    def _flat(self) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for name, value in self._shown().items():
            if isinstance(value, list):
                flat |= {f"{name}[{k}]": item for k, item in enumerate(value)}
            else:
                flat[name] = value
        return flat

    def __repr__(self) -> str:
        parts = (
            f"{name}={number(value) if isinstance(value, float) else value}"
            for name, value in self._flat().items()
        )
        return f"{type(self).__name__}({', '.join(parts)})"

    def _repr_html_(self) -> str:
        return html_card(type(self).__name__, {name.replace("_", " "): v for name, v in self._flat().items()})

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def to_frame(self) -> pd.DataFrame:
        """Give the figures, one row for each.

        Returns
        -------
        DataFrame
            ``figure, value``.

        Examples
        --------
        >>> from salesops.comp import design
        >>> contract = design.linear_contract(margin=1, effectiveness=1, effort_cost=1, risk_aversion=1, sd=1)
        >>> contract.to_frame().head(1)
               figure  value
        0  commission    0.5
        """
        flat = self._flat()
        return pd.DataFrame({"figure": list(flat), "value": list(flat.values())})

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops.comp import design
        >>> design.linear_contract(margin=1, effectiveness=1, effort_cost=1, risk_aversion=1, sd=1).to_dict()[
        ...     "effort"
        ... ]
        0.5
        """
        return self._shown()


@attrs.frozen(kw_only=True, repr=False)
class LinearContract(Figures):
    """A salary and a commission rate; made by :func:`linear_contract`.

    Attributes
    ----------
    commission : float
        Share of sales.
    salary : float
        May be below 0 where the commission alone is worth more than the rep's other chances.
    effort, expected_sales, expected_pay, profit : float
        What follows from it.
    effort_without_risk : float
        What a rep who fears no risk would do: the first best.

    Examples
    --------
    >>> from salesops.comp import design
    >>> design.linear_contract(margin=0.5, effectiveness=4, effort_cost=2, risk_aversion=1, sd=2).commission
    0.3333333333333333
    """

    commission: float
    salary: float
    effort: float
    effort_without_risk: float
    expected_sales: float
    expected_pay: float
    profit: float


@attrs.frozen(kw_only=True, repr=False)
class TaskWeights(Figures):
    """Commission rates of several tasks; made by :func:`multitask_weights`.

    Attributes
    ----------
    weights : ndarray of float, shape (n_tasks,)
    efforts : ndarray of float, shape (n_tasks,)
    surplus : float
        What firm and rep gain together, risk and effort taken off.

    Examples
    --------
    >>> from salesops.comp import design
    >>> design.multitask_weights([1, 1], [[1, 0], [0, 1]], [[1, 0], [0, 3]], risk_aversion=1).weights
    array([0.5 , 0.25])
    """

    weights: Floats = attrs.field(eq=attrs.cmp_using(eq=np.array_equal))
    efforts: Floats = attrs.field(eq=attrs.cmp_using(eq=np.array_equal))
    surplus: float


@attrs.frozen(kw_only=True, repr=False)
class CurvedPlan(Figures):
    """Pay is the square of a line in sales, ``(a + b x) ** 2``; made by :func:`curved_plan`.

    Attributes
    ----------
    a, b : float
    effort : float
        What the rep does.
    shape : float
        Of the gamma distribution of sales.
    expected_sales, expected_pay, profit : float

    Examples
    --------
    >>> from salesops.comp import design
    >>> plan = design.curved_plan(
    ...     margin=1, effectiveness=10, effort_cost=1, base_sales=20, shape=4, reservation=4, effort=1
    ... )
    >>> plan.b, plan.a
    (0.1, -0.5)
    """

    a: float
    b: float
    effort: float
    shape: float
    expected_sales: float
    expected_pay: float
    profit: float

    def pay(self, sales: Any) -> Any:
        """Give the pay for some sales.

        Parameters
        ----------
        sales : float or array of float

        Returns
        -------
        float or ndarray of float

        Examples
        --------
        >>> CurvedPlan(
        ...     a=1, b=2, effort=1, shape=2, expected_sales=1, expected_pay=9, profit=0
        ... ).pay(3.0)
        49.0
        """
        paid = (self.a + self.b * np.maximum(np.asarray(sales), 0.0)) ** 2
        return paid if np.ndim(sales) else float(paid)


@attrs.frozen(kw_only=True, repr=False)
class QuotaPlan(Figures):
    """A salary, and a commission on what is sold above a quota; made by :func:`quota_plan`.

    Attributes
    ----------
    salary, commission, quota : float
    error : float
        Root of the mean squared difference in pay.
    explained : float
        Share of the variance of the curved plan's pay that it keeps.

    Examples
    --------
    >>> QuotaPlan(salary=100, commission=0.1, quota=1000, error=0, explained=1).pay(1500.0)
    150.0
    """

    salary: float
    commission: float
    quota: float
    error: float
    explained: float

    def pay(self, sales: Any) -> Any:
        """Give the pay for some sales.

        Parameters
        ----------
        sales : float or array of float

        Returns
        -------
        float or ndarray of float

        Examples
        --------
        >>> QuotaPlan(salary=100, commission=0.1, quota=1000, error=0, explained=1).pay(500.0)
        100.0
        """
        paid = self.salary + self.commission * np.maximum(np.asarray(sales) - self.quota, 0.0)
        return paid if np.ndim(sales) else float(paid)


@attrs.frozen(kw_only=True, repr=False)
class TimingGain(Figures):
    """What a rep gains by moving sales between two periods; made by :func:`timing_gain`.

    Attributes
    ----------
    gain : Fraction
        Major units; exactly 0 if nothing can be gained.
    moved : Fraction
        Sales moved from the first period into the second, below 0 for the other way.

    Examples
    --------
    >>> TimingGain(gain=Fraction(5, 2), moved=Fraction(100))
    TimingGain(gain=2.5, moved=100)
    """

    gain: Fraction
    moved: Fraction


def check_numbers(
    numbers: Mapping[str, float], *, above: Sequence[str] = (), least: Sequence[str] = ()
) -> None:
    """Refuse what is no finite number, or out of bounds, all at once."""
    faults = []
    for name, value in numbers.items():
        is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            message = "is a finite number"
        elif name in above and value <= 0:
            message = "is more than 0"
        elif name in least and value < 0:
            message = "is 0 or more"
        else:
            continue
        faults.append(Problem(path=name, message=message, values=(show(value),)))
    raise_all("design", faults)
