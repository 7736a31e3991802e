"""Sorting by several keys at once, and texts as whole numbers that sort as they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from salesops._texts import Bytes

IntArray = npt.NDArray[np.int64]

_BITS = 63
_WIDEST = 32
_SAMPLE = 1024
_DENSE = 32
_PIECE = 1 << 15


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


def text_numbers(values: list[str] | Bytes) -> TextNumbers | None:
    """Give texts numbers; None where they are too long, too various or not all ASCII."""
    columns = _byte_columns(values) if isinstance(values, Bytes) else _columns(values)
    if columns is None:
        return None
    lows, highs = columns.min(axis=1).tolist(), columns.max(axis=1).tolist()
    bound = 1
    for low, high in zip(lows, highs, strict=True):
        bound *= high - low + 1
    if bound >= 2**_BITS:
        return None
    return TextNumbers(_keys(columns, lows, highs), bound, tuple(lows), tuple(highs))


def _keys(columns: npt.NDArray[np.uint8], lows: list[int], highs: list[int]) -> IntArray:
    """Count up the bytes of texts, a few texts at a time: what is worked on then stays near."""
    keys = np.zeros(columns.shape[1], dtype=np.int64)
    various = [
        (k, high - low + 1) for k, (low, high) in enumerate(zip(lows, highs, strict=True)) if high > low
    ]
    least = 0
    for k, width in various:
        least = least * width + lows[k]
    for first in range(0, len(keys), _PIECE):
        part = keys[first : first + _PIECE]
        for k, width in various:
            part *= width
            part += columns[k, first : first + _PIECE]
        part -= least
    return keys


def _byte_columns(texts: Bytes) -> npt.NDArray[np.uint8] | None:
    """Do as :func:`_columns` with texts whose bytes are at hand."""
    size = np.diff(texts.ends)
    width = int(size.max())
    if not 0 < width <= _WIDEST or int(texts.flat.min()) == 0:
        return None
    columns = np.zeros((width, len(texts)), dtype=np.uint8)
    if int(size.min()) == width:
        cells = texts.flat.reshape(-1, width)
        for first in range(0, len(texts), _PIECE):
            columns[:, first : first + _PIECE] = cells[first : first + _PIECE].T
        return columns
    last = len(texts.flat) - 1
    for k in range(width):
        columns[k] = np.where(size > k, texts.flat[np.minimum(texts.ends[:-1] + k, last)], 0)
    return columns


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
    return sort_with(*keys)[0]


def sort_with(*keys: npt.NDArray[np.int64], back: int = 0) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Sort as :func:`sort_order` does, and give the first keys back in sorted order."""
    n = len(keys[0])
    if not n:
        return np.empty(0, dtype=np.int64), keys[:back]
    place = (n - 1).bit_length()
    lows, widths = [int(key.min()) for key in keys], _widths(keys)
    if sum(widths) > _BITS:
        order = np.lexsort(keys[::-1])
        return order, tuple(key[order] for key in keys[:back])
    words = np.zeros(n, dtype=np.int64)
    for key, low, width in zip(keys, lows, widths, strict=True):
        if width:
            words <<= width
            words += key
            words -= low
    if bool((words[1:] >= words[:-1]).all()):
        return np.arange(n), keys[:back]
    if sum(widths) + place > _BITS:
        order = np.argsort(words, kind="stable")
        return order, tuple(key[order] for key in keys[:back])
    words <<= place
    words += np.arange(n)
    words.sort()
    found, behind = [], place + sum(widths)
    for low, width in zip(lows[:back], widths, strict=False):
        behind -= width
        column = words >> behind
        column &= (1 << width) - 1
        column += low
        found.append(column)
    words &= (1 << place) - 1
    return words, tuple(found)


def merge_order(parts: Sequence[IntArray]) -> IntArray:
    """Give the positions in sorted order of columns laid end to end; ties stay as they stand.

    Where the longest is in order, the others are put in between instead of sorting all.
    """
    sizes = [len(part) for part in parts]
    longest = sizes.index(max(sizes))
    main, n = parts[longest], sum(sizes)
    if sizes[longest] * 2 < n or bool((main[1:] < main[:-1]).any()):
        return sort_order(np.concatenate(parts))
    if sizes[longest] == n:
        return np.arange(n)
    first = sum(sizes[:longest])
    place = np.concatenate([np.arange(first), np.arange(first + len(main), n)])
    words = np.concatenate([*parts[:longest], *parts[longest + 1 :]])
    own = sort_order(words)
    place, words = place[own], words[own]
    before = np.searchsorted(main, words, side="left")
    behind = np.searchsorted(main, words, side="right")
    at = np.where(place < first, before, behind) + np.arange(len(words))
    order = np.empty(n, dtype=np.int64)
    is_main = np.ones(n, dtype=np.bool_)
    is_main[at] = False
    order[is_main] = np.arange(first, first + len(main))
    order[at] = place
    return order


def are_packed(*keys: npt.NDArray[np.int64]) -> bool:
    """Say whether keys and positions fit one word, so that :func:`sort_order` is quick."""
    n = len(keys[0])
    return n > 0 and sum(_widths(keys)) + (n - 1).bit_length() <= _BITS


def _widths(keys: Sequence[npt.NDArray[np.int64]]) -> list[int]:
    return [(int(key.max()) - int(key.min())).bit_length() for key in keys]
