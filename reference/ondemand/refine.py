"""From a minimum in doubles to 80 digits, and the claim that the kernel is to prove.

The derivatives are the kernel's own (`near`), of which only the midpoints are used here; that the point is a minimum,
and the only one nearby, is left to its proof.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from relmer.reference.certify import CENTRE_DIGITS, cautious, decimal, trapezoidal
from relmer.reference.verify import Blocks, Data, in_chart, near

Array = np.ndarray[Any, Any]
Factors = list[list[list[arb]]]
# Newton's method has so many bits more than the proof.
MORE_BITS = 32
CONVERGED = arb("1e-66")
STEPS = 40
RADIUS = "1e-60"
# A step that is longer than this part of R is shortened to it.
LONGEST = 0.5


class NoMinimum(ValueError):
    """There is nothing to prove; one line that says why."""


def claimed(
    data: Data | Blocks, REML: bool, T: Sequence[Array], ranks: Sequence[int], precision: int
) -> dict[str, Any]:
    """Refine a minimum on the face of some ranks, and claim it.

    Parameters
    ----------
    data
        As the kernel reads them.
    T
        lme4's factors near the minimum, one a term.
    ranks
        Their ranks.
    precision
        Bits of the proof.

    Returns
    -------
    dict
        A reading of a certificate, its values apart, with the narrowest uniqueness.

    Raises
    ------
    NoMinimum
        Newton's method does not converge, or not to a strict minimum.
    """
    charts = [chart(factor, rank) for factor, rank in zip(T, ranks, strict=True)]
    pivots = [rows for rows, _ in charts]
    R: Factors = [[[arb(float(x)) for x in row] for row in factor] for _, factor in charts]
    free = [(t, i, k) for t, P in enumerate(pivots) for k in range(len(P)) for i in range(len(R[t])) if i not in P[:k]]
    with ctx.workprec(precision + MORE_BITS):
        R, hessian, S = converged(data, REML, R, free)
    plain = np.array(hessian.tolist(), dtype=float).reshape(len(free), len(free))
    curvature = float(np.linalg.eigvalsh(plain)[0]) if free else None
    if curvature is not None and curvature <= 0:
        raise NoMinimum("the point that the search found is no strict minimum: the criterion is flat or falls there")
    duals = [smallest_dual(S_j, factor) for S_j, factor in zip(S, R, strict=True)]
    if any(dual is not None and dual <= 0 for dual in duals):
        raise NoMinimum(
            "the point that the search found is no minimum: a larger covariance matrix lowers the criterion"
        )
    return {
        "kind": "certified",
        "level": "local-proved",
        "centre": [
            {"rank": len(rows), "pivots": rows, "R": [[decimal(x, CENTRE_DIGITS) for x in row] for row in factor]}
            for rows, factor in zip(pivots, R, strict=True)
        ],
        "precision": precision,
        "radius": RADIUS,
        "unique": "1e-30",
        "curvature": cautious(curvature),
        "duals": [cautious(dual) for dual in duals],
        "starts": {"tried": 1, "reached": 1, "elsewhere": []},
        "tree": None,
    }


def chart(T: Array, rank: int) -> tuple[list[int], Array]:
    """The pivot rows of a covariance matrix and its factor; of full rank T itself, whose diagonal is made positive."""
    if rank < len(T):
        return trapezoidal(T @ T.T, rank)
    return list(range(rank)), T * np.where(np.diag(T) < 0, -1.0, 1.0)


def converged(
    data: Data | Blocks, REML: bool, R: Factors, free: Sequence[tuple[int, int, int]]
) -> tuple[Factors, arb_mat, list[arb_mat]]:
    """Newton's method in the free entries of R: the factors there, the Hessian and the duals S_j.

    Raises
    ------
    NoMinimum
        It does not converge.
    """
    for _ in range(STEPS):
        G = [sum((x * y for x, y in zip(R[t][a], R[t][b], strict=True)), arb(0)) for t, a, b in data.gammas]
        G = [g.mid() for g in G]
        try:
            slope, hessian, S = in_chart(data, R, free, *near(data, REML, G)(G, False)[0])
            step = hessian.mid().solve(slope.mid()).mid().entries() if free else []
        except ZeroDivisionError:
            raise NoMinimum("the criterion is flat at the point that the search found: nothing can be proved") from None
        if not free:
            return R, hessian, S
        largest = max(abs(R[t][i][k]) for t, i, k in free)
        longest = max(abs(part) for part in step)
        shorter = min(1.0, LONGEST * float(largest) / max(float(longest), 1e-300))
        for (t, i, k), part in zip(free, step, strict=True):
            R[t][i][k] = (R[t][i][k] - part * shorter).mid()
        if longest < CONVERGED * (1 + largest):
            return R, hessian, S
    raise NoMinimum(f"Newton's method has not converged in {STEPS} steps from where the search ended")


def smallest_dual(S: arb_mat, R: Sequence[Sequence[arb]]) -> float | None:
    """Smallest eigenvalue of N'SN, N an orthonormal basis of G's null space; None if that is 0."""
    factor = np.array([[float(x) for x in row] for row in R]).reshape(len(R), -1)
    c, r = factor.shape
    if r == c:
        return None
    N = np.linalg.svd(factor)[0][:, r:]
    dual = N.T @ np.array(S.tolist(), dtype=float).reshape(c, c) @ N
    return float(np.linalg.eigvalsh(dual)[0])
