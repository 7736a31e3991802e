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
