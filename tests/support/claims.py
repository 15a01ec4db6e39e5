"""Models and claims as certificates state them, made here and not by the generator, for tests of the kernel."""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from flint import arb, ctx
from stored_layouts import text_of

from relmer.reference.verify.chart import in_chart
from relmer.reference.verify.criterion import covariance, derivatives, origin, step
from relmer.reference.verify.data import Data
from relmer.reference.verify.reading import read

ONE, X = ["(Intercept)"], ["x", "x"]


def term(group: str, *columns: list[str]) -> dict[str, Any]:
    return {"name": group, "group": group.split(":"), "columns": list(columns)}


def model(response: str, fixed: list[list[str]], *random: dict[str, Any], **scores: dict[str, Any]) -> dict[str, Any]:
    return {"response": response, "fixed": fixed, "random": list(random), "scores": scores}


DAYS = ["Days", "Days"]
SLEEPSTUDY = model("Reaction", [ONE, DAYS], term("Subject", ONE, DAYS))
DYESTUFF = model("Yield", [ONE], term("Batch", ONE))


def decimals(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def claim(R: list[list[list[str]]], pivots: list[list[int]], **changes: object) -> dict[str, Any]:
    """A claim about the centre R; what tests of refusals change, they say."""
    centre = [{"rank": len(P), "pivots": P, "R": factor} for factor, P in zip(R, pivots, strict=True)]
    return {
        "kind": "certified",
        "level": "local-proved",
        "centre": centre,
        "precision": 256,
        "radius": "1e-55",
        "unique": "1e-5",
        "curvature": "1e-3" if any(pivots) else None,
        "duals": [None] * len(R),
    } | changes


def certificate(model: dict[str, Any], REML: bool, claimed: dict[str, Any]) -> dict[str, Any]:
    return {"REML": REML, "model": model, "readings": {"decimal": claimed, "double": claimed}}


def dyestuff(REML: bool, **changes: object) -> dict[str, Any]:
    """theta^2 = (MSB - MSW) / (J MSW), and MSB 5 / 6 for ML, from the rational analysis of variance."""
    with localcontext(prec=100):
        variance = decimals(Fraction("1764.05") if REML else Fraction("1388.333") + Fraction(1, 3000))
        theta = (variance / Decimal("2451.25")).sqrt()
    return certificate(DYESTUFF, REML, claim([[[str(theta)]]], [[0]], **changes))


def sleepstudy(REML: bool, reading: str = "decimal", **changes: object) -> tuple[dict[str, Any], dict[str, Fraction]]:
    """The certificate by multivariate analysis of variance: each subject has the same days 0 to 9.

    Least squares within subjects gives b_i and sigma^2; with the covariance B of the b_i (divisor 17, or 18 for ML),
    sigma^2 G = B - sigma^2 (Z'Z)^-1, the fixed effects are the mean of b_i and B / 18 is their covariance.
    """
    subjects: dict[str, list[Fraction]] = {}
    header, *lines = (line.split(",") for line in text_of("sleepstudy.csv").splitlines())
    for line in lines:
        row = dict(zip(header, line, strict=True))
        assert int(row["Days"]) == len(subjects.setdefault(row["Subject"], []))
        subjects[row["Subject"]].append(Fraction(row["Reaction"] if reading == "decimal" else float(row["Reaction"])))
    ZZ = (Fraction(10), Fraction(45), Fraction(285))
    inverse = tuple(entry / (ZZ[0] * ZZ[2] - ZZ[1] ** 2) for entry in (ZZ[2], -ZZ[1], ZZ[0]))
    fits, left = [], Fraction(0)
    for y in subjects.values():
        sums = sum(y), sum(day * value for day, value in enumerate(y))
        b = (inverse[0] * sums[0] + inverse[1] * sums[1], inverse[1] * sums[0] + inverse[2] * sums[1])
        fits.append(b)
        left += sum((value - b[0] - b[1] * day) ** 2 for day, value in enumerate(y))
    sigma2, mean = left / (18 * 8), [sum(b[i] for b in fits) / 18 for i in (0, 1)]
    B = [
        sum((b[i] - mean[i]) * (b[k] - mean[k]) for b in fits) / (17 if REML else 18)
        for i, k in ((0, 0), (0, 1), (1, 1))
    ]
    G = [entry / sigma2 - inverse_entry for entry, inverse_entry in zip(B, inverse, strict=True)]
    with localcontext(prec=100):
        first = decimals(G[0]).sqrt()
        below = decimals(G[1]) / first
        rows = [[str(first), "0"], [str(below), str((decimals(G[2]) - below * below).sqrt())]]
    keys = ("var[Subject, (Intercept)]", "cov[Subject, (Intercept), Days]", "var[Subject, Days]")
    expected = {"sigma2": sigma2, "beta[(Intercept)]": mean[0], "beta[Days]": mean[1]}
    expected |= {key: sigma2 * g for key, g in zip(keys, G, strict=True)}
    expected["vcov[(Intercept), Days]"] = B[1] / 18
    return certificate(SLEEPSTUDY, REML, claim([rows], [[0, 1]], **changes)), expected


def slopes(data: Data, REML: bool, G: list[arb]) -> tuple[list[arb], list[list[arb]]]:
    return derivatives(data, step(data, origin(data), G), REML)


def free_entries(data: Data, pivots: list[list[int]]) -> list[tuple[int, int, int]]:
    """Term, row and column of the entries of R that are not zero by the choice of its pivot rows."""
    return [
        (t, i, k)
        for t, P in enumerate(pivots)
        for k in range(len(P))
        for i in range(len(data.terms[t][1]))
        if i not in P[:k]
    ]


def refined(
    model: dict[str, Any], text: str, pivots: list[list[int]], start: list[float], reading: str = "decimal"
) -> list[list[list[str]]]:
    """R at a stationary point of the REML criterion, by Newton's method at 320 bits."""
    data = read(model, reading, text)
    free = free_entries(data, pivots)
    R = [[[arb(0)] * len(P) for _ in names] for P, (_, names) in zip(pivots, data.terms, strict=True)]
    with ctx.workprec(320):
        for (t, i, k), entry in zip(free, start, strict=True):
            R[t][i][k] = arb(entry)
        for _ in range(9):
            first, second = slopes(data, True, covariance(data, R))
            slope, hessian, _ = in_chart(data, R, free, first, second)
            for (t, i, k), by in zip(free, hessian.mid().solve(slope.mid()).entries(), strict=True):
                R[t][i][k] = (R[t][i][k] - by).mid()
        return [[[entry.str(80, radius=False) for entry in row] for row in factor] for factor in R]
