"""Fixed and random effects, their conditional variances, VarCorr, fitted values and residuals, at lme4's own theta."""

import json
import subprocess
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import VarCorr, coef, fitted, fixef, isSingular, lmer, ngrps, postVar, ranef, residuals
from relmer.solver.fits import Fit, at_theta

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages({library(lme4); library(jsonlite)})
cases <- fromJSON("asked.json", simplifyDataFrame = FALSE)
table <- function(it) list(rows = I(rownames(it)), columns = I(colnames(it)), values = as.matrix(it))
said <- lapply(cases, function(case) {
  data <- read.csv(case$data, stringsAsFactors = TRUE)
  data$w <- 1 + (seq_len(nrow(data)) - 1) %% 3
  formula <- as.formula(case$formula)
  fit <- suppressMessages(suppressWarnings(if (case$weighted) lmer(formula, data, weights = w, REML = case$REML) else
    lmer(formula, data, REML = case$REML)))
  effects <- ranef(fit, condVar = TRUE)
  # Of several terms of one factor postVar is a list of them.
  variances <- lapply(effects, function(it) if (is.list(attr(it, "postVar"))) unname(attr(it, "postVar")) else
    list(attr(it, "postVar")))
  long <- as.data.frame(VarCorr(fit))
  kinds <- c("response", "working", "pearson", "deviance")
  list(theta = I(getME(fit, "theta")), fixef = as.list(fixef(fit, add.dropped = TRUE)), ranef = lapply(effects, table),
    postVar = lapply(variances, function(all) lapply(all, function(it) list(dim = dim(it), values = c(it)))),
    coef = lapply(coef(fit), table), grp = long$grp, var1 = long$var1, var2 = long$var2, vcov = long$vcov,
    sdcor = long$sdcor, fitted = fitted(fit), singular = isSingular(fit), ngrps = as.list(ngrps(fit)),
    residuals = setNames(lapply(kinds, function(k) residuals(fit, k)), kinds),
    scaled = setNames(lapply(kinds, function(k) residuals(fit, k, scaled = TRUE)), kinds))
})
cat(toJSON(said, digits = I(17), auto_unbox = TRUE, na = "null", null = "null"))
"""
CASES = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    ("sleepstudy", "Reaction ~ Days + I(2 * Days) + (1 | Subject)"),
    ("sleepstudy", "Reaction ~ 1 + (0 + Days | Subject)"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("Pastes", "strength ~ 1 + (1 | batch / cask)"),
    ("Machines", "score ~ Machine + (Machine | Worker)"),
    ("Machines", "score ~ Machine + (1 | Worker) + (0 + Machine | Worker)"),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)"),
    ("Orthodont", "distance ~ age * Sex + (age | Subject)"),
    ("Oxide", "Thickness ~ 1 + (1 | Lot / Wafer)"),
]
# 10 digits of the largest: at one theta both solve the same systems in doubles, whose condition is below 1e5; a
# posterior variance is a difference of no more than three digits of those.
DIGITS = 1e-10


@pytest.fixture(scope="module")
def said(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("effects")
    asked = []
    for name, formula in CASES:
        load(name).frame.to_csv(folder / f"{name}.csv", index=False)
        asked += [
            {"data": f"{name}.csv", "formula": formula, "weighted": weighted, "REML": not weighted}
            for weighted in (False, True)
        ]
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "script.R").write_text(SCRIPT, encoding="utf-8")
    ran = subprocess.run(
        [rscript, "--vanilla", "script.R"], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def ours(name: str, formula: str, weighted: bool, theta: list[float]) -> Fit:
    # As R reads the file.
    data = pd.read_csv(StringIO(load(name).frame.to_csv(index=False)))
    weights = 1 + np.arange(len(data)) % 3 if weighted else None
    return at_theta(lmer(formula, data, REML=not weighted, weights=weights), theta)


def close(mine: Any, theirs: Any) -> None:
    expected = np.array(theirs, dtype=float)
    size = np.nanmax(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(np.asarray(mine, dtype=float), expected, rtol=DIGITS, atol=DIGITS * size)


def same_tables(mine: dict[str, pd.DataFrame], theirs: dict[str, Any]) -> None:
    assert list(mine) == list(theirs)
    for group, table in mine.items():
        assert list(table.index) == theirs[group]["rows"] and list(table.columns) == theirs[group]["columns"]
        close(table, theirs[group]["values"])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("number", range(len(CASES)), ids=[formula for _, formula in CASES])
def test_effects_are_lme4s(said: list[dict[str, Any]], number: int, weighted: bool) -> None:
    theirs = said[2 * number + weighted]
    fit = ours(*CASES[number], weighted, theirs["theta"])
    assert list(fixef(fit, add_dropped=True).index) == list(theirs["fixef"])
    close(fixef(fit, add_dropped=True), list(theirs["fixef"].values()))
    same_tables(ranef(fit), theirs["ranef"])
    same_tables(coef(fit), theirs["coef"])
    table = VarCorr(fit)
    for column in ("grp", "var1", "var2"):
        assert table[column].astype(object).where(table[column].notna(), None).tolist() == theirs[column]
    close(table["vcov"], theirs["vcov"])
    close(table["sdcor"], theirs["sdcor"])
    close(fitted(fit), theirs["fitted"])
    for kind, values in theirs["residuals"].items():
        # A residual is a difference of the responses.
        bound = DIGITS * np.abs(fit.design.y).max()
        np.testing.assert_allclose(residuals(fit, kind), values, rtol=0, atol=2 * bound)
        scaled = fit.sigma * np.array(theirs["scaled"][kind])
        np.testing.assert_allclose(fit.sigma * residuals(fit, kind, scaled=True), scaled, rtol=0, atol=2 * bound)
    assert isSingular(fit) == theirs["singular"]
    # A factor of two terms is counted twice here, under a name for each.
    assert {group: count for group, count in ngrps(fit).items() if group in theirs["ngrps"]} == theirs["ngrps"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("number", range(len(CASES)), ids=[formula for _, formula in CASES])
def test_conditional_variances_are_lme4s(said: list[dict[str, Any]], number: int, weighted: bool) -> None:
    theirs = said[2 * number + weighted]
    fit = ours(*CASES[number], weighted, theirs["theta"])
    mine = postVar(fit)
    assert list(mine) == list(theirs["postVar"])
    for group, blocks in mine.items():
        first = 0
        for term in theirs["postVar"][group]:
            k, _, levels = term["dim"]
            expected = np.array(term["values"]).reshape(k, k, levels, order="F").transpose(2, 0, 1)
            close(blocks[:, first : first + k, first : first + k], expected)
            first += k
        assert first == blocks.shape[1]
        condsd = ranef(fit, condVar=True)[group]["condsd"].to_numpy()
        np.testing.assert_array_equal(condsd, np.sqrt(np.diagonal(blocks, axis1=1, axis2=2)))
