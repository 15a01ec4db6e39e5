"""Sums and products whose rounding is kept: a pair of doubles for every number (Dekker 1971)."""

import numpy as np

from relmer.solver.arrays import Array

# 2^27 + 1 splits a double into two of at most 26 bits, whose products are exact (Veltkamp).
SPLITTER = 134217729.0


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The rounded a + b, and exactly what is missing of it."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """The rounded a b, and exactly what is missing of it."""
    product = a * b
    (a1, a2), (b1, b2) = halves(a), halves(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def halves(a: Array) -> tuple[Array, Array]:
    """Two doubles of half the bits each, whose sum is a."""
    high = SPLITTER * a
    high = high - (high - a)
    return high, a - high


def less(x: Array, W: Array, a: Array) -> Array:
    """x - W a (n,) for columns W (n, r), as if with twice the digits, then rounded.

    Examples
    --------
    >>> less(np.array([1e16, 1e16 + 2]), np.array([[0.1], [0.1]]), np.array([1e17]))
    array([-0.55511151,  1.44488849])
    """
    high, low = x, np.zeros_like(x)
    for column, factor in zip(W.T, a, strict=True):
        product, missing = two_product(column, -factor)
        high, rest = two_sum(high, product)
        low = low + (rest + missing)
    return np.asarray(high + low)


def product(A: Array, B: Array) -> Array:
    """A B for small matrices, as if with twice the digits, then rounded.

    Examples
    --------
    >>> product(np.array([[1e16, 1.0]]), np.array([[1.0], [-1e16]]))
    array([[0.]])
    """
    high, low = np.zeros((len(A), B.shape[1])), np.zeros((len(A), B.shape[1]))
    for column, row in zip(A.T, B, strict=True):
        each, missing = two_product(column[:, None], row)
        high, rest = two_sum(high, each)
        low = low + (rest + missing)
    return high + low
