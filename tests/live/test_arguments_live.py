"""lme4's arguments and own data with dates, through the engines: what reaches R is what this project reads."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import Case, data_of, keep_table
from relmer.reference.engines.paths import pls
from relmer.reference.engines.r.lme4 import Lme4
from relmer.solver import lmer

pytestmark = pytest.mark.live

ROWS = 60
# The criterion at one theta: sums of 60 terms, some hundred units in the last place of values below 1e3.
SAME = 1e-12


@pytest.fixture
def data(tmp_path: Path) -> Iterator[str]:
    """A person's own data, with missing values, a text factor and names that need backticks."""
    random = np.random.default_rng(11)
    g = random.permutation(np.repeat(np.arange(6), ROWS // 6))
    frame = pd.DataFrame(
        {
            "y": random.normal(size=6)[g] + random.normal(size=ROWS),
            "x": random.normal(1, 2, ROWS).round(2),
            "se": random.uniform(0.5, 2, ROWS).round(3),
            "exposure": random.integers(1, 9, ROWS),
            "g": [f"g{k}" for k in g],
            "dose level": random.choice(["low", "mid", "high"], ROWS),
        }
    )
    frame.loc[[4, 17], "x"] = np.nan
    frame.loc[9, "se"] = np.nan
    path = tmp_path / "mine.csv"
    frame.to_csv(path, index=False)
    folder = tmp_path / "kept"
    folder.mkdir()
    yield keep_table(path, folder)


FORMULAS = ["y ~ x + `dose level` + (1 | g)", "y ~ `dose level` * x + (0 + x | g)", "y ~ x + `dose level`"]
ARGUMENTS: list[dict[str, Any]] = [
    {"weights": "1/se^2"},
    {"weights": "exposure", "offset": "log(exposure)"},
    {"offset": "x - mean(exposure)"},
    {"subset": "x > 0 | g == 'g1'"},
    {"subset": "x > 0 & g != 'g3'", "weights": "1/se^2"},
    {"subset": "11:50"},
    {"subset": "!(x > 1)", "na_action": "na.exclude"},
    {"na_action": "na.exclude", "weights": "exposure/mean(exposure)"},
    {"na_action": "na.fail", "subset": "!is.na(x) & !is.na(se)"},
    {"contrasts": {"dose level": "contr.sum"}},
    {"contrasts": {"dose level": "contr.helmert"}, "subset": "x > -1"},
    {"levels": {"dose level": ("low", "mid", "high")}},
    {"levels": {"g": ("g5", "g3", "g1", "g0", "g2", "g4"), "dose level": ("mid", "high", "low")}},
    {"levels": {"dose level": ("high", "low", "mid")}, "contrasts": {"dose level": "contr.SAS"}, "offset": "exposure"},
]
DATED = [
    "y ~ day + (1 | day)",
    "y ~ moment + (1 | day)",
    "y ~ I(day - min(day, na.rm = TRUE)) + (1 | period)",
    "y ~ weekdays(day) + (1 | moment)",
    "y ~ as.numeric(moment) + (1 | zoned)",
    "y ~ zoned + months(zoned) + (1 | period)",
    "y ~ period + (1 | day) + (1 | period)",
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_lme4_sees_what_we_see(
    lme4_engine: Lme4, data: str, formula: str, reml: bool, arguments: dict[str, Any]
) -> None:
    case = Case("my/1", data, formula, reml, "", "", **arguments)
    ours, theirs = pls(), lme4_engine
    assert theirs.stages(case) == ours.stages(case)
    theta = [(1.0,), (0.3,)] if "|" in formula else [()]
    assert theirs.criterion(case, theta) == pytest.approx(ours.criterion(case, theta), rel=SAME)
    mine, said = ours.fit(case).estimates, theirs.fit(case).estimates
    assert len(said.fitted) == len(mine.fitted) == len(said.V_diagonal)
    # lme4 stops early by design; what follows from theta differs by as much.
    assert said.criterion == pytest.approx(mine.criterion, abs=1e-5)
    assert said.beta == pytest.approx(mine.beta, abs=1e-3)


def test_columns_of_dates_reach_r_as_it_counts_them(lme4_engine: Lme4, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    day = pd.Timestamp("2019-12-29") + pd.to_timedelta(random.integers(0, 9, ROWS), unit="D")
    moment = day + pd.to_timedelta(random.integers(0, 4, ROWS) * 6, unit="h")
    frame = pd.DataFrame(
        {
            "y": random.normal(size=ROWS),
            "day": day.date,
            "moment": moment,
            "zoned": moment.tz_localize("UTC").tz_convert("America/New_York"),
            "period": day.to_period("D"),
        }
    )
    frame.loc[3, "day"] = None
    frame.loc[5, "moment"] = pd.NaT
    monkeypatch.setattr("relmer.reference.engines.r.lme4_process.data_of", lambda case: frame)
    monkeypatch.setattr("relmer.reference.own_fits.data_of", lambda case: frame)
    weights = {"y ~ moment + (1 | day)": "as.numeric(day) - 18000"}
    for formula in DATED:
        case = Case(f"my/{formula}", "dated", formula, True, "", "", weights=weights.get(formula, ""))
        assert lme4_engine.stages(case) == pls().stages(case), formula


EXCLUDED = """
suppressMessages({library(lme4); library(jsonlite)})
d <- read.csv(commandArgs(TRUE)[1], check.names = FALSE)
fit <- lmer(y ~ x + (1 | g), d, subset = exposure > 2, na.action = na.exclude, control = lmerControl(
  optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
cat(toJSON(list(fitted = fitted(fit), residuals = residuals(fit), rows = nobs(fit)), digits = I(17), na = "null"))
"""


def test_exclude_pads_as_r_does(rscript: str, data: str, tmp_path: Path) -> None:
    script = tmp_path / "excluded.R"
    script.write_text(EXCLUDED)
    run = subprocess.run(
        [rscript, "--vanilla", str(script), str(tmp_path / "mine.csv")], capture_output=True, text=True, check=True
    )
    said = json.loads(run.stdout)
    frame = data_of(Case("my/1", data, "y ~ x", True, "", ""))
    fit = lmer("y ~ x + (1 | g)", frame, subset="exposure > 2", na_action="na.exclude")
    assert said["rows"] == [len(fit.design.y)]
    for name in ("fitted", "residuals"):
        theirs = np.array([np.nan if value is None else value for value in said[name]])
        # Both stand at the optimum to some 1e-6 of theta.
        np.testing.assert_allclose(getattr(fit, name)().to_numpy(), theirs, atol=1e-5)
