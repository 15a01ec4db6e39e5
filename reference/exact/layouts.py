"""Balanced layouts: the data, and how their factors divide the space of the response.

A factor is a partition of the rows into classes; P_F averages over the classes of F. Two factors are orthogonal if
within each class of their join (the finest factor that is coarser than both) they meet in proportional numbers; then
P_F and P_F' commute and P_F P_F' averages over the join. For pairwise orthogonal factors, closed under joins, the
space of the response is the orthogonal sum of one stratum a factor (Tjur 1984, Analysis of variance models in
orthogonal designs, International Statistical Review 52): its projector is

    Q_F = P_F - sum of Q_G over the factors G strictly coarser than F.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

from relmer.reference.exact.rational import Matrix, Vector, combine, product, total, transpose

INTERCEPT = "(Intercept)"
Factor = tuple[int, ...]


class NotExact(ValueError):
    """The layout has no rational closed form; one line says why."""


@dataclass(frozen=True)
class Term:
    """One random-effects term (columns | name).

    Attributes
    ----------
    name
        The grouping factor.
    codes
        Its level at each row, numbered from 0.
    columns, Z
        Names of the term's columns, and their values (n, c).
    """

    name: str
    codes: Factor
    columns: tuple[str, ...]
    Z: Matrix = field(repr=False)


def intercepts(name: str, codes: Iterable[int]) -> Term:
    """The term (1 | name)."""
    codes = tuple(codes)
    return Term(name, codes, (INTERCEPT,), ((Fraction(1),),) * len(codes))


@dataclass(frozen=True)
class Layout:
    """A linear mixed model in fractions.

    Attributes
    ----------
    y
        Response (n,).
    X
        Fixed-effects matrix (n, p) of full column rank, columns named by `coefficients`.
    terms
        Random-effects terms.
    """

    y: Vector = field(repr=False)
    X: Matrix = field(repr=False)
    coefficients: tuple[str, ...]
    terms: tuple[Term, ...]

    @property
    def Xy(self) -> Matrix:
        """[X y], (n, p + 1)."""
        return tuple((*row, y) for row, y in zip(self.X, self.y, strict=True))


def group_products(term: Term, W: Matrix) -> tuple[Matrix, ...]:
    """Z_i'W_i (c, m) of each level of a term, for W (n, m)."""
    outer = tuple(tuple(z * w for z in Z for w in row) for Z, row in zip(term.Z, W, strict=True))
    c, m = len(term.columns), len(W[0])
    return tuple(tuple(sums[j * m : (j + 1) * m] for j in range(c)) for sums in class_sums(outer, term.codes))


@dataclass(frozen=True)
class Stratum:
    """The range of Q_F.

    Attributes
    ----------
    factor
        F, its classes numbered by first appearance.
    size
        Number of classes.
    dimension
        Rank of Q_F.
    cross
        W'Q_F W for the columns W that `strata` was given.
    """

    factor: Factor
    size: int
    dimension: int
    cross: Matrix = field(repr=False)


def strata(W: Matrix, factors: Iterable[Factor]) -> list[Stratum]:
    """Divide the space of the response by pairwise orthogonal factors; their joins are added. Coarse strata come first.

    Parameters
    ----------
    W
        Columns (n, m) of which the cross products are wanted.
    factors
        Factors as from `numbered`.

    Examples
    --------
    >>> [(s.size, s.dimension) for s in strata(((Fraction(1),),) * 4, [(0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 2, 3)])]
    [(1, 1), (2, 1), (2, 1), (4, 1)]
    """
    found: list[Stratum] = []
    for factor in sorted(closed(factors), key=max):
        size = max(factor) + 1
        dimension, cross = size, averaged_products(W, factor)
        for stratum in found:
            if refines(factor, stratum.factor):
                dimension -= stratum.dimension
                cross = combine(Fraction(1), cross, Fraction(-1), stratum.cross)
        found.append(Stratum(factor, size, dimension, cross))
    return found


def averaged_products(W: Matrix, factor: Factor) -> Matrix:
    """W'P_F W, the sums of the classes times their means."""
    return product(transpose(class_sums(W, factor)), class_means(W, factor))


def class_sums(W: Matrix, factor: Factor) -> Matrix:
    """Sums (classes, m) of the rows of W (n, m)."""
    classes: list[list[Vector]] = [[] for _ in range(max(factor) + 1)]
    for row, code in zip(W, factor, strict=True):
        classes[code].append(row)
    return tuple(tuple(total(column) for column in zip(*rows, strict=True)) for rows in classes)


def class_means(W: Matrix, factor: Factor) -> Matrix:
    """Means (classes, m) of the rows of W (n, m)."""
    counts = Counter(factor)
    return tuple(tuple(entry / counts[k] for entry in row) for k, row in enumerate(class_sums(W, factor)))


def numbered(codes: Sequence[Hashable]) -> Factor:
    """A factor with its classes numbered by first appearance, so that equal factors are equal tuples.

    Examples
    --------
    >>> numbered(["b", "a", "b"])
    (0, 1, 0)
    """
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(code, len(numbers)) for code in codes)


def refines(fine: Factor, coarse: Factor) -> bool:
    """Whether each class of the one lies within a class of the other."""
    return len(set(zip(fine, coarse, strict=True))) == max(fine) + 1


def join(a: Factor, b: Factor) -> Factor:
    """The finest factor that both refine: connected components of the classes that meet.

    Examples
    --------
    >>> join((0, 0, 1, 2), (0, 1, 1, 2))
    (0, 0, 0, 1)
    """
    offset = max(a) + 1
    parent = list(range(offset + max(b) + 1))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for i, j in zip(a, b, strict=True):
        parent[root(i)] = root(offset + j)
    return numbered([root(i) for i in a])


def closed(factors: Iterable[Factor]) -> set[Factor]:
    """The factors and all their joins."""
    known = set(factors)
    while new := {join(a, b) for a, b in combinations(known, 2)} - known:
        known |= new
    return known


def orthogonal(a: Factor, b: Factor) -> bool:
    """Whether the factors meet in proportional numbers within each class of their join."""
    whole = join(a, b)
    rows_a, rows_b, rows = Counter(a), Counter(b), Counter(whole)
    met = Counter(zip(a, b, whole, strict=True))
    return all(count * rows[k] == rows_a[i] * rows_b[j] for (i, j, k), count in met.items())
