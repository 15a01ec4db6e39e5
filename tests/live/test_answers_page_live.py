"""docs/answers.md: its R scripts write answers that are judged as the page says."""

import subprocess
from pathlib import Path

import pytest
from pages import judged_as_the_page_says


def test_nlme(rscript: str, lme4_engine: object, tmp_path: Path) -> None:
    answer = judged_as_the_page_says("R: nlme", [rscript, "--vanilla"], "script.R", tmp_path)
    assert answer["case"] == "orthodont/reml"


def test_glmmtmb(rscript: str, lme4_engine: object, tmp_path: Path) -> None:
    probe = [rscript, "--vanilla", "-e", "stopifnot(requireNamespace('glmmTMB', quietly = TRUE))"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("R's package glmmTMB is not installed (Debian: r-cran-glmmtmb): its script was not run")
    answer = judged_as_the_page_says("R: glmmTMB", [rscript, "--vanilla"], "script.R", tmp_path)
    assert answer["case"] == "sleepstudy/slopes-reml"
