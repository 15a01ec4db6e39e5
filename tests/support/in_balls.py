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


def exact(matrix: np.ndarray) -> arb_mat:
    return arb_mat([[arb(float(entry)) for entry in row] for row in matrix])
