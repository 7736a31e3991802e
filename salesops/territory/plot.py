"""The territory map: the network with people near those they know, coloured by owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csgraph

from salesops import _display
from salesops._faults import import_extra, raise_all
from salesops._frames import Labels
from salesops.errors import InvalidInput, Problem
from salesops.territory._layout import layout
from salesops.territory.results import Proximity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["territory_map"]

_MOST_PEOPLE = 20_000
_MOST_TIES = 30_000
_NAMED = 12


class _Drawable(Protocol):
    """What a plan must have to be drawn; the plan itself is not imported here, it imports this."""

    @property
    def rep_labels(self) -> Labels: ...

    @property
    def lead_labels(self) -> Labels: ...

    @property
    def owner(self) -> npt.NDArray[np.int64]: ...

    @property
    def prox(self) -> Proximity | None: ...


def territory_map(plan: _Drawable, ax: Axes | None = None) -> Axes:
    """Draw the territories on the network, people near those they know, coloured by owner.

    Parameters
    ----------
    plan : TerritoryPlan
        Made with a proximity, which holds the network.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib Axes
        The largest connected part of the network: leads as dots in the colour of their owner, reps as
        diamonds; at most 20,000 people and 30,000 ties are drawn.

    Raises
    ------
    InvalidInput
        If the plan was made without a proximity, or nobody in the network has a tie.
    MissingExtra
        If matplotlib is not installed.

    Examples
    --------
    >>> from salesops import territory
    >>> graph = territory.SocialGraph.from_ties({"source": ["ann", "bo"], "target": ["acme", "acme"]})
    >>> reps, leads = {"rep_id": ["ann", "bo"]}, {"lead_id": ["acme"]}
    >>> plan = territory.assign(reps, leads, territory.proximity(graph, reps, leads))
    >>> print(territory_map(plan).get_title())
    1 leads in 2 territories (dots: leads by owner, diamonds: reps)
    """
    if plan.prox is None:
        hint = "pass prox to assign(); a plan read from a document has none"
        raise InvalidInput(
            "plot: 1 problem", [Problem(path="plan.prox", message="the plan holds no network", hint=hint)]
        )
    pyplot = import_extra("matplotlib.pyplot", "plot")
    collections = import_extra("matplotlib.collections", "plot")
    axes = _display.axes(ax, (10, 10))
    _draw(plan, plan.prox, axes, pyplot, collections)
    return axes


def _draw(plan: _Drawable, prox: Proximity, ax: Any, pyplot: Any, collections: Any) -> None:
    people, owner, rep_of = _shown(plan, prox)
    adjacency = prox.graph.adjacency[people][:, people].tocsr()
    place = layout(adjacency)
    colour = _colours(len(plan.rep_labels), pyplot)
    row, column = adjacency.nonzero()
    kept = np.flatnonzero(row < column)
    kept = kept[:: -(-len(kept) // _MOST_TIES) if len(kept) else 1]
    lines = np.stack([place[row[kept]], place[column[kept]]], axis=1)
    same = (owner[row[kept]] == owner[column[kept]]) & (owner[row[kept]] >= 0)
    shade = np.tile(np.array([0.55, 0.6, 0.66, 0.10]), (len(kept), 1))
    shade[same] = np.concatenate(
        [colour[owner[row[kept][same]]], np.full((int(same.sum()), 1), 0.28)], axis=1
    )
    ax.add_collection(collections.LineCollection(lines, colors=shade, linewidths=0.35, zorder=1))
    dot = float(np.clip(40_000 / max(len(people), 1), 4, 60))
    nobody = owner < 0
    ax.scatter(*place[nobody].T, s=dot * 0.6, color="#c3cad2", linewidths=0, zorder=2)
    ax.scatter(*place[~nobody].T, s=dot, c=colour[owner[~nobody]], linewidths=0, alpha=0.85, zorder=3)
    is_rep = rep_of >= 0
    ax.scatter(
        *place[is_rep].T,
        s=max(4 * dot, 42),
        c=colour[rep_of[is_rep]],
        marker="D",
        edgecolors="#1c2733",
        linewidths=0.9,
        zorder=4,
    )
    if int(is_rep.sum()) <= _NAMED:
        for at, rep in zip(place[is_rep], rep_of[is_rep].tolist(), strict=True):
            ax.annotate(
                str(plan.rep_labels[rep]), at, (6, 6), textcoords="offset points", fontsize=9, zorder=5
            )
    ax.set_aspect("equal")
    ax.set_axis_off()
    low, high = np.quantile(place, [0.002, 0.998], axis=0)
    margin = 0.06 * (high - low).max()
    ax.set_xlim(low[0] - margin, high[0] + margin)
    ax.set_ylim(low[1] - margin, high[1] + margin)
    ax.set_title(
        f"{int((plan.owner >= 0).sum()):,} leads in {len(plan.rep_labels):,} territories "
        "(dots: leads by owner, diamonds: reps)",
        fontsize=11,
    )


def _shown(
    plan: _Drawable, prox: Proximity
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pick the people to draw, whose lead each is, and which rep each is (-1 for none)."""
    n = prox.graph.n_people
    owner, rep_of = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    lead_at = {label: k for k, label in enumerate(plan.lead_labels.values.tolist())}
    for k, label in enumerate(prox.lead_labels.values.tolist()):
        if label in lead_at:
            person = prox.contacts.person[prox.contacts.starts[k] : prox.contacts.starts[k + 1]]
            owner[person[person >= 0]] = plan.owner[lead_at[label]]
    for k, label in enumerate(prox.rep_labels.values.tolist()):
        if prox.persons[k] >= 0:
            rep_of[prox.persons[k]] = plan.rep_labels.position(label)
    _, part = csgraph.connected_components(prox.graph.adjacency, directed=False)
    sizes = np.bincount(part, minlength=1)
    people = np.flatnonzero(part == int(sizes.argmax())) if len(part) else np.empty(0, dtype=np.int64)
    if len(people) < 2:
        raise_all("plot", [Problem(path="plan.prox", message="nobody in the network has a tie")])
    if len(people) > _MOST_PEOPLE:
        few = people[np.linspace(0, len(people) - 1, _MOST_PEOPLE).astype(np.int64)]
        people = np.union1d(few, np.flatnonzero((rep_of >= 0) & (part == part[people[0]])))
    return people, owner[people], rep_of[people]


def _colours(n: int, pyplot: Any) -> npt.NDArray[np.float64]:
    """Spread hues so that neighbours in the list of reps differ, in three shades."""
    hue = (np.arange(n) * 0.61803398875) % 1.0
    light = np.array([0.78, 0.62, 0.92])[np.arange(n) % 3]
    strong = np.array([0.72, 0.85, 0.55])[np.arange(n) % 3]
    from_hsv = pyplot.matplotlib.colors.hsv_to_rgb
    return np.asarray(from_hsv(np.stack([hue, strong, light], axis=1))).reshape(n, 3)
