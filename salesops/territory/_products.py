"""A sparse matrix times a block of columns, added in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from salesops.territory import _compiled
from salesops.territory._chunks import in_chunks
from salesops.territory._kernels import Matrix

Block = npt.NDArray[Any]


def _scipy_kernel() -> Callable[..., None] | None:
    """Find the routine behind scipy's own product, which adds to its output and holds no lock.

    The public product makes a new block each time, which costs about as much as it computes.
    """
    try:
        from scipy.sparse import _sparsetools
    except ImportError:
        return None
    kernel: Callable[..., None] | None = getattr(_sparsetools, "csr_matvecs", None)
    return kernel


_ADD = _scipy_kernel()
_WORTH_COMPILING = 1 << 24


def mixes(matrix: Matrix, width: int) -> bool:
    """Tell whether a product in double precision may read a block in single, as compiled ones do."""
    return matrix.nnz * width >= _WORTH_COMPILING and _compiled.is_installed()


def add_product(
    matrix: Matrix, block: Block, out: Block, *, reverse: bool = False, spread: bool = False
) -> Block:
    """Add ``matrix @ block`` to `out`, or to minus `out` if `reverse`, in place; return it.

    Each entry is summed in the order of the row's stored entries, whatever the number of columns, so that a
    column's answer does not depend on the others. A large product is compiled if numba is there, and on as
    many threads as there are processors with `spread`; neither changes a bit.
    """
    in_rows = block.flags.c_contiguous and out.flags.c_contiguous
    compiled = in_rows and mixes(matrix, block.shape[1])
    if not compiled and (_ADD is None or not in_rows):
        if reverse:
            np.negative(out, out=out)
        out += matrix @ block
        return out

    def of_rows(rows: slice) -> None:
        add_rows(matrix, block, out[rows], rows, reverse=reverse, compiled=compiled)

    if spread:
        in_chunks(of_rows, matrix.shape[0])
    else:
        of_rows(slice(0, matrix.shape[0]))
    return out


def add_rows(
    matrix: Matrix, block: Block, out: Block, rows: slice, *, reverse: bool = False, compiled: bool
) -> None:
    """Add some rows of ``matrix @ block`` to `out`, which holds those rows alone; all laid out by rows."""
    starts = matrix.indptr[rows.start : rows.stop + 1]
    if compiled:
        sign = out.dtype.type(-1.0 if reverse else 1.0)
        _compiled.product()(starts, matrix.indices, matrix.data, block, out, sign)
        return
    if reverse:
        np.negative(out, out=out)
    if _ADD is None:
        out += matrix[rows] @ block
        return
    flat = block.reshape(-1), out.reshape(-1)
    _ADD(len(out), matrix.shape[1], block.shape[1], starts, matrix.indices, matrix.data, *flat)


def column_sums(block: Block) -> Block:
    """Sum each column from the first row to the last, whatever the number of columns."""
    return np.asarray(block.cumsum(axis=0)[-1] if block.shape[1] == 1 else block.sum(axis=0))
