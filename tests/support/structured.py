"""Structured covariances by their definition, written here once more: G entry by entry, in ball arithmetic."""

from collections.abc import Sequence

import numpy as np
from flint import arb, arb_mat, ctx
from hypothesis import strategies as st

from relmer.solver.model import Covariance, Design, RandomTerm, structure_of

KINDS = [(name, hom) for name in ("diag", "cs", "ar1") for hom in (False, True)]


def width(term: RandomTerm) -> int:
    """How many columns a term has."""
    return len(term.columns)


def spread(structure: Covariance, par: Sequence[arb], c: int) -> tuple[list[arb], arb]:
    """The c standard deviations, and rho or 0."""
    count = 1 if structure.hom else c
    s = [par[0]] * c if structure.hom else list(par[:c])
    return s, par[count] if len(par) > count else arb(0)


def defined_G(structure: Covariance, par: Sequence[arb], c: int) -> arb_mat:
    """G (c, c): T T' of `us`; else s_i s_j times 1, 0, rho or rho^|i - j|."""
    if structure.name == "us":
        T, entries = arb_mat(c, c), iter(par)
        for j in range(c):
            for i in range(j, c):
                T[i, j] = next(entries)
        return T * T.transpose()
    s, rho = spread(structure, par, c)
    correlation = {
        "diag": lambda i, j: arb(0),
        "cs": lambda i, j: rho,
        "ar1": lambda i, j: rho ** abs(i - j),
    }[structure.name]
    return arb_mat([[s[i] * s[j] * (correlation(i, j) if i != j else 1) for j in range(c)] for i in range(c)])


def criterion_in_balls(design: Design, par: Sequence[Sequence[arb]], REML: bool) -> arb:
    """f (theory.md, 8) of V = W^-1 + sum Z_j (I x G_j) Z_j', every entry summed over its level."""
    n, p = design.X.shape
    V = arb_mat(n, n)
    weights = np.ones(n) if design.weights is None else design.weights
    for i in range(n):
        V[i, i] = 1 / arb(float(weights[i]))
    for term, own in zip(design.terms, par, strict=True):
        X = arb_mat([[arb(float(x)) for x in row] for row in term.X])
        shared = X * defined_G(term.structure, own, width(term)) * X.transpose()
        for i in range(n):
            for j in np.flatnonzero(term.codes == term.codes[i]).tolist():
                V[i, j] += shared[i, j]
    Xy = arb_mat([[arb(float(x)) for x in (*row, y)] for row, y in zip(design.X, design.y, strict=True)])
    A = Xy.transpose() * V.solve(Xy)
    det_X = arb_mat([[A[i, j] for j in range(p)] for i in range(p)]).det()
    d = n - p if REML else n
    value = V.det().log() + d * (1 + (2 * arb.pi() * A.det() / det_X / d).log())
    return value + (det_X.log() if REML else 0)


def value_in_balls(design: Design, par: Sequence[np.ndarray], REML: bool) -> float:
    """The criterion as a double."""
    with ctx.workprec(300):
        return float(criterion_in_balls(design, [[arb(float(x)) for x in own] for own in par], REML).mid())


def derivatives_in_balls(design: Design, par: Sequence[np.ndarray], REML: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (k,) and Hessian (k, k) in par by differences of 1,200 bits with a step of 2^-200: rounded only once."""
    sizes = [len(own) for own in par]
    x = np.concatenate(par)
    k = len(x)
    with ctx.workprec(1200):
        step = arb(2) ** -200

        def at(*moves: tuple[int, int]) -> arb:
            moved = [arb(float(each)) for each in x]
            for axis, times in moves:
                moved[axis] += times * step
            entries = iter(moved)
            return criterion_in_balls(design, [[next(entries) for _ in range(size)] for size in sizes], REML)

        here = at()
        up, down = [at((a, 1)) for a in range(k)], [at((a, -1)) for a in range(k)]
        gradient = np.array([float(((u - d) / (2 * step)).mid()) for u, d in zip(up, down, strict=True)])
        hessian = np.zeros((k, k))
        for a in range(k):
            hessian[a, a] = float(((up[a] + down[a] - 2 * here) / step**2).mid())
            for b in range(a):
                both = at((a, 1), (b, 1)) + at((a, -1), (b, -1)) - at((a, 1), (b, -1)) - at((a, -1), (b, 1))
                hessian[a, b] = hessian[b, a] = float((both / (4 * step**2)).mid())
    return gradient, hessian


@st.composite
def pars_of(draw: st.DrawFn, name: str, hom: bool, c: int) -> np.ndarray:
    """A par within its bounds, at them too; of `us` any factor."""
    lower, upper = structure_of(name, hom).bounds(c)
    found = []
    for low, high in zip(lower, upper, strict=True):
        if np.isfinite(high):
            found.append(draw(st.one_of(st.sampled_from([low, high, 0.0]), st.floats(low, high))))
        else:
            found.append(draw(st.one_of(st.just(0.0), st.floats(0.01, 3.0)) if low == 0 else st.floats(-2.0, 2.0)))
    return np.array(found)
