"""Redundant columns in a bar change nothing that the data can tell, and are named."""

import numpy as np
import pandas as pd
import pytest
from bounds import EPS, REORDERED, SOLVED

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import Fit, lmer
from relmer.solver.fits import at_theta
from relmer.solver.paths import size

METHODS = ("pls", "qr", "gls")


def orthodont() -> pd.DataFrame:
    data = load("Orthodont").frame
    random = np.random.default_rng(8)
    data["x"] = random.normal(size=len(data)) + 3
    data["nothing"], data["one"] = 0.0, 4.2
    data["pounds"], data["part"] = data["x"] / 0.453592, data["age"] * 0.3
    data["whole"] = data["part"] + data["x"]
    data["birth"] = 1980.5 - data["age"]
    # A treatment that only one sex had in its third level: an interaction with an empty cell.
    level = np.where(data["Sex"] == "Male", random.integers(0, 3, len(data)), random.integers(0, 2, len(data)))
    data["arm"] = pd.Categorical.from_codes(level, list("abc"))
    data["k"] = pd.Categorical((np.arange(len(data)) % 9).astype(str))
    return data


PAIRS = [
    ("(x + I(2 * x) | Subject)", "(x | Subject)"),
    ("(x + pounds | Subject)", "(x | Subject)"),
    ("(x + I(x + 1) | Subject)", "(x | Subject)"),
    ("(0 + x + I(x / 3) | Subject)", "(0 + x | Subject)"),
    ("(age + birth | Subject)", "(age | Subject)"),
    ("(age + x + whole | k)", "(age + x | k)"),
    ("(part + age + x + whole | k)", "(part + x | k)"),
    ("(x + nothing | Subject)", "(x | Subject)"),
    ("(nothing + x | Subject)", "(x | Subject)"),
    ("(x + one | Subject)", "(x | Subject)"),
    ("(one + x | Subject) + (1 | arm)", "(x | Subject) + (1 | arm)"),
    ("(nothing | Subject)", "(1 | Subject)"),
    ("(x | Subject) + (0 + nothing | Subject)", "(x | Subject)"),
    ("(0 + nothing | Subject) + (x | Subject)", "(x | Subject)"),
    ("(x + nothing || Subject)", "(x || Subject)"),
    ("(x | Subject) + (0 + nothing | arm)", "(x | Subject)"),
]


