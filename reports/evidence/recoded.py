"""Known slips of order and of coding: the definition's numbers in other places, or of other columns of the same span.

Coefficients of other columns X A^-1 with the same span are A beta, with the covariance A vcov A'.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from relmer.reports.evidence.same_rows import orders
from relmer.solver.arrays import Array
from relmer.solver.model import Design, RandomTerm, factors, weighted

# Singular values of T below this part of the largest are rounding.
SINGULAR = 1e-12
Slips = list[tuple[str, Array]]


def recoded(design: Design, name: str, at: Mapping[str, Array]) -> Slips:
    """What a quantity would be by each slip, from the definition's values `at` the same theta.

    Parameters
    ----------
    design
        The model.
    name
        A quantity of an answer; of others there are no slips.
    at
        Values by quantity.
    """
    if name in ("beta", "se", "vcov"):
        return [*coefficients(design, name, at), *(least_squares(design, at) if name == "se" else [])]
    made: Mapping[str, Callable[[], Slips]] = {
        "varcomp": lambda: covariances(design, at["varcomp"]),
        "b": lambda: random_effects(design, at),
        "fitted": lambda: rows(design, at["fitted"]) + forgotten(design, at["fitted"]),
        "V_diagonal": lambda: rows(design, at["V_diagonal"]) + unweighted(design, at, "V_diagonal"),
        "V_rowsum": lambda: rows(design, at["V_rowsum"]) + unweighted(design, at, "V_rowsum"),
    }
    return made[name]() if name in made else []


def coefficients(design: Design, name: str, at: Mapping[str, Array]) -> Slips:
    """Coefficients, their standard errors or covariances, in other places or of other columns."""
    found: Slips = []
    for told, A in codings(design):
        vcov = A @ at["vcov"].reshape(A.shape) @ A.T
        moved = {"beta": A @ at["beta"], "se": np.sqrt(np.diag(vcov)), "vcov": vcov.ravel()}
        found.append((f"coefficients {told}", moved[name]))
    return found


def codings(design: Design) -> Iterator[tuple[str, Array]]:
    """A of other orders and codings of the columns of X.

    Of a factor by treatment contrasts the means of its levels are beta_0 and beta_0 + beta_k.
    """
    names, p = design.coefficients, len(design.coefficients)
    eye, constant = np.eye(p), np.flatnonzero((design.X == 1.0).all(axis=0))
    if constant.size:
        first = int(constant[0])
        yield "with the intercept last", eye[[*(k for k in range(p) if k != first), first]]
    yield "in reverse order", eye[::-1]
    yield "in the alphabetical order of their names", eye[sorted(range(p), key=lambda k: names[k])]
    if not constant.size:
        return
    for run in dummies(design.X):
        for k in run:
            A = eye.copy()
            A[first, k] = 1.0
            others = [j for j in run if j != k]
            A[run] = 0.0
            A[run, k] = -1.0
            A[run[1:], others] += 1.0
            yield f"with {names[k]} as the reference level", A
        A = eye.copy()
        m = len(run) + 1
        A[first, run] = 1 / m
        A[run] = 0.0
        A[np.ix_(run, run)] = -1 / m
        A[run[1:], run[:-1]] += 1.0
        yield f"of {names[run[0]]}… by sum contrasts", A
    for k in range(p):
        mean, spread = design.X[:, k].mean(), design.X[:, k].std(ddof=1) if len(design.X) > 1 else 0.0
        if k != first and spread:
            A, B = eye.copy(), eye.copy()
            A[first, k], B[k, k] = mean, spread
            yield f"of {names[k]} about its mean", A
            yield f"of {names[k]} in units of its standard deviation", B
            yield f"of {names[k]} about its mean, in units of its standard deviation", A @ B + B - eye


def dummies(X: Array) -> list[list[int]]:
    """Runs of columns of zeros and ones, no row having two ones: factors by treatment contrasts."""
    runs: list[list[int]] = []
    ends = -1
    for k in np.flatnonzero(np.isin(X, (0.0, 1.0)).all(axis=0) & ~(X == 1.0).all(axis=0)).tolist():
        if ends == k - 1 and runs and X[:, [*runs[-1], k]].sum(axis=1).max() <= 1.0:
            runs[-1].append(k)
        else:
            runs.append([k])
        ends = k
    return runs


def least_squares(design: Design, at: Mapping[str, Array]) -> Slips:
    """Standard errors as if V were that of least squares."""
    _, X, _ = weighted(design)
    inverse = np.linalg.inv(np.linalg.qr(X, mode="r"))
    se = float(at["sigma"][0]) * np.sqrt(np.sum(inverse**2, axis=1))
    return [("standard errors of least squares, as if there were no random effects", se)]


def covariances(design: Design, value: Array) -> Slips:
    """Correlations among the variances; triangles by rows."""
    matrices, places, first = [], [], 0
    for term in design.terms:
        width = len(term.columns)
        at = [(i, j) for j in range(width) for i in range(j, width)]
        G = np.zeros((width, width))
        for (i, j), entry in zip(at, value[first : first + len(at)], strict=False):
            G[i, j] = G[j, i] = entry
        first += len(at)
        matrices.append(G)
        places.append(at)
    if first != len(value):
        return []
    sizes = [np.sqrt(np.diag(G)) for G in matrices]
    if any((size <= 0).any() for size in sizes):
        return []
    alike = [G / np.outer(s, s) for G, s in zip(matrices, sizes, strict=True)]

    def flat(made: list[Array], by_rows: bool = False) -> Array:
        orders = [sorted(at) if by_rows else at for at in places]
        return np.array([G[place] for G, at in zip(made, orders, strict=True) for place in at])

    def over(diagonals: list[Array]) -> list[Array]:
        return [np.where(np.eye(len(R)) > 0, np.diag(d), R) for R, d in zip(alike, diagonals, strict=True)]

    return [
        ("correlations, not covariances", flat(over([np.diag(G) for G in matrices]))),
        ("standard deviations and correlations, not variances and covariances", flat(over(sizes))),
        ("triangles by rows, not by columns", flat(matrices, by_rows=True)),
    ]


def random_effects(design: Design, at: Mapping[str, Array]) -> Slips:
    """Random effects in other places, in other units, or with the fixed ones added."""
    b, sigma, terms = at["b"], float(at["sigma"][0]), design.terms
    if not terms:
        return []
    ends = np.cumsum([len(term.levels) * len(term.columns) for term in terms])
    parts = [part.reshape(len(t.levels), -1) for part, t in zip(np.split(b, ends[:-1]), terms, strict=True)]
    found: Slips = [
        ("by column, within it by level", joined(part.T for part in parts)),
        ("in units of sigma", b / sigma),
        ("with the other sign", -b),
        ("with the coefficients added, as coef() has them", joined(map(partial_sums(design, at), parts, terms))),
    ]
    if len(terms) > 1:
        found.append(("with the terms in reverse order", joined(parts[::-1])))
    Ts = factors(terms, at["theta"])
    # u is in the range of T', where T has no null space.
    u = [np.asarray((np.linalg.pinv(T, rcond=SINGULAR) @ part.T).T) for T, part in zip(Ts, parts, strict=True)]
    found += [("u, not Lambda u", joined(u)), ("u / sigma, not Lambda u", joined(u) / sigma)]
    by_name: dict[str, list[list[int]]] = {}
    for k, term in enumerate(terms):
        for told, order in orders(term):
            by_name.setdefault(told, [[*range(len(one.levels))] for one in terms])[k] = order
    found += [
        (f"with levels {told}", joined(part[order] for part, order in zip(parts, some, strict=True)))
        for told, some in by_name.items()
    ]
    return [(f"random effects {told}", value) for told, value in found]


def partial_sums(design: Design, at: Mapping[str, Array]) -> Callable[[Array, RandomTerm], Array]:
    """Adds to the effects of a term the coefficients of the same columns."""
    known = dict(zip(design.coefficients, at["beta"].tolist(), strict=True))
    return lambda part, term: part + np.array([known.get(column, 0.0) for column in term.columns])


def joined(parts: Iterable[Array]) -> Array:
    """All entries, part after part."""
    return np.concatenate([np.ravel(part) for part in parts])


def rows(design: Design, value: Array) -> Slips:
    """The same of rows in another order."""
    sorts = [(f"of rows sorted by {t.group}", value[np.argsort(t.codes, kind="stable")]) for t in design.terms]
    return [*sorts, ("of rows in reverse order", value[::-1])]


def forgotten(design: Design, value: Array) -> Slips:
    """Fitted values without the offset."""
    return [] if design.offset is None else [("fitted values without the offset", value - design.offset)]


def unweighted(design: Design, at: Mapping[str, Array], name: str) -> Slips:
    """V with a residual variance that is not divided by the weights."""
    if design.weights is None:
        return []
    variance = float(at["sigma"][0]) ** 2
    return [("Z G Z' + sigma^2 I, without the weights", at[name] - variance / design.weights + variance)]
