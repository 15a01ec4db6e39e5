"""Sparse symmetric matrices: repeated blocks, and elimination without pivoting."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from relmer.solver.arrays import Array


def factorize(M: sparse.csc_array, ordering: Literal["NATURAL", "MMD_AT_PLUS_A"]) -> SuperLU:
    """Factor a positive definite M, in its own order or in a fill-reducing one: unit L times U with the pivots."""
    factor: SuperLU = splu(M, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor


def repeated(blocks: Sequence[Array], times: Sequence[int]) -> sparse.csc_array:
    """The block-diagonal that repeats each block (r, c) as often as is said: kronecker(eye(times), block).

    Examples
    --------
    >>> repeated([np.array([[3.0]]), np.array([[5.0]])], [2, 1]).toarray()
    array([[3., 0., 0.],
           [0., 3., 0.],
           [0., 0., 5.]])
    """
    rows, columns, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    row = column = 0
    for block, count in zip(blocks, times, strict=True):
        j, i = block.T.nonzero()
        each = np.arange(count)[:, None]
        rows.append((row + block.shape[0] * each + i).ravel())
        columns.append((column + block.shape[1] * each + j).ravel())
        values.append(np.tile(block[i, j], count))
        row, column = row + count * block.shape[0], column + count * block.shape[1]
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csc_array(entries, shape=(row, column))
