"""Proofs of certified values in ball arithmetic, from the data file and the certificate alone.

Functions work at the precision that `flint.ctx` has when they are called, and enclose what they compute.

The chart. G_j of rank r is R R'; R (c x r) has in its k-th pivot row a positive k-th entry and zeros right of it; all
other entries are free. df/dR = 2 S R, and G's own second derivative adds 2 S_ab [k = l] to the Hessian at R_ak, R_bl.
Where f is stationary in the chart, S R = 0: its free entries are 0; with P the pivot rows of R, R'S R = P'(S R)_P is
symmetric and zero on and below its diagonal, hence zero. Then N'S N is all of S, N a basis of the null space of G. If
N'S N and the Hessian are positive definite, each way into the cone of covariance matrices raises f: a strict minimum.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from relmer.reference.verify.at import BITS, near, values_at
from relmer.reference.verify.blocks import Blocks
from relmer.reference.verify.criterion import Factor, covariance, identity, theta
from relmer.reference.verify.data import MODEL, Data, Named, Refused, ratio, require
from relmer.reference.verify.reading import read

OPTIONAL = (str, type(None))
CERTIFICATE = {"REML": bool, "model": MODEL, "readings": {str: {"kind": str, "level": str}}}
TERM = {"rank": int, "pivots": [int], "R": [[str]]}
LOCAL = {"centre": [TERM], "precision": int, "radius": str, "unique": str, "curvature": OPTIONAL, "duals": [OPTIONAL]}
STORED = {
    "schema": str,
    "data": {"file": str, "sha256": str, "rows": int},
    "readings": {str: dict},
}
MATRICES = {"matrices": {"file": str, "sha256": str, "model": MODEL}}
VALUES = {"values": {str: {"value": str, "radius": str}}}
TREE = {"tree": {"file": str, "sha256": str}}
# Of the models of this project, and of anybody's.
SCHEMA, OWN_SCHEMA = "relmer-certificate/2", "relmer-own-certificate/2"
# Without weights, offsets and rows.
OLDER_SCHEMA = "relmer-own-certificate/1"
READINGS = ("decimal", "double", "matrices")
GZIP = b"\x1f\x8b"
LEVELS = {"exact": ("exact",), "certified": ("local-proved", "global-proved")}
FILE = re.compile(r"(trees/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
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
    """

    level: str
    rows: int
    values: dict[str, arb]
    distance: arb | None = None
    radius: fmpq | None = None
    unique: fmpq | None = None
    curvature: fmpq | None = None
    duals: tuple[fmpq | None, ...] = ()


def in_chart(
    data: Named, R: Sequence[Factor], free: Sequence[tuple[int, int, int]], first: list[arb], second: list[list[arb]]
) -> tuple[arb_mat, arb_mat, list[arb_mat]]:
    """Gradient (m x 1) and Hessian (m x m) in the free entries of R, and the duals S_j."""
    m, K = len(free), len(data.gammas)
    entries = [
        (R[t][b][k] if i == a else 0) + (R[t][a][k] if i == b else 0) if u == t else 0
        for u, i, k in free
        for t, a, b in data.gammas
    ]
    J = arb_mat(m, K, entries)
    f = dict(zip(data.gammas, first, strict=True))
    S = [
        arb_mat([[f[t, max(a, b), min(a, b)] / (1 + (a != b)) for b in range(len(names))] for a in range(len(names))])
        for t, (_, names) in enumerate(data.terms)
    ]
    bent = [2 * S[t][i, j] if (t, k) == (u, l) else 0 for t, i, k in free for u, j, l in free]
    hessian = J * arb_mat(second) * J.transpose() + arb_mat(m, m, bent)
    return J * arb_mat(K, 1, first), hessian, S


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
    free = [(t, i, k) for t, P in enumerate(pivots) for k in range(len(P)) for i in range(len(R[t])) if i not in P[:k]]
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
    return Proof("local-proved", data.n, values | theta(data, box), distance, radius, unique, curvature, tuple(duals))


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
    return Proof("exact", data.n, values_at(data, REML, G) | theta(data, R))


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


