"""How far rounding may move the criterion at a theta, whoever evaluates it with care (Higham 2002, chapters 9 and 10).

log|V| and the quadratic form come from a Cholesky factor of V, or of Lambda'Z'WZ Lambda + I. A backward stable factor
is the exact one of a matrix that is eps away, relative to the largest eigenvalue; the smallest is 1. Each of the
eigenvalues of a matrix that is kappa eps away from singular is then known to kappa eps, and so are the residual sum of
squares and every pivot: the criterion, a sum of logarithms of such numbers, moves by kappa eps for each of its d terms.
"""

from collections.abc import Sequence

import numpy as np
from scipy import linalg, sparse

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape
from relmer.solver.model import Lambda, factors, weighted


def rounding_at(view: Landscape, theta: Sequence[float]) -> float:
    """Bound of the rounding of the criterion at theta: of a sum of its size, and of a factor of its condition."""
    return max(tolerances.CRITERION * view.size, conditioned(view, theta))


def conditioned(view: Landscape, theta: Sequence[float]) -> float:
    """What the condition of V alone takes from the criterion: neither a path nor a search can tell what is smaller."""
    return tolerances.EPS * len(view.fit.design.y) * condition(view, theta)


def condition(view: Landscape, theta: Sequence[float]) -> float:
    """Bound of the condition number of V in units of the residual: 1 + the largest row sum of |Lambda'Z'WZ Lambda|."""
    key = ("condition", *theta)
    if key not in view.remembered:
        design = view.fit.design
        _, _, Z = weighted(design)
        ZL = sparse.csc_array(Z @ Lambda(design.template, np.asarray(theta, dtype=float)))
        sizes = abs(ZL)
        view.remembered[key] = 1.0 + float((sizes.T @ (sizes @ np.ones(ZL.shape[1]))).max(initial=0.0))
    found: float = view.remembered[key]
    return found


def inverted(view: Landscape, theta: Sequence[float]) -> float:
    """How far rounding may move the criterion of who works with the inverse of G; infinite where G has none.

    Such a program triangulates the rows of Z above those of Delta = T^-1 (Pinheiro and Bates 2000, section 2.2.2). Its
    factor is that of columns that are eps off, relative to each as a whole (Higham 2002, theorem 19.4): near a zero
    variance Delta outweighs Z, of which only eps |Delta_j| is then left. V moves by 2 eps |Z G|_i |Delta| in row i, and
    each of n terms of the criterion by so much.
    """
    design = view.fit.design
    _, _, Z = weighted(design)
    L = sparse.csr_array(Lambda(design.template, np.asarray(theta, dtype=float)))
    sizes, first = np.zeros(L.shape[0]), 0
    for term, T in zip(design.terms, factors(design.terms, np.asarray(theta, dtype=float)), strict=True):
        width, whole = len(T), len(T) * len(term.levels)
        if not np.all(np.diag(T)):
            return float("inf")
        lengths = np.linalg.norm(linalg.solve_triangular(T, np.eye(width), lower=True), axis=0)
        sizes[first : first + whole] = np.tile(lengths, len(term.levels))
        first += whole
    moved = abs(Z @ (L @ L.T)) @ sizes
    return 2 * tolerances.EPS * len(design.y) * float(moved.max(initial=0.0))


def carried(view: Landscape, theta: Sequence[float]) -> float:
    """Largest relative error of a V_ii by the rounding of theta: where Z Lambda is a difference of large numbers.

    A covariate far from its origin makes it so. A root that was made triangular by rotations is known to eps of the
    length of each row (Higham 2002, theorem 19.4), however small an entry: that moves row i of Z Lambda by eps |Z|
    times these lengths, and V_ii by twice the product of both.
    """
    key = ("carried", *theta)
    if key not in view.remembered:
        design = view.fit.design
        _, _, Z = weighted(design)
        L = Lambda(design.template, np.asarray(theta, dtype=float))
        lengths = sparse.diags_array(np.sqrt(np.asarray(L.multiply(L).sum(axis=1)).ravel()))
        entries = Lambda(design.template, np.ones(len(theta)))
        rows, moved = sparse.csr_array(abs(Z @ L)), sparse.csr_array(abs(Z) @ lengths @ abs(entries).sign())
        sums = np.asarray(rows.multiply(moved).sum(axis=1)).ravel()
        variance = 1.0 + np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        view.remembered[key] = float((2 * tolerances.EPS * sums / variance).max(initial=0.0))
    found: float = view.remembered[key]
    return found
