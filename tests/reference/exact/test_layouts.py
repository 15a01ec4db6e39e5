"""Closed forms: proved stationary in fractions, at stored certificates, and as what the solver must reach."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from math import prod

import mpmath
import numpy as np
import pandas as pd
import pytest
from bounds import LIKELIHOOD
from definition import minus_two_loglik
from exact_bounds import bounds, dense, tied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layouts import PLANS, Case, answered, cases, estimates
from stored_layouts import certificate, normed, norms, stored_layout, stored_names

from relmer.datasets import case as case_called
from relmer.datasets import load
from relmer.reference.exact.balanced import isotonic
from relmer.reference.exact.estimates import Exact, exact, values
from relmer.reference.exact.layouts import Layout, NotExact, Term, intercepts
from relmer.reference.exact.rational import LogSum, Matrix, Root, rational
from relmer.reports.evidence import tolerances
from relmer.solver import lmer

Rows = list[list[Fraction]]

# ---- stored certificates ----

REFUSED = {
    "bdf": "differ in the cross products",
    "bdf-null": "different numbers of rows",
    "cake-recipes": "null space not rational",
    "oxide-sites": "do not split along the strata",
    "penicillin.ml": r"eigenvalue is bound to theirs, .* degrees of freedom \(1\)",
    "pixel": "several terms",
    "scotssec": "different numbers of rows",
    "sleepstudy-uncorrelated": "several terms",
    "star-kindergarten": "several terms",
    "star-sample": "several terms",
    "three-level": "do not split along the strata",
    "two-optima": "differ in the cross products",
}


def refusal(name: str) -> str | None:
    """Why a model has no closed form."""
    return REFUSED.get(name, REFUSED.get(name.rsplit(".", 1)[0]))


@cache
def stored_values(name: str, reading: str) -> dict[str, Root | LogSum]:
    """Exact values of a stored model, for X as lme4 has it."""
    norm, REML = norms(name), certificate(name)["REML"]
    found = values(exact(stored_layout(name, reading), REML))
    criterion = found.pop("criterion")
    assert isinstance(criterion, LogSum)
    logs = criterion.logs + tuple((number, -1) for number in norm.values() if REML)
    return {
        "criterion": LogSum(criterion.d, logs),
        **{key: normed(key, value, norm) for key, value in found.items() if isinstance(value, Root)},
    }


@pytest.mark.parametrize("name", [name for name in stored_names("certified") if refusal(name) is None])
def test_certificates_hold_the_exact_values(name: str) -> None:
    """Every value within its proved radius, and the criterion as others printed it, rounded as doubles are."""
    for reading in ("decimal", "double"):
        found, stored = stored_values(name, reading), certificate(name)["readings"][reading]["values"]
        assert found.keys() == stored.keys()
        for key, value in found.items():
            error = abs(value.decimal(60) - Decimal(stored[key]["value"]))
            assert error <= Decimal(stored[key]["radius"]), (key, value.decimal(40), stored[key])
    printed = Decimal(case_called(certificate(name)["case"]).published["criterion"])
    half_unit = float(Decimal(1).scaleb(printed.as_tuple().exponent) / 2)
    rounding = tolerances.GAP * 4 * abs(float(printed))
    assert abs(stored_values(name, "decimal")["criterion"].decimal(40) - printed) <= half_unit + rounding


@pytest.mark.parametrize("name", [name for name in stored_names("certified") if refusal(name) is not None])
def test_what_has_no_closed_form_is_refused(name: str) -> None:
    with pytest.raises(NotExact, match=refusal(name)):
        exact(stored_layout(name, "decimal"), certificate(name)["REML"])


def test_sleepstudy() -> None:
    """The residual variance of certify.md, which is the same for REML and ML."""
    layout = stored_layout("sleepstudy-slopes.reml", "decimal")
    assert {exact(layout, REML).sigma2 for REML in (True, False)} == {Fraction(778069940161891, 1188000000000)}


# ---- stationary in fractions: the dense criterion, and no code that the closed forms use ----


def eliminated(A: Rows) -> tuple[Rows, Fraction]:
    """Inverse and determinant of a positive definite matrix, by Gauss-Jordan."""
    size, determinant = len(A), Fraction(1)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(size))] for i, row in enumerate(A)]
    for j in range(size):
        determinant *= rows[j][j]
        rows[j] = [x / rows[j][j] for x in rows[j]]
        for i in range(size):
            if i != j:
                rows[i] = [x - rows[i][j] * y for x, y in zip(rows[i], rows[j], strict=True)]
    return [row[size:] for row in rows], determinant


def times(A: Sequence[Sequence[Fraction]], B: Sequence[Sequence[Fraction]]) -> Rows:
    return [
        [sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*B, strict=True)]
        for row in A
    ]


def prove_stationary(found: Exact) -> None:
    """beta, vcov, b and log|V| by their definitions; score zero in sigma^2; each dual S >= 0 with S times G zero."""
    layout, n = found.layout, len(found.layout.y)
    Z = [level_matrices(term) for term in layout.terms]
    V = [[found.sigma2 * (i == j) for j in range(n)] for i in range(n)]
    for matrices, covariance in zip(Z, found.covariances, strict=True):
        for matrix in matrices:
            share = times(times(matrix, covariance), list(zip(*matrix, strict=True)))
            V = [[v + s for v, s in zip(*rows, strict=True)] for rows in zip(V, share, strict=True)]
    inverse, determinant = eliminated(V)
    X, Xt = layout.X, list(zip(*layout.X, strict=True))
    VX = times(inverse, X)
    vcov, information = eliminated(times(Xt, VX))
    assert vcov == [list(row) for row in found.vcov]
    residual = [
        [y - sum(x * b for x, b in zip(row, found.beta, strict=True))] for row, y in zip(X, layout.y, strict=True)
    ]
    weighed = times(inverse, residual)
    assert times(Xt, weighed) == [[0]] * len(Xt)
    assert times(list(zip(*residual, strict=True)), weighed) == [[found.criterion.d]]
    assert prod(number**power for number, power in found.criterion.logs) == determinant * (
        information if found.REML else 1
    )
    taken = times(times(VX, vcov), list(zip(*VX, strict=True)))
    K = [[v - found.REML * t for v, t in zip(*rows, strict=True)] for rows in zip(inverse, taken, strict=True)]
    assert sum(K[i][i] - weighed[i][0] ** 2 for i in range(n)) == 0
    for matrices, covariance, effects in zip(Z, found.covariances, found.effects, strict=True):
        c = len(covariance)
        dual = [[Fraction(0)] * c for _ in range(c)]
        for matrix, effect in zip(matrices, effects, strict=True):
            Zt = list(zip(*matrix, strict=True))
            score = times(Zt, weighed)
            assert times(covariance, score) == [[b] for b in effect]
            trace = times(times(Zt, K), matrix)
            dual = [[dual[a][b] + trace[a][b] - score[a][0] * score[b][0] for b in range(c)] for a in range(c)]
        assert times(dual, covariance) == [[0] * c] * c
        for size in range(1, c + 1):
            assert all(minor(dual, chosen) >= 0 for chosen in combinations(range(c), size))


def level_matrices(term: Term) -> list[Rows]:
    """Z of each level (n, c), zero at the rows of the others."""
    zero = [Fraction(0)] * len(term.columns)
    rows = list(zip(term.codes, term.Z, strict=True))
    return [[list(z) if code == level else zero for code, z in rows] for level in range(max(term.codes) + 1)]


def minor(A: Sequence[Sequence[Fraction]], chosen: tuple[int, ...]) -> Fraction:
    """Principal minor, by its definition."""
    total = Fraction(0)
    for order in permutations(chosen):
        inversions = sum(i > j for i, j in combinations(order, 2))
        total += (-1) ** inversions * prod((A[i][j] for i, j in zip(chosen, order, strict=True)), start=Fraction(1))
    return total


@pytest.mark.parametrize("kind", PLANS)
def test_closed_forms_are_stationary(kind: str) -> None:
    """Inside and on the boundary: the draws are of both."""
    places = set()

    @given(cases((kind,), most=16))
    @settings(max_examples=30, deadline=None, derandomize=True)
    def holds(case: Case) -> None:
        prove_stationary(case.exact)
        covariances = case.exact.covariances
        places.add("inside" if all(map(regular, covariances)) else "boundary")
        places.update("face" for covariance in covariances if not regular(covariance) and any(map(any, covariance)))

    holds()
    assert places >= {"inside", "boundary"} | ({"face"} if PLANS[kind].mirrored else set())


def regular(covariance: Matrix) -> bool:
    """Whether the determinant is not zero."""
    return minor(covariance, tuple(range(len(covariance)))) > 0


def test_the_proof_refuses_a_false_optimum() -> None:
    """Without the random effect all scores but its own are zero; at the ML optimum REML's are not."""
    layout = Layout(rational([0, 1, 9, 8]), ((Fraction(1),),) * 4, ("mean",), (intercepts("g", [0, 0, 1, 1]),))
    prove_stationary(exact(layout))
    zero = (Fraction(0),)
    without = replace(exact(replace(layout, terms=())), layout=layout, covariances=((zero,),), effects=((zero, zero),))
    for wrong in (without, replace(exact(layout, False), REML=True)):
        with pytest.raises(AssertionError):
            prove_stationary(wrong)


