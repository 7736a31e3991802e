"""What a funnel is made of: the rules it rests on, plain counts, and curves."""

from __future__ import annotations

import datetime as dt

import attrs
import numpy as np
import numpy.typing as npt
from attrs.converters import optional

from salesops._frames.arrays import BY_CONTENT, read_only
from salesops.forecast.curves import SurvivalCurve
from salesops.forecast.incidence import IncidenceCurves
from salesops.forecast.rates import Rate

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


@attrs.frozen(kw_only=True)
class Options:
    """How a funnel was measured: the rules that its figures rest on.

    Attributes
    ----------
    stages : tuple of str
    won, lost : str
    no_decision : tuple of str
    as_of : date
    by : str or None
    skipped : {"passed", "not reached"}
    reopened : {"refused", "first close", "last close"}
    observed_from : date or None
    level : float
    """

    stages: tuple[str, ...]
    won: str
    lost: str
    no_decision: tuple[str, ...]
    as_of: dt.date
    by: str | None
    skipped: str
    reopened: str
    observed_from: dt.date | None
    level: float

    @property
    def ends(self) -> tuple[str, ...]:
        """Names of all ends: won, lost, and the others."""
        return (self.won, self.lost, *self.no_decision)


@attrs.frozen(kw_only=True)
class Tally:
    """Plain counts; those of segments add up to those of the whole.

    Attributes
    ----------
    deals : int
    outcomes : ndarray of int, shape (1 + n_ends,)
        Deals open, won, lost, and by other ends.
    entered, converted, visited, skipped : ndarray of int, shape (n_stages,)
        Deals that reached the stage, that later stood further down, that were in it, that jumped over it.
    stopped : ndarray of int, shape (1 + n_ends, n_stages)
        Deals that reached the stage and did not get further: open, (won,) lost, and by other ends.
    regressions, reopenings : int
        Moves back to an earlier stage, and events that followed an end.
    events, repeats, set_aside : int
        Events used, those that only repeat the stage a deal is in, those after a first close that stands.
    ended_unobserved : int
        Deals that ended before the log starts; they are not in the curves.
    opened_before_log : int
        Deals whose created_on lies before their first event; they come under observation late.
    changed_segment : int
        Deals for which a later event states another segment; they stay where the first event put them.
    """

    deals: int
    outcomes: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    entered: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    converted: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    stopped: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    visited: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    skipped: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    regressions: int
    reopenings: int
    events: int
    repeats: int
    set_aside: int
    ended_unobserved: int
    opened_before_log: int = 0
    changed_segment: int = 0


@attrs.frozen(kw_only=True)
class Periods:
    """Counts by business period.

    Attributes
    ----------
    labels : tuple of str
    starts : ndarray of datetime64, shape (n_periods,)
    cohort : ndarray of int, shape (n_periods, 1 + n_ends)
        Deals created in the period: open, won, lost, and by other ends.
    closed : ndarray of int, shape (n_periods, n_ends)
        Deals that ended in the period: won, lost, and by other ends.
    open_at_end : ndarray of int, shape (n_periods,)
    won_amount : ndarray of float, shape (n_periods,), or None
    """

    labels: tuple[str, ...]
    starts: Dates = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    cohort: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    closed: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    open_at_end: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    won_amount: Floats | None = attrs.field(converter=optional(read_only), eq=BY_CONTENT, hash=False)


@attrs.frozen(kw_only=True)
class Measures:
    """Everything measured on one set of deals: a whole funnel, or one segment of it.

    Attributes
    ----------
    options : Options
    tally : Tally
    moves : ndarray of int, shape (1 + n_states, n_states + 1)
        Moves between states: rows from (first where deals begin), columns to (last where they still are).
    conversion : tuple of IncidenceCurves
    time_in_stage : tuple of SurvivalCurve
    curves : IncidenceCurves
    cycle_days : ndarray of int
        Days from creation to close of won deals, sorted.
    won_amounts : ndarray of float, or None
        Amounts of won deals that state one, sorted; None without a column of amounts.
    periods : Periods or None
    arrivals : tuple of int
        Deals created while the log ran, and the days that it ran.
    """

    options: Options
    tally: Tally
    moves: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    conversion: tuple[IncidenceCurves, ...]
    time_in_stage: tuple[SurvivalCurve, ...]
    curves: IncidenceCurves
    cycle_days: Ints = attrs.field(converter=read_only, eq=BY_CONTENT, hash=False)
    won_amounts: Floats | None = attrs.field(converter=optional(read_only), eq=BY_CONTENT, hash=False)
    periods: Periods | None
    arrivals: tuple[int, int] = (0, 0)

    @property
    def open(self) -> int:
        """Deals that are open."""
        return int(self.tally.outcomes[0])

    @property
    def won(self) -> int:
        """Deals that are won."""
        return int(self.tally.outcomes[1])

    @property
    def lost(self) -> int:
        """Deals that are lost."""
        return int(self.tally.outcomes[2])

    @property
    def no_decision(self) -> int:
        """Deals that ended in another way."""
        return int(self.tally.outcomes[3:].sum())

    def rate(self, hits: int, n: int, basis: str, reason: str) -> Rate:
        """Make a rate at the level of the funnel; without a case it is undefined, with the reason."""
        return Rate(hits=hits, n=n, basis=basis, level=self.options.level, reason=None if n else reason)
