"""Leverages, Cook's distances, studentised residuals and refits without a group, beside lme4's at lme4's own theta."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import cooks_distance, hatvalues, influence, lmer, rstudent
from relmer.solver.fits import at_theta

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages(library(lme4))
asked <- jsonlite::fromJSON("asked.json", simplifyVector = FALSE)
said <- lapply(asked, function(one) {
  data <- read.csv(one$data, stringsAsFactors = TRUE)
  for (f in one$factors) data[[f]] <- factor(data[[f]])
  words <- list(as.formula(one$formula), data = quote(data), REML = one$REML, na.action = na.exclude)
  if (one$weighted) words$weights <- quote(w)
  fit <- suppressWarnings(suppressMessages(do.call(lmer, words)))
  list(theta = I(getME(fit, "theta")), hat = unname(hatvalues(fit)), cook = unname(cooks.distance(fit)),
       rstudent = unname(rstudent(fit)))
})
cat(jsonlite::toJSON(said, digits = I(17), auto_unbox = TRUE, na = "null"))
"""
CASES = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    ("sleepstudy", "Reaction ~ poly(Days, 2) + offset(Days) + (1 | Subject)"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("Pastes", "strength ~ 1 + (1 | batch/cask)"),
    ("Machines", "score ~ Machine + (0 + Machine | Worker)"),
    ("Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)"),
    ("Oats", "yield ~ nitro * Variety + (1 | Block/Variety)"),
    ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)"),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
]
# Both subtract inner products of orthonormal columns from others: 1e2 units in the last place of 1; e / (1 - h) has the
# digits of e, which is the difference of numbers up to 1e2 times as large.
DIGITS = 1e-10


def run(rscript: str, folder: Path, script: str, asked: Any) -> Any:
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "script.R").write_text(script, encoding="utf-8")
    words = [rscript, "--vanilla", "script.R"]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(ran.stdout)


def written(folder: Path, name: str) -> tuple[pd.DataFrame, list[str]]:
    """The data with weights and one missing response, as R reads them again."""
    data = load(name).frame
    data = data.assign(w=1 + np.arange(len(data)) % 3)
    data.to_csv(folder / f"{name}.csv", index=False, float_format="%.17g")
    return data, [column for column in data if isinstance(data[column].dtype, pd.CategoricalDtype)]


def test_rows_are_lme4s(rscript: str, tmp_path: Path) -> None:
    asked, frames = [], []
    for name, formula in CASES:
        data, factors = written(tmp_path, name)
        response = formula.split(" ~ ")[0]
        data = data.astype({response: float})
        data.loc[data.index[1], response] = np.nan
        data.to_csv(tmp_path / f"{len(asked)}.csv", index=False, float_format="%.17g")
        for REML, weighted in ((True, False), (False, True)):
            one = {"formula": formula, "REML": REML, "weighted": weighted, "factors": factors}
            asked.append({**one, "data": f"{len(frames)}.csv"})
            data.to_csv(tmp_path / f"{len(frames)}.csv", index=False, float_format="%.17g")
            frames.append(data)
    for one, data, said in zip(asked, frames, run(rscript, tmp_path, SCRIPT, asked), strict=True):
        weights = data["w"] if one["weighted"] else None
        fit = lmer(one["formula"], data, REML=one["REML"], weights=weights, na_action="na.exclude")
        fit = at_theta(fit, np.atleast_1d(said["theta"]))
        for name, ours in (("hat", hatvalues(fit)), ("cook", cooks_distance(fit)), ("rstudent", rstudent(fit))):
            theirs = np.array(said[name], dtype=float)
            assert np.isnan(theirs[1]) and len(theirs) == len(data), one["formula"]
            scale = np.nanmax(np.abs(theirs))
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=DIGITS * scale, err_msg=str(one))


INFLUENCE = """
suppressMessages(library(lme4))
asked <- jsonlite::fromJSON("asked.json", simplifyVector = FALSE)
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
said <- lapply(asked, function(one) {
  data <- read.csv(one$data, stringsAsFactors = TRUE)
  for (f in one$factors) data[[f]] <- factor(data[[f]])
  words <- list(as.formula(one$formula), data = quote(data), REML = one$REML, control = tight)
  fit <- suppressWarnings(suppressMessages(do.call(lmer, words)))
  found <- suppressMessages(influence(fit, one$group, data = data))
  # Of one coefficient lme4's dfbetas fails: its standard errors come as a row.
  dfbetas <- if (ncol(found[[2]]) > 1) unname(dfbetas(found)) else dfbeta(found) / sapply(found[[6]], sqrt)
  list(deleted = as.character(found$deleted), beta = found[[2]], parts = found[[4]], names = colnames(found[[4]]),
       cook = unname(cooks.distance(found)), dfbetas = unname(dfbetas))
})
cat(jsonlite::toJSON(said, digits = I(17), auto_unbox = TRUE, na = "null"))
"""
LEFT_OUT = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", True, "Subject"),
    ("Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", False, "Worker"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", True, "sample"),
]
# lme4 fits each subset by its default optimiser, which stops where the criterion is within 1e-5 of its least, theta
# within sqrt(2e-5) of its own standard error, a component of variance thus within 1 % of it; coefficients hardly move
# with theta, at most as far in theirs.
STOPS = 5e-3


def test_refits_are_lme4s_within_what_its_optimiser_leaves(rscript: str, tmp_path: Path) -> None:
    asked = []
    for name, formula, REML, group in LEFT_OUT:
        _, factors = written(tmp_path, name)
        asked.append({"data": f"{name}.csv", "formula": formula, "REML": REML, "group": group, "factors": factors})
    for one, said in zip(asked, run(rscript, tmp_path, INFLUENCE, asked), strict=True):
        fit = lmer(one["formula"], load(one["data"].removesuffix(".csv")).frame, REML=one["REML"])
        found = influence(fit, one["group"])
        assert [str(level) for level in found.beta_without.index] == said["deleted"]
        assert list(found.components_without.columns) == said["names"]
        moved = (found.beta_without - np.array(said["beta"])).abs() / fit.se
        assert moved.max().max() < STOPS
        np.testing.assert_allclose(found.dfbetas(), said["dfbetas"], rtol=STOPS, atol=STOPS)
        np.testing.assert_allclose(found.cooks_distance(), said["cook"], rtol=STOPS, atol=STOPS)
        parts = np.array(said["parts"])
        size = np.abs(found.components).to_numpy()
        assert (np.abs(found.components_without - parts) / size).max().max() < STOPS, one