@given(cases(most=40), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_no_other_covariance_has_a_lower_criterion(case: Case, seed: int) -> None:
    """The dense likelihood of definition.py, at the optimum and at random sigma^2 and G near to it and far away."""
    found, model, random = case.exact, dense(case.exact), np.random.default_rng(seed)
    lowest = float(found.criterion.decimal(20))
    size = found.criterion.d * (4 + abs(np.log(float(found.sigma2))))
    assert abs(minus_two_loglik(model.X, model.V, model.y, found.REML) - lowest) <= LIKELIHOOD * size
    for scale in (0.01, 0.1, 1.0):
        V = float(found.sigma2) * np.exp(scale * random.normal()) * np.eye(len(model.y))
        for covariance, levels in zip(found.covariances, model.levels, strict=True):
            root = scale * np.sqrt(float(found.sigma2)) * random.normal(size=(len(covariance), 1))
            moved = np.exp(scale * random.normal()) * np.array(covariance, dtype=float)
            moved += random.integers(2) * (root @ root.T)
            for rows, Z in levels:
                V[np.ix_(rows, rows)] += Z @ moved @ Z.T
        assert minus_two_loglik(model.X, V, model.y, found.REML) >= lowest - LIKELIHOOD * size


# ---- pooling ----


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 9), st.integers(0, 5)), min_size=2, max_size=6))
@settings(max_examples=200, deadline=None)
def test_isotonic_regression_is_the_best_of_all_poolings(nodes: list[tuple[int, int, int]]) -> None:
    """Every set of edges is pooled in turn; of those that keep the order, least squares picks one."""
    below = {(k,): (chosen % k,) for k, (_, _, chosen) in enumerate(nodes) if k}
    weights = {(k,): weight for k, (weight, _, _) in enumerate(nodes)}
    sums = {(k,): Fraction(total) for k, (_, total, _) in enumerate(nodes)}
    best = None
    for pooled in product([False, True], repeat=len(below)):
        block = {(0,): (0,)}
        for (node, under), joined in zip(below.items(), pooled, strict=True):
            block[node] = block[under] if joined else node
        members = {head: [node for node in block if block[node] == head] for head in block.values()}
        means = {head: sum(sums[v] for v in group) / sum(weights[v] for v in group) for head, group in members.items()}
        level = {node: means[head] for node, head in block.items()}
        if all(level[node] >= level[under] for node, under in below.items()):
            loss = sum(weights[v] * (sums[v] / weights[v] - level[v]) ** 2 for v in block)
            best = (
                min(best, (loss, sorted(level.items())), key=lambda pair: pair[0])
                if best
                else (loss, sorted(level.items()))
            )
    assert best is not None
    assert sorted(isotonic(below, weights, sums).items()) == best[1]


