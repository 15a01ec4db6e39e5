"""Information criteria, against what lme4 prints for sleepstudy by maximum likelihood."""

import pytest

from relmer.datasets import load
from relmer.solver import AIC, BIC, deviance, df_residual, lmer, logLik


def test_sleepstudy_as_printed() -> None:
    """summary(lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)), as printed."""
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, REML=False)
    printed = [1763.9, 1783.1, -876.0, 1751.9]
    assert [AIC(fit), BIC(fit), logLik(fit).value, deviance(fit)] == pytest.approx(printed, abs=0.05)
    assert df_residual(fit) == 174
