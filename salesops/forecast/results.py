"""The measured funnel: counts, rates with their cases and intervals, and the curves behind them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd

from salesops import _display
from salesops._faults import closest, refuse
from salesops._frames import jsonable
from salesops._version import __version__
from salesops.errors import InvalidInput, Problem, show
from salesops.forecast import _tables, _views
from salesops.forecast._arrays import label_column
from salesops.forecast.chain import AbsorbingChain
from salesops.forecast.curves import SurvivalCurve
from salesops.forecast.incidence import IncidenceCurves
from salesops.forecast.rates import Rate
from salesops.forecast.tally import Measures, Options, Tally

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN_RATES = ["measure", "value", "lower", "upper", "n", "basis", "reason"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Funnel:
    """A funnel as it was on a day, from :func:`funnel`.

    Attributes
    ----------
    measures : Measures
        Everything measured: options, tally, moves and curves.
    segment : hashable
        The segment, for a part of a funnel.
    n_duplicates : int or None
        Rows that repeat an event; they are counted once. None for a part.
    parts : tuple of Funnel
        One for each segment.
    rejected : DataFrame or None
        Rows that could not become events, with the reason.
    noted : tuple of (str, int)
        What looks like one thing under two names.

    Examples
    --------
    >>> from salesops import forecast
    >>> log = [
    ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
    ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-31"},
    ... ]
    >>> forecast.funnel(log, ["new", "demo"])
    Funnel(new 1 > demo 1 > won 1, open=0, as_of=2024-01-31)
    """

    measures: Measures
    segment: Hashable
    n_duplicates: int | None
    rejected: pd.DataFrame | None
    parts: tuple[Funnel, ...]
    noted: tuple[tuple[str, int], ...] = ()

    @property
    def options(self) -> Options:
        """The rules and names that the figures rest on, the day among them."""
        return self.measures.options

    @property
    def tally(self) -> Tally:
        """Plain counts."""
        return self.measures.tally

    @property
    def curves(self) -> IncidenceCurves:
        """Won against the other ends, by days since the deal was created; open deals censored."""
        return self.measures.curves

    @property
    def conversion(self) -> tuple[IncidenceCurves, ...]:
        """For each stage, "moved on" against the ends, by days since it was reached; open deals censored."""
        return self.measures.conversion

    @property
    def time_in_stage(self) -> tuple[SurvivalCurve, ...]:
        """For each stage, days of the first visit; visits that still last are censored."""
        return self.measures.time_in_stage

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages in order."""
        return self.options.stages

    @property
    def open(self) -> int:
        """Deals that are open."""
        return self.measures.open

    @property
    def won(self) -> int:
        """Deals that are won."""
        return self.measures.won

    @property
    def lost(self) -> int:
        """Deals that are lost."""
        return self.measures.lost

    @property
    def no_decision(self) -> int:
        """Deals that ended in another way."""
        return self.measures.no_decision

    @property
    def total(self) -> Funnel:
        """The same funnel without its segments."""
        bare = attrs.evolve(self.measures, options=attrs.evolve(self.options, by=None))
        return attrs.evolve(self, measures=bare, parts=())

    def part(self, segment: Hashable) -> Funnel:
        """Take the funnel of one segment.

        Parameters
        ----------
        segment : hashable

        Returns
        -------
        Funnel

        Raises
        ------
        InvalidInput
            If there is no such segment.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "team": "north"}]
        >>> forecast.funnel(log, ["new"], by="team").part("north").open
        1
        """
        for part in self.parts:
            if part.segment == segment and type(part.segment) is type(segment):
                return part
        labels = [part.segment for part in self.parts]
        fault = Problem(
            path="segment",
            message="is not a segment of this funnel",
            values=(show(segment),),
            hint=f"segments are {', '.join(map(show, labels)) or 'not measured; pass by= to funnel'}",
            suggestions=closest(segment, labels),
        )
        raise InvalidInput("segment: 1 problem", [fault])

    def _stacked(self, table: Callable[[Measures], pd.DataFrame]) -> pd.DataFrame:
        """Make one table of all segments, or of the whole when there are none."""
        if self.options.by is None or self.segment is not None or not self.parts:
            return table(self.measures)
        frames = [table(part.measures) for part in self.parts]
        stacked = pd.concat(frames, ignore_index=True)
        segments = label_column([part.segment for part in self.parts for _ in range(len(frames[0]))])
        name = self.options.by if self.options.by not in stacked.columns else f"segment_{self.options.by}"
        stacked.insert(0, name, segments)
        return stacked

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each stage (and segment).

        Returns
        -------
        DataFrame
            Counts: entered, converted, lost, no_decision, open, skipped (deals that jumped over the stage).
            Shares: conversion of all that entered, with its Wilson interval; eventual_conversion with open
            deals counted as unfinished (Aalen-Johansen at the last age seen), with its interval. median_days
            of the first visit, of n_visits. A share without cases is missing, with the reason.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).to_frame()[["entered", "converted", "open"]].values.tolist()
        [[1, 0, 1]]
        """
        return self._stacked(_tables.stage_table)

    def rates(self) -> pd.DataFrame:
        """Return win rates, cycle time and velocity, each with its cases, interval and basis.

        Returns
        -------
        DataFrame
            Columns measure, value, lower, upper, hits, n, basis, interval, reason; what is undefined is
            missing, with the reason.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).rates()[["measure", "reason"]].values.tolist()[0]
        ['win rate, closed deals', 'no closed opportunity']
        """
        return self._stacked(_tables.rate_table)

    def win_rates(self) -> tuple[Rate, ...]:
        """Give the win rate of closed deals; with and without other ends when there are such ends.

        Returns
        -------
        tuple of Rate

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).win_rates()
        (Rate(undefined: no closed opportunity, won / (won + lost)),)
        """
        return _tables.win_rates(self.measures)

    def leakage(self) -> pd.DataFrame:
        """Return where deals leak out: those that ended in a stage without a win, and those that stalled.

        Returns
        -------
        DataFrame
            Columns stage, entered, lost, no_decision, leaked (both), leakage (of all that entered) with its
            Wilson interval (lower, upper), open, stalled (open deals that are longer beyond the stage's entry
            than any deal took to leave it), longest_days (what that deal took).

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [
        ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
        ...     {"deal_id": 1, "stage": "lost", "entered_on": "2024-01-11"},
        ...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-01"},
        ... ]
        >>> frame = forecast.funnel(log, ["new"], as_of="2024-06-30").leakage()
        >>> frame[["entered", "leaked", "stalled", "longest_days"]].values.tolist()
        [[2.0, 1.0, 1.0, 10.0]]
        """
        return self._stacked(_views.leakage_table)

    def pooled(self) -> pd.DataFrame:
        """Return the rates of the segments with small segments leaning on the whole, and marked.

        A segment leans where its own cases weigh less than what all segments say: because it is small, or
        because segments hardly differ.

        Returns
        -------
        DataFrame
            Column measure, then those of :meth:`PooledRates.to_frame`.

        Raises
        ------
        InvalidInput
            If the funnel was measured without segments.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [
        ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01", "team": "north"},
        ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-11", "team": "north"},
        ...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-01", "team": "south"},
        ... ]
        >>> forecast.funnel(log, ["new"], by="team").pooled()["measure"].unique().tolist()
        ['win rate, closed deals', 'win rate, all deals', 'conversion of new']
        """
        if not self.parts:
            raise refuse("by", "was not stated", None, hint="pass by= to funnel")
        return _views.pooled_table([p.measures for p in self.parts], [p.segment for p in self.parts])

    def chain(self) -> AbsorbingChain:
        """Estimate where deals end up from each stage, by any road: skips and regressions included.

        Only completed moves count. An end is an end here, also where the deal was reopened later; a stage
        that nobody has left yet counts as one, too.

        Returns
        -------
        AbsorbingChain

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [
        ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
        ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-11"},
        ... ]
        >>> forecast.funnel(log, ["new"]).chain()
        AbsorbingChain(new: won 100.0 %, lost 0.0 %)
        """
        return _views.chain_of(self.measures)

    def marks(self) -> pd.DataFrame:
        """Return what a reader of the figures should know: dead deals, late starts, doubtful names.

        Returns
        -------
        DataFrame
            Columns segment (missing for the whole), mark, n.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [
        ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
        ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-11"},
        ...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-01"},
        ... ]
        >>> forecast.funnel(log, ["new"], as_of="2024-06-30").marks()[["mark", "n"]].values.tolist()
        [['open for longer than any deal that ended (10 days)', 1]]
        """
        parts = [(part.segment, part.measures) for part in self.parts]
        return _views.mark_table((self.segment, self.measures), parts, self.noted)

    def transitions(self) -> pd.DataFrame:
        """Return one row for each move that occurred: forward, skips, regressions, ends and reopened deals.

        Returns
        -------
        DataFrame
            Columns from_stage (missing where deals begin), to_stage (missing where they still are), n, share
            of all moves out of from_stage with its Wilson interval (lower, upper), kind.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).transitions()[["n", "kind"]].values.tolist()
        [[1, 'start'], [1, 'still there']]
        """
        return self._stacked(_tables.transition_table)

    def transition_matrix(self) -> pd.DataFrame:
        """Return the counts of all moves as a square: rows where from, columns where to.

        Returns
        -------
        DataFrame
            Indexed by "(start)" and the states; columns are the states and "(still there)".

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> int(forecast.funnel(log, ["new"]).transition_matrix().loc["(start)", "new"])
        1
        """
        states = [*self.stages, *self.options.ends]
        return pd.DataFrame(
            self.measures.moves, index=["(start)", *states], columns=[*states, "(still there)"]
        )

    def periods(self) -> pd.DataFrame:
        """Return one row for each business period: its cohort, what closed in it, what was open at its end.

        Returns
        -------
        DataFrame
            period, starts_on; created and what became of them so far
            (cohort_won, cohort_lost, cohort_no_decision, cohort_open, cohort_win_rate); what closed in the
            period (closed_won, closed_lost, closed_no_decision, closed_win_rate = won / (won + lost)),
            open_at_end, and won_amount if there are amounts. Rates have their Wilson interval, and a reason
            where they are undefined.

        Raises
        ------
        InvalidInput
            If the funnel was measured without periods.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> frame = forecast.funnel(log, ["new"], as_of="2024-04-01", period="quarter").periods()
        >>> frame[["period", "created", "open_at_end"]].values.tolist()
        [['2024-Q1', 1, 1], ['2024-Q2', 0, 1]]
        """
        if self.measures.periods is None:
            raise refuse("period", "was not stated", None, hint="pass period= or calendar= to funnel")
        return self._stacked(_tables.period_frame)

    def counts(self) -> dict[str, int]:
        """Report what became of every row, and what was odd.

        Returns
        -------
        dict
            rows = used + repeats + set_aside + duplicates. Rows that could not become events are in
            `rejected`.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}] * 2
        >>> counts = forecast.funnel(log, ["new"]).counts()
        >>> counts["rows"], counts["used"], counts["duplicates"]
        (2, 1, 1)
        """
        tally = self.tally
        rows = tally.events + tally.repeats + tally.set_aside
        found = {
            "rows": rows + (self.n_duplicates or 0),
            "used": tally.events,
            "repeats": tally.repeats,
            "set_aside": tally.set_aside,
        }
        if self.n_duplicates is not None:
            found["duplicates"] = self.n_duplicates
        if self.rejected is not None:
            found["rejected"] = len(self.rejected)
        return found | {
            "deals": tally.deals,
            "skips": int(tally.skipped.sum()),
            "regressions": tally.regressions,
            "reopenings": tally.reopenings,
            "ended_unobserved": tally.ended_unobserved,
            "opened_before_log": tally.opened_before_log,
            "changed_segment": tally.changed_segment,
        }

    def rules(self) -> tuple[str, ...]:
        """Say in words which rules the figures rest on.

        Returns
        -------
        tuple of str

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).rules()[0]
        'known at the end of 2024-01-01'
        """
        options = self.options
        told = [
            f"known at the end of {options.as_of}",
            f"a stage that a deal jumped over counts as {options.skipped}",
            f"events after the end of a deal: {options.reopened}"
            + ("" if options.reopened == "refused" else " stands"),
            f"intervals at {100 * options.level:g} %: Wilson for shares, log(-log) for curves",
        ]
        if options.by is not None:
            told.append(f"a deal belongs to the {options.by} that its first event states")
        if options.observed_from is not None:
            told.append(f"the log starts on {options.observed_from}; older deals enter late")
        return tuple(told)

    def explain(self, stage: str, segment: Hashable = None) -> str:
        """Say in words what became of the deals that reached a stage.

        Parameters
        ----------
        stage : str
        segment : hashable, optional

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If there is no such stage or segment.

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [
        ...     {"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"},
        ...     {"deal_id": 1, "stage": "won", "entered_on": "2024-01-31"},
        ...     {"deal_id": 2, "stage": "new", "entered_on": "2024-01-31"},
        ... ]
        >>> print(forecast.funnel(log, ["new"]).explain("new"))
        Of 2 deals that had reached 'new' by 2024-01-31, 1 moved on (50.0 %, 95 % interval 9.5 % to 90.5 %),
        0 ended there and 1 were still open. Counting open deals as unfinished, 100.0 % are estimated to move
        on within 30 days (interval not defined). Half of the first visits lasted at most 30 days.
        """
        if segment is not None and self.segment is None:
            return self.part(segment).explain(stage)
        if stage not in self.stages:
            fault = Problem(
                path="stage",
                message="is not a stage of this funnel",
                values=(show(stage),),
                hint=f"stages are {', '.join(map(show, self.stages))}",
                suggestions=closest(stage, self.stages),
            )
            raise InvalidInput("stage: 1 problem", [fault])
        where = "" if self.segment is None else f" in {self.options.by} {show(self.segment)}"
        return _tables.told(self.measures, stage, where)

    def to_dict(self) -> dict[str, Any]:
        """Return the funnel as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import forecast
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).to_dict()["stages"][0]["entered"]
        1
        """
        body = {
            "kind": "funnel",
            "version": __version__,
            "segment": jsonable(self.segment),
            "options": {str(name): jsonable(value) for name, value in attrs.asdict(self.options).items()},
            "rules": list(self.rules()),
            "counts": self.counts(),
            "stages": jsonable(_tables.stage_table(self.measures)),
            "rates": jsonable(_tables.rate_table(self.measures)),
            "transitions": jsonable(_tables.transition_table(self.measures)),
            "periods": jsonable(_tables.period_frame(self.measures)),
            "rejected": jsonable(self.rejected),
            "leakage": jsonable(_views.leakage_table(self.measures)),
            "marks": jsonable(self.marks()),
        }
        return body | {"segments": [part.to_dict() for part in self.parts]}

    def __repr__(self) -> str:
        steps = " > ".join(
            f"{name} {n}" for name, n in zip(self.stages, self.tally.entered.tolist(), strict=True)
        )
        named = f"{self.options.by}={self.segment!r}, " if self.segment is not None else ""
        parts = f", segments={len(self.parts)}" if self.parts else ""
        return (
            f"Funnel({named}{steps} > {self.options.won} {self.won}, open={self.open}{parts}, "
            f"as_of={self.options.as_of})"
        )

    def _repr_html_(self) -> str:
        facts = {
            "deals": self.tally.deals,
            "won": self.won,
            "lost": self.lost,
            "no decision": self.no_decision,
            "open": self.open,
            **{name.replace("_", " "): n for name, n in self.counts().items() if name != "deals" and n},
        }
        shown = self.to_frame().drop(columns=["reason", "eventual_lower", "eventual_upper"])
        shares = ["conversion", "lower", "upper", "eventual_conversion"]
        shown[shares] = shown[shares].map(_display.percent)
        marks = self.marks()
        rates = self.rates()[[*([self.options.by] if self.parts else []), *_SHOWN_RATES]]
        return _display.html_card(
            "Funnel" if self.segment is None else f"Funnel of {self.segment}",
            facts,
            [("stages", shown), ("rates", rates), *([("marks", marks)] if len(marks) else [])],
            notes=["; ".join(self.rules())],
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the funnel: a bar for each stage and for won, with the conversion between them.

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
        >>> log = [{"deal_id": 1, "stage": "new", "entered_on": "2024-01-01"}]
        >>> forecast.funnel(log, ["new"]).plot().get_xlabel()
        'deals'
        """
        from salesops.forecast import plot

        return plot.funnel(
            _tables.stage_table(self.measures), self.won, self.options.won, self.options.as_of, ax=ax
        )
