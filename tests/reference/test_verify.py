"""The kernel: against dense matrices at 70 digits, closed forms and lme4's own criterion; and what it must refuse."""

import copy
import gzip
import hashlib
import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import relmer.datasets
from relmer.reference.verify import local as kernel
from relmer.reference.verify.criterion import (
    covariance,
    derivatives,
    estimates,
    evaluate,
    origin,
    regression,
    step,
    theta,
    triangles,
)
from relmer.reference.verify.data import Data, Refused, read
from relmer.reference.verify.local import Proof, in_chart, prove, verify

DIGITS = 70
# A dense inverse of order n <= 9 and condition below 1e12 at 70 digits loses fewer than 20 of them.
DENSE = mpmath.mpf(10) ** -45
# Central differences of a value known to 45 digits, with a step of 1e-18: 1e-45 / 1e-18 from rounding, and 1e-36 times
# a third derivative, which is below 1e8 for these designs.
STEP = fmpq(1, 10**18)
DIFFERENCE = mpmath.mpf(10) ** -24
# The same differences of what the kernel itself encloses, at 600 bits and a step of 2^-150.
FINE = fmpq(1, 2**150)
FINE_DIFFERENCE = arb("1e-70")
# lme4 evaluates its criterion in doubles: 64 eps of its size, as in reports/tolerances.py, and it is below 2e3.
EVALUATED = 64 * 2.0**-52 * 2e3

ONE = ["(Intercept)"]
ROOT = Path(relmer.datasets.__file__).parent / "data"


def text_of(name: str) -> str:
    path = ROOT / f"{name}.csv"
    return path.read_text(encoding="utf-8") if path.exists() else gzip.open(f"{path}.gz", "rt", encoding="utf-8").read()


def term(group: str, *columns: list[str]) -> dict:
    return {"name": group, "group": group.split(":"), "columns": list(columns)}


def model(response: str, fixed: list[list[str]], *random: dict, **scores: dict) -> dict:
    return {"response": response, "fixed": fixed, "random": list(random), "scores": scores}


DAYS = ["Days", "Days"]
SLEEPSTUDY = model("Reaction", [ONE, DAYS], term("Subject", ONE, DAYS))
DYESTUFF = model("Yield", [ONE], term("Batch", ONE))
SEX = ["sex1", "sex=1"]
BDF = model(
    "aritPOST",
    [ONE, ["aritPRET", "aritPRET"], SEX, ["schoolSES", "schoolSES"]],
    term("schoolNR", ONE, SEX),
)


# ---- the definition, dense, by a reading of its own ----

X = ["x", "x"]
SCORES = {"lin": {"column": "h", "scores": {"u": -3, "v": 1, "w": 2}, "norm": 14}}
MODELS = (
    model("y", [ONE], term("g", ONE)),
    model("y", [ONE, X], term("g", ONE, X)),
    model("y", [ONE], term("g", ONE), term("h", ONE)),
    model("y", [ONE, ["x:hu", "x", "h=u"]], term("g", ONE, ["hv", "h=v"]), term("g:h", X)),
    model("y", [ONE, ["h.L", "lin"], ["x2", "x", "x"]], term("g", ["h.L", "lin"], X), **SCORES),
)


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


