"""The kernel's criterion: against dense matrices at 70 digits, against its own differences, and lme4's evaluations."""

import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
from claims import DYESTUFF, ONE, SLEEPSTUDY, X, free_entries, model, slopes, term
from dense import Dense
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stored_layouts import text_of

from relmer.reference.verify import local as kernel
from relmer.reference.verify.at import evaluate, values_at
from relmer.reference.verify.chart import in_chart
from relmer.reference.verify.criterion import covariance, origin, regression, step, triangles
from relmer.reference.verify.data import Data, Refused
from relmer.reference.verify.reading import read

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
# lme4 evaluates its criterion in doubles: 64 eps of its size (reports/evidence/tolerances.py), and it is below 2e3.
EVALUATED = 64 * 2.0**-52 * 2e3

SCORES = {"lin": {"column": "h", "scores": {"u": -3, "v": 1, "w": 2}, "norm": 14}}
MODELS = (
    model("y", [ONE], term("g", ONE)),
    model("y", [ONE, X], term("g", ONE, X)),
    model("y", [ONE], term("g", ONE), term("h", ONE)),
    model("y", [ONE, ["x:hu", "x", "h=u"]], term("g", ONE, ["hv", "h=v"]), term("g:h", X)),
    model("y", [ONE, ["h.L", "lin"], ["x2", "x", "x"]], term("g", ["h.L", "lin"], X), **SCORES),
)


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
    return values_at(data, REML, G)["criterion"]


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
    free = free_entries(data, pivots)
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
    # Z'Z of one level, and rows: a Cholesky factor of Lambda'Z'Z Lambda + I costs n eps times its largest row sum.
    for case, chosen, name, n, ZZ in (
        ("sleepstudy.slopes-reml", SLEEPSTUDY, "sleepstudy", 180, [[10.0, 45.0], [45.0, 285.0]]),
        ("dyestuff.ml", DYESTUFF, "Dyestuff", 30, [[5.0]]),
    ):
        recorded = json.loads((folder / f"{case}.json").read_text(encoding="utf-8"))["criterion"]
        data = read(chosen, "double", text_of(f"{name}.csv"))
        assert len(recorded) > 3
        for point in recorded:
            (T,) = triangles(data, point["theta"])
            condition = 1 + np.abs(np.array(T).T @ np.array(ZZ) @ np.array(T)).sum(axis=1).max()
            proved = evaluate(data, "reml" in case, triangles(data, point["theta"]))["criterion"]
            assert abs(float(proved) - point["value"]) < max(EVALUATED, n * 2.0**-52 * condition)
    with pytest.raises(ValueError, match="theta has"):
        triangles(data, [1.0, 2.0])
