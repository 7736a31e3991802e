"""Pictures of capacity, quotas and reconciled forecasts: each takes `ax` and returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REPS, _HIRES, _OPEN = "#4878a8", "#3a8f5c", "#b8860b"
_BAND = "#1c2733"


def capacity(table: pd.DataFrame, seats: pd.DataFrame, level: float, *, ax: Axes | None = None) -> Axes:
    """Draw expected capacity by period, stacked by who brings it, with the interval of the sum."""
    rows = table.iloc[:-1]
    place = np.arange(len(rows))
    ax = _display.axes(ax, (max(6.5, 1.5 + 0.55 * len(rows)), 4.2))
    bottom = np.zeros(len(rows))
    made = seats.pivot_table(index="period", columns="kind", values="expected", aggfunc="sum")
    for kind, name, colour in (
        ("rep", "reps there or signed", _REPS),
        ("hire", "planned hires", _HIRES),
        ("open seat", "open seats", _OPEN),
    ):
        if kind in made.columns:
            part = made[kind].reindex(rows["period"]).to_numpy(dtype=float)
            ax.bar(place, part, bottom=bottom, color=colour, width=0.72, label=name)
            bottom += part
    expected = rows["expected"].to_numpy(dtype=float)
    lower, upper = rows["lower"].to_numpy(dtype=float), rows["upper"].to_numpy(dtype=float)
    middle = (lower + upper) / 2
    ax.errorbar(
        place,
        middle,
        yerr=(upper - lower) / 2,
        fmt="none",
        ecolor=_BAND,
        capsize=3,
        linewidth=1.2,
        label=f"{100 * level:g} % interval",
    )
    ax.set_xticks(place, rows["period"], rotation=0 if len(rows) <= 8 else 45, fontsize=9)
    ax.set_ylim(0, 1.12 * max(float(upper.max()), float(expected.max()), 1e-9))
    ax.set_ylabel("capacity")
    ax.yaxis.set_major_formatter(lambda value, _: _display.number(value))
    ax.set_title("Capacity by period", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def quotas(reps: pd.DataFrame, currency: str, places: int, *, ax: Axes | None = None) -> Axes:
    """Draw the quota of each rep, largest first; beyond forty reps only their steps."""
    amounts = reps["amount"].to_numpy(dtype=float) / 10**places
    names = {"": ("by share", _REPS), "at its minimum": ("at its minimum", _OPEN)}
    names |= {"at its maximum": ("at its maximum", _HIRES), "locked": ("locked", "#8a96a3")}
    ax = _display.axes(ax, (7.5, min(1.2 + 0.3 * len(reps), 9.0)))
    place = np.arange(len(reps))
    for state, (name, colour) in names.items():
        rows = (reps["state"] == state).to_numpy()
        if rows.any():
            ax.barh(place[rows], amounts[rows], color=colour, height=0.72, label=name)
    if len(reps) <= 40:
        ax.set_yticks(place, [str(name) for name in reps["node_id"]], fontsize=9)
    else:
        ax.set_ylabel(f"{len(reps):,} reps, largest quota first")
        ax.set_yticks([])
    ax.invert_yaxis()
    ax.set_xlabel(f"quota ({currency})")
    ax.xaxis.set_major_formatter(lambda value, _: _display.number(value))
    ax.set_title("Quotas of reps", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return ax


def reconciled(
    names: list[str],
    base: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    method: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw an arrow from base to reconciled forecast for the nodes that moved most."""
    moved = np.abs(values - base)
    chosen = np.sort(np.lexsort((np.arange(len(names)), -moved))[:20])
    chosen = chosen[np.lexsort((chosen, -np.abs(values[chosen])))]
    ax = _display.axes(ax, (7.5, 1.4 + 0.34 * len(chosen)))
    place = np.arange(len(chosen))
    ax.hlines(place, base[chosen], values[chosen], color="#8a96a3", linewidth=2.0)
    ax.plot(base[chosen], place, "o", color="white", markeredgecolor=_REPS, label="base", markersize=7)
    ax.plot(values[chosen], place, "o", color=_HIRES, label=f"reconciled ({method})", markersize=6)
    ax.set_yticks(place, [names[k] for k in chosen.tolist()], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel("forecast")
    ax.xaxis.set_major_formatter(lambda value, _: _display.number(value))
    title = "Base and reconciled forecasts"
    if len(chosen) < len(names):
        title += f": the {len(chosen)} of {len(names):,} nodes that moved most"
    ax.set_title(title, loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return ax
