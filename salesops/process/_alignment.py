"""Cheapest way to read a trace as a run of the model: what was skipped, what was extra.

The model is a graph of steps with a source (-1) before the first and the steps at which a case may end.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

import attrs

SOURCE = -1
SKIPPED, EXTRA, DONE = "skipped", "extra", "done"
Move = tuple[str, int, int]


@attrs.frozen(kw_only=True, eq=False)
class Graph:
    """Steps that may follow each step (and the source), and the steps at which a case may end."""

    follows: Mapping[int, tuple[int, ...]]
    ends: frozenset[int]

    def remaining(self) -> dict[int, int]:
        """Count the fewest steps that are left after each step; steps without a way out are not in it."""
        back: dict[int, list[int]] = {}
        for step, nexts in self.follows.items():
            for after in nexts:
                back.setdefault(after, []).append(step)
        left = dict.fromkeys(sorted(self.ends), 0)
        front = sorted(self.ends)
        while front:
            reached = []
            for step in front:
                for before in back.get(step, []):
                    if before not in left:
                        left[before] = left[step] + 1
                        reached.append(before)
            front = reached
        return left


def align(trace: tuple[int, ...], graph: Graph, *, so_far: bool) -> tuple[int, list[Move]]:
    """Find the cheapest alignment: its cost, and its moves as (kind, step, position in the trace).

    Dijkstra over (events read, step reached); at equal cost, steps done come before skipped and extra ones.
    `so_far` lets the model stop anywhere, because the case goes on.
    """
    n = len(trace)
    best: dict[tuple[int, int], int] = {(0, SOURCE): 0}
    came: dict[tuple[int, int], tuple[tuple[int, int], Move]] = {}
    heap: list[tuple[int, int, int, int]] = [(0, 0, 0, SOURCE)]
    while heap:
        cost, minus, read, step = heapq.heappop(heap)
        here = (read, step)
        if cost > best[here]:
            continue
        if read == n and (so_far or step in graph.ends):
            return cost, _back(here, came)
        after = graph.follows.get(step, ())
        choices: list[tuple[int, tuple[int, int], Move]] = [
            (cost, (read + 1, k), (DONE, k, read)) for k in after if read < n and trace[read] == k
        ]
        choices += [(cost + 1, (read, k), (SKIPPED, k, read)) for k in after]
        if read < n:
            choices.append((cost + 1, (read + 1, step), (EXTRA, trace[read], read)))
        for price, there, move in choices:
            if price < best.get(there, price + 1):
                best[there] = price
                came[there] = (here, move)
                heapq.heappush(heap, (price, minus - (move[0] == DONE), *there))
    return n, [(EXTRA, step, k) for k, step in enumerate(trace)]


def _back(here: tuple[int, int], came: Mapping[tuple[int, int], tuple[tuple[int, int], Move]]) -> list[Move]:
    moves = []
    while here in came:
        here, move = came[here]
        moves.append(move)
    return moves[::-1]
