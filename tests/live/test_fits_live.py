"""Names that come twice, and models with lme4's checks off, held against a running lme4."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.solver import lmer

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages({library(lme4); library(jsonlite)})
input <- fromJSON(commandArgs(TRUE)[1])
data <- read.csv(input$data, check.names = FALSE)
for (name in input$factors) data[[name]] <- factor(data[[name]])
control <- lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore", optimizer = "bobyqa",
  optCtrl = list(rhoend = 1e-10, maxfun = 1e5), check.conv.singular = "ignore")
said <- lapply(input$formulas, function(formula) {
  fit <- suppressWarnings(suppressMessages(lmer(as.formula(formula), data, control = control)))
  list(VarCorr = names(VarCorr(fit)), table = as.data.frame(VarCorr(fit))$grp, theta = names(getME(fit, "theta")),
    criterion = REMLcrit(fit), dropped = I(names(which(is.na(fixef(fit, add.dropped = TRUE))))))
})
cat(toJSON(said, digits = I(17), auto_unbox = TRUE))
"""
NAMES = [
    "y ~ 1 + (1 | g) + (0 + x | g)",
    "y ~ x + (1 | g) + (0 + x | g) + (1 | g.1)",
    "y ~ 1 + (1 | g) + (0 + x | g) + (0 + I(x^2) | g) + (1 | g.1) + (0 + x | g.1)",
    "y ~ 1 + (1 | a/b) + (0 + x | a:b)",
    "y ~ 1 + (1 | a/b) + (0 + x | a)",
    "y ~ 1 + (x || a:b)",
    "y ~ 1 + (1 | `a b`:b) + (0 + x | `a b`:b)",
    "y ~ x + I(2 * x) + (1 | a:b) + (1 | g)",
]
UNCHECKED = ["y ~ t + (0 + t | id)", "y ~ t * x + (0 + t | id)", "y ~ x + (x + z | a)"]
IGNORED = {"check.nobs.vs.nRE": "ignore", "check.nobs.vs.nlev": "ignore"}


def said(rscript: str, folder: Path, data: pd.DataFrame, formulas: list[str]) -> list[dict[str, Any]]:
    data.to_csv(folder / "data.csv", index=False)
    factors = [name for name in data if data[name].dtype == object]
    asked = json.dumps({"data": str(folder / "data.csv"), "factors": factors, "formulas": formulas})
    (folder / "script.R").write_text(SCRIPT)
    run = subprocess.run(
        [rscript, "--vanilla", str(folder / "script.R"), asked], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def test_names(rscript: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    a, b = np.tile(np.arange(4), 9), np.tile(np.repeat(np.arange(3), 4), 3)
    y = random.normal(size=4)[a] + random.normal(size=12)[a * 3 + b] + random.normal(size=36)
    data = pd.DataFrame({"y": y, "x": random.normal(size=36), "a": a, "b": b, "g": a, "g.1": b, "a b": a})
    data = data.astype(dict.fromkeys(["a", "b", "g", "g.1", "a b"], str)).astype(
        dict.fromkeys(["a", "b", "g", "g.1", "a b"], object)
    )
    for formula, theirs in zip(NAMES, said(rscript, tmp_path, data, NAMES), strict=True):
        fit = lmer(formula, data)
        assert list(fit.theta.index) == np.atleast_1d(theirs["theta"]).tolist(), formula
        rows = fit.VarCorr().drop_duplicates("grp")["grp"].tolist()
        assert rows == [*np.atleast_1d(theirs["VarCorr"]).tolist(), "Residual"], formula
        assert fit.VarCorr()["grp"].tolist() == theirs["table"], formula
        assert list(fit.dropped) == theirs["dropped"], formula


def test_checks_off(rscript: str, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    subject, visit = np.repeat(np.arange(11), 3), np.tile(np.arange(3), 11)
    y = random.normal(size=11)[subject] * 2 + random.normal(size=33)
    data = pd.DataFrame({"y": y, "x": random.normal(size=33), "z": random.normal(size=33)})
    data = data.assign(t=np.array(list("uvw"))[visit], id=[f"i{k}" for k in subject], a=[f"a{k}" for k in subject])
    data = data.astype(dict.fromkeys(["t", "id", "a"], object))
    for formula, theirs in zip(UNCHECKED, said(rscript, tmp_path, data, UNCHECKED), strict=True):
        for method in ("pls", "qr", "gls"):
            fit = lmer(formula, data, method=method, checks=IGNORED)
            assert fit.optimum.converged, formula
            # lme4's optimiser goes by values, along directions that are flat: it stops above the optimum, never below.
            assert -1e-9 * abs(fit.criterion) < theirs["criterion"] - fit.criterion < 1e-4, formula
