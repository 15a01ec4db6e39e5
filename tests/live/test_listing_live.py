"""Least squares by level beside lme4's lmList."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import lmList

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages(library(lme4))
one <- jsonlite::fromJSON("asked.json")
data <- read.csv("data.csv", stringsAsFactors = TRUE)
data[[one$group]] <- factor(data[[one$group]])
words <- list(as.formula(one$formula), data = quote(data))
if (one$weighted) words$weights <- quote(w)
fit <- suppressWarnings(do.call(lmList, words))
# lme4's own sigma is of residuals without their weights; that of each lm is not.
df <- sapply(fit, df.residual)
sigma <- sqrt(sum(sapply(fit, deviance)) / sum(df))
if (!one$weighted) stopifnot(all.equal(sigma, sigma(fit)))
se <- t(sapply(fit, function(m) sqrt(diag(summary(m)$cov.unscaled)))) * sigma
if (!one$weighted) stopifnot(all.equal(c(se), c(summary(fit)$coefficients[, "Std. Error", ])))
cat(jsonlite::toJSON(list(levels = names(fit), coef = unname(as.matrix(coef(fit))), sigma = sigma, se = unname(se)),
  digits = I(17), na = "null"))
"""
# Householder's QR of columns whose condition is at most 1e2 on either side.
DIGITS = 1e-11


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "formula", "group"),
    [
        ("sleepstudy", "Reaction ~ Days | Subject", "Subject"),
        ("sleepstudy", "Reaction ~ Days + I(Days^2) | Subject", "Subject"),
        ("Machines", "score ~ Machine | Worker", "Worker"),
        ("Orthodont", "distance ~ age | Subject", "Subject"),
    ],
)
def test_levels_are_lme4s(rscript: str, tmp_path: Path, name: str, formula: str, group: str, weighted: bool) -> None:
    data = load(name).frame
    data = data.assign(w=1 + np.arange(len(data)) % 3)
    data.to_csv(tmp_path / "data.csv", index=False, float_format="%.17g")
    asked = {"formula": formula, "group": group, "weighted": weighted}
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    words = [rscript, "--vanilla", "-e", SCRIPT]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    said = json.loads(ran.stdout)
    found = lmList(formula, data, weights="w" if weighted else None)
    order = [str(level) for level in said["levels"]]
    ours = found.coef.loc[order].to_numpy()
    np.testing.assert_allclose(ours, said["coef"], rtol=0, atol=DIGITS * np.abs(ours).max())
    np.testing.assert_allclose(found.sigma, said["sigma"][0], rtol=DIGITS)
    np.testing.assert_allclose(found.se.loc[order], said["se"], rtol=DIGITS)
