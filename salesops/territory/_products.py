"""A sparse matrix times a block of columns, added in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from salesops.territory import _compiled
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


def add_product(matrix: Matrix, block: Block, out: Block, *, reverse: bool = False) -> Block:
    """Add ``matrix @ block`` to `out`, or to minus `out` if `reverse`, in place; return it.

    Each entry is summed in the order of the row's stored entries, whatever the number of columns, so that a
    column's answer does not depend on the others. A large product is compiled if numba is there, which
    changes no bit.
    """
    in_rows = block.flags.c_contiguous and out.flags.c_contiguous
    if in_rows and matrix.nnz * block.shape[1] >= _WORTH_COMPILING and _compiled.is_installed():
        sign = out.dtype.type(-1.0 if reverse else 1.0)
        _compiled.product()(matrix.indptr, matrix.indices, matrix.data, block, out, sign)
        return out
    if reverse:
        np.negative(out, out=out)
    if _ADD is None or not in_rows:
        out += matrix @ block
        return out
    n, m = matrix.shape
    flat = block.reshape(-1), out.reshape(-1)
    _ADD(n, m, block.shape[1], matrix.indptr, matrix.indices, matrix.data, *flat)
    return out


def column_sums(block: Block) -> Block:
    """Sum each column from the first row to the last, whatever the number of columns."""
    return np.asarray(block.cumsum(axis=0)[-1] if block.shape[1] == 1 else block.sum(axis=0))
