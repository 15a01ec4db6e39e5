"""From a minimum in doubles to some 90 digits: Newton's method in the chart of its rank, and the values there.

The arithmetic is that of balls, of which only the midpoints are used: their radii prove nothing here, for nobody has
shown that the optimum is inside. That is the kernel's part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx

from relmer.datasets import key_of, matrix_key, theta_key
from relmer.reference.certify.criterion import BALLS, Numbers, Point, ball_solve, evaluate, numbers
from relmer.reference.certify.data import Array, Products
from relmer.reference.certify.factors import duals, free_entries, in_factors, trapezoidal
from relmer.reference.certify.models import Model

BITS = 320
CONVERGED = "1e-75"
STEPS = 12
# Below this an entry of G that should be a variance is taken for zero.
ZERO = 1e-30


@dataclass(frozen=True)
class Centre:
    """A stationary point on the face of some ranks, to about 90 digits.

    Attributes
    ----------
    pivots, factors
        The chart: R_j (c, r), lower trapezoidal in the rows pivots_j.
    point
        The criterion there.
    curvature
        Smallest eigenvalue of the Hessian in the free entries of R; None if there are none.
    duals
        Per term the smallest eigenvalue of N'SN; None where G has full rank.
    values
        All that is certified, by the keys of a certificate.
    """

    pivots: tuple[list[int], ...]
    factors: tuple[Array, ...]
    point: Point
    curvature: float | None
    duals: list[float | None]
    values: dict[str, arb]


def refine(model: Model, exact: Products, G: Sequence[Array], ranks: Sequence[int], REML: bool) -> Centre:
    """Converge to the stationary point next to G on the face of the given ranks.

    Raises
    ------
    ValueError
        Newton's method does not converge, or not to a minimum of its face.
    """
    with ctx.workprec(BITS):
        data = numbers(exact, BALLS)
        charts = [trapezoidal(g, rank) for g, rank in zip(G, ranks, strict=True)]
        pivots = tuple(chart for chart, _ in charts)
        factors = [BALLS.convert(R) for _, R in charts]
        free = np.concatenate([free_entries(rows, len(R)) for rows, R in zip(pivots, factors, strict=True)])
        for _ in range(STEPS):
            point = evaluate(data, [R @ R.T for R in factors], REML)
            gradient, hessian = in_factors(point, factors)
            hessian = hessian[np.ix_(free, free)]
            if not free.any():
                break
            step = np.zeros(len(free), dtype=object)
            step[free] = -ball_solve(hessian, gradient[free, None])[:, 0]
            factors = moved(factors, step)
            if all(abs(part) < arb(CONVERGED) for part in step):
                break
        else:
            raise ValueError(f"{model.name}: Newton's method in the chart of ranks {tuple(ranks)} does not converge")
        plain = [R.astype(float) for R in factors]
        double = Point(
            *(part.astype(float) for part in (np.array(point.value), point.gradient, point.hessian, point.C))
        )
        curvature = float(np.linalg.eigvalsh(hessian.astype(float))[0]) if free.any() else None
        if curvature is not None and curvature <= 0:
            raise ValueError(f"{model.name}: the point found is no minimum on the face of ranks {tuple(ranks)}")
        values = values_at(model, exact, data, factors, ranks, point, REML)
        return Centre(pivots, tuple(factors), point, curvature, duals(double, plain), values)


def moved(factors: Sequence[Array], step: Array) -> list[Array]:
    """Midpoints of the factors after a step, which goes term after term, column by column."""
    midpoints: Callable[[Array], Array] = np.frompyfunc(lambda x: arb(x).mid(), 1, 1)
    found, first = [], 0
    for R in factors:
        part = step[first : first + R.size].reshape(R.shape[::-1]).T
        found.append(midpoints(R + part))
        first += R.size
    return found


def values_at(
    model: Model,
    exact: Products,
    data: Numbers,
    factors: Sequence[Array],
    ranks: Sequence[int],
    point: Point,
    REML: bool,
) -> dict[str, arb]:
    """All values of a certificate, at a point."""
    p = exact.p
    N = exact.n - p if REML else exact.n
    C, names = point.C, [column[0] for column in model.fixed]
    inverse = np.array(arb_mat(C[:p, :p].tolist()).inv().tolist(), dtype=object).reshape(p, p)
    beta = inverse @ C[:p, p]
    sigma2 = (C[p, p] - C[p, :p] @ beta) / N
    roots = np.array([arb(norm).sqrt() for norm in exact.norms], dtype=object)
    T = BALLS.convert(exact.U[:p, :p] * exact.S) * roots[:, None]
    beta = T @ beta - BALLS.convert(exact.U[:p, p]) * roots
    vcov = T @ inverse @ T.T * sigma2
    values = {"criterion": arb(point.value), "sigma": sigma2.sqrt(), "sigma2": sigma2}
    for term, R, rank in zip(model.random, factors, ranks, strict=True):
        columns = [column[0] for column in term.columns]
        G = R @ R.T
        values |= named_theta(term.name, columns, G, rank)
        for j, b in enumerate(columns):
            for i, a in list(enumerate(columns))[j:]:
                values[matrix_key("G", "G", term.name, a, b)] = arb(G[i, j])
                values[matrix_key("var", "cov", term.name, a, b)] = sigma2 * G[i, j]
    for i, a in enumerate(names):
        values[key_of("beta", a)], values[key_of("se", a)] = beta[i], vcov[i, i].sqrt()
        values |= {key_of("vcov", a, b): vcov[i, j] for j, b in list(enumerate(names))[i:]}
    return values


def named_theta(group: str, columns: Sequence[str], G: Array, rank: int) -> dict[str, arb]:
    """Cholesky factor T of G = T T' by lme4's names; nothing where T is not unique.

    As soon as `rank` pivots have been positive, what is left is zero. A zero pivot before that leaves its column open.
    """
    c, left, T = len(G), G.copy(), np.array([[arb(0)] * len(G)] * len(G), dtype=object)
    for k in range(c):
        if k == rank:
            break
        if not left[k, k] > ZERO:
            return {}
        T[k:, k] = left[k:, k] / left[k, k].sqrt()
        left = left - np.outer(T[:, k], T[:, k])
    return {theta_key(group, columns[i], columns[k]): T[i, k] for k in range(c) for i in range(k, c)}
