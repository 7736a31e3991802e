"""A playbook as a graph of steps: which may follow which, and where a case may end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from salesops._faults import closest, raise_all, refuse
from salesops.errors import InvalidInput, Problem, show

Follows = dict[str | None, list[str]]


def read_playbook(
    playbook: Any, optional: tuple[str, ...], exits: tuple[str, ...]
) -> tuple[list[str], Follows, set[str]]:
    """Take a playbook as its steps, what may follow each (None: what may come first), and its last steps."""
    given = getattr(playbook, "stages", playbook)
    if hasattr(given, "successors") and hasattr(given, "nodes"):
        given = {node: list(given.successors(node)) for node in given.nodes}
    if isinstance(given, Mapping):
        if optional:
            raise refuse(
                "optional", "is for playbooks that are a sequence; leave out the step in the graph", optional
            )
        steps, follows, ends = _from_mapping(given)
    elif isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        steps = list(given)
        _check_steps(steps)
        follows, ends = _chain(steps, optional)
    else:
        raise refuse("playbook", "is a sequence of steps, a mapping, or a directed graph", playbook)
    for name in exits:
        follows.setdefault(name, [])
        for step, after in follows.items():
            if step not in exits and name not in after:
                after.append(name)
        steps += [] if name in steps else [name]
        ends.add(name)
    return steps, follows, ends


def _from_mapping(given: Mapping[Any, Any]) -> tuple[list[str], Follows, set[str]]:
    """Read which steps may follow each; None stands for the start as a key, and for the end as a follower."""
    nexts = {step: list(after) for step, after in given.items()}
    named = [*nexts, *(after for all_ in nexts.values() for after in all_)]
    steps = [step for step in dict.fromkeys(named) if step is not None]
    _check_steps(steps)
    reached = {after for all_ in nexts.values() for after in all_}
    follows: Follows = {step: [after for after in nexts.get(step, []) if after is not None] for step in steps}
    follows[None] = nexts.get(None, [step for step in steps if step not in reached])
    return steps, follows, {step for step in steps if not nexts.get(step) or None in nexts[step]}


def _check_steps(steps: Sequence[Any]) -> None:
    wrong = [step for step in steps if not isinstance(step, str) or not step.strip()]
    repeated = sorted({step for step in steps if isinstance(step, str) and steps.count(step) > 1})
    faults = []
    if not steps:
        faults.append(Problem(path="playbook", message="has at least one step"))
    if wrong:
        faults.append(Problem(path="playbook", message="a step is a text", values=tuple(map(show, wrong))))
    if repeated:
        hint = "use a mapping of the steps that may follow each for a playbook with loops"
        shown = tuple(map(show, repeated))
        faults.append(Problem(path="playbook", message="a step stands once", values=shown, hint=hint))
    raise_all("playbook", faults)


def _chain(steps: Sequence[str], optional: tuple[str, ...]) -> tuple[Follows, set[str]]:
    unknown = [name for name in optional if name not in steps]
    if unknown:
        near = tuple(hint for name in unknown for hint in closest(name, steps))
        shown = tuple(map(show, unknown))
        fault = Problem(
            path="optional", message="is not a step of the playbook", values=shown, suggestions=near
        )
        raise InvalidInput("optional: 1 problem", [fault])
    follows: Follows = {}
    ends: set[str] = set()
    places: list[str | None] = [None, *steps]
    for k, step in enumerate(places):
        follows[step] = []
        for after in steps[k:]:
            follows[step].append(after)
            if after not in optional:
                break
        else:
            if step is not None:
                ends.add(step)
    return follows, ends
