"""Before against after, with or without a group that did not change, unfinished deals included."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import numpy as np

from salesops._calendar import day_of
from salesops._faults import refuse
from salesops.evaluation._contrast import as_date, compare, plan_of, trends
from salesops.evaluation._rows import Metric, check_share, read_rows, read_windows
from salesops.evaluation.results import Effect, Placebo
from salesops.models import FiscalCalendar

__all__ = ["before_after", "difference_in_differences", "placebo"]


def before_after(
    data: object,
    *,
    changed_on: dt.date | str | None = None,
    as_of: dt.date | str | None = None,
    before: tuple[Any, Any] | None = None,
    after: tuple[Any, Any] | None = None,
    metric: Metric = "share",
    outcome: str = "won",
    age: float | None = None,
    straddling: bool = False,
    observed_from: dt.date | str | None = None,
    within: str | None = None,
    cluster: str | None = "auto",
    season: Literal["quarter"] | None = "quarter",
    calendar: FiscalCalendar | None = None,
    level: float = 0.95,
    power: float = 0.8,
    columns: Mapping[str, str] | None = None,
) -> Effect:
    """Compare the time after a change with the time before it, deals that have not matured included.

    Young deals have had less time to be won. They are never counted as not won: both sides are read at one
    age, each deal counts as far as it was seen, and that age is one that both sides have reached.

    Parameters
    ----------
    data : table
        For deals: ``created_on``, ``outcome`` (``"open"`` or missing while open), ``closed_on``, and
        ``amount`` for that metric; each ``deal_id``, if there is one, once. For ``metric="mean"``: ``on``
        and ``value``.
    changed_on : date, optional
        First day of the new way of working. Needed unless both windows are given.
    as_of : date, optional
        Day up to which the deals are known; what happened later is not used. Needed for deals.
    before, after : pair of dates, optional
        Windows of creation, end excluded. Default: all that is there on either side of the change.
    metric : {"share", "amount", "days", "mean"}, default "share"
        Share of deals that ended as `outcome` by the age; amount of such deals per deal created; days open,
        up to the age (restricted mean); or the plain mean of ``value``.
    outcome : str, default "won"
        The end that counts.
    age : float, optional
        Age in days at which both sides are read. Default: the last matured age, which half the deals of the
        younger side have had the time to reach; it depends on dates of creation alone.
    straddling : bool, default False
        True counts what became of old deals after the change for the old way. False looks at them up to
        the change only, because after it they are worked the new way.
    observed_from : date, optional
        First day of the log, if deals that ended earlier are not in it; older deals then enter late.
    within : str, optional
        A column (``"segment"``): compare like with like, each value of it apart, and weigh them on both sides
        as they stand in all rows, so that a change of mix is not taken for an effect.
    cluster : str or None, default "auto"
        Rows that move together: a column (``"rep_id"``), or the ``"day"``, ``"week"`` or ``"month"`` of
        creation. ``"auto"`` takes weeks if either side has at least 8, else days, else single rows. None
        takes rows as independent.
    season : {"quarter"} or None, default "quarter"
        Deals end in a rush when a quarter does, and a side that saw two rushes is not like one that saw one.
        "quarter" reads both sides at an even pace if a pace by week of the quarter shows in the data and
        repeats (two quarters at least; `notes` say so); else nothing changes. None reads them as they are.
    calendar : FiscalCalendar, optional
        Where quarters begin; the calendar year otherwise. Needed for quarters of weeks (4-4-5).
    level, power : float
        Of the interval, and of the smallest visible effect.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    Effect
        Undefined, with the reason, if a side is empty or has not reached the age.

    Raises
    ------
    InvalidInput
        If a row, a window or an option cannot be meant.

    Notes
    -----
    Shares are Aalen-Johansen (other ends compete), days the restricted mean of Kaplan-Meier. The variance
    sums the influence of each deal over clusters, so it equals Greenwood's for single rows (for a share, as
    if one more deal had ended either way, which keeps small samples honest). The test is a t test with
    Welch-Satterthwaite degrees of freedom from the effective number of clusters. The season is one factor for
    each of 13 weeks on the chance to end (won and lost apart), common to both sides: Cox's partial likelihood
    with a normal penalty whose size the data tell (DerSimonian and Laird); what is not known of it widens the
    interval. Sorting dominates: O(n log n), and for the season days of creation x ages. A comparison in time
    alone cannot tell the change from whatever else happened then: see
    :func:`placebo` and :func:`difference_in_differences`.

    References
    ----------
    O. O. Aalen, S. Johansen (1978), "An empirical transition matrix for non-homogeneous Markov chains based
    on censored observations".
    L. A. Jaeckel (1972), "The infinitesimal jackknife".
    J. P. Klein, B. Logan, M. Harhoff, P. K. Andersen (2007), "Analyzing survival curves at a fixed point in
    time".
    P. K. Andersen, R. D. Gill (1982), "Cox's regression model for counting processes: a large sample study".
    R. DerSimonian, N. Laird (1986), "Meta-analysis in clinical trials".
    A. Agresti, B. Caffo (2000), "Simple and effective confidence intervals for proportions and differences of
    proportions result from adding two successes and two failures".
    A. V. Carter, K. T. Schnepel, D. G. Steigerwald (2017), "Asymptotic behavior of a t-test robust to cluster
    heterogeneity".

    Examples
    --------
    >>> deals = [
    ...     {"created_on": f"2024-0{m}-{d:02}", "closed_on": f"2024-0{m}-{d + 5:02}", "outcome": "won"}
    ...     if (d + m) % 3
    ...     else {"created_on": f"2024-0{m}-{d:02}"}
    ...     for m in (1, 2, 3, 4)
    ...     for d in range(1, 21)
    ... ]
    >>> before_after(deals, changed_on="2024-03-01", as_of="2024-05-01", age=20)
    Effect(share won by day 20: +2.5 points, 95 % interval -18.9 to +23.9, p=0.817)
    """
    older, newer = read_windows(changed_on, before, after)
    rows = read_rows(
        data,
        metric=metric,
        outcome=outcome,
        as_of=as_of,
        observed_from=observed_from,
        cluster=cluster,
        within=within,
        with_groups=False,
        columns=columns,
    )
    plan = plan_of(
        "before_after", rows, changed_on, older, newer, age, straddling, season, calendar, level, power
    )
    return compare(rows, plan)


def difference_in_differences(
    data: object,
    *,
    changed_on: dt.date | str | None = None,
    as_of: dt.date | str | None = None,
    before: tuple[Any, Any] | None = None,
    after: tuple[Any, Any] | None = None,
    metric: Metric = "mean",
    outcome: str = "won",
    age: float | None = None,
    straddling: bool = False,
    observed_from: dt.date | str | None = None,
    within: str | None = None,
    cluster: str | None = "auto",
    level: float = 0.95,
    power: float = 0.8,
    columns: Mapping[str, str] | None = None,
) -> Effect:
    """Compare the change of a group whose process changed with that of a group whose process did not.

    What happened to both, such as a season or a price rise, cancels out.

    Parameters
    ----------
    data : table
        As for :func:`before_after`, and ``treated``: True in rows of the group that changed, on both sides
        of the date.
    changed_on, as_of, before, after, metric, outcome, age, straddling, observed_from, within, level, power
        As for :func:`before_after`; the metric is the plain mean unless told otherwise.
    cluster : str or None, default "auto"
        As for :func:`before_after`. Name the column of what was treated (``"rep_id"``, ``"team"``) whenever
        there is one: rows of one team are not independent pieces of evidence.
    columns : mapping, optional
        ``{"name in the caller's table": "name here"}``.

    Returns
    -------
    Effect
        With ``trends``: the same comparison of the later with the earlier half of the time before.

    Raises
    ------
    InvalidInput
        If a row, a window or an option cannot be meant.

    Notes
    -----
    ``(after - before of treated) - (after - before of control)``. With clusters that are treated or not as a
    whole, and as many rows each, this is Welch's t test on the change of each cluster (the collapse of
    Bertrand, Duflo and Mullainathan), which holds its level with few clusters.

    References
    ----------
    D. Card, A. B. Krueger (1994), "Minimum wages and employment".
    M. Bertrand, E. Duflo, S. Mullainathan (2004), "How much should we trust differences-in-differences
    estimates?".
    S. G. Donald, K. Lang (2007), "Inference with difference-in-differences and other panel data".

    Examples
    --------
    >>> panel = [
    ...     {"team": team, "on": f"2024-0{month}-01", "treated": team < 3, "value": value}
    ...     for team, values in enumerate([(5, 9), (6, 9), (4, 7), (5, 6), (7, 7), (6, 7)])
    ...     for month, value in zip((1, 2), values, strict=True)
    ... ]
    >>> difference_in_differences(panel, changed_on="2024-02-01", cluster="team")
    Effect(mean value: +2.667, 95 % interval 1.36 to 3.98, p=0.00481)
    """
    older, newer = read_windows(changed_on, before, after)
    rows = read_rows(
        data,
        metric=metric,
        outcome=outcome,
        as_of=as_of,
        observed_from=observed_from,
        cluster=cluster,
        within=within,
        with_groups=True,
        columns=columns,
    )
    plan = plan_of(
        "difference_in_differences", rows, changed_on, older, newer, age, straddling, None, None, level, power
    )
    effect = compare(rows, plan)
    return attrs.evolve(effect, trends=trends(rows, plan))


def placebo(
    data: object,
    *,
    until: dt.date | str,
    n_dates: int = 100,
    metric: Metric = "share",
    outcome: str = "won",
    age: float | None = None,
    straddling: bool = False,
    observed_from: dt.date | str | None = None,
    within: str | None = None,
    cluster: str | None = "auto",
    season: Literal["quarter"] | None = "quarter",
    calendar: FiscalCalendar | None = None,
    level: float = 0.95,
    columns: Mapping[str, str] | None = None,
) -> Placebo:
    """Make the comparison at dates on which nothing changed, and count how often it finds an effect.

    Run it on the time before a change. If the data drift on their own, a comparison before and after will
    find that drift at any date, and the one date that matters is no proof.

    Parameters
    ----------
    data : table
        As for :func:`before_after`.
    until : date
        Nothing from this day on is used: give the day of the real change.
    n_dates : int, default 100
        Placebo dates, evenly spread over the middle 80 % of the rows.
    metric, outcome, age, straddling, observed_from, within, cluster, season, calendar, level, columns
        As for :func:`before_after`.

    Returns
    -------
    Placebo

    Raises
    ------
    InvalidInput
        If a row or an option cannot be meant.

    References
    ----------
    A. Abadie, A. Diamond, J. Hainmueller (2015), "Comparative politics and the synthetic control method".

    Examples
    --------
    >>> rows = [{"on": f"2024-01-{day:02}", "value": (day * 7) % 5} for day in range(1, 29)]
    >>> placebo(rows, until="2024-01-29", metric="mean", n_dates=5).false_alarms
    0.0
    """
    last = day_of("until", until)
    if isinstance(n_dates, bool) or not isinstance(n_dates, (int, np.integer)) or n_dates < 1:
        raise refuse("n_dates", "is a whole number, 1 or more", n_dates)
    rows = read_rows(
        data,
        metric=metric,
        outcome=outcome,
        as_of=last - dt.timedelta(days=1),
        observed_from=observed_from,
        cluster=cluster,
        within=within,
        with_groups=False,
        columns=columns,
    )
    check_share("level", level)
    days = np.sort(rows.on)
    spots = np.unique(np.linspace(0.1, 0.9, int(n_dates)) * max(len(days) - 1, 0)).astype(np.int64)
    dates = [as_date(day) for day in np.unique(days[spots])] if len(days) else []
    found = [
        compare(
            rows,
            plan_of("before_after", rows, day, None, None, age, straddling, season, calendar, level, 0.8),
        )
        for day in dates
    ]
    return Placebo(
        dates=tuple(dates),
        estimates=tuple(effect.estimate for effect in found),
        p_values=tuple(effect.p_value for effect in found),
        nominal=round(1.0 - level, 12),
        figure=found[0].figure if found else metric,
    )
