"""Several columns that one variable makes: standardised, polynomials, splines; each as R makes it of all rows."""

from collections.abc import Sequence
from itertools import product
from math import comb, factorial

import numpy as np

from relmer.solver.arrays import Array, Booleans
from relmer.solver.errors import ModelError
from relmer.solver.language.contrasts import numbered, orthogonal_polynomials
from relmer.solver.language.factors import Matrix, Variable, or_none
from relmer.solver.language.rowwise import power, quantile

MOST_COLUMNS = 100
MOST_VALUES = 2**27
"""In one variable: a GiB."""
CUBIC = 3


def check_size(rows: int, columns: int) -> None:
    """Refuse a matrix that is too large, before it is made."""
    if rows * columns > MOST_VALUES:
        raise ModelError(f"{columns:,} columns for {rows:,} rows are more than one variable can have; write fewer")


def made(values: Array, suffixes: tuple[str, ...]) -> Variable:
    """A matrix, and the rows that lack a value."""
    return Matrix(values, suffixes), or_none(np.logical_or.reduce(np.isnan(values), axis=1))


def scaled(x: Array, center: bool | Array, scale: bool | Array) -> Variable:
    """R's ``scale``: take the mean away, divide by the root of the mean square, both of the values there are.

    Examples
    --------
    >>> scaled(np.array([1.0, np.nan, 3.0]), True, False)[0].values[:, 0]
    array([-1., nan,  1.])
    """
    center, scale = center_and_scale(x, center, scale)
    values = x.astype(np.float64, copy=True)
    if center is not False:
        values = values - one_number(center)
    if scale is not False:
        values = values / one_number(scale)
    return made(values[:, None], ("",))


def center_and_scale(x: Array, center: bool | Array, scale: bool | Array) -> tuple[bool | Array, bool | Array]:
    """The numbers that ``scale`` takes away and divides by, or False; where there is no value, neither is known."""
    present = ~np.isnan(x)
    if center is True:
        if not present.any():
            return False, False
        center = np.array([np.float64(x[present].astype(np.longdouble).mean())])
    if scale is True:
        values = x[present].astype(np.float64)
        if center is not False:
            values = values - one_number(center)
        squares = (values**2).astype(np.longdouble).sum()
        scale = np.array([np.sqrt(np.float64(squares) / max(1, int(present.sum()) - 1))])
    return center, scale


def one_number(given: bool | Array) -> float:
    """The number that a column is centred or scaled by."""
    if isinstance(given, bool) or given.size != 1:
        raise ModelError("scale() takes one number as center and as scale, or TRUE or FALSE")
    return float(given[0])


Recursion = tuple[float, Array, Array]
"""Of orthonormal polynomials: the mean that is taken away, alpha_j, and the norms of which the first is root n."""


def polynomials(
    x: Array,
    others: Sequence[Array],
    degree: float,
    raw: bool,
    simple: bool = False,
    known: Sequence[Recursion | None] | None = None,
) -> Variable:
    """R's ``poly``: powers, or orthonormal polynomials; of several variables, their products up to the degree.

    What is `simple` lacks attributes, which nobody asks here. Recursions that are `known` are taken as they are.

    Examples
    --------
    >>> matrix, _ = polynomials(np.array([1.0, 2.0]), [np.array([3.0, 5.0])], 2.0, True)
    >>> matrix.suffixes, matrix.values.tolist()
    (('1.0', '2.0', '0.1', '1.1', '0.2'), [[1.0, 1.0, 3.0, 3.0, 9.0], [2.0, 4.0, 5.0, 10.0, 25.0]])
    """
    if len(others) == 1 and (others[0].size == 1 if known is None else len(known) == 1):
        degree, others = float(others[0][0]), ()
    if not 1 <= degree <= MOST_COLUMNS or degree != int(degree):
        raise ModelError(f"poly() takes a whole number as its degree, from 1 to {MOST_COLUMNS}, not {degree:g}")
    d, columns = int(degree), [x, *others]
    if any(each.shape != x.shape for each in columns):
        raise ModelError("poly() takes variables with one value per row")
    if (d + 1) ** len(columns) > MOST_COLUMNS**2:
        raise ModelError(f"poly() of {len(columns)} variables to the degree {d} has too many columns; write fewer")
    check_size(x.size, comb(d + len(columns), d))
    if not raw and known is None and any(np.isnan(each).any() for each in columns):
        raise ModelError("poly() takes no missing values, as in R; drop such rows from the data")
    if known is None:
        bases = [powers(each, d) if raw else orthogonal(each, d) for each in columns]
    else:
        bases = [
            powers(each, d) if own is None else by_recursion(each, own)
            for each, own in zip(columns, known, strict=True)
        ]
    if len(columns) == 1:
        return made(bases[0], numbered(d))
    bases = [np.column_stack([np.ones(len(x)), basis]) for basis in bases]
    # R's expand.grid: the degree in the first variable runs fastest.
    degrees = [each[::-1] for each in product(range(d + 1), repeat=len(columns)) if 0 < sum(each) <= d]
    values = [bases[0][:, each[0]] for each in degrees]
    for i, basis in enumerate(bases[1:], start=1):
        values = [value * basis[:, each[i]] for value, each in zip(values, degrees, strict=True)]
    return made(np.column_stack(values), tuple(".".join(map(str, each)) for each in degrees))


