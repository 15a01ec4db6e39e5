"""Predictions beside lme4's at its own theta; standard errors as lme4 >= 1.1-35 makes them of its parts."""

import json
import subprocess
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import lmer, predict
from relmer.solver.fits import at_theta

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages({library(lme4); library(jsonlite); library(splines)})
cases <- fromJSON("asked.json", simplifyDataFrame = FALSE)
# predict.merMod of lme4 1.1-35 and later, with what getME has.
se <- function(m, X, Z) {
  L <- getME(m, "L"); RX <- getME(m, "RX"); RZX <- getME(m, "RZX")
  half <- solve(L, solve(L, getME(m, "Lambdat"), system = "P"), system = "L")
  RXtinv <- solve(t(RX))
  Minv <- sigma(m) * rbind(cbind(half, matrix(0, nrow(half), ncol(X))), cbind(-RXtinv %*% t(RZX) %*% half, RXtinv))
  ZX <- cbind(Z, X)
  sqrt(rowSums((ZX %*% crossprod(as.matrix(Minv))) * ZX))
}
said <- lapply(cases, function(case) {
  data <- read.csv(case$data, stringsAsFactors = TRUE)
  new <- read.csv(case$new, stringsAsFactors = TRUE)
  data$w <- 1 + (seq_len(nrow(data)) - 1) %% 3
  fit <- suppressMessages(suppressWarnings(lmer(as.formula(case$formula), data, weights = w, REML = case$REML)))
  part <- as.formula(case$part)
  list(theta = I(getME(fit, "theta")), all = predict(fit, new, allow.new.levels = TRUE),
    fixed = predict(fit, new, re.form = NA), part = predict(fit, new, re.form = part, allow.new.levels = TRUE),
    own = predict(fit, re.form = part), error = se(fit, getME(fit, "X"), as.matrix(getME(fit, "Z"))),
    error_of_fixed = sqrt(rowSums((getME(fit, "X") %*% as.matrix(vcov(fit))) * getME(fit, "X"))))
})
cat(toJSON(said, digits = I(17), auto_unbox = TRUE, na = "null"))
"""
# The formula, a part of its random effects, and the columns whose values in the first new rows are others.
CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", "~ (1 | Subject)", {"Days": 12.5, "Subject": 999}),
    ("sleepstudy", "Reaction ~ poly(Days, 3) + (1 | Subject)", "~ 0", {"Days": 11}),
    ("sleepstudy", "Reaction ~ ns(Days, 3) + (1 | Subject)", "~ (1 | Subject)", {"Days": 2.5}),
    ("sleepstudy", "Reaction ~ bs(Days, df = 4) + (Days || Subject)", "~ (0 + Days | Subject)", {"Days": 8.5}),
    ("sleepstudy", "Reaction ~ scale(Days) + (scale(Days) | Subject)", "~ (1 | Subject)", {"Days": 20}),
    ("sleepstudy", "Reaction ~ log(Days + 1) + offset(2 * Days) + (1 | Subject)", "~ 0", {"Days": 30}),
    ("sleepstudy", "Reaction ~ Days + I(2 * Days) + I(Days^2) + (1 | Subject)", "~ 0", {"Days": 30}),
    ("Machines", "score ~ Machine + (Machine | Worker)", "~ (Machine | Worker)", {"Worker": 77, "Machine": "B"}),
    ("Machines", "score ~ Machine + (1 | Worker / Machine)", "~ (1 | Worker)", {"Machine": "A", "Worker": 77}),
    ("Orthodont", "distance ~ age * Sex + (age | Subject)", "~ (0 + age | Subject)", {"age": 30}),
    ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)", "~ 0", {"recipe": "B", "replicate": 99}),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "~ (1 | sample)", {"plate": "zz"}),
]
# 10 digits of the largest: at one theta both solve the same systems in doubles, of condition below 1e5.
DIGITS = 1e-10


@pytest.fixture(scope="module")
def said(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("predicting")
    asked = []
    for k, (name, formula, part, changed) in enumerate(CASES):
        data, new = frames(name, changed)
        data.to_csv(folder / f"{name}.csv", index=False)
        new.to_csv(folder / f"new{k}.csv", index=False)
        asked.append(
            {"data": f"{name}.csv", "new": f"new{k}.csv", "formula": formula, "part": part, "REML": k % 2 == 0}
        )
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "script.R").write_text(SCRIPT, encoding="utf-8")
    ran = subprocess.run(
        [rscript, "--vanilla", "script.R"], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def frames(name: str, changed: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The data as R reads them, and nine of their rows, the first two changed."""
    data = pd.read_csv(StringIO(load(name).frame.to_csv(index=False)))
    rows = np.linspace(0, len(data) - 1, 9).astype(int)
    new = data.iloc[rows].reset_index(drop=True).astype(object)
    for column, value in changed.items():
        new.loc[:1, column] = value
    return data, pd.read_csv(StringIO(new.to_csv(index=False)))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[formula for _, formula, *_ in CASES])
def test_predictions_are_lme4s(said: list[dict[str, Any]], number: int) -> None:
    name, formula, part, changed = CASES[number]
    theirs = said[number]
    data, new = frames(name, changed)
    weights = 1 + np.arange(len(data)) % 3
    fit = at_theta(lmer(formula, data, REML=number % 2 == 0, weights=weights), theirs["theta"])
    found = {
        "all": predict(fit, new, allow_new_levels=True),
        "fixed": predict(fit, new, re_form="~0"),
        "part": predict(fit, new, re_form=part, allow_new_levels=True),
        "own": predict(fit, re_form=part),
        "error": predict(fit, se_fit=True)["se.fit"],
        "error_of_fixed": predict(fit, re_form="~0", se_fit=True)["se.fit"],
    }
    for what, mine in found.items():
        expected = np.array(theirs[what], dtype=float)
        np.testing.assert_allclose(mine, expected, rtol=0, atol=DIGITS * np.abs(expected).max(), err_msg=what)
