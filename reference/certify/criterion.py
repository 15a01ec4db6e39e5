"""The profiled criterion as a function of the relative covariances G_j, with its gradient and Hessian.

V / sigma^2 = I + Z G Z' is analytic in G, at singular G too, and no G is inverted. With A = Z'Z, B = Z'[X y], all
blocks of one component,

    H = (I + A G)^-1 A,   h = (I + A G)^-1 B,   C = [X y]'[X y] - B' G h = [X y]' (V / sigma^2)^-1 [X y],

summed over components, beta = Cxx^-1 Cxy, a = (-beta, 1) and r^2 = a'C a, N = n for ML and n - p for REML, it is

    f = log|I + A G| (+ log|Cxx| for REML) + N (1 + log(2 pi r^2 / N)).

For the k-th entry of vech G_1, vech G_2, ..., with E_k = dG/dg_k,

    d log|I + A G| = tr(H E_k),   d^2 = -tr(H E_k H E_l),
    C_k = -h'E_k h,               C_kl = h'E_k H E_l h + its transpose,
    d log|Cxx| = tr(Cxx^-1 C_k),  d^2 = tr(Cxx^-1 C_kl) - tr(Cxx^-1 C_k Cxx^-1 C_l)   (xx blocks),
    d r^2 = a'C_k a,              d^2 = a'C_kl a - 2 (C_k a)_x' Cxx^-1 (C_l a)_x.

The same lines serve doubles, a stack of points at a time, and balls (arrays of `arb`), one point at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat

from relmer.reference.certify.data import Array, Blocks, Products


@dataclass(frozen=True)
class Arithmetic:
    """What doubles and balls do each in their own way: solve(M, R), log|M|, log, pi, and numbers from `fmpq`."""

    solve: Callable[[Array, Array], Array]
    log_det: Callable[[Array], Array]
    log: Callable[[Array], Array]
    pi: Callable[[], Any]
    convert: Callable[[Array], Array]


def ball_solve(M: Array, R: Array) -> Array:
    """Solve M X = R for stacks of ball matrices."""
    stack = np.broadcast_to(R, M.shape[:-2] + R.shape[-2:])
    X = np.empty(stack.shape, dtype=object)
    for index in np.ndindex(M.shape[:-2]):
        X[index] = arb_mat(M[index].tolist()).solve(arb_mat(stack[index].tolist())).tolist()
    return X


def ball_log_det(M: Array) -> Array:
    """log|M| for stacks of ball matrices."""
    values = np.empty(M.shape[:-2], dtype=object)
    for index in np.ndindex(M.shape[:-2]):
        values[index] = arb_mat(M[index].tolist()).det().log()
    return values


DOUBLES = Arithmetic(
    np.linalg.solve,
    lambda M: np.linalg.slogdet(M)[1],
    np.log,
    lambda: np.pi,
    lambda Q: Q.astype(float),
)
BALLS = Arithmetic(
    ball_solve, ball_log_det, np.frompyfunc(lambda x: arb(x).log(), 1, 1), arb.pi, np.frompyfunc(arb, 1, 1)
)


@dataclass(frozen=True)
class Numbers:
    """Cross products as doubles or balls, laid out as in `Products`."""

    arithmetic: Arithmetic
    blocks: Blocks
    A: Array
    B: Array
    C: Array
    n: int
    offset: Any


@dataclass(frozen=True)
class Point:
    """What the criterion is at a point, or at each of a stack.

    Attributes
    ----------
    value, gradient, hessian
        f (...,), its derivatives by the entries of vech G_1, vech G_2, ... (..., K) and (..., K, K).
    C
        [X* y*]' (V / sigma^2)^-1 [X* y*] (..., p + 1, p + 1).
    """

    value: Any
    gradient: Array
    hessian: Array
    C: Array


def numbers(exact: Products, arithmetic: Arithmetic) -> Numbers:
    """Convert exact cross products to doubles or balls.

    The offset is log|X'V^-1 X| less that of the swept columns: -2 log|S| - log of the product of the norms.
    """
    A, B, C = (arithmetic.convert(part) for part in (exact.A, exact.B, exact.C))
    roots = arithmetic.convert(exact.S * exact.S) * np.array(exact.norms)
    return Numbers(arithmetic, exact.blocks, A, B, C, exact.n, -np.sum(arithmetic.log(roots)))


def entries(widths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Term, row and column of each entry of vech G_1, vech G_2, ..., column by column.

    Examples
    --------
    >>> entries([1, 2])
    [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)]
    """
    return [(term, a, b) for term, c in enumerate(widths) for b in range(c) for a in range(b, c)]


