"""The questions of the README that lme4 answers: each line runs as it is printed, and says what is printed below it."""

import re
from pathlib import Path

from questions import answered, questions

from relmer.reference.engines.r.lme4 import Lme4

VERSION = "1.1-31"


def test_whether_a_warning_is_real(lme4_engine: Lme4, tmp_path: Path) -> None:
    """An lme4 of another version may stop elsewhere on its way down, but not at the optimum."""
    line, answer = questions()["explain"]
    found = answered(line, tmp_path)
    assert found.returncode == 1, found.stderr
    first = found.stdout.splitlines()[0]
    assert re.match(r"lme4 \S+ does not stand at the optimum: REML criterion \S+, and 608\.8524031 there, ", first)
    if lme4_engine.version() == VERSION:
        assert answer in found.stdout
        assert "SE(year) 0.0571 → 0.162, t 5 → 1.9" in found.stdout


def test_ones_own_model(lme4_engine: Lme4, tmp_path: Path) -> None:
    line, _ = questions()["run"]
    found = answered(line, tmp_path)
    assert found.returncode == 1, found.stderr
    assert f"lme4 {lme4_engine.version()} is wrong on 1 of 1 case" in found.stdout
    assert "The instrument: pls, qr and gls agree on 1 of 1 case." in found.stdout
    assert "REML criterion 608.8524031" in found.stdout
    assert (tmp_path / "relmer-report" / "report.html").exists()