def powers(x: Array, degree: int) -> Array:
    """x, x², and so on (n, degree)."""
    return np.column_stack([power(x, np.array(float(k))) for k in range(1, degree + 1)])


def orthogonal(x: Array, degree: int) -> Array:
    """Orthonormal polynomials of x, the constant left out (n, degree)."""
    if degree >= np.unique(x).size:
        raise ModelError(f"poly() of the degree {degree} takes more than {degree} different values")
    return orthogonal_polynomials(x - np.float64(x.astype(np.longdouble).mean()), degree)[:, 1:]


def recursions(x: Array, others: Sequence[Array], degree: float, raw: bool) -> list[Recursion | None]:
    """What ``poly`` learns from each of its variables; of powers nothing, but how many they are."""
    if len(others) == 1 and others[0].size == 1:
        degree, others = float(others[0][0]), ()
    return [None if raw else recursion(each, int(degree)) for each in (x, *others)]


def recursion(x: Array, degree: int) -> Recursion:
    """t q_j = n_(j+1) q_(j+1) + alpha_j q_j + n_j q_(j-1), of the orthonormal polynomials q_j of t = x - mean.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> bool(np.allclose(by_recursion(x, recursion(x, 2)), orthogonal(x, 2)))
    True
    """
    mean = float(np.float64(x.astype(np.longdouble).mean()))
    t = x - mean
    Q = orthogonal_polynomials(t, degree)
    alpha = np.einsum("nj,n,nj->j", Q, t, Q)[:-1]
    norms = np.array([np.sqrt(len(x)), *np.einsum("nj,n,nj->j", Q[:, 1:], t, Q[:, :-1])])
    return mean, alpha, norms


def by_recursion(x: Array, known: Recursion) -> Array:
    """The polynomials of a recursion at x, the constant left out (n, degree)."""
    mean, alpha, norms = known
    t = x - mean
    found = [np.zeros(len(x)), np.full(len(x), 1 / norms[0])]
    for j in range(len(alpha)):
        before = norms[j] * found[-2] if j else 0.0
        found.append(((t - alpha[j]) * found[-1] - before) / norms[j + 1])
    return np.column_stack(found[2:])


def splined(
    x: Array, df: float | None, knots: Array | None, degree: int, columns_without: int, boundary: Array | None
) -> tuple[Array, Array, Booleans, Array]:
    """The knots of a spline, its boundary, which values there are, and those."""
    present = ~np.isnan(x)
    values = x[present]
    if not values.size:
        raise ModelError("a spline takes values, of which there are none")
    ends = np.array([values.min(), values.max()]) if boundary is None else np.sort(boundary)
    if ends.size != 2 or not ends[0] < ends[1]:
        raise ModelError("Boundary.knots are two different numbers")
    if knots is None:
        inner = 0 if df is None else int(df) - columns_without
        if inner > MOST_COLUMNS:
            raise ModelError(f"a spline has at most {MOST_COLUMNS} columns here")
        probabilities = np.arange(1, max(inner, 0) + 1) / (max(inner, 0) + 1)
        within = values[(values >= ends[0]) & (values <= ends[1])]
        knots = quantile(within, probabilities) if inner > 0 else np.empty(0)
    if np.isnan(knots).any():
        raise ModelError("the knots of a spline are numbers")
    return np.sort(np.concatenate([np.repeat(ends, degree + 1), knots])), ends, present, values


def knots_of_bs(
    x: Array, df: float | None, knots: Array | None, degree: float, intercept: bool, boundary: Array | None
) -> tuple[Array, Array]:
    """The inner knots and the boundary of a ``bs``."""
    d = int(degree)
    every, ends, _, _ = splined(x, df, knots, d, d + intercept, boundary)
    return (every[d + 1 : -d - 1] if knots is None else knots), ends


def knots_of_ns(
    x: Array, df: float | None, knots: Array | None, intercept: bool, boundary: Array | None
) -> tuple[Array, Array]:
    """The inner knots and the boundary of an ``ns``."""
    every, ends, _, _ = splined(x, df, knots, CUBIC, 1 + intercept, boundary)
    return (every[CUBIC + 1 : -CUBIC - 1] if knots is None else knots), ends


