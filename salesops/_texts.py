"""Columns of text as the bytes they lie in: millions of cells are read without a Python string each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

IntArray = npt.NDArray[np.int64]

_PIECE = 1 << 15
_POINT = ord(".") ^ ord("0")
_ZEROS = np.uint64(0x3030303030303030)
_BEYOND_NINE = np.uint64(0x7676767676767676)
_HIGH_BITS = np.uint64(0x8080808080808080)


class Bytes(NamedTuple):
    """Texts that follow each other in `flat` (uint8): one from each of `ends` to the next, all ASCII."""

    flat: npt.NDArray[np.uint8]
    ends: IntArray

    def __len__(self) -> int:
        return len(self.ends) - 1

    def pieces(self) -> Iterator[tuple[slice, Bytes]]:
        """Cut into so many rows that what a step needs stays near."""
        for first in range(0, len(self), _PIECE):
            ends = self.ends[first : first + _PIECE + 1]
            flat = self.flat[int(ends[0]) : int(ends[-1])]
            yield slice(first, first + len(ends) - 1), Bytes(flat, ends - ends[0])


def bytes_of(values: object) -> Bytes | None:
    """Look at the bytes of a column; None where it is not held by Arrow, lacks a cell or is not all ASCII."""
    dtype = getattr(values, "dtype", None)
    if not isinstance(values, pd.Series) or not isinstance(dtype, pd.StringDtype):
        return None
    if dtype.storage != "pyarrow" or not len(values):
        return None
    held = held_by_arrow(values.array)
    if held is None or held.array.null_count or (len(held.flat) and int(held.flat.max()) > 127):
        return None
    first = int(held.ends[0])
    is_final = first == 0 and held.ends.dtype == np.int64
    return Bytes(held.flat, held.ends if is_final else held.ends.astype(np.int64) - first)


class Held(NamedTuple):
    """Texts as Arrow holds them: the array, its bytes, and where in a longer buffer each text ends."""

    array: Any
    flat: npt.NDArray[np.uint8]
    ends: npt.NDArray[Any]


def held_by_arrow(cells: object) -> Held | None:
    """Look at the bytes of texts in Arrow, missing ones as if empty; None where they are not end to end."""
    array: Any = cast(Any, cells).__arrow_array__()
    if hasattr(array, "chunks"):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    width = {"large_string": np.int64, "string": np.int32}.get(str(array.type))
    if hasattr(array, "chunks") or width is None:
        return None
    _, places, data = array.buffers()
    if places is None:
        return None
    ends: npt.NDArray[Any] = np.frombuffer(places, dtype=width)[array.offset : array.offset + len(array) + 1]
    flat = np.frombuffer(b"" if data is None else data, dtype=np.uint8)[int(ends[0]) : int(ends[-1])]
    return Held(array, flat, ends)


def plain_numbers(texts: Bytes, places: int) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Read texts such as ``-1234.50`` with exactly so many decimals, without their point; say which are such.

    Up to 15 digits with 1 to 6 decimals are read, eight bytes of every text at once; other texts come back
    as 0 and are not marked, however good they may be.
    """
    n = len(texts)
    if not 1 <= places <= 6:
        return np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    padded = np.concatenate([np.zeros(16, dtype=np.uint8), texts.flat, np.zeros(1, dtype=np.uint8)])
    words = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded.data, strides=(1,))
    starts, ends = texts.ends[:-1], texts.ends[1:]
    negative = padded[starts + 16] == ord("-")
    size = ends - starts
    size -= negative
    fits = (size >= places + 2) & (size <= 16)
    size = np.where(fits, size, 0)
    low = words[ends + 8].astype(np.uint64, copy=False) ^ _ZEROS
    low &= _LOW[size]
    high = words[ends].astype(np.uint64, copy=False) ^ _ZEROS
    high &= _HIGH[size]
    at = np.uint64(8 * (7 - places))
    fits &= ((low >> at) & np.uint64(255)) == _POINT
    after = np.uint64((2**64 - 1) << (8 * (8 - places)) & (2**64 - 1))
    before = np.uint64((1 << (8 * (7 - places))) - 1)
    low = (low & after) | ((low & before) << np.uint64(8)) | (high >> np.uint64(56))
    high <<= np.uint64(8)
    fits &= (_no_digits(low) | _no_digits(high)) == 0
    value = _eight(low).astype(np.int64)
    if high.any():
        value += _eight(high).astype(np.int64) * 10**8
    value *= fits
    return np.where(negative, -value, value), fits


def _no_digits(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mark the bytes that are more than 9."""
    return np.asarray(((word & ~_HIGH_BITS) + _BEYOND_NINE | word) & _HIGH_BITS)


def _eight(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Read eight bytes of one digit each, the first of them in the lowest byte, as a number."""
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 2561, 8),
        (0x00FF00FF00FF00FF, 6553601, 16),
        (0x0000FFFF0000FFFF, 42949672960001, 32),
    ):
        word = (word & np.uint64(mask)) * np.uint64(factor)
        word >>= np.uint64(shift)
    return word


def _masks(first: int) -> npt.NDArray[np.uint64]:
    """For each size of a text from 0 to 16, keep the bytes that belong to it of the eight from `first` on."""
    kept = [min(max(size - first, 0), 8) for size in range(17)]
    return np.array([((1 << 8 * k) - 1) << 8 * (8 - k) for k in kept], dtype=np.uint64)


_LOW, _HIGH = _masks(0), _masks(8)
