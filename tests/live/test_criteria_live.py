"""Log-likelihood and what follows from it, beside lme4's at lme4's own theta."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import AIC, BIC, REMLcrit, deviance, df_residual, lmer, logLik, nobs
from relmer.solver.fits import at_theta

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages(library(lme4))
data <- read.csv("data.csv", stringsAsFactors = TRUE)
asked <- jsonlite::fromJSON("asked.json")
fit <- if (asked$weighted) lmer(as.formula(asked$formula), data, REML = asked$REML, weights = w) else
  lmer(as.formula(asked$formula), data, REML = asked$REML)
told <- c(logLik(fit), attr(logLik(fit), "df"), attr(logLik(fit), "nobs"), deviance(fit, REML = FALSE), REMLcrit(fit),
          AIC(fit), BIC(fit), df.residual(fit), nobs(fit))
cat(sprintf("%.17g", c(told, getME(fit, "theta"))), sep = "\\n")
"""
# 10 digits: at one theta both sum the same terms in doubles, and no term is 1e3 times the sum.
DIGITS = 1e-10


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("sleepstudy", "Reaction ~ 1 + (1 | Subject) + (0 + Days | Subject)"),
        ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ],
)
def test_criteria_are_lme4s(rscript: str, tmp_path: Path, name: str, formula: str, REML: bool, weighted: bool) -> None:
    data = load(name).frame
    data = data.assign(w=1 + np.arange(len(data)) % 3)
    data.to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "asked.json").write_text(
        json.dumps({"formula": formula, "REML": REML, "weighted": weighted}), encoding="utf-8"
    )
    ran = subprocess.run([rscript, "-e", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=True)
    said = np.array(ran.stdout.split(), dtype=float)
    weights = data["w"] if weighted else None
    fit = at_theta(lmer(formula, data, REML=REML, weights=weights), said[9:])
    ours = [*logLik(fit), deviance(fit), REMLcrit(fit), AIC(fit), BIC(fit), df_residual(fit), nobs(fit)]
    np.testing.assert_allclose(ours, said[:9], rtol=DIGITS)
    assert fit.AIC() == AIC(fit)
