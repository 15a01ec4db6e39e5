"""Matrices of fractions, and square roots and logarithms of fractions to any number of digits.

A vector is a tuple of fractions, a matrix a tuple of rows.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

Vector = tuple[Fraction, ...]
Matrix = tuple[Vector, ...]
GUARD = 15


def rational(values: Iterable[float], decimal: bool = True) -> Vector:
    """Fractions of doubles: the decimals that they print as, which is what was recorded, or their binary values.

    Examples
    --------
    >>> rational([0.1, 2.0])
    (Fraction(1, 10), Fraction(2, 1))
    """
    return tuple(Fraction(repr(float(value))) if decimal else Fraction(float(value)) for value in values)


def total(values: Sequence[Fraction]) -> Fraction:
    """Sum over a common denominator, which costs one reduction instead of many."""
    scale = math.lcm(*(value.denominator for value in values))
    return Fraction(sum(value.numerator * (scale // value.denominator) for value in values), scale)


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """Inner product of two vectors."""
    return total([x * y for x, y in zip(a, b, strict=True) if x and y])


def transpose(A: Matrix) -> Matrix:
    """Rows as columns."""
    return tuple(zip(*A, strict=True))


def product(A: Matrix, B: Matrix) -> Matrix:
    """Matrix product."""
    columns = transpose(B)
    return tuple(tuple(dot(row, column) for column in columns) for row in A)


def combine(a: Fraction, A: Matrix, b: Fraction, B: Matrix) -> Matrix:
    """The sum a A + b B."""
    return tuple(tuple(a * x + b * y for x, y in zip(p, q, strict=True)) for p, q in zip(A, B, strict=True))


def scaled(a: Fraction, A: Matrix) -> Matrix:
    """The product a A."""
    return tuple(tuple(a * x for x in row) for row in A)


def block(A: Matrix, size: int) -> Matrix:
    """The leading block of an order."""
    return tuple(row[:size] for row in A[:size])


def quadratic(A: Matrix, x: Vector) -> Fraction:
    """The quadratic form x'A x."""
    return dot(x, [dot(row, x) for row in A])


def identity(size: int) -> Matrix:
    """The identity of an order."""
    return tuple(tuple(Fraction(int(i == j)) for j in range(size)) for i in range(size))


def eliminate(A: Matrix, width: int) -> tuple[Matrix, list[Fraction]]:
    """Reduce the first `width` columns of A to row echelon form with unit pivots: the rows, and the pivots, signed."""
    rows = [list(row) for row in A]
    pivots: list[Fraction] = []
    for column in range(width):
        top = len(pivots)
        found = next((i for i in range(top, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        pivot = rows[found][column]
        rows[top], rows[found] = rows[found], rows[top]
        pivots.append(pivot if found == top else -pivot)
        rows[top] = [entry / pivot for entry in rows[top]]
        for i, row in enumerate(rows):
            if i != top and row[column]:
                rows[i] = [x - row[column] * y for x, y in zip(row, rows[top], strict=True)]
    return tuple(tuple(row) for row in rows), pivots


def rank(A: Matrix) -> int:
    """Rank of a matrix.

    Examples
    --------
    >>> rank((rational([1, 2]), rational([2, 4])))
    1
    """
    return len(eliminate(A, len(A[0]))[1]) if A else 0


def inverse(A: Matrix) -> tuple[Matrix, Fraction]:
    """Inverse and determinant of a square matrix.

    Raises
    ------
    ZeroDivisionError
        The matrix is singular.
    """
    size = len(A)
    rows, pivots = eliminate(tuple(a + e for a, e in zip(A, identity(size), strict=True)), size)
    if len(pivots) < size:
        raise ZeroDivisionError("the matrix is singular")
    determinant = Fraction(1)
    for pivot in pivots:
        determinant *= pivot
    return tuple(row[size:] for row in rows), determinant


def solved(C: Matrix) -> tuple[Matrix, Fraction, Vector]:
    """Inverse and determinant of A, and A^-1 b, for a symmetric C with the rows (A, b), (b', c).

    Raises
    ------
    ZeroDivisionError
        A is singular.
    """
    A_inverse, determinant = inverse(block(C, len(C) - 1))
    return A_inverse, determinant, tuple(dot(row, C[-1][:-1]) for row in A_inverse)


def ldl(A: Matrix) -> tuple[Matrix, Vector] | None:
    """Unit lower triangular L and D >= 0 with A = L D L'; None where A is not positive semi-definite.

    Where an entry of D is zero, the column of L below it is zero.

    Examples
    --------
    >>> ldl((rational([4, 2]), rational([2, 1])))[1]
    (Fraction(4, 1), Fraction(0, 1))
    """
    size = len(A)
    rest = [list(row) for row in A]
    L = [list(row) for row in identity(size)]
    D = []
    for j in range(size):
        pivot = rest[j][j]
        below = [rest[i][j] for i in range(j + 1, size)]
        if pivot < 0 or (pivot == 0 and any(below)):
            return None
        D.append(pivot)
        for i in range(j + 1, size):
            L[i][j] = rest[i][j] / pivot if pivot else Fraction(0)
        for i in range(j + 1, size):
            rest[i] = [x - L[i][j] * y for x, y in zip(rest[i], rest[j], strict=True)]
    return tuple(tuple(row) for row in L), tuple(D)


def square_root(value: Fraction) -> Fraction | None:
    """Root of a fraction that is a square, else None.

    Examples
    --------
    >>> square_root(Fraction(9, 4)), square_root(Fraction(2))
    (Fraction(3, 2), None)
    """
    if value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


@dataclass(frozen=True)
class Root:
    """The number factor * sqrt(square)."""

    factor: Fraction
    square: Fraction = Fraction(1)

    def decimal(self, digits: int) -> Decimal:
        """The number to so many significant digits.

        Examples
        --------
        >>> Root(Fraction(3), Fraction(2)).decimal(20)
        Decimal('4.2426406871192851464')
        """
        with localcontext() as context:
            context.prec = digits + GUARD
            value = quotient(self.factor) * quotient(self.square).sqrt()
            context.prec = digits
            return +value


@dataclass(frozen=True)
class LogSum:
    """The number d (1 + log 2 pi) + sum of power * log(number) over `logs`."""

    d: int
    logs: tuple[tuple[Fraction, int], ...]

    def decimal(self, digits: int) -> Decimal:
        """The number to so many digits of its largest summand.

        Examples
        --------
        >>> LogSum(0, ((Fraction(2), 1),)).decimal(30)
        Decimal('0.693147180559945309417232121458')
        """
        with localcontext() as context:
            context.prec = digits + GUARD
            value = self.d * (1 + (2 * pi(context.prec)).ln())
            value += sum(power * quotient(number).ln() for number, power in self.logs)
            context.prec = digits
            return +value


def quotient(value: Fraction) -> Decimal:
    """A fraction, rounded to the precision of the context."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def pi(digits: int) -> Decimal:
    """Pi to so many digits, by Machin's pi / 4 = 4 arctan(1 / 5) - arctan(1 / 239), in integers."""
    scale = 10 ** (digits + GUARD)
    quarter = 4 * arctan(5, scale) - arctan(239, scale)
    with localcontext() as context:
        context.prec = digits
        return Decimal(4 * quarter) / Decimal(scale)


def arctan(base: int, scale: int) -> int:
    """The number scale * arctan(1 / base), within as many units as the series has terms."""
    power, total, k = scale // base, 0, 0
    while power:
        total += (1 - 2 * (k % 2)) * (power // (2 * k + 1))
        power //= base * base
        k += 1
    return total
