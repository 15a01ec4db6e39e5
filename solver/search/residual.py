"""Whether a model leaves the response a residual; without one the criterion has no minimum.

Let G grow along a ray, G = t G_1 with t to infinity, and let Z_1 have the columns of Z that G_1 spans. The eigenvalues
of V grow as t along Z_1 and stay elsewhere, and pwrss falls to the square of what [X Z_1] leave of y, or, if they leave
nothing, as 1/t. So the criterion changes as

    REML:  (rank [X Z_1] - p) log t - (n - p) log t,     maximum likelihood:  rank Z_1 log t - n log t

where y lies in the span of [X Z_1], and else it rises or stays. It falls without bound iff y lies in that span while
[X Z_1] is not of rank n (for maximum likelihood: Z_1 is not). All of Z, that is G_1 = I, spans most, so it decides
unless its rank is n; then any response lies in the span, and the same is asked of fewer terms.

y is known to some eps of its own, and so is what least squares leaves of it.
"""

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import lsmr

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import random_matrix, standardise
from relmer.solver.paths import Reduced

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
# What is left of a response, in units of its largest value, that is rounding: of its own digits and of its formula,
# some tens of operations. NIST's SmLs07 to 09, decimals with a mean of 1e12, keep 450 eps.
ROUNDING = 100 * EPS
# A working G at which what Z spans is gone from pwrss, but for directions along which Z is less than 1e-8 of its size;
# and the part of |y0|^2 that surely is none of it. Of a large crossed model this is not asked: a solution costs as much
# as a step of the search, which finds no minimum there.
FAR, MUCH = 1e12, 1e-4
# Numbers in [X Z] up to which it is written out.
DENSE = 2**22


def check_residual(reduced: Reduced, REML: bool) -> None:
    """Refuse a response that the fixed effects, or they and the random ones, fit without residual.

    Raises
    ------
    ModelError
        The criterion falls without bound.
    """
    if rounding(reduced, reduced.residual0):
        raise ModelError(told("the fixed effects fit"))
    if reduced.design.terms and not surely_left(reduced):
        check_span(reduced, REML)


def check_span(reduced: Reduced, REML: bool) -> None:
    """Refuse a response that lies in the span of X and Z to rounding, if they leave room for a residual.

    Raises
    ------
    ModelError
        The criterion falls without bound.
    """
    standard = standardise(reduced.design).design
    root = 1.0 if standard.weights is None else np.sqrt(standard.weights)
    X = np.asarray(np.reshape(root, (-1, 1)) * standard.X)
    Z = [sparse.csr_array(sparse.diags_array(np.ones(len(X)) * root) @ random_matrix(term)) for term in standard.terms]
    if falls(reduced, X, Z, REML):
        raise ModelError(told("the fixed and random effects together fit"))


def told(who: str) -> str:
    """The refusal, in one line."""
    return (
        f"{who} the response without residual; there is no variance to estimate: is the response constant within "
        "groups, or computed from other columns? Else leave terms out"
    )


def drowned(times: float) -> str:
    """The refusal where there is a residual that the search cannot see, in one line."""
    return (
        f"the random effects are {times:.0e} times as large as the residual, which rounding hides; is the response "
        "computed from other columns? Else leave terms out"
    )


def rounding(reduced: Reduced, residual: Array) -> bool:
    """Whether a weighted residual (n,) is rounding of the response."""
    design = reduced.design
    size = np.abs(design.y) if design.offset is None else np.maximum(np.abs(design.y), np.abs(design.offset))
    weighted = size if design.weights is None else np.sqrt(design.weights) * size
    return bool(np.abs(residual).max() <= ROUNDING * max(float(weighted.max()), TINY))


def surely_left(reduced: Reduced) -> bool:
    """Whether much is left of the response where the random effects are free, or all but free.

    If [X Z] left nothing of y0, A0 with a ridge of 1 / FAR would leave the square of its coefficients over FAR, and a
    G = FAR would leave of pwrss that of the effects.
    """
    elimination = reduced.structure.elimination
    A = np.array(elimination.within)
    A.flat[: -1 : len(A) + 1] += 1.0 / FAR
    R, status = lapack.dpotrf(A, overwrite_a=1)
    least = np.sqrt(MUCH) * linalg.norm(reduced.residual0, check_finite=False)
    if status or R[-1, -1] <= least:
        return False
    if elimination.is_swept or elimination.is_costly:
        return True
    weights = reduced.design.weights
    try:
        _, diagonal = elimination.ray(np.array([FAR if weights is None else FAR / weights.mean()]))
    except (ModelError, np.linalg.LinAlgError):
        return False
    return bool(diagonal[0, -1] > least)


def falls(reduced: Reduced, X: Array, Z: list[sparse.csr_array], REML: bool) -> bool:
    """Whether the criterion falls without bound as the variances of these terms grow, or of some of them."""
    n, columns = len(X), [*([sparse.csr_array(X)] if REML else []), *Z]
    residual, _ = least_squares([sparse.csr_array(X), *Z], reduced.residual0)
    if not Z or not rounding(reduced, residual):
        return False
    if sum(each.shape[1] for each in columns) < n or least_squares(columns, reduced.residual0)[1] < n:
        return True
    return len(Z) > 1 and any(falls(reduced, X, Z[:k] + Z[k + 1 :], REML) for k in range(len(Z)))


def least_squares(blocks: list[sparse.csr_array], y: Array) -> tuple[Array, int]:
    """What columns leave of y (n,), and their rank; of many columns in many rows the rank that they could have."""
    columns = sparse.csr_array(sparse.hstack(blocks))
    n, count = columns.shape
    length = np.sqrt(np.asarray((columns**2).sum(axis=0)).ravel())
    columns = sparse.csr_array(columns @ sparse.diags_array(1.0 / np.where(length > 0, length, 1.0)))
    if n * count > DENSE:
        for _ in range(3):
            y = y - columns @ lsmr(columns, y, atol=EPS, btol=EPS, conlim=0.0)[0]
        return y, min(n, count)
    Q, R, _ = linalg.qr(columns.toarray(), mode="economic", pivoting=True)
    pivots = np.abs(R.diagonal())
    rank = int((pivots > n * EPS * pivots.max(initial=0.0)).sum())
    for _ in range(2):
        y = y - Q[:, :rank] @ (Q[:, :rank].T @ y)
    return y, rank
