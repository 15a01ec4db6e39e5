"""The criterion of many responses, each at a theta of its own, with its exact derivatives (theory.md, 14 and 24 to 36).

Along gamma D changes by N_a. With P_a = D^-1 N_a, sums over the blocks, and Omega, what the criterion weighs A with,

    log|V| = sum log|D|,         d: sum tr P_a,              d2: - sum tr(P_a P_o),
    A = A0 + sum <D^-1, S>,      d: - sum <P_a D^-1, S>,     d2: 2 sum tr(P_a P_o D^-1 S), symmetric in x and z.
"""

import math
from dataclasses import dataclass

import numpy as np

from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.many.rows import Responses, Shared


@dataclass(frozen=True)
class Values:
    """What follows from theta (m, k) alone.

    Attributes
    ----------
    value, size
        The criterion (m,), infinite where rounding leaves no residual; and the sizes of its parts, added up.
    Dinv
        (m, K, r, r).
    beta
        On Q, without beta0, (m, p).
    inverse
        A_xx^-1 (m, p, p).
    pwrss
        (m,).
    """

    value: Array
    size: Array
    Dinv: Array
    beta: Array
    inverse: Array
    pwrss: Array

    def taken(self, which: Integers | Booleans) -> "Values":
        """Those of some responses."""
        return Values(
            value=self.value[which],
            size=self.size[which],
            Dinv=self.Dinv[which],
            beta=self.beta[which],
            inverse=self.inverse[which],
            pwrss=self.pwrss[which],
        )

    def put(self, which: Integers, others: "Values") -> None:
        """Take those of some responses from elsewhere."""
        for own, other in (
            (self.value, others.value),
            (self.size, others.size),
            (self.Dinv, others.Dinv),
            (self.beta, others.beta),
            (self.inverse, others.inverse),
            (self.pwrss, others.pwrss),
        ):
            own[which] = other


def values_at(shared: Shared, of: Responses, REML: bool, theta: Array) -> Values:
    """The criterion at theta (m, k), one for each response."""
    (n, p), m = shared.Q.shape, len(theta)
    gamma = np.einsum("mt,atu,mu->ma", theta, shared.bends, theta, optimize=True) / 2
    K, k, r, _ = shared.N.shape
    D = (gamma @ shared.N.swapaxes(0, 1).reshape(k, -1)).reshape(m, K, r, r) + np.eye(r)
    Dinv, logdets = inverted(D)
    flat = Dinv.reshape(m, -1)
    A_xx = of.A_xx + (flat @ of.S_xx).reshape(m, p, p)
    A_xy = of.A_xy + (flat[:, None] @ of.S_xy)[:, 0]
    A_yy = of.A_yy + np.einsum("ms,ms->m", flat, of.S_yy)
    inverse, logdet_RX = inverted(A_xx) if p else (A_xx, np.zeros(m))
    beta = (inverse @ A_xy[:, :, None])[:, :, 0]
    pwrss = A_yy - np.einsum("mx,mx->m", beta, A_xy)
    d = n - p if REML else n
    with np.errstate(divide="ignore", invalid="ignore"):
        each = [logdets @ shared.counts, d * (1.0 + np.log(2 * math.pi / d * pwrss))]
    if REML:
        each.append(logdet_RX + 2.0 * np.log(np.abs(shared.RX0.diagonal())).sum())
    weights = shared.design.weights
    if weights is not None:
        each.append(np.full(m, -np.log(weights).sum()))
    value, size = np.sum(each, axis=0), np.abs(each).sum(axis=0)
    value = np.where(np.isfinite(value) & (pwrss > 0), value, np.inf)
    return Values(value=value, size=size, Dinv=Dinv, beta=beta, inverse=inverse, pwrss=pwrss)


