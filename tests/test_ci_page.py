"""docs/ci.md: its YAML is read, its commands run in a clean clone, and its table of --fail-on is the code's."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from relmer.reports.verdicts import FailOn

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
WORKFLOW, HOOKS = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
CASES = """
[[data]]
name = "oats"
file = "oats.csv"
[[case]]
name = "field/plain"
dataset = "oats"
formula = "yield ~ nitro + (1 | Block)"
[[case]]
name = "field/ml"
dataset = "oats"
formula = "yield ~ nitro + (1 | Block)"
reml = false
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clean clone of this repository with cases of one's own in it; an empty folder where no git is."""
    place = tmp_path / "clone"
    asked = ["git", "-c", "safe.directory=*", "clone", "-q", "--depth", "1", ROOT.as_uri(), place]
    if not (ROOT / ".git").exists() or subprocess.run(asked, check=False, capture_output=True).returncode:
        place.mkdir()
    (place / "relmer.toml").write_text(CASES, encoding="utf-8")
    (place / "oats.csv").write_bytes((ROOT / "datasets" / "data" / "Oats.csv").read_bytes())
    return place


def ran(command: str, clone: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a step of a job does."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=clone,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def steps() -> list[dict[str, str]]:
    return [step for step in WORKFLOW["jobs"]["judge"]["steps"] if "run" in step]


def test_the_workflow_is_one() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert WORKFLOW[True] == ["push", "pull_request"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for step in WORKFLOW["jobs"]["judge"]["steps"]:
        assert len({"uses", "run"} & step.keys()) == 1
    installs = [step["run"] for step in steps() if step["name"].startswith("Install")]
    assert [shlex.split(command)[0] for command in installs] == ["sudo", "python"]


def test_the_hook_runs_in_a_clean_clone(clone: Path) -> None:
    (hook,) = HOOKS["repos"][0]["hooks"]
    assert all(re.search(hook["files"], name) for name in ("relmer.toml", "data/my.csv"))
    assert not re.search(hook["files"], "README.md")
    done = ran(hook["entry"], clone)
    assert done.returncode == 0, done.stderr
    assert (clone / ".relmer-report" / "badge.json").exists()


@pytest.mark.live
def test_the_steps_of_the_workflow_run_in_a_clean_clone(clone: Path, tmp_path: Path) -> None:
    if ran("R --version && Rscript -e 'library(lme4)'", clone).returncode:
        if "lme4" in os.environ.get("RELMER_REQUIRE", ""):
            pytest.fail("RELMER_REQUIRE asks for lme4, but R with lme4 is not here", pytrace=False)
        pytest.skip("R with lme4 is not here")
    told = tmp_path / "summary"
    for step in steps():
        if not step["name"].startswith("Install"):
            done = ran(step["run"], clone, CASES="field/plain", GITHUB_STEP_SUMMARY=str(told))
            assert done.returncode == 0, done.stderr + done.stdout
            assert "::error" not in done.stdout
    assert told.read_text(encoding="utf-8") == (clone / "relmer-report" / "summary.md").read_text(encoding="utf-8")


def test_the_table_has_every_choice() -> None:
    table = PAGE[PAGE.index("| `--fail-on` |") :].partition("\n\n")[0]
    named = [word for line in table.splitlines()[2:] for word in re.findall(r"`([^`]+)`", line.split("|")[1])]
    assert sorted(named) == sorted([*map(str, FailOn), "'digits<8'"])