# ---- the solver ----


def assert_reached(case: Case, method: str) -> None:
    """Every estimate within its bound; a covariance that is zero, and no tie, is found to be zero."""
    found, allowed, known = case.exact, bounds(case.exact), values(case.exact)
    fit = lmer(case.formula, case.data, REML=found.REML, method=method)
    assert fit.optimum.converged
    reached = estimates(fit)
    assert allowed.keys() == known.keys() <= reached.keys()
    for key, value in known.items():
        expected = float(value.decimal(30))
        assert abs(reached[key] - expected) <= allowed[key], (key, reached[key], expected, allowed[key])
    if not tied(found, dense(found)):
        for term, covariance in zip(found.layout.terms, found.covariances, strict=True):
            if not any(map(any, covariance)):
                assert {reached[f"var[{term.name}, {column}]"] for column in term.columns} == {0.0}


@pytest.mark.parametrize("kind", PLANS)
def test_the_solver_reaches_the_exact_optimum(kind: str) -> None:
    # Of some kinds many draws have no exact optimum, and are drawn again; that is slow, not less of a test.
    @given(cases((kind,)), st.sampled_from(["pls", "qr", "gls"]))
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    def holds(case: Case, method: str) -> None:
        assert_reached(case, method)

    holds()


# Variances of up to 14,000 sigma^2, for which rounding of the criterion hides the last steps of a search: kind, levels
# of the factors row by row, x as digits, and y. The last is a tie, where MS(r) = MS(residual).
DIFFICULT = [
    (
        "crossed",
        {"r": "rqppqrprq", "k": "pqpqrrrqp"},
        [5.625, -2.125, 4.75, -2.75, -10.625, -11.875, -11.25, -2.5, 4.5],
    ),
    (
        "crossed with interaction",
        {"r": "qqpqppqp", "k": "pqpppqqq"},
        [127.5, 126.875, 114.75, 127.25, 113.625, 112.625, 126.75, 113.0],
    ),
    (
        "growth, curved",
        {"g": "prrqrrpqpqpq", "x": "303221210013"},
        [158.0, 129.625, 96.5, 134.125, 107.625, 118.5, 145.375, 130.625, 123.0, 128.5, 134.0, 137.25],
    ),
    ("crossed", {"r": "ppqq", "k": "pqpq"}, [992.0, 992.0, 992.0, 1002.0]),
]


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
@pytest.mark.parametrize(("kind", "levels", "y"), DIFFICULT)
def test_the_solver_reaches_difficult_optima(kind: str, levels: dict[str, str], y: list[float], method: str) -> None:
    rows = [
        {name: int(c) if name == "x" else "pqrs".index(c) for name, c in zip(levels, row, strict=True)}
        for row in zip(*levels.values(), strict=True)
    ]
    assert_reached(answered(PLANS[kind], rows, y, True), method)


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
@pytest.mark.parametrize("name", [name for name in stored_names("certified") if refusal(name) is None])
def test_the_solver_has_twelve_digits_on_real_data(name: str, method: str) -> None:
    """Ten of theta, and as many as a variance keeps of the difference of eigenvalues that it is."""
    case = case_called(certificate(name)["case"])
    reached = estimates(lmer(case.formula, load(case.dataset).frame, REML=case.reml, method=method))
    for key, value in stored_values(name, "double").items():
        enough = {"beta": 12, "se": 12, "sigma": 12, "criterion": 12, "theta": 10}.get(key.split("[")[0])
        if enough:
            expected = float(value.decimal(30))
            assert abs(reached[key] - expected) <= 10.0**-enough * abs(expected), (key, reached[key], expected)


