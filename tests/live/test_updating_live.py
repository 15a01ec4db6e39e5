"""Formulas that are updated, fits by ML of REML ones, and principal components, beside R's and lme4's."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver import lmer, rePCA
from relmer.solver.fits import at_theta
from relmer.solver.language import parse, updated

pytestmark = pytest.mark.live

OLD = [
    "y ~ x + log(z) + (x | g) + (1 | h)",
    "y ~ x * w - 1 + (1 | g/h)",
    "log(y) ~ offset(z) + x + (x || g)",
    "y ~ (1 | g) + x",
]
NEW = [
    ". ~ . - x",
    ". ~ . + w",
    ". ~ . + (1 | k)",
    "log(.) ~ .",
    "~ . - 1",
    "~ . + 0",
    "sqrt(y) ~ x * w + (1 | g)",
    ". ~ . - x + w:x + (1 | k)",
    ". ~ . + (w + (1 | k))",
    ". ~ x + . - log(z)",
    ". ~ . + I(x^2)",
    ". ~ . + offset(w)",
]
TAKEN_OUT = [
    (OLD[0], ". ~ . - (1 | h)"),
    (OLD[0], ". ~ . - x - (x | g) + (1 | g)"),
    (OLD[0], "~ . - (x | g) - (1 | h) + (1 | k)"),
    (OLD[1], ". ~ . - (1 | g/h) + (x | g)"),
    (OLD[2], ". ~ . - (x || g) + (1 | g)"),
]
SCRIPT = """
asked <- jsonlite::fromJSON("asked.json", simplifyMatrix = TRUE)
texts <- apply(asked, 1, function(one)
  paste(deparse(update.formula(as.formula(one[1]), as.formula(one[2])), width.cutoff = 500), collapse = ""))
suppressMessages(library(lme4))
sleep <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
two <- lmer(Reaction ~ Days + (1 | Subject) + (0 + Days | Subject), sleepstudy)
said <- lapply(list(sleep, two), function(fit) {
  pc <- rePCA(fit)$Subject
  list(theta = unname(getME(fit, "theta")), sdev = pc$sdev, rotation = abs(pc$rotation))
})
cat(jsonlite::toJSON(list(texts = texts, said = said), digits = I(17)))
"""


@pytest.fixture(scope="module")
def by_R(rscript: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("updating")
    asked = [*([old, new] for old in OLD for new in NEW), *map(list, TAKEN_OUT)]
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    words = [rscript, "--vanilla", "-e", SCRIPT]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    return {**json.loads(ran.stdout), "asked": asked}


def read(text: str) -> tuple[str, bool, set[frozenset[str]], list[str], set[str]]:
    """What a formula says, whatever the order of its terms: R's simplification brings them into another."""
    formula = parse(text)
    terms = {frozenset(formula.fixed.names[i] for i in term) for term in formula.fixed.terms}
    bars = sorted(f"{bar.terms.intercept} {sorted(bar.terms.labels)} {bar.label}" for bar in formula.bars)
    return formula.outcome, formula.fixed.intercept, terms, bars, {str(each) for each in formula.offsets}


def test_formulas_are_rs(by_R: dict[str, Any]) -> None:
    for (old, new), text in zip(by_R["asked"], by_R["texts"], strict=True):
        assert read(updated(parse(old), new)) == read(text), f"{old}, {new}: {text}"


def test_principal_components_are_lme4s(by_R: dict[str, Any]) -> None:
    for formula, said in zip(
        ["Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)"],
        by_R["said"],
        strict=True,
    ):
        fit = at_theta(lmer(formula, load("sleepstudy").frame), said["theta"])
        ours = rePCA(fit)["Subject"]
        # Singular values and vectors of a matrix of two columns, apart by a factor of four.
        np.testing.assert_allclose(ours.sdev, said["sdev"], rtol=1e-12)
        np.testing.assert_allclose(ours.rotation.abs(), said["rotation"], atol=1e-12)
