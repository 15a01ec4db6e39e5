"""Models in their rows, by mpmath or at many bits: likelihood, degrees of freedom, random effects by definition."""

from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import mpmath
from flint import arb, arb_mat
from mpmath import mpf

DIGITS = 90
# Central differences at 90 digits with this step are right to 1e-40 times a fourth derivative, and to 1e-90 / 1e-40
# from rounding.
STEP = mpf(10) ** -20
Matrix = Any


class Dense:
    """X, Z and y of a model written out at 70 digits, and the likelihood by its definition."""

    def __init__(self, model: dict, reading: str, text: str) -> None:
        header, *lines = (line.split(",") for line in text.splitlines())
        items = [*model["fixed"], *(item for t in model["random"] for item in t["columns"])]
        factors = {f for item in items for f in item[1:]} | {g for t in model["random"] for g in t["group"]}
        sources = {model["scores"].get(f, {"column": f.split("=")[0]})["column"] for f in factors} | {model["response"]}
        rows = [dict(zip(header, line, strict=True)) for line in lines]
        rows = [row for row in rows if not {row[source] for source in sources} & {"", "NA"}]

        def number(row: dict, factor: str) -> mpmath.mpf:
            if factor in model["scores"]:
                score = model["scores"][factor]
                return score["scores"][row[score["column"]]] / mpmath.sqrt(score["norm"])
            if "=" in factor:
                name, _, level = factor.partition("=")
                return mpmath.mpf(row[name] == level)
            exact = Fraction(row[factor]) if reading == "decimal" else Fraction(float(row[factor]))
            return mpmath.mpf(exact.numerator) / exact.denominator

        def columns(items: list[list[str]]) -> list[list[mpmath.mpf]]:
            return [[mpmath.fprod(number(row, factor) for factor in item[1:]) for item in items] for row in rows]

        self.X, self.y = mpmath.matrix(columns(model["fixed"])), mpmath.matrix(columns([["", model["response"]]]))
        self.terms = [
            ([tuple(row[g] for g in t["group"]) for row in rows], mpmath.matrix(columns(t["columns"])))
            for t in model["random"]
        ]

    def values(self, G: list[mpmath.matrix], REML: bool) -> dict[str, mpmath.mpf]:
        n, p = self.X.rows, self.X.cols
        V = mpmath.eye(n)
        for (levels, Z), G_j in zip(self.terms, G, strict=True):
            shared = Z * G_j * Z.T
            for i in range(n):
                for k in range(n):
                    V[i, k] += shared[i, k] if levels[i] == levels[k] else 0
        inverse = V**-1
        Omega = (self.X.T * inverse * self.X) ** -1
        beta = Omega * (self.X.T * inverse * self.y)
        left = self.y - self.X * beta
        N = n - p if REML else n
        sigma2 = (left.T * inverse * left)[0] / N
        f = mpmath.log(mpmath.det(V)) + N * (1 + mpmath.log(2 * mpmath.pi * sigma2))
        if REML:
            f -= mpmath.log(mpmath.det(Omega))
        found = {"criterion": f, "sigma2": sigma2, "sigma": mpmath.sqrt(sigma2)}
        return found | {f"beta {i}": beta[i] for i in range(p)} | {f"vcov {i}": sigma2 * Omega[0, i] for i in range(p)}


class Balls:
    """Dense algebra at 420 bits, of which the midpoints are used: mpmath takes minutes for 180 rows."""

    def of(self, M: mpmath.matrix) -> arb_mat:
        return arb_mat([[self.ball(M[i, j]) for j in range(M.cols)] for i in range(M.rows)])

    def ball(self, x: mpf) -> arb:
        sign, man, exponent, _ = mpf(x)._mpf_
        return arb((-int(man) if sign else int(man), exponent))

    def inverse(self, M: arb_mat) -> arb_mat:
        return M.inv().mid()

    def transposed(self, M: arb_mat) -> arb_mat:
        return M.transpose()

    def log_det(self, M: arb_mat) -> mpf:
        return self.number(M.det().log())

    def number(self, x: arb) -> mpf:
        return mpf(str(x.mid().str(DIGITS + 20, radius=False)))

    def scaled(self, M: arb_mat, by: mpf) -> arb_mat:
        return (M * self.ball(by)).mid()