# ---- where there is no closed form ----


def test_crossed_factors_have_no_closed_form_in_maximum_likelihood() -> None:
    """For the table of balanced.py the score equations lead to a quartic that has no rational root."""
    terms = (intercepts("r", [0, 0, 1, 1]), intercepts("c", [0, 1, 0, 1]))
    layout = Layout(rational([3, 0, -1, -2]), ((Fraction(1),),) * 4, ("mean",), terms)
    assert exact(layout).criterion.d == 3
    with pytest.raises(NotExact, match="r and c share a stratum"):
        exact(layout, REML=False)
    quartic = (18, -84, 117, -61, 13)
    for p, q in product((1, 13), (1, 2, 3, 6, 9, 18)):
        for x in (Fraction(p, q), Fraction(-p, q)):
            assert sum(k * x**power for power, k in enumerate(reversed(quartic))) != 0
    with mpmath.workdps(40):
        _, _, e = mpmath.findroot(
            lambda a, c, e: [
                1 / u - s / u**2 + sign / (a + c - e) for u, s, sign in ((a, 9, 1), (c, 4, 1), (e, 1, -1))
            ],
            (5, 3, 1),
        )
        assert abs(sum(k * e**power for power, k in enumerate(reversed(quartic)))) < mpmath.mpf(10) ** -35
    data = {"y": [3.0, 0.0, -1.0, -2.0], "r": ["p", "p", "q", "q"], "c": ["p", "q", "p", "q"]}
    assert lmer("y ~ 1 + (1 | r) + (1 | c)", pd.DataFrame(data), REML=False).sigma ** 2 == pytest.approx(
        float(e), rel=tolerances.EVALUATION
    )