def exact(value: arb) -> mpmath.mpf:
    """The midpoint of a ball."""
    mantissa, exponent = value.mid().man_exp()
    return mpmath.ldexp(int(mantissa), int(exponent))


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Five to nine rows, in decimals with few digits, one or none of them with an empty field."""
    tenths = st.integers(-60, 60).map(lambda i: f"{i / 10}" if i % 3 else f"{i}e-1")
    row = st.tuples(tenths, tenths, st.sampled_from("pqr"), st.sampled_from("uvw"))
    rows = draw(st.lists(row, min_size=5, max_size=9, unique=True))
    missing = draw(st.sampled_from([[], [("", "1", "p", "u")], [("3.5", "1", "q", "NA")]]))
    return "y,x,g,h\n" + "\n".join(",".join(fields) for fields in rows + missing) + "\n"


@st.composite
def problems(draw: st.DrawFn) -> tuple[dict, str, str, bool, list[list[list[float]]]]:
    """A model, a reading, a table, a criterion, and R_j (c x r) in eighths, of any rank down to zero."""
    chosen = draw(st.sampled_from(MODELS))
    factors = []
    for c in (len(t["columns"]) for t in chosen["random"]):
        r = draw(st.integers(0, c))
        eighths = st.lists(st.integers(-12, 12).map(lambda i: i / 8), min_size=r, max_size=r)
        factors.append(draw(st.lists(eighths, min_size=c, max_size=c)))
    return chosen, draw(st.sampled_from(["decimal", "double"])), draw(tables()), draw(st.booleans()), factors


def readable(model: dict, reading: str, text: str) -> Data:
    """The data, unless the draw made X collinear."""
    try:
        return read(model, reading, text)
    except Refused as refusal:
        assert str(refusal) == "X has not full rank"
        assume(False)
        raise


def criterion(data: Data, REML: bool, G: list[arb]) -> arb:
    return estimates(data, step(data, origin(data), G), REML, G)["criterion"]


def slopes(data: Data, REML: bool, G: list[arb]) -> tuple[list[arb], list[list[arb]]]:
    return derivatives(data, step(data, origin(data), G), REML)


def moved(point: list[arb], k: int, by: fmpq) -> list[arb]:
    return [x + by if i == k else x for i, x in enumerate(point)]


@settings(max_examples=40, deadline=None)
@given(problems())
def test_values_and_gradient_are_those_of_the_definition(problem) -> None:
    chosen, reading, text, REML, factors = problem
    data = readable(chosen, reading, text)
    with mpmath.workdps(DIGITS), ctx.workprec(256):
        G = covariance(data, [[[arb(x) for x in row] for row in R] for R in factors])

        def dense_at(G: list[arb]) -> dict[str, mpmath.mpf]:
            blocks = [mpmath.zeros(len(names)) for _, names in data.terms]
            for (t, a, b), g in zip(data.gammas, G, strict=True):
                blocks[t][a, b] = blocks[t][b, a] = exact(g)
            return definition.values(blocks, REML)

        definition = Dense(chosen, reading, text)
        expected = dense_at(G)
        assume(expected["sigma2"] > 1e-6)
        found = evaluate(data, REML, factors)
        names = [item[0] for item in chosen["fixed"]]
        for key, value in expected.items():
            kind, _, i = key.partition(" ")
            name = {"beta": f"beta[{names[int(i or 0)]}]", "vcov": f"vcov[{names[0]}, {names[int(i or 0)]}]"}.get(
                kind, key
            )
            assert abs(exact(found[name]) - value) < DENSE * (1 + abs(value)), name
            assert found[name].rad() < 1e-50 * (1 + abs(float(value)))
        first, _ = slopes(data, REML, G)
        for k, slope in enumerate(first):
            above, below = (dense_at(moved(G, k, sign * STEP))["criterion"] for sign in (1, -1))
            difference = (above - below) / (2 * mpmath.mpf(10) ** -18)
            assert abs(exact(slope) - difference) < DIFFERENCE * (1 + abs(difference))


@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_second_derivatives_are_those_of_the_first_and_the_chart_is_the_chain_rule(problem, draw) -> None:
    chosen, reading, text, REML, _ = problem
    data = readable(chosen, reading, text)
    pivots = [draw.draw(st.permutations(range(len(names)))) for _, names in data.terms]
    pivots = [P[: draw.draw(st.integers(0, len(P)))] for P in pivots]
    free = [
        (t, i, k)
        for t, P in enumerate(pivots)
        for k in range(len(P))
        for i in range(len(data.terms[t][1]))
        if i not in P[:k]
    ]
    entries = [draw.draw(st.integers(1, 12)) / 8 for _ in free]
    with ctx.workprec(600):

        def factor(entries: list[arb]) -> list[list[list[arb]]]:
            R = [[[arb(0)] * len(P) for _ in names] for P, (_, names) in zip(pivots, data.terms, strict=True)]
            for (t, i, k), entry in zip(free, entries, strict=True):
                R[t][i][k] = entry
            return R

        point = [arb(entry) for entry in entries]
        G = covariance(data, factor(point))
        assume(regression(step(data, origin(data), G).C)[2] > 1e-6)
        first, second = slopes(data, REML, G)
        for k in range(len(G)):
            above, below = (slopes(data, REML, moved(G, k, sign * FINE))[0] for sign in (1, -1))
            for l in range(len(G)):
                difference = (above[l] - below[l]) / (2 * FINE)
                assert abs(difference - second[k][l]) < FINE_DIFFERENCE * (1 + abs(difference))

        slope, hessian, S = in_chart(data, factor(point), free, first, second)
        for k in range(len(free)):
            values, gradients = [], []
            for sign in (1, -1):
                R = factor(moved(point, k, sign * FINE))
                nearby = covariance(data, R)
                values.append(criterion(data, REML, nearby))
                gradients.append(in_chart(data, R, free, *slopes(data, REML, nearby))[0])
            difference = (values[0] - values[1]) / (2 * FINE)
            assert abs(difference - slope[k, 0]) < FINE_DIFFERENCE * (1 + abs(difference))
            for l in range(len(free)):
                difference = (gradients[0][l, 0] - gradients[1][l, 0]) / (2 * FINE)
                assert abs(difference - hessian[k, l]) < FINE_DIFFERENCE * (1 + abs(difference))
        for (t, a, b), f in zip(data.gammas, first, strict=True):
            assert (S[t][a, b] + (S[t][b, a] if a != b else 0) - f).contains(0)


def test_criterion_is_the_one_that_lme4_evaluates() -> None:
    """At the shared theta of the recorded answers, singular ones among them."""
    folder = Path(kernel.__file__).parent.parent / "recorded" / "lme4"
    for case, chosen, name in (
        ("sleepstudy.slopes-reml", SLEEPSTUDY, "sleepstudy"),
        ("dyestuff.ml", DYESTUFF, "Dyestuff"),
    ):
        recorded = json.loads((folder / f"{case}.json").read_text(encoding="utf-8"))["criterion"]
        data = read(chosen, "double", text_of(name))
        assert len(recorded) > 3
        for point in recorded:
            proved = evaluate(data, "reml" in case, triangles(data, point["theta"]))["criterion"]
            assert abs(float(proved) - point["value"]) < EVALUATED
    with pytest.raises(ValueError, match="theta has"):
        triangles(data, [1.0, 2.0])


# ---- what is proved, against closed forms ----


def decimals(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def claim(R: list[list[list[str]]], pivots: list[list[int]], **changes: object) -> dict:
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


def certificate(model: dict, REML: bool, claimed: dict) -> dict:
    return {"REML": REML, "model": model, "readings": {"decimal": claimed, "double": claimed}}


def held(ball: arb, value: Fraction) -> bool:
    """A tight ball around a rational."""
    with ctx.workprec(2000):
        rational = arb(fmpq(value.numerator, value.denominator))
    return ball.contains(rational) and ball.rad() < 1e-40 * (1 + abs(float(value)))


def dyestuff(REML: bool, **changes: object) -> dict:
    """theta^2 = (MSB - MSW) / (J MSW), and MSB 5 / 6 for ML, from the rational analysis of variance."""
    with localcontext(prec=100):
        variance = decimals(Fraction("1764.05") if REML else Fraction("1388.333") + Fraction(1, 3000))
        theta = (variance / Decimal("2451.25")).sqrt()
    return certificate(DYESTUFF, REML, claim([[[str(theta)]]], [[0]], **changes))


def test_dyestuff() -> None:
    values = prove(dyestuff(True), "decimal", text_of("Dyestuff")).values
    assert held(values["sigma2"], Fraction("2451.25"))
    assert held(values["G[Batch, (Intercept)]"], Fraction("1764.05") / Fraction("2451.25"))
    assert held(values["var[Batch, (Intercept)]"], Fraction("1764.05"))
    assert held(values["beta[(Intercept)]"], Fraction("1527.5"))
    assert held(values["vcov[(Intercept), (Intercept)]"], Fraction("11271.5") / 30)
    with ctx.workprec(256):
        assert held(values["se[(Intercept)]"] ** 2, Fraction("11271.5") / 30)
    assert values["criterion"].str(13, radius=False) == "319.6542768423"  # field.md, section 4


@pytest.mark.parametrize(("REML", "dual"), [(True, "9.904862"), (False, "14.384340")])
def test_boundary(REML: bool, dual: str) -> None:
    """Dyestuff2 at rank 0: f'(0), which is known to seven digits."""
    below, above = (str(Decimal(dual) + sign * Decimal("1e-6")) for sign in (-1, 1))
    model = DYESTUFF
    text = text_of("Dyestuff2")
    proof = prove(certificate(model, REML, claim([[[]]], [[]], duals=[below])), "decimal", text)
    assert proof.values["theta[Batch.(Intercept)]"] == proof.values["var[Batch, (Intercept)]"] == 0
    assert proof.curvature is None
    with pytest.raises(Refused, match=r"dual of term Batch: .* not proved"):
        prove(certificate(model, REML, claim([[[]]], [[]], duals=[above])), "decimal", text)


def sleepstudy(REML: bool, reading: str = "decimal", **changes: object) -> tuple[dict, dict[str, Fraction]]:
    """The certificate by multivariate analysis of variance: each subject has the same days 0 to 9.

    Least squares within subjects gives b_i and sigma^2; with the covariance B of the b_i (divisor 17, or 18 for ML),
    sigma^2 G = B - sigma^2 (Z'Z)^-1, the fixed effects are the mean of b_i and B / 18 is their covariance.
    """
    subjects: dict[str, list[Fraction]] = {}
    header, *lines = (line.split(",") for line in text_of("sleepstudy").splitlines())
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


@pytest.mark.parametrize(("REML", "printed"), [(True, "1743.6282719585"), (False, "1751.9393444632")])
def test_sleepstudy(REML: bool, printed: str) -> None:
    stored, expected = sleepstudy(REML)
    assert expected["sigma2"] == Fraction(778069940161891, 1188000000000)
    proof = prove(stored, "decimal", text_of("sleepstudy"))
    for key, value in expected.items():
        assert held(proof.values[key], value), key
    assert proof.values["criterion"].str(14, radius=False) == printed
    assert proof.distance < 1e-55
    assert all(0 < value.rad() < 1e-40 for value in proof.values.values())


def test_the_readings_are_of_different_numbers() -> None:
    """Reaction has four decimals, which doubles do not hold: each reading has the sigma^2 of its own numbers only."""
    text = text_of("sleepstudy")
    found = {reading: sleepstudy(True, reading) for reading in ("decimal", "double")}
    for reading, (stored, _) in found.items():
        values = prove(stored, reading, text).values
        assert [held(values["sigma2"], expected["sigma2"]) for _, expected in found.values()] == [
            reading == other for other in found
        ]


@pytest.mark.parametrize("name", ["Dyestuff", "Dyestuff2", "SmLs09"])
@pytest.mark.parametrize("REML", [True, False])
def test_exact_is_the_rational_analysis_of_variance(name: str, REML: bool) -> None:
    """SmLs09: 18,009 rows of 1e12 and a tenth."""
    text = text_of(name)
    group, response = text.split("\n", 1)[0].split(",")
    groups: dict[str, list[Fraction]] = {}
    for line in text.splitlines()[1:]:
        level, value = line.split(",")
        groups.setdefault(level, []).append(Fraction(value))
    k, J = len(groups), len(next(iter(groups.values())))
    means = [sum(values) / J for values in groups.values()]
    between = J * sum((mean - sum(means) / k) ** 2 for mean in means)
    within = sum(sum(y * y for y in values) for values in groups.values()) - J * sum(mean**2 for mean in means)
    sigma2, level = within / (k * (J - 1)), between / (k - REML)
    if level < sigma2:
        sigma2 = level = (within + between) / (k * J - REML)
    stored = certificate(model(response, [ONE], term(group, ONE)), REML, {"kind": "exact", "level": "exact"})
    values = prove(stored, "decimal", text).values
    assert held(values["sigma2"], sigma2)
    assert held(values[f"var[{group}, (Intercept)]"], (level - sigma2) / J)
    assert held(values["vcov[(Intercept), (Intercept)]"], level / (k * J))
    assert held(values["beta[(Intercept)]"], sum(means) / k)


# ---- what does not depend on the chart ----

SINGULAR_ROWS = (
    [4, 6, 11, 17],
    [6, 6, 11, 19],
    [8, 12, 10, 21],
    [-8, -14, -18, -23],
    [-4, -8, -10, -10],
    [0, -1, 1, -4],
)
SINGULAR = "y,x,g\n" + "".join(
    f"{y},{x},{g}\n" for g, ys in enumerate(SINGULAR_ROWS) for x, y in zip((0, 1, 2, 4), ys, strict=True)
)
SLOPES = model("y", [ONE, X], term("g", ONE, X))


def agree(left: Proof, right: Proof) -> bool:
    return left.values.keys() == right.values.keys() and all(
        left.values[key].overlaps(right.values[key]) for key in left.values
    )


def test_a_singular_optimum_is_the_same_in_both_charts_and_the_least_of_its_neighbours() -> None:
    """Intercepts and slopes in proportion: rank 1, with either row for the pivot."""
    proofs = []
    for pivot in (0, 1):
        R = refined(SLOPES, SINGULAR, [[pivot]], [3.345, 1.584])
        stored = certificate(SLOPES, True, claim(R, [[pivot]], unique="1e-6", duals=["2.02"]))
        proofs.append(prove(stored, "decimal", SINGULAR))
        stored["readings"]["decimal"]["duals"] = ["2.03"]  # a dual is for orthonormal N, whatever the chart
        with pytest.raises(Refused, match="dual of term g: its smallest"):
            prove(stored, "decimal", SINGULAR)
    assert agree(*proofs)
    values = proofs[0].values
    assert values["theta[g.x]"] == 0
    assert values["theta[g.x.(Intercept)]"].rad() < 1e-50
    data = read(SLOPES, "decimal", SINGULAR)
    theta = [float(values[f"theta[g.{name}]"]) for name in ("(Intercept)", "x.(Intercept)", "x")]
    for i in range(3):
        for by in (-1e-3, 1e-3):
            near = [entry + by * (k == i) for k, entry in enumerate(theta)]
            assert evaluate(data, True, triangles(data, near))["criterion"] > values["criterion"]


def test_full_rank_is_the_same_with_the_other_row_first() -> None:
    stored, _ = sleepstudy(True)
    text = text_of("sleepstudy")
    turned = refined(SLEEPSTUDY, text, [[1, 0]], [0.0634, 0.2314, 0.9646])
    other = certificate(SLEEPSTUDY, True, claim(turned, [[1, 0]]))
    assert agree(prove(stored, "decimal", text), prove(other, "decimal", text))


def test_theta_is_left_out_where_it_is_not_unique() -> None:
    """G = diag(0, 4) is T T' for any first column of T below a zero pivot."""
    data = read(SLOPES, "decimal", SINGULAR)
    assert theta(data, [[[arb(0)], [arb(2)]]]) == {}
    found = theta(data, [[[arb(3), arb(0)], [arb(1), arb(2)]]])
    assert {key: float(value) for key, value in found.items()} == {
        "theta[g.(Intercept)]": 3,
        "theta[g.x.(Intercept)]": 1,
        "theta[g.x]": 2,
    }


# ---- what is refused ----

# Stationary points that Newton's method refines; what they are is proved by the refusal.
GROUPS = ([3, 1, 4, 5, 4, 7, 2, 6], [2, 3, 1, 4, 3, 2, 1, 7, 4, 6, 5, 5], [-3], [4, 2, 4, 2, 8, 8, 2, 5])
ONE_MAXIMUM = "y,g\n" + "".join(f"{y},{g}\n" for g, values in enumerate(GROUPS) for y in values)
EFFECTS = [1, 2, -2]
ONE_SADDLE = "y,g,h\n" + "".join(
    f"{y + EFFECTS[i % 3]},{g},{i % 3}\n"
    for i, (y, g) in enumerate((y, g) for g, values in enumerate(GROUPS) for y in values)
)


def refined(model: dict, text: str, pivots: list[list[int]], start: list[float]) -> list[list[list[str]]]:
    """R at a stationary point of the REML criterion, by Newton's method at 320 bits."""
    data = read(model, "decimal", text)
    free = [
        (t, i, k)
        for t, P in enumerate(pivots)
        for k in range(len(P))
        for i in range(len(data.terms[t][1]))
        if i not in P[:k]
    ]
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