def b_splines(
    x: Array, df: float | None, knots: Array | None, degree: float, intercept: bool, boundary: Array | None
) -> Variable:
    """R's ``bs``: B-splines, the first left out unless there is an intercept."""
    if degree < 1 or degree != int(degree) or degree > MOST_COLUMNS:
        raise ModelError(f"bs() takes a whole number as its degree, not {degree:g}")
    d = int(degree)
    every, ends, present, values = splined(x, df, knots, d, d + intercept, boundary)
    # A quarter of the way to the next knot, where R expands what is beyond the boundary.
    pivots = (0.75 * ends[0] + 0.25 * every[d + 1], 0.75 * ends[1] + 0.25 * every[-d - 2])
    basis = continued(values, every, d, ends, pivots, d)
    return spread(basis if intercept else basis[:, 1:], present)


def natural_splines(
    x: Array, df: float | None, knots: Array | None, intercept: bool, boundary: Array | None
) -> Variable:
    """R's ``ns``: cubic splines with no curvature at the boundary.

    The coefficients with second derivatives of zero at both ends are the null space of two rows; its basis is that of
    Householder's QR decomposition, as in R.
    """
    every, ends, present, values = splined(x, df, knots, CUBIC, 1 + intercept, boundary)
    if np.count_nonzero(every >= ends[1]) > CUBIC + 1:
        raise ModelError(
            f"ns() has a knot at or beyond its upper boundary, {ends[1]:.6g}, where no second derivative is left: give "
            "fewer df, or knots= below it"
        )
    basis = continued(values, every, CUBIC, ends, (ends[0], ends[1]), 1)
    bent = derivatives(ends, every, CUBIC, 2)
    if not intercept:
        basis, bent = basis[:, 1:], bent[:, 1:]
    Q, _ = np.linalg.qr(bent.T, mode="complete")
    return spread(basis @ Q[:, 2:], present)


def spread(basis: Array, present: Booleans) -> Variable:
    """The rows of a basis at the rows that have a value."""
    values = np.full((present.size, basis.shape[1]), np.nan)
    values[present] = basis
    return made(values, numbered(basis.shape[1]))


def basis_at(x: Array, knots: Array, degree: int) -> Array:
    """B-splines (n, number of knots - degree - 1) by the recursion of Cox and de Boor, as de Boor's ``bsplvb``.

    The last interval is closed.

    Examples
    --------
    >>> basis_at(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]), 1).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    k = knots.size - degree - 1
    check_size(x.size, k)
    last = np.flatnonzero(np.diff(knots[: k + 1]) > 0)[-1]
    left = np.clip(np.searchsorted(knots, x, side="right") - 1, degree, last)
    local = np.zeros((degree + 1, x.size))
    local[0] = 1
    for j in range(1, degree + 1):
        saved = np.zeros(x.size)
        for r in range(j):
            right_knot, left_knot = knots[left + r + 1], knots[left + 1 - j + r]
            with np.errstate(divide="ignore", invalid="ignore"):
                term = np.where(right_knot > left_knot, local[r] / ((right_knot - x) + (x - left_knot)), 0)
            local[r] = saved + (right_knot - x) * term
            saved = (x - left_knot) * term
        local[j] = saved
    basis = np.zeros((x.size, k))
    basis[np.arange(x.size)[:, None], left[:, None] - degree + np.arange(degree + 1)] = local.T
    return basis


def continued(x: Array, knots: Array, degree: int, ends: Array, pivots: tuple[float, float], order: int) -> Array:
    """B-splines between the ends, and beyond each the polynomial of an order that touches them at its pivot."""
    outside = (x < ends[0], x > ends[1])
    basis = basis_at(np.clip(x, *ends), knots, degree)
    for rows, pivot in zip(outside, pivots, strict=True):
        if rows.any():
            steps = [(x[rows] - pivot) ** r / factorial(r) for r in range(order + 1)]
            slopes = [derivatives(np.array([pivot]), knots, degree, r) for r in range(order + 1)]
            basis[rows] = np.column_stack(steps) @ np.concatenate(slopes)
    return basis


def derivatives(x: Array, knots: Array, degree: int, order: int) -> Array:
    """Derivatives of B-splines at x: differences of those of a lower degree, taken so many times."""
    basis = basis_at(x, knots, degree - order)
    for d in range(degree - order + 1, degree + 1):
        k = knots.size - d - 1
        gaps = knots[d:] - knots[: knots.size - d]
        with np.errstate(divide="ignore", invalid="ignore"):
            quotients = np.where(gaps[: k + 1] > 0, basis[:, : k + 1] / gaps[: k + 1], 0)
        basis = d * (quotients[:, :-1] - quotients[:, 1:])
    return basis