class Mp:
    """The same in mpmath, which shares nothing with the kernel."""

    def of(self, M: mpmath.matrix) -> mpmath.matrix:
        return M

    def inverse(self, M: mpmath.matrix) -> mpmath.matrix:
        return M**-1

    def transposed(self, M: mpmath.matrix) -> mpmath.matrix:
        return M.T

    def log_det(self, M: mpmath.matrix) -> mpf:
        return mpmath.log(mpmath.det(M))

    def number(self, x: mpf) -> mpf:
        return x

    def scaled(self, M: mpmath.matrix, by: mpf) -> mpmath.matrix:
        return M * by


class Brute:
    """A model in its rows, at G = R R' of each term and any sigma: all by its definition, nothing profiled.

    The parameters are the free entries of R, term by term, and sigma.
    """

    def __init__(self, chosen: dict, text: str, REML: bool, arithmetic: Balls | Mp) -> None:
        dense = Dense(chosen, "decimal", text)
        self.a, self.REML = arithmetic, REML
        self.X, self.y = arithmetic.of(dense.X), arithmetic.of(dense.y)
        self.n, self.p = dense.X.rows, dense.X.cols
        # Z, column by column; each by its term, level and place.
        self.columns = [
            (t, level, c)
            for t, (levels, columns) in enumerate(dense.terms)
            for level in dict.fromkeys(levels)
            for c in range(columns.cols)
        ]
        Z = mpmath.zeros(self.n, len(self.columns))
        for j, (t, level, c) in enumerate(self.columns):
            levels, columns = dense.terms[t]
            for i in range(self.n):
                Z[i, j] = columns[i, c] if levels[i] == level else 0
        self.Z, self.one = arithmetic.of(Z), arithmetic.of(mpmath.eye(self.n))

    def covariance(self, G: list[mpmath.matrix]) -> Matrix:
        """Of all random effects, over sigma^2."""
        whole = mpmath.zeros(len(self.columns))
        for i, (t, level, c) in enumerate(self.columns):
            # The columns of a level stand together.
            for d in range(G[t].cols):
                assert self.columns[i - c + d] == (t, level, d)
                whole[i, i - c + d] = G[t][c, d]
        return self.a.of(whole)

    def V(self, G: list[mpmath.matrix]) -> Matrix:
        """Over sigma^2."""
        return self.Z * self.covariance(G) * self.a.transposed(self.Z) + self.one

    def at(self, G: list[mpmath.matrix], V: Matrix = None) -> tuple[Matrix, Matrix, Matrix]:
        """V^-1, Phi and y - X beta."""
        inverse = self.a.inverse(self.V(G) if V is None else V)
        Phi = self.a.inverse(self.a.transposed(self.X) * inverse * self.X)
        return inverse, Phi, self.y - self.X * (Phi * (self.a.transposed(self.X) * (inverse * self.y)))

    def criterion(self, G: list[mpmath.matrix], sigma: mpf) -> mpf:
        """Minus twice the (restricted) log-likelihood."""
        V = self.V(G)
        inverse, Phi, left = self.at(G, V)
        d = self.n - self.p if self.REML else self.n
        value = d * mpmath.log(2 * mpmath.pi * sigma**2) + self.a.log_det(V)
        value += self.a.number((self.a.transposed(left) * inverse * left)[0, 0]) / sigma**2
        return value - self.a.log_det(Phi) if self.REML else value

    def sigma(self, G: list[mpmath.matrix]) -> mpf:
        """The one of the smallest criterion."""
        inverse, _, left = self.at(G)
        d = self.n - self.p if self.REML else self.n
        return mpmath.sqrt(self.a.number((self.a.transposed(left) * inverse * left)[0, 0]) / d)


def covariances(centre: list[list[list[mpf]]]) -> list[mpmath.matrix]:
    return [mpmath.matrix(R) * mpmath.matrix(R).T if R[0] else mpmath.zeros(len(R)) for R in centre]


