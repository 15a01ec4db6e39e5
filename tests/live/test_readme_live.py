"""The three questions of README.md: their lines, as printed, in a folder with such files."""

import json
from pathlib import Path

import numpy as np
import pytest
from pages import blocks, section, text_of, typed

STRANGER, AUDITOR, MAINTAINER = (
    block.splitlines() for block in blocks(section(text_of("README.md"), "Three questions"), "sh")
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_has_three_lines() -> None:
    assert [len(lines) for lines in (STRANGER, AUDITOR, MAINTAINER)] == [3, 3, 3]


def test_a_stranger_with_a_warning(here: Path, lme4_engine: object) -> None:
    """A year that nobody centred: lme4 stops far above the optimum, which the run shows and the proof proves."""
    random, lines = np.random.default_rng(11), ["y,year,site"]
    for site in range(24):
        level, slope = random.normal(size=2) * [6, 0.7]
        for year in range(2009, 2020):
            y = 20 + (0.35 + slope) * (year - 2014) + level + 2.5 * random.normal()
            lines.append(f"{y:.2f},{year},s{site}")
    (here / "my.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    explained, ran, proved = map(typed, STRANGER)
    assert explained is not None and ran is not None and proved is not None
    assert explained.exit_code == 1, explained.output
    assert len(explained.stdout.splitlines()) == 5
    assert "does not stand at the optimum" in explained.stdout
    assert ran.exit_code == 1, ran.output
    assert (here / "relmer-report" / "report.html").exists()
    assert proved.exit_code == 0, proved.output


def test_an_auditor_with_a_listing(here: Path) -> None:
    """The figures are the exact ones of this balanced layout; docs/judge.md has them. Then a digit is wrong."""
    asked, comment, judged = AUDITOR
    assert typed(asked).exit_code == 0
    assert typed(comment) is None
    form = json.loads((here / "sas.json").read_text(encoding="utf-8"))
    form["engine"], listing = "SAS", json.loads(blocks(text_of("docs/judge.md"), "json")[0])["figures"]
    for printed, status in (("1527.50", 0), ("1527.60", 1)):
        form["figures"] |= {**listing, "beta[(Intercept)]": printed}
        (here / "sas.json").write_text(json.dumps(form), encoding="utf-8")
        found = typed(judged)
        assert found.exit_code == status, found.output
        assert ("beta[(Intercept)]: printed 1527.60" in found.stdout) is bool(status)


def test_a_maintainer_with_two_versions(here: Path) -> None:
    moved, ran, page = map(typed, MAINTAINER)
    assert moved is not None and ran is not None and page is not None
    assert moved.exit_code == 0, moved.output
    assert "oats/reml" in moved.stdout
    assert ran.exit_code == 0, ran.output
    assert (here / "versions" / "report.html").exists()
    assert page.exit_code == 0, page.output
    assert "oats/reml" in (here / "versions.md").read_text(encoding="utf-8")
