"""Pictures of what was found, one idea each; they take plain values, and results call them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from salesops import _display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Label = str | int | float | dt.date

BLUE, ORANGE, GREY, RED = "#2f6f9f", "#c8702a", "#9aa5b1", "#b3362b"


@attrs.frozen(kw_only=True)
class Side:
    """One side of a comparison as it is drawn: where, how wide its interval, and the words above."""

    name: str
    value: float
    half: float
    words: str
    is_new: bool


def sides(shown: Sequence[Side], xlabel: str, title: str, *, ax: Axes | None = None) -> Axes:
    """Draw each side of a comparison with its interval."""
    ax = _display.axes(ax, (8.0, 0.62 * len(shown) + 1.6))
    for k, side in enumerate(shown):
        colour = ORANGE if side.is_new else BLUE
        ax.errorbar(side.value, k, xerr=side.half, fmt="o", color=colour, capsize=4, markersize=7)
        ax.annotate(
            side.words,
            (side.value, k),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    ax.set_yticks(range(len(shown)), [side.name for side in shown])
    ax.set_ylim(len(shown) - 0.5, -0.7)
    ax.set_xlabel(xlabel)
    ax.set_title(title, loc="left", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.margins(x=0.15)
    return ax


def _along(labels: Sequence[Label], ax: Axes) -> Sequence[Any]:
    """Give the places along the x axis; text labels are written under theirs."""
    if all(isinstance(label, (dt.date, int, float)) for label in labels):
        return labels
    every = max(len(labels) // 12, 1)
    ax.set_xticks(range(0, len(labels), every), [str(label) for label in labels[::every]])
    return range(len(labels))


def _open(ax: Axes | None, title: str) -> Axes:
    ax = _display.axes(ax, (8.5, 3.8))
    ax.set_title(title, loc="left", fontsize=10)
    ax.set_ylabel("value")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def chart(
    labels: Sequence[Label],
    values: Floats,
    limits: tuple[float, float, float],
    marked: Sequence[int],
    title: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw values between their limits, and those that a rule points at."""
    ax = _open(ax, title)
    x = _along(labels, ax)
    center, lower, upper = limits
    ax.axhspan(lower, upper, color=GREY, alpha=0.15, linewidth=0)
    ax.axhline(center, color=GREY, linewidth=1.2)
    for limit in (lower, upper):
        ax.axhline(limit, color=GREY, linewidth=1.0, linestyle="--")
    ax.plot(x, values, color=BLUE, marker="o", markersize=4, linewidth=1.3)
    if marked:
        ax.plot([x[k] for k in marked], values[list(marked)], "o", color=RED, markersize=7, label="signal")
        ax.legend(frameon=False, fontsize=9)
    return ax


def levels(
    labels: Sequence[Label],
    values: Floats,
    starts: Sequence[int],
    means: Sequence[float],
    title: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw values and the level of each stretch."""
    ax = _open(ax, title)
    x = _along(labels, ax)
    ax.plot(x, values, color=BLUE, marker="o", markersize=4, linewidth=0.8, alpha=0.7)
    ends = [*starts[1:], len(values)]
    for start, end, mean in zip(starts, ends, means, strict=True):
        ax.plot([x[start], x[end - 1]], [mean, mean], color=ORANGE, linewidth=2.5)
    return ax


def interrupted(
    labels: Sequence[Label],
    values: Floats,
    lines: tuple[Floats, Floats],
    change: int,
    title: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw a series, the segmented line, and the old line continued."""
    ax = _open(ax, title)
    x = _along(labels, ax)
    fitted, continued = lines
    ax.plot(x, values, "o", color=BLUE, markersize=4, label="seen")
    ax.plot(x[:change], fitted[:change], color=ORANGE, linewidth=2.2)
    ax.plot(x[change:], fitted[change:], color=ORANGE, linewidth=2.2, label="segmented line")
    ax.plot(
        x[change:], continued[change:], color=GREY, linewidth=1.8, linestyle="--", label="old line continued"
    )
    ax.axvline(x[change], color=GREY, linewidth=1.0)
    ax.legend(frameon=False, fontsize=9)
    return ax


def sequence(
    n: npt.NDArray[np.int64],
    bands: tuple[Floats, Floats, Floats],
    against: float | None,
    words: tuple[str, str],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw an estimate and its interval as the rows come in."""
    figure, title = words
    ax = _open(ax, title)
    estimate, lower, upper = bands
    ax.plot(n, estimate, color=BLUE, linewidth=1.6, label=figure)
    ax.fill_between(n, lower, upper, color=BLUE, alpha=0.18, linewidth=0, label="holds at every look")
    if against is not None:
        ax.axhline(against, color=RED, linewidth=1.0, linestyle="--", label=f"{against:g}")
    ax.set_xlabel("rows seen")
    ax.set_ylabel(figure)
    ax.legend(frameon=False, fontsize=9)
    return ax


def periods(
    labels: Sequence[dt.date],
    values: Floats,
    band: tuple[Floats, Floats],
    words: tuple[str, str],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw a figure for each period with its interval."""
    figure, title = words
    ax = _open(ax, title)
    lower, upper = band
    if len(values):
        x = np.array(list(labels), dtype="datetime64[D]")
        reach = np.abs([values - lower, upper - values])
        ax.errorbar(x, values, yerr=reach, fmt="o-", color=BLUE, capsize=3)
    ax.set_ylabel(figure)
    return ax
