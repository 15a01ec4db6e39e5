"""What a fit and its summary print, line for line beside R's, at lme4's own theta."""

import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import lmer, summary
from relmer.solver.fits import at_theta
from relmer.solver.fits.r_format import abbreviated, format_numbers

pytestmark = pytest.mark.live

SCRIPT = """
suppressMessages({library(lme4); library(jsonlite)})
options(width = 80)
cases <- fromJSON("asked.json", simplifyDataFrame = FALSE)
said <- lapply(cases, function(case) {
  data <- read.csv(case$data, stringsAsFactors = TRUE)
  data$w <- 1 + (seq_len(nrow(data)) - 1) %% 3
  arguments <- list(as.formula(case$formula), quote(data), REML = case$REML)
  if (case$weighted) arguments$weights <- quote(w)
  fit <- suppressMessages(suppressWarnings(do.call(lmer, arguments)))
  list(theta = I(getME(fit, "theta")), print = capture.output(print(fit)), summary = capture.output(summary(fit)))
})
cat(toJSON(said, digits = I(17), auto_unbox = TRUE))
"""
CASES = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", True, False),
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", False, False),
    ("sleepstudy", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", False, True),
    ("sleepstudy", "Reaction ~ 1 + (0 + Days | Subject)", True, False),
    ("sleepstudy", "Reaction ~ 0 + Days + (1 | Subject)", True, False),
    ("sleepstudy", "I(Reaction * 1e+06) ~ Days + (Days | Subject)", False, False),
    ("sleepstudy", "I(Reaction/1e+08) ~ Days + (1 | Subject)", True, False),
    ("sleepstudy", "Reaction ~ Days + I(2 * Days) + (1 | Subject)", True, False),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", True, False),
    ("Pastes", "strength ~ 1 + (1 | batch/cask)", False, False),
    ("Machines", "score ~ Machine + (Machine | Worker)", True, False),
    ("Machines", "score ~ Machine + (1 | Worker) + (0 + Machine | Worker)", True, True),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)", True, False),
    ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)", True, False),
    ("cake", "angle ~ recipe * factor(temperature) + (1 | recipe)", True, False),
    ("Orthodont", "distance ~ age * Sex + (age | Subject)", False, False),
    (
        "Orthodont",
        "distance ~ age + I(age^2) + I(age^3) + Sex + age:Sex + I(age^2):Sex + (1 | Subject)",
        True,
        False,
    ),
    (
        "Orthodont",
        "log(distance) ~ log(age) * Sex + sqrt(age) + exp(age/10) + I(age^2/100) + I(age^3/1000) + (1 | Subject)",
        True,
        False,
    ),
    ("Oxide", "Thickness ~ 1 + (1 | Lot/Wafer)", True, False),
    ("Oats", "yield ~ nitro + Variety + (nitro | Block)", True, False),
]
NUMBERS = [
    [0.1234567, 12.0],
    [1e5, 1.0],
    [123456.0, 1e-3],
    [1e-20, 3.0],
    [0.0, -0.5],
    [1e15, 1e-15],
    [99999.5],
    [2.5e-5],
]
NAMES = [
    ["(Intercept)", "Days", "MachineB"],
    ["recipeB:temperature", "recipeC:temperature", "temperature"],
    ["aeiou", "b c d"],
]


@pytest.fixture(scope="module")
def said(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("printing")
    asked = []
    for name, formula, REML, weighted in CASES:
        load(name).frame.to_csv(folder / f"{name}.csv", index=False)
        asked.append({"data": f"{name}.csv", "formula": formula, "REML": REML, "weighted": weighted})
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    return answer(rscript, folder, SCRIPT)


def answer(rscript: str, folder: Path, script: str) -> Any:
    (folder / "script.R").write_text(script, encoding="utf-8")
    ran = subprocess.run(
        [rscript, "--vanilla", "script.R"], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def of_R(lines: list[str]) -> list[str]:
    """Without the names of data and weights, and without the optimiser's lines, which come last."""
    kept = [line for line in lines if not line.startswith(("   Data: ", "Weights: "))]
    ends = [k for k, line in enumerate(kept) if line.startswith("optimizer (")]
    return kept[: ends[0]] if ends else kept


def of_ours(text: str) -> list[str]:
    """Without what is said beyond lme4's words."""
    beyond = ("dropped: ", "singular: ", "not converged: ", "left open ", "so these ", "and so ")
    return [line for line in text.split("\n") if not line.startswith(beyond)]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{formula}-{REML}" for _, formula, REML, _ in CASES])
def test_it_prints_as_lme4(said: list[dict[str, Any]], number: int) -> None:
    name, formula, REML, weighted = CASES[number]
    data = pd.read_csv(StringIO(load(name).frame.to_csv(index=False)))
    weights = 1 + np.arange(len(data)) % 3 if weighted else None
    fit = at_theta(lmer(formula, data, REML=REML, weights=weights), said[number]["theta"])
    assert of_ours(str(fit)) == of_R(said[number]["print"])
    assert of_ours(str(summary(fit))) == of_R(said[number]["summary"])


def test_numbers_and_names_are_spelled_as_R_does(rscript: str, tmp_path: Path) -> None:
    asked = {"numbers": NUMBERS, "names": NAMES}
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    script = """
    asked <- jsonlite::fromJSON("asked.json", simplifyVector = FALSE)
    spelled <- lapply(asked$numbers, function(x) lapply(c(3, 4, 7), function(d) I(format(unlist(x), digits = d))))
    short <- lapply(asked$names, function(x) lapply(3:11, function(m) I(unname(abbreviate(unlist(x), m)))))
    cat(jsonlite::toJSON(list(spelled = spelled, short = short), auto_unbox = TRUE))
    """
    theirs = answer(rscript, tmp_path, script)
    assert [[format_numbers(each, digits) for digits in (3, 4, 7)] for each in NUMBERS] == theirs["spelled"]
    assert [[abbreviated(each, least) for least in range(3, 12)] for each in NAMES] == theirs["short"]
