"""What is paid at the end of a period: bonuses, scorecards and matrices, as frozen values and documents."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar, Literal

import attrs

from salesops._codec import Model, about
from salesops.comp.components import MEASURE, NAME, NAMED, TARGET_SHARE, WHERE, Basis, Bound, Match
from salesops.errors import Problem

__all__ = ["Bonus", "BonusPoint", "Goal", "Matrix", "Scorecard"]

METRIC = (
    "Instead of credits: a figure of the table metrics, such as a score or a margin; points are its values"
)
PRORATE = (
    "Whether a period in which the rep has the plan only in part counts whole, or by its calendar days, "
    "working days or months"
)

MISSING = (
    "What a figure that the table metrics lacks means: the run refuses, naming rep and period, or it "
    "counts as 0"
)
_STYLE = "The last point reached pays, or straight lines between points"
_POINT_BOUND = "Whether a value exactly on a point has reached it (lower) or not (upper)"

Prorated = Literal["none", "days", "working_days", "months"]


@attrs.frozen(kw_only=True)
class BonusPoint(Model):
    """One row of a bonus table: from this point on, this share of the target is paid.

    Examples
    --------
    >>> BonusPoint(start="0.8", pays="0.5")
    BonusPoint(start=Decimal('0.8'), pays=Fraction(1, 2))
    """

    start: Decimal = attrs.field(metadata=about("Where the point lies", name="from", minimum=0))
    pays: Fraction = attrs.field(metadata=about("Share of the target pay, 0.5 for half of it", minimum=0))


@attrs.frozen(kw_only=True)
class Bonus(Model):
    """Pay a share of target pay at the end of each period, by a table of attainment.

    Examples
    --------
    >>> Bonus(target="3000.00", table=[{"from": "0", "pays": "0"}, {"from": "1", "pays": "1"}]).style
    'step'
    """

    kind: ClassVar[str] = "bonus"

    name: str = attrs.field(default="bonus", metadata=about(NAME, form=NAMED))
    measure: str | None = attrs.field(default=None, metadata=about(MEASURE))
    where: tuple[Match, ...] = attrs.field(default=(), metadata=about(WHERE))
    metric: str | None = attrs.field(default=None, metadata=about(METRIC))
    target: Decimal | None = attrs.field(
        default=None, metadata=about("Target pay of one period, in major units of the currency", above=0)
    )
    target_share: Fraction | None = attrs.field(default=None, metadata=about(TARGET_SHARE, above=0))
    prorate: Prorated = attrs.field(default="none", metadata=about(PRORATE))
    basis: Basis = attrs.field(
        default="attainment", metadata=about("Whether points are multiples of the rep's quota or money")
    )
    style: Literal["step", "interpolated"] = attrs.field(
        default="step", metadata=about("The last point reached pays, or straight lines between points")
    )
    bound: Bound = attrs.field(
        default="lower",
        metadata=about("Whether a total exactly on a point has reached it (lower) or not (upper)"),
    )
    table: tuple[BonusPoint, ...] = attrs.field(
        metadata=about("From 0 upwards; beyond the last point the pay stays level", min_items=1)
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from point_faults(known.table)
        yield from target_faults(known)
        if known.metric is not None and known.measure is not None:
            yield Problem(path="metric", message="stands beside a measure", hint="give one of the two")


def target_faults(known: Any) -> Iterator[Problem]:
    """Find a target that is missing or given twice."""
    if known.target is not None and known.target_share is not None:
        yield Problem(path="target_share", message="stands beside a target", hint="give one of the two")
    if known.target is None and known.target_share is None:
        yield Problem(path="target", message="is missing", hint="or give a target_share")


def point_faults(table: Any, path: str = "table") -> Iterator[Problem]:
    """Find points of a table that do not rise from 0."""
    before = None
    for k, point in enumerate(table or ()):
        place, start = f"{path}[{k}].from", point.start
        if start is None:
            continue
        if k == 0 and start != 0:
            hint = "write an explicit point that pays 0 if nothing is paid below"
            yield Problem(path=place, message="the first point is at 0", values=(f"{start:f}",), hint=hint)
        if before is not None and start <= before:
            message = "points stand in rising order and each stands once"
            yield Problem(path=place, message=message, values=(f"{start:f} after {before:f}",))
        before = start


@attrs.frozen(kw_only=True)
class Goal(Model):
    """One line of a scorecard: a figure, its weight, and what reaching it pays.

    Examples
    --------
    >>> table = [{"from": "0", "pays": "0"}, {"from": "50", "pays": "1"}]
    >>> Goal(metric="nps", weight="0.4", table=table).weight
    Fraction(2, 5)
    """

    metric: str = attrs.field(metadata=about("Figure of the table metrics"))
    weight: Fraction = attrs.field(metadata=about("Share of the scorecard's target", above=0))
    style: Literal["step", "interpolated"] = attrs.field(default="step", metadata=about(_STYLE))
    bound: Bound = attrs.field(default="lower", metadata=about(_POINT_BOUND))
    table: tuple[BonusPoint, ...] = attrs.field(
        metadata=about(
            "From 0 upwards, in values of the figure; beyond the last point the pay stays level", min_items=1
        )
    )

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from point_faults(known.table)


@attrs.frozen(kw_only=True)
class Scorecard(Model):
    """Pay shares of a target by weighted goals: MBOs, KPIs, quality scores.

    Examples
    --------
    >>> table = [{"from": "0", "pays": "0"}, {"from": "50", "pays": "1"}]
    >>> goal = {"metric": "nps", "weight": "1", "table": table}
    >>> Scorecard(target="2000.00", goals=[goal]).weights
    'sum_to_one'
    """

    kind: ClassVar[str] = "scorecard"

    name: str = attrs.field(default="scorecard", metadata=about(NAME, form=NAMED))
    target: Decimal | None = attrs.field(
        default=None, metadata=about("Target pay of one period, in major units of the currency", above=0)
    )
    target_share: Fraction | None = attrs.field(default=None, metadata=about(TARGET_SHARE, above=0))
    prorate: Prorated = attrs.field(default="none", metadata=about(PRORATE))
    weights: Literal["sum_to_one", "any"] = attrs.field(
        default="sum_to_one", metadata=about("Whether weights that do not sum to 1 are refused")
    )
    missing: Literal["refuse", "zero"] = attrs.field(default="refuse", metadata=about(MISSING))
    goals: tuple[Goal, ...] = attrs.field(metadata=about("What counts, one line each", min_items=1))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from target_faults(known)
        weights = [goal.weight for goal in known.goals or ()]
        if known.weights == "sum_to_one" and weights and None not in weights and sum(weights) != 1:
            hint = 'or write "weights": "any"'
            values = (str(sum(weights)),)
            yield Problem(path="goals", message="the weights of goals sum to 1", values=values, hint=hint)


@attrs.frozen(kw_only=True)
class Matrix(Model):
    """Pay a share of a target by two figures at once: the cell where their steps meet.

    Examples
    --------
    >>> Matrix(
    ...     target="1000.00",
    ...     row_metric="growth",
    ...     rows=["0", "0.1"],
    ...     column_metric="margin",
    ...     columns=["0", "0.3"],
    ...     pays=[["0", "0.5"], ["0.5", "1"]],
    ... ).pays[1]
    (Fraction(1, 2), Fraction(1, 1))
    """

    kind: ClassVar[str] = "matrix"

    name: str = attrs.field(default="matrix", metadata=about(NAME, form=NAMED))
    target: Decimal | None = attrs.field(
        default=None, metadata=about("Target pay of one period, in major units of the currency", above=0)
    )
    target_share: Fraction | None = attrs.field(default=None, metadata=about(TARGET_SHARE, above=0))
    prorate: Prorated = attrs.field(default="none", metadata=about(PRORATE))
    row_metric: str = attrs.field(metadata=about("Figure of the table metrics that selects the row"))
    rows: tuple[Decimal, ...] = attrs.field(
        metadata=about("Where each row begins, rising; values below the first pay nothing", min_items=1)
    )
    column_metric: str = attrs.field(metadata=about("Figure of the table metrics that selects the column"))
    columns: tuple[Decimal, ...] = attrs.field(
        metadata=about("Where each column begins, rising; values below the first pay nothing", min_items=1)
    )
    pays: tuple[tuple[Fraction, ...], ...] = attrs.field(
        metadata=about("Shares of the target: a list for each row with an entry for each column", min_items=1)
    )
    missing: Literal["refuse", "zero"] = attrs.field(default="refuse", metadata=about(MISSING))

    @staticmethod
    def _faults(known: Any) -> Iterator[Problem]:
        yield from target_faults(known)
        for name in ("rows", "columns"):
            starts = getattr(known, name) or ()
            for k, (low, high) in enumerate(pairwise(starts)):
                if low is not None and high is not None and high <= low:
                    values = (f"{high:f} after {low:f}",)
                    message = "bounds stand in rising order and each stands once"
                    yield Problem(path=f"{name}[{k + 1}]", message=message, values=values)
        if known.pays is None or known.rows is None or known.columns is None:
            return
        if len(known.pays) != len(known.rows):
            values = (f"{len(known.pays)} for {len(known.rows)} rows",)
            yield Problem(path="pays", message="has a list for each row", values=values)
        for k, cells in enumerate(known.pays):
            if cells is not None and len(cells) != len(known.columns):
                values = (f"{len(cells)} for {len(known.columns)} columns",)
                yield Problem(path=f"pays[{k}]", message="has an entry for each column", values=values)