def evaluate(data: Numbers, G: Sequence[Array], REML: bool) -> Point:
    """Evaluate the criterion and its derivatives.

    Parameters
    ----------
    data
        The cross products.
    G
        Relative covariance matrices, one (..., c, c) a term, with the same leading axes.
    REML
        Restricted or full likelihood.
    """
    blocks, m = data.blocks, data.C.shape[-1]
    M = times_G(blocks, data.A, G) + np.eye(blocks.size, dtype=int)
    H_h = data.arithmetic.solve(M, np.concatenate([data.A, data.B], axis=-1))
    H, ht = H_h[..., : blocks.size], transposed(H_h[..., blocks.size :])
    C = data.C - np.sum(times_G(blocks, ht, G) @ data.B, axis=-3)
    hE = times_E(blocks, ht)
    C_k = -np.sum(hE @ transposed(ht), axis=-3)
    C_k = C_k.reshape(*C_k.shape[:-2], -1, m, m)
    # h'E_k H E_l h: one product (K m, K m), laid out as (K, K, m, m).
    half = side_by_side(hE) @ transposed(side_by_side(hE @ H))
    half = np.swapaxes(half.reshape(*half.shape[:-2], -1, m, half.shape[-1] // m, m), -2, -3)
    C_kl = half + transposed(half)
    log_det = np.sum(data.arithmetic.log_det(M), axis=-1)
    return assemble(data, REML, (C, C_k, C_kl), (log_det, *traces(blocks, H)))


def assemble(data: Numbers, REML: bool, products: tuple[Array, ...], log_dets: tuple[Array, ...]) -> Point:
    """Put the criterion together from C and log|V|, each with its first and second derivatives."""
    (C, C_k, C_kl), (value, gradient, hessian) = products, log_dets
    p = C.shape[-1] - 1
    inverse = data.arithmetic.solve(C[..., :p, :p], np.eye(p, dtype=int).astype(C.dtype))
    a = np.concatenate([-inverse @ C[..., :p, p:], np.ones((*C.shape[:-2], 1, 1), dtype=int)], axis=-2)
    N = data.n - p if REML else data.n
    Ca_k = C_k @ a[..., None, :, :]
    F = Ca_k[..., :p, 0]
    r2 = (transposed(a) @ C @ a)[..., 0, 0]
    r2_k = (transposed(a)[..., None, :, :] @ Ca_k)[..., 0, 0] / r2[..., None]
    r2_kl = (transposed(a)[..., None, None, :, :] @ C_kl @ a[..., None, None, :, :])[..., 0, 0]
    r2_kl = (r2_kl - 2 * (F @ inverse @ transposed(F))) / r2[..., None, None]
    value = value + N * (1 + data.arithmetic.log(r2 * (2 * data.arithmetic.pi() / N)))
    gradient = gradient + N * r2_k
    hessian = hessian + N * (r2_kl - r2_k[..., :, None] * r2_k[..., None, :])
    if REML:
        Y = inverse[..., None, :, :] @ C_k[..., :p, :p]
        value = value + data.arithmetic.log_det(C[..., :p, :p]) + data.offset
        gradient = gradient + np.trace(Y, axis1=-2, axis2=-1)
        hessian = hessian + np.trace(inverse[..., None, None, :, :] @ C_kl[..., :p, :p], axis1=-2, axis2=-1)
        hessian = hessian - inner(Y[..., None, :, :], transposed(Y)[..., None, :, :])
    return Point(value, gradient, hessian, C)


def times_G(blocks: Blocks, M: Array, G: Sequence[Array]) -> Array:
    """M G for M (..., components, rows, q)."""
    parts = []
    for start, width, levels, g in zip(blocks.starts, blocks.widths, blocks.levels, G, strict=True):
        columns = M[..., start : start + width * levels]
        product = columns.reshape(*columns.shape[:-2], -1, width) @ g[..., None, :, :]
        parts.append(product.reshape(*product.shape[:-2], *columns.shape[-2:]))
    return np.concatenate(parts, axis=-1)


def times_E(blocks: Blocks, M: Array) -> Array:
    """M E_k below each other for all k: (..., components, K rows, q) from M (..., components, rows, q)."""
    products = []
    for term, a, b in entries(blocks.widths):
        first = blocks.starts[term] + blocks.widths[term] * np.arange(blocks.levels[term])
        product = np.zeros_like(M)
        product[..., first + b] = M[..., first + a]
        product[..., first + a] = M[..., first + b]
        products.append(product)
    return np.concatenate(products, axis=-2)


def traces(blocks: Blocks, H: Array) -> tuple[Array, Array]:
    """tr(H E_k) (..., K) and -tr(H E_k H E_l) (..., K, K), summed over components.

    With E_k = P_k repeated for each level, H_ij the block of levels i and j, and W the sum of H_ij (x) H_ij,

        tr(H E_k H E_l) = sum of tr(H_ij P_l H_ij' P_k) = sum of P_k[a, b] P_l[c, d] W[bc, ad].
    """
    firsts = [first + c * np.arange(n) for first, c, n in zip(blocks.starts, blocks.widths, blocks.levels, strict=True)]
    once = [
        np.sum(H[..., firsts[t] + a, firsts[t] + b], axis=(-2, -1)) * (1 + (a != b))
        for t, a, b in entries(blocks.widths)
    ]
    P = [np.minimum(directions(c), 1) for c in blocks.widths]
    squares: list[list[Array]] = []
    for s, c in enumerate(blocks.widths):
        squares.append([])
        for t, d in enumerate(blocks.widths):
            part = H[..., firsts[s][0] : firsts[s][-1] + c, firsts[t][0] : firsts[t][-1] + d]
            part = part.reshape(*part.shape[:-2], len(firsts[s]), c, len(firsts[t]), d)
            flat = np.moveaxis(part, (-3, -1), (-5, -4)).reshape(*part.shape[:-5], c * d, -1)
            W = (flat @ transposed(flat)).reshape(*flat.shape[:-2], c, d, c, d)
            squares[s].append(np.einsum("kab,lcd,...bcad->...kl", P[s], P[t], W))
    twice = np.concatenate([np.concatenate(row, axis=-1) for row in squares], axis=-2)
    return np.stack(once, axis=-1), -twice


def directions(c: int) -> Array:
    """D_v = e_a e_b' + e_b e_a' for each entry v = (a, b) of vech G (v, c, c)."""
    unit = np.eye(c, dtype=int)
    return np.array([np.outer(unit[a], unit[b]) + np.outer(unit[b], unit[a]) for _, a, b in entries([c])])


def transposed(M: Array) -> Array:
    """M' for each of a stack of matrices."""
    return np.swapaxes(M, -1, -2)


def side_by_side(M: Array) -> Array:
    """(..., rows, components q) from (..., components, rows, q)."""
    return np.swapaxes(M, -2, -3).reshape(*M.shape[:-3], M.shape[-2], -1)


def inner(L: Array, R: Array) -> Array:
    """Sums of L_k R_l over the last three axes, for each k and l; L and R are (..., K, and three more)."""
    flat = [M.reshape(*M.shape[:-3], -1) for M in (L, R)]
    return flat[0] @ transposed(flat[1])
