"""Pictures of a process: how it flows, and how it strays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from salesops import _display
from salesops._faults import import_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY, RED = "#2f6f9f", "#c8702a", "#9aa5b1", "#b3362b"


def flow(
    steps: Sequence[tuple[str, int, float]],
    arrows: Sequence[tuple[str, str, int, str]],
    title: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw steps from left to right by their mean place, main line in the middle, returns below."""
    ordered = sorted(steps, key=lambda step: (step[2], step[0]))
    ax = _display.axes(ax, (max(7.0, 2.0 * len(ordered)), 4.6))
    x = {name: float(k) for k, (name, _, _) in enumerate(ordered)}
    most = max((count for _, _, count, _ in arrows), default=1)
    for source, target, count, took in sorted(arrows, key=lambda arrow: arrow[2]):
        _arrow(ax, x[source], x[target], count / most, f"{count:,}\n{took}")
    for name, events, _ in ordered:
        ax.text(
            x[name],
            0.0,
            f"{name.replace(' ', chr(10))}\n{events:,}",
            ha="center",
            va="center",
            fontsize=8.5,
            zorder=5,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": BLUE},
        )
    heights = [_height(x[b] - x[a]) for a, b, _, _ in arrows] or [0.0]
    ax.set_xlim(-0.6, max(len(ordered) - 0.4, 0.6))
    ax.set_ylim(min(*heights, -0.3) - 0.25, max(*heights, 0.3) + 0.25)
    ax.set_title(title, loc="left", fontsize=10)
    ax.set_axis_off()
    return ax


def _height(span: float) -> float:
    """How far above (forward) or below (back, or in place) the line a step of that span swings."""
    if span == 1.0:
        return 0.0
    return 0.12 + 0.2 * span if span > 0 else -0.42 + 0.2 * span


def _arrow(ax: Axes, start: float, end: float, weight: float, words: str) -> None:
    """Draw one step: forward above the line, back below, in place as a loop."""
    patches = import_extra("matplotlib.patches", "plot")
    path = import_extra("matplotlib.path", "plot").Path
    colour, height = (BLUE if end > start else ORANGE), _height(end - start)
    middle, edge = (start + end) / 2.0, 0.17 if end > start else -0.17
    if height == 0.0:
        points, kinds = [(start + 0.3, 0.0), (end - 0.3, 0.0)], [path.MOVETO, path.LINETO]
    elif start == end:
        points = [(start - 0.08, edge), (start - 0.2, height), (start + 0.2, height), (start + 0.08, edge)]
        kinds = [path.MOVETO, path.CURVE4, path.CURVE4, path.CURVE4]
        height = edge + 0.75 * (height - edge)
    else:
        side = 0.12 if end > start else -0.12
        points = [(start + side, edge), (middle, 2.0 * height - edge), (end - side, edge)]
        kinds = [path.MOVETO, path.CURVE3, path.CURVE3]
    ax.add_patch(
        patches.FancyArrowPatch(
            path=path(points, kinds),
            arrowstyle="-|>",
            mutation_scale=10 + 6 * weight,
            color=colour,
            fill=False,
            linewidth=0.8 + 3.6 * weight,
            alpha=0.85,
        )
    )
    ax.text(
        middle,
        height if height else 0.14,
        words,
        ha="center",
        va="center",
        fontsize=7.5,
        color=colour,
        zorder=6,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.9},
    )


def deviations(rows: Sequence[tuple[str, int]], n_cases: int, title: str, *, ax: Axes | None = None) -> Axes:
    """Draw the most frequent deviations as bars."""
    ax = _display.axes(ax, (8.0, 0.42 * max(len(rows), 1) + 1.3))
    ax.barh(range(len(rows)), [n for _, n in rows], color=ORANGE, height=0.65)
    for k, (_, n) in enumerate(rows):
        words = f"{n:,}  ({_display.percent(n / max(n_cases, 1))} of cases)"
        ax.annotate(words, (n, k), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), [words for words, _ in rows])
    ax.invert_yaxis()
    ax.margins(x=0.3)
    ax.set_xlabel("cases")
    ax.set_title(title, loc="left", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
