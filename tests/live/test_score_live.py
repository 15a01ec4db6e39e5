"""lme4's digits where another order of levels or of terms, or another optimiser, is meant than in the recordings."""

import json
import subprocess
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import case, load
from relmer.reference.certificates.records import Certificate, in_order
from relmer.reference.certificates.store import certificate_of
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.digits import exact_digits
from relmer.reports.evidence.evaluation import evaluator_of
from relmer.reports.evidence.optimality import optimality
from relmer.reports.records import Optimality

FIT = """
suppressMessages(library(lme4))
d <- read.csv("data.csv", stringsAsFactors = FALSE)
asked <- jsonlite::fromJSON("asked.json")
for (name in names(asked$levels)) d[[name]] <- factor(d[[name]], levels = asked$levels[[name]])
m <- lmer(as.formula(asked$formula), d, control = lmerControl(optimizer = asked$optimizer))
se <- sqrt(diag(as.matrix(vcov(m))))
told <- list(theta = getME(m, "theta"), beta = fixef(m), sigma = sigma(m), criterion = REMLcrit(m), se = se)
text <- sapply(names(told), function(n) sprintf('"%s": [%s]', n, paste(sprintf("%.17g", told[[n]]), collapse = ", ")))
cat("{", paste(text, collapse = ", "), "}")
"""
# Counted with another program before this one was written, to one decimal, as in tests/reports/evidence/test_score.py.
COUNTING = 0.2
SHOWN = ("theta", "beta", "sigma", "criterion", "se")


@pytest.fixture
def lme4_fit(rscript, tmp_path):
    """lme4's default REML fit of a formula to a data set whose factors have the given levels."""

    def fit(dataset: str, formula: str, levels: dict[str, list[str]], optimizer: str = "nloptwrap"):
        load(dataset).frame.to_csv(tmp_path / "data.csv", index=False)
        asked = {"formula": formula, "levels": levels, "optimizer": optimizer}
        (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        (tmp_path / "fit.R").write_text(FIT, encoding="utf-8")
        done = subprocess.run(
            [rscript, "--vanilla", "fit.R"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
        )
        return json.loads(done.stdout)

    return fit


def certificate(name: str) -> Certificate:
    found = certificate_of(case(name))
    assert found is not None
    return found


def counted(said: dict[str, list[float]], found: Certificate) -> list[float]:
    proved = in_order(found, found.double.values)
    return [exact_digits(name, said[name], [value.exact for value in proved[name]]) for name in SHOWN]


def test_pastes_by_the_nested_formula(lme4_fit) -> None:
    """(1 | batch/cask) instead of (1 | sample) + (1 | batch): the same model, rounded in another order."""
    frame = load("Pastes").frame
    levels = {name: list(frame[name].cat.categories) for name in ("batch", "cask")}
    said = lme4_fit("Pastes", "strength ~ 1 + (1 | batch/cask)", levels)
    assert counted(said, certificate("pastes/reml")) == pytest.approx((6.1, 13.5, 7.4, 14.4, 6.7), abs=COUNTING)


def test_machines_with_workers_in_the_order_of_their_numbers(lme4_fit) -> None:
    """Workers 1 to 6 instead of nlme's 6, 2, 4, 1, 3, 5: the same model, rounded in another order."""
    frame = load("Machines").frame
    levels = {name: sorted(frame[name].cat.categories) for name in ("Worker", "Machine")}
    said = lme4_fit("Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", levels)
    found = certificate("machines/nested-reml")
    assert counted(said, found) == pytest.approx((8.4, 12.7, 9.0, 15.7, 8.5), abs=COUNTING)


def test_nlminb_stops_at_a_false_minimum_of_the_star_sample(lme4_fit) -> None:
    """28 above the optimum, with no word but "singular"; the theta is that of tests/reports/evidence/test_score.py."""
    found = certificate("docs/star-sample")
    frame: pd.DataFrame = load("star_sample").frame
    levels = {name: list(map(str, frame[name].cat.categories)) for name in ("cltype", "sx", "sch", "tch")}
    said = lme4_fit("star_sample", found.formula, levels, "nlminbwrap")
    evaluator = evaluator_of(found)
    optimum = found.double.values["criterion"].exact
    gap = float(evaluator.at(said["theta"]).criterion - optimum)
    rounding = tolerances.CRITERION * evaluator.view.size
    assert gap == pytest.approx(float(Fraction(said["criterion"][0]) - optimum), abs=rounding)
    assert optimality(evaluator.view, said["theta"], gap).optimality is Optimality.FALSE
    assert np.allclose(said["theta"][:3], (0.0, -0.271453777, 0.113022348), atol=1e-6)
