"""The criterion by its definition in ball arithmetic, at the doubles of a design and a theta: no digits are lost."""

import numpy as np
from flint import arb, arb_mat, ctx

from relmer.solver.model.design import Design
from relmer.solver.model.theta import Lambda


def criterion_in_balls(design: Design, theta: np.ndarray, REML: bool, bits: int = 2400) -> float:
    """f (theory.md, 8) of V = W^-1 + Z Lambda Lambda'Z' written out, sigma^2 profiled; the ball must be tiny."""
    with ctx.workprec(bits):
        Z, factor = exact(design.Z.toarray()), exact(Lambda(design.template, theta).toarray())
        n, p = design.X.shape
        root = Z * factor if design.Z.shape[1] else arb_mat(n, 1)
        V = root * root.transpose()
        weights = np.ones(n) if design.weights is None else design.weights
        for i in range(n):
            V[i, i] += 1 / arb(float(weights[i]))
        offset = np.zeros(n) if design.offset is None else design.offset
        y = [[arb(float(a)) - arb(float(b))] for a, b in zip(design.y, offset, strict=True)]
        Xy = arb_mat([[arb(float(x)) for x in row] + end for row, end in zip(design.X, y, strict=True)])
        A = Xy.transpose() * V.solve(Xy)
        left, d = A.det(), n - p if REML else n
        det_X = arb_mat([[A[i, j] for j in range(p)] for i in range(p)]).det() if p else arb(1)
        value = V.det().log() + d * (1 + (2 * arb.pi() * left / det_X / d).log())
        value += det_X.log() if REML else 0
        assert value.rad() < 1e-20, "the ball is too wide; ask for more bits"
        return float(value.mid())


def criterion_by_elimination(design: Design, theta: np.ndarray, REML: bool, bits: int = 400) -> float:
    """The same from the cross products of Z, X and y, row by row, and M = Lambda'Z'Z Lambda + I (Woodbury).

    |V| = |M| and V^-1 = I - Z Lambda M^-1 Lambda'Z': for many rows and few hundreds of random effects, without weights.
    The cross products of doubles have 106 bits each, and sums of 20,000 of them lose none of 400.
    """
    assert design.weights is None
    with ctx.workprec(bits):
        q, (n, p) = design.Z.shape[1], design.X.shape
        A = products(design)
        L = exact(Lambda(design.template, theta).toarray())
        M = L.transpose() * block(A, range(q), range(q)) * L
        for i in range(q):
            M[i, i] += 1
        right = range(q, q + p + 1)
        C = L.transpose() * block(A, range(q), right)
        S = block(A, right, right) - C.transpose() * M.solve(C)
        det_X = arb_mat([[S[i, j] for j in range(p)] for i in range(p)]).det() if p else arb(1)
        d = n - p if REML else n
        value = M.det().log() + d * (1 + (2 * arb.pi() * S.det() / det_X / d).log())
        value += det_X.log() if REML else 0
        assert value.rad() < 1e-15, "the ball is too wide; ask for more bits"
        return float(value.mid())


def products(design: Design) -> dict[tuple[int, int], arb]:
    """Upper triangle of [Z X y]'[Z X y], y without the offset; what is not there is zero."""
    Z, q, (n, p) = design.Z.tocsr(), design.Z.shape[1], design.X.shape
    offset = np.zeros(n) if design.offset is None else design.offset
    found: dict[tuple[int, int], arb] = {}
    for i in range(n):
        inside = slice(Z.indptr[i], Z.indptr[i + 1])
        columns = [*sorted(map(int, Z.indices[inside])), *range(q, q + p + 1)]
        entries = dict(zip(map(int, Z.indices[inside]), Z.data[inside], strict=True))
        row = [arb(float(entries[j])) for j in columns[: len(entries)]]
        row += [*(arb(float(x)) for x in design.X[i]), arb(float(design.y[i])) - arb(float(offset[i]))]
        for k, (at, one) in enumerate(zip(columns, row, strict=True)):
            for other_at, other in zip(columns[k:], row[k:], strict=True):
                found[at, other_at] = found.get((at, other_at), arb(0)) + one * other
    return found


def block(products: dict[tuple[int, int], arb], rows: range, columns: range) -> arb_mat:
    """A block of a symmetric matrix of which the upper triangle is given."""
    return arb_mat([[products.get((min(i, j), max(i, j)), arb(0)) for j in columns] for i in rows])


def exact(matrix: np.ndarray) -> arb_mat:
    return arb_mat([[arb(float(entry)) for entry in row] for row in matrix])