def verify(
    certificate: Mapping[str, Any], folders: Sequence[Path], given: Mapping[str, Path] | None = None
) -> dict[str, Proof]:
    """Prove all that a stored certificate says, but for the leaves of a tree.

    Parameters
    ----------
    certificate
        Untrusted JSON.
    folders
        Where the data file (as it is or with .gz), the matrices and the tree are looked for, in this order.
    given
        Files that are told by hand, by the names that the certificate has for them.

    Returns
    -------
    dict
        The proofs of all readings.

    Raises
    ------
    Refused
        The data are others, a claim is not proved, a stored value is not that of the proof, or a level is too high.
    """
    require(certificate, STORED, "certificate")
    data, readings = certificate["data"], certificate["readings"]
    if certificate["schema"] not in (SCHEMA, OWN_SCHEMA, OLDER_SCHEMA):
        raise Refused(f"the schema is neither {SCHEMA} nor {OWN_SCHEMA}")
    if certificate["schema"] == SCHEMA and set(readings) != {"decimal", "double"}:
        raise Refused(f"readings of {SCHEMA} are decimal and double")
    if not readings or not set(readings) <= {*READINGS}:
        raise Refused(f"readings: at least one of {', '.join(READINGS)} is needed, and no other")
    # The matrices speak of a file too: it must be there, and be the one.
    texts = {"": text_of(content(folders, data["file"], data["sha256"], unpack=True, given=given))}
    if "matrices" in readings:
        require(certificate, MATRICES, "certificate")
        own = certificate["matrices"]
        if set(readings) == {"matrices"} and own["model"] != certificate["model"]:
            raise Refused("model: the matrices alone are proved, and their model is another")
        texts["matrices"] = text_of(content(folders, own["file"], own["sha256"], unpack=True))
    proofs = {}
    for reading, claim in readings.items():
        proof = proofs[reading] = prove(certificate, reading, texts.get(reading, texts[""]))
        if proof.rows != data["rows"]:
            raise Refused(f"rows: the model uses {proof.rows}, not {data['rows']}")
        check_values(claim, proof)
        if claim["level"] == "global-proved":
            require(claim, TREE, reading)
            content(folders, claim["tree"]["file"], claim["tree"]["sha256"], unpack=False)
    return proofs


def text_of(found: bytes) -> str:
    """The text of a file, which may be packed."""
    try:
        return (gzip.decompress(found) if found[:2] == GZIP else found).decode(errors="replace")
    except (OSError, EOFError, zlib.error):
        raise Refused("the data cannot be unpacked") from None


def content(
    folders: Sequence[Path], name: str, sha256: str, unpack: bool, given: Mapping[str, Path] | None = None
) -> bytes:
    """A file by its plain name, as it is or unpacked from .gz, or by hand, if it has this sha256."""
    path = by_hand = (given or {}).get(name)
    if path is None:
        if not FILE.fullmatch(name):
            raise Refused(f"{name[:40]!r} is not a plain file name")
        paths = [folder / (name + suffix) for folder in folders for suffix in (("", ".gz") if unpack else ("",))]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            raise Refused(f"{name} is not there")
    try:
        found = path.read_bytes()
        if by_hand is None and path.name != Path(name).name:
            found = gzip.decompress(found)
    except (OSError, EOFError, zlib.error):
        raise Refused(f"{path.name} cannot be read") from None
    if hashlib.sha256(found).hexdigest() != sha256:
        raise Refused(f"sha256 of {name} is not that of the certificate")
    return found


def check_values(claim: Mapping[str, Any], proof: Proof) -> None:
    """Refuse a stored value whose [value - radius, value + radius] does not hold the enclosure that is proved."""
    require(claim, VALUES, "claim")
    if not claim["values"]:
        raise Refused("values: there is none")
    with ctx.workprec(MOST_BITS):
        for key, stored in claim["values"].items():
            value, radius = (arb(fmpq(*ratio(stored[part]))) for part in ("value", "radius"))
            if key not in proof.values:
                raise Refused(f"value {key[:60]} is not proved")
            if not abs(proof.values[key] - value) <= radius:
                raise Refused(f"value {key} is not {stored['value'][:40]} within {stored['radius'][:20]}")
