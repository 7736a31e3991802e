"""Two plans on the same history: who gains, who loses, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs
import pandas as pd

from salesops import _money as money
from salesops._display import html_card
from salesops._faults import count, refuse
from salesops._frames import jsonable
from salesops._money import EXPONENTS, Rounding
from salesops.comp._quotas import Prorate
from salesops.comp.engine import calculate
from salesops.comp.plan import CompPlan
from salesops.comp.results import CompRun
from salesops.comp.statement import money_text
from salesops.models import FiscalCalendar, Period

__all__ = ["PlanComparison", "compare", "compare_runs"]

_KEYS = ["rep_id", "period", "currency"]


@attrs.frozen(kw_only=True, repr=False)
class PlanComparison:
    """What two runs pay the same people; made by :func:`compare` and :func:`compare_runs`.

    Parameters
    ----------
    before, after : CompRun

    Examples
    --------
    >>> from salesops import comp
    >>> flat = [{"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}]
    >>> tiers = [{"from": "0", "rate": "0.08"}, {"from": "100", "rate": "0.2"}]
    >>> steep = [{"kind": "commission", "tiers": tiers}]
    >>> old = comp.CompPlan(plan_id="old", currency="USD", components=flat)
    >>> new = comp.CompPlan(plan_id="new", currency="USD", components=steep)
    >>> credits = [
    ...     {"credit_id": 1, "rep_id": "anna", "amount": "100.00"},
    ...     {"credit_id": 2, "rep_id": "bo", "amount": "300.00"},
    ... ]
    >>> compare(old, new, credits)
    PlanComparison(cost 40.00 USD to 56.00 USD; 1 up, 1 down, 0 unchanged)
    """

    before: CompRun
    after: CompRun

    def __repr__(self) -> str:
        frame = self.to_frame()
        change = frame["change"]
        tally = f"{(change > 0).sum()} up, {(change < 0).sum()} down, {(change == 0).sum()} unchanged"
        return f"PlanComparison({self._costs()}; {tally})"

    def _costs(self) -> str:
        cost = self.cost()
        if not len(cost):
            return "nothing paid"
        rows = zip(cost["before"].tolist(), cost["after"].tolist(), cost["currency"].tolist(), strict=True)
        return ", ".join(
            f"cost {money_text(old, code)} to {money_text(new, code)}" for old, new, code in rows
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        shown = frame.sort_values(["change", "rep_id"], key=_sortable, kind="stable")
        places = [EXPONENTS.get(code or "", 2) for code in shown["currency"]]
        for name in ("before", "after", "change"):
            cells = zip(shown[name].tolist(), places, strict=True)
            shown[name] = [money.format_minor(minor, k, thousands=True) for minor, k in cells]
        facts = {"cost": self._costs(), "reps": count(len(frame), "rep")}
        return html_card("Comparison of plans", facts, [("Reps, who loses most first", shown)])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_frame().__arrow_c_stream__(requested_schema)

    def by_period(self) -> pd.DataFrame:
        """Give one row for each rep, period and currency.

        Returns
        -------
        DataFrame
            ``rep_id, period, currency, before, after, change`` in minor units.

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> credits = [{"credit_id": 1, "rep_id": "anna", "amount": "100.00"}]
        >>> compare(plan, plan, credits).by_period()["change"].tolist()
        [0]
        """
        old, new = (run.payouts()[[*_KEYS, "earned"]] for run in (self.before, self.after))
        both = old.merge(new, on=_KEYS, how="outer", suffixes=("_old", "_new"))
        both = both.rename(columns={"earned_old": "before", "earned_new": "after"})
        for name in ("before", "after"):
            both[name] = both[name].astype("Int64").fillna(0).astype("int64")
        both["change"] = both["after"] - both["before"]
        return both.reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each rep and currency.

        Returns
        -------
        DataFrame
            ``rep_id, currency, before, after, change`` in minor units, and ``change_share`` as a float
            (missing where nothing was paid before).

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> credits = [{"credit_id": 1, "rep_id": "anna", "amount": "100.00"}]
        >>> compare(plan, plan, credits).to_frame()[["rep_id", "before", "after", "change"]]
          rep_id  before  after  change
        0   anna    1000   1000       0
        """
        names = ["before", "after", "change"]
        by_rep = self.by_period().groupby(["rep_id", "currency"], dropna=False, sort=False)
        frame = by_rep[names].sum().reset_index()
        base = frame["before"].where(frame["before"] != 0)
        return frame.assign(change_share=frame["change"] / base)

    def gains(self) -> pd.DataFrame:
        """Give the reps who would be paid more, the largest gain first.

        Returns
        -------
        DataFrame
            The columns of :meth:`to_frame`.

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> len(compare(plan, plan, [{"credit_id": 1, "rep_id": "anna", "amount": "1"}]).gains())
        0
        """
        frame = self.to_frame()
        up = frame[frame["change"] > 0]
        return up.sort_values("change", ascending=False, kind="stable", ignore_index=True)

    def losses(self) -> pd.DataFrame:
        """Give the reps who would be paid less, the largest loss first.

        Returns
        -------
        DataFrame
            The columns of :meth:`to_frame`.

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> len(compare(plan, plan, [{"credit_id": 1, "rep_id": "anna", "amount": "1"}]).losses())
        0
        """
        frame = self.to_frame()
        return frame[frame["change"] < 0].sort_values("change", kind="stable", ignore_index=True)

    def cost(self) -> pd.DataFrame:
        """Give what each plan costs.

        Returns
        -------
        DataFrame
            ``currency, before, after, change`` in minor units.

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> compare(plan, plan, [{"credit_id": 1, "rep_id": "anna", "amount": "100"}]).cost()
          currency  before  after  change
        0      USD    1000   1000       0
        """
        names = ["before", "after", "change"]
        return self.by_period().groupby("currency", dropna=False)[names].sum().reset_index()

    def explain(self, rep_id: object) -> str:
        """Say what changes for one rep.

        Parameters
        ----------
        rep_id : hashable

        Returns
        -------
        str

        Raises
        ------
        InvalidInput
            If neither run paid such a rep.

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> compare(plan, plan, [{"credit_id": 1, "rep_id": "anna", "amount": "100"}]).explain("anna")
        "'anna' is paid 10.00 USD before and 10.00 USD after, 0.00 USD more."
        """
        frame = self.to_frame()
        same = [type(one) is type(rep_id) and one == rep_id for one in frame["rep_id"].tolist()]
        mine = frame[same]
        if not len(mine):
            raise refuse("rep_id", "neither run knows such a rep", rep_id)
        texts = []
        for row in mine.to_dict("records"):
            code = row["currency"]
            old, new = money_text(int(row["before"]), code), money_text(int(row["after"]), code)
            size = money_text(abs(int(row["change"])), code)
            way = "less" if row["change"] < 0 else "more"
            texts.append(f"{rep_id!r} is paid {old} before and {new} after, {size} {way}.")
        return " ".join(texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types; amounts are minor units.

        Returns
        -------
        dict

        Examples
        --------
        >>> from salesops import comp
        >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
        >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
        >>> both = compare(plan, plan, [{"credit_id": 1, "rep_id": "anna", "amount": "100"}])
        >>> both.to_dict()["cost"][0]["after"]
        1000
        """
        return {"cost": jsonable(self.cost()), "reps": jsonable(self.to_frame())}


def _sortable(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(repr) if column.name == "rep_id" else column


def compare(
    plan_a: CompPlan | Sequence[CompPlan],
    plan_b: CompPlan | Sequence[CompPlan],
    credits: object,
    *,
    assignments: object = None,
    quotas: object = None,
    target_pay: object = None,
    metrics: object = None,
    events: object = None,
    fx: object = None,
    reporting: object = None,
    balances: object = None,
    reps: object = None,
    periods: Iterable[Period] | None = None,
    calendar: FiscalCalendar | None = None,
    columns: Mapping[str, str] | None = None,
    prorate: Prorate = "none",
    first_day: Literal["counts", "free"] = "counts",
    zone: str | None = None,
    input_rounding: Rounding | None = None,
    on_error: Literal["raise", "hold"] = "raise",
) -> PlanComparison:
    """Pay the same credits by two plans.

    Parameters
    ----------
    plan_a, plan_b : CompPlan or sequence of CompPlan
        Before and after.
    credits : table
        As for :func:`calculate`, and so are the options.
    assignments, quotas, target_pay, metrics, events, fx, reporting, balances, reps : table, optional
    periods : sequence of Period, optional
    calendar : FiscalCalendar, optional
    columns : mapping, optional
    prorate : {"none", "days", "working_days", "months"}, default "none"
    first_day : {"counts", "free"}, default "counts"
    zone : str, optional
    input_rounding : str, optional
    on_error : {"raise", "hold"}, default "raise"

    Returns
    -------
    PlanComparison

    Raises
    ------
    InvalidInput
        If either run is refused.

    Examples
    --------
    >>> from salesops import comp
    >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
    >>> old = comp.CompPlan(plan_id="old", currency="USD", components=[part])
    >>> new = comp.CompPlan(plan_id="new", currency="USD", components=[part], cap={"amount": "5"})
    >>> comp.compare(old, new, [{"credit_id": 1, "rep_id": "anna", "amount": "100"}]).explain("anna")
    "'anna' is paid 10.00 USD before and 5.00 USD after, 5.00 USD less."
    """
    spans = None if periods is None else tuple(periods)
    before, after = (
        calculate(
            plan,
            credits,
            assignments=assignments,
            quotas=quotas,
            target_pay=target_pay,
            metrics=metrics,
            events=events,
            fx=fx,
            reporting=reporting,
            balances=balances,
            reps=reps,
            periods=spans,
            calendar=calendar,
            columns=columns,
            prorate=prorate,
            first_day=first_day,
            zone=zone,
            input_rounding=input_rounding,
            on_error=on_error,
        )
        for plan in (plan_a, plan_b)
    )
    return compare_runs(before, after)


def compare_runs(before: CompRun, after: CompRun) -> PlanComparison:
    """Compare two runs that were calculated apart, for plans that need tables of their own.

    Parameters
    ----------
    before, after : CompRun

    Returns
    -------
    PlanComparison

    Raises
    ------
    InvalidInput
        If one of them is no run.

    Examples
    --------
    >>> from salesops import comp
    >>> part = {"kind": "commission", "tiers": [{"from": "0", "rate": "0.1"}]}
    >>> plan = comp.CompPlan(plan_id="p", currency="USD", components=[part])
    >>> run = comp.calculate(plan, [{"credit_id": 1, "rep_id": "anna", "amount": "100"}])
    >>> comp.compare_runs(run, run)
    PlanComparison(cost 10.00 USD to 10.00 USD; 0 up, 0 down, 1 unchanged)
    """
    for name, run in (("before", before), ("after", after)):
        _check_run(name, run)
    return PlanComparison(before=before, after=after)


def _check_run(name: str, run: object) -> None:
    if not isinstance(run, CompRun):
        raise refuse(name, "is not a CompRun", type(run).__name__)
