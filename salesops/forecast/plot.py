"""Pictures of funnels and curves: each takes `ax`, returns it, and sets no global style."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Band = tuple[Floats, Floats]

_BAR = "#4878a8"
_WON = "#3a8f5c"
_STILL_OPEN = "#8a96a3"
_COLOURS = {"won": _WON, "moved on": _WON, "lost": "#c0504d", "open": _STILL_OPEN}
_SEGMENTS = (_BAR, _WON, "#c0504d", "#b8860b", "#7a5195", "#d6719f", "#6b4f3a", "#8a96a3")
_OTHERS = ("#b8860b", "#7a5195", "#2f7f93", "#6b4f3a")


def funnel(table: pd.DataFrame, n_won: int, won: str, as_of: dt.date, *, ax: Axes | None = None) -> Axes:
    """Draw a bar for each stage of a stage table and one for won, with the conversion of each stage."""
    ax = _display.axes(ax, (8.0, 1.2 + 0.55 * (len(table) + 1)))
    entered = np.append(table["entered"].to_numpy(dtype=float), float(n_won))
    still = np.append(table["open"].to_numpy(dtype=float), 0.0)
    place = np.arange(len(entered))
    colours = [_BAR] * len(table) + [_WON]
    ax.barh(place, entered - still, color=colours, height=0.68)
    ax.barh(
        place, still, left=entered - still, color=colours, alpha=0.35, height=0.68, label="still open there"
    )
    widest = max(float(entered.max()), 1.0)
    for k, n in enumerate(entered.tolist()):
        text = f"{int(n):,}"
        if k < len(table) and n:
            row = table.iloc[k]
            text += (
                f"   {_display.percent(row['conversion'])} moved on "
                f"({_display.percent(row['lower'])}–{_display.percent(row['upper'])})"
            )
        ax.annotate(text, (n, k), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9)
    ax.set_yticks(place, [*table["stage"], won])
    ax.invert_yaxis()
    ax.set_xlim(0, widest * 1.7)
    ax.set_xlabel("deals")
    ax.set_title(f"Funnel as of {as_of}", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    if still.any():
        ax.legend(loc="lower right", frameon=False, fontsize=9)
    return ax


def curves(
    ages: Floats, states: Mapping[str, tuple[Floats, Band]], title: str, *, ax: Axes | None = None
) -> Axes:
    """Draw the share of deals in each state by age, as steps with bands; open deals start at one."""
    ax = _display.axes(ax, (8.5, 4.2))
    others = iter(_OTHERS * len(states))
    x = np.concatenate([[0.0], ages])
    for state, (share, band) in states.items():
        colour = _COLOURS.get(state) or next(others)
        start = 1.0 if state == "open" else 0.0
        y = np.concatenate([[start], share])
        ax.step(x, y, where="post", color=colour, label=state, linewidth=1.8)
        if len(ages):
            ax.fill_between(ages, band[0], band[1], step="post", color=colour, alpha=0.18, linewidth=0)
    ax.set_xlabel("age")
    ax.set_ylabel("share of deals")
    ax.set_ylim(0.0, 1.02)
    ax.set_xlim(left=0.0)
    ax.set_title(title, loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def segment_curves(
    bands: Mapping[str, tuple[Floats, Floats, Band]], title: str, *, ax: Axes | None = None
) -> Axes:
    """Draw one share by age for several segments, as steps with bands; beyond eight, without bands."""
    ax = _display.axes(ax, (8.5, 4.2))
    for k, (name, (ages, share, band)) in enumerate(bands.items()):
        colour = _SEGMENTS[k % len(_SEGMENTS)]
        style = "-" if k < len(_SEGMENTS) else "--"
        x, y = np.concatenate([[0.0], ages]), np.concatenate([[0.0], share])
        ax.step(x, y, where="post", color=colour, linestyle=style, label=name, linewidth=1.6)
        if len(ages) and len(bands) <= len(_SEGMENTS):
            ax.fill_between(ages, band[0], band[1], step="post", color=colour, alpha=0.13, linewidth=0)
    ax.set_xlabel("days since the deal was created")
    ax.set_ylabel("share of deals")
    ax.set_ylim(bottom=0.0)
    ax.set_xlim(left=0.0)
    ax.set_title(title, loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def pooled(table: pd.DataFrame, mean: float, level: float, *, ax: Axes | None = None) -> Axes:
    """Draw the own rate of each segment, faint, and its pooled rate with the interval."""
    ax = _display.axes(ax, (8.0, 1.4 + 0.32 * len(table)))
    place = np.arange(len(table))
    ax.axvline(mean, color=_STILL_OPEN, linewidth=1.0, linestyle="--", label="all segments")
    ax.scatter(
        table["value"],
        place,
        facecolors="none",
        edgecolors=_STILL_OPEN,
        s=34,
        label="own cases only",
        clip_on=False,
    )
    ax.hlines(place, table["pooled_lower"], table["pooled_upper"], color=_BAR, linewidth=2.0, alpha=0.6)
    ax.scatter(
        table["pooled"], place, color=_BAR, s=26, label=f"pooled ({100 * level:g} % interval)", zorder=3
    )
    labels = [f"{name} ({n:,})" for name, n in zip(table["segment"], table["n"].tolist(), strict=True)]
    ax.set_yticks(place, labels)
    ax.invert_yaxis()
    ax.set_xlabel("rate")
    ax.set_xlim(left=0.0)
    ax.set_title("Rates of segments, small ones leaning on the whole", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def due(table: pd.DataFrame, as_of: dt.date, *, ax: Axes | None = None) -> Axes:
    """Draw what became of the deals that were due in each period."""
    ax = _display.axes(ax, (1.8 + 0.75 * max(len(table), 4), 4.0))
    place, base = np.arange(len(table)), np.zeros(len(table))
    for name, colour in (("won", _WON), ("lost", _COLOURS["lost"]), ("slipped", "#b8860b")):
        height = table[name].to_numpy(dtype=float)
        ax.bar(place, height, bottom=base, color=colour, width=0.7, label=name)
        base = base + height
    for k, (n, rate) in enumerate(zip(base.tolist(), table["slip_rate"].tolist(), strict=True)):
        if n:
            text = f"{_display.percent(rate)} slipped"
            ax.annotate(text, (k, n), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8)
    ax.set_xticks(place, list(table["period"]), rotation=30, ha="right")
    ax.set_ylim(0.0, 1.12 * max(float(base.max(initial=0.0)), 1.0))
    ax.set_ylabel("deals due")
    ax.set_title(f"Deals due at the start of each period, as of {as_of}", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def attainment(values: Floats, title: str, *, ax: Axes | None = None) -> Axes:
    """Draw how many reps stand where, with quota and the median marked."""
    ax = _display.axes(ax, (8.0, 3.8))
    from matplotlib.ticker import MaxNLocator

    top = max(2.0, float(np.quantile(values, 0.99)) * 1.05) if len(values) else 2.0
    least = min(0, int(np.floor(10 * values.min()))) if len(values) else 0
    edges = np.arange(least, np.ceil(10 * top) + 1) / 10
    shown = np.minimum(values, edges[-1] - 1e-9)
    for mask, colour, name in ((shown < 1.0, _BAR, "below quota"), (shown >= 1.0, _WON, "at quota or above")):
        ax.hist(shown[mask], bins=edges.tolist(), color=colour, label=name, rwidth=0.92)
    ax.axvline(1.0, color="#444444", linewidth=1.2)
    if len(values):
        median = float(np.median(values))
        label = f"median {_display.percent(median)}"
        ax.axvline(median, color="#b8860b", linewidth=1.2, linestyle="--", label=label)
    ax.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f} %")
    beyond = int((values >= edges[-1]).sum()) if len(values) else 0
    more = f"; the last bar holds {beyond} at {100 * edges[-1]:.0f} % or more" if beyond else ""
    ax.set_xlabel("attainment" + more)
    ax.set_ylabel("reps")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(title, loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax
