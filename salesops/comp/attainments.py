"""How attainment is distributed: what a forecast of plan cost starts from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs

from salesops._codec import Model, about
from salesops.errors import Problem

__all__ = ["Empirical", "Lognormal", "Normal", "Uniform"]

_MEAN = "Mean attainment, 1 for 100 %"
_SD = "Standard deviation of attainment"


@attrs.frozen(kw_only=True)
class Normal(Model):
    """Bell-shaped attainment; what falls below 0 counts as 0.

    Examples
    --------
    >>> Normal(mean=0.95, sd=0.25).sd
    0.25
    """

    kind: ClassVar[str] = "normal"

    mean: float = attrs.field(metadata=about(_MEAN))
    sd: float = attrs.field(metadata=about(_SD, above=0))


@attrs.frozen(kw_only=True)
class Lognormal(Model):
    """Attainment skewed to the right, stated by its own mean and standard deviation.

    Examples
    --------
    >>> Lognormal(mean=0.95, sd=0.4).mean
    0.95
    """

    kind: ClassVar[str] = "lognormal"

    mean: float = attrs.field(metadata=about(_MEAN, above=0))
    sd: float = attrs.field(metadata=about(_SD, above=0))


@attrs.frozen(kw_only=True)
class Uniform(Model):
    """Attainment anywhere between two ends alike.

    Examples
    --------
    >>> Uniform(low=0.5, high=1.3).high
    1.3
    """

    kind: ClassVar[str] = "uniform"

    low: float = attrs.field(metadata=about("Least attainment", minimum=0))
    high: float = attrs.field(metadata=about("Greatest attainment", above=0))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.low is not None and known.high is not None and known.high <= known.low:
            yield Problem(path="high", message="lies above low", values=(f"{known.low} to {known.high}",))


@attrs.frozen(kw_only=True)
class Empirical(Model):
    """Attainments that were seen, each as likely as its weight.

    Examples
    --------
    >>> Empirical(values=[0.7, 0.9, 1.2]).values
    (0.7, 0.9, 1.2)
    """

    kind: ClassVar[str] = "empirical"

    values: tuple[float, ...] = attrs.field(metadata=about("Attainments", min_items=1, max_items=1_000_000))
    weights: tuple[float, ...] = attrs.field(
        default=(), metadata=about("How much each counts; all alike by default", max_items=1_000_000)
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        if known.values is None or known.weights is None or None in known.values or None in known.weights:
            return
        if any(value < 0 for value in known.values):
            yield Problem(path="values", message="an attainment is 0 or more")
        if known.weights and len(known.weights) != len(known.values):
            found = (f"{len(known.weights)} weights, {len(known.values)} values",)
            yield Problem(path="weights", message="each value has one weight", values=found)
        if known.weights and (min(known.weights) < 0 or not any(known.weights)):
            yield Problem(path="weights", message="weights are 0 or more and not all 0")


Attainment = Normal | Lognormal | Uniform | Empirical
