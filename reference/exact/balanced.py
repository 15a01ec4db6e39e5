"""Variance components of balanced layouts in closed form, in rational arithmetic.

Where V has few eigenspaces and the fixed effects split along them, the log-likelihood falls apart. For random
intercepts of orthogonal factors (`relmer.reference.exact.layouts`) in which every level of a term t has J_t rows,

    V = sigma^2 I + sum of sigma_t^2 J_t P_t = sum of lambda_F Q_F,
    lambda_F = sigma^2 + sum of J_t sigma_t^2 over the terms t that refine F,

and with m_F the dimension of stratum F, less the rank of Q_F X for REML, and SS_F = |Q_F (y - X beta)|^2,

    -2 loglik = sum over F of m_F log lambda_F + SS_F / lambda_F + constant.                                    (1)

beta is that of least squares. If the terms that refine t form a chain, its coarsest member s gives
lambda_t - lambda_s = J_t sigma_t^2, so that sigma_t^2 >= 0 means order along a tree whose root is the residual stratum.
The minimum of (1) under any partial order is the isotonic regression lambda* of the mean squares x = SS / m with the
weights m (Herbach 1959 and Thompson 1962, Annals of Mathematical Statistics 30 and 33; Barlow, Bartholomew, Bremner and
Brunk 1972, Statistical inference under order restrictions). Proof: isotonic regression has sum m (x - lambda*) z <= 0
for every isotonic z, and = 0 for z = 1 / lambda*. -1 / lambda is isotonic if lambda is. Hence (1) less its value at
lambda* is

    sum m [log(lambda / lambda*) + lambda* / lambda - 1] + sum m (x - lambda*) (1 / lambda - 1 / lambda*) >= 0,

and zero only at lambda*. A join of terms that is no term itself has an eigenvalue bound to theirs: the mean, for
crossed terms r and c, has lambda_r + lambda_c - lambda_e. Where m_F = 0 for it (REML, where X fills the stratum) all
stays rational. Where m_F > 0, as always in ML, nothing does: for r and c in a 2 x 2 table with the sums of squares
9, 4 and 1 of r, c and residual, lambda_e is a root of 18 x^4 - 84 x^3 + 117 x^2 - 61 x + 13, which has no rational one.

For one term with columns Z_i, the same A = Z_i'Z_i in all k groups, and fixed effects that span W x R^c between the
groups (W of rank q) and r dimensions within them, put Omega = sigma^2 (A^-1 + G), S the cross products of the groups'
least-squares coefficients less their fit by X, RSS the residual sum of squares within, and for REML m = k - q and
m_e = n - kc - r, for ML m = k and m_e = n - kc:

    -2 loglik = m_e log sigma^2 + RSS / sigma^2 + m log|Omega| + tr(Omega^-1 S) + constant, Omega >= sigma^2 A^-1.  (2)

Let A S / m have the eigenvalues x_j. By von Neumann's trace inequality the minimum has its eigenvectors, and (2)
becomes (1) on a star: root RSS / m_e with the weight m_e, leaves x_j with the weight m (Anderson, Anderson and Olkin
1986, Annals of Statistics 14). The minimum is rational where no leaf is pooled and where all are. Where some are, it
is if the eigenvectors are: here that is decided for c = 2, by a rational square root, and refused for c > 2.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from relmer.reference.exact.layouts import (
    Factor,
    Layout,
    NotExact,
    class_means,
    group_products,
    numbered,
    orthogonal,
    refines,
    strata,
)
from relmer.reference.exact.rational import (
    Matrix,
    Vector,
    block,
    combine,
    dot,
    identity,
    inverse,
    ldl,
    product,
    quadratic,
    rank,
    scaled,
    solved,
    square_root,
    transpose,
)

ZERO, ONE = Fraction(0), Fraction(1)
DIVIDED = "the fixed effects do not split along the strata, so that beta depends on the variances"


@dataclass(frozen=True)
class Components:
    """Variance components at the optimum, and the V that they make.

    Attributes
    ----------
    sigma2
        Residual variance.
    covariances
        Per term the covariance of its random effects (c, c).
    weigh
        W (n, m) to V^-1 W.
    logs
        log|V| as the sum of power * log(number).
    """

    sigma2: Fraction
    covariances: tuple[Matrix, ...]
    weigh: Callable[[Matrix], Matrix]
    logs: tuple[tuple[Fraction, int], ...]


def by_strata(layout: Layout, REML: bool) -> Components:
    """Random intercepts of orthogonal factors: equation (1)."""
    n, p, W = len(layout.y), len(layout.coefficients), layout.Xy
    units = tuple(range(n))
    factors = [numbered(term.codes) for term in layout.terms]
    names = dict(zip([*factors, units], [*(term.name for term in layout.terms), "the residual"], strict=True))
    check_factors(layout, factors)
    contrast = contrast_of(W)
    spaces = strata(W, names)
    ranks = [rank(block(space.cross, p)) for space in spaces]
    if sum(ranks) != p:
        raise NotExact(DIVIDED)
    sums = {space.factor: quadratic(space.cross, contrast) for space in spaces}
    weights = {space.factor: space.dimension - REML * r for space, r in zip(spaces, ranks, strict=True)}
    check_weights(weights, names)
    finer = {factor: next_finer(factor, names) for factor in factors}
    levels = isotonic(finer, {factor: weights[factor] for factor in names}, sums)
    sigma2 = positive(levels[units])
    parts = {factor: levels[factor] - levels[finer[factor]] for factor in factors}
    eigenvalues = {
        space.factor: sigma2 + sum(part for factor, part in parts.items() if refines(factor, space.factor))
        for space in spaces
    }
    averages: dict[Factor, Fraction] = {}
    for factor in reversed(eigenvalues):
        averages[factor] = 1 / eigenvalues[factor] - sum(
            weight for other, weight in averages.items() if refines(other, factor)
        )

    def weigh(W: Matrix) -> Matrix:
        """V^-1 W: V^-1 = sum of Q_F / lambda_F is the combination `averages` of the P_F."""
        total = tuple((ZERO,) * len(W[0]) for _ in W)
        for factor, weight in averages.items():
            means = class_means(W, factor)
            shares = scaled(weight, means)
            total = tuple(
                tuple(x + share for x, share in zip(row, shares[code], strict=True))
                for row, code in zip(total, factor, strict=True)
            )
        return total

    covariances = tuple(((parts[factor] * (max(factor) + 1) / n,),) for factor in factors)
    return Components(sigma2, covariances, weigh, tuple((eigenvalues[s.factor], s.dimension) for s in spaces))


def contrast_of(W: Matrix) -> Vector:
    """g = (-beta, 1), with which W g is the least-squares residual of the last column of W."""
    try:
        _, _, beta = solved(product(transpose(W), W))
    except ZeroDivisionError:
        raise NotExact("the columns of X are linearly dependent; leave some out") from None
    return (*(-coefficient for coefficient in beta), ONE)


def positive(sigma2: Fraction) -> Fraction:
    """Refuse a residual variance of zero."""
    if sigma2 == 0:
        raise NotExact("the model fits the response without residual")
    return sigma2


def check_factors(layout: Layout, factors: Sequence[Factor]) -> None:
    """Refuse factors that are not balanced, orthogonal and different."""
    names = [term.name for term in layout.terms]
    for name, factor in zip(names, factors, strict=True):
        if max(factor) + 1 == len(factor):
            raise NotExact(f"{name} has a level for each row: its variance is part of the residual's")
        if len(set(Counter(factor).values())) > 1:
            raise NotExact(f"the levels of {name} have different numbers of rows")
    for (name, one), (other_name, other) in combinations(zip(names, factors, strict=True), 2):
        if one == other:
            raise NotExact(f"{name} and {other_name} are the same factor; leave one out")
        if not orthogonal(one, other):
            raise NotExact(f"{name} and {other_name} do not meet in proportional numbers")


def check_weights(weights: Mapping[Factor, int], names: Mapping[Factor, str]) -> None:
    """Refuse a term or a residual without degrees of freedom, and a join with some."""
    for factor, weight in weights.items():
        if factor in names and weight == 0:
            raise NotExact(f"the fixed effects leave no degrees of freedom to the stratum of {names[factor]}")
        if factor not in names and weight > 0:
            within = [name for finer, name in names.items() if max(finer) + 1 < len(finer) and refines(finer, factor)]
            raise NotExact(
                f"{' and '.join(within)} share a stratum whose eigenvalue is bound to theirs, and the fixed effects "
                f"leave it degrees of freedom ({weight}): the estimates are not rational"
            )


def next_finer(factor: Factor, names: Mapping[Factor, str]) -> Factor:
    """The coarsest of the factors that strictly refine this one, which must form a chain."""
    finer = [other for other in names if other != factor and refines(other, factor)]
    coarsest = min(finer, key=max)
    for other in finer:
        if not refines(other, coarsest):
            raise NotExact(
                f"{names[coarsest]} and {names[other]} both divide {names[factor]}, and neither the other: its "
                "variance is no difference of two eigenvalues"
            )
    return coarsest


def isotonic(
    below: Mapping[Factor, Factor], weights: Mapping[Factor, int], sums: Mapping[Factor, Fraction]
) -> dict[Factor, Fraction]:
    """Isotonic regression of the means sums / weights on a tree: no node may lie lower than `below` it.

    The lowest of the blocks that do is pooled with the block below it, until none does (Thompson 1962). No block above
    the lowest such block v lies lower than v, else there were a lower one. If in the solution v were above the block
    below it, v would stand at its own mean; the part of the tree from that lower block on, all of means above v's,
    would stand below v: a contradiction.

    Examples
    --------
    >>> root, leaf = (0, 1), (0, 0)
    >>> set(isotonic({leaf: root}, {root: 1, leaf: 3}, {root: Fraction(4), leaf: Fraction(6)}).values())
    {Fraction(5, 2)}
    """
    weight, total = dict(weights), {node: sums[node] for node in weights}
    block_of = {node: node for node in weights}

    def mean(node: Factor) -> Fraction:
        return total[node] / weight[node]

    while low := [v for v in below if block_of[v] == v and mean(v) < mean(block_of[below[v]])]:
        lowest = min(low, key=mean)
        head = block_of[below[lowest]]
        weight[head] += weight[lowest]
        total[head] += total[lowest]
        block_of = {node: head if at == lowest else at for node, at in block_of.items()}
    return {node: mean(at) for node, at in block_of.items()}


def by_group(layout: Layout, REML: bool) -> Components:
    """One term with columns and the same Z_i'Z_i in all groups: equation (2)."""
    (term,) = layout.terms
    n, p, c, k, W = len(layout.y), len(layout.coefficients), len(term.columns), max(term.codes) + 1, layout.Xy
    columns = " and ".join(term.columns)
    A, *others = group_products(term, term.Z)
    if any(other != A for other in others):
        raise NotExact(f"the levels of {term.name} differ in the cross products of {columns}")
    if rank(A) < c:
        raise NotExact(f"{columns} are linearly dependent within a level of {term.name}")
    contrast = contrast_of(W)
    inverse_A, determinant_A = inverse(A)
    fits = [product(inverse_A, products) for products in group_products(term, W)]
    within = product(transpose(W), W)
    for fit in fits:
        within = combine(ONE, within, -ONE, product(transpose(fit), product(A, fit)))
    q, r = rank(tuple(tuple(entry for row in fit for entry in row[:p]) for fit in fits)), rank(block(within, p))
    if q * c + r != p:
        raise NotExact(DIVIDED)
    weight, weight_within = k - REML * q, n - k * c - REML * r
    for left, where in ((weight, term.name), (weight_within, "the residual")):
        if left == 0:
            raise NotExact(f"the fixed effects leave no degrees of freedom to the stratum of {where}")
    D = tuple(tuple(dot(row, contrast) for row in fit) for fit in fits)
    S = scaled(Fraction(1, weight), product(transpose(D), D))
    sigma2, Omega = covariance_above(quadratic(within, contrast), weight_within, S, weight, A, inverse_A)
    inverse_Omega, determinant_Omega = inverse(Omega)
    change = product(combine(ONE, product(inverse_A, inverse_Omega), -1 / sigma2, identity(c)), inverse_A)

    def weigh(W: Matrix) -> Matrix:
        """V^-1 W = W / sigma^2 + Z (A^-1 Omega^-1 - I / sigma^2) A^-1 Z'W, group by group."""
        shares = [product(change, products) for products in group_products(term, W)]
        between = tuple(product((Z,), shares[code])[0] for Z, code in zip(term.Z, term.codes, strict=True))
        return combine(1 / sigma2, W, ONE, between)

    logs = ((sigma2, n - k * c), (determinant_A * determinant_Omega, k))
    return Components(sigma2, (combine(ONE, Omega, -sigma2, inverse_A),), weigh, logs)


