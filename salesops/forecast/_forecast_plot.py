"""Pictures of forecasts: a fan over the days to come, and what moved the total."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesops import _display
from salesops._faults import count, warn
from salesops.errors import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from salesops.forecast.distribution import Distribution

_LINE, _CAME, _UP, _DOWN, _TARGET = "#4878a8", "#222222", "#3a8f5c", "#c0504d", "#c0504d"
_BANDS = ((95, 0.16), (80, 0.24), (50, 0.34))
_ENDS = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)


def running_total(
    closed: pd.DataFrame, since: dt.date, until: dt.date
) -> tuple[pd.DataFrame, tuple[Hashable, ...]]:
    """Add up what was won after one day, day by day up to another; and name deals of unknown amount."""
    day = closed["closed_on"].to_numpy().astype("datetime64[D]")
    first, last = np.datetime64(since, "D"), np.datetime64(until, "D")
    mine = (closed["outcome"] == "won").to_numpy() & (day > first) & (day <= last)
    place = (day[mine] - first).astype(np.int64)
    amounts = closed["amount"].to_numpy(dtype=np.float64)[mine]
    unknown = np.isnan(amounts)
    days = np.arange(first, last + 1)
    daily = np.bincount(place[~unknown], amounts[~unknown], minlength=len(days))
    who = tuple(closed["deal_id"][mine][unknown].tolist())
    return pd.DataFrame({"day": days, "total": np.cumsum(daily)}), who


def fan(
    closed: pd.DataFrame | None,
    laws: Mapping[dt.date, Distribution],
    since: dt.date,
    as_of: dt.date,
    *,
    target: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the running total of what was won after a day, and the bands and mean of what is to come."""
    ax = _display.axes(ax, (9.0, 4.4))
    start = 0.0
    if closed is not None:
        past, unknown = running_total(closed, since, as_of)
        start = float(past["total"].iloc[-1])
        label = "won so far"
        if unknown:
            label += f"\nwithout {count(len(unknown), 'deal')} of unknown amount"
            shown = ", ".join(map(show, unknown[:5])) + (" ..." if len(unknown) > 5 else "")
            warn(
                f"{count(len(unknown), 'won deal')} of unknown amount {'is' if len(unknown) == 1 else 'are'} "
                f"not in the running total: {shown}; give the amounts with which they were won"
            )
        ax.step(past["day"], past["total"], where="post", color=_CAME, linewidth=1.4, label=label)
    until = sorted(laws)
    days = np.array([as_of, *until], dtype="datetime64[D]")
    ends = start + np.array([np.zeros(len(_ENDS)), *(laws[day].quantile(_ENDS) for day in until)])
    for k, (level, shade) in enumerate(_BANDS):
        low, high = ends[:, k], ends[:, -1 - k]
        ax.fill_between(days, low, high, color=_LINE, alpha=shade, linewidth=0, label=f"{level} % interval")
    means = start + np.array([0.0, *(laws[day].mean for day in until)])
    ax.plot(days, means, color=_LINE, linewidth=1.6, marker="o", markersize=3.5, label="forecast, mean")
    if target is not None:
        ax.axhline(target, color=_TARGET, linewidth=1.2, label=f"target {_display.number(target)}")
    ax.axvline(days[0], color=_CAME, linewidth=0.8, linestyle=":")
    ax.set_ylim(bottom=0.0)
    _plain_dates(ax)
    ax.set_ylabel("amount won, running total")
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _finished(ax, f"Won after {since}, and forecast as of {as_of}")


def waterfall(table: pd.DataFrame, title: str, *, ax: Axes | None = None) -> Axes:
    """Draw the first and last total as bars from 0, and each part between from where the one before ended."""
    ax = _display.axes(ax, (9.0, 4.4))
    names, amounts = table["part"].tolist(), table["amount"].to_numpy(dtype=np.float64)
    ends = np.append(np.cumsum(amounts[:-1]), amounts[-1])
    starts = np.concatenate([[0.0], ends[:-2], [0.0]])
    room = 0.012 * float(np.ptp(np.concatenate([starts, ends]))) or 1.0
    for k, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        is_total = k in (0, len(names) - 1)
        ax.bar(
            k,
            end - start,
            bottom=start,
            width=0.62,
            color=_LINE if is_total else _UP if end >= start else _DOWN,
        )
        if not is_total:
            ax.plot([k - 1 + 0.31, k - 0.31], [start, start], color="#8a96a3", linewidth=0.8)
        words = f"{amounts[k]:,.0f}" if is_total else f"{amounts[k]:+,.0f}"
        ax.text(k, max(start, end) + room, words, ha="center", va="bottom", fontsize=9)
    ax.plot([len(names) - 2 + 0.31, len(names) - 1 - 0.31], [ends[-2]] * 2, color="#8a96a3", linewidth=0.8)
    ax.set_xticks(range(len(names)), names, fontsize=9)
    low, high = min(0.0, float(ends.min())), float(max(starts.max(), ends.max()))
    ax.set_ylim(low - 0.1 * (low < 0.0) * (high - low), high + 0.1 * (high - low) or 1.0)
    ax.axhline(0.0, color=_CAME, linewidth=0.8)
    ax.set_ylabel("amount")
    return _finished(ax, title)


def _plain_dates(ax: Axes) -> None:
    from matplotlib import dates

    locator = dates.AutoDateLocator(maxticks=9)  # type: ignore[no-untyped-call]  # matplotlib has no types here
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above


def _finished(ax: Axes, title: str) -> Axes:
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_title(title, loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