def same(fit: Fit, plain: Fit) -> None:
    """V, beta and the criterion to 12 digits."""
    assert fit.optimum.converged
    assert fit.criterion == pytest.approx(
        plain.criterion, abs=tolerances.CRITERION * size(fit.design, fit.solution, True)
    )
    V = plain.V.toarray()
    np.testing.assert_allclose(fit.V.toarray(), V, rtol=0, atol=REORDERED * V.max())
    for name in ("beta", "se"):
        np.testing.assert_allclose(getattr(fit, name), getattr(plain, name), rtol=REORDERED)
    np.testing.assert_allclose(fit.fitted(), plain.fitted(), rtol=REORDERED)
    least = fit.sigma**2 * (1 - len(V) * EPS * V.max() / fit.sigma**2)
    assert np.linalg.eigvalsh(fit.V.toarray())[0] >= least


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("bar", "plain"), PAIRS)
def test_a_redundant_column_changes_nothing(bar: str, plain: str, method: str) -> None:
    data = orthodont()
    fit, other = (lmer(f"distance ~ age + x + {term}", data, method=method) for term in (bar, plain))
    same(fit, other)
    # What is dropped has no variance, is named, and what is kept is as it is without it.
    dropped = {name for name in fit.theta.index if name not in other.theta.index}
    # A factor that comes again is numbered in `unidentified`, where names must tell terms apart.
    named = {name for names in fit.optimum.unidentified for name in names}
    named = {name.replace("Subject.1.", "Subject.").replace("Subject.2.", "Subject.") for name in named}
    assert dropped <= named
    np.testing.assert_array_equal(fit.theta[sorted(dropped)], 0.0)
    kept = [name for name in fit.theta.index if name in other.theta.index]
    if set(kept) == set(other.theta.index):
        np.testing.assert_allclose(fit.theta[kept], other.theta[kept], rtol=0, atol=1e3 * REORDERED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("REML", [True, False])
def test_an_interaction_with_an_empty_cell(method: str, REML: bool) -> None:
    """Six cells of which one is empty are the same space as the five that are not, as one factor."""
    data = orthodont()
    data["cell"] = data["Sex"].astype(str) + data["arm"].astype(str)
    fit = lmer("distance ~ age + (0 + Sex:arm | k)", data, REML, method)
    plain = lmer("distance ~ age + (0 + cell | k)", data, REML, method)
    same(fit, plain)
    assert any("SexFemale:armc" in name for names in fit.optimum.unidentified for name in names)


@pytest.mark.parametrize("method", METHODS)
def test_a_term_of_nothing_is_no_term(method: str) -> None:
    """What is left is least squares."""
    data = orthodont()
    fit = lmer("distance ~ age + (0 + nothing | Subject)", data, method=method)
    plain = lmer("distance ~ age", data)
    assert fit.criterion == pytest.approx(plain.criterion, rel=tolerances.CRITERION)
    assert fit.optimum.unidentified == (("Subject.nothing",),)
    np.testing.assert_array_equal(fit.theta, 0.0)
    np.testing.assert_array_equal(fit.b, 0.0)
    np.testing.assert_array_equal(fit.L.toarray(), np.eye(27))
    assert fit.derivatives.gradient.tolist() == [0.0]


def test_the_factors_of_a_bar_with_a_redundant_column() -> None:
    """L L' = P (Lambda'Z'Z Lambda + I) P', and RX'RX = X'V^-1 X sigma^2, of the columns as they were given."""
    data = orthodont()
    fit = lmer("distance ~ age + x + (x + pounds | Subject)", data)
    ZL = (fit.Z @ fit.Lambda).toarray()
    M = fit.P @ (ZL.T @ ZL + np.eye(ZL.shape[1])) @ fit.P.T
    np.testing.assert_allclose((fit.L @ fit.L.T).toarray(), M, rtol=0, atol=tolerances.CRITERION * np.abs(M).max())
    X = fit.X.to_numpy()
    information = X.T @ np.linalg.solve(fit.V.toarray(), X) * fit.sigma**2
    np.testing.assert_allclose(fit.RX.T @ fit.RX, information, rtol=1e3 * REORDERED)
    np.testing.assert_allclose(fit.b, fit.Lambda @ fit.u, rtol=0, atol=REORDERED * np.abs(fit.b).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "term",
    [
        "(age + birth | Subject)",
        "(x + pounds | Subject)",
        "(nothing + x | Subject) + (1 | arm)",
        "(part + age + x + whole | k)",
        "(x | Subject) + (0 + nothing | arm)",
    ],
)
def test_a_theta_that_uses_redundant_columns_has_the_effects_of_the_definition(term: str, method: str) -> None:
    """b = Lambda u = Lambda Lambda' Z' V^-1 (y - X beta), whatever the entries of the columns that are redundant."""
    fit = lmer(f"distance ~ age + x + {term}", orthodont(), method=method)
    # Small enough for `birth`, some 2000, to leave V a condition below 1e4.
    theta = np.random.default_rng(3).uniform(-1e-3, 3e-3, len(fit.theta))
    there = at_theta(fit, np.where(fit.design.template.diagonal, np.abs(theta), theta))
    X, y, root = there.X.to_numpy(), there.design.y, (there.Z @ there.Lambda).toarray()
    V = root @ root.T + np.eye(len(y))
    beta = np.linalg.solve(X.T @ np.linalg.solve(V, X), X.T @ np.linalg.solve(V, y))
    b = there.Lambda @ (root.T @ np.linalg.solve(V, y - X @ beta))
    np.testing.assert_allclose(there.b, b, rtol=0, atol=SOLVED * np.abs(b).max())
    np.testing.assert_allclose(there.b, there.Lambda @ there.u, rtol=0, atol=1e2 * REORDERED * np.abs(b).max())
