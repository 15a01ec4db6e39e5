"""Proofs of certified values in ball arithmetic, from the data file and the certificate alone.

Functions work at the precision that `flint.ctx` has when they are called, and enclose what they compute.

In the chart of chart.py: where f is stationary, S R = 0: its free entries are 0; with P the pivot rows of R, R'S R =
P'(S R)_P is symmetric and zero on and below its diagonal, hence zero. Then N'S N is all of S, N a basis of the null
space of G. If N'S N and the Hessian are positive definite, each way into the cone of covariance matrices raises f: a
strict minimum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from relmer.reference.verify.at import BITS, near, values_at
from relmer.reference.verify.blocks import Blocks
from relmer.reference.verify.chart import free_entries, in_chart
from relmer.reference.verify.criterion import Factor, covariance, identity, theta
from relmer.reference.verify.data import MODEL, Data, Named, Refused, ratio, require
from relmer.reference.verify.reading import read

OPTIONAL = (str, type(None))
CERTIFICATE = {"REML": bool, "model": MODEL, "readings": {str: {"kind": str, "level": str}}}
TERM = {"rank": int, "pivots": [int], "R": [[str]]}
LOCAL = {"centre": [TERM], "precision": int, "radius": str, "unique": str, "curvature": OPTIONAL, "duals": [OPTIONAL]}
MATRICES = {"matrices": {"file": str, "sha256": str, "model": MODEL}}
LEVELS = {"exact": ("exact",), "certified": ("local-proved", "global-proved")}
MOST_BITS = 4096


@dataclass(frozen=True)
class Proof:
    """What is proved for one reading of the data.

    Attributes
    ----------
    level
        "exact" or "local-proved"; a global proof is `relmer.reference.verify.trees`'s.
    rows
        The number of rows that the model uses.
    values
        Enclosures of the values at the optimum, by their keys. Of G, var and cov, the column that comes first in its
        term comes first.
    distance
        Upper bound of the distance of the optimum from the centre, entry by entry of R; below `radius`.
    radius, unique, curvature, duals
        As claimed. A dual d says that N'S N - d N'N is positive definite: d bounds the smallest eigenvalue for
        orthonormal N. None where there is nothing to claim.
    R, pivots
        A box that holds the optimum, and the pivot rows of its chart.
    precision
        Bits.
    """

    level: str
    rows: int
    values: dict[str, arb]
    R: list[Factor]
    pivots: list[list[int]]
    precision: int
    distance: arb | None = None
    radius: fmpq | None = None
    unique: fmpq | None = None
    curvature: fmpq | None = None
    duals: tuple[fmpq | None, ...] = ()


def positive_definite(M: arb_mat) -> bool:
    """Whether all symmetric matrices within M are proved to be positive definite: the pivots of elimination are."""
    rows = M.tolist()
    for k, row in enumerate(rows):
        if not row[k] > 0:
            return False
        for below in rows[k + 1 :]:
            factor = below[k] / row[k]
            below[k:] = [entry - factor * above for entry, above in zip(below[k:], row[k:], strict=True)]
    return True


def positive(text: str | None, name: str) -> fmpq:
    """A positive number that a certificate claims."""
    value = fmpq(*ratio(text or "0"))
    if value <= 0:
        raise Refused(f"{name} is not positive")
    return value


def centre(data: Named, claim: Mapping[str, Any]) -> tuple[list[Factor], list[list[int]]]:
    """R and the pivot rows of each term, as a certificate gives them."""
    terms = claim["centre"]
    factors = [[[arb(fmpq(*ratio(text))) for text in row] for row in term["R"]] for term in terms]
    shapes = [[term["rank"]] * len(names) for term, (_, names) in zip(terms, data.terms, strict=False)]
    if len(terms) != len(data.terms) or [[len(row) for row in R] for R in factors] != shapes:
        raise Refused("centre does not fit the terms of the model")
    for (name, names), term, R in zip(data.terms, terms, factors, strict=True):
        pivots = term["pivots"]
        if not (len(set(pivots)) == len(pivots) == term["rank"] and set(pivots) <= set(range(len(names)))):
            raise Refused(f"centre of term {name}: {term['rank']} different pivot rows are needed")
        if not all(entry.is_zero() for k, i in enumerate(pivots) for entry in R[i][k + 1 :]):
            raise Refused(f"centre of term {name}: R is not zero right of its pivots")
    return factors, [term["pivots"] for term in terms]


def local(data: Data | Blocks, REML: bool, claim: Mapping[str, Any]) -> Proof:
    """Prove a strict local minimum.

    Krawczyk: with Y close to the inverse Hessian, if |Y slope| + |I - Y Hessian(box)| radius < radius, there is one and
    only one stationary point in the box. If |I - Y Hessian| < 1 in row sums throughout a wider box, no Hessian in it is
    singular; one is positive definite, hence all are, f is convex there and has no other stationary point.

    at.py has how the criterion is enclosed on a box.
    """
    R, pivots = centre(data, claim)
    free = free_entries(R, pivots)
    radius, unique = positive(claim["radius"], "radius"), positive(claim["unique"], "unique")
    G = covariance(data, R)
    at = near(data, REML, G)
    slope, hessian, _ = in_chart(data, R, free, *at(G, False)[0])
    Y = hessian.mid().inv().mid()

    def around(size: fmpq, values: bool) -> tuple[list[Factor], dict[str, arb], arb_mat, list[arb_mat]]:
        box = [[list(row) for row in factor] for factor in R]
        for t, i, k in free:
            box[t][i][k] += arb(0, arb(size))
        slopes, found = at(covariance(data, box), values)
        return box, found, *in_chart(data, box, free, *slopes)[1:]

    def spread(hessian: arb_mat) -> list[arb]:
        return [sum(map(abs, row), arb(0)) for row in (identity(len(free)) - Y * hessian).tolist()]

    box, values, hessian, S = around(radius, True)
    distances = [abs(d) + radius * width for d, width in zip((Y * slope).entries(), spread(hessian), strict=True)]
    for t, (name, _) in enumerate(data.terms):
        if not all(box[t][i][k] > 0 for k, i in enumerate(pivots[t])):
            raise Refused(f"centre of term {name}: a pivot is not positive within the radius")
    if not all(distance < radius for distance in distances):
        raise Refused(f"Krawczyk: no stationary point is proved within {claim['radius'][:20]} of the centre")
    if not positive_definite(hessian):
        raise Refused("the Hessian is not positive definite")
    curvature = positive(claim["curvature"], "curvature") if free else None
    if curvature is not None and not positive_definite(hessian - arb(curvature) * identity(len(free))):
        raise Refused(f"curvature {claim['curvature'][:20]}: the Hessian has a smaller eigenvalue")
    try:
        alone = unique >= radius and all(width < 1 for width in spread(around(unique, False)[2]))
    except ZeroDivisionError:
        alone = False
    if not alone:
        raise Refused(f"unique {claim['unique'][:20]}: another stationary point is not excluded")
    if len(claim["duals"]) != len(data.terms):
        raise Refused("duals: one is needed for each term")
    duals = [dual(data.terms[t][0], box[t], P, S[t], claim["duals"][t]) for t, P in enumerate(pivots)]
    distance = max((d.upper() for d in distances), default=arb(0))
    values |= theta(data, box)
    of_box = (box, pivots, claim["precision"])
    return Proof("local-proved", data.n, values, *of_box, distance, radius, unique, curvature, tuple(duals))


def dual(name: str, R: Factor, pivots: list[int], S: arb_mat, claimed: str | None) -> fmpq | None:
    """Prove N'S N >= dual N'N for the N with N'R = 0 that has a unit matrix in the rows without pivot."""
    c, r = len(R), len(pivots)
    others = [i for i in range(c) if i not in pivots]
    if not others:
        if claimed is not None:
            raise Refused(f"dual of term {name}: there is none, its rank is full")
        return None
    P = arb_mat(r, r, [entry for i in pivots for entry in R[i]])
    Q = arb_mat(c - r, r, [entry for i in others for entry in R[i]])
    X = P.transpose().solve(Q.transpose())
    rows = {i: [-X[k, l] for l in range(c - r)] for k, i in enumerate(pivots)}
    rows |= {i: [arb(int(k == l)) for l in range(c - r)] for k, i in enumerate(others)}
    N = arb_mat([rows[i] for i in range(c)])
    left, right = N.transpose() * S * N, N.transpose() * N
    for i in range(c - r):
        if left[i, i] < 0:
            raise Refused(f"dual of term {name} is negative: {(left[i, i] / right[i, i]).str(4, radius=False)}")
    bound = positive(claimed, f"dual of term {name}")
    if not positive_definite(left - arb(bound) * right):
        raise Refused(f"dual of term {name}: its smallest eigenvalue is not proved to be {(claimed or '')[:20]}")
    return bound


