"""Structured covariances beside a living lme4 of 2.0 or later: names, theta, template, criterion and optimum.

It runs where there is one: RELMER_RSCRIPT_2 names its Rscript, RELMER_REQUIRE=lme4-2 fails without it.
"""

import subprocess

import numpy as np
import pandas as pd
import pytest
from strategies import mixed_data

from relmer.reports.evidence import tolerances
from relmer.solver import lmer
from relmer.solver.model import par_names, theta_names, theta_of_par
from relmer.solver.paths import criterion, prepare, size, solve_at_par

pytestmark = pytest.mark.live

FORMULAS = [
    "y ~ x + cs(x | g)",
    "y ~ x + us(x | g)",
    "y ~ x + diag(x | g)",
    "y ~ x + diag(f + x | g, hom = TRUE)",
    "y ~ x + cs(0 + t | g)",
    "y ~ x + cs(0 + t | g, hom = TRUE)",
    "y ~ x + ar1(0 + t | g)",
    "y ~ x + ar1(0 + t | g, hom = FALSE)",
    "y ~ f + cs(x | g/h)",
    "y ~ x + (1 | k) + cs(x | g) + ar1(0 + t | g:h)",
    "y ~ x + (x | k) + diag(t | g)",
    "y ~ x + (x || k) + ar1(x | g)",
]
# lme4 reads par as 15 digits, and says what it found as 17. What its optimiser misses is at most some 1e-4 of the
# criterion here, or a whole minimum: it never finds a lower one than the lowest.
PROGRAM = """
suppressMessages(library(lme4))
data <- read.csv(text = "{data}", stringsAsFactors = FALSE)
for (name in c("f", "g", "h", "k", "t")) data[[name]] <- factor(data[[name]], levels = unique(sort(data[[name]])))
number <- function(x) cat(sprintf("%.17g", x), "\\n")
par <- c({par})
formula <- {formula}
terms <- lFormula(formula, data, REML = TRUE)$reTrms
deviance <- lmer(formula, data, devFunOnly = TRUE)
number(deviance(par)); number(environment(deviance)$pp$theta + 0)
number(terms$lower); number(terms$upper); number(terms$Lind)
fit <- suppressWarnings(suppressMessages(lmer(formula, data)))
number(REMLcrit(fit))
cat(lme4:::getParNames(fit), sep = "\\t"); cat("\\n")
cat(names(getME(fit, "theta")), sep = "\\t"); cat("\\n")
"""


@pytest.mark.parametrize("formula", FORMULAS)
def test_lme4_of_2_says_the_same(rscript_of_2: list[str], formula: str) -> None:
    data = mixed_data(FORMULAS.index(formula), 60)
    random = np.random.default_rng(3)
    data["t"] = pd.Categorical(random.permutation(np.resize(list("uvw"), 60)))
    data["y"] += random.normal(size=(4, 3))[data["g"].cat.codes, data["t"].cat.codes]
    data["f"] = data["f"].cat.rename_categories({"low": "a", "high": "b"})
    fit = lmer(formula, data)
    terms = fit.design.terms
    par = np.round(np.where(fit.par.to_numpy() == 0, 0.25, fit.par.to_numpy() * 0.9), 6)
    text = data.to_csv(index=False, float_format="%.17g")
    program = PROGRAM.format(data=text, par=", ".join(map(repr, par.tolist())), formula=formula)
    asked = [*rscript_of_2, "-e", "eval(parse(file('stdin')))"]
    said = subprocess.run(asked, check=False, input=program, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0, said.stderr[-2000:]
    value, theta, lower, upper, Lind, optimum, pars, thetas = said.stdout.splitlines()
    assert pars.split("\t") == list(par_names(terms))
    assert thetas.split("\t") == list(theta_names(terms))
    np.testing.assert_allclose(numbers(theta), theta_of_par(terms, par), rtol=1e-13, atol=1e-15)
    at = solve_at_par(prepare(fit.design, "gls"), np.split(par, np.cumsum(lengths(fit))[:-1]))
    there = criterion(fit.design, at, True)
    assert numbers(value)[0] == pytest.approx(there, abs=2 * tolerances.CRITERION * size(fit.design, at, True))
    bounds = np.array([numbers(lower), numbers(upper)])
    np.testing.assert_allclose(bounds, limits(fit), rtol=1e-15)
    template = fit.design.template
    np.testing.assert_array_equal(
        np.array(numbers(Lind)) - 1, template.Lind[np.lexsort((template.columns, template.rows))]
    )
    assert fit.optimum.converged
    assert numbers(optimum)[0] >= fit.criterion - tolerances.GAP * size(fit.design, fit.solution, True)


def numbers(line: str) -> list[float]:
    return [float(word) for word in line.split()]


def lengths(fit) -> list[int]:
    return [len(term.structure.bounds(len(term.columns))[0]) for term in fit.design.terms]


def limits(fit) -> np.ndarray:
    return np.hstack([term.structure.bounds(len(term.columns)) for term in fit.design.terms])
