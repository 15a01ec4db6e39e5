"""Orthonormal polynomials by rational arithmetic."""

from fractions import Fraction
from math import sqrt

import numpy as np


def exact_polynomials(k: int) -> np.ndarray:
    """The same columns by Gram-Schmidt in rational arithmetic, rounded once at the end."""
    t = [Fraction(2 * i - k + 1, 2) for i in range(k)]
    columns = [[Fraction(1)] * k]
    for _ in range(k - 1):
        column = [a * b for a, b in zip(t, columns[-1], strict=True)]
        for done in columns[-2:]:
            share = dot(column, done) / dot(done, done)
            column = [a - share * b for a, b in zip(column, done, strict=True)]
        columns.append(column)
    return np.array(
        [[float(np.sign(a)) * sqrt(a * a / dot(column, column)) for a in column] for column in columns[1:]]
    ).T


def dot(a: list[Fraction], b: list[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))