def test_a_maximum_and_a_saddle_are_refused() -> None:
    one, two = (model("y", [ONE], *(term(name, ONE) for name in names)) for names in ("g", "gh"))
    for chosen, text, pivots, start in (
        (one, ONE_MAXIMUM, [[0]], [0.428]),
        (two, ONE_SADDLE, [[0], [0]], [0.36118962, 0.77328059]),
    ):
        R = refined(chosen, text, pivots, start)
        with pytest.raises(Refused, match="the Hessian is not positive definite"):
            prove(certificate(chosen, True, claim(R, pivots)), "decimal", text)


def test_a_minimum_on_a_face_with_a_negative_dual_is_refused() -> None:
    """Bdf has one on the face of rank 1, at 13550.137."""
    text = text_of("bdf")
    R = refined(BDF, text, [[0]], [0.4883, 0.0113])
    data = read(BDF, "decimal", text)
    assert abs(float(evaluate(data, True, [[[float(x) for x in row] for row in R[0]]])["criterion"]) - 13550.137) < 5e-4
    with pytest.raises(Refused, match=r"^dual of term schoolNR is negative: -\d"):
        prove(certificate(BDF, True, claim(R, [[0]], duals=["1"])), "decimal", text)
    assert len(R) == 1


def test_a_wrong_rank_is_refused() -> None:
    stored, _ = sleepstudy(True)
    text = text_of("sleepstudy")
    R = stored["readings"]["decimal"]["centre"][0]["R"]
    with pytest.raises(Refused, match="Krawczyk"):
        prove(certificate(SLEEPSTUDY, True, claim([[row[:1] for row in R]], [[0]], duals=["1"])), "decimal", text)
    face = refined(SLEEPSTUDY, text, [[0]], [0.6, 0.17])
    with pytest.raises(Refused, match="dual of term Subject is negative"):
        prove(certificate(SLEEPSTUDY, True, claim(face, [[0]], duals=["1"])), "decimal", text)
    boundary = certificate(DYESTUFF, True, claim([[["0"]]], [[0]]))
    with pytest.raises(Refused, match="centre of term Batch: a pivot is not positive"):
        prove(boundary, "decimal", text_of("Dyestuff2"))


def test_the_default_fit_of_lme4_is_not_the_optimum() -> None:
    folder = Path(kernel.__file__).parent.parent / "recorded" / "lme4"
    theta = json.loads((folder / "sleepstudy.slopes-reml.json").read_text(encoding="utf-8"))["estimates"]["theta"]
    R = [[[str(Decimal(theta[0])), "0"], [str(Decimal(theta[1])), str(Decimal(theta[2]))]]]
    for radius, proved in ((str(Decimal(2) ** -60), False), ("2e-5", True)):
        stored = certificate(SLEEPSTUDY, True, claim(R, [[0, 1]], radius=radius, unique="2e-5"))
        if proved:
            assert 1e-6 < prove(stored, "double", text_of("sleepstudy")).distance < 2e-5
        else:
            with pytest.raises(Refused, match=r"^Krawczyk: no stationary point is proved within 8.67"):
                prove(stored, "double", text_of("sleepstudy"))


def test_a_centre_off_the_chart_is_refused() -> None:
    stored, _ = sleepstudy(True)
    claimed = stored["readings"]["decimal"]
    claimed["centre"][0]["R"][0][1] = "1e-70"
    with pytest.raises(Refused, match="R is not zero right of its pivots"):
        prove(stored, "decimal", text_of("sleepstudy"))