def one_way(data: Data, REML: bool) -> Proof:
    """Prove the closed form of a balanced one-way layout.

    Z'Z = Z'x = J in each of k components and x'x = k J in all, so that x = Z in each; y is swept, B is the sum of
    (Z'y)^2 / J, W = y'y - B. With L = 1 + J gamma, d = k - s and constants apart, f = d log L + N log(W + B / L), and
    df/dL has the sign of d W L - (N - d) B: f falls up to L = (N - d) B / (d W) and rises from there. The optimum is at
    this L, or at L = 1 if that is greater.
    """
    parts, p = data.components, len(data.coefficients)
    J = parts[0].ZZ[0, 0]
    balanced = all(part.ZZ.entries() == [J] and part.Zxy[0, 0] == J for part in parts)
    if p > 1 or len(data.gammas) > 1 or not balanced or data.xyxy[0, 0] != len(parts) * J:
        raise Refused("exact: the layout is not a balanced one-way layout")
    if any(norm != 1 for norms in (data.norms, *(part.norms for part in parts)) for norm in norms):
        raise Refused("exact: the layout has scores")
    N, d = (data.n - 1, len(parts) - 1) if REML else (data.n, len(parts))
    B = sum((part.Zxy[0, 1] ** 2 / J for part in parts), fmpq(0))
    W = data.xyxy[1, 1] - B
    if d == 0 or W == 0:
        raise Refused("exact: the layout has one group, or groups without variance")
    gamma = max(((N - d) * B / (d * W) - 1) / J, fmpq(0))
    R = [[[arb(gamma).sqrt()] if gamma > 0 else []]]
    G = [arb(gamma)]
    pivots = [[0] if gamma > 0 else []]
    return Proof("exact", data.n, values_at(data, REML, G) | theta(data, R), R, pivots, BITS)


