"""What changes other pay: multipliers and gates, as frozen values and documents."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Model, about
from salesops.comp.bonuses import METRIC, BonusPoint, point_faults
from salesops.comp.components import MEASURE, NAME, NAMED, Basis, Bound
from salesops.errors import Problem

__all__ = ["Factor", "Gate", "Multiplier"]

OF = "Components before this one that it acts on; none named are all of them"
_OTHERWISE = "What multiplies the pay where no entry fits: a text not listed, or a figure that is missing"

_NO_FIGURE = (
    "What a figure that the table metrics lacks means: the run refuses, naming rep and period, or the gate "
    "stays shut"
)


def gauge_faults(known: Any) -> Iterator[Problem]:
    """Find a position that is given by two things."""
    if known.metric is not None and known.measure is not None:
        yield Problem(path="metric", message="stands beside a measure", hint="give one of the two")


@attrs.frozen(kw_only=True)
class Factor(Model):
    """What pay is multiplied by where a column of the credits holds a text.

    Examples
    --------
    >>> Factor(text="gold", pays="1.25")
    Factor(text='gold', pays=Fraction(5, 4))
    """

    text: str = attrs.field(metadata=about("What the column holds"))
    pays: Fraction = attrs.field(metadata=about("1.25 adds a quarter", minimum=0))


@attrs.frozen(kw_only=True)
class Multiplier(Model):
    """Multiply what other components pay, by a table of a figure or by a column of the credits.

    A table multiplies the pay of a period; a column, with `factors`, the pay of each credit. What is
    multiplied is pay already rounded, and the difference is rounded once.

    Examples
    --------
    >>> table = [{"from": "0", "pays": "0.5"}, {"from": "0.3", "pays": "1.25"}]
    >>> Multiplier(metric="margin", table=table).style
    'step'
    """

    kind: ClassVar[str] = "multiplier"

    name: str = attrs.field(default="multiplier", metadata=about(NAME, form=NAMED))
    of: tuple[str, ...] = attrs.field(default=(), metadata=about(OF))
    metric: str | None = attrs.field(default=None, metadata=about(METRIC))
    measure: str | None = attrs.field(default=None, metadata=about(MEASURE))
    basis: Basis = attrs.field(
        default="attainment", metadata=about("Whether points are multiples of the rep's quota or money")
    )
    style: Literal["step", "interpolated"] = attrs.field(
        default="step", metadata=about("The last point reached pays, or straight lines between points")
    )
    bound: Bound = attrs.field(
        default="lower",
        metadata=about("Whether a value exactly on a point has reached it (lower) or not (upper)"),
    )
    table: tuple[BonusPoint, ...] = attrs.field(default=(), metadata=about("From 0 upwards"))
    field: str | None = attrs.field(
        default=None, metadata=about("Column of the credits that selects a factor")
    )
    factors: tuple[Factor, ...] = attrs.field(
        default=(), metadata=about("Factors by the texts of the column")
    )
    otherwise: Fraction = attrs.field(default=Fraction(1), metadata=about(_OTHERWISE, minimum=0))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from gauge_faults(known)
        yield from point_faults(known.table)
        if known.table is None or known.factors is None:
            return
        if bool(known.table) == bool(known.factors):
            hint = "a table of a figure, or factors by a column"
            yield Problem(path="table", message="a multiplier has a table or factors", hint=hint)
        if bool(known.factors) != (known.field is not None):
            yield Problem(path="field", message="a column and its factors stand together")
        texts = [factor.text for factor in known.factors if factor.text is not None]
        repeated = sorted({text for text in texts if texts.count(text) > 1})
        if repeated:
            values = tuple(map(repr, repeated))
            yield Problem(path="factors", message="each text stands once", values=values)


@attrs.frozen(kw_only=True)
class Gate(Model):
    """Pay other components only if a figure, an amount or an attainment is reached in the period.

    Examples
    --------
    >>> Gate(metric="compliance", at_least="1").otherwise
    Fraction(0, 1)
    """

    kind: ClassVar[str] = "gate"

    name: str = attrs.field(default="gate", metadata=about(NAME, form=NAMED))
    of: tuple[str, ...] = attrs.field(default=(), metadata=about(OF))
    metric: str | None = attrs.field(default=None, metadata=about(METRIC))
    measure: str | None = attrs.field(default=None, metadata=about(MEASURE))
    basis: Basis = attrs.field(
        default="attainment", metadata=about("Whether the gate is a multiple of the rep's quota or money")
    )
    at_least: Decimal = attrs.field(metadata=about("Where the gate opens; reaching it is enough", minimum=0))
    otherwise: Fraction = attrs.field(
        default=Fraction(0), metadata=about("Share that is paid while the gate is shut", minimum=0, below=1)
    )
    missing: Literal["refuse", "shut"] = attrs.field(default="refuse", metadata=about(_NO_FIGURE))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from gauge_faults(known)
