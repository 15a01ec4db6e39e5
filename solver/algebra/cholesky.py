"""Sparse symmetric matrices: repeated blocks, and elimination without pivoting."""

from collections.abc import Sequence
from typing import Literal

from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from relmer.solver.arrays import Array


def factorize(M: sparse.csc_array, ordering: Literal["NATURAL", "MMD_AT_PLUS_A"]) -> SuperLU:
    """Factor a positive definite M, in its own order or in a fill-reducing one: unit L times U with the pivots."""
    factor: SuperLU = splu(M, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor


def repeated(blocks: Sequence[Array], times: Sequence[int]) -> sparse.csc_array:
    """The block-diagonal (q, q) that repeats each block (c, c) as often as is said: kronecker(eye(times), block).

    Examples
    --------
    >>> import numpy as np
    >>> repeated([np.array([[3.0]]), np.array([[5.0]])], [2, 1]).toarray()
    array([[3., 0., 0.],
           [0., 3., 0.],
           [0., 0., 5.]])
    """
    pairs = zip(blocks, times, strict=True)
    parts = [sparse.kron(sparse.eye_array(count), sparse.csc_array(block)) for block, count in pairs]
    return sparse.csc_array(sparse.block_diag(parts) if parts else (0, 0))