def test_a_moved_centre_is_refused() -> None:
    stored, _ = sleepstudy(True, radius="1e-30")
    prove(stored, "decimal", text_of("sleepstudy"))
    R = stored["readings"]["decimal"]["centre"][0]["R"]
    for i, k in ((0, 0), (1, 0), (1, 1)):
        with localcontext(prec=100):
            kept, R[i][k] = R[i][k], str(Decimal(R[i][k]) + Decimal("1e-15"))
        with pytest.raises(Refused, match="Krawczyk"):
            prove(stored, "decimal", text_of("sleepstudy"))
        R[i][k] = kept
    prove(stored, "decimal", text_of("sleepstudy"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unique": "1.7"}, "unique 1.7: another"),  # -theta, the same G, is 1.6967 away
        ({"unique": "1e-56"}, "unique 1e-56"),
        ({"curvature": "1e3"}, "curvature 1e3"),
        ({"curvature": None}, "curvature is not positive"),
        ({"duals": ["1"]}, "dual of term Batch: there is none"),
        ({"duals": []}, "duals: one is needed"),
        ({"radius": "0"}, "radius is not positive"),
        ({"precision": 64}, "Krawczyk"),
        ({"precision": 10**6}, "precision"),
        ({"precision": True}, "precision"),
        ({"level": "numeric"}, "level numeric"),
        ({"level": "exact"}, "level exact"),
        ({"centre": []}, "centre does not fit"),
        ({"centre": [{"rank": 1, "pivots": [1], "R": [["1"]]}]}, "pivot rows"),
        ({"centre": [{"rank": 2, "pivots": [0, 0], "R": [["1", "1"]]}]}, "pivot rows"),
        ({"centre": [{"rank": 1, "pivots": [0], "R": [["0x1"]]}]}, "'0x1' is not a number"),
        ({"centre": [{"rank": 1, "pivots": [0], "R": [["9" * 5000]]}]}, "is not a number"),
        ({"centre": None}, "decimal.centre is missing"),
    ],
)
def test_claims_that_are_refused(changes: dict, reason: str) -> None:
    before = ctx.prec
    with pytest.raises(Refused, match=reason) as refusal:
        prove(dyestuff(True, **changes), "decimal", text_of("Dyestuff"))
    assert "\n" not in str(refusal.value)
    assert ctx.prec == before


@pytest.mark.parametrize(
    ("changes", "text", "reason"),
    [
        ({"response": "Mass"}, None, "no column Mass"),
        ({"fixed": [ONE, ["b", "Batch"]]}, None, "'[A-F]' is not a number"),
        ({"fixed": [ONE, ["two"]]}, None, "X has not full rank"),
        ({"fixed": [ONE, ONE]}, None, "a name twice"),
        ({"fixed": []}, None, "an empty part"),
        ({"random": [{"name": "Batch", "group": "Batch", "columns": [ONE]}]}, None, "group is missing or of the wrong"),
        (
            {"fixed": [["s", "s"]], "scores": {"s": {"column": "Batch", "scores": {"A": 1}, "norm": 1}}},
            None,
            "no score",
        ),
        ({}, "Yield,Batch\n1,A,\n", "not a table"),
        ({}, "Yield,Yield,Batch\n1,1,A\n", "no column Yield, or two"),
        ({}, "Yield,Batch\n1,A\n", "no more rows than coefficients"),
        ({}, "", "not a table"),
    ],
)
def test_models_and_data_that_are_refused(changes: dict, text: str | None, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read(DYESTUFF | changes, "decimal", text_of("Dyestuff") if text is None else text)


def test_exact_is_for_balanced_one_way_layouts() -> None:
    """Not for slopes, groups of different sizes, or an x that is not Z but has Z'x = Z'Z in each group."""
    claimed = {"kind": "exact", "level": "exact"}
    other = "y,x,g\n1,0,a\n2,2,a\n4,1,b\n3,1,b\n"
    for chosen, text in (
        (SLEEPSTUDY, text_of("sleepstudy")),
        (model("y", [ONE], term("g", ONE)), ONE_MAXIMUM),
        (model("y", [X], term("g", ONE)), other),
    ):
        with pytest.raises(Refused, match="exact: the layout is not a balanced one-way layout"):
            prove(certificate(chosen, True, claimed), "decimal", text)


# ---- stored certificates ----


@pytest.fixture
def stored(tmp_path: Path) -> tuple[dict, list[Path]]:
    """A whole certificate of Dyestuff, with its data packed in one folder and a tree in another."""
    text = text_of("Dyestuff").encode()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Dyestuff.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "trees").mkdir()
    (tmp_path / "trees" / "dyestuff.tree.gz").write_bytes(b"a tree")
    whole = copy.deepcopy(dyestuff(True))
    for reading, claimed in whole["readings"].items():
        proof = prove(whole, reading, text.decode())
        claimed["values"] = {
            key: {"value": x.str(30, radius=False), "radius": "1e-24"} for key, x in proof.values.items()
        }
    whole |= {
        "schema": "relmer-certificate/1",
        "data": {"file": "Dyestuff.csv", "sha256": hashlib.sha256(text).hexdigest(), "rows": 30},
    }
    return json.loads(json.dumps(whole)), [tmp_path, tmp_path / "data"]


