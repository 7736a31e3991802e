"""Pictures of how forecasts did: reliability, calibration, and a fan over what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

_LINE = "#4878a8"
_CAME = "#1c2733"
_IDEAL = "#8a96a3"
_MANY = ("#4878a8", "#3a8f5c", "#c0504d", "#b8860b", "#7a5195", "#2f7f93", "#6b4f3a")


def reliability(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share that came true over the mean probability, group by group."""
    ax = _display.axes(ax, (5.2, 5.0))
    x, y = table["predicted"].to_numpy(), table["observed"].to_numpy()
    spread = np.stack([y - table["lower"].to_numpy(), table["upper"].to_numpy() - y])
    _diagonal(ax)
    ax.errorbar(x, y, yerr=np.maximum(spread, 0.0), color=_LINE, marker="o", markersize=5, capsize=2)
    ax.set_xlabel("probability that was given")
    ax.set_ylabel("share that came true")
    ax.set_title(f"Reliability of {int(table['n'].sum()):,} probabilities", loc="left", fontsize=11)
    return ax


def calibration(
    lines: Mapping[str, tuple[Floats, Floats]],
    checked: Mapping[str, tuple[float, float, float, float]],
    title: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw, for each model, the share of actuals inside the central interval of each level.

    `lines` holds levels and shares, `checked` the certificate: level, share and the ends of its interval.
    """
    ax = _display.axes(ax, (7.4, 5.0))
    _diagonal(ax)
    colours = [_MANY[k % len(_MANY)] for k in range(len(lines))]
    for k, (name, (level, share)) in enumerate(lines.items()):
        ax.plot(level, share, color=colours[k], linewidth=1.6, label=name)
        if name in checked:
            at, value, lower, upper = checked[name]
            place = at + 0.012 * (k - (len(lines) - 1) / 2)
            spread = [[max(value - lower, 0.0)], [max(upper - value, 0.0)]]
            ax.errorbar([place], [value], yerr=spread, color=colours[k], marker="o", markersize=4, capsize=2)
    ax.set_xlabel("level of the interval")
    ax.set_ylabel("share of actuals inside it")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _diagonal(ax: Axes) -> None:
    """Draw what a perfect forecaster would get, on square axes from 0 to 1."""
    ax.plot([0, 1], [0, 1], color=_IDEAL, linewidth=1.0, linestyle="--")
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(0.0, 1.02)
    ax.set_aspect("equal")
    ax.spines[["top", "right"]].set_visible(False)


def fan(table: pd.DataFrame, title: str, *, ax: Axes | None = None) -> Axes:
    """Draw intervals of 50, 80 and 95 % and the mean of each forecast, and what came, over the last days."""
    ax = _display.axes(ax, (9.0, 4.4))
    days = table["until"].to_numpy()
    for low, high, shade, level in (
        ("q025", "q975", 0.16, 95),
        ("q10", "q90", 0.24, 80),
        ("q25", "q75", 0.34, 50),
    ):
        ax.fill_between(
            days,
            table[low].to_numpy(),
            table[high].to_numpy(),
            color=_LINE,
            alpha=shade,
            linewidth=0,
            label=f"{level} % interval",
        )
    ax.plot(days, table["mean"].to_numpy(), color=_LINE, linewidth=1.4, label="forecast, mean")
    ax.plot(days, table["actual"].to_numpy(), "o", color=_CAME, markersize=4, label="what came")
    ax.set_ylim(bottom=0.0)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xlabel("last day of the forecast")
    ax.set_ylabel("amount won")
    ax.set_title(title, loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax
