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
from scipy.sparse.linalg import lsmr

from relmer.solver.arrays import Array
from relmer.solver.errors import Unbounded
from relmer.solver.model import random_matrix, standardise
from relmer.solver.paths import DENSE, Reduced, is_rounding

EPS = float(np.finfo(float).eps)


def check_residual(reduced: Reduced, REML: bool) -> None:
    """Refuse a response that the fixed effects, or they and the random ones, fit without residual.

    Raises
    ------
    Unbounded
        The criterion falls without bound.
    """
    if is_rounding(reduced.design, reduced.residual0):
        raise Unbounded(told("the fixed effects fit"))
    if reduced.little:
        check_span(reduced, REML)


def check_span(reduced: Reduced, REML: bool) -> None:
    """Refuse a response that lies in the span of X and Z to rounding, if they leave room for a residual.

    Raises
    ------
    Unbounded
        The criterion falls without bound.
    """
    standard = standardise(reduced.design).design
    root = 1.0 if standard.weights is None else np.sqrt(standard.weights)
    X = np.asarray(np.reshape(root, (-1, 1)) * standard.X)
    Z = [sparse.csr_array(sparse.diags_array(np.ones(len(X)) * root) @ random_matrix(term)) for term in standard.terms]
    if falls(reduced, X, Z, REML):
        raise Unbounded(told("the fixed and random effects together fit"))


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


def falls(reduced: Reduced, X: Array, Z: list[sparse.csr_array], REML: bool) -> bool:
    """Whether the criterion falls without bound as the variances of these terms grow, or of some of them."""
    n, columns = len(X), [*([sparse.csr_array(X)] if REML else []), *Z]
    residual, _ = least_squares([sparse.csr_array(X), *Z], reduced.residual0)
    if not Z or not is_rounding(reduced.design, residual):
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
