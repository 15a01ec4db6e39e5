"""Degrees of freedom at lme4's own theta, held against lmerTest and pbkrtest."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import coef_table, contest, lmer
from relmer.solver.fits import at_theta

SCRIPT = """
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest)})
asked <- jsonlite::fromJSON("asked.json")
said <- lapply(asked, function(one) {
  d <- read.csv(one$file, stringsAsFactors = TRUE)
  for (name in one$factors) d[[name]] <- factor(d[[name]])
  m <- lmerTest::lmer(as.formula(one$formula), d, control = lmerControl(optimizer = "bobyqa"))
  p <- length(fixef(m))
  adjusted <- vcovAdj(m)
  joint <- KRmodcomp(m, diag(p)[-1, , drop = FALSE])$test
  list(theta = getME(m, "theta"), satterthwaite = coef(summary(m))[, "df"],
    roger = sapply(seq_len(p), function(k) Lb_ddf(diag(p)[k, ], vcov(m), adjusted)),
    error = sqrt(diag(as.matrix(adjusted))), joint = c(joint["Ftest", "ddf"], joint["Ftest", "stat"]))
})
cat(jsonlite::toJSON(said, digits = I(17)))
"""
MODELS = {
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", ["Subject"]),
    "Machines": ("score ~ Machine + (1 | Worker / Machine)", ["Worker", "Machine"]),
    "Oats": ("yield ~ nitro + Variety + (1 | Block / Variety)", ["Block", "Variety"]),
    "Orthodont": ("distance ~ age + (age | Subject)", ["Subject"]),
    "Pastes": ("strength ~ cask + (1 | batch)", ["batch", "cask"]),
}
# pbkrtest solves dense systems of V, which has a condition of at most 1e4 here.
SAME = 1e-10
# numDeriv's Hessian by Richardson's method, with its first step h = 1e-4 + 0.1 |theta| halved three times, ends at
# 0.0125 theta. The criterion is some 1e3, rounded to 1e-13, and second differences divide by h^2 = 1.6e-4 at theta = 1:
# 1e-9, magnified by at most 2 to 10 by the extrapolation to an order of h^8, beside curvatures of 10 and more. Where
# theta is 0.2, h^2 is 25 times less, so 1e-7 of some 1, and a nu takes up all entries: 1e-6.
DIFFERENCES = 1e-6


@pytest.fixture(scope="module")
def by_R(rscript_of_inference: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """What lmerTest and pbkrtest say of every model, from one R."""
    folder = tmp_path_factory.mktemp("inference")
    asked = {}
    for name, (formula, factors) in MODELS.items():
        load(name).frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.17g")
        asked[name] = {"file": f"{name}.csv", "formula": formula, "factors": factors}
    (folder / "asked.json").write_text(json.dumps(asked))
    (folder / "inference.R").write_text(SCRIPT)
    words = [rscript_of_inference, "--vanilla", "inference.R"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    said = json.loads(done.stdout)
    return {name: {key: np.array(value, float) for key, value in one.items()} for name, one in said.items()}


@pytest.mark.parametrize("name", MODELS)
def test_degrees_of_freedom_are_those_of_lmerTest_and_pbkrtest(
    by_R: dict[str, dict[str, np.ndarray]], name: str
) -> None:
    said = by_R[name]
    fit = at_theta(lmer(MODELS[name][0], load(name).frame), said["theta"])
    found = coef_table(fit, "Kenward-Roger")
    np.testing.assert_allclose(found["df"], said["roger"], rtol=SAME)
    np.testing.assert_allclose(found["Std. Error"], said["error"], rtol=SAME)
    joint = contest(fit, np.eye(len(found))[1:], ddf="Kenward-Roger").iloc[0]
    np.testing.assert_allclose(joint[["DenDF", "F value"]].astype(float), said["joint"], rtol=SAME)
    np.testing.assert_allclose(coef_table(fit)["df"], said["satterthwaite"], rtol=DIFFERENCES)


# lmerTest's own Hessian and Jacobian by numDeriv, its way from them to nu, and other first steps d, relative to x.
HALVED = """
suppressMessages({library(lme4); library(lmerTest)})
d <- read.csv("sleepstudy.csv", stringsAsFactors = TRUE)
m <- lme4::lmer(Reaction ~ Days + (Days | Subject), d)
devfun <- update(m, devFunOnly = TRUE)
at <- c(getME(m, "theta"), sigma(m))
J <- numDeriv::jacobian(lmerTest:::get_covbeta, at, devfun = devfun)
v <- diag(lmerTest:::get_covbeta(at, devfun))
df <- function(d, r) {
  args <- list(d = d, r = r)
  H <- numDeriv::hessian(lmerTest:::devfun_vp, at, method.args = args, devfun = devfun, reml = TRUE)
  g <- J[c(1, 4), ]
  2 * v^2 / rowSums((g %*% (2 * solve(H))) * g)
}
steps <- c(0.2, 0.1, 0.05)
said <- list(theta = getME(m, "theta"), lmerTest = coef(summary(lmerTest::as_lmerModLmerTest(m)))[, "df"],
  four = df(0.1, 4), two = t(vapply(steps, df, c(0, 0), r = 2)))
cat(jsonlite::toJSON(said, digits = I(17)))
"""


def test_the_difference_to_lmerTest_falls_with_the_step_of_its_differences(
    rscript_of_inference: str, tmp_path: Path
) -> None:
    """Two rounds of Richardson's extrapolation err by h^4: halved, a sixteenth is left, and what they go to is ours.

    By four rounds, as lmerTest has them, h^8 leaves less than rounding does. The next term, h^6, is some part of the
    first: it moves a ratio by less than a fifth here. Over two halvings from 3e-5 of nu, rounding, 1e-8 of it, is
    a tenth of what is left.
    """
    load("sleepstudy").frame.to_csv(tmp_path / "sleepstudy.csv", index=False, float_format="%.17g")
    (tmp_path / "halved.R").write_text(HALVED)
    words = [rscript_of_inference, "--vanilla", "halved.R"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)
    said = {key: np.array(value, float) for key, value in json.loads(done.stdout).items()}
    np.testing.assert_array_equal(said["four"], said["lmerTest"])
    formula, _ = MODELS["sleepstudy"]
    exact = coef_table(at_theta(lmer(formula, load("sleepstudy").frame), said["theta"]))["df"].to_numpy()
    np.testing.assert_allclose(said["lmerTest"], exact, rtol=DIFFERENCES)
    off = np.abs(said["two"] - exact)
    np.testing.assert_allclose(off[:-1] / off[1:], 16.0, rtol=0.2)
