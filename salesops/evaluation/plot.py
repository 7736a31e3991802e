"""Pictures of what was found, one idea each; they take plain values, and results call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from salesops import _display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY, RED = "#2f6f9f", "#c8702a", "#9aa5b1", "#b3362b"


@attrs.frozen(kw_only=True)
class Side:
    """One side of a comparison as it is drawn: where, how far its interval reaches, and the words above it."""

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
