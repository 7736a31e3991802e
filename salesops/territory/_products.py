"""A sparse matrix times a block of columns, added in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

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


def add_product(matrix: Matrix, block: Block, out: Block) -> Block:
    """Add ``matrix @ block`` to `out` in place and return it.

    Each entry is summed in the order of the row's stored entries, whatever the number of columns, so that a
    column's answer does not depend on the others.
    """
    if _ADD is None or not (block.flags.c_contiguous and out.flags.c_contiguous):
        out += matrix @ block
    else:
        rows, columns = matrix.shape
        _ADD(
            rows,
            columns,
            block.shape[1],
            matrix.indptr,
            matrix.indices,
            matrix.data,
            block.reshape(-1),
            out.reshape(-1),
        )
    return out


def column_sums(block: Block) -> Block:
    """Sum each column from the first row to the last, whatever the number of columns."""
    return np.asarray(block.cumsum(axis=0)[-1] if block.shape[1] == 1 else block.sum(axis=0))