def inverted(S: Array) -> tuple[Array, Array]:
    """Inverses (..., r, r) of symmetric positive definite matrices, and logarithms of their determinants."""
    if S.shape[-1] == 1:
        return 1.0 / S, np.log(S[..., 0, 0])
    if S.shape[-1] == 2:
        # The determinant by the last pivot, which is positive.
        first = S[..., 0, 0]
        ratio = S[..., 0, 1] / first
        pivot = S[..., 1, 1] - ratio * S[..., 0, 1]
        inverse = np.empty_like(S)
        inverse[..., 1, 1] = 1.0 / pivot
        inverse[..., 0, 1] = inverse[..., 1, 0] = -ratio / pivot
        inverse[..., 0, 0] = 1.0 / first + ratio * ratio / pivot
        with np.errstate(invalid="ignore"):
            return inverse, np.log(first) + np.log(pivot)
    half = np.linalg.inv(np.linalg.cholesky(S))
    logdets = -2.0 * np.log(np.diagonal(half, axis1=-2, axis2=-1)).sum(axis=-1)
    return half.swapaxes(-1, -2) @ half, logdets


@dataclass(frozen=True)
class Bends:
    """Gradient (m, k) and Hessian (m, k, k) in theta, and df/dgamma (m, k)."""

    gradient: Array
    hessian: Array
    slopes: Array


def derivatives_at(shared: Shared, of: Responses, REML: bool, theta: Array, at: Values) -> Bends:
    """The derivatives where the criterion was evaluated."""
    n, p = shared.Q.shape
    m, k = theta.shape
    K, _, r, _ = shared.N.shape
    d = n - p if REML else n
    P = at.Dinv[:, None] @ shared.N.swapaxes(0, 1)
    F = (P @ at.Dinv[:, None]).reshape(m, k, K * r * r)
    v = np.concatenate([-at.beta, np.ones((m, 1))], axis=1)
    dA = np.empty((m, k, p + 1, p + 1))
    dA[:, :, :p, :p] = -(F.reshape(m * k, -1) @ of.S_xx).reshape(m, k, p, p)
    dA[:, :, :p, p] = dA[:, :, p, :p] = -(F @ of.S_xy)
    dA[:, :, p, p] = -(F @ of.S_yy[:, :, None])[:, :, 0]
    # The weights of the products in the criterion: d v v' / pwrss, and by REML the inverse of A_xx.
    share = d / at.pwrss
    Omega = share[:, None, None] * v[:, :, None] * v[:, None]
    if REML:
        Omega[:, :p, :p] += at.inverse
    S = Omega[:, :p, :p].reshape(m, p * p) @ of.S_xx.T + 2 * (of.S_xy @ Omega[:, :p, p, None])[:, :, 0]
    S = (S + Omega[:, p, p, None] * of.S_yy).reshape(m, K, r, r)
    S = (S + S.swapaxes(-1, -2)) / 2
    right = 2 * at.Dinv @ S - shared.counts[:, None, None] * np.eye(r)
    slopes = np.einsum("makii,k->ma", P, shared.counts) + np.einsum("mxz,maxz->ma", Omega, dA)
    left = (P @ right[:, None]).swapaxes(-1, -2)
    second = P.reshape(m, k, -1) @ left.reshape(m, k, -1).swapaxes(-1, -2)
    second = (second + second.swapaxes(-1, -2)) / 2
    along = (dA @ v[:, None, :, None])[..., 0]
    whole = np.einsum("mx,max->ma", v, along)
    half = np.linalg.cholesky(at.inverse) if p else at.inverse
    turned = along[:, :, :p] @ half
    second -= share[:, None, None] * 2 * turned @ turned.swapaxes(-1, -2)
    second -= (share / at.pwrss)[:, None, None] * whole[:, :, None] * whole[:, None]
    if REML and p:
        inner = (half[:, None].swapaxes(-1, -2) @ dA[:, :, :p, :p] @ half[:, None]).reshape(m, k, p * p)
        second -= inner @ inner.swapaxes(-1, -2)
    J = (shared.bends.reshape(k * k, k) @ theta.T).T.reshape(m, k, k)
    gradient = (slopes[:, None] @ J)[:, 0]
    hessian = J.swapaxes(-1, -2) @ second @ J + (slopes @ shared.bends.reshape(k, k * k)).reshape(m, k, k)
    return Bends(gradient=gradient, hessian=hessian, slopes=slopes)
