"""The picture of a total: the chance of reaching each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from salesops import _display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.floating[Any]]

_TOTAL = "#4878a8"
_TARGET = "#c0504d"


def chances(
    x: Floats,
    chance: Floats,
    mean: float,
    interval: tuple[float, float],
    *,
    target: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the probability that a total is reached, with its 80 % interval, its mean and a target."""
    ax = _display.axes(ax, (7.0, 3.6))
    ax.plot(x, chance, color=_TOTAL, linewidth=1.8)
    ax.axvspan(*interval, color=_TOTAL, alpha=0.12, linewidth=0, label="80 % interval")
    ax.axvline(mean, color=_TOTAL, linestyle=":", label=f"mean {_display.number(mean)}")
    if target is not None:
        words = f"target {_display.number(target[0])}: {_display.percent(target[1])}"
        ax.axvline(target[0], color=_TARGET, label=words)
    ax.set_xlabel("total")
    ax.set_ylabel("probability of reaching it")
    ax.set_ylim(0.0, 1.02)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if float(np.ptp(x)) >= 10 else f"{value:g}")
    ax.set_title("Chance of each total", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9)
    return ax
