"""Contrasts, held against R's own, and R's polynomials against rational arithmetic."""

import os
import subprocess

import numpy as np
import pandas as pd
import pytest
from exact_polynomials import exact_polynomials

from relmer.solver.language.contrasts import polynomial
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.matrix import fixed_matrix

pytestmark = pytest.mark.live

EPS = np.finfo(float).eps
FORMULAS = ["f", "0 + f", "f*x", "f:x", "x + f:h", "f*h", "h/f", "f:h"]
CHOSEN = ["contr.sum", "contr.helmert", "contr.SAS", "contr.treatment"]
SCRIPT = """
f <- factor(rep(c("b", "a", "d", "c"), 6)); h <- factor(rep(c("p", "q", "r"), each = 8)); x <- c(1:23, 30) / 8
for (text in c(TEXTS)) for (name in c(NAMES)) {
  X <- model.matrix(as.formula(paste("~", text)), data.frame(f, h, x), contrasts.arg = list(f = name))
  cat(paste(colnames(X), collapse = " "), "\n", paste(sprintf("%.17g", X), collapse = " "), "\n", sep = "")
}
"""


def said(rscript: str, script: str) -> list[str]:
    run = subprocess.run(
        [rscript, "--vanilla", "-e", script],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_columns_and_names_are_those_of_R(rscript: str) -> None:
    texts, names = (", ".join(f'"{text}"' for text in chosen) for chosen in (FORMULAS, CHOSEN))
    lines = iter(said(rscript, SCRIPT.replace("TEXTS", texts).replace("NAMES", names)))
    data = pd.DataFrame({"y": np.arange(24.0), "f": list("badc" * 6), "h": list("p" * 8 + "q" * 8 + "r" * 8)})
    data["x"] = np.array([*range(1, 24), 30]) / 8
    for text in FORMULAS:
        for name in CHOSEN:
            X, found = fixed_matrix(model_frame(parse(f"y ~ {text}"), data, contrasts={"f": name}))
            assert found == tuple(next(lines).split()), (text, name)
            # Small whole numbers times eighths: exact.
            np.testing.assert_array_equal(X.T.ravel(), np.array(next(lines).split(), dtype=float), (text, name))


@pytest.mark.parametrize(
    ("levels", "least", "most"), [(8, 0.0, 1e-13), (14, 2e-14, 1e-11), (20, 1e-12, 1e-7), (25, 0.5, 2.0)]
)
def test_what_contr_poly_of_R_is_worth(levels: int, least: float, most: float, rscript: str) -> None:
    """The largest error of R's columns grows from rounding to order 1, ours stays at a few roundings.

    The bounds enclose what docs/language.md states of R 4.2.2, with room for another BLAS: R decomposes the powers of
    the centred index, which become collinear, and at 25 levels its QR takes the last of them for dependent.
    """
    (line,) = said(rscript, f'cat(sprintf("%.17g", contr.poly({levels})))')
    theirs = np.array(line.split(), dtype=float).reshape(levels - 1, levels).T
    exact = exact_polynomials(levels)
    assert least <= np.abs(theirs - exact).max() <= most
    assert np.abs(polynomial(tuple(map(str, range(levels))))[0] - exact).max() <= 8 * EPS
