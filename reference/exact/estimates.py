"""Exact reference values: estimates of balanced layouts in rational arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from relmer.datasets import key_of, matrix_key, theta_key
from relmer.reference.exact.balanced import by_group, by_strata
from relmer.reference.exact.layouts import INTERCEPT, Layout, NotExact, group_products, intercepts
from relmer.reference.exact.rational import LogSum, Matrix, Root, Vector, dot, ldl, product, rational, solved, transpose

ONE = Fraction(1)


@dataclass(frozen=True)
class Exact:
    """REML or maximum likelihood estimates in fractions.

    Attributes
    ----------
    layout, REML
        What was fitted.
    sigma2
        Residual variance.
    beta, vcov
        Fixed effects (p,) and their covariance (p, p).
    covariances
        Per term the covariance of its random effects (c, c).
    effects
        Per term b (levels, c).
    criterion
        REML criterion or deviance.
    """

    layout: Layout
    REML: bool
    sigma2: Fraction
    beta: Vector
    vcov: Matrix
    covariances: tuple[Matrix, ...]
    effects: tuple[Matrix, ...]
    criterion: LogSum


def exact(layout: Layout, REML: bool = True) -> Exact:
    """Exact estimates of a balanced layout, on the boundary too.

    The layouts: random intercepts of balanced, orthogonal factors (one-way, nested, crossed, split-plot), or one term
    of any columns that have the same cross products in all groups (growth curves). The algebra is in
    `relmer.reference.exact.balanced`.

    Raises
    ------
    NotExact
        There is no rational closed form, or no optimum at all; one line says why.

    Examples
    --------
    >>> layout = Layout(rational([1, 2, 4, 5, 9, 8]), ((ONE,),) * 6, ("mean",), (intercepts("g", [0, 0, 1, 1, 2, 2]),))
    >>> exact(layout).sigma2
    Fraction(1, 2)
    """
    if all(row == (ONE,) for term in layout.terms for row in term.Z):
        components = by_strata(layout, REML)
    elif len(layout.terms) == 1:
        components = by_group(layout, REML)
    else:
        raise NotExact("there are several terms, and not all of them random intercepts")
    W = layout.Xy
    weighed = components.weigh(W)
    vcov, determinant, beta = solved(product(transpose(W), weighed))
    e = tuple((row[-1] - dot(row[:-1], beta),) for row in weighed)
    effects = tuple(
        tuple(transpose(product(covariance, products))[0] for products in group_products(term, e))
        for term, covariance in zip(layout.terms, components.covariances, strict=True)
    )
    n, p = len(layout.y), len(beta)
    logs = (*components.logs, (determinant, 1)) if REML else components.logs
    criterion = LogSum(n - p if REML else n, logs)
    return Exact(layout, REML, components.sigma2, beta, vcov, components.covariances, effects, criterion)


def values(exact: Exact) -> dict[str, Root | LogSum]:
    """Every estimate, under the key that it has in a certificate.

    Examples
    --------
    >>> layout = Layout(rational([1, 2, 4, 5, 9, 8]), ((ONE,),) * 6, ("mean",), (intercepts("g", [0, 0, 1, 1, 2, 2]),))
    >>> values(exact(layout))["theta[g.(Intercept)]"].decimal(12)
    Decimal('4.91596040125')
    """
    found: dict[str, Root | LogSum] = {
        "criterion": exact.criterion,
        "sigma": Root(ONE, exact.sigma2),
        "sigma2": Root(exact.sigma2),
    }
    for term, covariance in zip(exact.layout.terms, exact.covariances, strict=True):
        found |= covariance_values(term.name, term.columns, covariance, exact.sigma2)
    names = exact.layout.coefficients
    for i, name in enumerate(names):
        found[key_of("beta", name)] = Root(exact.beta[i])
        found[key_of("se", name)] = Root(ONE, exact.vcov[i][i])
        for j in range(i, len(names)):
            found[key_of("vcov", name, names[j])] = Root(exact.vcov[i][j])
    return found


def covariance_values(name: str, columns: Sequence[str], covariance: Matrix, sigma2: Fraction) -> dict[str, Root]:
    """Covariance, G and theta of a term; theta only where G has no zero pivot before another: else it is not unique."""
    found = {}
    factor = ldl(covariance)
    assert factor is not None, "a covariance is positive semi-definite"
    L, D = factor
    unique = all(D[j] or not any(D[j:]) for j in range(len(D)))
    for j, column in enumerate(columns):
        for i in range(j, len(columns)):
            cell = (name, columns[i], column)
            found[matrix_key("var", "cov", *cell)] = Root(covariance[i][j])
            found[matrix_key("G", "G", *cell)] = Root(covariance[i][j] / sigma2)
            if unique:
                found[theta_key(*cell)] = Root(L[i][j], D[j] / sigma2)
    return found


def one_way(observed: Sequence[float], codes: Sequence[int], REML: bool, decimal: bool = True) -> Exact:
    """Exact estimates of y ~ 1 + (1 | g).

    Parameters
    ----------
    observed
        The response.
    codes
        The group of each value.
    REML
        Restricted or full likelihood.
    decimal
        Whether a double is taken for the decimal that it prints as, which is what was recorded, or for its binary
        value, which is what an engine reads.

    Raises
    ------
    NotExact
        The layout is not balanced.

    Examples
    --------
    >>> one_way([1.0, 2.0, 4.0, 5.0, 9.0, 8.0], [0, 0, 1, 1, 2, 2], True).sigma2
    Fraction(1, 2)
    """
    level = {code: k for k, code in enumerate(sorted(set(codes)))}
    term = intercepts("g", [level[code] for code in codes])
    return exact(Layout(rational(observed, decimal), ((ONE,),) * len(codes), (INTERCEPT,), (term,)), REML)