def prove(certificate: Mapping[str, Any], reading: str, text: str) -> Proof:
    """Prove what a certificate claims of one reading of the data, its values apart.

    Parameters
    ----------
    certificate
        Untrusted JSON; of the claim (`readings`) only kind, level, centre, precision, radius, unique, curvature and
        duals are looked at.
    reading
        "decimal", "double" or "matrices".
    text
        The CSV; of the reading "matrices" the one that holds y, X and Z.

    Raises
    ------
    Refused
        A claim is not proved, or the certificate is malformed.
    """
    require(certificate, CERTIFICATE, "certificate")
    return prove_of(read(model_of(certificate, reading), reading, text), certificate, reading)


def model_of(certificate: Mapping[str, Any], reading: str) -> Mapping[str, Any]:
    """The description of the text that a reading is of."""
    if reading != "matrices":
        return dict(certificate["model"])
    require(certificate, MATRICES, "certificate")
    return dict(certificate["matrices"]["model"])


def prove_of(data: Data | Blocks, certificate: Mapping[str, Any], reading: str) -> Proof:
    """Prove what a certificate claims of one reading, as `prove` does, of data that are `read` already."""
    require(certificate, CERTIFICATE, "certificate")
    claim = certificate["readings"].get(reading, {"level": "missing", "kind": ""})
    exact = claim["kind"] == "exact"
    if claim["level"] not in LEVELS.get(claim["kind"], ()):
        raise Refused(
            f"level {claim['level'][:20]} of the {reading[:20]} reading: nothing is claimed that can be proved"
        )
    if not exact:
        require(claim, LOCAL, reading)
    precision = BITS if exact else claim["precision"]
    if not BITS // 4 <= precision <= MOST_BITS:
        raise Refused(f"precision is not between {BITS // 4} and {MOST_BITS}")
    with ctx.workprec(precision):
        try:
            if not exact:
                return local(data, certificate["REML"], claim)
            if isinstance(data, Blocks):
                raise Refused("exact: the model is too large for a closed form")
            return one_way(data, certificate["REML"])
        except ZeroDivisionError:
            raise Refused(f"a matrix is singular at a precision of {precision} bits") from None