def test_a_stored_certificate_is_proved(stored) -> None:
    whole, folders = stored
    proofs = verify(whole, folders)
    assert set(proofs) == {"decimal", "double"}
    assert all(isinstance(proof, Proof) and proof.level == "local-proved" for proof in proofs.values())
    tree = {"file": "trees/dyestuff.tree.gz", "sha256": hashlib.sha256(b"a tree").hexdigest()}
    whole["readings"]["decimal"] |= {"level": "global-proved", "tree": tree}
    verify(whole, folders)


def changed(whole: dict, path: str, value: object) -> dict:
    """A copy with another value at the path."""
    whole = copy.deepcopy(whole)
    *way, last = path.split("/")
    place = whole
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("schema", "relmer-certificate/2", "schema"),
        ("data/sha256", "0" * 64, "sha256 of Dyestuff.csv"),
        ("data/file", "../Dyestuff.csv", "not a plain file name"),
        ("data/file", "Dyestuff3.csv", "is not there"),
        ("data/rows", 31, "rows: the model uses 30, not 31"),
        ("REML", False, "Krawczyk"),
        ("readings/double/radius", "1e-80", "Krawczyk"),
        (
            "readings/double/values/beta[(Intercept)]/value",
            "1527.50000000000000000000001",
            r"value beta\[\(Intercept\)\]",
        ),
        ("readings/double/values/sigma2/radius", "0", "value sigma2"),
        ("readings/double/values/criterion/value", "319.654276842351404990", "value criterion"),
        ("readings/double/values/b[1]", {"value": "0", "radius": "1"}, r"value b\[1\] is not proved"),
        ("readings/double/values", {}, "values: there is none"),
        ("readings/double/level", "global-proved", "tree is missing"),
        ("readings/double/tree", {"file": "trees/dyestuff.tree.gz", "sha256": "0" * 64}, "sha256 of trees/dyestuff"),
        ("readings", {}, "readings.decimal is missing"),
    ],
)
def test_tampered_certificates_are_refused(stored, path: str, value: object, reason: str) -> None:
    whole, folders = stored
    tampered = changed(whole, path, value)
    if path.endswith("tree"):
        tampered = changed(tampered, "readings/double/level", "global-proved")
    with pytest.raises(Refused, match=reason) as refusal:
        verify(tampered, folders)
    assert "\n" not in str(refusal.value)


def test_tampered_data_are_refused(stored) -> None:
    whole, folders = stored
    data = text_of("Dyestuff").replace("1545", "1546", 1).encode()
    (folders[1] / "Dyestuff.csv").write_bytes(data)
    with pytest.raises(Refused, match=r"^sha256 of Dyestuff.csv is not that of the certificate$"):
        verify(whole, folders)
    with pytest.raises(Refused, match="Krawczyk"):
        verify(changed(whole, "data/sha256", hashlib.sha256(data).hexdigest()), folders)
    (folders[1] / "Dyestuff.csv").unlink()
    (folders[1] / "Dyestuff.csv.gz").write_bytes(b"not packed")
    with pytest.raises(Refused, match="cannot be read"):
        verify(whole, folders)


def leaves(value: object, path: str = "") -> list[str]:
    """The paths of all entries of a piece of JSON, records and lists among them."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        *([path] if path else []),
        *(leaf for key, item in inner for leaf in leaves(item, f"{path}/{key}".lstrip("/"))),
    ]


@pytest.mark.parametrize("value", [None, True, -1, 10**400, 0.5, "x", "1e999", "\0", [], [[]], {}, {"x": None}])
def test_any_entry_may_be_anything(stored, value: object) -> None:
    """Malformed certificates are refused, or what was changed is no claim that the kernel proves."""
    whole, folders = stored
    refused = 0
    for path in leaves(whole):
        if "values/" not in path or "criterion" in path:
            try:
                verify(changed(whole, path, value), folders)
            except Refused:
                refused += 1
    assert refused > 30
