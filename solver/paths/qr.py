"""Wood's practical: with Z = QR once, every theta needs a Cholesky factor of the size of R only.

V = Q blockdiag(R Lambda Lambda'R' + I, I) Q' (theory.md, 10), so that Q'y and Q'X, computed once, turn generalized
least squares into a small problem on top of rows that never change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack

from relmer.solver.algebra import least_squares, logdet_triangle, repeated, whitened_by_root
from relmer.solver.arrays import Array
from relmer.solver.model import Design, weighted
from relmer.solver.paths import gls
from relmer.solver.paths.large import is_large, sizes_of
from relmer.solver.paths.solution import Solution
from relmer.solver.paths.sweeping import swept


@dataclass(frozen=True)
class Rotated:
    """Q'Z = [R; 0], Q'[X y] = [top; rest], and `rest` reduced to its own triangular factor.

    y is swept by its least-squares fit X beta0 (theory.md, 12), so that a large mean does not round the criterion.
    """

    beta0: Array
    R: Array
    top: Array
    rest: Array
    design: Design
    levels: tuple[int, ...]
    sizes: list[Array]

    @cached_property
    def definition(self) -> gls.Blocks:
        """The rows as the definition wants them."""
        return gls.prepare(self.design)

    def solve_at(self, roots: Sequence[Array]) -> Solution:
        """Whiten the top rows by the Cholesky factor of R Lambda Lambda'R' + I; then least squares.

        Where R Lambda is so large that this factor has no digits, the definition's rows are whitened.

        Raises
        ------
        ModelError
            The covariances are so large that rounding leaves no digits.
        """
        if is_large(roots, self.sizes):
            return self.definition.solve_at(roots)
        top = whitened_by_root(np.asarray(self.R @ repeated(roots, self.levels)), self.top)
        white = np.vstack([top.white, self.rest])
        beta, RX = least_squares(white[:, :-1], white[:, -1])
        residual = white[:, -1] - white[:, :-1] @ beta
        return Solution(
            logdet_L=top.logdet,
            logdet_RX=logdet_triangle(RX),
            pwrss=float(residual @ residual),
            beta=self.beta0 + beta,
            u=top.effects(np.append(-beta, 1.0)),
            RX=RX,
        )


def prepare(design: Design) -> Rotated:
    """Factor Z once and rotate X and y by Q', never forming Q."""
    _, X, Z = weighted(design)
    found = swept(design)
    y = found.residual
    if design.weights is not None:
        # Householder's reflections keep the digits of small rows below large ones (Cox and Higham 1998).
        order = np.argsort(-design.weights, kind="stable")
        y, X, Z = y[order], X[order], sparse.csc_array(sparse.csr_array(Z)[order])
    sizes = sizes_of(design, weighted=True)
    levels = tuple(len(term.levels) for term in design.terms)
    Xy = np.asfortranarray(np.column_stack([X, y]))
    if Z.shape[1] == 0:
        return Rotated(
            beta0=found.beta, R=np.zeros((0, 0)), top=Xy[:0], rest=Xy, design=design, levels=levels, sizes=sizes
        )
    rank = min(Z.shape)
    (reflectors, tau), R = linalg.qr(Z.toarray(), mode="raw")
    reflectors = reflectors[:, :rank]
    work = max(1, int(lapack.dormqr("L", "T", reflectors, tau, Xy, -1)[1][0]))
    rotated = lapack.dormqr("L", "T", reflectors, tau, Xy, work)[0]
    rest = rotated[rank:]
    if len(rest) > rest.shape[1]:
        rest = linalg.qr(rest, mode="r")[0][: rest.shape[1]]
    return Rotated(
        beta0=found.beta, R=R[:rank], top=rotated[:rank], rest=rest, design=design, levels=levels, sizes=sizes
    )
