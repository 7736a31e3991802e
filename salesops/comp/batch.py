"""Calculate in batches of reps: a frame of credits in, a frame of payouts or lines out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Literal, cast

import attrs
import pandas as pd

from salesops._faults import check_choice, raise_all, refuse
from salesops._frames import to_frame
from salesops.comp._parts import listed, of_reps
from salesops.comp._quotas import Prorate
from salesops.comp._triage import open_tables
from salesops.comp.engine import calculate
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.errors import Problem
from salesops.models import FiscalCalendar, Period

__all__ = ["Batch"]

_TABLES = (
    "assignments",
    "quotas",
    "target_pay",
    "metrics",
    "events",
    "fx",
    "reporting",
    "balances",
    "reps",
)


def _in_order(periods: Iterable[Period] | None) -> tuple[Period, ...] | None:
    return None if periods is None else tuple(periods)


def _plans(plans: Any) -> tuple[CompPlan, ...]:
    return tuple(plans) if isinstance(plans, Iterable) else (plans,)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Batch:
    """``calculate`` with everything given but the credits: call it with those of some reps.

    A value that pickles, for engines that carry a function to their data: DuckDB, Dask, Spark. Put all
    credits of a rep into one batch; the order of batches and of rows does not matter. The statements are
    those of one run of everything, to the last minor unit.

    Parameters
    ----------
    plans : CompPlan or sequence of CompPlan
        Each names its currency, and none has overrides or contests, which look at other reps.
    assignments, quotas, target_pay, metrics, events, fx, reporting, balances, reps : table, optional
        As for :func:`calculate`, of all reps; each batch takes the rows of its own.
    periods : sequence of Period, optional
        As for :func:`calculate`.
    calendar : FiscalCalendar, optional
        As for :func:`calculate`.
    columns : mapping, optional
        ``{"name in your tables": "name here"}``.
    prorate, first_day, zone, input_rounding, on_error, detail
        As for :func:`calculate`.
    output : {"payouts", "lines", "credits"}, default "payouts"
        Which table of a run comes out; of lines with ``line_key`` in place of ``line_id``.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesops.comp import Batch, CompPlan
    >>> tiers = [{"from": "0", "rate": "0.1"}]
    >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
    >>> batch = Batch(plans=plan)
    >>> credits = pd.DataFrame({"credit_id": ["c1"], "rep_id": ["anna"], "amount": ["250.00"]})
    >>> batch(credits)["earned"].tolist()
    [2500]
    """

    plans: tuple[CompPlan, ...] = attrs.field(converter=_plans)
    assignments: object = None
    quotas: object = None
    target_pay: object = None
    metrics: object = None
    events: object = None
    fx: object = None
    reporting: object = None
    balances: object = None
    reps: object = None
    periods: tuple[Period, ...] | None = attrs.field(default=None, converter=_in_order)
    calendar: FiscalCalendar | None = None
    columns: Mapping[str, str] | None = None
    prorate: Prorate = "none"
    first_day: Literal["counts", "free"] = "counts"
    zone: str | None = None
    input_rounding: Any = None
    on_error: Literal["raise", "hold"] = "raise"
    detail: Literal["lines", "totals"] = "lines"
    output: Literal["payouts", "lines", "credits"] = "payouts"
    _tables: dict[str, pd.DataFrame] = attrs.field(init=False, alias="_tables")

    def __attrs_post_init__(self) -> None:
        check_choice("output", self.output, ("payouts", "lines", "credits"))
        if self.columns is not None and not isinstance(self.columns, Mapping):
            raise refuse("columns", "is a mapping of names in your tables to names here", self.columns)
        for plan in self.plans:
            if not isinstance(plan, CompPlan):
                raise refuse("plans", "is not a CompPlan", plan)
            if plan.currency is None:
                raise refuse("plans", "a plan for batches names its currency", plan.plan_id)
            others = [part.name for part in plan.components if part.kind in ("override", "contest")]
            if others:
                hint = "calculate all reps in one run"
                raise refuse("plans", "overrides and contests look at other reps", others[0], hint=hint)
        given = {name: getattr(self, name) for name in _TABLES}
        faults: list[Problem] = []
        frames = {name: to_frame(data, name) for name, data in given.items() if data is not None}
        known = {label for frame in frames.values() for label in frame.columns}
        names = {old: new for old, new in (self.columns or {}).items() if old in known}
        tables = open_tables(frames, names, faults)
        raise_all("Batch", faults)
        object.__setattr__(self, "_tables", tables)

    def __repr__(self) -> str:
        plans = ", ".join(plan.plan_id for plan in self.plans)
        return f"Batch({plans}; {', '.join(self._tables) or 'no other tables'} -> {self.output})"

    def __call__(self, credits: object) -> pd.DataFrame:
        """Calculate the reps of some credits.

        Parameters
        ----------
        credits : table
            All credits of one rep or several.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from salesops.comp import Batch, CompPlan
        >>> tiers = [{"from": "0", "rate": "0.1"}]
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[{"kind": "commission", "tiers": tiers}])
        >>> batch = Batch(plans=plan, output="lines")
        >>> batch([{"credit_id": "c1", "rep_id": "anna", "amount": "250.00"}])["rate"].tolist()
        ['0.1']
        """
        frame = to_frame(credits, "credits")
        names = {old: new for old, new in (self.columns or {}).items() if old in frame.columns}
        frame = to_frame(frame, "credits", columns=names)
        reps = frame["rep_id"].dropna().unique().tolist() if "rep_id" in frame.columns else []
        return self._shown(frame, of_reps(self._tables, reps, frame))

    def idle(self, rep_ids: Iterable[Hashable]) -> pd.DataFrame:
        """Calculate the reps of the other tables who have no credits: draws, guarantees, statements of 0.

        Parameters
        ----------
        rep_ids : iterable of hashable
            The reps who have credits.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from salesops.comp import Batch, CompPlan, Draw
        >>> plan = CompPlan(plan_id="ae", currency="USD", components=[Draw(amount="100")])
        >>> batch = Batch(plans=plan, reps=[{"rep_id": "anna"}, {"rep_id": "ben"}])
        >>> batch.idle(["anna"])[["rep_id", "paid", "balance"]]
          rep_id   paid  balance
        0    ben  10000    10000
        """
        busy = listed("rep_ids", "names the reps who have credits, in a list", rep_ids)
        tables = {
            name: table[~table["rep_id"].isin(busy)] if "rep_id" in table.columns else table
            for name, table in self._tables.items()
            if name != "events"
        }
        empty = pd.DataFrame(
            {name: [] for name in ("credit_id", "rep_id", "amount", "earned_on")}, dtype=object
        )
        return self._shown(empty, tables)

    def _shown(self, credits: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        run: CompRun = calculate(
            self.plans,
            credits,
            periods=self.periods,
            calendar=self.calendar,
            prorate=self.prorate,
            first_day=self.first_day,
            zone=self.zone,
            input_rounding=self.input_rounding,
            on_error=self.on_error,
            detail=self.detail,
            **cast("dict[str, Any]", tables),
        )
        if self.output == "lines":
            return run.lines(keys=True).drop(columns="line_id")
        return run.credits() if self.output == "credits" else run.payouts()
