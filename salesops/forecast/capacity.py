"""Sales capacity: what the reps who are here, and those to be hired, can bring month by month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from salesops._calendar import day_of
from salesops._faults import check_choice, raise_all, refuse
from salesops.errors import Problem
from salesops.forecast._seats import (
    MOST_MONTHS,
    Grid,
    Roles,
    hire_seats,
    number,
    read_season,
    read_time_to_fill,
    rep_seats,
)
from salesops.forecast._spans import check_fiscal
from salesops.forecast._staffing import Staffing, pooled
from salesops.forecast.headcount import Capacity, capacity_of
from salesops.models import FiscalCalendar

__all__ = ["capacity"]

Span = Literal["month", "quarter", "year"]
Number = int | float | Decimal | Fraction

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def capacity(
    reps: object,
    ramp: Sequence[Number] | Mapping[str, Sequence[Number]] = (1,),
    attrition: Number | Mapping[str, Number] = 0,
    *,
    productivity: Number | Sequence[Number] | Mapping[str, Number | Sequence[Number]],
    as_of: dt.date | str,
    productivity_per: Span = "month",
    attrition_per: Literal["month", "year"] = "year",
    hiring: object = None,
    time_to_fill: int | Sequence[Number] = 0,
    seasonality: Sequence[Number] | None = None,
    market_sd: float = 0.0,
    months: int = 12,
    by: Span = "month",
    calendar: FiscalCalendar | None = None,
    level: float = 0.8,
    columns: Mapping[str, str] | None = None,
) -> Capacity:
    """Give what a team can sell in each period: the exact expectation and the exact distribution.

    Parameters
    ----------
    reps : int or table
        How many ramped reps there are; or a table with rep_id, and if known started_on (empty: ramped),
        ended_on (first day no longer there), role, productivity (in place of the role's).
    productivity : number, sequence of numbers, or mapping of role to these
        What a ramped rep brings in `productivity_per`. A sequence holds values that were seen, each as
        likely as another: a rep draws one and keeps it for the horizon.
    as_of : date or ISO text
        The month that contains it is the first of the horizon; who is there then, is there.
    productivity_per : {"month", "quarter", "year"}, default "month"
        The time that `productivity` is for.
    ramp : sequence of numbers, or mapping of role to these, default (1,)
        Share of full productivity in the month of start and the months after; the last share stays.
    attrition : number, or mapping of role to number, default 0
        Probability that a rep leaves within a year (or month, by `attrition_per`). The hazard is constant:
        1 - (1 - a)^(1/12) at the end of each month, from the month of hire.
    attrition_per : {"year", "month"}, default "year"
    hiring : table, optional
        Planned hires: starts_on, or opened_on where only the opening of the seat is known; n (default 1),
        role, productivity.
    time_to_fill : int or sequence of numbers, default 0
        Months from opened_on to the start; a sequence holds the probabilities of 0, 1, 2 ... months, and
        what is missing from 1 is the probability that the seat stays empty.
    seasonality : sequence of 12 numbers, optional
        Weights of the twelve fiscal months, scaled to mean 1.
    market_sd : float, default 0
        Standard deviation of one factor (gamma, mean 1) that multiplies what all reps bring alike. Without it
        reps vary independently, and the sum of many hardly varies.
    months : int, default 12
        Length of the horizon.
    by : {"month", "quarter", "year"}, default "month"
        Length of the periods shown; months of the horizon only.
    calendar : FiscalCalendar, optional
        Default: the calendar year.
    level : float, default 0.8
        Level of the intervals shown.
    columns : mapping, optional
        ``{"name in your tables": "name here"}``.

    Returns
    -------
    Capacity

    Raises
    ------
    InvalidInput
        With every fault of the tables and options.

    Notes
    -----
    A rep counts for the days worked in the first month and in a known last one; the ramp counts whole months
    from the month of start. Seats are independent of each other given the market's factor. The law of the sum
    is a convolution: exact where values share a unit or are few, else on a grid that keeps mean, variance and
    skewness (:attr:`Capacity.is_exact`). Time O(kinds of seat x periods).

    Examples
    --------
    >>> from salesops import forecast
    >>> plan = forecast.capacity(
    ...     10,
    ...     hiring=[{"starts_on": "2026-01-01", "n": 2}, {"starts_on": "2026-06-01", "n": 3}],
    ...     productivity=1_000_000,
    ...     productivity_per="year",
    ...     ramp=[0, 0.25, 0.5, 0.75, 1],
    ...     attrition=0.02,
    ...     attrition_per="month",
    ...     as_of="2026-01-01",
    ... )
    >>> plan
    Capacity(11,391,554 expected, 80 % between 10,291,667 and 12,458,333, 2026-01 to 2026-12)
    >>> round(plan.probability_of(11_000_000), 3)
    0.708
    """
    for name, chosen, allowed in (
        ("productivity_per", productivity_per, tuple(_MONTHS)),
        ("attrition_per", attrition_per, ("month", "year")),
        ("by", by, tuple(_MONTHS)),
    ):
        check_choice(name, chosen, allowed)
    _check_numbers(months, level, market_sd)
    faults: list[Problem] = []
    check_fiscal(calendar)
    grid = Grid.of(calendar or FiscalCalendar(), day_of("as_of", as_of), months, by)
    roles = Roles(ramp, attrition, attrition_per, productivity, _MONTHS[productivity_per], faults)
    season = read_season(seasonality, grid, faults)
    fill = read_time_to_fill(time_to_fill, faults)
    seats = rep_seats(reps, roles, grid, columns, faults)
    n_reps = sum(one.n for one in seats)
    seats += hire_seats(hiring, roles, grid, fill, columns, faults)
    known = roles.known()
    roles.finish()
    raise_all("capacity", faults)
    staffing = Staffing(
        seats=pooled(seats), roles=known, season=season, spans=grid.spans, market_sd=float(market_sd)
    )
    return capacity_of(staffing, grid.periods, grid.months, n_reps, float(level))


def _check_numbers(months: object, level: object, market_sd: object) -> None:
    if isinstance(months, bool) or not isinstance(months, int) or not 1 <= months <= MOST_MONTHS:
        raise refuse("months", f"is a whole number from 1 to {MOST_MONTHS}", months)
    if number(level) is None or not 0.0 < float(level) < 1.0:  # type: ignore[arg-type]  # a number
        raise refuse("level", "is between 0 and 1", level)
    if number(market_sd) is None or not 0.0 <= float(market_sd) <= 10.0:  # type: ignore[arg-type]
        raise refuse("market_sd", "is a number from 0 to 10", market_sd)
