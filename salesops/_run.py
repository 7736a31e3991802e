"""How a batch is driven: the caller's mapper, progress bar and random generator."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import numpy as np

from salesops.errors import InvalidInput, Problem, show

Item = TypeVar("Item")
Result = TypeVar("Result")

Mapper = Callable[..., Iterable[Any]]
"""Anything shaped like the built-in ``map``: an executor's ``map``, a cluster client's, ``map`` itself."""

Progress = Callable[[Iterable[Any]], Iterable[Any]]
"""Anything that wraps an iterable and yields the same items: ``tqdm.auto.tqdm`` fits."""

RngLike = int | np.integer[Any] | np.random.Generator | np.random.SeedSequence | None


class _Sized(Generic[Item]):
    """An iterator that knows how many items it will give, so that a progress bar shows a total."""

    def __init__(self, items: Iterator[Item], total: int) -> None:
        self._items = items
        self._total = total

    def __iter__(self) -> Iterator[Item]:
        return self._items

    def __len__(self) -> int:
        return self._total


def run(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    mapper: Mapper = map,
    progress: Progress | None = None,
) -> list[Result]:
    """Apply a module-level function to every item, in order, by the caller's mapper.

    A mapper that answers with futures (a cluster client's) is waited for.
    """
    return list(stream(function, items, mapper=mapper, progress=progress))


def stream(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    mapper: Mapper = map,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Do as :func:`run`, and give each answer as soon as its turn comes, so that none need be kept."""
    answers = (_wait(answer) for answer in mapper(function, items))
    n = 0
    for result in progress(_Sized(answers, len(items))) if progress else answers:
        n += 1
        yield result
    if n != len(items):
        fault = Problem(
            path="mapper" if progress is None else "mapper, progress",
            message="must give back one answer for each item, in order",
            values=(f"{n} answers", f"{len(items)} items"),
            hint="pass a callable shaped like the built-in map, and a progress wrapper that skips none",
        )
        raise InvalidInput("mapper: 1 problem", [fault])


def threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Map over as many threads as this process may use, answers in order, few of them ahead of their turn.

    For kernels that hold no lock. The threads end with the iteration.
    """
    n_threads = min(_processors(), len(items))
    if n_threads < 2:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        ahead: deque[Future[Result]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > n_threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def steps(items: Sequence[Item], progress: Progress | None) -> Iterable[Item]:
    """Iterate, showing progress if the caller gave a way to."""
    return items if progress is None else progress(items)


def _wait(answer: Any) -> Any:
    result = getattr(answer, "result", None)
    return result() if callable(result) else answer


def generator(rng: RngLike) -> np.random.Generator:
    """Make the generator that ``rng`` stands for; never touches global state."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not (
        rng is None or isinstance(rng, (int, np.integer, np.random.SeedSequence))
    ):
        fault = Problem(
            path="rng",
            message="is a whole number, a numpy Generator or SeedSequence, or None",
            values=(show(rng),),
        )
        raise InvalidInput("rng: 1 problem", [fault])
    if isinstance(rng, (int, np.integer)) and rng < 0:
        fault = Problem(path="rng", message="a seed is 0 or more", values=(show(rng),))
        raise InvalidInput("rng: 1 problem", [fault])
    return np.random.default_rng(rng)


def spawn(rng: RngLike, n: int) -> list[np.random.Generator]:
    """Make one child generator per item, so that the mapper cannot change results."""
    return list(generator(rng).spawn(n))
