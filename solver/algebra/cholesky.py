"""Symmetric elimination of sparse matrices."""

from typing import Literal

from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu


def factorize(M: sparse.csc_array, ordering: Literal["NATURAL", "MMD_AT_PLUS_A"]) -> SuperLU:
    """Symmetric elimination without pivoting: M = L D L' for a positive definite M."""
    factor: SuperLU = splu(M, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor
