"""Profile intervals, likelihood ratios and single deletions beside lme4's."""

import json
import subprocess

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import anova, confint, drop1, lmer

SCRIPT = """
suppressMessages(library(lme4))
read <- function(name, factors) {
  d <- read.csv(paste0(name, ".csv"), stringsAsFactors = TRUE)
  for (f in factors) d[[f]] <- factor(d[[f]])
  d
}
s <- read("sleepstudy", "Subject")
m <- read("Machines", c("Worker", "Machine"))
ends <- function(f, d) unname(confint(lmer(f, d, REML = FALSE), quiet = TRUE))
a <- as.data.frame(anova(lmer(Reaction ~ Days + (1 | Subject), s), lmer(Reaction ~ Days + (Days | Subject), s),
                         refit = TRUE))
d <- as.data.frame(drop1(lmer(score ~ Machine + (1 | Worker), m, REML = FALSE), test = "Chisq"))
cat(jsonlite::toJSON(list(
  sleepstudy = ends(Reaction ~ Days + (Days | Subject), s),
  Dyestuff = ends(Yield ~ 1 + (1 | Batch), read("Dyestuff", "Batch")),
  anova = as.matrix(a)[2, c("npar", "AIC", "BIC", "logLik", "deviance", "Chisq", "Df", "Pr(>Chisq)")],
  drop1 = as.matrix(d)[2, ]), digits = I(17)))
"""
MODELS = {"sleepstudy": "Reaction ~ Days + (Days | Subject)", "Dyestuff": "Yield ~ 1 + (1 | Batch)"}
# lme4 steps by zeta/8 of its largest, 0.5 here; a cubic spline errs by h^4/384 of the fourth derivative, which for a
# log-like curve is of the order of the width: 2e-4 of it.
SPLINE = 2e-4
# lme4's optimiser stops where the deviance is within 1e-8 or so of its least: steps of theta of 1e-6 and less.
DEVIANCE = 1e-6


@pytest.fixture(scope="module")
def by_R(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What lme4 says, from one R."""
    folder = tmp_path_factory.mktemp("profiles")
    for name in (*MODELS, "Machines"):
        load(name).frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.17g")
    (folder / "profiles.R").write_text(SCRIPT)
    words = [rscript, "--vanilla", "profiles.R"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    return {name: np.array(value, float) for name, value in json.loads(done.stdout).items()}


@pytest.mark.live
@pytest.mark.parametrize("name", MODELS)
def test_ends_are_lme4s_within_its_splines(by_R: dict[str, np.ndarray], name: str) -> None:
    ours = confint(lmer(MODELS[name], load(name).frame), method="profile").to_numpy()
    width = np.ptp(ours, axis=1)[:, None]
    assert np.abs((ours - by_R[name]) / width).max() < SPLINE


@pytest.mark.live
def test_comparisons_are_lme4s(by_R: dict[str, np.ndarray]) -> None:
    data = load("sleepstudy").frame
    fits = [lmer(f"Reaction ~ Days + ({x} | Subject)", data) for x in ("1", "Days")]
    ours = anova(*fits).iloc[1].to_numpy(float)
    np.testing.assert_allclose(ours[:7], by_R["anova"][:7], atol=DEVIANCE, rtol=0)
    # p falls by half the change of chi-squared.
    np.testing.assert_allclose(ours[7], by_R["anova"][7], rtol=DEVIANCE)
    fit = lmer("score ~ Machine + (1 | Worker)", load("Machines").frame)
    dropped = drop1(fit, test="Chisq").iloc[1].to_numpy(float)
    np.testing.assert_allclose(dropped[:3], by_R["drop1"][:3], atol=DEVIANCE, rtol=0)
    np.testing.assert_allclose(dropped[3], by_R["drop1"][3], rtol=DEVIANCE)
