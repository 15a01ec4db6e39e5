"""The design of a mixed model: y, X, Z and the template of the relative covariance factor Lambda.

The random effects of one term have l levels and c columns; their relative covariance factor is T, lower triangular
c x c, repeated l times along the diagonal of Lambda (theory.md, 2). theta lists the lower triangles of all T, column by
column, term after term (Bates et al. 2015, section 2.3).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from relmer.solver.arrays import Array, Integers
from relmer.solver.model.term import RandomTerm
from relmer.solver.model.theta import Template, template


@dataclass(frozen=True)
class Design:
    """All that the criterion needs: y, X and Z as they were given (theory.md, 1).

    Attributes
    ----------
    y
        Response (n,).
    X
        Fixed-effects matrix (n, p) of full column rank, columns named by `coefficients`.
    terms
        The random-effects terms in lme4's order.
    weights, offset
        (n,) or None.
    dropped
        Names of the columns of X that were dropped because others determine them.
    messages
        What was noticed while the design was made, in lme4's words where it has them.
    """

    y: Array
    X: Array
    terms: tuple[RandomTerm, ...]
    coefficients: tuple[str, ...]
    weights: Array | None = None
    offset: Array | None = None
    dropped: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    @cached_property
    def Z(self) -> sparse.csc_array:
        """Random-effects matrix (n, q), sparse; term after term, level after level, column after column."""
        # Blocks by columns are put beside each other without a detour over triplets, which are twice as large.
        blocks = [sparse.csc_array(random_matrix(term)) for term in self.terms]
        Z = sparse.csc_array(sparse.hstack(blocks, format="csc") if blocks else sparse.csc_array((len(self.y), 0)))
        Z.sort_indices()
        return Z

    @cached_property
    def template(self) -> "Template":
        """Where theta goes in Lambda."""
        shapes = [(len(term.levels), len(term.columns)) for term in self.terms]
        return template(
            shapes, [term.structure.pattern(width) for term, (_, width) in zip(self.terms, shapes, strict=True)]
        )


def random_matrix(term: RandomTerm) -> sparse.csr_array:
    """Z of one term: row i holds X[i] in the columns of its level, the Khatri-Rao product (J' * X')'.

    Returns a sparse (n, levels * columns) matrix (Bates et al. 2015, equation 6).
    """
    n, width = term.X.shape
    shape = (n, len(term.levels) * width)
    # Indices of 32 bits where these do: scipy would make them so, from a copy.
    index: type[np.signedinteger] = np.int32 if max(n * width, *shape) <= np.iinfo(np.int32).max else np.int64
    within: Integers = np.arange(width, dtype=index)
    columns = (np.multiply(term.codes[:, None], width, dtype=index) + within).ravel()
    starts = np.arange(0, n * width + 1, width, dtype=index)
    Z = sparse.csr_array((term.X.flatten(), columns, starts), shape=shape)
    Z.eliminate_zeros()
    return Z


def weighted(design: Design) -> tuple[Array, Array, sparse.csc_array]:
    """y, X and Z as they stand from (theory.md, 3) on: y without the offset, rows times the square roots of weights."""
    y = response(design)
    if design.weights is None:
        return y, design.X, design.Z
    root = np.sqrt(design.weights)
    return root * y, root[:, None] * design.X, sparse.csc_array(sparse.diags_array(root) @ design.Z)


def response(design: Design) -> Array:
    """y without the offset."""
    return design.y if design.offset is None else design.y - design.offset
