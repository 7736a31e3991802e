"""How a batch is driven: the caller's mapper, progress bar and random generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    answers = (_wait(answer) for answer in mapper(function, items))
    results: list[Result] = list(progress(_Sized(answers, len(items))) if progress else answers)
    if len(results) != len(items):
        fault = Problem(
            path="mapper" if progress is None else "mapper, progress",
            message="must give back one answer for each item, in order",
            values=(f"{len(results)} answers", f"{len(items)} items"),
            hint="pass a callable shaped like the built-in map, and a progress wrapper that skips none",
        )
        raise InvalidInput("mapper: 1 problem", [fault])
    return results


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
