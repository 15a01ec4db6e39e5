"""Who works with the inverse of G loses digits near a zero variance: so many, and only who declares it is excused."""

from dataclasses import replace
from types import SimpleNamespace

import mpmath
import numpy as np
import pandas as pd
import pytest
from generated import Generated, generated

from relmer.reference.answers.answer import Answer
from relmer.reference.engines import INVERSE
from relmer.reference.engines.kin import Kin, kin_of
from relmer.reference.engines.protocol import installed
from relmer.reports.evidence import inverted, tolerances
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict

ROWS, GROUPS = 24, 6


def model(seed: int) -> Generated:
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(GROUPS), ROWS // GROUPS)
    frame = pd.DataFrame({"x": np.round(random.normal(size=ROWS), 3), "g": [f"g{k}" for k in g]})
    frame["y"] = np.round(random.normal(size=ROWS) + random.normal(size=GROUPS)[g], 3)
    return generated("y ~ x + (x | g)", frame)


def exactly(made: Generated, theta: tuple[float, ...]) -> float:
    """The REML criterion by the definition, in 60 digits."""
    design = made.fit.design
    with mpmath.workdps(60):
        Z, X, y = (mpmath.matrix(part.tolist()) for part in (design.Z.toarray(), design.X, design.y[:, None]))
        T = mpmath.matrix([[theta[0], 0], [theta[1], theta[2]]])
        L = mpmath.zeros(2 * GROUPS)
        for k in range(GROUPS):
            L[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = T
        V = Z * L * L.T * Z.T + mpmath.eye(ROWS)
        W = V**-1
        A = X.T * W * X
        beta = A**-1 * X.T * W * y
        residual = y - X * beta
        d = ROWS - X.cols
        pwrss = (residual.T * W * residual)[0]
        parts = mpmath.log(mpmath.det(V)) + mpmath.log(mpmath.det(A))
        return parts + d * (1 + mpmath.log(2 * mpmath.pi * pwrss / d))


def by_the_inverse(made: Generated, theta: tuple[float, ...]) -> float:
    """The same in doubles: triangular factors of the rows of each group above Delta, then of what is left of them."""
    design = made.fit.design
    (term,) = design.terms
    Delta = np.linalg.inv(np.array([[theta[0], 0.0], [theta[1], theta[2]]]))
    whole, left = -2 * GROUPS * np.log(np.abs(np.diag(Delta))).sum(), []
    for k in range(GROUPS):
        rows = term.codes == k
        above = np.column_stack([term.X[rows], design.X[rows], design.y[rows]])
        R = np.linalg.qr(np.vstack([above, np.column_stack([Delta, np.zeros((2, 3))])]), mode="r")
        whole += 2 * np.log(np.abs(np.diag(R)[:2])).sum()
        left.append(R[2:, 2:])
    R, d = np.linalg.qr(np.vstack(left), mode="r"), ROWS - 2
    whole += 2 * np.log(np.abs(np.diag(R)[:2])).sum()
    return float(whole + d * (1 + np.log(2 * np.pi * R[2, 2] ** 2 / d)))


@pytest.mark.parametrize("smallest", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_bound_holds_for_a_program_that_does_it(seed: int, smallest: float) -> None:
    made = model(seed)
    theta = (1.07, -0.53, smallest)
    off, bound = abs(by_the_inverse(made, theta) - exactly(made, theta)), inverted(made.view, theta)
    assert off <= bound + tolerances.CRITERION * made.view.size
    # As Delta grows, so does the loss: the bound is its size, not a blank cheque.
    assert bound == pytest.approx(inverted(made.view, (1.07, -0.53, 2 * smallest)) * 2, rel=0.05)


def test_without_an_inverse_there_is_no_bound() -> None:
    assert inverted(model(1).view, (1.0, 0.5, 0.0)) == np.inf


def kin(dialect: dict[str, str]) -> Kin:
    mine = SimpleNamespace(name="mine", house="mine", witness_of=None, definition=False, dialect=dialect)
    return kin_of([*installed(), mine])


@pytest.mark.parametrize(
    ("dialect", "part", "expected"),
    [
        ({INVERSE: "yes"}, 0.5, (Verdict.WITHIN, Diagnosis.ROUNDING)),
        ({INVERSE: "yes"}, 20.0, (Verdict.WRONG, Diagnosis.CRITERION)),
        ({}, 0.5, (Verdict.WRONG, Diagnosis.CRITERION)),
    ],
)
def test_only_who_declares_it_is_excused_and_only_as_far(
    dialect: dict[str, str], part: float, expected: tuple[Verdict, Diagnosis]
) -> None:
    made = model(1)
    theta = (1.07, -0.53, 1e-6)
    said = made.answer("mine", theta)
    assert said.estimates is not None
    moved = said.estimates.criterion + part * inverted(made.view, theta)
    answers: dict[str, Answer] = {
        "gls": made.answer("gls", tuple(made.fit.theta)),
        "mine": replace(said, estimates=replace(said.estimates, criterion=moved)),
    }
    found: list[Comparison] = made.judged(answers, "mine", kin(dialect))
    (own,) = [c for c in found if c.quantity == "criterion at its own theta"]
    assert (own.verdict, own.diagnosis) == expected
