"""What must change nothing changes nothing: units and origins, the order of rows, the number of BLAS threads.

The table of field.md 1.6, for two slopes and for the response as well; single slopes are in test_optimise.
"""

import numpy as np
import pandas as pd
import pytest
from bounds import REORDERED, SHIFTED_CRITERION, SHIFTED_V
from threadpoolctl import threadpool_info, threadpool_limits

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import lmer
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.paths.criterion import criterion, prepare
from relmer.solver.search.optimise import optimise

CHANGES = [(100.0, 1.0), (2010.0, 1.0), (14610.0, 1.0), (0.0, 1e3), (0.0, 1e6), (0.0, 1e-6)]


def two_slopes() -> pd.DataFrame:
    """Sleepstudy with a second covariate, not orthogonal to the first, and a response that follows it too."""
    data = load("sleepstudy").frame
    random = np.random.default_rng(11)
    data["z"] = 0.5 * data["Days"] + random.normal(size=len(data))
    slope = dict(zip(data["Subject"].cat.categories, random.normal(size=18), strict=True))
    data["Reaction"] += 6.0 * data["Subject"].map(slope).astype(float) * data["z"]
    return data


@pytest.mark.parametrize(("shift", "scale"), CHANGES)
def test_two_slopes(shift: float, scale: float) -> None:
    formula = "Reaction ~ Days + z + (Days + z | Subject)"
    data = two_slopes()
    fit = lmer(formula, data)
    data["Days"], data["z"] = data["Days"] * scale + shift, data["z"] * scale - shift
    moved = lmer(formula, data)
    assert abs(moved.criterion - 4 * np.log(scale) - fit.criterion) <= SHIFTED_CRITERION
    V = fit.V.toarray()
    np.testing.assert_allclose(moved.V.toarray(), V, rtol=0, atol=SHIFTED_V * V.max())
    np.testing.assert_allclose(moved.se[1:] * scale, fit.se[1:], rtol=SHIFTED_V)
    np.testing.assert_allclose(moved.beta[1:] * scale, fit.beta[1:], rtol=SHIFTED_V)


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("scale", [1e9, 1e-9])
@pytest.mark.parametrize(
    ("dataset", "response", "rest"),
    [
        ("sleepstudy", "Reaction", "Days + (Days | Subject)"),
        ("Pastes", "strength", "1 + (1 | batch/cask)"),
        ("Penicillin", "diameter", "1 + (1 | plate) + (1 | sample)"),
    ],
)
def test_units_of_the_response(dataset: str, response: str, rest: str, scale: float, REML: bool) -> None:
    data = load(dataset).frame
    fit = lmer(f"{response} ~ {rest}", data, REML=REML)
    data[response] = data[response] * scale
    moved = lmer(f"{response} ~ {rest}", data, REML=REML)
    d = len(data) - (len(fit.beta) if REML else 0)
    assert abs(moved.criterion - 2 * d * np.log(scale) - fit.criterion) <= SHIFTED_CRITERION
    np.testing.assert_allclose(moved.theta, fit.theta, rtol=REORDERED)
    np.testing.assert_allclose(moved.beta / scale, fit.beta, rtol=REORDERED)
    assert moved.sigma / scale == pytest.approx(fit.sigma, rel=REORDERED)


@pytest.mark.parametrize(
    ("dataset", "formula"),
    [
        ("bdf", "aritPOST ~ aritPRET + sex + schoolSES + (sex | schoolNR)"),
        ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
        ("star_sample", "read ~ cltype + sx + (1 | sch/tch)"),
    ],
)
def test_order_of_the_rows(dataset: str, formula: str) -> None:
    data = load(dataset).frame
    fit, again = lmer(formula, data), lmer(formula, data.sample(frac=1.0, random_state=3))
    assert again.criterion == pytest.approx(fit.criterion, rel=tolerances.CRITERION)
    for name in ("theta", "beta", "se", "sigma"):
        np.testing.assert_allclose(getattr(again, name), getattr(fit, name), rtol=REORDERED)


def test_number_of_blas_threads() -> None:
    """A dense factor of 420, which BLAS splits between threads."""
    random = np.random.default_rng(8)
    g, h = random.integers(0, 900, 9000), random.integers(0, 420, 9000)
    y = random.normal(size=900)[g] + random.normal(size=420)[h] + random.normal(size=9000)
    data = pd.DataFrame({"y": y, "x": random.normal(size=9000), "g": g.astype(str), "h": h.astype(str)})
    design = build(model_frame(parse("y ~ x + (1 | g) + (1 | h)"), data))
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            assert {library["num_threads"] for library in threadpool_info()} == {threads}
            optimum, at = optimise(prepare(design), True)
            assert optimum.converged
            found.append(np.concatenate([[criterion(design, at, True)], optimum.theta, at.beta]))
    np.testing.assert_allclose(found[0], found[1], rtol=REORDERED)
