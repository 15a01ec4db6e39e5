"""`relmer explain` on the lme4 that is here: a year as covariate, and a fit that stands."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from relmer.datasets import DATA
from relmer.reports.commands.main import main

pytestmark = pytest.mark.live


def test_a_year_stops_lme4_far_above_the_optimum(tmp_path: Path, rscript: str) -> None:
    random = np.random.default_rng(7)
    lines = []
    for site in range(24):
        level, slope = random.normal(size=2) * [6, 0.7]
        for year in range(2009, 2020):
            y = 20 + (0.35 + slope) * (year - 2014) + level + 2.5 * random.normal()
            lines.append(f"{y:.2f},{year},s{site}")
    path = tmp_path / "year.csv"
    path.write_text("\n".join(["y,year,site", *lines]) + "\n", encoding="utf-8")
    found = CliRunner().invoke(main, ["explain", "--data", str(path), "--formula", "y ~ year + (year | site)"])
    assert found.exit_code == 1, found.output
    assert len(found.output.splitlines()) == 5
    assert "does not stand at the optimum" in found.output
    assert "centre year" in found.output


def test_sleepstudy_stands(rscript: str) -> None:
    formula = "Reaction ~ Days + (Days | Subject)"
    found = CliRunner().invoke(main, ["explain", "--data", str(DATA / "sleepstudy.csv"), "--formula", formula])
    assert found.exit_code == 0, found.output
    assert "stands at the optimum" in found.output
    assert "none, and none was due" in found.output
