"""Many responses at once, held against lme4's fits of each."""

import json
import math
import subprocess

import numpy as np
import pandas as pd
import pytest
from consoles import fenced

from relmer.datasets import load
from relmer.solver import Fit, lmer, refit, simulate
from relmer.solver.fits import at_theta

SCRIPT = """
suppressMessages(library(lme4))
d <- read.csv("data.csv", stringsAsFactors = TRUE); Y <- as.matrix(read.csv("responses.csv"))
asked <- jsonlite::fromJSON("asked.json")
for (name in asked$factors) d[[name]] <- factor(d[[name]])
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), calc.derivs = FALSE)
formula <- as.formula(asked$formula)
fitted <- function(y) { d[[all.vars(formula)[1]]] <- y; lmer(formula, d, REML = asked$REML, control = tight) }
fit <- fitted(Y[, 1])
one <- function(k) {
  m <- suppressMessages(if (asked$refit) refit(fit, Y[, k]) else fitted(Y[, k]))
  c(-2 * as.numeric(logLik(m)), if (asked$REML) REMLcrit(m) else deviance(m), sigma(m), fixef(m), getME(m, "theta"))
}
cat("[", paste(sprintf("%.17g", sapply(seq_len(ncol(Y)), one)), collapse = ", "), "]")
"""
MODELS = {
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", ["Subject"], 2),
    "Penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", ["plate", "sample"], 1),
    "Machines": ("score ~ Machine + (1 | Worker / Machine)", "Machines", ["Worker", "Machine"], 3),
}
DRAWS = 15
# lme4's tight stop: bobyqa's rhoend of 1e-9 in theta leaves a curvature of some 100 times its square, and rounding of
# a criterion of 1e3; and in theta what rounding of the criterion hides, sqrt(2 * 1e-12 / curvature of about 1).
ABOVE, AROUND = 1e-8, 2e-5


@pytest.fixture
def by_lme4(rscript: str, tmp_path):
    """What lme4 says of every response: -2 log-likelihood, criterion, sigma, beta, theta."""

    def fitted(name: str, Y: pd.DataFrame, REML: bool, by_refit: bool) -> np.ndarray:
        formula, dataset, factors, _ = MODELS[name]
        load(dataset).frame.to_csv(tmp_path / "data.csv", index=False)
        Y.to_csv(tmp_path / "responses.csv", index=False, float_format="%.17g")
        asked = {"formula": formula, "factors": factors, "REML": REML, "refit": by_refit}
        (tmp_path / "asked.json").write_text(json.dumps(asked))
        (tmp_path / "refit.R").write_text(SCRIPT)
        done = subprocess.run(
            [rscript, "--vanilla", "refit.R"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
        )
        return np.array(json.loads(done.stdout)).reshape(Y.shape[1], -1)

    return fitted


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_refits_are_lme4s(name: str, REML: bool, by_lme4) -> None:
    """By maximum likelihood its `refit`, by REML its `lmer` of every response."""
    formula, dataset, _, p = MODELS[name]
    fit = lmer(formula, load(dataset).frame, REML=REML)
    Y = simulate(fit, DRAWS, seed=4)
    found, theirs = refit(fit, Y), by_lme4(name, Y, REML, by_refit=not REML)
    assert (found.criterion.to_numpy() <= theirs[:, 1] + ABOVE).all()
    same = np.abs(found.criterion.to_numpy() - theirs[:, 1]) <= ABOVE
    # Where bobyqa stops farther above, or at a zero that isn't lowest, nothing follows for the rest.
    assert same.sum() >= DRAWS * 2 / 3
    np.testing.assert_allclose(found.sigma[same], theirs[same, 2], rtol=AROUND)
    np.testing.assert_allclose(found.beta[same], theirs[same, 3 : 3 + p], rtol=AROUND)
    np.testing.assert_allclose(found.theta[same], theirs[same, 3 + p :], atol=10 * AROUND)


@pytest.mark.parametrize("name", MODELS)
def test_refit_of_old_lme4s_takes_p_for_one_by_REML(name: str, by_lme4) -> None:
    """Seen in 1.1-26 and 1.1-31, not in 1.1-37: it minimises a criterion with n - 1 for n - p, and so does bootMer."""
    formula, dataset, _, p = MODELS[name]
    fit = lmer(formula, load(dataset).frame)
    Y = simulate(fit, DRAWS, seed=4)
    told = by_lme4(name, Y, REML=True, by_refit=True)
    for y, theirs in zip(Y.to_numpy().T, told, strict=True):
        at = at_theta(refit(fit, y), theirs[3 + p :])
        assert theirs[1] == pytest.approx(at.criterion, abs=ABOVE) or theirs[1] == pytest.approx(by_one(at), abs=ABOVE)


def test_the_finding_prints_what_the_page_says(rscript: str) -> None:
    """docs/findings.md shows lme4 1.1-31; from 1.1-37 on the second line is the first."""
    shown = {language: text for language, _, text in fenced("docs/findings.md")}
    version = "cat(as.character(packageVersion('lme4')))"
    ask = lambda text: subprocess.run([rscript, "--vanilla", "-e", text], check=True, capture_output=True, text=True)  # noqa: E731
    first, second = shown["text"].splitlines(keepends=True)
    mended = tuple(map(int, ask(version).stdout.split("."))) >= (1, 1, 37)
    assert ask(shown["r"]).stdout == first + (first if mended else second)


def by_one(fit: Fit) -> float:
    """The REML criterion with n - 1 for n - p."""
    n, p = fit.X.shape
    parts = fit.criterion - (n - p) * (1 + math.log(2 * math.pi * fit.solution.pwrss / (n - p)))
    return parts + (n - 1) * (1 + math.log(2 * math.pi * fit.solution.pwrss / (n - 1)))
