"""Names that come twice: what R 4.2.2 and lme4 1.1-31 make of them."""

import numpy as np
import pandas as pd
import pytest

from relmer.solver import covariances, lmer
from relmer.solver.model.names import make_names, make_unique

# Printed by R: make.names(names, unique = TRUE), and make.unique(names).
SYNTACTIC = {
    "a:b": "a.b.1", "a:b ": "a.b.", "a.b": "a.b", "if": "if.", "_x": "X_x", "1g": "X1g", "TRUE": "TRUE.", ".1a": "X.1a",
    "é:x": "é.x", "NA": "NA.", "..1": "..1", "...": "...", "x_y": "x_y", "factor(a)": "factor.a.", ".x": ".x", "": "X",
}  # fmt: skip
# The random part, and the names of VarCorr.
VARCORR = {
    "(1 | g) + (0 + x | g)": ["g", "g.1"],
    "(1 | g) + (0 + x | g) + (1 | g.1)": ["g", "g.2", "g.1"],
    "(1 | g) + (0 + x | g) + (0 + I(x^2) | g) + (1 | g.1) + (0 + x | g.1)": ["g", "g.2", "g.3", "g.1", "g.1.1"],
    "(1 | a/b) + (0 + x | a:b)": ["a:b", "b:a", "a"],
    "(1 | a:b) + (0 + x | a)": ["a:b", "a"],
    "(1 | a/b) + (0 + x | a)": ["b.a", "a", "a.1"],
    "(x || a:b)": ["a.b", "a.b.1"],
    "(1 | `a b`:b) + (0 + x | `a b`:b)": ["X.a.b..b", "X.a.b..b.1"],
    "(1 | a:b) + (1 | g)": ["a:b", "g"],
}


def crossed() -> pd.DataFrame:
    random = np.random.default_rng(1)
    a, b = (part.ravel() for part in np.meshgrid(np.arange(4), np.arange(3)))
    a, b = np.tile(a, 3), np.tile(b, 3)
    y = random.normal(size=4)[a] + random.normal(size=12)[a * 3 + b] + random.normal(size=36)
    data = pd.DataFrame({"y": y, "x": random.normal(size=36), "a": a, "b": b, "g": a, "g.1": b, "a b": a})
    return data.astype(dict.fromkeys(("a", "b", "g", "g.1", "a b"), str))


def test_what_R_makes_of_names() -> None:
    assert make_names(list(SYNTACTIC)) == tuple(SYNTACTIC.values())
    assert make_names(["b:a", "b:a", "b.a"]) == ("b.a.1", "b.a.2", "b.a")
    again = ["g", "g", "g.1", "g", "g.1.1", "g.1", "g.2"]
    assert make_unique(again) == ("g", "g.3", "g.1", "g.4", "g.1.1", "g.1.2", "g.2")


@pytest.mark.parametrize("terms", VARCORR)
def test_varcorr_and_covariances_have_lme4s_names(terms: str) -> None:
    fit = lmer(f"y ~ 1 + {terms}", crossed())
    assert fit.VarCorr()["grp"].tolist() == [*VARCORR[terms], "Residual"]
    assert list(covariances(fit)) == VARCORR[terms]


def test_theta_keeps_the_names_of_the_grouping_factors() -> None:
    fit = lmer("y ~ 1 + (1 | a/b) + (0 + x | a)", crossed())
    assert list(fit.theta.index) == ["b:a.(Intercept)", "a.(Intercept)", "a.x"]
    assert list(dict.fromkeys(fit.b.index.get_level_values("group"))) == ["b:a", "a", "a.1"]
