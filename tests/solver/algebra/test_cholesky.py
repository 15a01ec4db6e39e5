"""Blocks that are repeated, and elimination without pivoting."""

import numpy as np
from bounds import DENSE
from scipy import sparse
from scipy.linalg import block_diag

from relmer.solver.algebra import factorize, repeated


def test_each_block_is_repeated_as_often_as_is_said_and_holds_no_zero() -> None:
    blocks = [np.array([[1.0, 0.0], [2.0, 3.0]]), np.array([[4.0, 5.0, 0.0]]), np.array([[6.0]])]
    found = repeated(blocks, [2, 3, 1])
    np.testing.assert_array_equal(found.toarray(), block_diag(*[blocks[0]] * 2, *[blocks[1]] * 3, blocks[2]))
    assert found.nnz == 2 * 3 + 3 * 2 + 1
    assert isinstance(found, sparse.csc_array)
    np.testing.assert_array_equal(
        repeated([np.zeros((2, 1)), np.ones((1, 1))], [2, 1]).toarray(), [[0, 0, 0]] * 4 + [[0, 0, 1]]
    )
    assert repeated([], []).shape == (0, 0)


def test_a_factor_is_that_of_the_matrix_and_takes_no_pivot_from_elsewhere() -> None:
    """A large entry beside the diagonal would be taken by a factor with pivots."""
    M = np.array([[1.0, 9.0, 0.0, 0.0], [9.0, 100.0, 1.0, 0.0], [0.0, 1.0, 4.0, 2.0], [0.0, 0.0, 2.0, 5.0]])
    lu = factorize(sparse.csc_array(M), "NATURAL")
    np.testing.assert_array_equal(lu.perm_c, np.arange(4))
    np.testing.assert_array_equal(lu.perm_r, np.arange(4))
    np.testing.assert_allclose((lu.L @ lu.U).toarray(), M, rtol=0, atol=DENSE * 100)
    np.testing.assert_allclose(lu.U.diagonal().prod(), np.linalg.det(M), rtol=1e-10)
    arrow = sparse.csc_array(np.eye(6) * 10 + np.outer(np.eye(6)[0], np.ones(6)) + np.outer(np.ones(6), np.eye(6)[0]))
    ordered = factorize(arrow, "MMD_AT_PLUS_A")
    np.testing.assert_array_equal(ordered.perm_c, ordered.perm_r)
    assert ordered.L.nnz < factorize(arrow, "NATURAL").L.nnz, "the row that fills all others comes last"