def covariance_above(
    rss: Fraction, weight_within: int, S: Matrix, weight: int, A: Matrix, inverse_A: Matrix
) -> tuple[Fraction, Matrix]:
    """sigma^2 and Omega >= sigma^2 A^-1 at the minimum of (2), S divided by its weight already."""
    c = len(A)
    sigma2 = positive(rss / weight_within)
    if ldl(combine(ONE, S, -sigma2, inverse_A)) is not None:
        return sigma2, S
    M = product(A, S)
    trace = sum((M[j][j] for j in range(c)), ZERO)
    sigma2 = (rss + weight * trace) / (weight_within + c * weight)
    if ldl(combine(sigma2, inverse_A, -ONE, S)) is not None:
        return sigma2, scaled(sigma2, inverse_A)
    half = square_root(trace**2 / 4 - M[0][0] * M[1][1] + M[0][1] * M[1][0]) if c == 2 else None
    if half is None:
        raise NotExact("the covariance is singular but not zero, and its null space not rational")
    larger, smaller = trace / 2 + half, trace / 2 - half
    sigma2 = (rss + weight * smaller) / (weight_within + weight)
    projector = scaled(1 / (larger - smaller), combine(ONE, M, -smaller, identity(2)))
    return sigma2, combine(sigma2, inverse_A, larger - sigma2, product(inverse_A, projector))
