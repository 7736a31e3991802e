"""Sorting by several keys at once, and texts as whole numbers that sort as they do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

_BITS = 63
_WIDEST = 32
_SAMPLE = 1024
_DENSE = 32


class TextNumbers(NamedTuple):
    """Whole numbers that stand in the order of texts, equal where those are equal.

    `keys` are below `bound`; `lows` and `highs` are the least and greatest byte at each place of the texts.
    """

    keys: IntArray
    bound: int
    lows: tuple[int, ...]
    highs: tuple[int, ...]

    @property
    def leads(self) -> bool:
        """Say that no text begins with a blank, so that none is blank."""
        return self.lows[0] > ord(" ")

    def key_of(self, text: str) -> int:
        """Give the number of one text; -1 if it cannot be among these."""
        if not text.isascii() or len(text) > len(self.lows):
            return -1
        key = 0
        for byte, low, high in zip(
            text.encode().ljust(len(self.lows), b"\0"), self.lows, self.highs, strict=True
        ):
            if not low <= byte <= high:
                return -1
            key = key * (high - low + 1) + byte - low
        return key

    def are_distinct(self) -> bool:
        """Say whether no two texts are equal."""
        if self.bound <= _DENSE * len(self.keys):
            seen = np.zeros(self.bound, dtype=np.bool_)
            seen[self.keys] = True
            return int(np.count_nonzero(seen)) == len(self.keys)
        ordered = np.sort(self.keys)
        return not bool((ordered[1:] == ordered[:-1]).any())


def text_numbers(values: list[str]) -> TextNumbers | None:
    """Give texts numbers; None where they are too long, too various or not all ASCII."""
    columns = _columns(values)
    if columns is None:
        return None
    lows, highs = columns.min(axis=1).tolist(), columns.max(axis=1).tolist()
    bound = 1
    for low, high in zip(lows, highs, strict=True):
        bound *= high - low + 1
    if bound >= 2**_BITS:
        return None
    keys = np.zeros(len(values), dtype=np.int64)
    for column, low, high in zip(columns, lows, highs, strict=True):
        if high > low:
            keys *= high - low + 1
            keys += column
            keys -= low
    return TextNumbers(keys, bound, tuple(lows), tuple(highs))


def _columns(values: list[str]) -> npt.NDArray[np.uint8] | None:
    """Lay the bytes of texts out, one row for each place in them; shorter ones are filled up with 0."""
    width = len(values[0])
    joined = "\n".join(values)
    if not joined.isascii() or "\0" in joined:
        return None
    if 0 < width <= _WIDEST and len(joined) == (width + 1) * len(values) - 1:
        cells = np.frombuffer((joined + "\n").encode(), dtype=np.uint8).reshape(-1, width + 1)
        if (cells[:, -1] == ord("\n")).all() and joined.count("\n") == len(values) - 1:
            return np.ascontiguousarray(cells[:, :-1].T)
    width = min(max(map(len, values[:_SAMPLE])), _WIDEST)
    padded = np.array(values, dtype=f"S{width + 1}")
    if (_bytes(padded)[:, -1] != 0).any():
        width = _WIDEST
        padded = np.array(values, dtype=f"S{width + 1}")
        if (_bytes(padded)[:, -1] != 0).any():
            return None
    return np.ascontiguousarray(_bytes(padded)[:, :width].T) if width else None


def _bytes(cells: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint8]:
    return cells.view(np.uint8).reshape(len(cells), -1)


def sort_order(*keys: npt.NDArray[np.int64]) -> IntArray:
    """Give the positions in sorted order: by the first key, then the next; ties stay as they stand.

    Equal to ``np.lexsort`` of the keys the other way around. Keys are packed into one word where they fit,
    with the position behind them, and words are sorted, which is several times faster.
    """
    n = len(keys[0])
    if not n:
        return np.empty(0, dtype=np.int64)
    place = (n - 1).bit_length()
    lows = [int(key.min()) for key in keys]
    widths = [(int(key.max()) - low).bit_length() for key, low in zip(keys, lows, strict=True)]
    if sum(widths) > _BITS:
        return np.lexsort(keys[::-1])
    words = np.zeros(n, dtype=np.int64)
    for key, low, width in zip(keys, lows, widths, strict=True):
        if width:
            words <<= width
            words += key
            words -= low
    if bool((words[1:] >= words[:-1]).all()):
        return np.arange(n)
    if sum(widths) + place > _BITS:
        return np.argsort(words, kind="stable")
    words <<= place
    words += np.arange(n)
    words.sort()
    words &= (1 << place) - 1
    return words
