"""Models side by side: what is compared, and what is refused."""

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import Fit, ModelError, lmer

SLEEP = load("sleepstudy").frame


def fit_of(formula: str, **options) -> Fit:
    """A fit of sleepstudy."""
    return lmer(formula, SLEEP, **options)


def test_dropping_a_term_is_comparing_with_the_model_without_it() -> None:
    whole, less = fit_of("Reaction ~ Days + (1 | Subject)"), fit_of("Reaction ~ 1 + (1 | Subject)")
    compared, dropped = whole.anova(less).iloc[1], whole.drop1(test="Chisq").loc["Days"]
    # Two searches of one deviance of some 2e3, each to rounding.
    np.testing.assert_allclose(dropped["LRT"], compared["Chisq"], atol=1e-8)
    assert dropped["npar"] == compared["Df"] == 1
    assert list(whole.drop1().columns) == ["npar", "AIC"]


def test_only_terms_that_no_other_contains_are_dropped() -> None:
    fit = fit_of("Reaction ~ Days * I(Days^2) + (1 | Subject)")
    assert list(fit.drop1().index) == ["<none>", "Days:I(Days^2)"]
    with pytest.raises(ModelError, match="contained"):
        fit.drop1(["Days"])
    with pytest.raises(ModelError, match="no term"):
        fit.drop1(["days"])


def test_what_does_not_compare_is_refused() -> None:
    fit = fit_of("Reaction ~ Days + (1 | Subject)")
    for other, said in (
        (lmer("Reaction ~ Days + (1 | Subject)", SLEEP.iloc[:-1]), "rows"),
        (fit_of("log(Reaction) ~ Days + (1 | Subject)"), "responses"),
        (fit_of("Reaction ~ Days + (1 | Subject)", weights=np.linspace(1, 2, 180)), "weights"),
    ):
        with pytest.raises(ModelError, match=said):
            fit.lrt(other)
    with pytest.raises(ModelError, match="REML"):
        fit.anova(fit_of("Reaction ~ 1 + (1 | Subject)", REML=False), refit=False)
    with pytest.raises(ModelError, match="two or more"):
        fit.anova()
