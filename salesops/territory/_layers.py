"""Several graphs as layers of one: every tie keeps its layer as its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from salesops._faults import closest, raise_all, refuse
from salesops._frames import Ids, Labels, check_same_type, warn_look_alikes
from salesops._frames.ids import same_but_for_type
from salesops.errors import Problem, show
from salesops.territory._attributes import Attributes, Coded, joined
from salesops.territory._listing import Ties, in_order, moved, positions

if TYPE_CHECKING:
    from salesops.territory._stored import StoredGraph


def join(layers: Mapping[str, StoredGraph], weights: Mapping[str, float] | None, kind: type) -> Ties:
    """List the ties of all layers together."""
    _check_layers(layers, kind)
    worth = _weights(layers, weights)
    listed = {name: graph._listed() for name, graph in layers.items()}  # noqa: SLF001  (graphs of this room)
    ids = {
        name: Ids(np.arange(len(ties.people)), ties.people.values) for name, ties in sorted(listed.items())
    }
    people = Labels.of(*ids.values())
    _check_people(ids, people)
    source, target, weight, about, notes = [], [], [], [], []
    standing = np.zeros(len(people), dtype=bool)
    for name, ties in sorted(listed.items()):
        place = positions(people, ids[name])
        source.append(place[ties.source])
        target.append(place[ties.target])
        with np.errstate(over="ignore", under="ignore"):
            weight.append(ties.weight * worth[name])
        denied = ties.about.denied(len(ties.source))
        if not np.isfinite(weight[-1]).all() or not (weight[-1][~denied] > 0).all():
            raise refuse(
                f"weights[{name!r}]", "makes a weight too large or too small for a number", worth[name]
            )
        about.append((_named(ties.about, name, len(ties.source)), len(ties.source)))
        standing[place[ties.standing]] = True
        for note in ties.notes:
            path = f"layers[{name!r}].{note.problem.path}"
            inside = attrs.evolve(note, problem=attrs.evolve(note.problem, path=path))
            notes.append(moved(inside, place))
    warn_look_alikes(people, "people")
    return in_order(
        Ties(
            people=people,
            source=np.concatenate(source),
            target=np.concatenate(target),
            weight=np.concatenate(weight),
            about=joined(about),
            is_directed=any(ties.is_directed for ties in listed.values()),
            notes=tuple(notes),
            standing=standing,
        )
    )


def _check_layers(layers: Any, kind: type) -> None:
    if not isinstance(layers, Mapping) or not layers:
        hint = "pass a mapping of names to graphs, such as {'mail': mails, 'board': boards}"
        raise refuse("layers", "is no mapping of names to graphs", type(layers).__name__, hint=hint)
    faults = []
    for name, graph in layers.items():
        if not isinstance(name, str) or not name.strip() or "/" in name:
            rule = "the name of a layer is text without a slash"
            faults.append(Problem(path="layers", message=rule, values=(show(name),)))
        if not isinstance(graph, kind):
            faults.append(
                Problem(
                    path=f"layers[{name!r}]",
                    message="is not a social graph",
                    values=(type(graph).__name__,),
                    hint="make one with SocialGraph.from_networkx or another of its constructors",
                )
            )
    raise_all("layers", faults)
    directed = [name for name, graph in layers.items() if graph.is_directed]
    if directed and len(directed) < len(layers):
        fault = Problem(
            path="layers",
            message="some layers are directed and some are not",
            values=tuple(f"{show(name)} is directed" for name in directed),
            hint="read all of them with the same directed=",
        )
        raise_all("layers", [fault])


def _weights(layers: Mapping[str, Any], weights: object) -> dict[str, float]:
    worth = dict.fromkeys(layers, 1.0)
    if weights is None:
        return worth
    if not isinstance(weights, Mapping):
        raise refuse("weights", "is a mapping of layers to weights", weights)
    faults = []
    for name, value in weights.items():
        if name not in worth:
            near = closest(name, worth)
            faults.append(
                Problem(path="weights", message="names no layer", values=(show(name),), suggestions=near)
            )
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            faults.append(
                Problem(
                    path=f"weights[{name!r}]",
                    message="must be a finite number above 0",
                    values=(show(value),),
                    hint="leave out a layer that shall not count",
                )
            )
        else:
            worth[name] = float(value)
    raise_all("weights", faults)
    return worth


def _check_people(ids: Mapping[str, Ids], people: Labels) -> None:
    """Refuse people who are the same in two layers but for the type of their id: 1 and 1.0, 101 and '101'."""
    faults: list[Problem] = []
    pairs = same_but_for_type(Ids(np.empty(0, dtype=np.int64), people.values))
    if pairs:
        faults.append(
            Problem(
                path="layers",
                message="two people have ids that are equal and differ by type",
                values=tuple(f"{show(one)} and {show(other)}" for one, other in pairs),
                hint="1, 1.0 and True are three ids; give all layers one type",
            )
        )
    names = list(ids)
    for k, name in enumerate(names[1:], start=1):
        for other in names[:k]:
            if not faults:
                known = Labels.of(ids[other])
                rows = range(len(ids[name]))
                check_same_type(faults, f"layers[{name!r}]", ids[name], known, f"layer {other!r}", rows)
    raise_all("layers", [attrs.evolve(fault, rows=()) for fault in faults])


def _named(about: Attributes, layer: str, n_rows: int) -> Attributes:
    """Name the kind of every tie by its layer, and by its own kind within it."""
    kind = about.text("kind")
    if kind is None:
        named = Coded.of(np.zeros(n_rows, dtype=np.int64), [layer]) if n_rows else None
    else:
        codes = np.where(kind.codes < 0, len(kind.names), kind.codes)
        named = Coded.of(codes, [*(f"{layer}/{name}" for name in kind.names), layer])
    return about.replace(kind=named)
