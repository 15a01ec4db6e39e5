"""The chart of covariances of some ranks: G_j of rank r is R R', R (c x r) of a shape that makes it unique.

R has in its k-th pivot row a positive k-th entry and zeros right of it; all other entries are free. With the dual S of
criterion.py df/dR = 2 S R, and G's own second derivative adds 2 S_ab [k = l] to the Hessian at R_ak, R_bl.
"""

from collections.abc import Sequence

from flint import arb, arb_mat

from relmer.reference.verify.criterion import Factor
from relmer.reference.verify.data import Named

Entry = tuple[int, int, int]
"""Term, row and column of an entry of R."""


def free_entries(R: Sequence[Factor], pivots: Sequence[Sequence[int]]) -> list[Entry]:
    """The entries of R that are not zero by the choice of its pivot rows, term by term, column by column."""
    return [(t, i, k) for t, P in enumerate(pivots) for k in range(len(P)) for i in range(len(R[t])) if i not in P[:k]]


def slopes_of_gamma(data: Named, R: Sequence[Factor], free: Sequence[Entry]) -> arb_mat:
    """Derivatives of gamma in the free entries of R (m x K)."""
    entries = [
        (R[t][b][k] if i == a else 0) + (R[t][a][k] if i == b else 0) if u == t else 0
        for u, i, k in free
        for t, a, b in data.gammas
    ]
    return arb_mat(len(free), len(data.gammas), entries)


def in_chart(
    data: Named, R: Sequence[Factor], free: Sequence[Entry], first: list[arb], second: list[list[arb]]
) -> tuple[arb_mat, arb_mat, list[arb_mat]]:
    """Gradient (m x 1) and Hessian (m x m) in the free entries of R, and the duals S_j."""
    m, K = len(free), len(data.gammas)
    J = slopes_of_gamma(data, R, free)
    f = dict(zip(data.gammas, first, strict=True))
    S = [
        arb_mat([[f[t, max(a, b), min(a, b)] / (1 + (a != b)) for b in range(len(names))] for a in range(len(names))])
        for t, (_, names) in enumerate(data.terms)
    ]
    bent = [2 * S[t][i, j] if (t, k) == (u, l) else 0 for t, i, k in free for u, j, l in free]
    hessian = J * arb_mat(second) * J.transpose() + arb_mat(m, m, bent)
    return J * arb_mat(K, 1, first), hessian, S