def satterthwaite(brute: Brute, centre: list[list[list[mpf]]], pivots: list[list[int]]) -> list[mpf]:
    """2 v^2 / var(v), by differences in the free entries of R and sigma."""
    free = [
        (t, i, k) for t, P in enumerate(pivots) for k in range(len(P)) for i in range(len(centre[t])) if i not in P[:k]
    ]
    sigma = brute.sigma(covariances(centre))

    def moved(steps: dict[int, int]) -> tuple[list[mpmath.matrix], mpf]:
        R = [[list(row) for row in rows] for rows in centre]
        for at, sign in steps.items():
            if at < len(free):
                t, i, k = free[at]
                R[t][i][k] += sign * STEP
        return covariances(R), sigma + steps.get(len(free), 0) * STEP

    def f(steps: dict[int, int]) -> mpf:
        return brute.criterion(*moved(steps))

    def variances(steps: dict[int, int]) -> list[mpf]:
        G, s = moved(steps)
        Phi = brute.at(G)[1]
        return [s**2 * brute.a.number(Phi[i, i]) for i in range(brute.p)]

    m = len(free) + 1
    here, H = f({}), mpmath.zeros(m)
    for i, j in combinations_with_replacement(range(m), 2):
        if i == j:
            H[i, i] = (f({i: 1}) + f({i: -1}) - 2 * here) / STEP**2
        else:
            corners = [(a * b) * f({i: a, j: b}) for a in (1, -1) for b in (1, -1)]
            H[i, j] = H[j, i] = sum(corners) / (4 * STEP**2)
    A, v = 2 * H**-1, variances({})
    slopes = [
        [(above - below) / (2 * STEP) for above, below in zip(variances({k: 1}), variances({k: -1}), strict=True)]
        for k in range(m)
    ]
    found = []
    for i in range(brute.p):
        g = mpmath.matrix([slope[i] for slope in slopes])
        found.append(2 * v[i] ** 2 / (g.T * A * g)[0])
    return found


def kenward_roger(brute: Brute, G: list[mpmath.matrix]) -> tuple[list[mpf], list[mpf]]:
    """Degrees of freedom and standard errors, letter by letter: Sigma = sum of parameters times G_k, G_0 = I."""
    a, sigma = brute.a, brute.sigma(G)
    Sigma = a.scaled(brute.V(G), sigma**2)
    inverse = a.inverse(Sigma)
    X = brute.X
    Phi = a.inverse(a.transposed(X) * inverse * X)
    P = inverse - inverse * X * Phi * a.transposed(X) * inverse
    basis = [brute.one]
    for t, own in enumerate(G):
        for i in range(own.rows):
            for j in range(i + 1):
                E = [mpmath.zeros(other.rows) for other in G]
                E[t][i, j] = E[t][j, i] = 1
                basis.append(brute.Z * brute.covariance(E) * a.transposed(brute.Z))
    m = len(basis)
    of_P = [P * B for B in basis]
    information = mpmath.zeros(m)
    for k in range(m):
        for l in range(k + 1):
            product = of_P[k] * of_P[l]
            information[k, l] = information[l, k] = sum(a.number(product[i, i]) for i in range(brute.n)) / 2
    W = information**-1
    side = [inverse * B * inverse * X for B in basis]
    P_k = [a.scaled(a.transposed(X) * each, mpf(-1)) for each in side]
    middle = a.scaled(Phi, mpf(0))
    for k in range(m):
        for l in range(m):
            Q = a.transposed(X) * inverse * basis[k] * side[l]
            middle += a.scaled(Q - P_k[k] * Phi * P_k[l], W[k, l])
    adjusted = Phi + a.scaled(Phi * middle * Phi, mpf(2))
    degrees, errors = [], []
    for i in range(brute.p):
        Theta_Phi = [a.number((Phi * each * Phi)[i, i]) / a.number(Phi[i, i]) for each in P_k]
        A_2 = sum(W[k, l] * Theta_Phi[k] * Theta_Phi[l] for k in range(m) for l in range(m))
        # One row: A_1 = A_2, and the paper's E and V of F lead to m = 2 / A_2 and the factor 1.
        degrees.append(2 / A_2)
        errors.append(mpmath.sqrt(a.number(adjusted[i, i])))
    return degrees, errors


def conditional(brute: Brute, G: list[mpmath.matrix]) -> tuple[list[mpf], list[mpf]]:
    """Mean and standard deviation of the random effects given y, theta and beta: of a normal vector."""
    a, sigma = brute.a, brute.sigma(G)
    inverse, _, left = brute.at(G)
    whole = brute.covariance(G)
    gain = whole * a.transposed(brute.Z) * inverse
    b, spread = gain * left, whole - gain * brute.Z * whole
    q = len(brute.columns)
    variances = [sigma**2 * a.number(spread[i, i]) for i in range(q)]
    return [a.number(b[i, 0]) for i in range(q)], [mpmath.sqrt(max(v, mpf(0))) for v in variances]
