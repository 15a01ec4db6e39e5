"""Ends of bootstrap intervals beside those that R's boot.ci takes from the same draws, as lme4's confint does."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import bootstrap, confint, lmer
from relmer.solver.fits.bootstrapping import values

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages(library(lme4))
asked <- jsonlite::fromJSON("asked.json")
draws <- as.matrix(read.csv("draws.csv", header = FALSE))
out <- structure(list(t0 = asked$own, t = draws, R = nrow(draws), data = NULL, seed = 1, statistic = NULL,
                      sim = "parametric", call = quote(bootMer()), ran.gen = NULL, mle = NULL, strata = NULL),
                 class = c("bootMer", "boot"))
said <- lapply(c(perc = "perc", basic = "basic", norm = "norm"), function(type)
  unname(confint(out, level = asked$level, type = type)))
cat(jsonlite::toJSON(said, digits = I(17)))
"""
# Normal quantiles of R and of SciPy agree to 1e-14; 1e3 times that for the differences of neighbouring draws.
DIGITS = 1e-11


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize(
    ("name", "formula"),
    [("sleepstudy", "Reaction ~ Days + (Days | Subject)"), ("Dyestuff", "Yield ~ 1 + (1 | Batch)")],
)
def test_ends_are_those_of_boot_ci(rscript: str, tmp_path: Path, name: str, formula: str, level: float) -> None:
    fit = lmer(formula, load(name).frame)
    found = bootstrap(fit, 199, seed=3)
    draws = values(fit.design, found.theta.to_numpy(), found.sigma.to_numpy(), found.beta.to_numpy())
    own = values(fit.design, fit.optimum.theta[None], np.array([fit.sigma]), fit.solution.beta[None])[0]
    np.savetxt(tmp_path / "draws.csv", draws, delimiter=",", fmt="%.17g")
    (tmp_path / "asked.json").write_text(json.dumps({"own": own.tolist(), "level": level}), encoding="utf-8")
    words = [rscript, "--vanilla", "-e", SCRIPT]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    for boot_type, ends in json.loads(ran.stdout).items():
        ours = confint(fit, level=level, method="boot", nsim=199, seed=3, boot_type=boot_type)
        np.testing.assert_allclose(ours, ends, rtol=DIGITS, atol=DIGITS)
